//! How the figures of the scenario are shown: as text, and as sections of a page.

use std::collections::BTreeMap;

use super::figures::{HostileFigures, RoundsFigures};
use crate::load::html::{Chart, Section, Table};
use crate::load::report::Side;
use crate::load::spread::Spread;
use crate::load::table::{millis, or_dash, spread, table};

impl HostileFigures {
    /// The figures as tables.
    pub(in crate::load) fn shown(&self) -> String {
        let memory = self.memory_line().map_or_else(String::new, |line| format!("\n{line}\n"));
        format!(
            "{}\n\n{}{memory}\nhostile clients, {:.0} s in all:\n{}",
            self.about(),
            table(&self.rows()),
            self.hostile_s,
            table(&self.answer_rows())
        )
    }

    /// The figures as sections of a page.
    pub(in crate::load) fn sections(&self) -> Vec<Section> {
        let rounds = [("without", &self.without), ("with", &self.with)];
        let bars = |title, of: fn(&RoundsFigures) -> Option<&Spread>| {
            Chart::bars(title, (0..).zip(rounds).map(|(colour, (name, rounds))| (name.to_owned(), colour, of(rounds))))
        };
        let curves = |title, of: fn(&RoundsFigures) -> &Side| {
            Chart::curves(title, &rounds.map(|(name, rounds)| (name, &of(rounds).latency)))
        };
        vec![
            Section {
                title: "Honest clients".to_owned(),
                about: self.about(),
                tables: vec![Table::headed(self.rows())],
                charts: vec![
                    curves("From command to reply", |rounds| &rounds.replies),
                    curves("From command to each board", |rounds| &rounds.deliveries),
                    bars("Server, cores", |rounds| rounds.server_cores.as_ref()),
                    bars("Server, most KiB", |rounds| rounds.server_peak_kib.as_ref()),
                ],
            },
            Section {
                title: "Hostile clients".to_owned(),
                about: format!(
                    "{:.0} s in all. {}",
                    self.hostile_s,
                    self.memory_line().map_or_else(String::new, |line| format!("The {line}."))
                ),
                tables: vec![Table::headed(self.answer_rows())],
                charts: Vec::new(),
            },
        ]
    }

    fn about(&self) -> String {
        let pairs = self.p99_by_without.count;
        format!(
            "Honest commands and boards, without hostile clients and with them. Medians, with the range of {pairs} pairs."
        )
    }

    fn memory_line(&self) -> Option<String> {
        let memory = self.memory?;
        Some(format!(
            "server memory, resident KiB: {} before anybody came, most {} without and {} with hostile clients, {} after; \
             bound {} (16 × {} connections + 256 × {} that do not read){}",
            memory.base_kib,
            memory.peak_without_kib,
            memory.peak_with_kib,
            memory.after_kib,
            memory.bound_kib,
            memory.connections,
            memory.slow_connections,
            if memory.bound_is_held { "" } else { ", not held to it with so few" }
        ))
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let (without, with) = (&self.without, &self.with);
        let row = |name: &str, of: &dyn Fn(&RoundsFigures) -> String, ratio: Option<&Spread>| {
            vec![name.to_owned(), of(without), of(with), ratio.map(spread).unwrap_or_default()]
        };
        let max = |side: &Side| format!("{:.1}", side.latency.max_us / 1000.0);
        vec![
            vec![String::new(), "without".to_owned(), "with".to_owned(), "with ÷ without".to_owned()],
            row("replies /s", &|rounds| spread(&rounds.replies.per_second), None),
            row("reply p50 ms", &|rounds| millis(&rounds.replies.p50_us), Some(&self.p50_by_without)),
            row("reply p99 ms", &|rounds| millis(&rounds.replies.p99_us), Some(&self.p99_by_without)),
            row("reply max ms", &|rounds| max(&rounds.replies), None),
            row("on boards p50 ms", &|rounds| millis(&rounds.deliveries.p50_us), None),
            row("on boards p99 ms", &|rounds| millis(&rounds.deliveries.p99_us), Some(&self.deliveries_p99_by_without)),
            row("a sync meanwhile p99 ms", &|rounds| millis(&rounds.syncs.p99_us), None),
            row("a sync meanwhile max ms", &|rounds| max(&rounds.syncs), None),
            row("server cores", &|rounds| or_dash(rounds.server_cores.as_ref()), None),
            row("server peak KiB", &|rounds| or_dash(rounds.server_peak_kib.as_ref()), None),
            row("server descriptors", &|rounds| or_dash(rounds.server_descriptors.as_ref()), None),
            row("generator cores", &|rounds| spread(&rounds.generator_cores), None),
            row("idle or hostile cores", &|rounds| or_dash(rounds.others_cores.as_ref()), None),
        ]
    }

    fn answer_rows(&self) -> Vec<Vec<String>> {
        let head =
            ["", "clients", "connections", "MB sent", "let in", "statuses", "closes", "cut", "gave up", "errors"];
        let listed = |counts: &BTreeMap<u16, u64>| -> String {
            let each: Vec<String> = counts.iter().map(|(code, count)| format!("{code}: {count}")).collect();
            if each.is_empty() { "–".to_owned() } else { each.join(", ") }
        };
        let rows = self.answers.iter().map(|(kind, answers)| {
            vec![
                kind.word().to_owned(),
                answers.clients.to_string(),
                answers.connections.to_string(),
                format!("{:.1}", answers.bytes_sent as f64 / 1e6),
                answers.let_in.to_string(),
                listed(&answers.statuses),
                listed(&answers.closes),
                answers.cut.to_string(),
                answers.given_up.to_string(),
                match answers.rate_limited {
                    0 => answers.errors.to_string(),
                    limited => format!("{} ({limited} rate_limited)", answers.errors),
                },
            ]
        });
        std::iter::once(head.map(str::to_owned).to_vec()).chain(rows).collect()
    }
}
