//! Accepts connections, with limits from the first byte, and serves HTTP on each.

use crate::limits::Limit;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{AUTHORIZATION, HOST};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::App;
use super::http::secure;
use super::outlet::Outlet;
use super::patience::Patience;
use super::problem::Problem;
use super::sockets::{ConnectionPlace, Full};
use super::stall::StallGuard;

/// How long a request's head may take, and how long a connection may idle between requests: a
/// slow sender holds nothing for longer (fault table, "slow-loris").
const HEADER_READ_TIME_MAX: Duration = Duration::from_secs(5);
/// The most headers of a request (promise R4).
const HEADERS_MAX: usize = 64;
/// The most bytes of a request's head (promise R4).
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// The first wait when the system has no more descriptors: short, for a socket may close at once.
const BACK_OFF_MIN: Duration = Duration::from_millis(50);
/// What the system keeps of what is sent and not yet taken. Its own measure grows to some MiB for a
/// reader that was quick once: a thousand boards that stop reading would then hold GiB before one is
/// found out. The fault table's 256 KiB for a slow dashboard (Linux counts its own records twice).
const SEND_BUFFER_BYTES: usize = 256 * 1024;
/// How much the system takes for a socket beyond what is on its way: more is taken as soon as half of it has gone
/// (`TCP_NOTSENT_LOWAT` in tcp(7)).
#[cfg(target_os = "linux")]
const NOT_SENT_BYTES: u32 = 16 * 1024;
/// The longest wait; half of the 2 s in which accepting must have recovered (promise R3).
const BACK_OFF_MAX: Duration = Duration::from_secs(1);
/// How long telling a connection that there is no place for it may take.
const TURN_AWAY_TIME_MAX: Duration = Duration::from_secs(1);
/// How many connections may be told so at once; beyond it they are dropped without a word.
const TURN_AWAY_MAX: usize = 256;

/// Who is at the other end; put into every request.
#[derive(Clone)]
pub(super) struct Peer {
    /// The address that the request came from, behind trusted proxies.
    pub(super) client: IpAddr,
    /// The connection is a trusted proxy's.
    pub(super) is_proxy: bool,
    /// Where others may write to the connection as well: over TLS nobody can.
    pub(super) outlet: Option<Arc<Outlet>>,
    /// Held as long as anything of the connection lives, an upgraded socket too.
    pub(super) _place: Arc<ConnectionPlace>,
}

/// Accepts until the server drains.
pub(super) async fn run(listener: TcpListener, app: Arc<App>, routes: axum::Router) {
    let turning_away = Arc::new(tokio::sync::Semaphore::new(TURN_AWAY_MAX));
    let mut back_off = BACK_OFF_MIN;
    loop {
        let accepted = tokio::select! {
            () = app.draining.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                back_off = BACK_OFF_MIN;
                let is_proxy = app.proxies.trusts(address.ip());
                let admitted = if is_proxy { app.sockets.admit_proxy() } else { app.sockets.admit(address.ip()) };
                match admitted {
                    Ok(place) => {
                        let peer = Peer { client: address.ip(), is_proxy, outlet: None, _place: Arc::new(place) };
                        app.tasks.spawn(serve_connection(stream, peer, Arc::clone(&app), routes.clone()));
                    }
                    Err(full) => {
                        metrics::counter!("intervalo_connections_refused_total", "why" => full.word()).increment(1);
                        // Over TLS there is nobody yet to be told anything.
                        if app.settings.tls.is_none() {
                            let Ok(permit) = Arc::clone(&turning_away).try_acquire_owned() else {
                                Limit::TurnedAwayAtOnce.reached();
                                continue;
                            };
                            app.tasks.spawn(async move {
                                turn_away(stream, full).await;
                                drop(permit);
                            });
                        }
                    }
                }
            }
            Err(error) if is_exhaustion(&error) => {
                metrics::counter!("intervalo_accept_pauses_total").increment(1);
                tracing::warn!(%error, wait_ms = back_off.as_millis() as u64, "cannot accept connections, waiting");
                tokio::select! {
                    () = app.draining.cancelled() => return,
                    () = app.clock.sleep_until(app.clock.now() + back_off) => {}
                }
                back_off = (back_off * 2).min(BACK_OFF_MAX);
            }
            // The connection was gone before it was accepted; that is the other side's affair.
            Err(error) => tracing::debug!(%error, "a connection was not accepted"),
        }
    }
}

impl Full {
    pub(super) fn word(self) -> &'static str {
        match self {
            Full::Server => "server",
            Full::Address => "address",
        }
    }
}

/// True when the system has no more descriptors or memory: EMFILE, ENFILE, ENOBUFS, ENOMEM.
/// Accepting again at once would fail again at once.
fn is_exhaustion(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| exhausted.iter().any(|errno| errno.raw_os_error() == code))
}

async fn turn_away(mut stream: TcpStream, full: Full) {
    let answer: &[u8] = match full {
        Full::Server => {
            b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        }
        Full::Address => {
            b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        }
    };
    let told = async {
        stream.write_all(answer).await?;
        stream.shutdown().await
    };
    // Whether the other side hears it makes no difference here.
    let _ = tokio::time::timeout(TURN_AWAY_TIME_MAX, told).await;
}

