//! Who wants to hear of which resources of a target, and what the target said to it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::{Object, Raw};
use tokio::sync::{Notify, watch};

/// How many resources of one target are watched at once. They make one request to a modern target, which has to stay of a
/// size that a target takes.
const MOST: usize = 4096;

/// How long a target has to say whether it will tell. Enough for one that was just started.
const VERDICT_WITHIN: Duration = Duration::from_secs(10);

/// Takes the params of an update, in the target's own words. Called where the update is heard, so it must not wait.
pub(crate) type Ear = Arc<dyn Fn(&Object) + Send + Sync>;

/// What became of a wish.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// The target has not said yet.
    Pending,
    /// The target tells.
    Honoured,
    /// The target does not tell of this resource, or of any.
    Declined,
    /// The target could not be asked.
    Unavailable(upstream::Error),
}

/// The wishes of everybody, by URI.
#[derive(Default)]
pub(super) struct Book {
    wishes: Mutex<Wishes>,
    changed: Notify,
}

#[derive(Default)]
struct Wishes {
    by_uri: BTreeMap<String, Wish>,
    /// How many watches there were so far; each has its number.
    watches: u64,
}

struct Wish {
    verdict: watch::Sender<Verdict>,
    ears: Vec<(u64, Ear)>,
    /// Whether the target told until a while ago: there may have been an update since that nobody heard.
    missed: bool,
}

/// One wish of one listener. Dropping it takes the wish back.
pub(crate) struct Watch {
    book: Arc<Book>,
    uri: String,
    number: u64,
    verdict: watch::Receiver<Verdict>,
}

