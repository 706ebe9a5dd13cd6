//! How long to wait before the next attempt: twice as long each time, with jitter, until it has held for a while.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// Only a target that lived for this long starts again from the shortest pause: one that dies after each start must not
/// be started every second for ever.
const SUSTAINED: Duration = Duration::from_secs(30);

/// The pauses of one target, or of one thing that is tried at it again and again.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// No failure yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Failures in a row.
    pub fn attempts(&self) -> u32 {
        self.failures
    }

    /// The shortest pause between two attempts, also when someone is waiting.
    pub fn floor(&self) -> Duration {
        FIRST / 2
    }

    /// The target was up for this long before it ended.
    pub fn lived_for(&mut self, uptime: Duration) {
        if uptime >= SUSTAINED {
            self.failures = 0;
        }
    }

    /// Counts a failure and says how long to wait now.
    pub fn pause(&mut self) -> Duration {
        let nominal = FIRST.saturating_mul(1 << self.failures.min(6)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        about(nominal)
    }
}

/// A pause within a fifth of the nominal one, so that many targets that failed together do not come back together.
pub(super) fn about(nominal: Duration) -> Duration {
    let mut byte = [128u8];
    // Without randomness the pause is the nominal one, which is as good for a single target.
    let _ = getrandom::fill(&mut byte);
    nominal.mul_f64(0.8 + 0.4 * f64::from(byte[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_ceiling_and_shrink_only_after_a_sustained_life() {
        let mut backoff = Backoff::new();
        let pauses: Vec<_> = (0..9).map(|_| backoff.pause().as_secs_f64()).collect();
        assert!((0.8..=1.2).contains(&pauses[0]) && (3.2..=4.8).contains(&pauses[2]), "{pauses:?}");
        assert!(pauses[8] <= 72.0, "{pauses:?}");
        backoff.lived_for(Duration::from_secs(29));
        assert!(backoff.pause() > Duration::from_secs(40));
        backoff.lived_for(Duration::from_secs(30));
        assert!(backoff.pause() <= Duration::from_millis(1200));
    }
}
