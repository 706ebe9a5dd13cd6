//! A process that we started, and the wait for its end.
//!
//! Tokio has one as well. With it, every thread of every runtime looks for children that nobody waits for each time it has
//! nothing to do, and all of them in the same place: in a busy gateway that takes longer than most else.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::task::{Context, Poll, ready};

use nix::sys::signal::SigSet;
use nix::unistd::Pid;
use tokio::net::unix::pipe;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A process. It is reaped by who waits for its end.
pub(super) struct Process {
    child: Child,
    /// Some process of ours ended.
    ends: Signal,
    killed_on_drop: bool,
    status: Option<ExitStatus>,
}

/// The ends to talk to it.
pub(super) struct Pipes {
    pub(super) stdin: pipe::Sender,
    pub(super) stdout: pipe::Receiver,
    pub(super) stderr: pipe::Receiver,
}

impl Process {
    /// Starts a process. One that is `killed_on_drop` does not outlive this.
    pub(super) fn start(command: &mut Command, killed_on_drop: bool) -> io::Result<(Self, Pipes)> {
        // Listened for before there is anything to hear.
        let ends = signal(SignalKind::child())?;
        // Who started us may have blocked it for all threads.
        SigSet::from(nix::sys::signal::Signal::SIGCHLD).thread_unblock()?;
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        match Pipes::of(&mut child) {
            Ok(pipes) => Ok((Self { child, ends, killed_on_drop, status: None }, pipes)),
            Err(error) => {
                // Nobody knows of it. A keeper takes its program with it.
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Its id, which belongs to nobody else before its end was waited for.
    pub(super) fn pid(&self) -> io::Result<Pid> {
        i32::try_from(self.child.id()).map(Pid::from_raw).map_err(io::Error::other)
    }

    /// Waits for its end, and reaps it.
    pub(super) fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        loop {
            // Asked for first: what ends after the look below is heard of then.
            let heard = self.ends.poll_recv(context);
            self.status = self.child.try_wait()?;
            if let Some(status) = self.status {
                return Poll::Ready(Ok(status));
            }
            if ready!(heard).is_none() {
                return Poll::Ready(Err(io::Error::other("the runtime ends")));
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.killed_on_drop && self.status.is_none() {
            // It may have ended, which is as good.
            let _ = self.child.kill();
            let _ = self.child.try_wait();
        }
    }
}

impl Pipes {
    fn of(child: &mut Child) -> io::Result<Self> {
        Ok(Self {
            stdin: pipe::Sender::from_owned_fd(end_of(child.stdin.take())?)?,
            stdout: pipe::Receiver::from_owned_fd(end_of(child.stdout.take())?)?,
            stderr: pipe::Receiver::from_owned_fd(end_of(child.stderr.take())?)?,
        })
    }
}

fn end_of(pipe: Option<impl Into<OwnedFd>>) -> io::Result<OwnedFd> {
    pipe.map(Into::into).ok_or_else(|| io::Error::other("it has no pipes"))
}
