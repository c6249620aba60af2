//! The domain through its public face: scripts that a supervisor can read, and what must hold of
//! every sequence of events (`docs` of the modules name the sections of the semantics).

mod pauses;
mod presence;
mod properties;
mod schedule;
mod script;
mod trace;
mod world;
