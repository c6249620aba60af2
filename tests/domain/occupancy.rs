//! Occupancy and what waits for the end of work, as scripts (semantics §1, §4).

use crate::script::check;

const TEAM: &str = r#"
    team suporte
    team vendas
    channel voice blocks capacity 1
    channel chat capacity 3
    agent ana team suporte
    agent bia team suporte
    type cafe limit 10m warn none
    type urgente occupied immediate
    type fora occupied refuse
    type cheio cap suporte=1 limit 10m warn none
    type cedo windows all 08:00-10:00
    type banheiro protected
    mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
    09:00 ana status available              -> available
"#;

fn plays(script: &str) {
    check(&format!("{TEAM}\n{script}"));
}

#[test]
fn presence_is_what_is_chosen_and_then_what_is_open() {
    plays(
        r#"
        09:01 ana works voice=1                 -> works voice=1
        09:01 ana sees -> busy since 09:00 by agent ana (agent) connected routable; works voice=1
        09:02 ana works wrap_up                 -> works wrap_up
        09:02 ana sees -> wrap_up since 09:00 by agent ana (agent) connected not routable: wrap_up; works wrap_up
        09:03 ana works nothing                 -> works nothing
        09:03 ana sees -> available since 09:00 by agent ana (agent) connected routable
        # Unavailable comes before all of it, and the status keeps its own clock.
        09:04 ana works chat=1                  -> works chat=1
        09:05 ana status unavailable            -> unavailable
        09:05 others see
              -> unavailable since 09:05 by agent ana (agent) connected not routable: unavailable; works chat=1
        "#,
    );
}

#[test]
fn nobody_is_routable_with_every_channel_full() {
    plays(
        r#"
        09:01 ana works voice=1,chat=3          -> works chat=3 voice=1
        09:01 ana sees
              -> busy since 09:00 by agent ana (agent) connected not routable: at_capacity; works chat=3 voice=1
        09:02 admin sets channel chat capacity 4 -> nothing
        09:02 ana sees
              -> busy since 09:00 by agent ana (agent) connected routable; works chat=3 voice=1
        # Their own capacity comes before the channel's.
        09:03 admin sets agent ana team suporte capacity chat=3 -> nothing
        09:03 ana sees
              -> busy since 09:00 by agent ana (agent) connected not routable: at_capacity; works chat=3 voice=1
        09:04 admin sets channel chat off       -> nothing
        09:04 ana works chat=3                  -> works chat=3
        09:04 ana sees -> busy since 09:00 by agent ana (agent) connected routable; works chat=3
        "#,
    );
}

#[test]
fn what_makes_no_difference_goes_on_record_now_and_then() {
    plays(
        r#"
        09:01 ana works chat=1                  -> works chat=1
        09:01:01 ana works chat=2               -> nothing
        09:01:02 ana works chat=1               -> nothing
        09:01:03 ana works chat=2               -> nothing
        09:01:05                                -> works chat=2
        09:01:20 ana works chat=1               -> works chat=1
        # The last conversation that fits makes one.
        09:01:21 ana works chat=3               -> works chat=3
        "#,
    );
}

#[test]
fn a_report_that_lapses_is_unknown_and_blocks_nothing() {
    plays(
        r#"
        09:01 ana works voice=1 for 2m          -> works voice=1
        09:02 ana asks cafe                     -> pending occupied
        09:03                                   -> works nothing as far as known
        09:03 ana sees
              -> available since 09:00 by agent ana (agent) connected not routable: occupancy_unknown;
              -> works nothing as far as known
        09:03 ana asks cafe                     -> started
        # Two integrations: one of them is enough not to know, and what the other says holds.
        09:04 ana works chat=1 by dialer        -> works chat=1 as far as known
        09:05 ana works nothing                 -> works chat=1
        # Whoever signs out takes no debt of knowledge along.
        09:06 ana works voice=1 for 2m          -> works chat=1 voice=1
        09:07 ana sign_out                      -> signed_out (sign_out)
        09:07 others see -> offline since 09:07 by agent ana (sign_out) disconnected not routable: offline
        "#,
    );
}

#[test]
fn a_pause_waits_for_the_end_of_work_and_begins_then() {
    plays(
        r#"
        09:01 ana works voice=1,chat=2          -> works chat=2 voice=1
        09:02 ana asks cafe                     -> pending occupied
        09:02 ana pause.start cafe note "hi"    -> pending cafe until 09:12
        09:02 others see
              -> busy since 09:00 by agent ana (agent) connected not routable: pending; works chat=2 voice=1;
              -> pending cafe since 09:02
        # Again is the same.
        09:03 ana asks cafe                     -> pending occupied
        09:03 ana pause.start cafe              -> deferred: nothing
        # The work after a conversation has to end as well; chats go on.
        09:04 ana works chat=2 wrap_up          -> works chat=2 wrap_up
        09:05 ana works chat=2                  -> works chat=2, started cafe
        09:05 ana sees
              -> paused since 09:05 by agent ana (agent) connected not routable: paused; cafe since 09:05 limit 09:15
              -> note "hi"; works chat=2
        "#,
    );
}

