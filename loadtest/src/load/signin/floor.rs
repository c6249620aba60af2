//! The bare handshake: one thread that waits with `epoll`, reads an upgrade and answers it, and nothing else.
//!
//! No token is looked at, nobody is signed in, nothing is written down: what is left is what any server pays to let
//! somebody in over a WebSocket.

use std::io::{self, Read, Write};
use std::net::TcpListener;

use mio::{Events, Interest, Poll, Token};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::load::failure::{Outcome, While};
use crate::load::helper::{MARK, Work, answer_mark, take_orders};

/// The floor's other side.
pub(in crate::load) const WORK: Work = Work { name: "the bare handshake", word: "bare-handshake", serve };

/// The place of the socket with the orders among the tokens.
const ORDERS: Token = Token(usize::MAX);
/// The place of the listener.
const LISTENER: Token = Token(usize::MAX - 1);
/// How many sockets are dealt with between two waits.
const EVENTS_MAX: usize = 1024;
/// The longest head that is read, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Takes the orders from the first connection, and answers the upgrades of all others until the orders end.
fn serve(listener: &TcpListener) -> Outcome<()> {
    let serving = || -> io::Result<()> {
        let (orders, _) = listener.accept()?;
        orders.set_nodelay(true)?;
        orders.set_nonblocking(true)?;
        listener.set_nonblocking(true)?;
        let listener = mio::net::TcpListener::from_std(listener.try_clone()?);
        Doorman::new(mio::net::TcpStream::from_std(orders), listener)?.run()
    };
    serving().while_doing(WORK.name)
}

struct Doorman {
    poll: Poll,
    orders: mio::net::TcpStream,
    listener: mio::net::TcpListener,
    /// By their tokens; none where one has gone.
    sockets: Vec<Option<Socket>>,
    free: Vec<usize>,
}

struct Socket {
    stream: mio::net::TcpStream,
    /// What has come of the head; nothing more is read of one that was answered.
    head: Vec<u8>,
    is_open: bool,
}

impl Doorman {
    fn new(mut orders: mio::net::TcpStream, mut listener: mio::net::TcpListener) -> io::Result<Doorman> {
        let poll = Poll::new()?;
        poll.registry().register(&mut orders, ORDERS, Interest::READABLE)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Doorman { poll, orders, listener, sockets: Vec::new(), free: Vec::new() })
    }

    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            for event in &events {
                match event.token() {
                    ORDERS => {
                        if !self.obey()? {
                            return Ok(());
                        }
                    }
                    LISTENER => self.accept()?,
                    Token(at) => self.read(at),
                }
            }
        }
    }

    /// Takes what orders there are; false when they have ended.
    fn obey(&mut self) -> io::Result<bool> {
        let mut orders = Vec::new();
        let go_on = take_orders(&mut self.orders, &mut orders)?;
        for order in orders {
            match order {
                MARK => answer_mark(&mut self.orders)?,
                other => return Err(io::Error::other(format!("an unknown order {other}"))),
            }
        }
        Ok(go_on)
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let at = self.free.pop().unwrap_or(self.sockets.len());
            self.poll.registry().register(&mut stream, Token(at), Interest::READABLE)?;
            let socket = Some(Socket { stream, head: Vec::new(), is_open: false });
            match self.sockets.get_mut(at) {
                Some(place) => *place = socket,
                None => self.sockets.push(socket),
            }
        }
    }

    fn read(&mut self, at: usize) {
        let Some(Some(socket)) = self.sockets.get_mut(at) else { return };
        // Whoever breaks off, or asks for what is no upgrade, is let go.
        if !socket.read().unwrap_or(false) {
            self.sockets[at] = None;
            self.free.push(at);
        }
    }
}

impl Socket {
    /// Reads what there is, and answers a head that is whole; false when the socket has ended.
    fn read(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 4096];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return Ok(false),
                Ok(_) if self.is_open => {}
                Ok(count) => {
                    self.head.extend_from_slice(&bytes[..count]);
                    self.answer()?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn answer(&mut self) -> io::Result<()> {
        if !self.head.ends_with(b"\r\n\r\n") {
            let fits = self.head.len() <= HEAD_BYTES_MAX;
            return if fits { Ok(()) } else { Err(io::Error::other("a head without an end")) };
        }
        let key = key_in(&self.head).ok_or_else(|| io::Error::other("no upgrade"))?;
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-accept: {}\r\n\r\n",
            derive_accept_key(key)
        );
        // So few bytes fit into any socket that was just opened.
        self.stream.write_all(answer.as_bytes())?;
        self.is_open = true;
        self.head = Vec::new();
        Ok(())
    }
}

/// The key of an upgrade's head.
fn key_in(head: &[u8]) -> Option<&[u8]> {
    let name = b"sec-websocket-key:";
    let line = head
        .split(|byte| *byte == b'\n')
        .find(|line| line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))?;
    Some(line[name.len()..].trim_ascii())
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;
    use crate::load::helper::{Helper, Place};
    use crate::load::machine::Pinning;

    #[test]
    fn an_upgrade_is_answered_and_nothing_else() {
        let mut helper = Helper::start(&Place::Thread, Pinning::Free, 2, WORK).expect("started");
        let before = helper.cpu_time().expect("told");
        let mut stream = TcpStream::connect(helper.address()).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        // In two pieces, with the key of RFC 6455 §1.3.
        stream.write_all(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n").expect("written");
        stream.write_all(b"host: x\r\n\r\n").expect("written");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("an answer");
            answer.push(byte[0]);
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert!(answer.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{answer}");
        let mut other = TcpStream::connect(helper.address()).expect("connected");
        other.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        other.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("written");
        assert_eq!(other.read(&mut [0]).unwrap_or(0), 0, "what is no upgrade ends");
        assert!(helper.cpu_time().expect("told") > before);
    }
}
