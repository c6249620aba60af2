//! What an administrator's work costs in a company with a past: a draft held against all that is on record, and people
//! who move one by one.

use serde_json::{Value, json};

use super::company::Company;
use super::figures::{Series, Watch};
use super::server::Server;
use super::stored_company::{agent_id, team_id};
use super::{Arguments, Outcome};

/// How many people move in a round: fewer than one person may ask for at once.
const MOVES: u64 = 8;

/// Dry runs over the whole record, and changes of single people while nobody else asks.
///
/// # Errors
/// When something is answered otherwise than it should be.
pub(crate) async fn of_a_large_company(arguments: &Arguments) -> Outcome<()> {
    println!("== an administrator's work");
    let Arguments { agents, paused, events, .. } = *arguments;
    let company = Company::write(arguments, agents, paused, events, &[]).await?;
    let mut dry_run = Series::new("s for a dry run of 31 days");
    let mut move_ms = Series::new("ms for a person who moves");
    let mut starts = Value::Null;
    for round in 0..arguments.rounds {
        let folder = company.copy(&format!("administration-{round}"))?;
        let server = Server::start(&arguments.binary, folder.path()).await?;
        let policy = server.call(&company.token, "policy.get", json!({})).await?;
        let mut types = policy["types"].clone();
        for kind in types.as_array_mut().ok_or("no list of types")? {
            if kind["class"] != "protected" {
                kind["quota_count"] = json!(1);
            }
        }
        let draft = json!({"types": types, "base_version": policy["version"]});
        server.call(&company.token, "policy.put_draft", draft).await?;
        let watch = Watch::start();
        let found = server.call(&company.token, "policy.dry_run", json!({"days": 31})).await?;
        dry_run.take(watch.seconds());
        starts = found["starts"].clone();
        for number in 0..MOVES {
            let path = format!("/v1/agents/{}", agent_id(number * (agents / MOVES).max(1)));
            let person = json!({"name": "Moved", "teams": [team_id(number % 2)]});
            let watch = Watch::start();
            server.put(&company.token, &path, &person).await?;
            move_ms.take(watch.seconds() * 1000.0);
        }
        server.kill().await?;
    }
    println!("{events} events of {agents} agents: {dry_run}; {starts} starts were judged");
    println!("{agents} agents in the directory: {move_ms}");
    Ok(())
}
