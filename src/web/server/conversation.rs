//! Whose turn it is on a connection: the client's, who is to send a request, or ours, who are to answer it. Told by the
//! service, which sees requests and the ends of answers, to the stream, which sees only bytes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

/// Turns so far: an even number is the client's, an odd one ours.
#[derive(Debug, Default)]
pub struct Conversation(AtomicU32);

/// Our turn; it ends when this is dropped.
pub struct Answering(Arc<Conversation>);

/// The body of an answer: our turn lasts until it is sent.
pub struct Answer {
    body: Body,
    _answering: Answering,
}

impl Answer {
    pub fn new(body: Body, answering: Answering) -> Self {
        Self { body, _answering: answering }
    }
}

impl Conversation {
    pub fn turn(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub fn is_ours(turn: u32) -> bool {
        turn % 2 == 1
    }

    /// A request has come.
    pub fn answer(self: &Arc<Self>) -> Answering {
        self.0.fetch_add(1, Ordering::Relaxed);
        Answering(self.clone())
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
