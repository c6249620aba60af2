//! The figures of the scenario, and how they are shown.

use std::time::Duration;

use serde::Serialize;

use super::{Failure, Outcome};
use crate::load::args::IdleArgs;
use crate::load::html::{Chart, Section, Table};
use crate::load::latency::{Latency, Percentiles};
use crate::load::machine::Memory;
use crate::load::report::busy_note;
use crate::load::spread::Spread;
use crate::load::table::{or_dash, spread, table};

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct IdleSettings {
    /// Agents signed in.
    pub(in crate::load) agents: u64,
    /// Sign-ins under way at once.
    pub(in crate::load) in_flight: u64,
    /// Rounds, each on a server that was started for it.
    pub(in crate::load) rounds: u32,
    /// How long nothing happened.
    pub(in crate::load) hold_s: f64,
    /// How often everybody was lost and came back.
    pub(in crate::load) storms: u32,
}

/// What was taken in one round.
#[derive(Debug, Clone)]
pub(in crate::load) struct Round {
    pub(in crate::load) ready: Option<Duration>,
    pub(in crate::load) before: Option<Memory>,
    pub(in crate::load) after: Option<Memory>,
    pub(in crate::load) after_storms: Option<Memory>,
    pub(in crate::load) sign_ins_per_second: f64,
    pub(in crate::load) storm_sign_ins_per_second: Vec<f64>,
    pub(in crate::load) generator_cores: f64,
    pub(in crate::load) put_off: u64,
    pub(in crate::load) sign_in: Latency,
    pub(in crate::load) sign_in_cpu: Option<Duration>,
    pub(in crate::load) idle_cores: Option<f64>,
}

/// What was measured. What needs the server's process is left out where that is not known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct IdleFigures {
    /// Growth of the resident memory by connection, in bytes: socket, session, agent and all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) resident_bytes_per_connection: Option<Spread>,
    /// The same of the proportional memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) proportional_bytes_per_connection: Option<Spread>,
    /// The same of the anonymous memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) anonymous_bytes_per_connection: Option<Spread>,
    /// Resident memory before the first sign-in, in KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) resident_before_kib: Option<Spread>,
    /// Resident memory after the storms for that before them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) resident_after_storms: Option<Spread>,
    /// Agents signed in, each told its own state, in a second.
    pub(in crate::load) sign_ins_per_second: Spread,
    /// From connecting to the reply.
    pub(in crate::load) sign_in: Percentiles,
    /// CPU of the server for one sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) server_cpu_us_per_sign_in: Option<Spread>,
    /// How often one was told to ask again later, in the storms too, all rounds together.
    pub(in crate::load) sign_ins_put_off: u64,
    /// The same rate when everybody came back at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) storm_sign_ins_per_second: Option<Spread>,
    /// Cores that the server used while nothing happened but pings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) idle_cores: Option<Spread>,
    /// From the start of the server's process until it was ready. From the second round on there are all these
    /// agents to take up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) ready_ms: Option<Spread>,
    /// Cores that the load generator used during the sign-ins.
    pub(in crate::load) generator_cores: Spread,
}

impl IdleSettings {
    pub(super) fn of(args: &IdleArgs) -> IdleSettings {
        let IdleArgs { agents, in_flight, rounds, hold, storms, .. } = args;
        IdleSettings {
            agents: *agents,
            in_flight: *in_flight,
            rounds: *rounds,
            hold_s: hold.as_secs_f64(),
            storms: *storms,
        }
    }
}

impl IdleFigures {
    /// What the rounds come to.
    pub(super) fn of(agents: u64, rounds: &[Round]) -> Outcome<IdleFigures> {
        let all = |figure: &dyn Fn(&Round) -> Option<f64>| {
            rounds.iter().map(figure).collect::<Option<Vec<f64>>>().and_then(Spread::of)
        };
        let grown = |kib: fn(&Memory) -> u64| {
            all(&|round| {
                let (before, after) = (kib(&round.before?) as f64, kib(&round.after?) as f64);
                Some((after - before) * 1024.0 / agents as f64)
            })
        };
        let mut sign_in = Latency::new();
        rounds.iter().for_each(|round| sign_in.add(&round.sign_in));
        let storms = rounds.iter().flat_map(|round| round.storm_sign_ins_per_second.iter().copied());
        let nothing = || Failure::new("nobody signed in");
        Ok(IdleFigures {
            resident_bytes_per_connection: grown(|memory| memory.resident_kib),
            proportional_bytes_per_connection: grown(|memory| memory.proportional_kib),
            anonymous_bytes_per_connection: grown(|memory| memory.anonymous_kib),
            resident_before_kib: all(&|round| Some(round.before?.resident_kib as f64)),
            resident_after_storms: all(&|round| {
                Some(round.after_storms?.resident_kib as f64 / round.after?.resident_kib as f64)
            }),
            sign_ins_per_second: all(&|round| Some(round.sign_ins_per_second)).ok_or_else(nothing)?,
            sign_in: sign_in.percentiles().ok_or_else(nothing)?,
            server_cpu_us_per_sign_in: all(&|round| Some(round.sign_in_cpu?.as_secs_f64() * 1e6 / agents as f64)),
            sign_ins_put_off: rounds.iter().map(|round| round.put_off).sum(),
            storm_sign_ins_per_second: Spread::of(storms),
            idle_cores: all(&|round| round.idle_cores),
            ready_ms: all(&|round| Some(round.ready?.as_secs_f64() * 1000.0)),
            generator_cores: all(&|round| Some(round.generator_cores)).ok_or_else(nothing)?,
        })
    }

