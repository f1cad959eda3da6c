//! What a peer says of the request that it forwards: from where, over what, and which. Only a trusted peer is believed;
//! what anybody else sends under these names changes nothing. A trusted peer that says one thing twice is a way in for
//! forgers (oauth2-proxy CVE-2026-40575, Traefik CVE-2026-39858), and its request is refused.

use std::net::{IpAddr, SocketAddr};

use super::headers::{Headers, text};
use crate::model::trusted_proxies::TrustedProxies;

/// A request as its peer describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarded<'a> {
    /// Who sent it to the first trusted peer.
    pub source: IpAddr,
    /// Whether it came to the first trusted peer over TLS, if a trusted peer says.
    pub secure: Option<bool>,
    /// The request that the peer asks about.
    pub original: Option<Original<'a>>,
    /// Whether the peer's word counts.
    pub trusted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Original<'a> {
    pub method: &'a str,
    /// Path and query as the client sent them.
    pub uri: &'a str,
}

/// Why a trusted peer's word cannot be taken.
pub type Ambiguous = &'static str;

const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";
const ORIGINAL: [&str; 2] = ["x-original-method", "x-original-uri"];
const FORWARDED: [&str; 2] = ["x-forwarded-method", "x-forwarded-uri"];

/// The value of each header that says something, in one pass over what is mostly a few others.
#[derive(Default)]
struct Said<'a> {
    source: Option<&'a [u8]>,
    proto: Option<&'a [u8]>,
    original: [Option<&'a [u8]>; 2],
    forwarded: [Option<&'a [u8]>; 2],
}

impl<'a> Forwarded<'a> {
    /// # Errors
    /// If a trusted peer says something twice, in two ways, or half.
    pub fn read(headers: impl Headers<'a>, peer: IpAddr, proxies: &TrustedProxies) -> Result<Self, Ambiguous> {
        let peer = peer.to_canonical();
        if !proxies.contains(peer) {
            return Ok(Self { source: peer, secure: None, original: None, trusted: false });
        }
        let said = Said::read(headers)?;
        let secure = match plain(said.proto)? {
            Some("https") => Some(true),
            Some("http") => Some(false),
            Some(_) => return Err("X-Forwarded-Proto is neither http nor https."),
            None => None,
        };
        Ok(Self {
            source: source(plain(said.source)?, peer, proxies)?,
            secure,
            original: said.request()?,
            trusted: true,
        })
    }
}

impl<'a> Said<'a> {
    fn read(headers: impl Headers<'a>) -> Result<Self, Ambiguous> {
        let mut said = Self::default();
        for (name, value) in headers.each() {
            if is_disguised(name) {
                return Err("A header is spelled like a forwarded one, with _ or . for -.");
            }
            if let Some(place) = said.place(name)
                && place.replace(value).is_some()
            {
                return Err("A forwarded header came twice.");
            }
        }
        Ok(said)
    }

    fn place(&mut self, name: &str) -> Option<&mut Option<&'a [u8]>> {
        let pairs = [(ORIGINAL, &mut self.original), (FORWARDED, &mut self.forwarded)];
        let places = pairs.into_iter().flat_map(|(names, pair)| names.into_iter().zip(pair));
        let mut places = places.chain([(FOR, &mut self.source), (PROTO, &mut self.proto)]);
        places.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, place)| place)
    }

    fn request(&self) -> Result<Option<Original<'a>>, Ambiguous> {
        match (pair(self.original)?, pair(self.forwarded)?) {
            (Some(_), Some(_)) => Err("X-Original-URI and X-Forwarded-Uri came both; the gateway must clear one."),
            (one, other) => Ok(one.or(other)),
        }
    }
}

/// A name that another server could fold onto one of ours.
fn is_disguised(name: &str) -> bool {
    name.contains(['_', '.']) && {
        let folded = name.replace(['_', '.'], "-").to_ascii_lowercase();
        ["x-forwarded-", "x-original-", "x-keydesk-"].iter().any(|ours| folded.starts_with(ours))
    }
}

fn plain(value: Option<&[u8]>) -> Result<Option<&str>, Ambiguous> {
    value.map(|value| text(value).ok_or("A forwarded header is not plain text.")).transpose()
}

/// The right-most address that no trusted peer has: what stands left of it, anybody could have written.
fn source(list: Option<&str>, peer: IpAddr, proxies: &TrustedProxies) -> Result<IpAddr, Ambiguous> {
    let Some(list) = list else { return Ok(peer) };
    let mut source = peer;
    for part in list.rsplit(',') {
        source = address(part.trim()).ok_or("X-Forwarded-For holds something that is no address.")?;
        if !proxies.contains(source) {
            break;
        }
    }
    Ok(source)
}

