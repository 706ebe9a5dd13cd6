//! What a gateway holds while clients come and go.

use std::time::Duration;

/// How many faults are kept in words.
const WORDS: usize = 3;

/// What is held at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Memory, in KiB.
    pub(crate) resident: u64,
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
}

/// A stretch of time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stretch {
    pub(crate) from: Duration,
    pub(crate) until: Duration,
    pub(crate) samples: Vec<Sample>,
    /// How many visits came to an end.
    pub(crate) visits: u64,
    /// How many of them not well.
    pub(crate) wrong: u64,
    /// The first of those, in words.
    pub(crate) faults: Vec<String>,
}

impl Stretch {
    pub(crate) fn note(&mut self, outcome: Result<(), String>) {
        self.visits += 1;
        if let Err(fault) = outcome {
            self.wrong += 1;
            if self.faults.len() < WORDS {
                self.faults.push(fault);
            }
        }
    }

    /// The mean of the memory, in MiB.
    #[expect(clippy::cast_precision_loss, reason = "they are far from 2^52")]
    pub(crate) fn resident(&self) -> f64 {
        let sum: u64 = self.samples.iter().map(|sample| sample.resident).sum();
        sum as f64 / self.samples.len().max(1) as f64 / 1024.0
    }

    /// What stands above [`Self::row`].
    pub(crate) fn header() -> String {
        let columns = ["visits", "wrong", "resident MiB", "descriptors", "at most", "threads"];
        columns.iter().fold(format!("{:<14}", "minutes"), |line, column| format!("{line}{column:>14}"))
    }

    /// A line of the table, and one for each fault that is known in words.
    pub(crate) fn row(&self) -> String {
        let minutes = |time: Duration| time.as_secs_f64() / 60.0;
        let mut descriptors: Vec<_> = self.samples.iter().map(|sample| sample.descriptors).collect();
        descriptors.sort_unstable();
        let middle = descriptors.get(descriptors.len() / 2).copied().unwrap_or_default();
        let most = descriptors.last().copied().unwrap_or_default();
        let threads = self.samples.iter().map(|sample| sample.threads).max().unwrap_or_default();
        let when = format!("{:.1} to {:.1}", minutes(self.from), minutes(self.until));
        let counts = format!("{when:<14}{:>14}{:>14}{:>14.1}", self.visits, self.wrong, self.resident());
        let faults = self.faults.iter().map(|fault| format!("\n    WRONG: {fault}")).collect::<String>();
        format!("{counts}{middle:>14}{most:>14}{threads:>14}{faults}")
    }
}
