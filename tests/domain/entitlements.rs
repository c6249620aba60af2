//! What the employer owes: owed, taken, at risk, and what gives way to it (semantics §3 `entitlement_rules`, §4).

use crate::script::check;

/// NR-17 Annex II, 5.4.1: two rests of ten minutes after the first and before the last hour.
const REST: &str = r#"
    team suporte
    agent ana team suporte
    agent bia team suporte
    agent caio team suporte
    type rest entitlement limit 12m warn none grace 0s escalate none
         owed n4 2 of 10m over 4h up_to 6h after 1h before 1h owed n7 1 of 10m up_to 4h
"#;

fn plays(script: &str) {
    let rest = REST.replace("none\n         owed", "none owed");
    check(&format!("{rest}\n{script}"));
}

#[test]
fn two_are_owed_in_a_day_of_six_hours_and_each_that_is_whole_counts() {
    plays(
        r#"
        mon 2026-11-23 08:00 host plans shift 09:00-15:20 meal 20m -> planned 2026-11-23 from 09:00 to 15:20
        09:00 ana connects             -> connected, signed_in unavailable
        09:00 ana options              -> rest started owed 2 of 2 (0 taken) latest 14:00
        # Before the first hour is over it is a pause, and none of those.
        09:30 ana pause.start rest     -> started rest
        09:30 ana options              -> rest started owed 1 of 2 (0 taken) latest 14:10
        09:41 ana pause.end            -> ended rest (agent) then available
        09:41 ana options              -> rest started owed 2 of 2 (0 taken) latest 14:00
        # A whole one.
        10:30 ana pause.start rest     -> started rest
        10:40 ana pause.end            -> ended rest (agent) then available
        10:40 ana options              -> rest started owed 1 of 2 (1 taken) latest 14:10
        # A millisecond less is none.
        11:00 ana pause.start rest     -> started rest
        11:09:59.999 ana pause.end     -> ended rest (agent) then available
        11:10 ana options              -> rest started owed 1 of 2 (1 taken) latest 14:10
        12:00 ana pause.start rest     -> started rest
        12:12                          -> pause.limit_reached rest, pause.overran rest
        12:13 ana pause.end            -> ended rest (agent) then available
        12:13 ana options              -> rest started owed 0 of 2 (2 taken)
        "#,
    );
}

#[test]
fn the_length_of_the_day_says_what_is_owed_and_the_unpaid_meal_is_no_part_of_it() {
    plays(
        r#"
        mon 2026-11-23 08:00 host plans shift 09:00-13:00 -> planned 2026-11-23 from 09:00 to 13:00
        09:00 ana connects             -> connected, signed_in unavailable
        09:00 ana options              -> rest started owed 1 of 1 (0 taken) latest 12:50
        09:00 host plans shift 09:00-13:20 meal 10m -> planned 2026-11-23 from 09:00 to 13:20
        09:00 ana options              -> rest started owed 2 of 2 (0 taken) latest 12:00
        # Longer days are of other rules.
        09:00 host plans shift 09:00-17:00 meal 1h -> planned 2026-11-23 from 09:00 to 17:00
        09:00 ana options              -> rest started
        "#,
    );
}

#[test]
fn a_shift_of_which_nobody_has_said_how_long_it_is_is_taken_for_the_tenants_usual_one() {
    plays(
        r#"
        tenant default_shift 5h
        mon 2026-11-23 09:00 ana connects -> connected, signed_in unavailable
        09:00 ana options              -> rest started owed 2 of 2 (0 taken) latest 12:40 estimated
        12:25                          -> rest at risk: 2 owed, latest 12:40 estimated
        # Whoever stays on longer is owed nothing that could still be had.
        14:00                          -> rest at risk no more
        14:00 ana options              -> rest started
        "#,
    );
}

