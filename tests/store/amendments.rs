//! Corrections and annotations in the store: found with their pause, beside what was recorded first, and vouched for.

use std::sync::Arc;

use crate::support::store_kinds::{InMemory, OnPostgres, OnSqlite, Readable, Store};
use crate::support::store_world::{World, agent, code_of, correction, ended, pause, started, supervisor, terms};
use intervalo::domain::command::Actor;
use intervalo::domain::event::{AgentEventBody, Cause, LimitedClass, PauseEnded, PauseTerms, Right};
use intervalo::domain::id::{AgentId, PauseId, TenantId};
use intervalo::domain::record::{EndsBefore, PauseCorrected, RecordedEnd};
use intervalo::domain::time::{Timestamp, minutes, seconds};
use intervalo::domain::usage::Period;
use intervalo::ports::{AppendError, EntryBody, Epoch, Journal};
use intervalo::store::PauseHistory;
use intervalo::store::history::PauseFilter;
use intervalo::store::verify::verify;

/// Somebody else says something of a pause.
fn said(world: &mut World, id: &AgentId, body: AgentEventBody, text: &str) {
    let mut event = world.plain(id, body);
    event.actor = supervisor();
    event.cause = Cause::Supervisor;
    event.reason = Some(text.to_owned());
    world.full_event(id, event);
}

/// A pause of `terms()` that lasts so long.
fn take_pause(world: &mut World, id: &AgentId, number: u128, code: &str, lasts: std::time::Duration) -> Timestamp {
    let mut start = started(pause(number), Some(terms()), None);
    start.pause_type = code_of(code);
    world.event(id, AgentEventBody::PauseStarted(Box::new(start)));
    let began = world.now;
    world.now = (began + lasts).minus(seconds(1));
    let end = PauseEnded { misclick: lasts < terms().refund_under, ..ended(pause(number)) };
    world.event(id, AgentEventBody::PauseEnded(end));
    began
}

async fn founded(store: &impl Store) -> (Arc<dyn Journal>, World) {
    let journal = store.open().await;
    let mut world = World::new("acme", Epoch(0));
    world.epoch = journal.snapshot(world.shard).await.unwrap().head.epoch;
    journal.append(world.founding()).await.unwrap();
    (journal, world)
}

