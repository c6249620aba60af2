//! A tenant as its sequencer sees it: makes batches with the right numbers and the states they lead to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime, Weekday};
use intervalo::domain::agent::Agent;
use intervalo::domain::alert::AlertId;
use intervalo::domain::command::{Actor, Outcome};
use intervalo::domain::deferral::{Deferred, DeferredTarget};
use intervalo::domain::directory::{Channel, Directory, Person, Team, Tenant};
use intervalo::domain::event::{
    AfterPause, AgentEvent, AgentEventBody, Cause, ChosenStatus, LimitedClass, OccupancyChanged, PauseEnded,
    PausePlace, PauseStarted, PauseTerms, Pending, PendingTarget, RequestCreated, Shift, TenantEvent, TenantEventBody,
};
use intervalo::domain::id::{
    AgentId, AgentSeq, ChannelCode, DirectoryVersion, OfferId, Op, PauseId, PauseTypeCode, PolicyVersion, PrincipalId,
    RequestId, SourceId, TeamId, TenantId, TenantSeq,
};
use intervalo::domain::occupancy::{SourceWork, Work};
use intervalo::domain::op::{OpMemory, OpRecord};
use intervalo::domain::policy::{
    AtTimeout, Cap, OnEarlyEnd, OnLimit, PauseKind, PauseRules, PauseType, Policy, StartableBy,
};
use intervalo::domain::record::{EndsBefore, PauseCorrected, UsageCorrection};
use intervalo::domain::request::{Grant, Origin, Waives};
use intervalo::domain::schedule::{WeekDays, Window};
use intervalo::domain::time::{Timestamp, minutes, seconds};
use intervalo::domain::usage::Period;
use intervalo::ports::{
    AgentRecord, Batch, Entry, EntryBody, Epoch, ShardHead, ShardId, ShardSeq, StateChange, Stored, TenantDefinition,
};

/// 2026-03-02T12:00:00Z.
pub(crate) const START: i64 = 1_772_452_800_000;

/// The tenant, its numbers and its agents' states.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) tenant: TenantId,
    pub(crate) shard: ShardId,
    pub(crate) epoch: Epoch,
    pub(crate) head: ShardSeq,
    pub(crate) seq: TenantSeq,
    pub(crate) agents: BTreeMap<AgentId, AgentRecord>,
    pub(crate) now: Timestamp,
    pub(crate) directory: Directory,
    pub(crate) policy: Policy,
    /// Everything appended, as it must read back.
    pub(crate) stored: Vec<Stored>,
    entries: Vec<Entry>,
    touched: Vec<AgentId>,
}

impl World {
    pub(crate) fn new(tenant: &str, epoch: Epoch) -> World {
        let id = TenantId::new(tenant).unwrap();
        World {
            shard: ShardId::of_new_tenant(&id),
            directory: directory(&id),
            tenant: id,
            epoch,
            head: ShardSeq(0),
            seq: TenantSeq(0),
            agents: BTreeMap::new(),
            now: Timestamp(START),
            policy: policy(),
            stored: Vec::new(),
            entries: Vec::new(),
            touched: Vec::new(),
        }
    }

    /// What the loader does at a start: another epoch, and the head as it is.
    pub(crate) fn take_over(&mut self, head: ShardHead) {
        self.epoch = head.epoch;
        assert_eq!(self.head, head.head);
    }

    /// The first batch: the tenant, its directory and its policy.
    pub(crate) fn founding(&mut self) -> Batch {
        let directory = Arc::new(self.directory.clone());
        let policy = Arc::new(self.policy.clone());
        let changed =
            TenantEventBody::DirectoryChanged { version: DirectoryVersion(1), added: 3, changed: 0, removed: 0 };
        self.tenant_event(admin(), Cause::Admin, changed, Some(TenantDefinition::Directory(directory)));
        let published = TenantEventBody::PolicyPublished { version: PolicyVersion(1), reason: None };
        self.tenant_event(admin(), Cause::Admin, published, Some(TenantDefinition::Policy(policy)));
        self.batch()
    }

