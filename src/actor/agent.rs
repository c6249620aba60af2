//! The actor of one agent: samples `now` once, decides, has it made durable, and only then applies
//! it, shows it and answers.

mod closing;
mod person;
mod shown;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::{debug, error};

use super::core::{Env, Errand};
use super::desk::{Desk, Guards, TenantFacts};
use super::handle::Message;
use super::recall::{recalled_op, recorded_pause};
use super::refusals::{Refusals, next_change_at, refusal_code, refused_start};
use super::registry::{Birth, Key};
use super::reply::{CommandError, Reply};
use super::session::{Notice, SESSIONS_MAX, SessionLink};
use super::shard::{Append, Intake, NotAppended, ShardHandle};
use super::told::Told;
use crate::domain::agent::{Agent, Context, Live};
use crate::domain::command::{Actor, Outcome, Rejection, Request};
use crate::domain::directory::Person;
use crate::domain::event::{AgentEvent, AgentEventBody, Cause};
use crate::domain::id::{AgentSeq, PauseId, SessionId, SourceId};
use crate::domain::occupancy::{NotTaken, Report, Reports};
use crate::domain::op::{OpMemory, OpRecord, fingerprint};
use crate::domain::presence::AgentView;
use crate::domain::slots::Standing;
use crate::domain::time::Timestamp;
use crate::ports::AgentRecord;
use crate::sync::{Race, Receiver, may_switch, planted};

/// An actor without sessions goes to rest after this long without a message, so that a burst of
/// commands does not start and stop it. One that was woken for a deadline does not wait: nobody asked.
const REST_AFTER: Duration = Duration::from_secs(5);

/// After an actor's panic its agent is woken again this much later: soon enough for its deadlines,
/// late enough that a panic that repeats costs nothing.
const WAKE_AFTER_PANIC: Duration = Duration::from_secs(5);

/// How long after a failed append what is due is tried again, at first and at most.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(250);
const TRY_AGAIN_AFTER_MAX: Duration = Duration::from_secs(2);

/// How often a decision is made anew because its guards went stale. Each time a definition has been published in between,
/// or somebody else took the slot; so many within one command is no real load.
const DECISIONS_MAX: usize = 16;

/// All that can wake an actor.
enum Input {
    Message(Box<Message>),
    Deadline,
    Idle,
    Closed,
}

/// Why events did not become state.
enum NotDurable {
    /// Decide again.
    Stale,
    Unavailable,
    /// The actor's state is void; it ends.
    Lost,
}

/// The actor.
pub(super) struct AgentActor {
    key: Key,
    generation: u64,
    record: Arc<AgentRecord>,
    mailbox: Receiver<Box<Message>>,
    sessions: BTreeMap<SessionId, SessionLink>,
    last_closed_at: Option<Timestamp>,
    /// What integrations say of the agent's work, as long as it holds.
    reports: Reports,
    refusals: Refusals,
    /// The agent as the directory has them, as the sessions know it.
    person: Option<Arc<Person>>,
    /// After a failed append: when to try again, and how long that was waited.
    again: Option<(Timestamp, Duration)>,
    /// Held by an actor that was woken for a deadline, until what is due is durable: so few are woken
    /// at once that those who command are not kept waiting.
    errand: Option<Errand>,
    lost: bool,
    incarnation: u64,
    desk: Arc<Desk>,
    shard: ShardHandle,
    env: Arc<Env>,
}

