//! One table of requests, and what is to become of each at every gateway.

use crate::desk::Keys;
use crate::gateway::Kind;

/// What is to become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It reaches the product, as it is and with our identity headers.
    Passes,
    /// It does not, and the client hears Keydesk's own answer: status and code.
    Refused(u16, &'static str),
    /// It does not, whether Keydesk refuses it or the gateway itself will not have it.
    Barred,
}

pub struct Case<'a> {
    pub name: &'static str,
    pub line: String,
    pub key: &'a str,
    /// Beside the key's, each ended by a line break.
    pub headers: String,
    pub body: &'static str,
    pub outcome: Outcome,
}

/// What a client sends to pass for somebody else, in several spellings.
const FORGED: &str = "X-Keydesk-Key-Id: forged\r\nx-keydesk-account-id: forged\r\nX-KEYDESK-TYPE: forged\r\n\
    X-Keydesk-Inbox: forged\r\nX-Keydesk-Inbox: forged\r\nX-Keydesk-Scopes: forged\r\nX-Keydesk-Environment: forged\r\n\
    X-Keydesk-Status: 200\r\nX-Keydesk-Error: forged\r\nX-Request-Id: forged\r\n";
const UNDERSCORED: &str = "X_Keydesk_Key_Id: forged\r\nX-Keydesk_Inbox: forged\r\nx_forwarded_for: 198.51.100.7\r\n\
    X_Forwarded_Uri: /v1/files/forged\r\nX_Original_URI: /v1/files/forged\r\n";
const DOTTED: &str = "X.Keydesk.Key.Id: forged\r\nX-Keydesk.Inbox: forged\r\n";
/// Another request than the one that is sent: one that the reader may make.
const OTHER_REQUEST: &str = "X-Original-URI: /v1/files/forged\r\nX-Original-Method: GET\r\nX-Original-URL: /v1/files/forged\r\n\
    X-Forwarded-Uri: /v1/files/forged\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Proto: forged\r\n\
    X-Forwarded-Host: forged\r\nX-Forwarded-For: 198.51.100.7\r\nForwarded: for=198.51.100.7\r\n";
const OTHER_SOURCE: &str = "X-Forwarded-For: 198.51.100.7\r\nX-Real-Ip: 198.51.100.7\r\nForwarded: for=198.51.100.7\r\n\
    X-Forwarded-For: 198.51.100.7\r\nTrue-Client-Ip: 198.51.100.7\r\n";
/// RFC 9110, section 7.6.1: what Connection names goes no further than the next hop.
const NOMINATED: &str = "Connection: X-Keydesk-Inbox, X-Keydesk-Scopes, X-Keydesk-Key-Id, X-Request-Id\r\n";
const NOMINATED_REQUEST: &str =
    "Connection: X-Original-Uri, X-Original-Method, X-Forwarded-Uri, X-Forwarded-Method\r\n";
const NOMINATED_SOURCE: &str = "Connection: X-Forwarded-For, X-Forwarded-Proto\r\n";

/// Paths that two servers could read in two ways.
const ODD_PATHS: [&str; 26] = [
    "/v1/%2e%2e/v1/inboxes",
    "/v1/x/../inboxes",
    "/v1/./inboxes",
    "/../v1/inboxes",
    "//v1/inboxes",
    "/v1//inboxes",
    "/v1/inboxes/",
    "/v1%2finboxes",
    "/v1%2Finboxes",
    "/v1/files/a%2fb",
    "/v1/files/..%2f..%2fkeys",
    "/v1/files/%2e%2e/inboxes",
    "/v1/files/../inboxes",
    "/v1/files/..;/inboxes",
    "/v1/inboxes;x=1",
    "/v1/inboxes%3bx",
    "/v1/inboxes%00",
    "/v1\\inboxes",
    "/v1/files/..\\inboxes",
    "/v1/inboxes%5c",
    "/v1/inboxes#x",
    "/v1/inboxes%23",
    "/v1/inboxes%3f",
    "/v1/inboxes%252f",
    "/V1/inboxes",
    "http://api.example.com/v1/nothing",
];

impl<'a> Case<'a> {
    fn new(name: &'static str, line: impl Into<String>, key: &'a str, outcome: Outcome) -> Self {
        Self { name, line: line.into(), key, headers: String::new(), body: "", outcome }
    }

    fn with(self, headers: impl Into<String>) -> Self {
        Self { headers: headers.into(), ..self }
    }

    fn carrying(self, body: &'static str) -> Self {
        Self { body, ..self }
    }

    /// The request line as the product sees it.
    pub fn arrives(&self, gateway: Kind) -> String {
        // A proxy turns a whole URL into a path (RFC 9112, section 3.2.1).
        let line = self.line.replace("http://api.example.com", "");
        // Traefik spells a letter as a letter and a ; as a &, before it asks.
        let line = if gateway == Kind::Traefik { line.replace("%69", "i").replace(';', "&") } else { line };
        line + " HTTP/1.1"
    }

    /// The headers, with the key's.
    pub fn all_headers(&self) -> String {
        let bearer =
            if self.key.is_empty() { String::new() } else { format!("Authorization: Bearer {}\r\n", self.key) };
        format!("{bearer}{}", self.headers)
    }
}

pub fn bearer(key: &str) -> String {
    format!("Authorization: Bearer {key}\r\n")
}

