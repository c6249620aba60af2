//! The figures of the scenario, and how they are shown.

use serde::Serialize;

use super::{Played, Round};
use crate::load::args::ReconnectArgs;
use crate::load::arrivals::Arrived;
use crate::load::failure::{Failure, Outcome};
use crate::load::fanout::Measured;
use crate::load::html::{Chart, Section, Table};
use crate::load::latency::{Latency, Percentiles};
use crate::load::report::{Side, busy_note};
use crate::load::spread::Spread;
use crate::load::table::{millis, or_dash, spread, table};
use crate::load::times::Times;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct ReconnectSettings {
    /// Agents, those who stayed among them.
    pub(in crate::load) agents: u64,
    /// Agents of a team.
    pub(in crate::load) team_size: u64,
    /// Boards that came and went.
    pub(in crate::load) boards: u64,
    /// Boards that stayed.
    pub(in crate::load) stayers: u64,
    /// Agents who stayed and made changes.
    pub(in crate::load) callers: u64,
    /// Changes a second.
    pub(in crate::load) rate_per_second: f64,
    /// Under way at once.
    pub(in crate::load) in_flight: u64,
    /// How often everybody was lost.
    pub(in crate::load) storms: u32,
    /// Before each storm, before it is measured.
    pub(in crate::load) warm_up_s: f64,
    /// Before each storm.
    pub(in crate::load) time_s: f64,
    /// The server was killed each time.
    pub(in crate::load) restart: bool,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct ReconnectFigures {
    /// How many came and went: agents and boards.
    pub(in crate::load) movers: usize,
    /// When everybody came for the first time: so many a second.
    pub(in crate::load) first_per_second: f64,
    /// From connecting until an agent was told its state, or a board showed its team.
    pub(in crate::load) first: Percentiles,
    /// CPU of the server for each of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) first_cpu_us: Option<f64>,
    /// When everybody came back.
    pub(in crate::load) back: Side,
    /// CPU of the server for each of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) back_cpu_us: Option<Spread>,
    /// So many a second, for each that came in a second the first time.
    pub(in crate::load) back_of_first: Spread,
    /// How often somebody was told to ask again later, the first time and all others together.
    pub(in crate::load) put_off: u64,
    /// The boards that stayed, before the storms.
    pub(in crate::load) undisturbed: Watched,
    /// The boards that stayed, in the storms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) disturbed: Option<Watched>,
    /// The 99 % from the first sign in a storm by that before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) first_sign_p99_by_undisturbed: Option<Spread>,
    /// The 99 % from asking in a storm by that before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) asking_p99_by_undisturbed: Option<Spread>,
    /// From the start of a server after one that was killed until it was ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::load) ready_ms: Option<Spread>,
    /// Cores that the load generator used while everybody came back.
    pub(in crate::load) generator_cores: Spread,
}

/// The times of changes to the boards that stayed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::load) struct Watched {
    /// From the first sign of a change.
    pub(in crate::load) from_first_sign: Times,
    /// From the instant at which it was to be asked for.
    pub(in crate::load) from_asking: Times,
}

impl ReconnectSettings {
    pub(super) fn of(args: &ReconnectArgs) -> ReconnectSettings {
        ReconnectSettings {
            agents: args.agents,
            team_size: args.team_size,
            boards: args.boards,
            stayers: args.stayers,
            callers: args.callers,
            rate_per_second: args.rate,
            in_flight: args.in_flight,
            storms: args.storms,
            warm_up_s: args.warm_up.as_secs_f64(),
            time_s: args.time.as_secs_f64(),
            restart: args.restart,
        }
    }
}

impl Watched {
    fn of(rounds: &[&Measured]) -> Option<Watched> {
        let times =
            |of: fn(&Measured) -> &Latency| Times::of(&rounds.iter().map(|measured| of(measured)).collect::<Vec<_>>());
        Some(Watched {
            from_first_sign: times(|measured| &measured.spread)?,
            from_asking: times(|measured| &measured.from_send)?,
        })
    }
}

impl ReconnectFigures {
    /// What a run comes to.
    ///
    /// # Errors
    /// [`Failure`] when there was a storm without a change, or nobody came.
    pub(super) fn of(played: &Played) -> Outcome<ReconnectFigures> {
        ReconnectFigures::of_rounds(played)
            .ok_or_else(|| Failure::new("no change came to a board in a storm; more --agents, or a higher --rate"))
    }