/// The contract of [`Journal::find_pause`].
pub(crate) async fn a_pause_on_record_is_found_with_what_was_said_of_it(store: &impl Store) {
    let (journal, mut world) = founded(store).await;
    let (ana, rui, acme) = (agent("ana"), agent("rui"), world.tenant.clone());
    world.at_work(&ana);
    world.at_work(&rui);
    let rest_began = take_pause(&mut world, &ana, 1, "rest", minutes(5));
    take_pause(&mut world, &ana, 2, "rest", seconds(10));
    let tea_began = take_pause(&mut world, &ana, 3, "tea", minutes(7));
    let lunch_began = take_pause(&mut world, &ana, 4, "rest", minutes(30));
    let mut restroom = started(pause(5), None, None);
    restroom.pause_type = code_of("restroom");
    world.event(&ana, AgentEventBody::PauseStarted(Box::new(restroom)));
    world.end_pause(&ana, pause(5));
    take_pause(&mut world, &rui, 6, "rest", minutes(30));
    world.start_pause(&ana, pause(7), None);
    let next_began = world.now;
    journal.append(world.batch()).await.unwrap();

    let find = async |id: PauseId| journal.find_pause(&acme, id).await.unwrap();
    let lunch = find(pause(4)).await.expect("a pause");
    assert_eq!((&lunch.agent, lunch.id, &lunch.pause_type), (&ana, pause(4), &code_of("rest")));
    assert_eq!(lunch.period, Period::Shift(Timestamp(crate::support::store_world::START)));
    assert_eq!((lunch.started_at, lunch.annotations), (lunch_began, 0));
    let end = RecordedEnd { at: lunch_began + minutes(30), cause: Cause::Agent, misclick: false, last_seen_at: None };
    assert_eq!(lunch.ended, Some(end));
    assert_eq!(lunch.next_started_at, Some(next_began), "the restroom is no next one, and neither is somebody else's");
    let before = EndsBefore { of_type: Some(rest_began + minutes(5)), of_any: Some(tea_began + minutes(7)) };
    assert_eq!(lunch.before, before, "a misclick ended nothing");
    let measures = lunch.measures.expect("not protected");
    assert_eq!((measures.min_duration, measures.refund_under), (Some(minutes(10)), seconds(30)));
    assert_eq!((measures.limit, measures.grace, measures.overran_at), (Some(minutes(60)), seconds(60), None));
    assert_eq!(measures.right, None);
    assert_eq!(find(pause(5)).await.expect("a pause").measures, None, "a protected one is measured by nothing");
    assert_eq!(find(pause(7)).await.expect("a pause").ended, None);
    assert_eq!(find(pause(99)).await, None);
    assert_eq!(journal.find_pause(&TenantId::new("globex").unwrap(), pause(4)).await.unwrap(), None);

    // What was said counts from the next question on, of the pause and of those around it.
    let corrected = PauseCorrected { misclick: true, ..correction(pause(3), tea_began, tea_began + seconds(9)) };
    said(&mut world, &ana, AgentEventBody::PauseCorrected(Box::new(corrected)), "a mistake");
    for minute in [20, 25] {
        let corrected = correction(pause(4), lunch_began, lunch_began + minutes(minute));
        said(&mut world, &ana, AgentEventBody::PauseCorrected(Box::new(corrected)), "seen at the desk");
    }
    for _ in 0..3 {
        said(&mut world, &ana, AgentEventBody::PauseAnnotated { pause: pause(4) }, "a long queue");
    }
    world.event(&ana, AgentEventBody::PauseExtended { pause: pause(7), by: minutes(5) });
    journal.append(world.batch()).await.unwrap();
    let lunch = find(pause(4)).await.expect("a pause");
    assert_eq!(lunch.ended, Some(RecordedEnd { at: lunch_began + minutes(25), ..end }));
    assert_eq!(lunch.annotations, 3);
    let ended = Some(rest_began + minutes(5));
    assert_eq!(lunch.before, EndsBefore { of_type: ended, of_any: ended });
    let running = find(pause(7)).await.expect("a pause");
    assert_eq!(running.measures.and_then(|measures| measures.limit), Some(minutes(65)));
    assert_eq!(running.before.of_any, Some(lunch_began + minutes(25)));
    store.verify().await.unwrap();

    // What the employer owed is known by what was said when it began.
    world.end_pause(&ana, pause(7));
    let right = Right { min: minutes(9), from: Timestamp(7), until: None };
    let owed = PauseTerms { class: LimitedClass::Entitlement, right: Some(right), ..terms() };
    world.event(&ana, AgentEventBody::PauseStarted(Box::new(started(pause(8), Some(owed), None))));
    journal.append(world.batch()).await.unwrap();
    let found = find(pause(8)).await.expect("a pause");
    assert_eq!(found.measures.and_then(|measures| measures.right), Some(right));

    // The same after a restart.
    drop(journal);
    let journal = store.open().await;
    assert_eq!(journal.find_pause(&acme, pause(4)).await.unwrap(), Some(lunch));
}

/// What a broken sequencer would send is refused as a whole.
pub(crate) async fn nothing_is_said_of_a_pause_that_there_is_not(store: &impl Store) {
    let (journal, mut world) = founded(store).await;
    let ana = agent("ana");
    world.at_work(&ana);
    let mut broken = world.clone();
    said(&mut broken, &ana, AgentEventBody::PauseAnnotated { pause: pause(77) }, "of nothing");
    let answer = journal.append(broken.batch()).await;
    assert!(matches!(answer, Err(AppendError::Unavailable(_))), "{answer:?}");
    // A pause may begin and be spoken of in one batch.
    world.start_pause(&ana, pause(1), None);
    said(&mut world, &ana, AgentEventBody::PauseAnnotated { pause: pause(1) }, "of something");
    journal.append(world.batch()).await.unwrap();
    assert_eq!(journal.find_pause(&world.tenant, pause(1)).await.unwrap().expect("a pause").annotations, 1);
    store.verify().await.unwrap();
}

