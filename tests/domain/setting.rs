//! How a script is written: words, times, spans, types of pause.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono_tz::Tz;
use intervalo::domain::deferral::AtDeadline;
use intervalo::domain::directory::{Channel, SignInStatus, Tenant};
use intervalo::domain::entitlement::EntitlementRule;
use intervalo::domain::event::ChosenStatus;
use intervalo::domain::id::{AgentId, ChannelCode, EntitlementRuleId, PauseTypeCode, PrincipalId, TeamId};
use intervalo::domain::overrides::{OverrideFor, RuleField, RuleOverride};
use intervalo::domain::policy::{
    Approval, AtTimeout, Cap, OnEarlyEnd, OnLimit, PauseKind, PauseRules, PauseType, StartableBy, WhenFull,
    WhenOccupied,
};
use intervalo::domain::time::Timestamp;

use crate::window_words::{time_of_day, week_days, window};

pub(crate) fn set_tenant(tenant: &mut Tenant, words: &mut Words) {
    while let Some(word) = words.pop() {
        match word {
            "zone" => tenant.zone = zone(words.next()),
            "business_day" => tenant.business_day_start = time_of_day(words.next()),
            "pauses" => tenant.pauses_enabled = words.next() == "on",
            "sign_in" if words.next() == "available" => tenant.status_on_sign_in = SignInStatus::Available,
            "sign_in" => tenant.status_on_sign_in = SignInStatus::Unavailable,
            "grace" => tenant.connection_grace = duration(words.next()),
            "resume" => tenant.resume_within = duration(words.next()),
            "abandon" => tenant.abandon_after = duration(words.next()),
            "defer" => tenant.defer_for = duration(words.next()),
            "default_shift" => tenant.default_shift = duration(words.next()),
            "at_deadline" => {
                tenant.at_defer_deadline = match words.next() {
                    "start" => AtDeadline::Start,
                    "notify" => AtDeadline::Notify,
                    "cancel" => AtDeadline::Cancel,
                    other => panic!("nothing waits to {other}"),
                }
            }
            other => panic!("a tenant has no {other}"),
        }
    }
}

/// `voice blocks capacity 1`.
pub(crate) fn channel(words: &mut Words) -> Channel {
    let code = ChannelCode::new(words.next()).expect("a code");
    let mut channel = Channel { name: code.to_string(), code, enabled: true, blocks_pause: false, capacity: 1 };
    while let Some(word) = words.pop() {
        match word {
            "blocks" => channel.blocks_pause = true,
            "off" => channel.enabled = false,
            "capacity" => channel.capacity = words.next().parse().expect("a number"),
            other => panic!("a channel has no {other}"),
        }
    }
    channel
}

/// `voice=1,chat=2`.
pub(crate) fn capacities(text: &str) -> BTreeMap<ChannelCode, u32> {
    let one = |one: &str| {
        let (channel, count) = one.split_once('=').expect("channel=count");
        (ChannelCode::new(channel).expect("a code"), count.parse().expect("a number"))
    };
    text.split(',').map(one).collect()
}

pub(crate) fn pause_type(words: &mut Words) -> PauseType {
    let code = type_code(words.next());
    let mut rules = PauseRules::default();
    let mut class = "regular";
    let name = BTreeMap::from([("pt-BR".to_owned(), code.to_string())]);
    let (mut enabled, mut archived_at, mut teams, mut position) = (true, None, None, 0);
    while let Some(word) = words.pop() {
        match word {
            "regular" | "entitlement" | "protected" => class = word,
            "teams" => {
                let listed = words.next().split(',').map(|team| TeamId::new(team).expect("a team's id"));
                teams = Some(listed.collect::<BTreeSet<_>>());
            }
            "disabled" => enabled = false,
            "archived" => archived_at = Some(Timestamp(0)),
            "position" => position = words.next().parse().expect("a position"),
            "owed" => rules.owed.push(entitlement_rule(words)),
            "cap" => rules.cap = words.next().split(',').map(cap).collect(),
            other => drop(set_rule(other, words, &mut rules)),
        }
    }
    let kind = match class {
        "regular" => PauseKind::Regular(rules),
        "entitlement" => PauseKind::Entitlement(rules),
        _ => PauseKind::Protected,
    };
    let description = name.clone();
    PauseType { code, name, description, icon: None, color: None, position, enabled, archived_at, teams, kind }
}

