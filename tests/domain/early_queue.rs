//! A waiting list that can be joined before its window opens (semantics §3 `queue_opens_before`, §4).

use crate::script::check;

const TEAM: &str = r#"
    team suporte
    agent ana team suporte
    agent bia team suporte
    type almoco cap suporte=1 limit 30m warn none windows mon-sun 11:30-14:00
    mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
"#;

fn plays(script: &str) {
    check(&format!("{TEAM}\n{script}"));
}

#[test]
fn a_line_is_joined_a_quarter_of_an_hour_before_its_window_and_offers_begin_with_it() {
    plays(
        r#"
        11:14:59.999 ana asks almoco            -> refused outside_window until 11:30 changes 11:15
        11:15 ana asks almoco                   -> queued outside_window until 11:30 changes 11:30
        11:20 ana pause.start almoco            -> queued almoco from 11:30
        11:20 ana sees
              -> unavailable since 09:00 by agent ana (sign_in) connected not routable: unavailable;
              -> in line for almoco since 11:20
        # Asked again it is success, and nothing new.
        11:21 ana asks almoco                   -> queued outside_window until 11:30 changes 11:30
        11:21 ana pause.start almoco            -> nothing
        # A slot is free all the while; it is offered when the window opens.
        11:30                                   -> offered
        11:30 ana asks almoco                   -> started changes 14:00
        11:30:10 ana pause.accept it            -> started almoco
        "#,
    );
}

#[test]
fn whoever_is_there_when_the_window_opens_does_not_pass_by_who_waits() {
    plays(
        r#"
        11:16 bia waits almoco                  -> nothing
        11:20 ana pause.start almoco            -> queued almoco from 11:30
        11:29 ana asks almoco                   -> queued outside_window until 11:30 changes 11:30
        # Bia asked first, and one slot there is.
        11:30 ana asks almoco                   -> queued slots_full suporte 0 of 1 place 2
        11:31 bia takes almoco until 12:01      -> nothing
        11:31 ana asks almoco                   -> queued slots_full suporte 1 of 1 place 1 about 12:01
        11:40 bia is here                       -> offered
        "#,
    );
}

#[test]
fn without_a_cap_or_a_line_there_is_nothing_to_join() {
    check(
        r#"
        team suporte
        team vendas
        agent ana team suporte
        type livre windows mon-sun 11:30-14:00
        type recusa cap suporte=1 full refuse windows mon-sun 11:30-14:00
        type outra cap vendas=1 windows mon-sun 11:30-14:00
        type chefe cap suporte=1 by supervisor windows mon-sun 11:30-14:00
        type cedo cap suporte=1 windows mon-sun 11:30-14:00 queue_before 1h
        type nunca cap suporte=1 windows mon-sun 11:30-14:00 queue_before 0s
        mon 2026-11-23 11:20 ana connects    -> connected, signed_in unavailable
        11:20 ana asks livre                 -> refused outside_window until 11:30 changes 11:30
        11:20 ana asks recusa                -> refused outside_window until 11:30 changes 11:30
        11:20 ana asks outra                 -> refused outside_window until 11:30 changes 11:30
        11:20 ana asks chefe                 -> refused not_startable_by (supervisor only) also outside_window until 11:30
        11:20 ana asks cedo                  -> queued outside_window until 11:30 changes 11:30
        11:20 ana asks nunca                 -> refused outside_window until 11:30 changes 11:30
        "#,
    );
}

#[test]
fn other_rules_stand_against_joining_too() {
    check(
        r#"
        team suporte
        agent ana team suporte
        type almoco cap suporte=1 quota 1 windows mon-sun 11:30-14:00 mon-sun 15:00-16:00 queue_before 2h
        mon 2026-11-23 13:00 ana connects    -> connected, signed_in unavailable
        13:00 ana pause.start almoco         -> started almoco
        13:30 ana pause.end                  -> ended almoco (agent) then available
        14:30 ana asks almoco -> refused quota_count 1 of 1 until 2026-11-24 05:00
              -> also outside_window until 15:00 changes 15:00
        "#,
    );
}

