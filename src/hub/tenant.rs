//! One tenant of the hub: its table and its views behind one lock.
//!
//! The lock is held for encoding and copying, never over an await. The feed's task is the only one
//! that moves the table; boards take frames and leave everything else as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use metrics::{counter, gauge};
use tokio::sync::{Notify, watch};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::HubError;
use super::seat::Seat;
use super::seed::SeedRow;
use super::table::{Delta, Table, Touched};
use super::view::{Changed, Cut, View};
use crate::domain::directory::Directory;
use crate::domain::id::{AgentId, RequestId, TeamId, TenantId, TenantSeq};
use crate::domain::time::Timestamp;
use crate::limits::Limit;
use crate::ports::{Committed, FeedRow};
use crate::protocol::request::{RequestAfter, RequestObject};
use crate::sync::{Mutex, MutexGuard};

/// The most views that a tenant may have open at once: with [`super::RING_BYTES_MAX`] each, their
/// frames take 64 MiB at most. Boards of the same teams share one view.
pub const VIEWS_MAX: usize = 1024;

/// One tenant.
#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) id: TenantId,
    state: Mutex<State>,
    /// Wakes the reader of the feed, who tells boards what changed.
    nudge: Notify,
}

/// What the lock guards.
#[derive(Debug)]
pub(super) struct State {
    pub(super) table: Table,
    /// In the order of their ids, so that the same commits wake the same boards in the same order.
    views: BTreeMap<Arc<str>, View>,
    /// Those of which a frame is to be cut later, with when.
    waiting: BTreeMap<Arc<str>, Timestamp>,
    views_by_team: BTreeMap<TeamId, BTreeSet<Arc<str>>>,
    /// The feed says that the store is out of reach, since then.
    feed_stale: Option<Timestamp>,
    /// A repair cannot be read, since then.
    repair_stale: Option<Timestamp>,
    /// From which number on the rows may be shown; `None` while that is not known.
    shown_from: Option<TenantSeq>,
    /// Where the rows stand, for whoever waits for what comes next.
    heads: watch::Sender<TenantSeq>,
}

impl Tenant {
    /// A tenant whose rows may be shown from the number `shown_from` on, or from one that is said later.
    pub(super) fn new(id: TenantId, table: Table, shown_from: Option<TenantSeq>) -> Tenant {
        let state = State {
            heads: watch::Sender::new(table.head()),
            table,
            views: BTreeMap::new(),
            waiting: BTreeMap::new(),
            views_by_team: BTreeMap::new(),
            feed_stale: None,
            repair_stale: None,
            shown_from,
        };
        Tenant { id, state: Mutex::new(state), nudge: Notify::new() }
    }

    /// Lets the reader of the feed look what is to be told, after somebody else has moved the table.
    pub(super) fn nudge(&self) {
        self.nudge.notify_one();
    }

    /// Completes once there was a nudge.
    pub(super) async fn nudged(&self) {
        self.nudge.notified().await;
    }

    /// Locks. Whoever panicked under the lock is followed by the feed's own recovery
    /// ([`State::start_over`]), so that the rest goes on.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How many views are open.
    pub(super) fn views(&self) -> usize {
        self.views.len()
    }

    /// Tells when the tenant's head has moved.
    pub(super) fn heads(&self) -> watch::Receiver<TenantSeq> {
        self.heads.subscribe()
    }

    fn tell_head(&self) {
        self.heads.send_replace(self.table.head());
    }

    /// An open view, with the table that it shows.
    pub(super) fn view(&mut self, id: &str) -> Option<(&mut View, &Table)> {
        self.views.get_mut(id).map(|view| (view, &self.table))
    }

    /// True when the rows may be shown.
    pub(super) fn is_shown(&self) -> bool {
        self.shown_from.is_some_and(|from| self.table.head() >= from)
    }

    /// The rows may be shown from this number on.
    pub(super) fn show_from(&mut self, from: TenantSeq) {
        let was_shown = self.is_shown();
        self.shown_from = Some(from);
        self.tell_shown(was_shown);
    }

