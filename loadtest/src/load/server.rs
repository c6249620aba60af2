//! A server of the load test's own: the `intervalo` binary on a temporary data folder.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::failure::{Failure, Outcome, While};
use super::http;
use super::machine::Pinning;

/// How long a server may take until it is ready, with thousands of agents to take up on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long it may take to stop: the 10 s that it promises (`docs/promises.md`, B5), and as much again for a busy
/// machine.
const STOPPED_WITHIN: Duration = Duration::from_secs(20);
/// How often it is looked whether something has come about that cannot be waited for.
const LOOKED_AT_EVERY: Duration = Duration::from_millis(5);
/// How many lines of its log are kept, for the message when it ends; of its warnings, the first so many.
const LOG_LINES_MAX: usize = 20;
/// Calls a second that one agent may make: the rate is no subject here, the most that can be set.
const RATE: &str = "100000";

/// The binary and where it keeps its data.
#[derive(Debug, Clone)]
pub(super) struct Installation {
    /// The `intervalo` binary.
    pub(super) binary: PathBuf,
    /// The data folder.
    pub(super) data: PathBuf,
    /// A store other than the one in the data folder, passed on as `--store`.
    pub(super) store: Option<String>,
    /// Where it runs.
    pub(super) pinning: Pinning,
    /// What it lets an agent and an address do.
    pub(super) limits: Limits,
}

/// What a server lets an agent and an address do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limits {
    /// Everything: they are no subject, and all of the load comes from one address, as fast as it can.
    Raised,
    /// What it comes with.
    Shipped,
}

/// A running server; killed when this is dropped.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    address: SocketAddr,
    log: Log,
    started_in: Duration,
}

/// What a server wrote. Cheap to clone.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    last: VecDeque<String>,
    warnings: Vec<String>,
}

impl Installation {
    /// Puts a company in.
    ///
    /// # Errors
    /// [`Failure`] with what the command said.
    pub(super) fn import(&self, file: &Path) -> Outcome<()> {
        let mut command = self.command("import");
        command.arg(file).arg("--data").arg(&self.data);
        self.add_store(&mut command);
        self.run(command)
    }

    /// Has the key made: a token of nobody's.
    ///
    /// # Errors
    /// [`Failure`] with what the command said.
    pub(super) fn make_key(&self, tenant: &str) -> Outcome<()> {
        let mut command = self.command("token");
        command.args(["--tenant", tenant, "--role", "auditor", "--subject", "loadtest"]);
        command.arg("--data").arg(&self.data);
        self.run(command)
    }

    /// Has the journal verified.
    ///
    /// # Errors
    /// [`Failure`] with what the command said.
    pub(super) fn verify(&self) -> Outcome<()> {
        let mut command = self.command("verify");
        command.arg("--data").arg(&self.data);
        self.add_store(&mut command);
        self.run(command)
    }

    /// The size of the database and its log in the data folder.
    ///
    /// # Errors
    /// [`Failure`] when the folder cannot be read.
    pub(super) fn data_bytes(&self) -> Outcome<u64> {
        let doing = || format!("cannot read {}", self.data.display());
        let mut bytes = 0;
        for entry in std::fs::read_dir(&self.data).while_doing(doing())? {
            let entry = entry.while_doing(doing())?;
            let name = entry.file_name();
            if [".db", ".db-wal"].iter().any(|ending| name.to_string_lossy().ends_with(ending)) {
                bytes += entry.metadata().while_doing(doing())?.len();
            }
        }
        Ok(bytes)
    }

