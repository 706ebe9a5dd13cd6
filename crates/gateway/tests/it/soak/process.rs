//! How large a process is, from `/proc`.

use std::fs;

/// What a process holds at a moment.
#[derive(Debug)]
pub(super) struct Size {
    pub(super) descriptors: usize,
    pub(super) threads: usize,
    /// Resident memory, in KiB.
    memory: u64,
    pub(super) children: Vec<u32>,
}

impl Size {
    pub(super) fn of(pid: u32) -> Self {
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
            children: children(pid),
        }
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

/// Start and end side by side.
pub(super) fn table(start: &Size, end: &Size, sessions: u64) -> String {
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
