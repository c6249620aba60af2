//! The waiting list, as scripts: places, turns, offers and what becomes of them (semantics §4).

use crate::script::check;

const TEAM: &str = r#"
    team suporte
    team vendas
    agent ana team suporte
    agent bia team suporte
    agent caio team suporte,vendas
    type cafe cap suporte=1 limit 10m warn none
    type cha cap suporte=1
    type livre
    type banheiro protected
    mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
"#;

fn plays(script: &str) {
    check(&format!("{TEAM}\n{script}"));
}

#[test]
fn who_asks_of_a_full_team_waits_in_line_and_is_offered_the_slot_when_it_is_free() {
    plays(
        r#"
        09:00 bia takes cafe until 09:10        -> nothing
        09:01 ana asks cafe                     -> queued slots_full suporte 1 of 1 place 1 about 09:10
        09:01 ana pause.start cafe note "hi"    -> queued cafe
        # Waiting does not block routing, and changes no status.
        09:02 ana status available              -> available
        09:02 ana sees
              -> available since 09:02 by agent ana (agent) connected routable; in line for cafe since 09:01
        09:02 others see
              -> available since 09:02 by agent ana (agent) connected routable; in line for cafe since 09:01
        # Asked again it is success, and nothing new.
        09:03 ana pause.start cafe              -> nothing
        09:03 ana asks cafe                     -> queued slots_full suporte 1 of 1 place 1 about 09:10
        09:08 bia is here                       -> offered
        09:08 ana sees
              -> available since 09:02 by agent ana (agent) connected routable; in line for cafe since 09:01;
              -> offered cafe until 09:09
        # Others are not shown the offer.
        09:08 others see
              -> available since 09:02 by agent ana (agent) connected routable; in line for cafe since 09:01
        09:08:30 ana pause.accept it            -> started cafe
        09:08:30 ana sees
              -> paused since 09:08:30 by agent ana (agent) connected not routable: paused;
              -> cafe since 09:08:30 limit 09:18:30 note "hi"
        "#,
    );
}

#[test]
fn a_start_with_an_offer_at_hand_takes_it() {
    plays(
        r#"
        09:00 bia takes cafe                    -> nothing
        09:01 ana pause.start cafe              -> queued cafe
        09:02 bia is here                       -> offered
        09:02 ana asks cafe                     -> started
        09:02:10 ana pause.start cafe           -> started cafe
        "#,
    );
}

#[test]
fn the_first_offers_let_pass_cost_a_place_each_and_the_third_the_seat() {
    plays(
        r#"
        09:00 bia takes cafe                    -> nothing
        09:01 ana pause.start cafe              -> queued cafe
        09:02 caio waits cafe                   -> nothing
        09:03 bia is here                       -> offered
        09:04                                   -> offer expired, one place lost
        # Caio stands before her now.
        09:04 ana asks cafe                     -> queued slots_full suporte 0 of 1 place 2
        09:04 ana pause.accept it               -> refused offer_expired
        09:04 ana pause.accept another          -> refused no_offer
        09:05 caio is offered cafe              -> nothing
        09:06 caio is here                      -> offered
        # Nobody is behind her: it is her turn again, for the last time.
        09:07                                   -> offer expired, one place lost, offered
        09:08                                   -> offer expired, the seat is lost
        09:08 ana pause.accept another          -> refused no_offer
        09:08 ana asks cafe                     -> started
        "#,
    );
}

#[test]
fn the_clock_of_an_offer_rests_in_the_grace_and_on_a_protected_pause() {
    plays(
        r#"
        09:00 bia takes cafe                    -> nothing
        09:01 ana pause.start cafe              -> queued cafe
        09:02 bia is here                       -> offered
        09:02:20 ana pause.start banheiro       -> started banheiro
        09:10 ana sees
              -> paused since 09:02:20 by agent ana (agent) connected not routable: paused; banheiro since 09:02:20;
              -> in line for cafe since 09:01; offered cafe its clock rests
        09:10 ana pause.end then unavailable    -> ended banheiro (agent) then unavailable
        09:10:10 ana disconnects                -> grace until 09:11:10
        09:11 ana connects                      -> connected
        # 20 s and 10 s of its minute were gone.
        09:11:30                                -> offer expired, one place lost, offered
        "#,
    );
}

