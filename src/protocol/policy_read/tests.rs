//! Every field there and back, and every fault by its path.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::domain::directory::{Person, Team, Tenant};
use crate::domain::id::{AgentId, DirectoryVersion, PolicyVersion, TenantId};
use crate::domain::overrides::{OverrideFor, RuleField, RuleOverride};
use crate::domain::policy::{OnEarlyEnd, OnLimit, StartableBy, WhenFull, WhenOccupied};
use crate::domain::policy_check::check_override;
use crate::domain::time::seconds;
use crate::protocol::policy_shapes::{EntitlementRuleObject, OverrideObject, PauseTypeObject};
use crate::protocol::policy_write::{write_difference, write_owed, write_types};

const NOW: Timestamp = Timestamp(1_768_478_400_000);

fn directory() -> Directory {
    let team = |id: &str| {
        let id = TeamId::new(id).expect("an id");
        (id.clone(), Team { name: id.to_string(), id, zone: None })
    };
    let ana = Person {
        id: AgentId::new("ana").expect("an id"),
        name: "Ana".to_owned(),
        teams: Vec::new(),
        zone: None,
        capacity: BTreeMap::new(),
        left_at: None,
    };
    Directory {
        version: DirectoryVersion(1),
        tenant: Tenant::new(TenantId::new("acme").expect("an id"), "Acme".to_owned(), chrono_tz::UTC),
        teams: BTreeMap::from([team("suporte"), team("vendas")]),
        agents: BTreeMap::from([(ana.id.clone(), Arc::new(ana))]),
        closing: None,
        channels: BTreeMap::new(),
    }
}

fn read(types: Value) -> Result<PauseTypes, Vec<Problem>> {
    let (policy, directory) = (Policy::empty(), directory());
    let beside = Beside { policy: &policy, directory: &directory, now: NOW };
    read_types(types.as_array().expect("a list").clone(), None, beside)
}

fn problems(types: Value) -> Vec<String> {
    let problems = read(types).expect_err("it cannot be");
    problems.into_iter().map(|one| format!("{}: {}", one.field, one.problem)).collect()
}

fn span() -> impl Strategy<Value = Duration> {
    (0..=86_400_u64).prop_map(seconds)
}

fn some() -> impl Strategy<Value = Duration> {
    (1..=86_400_u64).prop_map(seconds)
}

fn team() -> impl Strategy<Value = TeamId> {
    select(vec!["suporte", "vendas"]).prop_map(|id| TeamId::new(id).expect("an id"))
}

fn window() -> impl Strategy<Value = Window> {
    let time =
        || (0..24_u32, 0..60_u32).prop_map(|(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0).expect("one"));
    let day = select(WeekDays::ALL.iter().collect::<Vec<_>>());
    (vec(day, 1..7), time(), time()).prop_filter_map("a window that is one", |(days, from, until)| {
        Window::new(WeekDays::of(days), from, until).ok()
    })
}

fn cap() -> impl Strategy<Value = Cap> {
    prop_oneof![
        (1..=CAP_MAX).prop_map(Cap::AtMost),
        (1..=100_u8).prop_map(Cap::Percent),
        (1..=CAP_MAX).prop_map(Cap::KeepAvailable)
    ]
}

