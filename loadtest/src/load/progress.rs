//! A bar on standard error while a run goes on; nothing where that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// The steps of a run.
#[derive(Debug)]
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A run of so many steps.
    pub(super) fn new(steps: u64) -> Progress {
        // The library draws on standard error, and only on a terminal.
        let bar = ProgressBar::new(steps);
        if let Ok(style) = ProgressStyle::with_template("{elapsed:>4} [{bar:30}] {pos}/{len} {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Progress(bar)
    }

    /// What is being done now.
    pub(super) fn now(&self, what: impl Into<std::borrow::Cow<'static, str>>) {
        self.0.set_message(what);
        self.0.tick();
    }

    /// A step is done.
    pub(super) fn done(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
