//! What can be typed. The doc comments are the help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use super::company::{AGENTS_MAX, Company};
use super::day::DayArgs;
use super::fanout::PeerAddress;
use super::hostile::Kind;
use super::profile::RunArgs;
use super::soak::SoakArgs;

/// The most connections of one load.
pub(super) const CONNECTIONS_MAX: u64 = AGENTS_MAX as u64;

/// Puts an Intervalo server under load, beside the least that the same work would cost on this machine, and
/// checks its promises meanwhile
///
/// Exit codes: 0 all promises held, 1 no figures could be taken, 2 wrong usage, 3 a promise was broken.
#[derive(Debug, Parser)]
#[command(name = "intervalo-loadtest", version, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Durable pause starts and ends, beside a bare group commit on the same disk
    Commands(CommandsArgs),
    /// Agents who are signed in and do nothing: memory, sign-ins a second, the cost of pings
    Idle(IdleArgs),
    /// Boards that hear of every change, beside a bare fan-out
    Fanout(FanoutArgs),
    /// Commands and boards of honest clients, beside hostile ones and without them
    Hostile(HostileArgs),
    /// Agents who sign in from nothing, beside a bare handshake
    Signin(SigninArgs),
    /// Many agents ask for a pause at once, of which a few may be away: the line, its order and its end
    LunchRush(LunchRushArgs),
    /// Everybody is lost and comes back at once, boards with a snapshot, while others stay and watch
    Reconnect(ReconnectArgs),
    /// A long time under an even load, while connections are lost and come back: does anything grow?
    Soak(SoakArgs),
    /// A day of a contact centre in a minute: who comes, pauses, is refused, is lost and leaves
    Day(DayArgs),
    /// Run the loads of a profile, a file of TOML, one after the other
    Run(RunArgs),
    /// Print the import file of the company that a running server needs for --url
    Company(CompanyArgs),
    /// The writer of the bare fan-out in a process of its own, which the load test starts by itself
    #[command(hide = true)]
    FloorWriter,
    /// The other side of the bare handshake in a process of its own, which the load test starts by itself
    #[command(hide = true)]
    BareHandshake,
    /// The hostile clients in a process of their own, which the load test starts by itself
    #[command(hide = true)]
    HostileClients,
}

impl Command {
    /// Which server a scenario is run against; none of commands that are no scenario.
    pub(super) fn target_mut(&mut self) -> Option<&mut TargetArgs> {
        match self {
            Command::Commands(args) => Some(&mut args.target),
            Command::Idle(args) => Some(&mut args.target),
            Command::Fanout(args) => Some(&mut args.target),
            Command::Hostile(args) => Some(&mut args.target),
            Command::Signin(args) => Some(&mut args.target),
            Command::LunchRush(args) => Some(&mut args.target),
            Command::Reconnect(args) => Some(&mut args.target),
            Command::Soak(args) => Some(&mut args.target),
            Command::Day(args) => Some(&mut args.target),
            Command::Run(_)
            | Command::Company(_)
            | Command::FloorWriter
            | Command::BareHandshake
            | Command::HostileClients => None,
        }
    }
}

/// Which server. Without --server and --url, the `intervalo` beside this program is started.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct TargetArgs {
    /// Start this `intervalo` on a temporary data folder
    #[arg(long, value_name = "PATH")]
    pub(super) server: Option<PathBuf>,
    /// Use a server that runs: ws://HOST:PORT/v1/ws
    #[arg(long, value_name = "URL", conflicts_with_all = ["server", "store"], requires = "key")]
    pub(super) url: Option<String>,
    /// The `token.key` of the server that runs
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(super) key: Option<PathBuf>,
    /// The process of the server that runs, on this machine, to tell its CPU and memory
    #[arg(long, value_name = "PID", requires = "url")]
    pub(super) pid: Option<u32>,
    /// The tenant [default: loadtest]
    #[arg(long, value_name = "ID")]
    pub(super) tenant: Option<String>,
    /// Passed on to `intervalo import` and `intervalo serve`: a store other than SQLite in the data folder
    #[arg(long, value_name = "URL")]
    pub(super) store: Option<String>,
    /// Where temporary files go, the data folder and the floor's file among them: a folder on the disk to measure
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Give core 0 to the server, or to the floor in its turn, and core 1 to the load generator
    #[arg(long)]
    pub(super) pin: bool,
    /// Write the report here as JSON too (docs/loadtest.md); of `run`, a folder with one file for each load
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Write the report here as one page of HTML too, with charts
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct CommandsArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// Numbers of connections that each wait for their reply, with commas between
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_value = "1,8,64", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub(super) connections: Vec<u64>,
    /// Commands a second of the open loop, over the greatest of these numbers of connections; 0 leaves it out
    #[arg(long, value_name = "N", default_value = "1000", value_parser = rate)]
    pub(super) rate: f64,
    /// How long each load runs before it is measured
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = span)]
    pub(super) warm_up: Duration,
    /// How long each load is measured
    #[arg(long, value_name = "SPAN", default_value = "3s", value_parser = positive_span)]
    pub(super) time: Duration,
    /// How often floor and server take turns
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) pairs: u32,
    /// The size of the floor's records; by default, what one command adds to the data of a server of ours
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(super) record_bytes: Option<u64>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct IdleArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// How many agents sign in
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub agents: u64,
    /// How many sign-ins are under way at once
    #[arg(long, value_name = "N", default_value = "64", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub in_flight: u64,
    /// How often all of it is done, each time with a server started anew
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// How long nothing happens but pings, which come every 25 s; 0s leaves it out
    #[arg(long, value_name = "SPAN", default_value = "0s", value_parser = span)]
    pub hold: Duration,
    /// How often in each round everybody is lost and comes back at once
    #[arg(long, value_name = "N", default_value = "0", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub storms: u32,
}

