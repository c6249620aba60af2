//! JSON-RPC 2.0 over a WebSocket, as `docs/protocol.md` has it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// How long a call may take, and connecting too.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// The most notifications that wait to be read; one more ends the client, for it would lose them.
pub const NOTIFICATIONS_MAX: usize = 4096;
/// The largest frame that the server may send (`docs/protocol.md`), in bytes; a larger one ends the client.
pub const FRAME_BYTES_MAX: usize = 512 * 1024;
/// The most calls that wait to be sent.
const CALLS_MAX: usize = 64;
/// The subprotocol that is asked for.
const SUBPROTOCOL: &str = "intervalo.v1";

/// A connected socket, for whoever wants every frame by hand.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server answered with something else than an upgrade.
    #[error("the server answered {0}")]
    Status(u16),
    /// It took longer than [`CALL_TIMEOUT`].
    #[error("no connection within {CALL_TIMEOUT:?}")]
    TimedOut,
    /// The address or the token cannot be sent.
    #[error("the address or the token cannot be sent: {0}")]
    Request(String),
    /// The connection failed.
    #[error("cannot connect: {0}")]
    Failed(Box<tungstenite::Error>),
}

/// An error reply.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{code} {message}")]
pub struct RpcError {
    /// The JSON-RPC code.
    pub code: i64,
    /// One sentence.
    pub message: String,
    /// `{code, params, next_change_at?}`.
    pub data: Value,
}

impl RpcError {
    /// The stable word in `data.code`; empty when there is none.
    pub fn word(&self) -> &str {
        self.data["code"].as_str().unwrap_or_default()
    }

    /// How long to wait before asking again, where the server says so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.data["params"]["retry_after_ms"].as_u64().map(Duration::from_millis)
    }
}

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The server replied with an error.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// No reply came in time; whether it was carried out is not known.
    #[error("no reply to {method} within {within:?}")]
    TimedOut {
        /// The method.
        method: String,
        /// How long was waited.
        within: Duration,
    },
    /// The connection ended first; whether it was carried out is not known.
    #[error("the connection ended: {0}")]
    Ended(Ended),
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The server closed it.
    Closed {
        /// The close code; 1005 when there was none.
        code: u16,
        /// The reason.
        reason: String,
    },
    /// This side did.
    ByUs,
    /// More than [`NOTIFICATIONS_MAX`] notifications waited to be read.
    Overflow,
    /// The connection broke.
    Broken(String),
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ended::Closed { code, reason } => write!(f, "closed by the server, {code} {reason}"),
            Ended::ByUs => write!(f, "closed by this side"),
            Ended::Overflow => write!(f, "{NOTIFICATIONS_MAX} notifications were not read"),
            Ended::Broken(why) => write!(f, "{why}"),
        }
    }
}

/// A notification from the server.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Its method.
    pub method: String,
    /// Its params.
    pub params: Value,
}

/// Makes calls on a connection; cheap to clone.
#[derive(Debug, Clone)]
pub struct Caller {
    orders: mpsc::Sender<Order>,
    ended: watch::Receiver<Option<Ended>>,
    next_id: Arc<AtomicU64>,
}

/// A connection. Dropping it breaks the connection off, without a close frame, as a crash would.
#[derive(Debug)]
pub struct Client {
    caller: Caller,
    notifications: mpsc::Receiver<Notification>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
enum Order {
    Call { id: u64, text: String, reply: oneshot::Sender<Result<Value, RpcError>> },
    Close,
}

/// Opens a socket without reading from it; with a token, the session is open at once.
///
/// # Errors
/// [`ConnectError`].
pub async fn open_socket(url: &str, token: Option<&str>) -> Result<Socket, ConnectError> {
    let mut request = url.into_client_request().map_err(|error| ConnectError::Request(error.to_string()))?;
    let headers = request.headers_mut();
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    if let Some(token) = token {
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        headers.insert(AUTHORIZATION, value.map_err(|error| ConnectError::Request(error.to_string()))?);
    }
    let config = WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX));
    match timeout(CALL_TIMEOUT, connect_async_with_config(request, Some(config), true)).await {
        Err(_) => Err(ConnectError::TimedOut),
        Ok(Ok((socket, _response))) => Ok(socket),
        Ok(Err(tungstenite::Error::Http(response))) => Err(ConnectError::Status(response.status().as_u16())),
        Ok(Err(error)) => Err(ConnectError::Failed(Box::new(error))),
    }
}

