//! What is to be said to a session outside of its calls, and the one stream on which it is said.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::mpsc;

/// Messages for a client, each one JSON-RPC message.
pub struct Frames(pub(crate) BoxStream<'static, Bytes>);

impl Frames {
    /// The messages as a stream.
    pub fn into_stream(self) -> BoxStream<'static, Bytes> {
        self.0
    }
}

impl std::fmt::Debug for Frames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Frames")
    }
}

/// How many messages wait for a reader. When there are more, the oldest is dropped: what is said outside of calls is news,
/// and the newest news counts.
const WAITING: usize = 256;

/// The queue of a session, and its reader if it has one.
#[derive(Default)]
pub(crate) struct Mailbox(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Bytes>,
    reader: Option<mpsc::Sender<Bytes>>,
    closed: bool,
}

impl Mailbox {
    /// Posts a message that may be lost if nobody reads for long. A message that waits already is not posted again.
    pub(crate) fn post(&self, message: Bytes) {
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        let message = match inner.hand_over(message) {
            Ok(()) => return,
            Err(message) => message,
        };
        if inner.waiting.contains(&message) {
            return;
        }
        if inner.waiting.len() >= WAITING {
            inner.waiting.pop_front();
            tracing::warn!(
                "a session does not read its stream; the oldest of {WAITING} waiting messages was dropped"
            );
        }
        inner.waiting.push_back(message);
    }

    /// Sends a message that must not be lost, waiting for room. False if nobody reads.
    pub(crate) async fn send(&self, message: Bytes) -> bool {
        let reader = self.lock().reader.clone();
        match reader {
            Some(reader) => reader.send(message).await.is_ok(),
            None => false,
        }
    }

    /// Opens the stream. A stream that was open before ends: a client that lost its connection without our noticing must be
    /// able to come back.
    pub(crate) fn read(&self) -> Frames {
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut inner = self.lock();
        let waiting = std::mem::take(&mut inner.waiting);
        if !inner.closed {
            inner.reader = Some(sender);
        }
        let later = futures::stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|message| (message, receiver))
        });
        Frames(futures::stream::iter(waiting).chain(later).boxed())
    }

    /// Whether someone reads the stream.
    pub(crate) fn is_read(&self) -> bool {
        self.lock().reader.as_ref().is_some_and(|reader| !reader.is_closed())
    }

    /// Ends the stream after what was sent.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.reader = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Gives a message to the reader; gives it back if there is none or it has no room.
    fn hand_over(&mut self, message: Bytes) -> Result<(), Bytes> {
        let Some(reader) = &self.reader else {
            return Err(message);
        };
        match reader.try_send(message) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(message)) => Err(message),
            Err(mpsc::error::TrySendError::Closed(message)) => {
                self.reader = None;
                Err(message)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(n: usize) -> Bytes {
        Bytes::from(n.to_string())
    }

    async fn take(frames: &mut BoxStream<'static, Bytes>, count: usize) -> Vec<Bytes> {
        frames.take(count).collect().await
    }

    #[tokio::test]
    async fn what_was_posted_before_the_stream_opened_comes_first() {
        let mailbox = Mailbox::default();
        mailbox.post(text(1));
        mailbox.post(text(1));
        let mut frames = mailbox.read().into_stream();
        mailbox.post(text(2));
        assert!(mailbox.send(text(3)).await);
        assert_eq!(take(&mut frames, 3).await, [text(1), text(2), text(3)]);
    }

    #[tokio::test]
    async fn the_oldest_is_dropped_when_nobody_reads() {
        let mailbox = Mailbox::default();
        (0..WAITING + 2).for_each(|n| mailbox.post(text(n)));
        let mut frames = mailbox.read().into_stream();
        assert_eq!(take(&mut frames, 1).await, [text(2)]);
    }

    #[tokio::test]
    async fn a_second_reader_ends_the_first() {
        let mailbox = Mailbox::default();
        let mut first = mailbox.read().into_stream();
        let mut second = mailbox.read().into_stream();
        mailbox.post(text(1));
        assert_eq!(first.next().await, None);
        assert_eq!(take(&mut second, 1).await, [text(1)]);
        mailbox.close();
        assert_eq!(second.next().await, None);
        assert!(!mailbox.is_read());
    }
}