    /// Starts the server, and waits until it is ready.
    ///
    /// # Errors
    /// [`Failure`] when it does not become ready.
    pub(super) fn start(&self) -> Outcome<Server> {
        self.start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// Starts the server where another one listened, and waits until it is ready.
    ///
    /// # Errors
    /// [`Failure`] when it does not become ready.
    pub(super) fn start_at(&self, address: SocketAddr) -> Outcome<Server> {
        let mut command = self.command("serve");
        command.args(["--listen", &address.to_string(), "--log-format", "json", "--data"]).arg(&self.data);
        self.add_store(&mut command);
        command.stderr(Stdio::piped());
        let began = Instant::now();
        let mut child = self
            .pinning
            .on_servers_core(|| command.spawn().while_doing(format!("cannot start {}", self.binary.display())))?;
        let (log, announced) = follow(child.stderr.take())?;
        let address = match announced.recv_timeout(READY_WITHIN) {
            Ok(address) => address,
            Err(why) => {
                end(&mut child);
                let what = match why {
                    RecvTimeoutError::Timeout => "did not say where it listens",
                    RecvTimeoutError::Disconnected => "ended before it listened",
                };
                return Err(Failure::new(format!("the server {what}; it wrote:\n{}", log.text())));
            }
        };
        let mut server = Server { child, address, log, started_in: Duration::ZERO };
        server.wait_until_ready(began)?;
        server.started_in = began.elapsed();
        Ok(server)
    }

    fn command(&self, word: &str) -> Command {
        let mut command = Command::new(&self.binary);
        // The settings of whoever runs the load test are not those of the server under it.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("INTERVALO_")) {
            command.env_remove(name);
        }
        match self.limits {
            Limits::Raised => {
                command.env("INTERVALO_RATE_PER_SECOND", RATE).env("INTERVALO_RATE_BURST", RATE);
                command.env("INTERVALO_MAX_CONNECTIONS_PER_ADDRESS", "0").env("INTERVALO_MAX_UPGRADES_PER_SECOND", "0");
            }
            Limits::Shipped => {}
        }
        command.arg(word).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn add_store(&self, command: &mut Command) {
        if let Some(store) = &self.store {
            command.arg("--store").arg(store);
        }
    }

    fn run(&self, mut command: Command) -> Outcome<()> {
        let ran = command.stderr(Stdio::piped()).output();
        let ran = ran.while_doing(format!("cannot run {}", self.binary.display()))?;
        if ran.status.success() {
            return Ok(());
        }
        // The first word alone: an address of a store has a password in it.
        let word = command.get_args().next().unwrap_or_default().to_string_lossy();
        let said = String::from_utf8_lossy(&ran.stderr);
        Err(Failure::new(format!("`intervalo {word}` failed ({}): {}", ran.status, said.trim())))
    }
}

impl Server {
    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// From the start of the process until it was ready.
    pub(super) fn started_in(&self) -> Duration {
        self.started_in
    }

    /// The first warnings and errors that it wrote.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.log.warnings()
    }

