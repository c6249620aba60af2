//! Each checker is run on a defect that it must find: in the disk, the bus, the clock or the door where
//! the server has one, else in what was seen.

use std::sync::Arc;

use intervalo::domain::command::Actor;
use intervalo::domain::entitlement::AtRisk;
use intervalo::domain::event::{
    AgentEvent, AgentEventBody, Cause, PauseEnded, Queued, Shift, TenantEvent, TenantEventBody,
};
use intervalo::domain::id::{AgentSeq, PauseId};
use intervalo::domain::record::PauseCorrected;
use intervalo::domain::time::{Timestamp, minutes};
use intervalo::ports::{Entry, EntryBody};

use super::check;
use super::defect::Defect;
use super::evidence::Evidence;
use super::run::run;

/// How many seeds a defect may take to show.
const SEEDS: u64 = 40;
/// How many may pass until one has what is to be doctored; some of it is rare.
const SEEDS_TO_DOCTOR: u64 = 400;

fn is_found(defect: Defect, promise: &str) {
    let found = (0..SEEDS).find(|seed| run(*seed, Some(defect)).breaks(promise));
    assert!(found.is_some(), "{defect:?} does not show as {promise} in {SEEDS} seeds");
}

#[test]
fn promise_d2_a_disk_that_answers_before_it_syncs_is_found() {
    is_found(Defect::AnswersBeforeSync, "D2");
}

#[test]
fn promise_d3_ops_that_are_forgotten_with_the_server_are_found() {
    is_found(Defect::OpsForgotten, "D3");
}

#[test]
fn promise_d4_a_failure_that_is_hidden_is_found() {
    is_found(Defect::FailureHidden, "D4");
}

#[test]
fn promise_d5_what_is_answered_before_it_is_written_is_found() {
    is_found(Defect::AnswersBeforeWrite, "D5");
}

#[test]
fn promise_d6_a_state_that_is_not_the_fold_is_found() {
    is_found(Defect::StateBehind, "D6");
}

#[test]
fn semantics_4_a_start_that_a_rule_stands_against_is_found() {
    is_found(Defect::UsageForgotten, "§4");
}

#[test]
fn semantics_4_a_pause_in_the_middle_of_work_is_found() {
    is_found(Defect::WorkIgnored, "§4");
}

#[test]
fn promise_c6_more_on_pauses_than_the_caps_allow_are_found() {
    is_found(Defect::CapsForgotten, "C6");
}

#[test]
fn promise_c6_a_place_in_line_that_is_not_the_one_behind_the_next_is_found() {
    doctored_is_found("C6", |journal, at| {
        let (entry, _) = &mut journal[at];
        let EntryBody::Agent { event, .. } = &mut entry.body else { return false };
        let AgentEventBody::OfferExpired { offer, place: Some(place) } = event.body else { return false };
        let body = AgentEventBody::OfferExpired { offer, place: Some(place.next()) };
        *event = Arc::new(AgentEvent { body, ..(**event).clone() });
        true
    });
}

#[test]
fn semantics_4_a_risk_that_is_told_with_another_number_is_found() {
    doctored_is_found("§4", |journal, at| {
        let (entry, _) = &mut journal[at];
        let EntryBody::Agent { event, .. } = &mut entry.body else { return false };
        let AgentEventBody::EntitlementAtRisk(risk) = &event.body else { return false };
        let body = AgentEventBody::EntitlementAtRisk(Box::new(AtRisk { owed: risk.owed + 1, ..(**risk).clone() }));
        *event = Arc::new(AgentEvent { body, ..(**event).clone() });
        true
    });
}

#[test]
fn semantics_4_a_line_that_is_joined_for_another_hour_is_found() {
    doctored_is_found("§4", |journal, at| {
        let (entry, _) = &mut journal[at];
        let EntryBody::Agent { event, .. } = &mut entry.body else { return false };
        let AgentEventBody::Queued(queued) = &event.body else { return false };
        let Some(opens_at) = queued.opens_at else { return false };
        let opens_at = Some(Timestamp(opens_at.0 + 3_600_000));
        let body = AgentEventBody::Queued(Box::new(Queued { opens_at, ..(**queued).clone() }));
        *event = Arc::new(AgentEvent { body, ..(**event).clone() });
        true
    });
}

