//! Turns on a link whose target cannot say which call a question belongs to.
//!
//! A pipe carries everything on one stream. As long as only one call that may be asked about is running, what the
//! target asks is about that one. A call that waits for its client's answer lets others pass: the client may need
//! one of them to find the answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::latch;

/// Whose turn it is. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Turn(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Calls that have the turn.
    running: usize,
    /// Questions that wait for an answer.
    paused: usize,
}

impl Turn {
    /// Waits until no other call runs, or all that run wait for answers. Dropping what is returned ends the turn.
    pub(crate) async fn take(&self) -> Taken {
        latch::until(&self.0.changed, || {
            let mut state = self.state();
            (state.running <= state.paused).then(|| {
                state.running += 1;
                Taken(self.clone())
            })
        })
        .await
    }

    /// Lets others pass until what is returned is dropped.
    pub(crate) fn pause(&self) -> Paused {
        self.state().paused += 1;
        self.0.changed.notify_waiters();
        Paused(self.clone())
    }

    /// Every change is one step, so a panic elsewhere leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call's turn.
pub(crate) struct Taken(Turn);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.state().running -= 1;
        self.0.0.changed.notify_waiters();
    }
}

/// A question that waits.
pub(crate) struct Paused(Turn);

impl Drop for Paused {
    fn drop(&mut self) {
        self.0.state().paused -= 1;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn one_call_after_the_other() {
        let turn = Turn::default();
        let first = turn.take().await;
        let mut second = Box::pin(turn.take());
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        second.await;
    }

    #[tokio::test]
    async fn a_call_that_waits_for_its_client_lets_one_pass_and_not_two() {
        let turn = Turn::default();
        let _first = turn.take().await;
        let question = turn.pause();
        let _second = turn.take().await;
        assert!(turn.take().now_or_never().is_none());
        drop(question);
        assert!(turn.take().now_or_never().is_none());
    }
}
