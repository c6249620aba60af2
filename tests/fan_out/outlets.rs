//! Boards that are told frames past their own task.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use intervalo::domain::time::Timestamp;
use intervalo::hub::{BEAT_AFTER, Board, Outlet, WAITING_MAX};
use intervalo::ports::Clock;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::clock::TokioClock;
use super::dashboard::Dashboard;
use super::dice::Dice;
use super::house::{House, result_of, team_set};
use super::world::{ALL_TO, To, tenant_id};

/// A socket: what was written to it, by whomever, in this order.
struct Socket {
    clock: Arc<TokioClock>,
    written: Mutex<VecDeque<Utf8Bytes>>,
    /// When something was handed over last.
    taken_at: Mutex<Timestamp>,
    /// Whether it takes what is handed over.
    is_free: Mutex<bool>,
}

impl Outlet for Socket {
    fn take(&self, frame: &Utf8Bytes) -> bool {
        let is_free = *self.is_free.lock().unwrap();
        if is_free {
            self.written.lock().unwrap().push_back(frame.clone());
            *self.taken_at.lock().unwrap() = self.clock.now();
        }
        is_free
    }
}

impl Socket {
    fn set_free(&self, is_free: bool) {
        *self.is_free.lock().unwrap() = is_free;
    }
}

/// A board, its socket, and who looks at it.
struct Seen {
    board: Board,
    socket: Arc<Socket>,
    dashboard: Dashboard,
    /// How many frames its own task was given.
    own: usize,
}

impl Seen {
    fn of(house: &House, teams: &[usize]) -> Seen {
        let clock = Arc::clone(&house.clock);
        let taken_at = Mutex::new(clock.now());
        let socket = Arc::new(Socket { clock, written: Mutex::default(), taken_at, is_free: Mutex::new(true) });
        let outlet = Arc::clone(&socket) as Arc<dyn Outlet>;
        let board = house.hub.board_through(Some(outlet), &tenant_id(), &team_set(teams), None).unwrap();
        Seen { board, socket, dashboard: Dashboard::new(teams), own: 0 }
    }

    /// What the task does when it has its turn: takes a frame, writes it, until there is none.
    fn turn(&mut self) {
        while let Some(frame) = self.board.next().now_or_never() {
            self.write(frame.text);
        }
    }

    fn write(&mut self, frame: Utf8Bytes) {
        self.own += 1;
        self.socket.written.lock().unwrap().push_back(frame);
    }

    /// Looks at all that was written; gives how many frames that were.
    fn look(&mut self, house: &House) -> usize {
        let written = std::mem::take(&mut *self.socket.written.lock().unwrap());
        for frame in &written {
            self.dashboard.apply(frame.as_str(), &house.world).unwrap_or_else(|fault| panic!("{fault}"));
        }
        written.len()
    }
}

