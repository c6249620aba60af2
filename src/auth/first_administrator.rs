//! The account that a company begins with: an administrator's, who invites everybody else.

use std::collections::BTreeSet;

use super::principal::Role;
use super::secret::fresh_credential_id;
use crate::domain::access::{Account, Rights};
use crate::domain::id::PrincipalId;
use crate::domain::time::Timestamp;

/// Who the first administrator is, to log in as and to be called.
pub const FIRST_ADMINISTRATOR: &str = "admin";

/// The account of somebody who has no password yet.
///
/// # Panics
/// Never: the name is an id.
pub fn first_administrator(now: Timestamp) -> Account {
    let subject = PrincipalId::new(FIRST_ADMINISTRATOR).expect("the name is an id");
    Account {
        id: fresh_credential_id(now),
        login: FIRST_ADMINISTRATOR.to_owned(),
        rights: Rights { subject, roles: BTreeSet::from([Role::Admin]), teams: None },
        password: None,
        change_by: None,
        made_at: now,
        ended_at: None,
    }
}
