//! The credential of a request.

use std::net::IpAddr;
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::App;
use super::access::{cookie, same_site};
use super::failures::Budget;
use super::problem::Problem;
use super::sockets::counted_as;
use crate::auth::{Principal, SecretKind, Unauthenticated};
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
    /// The principal of an HTTP request: of its bearer credential, else of the cookie of a browser that has logged in.
    ///
    /// # Errors
    /// [`Problem`] when there is no credential that holds, or another site's page sent the cookie.
    pub(super) async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Problem> {
        match (Bearer::of(headers), cookie(headers)) {
            (Bearer::Token(token), _) => Ok(self.verify(token).await?),
            (Bearer::Absent, Some(secret)) if self.settings.logins => {
                same_site(self, headers)?;
                Ok(self.counted(self.by_secret(SecretKind::Login, secret))?)
            }
            (Bearer::Absent, _) | (Bearer::Unreadable, _) => Err(Unauthenticated.into()),
        }
    }

    /// The principal of a bearer credential: a key of the tenant, or a token of an issuer.
    ///
    /// # Errors
    /// [`Unauthenticated`] when it does not hold.
    pub(super) async fn verify(&self, text: &str) -> Result<Principal, Unauthenticated> {
        if text.starts_with(SecretKind::Key.prefix()) {
            return self.counted(self.by_secret(SecretKind::Key, text));
        }
        // Whoever issued it counts by the wall clock; the session then lasts for as long as it has left.
        let (now, wall) = (self.clock.now(), self.clock.wall());
        let verified = self.verifier.verify(text, wall).await.map(|principal| {
            let expires_at = now + principal.expires_at.since(wall);
            Principal { expires_at, ..principal }
        });
        let holds = verified.and_then(
            |principal| {
                if self.still_holds(&principal) { Ok(principal) } else { Err(Unauthenticated) }
            },
        );
        self.counted(holds)
    }

    fn counted(&self, found: Result<Principal, Unauthenticated>) -> Result<Principal, Unauthenticated> {
        if found.is_err() {
            metrics::counter!("intervalo_credentials_refused_total").increment(1);
        }
        found
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

    /// The principal of a ticket that came over a socket.
    pub(super) fn redeem_from(&self, client: IpAddr, text: &str, origin: Option<&str>) -> Result<Principal, WireError> {
        self.redeem(text, origin).map_err(|refused| self.count_refused(client).err().unwrap_or(refused))
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
