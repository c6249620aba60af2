//! Corrections of pauses on record, and what is added to them, as scripts (semantics §8).

use std::collections::BTreeMap;
use std::time::Duration;

use intervalo::domain::command::{Actor, AfterEnd, Command, Request};
use intervalo::domain::id::{PauseTypeCode, PrincipalId};
use intervalo::domain::time::{Timestamp, minutes, seconds};
use intervalo::domain::usage::Used;
use proptest::prelude::*;

use crate::recorded;
use crate::script::check;
use crate::world::World;

#[test]
fn semantics_8_a_supervisor_corrects_the_end_and_what_follows_from_it_follows() {
    check(
        r#"
        type almoco limit 60m min 20m warn none grace 1m
        mon 2026-11-23 12:00 ana connects              -> connected, signed_in unavailable
        12:00 ana pause.start almoco                   -> started almoco
        13:00 -> pause.limit_reached almoco
        13:01 -> pause.overran almoco
        13:03 -> pause.escalated almoco 2m after
        13:10 ana pause.end                            -> ended almoco (agent) then available
        13:20 sup corrects almoco to 12:50 because esqueceu
              -> corrected almoco (supervisor) to 12:50 from 13:10
        13:20 ana used almoco                          -> 1 in 50m
        13:20 sup corrects almoco to 12:15 because mesmo
              -> corrected almoco (supervisor) to 12:15 from 12:50 short
        # When it was noted that it is over, it is over.
        13:21 admin corrects almoco to 13:01 because câmera
              -> corrected almoco (supervisor) to 13:01 from 12:15 overran 13:01
        13:21 host corrects almoco to 13:20 because ponto
              -> corrected almoco (integration) to 13:20 from 13:01 overran 13:01
        13:21 ana used almoco                          -> 1 in 80m
        # The agent's own state is as it was.
        13:21 ana sees -> available since 13:10 by agent ana (agent) connected routable
        "#,
    );
}

#[test]
fn semantics_8_a_correction_to_the_end_that_it_has_is_a_success_and_no_event() {
    check(
        r#"
        type cafe
        mon 2026-11-23 09:00 ana connects              -> connected, signed_in unavailable
        09:00 ana pause.start cafe                     -> started cafe
        09:10 ana pause.end                            -> ended cafe (agent) then available
        09:20 sup corrects cafe to 09:10 because igual -> nothing
        09:20 sup corrects cafe to 09:05 because antes -> corrected cafe (supervisor) to 09:05 from 09:10
        09:21 sup corrects cafe to 09:05 because antes -> nothing
        "#,
    );
}

#[test]
fn semantics_8_a_pause_ends_after_its_start_and_runs_neither_into_the_future_nor_into_the_next_one() {
    check(
        r#"
        type cafe
        type cha
        type banheiro protected
        mon 2026-11-23 09:00 ana connects              -> connected, signed_in unavailable
        09:00 ana pause.start cafe                     -> started cafe
        09:10 sup corrects cafe to 09:05 because cedo  -> refused still_running
        09:10 ana pause.end                            -> ended cafe (agent) then available
        09:15 ana pause.start banheiro                 -> started banheiro
        09:20 ana pause.end                            -> ended banheiro (agent) then available
        09:20 sup corrects cafe to 09:00 because nada  -> refused end_out_of_range after 09:00 until 09:20
        09:20 sup corrects cafe to 09:21 because nada  -> refused end_out_of_range after 09:00 until 09:20
        # A protected pause is no next one: it would tell.
        09:20 sup corrects cafe to 09:18 because nota  -> corrected cafe (supervisor) to 09:18 from 09:10
        09:30 ana pause.start cha                      -> started cha
        09:31 sup corrects cafe to 09:30:00.001 because nada -> refused end_out_of_range after 09:00 until 09:30
        09:31 sup corrects cafe to 09:30 because nota  -> corrected cafe (supervisor) to 09:30 from 09:18
        09:31 sup corrects cha to 09:30:30 because nada -> refused still_running
        "#,
    );
}

