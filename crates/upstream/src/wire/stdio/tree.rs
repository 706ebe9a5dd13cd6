//! The processes of one child, as what signals are sent to.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// Everything below our child. Who is reached how depends on how it was started.
pub(super) struct Tree {
    head: Pid,
    how: How,
    /// Nothing is left to be signalled: the head's number may belong to strangers from then on.
    over: Mutex<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// The head leads a process group, which is signalled as a whole, also when the head has left.
    Group,
    /// The head is a keeper, which does what it is asked to, and ends last.
    #[cfg(target_os = "linux")]
    Keeper,
}

impl Tree {
    /// The process group of this leader.
    pub(super) fn group(head: Pid) -> Self {
        Self { head, how: How::Group, over: Mutex::new(false) }
    }

    /// Everything below this keeper.
    #[cfg(target_os = "linux")]
    pub(super) fn kept_by(head: Pid) -> Self {
        Self { head, how: How::Keeper, over: Mutex::new(false) }
    }

    /// Tells everybody to leave.
    pub(super) fn tell(&self) {
        self.unless_over(|_| match self.how {
            // An error says that nobody is left to hear it.
            How::Group => drop(killpg(self.head, Signal::SIGTERM)),
            #[cfg(target_os = "linux")]
            How::Keeper => drop(kill(self.head, Signal::SIGTERM)),
        });
    }

    /// Kills who is left, once.
    pub(super) fn sweep(&self) {
        self.unless_over(|over| {
            *over = true;
            match self.how {
                How::Group => drop(killpg(self.head, Signal::SIGKILL)),
                #[cfg(target_os = "linux")]
                How::Keeper => {
                    let _ = kill(self.head, super::keeper::AT_ONCE);
                    // It may have been stopped.
                    let _ = kill(self.head, Signal::SIGCONT);
                }
            }
        });
    }

    /// Ends what is left once the head has ended like this: the rest of a group, or what a keeper that was killed left to us.
    pub(super) async fn finish(&self, end: &io::Result<ExitStatus>) {
        self.sweep();
        #[cfg(target_os = "linux")]
        if self.how == How::Keeper
            && end.as_ref().is_ok_and(|status| status.signal() == Some(Signal::SIGKILL as i32))
        {
            super::strays::clear().await;
        }
        #[cfg(not(target_os = "linux"))]
        let _ = end;
    }

    /// Looks whether the head has ended, and so that nobody signals it by a number that it no longer has.
    pub(super) fn reap<T>(&self, look: impl FnOnce() -> Poll<T>) -> Poll<T> {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = look();
        #[cfg(target_os = "linux")]
        if seen.is_ready() && self.how == How::Keeper {
            *over = true;
            super::strays::keepers().remove(&self.head);
        }
        seen
    }

    fn unless_over(&self, act: impl FnOnce(&mut bool)) {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        if !*over {
            act(&mut over);
        }
    }
}

/// Sweeps the tree when it is dropped: with the wire, or with the runtime that watches the child.
#[derive(Clone)]
pub(super) struct Sweeper(pub(super) Arc<Tree>);

impl Sweeper {
    pub(super) fn new(tree: Tree) -> Self {
        Self(Arc::new(tree))
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.0.sweep();
    }
}
