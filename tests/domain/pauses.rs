//! Pauses, as scripts: starting, what happens while one runs, ending (semantics §3 to §6).

use crate::script::check;

#[test]
fn a_pause_begins_in_its_window_and_is_warned_limited_and_marked() {
    check(
        r#"
        tenant zone America/Sao_Paulo
        type almoco limit 60m min 20m warn 5m,1m windows mon-fri 11:30-14:30
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        09:01 ana status available                      -> available
        09:05 ana pause.start almoco                    -> refused outside_window until 11:30
        09:05 ana asks almoco                           -> refused outside_window until 11:30 changes 11:30
        11:29:59.999 ana pause.start almoco             -> refused outside_window until 11:30
        11:30 ana pause.start almoco                    -> started almoco
        11:30 ana sees
              -> paused since 11:30 by agent ana (agent) connected not routable: paused;
              -> almoco since 11:30 warn 12:25 limit 12:30
        12:25 -> pause.warned almoco 5m before
        12:29 -> pause.warned almoco 1m before
        12:30 -> pause.limit_reached almoco
        12:31 -> pause.overran almoco
        12:31 others see
              -> paused since 11:30 by agent ana (agent) connected not routable: paused;
              -> almoco since 11:30 warn 12:29 limit 12:30 overran 12:31
        12:33 -> pause.escalated almoco 2m after
        14:40 ana asks almoco                           -> started
        14:40 ana pause.start almoco                    -> nothing
        14:50 ana pause.end                             -> ended almoco (agent) then available
        15:00 ana pause.start almoco                    -> refused outside_window until 2026-11-24 11:30
        "#,
    );
}

#[test]
fn a_pause_without_a_limit_or_window_runs_on_and_ends_as_the_agent_says() {
    check(
        r#"
        type cafe
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        09:01 ana asks cafe                             -> started
        09:01 ana pause.start cafe note "back soon"     -> started cafe
        09:01 ana sees
              -> paused since 09:01 by agent ana (agent) connected not routable: paused;
              -> cafe since 09:01 note "back soon"
        11:00 ana pause.end then unavailable            -> ended cafe (agent) then unavailable
        11:00 ana pause.end                             -> refused not_paused
        11:01 ana pause.start cafe                      -> started cafe
        11:40 ana pause.end                             -> ended cafe (agent) then available
        11:41 ana pause.start cafe                      -> started cafe
        11:50 ana status unavailable                    -> ended cafe (agent) then unavailable
        11:51 ana pause.start cafe                      -> started cafe
        11:55 ana status offline                        -> ended cafe (agent) then offline
        11:56 ana pause.start cafe                      -> refused agent_offline
        "#,
    );
}

#[test]
fn thresholds_fire_in_order_once_with_their_grace_and_every_escalation() {
    check(
        r#"
        type cafe limit 10m warn 5m,2m,30s grace 90s escalate 1m,5m,1h
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:05 -> pause.warned cafe 5m before
        10:08 -> pause.warned cafe 2m before
        10:09:30 -> pause.warned cafe 30s before
        10:10 -> pause.limit_reached cafe
        10:11:30 -> pause.overran cafe
        10:12:30 -> pause.escalated cafe 1m after
        10:16:30 -> pause.escalated cafe 5m after
        11:11:30 -> pause.escalated cafe 60m after
        12:00 ana pause.end                             -> ended cafe (agent) then available
        "#,
    );
}

#[test]
fn a_warning_that_would_stand_before_the_start_is_dropped() {
    check(
        r#"
        type curta limit 60s
        type longa limit 61s
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start curta                     -> started curta
        10:01 -> pause.limit_reached curta
        10:01:30 ana pause.end                          -> ended curta (agent) then available
        10:10 ana pause.start longa                     -> started longa
        10:10:01 -> pause.warned longa 1m before
        10:11:01 -> pause.limit_reached longa
        10:11:02 ana pause.end                          -> ended longa (agent) then available
        "#,
    );
}

#[test]
fn without_a_grace_limit_overrun_and_what_the_limit_calls_for_are_one_instant() {
    check(
        r#"
        type cafe limit 10m warn none grace 0s on_limit end_unavailable
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        09:01 ana status available                      -> available
        10:00 ana pause.start cafe                      -> started cafe
        10:10 -> pause.limit_reached cafe, pause.overran cafe, ended cafe (limit) then unavailable
        10:10 others see -> unavailable since 10:10 by system (limit) connected not routable: unavailable
        "#,
    );
}

