//! Many seeds on all cores.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::evidence::Counts;
use super::run::run;

/// How many seeds are run when nothing is said: a few seconds in a build that is not optimised.
const SEEDS: u64 = 6;

/// What is asked for by the environment.
pub(crate) struct Order {
    from: u64,
    seeds: u64,
    /// Fewer events are a failure.
    events_min: u64,
}

impl Order {
    /// `INTERVALO_SIM_SEED` names one seed; else `INTERVALO_SIM_SEEDS` says how many, from
    /// `INTERVALO_SIM_FROM`, and `INTERVALO_SIM_EVENTS` how many events they must come to.
    pub(crate) fn of_environment() -> Order {
        match number("INTERVALO_SIM_SEED") {
            Some(seed) => Order { from: seed, seeds: 1, events_min: 0 },
            None => Order {
                from: number("INTERVALO_SIM_FROM").unwrap_or(0),
                seeds: number("INTERVALO_SIM_SEEDS").unwrap_or(SEEDS),
                events_min: number("INTERVALO_SIM_EVENTS").unwrap_or(0),
            },
        }
    }

    /// Runs the seeds and prints what came of them.
    ///
    /// # Panics
    /// When a promise was broken, with the command that replays the seed, or when there was too little to see.
    #[expect(clippy::disallowed_methods, reason = "the figure is events a second")]
    pub(crate) fn carry_out(&self) {
        let (next, began) = (AtomicU64::new(self.from), Instant::now());
        let (all, failures) = (Mutex::new(Counts::default()), Mutex::new(Vec::new()));
        let work = || {
            loop {
                let seed = next.fetch_add(1, Ordering::SeqCst);
                if seed >= self.from + self.seeds {
                    return;
                }
                let report = run(seed, None);
                all.lock().unwrap().add(&report.seen.counts);
                if !report.broken.is_empty() {
                    failures.lock().unwrap().push((seed, report.broken));
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
        let (all, took) = (*all.lock().unwrap(), began.elapsed().as_secs_f64());
        let rate = all.all() as f64 / took;
        println!("{} seeds, {} events in {took:.1} s on {threads} threads: {rate:.0} events/s", self.seeds, all.all());
        println!("{all:?}");
        let failures = failures.into_inner().unwrap();
        for (seed, broken) in &failures {
            println!("seed {seed} breaks promises; replay it with: just sim {seed}");
            for (promise, why) in broken.iter().take(3) {
                println!("  {promise}: {why}");
            }
        }
        assert!(failures.is_empty(), "{} of {} seeds break promises", failures.len(), self.seeds);
        assert!(all.all() >= self.events_min, "{} events are fewer than {}", all.all(), self.events_min);
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}
