//! What each role may do: one table, deny by default.
//!
//! An agent or team that does not exist is refused in the same way as one that is out of reach, so
//! that nothing can be learnt by asking.

use std::collections::BTreeSet;

use super::principal::{Principal, Role};
use crate::domain::id::TeamId;

/// What can be asked of the server, in groups that are allowed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Open, refresh and close a session of one's own; read the description of the protocol.
    HoldSession,
    /// Read and command the agent that the principal is.
    ActAsAgent,
    /// Command another person's state.
    ActOnAgent,
    /// Read another person's state.
    ReadAgent,
    /// See a live board.
    WatchBoard,
    /// Read the pause history.
    ReadHistory,
    /// Read the journal as a list.
    ReadAudit,
    /// Follow the journal as a stream.
    FollowEvents,
    /// Say what work of an agent is open.
    ReportOccupancy,
    /// See one's own requests, or those that one may decide on.
    ListRequests,
    /// Decide on a request of another person; say that an alert has been seen.
    DecideRequest,
    /// Add to the record of one's own pauses, or of another person's.
    AnnotatePause,
    /// Declare people's shifts.
    PlanShifts,
    /// Read, draft and publish the rules of pauses.
    ManagePolicy,
    /// Read and change who the people are, and in which teams.
    ManageDirectory,
    /// Hand out and end keys, accounts and invitations; end what others came in with.
    ManageAccess,
    /// Read and change the settings of the tenant.
    ManageTenant,
    /// See which tenants there are, and nothing else of them.
    ListTenants,
    /// Make a tenant that there is not, and open one again that was closed.
    MakeTenant,
    /// Close a tenant.
    CloseTenant,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 20] = [
        Action::HoldSession,
        Action::ActAsAgent,
        Action::ActOnAgent,
        Action::ReadAgent,
        Action::WatchBoard,
        Action::ReadHistory,
        Action::ReportOccupancy,
        Action::ListRequests,
        Action::DecideRequest,
        Action::AnnotatePause,
        Action::PlanShifts,
        Action::ManagePolicy,
        Action::ManageDirectory,
        Action::ManageAccess,
        Action::ReadAudit,
        Action::FollowEvents,
        Action::ManageTenant,
        Action::ListTenants,
        Action::MakeTenant,
        Action::CloseTenant,
    ];
}

/// How far a role reaches with an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Not at all.
    Nothing,
    /// The principal itself.
    Itself,
    /// The agents of the teams that the credential names.
    ItsTeams,
    /// All of the tenant.
    Tenant,
    /// All of the tenant, when the request says that it acts on the agent's behalf.
    TenantOnBehalf,
}

/// The table.
pub fn reach(role: Role, action: Action) -> Reach {
    match (role, action) {
        (_, Action::HoldSession) | (Role::Agent, Action::ActAsAgent | Action::ListRequests | Action::AnnotatePause) => {
            Reach::Itself
        }
        (
            Role::Supervisor,
            Action::ActOnAgent
            | Action::ReadAgent
            | Action::WatchBoard
            | Action::ReadHistory
            | Action::ListRequests
            | Action::DecideRequest
            | Action::AnnotatePause,
        ) => Reach::ItsTeams,
        (
            Role::Admin,
            Action::ActOnAgent
            | Action::ReadAgent
            | Action::WatchBoard
            | Action::ReadHistory
            | Action::ReportOccupancy
            | Action::ListRequests
            | Action::DecideRequest
            | Action::AnnotatePause
            | Action::PlanShifts
            | Action::ManagePolicy
            | Action::ManageDirectory
            | Action::ManageAccess
            | Action::ReadAudit
            | Action::FollowEvents
            | Action::ManageTenant,
        )
        | (Role::Auditor, Action::ReadHistory | Action::ReadAudit)
        | (
            Role::Integration,
            Action::ReadAgent
            | Action::ReportOccupancy
            | Action::PlanShifts
            | Action::ManageDirectory
            | Action::FollowEvents,
        )
        | (Role::Operator, Action::ListTenants | Action::MakeTenant | Action::CloseTenant) => Reach::Tenant,
        (Role::Integration, Action::ActOnAgent) => Reach::TenantOnBehalf,
        (
            Role::Agent | Role::Supervisor | Role::Admin | Role::Auditor | Role::Integration | Role::Operator,
            Action::ActAsAgent
            | Action::ActOnAgent
            | Action::ReadAgent
            | Action::WatchBoard
            | Action::ReadHistory
            | Action::ReportOccupancy
            | Action::ListRequests
            | Action::DecideRequest
            | Action::AnnotatePause
            | Action::PlanShifts
            | Action::ManagePolicy
            | Action::ManageDirectory
            | Action::ManageAccess
            | Action::ReadAudit
            | Action::FollowEvents
            | Action::ManageTenant
            | Action::ListTenants
            | Action::MakeTenant
            | Action::CloseTenant,
        ) => Reach::Nothing,
    }
}

