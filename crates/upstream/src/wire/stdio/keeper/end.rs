//! To end as somebody else did, so that who waits for us learns it.

use std::process::ExitCode;

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::wait::WaitStatus;

/// Ends with the same exit code, or of the same signal.
pub(super) fn like(status: Option<WaitStatus>) -> ExitCode {
    match status {
        Some(WaitStatus::Exited(_, code)) => ExitCode::from(code as u8),
        Some(WaitStatus::Signaled(_, signal, _)) => of(signal),
        _ => ExitCode::FAILURE,
    }
}

fn of(signal: Signal) -> ExitCode {
    // There is nothing to be learned from a core dump of ours.
    let _ = prctl::set_dumpable(false);
    // Only this one: others that wait would come first. Some of them meet a handler of Rust's the first time, which then lets
    // go. SIGPIPE is ignored by Rust, and is said as shells do.
    let _ = SigSet::from(signal).thread_unblock();
    for _ in 0..2 {
        let _ = raise(signal);
    }
    ExitCode::from(128 + signal as u8)
}
