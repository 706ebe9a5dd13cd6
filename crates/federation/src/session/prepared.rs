//! Links that are opened before a session begins, so that its id can say which sessions it has at HTTP targets.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::oneshot;
use tokio::time::timeout;
use upstream::settings::Sharing;
use upstream::{Caller, Heard, Link, Target, Task, Tie, queue};

use super::passport::Carried;
use crate::backend::Shared;

/// How long a client's handshake waits for the targets. A link that takes longer is opened by the first call instead, and its
/// session is begun anew where the client's is taken over.
const OPENING: Duration = Duration::from_secs(2);

/// While so many sessions have done nothing but shake hands, nothing is opened in advance: whoever only shakes hands must not
/// have every target do so, too.
const MOST_FRESH: usize = 1000;

/// A link of a session that is about to begin. If it does not begin, the link is closed in good order.
pub(crate) struct Prepared {
    pub(super) target: Target,
    lent: Option<(Link, queue::Receiver<Heard>)>,
}

/// Opens links to the legacy targets that keep a session for each client. Only where the configuration names a key: nobody else
/// could open an id.
pub(crate) async fn prepare(backend: &Shared, caller: &Arc<Caller>) -> Vec<Prepared> {
    if backend.settings().sessions.keys.is_empty() || backend.sessions.fresh() >= MOST_FRESH {
        return Vec::new();
    }
    let roster = backend.roster.borrow().clone();
    let keeps_sessions = |target: &&Target| {
        let is_tied = |link: Link| matches!(link.tie(), Tie::Session(_));
        target.settings().sharing == Sharing::Session && target.ready_link().is_some_and(is_tied)
    };
    let opening = roster.iter().map(|member| &member.target).filter(keeps_sessions).map(|target| {
        let (sender, opened) = oneshot::channel();
        let (target, caller) = (target.clone(), caller.clone());
        Task::spawn_finite("prepare link", async move {
            match target.lease(&caller).await {
                // Whoever came too late, or for nobody, is closed.
                Ok(lent) => drop(sender.send(Prepared { target, lent: Some(lent) })),
                Err(error) => tracing::debug!("target `{}` begins no session yet: {error}", target.name()),
            }
        });
        timeout(OPENING, opened)
    });
    let opened: Vec<_> = opening.collect();
    join_all(opened).await.into_iter().filter_map(|opened| opened.ok()?.ok()).collect()
}

impl Prepared {
    /// The session that the target gave, if it did.
    pub(super) fn carried(&self) -> Option<Carried> {
        match self.lent.as_ref().map(|(link, _)| link.tie())? {
            Tie::Session(id) => Some(Carried::new(&self.target.settings(), id)),
            Tie::Nothing | Tie::Connection => None,
        }
    }

    /// The link, for the session that has begun.
    pub(super) fn take(mut self) -> Option<(Target, Link, queue::Receiver<Heard>)> {
        let (link, heard) = self.lent.take()?;
        Some((self.target.clone(), link, heard))
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        if let Some((link, _)) = self.lent.take() {
            link.discard();
        }
    }
}
