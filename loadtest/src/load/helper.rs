//! The other side of a floor: a thread of this process, or a process of this program where the descriptors of one
//! process do not suffice.
//!
//! It listens on loopback. The first connection is for its orders, single bytes that it answers with lines; when
//! they end, it ends.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::failure::{Failure, Outcome, While};
use super::machine::{Pinning, fits};

/// Tell how long this thread has been on a core, in nanoseconds, as a line.
pub(super) const MARK: u8 = b'm';
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many connections may wait to be accepted: more than any load has under way at once, so that none is put off.
const BACKLOG: i32 = 4096;

/// Where helpers run.
#[derive(Debug, Clone)]
pub(in crate::load) enum Place {
    /// In this process, if both ends of all sockets fit into it.
    Thread,
    /// In a process of this program where they do not fit.
    ThreadOrProcess(PathBuf),
}

/// What a helper does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    /// Its name in what goes wrong.
    pub(super) name: &'static str,
    /// The word that starts it as a process.
    pub(super) word: &'static str,
    /// Serves until its orders end.
    pub(super) serve: fn(&TcpListener) -> Outcome<()>,
}

/// A helper that runs. Its orders end before it is waited for.
#[derive(Debug)]
pub(super) struct Helper {
    name: &'static str,
    address: SocketAddr,
    orders: TcpStream,
    runs: Runs,
}

#[derive(Debug)]
enum Runs {
    Thread(Option<JoinHandle<Outcome<()>>>),
    Process(Child),
}

impl Helper {
    /// Starts one that has so many sockets to hold, beside as many here.
    ///
    /// # Errors
    /// [`Failure`] when it does not start.
    pub(super) fn start(place: &Place, pinning: Pinning, sockets: usize, work: Work) -> Outcome<Helper> {
        let (address, runs) = pinning.on_servers_core(|| match place {
            Place::ThreadOrProcess(program) if !fits(2 * sockets as u64) => start_process(program, work),
            Place::Thread | Place::ThreadOrProcess(_) => start_thread(work),
        })?;
        let orders = TcpStream::connect(address).while_doing(work.name)?;
        orders.set_nodelay(true).while_doing(work.name)?;
        orders.set_read_timeout(Some(PATIENCE)).while_doing(work.name)?;
        Ok(Helper { name: work.name, address, orders, runs })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives it orders.
    ///
    /// # Errors
    /// [`Failure`] when it has ended.
    pub(super) fn order(&mut self, orders: &[u8]) -> Outcome<()> {
        self.orders.write_all(orders).while_doing(format!("{} ended", self.name))
    }

    /// One line of its. Nothing follows it before the next order.
    ///
    /// # Errors
    /// [`Failure`] when it does not answer.
    pub(super) fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        BufReader::new(&self.orders).read_line(&mut line).while_doing(format!("{} does not answer", self.name))?;
        Ok(line.trim_end().to_owned())
    }

    /// The time that its thread has been on a core.
    ///
    /// # Errors
    /// [`Failure`] when it does not answer.
    pub(super) fn cpu_time(&mut self) -> Outcome<Duration> {
        self.order(&[MARK])?;
        let told = self.line()?;
        let nanos = told.parse().while_doing(format!("{} said {told:?}", self.name))?;
        Ok(Duration::from_nanos(nanos))
    }

    /// True when its time is this process's own.
    pub(super) fn is_in_this_process(&self) -> bool {
        matches!(self.runs, Runs::Thread(_))
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // The end of its orders; it may have ended by itself.
        let _ = self.orders.shutdown(std::net::Shutdown::Both);
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        match self {
            // What it says is of no interest any more.
            Runs::Thread(thread) => drop(thread.take().map(JoinHandle::join)),
            Runs::Process(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

/// Runs a helper in a process of its own: prints where it listens, and serves the load test that started it.
///
/// # Errors
/// [`Failure`] when the system refuses.
pub(super) fn run(work: Work) -> Outcome<()> {
    let (listener, address) = listen().while_doing(work.name)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{address}").and_then(|()| out.flush()).while_doing("cannot say where it listens")?;
    drop(out);
    (work.serve)(&listener)
}

/// Answers [`MARK`], on the thread whose time it is.
///
/// # Errors
/// What the system says.
pub(super) fn answer_mark(orders: &mut impl Write) -> io::Result<()> {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanos = time.tv_sec * 1_000_000_000 + time.tv_nsec;
    // One short line fits into any socket that is read.
    orders.write_all(format!("{nanos}\n").as_bytes())
}

/// Takes what orders there are; false when they have ended.
///
/// # Errors
/// What the system says.
pub(super) fn take_orders(orders: &mut impl Read, into: &mut Vec<u8>) -> io::Result<bool> {
    let mut some = [0; 64];
    loop {
        match orders.read(&mut some) {
            Ok(0) => return Ok(false),
            Ok(count) => into.extend_from_slice(&some[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            // Whoever gave the orders has gone.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// A place on loopback for orders and sockets.
fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    // Nobody waits for good for somebody who does not come.
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn start_thread(work: Work) -> Outcome<(SocketAddr, Runs)> {
    let (listener, address) = listen().while_doing(work.name)?;
    let thread = std::thread::Builder::new().name("floor".to_owned()).spawn(move || (work.serve)(&listener));
    Ok((address, Runs::Thread(Some(thread.while_doing("cannot start a thread")?))))
}

fn start_process(program: &Path, work: Work) -> Outcome<(SocketAddr, Runs)> {
    let doing = || format!("cannot start {} {}", program.display(), work.word);
    let mut command = Command::new(program);
    command.arg(work.word).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().while_doing(doing())?;
    let told = child.stdout.take().map(|out| {
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).map(|_| line)
    });
    // From here on the child is ended whatever it says.
    let runs = Runs::Process(child);
    let told = told.ok_or_else(|| Failure::new(doing()))?.while_doing(doing())?;
    let address = told.trim().parse().while_doing(doing())?;
    Ok((address, runs))
}