    /// What whoever reads them must know.
    pub(super) fn notes(&self) -> Vec<String> {
        busy_note("sign-ins", &self.generator_cores).into_iter().collect()
    }

    /// The figures as a table.
    pub(in crate::load) fn shown(&self) -> String {
        format!("{}\n\n{}", self.about(), table(&self.rows()))
    }

    /// The figures as sections of a page.
    pub(in crate::load) fn sections(&self) -> Vec<Section> {
        let bar = |label: &str, figure| (label.to_owned(), 0, figure);
        let memory = [
            bar("resident", self.resident_bytes_per_connection.as_ref()),
            bar("proportional", self.proportional_bytes_per_connection.as_ref()),
            bar("anonymous", self.anonymous_bytes_per_connection.as_ref()),
        ];
        let rates = [
            bar("sign-ins", Some(&self.sign_ins_per_second)),
            bar("in storms", self.storm_sign_ins_per_second.as_ref()),
        ];
        vec![Section {
            title: "Agents signed in".to_owned(),
            about: self.about(),
            tables: vec![Table::plain(self.rows())],
            charts: vec![
                Chart::bars("Bytes per connection", memory),
                Chart::bars("Sign-ins /s", rates),
                Chart::curves("From connecting to signed in", &[("server", &self.sign_in)]),
            ],
        }]
    }

    fn about(&self) -> String {
        let rounds = self.sign_ins_per_second.count;
        format!("Agents signed in who do nothing. Medians, with the range of {rounds} rounds.")
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let rows = [
            ("resident bytes per connection", or_dash(self.resident_bytes_per_connection.as_ref())),
            ("proportional bytes per connection", or_dash(self.proportional_bytes_per_connection.as_ref())),
            ("anonymous bytes per connection", or_dash(self.anonymous_bytes_per_connection.as_ref())),
            ("resident KiB before anybody came", or_dash(self.resident_before_kib.as_ref())),
            ("resident after storms ÷ before them", or_dash(self.resident_after_storms.as_ref())),
            ("sign-ins /s", spread(&self.sign_ins_per_second)),
            ("sign-in p50 ms", format!("{:.2}", self.sign_in.p50_us / 1000.0)),
            ("sign-in p99 ms", format!("{:.2}", self.sign_in.p99_us / 1000.0)),
            ("sign-in max ms", format!("{:.2}", self.sign_in.max_us / 1000.0)),
            ("server CPU µs per sign-in", or_dash(self.server_cpu_us_per_sign_in.as_ref())),
            ("sign-ins put off by the server", self.sign_ins_put_off.to_string()),
            ("sign-ins /s in storms", or_dash(self.storm_sign_ins_per_second.as_ref())),
            ("server cores while idle", or_dash(self.idle_cores.as_ref())),
            ("ms from start to ready", or_dash(self.ready_ms.as_ref())),
            ("generator cores", spread(&self.generator_cores)),
        ];
        rows.into_iter().map(|(name, figure)| vec![name.to_owned(), figure]).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn memory(kib: u64) -> Memory {
        Memory { resident_kib: kib, proportional_kib: kib, anonymous_kib: kib / 2 }
    }

    fn round(after: u64) -> Round {
        let mut sign_in = Latency::new();
        sign_in.record(Duration::from_millis(3));
        Round {
            ready: Some(Duration::from_millis(20)),
            before: Some(memory(10_000)),
            after: Some(memory(after)),
            after_storms: Some(memory(after * 2)),
            sign_ins_per_second: 500.0,
            storm_sign_ins_per_second: vec![400.0, 600.0],
            generator_cores: 0.2,
            put_off: 2,
            sign_in,
            sign_in_cpu: Some(Duration::from_millis(500)),
            idle_cores: None,
        }
    }

    #[test]
    fn growth_is_told_by_connection() {
        let figures = IdleFigures::of(1000, &[round(18_000), round(20_000), round(22_000)]).expect("figures");
        let written = serde_json::to_value(&figures).expect("JSON");
        let expected = json!({ "median": 10_240.0, "min": 8192.0, "max": 12_288.0, "count": 3 });
        assert_eq!(written["resident_bytes_per_connection"], expected);
        assert_eq!(written["anonymous_bytes_per_connection"]["median"], 5120.0);
        assert_eq!(written["server_cpu_us_per_sign_in"]["median"], 500.0);
        assert_eq!(written["resident_after_storms"]["median"], 2.0);
        assert_eq!(written["storm_sign_ins_per_second"]["count"], 6);
        assert_eq!(written["sign_ins_put_off"], 6);
        assert_eq!(written.get("idle_cores"), None, "what was not taken is left out");
        assert!(figures.shown().contains("resident bytes per connection"), "{}", figures.shown());
    }

    #[test]
    fn a_server_whose_process_is_not_known_has_rates_only() {
        let unknown =
            Round { before: None, after: None, after_storms: None, sign_in_cpu: None, ready: None, ..round(1) };
        let figures = IdleFigures::of(1000, &[unknown]).expect("figures");
        assert_eq!((figures.resident_bytes_per_connection, figures.ready_ms), (None, None));
        assert_eq!(figures.sign_ins_per_second.median, 500.0);
    }
}
