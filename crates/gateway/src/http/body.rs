//! Bodies: the ones we send, and how those that clients send are read.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::{Frame, SizeHint};
use protocol::Pieces;

use super::counts::Counts;

mod events;
mod incoming;
mod read;

pub use events::{Events, KEEP_ALIVE_AFTER};
pub use incoming::Incoming;
pub use read::{ReadError, read_limited};

/// The body of a response. What is known from the beginning is handed over as a whole, and written with one call to the system.
#[derive(Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// All of it, with its length known.
    Full(Pieces),
    /// Piece by piece.
    Stream(BoxStream<'static, Bytes>),
    /// Piece by piece, as server-sent events that are kept alive.
    Events(Events),
}

impl Body {
    /// Server-sent events, already encoded. When there was none for the time of `silence`, a comment is sent,
    /// so that proxies do not take the stream for dead, and we notice a client that is. The body ends with
    /// the stream.
    pub fn events(events: BoxStream<'static, Bytes>, silence: Duration) -> Self {
        Self::Events(Events::new(events, silence))
    }

    /// Counts a stream of events as open until it ends, or its reader is gone.
    pub fn counted(mut self, counts: &Counts) -> Self {
        if let Self::Events(events) = &mut self {
            events.hold(counts.open_stream());
        }
        self
    }
}

/// Whether the headers say that the body is JSON.
pub fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

impl From<Pieces> for Body {
    fn from(pieces: Pieces) -> Self {
        if pieces.is_empty() { Self::Empty } else { Self::Full(pieces) }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Pieces::from(bytes).into()
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl http_body::Body for Body {
    type Data = Pieces;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Pieces>, Infallible>>> {
        let next = match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Full(pieces) => {
                let pieces = std::mem::take(pieces);
                *self = Self::Empty;
                Poll::Ready(Some(pieces))
            }
            Self::Stream(stream) => stream.poll_next_unpin(context).map(|bytes| bytes.map(Pieces::from)),
            Self::Events(events) => events.poll_next_unpin(context).map(|bytes| bytes.map(Pieces::from)),
        };
        next.map(|pieces| pieces.map(|pieces| Ok(Frame::data(pieces))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(pieces) => SizeHint::with_exact(pieces.len() as u64),
            Self::Stream(_) | Self::Events(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            // Not its content, which is a caller's and has no place in a log.
            Self::Full(pieces) => write!(f, "Full({} bytes)", pieces.len()),
            Self::Stream(_) => f.write_str("Stream"),
            Self::Events(events) => events.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
