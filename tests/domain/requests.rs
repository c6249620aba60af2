//! Approval, requests and grants, as scripts (semantics §4).

use crate::script::check;

const TEAM: &str = r#"
    team suporte
    channel voice blocks
    agent ana team suporte
    agent bia team suporte
    type medico approval 10m limit 30m warn none
    type saida approval 5m grant
    type cheio approval 10m cap suporte=1 limit 10m warn none
    type almoco windows all 11:30-14:30 quota 1 limit 60m warn none
    type pausa min 20m hold refund 0s
    type banheiro protected
    type off disabled
    mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
    09:00 ana status available              -> available
"#;

fn plays(script: &str) {
    check(&format!("{TEAM}\n{script}"));
}

#[test]
fn a_type_that_needs_approval_asks_for_it_and_begins_when_somebody_agrees() {
    plays(
        r#"
        09:01 ana asks medico                   -> requested approval_required
        09:01 ana pause.start medico note "hi"  -> requested medico until 09:11
        # Asking does not keep work away, and again is the same.
        09:02 ana sees
              -> available since 09:00 by agent ana (agent) connected routable; request for medico open
        09:02 ana pause.start medico            -> nothing
        09:02 ana asks medico                   -> requested approval_required
        09:05 sup grants it because "go"        -> granted medico until 09:35 (supervisor), started medico, grant used
        09:05 ana sees
              -> paused since 09:05 by agent ana (agent) connected not routable: paused;
              -> medico since 09:05 limit 09:35 note "hi"; request for medico granted
        09:06 sup refuses it                    -> refused already_decided by sup
        09:07 ana pause.end                     -> ended medico (agent) then available
        # One agreement is for one pause.
        09:08 ana asks medico                   -> requested approval_required
        "#,
    );
}

#[test]
fn nobody_decides_in_time() {
    plays(
        r#"
        09:01 ana pause.start medico            -> requested medico until 09:11
        09:11                                   -> request expired
        09:12 sup grants it                     -> refused already_decided by the system
        09:12 sup grants another                -> refused nothing_pending
        09:13 ana pause.start saida             -> requested saida until 09:18
        09:18                                   -> granted saida until 09:48 (limit), started saida, grant used
        "#,
    );
}

#[test]
fn refused_taken_back_and_decided_by_oneself() {
    plays(
        r#"
        09:01 ana pause.start medico            -> requested medico until 09:11
        09:02 sup refuses it because "not now"  -> request refused
        09:02 ana sees
              -> available since 09:00 by agent ana (agent) connected routable; request for medico refused
        09:03 ana pause.start medico            -> requested medico until 09:13
        09:04 ana takes_back it                 -> request cancelled (agent)
        09:04 ana takes_back it                 -> refused already_decided by ana
        09:05 ana pause.start medico            -> requested medico until 09:15
        # The latest one counts.
        09:06 ana pause.start saida             -> request cancelled (agent), requested saida until 09:11
        # Who leaves asks for nothing any more.
        09:07 ana sign_out                      -> request cancelled (sign_out), signed_out (sign_out)
        "#,
    );
    check(
        r#"
        agent sup
        type medico approval 10m
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:01 ana pause.start medico            -> requested medico until 09:11
        09:01 ana grants it                     -> refused own_request
        "#,
    );
}

#[test]
fn approved_it_waits_for_a_slot_or_for_the_end_of_work() {
    plays(
        r#"
        09:00 bia takes cheio until 09:20       -> nothing
        09:01 ana asks cheio
              -> requested approval_required also slots_full suporte 1 of 1 place 1 about 09:20
        09:01 ana pause.start cheio             -> requested cheio until 09:11
        09:02 sup grants it                     -> granted cheio until 09:32 (supervisor), queued cheio
        09:20 bia is here                       -> offered
        # Nobody is asked twice.
        09:20:10 ana asks cheio                 -> started by a grant
        09:20:10 ana pause.accept it            -> started cheio, grant used
        09:25 ana pause.end                     -> ended cheio (agent) then available
        09:26 ana works voice=1                 -> works voice=1
        09:26 ana asks medico                   -> requested approval_required also occupied
        09:26 ana pause.start medico            -> requested medico until 09:36
        09:27 sup grants it                     -> granted medico until 09:57 (supervisor), pending medico until 09:37
        09:30 ana works nothing                 -> works nothing, started medico, grant used
        09:31 ana pause.end                     -> ended medico (agent) then available
        # One agreement is for one pause, also for one that had to wait.
        09:32 ana asks medico                   -> requested approval_required
        "#,
    );
}

