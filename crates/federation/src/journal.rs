//! What was called lately, by whom, and how it went: for the people who run the gateway, and for figures.
//!
//! Every request that is for one target is recorded when it ends, however it ends. The journal is bounded, lives in memory
//! only, and never holds up a call: who records takes a lock for the time of an insert.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::time::Instant;

pub use self::entry::{Ending, Entry, Kept};
pub use self::histogram::{BOUNDS, Histogram};
pub use self::tally::{CallCounts, CallOutcome, Figures, MethodCounts, Percentiles};
pub(crate) use self::tally::{Tallies, Tally};
pub use self::traffic::Moment;
use self::traffic::Traffic;

pub(crate) mod record;

mod durations;
mod entry;
mod histogram;
mod tally;
mod traffic;

/// How many entries may wait for somebody who listens before they miss some.
const WAITING: usize = 256;

/// Where the calls of one virtual server are recorded.
pub(crate) struct Books {
    /// What identifies the server over reloads.
    pub(crate) key: Arc<str>,
    pub(crate) journal: Journal,
    pub(crate) tallies: Tallies,
}

/// The calls that ended lately, in all virtual servers that share it. Cheap to clone.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

/// How much a journal keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// How many calls; 0 records none of them.
    pub calls: usize,
    /// How many bytes of the params of each call, and as many of its answer; 0 keeps none.
    pub bodies: usize,
}

struct Inner {
    /// How much is kept. Changed with the book in hand, and known also without it.
    calls: AtomicUsize,
    bodies: AtomicUsize,
    book: Mutex<Book>,
    ended: broadcast::Sender<Arc<Entry>>,
}

struct Book {
    /// The number of the latest entry.
    latest: u64,
    /// The oldest first.
    entries: VecDeque<Arc<Entry>>,
    traffic: Traffic,
}

impl Journal {
    /// An empty journal that will keep this much.
    pub fn new(keep: Keep) -> Self {
        let book = Book { latest: 0, entries: VecDeque::new(), traffic: Traffic::default() };
        Self(Arc::new(Inner {
            calls: keep.calls.into(),
            bodies: keep.bodies.into(),
            book: Mutex::new(book),
            ended: broadcast::Sender::new(WAITING),
        }))
    }

    /// Keeps more or less from now on. What is too much already is forgotten; what is kept of a body stays as it is, unless
    /// no bodies are to be kept any more.
    pub fn keep(&self, keep: Keep) {
        let mut book = self.book();
        if keep.bodies == 0 {
            book.entries = book.entries.iter().map(|entry| Arc::new(entry.without_bodies())).collect();
        }
        self.0.calls.store(keep.calls, Ordering::Relaxed);
        self.0.bodies.store(keep.bodies, Ordering::Relaxed);
        let excess = book.entries.len().saturating_sub(keep.calls);
        book.entries.drain(..excess);
    }

    /// How much is kept.
    pub fn kept(&self) -> Keep {
        let Inner { calls, bodies, .. } = &*self.0;
        Keep { calls: calls.load(Ordering::Relaxed), bodies: bodies.load(Ordering::Relaxed) }
    }

    /// The calls that are still known, the latest first.
    pub fn recent(&self) -> Vec<Arc<Entry>> {
        self.book().entries.iter().rev().cloned().collect()
    }

    /// A call by its number, while it is known.
    pub fn find(&self, number: u64) -> Option<Arc<Entry>> {
        let book = self.book();
        let at = book.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
        book.entries.get(at).cloned()
    }

    /// The calls that end from now on, in order and without their bodies. A listener that is too slow misses some.
    pub fn ended(&self) -> broadcast::Receiver<Arc<Entry>> {
        self.0.ended.subscribe()
    }

    /// How many calls there were in the last hour, and how they went.
    pub fn traffic(&self) -> Vec<Moment> {
        self.book().traffic.moments()
    }

    /// Counts a call that ends now, of which nothing is kept.
    fn count(&self, now: Instant, duration: Duration, failed: bool) {
        self.book().traffic.count(now, duration, failed);
    }

    /// Enters a call that ends now. What takes time is done before the lock is taken, or after it.
    fn enter(&self, now: Instant, entry: Entry) {
        let mut entry = Arc::new(entry);
        let mut book = self.book();
        let keep = self.kept();
        book.traffic.count(now, entry.duration, entry.ending.is_failure());
        if keep.calls == 0 {
            return;
        }
        if keep.bodies == 0 && (entry.params().is_some() || entry.answer().is_some()) {
            // They were kept before somebody said that none are to be.
            entry = Arc::new(entry.without_bodies());
        }
        book.latest += 1;
        if let Some(entry) = Arc::get_mut(&mut entry) {
            entry.number = book.latest;
        }
        // Told under the lock, so that all hear of calls in their order, and without what was said, which would outlive the
        // journal in the queue. Nobody listening is fine.
        if self.0.ended.receiver_count() > 0 {
            let _ = self.0.ended.send(Arc::new(entry.without_bodies()));
        }
        book.entries.push_back(entry);
        // As many as can be too many by one more.
        let oldest = (book.entries.len() > keep.calls).then(|| book.entries.pop_front());
        drop(book);
        drop(oldest);
    }

    /// A panic while it was held does not make its content wrong: each critical section is a few inserts and removals.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that keeps nothing but figures.
impl Default for Journal {
    fn default() -> Self {
        Self::new(Keep { calls: 0, bodies: 0 })
    }
}
