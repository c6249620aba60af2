//! Which event may follow which state, and who can tell that it did (semantics §1, §10): the whole table, state by state.
//!
//! A cell is `.` where the event cannot follow, `E` where everybody can tell that something changed, `A` where the agent
//! alone can, and `N` where the `version` of nobody moves.

use std::time::Duration;

use chrono::Days;
use intervalo::domain::agent::Agent;
use intervalo::domain::alert::AlertId;
use intervalo::domain::command::Actor;
use intervalo::domain::event::{
    AfterPause, AgentEvent, AgentEventBody, Cause, ChosenStatus, PauseEnded, PauseStarted, Pending, PendingTarget,
    Queued, RequestCreated,
};
use intervalo::domain::id::{OfferId, PauseId, PolicyVersion, RequestId};
use intervalo::domain::policy::AtTimeout;
use intervalo::domain::queue::Place;
use intervalo::domain::request::{Grant, Origin, Waives};
use intervalo::domain::schedule::local_day;
use intervalo::domain::shift::PlannedShift;
use intervalo::domain::time::{hours, minutes};

use crate::script::check;
use crate::setting::type_code;
use crate::world::World;

const TEAM: &str = r#"
    team suporte
    channel voice blocks
    agent ana team suporte
    agent bia team suporte
    type cafe limit 10m warn 1m grace 1m escalate 5m
    type livre
    type cheio cap suporte=1
    type medico approval 10m
    type banheiro protected
"#;

/// Nobody's.
const ANOTHER: u128 = 999;

fn after(script: &str) -> World {
    check(&format!("{TEAM}\n{script}"))
}

/// The states, each by the letter of its column.
fn states() -> Vec<(char, World)> {
    let there = "mon 2026-11-23 09:00 ana connects -> connected, signed_in unavailable\n";
    let at_work = &format!("{there}09:00 ana status available -> available\n");
    let on = |lines: &[&str]| after(&format!("{at_work}{}", lines.join("\n")));
    let lost = ["09:05 ana disconnects -> grace until 09:06", "09:06 -> connection_lost, last seen 09:05"];
    let pause = [
        "09:05 ana pause.start cafe -> started cafe",
        "09:14 -> pause.warned cafe 1m before",
        "09:15 -> pause.limit_reached cafe",
        "09:16 -> pause.overran cafe",
        "09:21 -> pause.escalated cafe 5m after",
    ];
    let protected = "09:06 ana pause.start banheiro -> started banheiro";
    let waits = ["09:01 bia takes cheio -> nothing", "09:02 ana pause.start cheio -> queued cheio"];
    vec![
        ('o', after("")),
        ('u', after(there)),
        ('a', on(&[])),
        ('g', on(&lost[..1])),
        ('l', on(&lost)),
        ('p', on(&pause[..1])),
        ('w', on(&pause[..2])),
        ('m', on(&pause[..3])),
        ('v', on(&pause[..4])),
        ('x', on(&pause)),
        ('b', on(&[protected])),
        ('c', after(&format!("{there}\n{protected}"))),
        ('i', on(&[pause[0], &format!("{protected} inside")])),
        ('t', on(&[protected, "09:07 sup status available because \"r\" -> deferred: waits for available"])),
        ('q', on(&waits)),
        ('f', on(&[waits[0], waits[1], "09:03 bia is here -> offered"])),
        (
            'd',
            on(&["09:01 ana works voice=1 -> works voice=1", "09:02 ana pause.start cafe -> pending cafe until 09:12"]),
        ),
        ('r', on(&["09:01 ana pause.start medico -> requested medico until 09:11"])),
        (
            's',
            on(&[
                "09:01 ana request livre because \"r\" -> requested livre until 09:31",
                "09:02 sup grants it -> granted livre until 09:32 (supervisor)",
            ]),
        ),
    ]
}

