//! The official conformance suite against the gateway in front of the test kit's fixture, and as its target.

mod client_mode;
mod suite;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use testkit::alias;
use testkit::fixture::{self, Era, Settings};

use crate::client::{MODERN, remote};
use crate::support::{Gateway, stdio_fixture, tests};

/// The revisions that the suite knows, and how many scenarios it has for each. A suite that leaves scenarios out proves
/// nothing.
const REVISIONS: [(&str, usize); 4] =
    [("2025-03-26", 1), ("2025-06-18", 27), ("2025-11-25", 33), (MODERN, 40)];

/// What a legacy target cannot do for a modern client, and what one over a pipe cannot do besides.
const MODERN_OVER_LEGACY: &str = "expected-failures-modern-over-legacy.yml";
const MODERN_OVER_LEGACY_STDIO: &str = "expected-failures-modern-over-legacy-stdio.yml";

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

/// Runs the whole suite through the gateway. Everything has to pass, but for what a legacy target cannot do for a modern
/// client, which is exactly what a committed list says.
async fn conforms(url: &str, target: Era) {
    match target {
        Era::Legacy => conforms_but(url, &[MODERN_OVER_LEGACY]).await,
        Era::Modern | Era::Both => conforms_but(url, &[]).await,
    }
}

/// Runs the whole suite at every revision. What does not pass at the modern one has to be exactly what these lists say.
async fn conforms_but(url: &str, lists: &[&str]) {
    for (version, scenarios) in REVISIONS {
        let lists = if version == MODERN { lists } else { &[] };
        let expected: BTreeSet<String> =
            lists.iter().flat_map(|list| entries(&tests("conformance").join(list))).collect();
        let outcome = suite::all_at(url, version, &expected).await;
        assert!(outcome.passed, "{version}: {}", outcome.said);
        assert_eq!(outcome.scenarios.len(), scenarios, "{version}: {}", outcome.said);
        // The suite also accepts an entry whose check was left out; here each has to be there and not to pass.
        assert_eq!(outcome.amiss(), expected, "{version}: {lists:?}");
    }
}

/// Runs scenarios by name. What does not pass has to be exactly this.
async fn conforms_in(scenarios: &[&str], url: &str, amiss: &[&str]) {
    let mut found = BTreeSet::new();
    for scenario in scenarios {
        let outcome = suite::one_at(url, scenario).await;
        assert!(outcome.passed, "{scenario}: {}", outcome.said);
        // A scenario that the suite leaves out succeeds, too, but writes nothing down.
        assert_eq!(outcome.scenarios.len(), 1, "{scenario}: {}", outcome.said);
        found.extend(outcome.amiss());
    }
    assert_eq!(found, amiss.iter().map(|name| (*name).to_owned()).collect());
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
    conforms_but(&target.url, &[]).await;
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
    let gateway = Gateway::over(vec![stdio_fixture("one", Era::Legacy)]).await;
    conforms_but(&gateway.url(), &[MODERN_OVER_LEGACY, MODERN_OVER_LEGACY_STDIO]).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_over_a_modern_stdio_target() {
    let gateway = Gateway::over(vec![stdio_fixture("one", Era::Modern)]).await;
    conforms(&gateway.url(), Era::Modern).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_conform_over_a_modern_target() {
    let target = fixture::serve_http(Era::Modern).await.expect("a free port");
    let gateway = Gateway::over(vec![remote("one", &target.url)]).await;
    conforms_in(&TASKS, &gateway.url(), &[TASKS_UNCHECKED]).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_conform_over_a_modern_target_next_to_another() {
    let one = fixture::serve_http(Era::Modern).await.expect("a free port");
    let two = fixture::serve_http(Era::Both).await.expect("a free port");
    let gateway = Gateway::over(vec![remote("one", &one.url), remote("two", &two.url)]).await;
    let shim = alias::serve(&gateway.url(), "one", 0).await.expect("a free port");
    conforms_in(&TASKS, &shim.url, &[TASKS_UNCHECKED]).await;
    shim.stop();
    gateway.stop().await;
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
