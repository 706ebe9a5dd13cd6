//! The bytes of a connection, with a deadline for a client that does not read, and an end that it can hear.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a client may take nothing of what waits for it. The federation gives a reader of its streams the same time.
pub(super) const READS_WITHIN: Duration = Duration::from_secs(60);

/// For how long the rest of a request is thrown away that was refused before it had come. If the connection were closed
/// under it, the system would answer the rest with a reset, and the client could lose the refusal (RFC 9112, 9.6).
const LISTENS_ON: Duration = Duration::from_secs(2);

/// What the two sides of a connection, its bytes and its requests, know of each other.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// Whether a request is being answered.
    answering: AtomicBool,
    /// Whether the client sent something that no request was made of, or a request that was refused.
    unheard: AtomicBool,
    /// Whether it was given up because the client does not read.
    stalled: AtomicBool,
    /// Whether its requests come over HTTP/2, which tells by itself what was heard and what was not.
    is_http2: AtomicBool,
}

impl Course {
    /// A request has begun.
    pub(super) fn begin(&self, version: Version) {
        self.is_http2.store(version == Version::HTTP_2, Ordering::Relaxed);
        self.answering.store(true, Ordering::Relaxed);
        self.unheard.store(false, Ordering::Relaxed);
    }

    /// It has an answer.
    pub(super) fn answer(&self, is_refusal: bool) {
        self.answering.store(false, Ordering::Relaxed);
        if is_refusal {
            self.unheard.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the client did not read.
    pub(super) fn has_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }

    /// Whether requests come over HTTP/2; not before there was one.
    pub(super) fn is_http2(&self) -> bool {
        self.is_http2.load(Ordering::Relaxed)
    }

    /// Whether the client has said something that was not heard as a request.
    pub(super) fn is_unheard(&self) -> bool {
        self.unheard.load(Ordering::Relaxed) && !self.is_http2()
    }

    fn heard_bytes(&self) {
        if !self.answering.load(Ordering::Relaxed) {
            self.unheard.store(true, Ordering::Relaxed);
        }
    }
}

/// A connection whose client has to read.
pub(super) struct Paced<IO> {
    io: IO,
    course: Arc<Course>,
    /// Runs while the client takes nothing.
    patience: Option<Pin<Box<Sleep>>>,
    end: End,
}

/// How far the end of a connection is.
enum End {
    Open,
    /// Nothing more is said; what still comes is thrown away until then.
    Listening(Pin<Box<Sleep>>),
    Closed,
}

impl<IO> Paced<IO> {
    pub(super) fn new(io: IO, course: Arc<Course>) -> Self {
        Self { io, course, patience: None, end: End::Open }
    }

    /// What came of handing bytes over, unless the client took nothing for too long.
    fn patiently<T>(
        &mut self,
        context: &mut Context<'_>,
        handed: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if handed.is_ready() {
            self.patience = None;
            return handed;
        }
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(READS_WITHIN)));
        ready!(patience.as_mut().poll(context));
        self.course.stalled.store(true, Ordering::Relaxed);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<IO: AsyncRead + Unpin> Paced<IO> {
    /// Throws away what still comes, until the client has closed its side too, or time is over.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let End::Listening(until) = &mut self.end else { return Poll::Ready(()) };
        let mut waste = [0; 4096];
        while until.as_mut().poll(context).is_pending() {
            let mut waste = ReadBuf::new(&mut waste);
            match ready!(Pin::new(&mut self.io).poll_read(context, &mut waste)) {
                Ok(()) if !waste.filled().is_empty() => {}
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Paced<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.io).poll_read(context, buffer));
        if buffer.filled().len() > before {
            self.course.heard_bytes();
        }
        Poll::Ready(read)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Paced<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(context, bytes);
        self.patiently(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(context, pieces);
        self.patiently(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(context);
        self.patiently(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.end, End::Open) {
            let shut = Pin::new(&mut self.io).poll_shutdown(context);
            ready!(self.patiently(context, shut))?;
            self.end = match self.course.is_unheard() {
                true => End::Listening(Box::pin(sleep(LISTENS_ON))),
                false => End::Closed,
            };
        }
        ready!(self.poll_rest(context));
        self.end = End::Closed;
        Poll::Ready(Ok(()))
    }
}
