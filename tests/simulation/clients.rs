//! Those who use the server: agents with their sockets, supervisors, a router, and, each in a file, an administrator and a
//! planner of shifts. Each acts as its dice say, sends what was not answered again, and takes note of what it is told.

pub(crate) mod administrator;
mod planner;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use intervalo::actor::{CommandError, Notice, SessionLink};
use intervalo::domain::command::{Actor, AfterEnd, Cancelled, Command, PauseAtSignOut, Request, RequestDecision};
use intervalo::domain::event::ChosenStatus;
use intervalo::domain::id::{AgentId, ChannelCode, OfferId, PrincipalId, RequestId, SessionId, SourceId};
use intervalo::domain::occupancy::{Report, Work};
use intervalo::domain::time::{Timestamp, minutes, seconds};
use intervalo::ports::Clock;
use intervalo::sync::{Receiver, queue};

use super::defect::Defect;
use super::dice::Dice;
use super::evidence::{Ack, KnownPause, Session};
use super::house::House;
use super::office::{AGENTS, CODES, agent, code, tenant};
use super::world::Unanswered;

/// How many notices a socket has room for.
const NOTICES: usize = 64;
/// How many agents supervisors look after in a lull.
const LOOKED_AFTER: u64 = 4;
/// How long a client waits before it sends again what was not answered, in ms.
const AGAIN_AFTER_MS: u64 = 1_000;

/// One who acts.
pub(crate) struct Client {
    house: Arc<House>,
    number: u64,
    dice: Dice,
    /// When it falls silent.
    quiet_at: Timestamp,
}

/// One socket, from the agent's side.
struct Link {
    id: SessionId,
    notices: Receiver<Box<Notice>>,
    answered_at: Arc<AtomicI64>,
    /// Where it is among the sessions on record.
    place: usize,
}

impl Client {
    pub(crate) fn new(house: &Arc<House>, number: u64, quiet_at: Timestamp) -> Client {
        let seed = house.world.seed.wrapping_mul(1_000_003) ^ (house.life as u64 * 1_009 + number);
        Client { house: Arc::clone(house), number, dice: Dice::new(seed), quiet_at }
    }

    /// Waits for a while that the dice choose; false when it is to fall silent.
    async fn wait(&mut self) -> bool {
        let ms = match self.dice.below(10) {
            0..=2 => self.dice.below(200),
            3..=7 => self.dice.below(8_000),
            _ => self.dice.below(90_000),
        };
        self.house.clock.pass_until(ms * self.patience(), self.quiet_at).await
    }

    /// How many times longer than else it waits: in a lull those whom nobody looks after do not hurry at all.
    fn patience(&self) -> u64 {
        let alone = (LOOKED_AFTER..AGENTS).contains(&self.number) && self.house.lull > 1;
        if alone { self.house.lull * 6 } else { self.house.lull }
    }

    /// An agent, until it is to fall silent; then its sockets stay as they are.
    pub(crate) async fn act_as_agent(mut self) {
        let who = agent(self.number);
        let mut links: Vec<Link> = Vec::new();
        self.settle_unanswered().await;
        while self.wait().await {
            self.hear(&who, &mut links).await;
            match self.dice.below(12) {
                0..=2 if links.len() < 2 => links.extend(self.connect(&who).await),
                3 if !links.is_empty() => {
                    let at = self.dice.below(links.len() as u64) as usize;
                    let link = links.swap_remove(at);
                    self.disconnect(&who, link).await;
                }
                4 => self.ask(&who).await,
                _ => {
                    let annotation = if self.dice.below(12) == 0 { self.annotation(&who) } else { None };
                    let command = annotation.unwrap_or_else(|| self.wish_of_agent());
                    self.send(&who, Actor::Agent(who.clone()), command).await;
                }
            }
        }
        self.hear(&who, &mut links).await;
        let quiet_for_good = std::future::pending::<()>();
        quiet_for_good.await;
        drop(links);
    }

    /// A supervisor of everybody.
    pub(crate) async fn act_as_supervisor(mut self) {
        let who = PrincipalId::new("sofia").expect("an id");
        self.settle_unanswered().await;
        while self.wait().await {
            let target = agent(self.dice.below(if self.house.lull > 1 { LOOKED_AFTER } else { AGENTS }));
            let correction = if self.dice.below(4) == 0 { self.correction(&target) } else { None };
            // An agent who is a supervisor as well.
            let of_themselves = correction.is_some() && self.dice.below(8) == 0;
            let name = if of_themselves { PrincipalId::new(target.as_str()).expect("an id") } else { who.clone() };
            let command = correction.unwrap_or_else(|| self.wish_of_supervisor());
            self.send(&target, Actor::Supervisor(name), command).await;
        }
    }