/// Every kind of event, those that name something once of what the agent has and once of what nobody has.
fn events(world: &World) -> Vec<(String, AgentEventBody)> {
    let agent = &world.agent;
    let started = templates();
    let own = agent.pause().map(|pause| pause.id);
    let inner = agent.protected_pause().map(|pause| pause.id);
    let mut all: Vec<(String, AgentEventBody)> = Vec::new();
    let mut add = |name: &str, body| all.push((name.to_owned(), body));
    add("connected", AgentEventBody::Connected { shift: None });
    add("grace", AgentEventBody::GraceBegan { until: world.now + minutes(1) });
    add("connection lost", AgentEventBody::ConnectionLost { last_seen_at: world.now });
    let shift = intervalo::domain::event::Shift { started_at: world.now, estimated: true, ends_at: None };
    add("connected in a shift", AgentEventBody::Connected { shift: Some(shift) });
    for status in [ChosenStatus::Offline, ChosenStatus::Available, ChosenStatus::Unavailable] {
        add(&format!("signed in {}", status.as_str()), AgentEventBody::SignedIn { status, shift });
    }
    add("resumed", AgentEventBody::Resumed { status: ChosenStatus::Available });
    for from in [ChosenStatus::Offline, ChosenStatus::Available, ChosenStatus::Unavailable] {
        for to in [ChosenStatus::Offline, ChosenStatus::Available, ChosenStatus::Unavailable] {
            add(&format!("{} to {}", from.as_str(), to.as_str()), AgentEventBody::StatusChanged { from, to });
        }
    }
    add("signed out", AgentEventBody::SignedOut);
    add("deactivated", AgentEventBody::Deactivated);
    let (pause_type, code) = (type_code("cafe"), "cooldown".to_owned());
    add("refused", AgentEventBody::PauseRefused { pause_type, code, count: 1 });
    let target = PendingTarget::Limit;
    let pending = Pending { target, since: world.now, actor: Actor::System, reason: None };
    add("pending", AgentEventBody::PendingSet(pending));
    add("pending no more", AgentEventBody::PendingCancelled);
    let deferred = deferred_template();
    add("deferred", deferred);
    add("deferred no more", AgentEventBody::DeferralEnded { code: None });
    let created = RequestCreated {
        id: RequestId(ANOTHER),
        pause_type: type_code("livre"),
        extra: Duration::ZERO,
        origin: Origin::Asked,
        expires_at: world.now + minutes(30),
        at_timeout: AtTimeout::Refuse,
    };
    add("request", AgentEventBody::RequestCreated(Box::new(created)));
    let request = agent.request.as_ref().map(|request| request.id);
    for (whose, request) in [("its", request), ("another", Some(RequestId(ANOTHER)))] {
        let Some(request) = request else { continue };
        let grant = Grant {
            id: request,
            pause_type: type_code("livre"),
            waives: Waives::All,
            extra: Duration::ZERO,
            uses: 1,
            until: world.now + minutes(30),
        };
        add(&format!("{whose} request refused"), AgentEventBody::RequestDecided { request, grant: None });
        add(&format!("{whose} request granted"), AgentEventBody::RequestDecided { request, grant: Some(grant) });
        add(&format!("{whose} request expired"), AgentEventBody::RequestExpired { request });
        add(&format!("{whose} request cancelled"), AgentEventBody::RequestCancelled { request });
        let alert = AlertId::Request(request);
        add(&format!("{whose} request seen"), AgentEventBody::AlertAcknowledged { alert });
        let pause = PauseId(ANOTHER);
        add(&format!("{whose} grant used"), AgentEventBody::GrantUsed { grant: request, pause });
    }
    add("works", occupancy_template());
    for (kind, code) in [("that line", "cheio"), ("another line", "cafe")] {
        let pause_type = type_code(code);
        let slots = Box::default();
        let queued = Queued { pause_type: pause_type.clone(), note: None, slots, opens_at: None };
        add(&format!("queued in {kind}"), AgentEventBody::Queued(Box::new(queued)));
        add(&format!("left {kind}"), AgentEventBody::LeftQueue { pause_type, code: None });
    }
    add("offered", AgentEventBody::Offered { offer: OfferId(ANOTHER) });
    let offer = agent.queue.as_ref().and_then(|waiting| waiting.offer).map(|offer| offer.id);
    for (whose, offer) in [("its", offer), ("another", Some(OfferId(ANOTHER)))] {
        let Some(offer) = offer else { continue };
        let place = Some(Place::at(world.now));
        add(&format!("{whose} offer expired"), AgentEventBody::OfferExpired { offer, place });
        add(&format!("{whose} offer expired, seat lost"), AgentEventBody::OfferExpired { offer, place: None });
    }
    let (start, end) = (world.now + hours(1), world.now + hours(7));
    let day = local_day(start, chrono_tz::UTC);
    let planned = PlannedShift::new(day, start, end, Duration::ZERO).expect("a shift");
    add("shift planned", AgentEventBody::ShiftPlanned(planned));
    add("no shift cancelled", AgentEventBody::ShiftCancelled { day: day + Days::new(3) });
    add("pause started", AgentEventBody::PauseStarted(Box::new(started.0.clone())));
    add("protected started", AgentEventBody::PauseStarted(Box::new(started.1.clone())));
    for (whose, pause) in [("its", own), ("another", Some(PauseId(ANOTHER)))] {
        let Some(pause) = pause else { continue };
        let inside = PauseStarted { inside: Some(pause), ..started.1.clone() };
        add(&format!("protected started inside {whose}"), AgentEventBody::PauseStarted(Box::new(inside)));
        let (before, late) = (minutes(1), false);
        add(&format!("{whose} warned"), AgentEventBody::PauseWarned { pause, before, late });
        add(&format!("{whose} limit"), AgentEventBody::LimitReached { pause, late });
        add(&format!("{whose} overran"), AgentEventBody::Overran { pause, late });
        add(&format!("{whose} escalated"), AgentEventBody::Escalated { pause, after: minutes(5), late });
        add(&format!("{whose} extended"), AgentEventBody::PauseExtended { pause, by: minutes(5) });
        let (code, pause_found) = ("work_during_pause".to_owned(), Some(pause));
        add(&format!("{whose} work found"), AgentEventBody::FindingRecorded { code, pause: pause_found });
        add(&format!("{whose} annotated"), AgentEventBody::PauseAnnotated { pause });
        let alert = AlertId::Overrun(pause);
        add(&format!("{whose} overrun seen"), AgentEventBody::AlertAcknowledged { alert });
    }
    let ends = [("its", own), ("the inner", inner), ("another", Some(PauseId(ANOTHER)))];
    for (whose, pause) in ends {
        let Some(pause) = pause else { continue };
        for (then, word) in [
            (AfterPause::Status(ChosenStatus::Available), "available"),
            (AfterPause::Status(ChosenStatus::Unavailable), "unavailable"),
            (AfterPause::Status(ChosenStatus::Offline), "offline"),
            (AfterPause::OuterPause, "outer"),
        ] {
            let (short, misclick, last_seen_at, replaced_by) = (false, false, None, None);
            let ended = PauseEnded { pause, then, short, misclick, last_seen_at, replaced_by };
            let replaced = PauseEnded { replaced_by: Some(PauseId(ANOTHER + 1)), ..ended.clone() };
            add(&format!("{whose} ended, {word}"), AgentEventBody::PauseEnded(ended));
            add(&format!("{whose} replaced, {word}"), AgentEventBody::PauseEnded(replaced));
        }
    }
    all
}

