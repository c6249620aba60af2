//! A company with a past, written through the product's own store: its agents came, took pauses and went, and some
//! of them are on a pause when the server goes down.
//!
//! Every event is one that the domain decided, so the journal verifies; only the time in between is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use intervalo::clock::SystemClock;
use intervalo::domain::agent::{Agent, Context, Live};
use intervalo::domain::command::{Actor, Command, Request};
use intervalo::domain::directory::{Directory, Person, Team, Tenant};
use intervalo::domain::event::{AgentEvent, Cause, ChosenStatus, TenantEvent, TenantEventBody};
use intervalo::domain::id::{
    AgentId, DirectoryVersion, Op, PauseId, PauseTypeCode, PolicyVersion, TeamId, TenantId, TenantSeq,
};
use intervalo::domain::occupancy::Reports;
use intervalo::domain::op::{OpMemory, OpRecord, fingerprint};
use intervalo::domain::policy::{OnLimit, PauseKind, PauseRules, PauseType, Policy};
use intervalo::domain::slots::Counts;
use intervalo::domain::time::{Timestamp, hours, minutes, seconds};
use intervalo::ports::{
    AgentRecord, Batch, Entry, EntryBody, Journal, ShardHead, ShardId, ShardSeq, StateChange, TenantDefinition,
};
use intervalo::store::SqliteJournal;

/// The company's id.
pub(crate) const TENANT: &str = "acme";
/// How many agents share a team.
pub(crate) const AGENTS_PER_TEAM: u64 = 100;
/// The types of the pauses that are open at the end, one for each thing that a limit may do. All have
/// [`THRESHOLD_KINDS`] within a quarter of an hour.
pub(crate) const LIMITED: [(&str, OnLimit); 4] = [
    ("cafe", OnLimit::Mark),
    ("lanche", OnLimit::EndUnavailable),
    ("ginastica", OnLimit::EndAvailable),
    ("reuniao", OnLimit::SignOut),
];
/// The thresholds of such a pause, in their order; each is reached once.
pub(crate) const THRESHOLD_KINDS: [&str; 4] =
    ["pause.warned", "pause.limit_reached", "pause.overran", "pause.escalated"];
/// The type of the pauses of the past: nothing falls due in it.
const UNLIMITED: &str = "almoco";
/// The type of the open pauses of which nothing is to fall due: the longest limit that there may be.
const LONG: &str = "licenca";

/// How many entries one batch carries: about what a busy server commits at once.
const BATCH_ENTRIES: usize = 4096;
/// How many agents work at the same time: what they do lies together in the journal.
const AGENTS_PER_SHIFT: u64 = 1000;
/// How far one step of a shift's day is from the next.
const STEP: Duration = hours(1);
/// How far the steps around the open pauses are from each other: over the grace of a connection, and together less
/// than it takes until the first warning.
const SHORT_STEP: Duration = minutes(2);
/// How far the same step of one agent is from that of the next.
const APART: Duration = Duration::from_millis(1);

/// What is to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// How many agents there are.
    pub(crate) agents: u64,
    /// How many of them, the first ones, are on a pause at the end.
    pub(crate) paused: u64,
    /// How many events there are at least; a day of everybody is the least there is.
    pub(crate) events: u64,
    /// When the last event was.
    pub(crate) down_at: Timestamp,
    /// True: the open pauses have a limit of ten minutes, else of a day.
    pub(crate) short: bool,
    /// True: whoever is on a pause is connected to the end, else their connection was given up.
    pub(crate) connected: bool,
}

/// The id of an agent, by its number.
pub(crate) fn agent_id(number: u64) -> String {
    format!("agent-{number:06}")
}

/// The id of a team, by its number.
pub(crate) fn team_id(number: u64) -> String {
    format!("team-{number:04}")
}

/// What an agent does, or what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Come,
    BeAvailable,
    Pause(PauseOf),
    Back,
    Go,
    BeGivenUp,
}

/// Which pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PauseOf {
    Past,
    End,
}

