//! Runs a story under shuttle's schedulers.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use intervalo::sync::{Race, plant};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler, UncontrolledNondeterminismCheckScheduler};
use shuttle::{Config, FailurePersistence, Runner};

/// How often a story is told under each scheduler, unless `INTERLEAVINGS` says otherwise.
const RUNS: usize = 1_500;

/// How many times as many orders may pass until a planted race shows. The first that shows it is the last that is tried.
const PLANTED_RUNS: usize = 20;

/// How many badly placed switches PCT looks for: most known races need two or three
/// (Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", 2010).
const SWITCHES: usize = 3;

/// Where the schedulers begin; `SHUTTLE_RANDOM_SEED` overrides it.
const SEED: u64 = 20_261_123;

/// Room for the core's futures on shuttle's own stacks, in bytes.
const STACK_BYTES: usize = 1 << 20;

fn config(failures: FailurePersistence) -> Config {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.failure_persistence = failures;
    config.silence_warnings = true;
    config
}

fn runs() -> usize {
    match std::env::var("INTERLEAVINGS") {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("INTERLEAVINGS is no number: {text}")),
        Err(_) => RUNS,
    }
}

fn run<F: Future<Output = ()> + 'static>(
    scheduler: impl Scheduler + 'static,
    failures: FailurePersistence,
    story: fn() -> F,
) -> usize {
    Runner::new(scheduler, config(failures)).run(move || shuttle::future::block_on(story()))
}

/// The story holds in every order tried, and what it does depends on the order alone.
pub(crate) fn explore<F: Future<Output = ()> + 'static>(story: fn() -> F) {
    let repeatable = UncontrolledNondeterminismCheckScheduler::new(RandomScheduler::new_from_seed(SEED, 20));
    run(repeatable, FailurePersistence::Print, story);
    let random = run(RandomScheduler::new_from_seed(SEED, runs()), FailurePersistence::Print, story);
    let pct = run(PctScheduler::new_from_seed(SEED, SWITCHES, runs()), FailurePersistence::Print, story);
    assert_eq!((random, pct), (runs(), runs()), "not every run was made");
    println!("{random} random orders and {pct} of PCT hold");
}

/// The story fails in some order that is tried while the race is planted, and says so.
pub(crate) fn finds<F: Future<Output = ()> + 'static>(race: Race, story: fn() -> F, says: &str) {
    let _planted = plant(race);
    fails(story, says);
}

/// The story fails in some order that is tried, and says so.
pub(crate) fn fails<F: Future<Output = ()> + 'static>(story: fn() -> F, says: &str) {
    let random = RandomScheduler::new_from_seed(SEED, runs() * PLANTED_RUNS);
    let found = catch_unwind(AssertUnwindSafe(|| run(random, FailurePersistence::None, story)));
    let panic = found.expect_err("the planted race was not found");
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let said = said.expect("a panic with a text");
    assert!(said.contains(says), "found for another reason: {said}");
}
