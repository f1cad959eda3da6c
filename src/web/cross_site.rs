//! Cross-site request forgery: a request that changes something must say that it comes from our own pages. Browsers say
//! so in `Sec-Fetch-Site`; older ones in `Origin`; whoever says neither is refused (OWASP CSRF cheat sheet, fetch
//! metadata). The `Host` must be ours too, so that a rebound name reaches nothing.

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::error::Error;
use crate::host::{host_of, is_loopback};

/// Refuses strangers' forms and names.
pub async fn refuse(State(app): State<App>, request: Request, next: Next) -> Response {
    if !is_our_host(request.headers(), &app.public_url) {
        return Error::Misdirected.into_response();
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && !is_same_origin(request.headers(), &app.public_url) {
        return Error::CrossSite.into_response();
    }
    next.run(request).await
}

/// Whether the request says that it comes from a page of ours.
pub fn is_same_origin(headers: &HeaderMap, public_url: &str) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some(origin) = text(headers, ORIGIN.as_str()) else { return false };
    let on_this_machine = || is_loopback(host_of(public_url)) && is_loopback(host_of(origin));
    let to_itself = || text(headers, HOST.as_str()).is_some_and(|host| origin.strip_prefix("http://") == Some(host));
    origin == public_url || (on_this_machine() && to_itself())
}

fn is_our_host(headers: &HeaderMap, public_url: &str) -> bool {
    // HTTP/1.0 needs no Host; there is no name to be wrong then.
    let Some(host) = text(headers, HOST.as_str()) else { return true };
    let ours = public_url.split_once("://").map_or(public_url, |(_, rest)| rest);
    let default_port = if public_url.starts_with("https://") { ":443" } else { ":80" };
    let host = host.strip_suffix(default_port).unwrap_or(host);
    host.eq_ignore_ascii_case(ours) || (is_loopback(host_of(public_url)) && is_loopback(host_of(host)))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "https://keys.example";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn only_our_own_pages_may_change_things() {
        let same = |pairs: &[(&'static str, &'static str)]| is_same_origin(&headers(pairs), OURS);
        assert!(same(&[("sec-fetch-site", "same-origin")]));
        assert!(same(&[("origin", "https://keys.example")]));
        for site in ["cross-site", "same-site", "none"] {
            assert!(!same(&[("sec-fetch-site", site), ("origin", "https://keys.example")]), "{site}");
        }
        assert!(!same(&[("origin", "https://evil.example")]));
        assert!(!same(&[("origin", "https://keys.example.evil.example")]));
        assert!(!same(&[("origin", "null")]));
        assert!(!same(&[]));
        assert!(
            !same(&[("origin", "http://localhost:8080"), ("host", "localhost:8080")]),
            "a public desk trusts no loopback"
        );
    }

    #[test]
    fn on_a_laptop_every_loopback_name_is_ours_but_only_to_itself() {
        let same = |origin: &'static str, host: &'static str| {
            is_same_origin(&headers(&[("origin", origin), ("host", host)]), "http://localhost:8080")
        };
        assert!(same("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(same("http://localhost:8080", "127.0.0.1:8080"));
        assert!(!same("http://127.0.0.1:9999", "127.0.0.1:8080"));
        assert!(!same("http://evil.example", "evil.example"));
    }

    #[test]
    fn a_host_that_is_not_ours_is_misdirected() {
        let ours = |host: &'static str, public: &str| is_our_host(&headers(&[("host", host)]), public);
        assert!(ours("keys.example:443", OURS) && !ours("keys.example:80", OURS));
        assert!(ours("keys.example", OURS) && ours("KEYS.example", OURS));
        assert!(!ours("evil.example", OURS) && !ours("localhost:8080", OURS));
        assert!(ours("127.4.5.6:1", "http://localhost:8080") && ours("[::1]:8080", "http://localhost:8080"));
        assert!(!ours("evil.example", "http://localhost:8080"));
    }
}
