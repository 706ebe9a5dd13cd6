//! Figures of a target's calls, for as long as it is configured.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::durations::Durations;

/// The tallies of a virtual server's targets, by name.
#[derive(Default)]
pub(crate) struct Tallies(Mutex<HashMap<String, Arc<Tally>>>);

/// Counts the calls of one target.
#[derive(Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    running: u64,
    total: u64,
    failed: u64,
    durations: Durations,
}

/// How a target's calls went since it was configured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Calls that have ended.
    pub total: u64,
    /// Those of them that ended with an error, or with a tool's word that it failed.
    pub failed: u64,
    /// Calls that have not ended yet.
    pub running: u64,
    /// How long calls took; none if there were none.
    pub durations: Option<Percentiles>,
}

/// How long calls took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentiles {
    /// Half of the calls took no longer.
    pub p50: Duration,
    /// Nine of ten calls took no longer.
    pub p90: Duration,
    /// 99 of 100 calls took no longer.
    pub p99: Duration,
}

impl Tallies {
    /// The tally of a target.
    pub(crate) fn of(&self, target: &str) -> Arc<Tally> {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match tallies.get(target) {
            Some(tally) => tally.clone(),
            None => tallies.entry(target.to_owned()).or_default().clone(),
        }
    }

    /// Forgets targets that are gone or were replaced: figures of another server would only mislead.
    pub(crate) fn forget(&self, targets: &[String]) {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        targets.iter().for_each(|target| drop(tallies.remove(target)));
    }
}

impl Tally {
    pub(crate) fn begin(&self) {
        self.counts().running += 1;
    }

    pub(crate) fn end(&self, duration: Duration, failed: bool) {
        let mut counts = self.counts();
        counts.running = counts.running.saturating_sub(1);
        counts.total += 1;
        counts.failed += u64::from(failed);
        counts.durations.count(duration);
    }

    pub(crate) fn figures(&self) -> Figures {
        let counts = self.counts();
        let percentile = |share| counts.durations.percentile(share);
        let durations = percentile(0.5)
            .zip(percentile(0.9))
            .zip(percentile(0.99))
            .map(|((p50, p90), p99)| Percentiles { p50, p90, p99 });
        Figures { total: counts.total, failed: counts.failed, running: counts.running, durations }
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
