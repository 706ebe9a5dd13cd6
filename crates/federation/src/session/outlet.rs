//! One stream towards a client: what is to be said on it, its one reader, and what was said lately, so that a client whose
//! connection broke can hear it again.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use protocol::Pieces;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use upstream::latch;

use self::queue::{Admission, Queue};
use super::event_id::EventId;
use crate::inbound::{Frame, Frames};

mod queue;

pub(crate) use self::queue::Kind;

/// How long a reader may take nothing while there is no room. Beyond it, it counts as gone: its connection may be open, but
/// calls do not wait for it. It can come back like any other.
const STALLED: Duration = Duration::from_secs(60);

/// A stream towards a client, whether or not it reads it at the moment. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Outlet(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to read, or the reader has to go.
    news: Notify,
    /// There may be room.
    room: Notify,
}

#[derive(Default)]
struct State {
    queue: Queue,
    /// How many readers there have been; the last is the one that reads.
    readers: u32,
    is_read: bool,
    /// When a reader took something, or took the place of another.
    moved: Option<Instant>,
    last_read: Option<Instant>,
    /// Whether a reader that goes away can come back.
    resumable: bool,
    /// Since when nothing more will come.
    over: Option<Instant>,
    /// Whether a reader got to the end.
    told: bool,
}

/// A stream that is over and that nobody reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rest {
    pub(crate) since: Instant,
    /// Whether it was read to its end.
    pub(crate) told: bool,
    pub(crate) bytes: usize,
}

/// How the events of a stream are called.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Naming {
    /// They have no ids: such a stream cannot be resumed, and nothing is kept of it.
    None,
    /// By the number of their stream.
    Stream {
        number: u64,
        /// Whether the client takes an event without a message, which says the id to resume from before there is one.
        opening: bool,
    },
}

impl State {
    /// Nobody reads any more. If nobody can come back either, nothing more will be said: a question must not wait for an
    /// answer that cannot come.
    fn leave(&mut self) {
        let now = Instant::now();
        self.is_read = false;
        self.last_read = Some(now);
        if !self.resumable {
            self.over.get_or_insert(now);
        }
    }
}

impl Outlet {
    /// A stream whose messages are numbered after this one.
    pub(crate) fn after(origin: u64) -> Self {
        let outlet = Self::default();
        outlet.state().queue = Queue::after(origin);
        outlet
    }

    /// Counts there what is dropped from now on.
    pub(crate) fn count_lost(&self, lost: Arc<AtomicU64>) {
        self.state().queue.count_lost(lost);
    }

    // === Saying ===

    /// Posts a message that may be lost if nobody reads for long. A message that waits already is not posted again.
    pub(crate) fn post(&self, message: Bytes) {
        let mut state = self.state();
        if state.over.is_some() {
            return;
        }
        if !state.queue.post(message.into()) {
            tracing::warn!("a session does not read its stream; a message outside of its calls was dropped");
        }
        drop(state);
        self.0.news.notify_waiters();
    }

    /// Says a message, waiting for room as long as somebody reads. False if it will not be said.
    pub(crate) async fn say(&self, kind: Kind, message: impl Into<Pieces>) -> bool {
        let message = message.into();
        loop {
            let room = self.0.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            {
                let mut state = self.state();
                if state.over.is_some() {
                    return false;
                }
                let is_read = state.is_read;
                match state.queue.admit(kind, &message, is_read) {
                    Admission::Taken => {
                        drop(state);
                        self.0.news.notify_waiters();
                        return true;
                    }
                    Admission::Refused => return false,
                    Admission::Full => {}
                }
            }
            if timeout(STALLED, room).await.is_err() {
                self.part_with_stalled();
            }
        }
    }

    /// Whether there is room for another message.
    pub(crate) fn has_room(&self) -> bool {
        self.state().queue.has_room()
    }

    /// Lets the reader go if it takes nothing any more.
    fn part_with_stalled(&self) {
        let mut state = self.state();
        if state.is_read && state.moved.is_none_or(|moved| moved.elapsed() >= STALLED) {
            tracing::debug!("a client that does not read its stream was given up");
            state.readers += 1;
            state.leave();
            drop(state);
            self.0.news.notify_waiters();
            self.0.room.notify_waiters();
        }
    }

