//! Serves an echo on a free port of loopback, over the handshake and the frames of the product, and says where:
//! `.ci/websocket-cases` runs suites of WebSocket tests against it.

use std::sync::Arc;

use intervalo::clock::SystemClock;
use intervalo::domain::time::Timestamp;
use intervalo::transport::echo;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    match echo::serve(listener, Arc::new(SystemClock::start(Timestamp(0)))).await? {}
}
