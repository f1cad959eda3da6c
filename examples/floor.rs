//! The floor of `scripts/bench`: axum set up as Keydesk sets it up, and one route that answers a constant. What Keydesk
//! takes beyond it is its own.
//!
//! `floor ADDRESS PATH` serves until SIGTERM.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(path)) = (arguments.next(), arguments.next()) else {
        return Err("floor takes the address to listen on and the path to answer".into());
    };
    let listener = TcpListener::bind(address).await?;
    println!("The floor is listening on http://{}", listener.local_addr()?);
    let service = Router::new().route(&path, get(async || "ok")).into_make_service_with_connect_info::<SocketAddr>();
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        terminate.recv().await;
    };
    axum::serve(listener, service).with_graceful_shutdown(stop).await?;
    Ok(())
}
