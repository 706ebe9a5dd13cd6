//! HTTP on one connection: which of its versions, how long a client may take, and how it ends.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt as _, TryFutureExt as _};
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::paced::{Course, Paced, READS_WITHIN};
use super::terms::{PerConnection, Terms};
use super::unread::{Unread, Watched};
use super::{ConnInfo, Handler};
use crate::http::body::Body;
use crate::http::counts::Reason;
use crate::http::drain::Guard;
use crate::http::respond;

/// How long a client may take for the head of a request. On HTTP/1 that includes the time between two
/// requests, so this also ends connections that are no longer used.
const HEAD: Duration = Duration::from_secs(30);

/// How many headers a request may have. Clients send some twenty, and proxies on the way add a few.
const HEADERS: usize = 100;

/// For how long an HTTP/1 connection without a request is kept open when it is time to finish. A request may be on its way
/// over it, or follow soon from a client that uses it all the time; its answer says that the connection ends, and so none is
/// lost. A connection that is closed under a request leaves its client in doubt about what became of it.
pub(super) const LINGER: Duration = Duration::from_millis(500);

/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(20);

/// What a connection needs to be served.
pub(super) struct From {
    pub(super) info: Arc<ConnInfo>,
    pub(super) handler: Arc<dyn Handler>,
    pub(super) terms: Terms,
}

/// Serves a connection to its end, which is the first of: the client closes it, it breaks, the client is too
/// slow, it is idle when it is time to finish, it is cut.
pub(super) async fn serve<IO>(io: IO, from: From, running: Guard)
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (peer, from) = (from.info.peer, Arc::new(from));
    let (terms, each) = (from.terms.clone(), from.terms.each());
    let asked = Arc::new(AtomicBool::new(false));
    let course = Arc::new(Course::default());
    let unread = Unread::default();
    let service = service_fn({
        let (asked, course, unread) = (Arc::clone(&asked), Arc::clone(&course), unread.clone());
        move |request: Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            let unread = (request.version() == Version::HTTP_2).then(|| unread.clone());
            let answer = answer(Arc::clone(&from), Arc::clone(&course), each, request);
            answer.map_ok(|response| {
                response.map(|body| match unread {
                    Some(unread) => unread.watch(body),
                    None => Watched::not(body),
                })
            })
        }
    });
    let builder = builder(Streams(running.clone()), each);
    let io = TokioIo::new(Paced::new(io, course.clone()));
    let mut connection = pin!(builder.serve_connection(io, service));
    let turns: [BoxFuture<'_, Turn>; 4] = [
        running.cut().map(|()| Turn::Cut).boxed(),
        unread.for_longer_than(READS_WITHIN).map(|()| Turn::Stalled).boxed(),
        finishing(&running, &course).map(|()| Turn::Finish).boxed(),
        silence(&asked).map(|()| Turn::Silent).boxed(),
    ];
    // A set looks only at those that were woken up, which is hardly ever; each takes a lock.
    let mut turns = FuturesUnordered::from_iter(turns);
    loop {
        let turn = tokio::select! {
            // What has arrived is a request before it is too late for it.
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, error, "a connection ended with an error");
                    reason(&*error, &course).into_iter().for_each(|reason| terms.counts.refuse(reason));
                }
                return;
            }
            Some(turn) = turns.next() => turn,
        };
        match turn {
            Turn::Finish => connection.as_mut().graceful_shutdown(),
            Turn::Cut => return tracing::debug!(%peer, "a connection was cut"),
            Turn::Stalled => {
                terms.counts.refuse(Reason::SlowReader);
                return tracing::debug!(%peer, "a client does not read its answers");
            }
            Turn::Silent => {
                if course.is_unheard() {
                    terms.counts.refuse(Reason::SlowHead);
                }
                return tracing::debug!(%peer, "a client connected and did not ask for anything");
            }
        }
    }
}

/// What may happen to a connection other than by its requests.
enum Turn {
    /// It is time to finish.
    Finish,
    /// The time to finish is over.
    Cut,
    /// The client does not read its answers.
    Stalled,
    /// It did not ask for anything.
    Silent,
}

/// Completes when a connection should end as soon as it is idle. HTTP/2 says at once that it will, and still takes what was
/// sent before the client heard of it (RFC 9113, 6.8); HTTP/1 has no such word.
async fn finishing(running: &Guard, course: &Course) {
    running.finishing().await;
    if !course.is_http2() {
        sleep(running.linger(LINGER)).await;
    }
}

/// Why a connection that ended with an error was refused, if it was.
fn reason(error: &(dyn std::error::Error + 'static), course: &Course) -> Option<Reason> {
    if course.has_stalled() {
        return Some(Reason::SlowReader);
    }
    let error = error.downcast_ref::<hyper::Error>()?;
    match () {
        () if error.is_parse_too_large() => Some(Reason::RequestHead),
        () if error.is_parse() => Some(Reason::Malformed),
        // The same deadline ends connections on which nothing is asked any more.
        () if error.is_timeout() && course.is_unheard() => Some(Reason::SlowHead),
        () => None,
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

fn builder(streams: Streams, each: PerConnection) -> Builder<Streams> {
    let mut builder = Builder::new(streams);
    // HTTP/2 answers what is too large without a word. So that we can, it takes somewhat more than is allowed.
    let head = u32::try_from(each.head.saturating_mul(2)).unwrap_or(u32::MAX);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(each.head)
        .max_headers(HEADERS)
        .keep_alive(true)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(each.requests)
        .max_header_list_size(head)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    builder
}

/// Answers one request, come what may.
async fn answer(
    from: Arc<From>,
    course: Arc<Course>,
    each: PerConnection,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let version = request.version();
    course.begin(version);
    let mut response = match version == Version::HTTP_2 && is_too_large(&request, each.head) {
        true => {
            from.terms.counts.refuse(Reason::RequestHead);
            let text = "the head of the request is larger than `config.limits.requestHead` allows";
            respond::error(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text)
        }
        false => handle(&from, request).await,
    };
    course.answer(response.status().is_client_error());
    if version != Version::HTTP_2 && from.info.finishing.is_cancelled() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

async fn handle(from: &From, request: Request<Incoming>) -> Response<Body> {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let (handler, info) = (Arc::clone(&from.handler), Arc::clone(&from.info));
    // Called inside the future, so that a panic before the first await is caught as well. After it, nothing
    // that the panic may have left half done is used again by us: the handler guards its own state.
    let work = AssertUnwindSafe(async move { handler.handle(request, info).await });
    work.catch_unwind().await.unwrap_or_else(|panic| {
        // Only the path: a query may hold secrets.
        let (path, panic) = (uri.path(), panic_text(panic.as_ref()));
        tracing::error!(%method, path, panic, "a request failed; please report this");
        failure()
    })
}

/// Whether a head would be too large if it were written as HTTP/1 does, or has too many headers.
fn is_too_large(request: &Request<Incoming>, limit: usize) -> bool {
    let headers = request.headers();
    let line = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let size = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>();
    headers.len() > HEADERS || line + size > limit
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
