//! The gate's busiest question, answered between the socket and hyper: a plain `GET /gate/authorize` whose verdict is remembered.
//! Whatever is said in any other way, or takes the database, is hyper's to read, from its first byte: there is one way to
//! understand a request here, and it is narrow.
//!
//! A connection is handed over for good with its first request of another kind. One that only takes the database is handed over
//! alone, and whole: when hyper has answered it, it holds no byte of the next.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::House;
use super::conversation::{Answering, Conversation};
use super::question::{self, MOST_HEADERS, Read};
use super::wire::Wire;
use crate::web::gate::respond_from_memory;
use crate::web::peer::Peer;

/// Answers that are sent together, to whoever asks many times at once.
const MOST_AT_ONCE: usize = 16;
/// How often that happens until others have their turn.
const ROUNDS: usize = 4;
/// Room that a connection keeps between two requests.
const KEPT: usize = 4096;

/// What hyper reads and writes.
pub struct Express<S> {
    stream: S,
    desk: Desk,
    /// Bytes of requests that are not answered, of which hyper has none yet.
    held: Vec<u8>,
    whose: Whose,
}

/// Who answers.
struct Desk {
    house: Arc<House>,
    peer: Peer,
    conversation: Arc<Conversation>,
    wire: Wire,
    /// Our turn, until all is sent.
    answering: Option<Answering>,
}

/// Whose the next bytes are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    /// Hyper's, who has one whole request and answers it in this turn.
    OneTurn(u32),
    /// Hyper's, for good.
    Hypers,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// To send what was answered, and look again.
    Again,
    /// To read more.
    Read,
    /// Hyper, who was given something, or told of the end.
    Given,
}

/// What comes behind what was answered.
enum Found {
    /// A question, so many bytes long, that hyper is to answer.
    Whole(usize),
    /// Nothing yet, or the beginning of a question.
    Part,
    Other,
}

impl<S> Express<S> {
    pub fn new(stream: S, house: Arc<House>, peer: Peer, conversation: Arc<Conversation>) -> Self {
        let whose = if house.has_gate { Whose::Ours } else { Whose::Hypers };
        let desk = Desk { house, peer, conversation, wire: Wire::default(), answering: None };
        Self { stream, desk, held: Vec::new(), whose }
    }
}

impl Desk {
    /// Answers what it can of `bytes`; how many it took, and what comes then.
    fn answer(&mut self, bytes: &[u8]) -> (usize, Found) {
        // Hyper says that the connection ends with the answer.
        if self.house.app.is_draining() {
            return (0, Found::Other);
        }
        let mut taken = 0;
        for _ in 0..MOST_AT_ONCE {
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let (head, length) = match question::read(&bytes[taken..], &mut headers) {
                Read::Question(head, length) => (head, length),
                Read::Part => return (taken, Found::Part),
                Read::Other => return (taken, Found::Other),
            };
            if !respond_from_memory(&self.house.app, (head, self.peer), &mut self.wire) {
                return (taken, Found::Whole(length));
            }
            self.answering.get_or_insert_with(|| self.conversation.answer());
            taken += length;
        }
        (taken, Found::Part)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Express<S> {
    /// Sends the answers that are written.
    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.desk.answering.is_none() {
            return Poll::Ready(Ok(()));
        }
        while !self.desk.wire.rest().is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(context, self.desk.wire.rest()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.desk.wire.advance(sent),
            }
        }
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.desk.answering = None;
        Poll::Ready(Ok(()))
    }

    /// Reads into `room`; how many bytes.
    fn read(&mut self, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let before = room.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, room))?;
        Poll::Ready(Ok(room.filled().len() - before))
    }

    /// Hyper's turn: what is held comes first.
    fn pass_on(&mut self, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.held.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, room);
        }
        self.give(self.held.len().min(room.remaining()), room);
        Poll::Ready(Ok(()))
    }

    fn give(&mut self, bytes: usize, room: &mut ReadBuf<'_>) {
        room.put_slice(&self.held[..bytes]);
        self.let_go(bytes);
    }

    /// Holds so many bytes less.
    fn let_go(&mut self, bytes: usize) {
        self.held.drain(..bytes);
        if self.held.len() < KEPT {
            self.held.shrink_to(KEPT);
        }
    }

    /// While hyper answers one request it listens for the end of the connection; what else comes is held, and no more is read.
    fn listen(&mut self, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.held.is_empty() {
            let before = room.filled().len();
            if ready!(self.read(context, room))? == 0 {
                return Poll::Ready(Ok(()));
            }
            self.held.extend_from_slice(&room.filled()[before..]);
            room.set_filled(before);
        }
        // What wakes us is the end of the answer, in `poll_flush`.
        Poll::Pending
    }

    /// Answers of what is held what it can.
    fn answer_held(&mut self, room: &mut ReadBuf<'_>) -> Step {
        let (taken, found) = self.desk.answer(&self.held);
        self.let_go(taken);
        match found {
            _ if taken > 0 => Step::Again,
            Found::Part => Step::Read,
            Found::Whole(length) if length <= room.remaining() => {
                self.whose = Whose::OneTurn(self.desk.conversation.turn());
                self.give(length, room);
                Step::Given
            }
            Found::Whole(_) | Found::Other => {
                self.whose = Whose::Hypers;
                Step::Again
            }
        }
    }

    /// Reads, and answers what it can. Most often that is one request, all of it, and no byte of it is copied.
    fn answer_read(&mut self, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<Step>> {
        let before = room.filled().len();
        if ready!(self.read(context, room))? == 0 {
            return Poll::Ready(Ok(Step::Given));
        }
        let came = &room.filled()[before..];
        let (taken, found) = if self.held.is_empty() { self.desk.answer(came) } else { (0, Found::Part) };
        let turn = match found {
            Found::Whole(length) if (taken, length) == (0, came.len()) => {
                Some(Whose::OneTurn(self.desk.conversation.turn()))
            }
            Found::Other if taken == 0 => Some(Whose::Hypers),
            _ => None,
        };
        if let Some(hypers) = turn {
            self.whose = hypers;
            return Poll::Ready(Ok(Step::Given));
        }
        self.held.extend_from_slice(&came[taken..]);
        room.set_filled(before);
        Poll::Ready(Ok(Step::Again))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Express<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        for _ in 0..ROUNDS {
            ready!(this.send(context))?;
            match this.whose {
                Whose::Hypers => return this.pass_on(context, room),
                Whose::OneTurn(_) => return this.listen(context, room),
                Whose::Ours => {
                    let held = if this.held.is_empty() { Step::Read } else { this.answer_held(room) };
                    let step = if held == Step::Read { ready!(this.answer_read(context, room))? } else { held };
                    if step == Step::Given {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Express<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Hyper asks for it in each of its rounds, once it has written all that it had: only then is the answer to its one request on
    /// its way, and the next may follow.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let has_sent = this.desk.answering.is_some();
        // Before the stream's own: it would say that nobody keeps it waiting.
        ready!(this.send(context))?;
        ready!(Pin::new(&mut this.stream).poll_flush(context))?;
        let turn = this.desk.conversation.turn();
        let is_over = matches!(this.whose, Whose::OneTurn(began) if turn == began.wrapping_add(2));
        if is_over {
            this.whose = Whose::Ours;
        }
        // Hyper may not read again by itself: it was told to wait.
        if has_sent || (is_over && !this.held.is_empty()) {
            context.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.send(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
