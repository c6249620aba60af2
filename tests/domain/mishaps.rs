//! What goes wrong on an ordinary day: a laptop that sleeps, a stale tab, people who are moved or leave, rules that change under a
//! pause (semantics §4 – §8).

use crate::script::check;

#[test]
fn a_laptop_that_sleeps_two_hours_in_a_pause_is_over_its_limit_and_nothing_else_changes() {
    check(
        r#"
        type cafe limit 10m warn 1m grace 0s escalate 5m
        mon 2026-11-23 09:00 ana connects     -> connected, signed_in unavailable
        09:00 ana pause.start cafe            -> started cafe
        # The lid is closed: its socket answers no ping.
        09:02 ana disconnects                 -> grace until 09:03
        09:03                                 -> connection_lost, last seen 09:02
        09:09                                 -> pause.warned cafe 1m before
        09:10                                 -> pause.limit_reached cafe, pause.overran cafe
        09:15                                 -> pause.escalated cafe 5m after
        11:02 ana connects                    -> connected
        11:02 ana sees -> paused since 09:00 by agent ana (agent) connected not routable: paused;
                       -> cafe since 09:00 warn 09:09 limit 09:10 overran 09:10
        11:03 ana pause.end                   -> ended cafe (agent) then available
        "#,
    );
}

#[test]
fn a_tab_that_shows_the_past_changes_nothing() {
    check(
        r#"
        type cafe limit 10m warn none
        mon 2026-11-23 09:00 ana connects     -> connected, signed_in unavailable
        09:00 ana connects                    -> nothing
        09:01 ana pause.start cafe            -> started cafe
        # The other tab still shows her unavailable, and she clicks available there.
        09:02 ana status available expecting before -> stale
        09:02 ana pause.end expecting now     -> ended cafe (agent) then available
        "#,
    );
}

#[test]
fn who_is_moved_to_another_team_in_a_pause_keeps_its_team_and_its_slot() {
    check(
        r#"
        team suporte
        team vendas
        agent ana team suporte
        agent bia team suporte
        type cafe cap suporte=1,vendas=1 limit 10m warn none
        mon 2026-11-23 09:00 ana connects     -> connected, signed_in unavailable
        09:00 ana pause.start cafe            -> started cafe
        09:01 admin sets agent ana team vendas -> nothing
        09:01 ana counts -> UTC +0 day 2026-11-23 business day 2026-11-23 shift 09:00 estimated team suporte
        09:02 ana pause.end                   -> ended cafe (agent) then available
        09:03 ana pause.start cafe            -> started cafe
        09:03 ana counts -> UTC +0 day 2026-11-23 business day 2026-11-23 shift 09:00 estimated team vendas
        "#,
    );
}

#[test]
fn a_cap_that_is_lowered_under_its_use_ends_nobody_and_lets_nobody_in() {
    check(
        r#"
        team suporte
        agent ana team suporte
        agent bia team suporte
        agent caio team suporte
        type cafe cap suporte=3
        mon 2026-11-23 09:00 ana connects     -> connected, signed_in unavailable
        09:00 bia takes cafe until 09:30      -> nothing
        09:00 caio takes cafe until 09:40     -> nothing
        09:00 ana asks cafe                   -> started
        09:01 admin sets type cafe cap suporte=1 -> nothing
        09:01 ana asks cafe                   -> queued slots_full suporte 2 of 1 place 1 about 09:40
        09:01 ana pause.start cafe            -> queued cafe
        09:30 bia is here                     -> nothing
        09:40 caio is here                    -> offered
        "#,
    );
}

#[test]
fn who_leaves_loses_what_waits_what_was_asked_for_and_what_was_granted() {
    check(
        r#"
        team suporte
        agent ana team suporte
        agent bia team suporte
        type cafe cap suporte=1
        type medico approval 10m
        type curso quota 1
        mon 2026-11-23 09:00 ana connects     -> connected, signed_in unavailable
        09:00 bia takes cafe                  -> nothing
        09:00 ana request curso because "exam" -> requested curso until 09:30
        09:01 sup grants it because "good luck" -> granted curso until 09:31 (supervisor)
        09:02 ana pause.start cafe            -> queued cafe
        09:03 ana pause.start medico          -> requested medico until 09:13
        09:04 ana leaves
              -> request cancelled (deactivated), left the line of cafe (deactivated), deactivated
        09:04 others see -> offline since 09:04 by system (deactivated) disconnected not routable: offline
        # The id is theirs for good; whoever signs in with it is nobody.
        09:05 ana connects                    -> nothing
        "#,
    );
}

#[test]
fn what_a_supervisor_asks_of_who_has_just_ended_it_is_refused_and_says_so() {
    check(
        r#"
        type cafe limit 10m warn none
        mon 2026-11-23 09:00 ana connects     -> connected, signed_in unavailable
        09:00 ana pause.start cafe            -> started cafe
        09:05 ana pause.end                   -> ended cafe (agent) then available
        09:05 sup pause.end because "late"    -> refused not_paused
        09:05 sup extend 5m because "late"    -> refused not_paused
        "#,
    );
}
