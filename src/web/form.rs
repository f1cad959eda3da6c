//! Forms and query strings, read strictly: valid UTF-8 or an error page, repeated fields kept, nothing guessed.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use tokio::time::timeout;

use super::error::Error;
use crate::model::text::can_be_id;

/// Bytes of a request body (design section 9).
pub const LARGEST_BODY: usize = 64 * 1024;
/// How long a body may take to arrive: whoever was let in before it must not be held in by it.
pub const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a body with a password in it.
pub const LARGEST_SIGN_IN: usize = 8 * 1024;
const SIGN_INS: [&str; 8] = [
    "/sign-in",
    "/sign-up",
    "/re-authenticate",
    "/forgot-password",
    "/reset-password",
    "/invitation",
    "/two-factor",
    "/settings/security/password",
];

/// What a query value may hold as it is (RFC 3986, section 2.3: unreserved).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// `path?name=value&…`, values encoded, empty ones left out.
pub fn link(path: &str, query: &[(&str, &str)]) -> String {
    let pairs = query.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> =
        pairs.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, RESERVED))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// `path?next=…`. The slashes of `next` stay as they are: encoded ones are taken for a trick wherever such a link is
/// itself a way back.
pub fn with_way_back(path: &str, next: &str) -> String {
    const RESERVED_BUT_SLASHES: &AsciiSet = &RESERVED.remove(b'/');
    if next.is_empty() {
        return path.to_owned();
    }
    format!("{path}?next={}", utf8_percent_encode(next, RESERVED_BUT_SLASHES))
}

/// A path on this site, or nothing: no scheme, no host, no trick that a browser reads as one.
pub fn own_path(next: &str) -> Option<&str> {
    let lowered = next.to_ascii_lowercase();
    let tricky = next.starts_with("//") || next.contains('\\') || next.chars().any(char::is_control);
    let encoded = ["%2f", "%5c", "%00", "%0a", "%0d", "%09"].iter().any(|trick| lowered.contains(trick));
    (next.starts_with('/') && !tricky && !encoded).then_some(next)
}

/// Fields in the order they came.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of a field; empty if it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Whether a field is there, be it empty.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// The id in a field; empty if there is none, and an id that no record has for what cannot be one.
    pub fn id(&self, name: &str) -> &str {
        let value = self.get(name);
        if can_be_id(value) { value } else { "-" }
    }

    pub fn owned(&self, name: &str) -> String {
        self.get(name).to_owned()
    }

    /// Every value of a field, with or without `[]` behind its name.
    pub fn all(&self, name: &str) -> Vec<String> {
        let named = |key: &str| key.strip_suffix("[]").unwrap_or(key) == name;
        self.0.iter().filter(|(key, _)| named(key)).map(|(_, value)| value.clone()).collect()
    }

    /// The ids in a field that comes more than once, each once. What cannot be one is left out.
    pub fn ids(&self, name: &str) -> Vec<String> {
        let mut ids = Vec::new();
        for id in self.all(name) {
            if can_be_id(&id) && !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    /// The fields of a query string or a form; nothing if it is not valid text.
    pub fn parse(text: &str) -> Option<Self> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(String::from);
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            // No text of ours holds a NUL, and PostgreSQL takes none.
            Some((decode(key)?, decode(value)?)).filter(|(key, value)| !key.contains('\0') && !value.contains('\0'))
        };
        pairs.map(pair).collect::<Option<_>>().map(Self)
    }
}

/// The id in a path. What cannot be one reads as empty, which no record has: a 404 like any other.
pub struct Id(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(path.ok().map(|path| path.0).filter(|id| can_be_id(id)).unwrap_or_default()))
    }
}

/// The fields of a posted form.
pub struct Form(pub Fields);

/// The fields of the query string; one that is not valid text reads as none.
pub struct Query(pub Fields);

impl<S: Sync> FromRequest<S> for Form {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_form = kind.is_empty()
            || kind.split(';').next().is_some_and(|kind| kind.trim() == "application/x-www-form-urlencoded");
        if !is_form {
            return Err(Error::BadRequest("Send the form as a page of ours does: application/x-www-form-urlencoded."));
        }
        let limit = if SIGN_INS.contains(&request.uri().path()) { LARGEST_SIGN_IN } else { LARGEST_BODY };
        let body = timeout(BODY_PATIENCE, to_bytes(request.into_body(), limit)).await.map_err(|_| Error::TooSlow)?;
        let body = body.map_err(|_| Error::TooLarge)?;
        let text = std::str::from_utf8(&body).ok();
        let fields = text.and_then(Fields::parse);
        fields.map(Self).ok_or(Error::BadRequest("The form holds characters that are not valid text. Go back, type them again, and press the button once more."))
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Fields::parse(parts.uri.query().unwrap_or_default()).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_order_and_repeats() {
        let fields = Fields::parse("name=a+b%2Bc&scopes[]=x&scopes%5B%5D=y&scopes=z&empty=").expect("a form");
        assert_eq!(fields.get("name"), "a b+c");
        assert_eq!(fields.all("scopes"), ["x", "y", "z"]);
        assert_eq!((fields.get("empty"), fields.get("absent")), ("", ""));
    }

    #[test]
    fn text_that_is_not_utf8_is_refused() {
        assert!(Fields::parse("name=%ff%fe").is_none());
        assert!(Fields::parse("name=%E2%82%AC").is_some());
        assert!(Fields::parse("name=a%00b").is_none());
    }

    #[test]
    fn a_way_back_can_be_a_way_back_itself() {
        let link = with_way_back("/re-authenticate", "/settings/api-keys?q=a b&status=active");
        assert_eq!(link, "/re-authenticate?next=/settings/api-keys%3Fq%3Da%20b%26status%3Dactive");
        assert_eq!(own_path(&link), Some(link.as_str()));
        assert_eq!(with_way_back("/re-authenticate", ""), "/re-authenticate");
    }

    #[test]
    fn next_stays_on_this_site() {
        assert_eq!(own_path("/settings/api-keys?status=active"), Some("/settings/api-keys?status=active"));
        for elsewhere in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/%2f%2fevil.example",
            "/%5Cevil.example",
            "javascript:1",
            "/a\nb",
        ] {
            assert_eq!(own_path(elsewhere), None, "{elsewhere:?}");
        }
    }
}
