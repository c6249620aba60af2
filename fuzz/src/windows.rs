//! Windows at any instant in any zone: what is said of them holds until it says otherwise, and a start is decided as it was
//! previewed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{NaiveTime, Weekday};
use chrono_tz::{TZ_VARIANTS, Tz};
use intervalo::domain::agent::{Agent, Context, Live};
use intervalo::domain::command::{Actor, Command, Outcome as Decided, Refusal, Rejection, Request};
use intervalo::domain::directory::{Directory, Person};
use intervalo::domain::event::ChosenStatus;
use intervalo::domain::id::{AgentId, PauseId, PauseTypeCode, PolicyVersion};
use intervalo::domain::menu::options;
use intervalo::domain::occupancy::Reports;
use intervalo::domain::policy::{PauseKind, PauseRules, PauseType, Policy};
use intervalo::domain::rules::{Verdict, VerdictOutcome};
use intervalo::domain::schedule::{WeekDays, Window, WindowState, business_day, business_day_end, window_state};
use intervalo::domain::slots::Slots;
use intervalo::domain::time::Timestamp;

use crate::company::without_people;
use crate::told::ensure;
use crate::{Held, Outcome};

/// From the first instant that the wire can tell, 0000-01-01T00:00:00Z, to the last one, 9999-12-31T23:59:59.999Z.
const FIRST: i64 = -62_167_219_200_000;
const LAST: i64 = 253_402_300_799_999;
/// The range in which zones change their clocks: 1850 to 2100.
const CHANGING: (i64, i64) = (-3_786_825_600_000, 4_102_444_800_000);
/// How far ahead windows without a hole are looked at: less than the product looks.
const AHEAD_MS: i64 = 14 * 86_400_000;
/// The most windows of an input.
const WINDOWS_MAX: u8 = 6;
/// How many instants before a change are looked at.
const PROBES: usize = 4;

/// What is asked.
pub(crate) struct Subject {
    /// What windows say at an instant.
    pub(crate) state: fn(&[Window], Timestamp, Tz) -> WindowState,
    /// What a start would lead to, as the menu says it.
    pub(crate) preview: fn(&Agent, &Context<'_>) -> Option<Verdict>,
}

impl Subject {
    pub(crate) const PRODUCT: Subject = Subject { state: window_state, preview };
}

fn preview(agent: &Agent, context: &Context<'_>) -> Option<Verdict> {
    options(agent, context).into_iter().next().map(|option| option.verdict)
}

/// What an input stands for.
struct Asked {
    zone: Tz,
    now: Timestamp,
    windows: Vec<Window>,
    day_starts: NaiveTime,
    /// Parts of the way to the next change, of 65,536.
    probes: [u16; PROBES],
}

/// Takes an input apart byte by byte; where it ends, zeros follow.
struct Bytes<'i>(&'i [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().map_or((0, self.0), |(first, rest)| (*first, rest));
        self.0 = rest;
        first
    }

    fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    fn time_of_day(&mut self) -> NaiveTime {
        let minute = u32::from(self.word() % 1440);
        NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).unwrap_or_default()
    }
}

impl Asked {
    fn of(input: &[u8]) -> Asked {
        let mut bytes = Bytes(input);
        let zone = TZ_VARIANTS[usize::from(bytes.word()) % TZ_VARIANTS.len()];
        let (first, last) = if bytes.byte() < 0xE0 { CHANGING } else { (FIRST, LAST) };
        let high = i64::from(bytes.word()) << 16 | i64::from(bytes.word());
        let at = high << 11 | i64::from(bytes.word() & 0x7FF);
        let now = Timestamp(first + at % (last - first + 1));
        let count = bytes.byte() % (WINDOWS_MAX + 1);
        let windows = (0..count).filter_map(|_| {
            let days = bytes.byte();
            let (from, until) = (bytes.time_of_day(), bytes.time_of_day());
            Window::new(week_days(days), from, until).ok()
        });
        let windows = windows.collect();
        let day_starts = bytes.time_of_day();
        let probes = std::array::from_fn(|_| bytes.word());
        Asked { zone, now, windows, day_starts, probes }
    }
}

