//! The company that is simulated: eight agents in three teams, and one type of pause for each rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveTime;
use intervalo::domain::command::Actor;
use intervalo::domain::directory::{Channel, Directory, Person, Team, Tenant};
use intervalo::domain::entitlement::EntitlementRule;
use intervalo::domain::event::{Cause, TenantEvent, TenantEventBody};
use intervalo::domain::id::{
    AgentId, ChannelCode, DirectoryVersion, EntitlementRuleId, PauseTypeCode, PolicyVersion, TeamId, TenantId,
    TenantSeq,
};
use intervalo::domain::overrides::{OverrideFor, RuleField, RuleOverride};
use intervalo::domain::policy::{
    Approval, AtTimeout, Cap, OnEarlyEnd, OnLimit, PauseKind, PauseRules, PauseType, Policy, StartableBy, WhenOccupied,
};
use intervalo::domain::schedule::{WeekDays, Window};
use intervalo::domain::time::{Timestamp, minutes, seconds};
use intervalo::ports::{Batch, Entry, EntryBody, Journal, ShardId, ShardSeq, TenantDefinition};
use intervalo::store::MemoryJournal;

/// How many agents there are.
pub(crate) const AGENTS: u64 = 8;
/// How many teams there are.
pub(crate) const TEAMS: u64 = 3;

/// The codes of all types, and one that there is not.
pub(crate) const CODES: [&str; 16] = [
    "cafe", "curta", "volta", "saida", "lanche", "almoco", "jantar", "banheiro", "chefe", "medico", "nenhuma", "hora",
    "descanso", "descanso", "ponta", "ponta",
];

/// How long a shift is taken to last.
pub(crate) const SHIFT: Duration = minutes(20);
/// How long somebody is gone whose pause is taken for abandoned.
pub(crate) const ABANDON_AFTER: Duration = minutes(45);
/// How many rests are owed in it.
pub(crate) const RESTS: u32 = 2;
/// What is owed more rests than those.
pub(crate) const LONG_SHIFT: Duration = minutes(50);
/// How many.
pub(crate) const RESTS_OF_LONG: u32 = 3;
/// How long each has to be.
pub(crate) const REST: Duration = seconds(30);
/// For how long after the beginning of the shift, and before its end, it is none of those.
pub(crate) const REST_FROM: Duration = seconds(20);
/// For how many minutes of each hour `hora` is open.
pub(crate) const OPEN_MINUTES: i64 = 20;
/// Who has a limit of their own on `curta`.
pub(crate) const OWN_LIMIT: Duration = seconds(25);

pub(crate) fn tenant() -> TenantId {
    TenantId::new("acme").expect("an id")
}

pub(crate) fn shard() -> ShardId {
    ShardId::of_new_tenant(&tenant())
}

pub(crate) fn agent(number: u64) -> AgentId {
    AgentId::new(&format!("a{number}")).expect("an id")
}

pub(crate) fn team(number: u64) -> TeamId {
    TeamId::new(&format!("t{number}")).expect("an id")
}

pub(crate) fn code(text: &str) -> PauseTypeCode {
    PauseTypeCode::new(text).expect("a code")
}

/// The first directory: everybody in a team, some in two.
pub(crate) fn directory() -> Directory {
    let person = |number: u64| {
        let mut teams = vec![team(number % TEAMS)];
        if number.is_multiple_of(2) {
            teams.push(team((number + 1) % TEAMS));
        }
        let id = agent(number);
        (
            id.clone(),
            Arc::new(Person {
                id,
                name: format!("Agent {number}"),
                teams,
                zone: None,
                capacity: BTreeMap::new(),
                left_at: None,
            }),
        )
    };
    let a_team = |number: u64| (team(number), Team { id: team(number), name: format!("Team {number}"), zone: None });
    let acme = Tenant::new(tenant(), "Acme".to_owned(), chrono_tz::Europe::Berlin);
    Directory {
        version: DirectoryVersion(1),
        tenant: Tenant { default_shift: SHIFT, abandon_after: ABANDON_AFTER, ..acme },
        teams: (0..TEAMS).map(a_team).collect(),
        agents: (0..AGENTS).map(person).collect(),
        closing: None,
        channels: [("voice", true, 1), ("chat", false, 2)].into_iter().map(channel).collect(),
    }
}

fn channel((code, blocks_pause, capacity): (&str, bool, u32)) -> (ChannelCode, Channel) {
    let code = ChannelCode::new(code).expect("a code");
    let name = code.to_string();
    (code.clone(), Channel { code, name, enabled: true, blocks_pause, capacity })
}

