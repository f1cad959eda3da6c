//! Gateways and proxies whose word about a request is taken.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// The peers whose word is taken; none unless the operator names them.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

impl FromStr for TrustedProxies {
    type Err = String;

    /// Addresses and CIDRs, a comma between two.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let network = |part: &str| {
            let parsed = part.parse::<IpNet>().or_else(|_| part.parse::<IpAddr>().map(IpNet::from));
            parsed.map_err(|_| format!("{part:?} is neither an address nor a CIDR such as 10.0.0.0/8"))
        };
        parts.map(network).collect::<Result<_, _>>().map(Self)
    }
}
