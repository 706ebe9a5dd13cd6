//! What is counted of a target: its calls, its links, and what was cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::breaker::BreakerStatus;
use super::common::Common;
use crate::spread::Apart;
use crate::wire::Nuisances;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// Looking at the target; for a modern target also its calls.
    Discovery,
    /// The calls of those who cannot be asked.
    Plain,
    /// One session.
    Session,
    /// Single calls, one after the other.
    Lent,
    /// The session that comes next.
    Spare,
}

impl LinkKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Discovery, Self::Plain, Self::Session, Self::Lent, Self::Spare];

    /// The word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Plain => "plain",
            Self::Session => "session",
            Self::Lent => "lent",
            Self::Spare => "spare",
        }
    }
}

/// How a target is doing, in numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stats {
    /// Calls in flight.
    pub in_flight: usize,
    /// Calls that were refused because too many were in flight.
    pub refused_busy: u64,
    /// Calls that were refused because the breaker was open.
    pub refused_paused: u64,
    /// Whether calls are let through, and how often they were not.
    pub breaker: BreakerStatus,
    /// Links that are open, in the order of [`LinkKind::ALL`].
    pub links: [usize; LinkKind::ALL.len()],
    /// How often the target had to be started or connected to again.
    pub restarts: u32,
    /// What it sent that reached nobody.
    pub nuisances: Nuisances,
}

/// What is counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) in_flight: Apart<AtomicUsize>,
    /// The last call in flight has ended.
    pub(super) vacant: Notify,
    pub(super) busy: AtomicU64,
    pub(super) paused: AtomicU64,
    links: [AtomicUsize; LinkKind::ALL.len()],
}

impl Counters {
    pub(super) fn stats(&self, breaker: BreakerStatus) -> Stats {
        Stats {
            in_flight: self.in_flight.load(Ordering::Relaxed),
            refused_busy: self.busy.load(Ordering::Relaxed),
            refused_paused: self.paused.load(Ordering::Relaxed),
            breaker,
            links: std::array::from_fn(|kind| self.links[kind].load(Ordering::Relaxed)),
            ..Stats::default()
        }
    }
}

/// One link among those that are open.
pub(crate) struct Counted {
    common: Arc<Common>,
    kind: LinkKind,
}

impl Counted {
    /// One more link of a kind that is opened for somebody, unless there are so many of these kinds.
    pub(super) fn within(common: &Arc<Common>, kind: LinkKind, most: usize) -> Option<Self> {
        // Taken before it is known whether there is room: who is one too many gives it back.
        let counted = Self::new(common, kind);
        let somebodys = [LinkKind::Session, LinkKind::Lent, LinkKind::Spare];
        let open = somebodys.map(|kind| common.counters.links[kind as usize].load(Ordering::Relaxed));
        (open.iter().sum::<usize>() <= most).then_some(counted)
    }

    pub(crate) fn new(common: &Arc<Common>, kind: LinkKind) -> Self {
        common.counters.links[kind as usize].fetch_add(1, Ordering::Relaxed);
        Self { common: common.clone(), kind }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.common.counters.links[self.kind as usize].fetch_sub(1, Ordering::Relaxed);
    }
}