#[derive(Debug, Clone, Args)]
pub(super) struct FanoutArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// How many boards, all of one team
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub boards: u64,
    /// How many agents that team has
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub agents: u64,
    /// Changes a second of the open loop; 0 leaves it out
    #[arg(long, value_name = "N", default_value = "60", value_parser = rate)]
    pub rate: f64,
    /// Changes under way in the closed loop; 0 leaves it out [default: 32, 8 or 4, for about 100, 1,000 or 10,000 boards]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=CONNECTIONS_MAX))]
    pub window: Option<u64>,
    /// How long each load runs before it is measured
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = span)]
    pub warm_up: Duration,
    /// How long each load is measured
    #[arg(long, value_name = "SPAN", default_value = "5s", value_parser = positive_span)]
    pub time: Duration,
    /// How often server and floor take turns
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub pairs: u32,
    /// Another server that takes turns as well, may be given several times: axum, mosquitto, nats, nchan or ws, where
    /// sockets are opened, where it is spoken to if that is elsewhere, and its processes
    #[arg(long = "peer", value_name = "KIND=ADDRESS[/ADDRESS][@PID+PID]")]
    pub peers: Vec<PeerAddress>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct HostileArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// How many connections, all together
    #[arg(long, value_name = "N", default_value = "10000", value_parser = clap::value_parser!(u64).range(10..=CONNECTIONS_MAX))]
    pub connections: u64,
    /// How many of them are hostile, in the rounds with them: 10%
    #[arg(long, value_name = "PERCENT", default_value = "10%", value_parser = percent)]
    pub hostile: u64,
    /// What the hostile ones do, in equal shares, with commas between [default: everything]
    #[arg(long, value_name = "KIND,KIND", value_delimiter = ',')]
    pub kinds: Vec<Kind>,
    /// How many honest boards watch all agents
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub boards: u64,
    /// How many of the honest agents give commands, in turn
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub callers: u64,
    /// Commands a second, at fixed instants
    #[arg(long, value_name = "N", default_value = "200", value_parser = positive_rate)]
    pub rate: f64,
    /// How long each round runs before it is measured
    #[arg(long, value_name = "SPAN", default_value = "5s", value_parser = span)]
    pub warm_up: Duration,
    /// How long each round is measured
    #[arg(long, value_name = "SPAN", default_value = "20s", value_parser = positive_span)]
    pub time: Duration,
    /// How often rounds without and with hostile clients take turns
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub pairs: u32,
    /// Let the hostile ones come from the address of the honest ones, as behind one NAT, and not from 127.0.0.2
    #[arg(long)]
    pub one_address: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct SigninArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// How many agents sign in
    #[arg(long, value_name = "N", default_value = "10000", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub agents: u64,
    /// How many sign-ins are under way at once
    #[arg(long, value_name = "N", default_value = "256", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub in_flight: u64,
    /// How often floor and server take turns, each time with a company in which nobody has signed in
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub pairs: u32,
}

#[derive(Debug, Clone, Args)]
pub(super) struct LunchRushArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// How many agents ask, all within one second
    #[arg(long, value_name = "N", default_value = "2000", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub agents: u64,
    /// How many of them may be on the pause at once
    #[arg(long, value_name = "N", default_value = "200", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub slots: u64,
    /// How long each of them stays
    #[arg(long, value_name = "SPAN", default_value = "2s", value_parser = positive_span)]
    pub pause: Duration,
    /// How many boards watch all of them
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub boards: u64,
    /// How often all of it is done
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
}

