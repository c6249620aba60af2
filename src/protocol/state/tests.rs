//! The bytes of an agent's state, and that a protected pause leaves no mark on a row.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;
use crate::domain::agent::{Agent, Away, Connection, Fired, Pause, ProtectedPause, Status};
use crate::domain::directory::{Directory, Person, Tenant};
use crate::domain::event::{Cause, LimitedClass, PausePlace, PauseTerms};
use crate::domain::id::{
    AgentId, AgentSeq, DirectoryVersion, PauseId, PauseTypeCode, PolicyVersion, PrincipalId, TeamId, TenantId,
};
use crate::domain::policy::{OnEarlyEnd, OnLimit};
use crate::domain::time::{Timestamp, minutes, seconds};

const NINE: Timestamp = Timestamp(1_795_338_000_000); // 2026-11-22T09:00:00Z

fn ana() -> Arc<Person> {
    Arc::new(Person {
        id: AgentId::new("ana").unwrap(),
        name: "Ana Souza".to_owned(),
        teams: vec![TeamId::new("suporte").unwrap(), TeamId::new("vendas").unwrap()],
        zone: None,
        capacity: BTreeMap::new(),
        left_at: None,
    })
}

fn directory() -> Directory {
    let tenant = TenantId::new("acme").unwrap();
    Directory {
        version: DirectoryVersion(1),
        tenant: Tenant::new(tenant, "Acme".to_owned(), chrono_tz::America::Sao_Paulo),
        teams: BTreeMap::new(),
        agents: BTreeMap::from([(AgentId::new("ana").unwrap(), ana())]),
        closing: None,
        channels: BTreeMap::new(),
    }
}

fn unavailable() -> Agent {
    let mut agent = Agent::unseen(AgentId::new("ana").unwrap());
    agent.seq = AgentSeq(4);
    agent.version = AgentSeq(4);
    agent.public_version = AgentSeq(4);
    agent.connection = Connection::Connected;
    agent.status = Status::Unavailable;
    agent.since = NINE;
    agent.cause = Cause::Agent;
    agent
}

fn lunch() -> Pause {
    Pause {
        id: PauseId(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057),
        pause_type: PauseTypeCode::new("almoco").unwrap(),
        terms: PauseTerms {
            class: LimitedClass::Regular,
            paid: false,
            counts_as_work: false,
            min_duration: None,
            on_early_end: OnEarlyEnd::Record,
            refund_under: seconds(30),
            limit: Some(minutes(60)),
            warn_before: vec![minutes(5), minutes(1)],
            grace: seconds(60),
            on_limit: OnLimit::Mark,
            escalate_after: vec![seconds(120)],
            right: None,
        },
        policy_version: PolicyVersion(1),
        started_at: NINE,
        extended_by: Duration::ZERO,
        note: Some("dentist \"today\"".to_owned()),
        place: PausePlace {
            zone: chrono_tz::America::Sao_Paulo,
            utc_offset_s: -10_800,
            local_day: NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(),
            business_day: NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(),
            shift: None,
            team: Some(TeamId::new("suporte").unwrap()),
            slots: Box::default(),
        },
        fired: Fired::default(),
        worked_at: None,
    }
}

fn restroom() -> ProtectedPause {
    ProtectedPause {
        id: PauseId(77),
        pause_type: PauseTypeCode::new("banheiro").unwrap(),
        started_at: NINE + minutes(3),
        note: Some("private".to_owned()),
    }
}

fn public_json(agent: &Agent) -> String {
    AgentState::of(&AgentView::public(agent, &ana(), &directory())).to_json().get().to_owned()
}

fn own_json(agent: &Agent) -> String {
    AgentState::of(&AgentView::own(agent, &ana(), &directory())).to_json().get().to_owned()
}

#[test]
fn a_row_has_the_fields_of_the_protocol_in_their_order() {
    let expected = concat!(
        r#"{"agent":"ana","name":"Ana Souza","teams":["suporte","vendas"],"zone":"America/Sao_Paulo","version":4,"#,
        r#""presence":"unavailable","presence_since":"2026-11-22T09:00:00.000Z","status":"unavailable","#,
        r#""since":"2026-11-22T09:00:00.000Z","connection":"connected","routable":false,"#,
        r#""routable_reason":"unavailable","occupancy":{},"wrap_up":false,"#,
        r#""actor":{"kind":"agent","id":"ana"},"cause":"agent"}"#
    );
    assert_eq!(public_json(&unavailable()), expected);
}

