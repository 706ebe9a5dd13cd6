//! Everybody who descends from a test, wherever they went: known by a variable in their environment, which a process cannot
//! lose by leaving its group, its session or its parent.

use std::fs;

use serde_json::{Value, json};

use crate::client::eventually;

/// The name of the variable.
const NAME: &str = "TEST_FAMILY";

/// A value of that variable, which nobody else has.
pub(super) struct Family(String);

impl Family {
    pub(super) fn new() -> Self {
        let mut random = [0; 8];
        getrandom::fill(&mut random).expect("randomness");
        Self(random.map(|byte| format!("{byte:02x}")).concat())
    }

    /// The target, whose processes are of the family.
    pub(super) fn of(&self, mut target: Value) -> Value {
        target["stdio"]["env"][NAME] = json!(self.0);
        target
    }

    /// Who is alive, by process id, with their command lines.
    pub(super) fn alive(&self) -> Vec<Member> {
        let mark = format!("{NAME}={}", self.0).into_bytes();
        let pids = fs::read_dir("/proc").expect("Linux").flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        // The environment of a process that only waits to be reaped is empty.
        let marked = |pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark)
        };
        pids.filter(marked).map(Member::of).collect()
    }

    /// Waits until nobody is left.
    pub(super) async fn gone(&self) {
        eventually(&format!("the end of all of {}", self.0), async || self.alive().is_empty().then_some(()))
            .await;
    }

    /// Waits until a process with these words in its command line is there.
    pub(super) async fn has(&self, words: &str) -> Member {
        let look = async || self.alive().into_iter().find(|member| member.line.contains(words));
        eventually(&format!("a process {words:?}"), look).await
    }
}

/// A process of the family.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub(super) pid: u32,
    /// When it was started, so that another one is not taken for it that got its number.
    started: String,
    pub(super) line: String,
}

impl Member {
    fn of(pid: u32) -> Self {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        Self { pid, started: started(pid), line: words.join(" ") }
    }

    /// Whether it is still there, other than as one that waits to be reaped.
    pub(super) fn is_alive(&self) -> bool {
        crate::client::is_alive(self.pid) && started(self.pid) == self.started
    }

    /// Its name, as lists of processes show it.
    pub(super) fn name(&self) -> String {
        fs::read_to_string(format!("/proc/{}/comm", self.pid)).unwrap_or_default().trim().to_owned()
    }

    /// How many descriptors are open in it, but for those that this test was started with itself.
    pub(super) fn descriptors(&self) -> usize {
        let open = |pid: &str| {
            let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("a process").flatten();
            entries.map(|entry| (entry.file_name(), fs::read_link(entry.path()).ok())).collect::<Vec<_>>()
        };
        let ours = open("self");
        open(&self.pid.to_string()).iter().filter(|one| !ours.contains(one)).count()
    }
}

fn started(pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after =
        stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').nth(19).unwrap_or_default().to_owned());
    after.unwrap_or_default()
}
