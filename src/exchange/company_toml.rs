//! A company as a TOML file that reads back as it was: the directory, and with it the policy where that is wanted.
//!
//! Of tenant, channels and pause types every field is written, of teams and people those that are not the default.

use toml::{Table, Value};

use super::pause_type::{CLASSES, EARLY_ENDS, FULL_ENDS, LIMIT_ENDS, OCCUPIED_ENDS, STARTERS, TIMEOUT_ENDS};
use super::values::{NONE, show_days};
use crate::config::show_span;
use crate::domain::directory::{Channel, Directory, Person, SignInStatus, Team, Tenant};
use crate::domain::entitlement::{EntitlementRule, owed_in};
use crate::domain::id::PauseTypeCode;
use crate::domain::overrides::{OverrideFor, RuleField, RuleOverride};
use crate::domain::policy::{Approval, Cap, PauseClass, PauseRules, PauseType, Policy, Translations};
use crate::domain::policy_words::{DEADLINE_ENDS, word_of};
use crate::domain::schedule::Window;

/// Fields of a table, in the order in which they are written.
type Fields = Vec<(&'static str, Value)>;

/// Writes a directory alone: people who left are not in it.
pub(crate) fn write_directory(directory: &Directory) -> String {
    let mut text = String::new();
    push(&mut text, "[tenant]", &tenant(&directory.tenant));
    directory.channels.values().for_each(|one| push(&mut text, "[[channel]]", &channel(one)));
    directory.teams.values().for_each(|one| push(&mut text, "[[team]]", &team(one)));
    let people = directory.agents.values().filter(|person| person.left_at.is_none());
    people.for_each(|one| push(&mut text, "[[agent]]", &agent(one)));
    text
}

/// Writes a directory and the policy in force.
pub(crate) fn write_company(directory: &Directory, policy: &Policy) -> String {
    let mut text = write_directory(directory);
    policy.types.values().for_each(|one| push(&mut text, "[[pause_type]]", &pause_type(one)));
    owed_in(&policy.types).for_each(|(code, one)| push(&mut text, "[[entitlement_rules]]", &entitlement(code, one)));
    text
}

fn push(text: &mut String, head: &str, fields: &Fields) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(head);
    text.push('\n');
    for (name, value) in fields {
        text.push_str(&format!("{name} = {value}\n"));
    }
}

fn tenant(tenant: &Tenant) -> Fields {
    let status = match tenant.status_on_sign_in {
        SignInStatus::Available => "available",
        SignInStatus::Unavailable => "unavailable",
    };
    vec![
        ("id", said(tenant.id.as_str())),
        ("name", said(&tenant.name)),
        ("zone", said(tenant.zone.name())),
        ("business_day_start", said(tenant.business_day_start.format("%H:%M"))),
        ("pauses_enabled", Value::Boolean(tenant.pauses_enabled)),
        ("status_on_sign_in", said(status)),
        ("connection_grace", said(show_span(tenant.connection_grace))),
        ("resume_within", said(show_span(tenant.resume_within))),
        ("abandon_after", said(show_span(tenant.abandon_after))),
        ("defer_for", said(show_span(tenant.defer_for))),
        ("at_defer_deadline", said(word_of(&DEADLINE_ENDS, &tenant.at_defer_deadline))),
        ("default_shift", said(show_span(tenant.default_shift))),
    ]
}

fn channel(channel: &Channel) -> Fields {
    vec![
        ("code", said(channel.code.as_str())),
        ("name", said(&channel.name)),
        ("enabled", Value::Boolean(channel.enabled)),
        ("blocks_pause", Value::Boolean(channel.blocks_pause)),
        ("capacity", number(channel.capacity)),
    ]
}

fn team(team: &Team) -> Fields {
    let mut fields = vec![("id", said(team.id.as_str())), ("name", said(&team.name))];
    fields.extend(team.zone.map(|zone| ("zone", said(zone.name()))));
    fields
}