/// An address, with or without its port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    parsed.ok().map(|address: IpAddr| address.to_canonical())
}

fn pair([method, uri]: [Option<&[u8]>; 2]) -> Result<Option<Original<'_>>, Ambiguous> {
    match (plain(method)?, plain(uri)?) {
        (Some(method), Some(uri)) => Ok(Some(Original { method, uri })),
        (None, None) => Ok(None),
        _ => Err("Method and path of the original request must come both."),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    const PROXY: &str = "10.0.0.1";
    const STRANGER: &str = "203.0.113.9";

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("a value"));
        }
        headers
    }

    fn source(list: &'static str) -> Result<IpAddr, Ambiguous> {
        let proxies = "10.0.0.0/8, 2001:db8::1".parse().expect("networks");
        Forwarded::read(&headers(&[(FOR, list)]), ip(PROXY), &proxies).map(|forwarded| forwarded.source)
    }

    fn read(peer: &str, pairs: &[(&'static str, &'static str)]) -> Result<(Option<bool>, Option<String>), Ambiguous> {
        let (headers, proxies) = (headers(pairs), "10.0.0.0/8".parse().expect("a network"));
        let read = Forwarded::read(&headers, ip(peer), &proxies)?;
        Ok((read.secure, read.original.map(|original| format!("{} {}", original.method, original.uri))))
    }

    #[test]
    fn the_right_most_address_that_is_not_a_proxys_is_the_source() {
        assert_eq!(source("198.51.100.7"), Ok(ip("198.51.100.7")));
        assert_eq!(source("1.2.3.4, 198.51.100.7, 10.9.9.9"), Ok(ip("198.51.100.7")));
        assert_eq!(source("1.2.3.4, 198.51.100.7:4711 ,10.0.0.2"), Ok(ip("198.51.100.7")));
        assert_eq!(source("[2001:db8::7]:443, 2001:db8::1"), Ok(ip("2001:db8::7")));
        assert_eq!(source("::ffff:198.51.100.7"), Ok(ip("198.51.100.7")));
        assert_eq!(source("10.0.0.3, 10.0.0.2"), Ok(ip("10.0.0.3")));
        for garbage in ["", "unknown", "1.2.3.4,", "1.2.3", "1.2.3.4 5.6.7.8"] {
            assert!(source(garbage).is_err(), "{garbage:?}");
        }
    }

    #[test]
    fn a_stranger_says_nothing() {
        let forged = [
            (FOR, "127.0.0.1"),
            (FOR, "10.0.0.1"),
            (PROTO, "https"),
            ("x-original-uri", "/"),
            ("x_forwarded_for", "x"),
        ];
        let (headers, proxies) = (headers(&forged), "10.0.0.0/8".parse().expect("a network"));
        let read = Forwarded::read(&headers, ip(STRANGER), &proxies).expect("nothing to refuse");
        assert_eq!(read, Forwarded { source: ip(STRANGER), secure: None, original: None, trusted: false });
    }

    #[test]
    fn a_trusted_peer_says_what_was_asked_and_over_what() {
        assert_eq!(read(PROXY, &[(PROTO, "https")]), Ok((Some(true), None)));
        assert_eq!(read(PROXY, &[(PROTO, "http")]), Ok((Some(false), None)));
        let asked = Some("GET /v1/x?y".to_owned());
        assert_eq!(
            read(PROXY, &[("x-original-method", "GET"), ("x-original-uri", "/v1/x?y")]),
            Ok((None, asked.clone()))
        );
        assert_eq!(read(PROXY, &[("x-forwarded-method", "GET"), ("x-forwarded-uri", "/v1/x?y")]), Ok((None, asked)));
    }

    #[test]
    fn what_a_trusted_peer_says_twice_in_two_ways_or_half_is_refused() {
        for pairs in [
            &[(FOR, "1.2.3.4"), (FOR, "1.2.3.4")][..],
            &[(PROTO, "https"), (PROTO, "http")],
            &[(PROTO, "https, http")],
            &[("x-original-uri", "/")],
            &[("x-forwarded-method", "GET")],
            &[("x-original-uri", "/"), ("x-original-uri", "/"), ("x-original-method", "GET")],
            &[
                ("x-original-uri", "/a"),
                ("x-original-method", "GET"),
                ("x-forwarded-uri", "/b"),
                ("x-forwarded-method", "GET"),
            ],
            &[("x_forwarded_uri", "/a")],
            &[("x-forwarded.uri", "/a")],
            &[("x_keydesk_key_id", "key_1")],
        ] {
            assert!(read(PROXY, pairs).is_err(), "{pairs:?}");
        }
    }
}
