//! Figures, in the text form that Prometheus reads.

use std::sync::Arc;

use super::known;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Where latencies are counted, in seconds: the promised ones lie between 1 ms and 5 s.
const LATENCY_BUCKETS_S: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// Reads the figures. Cheap to clone.
#[derive(Clone)]
pub struct Figures(PrometheusHandle);

/// Why figures are not collected.
#[derive(Debug, thiserror::Error)]
pub enum FiguresError {
    /// Something else collects the process's figures already.
    #[error("figures are already being collected: {0}")]
    AlreadyStarted(String),
    /// The buckets cannot be set.
    #[error("the buckets for latencies cannot be set: {0}")]
    Buckets(String),
}

impl Figures {
    /// Begins to collect the figures of this process. They are the process's, so that this can
    /// succeed once.
    ///
    /// # Errors
    /// [`FiguresError`] when somebody else collects them already.
    pub fn start() -> Result<Figures, FiguresError> {
        let recorder = builder()?.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|error| FiguresError::AlreadyStarted(error.to_string()))?;
        known::introduce();
        Ok(Figures(handle))
    }

    /// Reads figures that nothing is written to: for servers that run beside others in a process.
    ///
    /// # Errors
    /// [`FiguresError`] when the recorder cannot be built.
    pub fn detached() -> Result<Figures, FiguresError> {
        Ok(Figures(builder()?.build_recorder().handle()))
    }

    /// Renders the figures, for whoever must not know where they come from.
    pub fn reader(&self) -> Arc<dyn Fn() -> String + Send + Sync> {
        let figures = self.clone();
        Arc::new(move || figures.render())
    }

    /// The figures as text. Also folds what histograms have gathered since the last time, so that
    /// they stay small.
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }

    /// Folds what histograms have gathered; to be called every few seconds where nobody reads.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

impl std::fmt::Debug for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Figures(…)")
    }
}

fn builder() -> Result<PrometheusBuilder, FiguresError> {
    PrometheusBuilder::new().set_buckets(&LATENCY_BUCKETS_S).map_err(|error| FiguresError::Buckets(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cap_is_there_with_nothing_counted_and_says_what_it_is() {
        let recorder = builder().expect("a builder").build_recorder();
        let figures = Figures(recorder.handle());
        metrics::with_local_recorder(&recorder, known::introduce);
        let text = figures.render();
        for limit in crate::limits::Limit::ALL {
            let line = format!("intervalo_limits_reached_total{{limit=\"{}\"}} 0", limit.as_str());
            assert!(text.contains(&line), "{line} is missing");
        }
        assert!(text.contains("# HELP intervalo_connections Open connections."), "{text}");
        metrics::with_local_recorder(&recorder, || crate::limits::Limit::Mailbox.reached());
        assert!(figures.render().contains("intervalo_limits_reached_total{limit=\"mailbox\"} 1"));
    }

    #[test]
    fn figures_are_rendered_in_the_form_that_prometheus_reads() {
        let recorder = builder().expect("a builder").build_recorder();
        let figures = Figures(recorder.handle());
        metrics::with_local_recorder(&recorder, || metrics::counter!("intervalo_test_total", "a" => "b").increment(2));
        assert!(figures.render().contains("intervalo_test_total{a=\"b\"} 2"), "{}", figures.render());
    }
}
