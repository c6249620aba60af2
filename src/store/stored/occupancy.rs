//! The stored form of the work that integrations report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::text::Text;
use super::{FormError, parse};
use crate::domain::event::OccupancyChanged;
use crate::domain::id::{ChannelCode, SourceId};
use crate::domain::occupancy::{Occupancy, SourceWork, Work};
use crate::domain::time::Timestamp;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangedForm {
    sources: Vec<SourceForm>,
    blocks: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OccupancyForm {
    sources: Vec<SourceForm>,
    blocks: bool,
    at: i64,
    presence_since: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceForm {
    source: Text<SourceId>,
    known: bool,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    open: BTreeMap<String, u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    wrap_up: bool,
}

impl ChangedForm {
    pub(super) fn of(changed: &OccupancyChanged) -> ChangedForm {
        ChangedForm { sources: forms(&changed.sources), blocks: changed.blocks }
    }

    pub(super) fn into_domain(self) -> Result<OccupancyChanged, FormError> {
        Ok(OccupancyChanged { sources: works(self.sources)?, blocks: self.blocks })
    }
}

impl OccupancyForm {
    pub(super) fn of(occupancy: &Occupancy) -> OccupancyForm {
        OccupancyForm {
            sources: forms(&occupancy.sources),
            blocks: occupancy.blocks,
            at: occupancy.at.0,
            presence_since: occupancy.presence_since.0,
        }
    }

    pub(super) fn into_domain(self) -> Result<Occupancy, FormError> {
        Ok(Occupancy {
            sources: works(self.sources)?,
            blocks: self.blocks,
            at: Timestamp(self.at),
            presence_since: Timestamp(self.presence_since),
        })
    }
}

fn forms(sources: &[SourceWork]) -> Vec<SourceForm> {
    let form = |SourceWork { source, known, work }: &SourceWork| SourceForm {
        source: Text(source.clone()),
        known: *known,
        open: work.open.iter().map(|(channel, count)| (channel.to_string(), *count)).collect(),
        wrap_up: work.wrap_up,
    };
    sources.iter().map(form).collect()
}

fn works(forms: Vec<SourceForm>) -> Result<Box<[SourceWork]>, FormError> {
    let work = |form: SourceForm| {
        let open = form.open.iter();
        let open = open.map(|(channel, count)| Ok((parse::<ChannelCode>("a channel's code", channel)?, *count)));
        let work = Work { open: open.collect::<Result<_, FormError>>()?, wrap_up: form.wrap_up };
        Ok(SourceWork { source: form.source.0, known: form.known, work })
    };
    forms.into_iter().map(work).collect()
}
