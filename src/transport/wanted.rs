//! Which notifications a socket is sent: all, but for those that its client has switched off.
//!
//! `rpc.on` and `rpc.off` are how clients of the library rpc-websockets subscribe to events. Here a
//! session is sent its notifications from the start, so that the first only matters after the second.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::protocol::notifications::Notification;
use crate::protocol::rpc::notification_text;

/// What a name is answered that is of a notification.
const SWITCHED: &str = "ok";
/// What any other name is answered, in the words of that library's own server.
const UNKNOWN: &str = "provided event invalid";

/// The notifications that a socket is sent.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    off: BTreeSet<Notification>,
}

impl Wanted {
    /// True unless it was switched off.
    pub(super) fn has(&self, notification: Notification) -> bool {
        !self.off.contains(&notification)
    }

    /// The notification as it is sent; none when it was switched off.
    pub(super) fn text(&self, notification: Notification, params: &impl Serialize) -> Option<String> {
        self.has(notification).then(|| notification_text(notification, params))
    }

    /// Switches these on, and says of each name whether it is one.
    pub(super) fn switch_on(&mut self, names: Vec<String>) -> Value {
        each(names, |notification| {
            self.off.remove(&notification);
        })
    }

    /// Switches these off, and says of each name whether it is one.
    pub(super) fn switch_off(&mut self, names: Vec<String>) -> Value {
        each(names, |notification| {
            self.off.insert(notification);
        })
    }
}

fn each(names: Vec<String>, mut switch: impl FnMut(Notification)) -> Value {
    let mut answers = Map::new();
    for name in names {
        let known = Notification::named(&name);
        known.into_iter().for_each(&mut switch);
        answers.insert(name, Value::from(known.map_or(UNKNOWN, |_| SWITCHED)));
    }
    Value::Object(answers)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn all_are_wanted_until_they_are_switched_off() {
        let mut wanted = Wanted::default();
        assert!(Notification::ALL.into_iter().all(|notification| wanted.has(notification)));
        let answer = wanted.switch_off(names(&["agent.changed", "agent.vanished", "agent.changed"]));
        assert_eq!(answer, json!({"agent.changed": "ok", "agent.vanished": "provided event invalid"}));
        assert_eq!(wanted.text(Notification::AgentChanged, &json!({})), None);
        assert!(wanted.text(Notification::BoardChanged, &json!({})).is_some(), "others are untouched");
        for _ in 0..2 {
            assert_eq!(wanted.switch_on(names(&["agent.changed"])), json!({"agent.changed": "ok"}));
            assert!(wanted.has(Notification::AgentChanged));
        }
        assert_eq!(wanted.switch_on(Vec::new()), json!({}));
    }
}
