//! The client's side of a connection, on which the task that calls writes the request and reads the answer itself.
//!
//! There is no task of its own and no queue: who drops a call in the middle drops its connection.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use crate::framing::{Fault, Framing, Next};
use crate::head::Finder;
use crate::memory::Memory;

mod head;
mod request;

pub use head::Head;
pub use request::{Opening, Request};

/// How much is read at once: at first, and of answers that turn out to be large.
const SMALL_READ: usize = 8 * 1024;
const LARGE_READ: usize = 64 * 1024;

/// A body up to this is copied behind its head, which takes less than to tell the system of two places.
const COPIED: usize = 4 * 1024;

/// With less room than this another buffer is begun, or the same one from its front.
const LEAST_ROOM: usize = 512;

/// How much is read at once of an answer that interests nobody, to keep its connection.
const DRAIN: usize = 64 * 1024;

/// What a connection runs over.
pub trait Io: AsyncRead + AsyncWrite + Unpin {
    /// Resolves when it is worth to have a buffer ready for reading.
    fn poll_readable(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    /// Whether a write that failed may have sent something nevertheless.
    fn is_buffered(&self) -> bool {
        false
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub struct Lost {
    /// What happened.
    pub error: io::Error,
    /// Whether the target may have seen some of the request.
    pub sent: bool,
}

/// What a connection is good for that nobody uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It may serve a request.
    Ready,
    /// The end of its last answer is still to come.
    Ending,
    /// It is of no more use.
    Spoilt,
}

/// A connection. It serves one request at a time.
#[derive(Debug)]
pub struct Connection<I> {
    io: I,
    /// What was read and belongs to nobody yet.
    input: BytesMut,
    /// The head of the last answer.
    memory: Memory<head::Known>,
    /// How much is read at once.
    appetite: usize,
    request: Outgoing,
    framing: Framing,
    /// How much of the answer was handed on.
    received: usize,
    /// Whether the server lets the connection serve another request.
    keep: bool,
}

/// A request on its way. An answer may come before all of it is written.
#[derive(Debug, Default)]
struct Outgoing {
    head: Vec<u8>,
    body: Bytes,
    written: usize,
    flushed: bool,
    failed: Option<io::Error>,
}

impl<I: Io> Connection<I> {
    /// A connection that was just opened.
    pub fn new(io: I) -> Self {
        Self {
            io,
            input: BytesMut::new(),
            memory: Memory::default(),
            appetite: SMALL_READ,
            request: Outgoing::default(),
            framing: Framing::Done,
            received: 0,
            keep: true,
        }
    }

    /// Looks at a connection that nobody uses, and reads over what is left of its last answer.
    pub fn condition(&mut self, cx: &mut Context<'_>) -> Condition {
        let mut left = DRAIN;
        while !self.is_done() {
            match self.poll_chunk(cx, false) {
                Poll::Pending => return Condition::Ending,
                Poll::Ready(Ok(Some(chunk))) if chunk.len() < left => left -= chunk.len(),
                Poll::Ready(Ok(None)) => {}
                Poll::Ready(_) => return Condition::Spoilt,
            }
        }
        // The other side should neither have closed it nor have said something that nobody asked for.
        let mut byte = [0];
        let quiet = Pin::new(&mut self.io).poll_read(cx, &mut ReadBuf::new(&mut byte)).is_pending();
        if quiet && self.is_reusable() { Condition::Ready } else { Condition::Spoilt }
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn exchange(&mut self, request: &Request) -> Result<Head, Lost> {
        self.request.begin(request);
        self.received = 0;
        // Until an answer is whole, the connection is good for nothing else.
        self.keep = false;
        let mut finder = Finder::default();
        let head = poll_fn(|cx| self.poll_head(cx, &mut finder, request)).await;
        let mut head = head.map_err(|error| self.lost(error))?;
        self.keep = head.keep;
        self.framing = std::mem::replace(&mut head.framing, Framing::Done);
        self.settle();
        Ok(head)
    }

    /// The next bytes of the body, at least one; nothing at its end. With `whole` a body of known length comes in one piece.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>, whole: bool) -> Poll<io::Result<Option<Bytes>>> {
        self.poll_send(cx);
        loop {
            match self.framing.next(&mut self.input).map_err(invalid)? {
                Next::Data(length) if !whole || self.is_whole(length) => {
                    self.framing.taken(length);
                    self.received = self.received.saturating_add(length);
                    let chunk = self.input.split_to(length).freeze();
                    self.settle();
                    return Poll::Ready(Ok(Some(chunk)));
                }
                Next::End => return Poll::Ready(Ok(None)),
                Next::Data(_) | Next::More => {}
            }
            let filled = self.poll_fill(cx);
            if filled.is_pending() && self.input.is_empty() {
                // Streams may be silent for hours.
                self.input = BytesMut::new();
            }
            if ready!(filled)? == 0 {
                return Poll::Ready(self.ended());
            }
        }
    }

    /// Whether the answer was read to its end.
    pub fn is_done(&self) -> bool {
        matches!(self.framing, Framing::Done)
    }

    /// How many bytes of the answer are to come at least.
    pub fn left(&self) -> u64 {
        self.framing.left()
    }

    /// Whether the connection may serve another request.
    pub fn is_reusable(&self) -> bool {
        self.keep && self.is_done() && self.input.is_empty() && self.request.is_written()
    }

    /// Gives up memory that the next request may not need.
    pub fn shrink(&mut self) {
        self.input = BytesMut::new();
        self.memory = Memory::default();
        self.request.head = Vec::new();
        self.appetite = SMALL_READ;
    }

    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        finder: &mut Finder,
        request: &Request,
    ) -> Poll<io::Result<Head>> {
        self.poll_send(cx);
        loop {
            match head::take(finder, &mut self.memory, &mut self.input, &request.method).map_err(invalid)? {
                Some(head) if head.status == StatusCode::SWITCHING_PROTOCOLS => {
                    return Poll::Ready(Err(invalid("it wants to speak another protocol")));
                }
                // More is to come (RFC 9110 §15.2).
                Some(head) if head.status.is_informational() => continue,
                Some(head) => return Poll::Ready(Ok(head)),
                None => {}
            }
            if ready!(self.poll_fill(cx))? == 0 {
                let closed = io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "connection closed before message completed",
                );
                return Poll::Ready(Err(closed));
            }
        }
    }

