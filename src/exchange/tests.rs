//! What an import says and does, as tables: the file, and the exact text that people read.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::merge::{Existing, LeftOut, Merged};
use super::read_and_merge;
use crate::config::Problem;
use crate::domain::directory_change::{CHANNELS_MAX, TEAMS_MAX};
use crate::domain::id::{AgentId, ChannelCode, PauseTypeCode, TeamId};
use crate::domain::overrides::RuleField;
use crate::domain::policy::{OnEarlyEnd, OnLimit, PauseClass, PauseType, Policy, StartableBy};
use crate::domain::policy_check::TYPES_KEPT_MAX;
use crate::domain::time::{Timestamp, hours, minutes, seconds};

const SAMPLE: &str = include_str!("../../examples/acme.toml");
/// 2026-01-15T12:00:00Z, a Thursday.
const NOW: Timestamp = Timestamp(1_768_478_400_000);
const SMALL: &str = r#"
[tenant]
id = "acme"
name = "Acme"
zone = "America/Sao_Paulo"
[[team]]
id = "suporte"
name = "Suporte"
[[channel]]
code = "voice"
name = "Voice"
[[agent]]
id = "ana"
name = "Ana"
teams = ["suporte"]
[[pause_type]]
code = "cafe"
name = { en = "Coffee" }
limit = "10m"
"#;

fn lines(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

fn merged(before: Option<&Merged>, text: &str, left_out: LeftOut) -> Result<Merged, Vec<String>> {
    let no_policy = Policy::empty();
    let existing = before.map(|before| Existing {
        directory: before.directory.as_ref().unwrap(),
        policy: before.policy.as_ref().unwrap_or(&no_policy),
    });
    let outcome = read_and_merge(text, |_| existing, left_out, NOW);
    outcome.map(|(_, merged)| merged).map_err(|problems| lines(&problems))
}

fn new(text: &str) -> Merged {
    merged(None, text, LeftOut::Stays).unwrap()
}

fn kind<'m>(merged: &'m Merged, code: &str) -> &'m Arc<PauseType> {
    &merged.policy.as_ref().unwrap().types[&PauseTypeCode::new(code).unwrap()]
}

#[test]
fn the_sample_is_whole_and_without_a_note() {
    let sample = new(SAMPLE);
    let directory = sample.directory.as_ref().unwrap();
    let counted = (directory.teams.len(), directory.agents.len(), directory.channels.len());
    assert_eq!(counted, (3, 60, 4));
    let types = &sample.policy.as_ref().unwrap().types;
    assert_eq!(types.len(), 10);
    assert_eq!(types.values().filter(|kind| kind.kind.class() == PauseClass::Protected).count(), 2);
    assert_eq!(sample.notes, vec![]);

    let rest = kind(&sample, "descanso");
    let rules = rest.kind.rules().unwrap();
    assert_eq!(rest.kind.class(), PauseClass::Entitlement);
    assert_eq!((rules.min_duration, rules.on_early_end), (Some(minutes(10)), OnEarlyEnd::Hold));
    let lunch = kind(&sample, "almoco").kind.rules().unwrap();
    assert_eq!((lunch.limit, lunch.windows.len()), (Some(hours(1)), 2));
    assert_eq!(lunch.warn_before.iter().copied().collect::<Vec<_>>(), [minutes(1), minutes(5)]);
    let personal = kind(&sample, "particular").kind.rules().unwrap();
    assert_eq!((personal.on_limit, personal.startable_by), (OnLimit::SignOut, StartableBy::Agent));
    assert_eq!(kind(&sample, "treinamento").teams.as_ref().map(|teams| teams.len()), Some(2));
}

#[test]
fn the_sample_uses_every_field_that_is_enforced() {
    let fields = [
        "code",
        "name",
        "description",
        "icon",
        "color",
        "position",
        "class",
        "teams",
        "paid",
        "counts_as_work",
        "min_duration",
        "on_early_end",
        "refund_under",
        "limit",
        "warn_before",
        "grace",
        "on_limit",
        "escalate_after",
        "windows",
        "queue_opens_before",
        "overrides",
        "not_in_first",
        "not_in_last",
        "quota_count",
        "quota_time",
        "cooldown",
        "cooldown_any",
        "cap",
        "when_full",
        "startable_by",
    ];
    let types = SAMPLE.split("# --- pause types").nth(1).unwrap();
    for field in fields {
        assert!(types.contains(&format!("\n{field} = ")), "{field}");
    }
    for word in ["mark", "end_unavailable", "end_available", "sign_out"] {
        assert!(types.contains(&format!("on_limit = \"{word}\"")), "{word}");
    }
}

