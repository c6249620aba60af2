//! The history of pauses: filters, days, pages, and what is never in it.

use std::time::Duration;

use crate::support::store_kinds::{OnPostgres, OnSqlite, Readable};
use crate::support::store_world::{World, agent, code_of, ended, pause, started, terms};
use chrono::NaiveDate;
use intervalo::domain::event::{AfterPause, AgentEventBody, Cause, ChosenStatus, PauseEnded};
use intervalo::domain::id::{PauseId, TeamId, TenantId, TenantSeq};
use intervalo::domain::time::{Timestamp, minutes, seconds};
use intervalo::ports::{Entry, EntryBody, Epoch};
use intervalo::store::PauseHistory;
use intervalo::store::history::{DayOrInstant, EventFilter, PAGE_MAX, PauseFilter, PauseKey, TenantHistory};

/// Each of the tests, on each store that keeps a history.
macro_rules! on_each_store {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(&OnSqlite::new()).await;
                }
            )+
        }
        mod postgres {
            use super::*;
            $(
                #[tokio::test]
                async fn $test() {
                    if let Some(store) = OnPostgres::new().await {
                        super::$test(&store).await;
                    }
                }
            )+
        }
    };
}

on_each_store!(
    a_row_has_everything_that_a_report_needs,
    a_pause_that_followed_a_protected_one_directly_does_not_tell,
    filters_leave_what_was_asked_for_and_never_a_protected_pause_or_another_tenant,
    a_period_of_days_is_of_the_days_recorded_and_one_of_instants_of_starts,
    pages_of_any_size_join_to_the_whole,
    events_are_masked_alike_in_pages_of_any_size,
);

async fn ids(history: &TenantHistory, filter: &PauseFilter) -> Vec<PauseId> {
    history.page(filter, None, PAGE_MAX).await.unwrap().rows.into_iter().map(|row| row.id).collect()
}

fn of(history: &PauseHistory, tenant: &str) -> TenantHistory {
    history.of(&TenantId::new(tenant).unwrap())
}

async fn a_row_has_everything_that_a_report_needs(store: &impl Readable) {
    let journal = store.open().await;
    let mut world = World::new("acme", Epoch(1));
    journal.append(world.founding()).await.unwrap();
    world.eventful_day();
    // Half of the day in one batch, half in another: the rows are the same.
    journal.append(world.batch()).await.unwrap();
    let history = PauseHistory::open(store.address()).await.unwrap();
    let page = of(&history, "acme").page(&PauseFilter::default(), None, 10).await.unwrap();
    let [lunch, coffee] = &page.rows[..] else { panic!("two rows: {:?}", page.rows) };
    assert_eq!(page.next, None);

    assert_eq!((lunch.id, lunch.agent.as_str(), lunch.agent_name.as_str()), (pause(1), "ana", "Ana Souza"));
    assert_eq!(lunch.pause_type, code_of("lunch"));
    assert_eq!(lunch.class, terms().class);
    assert_eq!(lunch.team, Some(TeamId::new("support").unwrap()));
    assert_eq!((lunch.zone, lunch.utc_offset_s), (chrono_tz::America::Sao_Paulo, -10_800));
    assert_eq!((lunch.limit, lunch.extended_by), (Some(minutes(60)), minutes(5)));
    assert_eq!((lunch.paid, lunch.counts_as_work), (true, false));
    assert_eq!(lunch.note.as_deref(), Some("going out: são 12h \u{0} \"ok\""));
    let start = lunch.started_at;
    assert_eq!(lunch.overran_at, Some(start + minutes(50)), "when it was due, not when it was written");
    let end = lunch.ended.unwrap();
    assert_eq!((end.by, end.short, end.misclick), (Cause::ChangedType, true, false));
    assert_eq!((end.replaced_by, end.estimated), (Some(pause(3)), false));
    assert_eq!(lunch.duration(), Some(end.at.since(start)));

    assert_eq!((coffee.id, coffee.replaces, coffee.overran_at), (pause(3), Some(pause(1)), None));
    let end = coffee.ended.unwrap();
    assert_eq!((end.by, end.last_seen_at.is_some(), end.estimated), (Cause::Abandoned, true, false), "corrected since");
    assert_eq!(end.at, coffee.started_at + seconds(2));
    assert_eq!(coffee.corrected.as_ref().and_then(|corrected| corrected.reason.as_deref()), Some("seen at the desk"));
    assert_eq!(lunch.annotations.len(), 1);

    // Events that follow in later batches change the rows that are there.
    let zoe = agent("zoe");
    world.at_work(&zoe);
    world.start_pause(&zoe, pause(60), None);
    journal.append(world.batch()).await.unwrap();
    world.event(&zoe, AgentEventBody::PauseExtended { pause: pause(60), by: seconds(7) });
    world.event(&zoe, AgentEventBody::PauseExtended { pause: pause(60), by: seconds(5) });
    journal.append(world.batch()).await.unwrap();
    world.event(&zoe, AgentEventBody::LimitReached { pause: pause(60), late: false });
    world.event(&zoe, AgentEventBody::Overran { pause: pause(60), late: false });
    let overran_at = world.now;
    journal.append(world.batch()).await.unwrap();
    let filter = PauseFilter { agents: Some(vec![zoe.clone()]), ..PauseFilter::default() };
    let running = of(&history, "acme").page(&filter, None, 10).await.unwrap().rows.remove(0);
    assert_eq!((running.extended_by, running.overran_at, running.ended), (seconds(12), Some(overran_at), None));
    assert_eq!(running.duration(), None);
    let misclick = intervalo::domain::event::PauseEnded { misclick: true, ..ended(pause(60)) };
    world.event(&zoe, AgentEventBody::PauseEnded(misclick));
    journal.append(world.batch()).await.unwrap();
    let finished = of(&history, "acme").page(&filter, None, 10).await.unwrap().rows.remove(0);
    assert!(finished.ended.unwrap().misclick);
    assert_eq!((finished.extended_by, finished.overran_at), (seconds(12), Some(overran_at)));
    history.close().await;
}

