//! What pauses use up, as scripts: quotas, cooldowns, the head of a shift, and a supervisor's word against them
//! (semantics §2, §3, §4, §8).

use crate::script::check;

#[test]
fn a_pause_may_be_taken_as_often_as_its_quota_says() {
    check(
        r#"
        type cafe quota 2
        mon 2026-11-23 09:00 ana connects   -> connected, signed_in unavailable
        09:00 ana used cafe                 -> 0 in 0ms
        09:00 ana pause.start cafe          -> started cafe
        09:05 ana used cafe                 -> 1 in 5m
        09:10 ana pause.end                 -> ended cafe (agent) then available
        10:00 ana pause.start cafe          -> started cafe
        10:20 ana pause.end                 -> ended cafe (agent) then available
        10:20 ana used cafe                 -> 2 in 30m
        11:00 ana pause.start cafe          -> refused quota_count 2 of 2 until 2026-11-24 01:00
        11:00 ana asks cafe -> refused quota_count 2 of 2 until 2026-11-24 01:00 changes 2026-11-24 01:00
        "#,
    );
}

#[test]
fn a_pause_may_be_taken_for_as_long_as_its_quota_says_and_the_last_one_runs_on() {
    check(
        r#"
        type banho quota_time 30m
        mon 2026-11-23 09:00 ana connects   -> connected, signed_in unavailable
        09:00 ana pause.start banho         -> started banho
        09:29:59 ana pause.end              -> ended banho (agent) then available
        10:00 ana pause.start banho         -> started banho
        11:00 ana pause.end                 -> ended banho (agent) then available
        11:00 ana pause.start banho         -> refused quota_time 5399s of 30m until 2026-11-24 01:00
        "#,
    );
}

#[test]
fn a_lunch_misclick_uses_up_nothing() {
    check(
        r#"
        type almoco quota 1 cooldown 3h cooldown_any 30m limit 60m warn none
        type cafe cooldown_any 30m
        mon 2026-11-23 11:30 ana connects   -> connected, signed_in unavailable
        11:30 ana pause.start almoco        -> started almoco
        11:30:29.999 ana pause.end          -> ended almoco (agent) misclick then available
        11:31 ana used almoco               -> 0 in 0ms
        11:31 ana pause.start almoco        -> started almoco
        11:31:30 ana pause.end              -> ended almoco (agent) then available
        11:32 ana asks almoco -> refused cooldown until 14:31:30 also quota_count 1 of 1 until 2026-11-24 03:30 changes 14:31:30
        11:32 ana pause.start cafe          -> refused cooldown until 12:01:30
        "#,
    );
}

#[test]
fn a_cooldown_runs_from_the_end_of_the_last_pause() {
    check(
        r#"
        type cafe cooldown 1h
        type cha cooldown_any 20m
        type banheiro protected
        mon 2026-11-23 09:00 ana connects   -> connected, signed_in unavailable
        09:00 ana pause.start cafe          -> started cafe
        09:10 ana pause.end                 -> ended cafe (agent) then available
        09:15 ana asks cha                  -> refused cooldown until 09:30 changes 09:30
        09:29:59.999 ana pause.start cha    -> refused cooldown until 09:30
        09:30 ana pause.start cha           -> started cha
        09:40 ana pause.end                 -> ended cha (agent) then available
        10:09 ana pause.start cafe          -> refused cooldown until 10:10
        10:10 ana pause.start cafe          -> started cafe
        10:20 ana pause.end                 -> ended cafe (agent) then available
        # A protected pause is neither source nor target of a cooldown.
        10:21 ana pause.start banheiro      -> started banheiro
        10:39 ana pause.end                 -> ended banheiro (agent) then available
        10:40 ana pause.start cha           -> started cha
        "#,
    );
}

#[test]
fn a_restroom_inside_lunch_uses_up_nothing_and_lunch_counts_whole() {
    check(
        r#"
        type almoco quota 1
        type banheiro protected
        type cha cooldown_any 10m
        mon 2026-11-23 12:00 ana connects   -> connected, signed_in unavailable
        12:00 ana pause.start almoco        -> started almoco
        12:10 ana pause.start banheiro      -> started banheiro inside
        12:20 ana pause.end                 -> ended banheiro (agent) then outer pause
        12:30 ana used almoco               -> 1 in 30m
        12:40 ana pause.end                 -> ended almoco (agent) then available
        12:40 ana used almoco               -> 1 in 40m
        12:45 ana pause.start cha           -> refused cooldown until 12:50
        "#,
    );
}

