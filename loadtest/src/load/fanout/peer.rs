//! Peers: other servers that bring a message to many sockets, under the same load and read in the same way.
//!
//! A message is as long as a frame of ours with one row. What a peer does for it is less: it knows of no rows, no rules, no journal, and
//! acknowledges nothing that is on a disk.

mod address;
mod scanner;
mod speech;

use std::time::{Duration, Instant};

pub(in crate::load) use self::address::PeerAddress;
use self::scanner::Scanner;
use self::speech::{Publisher, watch};
use super::round::Side;
use super::tally::{ChangeId, Tally};
use crate::load::crowd::{Crowd, Ear, Heard, Wires};
use crate::load::failure::{Failure, Outcome};
use crate::load::machine::cpu_time;

/// How long all sockets may take until they hear what is said.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// One peer in one round.
pub(super) struct Peer {
    address: PeerAddress,
    publisher: Publisher,
    readers: Vec<Reader>,
    /// How many of them hear what is said.
    ready: usize,
    bytes: usize,
    tally: Tally,
    /// The messages, by their numbers.
    changes: Vec<ChangeId>,
    window: usize,
    fault: Option<Failure>,
}

struct Reader {
    scanner: Scanner,
    /// The number of the next message.
    due: u64,
    is_ready: bool,
}

impl Peer {
    /// Connects so many readers and one that speaks, for messages of this size.
    ///
    /// # Errors
    /// [`Failure`] when the peer cannot be reached, or does not let somebody hear.
    pub(super) fn start(crowd: &mut Crowd, address: &PeerAddress, readers: usize, bytes: usize) -> Outcome<Peer> {
        for _ in 0..readers {
            crowd.wires().adopt_bytes(watch(address)?)?;
        }
        let is_ready = address.kind.is_ready_at_once();
        let fresh = || Reader { scanner: Scanner::new(address.kind.word_of_readiness()), due: 0, is_ready };
        let mut peer = Peer {
            address: address.clone(),
            publisher: Publisher::connect(address)?,
            readers: (0..readers).map(|_| fresh()).collect(),
            ready: if is_ready { readers } else { 0 },
            bytes,
            tally: Tally::of(readers),
            changes: Vec::new(),
            window: 0,
            fault: None,
        };
        let all_are_ready = |peer: &Peer| peer.fault.is_some() || peer.ready == peer.readers.len();
        let in_time = crowd.turn_until(Instant::now() + READY_WITHIN, &mut peer, all_are_ready)?;
        peer.check()?;
        if !in_time {
            let left = peer.readers.len() - peer.ready;
            return Err(Failure::new(format!("{}: {left} sockets were not let hear in time", address.kind.word())));
        }
        Ok(peer)
    }

    fn on_bytes(&mut self, wires: &mut Wires, who: usize, bytes: &[u8], now: Instant) -> Result<(), String> {
        let reader = &mut self.readers[who];
        let found = reader.scanner.scan(bytes);
        if found.is_ready && !std::mem::replace(&mut reader.is_ready, true) {
            self.ready += 1;
        }
        self.tally.frame(bytes.len());
        for number in found.numbers {
            let due = std::mem::replace(&mut self.readers[who].due, number + 1);
            if number != due {
                return Err(format!("message {number} came where {due} was due"));
            }
            let change = usize::try_from(number).ok().and_then(|number| self.changes.get(number).copied());
            let change = change.ok_or_else(|| format!("message {number} came that nobody has sent"))?;
            if self.tally.delivered(change, now) {
                let counts = self.tally.is_counting();
                while self.tally.under_way() < self.window && self.ask(wires, now, counts) {}
            }
        }
        Ok(())
    }
}

impl Ear for Peer {
    fn heard(&mut self, wires: &mut Wires, who: usize, heard: Heard<'_>, now: Instant) {
        let done = match heard {
            Heard::Opened => Ok(()),
            Heard::Text(bytes) => self.on_bytes(wires, who, bytes, now),
            Heard::Ended(end) => Err(end.to_string()),
        };
        if let Err(why) = done {
            self.fault.get_or_insert(Failure::new(format!("{}, socket {who}: {why}", self.address.kind.word())));
        }
    }
}

impl Side for Peer {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn ask(&mut self, _wires: &mut Wires, intended: Instant, counts: bool) -> bool {
        let number = self.changes.len() as u64;
        let change = self.tally.begin(intended, counts);
        self.changes.push(change);
        if let Err(failure) = self.publisher.publish(&scanner::message(number, self.bytes)) {
            self.fault.get_or_insert(failure);
        }
        true
    }

    fn keep_under_way(&mut self, window: usize) {
        self.window = window;
    }

    fn cpu_time(&mut self) -> Outcome<Option<Duration>> {
        let times = self.address.pids.iter().map(|pid| cpu_time(*pid)).collect::<Outcome<Vec<Duration>>>()?;
        Ok((!times.is_empty()).then(|| times.into_iter().sum()))
    }

    fn is_in_this_process(&self) -> bool {
        false
    }

    fn is_quiet(&self) -> bool {
        self.tally.under_way() == 0
    }

    fn check(&mut self) -> Outcome<()> {
        self.publisher.forget_answers()?;
        self.fault.take().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests;
