//! On which terms connections are taken, and what became of them in figures. A reload changes the terms.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;

use crate::http::counts::Counts;

/// The terms of one or more sockets, which share the number of connections. Cheap to clone.
#[derive(Clone)]
pub struct Terms {
    /// Who may connect.
    pub permits: Permits,
    /// What happened.
    pub counts: Arc<Counts>,
    each: Arc<ArcSwap<PerConnection>>,
}

/// What one connection may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerConnection {
    /// The largest head of a request, in bytes.
    pub head: usize,
    /// Requests at once over HTTP/2.
    pub requests: u32,
}

impl Default for PerConnection {
    fn default() -> Self {
        Self { head: 64 << 10, requests: 250 }
    }
}

impl Terms {
    /// Terms for so many connections, each with the same rights.
    pub fn new(connections: usize, each: PerConnection) -> Self {
        let each = Arc::new(ArcSwap::from_pointee(each));
        Self { permits: Permits::new(connections), counts: Arc::default(), each }
    }

    /// Changes the terms: the number of connections at once, their rights for those that begin from now on.
    pub fn change(&self, connections: usize, each: PerConnection) {
        self.permits.change(connections);
        self.each.store(Arc::new(each));
    }

    pub(super) fn each(&self) -> PerConnection {
        **self.each.load()
    }
}

/// How many connections there may be. A cheap handle: clones share the limit.
#[derive(Debug, Clone)]
pub struct Permits(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    most: AtomicUsize,
    now: AtomicUsize,
}

impl Permits {
    /// Room for so many.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Taken { most: most.into(), now: 0.into() }))
    }

    /// Room for more or fewer from now on. Nobody who is there has to go.
    pub fn change(&self, most: usize) {
        self.0.most.store(most, Ordering::Relaxed);
    }

    /// How many there are.
    pub fn taken(&self) -> usize {
        self.0.now.load(Ordering::Relaxed)
    }

    /// How many there may be.
    pub fn most(&self) -> usize {
        self.0.most.load(Ordering::Relaxed)
    }

    /// Takes room for one, if there is any.
    pub(super) fn take(&self) -> Option<Permit> {
        let most = self.most();
        let more = |now: usize| (now < most).then_some(now + 1);
        self.0.now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Permit(self.0.clone()))
    }
}

/// Room for one, which is given back when this is dropped.
pub(super) struct Permit(Arc<Taken>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_permits_send_nobody_away_and_let_nobody_in() {
        let permits = Permits::new(2);
        let (one, _two) = (permits.take(), permits.take());
        assert!(one.is_some() && permits.take().is_none());
        permits.change(1);
        drop(one);
        assert_eq!(permits.taken(), 1);
        assert!(permits.take().is_none());
        permits.change(2);
        assert!(permits.take().is_some());
    }
}