/// Sets a rule, and says which.
fn set_rule(word: &str, words: &mut Words, rules: &mut PauseRules) -> RuleField {
    match word {
        "limit" => {
            rules.limit = Some(duration(words.next()));
            RuleField::Limit
        }
        "nolimit" => {
            rules.limit = None;
            RuleField::Limit
        }
        "min" => {
            rules.min_duration = Some(duration(words.next()));
            RuleField::MinDuration
        }
        "hold" => {
            rules.on_early_end = OnEarlyEnd::Hold;
            RuleField::OnEarlyEnd
        }
        "refund" => {
            rules.refund_under = duration(words.next());
            RuleField::RefundUnder
        }
        "warn" => {
            rules.warn_before = durations(words.next());
            RuleField::WarnBefore
        }
        "grace" => {
            rules.grace = duration(words.next());
            RuleField::Grace
        }
        "escalate" => {
            rules.escalate_after = durations(words.next());
            RuleField::EscalateAfter
        }
        "on_limit" => {
            rules.on_limit = match words.next() {
                "mark" => OnLimit::Mark,
                "end_unavailable" => OnLimit::EndUnavailable,
                "end_available" => OnLimit::EndAvailable,
                "sign_out" => OnLimit::SignOut,
                other => panic!("a limit does not {other}"),
            };
            RuleField::OnLimit
        }
        "queue_before" => {
            rules.queue_opens_before = duration(words.next());
            RuleField::QueueOpensBefore
        }
        "not_in_first" => {
            rules.not_in_first = duration(words.next());
            RuleField::NotInFirst
        }
        "not_in_last" => {
            rules.not_in_last = duration(words.next());
            RuleField::NotInLast
        }
        "quota" => {
            rules.quota_count = Some(words.next().parse().expect("a number"));
            RuleField::QuotaCount
        }
        "quota_time" => {
            rules.quota_time = Some(duration(words.next()));
            RuleField::QuotaTime
        }
        "cooldown" => {
            rules.cooldown = duration(words.next());
            RuleField::Cooldown
        }
        "cooldown_any" => {
            rules.cooldown_any = duration(words.next());
            RuleField::CooldownAny
        }
        "full" => {
            rules.when_full = if words.has("queue") { WhenFull::Queue } else { WhenFull::Refuse };
            if rules.when_full == WhenFull::Refuse {
                words.expect("refuse");
            }
            RuleField::WhenFull
        }
        "approval" => {
            let timeout = duration(words.next());
            let at_timeout = if words.has("grant") { AtTimeout::Grant } else { AtTimeout::Refuse };
            rules.approval = Some(Approval { timeout, at_timeout });
            RuleField::Approval
        }
        "noapproval" => {
            rules.approval = None;
            RuleField::Approval
        }
        "occupied" => {
            rules.when_occupied = match words.next() {
                "immediate" => WhenOccupied::Immediate,
                "refuse" => WhenOccupied::Refuse,
                other => panic!("nobody occupied does {other}"),
            };
            RuleField::WhenOccupied
        }
        "windows" => {
            rules.windows.clear();
            while let Some(days) = week_days(words.peek()) {
                words.next();
                rules.windows.push(window(days, words.next()));
            }
            RuleField::Windows
        }
        "by" => {
            rules.startable_by = match words.next() {
                "agent" => StartableBy::Agent,
                "supervisor" => StartableBy::Supervisor,
                "both" => StartableBy::Both,
                other => panic!("nobody starts as {other}"),
            };
            RuleField::StartableBy
        }
        "paid" => {
            rules.paid = true;
            RuleField::Paid
        }
        "as_work" => {
            rules.counts_as_work = true;
            RuleField::CountsAsWork
        }
        other => panic!("a type has no {other}"),
    }
}

/// `agent ana limit 20m from 2026-11-24 until 2026-11-30`, `team suporte windows mon-fri 12:00-14:00`.
pub(crate) fn rule_override(words: &mut Words) -> RuleOverride {
    let whom = match words.next() {
        "agent" => OverrideFor::Agent(AgentId::new(words.next()).expect("an agent's id")),
        "team" => OverrideFor::Team(TeamId::new(words.next()).expect("a team's id")),
        other => panic!("an override is not for {other}"),
    };
    let mut one = RuleOverride {
        whom,
        fields: BTreeSet::new(),
        values: PauseRules::default(),
        from: None,
        until: None,
        reason: "a reason".to_owned(),
    };
    while let Some(word) = words.pop() {
        match word {
            "from" => one.from = Some(words.next().parse().expect("a day")),
            "until" => one.until = Some(words.next().parse().expect("a day")),
            other => {
                let field = set_rule(other, words, &mut one.values);
                one.fields.insert(field);
            }
        }
    }
    one
}

