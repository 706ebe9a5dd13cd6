//! Idle connections, by runtime and by origin.
//!
//! A connection is driven by the runtime on which it was opened, and serves requests of that runtime only: who waits for an answer
//! then waits for no other thread. Locks are held for moments, and runtimes rarely meet at one.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http::Uri;
use http::uri::{Authority, Scheme};
use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, sleep};

use super::connect::Stream;
use super::connection::Connection;
use crate::Task;

/// How long a connection is kept for the next request. Node and uvicorn close idle connections after 5 s; a request
/// that is sent in that moment is lost, and must not be sent again if it is a call.
const IDLE: Duration = Duration::from_secs(4);

/// How often connections are looked for that nobody needs any more. Who was idle that long gives up its memory.
const TICK: Duration = Duration::from_secs(1);

/// How many idle connections to one origin a runtime keeps.
const MOST: usize = 256;

/// Locks between which the runtimes share out.
const SHARDS: usize = 8;

/// The idle connections of one client.
#[derive(Debug, Default)]
pub(super) struct Pool {
    shards: [Mutex<Vec<Rack>>; SHARDS],
}

/// Those of one runtime.
#[derive(Debug)]
struct Rack {
    runtime: Id,
    shelves: Vec<Shelf>,
    /// Closes what nobody takes, for as long as there is something. Cut with the pool.
    reaper: Option<Task>,
}

/// Those of one runtime to one origin, the one that was used last at the end.
#[derive(Debug)]
struct Shelf {
    origin: Origin,
    idle: Vec<Idle>,
}

#[derive(Debug)]
struct Idle {
    connection: Box<Pooled>,
    since: Instant,
}

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: Option<Scheme>,
    authority: Option<Authority>,
}

impl Origin {
    fn of(url: &Uri) -> Self {
        Self { scheme: url.scheme().cloned(), authority: url.authority().cloned() }
    }

    fn leads_to(&self, url: &Uri) -> bool {
        self.scheme.as_ref() == url.scheme() && self.authority.as_ref() == url.authority()
    }
}

/// A connection that knows where it belongs.
#[derive(Debug)]
pub(super) struct Pooled {
    pub(super) connection: Connection<Stream>,
    runtime: Handle,
    origin: Origin,
}

impl Pooled {
    /// A connection to where `url` leads, which was opened on this runtime.
    pub(super) fn new(stream: Stream, url: &Uri) -> Box<Self> {
        let connection = Connection::new(stream);
        Box::new(Self { connection, runtime: Handle::current(), origin: Origin::of(url) })
    }
}

impl Pool {
    /// The connection of this runtime that was used last.
    pub(super) fn take(&self, url: &Uri) -> Option<Box<Pooled>> {
        let runtime = Handle::current().id();
        let mut rack = self.shard(runtime);
        let rack = rack.iter_mut().find(|rack| rack.runtime == runtime)?;
        let shelf = rack.shelves.iter_mut().find(|shelf| shelf.origin.leads_to(url))?;
        let idle = shelf.idle.pop()?;
        // If this one is too old, so are all others; the reaper closes them.
        (idle.since.elapsed() < IDLE).then_some(idle.connection)
    }

    /// Keeps a connection for the next request.
    pub(super) fn give(self: &Arc<Self>, connection: Box<Pooled>) {
        let runtime = connection.runtime.clone();
        let (surplus, first) = self.keep(Idle { connection, since: Instant::now() });
        drop(surplus);
        if first {
            // Not under the lock: a runtime that is shutting down drops the task at once.
            let _on = runtime.enter();
            let reaper = Task::spawn(
                "connections",
                reap(Sweeper { pool: Arc::downgrade(self), runtime: runtime.id() }),
            );
            let mut racks = self.shard(runtime.id());
            if let Some(rack) = racks.iter_mut().find(|rack| rack.runtime == runtime.id()) {
                rack.reaper = Some(reaper);
            }
        }
    }

    /// What had to make room for it, and whether it is the first of its runtime.
    fn keep(&self, idle: Idle) -> (Option<Idle>, bool) {
        let runtime = idle.connection.runtime.id();
        let mut racks = self.shard(runtime);
        let known = racks.iter().position(|rack| rack.runtime == runtime);
        let at = known.unwrap_or(racks.len());
        if known.is_none() {
            racks.push(Rack { runtime, shelves: Vec::new(), reaper: None });
        }
        let shelves = &mut racks[at].shelves;
        let shelf = shelves.iter().position(|shelf| shelf.origin == idle.connection.origin);
        let shelf = shelf.unwrap_or_else(|| {
            shelves.push(Shelf { origin: idle.connection.origin.clone(), idle: Vec::new() });
            shelves.len() - 1
        });
        let shelf = &mut shelves[shelf].idle;
        let surplus = (shelf.len() >= MOST).then(|| shelf.remove(0));
        shelf.push(idle);
        (surplus, known.is_none())
    }

    /// Closes what has been idle for too long; false if nothing is left.
    fn sweep(&self, runtime: Id, now: Instant) -> bool {
        let mut gone: Vec<Idle> = Vec::new();
        let mut racks = self.shard(runtime);
        let Some(at) = racks.iter().position(|rack| rack.runtime == runtime) else { return false };
        for Shelf { idle, .. } in &mut racks[at].shelves {
            gone.extend(idle.extract_if(.., |idle| now.duration_since(idle.since) >= IDLE));
            for idle in idle.iter_mut().filter(|idle| now.duration_since(idle.since) >= TICK) {
                idle.connection.connection.shrink();
            }
        }
        racks[at].shelves.retain(|shelf| !shelf.idle.is_empty());
        let empty = racks[at].shelves.is_empty().then(|| racks.swap_remove(at));
        drop(racks);
        empty.is_none()
    }

    fn shard(&self, runtime: Id) -> MutexGuard<'_, Vec<Rack>> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(runtime);
        let shard = &self.shards[usize::try_from(hash % SHARDS as u64).unwrap_or_default()];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
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