fn agent(person: &Person) -> Fields {
    let mut fields = vec![
        ("id", said(person.id.as_str())),
        ("name", said(&person.name)),
        ("teams", list(person.teams.iter().map(said))),
    ];
    fields.extend(person.zone.map(|zone| ("zone", said(zone.name()))));
    if !person.capacity.is_empty() {
        fields.push(("capacity", table(person.capacity.iter().map(|(code, count)| (code.as_str(), number(*count))))));
    }
    fields
}

fn pause_type(kind: &PauseType) -> Fields {
    let class = kind.kind.class();
    let teams = kind.teams.as_ref();
    let mut fields = vec![
        ("code", said(kind.code.as_str())),
        ("name", translations(&kind.name)),
        ("description", translations(&kind.description)),
        ("icon", said(kind.icon.as_deref().unwrap_or(NONE))),
        ("position", Value::Integer(i64::from(kind.position))),
        ("enabled", Value::Boolean(kind.enabled)),
        ("archived", Value::Boolean(kind.archived_at.is_some())),
        ("class", said(word_of(&CLASSES, &class))),
        ("teams", teams.map_or_else(|| said("all"), |teams| list(teams.iter().map(said)))),
    ];
    if class != PauseClass::Protected {
        fields.push(("color", said(kind.color.as_deref().unwrap_or(NONE))));
    }
    if let Some(own) = kind.kind.rules() {
        let is_default = own.limit.is_none() && own.warn_before == PauseRules::default().warn_before;
        // Where there is no limit nobody is warned; to write the default would be noted as what does nothing.
        fields.extend(rules(own).into_iter().filter(|(name, _)| *name != "warn_before" || !is_default));
        fields.push(("overrides", list(own.overrides.iter().map(rule_override))));
    }
    fields
}

fn rules(rules: &PauseRules) -> Fields {
    let spans = |spans: &std::collections::BTreeSet<std::time::Duration>| {
        list(spans.iter().rev().map(|span| said(show_span(*span))))
    };
    let span = |span| said(show_span(span));
    let span_or_none =
        |span: Option<std::time::Duration>| span.map_or_else(|| said(NONE), |span| said(show_span(span)));
    vec![
        ("paid", Value::Boolean(rules.paid)),
        ("counts_as_work", Value::Boolean(rules.counts_as_work)),
        ("min_duration", span_or_none(rules.min_duration)),
        ("on_early_end", said(word_of(&EARLY_ENDS, &rules.on_early_end))),
        ("refund_under", span(rules.refund_under)),
        ("limit", span_or_none(rules.limit)),
        ("warn_before", spans(&rules.warn_before)),
        ("grace", span(rules.grace)),
        ("on_limit", said(word_of(&LIMIT_ENDS, &rules.on_limit))),
        ("escalate_after", spans(&rules.escalate_after)),
        ("windows", list(rules.windows.iter().map(window))),
        ("queue_opens_before", span(rules.queue_opens_before)),
        ("not_in_first", span(rules.not_in_first)),
        ("not_in_last", span(rules.not_in_last)),
        ("quota_count", rules.quota_count.map_or_else(|| said(NONE), number)),
        ("quota_time", span_or_none(rules.quota_time)),
        ("cooldown", span(rules.cooldown)),
        ("cooldown_any", span(rules.cooldown_any)),
        ("cap", table(rules.cap.iter().map(|(team, most)| (team.as_str(), cap(*most))))),
        ("when_full", said(word_of(&FULL_ENDS, &rules.when_full))),
        ("approval", rules.approval.map_or_else(|| said(NONE), approval)),
        ("when_occupied", said(word_of(&OCCUPIED_ENDS, &rules.when_occupied))),
        ("startable_by", said(word_of(&STARTERS, &rules.startable_by))),
    ]
}

fn window(window: &Window) -> Value {
    let until = window.until().format("%H:%M").to_string();
    let until = if until == "00:00" { "24:00".to_owned() } else { until };
    table([
        ("days", said(show_days(window.days()))),
        ("from", said(window.from().format("%H:%M"))),
        ("until", said(until)),
    ])
}

fn cap(cap: Cap) -> Value {
    match cap {
        Cap::AtMost(most) => number(most),
        Cap::Percent(percent) => table([("percent", number(u32::from(percent)))]),
        Cap::KeepAvailable(least) => table([("keep_available", number(least))]),
    }
}

