//! How many notifications of a target are heard in a second. Those of calls are not counted: they were asked for, and are bounded
//! by who reads them.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// The notifications of one target, over all its links.
#[derive(Debug, Default)]
pub(super) struct Rate(Mutex<Option<Bucket>>);

/// What is left of what may be heard. It fills up by as much as may be heard in a second, and holds as much.
#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Rate {
    /// Whether one more is heard, of so many in a second.
    pub(super) fn take(&self, per_second: u32) -> bool {
        let most = f64::from(per_second);
        let now = Instant::now();
        // Every change is one step, so a panic elsewhere leaves nothing half done.
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = bucket.get_or_insert(Bucket { left: most, at: now });
        let filled = bucket.left + (now - bucket.at).as_secs_f64() * most;
        (bucket.left, bucket.at) = (filled.min(most), now);
        let heard = bucket.left >= 1.0;
        if heard {
            bucket.left -= 1.0;
        }
        heard
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_brings_as_many_as_are_allowed() {
        let rate = Rate::default();
        let heard = |rate: &Rate| (0..1000).filter(|_| rate.take(10)).count();
        assert_eq!((heard(&rate), heard(&rate)), (10, 0));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(heard(&rate), 5);
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(heard(&rate), 10);
    }
}
