//! What happens to a policy by itself: a version that waits for its day is published, and running pauses are loosened.
//!
//! Both are taken from what is durable, so that a start goes on where the last run was cut off.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use crate::actor::{CommandError, TenantFacts};
use crate::domain::command::{Actor, Command, Request};
use crate::domain::directory::Person;
use crate::domain::event::{Cause, TenantEvent, TenantEventBody};
use crate::domain::id::{AgentId, PauseTypeCode, PolicyVersion, TenantId};
use crate::domain::policy::LIMIT_MAX;
use crate::domain::policy_plans::{Loosening, PolicyStep, ScheduledPolicy, publication, withdrawal};
use crate::domain::presence::{AgentView, PauseView};
use crate::domain::time::Timestamp;
use crate::hub::Hub;
use crate::ports::{Clock, TenantDefinition};
use crate::router::Router;

/// How long until what the store did not take is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long until running pauses are looked at once more.
const NEXT_LOOK_AFTER: Duration = Duration::from_secs(2);
/// For how long they are: a row of somebody who began just before a version came into force may still be on its way to the
/// hub at the first look, and one that was lost is there within a beat (promise V3).
const LOOKS_FOR: Duration = Duration::from_secs(6);
/// How often an agent's pause is looked at anew when something else happens to it.
const LOOKS_MAX: usize = 5;

