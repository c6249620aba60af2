//! Keys, accounts, invitations and sessions on the wire.

use std::collections::BTreeSet;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::error::WireError;
use super::params::{Fields, FromField, Text};
use super::rpc::Params;
use super::time::WireTime;
use super::words;
use crate::domain::access::{Account, ApiKey, Rights};
use crate::domain::id::{PrincipalId, TeamId};
use crate::domain::role::Role;

/// The shortest time that something may be handed out for.
const TTL_MIN: Duration = Duration::from_secs(60);
/// The longest life of a key: two years, so that a forgotten one ends.
pub const KEY_TTL_MAX: Duration = Duration::from_secs(730 * 24 * 3600);
/// The life of a key that asks for none: a year.
pub const KEY_TTL: Duration = Duration::from_secs(365 * 24 * 3600);
/// The longest life of an invitation: 30 days.
pub const INVITATION_TTL_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// The life of an invitation that asks for none: a week.
pub const INVITATION_TTL: Duration = Duration::from_secs(7 * 24 * 3600);
/// How many people may be invited at once.
pub const INVITATIONS_MAX: usize = 500;

/// A key that is wished for.
#[derive(Debug, Clone, PartialEq)]
pub struct WantedKey {
    /// What people call it.
    pub name: String,
    /// Who it speaks for.
    pub rights: Rights,
    /// For how long.
    pub ttl: Duration,
}

/// Reads `{name, subject?, roles, teams?, ttl_s?}`.
///
/// # Errors
/// With the name of the field that is at fault.
pub fn read_key(body: Map<String, Value>) -> Result<WantedKey, WireError> {
    const ROLES: [Role; 4] = [Role::Admin, Role::Supervisor, Role::Integration, Role::Auditor];
    let mut fields = Fields::of(Params::Named(body))?;
    let Text(name) = fields.required("name")?;
    let subject = match fields.optional::<PrincipalId>("subject")? {
        Some(subject) => subject,
        None => PrincipalId::new(&name).map_err(|why| {
            fields.invalid("subject", &format!("is missing, and the name cannot stand for it: {why}"))
        })?,
    };
    let rights = read_rights(&mut fields, subject, &ROLES, "a key")?;
    let ttl = read_ttl(&mut fields, KEY_TTL, KEY_TTL_MAX)?;
    fields.finish()?;
    Ok(WantedKey { name, rights, ttl })
}

/// An invitation that is wished for.
#[derive(Debug, Clone, PartialEq)]
pub struct WantedInvitation {
    /// The name that will be typed in.
    pub login: String,
    /// Who the account speaks for.
    pub rights: Rights,
    /// False where nobody said whom: an account that is there keeps that.
    pub names_subject: bool,
}

/// Reads `{invitations: [{login, subject?, roles, teams?}], ttl_s?}`.
///
/// # Errors
/// With the name of the field that is at fault.
pub fn read_invitations(body: Map<String, Value>) -> Result<(Vec<WantedInvitation>, Duration), WireError> {
    let mut fields = Fields::of(Params::Named(body))?;
    let list: Vec<Value> = fields.required("invitations")?;
    if list.is_empty() || list.len() > INVITATIONS_MAX {
        return Err(fields.invalid("invitations", &format!("must be from 1 to {INVITATIONS_MAX}")));
    }
    let ttl = read_ttl(&mut fields, INVITATION_TTL, INVITATION_TTL_MAX)?;
    fields.finish()?;
    let mut seen = BTreeSet::new();
    let mut wanted = Vec::with_capacity(list.len());
    for (at, value) in list.into_iter().enumerate() {
        let Value::Object(body) = value else {
            return Err(WireError::invalid_params(&format!("invitations[{at}]"), "must be an object"));
        };
        let one = read_invitation(Fields::nested(body, format!("invitations[{at}].")))?;
        if !seen.insert(Account::folded(&one.login)) {
            return Err(WireError::invalid_params(&format!("invitations[{at}].login"), "is listed twice"));
        }
        wanted.push(one);
    }
    Ok((wanted, ttl))
}

fn read_invitation(mut fields: Fields) -> Result<WantedInvitation, WireError> {
    const ROLES: [Role; 4] = [Role::Agent, Role::Admin, Role::Supervisor, Role::Auditor];
    let login: PrincipalId = fields.required("login")?;
    let subject = fields.optional("subject")?;
    let names_subject = subject.is_some();
    let subject = subject.unwrap_or_else(|| login.clone());
    let rights = read_rights(&mut fields, subject, &ROLES, "an account")?;
    fields.finish()?;
    Ok(WantedInvitation { login: login.to_string(), rights, names_subject })
}

