//! Agents sign in: so many at once at most, each until it has been told its own state.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::crowd::{Crowd, Ear, Heard, Wires};
use super::failure::{Failure, Outcome};
use super::latency::Latency;
use super::message::{Message, Opened, call, read, read_part};

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
        crowd.turn(patience, &mut arrivals)?;
    }
    match arrivals.fault {
        Some(fault) => Err(fault),
        None => Ok(Arrived { took: arrivals.took, within: began.elapsed() }),
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

    fn on_text(&mut self, wires: &mut Wires, nth: usize, text: &[u8], now: Instant) -> Result<(), String> {
        let message: Message<'_> = read(text)?;
        if let Some(error) = message.error {
            return Err(error.to_string());
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

    #[test]
    fn a_company_that_is_missing_is_told_with_the_way_out() {
        let told = with_the_way_out("the upgrade was answered with 403 {\"code\":\"unknown_agent\"}".to_owned());
        assert!(told.ends_with("`intervalo-loadtest company --agents N` prints"), "{told}");
        assert_eq!(with_the_way_out("gone".to_owned()), "gone");
    }
}
