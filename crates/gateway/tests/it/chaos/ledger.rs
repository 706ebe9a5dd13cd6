//! What became of every request, by the fault that was there when it was sent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What became of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// With a result that proves whose answer it is.
    Answered,
    /// With an error that says what is wrong.
    Failed(String),
    /// The connection was refused or broke, as it does while there is no gateway.
    Cut(String),
    /// With somebody else's answer, or what a liar made up.
    Wrong(String),
    /// With an error that says nothing, or with no message at all.
    Unclear(String),
    /// Not within the deadline.
    Hung(String),
}

/// The requests that were sent while one fault was there.
#[derive(Default)]
struct Row {
    name: &'static str,
    /// Whether the gateway itself goes away.
    away: bool,
    times: usize,
    answered: u64,
    failed: BTreeMap<String, u64>,
    cut: BTreeMap<String, u64>,
    wrong: Vec<String>,
    unclear: Vec<String>,
    hung: Vec<String>,
    recovered: Option<Duration>,
    lost: Vec<String>,
}

/// All rows; the last is the one of now.
#[derive(Default)]
pub(super) struct Ledger(Mutex<Vec<Row>>);

/// The row that a request belongs to.
#[derive(Clone, Copy)]
pub(super) struct Place(usize);

impl Ledger {
    /// Begins the next row.
    pub(super) fn begin(&self, name: &'static str, away: bool) {
        self.rows().push(Row { name, away, ..Row::default() });
    }

    /// The row of a request that is sent now.
    pub(super) fn now(&self) -> Place {
        Place(self.rows().len().saturating_sub(1))
    }

    pub(super) fn count(&self, place: Place, what: &str, outcome: Outcome) {
        let mut rows = self.rows();
        let Some(row) = rows.get_mut(place.0) else { return };
        match outcome {
            Outcome::Answered => row.answered += 1,
            Outcome::Failed(reason) => *row.failed.entry(reason).or_default() += 1,
            Outcome::Cut(reason) => *row.cut.entry(format!("{what}: {reason}")).or_default() += 1,
            Outcome::Wrong(detail) => row.wrong.push(format!("{what}: {detail}")),
            Outcome::Unclear(detail) => row.unclear.push(format!("{what}: {detail}")),
            Outcome::Hung(detail) => row.hung.push(format!("{what}: {detail}")),
        }
    }

    /// How often the fault of now happened, and how long it took from its end until everything was served again.
    pub(super) fn end(&self, times: usize, recovered: Option<Duration>) {
        if let Some(row) = self.rows().last_mut() {
            row.times += times;
            row.recovered = recovered;
        }
    }

    /// Something that outlived the gateway it belonged to.
    pub(super) fn lost(&self, what: String) {
        if let Some(row) = self.rows().last_mut() {
            row.lost.push(what);
        }
    }

    /// Everything that may never happen, one line each.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for row in self.rows().iter() {
            let name = row.name;
            for (kind, details) in
                [("wrong", &row.wrong), ("unclear", &row.unclear), ("hung", &row.hung), ("leaked", &row.lost)]
            {
                faults.extend(details.iter().map(|detail| format!("{name}: {kind}: {detail}")));
            }
            if !row.away {
                faults.extend(
                    row.cut.iter().map(|(detail, times)| format!("{name}: cut: {detail} ({times} ×)")),
                );
            }
            if row.recovered.is_none() {
                faults.push(format!("{name}: not everything was served again"));
            }
            if row.times == 0 {
                faults.push(format!("{name}: this never happened"));
            }
            if row.answered == 0 {
                faults.push(format!("{name}: nothing was answered"));
            }
        }
        faults
    }

    /// The reasons of errors, by fault, the most frequent first.
    pub(super) fn reasons(&self) -> String {
        let mut told = String::new();
        for row in self.rows().iter().filter(|row| !row.failed.is_empty()) {
            told.push_str(row.name);
            told.push('\n');
            let mut reasons: Vec<_> = row.failed.iter().collect();
            reasons.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
            told.extend(reasons.iter().map(|(reason, times)| format!("{times:>7} × {reason}\n")));
        }
        told
    }

    fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Ledger {
    /// The table, as Markdown that is also good to read as it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        writeln!(
            f,
            "| {:<46} | times | {:>7} | answered | failed, clear error | gateway away | wrong | hung | unclear | served again after |",
            "fault", "sent"
        )?;
        writeln!(
            f,
            "|{:-<48}|------:|--------:|---------:|--------------------:|-------------:|------:|-----:|--------:|-------------------:|",
            ""
        )?;
        let mut total = [0_u64; 8];
        for row in rows.iter() {
            let failed = row.failed.values().sum();
            let cut = row.cut.values().sum();
            let [wrong, hung, unclear] =
                [&row.wrong, &row.hung, &row.unclear].map(|details| details.len() as u64);
            let sent = row.answered + failed + cut + wrong + hung + unclear;
            let cells = [row.times as u64, sent, row.answered, failed, cut, wrong, hung, unclear];
            let again = row.recovered.map_or("never".into(), |after| format!("{:.1} s", after.as_secs_f64()));
            line(f, row.name, cells, &again)?;
            total.iter_mut().zip(cells).for_each(|(total, cell)| *total += cell);
        }
        line(f, "**all**", total, "")
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, cells: [u64; 8], again: &str) -> fmt::Result {
    let [times, sent, answered, failed, cut, wrong, hung, unclear] = cells;
    writeln!(
        f,
        "| {name:<46} | {times:>5} | {sent:>7} | {answered:>8} | {failed:>19} | {cut:>12} | {wrong:>5} | {hung:>4} | {unclear:>7} | {again:>18} |"
    )
}
