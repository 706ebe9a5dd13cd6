//! The threads on which connections are served: one per core, each with a runtime of its own.
//!
//! A request is read, sent to its target, and answered on the thread of its connection. Nobody on another thread has to be
//! woken up for it, which costs more than everything else that the gateway does for a small call. Whatever belongs to no
//! connection (targets, signals, the admin interface) runs elsewhere.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The threads. Cheap to clone; when the last clone is dropped, they end, and what runs on them is cut.
#[derive(Clone, Default)]
pub struct Workers(Option<Arc<Threads>>);

struct Threads {
    all: Vec<Worker>,
    _life: DropGuard,
}

struct Worker {
    runtime: Handle,
    connections: Arc<AtomicUsize>,
}

impl Workers {
    /// Starts so many threads.
    pub fn start(threads: NonZero<usize>) -> io::Result<Self> {
        let life = CancellationToken::new();
        let all =
            (0..threads.get()).map(|number| Worker::start(number, life.clone())).collect::<Result<_, _>>();
        let _life = life.drop_guard();
        Ok(Self(Some(Arc::new(Threads { all: all?, _life }))))
    }

    /// One for each core that this process may use.
    pub fn one_per_core() -> NonZero<usize> {
        thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
    }

    /// A place on the thread that has the fewest connections; without threads, where the caller runs.
    pub fn place(&self) -> Place {
        let threads = self.0.iter().flat_map(|threads| &threads.all);
        let idlest = threads.min_by_key(|worker| worker.connections.load(Ordering::Relaxed));
        match idlest {
            Some(worker) => {
                worker.connections.fetch_add(1, Ordering::Relaxed);
                Place { runtime: worker.runtime.clone(), connections: Some(worker.connections.clone()) }
            }
            None => Place { runtime: Handle::current(), connections: None },
        }
    }
}

impl Worker {
    fn start(number: usize, life: CancellationToken) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let serve = move || {
            runtime.block_on(life.cancelled());
            // Who looks up the name of a host would be waited for as long as that takes.
            runtime.shutdown_background();
        };
        thread::Builder::new().name(format!("worker-{number}")).spawn(serve)?;
        Ok(Self { runtime: handle, connections: Arc::default() })
    }
}

/// Where a connection is served. It counts there until this is dropped.
pub struct Place {
    runtime: Handle,
    connections: Option<Arc<AtomicUsize>>,
}

impl Place {
    /// The runtime of the place.
    pub fn runtime(&self) -> Handle {
        self.runtime.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(connections) = &self.connections {
            connections.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: NonZero<usize> = NonZero::new(2).expect("not zero");

    #[tokio::test]
    async fn connections_are_shared_out_evenly() {
        let workers = Workers::start(TWO).expect("threads");
        let first = workers.place();
        let second = workers.place();
        assert_ne!(first.runtime().id(), second.runtime().id());
        let gone = first.runtime().id();
        drop(first);
        assert_eq!(workers.place().runtime().id(), gone, "it has the fewest again");
    }

    #[tokio::test]
    async fn what_runs_on_a_thread_ends_with_it() {
        let workers = Workers::start(TWO).expect("threads");
        let (held, cut) = tokio::sync::oneshot::channel::<()>();
        let place = workers.place();
        place.runtime().spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        drop(workers);
        assert!(cut.await.is_err());
    }

    #[tokio::test]
    async fn without_threads_a_connection_is_served_where_it_is_accepted() {
        assert_eq!(Workers::default().place().runtime().id(), Handle::current().id());
    }
}
