//! The `Authorization` header (RFC 6750, section 2.1): exactly one, `Bearer` in any case, one space, one token. Nothing
//! else is a credential: no cookie, no query parameter, no other scheme.

use http::HeaderMap;
use http::header::AUTHORIZATION;

/// No secret and no session token is longer than this many bytes.
const LONGEST: usize = 1024;

/// What a request presents. `Debug` would print a secret, so there is none.
pub enum Credential {
    Missing,
    /// Something is there that no key can be.
    Unusable,
    Bearer(zeroize::Zeroizing<String>),
}

impl Credential {
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Self::Missing };
        if values.next().is_some() || value.len() > LONGEST {
            return Self::Unusable;
        }
        value
            .to_str()
            .ok()
            .and_then(bearer)
            .map_or(Self::Unusable, |token| Self::Bearer(zeroize::Zeroizing::new(token.to_owned())))
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
    (scheme.eq_ignore_ascii_case("bearer") && plain).then_some(token)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(values: &[&'static str]) -> &'static str {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        match Credential::from_headers(&headers) {
            Credential::Missing => "missing",
            Credential::Unusable => "unusable",
            Credential::Bearer(_) => "bearer",
        }
    }

    #[test]
    fn one_bearer_token_behind_one_space_is_a_credential() {
        assert_eq!(of(&["Bearer kd_live_x"]), "bearer");
        assert_eq!(of(&["bEARER kd_live_x"]), "bearer");
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
        ] {
            assert_eq!(of(&[value]), "unusable", "{value:?}");
        }
        assert_eq!(of(&["Bearer a", "Bearer b"]), "unusable");
    }
}
