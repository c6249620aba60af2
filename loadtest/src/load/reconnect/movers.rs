//! Those who are lost and come back: agents, each until it is told its own state, and boards, each until it shows its
//! team.

use std::time::Instant;

use crate::check::Expected;
use crate::load::arrivals::{Guests, Step, session_open, told_of_itself};
use crate::load::breaches::Breaches;
use crate::load::company::{self, Company};
use crate::load::fanout::{RowId, Rows, Shown, Stand};
use crate::load::ledger::Ledger;

/// All of them, in the order in which they come.
#[derive(Debug)]
pub(super) struct Movers {
    company: Company,
    /// The number of the first agent who comes and goes; those before stay.
    first: usize,
    tokens: Vec<String>,
    who: Vec<Mover>,
    ledger: Ledger,
    /// The boards of each team.
    stands: Vec<Stand>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mover {
    /// By its place in the ledger.
    Agent(usize),
    /// By its team and its place there.
    Board { team: usize, seat: usize },
}

/// Who is told of rows: nobody.
struct Nobody;

impl Rows for Nobody {
    fn met(&mut self, _: RowId, _: &Shown, _: Instant) {}

    fn shown(&mut self, _: RowId, _: Instant) {}
}

impl Movers {
    /// All agents of a company from the first so many on, with their tokens, and boards with the tokens of theirs, which
    /// take teams in turn and come evenly among the agents.
    pub(super) fn of(company: Company, first: usize, agents: Vec<String>, boards: Vec<String>) -> Movers {
        let teams = company.teams();
        let ledger = Ledger::of((first..first + agents.len()).map(company::agent));
        let (count, of_boards) = (agents.len() + boards.len(), boards.len());
        let (mut agents, mut boards) = (agents.into_iter().enumerate(), boards.into_iter().enumerate());
        let (mut tokens, mut who, mut boards_so_far) = (Vec::new(), Vec::new(), 0);
        for place in 1..=count {
            let next = if place * of_boards / count > boards_so_far { boards.next() } else { None };
            if let Some((board, token)) = next {
                boards_so_far += 1;
                tokens.push(token);
                who.push(Mover::Board { team: board % teams, seat: board / teams });
            } else if let Some((agent, token)) = agents.next() {
                tokens.push(token);
                who.push(Mover::Agent(agent));
            }
        }
        let mut movers = Movers { company, first, tokens, who, ledger, stands: Vec::new() };
        movers.stands = movers.fresh();
        movers
    }

    /// How many they are.
    pub(super) fn count(&self) -> usize {
        self.who.len()
    }

    /// They are lost: boards show nothing any more.
    pub(super) fn lost(&mut self) {
        let fresh = self.fresh();
        for stand in std::mem::replace(&mut self.stands, fresh) {
            self.ledger.add_breaches(stand.into_breaches());
        }
    }

    /// The agents among them.
    pub(super) fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// True when all their boards show these versions of the agents who stay, and their own.
    pub(super) fn show(&self, stayed: &[(Expected, u64)]) -> bool {
        self.stands.iter().enumerate().all(|(team, stand)| {
            let versions: Vec<u64> = self.truth(team, stayed).iter().map(|(_, version)| *version).collect();
            stand.show(&versions)
        })
    }

    /// Holds all their boards to what was acknowledged to the agents who stay, and to themselves.
    pub(super) fn compare(&mut self, stayed: &[(Expected, u64)]) {
        for team in 0..self.stands.len() {
            let truth = self.truth(team, stayed);
            self.stands[team].compare(&truth);
        }
    }

    /// What was broken.
    pub(super) fn into_breaches(mut self) -> Breaches {
        self.lost();
        self.ledger.breaches().clone()
    }

    fn truth(&self, team: usize, stayed: &[(Expected, u64)]) -> Vec<(Expected, u64)> {
        let of =
            |n: usize| n.checked_sub(self.first).map_or_else(|| stayed[n].clone(), |place| self.ledger.truth(place));
        self.company.members(team).map(of).collect()
    }

    fn fresh(&self) -> Vec<Stand> {
        let of = |nth: usize| {
            let seats = self.who.iter().filter(|who| matches!(who, Mover::Board { team, .. } if *team == nth)).count();
            Stand::of(seats, self.company.members(nth).map(company::agent).collect())
        };
        (0..self.company.teams()).map(of).collect()
    }
}

impl Guests for Movers {
    fn tokens(&self) -> &[String] {
        &self.tokens
    }

    fn first_call(&self, nth: usize) -> Option<String> {
        Some(match self.who[nth] {
            Mover::Agent(_) => session_open(),
            Mover::Board { .. } => Stand::first_call(),
        })
    }

