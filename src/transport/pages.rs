//! The page behind an invitation, from within the program: nothing is loaded from elsewhere.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};

/// What the page may load and send to: this server alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// `GET /invitation`: where a person chooses a password.
pub(super) async fn invitation() -> Response {
    file("text/html; charset=utf-8", include_str!("../../web/plain/invitation.html"))
}

/// Its style.
pub(super) async fn invitation_style() -> Response {
    file("text/css; charset=utf-8", include_str!("../../web/plain/invitation.css"))
}

/// Its script.
pub(super) async fn invitation_script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("../../web/plain/invitation.js"))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
