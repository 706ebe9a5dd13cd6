//! Nuisances that a target could cause without end: the first of each wire is told, all are counted.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Messages of a target that reach nobody, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nuisance {
    /// What was sent is not MCP.
    Noise,
    /// The caller does not read the notes of its call.
    Unread,
    /// There is more outside of calls than is handled.
    Unheard,
    /// There is more in a second than `limits.notifications` allows.
    Flood,
}

impl Nuisance {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Noise, Self::Unread, Self::Unheard, Self::Flood];

    /// Completes the sentence "target … ".
    fn words(self) -> &'static str {
        match self {
            Self::Noise => "sent something that is not a JSON-RPC message, and it was skipped",
            Self::Unread => "sent more notifications than the caller reads, and the newest were dropped",
            Self::Unheard => {
                "sent more messages outside of calls than are handled, and the newest were dropped"
            }
            Self::Flood => {
                "sends more notifications outside of calls than `limits.notifications` allows, and those beyond are dropped"
            }
        }
    }
}

/// How often a target caused each nuisance, in the order of [`Nuisance::ALL`].
pub type Nuisances = [u64; Nuisance::ALL.len()];

/// A target as its wires know it: its name, and the sums over all of them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Named(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: Box<str>,
    sums: [AtomicU64; Nuisance::ALL.len()],
}

impl Named {
    /// What the target sent so far that reached nobody.
    pub fn nuisances(&self) -> Nuisances {
        Nuisance::ALL.map(|nuisance| self.0.sums[nuisance as usize].load(Ordering::Relaxed))
    }
}

impl From<&str> for Named {
    fn from(name: &str) -> Self {
        Self(Arc::new(Inner { name: name.into(), sums: Default::default() }))
    }
}

impl From<&Named> for Named {
    fn from(named: &Named) -> Self {
        named.clone()
    }
}

impl Deref for Named {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0.name
    }
}

/// One kind of nuisance on one wire.
#[derive(Debug)]
pub(crate) struct Tally {
    target: Named,
    nuisance: Nuisance,
    count: AtomicU64,
}

impl Tally {
    pub(crate) fn new(target: &Named, nuisance: Nuisance) -> Self {
        Self { target: target.clone(), nuisance, count: AtomicU64::new(0) }
    }

    /// Counts one, and tells the log if it is the first.
    pub(crate) fn warn(&self, example: impl fmt::Display) {
        self.target.0.sums[self.nuisance as usize].fetch_add(1, Ordering::Relaxed);
        if self.count.fetch_add(1, Ordering::Relaxed) == 0 {
            let (name, words) = (&*self.target, self.nuisance.words());
            tracing::warn!("target `{name}` {words}: {example} (told once, counted from now on)");
        }
    }

    /// What the target sent so far that reached nobody, over all tallies of this name.
    pub(crate) fn sums(&self) -> Nuisances {
        self.target.nuisances()
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
            tracing::warn!("target `{}` {}: {count} times in all", &*self.target, self.nuisance.words());
        }
    }
}
