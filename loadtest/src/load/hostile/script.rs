//! What each kind of client does, step by step: bytes that no library would send, and when.
//!
//! Pure: it is told how far a client is and says what comes next. The rates are bounded and stated in
//! `docs/loadtest.md`: an attacker's processor is not ours, and here it would be the server's that it takes.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kinds::Kind;
use crate::load::company::PAUSE_TYPE;
use crate::load::crowd::{PING, TEXT, upgrade_request, write_masked};
use crate::load::message::call;

/// When a client comes back that was cut off, or has vanished.
const RETURN_AFTER: Duration = Duration::from_secs(1);
/// The same of those whose whole attack is to come.
const RETURN_SOON: Duration = Duration::from_millis(500);
/// How much of a head is sent at once by who is slow with the rest.
const HEAD_START: usize = 60;
/// From one byte of a slow head to the next.
const HEAD_BYTE_EVERY: Duration = Duration::from_millis(500);
/// Pings at once; 20 are answered.
const PINGS: usize = 50;
/// Texts of junk at once, and how often. 20 end the socket.
const JUNK_AT_ONCE: usize = 8;
const JUNK_EVERY: Duration = Duration::from_millis(200);
/// Calls of a flood at first, then so many each time: 40 a second, four times what an agent may.
const FLOOD_FIRST: u64 = 40;
const FLOOD_CALLS: u64 = 20;
const FLOOD_EVERY: Duration = Duration::from_millis(500);
/// Fragments of one byte at once, how often, and after how many times the message is made too long.
const FRAGMENTS_AT_ONCE: usize = 500;
const FRAGMENTS_EVERY: Duration = Duration::from_millis(250);
const FRAGMENTS_TIMES: u32 = 4;
/// Snapshots that one who does not read asks for at first, within what a principal may call at once; each needs two
/// calls. Then one now and then, within the rate.
const SNAPSHOTS_FIRST: u32 = 10;
const SNAPSHOT_EVERY: Duration = Duration::from_millis(250);
/// How long a client waits to be cut before it looks whether it was, and then gives up.
const WAITS: Duration = Duration::from_secs(12);
/// How long one is there that vanishes in the middle of its head.
const VANISHES_AFTER: Duration = Duration::from_millis(50);
/// Every so many attempts with a bad credential are a login with a wrong password.
const LOGIN_EVERY: u32 = 8;
/// Levels of what is too deep: as many as fit into a message.
const LEVELS: usize = 60_000;

/// What clients are given to work with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Tools {
    /// Where the server is.
    pub(super) address: SocketAddr,
    /// The tenant.
    pub(super) tenant: String,
    /// A token of an agent for each client.
    pub(super) agents: Vec<String>,
    /// Tokens of supervisors, one for each board.
    pub(super) supervisors: Vec<String>,
    /// The id of their board, which depends on its teams alone.
    pub(super) subscription: String,
    /// How many snapshots are more than the system keeps for a reader.
    pub(super) snapshots: u32,
}

/// How far a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub(super) kind: Kind,
    /// Its number among all clients.
    pub(super) client: usize,
    /// Its number among those of its kind.
    pub(super) nth: usize,
    /// How many connections it had before this one.
    pub(super) attempt: u32,
    /// How often it was its turn since it was let in, or since it connected where it never is.
    pub(super) step: u32,
}

/// What a client does next.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Act {
    /// What it sends.
    pub(super) bytes: Vec<u8>,
    /// After what time it is its turn again.
    pub(super) again: Option<Duration>,
    /// And besides.
    pub(super) then: Then,
}

/// What a client does besides.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It reads what comes.
    #[default]
    Reads,
    /// It does not read.
    Stalls,
    /// It goes without a word.
    Vanishes,
    /// It gives up, for nothing has come of it.
    GivesUp,
}

impl Act {
    fn send(bytes: Vec<u8>) -> Act {
        Act { bytes, again: Some(WAITS), then: Then::Reads }
    }

    fn again(self, after: Duration) -> Act {
        Act { again: Some(after), ..self }
    }

