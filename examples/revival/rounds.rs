//! Starts after `kill -9`: with no pause overdue, and with all of them.

use serde_json::{Value, json};

use super::board::Board;
use super::company::Company;
use super::figures::Series;
use super::journal::{Journal, verify};
use super::server::Server;
use super::stored_company::{AGENTS_PER_TEAM, LIMITED, THRESHOLD_KINDS, agent_id, team_id};
use super::{Arguments, Outcome};
use intervalo::domain::policy::OnLimit;

/// How many commands are acknowledged before a server is killed: fewer than one person may send at once.
const COMMANDS: u64 = 16;

/// Starts with no pause overdue: each round starts a server, has commands acknowledged, kills it, and takes the
/// time of the next start.
pub(crate) async fn punctual(arguments: &Arguments) -> Outcome<()> {
    println!("== no pause overdue");
    let company = Company::write(arguments, arguments.agents, arguments.paused, arguments.events, &[]).await?;
    let (mut ready, mut cpu) = (Series::new("s until ready"), Series::new("s of processor until ready"));
    let mut answered = Series::new("s until the first command was answered");
    for round in 0..arguments.rounds {
        let folder = company.copy(&format!("punctual-{round}"))?;
        let server = Server::start(&arguments.binary, folder.path()).await?;
        for number in 0..COMMANDS.min(arguments.paused) {
            extend(&server, &company.token, number, op(round, number)).await?;
        }
        server.kill().await?;
        let server = Server::start(&arguments.binary, folder.path()).await?;
        ready.take(server.ready_s);
        cpu.take(server.cpu_s);
        extend(&server, &company.token, arguments.paused - 1, op(round, COMMANDS)).await?;
        answered.take(server.up.seconds());
        server.kill().await?;
        let mut journal = Journal::open(folder.path()).await?;
        for number in 0..=COMMANDS.min(arguments.paused) {
            journal.check_command(op(round, number), &[]).await?;
        }
        if round + 1 == arguments.rounds {
            verify(&arguments.binary, folder.path()).await?;
        }
    }
    for series in [ready, cpu, answered] {
        println!("{series}");
    }
    Ok(())
}

/// Starts with every open pause overdue. In every second round the server is killed again as soon as it has
/// answered a command, while most of what fell due is not written, and the next start is taken too.
pub(crate) async fn overdue(arguments: &Arguments) -> Outcome<()> {
    println!("== every open pause overdue");
    let company =
        Company::write(arguments, arguments.agents, arguments.paused, arguments.events, &["--overdue"]).await?;
    let (mut ready, mut cpu) = (Series::new("s until ready"), Series::new("s of processor until ready"));
    let mut answered = Series::new("s until a command to an overdue agent was answered");
    let mut drained = Series::new("s until all that fell due was on record and shown");
    let mut ended = Series::new("s from the minute after readiness until the last limit had acted");
    for round in 0..arguments.rounds {
        let folder = company.copy(&format!("overdue-{round}"))?;
        let mut server = Server::start(&arguments.binary, folder.path()).await?;
        let mut commands = vec![op(round, 0)];
        ready.take(server.ready_s);
        cpu.take(server.cpu_s);
        // Whoever is woken last is asked first.
        check_overrun(&extend(&server, &company.token, arguments.paused - 1, op(round, 0)).await?["agent"])?;
        answered.take(server.up.seconds());
        if round % 2 == 1 {
            server.kill().await?;
            server = Server::start(&arguments.binary, folder.path()).await?;
            ready.take(server.ready_s);
            cpu.take(server.cpu_s);
            check_overrun(&extend(&server, &company.token, arguments.paused - 2, op(round, 1)).await?["agent"])?;
            commands.push(op(round, 1));
        }
        let mut board = Board::open(&server, &company.token, &teams(arguments.paused)).await?;
        board.snapshot().await?;
        drained.take(server.up.seconds());
        let left = server.figure("intervalo_agents_overdue").await?;
        let shown = board.rows.values().filter(|row| row["pause"].is_object());
        let overrun = shown.map(check_overrun).collect::<Outcome<Vec<()>>>()?.len() as u64;
        if left != 0.0 || overrun != arguments.paused {
            return Err(format!("{overrun} of {} are shown, {left} are overdue", arguments.paused).into());
        }
        if round + 1 == arguments.rounds {
            let ready_s = server.ready_s;
            board.wait_until(has_ended).await?;
            ended.take(server.up.seconds() - ready_s - 60.0);
        }
        server.kill().await?;
        let mut journal = Journal::open(folder.path()).await?;
        journal.check_thresholds(arguments.paused).await?;
        for op in commands {
            journal.check_command(op, &THRESHOLD_KINDS).await?;
        }
        if round + 1 == arguments.rounds {
            verify(&arguments.binary, folder.path()).await?;
        }
    }
    for series in [ready, cpu, answered, drained, ended] {
        println!("{series}");
    }
    Ok(())
}

/// Moves an agent's limit out, which is a command that is journaled and ends nothing.
async fn extend(server: &Server, token: &str, number: u64, op: u128) -> Outcome<Value> {
    let op = uuid::Uuid::from_u128(op).to_string();
    let params = json!({"agent": agent_id(number), "by_ms": 1, "reason": "measured", "op": op});
    server.call(token, "pause.extend", params).await
}

fn op(round: usize, number: u64) -> u128 {
    // Told apart from those of the company's past, which are small numbers.
    (1 << 100) + ((round as u128) << 64) + u128::from(number)
}

/// The teams of those who are on a pause.
fn teams(paused: u64) -> Vec<String> {
    (0..paused.div_ceil(AGENTS_PER_TEAM)).map(team_id).collect()
}

fn check_overrun(row: &Value) -> Outcome<()> {
    if row["pause"]["overrun"] == true { Ok(()) } else { Err(format!("shown before it was on record: {row}").into()) }
}

/// The limit has acted, where it does more than mark.
fn has_ended(row: &Value) -> bool {
    let marked = |code: &str| LIMITED.iter().any(|(limited, on_limit)| *limited == code && *on_limit == OnLimit::Mark);
    row["pause"].is_null() || row["pause"]["type"].as_str().is_some_and(marked)
}
