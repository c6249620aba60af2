//! Scripts that a supervisor can read, and the one function that carries them out.
//!
//! A script is a setting (tenant, teams, one agent, types of pause) and then lines of what happens
//! when: `11:30 ana pause.start almoco -> started almoco`. A line without a wish is what time itself
//! brings about, and all of that must be listed, at its very millisecond: between two lines nothing
//! may happen. Times are local; `01:30(2)` is the second of two. `check` fails at the first line
//! that comes true otherwise, and shows how it came true.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeZone, Weekday};
use chrono_tz::Tz;
use intervalo::domain::agent::Agent;
use intervalo::domain::alert::AlertId;
use intervalo::domain::command::{
    Actor, AfterEnd, Cancelled, Command, Outcome, PauseAtSignOut, Refusal, Rejection, Request, RequestDecision,
};
use intervalo::domain::directory::{Directory, Person, Team, Tenant};
use intervalo::domain::event::{AgentEvent, AgentEventBody, PauseStarted};
use intervalo::domain::id::{AgentId, AgentSeq, DirectoryVersion, OfferId, PauseId, PolicyVersion};
use intervalo::domain::id::{RequestId, TeamId, TenantId};
use intervalo::domain::policy::{PauseKind, PauseType, Policy};
use intervalo::domain::queue::Place;
use intervalo::domain::rules::{Verdict, VerdictOutcome};
use intervalo::domain::schedule::utc_offset_s;
use intervalo::domain::shift::PlannedShift;
use intervalo::domain::slots::{Standing, Taken, Waiter};
use intervalo::domain::time::Timestamp;

use crate::setting::{
    Words, capacities, channel, duration, pause_type, principal, rule_override, set_tenant, status, type_code, zone,
};
use crate::window_words::time_of_day;
use crate::world::World;

/// Carries a script out.
///
/// # Panics
/// At the first line that is not as it is written, or that breaks what always holds.
pub(crate) fn check(script: &str) -> World {
    let mut stage = Stage::new(script);
    for (number, line) in timed_lines(script) {
        let said = stage.play(&line).unwrap_or_else(|why| panic!("line {number}: {line}\n{why}"));
        let (_, expected) = split(&line);
        assert_eq!(said, expected, "line {number}: {line}");
    }
    stage.world
}

/// The lines that carry a time, each with what follows on `->` lines joined to it.
fn timed_lines(script: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (number, line) in script.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.starts_with("->") && !lines.is_empty() {
            let last = lines.len() - 1;
            let more = if lines[last].1.contains("->") { line.trim_start_matches("->") } else { line };
            lines[last].1.push_str(&format!(" {}", more.trim()));
        } else if starts_with_time(line) {
            lines.push((number + 1, line.to_owned()));
        }
    }
    lines
}

fn starts_with_time(line: &str) -> bool {
    let first = line.split(' ').next().unwrap_or_default();
    !line.is_empty() && (first.parse::<Weekday>().is_ok() || first.starts_with(|c: char| c.is_ascii_digit()))
}

fn split(line: &str) -> (&str, String) {
    let (wish, result) = line.split_once("->").unwrap_or_else(|| panic!("no -> in: {line}"));
    (wish.trim(), result.split_whitespace().collect::<Vec<_>>().join(" "))
}

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) clock: Tz,
    pub(crate) day: NaiveDate,
}

impl Stage {
    fn new(script: &str) -> Stage {
        let id = AgentId::new("ana").expect("an id");
        let tenant = Tenant::new(TenantId::new("acme").expect("an id"), "Acme".to_owned(), chrono_tz::UTC);
        let directory = Directory {
            version: DirectoryVersion(1),
            tenant,
            teams: BTreeMap::new(),
            agents: BTreeMap::new(),
            closing: None,
            channels: BTreeMap::new(),
        };
        let policy = Policy { version: PolicyVersion(1), types: BTreeMap::new() };
        let world = World::new(directory, policy, id.clone());
        let mut stage = Stage { world, clock: chrono_tz::UTC, day: NaiveDate::MIN };
        stage.set("agent ana");
        let timed = |line: &&str| !starts_with_time(line) && !line.starts_with("->") && !line.is_empty();
        let bare = script.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        bare.filter(timed).for_each(|line| stage.set(line));
        stage.world.count_anew();
        stage.clock = stage.world.directory.tenant.zone;
        let clock = script.lines().find_map(|line| line.trim().strip_prefix("clock "));
        stage.clock = clock.map_or(stage.clock, zone);
        stage
    }

