//! The link of all callers that can be asked nothing.
//!
//! A legacy target is told once, when a link is opened, what its client can do. On the link over which its lists are read
//! it is told everything, so that calls of clients that declared less must not come over that one. They share this one,
//! which declares nothing. The first of them opens it, and it is closed when nobody has needed it for a while.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::reply::Reply;
use crate::target::backoff::Backoff;
use crate::task::Task;
use crate::{Call, Error, ErrorKind, Link};

/// The link, if there is one now.
#[derive(Default)]
pub(super) struct Plain(Arc<Mutex<Slot>>);

#[derive(Default)]
struct Slot {
    stage: Stage,
    /// Counts openings that failed in a row.
    backoff: Backoff,
    /// How many of the links that there were ended by themselves.
    deaths: u32,
}

#[derive(Default)]
enum Stage {
    #[default]
    Absent,
    /// Whoever needs the link meanwhile waits for the same outcome. The first of them may go away.
    Opening { outcome: watch::Receiver<Option<Outcome>>, _task: Task },
    /// With the moment at which it was last seen in use.
    Open { link: Arc<Held>, used: Instant },
    /// It is not tried again before that moment: many calls must not start many children that all fail.
    Failed { error: Error, until: Instant },
    /// For good.
    Closed,
}

type Outcome = Result<Arc<Held>, Error>;

/// A link that is closed in good order once nobody holds it.
struct Held(Link);

/// A share in the link, for one call.
pub struct PlainLink(Arc<Held>);

impl PlainLink {
    /// Sends the call. The share is given back when the reply has ended.
    pub async fn call(self, call: Call) -> Result<Reply, Error> {
        Ok(match self.0.0.call(call).await? {
            Reply::One(answer) => Reply::One(answer),
            Reply::Stream(events) => {
                let kept = move |_: &_| {
                    let _share = &self;
                };
                Reply::Stream(events.inspect(kept).boxed())
            }
        })
    }
}

impl Plain {
    /// A share in the link. If there is none, it is opened.
    pub(super) async fn share<F>(&self, open: impl FnOnce() -> F) -> Result<PlainLink, Error>
    where
        F: Future<Output = Result<Link, Error>> + Send + 'static,
    {
        let mut outcome = {
            let mut slot = self.slot();
            slot.tidy();
            match &mut slot.stage {
                Stage::Open { link, used } => {
                    *used = Instant::now();
                    return Ok(PlainLink(link.clone()));
                }
                Stage::Failed { error, until } if Instant::now() < *until => return Err(error.clone()),
                Stage::Closed => return Err(closed()),
                Stage::Opening { outcome, .. } => outcome.clone(),
                Stage::Absent | Stage::Failed { .. } => {
                    let (told, outcome) = watch::channel(None);
                    let task = Task::spawn("plain link", opening(Arc::downgrade(&self.0), open(), told));
                    slot.stage = Stage::Opening { outcome: outcome.clone(), _task: task };
                    outcome
                }
            }
        };
        let outcome = outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
        outcome.unwrap_or_else(|| Err(closed())).map(PlainLink)
    }

    /// Has the next call open another link. Calls that run over this one finish.
    pub(super) fn let_go(&self) {
        let mut slot = self.slot();
        slot.backoff = Backoff::new();
        if matches!(slot.stage, Stage::Open { .. } | Stage::Failed { .. }) {
            slot.stage = Stage::Absent;
        }
    }

    /// Closes the link, also under those who use it. The next call opens another.
    pub(super) async fn cut(&self) {
        self.end(Stage::Absent).await;
    }

    /// The same for good.
    pub(super) async fn close(&self) {
        self.end(Stage::Closed).await;
    }

    async fn end(&self, next: Stage) {
        let last = {
            let mut slot = self.slot();
            slot.backoff = Backoff::new();
            std::mem::replace(&mut slot.stage, next)
        };
        if let Stage::Open { link, .. } = last {
            link.0.close().await;
        }
    }

    /// Closes the link if nobody has needed it for so long. A server that keeps something between calls, such as an open browser,
    /// must not lose it while its clients think.
    pub(super) fn sweep(&self, longest: Duration) {
        let mut slot = self.slot();
        slot.tidy();
        let Stage::Open { link, used } = &mut slot.stage else {
            return;
        };
        if Arc::strong_count(link) > 1 {
            *used = Instant::now();
        } else if used.elapsed() >= longest {
            slot.stage = Stage::Absent;
        }
    }

    /// How often the link ended by itself, as that to a child does that dies.
    pub(super) fn deaths(&self) -> u32 {
        let mut slot = self.slot();
        slot.tidy();
        slot.deaths
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        lock(&self.0)
    }
}

impl Slot {
    /// Lets go of a link that has ended.
    fn tidy(&mut self) {
        if let Stage::Open { link, .. } = &self.stage
            && let Some(error) = link.0.closed().now_or_never()
        {
            self.deaths += u32::from(error.kind == ErrorKind::Closed);
            self.stage = Stage::Absent;
        }
    }

    fn settle(&mut self, outcome: &Outcome) {
        self.stage = match outcome {
            Ok(link) => {
                self.backoff = Backoff::new();
                Stage::Open { link: link.clone(), used: Instant::now() }
            }
            Err(error) => {
                Stage::Failed { error: error.clone(), until: Instant::now() + self.backoff.pause() }
            }
        };
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // One that has ended leaves nothing to be closed.
        if !self.0.is_dead() {
            self.0.clone().discard();
        }
    }
}

/// Opens the link, notes what came of it, and tells those who wait.
async fn opening(
    slot: Weak<Mutex<Slot>>,
    open: impl Future<Output = Result<Link, Error>>,
    told: watch::Sender<Option<Outcome>>,
) {
    let mut outcome = open.await.map(|link| Arc::new(Held(link)));
    // Looked at and changed in one step: between two, somebody could close it.
    let wanted = slot.upgrade().is_some_and(|slot| {
        let mut slot = lock(&slot);
        let wanted =
            matches!(&slot.stage, Stage::Opening { outcome, .. } if outcome.same_channel(&told.subscribe()));
        if wanted {
            slot.settle(&outcome);
        }
        wanted
    });
    if !wanted {
        outcome = Err(closed());
    }
    told.send_replace(Some(outcome));
}

/// Every change is one step, so a panic elsewhere leaves nothing half done.
fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

fn closed() -> Error {
    Error::new(ErrorKind::Stopped, "the link was closed before it was open")
}
