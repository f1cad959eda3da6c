//! Under systemd: the socket that it holds for us, so that a restart loses nobody, and what it likes to be told. Started by
//! anybody else, each of these does nothing.

use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};

use super::Failure;

/// The socket that we were started with, if any.
///
/// # Errors
/// If it is none that people can connect to, or there are several.
pub fn socket() -> Result<Option<std::net::TcpListener>, Failure> {
    let mut given = ListenFd::from_env();
    if given.len() > 1 {
        return Err("Keydesk was started with several sockets; the socket unit may have one ListenStream only".into());
    }
    let listener = given.take_tcp_listener(0).map_err(|error| format!("cannot listen on the socket given: {error}"))?;
    if let Some(listener) = &listener {
        listener.set_nonblocking(true)?;
    }
    Ok(listener)
}

pub fn is_ready() {
    tell(&[NotifyState::Ready]);
}

pub fn is_stopping() {
    tell(&[NotifyState::Stopping]);
}

pub fn is_reloading() {
    // With the time, as sd_notify(3) asks of a notify-reload service.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "systemd was not told of the reload"),
    }
}

/// Shows the watchdog that we are alive, twice as often as it asks. It sees the runtime, not the database: a restart brings
/// no database back, and forgets the verdicts that are still good.
pub async fn feed_watchdog() {
    let Some(every) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = interval((every / 2).max(Duration::from_millis(100)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd could not be told");
    }
}