#[test]
fn on_limit_end_unavailable_ends_the_pause_after_the_grace() {
    check(
        r#"
        type cafe limit 10m warn none on_limit end_unavailable
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:10 -> pause.limit_reached cafe
        10:11 -> pause.overran cafe, ended cafe (limit) then unavailable
        "#,
    );
}

#[test]
fn on_limit_end_available_needs_an_answer_given_after_the_limit() {
    check(
        r#"
        type cafe limit 10m warn none on_limit end_available
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:09:59.999 ana answers                        -> nothing
        10:10 -> pause.limit_reached cafe
        10:11 -> pause.overran cafe, ended cafe (limit) then unavailable
        11:00 ana pause.start cafe                      -> started cafe
        11:10 -> pause.limit_reached cafe
        11:10 ana answers                               -> nothing
        11:11 -> pause.overran cafe, ended cafe (limit) then available
        12:00 ana pause.start cafe                      -> started cafe
        12:10 -> pause.limit_reached cafe
        12:10:05 ana answers                            -> nothing
        12:10:40 ana disconnects                        -> grace until 12:11:40
        12:11 -> pause.overran cafe, ended cafe (limit) then unavailable
        12:11:40 -> connection_lost, last seen 12:10:40
        "#,
    );
}

#[test]
fn on_limit_never_makes_somebody_available_or_unavailable_who_is_gone() {
    check(
        r#"
        type cafe limit 10m warn none on_limit end_available
        type cha limit 10m warn none on_limit end_unavailable
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:01 ana disconnects                           -> grace until 10:02
        10:02 -> connection_lost, last seen 10:01
        10:10 -> pause.limit_reached cafe
        10:11 -> pause.overran cafe, ended cafe (limit) then offline
        11:00 ana connects                              -> connected, signed_in unavailable
        11:00 ana pause.start cha                       -> started cha
        11:01 ana disconnects                           -> grace until 11:02
        11:02 -> connection_lost, last seen 11:01
        11:10 -> pause.limit_reached cha
        11:11 -> pause.overran cha, ended cha (limit) then offline
        "#,
    );
}

#[test]
fn on_limit_sign_out_ends_the_pause_and_every_session() {
    check(
        r#"
        type cafe limit 10m warn none on_limit sign_out
        type direito entitlement limit 10m warn none on_limit sign_out
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:10 -> pause.limit_reached cafe
        10:11 -> pause.overran cafe, ended cafe (limit) then offline, signed_out (limit)
        10:11 others see -> offline since 10:11 by system (limit) disconnected not routable: offline
        10:12 ana connects                              -> connected, signed_in unavailable
        10:20 ana pause.start direito                   -> started direito
        10:30 -> pause.limit_reached direito
        10:31 -> pause.overran direito, ended direito (limit) then offline, signed_out (limit)
        "#,
    );
}

#[test]
fn after_a_restart_late_thresholds_fire_in_order_and_what_ends_waits_for_a_return() {
    check(
        r#"
        type cafe limit 10m on_limit end_available escalate 30s,10m
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:05 server stops                              -> nothing
        10:12 server starts
              -> pause.warned cafe 1m before late, pause.limit_reached cafe late, pause.overran cafe late,
              -> pause.escalated cafe 30s after late
        10:12:20 ana connects                           -> connected
        10:12:30 ana answers                            -> nothing
        10:13 -> ended cafe (limit) then available
        "#,
    );
}

#[test]
fn after_a_restart_a_threshold_within_a_second_is_not_late() {
    check(
        r#"
        type cafe limit 10m warn none
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:05 server stops                              -> nothing
        10:10:01 server starts                          -> pause.limit_reached cafe
        10:10:10 server stops                           -> nothing
        10:11:01.001 server starts                      -> pause.overran cafe late
        "#,
    );
}

#[test]
fn after_a_restart_sign_out_and_abandonment_wait_for_the_reconnect_window() {
    check(
        r#"
        type cafe limit 10m warn none on_limit sign_out escalate none
        type livre
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:05 server stops                              -> nothing
        10:30 server starts                             -> pause.limit_reached cafe late, pause.overran cafe late
        10:31 -> ended cafe (limit) then offline, signed_out (limit)
        11:00 ana connects                              -> connected, signed_in unavailable
        11:00 ana pause.start livre                     -> started livre
        11:01 ana disconnects                           -> grace until 11:02
        11:02 -> connection_lost, last seen 11:01
        11:03 server stops                              -> nothing
        20:00 server starts                             -> nothing
        20:00:30 ana connects                           -> connected
        20:00:30 ana pause.end                          -> ended livre (agent) then available
        "#,
    );
}

