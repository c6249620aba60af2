//! How soon the server serves again after `kill -9`, how soon what fell due meanwhile is on record, and what an
//! agent on a pause costs while nobody is connected.
//!
//! `cargo build --release && cargo run --release --example revival`
//!
//! Companies are written through the product's own store by a process that is then killed; each round works on a
//! copy. What must hold is checked while it is measured: the first reply and the first row of an agent, every
//! acknowledged command, every threshold once, `intervalo verify`. Linux only.

mod administration;
mod board;
mod company;
mod figures;
mod journal;
mod memory;
mod rounds;
mod server;
#[path = "../../tests/support/stored_company.rs"]
mod stored_company;

use std::error::Error;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use intervalo::clock::SystemClock;
use intervalo::domain::time::{Timestamp, hours};
use intervalo::ports::Clock;

use stored_company::Plan;

/// What any step may fail with.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// How long the server of before has been down when all open pauses are to be overdue: past every threshold, and
/// short of the four hours after which a pause is abandoned.
const DOWN_FOR: std::time::Duration = hours(2);

/// Starts after kill -9, and memory per agent.
#[derive(Parser)]
struct Arguments {
    /// The server to be measured.
    #[arg(long, default_value = "target/release/intervalo")]
    binary: PathBuf,
    /// How many agents the company has.
    #[arg(long, default_value_t = 100_000)]
    agents: u64,
    /// How many of them are on a pause.
    #[arg(long, default_value_t = 10_000)]
    paused: u64,
    /// How many events its journal has.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// How often each figure is taken.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// What to measure; everything, unless it is said.
    #[command(subcommand)]
    what: Option<What>,
}

/// What to measure.
#[derive(Subcommand)]
enum What {
    /// Starts with no pause overdue.
    Punctual,
    /// Starts with all open pauses overdue.
    Overdue,
    /// Memory of agents who are on a pause and not connected.
    Memory,
    /// A dry run over all that is on record, and people who move.
    Administration,
    /// Writes a company, says how many events it has, and waits to be killed.
    #[command(hide = true)]
    Write(Written),
}

/// The company that is to be written.
#[derive(clap::Args)]
struct Written {
    data: PathBuf,
    #[arg(long)]
    overdue: bool,
    #[arg(long)]
    disconnected: bool,
}

fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match &arguments.what {
            Some(What::Write(written)) => write(&arguments, written).await,
            Some(What::Punctual) => rounds::punctual(&arguments).await,
            Some(What::Overdue) => rounds::overdue(&arguments).await,
            Some(What::Memory) => memory::of_agents(&arguments).await,
            Some(What::Administration) => administration::of_a_large_company(&arguments).await,
            None => {
                rounds::punctual(&arguments).await?;
                rounds::overdue(&arguments).await?;
                memory::of_agents(&arguments).await?;
                administration::of_a_large_company(&arguments).await
            }
        }
    })
}

async fn write(arguments: &Arguments, written: &Written) -> Outcome<()> {
    let now = SystemClock::start(Timestamp(0)).now();
    let plan = Plan {
        agents: arguments.agents,
        paused: arguments.paused,
        events: arguments.events,
        down_at: if written.overdue { now.minus(DOWN_FOR) } else { now },
        short: written.overdue,
        connected: !written.disconnected,
    };
    let (_journal, events) = stored_company::write(&written.data, &plan).await;
    println!("{events}");
    std::future::pending().await
}
