//! The roles: what somebody is to a tenant.

use std::fmt;
use std::str::FromStr;

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