/// A step that some take, one after the other.
struct Move {
    step: Step,
    lasts: Duration,
    /// How many agents, the first ones, take it.
    agents: u64,
}

impl Step {
    /// How many events it is: who comes signs in by it.
    fn events(self) -> u64 {
        match self {
            Step::Come => 2,
            Step::BeAvailable | Step::Pause(_) | Step::Back | Step::Go | Step::BeGivenUp => 1,
        }
    }
}

/// The days of the company: one of the past, with as many pauses as are wanted, and one that ends on a pause.
fn days(plan: &Plan) -> (Vec<Move>, Vec<Move>) {
    let moves_of = |steps: &[Step], lasts, agents| -> Vec<Move> {
        steps.iter().map(|step| Move { step: *step, lasts, agents }).collect()
    };
    let mut past = moves_of(&[Step::Come, Step::BeAvailable], STEP, plan.agents);
    let evening = moves_of(&[Step::Go, Step::BeGivenUp], STEP, plan.agents);
    let mut last = moves_of(&[Step::Come], STEP, plan.paused);
    last.extend(moves_of(&[Step::BeAvailable, Step::Pause(PauseOf::End)], SHORT_STEP, plan.paused));
    if !plan.connected {
        last.extend(moves_of(&[Step::Go, Step::BeGivenUp], SHORT_STEP, plan.paused));
    }
    let there = past.iter().chain(&evening).chain(&last).map(|each| each.agents * each.step.events()).sum();
    let mut wanted = plan.events.saturating_sub(there);
    while wanted > 0 && plan.agents > 0 {
        let agents = wanted.div_ceil(2).min(plan.agents);
        past.extend(moves_of(&[Step::Pause(PauseOf::Past), Step::Back], STEP, agents));
        wanted = wanted.saturating_sub(2 * agents);
    }
    past.extend(evening);
    (past, last)
}

/// Writes the company into `data`, and answers with the journal, still open, and how many events it has. All of it
/// is durable.
///
/// # Panics
/// When the folder has a journal already, or cannot be written to.
pub(crate) async fn write(data: &Path, plan: &Plan) -> (SqliteJournal, u64) {
    assert!(APART * plan.paused as u32 <= SHORT_STEP, "a step has no room for {} agents", plan.paused);
    let clock = Arc::new(SystemClock::start(Timestamp(0)));
    let journal = SqliteJournal::open(data, clock).await.expect("the journal opens");
    let (past, last) = days(plan);
    let shifts = plan.agents.div_ceil(AGENTS_PER_SHIFT);
    let span_of = |moves: &[Move]| moves.iter().map(|each| each.lasts).sum::<Duration>();
    let mut ends_at = plan.down_at.minus(span_of(&past) * shifts as u32 + span_of(&last));
    let mut writer = Writer::found(&journal, plan, ends_at).await;
    for shift in 0..shifts {
        let agents = shift * AGENTS_PER_SHIFT..plan.agents.min((shift + 1) * AGENTS_PER_SHIFT);
        for (at, each) in past.iter().enumerate() {
            ends_at = ends_at + each.lasts;
            let is_evening = at + 1 == past.len();
            for number in agents.start..agents.end.min(each.agents) {
                let now = ends_at.minus(APART * (agents.end - 1 - number) as u32);
                writer.take(number as usize, each.step, now, is_evening && number >= plan.paused).await;
            }
        }
    }
    for (at, each) in last.iter().enumerate() {
        ends_at = ends_at + each.lasts;
        for number in 0..each.agents {
            let now = ends_at.minus(APART * (each.agents - 1 - number) as u32);
            writer.take(number as usize, each.step, now, at + 1 == last.len()).await;
        }
    }
    writer.flush().await;
    let events = writer.head.head.0;
    (journal, events)
}

/// Appends what agents do.
struct Writer<'a> {
    journal: &'a SqliteJournal,
    tenant: TenantId,
    directory: Directory,
    policy: Policy,
    short: bool,
    people: Vec<Arc<Person>>,
    records: Vec<AgentRecord>,
    head: ShardHead,
    entries: Vec<Entry>,
    states: Vec<StateChange>,
    ids: u128,
}

