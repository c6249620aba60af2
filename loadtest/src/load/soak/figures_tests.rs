//! Slopes of samples, with growth planted, and names in JSON that stay.

use std::time::Duration;

use serde_json::json;

use super::*;

/// A sample of the n-th second: memory, descriptors and the time of a reply.
fn sample(n: usize, kib: u64, descriptors: usize, micros: u64) -> Sample {
    let latency = |micros| {
        let mut latency = Latency::new();
        latency.record(Duration::from_micros(micros));
        latency
    };
    Sample {
        at_s: 30.0 * (n + 1) as f64,
        seconds: 2.0,
        memory: Some(Memory { resident_kib: kib + 5, proportional_kib: kib + 3, anonymous_kib: kib }),
        descriptors: Some(descriptors),
        cpu_s: Some(1.0),
        generator_cores: 0.25,
        taken: Taken { replies: latency(micros), from_first_sign: latency(micros), from_asking: latency(2 * micros) },
    }
}

fn figures(samples: &[Sample]) -> SoakFigures {
    SoakFigures::of(50.0, Some(125.0), (7, 2.0), samples).expect("figures")
}

#[test]
fn a_run_that_stays_as_it_is_is_flat() {
    let samples: Vec<Sample> = (0..12).map(|n| sample(n, 10_000 + n as u64, 300 + n % 3, 900)).collect();
    let figures = figures(&samples);
    assert!(figures.breaches().is_empty(), "{figures:?}");
    assert_eq!(figures.notes(), Vec::<String>::new());
    assert!(figures.shown().contains("40 % of the 125 that a closed loop reached"), "{}", figures.shown());
}

#[test]
fn memory_and_descriptors_that_grow_are_breaches_and_times_are_notes() {
    let leak: Vec<Sample> = (0..12).map(|n| sample(n, 10_000 + 200 * n as u64, 300, 900)).collect();
    let told = figures(&leak).breaches();
    assert!(told.list()[0].starts_with("the server's anonymous KiB grew"), "{told:?}");
    assert_eq!(told.count(), 1);
    let open: Vec<Sample> = (0..12).map(|n| sample(n, 10_000, 300 + 3 * n, 900)).collect();
    let told = figures(&open).breaches();
    assert!(told.list()[0].starts_with("the server's descriptors grew"), "{told:?}");
    let slower: Vec<Sample> = (0..12).map(|n| sample(n, 10_000, 300, 900 + 150 * n as u64)).collect();
    let figures = figures(&slower);
    assert!(figures.breaches().is_empty());
    let told = figures.notes();
    assert!(told.len() == 2 && told[0].starts_with("reply p99 µs grew"), "{told:?}");
}

#[test]
fn memory_that_grows_while_it_is_warmed_up_is_a_note() {
    let short = |n| Sample { at_s: n as f64, ..sample(n, 10_000 + 200 * n as u64, 300, 900) };
    let figures = figures(&(0..12).map(short).collect::<Vec<_>>());
    assert!(figures.breaches().is_empty() && !figures.is_warm());
    assert!(figures.notes()[0].starts_with("the server's anonymous KiB grew"), "{:?}", figures.notes());
}

#[test]
fn too_few_samples_are_told() {
    let samples: Vec<Sample> = (0..5).map(|n| sample(n, 10_000 * (n as u64 + 1), 300, 900)).collect();
    let figures = figures(&samples);
    assert!(figures.breaches().is_empty() && figures.memory.is_none());
    assert!(figures.notes()[0].starts_with("5 samples are too few"), "{:?}", figures.notes());
    let unknown = Sample { memory: None, descriptors: None, cpu_s: None, ..sample(0, 0, 0, 1) };
    let samples = vec![unknown; 8];
    assert_eq!(SoakFigures::of(1.0, None, (0, 0.0), &samples).expect("figures").memory, None);
}

#[test]
fn the_names_in_json_stay() {
    let samples: Vec<Sample> = (0..8).map(|n| sample(n, 10_000, 300, 900)).collect();
    let written = serde_json::to_value(figures(&samples)).expect("JSON");
    let names = |value: &serde_json::Value| -> Vec<String> {
        let mut names: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
        names.sort();
        names
    };
    let all = [
        "deliveries",
        "deliveries_p99_us",
        "descriptors",
        "from_asking",
        "lost",
        "memory",
        "rate_per_second",
        "reached_per_second",
        "replies",
        "replies_p99_us",
        "samples",
    ];
    assert_eq!(names(&written), all);
    let memory = json!({ "second_quarter": 10_000.0, "last_quarter": 10_000.0, "allowed": 10_500.0, "flat": true });
    assert_eq!(written["memory"], memory);
    assert_eq!(written["descriptors"]["allowed"], 310.0, "2 that are away, and 8");
    let all = [
        "anonymous_kib",
        "at_s",
        "deliveries",
        "descriptors",
        "generator_cores",
        "replies",
        "replies_per_second",
        "resident_kib",
        "server_cores",
    ];
    assert_eq!(names(&written["samples"][0]), all);
    assert_eq!(
        (&written["samples"][0]["server_cores"], &written["samples"][0]["replies_per_second"]),
        (&json!(0.5), &json!(0.5))
    );
}
