//! Listening: the router behind a socket, until told to stop. Whoever comes finds a seat or is turned away; a machine
//! that has no room for another connection is asked again when one has ended. A stop tells load balancers first, takes
//! whoever is already at the door, and lets requests in flight finish.

pub mod certificate;
mod connection;
mod conversation;
mod express;
pub mod limits;
mod patient_stream;
mod question;
mod seats;
mod seldom;
pub mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{App, metrics, routes};
use crate::model::trusted_proxies::TrustedProxies;
use certificate::Certificate;
use seats::Seats;
use seldom::Seldom;

/// How long to wait when the machine has no room for another connection and none of ours ends.
const NO_ROOM: Duration = Duration::from_secs(1);

/// Where people come in.
pub struct Door {
    pub listener: TcpListener,
    /// Whether somebody else holds the socket too, such as systemd, and whoever waits there waits for our successor.
    pub is_inherited: bool,
    /// What TLS is spoken with; in the clear without.
    pub certificate: Option<Arc<Certificate>>,
}

/// What every connection works with.
struct House {
    app: App,
    router: Router,
    /// Whether the gate's busiest door is here too, before the router.
    has_gate: bool,
    certificate: Option<Arc<Certificate>>,
    seats: Arc<Seats>,
    /// Told once nobody is taken any more; gone from when every connection has ended.
    closing: watch::Sender<()>,
}

/// Serves until `stop` and the drain after it are over. A connection that fails ends alone.
pub async fn serve(app: App, door: Door, stop: impl Future<Output = ()>) {
    let limits = app.limits.clone();
    let house = Arc::new(House {
        router: routes::router(app.clone()),
        has_gate: true,
        seats: Arc::new(Seats::new(&limits, &app.proxies)),
        certificate: door.certificate,
        closing: watch::Sender::new(()),
        app,
    });
    tokio::select! {
        () = take_in(&house, &door.listener) => {}
        () = leave(&house, stop) => {}
    }
    if !door.is_inherited {
        // The kernel has told them that they are connected.
        while let Some(Ok((stream, peer))) = door.listener.accept().now_or_never() {
            house.seat(stream, peer);
        }
    }
    drop(door.listener);
    house.closing.send_replace(());
    if timeout(limits.drain, house.closing.closed()).await.is_err() {
        tracing::warn!("Some requests were cut off: they took longer than a stop waits");
    }
}

/// Serves the figures of `app`, for whoever runs it, until the process ends.
pub async fn serve_metrics(app: App, listener: TcpListener) {
    let house = House {
        router: metrics::router(app.clone()),
        has_gate: false,
        seats: Arc::new(Seats::new(&app.limits, &TrustedProxies::default())),
        certificate: None,
        closing: watch::Sender::new(()),
        app,
    };
    take_in(&Arc::new(house), &listener).await;
}

/// Waits for the order to stop, and then until load balancers know.
async fn leave(house: &House, stop: impl Future<Output = ()>) {
    stop.await;
    house.app.drain();
    sleep(house.app.limits.drain_delay).await;
}

/// Takes in whoever comes, for ever.
async fn take_in(house: &Arc<House>, listener: &TcpListener) {
    let mut no_room = Seldom::default();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => house.seat(stream, peer),
            Err(error) if is_of_one_connection(&error) => {
                tracing::debug!(%error, "A connection ended before it began");
            }
            Err(error) => {
                if let Some(times) = no_room.happened() {
                    tracing::error!(%error, times, "The machine has no room for another connection");
                }
                // It would say the same at once.
                let _ = timeout(NO_ROOM, house.seats.freed.notified()).await;
            }
        }
    }
}

/// Whether the next connection may well be taken (accept(2), "Error handling").
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted, NetworkDown, NetworkUnreachable,
    };
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | HostUnreachable | Interrupted | NetworkDown | NetworkUnreachable
    )
}

impl House {
    /// Serves one connection in a task of its own, if there is a seat for it.
    fn seat(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let Some(seat) = self.seats.take(peer.ip()) else {
            self.app.meters.turned_away();
            return;
        };
        let connected = self.app.meters.connected();
        // Answers are small, and somebody waits for each.
        let _ = stream.set_nodelay(true);
        let (house, closing) = (self.clone(), self.closing.subscribe());
        tokio::spawn(async move {
            connection::attend(house, stream, peer, closing).await;
            drop((seat, connected));
        });
    }
}
