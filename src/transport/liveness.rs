//! Is somebody there: protocol pings, and the pongs that answer them (semantics §7).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::domain::time::Timestamp;

/// How sockets are asked whether somebody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PingTimes {
    /// From one ping to the next.
    pub every: Duration,
    /// How long an answer may take. A dead socket is gone after the sum of both.
    pub answered_within: Duration,
}

impl Default for PingTimes {
    /// 25 s and 10 s (semantics §7).
    fn default() -> PingTimes {
        PingTimes { every: Duration::from_secs(25), answered_within: Duration::from_secs(10) }
    }
}

/// What is to be done about a socket's liveness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing.
    Nothing,
    /// A ping with this number.
    Ping(u32),
    /// A ping was not answered in time: there is nobody there.
    Dead,
}

/// When a socket was pinged and answered.
#[derive(Debug)]
pub(super) struct Liveness {
    times: PingTimes,
    ping_at: Timestamp,
    /// By when the oldest unanswered ping must be answered.
    pong_by: Option<Timestamp>,
    sent: u32,
    answered: u32,
    answered_at: Arc<AtomicI64>,
}

impl Liveness {
    pub(super) fn new(now: Timestamp, times: PingTimes) -> Liveness {
        Liveness {
            times,
            ping_at: now + times.every,
            pong_by: None,
            sent: 0,
            answered: 0,
            answered_at: Arc::new(AtomicI64::new(0)),
        }
    }

    /// When the last pong came, in ms, for the agent's actor.
    pub(super) fn answered_at(&self) -> Arc<AtomicI64> {
        Arc::clone(&self.answered_at)
    }

    pub(super) fn next_deadline(&self) -> Timestamp {
        self.pong_by.map_or(self.ping_at, |by| by.min(self.ping_at))
    }

    /// When the next ping is due.
    pub(super) fn ping_at(&self) -> Timestamp {
        self.ping_at
    }

    /// What is to be done at `now`.
    pub(super) fn due(&mut self, now: Timestamp) -> Due {
        if self.pong_by.is_some_and(|by| by <= now) {
            return Due::Dead;
        }
        self.ping_due(now).map_or(Due::Nothing, Due::Ping)
    }

    /// The number of the ping that is due at `now`, whether or not one before it is unanswered.
    pub(super) fn ping_due(&mut self, now: Timestamp) -> Option<u32> {
        if now < self.ping_at {
            return None;
        }
        self.sent = self.sent.wrapping_add(1);
        self.ping_at = now + self.times.every;
        self.pong_by.get_or_insert(now + self.times.answered_within);
        Some(self.sent)
    }

    /// Makes a ping due at once, to learn whether somebody is there right now.
    pub(super) fn hurry(&mut self, now: Timestamp) {
        self.ping_at = self.ping_at.min(now);
    }

    /// For so long nothing was read, for a call ran: a pong may lie in the buffer, and gets that time again. Not the time for which
    /// a call or the reading was held up because the client sends too much: behind all that, nobody may be there any more.
    pub(super) fn was_busy(&mut self, time: Duration, now: Timestamp) {
        if let Some(by) = &mut self.pong_by {
            *by = (*by + time).min((*by).max(now + self.times.answered_within));
        }
    }

