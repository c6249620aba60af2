//! The policy as the contract describes it: types of pauses with their rules, what the employer owes, and the answers of
//! the `policy.*` methods. They are read and written by hand; tests hold these against the readers and writers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::methods::shapes::NoParams;
use super::policy_read::TYPES_MAX;
use super::scalars::{DayText, GivenId, NoneWord};
use super::state::ActorState;
use super::time::WireTime;
use super::words;
use crate::domain::entitlement::ENTITLED_COUNT_MAX;
use crate::domain::policy_check::{CAP_MAX, THRESHOLDS_MAX, WINDOWS_MAX};
use crate::domain::policy_words::{EARLY_ENDS, FULL_ENDS, LIMIT_ENDS, OCCUPIED_ENDS, STARTERS, TIMEOUT_ENDS};

/// A value of a rule, or `"none"` for the rule that there is none.
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
pub enum OrNone<T> {
    /// The value.
    Some(T),
    /// There is none.
    None(NoneWord),
}

macro_rules! with_rules {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(JsonSchema)]
        #[schemars(deny_unknown_fields)]
        pub struct $name {
            $($(#[$fdoc])* pub $field: $type,)*
            /// The time on it is paid.
            pub paid: Option<bool>,
            /// The time on it counts as work.
            pub counts_as_work: Option<bool>,
            /// The shortest time, in seconds.
            pub min_duration_s: Option<OrNone<u64>>,
            /// What an end under the shortest time does.
            #[schemars(extend("enum" = words_of(&EARLY_ENDS)))]
            pub on_early_end: Option<String>,
            /// Under how many seconds a pause counts as a slip and uses nothing up.
            pub refund_under_s: Option<u64>,
            /// The longest time, in seconds.
            pub limit_s: Option<OrNone<u64>>,
            /// How many seconds before the limit the agent is warned.
            #[schemars(length(max = THRESHOLDS_MAX))]
            pub warn_before_s: Option<Vec<u64>>,
            /// How many seconds over the limit are overlooked.
            pub grace_s: Option<u64>,
            /// What the limit does.
            #[schemars(extend("enum" = words_of(&LIMIT_ENDS)))]
            pub on_limit: Option<String>,
            /// After how many seconds over the limit it is told again.
            #[schemars(length(max = THRESHOLDS_MAX))]
            pub escalate_after_s: Option<Vec<u64>>,
            /// When it may be started, in the agent's zone; empty: always.
            #[schemars(length(max = WINDOWS_MAX))]
            pub windows: Option<Vec<WindowObject>>,
            /// How many seconds before a window the line for it opens.
            pub queue_opens_before_s: Option<u64>,
            /// For how many seconds from the start of the shift it may not be started.
            pub not_in_first_s: Option<u64>,
            /// For how many seconds up to the end of the shift it may not be started.
            pub not_in_last_s: Option<u64>,
            /// How often it may be taken in a shift.
            pub quota_count: Option<OrNone<u32>>,
            /// For how many seconds it may be taken in a shift.
            pub quota_time_s: Option<OrNone<u64>>,
            /// How many seconds after the last one of the type the next may start.
            pub cooldown_s: Option<u64>,
            /// How many seconds after the last one of any type it may start.
            pub cooldown_any_s: Option<u64>,
            /// How many of a team may be on it at once.
            #[schemars(with = "Option<BTreeMap<String, CapObject>>")]
            pub cap: Option<BTreeMap<String, CapObject>>,
            /// What a start leads to while there is no slot.
            #[schemars(extend("enum" = words_of(&FULL_ENDS)))]
            pub when_full: Option<String>,
            /// Somebody has to agree to each pause.
            pub approval: Option<OrNone<ApprovalObject>>,
            /// What a start leads to while work is open.
            #[schemars(extend("enum" = words_of(&OCCUPIED_ENDS)))]
            pub when_occupied: Option<String>,
            /// Who starts it.
            #[schemars(extend("enum" = words_of(&STARTERS)))]
            pub startable_by: Option<String>,
        }
    };
}

