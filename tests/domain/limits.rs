//! What time brings about while a pause runs, as scripts: thresholds, what the limit calls for,
//! restarts, extensions, abandonment (semantics §5).

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
fn an_alert_is_acknowledged_once_and_as_long_as_it_lasts() {
    check(
        r#"
        channel voice blocks
        type cafe limit 10m warn none escalate none
        type medico approval 10m
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:01 ana pause.start cafe              -> started cafe
        09:02 sup acks overrun                  -> refused nothing_pending
        09:11                                   -> pause.limit_reached cafe
        09:12                                   -> pause.overran cafe
        09:13 sup acks overrun                  -> acknowledged overrun
        09:13 admin acks overrun                -> nothing
        09:14 ana works voice=1                 -> works voice=1, finding work_during_pause
        09:14 sup acks work                     -> acknowledged work_during_pause
        09:15 ana pause.end                     -> ended cafe (agent) then available
        09:16 ana works nothing                 -> works nothing
        09:16 ana pause.start medico            -> requested medico until 09:26
        09:17 sup acks request                  -> acknowledged request
        09:18 sup refuses it                    -> request refused
        09:18 sup acks request                  -> refused nothing_pending
        "#,
    );
}