#[test]
fn a_pause_that_takes_the_place_of_another_comes_after_its_end() {
    check(
        r#"
        type cafe
        type cha cooldown_any 10m
        type almoco
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        09:00 ana pause.start cafe                      -> started cafe
        # Still a misclick: it is as if it had not been.
        09:00:10 ana asks cha replaces it               -> started changes 09:00:30
        09:00:30 ana asks cha replaces it               -> refused cooldown until 09:10:30
        09:05 ana pause.start cha replaces it           -> refused cooldown until 09:15
        09:05 ana pause.start almoco replaces it        -> ended cafe (changed_type) then unavailable, started almoco
        09:20 ana used cafe                             -> 1 in 5m
        09:20 ana pause.end                             -> ended almoco (agent) then available
        09:25 ana asks cha                              -> refused cooldown until 09:30 changes 09:30
        "#,
    );
}

#[test]
fn a_misclick_leaves_the_cooldown_of_before_as_it_was() {
    check(
        r#"
        type cafe
        type cha cooldown_any 10m
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        09:00 ana pause.start cafe                      -> started cafe
        09:05 ana pause.end                             -> ended cafe (agent) then available
        09:14:45 ana pause.start cafe                   -> started cafe
        # What ended at 09:05 is over soon, and before this one counts.
        09:14:50 ana asks cha replaces it               -> refused cooldown until 09:15 changes 09:15
        09:15 ana asks cha replaces it                  -> started changes 09:15:15
        09:15:10 ana pause.start cha replaces it
              -> ended cafe (changed_type) misclick then unavailable, started cha
        "#,
    );
}

#[test]
fn what_a_shift_uses_up_is_forgotten_with_the_next_one() {
    check(
        r#"
        type almoco quota 1 cooldown 2h
        mon 2026-11-23 22:00 ana connects   -> connected, signed_in unavailable
        23:50 ana pause.start almoco        -> started almoco
        tue 2026-11-24 00:30 ana pause.end  -> ended almoco (agent) then available
        # Midnight and the business day at four begin no shift.
        03:00 ana pause.start almoco        -> refused quota_count 1 of 1 until 14:00
        05:00 ana pause.start almoco        -> refused quota_count 1 of 1 until 14:00
        06:20 ana sign_out                  -> signed_out (sign_out)
        # Back after five hours: the same shift.
        11:20 ana connects                  -> connected, signed_in unavailable
        11:20 ana pause.start almoco        -> refused quota_count 1 of 1 until 14:00
        11:30 ana sign_out                  -> signed_out (sign_out)
        # After six and more another one.
        21:55 ana connects                  -> connected, signed_in unavailable
        23:50 ana pause.start almoco        -> started almoco
        23:50 ana counts -> UTC +0 day 2026-11-24 business day 2026-11-24 shift 21:55 estimated team none
        "#,
    );
}

#[test]
fn whoever_never_signs_out_is_counted_by_the_business_day() {
    check(
        r#"
        tenant zone America/Sao_Paulo
        clock America/Sao_Paulo
        type almoco quota 1 not_in_first 1h
        mon 2026-11-23 09:00 ana connects   -> connected, signed_in unavailable
        09:30 ana pause.start almoco        -> refused shift_head until 10:00
        12:00 ana pause.start almoco        -> started almoco
        12:40 ana pause.end                 -> ended almoco (agent) then available
        # Sixteen hours after the sign-in nobody knows of a shift any more.
        tue 2026-11-24 00:59:59.999 ana pause.start almoco -> refused quota_count 1 of 1 until 01:00
        01:00 ana pause.start almoco        -> started almoco
        01:00 ana counts -> America/Sao_Paulo -180 day 2026-11-24 business day 2026-11-23 team none
        01:30 ana pause.end                 -> ended almoco (agent) then available
        03:59 ana asks almoco               -> refused quota_count 1 of 1 until 04:00 changes 04:00
        04:00 ana pause.start almoco        -> started almoco
        "#,
    );
}

#[test]
fn a_business_day_ends_when_the_next_one_begins_on_days_of_23_and_25_hours() {
    check(
        r#"
        tenant zone America/New_York business_day 02:30
        type cafe quota 1
        fri 2026-03-06 08:00 ana connects   -> connected, signed_in unavailable
        sat 2026-03-07 12:00 ana pause.start cafe -> started cafe
        12:10 ana pause.end                 -> ended cafe (agent) then available
        # 02:30 is in the gap of the next day: it begins with the first valid instant after it.
        12:10 ana asks cafe                 -> refused quota_count 1 of 1 until 2026-03-08 03:00 changes 2026-03-08 03:00
        sun 2026-03-08 03:00 ana asks cafe  -> started
        "#,
    );
}

