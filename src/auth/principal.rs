//! Who a credential speaks for.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::domain::id::{PrincipalId, TeamId, TenantId};
use crate::domain::time::Timestamp;

/// What a principal is to the tenant. In the order in which a principal with several of them is
/// taken to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// An attendant: everything about itself.
    Agent,
    /// All of the tenant.
    Admin,
    /// The agents of its teams.
    Supervisor,
    /// A host application.
    Integration,
    /// Reads what was; sees no board and acts on nobody.
    Auditor,
    /// Runs the installation; sees no tenant's data.
    Operator,
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown role {0:?}; the roles are agent, supervisor, admin, auditor, integration and operator")]
pub struct UnknownRole(pub String);

impl Role {
    /// Every role.
    pub const ALL: [Role; 6] =
        [Role::Agent, Role::Admin, Role::Supervisor, Role::Integration, Role::Auditor, Role::Operator];

    /// The stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Agent => "agent",
            Role::Admin => "admin",
            Role::Supervisor => "supervisor",
            Role::Integration => "integration",
            Role::Auditor => "auditor",
            Role::Operator => "operator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(word: &str) -> Result<Role, UnknownRole> {
        Role::ALL.into_iter().find(|role| role.as_str() == word).ok_or_else(|| UnknownRole(word.to_owned()))
    }
}

/// Who speaks, as the credential says it. The tenant comes from here and from nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The host application's id for them; for an agent, the agent's id.
    pub id: PrincipalId,
    /// The tenant that they belong to.
    pub tenant: TenantId,
    /// At least one.
    pub roles: BTreeSet<Role>,
    /// The teams that a supervisor is over, and those that a newcomer is to be in; absent means none.
    pub teams: Option<BTreeSet<TeamId>>,
    /// When the credential ends.
    pub expires_at: Timestamp,
    /// There where its issuer may put agents into the directory whom that does not have.
    pub newcomer: Option<Newcomer>,
}

/// What an issuer that provisions says of an agent besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newcomer {
    /// What people call them, where it says so; as the issuer wrote it.
    pub name: Option<String>,
    /// The issuer.
    pub issuer: PrincipalId,
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
