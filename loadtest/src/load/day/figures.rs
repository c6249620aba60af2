//! The figures of the scenario, and how they are shown.

use std::collections::BTreeMap;

use serde::Serialize;

use super::args::DayArgs;
use super::phases::{Phase, Taken};
use crate::load::failure::{Failure, Outcome};
use crate::load::html::{Chart, Section, Table};
use crate::load::latency::{Latency, Percentiles};
use crate::load::report::busy_note;
use crate::load::spread::Spread;
use crate::load::table::table;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct DaySettings {
    /// Agents, all of one team.
    pub(in crate::load) agents: u64,
    /// Boards that came and went.
    pub(in crate::load) boards: u64,
    /// How often faster than a real day.
    pub(in crate::load) speed: u32,
    /// Which day.
    pub(in crate::load) seed: u64,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct DayFigures {
    /// The parts of the day, in their order.
    pub(in crate::load) phases: Vec<PhaseFigures>,
    /// The replies of the whole day.
    pub(in crate::load) replies: Percentiles,
    /// What came to boards, of the whole day, from the first sign.
    pub(in crate::load) deliveries: Percentiles,
    /// The sign-ins of the whole day, those who came back too.
    pub(in crate::load) sign_ins: Percentiles,
}

/// One part of the day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct PhaseFigures {
    /// Its word.
    pub(in crate::load) phase: &'static str,
    /// How long it was.
    pub(in crate::load) seconds: f64,
    /// Commands that were answered, refusals among them, in a second.
    pub(in crate::load) commands_per_second: f64,
    /// Refusals by their codes.
    pub(in crate::load) refused: BTreeMap<String, u64>,
    /// From the instants at which commands were to be sent to the replies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) replies: Option<Percentiles>,
    /// From the first sign of a change to each board that was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) deliveries: Option<Percentiles>,
    /// From connecting to being told the own state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) sign_ins: Option<Percentiles>,
    /// How many connections were lost.
    pub(in crate::load) lost: u64,
    /// How many there were at its end.
    pub(in crate::load) connections: usize,
    /// Cores that the server used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) server_cores: Option<f64>,
    /// Cores that the load generator used.
    pub(in crate::load) generator_cores: f64,
}

impl DaySettings {
    pub(super) fn of(args: &DayArgs) -> DaySettings {
        DaySettings { agents: args.agents, boards: args.boards, speed: args.speed, seed: args.seed }
    }
}

impl DayFigures {
    /// What the parts of the day come to.
    pub(super) fn of(taken: &[(Phase, Taken)]) -> Outcome<DayFigures> {
        let all = |of: fn(&Taken) -> &Latency| {
            let mut all = Latency::new();
            taken.iter().for_each(|(_, taken)| all.add(of(taken)));
            all.percentiles().ok_or_else(|| Failure::new("nothing was answered or shown all day; give more --agents"))
        };
        Ok(DayFigures {
            phases: taken.iter().map(|(phase, taken)| PhaseFigures::of(*phase, taken)).collect(),
            replies: all(|taken| &taken.replies)?,
            deliveries: all(|taken| &taken.deliveries)?,
            sign_ins: all(|taken| &taken.sign_ins)?,
        })
    }

    /// What whoever reads them must know.
    pub(super) fn notes(&self) -> Vec<String> {
        let cores = Spread::of(self.phases.iter().map(|phase| phase.generator_cores));
        cores.and_then(|cores| busy_note("the day", &cores)).into_iter().collect()
    }

    /// The figures as tables.
    pub(in crate::load) fn shown(&self) -> String {
        format!("{}\n\n{}\n{}", self.about(), table(&self.phase_rows()), table(&self.refusal_rows()))
    }

    /// The figures as sections of a page.
    pub(in crate::load) fn sections(&self) -> Vec<Section> {
        let bars = |title: &str, of: &dyn Fn(&PhaseFigures) -> Option<f64>| {
            let figures: Vec<(String, Spread)> =
                self.phases.iter().filter_map(|one| Some((one.name(), Spread::of([of(one)?])?))).collect();
            Chart::bars(title, figures.iter().map(|(name, figure)| (name.clone(), 0, Some(figure))))
        };
        vec![
            Section {
                title: "The parts of the day".to_owned(),
                about: self.about(),
                tables: vec![Table::headed(self.phase_rows()), Table::headed(self.refusal_rows())],
                charts: vec![
                    bars("Commands /s", &|phase| Some(phase.commands_per_second)),
                    bars("Refusals", &|phase| Some(phase.refused.values().sum::<u64>() as f64)),
                    bars("From command to reply, p99 ms", &|phase| Some(phase.replies?.p99_us / 1000.0)),
                    bars("From the first sign to each board, p99 ms", &|phase| Some(phase.deliveries?.p99_us / 1000.0)),
                    bars("Server, cores", &|phase| phase.server_cores),
                ],
            },
            Section {
                title: "The whole day".to_owned(),
                charts: vec![
                    Chart::curves("Replies and sign-ins", &[("replies", &self.replies), ("sign-ins", &self.sign_ins)]),
                    Chart::curves("From the first sign to each board", &[("boards", &self.deliveries)]),
                ],
                ..Section::default()
            },
        ]
    }

    fn about(&self) -> String {
        format!(
            "A day of {:.0} s: {} commands, {} of them refused, {} sign-ins.",
            self.phases.iter().map(|phase| phase.seconds).sum::<f64>(),
            self.replies.count,
            self.phases.iter().flat_map(|phase| phase.refused.values()).sum::<u64>(),
            self.sign_ins.count
        )
    }