#[test]
fn a_window_that_was_moved_meanwhile_ends_the_wait_when_it_is_ones_turn() {
    plays(
        r#"
        11:20 ana pause.start almoco            -> queued almoco from 11:30
        11:25 admin sets type almoco cap suporte=1 windows mon-sun 12:00-14:00 -> nothing
        11:30                                   -> left the line of almoco (queue): outside_window
        11:50 ana pause.start almoco            -> queued almoco from 12:00
        12:00                                   -> offered
        # An offer that is not taken before the window closes is none to begin with.
        12:00:30 admin sets type almoco cap suporte=1 windows mon-sun 08:00-09:00 -> nothing
        12:00:30 ana pause.accept it            -> refused outside_window until 2026-11-24 08:00
        "#,
    );
}

#[test]
fn a_restart_keeps_the_early_place() {
    plays(
        r#"
        11:20 ana pause.start almoco            -> queued almoco from 11:30
        11:25 server stops                      -> nothing
        11:29:50 server starts                  -> nothing
        11:30:05 ana connects                   -> connected, offered
        "#,
    );
}

#[test]
fn an_early_place_holds_nobody_back_who_may_begin_now() {
    plays(
        r#"
        11:20 ana pause.start almoco            -> queued almoco from 11:30
        11:21 ana request almoco because "bus"  -> requested almoco until 11:51
        11:22 sup grants it because "go"        -> granted almoco until 11:52 (supervisor)
        11:23 ana asks almoco                   -> started by a grant changes 14:00
        11:23 ana pause.start almoco            -> started almoco, grant used
        "#,
    );
    plays(
        r#"
        11:20 ana pause.start almoco            -> queued almoco from 11:30
        11:22 admin sets type almoco cap suporte=1 -> nothing
        11:23 ana pause.start almoco            -> started almoco
        "#,
    );
}

const CALLS: &str = r#"
    channel voice blocks
    team suporte
    agent ana team suporte capacity voice=1
    agent bia team suporte
    type almoco cap suporte=1 limit 30m warn none windows mon-sun 11:30-14:00 mon-sun 15:00-16:00 queue_before 2h
    mon 2026-11-23 13:00 ana connects           -> connected, signed_in unavailable
    13:00 ana status available                  -> available
"#;

#[test]
fn no_offer_is_made_outside_the_window_to_whoever_is_on_a_call_either() {
    check(&format!(
        "{CALLS}\n{}",
        r#"
        13:50 bia takes almoco until 14:20      -> nothing
        13:55 ana pause.start almoco            -> queued almoco
        14:10 ana works voice=1                 -> works voice=1
        14:15 bia is here                       -> left the line of almoco (queue): outside_window
        "#
    ));
}

#[test]
fn a_slot_that_was_kept_for_the_end_of_a_call_is_given_back_when_the_window_has_closed() {
    check(&format!(
        "{CALLS}\n{}",
        r#"
        13:50 bia takes almoco until 13:58      -> nothing
        13:55 ana pause.start almoco            -> queued almoco
        13:57 ana works voice=1                 -> works voice=1
        13:58 bia is here                       -> offered
        13:59 ana pause.accept it               -> pending almoco until 14:09
        14:05 ana works nothing
              -> works nothing, pause.refused almoco outside_window, pending no more (occupancy): outside_window,
              -> left the line of almoco (occupancy): outside_window, unavailable
        "#
    ));
}

#[test]
fn what_waits_for_a_call_changes_when_the_call_ends_and_not_with_the_clock() {
    check(&format!(
        "{CALLS}\n{}",
        r#"
        14:10 ana works voice=1                 -> works voice=1
        14:10 ana asks almoco                   -> pending occupied also outside_window until 15:00 changes 16:00
        "#
    ));
}