    /// Asks it to stop as a service manager does (SIGTERM), and waits until it has.
    ///
    /// # Errors
    /// [`Failure`] when it does not stop in time, or ends as a failure.
    pub(super) fn stop(mut self) -> Outcome<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Failure::new("the server has no process id"))?;
        kill_process(pid, Signal::TERM).while_doing("cannot ask the server to stop")?;
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().while_doing("cannot wait for the server")? {
                if status.success() {
                    return Ok(());
                }
                return Err(Failure::new(format!("the server ended with {status}; it wrote:\n{}", self.log.text())));
            }
            if began.elapsed() > STOPPED_WITHIN {
                return Err(Failure::new(format!(
                    "the server did not stop within {STOPPED_WITHIN:?}; it wrote:\n{}",
                    self.log.text()
                )));
            }
            std::thread::park_timeout(LOOKED_AT_EVERY);
        }
    }

    fn wait_until_ready(&mut self, began: Instant) -> Outcome<()> {
        loop {
            if http::get(self.address, "/readyz", None).is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            let ended = self.child.try_wait().while_doing("cannot wait for the server")?;
            if ended.is_some() || began.elapsed() > READY_WITHIN {
                return Err(Failure::new(format!("the server did not become ready; it wrote:\n{}", self.log.text())));
            }
            std::thread::park_timeout(LOOKED_AT_EVERY);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

impl Log {
    fn add(&self, line: String) {
        let mut kept = self.kept();
        if kept.warnings.len() < LOG_LINES_MAX
            && let Some(warning) = warning_in(&line)
        {
            kept.warnings.push(warning);
        }
        if kept.last.len() == LOG_LINES_MAX {
            kept.last.pop_front();
        }
        kept.last.push_back(line);
    }

    fn text(&self) -> String {
        self.kept().last.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    fn warnings(&self) -> Vec<String> {
        self.kept().warnings.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a log to its end, so that its writer never waits, and announces the address in it.
fn follow(pipe: Option<ChildStderr>) -> Outcome<(Log, Receiver<SocketAddr>)> {
    let pipe = pipe.ok_or_else(|| Failure::new("the server has no log"))?;
    let log = Log::default();
    let (announce, announced) = sync_channel(1);
    let reader = log.clone();
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || read_log(pipe, &reader, announce))
        .while_doing("cannot start a thread")?;
    Ok((log, announced))
}

fn read_log(pipe: ChildStderr, log: &Log, announce: SyncSender<SocketAddr>) {
    let mut announce = Some(announce);
    for line in BufReader::new(pipe).lines().map_while(Result::ok) {
        if let (Some(to), Some(address)) = (&announce, address_in(&line)) {
            // Whoever waited may have given up.
            let _ = to.try_send(address);
            announce = None;
        }
        log.add(line);
    }
}

/// The address in a line of the log, which is one object of JSON.
fn address_in(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    line.pointer("/fields/address").or_else(|| line.get("address"))?.as_str()?.parse().ok()
}

/// The words of a line of the log that is a warning or an error.
fn warning_in(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let level = line.get("level")?.as_str().filter(|level| ["WARN", "ERROR"].contains(level))?;
    let words = line.pointer("/fields/message").or_else(|| line.get("message"))?.as_str()?;
    Some(format!("{level} {words}"))
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn installation(binary: &str) -> Installation {
        Installation {
            binary: binary.into(),
            data: "d".into(),
            store: None,
            pinning: Pinning::Free,
            limits: Limits::Raised,
        }
    }

    #[test]
    fn the_address_is_found_in_the_log() {
        let address = Some(SocketAddr::from(([127, 0, 0, 1], 40123)));
        assert_eq!(address_in(r#"{"fields":{"message":"listening","address":"127.0.0.1:40123"}}"#), address);
        assert_eq!(address_in(r#"{"address":"127.0.0.1:40123"}"#), address);
        assert_eq!(address_in("listening on 127.0.0.1:40123"), None);
    }

    #[test]
    fn warnings_are_found_in_the_log() {
        let line = r#"{"level":"WARN","fields":{"message":"the disk is slow"}}"#;
        assert_eq!(warning_in(line).as_deref(), Some("WARN the disk is slow"));
        assert_eq!(warning_in(r#"{"level":"INFO","message":"listening"}"#), None);
        let log = Log::default();
        (0..2 * LOG_LINES_MAX).for_each(|n| log.add(format!(r#"{{"level":"ERROR","message":"{n}"}}"#)));
        assert_eq!((log.warnings().len(), log.warnings()[0].as_str()), (LOG_LINES_MAX, "ERROR 0"));
        assert!(log.text().ends_with(r#""39"}"#), "{}", log.text());
    }

    #[test]
    fn a_store_goes_to_what_reads_it() {
        let stored = Installation { store: Some("postgres://db".to_owned()), ..installation("intervalo") };
        let mut command = stored.command("serve");
        stored.add_store(&mut command);
        let words: Vec<&OsStr> = command.get_args().collect();
        assert_eq!(words, ["serve", "--store", "postgres://db"]);
    }

    #[test]
    fn shipped_limits_are_those_of_the_server_itself() {
        let set = |limits| {
            let installation = Installation { limits, ..installation("intervalo") };
            installation.command("serve").get_envs().filter(|(_, value)| value.is_some()).count()
        };
        assert_eq!((set(Limits::Raised), set(Limits::Shipped)), (4, 0));
    }

    #[test]
    fn a_program_that_is_none_and_one_that_fails_are_told() {
        let told = installation("/no/such/program").start().expect_err("it is not there").to_string();
        assert!(told.starts_with("cannot start /no/such/program: "), "{told}");
        let told = installation("/bin/true").start().expect_err("it ends at once").to_string();
        assert!(told.starts_with("the server ended before it listened"), "{told}");
        let told = installation("/bin/false").make_key("t").expect_err("it fails").to_string();
        assert!(told.starts_with("`intervalo token` failed (exit status: 1)"), "{told}");
    }
}
