//! One connection of a hostile client: bytes go out as they are, and of what comes back only as much is read as tells
//! what the answer was.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mio::net::TcpStream;
use socket2::{Domain, Protocol, Socket, Type};

use crate::load::crowd::{CLOSE, PING, PONG, TEXT, read_frame, write_masked};
use crate::load::failure::{Outcome, While};

/// What the system keeps for who does not read: as little as it takes.
const STALLED_BUFFER_BYTES: usize = 4 * 1024;
/// What may wait to be sent. A server that reads nothing more is sent nothing more.
const OUTBOX_BYTES_MAX: usize = 1024 * 1024;

/// A connection, from its first byte to its end.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    connected: bool,
    let_in: bool,
    stalls: bool,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
}

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// The upgrade was granted.
    LetIn,
    /// The answer to something else has this status; nothing more is expected.
    Status(u16),
    /// A reply that is no error.
    Reply,
    /// A reply that is an error.
    Error,
    /// The error `rate_limited`.
    RateLimited,
    /// The server closes with this code.
    Close(u16),
    /// The connection has ended without a word.
    Cut,
}

impl Line {
    /// Begins to connect, from an address of this machine's if one is named. One who stalls has small buffers.
    ///
    /// # Errors
    /// [`crate::load::failure::Failure`] when the system has no socket to give.
    pub(super) fn connect(to: SocketAddr, from: Option<IpAddr>, is_to_stall: bool) -> Outcome<Line> {
        let doing = || format!("cannot connect to {to}");
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP)).while_doing(doing())?;
        socket.set_nonblocking(true).while_doing(doing())?;
        // Who vanishes does it without a word, and leaves nothing in the system.
        socket.set_linger(Some(Duration::ZERO)).while_doing(doing())?;
        if is_to_stall {
            socket.set_recv_buffer_size(STALLED_BUFFER_BYTES).while_doing(doing())?;
        }
        if let Some(from) = from {
            socket.bind(&SocketAddr::new(from, 0).into()).while_doing(format!("cannot connect from {from}"))?;
        }
        match socket.connect(&to.into()) {
            Ok(()) => {}
            // It is under way; the system tells when it is there.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            Err(error) => return Err(error).while_doing(doing()),
        }
        let stream = TcpStream::from_std(socket.into());
        let (inbox, outbox) = (Vec::new(), Vec::new());
        Ok(Line { stream, connected: false, let_in: false, stalls: false, inbox, outbox })
    }

    /// The socket, to wait for it.
    pub(super) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Reads nothing any more.
    pub(super) fn stall(&mut self) {
        self.stalls = true;
        self.inbox = Vec::new();
    }

    /// True when nothing is read any more.
    pub(super) fn stalls(&self) -> bool {
        self.stalls
    }

    /// Sends bytes, after those that wait; how many of them are sent or wait.
    pub(super) fn send(&mut self, bytes: &[u8]) -> usize {
        if self.outbox.len() + bytes.len() > OUTBOX_BYTES_MAX {
            return 0;
        }
        self.outbox.extend_from_slice(bytes);
        self.flush();
        bytes.len()
    }

    /// Writes what waits, as far as the system takes it. What goes wrong is told by reading.
    pub(super) fn flush(&mut self) {
        if !self.connected {
            // The first that the system has to say of a new connection.
            if self.stream.peer_addr().is_err() || self.stream.set_nodelay(true).is_err() {
                return;
            }
            self.connected = true;
        }
        let mut written = 0;
        while written < self.outbox.len() {
            match self.stream.write(&self.outbox[written..]) {
                Ok(0) => break,
                Ok(some) => written += some,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.outbox.drain(..written);
        if self.outbox.is_empty() {
            // Thousands of clients must not each keep room for the largest that they sent.
            self.outbox = Vec::new();
        }
    }

    /// Reads what there is, and tells what was heard; the end is the last of it.
    pub(super) fn read(&mut self, buffer: &mut [u8], heard: &mut Vec<Heard>) {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return heard.push(Heard::Cut),
                Ok(length) => {
                    self.inbox.extend_from_slice(&buffer[..length]);
                    let used = self.understand(heard);
                    self.inbox.drain(..used);
                    if self.inbox.is_empty() {
                        self.inbox = Vec::new();
                    }
                    let is_over = heard.last().is_some_and(|last| last.is_end());
                    if is_over || heard.last() == Some(&Heard::LetIn) {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return heard.push(Heard::Cut),
            }
        }
    }

    /// Takes whole answers and frames from the inbox; how many bytes those were.
    fn understand(&mut self, heard: &mut Vec<Heard>) -> usize {
        let mut used = 0;
        if !self.let_in {
            let Some((status, length)) = status(&self.inbox) else { return 0 };
            if status != 101 {
                heard.push(Heard::Status(status));
                return self.inbox.len();
            }
            self.let_in = true;
            heard.push(Heard::LetIn);
            used = length;
        }
        let mut pongs = Vec::new();
        while let Ok(Some(frame)) = read_frame(&self.inbox[used..]) {
            used += frame.length;
            match frame.opcode {
                PING => write_masked(&mut pongs, PONG, frame.payload),
                TEXT => heard.extend(reply(frame.payload)),
                CLOSE => {
                    let code = frame.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                    heard.push(Heard::Close(code));
                    break;
                }
                // What a server of ours does not send tells nothing.
                _ => {}
            }
        }
        if !pongs.is_empty() {
            self.send(&pongs);
        }
        used
    }
}

impl Heard {
    /// True when nothing more comes after it.
    pub(super) fn is_end(self) -> bool {
        match self {
            Heard::Status(_) | Heard::Close(_) | Heard::Cut => true,
            Heard::LetIn | Heard::Reply | Heard::Error | Heard::RateLimited => false,
        }
    }
}

/// The status of the answer that bytes begin with, and how long its head is; none when that is not whole yet.
fn status(bytes: &[u8]) -> Option<(u16, usize)> {
    let length = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let word = String::from_utf8_lossy(line);
    Some((word.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), length))
}

