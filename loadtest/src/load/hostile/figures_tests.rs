//! Figures of made-up rounds: ratios are of pairs, counts add up, and what was not taken is left out.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::load::fanout::Measured;
use crate::load::hostile::camp::Told;

fn round(reply_ms: u64, delivery_ms: u64, answers: BTreeMap<Kind, Answers>) -> Round {
    let latency = |ms| {
        let mut latency = Latency::new();
        latency.record(Duration::from_millis(ms));
        latency
    };
    Round {
        measured: Measured {
            window: Default::default(),
            time: Duration::from_secs(2),
            cpu: Some(Duration::from_secs(1)),
            generator_cores: 0.1,
            spread: Latency::new(),
            from_send: latency(delivery_ms),
            settled_in: Duration::ZERO,
        },
        replies: latency(reply_ms),
        syncs: latency(3),
        told: Told { seconds: 3.0, answers, lost: Vec::new() },
        peak_kib: Some(70_000),
        descriptors: Some(40),
        others_cores: None,
    }
}

fn figures(pairs: &[(u64, u64)]) -> HostileFigures {
    let cast = Cast { agents: 8, boards: 1, hostile: vec![(Kind::Junk, 1)] };
    let junk = Answers { clients: 1, connections: 2, errors: 19, closes: [(1008, 1)].into(), ..Answers::default() };
    let pairs: Vec<Pair> = pairs
        .iter()
        .map(|(without, with)| Pair {
            without: round(*without, 2 * without, BTreeMap::new()),
            with: round(*with, 4 * with, BTreeMap::from([(Kind::Junk, junk.clone())])),
        })
        .collect();
    HostileFigures::of(&cast, &pairs, Some(MemoryFigures::of(20_000, 10, 0))).expect("figures")
}

#[test]
fn promise_r5_the_ratio_is_of_pairs_and_one_that_is_too_high_is_told() {
    let fine = figures(&[(10, 12), (20, 28), (30, 30)]);
    let ratio = fine.p99_by_without;
    assert!((ratio.median - 1.2).abs() < 0.01 && (ratio.max - 1.4).abs() < 0.01, "{ratio:?}");
    assert!((fine.deliveries_p99_by_without.median - 2.4).abs() < 0.01, "{:?}", fine.deliveries_p99_by_without);
    assert_eq!(fine.notes(), Vec::<String>::new());
    let slow = figures(&[(10, 16), (20, 32), (30, 30)]);
    let notes = slow.notes();
    assert_eq!(notes, ["replies: p99 with hostile clients is 1.60 times that without them; promise R5 allows 1.5"]);
}

#[test]
fn the_names_in_json_stay() {
    let written = serde_json::to_value(figures(&[(10, 12), (10, 12)])).expect("JSON");
    let names = |value: &serde_json::Value| -> Vec<String> {
        let mut names: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
        names.sort();
        names
    };
    let all = [
        "answers",
        "deliveries_p99_by_without",
        "hostile_s",
        "memory",
        "p50_by_without",
        "p99_by_without",
        "with",
        "without",
    ];
    assert_eq!(names(&written), all);
    let of_rounds =
        ["deliveries", "generator_cores", "replies", "server_cores", "server_descriptors", "server_peak_kib", "syncs"];
    assert_eq!(names(&written["with"]), of_rounds, "what a thread used is not told apart");
    assert_eq!(written["with"]["server_cores"], json!({ "median": 0.5, "min": 0.5, "max": 0.5, "count": 2 }));
    let junk = &written["answers"]["junk"];
    assert_eq!((&junk["clients"], &junk["errors"], &junk["closes"]), (&json!(1), &json!(38), &json!({ "1008": 2 })));
    assert_eq!(written["hostile_s"], 6.0);
    assert_eq!(written["memory"]["bound_kib"], 20_160);
}

#[test]
fn the_tables_name_both_sides_and_each_kind() {
    let shown = figures(&[(10, 12)]).shown();
    let line = |start: &str| shown.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
    assert!(line("reply p99 ms").contains("10.0") && line("reply p99 ms").contains("1.20"), "{shown}");
    assert!(line("a sync meanwhile p99 ms").contains("3.0"), "{shown}");
    assert!(line("junk").contains("1008: 1"), "{shown}");
    assert!(shown.contains("bound 20160 (16 × 10 connections + 256 × 0 that do not read), not held"), "{shown}");
}

#[test]
fn a_round_without_a_reply_is_no_figure() {
    let cast = Cast { agents: 8, boards: 1, hostile: vec![(Kind::Junk, 1)] };
    let silent = Round { replies: Latency::new(), ..round(1, 1, BTreeMap::new()) };
    let pairs = [Pair { without: round(1, 1, BTreeMap::new()), with: silent }];
    let told = HostileFigures::of(&cast, &pairs, None).expect_err("none").to_string();
    assert_eq!(told, "nothing was answered or shown in the time; give more --time");
}