fn approval(approval: Approval) -> Value {
    let then = said(word_of(&TIMEOUT_ENDS, &approval.at_timeout));
    table([("timeout", said(show_span(approval.timeout))), ("then", then)])
}

fn rule_override(one: &RuleOverride) -> Value {
    let whom = match &one.whom {
        OverrideFor::Team(team) => ("team", said(team)),
        OverrideFor::Agent(agent) => ("agent", said(agent)),
    };
    let is_set = |name: &str| RuleField::of_name(name).is_some_and(|field| one.fields.contains(&field));
    let days = [("from", one.from), ("until", one.until)];
    let days = days.into_iter().filter_map(|(name, day)| Some((name, said(day?))));
    let set = rules(&one.values).into_iter().filter(|(name, _)| is_set(name));
    table([whom, ("reason", said(&one.reason))].into_iter().chain(days).chain(set))
}

fn entitlement(code: &PauseTypeCode, rule: &EntitlementRule) -> Fields {
    let mut fields = vec![
        ("id", said(rule.id.as_str())),
        ("type", said(code.as_str())),
        ("planned_shift_over", said(show_span(rule.planned_over))),
    ];
    fields.extend(rule.planned_up_to.map(|up_to| ("planned_shift_up_to", said(show_span(up_to)))));
    fields.push(("count", number(rule.count)));
    fields.push(("min", said(show_span(rule.min))));
    let bounds = [("after_start", rule.after_start), ("before_end", rule.before_end)];
    fields.push(("window", table(bounds.map(|(name, span)| (name, said(show_span(span)))))));
    fields
}

fn translations(texts: &Translations) -> Value {
    table(texts.iter().map(|(locale, text)| (locale.as_str(), said(text))))
}

fn said(text: impl ToString) -> Value {
    Value::String(text.to_string())
}

fn number(number: u32) -> Value {
    Value::Integer(i64::from(number))
}

fn list(entries: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(entries.into_iter().collect())
}