    /// A router: says what work is open, of one agent or of all that it knows, and stops in the middle with its numbers.
    pub(crate) async fn act_as_router(mut self) {
        let (mut seq, source) = (0, SourceId::new("pbx").expect("an id"));
        while self.wait().await {
            let whole = self.dice.below(6) == 0;
            let anew = whole.then(|| self.house.clock.now());
            seq = if self.dice.below(20) == 0 { 0 } else { seq + 1 };
            let who = agent(self.dice.below(AGENTS));
            let report = Report { source: source.clone(), seq, ttl: self.ttl(), work: self.work(), anew };
            let nothing = Report { work: Work::default(), ..report.clone() };
            let told = self.house.router.report(&tenant(), &who, report, None).await;
            if whole {
                let named = BTreeSet::from([who.clone()]);
                self.house.router.report_nothing_of_others(&tenant(), &named, &nothing).await;
            }
            self.house.look();
            let mut seen = self.house.world.seen();
            seen.counts.answers += 1;
            if told.is_ok() {
                seen.take_shown(self.house.life, &who);
            }
            seen.note(format_args!("work of {who} {:?}", told.map(|reply| reply.public.presence).ok()));
        }
    }

    fn ttl(&mut self) -> Duration {
        seconds([5, 30, 120, 600][self.dice.below(4) as usize])
    }

    fn work(&mut self) -> Work {
        let mut channel = |code: &str, below| {
            (ChannelCode::new(code).expect("a code"), u32::try_from(self.dice.below(below)).unwrap_or(0))
        };
        let open = BTreeMap::from([channel("voice", 2), channel("chat", 4)]);
        Work::of(&open, self.dice.below(5) == 0)
    }

    fn wish_of_agent(&mut self) -> Command {
        let after_work = self.dice.below(2) == 0;
        match self.dice.below(17) {
            14 => Command::CancelRequest { request: RequestId(0) },
            15 | 16 => {
                let pause_type = code(CODES[self.dice.below(CODES.len() as u64) as usize]);
                Command::CreateRequest { pause_type, extra: minutes(self.dice.below(3)) }
            }
            13 => Command::Cancel { what: Cancelled::Pending },
            10 | 11 => Command::AcceptOffer { offer: OfferId(0) },
            12 => Command::Cancel { what: Cancelled::Queue },
            0 => Command::SetStatus { status: ChosenStatus::Available, after_work: false },
            1 => Command::SetStatus { status: ChosenStatus::Unavailable, after_work },
            2..=5 => self.start(false),
            6..=8 => self.end(false),
            _ => self.sign_out(),
        }
    }

    fn wish_of_supervisor(&mut self) -> Command {
        let after_work = false;
        match self.dice.below(11) {
            8..=10 => {
                let grants = self.dice.below(3) > 0;
                let uses = 1 + u32::try_from(self.dice.below(2)).unwrap_or(0);
                let decision =
                    if grants { RequestDecision::Grant { uses, until: None } } else { RequestDecision::Refuse };
                Command::DecideRequest { request: RequestId(0), decision }
            }
            0 => Command::SetStatus { status: ChosenStatus::Available, after_work: false },
            1 => Command::SetStatus { status: ChosenStatus::Unavailable, after_work },
            2 | 3 => {
                let overriding = self.dice.below(2) == 0;
                self.start(overriding)
            }
            4 => {
                let overriding = self.dice.below(2) == 0;
                self.end(overriding)
            }
            5 | 6 => Command::ExtendPause { by: minutes(1 + self.dice.below(3)) },
            _ => self.sign_out(),
        }
    }

    /// One of the last pauses of an agent, whatever it is and whoever may not know of it.
    fn pause_of(&mut self, who: &AgentId) -> Option<KnownPause> {
        let seen = self.house.world.seen();
        let last: Vec<KnownPause> = seen.pauses_of(who).iter().rev().take(5).copied().collect();
        drop(seen);
        (!last.is_empty()).then(|| last[self.dice.below(last.len() as u64) as usize])
    }

