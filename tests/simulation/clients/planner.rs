//! The planner: an integration, at times an administrator, that declares shifts for agents around the present, moves
//! them and takes them back.

use chrono::{DateTime, Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use intervalo::domain::command::{Actor, Command};
use intervalo::domain::id::PrincipalId;
use intervalo::domain::shift::PlannedShift;
use intervalo::domain::time::{Timestamp, hours, minutes};

use super::Client;
use crate::office::{AGENTS, agent, directory};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

impl Client {
    /// Plans until it is to fall silent.
    pub(crate) async fn act_as_planner(mut self) {
        self.settle_unanswered().await;
        while self.wait().await {
            if self.dice.below(2) == 0 {
                continue;
            }
            let target = agent(self.dice.below(AGENTS));
            let by = match self.dice.below(4) {
                0 => Actor::Admin(PrincipalId::new("ada").expect("an id")),
                _ => Actor::Integration(PrincipalId::new("hr").expect("an id")),
            };
            let command = self.wish_of_planner();
            self.send(&target, by, command).await;
        }
    }

    fn wish_of_planner(&mut self) -> Command {
        let now = self.house.core_now();
        if self.dice.below(5) == 0 {
            return Command::CancelShift { day: self.day_around(now) };
        }
        let many = 1 + self.dice.below(2);
        let shifts = (0..many).filter_map(|_| self.shift_around(now)).collect();
        Command::PlanShifts { shifts }
    }

    /// Today for the most part.
    fn day_around(&mut self, now: Timestamp) -> NaiveDate {
        let today = local_day(now);
        match self.dice.below(6) {
            0 => today - Days::new(1),
            1 => today + Days::new(1),
            _ => today,
        }
    }

    /// A shift that begins, runs or ends about now; none where it would be too long or too short.
    fn shift_around(&mut self, now: Timestamp) -> Option<PlannedShift> {
        let about = |client: &mut Client, ms: u64| {
            let off = client.dice.below(2 * ms).cast_signed() - ms.cast_signed();
            Timestamp(now.0 + off)
        };
        let (start, end) = match self.dice.below(8) {
            // A short one, that comes late or soon.
            0..=2 => {
                let start = about(self, 30 * MINUTE_MS);
                (start, start + minutes(10 + self.dice.below(80)))
            }
            // One that is about to be over, or has just been.
            3 | 4 => {
                let end = about(self, 20 * MINUTE_MS);
                (end.minus(minutes(60 + self.dice.below(1_000))), end)
            }
            // An ordinary day that has just begun, or is about to.
            5 => {
                let start = about(self, 20 * MINUTE_MS);
                (start, start + hours(4 + self.dice.below(5)))
            }
            // One that is about to count.
            6 => {
                let start = about(self, 10 * MINUTE_MS) + hours(2);
                (start, start + hours(6))
            }
            _ => self.night_around(now)?,
        };
        let meal = minutes([0, 0, 15, 60][self.dice.below(4) as usize]);
        PlannedShift::new(local_day(start), start, end, meal).ok()
    }

    /// From ten in the evening to six in the morning, on the clock on the wall.
    fn night_around(&mut self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let evening = self.day_around(now) - Days::new(1);
        let at = |day: NaiveDate, hour| {
            let local = day.and_time(NaiveTime::from_hms_opt(hour, 0, 0)?).and_local_timezone(zone()).earliest()?;
            Some(Timestamp(local.timestamp_millis()))
        };
        let late = self.dice.below(HOUR_MS).cast_signed();
        Some((at(evening, 22)?, Timestamp(at(evening + Days::new(1), 6)?.0 + late)))
    }
}

fn zone() -> Tz {
    directory().tenant.zone
}

fn local_day(at: Timestamp) -> NaiveDate {
    let utc = DateTime::from_timestamp_millis(at.0).expect("an instant of our time");
    utc.with_timezone(&zone()).date_naive()
}