/// What passes, and what is refused in Keydesk's words.
pub fn plain(keys: &Keys) -> Vec<Case<'_>> {
    use Outcome::{Barred, Passes, Refused};
    let unauthorized = Refused(401, "unauthorized");
    let forbidden = Refused(403, "forbidden");
    let list = "GET /v1/inboxes";
    let own = format!("GET /v1/inboxes/{}/messages", keys.inbox);
    let other = format!("GET /v1/inboxes/{}/messages", keys.other_inbox);
    vec![
        Case::new("a good key", list, &keys.full, Passes),
        Case::new("HEAD", "HEAD /v1/inboxes", &keys.full, Passes),
        Case::new("HEAD without a key", "HEAD /v1/inboxes", "", Barred),
        Case::new("a query", "GET /v1/inboxes?limit=2&mode=nginx&q=%2F..%2f", &keys.full, Passes),
        Case::new("a space in a segment", "GET /v1/files/a%20b/c", &keys.full, Passes),
        Case::new("an escaped letter", "GET /v1/%69nboxes", &keys.full, Passes),
        Case::new("another method", format!("PUT /v1/inboxes/{}", keys.inbox), &keys.full, Passes).carrying("{}"),
        Case::new("a body", "POST /v1/messages", &keys.full, Passes).carrying("the whole of it"),
        Case::new("a body in chunks", "POST /v1/messages", &keys.full, Passes)
            .with("Transfer-Encoding: chunked\r\n")
            .carrying("3\r\nthe\r\n6\r\n whole\r\n0\r\n\r\n"),
        Case::new("a bound key at its inbox", own, &keys.bound, Passes),
        Case::new("a key from an allowed address", list, &keys.near, Passes),
        Case::new("no key", list, "", unauthorized),
        Case::new("garbage", list, "kd_live_garbage", unauthorized),
        Case::new("a deleted key", list, &keys.deleted, unauthorized),
        Case::new("a missing scope", list, &keys.reader, forbidden),
        Case::new("a missing scope, with a body", "POST /v1/messages", &keys.reader, forbidden).carrying("unread"),
        Case::new("another inbox", other, &keys.bound, Refused(404, "not_found")),
        Case::new("no route", "GET /v1/nothing", &keys.full, Refused(403, "route_unknown")),
        Case::new("no such method", "DELETE /v1/inboxes", &keys.full, Refused(403, "route_unknown")),
        Case::new("another address", list, &keys.distant, forbidden),
    ]
}

/// What somebody would send to get further than their key does. Where a gateway does otherwise than the others, both are
/// safe.
pub fn hostile(keys: &Keys, gateway: Kind) -> Vec<Case<'_>> {
    use Outcome::{Barred, Passes, Refused};
    let unless = |barred: bool| if barred { Barred } else { Passes };
    let forbidden = Refused(403, "forbidden");
    let list = "GET /v1/inboxes";
    let own = || format!("GET /v1/inboxes/{}/messages", keys.inbox);
    let mut cases = vec![
        Case::new("forged identity", list, &keys.full, Passes).with(FORGED),
        Case::new("forged identity of a bound key", own(), &keys.bound, Passes).with(FORGED),
        Case::new("forged names with _", own(), &keys.bound, Passes).with(UNDERSCORED),
        // Traefik can only take out names that it is told; Keydesk refuses the others.
        Case::new("forged names with .", own(), &keys.bound, unless(gateway == Kind::Traefik)).with(DOTTED),
        Case::new("another request claimed", list, &keys.reader, forbidden).with(OTHER_REQUEST),
        Case::new("another request claimed, to no harm", list, &keys.full, Passes).with(OTHER_REQUEST),
        Case::new("another source claimed", list, &keys.distant, forbidden).with(OTHER_SOURCE),
        Case::new("rights in the query", "GET /v1/inboxes?scope=mail:read", &keys.reader, forbidden),
        // Caddy would do as told.
        Case::new("identity struck out", own(), &keys.bound, unless(gateway == Kind::Caddy)).with(NOMINATED),
        Case::new("the request struck out", list, &keys.reader, Barred).with(NOMINATED_REQUEST),
        Case::new("the source struck out", list, &keys.distant, Barred).with(NOMINATED_SOURCE),
        Case::new("a good key, then garbage", list, &keys.full, Barred).with(bearer("garbage")),
        Case::new("a good key, twice", list, &keys.full, Barred).with(bearer(&keys.full)),
        Case::new("garbage, then a good key", list, "", Barred).with(bearer("garbage") + &bearer(&keys.full)),
        // Envoy takes an empty header for none.
        Case::new("a good key, then nothing", list, &keys.full, unless(gateway != Kind::Envoy))
            .with("Authorization:\r\n"),
        Case::new("a whole URL", "GET http://api.example.com/v1/inboxes", &keys.full, Passes),
        Case::new("a semicolon in the query", "GET /v1/inboxes?a=1;scope=mail:read", &keys.full, Passes),
        Case::new("a method like GET", "get /v1/inboxes", &keys.full, Barred),
        Case::new("a method beside", "GET /v1/inboxes", &keys.reader, forbidden)
            .with("X-HTTP-Method-Override: PUT\r\n"),
    ];
    cases.extend(ODD_PATHS.map(|path| Case::new("an odd path", format!("GET {path}"), &keys.full, Barred)));
    cases
}
