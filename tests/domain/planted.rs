//! Each checker catches a planted defect: a check that cannot fail checks nothing.

use intervalo::domain::command::{Actor, Command, Outcome, Refusal, Rejection, Request};
use intervalo::domain::event::{AgentEvent, AgentEventBody, ChosenStatus};
use intervalo::domain::id::{PauseId, PrincipalId};
use intervalo::domain::rules::{Verdict, VerdictOutcome};
use intervalo::domain::time::{Timestamp, minutes};

use crate::properties::{adds_up, counted_twice, listed, most_open};
use crate::script::{check, same_as_previewed, started};
use crate::trace::{self, Entry};
use crate::world::World;

#[test]
#[should_panic(expected = "previewed")]
fn the_check_of_previews_catches_a_start_that_was_promised_and_refused() {
    let verdict = Verdict {
        outcome: VerdictOutcome::Started,
        code: None,
        also: Vec::new(),
        waived: Vec::new(),
        grant: None,
        next_change_at: None,
    };
    let refused = Rejection::Refused(Refusal::TypeDisabled);
    same_as_previewed(&verdict, &Err(&refused));
}

#[test]
#[should_panic(expected = "previewed")]
fn the_check_of_previews_catches_another_code() {
    let code = Some(Refusal::NotOffered);
    let verdict = Verdict {
        outcome: VerdictOutcome::Refused,
        code,
        also: Vec::new(),
        waived: Vec::new(),
        grant: None,
        next_change_at: None,
    };
    let refused: Result<Outcome, _> = Err(&Rejection::Refused(Refusal::TypeDisabled));
    same_as_previewed(&verdict, &refused);
}

/// A pause that met every threshold, with a protected one inside and another after it.
fn full_journal() -> World {
    check(
        r#"
        type cafe limit 10m warn 2m,1m escalate 1m
        type banheiro protected
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        10:00 ana pause.start cafe              -> started cafe
        10:05 ana pause.start banheiro          -> started banheiro inside
        10:07 ana pause.end                     -> ended banheiro (agent) then outer pause
        10:08 -> pause.warned cafe 2m before
        10:09 -> pause.warned cafe 1m before
        10:10 -> pause.limit_reached cafe
        10:11 -> pause.overran cafe
        10:12 -> pause.escalated cafe 1m after
        10:20 ana pause.end                     -> ended cafe (agent) then available
        10:30 ana pause.start cafe              -> started cafe
        10:35 ana pause.end                     -> ended cafe (agent) then available
        "#,
    )
}

fn position(journal: &[Entry], name: &str) -> usize {
    journal.iter().position(|entry| entry.event().is_some_and(|event| event.body.name() == name)).expect("an event")
}

/// The journal with one event sent again, right after itself.
fn doubled(name: &str) -> Vec<Entry> {
    let mut journal = full_journal().journal;
    let at = position(&journal, name);
    journal.insert(at + 1, journal[at].clone());
    journal
}

#[test]
fn the_checker_catches_whatever_happens_twice() {
    assert_eq!(trace::check(&full_journal().journal), Ok(()));
    let once =
        ["pause.started", "pause.ended", "pause.warned", "pause.limit_reached", "pause.overran", "pause.escalated"];
    for name in once {
        assert!(trace::check(&doubled(name)).is_err(), "{name} twice passed");
        assert!(counted_twice(&doubled(name)).is_some(), "{name} twice was not counted");
    }
}

#[test]
fn the_fold_refuses_a_doubled_event_too() {
    let id = full_journal().id;
    for name in
        ["agent.connected", "agent.signed_in", "pause.started", "pause.ended", "pause.limit_reached", "pause.overran"]
    {
        assert!(trace::fold(&id, &doubled(name)).is_err(), "{name} twice was folded");
    }
}

fn altered(name: &str, change: impl Fn(&mut AgentEvent)) -> Vec<Entry> {
    let mut journal = full_journal().journal;
    let at = position(&journal, name);
    let Entry::Event(event) = &mut journal[at] else { panic!("an event") };
    change(event);
    journal
}

