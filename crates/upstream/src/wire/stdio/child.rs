//! One child with its descendants: started as a process group, and ended as one.
//!
//! `npx` and `uvx` start a shell that starts the server; killing the one process we know leaves the rest behind.
//! Everything below our child shares its process group, so the group is what is signalled, last of all with SIGKILL
//! even after the child itself has left in good order.
//!
//! A child cannot be told to die with us if we are killed: that takes a system call in the child before it runs its
//! program, which Rust offers only as unsafe code. Its input is closed in that case, and well-behaved servers leave.

use std::future::Future;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio as Pipe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::stderr::{Tail, drain};
use super::{Live, reason};
use crate::settings::Stdio;
use crate::{Error, ErrorKind, Task};

/// How long a child may take to leave, once after its input was closed and once after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the rest of the standard error may take to arrive after the child is gone.
const LAST_LINES: Duration = Duration::from_millis(200);

/// A started child. Dropping it kills the group at once.
pub(super) struct Child {
    group: Sweeper,
    stop: CancellationToken,
    exit: watch::Receiver<Option<String>>,
}

/// The two ends to talk to it.
pub(super) struct Pipes {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
}

impl Child {
    pub(super) fn start(
        name: &str,
        settings: &Stdio,
        words: &Tail,
        live: &Live,
    ) -> Result<(Self, Pipes), Error> {
        let mut child = command(settings).spawn().map_err(|error| not_started(name, settings, &error))?;
        let leader = child.id().and_then(|pid| i32::try_from(pid).ok());
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(leader), (Some(stdin), Some(stdout), Some(stderr))) = (leader, pipes) else {
            // Out of reach for a child that was started with three pipes; it is killed on drop.
            return Err(Error::new(ErrorKind::Unreachable, format!("target `{name}` has no pipes")));
        };
        let group = Arc::new(Group { leader: Pid::from_raw(leader), swept: AtomicBool::new(false) });
        let stop = CancellationToken::new();
        let (told, exit) = watch::channel(None);

        let own_words = Tail::default();
        let listed = live.list(leader.unsigned_abs());
        let watch = {
            let (sweeper, stop) = (Sweeper(Arc::clone(&group)), stop.clone());
            let (name, tails) = (name.to_owned(), [words.clone(), own_words.clone()]);
            async move {
                let _listed = listed;
                let status = attend(child, &sweeper, &stop, drain(&name, stderr, &tails)).await;
                told.send_replace(Some(reason::of_exit(status, &own_words.lines())));
            }
        };
        // It must outlive this handle to reap the child, and it ends with the child, which the handle's drop kills.
        Task::spawn_finite("child", watch);
        Ok((Self { group: Sweeper(group), stop, exit }, Pipes { stdin, stdout }))
    }

    /// Resolves when the child is gone, with the reason in one line.
    pub(super) fn exit(&self) -> impl Future<Output = String> + Send + 'static {
        let mut exit = self.exit.clone();
        async move {
            let reason = exit.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
            reason.unwrap_or_else(|| "was no longer watched".into())
        }
    }

    /// Ends the group in good order. Its input must have been closed. Returns when the child is gone.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        // A process in uninterruptible sleep may outlast SIGKILL; it is reaped when it wakes.
        if timeout(PATIENCE * 3, self.exit()).await.is_err() {
            self.group.0.sweep();
        }
    }
}

/// Sees a child through to its end, and reaps it.
async fn attend(
    mut child: tokio::process::Child,
    sweeper: &Sweeper,
    stop: &CancellationToken,
    drain: impl Future<Output = ()>,
) -> io::Result<ExitStatus> {
    let group = &sweeper.0;
    let mut drain = std::pin::pin!(drain);
    let mut drained = false;
    let status = {
        let mut life = std::pin::pin!(life(&mut child, group, stop));
        tokio::select! {
            status = &mut life => status,
            () = &mut drain => {
                drained = true;
                life.await
            }
        }
    };
    group.sweep();
    if !drained {
        // Somebody who left the group may hold the pipe open for ever.
        let _ = timeout(LAST_LINES, drain).await;
    }
    status
}

/// Waits for the child to end, and helps when told to stop it.
async fn life(
    child: &mut tokio::process::Child,
    group: &Group,
    stop: &CancellationToken,
) -> io::Result<ExitStatus> {
    tokio::select! {
        status = child.wait() => return status,
        () = stop.cancelled() => {}
    }
    if let Ok(status) = timeout(PATIENCE, child.wait()).await {
        return status;
    }
    group.signal(Signal::SIGTERM);
    if let Ok(status) = timeout(PATIENCE, child.wait()).await {
        return status;
    }
    group.sweep();
    child.wait().await
}

/// A process group by its leader.
struct Group {
    leader: Pid,
    /// Everything in it was killed. Its number may belong to strangers from then on.
    swept: AtomicBool,
}

impl Group {
    fn signal(&self, signal: Signal) {
        if !self.swept.load(Ordering::Acquire) {
            // An error says that nobody is left to hear it.
            let _ = killpg(self.leader, signal);
        }
    }

    /// Kills what is left, once.
    fn sweep(&self) {
        if !self.swept.swap(true, Ordering::AcqRel) {
            let _ = killpg(self.leader, Signal::SIGKILL);
        }
    }
}

/// Sweeps the group when it is dropped: with the wire, or with the runtime that watches the child.
struct Sweeper(Arc<Group>);

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.0.sweep();
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that starts processes")]
fn command(settings: &Stdio) -> Command {
    let Stdio { cmd, args, env, clear_env, cwd } = settings;
    let mut command = Command::new(cmd);
    if *clear_env {
        command.env_clear();
    }
    if let Some(cwd) = cwd {
        command.current_dir(cwd);
    }
    command.args(args).envs(env).process_group(0).kill_on_drop(true);
    command.stdin(Pipe::piped()).stdout(Pipe::piped()).stderr(Pipe::piped());
    command
}

/// Says in plain words why there is no child. The system reports a missing directory, a missing program and a
/// missing interpreter with the same error.
fn not_started(name: &str, settings: &Stdio, error: &io::Error) -> Error {
    let Stdio { cmd, cwd, .. } = settings;
    let in_cwd = |path: &str| cwd.as_deref().unwrap_or(Path::new("")).join(path);
    let what = match (error.kind(), cwd) {
        (_, Some(cwd)) if !cwd.is_dir() => {
            format!("the working directory `{}` does not exist", cwd.display())
        }
        (io::ErrorKind::NotFound, _) if !cmd.contains('/') => {
            format!("command `{cmd}` was not found on PATH")
        }
        (io::ErrorKind::NotFound, _) if in_cwd(cmd).exists() => {
            format!("command `{cmd}` names an interpreter that does not exist")
        }
        (io::ErrorKind::NotFound, _) => format!("command `{cmd}` does not exist"),
        (io::ErrorKind::PermissionDenied, _) => format!("command `{cmd}` is not executable"),
        _ => format!("command `{cmd}` cannot be started: {error}"),
    };
    Error::new(ErrorKind::Unreachable, format!("{what} (for target `{name}`)"))
}
