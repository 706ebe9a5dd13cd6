//! A stream of server-sent events that never stays silent for long.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};

use crate::http::counts::OpenStream;
use crate::http::deadline::Deadline;

/// How long a stream may be silent. Proxies commonly give up on a connection after 30 to 60 seconds.
pub const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(15);

/// No timer of tokio is finer, and a silence of zero would fill the connection with comments.
const SHORTEST: Duration = Duration::from_millis(1);

/// Encoded events, with comments where there would be silence.
pub struct Events {
    events: BoxStream<'static, Bytes>,
    silence: Deadline,
    /// Counts the stream as open.
    _open: Option<OpenStream>,
}

impl Events {
    pub(super) fn new(events: BoxStream<'static, Bytes>, silence: Duration) -> Self {
        Self { events, silence: Deadline::new(silence.max(SHORTEST)), _open: None }
    }

    /// Holds this until the stream ends or is dropped.
    pub(super) fn hold(&mut self, open: OpenStream) {
        self._open = Some(open);
    }
}

impl Stream for Events {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let next = match self.events.poll_next_unpin(context) {
            Poll::Ready(event) => event,
            Poll::Pending => {
                ready!(self.silence.poll_over(context));
                Some(Bytes::from_static(protocol::sse::KEEP_ALIVE))
            }
        };
        self.silence.restart();
        Poll::Ready(next)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("silence", &self.silence).finish_non_exhaustive()
    }
}
