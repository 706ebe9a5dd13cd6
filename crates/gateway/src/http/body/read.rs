//! Reading a request's body under a ceiling.

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use crate::http::counts::Reason;
use bytes::{Bytes, BytesMut};
use http_body::Body;
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
    let began = Instant::now();
    let Some(first) = next(&mut body, began, 0).await? else { return Ok(Bytes::new()) };
    // Most calls come in one piece, which then need not be copied.
    if body.is_end_stream() && first.len() <= limit {
        return Ok(first);
    }
    let mut read = BytesMut::with_capacity(announced.max(first.len()));
    let mut piece = Some(first);
    while let Some(bytes) = piece {
        if bytes.len() > limit - read.len() {
            return Err(ReadError::TooLarge { limit });
        }
        read.extend_from_slice(&bytes);
        piece = next(&mut body, began, read.len()).await?;
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
        match frame {
            None => return Ok(None),
            Some(Err(error)) => return Err(ReadError::Broken(error.into())),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}