fn read_rights(fields: &mut Fields, subject: PrincipalId, may: &[Role], whose: &str) -> Result<Rights, WireError> {
    let Roles(roles) = fields.required("roles")?;
    if let Some(role) = roles.iter().find(|role| !may.contains(role)) {
        let words: Vec<&str> = may.iter().map(|role| role.as_str()).collect();
        return Err(fields.invalid("roles", &format!("of {whose} may be {}, not {role}", words.join(", "))));
    }
    let teams = fields.optional::<Teams>("teams")?.map(|Teams(teams)| teams);
    if teams.is_some() && !roles.contains(&Role::Supervisor) {
        return Err(fields.invalid("teams", "are what a supervisor is over; nobody else has any here"));
    }
    Ok(Rights { subject, roles, teams })
}

fn read_ttl(fields: &mut Fields, default: Duration, max: Duration) -> Result<Duration, WireError> {
    let Some(seconds) = fields.optional::<u64>("ttl_s")? else { return Ok(default) };
    let ttl = Duration::from_secs(seconds);
    if (TTL_MIN..=max).contains(&ttl) {
        Ok(ttl)
    } else {
        Err(fields.invalid("ttl_s", &format!("must be from {} to {}", TTL_MIN.as_secs(), max.as_secs())))
    }
}

struct Roles(BTreeSet<Role>);

impl FromField for Roles {
    fn from_field(value: Value) -> Result<Roles, String> {
        let words = Vec::from_field(value)?;
        let role =
            |word: Value| String::from_field(word)?.parse::<Role>().map_err(|unknown| format!("has an {unknown}"));
        let roles: BTreeSet<Role> = words.into_iter().map(role).collect::<Result<_, _>>()?;
        if roles.is_empty() { Err("must name at least one".to_owned()) } else { Ok(Roles(roles)) }
    }
}

struct Teams(BTreeSet<TeamId>);

impl FromField for Teams {
    fn from_field(value: Value) -> Result<Teams, String> {
        Vec::from_field(value)?.into_iter().map(TeamId::from_field).collect::<Result<_, _>>().map(Teams)
    }
}

/// What somebody types in to log in.
pub struct LoginParams {
    /// Their company.
    pub tenant: String,
    /// Their name.
    pub login: String,
    /// The password.
    pub password: String,
    /// The password from here on.
    pub new_password: Option<String>,
}

/// Reads `{tenant, login, password, new_password?}`.
///
/// # Errors
/// With the name of the field that is at fault.
pub fn read_login(body: Map<String, Value>) -> Result<LoginParams, WireError> {
    let mut fields = Fields::of(Params::Named(body))?;
    let read = LoginParams {
        tenant: fields.required("tenant")?,
        login: fields.required("login")?,
        password: fields.required("password")?,
        new_password: fields.optional("new_password")?,
    };
    fields.finish()?;
    Ok(read)
}

/// Reads `{invitation, password}`.
///
/// # Errors
/// With the name of the field that is at fault.
pub fn read_acceptance(body: Map<String, Value>) -> Result<(String, String), WireError> {
    let mut fields = Fields::of(Params::Named(body))?;
    let read = (fields.required("invitation")?, fields.required("password")?);
    fields.finish()?;
    Ok(read)
}

/// Who a credential speaks for, as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RightsObject<'a> {
    /// Who.
    pub subject: &'a str,
    /// What they are to the tenant.
    #[schemars(extend("items" = words::one_of_roles()))]
    pub roles: Vec<&'static str>,
    /// The teams that a supervisor is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teams: Option<Vec<&'a str>>,
}

impl<'a> RightsObject<'a> {
    /// Rights as they are kept.
    pub fn of(rights: &'a Rights) -> RightsObject<'a> {
        RightsObject {
            subject: rights.subject.as_str(),
            roles: rights.roles.iter().map(|role| role.as_str()).collect(),
            teams: rights.teams.as_ref().map(|teams| teams.iter().map(TeamId::as_str).collect()),
        }
    }
}

/// A key as it is sent; its secret only in the answer to the request that made it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct KeyObject<'a> {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: &'a str,
    /// Who it speaks for.
    #[serde(flatten)]
    pub rights: RightsObject<'a>,
    /// When it was made.
    pub made_at: WireTime,
    /// When it ends by itself.
    pub expires_at: WireTime,
    /// When somebody ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<WireTime>,
    /// When it was first used on the last day (UTC) that it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_at: Option<WireTime>,
    /// The secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<&'a str>,
}

impl<'a> KeyObject<'a> {
    /// A key, with its secret while it is known.
    pub fn of(key: &'a ApiKey, secret: Option<&'a str>) -> KeyObject<'a> {
        KeyObject {
            id: key.id.to_string(),
            name: &key.name,
            rights: RightsObject::of(&key.rights),
            made_at: WireTime(key.made_at),
            expires_at: WireTime(key.expires_at),
            ended_at: key.ended_at.map(WireTime),
            used_at: key.used_at.map(WireTime),
            key: secret,
        }
    }
}

/// An account as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AccountObject<'a> {
    /// Its id.
    pub id: String,
    /// The name that is typed in.
    pub login: &'a str,
    /// Who it speaks for.
    #[serde(flatten)]
    pub rights: RightsObject<'a>,
    /// True once a password has been chosen.
    pub has_password: bool,
    /// When it was made.
    pub made_at: WireTime,
    /// When somebody ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<WireTime>,
}

