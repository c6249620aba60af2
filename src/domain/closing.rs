//! A company that is closed, and opened again: what its directory says of it.
//!
//! Closing erases nothing and ends no credential. It is a version of the directory like any other, so that whoever decided
//! under the one before decides again, and finds the doors shut.

use super::directory::Directory;
use super::event::TenantEventBody;
use super::time::Timestamp;

/// The last time that a tenant was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// When, by the server's clock.
    pub at: Timestamp,
    /// When, by the wall clock, which issuers of tokens go by.
    pub wall_at: Timestamp,
    /// When it was opened again; none while it is closed.
    pub reopened_at: Option<Timestamp>,
    /// How many versions of the directory there were that only closed the tenant or opened it again.
    pub versions: u64,
}

/// What is done to a tenant's doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosingStep {
    /// It was closed.
    Closed,
    /// It was opened again.
    Reopened,
}

impl ClosingStep {
    /// The event's name (semantics §10).
    pub fn name(self) -> &'static str {
        match self {
            ClosingStep::Closed => "tenant.closed",
            ClosingStep::Reopened => "tenant.reopened",
        }
    }
}

impl Directory {
    /// Since when the tenant is closed; none while it is open.
    pub fn closed_at(&self) -> Option<Timestamp> {
        self.closing.filter(|closing| closing.reopened_at.is_none()).map(|closing| closing.at)
    }

    /// True while the tenant is closed.
    pub fn is_closed(&self) -> bool {
        self.closed_at().is_some()
    }

    /// The next version, with the tenant closed.
    #[must_use]
    pub fn closed(&self, at: Timestamp, wall_at: Timestamp) -> Directory {
        let versions = self.versions_of_closings() + 1;
        self.with_closing(Closing { at, wall_at, reopened_at: None, versions })
    }

    /// The next version, with the tenant open again; none where it is not closed.
    #[must_use]
    pub fn reopened(&self, at: Timestamp) -> Option<Directory> {
        let closing = self.closing.filter(|_| self.is_closed())?;
        Some(self.with_closing(Closing { reopened_at: Some(at), versions: closing.versions + 1, ..closing }))
    }

    /// True when nothing was ever put into the directory but the settings that it came with.
    pub fn is_as_founded(&self) -> bool {
        self.version.0 == 1 + self.versions_of_closings()
    }

    fn versions_of_closings(&self) -> u64 {
        self.closing.map_or(0, |closing| closing.versions)
    }

    fn with_closing(&self, closing: Closing) -> Directory {
        Directory { version: self.version.next(), closing: Some(closing), ..self.clone() }
    }
}

/// True for what there is on record of a closed tenant: that it is opened again, and what happens to the server as a whole.
pub fn reaches_closed(body: &TenantEventBody) -> bool {
    match body {
        TenantEventBody::ServerStarted { .. } | TenantEventBody::ClockStepped { .. } => true,
        TenantEventBody::Closing { step, .. } => *step == ClosingStep::Reopened,
        TenantEventBody::PolicyPublished { .. }
        | TenantEventBody::PolicyPlanned { .. }
        | TenantEventBody::DirectoryChanged { .. }
        | TenantEventBody::Access(_) => false,
    }
}