    pub(crate) fn server_started(&mut self) {
        let grace_until = self.now + minutes(1);
        let body = TenantEventBody::ServerStarted { grace_until, moved: Duration::ZERO };
        self.tenant_event(Actor::System, Cause::ServerStarted, body, None);
    }

    pub(crate) fn tenant_event(
        &mut self,
        actor: Actor,
        cause: Cause,
        body: TenantEventBody,
        definition: Option<TenantDefinition>,
    ) {
        let event = TenantEvent { at: self.now, actor, cause, op: None, body };
        self.full_tenant_event(event, definition);
    }

    pub(crate) fn full_tenant_event(&mut self, event: TenantEvent, definition: Option<TenantDefinition>) {
        self.seq = self.seq.next();
        let event = Arc::new(event);
        self.entries.push(Entry {
            tenant: self.tenant.clone(),
            seq: self.seq,
            body: EntryBody::Tenant { event, definition },
        });
    }

    /// An agent's own event, a second later.
    pub(crate) fn event(&mut self, agent: &AgentId, body: AgentEventBody) {
        let event = self.plain(agent, body);
        self.full_event(agent, event);
    }

    /// An event of the agent's own, to be filled in.
    pub(crate) fn plain(&mut self, agent: &AgentId, body: AgentEventBody) -> AgentEvent {
        self.now = self.now + seconds(1);
        AgentEvent {
            at: self.now,
            due_at: None,
            actor: Actor::Agent(agent.clone()),
            cause: Cause::Agent,
            reason: None,
            policy_version: PolicyVersion(1),
            op: None,
            body,
        }
    }

    pub(crate) fn full_event(&mut self, agent: &AgentId, event: AgentEvent) {
        let record = self
            .agents
            .entry(agent.clone())
            .or_insert_with(|| AgentRecord { agent: Agent::unseen(agent.clone()), ops: OpMemory::default() });
        record.agent.apply(&event).unwrap();
        if let Some(op) = &event.op {
            record.ops.remember(op.clone());
        }
        self.seq = self.seq.next();
        self.entries.push(Entry {
            tenant: self.tenant.clone(),
            seq: self.seq,
            body: EntryBody::Agent { agent: agent.clone(), agent_seq: record.agent.seq, event: Arc::new(event) },
        });
        self.touched.push(agent.clone());
    }

    /// Everything since the last batch.
    pub(crate) fn batch(&mut self) -> Batch {
        let entries = std::mem::take(&mut self.entries);
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort();
        touched.dedup();
        let states = touched.into_iter().map(|agent| self.state(&agent)).collect();
        let batch = Batch { shard: self.shard, epoch: self.epoch, after: self.head, entries, states };
        for entry in &batch.entries {
            self.head.0 += 1;
            self.stored.push(Stored { shard_seq: self.head, entry: without_definition(entry) });
        }
        batch
    }

    pub(crate) fn state(&self, agent: &AgentId) -> StateChange {
        let record = Arc::new(self.agents[agent].clone());
        StateChange { tenant: self.tenant.clone(), agent: agent.clone(), record }
    }

    /// Connected, signed in and available.
    pub(crate) fn at_work(&mut self, agent: &AgentId) {
        self.event(agent, AgentEventBody::Connected { shift: None });
        let shift = Shift { started_at: self.now, estimated: true, ends_at: None };
        self.event(agent, AgentEventBody::SignedIn { status: ChosenStatus::Unavailable, shift });
        let body = AgentEventBody::StatusChanged { from: ChosenStatus::Unavailable, to: ChosenStatus::Available };
        self.event(agent, body);
    }

    /// A pause of an hour's limit begins.
    pub(crate) fn start_pause(&mut self, agent: &AgentId, id: PauseId, note: Option<&str>) {
        let body = AgentEventBody::PauseStarted(Box::new(started(id, Some(terms()), note)));
        self.event(agent, body);
    }

    pub(crate) fn end_pause(&mut self, agent: &AgentId, id: PauseId) {
        self.event(agent, AgentEventBody::PauseEnded(ended(id)));
    }

