//! One agent, its tenant and a clock that the test moves: the domain as its caller drives it.
//!
//! Every step is checked against what must always hold (C1, C2, C4, D6, T2), and against a shadow:
//! an agent who, wherever this one takes a protected pause, chose `unavailable`. Everybody else must
//! be shown the same of both (semantics §11).

use std::collections::BTreeMap;
use std::sync::Arc;

use intervalo::domain::agent::{Agent, Connection, Context, Decision, Live};
use intervalo::domain::command::{Actor, AfterEnd, Command, Outcome, Rejection, Request};
use intervalo::domain::directory::{Directory, Person, SignInStatus};
use intervalo::domain::event::{AgentEvent, AgentEventBody, Cause, ChosenStatus};
use intervalo::domain::id::{AgentId, AgentSeq, ChannelCode, PauseId, PauseTypeCode, SourceId};
use intervalo::domain::menu::{PauseOption, options};
use intervalo::domain::occupancy::{LEASE_MAX, Report, Reports, Work};
use intervalo::domain::policy::{PauseClass, Policy};
use intervalo::domain::presence::AgentView;
use intervalo::domain::record::RecordedPause;
use intervalo::domain::rules::{Question, Verdict, evaluate};
use intervalo::domain::shown_event::Protected;
use intervalo::domain::slots::{Slots, Standing};
use intervalo::domain::time::{Timestamp, seconds};

use crate::recorded;
use crate::setting::{Words, duration};
use crate::shown_events::{Told, protected_begun, told};
use crate::trace::{self, Entry};

/// How far from readiness the fold of `server.started` holds everybody.
const GRACE_AFTER_START: u64 = 60;

/// One agent and all that decides on it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) directory: Directory,
    pub(crate) policy: Policy,
    pub(crate) id: AgentId,
    pub(crate) agent: Agent,
    pub(crate) now: Timestamp,
    pub(crate) live: Live,
    /// What integrations say of the agent's work.
    pub(crate) reports: Reports,
    reported: u64,
    /// What this agent and others are to the caps.
    pub(crate) slots: Slots,
    pub(crate) up: bool,
    pub(crate) journal: Vec<Entry>,
    ready_at: Timestamp,
    ids: u128,
    shadow: Agent,
    /// False from where the two may be shown differently until they are alike again.
    shadowed: bool,
    /// What others are shown of the last step's events, of the agent and of the shadow.
    told: [Vec<Told>; 2],
    /// Whether the two were alike when it began.
    told_alike: bool,
}

impl World {
    pub(crate) fn new(directory: Directory, policy: Policy, id: AgentId) -> World {
        let agent = Agent::unseen(id.clone());
        World {
            directory,
            policy,
            id,
            shadow: agent.clone(),
            agent,
            now: Timestamp(0),
            live: Live::default(),
            reports: Reports::default(),
            reported: 0,
            slots: Slots::default(),
            up: true,
            journal: Vec::new(),
            ready_at: Timestamp(0),
            ids: 0,
            shadowed: true,
            told: Default::default(),
            told_alike: false,
        }
    }

    pub(crate) fn person(&self) -> &Arc<Person> {
        &self.directory.agents[&self.id]
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            slots: self.slots.counts(),
            counted_available: Standing::of(&self.agent).available,
            now: self.now,
            directory: &self.directory,
            person: self.person(),
            policy: &self.policy,
            live: self.live,
            reports: &self.reports,
            recorded: None,
            fresh_id: PauseId(self.ids + 1),
            ready_at: self.ready_at,
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let mut context = self.context();
        while let Some(due) = self.agent.next_deadline(&context).filter(|_| self.up) {
            // At some instants the agent only has a look.
            context.now = due.max(self.now);
            if due <= self.now || !self.agent.due(&context).is_empty() {
                return Some(due);
            }
        }
        None
    }

    /// Moves the clock to a deadline and lets it act; what a command left overdue acts at once.
    pub(crate) fn fire(&mut self, due: Timestamp) -> Vec<AgentEvent> {
        let at = due.max(self.now);
        let early = Context { now: Timestamp(at.0 - 1), ..self.context() };
        let before_it = self.agent.due(&early);
        assert!(self.now >= at || before_it.is_empty(), "fired a millisecond early: {before_it:?}");
        self.now = at;
        let events = self.settle();
        assert!(!events.is_empty(), "a deadline at {at:?} came and nothing was due");
        events
    }

