//! A stream that does not wait for ever: for the first byte, for the rest of a head, for the next request, or for a client
//! that does not read what it asked for. Whoever keeps it waiting is cut without an answer. It sets one timer for each
//! connection, and touches it at most once in a request.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::conversation::Conversation;
use super::limits::Limits;

pub struct PatientStream<S> {
    stream: S,
    conversation: Arc<Conversation>,
    limits: Arc<Limits>,
    /// The turn that `begun` is of.
    turn: u32,
    /// Whether a byte of the client's request has come.
    begun: bool,
    /// When something must have been read.
    read_by: Option<Instant>,
    /// When something must have been written.
    write_by: Option<Instant>,
    /// Rings at the nearer of both, or earlier. It is always set: nobody asks for the next request's first byte when our
    /// turn ends, because somebody did so during it.
    timer: Pin<Box<Sleep>>,
}

impl<S> PatientStream<S> {
    pub fn new(stream: S, conversation: Arc<Conversation>, limits: Arc<Limits>) -> Self {
        let timer = Box::pin(sleep(limits.first_byte));
        Self { stream, conversation, limits, turn: 0, begun: false, read_by: None, write_by: None, timer }
    }

    /// Notes a turn that has changed; whether it is the client's.
    fn waits_for_client(&mut self) -> bool {
        let turn = self.conversation.turn();
        if turn != self.turn {
            // A pause is counted from the last that was written of the answer.
            let was_writing = Conversation::is_ours(self.turn) && turn == self.turn.wrapping_add(1);
            self.read_by = self.read_by.filter(|_| was_writing);
            (self.turn, self.begun) = (turn, false);
        }
        !Conversation::is_ours(turn)
    }

    /// Sees to it that the timer is set.
    fn watch(&mut self, context: &mut Context<'_>) {
        while self.timer.as_mut().poll(context).is_ready() {
            let later = Instant::now() + self.limits.idle;
            self.timer.as_mut().reset(later);
        }
    }

    /// When the wait that begins now is over.
    fn patience(&self) -> Instant {
        let limits = &self.limits;
        let patience = match (self.begun, self.turn) {
            (true, _) => limits.head,
            (false, 0) => limits.first_byte,
            (false, _) => limits.idle,
        };
        Instant::now() + patience
    }

    /// Whether it is past `deadline`; if not, the task is woken when it is.
    fn is_past(&mut self, deadline: Instant, context: &mut Context<'_>) -> bool {
        let nearest = |after: Option<Instant>| {
            let both = [self.read_by, self.write_by].into_iter().flatten();
            both.filter(|at| after.is_none_or(|after| *at > after)).min().unwrap_or(deadline)
        };
        if self.timer.deadline() > nearest(None) {
            let next = nearest(None);
            self.timer.as_mut().reset(next);
        }
        while self.timer.as_mut().poll(context).is_ready() {
            let rung = self.timer.deadline();
            if rung >= deadline {
                return true;
            }
            let next = nearest(Some(rung));
            self.timer.as_mut().reset(next);
        }
        false
    }

    /// As [`Self::in_time`], of bytes: a client that reads them slowly is not idle.
    fn written(&mut self, done: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if done.is_ready() {
            self.waits_for_client();
            if !self.begun {
                self.read_by = Some(Instant::now() + self.limits.idle);
            }
        }
        self.in_time(done, context)
    }

    /// What a write or a flush has come to: one that is stuck for too long is an error.
    fn in_time<T>(&mut self, done: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.write_by = None;
            return done;
        }
        let deadline = *self.write_by.get_or_insert_with(|| Instant::now() + self.limits.write_stall);
        if self.is_past(deadline, context) { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PatientStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let is_waiting = this.waits_for_client();
        if let Poll::Ready(done) = Pin::new(&mut this.stream).poll_read(context, room) {
            if is_waiting && !this.begun {
                (this.begun, this.read_by) = (true, None);
            }
            return Poll::Ready(done);
        }
        if !is_waiting {
            this.watch(context);
            return Poll::Pending;
        }
        let deadline = this.read_by.unwrap_or_else(|| this.patience());
        this.read_by = Some(deadline);
        if this.is_past(deadline, context) { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PatientStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(done, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A verdict is one part: the kernel takes it sooner if it need not ask how many there are.
        if let [whole] = parts {
            return self.poll_write(context, whole);
        }
        let done = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.written(done, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_flush(context);
        self.in_time(done, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_shutdown(context);
        self.in_time(done, context)
    }
}
