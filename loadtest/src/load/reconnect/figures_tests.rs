//! The figures of made-up storms.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::load::fanout::Window;

fn latency(millis: u64) -> Latency {
    let mut latency = Latency::new();
    latency.record(Duration::from_millis(millis));
    latency
}

fn arrived(within: u64) -> Arrived {
    Arrived { took: latency(20), within: Duration::from_millis(within), put_off: 1 }
}

fn measured(millis: u64) -> Measured {
    Measured {
        window: Window::default(),
        time: Duration::from_secs(1),
        cpu: None,
        generator_cores: 0.2,
        spread: latency(millis),
        from_send: latency(2 * millis),
        settled_in: Duration::ZERO,
    }
}

fn round(within: u64, disturbed: Option<u64>) -> Round {
    Round {
        undisturbed: measured(2),
        disturbed: disturbed.map(measured),
        arrived: arrived(within),
        server_cpu: Some(Duration::from_millis(50)),
        generator_cores: 0.4,
        ready: disturbed.is_none().then_some(Duration::from_millis(300)),
    }
}

fn figures(rounds: Vec<Round>) -> ReconnectFigures {
    let first_cpu = Some(Duration::from_millis(100));
    ReconnectFigures::of(&Played { movers: 500, first: arrived(1000), first_cpu, rounds }).expect("figures")
}

#[test]
fn the_names_in_json_stay_and_ratios_are_of_pairs() {
    let written = serde_json::to_value(figures(vec![round(1000, Some(4)), round(500, Some(2))])).expect("JSON");
    let mut names: Vec<&String> = written.as_object().expect("an object").keys().collect();
    names.sort();
    let all = [
        "asking_p99_by_undisturbed",
        "back",
        "back_cpu_us",
        "back_of_first",
        "disturbed",
        "first",
        "first_cpu_us",
        "first_per_second",
        "first_sign_p99_by_undisturbed",
        "generator_cores",
        "movers",
        "put_off",
        "undisturbed",
    ];
    assert_eq!(names, all);
    assert_eq!(written["back_of_first"], json!({ "median": 1.5, "min": 1.0, "max": 2.0, "count": 2 }));
    let by = written["first_sign_p99_by_undisturbed"]["max"].as_f64().expect("a number");
    assert!((by / 2.0 - 1.0).abs() < 0.01, "{by}");
    assert_eq!((&written["first_cpu_us"], &written["back_cpu_us"]["median"]), (&json!(200.0), &json!(100.0)));
    assert_eq!((&written["put_off"], &written["first_per_second"]), (&json!(3), &json!(500.0)));
}

#[test]
fn a_server_that_was_killed_disturbs_nobody_who_stays() {
    let figures = figures(vec![round(2000, None)]);
    let written = serde_json::to_value(&figures).expect("JSON");
    assert_eq!((written.get("disturbed"), written.get("asking_p99_by_undisturbed")), (None, None));
    assert_eq!(written["ready_ms"]["median"], 300.0);
    let shown = figures.shown();
    assert!(!shown.contains("in storms") && shown.contains("back /s ÷ first /s"), "{shown}");
}

#[test]
fn a_storm_without_a_change_is_no_figure() {
    let none = Measured { spread: Latency::new(), from_send: Latency::new(), ..measured(1) };
    let round = Round { disturbed: Some(none), ..round(1000, Some(1)) };
    let played = Played { movers: 5, first: arrived(10), first_cpu: None, rounds: vec![round] };
    let told = ReconnectFigures::of(&played).expect_err("none").to_string();
    assert!(told.starts_with("no change came to a board in a storm"), "{told}");
}
