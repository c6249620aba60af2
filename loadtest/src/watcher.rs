//! A dashboard: a socket with one board on it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::board::{Board, RowChange};
use crate::client::{CallError, Client, ConnectError, Ended};

/// The teams of a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Teams {
    /// All that the token is over.
    All,
    /// These.
    Only(Vec<String>),
}

/// Why a board shows nothing more.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// There is no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The subscription was refused.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The connection ended.
    #[error("the connection ended: {0}")]
    Ended(Ended),
    /// What was waited for did not come.
    #[error("what was waited for did not come within {0:?}")]
    TimedOut(Duration),
}

/// A dashboard that checks every frame.
#[derive(Debug)]
pub struct BoardWatcher {
    client: Client,
    teams: Teams,
    subscription: String,
    board: Board,
}

impl BoardWatcher {
    /// Connects and subscribes.
    ///
    /// # Errors
    /// [`WatchError`].
    pub async fn open(url: &str, token: &str, teams: Teams) -> Result<BoardWatcher, WatchError> {
        let client = Client::connect(url, token).await?;
        let subscription = subscribe(&client, &teams, None).await?;
        Ok(BoardWatcher { client, teams, subscription, board: Board::new() })
    }

    /// Connects anew and resumes from the last cursor; what is on the table stays and is checked
    /// against what comes.
    ///
    /// # Errors
    /// [`WatchError`].
    pub async fn resume(&mut self, url: &str, token: &str) -> Result<(), WatchError> {
        let client = Client::connect(url, token).await?;
        self.subscription = subscribe(&client, &self.teams, self.board.cursor()).await?;
        self.client = client;
        Ok(())
    }

    /// Waits for the next frame of the board and applies it. Cancel-safe.
    ///
    /// # Errors
    /// [`WatchError::Ended`].
    pub async fn next(&mut self) -> Result<Vec<RowChange>, WatchError> {
        loop {
            let Some(notification) = self.client.notification().await else {
                return Err(WatchError::Ended(self.client.wait_ended().await));
            };
            if notification.method == "board.changed" && notification.params["subscription"] == *self.subscription {
                return Ok(self.board.apply(&notification.params["result"]));
            }
        }
    }

    /// Applies frames until `is_there` holds of the board.
    ///
    /// # Errors
    /// [`WatchError`], [`WatchError::TimedOut`] among them.
    pub async fn until(&mut self, within: Duration, is_there: impl Fn(&Board) -> bool) -> Result<(), WatchError> {
        let wait = async {
            while !is_there(&self.board) {
                self.next().await?;
            }
            Ok(())
        };
        timeout(within, wait).await.unwrap_or(Err(WatchError::TimedOut(within)))
    }

    /// Applies frames until a whole snapshot is there.
    ///
    /// # Errors
    /// [`WatchError`].
    pub async fn until_whole(&mut self, within: Duration) -> Result<(), WatchError> {
        self.until(within, Board::is_whole).await
    }

    /// Leaves as a browser does that closes the page; the table stays to be read.
    pub async fn close(self) -> Board {
        self.client.close().await;
        self.board
    }

    /// The table and its checks.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// The same, to tell it what must not be seen.
    pub fn board_mut(&mut self) -> &mut Board {
        &mut self.board
    }

    /// The connection, for other calls on it.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

async fn subscribe(client: &Client, teams: &Teams, cursor: Option<&str>) -> Result<String, CallError> {
    let mut params = match teams {
        Teams::All => json!({ "teams": "all" }),
        Teams::Only(teams) => json!({ "teams": teams }),
    };
    if let Some(cursor) = cursor {
        params["cursor"] = Value::from(cursor);
    }
    let subscription = client.call("board.subscribe", params).await?;
    Ok(subscription.as_str().unwrap_or_default().to_owned())
}
