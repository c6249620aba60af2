//! Boards against the truth: joining, catching up, losing, and coming back.
//!
//! The dashboard in `support` checks every frame it applies against what the journal held at that
//! number, so each test that lets it apply frames also tests that the frames are dense, never go
//! back, and never show a state that did not exist.

#[path = "support/clock.rs"]
mod clock;
#[path = "support/dashboard.rs"]
mod dashboard;
#[path = "support/lossy_bus.rs"]
mod lossy_bus;
#[path = "support/fan_out_world.rs"]
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use intervalo::cluster::{FEED_CAPACITY, LocalBus};
use intervalo::domain::id::{TeamId, TenantId, TenantSeq};
use intervalo::domain::time::Timestamp;
use intervalo::hub::{
    BEAT_AFTER, Board, CATCH_UP_BYTES_MAX, EARLY_MAX, GAP_WAIT, Hub, HubError, RING_FRAMES_MAX, SNAPSHOTS_MAX,
    VIEWS_MAX, seed_rows,
};
use intervalo::ports::{BoxFuture, Bus, Clock, Committed, Delivery, Feed, ShardId, Subscription};
use proptest::prelude::*;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use clock::{BEGIN, TokioClock};
use dashboard::Dashboard;
use lossy_bus::{Dice, LossyBus};
use world::{ALL_TO, SHARD, To, World, team_id, tenant_id};

