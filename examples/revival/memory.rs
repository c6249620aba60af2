//! What an agent costs who is on a pause while nobody is connected: the growth of the server's memory.

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

/// Memory with no agent, a tenth of them and all of them, each on a pause and disconnected. A board has looked at
/// every one.
///
/// # Errors
/// When one of many costs more than [`EACH_MAX_KIB`].
pub(crate) async fn of_agents(arguments: &Arguments) -> Outcome<()> {
    println!("== memory, everybody on a pause and disconnected");
    let mut none = None;
    for agents in [0, arguments.agents / 10, arguments.agents] {
        let company = Company::write(arguments, agents, agents, agents * EVENTS_EACH, &["--disconnected"]).await?;
        let (mut resident, mut proportional) = (Series::new("KiB resident"), Series::new("KiB proportional"));
        for round in 0..arguments.rounds {
            let folder = company.copy(&format!("memory-{agents}-{round}"))?;
            let server = Server::start(&arguments.binary, folder.path()).await?;
            let teams: Vec<String> = (0..agents.div_ceil(AGENTS_PER_TEAM)).map(team_id).collect();
            for some in teams.chunks(100) {
                Board::open(&server, &company.token, some).await?.snapshot().await?;
            }
            let (rss, pss) = server.memory_kib()?;
            resident.take(rss);
            proportional.take(pss);
            server.kill().await?;
        }
        println!("{agents} agents: {resident}; {proportional}");
        let figures = (resident.median(), proportional.median());
        match none {
            None => none = Some(figures),
            Some((rss, pss)) => {
                let each = (figures.0 - rss) / agents as f64;
                println!(
                    "{agents} agents: {each:.2} KiB resident each, {:.2} KiB proportional",
                    (figures.1 - pss) / agents as f64,
                );
                if agents >= ENOUGH && each > EACH_MAX_KIB {
                    return Err(format!("an agent on a pause costs {each:.2} KiB, more than {EACH_MAX_KIB}").into());
                }
            }
        }
    }
    Ok(())
}
