//! The stored form of a pause type: a row of its own, so that the store itself can refuse rules on
//! a protected one. A policy version is its rows.

use std::collections::BTreeMap;

use chrono::{NaiveTime, Weekday};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::entitlement::EntitlementRuleForm;
use super::event::type_code;
use super::overrides::OverrideForm;
use super::word::{AtTimeoutForm, OnEarlyEndForm, OnLimitForm, StartableByForm, WhenFullForm, WhenOccupiedForm};
use super::{FORM, FormError, Hash, Refer, Resolve, from_ms, not, parse, read_json, to_ms, write_json};
use crate::domain::id::TeamId;
use crate::domain::policy::{Approval, Cap, PauseKind, PauseRules, PauseType, QUEUE_OPENS_BEFORE};
use crate::domain::schedule::{WeekDays, Window};
use crate::domain::time::Timestamp;

/// A pause type's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseTypeForm {
    pub(crate) code: String,
    pub(crate) class: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) color: Option<String>,
    /// [`DisplayForm`] as JSON.
    pub(crate) body: String,
    /// [`RulesForm`] as JSON; a protected type has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rules: Option<String>,
}

impl PauseTypeForm {
    pub(crate) fn of(pause_type: &PauseType, refer: &mut dyn Refer) -> PauseTypeForm {
        PauseTypeForm {
            code: pause_type.code.to_string(),
            class: pause_type.kind.class().as_str().to_owned(),
            color: pause_type.color.clone(),
            body: write_json(&DisplayForm::of(pause_type)),
            rules: pause_type.kind.rules().map(|rules| write_json(&RulesForm::of(rules, refer))),
        }
    }

    pub(crate) fn into_domain(self, resolve: &dyn Resolve) -> Result<PauseType, FormError> {
        let display: DisplayForm = read_json(FORM, &self.body)?;
        let rules = self.rules.as_deref().map(|rules| read_json::<RulesForm>(FORM, rules)).transpose()?;
        let kind = match (self.class.as_str(), rules) {
            ("regular", Some(rules)) => PauseKind::Regular(rules.into_domain(resolve)?),
            ("entitlement", Some(rules)) => PauseKind::Entitlement(rules.into_domain(resolve)?),
            ("protected", None) => PauseKind::Protected,
            (_, _) => return Err(not("a class that fits its rules", self.class, "unknown, or they do not fit")),
        };
        Ok(PauseType {
            code: type_code(&self.code)?,
            name: display.name,
            description: display.description,
            icon: display.icon,
            color: self.color,
            position: display.position,
            enabled: display.enabled,
            archived_at: display.archived_at.map(Timestamp),
            teams: display
                .teams
                .map(|teams| teams.iter().map(|team| parse::<TeamId>("a team's id", team)).collect())
                .transpose()?,
            kind,
        })
    }

    /// The hash of a policy's rows, in the order of their codes; each part with its length first.
    pub(crate) fn hash_all<'a>(version: u64, rows: impl IntoIterator<Item = &'a PauseTypeForm>) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(version.to_be_bytes());
        for row in rows {
            let parts = [Some(&row.code), Some(&row.class), row.color.as_ref(), Some(&row.body), row.rules.as_ref()];
            for part in parts {
                match part {
                    Some(part) => {
                        hasher.update([1]);
                        hasher.update((part.len() as u64).to_be_bytes());
                        hasher.update(part);
                    }
                    None => hasher.update([0]),
                }
            }
        }
        Hash(hasher.finalize().into())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DisplayForm {
    name: BTreeMap<String, String>,
    description: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    icon: Option<String>,
    position: i32,
    enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archived_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    teams: Option<Vec<String>>,
}

