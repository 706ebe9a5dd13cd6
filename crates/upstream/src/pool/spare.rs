//! A link that is kept open for the next session, so that its first call does not wait for a child to start.
//!
//! A legacy target is told once, in its handshake, what its client can do. So the spare is for clients that declare the same
//! as the one did for which a link was opened last. What the target asks or says meanwhile waits for whoever takes the spare.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures::FutureExt as _;
use tokio::time::{Duration, Instant};

use crate::link::Heard;
use crate::queue;
use crate::task::Task;
use crate::{Error, Link};

/// The spare, if there is one now.
#[derive(Default)]
pub(super) struct Spare(Arc<Mutex<Stage>>);

#[derive(Default)]
enum Stage {
    #[default]
    Absent,
    Opening {
        profile: String,
        _task: Task,
    },
    Open {
        profile: String,
        leased: Leased,
        since: Instant,
    },
    /// For good.
    Closed,
}

/// A link for one client alone, and what it hears.
pub(crate) type Leased = (Link, queue::Receiver<Heard>);

impl Spare {
    /// Takes the spare if it is one for this profile.
    pub(super) fn take(&self, profile: &str) -> Option<Leased> {
        let mut stage = self.stage();
        if !matches!(&*stage, Stage::Open { profile: its, .. } if its == profile) {
            return None;
        }
        match std::mem::take(&mut *stage) {
            Stage::Open { leased, .. } if is_alive(&leased.0) => Some(leased),
            _ => None,
        }
    }

    /// Has a spare opened for this profile, in place of one for another.
    pub(super) fn refill<F>(&self, profile: &str, open: impl FnOnce() -> F)
    where
        F: Future<Output = Result<Leased, Error>> + Send + 'static,
    {
        let mut stage = self.stage();
        match &*stage {
            Stage::Closed => return,
            Stage::Opening { profile: its, .. } if its == profile => return,
            Stage::Open { profile: its, leased, .. } if its == profile && is_alive(&leased.0) => return,
            Stage::Absent | Stage::Opening { .. } | Stage::Open { .. } => {}
        }
        let opening = opening(Arc::downgrade(&self.0), profile.to_owned(), open());
        let next = Stage::Opening { profile: profile.to_owned(), _task: Task::spawn("spare link", opening) };
        let before = std::mem::replace(&mut *stage, next);
        drop(stage);
        before.discard();
    }

    /// Closes the spare if it is dead or was not needed for so long.
    pub(super) fn sweep(&self, longest: Duration) {
        let mut stage = self.stage();
        let of_use = match &*stage {
            Stage::Open { leased, since, .. } => is_alive(&leased.0) && since.elapsed() < longest,
            Stage::Absent | Stage::Opening { .. } | Stage::Closed => true,
        };
        if !of_use {
            let before = std::mem::take(&mut *stage);
            drop(stage);
            before.discard();
        }
    }

    /// Closes the spare; with `for_good` there is none any more.
    pub(super) async fn close(&self, for_good: bool) {
        let next = if for_good { Stage::Closed } else { Stage::Absent };
        let before = std::mem::replace(&mut *self.stage(), next);
        if let Stage::Open { leased, .. } = before {
            leased.0.close().await;
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        lock(&self.0)
    }
}

impl Stage {
    fn discard(self) {
        if let Self::Open { leased, .. } = self {
            leased.0.discard();
        }
    }
}

fn is_alive(link: &Link) -> bool {
    !link.is_dead() && link.closed().now_or_never().is_none()
}

/// Opens a link and keeps it, unless meanwhile another profile is wanted or none.
async fn opening(
    stage: Weak<Mutex<Stage>>,
    profile: String,
    open: impl Future<Output = Result<Leased, Error>>,
) {
    let opened = open.await;
    let Some(stage) = stage.upgrade() else { return };
    let mut stage = lock(&stage);
    if !matches!(&*stage, Stage::Opening { profile: its, .. } if *its == profile) {
        drop(stage);
        if let Ok((link, _)) = opened {
            link.discard();
        }
        return;
    }
    // The task that this is ends here; dropping it from within cuts it at its next wait, and there is none.
    *stage = match opened {
        Ok(leased) => Stage::Open { profile, leased, since: Instant::now() },
        Err(error) => {
            tracing::debug!("no spare link: {error}");
            Stage::Absent
        }
    };
}

/// Every change is one step, so a panic elsewhere leaves nothing half done.
fn lock(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}