with_rules! {
    /// A type of pause. A field that is absent has its default.
    PauseTypeObject {
        /// Its code, which never changes its meaning.
        code: GivenId,
        /// What people call it, by locale.
        name: BTreeMap<String, String>,
        /// What it is for, by locale.
        description: Option<BTreeMap<String, String>>,
        /// The name of an icon.
        icon: Option<String>,
        /// A colour, `#rrggbb`.
        color: Option<String>,
        /// Where in the menu.
        position: Option<i32>,
        /// False: it is not offered.
        enabled: Option<bool>,
        /// True to archive it; never in an answer.
        archived: Option<bool>,
        /// When it was archived.
        archived_at: Option<WireTime>,
        /// What it is to the company; `regular`, if nothing is said.
        #[schemars(extend("enum" = words::classes()))]
        class: Option<String>,
        /// The teams that it is offered to; all, if nothing is said.
        teams: Option<TeamsObject>,
        /// Other rules for some.
        overrides: Option<Vec<OverrideObject>>,
    }
}

with_rules! {
    /// Other rules of a type for a team or for an agent.
    OverrideObject {
        /// For whom: a team, or else `agent`.
        team: Option<GivenId>,
        /// For whom: an agent, or else `team`.
        agent: Option<GivenId>,
        /// The first day.
        from: Option<DayText>,
        /// The last day.
        until: Option<DayText>,
        /// Why.
        reason: String,
    }
}

/// The teams that a type is offered to: `"all"`, or a list.
pub struct TeamsObject;

impl JsonSchema for TeamsObject {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TeamsObject".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let team = generator.subschema_for::<GivenId>();
        json_schema!({"anyOf": [{"type": "string", "const": "all"}, {"type": "array", "items": team, "minItems": 1}]})
    }
}

/// Days of the week: a text such as `mon-fri`, or a list.
pub struct DaysObject;

impl JsonSchema for DaysObject {
    fn schema_name() -> Cow<'static, str> {
        "DaysObject".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let day = json_schema!({"type": "string", "enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]});
        json_schema!({
            "description": "Days of the week: a text such as `mon-fri`, or a list.",
            "anyOf": [{"type": "string", "examples": ["mon-fri"]}, {"type": "array", "items": day}],
        })
    }
}

/// A window of local time.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct WindowObject {
    /// The days on which it opens; every day, if nothing is said.
    pub days: Option<DaysObject>,
    /// When it opens, `11:30`.
    pub from: String,
    /// When it closes; the next day, when that is earlier.
    pub until: String,
}

/// Somebody has to agree.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ApprovalObject {
    /// For how many seconds it is waited for.
    pub timeout_s: Option<u64>,
    /// What becomes of it then.
    #[schemars(extend("enum" = words_of(&TIMEOUT_ENDS)))]
    pub then: Option<String>,
}

/// How many of a team may be away at once.
pub struct CapObject;

impl JsonSchema for CapObject {
    fn schema_name() -> Cow<'static, str> {
        "CapObject".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |name: &str, max: u32| {
            json_schema!({
                "type": "object",
                "properties": {name: {"type": "integer", "minimum": 1, "maximum": max}},
                "required": [name],
                "additionalProperties": false,
            })
        };
        json_schema!({
            "description": "How many of a team may be away at once: a number, a part of it, or all but some.",
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": CAP_MAX},
                one("percent", 100),
                one("keep_available", CAP_MAX),
            ],
        })
    }
}

/// What the employer owes.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EntitlementRuleObject {
    /// Its id.
    pub id: GivenId,
    /// The code of the type that it is a rule of.
    pub r#type: GivenId,
    /// It is owed in shifts that are planned longer than so many seconds.
    pub planned_shift_over_s: Option<u64>,
    /// It is owed in shifts that are planned no longer than so many seconds.
    pub planned_shift_up_to_s: Option<u64>,
    /// How many are owed; one, if nothing is said.
    #[schemars(range(min = 1, max = ENTITLED_COUNT_MAX))]
    pub count: Option<u32>,
    /// The shortest time that counts, in seconds.
    pub min_s: u64,
    /// Where in the shift.
    pub window: Option<EntitlementWindowObject>,
}