#[test]
fn a_shift_has_a_head_in_which_a_pause_does_not_begin() {
    check(
        r#"
        type cafe not_in_first 30m
        type banheiro protected
        mon 2026-11-23 09:00 ana connects   -> connected, signed_in unavailable
        09:00 ana asks cafe                 -> refused shift_head until 09:30 changes 09:30
        09:10 ana pause.start banheiro      -> started banheiro
        09:15 ana pause.end                 -> ended banheiro (agent) then available
        # Gone for a moment, or signed out for less than six hours: the head is not had twice.
        09:20 ana sign_out                  -> signed_out (sign_out)
        09:40 ana connects                  -> connected, signed_in unavailable
        09:40 ana pause.start cafe          -> started cafe
        "#,
    );
}

#[test]
fn an_abandoned_pause_counts_until_the_agent_was_last_seen() {
    check(
        r#"
        tenant abandon 1h
        type banho quota_time 30m
        mon 2026-11-23 09:00 ana connects   -> connected, signed_in unavailable
        09:00 ana pause.start banho         -> started banho
        09:10 ana disconnects               -> grace until 09:11
        09:11                               -> connection_lost, last seen 09:10
        10:10                               -> ended banho (abandoned) last seen 09:10 then offline
        10:20 ana connects                  -> connected, signed_in unavailable
        10:20 ana used banho                -> 1 in 10m
        10:20 ana asks banho                -> started
        "#,
    );
}

#[test]
fn a_supervisor_sets_aside_what_can_be_and_every_rule_of_it_goes_on_record() {
    check(
        r#"
        type cafe quota 1 cooldown 1h windows all 08:00-10:00
        type privado by agent
        type fechado disabled
        mon 2026-11-23 09:00 ana connects   -> connected, signed_in unavailable
        09:00 ana pause.start cafe          -> started cafe
        09:10 ana pause.end                 -> ended cafe (agent) then available
        10:00 sup pause.start cafe because "a hard day" -> refused outside_window until 2026-11-24 08:00
        10:00 sup asks cafe override        -> started waives outside_window and cooldown and quota_count
        # An integration acts as the agent would: its word sets nothing aside.
        10:00 host pause.start cafe override -> refused outside_window until 2026-11-24 08:00
        10:00 sup pause.start privado override because "a hard day" -> refused not_startable_by (agent only)
        10:00 sup pause.start fechado override because "a hard day" -> refused type_disabled
        10:00 sup pause.start cafe override because "a hard day"
              -> started cafe, finding waived_outside_window, finding waived_cooldown, finding waived_quota_count
        10:05 sup pause.end                 -> ended cafe (supervisor) then unavailable
        10:05 ana used cafe                 -> 2 in 15m
        # Where no rule stands against it there is nothing to put on record.
        tue 2026-11-24 02:00 ana sign_out   -> signed_out (sign_out)
        09:00 ana connects                  -> connected, signed_in unavailable
        09:00 admin pause.start cafe override because "a hard day" -> started cafe
        "#,
    );
}

#[test]
fn a_word_against_the_rules_is_kept_while_it_waits_for_the_return() {
    check(
        r#"
        type cafe quota 1
        type banheiro protected
        mon 2026-11-23 09:00 ana connects   -> connected, signed_in unavailable
        09:00 ana pause.start cafe          -> started cafe
        09:10 ana pause.end                 -> ended cafe (agent) then available
        09:20 ana pause.start banheiro      -> started banheiro
        09:21 sup pause.start cafe because "now" -> refused quota_count 1 of 1 until 2026-11-24 01:00
        09:22 sup pause.start cafe override because "now" -> deferred: waits for cafe
        09:25 ana pause.end
              -> ended banheiro (agent) then available, started cafe, finding waived_quota_count
        "#,
    );
}

#[test]
fn what_is_used_up_outlives_the_server() {
    check(
        r#"
        type cafe quota 1
        mon 2026-11-23 09:00 ana connects   -> connected, signed_in unavailable
        09:00 ana pause.start cafe          -> started cafe
        09:10 ana pause.end                 -> ended cafe (agent) then available
        09:11 server stops                  -> nothing
        09:12 server starts                 -> nothing
        09:12 ana connects                  -> connected
        09:13 ana pause.start cafe          -> refused quota_count 1 of 1 until 2026-11-24 01:00
        "#,
    );
}
