//! A connection of HTTP/2: many requests at once, each in a task of its own.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, IoSlice};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use futures::FutureExt as _;
use http::Request;
use http::header::CONTENT_LENGTH;
use http1::server::{Connection, MOST_HEADERS};
use hyper::body::Incoming as Http2Body;
use hyper::rt::Executor;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::sleep;

use super::super::paced::{Course, Paced, READS_WITHIN};
use super::super::terms::PerConnection;
use super::super::unread::Unread;
use super::{From, Guard, HEAD, Incoming, Reason, answer, panic_text, too_large};

/// How often a client is asked whether it is still there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(20);

/// Serves a connection to its end.
pub(super) async fn serve<IO>(
    connection: Connection<Paced<IO>>,
    from: From,
    course: Arc<Course>,
    running: Guard,
) where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (peer, from) = (from.info.peer, Arc::new(from));
    let (counts, each) = (from.terms.counts.clone(), from.terms.each());
    let unread = Unread::default();
    let service = service_fn({
        let (course, unread) = (Arc::clone(&course), unread.clone());
        move |request: Request<Http2Body>| {
            let (from, course, unread) = (Arc::clone(&from), Arc::clone(&course), unread.clone());
            async move {
                let response = match is_too_large(&request, each.head) {
                    true => {
                        course.begin(request.version());
                        course.answer(true);
                        too_large(&from.terms)
                    }
                    false => {
                        let (mut head, body) = request.into_parts();
                        // As in heads of HTTP/1: the body knows.
                        head.headers.remove(CONTENT_LENGTH);
                        answer(&from, &course, Arc::new(head), Incoming::Two(body)).await
                    }
                };
                Ok::<_, Infallible>(response.map(|body| unread.watch(body)))
            }
        }
    });
    let (io, read) = connection.into_parts();
    let connection = builder(Streams(running.clone()), each)
        .serve_connection(TokioIo::new(Prefixed { read, io }), service);
    let mut connection = pin!(connection);
    let mut silent = pin!(silence(&course));
    let (mut stalled, mut finish) =
        (pin!(unread.for_longer_than(READS_WITHIN)), pin!(running.finishing().fuse()));
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "a connection ended with an error");
                    if course.has_stalled() {
                        counts.refuse(Reason::SlowReader);
                    }
                }
                return;
            }
            () = running.cut() => return tracing::debug!(%peer, "a connection was cut"),
            () = silent.as_mut() => {
                if course.is_unheard() {
                    counts.refuse(Reason::SlowHead);
                }
                return tracing::debug!(%peer, "a client connected and did not ask for anything");
            }
            () = stalled.as_mut() => {
                counts.refuse(Reason::SlowReader);
                return tracing::debug!(%peer, "a client does not read its answers");
            }
            // It says at once that it will end, and still takes what was sent before the client heard of it (RFC 9113, 6.8).
            () = finish.as_mut() => connection.as_mut().graceful_shutdown(),
        }
    }
}

/// Completes if no request came in time.
async fn silence(course: &Course) {
    sleep(HEAD).await;
    if course.is_http2() {
        std::future::pending().await
    }
}

fn builder(streams: Streams, each: PerConnection) -> Builder<Streams> {
    let mut builder = Builder::new(streams);
    // What is too large is answered without a word. So that we can, somewhat more than is allowed is taken.
    let head = u32::try_from(each.head.saturating_mul(2)).unwrap_or(u32::MAX);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(each.requests)
        .max_header_list_size(head)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    builder
}

/// Whether a head would be too large if it were written as HTTP/1 does, or has too many headers.
fn is_too_large(request: &Request<Http2Body>, limit: usize) -> bool {
    let headers = request.headers();
    let line = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let size = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>();
    headers.len() > MOST_HEADERS || line + size > limit
}

/// Where the requests run: each in a task of its own, which counts as running, and
/// ends when its connection does, or is cut like it.
#[derive(Clone)]
struct Streams(Guard);

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let running = self.0.clone();
        tokio::spawn(async move {
            let stream = AssertUnwindSafe(stream).catch_unwind();
            tokio::select! {
                ended = stream => if let Err(panic) = ended {
                    tracing::error!(panic = panic_text(panic.as_ref()), "a response failed; please report this");
                },
                () = running.cut() => {}
            }
        });
    }
}

/// A connection of which something was read already.
struct Prefixed<IO> {
    read: Bytes,
    io: IO,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Prefixed<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let length = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read[..length]);
        self.read.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Prefixed<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
