//! The real server as a child process, asked over HTTP and watched through the system's own figures.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::Outcome;
use super::figures::Watch;

/// How many of the system's clock ticks are a second, on every Linux (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// A server that is ready; killed with this value.
pub(crate) struct Server {
    child: Child,
    pid: u32,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Runs since just before the process was made.
    pub(crate) up: Watch,
    /// How long it took until `/readyz` answered 200, in seconds.
    pub(crate) ready_s: f64,
    /// How long it had been on a processor by then, all threads together, in seconds.
    pub(crate) cpu_s: f64,
}

impl Server {
    /// Starts one on a data folder, and waits until it is ready.
    pub(crate) async fn start(binary: &Path, data: &Path) -> Outcome<Server> {
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        // The settings of whoever measures are not those of what is measured.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("INTERVALO_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let up = Watch::start();
        let mut child = command.spawn()?;
        let pid = child.id().ok_or("the server has ended")?;
        let mut lines = BufReader::new(child.stderr.take().ok_or("no pipe")?).lines();
        let address = loop {
            let line = lines.next_line().await?.ok_or("the server ended before it listened")?;
            if let Some((_, after)) = line.split_once("listening on ") {
                break after.split_whitespace().next().ok_or("no address")?.parse()?;
            }
        };
        // Read to its end, so that the server never waits to write.
        tokio::spawn(async move { while let Ok(Some(_line)) = lines.next_line().await {} });
        let (status, _) = get(address, "/readyz", None).await?;
        let ready_s = up.seconds();
        if status != 200 {
            return Err(format!("/readyz answered {status}").into());
        }
        Ok(Server { child, pid, address, up, ready_s, cpu_s: processor_seconds(pid)? })
    }

    /// Calls a method that must succeed.
    pub(crate) async fn call(&self, token: &str, method: &str, params: Value) -> Outcome<Value> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let (status, text) = exchange(self.address, "POST", "/v1/rpc", Some(token), &body).await?;
        let answer: Value = serde_json::from_str(&text)?;
        match answer.get("result") {
            Some(result) if status == 200 => Ok(result.clone()),
            _ => Err(format!("{method} was answered {status}: {text}").into()),
        }
    }

    /// Puts something where it has to be taken.
    pub(crate) async fn put(&self, token: &str, path: &str, body: &Value) -> Outcome<()> {
        let (status, text) = exchange(self.address, "PUT", path, Some(token), &body.to_string()).await?;
        if matches!(status, 200 | 201) { Ok(()) } else { Err(format!("{path} was answered {status}: {text}").into()) }
    }

    /// One of the server's own figures.
    pub(crate) async fn figure(&self, name: &str) -> Outcome<f64> {
        let (_, text) = get(self.address, "/metrics", None).await?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.ok_or_else(|| format!("there is no figure {name}"))?.trim().parse()?)
    }

    /// The memory that this process has taken for itself, in KiB: without the pages of the program's file, of which the
    /// system keeps as many at hand as it likes.
    pub(crate) fn taken_kib(&self) -> Outcome<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).ok_or("no such figure of memory")?;
        Ok(line.split_whitespace().next().ok_or("no figure")?.parse()?)
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub(crate) async fn kill(mut self) -> Outcome<()> {
        Ok(self.child.kill().await?)
    }
}

fn processor_seconds(pid: u32) -> Outcome<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the program's name in brackets; of those after it, the 12th and 13th are
    // the time in user and kernel mode (proc_pid_stat(5)).
    let (_, after) = stat.rsplit_once(')').ok_or("no name")?;
    let ticks: Vec<f64> = after.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}

async fn get(address: SocketAddr, path: &str, token: Option<&str>) -> Outcome<(u16, String)> {
    exchange(address, "GET", path, token, "").await
}

async fn exchange(
    address: SocketAddr,
    verb: &str,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> Outcome<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let credential = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = body.len();
    let head = format!(
        "{verb} {path} HTTP/1.1\r\nhost: {address}\r\n{credential}content-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or("no answer of HTTP")?;
    let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
    Ok((status, body.to_owned()))
}