#[test]
fn semantics_8_a_pause_that_took_the_place_of_another_bounds_it() {
    check(
        r#"
        type cafe
        type cha
        mon 2026-11-23 09:00 ana connects              -> connected, signed_in unavailable
        09:00 ana pause.start cafe                     -> started cafe
        09:10 ana pause.start cha replaces it          -> ended cafe (changed_type) then unavailable, started cha
        09:20 ana pause.end                            -> ended cha (agent) then available
        09:21 sup corrects cafe to 09:11 because nada  -> refused end_out_of_range after 09:00 until 09:10
        09:21 sup corrects cafe to 09:08 because nota  -> corrected cafe (supervisor) to 09:08 from 09:10
        "#,
    );
}

#[test]
fn semantics_11_a_protected_pause_is_to_others_as_one_that_there_is_not() {
    check(
        r#"
        type cafe
        type banheiro protected
        mon 2026-11-23 09:00 ana connects              -> connected, signed_in unavailable
        09:00 ana pause.start banheiro                 -> started banheiro
        09:05 sup corrects banheiro to 09:01 because x -> refused unknown_pause
        09:05 sup annotates banheiro because x         -> refused unknown_pause
        09:05 ana annotates banheiro because dor       -> annotated banheiro
        09:10 ana pause.end                            -> ended banheiro (agent) then available
        09:11 sup corrects banheiro to 09:08 because x -> refused unknown_pause
        09:11 host corrects banheiro to 09:08 because x -> refused unknown_pause
        09:11 admin annotates banheiro because x       -> refused unknown_pause
        09:11 sup corrects another to 09:08 because x  -> refused unknown_pause
        09:11 ana annotates banheiro because fila      -> annotated banheiro
        09:11 ana annotates another because fila       -> refused unknown_pause
        "#,
    );
}

#[test]
fn semantics_8_nobody_corrects_a_pause_of_their_own() {
    check(
        r#"
        type cafe
        mon 2026-11-23 09:00 ana connects              -> connected, signed_in unavailable
        09:00 ana pause.start cafe                     -> started cafe
        09:10 ana pause.end                            -> ended cafe (agent) then available
        09:11 ana corrects cafe to 09:05 because x     -> refused own_pause
        "#,
    );
}

#[test]
fn semantics_8_the_agent_and_others_add_to_a_pause_that_runs_or_is_over_up_to_twenty_times() {
    let twenty = "        09:30 sup annotates cafe because visto -> annotated cafe\n".repeat(18);
    check(&format!(
        r#"
        type cafe
        mon 2026-11-23 09:00 ana connects              -> connected, signed_in unavailable
        09:00 ana pause.start cafe                     -> started cafe
        09:05 ana annotates cafe because fila          -> annotated cafe
        09:10 ana pause.end                            -> ended cafe (agent) then available
        09:11 ana annotates cafe because fila          -> annotated cafe
        {twenty}
        09:31 sup annotates cafe because visto         -> refused too_many_annotations 20
        09:31 ana annotates cafe because visto         -> refused too_many_annotations 20
        09:31 sup corrects cafe to 09:05 because nota  -> corrected cafe (supervisor) to 09:05 from 09:10
        "#
    ));
}

#[test]
fn semantics_5_a_correction_of_an_abandoned_pause_ends_the_doubt() {
    check(
        r#"
        type almoco quota_time 2h
        mon 2026-11-23 09:00 ana connects              -> connected, signed_in unavailable
        12:00 ana pause.start almoco                   -> started almoco
        12:30 ana disconnects                          -> grace until 12:31
        12:31 -> connection_lost, last seen 12:30
        16:30 -> ended almoco (abandoned) last seen 12:30 then offline
        16:40 ana connects                             -> connected, signed_in unavailable
        16:40 ana used almoco                          -> 1 in 30m
        # That the estimate was right is a correction too: from here on it counts whole.
        16:40 sup corrects almoco to 16:30 because era -> corrected almoco (supervisor) to 16:30 from 16:30
        16:40 ana used almoco                          -> 1 in 270m
        16:41 sup corrects almoco to 16:30 because era -> nothing
        16:41 sup corrects almoco to 12:45 because nao -> corrected almoco (supervisor) to 12:45 from 16:30
        16:41 ana used almoco                          -> 1 in 45m
        "#,
    );
}

