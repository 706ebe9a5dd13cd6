//! Figures of a target's calls, for as long as it is configured.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::Method;
use upstream::spread::{Lender, Lent, Spread};

use super::durations::Durations;
use super::histogram::Histogram;
use crate::map::Map;

/// The tallies of a virtual server's targets, by name.
#[derive(Default)]
pub(crate) struct Tallies {
    of_targets: Lender<Map<String, Arc<Tally>>>,
    /// Held while targets come and go.
    changing: Mutex<()>,
    /// Of calls that reach no target, such as those of unknown tools.
    nobodys: Tally,
}

/// The tally of a target.
pub(crate) struct OfTarget {
    name: String,
    tallies: Lent<Map<String, Arc<Tally>>>,
}

/// Counts the calls of one target, each thread for itself.
#[derive(Default)]
pub(crate) struct Tally(Spread<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    /// Less than nothing where more calls end than begin.
    running: i64,
    durations: Durations,
    /// Of the methods that were called. They are few, so a list is searched faster than a map.
    methods: Vec<MethodCounts>,
}

/// How a call ended, in one word: a bounded set, for figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// With a result.
    Ok,
    /// With the result of a tool that says of itself that it failed.
    ToolError,
    /// With an error of the target's.
    RpcError,
    /// With a question to the client, who calls again.
    InputRequired,
    /// The target could not be reached, or was busy. The call did not run.
    Unavailable,
    /// The target did not answer in time.
    Timeout,
    /// The target failed while it had the call.
    Failed,
    /// Refused here: an unknown name, or params of the wrong shape.
    Refused,
    /// The client gave up, or is gone.
    Cancelled,
}

impl CallOutcome {
    /// Each of them.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::ToolError,
        Self::RpcError,
        Self::InputRequired,
        Self::Unavailable,
        Self::Timeout,
        Self::Failed,
        Self::Refused,
        Self::Cancelled,
    ];

    /// Whether it was an error, or a tool's word that it failed.
    fn is_failure(self) -> bool {
        match self {
            Self::Ok | Self::InputRequired | Self::Cancelled => false,
            Self::ToolError
            | Self::RpcError
            | Self::Unavailable
            | Self::Timeout
            | Self::Failed
            | Self::Refused => true,
        }
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::RpcError => "rpc_error",
            Self::InputRequired => "input_required",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A call that has ended, as far as it is counted.
pub(crate) struct Ended {
    pub(crate) method: &'static Method,
    pub(crate) duration: Duration,
    pub(crate) outcome: CallOutcome,
}

/// The calls of one method.
#[derive(Debug, Clone)]
pub struct MethodCounts {
    /// The method.
    pub method: &'static Method,
    /// How many ended in each way, in the order of [`CallOutcome::ALL`].
    pub outcomes: [u64; CallOutcome::ALL.len()],
    /// How long they took.
    pub durations: Histogram,
}

/// The calls of one target, in figures that only grow.
#[derive(Debug, Clone, Default)]
pub struct CallCounts {
    /// Calls that have not ended yet.
    pub running: u64,
    /// Those that have, by method; only the methods that were called.
    pub methods: Vec<MethodCounts>,
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
    pub(crate) fn of(&self, target: &str) -> OfTarget {
        let mut tallies = self.of_targets.lend();
        while !tallies.contains_key(target) {
            self.change(|tallies| {
                tallies.entry(target.to_owned()).or_default();
            });
            tallies = self.of_targets.lend();
        }
        OfTarget { name: target.to_owned(), tallies }
    }

    /// The tally of calls that reach no target.
    pub(crate) fn nobodys(&self) -> &Tally {
        &self.nobodys
    }

    /// Forgets targets that are gone or were replaced: figures of another server would only mislead.
    pub(crate) fn forget(&self, targets: &[String]) {
        self.change(|tallies| tallies.retain(|target, _| !targets.contains(target)));
    }

    fn change(&self, change: impl FnOnce(&mut Map<String, Arc<Tally>>)) {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tallies = Map::clone(&self.of_targets.lend());
        change(&mut tallies);
        self.of_targets.replace(tallies);
    }
}

impl OfTarget {
    /// The name of the target.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Deref for OfTarget {
    type Target = Tally;

    fn deref(&self) -> &Tally {
        // Whoever made this has seen it there, and what was lent does not change.
        &self.tallies[&self.name]
    }
}

impl Tally {
    pub(crate) fn begin(&self) {
        self.here().running += 1;
    }

    /// Another target gets the call.
    pub(crate) fn pass_on(&self) {
        self.here().running -= 1;
    }

    pub(crate) fn end(&self, ended: &Ended) {
        let Ended { method, duration, outcome } = *ended;
        let mut counts = self.here();
        counts.running -= 1;
        counts.durations.count(duration);
        let of_method = counts.of(method);
        of_method.outcomes[outcome as usize] += 1;
        of_method.durations.count(duration);
    }

    pub(crate) fn call_counts(&self) -> CallCounts {
        let counts = self.sum();
        CallCounts { running: counts.running(), methods: counts.methods }
    }

    pub(crate) fn figures(&self) -> Figures {
        let counts = self.sum();
        let percentile = |share| counts.durations.percentile(share);
        let durations = percentile(0.5)
            .zip(percentile(0.9))
            .zip(percentile(0.99))
            .map(|((p50, p90), p99)| Percentiles { p50, p90, p99 });
        let (total, failed) = (counts.ended(|_| true), counts.ended(CallOutcome::is_failure));
        Figures { total, failed, running: counts.running(), durations }
    }

    fn sum(&self) -> Counts {
        self.0.all().fold(Counts::default(), |mut sum, counts| {
            sum.add(&lock(counts));
            sum
        })
    }

    fn here(&self) -> MutexGuard<'_, Counts> {
        lock(self.0.here())
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Counts {
    fn add(&mut self, others: &Self) {
        self.running += others.running;
        self.durations.add(&others.durations);
        for more in &others.methods {
            let of_method = self.of(more.method);
            of_method.outcomes.iter_mut().zip(more.outcomes).for_each(|(count, more)| *count += more);
            of_method.durations.add(&more.durations);
        }
    }

    fn running(&self) -> u64 {
        self.running.try_into().unwrap_or_default()
    }

    /// How many calls ended in one of these ways.
    fn ended(&self, counts: impl Fn(CallOutcome) -> bool) -> u64 {
        let ways = || CallOutcome::ALL.into_iter().filter(|outcome| counts(*outcome));
        self.methods.iter().flat_map(|method| ways().map(|outcome| method.outcomes[outcome as usize])).sum()
    }

    fn of(&mut self, method: &'static Method) -> &mut MethodCounts {
        let known = self.methods.iter().position(|counts| std::ptr::eq(counts.method, method));
        let at = known.unwrap_or_else(|| {
            let outcomes = [0; CallOutcome::ALL.len()];
            self.methods.push(MethodCounts { method, outcomes, durations: Histogram::default() });
            self.methods.len() - 1
        });
        &mut self.methods[at]
    }
}
