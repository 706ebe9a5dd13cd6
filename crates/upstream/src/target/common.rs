//! What all links of a target have in common: its settings, whether it is fit to be called, and what is counted.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::breaker::{Breaker, Change, Ticket};
use super::rate::Rate;
use super::stats::{Counters, Stats};
use crate::Error;
use crate::link::handshake::LastHandshake;
use crate::settings::Settings;
use crate::wire::tally::{Nuisance, Tally};

/// What all links of a target have in common.
pub struct Common {
    name: String,
    settings: ArcSwap<Settings>,
    pub(super) breaker: Breaker,
    pub(super) counters: Counters,
    rate: Rate,
    flood: Tally,
    /// Cancelled, and replaced, when what was opened until now is not to be trusted any more.
    renewal: Mutex<CancellationToken>,
    pub(crate) last_handshake: LastHandshake,
    /// Links that are being closed and that nobody waits for.
    closing: TaskTracker,
}

impl Common {
    /// For a target with these settings.
    pub fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            name: settings.name.clone(),
            breaker: Breaker::new(),
            counters: Counters::default(),
            rate: Rate::default(),
            flood: Tally::new(&settings.name.as_str().into(), Nuisance::Flood),
            renewal: Mutex::default(),
            last_handshake: LastHandshake::default(),
            closing: TaskTracker::new(),
            settings: ArcSwap::from_pointee(settings),
        })
    }

    /// The target's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The settings in force.
    pub fn settings(&self) -> arc_swap::Guard<Arc<Settings>> {
        self.settings.load()
    }

    /// Puts other settings in force.
    pub(super) fn change(&self, settings: Settings) {
        self.settings.store(Arc::new(settings));
    }

    /// A link is being closed until this is dropped.
    pub(crate) fn closing(&self) -> TaskTrackerToken {
        self.closing.token()
    }

    /// Returns when no link is being closed.
    pub(super) async fn closed(&self) {
        self.closing.close();
        self.closing.wait().await;
    }

    /// Returns when no call is in flight.
    pub(super) async fn vacated(&self) {
        while self.counters.in_flight.load(Ordering::Acquire) > 0 {
            self.counters.vacant.notified().await;
        }
    }

    /// How the target is doing, as far as this knows.
    pub(super) fn stats(&self) -> Stats {
        Stats { nuisances: self.flood.sums(), ..self.counters.stats(self.breaker.status()) }
    }

    /// Whether a notification is heard, of which a target may send only so many.
    pub(crate) fn hears(&self, method: &str) -> bool {
        let heard = self.rate.take(self.settings().limits.notifications);
        if !heard {
            self.flood.warn(method);
        }
        heard
    }

    // === Health ===

    /// Cancelled when a link that is being opened now is not to be trusted any more.
    pub(crate) fn renewal(&self) -> CancellationToken {
        self.renewal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A page of a list is asked for. Lists are read also while calls are refused.
    pub(crate) fn list(&self, method: &'static str) -> Ticket {
        self.breaker.list(method)
    }

    pub(crate) fn answered(&self, ticket: &Ticket) {
        self.tell(self.breaker.answered(ticket));
    }

    pub(super) fn heard(&self, ticket: &Ticket) {
        self.tell(self.breaker.heard(ticket));
    }

    pub(crate) fn failed(&self, ticket: &Ticket, error: &Error) {
        let change = self.breaker.failed(ticket, error, &self.settings().breaker);
        if let Some(Change::Opened { failures, pause }) = &change {
            let (name, pause) = (&self.name, pause.as_secs_f32());
            let what = match ticket.is_trial() {
                true => "failed its trial".to_owned(),
                false => format!("failed {failures} times in a row"),
            };
            tracing::warn!(
                "target `{name}` {what}, at last so: {error}; its calls are refused for {pause:.1} s"
            );
        }
        self.tell(change);
    }

    fn tell(&self, change: Option<Change>) {
        match change {
            // What failed is not used again, not even for the trial.
            Some(Change::Opened { .. }) => {
                let mut renewal = self.renewal.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::take(&mut *renewal).cancel();
            }
            Some(Change::Closed) => {
                tracing::info!("target `{}` answers again, and is called again", self.name)
            }
            None => {}
        }
    }
}
