//! Tickets: what a page opens a socket with, for a browser cannot send a credential along with the upgrade. One
//! socket each, of the same page, within half a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::header::ORIGIN;
use serde_json::json;

use super::App;
use super::access::same_site;
use super::http::{BODY_BYTES_MAX, json_of, read_body};
use super::problem::Problem;
use super::reading::{count, object};
use crate::auth::{Handed, Presented, Principal, SecretKind, fresh_credential_id};
use crate::domain::access::{Door, SecretHash};
use crate::domain::id::{CredentialId, TenantId};
use crate::domain::time::Timestamp;
use crate::limits::Limit;
use crate::protocol::error::WireError;
use crate::protocol::params::Fields;
use crate::protocol::rpc::Params;
use crate::protocol::time::to_text;

/// How long a ticket lasts (`docs/protocol.md`).
const TICKET_TTL: Duration = Duration::from_secs(30);
/// How many are kept, used ones too until they end. With more, nobody gets one for a moment.
const TICKETS_MAX: usize = 100_000;
/// When to ask again then.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The tickets that have not ended. They are in memory alone: whoever loses one asks for another.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    by_id: Mutex<HashMap<CredentialId, Ticket>>,
}

#[derive(Debug)]
struct Ticket {
    principal: Principal,
    /// The page that it is for; none where no browser asked for it.
    origin: Option<String>,
    secret: SecretHash,
    expires_at: Timestamp,
    used: bool,
}

impl Tickets {
    fn make(&self, principal: Principal, origin: Option<String>, now: Timestamp) -> Option<(Handed, Timestamp)> {
        let mut tickets = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        if tickets.len() >= TICKETS_MAX {
            tickets.retain(|_, ticket| now < ticket.expires_at);
        }
        if tickets.len() >= TICKETS_MAX {
            Limit::Tickets.reached();
            return None;
        }
        let id = fresh_credential_id(now);
        let (handed, expires_at) = (Handed::make(SecretKind::Ticket, id), now + TICKET_TTL);
        tickets.insert(id, Ticket { principal, origin, secret: handed.hash, expires_at, used: false });
        metrics::gauge!("intervalo_tickets").set(tickets.len() as f64);
        Some((handed, expires_at))
    }

    /// The principal of a ticket that holds; else the company whose it was, where that is known.
    fn redeem(
        &self,
        presented: &Presented,
        origin: Option<&str>,
        now: Timestamp,
    ) -> Result<Principal, Option<TenantId>> {
        let mut tickets = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = tickets.get_mut(&presented.id).ok_or(None)?;
        let holds = presented.is(ticket.secret) && now < ticket.expires_at && !ticket.used;
        if !holds || ticket.origin.as_deref() != origin {
            return Err(Some(ticket.principal.tenant.clone()));
        }
        ticket.used = true;
        Ok(ticket.principal.clone())
    }
}

impl App {
    /// The principal of a ticket, which is used up by it.
    ///
    /// # Errors
    /// [`WireError`] when it does not hold; that is put on record.
    pub(super) fn redeem(&self, text: &str, origin: Option<&str>) -> Result<Principal, WireError> {
        let presented = Presented::read(SecretKind::Ticket, text).ok_or_else(WireError::unauthenticated)?;
        self.tickets.redeem(&presented, origin, self.clock.now()).map_err(|whose| {
            if let Some(tenant) = whose.filter(|tenant| self.serves(tenant)) {
                self.turned_away.note(&tenant, Door::Ticket, None);
            }
            WireError::unauthenticated()
        })
    }
}

/// `POST /v1/tickets`: a ticket for whoever asks, and for sockets of the page that asks.
pub(super) async fn make(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let principal = app.authenticate(request.headers()).await?;
    same_site(&app, request.headers())?;
    count(&app, &principal)?;
    // Its socket would be refused, and the ticket be used up.
    app.check_not_struck_out(&principal)?;
    let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok()).map(str::to_owned);
    let body = read_body(request.into_body(), BODY_BYTES_MAX).await?;
    if !body.is_empty() {
        Fields::of(Params::Named(object(&body)?))?.finish()?;
    }
    let made = app.tickets.make(principal, origin, app.clock.now());
    let (handed, expires_at) = made.ok_or_else(|| WireError::unavailable(RETRY_AFTER))?;
    let told = json!({"ticket": handed.reveal(), "expires_at": to_text(expires_at)});
    Ok(json_of(StatusCode::CREATED, &told))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::auth::{Proof, Role};
    use crate::domain::id::PrincipalId;

    const NOW: Timestamp = Timestamp(1_795_381_069_123);

    fn ana() -> Principal {
        Principal {
            id: PrincipalId::new("ana").expect("an id"),
            tenant: TenantId::new("acme").expect("an id"),
            roles: BTreeSet::from([Role::Agent]),
            teams: None,
            expires_at: NOW + Duration::from_secs(3600),
            proof: Proof::Login(CredentialId(7)),
            newcomer: None,
        }
    }

    fn presented(handed: &Handed) -> Presented {
        Presented::read(SecretKind::Ticket, handed.reveal()).expect("a ticket")
    }

    #[test]
    fn a_ticket_opens_one_socket_of_its_page_in_time() {
        let tickets = Tickets::default();
        let page = Some("https://desk.example");
        let make = |origin: Option<&str>| tickets.make(ana(), origin.map(str::to_owned), NOW).expect("room").0;
        let ticket = presented(&make(page));
        assert_eq!(tickets.redeem(&ticket, page, NOW), Ok(ana()));
        assert_eq!(tickets.redeem(&ticket, page, NOW), Err(Some(ana().tenant)), "a second time");
        for origin in [None, Some("https://evil.example"), Some("")] {
            assert!(tickets.redeem(&presented(&make(page)), origin, NOW).is_err(), "{origin:?}");
        }
        assert!(tickets.redeem(&presented(&make(None)), page, NOW).is_err(), "it was asked for by no page");
        assert!(tickets.redeem(&presented(&make(None)), None, NOW + Duration::from_millis(29_999)).is_ok());
        assert!(tickets.redeem(&presented(&make(None)), None, NOW + TICKET_TTL).is_err(), "late");
        let forged = Handed::make(SecretKind::Ticket, presented(&make(None)).id);
        assert!(tickets.redeem(&presented(&forged), None, NOW).is_err());
    }

    #[test]
    fn tickets_are_bounded_and_make_room_by_ending() {
        let tickets = Tickets::default();
        let mut tickets_made = 0;
        while tickets.make(ana(), None, NOW).is_some() {
            tickets_made += 1;
        }
        assert_eq!(tickets_made, TICKETS_MAX);
        assert!(tickets.make(ana(), None, NOW + TICKET_TTL).is_some());
        assert_eq!(tickets.by_id.lock().expect("no panic").len(), 1);
    }
}
