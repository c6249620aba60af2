//! Keeps the certificate up to date: its files are looked at again from time to time, and when the
//! process is told to (SIGHUP).

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::ports::Clock;
use crate::transport::{Look, Tls};

/// How often the files are looked at: whoever renews certificates does it days before they end.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(60);

/// Looks at the files for ever. SIGHUP is listened for as soon as this returns.
pub(super) fn watch(tls: Arc<Tls>, clock: Arc<dyn Clock>) -> impl Future<Output = ()> + Send {
    let told = match signal(SignalKind::hangup()) {
        Ok(told) => Some(told),
        Err(error) => {
            tracing::warn!(%error, "SIGHUP cannot be listened for; the certificate is looked at once a minute");
            None
        }
    };
    look_on(tls, clock, told)
}

async fn look_on(tls: Arc<Tls>, clock: Arc<dyn Clock>, mut told: Option<Signal>) {
    loop {
        let hangup = async {
            match &mut told {
                Some(told) => told.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = clock.sleep_until(clock.now() + LOOKED_AT_EVERY) => {}
            _ = hangup => {}
        }
        let looking = Arc::clone(&tls);
        match tokio::task::spawn_blocking(move || looking.look()).await {
            Ok(Look::Same) => {}
            Ok(Look::Changed) => tracing::info!("new connections are answered with the new certificate"),
            Ok(Look::Refused(error)) => {
                metrics::counter!("intervalo_certificates_refused_total").increment(1);
                tracing::error!("{error}; the certificate of before stays in force");
            }
            Err(error) => tracing::error!(%error, "looking at the certificate's files failed"),
        }
    }
}
