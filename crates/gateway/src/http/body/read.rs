//! Reading a request's body under a ceiling.

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use crate::http::counts::Reason;
use bytes::{Bytes, BytesMut};
use futures::future::poll_immediate;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

/// How long a client may pause in the middle of a body.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How slowly a body may come on the whole, in bytes for each second beyond one such pause. A client that sends a byte from
/// time to time would hold a connection for days otherwise.
const SLOWEST: usize = 1024;

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is larger than allowed.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The ceiling.
        limit: usize,
    },
    /// The client stopped sending in the middle of it, or hardly sends.
    #[error("the body came too slowly, or no more of it for {} seconds", LONGEST_PAUSE.as_secs())]
    Stalled,
    /// The connection broke, or what came over it is not HTTP.
    #[error("the body is incomplete")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
}

impl ReadError {
    /// What was too much or too slow. A connection that broke is nobody's refusal.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::TooLarge { .. } => Some(Reason::RequestBody),
            Self::Stalled => Some(Reason::SlowBody),
            Self::Broken(_) => None,
        }
    }
}

/// Reads a body to its end, or to the limit.
///
/// A body that announces more than the limit is not read at all, and one that turns out larger no further
/// than the first piece that exceeds it.
pub async fn read_limited<B>(body: B, limit: usize) -> Result<Bytes, ReadError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut body = pin!(body);
    // The body knows its Content-Length; the header itself need not be looked at.
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(ReadError::TooLarge { limit });
    }
    // Most have come with their head, and then no clock is looked at.
    let mut piece = match poll_immediate(body.frame()).await {
        Some(None) => return Ok(Bytes::new()),
        Some(frame) => Some(data(frame)?.unwrap_or_default()),
        None => Some(Bytes::new()),
    };
    let mut began = None;
    let mut read = BytesMut::new();
    while let Some(bytes) = piece {
        if bytes.len() > limit - read.len() {
            return Err(ReadError::TooLarge { limit });
        }
        // One that comes in one piece need not be copied.
        if read.is_empty() && body.is_end_stream() {
            return Ok(bytes);
        }
        // No room is made before something has come, and then for all that will.
        if !bytes.is_empty() {
            read.reserve(announced.saturating_sub(read.len()).max(bytes.len()));
            read.extend_from_slice(&bytes);
        }
        piece = next(&mut body, *began.get_or_insert_with(Instant::now), read.len()).await?;
    }
    Ok(read.freeze())
}

/// The next piece of data of a body that began to be read then, and of which so much was read; trailers mean nothing to us.
async fn next<B>(body: &mut B, began: Instant, read: usize) -> Result<Option<Bytes>, ReadError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let earned = Duration::from_secs((read / SLOWEST) as u64);
    let deadline = (began + LONGEST_PAUSE + earned).min(Instant::now() + LONGEST_PAUSE);
    loop {
        let frame = timeout_at(deadline, body.frame()).await.map_err(|_| ReadError::Stalled)?;
        if frame.is_none() {
            return Ok(None);
        }
        if let Some(data) = data(frame)? {
            return Ok(Some(data));
        }
    }
}

/// What a frame holds of the body.
fn data<E>(frame: Option<Result<Frame<Bytes>, E>>) -> Result<Option<Bytes>, ReadError>
where
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let frame = frame.transpose().map_err(|error| ReadError::Broken(error.into()))?;
    Ok(frame.and_then(|frame| frame.into_data().ok()))
}
