//! What the server acknowledged, agent by agent, and what it is held to afterwards.
//!
//! Pure: replies and states go in, breaches come out, so that a breach can be planted. It knows nothing of
//! sockets and times.

use std::collections::BTreeMap;

use super::breaches::Breaches;
use super::message::{AgentShown, Commanded, Wish};
use crate::check::{Expected, disagreements};
use crate::row::Row;

/// A command that was acknowledged, as it would be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    /// What was wished.
    pub(super) wish: Wish,
    /// Its op.
    pub(super) op: String,
    /// The outcome that was told.
    outcome: Option<String>,
}

/// A pause as the history tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PastPause {
    /// Whose.
    pub(super) agent: String,
    /// Its id.
    pub(super) id: String,
    /// It has ended.
    pub(super) ended: bool,
}

/// What an agent was told last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Told {
    version: u64,
    status: String,
    pause: Option<String>,
}

#[derive(Debug, Clone, Default)]
struct Account {
    agent: String,
    told: Told,
    signed_in: bool,
    /// The pauses whose start was acknowledged, by their ids as numbers: a run has hundreds of thousands.
    started: Vec<u128>,
    first: Option<Done>,
    last: Option<Done>,
    last_but_one: Option<Done>,
    commands: u64,
}

/// The accounts of all agents, by their numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    accounts: Vec<Account>,
    breaches: Breaches,
}

impl Ledger {
    /// Accounts of agents of whom nothing is known.
    pub(super) fn of(agents: impl IntoIterator<Item = String>) -> Ledger {
        let account = |agent| Account { agent, ..Account::default() };
        Ledger { accounts: agents.into_iter().map(account).collect(), breaches: Breaches::none() }
    }

    /// What was broken so far.
    pub(super) fn breaches(&self) -> &Breaches {
        &self.breaches
    }

    /// Something else was broken.
    pub(super) fn breach(&mut self, what: impl std::fmt::Display) {
        self.breaches.add(what);
    }

    /// Takes what was broken elsewhere into the same list.
    pub(super) fn add_breaches(&mut self, breaches: Breaches) {
        self.breaches.add_all(breaches);
    }

    /// How many commands were acknowledged.
    pub(super) fn commands(&self) -> u64 {
        self.accounts.iter().map(|account| account.commands).sum()
    }

    /// How many agents there are.
    pub(super) fn agents(&self) -> usize {
        self.accounts.len()
    }

    /// What an agent may wish next: a pause when it is not on one.
    pub(super) fn next_wish(&self, who: usize) -> Wish {
        if self.accounts[who].told.pause.is_some() { Wish::End } else { Wish::Start }
    }

    /// What everybody should be shown of an agent, and at which version.
    pub(super) fn truth(&self, who: usize) -> (Expected, u64) {
        let Told { version, status, pause } = self.accounts[who].told.clone();
        (Expected { status, pause }, version)
    }

    /// The version that was acknowledged last.
    pub(super) fn version(&self, who: usize) -> u64 {
        self.accounts[who].told.version
    }

    /// An agent signed in. Whoever comes back finds what was left (promise C8).
    pub(super) fn signed_in(&mut self, who: usize, shown: &AgentShown<'_>) {
        let account = &mut self.accounts[who];
        let now = told(shown);
        let agent = &account.agent;
        self.breaches.hold(shown.agent == *agent, || format!("{agent} signed in and was told of {}", shown.agent));
        self.breaches
            .hold(shown.connection == "connected", || format!("{agent} signed in and is {}", shown.connection));
        if account.signed_in {
            let before = &account.told;
            let same = now.version >= before.version && now.status == before.status && now.pause == before.pause;
            self.breaches.hold(same, || format!("{agent} came back to {now:?}, had left {before:?}"));
        }
        account.told = now;
        account.signed_in = true;
    }

    /// A command was acknowledged.
    pub(super) fn acked(&mut self, who: usize, wish: Wish, op: &str, reply: &Commanded<'_>) {
        let account = &mut self.accounts[who];
        let breaches = &mut self.breaches;
        let (agent, now, before) = (&account.agent, told(&reply.agent), &account.told);
        breaches.hold(reply.agent.agent == *agent, || format!("{agent} was answered with {}", reply.agent.agent));
        breaches.hold(now.version > before.version, || {
            format!("{agent} was at version {}, and at {} after another command", before.version, now.version)
        });
        breaches.hold(now.status == wish.leads_to(), || format!("{agent}: {wish:?} led to {now:?}"));
        breaches.hold(now.pause.is_some() == (wish == Wish::Start), || format!("{agent}: {wish:?} led to {now:?}"));
        if wish == Wish::Start {
            let outcome = reply.outcome.as_deref();
            breaches.hold(outcome == Some("started"), || format!("{agent}: a start had the outcome {outcome:?}"));
            match now.pause.as_deref().and_then(number) {
                Some(id) => account.started.push(id),
                None => breaches.add(format!("{agent}: a pause has the id {:?}, which is none", now.pause)),
            }
        }
        let outcome = reply.outcome.as_deref().map(str::to_owned);
        let done = Done { wish, op: op.to_owned(), outcome };
        account.first.get_or_insert_with(|| done.clone());
        account.last_but_one = account.last.replace(done);
        account.told = now;
        account.commands += 1;
    }

