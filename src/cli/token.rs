//! `intervalo token`: signs a token with the key of a data folder, and says where nobody would take it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::args::Token;
use super::failure::{Failure, print};
use super::runtime::wait_for;
use super::settings::settings_for;
use crate::auth::{Grant, KEY_FILE, Role, TokenKey};
use crate::clock::SystemClock;
use crate::config::{Config, Provision, StoreAddress};
use crate::domain::id::AgentId;
use crate::domain::time::Timestamp;
use crate::ports::Clock;
use crate::store::{CompanyError, DATABASE_FILE, read_company};

/// How long the store is looked at: the token is what was asked for.
const LOOKED_FOR: Duration = Duration::from_secs(5);

/// What of the grant the store does not have, where it can be read. Nobody takes such a token; but the company may be on its way,
/// so that it is no refusal.
fn not_there(config: &Config, flags: &Token) -> Option<String> {
    // An operator is of no tenant, whatever the token names.
    if flags.role == Role::Operator {
        return None;
    }
    let store = config.store_address();
    // Where there is no database yet there is nothing to read, and nothing is made.
    if let StoreAddress::Folder(folder) = &store
        && !folder.join(DATABASE_FILE).exists()
    {
        return None;
    }
    let looking = async { Ok(tokio::time::timeout(LOOKED_FOR, read_company(&store, &flags.tenant)).await) };
    match wait_for(looking).ok()?.ok()? {
        Err(missing @ CompanyError::Missing { .. }) => Some(missing.to_string()),
        Err(CompanyError::Open(_) | CompanyError::Read(_)) => None,
        Ok(company) if company.directory.is_closed() => {
            Some(format!("the tenant {:?} is closed", flags.tenant.as_str()))
        }
        Ok(company) => {
            let agent = AgentId::new(flags.subject.as_str()).ok().filter(|_| flags.role == Role::Agent)?;
            let there = company.directory.agents.get(&agent);
            let is_taken = config.provision == Provision::Jit && there.is_none();
            let is_here = there.is_some_and(|person| person.left_at.is_none());
            let what = if there.is_some() { "has left" } else { "is not in the directory" };
            (!is_here && !is_taken)
                .then(|| format!("the agent {:?} {what} of {:?}", agent.as_str(), flags.tenant.as_str()))
        }
    }
}

pub(super) fn run(flags: &Token) -> Result<(), Failure> {
    let config = settings_for(flags.data.as_deref(), flags.config.as_deref())?;
    // Where there is a company already, its first token is what a key is made for.
    let is_of_nothing = !config.data.join(KEY_FILE).exists() && !config.data.join(DATABASE_FILE).exists();
    let key = TokenKey::read_or_make(&config.data).map_err(Failure::new)?;
    let grant = Grant {
        id: flags.subject.clone(),
        tenant: flags.tenant.clone(),
        roles: BTreeSet::from([flags.role]),
        teams: flags.teams.as_ref().map(|teams| teams.iter().cloned().collect()),
    };
    if flags.role == Role::Supervisor && grant.teams.is_none() {
        // The token alone goes to standard output.
        Failure::new("note: a supervisor without --teams is over no team").print();
    }
    if !config.own_tokens {
        Failure::new("note: `own_tokens` is false here, so that no server with these settings takes the token").print();
    }
    if is_of_nothing {
        let data = config.data.display();
        Failure::new(format_args!(
            "note: {data} had no key and no store, and has a new key now; a server of another data folder does not take the token \
             (--data, --config)"
        ))
        .print();
    }
    if let Some(note) = not_there(&config, flags) {
        Failure::new(format_args!("note: {note}")).print();
    }
    let now = SystemClock::start(Timestamp(0)).now();
    print(key.issue(&grant, now, flags.ttl).map_err(Failure::new)?)
}
