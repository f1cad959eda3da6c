//! Who may hold a connection: so many in all, and so many from one address, so that nobody takes every seat. A trusted
//! proxy brings many people from one address, so it is held only to the first figure, and a tenth of the seats is its own.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::limits::Limits;
use super::seldom::Seldom;
use crate::model::trusted_proxies::TrustedProxies;

/// Of the seats, what is kept for trusted proxies.
const KEPT: usize = 10;

pub struct Seats {
    /// For everybody, and for those who are no trusted proxy.
    in_all: usize,
    for_strangers: usize,
    per_address: usize,
    proxies: TrustedProxies,
    taken: Mutex<Taken>,
    /// Rings when a seat becomes free.
    pub freed: Notify,
}

#[derive(Default)]
struct Taken {
    in_all: usize,
    of: HashMap<u128, usize>,
    turned_away: Seldom,
}

/// A connection's; given back when it is dropped.
pub struct Seat {
    seats: Arc<Seats>,
    /// Whose it is counted for; nobody's, for a trusted proxy.
    source: Option<u128>,
}

impl Seats {
    pub fn new(limits: &Limits, proxies: &TrustedProxies) -> Self {
        let in_all = limits.connections;
        let kept = if proxies.is_empty() { 0 } else { in_all / KEPT };
        Self {
            in_all,
            for_strangers: in_all - kept,
            per_address: limits.connections_per_address,
            proxies: proxies.clone(),
            taken: Mutex::default(),
            freed: Notify::new(),
        }
    }

    /// A seat for somebody at `address`; none if there is no room.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let source = (!self.proxies.contains(address)).then(|| source_of(address));
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let room = if source.is_none() { self.in_all } else { self.for_strangers };
        let held = source.map_or(0, |source| taken.of.get(&source).copied().unwrap_or_default());
        if taken.in_all >= room || held >= self.per_address {
            let connections = taken.in_all;
            if let Some(times) = taken.turned_away.happened() {
                tracing::warn!(%address, times, connections, "A connection was turned away: there are too many");
            }
            return None;
        }
        taken.in_all += 1;
        if let Some(source) = source {
            taken.of.insert(source, held + 1);
        }
        Some(Seat { seats: self.clone(), source })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.in_all -= 1;
        if let Some(source) = self.source {
            match taken.of.get_mut(&source) {
                Some(held) if *held > 1 => *held -= 1,
                _ => _ = taken.of.remove(&source),
            }
        }
        drop(taken);
        self.seats.freed.notify_one();
    }
}

/// An IPv4 address, an IPv6 /64: what one customer of a provider holds.
fn source_of(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(in_all: usize, per_address: usize, proxies: &str) -> Arc<Seats> {
        let limits = Limits { connections: in_all, connections_per_address: per_address, ..Limits::default() };
        Arc::new(Seats::new(&limits, &proxies.parse().expect("networks")))
    }

    fn at(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_address_does_not_take_every_seat() {
        let seats = seats(10, 2, "");
        let mut held = [seats.take(at("203.0.113.9")), seats.take(at("::ffff:203.0.113.9"))];
        assert!(held.iter().all(Option::is_some) && seats.take(at("203.0.113.9")).is_none());
        assert!(seats.take(at("203.0.113.8")).is_some());
        held[0] = None;
        assert!(seats.take(at("203.0.113.9")).is_some(), "a seat that was given back is free");
    }

    #[test]
    fn an_ipv6_customer_is_one_source() {
        let seats = seats(10, 1, "");
        let held = seats.take(at("2001:db8:1:2:3::4"));
        assert!(held.is_some() && seats.take(at("2001:db8:1:2:ffff::1")).is_none());
        assert!(seats.take(at("2001:db8:1:3::1")).is_some());
    }

    #[test]
    fn a_gateway_finds_room_when_strangers_have_taken_theirs() {
        let seats = seats(10, 10, "10.0.0.1");
        let strangers: Vec<_> = (0..9).map(|_| seats.take(at("203.0.113.9"))).collect();
        assert!(strangers.iter().all(Option::is_some) && seats.take(at("203.0.113.8")).is_none());
        let gateway = seats.take(at("10.0.0.1"));
        assert!(gateway.is_some() && seats.take(at("10.0.0.1")).is_none(), "ten are ten");
    }

    #[test]
    fn where_no_proxy_is_trusted_every_seat_is_for_strangers() {
        let seats = seats(10, 10, "");
        let held: Vec<_> = (0..10).map(|_| seats.take(at("203.0.113.9"))).collect();
        assert!(held.iter().all(Option::is_some) && seats.take(at("203.0.113.8")).is_none());
    }

    #[test]
    fn nothing_is_remembered_of_whoever_left() {
        let seats = seats(10, 10, "");
        drop([seats.take(at("203.0.113.9")), seats.take(at("203.0.113.9")), seats.take(at("203.0.113.8"))]);
        let taken = seats.taken.lock().expect("no panic");
        assert_eq!((taken.in_all, taken.of.len()), (0, 0));
    }
}
