//! A child process that speaks over its standard input and output.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::settings::{Limits, Stdio};
use crate::wire::pipe::PipeWire;
use crate::wire::{Connect, Frames, Inbox, Named, Nuisances, Outgoing, Wire};
use crate::{Error, ErrorKind};

mod child;
#[cfg(target_os = "linux")]
pub mod keeper;
mod process;
mod reason;
mod spawn;
mod stderr;
#[cfg(target_os = "linux")]
mod strays;
mod tree;

use child::Child;
use stderr::Tail;

/// Starts children of one target.
pub struct StdioConnect {
    name: Named,
    settings: Stdio,
    limit: usize,
    /// What all of them wrote, also after they are gone: it explains why the target is down.
    words: Tail,
    live: Live,
}

impl StdioConnect {
    /// A connector for the target `name`.
    pub fn new(name: &str, settings: Stdio, limits: &Limits) -> Self {
        let (words, live) = (Tail::default(), Live::default());
        Self { name: name.into(), settings, limit: limits.message, words, live }
    }

    async fn start(&self, inbox: Inbox) -> Result<StdioWire, Error> {
        let (child, pipes) = Child::start(&self.name, &self.settings, &self.words, &self.live).await?;
        let exit = child.exit();
        let death = async move { Error::new(ErrorKind::Closed, exit.await) }.boxed();
        let pipe = PipeWire::mortal(&self.name, self.limit, inbox, pipes.stdout, pipes.stdin, Some(death));
        Ok(StdioWire { pipe, child })
    }
}

impl Connect for StdioConnect {
    fn connect(&self, inbox: Inbox) -> BoxFuture<'_, Result<Box<dyn Wire>, Error>> {
        async move { Ok(Box::new(self.start(inbox).await?) as Box<dyn Wire>) }.boxed()
    }

    fn last_words(&self) -> Vec<String> {
        self.words.lines()
    }

    fn processes(&self) -> Vec<u32> {
        self.live.pids()
    }

    fn nuisances(&self) -> Nuisances {
        self.name.nuisances()
    }
}

/// A wire to a child of its own.
pub struct StdioWire {
    pipe: PipeWire,
    /// Dropped after the pipe; kills whatever is left of the child and its descendants.
    child: Child,
}

impl Wire for StdioWire {
    fn request(&self, out: Outgoing) -> BoxFuture<'_, Result<Frames, Error>> {
        self.pipe.request(out)
    }

    fn send(&self, out: Outgoing) -> BoxFuture<'_, Result<(), Error>> {
        self.pipe.send(out)
    }

    fn closed(&self) -> BoxFuture<'_, Error> {
        self.pipe.closed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            // Closing its input is how a child is asked to leave (spec 2025-11-25, basic/lifecycle "Shutdown").
            self.pipe.shut();
            self.child.stop().await;
        }
        .boxed()
    }
}

/// The process ids of the children that are alive. Cheap to clone.
#[derive(Clone, Default)]
struct Live(Arc<Mutex<Vec<u32>>>);

/// Keeps one process id on the list.
struct Listed(Live, u32);

impl Live {
    fn list(&self, pid: u32) -> Listed {
        self.with(|pids| pids.push(pid));
        Listed(self.clone(), pid)
    }

    fn pids(&self) -> Vec<u32> {
        self.with(|pids| pids.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<u32>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.0.with(|pids| pids.retain(|pid| *pid != self.1));
    }
}
