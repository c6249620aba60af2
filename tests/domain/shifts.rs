//! Planned shifts: what counts in them, where a pause no longer fits, and who is taken for gone after their end
//! (semantics §2, §3 `not_in_last`, §4, §5).

use crate::script::check;

#[test]
fn a_night_shift_has_a_tail_on_the_next_day() {
    check(
        r#"
        type cafe not_in_last 30m
        mon 2026-11-23 21:30 host plans shift 22:00-06:20 meal 1h -> planned 2026-11-23 from 22:00 to 2026-11-24 06:20
        21:50 ana connects                  -> connected, signed_in unavailable
        21:50 ana asks cafe                 -> started changes 2026-11-24 05:50
        23:10 ana pause.start cafe          -> started cafe
        23:10 ana counts -> UTC +0 day 2026-11-23 business day 2026-11-23 shift 22:00 to 2026-11-24 06:20 team none
        23:20 ana pause.end                 -> ended cafe (agent) then available
        tue 2026-11-24 05:49:59.999 ana asks cafe -> started changes 05:50
        05:50 ana pause.start cafe          -> refused shift_tail until 05:50
        05:50 ana asks cafe                 -> refused shift_tail until 05:50 changes 06:20
        # Who stays on has no known end any more.
        06:20 ana pause.start cafe          -> started cafe
        06:20 ana counts -> UTC +0 day 2026-11-24 business day 2026-11-24 shift 2026-11-23 22:00 to 06:20 team none
        "#,
    );
}

#[test]
fn a_shift_counts_from_two_hours_before_its_start() {
    check(
        r#"
        type cafe quota 1 not_in_first 15m
        mon 2026-11-23 06:00 host plans shift 09:00-15:20 -> planned 2026-11-23 from 09:00 to 15:20
        06:30 ana connects                  -> connected, signed_in unavailable
        # Before that the sign-in stands for a shift of its own.
        06:50 ana asks cafe                 -> started changes 07:00
        06:50 ana pause.start cafe          -> started cafe
        06:50 ana counts -> UTC +0 day 2026-11-23 business day 2026-11-23 shift 06:30 estimated team none
        06:55 ana pause.end                 -> ended cafe (agent) then available
        06:55 ana asks cafe                 -> refused quota_count 1 of 1 until 07:00 changes 07:00
        07:00 ana asks cafe                 -> refused shift_head until 09:15 changes 09:15
        09:15 ana pause.start cafe          -> started cafe
        09:15 ana counts -> UTC +0 day 2026-11-23 business day 2026-11-23 shift 09:00 to 15:20 team none
        "#,
    );
}

#[test]
fn a_shift_that_begins_before_the_sign_in_has_its_head_from_its_own_start() {
    check(
        r#"
        type cafe not_in_first 30m
        mon 2026-11-23 08:00 admin plans shift 09:00-15:20 -> planned 2026-11-23 from 09:00 to 15:20
        09:20 ana connects                  -> connected, signed_in unavailable
        09:20 ana asks cafe                 -> refused shift_head until 09:30 changes 09:30
        09:30 ana pause.start cafe          -> started cafe
        09:30 ana counts -> UTC +0 day 2026-11-23 business day 2026-11-23 shift 09:00 to 15:20 team none
        "#,
    );
}

#[test]
fn the_whole_pause_must_fit_before_the_last_part_of_the_shift() {
    check(
        r#"
        type minimo min 20m limit 1h not_in_last 10m
        type limite limit 1h not_in_last 10m
        type nenhum not_in_last 10m
        type livre limit 1h
        mon 2026-11-23 08:00 host plans shift 09:00-15:20 -> planned 2026-11-23 from 09:00 to 15:20
        09:00 ana connects                  -> connected, signed_in unavailable
        09:00 ana asks minimo               -> started changes 14:50
        09:00 ana asks limite               -> started changes 14:10
        09:00 ana asks nenhum               -> started changes 15:10
        09:00 ana asks livre                -> started
        14:10 ana pause.start limite        -> refused shift_tail until 14:10
        14:49:59.999 ana asks minimo        -> started changes 14:50
        14:50 ana asks minimo               -> refused shift_tail until 14:50 changes 15:20
        15:10 ana asks nenhum               -> refused shift_tail until 15:10 changes 15:20
        # It stands among the rules that a supervisor may set aside.
        15:10 sup asks nenhum override      -> started waives shift_tail
        15:10 sup pause.start nenhum override -> started nenhum, finding waived_shift_tail
        "#,
    );
}

