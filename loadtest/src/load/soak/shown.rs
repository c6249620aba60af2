//! How the figures of the scenario are shown: as text, and as sections of a page.

use super::figures::{SampleFigures, SoakFigures};
use super::slope::Slope;
use crate::load::html::{Chart, Line, Section, Table};
use crate::load::latency::Percentiles;
use crate::load::table::table;

impl SoakFigures {
    /// The figures as tables.
    pub(in crate::load) fn shown(&self) -> String {
        format!("{}\n\n{}\n{}", self.about(), table(&self.time_rows()), table(&self.slope_rows()))
    }

    /// The figures as sections of a page.
    pub(in crate::load) fn sections(&self) -> Vec<Section> {
        let line = |name: &str, of: &dyn Fn(&SampleFigures) -> Option<f64>| Line {
            name: name.to_owned(),
            points: self.samples.iter().filter_map(|sample| Some((sample.at_s, of(sample)?))).collect(),
        };
        let times = |of: fn(&SampleFigures) -> Option<Percentiles>| {
            vec![
                line("p50", &|sample| Some(of(sample)?.p50_us / 1000.0)),
                line("p99", &|sample| Some(of(sample)?.p99_us / 1000.0)),
            ]
        };
        let over_time = |title: &str, lines: Vec<Line>| Chart::Lines { title: title.to_owned(), lines };
        let mib = |kib: Option<u64>| Some(kib? as f64 / 1024.0);
        let memory = vec![
            line("resident", &|sample| mib(sample.resident_kib)),
            line("anonymous", &|sample| mib(sample.anonymous_kib)),
        ];
        let cores = vec![
            line("server", &|sample| sample.server_cores),
            line("load generator", &|sample| Some(sample.generator_cores)),
        ];
        vec![
            Section {
                title: "Over time".to_owned(),
                about: self.about(),
                tables: vec![Table::headed(self.slope_rows())],
                charts: vec![
                    over_time("Server memory, MiB", memory),
                    over_time(
                        "Server descriptors",
                        vec![line("descriptors", &|sample| Some(sample.descriptors? as f64))],
                    ),
                    over_time("From command to reply, ms", times(|sample| sample.replies)),
                    over_time("From the first sign to each board, ms", times(|sample| sample.deliveries)),
                    over_time("Cores", cores),
                    over_time("Replies /s", vec![line("replies", &|sample| Some(sample.replies_per_second))]),
                ],
            },
            Section {
                title: "The whole run".to_owned(),
                about: String::new(),
                tables: vec![Table::headed(self.time_rows())],
                charts: vec![
                    Chart::curves("From command to reply", &[("server", &self.replies)]),
                    Chart::curves(
                        "To each board",
                        &[("from the first sign", &self.deliveries), ("from asking", &self.from_asking)],
                    ),
                ],
            },
        ]
    }

    fn about(&self) -> String {
        let reached = self.reached_per_second.map_or_else(String::new, |reached| {
            format!(", {:.0} % of the {reached:.0} that a closed loop reached", self.rate_per_second / reached * 100.0)
        });
        format!(
            "{:.0} changes a second{reached}, while connections were lost and came back, {} in all. {} samples.",
            self.rate_per_second,
            self.lost,
            self.samples.len()
        )
    }

    fn time_rows(&self) -> Vec<Vec<String>> {
        let head = ["ms", "count", "p50", "p90", "p99", "p99.9", "max"].map(str::to_owned).to_vec();
        let row = |name: &str, told: &Percentiles| {
            let Percentiles { count, p50_us, p90_us, p99_us, p999_us, max_us, curve_us: _ } = *told;
            let times = [p50_us, p90_us, p99_us, p999_us, max_us].map(|us| format!("{:.2}", us / 1000.0));
            [name.to_owned(), count.to_string()].into_iter().chain(times).collect()
        };
        vec![
            head,
            row("from command to reply", &self.replies),
            row("from the first sign to each board", &self.deliveries),
            row("from asking to each board", &self.from_asking),
        ]
    }

    fn slope_rows(&self) -> Vec<Vec<String>> {
        let head = ["median of the samples", "second quarter", "last quarter", "flat up to", ""];
        let row = |name: &str, slope: Option<Slope>, by: f64| {
            let Some(Slope { second_quarter, last_quarter, allowed, flat }) = slope else {
                return vec![name.to_owned(), "–".to_owned(), "–".to_owned(), "–".to_owned(), String::new()];
            };
            let figures = [second_quarter, last_quarter, allowed].map(|figure| format!("{:.2}", figure / by));
            let word = if flat { "flat" } else { "grew" };
            std::iter::once(name.to_owned()).chain(figures).chain([word.to_owned()]).collect()
        };
        vec![
            head.map(str::to_owned).to_vec(),
            row("server memory, anonymous, MiB", self.memory, 1024.0),
            row("server descriptors", self.descriptors, 1.0),
            row("reply p99 ms", self.replies_p99_us, 1000.0),
            row("on boards p99 ms", self.deliveries_p99_us, 1000.0),
        ]
    }
}
