//! The truth behind the boards: a tenant whose agents change as a test says, the journal that has
//! it, and what every number of the tenant stood for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::NaiveDate;
use intervalo::domain::agent::{Agent, Away, Connection, Fired, Pause, ProtectedPause, Status};
use intervalo::domain::command::Actor;
use intervalo::domain::directory::{Directory, Person, Team, Tenant};
use intervalo::domain::event::{Cause, LimitedClass, PausePlace, PauseTerms, TenantEvent, TenantEventBody};
use intervalo::domain::id::{
    AgentId, DirectoryVersion, Op, PauseId, PauseTypeCode, PolicyVersion, RequestId, TeamId, TenantId, TenantSeq,
};
use intervalo::domain::op::{OpMemory, OpRecord};
use intervalo::domain::policy::{OnEarlyEnd, OnLimit, Policy};
use intervalo::domain::presence::AgentView;
use intervalo::domain::record::{RecordedPause, RecordedRequest};
use intervalo::domain::time::{Timestamp, minutes, seconds};
use intervalo::ports::{
    AgentRecord, AppendError, Batch, BoxFuture, Committed, Epoch, FeedRow, Journal, ReadError, ShardHead, ShardId,
    ShardSeq, ShardSnapshot, StateRow, Stored, TenantSnapshot,
};
use intervalo::protocol::state::AgentState;
use serde_json::Value;

use super::clock::BEGIN;

/// The shard of the only tenant.
pub(crate) const SHARD: ShardId = ShardId(3);

/// The rows of a tenant by agent, as JSON.
pub(crate) type Rows = BTreeMap<String, Value>;

/// What an agent can come to be in these tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    Available,
    Unavailable,
    Paused,
    Overrun,
    /// A protected pause, from wherever: for others, `unavailable`.
    Protected,
    Offline,
}

/// All of them.
pub(crate) const ALL_TO: [To; 6] =
    [To::Available, To::Unavailable, To::Paused, To::Overrun, To::Protected, To::Offline];

/// The truth, and the journal that a hub repairs itself from.
pub(crate) struct World {
    inner: Mutex<Inner>,
    /// The journal cannot be read.
    pub(crate) unreadable: AtomicBool,
    /// How often the journal was read.
    pub(crate) reads: AtomicUsize,
}

struct Inner {
    directory: Arc<Directory>,
    agents: BTreeMap<AgentId, (Agent, TenantSeq)>,
    head: TenantSeq,
    server_started: Option<(TenantSeq, Arc<TenantEvent>)>,
    /// All rows at each number that a batch ended at.
    history: BTreeMap<u64, Rows>,
}

pub(crate) fn tenant_id() -> TenantId {
    TenantId::new("acme").unwrap()
}

pub(crate) fn agent_id(number: usize) -> AgentId {
    AgentId::new(&format!("agent-{number:04}")).unwrap()
}

pub(crate) fn team_id(number: usize) -> TeamId {
    TeamId::new(&format!("team-{number}")).unwrap()
}

fn person(number: usize, teams: Vec<TeamId>, name: String) -> (AgentId, Arc<Person>) {
    let id = agent_id(number);
    (id.clone(), Arc::new(Person { id, name, teams, zone: None, capacity: BTreeMap::new(), left_at: None }))
}

impl World {
    /// `agents` agents in `teams` teams, each in team `number % teams` and every fourth in the next one too.
    pub(crate) fn new(agents: usize, teams: usize) -> Arc<World> {
        World::with_names(agents, teams, |number| format!("Agent {number}"))
    }

    /// The same, with names of one's own.
    pub(crate) fn with_names(agents: usize, teams: usize, name: impl Fn(usize) -> String) -> Arc<World> {
        let people = (0..agents).map(|number| {
            let mut of = vec![team_id(number % teams)];
            if number % 4 == 0 && teams > 1 {
                of.push(team_id((number + 1) % teams));
            }
            person(number, of, name(number))
        });
        let team = |number| (team_id(number), Team { id: team_id(number), name: format!("Team {number}"), zone: None });
        let directory = Directory {
            version: DirectoryVersion(1),
            tenant: Tenant::new(tenant_id(), "Acme".to_owned(), chrono_tz::America::Sao_Paulo),
            teams: (0..teams).map(team).collect(),
            agents: people.collect(),
            closing: None,
            channels: BTreeMap::new(),
        };
        let mut inner = Inner {
            directory: Arc::new(directory),
            agents: BTreeMap::new(),
            head: TenantSeq(1),
            server_started: None,
            history: BTreeMap::new(),
        };
        inner.remember();
        Arc::new(World { inner: Mutex::new(inner), unreadable: AtomicBool::new(false), reads: AtomicUsize::new(0) })
    }

    pub(crate) fn head(&self) -> TenantSeq {
        self.inner.lock().unwrap().head
    }

