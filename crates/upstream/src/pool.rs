//! Links to a legacy target for callers without a session.
//!
//! A legacy target that asks something in the middle of a call must not be able to ask the wrong client. A client
//! that can be asked gets a link for the time of its call, on which nobody else calls. Links are kept for the next
//! caller that declared the same, because what the client can do is told to a target only once. Those that cannot be
//! asked anything share the [`plain`] one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use self::plain::{Plain, PlainLink};
pub(crate) use self::spare::Leased;
use self::spare::Spare;
use crate::link::Heard;
use crate::queue;
use crate::reply::{Ask, Event, Question, Reply};
use crate::target::common::Common;
use crate::task::Task;
use crate::{Call, Error, ErrorKind, Link};

pub mod plain;
mod spare;

/// How many links of one target may be lent at once. For a child process each is a process, so a target that is called
/// by more clients at once serves them one after the other.
const MOST: usize = 32;

/// How long a link that nobody needs is kept for the next caller, unless the target's own time is shorter.
const IDLE: Duration = Duration::from_secs(60);

/// How often idle links are looked for.
const SWEEP: Duration = Duration::from_secs(15);

/// The links that one target lends. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
    _sweeper: Arc<Task>,
}

struct Shared {
    common: Arc<Common>,
    plain: Plain,
    spare: Spare,
    permits: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By what the target was told of its client.
    idle: HashMap<String, Vec<Idle>>,
    closed: bool,
}

struct Idle {
    link: Link,
    heard: queue::Receiver<Heard>,
    since: Instant,
}

impl Pool {
    pub(crate) fn new(common: &Arc<Common>) -> Self {
        let permits = Arc::new(Semaphore::new(MOST));
        let shared = Arc::new(Shared {
            common: common.clone(),
            plain: Plain::default(),
            spare: Spare::default(),
            permits,
            state: Mutex::default(),
        });
        let sweeper = Task::spawn("pool", sweep(Arc::downgrade(&shared)));
        Self { shared, _sweeper: Arc::new(sweeper) }
    }

    /// Waits until a link may be lent, and takes one that is idle for this profile. The caller opens one if there is none.
    pub(crate) async fn place(&self, profile: &str, deadline: Duration) -> Result<Place, Error> {
        let busy = || {
            let text = format!("all {MOST} links to the target were in use for {} s", deadline.as_secs());
            Error::new(ErrorKind::Busy, text)
        };
        let permit = tokio::time::timeout(deadline, self.shared.permits.clone().acquire_owned())
            .await
            .map_err(|_| busy())?
            .map_err(|_| busy())?;
        let idle = {
            let mut state = self.shared.state();
            std::iter::from_fn(|| state.idle.get_mut(profile)?.pop()).find(|idle| !idle.link.is_dead())
        };
        Ok(Place { pool: self.clone(), profile: profile.to_owned(), idle, permit })
    }

    /// A share in the plain link, which is opened if there is none.
    pub(crate) async fn plain<F>(&self, open: impl FnOnce() -> F) -> Result<PlainLink, Error>
    where
        F: Future<Output = Result<Link, Error>> + Send + 'static,
    {
        self.shared.plain.share(open).await
    }

    /// The spare link, if there is one for this profile.
    pub(crate) fn spare(&self, profile: &str) -> Option<Leased> {
        self.shared.spare.take(profile)
    }

    /// Has another spare opened for this profile.
    pub(crate) fn refill<F>(&self, profile: &str, open: impl FnOnce() -> F)
    where
        F: Future<Output = Result<Leased, Error>> + Send + 'static,
    {
        self.shared.spare.refill(profile, open);
    }

    /// How often the plain link ended by itself.
    pub(crate) fn deaths(&self) -> u32 {
        self.shared.plain.deaths()
    }

    /// The target is gone: who comes next gets another plain link. Calls that run finish.
    pub(crate) fn let_go(&self) {
        self.shared.plain.let_go();
    }

    /// The target is to begin anew: the spare link is closed, and the plain one also under the calls that run over it.
    pub(crate) async fn cut(&self) {
        futures::future::join(self.shared.plain.cut(), self.shared.spare.close(false)).await;
    }

    /// Closes the plain and the spare link and what is idle; what is lent is closed when it comes back.
    pub(crate) async fn close(&self) {
        let idle = {
            let mut state = self.shared.state();
            state.closed = true;
            std::mem::take(&mut state.idle)
        };
        let links = idle.into_values().flatten().map(|idle| async move { idle.link.close().await });
        let shared = futures::future::join(self.shared.plain.close(), self.shared.spare.close(true));
        futures::future::join(shared, futures::future::join_all(links)).await;
    }

    /// Keeps a link for the next caller that declared the same.
    fn keep(&self, profile: &str, link: Link, heard: queue::Receiver<Heard>) {
        let refused = {
            let mut state = self.shared.state();
            if state.closed || link.is_dead() {
                Some(link)
            } else {
                let idle = state.idle.entry(profile.to_owned()).or_default();
                idle.push(Idle { link, heard, since: Instant::now() });
                state.one_too_many()
            }
        };
        if let Some(link) = refused {
            link.discard();
        }
    }
}

impl State {
    /// The link that is idle for longest, if there are too many. A client that declares something else each time would leave
    /// one behind with each call.
    fn one_too_many(&mut self) -> Option<Link> {
        let count: usize = self.idle.values().map(Vec::len).sum();
        let oldest = self.idle.values_mut().filter(|idle| count > MOST && !idle.is_empty());
        // Those of one profile stand in the order in which they came back.
        oldest.min_by_key(|idle| idle[0].since).map(|idle| idle.remove(0).link)
    }
}

