//! The domain through its public face: scripts that a supervisor can read, and what must hold of
//! every sequence of events (`docs` of the modules name the sections of the semantics).

mod allow;
mod corrections;
mod directory;
mod dry_run;
mod early_queue;
mod entitlements;
mod legal;
mod limits;
mod mishaps;
mod moved;
mod next_change;
mod occupancy;
mod ops;
mod overrides;
mod pauses;
mod planted;
mod presence;
mod properties;
mod protected;
mod queue;
mod recorded;
mod requests;
mod routable;
mod schedule;
mod script;
mod setting;
mod shifts;
mod shown_events;
mod shown_offline;
mod slots;
mod telling;
mod trace;
mod usage;
mod values;
#[path = "../support/window_words.rs"]
mod window_words;
mod windows;
mod words;
mod world;