#[test]
fn the_checker_catches_what_is_early_backwards_or_out_of_order() {
    let early = altered("pause.limit_reached", |event| event.at = Timestamp(event.at.0 - 1));
    assert!(trace::check(&early).is_err(), "early by its own due time");
    let earlier = altered("pause.overran", |event| {
        event.at = Timestamp(event.at.0 - 1);
        event.due_at = Some(event.at);
    });
    assert!(trace::check(&earlier).is_err(), "early by the pause's rules");
    let back = altered("pause.ended", |event| event.at = Timestamp(0));
    assert!(trace::check(&back).is_err(), "times that go back");
    let mut swapped = full_journal().journal;
    let (limit, overran) = (position(&swapped, "pause.limit_reached"), position(&swapped, "pause.overran"));
    swapped.swap(limit, overran);
    assert!(trace::check(&swapped).is_err(), "an overrun before the limit");
    let mut alone = full_journal().journal;
    alone.remove(position(&alone, "pause.started"));
    assert!(trace::check(&alone).is_err(), "the end of a pause that never began");
}

#[test]
fn the_checker_catches_two_open_pauses() {
    let mut journal = full_journal().journal;
    let last = journal.len() - 1;
    let at =
        journal[..last].iter().rposition(|entry| entry.event().is_some_and(|event| event.body.name() == "pause.ended"));
    journal.remove(at.expect("an end"));
    let why = trace::check(&journal).expect_err("two open pauses");
    assert!(why.contains("C1"), "{why}");
    assert_eq!(most_open(&journal), 2);
}

#[test]
fn the_sum_of_states_catches_a_lost_event_and_a_false_state() {
    let zone = chrono_tz::UTC;
    let world = full_journal();
    assert_eq!(adds_up(&world.journal, world.now, zone), Ok(()));
    for name in ["pause.started", "pause.ended", "agent.signed_in"] {
        let mut journal = world.journal.clone();
        let found = journal.iter().rposition(|entry| entry.event().is_some_and(|event| event.body.name() == name));
        journal.remove(found.expect("an event"));
        // The last end leads to nothing that would contradict it.
        let passes = adds_up(&journal, world.now, zone).is_ok();
        assert_eq!(passes, name == "pause.ended", "without {name}");
    }
    let mut journal = world.journal.clone();
    let ended = journal.iter().rposition(|entry| entry.event().is_some_and(|event| event.body.name() == "pause.ended"));
    let Entry::Event(event) = &mut journal[ended.expect("an end")] else { panic!("an event") };
    event.body = AgentEventBody::StatusChanged { from: ChosenStatus::Unavailable, to: ChosenStatus::Available };
    assert!(adds_up(&journal, world.now, zone).is_err(), "a status that changed from what it was not");
}

#[test]
fn the_list_of_transitions_catches_one_that_is_not_on_it() {
    let world = full_journal();
    let event = |name: &str| world.events().find(|event| event.body.name() == name).expect("an event");
    assert!(listed("offline", event("pause.started"), "paused").is_err());
    assert!(listed("paused", event("pause.warned"), "available").is_err());
    assert!(listed("available", event("agent.signed_in"), "available").is_err());
    assert!(listed("unavailable", event("pause.started"), "paused").is_ok());
}

#[test]
#[should_panic(expected = "D6")]
fn a_state_that_is_not_the_fold_of_its_journal_is_caught() {
    let mut world = full_journal();
    world.agent.since = Timestamp(world.agent.since.0 + 1);
    world.open_session();
    let request = Request {
        command: Command::SetStatus { status: ChosenStatus::Unavailable, after_work: false },
        actor: Actor::Supervisor(PrincipalId::new("sup").expect("an id")),
        reason: None,
        op: None,
        expected_version: None,
    };
    world.agent.actor = Actor::System;
    let _ = world.execute(&Request { command: Command::ExtendPause { by: minutes(1) }, ..request });
}

#[test]
#[should_panic(expected = "the others can tell")]
fn a_difference_from_the_shadow_is_caught() {
    let mut world = full_journal();
    world.shadow_is_seen_otherwise();
    world.settle();
}

#[test]
fn ids_of_pauses_are_never_used_twice() {
    let world = check(
        r#"
        type almoco
        type banheiro protected
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        10:20 ana pause.start banheiro          -> started banheiro
        10:21 sup pause.start almoco            -> deferred: waits for almoco
        10:22 ana pause.start almoco replaces it -> ended banheiro (agent) then unavailable, started almoco
        "#,
    );
    let ids: Vec<PauseId> = world.events().filter_map(started).map(|started| started.id).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
}
