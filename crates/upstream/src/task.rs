//! Tasks with an owner: the one place that spawns.

use std::future::Future;

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

    /// Starts a task that nobody owns because it ends by itself, within a deadline of its own.
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

fn start(name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    tokio::spawn(work.instrument(tracing::debug_span!("task", name))).abort_handle()
}
