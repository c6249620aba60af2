//! Overrides: other rules for a team or an agent, for some days (semantics §3 `overrides`).

use crate::script::check;

#[test]
fn the_agents_own_rules_come_before_the_teams_and_these_before_the_types() {
    check(
        r#"
        team suporte
        team vendas
        agent ana team suporte,vendas
        agent bia team vendas,suporte
        type cafe limit 10m warn none quota 3 cooldown 5m
        override cafe team vendas limit 20m quota 9
        override cafe team suporte limit 15m
        override cafe agent ana limit 30m
        type cha limit 10m warn none quota 1
        override cha team vendas limit 20m quota 9
        override cha team suporte limit 15m
        type agua limit 10m warn none
        override agua team suporte limit 20m
        override agua team suporte limit 25m
        override agua agent bia limit 1m
        mon 2026-11-23 09:00 ana connects    -> connected, signed_in unavailable
        09:00 ana pause.start cafe           -> started cafe
        09:00 ana sees -> paused since 09:00 by agent ana (agent) connected not routable: paused;
                       -> cafe since 09:00 limit 09:30
        09:01 ana pause.end                  -> ended cafe (agent) then available
        # What nobody else says is as the type has it.
        09:01 ana asks cafe                  -> refused cooldown until 09:06 changes 09:06
        # Of several teams the first one comes first.
        09:01 ana pause.start cha            -> started cha
        09:01 ana sees -> paused since 09:01 by agent ana (agent) connected not routable: paused;
                       -> cha since 09:01 limit 09:16
        09:02 ana pause.end                  -> ended cha (agent) then available
        # And what only the other one says holds too.
        09:02 ana asks cha                   -> started
        # Of several for the same, the last one; what is said for others says nothing of ana.
        09:02 ana pause.start agua           -> started agua
        09:02 ana sees -> paused since 09:02 by agent ana (agent) connected not routable: paused;
                       -> agua since 09:02 limit 09:27
        "#,
    );
}

#[test]
fn an_override_holds_on_its_days_in_the_agents_zone_the_last_one_included() {
    check(
        r#"
        tenant zone America/Manaus
        type almoco windows mon-sun 11:30-14:30
        override almoco agent ana windows mon-sun 09:00-10:00 from 2026-11-24 until 2026-11-25
        mon 2026-11-23 23:59:59.999 ana connects -> connected, signed_in unavailable
        # It is known today what holds tomorrow.
        23:59:59.999 ana asks almoco -> refused outside_window until 2026-11-24 09:00 changes 2026-11-24 09:00
        tue 2026-11-24 00:00 ana asks almoco -> refused outside_window until 09:00 changes 09:00
        09:30 ana asks almoco                -> started changes 10:00
        wed 2026-11-25 23:59 ana asks almoco -> refused outside_window until 2026-11-26 11:30 changes 2026-11-26 11:30
        thu 2026-11-26 00:00 ana asks almoco -> refused outside_window until 11:30 changes 11:30
        11:30 ana asks almoco                -> started changes 14:30
        "#,
    );
}

#[test]
fn a_day_that_begins_with_an_open_window_is_when_it_opens() {
    check(
        r#"
        type cafe windows mon-sun 11:30-14:30 quota 1
        override cafe agent ana windows mon-sun 22:00-06:00 from 2026-11-24
        mon 2026-11-23 15:00 ana connects -> connected, signed_in unavailable
        # By the rules of the 24th the window of the night before is open at midnight.
        15:00 ana asks cafe               -> refused outside_window until 2026-11-24 00:00 changes 2026-11-24 00:00
        tue 2026-11-24 00:00 ana pause.start cafe -> started cafe
        "#,
    );
}

#[test]
fn a_rule_can_be_taken_away_for_some_and_set_for_others() {
    check(
        r#"
        channel voice blocks
        team suporte
        agent ana team suporte capacity voice=1
        agent bia team suporte
        type curso limit 10m warn none by supervisor approval 10m
        override curso agent ana nolimit by both noapproval
        type banco cap suporte=1
        override banco agent ana full refuse
        type rua
        override rua agent ana occupied refuse
        mon 2026-11-23 09:00 ana connects    -> connected, signed_in unavailable
        09:00 ana pause.start curso          -> started curso
        09:00 ana sees -> paused since 09:00 by agent ana (agent) connected not routable: paused;
                       -> curso since 09:00
        09:01 ana pause.end                  -> ended curso (agent) then available
        09:01 bia takes banco                -> nothing
        09:01 ana asks banco                 -> refused slots_full suporte 1 of 1
        09:02 ana works voice=1              -> works voice=1
        09:02 ana asks rua                   -> refused occupied
        "#,
    );
}

