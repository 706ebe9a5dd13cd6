//! How long things took, in the fixed buckets that dashboards compare over time and over replicas.

use std::time::Duration;

/// The upper bounds of the buckets, in seconds: from half a millisecond, which the gateway itself stays below, to the five
/// minutes after which a silent call is given up.
pub const BOUNDS: [f64; 18] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
    300.0,
];

/// A histogram of durations with the buckets of [`BOUNDS`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    /// How many were in each bucket alone; the last is for those beyond all bounds.
    pub counts: [u64; BOUNDS.len() + 1],
    /// All of them added up, in seconds.
    pub sum: f64,
}

impl Histogram {
    pub(crate) fn count(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.counts[BOUNDS.partition_point(|bound| *bound < seconds)] += 1;
        self.sum += seconds;
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
        self.sum += other.sum;
    }

    /// How many there were.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let mut histogram = Histogram::default();
        for micros in [1, 500, 501, 300_000_000, 300_000_001] {
            histogram.count(Duration::from_micros(micros));
        }
        let last = BOUNDS.len();
        assert_eq!((histogram.counts[0], histogram.counts[1]), (2, 1));
        assert_eq!((histogram.counts[last - 1], histogram.counts[last]), (1, 1));
        assert_eq!(histogram.total(), 5);
    }
}
