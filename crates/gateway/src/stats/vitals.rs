//! What metrics and readiness are made of: handles to what runs, and what is known of the configuration.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use federation::Backend;

use crate::assemble::Backends;
use crate::http::listener::Terms;

/// How the gateway is doing, for those who look. Nothing here can hold up a call.
pub struct Vitals {
    /// When the program began.
    pub(super) started: SystemTime,
    /// The terms of the ports for clients.
    pub(super) terms: Terms,
    backends: ArcSwap<Vec<(String, Backend)>>,
    configuration: Mutex<Configuration>,
    /// Whether every target had its chance once.
    settled: AtomicBool,
    stopping: AtomicBool,
}

/// The configuration in force, and what became of attempts to replace it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Configuration {
    /// Whether it is the one of the file.
    pub(super) in_sync: bool,
    /// When the file was last read and found to be in force.
    pub(super) loaded: SystemTime,
    /// How often another one was put in force, or was found to mean the same.
    pub(super) taken: u64,
    /// How often one could not be put in force.
    pub(super) failed: u64,
    /// How many of its keys wait for the next start.
    pub(super) waiting: usize,
}

/// How far the gateway is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Some target has not had its chance yet.
    Starting,
    /// Requests are welcome.
    Ready,
    /// No more requests, please.
    Stopping,
}

impl Vitals {
    /// Of a gateway that has just read its configuration.
    pub fn new(terms: Terms, backends: &Backends) -> Self {
        let now = SystemTime::now();
        let configuration = Configuration { in_sync: true, loaded: now, taken: 0, failed: 0, waiting: 0 };
        Self {
            started: now,
            terms,
            backends: ArcSwap::from_pointee(listed(backends)),
            configuration: Mutex::new(configuration),
            settled: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        }
    }

    /// Other backends are in force.
    pub fn serves(&self, backends: &Backends, waiting: usize) {
        self.backends.store(listed(backends).into());
        self.configuration().waiting = waiting;
    }

    /// The file was read again: either it is in force now, or what was before.
    pub fn reloaded(&self, in_force: bool) {
        let mut configuration = self.configuration();
        configuration.in_sync = in_force;
        match in_force {
            true => {
                (configuration.loaded, configuration.taken) = (SystemTime::now(), configuration.taken + 1)
            }
            false => configuration.failed += 1,
        }
    }

    /// The gateway has been asked to stop.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// How far the gateway is. Once it was ready, only its end changes that: a reload that adds a slow target must not take
    /// every replica out of its load balancer at the same time.
    pub(super) fn phase(&self) -> Phase {
        if self.stopping.load(Ordering::Relaxed) {
            return Phase::Stopping;
        }
        let settled = self.settled.load(Ordering::Relaxed)
            || self.backends.load().iter().all(|(_, backend)| backend.is_settled());
        self.settled.store(settled, Ordering::Relaxed);
        if settled { Phase::Ready } else { Phase::Starting }
    }

    /// The backends, by key.
    pub(super) fn backends(&self) -> arc_swap::Guard<std::sync::Arc<Vec<(String, Backend)>>> {
        self.backends.load()
    }

    pub(super) fn configuration(&self) -> MutexGuard<'_, Configuration> {
        self.configuration.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listed(backends: &Backends) -> Vec<(String, Backend)> {
    let mut listed: Vec<_> = backends.iter().map(|(key, backend)| (key.clone(), backend.clone())).collect();
    listed.sort_by(|(one, _), (other, _)| one.cmp(other));
    listed
}
