//! Outcomes and errors as HTTP responses: the only place that knows which status a kind of error gets.

use bytes::Bytes;
use federation::{ErrorKind, Frame, Frames, Outcome, Single};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use policy::{Kind, Refusal};
use protocol::{RpcError, header, message, sse};

use super::body::{Body, KEEP_ALIVE_AFTER, ReadError};

/// What a POST led to.
pub fn outcome(outcome: Outcome) -> Response<Body> {
    match outcome {
        Outcome::Accepted => empty(StatusCode::ACCEPTED),
        Outcome::One(one) => single(one),
        Outcome::Stream(frames) => events(frames),
    }
}

/// When a client may try again that found no room for a session, in seconds. Those that clients leave behind right after their
/// handshake end within a minute or two.
const TRY_AGAIN: HeaderValue = HeaderValue::from_static("30");

/// One message as JSON.
pub fn single(single: Single) -> Response<Body> {
    let Single { body, error, session } = single;
    let mut response = json(error.map_or(StatusCode::OK, status), body);
    if error == Some(ErrorKind::TooManySessions) {
        response.headers_mut().insert(RETRY_AFTER, TRY_AGAIN);
    }
    if let Some(session) = session.and_then(|session| HeaderValue::try_from(session).ok()) {
        response.headers_mut().insert(header::SESSION_ID, session);
    }
    response
}

/// Messages as server-sent events.
pub fn events(frames: Frames) -> Response<Body> {
    stream(frames.into_stream().map(|frame| message_event(&frame)).boxed())
}

/// A connection of 2024-11-05: an event that says where to POST, and then messages.
pub fn old_events(endpoint: &str, frames: Frames) -> Response<Body> {
    let first = event("endpoint", None, endpoint.as_bytes());
    let messages = frames.into_stream().map(|frame| message_event(&frame));
    let events = futures::stream::iter([first]).chain(messages);
    stream(events.boxed())
}

fn stream(events: BoxStream<'static, Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::events(events, KEEP_ALIVE_AFTER));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Asks reverse proxies not to hold events back (spec 2026-07-28, basic/transports/streamable-http).
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// How long a client waits before it comes back for a stream that broke off, in milliseconds. Long enough for a gateway
/// that is being replaced, short enough for someone who waits for an answer.
const COME_BACK: u64 = 1000;

fn message_event(frame: &Frame) -> Bytes {
    match frame.id.as_deref() {
        Some(id) if frame.message.is_empty() => {
            let mut out = Vec::new();
            sse::write_opening(id, COME_BACK, &mut out);
            out.into()
        }
        id => event("message", id, &frame.message),
    }
}

fn event(name: &str, id: Option<&str>, data: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(data.len() + 64);
    sse::write_event(Some(name), id, data, &mut out);
    out.into()
}

/// A request that is not meant for us, or comes from a page that may not send it.
pub fn refused(refusal: &Refusal) -> Response<Body> {
    tracing::warn!(kind = refusal.kind().as_str(), "refused a request: {refusal}");
    let status = match refusal.kind() {
        Kind::InvalidHost => StatusCode::BAD_REQUEST,
        Kind::ForeignHost | Kind::InvalidOrigin | Kind::ForeignOrigin => StatusCode::FORBIDDEN,
    };
    error(status, refusal.text())
}

/// A body that could not be read.
pub fn unread(problem: &ReadError) -> Response<Body> {
    let status = match problem {
        ReadError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        ReadError::Stalled => StatusCode::REQUEST_TIMEOUT,
        ReadError::Broken(_) => StatusCode::BAD_REQUEST,
    };
    match problem {
        ReadError::TooLarge { .. } => {
            error(status, &format!("{problem}; `config.limits.requestBody` sets the limit"))
        }
        ReadError::Stalled | ReadError::Broken(_) => error(status, &problem.to_string()),
    }
}

/// A message whose arrays and objects lie too deep in each other.
pub fn too_deep(body: &Bytes, limit: usize) -> Response<Body> {
    let text = format!(
        "the message is nested more than {limit} levels deep; `config.limits.jsonDepth` sets the limit"
    );
    let error = RpcError::new(protocol::error::INVALID_REQUEST, text).to_raw();
    json(StatusCode::BAD_REQUEST, message::response(message::find_id(body).as_ref(), Err(&error)))
}

/// An HTTP method that means nothing here.
pub fn method_not_allowed() -> Response<Body> {
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, "this method is not served here");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST, DELETE"));
    response
}

/// An error that is about no request that could be named.
pub fn error(status: StatusCode, text: &str) -> Response<Body> {
    let error = RpcError::new(protocol::error::INVALID_REQUEST, text).to_raw();
    json(status, message::response(None, Err(&error)))
}

/// A line of text.
pub fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A status and nothing else.
pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = status;
    response
}

/// A JSON body.
pub fn json(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// THE STATUS TABLE. Errors that are about the call and not about the message travel under 200.
fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::NotJson
        | ErrorKind::Malformed
        | ErrorKind::MissingMeta
        | ErrorKind::HeaderMismatch
        | ErrorKind::UnsupportedVersion
        | ErrorKind::MissingCapability
        | ErrorKind::SessionRequired => StatusCode::BAD_REQUEST,
        ErrorKind::UnknownMethod | ErrorKind::UnknownSession => StatusCode::NOT_FOUND,
        ErrorKind::TooManySessions => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorKind::InvalidParams
        | ErrorKind::UnknownResource
        | ErrorKind::TargetUnavailable
        | ErrorKind::TargetFailed
        | ErrorKind::TargetSilent
        | ErrorKind::CannotRelay => StatusCode::OK,
    }
}