impl Shared {
    /// Every change is one step, so a panic elsewhere leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to use a link alone, and an idle one if there is one.
pub(crate) struct Place {
    pool: Pool,
    profile: String,
    idle: Option<Idle>,
    permit: OwnedSemaphorePermit,
}

impl Place {
    /// The idle link, or one that is opened now.
    pub(crate) async fn fill<F>(mut self, open: impl FnOnce() -> F) -> Result<Borrowed, Error>
    where
        F: Future<Output = Result<(Link, queue::Receiver<Heard>), Error>>,
    {
        let (link, heard) = match self.idle.take() {
            Some(Idle { link, heard, .. }) => (link, heard),
            None => open().await?,
        };
        let Self { pool, profile, permit, .. } = self;
        Ok(Borrowed { pool, profile, lent: Some((link, heard)), answered: false, _permit: permit })
    }
}

/// A link that is one caller's alone.
pub struct Borrowed {
    pool: Pool,
    profile: String,
    /// Taken out only when this is dropped.
    lent: Option<(Link, queue::Receiver<Heard>)>,
    /// Whether the call ended with an answer. A target whose call was given up may still ask about it.
    answered: bool,
    _permit: OwnedSemaphorePermit,
}

impl Borrowed {
    /// Sends the call. The link goes back when the reply has ended. Everything that the target asks meanwhile is about
    /// this call, on whatever stream it says so.
    pub async fn call(mut self, call: Call) -> Result<Reply, Error> {
        let Some((link, heard)) = &mut self.lent else {
            return Err(Error::new(ErrorKind::Stopped, "the link has been given back"));
        };
        let link = link.clone();
        let mut calling = async move { link.call(call).await }.boxed();
        // A target that asks elsewhere may say nothing on the stream of the call before it has its answer.
        let asked = tokio::select! {
            biased;
            reply = &mut calling => match reply? {
                Reply::One(answer) => {
                    self.answered = true;
                    return Ok(Reply::One(answer));
                }
                Reply::Stream(events) => return Ok(Reply::Stream(self.follow(events))),
            },
            question = question(heard) => question,
        };
        let first = futures::stream::iter([Ok(Event::Ask(Ask::Held(asked)))]);
        let rest = calling.map(unfolded).flatten_stream().boxed();
        Ok(Reply::Stream(first.chain(self.follow(rest)).boxed()))
    }

    /// What happens until the end of the call, here and elsewhere. The link is given back after it.
    fn follow(
        self,
        events: BoxStream<'static, Result<Event, Error>>,
    ) -> BoxStream<'static, Result<Event, Error>> {
        let state = (self, Some(events));
        futures::stream::unfold(state, |(mut borrowed, events)| async move {
            let mut events = events?;
            let event = borrowed.next(&mut events).await?;
            borrowed.answered |= matches!(event, Ok(Event::Answer(_)));
            let rest = match event {
                Ok(Event::Answer(_)) | Err(_) => None,
                Ok(_) => Some(events),
            };
            Some((event, (borrowed, rest)))
        })
        .boxed()
    }

    /// The next event of the call, or the next question that the target asked elsewhere.
    async fn next(
        &mut self,
        events: &mut BoxStream<'static, Result<Event, Error>>,
    ) -> Option<Result<Event, Error>> {
        let Some((_, heard)) = &mut self.lent else {
            return events.next().await;
        };
        tokio::select! {
            biased;
            event = events.next() => event,
            question = question(heard) => Some(Ok(Event::Ask(Ask::Held(question)))),
        }
    }
}

/// The next question among what is heard. Never resolves once nothing more will be.
async fn question(heard: &mut queue::Receiver<Heard>) -> Question {
    loop {
        match heard.recv().await {
            Some(Heard::Question(question)) => return question,
            Some(Heard::Notice(_)) => {}
            None => std::future::pending().await,
        }
    }
}

/// A reply as the events that it consists of.
fn unfolded(reply: Result<Reply, Error>) -> BoxStream<'static, Result<Event, Error>> {
    match reply {
        Ok(Reply::Stream(events)) => events,
        Ok(Reply::One(answer)) => futures::stream::iter([Ok(Event::Answer(answer))]).boxed(),
        Err(error) => futures::stream::iter([Err(error)]).boxed(),
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        let Some((link, mut heard)) = self.lent.take() else {
            return;
        };
        if !self.answered {
            return link.discard();
        }
        // What was asked too late is refused, and the next caller hears nothing of it.
        while heard.try_recv().is_some() {}
        self.pool.keep(&self.profile, link, heard);
    }
}

/// Closes links that nobody has needed for a while.
async fn sweep(pool: Weak<Shared>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(pool) = pool.upgrade() else {
            return;
        };
        let settings = pool.common.settings().clone();
        let longest = settings.limits.idle;
        pool.plain.sweep(longest);
        pool.spare.sweep(if settings.warm { longest } else { Duration::ZERO });
        let longest = longest.min(IDLE);
        let mut state = pool.state();
        for idle in state.idle.values_mut() {
            for idle in idle.extract_if(.., |idle| idle.since.elapsed() >= longest || idle.link.is_dead()) {
                idle.link.discard();
            }
        }
        state.idle.retain(|_, idle| !idle.is_empty());
    }
}
