//! What was called lately, by whom, and how it went: for the people who run the gateway, and for figures.
//!
//! Every request that is for one target is recorded when it ends, however it ends. The journal is bounded, lives in memory
//! only, and never holds up a call: who records takes a lock for the time of an insert, which is mostly its thread's own.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::time::Instant;
use upstream::spread::{Apart, Spread};

pub use self::entry::{Ending, Entry, Kept};
pub use self::histogram::{BOUNDS, Histogram};
pub(crate) use self::tally::Tallies;
pub use self::tally::{CallCounts, CallOutcome, Figures, MethodCounts, Percentiles};
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

/// After how many calls those are forgotten that are too many and whose thread has no others.
const TIDIED: u64 = 64;

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
    /// How much is kept.
    calls: AtomicUsize,
    bodies: AtomicUsize,
    /// The number of the latest entry.
    latest: Apart<AtomicU64>,
    /// Each thread has a book.
    books: Spread<Mutex<Book>>,
    /// Whether somebody asked to be told, and may listen still.
    heard: AtomicBool,
    /// Held while a call is numbered and told of, so that all hear of calls in their order.
    ended: Mutex<broadcast::Sender<Arc<Entry>>>,
}

#[derive(Default)]
struct Book {
    /// The oldest first.
    entries: VecDeque<Arc<Entry>>,
    traffic: Traffic,
}

impl Journal {
    /// An empty journal that will keep this much.
    pub fn new(keep: Keep) -> Self {
        Self(Arc::new(Inner {
            calls: keep.calls.into(),
            bodies: keep.bodies.into(),
            latest: Apart::default(),
            books: Spread::default(),
            heard: AtomicBool::new(false),
            ended: Mutex::new(broadcast::Sender::new(WAITING)),
        }))
    }

    /// Keeps more or less from now on. What is too much already is forgotten; what is kept of a body stays as it is, unless
    /// no bodies are to be kept any more.
    pub fn keep(&self, keep: Keep) {
        // With all books in hand: who enters a call looks how much is kept with a book in hand.
        let mut books = self.books();
        // What was forgotten, but lies about in the book of a thread that enters no more, does not come back.
        let calls = keep.calls.min(self.kept().calls);
        self.0.calls.store(keep.calls, Ordering::Relaxed);
        self.0.bodies.store(keep.bodies, Ordering::Relaxed);
        let latest = self.latest();
        for book in &mut books {
            book.forget(latest, calls);
            if keep.bodies == 0 {
                book.entries = book.entries.iter().map(|entry| Arc::new(entry.without_bodies())).collect();
            }
        }
    }

    /// How much is kept.
    pub fn kept(&self) -> Keep {
        let Inner { calls, bodies, .. } = &*self.0;
        Keep { calls: calls.load(Ordering::Relaxed), bodies: bodies.load(Ordering::Relaxed) }
    }

    /// The calls that are still known, the latest first.
    pub fn recent(&self) -> Vec<Arc<Entry>> {
        let mut books = self.books();
        let (latest, calls) = (self.latest(), self.kept().calls);
        books.iter_mut().for_each(|book| book.forget(latest, calls));
        let mut recent: Vec<_> = books.iter().flat_map(|book| book.entries.iter().cloned()).collect();
        drop(books);
        recent.sort_unstable_by_key(|entry| Reverse(entry.number));
        recent
    }

    /// A call by its number, while it is known.
    pub fn find(&self, number: u64) -> Option<Arc<Entry>> {
        if number <= self.latest().saturating_sub(self.kept().calls as u64) {
            return None;
        }
        self.0.books.all().find_map(|book| {
            let book = lock(book);
            let at = book.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
            book.entries.get(at).cloned()
        })
    }

    /// The calls that end from now on, in order and without their bodies. A listener that is too slow misses some.
    pub fn ended(&self) -> broadcast::Receiver<Arc<Entry>> {
        let ended = lock(&self.0.ended);
        self.0.heard.store(true, Ordering::Relaxed);
        ended.subscribe()
    }

    /// How many calls there were in the last hour, and how they went.
    pub fn traffic(&self) -> Vec<Moment> {
        let mut books = self.books();
        let (now, mut traffic) = (Instant::now(), Traffic::default());
        books.iter_mut().for_each(|book| traffic.add(now, &mut book.traffic));
        traffic.moments(now)
    }

    /// Counts a call that ends now, of which nothing is kept.
    fn count(&self, now: Instant, duration: Duration, failed: bool) {
        lock(self.0.books.here()).traffic.count(now, duration, failed);
    }

