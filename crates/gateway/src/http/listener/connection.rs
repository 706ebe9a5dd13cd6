//! HTTP on one connection: which of its versions, how long a client may take, and how it ends.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::{ConnInfo, Handler};
use crate::http::body::Body;
use crate::http::drain::Guard;

/// How long a client may take for the head of a request. On HTTP/1 that includes the time between two
/// requests, so this also ends connections that are no longer used.
const HEAD: Duration = Duration::from_secs(30);

/// How large the head of a request may be.
const HEAD_BYTES: u32 = 64 * 1024;

/// How many requests one HTTP/2 connection may have open. A client with many open event streams needs some.
const STREAMS: u32 = 250;

/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(20);

/// What a connection needs to be served.
pub(super) struct From {
    pub(super) info: Arc<ConnInfo>,
    pub(super) handler: Arc<dyn Handler>,
}

/// Serves a connection to its end, which is the first of: the client closes it, it breaks, the client is too
/// slow, it is idle when it is time to finish, it is cut.
pub(super) async fn serve<IO>(io: IO, from: From, running: Guard)
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let peer = from.info.peer;
    let asked = Arc::new(AtomicBool::new(false));
    let service = service_fn({
        let asked = Arc::clone(&asked);
        move |request| {
            asked.store(true, Ordering::Relaxed);
            answer(Arc::clone(&from.handler), Arc::clone(&from.info), request)
        }
    });
    let builder = builder(Streams(running.clone()));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
    let mut silence = pin!(silence(&asked).fuse());
    let mut finishing = pin!(running.finishing().fuse());
    let mut cut = pin!(running.cut());
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, error, "a connection ended with an error");
                }
                return;
            }
            () = &mut finishing => connection.as_mut().graceful_shutdown(),
            () = cut.as_mut() => return tracing::debug!(%peer, "a connection was cut"),
            () = &mut silence => return tracing::debug!(%peer, "a client connected and did not ask for anything"),
        }
    }
}

/// Completes if no request came in time.
///
/// hyper's own deadline begins only when it is known whether the client speaks HTTP/1 or 2, which takes its
/// first bytes: without this one, a client that sends nothing would be waited for without end.
async fn silence(asked: &AtomicBool) {
    sleep(HEAD).await;
    if asked.load(Ordering::Relaxed) {
        std::future::pending().await
    }
}

fn builder(streams: Streams) -> Builder<Streams> {
    let mut builder = Builder::new(streams);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES as usize)
        .keep_alive(true)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    builder
}

/// Answers one request, come what may.
async fn answer(
    handler: Arc<dyn Handler>,
    from: Arc<ConnInfo>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    // Called inside the future, so that a panic before the first await is caught as well. After it, nothing
    // that the panic may have left half done is used again by us: the handler guards its own state.
    let work = AssertUnwindSafe(async move { handler.handle(request, from).await });
    Ok(work.catch_unwind().await.unwrap_or_else(|panic| {
        // Only the path: a query may hold secrets.
        let (path, panic) = (uri.path(), panic_text(panic.as_ref()));
        tracing::error!(%method, path, panic, "a request failed; please report this");
        failure()
    }))
}

fn failure() -> Response<Body> {
    let mut response =
        Response::new(Body::from("The gateway failed to answer this request. Its log says more.\n"));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}

/// Where the requests of an HTTP/2 connection run: each in a task of its own, which counts as running, and
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

#[cfg(test)]
mod tests;