/// Where in a shift an entitlement has to be.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct EntitlementWindowObject {
    /// Not for so many seconds from its start.
    pub after_start_s: Option<u64>,
    /// Not for so many seconds up to its end.
    pub before_end_s: Option<u64>,
}

/// A draft in short.
#[derive(JsonSchema)]
pub struct DraftHead {
    /// The version that it was written on top of.
    pub base_version: u64,
    /// When it was written.
    pub at: WireTime,
    /// Who wrote it.
    pub by: ActorState<'static>,
    /// What was written to it.
    pub note: Option<String>,
}

/// What waits for its day.
#[derive(JsonSchema)]
pub struct ScheduledObject {
    /// When it takes effect.
    pub takes_effect_at: WireTime,
    /// Running pauses get the longer limits.
    pub loosen_only: bool,
    /// Who published it.
    pub by: ActorState<'static>,
    /// Why.
    pub reason: String,
    /// The draft.
    pub draft: DraftHead,
    /// What is different from the version in force.
    pub difference: Vec<TypeDifference>,
}

/// What is different in a type.
#[derive(JsonSchema)]
pub struct TypeDifference {
    /// Its code.
    pub r#type: String,
    /// What happens to it.
    #[schemars(extend("enum" = ["added", "changed", "removed"]))]
    pub change: String,
    /// Field by field.
    pub fields: Option<Vec<FieldDifference>>,
}

/// What is different in a field.
#[derive(JsonSchema)]
pub struct FieldDifference {
    /// Its name.
    pub field: String,
    /// What it is.
    pub before: Option<Value>,
    /// What it will be.
    pub after: Option<Value>,
}

/// The result of `policy.get`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum PolicyShown {
    /// A version.
    Version(Box<PolicyVersionShown>),
    /// The draft.
    Draft(Box<PolicyDraftShown>),
}

/// A version of the policy.
#[derive(JsonSchema)]
pub struct PolicyVersionShown {
    /// Its number.
    pub version: u64,
    /// Since when it is in force, or was.
    pub in_force_since: Option<WireTime>,
    /// Who published it.
    pub published_by: Option<ActorState<'static>>,
    /// Why.
    pub reason: Option<String>,
    /// Its types, in the order of the menu.
    #[schemars(length(max = TYPES_MAX))]
    pub types: Vec<PauseTypeObject>,
    /// What the employer owes.
    pub entitlement_rules: Vec<EntitlementRuleObject>,
    /// The draft on top of it.
    pub draft: Option<DraftHead>,
    /// What waits for its day.
    pub scheduled: Option<ScheduledObject>,
}

/// The draft, whole.
#[derive(JsonSchema)]
pub struct PolicyDraftShown {
    /// The draft in short.
    pub draft: DraftHead,
    /// Its types, in the order of the menu.
    pub types: Vec<PauseTypeObject>,
    /// What the employer owes.
    pub entitlement_rules: Vec<EntitlementRuleObject>,
    /// What is different from the version in force.
    pub difference: Vec<TypeDifference>,
}

/// The result of `policy.versions`.
#[derive(JsonSchema)]
pub struct PolicyVersionsPage {
    /// The last one first.
    pub versions: Vec<PolicyVersionRow>,
    /// Where to go on, where there are more.
    pub next_cursor: Option<String>,
}

/// A version in short.
#[derive(JsonSchema)]
pub struct PolicyVersionRow {
    /// Its number.
    pub version: u64,
    /// When it was published.
    pub at: WireTime,
    /// Who published it.
    pub actor: ActorState<'static>,
    /// Why it happened.
    #[schemars(extend("enum" = words::causes()))]
    pub cause: String,
    /// What was written to it.
    pub reason: Option<String>,
    /// What it does to the one before.
    pub summary: PolicySummary,
}