    /// Enters a call that ends now. What takes time is done before the lock is taken, or after it.
    fn enter(&self, now: Instant, entry: Entry) {
        let mut entry = Arc::new(entry);
        let has_bodies = entry.params().is_some() || entry.answer().is_some();
        let mut book = lock(self.0.books.here());
        let keep = self.kept();
        book.traffic.count(now, entry.duration, entry.ending.is_failure());
        if keep.calls == 0 {
            return;
        }
        if keep.bodies == 0 && has_bodies {
            // They were kept before somebody said that none are to be.
            entry = Arc::new(entry.without_bodies());
        }
        let latest = match self.0.heard.load(Ordering::Relaxed) {
            false => self.number(&mut entry),
            true => self.tell(&mut entry),
        };
        book.entries.push_back(entry);
        book.forget(latest, keep.calls);
        drop(book);
        if latest.is_multiple_of(TIDIED) {
            self.0.books.all().for_each(|book| lock(book).forget(latest, keep.calls));
        }
    }

    /// Gives an entry its number.
    fn number(&self, entry: &mut Arc<Entry>) -> u64 {
        let number = self.0.latest.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(entry) = Arc::get_mut(entry) {
            entry.number = number;
        }
        number
    }

    /// Gives an entry its number, and tells those of it who listen: without what was said, which would outlive the journal in
    /// the queue.
    fn tell(&self, entry: &mut Arc<Entry>) -> u64 {
        let ended = lock(&self.0.ended);
        let number = self.number(entry);
        if ended.receiver_count() == 0 {
            self.0.heard.store(false, Ordering::Relaxed);
        } else {
            // The last of them may just have left.
            let _ = ended.send(Arc::new(entry.without_bodies()));
        }
        number
    }

    /// All books, so that nobody enters anything meanwhile.
    fn books(&self) -> Vec<MutexGuard<'_, Book>> {
        self.0.books.all().map(lock).collect()
    }

    fn latest(&self) -> u64 {
        self.0.latest.load(Ordering::Relaxed)
    }
}

impl Book {
    /// Takes out what is not among so many of the latest entries of all books.
    fn forget(&mut self, latest: u64, calls: usize) {
        let oldest = (latest + 1).saturating_sub(calls as u64);
        while self.entries.front().is_some_and(|entry| entry.number < oldest) {
            self.entries.pop_front();
        }
    }
}

/// A panic while it was held does not make its content wrong: each critical section is a few inserts and removals.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One that keeps nothing but figures.
impl Default for Journal {
    fn default() -> Self {
        Self::new(Keep { calls: 0, bodies: 0 })
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::SystemTime;

    use protocol::{Era, Object};

    use super::entry::Words;
    use super::*;

    fn call() -> Entry {
        Entry {
            number: 0,
            at: SystemTime::UNIX_EPOCH,
            era: Era::Legacy,
            client: None,
            session: None,
            backend: "".into(),
            method: "tools/call",
            ending: Ending::ToolFailed,
            duration: Duration::from_millis(1),
            request: 0,
            response: 0,
            words: Words::with(None, None, (&Object::default(), None), 0),
        }
    }

    /// Each of so many threads enters so many calls.
    fn enter(journal: &Journal, threads: usize, calls: usize) {
        let now = Instant::now();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(move || (0..calls).for_each(|_| journal.enter(now, call())));
            }
        });
    }

    fn numbers(journal: &Journal) -> Vec<u64> {
        journal.recent().iter().map(|entry| entry.number).collect()
    }

    #[test]
    fn calls_of_all_threads_are_kept_in_one_order_and_no_more_than_there_are_to_be() {
        let journal = Journal::new(Keep { calls: 50, bodies: 0 });
        enter(&journal, 7, 100);
        assert_eq!(numbers(&journal), (651..=700).rev().collect::<Vec<_>>());
        assert_eq!(journal.find(651).map(|entry| entry.number), Some(651));
        assert!(journal.find(650).is_none() && journal.find(701).is_none());
        journal.keep(Keep { calls: 3, bodies: 0 });
        assert_eq!(numbers(&journal), [700, 699, 698]);
        let minute = *journal.traffic().last().expect("a minute");
        assert_eq!((minute.calls, minute.failed, minute.p50.is_some()), (700, 700, true));
    }

    #[test]
    fn what_a_thread_entered_that_enters_no_more_is_forgotten_as_well() {
        let journal = Journal::new(Keep { calls: 10, bodies: 0 });
        enter(&journal, 16, 10);
        enter(&journal, 1, 2 * usize::try_from(TIDIED).expect("few"));
        let kept: usize = journal.0.books.all().map(|book| lock(book).entries.len()).sum();
        assert!(kept < 10 + usize::try_from(TIDIED).expect("few"), "{kept}");
    }

    #[test]
    fn who_listens_hears_of_the_calls_of_all_threads_in_order() {
        let journal = Journal::new(Keep { calls: 10, bodies: 0 });
        enter(&journal, 2, 10);
        let mut ended = journal.ended();
        enter(&journal, 4, 50);
        let heard: Vec<u64> =
            std::iter::from_fn(|| ended.try_recv().ok()).map(|entry| entry.number).collect();
        assert_eq!(heard, (21..=220).collect::<Vec<_>>());
        drop(ended);
        enter(&journal, 1, 1);
        assert!(!journal.0.heard.load(Ordering::Relaxed));
    }
}