    /// Makes one batch: each change is one event, durable when this returns.
    pub(crate) fn commit(&self, changes: &[(usize, To)]) -> Arc<Committed> {
        let mut inner = self.inner.lock().unwrap();
        let from = inner.head;
        let mut rows = BTreeMap::new();
        for (number, to) in changes {
            let id = agent_id(*number);
            inner.head = inner.head.next();
            let head = inner.head;
            let entry = inner.agents.entry(id.clone()).or_insert_with(|| (Agent::unseen(id.clone()), head));
            change(&mut entry.0, *to, head);
            entry.1 = head;
            rows.insert(id.clone(), inner.public(&id));
        }
        inner.remember();
        let rows = rows.into_iter().filter_map(|(agent, view)| Some(FeedRow { agent, view: view? })).collect();
        Arc::new(Committed { from, to: inner.head, rows, more: false, directory: None })
    }

    /// One event that shows nowhere, as a refused pause.
    pub(crate) fn commit_unseen(&self) -> Arc<Committed> {
        let mut inner = self.inner.lock().unwrap();
        let from = inner.head;
        inner.head = inner.head.next();
        inner.remember();
        Arc::new(Committed { from, to: inner.head, rows: Vec::new(), more: false, directory: None })
    }

    /// Changes people: who is named gets these teams (none at all: they leave), new ones are added.
    pub(crate) fn change_directory(&self, people: &[(usize, Vec<usize>)]) -> Arc<Committed> {
        let mut inner = self.inner.lock().unwrap();
        let mut directory = Directory::clone(&inner.directory);
        directory.version = directory.version.next();
        for (number, teams) in people {
            let teams: Vec<TeamId> = teams.iter().map(|team| team_id(*team)).collect();
            let (id, person) = person(*number, teams, format!("Agent {number}"));
            if person.teams.is_empty() {
                let before = directory.agents.get(&id).map_or_else(Vec::new, |before| before.teams.clone());
                let left = Person { teams: before, left_at: Some(BEGIN), ..Person::clone(&person) };
                directory.agents.insert(id, Arc::new(left));
            } else {
                directory.agents.insert(id, person);
            }
        }
        inner.directory = Arc::new(directory);
        let from = inner.head;
        inner.head = inner.head.next();
        inner.remember();
        Arc::new(Committed {
            from,
            to: inner.head,
            rows: Vec::new(),
            more: false,
            directory: Some(Arc::clone(&inner.directory)),
        })
    }

    /// The server came up again: everybody who was connected is held in grace.
    pub(crate) fn restart(&self) {
        let mut inner = self.inner.lock().unwrap();
        inner.head = inner.head.next();
        let (at, grace_until) = (BEGIN, BEGIN + minutes(1));
        for (agent, _) in inner.agents.values_mut() {
            agent.on_server_started(at, grace_until);
        }
        let body = TenantEventBody::ServerStarted { grace_until, moved: Duration::ZERO };
        let event = TenantEvent { at, actor: Actor::System, cause: Cause::ServerStarted, op: None, body };
        inner.server_started = Some((inner.head, Arc::new(event)));
        inner.remember();
    }

    /// The rows of these teams at the present head.
    pub(crate) fn truth(&self, teams: &[usize]) -> Rows {
        self.truth_at(self.head().0, teams).unwrap()
    }

    /// The rows of these teams at a number; none when no batch ended there.
    pub(crate) fn truth_at(&self, seq: u64, teams: &[usize]) -> Option<Rows> {
        let teams: Vec<Value> = teams.iter().map(|team| Value::from(team_id(*team).as_str())).collect();
        let shown = |row: &Value| row["teams"].as_array().is_some_and(|of| of.iter().any(|team| teams.contains(team)));
        let inner = self.inner.lock().unwrap();
        let rows = inner.history.get(&seq)?;
        Some(rows.iter().filter(|(_, row)| shown(row)).map(|(agent, row)| (agent.clone(), row.clone())).collect())
    }

    /// What the journal has.
    pub(crate) fn tenant_snapshot(&self) -> TenantSnapshot {
        let inner = self.inner.lock().unwrap();
        let state = |(agent, (folded, last_seq)): (&AgentId, &(Agent, TenantSeq))| StateRow {
            agent: agent.clone(),
            last_seq: *last_seq,
            record: Arc::new(AgentRecord { agent: folded.clone(), ops: OpMemory::default() }),
        };
        TenantSnapshot {
            head: inner.head,
            last_at: BEGIN,
            directory: Arc::clone(&inner.directory),
            policy: Arc::new(Policy::empty()),
            plans: Arc::default(),
            credentials: Arc::new([]),
            server_started: inner.server_started.clone(),
            clock_ahead_ms: 0,
            states: inner.agents.iter().map(state).collect(),
        }
    }
}

impl Inner {
    fn public(&self, agent: &AgentId) -> Option<Arc<AgentView>> {
        let person = self.directory.agents.get(agent)?;
        let unseen = Agent::unseen(agent.clone());
        let folded = self.agents.get(agent).map_or(&unseen, |(folded, _)| folded);
        Some(Arc::new(AgentView::public(folded, person, &self.directory)))
    }

