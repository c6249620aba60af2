//! `intervalo demo`: the sample company in a temporary folder, with simulated agents that speak the
//! public protocol, and what it takes to join them by hand.
//!
//! `company` makes the sample quick, `folder` cleans up, `people` signs tokens and lets agents
//! live, `screen` prints what a board shows.

mod company;
mod folder;
mod guide;
mod people;
mod screen;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::args::Demo;
use super::failure::{Failure, print};
use super::import::write_merged;
use super::runtime::{cancelled_by_signals, wait_for};
use super::serve::{listen, start_logs};
use crate::auth::TokenKey;
use crate::clock::SystemClock;
use crate::config::{Config, Log, LogFormat, LogLevel};
use crate::domain::time::Timestamp;
use crate::ports::Clock;
use crate::server;
use crate::store::SqliteJournal;
use company::Company;
use folder::TemporaryFolder;
use people::Tokens;
use screen::Screen;

/// The first port that is tried, and how many after it, before any free one is taken.
const PORTS: std::ops::Range<u16> = 8080..8100;

pub(super) fn run(flags: &Demo) -> Result<(), Failure> {
    start_logs(Log { format: LogFormat::Text, level: LogLevel::Warn })?;
    wait_for(async {
        let signals = cancelled_by_signals()?;
        let folder = TemporaryFolder::make()?;
        let outcome = play(flags, &folder, signals).await;
        // Also when the demo failed; what it failed with is the better story.
        let removed = folder.remove();
        outcome.and(removed)
    })
}

/// What a demo stands on.
struct Stage<'f> {
    folder: &'f TemporaryFolder,
    company: Company,
    tokens: Tokens,
    address: SocketAddr,
    clock: SystemClock,
}

async fn play(flags: &Demo, folder: &TemporaryFolder, signals: CancellationToken) -> Result<(), Failure> {
    let clock = SystemClock::start(Timestamp(0));
    let company = Company::build(flags.agents, clock.now())?;
    store(&company, folder, clock.clone()).await?;
    let key = TokenKey::read_or_make(folder.path()).map_err(Failure::new)?;
    let tokens = Tokens::sign(&key, &company, clock.now())?;

    let listener = free_listener()?;
    let address = listener.local_addr().map_err(Failure::new)?;
    let stop_server = CancellationToken::new();
    let config = Config { data: folder.path().to_owned(), listen: vec![address], ..Config::default() };
    let serving = tokio::spawn(server::run(config, vec![listener], stop_server.clone(), None));

    let stage = Stage { folder, company, tokens, address, clock };
    let shown = show(flags, &stage, signals).await;
    stop_server.cancel();
    let served = match serving.await {
        Ok(served) => served.map_err(Failure::new),
        Err(error) => Err(Failure::new(format_args!("the server broke down: {error}"))),
    };
    // When the server failed, whatever the screen says is only a consequence.
    served.and(shown)
}

/// Writes the company into the folder, as an import would.
async fn store(company: &Company, folder: &TemporaryFolder, clock: SystemClock) -> Result<(), Failure> {
    let journal = SqliteJournal::open(folder.path(), Arc::new(clock.clone())).await.map_err(Failure::new)?;
    let written = write_merged(&journal, &company.tenant, company.merged.clone(), clock.now()).await;
    journal.close().await;
    written.map_err(Failure::new)
}

/// Prints the guide, lets the agents live, and prints what the board shows until it is time to stop.
async fn show(flags: &Demo, stage: &Stage<'_>, signals: CancellationToken) -> Result<(), Failure> {
    let Stage { folder, company, tokens, address, clock } = stage;
    let url = format!("ws://{address}/v1/ws");
    let mut screen = Screen::open(&url, &tokens.supervisor, company, clock.clone()).await?;
    print(guide::text(company, tokens, folder.path(), *address))?;
    let (stop_agents, stopped) = watch::channel(false);
    let mut agents = JoinSet::new();
    for driver in people::drivers(&url, tokens) {
        agents.spawn(driver.run(stopped.clone()));
    }
    let shown = tokio::select! {
        () = signals.cancelled() => Ok(()),
        () = elapsed(flags.seconds) => Ok(()),
        ended = screen.run() => ended,
    };
    stop_agents.send_replace(true);
    let mut tally = people::Tally::default();
    while let Some(report) = agents.join_next().await {
        match report {
            Ok(report) => tally.add(&report),
            Err(error) => tally.broke(&error),
        }
    }
    let verdict = screen.close().await;
    // Said after the board's lines, also when the reader of standard output has gone.
    shown.and(print(format_args!("\n{tally}{verdict}")))
}

/// Completes after so many seconds; never without a number.
async fn elapsed(seconds: Option<u64>) {
    match seconds {
        // The demo is a client, and lives in real time; the timeout of what never comes is a wait.
        Some(seconds) => {
            let _ = tokio::time::timeout(Duration::from_secs(seconds), std::future::pending::<()>()).await;
        }
        None => std::future::pending().await,
    }
}

/// The usual port, else the next that is free.
fn free_listener() -> Result<TcpListener, Failure> {
    let wanted = SocketAddr::from(([127, 0, 0, 1], PORTS.start));
    for port in PORTS {
        if let Ok(listener) = listen(SocketAddr::from(([127, 0, 0, 1], port))) {
            if port != PORTS.start {
                Failure::new(format_args!("note: {wanted} is taken, the demo is on port {port}")).print();
            }
            return Ok(listener);
        }
    }
    listen(SocketAddr::from(([127, 0, 0, 1], 0)))
}