#[test]
fn what_is_about_to_lapse_is_told_a_quarter_of_an_hour_before_and_taken_back_when_it_is_had() {
    plays(
        r#"
        mon 2026-11-23 08:00 host plans shift 09:00-15:00 -> planned 2026-11-23 from 09:00 to 15:00
        09:00 ana connects             -> connected, signed_in unavailable
        13:25                          -> rest at risk: 2 owed, latest 13:40
        13:25 others see
              -> unavailable since 09:00 by agent ana (sign_in) connected not routable: unavailable; rest at risk since 13:25
        # The agent is told in the menu.
        13:25 ana options              -> rest started owed 2 of 2 (0 taken) latest 13:40 at risk
        13:30 sup acks at_risk         -> acknowledged at_risk
        13:30 ana pause.start rest     -> started rest, rest at risk no more
        # Cut short it is owed again; the other one can wait till ten minutes later.
        13:34 ana pause.end            -> ended rest (agent) then available, rest at risk: 2 owed, latest 13:40
        13:36 ana pause.start rest     -> started rest, rest at risk: 1 owed, latest 13:50
        "#,
    );
}

#[test]
fn nothing_lapses_for_whoever_is_not_at_work() {
    plays(
        r#"
        mon 2026-11-23 08:00 host plans shift 09:00-15:00 -> planned 2026-11-23 from 09:00 to 15:00
        13:30 ana connects             -> connected, signed_in unavailable, rest at risk: 2 owed, latest 13:40
        13:31 ana status offline       -> offline
        13:31 others see               -> offline since 13:31 by agent ana (agent) connected not routable: offline
        13:40 ana status unavailable   -> signed_in unavailable, rest at risk: 2 owed, latest 13:40
        # The day is over.
        15:00                          -> rest at risk no more
        "#,
    );
}

#[test]
fn the_first_and_the_last_part_of_the_shift_never_refuse_what_is_owed() {
    check(
        r#"
        type rest entitlement limit 12m warn none not_in_first 1h not_in_last 1h owed n7 1 of 10m up_to 6h
        mon 2026-11-23 08:00 host plans shift 09:00-13:00 -> planned 2026-11-23 from 09:00 to 13:00
        09:00 ana connects             -> connected, signed_in unavailable
        09:10 ana asks rest            -> started waives shift_head
        09:10 ana pause.start rest     -> started rest, finding waived_shift_head
        09:21 ana pause.end            -> ended rest (agent) then available
        # What is owed no more is a pause like any other.
        09:21 ana asks rest            -> refused shift_head until 10:00 changes 10:00
        11:55 ana asks rest            -> refused shift_tail until 11:48 changes 13:00
        "#,
    );
}

#[test]
fn from_a_quarter_of_an_hour_before_the_latest_start_caps_work_and_cooldowns_give_way() {
    check(
        r#"
        channel voice blocks
        team suporte
        agent ana team suporte capacity voice=1
        agent bia team suporte
        type rest entitlement limit 12m cap suporte=1 cooldown_any 2h owed n7 1 of 10m up_to 6h
        type cafe limit 10m warn none
        mon 2026-11-23 08:00 host plans shift 09:00-13:00 -> planned 2026-11-23 from 09:00 to 13:00
        09:00 ana connects             -> connected, signed_in unavailable
        12:00 ana pause.start cafe     -> started cafe
        12:05 ana pause.end            -> ended cafe (agent) then available
        12:05 bia takes rest until 12:50 -> nothing
        12:05 ana works voice=1        -> works voice=1
        12:05 ana asks rest
              -> refused cooldown until 14:05 also slots_full suporte 1 of 1 place 1 about 12:50 and occupied changes 12:35
        12:35                          -> rest at risk: 1 owed, latest 12:50
        12:35 ana asks rest            -> started waives cooldown and slots_full and occupied
        12:40 ana pause.start rest
              -> started rest, finding waived_cooldown, finding waived_slots_full, finding waived_occupied,
              -> rest at risk no more
        "#,
    );
}

#[test]
fn who_is_about_to_lose_what_is_owed_comes_first_in_line_whatever_the_caps_say() {
    check(
        r#"
        team suporte
        agent ana team suporte
        agent bia team suporte
        agent caio team suporte
        type rest entitlement limit 12m cap suporte=1 owed n7 1 of 10m up_to 6h
        mon 2026-11-23 08:00 host plans shift 09:00-13:00 -> planned 2026-11-23 from 09:00 to 13:00
        09:00 ana connects             -> connected, signed_in unavailable
        12:00 bia takes rest until 12:50 -> nothing
        12:10 caio waits rest          -> nothing
        12:20 ana pause.start rest     -> queued rest
        12:20 ana asks rest            -> queued slots_full suporte 1 of 1 place 2
        # She stood second, and the slot is taken: it is offered all the same.
        12:35                          -> rest at risk: 1 owed, latest 12:50, offered
        12:35:10 ana pause.accept it   -> started rest, finding waived_slots_full, rest at risk no more
        "#,
    );
}

