//! Everything below a process, as the system lists it.

use std::collections::HashSet;
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Sends a signal to everybody below this process. Somebody who ends in this moment does not hear it; that its number belongs to a
/// stranger already would take a whole round of numbers within microseconds.
pub(super) fn signal(signal: Signal) {
    for pid in below(Pid::this()) {
        let _ = kill(pid, signal);
    }
}

pub(in crate::wire::stdio) fn below(top: Pid) -> HashSet<Pid> {
    let mut found = HashSet::new();
    let mut parents = vec![top];
    while let Some(parent) = parents.pop() {
        let new = children(parent).into_iter().filter(|child| found.insert(*child));
        parents.extend(new.collect::<Vec<_>>());
    }
    found
}

pub(in crate::wire::stdio) fn children(parent: Pid) -> Vec<Pid> {
    listed(parent).unwrap_or_else(|| sought(parent))
}

/// The children as the system lists them by the thread that started them; nothing where it was built without such lists.
fn listed(parent: Pid) -> Option<Vec<Pid>> {
    let mut children = Vec::new();
    for thread in numbers(&format!("/proc/{parent}/task")) {
        match fs::read_to_string(format!("/proc/{parent}/task/{thread}/children")) {
            Ok(list) => children.extend(list.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok())),
            // A thread may have ended since; this one has not.
            Err(_) if parent == Pid::this() => return None,
            Err(_) => {}
        }
    }
    Some(children.into_iter().map(Pid::from_raw).collect())
}

/// The children as found among all processes.
fn sought(parent: Pid) -> Vec<Pid> {
    let has_parent = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name before may hold anything; after it come the state and the parent.
        let after = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
        after == Some(parent.as_raw())
    };
    numbers("/proc").filter(has_parent).map(Pid::from_raw).collect()
}

/// The entries of a folder that are numbers.
fn numbers(folder: &str) -> impl Iterator<Item = i32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_find_the_same_children() {
        let mut children: Vec<_> = (0..3)
            .map(|_| std::process::Command::new("sleep").arg("1000").spawn().expect("a process"))
            .collect();
        for find in [|pid| listed(pid).expect("lists"), sought] {
            let found: HashSet<_> =
                find(Pid::this()).into_iter().map(|pid| pid.as_raw().unsigned_abs()).collect();
            assert!(children.iter().all(|child| found.contains(&child.id())), "{found:?}");
        }
        for child in &mut children {
            child.kill().expect("it is there");
            child.wait().expect("it is there");
        }
    }
}