/// A pause with terms, and a protected one, as they begin.
fn templates() -> (PauseStarted, PauseStarted) {
    let started = |code: &str| {
        let world = after(&format!(
            "mon 2026-11-23 09:00 ana connects -> connected, signed_in unavailable\n09:00 ana pause.start {code} -> started {code}"
        ));
        let found = world.events().find_map(|event| {
            let AgentEventBody::PauseStarted(started) = &event.body else { return None };
            Some(PauseStarted::clone(started))
        });
        PauseStarted { id: PauseId(ANOTHER + 1), ..found.expect("it began") }
    };
    (started("livre"), started("banheiro"))
}

fn of_kind(script: &str, name: &str) -> AgentEventBody {
    let world = after(&format!("mon 2026-11-23 09:00 ana connects -> connected, signed_in unavailable\n{script}"));
    let found = world.events().find(|event| event.body.name() == name);
    found.expect("it happened").body.clone()
}

fn deferred_template() -> AgentEventBody {
    let script = "09:00 ana status available -> available\n09:01 ana works voice=1 -> works voice=1\n09:02 ana pause.start cafe -> pending cafe until 09:12";
    of_kind(script, "pause.pending")
}

fn occupancy_template() -> AgentEventBody {
    of_kind("09:01 ana works voice=1 -> works voice=1", "occupancy.changed")
}

