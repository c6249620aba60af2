//! The small values of a pause type as people write them: names, days, times of day, colours, icons.
//!
//! The import file and the protocol both read them here, so that one is never stricter than the other.

use chrono::{Datelike, NaiveDate, NaiveTime, Weekday};

use super::id::is_unprintable_in_text;
use super::schedule::WeekDays;

/// The longest name, in characters (the fault table of the promises).
pub const NAME_LENGTH_MAX: usize = 200;
/// The longest description, in characters: it is read in a menu before a choice.
pub const DESCRIPTION_LENGTH_MAX: usize = 1000;
/// The most locales of one text.
pub const LOCALES_MAX: usize = 32;

/// Reads a name.
///
/// # Errors
/// What was expected instead.
pub fn name(text: &str) -> Result<String, String> {
    printable(text, NAME_LENGTH_MAX)
}

/// Reads a text that prints, of at most so many characters.
///
/// # Errors
/// What is wrong with it.
pub fn printable(text: &str, max: usize) -> Result<String, String> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        return Err("expected some text, found none".to_owned());
    }
    if length > max {
        return Err(format!("at most {max} characters are allowed, this has {length}"));
    }
    if let Some(bad) = text.chars().find(|c| is_unprintable_in_text(*c)) {
        return Err(format!("the character {} does not print; take it out", bad.escape_unicode()));
    }
    Ok(text.to_owned())
}

/// True for the shape of a BCP 47 tag: subtags of letters and digits, the first one of letters.
pub fn is_locale(text: &str) -> bool {
    let mut subtags = text.split('-');
    let first = subtags.next().unwrap_or_default();
    (2..=8).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && subtags.all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Reads a colour.
///
/// # Errors
/// What was expected instead.
pub fn color(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("expected a colour such as \"#2f80ed\", found {text:?}"))
    }
}

/// Reads the name of an icon.
///
/// # Errors
/// What was expected instead.
pub fn icon(text: &str) -> Result<String, String> {
    // In the import file it is the word that takes the icon away.
    if text == "none" {
        return Err("\"none\" names no icon; leave the field out for a type without one".to_owned());
    }
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.len() <= 64 && text.bytes().all(fits) {
        Ok(text.to_owned())
    } else {
        Err(format!("expected the name of an icon such as \"coffee\" (a-z, 0-9, - and _, at most 64), found {text:?}"))
    }
}

/// Reads a time of day.
///
/// # Errors
/// What was expected instead.
pub fn time_of_day(text: &str) -> Result<NaiveTime, String> {
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
///
/// # Errors
/// What was expected instead.
pub fn end_of_day(text: &str) -> Result<NaiveTime, String> {
    if text == "24:00" { Ok(NaiveTime::MIN) } else { time_of_day(text) }
}

/// Reads a day.
///
/// # Errors
/// What was expected instead.
pub fn date(text: &str) -> Result<NaiveDate, String> {
    // Exactly as it is written back, and of a year that has four digits: other forms of a date are read, too.
    let day =
        text.parse::<NaiveDate>().ok().filter(|day| (1000..=9999).contains(&day.year()) && day.to_string() == text);
    day.ok_or_else(|| format!("expected a day such as \"2026-12-24\", found {text:?}"))
}

/// Reads days of the week: `mon-fri`, `sat,sun`, `daily`, `mon-wed,fri`.
///
/// # Errors
/// What was expected instead.
pub fn days(text: &str) -> Result<WeekDays, String> {
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
///
/// # Errors
/// What was expected instead.
pub fn day(text: &str) -> Result<Weekday, String> {
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
pub fn show_days(days: WeekDays) -> String {
    if days == WeekDays::ALL {
        return "daily".to_owned();
    }
    if days == WeekDays::of([Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri]) {
        return "mon-fri".to_owned();
    }
    let words: Vec<String> = days.iter().map(|day| day.to_string().to_lowercase()).collect();
    words.join(",")
}
