//! Windows, zones and days, as scripts (semantics §2).

use crate::script::check;

#[test]
fn windows_follow_the_agents_zone_then_the_primary_teams_then_the_tenants() {
    check(
        r#"
        tenant zone America/Sao_Paulo
        clock UTC
        team suporte zone Europe/Lisbon
        team vendas zone Asia/Kolkata
        type almoco windows all 12:00-13:00
        mon 2026-11-23 08:00 ana connects               -> connected, signed_in unavailable
        08:00 ana asks almoco                           -> refused outside_window until 15:00 changes 15:00
        08:00 admin sets agent ana team suporte,vendas  -> nothing
        08:00 ana asks almoco                           -> refused outside_window until 12:00 changes 12:00
        08:00 admin sets agent ana team vendas,suporte  -> nothing
        08:00 ana asks almoco                           -> refused outside_window until 2026-11-24 06:30 changes 2026-11-24 06:30
        08:00 admin sets agent ana team suporte zone America/New_York -> nothing
        08:00 ana asks almoco                           -> refused outside_window until 17:00 changes 17:00
        17:00 ana pause.start almoco                    -> started almoco
        17:00 ana counts
              -> America/New_York -300 day 2026-11-23 business day 2026-11-23 shift 08:00 estimated team suporte
        "#,
    );
}

#[test]
fn windows_open_on_their_weekdays_and_may_wrap_midnight_or_touch() {
    check(
        r#"
        type noite windows fri 22:00-02:00 sat 02:00-03:00
        type fim windows sat-sun 10:00-11:00
        fri 2026-11-27 20:00 ana connects               -> connected, signed_in unavailable
        20:00 ana asks noite                            -> refused outside_window until 22:00 changes 22:00
        22:00 ana asks noite                            -> started changes 2026-11-28 03:00
        sat 2026-11-28 02:30 ana asks noite             -> started changes 03:00
        03:00 ana asks noite                            -> refused outside_window until 2026-12-04 22:00 changes 2026-12-04 22:00
        10:59:59.999 ana asks fim                       -> started changes 11:00
        11:00 ana asks fim                              -> refused outside_window until 2026-11-29 10:00 changes 2026-11-29 10:00
        "#,
    );
}

#[test]
fn windows_without_a_hole_never_change() {
    check(
        r#"
        type sempre windows all 00:00-12:00 all 12:00-00:00
        mon 2026-11-23 09:00 ana connects               -> connected, signed_in unavailable
        10:00 ana asks sempre                           -> started
        "#,
    );
}

#[test]
fn a_window_in_a_gap_or_an_overlap_of_new_york() {
    check(
        r#"
        tenant zone America/New_York
        type gap windows all 02:30-03:30
        type inside windows all 02:10-02:50
        type overlap windows all 01:15-01:45
        sun 2026-03-08 01:59 ana connects               -> connected, signed_in unavailable
        01:59 ana asks gap                              -> refused outside_window until 03:00 changes 03:00
        01:59 ana asks inside -> refused outside_window until 2026-03-09 02:10 changes 2026-03-09 02:10
        03:00 ana asks gap                              -> started changes 03:30
        sun 2026-11-01 01:14(1) ana asks overlap        -> refused outside_window until 01:15(1) changes 01:15(1)
        01:15(1) ana asks overlap                       -> started changes 01:45(2)
        01:50(1) ana asks overlap                       -> started changes 01:45(2)
        01:44(2) ana asks overlap                       -> started changes 01:45(2)
        01:45(2) ana asks overlap -> refused outside_window until 2026-11-02 01:15 changes 2026-11-02 01:15
        "#,
    );
}

#[test]
fn a_window_in_a_gap_or_an_overlap_of_lisbon() {
    check(
        r#"
        tenant zone Europe/Lisbon
        type gap windows all 01:30-02:30
        type overlap windows all 01:30-02:30
        sun 2026-03-29 00:59 ana connects               -> connected, signed_in unavailable
        00:59 ana asks gap                              -> refused outside_window until 02:00 changes 02:00
        sun 2026-10-25 01:29(1) ana asks overlap        -> refused outside_window until 01:30(1) changes 01:30(1)
        01:30(1) ana asks overlap                       -> started changes 02:30
        01:00(2) ana asks overlap                       -> started changes 02:30
        02:30 ana asks overlap -> refused outside_window until 2026-10-26 01:30 changes 2026-10-26 01:30
        "#,
    );
}

#[test]
fn lord_howe_moves_its_clock_by_half_an_hour() {
    check(
        r#"
        tenant zone Australia/Lord_Howe
        type gap windows all 02:10-02:40
        type overlap windows all 01:40-01:50
        sun 2026-10-04 01:59 ana connects               -> connected, signed_in unavailable
        01:59 ana asks gap                              -> refused outside_window until 02:30 changes 02:30
        02:30 ana asks gap                              -> started changes 02:40
        sun 2027-04-04 01:35(1) ana asks overlap        -> refused outside_window until 01:40(1) changes 01:40(1)
        01:45(1) ana asks overlap                       -> started changes 01:50(2)
        01:35(2) ana asks overlap                       -> started changes 01:50(2)
        "#,
    );
}

#[test]
fn sao_paulo_had_a_day_without_midnight() {
    check(
        r#"
        tenant zone America/Sao_Paulo business_day 00:00
        type virada windows all 00:00-02:00
        type cafe
        sat 2018-11-03 23:59 ana connects               -> connected, signed_in unavailable
        23:59 ana asks virada
              -> refused outside_window until 2018-11-04 01:00 changes 2018-11-04 01:00
        sun 2018-11-04 01:00 ana asks virada            -> started changes 02:00
        01:00 ana pause.start cafe                      -> started cafe
        01:00 ana counts
              -> America/Sao_Paulo -120 day 2018-11-04 business day 2018-11-04
              -> shift 2018-11-03 23:59 estimated team none
        "#,
    );
}

#[test]
fn apia_skipped_a_day() {
    check(
        r#"
        tenant zone Pacific/Apia
        type sexta windows fri 10:00-12:00
        type cafe
        thu 2011-12-29 23:00 ana connects               -> connected, signed_in unavailable
        23:00 ana asks sexta
              -> refused outside_window until 2012-01-06 10:00 changes 2012-01-06 10:00
        sat 2011-12-31 00:30 ana pause.start cafe       -> started cafe
        00:30 ana counts
              -> Pacific/Apia +840 day 2011-12-31 business day 2011-12-30 shift 2011-12-29 23:00 estimated team none
        "#,
    );
}

#[test]
fn a_pause_belongs_to_the_business_day_that_begins_at_four() {
    check(
        r#"
        type cafe
        mon 2026-11-23 22:00 ana connects               -> connected, signed_in unavailable
        tue 2026-11-24 03:59 ana pause.start cafe       -> started cafe
        03:59 ana counts
              -> UTC +0 day 2026-11-24 business day 2026-11-23 shift 2026-11-23 22:00 estimated team none
        04:00 ana pause.end                             -> ended cafe (agent) then available
        04:00 ana pause.start cafe                      -> started cafe
        04:00 ana counts
              -> UTC +0 day 2026-11-24 business day 2026-11-24 shift 2026-11-23 22:00 estimated team none
        "#,
    );
}
