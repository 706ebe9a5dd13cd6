//! The process, under the names that all programs use.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::page::{Page, bytes, family, seconds};

/// Asks the system. What it does not tell is left out.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) started: SystemTime,
}

impl Collector for Process {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
            let used = in_seconds(usage.user_time()) + in_seconds(usage.system_time());
            page.counter(&seconds("cpu", "Processor time that was used."), used)?;
        }
        if let Some(resident) = resident_memory() {
            page.gauge(&bytes("resident_memory", "Memory that is in use."), resident)?;
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            // Without the one that is open for reading the folder.
            let open = open.count().saturating_sub(1);
            page.gauge(&family("open_fds", "Files and sockets that are open."), open)?;
        }
        if let Ok((most, _)) = getrlimit(Resource::RLIMIT_NOFILE) {
            page.gauge(&family("max_fds", "How many files and sockets may be open."), most)?;
        }
        page.gauge(&seconds("start_time", "When the program began."), since_1970(self.started))
    }
}

/// A moment as metrics say it.
pub(super) fn since_1970(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}

fn in_seconds(time: TimeVal) -> f64 {
    time.num_microseconds() as f64 / 1e6
}

/// As Linux tells it, in kibibytes that it calls kB.
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}
