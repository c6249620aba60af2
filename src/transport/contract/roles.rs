//! The table of roles as it is published: which action each role has, how far, and what the action lets in.

use std::fmt::Write;

use super::operation::Needs;
use super::operations::operations;
use crate::auth::{Action, Reach, Role, reach};
use crate::protocol::methods::Method;
use crate::transport::rpc::action_of;

/// The name of an action.
pub(super) fn name_of(action: Action) -> &'static str {
    match action {
        Action::HoldSession => "hold a session",
        Action::ActAsAgent => "act as the agent that one is",
        Action::ActOnAgent => "act on others",
        Action::ReadAgent => "read others' states",
        Action::WatchBoard => "see boards",
        Action::ReadHistory => "read the history",
        Action::ReportOccupancy => "report occupancy",
        Action::ListRequests => "list requests",
        Action::DecideRequest => "decide on requests",
        Action::AnnotatePause => "annotate pauses",
        Action::PlanShifts => "plan shifts",
        Action::ManagePolicy => "manage the policy",
        Action::ManageDirectory => "manage the directory",
        Action::ManageAccess => "manage access",
        Action::ReadAudit => "read the audit",
        Action::FollowEvents => "follow events",
        Action::ManageTenant => "manage the tenant",
        Action::ListTenants => "list tenants",
        Action::MakeTenant => "make tenants",
        Action::CloseTenant => "close tenants",
    }
}

/// How far a role reaches, in short.
pub(super) fn word_of(reach: Reach) -> &'static str {
    match reach {
        Reach::Nothing => "",
        Reach::Itself => "itself",
        Reach::ItsTeams => "its teams",
        Reach::Tenant => "tenant",
        Reach::TenantOnBehalf => "tenant, with `on_behalf`",
    }
}

/// The roles that may do this to anybody at all.
pub(super) fn roles_with(action: Action) -> Vec<&'static str> {
    let may = |role: &Role| reach(*role, action) != Reach::Nothing;
    Role::ALL.into_iter().filter(may).map(Role::as_str).collect()
}

/// The methods of an action.
pub(super) fn methods_of(action: Action) -> Vec<&'static str> {
    Method::ALL.iter().filter(|method| action_of(**method) == action).map(|method| method.name()).collect()
}

/// What an action lets in: methods, and operations of HTTP.
pub(super) fn admitted_by(action: Action) -> (Vec<&'static str>, Vec<String>) {
    let is_its = |needs: Needs| match needs {
        Needs::Action(own) => own == action,
        Needs::Either(one, other) => one == action || other == action,
        // Whoever has a credential may hold a session.
        Needs::Credential => action == Action::HoldSession,
        Needs::Nothing => false,
    };
    let paths = operations().into_iter().filter(|operation| is_its(operation.needs));
    (methods_of(action), paths.map(|operation| format!("{} {}", operation.method, operation.path)).collect())
}

/// The table as `docs/roles.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Roles\n\nWho may do what. Written by `just contract` from the table that the server asks; a test compares them.\n\n",
    );
    let heads: Vec<String> = Role::ALL.into_iter().map(|role| format!("`{role}`")).collect();
    let _ = writeln!(text, "| | {} |\n|---|{}", heads.join(" | "), "---|".repeat(heads.len()));
    for action in Action::ALL {
        let cells: Vec<&str> = Role::ALL.into_iter().map(|role| word_of(reach(role, action))).collect();
        let _ = writeln!(text, "| {} | {} |", name_of(action), cells.join(" | "));
    }
    text.push_str("\nWhat each of these lets in:\n\n| | methods | HTTP |\n|---|---|---|\n");
    for action in Action::ALL {
        let (methods, paths) = admitted_by(action);
        let listed = |names: Vec<String>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let methods = listed(methods.into_iter().map(str::to_owned).collect());
        let _ = writeln!(text, "| {} | {methods} | {} |", name_of(action), listed(paths));
    }
    let open = operations().into_iter().filter(|operation| operation.needs == Needs::Nothing);
    let open: Vec<String> = open.map(|operation| format!("`{} {}`", operation.method, operation.path)).collect();
    let _ = writeln!(text, "\nWithout a credential: {}.", open.join(", "));
    text.push_str(
        "\nWhoever has a credential sees and ends sessions of their own with `/v1/sessions`; an administrator those of everybody.\n",
    );
    text
}
