//! One agent's way through a rush: asked, let in or put in line, offered a slot, away, and back.
//!
//! Pure: replies and notifications go in, what to do next and breaches come out.

use std::borrow::Cow;

use serde::Deserialize;

use crate::check::Expected;
use crate::load::breaches::Breaches;
use crate::load::message::{AgentShown, Commanded};

/// How far an agent has come in this round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Has not asked.
    Before,
    /// Has asked.
    Asked,
    /// Waits in line.
    InLine,
    /// Was offered a slot and takes it.
    Accepting,
    /// Is away.
    Away,
    /// Comes back.
    Returning,
    /// Has had the pause.
    After,
}

/// What an agent is told of an offer (`pause.offered`).
#[derive(Debug, Deserialize)]
pub(super) struct Offered<'a> {
    /// Which.
    #[serde(borrow)]
    pub(super) offer: Cow<'a, str>,
    /// Until when it holds.
    #[serde(borrow)]
    expires_at: Option<Cow<'a, str>>,
}

/// The place in line, in the reply that put somebody there.
#[derive(Debug, Deserialize)]
pub(super) struct Placed {
    agent: PlacedAgent,
}

#[derive(Debug, Deserialize)]
struct PlacedAgent {
    queue: Option<Place>,
}

#[derive(Debug, Deserialize)]
struct Place {
    position: Option<u64>,
}

/// What one agent was told, over all rounds.
#[derive(Debug, Clone)]
pub(super) struct Account {
    agent: String,
    stage: Stage,
    version: u64,
    state: Expected,
    /// The pauses that were acknowledged.
    pauses: Vec<String>,
    /// Each place in line that was told, by its number, and the end of the offer that came of it.
    waits: Vec<Wait>,
}

/// One stay in line, as the agent was told of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wait {
    /// The place at its beginning, from 1.
    pub(super) position: Option<u64>,
    /// Nobody who waited in this round had left the line when it was told.
    pub(super) line_was_whole: bool,
    /// When the offer ends, as it is written.
    pub(super) expires_at: Option<String>,
}

impl Account {
    /// An agent who has signed in.
    pub(super) fn of(shown: &AgentShown<'_>) -> Account {
        Account {
            agent: shown.agent.clone().into_owned(),
            stage: Stage::Before,
            version: shown.version,
            state: state(shown),
            pauses: Vec::new(),
            waits: Vec::new(),
        }
    }

    /// Who it is.
    pub(super) fn agent(&self) -> &str {
        &self.agent
    }

    /// How far it has come.
    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// What everybody should be shown of it, and at which version.
    pub(super) fn truth(&self) -> (Expected, u64) {
        (self.state.clone(), self.version)
    }

    /// The pauses that were acknowledged.
    pub(super) fn pauses(&self) -> &[String] {
        &self.pauses
    }

    /// Its stays in line.
    pub(super) fn waits(&self) -> &[Wait] {
        &self.waits
    }

    /// Another round begins.
    pub(super) fn begin(&mut self) {
        self.stage = Stage::Before;
    }

    /// It sends the call that leads to this stage.
    pub(super) fn sends(&mut self, stage: Stage) {
        self.stage = stage;
    }

    /// The reply to its start, and whether nobody who waits had left the line until then.
    pub(super) fn started(
        &mut self,
        reply: &Commanded<'_>,
        placed: &Placed,
        line_was_whole: bool,
        breaches: &mut Breaches,
    ) {
        self.replied(reply, breaches);
        match reply.outcome.as_deref() {
            Some("started") => self.goes_away(breaches),
            Some("queued") => {
                let position = placed.agent.queue.as_ref().and_then(|place| place.position);
                breaches.hold(position.is_some(), || format!("{} waits and was told no place", self.agent));
                breaches.hold(self.state.pause.is_none(), || format!("{} waits and is on a pause", self.agent));
                self.waits.push(Wait { position, line_was_whole, expires_at: None });
                self.stage = Stage::InLine;
            }
            other => breaches.add(format!("{}: a start had the outcome {other:?}", self.agent)),
        }
    }

    /// It is offered a slot; true when it takes it.
    pub(super) fn offered(&mut self, offered: &Offered<'_>, breaches: &mut Breaches) -> bool {
        let waits = self.stage == Stage::InLine;
        breaches.hold(waits, || format!("{} was offered a slot and is {:?}", self.agent, self.stage));
        if let Some(wait) = self.waits.last_mut().filter(|_| waits) {
            breaches.hold(offered.expires_at.is_some(), || format!("an offer of {} has no end", self.agent));
            wait.expires_at = offered.expires_at.as_deref().map(str::to_owned);
        }
        waits
    }

    /// The reply to its taking an offer.
    pub(super) fn accepted(&mut self, reply: &Commanded<'_>, breaches: &mut Breaches) {
        self.replied(reply, breaches);
        self.goes_away(breaches);
    }

    /// The reply to its return.
    pub(super) fn ended(&mut self, reply: &Commanded<'_>, breaches: &mut Breaches) {
        self.replied(reply, breaches);
        let back = Expected { status: "available".to_owned(), pause: None };
        breaches.hold(self.state == back, || format!("{}: an end led to {:?}", self.agent, self.state));
        self.stage = Stage::After;
    }

    /// It was told of itself; false when that was older than what it knew. A reply may come before what had happened
    /// until then was told.
    pub(super) fn notified(&mut self, shown: &AgentShown<'_>, breaches: &mut Breaches) -> bool {
        let is_new = shown.version >= self.version;
        if is_new {
            self.learns(shown, breaches);
        }
        is_new
    }

