//! How an agent is shown: to itself, to everybody else, with its place in a line and its menu.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::AgentActor;
use crate::actor::desk::TenantFacts;
use crate::domain::agent::Agent;
use crate::domain::command::{Actor, Refusal};
use crate::domain::directory::{Directory, Person};
use crate::domain::menu::{self, PauseOption};
use crate::domain::presence::{AgentView, QueueView};

impl AgentActor {
    pub(super) fn options(&self) -> Vec<PauseOption> {
        let facts = self.desk.facts();
        let now = self.env.clock.now();
        self.context(&facts, now, |context| menu::options(self.agent(), context)).unwrap_or_default()
    }

    pub(super) fn own_view(&self) -> Arc<AgentView> {
        self.in_line(self.latest_view(AgentView::own))
    }

    /// With the place in the line as it is now.
    pub(super) fn in_line(&self, view: Arc<AgentView>) -> Arc<AgentView> {
        let (Some(queue), Some(waiting)) = (&view.queue, self.agent().queue.as_deref()) else { return view };
        let facts = self.desk.facts();
        let (own, id, code) = (Actor::Agent(self.key.agent.clone()), &self.key.agent, &queue.pause_type);
        let verdict = self.context(&facts, self.env.clock.now(), |context| {
            self.agent().verdict_for(&own, code, None, false, context)
        });
        let expected_at = match verdict.and_then(|verdict| verdict.code) {
            Some(Refusal::SlotsFull { expected_at, .. }) => expected_at,
            Some(_) | None => None,
        };
        let position = Some(facts.slots.position(id, code, &waiting.slots));
        let queue = Box::new(QueueView { position, expected_at, ..QueueView::clone(queue) });
        Arc::new(AgentView { queue: Some(queue), ..AgentView::clone(&view) })
    }

    pub(super) fn public_view(&self) -> Arc<AgentView> {
        self.latest_view(AgentView::public)
    }

    fn latest_view(&self, show: Show) -> Arc<AgentView> {
        let facts = self.desk.facts();
        self.view(self.agent(), &facts, show).unwrap_or_else(|| {
            // The directory has let go of the agent while its actor lives: shown as last known.
            let person = Person {
                id: self.key.agent.clone(),
                name: self.key.agent.to_string(),
                teams: Vec::new(),
                zone: None,
                capacity: BTreeMap::new(),
                left_at: None,
            };
            Arc::new(show(self.agent(), &Arc::new(person), &facts.directory))
        })
    }

    pub(super) fn view(&self, agent: &Agent, facts: &TenantFacts, show: Show) -> Option<Arc<AgentView>> {
        let person = facts.directory.agents.get(&self.key.agent)?;
        Some(Arc::new(show(agent, person, &facts.directory)))
    }
}

type Show = fn(&Agent, &Arc<Person>, &Directory) -> AgentView;
