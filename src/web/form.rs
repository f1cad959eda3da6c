//! Forms and query strings, read strictly: valid UTF-8 or an error page, repeated fields kept, nothing guessed.

use std::convert::Infallible;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::error::Error;

/// Bytes of a request body (design section 9).
pub const LARGEST_BODY: usize = 64 * 1024;

/// What a query value may hold as it is (RFC 3986, section 2.3: unreserved).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// `path?name=value&…`, values encoded, empty ones left out.
pub fn link(path: &str, query: &[(&str, &str)]) -> String {
    let pairs = query.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> =
        pairs.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, RESERVED))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// Fields in the order they came.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of a field; empty if it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub fn owned(&self, name: &str) -> String {
        self.get(name).to_owned()
    }

    /// Every value of a field, with or without `[]` behind its name.
    pub fn all(&self, name: &str) -> Vec<String> {
        let named = |key: &str| key.strip_suffix("[]").unwrap_or(key) == name;
        self.0.iter().filter(|(key, _)| named(key)).map(|(_, value)| value.clone()).collect()
    }

    fn parse(text: &str) -> Option<Self> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().ok().map(String::from);
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(key)?, decode(value)?))
        };
        pairs.map(pair).collect::<Option<_>>().map(Self)
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
        let body = to_bytes(request.into_body(), LARGEST_BODY).await.map_err(|_| Error::TooLarge)?;
        let text = std::str::from_utf8(&body).ok();
        let fields = text.and_then(Fields::parse);
        fields.map(Self).ok_or(Error::BadRequest("The form holds characters that are not valid text (UTF-8). Go back, type them again, and press the button once more."))
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
    }
}