    /// The server told an agent of itself. A reply comes before what it causes, so that this is nothing new.
    pub(super) fn notified(&mut self, who: usize, shown: &AgentShown<'_>) {
        let Account { agent, told: known, .. } = &self.accounts[who];
        if shown.version == known.version {
            let now = told(shown);
            self.breaches
                .hold(now == *known, || format!("{agent} has two states at one version: {known:?} and {now:?}"));
        } else if shown.version > known.version {
            let (version, known) = (shown.version, known.version);
            self.breaches.add(format!("{agent} was told of version {version} before the reply to {known} and after"));
        }
    }

    /// What of an agent's commands is worth sending again: the first one, which the server may have to look up,
    /// and the last two.
    pub(super) fn to_repeat(&self, who: usize) -> Vec<Done> {
        let account = &self.accounts[who];
        let mut list: Vec<Done> =
            [&account.first, &account.last_but_one, &account.last].into_iter().flatten().cloned().collect();
        list.dedup();
        list
    }

    /// A command was sent again under its op: nothing may have come of it (promise D3).
    pub(super) fn repeated(&mut self, who: usize, done: &Done, reply: &Commanded<'_>) {
        let account = &self.accounts[who];
        let agent = &account.agent;
        let outcome = reply.outcome.as_deref();
        self.breaches.hold(outcome == done.outcome.as_deref(), || {
            format!("{agent}: {:?} again had the outcome {outcome:?}, the first time {:?}", done.wish, done.outcome)
        });
        let now = told(&reply.agent);
        self.breaches.hold(now == account.told, || {
            format!("{agent}: {:?} sent again led from {:?} to {now:?}", done.wish, account.told)
        });
    }

    /// An agent asked for its state when all was quiet.
    pub(super) fn final_state(&mut self, who: usize, shown: &AgentShown<'_>) {
        let account = &self.accounts[who];
        let now = told(shown);
        self.breaches.hold(now == account.told, || {
            format!("{} is {now:?} at the end, was acknowledged {:?}", account.agent, account.told)
        });
    }

    /// A board's table when all was quiet.
    pub(super) fn final_table(&mut self, table: &BTreeMap<String, Row>) {
        let expected = self.accounts.iter().filter(|account| account.signed_in).map(|account| {
            let Told { status, pause, .. } = account.told.clone();
            (account.agent.clone(), Expected { status, pause })
        });
        for disagreement in disagreements(table, &expected.collect()) {
            self.breaches.add(format!("a board at the end: {disagreement}"));
        }
        for account in &self.accounts {
            let shown = table.get(&account.agent).map(|row| row.version);
            let known = account.told.version;
            if shown.is_some_and(|version| version != known) && account.signed_in {
                self.breaches
                    .add(format!("a board at the end: {} is at version {shown:?}, not {known}", account.agent));
            }
        }
    }

    /// The whole history since the agents signed in: every acknowledged start once, and nothing else.
    pub(super) fn history(&mut self, pauses: &[PastPause]) {
        let mut by_agent: BTreeMap<&str, Vec<(u128, bool)>> = BTreeMap::new();
        for pause in pauses {
            match number(&pause.id) {
                Some(id) => by_agent.entry(&pause.agent).or_default().push((id, pause.ended)),
                None => self.breaches.add(format!("the history has a pause {:?}, which is no id", pause.id)),
            }
        }
        for account in &self.accounts {
            let mut past = by_agent.remove(account.agent.as_str()).unwrap_or_default();
            past.sort_unstable();
            let mut acked = account.started.clone();
            acked.sort_unstable();
            let agent = &account.agent;
            let same = past.iter().map(|(id, _)| id).eq(&acked);
            self.breaches.hold(same, || {
                let lost = acked.iter().filter(|id| past.binary_search_by_key(id, |(id, _)| id).is_err()).count();
                format!(
                    "{agent}: the history has {} pauses, {} were acknowledged, {lost} of these are not there",
                    past.len(),
                    acked.len()
                )
            });
            let open: Vec<u128> = past.iter().filter(|(_, ended)| !ended).map(|(id, _)| *id).collect();
            let running: Vec<u128> = account.told.pause.as_deref().and_then(number).into_iter().collect();
            self.breaches.hold(open == running, || {
                format!("{agent}: {} pauses of the history have not ended, {} should", open.len(), running.len())
            });
        }
        for agent in by_agent.into_keys() {
            self.breaches.add(format!("the history has pauses of {agent}, who commanded none"));
        }
    }
}

fn told(shown: &AgentShown<'_>) -> Told {
    Told {
        version: shown.version,
        status: shown.status.clone().into_owned(),
        pause: shown.pause.as_ref().map(|pause| pause.id.clone().into_owned()),
    }
}

/// A pause's id as a number: 32 hexadecimal digits with hyphens between (`docs/protocol.md`).
fn number(id: &str) -> Option<u128> {
    let digits: String = id.chars().filter(|digit| *digit != '-').collect();
    (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok())?
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