#[test]
fn a_type_may_begin_at_once_or_not_at_all_while_occupied() {
    plays(
        r#"
        09:01 ana works voice=1                 -> works voice=1
        09:02 ana asks urgente                  -> started
        09:02 ana asks fora                     -> refused occupied
        09:02 ana pause.start fora              -> refused occupied
        09:02 ana pause.start banheiro          -> started banheiro
        09:03 ana pause.end                     -> ended banheiro (agent) then available
        # Text channels block nothing.
        09:04 ana works chat=3                  -> works chat=3
        09:04 ana asks fora                     -> started
        09:05 ana pause.start urgente           -> started urgente
        "#,
    );
}

#[test]
fn what_waits_can_be_given_up_and_gives_way() {
    plays(
        r#"
        09:01 ana pause.cancel pending          -> refused nothing_pending
        09:01 ana works voice=1                 -> works voice=1
        09:02 ana pause.start cafe              -> pending cafe until 09:12
        09:03 ana pause.cancel pending          -> pending no more (agent)
        09:04 ana pause.start cafe              -> pending cafe until 09:14
        09:05 ana pause.start cedo              -> pending cedo until 09:15
        # Another choice of status leaves it alone.
        09:06 ana status unavailable            -> unavailable
        09:07 ana status available              -> available
        # A pause that begins settles it, a protected one does not.
        09:08 ana pause.start banheiro          -> started banheiro
        09:09 ana pause.end                     -> ended banheiro (agent) then available
        09:10 ana pause.start urgente           -> started urgente
        09:11 ana pause.end                     -> ended urgente (agent) then available
        09:11 ana pause.cancel pending          -> refused nothing_pending
        09:12 ana pause.start cafe              -> pending cafe until 09:22
        09:13 ana status offline                -> offline
        09:14 ana status available              -> signed_in available
        09:14                                   -> works voice=1
        09:14 ana pause.cancel pending          -> refused nothing_pending
        "#,
    );
}

#[test]
fn refused_when_the_work_has_ended_the_agent_is_unavailable_until_they_choose() {
    plays(
        r#"
        09:01 ana works voice=1                 -> works voice=1
        09:55 ana works voice=1                 -> nothing
        09:55 ana pause.start cedo              -> pending cedo until 10:05
        10:01 ana works nothing
              -> works nothing, pause.refused cedo outside_window, pending no more (occupancy): outside_window,
              -> unavailable
        10:01 ana sees
              -> unavailable since 10:01 by agent ana (occupancy)
              -> because "the pause that waited for the end of work is refused: outside_window"
              -> connected not routable: unavailable
        "#,
    );
}

#[test]
fn full_when_the_work_has_ended_the_agent_waits_in_line() {
    plays(
        r#"
        09:01 ana works voice=1                 -> works voice=1
        09:01 bia takes cheio until 09:20       -> nothing
        09:02 ana asks cheio
              -> pending occupied also slots_full suporte 1 of 1 place 1 about 09:20
        09:02 ana pause.start cheio             -> pending cheio until 09:12
        09:05 ana works nothing
              -> works nothing, pending no more (agent): slots_full, queued cheio
        "#,
    );
}

#[test]
fn at_its_deadline_it_begins_whatever_is_open() {
    plays(
        r#"
        09:01 ana works voice=1                 -> works voice=1
        09:02 ana pause.start cafe              -> pending cafe until 09:12
        09:12                                   -> started cafe
        "#,
    );
    check(
        r#"
        tenant defer 5m at_deadline cancel
        channel voice blocks
        type cafe
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:01 ana works voice=1                 -> works voice=1
        09:02 ana pause.start cafe              -> pending cafe until 09:07
        09:07                                   -> pending no more (occupancy): pending_deadline
        "#,
    );
    check(
        r#"
        tenant defer 5m at_deadline notify
        channel voice blocks
        type cafe
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:01 ana works voice=1                 -> works voice=1
        09:02 ana pause.start cafe              -> pending cafe until 09:07
        09:07                                   -> pending cafe
        09:20 ana works nothing                 -> works nothing, started cafe
        "#,
    );
}