    /// One line of the setting.
    fn set(&mut self, line: &str) {
        let mut words = Words::of(line);
        match words.next() {
            "tenant" => set_tenant(&mut self.world.directory.tenant, &mut words),
            "team" => {
                let id = TeamId::new(words.next()).expect("a team's id");
                let team_zone = words.has("zone").then(|| zone(words.next()));
                let team = Team { id: id.clone(), name: id.to_string(), zone: team_zone };
                self.world.directory.teams.insert(id, team);
            }
            "channel" => {
                let channel = channel(&mut words);
                self.world.directory.channels.insert(channel.code.clone(), channel);
            }
            "agent" => {
                let id = AgentId::new(words.next()).expect("an agent's id");
                let teams = if words.has("team") { words.next() } else { "" };
                let teams = teams.split(',').filter(|team| !team.is_empty());
                let person = Person {
                    name: id.to_string(),
                    id: id.clone(),
                    teams: teams.map(|team| TeamId::new(team).expect("a team's id")).collect(),
                    zone: words.has("zone").then(|| zone(words.next())),
                    capacity: if words.has("capacity") { capacities(words.next()) } else { BTreeMap::new() },
                    left_at: None,
                };
                self.world.directory.agents.insert(id, Arc::new(person));
            }
            "type" => {
                let pause_type = pause_type(&mut words);
                self.world.policy.types.insert(pause_type.code.clone(), Arc::new(pause_type));
                self.world.policy.version = PolicyVersion(self.world.policy.version.0 + 1);
            }
            "override" => self.set_override(&mut words),
            "clock" => drop(words.next()),
            other => panic!("no such setting: {other}"),
        }
        words.done(line);
    }

    /// `override cafe agent ana limit 20m from 2026-11-24`.
    fn set_override(&mut self, words: &mut Words) {
        let code = type_code(words.next());
        let one = rule_override(words);
        let mut pause_type = PauseType::clone(&self.world.policy.types[&code]);
        match &mut pause_type.kind {
            PauseKind::Regular(rules) | PauseKind::Entitlement(rules) => rules.overrides.push(one),
            PauseKind::Protected => panic!("a protected type has no rules"),
        }
        self.world.policy.types.insert(code, Arc::new(pause_type));
        self.world.policy.version = self.world.policy.version.next();
    }

    /// Plays one timed line and says how it came true.
    fn play(&mut self, line: &str) -> Result<String, String> {
        let (wish, _) = split(line);
        let mut words = Words::of(wish);
        let at = self.instant(&mut words);
        assert!(at >= self.world.now, "the line is before the one above it");
        if let Some(due) = self.world.next_deadline().filter(|due| *due < at) {
            let events = self.world.fire(due);
            return Err(format!("before it, at {}: {}", self.time(due), self.tell(&events)));
        }
        if words.is_empty() {
            return match self.world.next_deadline() {
                Some(due) if due == at => {
                    let events = self.world.fire(due);
                    Ok(self.tell(&events))
                }
                next => Err(format!("nothing is due then; next is {:?}", next.map(|at| self.time(at)))),
            };
        }
        self.world.now = at;
        let starts = wish.ends_with("server starts");
        if !starts && self.world.up {
            let before = self.world.settle();
            if !before.is_empty() {
                return Err(format!("at the same instant, before it: {}", self.tell(&before)));
            }
        }
        let who = words.next().to_owned();
        let said = match who.as_str() {
            "ana" => self.by_agent(&mut words),
            "sup" => self.by_other(Actor::Supervisor(principal("sup")), &mut words),
            "admin" if words.has("sets") => {
                let setting: Vec<&str> = std::iter::from_fn(|| words.pop()).collect();
                self.set(&setting.join(" "));
                self.world.count_anew();
                let events = self.world.settle();
                self.tell(&events)
            }
            "admin" => self.by_other(Actor::Admin(principal("admin")), &mut words),
            "host" => self.by_other(Actor::Integration(principal("host")), &mut words),
            "others" => {
                words.expect("see");
                let view = self.world.public_view();
                self.view(&view)
            }
            "server" => match words.next() {
                "stops" => {
                    self.world.stop_server();
                    "nothing".to_owned()
                }
                "starts" => {
                    self.world.start_server();
                    let events = self.world.settle();
                    self.tell(&events)
                }
                other => panic!("a server does not {other}"),
            },
            other => {
                let other = AgentId::new(other).expect("an agent's id");
                assert!(self.world.directory.agents.contains_key(&other), "who is {other}?");
                let (clock, day) = (self.clock, self.day);
                let until = |words: &mut Words| words.has("until").then(|| on(day, words.next(), clock));
                let standing = stands(&self.world, &other, &mut words, until);
                self.world.other_stands(&other, standing);
                let events = self.world.settle();
                self.tell(&events)
            }
        };
        words.done(wish);
        self.world.check_no_ghost();
        Ok(said)
    }

