//! How it stands with a wire.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

use crate::latch;

/// What becomes of a wire, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    /// The server turned out to have forgotten the session although nobody asked.
    Lost = 1,
    /// It was ended from our side.
    Over = 2,
}

/// The stage of a wire, which only goes up, and who waits for one.
#[derive(Debug, Default)]
pub(super) struct Life {
    stage: AtomicU8,
    told: Notify,
}

impl Life {
    /// From now on it is in this stage at least.
    pub(super) fn set(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
        self.told.notify_waiters();
    }

    /// Whether it is in this stage at least.
    pub(super) fn is(&self, stage: Stage) -> bool {
        self.stage.load(Ordering::Acquire) >= stage as u8
    }

    /// Resolves when it is in this stage at least.
    pub(super) async fn until(&self, stage: Stage) {
        latch::until(&self.told, || self.is(stage).then_some(())).await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn who_waits_for_a_stage_is_told_of_it_and_of_later_ones() {
        let life = Life::default();
        let (mut lost, mut over) = (Box::pin(life.until(Stage::Lost)), Box::pin(life.until(Stage::Over)));
        assert!(lost.as_mut().now_or_never().is_none() && over.as_mut().now_or_never().is_none());
        life.set(Stage::Lost);
        assert!(lost.now_or_never().is_some() && over.as_mut().now_or_never().is_none());
        life.set(Stage::Over);
        life.set(Stage::Lost);
        assert!(over.now_or_never().is_some() && life.is(Stage::Over) && life.is(Stage::Lost));
        assert!(life.until(Stage::Lost).now_or_never().is_some());
    }
}
