//! What must hold of every sequence of commands, sessions, deadlines, delays and restarts; `World`
//! checks C1, C2, C4, D6, T2 and the mask at every step, `planted` that each checker catches a defect.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use chrono_tz::Tz;
use intervalo::domain::agent::{Agent, Status};
use intervalo::domain::alert::AlertId;
use intervalo::domain::command::{Actor, AfterEnd, Cancelled, Command, PauseAtSignOut, Request, RequestDecision};
use intervalo::domain::event::{AgentEvent, AgentEventBody, ChosenStatus};
use intervalo::domain::id::{AgentId, OfferId, PauseId, PauseTypeCode, PrincipalId, RequestId};
use intervalo::domain::presence::StatusWord;
use intervalo::domain::schedule::local_day_bounds;
use intervalo::domain::shift::PlannedShift;
use intervalo::domain::slots::Standing;
use intervalo::domain::time::{Timestamp, minutes, seconds};
use proptest::prelude::*;

use crate::dry_run;
use crate::next_change::{Asked, holds_until_it_says};
use crate::recorded;
use crate::script::{check, same_as_previewed, stands, started};
use crate::setting::Words;
use crate::trace::{self, Entry, Was};
use crate::world::World;

/// A small policy that has every rule, with limits short enough to be met often.
const POLICY: &str = r#"
    tenant zone America/New_York abandon 2h defer 4m default_shift 1h
    channel voice blocks capacity 1
    channel chat capacity 2
    team suporte
    agent ana team suporte
    agent bia team suporte
    agent caio team suporte
    type fila cap suporte=1 limit 6m warn none windows all 00:20-01:40 all 02:40-23:50
    type cheia cap suporte=keep1 full refuse
    type cafe limit 10m min 2m hold on_limit end_available escalate 1m,3m cooldown 20m not_in_first 2m not_in_last 3m
    type cha occupied immediate limit 5m warn 3m,1m grace 0s on_limit end_unavailable quota 3 quota_time 12m cooldown_any 5m
    type almoco entitlement limit 60m min 20m on_limit mark windows all 00:30-01:40 all 10:00-14:00
    type saida occupied refuse limit 3m warn none grace 10s on_limit sign_out
    type medico approval 3m limit 5m warn none
    type livre approval 2m grant cap suporte=2
    type banheiro protected
    type recuperacao protected
    type reuniao by supervisor
    type vendas teams outra
    type descanso entitlement limit 6m warn none cap suporte=1 cooldown 10m not_in_first 8m not_in_last 8m owed r 2 of 2m after 5m before 5m
    override cha agent ana limit 4m until 2026-03-07
    override almoco team suporte windows all 08:00-15:00 from 2026-11-24
    override fila agent ana queue_before 40m
"#;

const TYPES: [&str; 14] = [
    "descanso",
    "fila",
    "cheia",
    "cafe",
    "cha",
    "almoco",
    "saida",
    "banheiro",
    "recuperacao",
    "reuniao",
    "vendas",
    "inventada",
    "medico",
    "livre",
];

/// Evenings before a day of 23, of 25 and of 24 hours in New York.
const EVES: [(&str, &str); 3] = [("2026-03-07", "20:00"), ("2026-10-31", "20:00"), ("2026-11-23", "09:00")];

/// What integrations say of the agent's work.
const WORK: [&str; 7] = [
    "nothing for 3m",
    "nothing for 1h",
    "voice=1 for 10m",
    "voice=1,chat=1 for 2m",
    "chat=1 for 30m",
    "chat=2 wrap_up for 20m",
    "voice=1 by dialer for 5m",
];

/// What others do of the types that have a cap.
const OTHERS: [&str; 9] = [
    "bia takes descanso",
    "caio waits descanso",
    "bia takes fila",
    "bia waits fila",
    "bia is here",
    "bia is away",
    "caio waits fila",
    "caio is offered fila",
    "caio is away",
];

/// What happens next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Time passes; each deadline is met at its instant.
    Wait(Duration),
    /// Time passes, and nobody looks until it has.
    Stall(Duration),
    Open,
    Close,
    Answer,
    /// The server is down for this long.
    Restart(Duration),
    /// The person leaves the company.
    Leave,
    /// Somebody else stands otherwise.
    Other(&'static str),
    /// An integration says what work is open.
    Report(&'static str),
    Command(Who, Command, bool),
}

/// Who commands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who {
    Agent,
    Supervisor,
    Host,
}

