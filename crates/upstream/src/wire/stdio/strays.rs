//! What is left when a keeper is killed: its program dies with it, and what that had started comes to us.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

use super::keeper::tree;

/// How long strays may take to die.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(10);

static KEEPERS: Mutex<BTreeSet<Pid>> = Mutex::new(BTreeSet::new());

/// The keepers that we have and have not reaped. As long as this is held, no other is started.
pub(super) fn keepers() -> MutexGuard<'static, BTreeSet<Pid>> {
    KEEPERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills and reaps every process that came to us. The first process of a container gets those of others as well, and
/// leaves them alone.
pub(super) async fn clear() {
    let until = Instant::now() + PATIENCE;
    while std::process::id() != 1 && !look() && Instant::now() < until {
        sleep(LOOK).await;
    }
}

/// Kills those who are there now, and says whether there were none. One that ends may leave us others.
fn look() -> bool {
    let keepers = keepers();
    let mut none = true;
    for stray in tree::children(Pid::this()).into_iter().filter(|child| !keepers.contains(child)) {
        none = false;
        for pid in tree::below(stray).into_iter().chain([stray]) {
            let _ = kill(pid, Signal::SIGKILL);
        }
        if !matches!(waitpid(stray, Some(WaitPidFlag::WNOHANG)), Ok(WaitStatus::StillAlive)) {
            tracing::warn!("process {stray} lost its keeper, and was killed");
        }
    }
    none
}
