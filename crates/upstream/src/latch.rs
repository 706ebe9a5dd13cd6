//! Something that happens once and is waited for: a `CancellationToken` without children, which takes no memory elsewhere.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// What has not happened when it is made.
#[derive(Debug, Default)]
pub struct Latch {
    has_happened: AtomicBool,
    told: Notify,
}

impl Latch {
    /// It happens now. More than once is no more.
    pub fn set(&self) {
        self.has_happened.store(true, Ordering::Release);
        self.told.notify_waiters();
    }

    /// Whether it has happened.
    pub fn is_set(&self) -> bool {
        self.has_happened.load(Ordering::Acquire)
    }

    /// Resolves when it happens, or at once if it has.
    pub async fn wait(&self) {
        until(&self.told, || self.is_set().then_some(())).await;
    }
}

/// What becomes of something that is tried now, and each time that everybody or the next in turn is told, until it can be done.
pub async fn until<T>(told: &Notify, mut attempt: impl FnMut() -> Option<T>) -> T {
    loop {
        // Told from here on, so that nothing is missed while it is tried.
        let mut told = pin!(told.notified());
        told.as_mut().enable();
        if let Some(done) = attempt() {
            return done;
        }
        told.await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn whoever_waits_is_told_and_who_comes_later_does_not_wait() {
        let latch = Latch::default();
        let (mut first, mut second) = (Box::pin(latch.wait()), Box::pin(latch.wait()));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        assert!(!latch.is_set());
        latch.set();
        latch.set();
        assert_eq!((first.now_or_never(), second.now_or_never()), (Some(()), Some(())));
        assert!(latch.is_set() && latch.wait().now_or_never().is_some());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_waits_for_ever() {
        for _ in 0..10_000 {
            let latch = Arc::new(Latch::default());
            let waiting = tokio::spawn({
                let latch = latch.clone();
                async move { latch.wait().await }
            });
            latch.set();
            waiting.await.expect("no panic");
        }
    }
}