    fn told(&mut self, nth: usize, text: &[u8], now: Instant) -> Result<Step, String> {
        match self.who[nth] {
            Mover::Agent(who) => told_of_itself(text, &mut |opened| self.ledger.signed_in(who, &opened.agent)),
            Mover::Board { team, seat } => Ok(self.stands[team].told(seat, text, now, &mut Nobody)?.step()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Five agents in teams of two, the first of whom stays, and three boards.
    fn movers() -> Movers {
        let company = Company { team_size: Some(2), ..Company::of(5) };
        let tokens = |count: usize| (0..count).map(|n| format!("t{n}")).collect();
        Movers::of(company, 1, tokens(4), tokens(3))
    }

    fn place(movers: &Movers, wanted: Mover) -> usize {
        movers.who.iter().position(|who| *who == wanted).expect("it comes")
    }

    fn say(movers: &mut Movers, wanted: Mover, message: &Value) -> Result<Step, String> {
        let nth = place(movers, wanted);
        movers.told(nth, message.to_string().as_bytes(), Instant::now())
    }

    fn opened(agent: &str, version: u64, pause: Option<&str>) -> Value {
        let mut shown = json!({ "agent": agent, "version": version, "status": "available", "connection": "connected" });
        if let Some(pause) = pause {
            shown["status"] = "paused".into();
            shown["pause"] = json!({ "id": pause });
        }
        json!({ "id": 1, "result": { "agent": shown, "server_time": "x" } })
    }

    fn snapshot(agents: &[(usize, u64)]) -> Value {
        let row = |(n, version): &(usize, u64)| {
            json!({
                "agent": company::agent(*n), "name": "A", "teams": [], "zone": "UTC", "version": version,
                "presence": "available", "presence_since": "x", "status": "available", "since": "x",
                "connection": "connected", "routable": true, "actor": { "kind": "agent" }, "cause": "agent"
            })
        };
        let agents: Vec<Value> = agents.iter().map(row).collect();
        let result = json!({ "kind": "snapshot", "part": 0, "parts": 1, "to": 9, "cursor": "c", "agents": agents });
        json!({ "method": "board.changed", "params": { "subscription": "s", "result": result } })
    }

    #[test]
    fn boards_take_teams_in_turn_and_come_among_the_agents() {
        let movers = movers();
        let boards: Vec<usize> = (0..7).filter(|nth| matches!(movers.who[*nth], Mover::Board { .. })).collect();
        assert_eq!((movers.count(), boards), (7, vec![2, 4, 6]));
        assert_eq!(movers.who[4], Mover::Board { team: 1, seat: 0 });
        assert_eq!(movers.first_call(0), Some(session_open()));
        assert_eq!(movers.first_call(4), Some(Stand::first_call()));
    }

    #[test]
    fn a_planted_pause_that_is_gone_after_the_return_is_found() {
        let mut movers = movers();
        let arrived = say(&mut movers, Mover::Agent(2), &opened("agente-00003", 4, Some("p")));
        assert_eq!(arrived, Ok(Step::Arrived));
        movers.lost();
        assert!(movers.ledger().breaches().is_empty());
        assert_eq!(say(&mut movers, Mover::Agent(2), &opened("agente-00003", 5, None)), Ok(Step::Arrived));
        let found = movers.into_breaches();
        assert!(found.list()[0].starts_with("agente-00003 came back to "), "{found:?}");
    }

    #[test]
    fn planted_faults_of_a_returned_board_are_found() {
        let stayed = [(Expected { status: "available".to_owned(), pause: None }, 3)];
        let board = Mover::Board { team: 0, seat: 0 };
        let show = |rows: &[(usize, u64)]| {
            let mut movers = movers();
            assert_eq!(say(&mut movers, Mover::Agent(0), &opened("agente-00001", 2, None)), Ok(Step::Arrived));
            assert_eq!(say(&mut movers, board, &json!({ "id": 1, "result": "s" })), Ok(Step::Same));
            assert_eq!(say(&mut movers, board, &snapshot(rows)), Ok(Step::Arrived));
            let truth = movers.truth(0, &stayed);
            movers.stands[0].compare(&truth);
            movers.into_breaches()
        };
        assert!(show(&[(0, 3), (1, 2)]).is_empty());
        let missing = show(&[(0, 3)]);
        assert!(missing.list().iter().any(|found| found.contains("shows 1 agents of 2")), "{missing:?}");
        let old = show(&[(0, 1), (1, 2)]);
        assert!(old.list()[0].contains("at the end, was acknowledged"), "{old:?}");
    }
}