fn rules() -> impl Strategy<Value = PauseRules> {
    let ends = (
        any::<bool>(),
        any::<bool>(),
        of(span()),
        select(vec![OnEarlyEnd::Record, OnEarlyEnd::Hold]),
        span(),
        of(some()),
        btree_set(span(), 0..4),
        span(),
        select(vec![OnLimit::Mark, OnLimit::EndUnavailable, OnLimit::SignOut]),
        btree_set(span(), 0..4),
    );
    let starts = (
        vec(window(), 0..4),
        span(),
        span(),
        of(1..=QUOTA_COUNT_MAX),
        of(some()),
        span(),
        span(),
        btree_map(team(), cap(), 0..3),
        select(vec![WhenFull::Refuse, WhenFull::Queue]),
    );
    let approval = (some(), select(vec![AtTimeout::Refuse, AtTimeout::Grant]));
    let last = (
        of(approval.prop_map(|(timeout, at_timeout)| Approval { timeout, at_timeout })),
        select(vec![WhenOccupied::Defer, WhenOccupied::Immediate, WhenOccupied::Refuse]),
        select(vec![StartableBy::Agent, StartableBy::Supervisor, StartableBy::Both]),
    );
    (ends, starts, last).prop_map(|(ends, starts, last)| {
        let limit = ends.5;
        PauseRules {
            paid: ends.0,
            counts_as_work: ends.1,
            min_duration: ends.2.filter(|min| limit.is_none_or(|limit| *min <= limit)),
            on_early_end: ends.3,
            refund_under: ends.4,
            limit,
            warn_before: ends.6.into_iter().filter(|span| limit.is_none_or(|limit| *span < limit)).collect(),
            grace: ends.7,
            on_limit: ends.8,
            escalate_after: ends.9,
            windows: starts.0,
            not_in_first: starts.1,
            not_in_last: starts.2,
            quota_count: starts.3,
            quota_time: starts.4,
            cooldown: starts.5,
            cooldown_any: starts.6,
            cap: starts.7,
            when_full: starts.8,
            approval: last.0,
            when_occupied: last.1,
            startable_by: last.2,
            ..PauseRules::default()
        }
    })
}

fn one_override() -> impl Strategy<Value = RuleOverride> {
    let whom =
        prop_oneof![team().prop_map(OverrideFor::Team), Just(OverrideFor::Agent(AgentId::new("ana").expect("an id"))),];
    let fields = proptest::sample::subsequence(RuleField::ALL.to_vec(), 1..=RuleField::ALL.len());
    let day = || of((2026..2030, 1..=12_u32).prop_map(|(y, m)| NaiveDate::from_ymd_opt(y, m, 1).expect("a day")));
    (whom, fields, rules(), day(), day(), "[a-zà-ü]{1,20}").prop_map(|(whom, fields, rules, from, until, reason)| {
        let fields = fields.into_iter().collect();
        let mut one = RuleOverride { whom, fields, values: rules, from, until, reason };
        // Of the rest it says nothing.
        let mut values = PauseRules::default();
        one.set(&mut values);
        one.values = values;
        one
    })
}

/// Rules with those of these overrides that fit them.
fn with_overrides(rules: PauseRules, overrides: Vec<RuleOverride>, class: PauseClass) -> PauseRules {
    let fit = |one: &RuleOverride| check_override(one, &rules, class).is_empty();
    PauseRules { overrides: overrides.into_iter().filter(fit).collect(), ..rules }
}

fn kind() -> impl Strategy<Value = PauseKind> {
    let with = |class| move |(rules, overrides)| with_overrides(rules, overrides, class);
    let both = || (rules(), vec(one_override(), 0..3));
    prop_oneof![
        both().prop_map(with(PauseClass::Regular)).prop_map(PauseKind::Regular),
        both().prop_map(with(PauseClass::Entitlement)).prop_map(PauseKind::Entitlement),
        Just(PauseKind::Protected)
    ]
}

