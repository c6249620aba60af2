//! What is asked of the server when all is quiet: a board's table, and the history of pauses.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::breaches::Breaches;
use super::failure::{Failure, Outcome, While};
use super::http::{self, Answer};
use super::interrupt::Interrupt;
use super::ledger::PastPause;
use crate::board::Board;
use crate::row::Row;
use crate::watcher::{BoardWatcher, Teams};

/// After quiescence every board equals the truth within this time (`docs/promises.md`, V1).
pub(super) const SETTLED_WITHIN: Duration = Duration::from_secs(2);
/// How long a snapshot may take on a busy machine.
const SNAPSHOT_WITHIN: Duration = Duration::from_secs(20);
/// How long an answer may be put off because others came before it.
const RATE_WITHIN: Duration = Duration::from_secs(10);
/// The most pauses in one answer (`docs/protocol.md`).
const PAUSES_PER_PAGE: usize = 1000;

#[derive(Deserialize)]
struct Page {
    pauses: Vec<PauseTold>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct PauseTold {
    id: String,
    agent: String,
    ended_at: Option<serde::de::IgnoredAny>,
}

/// A board of the teams that a token is over, with its whole snapshot.
///
/// # Errors
/// [`Failure`] when it does not come.
pub(super) fn board(address: SocketAddr, token: &str) -> Outcome<Board> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.while_doing("cannot start a runtime")?;
    runtime.block_on(async {
        let url = format!("ws://{address}/v1/ws");
        let mut watcher = BoardWatcher::open(&url, token, Teams::All).await.while_doing("a board")?;
        watcher.until_whole(SNAPSHOT_WITHIN).await.while_doing("a board")?;
        Ok(watcher.close().await)
    })
}

/// What a board found against the contract.
pub(super) fn violations(board: &Board) -> Breaches {
    let mut breaches = Breaches::none();
    board.violations().iter().for_each(|violation| breaches.add(format!("a board: {violation}")));
    breaches
}

/// Everybody is there once, and connected: a board's table when all was quiet.
pub(super) fn absences(table: &BTreeMap<String, Row>, agents: impl IntoIterator<Item = String>) -> Breaches {
    let mut breaches = Breaches::none();
    for agent in agents {
        match table.get(&agent).map(|row| row.connection.as_str()) {
            Some("connected") => {}
            Some(connection) => breaches.add(format!("a board at the end: {agent} is {connection}")),
            None => breaches.add(format!("a board at the end: {agent} is missing")),
        }
    }
    breaches
}

/// Every pause that began at an instant or later, page by page.
///
/// # Errors
/// [`Failure`] when the server does not answer with it.
pub(super) fn history(address: SocketAddr, token: &str, from: &str, interrupt: &Interrupt) -> Outcome<Vec<PastPause>> {
    let mut pauses = Vec::new();
    let mut cursor = String::new();
    loop {
        interrupt.check()?;
        let path = format!("/v1/pauses?from={}&limit={PAUSES_PER_PAGE}{cursor}", escaped(from));
        let answer = patiently(|| http::get(address, &path, Some(token)))?;
        if answer.status != 200 {
            let body: String = answer.body.chars().take(300).collect();
            return Err(Failure::new(format!("GET {path} was answered with {}: {body}", answer.status)));
        }
        let page: Page = serde_json::from_str(&answer.body).while_doing(format!("GET {path}"))?;
        pauses.extend(page.pauses.into_iter().map(|pause| PastPause {
            agent: pause.agent,
            id: pause.id,
            ended: pause.ended_at.is_some(),
        }));
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={}", escaped(&next)),
            None => return Ok(pauses),
        }
    }
}

/// Asks, and asks again as often as the answer says that it comes too soon, when it says.
///
/// # Errors
/// What `ask` says.
pub(super) fn patiently(ask: impl Fn() -> Outcome<Answer>) -> Outcome<Answer> {
    let until = Instant::now() + RATE_WITHIN;
    loop {
        let answer = ask()?;
        let Some(wait) = too_soon(&answer).filter(|wait| Instant::now() + *wait < until) else { return Ok(answer) };
        let again = Instant::now() + wait;
        while Instant::now() < again {
            std::thread::park_timeout(again.saturating_duration_since(Instant::now()));
        }
    }
}

/// After how long to ask again, of an answer that says so.
fn too_soon(answer: &Answer) -> Option<Duration> {
    if answer.status != 429 {
        return None;
    }
    let problem: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
    problem.pointer("/params/retry_after_ms")?.as_u64().map(Duration::from_millis)
}

/// A value as it may stand in a query (RFC 3986 §2.3).
pub(super) fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_asked_to_wait_asks_again() {
        let asked = std::cell::Cell::new(0);
        let later = |retry_after_ms: u64| Answer {
            status: 429,
            body: format!(r#"{{"code":"rate_limited","params":{{"retry_after_ms":{retry_after_ms}}}}}"#),
        };
        let ask = |answers: &dyn Fn(u32) -> Answer| {
            asked.set(0);
            patiently(|| {
                asked.set(asked.get() + 1);
                Ok(answers(asked.get()))
            })
        };
        let page = |_| Answer { status: 200, body: "{}".to_owned() };
        let answer = ask(&|n| if n < 3 { later(1) } else { page(n) }).expect("an answer");
        assert_eq!((answer.status, asked.get()), (200, 3));
        let answer = ask(&|_| later(60_000)).expect("an answer");
        assert_eq!((answer.status, asked.get()), (429, 1), "a wait that is too long is none");
    }

    #[test]
    fn values_are_escaped() {
        assert_eq!(escaped("2026-11-22T20:57:49.123Z"), "2026-11-22T20%3A57%3A49.123Z");
        assert_eq!(escaped("a+b/é"), "a%2Bb%2F%C3%A9");
    }
}
