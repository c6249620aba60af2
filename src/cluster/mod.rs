//! Who owns what, and how what happened reaches others: the forms of `Placement` and `Bus`.
//!
//! Knows no protocol, no transport and no actor.

pub mod bus;
