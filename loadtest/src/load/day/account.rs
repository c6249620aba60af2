//! What one agent was told on a day, and what the server is held to.
//!
//! Pure: replies and notifications go in, breaches come out.

use crate::load::breaches::Breaches;
use crate::load::ledger::PastPause;
use crate::load::message::{AgentShown, Wish};

/// What an agent knows of itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    agent: String,
    version: u64,
    pause: Option<String>,
    /// The pauses whose start was acknowledged.
    started: Vec<String>,
    came: bool,
}

impl Account {
    /// Nothing is known of an agent.
    pub(super) fn of(agent: String) -> Account {
        Account { agent, ..Account::default() }
    }

    /// Who it is.
    pub(super) fn agent(&self) -> &str {
        &self.agent
    }

    /// The version that it was told last.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// True while a pause runs.
    pub(super) fn is_paused(&self) -> bool {
        self.pause.is_some()
    }

    /// It signed in; `knows` is false while a command is under way of which it is not known whether it was done.
    pub(super) fn signed_in(&mut self, shown: &AgentShown<'_>, knows: bool, breaches: &mut Breaches) {
        let agent = &self.agent;
        breaches.hold(shown.agent == *agent, || format!("{agent} signed in and was told of {}", shown.agent));
        breaches.hold(shown.connection == "connected", || format!("{agent} signed in and is {}", shown.connection));
        let pause = pause_of(shown);
        if self.came && knows {
            breaches.hold(pause == self.pause && shown.version >= self.version, || {
                format!(
                    "{agent} came back to {pause:?} at version {}, had left {:?} at {}",
                    shown.version, self.pause, self.version
                )
            });
        }
        (self.came, self.version, self.pause) = (true, shown.version, pause);
    }

    /// A start or an end was acknowledged.
    pub(super) fn acked(&mut self, wish: Wish, outcome: Option<&str>, shown: &AgentShown<'_>, breaches: &mut Breaches) {
        let (agent, pause) = (&self.agent, pause_of(shown));
        breaches.hold(shown.agent == *agent, || format!("{agent} was answered with {}", shown.agent));
        breaches.hold(shown.version >= self.version, || {
            format!("{agent} was at version {}, and at {} after another command", self.version, shown.version)
        });
        breaches.hold(shown.status == wish.leads_to() && pause.is_some() == (wish == Wish::Start), || {
            format!("{agent}: {wish:?} led to {} and the pause {pause:?}", shown.status)
        });
        if wish == Wish::Start {
            breaches.hold(outcome == Some("started"), || format!("{agent}: a start had the outcome {outcome:?}"));
            self.started.extend(pause.clone());
        }
        (self.version, self.pause) = (shown.version, pause);
    }

    /// The server told it of itself. What is older than what it knows tells nothing new.
    pub(super) fn notified(&mut self, shown: &AgentShown<'_>) {
        if shown.version > self.version {
            (self.version, self.pause) = (shown.version, pause_of(shown));
        }
    }

    /// It signed out, which ends a pause.
    pub(super) fn left(&mut self) {
        self.pause = None;
    }
}

/// The history against what was acknowledged: each start once, all of them over.
pub(super) fn check_history(accounts: &[Account], history: &[PastPause], breaches: &mut Breaches) {
    let mut told: Vec<(&str, &str)> =
        accounts.iter().flat_map(|one| one.started.iter().map(|id| (one.agent.as_str(), id.as_str()))).collect();
    let mut past: Vec<(&str, &str)> = history.iter().map(|one| (one.agent.as_str(), one.id.as_str())).collect();
    told.sort_unstable();
    past.sort_unstable();
    for lost in told.iter().filter(|one| past.binary_search(one).is_err()) {
        breaches.add(format!("{}: the history lacks the pause {}, which was acknowledged", lost.0, lost.1));
    }
    for more in past.iter().filter(|one| told.binary_search(one).is_err()) {
        breaches.add(format!("{}: the history has the pause {}, which was not acknowledged", more.0, more.1));
    }
    let twice = past.windows(2).filter(|pair| pair[0] == pair[1]);
    twice.for_each(|pair| breaches.add(format!("{}: the history has the pause {} twice", pair[0].0, pair[0].1)));
    for open in history.iter().filter(|one| !one.ended) {
        breaches.add(format!("{}: the pause {} has not ended, and everybody has left", open.agent, open.id));
    }
}

