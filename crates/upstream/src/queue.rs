//! Bounded queues that take little memory while they are empty, as nearly all of them are at nearly all times.
//!
//! Those of tokio take 800 bytes each when they are made, and a link has three of them: that is as much as everything else that it
//! is. These take 128, and give back what items took when the last one is out.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use tokio::sync::Notify;
use tokio::task::coop;

use crate::latch;

#[cfg(test)]
mod tests;

/// The room for items that an empty queue keeps, in bytes.
const KEPT: usize = 256;

/// A queue that holds so many items, which must be at least one.
pub fn channel<T>(most: usize) -> (Sender<T>, Receiver<T>) {
    let state = State { items: VecDeque::new(), reader: Reader::Nobody, senders: 1, is_closed: false };
    let shared = Arc::new(Shared { most: most.max(1), state: Mutex::new(state), room: Notify::new() });
    (Sender(shared.clone()), Receiver(shared))
}

/// The end at which items are put in. Its clones are the same one.
pub struct Sender<T>(Arc<Shared<T>>);

/// The end at which they are taken out. What is in the queue is dropped with it.
pub struct Receiver<T>(Arc<Shared<T>>);

/// Who is told of the next item.
enum Reader<T> {
    /// Nobody, or somebody who is at the last one.
    Nobody,
    /// A task that waits for it.
    Task(Waker),
    /// What is called with it.
    Attendant(Attendant<T>),
}

/// Takes each item, and then that there will be no more.
type Attendant<T> = Box<dyn FnMut(Option<T>) + Send>;

struct Shared<T> {
    most: usize,
    state: Mutex<State<T>>,
    /// Told once for each item that is taken out.
    room: Notify,
}

struct State<T> {
    items: VecDeque<T>,
    reader: Reader<T>,
    senders: u32,
    /// Whether nobody will take anything out any more.
    is_closed: bool,
}

/// A queue whose items something is called with.
#[must_use = "nothing is called any more when this is dropped"]
pub struct Attended<T>(#[expect(dead_code, reason = "it is dropped")] Receiver<T>);

/// Why an item was not taken.
#[derive(Debug)]
pub enum Untaken<T> {
    /// There is no room for it.
    Full(T),
    /// Nobody would take it out.
    Closed(T),
}

impl<T> Shared<T> {
    /// Every change is one step, so a panic elsewhere leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing will be taken out any more.
    fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let left = (std::mem::take(&mut state.items), std::mem::replace(&mut state.reader, Reader::Nobody));
        drop(state);
        self.room.notify_waiters();
        // Out of the lock: with an item, the other end of this queue may go.
        drop(left);
    }

    /// Something changed that who takes items out waits for.
    fn tell<'s>(&'s self, mut state: MutexGuard<'s, State<T>>) {
        let mut attendant = match std::mem::replace(&mut state.reader, Reader::Nobody) {
            Reader::Nobody => return,
            Reader::Task(task) => {
                drop(state);
                return task.wake();
            }
            Reader::Attendant(attendant) => attendant,
        };
        // Called without the lock, by one at a time: what is put in meanwhile is taken out by who is at it, in order.
        loop {
            let item = state.pop();
            let is_end = item.is_none();
            if is_end && state.senders > 0 {
                state.reader = Reader::Attendant(attendant);
                return;
            }
            drop(state);
            self.room.notify_one();
            // It would go on without whoever did not end well, as from a task that did not.
            if catch_unwind(AssertUnwindSafe(|| attendant(item))).is_err() {
                self.close();
            }
            if is_end {
                return;
            }
            state = self.state();
            if state.is_closed {
                drop(state);
                return;
            }
        }
    }
}

impl<T> State<T> {
    fn pop(&mut self) -> Option<T> {
        let item = self.items.pop_front()?;
        if self.items.is_empty() && self.items.capacity() * size_of::<T>() > KEPT {
            self.items = VecDeque::new();
        }
        Some(item)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.state().senders += 1;
        Self(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.senders -= 1;
        if state.senders == 0 {
            self.0.tell(state);
        }
    }
}

impl<T> Sender<T> {
    /// Puts an item in, and waits for room.
    ///
    /// # Errors
    ///
    /// Nobody would take it out.
    pub async fn send(&self, item: T) -> Result<(), Untaken<T>> {
        let mut item = Some(item);
        latch::until(&self.0.room, || match self.try_send(item.take()?) {
            Err(Untaken::Full(untaken)) => {
                item = Some(untaken);
                None
            }
            done => Some(done),
        })
        .await
    }

    /// Puts an item in, if there is room.
    ///
    /// # Errors
    ///
    /// There is none, or nobody would take it out.
    pub fn try_send(&self, item: T) -> Result<(), Untaken<T>> {
        let mut state = self.0.state();
        if state.is_closed {
            return Err(Untaken::Closed(item));
        }
        if state.items.len() >= self.0.most {
            return Err(Untaken::Full(item));
        }
        state.items.push_back(item);
        self.0.tell(state);
        Ok(())
    }

    /// For how many more items there is room.
    pub fn capacity(&self) -> usize {
        self.0.most - self.0.state().items.len()
    }

    /// For how many there is if it is empty.
    pub fn max_capacity(&self) -> usize {
        self.0.most
    }
}

impl<T> Receiver<T> {
    /// The next item; none when there is none and nobody is left who could put one in.
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// The same, by polling.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // Whoever is said things without end lets others run in between.
        let turn = ready!(coop::poll_proceed(cx));
        let next = match self.next() {
            Ok(next) => next,
            Err(mut state) => {
                match &mut state.reader {
                    Reader::Task(task) => task.clone_from(cx.waker()),
                    other => *other = Reader::Task(cx.waker().clone()),
                }
                return Poll::Pending;
            }
        };
        turn.made_progress();
        Poll::Ready(next)
    }

    /// The next item, if there is one.
    pub fn try_recv(&mut self) -> Option<T> {
        self.next().ok().flatten()
    }

    /// Has something called with each item, where it is put in, and at the end with none: where there is not much to do, that
    /// takes less than a task which waits. It must not wait. Dropping what is returned ends that, but for a call that is under way.
    pub fn attend(self, attendant: impl FnMut(Option<T>) + Send + 'static) -> Attended<T> {
        let mut state = self.0.state();
        state.reader = Reader::Attendant(Box::new(attendant));
        self.0.tell(state);
        Attended(self)
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.0.state().items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next item; none at the end; the queue, locked, where it is not known yet which of the two.
    fn next(&self) -> Result<Option<T>, MutexGuard<'_, State<T>>> {
        let mut state = self.0.state();
        let Some(item) = state.pop() else {
            return if state.senders == 0 { Ok(None) } else { Err(state) };
        };
        drop(state);
        self.0.room.notify_one();
        Ok(Some(item))
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}
