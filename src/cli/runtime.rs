//! The runtime that commands wait in, and the signals that end them.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::failure::Failure;

/// After how many turns of tasks a thread looks at what other threads have woken, the journal's above all: what was acknowledged by
/// the disk has waited long enough. Unset, tokio aims at 200 µs by what turns took on the average, and one is long where it matters.
const TURNS_BEFORE_THE_STORE: u32 = 4;
/// After how many it looks whose socket has something to read; tokio's own figure is 61. Turns of clients that send junk take
/// some tens of microseconds each.
const TURNS_BEFORE_THE_SOCKETS: u32 = 16;

/// Runs a future to its end on all cores.
pub(super) fn wait_for<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .global_queue_interval(TURNS_BEFORE_THE_STORE)
        .event_interval(TURNS_BEFORE_THE_SOCKETS)
        .build()
        .map_err(|error| Failure::new(format_args!("cannot start threads: {error}")))?;
    runtime.block_on(future)
}

/// A token that Ctrl-C or a polite kill cancels.
pub(super) fn cancelled_by_signals() -> Result<CancellationToken, Failure> {
    let failed = |error| Failure::new(format_args!("cannot listen for signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        let signal = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        };
        info!(signal, "stopping on {signal}");
        cancelled.cancel();
    });
    Ok(token)
}
