//! A board on the teams of those who are on a pause: what it is shown, and when.

use std::collections::BTreeMap;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::Outcome;
use super::server::Server;

/// A board, with the rows that it shows.
pub(crate) struct Board {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The rows by agent.
    pub(crate) rows: BTreeMap<String, Value>,
}

impl Board {
    /// Opens a board on some teams; nothing has come of it yet.
    pub(crate) async fn open(server: &Server, token: &str, teams: &[String]) -> Outcome<Board> {
        let mut request = format!("ws://{}/v1/ws", server.address).into_client_request()?;
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "board.subscribe", "params": {"teams": teams}});
        socket.send(Message::text(call.to_string())).await?;
        let mut board = Board { socket, rows: BTreeMap::new() };
        let answer = board.next_text().await?;
        if answer.get("result").is_none() {
            return Err(format!("no board: {answer}").into());
        }
        Ok(board)
    }

    /// Waits for the whole snapshot.
    pub(crate) async fn snapshot(&mut self) -> Outcome<()> {
        loop {
            let frame = self.next_text().await?;
            let result = &frame["params"]["result"];
            self.take(result);
            if result["kind"] == "snapshot" && result["part"].as_u64().map(|part| part + 1) == result["parts"].as_u64()
            {
                return Ok(());
            }
        }
    }

    /// Waits until every row is as it is to be.
    pub(crate) async fn wait_until(&mut self, holds: impl Fn(&Value) -> bool) -> Outcome<()> {
        while !self.rows.values().all(&holds) {
            let frame = self.next_text().await?;
            self.take(&frame["params"]["result"]);
        }
        Ok(())
    }

    fn take(&mut self, result: &Value) {
        for row in result["agents"].as_array().into_iter().flatten() {
            self.rows.insert(row["agent"].as_str().unwrap_or_default().to_owned(), row.clone());
        }
    }

    async fn next_text(&mut self) -> Outcome<Value> {
        loop {
            if let Message::Text(text) = self.socket.next().await.ok_or("the board was closed")?? {
                return Ok(serde_json::from_str(&text)?);
            }
        }
    }
}