fn step() -> impl Strategy<Value = Step> {
    let span = prop_oneof![
        4 => (1u64..120_000).prop_map(Duration::from_millis),
        4 => (1u64..40).prop_map(minutes),
        1 => (1u64..7).prop_map(|n| minutes(n * 60)),
    ];
    let who = prop_oneof![6 => Just(Who::Agent), 2 => Just(Who::Supervisor), 1 => Just(Who::Host)];
    prop_oneof![
        60 => span.clone().prop_map(Step::Wait),
        1 => Just(Step::Leave),
        40 => prop::sample::select(OTHERS.to_vec()).prop_map(Step::Other),
        40 => prop::sample::select(WORK.to_vec()).prop_map(Step::Report),
        10 => span.clone().prop_map(Step::Stall),
        30 => Just(Step::Open),
        10 => Just(Step::Close),
        10 => Just(Step::Answer),
        10 => span.prop_map(Step::Restart),
        120 => (who, command(), any::<bool>()).prop_map(|(who, command, replaces)| Step::Command(who, command, replaces)),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    let status =
        prop_oneof![Just(ChosenStatus::Available), Just(ChosenStatus::Unavailable), Just(ChosenStatus::Offline)];
    let then = prop_oneof![Just(None), Just(Some(AfterEnd::Available)), Just(Some(AfterEnd::Unavailable))];
    let at_sign_out = prop_oneof![Just(PauseAtSignOut::KeepEntitlement), Just(PauseAtSignOut::End)];
    prop_oneof![
        3 => (status, any::<bool>()).prop_map(|(status, after_work)| Command::SetStatus { status, after_work }),
        8 => (0..TYPES.len(), any::<bool>()).prop_map(|(n, overriding)| Command::StartPause { pause_type: code(TYPES[n]), note: None, replaces: None, overriding }),
        5 => (then, any::<bool>()).prop_map(|(then, overriding)| Command::EndPause { then, overriding }),
        1 => (1u64..20).prop_map(|n| Command::ExtendPause { by: minutes(n) }),
        1 => at_sign_out.prop_map(|pause| Command::SignOut { pause }),
        4 => Just(Command::AcceptOffer { offer: OfferId(0) }),
        1 => Just(Command::Cancel { what: Cancelled::Queue }),
        1 => Just(Command::Cancel { what: Cancelled::Pending }),
        2 => (0..TYPES.len(), 0u64..20).prop_map(|(n, extra)| Command::CreateRequest { pause_type: code(TYPES[n]), extra: minutes(extra) }),
        1 => Just(Command::CancelRequest { request: RequestId(0) }),
        1 => Just(Command::AckAlert { alert: AlertId::Overrun(PauseId(0)) }),
        4 => (any::<bool>(), 1u32..3).prop_map(|(grants, uses)| {
            let decision = if grants { RequestDecision::Grant { uses, until: None } } else { RequestDecision::Refuse };
            Command::DecideRequest { request: RequestId(0), decision }
        }),
        4 => (0u64..3, 0i64..40, 1u64..1440).prop_map(|(n, from, length)| plan(n, from, length)),
        1 => (0u64..3).prop_map(|n| Command::CancelShift { day: day(n) }),
        // Which of the last pauses, and how long it was; `execute` makes an instant of it.
        4 => (0u128..4, 1i64..7_200_000).prop_map(|(n, ms)| Command::CorrectPause { pause: PauseId(n), ended_at: Timestamp(ms) }),
        1 => (0u128..4).prop_map(|n| Command::AnnotatePause { pause: PauseId(n) }),
    ]
}

/// One of three days; what is planned for it may lie anywhere.
fn day(n: u64) -> NaiveDate {
    NaiveDate::default() + chrono::Days::new(n)
}

/// `from` is told in half hours; `execute` moves it to around now.
fn plan(n: u64, from: i64, length: u64) -> Command {
    let start = Timestamp(from * 1_800_000);
    let shift = PlannedShift::new(day(n), start, start + minutes(length), Duration::ZERO).expect("a shift");
    Command::PlanShifts { shifts: [shift].into() }
}

pub(crate) fn code(text: &str) -> PauseTypeCode {
    PauseTypeCode::new(text).expect("a code")
}

/// A world under [`POLICY`] with the agent signed in.
pub(crate) fn world(eve: usize) -> World {
    let (day, time) = EVES[eve];
    check(&format!("{POLICY}\n{day} {time} ana connects -> connected, signed_in unavailable"))
}

fn standing_of(world: &World, doing: &str) -> (AgentId, Standing) {
    let mut words = Words::of(doing);
    let other = AgentId::new(words.next()).expect("an id");
    let standing = stands(world, &other, &mut words, |_| None);
    (other, standing)
}

/// Has it happen.
pub(crate) fn take(world: &mut World, step: &Step) {
    match step {
        Step::Wait(span) => world.advance(world.now + *span),
        Step::Stall(span) => {
            world.now = world.now + *span;
            world.settle();
        }
        Step::Open => {
            world.open_session();
            world.settle();
        }
        Step::Close if world.live.sessions > 0 => {
            world.close_session();
            world.settle();
        }
        Step::Close => {}
        Step::Answer if world.live.sessions > 0 => world.answer_ping(),
        Step::Answer => {}
        Step::Restart(span) => {
            world.stop_server();
            world.now = world.now + *span;
            world.start_server();
            world.settle();
        }
        Step::Leave => {
            let person = world.directory.agents.get_mut(&world.id).expect("ana");
            Arc::make_mut(person).left_at = person.left_at.or(Some(world.now));
            world.settle();
        }
        Step::Other(doing) => {
            let (other, standing) = standing_of(world, doing);
            world.other_stands(&other, standing);
            world.settle();
        }
        Step::Report(work) => {
            world.report(&mut Words::of(work));
            world.settle();
        }
        Step::Command(who, command, replaces) => {
            execute(world, *who, command, *replaces);
            // Whoever orders events has those look whose turn it is by then.
            world.settle();
        }
    }
    world.check_no_ghost();
}

pub(crate) fn principal(name: &str) -> PrincipalId {
    PrincipalId::new(name).expect("an id")
}

/// The pause that a start would have to replace.
pub(crate) fn running(world: &World) -> Option<PauseId> {
    world.agent.pause().map(|p| p.id).or(world.agent.protected_pause().map(|p| p.id))
}

fn execute(world: &mut World, who: Who, command: &Command, naming: bool) {
    let actor = match who {
        Who::Agent => Actor::Agent(world.id.clone()),
        Who::Supervisor => Actor::Supervisor(principal("sup")),
        Who::Host => Actor::Integration(principal("host")),
    };
    let running = running(world);
    let mut command = command.clone();
    if let (Command::AcceptOffer { offer }, Some(waiting)) = (&mut command, &world.agent.queue) {
        *offer = waiting.offer.map(|offer| offer.id).or(waiting.last_expired).unwrap_or(*offer);
    }
    if let (Command::CancelRequest { request } | Command::DecideRequest { request, .. }, Some(last)) =
        (&mut command, &world.agent.request)
    {
        *request = last.id;
    }
    if let (Command::AckAlert { alert }, Some(pause)) = (&mut command, world.agent.pause()) {
        *alert = AlertId::Overrun(pause.id);
    }
    if let Command::CorrectPause { pause, .. } | Command::AnnotatePause { pause } = &mut command {
        let recorded = recorded::all(&world.id, &world.journal);
        let named = recorded.iter().rev().nth(usize::try_from(pause.0).expect("a small number"));
        let (id, began) = named.map_or((*pause, world.now), |pause| (pause.id, pause.started_at));
        *pause = id;
        if let Command::CorrectPause { ended_at, .. } = &mut command {
            *ended_at = Timestamp(began.0 + ended_at.0);
        }
    }
    if let Command::StartPause { replaces, .. } = &mut command {
        *replaces = running.filter(|_| naming);
    }
    if let Command::PlanShifts { shifts } = &mut command {
        let around_now = |at: Timestamp| (world.now + minutes(at.0.unsigned_abs() / 60_000)).minus(minutes(10 * 60));
        let moved = |shift: &PlannedShift| {
            PlannedShift::new(shift.day(), around_now(shift.start()), around_now(shift.end()), Duration::ZERO)
        };
        *shifts = shifts.iter().map(|shift| moved(shift).expect("a shift")).collect();
    }
    let mut previewed = None;
    if let Command::StartPause { pause_type, replaces, overriding, .. } = &command {
        previewed = Some(world.ask(&actor, pause_type, *replaces, *overriding));
    }
    let (before, numbered) = (world.agent.clone(), world.journal.len());
    let request = Request { command, actor, reason: None, op: None, expected_version: None };
    let decided = world.execute(&request);
    if decided.is_err() {
        assert_eq!((&before, numbered), (&world.agent, world.journal.len()), "a refused command changed something");
    }
    // Others are answered of what they are shown.
    if let (Some(verdict), true) = (previewed, matches!(who, Who::Agent) || before.protected_pause().is_none()) {
        same_as_previewed(&verdict, &decided.as_ref().map(|decision| decision.outcome));
    }
}

fn steps() -> impl Strategy<Value = (usize, Vec<Step>)> {
    (0..EVES.len(), prop::collection::vec(step(), 1..60))
}

fn play((eve, steps): &(usize, Vec<Step>)) -> World {
    let mut world = world(*eve);
    for step in steps {
        take(&mut world, step);
    }
    world
}

/// As many cases as `PROPTEST_CASES` says; else some of them, in an ordinary run.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().map(|cases| cases.parse().expect("a number"));
    ProptestConfig { cases: asked.unwrap_or(96), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn promise_c1_no_prefix_of_the_events_has_two_pauses_open(steps in steps()) {
        let world = play(&steps);
        prop_assert_eq!(most_open(&world.journal), most_open(&world.journal).min(1));
        prop_assert_eq!(trace::check(&world.journal), Ok(()));
    }

    #[test]
    fn promise_c4_a_pause_starts_once_ends_once_and_meets_each_threshold_once(steps in steps()) {
        let world = play(&steps);
        prop_assert_eq!(counted_twice(&world.journal), None);
        prop_assert_eq!(trace::check(&world.journal), Ok(()));
    }

    #[test]
    fn promise_d6_a_recovered_agent_is_the_agent_and_goes_on_alike(steps in steps(), wait in 1u64..600) {
        let mut world = play(&steps);
        let recovered = trace::fold(&world.id, &world.journal).expect("it folds");
        prop_assert_eq!(&recovered, &world.agent);
        // What is due after a recovery is what would have been due without it.
        let mut other = world.clone();
        other.agent = recovered;
        take(&mut world, &Step::Wait(minutes(wait)));
        take(&mut other, &Step::Wait(minutes(wait)));
        prop_assert_eq!(world.journal, other.journal);
    }

    #[test]
    fn promise_t2_nothing_is_due_before_its_deadline(steps in steps()) {
        let mut world = play(&steps);
        // `fire` looks a millisecond before each deadline; here, at many instants before it.
        while let Some(due) = world.next_deadline().filter(|due| due.0 - world.now.0 < 86_400_000) {
            let span = due.0.max(world.now.0) - world.now.0;
            for part in [1, 2, 3, 5, 8, 13, 1000] {
                let at = Timestamp(world.now.0 + span / part);
                let early = intervalo::domain::agent::Context { now: at, ..world.context() };
                prop_assert!(at >= due || world.agent.due(&early).is_empty());
            }
            world.fire(due);
        }
        prop_assert_eq!(trace::check(&world.journal), Ok(()));
    }

    #[test]
    fn a_verdict_holds_until_it_says_so_and_then_changes((eve, steps) in steps(), n in 0..TYPES.len(), naming in any::<bool>(), sup in any::<bool>()) {
        let mut world = play(&(eve, steps));
        world.advance(world.now + seconds(1));
        let (code, actor) = (code(TYPES[n]), if sup { Actor::Supervisor(principal("sup")) } else { Actor::Agent(world.id.clone()) });
        let replaces = running(&world).filter(|_| naming);
        // As far as nothing happens.
        let end = world.next_deadline().unwrap_or(world.now + minutes(3000)).0 - 1;
        let mut looks = vec![world.now.0, end];
        looks.extend((1..40).map(|part| world.now.0 + (end - world.now.0) * part / 40));
        let verdict_at = |at: i64| {
            let mut then = world.clone();
            then.now = Timestamp(at);
            then.ask(&actor, &code, replaces, false)
        };
        // Just before, at, and from there on again, each change that a verdict speaks of.
        let mut next = verdict_at(world.now.0).next_change_at;
        while let Some(at) = next.filter(|at| at.0 <= end) {
            looks.extend([at.0 - 1, at.0]);
            next = verdict_at(at.0).next_change_at;
        }
        looks.sort_unstable();
        looks.dedup();
        let series: Vec<Asked> = looks.into_iter().map(|at| (Timestamp(at), verdict_at(at))).collect();
        prop_assert_eq!(holds_until_it_says(&series), Ok(()));
    }

    #[test]
    fn promise_c9_a_start_does_what_was_previewed(steps in steps(), n in 0..TYPES.len(), naming in any::<bool>()) {
        let world = play(&steps);
        for name in [TYPES[n], "cafe", "banheiro"] {
            let start = Command::StartPause { pause_type: code(name), note: None, replaces: None, overriding: false };
            // `execute` compares the preview with the answer.
            execute(&mut world.clone(), Who::Agent, &start, naming);
        }
    }

    #[test]
    fn semantics_5_a_dry_run_of_what_is_in_force_explains_every_start(steps in steps()) {
        let world = play(&steps);
        let report = dry_run::of_what_is_in_force(&world);
        // A refused start is on record with its code alone, not with what it was to take the place of.
        prop_assert!(report.unclear <= report.refusals, "{:?}", report);
    }

    #[test]
    fn promise_c2_only_listed_transitions_happen(steps in steps()) {
        let world = play(&steps);
        let mut agent = Agent::unseen(world.id.clone());
        for entry in &world.journal {
            let before = word(&agent);
            match entry {
                Entry::Event(event) => {
                    agent.apply(event).expect("it folds");
                    prop_assert_eq!(listed(before, event, word(&agent)), Ok(()));
                }
                Entry::ServerStarted { at, grace_until } => {
                    agent.on_server_started(*at, *grace_until);
                    prop_assert_eq!(before, word(&agent));
                }
            }
        }
    }

    #[test]
    fn promise_c2_an_event_that_cannot_follow_changes_nothing(steps in steps(), picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 20)) {
        let world = play(&steps);
        for (until, which) in picks {
            let mut agent = trace::fold(&world.id, &world.journal[..until.index(world.journal.len() + 1)]).expect("it folds");
            let events: Vec<_> = world.events().collect();
            let (before, event) = (agent.clone(), which.get(&events));
            match agent.apply(event) {
                Ok(()) => prop_assert_eq!(listed(word(&before), event, word(&agent)), Ok(())),
                Err(_) => prop_assert_eq!(before, agent),
            }
        }
    }

    #[test]
    fn promise_c5_the_time_of_all_states_is_the_time_that_passed(steps in steps()) {
        let world = play(&steps);
        let until = world.now;
        prop_assert_eq!(adds_up(&world.journal, until, chrono_tz::America::New_York), Ok(()));
        let last = last_state(&world.agent);
        let days = trace::hours(&world.journal, until + seconds(1), chrono_tz::America::New_York).expect("it adds up");
        let before = trace::hours(&world.journal, until, chrono_tz::America::New_York).expect("it adds up");
        let total = |hours: &trace::Hours| hours.iter().filter(|((_, was), _)| *was == last).map(|(_, ms)| ms).sum::<i64>();
        prop_assert_eq!(total(&days) - total(&before), 1000, "the events lead to another state than the fold");
    }

    #[test]
    fn promise_t5_a_stall_fires_each_due_threshold_once(stall in 1u64..200) {
        let mut world = world(2);
        for name in ["cafe", "cha", "almoco", "saida"] {
            take(&mut world, &Step::Open);
            let start = Command::StartPause { pause_type: code(name), note: None, replaces: None, overriding: false };
            take(&mut world, &Step::Command(Who::Supervisor, start, false));
            take(&mut world, &Step::Stall(minutes(stall)));
            take(&mut world, &Step::Wait(minutes(200)));
            let end = Command::EndPause { then: None, overriding: true };
            take(&mut world, &Step::Command(Who::Supervisor, end, false));
        }
    }
}

