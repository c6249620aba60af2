//! A menu that is watched: what its client was told of it, and when it may be another one.

use std::time::Duration;

use tokio::sync::watch;

use crate::domain::menu::PauseOption;
use crate::domain::time::Timestamp;
use crate::protocol::options::MenuSignature;

/// The shortest time between two `options.changed`.
pub(super) const OPTIONS_EVERY: Duration = Duration::from_secs(1);

/// A menu that is being watched.
pub(super) struct Watch {
    pub(super) told: MenuSignature,
    /// When to look again; none while nothing can have changed.
    pub(super) look_at: Option<Timestamp>,
    /// Not before this, whatever happens.
    pub(super) not_before: Timestamp,
    /// Tells when something has moved that everybody's verdicts look at.
    pub(super) moved: Option<watch::Receiver<u64>>,
}

/// Waits for the menu to move; for ever, while nobody watches it.
pub(super) async fn moved(watch: Option<&mut Watch>) {
    // Who looks soon anyway need not hear of it: a socket is woken once for each time that it may look.
    let idle = watch.filter(|watch| watch.look_at.is_none_or(|at| at > watch.not_before));
    let Some(moved) = idle.and_then(|watch| watch.moved.as_mut()) else { return std::future::pending().await };
    if moved.changed().await.is_err() {
        std::future::pending().await
    }
}

/// When the menu can have changed by the passing of time alone.
pub(super) fn next_look(menu: &[PauseOption], not_before: Timestamp) -> Option<Timestamp> {
    menu.iter().filter_map(|line| line.verdict.next_change_at).min().map(|at| at.max(not_before))
}
