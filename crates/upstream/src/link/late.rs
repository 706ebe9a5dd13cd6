//! Updates of resources that were cut from a flood: each resource is told of once more when the flood is over, because what a
//! client shows of it must not stay old.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use protocol::Object;
use tokio::sync::Notify;

/// How many resources are kept in mind.
const MOST: usize = 256;

/// How long they wait.
const WAIT: Duration = Duration::from_secs(1);

/// Updates that are still to be told of, by URI.
#[derive(Default)]
pub(super) struct Late {
    params: Mutex<BTreeMap<String, Object>>,
    some: Notify,
}

impl Late {
    /// Keeps the params of an update. False if there are too many.
    pub(super) fn keep(&self, params: Object) -> bool {
        let Some(uri) = params.text("uri") else { return false };
        let mut kept = self.params.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST && !kept.contains_key(&uri) {
            return false;
        }
        kept.insert(uri, params);
        self.some.notify_one();
        true
    }

    /// Waits until there are some and a moment has passed.
    pub(super) async fn due(&self) -> Vec<Object> {
        self.some.notified().await;
        tokio::time::sleep(WAIT).await;
        let kept = std::mem::take(&mut *self.params.lock().unwrap_or_else(PoisonError::into_inner));
        kept.into_values().collect()
    }
}