/// How many pauses that have terms were open at once, at most.
pub(crate) fn most_open(journal: &[Entry]) -> usize {
    let (mut open, mut most) = (Vec::new(), 0);
    for event in journal.iter().filter_map(Entry::event) {
        if let Some(started) = started(event).filter(|started| started.terms.is_some()) {
            open.push(started.id);
        }
        if let AgentEventBody::PauseEnded(ended) = &event.body {
            open.retain(|id| *id != ended.pause);
        }
        most = most.max(open.len());
    }
    most
}

/// An event of a pause that is there twice, threshold by threshold.
pub(crate) fn counted_twice(journal: &[Entry]) -> Option<String> {
    let mut seen = std::collections::BTreeSet::new();
    let mut key = |event: &AgentEvent| {
        let name = event.body.name();
        let what = match &event.body {
            AgentEventBody::PauseStarted(started) => (name, started.id, Duration::ZERO),
            AgentEventBody::PauseEnded(ended) => (name, ended.pause, Duration::ZERO),
            AgentEventBody::PauseWarned { pause, before, .. } => (name, *pause, *before),
            AgentEventBody::Escalated { pause, after, .. } => (name, *pause, *after),
            AgentEventBody::LimitReached { pause, .. } | AgentEventBody::Overran { pause, .. } => {
                (name, *pause, Duration::ZERO)
            }
            AgentEventBody::Connected { .. }
            | AgentEventBody::GraceBegan { .. }
            | AgentEventBody::ConnectionLost { .. }
            | AgentEventBody::SignedIn { .. }
            | AgentEventBody::Resumed { .. }
            | AgentEventBody::StatusChanged { .. }
            | AgentEventBody::SignedOut
            | AgentEventBody::Deactivated
            | AgentEventBody::PauseRefused { .. }
            | AgentEventBody::PendingSet(_)
            | AgentEventBody::PendingCancelled
            | AgentEventBody::Deferred(_)
            | AgentEventBody::DeferralEnded { .. }
            | AgentEventBody::OccupancyChanged(_)
            | AgentEventBody::EntitlementAtRisk(_)
            | AgentEventBody::RequestCreated(_)
            | AgentEventBody::RequestDecided { .. }
            | AgentEventBody::RequestExpired { .. }
            | AgentEventBody::RequestCancelled { .. }
            | AgentEventBody::GrantUsed { .. }
            | AgentEventBody::AlertAcknowledged { .. }
            | AgentEventBody::Queued(_)
            | AgentEventBody::LeftQueue { .. }
            | AgentEventBody::Offered { .. }
            | AgentEventBody::OfferExpired { .. }
            | AgentEventBody::ShiftPlanned(_)
            | AgentEventBody::ShiftCancelled { .. }
            | AgentEventBody::PauseExtended { .. }
            | AgentEventBody::PauseCorrected(_)
            | AgentEventBody::PauseAnnotated { .. }
            | AgentEventBody::FindingRecorded { .. } => return None,
        };
        (!seen.insert(what)).then(|| format!("{what:?}"))
    };
    journal.iter().filter_map(Entry::event).find_map(&mut key)
}

