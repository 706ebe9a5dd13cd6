//! The tasks that a session made. Nobody else may ask after them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many tasks a session is remembered to have made. The oldest is forgotten for a new one; by then a target has most
/// likely forgotten it as well.
const MOST: usize = 256;

/// The tasks of a session, oldest first.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<VecDeque<Made>>);

/// A task that the session made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) target: String,
    /// The target's own id.
    pub(crate) id: String,
}

impl Ledger {
    /// The session made a task.
    pub(crate) fn enter(&self, target: &str, id: &str) {
        let made = Made { target: target.to_owned(), id: id.to_owned() };
        let mut tasks = self.lock();
        if tasks.contains(&made) {
            return;
        }
        if tasks.len() >= MOST {
            tracing::debug!(
                "a session made more than {MOST} tasks; its oldest one can no longer be asked for"
            );
            tasks.pop_front();
        }
        tasks.push_back(made);
    }

    /// Whether the session made this task.
    pub(crate) fn holds(&self, target: &str, id: &str) -> bool {
        self.lock().iter().any(|made| made.target == target && made.id == id)
    }

    /// Whether the session made tasks at this target.
    pub(super) fn any_at(&self, target: &str) -> bool {
        self.lock().iter().any(|made| made.target == target)
    }

    /// The target no longer knows the task.
    pub(crate) fn strike(&self, made: &Made) {
        self.lock().retain(|other| other != made);
    }

    /// Every task of the session.
    pub(crate) fn all(&self) -> Vec<Made> {
        self.lock().iter().cloned().collect()
    }

    /// Every change is complete in itself, so a panic elsewhere leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Made>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_holds_what_was_entered_and_forgets_the_oldest() {
        let ledger = Ledger::default();
        (0..MOST).for_each(|n| ledger.enter("a", &n.to_string()));
        ledger.enter("a", "0");
        assert!(ledger.holds("a", "0") && !ledger.holds("b", "0"));
        ledger.enter("b", "0");
        assert!(!ledger.holds("a", "0") && ledger.holds("a", "1") && ledger.holds("b", "0"));
        assert_eq!(ledger.all().len(), MOST);
        ledger.strike(&Made { target: "b".into(), id: "0".into() });
        assert!(!ledger.holds("b", "0"));
    }
}
