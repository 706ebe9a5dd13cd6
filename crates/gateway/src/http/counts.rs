//! What happens on the HTTP side, in figures that only grow. To count is one atomic addition, so that it can be done on the
//! way of every request.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use upstream::spread::Spread;

/// Why a request or a connection was refused: what was too much, too slow, or no HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// More connections than `config.limits.connections`.
    Connections,
    /// A head larger than `config.limits.requestHead`, or with too many headers.
    RequestHead,
    /// A body larger than `config.limits.requestBody`.
    RequestBody,
    /// A message that lies deeper in itself than `config.limits.jsonDepth`.
    JsonDepth,
    /// More sessions than a backend may have.
    Sessions,
    /// A head that did not come in time.
    SlowHead,
    /// A body that did not come in time.
    SlowBody,
    /// An answer that the client does not read.
    SlowReader,
    /// Something that is not HTTP, or that two programs could read in two ways.
    Malformed,
}

impl Reason {
    /// Each of them.
    pub const ALL: [Self; 9] = [
        Self::Connections,
        Self::RequestHead,
        Self::RequestBody,
        Self::JsonDepth,
        Self::Sessions,
        Self::SlowHead,
        Self::SlowBody,
        Self::SlowReader,
        Self::Malformed,
    ];

    /// The word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::RequestHead => "request_head",
            Self::RequestBody => "request_body",
            Self::JsonDepth => "json_depth",
            Self::Sessions => "sessions",
            Self::SlowHead => "slow_head",
            Self::SlowBody => "slow_body",
            Self::SlowReader => "slow_reader",
            Self::Malformed => "malformed",
        }
    }
}

/// The classes of statuses, as metrics call them.
pub const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The figures.
#[derive(Default)]
pub struct Counts {
    accepted: AtomicU64,
    refused: [AtomicU64; Reason::ALL.len()],
    streams: Arc<AtomicU64>,
    /// By the key of the listener. Those of a listener outlive a reload.
    listeners: Mutex<HashMap<String, Arc<Statuses>>>,
}

/// The requests that a listener answered, by the class of their status.
#[derive(Default)]
pub struct Statuses(Spread<[AtomicU64; CLASSES.len()]>);

/// An event stream that is open, for as long as this lives.
pub struct OpenStream(Arc<AtomicU64>);

impl Counts {
    /// Counts a connection that was accepted.
    pub fn accept(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// How many connections were accepted.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Counts something that was refused.
    pub fn refuse(&self, reason: Reason) {
        self.refused[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often something was refused for a reason.
    pub fn refused(&self, reason: Reason) -> u64 {
        self.refused[reason as usize].load(Ordering::Relaxed)
    }

    /// Counts an event stream as open until the value is dropped.
    pub fn open_stream(&self) -> OpenStream {
        self.streams.fetch_add(1, Ordering::Relaxed);
        OpenStream(self.streams.clone())
    }

    /// How many event streams are open.
    pub fn streams(&self) -> u64 {
        self.streams.load(Ordering::Relaxed)
    }

    /// The requests of a listener. Looked up once, when the listener begins to serve.
    pub fn listener(&self, key: &str) -> Arc<Statuses> {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.entry(key.to_owned()).or_default().clone()
    }

    /// The requests of every listener that serves, in no particular order. One that is gone is forgotten.
    pub fn listeners(&self) -> Vec<(String, Arc<Statuses>)> {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|_, statuses| Arc::strong_count(statuses) > 1);
        listeners.iter().map(|(key, statuses)| (key.clone(), statuses.clone())).collect()
    }
}

impl Statuses {
    /// Counts an answer.
    pub fn count(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        self.0.here()[class.min(CLASSES.len() - 1)].fetch_add(1, Ordering::Relaxed);
    }

    /// How many answers there were, in the order of [`CLASSES`].
    pub fn by_class(&self) -> [u64; CLASSES.len()] {
        let count = |class: usize| self.0.all().map(|counts| counts[class].load(Ordering::Relaxed)).sum();
        std::array::from_fn(count)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_class_and_a_listener_that_is_gone_is_forgotten() {
        let counts = Counts::default();
        let (stays, goes) = (counts.listener("3000/a"), counts.listener("3000/b"));
        for status in [StatusCode::OK, StatusCode::ACCEPTED, StatusCode::NOT_FOUND, StatusCode::BAD_GATEWAY] {
            counts.listener("3000/a").count(status);
        }
        assert_eq!(stays.by_class(), [0, 2, 0, 1, 1]);
        drop(goes);
        let keys: Vec<_> = counts.listeners().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["3000/a"]);
    }
}
