//! Figures, and what is made of those of several rounds.

use serde::{Deserialize, Serialize};

use crate::load::Record;
use crate::meter::Memory;

/// What was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Figures {
    /// Under load, a value for each round.
    Load(Vec<Round>),
    Idle(Idle),
    /// Milliseconds from start to the first answer, a value for each round.
    Start(Vec<f64>),
    /// It could not be measured, and why.
    Failed(String),
}

/// One turn of a contestant.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Round {
    pub(crate) seconds: f64,
    /// Calls that were answered rightly in this time.
    pub(crate) calls: u64,
    /// Processor time of the contestant, in nanoseconds.
    pub(crate) cpu: Option<u64>,
    /// Latencies, in nanoseconds.
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) errors: u64,
    pub(crate) faults: Vec<String>,
    /// How often the server ended a connection in good order.
    pub(crate) reconnects: u64,
    /// The most memory that it had since its start, in KiB.
    pub(crate) peak: Option<u64>,
}

impl Round {
    pub(crate) fn new(record: &Record, seconds: f64, cpu: Option<u64>, memory: Option<Memory>) -> Self {
        let at = |quantile| record.latencies.value_at_quantile(quantile);
        Self {
            seconds,
            calls: record.calls(),
            cpu,
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            errors: record.errors,
            faults: record.faults.clone(),
            reconnects: record.reconnects,
            peak: memory.map(|memory| memory.peak),
        }
    }

    /// Processor time for a call, in microseconds; the same number is milliseconds for a thousand.
    #[expect(clippy::cast_precision_loss, reason = "they are far from 2^52")]
    pub(crate) fn cpu_per_call(&self) -> Option<f64> {
        (self.calls > 0).then_some(self.cpu? as f64 / self.calls as f64 / 1000.0)
    }

    #[expect(clippy::cast_precision_loss, reason = "they are far from 2^52")]
    pub(crate) fn calls_per_second(&self) -> f64 {
        self.calls as f64 / self.seconds
    }
}

/// Memory without load, in KiB.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Idle {
    /// With two targets and no client.
    pub(crate) rest: u64,
    /// More for each session that has only shaken hands.
    pub(crate) session: f64,
    /// More for each session that has called a tool.
    pub(crate) used: f64,
    /// More for each session that has only shaken hands and has an open stream, its connection included.
    pub(crate) stream: f64,
}

impl Figures {
    pub(crate) fn rounds(&self) -> &[Round] {
        match self {
            Figures::Load(rounds) => rounds,
            _ => &[],
        }
    }

    pub(crate) fn failed(error: &anyhow::Error) -> Self {
        Figures::Failed(format!("{error:#}"))
    }

    /// Wrong answers, and failures.
    pub(crate) fn errors(&self) -> u64 {
        if let Figures::Failed(_) = self {
            return 1;
        }
        self.rounds().iter().map(|round| round.errors).sum()
    }

    /// The median over the rounds.
    pub(crate) fn median(&self, of: impl Fn(&Round) -> Option<f64>) -> Option<f64> {
        median(self.rounds().iter().filter_map(of).collect())
    }

    /// The median over the rounds of a comparison with what somebody else had in the same round: what the machine did besides
    /// was then about the same.
    pub(crate) fn median_against(
        &self,
        other: &Self,
        of: impl Fn(&Round, &Round) -> Option<f64>,
    ) -> Option<f64> {
        let rounds = self.rounds().iter().zip(other.rounds());
        median(rounds.filter_map(|(round, other)| of(round, other)).collect())
    }
}

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![9.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
