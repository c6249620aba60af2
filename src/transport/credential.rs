//! The credential of a request.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::App;
use super::access::{cookie, same_site};
use super::problem::Problem;
use crate::auth::{Principal, SecretKind, Unauthenticated};

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
            (Bearer::Absent, Some(secret)) => {
                same_site(self, headers)?;
                Ok(self.counted(self.by_secret(SecretKind::Login, secret))?)
            }
            (Bearer::Absent, None) | (Bearer::Unreadable, _) => Err(Unauthenticated.into()),
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
        let holds = verified.and_then(|principal| {
            if self.vault.still_holds(&principal, now) { Ok(principal) } else { Err(Unauthenticated) }
        });
        self.counted(holds)
    }

    fn counted(&self, found: Result<Principal, Unauthenticated>) -> Result<Principal, Unauthenticated> {
        if found.is_err() {
            metrics::counter!("intervalo_credentials_refused_total").increment(1);
        }
        found
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
