//! Steps of the wall clock while pauses run: their thresholds come when the time has passed, over the step and over
//! the next start, at which the clock is anchored at the wall anew (semantics §2).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use intervalo::clock::{Machine, MachineTime, SystemClock};
use intervalo::domain::command::Actor;
use intervalo::domain::event::{Cause, TenantEvent, TenantEventBody};
use intervalo::domain::time::{Timestamp, minutes, seconds};
use intervalo::ports::{Clock, ClockStep};

use super::clock::TokioClock;
use super::company::{end, later, pause};
use super::house::House;

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

/// A machine on tokio's time whose wall clock can be set.
struct Planted {
    clock: TokioClock,
    set_by_ms: AtomicI64,
}

impl Machine for Planted {
    fn read(&self) -> MachineTime {
        let wall = Timestamp(self.clock.now().0 + self.set_by_ms.load(Ordering::SeqCst));
        MachineTime { wall, asleep: seconds(0) }
    }
}

/// A house whose clock hangs on the planted machine.
struct Scene {
    machine: Arc<Planted>,
    clock: Arc<dyn Clock>,
    house: House,
}

impl Scene {
    async fn open() -> Scene {
        let machine = Arc::new(Planted { clock: TokioClock::new(), set_by_ms: AtomicI64::new(0) });
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::on(Arc::clone(&machine) as _, Timestamp(0)));
        let house = House::open_on(Arc::clone(&clock)).await;
        Scene { machine, clock, house }
    }

    /// Sets the wall clock; the server looks, and writes what it sees.
    async fn step(&self, by_ms: i64) {
        self.machine.set_by_ms.fetch_add(by_ms, Ordering::SeqCst);
        let ClockStep { by_ms: seen_ms, ahead_ms } = self.clock.look().stepped.expect("it is seen");
        assert_eq!(seen_ms, by_ms);
        assert_eq!(self.clock.look().stepped, None, "once");
        let body = TenantEventBody::ClockStepped { by_ms, ahead_ms };
        let event = TenantEvent { at: self.clock.now(), actor: Actor::System, cause: Cause::Clock, op: None, body };
        self.house.core.record(&self.house.tenant, event).await.expect("recorded");
    }

    /// A crash, and a start at once: its clock is anchored at the wall.
    async fn restart(self) -> Scene {
        let machine = Arc::clone(&self.machine) as Arc<dyn Machine>;
        let mut made = None;
        let house = self
            .house
            .restart_on(|last_at| {
                let clock: Arc<dyn Clock> = Arc::new(SystemClock::on(machine, last_at));
                made = Some(Arc::clone(&clock));
                clock
            })
            .await;
        Scene { machine: self.machine, clock: made.expect("a clock"), house }
    }

    /// When each threshold of Ana's pause came, and was due, in minutes from an instant.
    async fn thresholds(&self, from: Timestamp) -> Vec<(&'static str, i64, i64)> {
        let from_ms = |at: Timestamp| at.0 - from.0;
        let events = self.house.events("ana").await;
        let of_pause = events.iter().filter_map(|event| Some((event.body.name(), event.at, event.due_at?)));
        let thresholds = of_pause.filter(|(name, ..)| name.starts_with("pause."));
        thresholds.map(|(name, at, due_at)| (name, from_ms(at), from_ms(due_at))).collect()
    }
}

/// Coffee: a warning a minute before its limit of ten, an overrun a minute after it, an escalation two minutes later.
fn coffee_from(begin_ms: i64) -> Vec<(&'static str, i64, i64)> {
    let due = [("pause.warned", 9), ("pause.limit_reached", 10), ("pause.overran", 11), ("pause.escalated", 13)];
    due.map(|(name, minutes)| (name, begin_ms + minutes * MINUTE_MS, begin_ms + minutes * MINUTE_MS)).to_vec()
}

#[tokio::test(start_paused = true)]
async fn promise_t2_and_t3_no_step_of_the_wall_makes_a_limit_early_or_late() {
    for by_ms in [HOUR_MS, -HOUR_MS, 5_000, -5_000] {
        let scene = Scene::open().await;
        let _ana = scene.house.connect("ana").await;
        scene.house.execute("ana", pause("cafe")).await.expect("started");
        let began = scene.house.state("ana").await.since;
        scene.house.pass(minutes(5)).await;
        scene.step(by_ms).await;
        scene.house.pass(minutes(15)).await;
        assert_eq!(scene.thresholds(began).await, coffee_from(0), "a step by {by_ms} ms");
        scene.house.execute("ana", end()).await.expect("ended");
        let ended = scene.house.state("ana").await.since;
        assert_eq!(ended.since(began), minutes(20));
        scene.house.check_fold().await;
        scene.house.check_numbers().await;
    }
}

#[tokio::test(start_paused = true)]
async fn promise_t2_and_t3_a_pause_that_runs_over_a_step_and_the_start_after_it_keeps_its_length() {
    let scene = Scene::open().await;
    let _ana = scene.house.connect("ana").await;
    scene.house.execute("ana", pause("cafe")).await.expect("started");
    let began = scene.house.state("ana").await.since;
    scene.house.pass(minutes(5)).await;
    scene.step(HOUR_MS).await;
    let scene = scene.restart().await;
    assert_eq!(scene.clock.now().since(began), minutes(65), "the clock stands at the wall");
    // A start that nothing happened after leaves what the one before has moved.
    let scene = scene.restart().await;
    let _ana = scene.house.connect("ana").await;
    let view = scene.house.router.view(&scene.house.tenant, &later("ana")).await.expect("a view");
    let shown = view.pause.as_ref().expect("the pause goes on");
    assert_eq!(shown.limit_at.map(|at| at.since(began)), Some(minutes(70)), "{shown:?}");
    scene.house.pass(minutes(15)).await;
    assert_eq!(scene.thresholds(began).await, coffee_from(HOUR_MS));
    scene.house.execute("ana", end()).await.expect("ended");
    let used = scene.house.state("ana").await.usage.counted().expect("it counts").types[0].used.time;
    assert_eq!(used, minutes(20), "what it uses up is the time that passed");
    scene.house.check_fold().await;
    scene.house.check_numbers().await;
}

#[tokio::test(start_paused = true)]
async fn promise_t2_after_a_step_back_the_next_start_goes_on_from_the_record() {
    let scene = Scene::open().await;
    let _ana = scene.house.connect("ana").await;
    scene.house.execute("ana", pause("cafe")).await.expect("started");
    let began = scene.house.state("ana").await.since;
    scene.house.pass(minutes(5)).await;
    scene.step(-HOUR_MS).await;
    let scene = scene.restart().await;
    assert_eq!(scene.clock.now().since(began), minutes(5), "no event is before one that there is");
    let _ana = scene.house.connect("ana").await;
    scene.house.pass(minutes(15)).await;
    assert_eq!(scene.thresholds(began).await, coffee_from(0));

    // Put right again, the wall is where the server's clock is: the start after that moves nothing.
    scene.house.execute("ana", end()).await.expect("ended");
    scene.house.execute("ana", pause("cafe")).await.expect("started");
    let began = scene.house.state("ana").await.since;
    scene.step(HOUR_MS).await;
    scene.house.pass(minutes(5)).await;
    let scene = scene.restart().await;
    let _ana = scene.house.connect("ana").await;
    scene.house.pass(minutes(15)).await;
    let all = scene.thresholds(began).await;
    assert_eq!(all[all.len() - 4..], coffee_from(0));
    scene.house.check_fold().await;
}