/// The first policy.
pub(crate) fn policy() -> Policy {
    let evening = Window::new(WeekDays::ALL, at_hour(18), at_hour(21)).expect("a window");
    let limited = |limit, warn_before: &[u64], grace, on_limit| PauseRules {
        limit: Some(limit),
        warn_before: warn_before.iter().map(|before| seconds(*before)).collect(),
        grace: seconds(grace),
        on_limit,
        escalate_after: BTreeSet::from([seconds(30), seconds(120)]),
        ..PauseRules::default()
    };
    let free = || PauseRules { warn_before: BTreeSet::new(), ..PauseRules::default() };
    let types = [
        (
            "cafe",
            PauseKind::Regular(PauseRules {
                limit: Some(minutes(10)),
                quota_count: Some(4),
                cooldown: seconds(20),
                cap: BTreeMap::from([(team(0), Cap::AtMost(2)), (team(1), Cap::AtMost(1))]),
                ..PauseRules::default()
            }),
        ),
        (
            "curta",
            PauseKind::Regular(PauseRules {
                when_occupied: WhenOccupied::Immediate,
                overrides: vec![own_limit()],
                ..limited(seconds(45), &[], 0, OnLimit::EndUnavailable)
            }),
        ),
        (
            "volta",
            PauseKind::Regular(PauseRules {
                cap: BTreeMap::from([(team(0), Cap::KeepAvailable(1)), (team(1), Cap::Percent(40))]),
                ..limited(minutes(2), &[60, 30], 5, OnLimit::EndAvailable)
            }),
        ),
        (
            "saida",
            PauseKind::Regular(PauseRules {
                when_occupied: WhenOccupied::Refuse,
                ..limited(minutes(3), &[10], 0, OnLimit::SignOut)
            }),
        ),
        (
            "lanche",
            PauseKind::Entitlement(PauseRules {
                min_duration: Some(minutes(10)),
                on_early_end: OnEarlyEnd::Hold,
                ..limited(minutes(15), &[60], 60, OnLimit::Mark)
            }),
        ),
        (
            "almoco",
            PauseKind::Regular(PauseRules {
                min_duration: Some(minutes(2)),
                quota_time: Some(minutes(5)),
                cooldown_any: seconds(10),
                not_in_first: seconds(30),
                not_in_last: seconds(30),
                ..free()
            }),
        ),
        (
            "ponta",
            PauseKind::Regular(PauseRules {
                quota_count: Some(3),
                quota_time: Some(minutes(3)),
                not_in_first: seconds(90),
                not_in_last: minutes(2),
                ..limited(minutes(3), &[], 10, OnLimit::Mark)
            }),
        ),
        ("jantar", PauseKind::Regular(PauseRules { windows: vec![evening], ..free() })),
        (
            "medico",
            PauseKind::Regular(PauseRules {
                approval: Some(Approval { timeout: minutes(2), at_timeout: AtTimeout::Grant }),
                cap: BTreeMap::from([(team(2), Cap::AtMost(1))]),
                ..free()
            }),
        ),
        (
            "hora",
            PauseKind::Regular(PauseRules {
                windows: (0..24).map(open_in_hour).collect(),
                queue_opens_before: minutes(15),
                cap: BTreeMap::from([(team(0), Cap::AtMost(1)), (team(2), Cap::AtMost(2))]),
                ..free()
            }),
        ),
        (
            "descanso",
            PauseKind::Entitlement(PauseRules {
                cooldown: seconds(40),
                not_in_first: seconds(40),
                not_in_last: seconds(60),
                cap: BTreeMap::from([(team(0), Cap::AtMost(1)), (team(1), Cap::KeepAvailable(2))]),
                owed: rests(),
                ..limited(minutes(2), &[], 10, OnLimit::EndUnavailable)
            }),
        ),
        ("banheiro", PauseKind::Protected),
        (
            "chefe",
            PauseKind::Regular(PauseRules { startable_by: StartableBy::Supervisor, not_in_last: minutes(1), ..free() }),
        ),
    ];
    let of = |(name, kind): (&str, PauseKind)| {
        let pause_type = PauseType {
            code: code(name),
            name: BTreeMap::from([("en".to_owned(), name.to_owned())]),
            description: BTreeMap::new(),
            icon: None,
            color: None,
            position: 0,
            enabled: true,
            archived_at: None,
            teams: None,
            kind,
        };
        (code(name), Arc::new(pause_type))
    };
    Policy { version: PolicyVersion(1), types: types.into_iter().map(of).collect() }
}

fn rests() -> Vec<EntitlementRule> {
    let rule = |id, planned_over, planned_up_to, count| EntitlementRule {
        id: EntitlementRuleId::new(id).expect("an id"),
        planned_over,
        planned_up_to,
        count,
        min: REST,
        after_start: REST_FROM,
        before_end: REST_FROM,
    };
    let short = rule("rests", Duration::ZERO, Some(LONG_SHIFT), RESTS);
    vec![short, rule("rests_of_long", LONG_SHIFT, None, RESTS_OF_LONG)]
}

fn own_limit() -> RuleOverride {
    RuleOverride {
        whom: OverrideFor::Agent(agent(1)),
        fields: BTreeSet::from([RuleField::Limit]),
        values: PauseRules { limit: Some(OWN_LIMIT), ..PauseRules::default() },
        from: None,
        until: None,
        reason: "so it was agreed".to_owned(),
    }
}

fn open_in_hour(hour: u32) -> Window {
    let until = NaiveTime::from_hms_opt(hour, OPEN_MINUTES as u32, 0).expect("a time");
    Window::new(WeekDays::ALL, at_hour(hour), until).expect("a window")
}

fn at_hour(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).expect("a time")
}

/// Puts the first directory and policy in force, as an import does.
pub(crate) async fn found(journal: &MemoryJournal, at: Timestamp) {
    let entry = |seq, body, definition| {
        let event = TenantEvent { at, actor: Actor::System, cause: Cause::Admin, op: None, body };
        let body = EntryBody::Tenant { event: Arc::new(event), definition: Some(definition) };
        Entry { tenant: tenant(), seq: TenantSeq(seq), body }
    };
    let made = TenantEventBody::DirectoryChanged { version: DirectoryVersion(1), added: 11, changed: 0, removed: 0 };
    let published = TenantEventBody::PolicyPublished { version: PolicyVersion(1), reason: None };
    let entries = vec![
        entry(1, made, TenantDefinition::Directory(Arc::new(directory()))),
        entry(2, published, TenantDefinition::Policy(Arc::new(policy()))),
    ];
    let epoch = journal.snapshot(shard()).await.expect("a snapshot").head.epoch;
    let batch = Batch { shard: shard(), epoch, after: ShardSeq(0), entries, states: Vec::new() };
    journal.append(batch).await.expect("founded");
}