#[test]
fn semantics_2_declared_shifts_that_are_forgotten_with_the_server_are_found() {
    is_found(Defect::ShiftsForgotten, "§2");
}

#[test]
fn semantics_2_a_late_return_to_a_protected_pause_in_another_shift_is_found() {
    doctored_is_found("§2", |journal, at| {
        alter(journal, at, |event| {
            let AgentEventBody::Connected { shift: Some(shift) } = event.body else { return None };
            let started_at = Timestamp(shift.started_at.0 - 1);
            Some(AgentEventBody::Connected { shift: Some(Shift { started_at, ..shift }) })
        })
    });
}

#[test]
fn semantics_2_a_late_return_to_a_protected_pause_in_no_shift_is_found() {
    doctored_is_found("§2", |journal, at| {
        alter(journal, at, |event| {
            let AgentEventBody::Connected { shift: Some(_) } = event.body else { return None };
            Some(AgentEventBody::Connected { shift: None })
        })
    });
}

#[test]
fn semantics_4_a_start_at_the_end_of_a_shift_is_found() {
    doctored_is_found("§4", |journal, at| {
        alter(journal, at, |event| {
            let AgentEventBody::FindingRecorded { code, pause } = &event.body else { return None };
            let code = (code == "waived_shift_tail").then(|| "waived_nothing".to_owned())?;
            Some(AgentEventBody::FindingRecorded { code, pause: *pause })
        })
    });
}

#[test]
fn semantics_4_a_rest_that_may_begin_at_another_time_is_found() {
    doctored_is_found("§4", |journal, at| {
        alter(journal, at, |event| {
            let AgentEventBody::PauseStarted(started) = &event.body else { return None };
            let mut started = started.clone();
            let right = started.terms.as_mut()?.right.as_mut()?;
            right.from = Timestamp(right.from.0 + 1);
            Some(AgentEventBody::PauseStarted(started))
        })
    });
}

#[test]
fn semantics_5_a_pause_that_is_taken_for_abandoned_too_early_is_found() {
    doctored_is_found("§5", |journal, at| {
        let (entry, _) = &mut journal[at];
        let EntryBody::Agent { event, .. } = &mut entry.body else { return false };
        let AgentEventBody::PauseEnded(ended) = &event.body else { return false };
        let ended = PauseEnded { last_seen_at: Some(event.at), ..ended.clone() };
        let body = AgentEventBody::PauseEnded(ended);
        *event = Arc::new(AgentEvent { cause: Cause::Abandoned, body, ..(**event).clone() });
        true
    });
}

#[test]
fn semantics_5_a_pause_that_is_taken_for_abandoned_too_late_is_found() {
    doctored_is_found("§5", |journal, at| {
        let (entry, ended_at) = journal[at].clone();
        let EntryBody::Agent { event, .. } = &entry.body else { return false };
        // The server goes on for some seconds after it.
        let mut after = journal[at..].windows(2).take_while(|next| next[1].1.since(next[0].1) < minutes(1));
        let goes_on = after.any(|next| next[1].1.since(ended_at) > minutes(2));
        let abandoned = event.cause == Cause::Abandoned && event.due_at == Some(event.at) && goes_on;
        if abandoned {
            journal[at].1 = ended_at + minutes(2);
        }
        abandoned
    });
}

#[test]
fn semantics_5_a_version_before_its_time_is_found() {
    is_found(Defect::PublishesEarly, "§5");
}

#[test]
fn semantics_5_plans_that_are_forgotten_with_the_server_are_found() {
    is_found(Defect::PlansForgotten, "§5");
}

