//! Thousands of WebSockets on one thread: one `epoll`, one buffer for all that is read, no allocation a message.
//!
//! The library's [`crate::Client`] has a task and a JSON tree for each message, which is right for tests and far
//! too dear for a load: it would measure itself. Here whoever listens is handed the bytes of each message where
//! they lie. What is not a message (handshake, pings, the end) is dealt with here, so that there is one place
//! that speaks the protocol's lower half.

mod again;
mod frame;
mod handshake;
mod timer;
mod wire;

use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Interest, Poll, Registry, Token, Waker};

pub(in crate::load) use self::frame::{
    BINARY, CLOSE, PING, PONG, TEXT, read as read_frame, write_masked, write_plain_text,
};
pub(in crate::load) use self::handshake::{request as upgrade_request, upgrade_to};
use self::timer::Timer;
pub(in crate::load) use self::wire::End;
use self::wire::Wire;
use super::failure::{Failure, Outcome, While};
use super::interrupt::Interrupt;

/// What is read at once: a burst of frames, or a good part of a snapshot.
const READ_BYTES: usize = 256 * 1024;
/// How many sockets are dealt with between two looks at the clock.
const EVENTS_MAX: usize = 256;
/// How long a turn waits at most, so that an interrupt is noticed.
const TURN_MAX: Duration = Duration::from_millis(250);
/// The timer's place among the tokens.
const TIMER: Token = Token(usize::MAX - 1);
/// The place of whoever wakes the crowd from another thread.
const WAKER: Token = Token(usize::MAX - 2);

/// What is heard from one socket.
#[derive(Debug)]
pub(in crate::load) enum Heard<'a> {
    /// It may be spoken on.
    Opened,
    /// A message.
    Text(&'a [u8]),
    /// It has ended; nothing more comes.
    Ended(End),
}

/// Whoever listens to a crowd.
pub(in crate::load) trait Ear {
    /// Takes one thing in; `now` is when it was read.
    fn heard(&mut self, wires: &mut Wires, who: usize, heard: Heard<'_>, now: Instant);
}

/// The sockets, each by its number, in the order in which they were opened.
#[derive(Debug)]
pub(in crate::load) struct Wires {
    registry: Registry,
    list: Vec<Wire>,
    /// Those that ended while something was sent; told at the next turn.
    ended: Vec<usize>,
    scratch: Vec<u8>,
}

/// Sockets and the means to wait for them.
#[derive(Debug)]
pub(in crate::load) struct Crowd {
    poll: Poll,
    events: Events,
    timer: Timer,
    waker: Arc<Waker>,
    wires: Wires,
    buffer: Vec<u8>,
    interrupt: Interrupt,
}

impl Crowd {
    /// Nobody yet.
    ///
    /// # Errors
    /// [`Failure`] when the system has no means to wait.
    pub(in crate::load) fn new(interrupt: Interrupt) -> Outcome<Crowd> {
        let doing = "cannot wait for sockets";
        let poll = Poll::new().while_doing(doing)?;
        let registry = poll.registry().try_clone().while_doing(doing)?;
        let timer = Timer::new(&registry, TIMER).while_doing(doing)?;
        let waker = Arc::new(Waker::new(&registry, WAKER).while_doing(doing)?);
        let wires = Wires { registry, list: Vec::new(), ended: Vec::new(), scratch: Vec::new() };
        let events = Events::with_capacity(EVENTS_MAX);
        Ok(Crowd { poll, events, timer, waker, wires, buffer: vec![0; READ_BYTES], interrupt })
    }

    /// The sockets.
    pub(in crate::load) fn wires(&mut self) -> &mut Wires {
        &mut self.wires
    }