#[test]
fn the_same_file_again_changes_nothing() {
    for left_out in [LeftOut::Stays, LeftOut::Goes] {
        let first = new(SAMPLE);
        let again = merged(Some(&first), SAMPLE, left_out).unwrap();
        assert_eq!((again.directory, again.policy), (None, None));
        assert_eq!(again.difference.to_string(), "nothing to change\n");
    }
}

#[test]
fn a_new_company_is_listed_and_counted() {
    let expected = "\
+ tenant acme: Acme
+ channel voice: Voice
+ team suporte: Suporte
+ agent ana: Ana
+ pause type cafe: Coffee
tenants:    1 added, 0 changed, 0 removed
channels:   1 added, 0 changed, 0 removed
teams:      1 added, 0 changed, 0 removed
agents:     1 added, 0 changed, 0 removed
pause types: 1 added, 0 changed, 0 removed
";
    assert_eq!(new(SMALL).difference.to_string(), expected);
}

#[test]
fn changes_are_told_field_by_field() {
    let before = new(SMALL);
    let cases = [
        (
            "[tenant]\nid = \"acme\"\npauses_enabled = false\nabandon_after = \"2h\"",
            "~ tenant acme: pauses_enabled true -> false; abandon_after 4h -> 2h",
        ),
        (
            "[[agent]]\nid = \"ana\"\nname = \"Ana Souza\"\nzone = \"America/Manaus\"",
            "~ agent ana: name \"Ana\" -> \"Ana Souza\"; zone none -> America/Manaus",
        ),
        ("[[agent]]\nid = \"bia\"\nname = \"Bia\"\nteams = [\"suporte\"]", "+ agent bia: Bia"),
        (
            "[[channel]]\ncode = \"voice\"\nblocks_pause = false\ncapacity = 2",
            "~ channel voice: blocks_pause true -> false; capacity 1 -> 2",
        ),
        ("[[agent]]\nid = \"ana\"\ncapacity = { voice = 3 }", "~ agent ana: capacity none -> [voice = 3]"),
        (
            "[tenant]\nid = \"acme\"\ndefer_for = \"5m\"\nat_defer_deadline = \"notify\"",
            "~ tenant acme: defer_for 10m -> 5m; at_defer_deadline start -> notify",
        ),
        (
            "[[pause_type]]\ncode = \"cafe\"\nwhen_occupied = \"immediate\"",
            "~ pause type cafe: when_occupied defer -> immediate",
        ),
        ("[[team]]\nid = \"suporte\"\nzone = \"Europe/Lisbon\"", "~ team suporte: zone none -> Europe/Lisbon"),
        (
            "[[pause_type]]\ncode = \"cafe\"\nlimit = \"30s\"",
            "~ pause type cafe: limit 10m -> 30s; warn_before [1m] -> []",
        ),
        (
            "[[pause_type]]\ncode = \"cafe\"\nlimit = \"none\"\nwarn_before = [\"5m\", \"1m\"]",
            "~ pause type cafe: limit 10m -> none; warn_before [1m] -> [5m, 1m]",
        ),
        (
            "[[pause_type]]\ncode = \"cafe\"\nwindows = [{ days = \"mon-fri\", from = \"11:30\", until = \"14:30\" }]",
            "~ pause type cafe: windows always -> [mon-fri 11:30-14:30]",
        ),
        (
            "[[pause_type]]\ncode = \"cafe\"\narchived = true\nteams = [\"suporte\"]",
            "~ pause type cafe: archived false -> true; teams all -> [suporte]",
        ),
    ];
    for (text, expected) in cases {
        let text =
            if text.starts_with("[tenant]") { text.to_owned() } else { format!("[tenant]\nid = \"acme\"\n{text}") };
        let after = merged(Some(&before), &text, LeftOut::Stays).unwrap();
        let shown = after.difference.to_string();
        let first = shown.lines().next().unwrap();
        assert_eq!(first, expected);
    }
}

