//! An echo behind the product's own handshake and frames, for suites that test a WebSocket by what it sends back. It
//! knows nothing of sessions, has larger limits than the product, and only an example serves it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use super::accept;
use super::liveness::PingTimes;
use super::problem::Problem;
use super::stall::StallGuard;
use super::upgrade::{Handshake, handshake_key, subprotocol, switching};
use super::wire::{Ending, Read, Wire, WireLimits};
use crate::ports::Clock;

/// The largest message of the suites has 16 MiB, and goes back as a whole.
const LIMITS: WireLimits = WireLimits { message_bytes_max: 16 * 1024 * 1024, write_buffer_bytes_max: 17 * 1024 * 1024 };

/// Serves echoes until it is dropped.
///
/// # Errors
/// When no connection can be accepted.
pub async fn serve(listener: TcpListener, clock: Arc<dyn Clock>) -> std::io::Result<Infallible> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve_connection(stream, Arc::clone(&clock)));
    }
}

async fn serve_connection(stream: TcpStream, clock: Arc<dyn Clock>) {
    if accept::prepare(&stream).is_err() {
        return;
    }
    let stream = TokioIo::new(StallGuard::new(stream, Arc::clone(&clock)));
    let service = service_fn(move |request| {
        let answered = answer(request, Arc::clone(&clock)).unwrap_or_else(IntoResponse::into_response);
        std::future::ready(Ok::<_, Infallible>(answered))
    });
    if let Err(error) = accept::http().serve_connection(stream, service).with_upgrades().await {
        tracing::debug!(%error, "an HTTP connection ended early");
    }
}

fn answer(mut request: Request<Incoming>, clock: Arc<dyn Clock>) -> Result<Response, Problem> {
    let response = switching(handshake_key(Handshake::of(&request))?, subprotocol(request.headers())?)?;
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(socket) = upgraded.await {
            echo(TokioIo::new(socket), clock).await;
        }
    });
    Ok(response)
}

/// Sends back what comes, and never a ping: the suites hold all that they hear against what they sent.
async fn echo<S: AsyncRead + AsyncWrite + Unpin>(stream: S, clock: Arc<dyn Clock>) {
    let mut wire = Wire::with_limits(stream, clock, PingTimes::default(), LIMITS).await;
    let ending = loop {
        let sent = match wire.read().await {
            Read::Text(text) => wire.send(text).await,
            Read::Binary(bytes) => wire.send_binary(bytes).await,
            Read::Nothing => Ok(()),
            Read::Ended(ending) => Err(ending),
        };
        if let Err(ending) = sent {
            break ending;
        }
    };
    match &ending {
        Ending::Close(_, why) => tracing::debug!("ended: {why}"),
        Ending::Gone(why) => tracing::debug!("gone: {why}"),
    }
    wire.end(&ending).await;
}
