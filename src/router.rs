//! Sends a command to its agent's owner, and brings the answer back.
//!
//! With one node every owner is here; what an owner elsewhere needs is asked of `Placement` in the
//! core, so that callers never know.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::watch;

use crate::actor::core::Core;
use crate::actor::handle::Message;
use crate::actor::{CommandError, Founding, Reply, SessionLink, ShutDoors, TenantFacts};
use crate::auth::AllTenants;
use crate::domain::command::{Actor, Request};
use crate::domain::event::TenantEvent;
use crate::domain::id::{AgentId, AgentSeq, Op, PauseId, RequestId, SessionId, TenantId};
use crate::domain::menu::PauseOption;
use crate::domain::occupancy::Report;
use crate::domain::presence::AgentView;
use crate::domain::record::{RecordedPause, RecordedRequest};
use crate::domain::shift::Plan;
use crate::ports::TenantDefinition;

/// The way to every agent. Cheap to clone.
#[derive(Clone)]
pub struct Router {
    core: Arc<Core>,
}

impl Router {
    /// A router to this core.
    pub fn new(core: Arc<Core>) -> Router {
        Router { core }
    }

    /// The directory and policy in force; none where the tenant is closed, or is being closed.
    pub fn tenant(&self, tenant: &TenantId) -> Option<Arc<TenantFacts>> {
        self.core.desk(tenant).map(|desk| desk.facts())
    }

    /// The directory and policy in force of a tenant, be it closed, for what the server does by itself.
    pub fn tenant_even_closed(&self, tenant: &TenantId) -> Option<Arc<TenantFacts>> {
        self.core.desk_of_any(tenant).map(|desk| desk.facts())
    }

    /// The same for somebody who may see which tenants there are.
    pub fn tenant_seen(&self, _seen_by: &AllTenants, tenant: &TenantId) -> Option<Arc<TenantFacts>> {
        self.tenant_even_closed(tenant)
    }

    /// Shuts the doors of a tenant that is to be closed, as long as what it answers lives.
    pub fn shut_doors(&self, _seen_by: &AllTenants, tenant: &TenantId) -> Option<ShutDoors> {
        self.core.shut_doors(tenant)
    }

    /// Has everybody leave whose doors are shut: whatever ran or waited has its end on record when it answers `Ok`.
    ///
    /// # Errors
    /// [`CommandError`] when somebody's end was not written, or nobody knows.
    pub async fn all_leave(&self, tenant: &TenantId, by: &Actor) -> Result<(), CommandError> {
        self.core.all_leave(tenant, by).await
    }

    /// Every tenant, closed ones too, by id, as its directory in force has it, for somebody who may see which there are:
    ///
    /// ```
    /// # use intervalo::{auth::Principal, router::Router};
    /// fn list(router: &Router, principal: &Principal) -> Option<usize> {
    ///     principal.all_tenants().map(|seen_by| router.tenants(&seen_by).len())
    /// }
    /// ```
    /// ```compile_fail,E0061
    /// # use intervalo::{auth::Principal, router::Router};
    /// fn list(router: &Router, principal: &Principal) -> Option<usize> {
    ///     principal.all_tenants().map(|seen_by| router.tenants().len())
    /// }
    /// ```
    pub fn tenants(&self, _seen_by: &AllTenants) -> Vec<Arc<TenantFacts>> {
        self.core.desks().iter().map(|desk| desk.facts()).collect()
    }

    /// How many tenants there are, closed ones too. One that is there does not go.
    pub fn tenant_count(&self) -> usize {
        self.core.tenant_count()
    }

    /// Makes a tenant; durable and served when it answers `Ok`.
    ///
    /// # Errors
    /// [`CommandError`]; [`CommandError::Overtaken`] when there is one of this id.
    pub async fn found(&self, founding: Founding) -> Result<(), CommandError> {
        self.core.found(founding).await
    }

    /// Says for `/metrics` what is kept of tenants and agents.
    pub fn measure(&self) {
        self.core.measure();
    }

    /// Tells when something has moved that verdicts of everybody look at; that the tenant is closed or opened again, too.
    pub fn moved(&self, tenant: &TenantId) -> Option<watch::Receiver<u64>> {
        self.core.desk_of_any(tenant).map(|desk| desk.moved())
    }

    /// Puts a definition in force, or in the place of what was planned; durable when it answers `Ok`.
    ///
    /// # Errors
    /// [`CommandError`]; [`CommandError::Overtaken`] when somebody else was faster.
    pub async fn publish(
        &self,
        tenant: &TenantId,
        event: TenantEvent,
        definition: TenantDefinition,
    ) -> Result<(), CommandError> {
        self.core.publish(tenant, event, definition).await
    }

    /// Journals a tenant's event that puts nothing in force; durable when it answers `Ok`.
    ///
    /// # Errors
    /// [`CommandError`] when it was not journaled, or nobody knows.
    pub async fn record(&self, tenant: &TenantId, event: TenantEvent) -> Result<(), CommandError> {
        self.core.record(tenant, event).await
    }

    /// The change of the tenant's that somebody made under an op.
    ///
    /// # Errors
    /// [`CommandError`] when the store is out of reach.
    pub async fn change_made(
        &self,
        tenant: &TenantId,
        op: Op,
        by: &Actor,
    ) -> Result<Option<TenantEvent>, CommandError> {
        self.core.change_made(tenant, op, by).await
    }