    /// Another end for a pause: before or after the one that it had, as it had it, or where none can be.
    fn correction(&mut self, who: &AgentId) -> Option<Command> {
        let KnownPause { id, started_at, ended_at } = self.pause_of(who)?;
        let ended_at = ended_at.unwrap_or(started_at);
        let lasted = u64::try_from(ended_at.since(started_at).as_millis()).unwrap_or(0);
        let ended_at = match self.dice.below(8) {
            0..=2 => started_at + Duration::from_millis(self.dice.below(lasted.max(1)) + 1),
            3 | 4 => ended_at + Duration::from_millis(self.dice.below(60_000)),
            5 => started_at + Duration::from_millis(self.dice.below(40_000)),
            6 => ended_at,
            _ => started_at.minus(Duration::from_millis(self.dice.below(60_000))),
        };
        Some(Command::CorrectPause { pause: id, ended_at })
    }

    fn annotation(&mut self, who: &AgentId) -> Option<Command> {
        self.pause_of(who).map(|pause| Command::AnnotatePause { pause: pause.id })
    }

    fn start(&mut self, overriding: bool) -> Command {
        let pause_type = code(CODES[self.dice.below(CODES.len() as u64) as usize]);
        let note = (self.dice.below(5) == 0).then(|| "a note".to_owned());
        Command::StartPause { pause_type, note, replaces: None, overriding }
    }

    fn end(&mut self, overriding: bool) -> Command {
        let then = [None, Some(AfterEnd::Available), Some(AfterEnd::Unavailable)][self.dice.below(3) as usize];
        Command::EndPause { then, overriding }
    }

    fn sign_out(&mut self) -> Command {
        let keep = self.dice.below(2) == 0;
        Command::SignOut { pause: if keep { PauseAtSignOut::KeepEntitlement } else { PauseAtSignOut::End } }
    }

    /// Sends a command, mostly with an op; one that changes a running pause for another at times.
    async fn send(&mut self, target: &AgentId, by: Actor, mut command: Command) {
        if let Command::StartPause { replaces, .. } = &mut command
            && self.dice.below(3) == 0
            && let Ok(view) = self.house.router.view(&tenant(), target).await
        {
            *replaces = view.pause.as_ref().map(|pause| pause.id);
        }
        if let Command::AcceptOffer { offer } = &mut command
            && let Ok(view) = self.house.router.view(&tenant(), target).await
        {
            *offer = view.offer.as_ref().map_or(*offer, |at_hand| at_hand.id);
        }
        if let Command::CancelRequest { request } | Command::DecideRequest { request, .. } = &mut command
            && let Ok(view) = self.house.router.view(&tenant(), target).await
        {
            *request = view.request.as_ref().map_or(*request, |last| last.id);
        }
        let writes = matches!(by, Actor::Supervisor(_)) || matches!(command, Command::AnnotatePause { .. });
        let reason = writes.then(|| "the queue is long".to_owned());
        if self.dice.below(4) == 0 {
            let request = Request { command, actor: by, reason, op: None, expected_version: None };
            let answer = self.house.router.execute(&tenant(), target, request.clone()).await;
            self.take_answer(target, &request, &answer);
            return;
        }
        let op = self.house.world.fresh_op();
        let unanswered = Unanswered { agent: target.clone(), by, reason, command, op };
        self.house.world.unanswered.lock().unwrap().insert(self.number, unanswered);
        self.settle_unanswered().await;
    }

    /// Sends what was not answered until it is; what was is sent once more at times.
    async fn settle_unanswered(&mut self) {
        loop {
            let waiting = self.house.world.unanswered.lock().unwrap().get(&self.number).cloned();
            let Some(Unanswered { agent, by, reason, command, op }) = waiting else { return };
            let request = Request { command, actor: by, reason, op: Some(op), expected_version: None };
            let answer = self.house.router.execute(&tenant(), &agent, request.clone()).await;
            self.take_answer(&agent, &request, &answer);
            match answer {
                Err(CommandError::Unavailable { .. } | CommandError::Busy { .. }) => {
                    if self.house.clock.now_true() >= self.quiet_at {
                        return;
                    }
                    self.house.clock.pass(AGAIN_AFTER_MS).await;
                }
                Ok(_) if self.dice.below(4) == 0 => {}
                // The answer is lost on the way: it is sent again when the next server is there.
                Ok(_) if self.dice.below(4) == 0 => return,
                _ => {
                    self.house.world.unanswered.lock().unwrap().remove(&self.number);
                    return;
                }
            }
        }
    }

