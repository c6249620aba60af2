//! The menu of pauses on the wire: every type with what the rules say of it.

use std::collections::BTreeMap;

use chrono::Weekday;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::error::refusal_params;
use super::request::GrantState;
use super::time::WireTime;
use super::words;
use crate::domain::command::Refusal;
use crate::domain::menu::{OwedHere, PauseOption};
use crate::domain::rules::{Verdict, VerdictOutcome};
use crate::domain::schedule::Window;
use crate::domain::time::millis;

/// One line of the menu.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OptionState<'a> {
    /// The code.
    #[serde(rename = "type")]
    pub pause_type: &'a str,
    /// `regular`, `entitlement` or `protected`.
    #[schemars(extend("enum" = words::classes()))]
    pub class: &'static str,
    /// What people call it, by locale.
    pub name: &'a BTreeMap<String, String>,
    /// What it is for, by locale.
    pub description: &'a BTreeMap<String, String>,
    /// The name of an icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<&'a str>,
    /// A colour, `#rrggbb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<&'a str>,
    /// The longest time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_ms: Option<i64>,
    /// The shortest time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_ms: Option<i64>,
    /// How often it was taken in the shift, the running one counted; with `of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<u32>,
    /// How often it may be taken in a shift.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
    /// For how long it was taken in the shift; with `of_ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_ms: Option<i64>,
    /// For how long it may be taken in a shift.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_ms: Option<i64>,
    /// What was granted for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantState>,
    /// What the employer owes of it in the shift of now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entitlement: Option<EntitlementState<'a>>,
    /// When it may be started, in the agent's zone; empty: always.
    pub windows: Vec<WindowState>,
    /// What choosing it would lead to.
    pub verdict: VerdictState,
}

/// What the employer owes of a type in a shift.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EntitlementState<'a> {
    /// The rule by which it is owed.
    pub rule: &'a str,
    /// How many in the shift.
    pub count: u32,
    /// How many were taken in full, in the time for it.
    pub satisfied: u32,
    /// How many are still owed; one that is being taken is not among them.
    pub owed: u32,
    /// When the next one has to begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_start_at: Option<WireTime>,
    /// It is about to lapse.
    pub at_risk: bool,
    /// True where nobody has said how long the shift is.
    pub estimated: bool,
}

/// A window of local time.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WindowState {
    /// The days on which it opens: `mon` to `sun`.
    pub days: Vec<&'static str>,
    /// When it opens, `11:30`.
    pub from: String,
    /// When it closes; the next day, when that is earlier.
    pub until: String,
}

/// What choosing a type would lead to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VerdictState {
    /// `started`, `queued`, `pending`, `requested` or `refused`.
    #[schemars(extend("enum" = words::outcomes()))]
    pub outcome: &'static str,
    /// The rule that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// What belongs to the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<Map<String, Value>>,
    /// The codes of every other rule that stands against it.
    pub also: Vec<&'static str>,
    /// When it is worth asking again, if nothing else happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_change_at: Option<WireTime>,
}

/// What tells one menu from another: types with (outcome, code), never parameters (semantics §4), and what is owed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MenuSignature(Vec<LineSignature>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct LineSignature {
    code: String,
    outcome: VerdictOutcome,
    decides: Option<&'static str>,
    /// How many are owed still, and whether the next is about to lapse.
    owed: Option<(u32, bool)>,
}

impl MenuSignature {
    /// The signature of a menu.
    pub fn of(menu: &[PauseOption]) -> MenuSignature {
        let signature = |line: &PauseOption| LineSignature {
            code: line.pause_type.code.as_str().to_owned(),
            outcome: line.verdict.outcome,
            decides: line.verdict.code.as_ref().map(Refusal::code),
            owed: line.owed.as_ref().map(|owed| (owed.owed, owed.at_risk)),
        };
        MenuSignature(menu.iter().map(signature).collect())
    }
}

