//! What happens to an agent whose company is closed: whatever runs or waits has an end on record, and nobody is there any more.

use super::decide::Course;
use super::{Agent, Connection, Context, Status};
use crate::domain::command::Actor;
use crate::domain::event::{AgentEvent, AgentEventBody, Cause};

impl Agent {
    /// True while closing the company has something to end: a presence, a pause, or what waits.
    pub fn has_something_to_end(&self) -> bool {
        let is_gone = self.status == Status::Offline && matches!(self.connection, Connection::Disconnected { .. });
        !is_gone || self.queue.is_some() || self.deferred.is_some() || self.open_request().is_some()
    }

    /// What closing the company leads to; nothing for whoever is gone already. A protected pause ends like any other, for
    /// there is no return from it to wait for.
    pub fn leave_closed(&self, by: &Actor, context: &Context) -> Vec<AgentEvent> {
        let mut course = Course::new(self, context, by.clone(), None);
        course.leave_closed();
        if !course.events.is_empty() {
            // What is owed is owed by nobody who is gone.
            course.in_the_name_of(Actor::System, None, |course| course.meet_rights(context));
        }
        course.events
    }
}

impl Course<'_> {
    fn leave_closed(&mut self) {
        let cause = Cause::TenantClosed;
        self.drop_request(cause, |_| true);
        self.give_up_deferred(cause, None);
        self.end_all(cause, None);
        let is_gone = matches!(self.agent.connection, Connection::Disconnected { .. });
        if !is_gone || self.agent.status != Status::Offline {
            self.happens(cause, AgentEventBody::SignedOut);
        }
    }
}