#[test]
fn without_a_known_end_the_tail_refuses_nobody() {
    check(
        r#"
        type cafe limit 10m not_in_last 10m
        mon 2026-11-23 09:00 ana connects   -> connected, signed_in unavailable
        23:00 ana asks cafe                 -> started
        # With a plan ahead, it is known when the next answer will be another.
        23:00 host plans shift 2026-11-24 09:00-15:20 -> planned 2026-11-24 from 2026-11-24 09:00 to 2026-11-24 15:20
        23:00 ana asks cafe                 -> started changes 2026-11-24 15:00
        "#,
    );
}

#[test]
fn a_quota_is_that_of_the_planned_shift() {
    check(
        r#"
        type cafe quota 1
        mon 2026-11-23 08:00 host plans shift 09:00-15:20 and 2026-11-24 14:00-20:00
            -> planned 2026-11-23 from 09:00 to 15:20, planned 2026-11-24 from 2026-11-24 14:00 to 2026-11-24 20:00
        09:00 ana connects                  -> connected, signed_in unavailable
        10:00 ana pause.start cafe          -> started cafe
        10:10 ana pause.end                 -> ended cafe (agent) then available
        # After its end it goes on being the shift, as long as an estimated one would.
        16:00 ana asks cafe -> refused quota_count 1 of 1 until 2026-11-24 01:00 changes 2026-11-24 01:00
        16:00 ana status offline            -> offline
        # Back after six hours it is another one; and from two hours before the next it is that.
        23:00 ana status unavailable        -> signed_in unavailable
        23:00 ana pause.start cafe          -> started cafe
        23:10 ana pause.end                 -> ended cafe (agent) then available
        tue 2026-11-24 11:59 ana asks cafe  -> refused quota_count 1 of 1 until 12:00 changes 12:00
        12:00 ana pause.start cafe          -> started cafe
        12:00 ana counts -> UTC +0 day 2026-11-24 business day 2026-11-24 shift 14:00 to 20:00 team none
        "#,
    );
}

#[test]
fn a_plan_that_comes_late_or_is_corrected_gives_nobody_a_second_quota() {
    check(
        r#"
        type cafe quota 2
        mon 2026-11-23 08:50 ana connects   -> connected, signed_in unavailable
        08:55 ana pause.start cafe          -> started cafe
        09:05 ana pause.end                 -> ended cafe (agent) then available
        10:00 host plans shift 09:00-15:20  -> planned 2026-11-23 from 09:00 to 15:20
        10:00 ana used cafe                 -> 1 in 10m
        # Moved while a pause runs: that counts in the shift as it is now.
        10:10 ana pause.start cafe          -> started cafe
        10:15 host plans shift 08:30-14:50  -> planned 2026-11-23 from 08:30 to 14:50
        10:15 ana used cafe                 -> 2 in 15m
        10:20 ana pause.end                 -> ended cafe (agent) then available
        10:20 ana asks cafe -> refused quota_count 2 of 2 until 2026-11-24 00:30 changes 2026-11-24 00:30
        10:30 host cancels shift            -> cancelled the shift of 2026-11-23
        10:30 ana asks cafe -> refused quota_count 2 of 2 until 2026-11-24 00:50 changes 2026-11-24 00:50
        10:30 host cancels shift            -> nothing
        "#,
    );
}

#[test]
fn the_same_plan_again_is_nothing_new_and_one_that_overlaps_is_refused() {
    check(
        r#"
        mon 2026-11-23 08:00 host plans shift 22:00-06:20 -> planned 2026-11-23 from 22:00 to 2026-11-24 06:20
        08:00 host plans shift 22:00-06:20 -> nothing
        08:00 host plans shift 2026-11-24 06:00-12:00
            -> refused cannot_plan 2026-11-24: start makes it overlap with the shift planned for 2026-11-23; plan or cancel that one first
        # Together with what makes room for it, it is right; all of them are planned, or none.
        08:00 host plans shift 2026-11-24 06:00-12:00 and 2026-11-23 21:00-06:00
            -> planned 2026-11-24 from 2026-11-24 06:00 to 2026-11-24 12:00, planned 2026-11-23 from 21:00 to 2026-11-24 06:00
        08:00 host plans shift 2026-11-25 06:00-12:00 and 2026-11-26 06:00-12:00 and 2026-11-27 06:00-06:00 and 2026-11-28 05:00-12:00
            -> refused cannot_plan 2026-11-27: start makes it overlap with the shift planned for 2026-11-28; plan or cancel that one first
        08:00 host cancels shift 2026-11-25 -> nothing
        "#,
    );
}

