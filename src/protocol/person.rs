//! A person of the directory on the wire.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::error::WireError;
use super::params::{Fields, FromField, Text};
use super::rpc::Params;
use super::time::WireTime;
use crate::domain::directory::{CAPACITY_MAX, Person};
use crate::domain::directory_change::PersonProblem;
use crate::domain::id::{AgentId, ChannelCode, TeamId};

/// A person as it is sent; absent optional fields are left out.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PersonObject<'a> {
    /// Their id.
    pub id: &'a str,
    /// What people call them.
    pub name: &'a str,
    /// Their teams, the primary one first.
    pub teams: Vec<&'a str>,
    /// Their own IANA zone, where it differs from the team's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<&'static str>,
    /// How many conversations at once by channel, where it differs from the channel's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "Option<BTreeMap<&'a str, u32>>")]
    pub capacity: BTreeMap<&'a str, u32>,
    /// Since when they are gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_at: Option<WireTime>,
}

impl<'a> PersonObject<'a> {
    /// A person as the directory has them.
    pub fn of(person: &'a Person) -> PersonObject<'a> {
        PersonObject {
            id: person.id.as_str(),
            name: &person.name,
            teams: person.teams.iter().map(TeamId::as_str).collect(),
            zone: person.zone.map(Tz::name),
            capacity: person.capacity.iter().map(|(channel, count)| (channel.as_str(), *count)).collect(),
            left_at: person.left_at.map(WireTime),
        }
    }
}

/// Reads `{name, teams?, zone?, capacity?}`: the whole of a person. What is left out is as with somebody new.
///
/// # Errors
/// With the name of the field that is at fault.
pub fn read_person(id: AgentId, body: Map<String, Value>) -> Result<Person, WireError> {
    let mut fields = Fields::of(Params::Named(body))?;
    let Text(name) = fields.required("name")?;
    let List(teams) = fields.optional("teams")?.unwrap_or_default();
    let zone = fields.optional::<Zone>("zone")?.map(|Zone(zone)| zone);
    let Capacity(capacity) = fields.optional("capacity")?.unwrap_or_default();
    fields.finish()?;
    Ok(Person { id, name, teams, zone, capacity, left_at: None })
}

/// What stands against a person, by the field that is at fault.
pub fn cannot_be(problem: &PersonProblem) -> WireError {
    WireError::invalid_params(problem.field(), &problem.to_string())
}

#[derive(Default)]
struct List(Vec<TeamId>);

impl FromField for List {
    fn from_field(value: Value) -> Result<List, String> {
        Vec::from_field(value)?.into_iter().map(TeamId::from_field).collect::<Result<_, _>>().map(List)
    }
}

/// An IANA time zone.
pub(super) struct Zone(pub(super) Tz);

impl FromField for Zone {
    fn from_field(value: Value) -> Result<Zone, String> {
        String::from_field(value)?.parse().map(Zone).map_err(|_| {
            let tzdata = chrono_tz::IANA_TZDB_VERSION;
            format!("is no IANA time zone such as America/Sao_Paulo (tzdata {tzdata})")
        })
    }
}

#[derive(Default)]
struct Capacity(BTreeMap<ChannelCode, u32>);

impl FromField for Capacity {
    fn from_field(value: Value) -> Result<Capacity, String> {
        let Value::Object(counts) = value else { return Err("must be an object, a number by channel".to_owned()) };
        let one = |(code, count): (String, Value)| {
            let channel = ChannelCode::new(&code).map_err(|why| format!("{code:?} is no channel's code: {why}"))?;
            let count = u64::from_field(count).ok().and_then(|count| u32::try_from(count).ok());
            let count = count.filter(|count| *count <= CAPACITY_MAX);
            count.map(|count| (channel, count)).ok_or_else(|| format!("of {code:?} must be from 0 to {CAPACITY_MAX}"))
        };
        counts.into_iter().map(one).collect::<Result<_, _>>().map(Capacity)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Result<Person, (String, String)> {
        let Value::Object(body) = body else { panic!("an object") };
        read_person(AgentId::new("ana").expect("an id"), body)
            .map_err(|error| (error.data.params["field"].as_str().expect("a field").to_owned(), error.message))
    }

    #[test]
    fn a_person_is_read_as_it_is_written() {
        let body = json!({
            "name": "Ana", "teams": ["b", "a"], "zone": "America/Manaus", "capacity": {"chat": 4, "voice": 0},
        });
        let person = read(body.clone()).expect("it reads");
        let mut shown = serde_json::to_value(PersonObject::of(&person)).expect("it is JSON");
        assert_eq!(shown.as_object_mut().and_then(|shown| shown.remove("id")), Some(json!("ana")));
        assert_eq!(shown, body);
        let alone = read(json!({"name": "Ana"})).expect("it reads");
        let shown = serde_json::to_value(PersonObject::of(&alone)).expect("it is JSON");
        assert_eq!(shown, json!({"id": "ana", "name": "Ana", "teams": []}));
    }

    #[test]
    fn what_is_wrong_with_a_person_is_told_by_its_field() {
        let cases = [
            (json!({}), "name"),
            (json!({"name": " "}), "name"),
            (json!({"name": "A\u{1b}"}), "name"),
            (json!({"name": "Ana", "teams": "a"}), "teams"),
            (json!({"name": "Ana", "teams": [""]}), "teams"),
            (json!({"name": "Ana", "zone": "America/Sao_Paolo"}), "zone"),
            (json!({"name": "Ana", "zone": null}), "zone"),
            (json!({"name": "Ana", "capacity": [1]}), "capacity"),
            (json!({"name": "Ana", "capacity": {"chat": -1}}), "capacity"),
            (json!({"name": "Ana", "capacity": {"chat": 1001}}), "capacity"),
            (json!({"name": "Ana", "capacity": {"": 1}}), "capacity"),
            (json!({"name": "Ana", "left_at": "2026-01-01T00:00:00Z"}), "left_at"),
            (json!({"name": "Ana", "id": "rui"}), "id"),
        ];
        for (body, field) in cases {
            let (found, message) = read(body.clone()).expect_err("refused");
            assert_eq!(found, field, "{body}: {message}");
        }
    }
}
