//! Listening: the router behind a socket, until told to stop; requests in flight are finished. The gate's busiest door is
//! answered before the router, which a verdict need not pay for.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::{Router, http};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::{App, gate, metrics, routes};

/// How long a connection may take for the head of its next request. Gateways keep theirs open for half of it.
const HEAD: Duration = Duration::from_secs(60);
/// How long requests in flight may take once we are told to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait when the machine has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);

/// # Errors
/// None once it listens; a connection that fails ends alone.
pub async fn serve(
    app: App,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = routes::router(app.clone());
    let connections = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => connect(&app, &router, &connections, stream, peer),
            Err(error) => {
                tracing::warn!(%error, "A connection could not be accepted");
                tokio::time::sleep(NO_ROOM).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, connections.shutdown()).await.is_err() {
        tracing::warn!("Some requests were cut off: they took longer than a stop waits");
    }
    Ok(())
}

/// Serves the figures of `app`, for whoever runs it, until the process ends.
pub async fn serve_metrics(app: App, listener: TcpListener) {
    if let Err(error) = axum::serve(listener, metrics::router(app)).await {
        tracing::error!(%error, "The metrics are not served any more");
    }
}

/// Serves one connection in a task of its own.
fn connect(app: &App, router: &Router, connections: &GracefulShutdown, stream: TcpStream, peer: SocketAddr) {
    // Answers are small, and somebody waits for each.
    let _ = stream.set_nodelay(true);
    let (app, router) = (app.clone(), router.clone());
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let (app, router) = (app.clone(), router.clone());
        async move { Ok::<_, Infallible>(answer(&app, router, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let watched = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = watched.await {
            tracing::debug!(%error, %peer, "A connection broke");
        }
    });
}

async fn answer(app: &App, router: Router, request: http::Request<Incoming>) -> Response {
    if gate::is_authorize(request.method(), request.uri().path()) {
        let (head, _) = request.into_parts();
        return gate::respond(app, head).await;
    }
    // Boxed, so that a verdict does not carry the room of a page.
    let answered = Box::pin(router.oneshot(request.map(Body::new))).await;
    answered.unwrap_or_else(|never| match never {})
}