#[test]
fn what_began_after_the_restart_does_not_wait_for_the_reconnect_window() {
    check(
        r#"
        type cafe limit 10s warn none grace 1s on_limit end_unavailable
        mon 2026-11-23 10:00 server stops               -> nothing
        10:01 server starts                             -> nothing
        10:01:01 ana connects                           -> connected, signed_in unavailable
        10:01:02 ana pause.start cafe                   -> started cafe
        10:01:12 -> pause.limit_reached cafe
        10:01:13 -> pause.overran cafe, ended cafe (limit) then unavailable
        "#,
    );
}

#[test]
fn an_end_under_the_minimum_is_marked_short() {
    check(
        r#"
        type cafe min 5m limit 15m
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:04:59.999 ana pause.end                      -> ended cafe (agent) short then available
        10:10 ana pause.start cafe                      -> started cafe
        10:15 ana pause.end                             -> ended cafe (agent) then available
        "#,
    );
}

#[test]
fn a_hold_refuses_an_end_under_the_minimum_to_the_agent_but_not_to_a_supervisor() {
    check(
        r#"
        type cafe min 5m hold limit 15m
        type cha
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:00:30 ana pause.end                          -> refused held until 10:05
        10:01 ana status available                      -> refused held until 10:05
        10:02 ana pause.start cha replaces it           -> refused held until 10:05
        10:03 host pause.end                            -> refused held until 10:05
        10:04:59.999 ana pause.end                      -> refused held until 10:05
        10:05 ana pause.end                             -> ended cafe (agent) then available
        10:10 ana pause.start cafe                      -> started cafe
        10:12 sup pause.end because "the line is full"  -> ended cafe (supervisor) short then unavailable
        10:20 ana pause.start cafe                      -> started cafe
        10:21 ana sign_out                              -> ended cafe (sign_out) short then offline, signed_out (sign_out)
        "#,
    );
}

#[test]
fn a_misclick_may_always_end_and_is_never_short() {
    check(
        r#"
        type cafe min 5m hold limit 15m
        type almoco entitlement min 20m
        type exigente min 5m hold refund 0s
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:00:29.999 ana pause.end                      -> ended cafe (agent) misclick then available
        10:10 ana pause.start almoco                    -> started almoco
        10:10:29 sup pause.end                          -> ended almoco (supervisor) misclick then unavailable
        10:20 ana pause.start cafe                      -> started cafe
        10:20:10 ana pause.start almoco replaces it
              -> ended cafe (changed_type) misclick then unavailable, started almoco
        10:20:20 ana pause.end                          -> ended almoco (agent) misclick then available
        10:30 ana pause.start exigente                  -> started exigente
        10:30 ana pause.end                             -> refused held until 10:35
        "#,
    );
}

#[test]
fn an_entitlement_ends_under_its_minimum_only_by_the_agent_or_an_override_that_leaves_a_finding() {
    check(
        r#"
        type almoco entitlement min 20m limit 60m
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        12:00 ana pause.start almoco                    -> started almoco
        12:10 sup pause.end                             -> refused entitlement_minimum until 12:20
        12:10 admin pause.end                           -> refused entitlement_minimum until 12:20
        12:10 sup status available                      -> refused entitlement_minimum until 12:20
        12:11 sup pause.end override because "fire"
              -> ended almoco (supervisor) short then unavailable, finding entitlement_ended_early
        12:30 ana pause.start almoco                    -> started almoco
        12:50 sup pause.end                             -> ended almoco (supervisor) then unavailable
        13:00 ana pause.start almoco                    -> started almoco
        13:05 ana pause.end                             -> ended almoco (agent) short then available
        "#,
    );
}

