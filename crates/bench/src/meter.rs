//! What processes use, from `/proc`.

use std::collections::HashMap;
use std::fs;

/// Whose use counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A process and all below it.
    Tree,
    /// A process without those that it started.
    Alone,
}

/// Processor time of each thread, in nanoseconds.
///
/// `schedstat` is exact where `stat` counts in hundredths of a second. It loses threads that end, which costs little: a thread
/// that counts lives as long as the measurement.
#[derive(Debug, Default)]
pub(crate) struct Cpu(HashMap<(u32, u32), u64>);

impl Cpu {
    /// What was used until now.
    pub(crate) fn of(pid: u32, scope: Scope) -> Self {
        let threads = processes(pid, scope)
            .into_iter()
            .flat_map(|pid| threads(pid).into_iter().map(move |tid| (pid, tid)));
        let read = |(pid, tid): (u32, u32)| {
            let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/schedstat")).ok()?;
            Some(((pid, tid), text.split(' ').next()?.parse().ok()?))
        };
        Self(threads.filter_map(read).collect())
    }

    /// What was used since an earlier look.
    pub(crate) fn since(&self, earlier: &Self) -> u64 {
        let more = |(thread, now): (&(u32, u32), &u64)| {
            now.saturating_sub(earlier.0.get(thread).copied().unwrap_or(0))
        };
        self.0.iter().map(more).sum()
    }
}

/// Memory of processes, in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) now: u64,
    /// The most that it ever was. Of several processes the sum of their peaks, which need not have been at the same time.
    pub(crate) peak: u64,
}

impl Memory {
    pub(crate) fn of(pid: u32, scope: Scope) -> Self {
        processes(pid, scope).into_iter().fold(Self::default(), |sum, pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            Self { now: sum.now + field(&status, "VmRSS:"), peak: sum.peak + field(&status, "VmHWM:") }
        })
    }
}

/// What a process holds open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Handles {
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
}

impl Handles {
    pub(crate) fn of(pid: u32) -> Self {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        Self { descriptors, threads: threads(pid).len() }
    }
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn processes(pid: u32, scope: Scope) -> Vec<u32> {
    let mut all = vec![pid];
    let mut next = 0;
    while scope == Scope::Tree && next < all.len() {
        for tid in threads(all[next]) {
            let children =
                fs::read_to_string(format!("/proc/{}/task/{tid}/children", all[next])).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
        next += 1;
    }
    all
}

fn threads(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_in_processor_time_and_memory() {
        let pid = std::process::id();
        let before = Cpu::of(pid, Scope::Alone);
        let worked: u64 = (0..30_000_000_u64).fold(0, |sum, number| std::hint::black_box(sum ^ number));
        let used = Cpu::of(pid, Scope::Tree).since(&before);
        assert!(used > 1_000_000, "{used} ns for {worked}");
        let memory = Memory::of(pid, Scope::Alone);
        assert!(memory.now > 100 && memory.peak >= memory.now, "{memory:?}");
    }
}
