//! The administrator: changes the directory, puts policies in force, and plans them: drafts, versions that wait for their
//! time, with longer limits for running pauses or without, and takes them back.

use std::sync::Arc;
use std::time::Duration;

use intervalo::actor::TenantFacts;
use intervalo::domain::command::Actor;
use intervalo::domain::directory::{Directory, Person};
use intervalo::domain::event::{Cause, TenantEvent, TenantEventBody};
use intervalo::domain::id::{AgentId, PrincipalId};
use intervalo::domain::policy::{PauseKind, PauseType, Policy};
use intervalo::domain::policy_plans::{
    PauseTypes, PolicyDraft, PolicyPlans, PolicyStep, ScheduledPolicy, publication, withdrawal,
};
use intervalo::domain::time::minutes;
use intervalo::ports::TenantDefinition;

use super::Client;
use crate::office::{AGENTS, TEAMS, agent, policy, team, tenant};

/// What the reason of a publication that waits for nothing begins with.
pub(crate) const AT_ONCE: &str = "at once";

/// What is to happen, and what it puts in force.
type Step = (TenantEventBody, TenantDefinition);

impl Client {
    /// Administers until it is to fall silent.
    pub(crate) async fn act_as_admin(mut self) {
        while self.wait().await {
            if self.dice.below(2) > 0 {
                continue;
            }
            let Some(facts) = self.house.router.tenant(&tenant()) else { continue };
            let step = match self.dice.below(12) {
                0..=3 => Some(self.change_directory(&facts)),
                4 => Some(self.import(&facts)),
                5 | 6 => Some(self.draft(&facts)),
                7..=9 => self.schedule(&facts),
                10 => withdraw(&facts),
                _ => self.publish_at_once(&facts),
            };
            let Some((body, definition)) = step else { continue };
            let at = self.house.core_now();
            let event = TenantEvent { at, actor: ada(), cause: Cause::Admin, op: None, body };
            let answer = self.house.router.publish(&tenant(), event, definition).await;
            let mut seen = self.house.world.seen();
            seen.counts.answers += 1;
            seen.note(format_args!("published {}", answer.is_ok()));
        }
    }

    /// A policy that comes by another way than a plan.
    fn import(&mut self, facts: &TenantFacts) -> Step {
        let policy = Policy { version: facts.policy.version.next(), types: self.next_types(&facts.policy.types) };
        let body = TenantEventBody::PolicyPublished { version: policy.version, reason: None };
        (body, TenantDefinition::Policy(Arc::new(policy)))
    }

    fn draft(&mut self, facts: &TenantFacts) -> Step {
        let base_version = facts.policy.version;
        let types = self.next_types(&facts.policy.types);
        let draft = PolicyDraft { base_version, at: self.house.core_now(), by: ada(), note: None, types };
        let plans = PolicyPlans { draft: Some(Arc::new(draft)), ..facts.plans.next() };
        let body = TenantEventBody::PolicyPlanned { step: PolicyStep::Drafted { base_version }, reason: None };
        (body, TenantDefinition::Plans(Arc::new(plans)))
    }

    /// What there is to publish, on top of the version in force.
    fn wanted(&mut self, facts: &TenantFacts, wait: Duration, reason: String) -> Option<ScheduledPolicy> {
        let waiting = facts.plans.scheduled.as_ref().map(|scheduled| &scheduled.draft);
        let draft = Arc::clone(facts.plans.draft.as_ref().or(waiting)?);
        let loosen_only = self.dice.below(2) == 0;
        let takes_effect_at = self.house.core_now() + wait;
        let fits = draft.base_version == facts.policy.version;
        fits.then(|| ScheduledPolicy { draft, takes_effect_at, loosen_only, by: ada(), reason })
    }

    /// For soon, or for a time when the server may be down.
    fn schedule(&mut self, facts: &TenantFacts) -> Option<Step> {
        let most_ms = [2_000, 60_000, 600_000, 5_400_000][self.dice.below(4) as usize];
        let wait = Duration::from_millis(self.dice.below(most_ms));
        let reason = format!("plan {}", self.house.world.fresh_op().0);
        let scheduled = self.wanted(facts, wait, reason.clone())?;
        let (takes_effect_at, loosen_only) = (scheduled.takes_effect_at, scheduled.loosen_only);
        let step = PolicyStep::Scheduled { takes_effect_at, loosen_only };
        let plans = PolicyPlans { draft: None, scheduled: Some(Arc::new(scheduled)), ..facts.plans.next() };
        let body = TenantEventBody::PolicyPlanned { step, reason: Some(reason) };
        Some((body, TenantDefinition::Plans(Arc::new(plans))))
    }

