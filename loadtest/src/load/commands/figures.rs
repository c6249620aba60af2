//! The figures of the scenario, and how they are shown.

use serde::Serialize;

use super::Pair;
use crate::load::args::CommandsArgs;
use crate::load::drive::{Load, Measured};
use crate::load::failure::{Failure, Outcome};
use crate::load::html::{Chart, Section, Table};
use crate::load::latency::{Latency, Percentiles};
use crate::load::report::{Side, busy_note};
use crate::load::spread::Spread;
use crate::load::table::{millis, or_dash, spread, table};

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct CommandsSettings {
    /// Numbers of connections of the closed loops.
    pub(in crate::load) connections: Vec<u64>,
    /// Commands a second of the open loop; 0 for none.
    pub(in crate::load) rate_per_second: f64,
    /// Of each load, before it is measured.
    pub(in crate::load) warm_up_s: f64,
    /// Of each load.
    pub(in crate::load) time_s: f64,
    /// How often floor and server took turns.
    pub(in crate::load) pairs: u32,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct CommandsFigures {
    /// The size of the floor's records.
    pub(in crate::load) record_bytes: usize,
    /// It is what one command added to the server's data.
    pub(in crate::load) record_bytes_measured: bool,
    /// One record written and synced by one client: the half of each pair's syncs.
    pub(in crate::load) sync_p50_us: Spread,
    /// All those syncs together.
    pub(in crate::load) sync: Percentiles,
    /// The loads.
    pub(in crate::load) loads: Vec<LoadFigures>,
}

/// One load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct LoadFigures {
    /// `closed` or `open`.
    pub(in crate::load) kind: &'static str,
    /// The connections, or the clients of the floor.
    pub(in crate::load) connections: usize,
    /// Of an open loop: commands a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) rate_per_second: Option<f64>,
    /// The server.
    pub(in crate::load) server: Side,
    /// The floor.
    pub(in crate::load) floor: Side,
    /// Commands of the server for each of the floor's, pair by pair; 1 of an open loop that was kept up with.
    pub(in crate::load) per_second_of_floor: Spread,
    /// The server's half by the floor's, pair by pair.
    pub(in crate::load) p50_by_floor: Spread,
    /// The same of the 99 %.
    pub(in crate::load) p99_by_floor: Spread,
    /// CPU seconds of the server for 1,000 commands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) server_cpu_s_per_1000: Option<Spread>,
    /// Cores that the load generator used while the server was under load.
    pub(in crate::load) generator_cores: Spread,
}

impl CommandsSettings {
    pub(super) fn of(args: &CommandsArgs) -> CommandsSettings {
        CommandsSettings {
            connections: args.connections.clone(),
            rate_per_second: args.rate,
            warm_up_s: args.warm_up.as_secs_f64(),
            time_s: args.time.as_secs_f64(),
            pairs: args.pairs,
        }
    }
}

impl CommandsFigures {
    /// What the pairs come to, a list of them for each load.
    pub(super) fn of(
        (record_bytes, record_bytes_measured): (usize, bool),
        syncs: &[Latency],
        loads: &[Load],
        pairs: &[Vec<Pair>],
    ) -> Outcome<CommandsFigures> {
        let halves = syncs.iter().filter_map(|latency| Some(latency.percentiles()?.p50_us));
        let mut all = Latency::new();
        syncs.iter().for_each(|latency| all.add(latency));
        let (Some(sync_p50_us), Some(sync)) = (Spread::of(halves), all.percentiles()) else {
            return Err(Failure::new("no sync was measured"));
        };
        let loads = loads.iter().zip(pairs).map(|(load, pairs)| {
            let too_short = || Failure::new(format!("{}: nothing was done in the time; give more --time", name(*load)));
            LoadFigures::of(*load, pairs).ok_or_else(too_short)
        });
        let loads = loads.collect::<Outcome<Vec<LoadFigures>>>()?;
        Ok(CommandsFigures { record_bytes, record_bytes_measured, sync_p50_us, sync, loads })
    }

    /// What whoever reads them must know.
    pub(super) fn notes(&self) -> Vec<String> {
        self.loads.iter().filter_map(|load| busy_note(&load.name(), &load.generator_cores)).collect()
    }

    /// The figures as tables.
    pub(in crate::load) fn shown(&self) -> String {
        format!("{}\n\n{}\n{}", self.about().join("\n"), table(&self.rate_rows()), table(&self.time_rows()))
    }