impl<'a> OptionState<'a> {
    /// Writes one line.
    pub fn of(line: &'a PauseOption) -> OptionState<'a> {
        let pause_type = &line.pause_type;
        let rules = pause_type.kind.rules();
        let (of, of_time) = rules.map_or((None, None), |rules| (rules.quota_count, rules.quota_time));
        OptionState {
            pause_type: pause_type.code.as_str(),
            class: pause_type.kind.class().as_str(),
            name: &pause_type.name,
            description: &pause_type.description,
            icon: pause_type.icon.as_deref(),
            color: pause_type.color.as_deref(),
            limit_ms: rules.and_then(|rules| rules.limit).map(millis),
            min_ms: rules.and_then(|rules| rules.min_duration).map(millis),
            used: of.map(|_| line.used.count),
            of,
            used_ms: of_time.map(|_| millis(line.used.time)),
            of_ms: of_time.map(millis),
            grant: line.grant.as_ref().map(GrantState::of),
            entitlement: line.owed.as_ref().map(EntitlementState::of),
            windows: rules.map_or_else(Vec::new, |rules| rules.windows.iter().map(WindowState::of).collect()),
            verdict: VerdictState::of(&line.verdict),
        }
    }
}

impl<'a> EntitlementState<'a> {
    /// Writes what is owed of a type.
    pub fn of(owed: &'a OwedHere) -> EntitlementState<'a> {
        EntitlementState {
            rule: owed.rule.as_str(),
            count: owed.count,
            satisfied: owed.satisfied,
            owed: owed.owed,
            latest_start_at: owed.latest_start.map(WireTime),
            at_risk: owed.at_risk,
            estimated: owed.estimated,
        }
    }
}

impl WindowState {
    fn of(window: &Window) -> WindowState {
        WindowState {
            days: window.days().iter().map(day_word).collect(),
            from: window.from().format("%H:%M").to_string(),
            until: window.until().format("%H:%M").to_string(),
        }
    }
}

fn day_word(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "mon",
        Weekday::Tue => "tue",
        Weekday::Wed => "wed",
        Weekday::Thu => "thu",
        Weekday::Fri => "fri",
        Weekday::Sat => "sat",
        Weekday::Sun => "sun",
    }
}

impl VerdictState {
    fn of(verdict: &Verdict) -> VerdictState {
        VerdictState {
            outcome: verdict.outcome.as_str(),
            code: verdict.code.as_ref().map(Refusal::code),
            params: verdict.code.as_ref().map(refusal_params).filter(|params| !params.is_empty()),
            also: verdict.also.iter().map(Refusal::code).collect(),
            next_change_at: verdict.next_change_at.map(WireTime),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::NaiveTime;
    use serde_json::json;

    use super::*;
    use crate::domain::id::{EntitlementRuleId, PauseTypeCode};
    use crate::domain::menu::OwedHere;
    use crate::domain::policy::{PauseKind, PauseRules, PauseType};
    use crate::domain::schedule::WeekDays;
    use crate::domain::time::{Timestamp, minutes};
    use crate::domain::usage::Used;

    fn lunch(verdict: Verdict) -> PauseOption {
        let time = |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).expect("a time of day");
        let window = Window::new(WeekDays::of([Weekday::Mon, Weekday::Sun]), time(11, 30), time(14, 0)).expect("one");
        let rules = PauseRules {
            limit: Some(minutes(60)),
            windows: vec![window],
            quota_count: Some(2),
            quota_time: Some(minutes(90)),
            ..PauseRules::default()
        };
        PauseOption {
            grant: None,
            owed: None,
            pause_type: Arc::new(PauseType {
                code: PauseTypeCode::new("almoco").expect("a code"),
                name: BTreeMap::from([("pt-BR".to_owned(), "Almoço".to_owned())]),
                description: BTreeMap::new(),
                icon: Some("utensils".to_owned()),
                color: None,
                position: 0,
                enabled: true,
                archived_at: None,
                teams: None,
                kind: PauseKind::Regular(rules),
            }),
            used: Used { count: 1, time: minutes(20) },
            verdict,
        }
    }

    #[test]
    fn a_line_of_the_menu_says_what_when_and_why_not() {
        let opens = Timestamp(1_795_381_069_123);
        let line = lunch(Verdict {
            outcome: VerdictOutcome::Refused,
            code: Some(Refusal::OutsideWindow { next_from: Some(opens) }),
            also: vec![],
            waived: vec![],
            grant: None,
            next_change_at: Some(opens),
        });
        assert_eq!(
            serde_json::to_value(OptionState::of(&line)).expect("JSON"),
            json!({
                "type": "almoco", "class": "regular", "name": {"pt-BR": "Almoço"}, "description": {},
                "icon": "utensils", "limit_ms": 3_600_000,
                "used": 1, "of": 2, "used_ms": 1_200_000, "of_ms": 5_400_000,
                "windows": [{"days": ["mon", "sun"], "from": "11:30", "until": "14:00"}],
                "verdict": {"outcome": "refused", "code": "outside_window",
                            "params": {"next_from": "2026-11-22T20:57:49.123Z"}, "also": [],
                            "next_change_at": "2026-11-22T20:57:49.123Z"}
            })
        );
    }

    #[test]
    fn menus_differ_by_code_outcome_and_what_is_owed_but_not_by_parameters() {
        let refused = |at| {
            [lunch(Verdict {
                outcome: VerdictOutcome::Refused,
                code: Some(Refusal::OutsideWindow { next_from: Some(Timestamp(at)) }),
                also: vec![],
                waived: vec![],
                grant: None,
                next_change_at: None,
            })]
        };
        let started = [lunch(Verdict {
            outcome: VerdictOutcome::Started,
            code: None,
            also: vec![],
            waived: vec![],
            grant: None,
            next_change_at: None,
        })];
        assert_eq!(MenuSignature::of(&refused(1)), MenuSignature::of(&refused(2)));
        assert_ne!(MenuSignature::of(&refused(1)), MenuSignature::of(&started));
        let owing = |owed, at_risk| {
            let owed = OwedHere {
                rule: EntitlementRuleId::new("n7").expect("an id"),
                count: 2,
                satisfied: 2 - owed,
                owed,
                latest_start: None,
                at_risk,
                estimated: false,
            };
            let [line] = started.clone();
            MenuSignature::of(&[PauseOption { owed: Some(owed), ..line }])
        };
        let menus = [MenuSignature::of(&started), owing(2, false), owing(2, true), owing(1, true)];
        for (at, menu) in menus.iter().enumerate() {
            assert_eq!(menus.iter().position(|other| other == menu), Some(at), "each is another one");
        }
    }
}