    fn tell_shown(&self, was_shown: bool) {
        if self.is_shown() && !was_shown {
            self.views.values().for_each(View::wake_all);
        }
    }

    /// Since when the truth is out of reach.
    pub(super) fn stale(&self) -> Option<Timestamp> {
        match (self.feed_stale, self.repair_stale) {
            (Some(feed), Some(repair)) => Some(feed.min(repair)),
            (feed, repair) => feed.or(repair),
        }
    }

    /// Opens a view for a board, which takes a seat in it next, where it is not open.
    pub(super) fn open_view(&mut self, id: &Arc<str>, teams: &BTreeSet<TeamId>) -> Result<(), HubError> {
        if !self.views.contains_key(id) {
            if self.views.len() >= VIEWS_MAX {
                Limit::Views.reached();
                return Err(HubError::TooManyViews);
            }
            self.views.insert(Arc::clone(id), View::new(Arc::clone(id), teams.clone(), &self.table));
            for team in teams {
                self.views_by_team.entry(team.clone()).or_default().insert(Arc::clone(id));
            }
            gauge!("intervalo_hub_views").increment(1.0);
        }
        Ok(())
    }

    /// A board takes its seat; gives the number of it. None where the view is not open.
    pub(super) fn sit(&mut self, id: &str, seat: Arc<Seat>) -> Option<u64> {
        let number = self.views.get_mut(id)?.sit(seat);
        gauge!("intervalo_hub_boards").increment(1.0);
        Some(number)
    }

    /// A board is gone; the last one closes its view.
    pub(super) fn leave(&mut self, id: &Arc<str>, number: u64) {
        let Some(view) = self.views.get_mut(id) else { return };
        view.stand_up(number);
        gauge!("intervalo_hub_boards").decrement(1.0);
        if view.boards() > 0 {
            return;
        }
        if let Some(view) = self.views.remove(id) {
            self.waiting.remove(id);
            gauge!("intervalo_hub_views").decrement(1.0);
            for team in view.teams() {
                if let Some(views) = self.views_by_team.get_mut(team) {
                    views.remove(id);
                    if views.is_empty() {
                        self.views_by_team.remove(team);
                    }
                }
            }
        }
    }

    /// Takes up a committed batch that follows on from the head, or overlaps it.
    pub(super) fn commit(&mut self, committed: &Committed, now: Timestamp) {
        let was_shown = self.is_shown();
        let delta = self.table.advance(committed.to, committed.directory.as_ref(), &committed.rows);
        self.tell_views(&delta, committed.more, now);
        self.tell_shown(was_shown);
        self.tell_head();
    }

