//! What one command costs, and one frame for one board: run under callgrind, whose counts of instructions do not depend on what else the
//! machine does (`.ci/costs`, which holds them against `examples/costs/counts`).
//!
//! usage: costs commands | deliveries
//!
//! A command is a start or an end of a pause as an agent's session hands it to the router: the actor, the rules, the sequencer, the row that
//! boards are shown, and its frame for one board; what the journal costs is not counted. A delivery is that frame for one more board, of a
//! thousand which have all before it.

#[path = "../../tests/support/clock.rs"]
mod clock;
#[allow(dead_code, reason = "a test's company can more than is asked of it here")]
#[path = "../../tests/support/company.rs"]
mod company;
mod journal;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use intervalo::actor::session::{Receiver, notices};
use intervalo::actor::{Core, CoreParts, Notice, SessionLink};
use intervalo::cluster::{LocalBus, LocalPlacement};
use intervalo::domain::command::{Actor, Command, Request};
use intervalo::domain::id::{Op, PauseId, SessionId, TeamId};
use intervalo::hub::{Board, Hub, Outlet};
use intervalo::ports::{Bus, Clock};
use intervalo::router::Router;
use intervalo::store::MemoryJournal;
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use clock::TokioClock;
use company::{end, found, later, pause, tenant};
use journal::Forgetful;

/// How many commands are counted. The counts are for one, so that this must not change.
const COMMANDS: usize = 400;
/// How many are given before, so that what is made once is made.
const BEFORE: usize = 40;
const BOARDS: usize = 1_000;
/// Time is paused, and passes as soon as everybody waits. So seldom, each change has a frame of its own.
const APART: Duration = Duration::from_millis(100);

/// Takes every frame.
#[derive(Default)]
struct Sink {
    frames: AtomicU64,
}

impl Outlet for Sink {
    fn take(&self, frame: &Utf8Bytes) -> bool {
        self.frames.fetch_add(u64::from(!frame.is_empty()), Ordering::Relaxed);
        true
    }
}

/// A company of four with a core and a hub, and one who is signed in.
struct House {
    router: Router,
    hub: Arc<Hub>,
    clock: Arc<TokioClock>,
    session: Receiver<Box<Notice>>,
    ops: u128,
}

impl House {
    async fn open() -> House {
        let founded = Arc::new(MemoryJournal::new(7));
        found(&founded).await;
        let journal = Arc::new(Forgetful(founded));
        let bus = Arc::new(LocalBus::new());
        let clock = Arc::new(TokioClock::new());
        let pauses = AtomicU64::new(1);
        let parts = CoreParts {
            journal: Arc::clone(&journal) as _,
            placement: Arc::new(LocalPlacement),
            bus: Arc::clone(&bus) as _,
            clock: Arc::clone(&clock) as _,
            fresh_id: Arc::new(move |_, _, _| PauseId(u128::from(pauses.fetch_add(1, Ordering::Relaxed)))),
        };
        let (core, seeds) = Core::take_up(parts).await.expect("taken up");
        core.open();
        let bus: Arc<dyn Bus> = bus;
        let hub = Hub::start(bus, journal, Arc::clone(&clock) as _, TaskTracker::new(), CancellationToken::new());
        for seed in seeds {
            hub.open_tenant(seed.shard, seed.directory, seed.head, seed.rows);
        }
        let router = Router::new(Arc::new(core));
        let (notices, session) = notices();
        let link = SessionLink { id: SessionId(1), notices, answered_at: Arc::new(AtomicI64::new(0)) };
        router.attach(&tenant(), &later("ana"), link).await.expect("attached");
        House { router, hub, clock, session, ops: 0 }
    }

    /// So many starts and ends, and all that they lead to.
    async fn commands(&mut self, count: usize) {
        for command in (0..count).map(|number| if number % 2 == 0 { pause("almoco") } else { end() }) {
            self.command(command).await;
        }
    }

    async fn command(&mut self, command: Command) {
        self.ops += 1;
        let actor = Actor::Agent(later("ana"));
        let request = Request { command, actor, reason: None, op: Some(Op(self.ops)), expected_version: None };
        self.router.execute(&tenant(), &later("ana"), request).await.expect("carried out");
        while self.session.try_recv().is_some() {}
        // Until the hub has told it, and so late that the next is not waited for.
        self.clock.sleep_until(self.clock.now() + APART).await;
    }

    /// A board that has been shown all there is.
    fn board(&self, sink: &Arc<Sink>) -> Board {
        let teams = BTreeSet::from([TeamId::new("suporte").expect("an id")]);
        let outlet = Some(Arc::clone(sink) as Arc<dyn Outlet>);
        let mut board = self.hub.board_through(outlet, &tenant(), &teams, None).expect("a board");
        while board.next().now_or_never().is_some() {}
        board
    }
}

/// What is counted: callgrind collects while it runs (`--toggle-collect`).
#[inline(never)]
fn counted(runtime: &Runtime, house: &mut House) {
    runtime.block_on(house.commands(COMMANDS));
}

fn main() -> ExitCode {
    let boards = match std::env::args().nth(1).as_deref() {
        Some("commands") => 1,
        Some("deliveries") => BOARDS,
        _ => {
            eprintln!("usage: costs commands | deliveries");
            return ExitCode::from(2);
        }
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let sink = Arc::new(Sink::default());
    let (mut house, told) = runtime.block_on(async {
        let mut house = House::open().await;
        let boards: Vec<Board> = (0..boards).map(|_| house.board(&sink)).collect();
        house.commands(BEFORE).await;
        (house, boards)
    });
    let before = sink.frames.load(Ordering::Relaxed);
    counted(&runtime, &mut house);
    let frames = sink.frames.load(Ordering::Relaxed) - before;
    println!("{COMMANDS} commands, {frames} frames to {} boards", told.len());
    let all_were_told = frames as usize == COMMANDS * boards;
    if all_were_told { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
