//! How a session is doing, for the people who run the gateway.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use protocol::Version;
use upstream::Caller;

use super::{Session, lock};

/// A session of a legacy client.
#[derive(Debug, Clone)]
pub struct SessionStatus {
    /// Its number. Unlike its id, it gives no right to use the session.
    pub number: u64,
    /// Who the client says it is, and the agreed revision; none before the handshake.
    pub client: Option<(Arc<Caller>, Version)>,
    /// Whether it is a connection of 2024-11-05.
    pub is_connection: bool,
    /// When it began.
    pub began: SystemTime,
    /// Since when nobody has used it; none while somebody does.
    pub idle: Option<SystemTime>,
    /// Calls that run.
    pub running: usize,
    /// Calls that it made in all.
    pub calls: u64,
    /// The targets to which it has links of its own.
    pub links: Vec<String>,
}

impl Session {
    /// The targets to which it has links of its own.
    pub(super) fn linked(&self) -> Vec<String> {
        let leases = lock(&self.leases);
        // A slot that is locked is about to have one.
        let open = leases.iter().filter(|(_, slot)| slot.try_lock().map_or(true, |slot| slot.is_some()));
        open.map(|(target, _)| target.clone()).collect()
    }

    /// How it is doing now.
    pub(super) fn status(&self) -> SessionStatus {
        let client = self.handshake().map(|handshake| (handshake.caller.clone(), handshake.version));
        let mut links = self.linked();
        links.sort();
        SessionStatus {
            number: self.number,
            client,
            is_connection: self.is_connection,
            began: self.began,
            // By one clock, so that the same moment looks the same each time.
            idle: self.idle_since().map(|since| self.began + since.saturating_duration_since(self.begun)),
            running: lock(&self.running).len(),
            calls: self.calls.load(Ordering::Relaxed),
            links,
        }
    }
}
