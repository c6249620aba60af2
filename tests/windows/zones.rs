//! Which zones are looked at, and in which years.

use chrono::NaiveDate;
use chrono_tz::{TZ_VARIANTS, Tz};

use crate::sweep::Case;

/// Years with changes of a kind that 2026 and 2027 do not have: days skipped, half hours, midnights, changes for good,
/// four in a year, some not on a minute of UTC.
const ODD_YEARS: [(&str, i32, i32); 24] = [
    ("Africa/Cairo", 2010, 2014),
    ("Africa/Casablanca", 2017, 2019),
    ("Africa/Juba", 2020, 2021),
    ("Africa/Monrovia", 1971, 1972),
    ("Africa/Sao_Tome", 2017, 2019),
    ("America/Caracas", 2015, 2016),
    ("America/Metlakatla", 2015, 2019),
    ("America/Sao_Paulo", 2017, 2019),
    ("America/Scoresbysund", 2023, 2025),
    ("America/St_Johns", 2006, 2011),
    ("Antarctica/Casey", 2016, 2023),
    ("Antarctica/Troll", 2017, 2018),
    ("Antarctica/Vostok", 2023, 2023),
    ("Asia/Amman", 2021, 2022),
    ("Asia/Gaza", 2011, 2016),
    ("Asia/Kathmandu", 1985, 1986),
    ("Asia/Pyongyang", 2015, 2018),
    ("Australia/Lord_Howe", 2017, 2019),
    ("Europe/Istanbul", 2014, 2016),
    ("Europe/Volgograd", 2018, 2020),
    ("Pacific/Apia", 2011, 2012),
    ("Pacific/Fakaofo", 2011, 2012),
    ("Pacific/Kwajalein", 1993, 1994),
    ("Pacific/Norfolk", 2015, 2019),
];

/// Without a word from the environment, one case in so many: some seconds in a build that is not optimised. Steps of
/// this length come upon Gaza and Chatham.
const ONE_IN: usize = 133;

pub(crate) fn zone(name: &str) -> Tz {
    name.parse().unwrap_or_else(|_| panic!("no such zone: {name}"))
}

pub(crate) fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a date")
}

fn years(zone: Tz, first: i32, last: i32) -> Case {
    Case { zone, days: date(first, 1, 1)..date(last + 1, 1, 1) }
}

/// Every zone in 2026 and 2027 and the odd years of some, when `INTERVALO_WINDOWS_ZONES` is `all`; else a few of them.
/// Says which on stdout.
pub(crate) fn cases() -> Vec<Case> {
    let odd = ODD_YEARS.into_iter().map(|(name, first, last)| years(zone(name), first, last));
    let every: Vec<Case> = TZ_VARIANTS.into_iter().map(|zone| years(zone, 2026, 2027)).chain(odd).collect();
    match std::env::var("INTERVALO_WINDOWS_ZONES").as_deref() {
        Ok("all") => {
            println!("{} zones in 2026 and 2027, {} in other years", TZ_VARIANTS.len(), ODD_YEARS.len());
            every
        }
        Ok(other) => panic!("INTERVALO_WINDOWS_ZONES is `all` or not set, not {other}"),
        Err(_) => {
            let some: Vec<Case> = every.iter().step_by(ONE_IN).cloned().collect();
            let names: Vec<&str> = some.iter().map(|case| case.zone.name()).collect();
            println!("one in {ONE_IN} of {} zones and years; all with INTERVALO_WINDOWS_ZONES=all", every.len());
            println!("{}", names.join(", "));
            some
        }
    }
}