#[tokio::test]
async fn an_estimate_is_one_until_somebody_says_otherwise() {
    let store = InMemory::new();
    let (journal, mut world) = founded(&store).await;
    let ana = agent("ana");
    world.at_work(&ana);
    world.start_pause(&ana, pause(1), None);
    let began = world.now;
    let abandoned = PauseEnded { last_seen_at: Some(began + seconds(1)), ..ended(pause(1)) };
    world.event(&ana, AgentEventBody::PauseEnded(abandoned));
    journal.append(world.batch()).await.unwrap();
    let found = journal.find_pause(&world.tenant, pause(1)).await.unwrap().expect("a pause");
    assert_eq!(found.ended.and_then(|end| end.last_seen_at), Some(began + seconds(1)));
    let corrected = correction(pause(1), began, began + seconds(1));
    said(&mut world, &ana, AgentEventBody::PauseCorrected(Box::new(corrected)), "came back");
    journal.append(world.batch()).await.unwrap();
    let found = journal.find_pause(&world.tenant, pause(1)).await.unwrap().expect("a pause");
    assert_eq!(found.ended.and_then(|end| end.last_seen_at), None);
}

/// The history's share, on each store that keeps one.
async fn the_history_shows_the_corrected_end_and_keeps_the_first(store: &impl Readable) {
    let (journal, mut world) = founded(store).await;
    let ana = agent("ana");
    world.at_work(&ana);
    let began = take_pause(&mut world, &ana, 1, "lunch", minutes(70));
    let mut restroom = started(pause(2), None, None);
    restroom.pause_type = code_of("restroom");
    world.event(&ana, AgentEventBody::PauseStarted(Box::new(restroom)));
    world.event(&ana, AgentEventBody::PauseAnnotated { pause: pause(2) });
    journal.append(world.batch()).await.unwrap();
    let history = PauseHistory::open(store.address()).await.unwrap();
    let (all, history) = (history.clone(), history.of(&world.tenant));
    let filter = PauseFilter::default();
    let before = history.page(&filter, None, 10).await.unwrap().rows.remove(0);
    assert_eq!((&before.corrected, before.annotations.len()), (&None, 0));

    let mut own = world.plain(&ana, AgentEventBody::PauseAnnotated { pause: pause(1) });
    own.reason = Some("a long queue".to_owned());
    world.full_event(&ana, own);
    let first = correction(pause(1), began, began + minutes(20));
    said(&mut world, &ana, AgentEventBody::PauseCorrected(Box::new(first)), "no");
    let overran_at = Some(began + minutes(61));
    let last = PauseCorrected { short: true, overran_at, ..correction(pause(1), began, began + minutes(65)) };
    said(&mut world, &ana, AgentEventBody::PauseCorrected(Box::new(last)), "seen at the desk");
    let corrected_at = world.now;
    said(&mut world, &ana, AgentEventBody::PauseAnnotated { pause: pause(1) }, "told him");
    journal.append(world.batch()).await.unwrap();

    let row = history.page(&filter, None, 10).await.unwrap().rows.remove(0);
    assert_eq!(history.pause(pause(1)).await.unwrap().as_ref(), Some(&row));
    assert_eq!(history.pause(pause(2)).await.unwrap(), None, "a protected one is none");
    assert_eq!(all.of(&TenantId::new("globex").unwrap()).pause(pause(1)).await.unwrap(), None);
    let end = row.ended.unwrap();
    assert_eq!((end.at, end.short, end.misclick, end.estimated), (began + minutes(65), true, false, false));
    assert_eq!((row.duration(), row.overran_at), (Some(minutes(65)), overran_at));
    let corrected = row.corrected.expect("corrected");
    assert_eq!((&corrected.by, corrected.at), (&supervisor(), corrected_at));
    assert_eq!(corrected.reason.as_deref(), Some("seen at the desk"));
    assert_eq!(corrected.ended_at_before, began + minutes(70), "the end that was recorded first");
    let said: Vec<(&Actor, Option<&str>)> =
        row.annotations.iter().map(|annotation| (&annotation.by, annotation.text.as_deref())).collect();
    assert_eq!(said, [(&Actor::Agent(ana.clone()), Some("a long queue")), (&supervisor(), Some("told him"))]);

    // What is erased is gone from here as well.
    store.erase(&world.tenant, &ana).await;
    let row = history.page(&filter, None, 10).await.unwrap().rows.remove(0);
    assert_eq!(row.corrected.expect("corrected").reason, None);
    assert_eq!(row.annotations.iter().filter_map(|annotation| annotation.text.as_ref()).count(), 0);
    assert!(row.annotations[0].by.id().unwrap().starts_with("erased:"), "{:?}", row.annotations[0]);
    all.close().await;
    store.verify().await.unwrap();
}

