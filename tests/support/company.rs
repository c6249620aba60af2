//! A company of four, with six types of pause, as an import would found it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveTime;
use intervalo::domain::command::{Actor, Command};
use intervalo::domain::directory::{Channel, Directory, Person, Team, Tenant};
use intervalo::domain::event::{Cause, TenantEvent, TenantEventBody};
use intervalo::domain::id::{
    AgentId, ChannelCode, DirectoryVersion, PauseTypeCode, PolicyVersion, TeamId, TenantId, TenantSeq,
};
use intervalo::domain::policy::{Cap, PauseKind, PauseRules, PauseType, Policy, WhenFull};
use intervalo::domain::schedule::{WeekDays, Window};
use intervalo::domain::time::minutes;
use intervalo::ports::{Batch, Entry, EntryBody, Journal, ShardId, ShardSeq, TenantDefinition};
use intervalo::store::MemoryJournal;

use super::clock::BEGIN;

pub(crate) fn pause(code: &str) -> Command {
    Command::StartPause {
        pause_type: PauseTypeCode::new(code).expect("a code"),
        note: None,
        replaces: None,
        overriding: false,
    }
}

pub(crate) fn end() -> Command {
    Command::EndPause { then: None, overriding: false }
}

pub(crate) fn later(agent: &str) -> AgentId {
    AgentId::new(agent).expect("an id")
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("acme").expect("an id")
}

pub(crate) fn directory() -> Directory {
    let team = TeamId::new("suporte").expect("an id");
    let person = |name: &str| {
        let person = Person {
            id: later(name),
            name: name.to_owned(),
            teams: vec![team.clone()],
            zone: None,
            capacity: BTreeMap::new(),
            left_at: None,
        };
        (person.id.clone(), Arc::new(person))
    };
    let (code, name) = (ChannelCode::new("voice").expect("a code"), "Voice".to_owned());
    let voice = Channel { code, name, enabled: true, blocks_pause: true, capacity: 2 };
    Directory {
        version: DirectoryVersion(1),
        tenant: Tenant::new(tenant(), "Acme".to_owned(), chrono_tz::America::Sao_Paulo),
        teams: BTreeMap::from([(team.clone(), Team { id: team.clone(), name: "Suporte".to_owned(), zone: None })]),
        agents: ["ana", "bia", "caio", "duda"].map(person).into_iter().collect(),
        closing: None,
        channels: BTreeMap::from([(voice.code.clone(), voice)]),
    }
}

pub(crate) fn policy() -> Policy {
    let of = |code: &str, kind: PauseKind| {
        let code = PauseTypeCode::new(code).expect("a code");
        let pause_type = PauseType {
            code: code.clone(),
            name: BTreeMap::from([("en".to_owned(), code.to_string())]),
            description: BTreeMap::new(),
            icon: None,
            color: None,
            position: 0,
            enabled: true,
            archived_at: None,
            teams: None,
            kind,
        };
        (code, Arc::new(pause_type))
    };
    let coffee = PauseRules { limit: Some(minutes(10)), ..PauseRules::default() };
    let lunch = PauseRules { warn_before: BTreeSet::new(), ..PauseRules::default() };
    let evening = Window::new(WeekDays::ALL, evening_at(18), evening_at(21)).expect("a window");
    let supper = PauseRules { windows: vec![evening], ..PauseRules::default() };
    let cap = BTreeMap::from([(TeamId::new("suporte").expect("an id"), Cap::AtMost(1))]);
    let one_in_line = PauseRules { cap: cap.clone(), warn_before: BTreeSet::new(), ..PauseRules::default() };
    let one_at_once = PauseRules { when_full: WhenFull::Refuse, ..one_in_line.clone() };
    let types = [
        of("cafe", PauseKind::Regular(coffee)),
        of("almoco", PauseKind::Regular(lunch)),
        of("jantar", PauseKind::Regular(supper)),
        of("rodizio", PauseKind::Regular(one_at_once)),
        of("fila", PauseKind::Regular(one_in_line)),
        of("banheiro", PauseKind::Protected),
    ];
    Policy { version: PolicyVersion(1), types: BTreeMap::from(types) }
}

fn evening_at(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).expect("a time")
}

/// Puts the first directory and policy in force, as an import does.
pub(crate) async fn found(journal: &MemoryJournal) {
    let shard = ShardId::of_new_tenant(&tenant());
    let entry = |seq, body, definition| {
        let event = TenantEvent { at: BEGIN, actor: Actor::System, cause: Cause::Admin, op: None, body };
        let body = EntryBody::Tenant { event: Arc::new(event), definition: Some(definition) };
        Entry { tenant: tenant(), seq: TenantSeq(seq), body }
    };
    let made = TenantEventBody::DirectoryChanged { version: DirectoryVersion(1), added: 6, changed: 0, removed: 0 };
    let published = TenantEventBody::PolicyPublished { version: PolicyVersion(1), reason: None };
    let entries = vec![
        entry(1, made, TenantDefinition::Directory(Arc::new(directory()))),
        entry(2, published, TenantDefinition::Policy(Arc::new(policy()))),
    ];
    let epoch = journal.snapshot(shard).await.expect("a snapshot").head.epoch;
    let batch = Batch { shard, epoch, after: ShardSeq(0), entries, states: Vec::new() };
    journal.append(batch).await.expect("founded");
}
