//! The table: the last durable public row of every agent of a tenant, at one head.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use serde_json::value::RawValue;

use super::seed::SeedRow;
use crate::domain::agent::Agent;
use crate::domain::directory::{Directory, Person};
use crate::domain::id::{AgentId, DirectoryVersion, RequestId, TeamId, TenantSeq};
use crate::domain::presence::AgentView;
use crate::domain::request::RequestState;
use crate::domain::routable::{Wanted, not_routable};
use crate::ports::FeedRow;
use crate::protocol::board::{Alert, PresenceCounts};
use crate::protocol::state::AgentState;
use crate::sync::in_parts;

/// One agent of the directory.
#[derive(Debug)]
pub(super) struct Row {
    /// What everybody is shown.
    pub(super) view: Arc<AgentView>,
    /// The same as JSON, written once, when somebody is first shown it: a start has other things to do, and
    /// most rows of a large company are never looked at.
    json: OnceLock<Arc<RawValue>>,
    /// The number that it last changed visibly at, or a later one.
    pub(super) changed: TenantSeq,
}

impl Row {
    fn new(view: Arc<AgentView>, changed: TenantSeq) -> Row {
        Row { view, json: OnceLock::new(), changed }
    }

    /// The row as JSON.
    pub(super) fn json(&self) -> &Arc<RawValue> {
        self.json.get_or_init(|| AgentState::of(&self.view).to_json().into())
    }
}

/// The rows of one tenant, those of people who left included; views leave these out.
#[derive(Debug)]
pub(super) struct Table {
    head: TenantSeq,
    directory: Arc<Directory>,
    /// Since which number the directory is in force, as far as this table has seen it change.
    directory_since: TenantSeq,
    rows: BTreeMap<AgentId, Row>,
    counts: BTreeMap<TeamId, PresenceCounts>,
    alerts: BTreeMap<AgentId, Vec<Alert>>,
}

/// What a step of the table changed.
#[derive(Debug, Default)]
pub(super) struct Delta {
    /// Agents whose row or membership changed.
    pub(super) touched: BTreeMap<AgentId, Touched>,
    /// Teams whose counts may have.
    pub(super) recounted: BTreeSet<TeamId>,
}

/// How an agent was touched.
#[derive(Debug)]
pub(super) struct Touched {
    /// The person before; none for an agent that had no row.
    pub(super) before: Option<Arc<Person>>,
    /// The row's bytes changed.
    pub(super) row: bool,
    /// Its alerts came, went or changed.
    pub(super) alert: bool,
    /// A request was made, or something became of it.
    pub(super) request: bool,
    /// The request that was open before, where there is another one in its place.
    pub(super) replaced: Option<RequestId>,
}

impl Table {
    /// The table of all agents of the directory, over the rows of those that something happened to.
    pub(super) fn new(directory: Arc<Directory>, head: TenantSeq, mut seeds: Vec<SeedRow>) -> Table {
        // Both in the order of their agents, so that neither is searched; of two rows of one agent the last counts.
        seeds.sort_by(|a, b| a.agent.cmp(&b.agent));
        let mut seeds = seeds.into_iter().peekable();
        let agents = directory.agents.iter().map(|(agent, person)| {
            let mut own = None;
            while let Some(seed) = seeds.next_if(|seed| seed.agent <= *agent) {
                own = Some(seed).filter(|seed| seed.agent == *agent).or(own);
            }
            (agent, person, own)
        });
        let parts = in_parts(agents.collect(), |agents| Part::of(agents, &directory));
        let (mut rows, mut counts) = (Vec::with_capacity(directory.agents.len()), BTreeMap::new());
        let mut alerts = BTreeMap::new();
        for part in parts {
            rows.extend(part.rows);
            alerts.extend(part.alerts);
            for (team, counted) in part.counts {
                *counts.entry(team).or_insert_with(PresenceCounts::default) += counted;
            }
        }
        Table { head, directory_since: TenantSeq(0), rows: rows.into_iter().collect(), counts, alerts, directory }
    }

    /// The number that the rows stand at.
    pub(super) fn head(&self) -> TenantSeq {
        self.head
    }

    /// Since which number nobody joined or left a team, as far as is known.
    pub(super) fn directory_since(&self) -> TenantSeq {
        self.directory_since
    }

