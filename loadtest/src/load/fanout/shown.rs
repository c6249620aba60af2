//! How the figures of the scenario are shown: as text, and as sections of a page.

use super::figures::{FanoutFigures, LoadFigures, PeerFigures, SideFigures};
use crate::load::html::{Chart, Section, Table};
use crate::load::latency::Percentiles;
use crate::load::spread::Spread;
use crate::load::table::{millis, or_dash, spread, table};

impl FanoutFigures {
    /// The figures as a table for each load.
    pub(in crate::load) fn shown(&self) -> String {
        let tables: Vec<String> = self.loads.iter().map(shown).collect();
        format!("{}\n\n{}", self.about(), tables.join("\n"))
    }

    /// The figures as a section of a page for each load.
    pub(in crate::load) fn sections(&self) -> Vec<Section> {
        self.loads.iter().map(|load| section(load, self.about())).collect()
    }

    fn about(&self) -> String {
        let pairs = self.loads.first().map_or(0, |load| load.frame_bytes.count);
        format!(
            "Boards that hear of every change; the floor is one write of a ready frame for each board. Medians, with \
             the range of {pairs} pairs."
        )
    }
}

fn shown(load: &LoadFigures) -> String {
    let head = format!("{}, frames of {} bytes", load.name(), spread(&load.frame_bytes));
    let rows = table(&rows(load, head));
    if load.peers.is_empty() { rows } else { format!("{rows}\n{}", table(&peer_rows(load))) }
}

fn section(load: &LoadFigures, about: String) -> Section {
    let sides: Vec<(&str, &SideFigures)> = [("server", &load.server), ("floor", &load.floor)]
        .into_iter()
        .chain(load.peers.iter().map(|peer| (peer.name, &peer.peer)))
        .collect();
    let bars = |title, of: fn(&SideFigures) -> Option<&Spread>| {
        Chart::bars(title, (0..).zip(&sides).map(|(colour, (name, side))| ((*name).to_owned(), colour, of(side))))
    };
    let curves = |title, of: fn(&SideFigures) -> &Percentiles| {
        let series: Vec<(&str, &Percentiles)> = sides.iter().map(|(name, side)| (*name, of(side))).collect();
        Chart::curves(title, &series)
    };
    let peers = (!load.peers.is_empty()).then(|| Table::headed(peer_rows(load)));
    Section {
        title: load.name(),
        about,
        tables: std::iter::once(Table::headed(rows(load, format!("frames of {} bytes", spread(&load.frame_bytes)))))
            .chain(peers)
            .collect(),
        charts: vec![
            bars("Deliveries /s", |side| Some(&side.deliveries_per_second)),
            bars("CPU µs per delivery", |side| side.cpu_us_per_delivery.as_ref()),
            curves("From the first sign to each board", |side| &side.from_first_sign.all),
            curves("From asking to each board", |side| &side.from_asking.all),
        ],
    }
}

fn rows(load: &LoadFigures, head: String) -> Vec<Vec<String>> {
    let LoadFigures { server, floor, .. } = load;
    let row = |name: &str, of: &dyn Fn(&SideFigures) -> String, ratio: Option<&Spread>| {
        vec![name.to_owned(), of(server), of(floor), ratio.map(spread).unwrap_or_default()]
    };
    vec![
        vec![head, "server".to_owned(), "floor".to_owned(), "server ÷ floor".to_owned()],
        row("deliveries /s", &|side| spread(&side.deliveries_per_second), Some(&load.deliveries_of_floor)),
        row("changes /s", &|side| spread(&side.changes_per_second), None),
        row("changes per frame", &|side| spread(&side.changes_per_frame), None),
        row("CPU µs per delivery", &|side| or_dash(side.cpu_us_per_delivery.as_ref()), load.cpu_by_floor.as_ref()),
        row("from first sign, p50 ms", &|side| millis(&side.from_first_sign.p50_us), Some(&load.p50_by_floor)),
        row("from first sign, p99 ms", &|side| millis(&side.from_first_sign.p99_us), Some(&load.p99_by_floor)),
        row("from first sign, max ms", &|side| format!("{:.1}", side.from_first_sign.all.max_us / 1000.0), None),
        row("from asking, p50 ms", &|side| millis(&side.from_asking.p50_us), None),
        row("from asking, p99 ms", &|side| millis(&side.from_asking.p99_us), None),
        row("from asking, max ms", &|side| format!("{:.1}", side.from_asking.all.max_us / 1000.0), None),
        row("settled in ms", &|side| spread(&side.settled_in_ms), None),
        row("generator cores", &|side| spread(&side.generator_cores), None),
    ]
}

/// A line for each peer, and the server by it.
fn peer_rows(load: &LoadFigures) -> Vec<Vec<String>> {
    let head = ["", "deliveries /s", "CPU µs", "p50 ms", "p99 ms", "server ÷ it: deliveries", "CPU", "p50", "p99"];
    let line = |peer: &PeerFigures| {
        let side = &peer.peer;
        vec![
            peer.name.to_owned(),
            spread(&side.deliveries_per_second),
            or_dash(side.cpu_us_per_delivery.as_ref()),
            millis(&side.from_first_sign.p50_us),
            millis(&side.from_first_sign.p99_us),
            spread(&peer.deliveries_by_peer),
            or_dash(peer.cpu_by_peer.as_ref()),
            spread(&peer.p50_by_peer),
            spread(&peer.p99_by_peer),
        ]
    };
    std::iter::once(head.map(str::to_owned).to_vec()).chain(load.peers.iter().map(line)).collect()
}