    /// The figures as sections of a page.
    pub(in crate::load) fn sections(&self) -> Vec<Section> {
        let [floor, sync] = self.about();
        let closed = || self.loads.iter().filter(|load| load.kind == "closed");
        let sides = closed().flat_map(|load| {
            [("server", 0, &load.server), ("floor", 1, &load.floor)]
                .map(|(side, colour, of)| (format!("{side}, {}", load.name()), colour, Some(&of.per_second)))
        });
        let cpu = closed().map(|load| (load.name(), 0, load.server_cpu_s_per_1000.as_ref()));
        let curves = self.loads.iter().map(|load| {
            let sides = [("server", &load.server.latency), ("floor", &load.floor.latency)];
            Chart::curves(&format!("From command to reply, {}", load.name()), &sides)
        });
        vec![
            Section {
                title: "Commands a second".to_owned(),
                about: floor,
                tables: vec![Table::headed(self.rate_rows())],
                charts: vec![Chart::bars("Commands /s", sides), Chart::bars("Server, CPU s per 1,000 commands", cpu)],
            },
            Section {
                title: "Times".to_owned(),
                about: sync,
                tables: vec![Table::headed(self.time_rows())],
                charts: curves.collect(),
            },
        ]
    }

    /// What the floor is, and what a sync takes.
    fn about(&self) -> [String; 2] {
        let measured = if self.record_bytes_measured { ", as many as a command adds to the data" } else { "" };
        [
            format!(
                "Durable pause starts and ends; the floor is a bare group commit of records of {} bytes{measured}.",
                self.record_bytes
            ),
            format!(
                "One record written and synced: p50 {} ms, p99 {:.2} ms, max {:.1} ms. Medians, with the range of {} \
                 pairs.",
                millis(&self.sync_p50_us),
                self.sync.p99_us / 1000.0,
                self.sync.max_us / 1000.0,
                self.sync_p50_us.count
            ),
        ]
    }

    fn rate_rows(&self) -> Vec<Vec<String>> {
        let head = ["", "server /s", "floor /s", "server ÷ floor", "CPU s per 1,000", "generator cores"];
        let rates = self.loads.iter().filter(|load| load.kind == "closed").map(|load| {
            vec![
                load.name(),
                spread(&load.server.per_second),
                spread(&load.floor.per_second),
                spread(&load.per_second_of_floor),
                or_dash(load.server_cpu_s_per_1000.as_ref()),
                spread(&load.generator_cores),
            ]
        });
        std::iter::once(head.map(str::to_owned).to_vec()).chain(rates).collect()
    }

    fn time_rows(&self) -> Vec<Vec<String>> {
        let head = ["", "server p50 ms", "p99 ms", "max ms", "floor p50 ms", "p99 ms", "max ms", "p50 ÷ floor"];
        let times = self.loads.iter().map(|load| {
            vec![
                load.name(),
                millis(&load.server.p50_us),
                millis(&load.server.p99_us),
                format!("{:.1}", load.server.latency.max_us / 1000.0),
                millis(&load.floor.p50_us),
                millis(&load.floor.p99_us),
                format!("{:.1}", load.floor.latency.max_us / 1000.0),
                spread(&load.p50_by_floor),
            ]
        });
        std::iter::once(head.map(str::to_owned).to_vec()).chain(times).collect()
    }
}

impl LoadFigures {
    fn of(load: Load, pairs: &[Pair]) -> Option<LoadFigures> {
        let (kind, connections, rate_per_second) = match load {
            Load::Closed { connections } => ("closed", connections, None),
            Load::Open { connections, per_second } => ("open", connections, Some(per_second)),
        };
        let rounds = |side: fn(&Pair) -> &Measured| -> Vec<(f64, &Latency)> {
            pairs.iter().map(side).map(|measured| (measured.per_second, &measured.latency)).collect()
        };
        let (servers, floors) = (rounds(|pair| &pair.server), rounds(|pair| &pair.floor));
        let per_second = |rounds: &[(f64, &Latency)]| rounds.iter().map(|(figure, _)| *figure).collect::<Vec<f64>>();
        let at = |rounds: &[(f64, &Latency)], of: fn(&Percentiles) -> f64| -> Option<Vec<f64>> {
            rounds.iter().map(|(_, latency)| latency.percentiles().as_ref().map(of)).collect()
        };
        let ratios = |of: fn(&Percentiles) -> f64| Spread::of_ratios(&at(&servers, of)?, &at(&floors, of)?);
        let cpu = pairs.iter().map(|pair| {
            let cpu = pair.server.server_cpu?.as_secs_f64();
            (pair.server.completed > 0).then(|| cpu * 1000.0 / pair.server.completed as f64)
        });
        Some(LoadFigures {
            kind,
            connections,
            rate_per_second,
            server: Side::of(&servers)?,
            floor: Side::of(&floors)?,
            per_second_of_floor: Spread::of_ratios(&per_second(&servers), &per_second(&floors))?,
            p50_by_floor: ratios(|told| told.p50_us)?,
            p99_by_floor: ratios(|told| told.p99_us)?,
            server_cpu_s_per_1000: cpu.collect::<Option<Vec<f64>>>().and_then(Spread::of),
            generator_cores: Spread::of(pairs.iter().map(|pair| pair.server.generator_cores))?,
        })
    }