/// Twenty pauses of two agents, an hour apart from 12:00 UTC on, and protected ones in between.
async fn long_day(store: &impl Readable) -> (World, PauseHistory) {
    let journal = store.open().await;
    let mut other = World::new("globex", Epoch(1));
    journal.append(other.founding()).await.unwrap();
    other.at_work(&agent("ana"));
    other.start_pause(&agent("ana"), pause(900), None);
    journal.append(other.batch()).await.unwrap();
    let mut world = World::new("acme", Epoch(1));
    journal.append(world.founding()).await.unwrap();
    let agents = [agent("ana"), agent("rui")];
    world.at_work(&agents[0]);
    world.at_work(&agents[1]);
    for n in 0..20_u128 {
        let id = &agents[(n % 2) as usize];
        let mut start = started(pause(n), Some(terms()), None);
        start.pause_type = code_of(if n % 5 == 0 { "rest" } else { "lunch" });
        start.place.team = (n % 4 < 2).then(|| TeamId::new("sales").unwrap());
        start.place.local_day = NaiveDate::from_ymd_opt(2026, 3, if n < 15 { 2 } else { 3 }).unwrap();
        world.event(id, AgentEventBody::PauseStarted(Box::new(start)));
        world.end_pause(id, pause(n));
        let mut restroom = started(pause(1000 + n), None, Some("private"));
        restroom.pause_type = code_of("restroom");
        world.event(id, AgentEventBody::PauseStarted(Box::new(restroom)));
        world.end_pause(id, pause(1000 + n));
        world.now = world.now + Duration::from_secs(3596);
    }
    journal.append(world.batch()).await.unwrap();
    let history = PauseHistory::open(store.address()).await.unwrap();
    (world, history)
}

fn numbers(wanted: impl Fn(u128) -> bool) -> Vec<PauseId> {
    (0..20).filter(|n| wanted(*n)).map(pause).collect()
}

