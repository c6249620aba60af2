//! The protocol over real sockets: a whole server, and clients that know only the contract.

#[path = "protocol/access.rs"]
mod access;
#[path = "protocol/agents.rs"]
mod agents;
#[path = "protocol/boards.rs"]
mod boards;
#[path = "protocol/calls.rs"]
mod calls;
#[path = "protocol/closing.rs"]
mod closing;
#[path = "protocol/contract.rs"]
mod contract;
#[path = "protocol/corrections.rs"]
mod corrections;
#[path = "protocol/directory.rs"]
mod directory;
#[path = "protocol/doors.rs"]
mod doors;
#[path = "protocol/dry_run.rs"]
mod dry_run;
#[path = "protocol/events.rs"]
mod events;
#[path = "protocol/foreign_client.rs"]
mod foreign_client;
#[path = "protocol/founding.rs"]
mod founding;
#[path = "protocol/http.rs"]
mod http;
#[path = "protocol/isolation.rs"]
mod isolation;
#[path = "protocol/issuers.rs"]
mod issuers;
#[path = "protocol/limits.rs"]
mod limits;
#[path = "protocol/notifications.rs"]
mod notifications;
#[path = "protocol/occupancy.rs"]
mod occupancy;
#[path = "protocol/policy.rs"]
mod policy;
#[path = "protocol/policy_http.rs"]
mod policy_http;
#[path = "support/published.rs"]
mod published;
#[path = "protocol/quotas.rs"]
mod quotas;
#[path = "protocol/requests.rs"]
mod requests;
#[path = "protocol/rights.rs"]
mod rights;
#[path = "protocol/secrets.rs"]
mod secrets;
#[path = "support/server.rs"]
mod server;
#[path = "protocol/sessions.rs"]
mod sessions;
#[path = "protocol/settings_http.rs"]
mod settings_http;
#[path = "protocol/shifts.rs"]
mod shifts;
#[path = "protocol/slots.rs"]
mod slots;
#[path = "protocol/steps.rs"]
mod steps;
#[path = "protocol/strangers.rs"]
mod strangers;
#[path = "protocol/tls.rs"]
mod tls;
#[path = "protocol/transcripts.rs"]
mod transcripts;
