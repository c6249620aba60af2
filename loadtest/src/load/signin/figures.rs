//! The figures of the scenario, and how they are shown.

use serde::Serialize;

use super::{Pair, Turn};
use crate::load::args::SigninArgs;
use crate::load::failure::{Failure, Outcome};
use crate::load::html::{Chart, Section, Table};
use crate::load::latency::{Latency, Percentiles};
use crate::load::report::{Side, busy_note};
use crate::load::spread::Spread;
use crate::load::table::{millis, or_dash, spread, table};

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct SigninSettings {
    /// Agents who signed in.
    pub(in crate::load) agents: u64,
    /// Sign-ins under way at once.
    pub(in crate::load) in_flight: u64,
    /// How often floor and server took turns.
    pub(in crate::load) pairs: u32,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct SigninFigures {
    /// The server: sign-ins, from connecting until an agent was told its state.
    pub(in crate::load) server: Side,
    /// The floor: upgrades, from connecting until one was granted.
    pub(in crate::load) floor: Side,
    /// CPU of the server's process for one sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) server_cpu_us_per_sign_in: Option<Spread>,
    /// CPU of the floor's thread for one upgrade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) floor_cpu_us_per_sign_in: Option<Spread>,
    /// The one by the other, pair by pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) cpu_by_floor: Option<Spread>,
    /// Sign-ins for each of the floor's, pair by pair.
    pub(in crate::load) per_second_of_floor: Spread,
    /// The longest sign-in of each turn.
    pub(in crate::load) longest_ms: Spread,
    /// The longest sync of a record meanwhile.
    pub(in crate::load) longest_sync_ms: Spread,
    /// By how much the longest sign-in was longer than the longest sync, pair by pair; below 0 where it was not.
    pub(in crate::load) longest_beyond_sync_ms: Spread,
    /// All those syncs.
    pub(in crate::load) sync: Percentiles,
    /// How often one was told to ask again later, all turns together.
    pub(in crate::load) sign_ins_put_off: u64,
    /// Cores that the load generator used during the server's turns.
    pub(in crate::load) generator_cores: Spread,
}

impl SigninSettings {
    pub(super) fn of(args: &SigninArgs) -> SigninSettings {
        SigninSettings { agents: args.agents, in_flight: args.in_flight, pairs: args.pairs }
    }
}

impl SigninFigures {
    /// What the pairs come to.
    ///
    /// # Errors
    /// [`Failure`] when nobody signed in.
    pub(super) fn of(agents: u64, pairs: &[Pair]) -> Outcome<SigninFigures> {
        SigninFigures::of_pairs(agents, pairs).ok_or_else(|| Failure::new("nobody signed in"))
    }

    fn of_pairs(agents: u64, pairs: &[Pair]) -> Option<SigninFigures> {
        let side = |of: fn(&Pair) -> &Turn| {
            Side::of(&pairs.iter().map(of).map(|turn| (turn.per_second, &turn.took)).collect::<Vec<_>>())
        };
        let rates = |of: fn(&Pair) -> &Turn| pairs.iter().map(|pair| of(pair).per_second).collect::<Vec<f64>>();
        let cpu = |of: fn(&Pair) -> &Turn| -> Option<Vec<f64>> {
            pairs.iter().map(|pair| Some(of(pair).cpu?.as_secs_f64() * 1e6 / agents as f64)).collect()
        };
        let longest = |of: fn(&Pair) -> &Latency| -> Option<Vec<f64>> {
            pairs.iter().map(|pair| Some(of(pair).percentiles()?.max_us / 1000.0)).collect()
        };
        let (servers, floors) = (cpu(|pair| &pair.server), cpu(|pair| &pair.floor));
        let (longest_ms, sync_ms) = (longest(|pair| &pair.server.took)?, longest(|pair| &pair.syncs)?);
        let mut syncs = Latency::new();
        pairs.iter().for_each(|pair| syncs.add(&pair.syncs));
        Some(SigninFigures {
            server: side(|pair| &pair.server)?,
            floor: side(|pair| &pair.floor)?,
            cpu_by_floor: servers
                .as_ref()
                .zip(floors.as_ref())
                .and_then(|(above, below)| Spread::of_ratios(above, below)),
            server_cpu_us_per_sign_in: servers.and_then(Spread::of),
            floor_cpu_us_per_sign_in: floors.and_then(Spread::of),
            per_second_of_floor: Spread::of_ratios(&rates(|pair| &pair.server), &rates(|pair| &pair.floor))?,
            longest_beyond_sync_ms: Spread::of(longest_ms.iter().zip(&sync_ms).map(|(longest, sync)| longest - sync))?,
            longest_ms: Spread::of(longest_ms)?,
            longest_sync_ms: Spread::of(sync_ms)?,
            sync: syncs.percentiles()?,
            sign_ins_put_off: pairs.iter().map(|pair| pair.put_off).sum(),
            generator_cores: Spread::of(pairs.iter().map(|pair| pair.generator_cores))?,
        })
    }

    /// What whoever reads them must know.
    pub(super) fn notes(&self) -> Vec<String> {
        busy_note("sign-ins", &self.generator_cores).into_iter().collect()
    }

    /// The figures as tables.
    pub(in crate::load) fn shown(&self) -> String {
        format!("{}\n\n{}\n{}", self.about(), table(&self.side_rows()), table(&self.rows()))
    }

    /// The figures as a section of a page.
    pub(in crate::load) fn sections(&self) -> Vec<Section> {
        let sides = |title, server, floor| {
            Chart::bars(title, [("server".to_owned(), 0, server), ("floor".to_owned(), 1, floor)])
        };
        let cpu = (self.server_cpu_us_per_sign_in.as_ref(), self.floor_cpu_us_per_sign_in.as_ref());
        vec![Section {
            title: "Sign-ins".to_owned(),
            about: self.about(),
            tables: vec![Table::headed(self.side_rows()), Table::plain(self.rows())],
            charts: vec![
                sides("Sign-ins /s", Some(&self.server.per_second), Some(&self.floor.per_second)),
                sides("CPU µs per sign-in", cpu.0, cpu.1),
                Chart::curves(
                    "From connecting to the end",
                    &[("server", &self.server.latency), ("floor", &self.floor.latency), ("sync", &self.sync)],
                ),
            ],
        }]
    }

    fn about(&self) -> String {
        let pairs = self.per_second_of_floor.count;
        format!(
            "Agents who sign in from nothing; the floor is a bare handshake. Medians, with the range of {pairs} pairs."
        )
    }

    fn side_rows(&self) -> Vec<Vec<String>> {
        let line = |name: &str, side: &Side, cpu: Option<&Spread>| {
            vec![
                name.to_owned(),
                spread(&side.per_second),
                or_dash(cpu),
                millis(&side.p50_us),
                millis(&side.p99_us),
                format!("{:.1}", side.latency.max_us / 1000.0),
            ]
        };
        vec![
            ["", "sign-ins /s", "CPU µs per sign-in", "p50 ms", "p99 ms", "max ms"].map(str::to_owned).to_vec(),
            line("server", &self.server, self.server_cpu_us_per_sign_in.as_ref()),
            line("floor", &self.floor, self.floor_cpu_us_per_sign_in.as_ref()),
        ]
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let rows = [
            ("CPU per sign-in ÷ floor", or_dash(self.cpu_by_floor.as_ref())),
            ("sign-ins /s ÷ floor", spread(&self.per_second_of_floor)),
            ("longest sign-in ms", spread(&self.longest_ms)),
            ("longest sync meanwhile ms", spread(&self.longest_sync_ms)),
            ("longest sign-in beyond it ms", spread(&self.longest_beyond_sync_ms)),
            ("sign-ins put off by the server", self.sign_ins_put_off.to_string()),
            ("generator cores", spread(&self.generator_cores)),
        ];
        rows.into_iter().map(|(name, figure)| vec![name.to_owned(), figure]).collect()
    }
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
