//! The kinds of hostile clients, and what each must have been answered, so that its part in a figure is known.

use std::collections::BTreeMap;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::load) enum Kind {
    /// Subscribes to a board of everybody, and never reads it
    StalledBoards,
    /// Sends the head of an upgrade byte by byte
    SlowHeads,
    /// Sends pings by the dozen
    PingFlood,
    /// Sends what is no JSON, too deep, unknown or of the wrong type, until it is struck out
    Junk,
    /// A valid agent who calls far above the rate
    Flood,
    /// Upgrades with wrong credentials, and guesses passwords
    BadTokens,
    /// Frames without a mask, of giant lengths, and of one byte
    Fragments,
    /// Connects and vanishes
    Churn,
    /// Honest: signs in, answers pings and does nothing. In the place of the others, in the rounds without them.
    #[value(skip)]
    Idle,
}

/// What clients of one kind were answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::load) struct Answers {
    /// How many there were at once.
    pub(in crate::load) clients: u64,
    /// Connections that they began.
    pub(in crate::load) connections: u64,
    /// Bytes that they sent.
    pub(in crate::load) bytes_sent: u64,
    /// Upgrades that were granted.
    pub(in crate::load) let_in: u64,
    /// Answers of HTTP other than that, by status.
    pub(in crate::load) statuses: BTreeMap<u16, u64>,
    /// Close codes.
    pub(in crate::load) closes: BTreeMap<u16, u64>,
    /// Connections that the server ended without a word.
    pub(in crate::load) cut: u64,
    /// Connections that the client gave up, for nothing came of them.
    pub(in crate::load) given_up: u64,
    /// Calls that were answered with an error.
    pub(in crate::load) errors: u64,
    /// Those that were `rate_limited`.
    pub(in crate::load) rate_limited: u64,
}

impl Kind {
    /// All that are hostile.
    pub(in crate::load) const HOSTILE: [Kind; 8] = [
        Kind::StalledBoards,
        Kind::SlowHeads,
        Kind::PingFlood,
        Kind::Junk,
        Kind::Flood,
        Kind::BadTokens,
        Kind::Fragments,
        Kind::Churn,
    ];

    /// Its word.
    pub(in crate::load) fn word(self) -> &'static str {
        match self {
            Kind::StalledBoards => "stalled-boards",
            Kind::SlowHeads => "slow-heads",
            Kind::PingFlood => "ping-flood",
            Kind::Junk => "junk",
            Kind::Flood => "flood",
            Kind::BadTokens => "bad-tokens",
            Kind::Fragments => "fragments",
            Kind::Churn => "churn",
            Kind::Idle => "idle",
        }
    }

    /// What its clients were not answered that they must have been; none when they were.
    pub(super) fn lacks(self, answers: &Answers) -> Option<String> {
        let closed = |code| answers.closes.contains_key(&code);
        let answered = |status| answers.statuses.contains_key(&status);
        let (holds, expected) = match self {
            Kind::StalledBoards | Kind::SlowHeads => (answers.cut > 0, "an end without a word"),
            Kind::PingFlood => (closed(1008), "a close with 1008"),
            Kind::Junk => (closed(1008) && answers.errors > 0, "errors and a close with 1008"),
            Kind::Flood => (answers.rate_limited > 0, "rate_limited"),
            Kind::BadTokens => (answered(401) || answered(429), "401 or 429"),
            Kind::Fragments => (closed(1002) && closed(1009), "closes with 1002 and with 1009"),
            Kind::Churn => (answers.let_in > 0, "an upgrade that was granted"),
            Kind::Idle => (answers.let_in == answers.clients, "an upgrade for each that was granted"),
        };
        (!holds).then(|| format!("{} never got {expected}: {answers:?}", self.word()))
    }
}

impl Answers {
    /// Adds all of another; they are of the same clients.
    pub(super) fn add(&mut self, other: &Answers) {
        let Answers { clients, connections, bytes_sent, let_in, statuses, closes, cut, given_up, errors, rate_limited } =
            other;
        self.clients = *clients;
        self.connections += connections;
        self.bytes_sent += bytes_sent;
        self.let_in += let_in;
        statuses.iter().for_each(|(status, count)| *self.statuses.entry(*status).or_default() += count);
        closes.iter().for_each(|(code, count)| *self.closes.entry(*code).or_default() += count);
        self.cut += cut;
        self.given_up += given_up;
        self.errors += errors;
        self.rate_limited += rate_limited;
    }
}

/// So many clients, shared out among these kinds as evenly as it goes; the first ones get what is left over.
pub(super) fn shares(clients: usize, kinds: &[Kind]) -> Vec<(Kind, usize)> {
    let count = kinds.len().max(1);
    let (each, over) = (clients / count, clients % count);
    kinds.iter().enumerate().map(|(at, kind)| (*kind, each + usize::from(at < over))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What clients of a kind are answered when all is well.
    fn expected(kind: Kind) -> Answers {
        let mut answers = Answers { clients: 2, ..Answers::default() };
        match kind {
            Kind::StalledBoards | Kind::SlowHeads => answers.cut = 1,
            Kind::PingFlood => answers.closes = BTreeMap::from([(1008, 1)]),
            Kind::Junk => (answers.closes, answers.errors) = (BTreeMap::from([(1008, 1)]), 19),
            Kind::Flood => answers.rate_limited = 1,
            Kind::BadTokens => answers.statuses = BTreeMap::from([(401, 1)]),
            Kind::Fragments => answers.closes = BTreeMap::from([(1002, 1), (1009, 1)]),
            Kind::Churn => answers.let_in = 1,
            Kind::Idle => answers.let_in = 2,
        }
        answers
    }

    #[test]
    fn each_kind_must_have_had_its_own_answer() {
        // What would be an answer to somebody else.
        let strange = Answers {
            clients: 2,
            connections: 9,
            given_up: 9,
            statuses: BTreeMap::from([(503, 9)]),
            closes: BTreeMap::from([(1000, 9)]),
            ..Answers::default()
        };
        for kind in Kind::HOSTILE.into_iter().chain([Kind::Idle]) {
            assert_eq!(kind.lacks(&expected(kind)), None);
            let told = kind.lacks(&strange).expect("it was not answered");
            assert!(told.starts_with(&format!("{} never got ", kind.word())), "{told}");
        }
        let half = Answers { closes: BTreeMap::from([(1009, 1)]), ..Answers::default() };
        assert!(Kind::Fragments.lacks(&half).is_some(), "both codes are asked for");
    }

    #[test]
    fn words_are_those_that_are_typed_and_written() {
        for kind in Kind::HOSTILE {
            assert_eq!(Kind::from_str(kind.word(), false), Ok(kind));
            assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.word());
        }
        assert!(Kind::from_str("idle", false).is_err(), "it is none to be asked for");
    }

    #[test]
    fn clients_are_shared_out_evenly() {
        let kinds = [Kind::Junk, Kind::Flood, Kind::Churn];
        assert_eq!(shares(8, &kinds), [(Kind::Junk, 3), (Kind::Flood, 3), (Kind::Churn, 2)]);
        assert_eq!(shares(9, &kinds[..1]), [(Kind::Junk, 9)]);
    }

    #[test]
    fn answers_of_rounds_add_up() {
        let mut all = Answers::default();
        all.add(&expected(Kind::Junk));
        all.add(&expected(Kind::Fragments));
        assert_eq!((all.clients, all.errors), (2, 19));
        assert_eq!(all.closes, BTreeMap::from([(1002, 1), (1008, 1), (1009, 1)]));
    }
}
