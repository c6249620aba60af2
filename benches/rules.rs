//! What a decision and a menu cost with every rule in use: twenty types with windows, quotas, cooldowns and caps over
//! three teams, for an agent who has used some of each. `cargo bench --bench rules`.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::sync::Arc;

use chrono::{NaiveTime, Weekday};
use criterion::{Criterion, criterion_group, criterion_main};
use intervalo::domain::agent::{Agent, Context, Live};
use intervalo::domain::command::{Actor, Command, Outcome, Request};
use intervalo::domain::directory::{Directory, Person, Team, Tenant};
use intervalo::domain::entitlement::EntitlementRule;
use intervalo::domain::id::{
    AgentId, DirectoryVersion, EntitlementRuleId, PauseId, PauseTypeCode, PolicyVersion, TeamId, TenantId,
};
use intervalo::domain::menu::options;
use intervalo::domain::occupancy::Reports;
use intervalo::domain::overrides::{OverrideFor, RuleField, RuleOverride};
use intervalo::domain::policy::{Cap, PauseKind, PauseRules, PauseType, Policy};
use intervalo::domain::schedule::{WeekDays, Window};
use intervalo::domain::slots::{Slots, Standing};
use intervalo::domain::time::{Timestamp, hours, minutes};

const TYPES: usize = 20;
const TEAMS: usize = 3;
/// The type that the employer owes.
const OWED: usize = TYPES - 2;
/// The type whose rules are others for the agent.
const OVERRIDDEN: usize = TYPES - 3;
/// Colleagues who are on one of the pauses each.
const AWAY: usize = 60;
/// 2026-11-26T15:00:00Z, noon in São Paulo.
const NOON: Timestamp = Timestamp(1_795_705_200_000);

fn team(n: usize) -> TeamId {
    TeamId::new(&format!("team-{n}")).expect("an id")
}

fn code(n: usize) -> PauseTypeCode {
    PauseTypeCode::new(&format!("type-{n:02}")).expect("a code")
}

fn at(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).expect("a time")
}

fn policy() -> Policy {
    let weekdays = WeekDays::of([Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri]);
    let windows =
        [(weekdays, at(9, 0), at(11, 0)), (weekdays, at(11, 30), at(14, 30)), (WeekDays::ALL, at(22, 0), at(2, 0))];
    let rules = PauseRules {
        limit: Some(minutes(30)),
        min_duration: Some(minutes(5)),
        windows: windows.into_iter().map(|(days, from, until)| Window::new(days, from, until).expect("one")).collect(),
        not_in_first: minutes(30),
        quota_count: Some(5),
        quota_time: Some(hours(2)),
        cooldown: minutes(70),
        cooldown_any: minutes(10),
        cap: (0..TEAMS).map(|n| (team(n), [Cap::AtMost(50), Cap::Percent(30), Cap::KeepAvailable(1)][n])).collect(),
        ..PauseRules::default()
    };
    let of = |n: usize| {
        let pause_type = PauseType {
            code: code(n),
            name: BTreeMap::from([("pt-BR".to_owned(), format!("Pausa {n}"))]),
            description: BTreeMap::new(),
            icon: None,
            color: None,
            position: 0,
            enabled: true,
            archived_at: None,
            teams: Some((0..TEAMS).map(team).collect::<BTreeSet<_>>()),
            kind: kind(n, &rules),
        };
        (code(n), Arc::new(pause_type))
    };
    Policy { version: PolicyVersion(1), types: (0..TYPES).map(of).collect() }
}

/// One is owed, and one has other rules for the agent who asks.
fn kind(n: usize, rules: &PauseRules) -> PauseKind {
    let rules = rules.clone();
    match n {
        OWED => {
            let owed = EntitlementRule {
                id: EntitlementRuleId::new("rest").expect("an id"),
                planned_over: minutes(0),
                planned_up_to: None,
                count: 2,
                min: minutes(10),
                after_start: hours(1),
                before_end: hours(1),
            };
            PauseKind::Entitlement(PauseRules { owed: vec![owed], ..rules })
        }
        OVERRIDDEN => {
            let own = RuleOverride {
                whom: OverrideFor::Agent(AgentId::new("agent-0").expect("an id")),
                fields: BTreeSet::from([RuleField::Limit]),
                values: PauseRules { limit: Some(minutes(45)), ..PauseRules::default() },
                from: None,
                until: None,
                reason: String::new(),
            };
            PauseKind::Regular(PauseRules { overrides: vec![own], ..rules })
        }
        _ => PauseKind::Regular(rules),
    }
}

fn directory() -> Directory {
    let person = |n: usize| {
        let id = AgentId::new(&format!("agent-{n}")).expect("an id");
        let person = Person {
            id: id.clone(),
            name: String::new(),
            teams: (0..TEAMS).map(team).collect(),
            zone: None,
            capacity: BTreeMap::new(),
            left_at: None,
        };
        (id, Arc::new(person))
    };
    let a_team = |n: usize| (team(n), Team { id: team(n), name: String::new(), zone: None });
    Directory {
        version: DirectoryVersion(1),
        tenant: Tenant::new(TenantId::new("acme").expect("an id"), "Acme".to_owned(), chrono_tz::America::Sao_Paulo),
        teams: (0..TEAMS).map(a_team).collect(),
        agents: (0..=3 * AWAY).map(person).collect(),
        closing: None,
        channels: BTreeMap::new(),
    }
}