/// The principal may not do this, or there is nothing there to do it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// None of the principal's roles reaches that far.
    #[error("this credential does not reach that far")]
    OutOfReach,
    /// An integration must say that it acts on the agent's behalf.
    #[error("an integration acts on an agent with on_behalf: true only")]
    NotOnBehalf,
}

/// Whom an action is about.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The teams that the directory has the agent in; `None` when it has no such agent.
    pub teams: Option<&'a [TeamId]>,
    /// The request says that it acts on the agent's behalf.
    pub on_behalf: bool,
}

/// Which part of a tenant an action may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    Tenant,
    /// These teams; none when empty.
    Teams(BTreeSet<TeamId>),
}

impl Principal {
    /// True when one of the roles may do this to anybody at all.
    pub fn may(&self, action: Action) -> bool {
        self.roles.iter().any(|&role| reach(role, action) != Reach::Nothing)
    }

    /// The role in which the principal may do this to that agent.
    ///
    /// # Errors
    /// [`Forbidden`] when it may not.
    pub fn role_for(&self, action: Action, target: Target<'_>) -> Result<Role, Forbidden> {
        let Some(teams) = target.teams else { return Err(Forbidden::OutOfReach) };
        let allows = |role: Role| match reach(role, action) {
            Reach::Nothing | Reach::Itself => false,
            Reach::ItsTeams => self.teams.as_ref().is_some_and(|own| teams.iter().any(|team| own.contains(team))),
            Reach::Tenant => true,
            Reach::TenantOnBehalf => target.on_behalf,
        };
        // Whoever says that it acts on behalf wants to be shown as the integration that it is.
        if target.on_behalf && self.is(Role::Integration) && allows(Role::Integration) {
            return Ok(Role::Integration);
        }
        let lacks_on_behalf = self.roles.iter().any(|&role| reach(role, action) == Reach::TenantOnBehalf);
        self.roles.iter().copied().find(|&role| allows(role)).ok_or(if lacks_on_behalf {
            Forbidden::NotOnBehalf
        } else {
            Forbidden::OutOfReach
        })
    }

