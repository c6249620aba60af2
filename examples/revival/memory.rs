//! What one more agent costs who is on a pause while nobody is connected: the growth of the memory that the server
//! has taken from the system, what was needed only to start and is not given back included.

use super::board::Board;
use super::company::Company;
use super::figures::Series;
use super::server::Server;
use super::stored_company::{AGENTS_PER_TEAM, team_id};
use super::{Arguments, Outcome};

/// A pause, and what leads to it, is this many events: two days of which the second ends on it.
const EVENTS_EACH: u64 = 11;
/// How much one may cost.
const EACH_MAX_KIB: f64 = 4.0;
/// How many agents tell that well enough: with fewer, the server's own memory varies by more than theirs.
const ENOUGH: u64 = 5000;

/// Memory with no agent, a tenth of them and all of them, each on a pause and disconnected: as they are after a start,
/// and after boards have looked at every one.
///
/// # Errors
/// When one of many costs more than [`EACH_MAX_KIB`] before anybody looked.
pub(crate) async fn of_agents(arguments: &Arguments) -> Outcome<()> {
    println!("== memory, everybody on a pause and disconnected");
    let mut fewer: Option<(u64, f64, f64)> = None;
    for agents in [0, arguments.agents / 10, arguments.agents] {
        let company = Company::write(arguments, agents, agents, agents * EVENTS_EACH, &["--disconnected"]).await?;
        let mut taken = Series::new("KiB taken");
        let mut shown = Series::new("KiB taken when boards have looked at everybody");
        for round in 0..arguments.rounds {
            let folder = company.copy(&format!("memory-{agents}-{round}"))?;
            let server = Server::start(&arguments.binary, folder.path()).await?;
            taken.take(server.taken_kib()?);
            let teams: Vec<String> = (0..agents.div_ceil(AGENTS_PER_TEAM)).map(team_id).collect();
            for some in teams.chunks(100) {
                Board::open(&server, &company.token, some).await?.snapshot().await?;
            }
            shown.take(server.taken_kib()?);
            server.kill().await?;
        }
        println!("{agents} agents: {taken}; {shown}");
        let (now, when_shown) = (taken.median(), shown.median());
        if let Some((of, before, before_shown)) = fewer {
            let each = |now: f64, before: f64| (now - before) / (agents - of) as f64;
            let (rests, looked_at) = (each(now, before), each(when_shown, before_shown));
            println!("from {of} to {agents} agents: {rests:.2} KiB each, {looked_at:.2} KiB when boards have looked");
            if agents >= ENOUGH && rests > EACH_MAX_KIB {
                return Err(format!("an agent on a pause costs more than {EACH_MAX_KIB} KiB").into());
            }
        }
        fewer = Some((agents, now, when_shown));
    }
    Ok(())
}