#[test]
fn semantics_3_quotas_and_cooldowns_follow_the_corrected_end() {
    check(
        r#"
        type cafe quota_time 30m cooldown 1h
        type cha cooldown_any 20m
        mon 2026-11-23 09:00 ana connects              -> connected, signed_in unavailable
        09:00 ana pause.start cafe                     -> started cafe
        09:40 ana pause.end                            -> ended cafe (agent) then available
        09:50 ana asks cafe -> refused cooldown until 10:40 also quota_time 40m of 30m until 2026-11-24 01:00 changes 10:40
        09:50 ana asks cha                             -> refused cooldown until 10:00 changes 10:00
        09:50 sup corrects cafe to 09:10 because nota  -> corrected cafe (supervisor) to 09:10 from 09:40
        09:50 ana asks cafe                            -> refused cooldown until 10:10 changes 10:10
        09:50 ana asks cha                             -> started
        09:50 sup corrects cafe to 09:45 because nota  -> corrected cafe (supervisor) to 09:45 from 09:10
        09:50 ana asks cha                             -> refused cooldown until 10:05 changes 10:05
        10:20 ana used cafe                            -> 1 in 45m
        "#,
    );
}

#[test]
fn semantics_3_a_misclick_that_was_a_pause_counts_and_a_pause_that_was_a_misclick_does_not() {
    check(
        r#"
        type cafe quota 2 cooldown 1h
        type cha cooldown_any 20m
        mon 2026-11-23 09:00 ana connects              -> connected, signed_in unavailable
        09:00 ana pause.start cafe                     -> started cafe
        09:00:10 ana pause.end                         -> ended cafe (agent) misclick then available
        09:30 ana used cafe                            -> 0 in 0ms
        09:30 sup corrects cafe to 09:20 because nota  -> corrected cafe (supervisor) to 09:20 from 09:00:10
        09:30 ana used cafe                            -> 1 in 20m
        09:30 ana asks cafe                            -> refused cooldown until 10:20 changes 10:20
        09:30 ana asks cha                             -> refused cooldown until 09:40 changes 09:40
        10:30 ana pause.start cafe                     -> started cafe
        10:50 ana pause.end                            -> ended cafe (agent) then available
        10:50 ana used cafe                            -> 2 in 40m
        # Cooldowns run from the one before again.
        10:51 sup corrects cafe to 10:30:20 because nota
              -> corrected cafe (supervisor) to 10:30:20 from 10:50 misclick
        10:51 ana used cafe                            -> 1 in 20m
        10:51 ana asks cafe                            -> started
        10:51 ana asks cha                             -> started
        10:51 sup corrects first cafe to 09:00:20 because nota
              -> corrected cafe (supervisor) to 09:00:20 from 09:20 misclick
        10:51 ana used cafe                            -> 0 in 0ms
        "#,
    );
}

#[test]
fn semantics_2_a_correction_after_the_shift_leaves_the_counts_of_the_next_one_alone() {
    check(
        r#"
        type almoco quota 1
        mon 2026-11-23 09:00 ana connects              -> connected, signed_in unavailable
        12:00 ana pause.start almoco                   -> started almoco
        12:30 ana pause.end                            -> ended almoco (agent) then available
        18:00 ana status offline                       -> offline
        tue 2026-11-24 09:00 ana status unavailable    -> signed_in unavailable
        12:00 ana pause.start almoco                   -> started almoco
        12:20 ana pause.end                            -> ended almoco (agent) then available
        12:30 sup corrects first almoco to 2026-11-23 13:00 because nota
              -> corrected almoco (supervisor) to 2026-11-23 13:00 from 2026-11-23 12:30
        12:30 ana used almoco                          -> 1 in 20m
        12:30 sup corrects first almoco to 2026-11-23 12:00:10 because nota
              -> corrected almoco (supervisor) to 2026-11-23 12:00:10 from 2026-11-23 13:00 misclick
        12:30 ana used almoco                          -> 1 in 20m
        "#,
    );
}