/// What a message is, if it is a reply. It is looked for by its bytes: there are thousands a second, and to read them
/// all would be the load test's own load.
fn reply(text: &[u8]) -> Option<Heard> {
    let has = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
    let head = &text[..text.len().min(200)];
    let begins_with = |word: &[u8]| head.windows(word.len()).any(|part| part == word);
    if begins_with(b"\"error\":{") {
        return Some(if has(b"\"rate_limited\"") { Heard::RateLimited } else { Heard::Error });
    }
    begins_with(b"\"result\":").then_some(Heard::Reply)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use mio::{Events, Interest, Poll, Token};

    use super::*;
    use crate::load::crowd::write_plain_text;

    /// Lets a line talk to a server that answers with these bytes and then ends; what it heard.
    fn heard(answer: &[u8], ends: bool) -> Vec<Heard> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut line = Line::connect(address, Some("127.0.0.3".parse().expect("one")), false).expect("a socket");
        let mut poll = Poll::new().expect("a poller");
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(line.stream(), Token(0), both).expect("registered");
        let (mut server, from) = listener.accept().expect("a connection");
        assert_eq!(from.ip().to_string(), "127.0.0.3");
        assert_eq!(line.send(b"hello"), 5);
        let mut said = [0; 5];
        let (mut all, mut events, mut has_answered) = (Vec::new(), Events::with_capacity(8), false);
        loop {
            poll.poll(&mut events, Some(Duration::from_secs(20))).expect("polled");
            assert!(!events.is_empty(), "nothing was heard: {all:?}");
            line.flush();
            if !has_answered {
                server.read_exact(&mut said).expect("read");
                server.write_all(answer).expect("written");
                has_answered = true;
                if ends {
                    server.shutdown(std::net::Shutdown::Both).expect("ended");
                }
            }
            line.read(&mut [0; 4096], &mut all);
            if all.last().is_some_and(|last: &Heard| last.is_end()) {
                assert_eq!(&said, b"hello");
                return all;
            }
        }
    }

    fn switched(frames: &[&[u8]]) -> Vec<u8> {
        let mut bytes = b"HTTP/1.1 101 Switching Protocols\r\nx: y\r\n\r\n".to_vec();
        frames.iter().for_each(|frame| bytes.extend_from_slice(frame));
        bytes
    }

    fn text(payload: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_plain_text(&mut bytes, payload.as_bytes());
        bytes
    }

    #[test]
    fn answers_are_told_apart() {
        let refused = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(heard(refused, false), [Heard::Status(401)]);
        assert_eq!(heard(b"", true), [Heard::Cut]);
        let close = [&[0x88, 2][..], &1008u16.to_be_bytes()].concat();
        let limited = text(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32006,"data":{"code":"rate_limited"}}}"#);
        let error = text(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"data":{"code":"parse_error"}}}"#);
        let reply = text(r#"{"jsonrpc":"2.0","id":1,"result":{"agent":{}}}"#);
        let told = text(r#"{"jsonrpc":"2.0","method":"agent.changed","params":{}}"#);
        let all = switched(&[&reply, &told, &error, &limited, &close]);
        assert_eq!(
            heard(&all, false),
            [Heard::LetIn, Heard::Reply, Heard::Error, Heard::RateLimited, Heard::Close(1008)]
        );
        assert_eq!(heard(&switched(&[]), true), [Heard::LetIn, Heard::Cut]);
    }
}