impl DisplayForm {
    fn of(pause_type: &PauseType) -> DisplayForm {
        DisplayForm {
            name: pause_type.name.clone(),
            description: pause_type.description.clone(),
            icon: pause_type.icon.clone(),
            position: pause_type.position,
            enabled: pause_type.enabled,
            archived_at: pause_type.archived_at.map(|at| at.0),
            teams: pause_type.teams.as_ref().map(|teams| teams.iter().map(TeamId::to_string).collect()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RulesForm {
    paid: bool,
    counts_as_work: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_ms: Option<u64>,
    on_early_end: OnEarlyEndForm,
    refund_under_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit_ms: Option<u64>,
    warn_before_ms: Vec<u64>,
    grace_ms: u64,
    on_limit: OnLimitForm,
    escalate_after_ms: Vec<u64>,
    windows: Vec<WindowForm>,
    #[serde(default = "queue_opens_before", skip_serializing_if = "is_quarter_of_an_hour")]
    queue_opens_before_ms: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    not_in_first_ms: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    not_in_last_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quota_count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quota_time_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    cooldown_ms: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    cooldown_any_ms: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    cap: BTreeMap<String, CapForm>,
    #[serde(default = "queue")]
    when_full: WhenFullForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval: Option<ApprovalForm>,
    #[serde(default = "defer")]
    when_occupied: WhenOccupiedForm,
    startable_by: StartableByForm,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    owed: Vec<EntitlementRuleForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    overrides: Vec<OverrideForm>,
}

fn queue_opens_before() -> u64 {
    to_ms(QUEUE_OPENS_BEFORE)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_quarter_of_an_hour(ms: &u64) -> bool {
    *ms == queue_opens_before()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(ms: &u64) -> bool {
    *ms == 0
}

fn queue() -> WhenFullForm {
    WhenFullForm::Queue
}

fn defer() -> WhenOccupiedForm {
    WhenOccupiedForm::Defer
}

impl RulesForm {
    pub(super) fn of(rules: &PauseRules, refer: &mut dyn Refer) -> RulesForm {
        RulesForm {
            paid: rules.paid,
            counts_as_work: rules.counts_as_work,
            min_ms: rules.min_duration.map(to_ms),
            on_early_end: rules.on_early_end.into(),
            refund_under_ms: to_ms(rules.refund_under),
            limit_ms: rules.limit.map(to_ms),
            warn_before_ms: rules.warn_before.iter().copied().map(to_ms).collect(),
            grace_ms: to_ms(rules.grace),
            on_limit: rules.on_limit.into(),
            escalate_after_ms: rules.escalate_after.iter().copied().map(to_ms).collect(),
            windows: rules.windows.iter().map(WindowForm::of).collect(),
            queue_opens_before_ms: to_ms(rules.queue_opens_before),
            not_in_first_ms: to_ms(rules.not_in_first),
            not_in_last_ms: to_ms(rules.not_in_last),
            quota_count: rules.quota_count,
            quota_time_ms: rules.quota_time.map(to_ms),
            cooldown_ms: to_ms(rules.cooldown),
            cooldown_any_ms: to_ms(rules.cooldown_any),
            when_full: rules.when_full.into(),
            approval: rules.approval.map(ApprovalForm::of),
            when_occupied: rules.when_occupied.into(),
            cap: rules.cap.iter().map(|(team, cap)| (team.to_string(), CapForm::of(*cap))).collect(),
            startable_by: rules.startable_by.into(),
            owed: rules.owed.iter().map(EntitlementRuleForm::of).collect(),
            overrides: rules.overrides.iter().map(|one| OverrideForm::of(one, refer)).collect(),
        }
    }

    pub(super) fn into_domain(self, resolve: &dyn Resolve) -> Result<PauseRules, FormError> {
        Ok(PauseRules {
            paid: self.paid,
            counts_as_work: self.counts_as_work,
            min_duration: self.min_ms.map(from_ms),
            on_early_end: self.on_early_end.into(),
            refund_under: from_ms(self.refund_under_ms),
            limit: self.limit_ms.map(from_ms),
            warn_before: self.warn_before_ms.into_iter().map(from_ms).collect(),
            grace: from_ms(self.grace_ms),
            on_limit: self.on_limit.into(),
            escalate_after: self.escalate_after_ms.into_iter().map(from_ms).collect(),
            windows: self.windows.into_iter().map(WindowForm::into_domain).collect::<Result<_, FormError>>()?,
            queue_opens_before: from_ms(self.queue_opens_before_ms),
            not_in_first: from_ms(self.not_in_first_ms),
            not_in_last: from_ms(self.not_in_last_ms),
            quota_count: self.quota_count,
            quota_time: self.quota_time_ms.map(from_ms),
            cooldown: from_ms(self.cooldown_ms),
            cooldown_any: from_ms(self.cooldown_any_ms),
            when_full: self.when_full.into(),
            approval: self.approval.map(ApprovalForm::into_domain),
            when_occupied: self.when_occupied.into(),
            cap: self
                .cap
                .iter()
                .map(|(team, cap)| Ok((parse::<TeamId>("a team's id", team)?, cap.into_domain())))
                .collect::<Result<_, FormError>>()?,
            startable_by: self.startable_by.into(),
            owed: self.owed.into_iter().map(EntitlementRuleForm::into_domain).collect(),
            overrides: self
                .overrides
                .into_iter()
                .map(|one| one.into_domain(resolve))
                .collect::<Result<_, FormError>>()?,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovalForm {
    timeout_ms: u64,
    then: AtTimeoutForm,
}

impl ApprovalForm {
    fn of(approval: Approval) -> ApprovalForm {
        ApprovalForm { timeout_ms: to_ms(approval.timeout), then: approval.at_timeout.into() }
    }

    fn into_domain(self) -> Approval {
        Approval { timeout: from_ms(self.timeout_ms), at_timeout: self.then.into() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum CapForm {
    AtMost(u32),
    Percent(u8),
    KeepAvailable(u32),
}

impl CapForm {
    fn of(cap: Cap) -> CapForm {
        match cap {
            Cap::AtMost(most) => CapForm::AtMost(most),
            Cap::Percent(percent) => CapForm::Percent(percent),
            Cap::KeepAvailable(least) => CapForm::KeepAvailable(least),
        }
    }

    fn into_domain(self) -> Cap {
        match self {
            CapForm::AtMost(most) => Cap::AtMost(most),
            CapForm::Percent(percent) => Cap::Percent(percent),
            CapForm::KeepAvailable(least) => Cap::KeepAvailable(least),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowForm {
    days: Vec<String>,
    from: String,
    until: String,
}

impl WindowForm {
    fn of(window: &Window) -> WindowForm {
        WindowForm {
            days: window.days().iter().map(|day| day.to_string().to_lowercase()).collect(),
            from: window.from().to_string(),
            until: window.until().to_string(),
        }
    }

    fn into_domain(self) -> Result<Window, FormError> {
        let days: Vec<Weekday> = self
            .days
            .iter()
            .map(|day| day.parse().map_err(|_| not("a day of the week", day.clone(), "unknown")))
            .collect::<Result<_, FormError>>()?;
        let from = parse::<NaiveTime>("a time of day", &self.from)?;
        let until = parse::<NaiveTime>("a time of day", &self.until)?;
        Window::new(WeekDays::of(days), from, until)
            .map_err(|error| not("a window", format!("{from}-{until}"), &error.to_string()))
    }
}
