//! The small values of an import file: names, translations, days, times of day, colours, zones.

use std::collections::BTreeMap;

use chrono::{NaiveTime, Weekday};
use chrono_tz::Tz;

use crate::config::{At, Field, Problems, nearest};
use crate::domain::id::is_unprintable;
use crate::domain::policy::Translations;
use crate::domain::schedule::WeekDays;

/// The longest name, in characters (the fault table of the promises).
pub(super) const NAME_LENGTH_MAX: usize = 200;
/// The longest description, in characters: it is read in a menu before a choice.
pub(super) const DESCRIPTION_LENGTH_MAX: usize = 1000;
/// The most locales of one text.
const LOCALES_MAX: usize = 32;
/// The word that takes an optional value away again.
pub(super) const NONE: &str = "none";

/// Reads a name.
pub(super) fn name(text: &str) -> Result<String, String> {
    printable(text, NAME_LENGTH_MAX)
}

fn printable(text: &str, max: usize) -> Result<String, String> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        return Err("expected some text, found none".to_owned());
    }
    if length > max {
        return Err(format!("at most {max} characters are allowed, this has {length}"));
    }
    if let Some(bad) = text.chars().find(|c| is_unprintable(*c)) {
        return Err(format!("the character {} does not print; take it out", bad.escape_unicode()));
    }
    Ok(text.to_owned())
}

/// Reads a table of locale and text.
pub(super) fn translations(field: &Field<'_>, max: usize, problems: &mut Problems) -> Option<At<Translations>> {
    if field.is_text() {
        field.refuse(problems, "expected the text by locale, such as { \"pt-BR\" = \"Almoço\", en = \"Lunch\" }");
        return None;
    }
    let section = field.section(problems, field.place())?;
    let mut texts = BTreeMap::new();
    let entries = section.take_all(problems);
    if entries.len() > LOCALES_MAX {
        field.refuse(problems, format_args!("at most {LOCALES_MAX} locales are allowed"));
        return None;
    }
    for entry in entries {
        if !is_locale(&entry.name) {
            let locale = entry.name.escape_debug();
            field.refuse(problems, format_args!("\"{locale}\" is no locale; expected one such as \"pt-BR\" or \"en\""));
            continue;
        }
        let Some(text) = entry.text(problems) else { continue };
        match printable(text, max) {
            Ok(text) => {
                texts.insert(entry.name, text);
            }
            Err(why) => field.refuse(problems, format_args!("{}: {why}", entry.name)),
        }
    }
    Some(At { value: texts, line: field.line })
}

/// True for the shape of a BCP 47 tag: subtags of letters and digits, the first one of letters.
fn is_locale(text: &str) -> bool {
    let mut subtags = text.split('-');
    let first = subtags.next().unwrap_or_default();
    (2..=8).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && subtags.all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Reads a colour.
pub(super) fn color(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("expected a colour such as \"#2f80ed\", found {text:?}"))
    }
}

/// Reads the name of an icon.
pub(super) fn icon(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.len() <= 64 && text.bytes().all(fits) {
        Ok(text.to_owned())
    } else {
        Err(format!("expected the name of an icon such as \"coffee\" (a-z, 0-9, - and _, at most 64), found {text:?}"))
    }
}

/// Reads an IANA zone.
pub(super) fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| {
        let hint = match nearest(text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => "expected an IANA name such as \"America/Sao_Paulo\"".to_owned(),
        };
        format!("unknown time zone {text:?} (tzdata {}); {hint}", chrono_tz::IANA_TZDB_VERSION)
    })
}

/// Reads a time of day.
pub(super) fn time_of_day(text: &str) -> Result<NaiveTime, String> {
    let refused = || format!("expected a time of day such as \"08:30\", found {text:?}");
    let (hour, minute) = text.split_once(':').ok_or_else(refused)?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hour) || !two_digits(minute) {
        return Err(refused());
    }
    let number = |part: &str| part.parse::<u32>().map_err(|_| refused());
    NaiveTime::from_hms_opt(number(hour)?, number(minute)?, 0).ok_or_else(refused)
}

/// Reads the time of day that something ends at: `24:00` is the midnight after.
pub(super) fn end_of_day(text: &str) -> Result<NaiveTime, String> {
    if text == "24:00" { Ok(NaiveTime::MIN) } else { time_of_day(text) }
}