async fn a_pause_that_followed_a_protected_one_directly_does_not_tell(store: &impl Readable) {
    let journal = store.open().await;
    let mut world = World::new("acme", Epoch(1));
    journal.append(world.founding()).await.unwrap();
    let ana = agent("ana");
    world.at_work(&ana);
    let mut restroom = started(pause(1), None, None);
    restroom.pause_type = code_of("restroom");
    world.event(&ana, AgentEventBody::PauseStarted(Box::new(restroom)));
    let replaced = intervalo::domain::event::PauseEnded {
        then: AfterPause::Status(ChosenStatus::Unavailable),
        replaced_by: Some(pause(2)),
        ..ended(pause(1))
    };
    world.event(&ana, AgentEventBody::PauseEnded(replaced));
    let mut lunch = started(pause(2), Some(terms()), None);
    lunch.replaces = Some(pause(1));
    world.event(&ana, AgentEventBody::PauseStarted(Box::new(lunch)));
    journal.append(world.batch()).await.unwrap();
    let history = PauseHistory::open(store.address()).await.unwrap();
    let page = of(&history, "acme").page(&PauseFilter::default(), None, 10).await.unwrap();
    let [lunch] = &page.rows[..] else { panic!("one row: {:?}", page.rows) };
    assert_eq!((lunch.id, lunch.replaces), (pause(2), None));
}

async fn filters_leave_what_was_asked_for_and_never_a_protected_pause_or_another_tenant(store: &impl Readable) {
    let (_, history) = long_day(store).await;
    let all = PauseFilter::default();
    assert_eq!(ids(&of(&history, "globex"), &all).await, [pause(900)]);
    assert_eq!(ids(&of(&history, "initech"), &all).await, []);
    let history = of(&history, "acme");
    assert_eq!(ids(&history, &all).await, numbers(|_| true));
    let both = Some(vec![agent("rui"), agent("nobody")]);
    let mut filter = PauseFilter { agents: both, ..PauseFilter::default() };
    assert_eq!(ids(&history, &filter).await, numbers(|n| n % 2 == 1));
    filter.pause_type = Some(code_of("rest"));
    assert_eq!(ids(&history, &filter).await, numbers(|n| n % 2 == 1 && n % 5 == 0));
    filter.agents = None;
    filter.teams = Some(vec![TeamId::new("sales").unwrap()]);
    assert_eq!(ids(&history, &filter).await, numbers(|n| n % 4 < 2 && n % 5 == 0));
    filter.pause_type = Some(code_of("restroom"));
    filter.teams = None;
    assert_eq!(ids(&history, &filter).await, [], "not even when asked for by name");
    filter = PauseFilter::default();
    filter.agents = Some(Vec::new());
    assert_eq!(ids(&history, &filter).await, [], "no agent is not every agent");
    filter = PauseFilter::default();
    filter.teams = Some(Vec::new());
    assert_eq!(ids(&history, &filter).await, [], "no team is not every team");
}

async fn a_period_of_days_is_of_the_days_recorded_and_one_of_instants_of_starts(store: &impl Readable) {
    let (_, history) = long_day(store).await;
    let history = of(&history, "acme");
    let day = |d| Some(DayOrInstant::Day(NaiveDate::from_ymd_opt(2026, 3, d).unwrap()));
    let mut filter = PauseFilter::default();
    (filter.from, filter.to) = (day(2), day(2));
    assert_eq!(ids(&history, &filter).await, numbers(|n| n < 15));
    (filter.from, filter.to) = (day(3), day(3));
    assert_eq!(ids(&history, &filter).await, numbers(|n| n >= 15));
    (filter.from, filter.to) = (day(2), day(3));
    assert_eq!(ids(&history, &filter).await, numbers(|_| true));
    (filter.from, filter.to) = (day(4), None);
    assert_eq!(ids(&history, &filter).await, []);
    (filter.from, filter.to) = (None, day(1));
    assert_eq!(ids(&history, &filter).await, []);

    let rows = history.page(&PauseFilter::default(), None, 100).await.unwrap().rows;
    let (third, ninth) = (rows[3].started_at, rows[9].started_at);
    filter.from = Some(DayOrInstant::Instant(third));
    filter.to = Some(DayOrInstant::Instant(ninth));
    assert_eq!(ids(&history, &filter).await, numbers(|n| (3..9).contains(&n)));
    filter.from = Some(DayOrInstant::Instant(Timestamp(third.0 + 1)));
    filter.to = Some(DayOrInstant::Instant(Timestamp(ninth.0 + 1)));
    assert_eq!(ids(&history, &filter).await, numbers(|n| (4..10).contains(&n)));
}

