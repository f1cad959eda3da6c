//! The `Authorization` header: what is taken for a credential is one header of one scheme with one plain token, short
//! enough; and every such header is taken. A line of the input is a header.

#![no_main]

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use keydesk::gate::credential::Credential;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut headers = HeaderMap::new();
    let lines = data.split(|byte| *byte == b'\n').take(4);
    for value in lines.filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        headers.append(AUTHORIZATION, value);
    }
    let values: Vec<&[u8]> = headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes).collect();
    match Credential::from_headers(&headers) {
        Credential::Missing => assert!(values.is_empty()),
        Credential::Unusable => assert!(values.len() > 1 || token(values[0]).is_none()),
        Credential::Key(found) => assert_eq!((values.len(), token(values[0])), (1, Some((false, found.as_bytes())))),
        Credential::Session(found) => assert_eq!((values.len(), token(values[0])), (1, Some((true, found.as_bytes())))),
    }
});

/// The token of a header, and whether it looks like a session's.
fn token(value: &[u8]) -> Option<(bool, &[u8])> {
    let (scheme, token) = value.split_at_checked(7)?;
    let plain = |byte: &u8| (0x21..=0x7e).contains(byte) && *byte != b',';
    let session = token.starts_with(b"eyJ");
    let fits = value.len() <= if session { 1024 } else { 256 };
    let is_one = scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty() && token.iter().all(plain) && fits;
    is_one.then_some((session, token))
}