/// A world, a bus, and a hub that shows the one through the other.
struct House {
    world: Arc<World>,
    bus: Arc<dyn Bus>,
    clock: Arc<TokioClock>,
    hub: Arc<Hub>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl House {
    fn on(world: &Arc<World>, bus: Arc<dyn Bus>) -> House {
        let clock = Arc::new(TokioClock::new());
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let hub =
            Hub::start(Arc::clone(&bus), Arc::clone(world) as _, Arc::clone(&clock) as _, tasks.clone(), stop.clone());
        let seed = world.tenant_snapshot();
        hub.open_tenant(SHARD, Arc::clone(&seed.directory), seed.head, seed_rows(&seed));
        House { world: Arc::clone(world), bus, clock, hub, stop, tasks }
    }

    fn new(agents: usize, teams: usize) -> House {
        House::on(&World::new(agents, teams), Arc::new(LocalBus::new()))
    }

    fn publish(&self, committed: Arc<Committed>) {
        self.bus.publish(SHARD, &tenant_id(), Feed::Committed(committed));
    }

    fn commit(&self, changes: &[(usize, To)]) {
        self.publish(self.world.commit(changes));
    }

    fn beat_head(&self) {
        self.bus.publish(SHARD, &tenant_id(), Feed::Head(self.world.head()));
    }

    fn join(&self, teams: &[usize]) -> (Board, Dashboard) {
        (self.board(teams, None), Dashboard::new(teams))
    }

    fn board(&self, teams: &[usize], cursor: Option<&str>) -> Board {
        self.hub.board(&tenant_id(), &team_set(teams), cursor).unwrap()
    }

    /// Lets every task do what it can do without time passing.
    async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until the hub stands where the world does.
    async fn arrive(&self) {
        for _ in 0..10_000 {
            if self.hub.head(&tenant_id()) == Some(self.world.head()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("the hub stands at {:?}, the world at {}", self.hub.head(&tenant_id()), self.world.head());
    }

    async fn close(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn team_set(teams: &[usize]) -> BTreeSet<TeamId> {
    teams.iter().map(|team| team_id(*team)).collect()
}

/// Applies what there is for the board at once; answers the frames.
fn drain(board: &mut Board, dashboard: &mut Dashboard, world: &World) -> Vec<String> {
    let mut frames = Vec::new();
    while let Some(frame) = board.next().now_or_never() {
        dashboard.apply(frame.text.as_str(), world).unwrap_or_else(|fault| panic!("{fault}"));
        frames.push(frame.text.as_str().to_owned());
        assert!(frames.len() < 1_000, "a board that never has enough");
    }
    frames
}

fn result_of(frame: &str) -> Value {
    serde_json::from_str::<Value>(frame).unwrap()["params"]["result"].take()
}

#[tokio::test(start_paused = true)]
async fn a_board_begins_with_everybody_of_its_teams_and_follows_their_changes() {
    let house = House::new(10, 3);
    let (mut board, mut dashboard) = house.join(&[0, 1]);
    let frames = drain(&mut board, &mut dashboard, &house.world);
    assert_eq!(frames.len(), 1);
    assert!(dashboard.rows.values().all(|row| row["presence"] == "offline"), "those never seen are offline");
    assert_eq!(dashboard.rows, house.world.truth(&[0, 1]));

    house.commit(&[(0, To::Available), (1, To::Overrun)]);
    house.arrive().await;
    let frames = drain(&mut board, &mut dashboard, &house.world);
    let result = result_of(&frames[0]);
    assert_eq!((frames.len(), result["agents"].as_array().unwrap().len()), (1, 2));
    assert_eq!((result["from"].as_u64(), result["to"].as_u64()), (Some(1), Some(3)));
    assert_eq!(result["alerts"][0]["kind"], "overrun");
    assert_eq!(dashboard.rows["agent-0001"]["pause"]["overrun"], true);
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_show_in_a_view_makes_no_frame() {
    let house = House::new(9, 3);
    house.commit(&[(0, To::Unavailable)]);
    let (mut board, mut dashboard) = house.join(&[0]);
    house.arrive().await;
    drain(&mut board, &mut dashboard, &house.world);

    house.commit(&[(1, To::Available)]); // another team
    house.publish(house.world.commit_unseen()); // a refusal
    house.commit(&[(0, To::Protected)]); // for others still the chosen unavailable
    house.arrive().await;
    assert_eq!(drain(&mut board, &mut dashboard, &house.world), Vec::<String>::new());

    house.commit(&[(0, To::Available)]);
    house.arrive().await;
    let frames = drain(&mut board, &mut dashboard, &house.world);
    assert_eq!((frames.len(), dashboard.to), (1, Some(house.world.head().0)));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn every_board_of_a_view_gets_the_same_bytes() {
    let house = House::new(40, 4);
    let mut boards: Vec<(Board, Dashboard)> = (0..5).map(|_| house.join(&[1, 2])).collect();
    let ids: BTreeSet<String> = boards.iter().map(|(board, _)| board.subscription().to_owned()).collect();
    assert_eq!(ids.len(), 1);
    assert_ne!(house.board(&[1], None).subscription(), boards[0].0.subscription());
    assert_eq!(house.hub.views(&tenant_id()), 1, "the board on team 1 alone was dropped");
    for step in 0..20 {
        house.commit(&[(step, ALL_TO[step % 6]), (step + 7, ALL_TO[(step + 1) % 6])]);
        house.arrive().await;
        let frames: BTreeSet<Vec<String>> =
            boards.iter_mut().map(|(board, dashboard)| drain(board, dashboard, &house.world)).collect();
        assert_eq!(frames.len(), 1, "step {step}");
    }
    tokio::time::sleep(BEAT_AFTER).await;
    let mut beats = BTreeSet::new();
    for (board, dashboard) in &mut boards {
        let frame = board.next().await;
        dashboard.apply(frame.text.as_str(), &house.world).unwrap();
        beats.insert(frame.text.as_str().to_owned());
    }
    assert_eq!(beats.len(), 1);
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_board_is_sent_a_beat_after_five_seconds_and_not_before() {
    let house = House::new(3, 1);
    let (mut board, mut dashboard) = house.join(&[0]);
    drain(&mut board, &mut dashboard, &house.world);
    for _ in 0..3 {
        let before = house.clock.now();
        let frame = board.next().await;
        dashboard.apply(frame.text.as_str(), &house.world).unwrap();
        assert_eq!(house.clock.now().since(before), BEAT_AFTER);
    }
    assert_eq!(dashboard.beats, 3);
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_wait_loses_no_frame() {
    let house = House::new(8, 1);
    let (mut board, mut dashboard) = house.join(&[0]);
    let mut cancelled = 0;
    for step in 0..60 {
        house.commit(&[(step % 8, ALL_TO[step % 6])]);
        // Both are ready now and then; whichever the runtime takes, no frame may go missing.
        tokio::select! {
            frame = board.next() => dashboard.apply(frame.text.as_str(), &house.world).unwrap(),
            () = tokio::time::sleep(Duration::from_millis(step as u64 % 3)) => cancelled += 1,
        }
    }
    assert!(cancelled > 0);
    house.arrive().await;
    drain(&mut board, &mut dashboard, &house.world);
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_board_that_does_not_read_catches_up_in_one_frame() {
    let house = House::new(30, 2);
    let (mut board, mut dashboard) = house.join(&[0]);
    drain(&mut board, &mut dashboard, &house.world);
    for step in 0..RING_FRAMES_MAX * 20 {
        house.commit(&[((step * 2) % 30, ALL_TO[step % 6])]);
        house.settle().await;
    }
    house.arrive().await;
    let frames = drain(&mut board, &mut dashboard, &house.world);
    assert_eq!((frames.len(), dashboard.changes, dashboard.snapshots), (1, 1, 1));
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_board_a_little_behind_gets_the_very_frames_that_it_missed() {
    let house = House::new(30, 2);
    let (mut slow, mut behind) = house.join(&[0]);
    let (mut quick, mut ahead) = house.join(&[0]);
    let mut quick_frames = drain(&mut quick, &mut ahead, &house.world);
    let mut slow_frames = drain(&mut slow, &mut behind, &house.world);
    for step in 0..20 {
        house.commit(&[((step * 2) % 30, ALL_TO[step % 4])]);
        house.arrive().await;
        quick_frames.extend(drain(&mut quick, &mut ahead, &house.world));
    }
    slow_frames.extend(drain(&mut slow, &mut behind, &house.world));
    assert_eq!(slow_frames, quick_frames);
    assert_eq!(quick_frames.len(), 21);
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_board_that_missed_too_much_begins_anew_with_a_snapshot_that_all_such_boards_share() {
    // Rows of about 1.2 kB: 400 of them are more than a catch-up may be.
    let world = World::with_names(400, 1, |number| format!("{number:0>800}"));
    let house = House::on(&world, Arc::new(LocalBus::new()));
    let mut boards: Vec<(Board, Dashboard)> = (0..3).map(|_| house.join(&[0])).collect();
    for (board, dashboard) in &mut boards {
        drain(board, dashboard, &house.world);
    }
    for agent in 0..400 {
        house.commit(&[(agent, To::Available)]);
        house.settle().await;
    }
    house.arrive().await;
    let mut frames = BTreeSet::new();
    for (board, dashboard) in &mut boards {
        frames.insert(drain(board, dashboard, &house.world));
        assert_eq!((dashboard.snapshots, dashboard.changes), (2, 0));
    }
    assert_eq!(frames.len(), 1);

    // One batch that is too long for a frame by itself does the same.
    let everybody: Vec<(usize, To)> = (0..400).map(|agent| (agent, To::Paused)).collect();
    house.commit(&everybody);
    house.arrive().await;
    let (board, dashboard) = &mut boards[0];
    let frames = drain(board, dashboard, &house.world);
    assert!(frames.iter().map(String::len).sum::<usize>() > CATCH_UP_BYTES_MAX);
    assert_eq!((dashboard.snapshots, dashboard.changes), (3, 0));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_in_parts_is_of_one_instant_while_everything_changes() {
    let house = House::new(1_200, 1);
    let mut boards: Vec<(Board, Dashboard)> = Vec::new();
    for step in 0..SNAPSHOTS_MAX * 3 {
        house.commit(&[(step, To::Available)]);
        house.arrive().await;
        boards.push(house.join(&[0]));
        // Each board stops in the middle of a snapshot of another boundary.
        let (board, dashboard) = &mut boards[step];
        let frame = board.next().await;
        assert_eq!(result_of(frame.text.as_str())["parts"], 3);
        dashboard.apply(frame.text.as_str(), &house.world).unwrap();
    }
    house.commit(&[(1, To::Overrun)]);
    house.arrive().await;
    for (board, dashboard) in &mut boards {
        drain(board, dashboard, &house.world);
        assert_eq!(dashboard.rows, house.world.truth(&[0]));
        assert!(dashboard.snapshots <= 2, "{} snapshots for one board", dashboard.snapshots);
    }
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_goes_on_exactly_where_the_board_was() {
    let house = House::new(20, 2);
    let (mut board, mut dashboard) = house.join(&[0]);
    house.commit(&[(0, To::Available), (2, To::Paused)]);
    house.arrive().await;
    drain(&mut board, &mut dashboard, &house.world);
    drop(board);
    assert_eq!(house.hub.views(&tenant_id()), 0);

    house.commit(&[(4, To::Available)]);
    house.commit(&[(1, To::Available)]);
    house.arrive().await;
    let cursor = dashboard.cursor.clone();
    let mut board = house.board(&[0], cursor.as_deref());
    let frames = drain(&mut board, &mut dashboard, &house.world);
    let result = result_of(&frames[0]);
    assert_eq!((frames.len(), &result["kind"]), (1, &Value::from("changes")));
    assert_eq!(result["agents"].as_array().unwrap().len(), 1, "only what changed");

    // Coming back at once is answered too, by a frame that says so.
    let cursor = dashboard.cursor.clone();
    let mut again = house.board(&[0], cursor.as_deref());
    let frames = drain(&mut again, &mut dashboard, &house.world);
    let result = result_of(&frames[0]);
    assert_eq!((frames.len(), result["agents"].as_array().unwrap().len()), (1, 0));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_is_ahead_of_the_view_is_never_answered_with_something_older() {
    let house = House::new(20, 2);
    let (mut keeper, mut kept) = house.join(&[0]);
    drain(&mut keeper, &mut kept, &house.world);
    // Only the other team changes: the boundary of the first view stays where it was.
    house.commit(&[(1, To::Available)]);
    house.arrive().await;
    let old = kept.cursor.clone().unwrap();
    let ahead = old.replace(&format!(".{:x}.", kept.to.unwrap()), &format!(".{:x}.", house.world.head().0));
    let mut board = house.board(&[0], Some(&ahead));
    let result = result_of(board.next().await.text.as_str());
    assert_eq!((result["kind"].as_str(), result["to"].as_u64()), (Some("changes"), Some(house.world.head().0)));
    drain(&mut keeper, &mut kept, &house.world);
    assert_eq!(kept.to, Some(house.world.head().0), "one sequence of boundaries for all boards of the view");
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_cannot_be_answered_exactly_gets_a_snapshot() {
    let house = House::new(20, 2);
    let (mut board, mut dashboard) = house.join(&[0]);
    drain(&mut board, &mut dashboard, &house.world);
    let cursor = dashboard.cursor.clone().unwrap();
    let other_view = house.board(&[1], None).subscription().to_owned();
    let view = board.subscription().to_owned();
    let not_ours = [
        String::new(),
        "x".repeat(10_000),
        cursor.replace(&view, &other_view),
        format!("{view}.ffffff.1"), // ahead of the head, as after a restored backup
        format!("{view}.-1.1"),
    ];
    for text in not_ours {
        let mut board = house.board(&[0], Some(&text));
        assert_eq!(result_of(board.next().await.text.as_str())["kind"], "snapshot", "{text:.60}");
    }
    // Others are in the team since: what left cannot be told from the rows.
    house.publish(house.world.change_directory(&[(0, vec![1])]));
    house.arrive().await;
    let mut board = house.board(&[0], Some(&cursor));
    assert_eq!(result_of(board.next().await.text.as_str())["kind"], "snapshot");
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_holds_across_a_restart() {
    let world = World::new(20, 2);
    let house = House::on(&world, Arc::new(LocalBus::new()));
    house.commit(&[(0, To::Available), (2, To::Paused), (4, To::Offline)]);
    let (mut board, mut dashboard) = house.join(&[0]);
    house.arrive().await;
    drain(&mut board, &mut dashboard, &house.world);
    drop(board);
    house.close().await;

    world.commit(&[(6, To::Available)]);
    world.restart();
    let house = House::on(&world, Arc::new(LocalBus::new()));
    let cursor = dashboard.cursor.clone();
    let mut board = house.board(&[0], cursor.as_deref());
    let frames = drain(&mut board, &mut dashboard, &world);
    assert_eq!((frames.len(), dashboard.changes, dashboard.snapshots), (1, dashboard.changes, 1));
    assert_eq!(result_of(&frames[0])["kind"], "changes");
    assert_eq!(dashboard.rows["agent-0002"]["connection"], "grace");
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn who_joins_or_leaves_a_team_comes_and_goes_on_its_boards() {
    let house = House::new(12, 3);
    let (mut first, mut one) = house.join(&[0]);
    let (mut second, mut two) = house.join(&[1]);
    house.commit(&[(0, To::Overrun), (3, To::Available), (1, To::Available)]);
    house.arrive().await;
    drain(&mut first, &mut one, &house.world);
    drain(&mut second, &mut two, &house.world);
    // 0 moves to team 1 alone, 3 leaves, 50 is new in both.
    house.publish(house.world.change_directory(&[(0, vec![1]), (3, vec![]), (50, vec![0, 1])]));
    house.arrive().await;
    let frames = drain(&mut first, &mut one, &house.world);
    let result = result_of(&frames[0]);
    assert_eq!(result["removed"], serde_json::json!(["agent-0000", "agent-0003"]));
    assert_eq!(result["alerts"], serde_json::json!([]));
    drain(&mut second, &mut two, &house.world);
    assert!(one.rows.contains_key("agent-0050") && two.rows.contains_key("agent-0050"));
    assert!(two.rows.contains_key("agent-0000"));

    // A row decided just before the change keeps the person as the directory has them since.
    house.commit(&[(0, To::Available), (3, To::Offline)]);
    house.arrive().await;
    drain(&mut first, &mut one, &house.world);
    drain(&mut second, &mut two, &house.world);
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn boards_are_told_that_the_truth_is_out_of_reach_and_that_it_is_back() {
    let house = House::new(6, 1);
    let (mut board, mut dashboard) = house.join(&[0]);
    drain(&mut board, &mut dashboard, &house.world);
    house.bus.publish(SHARD, &tenant_id(), Feed::Stale(BEGIN));
    house.settle().await;
    let frames = drain(&mut board, &mut dashboard, &house.world);
    assert_eq!(result_of(&frames[0]), serde_json::json!({ "kind": "stale", "since": "2026-11-22T09:00:00.000Z" }));
    assert_eq!(frames.len(), 1);
    let again = board.next().await;
    assert_eq!(result_of(again.text.as_str())["kind"], "stale", "an idle board is told again, not sent a beat");
    let (mut late, mut latecomer) = house.join(&[0]);
    assert_eq!(drain(&mut late, &mut latecomer, &house.world).len(), 2, "a snapshot, then the word");
    assert!(latecomer.stale);

    house.bus.publish(SHARD, &tenant_id(), Feed::Fresh);
    house.settle().await;
    let frames = drain(&mut board, &mut dashboard, &house.world);
    assert_eq!((frames.len(), &result_of(&frames[0])["kind"], dashboard.stale), (1, &Value::from("beat"), false));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_repair_that_cannot_be_read_is_shown_as_stale_and_tried_again() {
    let house = House::new(6, 1);
    let (mut board, mut dashboard) = house.join(&[0]);
    drain(&mut board, &mut dashboard, &house.world);
    house.world.unreadable.store(true, Ordering::SeqCst);
    house.world.commit(&[(0, To::Available)]);
    house.beat_head();
    tokio::time::sleep(Duration::from_secs(2)).await;
    drain(&mut board, &mut dashboard, &house.world);
    assert!(dashboard.stale);
    house.world.unreadable.store(false, Ordering::SeqCst);
    house.arrive().await;
    drain(&mut board, &mut dashboard, &house.world);
    assert!(!dashboard.stale);
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn views_end_with_their_last_board_and_are_bounded() {
    let house = House::new(2, 1);
    let view = |number: usize| BTreeSet::from([team_id(number)]);
    let boards: Vec<Board> =
        (0..VIEWS_MAX).map(|number| house.hub.board(&tenant_id(), &view(number), None).unwrap()).collect();
    assert_eq!(house.hub.views(&tenant_id()), VIEWS_MAX);
    let refused = house.hub.board(&tenant_id(), &view(VIEWS_MAX), None).err();
    assert_eq!(refused, Some(HubError::TooManyViews));
    assert!(house.hub.board(&tenant_id(), &view(0), None).is_ok(), "a view that is open takes more boards");
    drop(boards);
    assert_eq!(house.hub.views(&tenant_id()), 0);
    let unknown = house.hub.board(&TenantId::new("other").unwrap(), &view(0), None).err();
    assert_eq!(unknown, Some(HubError::UnknownTenant));
    house.stop.cancel();
    assert_eq!(house.hub.board(&tenant_id(), &view(0), None).err(), Some(HubError::Draining));
    house.close().await;
}

/// Two seconds, within which a board must show the truth after things are quiet (promise V1).
const CONVERGED_AFTER: Duration = Duration::from_secs(2);

/// Commits over a bus that loses three fifths of what it is given one way or another, with boards
/// that read at their own pace, come, and go; then quiet. Answers how often the journal was read.
async fn converge_over_a_lossy_bus(seed: u64) -> usize {
    let world = World::new(40, 4);
    let house = House::on(&world, Arc::new(LossyBus::new(seed)));
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
        tokio::time::sleep(Duration::from_millis(dice.below(40))).await;
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
        tokio::time::sleep(Duration::from_millis(500)).await;
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
    for batch in batches.iter().rev() {
        house.publish(Arc::clone(batch));
    }
    house.settle().await;
    drain(&mut board, &mut dashboard, &house.world);
    assert_eq!((dashboard.changes, house.world.reads.load(Ordering::SeqCst)), (30, 0));
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
    tokio::time::sleep(Duration::from_secs(60)).await;
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
            Step::Wait(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
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

/// Reads what a board is sent over some changes, spoils it, and lets a dashboard judge.
async fn judge(spoil: fn(&mut Vec<String>)) -> Result<(), String> {
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
    let defects: [(&str, fn(&mut Vec<String>)); 7] = [
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
    spent: std::sync::atomic::AtomicBool,
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

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_opened_again_is_repaired_by_what_it_is_given() {
    let house = House::new(12, 1);
    let (mut board, mut dashboard) = house.join(&[0]);
    drain(&mut board, &mut dashboard, &house.world);
    house.world.commit(&[(3, To::Available)]);
    let seed = house.world.tenant_snapshot();
    house.hub.open_tenant(SHARD, Arc::clone(&seed.directory), seed.head, seed_rows(&seed));
    house.hub.open_tenant(SHARD, Arc::clone(&seed.directory), TenantSeq(0), Vec::new());
    drain(&mut board, &mut dashboard, &house.world);
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    assert_eq!(house.clock.now(), Timestamp(BEGIN.0));
    house.close().await;
}
