//! Presence, as scripts: sessions, grace, return, sign-in and sign-out, status, shifts (semantics
//! §1, §2, §6, §7); and the memory of `op`s (§9).

use intervalo::domain::command::{Actor, AfterEnd, Command, Outcome};
use intervalo::domain::id::{AgentId, Op, PrincipalId};
use intervalo::domain::op::{OP_REMEMBERED_FOR, OPS_AT_HAND_MAX, OpMemory, OpRecord, fingerprint};
use intervalo::domain::time::{Timestamp, seconds};

use crate::script::check;

#[test]
fn a_first_sign_in_is_unavailable_unless_the_tenant_says_available() {
    check(
        r#"
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:00 ana sees -> unavailable since 09:00 by agent ana (sign_in) connected not routable: unavailable
        09:01 ana status available              -> available
        09:01 ana sees -> available since 09:01 by agent ana (agent) connected routable
        09:02 ana status available              -> nothing
        "#,
    );
    check(
        r#"
        tenant sign_in available
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in available
        09:00 others see -> available since 09:00 by agent ana (sign_in) connected routable
        "#,
    );
}

#[test]
fn tabs_beyond_the_first_change_nothing() {
    check(
        r#"
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:01 ana connects                      -> nothing
        09:02 ana connects                      -> nothing
        09:03 ana disconnects                   -> nothing
        09:04 ana disconnects                   -> nothing
        09:05 ana disconnects                   -> grace until 09:06
        09:05 others see -> unavailable since 09:00 by agent ana (sign_in) grace not routable: disconnected
        "#,
    );
}

#[test]
fn promise_c8_no_ghosts_the_grace_ends_in_offline_and_a_return_within_it_writes_no_status() {
    check(
        r#"
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:01 ana status available              -> available
        10:00 ana disconnects                   -> grace until 10:01
        10:00 others see -> available since 09:01 by agent ana (agent) grace not routable: disconnected
        10:00:59.999 ana connects               -> connected
        10:00:59.999 others see -> available since 09:01 by agent ana (agent) connected routable
        11:00 ana disconnects                   -> grace until 11:01
        11:01 -> connection_lost, last seen 11:00
        11:01 others see -> offline since 11:01 by system (connection_lost) disconnected not routable: offline
        "#,
    );
}

#[test]
fn the_tenant_says_how_long_the_grace_is() {
    check(
        r#"
        tenant grace 5s
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        10:00 ana disconnects                   -> grace until 10:00:05
        10:00:05 -> connection_lost, last seen 10:00
        "#,
    );
}

#[test]
fn a_return_within_fifteen_minutes_of_a_lost_connection_restores_the_status_and_later_signs_in() {
    check(
        r#"
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:01 ana status available              -> available
        10:00 ana disconnects                   -> grace until 10:01
        10:01 -> connection_lost, last seen 10:00
        10:16 ana connects                      -> connected, resumed available
        10:16 others see -> available since 10:16 by agent ana (resumed) connected routable
        11:00 ana disconnects                   -> grace until 11:01
        11:01 -> connection_lost, last seen 11:00
        11:16:00.001 ana connects               -> connected, signed_in unavailable
        12:00 ana disconnects                   -> grace until 12:01
        12:01 -> connection_lost, last seen 12:00
        12:02 ana connects                      -> connected, resumed unavailable
        "#,
    );
}

#[test]
fn the_tenant_says_how_long_a_return_restores() {
    check(
        r#"
        tenant resume 1m
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:01 ana status available              -> available
        10:00 ana disconnects                   -> grace until 10:01
        10:01 -> connection_lost, last seen 10:00
        10:02:01 ana connects                   -> connected, signed_in unavailable
        "#,
    );
}

#[test]
fn a_paused_agent_stays_paused_through_a_lost_connection() {
    check(
        r#"
        type almoco limit 60m warn none
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        12:00 ana pause.start almoco            -> started almoco
        12:10 ana disconnects                   -> grace until 12:11
        12:11 -> connection_lost, last seen 12:10
        12:11 others see
              -> paused since 12:00 by agent ana (agent) disconnected not routable: disconnected;
              -> almoco since 12:00 limit 13:00
        12:40 ana connects                      -> connected
        12:40 others see
              -> paused since 12:00 by agent ana (agent) connected not routable: paused;
              -> almoco since 12:00 limit 13:00
        12:50 ana disconnects                   -> grace until 12:51
        12:51 -> connection_lost, last seen 12:50
        13:00 -> pause.limit_reached almoco
        13:01 -> pause.overran almoco
        13:03 -> pause.escalated almoco 2m after
        13:10 ana connects                      -> connected
        13:10 ana pause.end                     -> ended almoco (agent) then available
        "#,
    );
}