impl<'a> AccountObject<'a> {
    /// An account as it is kept.
    pub fn of(account: &'a Account) -> AccountObject<'a> {
        AccountObject {
            id: account.id.to_string(),
            login: &account.login,
            rights: RightsObject::of(&account.rights),
            has_password: account.password.is_some() && account.change_by.is_none(),
            made_at: WireTime(account.made_at),
            ended_at: account.ended_at.map(WireTime),
        }
    }
}

/// An invitation, as it is sent once, to whoever made it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InvitationObject<'a> {
    /// Its id.
    pub id: String,
    /// The account's id.
    pub account: String,
    /// The name that will be typed in.
    pub login: &'a str,
    /// What lets the person choose a password, once.
    pub invitation: &'a str,
    /// The address of the page for it, from the server's own on. What stands after the `#` is never sent to a server.
    pub link: String,
    /// When it ends by itself.
    pub expires_at: WireTime,
}

/// Something that somebody is in with.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SessionObject {
    /// Its id.
    pub id: String,
    /// `login` for a browser that has logged in, `socket` for an open one.
    #[schemars(extend("enum" = ["login", "socket"]))]
    pub kind: &'static str,
    /// Who.
    pub subject: String,
    /// What it came in with: `token`, `key` or `login`.
    #[schemars(extend("enum" = words::proofs()))]
    pub credential: &'static str,
    /// Since when.
    pub since: WireTime,
    /// When it ends by itself.
    pub expires_at: WireTime,
    /// True for what this very request came with.
    pub current: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(body: Value) -> Map<String, Value> {
        let Value::Object(body) = body else { panic!("an object") };
        body
    }

    fn field<T>(read: Result<T, WireError>) -> String {
        let Err(error) = read else { return "nothing".to_owned() };
        error.data.params["field"].as_str().expect("a field").to_owned()
    }

    #[test]
    fn a_key_is_read_as_it_is_wished_for() {
        let key = read_key(object(json!({"name": "router", "roles": ["integration"]}))).expect("it reads");
        assert_eq!((key.rights.subject.as_str(), key.ttl), ("router", KEY_TTL));
        let body = json!({"name": "Painel da sala", "subject": "wall", "roles": ["supervisor"], "teams": ["a"],
                          "ttl_s": 3600});
        let key = read_key(object(body)).expect("it reads");
        assert_eq!((key.rights.subject.as_str(), key.ttl.as_secs()), ("wall", 3600));
    }

    #[test]
    fn what_is_wrong_with_a_key_is_told_by_its_field() {
        let cases = [
            (json!({"roles": ["admin"]}), "name"),
            (json!({"name": "k"}), "roles"),
            (json!({"name": "k", "roles": []}), "roles"),
            (json!({"name": "k", "roles": ["boss"]}), "roles"),
            (json!({"name": "k", "roles": ["agent"]}), "roles"),
            (json!({"name": "k", "roles": ["operator"]}), "roles"),
            (json!({"name": "k", "roles": ["integration"], "teams": ["a"]}), "teams"),
            (json!({"name": "k", "roles": ["supervisor"], "teams": [1]}), "teams"),
            (json!({"name": "k", "roles": ["admin"], "ttl_s": 59}), "ttl_s"),
            (json!({"name": "k", "roles": ["admin"], "ttl_s": 63_072_001}), "ttl_s"),
            (json!({"name": "k", "roles": ["admin"], "key": "mine"}), "key"),
            (json!({"name": "é".repeat(150), "roles": ["admin"]}), "subject"),
        ];
        for (body, expected) in cases {
            assert_eq!(field(read_key(object(body.clone()))), expected, "{body}");
        }
    }

    #[test]
    fn what_is_wrong_with_invitations_is_told_by_place_and_field() {
        let one = json!({"login": "ana", "roles": ["agent"]});
        let cases = [
            (json!({}), "invitations"),
            (json!({"invitations": []}), "invitations"),
            (json!({"invitations": vec![one.clone(); INVITATIONS_MAX + 1]}), "invitations"),
            (json!({"invitations": [one, 1]}), "invitations[1]"),
            (json!({"invitations": [one, {"login": "ANA", "roles": ["agent"]}]}), "invitations[1].login"),
            (json!({"invitations": [{"login": "router", "roles": ["integration"]}]}), "invitations[0].roles"),
            (json!({"invitations": [one], "ttl_s": 2_592_001}), "ttl_s"),
        ];
        for (body, expected) in cases {
            assert_eq!(field(read_invitations(object(body.clone()))), expected, "{body}");
        }
        let (read, ttl) = read_invitations(object(json!({"invitations": [one]}))).expect("they read");
        assert_eq!((read[0].login.as_str(), read[0].rights.subject.as_str(), ttl), ("ana", "ana", INVITATION_TTL));
    }
}
