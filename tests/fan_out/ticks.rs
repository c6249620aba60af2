//! Frames are cut at once while a view is quiet, and once a tick while it is busy.

use std::sync::Arc;

use intervalo::cluster::LocalBus;
use intervalo::hub::{TICKS, WAITING_MAX};

use super::dashboard::Dashboard;
use super::house::{House, drain, result_of};
use super::world::{ALL_TO, To, World};

/// One change each millisecond, for so long; gives the frames that the board was told meanwhile.
async fn busy(house: &House, board: &mut intervalo::hub::Board, dashboard: &mut Dashboard, ms: usize) -> Vec<String> {
    let mut frames = Vec::new();
    for step in 0..ms {
        house.commit(&[(step % 7, ALL_TO[step % 6])]);
        house.pass(1).await;
        frames.extend(drain(board, dashboard, &house.world));
    }
    frames
}

#[tokio::test(start_paused = true)]
async fn a_view_of_which_nobody_could_read_each_change_is_told_once_a_tick_and_of_all() {
    let house = House::new(8, 1);
    let (mut board, mut dashboard) = house.join(&[0]);
    drain(&mut board, &mut dashboard, &house.world);
    busy(&house, &mut board, &mut dashboard, 500).await;

    let frames = busy(&house, &mut board, &mut dashboard, 500).await;
    let ticks = 500 / TICKS[0].as_millis() as usize;
    assert!((ticks - 2..=ticks + 2).contains(&frames.len()), "{} frames in 500 ms", frames.len());
    let told = dashboard.to.expect("it was told something");
    let late = house.world.head().0 - told;
    assert!(late <= TICKS[0].as_millis() as u64, "the last {late} changes are not told");

    house.pass(TICKS[0].as_millis() as u64).await;
    drain(&mut board, &mut dashboard, &house.world);
    assert_eq!((dashboard.to, &dashboard.rows), (Some(house.world.head().0), &house.world.truth(&[0])));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_in_the_middle_of_a_tick_is_shown_the_present_and_goes_on_with_everybody() {
    let house = House::new(8, 1);
    let (mut board, mut dashboard) = house.join(&[0]);
    drain(&mut board, &mut dashboard, &house.world);
    busy(&house, &mut board, &mut dashboard, 505).await;
    let cursor = dashboard.cursor.clone();
    assert!(dashboard.to < Some(house.world.head().0), "it is in the middle of one");

    let (mut newcomer, mut fresh) = house.join(&[0]);
    drain(&mut newcomer, &mut fresh, &house.world);
    assert_eq!((fresh.to, &fresh.rows), (Some(house.world.head().0), &house.world.truth(&[0])));

    house.commit(&[(1, To::Overrun)]);
    house.settle().await;
    let mut again = house.board(&[0], cursor.as_deref());
    let frames = drain(&mut again, &mut dashboard, &house.world);
    assert_eq!((frames.len(), dashboard.to), (1, Some(house.world.head().0)), "all that was missed, in one frame");

    house.commit(&[(2, To::Paused)]);
    house.pass(TICKS[0].as_millis() as u64).await;
    let same =
        [drain(&mut newcomer, &mut fresh, &house.world).pop(), drain(&mut again, &mut dashboard, &house.world).pop()];
    assert!(same[0].is_some() && same[0] == same[1], "{same:?}");
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_and_goes_within_a_tick_is_not_told_and_whoever_goes_and_comes_is() {
    let house = House::new(9, 2);
    let (mut board, mut dashboard) = house.join(&[0]);
    drain(&mut board, &mut dashboard, &house.world);
    for step in 0..505 {
        house.commit(&[((step % 4) * 2, ALL_TO[step % 6])]);
        house.pass(1).await;
        drain(&mut board, &mut dashboard, &house.world);
    }
    // 1 is of the other team, 2 of this one.
    for teams in [[vec![0], vec![1]], [vec![1], vec![0]]] {
        let [of_1, of_2] = teams;
        house.publish(house.world.change_directory(&[(1, of_1), (2, of_2)]));
        house.settle().await;
    }
    house.pass(TICKS[0].as_millis() as u64).await;
    let frames = drain(&mut board, &mut dashboard, &house.world);
    let result = result_of(&frames[0]);
    assert_eq!((frames.len(), result["removed"].as_array().map_or(0, Vec::len)), (1, 0), "{result}");
    assert!(
        result["agents"].as_array().is_some_and(|rows| rows.iter().any(|row| row["agent"] == "agent-0002")),
        "{result}"
    );
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn so_many_that_they_fill_a_frame_are_not_waited_with() {
    let house = House::on(&World::new(2 * WAITING_MAX, 1), Arc::new(LocalBus::new()));
    let (mut board, mut dashboard) = house.join(&[0]);
    drain(&mut board, &mut dashboard, &house.world);
    for to in ALL_TO.into_iter().take(3) {
        for agent in 0..WAITING_MAX {
            house.commit(&[(agent, to)]);
            house.settle().await;
        }
    }
    let frames = drain(&mut board, &mut dashboard, &house.world);
    assert!(!frames.is_empty(), "no time has passed");
    let longest = frames.iter().map(|frame| result_of(frame)["agents"].as_array().map_or(0, Vec::len)).max();
    assert!(longest.is_some_and(|rows| rows <= WAITING_MAX), "{longest:?}");
    house.close().await;
}
