//! What all links of a target have in common.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::settings::Settings;

/// What all links of a target have in common.
pub struct Common {
    name: String,
    settings: ArcSwap<Settings>,
}

impl Common {
    /// For a target with these settings.
    pub fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self { name: settings.name.clone(), settings: ArcSwap::from_pointee(settings) })
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
}
