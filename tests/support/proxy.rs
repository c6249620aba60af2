//! A proxy of loopback that can hold back what goes through it: the network between the server and its database.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// One direction: open or held back.
type Gate = Arc<watch::Sender<bool>>;

/// A way to a server that lets through what its gates let through.
pub(crate) struct Proxy {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    requests: Gate,
    answers: Gate,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// A proxy in front of a port of loopback.
    pub(crate) async fn to(port: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (requests, answers) = (gate(), gate());
        let gates = (Arc::clone(&requests), Arc::clone(&answers));
        let serving = tokio::spawn(async move {
            let mut lines = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await.expect("the server");
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                lines.spawn(pass(from_client, to_server, gates.0.subscribe()));
                lines.spawn(pass(from_server, to_client, gates.1.subscribe()));
            }
        });
        Proxy { address, requests, answers, serving }
    }

    /// What is sent from now on waits here on its way to the server, also after the sender has gone.
    pub(crate) fn hold_requests(&self) {
        self.requests.send_replace(false);
    }

    /// What the server answers from now on does not arrive.
    pub(crate) fn hold_answers(&self) {
        self.answers.send_replace(false);
    }

    /// Everything that waited goes on its way.
    pub(crate) fn release(&self) {
        self.requests.send_replace(true);
        self.answers.send_replace(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn gate() -> Gate {
    Arc::new(watch::channel(true).0)
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut gate: watch::Receiver<bool>) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(read) = from.read(&mut bytes).await {
        if gate.wait_for(|open| *open).await.is_err() || read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            break;
        }
    }
}
