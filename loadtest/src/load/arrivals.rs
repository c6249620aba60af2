//! Agents sign in: so many at once at most, each until it has been told its own state.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::crowd::{Crowd, Ear, Heard, Wires};
use super::failure::{Failure, Outcome};
use super::latency::Latency;
use super::message::{ErrorShown, Message, Opened, call, read, read_part};

/// How long nothing may come of a sign-in. The slowest sync of a busy disk is far shorter.
const PATIENCE: Duration = Duration::from_secs(60);
/// The number of the call that a socket makes first.
const OPEN: u64 = 1;

/// What came of many sign-ins.
#[derive(Debug)]
pub(super) struct Arrived {
    /// From connecting to the reply, each.
    pub(super) took: Latency,
    /// From the first connecting to the last reply.
    pub(super) within: Duration,
    /// How often one was told to ask again later, and did.
    pub(super) put_off: u64,
}

/// Signs in with every token, and hands each result of `session.open` to `opened` with the place of its token.
///
/// # Errors
/// [`Failure`] when one of them is not signed in.
pub(super) fn sign_in(
    crowd: &mut Crowd,
    address: SocketAddr,
    tokens: &[String],
    in_flight: usize,
    opened: &mut impl FnMut(usize, &Opened<'_>),
) -> Outcome<Arrived> {
    let began = Instant::now();
    let first = crowd.wires().opened();
    let mut arrivals = Arrivals {
        address,
        tokens,
        first,
        began: Vec::with_capacity(tokens.len()),
        arrived: 0,
        took: Latency::new(),
        put_off: 0,
        again: Vec::new(),
        heard_at: began,
        fault: None,
        opened,
    };
    for _ in 0..in_flight.clamp(1, tokens.len().max(1)) {
        arrivals.begin_next(crowd.wires());
    }
    while arrivals.arrived < tokens.len() {
        let patience = arrivals.heard_at + PATIENCE;
        if let Some(fault) = arrivals.fault.take() {
            return Err(fault);
        }
        if Instant::now() > patience {
            let waiting = arrivals.began.len() - arrivals.arrived;
            return Err(Failure::new(format!("{waiting} sign-ins had no answer within {PATIENCE:?}")));
        }
        let wake = arrivals.again.iter().map(|(at, _)| *at).min().unwrap_or(patience).min(patience);
        crowd.turn(wake, &mut arrivals)?;
        arrivals.ask_again(crowd.wires());
    }
    match arrivals.fault {
        Some(fault) => Err(fault),
        None => Ok(Arrived { took: arrivals.took, within: began.elapsed(), put_off: arrivals.put_off }),
    }
}

struct Arrivals<'a, F> {
    address: SocketAddr,
    tokens: &'a [String],
    first: usize,
    /// When each began.
    began: Vec<Instant>,
    arrived: usize,
    took: Latency,
    put_off: u64,
    /// Whoever is to ask again, and when.
    again: Vec<(Instant, usize)>,
    heard_at: Instant,
    fault: Option<Failure>,
    opened: &'a mut F,
}

impl<F: FnMut(usize, &Opened<'_>)> Arrivals<'_, F> {
    fn begin_next(&mut self, wires: &mut Wires) {
        let Some(token) = self.tokens.get(self.began.len()) else { return };
        self.began.push(Instant::now());
        if let Err(failure) = wires.open(self.address, token) {
            self.fault.get_or_insert(failure);
        }
    }

    fn ask_again(&mut self, wires: &mut Wires) {
        let now = Instant::now();
        for at in (0..self.again.len()).rev() {
            if self.again[at].0 <= now {
                let (_, who) = self.again.swap_remove(at);
                wires.send(who, &call(OPEN, "session.open", "{}"));
            }
        }
    }

    fn on_text(&mut self, wires: &mut Wires, nth: usize, text: &[u8], now: Instant) -> Result<(), String> {
        let message: Message<'_> = read(text)?;
        if let Some(error) = message.error {
            let Some(after) = put_off(&error) else { return Err(error.to_string()) };
            self.put_off += 1;
            self.again.push((now + after, self.first + nth));
            return Ok(());
        }
        if message.id == Some(OPEN) {
            (self.opened)(nth, &read_part("result", message.result)?);
            self.took.record(now - self.began[nth]);
            self.arrived += 1;
            self.begin_next(wires);
        }
        Ok(())
    }
}

impl<F: FnMut(usize, &Opened<'_>)> Ear for Arrivals<'_, F> {
    fn heard(&mut self, wires: &mut Wires, who: usize, heard: Heard<'_>, now: Instant) {
        let Some(nth) = who.checked_sub(self.first) else {
            // Those who were there before have nothing to do meanwhile but to stay.
            if let Heard::Ended(end) = heard {
                self.fault.get_or_insert(Failure::new(format!("a socket ended while others signed in: {end}")));
            }
            return;
        };
        self.heard_at = now;
        let faulty = match heard {
            Heard::Opened => {
                wires.send(who, &call(OPEN, "session.open", "{}"));
                Ok(())
            }
            Heard::Text(text) => self.on_text(wires, nth, text, now),
            Heard::Ended(end) => Err(with_the_way_out(end.to_string())),
        };
        if let Err(why) = faulty {
            self.fault.get_or_insert(Failure::new(format!("sign-in {} of {}: {why}", nth + 1, self.tokens.len())));
        }
    }
}

/// After how long to ask again, where the server says so: it is busier than it can be just then.
pub(super) fn put_off(error: &ErrorShown) -> Option<Duration> {
    let after = error.data.params.retry_after_ms.filter(|_| error.data.code == "unavailable")?;
    Some(Duration::from_millis(after))
}

/// What went wrong, with what to do about the one fault that is likely on a server of somebody else's.
fn with_the_way_out(why: String) -> String {
    if why.contains("unknown_agent") {
        return format!("{why}: import the company that `intervalo-loadtest company --agents N` prints");
    }
    why
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::message::{ErrorData, ErrorParams};

    #[test]
    fn only_who_is_told_when_asks_again() {
        let error = |code: &str, retry_after_ms| {
            let data = ErrorData { code: code.to_owned(), params: ErrorParams { retry_after_ms } };
            ErrorShown { code: -32007, message: "x".to_owned(), data }
        };
        assert_eq!(put_off(&error("unavailable", Some(250))), Some(Duration::from_millis(250)));
        assert_eq!(put_off(&error("unavailable", None)), None);
        assert_eq!(put_off(&error("rate_limited", Some(250))), None);
    }

    #[test]
    fn a_company_that_is_missing_is_told_with_the_way_out() {
        let told = with_the_way_out("the upgrade was answered with 403 {\"code\":\"unknown_agent\"}".to_owned());
        assert!(told.ends_with("`intervalo-loadtest company --agents N` prints"), "{told}");
        assert_eq!(with_the_way_out("gone".to_owned()), "gone");
    }
}
