//! Who takes part: tokens for all, and the simulated agents.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use intervalo_loadtest::{AgentDriver, AgentReport, Pace};

use super::company::{Company, VISITOR};
use crate::auth::{Grant, Role, TokenKey};
use crate::cli::failure::Failure;
use crate::domain::id::PrincipalId;
use crate::domain::time::{Timestamp, hours};

/// How long the demo's tokens hold; the key goes with the folder.
const TOKENS_HOLD: Duration = hours(24);
/// How fast the agents live: slow enough to be read by a person.
const PACE: Pace = Pace { min: Duration::from_secs(2), max: Duration::from_secs(12) };
/// The supervisor's id.
pub(super) const SUPERVISOR: &str = "supervisora";
/// How many failures are told at the end.
const FAILURES_TOLD: usize = 5;

/// The tokens of a demo.
pub(super) struct Tokens {
    pub visitor: String,
    pub supervisor: String,
    simulated: Vec<String>,
}

impl Tokens {
    pub(super) fn sign(key: &TokenKey, company: &Company, now: Timestamp) -> Result<Tokens, Failure> {
        let sign = |id: &str, role: Role| {
            let grant = Grant {
                id: PrincipalId::new(id).map_err(Failure::new)?,
                tenant: company.tenant.clone(),
                roles: BTreeSet::from([role]),
                teams: (role == Role::Supervisor).then(|| company.teams.clone()),
            };
            key.issue(&grant, now, TOKENS_HOLD).map_err(Failure::new)
        };
        Ok(Tokens {
            visitor: sign(VISITOR, Role::Agent)?,
            supervisor: sign(SUPERVISOR, Role::Supervisor)?,
            simulated: company
                .simulated
                .iter()
                .map(|agent| sign(agent.as_str(), Role::Agent))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// The simulated agents, each with a day of its own.
pub(super) fn drivers<'t>(url: &'t str, tokens: &'t Tokens) -> impl Iterator<Item = AgentDriver> + 't {
    let seeds = 1..;
    seeds.zip(&tokens.simulated).map(move |(seed, token)| AgentDriver {
        url: url.to_owned(),
        token: token.clone(),
        seed,
        pace: PACE,
    })
}

/// What the agents went through, all together.
#[derive(Debug, Default)]
pub(super) struct Tally {
    agents: u64,
    calls: u64,
    pauses: u64,
    refusals: u64,
    reconnects: u64,
    failures: Vec<String>,
}

impl Tally {
    pub(super) fn add(&mut self, report: &AgentReport) {
        self.agents += 1;
        self.calls += report.calls;
        self.pauses += report.started.len() as u64;
        self.refusals += report.refused.values().sum::<u64>();
        self.reconnects += report.reconnects;
        self.failures.extend(report.failures.iter().cloned());
    }

    /// An agent's task broke down.
    pub(super) fn broke(&mut self, error: &tokio::task::JoinError) {
        self.failures.push(error.to_string());
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { agents, calls, pauses, refusals, reconnects, failures } = self;
        writeln!(
            f,
            "{agents} agents made {calls} calls, took {pauses} pauses, met {refusals} refusals and reconnected \
             {reconnects} times"
        )?;
        for failure in failures.iter().take(FAILURES_TOLD) {
            writeln!(f, "  failed: {failure}")?;
        }
        match failures.len().saturating_sub(FAILURES_TOLD) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more failed"),
        }
    }
}