#[test]
fn an_exception_is_asked_for_used_once_and_lapses() {
    plays(
        r#"
        09:01 ana asks almoco                   -> refused outside_window until 11:30 changes 11:30
        09:01 ana request almoco because "dentist" -> requested almoco until 09:31
        09:01 ana request almoco because "dentist" -> nothing
        09:05 sup grants it because "fine"      -> granted almoco until 09:35 (supervisor)
        09:05 ana asks almoco                   -> started by a grant changes 09:35
        # It sets aside rules, not other people.
        09:06 ana pause.start almoco            -> started almoco, grant used
        09:10 ana pause.end                     -> ended almoco (agent) then available
        09:10 ana asks almoco
              -> refused outside_window until 11:30 also quota_count 1 of 1 until 2026-11-24 01:00 changes 11:30
        09:11 ana request almoco                -> requested almoco until 09:41
        09:12 sup grants it uses 2 for 4h       -> granted almoco 2 times until 13:12 (supervisor)
        09:12 ana pause.start almoco            -> started almoco, grant used
        09:20 ana pause.end                     -> ended almoco (agent) then available
        # Until it lapses the quota does not count; then it does.
        12:00 ana asks almoco                   -> started by a grant changes 13:12
        13:12 ana asks almoco
              -> refused quota_count 2 of 1 until 2026-11-24 01:00 changes 14:30
        13:13 ana request off                   -> refused type_disabled
        13:13 ana request nenhuma               -> refused unknown_type
        "#,
    );
}

#[test]
fn more_time_for_the_pause_that_runs_and_for_the_next() {
    plays(
        r#"
        12:00 ana pause.start almoco            -> started almoco
        12:50 ana request almoco extra 15m because "queue" -> requested almoco until 13:20
        12:51 sup grants it because "yes"       -> granted almoco until 13:21 (supervisor), extended 15m, grant used
        12:51 ana sees
              -> paused since 12:00 by agent ana (agent) connected not routable: paused; almoco since 12:00 limit 13:15;
              -> request for almoco granted
        13:00 ana pause.end                     -> ended almoco (agent) then available
        13:01 ana request almoco extra 5m       -> requested almoco until 13:31
        13:02 sup grants it                     -> granted almoco until 13:32 (supervisor)
        13:02 ana pause.start almoco            -> started almoco, grant used
        13:02 ana sees
              -> paused since 13:02 by agent ana (agent) connected not routable: paused; almoco since 13:02 limit 14:07;
              -> request for almoco granted
        "#,
    );
}

#[test]
fn a_pause_that_is_held_ends_by_a_grant() {
    plays(
        r#"
        09:01 ana pause.start pausa             -> started pausa
        09:05 ana pause.end                     -> refused held until 09:21
        09:05 ana request pausa because "back"  -> requested pausa until 09:35
        09:06 sup grants it                     -> granted pausa until 09:36 (supervisor)
        09:06 ana pause.end                     -> ended pausa (agent) short then available, grant used
        "#,
    );
}

#[test]
fn the_grant_that_waives_the_most_is_used_and_the_latest_always_kept() {
    plays(
        r#"
        09:01 ana pause.start medico            -> requested medico until 09:11
        09:02 ana disconnects                   -> grace until 09:03
        09:02:30 sup grants it for 5h
              -> granted medico until 14:02:30 (supervisor), pause.refused medico agent_offline
        09:02:40 ana connects                   -> connected
        09:03 ana request almoco                -> requested almoco until 09:33
        09:04 sup grants it for 10h             -> granted almoco until 19:04 (supervisor)
        09:05:02 ana request almoco                -> requested almoco until 09:35:02
        09:05:03 sup grants it for 10h             -> granted almoco until 19:05:03 (supervisor)
        09:05:04 ana request almoco                -> requested almoco until 09:35:04
        09:05:05 sup grants it for 10h             -> granted almoco until 19:05:05 (supervisor)
        09:05:06 ana request almoco                -> requested almoco until 09:35:06
        09:05:07 sup grants it for 10h             -> granted almoco until 19:05:07 (supervisor)
        09:05:08 ana request almoco                -> requested almoco until 09:35:08
        09:05:09 sup grants it for 10h             -> granted almoco until 19:05:09 (supervisor)
        09:05:10 ana request almoco                -> requested almoco until 09:35:10
        09:05:11 sup grants it for 10h             -> granted almoco until 19:05:11 (supervisor)
        09:05:12 ana request almoco                -> requested almoco until 09:35:12
        09:05:13 sup grants it for 10h             -> granted almoco until 19:05:13 (supervisor)
        09:07 ana pause.start almoco            -> started almoco, grant used
        09:08 ana request almoco extra 10m      -> requested almoco until 09:38
        09:08 sup grants it
              -> granted almoco until 09:38 (supervisor), extended 10m, grant used
        09:09 ana pause.end                     -> ended almoco (agent) then available
        # The exception, not the agreement that is left of before.
        09:10 ana request medico                -> requested medico until 09:40
        09:11 sup grants it for 20m             -> granted medico until 09:31 (supervisor)
        09:12 ana pause.start medico            -> started medico, grant used
        09:13 ana pause.end                     -> ended medico (agent) then available
        "#,
    );
}