impl Client {
    /// Connects with a token on the upgrade.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(url: &str, token: &str) -> Result<Client, ConnectError> {
        Ok(Client::on(open_socket(url, Some(token)).await?))
    }

    /// Connects without a credential; `session.open` must bring it within 10 s.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect_bare(url: &str) -> Result<Client, ConnectError> {
        Ok(Client::on(open_socket(url, None).await?))
    }

    /// Speaks on a socket that is open.
    pub fn on(socket: Socket) -> Client {
        let (orders, orders_in) = mpsc::channel(CALLS_MAX);
        let (notifications_out, notifications) = mpsc::channel(NOTIFICATIONS_MAX);
        let (ended_out, ended) = watch::channel(None);
        let task = tokio::spawn(run(socket, orders_in, notifications_out, ended_out));
        Client { caller: Caller { orders, ended, next_id: Arc::new(AtomicU64::new(1)) }, notifications, task }
    }

    /// A handle for calls.
    pub fn caller(&self) -> Caller {
        self.caller.clone()
    }

    /// Calls a method; see [`Caller::call`].
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, CallError> {
        self.caller.call(method, params).await
    }

    /// Waits for the next notification; none when the connection has ended.
    pub async fn notification(&mut self) -> Option<Notification> {
        self.notifications.recv().await
    }

    /// The next notification of a method, within a time; others are passed over.
    pub async fn notification_of(&mut self, method: &str, within: Duration) -> Option<Notification> {
        timeout(within, async {
            loop {
                let next = self.notifications.recv().await?;
                if next.method == method {
                    return Some(next);
                }
            }
        })
        .await
        .ok()
        .flatten()
    }

    /// The next notification that is there already.
    pub fn try_notification(&mut self) -> Option<Notification> {
        self.notifications.try_recv().ok()
    }

    /// How the connection ended; none while it has not.
    pub fn ended(&self) -> Option<Ended> {
        self.caller.ended.borrow().clone()
    }

    /// Waits until the connection has ended.
    pub async fn wait_ended(&self) -> Ended {
        self.caller.wait_ended().await
    }

    /// Closes as a browser does that leaves the page.
    pub async fn close(self) {
        // When the task has gone already, so has the connection.
        let _ = self.caller.orders.send(Order::Close).await;
        let _ = timeout(CALL_TIMEOUT, self.caller.wait_ended()).await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Caller {
    /// Calls a method and waits up to [`CALL_TIMEOUT`].
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call(&self, method: &str, params: Value) -> Result<Value, CallError> {
        self.call_within(method, params, CALL_TIMEOUT).await
    }

    /// Calls a method and waits up to `within`.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call_within(&self, method: &str, params: Value, within: Duration) -> Result<Value, CallError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let text = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string();
        let (reply, replied) = oneshot::channel();
        let exchange = async {
            if self.orders.send(Order::Call { id, text, reply }).await.is_err() {
                return Err(CallError::Ended(self.wait_ended().await));
            }
            match replied.await {
                Ok(result) => result.map_err(CallError::Rpc),
                Err(_) => Err(CallError::Ended(self.wait_ended().await)),
            }
        };
        let timed_out = || CallError::TimedOut { method: method.to_owned(), within };
        timeout(within, exchange).await.unwrap_or_else(|_| Err(timed_out()))
    }

    async fn wait_ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(found) => found.clone().unwrap_or(Ended::ByUs),
            // The task was aborted: this side dropped the client.
            Err(_) => Ended::ByUs,
        }
    }
}

async fn run(
    mut socket: Socket,
    mut orders: mpsc::Receiver<Order>,
    notifications: mpsc::Sender<Notification>,
    ended: watch::Sender<Option<Ended>>,
) {
    let mut waiting: HashMap<u64, oneshot::Sender<Result<Value, RpcError>>> = HashMap::new();
    let end = loop {
        let step = tokio::select! {
            order = orders.recv() => send(&mut socket, order, &mut waiting).await,
            frame = socket.next() => receive(frame, &mut waiting, &notifications),
        };
        if let Err(end) = step {
            break end;
        }
    };
    // Told before the waiting calls are dropped, so that they find the reason.
    ended.send_replace(Some(end));
}

type Waiting = HashMap<u64, oneshot::Sender<Result<Value, RpcError>>>;

async fn send(socket: &mut Socket, order: Option<Order>, waiting: &mut Waiting) -> Result<(), Ended> {
    match order {
        Some(Order::Call { id, text, reply }) => {
            // Who gave up waiting is forgotten, so that the map stays as small as the calls in flight.
            waiting.retain(|_, waiter| !waiter.is_closed());
            waiting.insert(id, reply);
            socket.send(Message::text(text)).await.map_err(|error| Ended::Broken(error.to_string()))
        }
        Some(Order::Close) | None => {
            // The other side may have gone before; then there is nobody to say goodbye to.
            let _ = socket.close(None).await;
            Err(Ended::ByUs)
        }
    }
}

fn receive(
    frame: Option<Result<Message, tungstenite::Error>>,
    waiting: &mut Waiting,
    notifications: &mpsc::Sender<Notification>,
) -> Result<(), Ended> {
    match frame {
        Some(Ok(Message::Text(text))) => {
            let value = serde_json::from_str(&text).map_err(|error| Ended::Broken(format!("not JSON: {error}")))?;
            take(value, waiting, notifications)
        }
        Some(Ok(Message::Close(close))) => {
            let (code, reason) =
                close.map_or((1005, String::new()), |close| (u16::from(close.code), close.reason.as_str().to_owned()));
            Err(Ended::Closed { code, reason })
        }
        // Pings are answered by the library with the next read or write.
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(()),
        Some(Ok(Message::Binary(_))) => Err(Ended::Broken("a binary frame came".to_owned())),
        Some(Err(error)) => Err(Ended::Broken(error.to_string())),
        None => Err(Ended::Broken("the connection broke off".to_owned())),
    }
}

fn take(mut value: Value, waiting: &mut Waiting, notifications: &mpsc::Sender<Notification>) -> Result<(), Ended> {
    if let Some(id) = value["id"].as_u64() {
        let Some(waiter) = waiting.remove(&id) else { return Ok(()) };
        let result = match value.get_mut("error") {
            Some(error) => Err(RpcError {
                code: error["code"].as_i64().unwrap_or_default(),
                message: error["message"].as_str().unwrap_or_default().to_owned(),
                data: error["data"].take(),
            }),
            None => Ok(value["result"].take()),
        };
        // Who asked may have given up.
        let _ = waiter.send(result);
        return Ok(());
    }
    let Some(method) = value["method"].as_str() else {
        return Err(Ended::Broken(format!("neither a reply nor a notification: {value}")));
    };
    let notification = Notification { method: method.to_owned(), params: value["params"].take() };
    match notifications.try_send(notification) {
        // Nobody reads them any more; calls may still be waited for.
        Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
        Err(mpsc::error::TrySendError::Full(_)) => Err(Ended::Overflow),
    }
}
