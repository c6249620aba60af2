//! The figures of made-up pairs.

use std::time::Duration;

use serde_json::json;

use super::*;

fn latency(millis: u64) -> Latency {
    let mut latency = Latency::new();
    latency.record(Duration::from_millis(millis));
    latency
}

fn pair(cpu: Option<u64>) -> Pair {
    Pair {
        floor: Turn { per_second: 8000.0, took: latency(2), cpu: Some(Duration::from_millis(40)) },
        server: Turn { per_second: 2000.0, took: latency(30), cpu: cpu.map(Duration::from_millis) },
        syncs: latency(10),
        put_off: 1,
        generator_cores: 0.25,
    }
}

fn figures() -> SigninFigures {
    SigninFigures::of(1000, &[pair(Some(100)), pair(Some(200))]).expect("figures")
}

#[test]
fn the_names_in_json_stay_and_ratios_are_of_pairs() {
    let written = serde_json::to_value(figures()).expect("JSON");
    let mut names: Vec<&String> = written.as_object().expect("an object").keys().collect();
    names.sort();
    let all = [
        "cpu_by_floor",
        "floor",
        "floor_cpu_us_per_sign_in",
        "generator_cores",
        "longest_beyond_sync_ms",
        "longest_ms",
        "longest_sync_ms",
        "per_second_of_floor",
        "server",
        "server_cpu_us_per_sign_in",
        "sign_ins_put_off",
        "sync",
    ];
    assert_eq!(names, all);
    assert_eq!(written["cpu_by_floor"], json!({ "median": 3.75, "min": 2.5, "max": 5.0, "count": 2 }));
    assert_eq!(written["server_cpu_us_per_sign_in"]["median"], 150.0);
    assert_eq!((&written["per_second_of_floor"]["max"], &written["sign_ins_put_off"]), (&json!(0.25), &json!(2)));
    let beyond = written["longest_beyond_sync_ms"]["median"].as_f64().expect("a number");
    assert!((beyond / 20.0 - 1.0).abs() < 0.01, "{beyond}");
}

#[test]
fn a_server_whose_process_is_not_known_has_rates_and_times() {
    let figures = SigninFigures::of(1000, &[pair(None)]).expect("figures");
    assert_eq!((figures.server_cpu_us_per_sign_in, figures.cpu_by_floor), (None, None));
    let written = serde_json::to_value(&figures).expect("JSON");
    assert_eq!((written.get("cpu_by_floor"), &written["floor_cpu_us_per_sign_in"]["count"]), (None, &json!(1)));
    let shown = figures.shown();
    let line = shown.lines().find(|line| line.starts_with("CPU per sign-in ÷ floor")).expect("a line");
    assert!(line.ends_with(" –"), "{shown}");
}

#[test]
fn the_tables_name_both_sides() {
    let shown = figures().shown();
    for start in ["server", "floor", "longest sync meanwhile ms"] {
        assert!(shown.lines().any(|line| line.starts_with(start)), "{shown}");
    }
    assert!(shown.contains("3.75 (2.50–5.00)"), "{shown}");
    assert!(SigninFigures::of(0, &[]).is_err());
}