    /// Lets all fire that is due by `at`, each at its own instant, and moves the clock there.
    pub(crate) fn advance(&mut self, at: Timestamp) {
        while let Some(due) = self.next_deadline().filter(|due| *due <= at) {
            self.fire(due);
        }
        self.now = at;
    }

    /// Lets all happen that time and the sockets bring about by now.
    pub(crate) fn settle(&mut self) -> Vec<AgentEvent> {
        if !self.up {
            return Vec::new();
        }
        let mut events = self.agent.due(&self.context());
        let shadow_events = self.shadow.due(&self.context());
        self.told = [self.told_of(&self.agent, &events), self.told_of(&self.shadow, &shadow_events)];
        self.told_alike = self.shadowed;
        self.take(&events);
        self.ids += 1;
        for event in &shadow_events {
            self.shadow.apply(event).expect("the shadow's own events follow");
        }
        self.close_sockets_if_signed_out(&events);
        // A slot that was given back may be offered to the agent anew: whoever orders events has them look again.
        let offered = self.agent.due(&self.context());
        self.take(&offered);
        self.ids += 1;
        events.extend(offered);
        let again = self.agent.due(&self.context());
        assert!(again.is_empty(), "what was due is due again: {again:?}");
        if let Some(next) = self.next_deadline() {
            assert!(next > self.now, "the next deadline {next:?} is not after {:?}", self.now);
        }
        self.check();
        events
    }

    /// What the rules would say to `actor`.
    pub(crate) fn ask(
        &self,
        actor: &Actor,
        code: &PauseTypeCode,
        replaces: Option<PauseId>,
        overriding: bool,
    ) -> Verdict {
        evaluate(&Question {
            agent: &self.agent,
            context: &self.context(),
            code,
            actor,
            replaces,
            overriding,
            waited: false,
        })
    }

    pub(crate) fn options(&self) -> Vec<PauseOption> {
        options(&self.agent, &self.context())
    }

    /// Carries a command out, or not; nothing else is due before it.
    pub(crate) fn execute(&mut self, request: &Request) -> Result<Decision, Rejection> {
        let recorded = self.recorded(&request.command);
        let context = Context { recorded: recorded.as_ref(), ..self.context() };
        let decided = self.agent.decide(request, &context);
        assert_eq!(decided, self.agent.decide(request, &context), "decided differently the second time");
        let events = decided.as_ref().map(|decision| decision.events.as_slice()).unwrap_or_default();
        self.told = [self.told_of(&self.agent, events), Vec::new()];
        self.told_alike = self.shadowed;
        self.shadow_executes(request, &decided, recorded.as_ref());
        self.ids += 1;
        if let Ok(decision) = &decided {
            self.take(&decision.events);
            self.close_sockets_if_signed_out(&decision.events);
        }
        self.check();
        decided
    }

    /// The pause on record that a command is about.
    fn recorded(&self, command: &Command) -> Option<RecordedPause> {
        let (Command::CorrectPause { pause: id, .. } | Command::AnnotatePause { pause: id }) = command else {
            return None;
        };
        recorded::all(&self.id, &self.journal).into_iter().find(|pause| pause.id == *id)
    }

    pub(crate) fn open_session(&mut self) {
        self.live.sessions += 1;
    }

    pub(crate) fn close_session(&mut self) {
        self.live.sessions -= 1;
        self.live.last_closed_at = Some(self.now);
    }

    /// An integration says what work is open: `voice=1,chat=2 wrap_up by dialer for 2m`; `nothing`.
    pub(crate) fn report(&mut self, words: &mut Words) {
        let open = words.next();
        let mut channels = BTreeMap::new();
        for one in open.split(',').filter(|one| *one != "nothing" && *one != "wrap_up") {
            let (channel, count) = one.split_once('=').expect("channel=count");
            let channel = ChannelCode::new(channel).expect("a code");
            assert!(self.directory.channels.contains_key(&channel), "there is no channel {channel}");
            channels.insert(channel, count.parse().expect("a number"));
        }
        let wrap_up = open == "wrap_up" || words.has("wrap_up");
        let source = SourceId::new(if words.has("by") { words.next() } else { "pbx" }).expect("an id");
        let ttl = if words.has("for") { duration(words.next()) } else { LEASE_MAX };
        self.reported += 1;
        let (seq, work) = (self.reported, Work::of(&channels, wrap_up));
        self.reports.take(Report { source, seq, ttl, work, anew: None }, self.now).expect("it is taken");
    }

