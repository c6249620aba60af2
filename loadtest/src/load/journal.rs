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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_is_read_as_far_as_it_matters() {
        let page = json!({
            "events": [
                { "seq": 3, "at": "2026-11-22T20:57:49.123Z", "kind": "pause.started", "agent": "ana", "agent_seq": 2,
                  "actor": { "kind": "agent", "id": "ana" }, "cause": "agent", "data": { "pause": "p", "type": "cafe", "slots": [] } },
                { "seq": 4, "at": "2026-11-22T20:57:50.000Z", "kind": "server.started", "actor": { "kind": "system" }, "cause": "system" }
            ],
            "next_cursor": "c"
        });
        let page: Page = serde_json::from_value(page).expect("a page");
        let data = EventData { pause: Some("p".to_owned()) };
        assert_eq!((page.events[0].agent.as_deref(), &page.events[0].data), (Some("ana"), &data));
        assert_eq!((page.events[1].seq, &page.events[1].agent, page.next_cursor.as_deref()), (4, &None, Some("c")));
    }
}
