//! Memory per idle connection, and the time to start: N agents signed in over the public protocol, nothing
//! happening, the server's resident memory read from the system.
//!
//! `cargo build --release && cargo run --release -p intervalo-loadtest --example idle -- target/release/intervalo 1000`
//!
//! It makes a company in a temporary folder, starts the server on a free port, and stops it again. Linux only.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use intervalo_loadtest::Client;
use serde_json::json;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How many sign-ins are under way at once.
const IN_FLIGHT: usize = 64;
/// How often each figure is taken.
const ROUNDS: usize = 5;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(binary), Some(agents)) = (arguments.next(), arguments.next()) else {
        return Err("usage: idle PATH_OF_INTERVALO AGENTS".into());
    };
    let agents: usize = agents.parse()?;
    let folder = Folder::make()?;
    let data = folder.0.join("data");
    let file = folder.0.join("company.toml");
    std::fs::write(&file, company(agents)?)?;
    run(&binary, &["import", path(&file)?, "--data", path(&data)?])?;
    let tokens = (0..agents).map(|n| token(&binary, path(&data)?, n)).collect::<Outcome<Vec<String>>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;

    let (mut starts, mut each) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let server = Server::start(&binary, path(&data)?)?;
        starts.push(began.elapsed().as_secs_f64() * 1000.0);
        let before = server.resident_kib()?;
        let clients = runtime.block_on(connect_all(&server.url, &tokens))?;
        let after = server.resident_kib()?;
        each.push((after as f64 - before as f64) / agents as f64);
        println!("{agents} agents signed in: {before} KiB before, {after} KiB after");
        drop(clients);
    }
    println!("KiB per idle connection, agent and state: {}", spread(&mut each));
    println!(
        "ms from exec to listening (after the first round with {agents} agents to revive): {}",
        spread(&mut starts)
    );
    Ok(())
}

async fn connect_all(url: &str, tokens: &[String]) -> Outcome<Vec<Client>> {
    let mut clients = Vec::with_capacity(tokens.len());
    for some in tokens.chunks(IN_FLIGHT) {
        let connecting = some.iter().map(|token| async move {
            let client = Client::connect(url, token).await?;
            client.call("agent.get", json!({})).await?;
            Ok::<Client, Box<dyn Error>>(client)
        });
        for client in futures_util::future::join_all(connecting).await {
            clients.push(client?);
        }
    }
    Ok(clients)
}

fn company(agents: usize) -> Outcome<String> {
    let mut text = String::from("[tenant]\nid = \"idle\"\nname = \"Idle\"\nzone = \"America/Sao_Paulo\"\n");
    text.push_str("[[team]]\nid = \"all\"\nname = \"All\"\n");
    for n in 0..agents {
        write!(text, "[[agent]]\nid = \"agent-{n}\"\nname = \"Agent {n}\"\nteams = [\"all\"]\n")?;
    }
    Ok(text)
}

fn token(binary: &str, data: &str, n: usize) -> Outcome<String> {
    let subject = format!("agent-{n}");
    let told = run(binary, &["token", "--data", data, "--tenant", "idle", "--role", "agent", "--subject", &subject])?;
    Ok(told.trim().to_owned())
}

fn run(binary: &str, arguments: &[&str]) -> Outcome<String> {
    let output = Command::new(binary).args(arguments).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn path(path: &Path) -> Outcome<&str> {
    path.to_str().ok_or_else(|| "the temporary folder's path is not UTF-8".into())
}

fn spread(figures: &mut [f64]) -> String {
    figures.sort_by(f64::total_cmp);
    let (first, last) = (figures.first().copied().unwrap_or(0.0), figures.last().copied().unwrap_or(0.0));
    format!("median {:.1} (min {first:.1}, max {last:.1}, {} rounds)", figures[figures.len() / 2], figures.len())
}

/// A server of its own, ended with this value.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(binary: &str, data: &str) -> Outcome<Server> {
        let arguments = ["serve", "--data", data, "--listen", "127.0.0.1:0", "--log-format", "json"];
        let mut child = Command::new(binary).args(arguments).stderr(Stdio::piped()).spawn()?;
        let log = child.stderr.take().ok_or("no log")?;
        for line in BufReader::new(log).lines() {
            let line: serde_json::Value = serde_json::from_str(&line?)?;
            if let Some(address) = line.pointer("/fields/address").or(line.get("address")).and_then(|a| a.as_str()) {
                let url = format!("ws://{address}/v1/ws");
                return Ok(Server { child, url });
            }
        }
        Err("the server ended before it listened".into())
    }

    /// The resident memory of the server now, `VmRSS`; idle pages that were freed may still count.
    fn resident_kib(&self) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.split_whitespace().nth(1).ok_or("no figure")?.parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A temporary folder, removed with this value.
struct Folder(std::path::PathBuf);

impl Folder {
    fn make() -> Outcome<Folder> {
        let folder = std::env::temp_dir().join(format!("intervalo-idle-{}", std::process::id()));
        std::fs::create_dir(&folder)?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
