//! Idle connections, by runtime and by origin.
//!
//! A connection is driven by the runtime on which it was opened, and serves requests of that runtime only: who waits for an answer
//! then waits for no other thread. Locks are held for moments, and runtimes rarely meet at one.

use std::future::poll_fn;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;

use foldhash::fast::FixedState;
use futures::FutureExt as _;
use http::Uri;
use http::uri::{Authority, Scheme};
use http1::client::{Condition, Connection};
use tokio::runtime::{Handle, Id};
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, sleep};

use super::connect::Stream;
use crate::Task;
use crate::spread::Apart;

/// How long a connection is kept for the next request. Node and uvicorn close idle connections after 5 s; a request
/// that is sent in that moment is lost, and must not be sent again if it is a call.
const IDLE: Duration = Duration::from_secs(4);

/// How often connections are looked for that nobody needs any more. Who was idle that long gives up its memory.
const TICK: Duration = Duration::from_secs(1);

/// How long the end of an answer may take that nobody waits for.
const ENDING: Duration = Duration::from_secs(1);

/// How many idle connections to one origin a runtime keeps.
const MOST: usize = 256;

/// Locks between which the runtimes share out. So many that two that are busy hardly ever meet at one.
const SHARDS: usize = 64;

/// The idle connections of one client.
#[derive(Debug)]
pub(super) struct Pool {
    shards: [Apart<Mutex<Vec<Rack>>>; SHARDS],
}

impl Default for Pool {
    fn default() -> Self {
        Self { shards: std::array::from_fn(|_| Apart::default()) }
    }
}

/// Those of one runtime.
#[derive(Debug)]
struct Rack {
    runtime: Id,
    shelves: Vec<Shelf>,
    /// Closes what nobody takes, for as long as there is something. Cut with the pool.
    reaper: Option<Task>,
}

/// Those of one runtime to one origin, each in the order in which they came.
#[derive(Debug)]
struct Shelf {
    origin: Origin,
    ready: Vec<Pooled>,
    /// Those whose last answer has an end to come that nobody waits for.
    ending: Vec<Pooled>,
}

/// Where a URL leads, as it is spelled there.
#[derive(Debug, Clone)]
struct Origin {
    scheme: Option<Scheme>,
    authority: Option<Authority>,
}

impl Origin {
    fn of(url: &Uri) -> Self {
        Self { scheme: url.scheme().cloned(), authority: url.authority().cloned() }
    }

    /// Another spelling counts as another origin: to compare without regard to case takes longer than all else here.
    fn is(&self, scheme: Option<&Scheme>, authority: Option<&Authority>) -> bool {
        self.authority.as_ref().map(Authority::as_str) == authority.map(Authority::as_str)
            && self.scheme.as_ref().map(Scheme::as_str) == scheme.map(Scheme::as_str)
    }
}

/// A connection that knows where it belongs.
#[derive(Debug)]
pub(super) struct Pooled {
    pub(super) connection: Box<Connection<Stream>>,
    runtime: Handle,
    origin: Origin,
    /// When nobody needed it any more.
    since: Instant,
}

impl Pooled {
    /// A connection to where `url` leads, which was opened on this runtime.
    pub(super) fn new(stream: Stream, url: &Uri) -> Self {
        let (runtime, origin) = (Handle::current(), Origin::of(url));
        Self { connection: Box::new(Connection::new(stream)), runtime, origin, since: Instant::now() }
    }

    /// What it is good for. Looking takes no time, so that a task looks also when it should let others run.
    fn condition(&mut self) -> Condition {
        let look = poll_fn(|cx| Poll::Ready(self.connection.condition(cx)));
        unconstrained(look).now_or_never().unwrap_or(Condition::Spoilt)
    }
}

impl Pool {
    /// A connection of this runtime that is ready for a request: the one that was used last.
    pub(super) fn take(self: &Arc<Self>, url: &Uri) -> Option<Pooled> {
        let runtime = Handle::current().id();
        loop {
            let mut pooled = self.pop(runtime, url)?;
            match pooled.condition() {
                Condition::Ready => return Some(pooled),
                Condition::Spoilt => {}
                // The others have waited less.
                Condition::Ending => {
                    if pooled.since.elapsed() < ENDING {
                        self.keep(pooled);
                    }
                    return None;
                }
            }
        }
    }

    /// Keeps a connection for the next request, if it can serve one or may soon.
    pub(super) fn give(self: &Arc<Self>, mut pooled: Pooled) {
        if pooled.connection.is_reusable() || !pooled.connection.is_done() {
            pooled.since = Instant::now();
            self.keep(pooled);
        }
    }

    fn pop(&self, runtime: Id, url: &Uri) -> Option<Pooled> {
        let mut racks = self.shard(runtime);
        let rack = racks.iter_mut().find(|rack| rack.runtime == runtime)?;
        let shelf = rack.shelves.iter_mut().find(|shelf| shelf.origin.is(url.scheme(), url.authority()))?;
        match shelf.ready.pop() {
            // If this one is too old, so are the others; the reaper closes them.
            Some(pooled) if pooled.since.elapsed() >= IDLE => None,
            Some(pooled) => Some(pooled),
            None if shelf.ending.is_empty() => None,
            None => Some(shelf.ending.remove(0)),
        }
    }