    fn then(self, then: Then) -> Act {
        Act { then, ..self }
    }

    fn give_up() -> Act {
        Act { bytes: Vec::new(), again: None, then: Then::GivesUp }
    }
}

/// When a client comes back after its connection has ended.
pub(super) fn return_after(kind: Kind) -> Duration {
    match kind {
        Kind::BadTokens | Kind::Churn => RETURN_SOON,
        Kind::StalledBoards
        | Kind::SlowHeads
        | Kind::PingFlood
        | Kind::Junk
        | Kind::Flood
        | Kind::Fragments
        | Kind::Idle => RETURN_AFTER,
    }
}

/// What a client sends as soon as it is connected.
pub(super) fn connected(at: At, tools: &Tools) -> Act {
    let token = &tools.agents[at.client];
    let upgrade = |token: Option<&str>| upgrade_request(tools.address, token);
    // Every second one of those who need none comes without a credential.
    let own = at.nth.is_multiple_of(2).then_some(token.as_str());
    match at.kind {
        Kind::StalledBoards => Act::send(upgrade(Some(&tools.supervisors[at.nth]))),
        Kind::SlowHeads => Act::send(upgrade(own)[..HEAD_START].to_vec()).again(HEAD_BYTE_EVERY),
        Kind::PingFlood | Kind::Fragments => Act::send(upgrade(own)),
        Kind::Junk | Kind::Flood | Kind::Idle => Act::send(upgrade(Some(token))),
        Kind::BadTokens if at.attempt % LOGIN_EVERY == LOGIN_EVERY - 1 => Act::send(login(at, tools)),
        Kind::BadTokens => Act::send(upgrade(Some(&bad_token(at, token)))),
        // Each second time it vanishes in the middle of the head.
        Kind::Churn if at.attempt % 2 == 1 => Act::send(upgrade(own)[..HEAD_START].to_vec()).again(VANISHES_AFTER),
        Kind::Churn => Act::send(upgrade(own)),
    }
}

/// What a client does as soon as its upgrade is granted.
pub(super) fn let_in(at: At, tools: &Tools) -> Act {
    match at.kind {
        Kind::StalledBoards => {
            let first = tools.snapshots.min(SNAPSHOTS_FIRST);
            let bytes = (0..first).flat_map(|n| snapshot(n, tools)).collect();
            let again = if first < tools.snapshots { SNAPSHOT_EVERY } else { WAITS };
            Act { bytes, again: Some(again), then: Then::Stalls }
        }
        Kind::PingFlood => Act::send(frames(PINGS, |out| write_masked(out, PING, b"x"))),
        Kind::Junk => Act::send(junk(0)).again(JUNK_EVERY),
        Kind::Flood => Act::send(flood(0, FLOOD_FIRST)).again(FLOOD_EVERY),
        Kind::Fragments => match at.attempt % 3 {
            0 => Act::send(b"\x81\x02{}".to_vec()),
            1 => Act::send([&[0x81, 0x80 | 127][..], &(1u64 << 62).to_be_bytes(), &[0; 4]].concat()),
            _ => Act::send(fragments(true)).again(FRAGMENTS_EVERY),
        },
        Kind::Churn => Act::send(Vec::new()).then(Then::Vanishes),
        Kind::Idle => Act { bytes: text(&call(1, "session.open", "{}")), again: None, then: Then::Reads },
        // It is not let in at all; if it is, that is an answer which nobody expects.
        Kind::SlowHeads | Kind::BadTokens => Act::give_up(),
    }
}

