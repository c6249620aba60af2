//! Boards while the rows of their tenant may not be shown: what fell due while the server was down is not written
//! yet (promise T1).

use futures_util::FutureExt;
use intervalo::domain::id::TenantSeq;
use intervalo::domain::time::Timestamp;
use intervalo::ports::{Committed, Feed};

use super::house::{House, drain, result_of};
use super::world::{SHARD, To, tenant_id};

#[tokio::test(start_paused = true)]
async fn promise_t1_a_board_is_shown_nothing_before_the_number_by_which_all_is_written() {
    let house = House::unshown(10, 2);
    let (mut board, mut dashboard) = house.join(&[0]);
    let (mut other, mut other_dashboard) = house.join(&[1]);
    let nothing = Vec::<String>::new();
    assert_eq!(drain(&mut board, &mut dashboard, &house.world), nothing);
    house.commit(&[(0, To::Overrun)]);
    house.arrive().await;
    assert_eq!(drain(&mut board, &mut dashboard, &house.world), nothing, "it is not said yet from where on");

    let last = TenantSeq(house.world.head().0 + 1);
    house.hub.show_from(&tenant_id(), last);
    assert_eq!(drain(&mut board, &mut dashboard, &house.world), nothing, "the last one has not arrived");
    house.pass(30_000).await;
    assert_eq!(drain(&mut board, &mut dashboard, &house.world), nothing, "nor is a board that saw nothing sent a beat");

    house.commit(&[(2, To::Overrun)]);
    house.arrive().await;
    let frames = drain(&mut board, &mut dashboard, &house.world);
    assert_eq!((frames.len(), dashboard.to), (1, Some(last.0)), "one snapshot, of all of it");
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    let frames = drain(&mut other, &mut other_dashboard, &house.world);
    assert_eq!(frames.len(), 1, "a board that none of it is about waits for it too");
    house.commit(&[(4, To::Available)]);
    house.arrive().await;
    assert_eq!(drain(&mut board, &mut dashboard, &house.world).len(), 1, "from there on it follows");
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn promise_t1_a_board_that_waits_wakes_when_it_may_be_shown_though_nothing_is_committed() {
    let house = House::unshown(4, 1);
    let (mut board, _) = house.join(&[0]);
    let mut next = Box::pin(board.next());
    assert!(next.as_mut().now_or_never().is_none());
    house.hub.show_from(&tenant_id(), house.world.head());
    let frame = next.now_or_never().expect("a frame");
    assert_eq!(result_of(frame.text.as_str())["kind"], "snapshot");
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_comes_while_nothing_may_be_shown_is_answered_when_it_may() {
    let before = House::new(10, 1);
    before.commit(&[(3, To::Paused)]);
    before.arrive().await;
    let (mut board, mut dashboard) = before.join(&[0]);
    drain(&mut board, &mut dashboard, &before.world);

    let house = House::unshown(10, 1);
    house.commit(&[(3, To::Paused)]);
    house.arrive().await;
    let mut board = house.board(&[0], dashboard.cursor.as_deref());
    assert!(board.next().now_or_never().is_none());
    house.commit(&[(3, To::Overrun)]);
    house.arrive().await;
    house.hub.show_from(&tenant_id(), house.world.head());
    let frames = drain(&mut board, &mut dashboard, &house.world);
    let result = result_of(&frames[0]);
    assert_eq!((frames.len(), result["kind"].as_str()), (1, Some("changes")), "it goes on from where it was");
    assert_eq!(result["agents"].as_array().map(Vec::len), Some(1));
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_board_that_waits_is_told_that_the_store_is_out_of_reach() {
    let house = House::unshown(3, 1);
    let (mut board, _) = house.join(&[0]);
    house.bus.publish(SHARD, &tenant_id(), Feed::Stale(Timestamp(7)));
    house.settle().await;
    let frame = board.next().now_or_never().expect("a frame");
    assert_eq!(result_of(frame.text.as_str())["kind"], "stale");
    house.bus.publish(SHARD, &tenant_id(), Feed::Fresh);
    house.settle().await;
    assert!(board.next().now_or_never().is_none(), "it has seen nothing that it could be told is true again");
    house.hub.show_from(&tenant_id(), house.world.head());
    let frame = board.next().now_or_never().expect("a frame");
    assert_eq!(result_of(frame.text.as_str())["kind"], "snapshot");
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_feed_loses_is_no_reason_to_be_shown_early() {
    let house = House::unshown(5, 1);
    let (mut board, mut dashboard) = house.join(&[0]);
    let lost: Committed = (*house.world.commit(&[(0, To::Overrun)])).clone();
    house.hub.show_from(&tenant_id(), lost.to);
    house.settle().await;
    assert_eq!(drain(&mut board, &mut dashboard, &house.world), Vec::<String>::new());
    house.beat_head();
    house.arrive().await;
    assert_eq!(drain(&mut board, &mut dashboard, &house.world).len(), 1, "found by its number, and shown");
    assert_eq!(dashboard.rows, house.world.truth(&[0]));
    house.close().await;
}