#[test]
fn a_shift_that_ended_two_days_ago_is_forgotten_when_another_is_planned() {
    let world = check(
        r#"
        mon 2026-11-23 08:00 host plans shift 09:00-15:20 -> planned 2026-11-23 from 09:00 to 15:20
        wed 2026-11-25 15:20 host plans shift 16:00-20:00 -> planned 2026-11-25 from 16:00 to 20:00
        15:20:01 host plans shift 2026-11-26 16:00-20:00 -> planned 2026-11-26 from 2026-11-26 16:00 to 2026-11-26 20:00
        # One that was over by then already is accepted, and nothing is kept of it.
        15:20:01 host plans shift 2026-11-20 16:00-20:00 -> nothing
        "#,
    );
    let days: Vec<String> = world.agent.plan.shifts().iter().map(|shift| shift.day().to_string()).collect();
    assert_eq!(days, ["2026-11-25", "2026-11-26"]);
}

#[test]
fn at_most_thirty_one_shifts_are_planned_ahead() {
    let month: Vec<String> = (1..=31).map(|n| format!("2026-12-{n:02} 09:00-15:00")).collect();
    let planned = |n: u32| format!("planned 2026-12-{n:02} from 2026-12-{n:02} 09:00 to 2026-12-{n:02} 15:00");
    let all: Vec<String> = (1..=31).map(planned).collect();
    check(&format!(
        "
        mon 2026-11-30 08:00 host plans shift {} -> {}
        08:00 host plans shift 2027-01-01 09:00-15:00
        -> refused cannot_plan 2027-01-01: day would be one more than the 31 shifts that may be planned ahead; plan it later, or cancel another
        ",
        month.join(" and "),
        all.join(", ")
    ));
}

#[test]
fn a_pause_is_abandoned_half_an_hour_past_the_shift_by_whoever_is_gone() {
    check(
        r#"
        type cafe
        type banheiro protected
        mon 2026-11-23 08:00 host plans shift 09:00-15:20 -> planned 2026-11-23 from 09:00 to 15:20
        09:00 ana connects                  -> connected, signed_in unavailable
        14:00 ana pause.start cafe          -> started cafe
        14:30 ana disconnects               -> grace until 14:31
        14:31                               -> connection_lost, last seen 14:30
        15:50                               -> ended cafe (abandoned) last seen 14:30 then offline
        tue 2026-11-24 08:00 host plans shift 09:00-15:20 -> planned 2026-11-24 from 09:00 to 15:20
        09:00 ana connects                  -> connected, signed_in unavailable
        # By the older rule, where that comes first.
        10:00 ana pause.start banheiro      -> started banheiro
        10:00 ana disconnects               -> grace until 10:01
        10:01                               -> connection_lost, last seen 10:00
        14:00                               -> ended banheiro (abandoned) last seen 10:00 then offline
        "#,
    );
}

#[test]
fn whoever_was_there_after_the_shift_has_half_an_hour_from_then_on() {
    check(
        r#"
        type cafe
        mon 2026-11-23 08:00 host plans shift 09:00-15:20 -> planned 2026-11-23 from 09:00 to 15:20
        09:00 ana connects                  -> connected, signed_in unavailable
        15:00 ana pause.start cafe          -> started cafe
        16:40 ana disconnects               -> grace until 16:41
        16:41                               -> connection_lost, last seen 16:40
        17:10                               -> ended cafe (abandoned) last seen 16:40 then offline
        "#,
    );
}

#[test]
fn a_pause_is_abandoned_two_hours_past_the_shift_though_connected() {
    check(
        r#"
        type cafe
        type banheiro protected
        mon 2026-11-23 08:00 host plans shift 09:00-15:20 -> planned 2026-11-23 from 09:00 to 15:20
        09:00 ana connects                  -> connected, signed_in unavailable
        15:00 ana pause.start banheiro      -> started banheiro
        17:00 ana answers                   -> nothing
        17:20                               -> ended banheiro (abandoned) last seen 17:00 then offline
        # A pause that began after the end is bounded by its own length alone.
        17:30 ana status available          -> signed_in available
        17:30 ana pause.start cafe          -> started cafe
        tue 2026-11-24 09:30                -> ended cafe (abandoned) last seen 2026-11-23 17:30 then offline
        "#,
    );
}