impl<'a> Writer<'a> {
    async fn found(journal: &'a SqliteJournal, plan: &Plan, at: Timestamp) -> Writer<'a> {
        let tenant = TenantId::new(TENANT).expect("an id");
        let shard = ShardId::of_new_tenant(&tenant);
        let head = journal.snapshot(shard).await.expect("the journal reads").head;
        assert_eq!(head.head, ShardSeq(0), "the folder has a journal already");
        let (directory, policy) = (directory(&tenant, plan.agents), policy());
        let people: Vec<Arc<Person>> = directory.agents.values().cloned().collect();
        let unseen =
            |person: &Arc<Person>| AgentRecord { agent: Agent::unseen(person.id.clone()), ops: OpMemory::default() };
        let records = people.iter().map(unseen).collect();
        let (entries, states) = (Vec::new(), Vec::new());
        let short = plan.short;
        let mut writer =
            Writer { journal, tenant, directory, policy, short, people, records, head, entries, states, ids: 0 };
        writer.put_in_force(at);
        writer.flush().await;
        writer
    }

    fn put_in_force(&mut self, at: Timestamp) {
        let added = self.people.len() as u32;
        let made = TenantEventBody::DirectoryChanged { version: DirectoryVersion(1), added, changed: 0, removed: 0 };
        let published = TenantEventBody::PolicyPublished { version: PolicyVersion(1), reason: None };
        let definitions = [
            (made, TenantDefinition::Directory(Arc::new(self.directory.clone()))),
            (published, TenantDefinition::Policy(Arc::new(self.policy.clone()))),
        ];
        for (body, definition) in definitions {
            let event = Arc::new(TenantEvent { at, actor: Actor::System, cause: Cause::Admin, op: None, body });
            self.push(EntryBody::Tenant { event, definition: Some(definition) });
        }
    }

    fn push(&mut self, body: EntryBody) {
        let seq = TenantSeq(self.head.head.0 + self.entries.len() as u64 + 1);
        self.entries.push(Entry { tenant: self.tenant.clone(), seq, body });
    }

    /// What an agent does at an instant; the state goes with it when it is the last that the agent does.
    async fn take(&mut self, number: usize, step: Step, now: Timestamp, is_last: bool) {
        self.ids += 1;
        let person = Arc::clone(&self.people[number]);
        let sessions = usize::from(!matches!(step, Step::Go | Step::BeGivenUp));
        let (slots, reports) = (Counts::default(), Reports::default());
        let context = Context {
            slots: &slots,
            counted_available: false,
            now,
            directory: &self.directory,
            person: &person,
            policy: &self.policy,
            reports: &reports,
            live: Live { sessions, last_closed_at: None, answered_at: None },
            recorded: None,
            fresh_id: PauseId(self.ids),
            ready_at: Timestamp(0),
        };
        let command = self.command(number, step);
        let record = &mut self.records[number];
        let events = match command {
            None => record.agent.due(&context),
            Some(command) => decided(record, command, Op(self.ids), &context),
        };
        assert_eq!(events.len() as u64, step.events(), "{step:?} of {} came to {events:?}", person.id);
        let first = record.agent.seq;
        events.iter().for_each(|event| record.agent.apply(event).expect("a legal event"));
        let mut agent_seq = first;
        for event in events {
            agent_seq = agent_seq.next();
            self.push(EntryBody::Agent { agent: person.id.clone(), agent_seq, event: Arc::new(event) });
        }
        if is_last {
            let record = Arc::new(self.records[number].clone());
            self.states.push(StateChange { tenant: self.tenant.clone(), agent: person.id.clone(), record });
        }
        if self.entries.len() >= BATCH_ENTRIES {
            self.flush().await;
        }
    }

    /// The command that a step is; none when it is the socket that comes or goes.
    fn command(&self, number: usize, step: Step) -> Option<Command> {
        let pause = |code| {
            let pause_type = PauseTypeCode::new(code).expect("a code");
            Command::StartPause { pause_type, note: None, replaces: None, overriding: false }
        };
        match step {
            Step::Come | Step::Go | Step::BeGivenUp => None,
            Step::BeAvailable => Some(Command::SetStatus { status: ChosenStatus::Available, after_work: false }),
            Step::Pause(PauseOf::Past) => Some(pause(UNLIMITED)),
            Step::Pause(PauseOf::End) if self.short => Some(pause(LIMITED[number % LIMITED.len()].0)),
            Step::Pause(PauseOf::End) => Some(pause(LONG)),
            Step::Back => Some(Command::EndPause { then: None, overriding: false }),
        }
    }

    async fn flush(&mut self) {
        let (entries, states) = (std::mem::take(&mut self.entries), std::mem::take(&mut self.states));
        let reached = ShardSeq(self.head.head.0 + entries.len() as u64);
        let ShardHead { shard, epoch, head: after } = self.head;
        self.journal.append(Batch { shard, epoch, after, entries, states }).await.expect("appended");
        self.head.head = reached;
    }
}

/// What a command of the agent's own leads to, remembered by its op as the server does.
fn decided(record: &mut AgentRecord, command: Command, op: Op, context: &Context) -> Vec<AgentEvent> {
    let actor = Actor::Agent(context.person.id.clone());
    let fingerprint = fingerprint(&command, None);
    let request = Request { command, actor: actor.clone(), reason: None, op: Some(op), expected_version: None };
    let mut decision = record.agent.decide(&request, context).expect("nothing stands against it");
    let remembered = OpRecord { op, by: actor, fingerprint, at: context.now, outcome: decision.outcome };
    decision.remember(&remembered);
    record.ops.remember(remembered);
    decision.events
}

fn directory(tenant: &TenantId, agents: u64) -> Directory {
    let team_of = |number: u64| TeamId::new(&team_id(number / AGENTS_PER_TEAM)).expect("an id");
    let person = |number: u64| {
        let id = AgentId::new(&agent_id(number)).expect("an id");
        let name = format!("Agent Number {number}");
        (
            id.clone(),
            Arc::new(Person {
                id,
                name,
                teams: vec![team_of(number)],
                zone: None,
                capacity: BTreeMap::new(),
                left_at: None,
            }),
        )
    };
    let team = |number: u64| {
        let id = team_of(number * AGENTS_PER_TEAM);
        (id.clone(), Team { id, name: format!("Team {number}"), zone: None })
    };
    Directory {
        version: DirectoryVersion(1),
        tenant: Tenant::new(tenant.clone(), "Acme".to_owned(), chrono_tz::America::Sao_Paulo),
        teams: (0..agents.div_ceil(AGENTS_PER_TEAM)).map(team).collect(),
        agents: (0..agents).map(person).collect(),
        closing: None,
        channels: BTreeMap::new(),
    }
}

fn policy() -> Policy {
    let limited = |limit, on_limit| PauseRules {
        limit: Some(limit),
        escalate_after: BTreeSet::from([seconds(120)]),
        on_limit,
        ..PauseRules::default()
    };
    let unlimited = PauseRules { warn_before: BTreeSet::new(), ..PauseRules::default() };
    let mut rules = vec![(UNLIMITED, unlimited), (LONG, limited(hours(24), OnLimit::Mark))];
    rules.extend(LIMITED.map(|(code, on_limit)| (code, limited(minutes(10), on_limit))));
    let types = rules.into_iter().map(|(code, rules)| {
        let code = PauseTypeCode::new(code).expect("a code");
        let pause_type = PauseType {
            code: code.clone(),
            name: BTreeMap::from([("pt-BR".to_owned(), code.to_string())]),
            description: BTreeMap::new(),
            icon: None,
            color: None,
            position: 0,
            enabled: true,
            archived_at: None,
            teams: None,
            kind: PauseKind::Regular(rules),
        };
        (code, Arc::new(pause_type))
    });
    Policy { version: PolicyVersion(1), types: types.collect() }
}