#[test]
fn a_chosen_offline_survives_a_reload_but_not_a_new_sign_in() {
    check(
        r#"
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        10:00 ana status offline                -> offline
        10:00 others see -> offline since 10:00 by agent ana (agent) connected not routable: offline
        10:01 ana disconnects                   -> grace until 10:02
        10:01:30 ana connects                   -> connected
        10:01:30 ana sees -> offline since 10:00 by agent ana (agent) connected not routable: offline
        10:02 ana status available              -> signed_in available
        10:03 ana status offline                -> offline
        10:04 ana disconnects                   -> grace until 10:05
        10:05 -> connection_lost, last seen 10:04
        10:06 ana connects                      -> connected, signed_in unavailable
        "#,
    );
}

#[test]
fn signing_out_is_offline_at_once_without_a_grace_and_nothing_is_resumed() {
    check(
        r#"
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:01 ana status available              -> available
        10:00 ana sign_out                      -> signed_out (sign_out)
        10:00 others see -> offline since 10:00 by agent ana (sign_out) disconnected not routable: offline
        10:01 ana connects                      -> connected, signed_in unavailable
        10:02 ana disconnects                   -> grace until 10:03
        10:02:30 sup sign_out because "gone"    -> signed_out (sign_out)
        10:02:30 others see
              -> offline since 10:02:30 by supervisor sup (sign_out) because "gone" disconnected not routable: offline
        10:03 sup sign_out                      -> nothing
        10:04 ana connects                      -> connected, signed_in unavailable
        10:05 ana status offline                -> offline
        10:06 ana sign_out                      -> signed_out (sign_out)
        # The status has been so since then.
        10:06 others see -> offline since 10:05 by agent ana (sign_out) disconnected not routable: offline
        "#,
    );
}

#[test]
fn signing_out_ends_a_pause_and_keeps_an_entitlement_running() {
    check(
        r#"
        type cafe
        type almoco entitlement limit 60m warn none min 20m
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        10:00 ana pause.start cafe              -> started cafe
        10:05 ana sign_out                      -> ended cafe (sign_out) then offline, signed_out (sign_out)
        11:00 ana connects                      -> connected, signed_in unavailable
        12:00 ana pause.start almoco            -> started almoco
        12:05 ana sign_out                      -> signed_out (sign_out)
        12:05 others see
              -> paused since 12:00 by agent ana (agent) disconnected not routable: disconnected;
              -> almoco since 12:00 limit 13:00
        12:50 ana connects                      -> connected
        12:51 sup sign_out                      -> signed_out (sign_out)
        12:52 ana connects                      -> connected
        12:53 ana sign_out end                  -> ended almoco (sign_out) then offline, signed_out (sign_out)
        "#,
    );
}

#[test]
fn a_kept_entitlement_is_abandoned_like_any_other() {
    check(
        r#"
        type almoco entitlement
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        12:00 ana pause.start almoco            -> started almoco
        12:05 ana sign_out                      -> signed_out (sign_out)
        16:05 -> ended almoco (abandoned) last seen 12:05 then offline
        "#,
    );
}

#[test]
fn signing_out_of_a_protected_pause_ends_it_and_a_kept_one_around_it_goes_on() {
    check(
        r#"
        type banheiro protected
        type almoco entitlement
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        10:00 ana pause.start banheiro          -> started banheiro
        10:01 ana sign_out                      -> ended banheiro (agent) then offline, signed_out (sign_out)
        11:00 ana connects                      -> connected, signed_in unavailable
        12:00 ana pause.start almoco            -> started almoco
        12:01 ana pause.start banheiro          -> started banheiro inside
        12:02 ana sign_out
              -> ended banheiro (agent) then outer pause, signed_out (sign_out)
        "#,
    );
}

#[test]
fn others_set_a_status_only_of_who_is_there() {
    check(
        r#"
        mon 2026-11-23 08:00 sup status available       -> refused agent_offline
        08:00 sup status unavailable                    -> refused agent_offline
        08:00 host status available                     -> refused agent_offline
        08:00 sup status offline                        -> nothing
        08:00 ana status available                      -> refused agent_offline
        09:00 ana connects                              -> connected, signed_in unavailable
        09:01 sup status available because "go"         -> available
        09:01 ana sees -> available since 09:01 by supervisor sup (supervisor) because "go" connected routable
        09:02 host status unavailable                   -> unavailable
        09:02 others see
              -> unavailable since 09:02 by integration host (integration) connected not routable: unavailable
        09:03 sup status offline                        -> offline
        09:04 admin status available                    -> signed_in available
        09:05 ana disconnects                           -> grace until 09:06
        09:05:10 sup status available                   -> refused agent_offline
        09:05:20 sup status unavailable                 -> unavailable
        09:06 -> connection_lost, last seen 09:05
        "#,
    );
}