    pub(crate) fn answer_ping(&mut self) {
        self.live.answered_at = Some(self.now);
    }

    /// The process ends, with all that was not journaled.
    pub(crate) fn stop_server(&mut self) {
        self.up = false;
        self.live = Live::default();
        self.reports = Reports::default();
    }

    pub(crate) fn start_server(&mut self) {
        self.up = true;
        self.ready_at = self.now;
        let grace_until = self.now + seconds(GRACE_AFTER_START);
        self.agent.on_server_started(self.now, grace_until);
        self.slots.put(&self.id, Standing::of(&self.agent), &self.directory);
        self.shadow.on_server_started(self.now, grace_until);
        self.journal.push(Entry::ServerStarted { at: self.now, grace_until });
    }

    pub(crate) fn own_view(&self) -> AgentView {
        AgentView::own(&self.agent, self.person(), &self.directory)
    }

    pub(crate) fn public_view(&self) -> AgentView {
        AgentView::public(&self.agent, self.person(), &self.directory)
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = &AgentEvent> {
        self.journal.iter().filter_map(Entry::event)
    }

    fn take(&mut self, events: &[AgentEvent]) {
        for event in events {
            let (before, shown) = (self.agent.clone(), self.public_view());
            self.agent.apply(event).expect("what was decided follows");
            assert_eq!(event.at, self.now, "an event that did not happen at its time");
            assert_eq!(self.agent.seq, before.seq.next());
            assert!(self.agent.version >= before.version && self.agent.public_version >= before.public_version);
            assert!(self.agent.public_version <= self.agent.version && self.agent.version <= self.agent.seq);
            if self.agent.public_version == before.public_version {
                let same = (shown.status, shown.since, shown.actor.clone(), shown.cause);
                let after = self.public_view();
                assert_eq!(same, (after.status, after.since, after.actor, after.cause), "shown without a version");
            }
            self.journal.push(Entry::Event(Box::new(event.clone())));
        }
        self.slots.put(&self.id, Standing::of(&self.agent), &self.directory);
    }

    /// Somebody else stands otherwise.
    pub(crate) fn other_stands(&mut self, other: &AgentId, standing: Standing) {
        self.slots.put(other, standing, &self.directory);
    }

    /// Another directory or policy is in force.
    pub(crate) fn count_anew(&mut self) {
        self.slots.count_anew(&self.policy, &self.directory);
    }

    /// As its caller must: who is signed out has no session.
    fn close_sockets_if_signed_out(&mut self, events: &[AgentEvent]) {
        if events.iter().any(|e| matches!(e.body, AgentEventBody::SignedOut | AgentEventBody::Deactivated)) {
            self.live.sessions = 0;
            self.live.last_closed_at = Some(self.now);
        }
    }

    fn check(&mut self) {
        let folded = trace::fold(&self.id, &self.journal).expect("the journal folds");
        assert_eq!(folded, self.agent, "the fold of the journal is not the state (D6)");
        if let Err(why) = trace::check(&self.journal) {
            panic!("{why}");
        }
        self.compare_with_shadow();
    }

    fn compare_with_shadow(&mut self) {
        let protected = self.agent.protected_pause().is_some();
        let in_line = self.agent.queue.is_some() || self.shadow.queue.is_some();
        if !protected && self.agent.pending.is_none() && self.agent.queue.is_none() && !self.shadowed {
            self.shadow = self.agent.clone();
            self.shadowed = true;
        }
        let last = self.journal.iter().rev().take_while(|entry| entry.at() == self.now).filter_map(Entry::event);
        let (mut told_apart, cause_of_end) = (false, Cause::Abandoned);
        for event in last {
            let ended = matches!(event.body, AgentEventBody::PauseEnded(_)) && event.cause == cause_of_end;
            let sign_in = matches!(event.body, AgentEventBody::Connected { .. }) && event.cause == Cause::SignIn;
            let takes_other = self.directory.tenant.status_on_sign_in == SignInStatus::Available;
            told_apart |= ended || (sign_in && takes_other);
        }
        // What supervisors asked for waits for a return that the shadow does not have to make, and the clock of an offer
        // rests for the one and runs for the other.
        if self.agent.pending.is_some() || in_line || (told_apart && self.shadowed) {
            self.shadowed = false;
        }
        if !self.shadowed {
            return;
        }
        let shown = |agent: &Agent| AgentView {
            version: AgentSeq(0),
            ..AgentView::public(agent, self.person(), &self.directory)
        };
        assert_eq!(shown(&self.agent), shown(&self.shadow), "the others can tell a protected pause from unavailable");
        let [own, of_shadow] = &self.told;
        if self.told_alike {
            assert_eq!(own, of_shadow, "the events tell a protected pause from unavailable");
        }
    }

    fn told_of(&self, agent: &Agent, events: &[AgentEvent]) -> Vec<Told> {
        let types = self.policy.types.values().filter(|found| found.kind.class() == PauseClass::Protected);
        let types = types.map(|found| found.code.clone()).collect();
        let pauses = self.events().chain(events).filter_map(protected_begun).collect();
        told(agent, events, &Protected { pauses, types })
    }

    fn shadow_executes(
        &mut self,
        request: &Request,
        decided: &Result<Decision, Rejection>,
        recorded: Option<&RecordedPause>,
    ) {
        if !self.shadowed {
            return;
        }
        let Some(command) = self.as_shadow(request, decided) else { return };
        let request = Request { command, expected_version: None, ..request.clone() };
        let answer = self.shadow.decide(&request, &Context { recorded, ..self.context() });
        let code = |rejection: &Rejection| rejection.to_string();
        assert_eq!(
            answer.as_ref().err().map(code),
            decided.as_ref().err().map(code),
            "the answer tells a protected pause from unavailable: {request:?}"
        );
        let Ok(decision) = answer else { return };
        self.told[1] = self.told_of(&self.shadow, &decision.events);
        for event in &decision.events {
            self.shadow.apply(event).expect("the shadow's own events follow");
        }
        // What others asked for waits for the return, which the shadow does not have to make.
        let by_other = !matches!(request.actor, Actor::Agent(_));
        if by_other && matches!(decided, Ok(Decision { outcome: Outcome::Deferred, .. })) {
            self.shadowed = false;
        }
    }

    /// What somebody does who takes `unavailable` for a protected pause; `None`: nothing.
    fn as_shadow(&self, request: &Request, decided: &Result<Decision, Rejection>) -> Option<Command> {
        let by_agent = matches!(request.actor, Actor::Agent(_));
        if matches!(decided, Err(Rejection::StaleVersion { .. })) || (by_agent && decided.is_err()) {
            return None;
        }
        let (inner, outer) = (self.agent.protected_pause(), self.agent.pause());
        match &request.command {
            Command::StartPause { pause_type, .. } if self.is_protected(pause_type) => {
                let begins = decided.is_ok() && inner.is_none() && outer.is_none();
                begins.then_some(Command::SetStatus { status: ChosenStatus::Unavailable, after_work: false })
            }
            Command::StartPause { pause_type, note, replaces, overriding } => {
                let replaces = replaces.and(self.shadow.pause()).map(|pause| pause.id);
                Some(Command::StartPause {
                    pause_type: pause_type.clone(),
                    note: note.clone(),
                    replaces,
                    overriding: *overriding,
                })
            }
            Command::EndPause { then, .. } if by_agent && inner.is_some() => {
                let status = match then {
                    Some(AfterEnd::Unavailable) => ChosenStatus::Unavailable,
                    Some(AfterEnd::Available) | None => ChosenStatus::Available,
                };
                outer.is_none().then_some(Command::SetStatus { status, after_work: false })
            }
            Command::SetStatus { .. }
            | Command::AcceptOffer { .. }
            | Command::Cancel { .. }
            | Command::EndPause { .. }
            | Command::ExtendPause { .. }
            | Command::CreateRequest { .. }
            | Command::AckAlert { .. }
            | Command::CancelRequest { .. }
            | Command::DecideRequest { .. }
            | Command::SignOut { .. }
            | Command::PlanShifts { .. }
            | Command::CancelShift { .. }
            | Command::CorrectPause { .. }
            | Command::AnnotatePause { .. } => Some(request.command.clone()),
        }
    }

    fn is_protected(&self, code: &PauseTypeCode) -> bool {
        self.policy.types.get(code).is_some_and(|found| found.kind.class() == PauseClass::Protected)
    }

    /// C8: without a session nobody stays connected past the grace.
    pub(crate) fn check_no_ghost(&self) {
        if self.up && self.live.sessions == 0 {
            assert_ne!(self.agent.connection, Connection::Connected, "a ghost");
        }
    }

    /// Plants a defect: what the others are shown of the shadow is another thing.
    pub(crate) fn shadow_is_seen_otherwise(&mut self) {
        self.shadow.since = Timestamp(self.shadow.since.0 + 1);
    }
}