/// What a client does when it is its turn again.
pub(super) fn again(at: At, tools: &Tools) -> Act {
    match at.kind {
        Kind::StalledBoards => {
            let number = SNAPSHOTS_FIRST.min(tools.snapshots) + at.step - 1;
            if number >= tools.snapshots {
                return Act::give_up();
            }
            let again = if number + 1 == tools.snapshots { WAITS } else { SNAPSHOT_EVERY };
            Act { bytes: snapshot(number, tools), again: Some(again), then: Then::Stalls }
        }
        Kind::SlowHeads if HEAD_BYTE_EVERY * at.step < WAITS => Act::send(b"x".to_vec()).again(HEAD_BYTE_EVERY),
        Kind::Junk if JUNK_EVERY * at.step < WAITS => Act::send(junk(at.step)).again(JUNK_EVERY),
        Kind::Flood => {
            let sent = FLOOD_FIRST + FLOOD_CALLS * u64::from(at.step - 1);
            Act::send(flood(sent, FLOOD_CALLS)).again(FLOOD_EVERY)
        }
        Kind::Fragments if at.attempt % 3 == 2 && at.step < FRAGMENTS_TIMES => {
            Act::send(fragments(false)).again(FRAGMENTS_EVERY)
        }
        Kind::Fragments if at.attempt % 3 == 2 && at.step == FRAGMENTS_TIMES => {
            // The rest of the message is said to be longer than a message may be.
            Act::send([&[0x80, 0x80 | 127][..], &((1u64 << 16) + 1).to_be_bytes(), &[0; 4]].concat())
        }
        Kind::Churn if at.attempt % 2 == 1 => Act::send(Vec::new()).then(Then::Vanishes),
        Kind::SlowHeads | Kind::PingFlood | Kind::Junk | Kind::BadTokens | Kind::Fragments | Kind::Churn => {
            Act::give_up()
        }
        // Asked to sign in again, for the server was busier than it can be.
        Kind::Idle => Act { bytes: text(&call(1, "session.open", "{}")), again: None, then: Then::Reads },
    }
}

