//! The small values that people write, and what may stand beside what (semantics §3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime, Weekday};
use intervalo::domain::entitlement::{EntitlementRule, owe};
use intervalo::domain::id::{EntitlementRuleId, IdError, PauseTypeCode, TeamId};
use intervalo::domain::policy::{LIMIT_MAX, OnLimit, PauseClass, PauseKind, PauseRules, PauseType, WARN_BEFORE};
use intervalo::domain::policy_check::{
    Warnings, changes_protection, fits_a_day, is_some_of_a_day, settle_rules, teams_named,
};
use intervalo::domain::policy_values::{
    NAME_LENGTH_MAX, color, date, days, end_of_day, icon, is_locale, name, show_days, time_of_day,
};
use intervalo::domain::schedule::WeekDays;
use intervalo::domain::time::{hours, minutes, seconds, show_span};

#[test]
fn names_colours_and_icons_are_taken_as_they_are_written_or_not_at_all() {
    assert_eq!(name("Café da manhã"), Ok("Café da manhã".to_owned()));
    assert_eq!(name(&"é".repeat(NAME_LENGTH_MAX)), Ok("é".repeat(NAME_LENGTH_MAX)));
    for good in ["نیم\u{200C}فاصله", "ශ්\u{200D}රී", "👩\u{200D}👩"] {
        assert_eq!(name(good), Ok(good.to_owned()));
    }
    for bad in ["", " ", "a\u{7}", "a\u{200B}b", "a\u{200E}b", "a\u{202E}b", &"é".repeat(NAME_LENGTH_MAX + 1)] {
        assert!(name(bad).is_err(), "{bad:?}");
    }
    assert_eq!(color("#2F80ed"), Ok("#2f80ed".to_owned()));
    for bad in ["2f80ed", "#2f80e", "#2f80edd", "#2f80eg", "#", ""] {
        assert!(color(bad).is_err(), "{bad:?}");
    }
    for good in ["coffee", "a", "0", "-", "_", "cup-2_x", &"x".repeat(64)] {
        assert_eq!(icon(good), Ok(good.to_owned()));
    }
    for bad in ["", "Coffee", "a b", "ç", &"x".repeat(65)] {
        assert!(icon(bad).is_err(), "{bad:?}");
    }
    for good in ["pt", "pt-BR", "zh-Hant-TW", "es-419", "de-1996", "abcdefgh-a"] {
        assert!(is_locale(good), "{good}");
    }
    for bad in ["", "p", "pt-", "-pt", "pt_BR", "p7", "abcdefghi", "pt-abcdefghi", "pt-B R", "pt-ç"] {
        assert!(!is_locale(bad), "{bad}");
    }
}