#[test]
fn a_type_is_protected_from_the_first_or_never() {
    let change = |from: &str, to: &str| {
        let of = |class: &str| format!("[tenant]\nid = \"acme\"\n[[pause_type]]\ncode = \"x\"\nclass = \"{class}\"\n");
        let first = new(&of(from).replace(
            "id = \"acme\"\n[[pause_type]]",
            "id = \"acme\"\nname = \"A\"\nzone = \"UTC\"\n[[pause_type]]\nname = { en = \"X\" }",
        ));
        merged(Some(&first), &of(to), LeftOut::Stays).map(|_| ())
    };
    let refused = "line 5: pause type \"x\": `class`: what is protected stays so, and nothing else becomes it: a code never changes \
                   its meaning; archive the type and define another";
    for (from, to) in [("regular", "protected"), ("protected", "regular"), ("entitlement", "protected")] {
        assert_eq!(change(from, to), Err(vec![refused.to_owned()]), "{from} to {to}");
    }
    for (from, to) in [("regular", "entitlement"), ("entitlement", "regular"), ("protected", "protected")] {
        assert_eq!(change(from, to), Ok(()), "{from} to {to}");
    }
    // Left out of a file that is the whole truth, the class is the default: that is a change as well.
    let first =
        new(&format!("{SMALL}\n[[pause_type]]\ncode = \"bem\"\nname = {{ en = \"B\" }}\nclass = \"protected\"\n"));
    let pruned = format!("{SMALL}\n[[pause_type]]\ncode = \"bem\"\nname = {{ en = \"B\" }}\n");
    let found = merged(Some(&first), &pruned, LeftOut::Goes).unwrap_err();
    assert!(found.len() == 1 && found[0].contains("`class`: what is protected stays so"), "{found:?}");
    assert!(merged(Some(&first), &pruned, LeftOut::Stays).is_ok());
}

#[test]
fn what_a_file_leaves_out_stays() {
    let before = new(SMALL);
    let after = merged(Some(&before), "[tenant]\nid = \"acme\"", LeftOut::Stays).unwrap();
    assert_eq!((after.directory, after.policy), (None, None));
    let file = "[tenant]\nid = \"acme\"\n[[pause_type]]\ncode = \"cafe\"\nposition = 3";
    let after = merged(Some(&before), file, LeftOut::Stays).unwrap();
    assert_eq!(kind(&after, "cafe").kind.rules().unwrap().limit, Some(minutes(10)));
    assert_eq!(after.directory, None);
    assert_eq!(after.policy.as_ref().unwrap().version.0, 2);
}