#[test]
fn a_lost_connection_gives_the_offer_back_and_keeps_the_place_for_a_while() {
    plays(
        r#"
        09:00 bia takes cafe                    -> nothing
        09:01 ana pause.start cafe              -> queued cafe
        09:02 bia is here                       -> offered
        09:02:30 ana disconnects                -> grace until 09:03:30
        09:03:30                                -> connection_lost, last seen 09:02:30
        09:03:30 caio takes cafe                -> nothing
        09:10 ana connects                      -> connected, resumed unavailable
        09:10 ana asks cafe                     -> queued slots_full suporte 1 of 1 place 1
        09:12 ana disconnects                   -> grace until 09:13
        09:13                                   -> connection_lost, last seen 09:12
        09:28                                   -> left the line of cafe (connection_lost)
        09:30 ana connects                      -> connected, signed_in unavailable
        "#,
    );
}

#[test]
fn whoever_leaves_work_leaves_the_line() {
    plays(
        r#"
        09:00 bia takes cafe                    -> nothing
        09:01 ana pause.start cafe              -> queued cafe
        09:02 ana sign_out                      -> left the line of cafe (sign_out), signed_out (sign_out)
        09:03 ana connects                      -> connected, signed_in unavailable
        09:03 ana pause.start cafe              -> queued cafe
        09:04 ana status offline                -> left the line of cafe (agent), offline
        "#,
    );
}

#[test]
fn a_place_is_given_up_by_choice_or_for_another_line() {
    plays(
        r#"
        09:00 bia takes cafe                    -> nothing
        09:00 caio takes cha                    -> nothing
        09:01 ana pause.cancel queue            -> refused nothing_pending
        09:01 ana pause.start cafe              -> queued cafe
        09:02 ana pause.start cha               -> left the line of cafe (agent), queued cha
        09:03 ana pause.cancel queue            -> left the line of cha (agent)
        # Another pause leaves it alone.
        09:04 ana pause.start cafe              -> queued cafe
        09:05 ana pause.start livre             -> started livre
        09:06 bia is here                       -> offered
        # Taking it changes the type of the pause that runs.
        09:06:10 ana pause.accept it            -> ended livre (changed_type) then unavailable, started cafe
        "#,
    );
}

#[test]
fn nobody_jumps_the_line_and_who_cannot_take_an_offer_holds_nobody_up() {
    plays(
        r#"
        09:00 bia takes cafe                    -> nothing
        09:01 caio waits cafe                   -> nothing
        09:02 bia is here                       -> nothing
        # The slot is free, and it is Caio's turn.
        09:02 ana asks cafe                     -> queued slots_full suporte 0 of 1 place 2
        09:02 caio is offered cafe              -> nothing
        09:03 ana asks cafe                     -> queued slots_full suporte 1 of 1 place 2
        09:04 caio is away                      -> nothing
        09:04 ana asks cafe                     -> started
        "#,
    );
}

#[test]
fn a_waiter_needs_a_slot_of_each_of_their_teams() {
    check(
        r#"
        team suporte
        team vendas
        agent ana team suporte,vendas
        agent bia team suporte
        agent caio team vendas
        type cafe cap suporte=1,vendas=1
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:00 bia takes cafe                    -> nothing
        09:00 caio takes cafe                   -> nothing
        09:01 ana pause.start cafe              -> queued cafe
        09:02 bia is here                       -> nothing
        09:03 caio is here                      -> offered
        "#,
    );
}

#[test]
fn at_their_turn_the_rules_are_asked_again() {
    check(
        r#"
        team suporte
        agent ana team suporte
        agent bia team suporte
        type cafe cap suporte=1 windows all 08:00-10:00
        mon 2026-11-23 09:50 ana connects       -> connected, signed_in unavailable
        09:50 bia takes cafe                    -> nothing
        09:55 ana pause.start cafe              -> queued cafe
        10:05 bia is here                       -> left the line of cafe (queue): outside_window
        "#,
    );
}

#[test]
fn a_line_ends_with_its_type() {
    plays(
        r#"
        09:00 bia takes cafe                    -> nothing
        09:01 ana pause.start cafe              -> queued cafe
        09:02 admin sets type cafe cap suporte=1 disabled -> left the line of cafe (admin)
        09:03 admin sets type cafe cap suporte=1 -> nothing
        09:04 ana pause.start cafe              -> queued cafe
        # Without a cap there is nothing to wait for.
        09:05 admin sets type cafe              -> offered
        "#,
    );
}

