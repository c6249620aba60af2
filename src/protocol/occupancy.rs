//! What routers send and ask: occupancy in, routable out.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::error::WireError;
use super::params::{Fields, FromField};
use super::time::WireTime;
use super::words;
use crate::domain::id::{AgentId, ChannelCode, SourceId};
use crate::domain::occupancy::{LEASE, LEASE_MAX, OPEN_MAX, Report, Work};
use crate::domain::presence::{AgentView, NotRoutable};
use crate::domain::time::Timestamp;

/// The most agents that one set may name.
pub const AGENTS_PER_SET_MAX: usize = 20_000;

/// A source's whole set: of whom it does not name it knows nothing open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportSet {
    /// The integration.
    pub source: SourceId,
    /// Its own number of the set.
    pub seq: u64,
    /// For how long it holds.
    pub ttl: Duration,
    /// By agent.
    pub reports: BTreeMap<AgentId, Report>,
}

/// Reads what an integration says of one agent: `source`, `seq`, `ttl_s?`, `channels?`, `wrap_up?`.
///
/// # Errors
/// [`WireError`] that names the first field that is not what it should be.
pub fn read_report(fields: &mut Fields) -> Result<Report, WireError> {
    let (source, seq) = (fields.required("source")?, fields.required("seq")?);
    let ttl = lease(fields)?;
    Ok(Report { source, seq, ttl, work: work(fields)?, anew: None })
}

/// Reads a source's whole set that came in `now`: `source`, `seq`, `ttl_s?`, `agents: {id: {channels?, wrap_up?}}`.
///
/// # Errors
/// [`WireError`] that names the first field that is not what it should be.
pub fn read_set(mut fields: Fields, now: Timestamp) -> Result<ReportSet, WireError> {
    let (source, seq): (SourceId, u64) = (fields.required("source")?, fields.required("seq")?);
    let ttl = lease(&mut fields)?;
    let agents: Object = fields.required("agents")?;
    fields.finish()?;
    if agents.0.len() > AGENTS_PER_SET_MAX {
        return Err(WireError::invalid_params("agents", &format!("may name at most {AGENTS_PER_SET_MAX} agents")));
    }
    let mut reports = BTreeMap::new();
    for (id, said) in agents.0 {
        let named = |why: &str| WireError::invalid_params(&format!("agents.{id}"), why);
        let agent = AgentId::from_field(Value::String(id.clone())).map_err(|why| named(&why))?;
        let Object(said) = Object::from_field(said).map_err(|why| named(&why))?;
        let mut said = Fields::nested(said, format!("agents.{id}."));
        let work = work(&mut said)?;
        said.finish()?;
        reports.insert(agent, Report { source: source.clone(), seq, ttl, work, anew: Some(now) });
    }
    Ok(ReportSet { source, seq, ttl, reports })
}

fn lease(fields: &mut Fields) -> Result<Duration, WireError> {
    let Some(ttl) = fields.optional::<u64>("ttl_s")?.map(Duration::from_secs) else { return Ok(LEASE) };
    if ttl.is_zero() || ttl > LEASE_MAX {
        return Err(fields.invalid("ttl_s", &format!("must be from 1 to {}", LEASE_MAX.as_secs())));
    }
    Ok(ttl)
}

fn work(fields: &mut Fields) -> Result<Work, WireError> {
    let mut open = BTreeMap::new();
    let Object(channels) = fields.optional("channels")?.unwrap_or_default();
    for (code, count) in channels {
        let name = format!("channels.{code}");
        let channel = ChannelCode::from_field(Value::String(code)).map_err(|why| fields.invalid(&name, &why))?;
        let count = u64::from_field(count).map_err(|why| fields.invalid(&name, &why))?;
        let count = u32::try_from(count).ok().filter(|count| *count <= OPEN_MAX);
        let count = count.ok_or_else(|| fields.invalid(&name, &format!("must be from 0 to {OPEN_MAX}")))?;
        open.insert(channel, count);
    }
    Ok(Work::of(&open, fields.optional("wrap_up")?.unwrap_or(false)))
}

#[derive(Debug, Default)]
struct Object(Map<String, Value>);

impl FromField for Object {
    fn from_field(value: Value) -> Result<Object, String> {
        match value {
            Value::Object(map) => Ok(Object(map)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err("must be an object".to_owned())
            }
        }
    }
}

/// The answer to who may get work.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RoutableAnswer<'a> {
    /// Somebody may.
    pub routable: bool,
    /// Why nobody may: of the one who is nearest to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words::reasons_not_routable()))]
    pub reason: Option<&'static str>,
    /// Who may, the longest ready first.
    pub agents: Vec<RoutableAgent<'a>>,
}

/// One who may get work.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RoutableAgent<'a> {
    /// The agent.
    pub agent: &'a str,
    /// The number to send back in `If-Match`, so that one who has moved on meanwhile is not taken.
    pub version: u64,
    /// Since when they are as they are.
    pub presence_since: WireTime,
    /// Their open conversations by channel.
    pub occupancy: BTreeMap<&'a str, u32>,
}

impl<'a> RoutableAgent<'a> {
    /// One who may get work.
    pub fn of(view: &'a AgentView) -> RoutableAgent<'a> {
        RoutableAgent {
            agent: view.person.id.as_str(),
            version: view.version.0,
            presence_since: WireTime(view.presence_since),
            occupancy: view.load.open.iter().map(|(channel, open)| (channel.as_str(), *open)).collect(),
        }
    }
}

impl<'a> RoutableAnswer<'a> {
    /// The answer for these, each with why not where they may not; `none` where there is nobody at all.
    pub fn of(
        asked: impl IntoIterator<Item = (&'a AgentView, Option<NotRoutable>)>,
        none: NotRoutable,
    ) -> RoutableAnswer<'a> {
        let (mut able, mut nearest) = (Vec::new(), None);
        for (view, why_not) in asked {
            match why_not {
                None => able.push(view),
                Some(why) => nearest = nearest.max(Some(why)),
            }
        }
        able.sort_by(|a, b| (a.presence_since, &a.person.id).cmp(&(b.presence_since, &b.person.id)));
        let reason = able.is_empty().then(|| nearest.unwrap_or(none).as_str());
        let agents: Vec<RoutableAgent<'_>> = able.into_iter().map(RoutableAgent::of).collect();
        RoutableAnswer { routable: !agents.is_empty(), reason, agents }
    }
}
