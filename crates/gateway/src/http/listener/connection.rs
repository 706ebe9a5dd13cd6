//! HTTP on one connection: which of its versions, and what every request meets whichever it is.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, Version};
use http1::server::Connection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::paced::{Course, Paced};
use super::terms::Terms;
use super::{ConnInfo, Handler};
use crate::http::body::{Body, Incoming};
use crate::http::counts::Reason;
use crate::http::drain::Guard;
use crate::http::respond;

mod one;
mod two;

/// How long a client may take for the head of a request. On HTTP/1 that includes the time between two
/// requests, so this also ends connections that are no longer used.
const HEAD: Duration = Duration::from_secs(30);

/// For how long an HTTP/1 connection without a request is kept open when it is time to finish. A request may be on its way
/// over it, or follow soon from a client that uses it all the time; its answer says that the connection ends, and so none is
/// lost. A connection that is closed under a request leaves its client in doubt about what became of it.
const LINGER: Duration = Duration::from_millis(500);

/// Completes when such a connection has been kept open for long enough.
pub(super) async fn lingered(running: &Guard) {
    running.finishing().await;
    sleep(running.linger(LINGER)).await;
}

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
    let course = Arc::new(Course::default());
    let connection = Connection::new(Paced::new(io, course.clone()), from.terms.each().head);
    if let Some(connection) = one::serve(connection, &from, &course, &running).await {
        // Elsewhere, so that connections of HTTP/1 are small.
        Box::pin(two::serve(connection, from, course, running)).await;
    }
}

/// Answers one request, come what may.
fn answer<'a>(
    from: &'a From,
    course: &'a Course,
    head: Arc<Parts>,
    body: Incoming,
) -> impl Future<Output = Response<Body>> + use<'a> {
    let version = head.version;
    course.begin(version);
    let work = handle(from, head, body);
    async move {
        let mut response = work.await;
        course.answer(response.status().is_client_error());
        if version != Version::HTTP_2 && from.info.finishing.is_cancelled() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Has a request handled. It is handed over at once, so that what waits for the answer is small.
fn handle<'a>(
    from: &'a From,
    head: Arc<Parts>,
    body: Incoming,
) -> impl Future<Output = Response<Body>> + use<'a> {
    let asked = Arc::clone(&head);
    // After a panic nothing that it may have left half done is used again by us: the handler guards its own state.
    let begun = catch_unwind(AssertUnwindSafe(|| from.handler.handle(head, body, &from.info)));
    async move {
        let handled = match begun {
            Ok(work) => AssertUnwindSafe(work).catch_unwind().await,
            Err(panic) => Err(panic),
        };
        handled.unwrap_or_else(|panic| {
            // Only the path: a query may hold secrets.
            let (path, panic) = (asked.uri.path(), panic_text(panic.as_ref()));
            tracing::error!(method = %asked.method, path, panic, "a request failed; please report this");
            failure()
        })
    }
}

/// Refuses a request whose head has too many bytes or too many headers.
fn too_large(terms: &Terms) -> Response<Body> {
    terms.counts.refuse(Reason::RequestHead);
    let text = "the head of the request is larger than `config.limits.requestHead` allows";
    respond::error(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text)
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

#[cfg(test)]
mod tests;