fn pause_of(shown: &AgentShown<'_>) -> Option<String> {
    shown.pause.as_ref().map(|pause| pause.id.clone().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::message::PauseShown;

    fn shown(version: u64, pause: Option<&str>) -> AgentShown<'_> {
        AgentShown {
            agent: "ana".into(),
            version,
            status: if pause.is_some() { "paused" } else { "available" }.into(),
            connection: "connected".into(),
            pause: pause.map(|id| PauseShown { id: id.into() }),
        }
    }

    fn past(id: &str, ended: bool) -> PastPause {
        PastPause { agent: "ana".to_owned(), id: id.to_owned(), ended }
    }

    /// Signed in, on a pause, lost and back, and out of the pause.
    fn day(breaches: &mut Breaches) -> Account {
        let mut ana = Account::of("ana".to_owned());
        ana.signed_in(&shown(1, None), true, breaches);
        ana.acked(Wish::Start, Some("started"), &shown(2, Some("p1")), breaches);
        ana.signed_in(&shown(4, Some("p1")), true, breaches);
        ana.notified(&shown(3, None));
        ana.acked(Wish::End, None, &shown(5, None), breaches);
        ana
    }

    #[test]
    fn a_day_that_holds_has_no_breach() {
        let mut breaches = Breaches::none();
        let ana = day(&mut breaches);
        check_history(&[ana], &[past("p1", true)], &mut breaches);
        assert_eq!(breaches, Breaches::none());
    }

    #[test]
    fn every_planted_breach_is_found() {
        let after = |what: &dyn Fn(&mut Account, &mut Breaches)| {
            let mut breaches = Breaches::none();
            let mut ana = day(&mut breaches);
            what(&mut ana, &mut breaches);
            assert_eq!(breaches.count(), 1, "{breaches:?}");
            breaches.list()[0].clone()
        };
        let found = [
            after(&|ana, breaches| ana.signed_in(&shown(6, Some("p9")), true, breaches)),
            after(&|ana, breaches| ana.signed_in(&shown(4, None), true, breaches)),
            after(&|ana, breaches| ana.acked(Wish::Start, Some("queued"), &shown(6, Some("p2")), breaches)),
            after(&|ana, breaches| ana.acked(Wish::Start, Some("started"), &shown(6, None), breaches)),
            after(&|ana, breaches| ana.acked(Wish::End, None, &shown(4, None), breaches)),
            after(&|ana, breaches| check_history(std::slice::from_ref(ana), &[], breaches)),
            after(&|ana, breaches| {
                check_history(std::slice::from_ref(ana), &[past("p1", true), past("p2", true)], breaches);
            }),
            after(&|ana, breaches| {
                check_history(std::slice::from_ref(ana), &[past("p1", true), past("p1", true)], breaches);
            }),
            after(&|ana, breaches| check_history(std::slice::from_ref(ana), &[past("p1", false)], breaches)),
        ];
        let expected = [
            "came back to Some(\"p9\")",
            "came back to None at version 4",
            "had the outcome Some(\"queued\")",
            "Start led to available",
            "and at 4 after another command",
            "lacks the pause p1",
            "has the pause p2, which was not",
            "has the pause p1 twice",
            "has not ended",
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{found}");
        }
    }

    #[test]
    fn who_is_not_sure_whether_a_command_was_done_learns_it() {
        let mut breaches = Breaches::none();
        let mut ana = day(&mut breaches);
        ana.signed_in(&shown(7, Some("p2")), false, &mut breaches);
        assert!(breaches.is_empty() && ana.is_paused());
        ana.left();
        assert!(!ana.is_paused());
    }
}