    /// Writes what can be written of the request. That it fails is no reason not to read: a server that refuses a request may
    /// say so and close the connection while it is still being written.
    fn poll_send(&mut self, cx: &mut Context<'_>) {
        if !self.request.is_written()
            && self.request.failed.is_none()
            && let Poll::Ready(Err(error)) = self.request.poll_write(&mut self.io, cx)
        {
            self.request.failed = Some(error);
        }
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let room = self.input.capacity() - self.input.len();
        if room < LEAST_ROOM {
            if self.input.is_empty() {
                ready!(self.io.poll_readable(cx));
            }
            self.input.reserve(self.appetite.max(self.announced()));
        }
        let room = self.input.capacity() - self.input.len();
        let read = ready!(poll_read_buf(Pin::new(&mut self.io), cx, &mut self.input))?;
        if read == room {
            self.appetite = (self.appetite * 2).min(LARGE_READ);
        }
        Poll::Ready(Ok(read))
    }

    /// What is known to come, as far as it is worth to have room for it before it does.
    fn announced(&self) -> usize {
        let left = usize::try_from(self.framing.left()).unwrap_or(usize::MAX);
        left.saturating_sub(self.input.len()).min(LARGE_READ.max(self.input.len()))
    }

    fn is_whole(&self, length: usize) -> bool {
        !matches!(self.framing, Framing::Length(left) if left > length as u64)
    }

    /// Notices the end of the body if it has been read, so that nobody has to ask once more.
    fn settle(&mut self) {
        // A fault is found again by who asks for more.
        if matches!(self.framing.next(&mut self.input), Ok(Next::End)) {
            self.appetite = self.received.next_power_of_two().clamp(SMALL_READ, LARGE_READ);
        }
    }

    /// The end of the connection, which may be that of the body.
    fn ended(&mut self) -> io::Result<Option<Bytes>> {
        if matches!(self.framing, Framing::Close) {
            self.framing = Framing::Done;
            return Ok(None);
        }
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "end of file before message length reached"))
    }

    fn lost(&mut self, error: io::Error) -> Lost {
        let error = self.request.failed.take().unwrap_or(error);
        Lost { error, sent: self.request.written > 0 || self.io.is_buffered() }
    }
}

impl Outgoing {
    fn begin(&mut self, request: &Request) {
        request.write_head(&mut self.head);
        if request.body.len() <= COPIED {
            self.head.extend_from_slice(&request.body);
            self.body = Bytes::new();
        } else {
            self.body = request.body.clone();
        }
        self.written = 0;
        self.flushed = false;
        self.failed = None;
    }

    fn is_written(&self) -> bool {
        self.flushed
    }

    fn poll_write<I: Io>(&mut self, io: &mut I, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let head = self.head.get(self.written..).unwrap_or_default();
            let body = self.body.get(self.written.saturating_sub(self.head.len())..).unwrap_or_default();
            let written = match (head, body) {
                ([], []) => break,
                ([], rest) | (rest, []) => ready!(Pin::new(&mut *io).poll_write(cx, rest))?,
                (head, body) => {
                    let slices = [IoSlice::new(head), IoSlice::new(body)];
                    ready!(Pin::new(&mut *io).poll_write_vectored(cx, &slices))?
                }
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
        }
        ready!(Pin::new(io).poll_flush(cx))?;
        self.flushed = true;
        // An answer may take hours.
        self.body = Bytes::new();
        Poll::Ready(Ok(()))
    }
}

fn invalid(fault: Fault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, fault)
}

#[cfg(test)]
mod tests;