    fn of_rounds(played: &Played) -> Option<ReconnectFigures> {
        let Played { movers, first, first_cpu, rounds } = played;
        let count = *movers as f64;
        let per_second = |arrived: &Arrived| count / arrived.within.as_secs_f64();
        let all = |figure: &dyn Fn(&Round) -> Option<f64>| {
            rounds.iter().map(figure).collect::<Option<Vec<f64>>>().and_then(Spread::of)
        };
        let by_undisturbed = |of: fn(&Measured) -> &Latency| {
            let p99 = |measured: &Measured| Some(of(measured).percentiles()?.p99_us);
            all(&|round| Some(p99(round.disturbed.as_ref()?)? / p99(&round.undisturbed)?))
        };
        let back: Vec<(f64, &Latency)> =
            rounds.iter().map(|round| (per_second(&round.arrived), &round.arrived.took)).collect();
        let disturbed: Option<Vec<&Measured>> = rounds.iter().map(|round| round.disturbed.as_ref()).collect();
        let disturbed = match disturbed {
            Some(disturbed) => Some(Watched::of(&disturbed)?),
            None => None,
        };
        Some(ReconnectFigures {
            movers: *movers,
            first_per_second: per_second(first),
            first: first.took.percentiles()?,
            first_cpu_us: first_cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / count),
            back_of_first: Spread::of(back.iter().map(|(rate, _)| rate / per_second(first)))?,
            back: Side::of(&back)?,
            back_cpu_us: all(&|round| Some(round.server_cpu?.as_secs_f64() * 1e6 / count)),
            put_off: first.put_off + rounds.iter().map(|round| round.arrived.put_off).sum::<u64>(),
            undisturbed: Watched::of(&rounds.iter().map(|round| &round.undisturbed).collect::<Vec<_>>())?,
            disturbed,
            first_sign_p99_by_undisturbed: by_undisturbed(|measured| &measured.spread),
            asking_p99_by_undisturbed: by_undisturbed(|measured| &measured.from_send),
            ready_ms: all(&|round| Some(round.ready?.as_secs_f64() * 1000.0)),
            generator_cores: all(&|round| Some(round.generator_cores))?,
        })
    }

    /// What whoever reads them must know.
    pub(super) fn notes(&self) -> Vec<String> {
        busy_note("the return", &self.generator_cores).into_iter().collect()
    }

    /// The figures as tables.
    pub(in crate::load) fn shown(&self) -> String {
        format!(
            "{}\n\n{}\n{}\n{}",
            self.about(),
            table(&self.coming_rows()),
            table(&self.staying_rows()),
            table(&self.rows())
        )
    }

    /// The figures as sections of a page.
    pub(in crate::load) fn sections(&self) -> Vec<Section> {
        let first = Spread::of([self.first_per_second]);
        let first_cpu = self.first_cpu_us.and_then(|cpu| Spread::of([cpu]));
        let bars = |title, first: Option<&Spread>, back| {
            Chart::bars(title, [("first".to_owned(), 1, first), ("back".to_owned(), 0, back)])
        };
        let disturbed = self.disturbed.as_ref().map(|disturbed| ("in storms", &disturbed.from_first_sign.all));
        let stayed: Vec<_> =
            [("undisturbed", &self.undisturbed.from_first_sign.all)].into_iter().chain(disturbed).collect();
        vec![
            Section {
                title: "Those who come back".to_owned(),
                about: self.about(),
                tables: vec![Table::headed(self.coming_rows()), Table::plain(self.rows())],
                charts: vec![
                    bars("Arrivals /s", first.as_ref(), Some(&self.back.per_second)),
                    bars("CPU µs each", first_cpu.as_ref(), self.back_cpu_us.as_ref()),
                    Chart::curves(
                        "From connecting to the state or the team",
                        &[("back", &self.back.latency), ("first", &self.first)],
                    ),
                ],
            },
            Section {
                title: "Boards that stay".to_owned(),
                tables: vec![Table::headed(self.staying_rows())],
                charts: vec![Chart::curves("From the first sign to each board that stays", &stayed)],
                ..Section::default()
            },
        ]
    }

    fn about(&self) -> String {
        let (movers, storms) = (self.movers, self.back_of_first.count);
        format!(
            "{movers} agents and boards who are lost and come back at once. Medians, with the range of {storms} storms."
        )
    }

    fn coming_rows(&self) -> Vec<Vec<String>> {
        let ms = |us: f64| format!("{:.2}", us / 1000.0);
        let of_first = self.first_cpu_us.map_or_else(|| "–".to_owned(), |cpu| format!("{cpu:.0}"));
        let first = [format!("{:.0}", self.first_per_second), of_first, ms(self.first.p50_us), ms(self.first.p99_us)];
        let back = [
            spread(&self.back.per_second),
            or_dash(self.back_cpu_us.as_ref()),
            millis(&self.back.p50_us),
            millis(&self.back.p99_us),
        ];
        let max = |percentiles: &Percentiles| format!("{:.1}", percentiles.max_us / 1000.0);
        let line = |name: &str, cells: [String; 4], max: String| {
            std::iter::once(name.to_owned()).chain(cells).chain([max]).collect::<Vec<String>>()
        };
        let head = ["", "/s", "CPU µs each", "p50 ms", "p99 ms", "max ms"].map(str::to_owned).to_vec();
        vec![head, line("first", first, max(&self.first)), line("back", back, max(&self.back.latency))]
    }

    fn staying_rows(&self) -> Vec<Vec<String>> {
        let watched = |name: &str, watched: &Watched| {
            let Watched { from_first_sign, from_asking } = watched;
            let cells = [from_first_sign, from_asking].map(|times| [millis(&times.p50_us), millis(&times.p99_us)]);
            std::iter::once(name.to_owned()).chain(cells.concat()).collect::<Vec<String>>()
        };
        let head = ["boards that stay", "first sign p50 ms", "p99 ms", "asking p50 ms", "p99 ms"];
        std::iter::once(head.map(str::to_owned).to_vec())
            .chain([watched("undisturbed", &self.undisturbed)])
            .chain(self.disturbed.as_ref().map(|disturbed| watched("in storms", disturbed)))
            .collect()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let rows = [
            ("back /s ÷ first /s", spread(&self.back_of_first)),
            ("p99 from first sign ÷ undisturbed", or_dash(self.first_sign_p99_by_undisturbed.as_ref())),
            ("p99 from asking ÷ undisturbed", or_dash(self.asking_p99_by_undisturbed.as_ref())),
            ("put off by the server", self.put_off.to_string()),
            ("ms from start to ready", or_dash(self.ready_ms.as_ref())),
            ("generator cores", spread(&self.generator_cores)),
        ];
        rows.into_iter().map(|(name, figure)| vec![name.to_owned(), figure]).collect()
    }
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
