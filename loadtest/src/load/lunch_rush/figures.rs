//! The figures of the scenario, and how they are shown.

use serde::Serialize;

use super::Round;
use crate::load::args::LunchRushArgs;
use crate::load::failure::{Failure, Outcome};
use crate::load::html::{Chart, Section, Table};
use crate::load::latency::Latency;
use crate::load::report::busy_note;
use crate::load::spread::Spread;
use crate::load::table::{millis, or_dash, spread, table};
use crate::load::times::Times;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct LunchRushSettings {
    /// Agents who asked, within a second.
    pub(in crate::load) agents: u64,
    /// How many of them might be away at once.
    pub(in crate::load) slots: u64,
    /// How long each stayed.
    pub(in crate::load) pause_s: f64,
    /// Boards that watched.
    pub(in crate::load) boards: u64,
    /// How often.
    pub(in crate::load) rounds: u32,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct LunchRushFigures {
    /// From the instants at which they were to ask to the replies, whatever they said.
    pub(in crate::load) asked: Times,
    /// From taking an offer to the reply, of those who waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) accepted: Option<Times>,
    /// From the first sign of a change to each board.
    pub(in crate::load) boards: Times,
    /// Pauses in a second, from the first asking to the last return.
    pub(in crate::load) pauses_per_second: Spread,
    /// From the first asking to the last return.
    pub(in crate::load) all_in_ms: Spread,
    /// The same where no slot is ever free while somebody waits.
    pub(in crate::load) ideal_ms: f64,
    /// The one by the other.
    pub(in crate::load) all_in_by_ideal: Spread,
    /// How many waited in line, all rounds together.
    pub(in crate::load) waited: u64,
    /// How often an agent was told an older state after a newer one, all rounds together: the reply to a command came
    /// before what had happened until then.
    pub(in crate::load) old_states: u64,
    /// CPU of the server for one pause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) server_cpu_us_per_pause: Option<Spread>,
    /// Cores that the load generator used.
    pub(in crate::load) generator_cores: Spread,
}

impl LunchRushSettings {
    pub(super) fn of(args: &LunchRushArgs) -> LunchRushSettings {
        let LunchRushArgs { agents, slots, pause, boards, rounds, .. } = *args;
        LunchRushSettings { agents, slots, pause_s: pause.as_secs_f64(), boards, rounds }
    }
}

impl LunchRushFigures {
    /// What the rounds come to.
    ///
    /// # Errors
    /// [`Failure`] when there was no round.
    pub(super) fn of(args: &LunchRushArgs, rounds: &[Round]) -> Outcome<LunchRushFigures> {
        LunchRushFigures::of_rounds(args, rounds).ok_or_else(|| Failure::new("nobody had a pause"))
    }

    fn of_rounds(args: &LunchRushArgs, rounds: &[Round]) -> Option<LunchRushFigures> {
        let times = |of: fn(&Round) -> &Latency| Times::of(&rounds.iter().map(of).collect::<Vec<_>>());
        let agents = args.agents as f64;
        let ideal_ms = args.agents.div_ceil(args.slots) as f64 * args.pause.as_secs_f64() * 1000.0;
        let all_in: Vec<f64> = rounds.iter().map(|round| round.taken.within.as_secs_f64()).collect();
        let cpu: Option<Vec<f64>> =
            rounds.iter().map(|round| Some(round.server_cpu?.as_secs_f64() * 1e6 / agents)).collect();
        Some(LunchRushFigures {
            asked: times(|round| &round.taken.asked)?,
            accepted: times(|round| &round.taken.accepted),
            boards: times(|round| &round.taken.boards)?,
            pauses_per_second: Spread::of(all_in.iter().map(|took| agents / took))?,
            all_in_ms: Spread::of(all_in.iter().map(|took| took * 1000.0))?,
            ideal_ms,
            all_in_by_ideal: Spread::of(all_in.iter().map(|took| took * 1000.0 / ideal_ms))?,
            waited: rounds.iter().map(|round| round.waited as u64).sum(),
            old_states: rounds.iter().map(|round| round.taken.old_states).sum(),
            server_cpu_us_per_pause: cpu.and_then(Spread::of),
            generator_cores: Spread::of(rounds.iter().map(|round| round.generator_cores))?,
        })
    }

    /// What whoever reads them must know.
    pub(super) fn notes(&self) -> Vec<String> {
        busy_note("the rush", &self.generator_cores).into_iter().collect()
    }

    /// The figures as tables.
    pub(in crate::load) fn shown(&self) -> String {
        format!("{}\n\n{}\n{}", self.about(), table(&self.time_rows()), table(&self.rows()))
    }

    /// The figures as a section of a page.
    pub(in crate::load) fn sections(&self) -> Vec<Section> {
        let accepted = self.accepted.as_ref().map(|accepted| ("took an offer", &accepted.all));
        let curves: Vec<_> =
            [("asked", &self.asked.all), ("boards", &self.boards.all)].into_iter().chain(accepted).collect();
        vec![Section {
            title: "The rush".to_owned(),
            about: self.about(),
            tables: vec![Table::headed(self.time_rows()), Table::plain(self.rows())],
            charts: vec![
                Chart::curves("Replies, and from the first sign to each board", &curves),
                Chart::bars("Until all were back ÷ the least", [("rounds".to_owned(), 0, Some(&self.all_in_by_ideal))]),
            ],
        }]
    }

    fn about(&self) -> String {
        let rounds = self.all_in_ms.count;
        format!(
            "Agents who ask for a pause at once, of which a few may be away. Medians, with the range of {rounds} rounds."
        )
    }

    fn time_rows(&self) -> Vec<Vec<String>> {
        let line = |name: &str, times: &Times| {
            let max = format!("{:.1}", times.all.max_us / 1000.0);
            vec![name.to_owned(), millis(&times.p50_us), millis(&times.p99_us), max]
        };
        std::iter::once(["", "p50 ms", "p99 ms", "max ms"].map(str::to_owned).to_vec())
            .chain([line("asked", &self.asked)])
            .chain(self.accepted.as_ref().map(|accepted| line("took an offer", accepted)))
            .chain([line("boards, from the first sign", &self.boards)])
            .collect()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let rows = [
            ("pauses /s", spread(&self.pauses_per_second)),
            ("ms until all were back", spread(&self.all_in_ms)),
            ("where no slot is ever free", format!("{:.0}", self.ideal_ms)),
            ("the one ÷ the other", spread(&self.all_in_by_ideal)),
            ("waited in line", self.waited.to_string()),
            ("told an older state after a newer", self.old_states.to_string()),
            ("server CPU µs per pause", or_dash(self.server_cpu_us_per_pause.as_ref())),
            ("generator cores", spread(&self.generator_cores)),
        ];
        rows.into_iter().map(|(name, figure)| vec![name.to_owned(), figure]).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::load::args::{Arguments, Command};

    fn figures(waited: usize) -> LunchRushFigures {
        let words = "intervalo-loadtest lunch-rush --agents 9 --slots 4 --pause 2s".split(' ');
        let Command::LunchRush(args) = Arguments::try_parse_from(words).expect("words").command else { panic!() };
        let latency = |count: usize| {
            let mut latency = Latency::new();
            (0..count).for_each(|_| latency.record(Duration::from_millis(3)));
            latency
        };
        let round = |millis| Round {
            taken: super::super::Taken {
                asked: latency(9),
                accepted: latency(waited),
                boards: latency(18),
                within: Duration::from_millis(millis),
                old_states: 1,
            },
            waited,
            server_cpu: Some(Duration::from_micros(900)),
            generator_cores: 0.1,
        };
        LunchRushFigures::of(&args, &[round(7500), round(9000)]).expect("figures")
    }

    #[test]
    fn the_names_in_json_stay() {
        let written = serde_json::to_value(figures(5)).expect("JSON");
        let mut names: Vec<&String> = written.as_object().expect("an object").keys().collect();
        names.sort();
        let all = [
            "accepted",
            "all_in_by_ideal",
            "all_in_ms",
            "asked",
            "boards",
            "generator_cores",
            "ideal_ms",
            "old_states",
            "pauses_per_second",
            "server_cpu_us_per_pause",
            "waited",
        ];
        assert_eq!(names, all);
        // Nine agents, four at once: three times two seconds.
        assert_eq!((&written["ideal_ms"], &written["waited"]), (&json!(6000.0), &json!(10)));
        assert_eq!(written["all_in_by_ideal"], json!({ "median": 1.375, "min": 1.25, "max": 1.5, "count": 2 }));
        assert_eq!(written["server_cpu_us_per_pause"]["median"], 100.0);
        assert_eq!((&written["asked"]["all"]["count"], &written["old_states"]), (&json!(18), &json!(2)));
    }

    #[test]
    fn a_rush_in_which_nobody_waits_has_no_offers() {
        let figures = figures(0);
        assert_eq!(serde_json::to_value(&figures).expect("JSON").get("accepted"), None);
        let shown = figures.shown();
        assert!(shown.contains("boards, from the first sign") && !shown.contains("took an offer"), "{shown}");
    }
}
