//! The way from a TCP connection to a WebSocket (RFC 6455 §4.1), as a client asks for it.

use std::net::SocketAddr;

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The key of every handshake. It proves that the other side speaks WebSocket, and need not be a secret.
const KEY: &str = "aW50ZXJ2YWxvLWxvYWQtMQ==";
/// The longest answer that is read, in bytes: far more than its few headers.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// The request, with a token or without a credential.
pub(in crate::load) fn request(address: SocketAddr, token: Option<&str>) -> Vec<u8> {
    let credential = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    upgrade("/v1/ws", Some("intervalo.v1"), address, &credential)
}

/// The request to another server, at this path and with this subprotocol.
pub(in crate::load) fn upgrade_to(path: &str, subprotocol: Option<&str>, address: SocketAddr) -> Vec<u8> {
    upgrade(path, subprotocol, address, "")
}

fn upgrade(path: &str, subprotocol: Option<&str>, address: SocketAddr, more: &str) -> Vec<u8> {
    let subprotocol = subprotocol.map(|name| format!("sec-websocket-protocol: {name}\r\n")).unwrap_or_default();
    format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\n{subprotocol}{more}\r\n"
    )
    .into_bytes()
}

/// How long the answer is that bytes begin with; none when it is not whole yet.
///
/// # Errors
/// Why it does not open a WebSocket.
pub(super) fn answer(bytes: &[u8]) -> Result<Option<usize>, String> {
    let Some(length) = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) else {
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err("the answer to the upgrade does not end".to_owned());
        }
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&bytes[..length]);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    if status != "101" {
        let body = String::from_utf8_lossy(&bytes[length..]);
        return Err(format!("the upgrade was answered with {status} {}", body.trim()).trim().to_owned());
    }
    let accepted = lines.filter_map(|line| line.split_once(':')).any(|(name, value)| {
        name.eq_ignore_ascii_case("sec-websocket-accept") && value.trim() == derive_accept_key(KEY.as_bytes())
    });
    if accepted { Ok(Some(length)) } else { Err("the answer to the upgrade has not the right accept key".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_answer_opens() {
        let accept = derive_accept_key(KEY.as_bytes());
        let good = format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
        assert_eq!(answer(good.as_bytes()), Ok(Some(good.len())));
        assert_eq!(answer(format!("{good}\u{1}xyz").as_bytes()), Ok(Some(good.len())), "frames may follow at once");
        assert_eq!(answer(&good.as_bytes()[..good.len() - 1]), Ok(None));
        let refused = answer(b"HTTP/1.1 401 Unauthorized\r\nx: y\r\n\r\n{\"code\":\"unauthenticated\"}");
        assert_eq!(refused, Err("the upgrade was answered with 401 {\"code\":\"unauthenticated\"}".to_owned()));
        assert!(answer(b"HTTP/1.1 101 Yes\r\nsec-websocket-accept: no\r\n\r\n").is_err());
        assert!(answer(&[b'a'; ANSWER_BYTES_MAX + 1]).is_err());
    }
}
