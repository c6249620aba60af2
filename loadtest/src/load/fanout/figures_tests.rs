//! Figures of made-up rounds.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::tally::Window;
use super::*;
use crate::load::latency::Latency;

fn measured(deliveries: u64, frames: u64, cpu_ms: u64, micros: u64) -> Measured {
    let mut latency = Latency::new();
    latency.record(Duration::from_micros(micros));
    Measured {
        window: Window { frames, bytes: frames * 700, deliveries, changes: deliveries / 10 },
        time: Duration::from_secs(2),
        cpu: Some(Duration::from_millis(cpu_ms)),
        generator_cores: 0.25,
        spread: latency.clone(),
        from_send: latency,
        settled_in: Duration::from_millis(5),
    }
}

fn figures() -> FanoutFigures {
    let pair = |server, floor| Pair { server, floor, peers: vec![measured(500, 500, 2, 1500)], frame_bytes: 700 };
    let pairs = [
        vec![pair(measured(1000, 500, 4, 3000), measured(1000, 1000, 2, 1000))],
        vec![
            pair(measured(3000, 600, 6, 3000), measured(1000, 1000, 2, 1000)),
            pair(measured(5000, 1000, 10, 3000), measured(1000, 1000, 2, 1000)),
        ],
    ];
    let loads = [Asking::Open { per_second: 60.0 }, Asking::Closed { window: 8 }];
    let peers = ["ws=127.0.0.1:1".parse().expect("an address")];
    FanoutFigures::of(&loads, &peers, &pairs).expect("figures")
}

fn names(value: &Value) -> Vec<String> {
    let mut names: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
    names.sort();
    names
}

#[test]
fn the_names_in_json_stay_and_ratios_are_of_pairs() {
    let written = serde_json::to_value(figures()).expect("JSON");
    let (open, closed) = (&written["loads"][0], &written["loads"][1]);
    let all = [
        "cpu_by_floor",
        "deliveries_of_floor",
        "floor",
        "frame_bytes",
        "kind",
        "p50_by_floor",
        "p99_by_floor",
        "peers",
        "rate_per_second",
        "server",
    ];
    assert_eq!(names(open), all);
    assert_eq!((&open["kind"], &closed["kind"], &closed["window"]), (&json!("open"), &json!("closed"), &json!(8)));
    let side = [
        "changes_per_frame",
        "changes_per_second",
        "cpu_us_per_delivery",
        "deliveries_per_second",
        "frames_per_second",
        "from_asking",
        "from_first_sign",
        "generator_cores",
        "settled_in_ms",
    ];
    assert_eq!(names(&open["server"]), side);
    assert_eq!(names(&open["server"]["from_first_sign"]), ["all", "p50_us", "p99_us"]);
    assert_eq!(closed["deliveries_of_floor"], json!({ "median": 4.0, "min": 3.0, "max": 5.0, "count": 2 }));
    assert_eq!(closed["cpu_by_floor"]["median"], 1.0);
    assert_eq!(closed["server"]["changes_per_frame"]["median"], 5.0);
    assert_eq!(open["server"]["cpu_us_per_delivery"]["median"], 4.0);
    assert_eq!(open["server"]["deliveries_per_second"]["median"], 500.0);
    let peer = &open["peers"][0];
    let of_peer = ["cpu_by_peer", "deliveries_by_peer", "name", "p50_by_peer", "p99_by_peer", "peer"];
    assert_eq!((names(peer), &peer["name"]), (of_peer.map(str::to_owned).to_vec(), &json!("ws")));
    assert_eq!(peer["deliveries_by_peer"]["median"], 2.0);
    // Of a histogram with three digits.
    let p50 = peer["p50_by_peer"]["median"].as_f64().expect("a number");
    assert!((p50 / 2.0 - 1.0).abs() < 0.001, "{p50}");
}

#[test]
fn the_tables_name_each_load() {
    let shown = figures().shown();
    assert!(shown.contains("60 changes/s, frames of 700 (700–700) bytes"), "{shown}");
    assert!(shown.contains("8 changes under way, frames of 700 (700–700) bytes"), "{shown}");
    let ratios: Vec<&str> = shown.lines().filter(|line| line.starts_with("deliveries /s")).collect();
    assert!(ratios[1].ends_with("4.00 (3.00–5.00)"), "{shown}");
    assert_eq!(shown.lines().filter(|line| line.starts_with("ws ")).count(), 2, "{shown}");
}

#[test]
fn a_round_without_a_delivery_is_no_figure() {
    let none = Measured { spread: Latency::new(), from_send: Latency::new(), ..measured(0, 0, 1, 1) };
    let pairs = [vec![Pair { server: none, floor: measured(1, 1, 1, 1), peers: Vec::new(), frame_bytes: 1 }]];
    let told = FanoutFigures::of(&[Asking::Closed { window: 1 }], &[], &pairs).expect_err("none").to_string();
    assert_eq!(told, "1 changes under way: nothing was done in the time; give more --time");
}