    /// True when so much waits for a frame that it is to be cut before more is taken up.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.keys().any(|id| self.views.get(id).is_some_and(View::is_full))
    }

    /// When the next frame is to be cut of what waits for it.
    pub(super) fn next_cut(&self) -> Option<Timestamp> {
        self.waiting.values().min().copied()
    }

    /// Cuts the frames whose time has come; they are to be told when this is no longer locked.
    pub(super) fn cut_what_is_due(&mut self, now: Timestamp) -> Vec<Cut> {
        let mut cuts = Vec::new();
        let State { waiting, views, table, .. } = self;
        waiting.retain(|id, at| {
            let is_due = *at <= now;
            if is_due {
                cuts.extend(views.get_mut(id).and_then(|view| view.cut_what_is_due(table, now)));
            }
            !is_due
        });
        cuts
    }

    /// Takes up rows as the journal has them at `head`, unless the table is further; what differs
    /// becomes one frame.
    pub(super) fn repair(&mut self, head: TenantSeq, directory: &Arc<Directory>, rows: Vec<SeedRow>, now: Timestamp) {
        if head <= self.table.head() {
            return;
        }
        counter!("intervalo_hub_repairs_total").increment(1);
        self.take_rows(head, directory, rows, now);
    }

    /// As [`State::repair`], after a panic: no frame and no boundary is trusted any more.
    pub(super) fn start_over(&mut self, head: TenantSeq, directory: &Arc<Directory>, rows: Vec<SeedRow>) {
        counter!("intervalo_hub_repairs_total").increment(1);
        if head >= self.table.head() {
            self.table = Table::new(Arc::clone(directory), head, rows);
        }
        self.table.forget_history();
        for view in self.views.values_mut() {
            view.reset(&self.table);
        }
        self.tell_head();
    }

    fn take_rows(&mut self, head: TenantSeq, directory: &Arc<Directory>, rows: Vec<SeedRow>, now: Timestamp) {
        let rows: Vec<FeedRow> = rows.into_iter().map(|row| FeedRow { agent: row.agent, view: row.view }).collect();
        let was_shown = self.is_shown();
        let delta = self.table.advance(head, Some(directory), &rows);
        self.tell_views(&delta, false, now);
        self.tell_shown(was_shown);
        self.tell_head();
    }

    /// Sets or clears what the feed says of the store.
    pub(super) fn set_feed_stale(&mut self, since: Option<Timestamp>) {
        let before = self.stale();
        self.feed_stale = since;
        self.tell_stale(before);
    }

    /// Sets or clears that a repair cannot be read. The first instant stays.
    pub(super) fn set_repair_stale(&mut self, since: Option<Timestamp>) {
        let before = self.stale();
        self.repair_stale = since.map(|since| self.repair_stale.unwrap_or(since));
        self.tell_stale(before);
    }

    fn tell_stale(&self, before: Option<Timestamp>) {
        if self.stale() != before {
            self.views.values().for_each(View::wake_all);
        }
    }

    fn tell_views(&mut self, delta: &Delta, more: bool, now: Timestamp) {
        for (id, changed) in self.changes_of_views(delta) {
            if let Some(view) = self.views.get_mut(&id) {
                let at = view.change(changed, more, now);
                self.waiting.insert(id, at);
            }
        }
    }

    /// What the step means for each view that it concerns.
    fn changes_of_views(&self, delta: &Delta) -> BTreeMap<Arc<str>, Changed> {
        let mut changes: BTreeMap<Arc<str>, Changed> = BTreeMap::new();
        for (agent, touched) in &delta.touched {
            let after = self.table.row(agent).map(|row| &row.view.person);
            let teams = touched.before.iter().chain(after).flat_map(|person| &person.teams);
            let views: BTreeSet<&Arc<str>> = teams.filter_map(|team| self.views_by_team.get(team)).flatten().collect();
            for id in views {
                let Some(view) = self.views.get(id) else { continue };
                let was = touched.before.as_ref().is_some_and(|person| view.shows(person));
                let is = after.is_some_and(|person| view.shows(person));
                let changed = changes.entry(Arc::clone(id)).or_default();
                add(changed, agent, touched, was, is);
                if is && touched.request {
                    changed.asides.extend(told_of(&self.table, agent, touched.replaced));
                }
            }
        }
        changes.retain(|_, changed| !changed.is_empty());
        for (id, changed) in &mut changes {
            let teams = self.views.get(id).map(View::teams);
            changed.beside.counts = teams.into_iter().flatten().any(|team| delta.recounted.contains(team));
        }
        changes
    }
}

/// The notification of what became of an agent's request.
fn told_of(table: &Table, agent: &AgentId, replaced: Option<RequestId>) -> Option<Utf8Bytes> {
    let row = table.row(agent)?;
    let replaces = replaced.map(|request| request.to_string());
    RequestObject::of(&row.view).map(|request| Utf8Bytes::from(RequestAfter { request, replaces }.to_notification()))
}

fn add(changed: &mut Changed, agent: &AgentId, touched: &Touched, was: bool, is: bool) {
    // An alert that somebody has seen comes with its row, though that is as it was.
    if was != is || (is && (touched.row || touched.alert)) {
        changed.agents.insert(agent.clone(), was);
    }
    // An alert goes and comes with its row, even if the row is as it was.
    changed.beside.alerts |= was != is || (touched.alert && is);
}
