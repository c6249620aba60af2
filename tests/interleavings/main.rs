//! The hub, the desks, the sequencers and the actors in orders that no clock would produce: shuttle
//! decides at every lock, atomic, channel and wait who runs next.
//!
//! Each test runs one small story thousands of times, under a random scheduler and under one that
//! favours few, badly placed switches (PCT). A failure prints its schedule; `SHUTTLE_RANDOM_SEED`
//! and `INTERLEAVINGS` set the seed and the number of runs of each scheduler. Each story is also
//! told with a race planted, and must fail.

#[path = "../support/clock.rs"]
#[expect(dead_code, reason = "the clock here stands still")]
mod clock;
#[path = "../support/company.rs"]
mod company;
#[path = "../support/dashboard.rs"]
mod dashboard;
mod explore;
mod guards;
mod hand_over;
mod office;
mod rest;
mod slots;
mod snapshot_join;
mod still_clock;
#[path = "../support/fan_out_world.rs"]
#[expect(dead_code, reason = "the model of views does more with it")]
mod world;