    /// Why commands cannot be carried out here; none while they can.
    pub fn not_ready(&self) -> Option<String> {
        self.core.not_ready()
    }

    /// Waits until what fell due while the server was down is on record: before that no list of a tenant's pauses
    /// is true (promise T1).
    ///
    /// # Errors
    /// [`CommandError`] when it is not in time.
    pub async fn caught_up(&self, tenant: &TenantId) -> Result<(), CommandError> {
        self.core.caught_up_in_time(tenant).await
    }

    /// Carries out a command; durable when it answers `Ok`.
    ///
    /// # Errors
    /// [`CommandError`] when it was not carried out, or the outcome is not known in time.
    pub async fn execute(&self, tenant: &TenantId, agent: &AgentId, request: Request) -> Result<Reply, CommandError> {
        self.core.ask(tenant, agent, |reply| Message::Execute { request, reply }).await?
    }

    /// A pause as it is on record, whoever's it is.
    ///
    /// # Errors
    /// [`CommandError`] when the store is out of reach.
    pub async fn recorded_pause(
        &self,
        tenant: &TenantId,
        pause: PauseId,
    ) -> Result<Option<RecordedPause>, CommandError> {
        self.core.recorded_pause(tenant, pause).await
    }

    /// A request of the last day as it is on record, whoever's it is.
    ///
    /// # Errors
    /// [`CommandError`] when the store is out of reach.
    pub async fn recorded_request(
        &self,
        tenant: &TenantId,
        request: RequestId,
    ) -> Result<Option<RecordedRequest>, CommandError> {
        self.core.recorded_request(tenant, request).await
    }

    /// Brings in a socket; the sign-in that it may be is durable when it answers `Ok`.
    ///
    /// # Errors
    /// [`CommandError`]; the socket is no presence then.
    pub async fn attach(
        &self,
        tenant: &TenantId,
        agent: &AgentId,
        session: SessionLink,
    ) -> Result<Arc<AgentView>, CommandError> {
        let id = session.id;
        let attached = self.core.ask(tenant, agent, |reply| Message::Attach { session, reply }).await;
        if matches!(attached, Err(CommandError::Unavailable { .. })) {
            // It may have got through after all; nobody is shown as there because of it.
            self.detach(tenant, agent, id).await;
        }
        attached?
    }

    /// A socket went away. Never lost; waits while the agent's mailbox is full.
    pub async fn detach(&self, tenant: &TenantId, agent: &AgentId, session: SessionId) {
        self.core.tell(tenant, agent, Message::Detach { session }).await;
    }

    /// One session signs out; the last one signs the agent out with `request`.
    ///
    /// # Errors
    /// [`CommandError`] as of [`Router::execute`].
    pub async fn sign_out_session(
        &self,
        tenant: &TenantId,
        agent: &AgentId,
        session: SessionId,
        request: Request,
    ) -> Result<(), CommandError> {
        self.core.ask(tenant, agent, |reply| Message::SignOutSession { session, request, reply }).await?
    }

    /// Takes what an integration says of an agent's work; durable when it answers `Ok`, where it makes a difference.
    ///
    /// # Errors
    /// [`CommandError`] as of [`Router::execute`]; [`CommandError::TooManySources`].
    pub async fn report(
        &self,
        tenant: &TenantId,
        agent: &AgentId,
        report: Report,
        expected_version: Option<AgentSeq>,
    ) -> Result<Reply, CommandError> {
        self.core.ask(tenant, agent, |reply| Message::Report { report, expected_version, reply }).await?
    }

    /// A source has told all that it knows: of whom it did not name it knows nothing open any more, as `report` says.
    pub async fn report_nothing_of_others(&self, tenant: &TenantId, named: &BTreeSet<AgentId>, report: &Report) {
        self.core.report_nothing_of_others(tenant, named, report).await;
    }

    /// The agent as it sees itself.
    ///
    /// # Errors
    /// [`CommandError`] when there is no such agent or no answer.
    pub async fn view(&self, tenant: &TenantId, agent: &AgentId) -> Result<Arc<AgentView>, CommandError> {
        self.core.ask(tenant, agent, |reply| Message::View { reply }).await
    }

    /// The agent as everybody else sees it.
    ///
    /// # Errors
    /// [`CommandError`] when there is no such agent or no answer.
    pub async fn public_view(&self, tenant: &TenantId, agent: &AgentId) -> Result<Arc<AgentView>, CommandError> {
        self.core.ask(tenant, agent, |reply| Message::PublicView { reply }).await
    }

    /// The agent's menu of pauses, each with its verdict.
    ///
    /// # Errors
    /// [`CommandError`] when there is no such agent or no answer.
    pub async fn options(&self, tenant: &TenantId, agent: &AgentId) -> Result<Vec<PauseOption>, CommandError> {
        self.core.ask(tenant, agent, |reply| Message::Options { reply }).await
    }

    /// The shifts planned for the agent.
    ///
    /// # Errors
    /// [`CommandError`] when there is no such agent or no answer.
    pub async fn shifts(&self, tenant: &TenantId, agent: &AgentId) -> Result<Plan, CommandError> {
        self.core.ask(tenant, agent, |reply| Message::Shifts { reply }).await
    }
}