#[test]
fn a_status_after_work() {
    plays(
        r#"
        # Nothing is open: now is after work.
        09:01 ana status unavailable after_work -> unavailable
        09:02 ana status available              -> available
        09:03 ana works voice=1                 -> works voice=1
        09:04 ana status unavailable after_work -> pending unavailable until 09:14
        09:04 ana sees
              -> busy since 09:02 by agent ana (agent) connected not routable: pending; works voice=1;
              -> pending unavailable since 09:04
        09:05 ana works nothing                 -> works nothing, unavailable
        09:06 ana status available              -> available
        09:07 ana works wrap_up                 -> works wrap_up
        09:08 ana status offline after_work     -> pending offline until 09:18
        09:09 ana works nothing                 -> works nothing, offline
        09:10 ana status available              -> signed_in available
        09:10                                   -> works nothing
        # Who says again that they are ready is.
        09:11 ana works voice=1                 -> works voice=1
        09:12 ana status unavailable after_work -> pending unavailable until 09:22
        09:13 ana status available              -> pending no more (agent)
        "#,
    );
}

#[test]
fn more_work_during_a_pause_is_on_record_once_and_ends_nothing() {
    plays(
        r#"
        09:01 ana works chat=1                  -> works chat=1
        09:02 ana pause.start cafe              -> started cafe
        09:03 ana works nothing                 -> works nothing
        09:04 ana works voice=1                 -> works voice=1, finding work_during_pause
        09:05 ana works voice=1,chat=1          -> works chat=1 voice=1
        09:05 others see
              -> paused since 09:02 by agent ana (agent) connected not routable: paused;
              -> cafe since 09:02 limit 09:12 worked 09:04; works chat=1 voice=1
        09:06 ana pause.end                     -> ended cafe (agent) then available
        "#,
    );
}

#[test]
fn an_offer_is_taken_for_the_end_of_work_and_its_slot_kept() {
    plays(
        r#"
        09:00 bia takes cheio                   -> nothing
        09:01 ana pause.start cheio             -> queued cheio
        09:02 ana works voice=1                 -> works voice=1
        09:03 bia is here                       -> offered
        # Its clock rests while they talk.
        09:10 ana sees
              -> busy since 09:00 by agent ana (agent) connected routable; works voice=1;
              -> in line for cheio since 09:01; offered cheio its clock rests
        09:10 ana pause.accept it               -> pending cheio until 09:20
        09:10 ana sees
              -> busy since 09:00 by agent ana (agent) connected not routable: pending; works voice=1;
              -> pending cheio since 09:10; in line for cheio since 09:01
        09:12 ana works nothing                 -> works nothing, started cheio
        "#,
    );
    plays(
        r#"
        09:00 bia takes cheio                   -> nothing
        09:01 ana pause.start cheio             -> queued cheio
        09:02 ana works voice=1                 -> works voice=1
        09:03 bia is here                       -> offered
        09:04 ana pause.start cheio             -> pending cheio until 09:14
        # Given up, the slot is as well.
        09:05 ana pause.cancel pending
              -> pending no more (agent), left the line of cheio (agent)
        "#,
    );
}

#[test]
fn at_the_deadline_that_only_tells_the_slot_is_given_back() {
    check(
        r#"
        tenant defer 5m at_deadline notify
        team suporte
        channel voice blocks
        agent ana team suporte
        agent bia team suporte
        type cheio cap suporte=1 limit 10m warn none
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:00 bia takes cheio                   -> nothing
        09:01 ana pause.start cheio             -> queued cheio
        09:02 ana works voice=1                 -> works voice=1
        09:03 bia is here                       -> offered
        09:04 ana pause.accept it               -> pending cheio until 09:09
        09:09                                   -> pending cheio, left the line of cheio (occupancy): pending_deadline
        09:10 bia takes cheio                   -> nothing
        09:20 ana works nothing                 -> works nothing, pending no more (agent): slots_full, queued cheio
        "#,
    );
}

#[test]
fn a_slot_for_another_pause_is_not_the_one_that_was_taken() {
    plays(
        r#"
        09:00 bia takes cheio                   -> nothing
        09:01 ana pause.start cheio             -> queued cheio
        09:02 ana works voice=1                 -> works voice=1
        09:03 bia is here                       -> offered
        09:04 ana pause.accept it               -> pending cheio until 09:14
        09:05 ana pause.start cafe              -> pending cafe until 09:15
        09:06 ana pause.cancel pending          -> pending no more (agent)
        "#,
    );
}

