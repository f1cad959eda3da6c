//! Networks: the part of an address that one customer of a provider holds.

use std::net::IpAddr;

/// An IPv4 address, an IPv6 /64.
pub fn source_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_customer_is_one_source() {
        let source = |text: &str| source_of(text.parse().expect("an address"));
        assert_eq!(source("2001:db8:1:2:3::4"), source("2001:db8:1:2:ffff::1"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:203.0.113.9"), "203.0.113.9");
    }
}
