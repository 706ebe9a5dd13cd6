//! Response bodies: what they claim to be, and how they are read under a ceiling.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Frame, Incoming};
use tokio::time::timeout;

use crate::wire::http_client::plain;
use crate::{Error, ErrorKind, Task};

/// What we accept as the response to a message.
pub(crate) const ACCEPT: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// The media type of a message.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The media type of a stream.
pub(crate) const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// How long and how much of a body that interests nobody is read, to keep its connection.
const DRAIN_TIME: Duration = Duration::from_secs(1);
const DRAIN_SIZE: usize = 64 * 1024;

/// Whether a response claims to be a stream of events.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// The next bytes that are not none; nothing at the end.
pub(crate) async fn next_chunk(body: &mut Incoming) -> Result<Option<Bytes>, Error> {
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) if !data.is_empty() => return Ok(Some(data)),
            // Trailers.
            Ok(_) => {}
            Err(error) => return Err(broken(&error)),
        }
    }
    Ok(None)
}

fn broken(error: &hyper::Error) -> Error {
    Error::new(ErrorKind::Closed, format!("the target's answer broke off: {}", plain(error)))
}

/// Reads a body to its end. `first` was read already.
pub(crate) async fn collect(first: Bytes, mut body: Incoming, limit: usize) -> Result<Bytes, Error> {
    let too_large = || {
        let detail = format!("the target sent a message of more than {limit} bytes");
        Error::new(ErrorKind::TooLarge, detail)
    };
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced.saturating_add(first.len()) > limit {
        return Err(too_large());
    }
    let mut whole = first;
    let mut joined: Option<BytesMut> = None;
    while let Some(chunk) = next_chunk(&mut body).await? {
        let held = joined.as_ref().map_or(whole.len(), BytesMut::len);
        if held + chunk.len() > limit {
            return Err(too_large());
        }
        // A body that comes in one piece is not copied.
        if held == 0 {
            whole = chunk;
            continue;
        }
        let joined = joined.get_or_insert_with(|| {
            let mut joined = BytesMut::with_capacity((held + chunk.len()).max(announced.min(limit)));
            joined.extend_from_slice(&whole);
            joined
        });
        joined.extend_from_slice(&chunk);
    }
    Ok(joined.map_or(whole, BytesMut::freeze))
}

/// Reads what is left of a body that interests nobody, so that its connection can serve the next request: a stream
/// ends a moment after its last event, and dropping it in between would close the connection.
pub(crate) fn drain(mut body: Incoming) {
    if body.is_end_stream() {
        return;
    }
    let read = async move {
        let mut left = DRAIN_SIZE;
        while let Ok(Some(chunk)) = next_chunk(&mut body).await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                break;
            }
        }
    };
    Task::spawn_finite("drain", async move {
        let _ = timeout(DRAIN_TIME, read).await;
    });
}