#[test]
fn pruning_takes_what_a_file_leaves_out() {
    let before = new(SMALL);
    let file = "[tenant]\nid = \"acme\"\n[[team]]\nid = \"vendas\"\nname = \"Vendas\"";
    let after = merged(Some(&before), file, LeftOut::Goes).unwrap();
    let shown = after.difference.to_string();
    for line in [
        "+ team vendas: Vendas",
        "- channel voice: removed",
        "- team suporte: removed",
        "- agent ana: leaves; the history stays",
        "- pause type cafe: archived; the history stays",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    let directory = after.directory.as_ref().unwrap();
    let ana = &directory.agents[&AgentId::new("ana").unwrap()];
    assert_eq!((ana.left_at, ana.teams.len()), (Some(NOW), 0));
    assert!(!directory.channels.contains_key(&ChannelCode::new("voice").unwrap()));
    assert_eq!(kind(&after, "cafe").archived_at, Some(NOW));
}

#[test]
fn a_team_in_use_is_not_pruned() {
    let before = new(SMALL);
    let file = "[tenant]\nid = \"acme\"\n[[agent]]\nid = \"ana\"\nteams = [\"suporte\"]";
    let after = merged(Some(&before), file, LeftOut::Goes).unwrap();
    assert!(after.directory.as_ref().unwrap().teams.contains_key(&TeamId::new("suporte").unwrap()));
    assert_eq!(lines(&after.notes), ["line 1: team \"suporte\" is left out, yet stays: agent \"ana\" is in it"]);
}

#[test]
fn the_id_of_somebody_who_left_is_for_nobody_else() {
    let gone = merged(Some(&new(SMALL)), "[tenant]\nid = \"acme\"", LeftOut::Goes).unwrap();
    let back = |name: &str| {
        let file = format!("[tenant]\nid = \"acme\"\n[[agent]]\nid = \"ana\"\nname = \"{name}\"");
        merged(Some(&gone), &file, LeftOut::Stays)
    };
    let expected = "line 3: agent \"ana\": this id belonged to \"Ana\", who left, and is never given to another person; use a new id";
    assert_eq!(back("Bia").unwrap_err(), [expected]);
    assert!(back("Ana").unwrap().difference.to_string().starts_with("~ agent ana: membership left -> present\n"));
}

#[test]
fn the_default_warning_is_dropped_where_the_limit_leaves_no_room() {
    let short = new(&SMALL.replace("10m", "60s"));
    assert_eq!(kind(&short, "cafe").kind.rules().unwrap().warn_before.len(), 0);
    let long = new(&SMALL.replace("10m", "61s"));
    assert_eq!(
        kind(&long, "cafe").kind.rules().unwrap().warn_before.iter().copied().collect::<Vec<_>>(),
        [seconds(60)]
    );
}

/// A file of a tenant and one pause type; the type's own lines begin on line 8.
fn with_type(rest: &str) -> String {
    format!(
        "[tenant]\nid = \"acme\"\nname = \"Acme\"\nzone = \"America/Sao_Paulo\"\n[[pause_type]]\ncode = \"x\"\nname = {{ en = \"X\" }}\n{rest}"
    )
}

#[test]
fn refusals_of_a_pause_type_name_the_line_and_the_way_out() {
    let place = "line 8: pause type \"x\": ";
    let cases = [
        (
            "warn_before = [\"10m\"]\nlimit = \"10m\"",
            "`warn_before`: 10m is not before the limit of 10m; make it shorter",
        ),
        ("limit = \"25h\"", "`limit`: expected 1s to 24h, found \"25h\""),
        ("limit = \"0s\"", "`limit`: expected 1s to 24h, found \"0s\""),
        ("limit = 600", "`limit`: expected a text in quotes, found a whole number"),
        ("limit = \"10 min\"", "`limit`: expected a duration such as \"90s\", \"10m\" or \"1h30m\", found \"10 min\""),
        ("limt = \"10m\"", "unknown key `limt`; did you mean `limit`?"),
        ("cap = { suporte = 0 }", "`cap`: `suporte`: expected a whole number from 1 to 1000000, found 0"),
        ("cap = { suporte = {} }", "`cap`: `suporte`: expected a number, { percent = 20 } or { keep_available = 5 }"),
        ("when_full = \"wait\"", "`when_full`: expected one of refuse, queue, found \"wait\""),
        ("queue_opens_before = \"25h\"", "`queue_opens_before`: at most 24h is allowed, found \"25h\""),
        (
            "overrides = [{ agent = \"ana\", limit = \"5m\" }]",
            "`overrides`: `reason` is missing; write why the rules are others for them",
        ),
        (
            "overrides = [{ reason = \"x\", limit = \"5m\" }]",
            "`overrides`: an override is for a `team` or for an `agent`; name one of them",
        ),
        (
            "overrides = [{ agent = \"ana\", reason = \"x\", limit = \"5m\" }]",
            "`overrides`: there is no agent \"ana\"; define them under [[agent]]",
        ),
        (
            "overrides = [{ team = \"a\", reason = \"x\", limit = \"5m\" }]",
            "`overrides`: there is no team \"a\"; define it under [[team]]",
        ),
        (
            "windows = [{ days = \"mon\", from = \"08:00\", until = \"08:00\" }]",
            "`windows`: from and until are the same time of day; leave the window out to allow any, or write 00:00-12:00 and 12:00-24:00 for whole days",
        ),
        (
            "windows = [{ days = \"mon\", from = \"08:00\" }]",
            "`windows`: a window needs `from` and `until`, such as from = \"11:30\", until = \"14:30\"",
        ),
        (
            "windows = [{ days = \"monday\", from = \"08:00\", until = \"09:00\" }]",
            "`windows`: `days`: \"monday\" is no day; expected mon, tue, wed, thu, fri, sat or sun, a range such as \"mon-fri\", or \"daily\"",
        ),
        ("windows = [{ days = [], from = \"08:00\", until = \"09:00\" }]", "`windows`: the window has no day"),
        (
            "windows = [{ from = \"8:00\", until = \"09:00\" }]",
            "`windows`: `from`: expected a time of day such as \"08:30\", found \"8:00\"",
        ),
        (
            "windows = [{ form = \"08:00\", from = \"08:00\", until = \"09:00\" }]",
            "`windows`: unknown key `form`; did you mean `from`?",
        ),
        (
            "on_limit = \"end_available\"\nclass = \"entitlement\"",
            "`on_limit`: \"end_available\" is not for an entitlement; choose mark, end_unavailable or sign_out",
        ),
        (
            "limit = \"10m\"\nclass = \"protected\"",
            "`limit`: a protected pause type may have no rules and no colour; take it out",
        ),
        (
            "color = \"#ffffff\"\nclass = \"protected\"",
            "`color`: a protected pause type may have no rules and no colour; take it out",
        ),
        (
            "on_limit = \"kill\"",
            "`on_limit`: expected one of mark, end_unavailable, end_available, sign_out, found \"kill\"",
        ),
        ("min_duration = \"20m\"\nlimit = \"10m\"", "`min_duration`: 20m is longer than the limit of 10m"),
        ("teams = [\"vendas\"]", "there is no team \"vendas\"; define it under [[team]]"),
        ("teams = []", "`teams`: the list is empty, so nobody would be offered it; write \"all\", or enabled = false"),
        (
            "description = \"text\"",
            "`description`: expected the text by locale, such as { \"pt-BR\" = \"Almoço\", en = \"Lunch\" }",
        ),
        (
            "description = { \"p t\" = \"text\" }",
            "`description`: \"p t\" is no locale; expected one such as \"pt-BR\" or \"en\"",
        ),
        ("color = \"blue\"", "`color`: expected a colour such as \"#2f80ed\", found \"blue\""),
        ("position = 1.5", "`position`: expected a whole number from -2147483648 to 2147483647, found a fraction"),
        ("enabled = \"yes\"", "`enabled`: expected true or false, found a text"),
        ("escalate_after = [\"2m\", \"120s\"]", "`escalate_after`: 2m is listed twice"),
    ];
    for (rest, expected) in cases {
        assert_eq!(
            merged(None, &with_type(rest), LeftOut::Stays).unwrap_err(),
            [format!("{place}{expected}")],
            "{rest}"
        );
    }
}

#[test]
fn refusals_of_the_directory_name_the_line_and_the_way_out() {
    let long = format!("[tenant]\nid = \"a\"\nzone = \"UTC\"\nname = \"{}\"", "x".repeat(201));
    let cases: [(&str, &[&str]); 13] = [
        ("", &["line 1: the table [tenant] is missing; it says which company this is about"]),
        ("[tenant]\nname = \"A\"", &["line 1: tenant: `id` is missing"]),
        (
            "[tenant]\nid = \"a\"",
            &[
                "line 1: tenant \"a\": `name` is missing; a new tenant needs one",
                "line 1: tenant \"a\": `zone` is missing; a new tenant needs one",
            ],
        ),
        (
            "[tenant]\nid = \"a\"\nname = \"A\"\nzone = \"Mars/Base\"",
            &["line 4: tenant \"a\": `zone`: unknown time zone \"Mars/Base\" (tzdata"],
        ),
        (
            "[tenant]\nid = \"a\"\nname = \"A\\u001b[2J\"\nzone = \"UTC\"",
            &["line 3: tenant \"a\": `name`: the character \\u{1b} does not print; take it out"],
        ),
        (&long, &["line 4: tenant \"a\": `name`: at most 200 characters are allowed, this has 201"]),
        (
            "[tenant]\nid = \"a\"\nname = \"A\"\nzone = \"UTC\"\n[[agent]]\nid = \"ana\"\nname = \"Ana\"\nteams = [\"suport\"]\n[[team]]\nid = \"suporte\"\nname = \"S\"",
            &["line 8: agent \"ana\": there is no team \"suport\"; did you mean \"suporte\"?"],
        ),
        (
            "[tenant]\nid = \"a\"\nname = \"A\"\nzone = \"UTC\"\n[[team]]\nid = \"s\"\nname = \"S\"\n[[team]]\nid = \"s\"\nname = \"S\"",
            &["line 8: team \"s\" stands here again; it is already on line 5"],
        ),
        (
            "[tenant]\nid = \"a\"\nname = \"A\"\nzone = \"UTC\"\n[agent]\nid = \"ana\"",
            &["line 5: `agent`: write each one as a table of its own, under [[agent]]"],
        ),
        (
            "[tenant]\nid = \"a\"\nname = \"A\"\nzone = \"UTC\"\n[[entitlement_rules]]\nid = \"r\"",
            &[
                "line 5: entitlement rule \"r\": `min` is missing, or does not read; a shorter pause than this",
                "line 5: entitlement rule \"r\": `type` is missing; it is the code of the pause type that is owed",
            ],
        ),
        (
            "[tenant]\nid = \"a\"\nname = \"A\"\nzone = \"UTC\"\n[[agents]]\nid = \"ana\"",
            &["line 5: unknown key `agents`; did you mean `agent`?"],
        ),
        (
            "[tenant]\nid = \"a\"\nname = \"A\"\nzone = \"UTC\"\n[[channel]]\ncode = \"voice\"\nname = \"V\"\n\
             [[agent]]\nid = \"ana\"\nname = \"Ana\"\ncapacity = { voise = 2 }",
            &["line 11: agent \"ana\": `capacity`: there is no channel \"voise\"; did you mean \"voice\"?"],
        ),
        (
            "[tenant]\nid = \"a\"\nname = \"A\"\nzone = \"UTC\"\ndefer_for = \"0s\"\nat_defer_deadline = \"wait\"",
            &["line 5: tenant \"a\": `defer_for`: nothing is left of it", "line 6: tenant \"a\": `at_defer_deadline`"],
        ),
    ];
    for (text, expected) in cases {
        let found = merged(None, text, LeftOut::Stays).unwrap_err();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}\n{expected}");
        }
    }
}

