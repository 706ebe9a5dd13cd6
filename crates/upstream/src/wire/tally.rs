//! Warnings that a target could cause without end: told once, counted after that.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One kind of nuisance of one target.
#[derive(Debug)]
pub(crate) struct Tally {
    name: Arc<str>,
    what: &'static str,
    count: AtomicU64,
}

impl Tally {
    /// `what` completes the sentence "target … ".
    pub(crate) fn new(name: Arc<str>, what: &'static str) -> Self {
        Self { name, what, count: AtomicU64::new(0) }
    }

    /// Counts one, and tells the log if it is the first.
    pub(crate) fn warn(&self, example: impl fmt::Display) {
        if self.count.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(
                "target `{}` {}: {example} (told once, counted from now on)",
                self.name,
                self.what
            );
        }
    }

    /// How many there were.
    #[cfg(test)]
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

/// The sum is told when the wire ends, unless the first warning said it all.
impl Drop for Tally {
    fn drop(&mut self) {
        let count = *self.count.get_mut();
        if count > 1 {
            tracing::warn!("target `{}` {}: {count} times in all", self.name, self.what);
        }
    }
}
