//! Answers over HTTP/2 that their client does not read. It takes each stream by itself, so that the bytes of the connection,
//! and its pings, may flow while answers wait for ever.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
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
        let watched = Watched { body, rest: Bytes::new(), watch: Some((self.clone(), number)) };
        watched.note(true);
        watched
    }

    /// Completes when one has waited for so long, give or take a quarter.
    pub(super) async fn for_longer_than(&self, patience: Duration) {
        // Most connections are of HTTP/1, and never wake up for this.
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

/// The body of an answer, watched if need be. More of it is asked for when there is room for it, and not before.
pub(super) struct Watched {
    body: Body,
    rest: Bytes,
    watch: Option<(Unread, u64)>,
}

impl Watched {
    /// One whose reader is watched elsewhere.
    pub(super) fn not(body: Body) -> Self {
        Self { body, rest: Bytes::new(), watch: None }
    }

    fn note(&self, waits: bool) {
        if let Some((unread, number)) = &self.watch {
            let since = &mut unread.waiting().since;
            match waits {
                true => drop(since.insert(*number, Instant::now())),
                false => drop(since.remove(number)),
            }
        }
    }

    fn piece(&mut self, mut bytes: Bytes) -> Frame<Bytes> {
        if self.watch.is_some() && bytes.len() > PIECE {
            self.rest = bytes.split_off(PIECE);
        }
        self.note(true);
        Frame::data(bytes)
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.note(false);
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return Poll::Ready(Some(Ok(self.piece(rest))));
        }
        Pin::new(&mut self.body).poll_frame(context).map(|frame| match frame?.map(Frame::into_data) {
            Ok(Ok(bytes)) => Some(Ok(self.piece(bytes))),
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