    fn by_agent(&mut self, words: &mut Words) -> String {
        let actor = Actor::Agent(self.world.id.clone());
        match words.peek() {
            "connects" | "disconnects" | "leaves" | "answers" => {
                match words.next() {
                    "connects" => self.world.open_session(),
                    "disconnects" => self.world.close_session(),
                    "answers" => self.world.answer_ping(),
                    "leaves" => {
                        let person = self.world.directory.agents.get_mut(&self.world.id).expect("ana");
                        Arc::make_mut(person).left_at = Some(self.world.now);
                    }
                    other => panic!("an agent does not {other}"),
                }
                let events = self.world.settle();
                self.tell(&events)
            }
            "works" => {
                words.expect("works");
                self.world.report(words);
                let events = self.world.settle();
                self.tell(&events)
            }
            "options" => {
                words.expect("options");
                let menu = self.world.options();
                let lines: Vec<String> = menu
                    .iter()
                    .map(|option| {
                        let owed = option.owed.as_ref().map(|owed| self.owed(owed)).unwrap_or_default();
                        format!("{} {}{owed}", option.pause_type.code, self.verdict(&option.verdict))
                    })
                    .collect();
                if lines.is_empty() { "nothing".to_owned() } else { lines.join("; ") }
            }
            "sees" => {
                words.expect("sees");
                let view = self.world.own_view();
                self.view(&view)
            }
            "used" => {
                words.expect("used");
                self.used(&type_code(words.next()))
            }
            "counts" => {
                words.expect("counts");
                self.counts()
            }
            _ => self.by_other(actor, words),
        }
    }

    fn by_other(&mut self, actor: Actor, words: &mut Words) -> String {
        if words.has("asks") {
            let code = type_code(words.next());
            let replaces = self.replaced(words);
            let overriding = words.has("override");
            return self.verdict(&self.world.ask(&actor, &code, replaces, overriding));
        }
        let command = self.command(words);
        let version = if matches!(actor, Actor::Agent(_)) { self.world.own_view() } else { self.world.public_view() };
        let mut expected_version = None;
        if words.has("expecting") {
            expected_version = Some(match words.next() {
                "now" => version.version,
                "before" => AgentSeq(version.version.0 - 1),
                other => panic!("a version is expected now or before, not {other}"),
            });
        }
        let reason = words.has("because").then(|| words.next().to_owned());
        let previewed = match (&command, &actor) {
            (Command::StartPause { pause_type, replaces, overriding, .. }, _) => {
                Some(self.world.ask(&actor, pause_type, *replaces, *overriding))
            }
            _ => None,
        };
        let is_agent = matches!(actor, Actor::Agent(_));
        let request = Request { command, actor, reason, op: None, expected_version };
        let decided = self.world.execute(&request);
        if let (Some(verdict), true) = (previewed, is_agent) {
            same_as_previewed(&verdict, &decided.as_ref().map(|decision| decision.outcome));
        }
        match decided {
            Ok(decision) => {
                let told = self.tell(&decision.events);
                if decision.outcome == Outcome::Deferred && !told.starts_with("pending") {
                    format!("deferred: {told}")
                } else {
                    told
                }
            }
            Err(rejection) => self.rejection(&rejection),
        }
    }

