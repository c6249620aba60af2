//! The company that inputs are read beside: ids and names that hold whatever may stand in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::America::{Manaus, Sao_Paulo};
use intervalo::domain::directory::{Channel, Directory, Person, Team, Tenant};
use intervalo::domain::id::{AgentId, ChannelCode, DirectoryVersion, TeamId, TenantId};
use intervalo::domain::time::Timestamp;

/// 2026-01-15T12:00:00Z, when inputs are read.
pub(crate) const NOW: Timestamp = Timestamp(1_768_478_400_000);
/// When they are read again.
pub(crate) const LATER: Timestamp = Timestamp(NOW.0 + 1);

const TEAMS: [(&str, &str); 6] = [
    ("suporte", "Suporte"),
    ("vendas", "Vendas, Sul"),
    ("n1", "Nível 1"),
    ("n2", "nível 1"),
    ("a|b", "Um ou outro"),
    (r"=x\,", "Fórmula"),
];

/// The directory with nobody in it.
pub(crate) fn without_people() -> Directory {
    let team = |(id, name): (&str, &str)| {
        let id = TeamId::new(id).expect("an id");
        (id.clone(), Team { id, name: name.to_owned(), zone: None })
    };
    let channel = |code: &str| {
        let code = ChannelCode::new(code).expect("a code");
        let name = code.to_string();
        (code.clone(), Channel { code, name, enabled: true, blocks_pause: false, capacity: 1 })
    };
    Directory {
        version: DirectoryVersion(1),
        tenant: Tenant::new(TenantId::new("acme").expect("an id"), "Acme".to_owned(), Sao_Paulo),
        teams: TEAMS.into_iter().map(team).collect(),
        agents: BTreeMap::new(),
        closing: None,
        channels: ["voice", "chat", "a=b|c"].into_iter().map(channel).collect(),
    }
}

/// The same with Ana, who is there, and Bia, who has left.
pub(crate) fn directory() -> Directory {
    let person = |id: &str, name: &str, left_at| {
        let id = AgentId::new(id).expect("an id");
        let teams = vec![TeamId::new("suporte").expect("an id")];
        let capacity = BTreeMap::from([(ChannelCode::new("voice").expect("a code"), 2)]);
        let person = Person { id: id.clone(), name: name.to_owned(), teams, zone: Some(Manaus), capacity, left_at };
        (id, Arc::new(person))
    };
    let agents = [person("ana", "Ana", None), person("bia", "Bia", Some(Timestamp(NOW.0 - 1)))].into();
    Directory { agents, ..without_people() }
}
