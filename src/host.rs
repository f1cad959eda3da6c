//! Hosts, as URLs and the `Host` header name them.

use std::net::IpAddr;

/// The host of a URL or a `Host` header, without its port.
pub fn host_of(text: &str) -> &str {
    let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// `localhost`, the whole of 127.0.0.0/8, and `::1`.
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_without_scheme_and_port() {
        assert_eq!(host_of("https://keys.example:8443"), "keys.example");
        assert_eq!(host_of("[::1]:8080"), "::1");
        assert!(is_loopback("LOCALHOST") && is_loopback("127.4.5.6") && is_loopback("::1"));
        assert!(!is_loopback("128.0.0.1") && !is_loopback("localhost.evil.example"));
    }
}