    /// Two agents' day with every kind of event in it.
    pub(crate) fn eventful_day(&mut self) {
        let (ana, rui) = (agent("ana"), agent("rui"));
        self.server_started();
        self.at_work(&ana);
        self.at_work(&rui);
        let (lunch, restroom, coffee, training) = (pause(1), pause(2), pause(3), pause(4));

        let body = AgentEventBody::PauseStarted(Box::new(started(
            lunch,
            Some(terms()),
            Some("going out: são 12h \u{0} \"ok\""),
        )));
        let mut start = self.plain(&ana, body);
        start.op = Some(OpRecord {
            op: Op(7),
            by: Actor::Agent(ana.clone()),
            fingerprint: u64::MAX - 3,
            at: self.now,
            outcome: Outcome::Started { pause: lunch },
        });
        self.full_event(&ana, start);
        let due_at = Some(self.now + minutes(50));
        for body in [
            AgentEventBody::PauseWarned { pause: lunch, before: minutes(1), late: false },
            AgentEventBody::LimitReached { pause: lunch, late: true },
            AgentEventBody::Overran { pause: lunch, late: true },
            AgentEventBody::Escalated { pause: lunch, after: minutes(2), late: false },
        ] {
            let mut event = self.plain(&ana, body);
            event.due_at = due_at;
            event.actor = Actor::System;
            event.cause = Cause::Limit;
            self.full_event(&ana, event);
        }
        let mut extended = self.plain(&ana, AgentEventBody::PauseExtended { pause: lunch, by: minutes(5) });
        extended.actor = supervisor();
        extended.cause = Cause::Supervisor;
        extended.reason = Some("the queue is short".to_owned());
        extended.op =
            Some(OpRecord { op: Op(8), by: supervisor(), fingerprint: 12, at: self.now, outcome: Outcome::Done });
        self.full_event(&ana, extended);
        let code = "entitlement_ended_early".to_owned();
        self.event(&ana, AgentEventBody::FindingRecorded { code: code.clone(), pause: Some(lunch) });
        self.event(&ana, AgentEventBody::FindingRecorded { code, pause: None });

        let mut inside = started(restroom, None, Some("private"));
        inside.inside = Some(lunch);
        inside.pause_type = code_of("restroom");
        self.event(&ana, AgentEventBody::PauseStarted(Box::new(inside)));
        for target in [
            PendingTarget::Status(ChosenStatus::Unavailable),
            PendingTarget::Limit,
            PendingTarget::SignOut,
            PendingTarget::Pause { pause_type: code_of("lunch"), overriding: false },
            PendingTarget::Pause { pause_type: code_of("lunch"), overriding: true },
        ] {
            let pending =
                Pending { target, since: self.now, actor: supervisor(), reason: Some("come back, please".to_owned()) };
            let mut event = self.plain(&ana, AgentEventBody::PendingSet(pending));
            event.actor = supervisor();
            event.cause = Cause::Supervisor;
            event.op = Some(OpRecord {
                op: Op(9),
                by: supervisor(),
                fingerprint: 13,
                at: self.now,
                outcome: Outcome::Deferred,
            });
            self.full_event(&ana, event);
        }
        self.event(&ana, AgentEventBody::PendingCancelled);
        let waits = |target| Deferred {
            target,
            since: Timestamp(7),
            deadline_at: Some(Timestamp(8)),
            actor: supervisor(),
            reason: Some("after this call".to_owned()),
            lost_at: None,
        };
        let later = DeferredTarget::Pause {
            pause_type: code_of("coffee"),
            note: Some("then".to_owned()),
            replaces: Some(lunch),
            overriding: true,
            offer: Some(OfferId(5)),
        };
        for target in [later, DeferredTarget::Status(ChosenStatus::Offline)] {
            self.event(&ana, AgentEventBody::Deferred(Box::new(waits(target))));
        }
        self.event(&ana, AgentEventBody::DeferralEnded { code: Some("outside_window".to_owned()) });
        let (pause_type, waives) = (code_of("coffee"), Waives::All);
        let grant = Grant { id: RequestId(1), pause_type, waives, extra: minutes(5), uses: 2, until: Timestamp(10) };
        let start = Origin::Start { note: Some("please".to_owned()), replaces: Some(lunch) };
        let asked = || Origin::Asked;
        let rounds = [
            (1, asked(), AgentEventBody::RequestDecided { request: RequestId(1), grant: Some(grant) }),
            (2, start, AgentEventBody::RequestDecided { request: RequestId(2), grant: None }),
            (3, asked(), AgentEventBody::RequestExpired { request: RequestId(3) }),
            (4, asked(), AgentEventBody::RequestCancelled { request: RequestId(4) }),
        ];
        for (id, origin, closed) in rounds {
            let (id, pause_type) = (RequestId(id), code_of("coffee"));
            let (extra, at_timeout) = (minutes(5), AtTimeout::Grant);
            let created = RequestCreated { id, pause_type, extra, origin, expires_at: Timestamp(9), at_timeout };
            let mut event = self.plain(&ana, AgentEventBody::RequestCreated(Box::new(created)));
            event.reason = Some("the dentist".to_owned());
            self.full_event(&ana, event);
            self.event(&ana, closed);
        }
        self.event(&ana, AgentEventBody::GrantUsed { grant: RequestId(1), pause: lunch });
        self.event(&ana, AgentEventBody::AlertAcknowledged { alert: AlertId::Overrun(lunch) });
        let source = |name: &str, known, wrap_up| SourceWork {
            source: SourceId::new(name).unwrap(),
            known,
            work: Work::of(&BTreeMap::from([(ChannelCode::new("voice").unwrap(), 1)]), wrap_up),
        };
        let sources = Box::from([source("dialer", false, false), source("pbx", true, true)]);
        let changed = OccupancyChanged { sources, blocks: true };
        self.event(&ana, AgentEventBody::OccupancyChanged(Box::new(changed)));
        self.event(&ana, AgentEventBody::PauseEnded(PauseEnded { then: AfterPause::OuterPause, ..ended(restroom) }));
        let mut change = self.plain(
            &ana,
            AgentEventBody::PauseEnded(PauseEnded {
                then: AfterPause::Status(ChosenStatus::Unavailable),
                replaced_by: Some(coffee),
                short: true,
                ..ended(lunch)
            }),
        );
        change.cause = Cause::ChangedType;
        self.full_event(&ana, change);
        let mut second = started(coffee, Some(terms()), None);
        second.replaces = Some(lunch);
        self.event(&ana, AgentEventBody::PauseStarted(Box::new(second)));
        let coffee_began = self.now;
        self.event(&ana, AgentEventBody::GraceBegan { until: self.now + minutes(1) });
        self.event(&ana, AgentEventBody::ConnectionLost { last_seen_at: self.now });
        let mut abandoned = self.plain(
            &ana,
            AgentEventBody::PauseEnded(PauseEnded {
                then: AfterPause::Status(ChosenStatus::Offline),
                last_seen_at: Some(self.now),
                ..ended(coffee)
            }),
        );
        abandoned.cause = Cause::Abandoned;
        abandoned.actor = Actor::System;
        self.full_event(&ana, abandoned);
        let body =
            AgentEventBody::PauseCorrected(Box::new(correction(coffee, coffee_began, coffee_began + seconds(2))));
        let mut corrected = self.plain(&ana, body);
        corrected.actor = supervisor();
        corrected.cause = Cause::Supervisor;
        corrected.reason = Some("seen at the desk".to_owned());
        self.full_event(&ana, corrected);
        let mut annotated = self.plain(&ana, AgentEventBody::PauseAnnotated { pause: lunch });
        annotated.reason = Some("a long queue".to_owned());
        self.full_event(&ana, annotated);

        let refused =
            AgentEventBody::PauseRefused {
                pause_type: code_of("almoço"), code: "outside_window".to_owned(), count: 3
            };
        self.event(&rui, refused);
        self.event(&rui, AgentEventBody::GraceBegan { until: self.now + minutes(1) });
        self.event(&rui, AgentEventBody::ConnectionLost { last_seen_at: self.now });
        self.event(&rui, AgentEventBody::Connected { shift: None });
        let mut resumed = self.plain(&rui, AgentEventBody::Resumed { status: ChosenStatus::Available });
        resumed.actor = Actor::Integration(PrincipalId::new("router").unwrap());
        resumed.cause = Cause::Resumed;
        self.full_event(&rui, resumed);
        let mut protected = started(training, None, None);
        protected.pause_type = code_of("restroom");
        self.event(&rui, AgentEventBody::PauseStarted(Box::new(protected)));
        self.end_pause(&rui, training);
        self.event(&rui, AgentEventBody::SignedOut);
        let mut gone = self.plain(&rui, AgentEventBody::Deactivated);
        gone.actor = admin();
        gone.cause = Cause::Deactivated;
        gone.reason = Some("left the company".to_owned());
        self.full_event(&rui, gone);
    }
}