fn pause_type() -> impl Strategy<Value = PauseType> {
    let texts = || btree_map(select(vec!["pt-BR".to_owned(), "en".to_owned()]), "[a-zà-ü]{1,20}", 0..3);
    let shown = (of("[a-z]{1,9}"), of("#[0-9a-f]{6}"), any::<i32>(), any::<bool>(), of(0..NOW.0));
    ("[a-z]{1,9}", texts(), texts(), shown, of(btree_set(team(), 1..3)), kind()).prop_map(
        |(code, mut name, description, shown, teams, kind)| {
            name.insert("es".to_owned(), "pausa".to_owned());
            PauseType {
                code: PauseTypeCode::new(&code).expect("a code"),
                name,
                description,
                icon: shown.0,
                color: shown.1.filter(|_| kind.class() != PauseClass::Protected),
                position: shown.2,
                enabled: shown.3,
                archived_at: shown.4.map(Timestamp),
                teams,
                kind,
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_reads_as_it_was(types in vec(pause_type(), 0..4)) {
        let types: PauseTypes = types.into_iter().map(|kind| (kind.code.clone(), Arc::new(kind))).collect();
        let written = write_types(&types);
        let schema = schema::<PauseTypeObject>();
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        for kind in written.as_array().into_iter().flatten() {
            prop_assert!(validator.is_valid(kind), "{}", kind);
        }
        prop_assert_eq!(read(written), Ok(types));
    }
}

fn schema<T: schemars::JsonSchema>() -> Value {
    schemars::SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}

#[test]
fn the_schemas_name_the_fields_that_are_read() {
    let wrong = |whole: Value, field: &str, path: &str, types: &dyn Fn(Value) -> Vec<String>| {
        let mut whole = whole;
        whole[field] = json!({"\u{0}": []});
        let told = types(whole);
        let of_field: Vec<&String> = told.iter().filter(|told| told.starts_with(&format!("{path}.{field}"))).collect();
        assert!(!of_field.is_empty(), "{path}.{field}: {told:?}");
        assert!(of_field.iter().all(|told| !told.ends_with(&format!("{field}: is unknown; take it out"))), "{told:?}");
    };
    let properties = |schema: Value| -> Vec<String> {
        schema["properties"].as_object().expect("properties").keys().cloned().collect()
    };
    let kind = json!({"code": "a", "name": {"en": "A"}});
    for field in properties(schema::<PauseTypeObject>()) {
        wrong(kind.clone(), &field, "types[0]", &|kind| problems(json!([kind])));
    }
    let of_team = json!({"agent": "ana", "reason": "r", "limit_s": 60});
    for field in properties(schema::<OverrideObject>()) {
        wrong(of_team.clone(), &field, "types[0].overrides[0]", &|one| {
            problems(json!([{"code": "a", "name": {"en": "A"}, "overrides": [one]}]))
        });
    }
    let owed = json!({"id": "n7", "type": "a", "min_s": 60});
    for field in properties(schema::<EntitlementRuleObject>()) {
        wrong(owed.clone(), &field, "entitlement_rules[0]", &|one| {
            let (policy, directory) = (Policy::empty(), directory());
            let beside = Beside { policy: &policy, directory: &directory, now: NOW };
            let told = read_types(Vec::new(), Some(vec![one]), beside).expect_err("it cannot be");
            told.into_iter().map(|one| format!("{}: {}", one.field, one.problem)).collect()
        });
    }
}

#[test]
fn a_type_of_nothing_but_a_code_and_a_name_has_the_defaults() {
    let types = read(json!([{"code": "cafe", "name": {"pt-BR": "Café"}, "limit_s": 45}])).expect("a policy");
    let kind = types.values().next().expect("a type");
    // The default warning is dropped where the limit leaves no room for it.
    let expected = PauseRules { limit: Some(seconds(45)), warn_before: BTreeSet::new(), ..PauseRules::default() };
    assert_eq!((kind.kind.rules(), kind.enabled, &kind.teams), (Some(&expected), true, &None));
}

#[test]
fn everything_that_is_wrong_is_told_by_the_path_of_its_field() {
    let types = json!([
        {"code": "a b\u{0}", "name": {"pt-BR": "A"}},
        {"name": {}, "limit": 5, "colour": "red"},
        {"code": "c", "name": {"en": "C"}, "limit_s": 90000, "grace_s": -1, "on_limit": "stop", "color": "red",
         "windows": [{"from": "09:00", "until": "9"}, {"from": "09:00", "until": "09:00"}, {"days": "mun", "from": "09:00"}]},
        {"code": "d", "name": {"en": "D"}, "limit_s": 60, "warn_before_s": [60, 90, 90], "teams": ["suport"], "cap": {"vendas": {}}},
        {"code": "e", "name": {"en": "E"}, "class": "protected", "color": "#ffffff", "quota_count": 1},
        {"code": "f", "name": {"en": "F"}, "class": "entitlement", "on_limit": "end_available", "limit_s": 60, "min_duration_s": 61},
        {"code": "f", "name": {"en": "F"}, "approval": {"timeout_s": 0, "than": "grant"}, "quota_count": 0, "archived": false,
         "archived_at": "2020-01-01T00:00:00.000Z"},
        7
    ]);
    assert_eq!(
        problems(types),
        [
            "types[0].code: is no id: an id may hold printable characters only, and no white space at its ends",
            "types[1].code: is missing",
            "types[1].name: is empty; at least one locale is needed",
            "types[1].colour: is unknown; take it out",
            "types[1].limit: is unknown; write it as limit_s, in whole seconds",
            "types[2].color: expected a colour such as \"#2f80ed\", found \"red\"",
            "types[2].limit_s: must be from 1 to 86400 seconds (24h)",
            "types[2].grace_s: must be a whole number, not negative, of seconds",
            "types[2].on_limit: must be one of: mark, end_unavailable, end_available, sign_out",
            "types[2].windows[0].until: expected a time of day such as \"08:30\", found \"9\"",
            "types[2].windows[1]: from and until are the same time of day; leave the window out to allow any, or write 00:00-12:00 and 12:00-24:00 for whole days",
            "types[2].windows[2].days: \"mun\" is no day; expected mon, tue, wed, thu, fri, sat or sun, a range such as \
             \"mon-fri\", or \"daily\"",
            "types[2].windows[2].until: is missing",
            "types[3].warn_before_s[2]: is listed twice",
            "types[3].cap.vendas: must be a number, {\"percent\": 20} or {\"keep_available\": 5}",
            "types[3].warn_before_s: 1m is not before the limit of 1m; make it shorter",
            "types[3].warn_before_s: 1m30s is not before the limit of 1m; make it shorter",
            "types[3].teams: there is no team \"suport\"; use the id of one in the directory",
            "types[4].quota_count: a protected pause type may have no rules and no colour; take it out",
            "types[4].color: a protected pause type may have no rules and no colour; take it out",
            "types[5].min_duration_s: 1m1s is longer than the limit of 1m",
            "types[5].on_limit: \"end_available\" is not for an entitlement; choose mark, end_unavailable or sign_out",
            "types[6].code: stands here again; use each code once",
            "types[6].archived_at: contradicts archived: false; leave one of them out",
            "types[6].quota_count: must be a whole number from 1 to 1440",
            "types[6].approval.timeout_s: nothing is left of it; write one of 1s at least, or take it out",
            "types[6].approval.than: is unknown; take it out",
            "types[7]: must be an object",
        ]
    );
}

#[test]
fn the_word_that_takes_an_icon_away_in_a_file_is_the_name_of_none() {
    let told = problems(json!([{"code": "a", "name": {"en": "A"}, "icon": "none"}]));
    assert_eq!(told, ["types[0].icon: \"none\" names no icon; leave the field out for a type without one"]);
}

#[test]
fn what_is_wrong_with_an_override_or_with_what_is_owed_is_told_by_its_path() {
    let types = json!([
        {"code": "a", "name": {"en": "A"}, "limit_s": 600, "overrides": [
            {"agent": "ana", "windows": [{"from": "12:00", "until": "15:00"}]},
            {"reason": "nobody", "limit_s": 60},
            {"team": "suporte", "agent": "ana", "reason": "both", "limit_s": 60},
            {"team": "suporte", "reason": "nothing"},
            {"team": "suporte", "reason": "cap", "cap": {"suporte": 2}},
            {"team": "nowhere", "reason": "x", "limit_s": "none"},
            {"agent": "zoe", "reason": "x", "quota_count": 3},
            {"agent": "ana", "reason": "x", "limit_s": 30, "warn_before_s": [40]},
            {"agent": "ana", "reason": "x", "grace": 30, "grace_s": 1},
            {"agent": "ana", "reason": "x", "grace_s": 1, "from": "2026-12-02", "until": "2026-12-01"},
            {"agent": "ana", "reason": "x", "grace_s": 1, "from": "2 December"},
        ]},
        {"code": "b", "name": {"en": "B"}, "class": "protected", "overrides": []},
    ]);
    assert_eq!(
        problems(types),
        [
            "types[0].overrides[0].reason: is missing",
            "types[0].overrides[1]: must be for a team or for an agent; name one of them",
            "types[0].overrides[2]: must be for a team or for an agent; name one of them",
            "types[0].overrides[3].reason: the override changes no rule; name one, such as windows",
            "types[0].overrides[4].cap: a cap is a team's own already; set it in `cap` of the type",
            "types[0].overrides[6].agent: there is no agent \"zoe\"; use the id of one in the directory",
            "types[0].overrides[7].warn_before_s: 40s is not before the limit of 30s; make it shorter",
            "types[0].overrides[8].grace: is unknown; write it as grace_s, in whole seconds",
            "types[0].overrides[9].until: 2026-12-01 is before 2026-12-02, so it would never hold",
            "types[0].overrides[10].from: expected a day such as \"2026-12-24\", found \"2 December\"",
            "types[0].overrides: there is no team \"nowhere\"; use the id of one in the directory",
            "types[1].overrides: a protected pause type may have no rules and no colour; take it out",
        ]
    );

    let types = json!([
        {"code": "rest", "name": {"en": "Rest"}, "class": "entitlement", "limit_s": 720},
        {"code": "coffee", "name": {"en": "Coffee"}},
    ]);
    let owed = json!([
        {"id": "a", "type": "rest", "planned_shift_over_s": 3600, "planned_shift_up_to_s": 3600, "min_s": 600},
        {"id": "a", "type": "tea", "min_s": 600},
        {"id": "b", "type": "coffee", "min_s": 600},
        {"id": "c", "type": "rest", "planned_shift_over_s": 14400, "min_s": 721},
        {"id": "d", "type": "rest", "planned_shift_over_s": 21600, "min_s": 600},
    ]);
    assert_eq!(
        owed_problems(&types, &owed),
        [
            "entitlement_rules[0].planned_shift_up_to_s: must be more than planned_shift_over",
            "entitlement_rules[1].id: stands here again; use each id once",
            "entitlement_rules[1].type: there is no pause type \"tea\"; define it first",
            "entitlement_rules[2].type: \"coffee\" is no entitlement; set class = \"entitlement\" for it",
            "entitlement_rules[3].min_s: 12m1s is longer than the limit of \"rest\", 12m",
            "entitlement_rules[4].planned_shift_over_s: shifts of some length are those of the rule \"c\" too",
        ]
    );
    let bad = json!([{"id": "a", "type": "rest", "count": 0, "window": {"after": 5}, "min": 5}, 7]);
    assert_eq!(
        owed_problems(&types, &bad),
        [
            "entitlement_rules[0].count: must be a whole number from 1 to 24",
            "entitlement_rules[0].min_s: is missing",
            "entitlement_rules[0].window.after: is unknown; take it out",
            "entitlement_rules[0].min: is unknown; take it out",
            "entitlement_rules[1]: must be an object",
        ]
    );
}

fn read_both(types: &Value, owed: Option<&Value>) -> Result<PauseTypes, Vec<Problem>> {
    let (policy, directory) = (Policy::empty(), directory());
    let beside = Beside { policy: &policy, directory: &directory, now: NOW };
    let list = |value: &Value| value.as_array().expect("a list").clone();
    read_types(list(types), owed.map(list), beside)
}

fn owed_problems(types: &Value, owed: &Value) -> Vec<String> {
    let problems = read_both(types, Some(owed)).expect_err("it cannot be");
    problems.into_iter().map(|one| format!("{}: {}", one.field, one.problem)).collect()
}

#[test]
fn a_type_is_protected_from_the_first_or_never() {
    let of =
        |class: &str| json!([{"code": "a", "name": {"en": "A"}, "class": class}]).as_array().cloned().expect("a list");
    let directory = directory();
    let change = |from: &str, to: &str| {
        let empty = Policy::empty();
        let first =
            read_types(of(from), None, Beside { policy: &empty, directory: &directory, now: NOW }).expect("it fits");
        let policy = Policy { types: first, ..Policy::empty() };
        read_types(of(to), None, Beside { policy: &policy, directory: &directory, now: NOW })
    };
    for (from, to) in [("regular", "protected"), ("protected", "regular"), ("protected", "entitlement")] {
        let problems = change(from, to).expect_err("it stays");
        let told: Vec<_> = problems.iter().map(|one| (one.field.as_str(), one.problem.as_str())).collect();
        assert_eq!(told, [("types[0].class", PROTECTION_STAYS)], "{from} to {to}");
    }
    for (from, to) in [("regular", "entitlement"), ("entitlement", "regular"), ("protected", "protected")] {
        assert!(change(from, to).is_ok(), "{from} to {to}");
    }
}

#[test]
fn what_is_owed_reads_as_it_is_written_and_stays_where_nothing_is_said_of_it() {
    let types = json!([{"code": "rest", "name": {"en": "Rest"}, "class": "entitlement", "limit_s": 720}]);
    let owed = json!([
        {"id": "n4", "type": "rest", "planned_shift_over_s": 14400, "planned_shift_up_to_s": 21600, "count": 2, "min_s": 600,
         "window": {"after_start_s": 3600, "before_end_s": 3600}},
        {"id": "n7", "type": "rest", "planned_shift_over_s": 0, "planned_shift_up_to_s": 14400, "count": 1, "min_s": 600,
         "window": {"after_start_s": 0, "before_end_s": 0}},
    ]);
    let read = read_both(&types, Some(&owed)).expect("a policy");
    assert_eq!(write_owed(&read), owed);
    let policy = Policy { types: read.clone(), ..Policy::empty() };
    let directory = directory();
    let beside = Beside { policy: &policy, directory: &directory, now: NOW };
    let list = types.as_array().expect("a list").clone();
    assert_eq!(read_types(list.clone(), None, beside), Ok(read.clone()));
    let without = read_types(list, Some(Vec::new()), beside).expect("a policy");
    assert_eq!(write_owed(&without), json!([]));
    let difference = write_difference(&read, &without);
    assert_eq!(difference[0]["fields"], json!([{"field": "entitlement_rules", "before": owed}]));
}

#[test]
fn there_are_so_many_types_with_those_that_are_archived_and_no_more() {
    let one = read(json!([{"code": "a", "name": {"en": "A"}, "archived": true}])).expect("a policy");
    let (code, kind) = one.first_key_value().expect("a type");
    let others = (1..TYPES_KEPT_MAX).map(|number| PauseTypeCode::new(&format!("x{number}")).expect("a code"));
    let kinds = others.map(|code| (code.clone(), Arc::new(PauseType { code, ..PauseType::clone(kind) })));
    let types: PauseTypes = kinds.chain([(code.clone(), Arc::clone(kind))]).collect();
    assert_eq!(types.len(), TYPES_KEPT_MAX);
    let (policy, directory) = (Policy { types, ..Policy::empty() }, directory());
    let beside = Beside { policy: &policy, directory: &directory, now: NOW };
    let draft = |code: &str| read_types(vec![json!({"code": code, "name": {"en": "N"}})], None, beside);
    let put = |code: &str| {
        let body = json!({"name": {"en": "N"}}).as_object().expect("an object").clone();
        read_one(&PauseTypeCode::new(code).expect("a code"), body, beside)
    };
    assert!(draft("x1").is_ok() && put("x1").is_ok(), "one that is there comes back");
    let why = "would make 2001 types with those that are archived, of 2000 that there may be; there are 2000: take an \
               archived code back into use for what it meant";
    let problem = |field: &str| vec![Problem { field: field.to_owned(), problem: why.to_owned() }];
    assert_eq!(draft("novo"), Err(problem("types")));
    assert_eq!(put("novo"), Err(problem("code")));
}

#[test]
fn a_difference_names_the_fields() {
    let before = read(json!([{"code": "a", "name": {"en": "A"}, "limit_s": 120}, {"code": "b", "name": {"en": "B"}}]));
    let after = read(json!([
        {"code": "a", "name": {"en": "A"}, "limit_s": 90, "grace_s": 0},
        {"code": "b", "name": {"en": "B"}, "archived": true},
        {"code": "c", "name": {"en": "C"}}
    ]));
    assert_eq!(
        write_difference(&before.expect("a policy"), &after.expect("a policy")),
        json!([
            {"type": "a", "change": "changed", "fields": [
                {"field": "grace_s", "after": 0}, {"field": "limit_s", "before": 120, "after": 90}
            ]},
            {"type": "b", "change": "removed", "fields": [{"field": "archived_at", "after": "2026-01-15T12:00:00.000Z"}]},
            {"type": "c", "change": "added"}
        ])
    );
    assert_eq!(PolicyVersion(0), Policy::empty().version);
}
