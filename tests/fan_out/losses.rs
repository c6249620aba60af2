//! What is lost, doubled, late or broken on the way, in every order: boards show the truth in the end
//! and nothing else on the way there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use intervalo::cluster::{FEED_CAPACITY, LocalBus};
use intervalo::domain::id::TenantId;
use intervalo::hub::{Board, EARLY_MAX, GAP_WAIT};
use intervalo::ports::{BoxFuture, Bus, Clock, Committed, Delivery, Feed, ShardId, Subscription};
use proptest::prelude::*;

use super::dashboard::Dashboard;
use super::dice::Dice;
use super::house::{House, drain, result_of};
use super::lossy_bus::LossyBus;
use super::world::{ALL_TO, To, World, tenant_id};

/// Two seconds, within which a board must show the truth after things are quiet (promise V1).
const CONVERGED_AFTER: Duration = Duration::from_secs(2);

/// Commits over a bus that loses three fifths of what it is given one way or another, with boards
/// that read at their own pace, come, and go; then quiet. Answers how often the journal was read.
async fn converge_over_a_lossy_bus(seed: u64) -> usize {
    let world = World::new(40, 4);
    let house = House::on(&world, Arc::new(LossyBus::over(Arc::new(LocalBus::new()), seed)));
    let mut dice = Dice::new(seed ^ 0xB0A4D);
    let mut boards: Vec<(Board, Dashboard)> = (0..4).map(|team| house.join(&[team, (team + 1) % 4])).collect();
    for _ in 0..200 {
        let changes: Vec<(usize, To)> =
            (0..=dice.below(3)).map(|_| (dice.below(40) as usize, ALL_TO[dice.below(6) as usize])).collect();
        house.commit(&changes);
        if dice.below(40) == 0 {
            let moved = (dice.below(44) as usize, vec![dice.below(4) as usize]);
            house.publish(house.world.change_directory(&[moved]));
        }
        house.pass(dice.below(40)).await;
        let at = dice.below(4) as usize;
        let (board, dashboard) = &mut boards[at];
        if dice.below(5) == 0 {
            let cursor = dashboard.cursor.clone();
            *board = house.board(&[at, (at + 1) % 4], cursor.as_deref());
        }
        drain(board, dashboard, &house.world);
    }
    // Quiet: only the head is told, each second, and that gets lost as well.
    let quiet_since = house.clock.now();
    let mut converged_at = None;
    while converged_at.is_none() && house.clock.now().since(quiet_since) < Duration::from_secs(60) {
        for _ in 0..8 {
            house.beat_head();
        }
        house.pass(500).await;
        let mut all = true;
        for (at, (board, dashboard)) in boards.iter_mut().enumerate() {
            drain(board, dashboard, &house.world);
            all &= dashboard.rows == house.world.truth(&[at, (at + 1) % 4]);
        }
        converged_at = all.then(|| house.clock.now());
    }
    let took = converged_at.expect("the boards never showed the truth").since(quiet_since);
    assert!(took <= CONVERGED_AFTER, "seed {seed}: {took:?}");
    house.close().await;
    world.reads.load(Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn promise_v1_every_board_shows_the_truth_within_two_seconds_whatever_was_lost() {
    let mut reads = 0;
    for seed in 0..12 {
        reads += converge_over_a_lossy_bus(seed).await;
    }
    assert!(reads > 12, "nothing was lost, so nothing was tested");
}

#[tokio::test(start_paused = true)]
async fn promise_v2_old_and_repeated_batches_change_nothing() {
    let house = House::new(12, 1);
    let (mut board, mut dashboard) = house.join(&[0]);
    drain(&mut board, &mut dashboard, &house.world);
    let batches: Vec<Arc<Committed>> =
        (0..30).map(|step| house.world.commit(&[(step % 12, ALL_TO[step % 6])])).collect();
    for (at, batch) in batches.iter().enumerate() {
        house.publish(Arc::clone(batch));
        house.publish(Arc::clone(&batches[at / 2]));
    }
    house.arrive().await;
    drain(&mut board, &mut dashboard, &house.world);
    let told = dashboard.changes;
    assert!(told > 0);
    for batch in batches.iter().rev() {
        house.publish(Arc::clone(batch));
    }
    house.settle().await;
    drain(&mut board, &mut dashboard, &house.world);
    assert_eq!((dashboard.changes, house.world.reads.load(Ordering::SeqCst)), (told, 0));
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn batches_that_overtake_each_other_are_put_in_order_without_the_journal() {
    let house = House::new(12, 1);
    let (mut board, mut dashboard) = house.join(&[0]);
    let batches: Vec<Arc<Committed>> =
        (0..10).map(|step| house.world.commit(&[(step % 12, ALL_TO[step % 6])])).collect();
    for pair in batches.chunks(2) {
        house.publish(Arc::clone(&pair[1]));
        house.publish(Arc::clone(&pair[0]));
    }
    house.arrive().await;
    drain(&mut board, &mut dashboard, &house.world);
    assert_eq!(house.world.reads.load(Ordering::SeqCst), 0);
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn promise_v3_a_lost_batch_is_found_by_the_head_and_repaired() {
    let house = House::new(12, 2);
    let (mut board, mut dashboard) = house.join(&[0, 1]);
    house.commit(&[(0, To::Available)]);
    house.arrive().await;
    drain(&mut board, &mut dashboard, &house.world);
    let from = dashboard.to;
    house.world.commit(&[(1, To::Available)]); // lost
    house.world.commit(&[(1, To::Overrun), (2, To::Paused)]); // lost
    house.pass(60_000).await;
    drain(&mut board, &mut dashboard, &house.world);
    assert_eq!(house.world.reads.load(Ordering::SeqCst), 0, "nothing tells of a gap as long as all is quiet");

    let heard_at = house.clock.now();
    house.beat_head();
    house.arrive().await;
    assert!(house.clock.now().since(heard_at) < GAP_WAIT + Duration::from_millis(50));
    let frames = drain(&mut board, &mut dashboard, &house.world);
    let result = result_of(&frames[frames.len() - 1]);
    assert_eq!((result["from"].as_u64(), result["agents"].as_array().unwrap().len()), (from, 2), "one frame for all");
    assert_eq!(dashboard.rows, house.world.truth(&[0, 1]));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn promise_v3_a_hub_that_was_too_slow_for_its_feed_repairs_itself() {
    let house = House::new(12, 1);
    let (mut board, mut dashboard) = house.join(&[0]);
    for step in 0..FEED_CAPACITY + 500 {
        house.commit(&[(step % 12, ALL_TO[step % 6])]); // the feed's task does not run in between
    }
    house.arrive().await;
    drain(&mut board, &mut dashboard, &house.world);
    assert!(house.world.reads.load(Ordering::SeqCst) >= 1);
    assert_eq!(dashboard.rows, house.world.truth(&[0]));

    // More that comes too early than is kept for it.
    let lost = house.world.commit(&[(0, To::Available)]);
    for step in 0..EARLY_MAX + 10 {
        house.commit(&[(step % 12, ALL_TO[(step + 1) % 6])]);
    }
    house.arrive().await;
    house.publish(lost);
    house.settle().await;
    drain(&mut board, &mut dashboard, &house.world);
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    house.close().await;
}

/// One step of a random life of boards.
#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<(usize, usize)>),
    /// Commits, but the bus loses it.
    Lose(usize),
    Move(usize, Vec<usize>),
    Join(usize),
    Leave(usize),
    ComeBack(usize),
    Read(usize, usize),
    Settle,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let change = (0..12_usize, 0..6_usize);
    prop_oneof![
        6 => prop::collection::vec(change, 1..4).prop_map(Step::Commit),
        1 => (0..12_usize).prop_map(Step::Lose),
        1 => (0..14_usize, prop::collection::vec(0..3_usize, 0..3)).prop_map(|(agent, mut teams)| {
            teams.sort_unstable();
            teams.dedup();
            Step::Move(agent, teams)
        }),
        3 => (0..4_usize).prop_map(Step::Join),
        1 => (0..4_usize).prop_map(Step::Leave),
        2 => (0..4_usize).prop_map(Step::ComeBack),
        6 => (0..4_usize, 1..4_usize).prop_map(|(board, frames)| Step::Read(board, frames)),
        3 => Just(Step::Settle),
        1 => (1..6_000_u64).prop_map(Step::Wait),
    ]
}

/// The teams of the four boards; the last two share a view.
const TEAMS_OF: [&[usize]; 4] = [&[0], &[0, 1], &[1, 2], &[1, 2]];

async fn live(steps: Vec<Step>) -> Result<(), String> {
    let world = World::new(12, 3);
    let house = House::on(&world, Arc::new(LocalBus::new()));
    let mut boards: [Option<Board>; 4] = [None, None, None, None];
    let mut dashboards = TEAMS_OF.map(Dashboard::new);
    for step in steps {
        match step {
            Step::Commit(changes) => {
                let changes: Vec<(usize, To)> = changes.into_iter().map(|(agent, to)| (agent, ALL_TO[to])).collect();
                house.commit(&changes);
            }
            Step::Lose(agent) => drop(house.world.commit(&[(agent, To::Available)])),
            Step::Move(agent, teams) => house.publish(house.world.change_directory(&[(agent, teams)])),
            Step::Join(at) => {
                dashboards[at] = Dashboard::new(TEAMS_OF[at]);
                boards[at] = Some(house.board(TEAMS_OF[at], None));
            }
            Step::Leave(at) => boards[at] = None,
            Step::ComeBack(at) => {
                let cursor = dashboards[at].cursor.clone();
                boards[at] = Some(house.board(TEAMS_OF[at], cursor.as_deref()));
            }
            Step::Read(at, frames) => {
                let Some(board) = &mut boards[at] else { continue };
                for _ in 0..frames {
                    let Some(frame) = board.next().now_or_never() else { break };
                    dashboards[at].apply(frame.text.as_str(), &house.world)?;
                }
            }
            Step::Settle => house.settle().await,
            Step::Wait(ms) => house.pass(ms).await,
        }
    }
    house.beat_head();
    house.arrive().await;
    for at in 0..4 {
        let Some(board) = &mut boards[at] else { continue };
        while let Some(frame) = board.next().now_or_never() {
            dashboards[at].apply(frame.text.as_str(), &house.world)?;
        }
        let truth = house.world.truth(TEAMS_OF[at]);
        if dashboards[at].rows != truth {
            return Err(format!("board {at} shows {:?}, true is {truth:?}", dashboards[at].rows));
        }
    }
    drop(boards);
    assert_eq!(house.hub.views(&tenant_id()), 0);
    house.close().await;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn promise_v4_joining_is_atomic_in_every_order_of_things(steps in prop::collection::vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let lived = runtime.block_on(live(steps));
        prop_assert!(lived.is_ok(), "{}", lived.unwrap_err());
    }
}

/// Spoils what a board was sent.
type Spoil = fn(&mut Vec<String>);

/// Reads what a board is sent over some changes, spoils it, and lets a dashboard judge.
async fn judge(spoil: Spoil) -> Result<(), String> {
    let house = House::new(6, 1);
    let (mut board, mut honest) = house.join(&[0]);
    let mut frames = drain(&mut board, &mut honest, &house.world);
    for step in 0..4 {
        house.commit(&[(step, To::Available)]);
        house.arrive().await;
        frames.extend(drain(&mut board, &mut honest, &house.world));
    }
    spoil(&mut frames);
    let mut dashboard = Dashboard::new(&[0]);
    for frame in &frames {
        dashboard.apply(frame, &house.world)?;
    }
    let shown = dashboard.rows == house.world.truth(&[0]);
    house.close().await;
    if shown { Ok(()) } else { Err("it does not show the truth".to_owned()) }
}

#[tokio::test(start_paused = true)]
async fn promise_c7_the_dashboard_of_these_tests_notices_what_is_wrong() {
    assert_eq!(judge(|_| {}).await, Ok(()));
    let defects: [(&str, Spoil); 7] = [
        ("a lost frame", |frames| drop(frames.remove(2))),
        ("a repeated frame", |frames| frames.insert(2, frames[1].clone())),
        ("an older snapshot", |frames| frames.push(frames[0].clone())),
        ("two frames changed places", |frames| frames.swap(2, 3)),
        ("a row that was never true", |frames| frames[1] = frames[1].replace("\"available\",\"p", "\"paused\",\"p")),
        ("wrong counts", |frames| frames[1] = frames[1].replace("\"available\":1", "\"available\":2")),
        ("the last frame lost", |frames| drop(frames.pop())),
    ];
    for (defect, spoil) in defects {
        assert!(judge(spoil).await.is_err(), "{defect} went unnoticed");
    }
}

/// A bus whose first subscription panics at its third message.
struct PanickingBus {
    inner: LocalBus,
    spent: AtomicBool,
}

struct PanickingSubscription {
    inner: Box<dyn Subscription>,
    left: usize,
}

impl Bus for PanickingBus {
    fn publish(&self, shard: ShardId, tenant: &TenantId, message: Feed) {
        self.inner.publish(shard, tenant, message);
    }

    fn subscribe(&self, shard: ShardId, tenant: &TenantId) -> Box<dyn Subscription> {
        let left = if self.spent.swap(true, Ordering::SeqCst) { usize::MAX } else { 3 };
        Box::new(PanickingSubscription { inner: self.inner.subscribe(shard, tenant), left })
    }
}

impl Subscription for PanickingSubscription {
    fn next(&mut self) -> BoxFuture<'_, Option<Delivery>> {
        Box::pin(async {
            let delivery = self.inner.next().await;
            self.left -= 1;
            assert!(self.left > 0, "planted");
            delivery
        })
    }
}

#[tokio::test(start_paused = true)]
async fn promise_b3_a_panic_in_the_feed_starts_it_over_and_boards_go_on() {
    let bus = PanickingBus { inner: LocalBus::new(), spent: false.into() };
    let house = House::on(&World::new(12, 1), Arc::new(bus));
    let (mut board, mut dashboard) = house.join(&[0]);
    for step in 0..6 {
        house.commit(&[(step, To::Available)]);
        house.settle().await;
        drain(&mut board, &mut dashboard, &house.world);
    }
    house.arrive().await;
    drain(&mut board, &mut dashboard, &house.world);
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    house.commit(&[(7, To::Paused)]);
    house.arrive().await;
    drain(&mut board, &mut dashboard, &house.world);
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    house.close().await;
}
