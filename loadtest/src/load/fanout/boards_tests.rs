//! Two boards that are told the truth, and every way in which they could not be.

use serde_json::json;

use super::*;
use crate::load::fanout::frames::FRAMES_MAX;

fn row(agent: &str, version: u64, status: &str) -> Value {
    let mut row = json!({
        "agent": agent, "name": agent, "teams": ["todos"], "zone": "UTC", "version": version, "presence": status,
        "presence_since": "x", "status": status, "since": "x", "connection": "connected",
        "routable": status == "available", "occupancy": {}, "wrap_up": false, "actor": { "kind": "agent" },
        "cause": "agent"
    });
    if status == "paused" {
        row["routable_reason"] = json!("paused");
        row["pause"] = json!({ "id": format!("p{version}"), "type": "cafe", "started_at": "x", "overrun": false });
    }
    row
}

fn frame(result: &Value) -> Vec<u8> {
    json!({ "jsonrpc": "2.0", "method": "board.changed", "params": { "subscription": "s", "result": result } })
        .to_string()
        .into_bytes()
}

fn part(part: u64, parts: u64, to: u64, agents: &[Value]) -> Vec<u8> {
    frame(&json!({ "kind": "snapshot", "part": part, "parts": parts, "to": to, "cursor": "c", "agents": agents }))
}

fn changes(from: u64, to: u64, agents: &[Value]) -> Vec<u8> {
    let result = json!({ "kind": "changes", "from": from, "to": to, "cursor": "c", "agents": agents, "removed": [] });
    frame(&result)
}

fn beat(to: u64) -> Vec<u8> {
    frame(&json!({ "kind": "beat", "to": to, "cursor": "c" }))
}

fn whole(to: u64) -> Vec<u8> {
    part(0, 1, to, &[row("ana", 2, "available"), row("bia", 2, "available")])
}

fn whole_at(to: u64, ana: u64, bia: u64) -> Vec<u8> {
    part(0, 1, to, &[row("ana", ana, "available"), row("bia", bia, "available")])
}

/// Counts what is told of rows.
#[derive(Default)]
struct Told {
    met: usize,
    shown: usize,
}

impl Rows for Told {
    fn met(&mut self, _: RowId, _: &Shown, _: Instant) {
        self.met += 1;
    }

    fn shown(&mut self, _: RowId, _: Instant) {
        self.shown += 1;
    }
}

fn boards(frames: &[(usize, Vec<u8>)]) -> (Boards, Told) {
    let mut boards = Boards::of(2, vec!["ana".to_owned(), "bia".to_owned()]);
    let mut told = Told::default();
    for (board, text) in frames {
        boards.take(*board, text, Instant::now(), &mut told);
    }
    (boards, told)
}

fn state(status: &str, pause: Option<&str>) -> Expected {
    Expected { status: status.to_owned(), pause: pause.map(str::to_owned) }
}

/// Both boards up to 7: the second one missed 6 and was caught up in one frame.
fn day() -> Vec<(usize, Vec<u8>)> {
    let (paused, back) = (row("ana", 3, "paused"), row("ana", 4, "available"));
    vec![
        (0, whole(5)),
        (1, part(0, 2, 5, &[row("ana", 2, "available")])),
        (1, part(1, 2, 5, &[row("bia", 2, "available")])),
        (0, changes(5, 6, std::slice::from_ref(&paused))),
        (0, changes(6, 7, std::slice::from_ref(&back))),
        (1, changes(5, 7, std::slice::from_ref(&back))),
        (0, beat(7)),
        (1, part(0, 1, 7, &[back, row("bia", 2, "available")])),
    ]
}

#[test]
fn boards_that_are_told_the_truth_have_no_breach() {
    let (mut boards, told) = boards(&day());
    assert_eq!((boards.whole(), told.met, told.shown), (2, 4, 7));
    assert!(boards.show(&[4, 2]) && !boards.show(&[3, 2]));
    boards.compare(&[(state("available", None), 4), (state("available", None), 2)]);
    assert_eq!(boards.into_breaches(), Breaches::none());
}

