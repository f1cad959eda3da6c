//! Who holds the other end of a connection, and how far their word about a request counts. Every reader of a forwarded
//! header comes through here; what each of those headers says is for [`Forwarded`] to know.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::Extensions;

use super::App;
use crate::gate::forwarded::{Ambiguous, Forwarded};
use crate::gate::headers::Headers;
use crate::host::{host_of, is_loopback};

/// The other end of the connection that a request came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub address: IpAddr,
    /// Whether our own TLS is between us.
    pub over_tls: bool,
}

impl Peer {
    /// In the clear.
    pub fn at(address: SocketAddr) -> Self {
        Self { address: address.ip().to_canonical(), over_tls: false }
    }

    pub fn of(extensions: &Extensions) -> Self {
        let nobody = Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), over_tls: false };
        extensions.get().copied().unwrap_or(nobody)
    }

    /// What it says of the request, as far as it is believed.
    ///
    /// # Errors
    /// If a trusted peer can be understood in two ways.
    pub fn says<'a>(&self, app: &App, headers: impl Headers<'a>) -> Result<Forwarded<'a>, Ambiguous> {
        Forwarded::read(headers, self.address, &app.proxies)
    }

    /// Whether a request to `host` travelled over TLS, or not at all. Where TLS is not ours it ended at a trusted peer or nowhere;
    /// one that says nothing of the client's side speaks for itself.
    pub fn is_secure(&self, forwarded: &Forwarded<'_>, host: Option<&str>) -> bool {
        let to_itself = || forwarded.source.is_loopback() && host.is_some_and(|host| is_loopback(host_of(host)));
        if forwarded.trusted { forwarded.secure.unwrap_or(true) } else { self.over_tls || to_itself() }
    }
}
