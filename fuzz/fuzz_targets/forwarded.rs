//! Forwarded headers: a stranger changes nothing; a trusted peer is believed only in what it says once, whole and in
//! one way. The first byte chooses the peer; a line of the rest is a header.

#![no_main]

use std::net::IpAddr;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue};
use keydesk::gate::forwarded::Forwarded;
use keydesk::model::trusted_proxies::TrustedProxies;
use libfuzzer_sys::fuzz_target;

static PROXIES: LazyLock<TrustedProxies> = LazyLock::new(|| "10.0.0.0/8, 2001:db8::1".parse().expect("networks"));
const PEERS: [(&str, bool); 4] =
    [("10.0.0.1", true), ("::ffff:10.9.9.9", true), ("203.0.113.9", false), ("2001:db8::2", false)];

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let (peer, trusted) = PEERS[usize::from(*first) % PEERS.len()];
    let peer: IpAddr = peer.parse().expect("an address");
    let headers = headers(rest);
    let Ok(read) = Forwarded::read(&headers, peer, &PROXIES) else {
        assert!(trusted, "a stranger was listened to");
        return;
    };
    assert_eq!(read.trusted, trusted);
    if !trusted {
        assert_eq!((read.source, read.secure, read.original), (peer.to_canonical(), None, None));
        return;
    }
    let said = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next().map(HeaderValue::as_bytes);
        assert!(values.next().is_none(), "{name} was said twice");
        value
    };
    let proto = read.secure.map(|secure| if secure { &b"https"[..] } else { b"http" });
    assert_eq!(said("x-forwarded-proto"), proto);
    let original = read.original.map(|original| (original.method.as_bytes(), original.uri.as_bytes()));
    let pairs = ["x-original", "x-forwarded"].map(|family| {
        let [method, uri] = ["method", "uri"].map(|part| said(&format!("{family}-{part}")));
        assert_eq!(method.is_some(), uri.is_some(), "half a request");
        method.zip(uri)
    });
    assert!(pairs.iter().flatten().count() <= 1, "two requests");
    assert_eq!(original, pairs[0].or(pairs[1]));
    check_source(&read, peer, said("x-forwarded-for"));
    assert!(headers.keys().all(|name| !folds_onto_ours(name.as_str())));
});

fn headers(text: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.split(|byte| *byte == b'\n').take(12) {
        let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..at]);
        let value = HeaderValue::from_bytes(line[at + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

/// From the right, the first address that is no proxy's; all of them proxies', the first of all.
fn check_source(read: &Forwarded<'_>, peer: IpAddr, list: Option<&[u8]>) {
    let Some(list) = list.map(|list| std::str::from_utf8(list).expect("plain text")) else {
        return assert_eq!(read.source, peer.to_canonical());
    };
    let of = |part: &str| {
        let part = part.trim();
        let bare = part.trim_start_matches('[').trim_end_matches(']');
        let with_port = || part.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
        bare.parse().ok().or_else(with_port).map(|ip: IpAddr| ip.to_canonical())
    };
    let parts: Vec<&str> = list.split(',').collect();
    let is_proxys = |part: &&&str| of(part).is_some_and(|ip| PROXIES.contains(ip));
    let proxies = parts.iter().rev().take_while(is_proxys).count();
    let at = parts.len().saturating_sub(proxies + 1);
    assert_eq!(Some(read.source), of(parts[at]), "{list:?}");
}

fn folds_onto_ours(name: &str) -> bool {
    let folded: String = name.chars().map(|c| if matches!(c, '_' | '.') { '-' } else { c }).collect();
    folded != name && ["x-forwarded-", "x-original-", "x-keydesk-"].iter().any(|ours| folded.starts_with(ours))
}