#[test]
fn a_shift_that_is_changed_in_a_pause_moves_when_it_is_abandoned() {
    check(
        r#"
        type cafe
        mon 2026-11-23 08:00 host plans shift 09:00-15:20 -> planned 2026-11-23 from 09:00 to 15:20
        09:00 ana connects                  -> connected, signed_in unavailable
        15:00 ana pause.start cafe          -> started cafe
        15:00 ana counts -> UTC +0 day 2026-11-23 business day 2026-11-23 shift 09:00 to 15:20 team none
        15:10 host plans shift 09:00-18:00  -> planned 2026-11-23 from 09:00 to 18:00
        19:30 host plans shift 09:00-19:00  -> planned 2026-11-23 from 09:00 to 19:00
        21:00                               -> ended cafe (abandoned) last seen 15:00 then offline
        22:00 ana status available          -> signed_in available
        22:00 host plans shift 2026-11-24 21:30-03:00 -> planned 2026-11-24 from 2026-11-24 21:30 to 2026-11-25 03:00
        22:00 ana pause.start cafe          -> started cafe
        22:30 host cancels shift 2026-11-24 -> cancelled the shift of 2026-11-24
        tue 2026-11-24 14:00                -> ended cafe (abandoned) last seen 2026-11-23 22:00 then offline
        "#,
    );
}

#[test]
fn a_shift_that_is_shortened_to_what_is_long_past_abandons_the_pause_at_once() {
    let mut world = check(
        r#"
        type cafe
        mon 2026-11-23 08:00 host plans shift 09:00-15:20 -> planned 2026-11-23 from 09:00 to 15:20
        09:00 ana connects                  -> connected, signed_in unavailable
        12:00 ana pause.start cafe          -> started cafe
        15:00 host plans shift 09:00-12:30  -> planned 2026-11-23 from 09:00 to 12:30
        "#,
    );
    let due = world.next_deadline().expect("it is overdue");
    assert!(due < world.now);
    let events = world.fire(due);
    let named: Vec<_> = events.iter().map(|event| (event.body.name(), event.at, event.due_at)).collect();
    assert_eq!(named, [("pause.ended", world.now, Some(due))]);
}

#[test]
fn shifts_are_instants_also_on_days_of_23_and_25_hours() {
    check(
        r#"
        tenant zone America/New_York
        type cafe limit 1h not_in_last 30m
        sat 2026-03-07 20:00 host plans shift 22:00-06:00 -> planned 2026-03-07 from 22:00 to 2026-03-08 06:00
        22:00 ana connects                  -> connected, signed_in unavailable
        # Seven hours: an hour and a half before its end.
        22:00 ana asks cafe                 -> started changes 2026-03-08 04:30
        sun 2026-03-08 04:30 ana asks cafe  -> refused shift_tail until 04:30 changes 06:00
        06:00 ana sign_out                  -> signed_out (sign_out)
        sat 2026-10-31 20:00 host plans shift 22:00-02:00 -> planned 2026-10-31 from 22:00 to 2026-11-01 02:00
        22:00 ana connects                  -> connected, signed_in unavailable
        # Five hours: half past midnight comes before the hour that is twice.
        22:00 ana asks cafe                 -> started changes 2026-11-01 01:30(1)
        sun 2026-11-01 01:30(1) ana asks cafe -> refused shift_tail until 01:30(1) changes 02:00
        01:30(2) ana asks cafe              -> refused shift_tail until 01:30(1) changes 02:00
        "#,
    );
}

#[test]
fn a_plan_changes_neither_what_is_shown_nor_a_version() {
    check(
        r#"
        mon 2026-11-23 08:00 ana connects   -> connected, signed_in unavailable
        08:05 host plans shift 09:00-15:20  -> planned 2026-11-23 from 09:00 to 15:20
        08:05 ana status available expecting now -> available
        08:05 others see -> available since 08:05 by agent ana (agent) connected routable
        "#,
    );
}
