//! As much HTTP as the load test needs: one GET on a connection of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::failure::{Failure, Outcome, While};

/// How long connecting may take, and each wait for more of an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: u16,
    /// The body.
    pub(super) body: String,
}

/// Asks for a path. HTTP/1.0, so that the answer ends where the connection does.
///
/// # Errors
/// [`Failure`] when there is no answer.
pub(super) fn get(address: SocketAddr, path: &str, token: Option<&str>) -> Outcome<Answer> {
    let doing = || format!("GET {path} at {address}");
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).while_doing(doing())?;
    stream.set_read_timeout(Some(PATIENCE)).while_doing(doing())?;
    let credential = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\naccept: application/json\r\n{credential}\r\n")
        .while_doing(doing())?;
    let mut text = String::new();
    stream.read_to_string(&mut text).while_doing(doing())?;
    let strange = || Failure::new(format!("{}: no answer of HTTP", doing()));
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(strange)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(strange)?;
    Ok(Answer { status, body: body.to_owned() })
}