fn table<'n>(fields: impl IntoIterator<Item = (&'n str, Value)>) -> Value {
    Value::Table(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Table>())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::id::{AgentId, ChannelCode, TeamId};
    use crate::domain::policy::PauseKind;
    use crate::domain::time::{Timestamp, seconds};
    use crate::exchange::{Existing, LeftOut, LeftOuts, Merged, read_and_merge};

    const SAMPLE: &str = include_str!("../../examples/acme.toml");
    const NOW: Timestamp = Timestamp(1_768_478_400_000);

    fn sample() -> (Directory, Policy) {
        let (_, merged) = read_and_merge(SAMPLE, |_| None, LeftOut::Stays, NOW).expect("it is whole");
        (merged.directory.expect("a directory"), merged.policy.expect("a policy"))
    }

    fn again(text: &str, directory: &Directory, policy: &Policy, left_out: impl Into<LeftOuts>) -> Merged {
        let existing = Existing { directory, policy };
        let later = Timestamp(NOW.0 + 1);
        let (_, merged) = read_and_merge(text, |_| Some(existing), left_out, later).unwrap_or_else(|problems| {
            panic!("{problems:?}\n{text}");
        });
        merged
    }

    fn changes_nothing(directory: &Directory, policy: &Policy) {
        let text = write_company(directory, policy);
        for left_out in [LeftOut::Stays, LeftOut::Goes] {
            let merged = again(&text, directory, policy, left_out);
            assert!(merged.difference.is_empty(), "{}\n{text}", merged.difference);
            assert_eq!((merged.directory, merged.policy), (None, None), "{text}");
        }
        let merged = again(&write_directory(directory), directory, policy, LeftOuts::DIRECTORY_GOES);
        assert_eq!((merged.directory, merged.policy), (None, None));
    }

    #[test]
    fn the_sample_is_read_as_it_was_written() {
        let (directory, policy) = sample();
        changes_nothing(&directory, &policy);
        let text = write_company(&directory, &policy);
        let (_, fresh) = read_and_merge(&text, |_| None, LeftOut::Stays, NOW).expect("it is whole");
        assert_eq!((fresh.directory, fresh.policy), (Some(directory), Some(policy)));
        assert_eq!(fresh.notes, [], "nor is anything noted of it");
    }

    #[test]
    fn whoever_left_stays_gone_and_what_is_archived_stays_archived() {
        let (mut directory, mut policy) = sample();
        let gone = AgentId::new("ana").expect("an id");
        let person = Person { left_at: Some(NOW), ..Person::clone(&directory.agents[&gone]) };
        directory.agents.insert(gone, Arc::new(person));
        for kind in policy.types.values_mut() {
            *kind = Arc::new(PauseType { archived_at: Some(NOW), ..PauseType::clone(kind) });
        }
        changes_nothing(&directory, &policy);
    }

    fn text() -> impl Strategy<Value = String> {
        "[ a-zÀ-ÿ\"'#=\\\\\\[\\]|,.🙂-]{0,12}[a-z\"']"
    }

    fn id() -> impl Strategy<Value = String> {
        "[a-z\"'=.-]{1,8}"
    }

    fn company() -> impl Strategy<Value = (Directory, Policy)> {
        let teams = proptest::collection::btree_map(id(), (text(), any::<bool>()), 0..4);
        let channels = proptest::collection::btree_map(id(), (text(), any::<bool>(), 1..=1000_u32), 0..3);
        let people = proptest::collection::btree_map(id(), (text(), any::<bool>(), any::<u64>()), 0..6);
        let rules = (any::<bool>(), 0..7200_u64, proptest::option::of(1..1440_u32), 0..3600_u64, text());
        (teams, channels, people, rules)
            .prop_map(|(teams, channels, people, rules)| made(teams, channels, people, rules))
    }

    type Named<T> = BTreeMap<String, T>;

    fn made(
        teams: Named<(String, bool)>,
        channels: Named<(String, bool, u32)>,
        people: Named<(String, bool, u64)>,
        (paid, grace, quota_count, cooldown, said): (bool, u64, Option<u32>, u64, String),
    ) -> (Directory, Policy) {
        let (sample, mut policy) = sample();
        let mut directory = sample.clone();
        let zone = |is_own: bool| is_own.then_some(chrono_tz::America::Manaus);
        for (id, (name, is_own)) in teams {
            let id: TeamId = id.parse().expect("an id");
            directory.teams.insert(id.clone(), Team { id, name, zone: zone(is_own) });
        }
        for (code, (name, blocks_pause, capacity)) in channels {
            let code: ChannelCode = code.parse().expect("a code");
            directory
                .channels
                .insert(code.clone(), Channel { code, name, enabled: !blocks_pause, blocks_pause, capacity });
        }
        for (id, (name, is_own, bits)) in people {
            let id: AgentId = id.parse().expect("an id");
            let chosen = |at: usize| bits >> (at % 64) & 1 == 1;
            let teams = directory.teams.keys().enumerate().filter(|(at, _)| chosen(*at)).map(|(_, id)| id.clone());
            let codes = directory.channels.keys().enumerate().filter(|(at, _)| chosen(at + 32));
            let capacity = codes.map(|(at, code)| (code.clone(), at as u32)).collect();
            let left_at = chosen(63).then_some(NOW);
            let person = Person { id: id.clone(), name, teams: teams.collect(), zone: zone(is_own), capacity, left_at };
            directory.agents.insert(id, Arc::new(person));
        }
        directory.tenant.name.clone_from(&said);
        directory.tenant.connection_grace = seconds(grace);
        for kind in policy.types.values_mut() {
            let mut changed = PauseType::clone(kind);
            changed.description.insert("pt-BR".to_owned(), said.clone());
            match &mut changed.kind {
                PauseKind::Regular(rules) | PauseKind::Entitlement(rules) => {
                    rules.paid = paid;
                    rules.grace = seconds(grace);
                    rules.quota_count = quota_count;
                    rules.cooldown = seconds(cooldown);
                }
                PauseKind::Protected => {}
            }
            *kind = Arc::new(changed);
        }
        (directory, policy)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn an_import_of_what_was_written_changes_nothing((directory, policy) in company()) {
            changes_nothing(&directory, &policy);
        }
    }
}
