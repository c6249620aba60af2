//! Pauses, as scripts: starting, changing, ending, and the menu (semantics §3, §4, §6).

use crate::script::check;

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