#[test]
fn everything_wrong_is_told_in_one_go() {
    let text = with_type(
        "limit = \"x\"\ncolour = \"#fff\"\ncap = 1\nteams = [\"nobody\"]\n[[agent]]\nid = \"\"\n[[channel]]\ncode = \"c\"\ncapacity = 0\n",
    );
    let found = merged(None, &text, LeftOut::Stays).unwrap_err();
    let expected = [
        "line 8: pause type \"x\": `limit`: expected a duration",
        "line 9: pause type \"x\": unknown key `colour`; did you mean `color`?",
        "line 10: pause type \"x\": `cap`: expected a table, found a whole number",
        "line 11: pause type \"x\": there is no team \"nobody\"",
        "line 13: agent: `id`: an id must not be empty",
        "line 14: channel \"c\": `name` is missing",
        "line 16: channel \"c\": `capacity`: expected a whole number from 1 to 1000, found 0",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

#[test]
fn a_broken_file_is_refused_with_its_line() {
    let found = merged(None, "[tenant]\nid = \"a\"\nname = \"A\nzone = \"UTC\"\n", LeftOut::Stays).unwrap_err();
    assert!(found[0].starts_with("line 3: this is not TOML: "), "{found:?}");
}

#[test]
fn a_window_in_a_gap_of_the_clocks_is_noted() {
    let text = with_type("windows = [{ days = \"sun\", from = \"02:30\", until = \"04:00\" }]")
        .replace("America/Sao_Paulo", "America/New_York");
    let expected = "line 8: pause type \"x\": window sun 02:30-04:00: on 2026-03-08 the clocks of America/New_York skip 02:30; it counts as 03:00 that day";
    assert_eq!(lines(&new(&text).notes), [expected]);
    assert_eq!(lines(&new(&text.replace("\"sun\"", "\"mon\"")).notes), Vec::<String>::new());
}

#[test]
fn rules_that_do_nothing_are_noted() {
    let text = with_type("warn_before = [\"1m\"]\non_early_end = \"hold\"");
    let expected = [
        "line 8: pause type \"x\": `warn_before` does nothing without a `limit`",
        "line 9: pause type \"x\": `on_early_end = \"hold\"` holds nothing without a `min_duration`",
    ];
    assert_eq!(lines(&new(&text).notes), expected);
}

#[test]
fn an_explicit_warning_in_force_is_not_dropped_by_a_shorter_limit() {
    let before = new(&SMALL.replace("limit = \"10m\"", "limit = \"10m\"\nwarn_before = [\"5m\"]"));
    let text = "[tenant]\nid = \"acme\"\n[[pause_type]]\ncode = \"cafe\"\nlimit = \"2m\"";
    let expected = "line 5: pause type \"cafe\": `limit`: 2m is not longer than the warning 5m before it that is in force; give `warn_before` too";
    assert_eq!(merged(Some(&before), text, LeftOut::Stays).unwrap_err(), [expected]);
}

#[test]
fn overrides_and_what_is_owed_are_read_kept_told_and_taken_away() {
    let text = with_type(
        "class = \"entitlement\"\nlimit = \"12m\"\nwarn_before = []\noverrides = [{ agent = \"ana\", limit = \"none\", from = \"2026-12-01\", \
         reason = \"health\" }]\n[[agent]]\nid = \"ana\"\nname = \"Ana\"\nteams = []\n[[entitlement_rules]]\nid = \"n7\"\ntype = \"x\"\nmin = \"10m\"\n",
    );
    let first = new(&text);
    let rules = kind(&first, "x").kind.rules().unwrap();
    assert_eq!((rules.overrides.len(), rules.owed.len()), (1, 1));
    let one = &rules.overrides[0];
    assert_eq!((one.values.limit, &one.fields), (None, &BTreeSet::from([RuleField::Limit])));
    let rule = &rules.owed[0];
    assert_eq!((rule.count, rule.min, rule.planned_over, rule.planned_up_to), (1, minutes(10), minutes(0), None));

    // What the file says nothing of stays.
    let nothing = "[tenant]\nid = \"acme\"\n";
    assert_eq!(merged(Some(&first), nothing, LeftOut::Stays).unwrap().difference.to_string(), "nothing to change\n");
    let other = "[tenant]\nid = \"acme\"\n[[pause_type]]\ncode = \"x\"\noverrides = []\n[[entitlement_rules]]\n\
                 id = \"n4\"\ntype = \"x\"\nmin = \"5m\"\ncount = 2\nplanned_shift_over = \"4h\"\nplanned_shift_up_to = \"6h\"\n\
                 window = { after_start = \"1h\", before_end = \"1h\" }\n";
    let told = merged(Some(&first), other, LeftOut::Stays).unwrap().difference.to_string();
    assert!(
        told.starts_with(
            "~ pause type x: owed [n7: 1 of 10m in shifts over 0s, 0s to 0s before] -> [n4: 2 of 5m in shifts over 4h up to 6h, \
             1h to 1h before]; overrides [agent ana from 2026-12-01: limit none (health)] -> none\n"
        ),
        "{told}"
    );
    // A type that is an entitlement no more owes nothing, and the file may say nothing of it.
    let regular = "[tenant]\nid = \"acme\"\n[[pause_type]]\ncode = \"x\"\nclass = \"regular\"\n";
    let after = merged(Some(&first), regular, LeftOut::Stays).unwrap();
    assert_eq!(kind(&Merged { directory: first.directory.clone(), ..after }, "x").kind.rules().unwrap().owed, []);
    let refused = merged(Some(&first), &other.replace("type = \"x\"", "type = \"y\""), LeftOut::Stays).unwrap_err();
    assert_eq!(refused, ["line 6: entitlement rule \"n4\": `type`: there is no pause type \"y\"; define it first"]);
    let shorter = "[tenant]\nid = \"acme\"\n[[pause_type]]\ncode = \"x\"\nlimit = \"9m\"\n";
    let refused = merged(Some(&first), shorter, LeftOut::Stays).unwrap_err();
    assert_eq!(
        refused,
        [
            "line 5: pause type \"x\": the entitlement rule \"n7\" in force: `min`: 10m is longer than the limit of \"x\", 9m"
        ]
    );
    let overridden = "[tenant]\nid = \"acme\"\n[[pause_type]]\ncode = \"x\"\noverrides = [{ agent = \"ana\", limit = \"9m\", reason = \"r\" }]\n";
    let refused = merged(Some(&first), overridden, LeftOut::Stays).unwrap_err();
    assert!(refused[0].ends_with("10m is longer than the limit in an override of \"x\", 9m"), "{refused:?}");
    let refused = merged(Some(&first), &other.replace("min = \"5m\"", "min = \"13m\""), LeftOut::Stays).unwrap_err();
    assert_eq!(refused, ["line 6: entitlement rule \"n4\": `min`: 13m is longer than the limit of \"x\", 12m"]);
}

#[test]
fn an_override_must_fit_the_rules_that_it_changes() {
    let cases = [
        ("limit = \"30s\"", "`overrides`: `limit`: 30s is not longer than the warning 5m"),
        ("warn_before = [\"20m\"]", "`overrides`: `warn_before`: 20m is not before the limit of 10m; make it shorter"),
        ("min_duration = \"11m\"", "`overrides`: `min_duration`: 11m is longer than the limit of 10m"),
        ("from = \"2026-02-30\"", "`overrides`: `from`: expected a day such as \"2026-12-24\", found \"2026-02-30\""),
        ("cap = { a = 1 }", "`overrides`: `cap`: a cap is a team's own already; set it in `cap` of the type"),
        ("until = \"2026-01-01\", from = \"2026-01-02\"", "`overrides`: `until`: 2026-01-01 is before 2026-01-02"),
    ];
    for (rest, expected) in cases {
        let text = with_type(&format!(
            "limit = \"10m\"\nwarn_before = [\"5m\"]\noverrides = [{{ team = \"a\", grace = \"1s\", reason = \"r\", {rest} }}]\n\
             [[team]]\nid = \"a\"\nname = \"A\"\n"
        ));
        let found = merged(None, &text, LeftOut::Stays).unwrap_err();
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}\n{expected}");
    }
    let protected = with_type("class = \"protected\"\noverrides = []");
    let found = merged(None, &protected, LeftOut::Stays).unwrap_err();
    assert!(found[0].contains("`overrides`: a protected pause type may have no rules"), "{found:?}");
}

#[test]
fn a_file_may_make_so_many_teams_channels_and_types_and_no_more() {
    let sections = |head: &str, key: &str, rest: &str, count: usize| {
        (0..count).map(|n| format!("[[{head}]]\n{key} = \"x{n}\"\n{rest}\n")).collect::<String>()
    };
    let made = |text: String| merged(None, &format!("{SMALL}{text}"), LeftOut::Stays).map(|_| ());
    let (named, translated) = ("name = \"X\"", "name = { en = \"X\" }\narchived = true");
    assert_eq!(made(sections("channel", "code", named, CHANNELS_MAX - 1)), Ok(()));
    let why = |line: usize, what: &str, most: usize| {
        Err(vec![format!("line {line}: at most {most} {what} are allowed, this would make {}", most + 1)])
    };
    let lines_of_small = SMALL.lines().count();
    let last = |lines_each: usize, count: usize| lines_of_small + 1 + lines_each * (count - 1);
    let found = made(sections("channel", "code", named, CHANNELS_MAX));
    assert_eq!(found, why(last(3, CHANNELS_MAX), "channels", CHANNELS_MAX));
    let found = made(sections("team", "id", named, TEAMS_MAX));
    assert_eq!(found, why(last(3, TEAMS_MAX), "teams", TEAMS_MAX));
    let found = made(sections("pause_type", "code", translated, TYPES_KEPT_MAX));
    assert_eq!(found, why(last(4, TYPES_KEPT_MAX), "pause types, archived ones too,", TYPES_KEPT_MAX));
}