#[test]
fn nobody_can_tell_who_is_offline_on_a_protected_pause() {
    check(
        r#"
        type banheiro protected
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:01 ana status available              -> available
        10:00 ana pause.start banheiro          -> started banheiro
        10:01 ana disconnects                   -> grace until 10:02
        10:02 -> connection_lost, last seen 10:01
        10:02 others see -> offline since 10:02 by system (connection_lost) disconnected not routable: offline
        10:03 sup status unavailable            -> refused agent_offline
        10:03 sup status offline                -> nothing
        10:03 sup sign_out                      -> nothing
        10:03 sup pause.start banheiro          -> refused agent_offline
        10:03 sup pause.end                     -> refused not_paused
        10:05 ana connects                      -> connected
        10:05 others see -> unavailable since 10:05 by agent ana (resumed) connected not routable: unavailable
        10:05 ana sees
              -> paused since 10:00 by agent ana (agent) connected not routable: paused; banheiro since 10:00
        11:00 ana disconnects                   -> grace until 11:01
        11:01 -> connection_lost, last seen 11:00
        12:00 ana connects                      -> connected
        12:00 others see -> unavailable since 12:00 by agent ana (sign_in) connected not routable: unavailable
        "#,
    );
}

#[test]
fn at_boot_everybody_gets_a_fresh_grace() {
    check(
        r#"
        type cafe
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:01 ana status available              -> available
        10:00 server stops                      -> nothing
        10:30 server starts                     -> nothing
        10:30 others see -> available since 09:01 by agent ana (agent) grace not routable: disconnected
        10:30:40 ana connects                   -> connected
        11:00 server stops                      -> nothing
        11:10 server starts                     -> nothing
        11:11 -> connection_lost, last seen 11:10
        11:12 server stops                      -> nothing
        11:20 server starts                     -> nothing
        11:21 ana connects                      -> connected, resumed available
        12:00 ana disconnects                   -> grace until 12:01
        12:00:30 server stops                   -> nothing
        12:30 server starts                     -> nothing
        12:30:59 ana connects                   -> connected
        "#,
    );
}

#[test]
fn a_shift_is_estimated_and_begins_anew_after_six_hours_offline() {
    check(
        r#"
        type cafe
        mon 2026-11-23 08:00 ana connects       -> connected, signed_in unavailable
        08:01 ana pause.start cafe              -> started cafe
        08:01 ana counts -> UTC +0 day 2026-11-23 business day 2026-11-23 shift 08:00 estimated team none
        08:10 ana sign_out                      -> ended cafe (sign_out) then offline, signed_out (sign_out)
        14:09:59.999 ana connects               -> connected, signed_in unavailable
        14:10 ana pause.start cafe              -> started cafe
        14:10 ana counts -> UTC +0 day 2026-11-23 business day 2026-11-23 shift 08:00 estimated team none
        14:20 ana sign_out                      -> ended cafe (sign_out) then offline, signed_out (sign_out)
        20:20 ana connects                      -> connected, signed_in unavailable
        20:30 ana pause.start cafe              -> started cafe
        20:30 ana counts -> UTC +0 day 2026-11-23 business day 2026-11-23 shift 20:20 estimated team none
        20:40 ana status offline                -> ended cafe (agent) then offline
        tue 2026-11-24 03:00 ana status available -> signed_in available
        03:00 ana pause.start cafe              -> started cafe
        03:00 ana counts -> UTC +0 day 2026-11-24 business day 2026-11-23 shift 03:00 estimated team none
        "#,
    );
}

#[test]
fn a_return_within_the_shift_keeps_it() {
    check(
        r#"
        type cafe
        mon 2026-11-23 08:00 ana connects       -> connected, signed_in unavailable
        10:00 ana disconnects                   -> grace until 10:01
        10:01 -> connection_lost, last seen 10:00
        10:05 ana connects                      -> connected, resumed unavailable
        10:06 ana pause.start cafe              -> started cafe
        10:06 ana counts -> UTC +0 day 2026-11-23 business day 2026-11-23 shift 08:00 estimated team none
        "#,
    );
}

#[test]
fn a_person_who_leaves_loses_pause_and_sessions_at_once_and_does_not_come_back() {
    check(
        r#"
        type cafe
        type banheiro protected
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        10:00 ana pause.start cafe              -> started cafe
        10:01 ana pause.start banheiro          -> started banheiro inside
        10:05 ana leaves
              -> ended banheiro (deactivated) then outer pause, ended cafe (deactivated) then offline, deactivated
        10:05 others see -> offline since 10:05 by system (deactivated) disconnected not routable: offline
        10:06 ana connects                      -> nothing
        10:06 ana status available              -> refused agent_offline
        10:06 sup status unavailable            -> refused agent_offline
        10:06 sup pause.start cafe              -> refused agent_offline
        "#,
    );
}

