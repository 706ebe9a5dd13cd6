//! The traffic of the last hour, minute by minute.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::durations::Durations;

/// How many minutes are kept.
const MINUTES: usize = 60;

/// The calls of the last hour.
pub(crate) struct Traffic {
    /// When the oldest minute began.
    began: Instant,
    /// The oldest first; the last is the one that is now.
    minutes: VecDeque<Minute>,
}

#[derive(Clone, Default)]
struct Minute {
    calls: u64,
    failed: u64,
    durations: Durations,
}

/// One minute of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Calls that ended.
    pub calls: u64,
    /// Those of them that ended with an error, or with a tool's word that it failed.
    pub failed: u64,
    /// Half of the calls took no longer; none if there were none.
    pub p50: Option<Duration>,
}

impl Moment {
    /// How long a moment is.
    pub const LENGTH: Duration = Duration::from_secs(60);
}

impl Default for Traffic {
    fn default() -> Self {
        Self { began: Instant::now(), minutes: VecDeque::from([Minute::default()]) }
    }
}

impl Traffic {
    pub(super) fn count(&mut self, now: Instant, duration: Duration, failed: bool) {
        self.advance(now);
        if let Some(now) = self.minutes.back_mut() {
            now.calls += 1;
            now.failed += u64::from(failed);
            now.durations.count(duration);
        }
    }

    /// Adds what was counted elsewhere in the same minutes.
    pub(super) fn add(&mut self, now: Instant, other: &mut Self) {
        self.advance(now);
        other.advance(now);
        while self.minutes.len() < other.minutes.len() {
            self.minutes.push_front(Minute::default());
            self.began -= Moment::LENGTH;
        }
        for (minute, more) in self.minutes.iter_mut().rev().zip(other.minutes.iter().rev()) {
            minute.calls += more.calls;
            minute.failed += more.failed;
            minute.durations.add(&more.durations);
        }
    }

    /// An hour of moments, the oldest first; the last is not over yet.
    pub(super) fn moments(&mut self, now: Instant) -> Vec<Moment> {
        self.advance(now);
        let none = Moment { calls: 0, failed: 0, p50: None };
        let mut moments = vec![none; MINUTES - self.minutes.len()];
        moments.extend(self.minutes.iter().map(|minute| Moment {
            calls: minute.calls,
            failed: minute.failed,
            p50: minute.durations.percentile(0.5),
        }));
        moments
    }

    /// Begins the minutes that have begun.
    fn advance(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.began).as_secs() / Moment::LENGTH.as_secs();
        let mut missing = (passed + 1).saturating_sub(self.minutes.len() as u64);
        if missing > MINUTES as u64 {
            // Nothing happened for more than an hour.
            self.minutes.clear();
            self.began += Moment::LENGTH * u32::try_from(passed).unwrap_or(u32::MAX);
            missing = 1;
        }
        for _ in 0..missing {
            if self.minutes.len() == MINUTES {
                self.minutes.pop_front();
                self.began += Moment::LENGTH;
            }
            self.minutes.push_back(Minute::default());
        }
    }
}