/// What an honest client says before it goes.
pub(super) fn farewell() -> Vec<u8> {
    text(&call(2, "session.sign_out", r#"{"scope":"all"}"#))
}

fn text(message: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 8);
    write_masked(&mut out, TEXT, message.as_bytes());
    out
}

fn frames(count: usize, write: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    (0..count).for_each(|_| write(&mut out));
    out
}

/// Asks for one more snapshot of the board, and ends it again unless it is the last one.
fn snapshot(number: u32, tools: &Tools) -> Vec<u8> {
    let mut out = text(&call(u64::from(number), "board.subscribe", r#"{"teams":"all"}"#));
    if number + 1 < tools.snapshots {
        let params = format!(r#"{{"subscription":"{}"}}"#, tools.subscription);
        out.extend(text(&call(u64::from(number), "board.unsubscribe", &params)));
    }
    out
}

/// A part of what is no request: the same each time, beginning with another one.
fn junk(step: u32) -> Vec<u8> {
    let deep = "[".repeat(LEVELS);
    let wide = format!("[{}]", ["7"; 17].join(","));
    let all = [
        "{",
        r#"{"jsonrpc":"2.0","id":1,"method":"no.such"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"pause.start","params":{"type":7}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"session.ping","params":{"x":NaN}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"agent.get","params":{"unknown":true}}"#,
        r#"{"jsonrpc":"1.0","id":1,"method":"agent.get"}"#,
        wide.as_str(),
        deep.as_str(),
    ];
    let from = step as usize;
    (from..from + JUNK_AT_ONCE).flat_map(|n| text(all[n % all.len()])).collect()
}

/// Starts and ends of pauses, in turn.
fn flood(sent: u64, count: u64) -> Vec<u8> {
    let start = format!(r#"{{"type":"{PAUSE_TYPE}"}}"#);
    let each = (sent..sent + count).flat_map(|n| {
        let is_start = n % 2 == 0;
        let method = if is_start { "pause.start" } else { "pause.end" };
        text(&call(n + 1, method, if is_start { &start } else { r#"{"then":"available"}"# }))
    });
    each.collect()
}

/// Fragments of one byte; the first of a message, or more of it.
fn fragments(first: bool) -> Vec<u8> {
    let one = |opcode: u8| [opcode, 0x81, 0, 0, 0, 0, b'x'];
    let rest = std::iter::repeat_n(one(0x00), FRAGMENTS_AT_ONCE);
    first.then(|| one(0x01)).into_iter().chain(rest).flatten().collect()
}

/// Credentials that do not hold: signed with another key, not signed at all, and what is none.
fn bad_token(at: At, token: &str) -> String {
    // `{"alg":"none"}`.
    const UNSIGNED: &str = "eyJhbGciOiJub25lIn0";
    let mut parts = token.split('.');
    let (head, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match at.attempt % 3 {
        0 => format!("{head}.{claims}.{}", "A".repeat(43)),
        1 => format!("{UNSIGNED}.{claims}."),
        _ => "garbage".to_owned(),
    }
}

/// A login of somebody whom there may be, with a password that is guessed.
fn login(at: At, tools: &Tools) -> Vec<u8> {
    let body = format!(
        r#"{{"tenant":"{}","login":"pessoa-{}","password":"guess number {}"}}"#,
        tools.tenant, at.client, at.attempt
    );
    format!(
        "POST /v1/login HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        tools.address,
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::crowd::CLOSE;

    fn tools(snapshots: u32) -> Tools {
        Tools {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tenant: "acme".to_owned(),
            agents: vec!["head.claims.signature".to_owned(); 4],
            supervisors: vec!["supervisor".to_owned(); 4],
            subscription: "board".to_owned(),
            snapshots,
        }
    }

    fn at(kind: Kind, nth: usize, attempt: u32, step: u32) -> At {
        At { kind, client: nth, nth, attempt, step }
    }

    fn told(act: &Act) -> String {
        String::from_utf8_lossy(&act.bytes).into_owned()
    }

    /// The texts of masked frames, one after the other.
    fn texts(mut bytes: &[u8]) -> Vec<String> {
        let mut texts = Vec::new();
        while let [_, second, rest @ ..] = bytes {
            let (length, rest) = match second & 0x7f {
                126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
                short => (usize::from(short), rest),
            };
            let (mask, rest) = rest.split_at(4);
            let (payload, after) = rest.split_at(length);
            let plain: Vec<u8> = payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
            texts.push(String::from_utf8(plain).expect("text"));
            bytes = after;
        }
        texts
    }

    #[test]
    fn credentials_are_those_that_each_kind_comes_with() {
        let tools = tools(1);
        let first = |kind, nth, attempt| told(&connected(at(kind, nth, attempt, 0), &tools));
        assert!(first(Kind::StalledBoards, 1, 0).contains("Bearer supervisor\r\n"));
        assert!(first(Kind::Flood, 1, 0).contains("Bearer head.claims.signature\r\n"));
        assert!(first(Kind::PingFlood, 0, 0).contains("Bearer head.claims.signature\r\n"));
        assert!(!first(Kind::PingFlood, 1, 0).contains("authorization"), "every second one has none");
        let bad: Vec<String> = (0..3).map(|attempt| first(Kind::BadTokens, 0, attempt)).collect();
        assert!(bad[0].contains("Bearer head.claims.AAAA"), "{bad:?}");
        assert!(bad[1].contains("Bearer eyJhbGciOiJub25lIn0.claims.\r\n"), "{bad:?}");
        assert!(bad[2].contains("Bearer garbage\r\n"), "{bad:?}");
        let login = first(Kind::BadTokens, 2, LOGIN_EVERY - 1);
        let (head, body) = login.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("POST /v1/login") && head.ends_with(&format!("content-length: {}", body.len())));
    }

    #[test]
    fn a_board_that_does_not_read_asks_for_as_many_snapshots_as_fill_it_and_no_more() {
        let one = let_in(at(Kind::StalledBoards, 0, 0, 0), &tools(1));
        assert_eq!((one.then, one.again, texts(&one.bytes).len()), (Then::Stalls, Some(WAITS), 1));
        assert_eq!(again(at(Kind::StalledBoards, 0, 0, 1), &tools(1)).then, Then::GivesUp);
        let tools = tools(12);
        let mut asked = texts(&let_in(at(Kind::StalledBoards, 0, 0, 0), &tools).bytes);
        assert_eq!(asked.len(), 20, "within what a principal may call at once");
        for step in 1..=3 {
            asked.extend(texts(&again(at(Kind::StalledBoards, 0, 0, step), &tools).bytes));
        }
        let subscribed = asked.iter().filter(|text| text.contains("board.subscribe")).count();
        let ended = asked.iter().filter(|text| text.contains(r#"{"subscription":"board"}"#)).count();
        assert_eq!((subscribed, ended), (12, 11), "{asked:#?}");
    }

    #[test]
    fn a_flood_is_starts_and_ends_in_turn_above_the_rate() {
        let tools = tools(1);
        let mut calls = texts(&let_in(at(Kind::Flood, 0, 0, 0), &tools).bytes);
        for step in 1..=2 {
            let act = again(at(Kind::Flood, 0, 0, step), &tools);
            assert_eq!(act.again, Some(FLOOD_EVERY));
            calls.extend(texts(&act.bytes));
        }
        assert_eq!(calls.len(), 80);
        for (n, text) in calls.iter().enumerate() {
            let method = if n % 2 == 0 { "pause.start" } else { "pause.end" };
            assert!(text.contains(method) && text.contains(&format!("\"id\":{},", n + 1)), "{text}");
        }
    }

    #[test]
    fn junk_is_never_a_request_and_begins_with_another_each_time() {
        let tools = tools(1);
        let one = texts(&let_in(at(Kind::Junk, 0, 0, 0), &tools).bytes);
        let two = texts(&again(at(Kind::Junk, 0, 0, 1), &tools).bytes);
        assert_eq!((one.len(), two.len()), (JUNK_AT_ONCE, JUNK_AT_ONCE));
        assert_eq!(one[1..], two[..JUNK_AT_ONCE - 1]);
        assert!(one.iter().any(|text| text.len() == LEVELS), "one is deep");
        assert_eq!(again(at(Kind::Junk, 0, 0, 60), &tools).then, Then::GivesUp, "who is not struck out gives up");
    }

    #[test]
    fn frames_are_bent_in_three_ways() {
        let tools = tools(1);
        let first = |attempt| let_in(at(Kind::Fragments, 0, attempt, 0), &tools).bytes;
        assert_eq!(first(0), b"\x81\x02{}");
        assert_eq!(first(1)[..6], [0x81, 0xff, 0x40, 0, 0, 0]);
        assert_eq!(first(2).len(), 7 * (FRAGMENTS_AT_ONCE + 1));
        assert_eq!(first(2)[..2], [0x01, 0x81]);
        assert_eq!(first(2)[7..9], [0x00, 0x81]);
        let last = again(at(Kind::Fragments, 0, 2, FRAGMENTS_TIMES), &tools);
        assert_eq!(last.bytes[..2], [0x80, 0xff]);
        let pings = let_in(at(Kind::PingFlood, 0, 0, 0), &tools).bytes;
        assert_eq!((pings[0], pings.len()), (0x80 | PING, PINGS * 7));
        assert!(!pings.chunks(7).any(|frame| frame[0] == 0x80 | CLOSE));
    }

    #[test]
    fn who_vanishes_does_so_in_the_head_or_as_soon_as_they_are_in() {
        let tools = tools(1);
        let whole = connected(at(Kind::Churn, 0, 0, 0), &tools);
        assert_eq!(whole.then, Then::Reads);
        assert_eq!(let_in(at(Kind::Churn, 0, 0, 0), &tools).then, Then::Vanishes);
        let half = connected(at(Kind::Churn, 0, 1, 0), &tools);
        assert_eq!((half.again, half.bytes.len()), (Some(VANISHES_AFTER), HEAD_START));
        assert_eq!(again(at(Kind::Churn, 0, 1, 1), &tools).then, Then::Vanishes);
        let slow = connected(at(Kind::SlowHeads, 0, 0, 0), &tools);
        assert_eq!((slow.bytes.len(), slow.again), (HEAD_START, Some(HEAD_BYTE_EVERY)));
    }
}