#[test]
fn a_request_is_taken_back_by_what_it_is() {
    plays(
        r#"
        09:01 ana pause.cancel request          -> refused nothing_pending
        09:02 ana pause.start medico            -> requested medico until 09:12
        09:03 ana pause.cancel request          -> request cancelled (agent)
        "#,
    );
}

#[test]
fn approved_during_a_protected_pause_it_begins_around_it() {
    plays(
        r#"
        09:01 ana pause.start medico            -> requested medico until 09:11
        09:02 ana pause.start banheiro          -> started banheiro
        09:03 sup grants it                     -> granted medico until 09:33 (supervisor), started medico, grant used
        09:03 others see
              -> paused since 09:03 by agent ana (agent) connected not routable: paused; medico since 09:03 limit 09:33;
              -> request for medico granted
        09:04 ana pause.end                     -> ended banheiro (agent) then outer pause
        "#,
    );
}

#[test]
fn refused_by_then_the_grant_stays_for_a_while() {
    plays(
        r#"
        09:01 ana pause.start medico            -> requested medico until 09:11
        09:02 ana disconnects                   -> grace until 09:03
        09:02:30 sup grants it
              -> granted medico until 09:32:30 (supervisor), pause.refused medico agent_offline
        09:02:40 ana connects                   -> connected
        09:02:50 ana asks medico                -> started by a grant changes 09:32:30
        09:02:50 ana pause.start medico         -> started medico, grant used
        "#,
    );
}

#[test]
fn a_supervisor_needs_nobodys_word_and_an_integration_does() {
    plays(
        r#"
        09:01 sup asks medico                   -> started
        09:01 host asks medico                  -> requested approval_required
        09:01 host pause.start medico           -> requested medico until 09:11
        09:02 sup pause.start medico            -> started medico, request cancelled (supervisor)
        "#,
    );
}

#[test]
fn whoever_leaves_for_good_takes_requests_and_grants_along() {
    plays(
        r#"
        09:01 ana request almoco                -> requested almoco until 09:31
        09:02 ana leaves                        -> request cancelled (deactivated), deactivated
        "#,
    );
}

#[test]
fn a_grant_that_has_lapsed_goes_and_of_too_many_the_one_that_ends_first() {
    let grants = |first: u32, many: u32| -> String {
        let one = |minute: u32| {
            format!(
                "09:{minute:02} ana request almoco because \"r\" -> requested almoco until {}\n\
                 09:{minute:02} sup grants it for 20m -> granted almoco until {} (supervisor)\n",
                clock(minute + 30),
                clock(minute + 20),
            )
        };
        (first..first + many).map(one).collect()
    };
    let ends = |script: &str| {
        let world = check(&format!("{TEAM}\n{script}"));
        let ends = world.agent.grants.iter().map(|grant| (grant.until.0 - world.now.0) / 60_000);
        ends.collect::<Vec<i64>>()
    };
    assert_eq!(ends(&grants(1, 3)), [18, 19, 20]);
    assert_eq!(ends(&grants(1, 9)), [13, 14, 15, 16, 17, 18, 19, 20], "eight at once");
    // At 09:21 the one of 09:01 holds no more, and at 09:22 that of 09:02.
    assert_eq!(ends(&format!("{}{}", grants(1, 3), grants(22, 1))), [1, 20]);
}

/// A time of that morning, from minutes after nine.
fn clock(minutes: u32) -> String {
    format!("{:02}:{:02}", 9 + minutes / 60, minutes % 60)
}

#[test]
fn what_was_granted_holds_over_a_sign_out_and_goes_with_whoever_leaves() {
    let granted = format!(
        "{TEAM}\n09:01 ana request almoco because \"r\" -> requested almoco until 09:31\n\
         09:02 sup grants it for 4h -> granted almoco until 13:02 (supervisor)\n"
    );
    let after = check(&format!("{granted}09:03 ana sign_out -> signed_out (sign_out)"));
    assert_eq!(after.agent.grants.len(), 1);
    let after = check(&format!("{granted}09:03 ana leaves -> deactivated"));
    assert_eq!(after.agent.grants.len(), 0);
}
