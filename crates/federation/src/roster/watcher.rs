//! A target's watcher: has the target tell of changes of single resources, once for everybody who wants to hear of them.
//!
//! Who wants what is written in the [`Book`]. A modern target is listened to with one stream for all of it, a legacy one
//! is subscribed at for each resource; both over the target's discovery link, and again whenever there is a new one. What may
//! have been missed meanwhile is made up for by one update of each resource. Lists need no such thing: the scout reads
//! them again, and what differs is announced.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use protocol::Era;
use upstream::{Link, State, Target, Task};

use self::book::Book;
pub(crate) use self::book::{Ear, Verdict, Watch};

mod book;
mod legacy;
mod modern;

/// Watches the resources of one target. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Watcher {
    book: Arc<Book>,
    task: Arc<Mutex<Option<Task>>>,
}

impl Watcher {
    /// A watcher of a target that nobody watches, unless it was there before.
    pub(super) fn start(target: Target, retired: &Retired) -> Self {
        let book = retired.take(target.name()).unwrap_or_default();
        Self::with(target, book)
    }

    /// A watcher of a target that takes another's place, for those who watched the other one.
    pub(super) fn succeed(&self, target: Target) -> Self {
        self.retire();
        Self::with(target, self.book.clone())
    }

    /// Stops working for a target that is gone. Whoever watches it is kept, in case that it comes back.
    fn retire(&self) -> Weak<Book> {
        drop(self.task.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.book.begin_again();
        Arc::downgrade(&self.book)
    }

    fn with(target: Target, book: Arc<Book>) -> Self {
        let task = Task::spawn("watcher", run(target, book.clone()));
        Self { book, task: Arc::new(Mutex::new(Some(task))) }
    }

    /// Wants to hear of a resource, by the URI that the target knows, until the watch is dropped. What changes is told to
    /// the ear at once.
    pub(crate) fn watch(&self, uri: &str, ear: Ear) -> Watch {
        self.book.watch(uri, ear)
    }
}

/// Who still watches targets that a reload has taken away. What a stream was promised is told again when its target is back.
#[derive(Default)]
pub(crate) struct Retired(Mutex<HashMap<String, Weak<Book>>>);

impl Retired {
    /// Keeps those who watch a target that is gone.
    pub(crate) fn keep(&self, target: &str, watcher: &Watcher) {
        let mut books = self.books();
        books.retain(|_, book| book.strong_count() > 0);
        books.insert(target.to_owned(), watcher.retire());
    }

    fn take(&self, target: &str) -> Option<Arc<Book>> {
        self.books().remove(target)?.upgrade()
    }

    /// Every change is one call, so a panic elsewhere leaves nothing half done.
    fn books(&self) -> MutexGuard<'_, HashMap<String, Weak<Book>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Works for as long as the target is configured.
async fn run(target: Target, book: Arc<Book>) {
    let mut state = target.state();
    loop {
        let now = state.borrow_and_update().clone();
        tokio::select! {
            never = serve(&target, &book, &now) => match never {},
            changed = state.changed() => if changed.is_err() { return },
        }
        book.begin_again();
    }
}

/// Does what can be done while the target is in this state.
async fn serve(target: &Target, book: &Book, state: &State) -> Infallible {
    match state {
        State::Starting => std::future::pending().await,
        State::Ready(link) => watch(target, book, link).await,
        State::Failing(failure) => book.refuse_all(&Verdict::Unavailable(failure.error.clone())).await,
        State::Stopped => {
            let error = upstream::Error::new(upstream::ErrorKind::Stopped, "the target was stopped");
            book.refuse_all(&Verdict::Unavailable(error)).await
        }
    }
}

async fn watch(target: &Target, book: &Book, link: &Link) -> Infallible {
    if !link.peer().offers_flag("resources", "subscribe") {
        return book.refuse_all(&Verdict::Declined).await;
    }
    match link.peer().era {
        Era::Modern => modern::listen(book, link).await,
        Era::Legacy => legacy::subscribe(target, book, link).await,
    }
}