    /// What the principal may see of the tenant with this action.
    ///
    /// # Errors
    /// [`Forbidden`] when no role has it.
    pub fn scope(&self, action: Action) -> Result<Scope, Forbidden> {
        let mut widest = None;
        for &role in &self.roles {
            match reach(role, action) {
                Reach::Nothing | Reach::Itself | Reach::TenantOnBehalf => {}
                Reach::ItsTeams => {
                    widest.get_or_insert_with(|| Scope::Teams(self.teams.clone().unwrap_or_default()));
                }
                Reach::Tenant => return Ok(Scope::Tenant),
            }
        }
        widest.ok_or(Forbidden::OutOfReach)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Proof;
    use crate::domain::id::{PrincipalId, TenantId};
    use crate::domain::time::Timestamp;

    fn team(id: &str) -> TeamId {
        TeamId::new(id).expect("an id")
    }

    fn principal(roles: &[Role], teams: Option<&[&str]>) -> Principal {
        Principal {
            id: PrincipalId::new("p").expect("an id"),
            tenant: TenantId::new("acme").expect("an id"),
            roles: roles.iter().copied().collect(),
            teams: teams.map(|teams| teams.iter().map(|id| team(id)).collect()),
            expires_at: Timestamp(0),
            proof: Proof::Token { issued_at: None },
            newcomer: None,
        }
    }

    /// The whole table as a person would write it; `reach` must agree with it cell by cell.
    #[test]
    fn promise_a2_every_role_and_action_is_as_the_table_says() {
        use Reach::{ItsTeams, Itself, Nothing, Tenant, TenantOnBehalf};
        // In the order of `Action::ALL`: session, as agent, on agent, read, board, history, occupancy, lists, decides, annotate,
        // shifts, policy, directory, access, audit, events, tenant, tenants, new ones.
        let table = [
            (
                Role::Agent,
                [
                    Itself, Itself, Nothing, Nothing, Nothing, Nothing, Nothing, Itself, Nothing, Itself, Nothing,
                    Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing,
                ],
            ),
            (
                Role::Supervisor,
                [
                    Itself, Nothing, ItsTeams, ItsTeams, ItsTeams, ItsTeams, Nothing, ItsTeams, ItsTeams, ItsTeams,
                    Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing,
                ],
            ),
            (
                Role::Admin,
                [
                    Itself, Nothing, Tenant, Tenant, Tenant, Tenant, Tenant, Tenant, Tenant, Tenant, Tenant, Tenant,
                    Tenant, Tenant, Tenant, Tenant, Tenant, Nothing, Nothing,
                ],
            ),
            (
                Role::Auditor,
                [
                    Itself, Nothing, Nothing, Nothing, Nothing, Tenant, Nothing, Nothing, Nothing, Nothing, Nothing,
                    Nothing, Nothing, Nothing, Tenant, Nothing, Nothing, Nothing, Nothing,
                ],
            ),
            (
                Role::Integration,
                [
                    Itself,
                    Nothing,
                    TenantOnBehalf,
                    Tenant,
                    Nothing,
                    Nothing,
                    Tenant,
                    Nothing,
                    Nothing,
                    Nothing,
                    Tenant,
                    Nothing,
                    Tenant,
                    Nothing,
                    Nothing,
                    Tenant,
                    Nothing,
                    Nothing,
                    Nothing,
                ],
            ),
            (
                Role::Operator,
                [
                    Itself, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Nothing,
                    Nothing, Nothing, Nothing, Nothing, Nothing, Nothing, Tenant, Tenant,
                ],
            ),
        ];
        assert_eq!(table.len(), Role::ALL.len());
        for (role, row) in table {
            for (action, expected) in Action::ALL.into_iter().zip(row) {
                assert_eq!(reach(role, action), expected, "{role} {action:?}");
                assert_eq!(principal(&[role], None).may(action), expected != Nothing, "{role} {action:?}");
            }
        }
    }

    #[test]
    fn a_supervisor_reaches_the_agents_of_its_teams_only() {
        let own = [team("suporte"), team("vendas")];
        let foreign = [team("cobranca")];
        let on = |teams| Target { teams, on_behalf: false };
        let supervisor = principal(&[Role::Supervisor], Some(&["vendas"]));
        assert_eq!(supervisor.role_for(Action::ActOnAgent, on(Some(&own))), Ok(Role::Supervisor));
        assert_eq!(supervisor.role_for(Action::ActOnAgent, on(Some(&foreign))), Err(Forbidden::OutOfReach));
        assert_eq!(supervisor.role_for(Action::ActOnAgent, on(Some(&[]))), Err(Forbidden::OutOfReach));
        assert_eq!(supervisor.role_for(Action::ActOnAgent, on(None)), Err(Forbidden::OutOfReach));
        for teamless in [principal(&[Role::Supervisor], None), principal(&[Role::Supervisor], Some(&[]))] {
            assert_eq!(teamless.role_for(Action::ActOnAgent, on(Some(&own))), Err(Forbidden::OutOfReach));
            assert_eq!(teamless.scope(Action::WatchBoard), Ok(Scope::Teams(BTreeSet::new())));
        }
    }

    #[test]
    fn an_unknown_agent_is_out_of_everybodys_reach() {
        for role in Role::ALL {
            for action in Action::ALL {
                let unknown = Target { teams: None, on_behalf: true };
                assert!(principal(&[role], Some(&["suporte"])).role_for(action, unknown).is_err());
            }
        }
    }

    #[test]
    fn an_integration_acts_on_behalf_or_not_at_all() {
        let integration = principal(&[Role::Integration], None);
        let teams = [team("suporte")];
        let target = |on_behalf| Target { teams: Some(&teams), on_behalf };
        assert_eq!(integration.role_for(Action::ActOnAgent, target(false)), Err(Forbidden::NotOnBehalf));
        assert_eq!(integration.role_for(Action::ActOnAgent, target(true)), Ok(Role::Integration));
        assert_eq!(integration.role_for(Action::ReadAgent, target(false)), Ok(Role::Integration));
        let both = principal(&[Role::Integration, Role::Admin], None);
        assert_eq!(both.role_for(Action::ActOnAgent, target(false)), Ok(Role::Admin));
        assert_eq!(both.role_for(Action::ActOnAgent, target(true)), Ok(Role::Integration));
    }

    #[test]
    fn the_widest_of_several_roles_counts() {
        let both = principal(&[Role::Supervisor, Role::Auditor], Some(&["suporte"]));
        assert_eq!(both.scope(Action::ReadHistory), Ok(Scope::Tenant));
        assert_eq!(both.scope(Action::WatchBoard), Ok(Scope::Teams(BTreeSet::from([team("suporte")]))));
        assert_eq!(principal(&[Role::Auditor], None).scope(Action::WatchBoard), Err(Forbidden::OutOfReach));
    }
}
