//! The names of a normal build.

use std::future::Future;

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64};
pub(crate) use std::sync::{Mutex, MutexGuard, RwLock};

pub(crate) use arc_swap::ArcSwap;
pub(crate) use dashmap::DashMap;
pub(crate) use dashmap::mapref::entry::Entry;
use tokio_util::task::TaskTracker;

use super::Race;

/// Starts a task that the tracker waits for.
pub(crate) fn spawn_on(tasks: &TaskTracker, task: impl Future<Output = ()> + Send + 'static) {
    tasks.spawn(task);
}

/// A place where another thread may come in between that no lock or atomic marks: the use of a
/// channel.
#[inline(always)]
pub(crate) const fn may_switch() {}

/// True where a test has planted this race; never in a normal build.
#[inline(always)]
pub(crate) const fn planted(_race: Race) -> bool {
    false
}