    fn publish_at_once(&mut self, facts: &TenantFacts) -> Option<Step> {
        let reason = format!("{AT_ONCE} {}", self.house.world.fresh_op().0);
        let wanted = self.wanted(facts, Duration::ZERO, reason.clone())?;
        let (policy, plans) = publication(&facts.policy, &facts.plans, &wanted, wanted.takes_effect_at);
        let body = TenantEventBody::PolicyPublished { version: policy.version, reason: Some(reason) };
        Some((body, TenantDefinition::Publication(Arc::new(policy), Arc::new(plans))))
    }

    /// Some types are switched on or off, or their limits are longer, or shorter, but never than at first.
    fn next_types(&mut self, types: &PauseTypes) -> PauseTypes {
        let (mut next, first) = (types.clone(), policy().types);
        for _ in 0..4 {
            let at = self.dice.below(next.len() as u64) as usize;
            let Some(changed) = next.values_mut().nth(at) else { continue };
            let mut kind = changed.kind.clone();
            let least = first[&changed.code].kind.rules().and_then(|rules| rules.limit);
            if let PauseKind::Regular(rules) | PauseKind::Entitlement(rules) = &mut kind
                && let (Some(limit), Some(least)) = (rules.limit, least)
            {
                let shorter = limit.saturating_sub(minutes(2)).max(least);
                rules.limit = Some(if self.dice.below(2) == 0 { shorter } else { limit + minutes(1) });
            }
            // What is owed is so whatever else is published.
            let enabled = self.dice.below(6) > 0 || changed.code.as_str() == "descanso";
            *changed = Arc::new(PauseType { enabled, kind, ..(**changed).clone() });
        }
        next
    }

    fn change_directory(&mut self, facts: &TenantFacts) -> Step {
        let directory = self.next_directory(&facts.directory);
        let body = TenantEventBody::DirectoryChanged { version: directory.version, added: 0, changed: 1, removed: 0 };
        // Told as the one person who differs, as by the door, or whole, as by an import.
        let is_another = |(id, person): &(&AgentId, &Arc<Person>)| facts.directory.agents.get(*id) != Some(*person);
        let person = directory.agents.iter().find(is_another).map(|(_, person)| Arc::clone(person));
        let definition = match person.filter(|_| self.dice.below(3) > 0) {
            Some(person) => TenantDefinition::Person(directory, person),
            None => TenantDefinition::Directory(directory),
        };
        (body, definition)
    }

    /// A directory version: somebody moves, or, seldom, leaves. What was sent under a number is sent
    /// again as it was, for it may be in force.
    fn next_directory(&mut self, directory: &Directory) -> Arc<Directory> {
        let version = directory.version.next();
        if let Some(sent) = self.house.world.seen().directories.get(&version.0) {
            return Arc::clone(sent);
        }
        let mut next = Directory { version, ..directory.clone() };
        let moved = agent(self.dice.below(AGENTS));
        let teams = vec![team(self.dice.below(TEAMS))];
        let leaves = self.dice.below(12) == 0;
        let now = self.house.core_now();
        if let Some(person) = next.agents.get_mut(&moved) {
            let left_at = person.left_at.or(leaves.then_some(now));
            *person = Arc::new(Person { teams, left_at, ..(**person).clone() });
        }
        let next = Arc::new(next);
        self.house.world.seen().directories.insert(version.0, Arc::clone(&next));
        next
    }
}

fn ada() -> Actor {
    Actor::Admin(PrincipalId::new("ada").expect("an id"))
}

fn withdraw(facts: &TenantFacts) -> Option<Step> {
    facts.plans.scheduled.as_ref()?;
    let body = TenantEventBody::PolicyPlanned { step: PolicyStep::Withdrawn, reason: None };
    Some((body, TenantDefinition::Plans(Arc::new(withdrawal(&facts.plans)))))
}