fn without_definition(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    if let EntryBody::Tenant { definition, .. } = &mut entry.body {
        *definition = None;
    }
    entry
}

pub(crate) fn agent(id: &str) -> AgentId {
    AgentId::new(id).unwrap()
}

pub(crate) fn pause(n: u128) -> PauseId {
    PauseId(0x0190_0000_0000_7000_8000_0000_0000_0000 + n)
}

pub(crate) fn code_of(code: &str) -> PauseTypeCode {
    PauseTypeCode::new(code).unwrap()
}

pub(crate) fn supervisor() -> Actor {
    Actor::Supervisor(PrincipalId::new("sofia").unwrap())
}

pub(crate) fn admin() -> Actor {
    Actor::Admin(PrincipalId::new("sofia").unwrap())
}

pub(crate) fn seq(n: u64) -> AgentSeq {
    AgentSeq(n)
}

pub(crate) fn started(id: PauseId, terms: Option<PauseTerms>, note: Option<&str>) -> PauseStarted {
    PauseStarted {
        id,
        pause_type: code_of("lunch"),
        terms,
        inside: None,
        replaces: None,
        note: note.map(str::to_owned),
        place: PausePlace {
            zone: chrono_tz::America::Sao_Paulo,
            utc_offset_s: -3 * 3600,
            local_day: NaiveDate::from_ymd_opt(2026, 3, 2).unwrap(),
            business_day: NaiveDate::from_ymd_opt(2026, 3, 2).unwrap(),
            shift: Some(Shift { started_at: Timestamp(START), estimated: true, ends_at: None }),
            team: Some(TeamId::new("support").unwrap()),
            slots: [TeamId::new("support").unwrap()].into(),
        },
    }
}

