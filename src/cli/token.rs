//! `intervalo token`: signs a token with the key of a data folder; reads nothing else of it.

use std::collections::BTreeSet;

use super::args::Token;
use super::failure::{Failure, print};
use super::settings::settings_for;
use crate::auth::{Grant, Role, TokenKey};
use crate::clock::SystemClock;
use crate::domain::time::Timestamp;
use crate::ports::Clock;

pub(super) fn run(flags: &Token) -> Result<(), Failure> {
    let config = settings_for(flags.data.as_deref())?;
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
    let now = SystemClock::start(Timestamp(0)).now();
    print(key.issue(&grant, now, flags.ttl).map_err(Failure::new)?)
}
