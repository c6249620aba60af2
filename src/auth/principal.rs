//! Who a credential speaks for.

use std::collections::BTreeSet;

use super::roles::Action;
use crate::domain::id::{CredentialId, PrincipalId, TeamId, TenantId};
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
    /// The teams that a supervisor is over, and those that a newcomer is to be in; absent means none.
    pub teams: Option<BTreeSet<TeamId>>,
    /// When the credential ends.
    pub expires_at: Timestamp,
    /// What it came in with.
    pub proof: Proof,
    /// There where its issuer may put agents into the directory whom that does not have.
    pub newcomer: Option<Newcomer>,
}

/// What a principal came in with; it can be ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A token of an issuer.
    Token {
        /// When it was issued, by the wall clock, where it says so.
        issued_at: Option<Timestamp>,
    },
    /// A key of the tenant.
    Key(CredentialId),
    /// A browser that has logged in.
    Login(CredentialId),
}

impl Proof {
    /// The stable word of its kind.
    pub fn kind(self) -> &'static str {
        match self {
            Proof::Token { .. } => "token",
            Proof::Key(_) => "key",
            Proof::Login(_) => "login",
        }
    }
}

/// What an issuer that provisions says of an agent besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newcomer {
    /// What people call them, where it says so; as the issuer wrote it.
    pub name: Option<String>,
    /// The issuer.
    pub issuer: PrincipalId,
}

/// That somebody may see which tenants there are: the only list that spans them. A principal that may is the only one
/// who makes it:
///
/// ```
/// # use intervalo::auth::{AllTenants, Principal};
/// fn seen_by(principal: &Principal) -> Option<AllTenants> {
///     principal.all_tenants()
/// }
/// ```
/// ```compile_fail,E0423
/// # use intervalo::auth::{AllTenants, Principal};
/// fn seen_by(principal: &Principal) -> Option<AllTenants> {
///     Some(AllTenants(()))
/// }
/// ```
#[derive(Debug)]
pub struct AllTenants(());

impl Principal {
    /// What shows that it may see which tenants there are; none where it may not.
    pub fn all_tenants(&self) -> Option<AllTenants> {
        self.may(Action::ListTenants).then_some(AllTenants(()))
    }

    /// What it is first of all: the first of its roles in the order of [`Role`].
    pub fn kind(&self) -> Role {
        self.roles.first().copied().unwrap_or(Role::Operator)
    }

    /// True when it has the role.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}
