//! The real binary: a data folder, commands on it, and a server that ends with the test.
//!
//! Knows the command line and HTTP only. Every process is a child of the test and is killed by its
//! own handle when that is dropped.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

/// How long a command may take, and a server to be ready, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The longest that a command may take that reads a whole journal: minutes of kills on a machine that does other work too.
const RUN_PATIENCE: Duration = Duration::from_secs(120);
/// How many lines of a server's log are kept for the message of a failed test.
const LOG_LINES_MAX: usize = 200;
/// The rate of calls and the room on the machine's disk are no subject here: agents act as fast as they are answered.
const UNHURRIED: [(&str, &str); 3] =
    [("INTERVALO_RATE_PER_SECOND", "100000"), ("INTERVALO_RATE_BURST", "100000"), ("INTERVALO_LOW_DISK_MB", "0")];

/// A data folder that goes with the test.
pub(crate) struct DataFolder {
    dir: TempDir,
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit code; none when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// A server that may not listen yet.
pub(crate) struct Starting {
    child: Child,
    address: watch::Receiver<Option<SocketAddr>>,
    log: Log,
}

/// A server that is ready.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    log: Log,
}

/// An answer of HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: String,
}

/// The last lines that a server wrote.
#[derive(Clone, Default)]
struct Log {
    lines: Arc<Mutex<VecDeque<String>>>,
    grew: Arc<Notify>,
}

impl DataFolder {
    /// A folder with nothing in it.
    pub(crate) fn empty() -> DataFolder {
        DataFolder { dir: TempDir::new().expect("a temporary folder") }
    }

    /// A folder with a company in it.
    pub(crate) async fn with(company: &str) -> DataFolder {
        let folder = DataFolder::empty();
        folder.found(company).await;
        folder
    }

    /// Puts a company into it.
    pub(crate) async fn found(&self, company: &str) {
        let file = self.file("company.toml", company);
        let ran = self.run(&["import", text_of(&file)]).await;
        assert_eq!(ran.code, Some(0), "the company was not imported: {ran:?}");
    }

    /// The data folder itself.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Writes a file beside the data folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("a temporary file");
        path
    }

    /// Runs a command on the folder to its end.
    pub(crate) async fn run(&self, words: &[&str]) -> Ran {
        let data = self.path();
        run(&[words, &["--data", text_of(&data)]].concat()).await
    }

    /// A token for one role.
    pub(crate) async fn token(&self, tenant: &str, role: &str, subject: &str, more: &[&str]) -> String {
        let words = ["token", "--tenant", tenant, "--role", role, "--subject", subject];
        let ran = self.run(&[&words, more].concat()).await;
        assert_eq!(ran.code, Some(0), "no token: {ran:?}");
        ran.out.trim().to_owned()
    }

    /// Starts a server on the folder.
    pub(crate) fn start(&self) -> Starting {
        self.start_under(&[])
    }

    /// Starts a server on the folder by way of another program, which must become the server.
    pub(crate) fn start_under(&self, wrapper: &[&str]) -> Starting {
        self.start_as(wrapper, &[])
    }

    /// Starts a server on the folder with more flags.
    pub(crate) fn start_with(&self, flags: &[&str]) -> Starting {
        self.start_as(&[], flags)
    }

    fn start_as(&self, wrapper: &[&str], flags: &[&str]) -> Starting {
        let data = self.path();
        let words = [&["serve", "--listen", "127.0.0.1:0", "--data", text_of(&data)], flags].concat();
        let mut child = command_under(wrapper, &words);
        child.envs(UNHURRIED);
        let mut child = child.spawn().expect("the binary runs");
        let (log, (announce, address)) = (Log::default(), watch::channel(None));
        let (out, err) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
        let announce = Arc::new(announce);
        tokio::spawn(log.clone().follow(out, Arc::clone(&announce)));
        tokio::spawn(log.clone().follow(err, announce));
        Starting { child, address, log }
    }

    /// Starts a server and waits until it is ready.
    pub(crate) async fn serve(&self) -> Server {
        self.start().ready().await
    }
}

impl Starting {
    /// Waits until the server says where it listens, and no longer.
    pub(crate) async fn up(mut self) -> Server {
        let address = self.listening().await;
        let Starting { child, log, .. } = self;
        Server { child, address, log }
    }

    /// Waits until the server says where it listens.
    async fn listening(&mut self) -> SocketAddr {
        let Starting { address, log, .. } = self;
        match timeout(PATIENCE, address.wait_for(Option::is_some)).await {
            Ok(Ok(found)) => found.expect("waited for it"),
            Ok(Err(_)) => panic!("the server ended before it listened:\n{}", log.text()),
            Err(_) => panic!("the server did not say where it listens:\n{}", log.text()),
        }
    }