    fn command(&self, words: &mut Words) -> Command {
        match words.next() {
            "status" => Command::SetStatus { status: status(words.next()), after_work: words.has("after_work") },
            "pause.start" => {
                let pause_type = type_code(words.next());
                let replaces = self.replaced(words);
                let note = words.has("note").then(|| words.next().to_owned());
                Command::StartPause { pause_type, note, replaces, overriding: words.has("override") }
            }
            "pause.accept" => Command::AcceptOffer {
                offer: match words.next() {
                    "it" => {
                        let waiting = self.world.agent.queue.as_deref().expect("a place in a line");
                        waiting.offer.map(|offer| offer.id).or(waiting.last_expired).expect("an offer")
                    }
                    "another" => OfferId(u128::MAX),
                    other => panic!("accepts it or another, not {other}"),
                },
            },
            "pause.cancel" if words.has("pending") => Command::Cancel { what: Cancelled::Pending },
            "pause.cancel" if words.has("request") => Command::Cancel { what: Cancelled::Request },
            "pause.cancel" => {
                words.expect("queue");
                Command::Cancel { what: Cancelled::Queue }
            }
            "pause.end" => {
                let then = words.has("then").then(|| match words.next() {
                    "available" => AfterEnd::Available,
                    "unavailable" => AfterEnd::Unavailable,
                    other => panic!("no status to take after a pause: {other}"),
                });
                Command::EndPause { then, overriding: words.has("override") }
            }
            "request" => {
                let pause_type = type_code(words.next());
                let extra = if words.has("extra") { duration(words.next()) } else { Duration::ZERO };
                Command::CreateRequest { pause_type, extra }
            }
            "acks" => {
                let pause = self.world.agent.pause().map_or(PauseId(0), |pause| pause.id);
                let alert = match words.next() {
                    "overrun" => AlertId::Overrun(pause),
                    "work" => AlertId::WorkDuringPause(pause),
                    "at_risk" => AlertId::AtRisk(self.world.agent.at_risk.first().expect("one").id),
                    "request" => AlertId::Request(self.world.agent.request.as_ref().expect("a request").id),
                    other => panic!("no alert of {other}"),
                };
                Command::AckAlert { alert }
            }
            "takes_back" => Command::CancelRequest { request: self.asked_for(words) },
            "grants" => {
                let request = self.asked_for(words);
                let uses = if words.has("uses") { words.next().parse().expect("a number") } else { 1 };
                let until = words.has("for").then(|| self.world.now + duration(words.next()));
                Command::DecideRequest { request, decision: RequestDecision::Grant { uses, until } }
            }
            "refuses" => Command::DecideRequest { request: self.asked_for(words), decision: RequestDecision::Refuse },
            "extend" => Command::ExtendPause { by: duration(words.next()) },
            "sign_out" if words.has("end") => Command::SignOut { pause: PauseAtSignOut::End },
            "sign_out" => Command::SignOut { pause: PauseAtSignOut::KeepEntitlement },
            "corrects" => {
                let (pause, ended_at) = (self.pause_named(words), self.time_named(words));
                Command::CorrectPause { pause, ended_at }
            }
            "annotates" => Command::AnnotatePause { pause: self.pause_named(words) },
            "plans" => {
                words.expect("shift");
                let mut shifts = vec![self.planned(words)];
                while words.has("and") {
                    shifts.push(self.planned(words));
                }
                Command::PlanShifts { shifts: shifts.into() }
            }
            "cancels" => {
                words.expect("shift");
                Command::CancelShift { day: self.day_named(words) }
            }
            other => panic!("no such command: {other}"),
        }
    }

    fn asked_for(&self, words: &mut Words) -> RequestId {
        match words.next() {
            "it" => self.world.agent.request.as_ref().expect("a request").id,
            "another" => RequestId(u128::MAX),
            other => panic!("it or another, not {other}"),
        }
    }

    /// The last pause of a type: `almoco`; the first of it: `first almoco`; `another`.
    fn pause_named(&self, words: &mut Words) -> PauseId {
        if words.has("another") {
            return PauseId(u128::MAX);
        }
        let (first, code) = (words.has("first"), type_code(words.next()));
        let mut began = self.world.events().filter_map(started).filter(|started| started.pause_type == code);
        let found = if first { began.next() } else { began.last() };
        found.expect("a pause of the type").id
    }

    fn time_named(&self, words: &mut Words) -> Timestamp {
        words.expect("to");
        let day = self.day_named(words);
        on(day, words.next(), self.clock)
    }

    /// `2026-11-27 22:00-06:20 meal 30m`; the day may be left out, and the end is on the next one where it is before the
    /// start.
    fn planned(&self, words: &mut Words) -> PlannedShift {
        let day = self.day_named(words);
        let (from, until) = words.next().split_once('-').expect("from-until");
        let last = if time_of_day(until) <= time_of_day(from) { day.succ_opt().expect("a day") } else { day };
        let (start, end) = (on(day, from, self.clock), on(last, until, self.clock));
        let meal = if words.has("meal") { duration(words.next()) } else { Duration::ZERO };
        PlannedShift::new(day, start, end, meal).expect("a shift")
    }

    fn day_named(&self, words: &mut Words) -> NaiveDate {
        let Ok(day) = words.peek().parse::<NaiveDate>() else { return self.day };
        words.next();
        day
    }