#[test]
fn every_planted_breach_is_found() {
    let paused = row("ana", 3, "paused");
    let mut other = row("ana", 3, "paused");
    other["pause"]["id"] = json!("other");
    let removed = json!({ "kind": "changes", "from": 5, "to": 6, "cursor": "c", "agents": [], "removed": ["ana"] });
    let start = || vec![(1, whole(5))];
    let then = |frames: Vec<(usize, Vec<u8>)>| start().into_iter().chain(frames).collect::<Vec<_>>();
    let cases = [
        (then(vec![(1, changes(6, 7, &[]))]), "board 1: changes from 6 came where Some(5) was shown"),
        (then(vec![(1, changes(4, 7, &[]))]), "board 1: changes from 4 came where Some(5) was shown"),
        (vec![(1, changes(0, 7, &[]))], "board 1: changes from 0 came where None was shown"),
        (then(vec![(1, changes(5, 4, &[]))]), "board 1: changes from 5 end at 4"),
        (then(vec![(1, beat(6))]), "board 1: a beat at 6 came where Some(5) was shown"),
        (
            then(vec![(1, changes(5, 6, &[row("ana", 1, "available")]))]),
            "board 1: agent 0 went back from version Some(2) to 1",
        ),
        (
            then(vec![(0, whole(5)), (0, changes(5, 6, &[paused])), (1, changes(5, 6, &[other]))]),
            "board 1: ana has two states at one version",
        ),
        (then(vec![(1, whole(4))]), "board 1: a snapshot up to 4 came after Some(5) was shown"),
        (vec![(1, part(1, 2, 5, &[]))], "board 1: part 1 of a snapshot came without part 0"),
        (vec![(1, part(0, 3, 5, &[])), (1, part(2, 3, 5, &[]))], "board 1: part 2 of 3 up to 5 came where (1, 3, 5)"),
        (vec![(1, part(0, 2, 5, &[])), (1, beat(5))], "board 1: a frame came between the parts of a snapshot"),
        (vec![(1, part(0, 1, 5, &[row("ana", 2, "available")]))], "board 1: a snapshot shows 1 agents of 2"),
        (then(vec![(1, changes(5, 6, &[row("caio", 1, "available")]))]), "board 1: a board shows caio"),
        (then(vec![(1, frame(&removed))]), "board 1: agent 0 was removed"),
        (then(vec![(1, frame(&json!({ "kind": "stale", "since": "x" })))]), "board 1 was told that the truth"),
        (then(vec![(1, frame(&json!({ "kind": "news" })))]), "board 1: a frame of the unknown kind"),
        (then(vec![(1, b"{".to_vec())]), "board 1: a frame cannot be read"),
        (then(vec![(0, whole(5)), (0, changes(6, 7, &[]))]), "board 0: changes from 6 came after 5"),
    ];
    for (frames, expected) in cases {
        let (boards, _) = boards(&frames);
        let breaches = boards.into_breaches();
        assert!(breaches.list().iter().any(|breach| breach.starts_with(expected)), "{expected}: {breaches:#?}");
    }
}

#[test]
fn a_board_that_does_not_end_at_the_truth_is_found() {
    let mut frames = day();
    frames.retain(|(board, _)| *board == 0);
    frames.insert(1, (1, whole(5)));
    let (mut boards, _) = boards(&frames);
    assert!(!boards.show(&[4, 2]));
    boards.compare(&[(state("available", None), 4), (state("available", None), 2)]);
    let breaches = boards.into_breaches();
    assert_eq!(breaches.count(), 1, "{breaches:#?}");
    assert!(breaches.list()[0].starts_with("board 1 and 0 others show Some(Shown"), "{breaches:#?}");
}

#[test]
fn rows_that_no_board_shows_any_more_are_forgotten_and_the_others_are_not() {
    let (mut boards, mut told) = boards(&[(0, whole(5)), (1, whole(5))]);
    let count = 2 * FRAMES_MAX as u64;
    for n in 0..count {
        let agent = if n % 2 == 0 { "ana" } else { "bia" };
        let text = changes(5 + n, 6 + n, &[row(agent, 6 + n, "available")]);
        for board in 0..2 {
            boards.take(board, &text, Instant::now(), &mut told);
        }
    }
    let met = told.met;
    boards.forget();
    assert!(met > 2 * FRAMES_MAX && boards.frames.kept() <= FRAMES_MAX, "{met}, {}", boards.frames.kept());
    boards.take(1, &whole_at(5 + count, 4 + count, 5 + count), Instant::now(), &mut told);
    assert_eq!(told.met, met, "what is on a board is known");
    boards.compare(&[(state("available", None), 4 + count), (state("available", None), 5 + count)]);
    assert_eq!(boards.into_breaches(), Breaches::none());
}

#[test]
fn who_was_lost_is_behind_until_the_snapshot_is_whole() {
    let (mut boards, mut told) =
        boards(&[(0, whole(5)), (1, whole(5)), (1, part(0, 2, 6, &[row("ana", 3, "paused")]))]);
    boards.lost(1);
    assert!(boards.is_behind(1) && !boards.is_behind(0));
    boards.take(1, &part(0, 2, 7, &[row("ana", 4, "available")]), Instant::now(), &mut told);
    assert!(boards.is_behind(1));
    boards.take(1, &part(1, 2, 7, &[row("bia", 2, "available")]), Instant::now(), &mut told);
    assert!(!boards.is_behind(1));
    assert_eq!(boards.into_breaches(), Breaches::none());
}
