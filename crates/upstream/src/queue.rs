//! Bounded queues that take little memory while they are empty, as nearly all of them are at nearly all times.
//!
//! Those of tokio make room for 32 items when they are made, and a link has three of them: with items of a hundred bytes that
//! is more than everything else that a session is. Here items lie elsewhere, and there is room for where.

use std::task::{Context, Poll};

use tokio::sync::mpsc::{self, error};

/// A queue that holds so many items, which must be at least one.
pub fn channel<T>(most: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::channel(most);
    (Sender(sender), Receiver(receiver))
}

/// The end at which items are put in. Its clones are the same one.
#[derive(Debug)]
pub struct Sender<T>(mpsc::Sender<Box<T>>);

/// The end at which they are taken out.
#[derive(Debug)]
pub struct Receiver<T>(mpsc::Receiver<Box<T>>);

/// Why an item was not taken.
#[derive(Debug)]
pub enum Untaken<T> {
    /// There is no room for it.
    Full(T),
    /// Nobody would take it out.
    Closed(T),
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Sender<T> {
    /// Puts an item in, and waits for room.
    ///
    /// # Errors
    ///
    /// Nobody would take it out.
    pub async fn send(&self, item: T) -> Result<(), Untaken<T>> {
        self.0.send(Box::new(item)).await.map_err(|error| Untaken::Closed(*error.0))
    }

    /// Puts an item in, if there is room.
    ///
    /// # Errors
    ///
    /// There is none, or nobody would take it out.
    pub fn try_send(&self, item: T) -> Result<(), Untaken<T>> {
        self.0.try_send(Box::new(item)).map_err(|error| match error {
            error::TrySendError::Full(item) => Untaken::Full(*item),
            error::TrySendError::Closed(item) => Untaken::Closed(*item),
        })
    }

    /// For how many more items there is room.
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// For how many there is if it is empty.
    pub fn max_capacity(&self) -> usize {
        self.0.max_capacity()
    }
}

impl<T> Receiver<T> {
    /// The next item; none when there is none and nobody is left who could put one in.
    pub async fn recv(&mut self) -> Option<T> {
        self.0.recv().await.map(|item| *item)
    }

    /// The same, by polling.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_recv(cx).map(|item| item.map(|item| *item))
    }

    /// The next item, if there is one.
    pub fn try_recv(&mut self) -> Option<T> {
        self.0.try_recv().ok().map(|item| *item)
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