    fn replaced(&self, words: &mut Words) -> Option<PauseId> {
        let agent: &Agent = &self.world.agent;
        words.has("replaces").then(|| match words.next() {
            "it" => agent.pause().map(|p| p.id).or(agent.protected_pause().map(|p| p.id)).expect("a pause"),
            "another" => PauseId(u128::MAX),
            other => panic!("replaces it or another, not {other}"),
        })
    }

    fn instant(&mut self, words: &mut Words) -> Timestamp {
        let weekday = words.peek().parse::<Weekday>().ok();
        if weekday.is_some() {
            words.next();
        }
        if let Ok(day) = words.peek().parse::<NaiveDate>() {
            words.next();
            self.day = day;
        }
        assert!(weekday.is_none_or(|weekday| weekday == self.day.weekday()), "{} is no {weekday:?}", self.day);
        let (text, which) = match words.next().split_once('(') {
            Some((text, which)) => (text.to_owned(), which.to_owned()),
            None => (words.last().to_owned(), String::new()),
        };
        let local = self.day.and_time(time_of_day(&text));
        resolve(local, self.clock, &which)
    }
}

fn on(day: NaiveDate, time: &str, clock: Tz) -> Timestamp {
    resolve(day.and_time(time_of_day(time)), clock, "")
}

/// What somebody else is to the caps: `is here`, `takes cafe until 10:30`, `waits cafe`, `is offered cafe`, `is away`.
pub(crate) fn stands(
    world: &World,
    other: &AgentId,
    words: &mut Words,
    until: impl Fn(&mut Words) -> Option<Timestamp>,
) -> Standing {
    let teams: Box<[TeamId]> = world.directory.agents[other].teams.clone().into();
    let here = Standing { taken: None, waiting: None, connected: true, available: true };
    let waits = |words: &mut Words, offered: bool| {
        let (pause_type, place) = (type_code(words.next()), Place::at(world.now));
        let available = !offered;
        let (teams, opens_at) = (teams.clone(), None);
        let waiter = Waiter { pause_type, teams, place, offered, opens_at, lapsing: false, ready: true, available };
        Standing { waiting: Some(Arc::new(waiter)), available, ..here.clone() }
    };
    match words.next() {
        "is" if words.has("here") => here,
        "is" if words.has("offered") => waits(words, true),
        "is" => {
            words.expect("away");
            Standing::default()
        }
        "waits" => waits(words, false),
        "takes" => {
            let pause_type = type_code(words.next());
            let ends_at = until(words);
            Standing { taken: Some(Taken { pause_type, teams, ends_at }), available: false, ..here }
        }
        doing => panic!("{other} does not {doing}"),
    }
}

/// The pause that an event begins.
pub(crate) fn started(event: &AgentEvent) -> Option<&PauseStarted> {
    if let AgentEventBody::PauseStarted(started) = &event.body { Some(started) } else { None }
}

/// C9: what is committed is what was previewed; how the running pause may end is no rule of a start.
pub(crate) fn same_as_previewed(verdict: &Verdict, decided: &Result<Outcome, &Rejection>) {
    match (verdict.outcome, decided) {
        (VerdictOutcome::Started, Ok(Outcome::Started { .. } | Outcome::Deferred)) => {}
        (VerdictOutcome::Queued, Ok(Outcome::Queued)) => {}
        (VerdictOutcome::Pending, Ok(Outcome::Deferred)) => {}
        (VerdictOutcome::Requested, Ok(Outcome::Requested)) => {}
        (
            VerdictOutcome::Started,
            Err(Rejection::Refused(Refusal::Held { .. } | Refusal::EntitlementMinimum { .. })),
        ) => {}
        (VerdictOutcome::Refused, Err(Rejection::Refused(code))) if Some(code) == verdict.code.as_ref() => {}
        (_, Err(Rejection::StaleVersion { .. })) => {}
        (outcome, decided) => panic!("previewed {outcome:?} {:?}, committed {decided:?}", verdict.code),
    }
}

fn resolve(local: NaiveDateTime, zone: Tz, which: &str) -> Timestamp {
    let at = match (zone.from_local_datetime(&local), which) {
        (chrono::LocalResult::Single(at), "") => at,
        (chrono::LocalResult::Ambiguous(first, _), "1)") => first,
        (chrono::LocalResult::Ambiguous(_, second), "2)") => second,
        (found, which) => panic!("{local} {which:?} in {zone} is {found:?}"),
    };
    let at = Timestamp(at.timestamp_millis());
    assert_eq!(at.0 + i64::from(utc_offset_s(at, zone)) * 1000, local.and_utc().timestamp_millis());
    at
}