impl Watch {
    /// What became of the wish, once that is known.
    pub(crate) async fn verdict(&mut self) -> Verdict {
        let known = self.verdict.wait_for(|verdict| *verdict != Verdict::Pending);
        match tokio::time::timeout(VERDICT_WITHIN, known).await {
            Ok(Ok(verdict)) => verdict.clone(),
            // Out of reach: what the book says of a wish lasts as long as the wish.
            Ok(Err(_)) => Verdict::Declined,
            Err(_) => {
                let text =
                    format!("the target did not take a subscription within {} s", VERDICT_WITHIN.as_secs());
                Verdict::Unavailable(upstream::Error::new(upstream::ErrorKind::Timeout, text))
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.book.forget(&self.uri, self.number);
    }
}

// === For those who want to hear ===

impl Book {
    pub(super) fn watch(self: &Arc<Self>, uri: &str, ear: Ear) -> Watch {
        let mut wishes = self.wishes();
        wishes.watches += 1;
        let number = wishes.watches;
        let full = wishes.by_uri.len() >= MOST;
        let verdict = match wishes.by_uri.entry(uri.to_owned()) {
            Entry::Vacant(_) if full => {
                // Quietly: whoever wants too much is told, and could fill the log with it.
                tracing::debug!("{MOST} resources of a target are watched already; another is not");
                watch::channel(Verdict::Declined).1
            }
            Entry::Vacant(free) => free.insert(Wish::new((number, ear))).verdict.subscribe(),
            Entry::Occupied(mut wish) => wish.get_mut().join((number, ear)),
        };
        drop(wishes);
        self.changed.notify_one();
        Watch { book: self.clone(), uri: uri.to_owned(), number, verdict }
    }

    fn forget(&self, uri: &str, number: u64) {
        let mut wishes = self.wishes();
        let Some(wish) = wishes.by_uri.get_mut(uri) else {
            return;
        };
        wish.ears.retain(|(other, _)| *other != number);
        if wish.ears.is_empty() {
            wishes.by_uri.remove(uri);
            drop(wishes);
            self.changed.notify_one();
        }
    }
}

impl Wish {
    fn new(ear: (u64, Ear)) -> Self {
        Self { verdict: watch::Sender::new(Verdict::Pending), ears: vec![ear], missed: false }
    }

    /// Another wants the same. A target that did not want to tell before is asked again.
    fn join(&mut self, ear: (u64, Ear)) -> watch::Receiver<Verdict> {
        self.ears.push(ear);
        if *self.verdict.borrow() != Verdict::Honoured {
            self.verdict.send_replace(Verdict::Pending);
        }
        self.verdict.subscribe()
    }

    fn is(&self, verdict: &Verdict) -> bool {
        *self.verdict.borrow() == *verdict
    }

    fn is_unasked(&self) -> bool {
        matches!(*self.verdict.borrow(), Verdict::Unavailable(_))
    }
}

// === For those who ask the target ===

impl Book {
    /// Resolves when there may be other wishes than before.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Every resource that is wanted, in a fixed order.
    pub(super) fn wanted(&self) -> Vec<String> {
        self.wishes().by_uri.keys().cloned().collect()
    }

    /// Those of them of which the target has not said whether it will tell.
    pub(super) fn pending(&self) -> Vec<String> {
        let wishes = self.wishes();
        let pending = wishes.by_uri.iter().filter(|(_, wish)| wish.is(&Verdict::Pending));
        pending.map(|(uri, _)| uri.clone()).collect()
    }

    /// Notes what the target said to a wish. Whoever may have missed an update hears of one now.
    pub(super) fn settle(&self, uri: &str, verdict: &Verdict) {
        let mut wishes = self.wishes();
        let Some(wish) = wishes.by_uri.get_mut(uri) else {
            return;
        };
        wish.verdict.send_replace(verdict.clone());
        let missed = *verdict == Verdict::Honoured && std::mem::take(&mut wish.missed);
        drop(wishes);
        if missed {
            self.updated(&[("uri", Raw::string(uri))].into_iter().collect());
        }
    }

    /// The same for every wish that is still pending.
    pub(super) fn settle_pending(&self, verdict: &Verdict) {
        self.pending().iter().for_each(|uri| self.settle(uri, verdict));
    }

    /// Refuses what is wanted, and what will be.
    pub(super) async fn refuse_all(&self, verdict: &Verdict) -> Infallible {
        loop {
            self.settle_pending(verdict);
            self.changed().await;
        }
    }

    /// Nothing that the target said counts any more: it has to be asked again.
    pub(super) fn begin_again(&self) {
        for wish in self.wishes().by_uri.values_mut() {
            let before = wish.verdict.send_replace(Verdict::Pending);
            wish.missed |= before == Verdict::Honoured;
        }
    }

    /// Whether there are wishes that the target could not be asked for.
    pub(super) fn is_unasked(&self) -> bool {
        self.wishes().by_uri.values().any(Wish::is_unasked)
    }

    /// They are to be asked for again.
    pub(super) fn try_again(&self) {
        for wish in self.wishes().by_uri.values().filter(|wish| wish.is_unasked()) {
            wish.verdict.send_replace(Verdict::Pending);
        }
    }

    /// Tells of an update, given as the params of the target's notification, to everybody who wants to hear of it.
    pub(super) fn updated(&self, params: &Object) {
        let Some(uri) = params.text("uri") else {
            return;
        };
        let wishes = self.wishes();
        let concerned =
            wishes.by_uri.iter().filter(|(wanted, wish)| wish.is(&Verdict::Honoured) && covers(wanted, &uri));
        let ears: Vec<Ear> = concerned.flat_map(|(_, wish)| &wish.ears).map(|(_, ear)| ear.clone()).collect();
        // An ear may take back a wish, for which it needs the book.
        drop(wishes);
        ears.iter().for_each(|ear| ear(params));
    }

    /// Updates were missed, of which is not known.
    pub(super) fn updated_all(&self) {
        self.wanted().iter().for_each(|uri| self.updated(&[("uri", Raw::string(uri))].into_iter().collect()));
    }

    /// Never held over an await. Every change is complete in itself, so a panic elsewhere leaves nothing half done.
    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an update of a resource is one of what was asked for: the resource itself, or a part of it (spec 2026-07-28,
/// basic/patterns/subscriptions: the URI "may be a sub-resource of the one that the client subscribed to").
fn covers(wanted: &str, updated: &str) -> bool {
    let Some(rest) = updated.strip_prefix(wanted) else {
        return false;
    };
    rest.is_empty() || wanted.ends_with('/') || rest.starts_with(['/', '?', '#'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deaf() -> Ear {
        Arc::new(|_| {})
    }

    /// An ear that keeps the URIs it hears of.
    fn keen() -> (Ear, Arc<Mutex<Vec<String>>>) {
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = heard.clone();
        let ear = move |params: &Object| kept.lock().expect("one thread").extend(params.text("uri"));
        (Arc::new(ear), heard)
    }

    fn update(uri: &str) -> Object {
        [("uri", Raw::string(uri))].into_iter().collect()
    }

    #[test]
    fn a_part_of_a_resource_is_one_behind_a_boundary() {
        for part in ["file:///x", "file:///x/y", "file:///x?y", "file:///x#y"] {
            assert!(covers("file:///x", part), "{part}");
        }
        for other in ["file:///xy", "file:///", "file:///y/x", ""] {
            assert!(!covers("file:///x", other), "{other}");
        }
        assert!(covers("file:///x/", "file:///x/y") && !covers("file:///x/", "file:///x"));
    }

    #[test]
    fn a_wish_is_taken_back_with_its_last_watch() {
        let book = Arc::new(Book::default());
        let (one, two) = (book.watch("a:1", deaf()), book.watch("a:1", deaf()));
        drop(one);
        assert_eq!(book.wanted(), ["a:1"]);
        drop(two);
        assert_eq!(book.wanted(), [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_joins_a_wish_knows_at_once_what_became_of_it_unless_it_was_refused() {
        let book = Arc::new(Book::default());
        let _first = book.watch("a:1", deaf());
        book.settle("a:1", &Verdict::Honoured);
        let mut second = book.watch("a:1", deaf());
        assert_eq!(second.verdict().await, Verdict::Honoured);
        assert_eq!(book.pending(), [""; 0]);
        book.settle("a:1", &Verdict::Declined);
        let mut third = book.watch("a:1", deaf());
        assert_eq!(book.pending(), ["a:1"], "the target is asked again");
        book.settle("a:1", &Verdict::Honoured);
        assert_eq!(third.verdict().await, Verdict::Honoured);
    }

    #[test]
    fn only_what_the_target_promised_is_heard() {
        let book = Arc::new(Book::default());
        let (ear, heard) = keen();
        let _watch = book.watch("a:1", ear);
        book.updated(&update("a:1"));
        book.settle("a:1", &Verdict::Honoured);
        book.updated(&update("a:1/x"));
        book.updated(&update("a:2"));
        assert_eq!(*heard.lock().expect("one thread"), ["a:1/x"]);
    }

    #[test]
    fn a_wish_that_was_honoured_before_is_made_up_for_once() {
        let book = Arc::new(Book::default());
        let ((old, old_heard), (new, new_heard)) = (keen(), keen());
        let _old = book.watch("a:1", old);
        book.settle("a:1", &Verdict::Honoured);
        book.begin_again();
        book.begin_again();
        let _new = book.watch("a:2", new);
        for _ in 0..2 {
            book.settle("a:1", &Verdict::Honoured);
            book.settle("a:2", &Verdict::Honoured);
        }
        assert_eq!(*old_heard.lock().expect("one thread"), ["a:1"]);
        assert_eq!(*new_heard.lock().expect("one thread"), [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_target_that_says_nothing_is_not_waited_for_without_end() {
        let book = Arc::new(Book::default());
        assert!(matches!(book.watch("a:1", deaf()).verdict().await, Verdict::Unavailable(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_an_end_to_what_is_watched() {
        let book = Arc::new(Book::default());
        let watches: Vec<_> = (0..MOST).map(|n| book.watch(&n.to_string(), deaf())).collect();
        assert_eq!(book.watch("more", deaf()).verdict().await, Verdict::Declined);
        assert_eq!(book.wanted().len(), watches.len());
    }
}
