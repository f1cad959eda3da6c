//! One connection: its TLS, if it is ours, and one request after the other. The gate's busiest door is answered before hyper
//! ([`super::express`]) or, where a verdict takes the database or is asked for in another way, before the router, which it need
//! not pay for.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONNECTION, HeaderValue};
use axum::http::{Request, Uri};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tower::ServiceExt;

use super::House;
use super::conversation::{Answer, Conversation};
use super::express::Express;
use super::limits::{LARGEST_HEAD, LONGEST_URI};
use super::patient_stream::PatientStream;
use crate::web::api::problem::Problem;
use crate::web::gate;
use crate::web::peer::Peer;
use crate::web::request::refused;

/// How long somebody who was taken in right before a stop has for their first request, which is on its way.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Serves `stream` until it ends, or until `closing` and the request in flight.
pub async fn attend(house: Arc<House>, stream: TcpStream, peer: SocketAddr, closing: watch::Receiver<()>) {
    let peer = Peer::at(peer);
    let Some(certificate) = house.certificate.clone() else {
        return converse(house, stream, peer, closing).await;
    };
    let handshake = certificate.acceptor().accept(stream);
    match timeout(house.app.limits.handshake, handshake).await {
        Ok(Ok(stream)) => Box::pin(converse(house, stream, Peer { over_tls: true, ..peer }, closing)).await,
        Ok(Err(error)) => tracing::debug!(%error, peer = %peer.address, "A handshake failed"),
        Err(_) => tracing::debug!(peer = %peer.address, "A handshake took too long"),
    }
}

async fn converse<S>(house: Arc<House>, stream: S, peer: Peer, mut closing: watch::Receiver<()>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let conversation = Arc::<Conversation>::default();
    let stream = PatientStream::new(stream, conversation.clone(), house.app.limits.clone());
    let stream = Express::new(stream, house.clone(), peer, conversation.clone());
    let told = conversation.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let answering = told.answer();
        let house = house.clone();
        async move { Ok::<_, Infallible>(house.answer(request, peer).await.map(|body| Answer::new(body, answering))) }
    });
    // No timer of hyper's: the stream has its own. A hundred headers are its limit as it is.
    let serving = http1::Builder::new().max_buf_size(LARGEST_HEAD).serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        biased;
        ended = serving.as_mut() => ended,
        _ = closing.changed() => {
            let is_new = conversation.turn() == 0;
            let last = if is_new { timeout(LAST_WORDS, serving.as_mut()).await.ok() } else { None };
            if let Some(ended) = last {
                ended
            } else {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, peer = %peer.address, "A connection broke");
    }
}

impl House {
    async fn answer(&self, mut request: Request<Incoming>, peer: Peer) -> Response {
        let mut answer = if length(request.uri()) > LONGEST_URI {
            refused(&Problem::uri_too_long(), &self.app.request_ids.next())
        } else if self.has_gate && gate::is_authorize(request.method(), request.uri().path()) {
            let (head, _) = request.into_parts();
            gate::respond(&self.app, &head, peer).await
        } else {
            request.extensions_mut().insert(peer);
            // Boxed, so that a verdict does not carry the room of a page.
            let answered = Box::pin(self.router.clone().oneshot(request.map(Body::new))).await;
            answered.unwrap_or_else(|never| match never {})
        };
        if self.app.is_draining() {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

fn length(uri: &Uri) -> usize {
    uri.path_and_query().map_or(0, |path| path.as_str().len())
}