/// `n4 2 of 10m over 4h up_to 6h after 1h before 1h`.
fn entitlement_rule(words: &mut Words) -> EntitlementRule {
    let id = EntitlementRuleId::new(words.next()).expect("an id");
    let count = words.next().parse().expect("a number");
    words.expect("of");
    let min = duration(words.next());
    let mut rule = EntitlementRule {
        id,
        planned_over: Duration::ZERO,
        planned_up_to: None,
        count,
        min,
        after_start: Duration::ZERO,
        before_end: Duration::ZERO,
    };
    loop {
        match words.peek() {
            "over" => drop((words.next(), rule.planned_over = duration(words.next()))),
            "up_to" => drop((words.next(), rule.planned_up_to = Some(duration(words.next())))),
            "after" => drop((words.next(), rule.after_start = duration(words.next()))),
            "before" => drop((words.next(), rule.before_end = duration(words.next()))),
            _ => return rule,
        }
    }
}

/// `suporte=2`, `suporte=20%`, `suporte=keep5`.
fn cap(text: &str) -> (TeamId, Cap) {
    let (team, cap) = text.split_once('=').expect("team=cap");
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("no number: {text}"));
    let cap = match (cap.strip_suffix('%'), cap.strip_prefix("keep")) {
        (Some(percent), _) => Cap::Percent(percent.parse().expect("a percentage")),
        (None, Some(least)) => Cap::KeepAvailable(number(least)),
        (None, None) => Cap::AtMost(number(cap)),
    };
    (TeamId::new(team).expect("a team's id"), cap)
}

pub(crate) fn zone(text: &str) -> Tz {
    text.trim().parse().unwrap_or_else(|_| panic!("no such zone: {text}"))
}

pub(crate) fn principal(text: &str) -> PrincipalId {
    PrincipalId::new(text).expect("an id")
}

pub(crate) fn type_code(text: &str) -> PauseTypeCode {
    PauseTypeCode::new(text).expect("a code")
}

pub(crate) fn status(text: &str) -> ChosenStatus {
    match text {
        "available" => ChosenStatus::Available,
        "unavailable" => ChosenStatus::Unavailable,
        "offline" => ChosenStatus::Offline,
        other => panic!("no such status: {other}"),
    }
}

pub(crate) fn durations(text: &str) -> BTreeSet<Duration> {
    text.split(',').filter(|part| *part != "none").map(duration).collect()
}

/// `90s`, `10m`, `1h30m`, `250ms`.
pub(crate) fn duration(text: &str) -> Duration {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or_else(|| panic!("no unit: {text}"));
        let number: u64 = rest[..digits].parse().unwrap_or_else(|_| panic!("no number: {text}"));
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |end| digits + end);
        total += match &rest[digits..unit] {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number * 60),
            "h" => Duration::from_secs(number * 3600),
            other => panic!("no such unit: {other}"),
        };
        rest = &rest[unit..];
    }
    total
}

pub(crate) fn span(span: Duration) -> String {
    match (span.as_secs(), span.as_secs().is_multiple_of(60)) {
        (0, _) => format!("{}ms", span.as_millis()),
        (seconds, true) => format!("{}m", seconds / 60),
        (seconds, false) => format!("{seconds}s"),
    }
}

/// The words of a line; a quoted text is one.
pub(crate) struct Words<'a> {
    words: Vec<&'a str>,
    at: usize,
}

impl<'a> Words<'a> {
    pub(crate) fn of(line: &'a str) -> Words<'a> {
        let mut words = Vec::new();
        for (number, part) in line.split('"').enumerate() {
            if number % 2 == 1 {
                words.push(part);
            } else {
                words.extend(part.split_whitespace());
            }
        }
        Words { words, at: 0 }
    }

    pub(crate) fn pop(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.at).copied();
        self.at += usize::from(word.is_some());
        word
    }

    pub(crate) fn next(&mut self) -> &'a str {
        self.pop().unwrap_or_else(|| panic!("a word is missing after: {}", self.words.join(" ")))
    }

    pub(crate) fn last(&self) -> &'a str {
        self.words[self.at - 1]
    }

    pub(crate) fn peek(&self) -> &'a str {
        self.words.get(self.at).copied().unwrap_or_default()
    }

    pub(crate) fn has(&mut self, word: &str) -> bool {
        let has = self.peek() == word;
        self.at += usize::from(has);
        has
    }

    pub(crate) fn expect(&mut self, word: &str) {
        assert!(self.has(word), "expected {word}, not {}", self.peek());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.words.len()
    }

    pub(crate) fn done(&self, line: &str) {
        assert!(self.is_empty(), "what is {:?} in: {line}", self.peek());
    }
}
