//! The `Authorization` header (RFC 6750, section 2.1): exactly one, `Bearer` in any case, one space, one token. Nothing
//! else is a credential: no cookie, no query parameter, no other scheme.

use super::headers::{Headers, text};

/// Bytes of the header with a secret in it.
const LONGEST: usize = 256;
/// Bytes of the header with a session token in it.
const LONGEST_SESSION: usize = 1024;
/// What a JSON object begins with in base64url: every JWT, and no secret.
const SESSION: &str = "eyJ";

/// What a request presents. `Debug` would print a secret, so there is none.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    Missing,
    /// Something is there that no credential can be.
    Unusable,
    /// What may be a secret.
    Key(&'a str),
    /// What may be a session token.
    Session(&'a str),
}

impl<'a> Credential<'a> {
    pub fn from_headers(headers: impl Headers<'a>) -> Self {
        let mut values = headers.of("authorization");
        let Some(value) = values.next() else { return Self::Missing };
        if values.next().is_some() || value.len() > LONGEST_SESSION {
            return Self::Unusable;
        }
        match text(value).and_then(|value| value.split_once(' ')) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Self::bearer(token),
            _ => Self::Unusable,
        }
    }

    /// The last characters of what may be a secret.
    pub fn last4(self) -> &'a str {
        match self {
            Self::Key(token) => token.get(token.len().saturating_sub(4)..).unwrap_or_default(),
            Self::Missing | Self::Unusable | Self::Session(_) => "",
        }
    }

    /// What follows `Bearer` and its space.
    pub fn bearer(token: &'a str) -> Self {
        // All of them in any case: then the processor looks at many at once.
        let others = token.bytes().filter(|byte| !byte.is_ascii_graphic() || *byte == b',').count();
        let longest = if token.starts_with(SESSION) { LONGEST_SESSION } else { LONGEST } - "Bearer ".len();
        if token.is_empty() || others > 0 || token.len() > longest {
            Self::Unusable
        } else if token.starts_with(SESSION) {
            Self::Session(token)
        } else {
            Self::Key(token)
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;
    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn of(values: &[&str]) -> &'static str {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).expect("a header"));
        }
        match Credential::from_headers(&headers) {
            Credential::Missing => "missing",
            Credential::Unusable => "unusable",
            Credential::Key(_) => "key",
            Credential::Session(_) => "session",
        }
    }

    #[test]
    fn one_bearer_token_behind_one_space_is_a_credential() {
        assert_eq!(of(&["Bearer kd_live_x"]), "key");
        assert_eq!(of(&["bEARER kd_live_x"]), "key");
        assert_eq!(of(&["Bearer eyJhbGciOi"]), "session");
        assert_eq!(of(&[]), "missing");
    }

    #[test]
    fn anything_else_is_refused() {
        for value in [
            "Basic a2V5",
            "Bearer",
            "Bearer ",
            "Bearer  kd_live_x",
            "Bearer\tkd_live_x",
            "Bearer a,b",
            "Bearer a b",
            "kd_live_x",
            "Bearer kd_live_\u{e9}",
        ] {
            assert_eq!(of(&[value]), "unusable", "{value:?}");
        }
        assert_eq!(of(&["Bearer a", "Bearer b"]), "unusable");
        assert_eq!(of(&[&format!("Bearer {}", "x".repeat(250))]), "unusable");
        assert_eq!(of(&[&format!("Bearer eyJ{}", "x".repeat(600))]), "session");
        assert_eq!(of(&[&format!("Bearer eyJ{}", "x".repeat(1100))]), "unusable");
    }

    #[test]
    fn the_longest_is_taken_and_one_character_more_is_not() {
        for (start, longest, kind) in [("Bearer kd_", LONGEST, "key"), ("Bearer eyJ", LONGEST_SESSION, "session")] {
            let of_length = |length: usize| of(&[&format!("{start:x<length$}")]);
            assert_eq!([of_length(longest), of_length(longest + 1)], [kind, "unusable"]);
        }
        // Not even looked at, whatever its scheme.
        assert_eq!(of(&[&format!("{:x<1$}", "Basic ", LONGEST_SESSION + 1)]), "unusable");
    }

    #[test]
    fn support_is_shown_the_end_of_a_secret_and_nothing_of_a_session() {
        assert_eq!(Credential::Key("kd_live_abcd").last4(), "abcd");
        assert_eq!(Credential::Key("abc").last4(), "abc");
        let rest = [Credential::Missing, Credential::Unusable, Credential::Session("eyJhbcd")];
        assert_eq!(rest.map(Credential::last4), [""; 3]);
    }
}