#[derive(Debug, Clone, Args)]
pub(super) struct ReconnectArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// How many agents, those who stay among them
    #[arg(long, value_name = "N", default_value = "10000", value_parser = clap::value_parser!(u64).range(2..=CONNECTIONS_MAX))]
    pub agents: u64,
    /// How many agents a team has
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub team_size: u64,
    /// How many boards are lost and come back, each of one team
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u64).range(0..=CONNECTIONS_MAX))]
    pub boards: u64,
    /// How many boards of the first team stay
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub stayers: u64,
    /// How many agents of the first team stay, and start and end pauses in turn
    #[arg(long, value_name = "N", default_value = "20", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub callers: u64,
    /// Pauses that they start or end in a second, at fixed instants
    #[arg(long, value_name = "N", default_value = "60", value_parser = positive_rate)]
    pub rate: f64,
    /// How many are on their way back at once
    #[arg(long, value_name = "N", default_value = "256", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub in_flight: u64,
    /// How often everybody is lost
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub storms: u32,
    /// How long it goes on undisturbed before each storm, before that is measured
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = span)]
    pub warm_up: Duration,
    /// How long that is measured
    #[arg(long, value_name = "SPAN", default_value = "5s", value_parser = positive_span)]
    pub time: Duration,
    /// Kill the server each time and start it anew, so that those who stay are lost as well
    #[arg(long, conflicts_with = "url")]
    pub restart: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct CompanyArgs {
    /// How many agents
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub(super) agents: u64,
    /// The tenant
    #[arg(long, value_name = "ID", default_value = super::company::TENANT)]
    pub(super) tenant: String,
    /// How many of a team may be on a pause at once, as `lunch-rush` needs it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub(super) slots: Option<u64>,
    /// How many agents a team has [default: all of them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=CONNECTIONS_MAX))]
    pub(super) team_size: Option<u64>,
}

impl CompanyArgs {
    /// What is asked for.
    pub(super) fn company(&self) -> Company {
        let size = |number: u64| number as usize;
        Company { agents: size(self.agents), slots: self.slots.map(size), team_size: self.team_size.map(size) }
    }
}

/// A rate, in numbers a second.
fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && (0.0..=1e6).contains(rate));
    rate.ok_or_else(|| "expected a number from 0 to 1000000".to_owned())
}

pub(super) fn positive_rate(text: &str) -> Result<f64, String> {
    rate(text).and_then(|rate| if rate > 0.0 { Ok(rate) } else { Err("must not be 0".to_owned()) })
}

/// A share: `10%`.
fn percent(text: &str) -> Result<u64, String> {
    let percent = text.strip_suffix('%').and_then(|digits| digits.parse().ok());
    percent.filter(|percent| (1..=50).contains(percent)).ok_or_else(|| "expected a share from 1% to 50%".to_owned())
}

/// A span of time: `500ms`, `3s`, `2m`.
fn span(text: &str) -> Result<Duration, String> {
    let split = text.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let wrong = || format!("expected a span such as 500ms, 3s or 2m, found {text:?}");
    let number: u32 = digits.parse().map_err(|_| wrong())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number.into())),
        "s" => Ok(Duration::from_secs(number.into())),
        "m" => Ok(Duration::from_secs(u64::from(number) * 60)),
        _ => Err(wrong()),
    }
}

pub(super) fn positive_span(text: &str) -> Result<Duration, String> {
    span(text).and_then(|span| if span.is_zero() { Err("must not be 0".to_owned()) } else { Ok(span) })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn verify_cli() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn spans_have_a_unit() {
        let ok = |text| span(text).ok();
        assert_eq!(ok("250ms"), Some(Duration::from_millis(250)));
        assert_eq!((ok("3s"), ok("2m")), (Some(Duration::from_secs(3)), Some(Duration::from_secs(120))));
        for text in ["", "3", "s", "3h", "-1s", "1.5s", "99999999999s"] {
            assert!(span(text).is_err(), "{text}");
        }
        assert!(positive_span("0s").is_err());
    }

    #[test]
    fn what_cannot_be_is_refused_by_the_flag_that_says_it() {
        let cases = [
            ("commands --connections 0", "invalid value '0' for '--connections"),
            ("commands --rate -1", "unexpected argument '-1'"),
            ("commands --rate=NaN", "expected a number from 0 to 1000000"),
            ("commands --time 0s", "must not be 0"),
            ("commands --pairs 0", "invalid value '0' for '--pairs"),
            ("commands --url ws://x:1", "--key <FILE>"),
            ("commands --pid 4", "--url <URL>"),
            ("commands --url ws://x:1 --key k --store s", "cannot be used with"),
            ("reconnect --restart --url ws://x:1 --key k", "cannot be used with"),
            ("lunch-rush --pause 0s", "must not be 0"),
            ("hostile --hostile 10", "expected a share from 1% to 50%"),
            ("hostile --hostile 51%", "expected a share from 1% to 50%"),
            ("hostile --rate 0", "must not be 0"),
            ("hostile --kinds junk,idle", "invalid value 'idle' for '--kinds"),
        ];
        for (line, expected) in cases {
            let words = std::iter::once("intervalo-loadtest").chain(line.split(' '));
            let error = Arguments::try_parse_from(words).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