fn word(agent: &Agent) -> &'static str {
    StatusWord::of(&agent.status).as_str()
}

fn last_state(agent: &Agent) -> Was {
    match agent.status {
        Status::Offline => Was::Offline,
        Status::Available => Was::Available,
        Status::Unavailable => Was::Unavailable,
        Status::Paused(_) => Was::Paused,
    }
}

/// C2: the transitions of semantics §1, §4, §6 and §7, by event, with the status before and after.
pub(crate) fn listed(before: &str, event: &AgentEvent, after: &str) -> Result<(), String> {
    let at_work = ["available", "unavailable"];
    let chosen = ["offline", "available", "unavailable"];
    let name = event.body.name();
    let holds = match name {
        "agent.signed_in" | "agent.resumed" => before == "offline" && at_work.contains(&after),
        "agent.status_changed" => at_work.contains(&before) && chosen.contains(&after) && before != after,
        "agent.connection_lost" | "agent.signed_out" | "agent.deactivated" => {
            after == if before == "paused" { "paused" } else { "offline" }
        }
        "pause.started" => before != "offline" && after == "paused",
        "pause.ended" => before == "paused",
        "pause.warned" | "pause.limit_reached" | "pause.overran" | "pause.escalated" | "pause.extended" => {
            before == "paused" && after == "paused"
        }
        "agent.connected"
        | "agent.grace"
        | "pause.refused"
        | "pause.pending"
        | "pause.pending_cancelled"
        | "pause.queued"
        | "pause.left_queue"
        | "pause.offered"
        | "pause.offer_expired"
        | "occupancy.changed"
        | "request.created"
        | "request.decided"
        | "request.expired"
        | "request.cancelled"
        | "grant.used"
        | "alert.acknowledged"
        | "entitlement.at_risk"
        | "shift.planned"
        | "shift.cancelled"
        | "pause.corrected"
        | "pause.annotated"
        | "finding.recorded" => before == after,
        _ => false,
    };
    if holds { Ok(()) } else { Err(format!("{name}: {before} to {after}")) }
}

