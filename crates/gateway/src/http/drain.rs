//! How work comes to an end: asked to finish, waited for, and cut if it takes too long.
//!
//! A [`Drain`] belongs to whoever decides about the end; everyone who works for it holds a [`Guard`], which
//! shows the two signals and counts as *still running* until it is dropped.
//!
//! * **Finish**: take nothing new, bring what has begun to its end. Streams without an end of their own, such
//!   as those that carry change notifications, have to end themselves now; see [`Guard::until_finish`].
//! * **Cut**: the time is over. Whatever is still running is dropped where it stands.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// How long tasks get to notice the cut. They do so at their next poll, so one that needs longer blocks its
/// thread, and waiting for that would make the stop depend on it.
const CUT_NOTICE: Duration = Duration::from_secs(1);

/// The end of something, in the hands of its owner. Dropping it cuts what still runs.
///
/// Not `Clone`, and consumed by [`Drain::wait`]: otherwise new work could begin after the last of the old was
/// counted, and nobody would wait for it. For the same reason a guard comes from here or from another guard.
#[derive(Debug, Default)]
pub struct Drain {
    signals: Signals,
}

#[derive(Debug, Clone, Default)]
struct Signals {
    /// How long it may take, once that is known.
    grace: Arc<OnceLock<Duration>>,
    finish: CancellationToken,
    cut: CancellationToken,
    running: TaskTracker,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "work that was cut deserves a line in the log"]
pub enum Drained {
    /// Everything came to its own end.
    Complete,
    /// The time was over before everything had ended.
    Cut {
        /// How many guards were still held.
        running: usize,
    },
}

impl Drain {
    /// Nothing runs yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A guard for something that works until it is asked to finish.
    pub fn guard(&self) -> Guard {
        self.signals.guard()
    }

    /// Asks everyone to finish, without waiting for it.
    pub fn finish(&self) {
        self.signals.finish.cancel();
    }

    /// Asks everyone to finish, waits until they have, and cuts what is left when the grace is over.
    pub async fn wait(self, grace: Duration) -> Drained {
        // It is waited for only once.
        let _ = self.signals.grace.set(grace);
        self.finish();
        let Signals { cut, running, .. } = &self.signals;
        running.close();
        if timeout(grace, running.wait()).await.is_ok() {
            return Drained::Complete;
        }
        let left = running.len();
        cut.cancel();
        if timeout(CUT_NOTICE, running.wait()).await.is_err() {
            tracing::warn!(running = running.len(), "some work does not react to being cut");
        }
        Drained::Cut { running: left }
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.signals.finish.cancel();
        self.signals.cut.cancel();
    }
}

/// Something is still running. A clone counts as well.
#[derive(Debug)]
pub struct Guard {
    signals: Signals,
    _counted: TaskTrackerToken,
}

impl Signals {
    fn guard(&self) -> Guard {
        Guard { _counted: self.running.token(), signals: self.clone() }
    }
}

impl Clone for Guard {
    fn clone(&self) -> Self {
        self.signals.guard()
    }
}

impl Guard {
    /// Completes when it is time to finish.
    pub async fn finishing(&self) {
        self.signals.finish.cancelled().await;
    }

    /// How long to stay for something that may not come, once it is time to finish: as long as wished, but not so long that
    /// what comes then would be cut.
    pub fn linger(&self, wished: Duration) -> Duration {
        self.signals.grace.get().map_or(wished, |grace| wished.min(*grace / 2))
    }

    /// Whether it is time to finish.
    pub fn is_finishing(&self) -> bool {
        self.signals.finish.is_cancelled()
    }

    /// Completes when it is time to stop at once.
    pub async fn cut(&self) {
        self.signals.cut.cancelled().await;
    }

    /// The signal to finish, for those whom someone else already counts.
    pub fn finish_token(&self) -> CancellationToken {
        self.signals.finish.clone()
    }

    /// A stream that ends when it is time to finish, and counts as running until it is dropped.
    pub fn until_finish<S>(self, stream: S) -> BoxStream<'static, S::Item>
    where
        S: Stream + Send + 'static,
    {
        let finish = self.finish_token();
        stream
            .take_until(async move {
                finish.cancelled().await;
                drop(self);
            })
            .boxed()
    }
}

#[cfg(test)]
mod tests;
