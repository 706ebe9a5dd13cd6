//! What a load came to.

use std::time::Duration;

use hdrhistogram::Histogram;

/// How many faults are kept in words.
const WORDS: usize = 3;

/// Calls, how long they took, and what went wrong.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// Latencies of the calls that were answered rightly, in nanoseconds.
    pub(crate) latencies: Histogram<u64>,
    /// Wrong answers, and none. Also before and after the time that counts: there must not be any.
    pub(crate) errors: u64,
    /// The first faults, in words.
    pub(crate) faults: Vec<String>,
    /// Connections that the server ended in good order between two calls.
    pub(crate) reconnects: u64,
}

impl Default for Record {
    fn default() -> Self {
        let mut latencies = Histogram::new(3).unwrap_or_else(|_| unreachable!("three digits are possible"));
        latencies.auto(true);
        Self { latencies, errors: 0, faults: Vec::new(), reconnects: 0 }
    }
}

impl Record {
    pub(super) fn answered(&mut self, after: Duration) {
        // It grows as it needs to.
        let _ = self.latencies.record(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX).max(1));
    }

    pub(super) fn failed(&mut self, fault: &str) {
        self.errors += 1;
        if self.faults.len() < WORDS {
            self.faults.push(fault.to_owned());
        }
    }

    /// How many calls were answered rightly.
    pub(crate) fn calls(&self) -> u64 {
        self.latencies.len()
    }

    /// Adds what another load came to.
    pub(crate) fn add(&mut self, other: &Self) {
        // Both grow as they need to.
        let _ = self.latencies.add(&other.latencies);
        self.errors += other.errors;
        self.reconnects += other.reconnects;
        self.faults.extend(other.faults.iter().cloned());
        self.faults.truncate(WORDS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_all_clients_together() {
        let (mut one, mut two) = (Record::default(), Record::default());
        for ms in 1..=99 {
            one.answered(Duration::from_millis(ms));
        }
        two.answered(Duration::from_secs(5));
        two.failed("x");
        one.add(&two);
        assert_eq!((one.calls(), one.errors), (100, 1));
        let at = |quantile| one.latencies.value_at_quantile(quantile) / 1_000_000;
        assert!((49..=51).contains(&at(0.5)), "{}", at(0.5));
        assert!((98..=100).contains(&at(0.99)), "{}", at(0.99));
        assert!(at(1.0) >= 4990, "{}", at(1.0));
    }
}
