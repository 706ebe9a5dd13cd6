//! What the metrics say, each read when it is asked for. docs/operations.md lists all of them.
//!
//! Labels are bounded: names of listeners, backends and targets come from the configuration, everything else from tables of
//! this program. What clients and targets say never becomes a label.

mod calls;
mod http;
mod page;
mod process;
mod program;
mod targets;

use std::fmt;
use std::sync::Arc;

use federation::Measures;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;

use self::page::Page;
use super::vitals::Vitals;

/// The metrics of the gateway and of its process.
pub(super) struct Metrics(Registry);

impl Metrics {
    pub(super) fn new(vitals: Arc<Vitals>) -> Self {
        let mut registry = Registry::default();
        let process = process::Process { started: vitals.started };
        registry.sub_registry_with_prefix("agentgateway").register_collector(Box::new(Gateway(vitals)));
        // Dashboards expect these under the names that every program gives them.
        registry.sub_registry_with_prefix("process").register_collector(Box::new(process));
        Self(registry)
    }

    /// All of it as OpenMetrics text.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        match text::encode(&mut out, &self.0) {
            Ok(()) => out,
            // A text takes everything that is written to it.
            Err(fmt::Error) => String::new(),
        }
    }
}

/// What the gateway tells of itself.
struct Gateway(Arc<Vitals>);

impl Collector for Gateway {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(vitals) = self;
        let backends = vitals.backends();
        let measured: Vec<(&str, Measures)> =
            backends.iter().map(|(key, backend)| (key.as_str(), backend.measure())).collect();
        let mut page = Page(encoder);
        calls::tell(&mut page, &measured)?;
        targets::tell(&mut page, &measured)?;
        http::tell(&mut page, &vitals.terms)?;
        program::tell(&mut page, &vitals.configuration())
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gateway")
    }
}
