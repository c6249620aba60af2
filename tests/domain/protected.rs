//! Protected pauses, as scripts: alone, inside others, and what others wish meanwhile (semantics §3,
//! §6, §11).

use intervalo::domain::command::{Actor, Command, Outcome, Request};
use intervalo::domain::id::PrincipalId;

use crate::script::check;
use crate::setting::type_code;
use crate::world::World;

#[test]
fn a_protected_pause_starts_at_once_whatever_the_rules_and_nothing_governs_it() {
    check(
        r#"
        type banheiro protected
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        09:01 ana status available                      -> available
        10:00 ana pause.start banheiro                  -> started banheiro
        10:00 others see -> unavailable since 10:00 by agent ana (agent) connected not routable: unavailable
        10:00 ana sees
              -> paused since 10:00 by agent ana (agent) connected not routable: paused; banheiro since 10:00
        10:00 ana pause.start banheiro                  -> nothing
        14:00 ana pause.end                             -> ended banheiro (agent) then available
        14:00 others see -> available since 14:00 by agent ana (agent) connected routable
        15:00 ana pause.start banheiro                  -> started banheiro
        15:01 ana pause.end then unavailable            -> ended banheiro (agent) then unavailable
        15:01 others see -> unavailable since 15:00 by agent ana (agent) connected not routable: unavailable
        "#,
    );
}

#[test]
fn a_protected_pause_inside_another_suspends_nothing_and_returns_to_it() {
    check(
        r#"
        type almoco limit 60m warn none on_limit mark
        type banheiro protected
        type recuperacao protected
        type cafe
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        12:00 ana pause.start almoco                    -> started almoco
        12:59 ana pause.start banheiro                  -> started banheiro inside
        12:59 ana sees
              -> paused since 12:59 by agent ana (agent) connected not routable: paused;
              -> banheiro since 12:59 inside almoco since 12:00 limit 13:00
        12:59 others see
              -> paused since 12:00 by agent ana (agent) connected not routable: paused;
              -> almoco since 12:00 limit 13:00
        13:00 -> pause.limit_reached almoco
        13:00:30 ana pause.start almoco                 -> nothing
        13:00:40 ana pause.start recuperacao
              -> ended banheiro (changed_type) then outer pause, started recuperacao inside
        13:01 -> pause.overran almoco
        13:02 ana pause.start cafe                      -> refused already_paused almoco
        13:02 ana pause.end                             -> ended recuperacao (agent) then outer pause
        13:03 -> pause.escalated almoco 2m after
        13:10 ana pause.start banheiro                  -> started banheiro inside
        13:11 ana status available
              -> ended banheiro (agent) then outer pause, ended almoco (agent) then available
        14:00 ana pause.start almoco                    -> started almoco
        14:01 ana pause.start banheiro                  -> started banheiro inside
        14:02 ana pause.start cafe replaces it
              -> ended banheiro (changed_type) then outer pause, ended almoco (changed_type) then unavailable,
              -> started cafe
        "#,
    );
}

#[test]
fn going_from_a_protected_pause_to_another_type_names_it() {
    check(
        r#"
        type banheiro protected
        type recuperacao protected
        type cafe
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start banheiro                  -> started banheiro
        10:01 ana pause.start cafe                      -> refused already_paused banheiro
        10:02 ana pause.start recuperacao
              -> ended banheiro (changed_type) then unavailable, started recuperacao
        10:03 ana pause.start cafe replaces it
              -> ended recuperacao (changed_type) then unavailable, started cafe
        "#,
    );
}

