//! Those who stay and those who come and go, on one crowd: agents and boards that stay on the first sockets, the others
//! on those after them.

use std::time::{Duration, Instant};

use super::movers::Movers;
use crate::check::Expected;
use crate::load::arrivals::{Arrivals, Arrived};
use crate::load::crowd::{Crowd, Ear, Heard, Wires};
use crate::load::failure::{Failure, Outcome};
use crate::load::fanout::{Measured, Office, Side, Tally, run_while};
use crate::load::looking_back::SETTLED_WITHIN;

/// Everybody.
pub(super) struct Hall<'s> {
    pub(super) office: Office<'s>,
    /// How many sockets stay.
    staying: usize,
    others: Others,
}

/// Where the others are.
enum Others {
    Away(Movers),
    Here(Box<Arrivals<Movers>>),
    /// Between the two.
    Nowhere,
}

/// What a storm came to.
#[derive(Debug)]
pub(super) struct Storm {
    pub(super) arrived: Arrived,
    /// The changes meanwhile.
    pub(super) measured: Measured,
}

impl<'s> Hall<'s> {
    /// Those who stay are here, on all sockets that there are; the others are not.
    pub(super) fn of(office: Office<'s>, crowd: &mut Crowd, movers: Movers) -> Hall<'s> {
        Hall { office, staying: crowd.wires().opened(), others: Others::Away(movers) }
    }

    /// All others are lost, if they are here, and come at once, while changes are asked for at a fixed rate.
    ///
    /// # Errors
    /// [`Failure`] when one of them does not come, or a change does not get to a board that stays.
    pub(super) fn storm(
        &mut self,
        crowd: &mut Crowd,
        address: std::net::SocketAddr,
        in_flight: usize,
        per_second: f64,
    ) -> Outcome<Storm> {
        self.office.next_round();
        let mut begun = false;
        let measured = run_while(crowd, self, per_second, &mut |hall: &mut Hall<'_>, wires: &mut Wires| {
            if !begun {
                begun = true;
                hall.set_out(wires, address, in_flight);
            }
            hall.others.wake(wires)
        })?;
        match &self.others {
            Others::Here(arrivals) => Ok(Storm { arrived: arrivals.arrived(), measured }),
            Others::Away(_) | Others::Nowhere => Err(Failure::new("nobody came")),
        }
    }

    /// Those who come and go.
    ///
    /// # Errors
    /// [`Failure`] when they have gone for good.
    pub(super) fn movers(&mut self) -> Outcome<&mut Movers> {
        match &mut self.others {
            Others::Away(movers) => Ok(movers),
            Others::Here(arrivals) => Ok(arrivals.guests_mut()),
            Others::Nowhere => Err(Failure::new("nobody is there")),
        }
    }

    /// What was acknowledged to the agents who stay.
    pub(super) fn stayed(&mut self) -> Vec<(Expected, u64)> {
        let ledger = self.office.ledger();
        (0..ledger.agents()).map(|who| ledger.truth(who)).collect()
    }

    /// Holds the boards that came to what was acknowledged, for which they have a while.
    ///
    /// # Errors
    /// [`Failure`] as of [`Crowd::turn`].
    pub(super) fn compare(&mut self, crowd: &mut Crowd) -> Outcome<()> {
        let stayed = self.stayed();
        let until = Instant::now() + SETTLED_WITHIN;
        crowd.turn_until(until, self, |hall| match &hall.others {
            Others::Here(arrivals) => arrivals.guests().show(&stayed),
            Others::Away(_) | Others::Nowhere => true,
        })?;
        self.check()?;
        self.movers()?.compare(&stayed);
        Ok(())
    }

    /// Those who stay, and the others, whose sockets are left to nobody.
    ///
    /// # Errors
    /// [`Failure`] when they have gone for good.
    pub(super) fn into_parts(self) -> Outcome<(Office<'s>, Movers)> {
        match self.others {
            Others::Away(movers) => Ok((self.office, movers)),
            Others::Here(arrivals) => Ok((self.office, arrivals.into_guests())),
            Others::Nowhere => Err(Failure::new("nobody is there")),
        }
    }

    fn set_out(&mut self, wires: &mut Wires, address: std::net::SocketAddr, in_flight: usize) {
        wires.drop_from(self.staying);
        self.others = match std::mem::replace(&mut self.others, Others::Nowhere) {
            Others::Away(movers) => Others::Here(Box::new(Arrivals::begin(wires, address, movers, in_flight))),
            Others::Here(arrivals) => {
                let mut movers = arrivals.into_guests();
                movers.lost();
                Others::Here(Box::new(Arrivals::begin(wires, address, movers, in_flight)))
            }
            Others::Nowhere => Others::Nowhere,
        };
    }
}

impl Others {
    /// Until when to wait for them; none when all are here.
    fn wake(&mut self, wires: &mut Wires) -> Option<Instant> {
        let Others::Here(arrivals) = self else { return None };
        arrivals.ask_again(wires);
        (!arrivals.is_complete()).then(|| arrivals.wake())
    }
}

impl Ear for Hall<'_> {
    fn heard(&mut self, wires: &mut Wires, who: usize, heard: Heard<'_>, now: Instant) {
        if who < self.staying {
            self.office.heard(wires, who, heard, now);
        } else if let Others::Here(arrivals) = &mut self.others {
            arrivals.heard(wires, who, heard, now);
        }
    }
}

impl Side for Hall<'_> {
    fn tally(&mut self) -> &mut Tally {
        self.office.tally()
    }

    fn ask(&mut self, wires: &mut Wires, intended: Instant, counts: bool) -> bool {
        self.office.ask(wires, intended, counts)
    }

    fn keep_under_way(&mut self, window: usize) {
        self.office.keep_under_way(window);
    }

    fn cpu_time(&mut self) -> Outcome<Option<Duration>> {
        self.office.cpu_time()
    }

    fn is_in_this_process(&self) -> bool {
        self.office.is_in_this_process()
    }

    fn is_quiet(&self) -> bool {
        self.office.is_quiet()
    }

    fn check(&mut self) -> Outcome<()> {
        self.office.check()?;
        match &mut self.others {
            Others::Here(arrivals) => arrivals.check(),
            Others::Away(_) | Others::Nowhere => Ok(()),
        }
    }
}
