//! Boards against the truth: joining, catching up, losing, and coming back.
//!
//! The dashboard in `support` checks every frame it applies against what the journal held at that
//! number, so each test that lets it apply frames also tests that the frames are dense, never go
//! back, and never show a state that did not exist.

#[path = "support/clock.rs"]
mod clock;
#[path = "support/dashboard.rs"]
mod dashboard;
#[path = "support/dice.rs"]
mod dice;
#[path = "support/fan_out_house.rs"]
mod house;
#[path = "fan_out/losses.rs"]
mod losses;
#[path = "support/lossy_bus.rs"]
mod lossy_bus;
#[path = "fan_out/outlets.rs"]
mod outlets;
#[path = "fan_out/ticks.rs"]
mod ticks;
#[path = "fan_out/unshown.rs"]
mod unshown;
#[path = "support/fan_out_world.rs"]
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use intervalo::cluster::LocalBus;
use intervalo::domain::id::{TenantId, TenantSeq};
use intervalo::domain::time::Timestamp;
use intervalo::hub::{
    BEAT_AFTER, Board, CATCH_UP_BYTES_MAX, HubError, RING_FRAMES_MAX, SNAPSHOTS_MAX, TICKS, VIEWS_MAX, seed_rows,
};
use intervalo::ports::{Clock, Feed};
use serde_json::Value;

use clock::BEGIN;
use dashboard::Dashboard;
use house::{House, drain, result_of};
use world::{ALL_TO, SHARD, To, World, team_id, tenant_id};

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
    house.pass(5_000).await;
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
            () = house.pass(step as u64 % 3) => cancelled += 1,
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

/// A sixth of 1,200 agents changes: a snapshot of before is no better than one of the present.
fn so_much_that_none_is_joined(step: usize) -> Vec<(usize, To)> {
    let to = if step.is_multiple_of(2) { To::Available } else { To::Paused };
    (0..200).map(|agent| (agent, to)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_in_parts_is_of_one_instant_while_everything_changes() {
    let house = House::new(1_200, 1);
    let mut boards: Vec<(Board, Dashboard)> = Vec::new();
    for step in 0..SNAPSHOTS_MAX * 3 {
        house.commit(&so_much_that_none_is_joined(step));
        house.arrive().await;
        boards.push(house.join(&[0]));
        // Each board stops in the middle of a snapshot of another boundary.
        let (board, dashboard) = &mut boards[step];
        let frame = board.next().await;
        let parts = result_of(frame.text.as_str())["parts"].as_u64();
        assert!(parts.is_some_and(|parts| parts >= 3), "there is a middle: {parts:?}");
        dashboard.apply(frame.text.as_str(), &house.world).unwrap();
    }
    house.commit(&[(1, To::Overrun)]);
    house.arrive().await;
    // So much at once is told once a tick.
    house.pass(TICKS[1].as_millis() as u64).await;
    for (board, dashboard) in &mut boards {
        drain(board, dashboard, &house.world);
        assert_eq!(dashboard.rows, house.world.truth(&[0]));
        assert!(dashboard.snapshots <= 2, "{} snapshots for one board", dashboard.snapshots);
    }
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn boards_that_come_in_a_storm_share_a_snapshot_though_rows_change_meanwhile() {
    let house = House::new(1_200, 1);
    let mut boards: Vec<(Board, Dashboard)> = Vec::new();
    let mut firsts = BTreeSet::new();
    for step in 0..SNAPSHOTS_MAX * 2 {
        house.commit(&[(step, To::Available)]);
        house.arrive().await;
        boards.push(house.join(&[0]));
        let (board, dashboard) = &mut boards[step];
        let frame = board.next().await;
        dashboard.apply(frame.text.as_str(), &house.world).unwrap();
        firsts.insert(frame.text.as_str().to_owned());
    }
    assert_eq!(firsts.len(), 1);
    // Who comes when nobody is in the middle of one is shown the present at once.
    for (board, dashboard) in &mut boards {
        drain(board, dashboard, &house.world);
        assert_eq!((dashboard.snapshots, &dashboard.rows), (1, &house.world.truth(&[0])));
    }
    house.commit(&[(1, To::Paused)]);
    house.arrive().await;
    let (mut late, mut latecomer) = house.join(&[0]);
    let frames = drain(&mut late, &mut latecomer, &house.world);
    assert!(frames.iter().all(|frame| result_of(frame)["kind"] == "snapshot"), "nothing comes after the snapshot");
    assert_eq!(latecomer.rows, house.world.truth(&[0]));
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
async fn a_board_far_behind_does_not_keep_who_left_its_teams() {
    let house = House::new(12, 3);
    let (mut board, mut dashboard) = house.join(&[0]);
    drain(&mut board, &mut dashboard, &house.world);
    house.publish(house.world.change_directory(&[(0, vec![1]), (3, vec![])]));
    for step in 0..RING_FRAMES_MAX + 1 {
        house.commit(&[(6, ALL_TO[step % 4])]);
        house.settle().await;
    }
    house.arrive().await;
    drain(&mut board, &mut dashboard, &house.world);
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    assert_eq!((dashboard.snapshots, dashboard.changes), (2, 0));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn no_board_joins_a_snapshot_of_people_who_have_left_since() {
    let house = House::new(1_200, 1);
    let mut boards: Vec<(Board, Dashboard)> = Vec::new();
    for step in 0..SNAPSHOTS_MAX {
        house.commit(&so_much_that_none_is_joined(step));
        house.arrive().await;
        boards.push(house.join(&[0]));
        let (board, dashboard) = &mut boards[step];
        dashboard.apply(board.next().await.text.as_str(), &house.world).unwrap();
    }
    house.publish(house.world.change_directory(&[(7, vec![])]));
    house.arrive().await;
    let (mut late, mut latecomer) = house.join(&[0]);
    drain(&mut late, &mut latecomer, &house.world);
    assert_eq!((latecomer.snapshots, latecomer.changes), (1, 0));
    for (board, dashboard) in &mut boards {
        drain(board, dashboard, &house.world);
        assert_eq!(dashboard.rows, house.world.truth(&[0]));
    }
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
    house.pass(2_000).await;
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

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_opened_again_is_repaired_by_what_it_is_given() {
    let house = House::new(12, 1);
    let (mut board, mut dashboard) = house.join(&[0]);
    drain(&mut board, &mut dashboard, &house.world);
    house.world.commit(&[(3, To::Available)]);
    let seed = house.world.tenant_snapshot();
    house.hub.open_tenant(SHARD, Arc::clone(&seed.directory), seed.head, seed_rows(&seed));
    house.hub.open_tenant(SHARD, Arc::clone(&seed.directory), TenantSeq(0), Vec::new());
    house.settle().await;
    drain(&mut board, &mut dashboard, &house.world);
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    assert_eq!(house.clock.now(), Timestamp(BEGIN.0));
    house.close().await;
}
