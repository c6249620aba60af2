//! The small values of an import file: names, translations, days, times of day, colours, zones.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use crate::config::{At, Field, Problems, nearest};
use crate::domain::policy::Translations;
use crate::domain::policy_values::{LOCALES_MAX, is_locale, printable};

pub(super) use crate::domain::policy_values::{
    DESCRIPTION_LENGTH_MAX, NAME_LENGTH_MAX, color, day, days, end_of_day, icon, name, show_days, time_of_day,
};

/// The word that takes an optional value away again.
pub(super) const NONE: &str = "none";

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
    use chrono::NaiveTime;

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