#[test]
fn changing_type_needs_the_running_pause_named_and_is_one_instant() {
    let world = check(
        r#"
        type cafe limit 15m
        type almoco windows all 12:00-14:00
        type cha by supervisor
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        11:50 ana pause.start cafe                      -> started cafe
        11:55 ana pause.start almoco
              -> refused already_paused cafe
        11:55 ana asks almoco                           -> refused already_paused cafe also outside_window until 12:00
        11:55 ana pause.start almoco replaces another   -> refused already_paused cafe
        11:55 ana pause.start almoco replaces it        -> refused outside_window until 12:00
        11:55 ana pause.start cha replaces it           -> refused not_startable_by (supervisor only)
        11:55 others see
              -> paused since 11:50 by agent ana (agent) connected not routable: paused;
              -> cafe since 11:50 warn 12:04 limit 12:05
        12:00 ana pause.start almoco replaces it
              -> ended cafe (changed_type) then unavailable, started almoco
        12:00 others see
              -> paused since 12:00 by agent ana (agent) connected not routable: paused; almoco since 12:00
        12:20 ana pause.start almoco replaces it        -> nothing
        "#,
    );
    let ends: Vec<_> = world.events().filter(|event| event.body.name() == "pause.ended").collect();
    let starts: Vec<_> = world.events().filter(|event| event.body.name() == "pause.started").collect();
    assert_eq!(ends[0].at, starts[1].at);
    let linked = format!("{:?} {:?}", ends[0].body, starts[1].body);
    let second = world.agent.pause().expect("almoco runs").id;
    assert!(linked.contains(&format!("replaced_by: Some({second})")), "{linked}");
}

#[test]
fn who_may_start_a_type_is_the_types_own_rule() {
    check(
        r#"
        type cafe by agent
        type reuniao by supervisor
        type ambos
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 sup pause.start cafe                      -> refused not_startable_by (agent only)
        10:00 ana pause.start reuniao                   -> refused not_startable_by (supervisor only)
        10:00 host pause.start cafe                     -> started cafe
        10:10 host pause.end                            -> ended cafe (integration) then available
        10:20 sup pause.start reuniao because "team"    -> started reuniao
        10:20 ana sees
              -> paused since 10:20 by supervisor sup (supervisor) because "team" connected
              -> not routable: paused; reuniao since 10:20
        10:30 ana pause.end                             -> ended reuniao (agent) then available
        10:40 admin pause.start ambos                   -> started ambos
        10:50 sup pause.end then available              -> ended ambos (supervisor) then available
        "#,
    );
}

#[test]
fn a_type_is_offered_to_its_teams_only() {
    check(
        r#"
        team suporte
        team vendas
        agent ana team suporte
        type cafe teams vendas
        type banheiro protected teams vendas
        type cha teams vendas,suporte
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> refused not_offered
        10:00 ana pause.start banheiro                  -> refused not_offered
        10:00 ana options                               -> cha started
        10:01 admin sets agent ana team suporte,vendas  -> nothing
        10:01 ana options                               -> banheiro started; cafe started; cha started
        10:02 ana pause.start cafe                      -> started cafe
        10:02 ana counts -> UTC +0 day 2026-11-23 business day 2026-11-23 shift 09:00 estimated team suporte
        10:03 admin sets agent ana team vendas          -> nothing
        10:03 ana counts -> UTC +0 day 2026-11-23 business day 2026-11-23 shift 09:00 estimated team suporte
        "#,
    );
}

#[test]
fn the_menu_lists_enabled_types_by_position_then_code_each_with_its_verdict() {
    check(
        r#"
        type cafe position 2
        type almoco position 2 windows all 12:00-14:00
        type banheiro protected position 1
        type velha position 0 archived
        type parada position 0 disabled
        type reuniao position 9 by supervisor windows all 15:00-16:00
        mon 2026-11-23 11:00 ana options
              -> banheiro refused agent_offline;
              -> almoco refused agent_offline also outside_window until 12:00;
              -> cafe refused agent_offline;
              -> reuniao refused agent_offline also not_startable_by (supervisor only) and outside_window until 15:00
        11:00 ana connects                              -> connected, signed_in unavailable
        11:00 ana options
              -> banheiro started; almoco refused outside_window until 12:00 changes 12:00; cafe started;
              -> reuniao refused not_startable_by (supervisor only) also outside_window until 15:00
        12:00 ana options
              -> banheiro started; almoco started changes 14:00; cafe started;
              -> reuniao refused not_startable_by (supervisor only) also outside_window until 15:00
        12:00 ana pause.start velha                     -> refused type_disabled
        12:00 ana pause.start parada                    -> refused type_disabled
        12:00 ana pause.start outra                     -> refused unknown_type
        12:00 sup asks reuniao                          -> refused outside_window until 15:00 changes 15:00
        "#,
    );
}

