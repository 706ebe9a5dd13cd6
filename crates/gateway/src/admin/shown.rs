//! What the admin interface shows of a configuration that is in force.

use std::net::SocketAddr;
use std::time::SystemTime;

use federation::Backend;

use super::InForce;
use crate::assemble::Backends;
use crate::config::{Config, Problem, Source};

/// What is in force, and what is wrong with the file. Replaced when either changes; nothing here can hold up a call.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) source: Source,
    pub(super) config: Config,
    /// Where each bind of the configuration listens, in its order.
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) backends: Backends,
    /// When the configuration was taken over.
    pub(super) loaded: SystemTime,
    /// Why the source as it is now is not in force.
    pub(super) problem: Option<Problem>,
    /// Keys that wait for the next start.
    pub(super) restart: Vec<String>,
}

impl Shown {
    /// What has just come into force.
    pub(super) fn of(source: Source, now: InForce<'_>) -> Self {
        let InForce { config, addresses, backends, restart } = now;
        Self {
            source,
            config: config.clone(),
            addresses,
            backends: backends.clone(),
            loaded: SystemTime::now(),
            problem: None,
            restart,
        }
    }

    /// A backend by its key.
    pub(super) fn backend(&self, key: &str) -> Option<&Backend> {
        self.backends.get(key)
    }

    /// The backends in the order of the configuration.
    pub(super) fn backends(&self) -> impl Iterator<Item = (&str, &Backend)> {
        let listeners = self.config.binds.iter().flat_map(|bind| &bind.listeners);
        let configured = listeners.flat_map(|l| &l.routes).flat_map(|r| &r.backends);
        configured.filter_map(|backend| Some((backend.key.as_str(), self.backends.get(&backend.key)?)))
    }
}