#[test]
fn semantics_5_running_pauses_that_are_not_loosened_are_found() {
    is_found(Defect::LoosensNobody, "§5");
}

#[test]
fn semantics_5_a_pause_that_is_loosened_to_another_limit_is_found() {
    doctored_is_found("§5", |journal, at| {
        alter(journal, at, |event| {
            let AgentEventBody::PauseExtended { pause, by } = &event.body else { return None };
            // Of a supervisor's own nobody knows how long it was to be.
            matches!(event.actor, Actor::Admin(_)).then_some(())?;
            Some(AgentEventBody::PauseExtended { pause: *pause, by: *by * 2 })
        })
    });
}

#[test]
fn semantics_5_a_gap_in_the_versions_is_found() {
    doctored_is_found("§5", |journal, at| {
        let (entry, _) = &mut journal[at];
        let EntryBody::Tenant { event, .. } = &mut entry.body else { return false };
        let TenantEventBody::PolicyPublished { version, reason } = &event.body else { return false };
        let body = TenantEventBody::PolicyPublished { version: version.next(), reason: reason.clone() };
        *event = Arc::new(TenantEvent { body, ..(**event).clone() });
        true
    });
}

#[test]
fn semantics_8_a_correction_of_an_end_that_was_corrected_before_is_found() {
    is_found(Defect::CorrectionsUnseen, "§8");
}

#[test]
fn promise_d6_a_record_without_its_correction_is_found() {
    is_found(Defect::CorrectionsUnseen, "D6");
}

#[test]
fn semantics_8_a_correction_to_an_end_that_cannot_be_is_found() {
    doctored_is_found("§8", |journal, at| {
        alter(journal, at, |event| {
            let AgentEventBody::PauseCorrected(corrected) = &event.body else { return None };
            let ended_at = Timestamp(event.at.0 + 1);
            Some(AgentEventBody::PauseCorrected(Box::new(PauseCorrected { ended_at, ..(**corrected).clone() })))
        })
    });
}

#[test]
fn semantics_8_an_annotation_of_a_pause_that_is_not_is_found() {
    doctored_is_found("§8", |journal, at| {
        alter(journal, at, |event| {
            let annotated = matches!(event.body, AgentEventBody::PauseAnnotated { .. });
            annotated.then_some(AgentEventBody::PauseAnnotated { pause: PauseId(u128::MAX) })
        })
    });
}

#[test]
fn promise_c7_a_row_that_is_not_the_one_of_the_journal_is_found() {
    is_found(Defect::RowAltered, "C7");
}

#[test]
fn promise_c8_a_socket_that_is_gone_and_held_is_found() {
    is_found(Defect::SocketForgotten, "C8");
}

#[test]
fn promise_v1_a_board_that_never_hears_is_found() {
    is_found(Defect::BusCut, "V1");
}

#[test]
fn promise_v2_a_gap_that_is_papered_over_is_found() {
    is_found(Defect::GapHidden, "V2");
}

#[test]
fn promise_v3_a_silent_gap_that_nobody_notices_is_found() {
    is_found(Defect::HeadsLost, "V3");
}

#[test]
fn promise_v4_rows_that_are_older_than_their_number_are_found() {
    is_found(Defect::SeedBehind, "V4");
}

#[test]
fn promise_t1_rows_that_are_shown_before_what_is_overdue_is_written_are_found() {
    is_found(Defect::ShownUnsettled, "T1");
}

#[test]
fn promise_t1_a_clock_that_wakes_late_is_found() {
    is_found(Defect::WakesLate, "T1");
}

#[test]
fn promise_t2_a_clock_that_runs_ahead_is_found() {
    is_found(Defect::ClockAhead, "T2");
}