#[test]
fn a_routable_agent_has_no_reason_and_the_system_has_no_id() {
    let mut agent = unavailable();
    agent.status = Status::Available;
    agent.actor = Actor::System;
    let json = public_json(&agent);
    assert!(json.contains(r#""routable":true,"occupancy""#), "{json}");
    assert!(json.contains(r#""actor":{"kind":"system"},"#), "{json}");
}

#[test]
fn a_pause_shows_its_clocks_its_team_and_its_note() {
    let mut agent = unavailable();
    agent.status = Status::Paused(Away::Pause(Box::new(lunch())));
    let json = public_json(&agent);
    let expected = concat!(
        r#""pause":{"id":"01890a5d-ac96-774b-bcce-b302099a8057","type":"almoco","#,
        r#""started_at":"2026-11-22T09:00:00.000Z","warn_at":"2026-11-22T09:55:00.000Z","#,
        r#""limit_at":"2026-11-22T10:00:00.000Z","overrun":false,"team":"suporte","note":"dentist \"today\""}}"#
    );
    assert!(json.ends_with(expected), "{json}");
}

#[test]
fn the_agent_sees_what_the_protected_pause_is_inside_of_and_what_waits() {
    let mut agent = unavailable();
    agent.status = Status::Paused(Away::ProtectedInside { outer: Box::new(lunch()), inner: restroom() });
    let supervisor = Actor::Supervisor(PrincipalId::new("bia").unwrap());
    let targets = [
        (PendingTarget::Status(ChosenStatus::Available), r#""status":"available""#),
        (PendingTarget::Limit, r#""status":"unavailable""#),
        (PendingTarget::SignOut, r#""status":"offline""#),
        (
            PendingTarget::Pause { pause_type: PauseTypeCode::new("feedback").unwrap(), overriding: true },
            r#""type":"feedback""#,
        ),
    ];
    for (target, word) in targets {
        agent.pending = Some(Pending { target, since: NINE, actor: supervisor.clone(), reason: None });
        let json = own_json(&agent);
        let pending = format!(r#""pending":{{{word},"since":"2026-11-22T09:00:00.000Z","why":"protected_pause"}}}}"#);
        assert!(json.ends_with(&pending), "{json}");
        assert!(json.contains(r#""type":"banheiro""#) && json.contains(r#""inside":{"id":"#), "{json}");
    }
}

#[test]
fn a_change_carries_the_reason_beside_the_state() {
    let mut agent = unavailable();
    agent.reason = Some("call back now".to_owned());
    let view = AgentView::own(&agent, &ana(), &directory());
    let json = serde_json::to_string(&AgentChanged::of(&view)).unwrap();
    assert!(json.starts_with(r#"{"agent":"ana""#) && json.ends_with(r#","reason":"call back now"}"#), "{json}");
}

/// Version, since, connected (or in grace), by a supervisor.
type Facts = (u64, i64, bool, bool);

/// The facts that an agent on a protected pause and one who chose `unavailable` can share.
fn facts() -> impl Strategy<Value = Facts> {
    (1..1_000_000_u64, 0..2_000_000_000_000_i64, any::<bool>(), any::<bool>())
}

fn with_facts(mut agent: Agent, (version, since, connected, supervised): Facts) -> Agent {
    agent.public_version = AgentSeq(version);
    agent.since = Timestamp(since);
    agent.connection =
        if connected { Connection::Connected } else { Connection::Grace { since: NINE, until: NINE + minutes(1) } };
    if supervised {
        agent.actor = Actor::Supervisor(PrincipalId::new("bia").unwrap());
        agent.cause = Cause::Supervisor;
    }
    agent
}

/// Compares what `shown` makes of a chosen `unavailable` and of a protected pause with the same
/// facts; and of a pause, and one with a protected pause inside.
fn tells_apart(shown: fn(&Agent) -> String, facts: Facts) -> bool {
    let chosen = with_facts(unavailable(), facts);
    let mut masked = with_facts(unavailable(), facts);
    masked.status = Status::Paused(Away::Protected(restroom()));
    masked.seq = AgentSeq(masked.seq.0 + 1);
    masked.version = masked.seq;
    let mut alone = with_facts(unavailable(), facts);
    alone.status = Status::Paused(Away::Pause(Box::new(lunch())));
    let mut around = alone.clone();
    around.status = Status::Paused(Away::ProtectedInside { outer: Box::new(lunch()), inner: restroom() });
    around.version = AgentSeq(around.version.0 + 1);
    around.pending = Some(Pending {
        target: PendingTarget::SignOut,
        since: NINE,
        actor: Actor::Supervisor(PrincipalId::new("bia").unwrap()),
        reason: None,
    });
    // Without a connection a chosen `unavailable` has become `offline`, and so has what is masked.
    let disconnected = Connection::Disconnected { last_seen_at: Some(NINE) };
    let gone = Agent { status: Status::Offline, connection: disconnected, ..chosen.clone() };
    let masked_gone = Agent { connection: disconnected, ..masked.clone() };
    shown(&chosen) != shown(&masked) || shown(&gone) != shown(&masked_gone) || shown(&alone) != shown(&around)
}

proptest! {
    #[test]
    fn a_masked_protected_pause_is_the_same_bytes_as_a_chosen_unavailable(facts in facts()) {
        prop_assert!(!tells_apart(public_json, facts));
    }
}

#[test]
fn the_comparison_notices_a_row_that_was_not_masked() {
    assert!(tells_apart(own_json, (4, NINE.0, true, false)));
}