impl AgentActor {
    /// `incarnation` is that of the desk, read before the state was.
    pub(super) fn new(
        key: Key,
        birth: Birth,
        errand: Option<Errand>,
        incarnation: u64,
        desk: Arc<Desk>,
        shard: ShardHandle,
        env: Arc<Env>,
    ) -> AgentActor {
        AgentActor {
            key,
            generation: birth.generation,
            record: birth.record,
            mailbox: birth.mailbox,
            sessions: BTreeMap::new(),
            last_closed_at: None,
            reports: Reports::default(),
            refusals: Refusals::default(),
            person: None,
            again: None,
            errand,
            lost: false,
            incarnation,
            desk,
            shard,
            env,
        }
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// After a panic or a loss: only what is durable counts, and that is what the record is.
    pub(super) fn abandon_to_rest(&self) {
        let wake_at = self.env.clock.now() + WAKE_AFTER_PANIC;
        self.env.registry.passivate(&self.key, self.generation, Arc::clone(&self.record), || Some(wake_at));
    }

    /// Runs until the agent rests, the shard is lost, or the registry lets go of it.
    pub(super) async fn run(&mut self) {
        let is_on_errand = self.errand.is_some();
        // Sockets that are gone, or deadlines that passed, before this actor was.
        Box::pin(self.on_deadline()).await;
        if is_on_errand && !self.lost && self.may_rest() && Box::pin(self.goes_to_rest()).await {
            return;
        }
        while !self.lost {
            self.meet_directory();
            match self.next_input().await {
                // Apart from the task, which has room for all that it may ever wait for: most wait for nothing.
                Input::Message(message) => Box::pin(self.on_message(*message)).await,
                Input::Deadline => Box::pin(self.on_deadline()).await,
                Input::Idle if Box::pin(self.goes_to_rest()).await => break,
                Input::Idle => {}
                Input::Closed => break,
            }
        }
        if self.lost {
            // Where the registry has let go already, nothing is put back.
            self.abandon_to_rest();
        }
        debug!(agent.id = %self.key.agent, "the actor of {} ends", self.key.agent);
    }

    async fn next_input(&mut self) -> Input {
        let rests_at = self.may_rest().then(|| self.env.clock.now() + REST_AFTER);
        let deadline = self.next_deadline();
        let idle = rests_at.is_some_and(|at| deadline.is_none_or(|deadline| at < deadline));
        let Some(wake_at) = rests_at.into_iter().chain(deadline).min() else {
            return self.mailbox.recv().await.map_or(Input::Closed, Input::Message);
        };
        tokio::select! {
            biased;
            () = self.env.clock.sleep_until(wake_at) => if idle { Input::Idle } else { Input::Deadline },
            message = self.mailbox.recv() => message.map_or(Input::Closed, Input::Message),
        }
    }

    /// When something is due: of the state, of the refusals, or again after a failure. Also a report that lapses: an agent
    /// whose state it means nothing to may rest then.
    fn next_deadline(&self) -> Option<Timestamp> {
        let (facts, now) = (self.desk.facts(), self.env.clock.now());
        if facts.directory.is_closed() {
            return None;
        }
        let of_state = self.context(&facts, now, |context| self.agent().next_deadline(context));
        let due = [of_state.flatten(), self.refusals.next_deadline(), self.reports.next_lapse(now)];
        let due = due.into_iter().flatten().min();
        // What failed is not of the state alone: it may be due though the state has nothing before tonight.
        self.again.map(|(at, _)| at).or(due)
    }

    async fn on_message(&mut self, message: Message) {
        match message {
            Message::Execute { request, reply } => {
                let refused = refused_start(&request);
                let result = self.execute(request).await;
                let refusal = refused.and_then(|wanted| Some((wanted, refusal_code(&result)?)));
                let _ = reply.send(result);
                if let Some((wanted, code)) = refusal {
                    self.refusals.add(&wanted, code, self.env.clock.now());
                    self.settle_or_try_again().await;
                }
            }
            Message::Attach { session, reply } => {
                let result = self.attach(session).await;
                let _ = reply.send(result);
            }
            Message::Detach { session } => {
                self.close_session(session);
                self.settle_or_try_again().await;
            }
            Message::SignOutSession { session, request, reply } => {
                let result = self.sign_out_session(session, request).await;
                let _ = reply.send(result);
            }
            Message::Report { report, expected_version, reply } => {
                let result = self.take_report(report, expected_version).await;
                let _ = reply.send(result);
            }
            Message::ReportNothing { report } => {
                if self.knows_source(&report.source) {
                    let _ = self.take_report(report, None).await;
                }
            }
            Message::Leave { by, reply } => {
                let result = self.leave_closed(&by).await;
                let _ = reply.send(result);
            }
            Message::View { reply } => {
                if self.may_show().await {
                    let _ = reply.send(self.own_view());
                }
            }
            Message::PublicView { reply } => {
                if self.may_show().await {
                    let _ = reply.send(self.public_view());
                }
            }
            Message::Options { reply } => {
                if self.may_show().await {
                    let _ = reply.send(self.options());
                }
            }
            Message::Shifts { reply } => {
                if self.may_show().await {
                    let _ = reply.send(self.agent().plan.clone());
                }
            }
            Message::Look => self.settle_or_try_again().await,
        }
    }

    /// Makes durable what is due, and says whether the agent may be shown: while the store is out of
    /// reach as last known, but never without what fell due while the server was down (promise T1).
    /// Whoever is not answered is told to come again.
    async fn may_show(&mut self) -> bool {
        self.settle_or_try_again().await;
        !self.desk.overdue.holds(&self.key.agent)
    }

    async fn on_deadline(&mut self) {
        let now = self.env.clock.now();
        self.settle_or_try_again().await;
        // A deadline that nothing comes of would be met again and again, and nobody else be heard.
        if self.next_deadline().is_some_and(|at| at <= now) {
            error!(agent.id = %self.key.agent, "something of {} stays due, and nothing comes of it", self.key.agent);
            self.try_again_later();
        }
    }

    async fn attach(&mut self, session: SessionLink) -> Result<Arc<AgentView>, CommandError> {
        self.check_served()?;
        if self.sessions.len() >= SESSIONS_MAX {
            return Err(CommandError::TooManySessions);
        }
        if self.has_left() {
            return Err(CommandError::UnknownAgent);
        }
        let id = session.id;
        self.sessions.insert(id, session);
        match self.settle().await {
            Ok(()) => Ok(self.own_view()),
            Err(_) => {
                self.close_session(id);
                self.try_again_later();
                Err(CommandError::unavailable())
            }
        }
    }

    /// What an integration says holds from here on, and is on record where it makes a difference. A report that was
    /// overtaken changes nothing, and is no failure.
    async fn take_report(&mut self, report: Report, expected_version: Option<AgentSeq>) -> Result<Reply, CommandError> {
        self.check_served()?;
        self.settle().await.map_err(|_| CommandError::unavailable())?;
        let current = self.agent().public_version;
        if expected_version.is_some_and(|expected| expected != current) {
            return Err(self.rejected(Rejection::StaleVersion { current }, None));
        }
        if let Err(NotTaken::TooManySources) = self.reports.take(report, self.env.clock.now()) {
            return Err(CommandError::TooManySources);
        }
        if self.settle().await.is_err() {
            self.try_again_later();
            return Err(CommandError::unavailable());
        }
        Ok(self.reply(Outcome::Done))
    }

    /// True for an integration whose report holds, and for one that is on record with a report that has lapsed.
    fn knows_source(&self, source: &SourceId) -> bool {
        let recorded = self.agent().occupancy.iter().flat_map(|occupancy| &occupancy.sources);
        self.reports.has(source, self.env.clock.now())
            || recorded.into_iter().any(|on_record| on_record.source == *source)
    }

    fn close_session(&mut self, session: SessionId) {
        if self.sessions.remove(&session).is_some() {
            self.last_closed_at = Some(self.env.clock.now());
        }
    }

    /// One session leaves; with the last one the agent does.
    async fn sign_out_session(&mut self, session: SessionId, request: Request) -> Result<(), CommandError> {
        // Also when this one has been let go already: the others stay.
        if self.sessions.keys().any(|other| *other != session) {
            self.close_session(session);
            return Ok(());
        }
        self.execute(request).await.map(|_| ())
    }

    async fn execute(&mut self, request: Request) -> Result<Reply, CommandError> {
        self.check_served()?;
        self.settle().await.map_err(|_| CommandError::unavailable())?;
        if let Some(op) = request.op
            && let Some(record) = recalled_op(&self.env, &self.key, &self.record.ops, op, &request.actor).await?
        {
            if record.fingerprint == fingerprint(&request.command, request.reason.as_deref()) {
                return Ok(self.reply(record.outcome));
            }
            return Err(self.rejected(Rejection::OpReused, None));
        }
        let recorded = recorded_pause(&self.env, &self.key, &request.command).await?;
        for _ in 0..DECISIONS_MAX {
            let facts = self.desk.facts();
            let now = self.env.clock.now();
            let fresh_id = (self.env.fresh_id)(&self.key.tenant, &self.key.agent, now);
            let Some(decided) = self.context_with(&facts, now, fresh_id, |context| {
                let context = &Context { recorded: recorded.as_ref(), ..*context };
                self.agent().decide(&request, context).map_err(|rejection| {
                    let next_change_at = next_change_at(self.agent(), &request, &rejection, context);
                    (rejection, next_change_at)
                })
            }) else {
                return Err(CommandError::UnknownAgent);
            };
            let mut decision = match decided {
                Ok(decision) => decision,
                Err((rejection, next_change_at)) => return Err(self.rejected(rejection, next_change_at)),
            };
            let mut ops = self.record.ops.clone();
            if let Some(op) = request.op {
                let record = OpRecord {
                    op,
                    by: request.actor.clone(),
                    fingerprint: fingerprint(&request.command, request.reason.as_deref()),
                    at: now,
                    outcome: decision.outcome,
                };
                decision.remember(&record);
                ops.remember(record);
            } else if decision.events.is_empty() {
                return Ok(self.reply(decision.outcome));
            }
            match self.make_durable(decision.events, ops, &facts).await {
                Ok(()) => return Ok(self.reply(decision.outcome)),
                Err(NotDurable::Stale) => {}
                Err(NotDurable::Unavailable | NotDurable::Lost) => return Err(CommandError::unavailable()),
            }
        }
        Err(CommandError::unavailable())
    }

    /// Makes durable all that is due: of time, of the sockets, of the refusals.
    async fn settle(&mut self) -> Result<(), NotDurable> {
        self.make_due_durable().await?;
        self.errand = None;
        self.desk.is_up_to_date(&self.key.agent);
        Ok(())
    }

    async fn make_due_durable(&mut self) -> Result<(), NotDurable> {
        for _ in 0..DECISIONS_MAX {
            let facts = self.desk.facts();
            if facts.directory.is_closed() {
                return Ok(());
            }
            let now = self.env.clock.now();
            let fresh_id = (self.env.fresh_id)(&self.key.tenant, &self.key.agent, now);
            let Some(events) = self.context_with(&facts, now, fresh_id, |context| {
                let mut events = self.agent().due(context);
                events.extend(self.refused_events(now, now, context));
                events
            }) else {
                return Ok(());
            };
            let settled = match events.is_empty() {
                true => Ok(()),
                false => self.make_durable(events, self.record.ops.clone(), &facts).await,
            };
            match settled {
                // Nothing to do settles as well: what has had its time must not stay due.
                Ok(()) => {
                    self.refusals.journaled(now);
                    self.again = None;
                    return Ok(());
                }
                Err(NotDurable::Stale) => {}
                Err(why) => return Err(why),
            }
        }
        Err(NotDurable::Unavailable)
    }

    async fn settle_or_try_again(&mut self) {
        if self.settle().await.is_err() {
            self.try_again_later();
        }
    }

    /// What failed on the way, by a message, does not put the next try off.
    fn try_again_later(&mut self) {
        let now = self.env.clock.now();
        if self.again.is_some_and(|(at, _)| at > now) {
            return;
        }
        let waited = self.again.map_or(TRY_AGAIN_AFTER, |(_, waited)| (waited * 2).min(TRY_AGAIN_AFTER_MAX));
        self.again = Some((now + waited, waited));
    }

    /// The refusals that are to be on record by an instant.
    fn refused_events(&self, by: Timestamp, now: Timestamp, context: &Context) -> Vec<AgentEvent> {
        self.refusals
            .due(by)
            .into_iter()
            .map(|refusal| AgentEvent {
                at: now,
                due_at: None,
                actor: Actor::Agent(self.key.agent.clone()),
                cause: Cause::Agent,
                reason: None,
                policy_version: context.policy.version,
                op: None,
                body: AgentEventBody::PauseRefused {
                    pause_type: refusal.pause_type,
                    code: refusal.code.to_owned(),
                    count: refusal.count,
                },
            })
            .collect()
    }

    /// Appends; once durable, applies and tells the sessions.
    async fn make_durable(
        &mut self,
        events: Vec<AgentEvent>,
        ops: OpMemory,
        facts: &TenantFacts,
    ) -> Result<(), NotDurable> {
        let mut agent = self.agent().clone();
        let first = agent.next_seq();
        for event in &events {
            if let Err(illegal) = agent.apply(event) {
                panic!("decided an illegal event: {illegal}");
            }
        }
        let record = Arc::new(AgentRecord { agent, ops });
        let Some(row) = self.view(&record.agent, facts, AgentView::public) else { return Err(NotDurable::Stale) };
        let notices = self.notices(&events, &record.agent, facts);
        self.append(first, events, Arc::clone(&record), row, facts.guards()).await?;
        self.record = record;
        // Places in line are those of now that it is durable.
        let notices = notices.into_iter().map(|notice| match notice {
            Notice::Changed(view) => Notice::Changed(self.in_line(view)),
            told @ (Notice::PauseWarned { .. }
            | Notice::Offered { .. }
            | Notice::PauseCorrected(_)
            | Notice::PauseAnnotated(_)
            | Notice::RequestChanged(_)
            | Notice::LimitReached { .. }
            | Notice::SignedOut { .. }) => told,
        });
        self.tell_sessions(notices.collect());
        Ok(())
    }

    async fn append(
        &mut self,
        first: AgentSeq,
        events: Vec<AgentEvent>,
        record: Arc<AgentRecord>,
        row: Arc<AgentView>,
        guards: Guards,
    ) -> Result<(), NotDurable> {
        let (reply, committed) = oneshot::channel();
        let append = Append {
            tenant: self.key.tenant.clone(),
            agent: self.key.agent.clone(),
            first,
            events,
            record,
            row,
            guards,
            incarnation: self.incarnation,
            reply,
        };
        let offered = self.shard.offer(Intake::Append(Box::new(append)));
        let result = match offered {
            Ok(()) => committed.await.unwrap_or(Err(NotAppended::Lost)),
            Err(error) => Err(error),
        };
        result.map_err(|error| match error {
            NotAppended::Stale => NotDurable::Stale,
            NotAppended::Unavailable => NotDurable::Unavailable,
            NotAppended::Lost => {
                self.lost = true;
                NotDurable::Lost
            }
        })
    }

    /// What the sessions are told of these events, which lead to `after`.
    fn notices(&self, events: &[AgentEvent], after: &Agent, facts: &TenantFacts) -> Vec<Notice> {
        if self.sessions.is_empty() {
            return Vec::new();
        }
        let told = Told::of(events, self.agent(), after);
        let before = self.view(self.agent(), facts, AgentView::own);
        let now = self.view(after, facts, AgentView::own);
        // A view has the last request alone.
        let asked = match told.asked[..] {
            [] => Vec::new(),
            [_] => now.clone().into_iter().collect(),
            [..] => self.views_after(&told.asked, events, facts),
        };
        let asked = asked.into_iter().map(Notice::RequestChanged);
        let changed = now.filter(|view| before.as_ref() != Some(view)).map(Notice::Changed);
        told.notices.into_iter().chain(asked).chain(changed).chain(told.signed_out).collect()
    }

    /// The agent as it is after some of the events.
    fn views_after(&self, places: &[usize], events: &[AgentEvent], facts: &TenantFacts) -> Vec<Arc<AgentView>> {
        let mut agent = self.agent().clone();
        let mut views = Vec::new();
        for (place, event) in events.iter().enumerate() {
            // They were applied before.
            if agent.apply(event).is_ok() && places.contains(&place) {
                views.extend(self.view(&agent, facts, AgentView::own));
            }
        }
        views
    }

    /// Tells all sessions; one that is too far behind is let go, and one that was signed out is
    /// no longer a presence.
    fn tell_sessions(&mut self, notices: Vec<Notice>) {
        let now = self.env.clock.now();
        for notice in notices {
            let last = matches!(notice, Notice::SignedOut { .. });
            let before = self.sessions.len();
            self.sessions.retain(|_, session| session.tell(notice.clone()) && !last);
            if self.sessions.len() < before {
                self.last_closed_at = Some(now);
            }
        }
    }

    /// True while all that there is of the agent is its state: that waits for its deadlines without an
    /// actor. Refusals and what is to be tried again are not of the state.
    fn may_rest(&self) -> bool {
        if self.desk.facts().directory.is_closed() {
            return self.sessions.is_empty();
        }
        let reported = !self.reports.is_empty(self.env.clock.now());
        let idle = self.sessions.is_empty() && !self.agent().is_connected() && !reported;
        idle && self.refusals.is_empty() && self.again.is_none()
    }

    /// Hands the state back to the registry. What came in meanwhile is answered first; if that
    /// woke the agent up, it lives on under a new mailbox.
    async fn goes_to_rest(&mut self) -> bool {
        self.mailbox.close();
        while let Some(message) = self.mailbox.recv().await
            && !planted(Race::MailboxDropped)
        {
            self.on_message(*message).await;
        }
        let registry = Arc::clone(&self.env.registry);
        if self.may_rest() {
            let (desk, env, agent) = (&self.desk, &self.env, &self.record.agent);
            let asked_before =
                planted(Race::WakeAskedBefore).then(|| env.wake_at(&desk.facts(), &self.key.agent, agent));
            may_switch();
            registry.passivate(&self.key, self.generation, Arc::clone(&self.record), || {
                asked_before.unwrap_or_else(|| env.wake_at(&desk.facts(), &self.key.agent, agent))
            });
            return true;
        }
        match registry.renew(&self.key, self.generation) {
            Some((generation, mailbox)) => {
                (self.generation, self.mailbox) = (generation, mailbox);
                // Who was to have it look may have found the old mailbox closed.
                self.settle_or_try_again().await;
                false
            }
            None => true,
        }
    }

    fn agent(&self) -> &Agent {
        &self.record.agent
    }

    fn reply(&self, outcome: Outcome) -> Reply {
        Reply { outcome, own: self.own_view(), public: self.public_view() }
    }

    fn rejected(&self, rejection: Rejection, next_change_at: Option<Timestamp>) -> CommandError {
        CommandError::Rejected { rejection, next_change_at, own: self.own_view(), public: self.public_view() }
    }

    /// Asks something that begins no pause; `None` when the directory has no such agent.
    fn context<T>(&self, facts: &TenantFacts, now: Timestamp, ask: impl FnOnce(&Context) -> T) -> Option<T> {
        self.context_with(facts, now, PauseId(0), ask)
    }

    fn context_with<T>(
        &self,
        facts: &TenantFacts,
        now: Timestamp,
        fresh_id: PauseId,
        ask: impl FnOnce(&Context) -> T,
    ) -> Option<T> {
        let person = facts.directory.agents.get(&self.key.agent)?;
        let live = Live {
            sessions: self.sessions.len(),
            last_closed_at: self.last_closed_at,
            answered_at: self.sessions.values().filter_map(SessionLink::last_answer).max(),
        };
        Some(ask(&Context {
            now,
            directory: &facts.directory,
            person,
            policy: &facts.policy,
            slots: &facts.slots,
            counted_available: Standing::of(self.agent()).available,
            live,
            reports: &self.reports,
            recorded: None,
            fresh_id,
            ready_at: self.env.ready_at,
        }))
    }
}
