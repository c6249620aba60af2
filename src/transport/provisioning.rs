//! Agents whom the directory does not have when their session opens: refused, or put into it where their issuer provisions.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::agents::put;
use super::change::{Change, RETRY_AFTER, TRIES_MAX};
use super::{App, policy, rpc};
use crate::auth::{Newcomer, Principal, Role};
use crate::domain::directory::Person;
use crate::domain::directory_change::PersonProblem;
use crate::domain::id::{AgentId, TenantId};
use crate::domain::policy_values;
use crate::domain::time::Timestamp;
use crate::limits::Limit;
use crate::protocol::error::{ErrorKind, WireError};

/// How many people a tenant's issuers may put into the directory in a minute: the first morning of a large contact centre, and
/// too few to fill a disk with.
pub(super) const NEWCOMERS_PER_MINUTE_MAX: usize = 600;
/// What is counted together.
const MINUTE: Duration = Duration::from_secs(60);

/// When people were put into the directory of each tenant, as far back as it counts.
#[derive(Debug)]
pub(super) struct Newcomers {
    per_minute_max: usize,
    tenants: Mutex<BTreeMap<TenantId, VecDeque<Timestamp>>>,
}

impl Newcomers {
    pub(super) fn new(per_minute_max: usize) -> Newcomers {
        Newcomers { per_minute_max, tenants: Mutex::default() }
    }

    /// How many are counted, of all tenants.
    pub(super) fn counted(&self) -> usize {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner).values().map(VecDeque::len).sum()
    }

    /// Counts one more of a tenant that exists, or says after how long to come again and counts nothing.
    fn count(&self, tenant: &TenantId, now: Timestamp) -> Result<(), Duration> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let came = tenants.entry(tenant.clone()).or_default();
        while came.front().is_some_and(|at| now.since(*at) >= MINUTE) {
            came.pop_front();
        }
        if came.len() >= self.per_minute_max {
            Limit::Newcomers.reached();
            let room_at = came.front().map_or(now, |first| *first) + MINUTE;
            return Err(room_at.since(now).max(RETRY_AFTER));
        }
        came.push_back(now);
        Ok(())
    }
}

/// The agent that a principal is, where it is one: somebody of the directory of an existing tenant, from here on at the latest.
///
/// # Errors
/// [`WireError`] when there is no such tenant, or nobody of that id who may work there.
pub(super) async fn agent_of(app: &App, principal: &Principal) -> Result<Option<AgentId>, WireError> {
    app.router.tenant(&principal.tenant).ok_or_else(WireError::forbidden)?;
    if !principal.is(Role::Agent) {
        return Ok(None);
    }
    let agent = rpc::own_agent(principal)?;
    match (rpc::once_there(app, &principal.tenant, &agent), &principal.newcomer) {
        (Some(person), _) if person.left_at.is_none() => {}
        (None, Some(newcomer)) => provision(app, principal, newcomer, &agent).await?,
        // Whoever has left comes back by the directory alone.
        (Some(_), _) | (None, None) => return Err(WireError::unknown_agent()),
    }
    Ok(Some(agent))
}

/// Puts somebody into the directory, once however many sockets ask for it.
async fn provision(app: &App, principal: &Principal, newcomer: &Newcomer, agent: &AgentId) -> Result<(), WireError> {
    let tenant = &principal.tenant;
    let person = person_of(principal, newcomer, agent);
    let change = Change::by_issuer(app, tenant, &newcomer.issuer);
    let _turn = change.turn().await?;
    let mut is_counted = false;
    for _ in 0..TRIES_MAX {
        let facts = policy::facts_of(app, tenant)?;
        if let Some(there) = facts.directory.agents.get(agent) {
            // Another socket was first, or an administrator.
            return if there.left_at.is_none() { Ok(()) } else { Err(WireError::unknown_agent()) };
        }
        let next = facts.directory.with_person(person.clone()).map_err(|problem| cannot_come(&problem))?;
        let now = app.clock.now();
        if !std::mem::replace(&mut is_counted, true) {
            app.newcomers.count(tenant, now).map_err(WireError::unavailable)?;
        }
        if put(&change, now, next).await? {
            metrics::counter!("intervalo_agents_provisioned_total").increment(1);
            tracing::info!(tenant.id = %tenant, agent.id = %agent, issuer = %newcomer.issuer,
                "agent {agent} is put into the directory of {tenant} on the word of {}", newcomer.issuer);
            return Ok(());
        }
    }
    Err(WireError::unavailable(RETRY_AFTER))
}

/// A person as the credential says. A name that cannot be shown is no reason to send somebody home: the id stands in for it.
fn person_of(principal: &Principal, newcomer: &Newcomer, agent: &AgentId) -> Person {
    let name = newcomer.name.as_deref().and_then(|name| policy_values::name(name.trim()).ok());
    Person {
        id: agent.clone(),
        name: name.unwrap_or_else(|| agent.to_string()),
        teams: principal.teams.iter().flatten().cloned().collect(),
        zone: None,
        capacity: BTreeMap::new(),
        left_at: None,
    }
}

fn cannot_come(problem: &PersonProblem) -> WireError {
    match problem {
        PersonProblem::NoSuchTeam(team) => {
            let message =
                format!("The credential puts the agent into the team {:?}, which does not exist.", team.as_str());
            WireError::new(ErrorKind::Refused, "unknown_team", message).with("team", team.as_str())
        }
        PersonProblem::TooManyTeams => {
            let message = "The credential puts the agent into more teams than a person may have.";
            WireError::new(ErrorKind::Refused, "too_many_teams", message)
        }
        PersonProblem::TooManyPeople => {
            Limit::People.reached();
            WireError::new(ErrorKind::Refused, "quota_exceeded", "The company has as many people as it may have.")
        }
        // A set names nobody twice, nobody is given a channel, and whoever has left is refused before.
        PersonProblem::TeamTwice(_) | PersonProblem::NoSuchChannel(_) | PersonProblem::IdOfAnother => {
            WireError::unknown_agent()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_may_come_in_any_minute_of_each_tenant() {
        let newcomers = Newcomers::new(3);
        let (acme, outra) = (TenantId::new("acme").expect("an id"), TenantId::new("outra").expect("an id"));
        let at = |ms: i64| Timestamp(1_000_000 + ms);
        for ms in [0, 30_000, 59_000] {
            assert_eq!(newcomers.count(&acme, at(ms)), Ok(()));
        }
        assert_eq!(newcomers.count(&acme, at(50_000)), Err(Duration::from_secs(10)));
        assert_eq!(newcomers.count(&acme, at(59_999)), Err(RETRY_AFTER), "a refusal counts for nothing");
        assert_eq!(newcomers.count(&outra, at(59_999)), Ok(()));
        assert_eq!(newcomers.count(&acme, at(60_000)), Ok(()));
        assert_eq!(newcomers.count(&acme, at(60_001)), Err(Duration::from_millis(29_999)));
    }
}
