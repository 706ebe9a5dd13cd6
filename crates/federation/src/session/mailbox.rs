//! What is to be said to a session outside of its calls, and the one stream on which it is said.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::StreamExt as _;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::inbound::Frames;

/// How many messages wait for a reader. When there are more, the oldest news is dropped: what is said outside of calls is
/// news, and the newest counts.
const WAITING: usize = 256;

/// The queue of a session, and its reader if it has one. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Mailbox(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// There is something to read, or the reader has to go.
    news: Notify,
    /// There may be room.
    room: Notify,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Letter>,
    /// How many readers there have been; the last is the one that reads.
    readers: u64,
    is_read: bool,
    last_read: Option<Instant>,
    closed: bool,
}

struct Letter {
    message: Bytes,
    /// Whether it may be dropped for newer ones.
    news: bool,
}

impl Mailbox {
    /// Posts a message that may be lost if nobody reads for long. A message that waits already is not posted again.
    pub(crate) fn post(&self, message: Bytes) {
        let mut queue = self.queue();
        if queue.closed || queue.waiting.iter().any(|letter| letter.message == message) {
            return;
        }
        if queue.waiting.len() >= WAITING {
            let Some(oldest) = queue.waiting.iter().position(|letter| letter.news) else {
                return tracing::warn!(
                    "a session does not read its stream; a message outside of its calls was dropped"
                );
            };
            queue.waiting.remove(oldest);
            tracing::debug!(
                "a session does not read its stream; the oldest of {WAITING} waiting messages was dropped"
            );
        }
        queue.waiting.push_back(Letter { message, news: true });
        self.0.news.notify_waiters();
    }

    /// Sends a message that must not be lost, waiting for room. False if nobody reads.
    pub(crate) async fn send(&self, message: Bytes) -> bool {
        loop {
            let room = self.0.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            {
                let mut queue = self.queue();
                if queue.closed || !queue.is_read {
                    return false;
                }
                if queue.waiting.len() < WAITING {
                    queue.waiting.push_back(Letter { message, news: false });
                    self.0.news.notify_waiters();
                    return true;
                }
            }
            room.await;
        }
    }

    /// Opens the stream. A stream that was open before ends: a client that lost its connection without our noticing must be
    /// able to come back.
    pub(crate) fn read(&self) -> Frames {
        let mut queue = self.queue();
        queue.readers += 1;
        queue.is_read = !queue.closed;
        let reader = Reader { mailbox: self.clone(), number: queue.readers };
        drop(queue);
        self.0.news.notify_waiters();
        let frames = futures::stream::unfold(reader, |reader| async move {
            let message = reader.next().await?;
            Some((message.into(), reader))
        });
        Frames(frames.boxed())
    }

    /// Whether someone reads the stream.
    pub(crate) fn is_read(&self) -> bool {
        self.queue().is_read
    }

    /// When someone last did, if it is over.
    pub(crate) fn last_read(&self) -> Option<Instant> {
        self.queue().last_read
    }

    /// Ends the stream after what was sent.
    pub(crate) fn close(&self) {
        let mut queue = self.queue();
        queue.closed = true;
        queue.is_read = false;
        drop(queue);
        self.0.news.notify_waiters();
        self.0.room.notify_waiters();
    }

    /// Every change of the queue is complete in itself, so a panic elsewhere leaves nothing half done.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of the stream that the client reads.
struct Reader {
    mailbox: Mailbox,
    number: u64,
}

impl Reader {
    /// The next message; none when another reader took over, or when everything was read and no more will come.
    async fn next(&self) -> Option<Bytes> {
        loop {
            let news = self.mailbox.0.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            {
                let mut queue = self.mailbox.queue();
                if queue.readers != self.number {
                    return None;
                }
                if let Some(letter) = queue.waiting.pop_front() {
                    self.mailbox.0.room.notify_one();
                    return Some(letter.message);
                }
                if queue.closed {
                    return None;
                }
            }
            news.await;
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut queue = self.mailbox.queue();
        if queue.readers == self.number {
            queue.is_read = false;
            queue.last_read = Some(Instant::now());
            drop(queue);
            self.mailbox.0.room.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream::BoxStream;

    use super::*;
    use crate::inbound::Frame;

    fn text(n: usize) -> Bytes {
        Bytes::from(n.to_string())
    }

    async fn take(frames: &mut BoxStream<'static, Frame>, count: usize) -> Vec<Bytes> {
        frames.take(count).map(|frame| frame.message).collect().await
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