#[test]
fn a_type_archived_under_a_running_pause_lets_it_finish_as_it_began() {
    check(
        r#"
        type cafe limit 10m warn none
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:01 admin sets type cafe limit 1h archived    -> nothing
        10:10 -> pause.limit_reached cafe
        10:10:30 ana pause.end                          -> ended cafe (agent) then available
        10:20 ana pause.start cafe                      -> refused type_disabled
        10:20 ana options                               -> nothing
        "#,
    );
}

#[test]
fn with_the_feature_off_there_is_no_menu_and_no_start_but_what_runs_may_end() {
    check(
        r#"
        type cafe limit 10m
        type banheiro protected
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:01 admin sets tenant pauses off              -> nothing
        10:02 ana options                               -> nothing
        10:02 ana pause.start banheiro                  -> refused pauses_disabled
        10:02 ana pause.start outra
              -> refused pauses_disabled
        10:02 ana asks outra
              -> refused pauses_disabled also unknown_type
        10:03 ana pause.end                             -> ended cafe (agent) then available
        10:04 ana pause.start cafe                      -> refused pauses_disabled
        "#,
    );
}

#[test]
fn an_extension_moves_the_limit_and_what_has_fired_stays_fired() {
    check(
        r#"
        type cafe limit 10m warn 2m on_limit end_unavailable escalate none
        type livre
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 sup extend 5m                             -> refused not_paused
        10:00 ana pause.start cafe                      -> started cafe
        10:01 sup extend 5m because "long line"         -> extended 5m
        10:13 -> pause.warned cafe 2m before
        10:14 sup extend 10m                            -> extended 10m
        10:25 -> pause.limit_reached cafe
        10:25:30 sup extend 1m                          -> extended 1m
        10:27 -> pause.overran cafe, ended cafe (limit) then unavailable
        10:30 ana pause.start livre                     -> started livre
        10:31 sup extend 5m                             -> nothing
        "#,
    );
}

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
fn a_pause_is_abandoned_four_hours_after_the_last_session_or_sixteen_after_its_start() {
    check(
        r#"
        type cafe
        type banheiro protected
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        11:00 ana disconnects                           -> grace until 11:01
        11:01 -> connection_lost, last seen 11:00
        15:00 -> ended cafe (abandoned) last seen 11:00 then offline
        16:00 ana connects                              -> connected, signed_in unavailable
        16:30 ana pause.start cafe                      -> started cafe
        17:00 ana pause.start banheiro                  -> started banheiro inside
        17:00 ana answers                               -> nothing
        tue 2026-11-24 08:30
              -> ended banheiro (abandoned) last seen 2026-11-23 17:00 then outer pause,
              -> ended cafe (abandoned) last seen 2026-11-23 17:00 then offline
        08:30 ana sees -> offline since 08:30 by system (abandoned) connected not routable: offline
        08:31 ana status available                      -> signed_in available
        09:00 ana pause.start banheiro                  -> started banheiro
        09:10 ana disconnects                           -> grace until 09:11
        09:11 -> connection_lost, last seen 09:10
        09:11 others see -> offline since 09:11 by system (connection_lost) disconnected not routable: offline
        13:10 -> ended banheiro (abandoned) last seen 09:10 then offline
        13:10 others see -> offline since 09:11 by system (connection_lost) disconnected not routable: offline
        "#,
    );
}

#[test]
fn an_abandoned_protected_pause_does_not_tell_the_others_that_it_was_one() {
    check(
        r#"
        type banheiro protected
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start banheiro                  -> started banheiro
        tue 2026-11-24 02:00 -> ended banheiro (abandoned) last seen 2026-11-23 10:00 then offline
        02:00 others see -> offline since 02:00 by system (sign_out) connected not routable: offline
        "#,
    );
}

#[test]
fn the_tenant_says_after_how_long_a_pause_is_abandoned() {
    check(
        r#"
        tenant abandon 30m
        type cafe
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:10 ana disconnects                           -> grace until 10:11
        10:11 -> connection_lost, last seen 10:10
        10:39 ana connects                              -> connected
        10:40 ana disconnects                           -> grace until 10:41
        10:41 -> connection_lost, last seen 10:40
        11:10 -> ended cafe (abandoned) last seen 10:40 then offline
        "#,
    );
}