    /// Ends the stream after what was said.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.over.get_or_insert_with(Instant::now);
        drop(state);
        self.0.news.notify_waiters();
        self.0.room.notify_waiters();
    }

    // === Reading ===

    /// Begins to read with what nobody has read. A reader that was there before ends: a client that lost its connection
    /// without our noticing must be able to come back.
    pub(crate) fn read(&self) -> Reader {
        let mut state = self.state();
        state.queue.go_on();
        self.reader(state)
    }

    /// Begins to read after a message that was said before. None if it was not, or if it was the last one.
    pub(crate) fn resume(&self, after: u64) -> Option<Reader> {
        let mut state = self.state();
        let before = state.queue.at();
        if !state.queue.go_back(after) {
            return None;
        }
        if state.over.is_some() && !state.queue.has_more() {
            state.queue.go_back(before);
            return None;
        }
        state.told = false;
        Some(self.reader(state))
    }

    fn reader(&self, mut state: MutexGuard<'_, State>) -> Reader {
        state.readers += 1;
        state.is_read = true;
        // Nobody can have waited for the first longer than it is there.
        state.moved = (state.readers > 1).then(Instant::now);
        let reader = Reader { outlet: self.clone(), number: state.readers, start: state.queue.at() };
        drop(state);
        self.0.news.notify_waiters();
        reader
    }

    // === Looking ===

    /// Whether someone reads the stream.
    pub(crate) fn is_read(&self) -> bool {
        let state = self.state();
        state.is_read && state.over.is_none()
    }

    /// When someone last did, if it is over.
    pub(crate) fn last_read(&self) -> Option<Instant> {
        self.state().last_read
    }

    /// Whether nothing was ever said on the stream.
    pub(crate) fn is_unused(&self) -> bool {
        self.state().queue.is_unused()
    }

    /// What is left of the stream, if it is over and nobody reads it.
    pub(crate) fn rest(&self) -> Option<Rest> {
        let state = self.state();
        let over = state.over.filter(|_| !state.is_read)?;
        let since = state.last_read.map_or(over, |read| read.max(over));
        Some(Rest { since, told: state.told, bytes: state.queue.bytes() })
    }

    /// Every change of the state is complete in itself, so a panic elsewhere leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a stream that the client reads. Dropping it means that the client is gone.
pub(crate) struct Reader {
    outlet: Outlet,
    number: u32,
    /// The number after which it began.
    start: u64,
}

impl Reader {
    /// Waits until there is something to read, or the end.
    pub(crate) async fn ready(&self) {
        latch::until(&self.outlet.0.news, || {
            let state = self.outlet.state();
            (state.queue.has_more() || state.over.is_some() || state.readers != self.number).then_some(())
        })
        .await;
    }

    /// Whether there is nothing to read, and will not be.
    pub(crate) fn is_at_end(&self) -> bool {
        let state = self.outlet.state();
        state.over.is_some() && !state.queue.has_more()
    }

    /// The messages, as events of this name.
    pub(crate) fn frames(self, naming: Naming) -> Frames {
        let id = move |number| match naming {
            Naming::None => None,
            Naming::Stream { number: stream, .. } => Some(EventId { stream, number }.to_string()),
        };
        match naming {
            Naming::None => self.outlet.state().queue.keep_nothing(),
            Naming::Stream { .. } => self.outlet.state().resumable = true,
        }
        let opens = matches!(naming, Naming::Stream { opening: true, .. });
        let opening = opens.then(|| Frame { id: id(self.start), message: Bytes::new() });
        let messages = stream::unfold(self, move |reader| async move {
            let (number, message) = reader.next().await?;
            Some((Frame { id: id(number), message: message.join() }, reader))
        });
        Frames(stream::iter(opening).chain(messages).boxed())
    }

    /// The next message; none when another reader took over, or when everything was read and no more will come.
    async fn next(&self) -> Option<(u64, Pieces)> {
        loop {
            self.ready().await;
            let mut state = self.outlet.state();
            if state.readers != self.number {
                return None;
            }
            if let Some(next) = state.queue.next() {
                state.moved = Some(Instant::now());
                drop(state);
                self.outlet.0.room.notify_one();
                return Some(next);
            }
            if state.over.is_some() {
                state.told = true;
                return None;
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.outlet.state();
        if state.readers == self.number {
            state.leave();
            drop(state);
            self.outlet.0.room.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests;
