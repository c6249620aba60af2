//! Pauses as a journal of events tells them, for what is said of them afterwards: what a store answers, in plain steps.

use intervalo::domain::event::{AgentEvent, AgentEventBody, PauseStarted};
use intervalo::domain::id::{AgentId, PauseId};
use intervalo::domain::record::{EndsBefore, Measures, RecordedEnd, RecordedPause};

use crate::script::started;
use crate::trace::Entry;

/// All pauses of a journal, in the order in which they began.
pub(crate) fn all(id: &AgentId, journal: &[Entry]) -> Vec<RecordedPause> {
    let mut pauses: Vec<RecordedPause> = Vec::new();
    for event in journal.iter().filter_map(Entry::event) {
        if let Some(started) = started(event) {
            pauses.push(begun(id, event, started));
        }
        tell(&mut pauses, event);
    }
    let around: Vec<_> = (0..pauses.len()).map(|at| around(&pauses, at)).collect();
    for (pause, (next_started_at, before)) in pauses.iter_mut().zip(around) {
        (pause.next_started_at, pause.before) = (next_started_at, before);
    }
    pauses
}

fn begun(id: &AgentId, event: &AgentEvent, started: &PauseStarted) -> RecordedPause {
    RecordedPause {
        agent: id.clone(),
        id: started.id,
        pause_type: started.pause_type.clone(),
        measures: started.terms.as_ref().map(|terms| Measures {
            min_duration: terms.min_duration,
            refund_under: terms.refund_under,
            limit: terms.limit,
            grace: terms.grace,
            overran_at: None,
            right: terms.right,
        }),
        period: started.place.period(),
        started_at: event.at,
        ended: None,
        next_started_at: None,
        before: EndsBefore::default(),
        annotations: 0,
    }
}

fn tell(pauses: &mut [RecordedPause], event: &AgentEvent) {
    if let AgentEventBody::PauseExtended { pause, by } = &event.body {
        let limit = found(pauses, *pause).measures.as_mut().and_then(|measures| measures.limit.as_mut());
        *limit.expect("a pause with a limit") += *by;
    }
    if let AgentEventBody::Overran { pause, .. } = &event.body {
        found(pauses, *pause).measures.as_mut().expect("a pause with a limit").overran_at = event.due_at;
    }
    if let AgentEventBody::PauseEnded(ended) = &event.body {
        let (misclick, last_seen_at) = (ended.misclick, ended.last_seen_at);
        let end = RecordedEnd { at: event.at, cause: event.cause, misclick, last_seen_at };
        found(pauses, ended.pause).ended = Some(end);
    }
    if let AgentEventBody::PauseCorrected(corrected) = &event.body {
        let end = found(pauses, corrected.pause).ended.as_mut().expect("an end");
        (end.at, end.misclick, end.last_seen_at) = (corrected.ended_at, corrected.misclick, None);
    }
    if let AgentEventBody::PauseAnnotated { pause } = &event.body {
        found(pauses, *pause).annotations += 1;
    }
}

fn found(pauses: &mut [RecordedPause], id: PauseId) -> &mut RecordedPause {
    pauses.iter_mut().find(|pause| pause.id == id).expect("a pause that began")
}

/// When the next one began that is not protected, and when those ended that came before.
fn around(pauses: &[RecordedPause], at: usize) -> (Option<intervalo::domain::time::Timestamp>, EndsBefore) {
    let next = pauses[at + 1..].iter().filter(|next| next.measures.is_some()).map(|next| next.started_at).min();
    let counting = || pauses[..at].iter().rev().filter(|pause| pause.counted().is_some());
    let end = |pause: Option<&RecordedPause>| pause.and_then(|pause| pause.ended).map(|ended| ended.at);
    let of_type = end(counting().find(|pause| pause.pause_type == pauses[at].pause_type));
    (next, EndsBefore { of_type, of_any: end(counting().next()) })
}