#[test]
fn semantics_2_a_plan_that_comes_late_takes_the_counts_of_the_corrected_pause_along() {
    check(
        r#"
        type almoco quota 1
        mon 2026-11-23 08:50 ana connects              -> connected, signed_in unavailable
        09:30 ana pause.start almoco                   -> started almoco
        10:00 ana pause.end                            -> ended almoco (agent) then available
        10:30 admin plans shift 2026-11-23 09:00-15:00 -> planned 2026-11-23 from 09:00 to 15:00
        10:30 ana used almoco                          -> 1 in 30m
        10:30 sup corrects almoco to 10:15 because nota -> corrected almoco (supervisor) to 10:15 from 10:00
        10:30 ana used almoco                          -> 1 in 45m
        "#,
    );
}

#[test]
fn semantics_2_a_pause_whose_shift_was_replaced_is_corrected_where_it_counts() {
    check(
        r#"
        type almoco quota 2
        mon 2026-11-23 08:00 ana connects              -> connected, signed_in unavailable
        08:00 ana pause.start almoco                   -> started almoco
        08:30 ana pause.end                            -> ended almoco (agent) then available
        # It counts from 09:15 on, after the pause; what was used up goes on in it.
        09:30 host plans shift 11:15-17:00             -> planned 2026-11-23 from 11:15 to 17:00
        09:30 ana used almoco                          -> 1 in 30m
        09:40 sup corrects almoco to 08:20 because nota -> corrected almoco (supervisor) to 08:20 from 08:30
        09:40 ana used almoco                          -> 1 in 20m
        09:40 host cancels shift 2026-11-23            -> cancelled the shift of 2026-11-23
        09:50 sup corrects almoco to 08:00:10 because nota
              -> corrected almoco (supervisor) to 08:00:10 from 08:20 misclick
        09:50 ana used almoco                          -> 0 in 0ms
        "#,
    );
}

#[test]
fn semantics_2_a_misclick_that_was_a_pause_counts_in_the_shift_that_was_planned_since() {
    check(
        r#"
        type almoco quota 1
        mon 2026-11-23 09:10 ana connects              -> connected, signed_in unavailable
        09:30 ana pause.start almoco                   -> started almoco
        09:30:10 ana pause.end                         -> ended almoco (agent) misclick then available
        10:30 host plans shift 09:00-15:00             -> planned 2026-11-23 from 09:00 to 15:00
        10:40 sup corrects almoco to 10:00 because nota -> corrected almoco (supervisor) to 10:00 from 09:30:10
        10:40 ana used almoco                          -> 1 in 30m
        "#,
    );
}

#[test]
fn semantics_4_what_is_owed_follows_the_corrected_end() {
    check(
        r#"
        type rest entitlement limit 30m warn none grace 0s escalate none owed n4 1 of 10m over 4h up_to 6h after 1h before 1h
        mon 2026-11-23 08:00 host plans shift 09:00-15:00 -> planned 2026-11-23 from 09:00 to 15:00
        09:00 ana connects                             -> connected, signed_in unavailable
        10:30 ana pause.start rest                     -> started rest
        10:45 ana pause.end                            -> ended rest (agent) then available
        10:50 ana options                              -> rest started owed 0 of 1 (1 taken)
        # It was no whole one.
        11:00 sup corrects rest to 10:35 because nota  -> corrected rest (supervisor) to 10:35 from 10:45
        11:00 ana options                              -> rest started owed 1 of 1 (0 taken) latest 13:50
        13:35                                          -> rest at risk: 1 owed, latest 13:50
        # And was one after all.
        13:40 sup corrects rest to 10:40 because nota
              -> corrected rest (supervisor) to 10:40 from 10:35, rest at risk no more
        13:41 ana options                              -> rest started owed 0 of 1 (1 taken)
        13:41 sup corrects rest to 10:30:10 because nota
              -> corrected rest (supervisor) to 10:30:10 from 10:40 misclick, rest at risk: 1 owed, latest 13:50
        "#,
    );
}