#[test]
fn what_waits_does_not_outlive_a_sign_out_into_which_a_meal_runs_on() {
    check(
        r#"
        channel voice blocks
        type refeicao entitlement min 20m limit 60m warn none
        type cafe
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:01 ana pause.start refeicao          -> started refeicao
        09:02 ana works voice=1                 -> works voice=1, finding work_during_pause
        09:22 ana pause.start cafe replaces it  -> pending cafe until 09:32
        09:23 ana sign_out                      -> pending no more (sign_out), signed_out (sign_out)
        "#,
    );
}

#[test]
fn a_lost_connection_keeps_what_waits_for_a_while() {
    plays(
        r#"
        09:01 ana works voice=1                 -> works voice=1
        09:02 ana pause.start cafe              -> pending cafe until 09:12
        09:03 ana disconnects                   -> grace until 09:04
        09:03:30 ana works nothing              -> works nothing
        # Nobody is there to begin it.
        09:04                                   -> connection_lost, last seen 09:03
        09:06 ana connects                      -> connected, resumed available, works nothing, started cafe
        09:06:10 ana pause.end                  -> ended cafe (agent) misclick then available
        09:07 ana works voice=1                 -> works voice=1
        09:07 ana pause.start cafe              -> pending cafe until 09:17
        09:08 ana disconnects                   -> grace until 09:09
        09:09                                   -> connection_lost, last seen 09:08
        09:24                                   -> pending no more (connection_lost)
        "#,
    );
}

#[test]
fn promise_t1_after_a_restart_nobody_knows_and_integrations_have_a_while_to_say() {
    plays(
        r#"
        09:01 ana works voice=1                 -> works voice=1
        09:02 ana pause.start cafe              -> pending cafe until 09:12
        09:03 server stops                      -> nothing
        09:04 server starts                     -> nothing
        09:04:10 ana connects                   -> connected
        09:04:10 ana sees
              -> available since 09:00 by agent ana (agent) connected not routable: pending;
              -> works nothing as far as known; pending cafe since 09:02
        09:04:30 ana works voice=1              -> works voice=1
        09:06 ana works nothing                 -> works nothing, started cafe
        "#,
    );
    // A router that says nothing any more holds nobody up.
    plays(
        r#"
        09:01 ana works voice=1                 -> works voice=1
        09:02 ana pause.start cafe              -> pending cafe until 09:12
        09:03 server stops                      -> nothing
        09:04 server starts                     -> nothing
        09:04:10 ana connects                   -> connected
        09:05                                   -> started cafe
        "#,
    );
}

#[test]
fn a_router_that_restarts_with_its_numbers_stuck_is_heard_again() {
    plays(
        r#"
        09:01 ana works voice=1 for 2m          -> works voice=1
        09:02 ana pause.start cafe              -> pending cafe until 09:12
        # It crashed in the middle of a call: once what it said has lapsed, the pause begins.
        09:03                                   -> works nothing as far as known, started cafe
        09:04 ana works nothing                 -> works nothing
        "#,
    );
}

#[test]
fn what_waited_begins_around_a_protected_pause_so_that_nobody_can_tell() {
    plays(
        r#"
        09:01 ana works voice=1                 -> works voice=1
        09:02 ana pause.start cafe              -> pending cafe until 09:12
        09:03 ana pause.start banheiro          -> started banheiro
        09:03 others see
              -> unavailable since 09:03 by agent ana (agent) connected not routable: pending; works voice=1;
              -> pending cafe since 09:02
        09:04 ana works nothing                 -> works nothing, started cafe
        09:04 others see
              -> paused since 09:04 by agent ana (agent) connected not routable: paused; cafe since 09:04 limit 09:14
        09:04 ana sees
              -> paused since 09:03 by agent ana (agent) connected not routable: paused;
              -> banheiro since 09:03 inside cafe since 09:04 limit 09:14
        09:06 ana pause.end                     -> ended banheiro (agent) then outer pause
        "#,
    );
}

#[test]
fn a_supervisor_who_starts_a_pause_waits_as_well_or_sets_the_work_aside() {
    plays(
        r#"
        09:01 ana works voice=1                 -> works voice=1
        09:02 sup asks cafe                     -> pending occupied
        09:02 sup pause.start cafe because "go" -> pending cafe until 09:12
        09:03 ana works nothing                 -> works nothing, started cafe
        09:03 ana sees
              -> paused since 09:03 by supervisor sup (supervisor) because "go" connected not routable: paused;
              -> cafe since 09:03 limit 09:13
        09:04 ana pause.end                     -> ended cafe (agent) then available
        09:05 ana works voice=1                 -> works voice=1
        09:05 sup asks cafe override            -> started waives occupied
        09:05 sup pause.start cafe override because "now" -> started cafe, finding waived_occupied
        "#,
    );
}