#[test]
fn ending_by_others_gives_way_where_no_session_is_live() {
    check(
        r#"
        type cafe
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe                      -> started cafe
        10:10 ana disconnects                           -> grace until 10:11
        10:10:30 sup pause.end then available           -> ended cafe (supervisor) then unavailable
        10:11 -> connection_lost, last seen 10:10
        10:20 ana connects                              -> connected, resumed unavailable
        10:20 ana pause.start cafe                      -> started cafe
        10:21 ana disconnects                           -> grace until 10:22
        10:22 -> connection_lost, last seen 10:21
        10:23 host pause.end                            -> ended cafe (integration) then offline
        10:23 host pause.start cafe                     -> refused agent_offline
        10:24 ana pause.end                             -> refused agent_offline
        10:24 ana pause.start cafe                      -> refused agent_offline
        "#,
    );
}

#[test]
fn a_command_that_expects_an_older_version_is_stale() {
    check(
        r#"
        type cafe
        type banheiro protected
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana pause.start cafe expecting before     -> stale
        10:00 ana pause.start cafe expecting now        -> started cafe
        10:01 ana pause.start banheiro expecting now    -> started banheiro inside
        10:02 sup pause.end expecting now               -> deferred: waits for unavailable
        10:02 sup pause.end expecting before            -> stale
        "#,
    );
}

#[test]
fn windows_follow_the_agents_zone_then_the_primary_teams_then_the_tenants() {
    check(
        r#"
        tenant zone America/Sao_Paulo
        clock UTC
        team suporte zone Europe/Lisbon
        team vendas zone Asia/Kolkata
        type almoco windows all 12:00-13:00
        mon 2026-11-23 08:00 ana connects               -> connected, signed_in unavailable
        08:00 ana asks almoco                           -> refused outside_window until 15:00 changes 15:00
        08:00 admin sets agent ana team suporte,vendas  -> nothing
        08:00 ana asks almoco                           -> refused outside_window until 12:00 changes 12:00
        08:00 admin sets agent ana team vendas,suporte  -> nothing
        08:00 ana asks almoco                           -> refused outside_window until 2026-11-24 06:30 changes 2026-11-24 06:30
        08:00 admin sets agent ana team suporte zone America/New_York -> nothing
        08:00 ana asks almoco                           -> refused outside_window until 17:00 changes 17:00
        17:00 ana pause.start almoco                    -> started almoco
        17:00 ana counts
              -> America/New_York -300 day 2026-11-23 business day 2026-11-23 shift 08:00 estimated team suporte
        "#,
    );
}

#[test]
fn windows_open_on_their_weekdays_and_may_wrap_midnight_or_touch() {
    check(
        r#"
        type noite windows fri 22:00-02:00 sat 02:00-03:00
        type fim windows sat-sun 10:00-11:00
        fri 2026-11-27 20:00 ana connects               -> connected, signed_in unavailable
        20:00 ana asks noite                            -> refused outside_window until 22:00 changes 22:00
        22:00 ana asks noite                            -> started changes 2026-11-28 03:00
        sat 2026-11-28 02:30 ana asks noite             -> started changes 03:00
        03:00 ana asks noite                            -> refused outside_window until 2026-12-04 22:00 changes 2026-12-04 22:00
        10:59:59.999 ana asks fim                       -> started changes 11:00
        11:00 ana asks fim                              -> refused outside_window until 2026-11-29 10:00 changes 2026-11-29 10:00
        "#,
    );
}

#[test]
fn windows_without_a_hole_never_change() {
    check(
        r#"
        type sempre windows all 00:00-12:00 all 12:00-00:00
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana asks sempre                           -> started
        "#,
    );
}

#[test]
fn a_window_in_a_gap_or_an_overlap_of_new_york() {
    check(
        r#"
        tenant zone America/New_York
        type gap windows all 02:30-03:30
        type inside windows all 02:10-02:50
        type overlap windows all 01:15-01:45
        sun 2026-03-08 01:59 ana connects               -> connected, signed_in unavailable
        01:59 ana asks gap                              -> refused outside_window until 03:00 changes 03:00
        01:59 ana asks inside -> refused outside_window until 2026-03-09 02:10 changes 2026-03-09 02:10
        03:00 ana asks gap                              -> started changes 03:30
        sun 2026-11-01 01:14(1) ana asks overlap        -> refused outside_window until 01:15(1) changes 01:15(1)
        01:15(1) ana asks overlap                       -> started changes 01:45(2)
        01:50(1) ana asks overlap                       -> started changes 01:45(2)
        01:44(2) ana asks overlap                       -> started changes 01:45(2)
        01:45(2) ana asks overlap -> refused outside_window until 2026-11-02 01:15 changes 2026-11-02 01:15
        "#,
    );
}

