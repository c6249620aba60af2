//! The writer of the bare fan-out: one thread that waits with `epoll` and writes a frame that was made once to
//! every socket, one write each.
//!
//! It is told what to do on a socket of its own, so that it can be a thread of the load test or, where the
//! descriptors of one process do not suffice, a process (`intervalo-loadtest floor-writer`).

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use mio::{Events, Interest, Poll, Token};

use crate::load::crowd::write_plain_text;
use crate::load::failure::{Failure, Outcome, While};
use crate::load::helper::{MARK, answer_mark, take_orders};

/// Write the next frame to every socket.
pub(super) const WRITE: u8 = b'w';
/// How many digits of a payload are the frame's number.
pub(super) const NUMBER_DIGITS: usize = 12;
/// The place of the socket with the orders among the tokens.
const ORDERS: Token = Token(usize::MAX);
/// How many sockets are dealt with between two waits.
const EVENTS_MAX: usize = 1024;

/// A number, then as much as is needed to reach the size; at least the number.
pub(super) fn payload(number: u64, bytes: usize) -> Vec<u8> {
    let mut payload = format!("{number:0NUMBER_DIGITS$}").into_bytes();
    payload.resize(bytes.max(NUMBER_DIGITS), b'.');
    payload
}

/// Takes the orders from the first connection: a line with the number of sockets and the size of a payload. Takes
/// so many sockets more, says `ready`, and writes as it is told until the orders end.
pub(super) fn serve(listener: &TcpListener) -> Outcome<()> {
    let doing = "the floor's writer";
    let (orders, _) = listener.accept().while_doing(doing)?;
    orders.set_nodelay(true).while_doing(doing)?;
    let mut line = String::new();
    // Nothing follows the line until it is answered, so that nothing stays behind in the buffer.
    BufReader::new(&orders).read_line(&mut line).while_doing(doing)?;
    let mut words = line.split_whitespace().map(str::parse::<usize>);
    let (Some(Ok(sockets)), Some(Ok(bytes))) = (words.next(), words.next()) else {
        return Err(Failure::new(format!("{doing}: the first order is {line:?}")));
    };
    let mut writer = Writer::new(orders, bytes).while_doing(doing)?;
    for _ in 0..sockets {
        let (socket, _) = listener.accept().while_doing(doing)?;
        writer.add(socket).while_doing(doing)?;
    }
    writer.orders.write_all(b"ready\n").while_doing(doing)?;
    writer.run().while_doing(doing)
}

struct Writer {
    poll: Poll,
    orders: mio::net::TcpStream,
    sockets: Vec<Socket>,
    bytes: usize,
    /// Frames that some socket has not taken, the oldest first.
    frames: VecDeque<Vec<u8>>,
    /// The number of the first of them.
    first: u64,
}

struct Socket {
    stream: mio::net::TcpStream,
    /// The number of the next frame.
    next: u64,
    /// How much of it has been taken.
    taken: usize,
}

impl Writer {
    fn new(orders: TcpStream, bytes: usize) -> io::Result<Writer> {
        orders.set_nonblocking(true)?;
        let mut orders = mio::net::TcpStream::from_std(orders);
        let poll = Poll::new()?;
        poll.registry().register(&mut orders, ORDERS, Interest::READABLE)?;
        Ok(Writer { poll, orders, sockets: Vec::new(), bytes, frames: VecDeque::new(), first: 0 })
    }

    fn add(&mut self, socket: TcpStream) -> io::Result<()> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        let mut stream = mio::net::TcpStream::from_std(socket);
        self.poll.registry().register(&mut stream, Token(self.sockets.len()), Interest::WRITABLE)?;
        self.sockets.push(Socket { stream, next: 0, taken: 0 });
        Ok(())
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
                        if !self.take_orders()? {
                            return Ok(());
                        }
                    }
                    // One that has taken everything is told of only once, when it was connected.
                    Token(at) => self.write_to(at)?,
                }
            }
            self.drop_taken();
        }
    }

    /// Takes what orders there are; false when they have ended.
    fn take_orders(&mut self) -> io::Result<bool> {
        let mut orders = Vec::new();
        let go_on = take_orders(&mut self.orders, &mut orders)?;
        orders.into_iter().try_for_each(|order| self.obey(order)).map(|()| go_on)
    }

    fn obey(&mut self, order: u8) -> io::Result<()> {
        match order {
            WRITE => {
                let mut frame = Vec::with_capacity(self.bytes + 16);
                write_plain_text(&mut frame, &payload(self.first + self.frames.len() as u64, self.bytes));
                self.frames.push_back(frame);
                let newest = self.first + self.frames.len() as u64 - 1;
                for at in 0..self.sockets.len() {
                    // One that is behind is written to when it takes something again.
                    if self.sockets[at].next == newest {
                        self.write_to(at)?;
                    }
                }
                self.drop_taken();
                Ok(())
            }
            MARK => answer_mark(&mut self.orders),
            other => Err(io::Error::other(format!("an unknown order {other}"))),
        }
    }

    /// Writes frames to a socket until it has all or takes no more.
    fn write_to(&mut self, at: usize) -> io::Result<()> {
        let socket = &mut self.sockets[at];
        while let Some(frame) = usize::try_from(socket.next - self.first).ok().and_then(|n| self.frames.get(n)) {
            match socket.stream.write(&frame[socket.taken..]) {
                Ok(count) => {
                    socket.taken += count;
                    if socket.taken == frame.len() {
                        socket.next += 1;
                        socket.taken = 0;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Forgets the frames that every socket has.
    fn drop_taken(&mut self) {
        let slowest = self.sockets.iter().map(|socket| socket.next).min().unwrap_or(self.first);
        while self.first < slowest && self.frames.pop_front().is_some() {
            self.first += 1;
        }
    }
}