    fn remember(&mut self) {
        let present = self.directory.agents.values().filter(|person| person.left_at.is_none());
        let row = |person: &Arc<Person>| {
            let view = self.public(&person.id)?;
            Some((person.id.as_str().to_owned(), serde_json::to_value(AgentState::of(&view)).unwrap()))
        };
        let rows = present.filter_map(row).collect();
        self.history.insert(self.head.0, rows);
    }
}

fn change(agent: &mut Agent, to: To, seq: TenantSeq) {
    let at = BEGIN + seconds(seq.0);
    agent.seq = agent.seq.next();
    agent.version = agent.seq;
    agent.connection = Connection::Connected;
    let status = match to {
        To::Available => Status::Available,
        To::Unavailable => Status::Unavailable,
        To::Paused => Status::Paused(Away::Pause(Box::new(pause(seq, at, None)))),
        To::Overrun => Status::Paused(Away::Pause(Box::new(pause(seq, at, Some(at))))),
        To::Protected => Status::Paused(Away::Protected(ProtectedPause {
            id: PauseId(u128::from(seq.0)),
            pause_type: PauseTypeCode::new("banheiro").unwrap(),
            started_at: at,
            note: None,
        })),
        To::Offline => Status::Offline,
    };
    let hidden = matches!((&agent.status, to), (Status::Unavailable, To::Protected));
    agent.status = status;
    if !hidden {
        agent.since = at;
        agent.public_version = agent.seq;
    }
}

fn pause(seq: TenantSeq, at: Timestamp, overran_at: Option<Timestamp>) -> Pause {
    let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
    Pause {
        id: PauseId(u128::from(seq.0)),
        pause_type: PauseTypeCode::new("almoco").unwrap(),
        terms: PauseTerms {
            class: LimitedClass::Regular,
            paid: false,
            counts_as_work: false,
            min_duration: None,
            on_early_end: OnEarlyEnd::Record,
            refund_under: seconds(30),
            limit: Some(minutes(60)),
            warn_before: vec![minutes(1)],
            grace: seconds(60),
            on_limit: OnLimit::Mark,
            escalate_after: Vec::new(),
            right: None,
        },
        policy_version: PolicyVersion(1),
        started_at: at,
        extended_by: Duration::ZERO,
        note: None,
        place: PausePlace {
            zone: chrono_tz::America::Sao_Paulo,
            utc_offset_s: -10_800,
            local_day: day,
            business_day: day,
            shift: None,
            team: None,
            slots: Box::default(),
        },
        fired: Fired { overran_at, ..Fired::default() },
        worked_at: None,
    }
}

impl Journal for World {
    fn append(&self, _batch: Batch) -> BoxFuture<'_, Result<(), AppendError>> {
        Box::pin(async { Err(AppendError::Unavailable("boards do not write".to_owned())) })
    }

    fn snapshot(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardSnapshot, ReadError>> {
        Box::pin(async move {
            self.reads.fetch_add(1, Ordering::SeqCst);
            // What is committed meanwhile is not in it, as with a real store.
            let tenant = self.tenant_snapshot();
            tokio::task::yield_now().await;
            if self.unreadable.load(Ordering::SeqCst) {
                return Err(ReadError::Unavailable("unplugged".to_owned()));
            }
            let head = ShardHead { shard, epoch: Epoch(1), head: ShardSeq(tenant.head.0) };
            Ok(ShardSnapshot { head, tenants: vec![tenant] })
        })
    }

    fn read(&self, _: ShardId, _: ShardSeq, _: usize) -> BoxFuture<'_, Result<Vec<Stored>, ReadError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn heads(&self) -> BoxFuture<'_, Result<Vec<ShardHead>, ReadError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn head(&self, shard: ShardId) -> BoxFuture<'_, Result<ShardHead, ReadError>> {
        Box::pin(async move { Ok(ShardHead { shard, epoch: Epoch(1), head: ShardSeq(self.tenant_snapshot().head.0) }) })
    }

    fn find_pause<'a>(
        &'a self,
        _: &'a TenantId,
        _: PauseId,
    ) -> BoxFuture<'a, Result<Option<RecordedPause>, ReadError>> {
        Box::pin(async { Ok(None) })
    }

    fn find_request<'a>(
        &'a self,
        _: &'a TenantId,
        _: RequestId,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Option<RecordedRequest>, ReadError>> {
        Box::pin(async { Ok(None) })
    }

    fn find_op<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a AgentId,
        _: Op,
        _: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<OpRecord>, ReadError>> {
        Box::pin(async { Ok(None) })
    }

    fn find_change<'a>(
        &'a self,
        _: &'a TenantId,
        _: Op,
        _: &'a Actor,
    ) -> BoxFuture<'a, Result<Option<TenantEvent>, ReadError>> {
        Box::pin(async { Ok(None) })
    }
}