    /// The version of the directory in force.
    pub(super) fn directory_version(&self) -> DirectoryVersion {
        self.directory.version
    }

    /// All rows, by agent.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// One agent's row.
    pub(super) fn row(&self, agent: &AgentId) -> Option<&Row> {
        self.rows.get(agent)
    }

    /// The counts of a team; zeros where nobody is in it.
    pub(super) fn counts(&self, team: &TeamId) -> PresenceCounts {
        self.counts.get(team).copied().unwrap_or_default()
    }

    /// All alerts, with the person that each is of.
    pub(super) fn alerts(&self) -> impl Iterator<Item = (&Person, &Alert)> {
        let of = |(agent, alerts)| Some((&*self.rows.get(agent)?.view.person, alerts));
        self.alerts
            .iter()
            .filter_map(of)
            .flat_map(|(person, alerts): (&Person, &Vec<Alert>)| alerts.iter().map(move |alert| (person, alert)))
    }

    /// Those who have made a request that is open.
    pub(super) fn asking(&self) -> impl Iterator<Item = &AgentView> {
        let alerted = self.alerts.keys().filter_map(|agent| self.rows.get(agent).map(|row| &*row.view));
        alerted.filter(|view| view.request.as_ref().is_some_and(|request| request.state == RequestState::Open))
    }

    /// Moves to `to`, where the directory and these rows hold. The caller has made sure that nothing
    /// is missing in between.
    pub(super) fn advance(&mut self, to: TenantSeq, directory: Option<&Arc<Directory>>, rows: &[FeedRow]) -> Delta {
        let mut delta = Delta::default();
        if let Some(directory) = directory.filter(|new| new.version != self.directory.version) {
            self.take_directory(directory, to, &mut delta);
        }
        for row in rows {
            if let Some(person) = self.directory.agents.get(&row.agent) {
                let view = fitted(&self.directory, &row.view, person);
                self.put(view, to, &mut delta);
            }
        }
        self.head = to;
        delta
    }

    /// Makes whoever is behind begin anew: the table may have moved without telling.
    pub(super) fn forget_history(&mut self) {
        self.directory_since = TenantSeq(self.head.0 + 1);
    }

    fn take_directory(&mut self, directory: &Arc<Directory>, to: TenantSeq, delta: &mut Delta) {
        self.directory = Arc::clone(directory);
        self.directory_since = to;
        let gone: Vec<AgentId> =
            self.rows.keys().filter(|agent| !directory.agents.contains_key(agent)).cloned().collect();
        for agent in gone {
            if let Some(row) = self.rows.remove(&agent) {
                self.uncount(&row.view, delta);
                let alert = self.alerts.remove(&agent).is_some();
                let before = Some(Arc::clone(&row.view.person));
                delta.touched.insert(agent, Touched { before, row: true, alert, request: false, replaced: None });
            }
        }
        for (agent, person) in &directory.agents {
            if let Some(row) = self.rows.get(agent) {
                let view = fitted(&self.directory, &row.view, person);
                self.put(view, to, delta);
            }
        }
        self.add_unseen(to, delta);
    }

    /// Gives everybody in the directory a row who has none.
    fn add_unseen(&mut self, changed: TenantSeq, delta: &mut Delta) {
        let directory = Arc::clone(&self.directory);
        for (agent, person) in &directory.agents {
            if !self.rows.contains_key(agent) {
                self.put(unseen(agent, person, &directory), changed, delta);
            }
        }
    }