    fn take_answer(&self, target: &AgentId, request: &Request, answer: &Result<intervalo::actor::Reply, CommandError>) {
        self.house.look();
        let mut seen = self.house.world.seen();
        seen.counts.answers += 1;
        let own = match answer {
            Ok(reply) => {
                seen.note(format_args!("ok {target} {:?} {}", reply.outcome, reply.own.version));
                seen.acks.push(Ack {
                    agent: target.clone(),
                    by: request.actor.clone(),
                    op: request.op,
                    outcome: reply.outcome,
                    own: Arc::clone(&reply.own),
                });
                &reply.own
            }
            Err(CommandError::Rejected { rejection, own, .. }) => {
                seen.note(format_args!("no {target} {rejection}"));
                own
            }
            Err(other) => {
                seen.note(format_args!("error {target} {other:?}"));
                return;
            }
        };
        seen.take_shown(self.house.life, target);
        let known = seen.durable_of(target);
        if own.version.0 > known {
            let promise = if seen.append_failed { "D4" } else { "D5" };
            seen.broken.push((promise, format!("an answer of {target} at {} while {known} is durable", own.version)));
        }
    }

    async fn ask(&self, who: &AgentId) {
        let options = self.house.router.options(&tenant(), who).await;
        let view = self.house.router.public_view(&tenant(), who).await;
        self.house.look();
        let mut seen = self.house.world.seen();
        if options.is_ok() || view.is_ok() {
            seen.take_shown(self.house.life, who);
        }
        seen.counts.answers += 2;
        seen.note(format_args!("menu {:?}", options.map(|options| options.len()).ok()));
        seen.note(format_args!("view {:?}", view.map(|view| view.version).ok()));
    }

    async fn connect(&mut self, who: &AgentId) -> Option<Link> {
        let (sender, notices) = queue(NOTICES);
        let id = SessionId(self.house.world.fresh_op().0 as u64);
        let answered_at = Arc::new(AtomicI64::new(0));
        let place = {
            let mut seen = self.house.world.seen();
            seen.counts.sockets += 1;
            let from = self.house.clock.now_true();
            seen.sessions.push(Session { life: self.house.life, agent: who.clone(), from, until: None });
            seen.sessions.len() - 1
        };
        let link = SessionLink { id, notices: sender, answered_at: Arc::clone(&answered_at) };
        let attached = self.house.router.attach(&tenant(), who, link).await;
        self.house.look();
        let mut seen = self.house.world.seen();
        if attached.is_ok() {
            seen.take_shown(self.house.life, who);
        }
        seen.note(format_args!("attach {who} {}", attached.is_ok()));
        if attached.is_err() {
            let now = self.house.clock.now_true();
            seen.sessions[place].until = Some(now);
            return None;
        }
        Some(Link { id, notices, answered_at, place })
    }

    async fn disconnect(&self, who: &AgentId, link: Link) {
        {
            let mut seen = self.house.world.seen();
            seen.counts.sockets += 1;
            seen.note(format_args!("detach {who}"));
            seen.sessions[link.place].until = Some(self.house.clock.now_true());
        }
        if self.house.world.defect == Some(Defect::SocketForgotten) {
            // The server goes on holding what nobody reads.
            std::mem::forget(link.notices);
            return;
        }
        self.house.router.detach(&tenant(), who, link.id).await;
    }

    /// Reads what the sockets were told, answers their pings, and lets go of those that were closed.
    async fn hear(&self, who: &AgentId, links: &mut Vec<Link>) {
        let mut closed = Vec::new();
        for (at, link) in links.iter_mut().enumerate() {
            link.answered_at.store(self.house.core_now().0, Ordering::Relaxed);
            while let Some(notice) = link.notices.try_recv() {
                self.take_notice(who, &notice);
            }
            if link.notices.is_closed() {
                closed.push(at);
            }
        }
        for at in closed.into_iter().rev() {
            let link = links.remove(at);
            self.disconnect(who, link).await;
        }
    }

    fn take_notice(&self, who: &AgentId, notice: &Notice) {
        self.house.look();
        let mut seen = self.house.world.seen();
        seen.counts.notices += 1;
        let Notice::Changed(view) = notice else {
            seen.note(format_args!("told {notice:?}"));
            return;
        };
        seen.note(format_args!("changed {who} {}", view.version));
        let known = seen.durable_of(who);
        if view.version.0 > known {
            seen.broken.push(("D5", format!("a notice to {who} at {} while {known} is durable", view.version)));
        }
    }
}