pub(crate) fn terms() -> PauseTerms {
    PauseTerms {
        class: LimitedClass::Regular,
        paid: true,
        counts_as_work: false,
        min_duration: Some(minutes(10)),
        on_early_end: OnEarlyEnd::Hold,
        refund_under: seconds(30),
        limit: Some(minutes(60)),
        warn_before: vec![minutes(5), minutes(1)],
        grace: seconds(60),
        on_limit: OnLimit::SignOut,
        escalate_after: vec![minutes(2), minutes(9)],
        right: None,
    }
}

pub(crate) fn ended(id: PauseId) -> PauseEnded {
    PauseEnded {
        pause: id,
        then: AfterPause::Status(ChosenStatus::Available),
        short: false,
        misclick: false,
        last_seen_at: None,
        replaced_by: None,
    }
}

/// A correction that was decided on what is of no matter here: what the store keeps is what it says.
pub(crate) fn correction(pause: PauseId, started_at: Timestamp, ended_at: Timestamp) -> PauseCorrected {
    PauseCorrected {
        pause,
        pause_type: code_of("lunch"),
        started_at,
        ended_at_before: ended_at + seconds(1),
        ended_at,
        short: false,
        misclick: false,
        overran_at: None,
        usage: UsageCorrection {
            period: Period::Shift(Timestamp(START)),
            before: Some(seconds(1)),
            after: Some(ended_at.since(started_at)),
            satisfied_before: false,
            satisfied: false,
            others: EndsBefore { of_type: Some(Timestamp(START)), of_any: None },
        },
    }
}