#[test]
fn a_running_pause_keeps_the_rules_that_it_began_under() {
    check(
        r#"
        type cafe limit 10m warn none grace 0s escalate none
        override cafe agent ana limit 20m until 2026-11-23
        mon 2026-11-23 23:55 ana connects    -> connected, signed_in unavailable
        23:55 ana pause.start cafe           -> started cafe
        # Its last day is over, and the pause goes on as it began.
        tue 2026-11-24 00:15                 -> pause.limit_reached cafe, pause.overran cafe
        00:16 ana pause.end                  -> ended cafe (agent) then available
        00:16 ana pause.start cafe           -> started cafe
        00:26                                -> pause.limit_reached cafe, pause.overran cafe
        "#,
    );
}

#[test]
fn an_override_published_while_a_pause_waits_is_the_rule_when_it_begins() {
    check(
        r#"
        channel voice blocks
        agent ana capacity voice=1
        type cafe limit 10m warn none
        mon 2026-11-23 09:00 ana connects    -> connected, signed_in unavailable
        09:00 ana works voice=1              -> works voice=1
        09:00 ana pause.start cafe           -> pending cafe until 09:10
        09:05 admin sets override cafe agent ana limit 3m -> nothing
        09:06 ana works nothing              -> works nothing, started cafe
        09:06 ana sees -> paused since 09:06 by agent ana (agent) connected not routable: paused;
                       -> cafe since 09:06 limit 09:09
        "#,
    );
}

#[test]
fn a_minimum_and_a_limit_that_do_not_go_together_are_as_long_as_the_limit() {
    check(
        r#"
        team suporte
        agent ana team suporte
        type cafe limit 60m warn none
        override cafe team suporte min 20m hold
        override cafe agent ana limit 10m
        mon 2026-11-23 09:00 ana connects    -> connected, signed_in unavailable
        09:00 ana pause.start cafe           -> started cafe
        09:05 ana pause.end                  -> refused held until 09:10
        09:10                                -> pause.limit_reached cafe
        09:10 ana pause.end                  -> ended cafe (agent) then available
        "#,
    );
}

#[test]
fn many_days_with_rules_of_their_own_and_many_grants_cost_no_more_than_a_look_at_each() {
    let days: Vec<String> = (1..=180)
        .map(|day| {
            let day = chrono::NaiveDate::from_ymd_opt(2026, 11, 24).expect("a day") + chrono::Days::new(2 * day);
            format!("override cafe agent ana limit 20m from {day} until {day}")
        })
        .collect();
    let grants: Vec<String> = (1..=8)
        .flat_map(|n| {
            let minute = 2 * n;
            [
                format!(
                    "09:{minute:02} ana request cafe extra {n}m because \"more\" -> requested cafe until 09:{:02}",
                    minute + 30
                ),
                format!(
                    "09:{minute:02} sup grants it for {n}0h because \"well\" -> granted cafe until {} (supervisor)",
                    until(n, minute)
                ),
            ]
        })
        .collect();
    check(&format!(
        "type cafe limit 10m warn none\n{}\nmon 2026-11-23 09:00 ana connects -> connected, signed_in unavailable\n{}\n\
         09:20 ana pause.start cafe -> started cafe, grant used",
        days.join("\n"),
        grants.join("\n")
    ));
}

/// Ten times so many hours after some minutes past nine of the 23rd.
fn until(tens: u64, minute: u64) -> String {
    let at = chrono::NaiveDate::from_ymd_opt(2026, 11, 23).expect("a day").and_hms_opt(9, 0, 0).expect("a time");
    let at = at + chrono::TimeDelta::minutes((600 * tens + minute) as i64);
    let today = at.date() == chrono::NaiveDate::from_ymd_opt(2026, 11, 23).expect("a day");
    if today { at.format("%H:%M").to_string() } else { at.format("%Y-%m-%d %H:%M").to_string() }
}
