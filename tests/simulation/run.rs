//! One seed, from the founding of the company to the last check: several runs of the server, each cut
//! off at a step that the dice choose, and a last one that ends in quiet.

use std::sync::Arc;
use std::time::Duration;

use intervalo::domain::time::Timestamp;
use intervalo::hub::BEAT_AFTER;
use intervalo::store::MemoryJournal;
use tokio::task::JoinSet;

use super::boards::Watcher;
use super::check;
use super::clients::Client;
use super::clock::SimClock;
use super::defect::Defect;
use super::evidence::{Evidence, Life};
use super::house::House;
use super::model::Broken;
use super::office::{AGENTS, directory, found};
use super::panics;
use super::probe::note_durable;
use super::weather::Sky;
use super::world::World;

/// How long boards may take to show the truth after all is quiet (promise V1).
pub(crate) const QUIET: Duration = Duration::from_secs(2);
/// How long a start may take in a disk's worst weather before it is cut off anyway, in ms.
const START_MAX_MS: u64 = 60_000;
/// How much longer everybody waits in a lull.
const LULL: u64 = 15;
/// How many boards there are.
pub(crate) const BOARDS: u64 = 3;

/// What came of a seed.
pub(crate) struct Report {
    pub(crate) seen: Evidence,
    pub(crate) broken: Vec<Broken>,
}

impl Report {
    /// True when this promise was found broken.
    pub(crate) fn breaks(&self, promise: &str) -> bool {
        self.broken.iter().any(|(broken, _)| *broken == promise)
    }
}

/// Runs a seed.
pub(crate) fn run(seed: u64, defect: Option<Defect>) -> Report {
    panics::begin();
    let world = World::new(seed, defect);
    let careless = defect == Some(Defect::AnswersBeforeSync);
    let journal = if careless { MemoryJournal::careless(seed) } else { MemoryJournal::new(seed) };
    let mut begin = world.begin;
    runtime().block_on(found(&journal, begin));
    world.set_disk(journal);
    {
        let mut seen = world.seen();
        seen.directories.insert(1, Arc::new(directory()));
    }
    let lives = 2 + world.roll(4) as usize;
    for life in 0..lives {
        let is_last = life + 1 == lives;
        begin = live(&world, life, begin, is_last);
        if is_last {
            break;
        }
        let power_cut = world.roll(2) == 0;
        if power_cut {
            world.disk().crash();
        }
        let reopened = world.disk().reopen();
        world.set_disk(reopened);
        runtime().block_on(note_durable(&world, &world.disk(), begin));
        {
            let mut seen = world.seen();
            seen.counts.crashes += 1;
            seen.note(format_args!("crash {power_cut}"));
        }
        begin = begin + Duration::from_millis(downtime(&world));
    }
    let mut broken = runtime().block_on(check::journal(&world));
    let mut seen = std::mem::take(&mut *world.seen());
    broken.append(&mut seen.broken);
    broken.extend(check::all(&seen));
    broken.extend(panics::end().map(|why| ("B3", format!("something panicked: {why}"))));
    Report { seen, broken }
}

fn downtime(world: &World) -> u64 {
    match world.roll(12) {
        0..=3 => world.roll(2_000),
        4..=7 => world.roll(90_000),
        8..=10 => world.roll(3_600_000),
        // Past the end of a shift, or of a night.
        _ => 3_600_000 + world.roll(14_400_000),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().expect("a runtime")
}

/// One run of the server; answers when it ended. All that is left of it when this returns is the disk.
fn live(world: &Arc<World>, life: usize, from: Timestamp, is_last: bool) -> Timestamp {
    let runtime = runtime();
    let lull = if world.roll(8) == 0 { LULL } else { 1 };
    let until = runtime.block_on(async {
        let clock = SimClock::from(from);
        world.seen().lives.push(Life { from, opened: None, until: Timestamp(i64::MAX) });
        if is_last {
            last(world, life, &clock, lull).await
        } else {
            cut_off(world, life, &clock, lull).await
        }
        clock.now_true()
    });
    // Everything that runs ends here, wherever it is.
    drop(runtime);
    let mut seen = world.seen();
    if let Some(of_life) = seen.lives.get_mut(life) {
        of_life.until = until;
    }
    for session in seen.sessions.iter_mut().filter(|session| session.life == life && session.until.is_none()) {
        session.until = Some(until);
    }
    until
}

/// A run that is cut off: after a while, and then at any step.
async fn cut_off(world: &Arc<World>, life: usize, clock: &SimClock, lull: u64) {
    let early = world.roll(8) == 0;
    let span = if early { world.roll(3_000) } else { 5_000 + world.roll(500_000) * lull };
    let steps = world.roll(60);
    let running = async {
        let Some(house) = House::open(world, life, clock, lull).await else { return std::future::pending().await };
        check::revived(&house).await;
        let mut tasks = people(&house, Timestamp(i64::MAX / 2));
        while tasks.join_next().await.is_some() {}
        std::future::pending::<()>().await;
    };
    let cut = async {
        clock.pass(span).await;
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = cut => {}
        () = running => {}
    }
}

/// The last run: it ends in quiet, and then in order.
async fn last(world: &Arc<World>, life: usize, clock: &SimClock, lull: u64) {
    let began = House::open(world, life, clock, lull);
    let house = tokio::select! {
        biased;
        house = began => house,
        () = clock.pass(START_MAX_MS) => None,
    };
    // A disk in trouble may keep a server from starting; then there is nothing more to see.
    let Some(house) = house else { return };
    check::revived(&house).await;
    {
        let mut seen = world.seen();
        seen.standing.clear();
        seen.told_stale.clear();
    }
    let loud = 60_000 + world.roll(500_000) * lull;
    let people = people(&house, clock.now_true() + Duration::from_millis(loud));
    clock.pass(loud).await;
    house.probe.heal();
    // What is in flight ends, in any weather; then a last change that the bus loses.
    clock.pass(8_000).await;
    house.weather.set(Sky::Cut);
    check::one_change(&house).await;
    house.weather.set(Sky::Calm);
    clock.pass(BEAT_AFTER.as_millis() as u64 + QUIET.as_millis() as u64).await;
    house.look();
    check::quiet(&house);
    check::records(&house).await;
    drop(people);
    house.close().await;
    if let Err(fault) = world.disk().verify() {
        world.seen().broken.push(("D6", format!("the journal does not hold: {fault:?}")));
    }
}

/// Everybody, until they fall silent.
fn people(house: &Arc<House>, quiet_at: Timestamp) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for number in 0..AGENTS {
        tasks.spawn(Client::new(house, number, quiet_at).act_as_agent());
    }
    for number in AGENTS..AGENTS + 2 {
        tasks.spawn(Client::new(house, number, quiet_at).act_as_supervisor());
    }
    tasks.spawn(Client::new(house, AGENTS + 2, quiet_at).act_as_admin());
    tasks.spawn(Client::new(house, AGENTS + 3, quiet_at).act_as_router());
    tasks.spawn(Client::new(house, AGENTS + 4, quiet_at).act_as_planner());
    for number in 0..BOARDS {
        tasks.spawn(Watcher::new(house, number, quiet_at).watch());
    }
    tasks
}
