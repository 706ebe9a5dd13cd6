//! How large a process is, from `/proc`.

use std::fs;

/// What a process holds at a moment.
#[derive(Debug)]
pub(crate) struct Size {
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
    /// Resident memory, in KiB.
    pub(crate) memory: u64,
    /// The most that it ever was.
    pub(crate) peak: u64,
    pub(crate) children: Vec<u32>,
}

impl Size {
    pub(crate) fn of(pid: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a field");
            line.split_whitespace().next().and_then(|word| word.parse::<u64>().ok()).expect("a number")
        };
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).expect("a process").count();
        Self {
            descriptors,
            threads: usize::try_from(field("Threads:")).expect("few"),
            memory: field("VmRSS:"),
            peak: field("VmHWM:"),
            children: children(pid),
        }
    }
}

impl Size {
    /// Begins anew to look for the peak.
    pub(crate) fn forget_peak(pid: u32) {
        fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("our own process");
    }
}

/// The processes that a process has started and not reaped yet.
fn children(pid: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("Linux").filter_map(Result::ok);
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|child| parent(*child) == Some(pid)).collect()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold anything; after it come the state and the parent.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
}

/// The processes with this in their environment.
pub(crate) fn marked(mark: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("Linux").filter_map(Result::ok);
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let has_mark = |pid: &u32| {
        // One that is gone, or is another user's, has none.
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    pids.filter(has_mark).collect()
}

/// Start and end side by side.
pub(crate) fn table(start: &Size, end: &Size, sessions: u64) -> String {
    let row = |name: &str, start: String, end: String| format!("{name:<18} {start:>9} {end:>9}\n");
    [
        row("the gateway", "start".into(), "end".into()),
        row("open descriptors", start.descriptors.to_string(), end.descriptors.to_string()),
        row("threads", start.threads.to_string(), end.threads.to_string()),
        row("resident KiB", start.memory.to_string(), end.memory.to_string()),
        row("child processes", start.children.len().to_string(), end.children.len().to_string()),
        row("sessions", "0".into(), sessions.to_string()),
    ]
    .concat()
}
