//! Invitations as a sheet to print: one slip a person, to be cut apart.

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use sha2::{Digest, Sha256};

use super::invitations::{Invited, link_of};
use crate::domain::directory::Tenant;

/// The only style that the page may have, by its hash.
const STYLE: &str = "body{font:14px/1.5 sans-serif;margin:2em}section{border:1px dashed #666;padding:1em;\
                     margin:0 0 1em;break-inside:avoid}code{overflow-wrap:anywhere}dt{font-weight:bold}";

/// The page, with what it may load: nothing.
pub(super) fn page(tenant: &Tenant, base: &str, invited: &[Invited]) -> Response {
    let style = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!("default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'");
    let mut response = Response::new(Body::from(text(tenant, base, invited)));
    *response.status_mut() = StatusCode::CREATED;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn text(tenant: &Tenant, base: &str, invited: &[Invited]) -> String {
    let zone = tenant.zone;
    let slip = |made: &Invited| {
        let until = chrono::DateTime::from_timestamp_millis(made.invitation.expires_at.0).unwrap_or_default();
        let until = until.with_timezone(&zone).format("%Y-%m-%d %H:%M");
        format!(
            "<section><h2>{}</h2><dl><dt>Tenant</dt><dd><code>{}</code></dd><dt>Login</dt><dd>{}</dd><dt>Link</dt><dd><code>{}</code></dd>\
             <dt>&#8987;</dt><dd>{until} ({})</dd></dl></section>\n",
            escaped(&tenant.name),
            escaped(tenant.id.as_str()),
            escaped(&made.account.login),
            escaped(&format!("{base}{}", link_of(made))),
            zone.name(),
        )
    };
    let slips: String = invited.iter().map(slip).collect();
    format!(
        "<!doctype html>\n<html><head><meta charset=\"utf-8\"><title>{}</title><style>{STYLE}</style></head>\n\
         <body>\n{slips}</body></html>\n",
        escaped(&tenant.name)
    )
}

/// A text as it may stand in a page.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_markup() {
        assert_eq!(escaped("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
    }
}
