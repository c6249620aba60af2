//! One socket: what waits to be written, and what of a message has come so far.

use std::io::{self, Write};
use std::time::Instant;

use super::frame::{self, BINARY, CLOSE, PING, PONG, TEXT};
use super::handshake;
use super::{Ear, Heard, Wires};

/// What may wait to be written, in bytes. A load that is not taken for so long ends the socket.
const OUTBOX_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How a socket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::load) enum End {
    /// The server closed it with a code; 1005 when it gave none.
    Closed {
        /// The code.
        code: u16,
        /// The reason.
        reason: String,
    },
    /// The upgrade was not granted.
    Refused(String),
    /// The server did what it may not.
    Faulty(String),
    /// The connection broke.
    Gone(String),
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            End::Closed { code, reason } => write!(f, "closed by the server, {code} {reason}"),
            End::Refused(why) | End::Faulty(why) | End::Gone(why) => f.write_str(why),
        }
    }
}

#[derive(Debug)]
pub(super) struct Wire {
    pub(super) stream: mio::net::TcpStream,
    /// The upgrade has been answered.
    open: bool,
    /// Messages of bytes are taken like those of text.
    pub(super) takes_bytes: bool,
    /// The beginning of what is not whole yet.
    inbox: Vec<u8>,
    /// What the system has not taken yet.
    outbox: Vec<u8>,
    pub(super) end: Option<End>,
}

impl Wire {
    /// A socket that sends `request` as soon as it is connected.
    pub(super) fn connecting(stream: mio::net::TcpStream, request: Vec<u8>) -> Wire {
        Wire { stream, open: false, takes_bytes: false, inbox: Vec::new(), outbox: request, end: None }
    }

    /// A socket on which frames come at once.
    pub(super) fn open(stream: mio::net::TcpStream) -> Wire {
        Wire { stream, open: true, takes_bytes: false, inbox: Vec::new(), outbox: Vec::new(), end: None }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Writes bytes, after those that wait.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), End> {
        if self.has_ended() {
            return Ok(());
        }
        if !self.outbox.is_empty() {
            if self.outbox.len() + bytes.len() > OUTBOX_BYTES_MAX {
                return Err(End::Gone(format!("the server did not take {OUTBOX_BYTES_MAX} bytes")));
            }
            self.outbox.extend_from_slice(bytes);
            return Ok(());
        }
        let written = write_some(&mut self.stream, bytes)?;
        self.outbox.extend_from_slice(&bytes[written..]);
        Ok(())
    }

    /// Writes what waits, as far as the system takes it. Also the first thing that happens to a socket that has
    /// just been connected.
    pub(super) fn flush(&mut self) -> Result<(), End> {
        if self.has_ended() || self.outbox.is_empty() {
            return Ok(());
        }
        if let Ok(Some(error)) = self.stream.take_error() {
            return Err(End::Gone(error.to_string()));
        }
        if !self.open && self.stream.set_nodelay(true).is_err() {
            // It is not connected yet; the system tells when it is.
            return Ok(());
        }
        let written = write_some(&mut self.stream, &self.outbox)?;
        self.outbox.drain(..written);
        Ok(())
    }
}

/// Writes until the system takes no more; how many bytes it took.
fn write_some(stream: &mut mio::net::TcpStream, bytes: &[u8]) -> Result<usize, End> {
    let mut written = 0;
    while written < bytes.len() {
        match stream.write(&bytes[written..]) {
            Ok(0) => return Err(End::Gone("nothing more is taken".to_owned())),
            Ok(some) => written += some,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected) => break,
            Err(error) => return Err(End::Gone(error.to_string())),
        }
    }
    Ok(written)
}

/// Takes bytes that came on a socket, and hands over what is whole.
pub(super) fn take(wires: &mut Wires, who: usize, bytes: &[u8], ear: &mut impl Ear, now: Instant) {
    let wire = &mut wires.list[who];
    if wire.inbox.is_empty() {
        let used = hand_over(wires, who, bytes, ear, now);
        wires.list[who].inbox.extend_from_slice(&bytes[used..]);
        return;
    }
    wire.inbox.extend_from_slice(bytes);
    let mut inbox = std::mem::take(&mut wire.inbox);
    let used = hand_over(wires, who, &inbox, ear, now);
    if used == inbox.len() {
        // Thousands of sockets must not each keep room for a snapshot.
        return;
    }
    inbox.drain(..used);
    wires.list[who].inbox = inbox;
}

/// Hands over every whole message; how many bytes those were.
fn hand_over(wires: &mut Wires, who: usize, bytes: &[u8], ear: &mut impl Ear, now: Instant) -> usize {
    let mut used = 0;
    if !wires.list[who].open {
        match handshake::answer(bytes) {
            Ok(None) => return 0,
            Ok(Some(length)) => used = length,
            Err(why) => {
                wires.end(who, End::Refused(why));
                return bytes.len();
            }
        }
        wires.list[who].open = true;
        ear.heard(wires, who, Heard::Opened, now);
    }
    while !wires.list[who].has_ended() {
        let frame = match frame::read(&bytes[used..]) {
            Ok(Some(frame)) => frame,
            Ok(None) => return used,
            Err(why) => {
                wires.end(who, End::Faulty(why));
                break;
            }
        };
        used += frame.length;
        match frame.opcode {
            BINARY if wires.list[who].takes_bytes => ear.heard(wires, who, Heard::Text(frame.payload), now),
            TEXT => ear.heard(wires, who, Heard::Text(frame.payload), now),
            PING => wires.send_frame(who, PONG, frame.payload),
            PONG => {}
            CLOSE => {
                let code = frame.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                let reason = String::from_utf8_lossy(frame.payload.get(2..).unwrap_or_default()).into_owned();
                // Said as it must be (RFC 6455 §5.5.1); whether it arrives makes no difference.
                wires.send_frame(who, CLOSE, frame.payload.get(..2).unwrap_or_default());
                wires.end(who, End::Closed { code, reason });
            }
            BINARY => wires.end(who, End::Faulty("the server sent a binary message".to_owned())),
            other => wires.end(who, End::Faulty(format!("the server sent a frame of the unknown kind {other}"))),
        }
    }
    bytes.len()
}
