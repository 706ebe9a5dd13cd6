//! How long things took, in buckets whose bounds grow by a fifth.

use std::time::Duration;

/// Four buckets for each doubling, from a microsecond to more than four hours.
const BUCKETS: usize = 4 * 34;

/// A histogram of durations. A percentile that is read from it is off by a tenth at most.
#[derive(Clone)]
pub(crate) struct Durations {
    counts: [u32; BUCKETS],
    total: u64,
}

impl Default for Durations {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], total: 0 }
    }
}

impl Durations {
    pub(crate) fn count(&mut self, duration: Duration) {
        let micros = duration.as_micros().max(1) as f64;
        let bucket = (micros.log2() * 4.0) as usize;
        if let Some(count) = self.counts.get_mut(bucket.min(BUCKETS - 1)) {
            *count = count.saturating_add(1);
            self.total += 1;
        }
    }

    /// Adds others.
    pub(crate) fn add(&mut self, others: &Self) {
        self.counts
            .iter_mut()
            .zip(others.counts)
            .for_each(|(count, more)| *count = count.saturating_add(more));
        self.total += others.total;
    }

    /// The duration that this share (0 to 1) of all did not exceed; none if there were none.
    pub(crate) fn percentile(&self, share: f64) -> Option<Duration> {
        if self.total == 0 {
            return None;
        }
        let rank = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += u64::from(*count);
            seen >= rank
        })?;
        // The geometric middle of the bucket.
        let micros = 2f64.powf((bucket as f64 + 0.5) / 4.0);
        Some(Duration::from_nanos((micros * 1000.0) as u64))
    }
}
