//! The sample company, sixty times as quick, with one more agent for whoever tries it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;

use crate::cli::failure::Failure;
use crate::config::At;
use crate::domain::id::{AgentId, TeamId, TenantId};
use crate::domain::policy::{Approval, PauseKind, PauseRules, PauseType, Policy};
use crate::domain::time::Timestamp;
use crate::exchange::{AgentPatch, LeftOut, Merged, Stated, merge, read_file};

/// The sample of `examples/`.
const SAMPLE: &str = include_str!("../../../examples/acme.toml");
/// How many times quicker than life the pauses are.
pub(super) const QUICKER: u32 = 60;
/// The shortest that a duration becomes: limits of zero are none.
const SHORTEST: Duration = Duration::from_secs(1);
/// The agent that nobody simulates.
pub(super) const VISITOR: &str = "voce";

/// The sample as it is played.
#[derive(Debug, Clone)]
pub(super) struct Company {
    pub tenant: TenantId,
    /// Its directory and policy, to be stored.
    pub merged: Merged,
    /// Who is simulated.
    pub simulated: Vec<AgentId>,
    pub teams: BTreeSet<TeamId>,
    /// The zone that its day runs in.
    pub zone: Tz,
}

impl Company {
    /// The sample with so many simulated agents, and the visitor.
    pub(super) fn build(agents: u32, now: Timestamp) -> Result<Company, Failure> {
        let read = read_file(SAMPLE);
        let Some(mut file) = read.file.filter(|_| read.problems.is_empty()) else {
            return Err(Failure::all(read.problems));
        };
        let teams: Vec<TeamId> = file.teams.iter().map(|team| team.id.clone()).collect();
        let wanted = agents as usize;
        file.agents.truncate(wanted);
        for number in file.agents.len()..wanted {
            let team = teams.get(number % teams.len().max(1)).cloned();
            let id = format!("agente-{:03}", number + 1);
            file.agents.push(agent(&id, &format!("Agente {:03}", number + 1), team)?);
        }
        let simulated = file.agents.iter().map(|agent| agent.id.clone()).collect();
        file.agents.push(agent(VISITOR, "Você", teams.first().cloned())?);
        // Whom they are for may not be among so few.
        file.pause_types.iter_mut().for_each(|kind| kind.overrides = None);
        let mut merged = merge(None, &file, LeftOut::Stays, now).map_err(Failure::all)?;
        merged.policy = merged.policy.map(|policy| quicker(&policy));
        let zone = merged.directory.as_ref().map_or(Tz::UTC, |directory| directory.tenant.zone);
        Ok(Company { tenant: file.tenant.id, merged, simulated, teams: teams.into_iter().collect(), zone })
    }

    /// The pause types by code.
    pub(super) fn policy(&self) -> Policy {
        self.merged.policy.clone().unwrap_or_else(Policy::empty)
    }
}

fn agent(id: &str, name: &str, team: Option<TeamId>) -> Result<AgentPatch, Failure> {
    Ok(AgentPatch {
        line: 0,
        id: AgentId::new(id).map_err(Failure::new)?,
        name: Stated::Value(name.to_owned()),
        teams: Some(At { value: team.into_iter().collect(), line: 0 }),
        zone: None,
        capacity: None,
    })
}

/// The policy with every duration divided, and open at any time of day.
fn quicker(policy: &Policy) -> Policy {
    let types = policy.types.iter().map(|(code, kind)| (code.clone(), Arc::new(quicker_type(kind)))).collect();
    Policy { version: policy.version, types }
}

fn quicker_type(kind: &PauseType) -> PauseType {
    let quick = match &kind.kind {
        PauseKind::Regular(rules) => PauseKind::Regular(quicker_rules(rules)),
        PauseKind::Entitlement(rules) => PauseKind::Entitlement(quicker_rules(rules)),
        PauseKind::Protected => PauseKind::Protected,
    };
    PauseType { kind: quick, ..kind.clone() }
}

fn quicker_rules(rules: &PauseRules) -> PauseRules {
    let divided = |span: Duration| (span / QUICKER).max(SHORTEST);
    let limit = rules.limit.map(divided);
    let in_time = |span: &Duration| limit.is_none_or(|limit| *span < limit);
    PauseRules {
        min_duration: rules.min_duration.map(divided),
        refund_under: divided(rules.refund_under),
        limit,
        warn_before: rules.warn_before.iter().copied().map(divided).filter(in_time).collect(),
        grace: divided(rules.grace),
        escalate_after: rules.escalate_after.iter().copied().map(divided).collect(),
        windows: Vec::new(),
        // Nobody here has a day of six hours.
        owed: Vec::new(),
        approval: rules.approval.map(|approval| Approval { timeout: divided(approval.timeout), ..approval }),
        ..rules.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::PauseTypeCode;
    use crate::domain::time::seconds;

    #[test]
    fn the_sample_is_played_sixty_times_as_quick_and_open_at_any_time() {
        let company = Company::build(60, Timestamp(1_768_478_400_000)).unwrap();
        let policy = company.policy();
        let lunch = policy.types[&PauseTypeCode::new("almoco").unwrap()].kind.rules().unwrap();
        assert_eq!((lunch.limit, lunch.min_duration, lunch.grace), (Some(seconds(60)), Some(seconds(20)), seconds(1)));
        assert_eq!(lunch.warn_before, BTreeSet::from([seconds(1), seconds(5)]));
        assert!(policy.types.values().filter_map(|kind| kind.kind.rules()).all(|rules| rules.windows.is_empty()));
    }

    #[test]
    fn as_many_agents_as_asked_for_are_simulated_and_the_visitor_is_not() {
        for wanted in [0, 1, 60, 75] {
            let company = Company::build(wanted, Timestamp(0)).unwrap();
            assert_eq!(company.simulated.len(), wanted as usize);
            assert_eq!(company.merged.directory.unwrap().agents.len(), wanted as usize + 1);
            assert!(company.simulated.iter().all(|agent| agent.as_str() != VISITOR));
        }
    }
}