pub(super) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = socket2::SockRef::from(stream);
    not_more_unsent(&socket)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)
}

/// Without it a socket counts as writable only when a third of its buffer is free, so that a slow reader looks like one that has stopped.
#[cfg(target_os = "linux")]
fn not_more_unsent(socket: &socket2::SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_notsent_lowat(NOT_SENT_BYTES)
}

#[cfg(not(target_os = "linux"))]
fn not_more_unsent(_: &socket2::SockRef<'_>) -> io::Result<()> {
    Ok(())
}

/// HTTP with its limits.
pub(super) fn http() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIME_MAX)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX);
    builder
}

async fn serve_connection(stream: TcpStream, peer: Peer, app: Arc<App>, routes: axum::Router) {
    if let Err(error) = prepare(&stream) {
        tracing::debug!(%error, "a connection ended before it began");
        return;
    }
    let (stream, outlet) = Outlet::of(stream);
    let stream = StallGuard::new(stream, Arc::clone(&app.clock));
    let Some(tls) = app.settings.tls.clone() else {
        let peer = Peer { outlet: Some(outlet), ..peer };
        return serve_http(stream, peer, app, routes).await;
    };
    let shaken = tokio::select! {
        shaken = tls.accept(stream) => shaken,
        () = app.draining.cancelled() => return,
    };
    match shaken {
        Ok(stream) => serve_http(stream, peer, app, routes).await,
        Err(error) => {
            metrics::counter!("intervalo_tls_handshakes_failed_total").increment(1);
            tracing::debug!(%error, "a connection did not come to speak TLS");
        }
    }
}

async fn serve_http<S>(stream: S, peer: Peer, app: Arc<App>, routes: axum::Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let serving = Arc::clone(&app);
    let service = service_fn(move |request: Request<Incoming>| {
        let client = serving.proxies.client_of(peer.client, request.headers());
        let peer = Peer { client, ..peer.clone() };
        let served = serve_request(request, peer, Arc::clone(&serving), routes.clone());
        async move { Ok::<_, Infallible>(served.await) }
    });
    let connection = http().serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = app.draining.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = app.cut.cancelled() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP connection ended early");
    }
}

/// Answers one request. A panic is its own and nobody else's (promise B3).
async fn answer<B>(mut request: Request<B>, routes: axum::Router) -> Response
where
    B: hyper::body::Body<Data = axum::body::Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    // RFC 9112 §3.2: two hosts are two readings, of which a proxy may have taken the other.
    if request.headers().get_all(HOST).iter().nth(1).is_some() {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_request", "A request names its host once.");
        return problem.into_response();
    }
    let patience = Patience::default();
    request.extensions_mut().insert(patience.clone());
    let answered = patience.bound(routes.oneshot(request));
    match AssertUnwindSafe(answered).catch_unwind().await {
        Ok(Some(Ok(response))) => response,
        Ok(Some(Err(never))) => match never {},
        Ok(None) => Problem::timeout().into_response(),
        Err(_panic) => {
            metrics::counter!("intervalo_panics_total", "where" => "http").increment(1);
            tracing::error!("a request panicked");
            Problem::internal().into_response()
        }
    }
}

/// Answers one request with what every path has in common.
async fn serve_request(mut request: Request<Incoming>, peer: Peer, app: Arc<App>, routes: axum::Router) -> Response {
    let client = peer.client;
    let has_credential = request.headers().contains_key(AUTHORIZATION);
    request.extensions_mut().insert(peer);
    let mut response = answer(request, routes).await;
    if has_credential
        && response.status() == StatusCode::UNAUTHORIZED
        && let Err(held_up) = app.count_refused(client)
    {
        response = Problem::from(held_up).into_response();
    }
    metrics::counter!("intervalo_http_responses_total", "status" => response.status().as_str().to_owned()).increment(1);
    secure(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exhaustion_makes_accepting_wait() {
        for code in [24, 23, 105, 12] {
            assert!(is_exhaustion(&io::Error::from_raw_os_error(code)), "{code}");
        }
        assert!(!is_exhaustion(&io::Error::from(io::ErrorKind::ConnectionAborted)));
        assert!(!is_exhaustion(&io::Error::from_raw_os_error(103)));
    }

    #[tokio::test]
    async fn a_reader_that_stops_is_found_out_before_the_system_has_taken_much_for_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        let (server, _) = listener.accept().await.expect("accepted");
        prepare(&server).expect("prepared");
        let kept = socket2::SockRef::from(&server).send_buffer_size().expect("a size");
        assert!((SEND_BUFFER_BYTES..=2 * SEND_BUFFER_BYTES).contains(&kept), "{kept}");
        drop(client);
    }

    #[tokio::test]
    async fn promise_b3_a_panic_is_the_requests_own() {
        let routes = axum::Router::new()
            .route("/panics", axum::routing::get(async || -> &'static str { panic!("planted") }))
            .route("/answers", axum::routing::get(async || "yes"));
        let status = async |path| {
            let request = Request::get(path).body(axum::body::Body::empty()).expect("a request");
            answer(request, routes.clone()).await.status().as_u16()
        };
        assert_eq!(status("/panics").await, 500);
        assert_eq!(status("/answers").await, 200);
    }
}
