//! Many come: so many at once at most, each until it has been told what it came for.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::crowd::{Crowd, Ear, Heard, Wires};
use super::failure::{Failure, Outcome};
use super::latency::Latency;
use super::message::{ErrorShown, Message, Opened, call, read, read_part};

/// How long nothing may come of those who are on their way. The slowest sync of a busy disk is far shorter.
const PATIENCE: Duration = Duration::from_secs(60);
/// The number of the call that a socket makes first.
pub(super) const FIRST_CALL: u64 = 1;

/// What came of many who came.
#[derive(Debug)]
pub(super) struct Arrived {
    /// From connecting to the reply, each.
    pub(super) took: Latency,
    /// From the first connecting to the last reply.
    pub(super) within: Duration,
    /// How often one was told to ask again later, and did.
    pub(super) put_off: u64,
}

/// Those who come, each on a socket of its own, by their numbers.
pub(super) trait Guests {
    /// Their tokens.
    fn tokens(&self) -> &[String];
    /// The upgrade of one was granted: the call that it makes; none where it came for that alone.
    fn first_call(&self, nth: usize) -> Option<String>;
    /// What was said to one, on its way or later.
    ///
    /// # Errors
    /// What is wrong with it.
    fn told(&mut self, nth: usize, text: &[u8], now: Instant) -> Result<Step, String>;
}

/// How far something that was said brought one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nowhere new.
    Same,
    /// It has what it came for.
    Arrived,
    /// It makes its call again after a while.
    PutOff(Duration),
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
    come(crowd, address, Agents { tokens, opened }, in_flight)
}

/// Lets everybody come, while those who were there before have nothing to do but to stay.
///
/// # Errors
/// [`Failure`] when one of them does not arrive.
pub(super) fn come(crowd: &mut Crowd, address: SocketAddr, guests: impl Guests, in_flight: usize) -> Outcome<Arrived> {
    let mut arrivals = Arrivals::begin(crowd.wires(), address, guests, in_flight);
    while !arrivals.is_complete() {
        arrivals.check()?;
        let wake = arrivals.wake();
        crowd.turn(wake, &mut arrivals)?;
        arrivals.ask_again(crowd.wires());
    }
    arrivals.check()?;
    Ok(arrivals.arrived())
}

/// Those who are on their way.
#[derive(Debug)]
pub(super) struct Arrivals<G> {
    address: SocketAddr,
    guests: G,
    /// The socket of the first of them.
    first: usize,
    /// When each began.
    began: Vec<Instant>,
    there: usize,
    took: Latency,
    put_off: u64,
    /// Whoever is to ask again, and when.
    again: Vec<(Instant, usize)>,
    heard_at: Instant,
    arrived_at: Instant,
    fault: Option<Failure>,
}

impl<G: Guests> Arrivals<G> {
    /// The first set out.
    pub(super) fn begin(wires: &mut Wires, address: SocketAddr, guests: G, in_flight: usize) -> Arrivals<G> {
        let (now, count) = (Instant::now(), guests.tokens().len());
        let mut arrivals = Arrivals {
            address,
            guests,
            first: wires.opened(),
            began: Vec::with_capacity(count),
            there: 0,
            took: Latency::new(),
            put_off: 0,
            again: Vec::new(),
            heard_at: now,
            arrived_at: now,
            fault: None,
        };
        for _ in 0..in_flight.clamp(1, count.max(1)) {
            arrivals.begin_next(wires);
        }
        arrivals
    }

    /// True when everybody has arrived.
    pub(super) fn is_complete(&self) -> bool {
        self.there == self.guests.tokens().len()
    }

    /// When to look at them again at the latest.
    pub(super) fn wake(&self) -> Instant {
        let patience = self.heard_at + PATIENCE;
        self.again.iter().map(|(at, _)| *at).min().unwrap_or(patience).min(patience)
    }

    /// Whoever was put off and has waited long enough asks again.
    pub(super) fn ask_again(&mut self, wires: &mut Wires) {
        let now = Instant::now();
        for at in (0..self.again.len()).rev() {
            if self.again[at].0 <= now {
                let (_, nth) = self.again.swap_remove(at);
                self.call(wires, nth);
            }
        }
    }

