//! What became of the requests, by kind and era.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// What became of a request.
pub(super) enum Outcome {
    Answered,
    /// A clear error, with its words.
    Failed(String),
    /// No response, a broken one, or an error that says nothing.
    Unanswered(String),
}

/// The counts of one kind of request.
#[derive(Default)]
struct Row {
    answered: u64,
    failed: BTreeMap<String, u64>,
    unanswered: Vec<String>,
}

/// The counts of all requests.
#[derive(Default)]
pub(super) struct Tally {
    rows: Mutex<BTreeMap<(&'static str, &'static str), Row>>,
}

impl Tally {
    /// Counts one.
    pub(super) fn count(&self, kind: &'static str, era: &'static str, outcome: Outcome) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let row = rows.entry((kind, era)).or_default();
        match outcome {
            Outcome::Answered => row.answered += 1,
            Outcome::Failed(reason) => *row.failed.entry(reason).or_default() += 1,
            Outcome::Unanswered(what) => row.unanswered.push(what),
        }
    }

    /// The kinds of which none was answered with a result.
    pub(super) fn never_answered(&self) -> Vec<String> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let never = rows.iter().filter(|(_, row)| row.answered == 0);
        never.map(|((kind, era), _)| format!("{kind} ({era})")).collect()
    }

    /// What happened to those without an answer.
    pub(super) fn unanswered(&self) -> Vec<String> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let all = rows.iter().flat_map(|((kind, era), row)| {
            row.unanswered.iter().map(move |what| format!("{kind} ({era}): {what}"))
        });
        all.collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(f, "{:<12} {:<7} {:>9} {:>7} {:>11}", "request", "era", "answered", "failed", "unanswered")?;
        for ((kind, era), row) in rows.iter() {
            let failed: u64 = row.failed.values().sum();
            let unanswered = row.unanswered.len();
            writeln!(f, "{kind:<12} {era:<7} {:>9} {failed:>7} {unanswered:>11}", row.answered)?;
            for (reason, count) in &row.failed {
                writeln!(f, "{:>40} {reason}", format!("{count} ×"))?;
            }
        }
        Ok(())
    }
}
