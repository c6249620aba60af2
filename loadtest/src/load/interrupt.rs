//! Ctrl-C: the run ends early, and what it started and made is still taken down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::failure::{Failure, Outcome, While};

/// Tells whether the run is to end. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Never interrupted, unless [`Interrupt::raise`]d.
    pub(super) fn none() -> Interrupt {
        Interrupt::default()
    }

    /// Raised by SIGINT or SIGTERM of this process.
    ///
    /// # Errors
    /// [`Failure`] when signals cannot be listened for.
    pub(super) fn by_signals() -> Outcome<Interrupt> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .while_doing("cannot listen for signals")?;
        let interrupt = Interrupt::none();
        let raised = interrupt.clone();
        let signals = {
            let _inside = runtime.enter();
            use tokio::signal::unix::{SignalKind, signal};
            let on = |kind| signal(kind).while_doing("cannot listen for signals");
            (on(SignalKind::interrupt())?, on(SignalKind::terminate())?)
        };
        let (mut interrupted, mut terminated) = signals;
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    loop {
                        tokio::select! {
                            _ = interrupted.recv() => {}
                            _ = terminated.recv() => {}
                        }
                        raised.raise();
                    }
                });
            })
            .while_doing("cannot start a thread")?;
        Ok(interrupt)
    }

    /// Ends the run.
    pub(super) fn raise(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Goes on, unless the run is to end.
    ///
    /// # Errors
    /// [`Failure`] when it is.
    pub(super) fn check(&self) -> Outcome<()> {
        if self.0.load(Ordering::Acquire) { Err(Failure::new("interrupted")) } else { Ok(()) }
    }
}