#[test]
fn a_window_in_a_gap_or_an_overlap_of_lisbon() {
    check(
        r#"
        tenant zone Europe/Lisbon
        type gap windows all 01:30-02:30
        type overlap windows all 01:30-02:30
        sun 2026-03-29 00:59 ana connects               -> connected, signed_in unavailable
        00:59 ana asks gap                              -> refused outside_window until 02:00 changes 02:00
        sun 2026-10-25 01:29(1) ana asks overlap        -> refused outside_window until 01:30(1) changes 01:30(1)
        01:30(1) ana asks overlap                       -> started changes 02:30
        01:00(2) ana asks overlap                       -> started changes 02:30
        02:30 ana asks overlap -> refused outside_window until 2026-10-26 01:30 changes 2026-10-26 01:30
        "#,
    );
}

#[test]
fn lord_howe_moves_its_clock_by_half_an_hour() {
    check(
        r#"
        tenant zone Australia/Lord_Howe
        type gap windows all 02:10-02:40
        type overlap windows all 01:40-01:50
        sun 2026-10-04 01:59 ana connects               -> connected, signed_in unavailable
        01:59 ana asks gap                              -> refused outside_window until 02:30 changes 02:30
        02:30 ana asks gap                              -> started changes 02:40
        sun 2027-04-04 01:35(1) ana asks overlap        -> refused outside_window until 01:40(1) changes 01:40(1)
        01:45(1) ana asks overlap                       -> started changes 01:50(2)
        01:35(2) ana asks overlap                       -> started changes 01:50(2)
        "#,
    );
}

#[test]
fn sao_paulo_had_a_day_without_midnight() {
    check(
        r#"
        tenant zone America/Sao_Paulo business_day 00:00
        type virada windows all 00:00-02:00
        type cafe
        sat 2018-11-03 23:59 ana connects               -> connected, signed_in unavailable
        23:59 ana asks virada
              -> refused outside_window until 2018-11-04 01:00 changes 2018-11-04 01:00
        sun 2018-11-04 01:00 ana asks virada            -> started changes 02:00
        01:00 ana pause.start cafe                      -> started cafe
        01:00 ana counts
              -> America/Sao_Paulo -120 day 2018-11-04 business day 2018-11-04
              -> shift 2018-11-03 23:59 estimated team none
        "#,
    );
}

#[test]
fn apia_skipped_a_day() {
    check(
        r#"
        tenant zone Pacific/Apia
        type sexta windows fri 10:00-12:00
        type cafe
        thu 2011-12-29 23:00 ana connects               -> connected, signed_in unavailable
        23:00 ana asks sexta
              -> refused outside_window until 2012-01-06 10:00 changes 2012-01-06 10:00
        sat 2011-12-31 00:30 ana pause.start cafe       -> started cafe
        00:30 ana counts
              -> Pacific/Apia +840 day 2011-12-31 business day 2011-12-30 shift 2011-12-29 23:00 estimated team none
        "#,
    );
}

#[test]
fn a_pause_belongs_to_the_business_day_that_begins_at_four() {
    check(
        r#"
        type cafe
        mon 2026-11-23 22:00 ana connects               -> connected, signed_in unavailable
        tue 2026-11-24 03:59 ana pause.start cafe       -> started cafe
        03:59 ana counts
              -> UTC +0 day 2026-11-24 business day 2026-11-23 shift 2026-11-23 22:00 estimated team none
        04:00 ana pause.end                             -> ended cafe (agent) then available
        04:00 ana pause.start cafe                      -> started cafe
        04:00 ana counts
              -> UTC +0 day 2026-11-24 business day 2026-11-24 shift 2026-11-23 22:00 estimated team none
        "#,
    );
}

#[test]
fn a_pause_over_midnight_is_one_record() {
    let world = check(
        r#"
        tenant zone America/Sao_Paulo
        type almoco limit 60m warn none
        mon 2026-11-23 22:00 ana connects               -> connected, signed_in unavailable
        23:30 ana pause.start almoco                    -> started almoco
        tue 2026-11-24 00:20 ana pause.end              -> ended almoco (agent) then available
        "#,
    );
    assert_eq!(world.events().filter(|event| event.body.name() == "pause.started").count(), 1);
}
