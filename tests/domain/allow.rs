//! What whoever orders events lets through, and what goes back to be decided again (semantics §4, C6).

use intervalo::domain::command::{Actor, Command, Request};
use intervalo::domain::event::{AgentEvent, AgentEventBody, Cause};
use intervalo::domain::id::{AgentId, OfferId, PauseId, PrincipalId};
use intervalo::domain::policy::Policy;
use intervalo::domain::slots::Standing;

use crate::script::check;
use crate::setting::type_code;
use crate::world::World;

const TEAM: &str = r#"
    team suporte
    agent ana team suporte
    agent bia team suporte
    agent caio team suporte
    type cafe cap suporte=1 limit 10m warn none
    type livre
    type banheiro protected
    mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
    09:00 ana status available              -> available
"#;

fn after(script: &str) -> World {
    check(&format!("{TEAM}\n{script}"))
}

/// What a start leads to as things are, without it being carried out.
fn start(world: &World, code: &str, actor: Actor, overriding: bool) -> Vec<AgentEvent> {
    let reason = (!matches!(actor, Actor::Agent(_))).then(|| "r".to_owned());
    let command = Command::StartPause { pause_type: type_code(code), note: None, replaces: None, overriding };
    let request = Request { command, actor, reason, op: None, expected_version: None };
    world.agent.decide(&request, &world.context()).expect("decided").events
}

fn own(world: &World) -> Actor {
    Actor::Agent(world.id.clone())
}

fn supervisor() -> Actor {
    Actor::Supervisor(PrincipalId::new("sofia").expect("an id"))
}

fn allows(world: &World, events: &[AgentEvent]) -> bool {
    world.slots.allow(&world.id, events, &world.policy, &world.directory)
}

/// Another agent takes the one slot, after all was decided.
fn taken_meanwhile(mut world: World) -> World {
    let taken = after("09:01 ana pause.start cafe -> started cafe");
    let standing = Standing::of(&taken.agent);
    world.other_stands(&bia(), standing);
    world
}

fn bia() -> AgentId {
    AgentId::new("bia").expect("an id")
}

#[test]
fn a_start_is_let_through_while_the_slot_is_free_and_goes_back_when_it_was_taken_meanwhile() {
    let world = after("");
    let events = start(&world, "cafe", own(&world), false);
    assert!(matches!(events[..], [AgentEvent { body: AgentEventBody::PauseStarted(_), .. }]), "{events:?}");
    assert!(allows(&world, &events));
    let world = taken_meanwhile(world);
    assert!(!allows(&world, &events));
    // What takes no slot is nobody's business.
    for code in ["livre", "banheiro"] {
        let events = start(&world, code, own(&world), false);
        assert!(allows(&world, &events), "{code}");
    }
    let without_types = Policy { types: Default::default(), ..world.policy.clone() };
    assert!(world.slots.allow(&world.id, &events, &without_types, &world.directory), "there is no cap any more");
}

#[test]
fn nobody_who_waits_is_passed_by() {
    let world = after("09:01 caio waits cafe -> nothing");
    let events = start(&after(""), "cafe", own(&world), false);
    assert!(!allows(&world, &events), "the slot is free, and caio stands in line for it");
}

#[test]
fn a_slot_that_is_kept_for_somebody_is_theirs() {
    let world = after(
        r#"
        09:01 bia takes cafe                    -> nothing
        09:02 ana pause.start cafe              -> queued cafe
        09:03 bia is here                       -> offered
        "#,
    );
    let events = start(&world, "cafe", own(&world), false);
    assert!(matches!(events[..], [AgentEvent { body: AgentEventBody::PauseStarted(_), .. }]), "{events:?}");
    assert!(allows(&world, &events));
    assert!(!world.slots.allow(&bia(), &events, &world.policy, &world.directory), "and nobody else's");
}

#[test]
fn an_offer_is_made_to_whoever_is_next() {
    let offer = |world: &World| {
        let body = AgentEventBody::Offered { offer: OfferId(7) };
        let start = start(world, "livre", own(world), false);
        vec![AgentEvent { cause: Cause::Queue, body, ..start[0].clone() }]
    };
    let waits = "09:01 bia takes cafe -> nothing\n09:02 ana pause.start cafe -> queued cafe";
    let mut world = after(waits);
    assert!(!allows(&world, &offer(&world)), "the slot is taken");
    world.other_stands(&bia(), Standing::default());
    assert!(allows(&world, &offer(&world)), "it is free, and ana is the first");
    let first = after("09:00 caio waits cafe -> nothing\n09:02 ana pause.start cafe -> queued cafe");
    assert!(!allows(&first, &offer(&first)), "caio was there before her");
    let nobody = after("");
    assert!(!allows(&nobody, &offer(&nobody)), "whoever does not wait is offered nothing");
}

#[test]
fn caps_are_set_aside_on_record_and_only_where_they_leave_no_room() {
    let world = taken_meanwhile(after(""));
    let events = start(&world, "cafe", supervisor(), true);
    let is_finding = |event: &AgentEvent| matches!(event.body, AgentEventBody::FindingRecorded { .. });
    assert!(events.iter().any(is_finding), "{events:?}");
    assert!(allows(&world, &events));
    let unsaid: Vec<AgentEvent> = events.iter().filter(|event| !is_finding(event)).cloned().collect();
    assert!(!allows(&world, &unsaid), "without a word nothing is set aside");
    let free = after("");
    assert!(!allows(&free, &events), "the slot was given back meanwhile: there is nothing to set aside");
    // A finding about another rule, or another pause, sets aside no cap.
    let with = |change: &dyn Fn(&mut AgentEventBody)| {
        let mut events = events.clone();
        events.iter_mut().for_each(|event| change(&mut event.body));
        events
    };
    let of_another_rule = with(&|body| {
        if let AgentEventBody::FindingRecorded { code, .. } = body {
            *code = "override_cooldown".to_owned();
        }
    });
    assert!(!allows(&world, &of_another_rule));
    let of_another_pause = with(&|body| {
        if let AgentEventBody::FindingRecorded { pause, .. } = body {
            *pause = Some(PauseId(999));
        }
    });
    assert!(!allows(&world, &of_another_pause));
}
