//! What must hold after crashes, as pure functions over what clients were told and what the journal
//! has. Each gives one line for everything that is wrong, and is proved by a planted defect below.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::journal::{Entry, digits};

/// A command that was answered with success.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Acknowledged {
    /// Whose.
    pub(crate) agent: String,
    /// Its `op`.
    pub(crate) op: String,
    /// The pause that it began.
    pub(crate) started: Option<String>,
}

/// A command that was sent again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Repeat {
    /// Its `op`.
    pub(crate) op: String,
    /// The outcome that was told first.
    pub(crate) outcome: Value,
    /// The outcome that was told now.
    pub(crate) outcome_again: Value,
    /// The agent's own state before.
    pub(crate) before: Value,
    /// And after.
    pub(crate) after: Value,
}

/// An agent that came back after a crash.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Return {
    /// Who.
    pub(crate) agent: String,
    /// Its own state as it was last told before.
    pub(crate) before: Value,
    /// As it was first told after.
    pub(crate) after: Value,
    /// The method and the parameters of the command that was not answered.
    pub(crate) in_flight: Option<(String, Value)>,
}

/// Every acknowledged command is in the journal exactly once, with what was told of it.
pub(crate) fn lost_or_doubled(acknowledged: &[Acknowledged], journal: &[Entry]) -> Vec<String> {
    let mut by_op: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in journal {
        by_op.entry(entry.op.as_deref().unwrap_or_default()).or_default().push(entry);
    }
    let mut wrong = Vec::new();
    for Acknowledged { agent, op, started } in acknowledged {
        match by_op.get(digits(op).as_str()).map(Vec::as_slice) {
            None => wrong.push(format!("{op} of {agent} was acknowledged and is not in the journal")),
            Some([entry]) => {
                let outcome = started.as_ref().map_or("done".to_owned(), |pause| format!("started:{pause}"));
                if entry.agent.as_ref() != Some(agent) || entry.op_outcome.as_ref() != Some(&outcome) {
                    wrong.push(format!("{op} of {agent} was answered with {outcome}, the journal has {entry:?}"));
                }
            }
            Some(entries) => wrong.push(format!("{op} of {agent} is in the journal {} times", entries.len())),
        }
    }
    wrong
}

/// Every `op` in the journal is one that somebody sent, and none stands there twice.
pub(crate) fn invented_or_doubled(sent: &BTreeSet<String>, journal: &[Entry]) -> Vec<String> {
    let sent: BTreeSet<String> = sent.iter().map(|op| digits(op)).collect();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (op, entry) in journal.iter().filter_map(|entry| Some((entry.op.as_ref()?, entry))) {
        if !sent.contains(op) {
            wrong.push(format!("{op} at entry {} was never sent", entry.seq));
        }
        if !seen.insert(op) {
            wrong.push(format!("{op} at entry {} stands in the journal before", entry.seq));
        }
    }
    wrong
}

/// Numbers are 1, 2, 3 … per tenant, agent and shard.
pub(crate) fn gaps(journal: &[Entry]) -> Vec<String> {
    let mut numbers: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for entry in journal {
        numbers.entry(format!("tenant {}", entry.tenant)).or_default().push(entry.seq);
        numbers.entry(format!("shard {}", entry.shard)).or_default().push(entry.shard_seq);
        match (&entry.agent, entry.agent_seq) {
            (Some(agent), Some(seq)) => numbers.entry(format!("agent {agent}")).or_default().push(seq),
            (None, None) => {}
            (agent, seq) => {
                numbers.entry(format!("entry {} has agent {agent:?}, number {seq:?}", entry.seq)).or_default().push(0);
            }
        }
    }
    let dense = |found: &[i64]| found.iter().copied().eq(1..=found.len() as i64);
    let wrong = numbers.into_iter().filter_map(|(whose, mut found)| {
        // Tenants share shards; within one number line the order of reading is that of the tenant.
        found.sort_unstable();
        (!dense(&found)).then(|| format!("{whose}: {found:?}"))
    });
    wrong.collect()
}