#[tokio::test(start_paused = true)]
async fn a_board_that_has_all_there_is_is_told_while_its_task_sleeps() {
    let house = House::new(8, 1);
    let mut seen = Seen::of(&house, &[0]);
    seen.turn();
    assert_eq!((seen.own, seen.look(&house)), (1, 1), "the snapshot");
    for step in 0..5 {
        house.commit(&[(step, To::Available)]);
        house.arrive().await;
        house.settle().await;
        assert_eq!(seen.look(&house), 1);
    }
    assert_eq!((seen.own, &seen.dashboard.rows), (1, &house.world.truth(&[0])));
    // Its beat is due 5 s after what it was told last, by whomever.
    let told_at = *seen.socket.taken_at.lock().unwrap();
    let beat = seen.board.next().await;
    assert_eq!(house.clock.now().since(told_at), BEAT_AFTER);
    seen.write(beat.text);
    seen.look(&house);
    assert_eq!(seen.dashboard.beats, 1);
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_overtakes_a_frame_that_the_task_has_in_hand() {
    let house = House::new(8, 1);
    let mut seen = Seen::of(&house, &[0]);
    seen.turn();
    seen.socket.set_free(false);
    house.commit(&[(0, To::Available)]);
    house.arrive().await;
    house.settle().await;
    let in_hand = seen.board.next().await;
    seen.socket.set_free(true);
    house.commit(&[(1, To::Available)]);
    house.arrive().await;
    house.settle().await;
    seen.write(in_hand.text);
    seen.turn();
    assert_eq!((seen.look(&house), seen.own), (3, 3));
    assert_eq!(seen.dashboard.rows, house.world.truth(&[0]));
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn promise_v2_frames_stay_in_order_whoever_writes_them_and_whenever_the_way_is_free() {
    // More of the first team than are told at once, so that some have a frame while others wait for their turn.
    let teams = |which: usize| [&[0][..], &[0], &[0], &[0], &[0], &[0], &[0, 1], &[2]][which % 8];
    for seed in 0..10 {
        let mut dice = Dice::new(seed);
        let house = House::new(12, 3);
        let mut boards: Vec<Seen> = (0..64).map(|which| Seen::of(&house, teams(which))).collect();
        let mut in_hand: Vec<Option<Utf8Bytes>> = vec![None; boards.len()];
        for _ in 0..1_200 {
            match dice.below(16) {
                0 => house.commit(&[(dice.below(12) as usize, ALL_TO[dice.below(6) as usize])]),
                1 => house.pass(dice.below(40)).await,
                2 | 3 => tokio::task::yield_now().await,
                _ => {
                    let which = dice.below(64) as usize;
                    let seen = &mut boards[which];
                    seen.socket.set_free(dice.below(3) > 0);
                    // One step of the task: it writes what it has in hand, or takes a frame.
                    match in_hand[which].take() {
                        Some(frame) => seen.write(frame),
                        None => in_hand[which] = seen.board.next().now_or_never().map(|frame| frame.text),
                    }
                    seen.look(&house);
                }
            }
        }
        house.arrive().await;
        house.pass(100).await;
        for (which, (seen, in_hand)) in boards.iter_mut().zip(in_hand).enumerate() {
            in_hand.into_iter().for_each(|frame| seen.write(frame));
            seen.turn();
            seen.look(&house);
            assert_eq!(seen.dashboard.rows, house.world.truth(teams(which)), "seed {seed}");
        }
        house.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_board_that_has_ended_is_told_nothing_more() {
    let house = House::new(8, 1);
    let mut boards: Vec<Seen> = (0..40).map(|_| Seen::of(&house, &[0])).collect();
    for seen in &mut boards {
        seen.turn();
        seen.look(&house);
    }
    house.commit(&[(0, To::Available)]);
    let is_told = |seen: &Seen| !seen.socket.written.lock().unwrap().is_empty();
    // The first have been told, and it is not yet the turn of the last.
    while !is_told(&boards[0]) {
        tokio::task::yield_now().await;
    }
    assert!(!is_told(&boards[39]));
    let Seen { board, socket, .. } = boards.pop().unwrap();
    drop(board);
    assert_eq!(Arc::strong_count(&socket), 1, "its connection is nobody else's any more");
    house.settle().await;
    assert!(boards.iter().all(is_told));
    assert!(socket.written.lock().unwrap().is_empty());
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_beat_is_not_told_before_a_frame_that_was_cut() {
    let house = House::new(8, 1);
    let mut boards: Vec<Seen> = (0..40).map(|_| Seen::of(&house, &[0])).collect();
    for seen in &mut boards {
        seen.turn();
        seen.look(&house);
        seen.socket.set_free(false);
    }
    // The last one's beat is due as the frame is cut that it was not told.
    house.pass(u64::try_from(BEAT_AFTER.as_millis()).unwrap() - 1).await;
    house.commit(&[(0, To::Available)]);
    house.pass(2).await;
    for seen in &mut boards {
        seen.turn();
        seen.look(&house);
        assert_eq!((seen.dashboard.beats, &seen.dashboard.rows), (0, &house.world.truth(&[0])));
    }
    house.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_nobody_has_a_turn_is_told_in_frames_that_are_not_too_long() {
    let house = House::new(3 * WAITING_MAX, 1);
    let mut seen = Seen::of(&house, &[0]);
    seen.turn();
    seen.look(&house);
    for some in 0..3 * WAITING_MAX / 8 {
        let changes: Vec<(usize, To)> = (0..8).map(|agent| (some * 8 + agent, To::Available)).collect();
        house.commit(&changes);
    }
    house.settle().await;
    let told: Vec<usize> = {
        let written = seen.socket.written.lock().unwrap();
        written.iter().map(|frame| result_of(frame.as_str())["agents"].as_array().map_or(0, Vec::len)).collect()
    };
    seen.look(&house);
    assert_eq!(told.iter().sum::<usize>(), 3 * WAITING_MAX);
    assert!(told.iter().all(|rows| *rows < WAITING_MAX + 8), "{told:?}");
    assert_eq!(seen.dashboard.rows, house.world.truth(&[0]));
    house.close().await;
}
