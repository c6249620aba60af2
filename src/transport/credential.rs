//! The bearer credential of a request.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::App;
use crate::auth::{Principal, Unauthenticated};

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
