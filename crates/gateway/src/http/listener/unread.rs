//! Answers over HTTP/2 that their client does not read. It takes each stream by itself, so that the bytes of the connection,
//! and its pings, may flow while answers wait for ever.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Frame, SizeHint};
use protocol::Pieces;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::http::body::Body;

/// How much of an answer is handed over at a time. What was handed over is out of sight.
const PIECE: usize = 16 << 10;

/// The answers of a connection that wait for their client to take more, and since when. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Unread(Arc<Inner>);

#[derive(Default)]
struct Inner {
    waiting: Mutex<Waiting>,
    /// There is something to watch.
    some: Notify,
}

#[derive(Default)]
struct Waiting {
    latest: u64,
    since: HashMap<u64, Instant>,
}

impl Unread {
    /// Watches whether an answer is read.
    pub(super) fn watch(&self, body: Body) -> Watched {
        let number = {
            let mut waiting = self.waiting();
            waiting.latest += 1;
            waiting.latest
        };
        self.0.some.notify_one();
        let watched = Watched { body, rest: Pieces::default(), unread: self.clone(), number };
        watched.note(true);
        watched
    }

    /// Completes when one has waited for so long, give or take a quarter.
    pub(super) async fn for_longer_than(&self, patience: Duration) {
        self.0.some.notified().await;
        while !self.waiting().since.values().any(|since| since.elapsed() >= patience) {
            sleep(patience / 4).await;
        }
    }

    /// Every change is one call, so a panic elsewhere leaves nothing half done.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of an answer that is watched. More of it is asked for when there is room for it, and not before.
pub(super) struct Watched {
    body: Body,
    rest: Pieces,
    unread: Unread,
    number: u64,
}

impl Watched {
    fn note(&self, waits: bool) {
        let since = &mut self.unread.waiting().since;
        match waits {
            true => drop(since.insert(self.number, Instant::now())),
            false => drop(since.remove(&self.number)),
        }
    }

    fn piece(&mut self, mut pieces: Pieces) -> Frame<Pieces> {
        if pieces.len() > PIECE {
            self.rest = pieces;
            pieces = self.rest.split_to(PIECE);
        }
        self.note(true);
        Frame::data(pieces)
    }
}

impl http_body::Body for Watched {
    type Data = Pieces;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Pieces>, Infallible>>> {
        self.note(false);
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return Poll::Ready(Some(Ok(self.piece(rest))));
        }
        Pin::new(&mut self.body).poll_frame(context).map(|frame| match frame?.map(Frame::into_data) {
            Ok(Ok(pieces)) => Some(Ok(self.piece(pieces))),
            Ok(Err(other)) => Some(Ok(other)),
            Err(never) => match never {},
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.rest.is_empty() {
            true => self.body.size_hint(),
            false => SizeHint::default(),
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.note(false);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_watched_answer_is_handed_over_in_parts_and_whole_in_the_end() {
        let line = Bytes::from((0..5 * PIECE).map(|n| n as u8).collect::<Vec<_>>());
        let pieces = Pieces::from([line.slice(..7), line.slice(7..4 * PIECE), line.slice(4 * PIECE..)]);
        let mut body = Unread::default().watch(pieces.into());
        let (mut read, mut parts) = (Vec::new(), 0);
        while let Some(frame) = body.frame().await {
            let part = frame.expect("no error is possible").into_data().expect("data");
            assert!(part.len() <= PIECE);
            read.extend_from_slice(&part.join());
            parts += 1;
        }
        assert!(read == line && parts == 5, "{parts} parts");
    }
}