/// A step of a day: a pause of one of two types is taken, or one of the last is corrected.
#[derive(Debug, Clone)]
enum Step {
    Take { of_type: usize, after: Duration, takes: Duration },
    Correct { back: usize, part: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let spans = (0_usize..2, 1_u64..20, prop_oneof![1_u64..60, 60_u64..1500]);
    prop_oneof![
        spans.prop_map(|(of_type, after, takes)| {
            let (after, takes) = (minutes(after), seconds(takes));
            Step::Take { of_type, after, takes }
        }),
        (0_usize..5, 1_i64..=1000).prop_map(|(back, part)| Step::Correct { back, part }),
    ]
}

fn of_type(n: usize) -> PauseTypeCode {
    PauseTypeCode::new(["cafe", "cha"][n]).expect("a code")
}

fn by(world: &mut World, actor: Actor, command: Command) {
    let request = Request { command, actor, reason: None, op: None, expected_version: None };
    world.execute(&request).expect("nothing stands against it");
    world.settle();
}

fn take(world: &mut World, step: &Step) {
    let ana = Actor::Agent(world.id.clone());
    match step {
        Step::Take { of_type: n, after, takes } => {
            world.advance(world.now + *after);
            let start = Command::StartPause { pause_type: of_type(*n), note: None, replaces: None, overriding: false };
            by(world, ana.clone(), start);
            world.advance(world.now + *takes);
            by(world, ana, Command::EndPause { then: Some(AfterEnd::Available), overriding: false });
        }
        Step::Correct { back, part } => {
            let pauses = recorded::all(&world.id, &world.journal);
            let Some(pause) = pauses.iter().rev().nth(*back) else { return };
            // Somewhere from just after its start to the last instant that there is for it.
            let until = pause.next_started_at.unwrap_or(world.now).min(world.now);
            let ended_at = Timestamp(pause.started_at.0 + ((until.0 - pause.started_at.0) * part / 1000).max(1));
            let sup = Actor::Supervisor(PrincipalId::new("sup").expect("an id"));
            by(world, sup, Command::CorrectPause { pause: pause.id, ended_at });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever was corrected in which order: what is used up is what a count of the records gives.
    #[test]
    fn semantics_3_what_is_used_up_is_what_the_corrected_records_add_up_to(steps in proptest::collection::vec(step(), 1..16)) {
        let mut world = check("type cafe\ntype cha\nmon 2026-11-23 08:00 ana connects -> connected, signed_in unavailable");
        for step in &steps {
            take(&mut world, step);
            let mut used: BTreeMap<PauseTypeCode, (Used, Timestamp)> = BTreeMap::new();
            let pauses = recorded::all(&world.id, &world.journal);
            let Some(period) = pauses.first().map(|pause| pause.period) else { continue };
            for pause in &pauses {
                let (Some(time), Some(end)) = (pause.counted(), pause.ended) else { continue };
                let (sum, last) = used.entry(pause.pause_type.clone()).or_default();
                (sum.count, sum.time, *last) = (sum.count + 1, sum.time + time, end.at);
            }
            for n in 0..2 {
                let (sum, last) = used.get(&of_type(n)).copied().unwrap_or_default();
                let usage = &world.agent.usage;
                prop_assert_eq!(usage.of(&of_type(n), period), sum, "{}", of_type(n));
                prop_assert_eq!(usage.last_of(&of_type(n)), Some(last).filter(|_| sum.count > 0), "{}", of_type(n));
            }
            prop_assert_eq!(world.agent.usage.last(), used.values().map(|(_, last)| *last).max());
        }
    }
}

#[test]
fn semantics_8_a_type_that_nothing_looks_back_to_any_more_is_corrected_on_record_alone() {
    check(
        r#"
        type almoco cooldown 1h
        type cafe cooldown 1h
        mon 2026-11-23 09:00 ana connects         -> connected, signed_in unavailable
        09:00 ana pause.start almoco              -> started almoco
        09:10 ana pause.end                       -> ended almoco (agent) then available
        09:30 ana status offline                  -> offline
        wed 2026-11-25 09:00 ana status available -> signed_in available
        09:00 ana pause.start cafe                -> started cafe
        09:10 ana pause.end                       -> ended cafe (agent) then available
        09:20 sup corrects almoco to 2026-11-23 09:05 because "so it was"
              -> corrected almoco (supervisor) to 2026-11-23 09:05 from 2026-11-23 09:10
        09:20 ana asks almoco                     -> started
        09:20 ana asks cafe                       -> refused cooldown until 10:10 changes 10:10
        09:30 ana status offline                  -> offline
        thu 2026-11-26 09:00 ana status available -> signed_in available
        09:00 ana pause.start cafe                -> started cafe
        09:10 ana pause.end                       -> ended cafe (agent) then available
        "#,
    );
}