fn directory(tenant: &TenantId) -> Directory {
    let support = Team {
        id: TeamId::new("support").unwrap(),
        name: "Suporte".to_owned(),
        zone: Some(chrono_tz::America::Manaus),
    };
    let sales = Team { id: TeamId::new("sales").unwrap(), name: "Vendas".to_owned(), zone: None };
    let people = [
        ("ana", "Ana Souza", vec!["support", "sales"], None),
        ("rui", "Rui \"o\" Lima", vec!["sales"], Some(chrono_tz::Europe::Lisbon)),
        ("zoe", "Zoë", vec![], None),
    ];
    let mut settings = Tenant::new(tenant.clone(), "Acme Atendimento".to_owned(), chrono_tz::America::Sao_Paulo);
    settings.business_day_start = NaiveTime::from_hms_opt(3, 30, 0).unwrap();
    Directory {
        version: DirectoryVersion(1),
        tenant: settings,
        teams: [support, sales].into_iter().map(|team| (team.id.clone(), team)).collect(),
        agents: people
            .into_iter()
            .map(|(id, name, teams, zone)| {
                let teams = teams.into_iter().map(|team| TeamId::new(team).unwrap()).collect();
                let left_at = (id == "zoe").then_some(Timestamp(START));
                (
                    agent(id),
                    Arc::new(Person {
                        id: agent(id),
                        name: name.to_owned(),
                        teams,
                        zone,
                        capacity: own_capacity(id),
                        left_at,
                    }),
                )
            })
            .collect(),
        closing: None,
        channels: [ChannelCode::new("voice").unwrap()]
            .into_iter()
            .map(|code| {
                let name = "Voz".to_owned();
                (code.clone(), Channel { code, name, enabled: true, blocks_pause: true, capacity: 1 })
            })
            .collect(),
    }
}

fn policy() -> Policy {
    let window = Window::new(
        WeekDays::of([Weekday::Mon, Weekday::Fri]),
        NaiveTime::from_hms_opt(22, 0, 0).unwrap(),
        NaiveTime::from_hms_opt(2, 30, 0).unwrap(),
    )
    .unwrap();
    let rules = PauseRules {
        paid: true,
        min_duration: Some(Duration::from_millis(1500)),
        limit: Some(minutes(60)),
        windows: vec![window],
        not_in_first: minutes(30),
        quota_count: Some(2),
        quota_time: Some(minutes(90)),
        cooldown: minutes(45),
        cooldown_any: minutes(15),
        cap: BTreeMap::from([(TeamId::new("support").unwrap(), Cap::Percent(20))]),
        startable_by: StartableBy::Agent,
        on_limit: OnLimit::EndUnavailable,
        ..PauseRules::default()
    };
    let kinds = [
        ("lunch", PauseKind::Regular(rules.clone())),
        ("rest", PauseKind::Entitlement(rules)),
        ("restroom", PauseKind::Protected),
    ];
    Policy {
        version: PolicyVersion(1),
        types: kinds
            .into_iter()
            .map(|(code, kind)| {
                let color = (kind != PauseKind::Protected).then(|| "#aabbcc".to_owned());
                let pause_type = PauseType {
                    code: code_of(code),
                    name: BTreeMap::from([("pt-BR".to_owned(), "Almoço".to_owned())]),
                    description: BTreeMap::new(),
                    icon: Some("fork".to_owned()),
                    color,
                    position: -3,
                    enabled: true,
                    archived_at: Some(Timestamp(START)),
                    teams: (code == "lunch").then(|| [TeamId::new("support").unwrap()].into()),
                    kind,
                };
                (pause_type.code.clone(), Arc::new(pause_type))
            })
            .collect(),
    }
}

/// Ana has a capacity of her own.
fn own_capacity(id: &str) -> BTreeMap<ChannelCode, u32> {
    if id == "ana" { BTreeMap::from([(ChannelCode::new("voice").unwrap(), 2)]) } else { BTreeMap::new() }
}