    fn name(&self) -> String {
        named(self.connections, self.rate_per_second)
    }
}

/// What a load is called.
pub(super) fn name(load: Load) -> String {
    match load {
        Load::Closed { connections } => named(connections, None),
        Load::Open { connections, per_second } => named(connections, Some(per_second)),
    }
}

fn named(connections: usize, rate: Option<f64>) -> String {
    let plural = if connections == 1 { "" } else { "s" };
    match rate {
        None => format!("{connections} connection{plural}"),
        Some(rate) => format!("{connections} connection{plural}, {rate}/s"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn measured(per_second: f64, micros: u64, server_cpu: Option<Duration>) -> Measured {
        let mut latency = Latency::new();
        latency.record(Duration::from_micros(micros));
        Measured { per_second, completed: 2000, latency, server_cpu, generator_cores: 0.25 }
    }

    fn figures() -> CommandsFigures {
        let pair = |server: f64, floor: f64| Pair {
            server: measured(server, 2000, Some(Duration::from_secs(1))),
            floor: measured(floor, 1000, None),
        };
        let loads = [Load::Closed { connections: 8 }, Load::Open { connections: 8, per_second: 100.0 }];
        let pairs = [vec![pair(100.0, 400.0), pair(300.0, 600.0)], vec![pair(100.0, 100.0), pair(100.0, 100.0)]];
        let mut sync = Latency::new();
        sync.record(Duration::from_micros(500));
        CommandsFigures::of((700, true), &[sync.clone(), sync], &loads, &pairs).expect("figures")
    }

    #[test]
    fn the_names_in_json_stay_and_ratios_are_of_pairs() {
        let written = serde_json::to_value(figures()).expect("JSON");
        let names = |value: &serde_json::Value| -> Vec<String> {
            let mut names: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
            names.sort();
            names
        };
        assert_eq!(names(&written), ["loads", "record_bytes", "record_bytes_measured", "sync", "sync_p50_us"]);
        let closed = &written["loads"][0];
        let all = [
            "connections",
            "floor",
            "generator_cores",
            "kind",
            "p50_by_floor",
            "p99_by_floor",
            "per_second_of_floor",
            "server",
            "server_cpu_s_per_1000",
        ];
        assert_eq!(names(closed), all);
        assert_eq!(closed["per_second_of_floor"], json!({ "median": 0.375, "min": 0.25, "max": 0.5, "count": 2 }));
        assert_eq!(closed["server_cpu_s_per_1000"]["median"], 0.5);
        assert_eq!(
            (&written["loads"][1]["kind"], &written["loads"][1]["rate_per_second"]),
            (&json!("open"), &json!(100.0))
        );
    }

    #[test]
    fn the_tables_name_each_load() {
        let shown = figures().shown();
        assert!(shown.contains("records of 700 bytes, as many as a command adds to the data"), "{shown}");
        let rows: Vec<&str> = shown.lines().filter(|line| line.starts_with('8')).collect();
        assert_eq!(rows.len(), 3, "{shown}");
        assert!(rows[0].contains("200 (100–300)") && rows[0].contains("0.375 (0.250–0.500)"), "{shown}");
        assert!(rows[2].starts_with("8 connections, 100/s"), "{shown}");
    }

    #[test]
    fn a_round_without_a_command_is_no_figure() {
        let none = Measured { latency: Latency::new(), ..measured(0.0, 1, None) };
        let pairs = [vec![Pair { server: none, floor: measured(1.0, 1, None) }]];
        let mut sync = Latency::new();
        sync.record(Duration::from_micros(500));
        let figures = CommandsFigures::of((1, false), &[sync], &[Load::Closed { connections: 1 }], &pairs);
        let told = figures.expect_err("none").to_string();
        assert_eq!(told, "1 connection: nothing was done in the time; give more --time");
    }
}
