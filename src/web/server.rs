//! Listening: the router behind a socket, until told to stop; requests in flight are finished.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::{App, routes};

/// # Errors
/// If the socket fails.
pub async fn serve(
    app: App,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = routes::router(app).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await
}
