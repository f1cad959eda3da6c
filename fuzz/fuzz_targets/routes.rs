//! The route matcher: what matches can be read in one way only, and is what the pattern says, segment by segment. The
//! first byte chooses the method; the rest is the URI.

#![no_main]

use std::sync::LazyLock;

use keydesk::product::Route;
use keydesk::product::routes::Routes;
use libfuzzer_sys::fuzz_target;

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "get", "OPTIONS"];
/// The scope names the pattern, so that an answer says which one matched.
const PATTERNS: [(&str, &str); 9] = [
    ("GET", "/v1/inboxes"),
    ("POST", "/v1/inboxes"),
    ("GET", "/v1/inboxes/{inbox}"),
    ("DELETE", "/v1/inboxes/{inbox}"),
    ("GET", "/v1/inboxes/{inbox}/messages/{id}"),
    ("GET", "/v1/inboxes/{inbox}/messages/search"),
    ("PUT", "/v1/domains/{name}/records"),
    ("GET", "/files/{*rest}"),
    ("GET", "/v1"),
];

static ROUTES: LazyLock<Routes> = LazyLock::new(|| {
    let of = |(method, path): &(&str, &str)| Route {
        method: (*method).into(),
        path: (*path).into(),
        scope: format!("{method} {path}"),
    };
    Routes::compile(&PATTERNS.iter().map(of).collect::<Vec<_>>()).expect("routes")
});

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(uri) = std::str::from_utf8(rest) else { return };
    let method = METHODS[usize::from(*first) % METHODS.len()];
    let found = ROUTES.find(method, uri);
    if let Some(found) = &found {
        check(method, uri, found.scope, found.inbox_id.as_deref());
    }
    // A query changes nothing, and is not there to hide a path.
    if !uri.contains('?') {
        assert_eq!(ROUTES.find(method, &format!("{uri}?a=/v1/../x%2f")), found);
    }
    // Escaping a letter once changes nothing either; twice is another path.
    if let Some(found) = found.filter(|_| uri.starts_with("/v1")) {
        assert_eq!(ROUTES.find(method, &uri.replacen("/v1", "/%761", 1)), Some(found));
        assert_eq!(ROUTES.find(method, &uri.replacen("/v1", "/%25761", 1)), None);
    }
});

fn check(method: &str, uri: &str, scope: &str, inbox: Option<&str>) {
    let path = uri.split('?').next().expect("a part");
    assert!(
        path.is_ascii() && path.bytes().all(|byte| !matches!(byte, b'\\' | b';' | b'#' | 0..=0x1f | 0x7f)),
        "{uri:?}"
    );
    let lower = path.to_ascii_lowercase();
    for hidden in ["%2f", "%5c", "%2e", "%00", "%25", "%3b", "%23", "%3f", "//", "/./", "/../"] {
        assert!(!lower.contains(hidden), "{hidden} in {uri:?}");
    }
    let (wanted, pattern) = scope.split_once(' ').expect("method and path");
    assert!(method == wanted || (method == "HEAD" && wanted == "GET"));
    let found: Vec<String> = path.split('/').map(decoded).collect();
    let segments: Vec<&str> = pattern.split('/').collect();
    let is_rest = pattern.contains("{*");
    assert!(found.len() == segments.len() || (is_rest && found.len() > segments.len()), "{uri:?} is not {pattern}");
    for (segment, found) in segments.iter().zip(&found) {
        match *segment {
            "{inbox}" => assert_eq!(inbox, Some(found.as_str())),
            variable if variable.starts_with('{') => assert!(!found.is_empty()),
            plain => assert_eq!(plain, found),
        }
    }
    assert_eq!(inbox.is_some(), pattern.contains("{inbox}"));
}

fn decoded(segment: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), segment.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| std::str::from_utf8(behind.get(..2)?).ok()).flatten();
        let code = escaped.filter(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match code.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