    fn replied(&mut self, reply: &Commanded<'_>, breaches: &mut Breaches) {
        let (before, now) = (self.version, reply.agent.version);
        breaches.hold(now > before, || {
            format!("{} was at version {before}, and at {now} after another command", self.agent)
        });
        self.learns(&reply.agent, breaches);
    }

    fn learns(&mut self, shown: &AgentShown<'_>, breaches: &mut Breaches) {
        let now = state(shown);
        breaches.hold(shown.agent == self.agent, || format!("{} was told of {}", self.agent, shown.agent));
        breaches.hold(shown.version != self.version || now == self.state, || {
            format!("{} has two states at version {}: {:?}, {now:?}", self.agent, self.version, self.state)
        });
        self.version = shown.version;
        self.state = now;
    }

    fn goes_away(&mut self, breaches: &mut Breaches) {
        match &self.state.pause {
            Some(pause) => self.pauses.push(pause.clone()),
            None => breaches.add(format!("{} was let in and is {:?}", self.agent, self.state)),
        }
        self.stage = Stage::Away;
    }
}

fn state(shown: &AgentShown<'_>) -> Expected {
    let pause = shown.pause.as_ref().map(|pause| pause.id.clone().into_owned());
    Expected { status: shown.status.clone().into_owned(), pause }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn agent(version: u64, pause: Option<&str>, position: Option<u64>) -> Value {
        let mut agent = json!({ "agent": "ana", "version": version, "connection": "connected",
            "status": if pause.is_some() { "paused" } else { "available" } });
        if let Some(id) = pause {
            agent["pause"] = json!({ "id": id });
        }
        if let Some(position) = position {
            agent["queue"] = json!({ "type": "cafe", "position": position });
        }
        agent
    }

    fn ana() -> Account {
        let shown = agent(1, None, None).to_string();
        Account::of(&serde_json::from_str(&shown).expect("a state"))
    }

    fn reply(account: &mut Account, outcome: Option<&str>, agent: &Value) -> Breaches {
        let mut breaches = Breaches::none();
        let mut text = json!({ "agent": agent });
        if let Some(outcome) = outcome {
            text["outcome"] = outcome.into();
        }
        let text = text.to_string();
        let told: Commanded<'_> = serde_json::from_str(&text).expect("a reply");
        match account.stage() {
            Stage::Accepting => account.accepted(&told, &mut breaches),
            Stage::Returning => account.ended(&told, &mut breaches),
            Stage::Before | Stage::Asked | Stage::InLine | Stage::Away | Stage::After => {
                account.started(&told, &serde_json::from_str(&text).expect("a place"), true, &mut breaches)
            }
        }
        breaches
    }

    fn offer(account: &mut Account) -> (bool, Breaches) {
        let mut breaches = Breaches::none();
        let text = r#"{"offer":"o","type":"cafe","expires_at":"2026-11-22T10:00:00.000Z"}"#;
        let takes = account.offered(&serde_json::from_str(text).expect("an offer"), &mut breaches);
        (takes, breaches)
    }

    #[test]
    fn who_waits_is_offered_a_slot_goes_and_comes_back() {
        let mut ana = ana();
        ana.sends(Stage::Asked);
        assert!(reply(&mut ana, Some("queued"), &agent(2, None, Some(4))).is_empty());
        let (takes, breaches) = offer(&mut ana);
        assert!(takes && breaches.is_empty(), "{breaches:?}");
        ana.sends(Stage::Accepting);
        assert!(reply(&mut ana, None, &agent(4, Some("p"), None)).is_empty());
        assert_eq!((ana.stage(), ana.pauses()), (Stage::Away, &["p".to_owned()][..]));
        ana.sends(Stage::Returning);
        assert!(reply(&mut ana, None, &agent(5, None, None)).is_empty());
        assert_eq!((ana.stage(), ana.truth().1), (Stage::After, 5));
        assert_eq!((ana.waits()[0].position, ana.waits().len()), (Some(4), 1));
    }

    #[test]
    fn planted_replies_that_cannot_be_are_found() {
        let found = |outcome, agent: &Value, stage| {
            let mut ana = ana();
            ana.sends(stage);
            reply(&mut ana, outcome, agent).list().join("; ")
        };
        let plain = agent(2, None, None);
        assert!(found(Some("started"), &plain, Stage::Asked).starts_with("ana was let in and is "));
        assert_eq!(found(Some("queued"), &plain, Stage::Asked), "ana waits and was told no place");
        assert_eq!(found(Some("pending"), &plain, Stage::Asked), "ana: a start had the outcome Some(\"pending\")");
        assert!(found(None, &plain, Stage::Accepting).starts_with("ana was let in and is "));
        assert!(found(None, &agent(2, Some("p"), None), Stage::Returning).starts_with("ana: an end led to "));
        let old = found(None, &agent(0, None, None), Stage::Returning);
        assert_eq!(old, "ana was at version 1, and at 0 after another command");
        let mut breaches = Breaches::none();
        let two = agent(1, Some("p"), None).to_string();
        assert!(ana().notified(&serde_json::from_str(&two).expect("a state"), &mut breaches));
        assert!(breaches.list()[0].starts_with("ana has two states at version 1"), "{breaches:?}");
        let old = agent(0, None, None).to_string();
        assert!(!ana().notified(&serde_json::from_str(&old).expect("a state"), &mut breaches));
        let (takes, breaches) = offer(&mut ana());
        assert!(!takes, "nobody waits");
        assert_eq!(breaches.list(), ["ana was offered a slot and is Before"]);
    }
}