#[test]
fn what_a_supervisor_wishes_during_a_protected_pause_is_accepted_and_waits_for_the_return() {
    check(
        r#"
        type banheiro protected
        type almoco limit 60m warn none
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        09:01 ana status available                      -> available
        10:00 ana pause.start banheiro                  -> started banheiro
        10:01 sup status unavailable                    -> nothing
        10:02 sup status available because "rush"       -> deferred: waits for available
        10:02 others see -> unavailable since 10:00 by agent ana (agent) connected not routable: unavailable
        10:02 ana sees
              -> paused since 10:00 by agent ana (agent) connected not routable: paused;
              -> banheiro since 10:00; waits for available
        10:03 sup status unavailable                    -> waits no more
        10:04 sup pause.end                             -> refused not_paused
        10:04 sup extend 5m                             -> refused not_paused
        10:05 sup pause.start almoco because "your turn" -> deferred: waits for almoco
        10:05 sup pause.start almoco                    -> deferred: nothing
        10:06 ana pause.end                             -> ended banheiro (agent) then available, started almoco
        10:06 ana sees
              -> paused since 10:06 by supervisor sup (supervisor) because "your turn" connected
              -> not routable: paused; almoco since 10:06 limit 11:06
        10:10 ana pause.start banheiro                  -> started banheiro inside
        10:11 sup pause.end                             -> deferred: waits for unavailable
        10:12 ana pause.end
              -> ended banheiro (agent) then outer pause, ended almoco (supervisor) then unavailable
        10:20 ana pause.start banheiro                  -> started banheiro
        10:21 sup sign_out because "go home"            -> deferred: waits for sign-out
        10:22 ana pause.end                             -> ended banheiro (agent) then available, signed_out (sign_out)
        "#,
    );
}

#[test]
fn a_deferred_command_is_settled_by_whatever_return_the_agent_chooses() {
    check(
        r#"
        type banheiro protected
        type recuperacao protected
        type almoco
        type cafe windows all 12:00-13:00
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start banheiro                  -> started banheiro
        10:01 sup status available                      -> deferred: waits for available
        10:02 ana pause.start recuperacao
              -> ended banheiro (changed_type) then unavailable, started recuperacao, waits for available
        10:03 ana pause.start almoco                    -> refused already_paused recuperacao
        10:04 ana pause.start almoco replaces it
              -> ended recuperacao (agent) then unavailable, available, started almoco
        10:10 ana pause.end                             -> ended almoco (agent) then available
        10:20 ana pause.start banheiro                  -> started banheiro
        10:21 sup pause.start almoco                    -> deferred: waits for almoco
        10:22 ana pause.start almoco replaces it
              -> ended banheiro (agent) then unavailable, started almoco
        10:30 ana pause.end                             -> ended almoco (agent) then available
        12:50 ana pause.start banheiro                  -> started banheiro
        12:51 sup pause.start cafe                      -> deferred: waits for cafe
        13:05 ana pause.end
              -> ended banheiro (agent) then available, pause.refused cafe outside_window
        14:00 ana pause.start banheiro                  -> started banheiro
        14:01 sup status available                      -> deferred: waits for available
        14:02 ana status unavailable                    -> ended banheiro (agent) then unavailable, available
        14:10 ana pause.start banheiro                  -> started banheiro
        14:11 sup status available                      -> deferred: waits for available
        14:12 ana status offline                        -> ended banheiro (agent) then offline
        14:20 ana status unavailable                    -> signed_in unavailable
        14:20 ana pause.start banheiro                  -> started banheiro
        14:21 sup sign_out                              -> deferred: waits for sign-out
        14:22 ana status offline
              -> ended banheiro (agent) then offline, signed_out (sign_out)
        "#,
    );
}

#[test]
fn an_entitlement_around_a_protected_pause_keeps_its_minimum_against_supervisors() {
    check(
        r#"
        type almoco entitlement min 20m
        type banheiro protected
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        12:00 ana pause.start almoco                    -> started almoco
        12:05 ana pause.start banheiro                  -> started banheiro inside
        12:06 sup pause.end                             -> refused entitlement_minimum until 12:20
        12:06 sup status available                      -> refused entitlement_minimum until 12:20
        12:07 sup pause.end override because "fire"     -> deferred: waits for unavailable
        12:08 ana pause.end
              -> ended banheiro (agent) then outer pause, ended almoco (supervisor) short then unavailable,
              -> finding entitlement_ended_early
        "#,
    );
}

