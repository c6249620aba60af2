//! Deterministic simulation: the real domain, actors, desk, sequencer, hub and router on a virtual
//! clock, a simulated disk and a bus that loses, with crashes at any step; what was seen from outside
//! is held against a slow, obvious model of the journal.

mod boards;
mod check;
mod clients;
mod clock;
mod defect;
#[path = "../support/dice.rs"]
mod dice;
mod evidence;
mod house;
#[path = "../support/lossy_bus.rs"]
mod lossy_bus;
mod model;
mod office;
mod panics;
mod planted;
mod probe;
mod run;
mod seeds;
mod weather;
mod world;

use run::run;
use seeds::Order;

#[test]
fn seeds_hold() {
    Order::of_environment().carry_out();
}

#[test]
fn the_same_seed_leads_to_the_same_trace() {
    for seed in 0..3 {
        let (first, second) = (run(seed, None).seen, run(seed, None).seen);
        assert_eq!((first.traces(), first.counts), (second.traces(), second.counts), "seed {seed}");
        let differs = first.durable.iter().zip(&second.durable).find(|(a, b)| a != b);
        assert!(differs.is_none(), "seed {seed}: {differs:?}");
    }
}