#[tokio::test]
async fn the_history_shows_the_corrected_end_and_keeps_the_first_on_sqlite() {
    the_history_shows_the_corrected_end_and_keeps_the_first(&OnSqlite::new()).await;
}

#[tokio::test]
async fn the_history_shows_the_corrected_end_and_keeps_the_first_on_postgres() {
    if let Some(store) = OnPostgres::new().await {
        the_history_shows_the_corrected_end_and_keeps_the_first(&store).await;
    }
}

#[tokio::test]
async fn promise_a5_what_is_said_of_a_pause_cannot_be_altered_unnoticed() {
    let store = OnSqlite::new();
    let (journal, mut world) = founded(&store).await;
    world.eventful_day();
    let seq = world.stored.len() as i64;
    journal.append(world.batch()).await.unwrap();
    let corrected = world.stored.iter().find(
        |stored| matches!(&stored.entry.body, EntryBody::Agent { event, .. } if event.body.name() == "pause.corrected"),
    );
    let corrected = corrected.expect("in an eventful day").entry.seq.0.cast_signed();
    assert!(corrected > seq);
    drop(journal);
    store.close().await;
    let mut hand = store.by_hand().await;
    let keep = "CREATE TEMP TABLE kept AS SELECT * FROM main.pause_amendments";
    sqlx::query(keep).execute(&mut hand).await.unwrap();
    let of_it = format!("WHERE tenant = 'acme' AND seq = {corrected}");
    for edit in [
        format!("UPDATE pause_amendments SET ended_at = ended_at + 1 {of_it}"),
        format!("UPDATE pause_amendments SET short = 1 - short {of_it}"),
        format!("UPDATE pause_amendments SET actor_kind = 'admin' {of_it}"),
        format!("UPDATE pause_amendments SET text = NULL {of_it}"),
        format!("UPDATE pause_amendments SET at = at - 1 {of_it}"),
        format!("UPDATE pause_amendments SET pause = zeroblob(16) {of_it}"),
        format!("DELETE FROM pause_amendments {of_it}"),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(edit.clone())).execute(&mut hand).await.unwrap();
        let fault = verify(store.dir()).await.expect_err(&edit);
        assert_eq!(super::evidence::entry(&fault), Some(("acme".to_owned(), corrected)), "{edit}: {fault}");
        for sql in ["DELETE FROM main.pause_amendments", "INSERT INTO main.pause_amendments SELECT * FROM kept"] {
            sqlx::query(sql).execute(&mut hand).await.unwrap();
        }
    }
    let more =
        "INSERT INTO main.pause_amendments SELECT tenant, 1, pause, at, actor_kind, actor_person, text, ended_at,
                short, misclick, overran_at FROM kept LIMIT 1";
    sqlx::query(more).execute(&mut hand).await.unwrap();
    assert!(verify(store.dir()).await.is_err(), "one that no event made");
    sqlx::query("DELETE FROM main.pause_amendments WHERE seq = 1").execute(&mut hand).await.unwrap();
    verify(store.dir()).await.unwrap();
}

#[tokio::test]
async fn a_folder_of_before_opens_with_what_it_had() {
    let store = OnSqlite::new();
    let (journal, mut world) = founded(&store).await;
    let ana = agent("ana");
    world.at_work(&ana);
    take_pause(&mut world, &ana, 1, "lunch", minutes(5));
    journal.append(world.batch()).await.unwrap();
    drop(journal);
    store.close().await;
    let mut hand = store.by_hand().await;
    for sql in [
        "DROP TABLE credentials",
        "DROP TABLE pause_amendments",
        "DROP INDEX journal_requests",
        "DROP INDEX journal_clock_stepped",
        "ALTER TABLE directories DROP COLUMN whole",
        "DELETE FROM _sqlx_migrations WHERE version >= 4",
    ] {
        sqlx::query(sql).execute(&mut hand).await.unwrap();
    }
    let refused = verify(store.dir()).await.expect_err("an older version").to_string();
    assert!(refused.contains("start the server once"), "{refused}");
    let journal = store.open().await;
    world.take_over(journal.heads().await.unwrap()[0]);
    said(&mut world, &ana, AgentEventBody::PauseAnnotated { pause: pause(1) }, "of before");
    journal.append(world.batch()).await.unwrap();
    assert_eq!(verify(store.dir()).await.unwrap().pauses, 1);
}
