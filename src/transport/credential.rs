//! The bearer credential of a request.

use std::net::IpAddr;
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::App;
use super::failures::Budget;
use super::sockets::counted_as;
use crate::auth::{Principal, Unauthenticated};
use crate::protocol::error::WireError;

/// How many refused credentials an address has before it is told to wait. A broken client in a loop is slowed down to
/// what a log and a processor bear; a person who pastes the wrong token a few times is not.
pub(super) const REFUSED_BUDGET: Budget = Budget { burst: 20, one_more_after: Duration::from_secs(3) };

/// What a request's `Authorization` says.
pub(super) enum Bearer<'a> {
    /// There is none.
    Absent,
    /// A token.
    Token(&'a str),
    /// There is one that is not understood, or more than one.
    Unreadable,
}

impl<'a> Bearer<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Bearer<'a> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (None, _) => Bearer::Absent,
            (Some(_), Some(_)) => Bearer::Unreadable,
            (Some(value), None) => match value.to_str().ok().and_then(|text| text.split_once(' ')) {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Bearer::Token(token.trim()),
                _ => Bearer::Unreadable,
            },
        }
    }
}

impl App {
    /// The principal of an HTTP request.
    pub(super) async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Unauthenticated> {
        match Bearer::of(headers) {
            Bearer::Token(token) => self.verify(token).await,
            Bearer::Absent | Bearer::Unreadable => Err(Unauthenticated),
        }
    }

    /// The principal of a token.
    pub(super) async fn verify(&self, token: &str) -> Result<Principal, Unauthenticated> {
        // Whoever issued it counts by the wall clock; the session then lasts for as long as it has left.
        let (now, wall) = (self.clock.now(), self.clock.wall());
        let verified = self.verifier.verify(token, wall).await.map(|principal| {
            let expires_at = now + principal.expires_at.since(wall);
            Principal { expires_at, ..principal }
        });
        if verified.is_err() {
            metrics::counter!("intervalo_credentials_refused_total").increment(1);
        }
        verified
    }

    /// The principal of a token that came over a socket.
    pub(super) async fn verify_from(&self, client: IpAddr, token: &str) -> Result<Principal, WireError> {
        match self.verify(token).await {
            Ok(principal) => Ok(principal),
            Err(Unauthenticated) => {
                self.count_refused(client)?;
                Err(WireError::unauthenticated())
            }
        }
    }

    /// Counts a credential that was refused. Only those who fail are held up: behind one address there may be a whole
    /// contact centre, and one broken client in it. So every credential is looked at, and what costs is bounded by
    /// what a look at one costs.
    pub(super) fn count_refused(&self, client: IpAddr) -> Result<(), WireError> {
        let counted = self.refused_credentials.failed(&counted_as(client), self.clock.now());
        counted.map_err(|retry_after| {
            tracing::debug!(%client, "too many refused credentials from {client}");
            WireError::rate_limited(retry_after)
        })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn token_of(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        match Bearer::of(&headers) {
            Bearer::Token(token) => Some(token.to_owned()),
            Bearer::Absent => Some("absent".to_owned()),
            Bearer::Unreadable => None,
        }
    }

    #[test]
    fn one_bearer_token_is_read_and_nothing_else() {
        assert_eq!(token_of(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(token_of(&["bearer  abc"]).as_deref(), Some("abc"));
        assert_eq!(token_of(&[]).as_deref(), Some("absent"));
        assert_eq!(token_of(&["Basic abc"]), None);
        assert_eq!(token_of(&["Bearer"]), None);
        assert_eq!(token_of(&["Bearer a", "Bearer b"]), None);
    }
}