/// Carries out what is planned for the policies.
pub struct Publishing {
    /// The way to the tenants and their agents.
    pub router: Router,
    /// Knows whose pauses run.
    pub hub: Arc<Hub>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Publishing {
    /// Publishes what fell due while the server was down, before anybody is served.
    pub async fn catch_up(&self, tenants: &[TenantId]) {
        for tenant in tenants {
            if let Some(facts) = self.router.tenant(tenant) {
                self.publish_if_due(tenant, &facts).await;
            }
        }
    }

    /// Carries out what is planned for one tenant, for ever; nothing while it is closed.
    pub async fn run(self: Arc<Self>, tenant: TenantId) {
        let Some(mut moved) = self.router.moved(&tenant) else { return };
        let (mut loosened, mut first_look) = (None, None);
        loop {
            moved.mark_unchanged();
            let Some(facts) = self.router.tenant_even_closed(&tenant) else { return };
            if facts.directory.is_closed() {
                // Until it is opened again.
                if moved.changed().await.is_err() {
                    return;
                }
                continue;
            }
            let mut next = facts.plans.scheduled.as_ref().map(|scheduled| scheduled.takes_effect_at);
            if next.is_some_and(|at| at <= self.clock.now()) {
                let published = self.publish_if_due(&tenant, &facts).await;
                next = (!published).then(|| self.clock.now() + AGAIN_AFTER);
                if published {
                    continue;
                }
            } else if let Some(loosening) = loosening_of(&facts, loosened) {
                let now = self.clock.now();
                let (_, since) =
                    first_look.filter(|(version, _)| *version == loosening.version).unwrap_or((loosening.version, now));
                first_look = Some((loosening.version, since));
                let is_last = now >= since + LOOKS_FOR;
                if self.loosen(&tenant, &facts, loosening).await && is_last {
                    loosened = Some(loosening.version);
                } else {
                    self.clock.sleep_until(self.clock.now() + NEXT_LOOK_AFTER).await;
                }
                continue;
            }
            let due = async {
                match next {
                    Some(at) => self.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = due => {}
                changed = moved.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Publishes what is due; false when that has to be tried again.
    async fn publish_if_due(&self, tenant: &TenantId, facts: &TenantFacts) -> bool {
        let now = self.clock.now();
        let Some(scheduled) = facts.plans.scheduled.as_ref().filter(|scheduled| scheduled.takes_effect_at <= now)
        else {
            return true;
        };
        let (event, definition) = due_publication(facts, scheduled, now);
        let kind = event.body.name();
        match self.router.publish(tenant, event, definition).await {
            Ok(()) => {
                info!(tenant.id = %tenant, "{kind}: what the policy of {tenant} was scheduled for is done");
                true
            }
            // Whoever was faster has changed the plans: they are looked at again.
            Err(CommandError::Overtaken) => true,
            Err(_) => {
                warn!(tenant.id = %tenant, "the scheduled policy of {tenant} cannot be published yet");
                false
            }
        }
    }

    /// Gives running pauses the longer limits; false when somebody's has to be tried again.
    async fn loosen(&self, tenant: &TenantId, facts: &TenantFacts, loosening: &Loosening) -> bool {
        if self.router.caught_up(tenant).await.is_err() {
            return false;
        }
        let is_one = |view: &AgentView| view.pause.as_ref().is_some_and(|pause| is_before(pause, loosening));
        let Some(rows) = self.hub.rows(tenant, is_one) else { return true };
        let mut all = true;
        for row in rows {
            all &= self.loosen_one(tenant, &row.person.id, facts, loosening).await;
        }
        all
    }

    async fn loosen_one(&self, tenant: &TenantId, agent: &AgentId, facts: &TenantFacts, loosening: &Loosening) -> bool {
        for _ in 0..LOOKS_MAX {
            // As everybody sees them: whoever commands somebody else goes by the version that they are shown, and the pause
            // around a protected one is the pause.
            let view = match self.router.public_view(tenant, agent).await {
                Ok(view) => view,
                Err(CommandError::UnknownAgent) => return true,
                Err(_) => return false,
            };
            let Some(by) = missing(&view, facts, loosening) else { return true };
            let request = Request {
                command: Command::ExtendPause { by },
                actor: loosening.by.clone(),
                reason: Some(loosening.reason.clone()),
                op: None,
                expected_version: Some(view.version),
            };
            match self.router.execute(tenant, agent, request).await {
                Ok(_) => return true,
                // Something happened to the agent since it was looked at.
                Err(CommandError::Rejected { .. }) => {}
                Err(_) => return false,
            }
        }
        false
    }
}

/// What is published of what is due. Where another version has come into force by another way, the draft is handed back:
/// it would undo what its author has not seen.
fn due_publication(
    facts: &TenantFacts,
    scheduled: &ScheduledPolicy,
    now: Timestamp,
) -> (TenantEvent, TenantDefinition) {
    if scheduled.draft.base_version != facts.policy.version {
        let plans = withdrawal(&facts.plans);
        let body = TenantEventBody::PolicyPlanned { step: PolicyStep::Withdrawn, reason: None };
        let event = TenantEvent { at: now, actor: Actor::System, cause: Cause::Admin, op: None, body };
        return (event, TenantDefinition::Plans(Arc::new(plans)));
    }
    let (policy, plans) = publication(&facts.policy, &facts.plans, scheduled, now);
    let body = TenantEventBody::PolicyPublished { version: policy.version, reason: Some(scheduled.reason.clone()) };
    let event = TenantEvent { at: now, actor: scheduled.by.clone(), cause: Cause::Admin, op: None, body };
    (event, TenantDefinition::Publication(Arc::new(policy), Arc::new(plans)))
}

/// The loosening that the version in force came with, unless it is done.
fn loosening_of(facts: &TenantFacts, done: Option<PolicyVersion>) -> Option<&Loosening> {
    let loosening = facts.plans.loosening.as_deref()?;
    (loosening.version == facts.policy.version && done != Some(loosening.version)).then_some(loosening)
}

fn is_before(pause: &PauseView, loosening: &Loosening) -> bool {
    pause.started_at <= loosening.at && loosening.types.contains(&pause.pause_type)
}

/// By how much the limit of a running pause falls short of that of the version in force; none where it does not.
fn missing(view: &AgentView, facts: &TenantFacts, loosening: &Loosening) -> Option<Duration> {
    let pause = view.pause.as_ref()?;
    let limit_at = pause.limit_at.filter(|_| is_before(pause, loosening))?;
    let person = &view.person;
    let wanted_at = pause.started_at + limit_of(&pause.pause_type, person, loosening.at, facts)?;
    Some(wanted_at.since(limit_at)).filter(|by| !by.is_zero())
}

/// A type that has lost its limit gives running pauses the longest that there is.
fn limit_of(code: &PauseTypeCode, person: &Person, at: Timestamp, facts: &TenantFacts) -> Option<Duration> {
    let rules = facts.policy.types.get(code)?.rules_for(person, &facts.directory, at)?;
    Some(rules.limit.unwrap_or(LIMIT_MAX))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::directory::{Directory, Tenant};
    use crate::domain::id::DirectoryVersion;
    use crate::domain::policy::Policy;
    use crate::domain::policy_plans::{PolicyDraft, PolicyPlans};

    #[test]
    fn what_waited_is_handed_back_when_another_version_has_come_into_force_meanwhile() {
        let draft = Arc::new(PolicyDraft {
            base_version: PolicyVersion(3),
            at: Timestamp(1),
            by: Actor::System,
            note: None,
            types: BTreeMap::new(),
        });
        let scheduled = Arc::new(ScheduledPolicy {
            draft: Arc::clone(&draft),
            takes_effect_at: Timestamp(5),
            loosen_only: false,
            by: Actor::System,
            reason: "r".to_owned(),
        });
        let id = TenantId::new("acme").expect("an id");
        let mut facts = TenantFacts {
            directory: Arc::new(Directory {
                version: DirectoryVersion(1),
                tenant: Tenant::new(id, "Acme".to_owned(), chrono_tz::UTC),
                teams: BTreeMap::new(),
                agents: BTreeMap::new(),
                closing: None,
                channels: BTreeMap::new(),
            }),
            policy: Arc::new(Policy { version: PolicyVersion(3), ..Policy::empty() }),
            plans: Arc::new(PolicyPlans { scheduled: Some(Arc::clone(&scheduled)), ..PolicyPlans::default() }),
            slots: Arc::default(),
            people: Default::default(),
        };
        let (event, definition) = due_publication(&facts, &scheduled, Timestamp(9));
        assert_eq!((event.body.name(), facts.lead_to(&definition)), ("policy.published", true));

        facts.policy = Arc::new(Policy { version: PolicyVersion(4), ..Policy::empty() });
        assert!(!facts.lead_to(&definition), "whoever was overtaken does not publish");
        let (event, definition) = due_publication(&facts, &scheduled, Timestamp(9));
        assert_eq!(event.body.name(), "policy.withdrawn");
        assert!(matches!(definition, TenantDefinition::Plans(plans) if plans.draft == Some(draft)));
    }
}
