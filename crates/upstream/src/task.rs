//! Tasks with an owner: the one place that spawns.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tracing::Instrument as _;

/// A running task. It is cut when this is dropped, so no task outlives what it works for.
#[derive(Debug)]
#[must_use = "the task is cut when this is dropped"]
pub struct Task(AbortHandle);

impl Task {
    /// Starts a task under a name for the logs.
    pub fn spawn(name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(start(name, work))
    }

    /// Starts a task that nobody owns because it ends by itself: within a deadline of its own, or when it is told to.
    pub fn spawn_finite(name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        start(name, work);
    }

    /// The same from where something is dropped, which may be without a runtime at the end of the program: then the work is
    /// dropped too.
    pub fn spawn_left_over(name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        if Handle::try_current().is_ok() {
            start(name, work);
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Work that has to come to its end once it was begun. Who waits for it does it; if they give up, a task does the rest, and then
/// what has to be done with what came of it.
pub(crate) struct SeenThrough<T: 'static> {
    name: &'static str,
    work: Option<BoxFuture<'static, T>>,
    unwanted: fn(T) -> BoxFuture<'static, ()>,
}

impl<T: Send> SeenThrough<T> {
    /// Work that ends by itself, within a deadline of its own, and what is done with its result where nobody wants it.
    pub(crate) fn new(
        name: &'static str,
        work: BoxFuture<'static, T>,
        unwanted: fn(T) -> BoxFuture<'static, ()>,
    ) -> Self {
        Self { name, work: Some(work), unwanted }
    }
}

impl<T: Send> Future for SeenThrough<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // Taken out, because what panics must not be gone on with.
        let Some(mut work) = self.work.take() else { return Poll::Pending };
        let done = work.as_mut().poll(cx);
        if done.is_pending() {
            self.work = Some(work);
        }
        done
    }
}

impl<T> Drop for SeenThrough<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            let unwanted = self.unwanted;
            Task::spawn_left_over(self.name, async move { unwanted(work.await).await });
        }
    }
}

/// Work that is larger than this, in bytes, is put elsewhere before it becomes a task: a runtime moves what it is given about
/// several times, at the beginning and at the end.
const LARGE: usize = 128;

fn start<W: Future<Output = ()> + Send + 'static>(name: &'static str, work: W) -> AbortHandle {
    let span = tracing::debug_span!("task", name);
    match size_of::<W>() > LARGE {
        true => tokio::spawn(Box::pin(work).instrument(span)).abort_handle(),
        false => tokio::spawn(work.instrument(span)).abort_handle(),
    }
}
