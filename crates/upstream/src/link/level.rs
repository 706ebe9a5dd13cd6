//! From which level on a legacy target logs, and other wishes that calls can do without. Modern targets are told with each call.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use protocol::{Era, Object, Raw, RpcError, meta};

use super::Link;
use crate::Call;

/// How long a target may take over a wish that calls can do without.
const WISH: Duration = Duration::from_secs(5);

impl Link {
    /// Has a legacy target log from this level on, as far as it can. A level lasts as long as the link.
    pub async fn set_level(&self, level: &str) {
        if let Some(rank) = meta::level_rank(level) {
            *self.level() = Some(rank);
            self.tell_level(rank).await;
        }
    }

    /// Has a legacy target log at least from this rank on: several callers share the link, each sees only what it wants,
    /// and the one that wants most decides.
    pub(super) async fn want_level(&self, rank: usize) {
        if self.shared.peer.era == Era::Modern {
            return;
        }
        let more = {
            let mut level = self.level();
            let more = level.is_none_or(|level| rank < level);
            if more {
                *level = Some(rank);
            }
            more
        };
        if more {
            self.tell_level(rank).await;
        }
    }

    async fn tell_level(&self, rank: usize) {
        if self.shared.peer.era == Era::Legacy && self.peer().offers("logging") {
            let params = [("level", Raw::string(meta::LEVELS[rank]))].into_iter().collect();
            self.wish("logging/setLevel", params).await;
        }
    }

    fn level(&self) -> MutexGuard<'_, Option<usize>> {
        self.shared.level.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request that calls can do without. A target that refuses it or does not answer soon goes on without.
    pub fn wish(&self, method: &'static str, params: Object) -> BoxFuture<'_, ()> {
        async move {
            let Some(row) = protocol::method::find(method) else {
                return;
            };
            let call = Call::quiet(row, params, self.caller().clone());
            let answer = tokio::time::timeout(WISH, async { self.call(call).await?.answer().await }).await;
            let refused = match answer {
                Ok(Ok(Ok(_))) => return,
                Ok(Ok(Err(error))) => RpcError::from_raw(&error).to_string(),
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no answer within {} s", WISH.as_secs()),
            };
            let target = self.shared.target();
            tracing::debug!("target `{target}` does not do what is wished with {method}: {refused}");
        }
        .boxed()
    }
}