    /// Goes on, unless something went wrong.
    ///
    /// # Errors
    /// [`Failure`] with what did.
    pub(super) fn check(&mut self) -> Outcome<()> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        if !self.is_complete() && Instant::now() > self.heard_at + PATIENCE {
            let waiting = self.began.len() - self.there;
            return Err(Failure::new(format!("{waiting} sign-ins had no answer within {PATIENCE:?}")));
        }
        Ok(())
    }

    /// What came of them so far.
    pub(super) fn arrived(&self) -> Arrived {
        let began = self.began.first().copied().unwrap_or(self.arrived_at);
        Arrived { took: self.took.clone(), within: self.arrived_at - began, put_off: self.put_off }
    }

    /// Those who came, whose sockets are left to others or dropped.
    pub(super) fn into_guests(self) -> G {
        self.guests
    }

    /// Those who came.
    pub(super) fn guests(&self) -> &G {
        &self.guests
    }

    /// Those who came, to be told more.
    pub(super) fn guests_mut(&mut self) -> &mut G {
        &mut self.guests
    }

    fn begin_next(&mut self, wires: &mut Wires) {
        let Some(token) = self.guests.tokens().get(self.began.len()) else { return };
        self.began.push(Instant::now());
        if let Err(failure) = wires.open(self.address, token) {
            self.fault.get_or_insert(failure);
        }
    }

    fn call(&mut self, wires: &mut Wires, nth: usize) {
        if let Some(text) = self.guests.first_call(nth) {
            wires.send(self.first + nth, &text);
        } else {
            self.arrive(wires, nth, Instant::now());
        }
    }

    fn on_text(&mut self, wires: &mut Wires, nth: usize, text: &[u8], now: Instant) -> Result<(), String> {
        match self.guests.told(nth, text, now)? {
            Step::Same => {}
            Step::Arrived => self.arrive(wires, nth, now),
            Step::PutOff(after) => {
                self.put_off += 1;
                self.again.push((now + after, nth));
            }
        }
        Ok(())
    }

    fn arrive(&mut self, wires: &mut Wires, nth: usize, now: Instant) {
        self.took.record(now - self.began[nth]);
        self.arrived_at = now;
        self.there += 1;
        self.begin_next(wires);
    }
}

impl<G: Guests> Ear for Arrivals<G> {
    fn heard(&mut self, wires: &mut Wires, who: usize, heard: Heard<'_>, now: Instant) {
        let Some(nth) = who.checked_sub(self.first) else {
            if let Heard::Ended(end) = heard {
                self.fault.get_or_insert(Failure::new(format!("a socket ended while others signed in: {end}")));
            }
            return;
        };
        self.heard_at = now;
        let faulty = match heard {
            Heard::Opened => {
                self.call(wires, nth);
                Ok(())
            }
            Heard::Text(text) => self.on_text(wires, nth, text, now),
            Heard::Ended(end) => Err(with_the_way_out(end.to_string())),
        };
        if let Err(why) = faulty {
            let count = self.guests.tokens().len();
            self.fault.get_or_insert(Failure::new(format!("sign-in {} of {count}: {why}", nth + 1)));
        }
    }
}

/// Agents, each until it is told its own state.
struct Agents<'a, F> {
    tokens: &'a [String],
    opened: &'a mut F,
}

impl<F: FnMut(usize, &Opened<'_>)> Guests for Agents<'_, F> {
    fn tokens(&self) -> &[String] {
        self.tokens
    }

    fn first_call(&self, _: usize) -> Option<String> {
        Some(session_open())
    }

    fn told(&mut self, nth: usize, text: &[u8], _: Instant) -> Result<Step, String> {
        told_of_itself(text, &mut |opened| (self.opened)(nth, opened))
    }
}

/// The call with which an agent asks for its state.
pub(super) fn session_open() -> String {
    call(FIRST_CALL, "session.open", "{}")
}

/// Takes what was said to an agent who asked for its state; hands on what it was told of itself.
///
/// # Errors
/// What is wrong with it.
pub(super) fn told_of_itself(text: &[u8], opened: &mut dyn FnMut(&Opened<'_>)) -> Result<Step, String> {
    let message: Message<'_> = read(text)?;
    if let Some(error) = message.error {
        return put_off(&error).map(Step::PutOff).ok_or_else(|| error.to_string());
    }
    if message.id != Some(FIRST_CALL) {
        return Ok(Step::Same);
    }
    opened(&read_part("result", message.result)?);
    Ok(Step::Arrived)
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