/// How many types a version adds, changes and removes.
#[derive(JsonSchema)]
pub struct PolicySummary {
    /// New ones.
    pub added: u64,
    /// Changed ones.
    pub changed: u64,
    /// Archived ones.
    pub removed: u64,
}

/// The result of `policy.put_draft`.
#[derive(JsonSchema)]
pub struct PolicyDrafted {
    /// The draft in short.
    pub draft: DraftHead,
    /// What is different from the version in force; absent of a draft that another has replaced since.
    pub difference: Option<Vec<TypeDifference>>,
}

/// The result of `policy.publish`.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum PolicyPublished {
    /// It is published, or planned.
    Published(PolicyTakesEffect),
    /// What waited is withdrawn.
    Withdrawn(PolicyWithdrawn),
    /// What waited is withdrawn, and there is no draft.
    Nothing(NoParams),
}

/// A policy that is published, or planned.
#[derive(JsonSchema)]
pub struct PolicyTakesEffect {
    /// When it takes effect.
    pub takes_effect_at: WireTime,
    /// Its number; absent while it waits.
    pub version: Option<u64>,
    /// Who is on a pause of a type that changes, or waits for one.
    pub affected: PolicyAffected,
}

/// What waited is withdrawn.
#[derive(JsonSchema)]
pub struct PolicyWithdrawn {
    /// What it is again.
    pub draft: DraftHead,
}

/// Who is on a pause of a type that changes, or waits for one.
#[derive(JsonSchema)]
pub struct PolicyAffected {
    /// How many are on one.
    pub paused: u64,
    /// How many stand in line for one.
    pub queued: u64,
    /// How many begin one when their work ends.
    pub pending: u64,
    /// Who, the first 100 by id.
    pub agents: Vec<String>,
}

/// The result of `policy.dry_run`.
#[derive(JsonSchema)]
pub struct DryRunReport {
    /// The version in force.
    pub version: u64,
    /// The draft that was held against the record.
    pub draft: DraftHead,
    /// The first day.
    pub from: DayText,
    /// The last day.
    pub to: DayText,
    /// How many starts were looked at.
    pub starts: u64,
    /// How many refusals were looked at.
    pub refusals: u64,
    /// Pauses that would not have begun.
    pub refused: DryRunTally,
    /// Pauses that would have waited in line.
    pub queued: DryRunTally,
    /// Pauses that would have waited for the end of work.
    pub pending: DryRunTally,
    /// Pauses that somebody would have had to agree to.
    pub requested: DryRunTally,
    /// Those of `refused` that are entitlements.
    pub entitlements_lost: DryRunTally,
    /// Refused starts that would not have been.
    pub let_through: DryRunTally,
    /// Of how many nothing is said.
    pub unclear: u64,
}

/// How many, and of which.
#[derive(JsonSchema)]
pub struct DryRunTally {
    /// In all.
    pub total: u64,
    /// By the code of the rule.
    pub by_code: Vec<DryRunCount>,
    /// By the type of pause.
    pub by_type: Vec<DryRunCount>,
    /// By the team.
    pub by_team: Vec<DryRunCount>,
    /// By the local hour.
    pub by_hour: Vec<DryRunCount>,
    /// By all of them at once, the 200 most frequent first.
    pub rows: Vec<DryRunCount>,
    /// How many rows are left out.
    pub rows_left_out: Option<u64>,
}

/// How many of one kind.
#[derive(JsonSchema)]
pub struct DryRunCount {
    /// The code of the rule.
    pub code: Option<String>,
    /// The code of the type.
    pub r#type: Option<String>,
    /// The team; absent of who has none.
    pub team: Option<String>,
    /// The local hour, 0 to 23.
    pub hour: Option<u32>,
    /// How many.
    pub count: u64,
}

fn words_of<T>(words: &[(&'static str, T)]) -> Vec<&'static str> {
    words.iter().map(|(word, _)| *word).collect()
}