/// What a seed leaves behind, with the journal doctored where `doctor` first does something, is found.
fn doctored_is_found(promise: &str, doctor: impl Fn(&mut Vec<(Entry, Timestamp)>, usize) -> bool) {
    let doctored = (0..SEEDS_TO_DOCTOR).find_map(|seed| {
        let report = run(seed, None);
        assert!(report.broken.is_empty(), "{:?}", report.broken);
        let mut seen: Evidence = report.seen;
        (0..seen.durable.len()).any(|at| doctor(&mut seen.durable, at)).then_some(seen)
    });
    let seen = doctored.expect("something to doctor");
    let broken = check::all(&seen);
    assert!(broken.iter().any(|(found, _)| *found == promise), "not {promise}: {broken:?}");
}

/// Puts another body in place of that of the agent's event at `at`, where `other` has one.
fn alter(journal: &mut [(Entry, Timestamp)], at: usize, other: impl Fn(&AgentEvent) -> Option<AgentEventBody>) -> bool {
    let (entry, _) = &mut journal[at];
    let EntryBody::Agent { event, .. } = &mut entry.body else { return false };
    let Some(body) = other(event) else { return false };
    *event = Arc::new(AgentEvent { body, ..(**event).clone() });
    true
}

/// Puts an altered copy of the agent's event at `at` after it, where `alter` wants one.
fn repeat(journal: &mut Vec<(Entry, Timestamp)>, at: usize, alter: impl Fn(&AgentEvent) -> Option<AgentEvent>) -> bool {
    let (entry, durable_at) = journal[at].clone();
    let EntryBody::Agent { agent, agent_seq, event } = &entry.body else { return false };
    let Some(event) = alter(event) else { return false };
    let body = EntryBody::Agent { agent: agent.clone(), agent_seq: agent_seq.next(), event: Arc::new(event) };
    let (owner, mut seq) = (agent.clone(), entry.seq);
    journal.insert(at + 1, (Entry { body, ..entry }, durable_at));
    // The numbers after it move up, so that they are not what is found.
    for (entry, _) in &mut journal[at + 1..] {
        seq = seq.next();
        entry.seq = seq;
    }
    let mut number = AgentSeq(0);
    for (entry, _) in journal {
        if let EntryBody::Agent { agent, agent_seq, .. } = &mut entry.body
            && *agent == owner
        {
            number = number.next();
            *agent_seq = number;
        }
    }
    true
}

#[test]
fn promise_c1_a_second_pause_beside_the_first_is_found() {
    doctored_is_found("C1", |journal, at| {
        repeat(journal, at, |event| {
            let AgentEventBody::PauseStarted(started) = &event.body else { return None };
            started.terms.as_ref()?;
            let mut second = started.clone();
            second.id = PauseId(u128::MAX);
            Some(AgentEvent { body: AgentEventBody::PauseStarted(second), ..event.clone() })
        })
    });
}

#[test]
fn promise_c2_a_transition_that_is_not_listed_is_found() {
    doctored_is_found("C2", |journal, at| {
        repeat(journal, at, |event| matches!(event.body, AgentEventBody::Connected { .. }).then(|| event.clone()))
    });
}

#[test]
fn promise_c3_a_gap_in_the_numbers_is_found() {
    doctored_is_found("C3", |journal, at| {
        let in_the_middle = at == journal.len() / 2;
        if in_the_middle {
            journal.remove(at);
        }
        in_the_middle
    });
}

#[test]
fn promise_c4_a_limit_that_is_reached_twice_is_found() {
    doctored_is_found("C4", |journal, at| {
        repeat(journal, at, |event| matches!(event.body, AgentEventBody::LimitReached { .. }).then(|| event.clone()))
    });
}

#[test]
fn promise_c5_time_that_goes_back_is_found() {
    doctored_is_found("C5", |journal, at| {
        let (entry, _) = &mut journal[at];
        let EntryBody::Agent { agent_seq, event, .. } = &mut entry.body else { return false };
        if agent_seq.0 < 5 || at < 20 {
            return false;
        }
        *event = Arc::new(AgentEvent { at: Timestamp(event.at.0 - 10_000_000_000), ..(**event).clone() });
        true
    });
}