fn week_days(bits: u8) -> WeekDays {
    let all = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
    WeekDays::of(all.into_iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, day)| day))
}

pub(crate) fn hold(input: &[u8], subject: &Subject) -> Held {
    let asked = Asked::of(input);
    let is_open = holds_until_it_says(&asked, subject)?;
    says_the_same_in_any_order(&asked, subject)?;
    lies_in_its_business_day(&asked)?;
    is_decided_as_previewed(&asked, subject)?;
    // A pause may be started, or it may not.
    Ok(if is_open { Outcome::Accepted } else { Outcome::Refused })
}

/// No change is in the past, nothing changes before it, and then something does. True when the windows are open.
fn holds_until_it_says(asked: &Asked, subject: &Subject) -> Result<bool, String> {
    let state = |at: Timestamp| (subject.state)(&asked.windows, at, asked.zone);
    let told = |at: Timestamp| format!("{:?} in {}: {:?} at {at:?}", asked.windows, asked.zone, state(at));
    let now = asked.now;
    let (is_open, change) = match state(now) {
        WindowState::Open { until } => (true, until),
        WindowState::Closed { next_from } => {
            ensure(next_from.is_some(), || format!("{}, for good", told(now)))?;
            (false, next_from)
        }
    };
    let is_open_at = |at: Timestamp| matches!(state(at), WindowState::Open { .. });
    match change {
        Some(change) => {
            ensure(change > now, || format!("{}, in the past of {now:?}", told(now)))?;
            let between = asked.probes.map(|part| part_of(now, change.0 - now.0, part));
            for at in between.into_iter().chain([Timestamp(change.0 - 1)]) {
                ensure(state(at) == state(now), || format!("{}, but {}", told(now), told(at)))?;
            }
            ensure(is_open_at(change) != is_open, || format!("{}, but {}", told(now), told(change)))?;
        }
        None => {
            for part in asked.probes {
                let at = part_of(now, AHEAD_MS, part);
                ensure(is_open_at(at), || format!("{}, but {}", told(now), told(at)))?;
            }
        }
    }
    Ok(is_open)
}

/// The instant that is so many 65,536ths of a span after another.
fn part_of(from: Timestamp, span_ms: i64, part: u16) -> Timestamp {
    Timestamp(from.0 + ((span_ms * i64::from(part)) >> 16))
}

/// Which window stands first, or twice, makes no difference.
fn says_the_same_in_any_order(asked: &Asked, subject: &Subject) -> Result<(), String> {
    let state = |windows: &[Window]| (subject.state)(windows, asked.now, asked.zone);
    let mut doubled: Vec<Window> = asked.windows.iter().rev().copied().collect();
    doubled.extend(&asked.windows);
    let (once, twice) = (state(&asked.windows), state(&doubled));
    ensure(once == twice, || format!("{:?} in {}: {once:?}, doubled: {twice:?}", asked.windows, asked.zone))
}

/// An instant lies in the business day that it is said to belong to, and the next one begins where that ends.
fn lies_in_its_business_day(asked: &Asked) -> Result<(), String> {
    let (now, start, zone) = (asked.now, asked.day_starts, asked.zone);
    let day = business_day(now, start, zone);
    let ends = business_day_end(day, start, zone);
    let begins = day.pred_opt().map_or(now, |before| business_day_end(before, start, zone));
    ensure(begins <= now && now < ends, || format!("{now:?} in {zone} is of {day}, from {begins:?} to {ends:?}"))?;
    let next = business_day(ends, start, zone);
    ensure(next > day, || format!("{day} in {zone} from {start} ends at {ends:?}, which is of {next}"))
}

/// A company with one type of pause, and an agent who has just signed in.
struct House {
    directory: Directory,
    person: Arc<Person>,
    policy: Policy,
    slots: Slots,
    reports: Reports,
}

