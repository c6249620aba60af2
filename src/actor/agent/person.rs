//! What the sockets of an agent are told of the person in the directory: that they move, are called otherwise, or have left.

use std::sync::Arc;

use super::AgentActor;
use crate::actor::session::Notice;
use crate::domain::directory::Person;
use crate::domain::event::Cause;

impl AgentActor {
    /// True when the directory has no such agent any more.
    pub(super) fn has_left(&self) -> bool {
        is_gone(self.person_by_now().as_deref())
    }

    /// Tells the sockets what has changed of the person since they were told last.
    pub(super) fn meet_directory(&mut self) {
        let by_now = self.person_by_now();
        let before = std::mem::replace(&mut self.person, by_now);
        if self.sessions.is_empty() {
            return;
        }
        if is_gone(self.person.as_deref()) {
            // Most were told by the event; a socket may have come in while the person left.
            let (cause, by_agent, message) = (Cause::Deactivated, false, "signed out: deactivated".to_owned());
            self.tell_sessions(vec![Notice::SignedOut { cause, by_agent, message }]);
        } else if before.is_some() && before != self.person {
            self.tell_sessions(vec![Notice::Changed(self.own_view())]);
        }
    }

    fn person_by_now(&self) -> Option<Arc<Person>> {
        self.desk.facts().directory.agents.get(&self.key.agent).cloned()
    }
}

fn is_gone(person: Option<&Person>) -> bool {
    person.is_none_or(|person| person.left_at.is_some())
}