    fn keep(self: &Arc<Self>, pooled: Pooled) {
        let runtime = pooled.runtime.clone();
        let (surplus, first) = self.push(pooled);
        drop(surplus);
        if first {
            // Not under the lock: a runtime that is shutting down drops the task at once.
            let _on = runtime.enter();
            let sweeper = Sweeper { pool: Arc::downgrade(self), runtime: runtime.id() };
            let reaper = Task::spawn("connections", reap(sweeper));
            let mut racks = self.shard(runtime.id());
            if let Some(rack) = racks.iter_mut().find(|rack| rack.runtime == runtime.id()) {
                rack.reaper = Some(reaper);
            }
        }
    }

    /// What had to make room for it, and whether it is the first of its runtime.
    fn push(&self, pooled: Pooled) -> (Option<Pooled>, bool) {
        let runtime = pooled.runtime.id();
        let mut racks = self.shard(runtime);
        let known = racks.iter().position(|rack| rack.runtime == runtime);
        let at = known.unwrap_or(racks.len());
        if known.is_none() {
            racks.push(Rack { runtime, shelves: Vec::new(), reaper: None });
        }
        (racks[at].shelf(&pooled.origin).push(pooled), known.is_none())
    }

    /// Closes what nobody needs any more; false if nothing is left.
    fn sweep(&self, runtime: Id, now: Instant) -> bool {
        let mut racks = self.shard(runtime);
        let Some(at) = racks.iter().position(|rack| rack.runtime == runtime) else { return false };
        let (mut gone, mut ending) = (Vec::new(), Vec::new());
        for shelf in &mut racks[at].shelves {
            ending.append(&mut shelf.ending);
            gone.extend(shelf.ready.extract_if(.., |pooled| now.duration_since(pooled.since) >= IDLE));
            for pooled in shelf.ready.iter_mut().filter(|pooled| now.duration_since(pooled.since) >= TICK) {
                pooled.connection.shrink();
            }
        }
        drop(racks);
        drop(gone);
        // Reading may take a while.
        ending.retain_mut(|pooled| match pooled.condition() {
            Condition::Ready => true,
            Condition::Ending => now.duration_since(pooled.since) < ENDING,
            Condition::Spoilt => false,
        });
        let mut racks = self.shard(runtime);
        let Some(at) = racks.iter().position(|rack| rack.runtime == runtime) else { return false };
        for pooled in ending {
            racks[at].shelf(&pooled.origin).push(pooled);
        }
        racks[at].shelves.retain(|shelf| !shelf.is_empty());
        let empty = racks[at].shelves.is_empty().then(|| racks.swap_remove(at));
        drop(racks);
        empty.is_none()
    }

    fn shard(&self, runtime: Id) -> MutexGuard<'_, Vec<Rack>> {
        let hash = FixedState::default().hash_one(runtime);
        let shard = &self.shards[usize::try_from(hash % SHARDS as u64).unwrap_or_default()];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rack {
    fn shelf(&mut self, origin: &Origin) -> &mut Shelf {
        let Origin { scheme, authority } = origin;
        let known =
            self.shelves.iter().position(|shelf| shelf.origin.is(scheme.as_ref(), authority.as_ref()));
        let at = known.unwrap_or(self.shelves.len());
        if known.is_none() {
            self.shelves.push(Shelf { origin: origin.clone(), ready: Vec::new(), ending: Vec::new() });
        }
        &mut self.shelves[at]
    }
}

impl Shelf {
    /// Takes a connection in, and gives out the oldest of its kind if there are too many.
    fn push(&mut self, pooled: Pooled) -> Option<Pooled> {
        let kind = if pooled.connection.is_done() { &mut self.ready } else { &mut self.ending };
        let surplus = (kind.len() >= MOST).then(|| kind.remove(0));
        kind.push(pooled);
        surplus
    }

    fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.ending.is_empty()
    }
}

/// What a reaper works on. If its runtime ends before it does, the connections of that runtime are of no use to anybody.
struct Sweeper {
    pool: Weak<Pool>,
    runtime: Id,
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        let Some(pool) = self.pool.upgrade() else { return };
        let mut racks = pool.shard(self.runtime);
        let rack = racks.iter().position(|rack| rack.runtime == self.runtime);
        let rack = rack.map(|rack| racks.swap_remove(rack));
        drop(racks);
        drop(rack);
    }
}

async fn reap(mut sweeper: Sweeper) {
    loop {
        sleep(TICK).await;
        let left = sweeper.pool.upgrade().is_some_and(|pool| pool.sweep(sweeper.runtime, Instant::now()));
        if !left {
            // Whoever comes now has a reaper of its own.
            sweeper.pool = Weak::new();
            return;
        }
    }
}
