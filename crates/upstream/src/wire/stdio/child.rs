//! One child with its descendants: started as one, and ended as one.
//!
//! `npx` and `uvx` start a shell that starts the server; killing the one process we know would leave the rest behind. Under a
//! [`keeper`](super::keeper) everybody below the child is found, wherever they went, and is killed also when we are. Where there
//! are no keepers it is the process group that is signalled, last of all with SIGKILL even after the child itself has left in
//! good order; who has left the group is out of reach then, and if we are killed the child's input is closed and nothing else.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::process::{self, Process};
use super::spawn::{Spawned, not_started};
use super::stderr::{Tail, drain};
use super::tree::{Sweeper, Tree};
use super::{Live, reason};
use crate::settings::Stdio;
use crate::{Error, Task};

/// How long a child may take to leave, once after its input was closed and once after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the rest of the standard error may take to arrive after the child is gone.
const LAST_LINES: Duration = Duration::from_millis(200);

/// A started child. Dropping it kills everything at once.
pub(super) struct Child {
    tree: Sweeper,
    stop: CancellationToken,
    exit: watch::Receiver<Option<String>>,
}

/// The two ends to talk to it.
pub(super) struct Pipes {
    pub(super) stdin: pipe::Sender,
    pub(super) stdout: pipe::Receiver,
}

impl Child {
    pub(super) async fn start(
        name: &str,
        settings: &Stdio,
        words: &Tail,
        live: &Live,
    ) -> Result<(Self, Pipes), Error> {
        let refused = |error: &_| not_started(name, settings, error);
        let Spawned { process, pipes, tree, started } = Spawned::new(settings).map_err(|e| refused(&e))?;
        let process::Pipes { stdin, stdout, stderr } = pipes;
        let stop = CancellationToken::new();
        let (told, exit) = watch::channel(None);
        let (list, listed) = oneshot::channel();

        let own_words = Tail::default();
        let watch = {
            let (sweeper, stop) = (tree.clone(), stop.clone());
            let (name, tails) = (name.to_owned(), [words.clone(), own_words.clone()]);
            async move {
                let _listed = listed;
                let status = attend(process, &sweeper, &stop, drain(&name, stderr, &tails)).await;
                told.send_replace(Some(reason::of_exit(status, &own_words.lines())));
            }
        };
        // It must outlive this handle to reap the child, and it ends with the child, which the handle's drop kills.
        Task::spawn_finite("child", watch);
        let pid = started.pid().await.map_err(|e| refused(&e))?;
        // A child that has ended since is not listed any more.
        drop(list.send(live.list(pid)));
        Ok((Self { tree, stop, exit }, Pipes { stdin, stdout }))
    }

    /// Resolves when the child is gone, with the reason in one line.
    pub(super) fn exit(&self) -> impl Future<Output = String> + Send + 'static {
        let mut exit = self.exit.clone();
        async move {
            let reason = exit.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
            reason.unwrap_or_else(|| "was no longer watched".into())
        }
    }

    /// Ends everything in good order. Its input must have been closed. Returns when the child is gone.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        // A process in uninterruptible sleep may outlast SIGKILL; it is reaped when it wakes.
        if timeout(PATIENCE * 3, self.exit()).await.is_err() {
            self.tree.0.sweep();
        }
    }
}

/// Sees a child through to its end, and reaps it.
async fn attend(
    mut process: Process,
    sweeper: &Sweeper,
    stop: &CancellationToken,
    drain: impl Future<Output = ()>,
) -> io::Result<ExitStatus> {
    let tree = &sweeper.0;
    let mut drain = pin!(drain);
    let mut drained = false;
    let status = {
        let mut life = pin!(life(&mut process, tree, stop));
        tokio::select! {
            status = &mut life => status,
            () = &mut drain => {
                drained = true;
                life.await
            }
        }
    };
    tree.finish(&status).await;
    if !drained {
        // Somebody who is out of reach may hold the pipe open for ever.
        let _ = timeout(LAST_LINES, drain).await;
    }
    status
}

/// Waits for the child to end, and helps when told to stop it.
async fn life(process: &mut Process, tree: &Tree, stop: &CancellationToken) -> io::Result<ExitStatus> {
    tokio::select! {
        status = end(process, tree) => return status,
        () = stop.cancelled() => {}
    }
    if let Ok(status) = timeout(PATIENCE, end(process, tree)).await {
        return status;
    }
    tree.tell();
    if let Ok(status) = timeout(PATIENCE, end(process, tree)).await {
        return status;
    }
    tree.sweep();
    end(process, tree).await
}

/// Waits for the process that we started, and reaps it.
async fn end(process: &mut Process, tree: &Tree) -> io::Result<ExitStatus> {
    poll_fn(|context| tree.reap(|| process.poll_end(context))).await
}