#[test]
fn a_limit_that_would_end_a_pause_waits_while_a_protected_one_runs_inside_it() {
    check(
        r#"
        type almoco limit 60m warn none on_limit end_unavailable escalate none
        type banheiro protected
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        12:00 ana pause.start almoco                    -> started almoco
        12:59 ana pause.start banheiro                  -> started banheiro inside
        13:00 -> pause.limit_reached almoco
        13:01 -> pause.overran almoco, waits for the limit
        13:05 ana pause.end
              -> ended banheiro (agent) then outer pause, ended almoco (limit) then unavailable
        14:00 ana pause.start almoco                    -> started almoco
        14:59 ana pause.start banheiro                  -> started banheiro inside
        15:00 -> pause.limit_reached almoco
        15:01 -> pause.overran almoco, waits for the limit
        15:02 sup extend 30m                            -> extended 30m
        15:05 ana pause.end                             -> ended banheiro (agent) then outer pause
        15:31 -> ended almoco (limit) then unavailable
        "#,
    );
}

#[test]
fn a_verdict_about_what_follows_a_protected_pause_knows_when_the_window_closes() {
    check(
        r#"
        type saida limit 5m warn none grace 0s on_limit sign_out escalate none
        type cafe windows all 08:00-12:00
        type banheiro protected
        mon 2026-11-23 09:00 ana connects   -> connected, signed_in unavailable
        09:00 ana pause.start saida         -> started saida
        09:01 ana pause.start banheiro      -> started banheiro inside
        09:05 -> pause.limit_reached saida, pause.overran saida, waits for the limit
        09:06 ana asks cafe replaces it     -> refused agent_offline changes 12:00
        12:00 ana asks cafe replaces it     -> refused outside_window until 2026-11-24 08:00 changes 2026-11-24 08:00
        "#,
    );
}

#[test]
fn a_line_is_joined_for_somebody_on_a_protected_pause_as_for_anybody() {
    check(
        r#"
        team suporte
        agent ana team suporte
        agent bia team suporte
        type fila cap suporte=1
        type almoco entitlement min 20m refund 0s
        type banheiro protected
        mon 2026-11-23 12:00 ana connects       -> connected, signed_in unavailable
        12:01 ana pause.start almoco            -> started almoco
        12:02 ana pause.start banheiro          -> started banheiro inside
        12:03 bia takes fila                    -> nothing
        # The minimum of lunch is no matter of a place in line.
        12:04 sup pause.start fila replaces it  -> queued fila
        "#,
    );
}

#[test]
fn whoever_starts_for_the_agent_what_runs_already_is_told_so_and_nothing_more() {
    let on = |more: &str| {
        check(&format!(
            "type cafe\ntype banheiro protected\n
            mon 2026-11-23 10:00 ana connects -> connected, signed_in unavailable\n{more}"
        ))
    };
    let sofia = PrincipalId::new("sofia").expect("an id");
    let start = |world: &World, code: &str| {
        let command =
            Command::StartPause { pause_type: type_code(code), note: None, replaces: None, overriding: false };
        let (actor, reason) = (Actor::Supervisor(sofia.clone()), Some("r".to_owned()));
        let request = Request { command, actor, reason, op: None, expected_version: None };
        let decision = world.agent.decide(&request, &world.context()).expect("decided");
        (decision.outcome, decision.events.len())
    };
    // The pause around the protected one is the one that others know of.
    let inside =
        on("10:01 ana pause.start cafe -> started cafe\n10:02 ana pause.start banheiro -> started banheiro inside");
    let cafe = inside.agent.pause().expect("a pause").id;
    assert_eq!(start(&inside, "cafe"), (Outcome::Started { pause: cafe }, 0));
    // Of the protected one nothing is told: as of any other, that it waits; nothing does.
    let alone = on("10:02 ana pause.start banheiro -> started banheiro");
    assert_eq!(start(&alone, "banheiro"), (Outcome::Deferred, 0));
    assert_eq!(start(&alone, "cafe"), (Outcome::Deferred, 1));
}
