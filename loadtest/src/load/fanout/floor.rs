//! The bare fan-out: what bringing a frame to every board would cost if it were nothing but one write each.
//!
//! The same readers as for the server, on sockets from a writer that knows of nothing: no WebSocket library, no
//! rows, no rules, no journal, no session.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::round::Side;
use super::tally::{ChangeId, Tally};
use super::writer::{self, NUMBER_DIGITS, WRITE};
use crate::load::crowd::{Crowd, Ear, Heard, Wires};
use crate::load::failure::{Failure, Outcome, While};
use crate::load::helper::{Helper, Place, Work};
use crate::load::machine::Pinning;

/// Its writer.
pub(in crate::load) const WORK: Work = Work { name: "the floor's writer", word: "floor-writer", serve: writer::serve };

/// The floor of one round.
pub(super) struct Floor {
    writer: Helper,
    readers: Vec<u64>,
    template: Vec<u8>,
    tally: Tally,
    /// The frames, by their numbers.
    changes: Vec<ChangeId>,
    window: usize,
    fault: Option<Failure>,
}

impl Floor {
    /// Starts a writer, and connects so many readers for payloads of this size.
    pub(super) fn start(
        crowd: &mut Crowd,
        place: &Place,
        pinning: Pinning,
        readers: usize,
        bytes: usize,
    ) -> Outcome<Floor> {
        let mut writer = Helper::start(place, pinning, readers, WORK)?;
        writer.order(format!("{readers} {bytes}\n").as_bytes())?;
        for _ in 0..readers {
            let stream = TcpStream::connect(writer.address()).while_doing(WORK.name)?;
            crowd.wires().adopt(stream)?;
        }
        let ready = writer.line()?;
        if ready != "ready" {
            return Err(Failure::new(format!("{} said {ready:?}", WORK.name)));
        }
        Ok(Floor {
            writer,
            readers: vec![0; readers],
            template: writer::payload(0, bytes),
            tally: Tally::of(readers),
            changes: Vec::new(),
            window: 0,
            fault: None,
        })
    }

    /// The number of a payload that is as it must be.
    fn number(&self, payload: &[u8]) -> Option<u64> {
        let (digits, rest) = payload.split_at_checked(NUMBER_DIGITS)?;
        if rest != &self.template[NUMBER_DIGITS..] {
            return None;
        }
        digits
            .iter()
            .try_fold(0u64, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0')))
    }

    fn on_frame(&mut self, wires: &mut Wires, reader: usize, payload: &[u8], now: Instant) -> Result<(), String> {
        let due = self.readers[reader];
        if self.number(payload) != Some(due) {
            return Err(format!("another frame came than number {due}"));
        }
        self.readers[reader] += 1;
        self.tally.frame(payload.len());
        let change = usize::try_from(due).ok().and_then(|number| self.changes.get(number).copied());
        let change = change.ok_or_else(|| format!("frame {due} came without an order"))?;
        if self.tally.delivered(change, now) {
            let counts = self.tally.is_counting();
            while self.tally.under_way() < self.window && self.ask(wires, now, counts) {}
        }
        Ok(())
    }
}

impl Ear for Floor {
    fn heard(&mut self, wires: &mut Wires, who: usize, heard: Heard<'_>, now: Instant) {
        let done = match heard {
            Heard::Opened => Ok(()),
            Heard::Text(payload) => self.on_frame(wires, who, payload, now),
            Heard::Ended(end) => Err(end.to_string()),
        };
        if let Err(why) = done {
            self.fault.get_or_insert(Failure::new(format!("reader {who} of the floor: {why}")));
        }
    }
}

impl Side for Floor {
    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    fn ask(&mut self, _wires: &mut Wires, intended: Instant, counts: bool) -> bool {
        let change = self.tally.begin(intended, counts);
        self.changes.push(change);
        if let Err(failure) = self.writer.order(&[WRITE]) {
            self.fault.get_or_insert(failure);
        }
        true
    }

    fn keep_under_way(&mut self, window: usize) {
        self.window = window;
    }

    fn cpu_time(&mut self) -> Outcome<Option<Duration>> {
        self.writer.cpu_time().map(Some)
    }

    fn is_in_this_process(&self) -> bool {
        self.writer.is_in_this_process()
    }

    fn is_quiet(&self) -> bool {
        self.tally.under_way() == 0
    }

    fn check(&mut self) -> Outcome<()> {
        self.fault.take().map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::super::round::{self, Asking};
    use super::*;
    use crate::load::drive::Plan;
    use crate::load::interrupt::Interrupt;

    const PLAN: Plan = Plan { warm_up: Duration::from_millis(20), time: Duration::from_millis(200) };

    fn round(asking: Asking, bytes: usize) -> (round::Measured, u64) {
        let mut crowd = Crowd::new(Interrupt::none()).expect("a crowd");
        let mut floor = Floor::start(&mut crowd, &Place::Thread, Pinning::Free, 7, bytes).expect("a floor");
        let measured = round::run(&mut crowd, &mut floor, asking, PLAN).expect("measured");
        let read = floor.readers[0];
        assert_eq!(floor.readers, vec![read; 7], "every reader has every frame");
        (measured, read)
    }

    #[test]
    fn every_reader_gets_every_frame_at_its_instant() {
        let (measured, read) = round(Asking::Open { per_second: 100.0 }, 700);
        assert_eq!(measured.spread.percentiles().map(|told| told.count), Some(20 * 7));
        assert!(read >= 22, "those of the warm-up too: {read}");
        assert!(measured.cpu.is_some_and(|cpu| !cpu.is_zero()), "{measured:?}");
        assert_eq!(measured.window.bytes, measured.window.frames * 700);
    }

    #[test]
    fn a_window_keeps_the_writer_busy_beyond_what_the_sockets_hold() {
        // Eight frames of this size are more than the system takes for a reader at once.
        let (measured, read) = round(Asking::Closed { window: 8 }, 500_000);
        assert!(read >= 8, "{read}");
        assert!(measured.window.deliveries <= measured.window.frames, "{measured:?}");
    }

    #[test]
    fn a_frame_that_is_bent_is_found() {
        let mut crowd = Crowd::new(Interrupt::none()).expect("a crowd");
        let mut floor = Floor::start(&mut crowd, &Place::Thread, Pinning::Free, 1, 20).expect("a floor");
        floor.ask(crowd.wires(), Instant::now(), false);
        assert_eq!(floor.number(&writer::payload(0, 20)), Some(0));
        for bent in [writer::payload(0, 21), writer::payload(0, 19), b"00000000000x........".to_vec(), Vec::new()] {
            assert_eq!(floor.number(&bent), None);
        }
        floor.readers[0] = 1;
        let told = floor.on_frame(crowd.wires(), 0, &writer::payload(0, 20), Instant::now());
        assert_eq!(told, Err("another frame came than number 1".to_owned()));
    }
}