impl House {
    fn new(asked: &Asked) -> House {
        let id = AgentId::new("ana").expect("an id");
        let person = Arc::new(Person {
            id: id.clone(),
            name: "Ana".to_owned(),
            teams: Vec::new(),
            zone: Some(asked.zone),
            capacity: BTreeMap::new(),
            left_at: None,
        });
        let mut directory = without_people();
        directory.tenant.business_day_start = asked.day_starts;
        directory.agents = BTreeMap::from([(id, Arc::clone(&person))]);
        let code = PauseTypeCode::new("cafe").expect("a code");
        let rules =
            PauseRules { windows: asked.windows.clone(), warn_before: BTreeSet::new(), ..PauseRules::default() };
        let kind = PauseType {
            code: code.clone(),
            name: BTreeMap::from([("pt-BR".to_owned(), "Café".to_owned())]),
            description: BTreeMap::new(),
            icon: None,
            color: None,
            position: 0,
            enabled: true,
            archived_at: None,
            teams: None,
            kind: PauseKind::Regular(rules),
        };
        let policy = Policy { version: PolicyVersion(1), types: BTreeMap::from([(code, Arc::new(kind))]) };
        let slots = Slots::new(BTreeMap::new(), &policy, &directory);
        House { directory, person, policy, slots, reports: Reports::default() }
    }

    fn context(&self, now: Timestamp) -> Context<'_> {
        Context {
            now,
            directory: &self.directory,
            person: &self.person,
            policy: &self.policy,
            slots: self.slots.counts(),
            counted_available: true,
            live: Live { sessions: 1, ..Live::default() },
            reports: &self.reports,
            recorded: None,
            fresh_id: PauseId(1),
            ready_at: Timestamp(FIRST),
        }
    }

    fn request(&self, command: Command) -> Request {
        let actor = Actor::Agent(self.person.id.clone());
        Request { command, actor, reason: None, op: None, expected_version: None }
    }

    fn signed_in(&self, now: Timestamp) -> Result<Agent, String> {
        let mut agent = Agent::unseen(self.person.id.clone());
        let context = self.context(now);
        let mut events = agent.due(&context);
        for event in events.drain(..) {
            agent.apply(&event).map_err(|why| why.to_string())?;
        }
        let available = Command::SetStatus { status: ChosenStatus::Available, after_work: false };
        let decided = agent.decide(&self.request(available), &context).map_err(|why| why.to_string())?;
        for event in &decided.events {
            agent.apply(event).map_err(|why| why.to_string())?;
        }
        Ok(agent)
    }
}

/// What the menu says is what is decided, and stays so until the menu says that it changes (promise C9).
fn is_decided_as_previewed(asked: &Asked, subject: &Subject) -> Result<(), String> {
    let house = House::new(asked);
    let agent = house.signed_in(asked.now)?;
    let verdict_at = |at: Timestamp| {
        (subject.preview)(&agent, &house.context(at)).ok_or_else(|| "nothing is on the menu".to_owned())
    };
    let verdict = verdict_at(asked.now)?;
    let pause_type = PauseTypeCode::new("cafe").expect("a code");
    let start = house.request(Command::StartPause { pause_type, note: None, replaces: None, overriding: false });
    let decided = agent.decide(&start, &house.context(asked.now));
    let same = match (&decided, &verdict.code) {
        (Ok(decision), None) => {
            verdict.outcome == VerdictOutcome::Started && matches!(decision.outcome, Decided::Started { .. })
        }
        (Err(Rejection::Refused(refusal)), Some(code)) => refusal == code,
        _ => false,
    };
    ensure(same, || format!("previewed {verdict:?}, decided {decided:?}"))?;
    let Some(change) = verdict.next_change_at else { return Ok(()) };
    ensure(change > asked.now, || format!("a change in the past of {:?}: {verdict:?}", asked.now))?;
    let says = |verdict: &Verdict| (verdict.outcome, verdict.code.as_ref().map(Refusal::code));
    let before = verdict_at(Timestamp(change.0 - 1))?;
    ensure(says(&before) == says(&verdict), || format!("{verdict:?} is {before:?} before {change:?}"))?;
    let after = verdict_at(change)?;
    ensure(says(&after) != says(&verdict), || format!("{verdict:?} is {after:?} at {change:?}"))
}