/// C5: all states together, day by day, cover the time from the first event until `until`.
pub(crate) fn adds_up(journal: &[Entry], until: Timestamp, zone: Tz) -> Result<(), String> {
    let hours = trace::hours(journal, until, zone)?;
    let Some(since) = journal.iter().find_map(Entry::event).map(|event| event.at) else { return Ok(()) };
    let mut days: BTreeMap<NaiveDate, i64> = BTreeMap::new();
    for ((day, _), ms) in &hours {
        *days.entry(*day).or_default() += ms;
    }
    for (day, ms) in &days {
        let (from, end) = local_day_bounds(*day, zone);
        let covered = end.min(until).0 - from.max(since).0;
        if *ms != covered {
            return Err(format!("{day}: {ms} ms of {covered}"));
        }
    }
    let total: i64 = days.values().sum();
    if total == until.0 - since.0 { Ok(()) } else { Err(format!("{total} ms of {}", until.0 - since.0)) }
}

#[test]
fn promise_c5_days_of_23_24_and_25_hours_are_full() {
    for (eve, hours) in [(0, 23), (1, 25), (2, 24)] {
        let mut world = world(eve);
        for (n, name) in ["cha", "banheiro", "cafe", "cha"].into_iter().cycle().take(40).enumerate() {
            let start = Command::StartPause { pause_type: code(name), note: None, replaces: None, overriding: false };
            take(&mut world, &Step::Command(Who::Agent, start, false));
            take(&mut world, &Step::Wait(minutes(n as u64 + 3)));
            take(&mut world, &Step::Command(Who::Agent, Command::EndPause { then: None, overriding: false }, false));
            take(&mut world, &Step::Wait(minutes(30)));
        }
        take(&mut world, &Step::Wait(minutes(24 * 60)));
        let zone = chrono_tz::America::New_York;
        assert_eq!(adds_up(&world.journal, world.now, zone), Ok(()));
        let (day, _) = EVES[eve];
        let next = day.parse::<NaiveDate>().expect("a day").succ_opt().expect("a day");
        let all = trace::hours(&world.journal, world.now, zone).expect("it adds up");
        let ms: i64 = all.iter().filter(|((day, _), _)| *day == next).map(|(_, ms)| ms).sum();
        assert_eq!(ms, hours * 3_600_000, "{next}");
    }
}

#[test]
fn promise_c9_the_menu_says_what_a_start_then_does() {
    let steps: Vec<Option<(Who, &str)>> = vec![
        None,
        Some((Who::Agent, "cafe")),
        Some((Who::Agent, "banheiro")),
        Some((Who::Agent, "recuperacao")),
        Some((Who::Supervisor, "reuniao")),
    ];
    for step in steps {
        let mut world = world(1);
        if let Some((who, name)) = step {
            let start = Command::StartPause { pause_type: code(name), note: None, replaces: None, overriding: false };
            take(&mut world, &Step::Command(who, start, false));
        }
        let menu = world.options();
        assert_eq!(menu.len(), 12, "all but those of another team");
        for option in menu {
            let mut then = world.clone();
            let actor = Actor::Agent(then.id.clone());
            let command = Command::StartPause {
                pause_type: option.pause_type.code.clone(),
                note: None,
                replaces: None,
                overriding: false,
            };
            let request = Request { command, actor, reason: None, op: None, expected_version: None };
            let decided = then.execute(&request);
            same_as_previewed(&option.verdict, &decided.as_ref().map(|decision| decision.outcome));
        }
    }
}