fn event(world: &World, body: AgentEventBody) -> AgentEvent {
    AgentEvent {
        at: world.now,
        due_at: None,
        actor: Actor::System,
        cause: Cause::Agent,
        reason: None,
        policy_version: PolicyVersion(1),
        op: None,
        body,
    }
}

fn cell(world: &World, body: AgentEventBody) -> char {
    let mut agent: Agent = world.agent.clone();
    if agent.apply(&event(world, body)).is_err() {
        assert_eq!(agent, world.agent, "what is refused changes nothing");
        return '.';
    }
    assert_eq!(agent.seq, world.agent.seq.next());
    match (agent.version > world.agent.version, agent.public_version > world.agent.public_version) {
        (false, _) => 'N',
        (true, false) => 'A',
        (true, true) => 'E',
    }
}

/// The table as text: a line for each event, a column for each state; a space where the state has nothing that it could name.
fn table() -> String {
    let states = states();
    let mut names: Vec<String> = Vec::new();
    let columns: Vec<Vec<(String, char)>> = states
        .iter()
        .map(|(_, world)| {
            let cells = events(world).into_iter().map(|(name, body)| (name, cell(world, body)));
            cells.collect::<Vec<_>>()
        })
        .collect();
    for (name, _) in columns.iter().flatten() {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let head: String = states.iter().map(|(letter, _)| *letter).collect();
    let line = |name: &String| {
        let of = |column: &Vec<(String, char)>| {
            column.iter().find(|(other, _)| other == name).map_or(' ', |(_, cell)| *cell)
        };
        let cells: String = columns.iter().map(of).collect();
        format!("{name:<32} {cells}").trim_end().to_owned()
    };
    let lines: Vec<String> = names.iter().map(line).collect();
    format!("{:<32} {head}\n{}\n", "", lines.join("\n"))
}

#[test]
fn every_event_follows_the_states_that_it_may_follow() {
    let expected = include_str!("legal.txt");
    assert_eq!(table(), expected, "\n{}", table());
}

#[test]
fn what_cannot_follow_says_what_it_would_have_followed() {
    let told: Vec<String> = states()
        .iter()
        .filter(|(letter, _)| "oagpbi".contains(*letter))
        .map(|(_, world)| {
            let resumed = AgentEventBody::Resumed { status: ChosenStatus::Available };
            world.agent.clone().apply(&event(world, resumed)).expect_err("nothing was lost").to_string()
        })
        .collect();
    let pause = states().iter().find_map(|(_, world)| world.agent.pause().map(|pause| pause.id)).expect("a pause");
    assert!(told[3].contains(&pause.to_string()), "{}", told[3]);
    let plain: Vec<String> = told.iter().map(|text| without_ids(text)).collect();
    let cannot = |state: &str| format!("agent.resumed cannot follow {state}");
    assert_eq!(
        plain,
        [
            cannot("offline (disconnected) at 0"),
            cannot("available (connected) at 3"),
            cannot("available (grace) at 4"),
            cannot("paused … (connected) at 4"),
            cannot("protected … (connected) at 4"),
            cannot("protected … inside … (connected) at 5"),
        ]
    );
}

/// The text with an ellipsis for each id.
fn without_ids(text: &str) -> String {
    let words = text.split(' ').map(|word| if word.len() == 36 { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