    /// Waits until the server is ready.
    pub(crate) async fn ready(mut self) -> Server {
        let address = self.listening().await;
        let Starting { child, log, .. } = self;
        let server = Server { child, address, log };
        let ready = async { while !matches!(get(address, "/readyz", None).await, Ok(Answer { status: 200, .. })) {} };
        if timeout(PATIENCE, ready).await.is_err() {
            panic!("the server did not become ready:\n{}", server.log());
        }
        server
    }

    /// Waits until the server is ready, or has ended by itself.
    pub(crate) async fn ready_or_ended(mut self) -> Option<Server> {
        let Starting { child, address, .. } = &mut self;
        tokio::select! {
            _ = child.wait() => return None,
            listening = timeout(PATIENCE, address.wait_for(Option::is_some)) => drop(listening),
        }
        Some(self.ready().await)
    }

    /// Kills it (SIGKILL) once it says where it listens, ready or not.
    pub(crate) async fn kill_when_listening(mut self) {
        self.listening().await;
        self.child.kill().await.expect("it was there to be killed");
    }

    /// Kills it (SIGKILL) wherever it is.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("it was there to be killed");
    }
}

impl Server {
    /// Where agents and boards connect.
    pub(crate) fn url(&self) -> String {
        format!("ws://{}/v1/ws", self.address)
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// What it wrote last.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// Waits until it has written something so often.
    pub(crate) async fn until_logged(&self, text: &str, times: usize) {
        let written = async {
            loop {
                let mut grew = pin!(self.log.grew.notified());
                // From here on a line is not missed.
                grew.as_mut().enable();
                if self.log().matches(text).count() >= times {
                    return;
                }
                grew.await;
            }
        };
        if timeout(PATIENCE, written).await.is_err() {
            panic!("the server did not write {text:?} {times} times:\n{}", self.log());
        }
    }

    /// Asks with GET.
    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        get(self.address, path, Some(token)).await.expect("the server answers")
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub(crate) async fn kill(mut self) {
        let ended = self.child.try_wait().expect("a child's status");
        assert!(ended.is_none(), "the server had ended by itself, {ended:?}:\n{}", self.log());
        self.child.kill().await.expect("it was there to be killed");
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("it was there to be told");
    }

    /// Asks it to stop as a service manager does (SIGTERM), and waits for its end.
    pub(crate) async fn terminate(mut self, within: Duration) -> ExitStatus {
        self.signal(Signal::TERM);
        match timeout(within, self.child.wait()).await {
            Ok(status) => status.expect("a child's status"),
            Err(_) => panic!("the server did not stop within {within:?}:\n{}", self.log()),
        }
    }
}

impl Log {
    /// Reads a pipe to its end, so that its writer never waits.
    async fn follow(self, pipe: impl AsyncRead + Unpin, announce: Arc<watch::Sender<Option<SocketAddr>>>) {
        let mut lines = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(address) = address_in(&line) {
                announce.send_if_modified(|known| known.is_none() && known.replace(address).is_none());
            }
            let mut kept = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == LOG_LINES_MAX {
                kept.pop_front();
            }
            kept.push_back(line);
            drop(kept);
            self.grew.notify_waiters();
        }
    }

    fn text(&self) -> String {
        let kept = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// The address in `listening on 127.0.0.1:40123`.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, after) = line.split_once("listening on ")?;
    after.split(|at: char| at.is_whitespace() || at == '"').next()?.parse().ok()
}

/// Runs the binary to its end.
pub(crate) async fn run(words: &[&str]) -> Ran {
    let output = timeout(RUN_PATIENCE, command(words).output()).await;
    let output = output.unwrap_or_else(|_| panic!("{words:?} did not end within {RUN_PATIENCE:?}")).expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("it writes UTF-8");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn command(words: &[&str]) -> Command {
    command_under(&[], words)
}

fn command_under(wrapper: &[&str], words: &[&str]) -> Command {
    let line = [wrapper, &[env!("CARGO_BIN_EXE_intervalo")], words].concat();
    let mut command = Command::new(line[0]);
    command.args(&line[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // The settings of whoever runs the tests are not those of the tests.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("INTERVALO_")) {
        command.env_remove(name);
    }
    command
}

async fn get(address: SocketAddr, path: &str, token: Option<&str>) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    let credential = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{credential}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let broken = || std::io::Error::other(format!("no answer of HTTP: {text:?}"));
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    Ok(Answer { status, body: body.to_owned() })
}

/// A path as a word of the command line.
pub(crate) fn text_of(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

#[test]
fn the_address_is_found_in_text_and_in_json() {
    let address = Some(SocketAddr::from(([127, 0, 0, 1], 40123)));
    assert_eq!(address_in("2026-11-22T20:57:49Z  INFO server: listening on 127.0.0.1:40123 address=x"), address);
    assert_eq!(address_in("{\"message\":\"listening on 127.0.0.1:40123\",\"level\":\"INFO\"}"), address);
    assert_eq!(address_in("connected to 127.0.0.1:40123"), None);
}