/// A pause has one start and at most one end, not before it; an agent has one open pause, and at
/// most one protected one inside it.
pub(crate) fn broken_pauses(journal: &[Entry]) -> Vec<String> {
    let mut started: BTreeMap<&str, i64> = BTreeMap::new();
    let mut ended: BTreeSet<&str> = BTreeSet::new();
    let mut open: BTreeMap<(&str, bool), &str> = BTreeMap::new();
    let mut wrong = Vec::new();
    for entry in journal {
        let (Some(pause), Some(agent)) = (entry.pause(), entry.agent.as_deref()) else { continue };
        if entry.kind == "pause.started" {
            if started.insert(pause, entry.at).is_some() {
                wrong.push(format!("entry {}: {pause} was started before", entry.seq));
            }
            let inside = entry.detail("inside").is_string();
            if let Some(other) = open.insert((agent, inside), pause) {
                wrong.push(format!("entry {}: {pause} began while {other} of {agent} was open", entry.seq));
            }
        } else if entry.kind == "pause.ended" {
            if started.get(pause).is_none_or(|at| entry.at < *at) {
                wrong.push(format!("entry {}: {pause} ended before it began", entry.seq));
            }
            if !ended.insert(pause) {
                wrong.push(format!("entry {}: {pause} had ended before", entry.seq));
            }
            open.retain(|_, running| *running != pause);
        }
    }
    wrong
}

/// Sending a command again changes nothing and tells the same.
pub(crate) fn unequal_repeats(repeats: &[Repeat]) -> Vec<String> {
    let wrong = repeats.iter().filter_map(|Repeat { op, outcome, outcome_again, before, after }| {
        if outcome != outcome_again {
            return Some(format!("{op}: {outcome} was told first, {outcome_again} again"));
        }
        (before != after).then(|| format!("{op}, sent again, made {after} of {before}"))
    });
    wrong.collect()
}

/// Coming back alters nothing but what the command in flight explains, and never the clock of a
/// pause that goes on.
pub(crate) fn altered_returns(returns: &[Return]) -> Vec<String> {
    let wrong = returns.iter().filter_map(|Return { agent, before, after, in_flight }| {
        let told = |what: &str| Some(format!("{agent}: {what}: {before} became {after} with {in_flight:?} in flight"));
        let same = |field: &str| before[field] == after[field];
        if after["connection"] != "connected" {
            return told("not connected");
        }
        if same("version") {
            let is_unaltered = same("status") && same("since") && same("pause");
            return if is_unaltered { None } else { told("altered without an event") };
        }
        if !before["pause"].is_null()
            && before["pause"]["id"] == after["pause"]["id"]
            && before["pause"]["started_at"] != after["pause"]["started_at"]
        {
            return told("the clock of the pause moved");
        }
        match in_flight {
            None => told("altered although nothing was in flight"),
            Some((method, params)) => {
                let explained = match method.as_str() {
                    "pause.start" => after["status"] == "paused" && after["pause"]["type"] == params["type"],
                    "pause.end" => before["pause"]["id"] != after["pause"]["id"],
                    "status.set" => after["status"] == params["status"],
                    _ => false,
                };
                if explained { None } else { told("not what was asked for") }
            }
        }
    });
    wrong.collect()
}

/// Whoever has no socket is given up within the grace and a second. After a crash the grace runs
/// from the start of the server.
pub(crate) fn given_up_late(journal: &[Entry], grace_ms: i64) -> Vec<String> {
    /// What promise C8 adds to the grace.
    const TOLERANCE_MS: i64 = 1_000;
    /// Who has a socket, or is held since when.
    enum Held {
        Connected,
        Since(i64),
    }
    let mut held: BTreeMap<&str, Held> = BTreeMap::new();
    let mut wrong = Vec::new();
    let last_at = journal.iter().map(|entry| entry.at).max().unwrap_or(0);
    for entry in journal {
        let Some(agent) = entry.agent.as_deref() else {
            if entry.kind == "server.started" {
                held.values_mut().for_each(|held| *held = Held::Since(entry.at));
            }
            continue;
        };
        match entry.kind.as_str() {
            "agent.connected" => {
                held.insert(agent, Held::Connected);
            }
            "agent.grace" => {
                held.insert(agent, Held::Since(entry.at));
            }
            "agent.connection_lost" => match held.remove(agent) {
                Some(Held::Since(since)) if (grace_ms..=grace_ms + TOLERANCE_MS).contains(&(entry.at - since)) => {}
                Some(Held::Since(since)) => {
                    wrong.push(format!("{agent} was given up {} ms after the socket went", entry.at - since))
                }
                Some(Held::Connected) => wrong.push(format!("{agent} was given up while a socket was open")),
                None => wrong.push(format!("{agent} was given up twice")),
            },
            "agent.signed_out" => {
                held.remove(agent);
            }
            _ => {}
        }
    }
    for (agent, held) in held {
        if let Held::Since(since) = held
            && last_at > since + grace_ms + TOLERANCE_MS
        {
            wrong.push(format!("{agent} is a ghost: without a socket since {since}, not given up by {last_at}"));
        }
    }
    wrong
}