    /// A pong came. Only the answer to a ping of ours is a sign of life.
    pub(super) fn on_pong(&mut self, payload: &[u8], now: Timestamp) {
        let Ok(number) = payload.try_into().map(u32::from_be_bytes) else { return };
        let is_answer = number.wrapping_sub(self.answered).wrapping_sub(1) < self.sent.wrapping_sub(self.answered);
        if is_answer {
            self.answered = number;
            self.answered_at.store(now.0, Ordering::Relaxed);
            self.pong_by = (self.answered != self.sent).then_some(now + self.times.answered_within);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_000_000);
    const PING_EVERY: Duration = Duration::from_secs(25);

    #[test]
    fn a_socket_that_does_not_answer_is_dead_35_s_after_it_was_last_heard() {
        let mut liveness = Liveness::new(START, PingTimes::default());
        assert_eq!(liveness.next_deadline(), START + PING_EVERY);
        assert_eq!(liveness.due(START + Duration::from_millis(24_999)), Due::Nothing);
        assert_eq!(liveness.due(START + PING_EVERY), Due::Ping(1));
        assert_eq!(liveness.next_deadline(), START + Duration::from_secs(35));
        assert_eq!(liveness.due(START + Duration::from_millis(34_999)), Due::Nothing);
        assert_eq!(liveness.due(START + Duration::from_secs(35)), Due::Dead);
    }

    #[test]
    fn only_the_answer_to_a_ping_is_a_sign_of_life() {
        let mut liveness = Liveness::new(START, PingTimes::default());
        let at = START + PING_EVERY;
        assert_eq!(liveness.due(at), Due::Ping(1));
        for stranger in [&[][..], b"hello", &2u32.to_be_bytes(), &0u32.to_be_bytes()] {
            liveness.on_pong(stranger, at);
        }
        assert_eq!(liveness.answered_at().load(Ordering::Relaxed), 0);
        liveness.on_pong(&1u32.to_be_bytes(), at + Duration::from_secs(1));
        assert_eq!(liveness.answered_at().load(Ordering::Relaxed), at.0 + 1000);
        assert_eq!(liveness.due(at + Duration::from_secs(10)), Due::Nothing);
        liveness.on_pong(&1u32.to_be_bytes(), at + Duration::from_secs(9));
        assert_eq!(liveness.answered_at().load(Ordering::Relaxed), at.0 + 1000, "an answer counts once");
    }

    #[test]
    fn a_hurried_ping_goes_at_once_and_does_not_prolong_the_one_before() {
        let mut liveness = Liveness::new(START, PingTimes::default());
        assert_eq!(liveness.due(START + PING_EVERY), Due::Ping(1));
        let later = START + Duration::from_secs(30);
        liveness.hurry(later);
        assert_eq!(liveness.due(later), Due::Ping(2));
        assert_eq!(liveness.due(START + Duration::from_secs(35)), Due::Dead);
    }

    #[test]
    fn semantics_7_a_socket_that_is_silent_behind_thousands_of_calls_is_dead_at_its_time() {
        let mut liveness = Liveness::new(START, PingTimes::default());
        assert_eq!(liveness.due(START + PING_EVERY), Due::Ping(1));
        // A call each 200 ms, of which the server itself needs one.
        let mut now = START + PING_EVERY;
        while liveness.due(now) != Due::Dead {
            now = now + Duration::from_millis(200);
            liveness.was_busy(Duration::from_millis(1), now);
            assert!(now < START + Duration::from_secs(36), "it would never be");
        }
        assert!(now >= START + Duration::from_secs(35));
        // However long a call takes, no more than the time of an answer is left after it.
        let mut liveness = Liveness::new(START, PingTimes::default());
        assert_eq!(liveness.due(START + PING_EVERY), Due::Ping(1));
        liveness.was_busy(Duration::from_secs(600), START + PING_EVERY);
        assert_eq!(liveness.due(START + Duration::from_secs(35)), Due::Dead);
    }

    #[test]
    fn a_pong_that_lay_unread_during_a_call_is_not_missed() {
        let mut liveness = Liveness::new(START, PingTimes::default());
        assert_eq!(liveness.due(START + PING_EVERY), Due::Ping(1));
        let after_call = START + Duration::from_secs(36);
        liveness.was_busy(Duration::from_secs(30), after_call);
        assert_eq!(liveness.due(after_call), Due::Nothing);
        liveness.on_pong(&1u32.to_be_bytes(), after_call);
        assert_eq!(liveness.next_deadline(), START + PING_EVERY + PING_EVERY);
    }
}
