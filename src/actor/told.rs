//! What an agent's sockets are told of events, apart from the state that they lead to.

use std::sync::Arc;

use super::session::{AnnotationTold, CorrectionTold, Notice};
use crate::domain::agent::Agent;
use crate::domain::command::Actor;
use crate::domain::event::{AgentEvent, AgentEventBody};
use crate::domain::id::{PauseId, PauseTypeCode};
use crate::domain::time::Timestamp;

/// What there is to tell.
#[derive(Default)]
pub(super) struct Told {
    /// Warnings, limits, offers and what was said of recorded pauses, in order.
    pub(super) notices: Vec<Notice>,
    /// The places of the events by which a request was made, or something became of one.
    pub(super) asked: Vec<usize>,
    /// The last notice of a session.
    pub(super) signed_out: Option<Notice>,
}

impl Told {
    /// What these events are, which lead from `before` to `after`.
    pub(super) fn of(events: &[AgentEvent], before: &Agent, after: &Agent) -> Told {
        let mut told = Told::default();
        for (place, event) in events.iter().enumerate() {
            match &event.body {
                AgentEventBody::PauseWarned { .. } => {
                    told.notices.extend(running_pause(before).map(|(pause, pause_type, limit_at)| {
                        Notice::PauseWarned { pause, pause_type, at: event.at, limit_at }
                    }));
                }
                AgentEventBody::LimitReached { .. } => {
                    told.notices.extend(running_pause(before).map(|(pause, pause_type, limit_at)| {
                        Notice::LimitReached { pause, pause_type, at: event.at, limit_at }
                    }));
                }
                AgentEventBody::Offered { .. } => {
                    let waiting = after.queue.as_deref();
                    told.notices.extend(waiting.and_then(|waiting| {
                        let (offer, pause_type) = (waiting.offer?, waiting.pause_type.clone());
                        Some(Notice::Offered { offer: offer.id, pause_type, expires_at: offer.expires_at()? })
                    }));
                }
                AgentEventBody::RequestCreated(_)
                | AgentEventBody::RequestDecided { .. }
                | AgentEventBody::RequestExpired { .. }
                | AgentEventBody::RequestCancelled { .. } => told.asked.push(place),
                AgentEventBody::PauseCorrected(corrected) => {
                    let (corrected, by, reason) = (*corrected.clone(), event.actor.clone(), event.reason.clone());
                    let correction = CorrectionTold { corrected, at: event.at, by, reason };
                    told.notices.push(Notice::PauseCorrected(Arc::new(correction)));
                }
                AgentEventBody::PauseAnnotated { pause } => {
                    let (pause, by, text) = (*pause, event.actor.clone(), event.reason.clone());
                    let annotation = AnnotationTold { pause, at: event.at, by, text };
                    told.notices.push(Notice::PauseAnnotated(Arc::new(annotation)));
                }
                AgentEventBody::SignedOut | AgentEventBody::Deactivated => {
                    told.signed_out = Some(sign_out_notice(event))
                }
                AgentEventBody::Connected { .. }
                | AgentEventBody::GraceBegan { .. }
                | AgentEventBody::ConnectionLost { .. }
                | AgentEventBody::SignedIn { .. }
                | AgentEventBody::Resumed { .. }
                | AgentEventBody::StatusChanged { .. }
                | AgentEventBody::PauseRefused { .. }
                | AgentEventBody::PendingSet(_)
                | AgentEventBody::PendingCancelled
                | AgentEventBody::Deferred(_)
                | AgentEventBody::DeferralEnded { .. }
                | AgentEventBody::OccupancyChanged(_)
                | AgentEventBody::GrantUsed { .. }
                | AgentEventBody::AlertAcknowledged { .. }
                | AgentEventBody::Queued(_)
                | AgentEventBody::LeftQueue { .. }
                | AgentEventBody::OfferExpired { .. }
                | AgentEventBody::ShiftPlanned(_)
                | AgentEventBody::ShiftCancelled { .. }
                | AgentEventBody::PauseStarted(_)
                | AgentEventBody::Overran { .. }
                | AgentEventBody::Escalated { .. }
                | AgentEventBody::PauseExtended { .. }
                | AgentEventBody::PauseEnded(_)
                | AgentEventBody::EntitlementAtRisk(_)
                | AgentEventBody::FindingRecorded { .. } => {}
            }
        }
        told
    }
}

fn running_pause(agent: &Agent) -> Option<(PauseId, PauseTypeCode, Timestamp)> {
    let pause = agent.pause()?;
    Some((pause.id, pause.pause_type.clone(), pause.limit_at()?))
}

fn sign_out_notice(event: &AgentEvent) -> Notice {
    let by_agent = matches!(event.actor, Actor::Agent(_));
    let message = event.reason.clone().unwrap_or_else(|| format!("signed out: {}", event.cause.as_str()));
    Notice::SignedOut { cause: event.cause, by_agent, message }
}
