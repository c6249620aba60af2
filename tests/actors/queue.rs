//! The queue of an actor and of a socket: in order, bounded, and nobody waits in vain.

use futures_util::FutureExt;

use intervalo::sync::{NotTaken, queue};

#[tokio::test]
async fn items_come_in_order_and_no_more_than_there_is_room_for() {
    let (sender, mut receiver) = queue(2);
    assert_eq!((sender.try_send(1), sender.try_send(2), sender.try_send(3)), (Ok(()), Ok(()), Err(NotTaken::Full(3))));
    assert_eq!((receiver.len(), receiver.recv().await, receiver.try_recv()), (2, Some(1), Some(2)));
    assert!(receiver.is_empty() && receiver.recv().now_or_never().is_none());
    assert_eq!(sender.try_send(4), Ok(()));
    assert_eq!(receiver.recv().await, Some(4));
}

#[tokio::test]
async fn whoever_waits_for_an_item_or_for_room_is_woken() {
    let (sender, mut receiver) = queue(1);
    let putting = async {
        for item in 0..100 {
            sender.send(item).await.expect("taken");
        }
        drop(sender);
    };
    let taking = async {
        let mut taken = Vec::new();
        while let Some(item) = receiver.recv().await {
            taken.push(item);
        }
        taken
    };
    let ((), taken) = tokio::join!(putting, taking);
    assert_eq!(taken, (0..100).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_between_threads() {
    let (sender, mut receiver) = queue(3);
    let putting: Vec<_> = (0..4)
        .map(|who| {
            let sender = sender.clone();
            tokio::spawn(async move {
                for item in 0..1_000 {
                    sender.send((who, item)).await.expect("taken");
                }
            })
        })
        .collect();
    drop(sender);
    let mut due = [0; 4];
    while let Some((who, item)) = receiver.recv().await {
        assert_eq!(item, due[who]);
        due[who] += 1;
    }
    assert_eq!(due, [1_000; 4]);
    for put in putting {
        put.await.expect("no panic");
    }
}

#[tokio::test]
async fn what_is_closed_takes_nothing_and_gives_what_it_has() {
    let (sender, mut receiver) = queue(1);
    sender.try_send(1).expect("room");
    let waiting = sender.send(2);
    tokio::pin!(waiting);
    assert!(waiting.as_mut().now_or_never().is_none());
    receiver.close();
    assert_eq!(waiting.await, Err(2));
    assert_eq!(sender.try_send(3), Err(NotTaken::Closed(3)));
    assert_eq!((receiver.recv().await, receiver.recv().await), (Some(1), None));
    let (sender, receiver) = queue(1);
    drop(receiver);
    assert_eq!(sender.try_send(1), Err(NotTaken::Closed(1)));
    let (sender, mut receiver) = queue::<u8>(1);
    drop(sender);
    assert_eq!(receiver.recv().await, None);
}

#[tokio::test]
async fn whoever_waits_for_room_has_it_before_others_and_in_turn() {
    let (sender, mut receiver) = queue(1);
    sender.try_send(0).expect("room");
    let (first, second, third) = (sender.send(1), sender.send(2), sender.send(3));
    tokio::pin!(first, third);
    {
        let second = std::pin::pin!(second);
        for waiting in [first.as_mut().now_or_never(), second.now_or_never(), third.as_mut().now_or_never()] {
            assert!(waiting.is_none(), "{waiting:?}");
        }
    }
    assert_eq!(receiver.try_recv(), Some(0));
    assert_eq!(sender.try_send(9), Err(NotTaken::Full(9)), "it is not their turn");
    assert!(third.as_mut().now_or_never().is_none(), "nor that of the last");
    assert_eq!(first.await, Ok(()));
    assert_eq!(receiver.try_recv(), Some(1));
    // The second has given up.
    assert_eq!(third.await, Ok(()));
    assert_eq!((receiver.try_recv(), sender.try_send(4)), (Some(3), Ok(())));
}

#[tokio::test]
async fn others_have_a_turn_while_much_comes() {
    let (sender, mut receiver) = queue(1_000);
    (0..1_000).for_each(|item| sender.try_send(item).expect("room"));
    let mut taken = 0;
    while receiver.recv().now_or_never().is_some() {
        taken += 1;
        assert!(taken < 1_000, "one task had all turns");
    }
    assert_eq!(receiver.recv().await, Some(taken), "nothing is lost by it");
}