#[test]
fn times_and_days_are_read_in_one_form_alone() {
    let time = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).expect("a time");
    assert_eq!([time_of_day("08:30"), time_of_day("23:59")], [Ok(time(8, 30)), Ok(time(23, 59))]);
    assert_eq!([end_of_day("24:00"), end_of_day("18:05")], [Ok(NaiveTime::MIN), Ok(time(18, 5))]);
    for bad in ["8:30", "08:3", "08:300", "0830", "24:00", "08:60", "+8:30", "08:+3", "08:30:00", ""] {
        assert!(time_of_day(bad).is_err(), "{bad:?}");
    }
    assert_eq!(date("2026-12-24"), Ok(NaiveDate::from_ymd_opt(2026, 12, 24).expect("a day")));
    for bad in ["2026-12-4", "24/12/2026", "2026-02-30", "0999-01-01", "+12026-01-01", ""] {
        assert!(date(bad).is_err(), "{bad:?}");
    }
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let lists: [(&str, &[Weekday], &str); 7] = [
        ("daily", &[Mon, Tue, Wed, Thu, Fri, Sat, Sun], "daily"),
        ("mon-fri", &[Mon, Tue, Wed, Thu, Fri], "mon-fri"),
        ("tue", &[Tue], "tue"),
        ("sat,sun", &[Sat, Sun], "sat,sun"),
        ("fri-mon", &[Fri, Sat, Sun, Mon], "mon,fri,sat,sun"),
        ("wed-wed", &[Wed], "wed"),
        ("mon-wed, fri", &[Mon, Tue, Wed, Fri], "mon,tue,wed,fri"),
    ];
    for (text, expected, shown) in lists {
        let read = days(text).expect(text);
        assert_eq!(read, WeekDays::of(expected.to_vec()), "{text}");
        assert_eq!(show_days(read), shown);
    }
    for bad in ["", "monday", "mon-", "-fri", "Mon", "mon;tue"] {
        assert!(days(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn spans_are_shown_as_people_write_them() {
    let spans = [
        (Duration::ZERO, "0s"),
        (Duration::from_millis(999), "0s"),
        (seconds(59), "59s"),
        (minutes(1), "1m"),
        (seconds(90), "1m30s"),
        (minutes(60), "1h"),
        (hours(24), "24h"),
        (seconds(3661), "1h1m1s"),
        (seconds(7205), "2h5s"),
    ];
    for (span, shown) in spans {
        assert_eq!(show_span(span), shown);
    }
    assert!(fits_a_day(LIMIT_MAX).is_ok() && fits_a_day(LIMIT_MAX + seconds(1)).is_err());
    assert!(is_some_of_a_day(seconds(1)).is_ok() && is_some_of_a_day(Duration::ZERO).is_err());
}

#[test]
fn ids_are_one_to_128_printable_characters() {
    assert!(TeamId::new(&"é".repeat(128)).is_ok());
    assert_eq!(TeamId::new(&"é".repeat(129)), Err(IdError::TooLong(129)));
    assert_eq!(TeamId::new(""), Err(IdError::Empty));
    for bad in [" a", "a ", "a\nb", "a\u{200B}b", "a\u{200D}b", "a\u{2028}b", "\u{FEFF}a", "a\u{E0041}"] {
        assert_eq!(TeamId::new(bad), Err(IdError::NotPrintable), "{bad:?}");
    }
}

#[test]
fn semantics_3_what_is_protected_stays_so_and_nothing_becomes_it() {
    let classes = [PauseClass::Regular, PauseClass::Entitlement, PauseClass::Protected];
    for before in classes {
        for after in classes {
            let differs = (before == PauseClass::Protected) != (after == PauseClass::Protected);
            assert_eq!(changes_protection(before, after), differs, "{before:?} {after:?}");
        }
    }
}

fn fields(rules: &mut PauseRules, class: PauseClass, warnings: Warnings) -> Vec<&'static str> {
    settle_rules(rules, class, warnings).iter().map(|unfit| unfit.field).collect()
}

#[test]
fn semantics_3_a_warning_comes_before_the_limit_and_the_default_one_gives_way() {
    let with = |limit, warn_before: &[Duration]| PauseRules {
        limit: Some(limit),
        warn_before: warn_before.iter().copied().collect(),
        ..PauseRules::default()
    };
    // The default is dropped at the limit itself too.
    for (limit, left) in [(WARN_BEFORE, 0), (WARN_BEFORE + seconds(1), 1), (seconds(1), 0)] {
        let mut rules = with(limit, &[WARN_BEFORE]);
        assert!(fields(&mut rules, PauseClass::Regular, Warnings::Kept).is_empty(), "{limit:?}");
        assert_eq!(rules.warn_before.len(), left, "{limit:?}");
    }
    let mut rules = with(WARN_BEFORE, &[WARN_BEFORE]);
    assert_eq!(fields(&mut rules, PauseClass::Regular, Warnings::Written), ["warn_before"]);
    assert_eq!(rules.warn_before, BTreeSet::from([WARN_BEFORE]), "what somebody wrote is not dropped");
    let mut rules = with(minutes(5), &[minutes(4), minutes(5), minutes(6)]);
    assert_eq!(fields(&mut rules, PauseClass::Regular, Warnings::Written), ["warn_before"; 2]);
    assert_eq!(fields(&mut rules, PauseClass::Regular, Warnings::Kept), ["limit"]);
    let mut rules = with(minutes(7), &[minutes(4), minutes(6)]);
    assert!(fields(&mut rules, PauseClass::Regular, Warnings::Written).is_empty());
}

#[test]
fn semantics_3_a_minimum_fits_into_the_limit_and_no_entitlement_ends_as_available() {
    let minimum = |min, limit| PauseRules { min_duration: Some(min), limit: Some(limit), ..PauseRules::default() };
    let fields_of = |mut rules: PauseRules, class| fields(&mut rules, class, Warnings::Kept);
    assert!(fields_of(minimum(minutes(10), minutes(10)), PauseClass::Regular).is_empty());
    assert_eq!(fields_of(minimum(minutes(11), minutes(10)), PauseClass::Regular), ["min_duration"]);
    let ends = |on_limit| PauseRules { on_limit, ..PauseRules::default() };
    assert_eq!(fields_of(ends(OnLimit::EndAvailable), PauseClass::Entitlement), ["on_limit"]);
    assert!(fields_of(ends(OnLimit::EndAvailable), PauseClass::Regular).is_empty());
    assert!(fields_of(ends(OnLimit::EndUnavailable), PauseClass::Entitlement).is_empty());
}

fn pause_type(code: &str, kind: PauseKind) -> (PauseTypeCode, Arc<PauseType>) {
    let code = PauseTypeCode::new(code).expect("a code");
    let kind = PauseType {
        code: code.clone(),
        name: BTreeMap::new(),
        description: BTreeMap::new(),
        icon: None,
        color: None,
        position: 0,
        enabled: true,
        archived_at: None,
        teams: None,
        kind,
    };
    (code, Arc::new(kind))
}

/// A rule for shifts of more than `over` hours, and up to so many.
fn rule(id: &str, over: u64, up_to: Option<u64>) -> EntitlementRule {
    EntitlementRule {
        id: EntitlementRuleId::new(id).expect("an id"),
        planned_over: hours(over),
        planned_up_to: up_to.map(hours),
        count: 1,
        min: minutes(10),
        after_start: Duration::ZERO,
        before_end: Duration::ZERO,
    }
}

#[test]
fn semantics_3_of_one_type_only_one_rule_is_for_a_shift() {
    let overlaps = |a: (u64, Option<u64>), b: (u64, Option<u64>)| {
        let (a, b) = (rule("a", a.0, a.1), rule("b", b.0, b.1));
        assert_eq!(a.overlaps(&b), b.overlaps(&a));
        a.overlaps(&b)
    };
    assert!(!overlaps((0, Some(4)), (4, Some(6))), "up to 4 h and over 4 h");
    assert!(!overlaps((0, Some(4)), (5, None)));
    assert!(overlaps((0, Some(5)), (4, Some(6))));
    assert!(overlaps((0, None), (4, Some(6))));
    assert!(overlaps((2, Some(3)), (2, Some(3))));
}

#[test]
fn semantics_3_rules_that_owe_what_cannot_be_are_told_by_their_field() {
    let rules = PauseRules { limit: Some(minutes(10)), ..PauseRules::default() };
    let mut types = BTreeMap::from([
        pause_type("descanso", PauseKind::Entitlement(rules.clone())),
        pause_type("cafe", PauseKind::Regular(rules)),
        pause_type("banheiro", PauseKind::Protected),
    ]);
    let mut told = |list: &[(&str, EntitlementRule)]| {
        let code = |code: &str| PauseTypeCode::new(code).expect("a code");
        let list: Vec<_> = list.iter().map(|(of, rule)| (code(of), rule.clone())).collect();
        let unfit = owe(&mut types, &list);
        unfit.iter().map(|unfit| (unfit.place, unfit.field)).collect::<Vec<_>>()
    };
    assert_eq!(told(&[("descanso", rule("a", 0, Some(4))), ("descanso", rule("b", 4, None))]), []);
    assert_eq!(told(&[("descanso", rule("a", 0, Some(4))), ("descanso", rule("a", 4, None))]), [(1, "id")]);
    let overlapping = [("descanso", rule("a", 0, Some(5))), ("descanso", rule("b", 4, None))];
    assert_eq!(told(&overlapping), [(1, "planned_shift_over")]);
    assert_eq!(told(&[("descanso", rule("a", 4, Some(4)))]), [(0, "planned_shift_up_to")]);
    assert_eq!(told(&[("descanso", rule("a", 4, Some(5)))]), []);
    for of in ["cafe", "banheiro", "nenhum"] {
        assert_eq!(told(&[(of, rule("a", 0, None))]), [(0, "type")], "{of}");
    }
    let of_min = |min| EntitlementRule { min, ..rule("a", 0, None) };
    assert_eq!(told(&[("descanso", of_min(minutes(11)))]), [(0, "min")]);
    assert_eq!(told(&[("descanso", of_min(minutes(10)))]), []);
    let descanso = &types[&PauseTypeCode::new("descanso").expect("a code")];
    assert_eq!(
        descanso.kind.rules().map(|rules| rules.owed.len()),
        Some(1),
        "the last list is in place of those before"
    );
}

#[test]
fn the_teams_that_a_type_names_are_told_by_the_field() {
    use intervalo::domain::policy::Cap;
    let team = |id: &str| TeamId::new(id).expect("an id");
    let cap = BTreeMap::from([(team("vendas"), Cap::AtMost(1))]);
    let rules = PauseRules { cap, ..PauseRules::default() };
    let (_, of) = pause_type("cafe", PauseKind::Regular(rules));
    let of = PauseType { teams: Some(BTreeSet::from([team("suporte")])), ..PauseType::clone(&of) };
    let named: Vec<(&str, &str)> = teams_named(&of).map(|(field, team)| (field, team.as_str())).collect();
    assert_eq!(named, [("teams", "suporte"), ("cap", "vendas")]);
}

#[test]
fn semantics_3_an_override_changes_something_on_days_that_there_are_and_fits_the_rules_that_it_changes() {
    use intervalo::domain::id::AgentId;
    use intervalo::domain::overrides::{OverrideFor, RuleField, RuleOverride};
    use intervalo::domain::policy_check::check_override;
    let day = |day| NaiveDate::from_ymd_opt(2026, 11, day);
    let fine = RuleOverride {
        whom: OverrideFor::Agent(AgentId::new("ana").expect("an id")),
        fields: BTreeSet::from([RuleField::Limit]),
        values: PauseRules { limit: Some(minutes(20)), ..PauseRules::default() },
        from: day(23),
        until: day(23),
        reason: "r".to_owned(),
    };
    let rules = PauseRules { min_duration: Some(minutes(10)), ..PauseRules::default() };
    let fields = |one: &RuleOverride, class| {
        let unfit = check_override(one, &rules, class);
        unfit.iter().map(|unfit| unfit.field).collect::<Vec<_>>()
    };
    assert_eq!(fields(&fine, PauseClass::Regular), Vec::<&str>::new());
    let nothing = RuleOverride { fields: BTreeSet::new(), ..fine.clone() };
    assert_eq!(fields(&nothing, PauseClass::Regular), ["reason"]);
    let never = RuleOverride { from: day(24), ..fine.clone() };
    assert_eq!(fields(&never, PauseClass::Regular), ["until"]);
    for (from, until) in [(None, day(1)), (day(30), None), (None, None), (day(1), day(2))] {
        let some = RuleOverride { from, until, ..fine.clone() };
        assert_eq!(fields(&some, PauseClass::Regular), Vec::<&str>::new(), "{from:?} {until:?}");
    }
    // It is held against the rules of the type that it leaves as they are.
    let short = PauseRules { limit: Some(minutes(9)), ..PauseRules::default() };
    let too_short = RuleOverride { values: short, ..fine.clone() };
    assert_eq!(fields(&too_short, PauseClass::Regular), ["min_duration"]);
    let as_available = RuleOverride {
        fields: BTreeSet::from([RuleField::OnLimit]),
        values: PauseRules { on_limit: OnLimit::EndAvailable, ..PauseRules::default() },
        ..fine.clone()
    };
    assert_eq!(fields(&as_available, PauseClass::Entitlement), ["on_limit"]);
    // A warning that somebody wrote is its own; the default gives way to a shorter limit.
    let minute = PauseRules { limit: Some(WARN_BEFORE), ..PauseRules::default() };
    let minute = RuleOverride { values: minute, ..fine };
    let bare = PauseRules::default();
    assert!(check_override(&minute, &bare, PauseClass::Regular).is_empty());
    let written = RuleOverride { fields: BTreeSet::from([RuleField::Limit, RuleField::WarnBefore]), ..minute };
    let unfit = check_override(&written, &bare, PauseClass::Regular);
    assert_eq!(unfit.iter().map(|unfit| unfit.field).collect::<Vec<_>>(), ["warn_before"]);
}