#[test]
fn a_person_who_leaves_while_disconnected_on_a_protected_pause_leaves_nothing_behind() {
    check(
        r#"
        type banheiro protected
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        10:00 ana pause.start banheiro          -> started banheiro
        10:01 ana disconnects                   -> grace until 10:02
        10:02 -> connection_lost, last seen 10:01
        10:05 ana leaves                        -> ended banheiro (deactivated) then offline
        10:05 others see -> offline since 10:02 by system (connection_lost) disconnected not routable: offline
        "#,
    );
}

fn record(op: u128, at: i64) -> OpRecord {
    let by = Actor::Supervisor(PrincipalId::new("sup").expect("an id"));
    OpRecord { op: Op(op), by, fingerprint: 7, at: Timestamp(at), outcome: Outcome::Done }
}

#[test]
fn ops_at_hand_are_the_last_ones_of_each_principal() {
    let mut memory = OpMemory::default();
    for op in 0..=OPS_AT_HAND_MAX as u128 {
        assert!(!memory.may_have_forgotten(Timestamp(1)) || op >= OPS_AT_HAND_MAX as u128);
        memory.remember(record(op, 0));
    }
    let by = record(0, 0).by;
    assert_eq!(memory.find(Op(0), &by), None, "the oldest went");
    assert_eq!(memory.find(Op(1), &by), Some(record(1, 0)));
    assert_eq!(memory.find(Op(1), &Actor::Agent(AgentId::new("ana").expect("an id"))), None, "another's op");
    assert!(memory.may_have_forgotten(Timestamp(1)), "the journal may know more");
    assert!(!memory.may_have_forgotten(Timestamp(0) + OP_REMEMBERED_FOR), "but not after a day");
    assert_eq!(OpMemory::from_records(memory.records()), memory);
}

#[test]
fn a_fingerprint_tells_commands_and_reasons_apart() {
    let end = |then| Command::EndPause { then, overriding: false };
    let extend = |by| Command::ExtendPause { by: seconds(by) };
    let all = [
        fingerprint(&end(None), None),
        fingerprint(&end(None), Some("why")),
        fingerprint(&end(Some(AfterEnd::Available)), None),
        fingerprint(&end(Some(AfterEnd::Unavailable)), None),
        fingerprint(&extend(60), None),
        fingerprint(&extend(61), None),
    ];
    let apart: std::collections::BTreeSet<u64> = all.into_iter().collect();
    assert_eq!(apart.len(), all.len());
    assert_eq!(fingerprint(&end(None), Some("why")), all[1]);
}

#[test]
fn whoever_is_away_is_told_so_whatever_they_wait_for() {
    check(
        r#"
        team suporte
        channel voice blocks
        agent ana team suporte
        agent bia team suporte
        type cafe limit 10m warn none
        type cheio cap suporte=1
        type medico approval 10m
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:00 ana status available              -> available
        09:00 bia takes cheio                   -> nothing
        09:01 ana pause.start medico            -> requested medico until 09:11
        09:01 ana pause.start cheio             -> queued cheio
        09:01 ana works voice=1                 -> works voice=1
        09:01 ana pause.start cafe              -> pending cafe until 09:11
        09:02 ana disconnects                   -> grace until 09:03
        09:02 ana asks medico                   -> refused agent_offline also approval_required and occupied
        09:02 ana asks cheio
              -> refused agent_offline also slots_full suporte 1 of 1 place 1 and occupied
        09:02 ana asks cafe                     -> refused agent_offline also occupied
        "#,
    );
}

#[test]
fn what_a_supervisor_has_seen_is_kept_as_long_as_there_is_something_to_see() {
    let script = r#"
        type cafe limit 10m warn none grace 1m escalate none
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:00 ana pause.start cafe              -> started cafe
        09:10                                   -> pause.limit_reached cafe
        09:11                                   -> pause.overran cafe
        09:12 sup acks overrun                  -> acknowledged overrun
    "#;
    assert_eq!(check(script).agent.acks.len(), 1);
    let after = check(&format!("{script}\n09:13 ana disconnects -> grace until 09:14"));
    assert_eq!(after.agent.acks.len(), 1, "it still overruns");
    let after = check(&format!("{script}\n09:13 ana pause.end -> ended cafe (agent) then available"));
    assert_eq!(after.agent.acks.len(), 0);
}