#[test]
fn what_waits_for_the_end_of_work_waits_no_longer_when_it_would_lapse() {
    check(
        r#"
        tenant defer 2h
        channel voice blocks
        agent ana capacity voice=1
        type rest entitlement limit 12m owed n7 1 of 10m up_to 6h
        mon 2026-11-23 08:00 host plans shift 09:00-13:00 -> planned 2026-11-23 from 09:00 to 13:00
        09:00 ana connects             -> connected, signed_in unavailable
        12:00 ana works voice=1        -> works voice=1
        12:00 ana pause.start rest     -> pending rest until 14:00
        12:35
              -> rest at risk: 1 owed, latest 12:50, started rest, finding waived_occupied, rest at risk no more
        "#,
    );
}

#[test]
fn windows_quotas_and_approval_are_the_administrators_to_set() {
    check(
        r#"
        type rest entitlement limit 12m quota 1 windows mon-sun 10:00-12:30 owed n7 2 of 10m up_to 6h
        mon 2026-11-23 08:00 host plans shift 09:00-13:00 -> planned 2026-11-23 from 09:00 to 13:00
        10:00 ana connects             -> connected, signed_in unavailable
        10:00 ana pause.start rest     -> started rest
        10:10 ana pause.end            -> ended rest (agent) then available
        10:10 ana asks rest -> refused quota_count 1 of 1 until 2026-11-24 01:00 changes 12:30
        12:35                          -> rest at risk: 1 owed, latest 12:50
        12:35 ana asks rest
              -> refused outside_window until 2026-11-24 10:00 also quota_count 1 of 1 until 2026-11-24 01:00
              -> changes 2026-11-24 10:00
        "#,
    );
}

#[test]
fn a_version_that_owes_more_or_nothing_counts_at_once() {
    check(
        r#"
        type rest entitlement limit 12m
        mon 2026-11-23 08:00 host plans shift 09:00-13:00 -> planned 2026-11-23 from 09:00 to 13:00
        09:00 ana connects             -> connected, signed_in unavailable
        12:45 admin sets type rest entitlement limit 12m owed n7 1 of 10m up_to 6h -> rest at risk: 1 owed, latest 12:50
        12:46 admin sets type rest entitlement limit 12m disabled -> rest at risk no more
        12:47 admin sets type rest limit 12m -> nothing
        "#,
    );
}

#[test]
fn a_restart_keeps_what_is_at_risk_and_finds_what_has_come_to_be() {
    check(
        r#"
        type rest entitlement limit 12m owed n7 1 of 10m up_to 6h
        type cha entitlement limit 12m owed m1 1 of 20m up_to 6h
        mon 2026-11-23 08:00 host plans shift 09:00-13:00 -> planned 2026-11-23 from 09:00 to 13:00
        09:00 ana connects             -> connected, signed_in unavailable
        12:25                          -> cha at risk: 1 owed, latest 12:40
        12:30 server stops             -> nothing
        12:36 server starts            -> rest at risk: 1 owed, latest 12:50
        12:36 ana connects             -> connected
        12:36 ana options
              -> cha started owed 1 of 1 (0 taken) latest 12:40 at risk;
              -> rest started owed 1 of 1 (0 taken) latest 12:50 at risk
        "#,
    );
}

#[test]
fn of_a_shift_that_is_too_short_for_it_nothing_is_owed() {
    check(
        r#"
        type rest entitlement limit 12m owed n4 2 of 10m after 1h before 1h
        mon 2026-11-23 08:00 host plans shift 09:00-11:19 -> planned 2026-11-23 from 09:00 to 11:19
        09:00 ana connects             -> connected, signed_in unavailable
        09:00 ana options              -> rest started
        09:00 host plans shift 09:00-11:20 -> planned 2026-11-23 from 09:00 to 11:20
        09:00 ana options              -> rest started owed 2 of 2 (0 taken) latest 10:00
        "#,
    );
}