async fn pages_of_any_size_join_to_the_whole(store: &impl Readable) {
    let (_, history) = long_day(store).await;
    let history = of(&history, "acme");
    let day = DayOrInstant::Day(NaiveDate::from_ymd_opt(2026, 3, 2).unwrap());
    let filter = PauseFilter { from: Some(day), ..PauseFilter::default() };
    for size in [0, 1, 3, 7, 19, 20, 21, usize::MAX] {
        let mut read = Vec::new();
        let mut after: Option<PauseKey> = None;
        loop {
            let page = history.page(&filter, after, size).await.unwrap();
            assert!(page.rows.len() <= size.clamp(1, PAGE_MAX) && !page.rows.is_empty());
            read.extend(page.rows.into_iter().map(|row| row.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(read, numbers(|_| true), "{size}");
    }
}

async fn events_are_masked_alike_in_pages_of_any_size(store: &impl Readable) {
    let journal = store.open().await;
    let mut world = World::new("acme", Epoch(1));
    journal.append(world.founding()).await.unwrap();
    world.eventful_day();
    let zoe = agent("zoe");
    world.at_work(&zoe);
    world.event(&zoe, AgentEventBody::PauseStarted(Box::new(started(pause(70), None, Some("secret")))));
    let then = AfterPause::Status(ChosenStatus::Available);
    world.event(&zoe, AgentEventBody::PauseEnded(PauseEnded { then, ..ended(pause(70)) }));
    world.event(&zoe, AgentEventBody::PauseStarted(Box::new(started(pause(71), None, None))));
    let then = AfterPause::Status(ChosenStatus::Offline);
    world.event(&zoe, AgentEventBody::PauseEnded(PauseEnded { then, ..ended(pause(71)) }));
    journal.append(world.batch()).await.unwrap();
    let history = PauseHistory::open(store.address()).await.unwrap();
    let history = of(&history, "acme");
    let filter = EventFilter::default();
    let whole = history.events(&filter, TenantSeq(0), PAGE_MAX).await.unwrap();
    assert_eq!((whole.reached, Some(whole.head)), (whole.head, history.head().await.ok()));
    for limit in [1, 2, 3, 7] {
        let (mut events, mut after) = (Vec::new(), TenantSeq(0));
        while after < whole.head {
            let page = history.events(&filter, after, limit).await.unwrap();
            assert!(page.events.len() <= limit && page.reached > after);
            (events, after) = ([events, page.events].concat(), page.reached);
        }
        assert_eq!(events, whole.events, "pages of {limit}");
    }
    let body = |entry: &Entry| match &entry.body {
        EntryBody::Agent { event, .. } => Some(event.body.clone()),
        EntryBody::Tenant { .. } => None,
    };
    let bodies: Vec<AgentEventBody> = whole.events.iter().filter_map(body).collect();
    let is_protected =
        |body: &&AgentEventBody| matches!(body, AgentEventBody::PauseStarted(started) if started.terms.is_none());
    assert_eq!(bodies.iter().find(is_protected), None);
    let (available, unavailable) = (ChosenStatus::Available, ChosenStatus::Unavailable);
    let changes = [
        AgentEventBody::StatusChanged { from: available, to: unavailable },
        AgentEventBody::StatusChanged { from: unavailable, to: available },
        AgentEventBody::StatusChanged { from: available, to: unavailable },
        AgentEventBody::StatusChanged { from: unavailable, to: ChosenStatus::Offline },
    ];
    assert_eq!(bodies[bodies.len() - 4..], changes);
    let of_zoe = EventFilter { agent: Some(zoe), from: Some(world.now), ..filter };
    let last = history.events(&of_zoe, TenantSeq(0), PAGE_MAX).await.unwrap().events;
    assert_eq!(last.iter().filter_map(body).next_back(), changes.last().cloned());
}