/// Reads days of the week: `mon-fri`, `sat,sun`, `daily`, `mon-wed,fri`.
pub(super) fn days(text: &str) -> Result<WeekDays, String> {
    if text == "daily" {
        return Ok(WeekDays::ALL);
    }
    let mut days = Vec::new();
    for part in text.split(',').map(str::trim) {
        match part.split_once('-') {
            None => days.push(day(part)?),
            Some((first, last)) => {
                let (mut at, last) = (day(first)?, day(last)?);
                days.push(at);
                while at != last {
                    at = at.succ();
                    days.push(at);
                }
            }
        }
    }
    Ok(WeekDays::of(days))
}

/// Reads a day of the week.
pub(super) fn day(text: &str) -> Result<Weekday, String> {
    match text {
        "mon" => Ok(Weekday::Mon),
        "tue" => Ok(Weekday::Tue),
        "wed" => Ok(Weekday::Wed),
        "thu" => Ok(Weekday::Thu),
        "fri" => Ok(Weekday::Fri),
        "sat" => Ok(Weekday::Sat),
        "sun" => Ok(Weekday::Sun),
        other => Err(format!(
            "{other:?} is no day; expected mon, tue, wed, thu, fri, sat or sun, a range such as \"mon-fri\", or \
             \"daily\""
        )),
    }
}

/// Writes days of the week as [`days`] reads them.
pub(super) fn show_days(days: WeekDays) -> String {
    if days == WeekDays::ALL {
        return "daily".to_owned();
    }
    if days == WeekDays::of([Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri]) {
        return "mon-fri".to_owned();
    }
    let words: Vec<String> = days.iter().map(|day| day.to_string().to_lowercase()).collect();
    words.join(",")
}

/// Reads a value that the word `none` takes away again.
pub(super) fn or_none<T>(
    read: impl FnOnce(&str) -> Result<T, String>,
) -> impl FnOnce(&str) -> Result<Option<T>, String> {
    |text| if text == NONE { Ok(None) } else { read(text).map(Some) }
}

/// Reads one of a few words.
pub(super) fn word<T: Copy>(all: &[(&'static str, T)]) -> impl FnOnce(&str) -> Result<T, String> {
    |text| {
        all.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<&str> = all.iter().map(|(word, _)| *word).collect();
            format!("expected one of {}, found {text:?}", words.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_read_as_people_write_them() {
        let cases = [
            ("daily", "daily"),
            ("mon-sun", "daily"),
            ("mon-fri", "mon-fri"),
            ("sat,sun", "sat,sun"),
            ("fri-mon", "mon,fri,sat,sun"),
            ("mon-wed, fri", "mon,tue,wed,fri"),
            ("tue", "tue"),
        ];
        for (text, shown) in cases {
            let read = days(text).unwrap();
            assert_eq!(show_days(read), shown);
            assert_eq!(days(&show_days(read)), Ok(read));
        }
        for text in ["", "monday", "mon-", "Mon", "mon;tue"] {
            assert!(days(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_of_day_have_two_digits_each() {
        assert_eq!(time_of_day("08:30"), Ok(NaiveTime::from_hms_opt(8, 30, 0).unwrap()));
        assert_eq!(end_of_day("24:00"), Ok(NaiveTime::MIN));
        for text in ["8:30", "24:00", "12:60", "12", "12:3", "+1:30", "12:30:00"] {
            assert!(time_of_day(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_may_hold_what_prints_only() {
        assert_eq!(name("Ana Souza"), Ok("Ana Souza".to_owned()));
        assert_eq!(name("a\u{1b}[31mb"), Err("the character \\u{1b} does not print; take it out".to_owned()));
        assert_eq!(name("a\u{202e}b"), Err("the character \\u{202e} does not print; take it out".to_owned()));
        assert_eq!(name(&"x".repeat(201)), Err("at most 200 characters are allowed, this has 201".to_owned()));
        assert!(name(&"é".repeat(200)).is_ok());
        assert!(name(" ").is_err());
    }

    #[test]
    fn an_unknown_zone_is_answered_with_the_nearest_one() {
        assert!(zone("America/Sao_Paolo").unwrap_err().contains("did you mean \"America/Sao_Paulo\"?"));
    }
}
