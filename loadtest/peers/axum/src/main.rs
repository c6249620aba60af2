//! A server as it is commonly written over axum and a broadcast channel: what is posted is sent to every socket. With small buffers, and
//! on one thread, which is the better form of it on one core.
//!
//! usage: intervalo-peer-axum PORT

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::broadcast::{self, Receiver, Sender};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port: u16 = std::env::args().nth(1).and_then(|port| port.parse().ok()).expect("a port");
    let (sender, _) = broadcast::channel::<Utf8Bytes>(4096);
    let routes = Router::new().route("/pub", post(publish)).route("/sub", get(subscribe)).with_state(sender);
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    axum::serve(listener, routes).await.expect("served");
}

async fn publish(State(sender): State<Sender<Utf8Bytes>>, message: String) -> StatusCode {
    // Nobody may be listening.
    let _ = sender.send(message.into());
    StatusCode::ACCEPTED
}

async fn subscribe(State(sender): State<Sender<Utf8Bytes>>, upgrade: WebSocketUpgrade) -> Response {
    let messages = sender.subscribe();
    upgrade.read_buffer_size(1024).write_buffer_size(0).on_upgrade(|socket| send_all(socket, messages))
}

async fn send_all(mut socket: WebSocket, mut messages: Receiver<Utf8Bytes>) {
    while let Ok(message) = messages.recv().await {
        if socket.send(Message::Text(message)).await.is_err() {
            return;
        }
    }
}
