//! The suite as the target: what the gateway sends there is checked like any client's.
//!
//! The suite starts a server for each scenario and runs `tests/js/conformance-client.mjs`, which does what the scenario
//! waits for with an SDK, either directly or through a gateway of its own.

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream};

use super::suite::{self, Checks, Verdict, differences};
use super::{entries, scenario_of};
use crate::client::{EXE, MODERN};
use crate::support::{node, tests};

/// The revisions for which the suite has clients' scenarios, and how many of them need no authorization.
pub(super) const REVISIONS: [(&str, usize); 3] = [("2025-06-18", 2), ("2025-11-25", 5), (MODERN, 8)];

/// What is not as without the gateway, whatever the era of the client.
pub(super) const LIST: &str = "expected-differences-client.yml";

/// What is between the suite's server and the SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Direct,
    /// The gateway, and a client of the server's era.
    SameEra,
    /// The gateway, and a client of the other era.
    OtherEra,
}

impl Way {
    pub(super) const ALL: [Self; 3] = [Self::Direct, Self::SameEra, Self::OtherEra];

    /// Plays a scenario.
    pub(super) async fn play(self, version: &str, scenario: &str) -> Checks {
        let script = tests("js/conformance-client.mjs");
        // The suite cuts this at spaces.
        let command = format!("{} {}", node().display(), script.display());
        let command = match self {
            Self::Direct => command,
            Self::SameEra => format!("{command} --gateway {EXE}"),
            Self::OtherEra => format!("{command} --other-era --gateway {EXE}"),
        };
        let mut outcome = suite::client(&command, version, scenario).await;
        let checks = outcome.scenarios.remove(scenario);
        checks.unwrap_or_else(|| panic!("nothing was written down: {}", outcome.said))
    }
}

/// The scenarios of a revision that need no authorization.
pub(super) async fn scenarios(version: &str) -> Vec<String> {
    let all = suite::listed(&["--client", "--spec-version", version]).await;
    all.into_iter().filter(|name| !name.starts_with("auth/")).collect()
}

/// Each check has to come out as it does without the gateway, but for those in the committed list.
async fn conforms_as_a_client(version: &str, way: Way) {
    let scenarios = scenarios(version).await;
    let (_, count) = REVISIONS.iter().find(|(known, _)| *known == version).expect("a revision");
    assert_eq!(scenarios.len(), *count, "{scenarios:?}");
    let differing = stream::iter(&scenarios).then(async |scenario| {
        let direct = Way::Direct.play(version, scenario).await;
        assert!(direct.values().all(|verdict| *verdict <= Verdict::Skipped), "{scenario}: {direct:#?}");
        let through = way.play(version, scenario).await;
        let differing = differences(&direct, &through).into_iter();
        differing.map(|check| format!("{scenario}:{check}")).collect::<Vec<_>>()
    });
    let differing: BTreeSet<String> = differing.concat().await.into_iter().collect();
    let mut expected = entries(&tests("conformance").join(LIST));
    expected.retain(|entry| scenarios.iter().any(|scenario| scenario == scenario_of(entry)));
    assert_eq!(differing, expected, "{version} {way:?}: {LIST}");
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_as_a_client_of_2025_06_18() {
    conforms_as_a_client("2025-06-18", Way::SameEra).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_as_a_client_of_2025_11_25() {
    conforms_as_a_client("2025-11-25", Way::SameEra).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_as_a_client_of_2026_07_28() {
    conforms_as_a_client(MODERN, Way::SameEra).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_as_a_client_of_2025_11_25_for_a_modern_client() {
    conforms_as_a_client("2025-11-25", Way::OtherEra).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_as_a_client_of_2026_07_28_for_a_legacy_client() {
    conforms_as_a_client(MODERN, Way::OtherEra).await;
}