    /// Does something on a thread of its own, and goes on answering the server's pings meanwhile.
    ///
    /// # Errors
    /// [`Failure`] as of [`Crowd::turn`], or what `work` says.
    ///
    /// # Panics
    /// When `work` does.
    pub(in crate::load) fn turn_during<T: Send>(
        &mut self,
        ear: &mut impl Ear,
        work: impl FnOnce() -> Outcome<T> + Send,
    ) -> Outcome<T> {
        let waker = Arc::clone(&self.waker);
        std::thread::scope(|scope| {
            let working = scope.spawn(move || {
                let done = work();
                // When the system cannot wake the crowd, it wakes by itself within a turn.
                let _ = waker.wake();
                done
            });
            while !working.is_finished() {
                self.turn(Instant::now() + TURN_MAX, ear)?;
            }
            working.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Deals with what has come, after waiting for it until `until` at most.
    ///
    /// # Errors
    /// [`Failure`] when the run was interrupted or the system refuses.
    pub(in crate::load) fn turn(&mut self, until: Instant, ear: &mut impl Ear) -> Outcome<()> {
        self.interrupt.check()?;
        self.tell_ended(ear);
        let now = Instant::now();
        let wait = if until <= now {
            Duration::ZERO
        } else {
            self.timer.arm(until, now).while_doing("cannot set a timer")?;
            TURN_MAX
        };
        match self.poll.poll(&mut self.events, Some(wait)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(Failure::new(format!("cannot wait for sockets: {error}"))),
        }
        let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            match event.token() {
                TIMER => self.timer.clear(),
                WAKER => {}
                Token(who) => self.on_event(who, event, ear),
            }
        }
        self.events = events;
        self.tell_ended(ear);
        Ok(())
    }

    /// Turns until `done` says so, or `until` has passed; tells whether it was done.
    ///
    /// # Errors
    /// [`Failure`] as of [`Crowd::turn`].
    pub(in crate::load) fn turn_until<E: Ear>(
        &mut self,
        until: Instant,
        ear: &mut E,
        done: impl Fn(&E) -> bool,
    ) -> Outcome<bool> {
        loop {
            if done(ear) {
                return Ok(true);
            }
            if Instant::now() >= until {
                return Ok(false);
            }
            self.turn(until, ear)?;
        }
    }

    fn on_event(&mut self, who: usize, event: &Event, ear: &mut impl Ear) {
        if who >= self.wires.list.len() {
            // It was dropped after the system had told of it.
            return;
        }
        if event.is_writable() {
            self.wires.on_writable(who);
        }
        if event.is_readable() {
            self.read(who, event.is_read_closed(), ear);
        }
    }

    /// Reads what there is, and the end where it has come: the system tells of either only once.
    fn read(&mut self, who: usize, to_the_end: bool, ear: &mut impl Ear) {
        loop {
            let wire = &mut self.wires.list[who];
            if wire.has_ended() {
                return;
            }
            match wire.stream.read(&mut self.buffer) {
                Ok(0) => return self.wires.end(who, End::Gone("the server closed the connection".to_owned())),
                Ok(length) => {
                    wire::take(&mut self.wires, who, &self.buffer[..length], ear, Instant::now());
                    // Less than was asked for is all there was (epoll(7), "edge-triggered"), but for an end.
                    if length < self.buffer.len() && !to_the_end {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.wires.end(who, End::Gone(error.to_string())),
            }
        }
    }

    fn tell_ended(&mut self, ear: &mut impl Ear) {
        while let Some(who) = self.wires.ended.pop() {
            if let Some(end) = self.wires.list[who].end.clone() {
                ear.heard(&mut self.wires, who, Heard::Ended(end), Instant::now());
            }
        }
    }
}

impl Wires {
    /// Begins to connect, with a token on the upgrade; the number of the socket.
    ///
    /// # Errors
    /// [`Failure`] when the system has no socket to give.
    pub(in crate::load) fn open(&mut self, address: SocketAddr, token: &str) -> Outcome<usize> {
        let stream = mio::net::TcpStream::connect(address).while_doing(format!("cannot connect to {address}"))?;
        let wire = Wire::connecting(stream, handshake::request(address, Some(token)));
        self.add(wire)
    }

    /// Takes up a stream on which frames come without a handshake; the number of the socket.
    ///
    /// # Errors
    /// [`Failure`] when the system refuses.
    pub(in crate::load) fn adopt(&mut self, stream: std::net::TcpStream) -> Outcome<usize> {
        stream.set_nonblocking(true).while_doing("cannot use a socket")?;
        self.add(Wire::open(mio::net::TcpStream::from_std(stream)))
    }

    /// The same of a stream whose messages may be of bytes as well.
    ///
    /// # Errors
    /// [`Failure`] when the system refuses.
    pub(in crate::load) fn adopt_bytes(&mut self, stream: std::net::TcpStream) -> Outcome<usize> {
        let who = self.adopt(stream)?;
        self.list[who].takes_bytes = true;
        Ok(who)
    }

    /// How many sockets there are.
    pub(in crate::load) fn opened(&self) -> usize {
        self.list.len()
    }

    /// Sends a message. When the socket has ended or ends now, the ear is told at the next turn.
    pub(in crate::load) fn send(&mut self, who: usize, text: &str) {
        self.send_frame(who, frame::TEXT, text.as_bytes());
    }

    /// Closes all sockets from this number on, without a word, and forgets them.
    pub(in crate::load) fn drop_from(&mut self, first: usize) {
        for wire in &mut self.list[first..] {
            // A socket that is dropped leaves the system's list by itself.
            let _ = self.registry.deregister(&mut wire.stream);
        }
        self.list.truncate(first);
        self.ended.retain(|who| *who < first);
    }

    fn add(&mut self, mut wire: Wire) -> Outcome<usize> {
        let who = self.list.len();
        self.registry
            .register(&mut wire.stream, Token(who), Interest::READABLE | Interest::WRITABLE)
            .while_doing("cannot wait for a socket")?;
        self.list.push(wire);
        Ok(who)
    }

    fn send_frame(&mut self, who: usize, opcode: u8, payload: &[u8]) {
        self.scratch.clear();
        frame::write_masked(&mut self.scratch, opcode, payload);
        if let Err(end) = self.list[who].write(&self.scratch) {
            self.end(who, end);
        }
    }

    fn on_writable(&mut self, who: usize) {
        if let Err(end) = self.list[who].flush() {
            self.end(who, end);
        }
    }

    fn end(&mut self, who: usize, end: End) {
        let wire = &mut self.list[who];
        if wire.end.is_none() {
            wire.end = Some(end);
            // It has ended either way.
            let _ = wire.stream.shutdown(std::net::Shutdown::Both);
            self.ended.push(who);
        }
    }
}

#[cfg(test)]
mod tests;
