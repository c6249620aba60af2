//! The journal as the server tells it (`GET /v1/audit`): the order in which everything came about.

use std::net::SocketAddr;

use serde::Deserialize;

use super::failure::{Failure, Outcome, While};
use super::http;
use super::interrupt::Interrupt;
use super::looking_back::{escaped, patiently};

/// The most events in one answer (`docs/protocol.md`).
const EVENTS_PER_PAGE: usize = 1000;

/// One event, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Event {
    /// Its number within the tenant.
    pub(super) seq: u64,
    /// When, as it is written.
    pub(super) at: String,
    /// What happened.
    pub(super) kind: String,
    /// To whom.
    pub(super) agent: Option<String>,
    /// More.
    #[serde(default)]
    pub(super) data: EventData,
}

/// What belongs to an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct EventData {
    /// Which pause.
    pub(super) pause: Option<String>,
    /// Of which type.
    #[serde(rename = "type")]
    pub(super) pause_type: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    events: Vec<Event>,
    next_cursor: Option<String>,
}

/// All events of some kinds, from an instant on where one is given, page by page, in the order of their numbers.
///
/// # Errors
/// [`Failure`] when the server does not answer with them.
pub(super) fn journal(
    address: SocketAddr,
    token: &str,
    kinds: &[&str],
    from: Option<&str>,
    interrupt: &Interrupt,
) -> Outcome<Vec<Event>> {
    let from = from.map(|from| format!("&from={}", escaped(from))).unwrap_or_default();
    let asked = format!("/v1/audit?kind={}{from}&limit={EVENTS_PER_PAGE}", escaped(&kinds.join(",")));
    let mut events = Vec::new();
    let mut cursor = String::new();
    loop {
        interrupt.check()?;
        let path = format!("{asked}{cursor}");
        let answer = patiently(|| http::get(address, &path, Some(token)))?;
        if answer.status != 200 {
            let body: String = answer.body.chars().take(300).collect();
            return Err(Failure::new(format!("GET {path} was answered with {}: {body}", answer.status)));
        }
        let page: Page = serde_json::from_str(&answer.body).while_doing(format!("GET {path}"))?;
        events.extend(page.events);
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={}", escaped(&next)),
            None => return Ok(events),
        }
    }
}
