//! Who a credential speaks for.

use std::collections::BTreeSet;

use crate::domain::id::{PrincipalId, TeamId, TenantId};
pub use crate::domain::role::{Role, UnknownRole};
use crate::domain::time::Timestamp;

/// Who speaks, as the credential says it. The tenant comes from here and from nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The host application's id for them; for an agent, the agent's id.
    pub id: PrincipalId,
    /// The tenant that they belong to.
    pub tenant: TenantId,
    /// At least one.
    pub roles: BTreeSet<Role>,
    /// The teams that a supervisor is over; absent means none.
    pub teams: Option<BTreeSet<TeamId>>,
    /// When the credential ends.
    pub expires_at: Timestamp,
}

impl Principal {
    /// What it is first of all: the first of its roles in the order of [`Role`].
    pub fn kind(&self) -> Role {
        self.roles.first().copied().unwrap_or(Role::Operator)
    }

    /// True when it has the role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}
