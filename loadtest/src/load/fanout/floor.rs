//! The bare fan-out: what bringing a frame to every board would cost if it were nothing but one write each.
//!
//! The same readers as for the server, on sockets from a writer that knows of nothing: no WebSocket library, no
//! rows, no rules, no journal, no session.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::round::Side;
use super::tally::{ChangeId, Tally};
use super::writer::{self, MARK, NUMBER_DIGITS, WRITE};
use crate::load::crowd::{Crowd, Ear, Heard, Wires};
use crate::load::failure::{Failure, Outcome, While};
use crate::load::machine::{Pinning, fits};

/// How long the writer may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the writer runs.
#[derive(Debug, Clone)]
pub(in crate::load) enum Place {
    /// In this process, if both ends of all sockets fit into it.
    Thread,
    /// In a process of this program where they do not fit.
    ThreadOrProcess(PathBuf),
}

/// The floor of one round.
pub(super) struct Floor {
    orders: TcpStream,
    readers: Vec<u64>,
    template: Vec<u8>,
    tally: Tally,
    /// The frames, by their numbers.
    changes: Vec<ChangeId>,
    window: usize,
    fault: Option<Failure>,
    /// Dropped after the orders, which ends it.
    writer: WriterEnd,
}

/// Ends the writer: it does when its orders end, which are closed before this is dropped.
enum WriterEnd {
    Thread(Option<JoinHandle<Outcome<()>>>),
    Process(Child),
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
        let doing = "the floor's writer";
        let (address, writer) = pinning.on_servers_core(|| match place {
            Place::ThreadOrProcess(program) if !fits(2 * readers as u64) => start_process(program),
            Place::Thread | Place::ThreadOrProcess(_) => start_thread(),
        })?;
        let mut orders = TcpStream::connect(address).while_doing(doing)?;
        orders.set_nodelay(true).while_doing(doing)?;
        orders.set_read_timeout(Some(PATIENCE)).while_doing(doing)?;
        orders.write_all(format!("{readers} {bytes}\n").as_bytes()).while_doing(doing)?;
        for _ in 0..readers {
            let stream = TcpStream::connect(address).while_doing(doing)?;
            crowd.wires().adopt(stream)?;
        }
        let ready = line(&orders)?;
        if ready != "ready" {
            return Err(Failure::new(format!("{doing} said {ready:?}")));
        }
        Ok(Floor {
            orders,
            readers: vec![0; readers],
            template: writer::payload(0, bytes),
            tally: Tally::of(readers),
            changes: Vec::new(),
            window: 0,
            fault: None,
            writer,
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
        if let Err(error) = self.orders.write_all(&[WRITE]) {
            self.fault.get_or_insert(Failure::new(format!("the floor's writer ended: {error}")));
        }
        true
    }

    fn keep_under_way(&mut self, window: usize) {
        self.window = window;
    }

    fn cpu_time(&mut self) -> Outcome<Option<Duration>> {
        self.orders.write_all(&[MARK]).while_doing("the floor's writer")?;
        let told = line(&self.orders)?;
        let nanos = told.parse().while_doing(format!("the floor's writer said {told:?}"))?;
        Ok(Some(Duration::from_nanos(nanos)))
    }

    fn is_in_this_process(&self) -> bool {
        matches!(self.writer, WriterEnd::Thread(_))
    }

    fn is_quiet(&self) -> bool {
        self.tally.under_way() == 0
    }

    fn check(&mut self) -> Outcome<()> {
        self.fault.take().map_or(Ok(()), Err)
    }
}

impl Drop for WriterEnd {
    fn drop(&mut self) {
        match self {
            // It has ended, or will as soon as it looks at its orders; what it says then is of no interest.
            WriterEnd::Thread(thread) => drop(thread.take().map(JoinHandle::join)),
            WriterEnd::Process(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

fn start_thread() -> Outcome<(SocketAddr, WriterEnd)> {
    let (listener, address) = writer::listen()?;
    let thread = std::thread::Builder::new().name("floor".to_owned()).spawn(move || writer::serve(&listener));
    Ok((address, WriterEnd::Thread(Some(thread.while_doing("cannot start a thread")?))))
}

fn start_process(program: &Path) -> Outcome<(SocketAddr, WriterEnd)> {
    let doing = || format!("cannot start {} floor-writer", program.display());
    let mut command = Command::new(program);
    command.arg("floor-writer").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().while_doing(doing())?;
    let told = child.stdout.take().map(|out| {
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).map(|_| line)
    });
    let writer = WriterEnd::Process(child);
    let told = told.ok_or_else(|| Failure::new(doing()))?.while_doing(doing())?;
    let address = told.trim().parse().while_doing(doing())?;
    Ok((address, writer))
}

/// One line of the writer's. Nothing follows it before the next order.
fn line(orders: &TcpStream) -> Outcome<String> {
    let mut line = String::new();
    BufReader::new(orders).read_line(&mut line).while_doing("the floor's writer does not answer")?;
    Ok(line.trim_end().to_owned())
}

/// Runs the writer in a process of its own: prints where it listens, and serves the load test that started it.
///
/// # Errors
/// [`Failure`] when the system refuses.
pub(in crate::load) fn run_writer() -> Outcome<()> {
    let (listener, address) = writer::listen()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{address}").and_then(|()| out.flush()).while_doing("cannot say where it listens")?;
    drop(out);
    writer::serve(&listener)
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