    fn phase_rows(&self) -> Vec<Vec<String>> {
        let head = [
            "",
            "s",
            "commands /s",
            "refused",
            "reply p50 ms",
            "p99",
            "on boards p50 ms",
            "p99",
            "sign-ins",
            "p99 ms",
            "lost",
            "connections",
            "server cores",
        ];
        let ms = |told: Option<Percentiles>, of: fn(&Percentiles) -> f64| {
            told.as_ref().map_or_else(|| "–".to_owned(), |told| format!("{:.2}", of(told) / 1000.0))
        };
        let row = |phase: &PhaseFigures| {
            vec![
                phase.name(),
                format!("{:.1}", phase.seconds),
                format!("{:.1}", phase.commands_per_second),
                phase.refused.values().sum::<u64>().to_string(),
                ms(phase.replies, |told| told.p50_us),
                ms(phase.replies, |told| told.p99_us),
                ms(phase.deliveries, |told| told.p50_us),
                ms(phase.deliveries, |told| told.p99_us),
                phase.sign_ins.map_or(0, |told| told.count).to_string(),
                ms(phase.sign_ins, |told| told.p99_us),
                phase.lost.to_string(),
                phase.connections.to_string(),
                phase.server_cores.map_or_else(|| "–".to_owned(), |cores| format!("{cores:.3}")),
            ]
        };
        std::iter::once(head.map(str::to_owned).to_vec()).chain(self.phases.iter().map(row)).collect()
    }

    /// A line for each code, a column for each part of the day.
    fn refusal_rows(&self) -> Vec<Vec<String>> {
        let mut codes: Vec<&String> = self.phases.iter().flat_map(|phase| phase.refused.keys()).collect();
        codes.sort();
        codes.dedup();
        let head =
            std::iter::once("refused with".to_owned()).chain(self.phases.iter().map(PhaseFigures::name)).collect();
        let row = |code: &&String| {
            let counts = self.phases.iter().map(|phase| phase.refused.get(*code).copied().unwrap_or(0).to_string());
            std::iter::once((*code).clone()).chain(counts).collect()
        };
        std::iter::once(head).chain(codes.iter().map(row)).collect()
    }
}

impl PhaseFigures {
    fn of(phase: Phase, taken: &Taken) -> PhaseFigures {
        let replies = taken.replies.percentiles();
        PhaseFigures {
            phase: phase.word(),
            seconds: taken.seconds,
            commands_per_second: replies.map_or(0.0, |told| told.count as f64 / taken.seconds),
            refused: taken.refused.clone(),
            replies,
            deliveries: taken.deliveries.percentiles(),
            sign_ins: taken.sign_ins.percentiles(),
            lost: taken.lost,
            connections: taken.connections,
            server_cores: taken.cpu_s.map(|cpu| cpu / taken.seconds),
            generator_cores: taken.generator_cores,
        }
    }

    fn name(&self) -> String {
        self.phase.replace('_', "-")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn figures() -> DayFigures {
        let latency = |count: u64| {
            let mut latency = Latency::new();
            (0..count).for_each(|_| latency.record(Duration::from_millis(4)));
            latency
        };
        let taken = |replies, refused: &[(&str, u64)]| Taken {
            seconds: 2.0,
            sign_ins: latency(3),
            replies: latency(replies),
            refused: refused.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect(),
            deliveries: latency(replies),
            cpu_s: Some(0.5),
            generator_cores: 0.1,
            connections: 7,
            lost: 1,
        };
        let quiet = Taken { seconds: 1.0, ..Taken::default() };
        DayFigures::of(&[
            (Phase::SignIn, quiet),
            (Phase::Lunch, taken(10, &[("slots_full", 4), ("cooldown", 1)])),
            (Phase::Afternoon, taken(6, &[("slots_full", 2)])),
        ])
        .expect("figures")
    }

    #[test]
    fn the_names_in_json_stay() {
        let written = serde_json::to_value(figures()).expect("JSON");
        let names = |value: &serde_json::Value| -> Vec<String> {
            let mut names: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
            names.sort();
            names
        };
        assert_eq!(names(&written), ["deliveries", "phases", "replies", "sign_ins"]);
        let all = [
            "commands_per_second",
            "connections",
            "deliveries",
            "generator_cores",
            "lost",
            "phase",
            "refused",
            "replies",
            "seconds",
            "server_cores",
            "sign_ins",
        ];
        assert_eq!(names(&written["phases"][1]), all);
        assert_eq!(written["phases"][1]["refused"], json!({ "slots_full": 4, "cooldown": 1 }));
        assert_eq!((&written["phases"][0]["phase"], written["phases"][0].get("replies")), (&json!("sign_in"), None));
        assert_eq!(written["phases"][2]["commands_per_second"], 3.0);
    }

    #[test]
    fn refusals_are_told_by_code_and_part_of_the_day() {
        let shown = figures().shown();
        assert!(shown.starts_with("A day of 5 s: 16 commands, 7 of them refused, 6 sign-ins."), "{shown}");
        assert!(shown.contains("slots_full          0      4          2"), "{shown}");
        let failed = DayFigures::of(&[(Phase::End, Taken::default())]).expect_err("nothing").to_string();
        assert!(failed.contains("nothing was answered"), "{failed}");
    }
}