    fn put(&mut self, view: Arc<AgentView>, changed: TenantSeq, delta: &mut Delta) {
        let agent = view.person.id.clone();
        let old = self.rows.get(&agent);
        if old.is_some_and(|old| Arc::ptr_eq(&old.view, &view)) {
            return;
        }
        let row = Row::new(view, changed);
        let same_row = old.is_some_and(|old| old.json().get() == row.json().get());
        let view = &row.view;
        let same_alerts = old.is_some_and(|old| old.view.acks == view.acks && old.view.at_risk == view.at_risk);
        let same_membership = old.is_some_and(|old| old.view.person.left_at == view.person.left_at);
        if same_row && same_membership && same_alerts {
            return;
        }
        let before = old.map(|old| Arc::clone(&old.view));
        if let Some(before) = &before {
            self.uncount(before, delta);
        }
        self.count(view, delta);
        let alerts = Alert::of(view);
        let alert_changed = self.alerts.get(&agent).map_or(!alerts.is_empty(), |before| *before != alerts);
        match alerts.is_empty() {
            true => self.alerts.remove(&agent),
            false => self.alerts.insert(agent.clone(), alerts),
        };
        self.rows.insert(agent.clone(), row);
        let request_before =
            before.as_ref().and_then(|before| before.request.as_ref().map(|r| (r.id, r.state.as_str())));
        let open_before = request_before.filter(|(_, state)| *state == RequestState::Open.as_str()).map(|(id, _)| id);
        let request = self.rows[&agent].view.request.as_ref().map(|request| (request.id, request.state.as_str()));
        let before = before.map(|before| Arc::clone(&before.person));
        let untouched = Touched { before, row: false, alert: false, request: false, replaced: None };
        let touched = delta.touched.entry(agent).or_insert(untouched);
        touched.row |= !same_row;
        touched.request |= request.is_some() && request != request_before;
        touched.replaced = touched.replaced.or(open_before.filter(|open| request.is_some_and(|(id, _)| id != *open)));
        touched.alert |= alert_changed;
    }

    fn count(&mut self, view: &AgentView, delta: &mut Delta) {
        for team in counted_in(view) {
            count_in(&mut self.counts, team, view);
            delta.recounted.insert(team.clone());
        }
    }

    fn uncount(&mut self, view: &AgentView, delta: &mut Delta) {
        for team in counted_in(view) {
            let counts = self.counts.entry(team.clone()).or_default();
            *counts.of_mut(view.presence) -= 1;
            if *counts == PresenceCounts::default() {
                self.counts.remove(team);
            }
            delta.recounted.insert(team.clone());
        }
    }
}

/// Some agents' rows, and what is told of them beside.
#[derive(Default)]
struct Part {
    rows: Vec<(AgentId, Row)>,
    counts: BTreeMap<TeamId, PresenceCounts>,
    alerts: Vec<(AgentId, Vec<Alert>)>,
}

impl Part {
    fn of(agents: Vec<(&AgentId, &Arc<Person>, Option<SeedRow>)>, directory: &Directory) -> Part {
        let mut part = Part { rows: Vec::with_capacity(agents.len()), ..Part::default() };
        for (agent, person, seed) in agents {
            let row = match seed {
                Some(seed) => Row::new(fitted(directory, &seed.view, person), seed.seq),
                None => Row::new(unseen(agent, person, directory), TenantSeq(0)),
            };
            for team in counted_in(&row.view) {
                count_in(&mut part.counts, team, &row.view);
            }
            let alerts = Alert::of(&row.view);
            if !alerts.is_empty() {
                part.alerts.push((agent.clone(), alerts));
            }
            part.rows.push((agent.clone(), row));
        }
        part
    }
}

/// The view with the person as the directory has them: a row may have been made just before the directory changed.
fn fitted(directory: &Directory, view: &Arc<AgentView>, person: &Arc<Person>) -> Arc<AgentView> {
    let zone = directory.zone_of(person);
    let same_person = Arc::ptr_eq(&view.person, person) || *view.person == **person;
    if same_person && view.zone == zone && view.not_routable == not_routable(view, Wanted::default(), directory) {
        return Arc::clone(view);
    }
    Arc::new(view.fitted(person, directory))
}

fn count_in(counts: &mut BTreeMap<TeamId, PresenceCounts>, team: &TeamId, view: &AgentView) {
    match counts.get_mut(team) {
        Some(counts) => *counts.of_mut(view.presence) += 1,
        None => *counts.entry(team.clone()).or_default().of_mut(view.presence) += 1,
    }
}

/// The row of an agent of whom nothing has ever happened.
fn unseen(agent: &AgentId, person: &Arc<Person>, directory: &Directory) -> Arc<AgentView> {
    Arc::new(AgentView::public(&Agent::unseen(agent.clone()), person, directory))
}

/// The teams that an agent is counted in.
fn counted_in(view: &AgentView) -> &[TeamId] {
    if view.person.left_at.is_some() { &[] } else { &view.person.teams }
}
