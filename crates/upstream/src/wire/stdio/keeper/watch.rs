//! What a keeper does all its life: wait for signals, and know how much force is due.

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, alarm, getppid};

use super::{AT_ONCE, tree};

/// How long a program may take to leave, once after its input was closed and once after SIGTERM, in seconds.
const PATIENCE: u32 = 2;

/// How often those who are being killed are looked for again, in seconds, should one have been overlooked.
const AGAIN: u32 = 1;

/// How much force is due, from none on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Force {
    None,
    /// The input of the program is closed, and it may leave by itself.
    Waiting,
    /// Everybody was told to leave.
    Telling,
    Killing,
}

/// Watches the program of the gateway `parent` until it and everybody below us is gone, and returns how it ended if that could be
/// learned.
pub(super) fn until_nobody_is_left(program: Pid, parent: Pid) -> Option<WaitStatus> {
    let mut force = Force::None;
    let mut end = None;
    loop {
        if let Reaped::Everybody = reap(program, &mut end) {
            return end;
        }
        // Those who were told to leave have their time, also when the program itself has left before.
        if end.is_some() && force < Force::Telling {
            force = Force::Killing;
        }
        if force == Force::Killing {
            tree::signal(Signal::SIGKILL);
            alarm::set(AGAIN);
        }
        let due = match SigSet::all().wait() {
            Ok(Signal::SIGALRM) if force == Force::Waiting => Force::Telling,
            Ok(Signal::SIGALRM) if force == Force::Telling => Force::Killing,
            Ok(Signal::SIGTERM | Signal::SIGINT | Signal::SIGQUIT) => Force::Telling,
            Ok(AT_ONCE) => Force::Killing,
            // It is also sent when the thread ended that started us.
            Ok(Signal::SIGHUP) if getppid() != parent => Force::Waiting,
            _ => continue,
        };
        if due <= force {
            continue;
        }
        force = due;
        if force == Force::Telling {
            tree::signal(Signal::SIGTERM);
        }
        alarm::set(PATIENCE);
    }
}

enum Reaped {
    Everybody,
    ThoseThatEnded,
}

/// Collects who ended, and notes how the program did.
fn reap(program: Pid, end: &mut Option<WaitStatus>) -> Reaped {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return Reaped::ThoseThatEnded,
            Ok(status) if status.pid() == Some(program) => *end = Some(status),
            Ok(_) | Err(Errno::EINTR) => {}
            // Somebody died of a signal without a name.
            Err(Errno::EINVAL) if kill(program, None).is_err() => {
                *end = Some(WaitStatus::Exited(program, 255))
            }
            Err(Errno::EINVAL) => {}
            Err(_) => return Reaped::Everybody,
        }
    }
}