/// A company at noon, and one of its agents.
struct Company {
    reports: Reports,
    policy: Policy,
    directory: Directory,
    slots: Slots,
    agent: Agent,
    person: Arc<Person>,
    live: Live,
}

impl Company {
    fn new() -> Company {
        let (policy, directory) = (policy(), directory());
        let slots = Slots::new(BTreeMap::new(), &policy, &directory);
        let person = Arc::clone(&directory.agents[&AgentId::new("agent-0").expect("an id")]);
        let live = Live { sessions: 1, ..Live::default() };
        let agent = Agent::unseen(person.id.clone());
        let reports = Reports::default();
        let mut company = Company { reports, policy, directory, slots, agent, person, live };
        let id = |n: usize| AgentId::new(&format!("agent-{n}")).expect("an id");
        let mut colleagues = Vec::new();
        for n in 1..=3 * AWAY {
            let person = Arc::clone(&company.directory.agents[&id(n)]);
            let colleague = company.signed_in(&person, NOON.minus(hours(4)));
            company.slots.put(&person.id, Standing::of(&colleague), &company.directory);
            colleagues.push((person, colleague));
        }
        for (n, (person, mut colleague)) in colleagues.into_iter().take(AWAY).enumerate() {
            company.start(&mut colleague, &person, n % TYPES, NOON.minus(minutes(5)));
            company.slots.put(&person.id, Standing::of(&colleague), &company.directory);
        }
        let person = Arc::clone(&company.person);
        let mut agent = company.signed_in(&person, NOON.minus(hours(4)));
        for n in 0..4 {
            let began = NOON.minus(minutes(165 - 30 * n as u64));
            company.start(&mut agent, &person, n, began);
            company.carry_out(
                &mut agent,
                &person,
                Command::EndPause { then: None, overriding: false },
                began + minutes(10),
            );
        }
        company.slots.put(&person.id, Standing::of(&agent), &company.directory);
        company.agent = agent;
        company
    }

    fn context<'a>(&'a self, person: &'a Person, now: Timestamp) -> Context<'a> {
        Context {
            now,
            directory: &self.directory,
            person,
            policy: &self.policy,
            slots: self.slots.counts(),
            counted_available: true,
            live: self.live,
            reports: &self.reports,
            recorded: None,
            fresh_id: PauseId(u128::from(now.0.unsigned_abs())),
            ready_at: Timestamp(0),
        }
    }

    fn signed_in(&self, person: &Person, now: Timestamp) -> Agent {
        let mut agent = Agent::unseen(person.id.clone());
        for event in agent.due(&self.context(person, now)) {
            agent.apply(&event).expect("it follows");
        }
        let status = intervalo::domain::event::ChosenStatus::Available;
        self.carry_out(&mut agent, person, Command::SetStatus { status, after_work: false }, now);
        agent
    }

    fn start(&self, agent: &mut Agent, person: &Person, n: usize, now: Timestamp) {
        self.carry_out(agent, person, start(n), now);
    }

    fn carry_out(&self, agent: &mut Agent, person: &Person, command: Command, now: Timestamp) {
        let request = request(person, command);
        let decided = agent.decide(&request, &self.context(person, now)).expect("no rule stands against it");
        assert_ne!(decided.outcome, Outcome::Queued, "every slot is free");
        decided.events.iter().for_each(|event| agent.apply(event).expect("it follows"));
    }
}

fn start(n: usize) -> Command {
    Command::StartPause { pause_type: code(n), note: None, replaces: None, overriding: false }
}

fn request(person: &Person, command: Command) -> Request {
    Request { command, actor: Actor::Agent(person.id.clone()), reason: None, op: None, expected_version: None }
}

fn rules(criterion: &mut Criterion) {
    let company = Company::new();
    let context = company.context(&company.person, NOON);
    let wish = request(&company.person, start(TYPES - 1));
    assert!(company.agent.decide(&wish, &context).is_ok(), "the start that is measured is let through by every rule");
    criterion.bench_function("decide a start that every rule lets through", |bencher| {
        bencher.iter(|| company.agent.decide(black_box(&wish), black_box(&context)));
    });
    for (name, n) in [("of what is owed", OWED), ("by rules of one's own", OVERRIDDEN)] {
        let wish = request(&company.person, start(n));
        assert!(company.agent.decide(&wish, &context).is_ok(), "the start {name} is let through");
        criterion.bench_function(&format!("decide a start {name}"), |bencher| {
            bencher.iter(|| company.agent.decide(black_box(&wish), black_box(&context)));
        });
    }
    let refused = request(&company.person, start(3));
    let refusal = company.agent.decide(&refused, &context).expect_err("it is too soon after the last one");
    assert!(refusal.to_string().contains("cooldown"), "{refusal}");
    criterion.bench_function("decide a start that is refused", |bencher| {
        bencher.iter(|| company.agent.decide(black_box(&refused), black_box(&context)));
    });
    assert_eq!(options(&company.agent, &context).len(), TYPES);
    criterion.bench_function("the menu of twenty types", |bencher| {
        bencher.iter(|| options(black_box(&company.agent), black_box(&context)));
    });
}

criterion_group!(benches, rules);
criterion_main!(benches);