/// A limit that passed while the server was down is on record once, late, as of when it was due, and
/// before the agent was answered again.
pub(crate) fn limit_not_on_record(journal: &[Entry], agent: &str, limit_at: i64) -> Vec<String> {
    let Some(restart) = journal.iter().rfind(|entry| entry.kind == "server.started").map(|entry| entry.seq) else {
        return vec!["the server never started".to_owned()];
    };
    let answered = journal.iter().find(|entry| entry.seq > restart && entry.is(agent, "agent.connected"));
    let Some(answered) = answered.map(|entry| entry.seq) else {
        return vec![format!("{agent} never came back")];
    };
    let mut wrong = Vec::new();
    for kind in ["pause.limit_reached", "pause.overran"] {
        let found: Vec<&Entry> = journal.iter().filter(|entry| entry.is(agent, kind)).collect();
        match found.as_slice() {
            [entry] => {
                if entry.seq > answered {
                    wrong.push(format!("{kind} is at {}, after the agent was answered at {answered}", entry.seq));
                }
                if entry.due_at != Some(limit_at) || *entry.detail("late") != true {
                    wrong.push(format!("{kind} should be late and of {limit_at}: {entry:?}"));
                }
            }
            entries => wrong.push(format!("{kind} is on record {} times", entries.len())),
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OP: &str = "AAAAAAAA-0000-4000-8000-000000000001";
    const OTHER: &str = "aaaaaaaa-0000-4000-8000-000000000002";

    fn entry(seq: i64, agent: Option<&str>, kind: &str, detail: Value) -> Entry {
        Entry {
            tenant: "acme".to_owned(),
            seq,
            shard: 7,
            shard_seq: seq,
            agent: agent.map(str::to_owned),
            agent_seq: agent.map(|_| seq),
            at: seq * 100,
            due_at: None,
            kind: kind.to_owned(),
            op: None,
            op_outcome: None,
            body: json!({ "v": 1, "event": { kind: detail } }),
        }
    }

    fn started(seq: i64, pause: &str) -> Entry {
        entry(seq, Some("ana"), "pause.started", json!({ "id": pause }))
    }

    fn ended(seq: i64, pause: &str) -> Entry {
        entry(seq, Some("ana"), "pause.ended", json!({ "pause": pause }))
    }

    fn with_op(entry: Entry, op: &str, outcome: &str) -> Entry {
        Entry { op: Some(digits(op)), op_outcome: Some(outcome.to_owned()), ..entry }
    }

    fn acknowledged(op: &str, started: Option<&str>) -> Acknowledged {
        Acknowledged { agent: "ana".to_owned(), op: op.to_owned(), started: started.map(str::to_owned) }
    }

    #[test]
    fn a_fabricated_acknowledgement_and_a_doubled_entry_are_found() {
        let journal = [with_op(started(1, "p1"), OP, "started:p1"), with_op(ended(2, "p1"), OTHER, "done")];
        let right = [acknowledged(OP, Some("p1")), acknowledged(OTHER, None)];
        assert_eq!(lost_or_doubled(&right, &journal), Vec::<String>::new());
        let lost = lost_or_doubled(&[acknowledged("bbbb", None)], &journal);
        assert_eq!(lost, ["bbbb of ana was acknowledged and is not in the journal"]);
        assert_eq!(lost_or_doubled(&[acknowledged(OP, Some("p2"))], &journal).len(), 1, "another pause was told");
        let somebody_else = Acknowledged { agent: "bia".to_owned(), ..acknowledged(OTHER, None) };
        assert_eq!(lost_or_doubled(&[somebody_else], &journal).len(), 1, "another agent was told");
        let doubled = [&journal[..], &[with_op(ended(3, "p1"), OTHER, "done")]].concat();
        let found = lost_or_doubled(&right, &doubled);
        assert_eq!(found, [format!("{OTHER} of ana is in the journal 2 times")]);
    }

    #[test]
    fn an_op_that_nobody_sent_and_one_that_stands_twice_are_found() {
        let sent = BTreeSet::from([OP.to_owned()]);
        let journal = [with_op(started(1, "p1"), OP, "started:p1")];
        assert_eq!(invented_or_doubled(&sent, &journal), Vec::<String>::new());
        assert_eq!(invented_or_doubled(&BTreeSet::new(), &journal).len(), 1);
        let twice = [journal[0].clone(), with_op(ended(2, "p1"), OP, "done")];
        assert_eq!(invented_or_doubled(&sent, &twice).len(), 1);
    }

    #[test]
    fn a_gap_and_a_doubled_number_are_found_in_each_line_of_numbers() {
        let whole = [entry(1, Some("ana"), "x", json!({})), entry(2, Some("ana"), "x", json!({}))];
        assert_eq!(gaps(&whole), Vec::<String>::new());
        assert_eq!(gaps(&whole[1..]).len(), 3, "tenant, shard and agent begin at 2");
        for plant in [
            |entry: &mut Entry| entry.seq = 3,
            |entry: &mut Entry| entry.shard_seq = 1,
            |entry: &mut Entry| entry.agent_seq = Some(1),
            |entry: &mut Entry| entry.agent_seq = None,
        ] {
            let mut planted = whole.clone();
            plant(&mut planted[1]);
            assert_eq!(gaps(&planted).len(), 1, "{planted:?}");
        }
    }

    #[test]
    fn a_pause_that_begins_or_ends_twice_or_beside_another_is_found() {
        assert_eq!(broken_pauses(&[started(1, "p1"), ended(2, "p1"), started(3, "p2")]), Vec::<String>::new());
        let inner = entry(2, Some("ana"), "pause.started", json!({ "id": "p2", "inside": "p1" }));
        assert_eq!(broken_pauses(&[started(1, "p1"), inner, ended(3, "p2"), ended(4, "p1")]), Vec::<String>::new());
        assert_eq!(broken_pauses(&[started(1, "p1"), ended(2, "p1"), started(3, "p1")]).len(), 1, "began twice");
        assert_eq!(broken_pauses(&[started(1, "p1"), started(2, "p2")]).len(), 1, "two are open");
        assert_eq!(broken_pauses(&[started(1, "p1"), ended(2, "p1"), ended(3, "p1")]).len(), 1, "ended twice");
        assert_eq!(broken_pauses(&[ended(1, "p1")]).len(), 1, "ended without a start");
    }

    #[test]
    fn a_repeat_with_another_outcome_or_an_effect_is_found() {
        let state = json!({ "version": 4, "status": "paused", "pause": { "id": "p1" } });
        let right = Repeat {
            op: OP.to_owned(),
            outcome: json!("started"),
            outcome_again: json!("started"),
            before: state.clone(),
            after: state,
        };
        assert_eq!(unequal_repeats(std::slice::from_ref(&right)), Vec::<String>::new());
        let other = Repeat { outcome_again: json!("pending"), ..right.clone() };
        let mut effect = right;
        effect.after["pause"]["id"] = json!("p2");
        assert_eq!(unequal_repeats(&[other, effect]).len(), 2);
    }

    #[test]
    fn a_return_that_alters_a_pause_is_found() {
        let before = json!({
            "version": 4, "status": "paused", "since": "t1", "connection": "connected",
            "pause": { "id": "p1", "type": "cafe", "started_at": "t1" }
        });
        let back = |after: Value, in_flight: Option<(&str, Value)>| {
            let in_flight = in_flight.map(|(method, params)| (method.to_owned(), params));
            altered_returns(&[Return { agent: "ana".to_owned(), before: before.clone(), after, in_flight }])
        };
        let with = |change: fn(&mut Value)| {
            let mut after = before.clone();
            change(&mut after);
            after
        };
        assert_eq!(back(before.clone(), None), Vec::<String>::new());
        let ended = with(|after| {
            after["version"] = json!(5);
            after["status"] = json!("available");
            after["pause"] = Value::Null;
        });
        assert_eq!(back(ended.clone(), Some(("pause.end", json!({})))), Vec::<String>::new());
        let planted = [
            back(ended, None),
            back(with(|after| after["version"] = json!(5)), Some(("pause.end", json!({})))),
            back(with(|after| after["pause"]["started_at"] = json!("t2")), None),
            back(
                with(|after| {
                    after["version"] = json!(5);
                    after["pause"]["started_at"] = json!("t2");
                }),
                Some(("pause.start", json!({ "type": "cafe" }))),
            ),
            back(with(|after| after["pause"]["id"] = json!("p2")), None),
            back(with(|after| after["connection"] = json!("grace")), None),
            back(with(|after| after["version"] = json!(5)), Some(("status.set", json!({ "status": "available" })))),
        ];
        for (n, found) in planted.iter().enumerate() {
            assert_eq!(found.len(), 1, "plant {n}: {found:?}");
        }
    }

    #[test]
    fn a_ghost_and_whoever_is_given_up_late_or_too_soon_are_found() {
        let at = |at: i64, agent: Option<&str>, kind: &str| Entry { at, ..entry(at, agent, kind, json!({})) };
        let ana = Some("ana");
        let down = [at(0, ana, "agent.connected"), at(100, None, "server.started")];
        let after = |more: &[Entry]| given_up_late(&[&down[..], more].concat(), 1_000);
        assert_eq!(after(&[at(1_150, ana, "agent.connection_lost")]), Vec::<String>::new());
        assert_eq!(after(&[at(200, ana, "agent.connected"), at(9_000, None, "x")]), Vec::<String>::new());
        assert_eq!(after(&[at(1_099, ana, "agent.connection_lost")]).len(), 1, "too soon");
        assert_eq!(after(&[at(2_101, ana, "agent.connection_lost")]).len(), 1, "too late");
        assert_eq!(after(&[at(2_101, None, "x")]).len(), 1, "never");
        let twice = [at(1_150, ana, "agent.connection_lost"), at(1_160, ana, "agent.connection_lost")];
        assert_eq!(after(&twice).len(), 1, "twice");
        let connected = [at(200, ana, "agent.connected"), at(1_300, ana, "agent.connection_lost")];
        assert_eq!(after(&connected).len(), 1, "while a socket was open");
    }

    #[test]
    fn a_limit_that_is_missing_early_or_recorded_after_the_first_answer_is_found() {
        let threshold = |seq: i64, kind: &str, late: bool| Entry {
            due_at: Some(50),
            ..entry(seq, Some("ana"), kind, json!({ "pause": "p1", "late": late }))
        };
        let restart = entry(2, None, "server.started", json!({}));
        let back = |seq: i64| entry(seq, Some("ana"), "agent.connected", json!({}));
        let limit = |seq: i64| threshold(seq, "pause.limit_reached", true);
        let overran = |seq: i64, late: bool| threshold(seq, "pause.overran", late);
        let found = |entries: &[Entry]| {
            let journal = [&[started(1, "p1"), restart.clone()], entries].concat();
            limit_not_on_record(&journal, "ana", 50).len()
        };
        assert_eq!(found(&[limit(3), overran(4, true), back(5)]), 0);
        assert_eq!(found(&[limit(3), back(5)]), 1, "no overrun");
        assert_eq!(found(&[limit(3), back(4), overran(5, true)]), 1, "after the answer");
        assert_eq!(found(&[limit(3), overran(4, false), back(5)]), 1, "not late");
        assert_eq!(found(&[limit(3), limit(4), overran(5, true), back(6)]), 1, "twice");
        assert_eq!(limit_not_on_record(&[started(1, "p1")], "ana", 50).len(), 1, "no restart");
    }
}
