//! Response bodies: what they claim to be, and how they are read under a ceiling.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::{self, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Uri};
use http1::client::Opening;

use super::plain;
use super::pool::{Pool, Pooled};
use crate::spread::Lent;
use crate::{Error, ErrorKind};

/// What we accept as the response to a message.
const ACCEPT: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// The media type of a message.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The media type of a stream.
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// What messages are sent with.
pub(crate) fn posts(url: &Uri) -> Opening {
    let headers = [(CONTENT_TYPE, JSON), (header::ACCEPT, ACCEPT)];
    Opening::new(Method::POST, url, &headers.into_iter().collect())
}

/// What a stream is asked for with.
pub(crate) fn gets(url: &Uri) -> Opening {
    Opening::new(Method::GET, url, &[(header::ACCEPT, EVENT_STREAM)].into_iter().collect())
}

/// Whether a response claims to be a stream of events.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// The body of a response. At its end the connection goes to the next request; who drops it before that closes the connection.
#[derive(Debug)]
pub(crate) struct Body(Option<Reading>);

#[derive(Debug)]
struct Reading {
    pooled: Pooled,
    pool: Lent<Pool>,
}

impl Body {
    /// The body that follows the head which was just read.
    pub(super) fn new(pooled: Pooled, pool: Lent<Pool>) -> Self {
        let mut body = Self(Some(Reading { pooled, pool }));
        body.settle();
        body
    }

    /// The next bytes that are not none; nothing at the end.
    pub(crate) async fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        poll_fn(|cx| self.poll_chunk(cx, false)).await
    }

    /// The next bytes, and all of them if the body said how long it is.
    async fn next_whole(&mut self) -> Result<Option<Bytes>, Error> {
        poll_fn(|cx| self.poll_chunk(cx, true)).await
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>, whole: bool) -> Poll<Result<Option<Bytes>, Error>> {
        let Some(reading) = &mut self.0 else { return Poll::Ready(Ok(None)) };
        let chunk = ready!(reading.pooled.connection.poll_chunk(cx, whole));
        match chunk {
            Ok(_) => self.settle(),
            Err(_) => self.0 = None,
        }
        Poll::Ready(chunk.map_err(|error| broken(&error)))
    }

    /// How many bytes are to come at least.
    fn left(&self) -> usize {
        let left = self.0.as_ref().map_or(0, |reading| reading.pooled.connection.left());
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    /// Gives the connection back as soon as the body has been read.
    fn settle(&mut self) {
        if let Some(Reading { pooled, pool }) = self.0.take_if(|reading| reading.pooled.connection.is_done())
        {
            pool.give(pooled);
        }
    }
}

fn broken(error: &io::Error) -> Error {
    Error::new(ErrorKind::Closed, format!("the target's answer broke off: {}", plain(error)))
}

/// Reads a body to its end. `first` was read already.
pub(crate) async fn collect(first: Bytes, mut body: Body, limit: usize) -> Result<Bytes, Error> {
    let too_large = || {
        let detail = format!("the target sent a message of more than {limit} bytes");
        Error::new(ErrorKind::TooLarge, detail)
    };
    let announced = body.left();
    if announced.saturating_add(first.len()) > limit {
        return Err(too_large());
    }
    let mut whole = first;
    let mut joined: Option<BytesMut> = None;
    while let Some(chunk) = body.next_whole().await? {
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

/// Leaves a body that interests nobody, so that its connection can serve the next request: a stream ends a moment after its last
/// event, and dropping it in between would close the connection.
pub(crate) fn drain(body: Body) {
    if let Some(Reading { pooled, pool }) = body.0 {
        pool.give(pooled);
    }
}