#[test]
fn an_offer_in_flight_at_a_crash_stands_and_its_clock_rests_until_the_return() {
    plays(
        r#"
        09:00 bia takes cafe                    -> nothing
        09:01 ana pause.start cafe              -> queued cafe
        09:02 bia is here                       -> offered
        09:02:30 server stops                   -> nothing
        09:05 server starts                     -> nothing
        09:05:10 ana connects                   -> connected
        09:06 ana pause.accept it               -> started cafe
        "#,
    );
}

#[test]
fn a_supervisor_may_set_the_line_aside() {
    plays(
        r#"
        09:00 bia takes cafe                    -> nothing
        09:01 sup pause.start cafe because "go" -> queued cafe
        09:02 sup pause.start cafe override because "go now" -> started cafe, finding waived_slots_full
        "#,
    );
}

#[test]
fn refusing_when_full_is_a_rule_like_the_others() {
    check(
        r#"
        team suporte
        agent ana team suporte
        agent bia team suporte
        type cafe cap suporte=1 full refuse
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:00 bia takes cafe until 09:10        -> nothing
        09:01 ana pause.start cafe              -> refused slots_full suporte 1 of 1
        "#,
    );
}

#[test]
fn offline_leaves_the_line_from_whichever_pause() {
    plays(
        r#"
        09:00 bia takes cafe                    -> nothing
        09:01 ana pause.start cafe              -> queued cafe
        09:02 ana pause.start banheiro          -> started banheiro
        09:03 ana status offline
              -> left the line of cafe (agent), ended banheiro (agent) then offline
        09:04 ana status unavailable            -> signed_in unavailable
        09:05 ana pause.start cafe              -> queued cafe
        09:06 ana pause.start livre             -> started livre
        09:07 ana status offline
              -> left the line of cafe (agent), ended livre (agent) then offline
        09:08 ana status unavailable            -> signed_in unavailable
        09:09 ana pause.start cafe              -> queued cafe
        09:10 ana pause.start banheiro          -> started banheiro
        09:11 sup status offline because "go"   -> deferred: waits for offline
        09:12 ana pause.end
              -> ended banheiro (agent) then available, left the line of cafe (supervisor), offline
        "#,
    );
}

#[test]
fn who_moves_to_other_teams_leaves_the_line() {
    plays(
        r#"
        09:00 bia takes cafe                    -> nothing
        09:01 ana pause.start cafe              -> queued cafe
        09:02 admin sets agent ana team vendas  -> left the line of cafe (admin)
        "#,
    );
}

#[test]
fn a_pause_that_only_supervisors_start_has_no_line() {
    check(
        r#"
        team suporte
        agent ana team suporte
        agent bia team suporte
        type reuniao by supervisor cap suporte=1
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:00 bia takes reuniao                 -> nothing
        09:01 sup pause.start reuniao because "now" -> refused slots_full suporte 1 of 1
        "#,
    );
}

#[test]
fn a_place_lost_is_one_behind_who_waits_for_the_same_team() {
    check(
        r#"
        team suporte
        team vendas
        agent ana team suporte
        agent bia team suporte
        agent caio team vendas
        agent duda team suporte
        type cafe cap suporte=1,vendas=1
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:00 bia takes cafe                    -> nothing
        09:01 ana pause.start cafe              -> queued cafe
        09:02 caio waits cafe                   -> nothing
        09:03 duda waits cafe                   -> nothing
        09:04 bia is here                       -> offered
        # Behind Duda, not behind Caio, who waits for others.
        09:05                                   -> offer expired, one place lost
        09:05 ana asks cafe                     -> queued slots_full suporte 0 of 1 place 2
        "#,
    );
}

#[test]
fn those_who_have_an_offer_are_as_good_as_gone() {
    check(
        r#"
        team suporte
        agent ana team suporte
        agent bia team suporte
        agent caio team suporte
        type cafe cap suporte=keep1
        mon 2026-11-23 09:00 ana connects       -> connected, signed_in unavailable
        09:00 ana status available              -> available
        09:00 ana asks cafe                     -> queued slots_full suporte 0 of 0 place 1
        09:01 bia is here                       -> nothing
        # Bia may go and Ana stays, or the other way round: not both.
        09:01 ana asks cafe                     -> started
        09:02 bia is offered cafe               -> nothing
        09:02 ana asks cafe                     -> queued slots_full suporte 1 of 1 place 2
        09:03 caio is here                      -> nothing
        09:03 ana asks cafe                     -> started
        "#,
    );
}
