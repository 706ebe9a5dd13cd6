//! Mixed traffic of both eras against the program, while its targets are killed and restarted and its configuration is
//! saved again and again: every request gets an answer or a clear error, and nothing is left behind.
//!
//! A soak needs real time: this is the one place where tests let it pass.

mod disturbance;
mod process;
mod tally;
mod traffic;

use std::time::Duration;

use agentgateway::config::process_environment;
use serde_json::json;
use tokio::time::Instant;

use crate::client::{Gateway, eventually, is_alive};
use disturbance::Scene;
use process::Size;
use tally::Tally;
use traffic::Traffic;

/// How many open descriptors more than at the start are no leak: connections to targets that wait to be used again.
const SPARE_DESCRIPTORS: usize = 12;
/// How many threads more are none: those for blocking work come and go.
const SPARE_THREADS: usize = 8;

/// What may be there for a while after the traffic.
struct Rest {
    /// For how long it is waited for.
    wait: Duration,
    /// How many children more than at the start are none: links to legacy targets that were lent to modern clients are kept
    /// for a minute.
    children: usize,
}

/// Runs everything for a while, prints one table, and panics if anything was lost or is left.
#[expect(clippy::print_stdout, reason = "the table is what a soak is run for")]
async fn soak(length: Duration, rest: Rest) {
    let mut scene = Scene::start().await;
    scene.ready().await;
    let address = scene.gateway.address();
    let tally = Tally::default();

    // One round without disturbances opens what stays open: the connections to the targets.
    Traffic::run_until(address, &tally, Instant::now()).await;
    let sessions = async || (scene.sessions().await == 0).then_some(());
    eventually("the sessions of the first round have ended", sessions).await;
    let start = Size::of(scene.gateway.id());
    let tally = Tally::default();

    let end = Instant::now() + length;
    let traffic = Traffic::run_until(address, &tally, end);
    let ((), disturbances) = tokio::join!(traffic, scene.disturb_until(end));

    scene.settle().await;
    let quiet = async || {
        let size = Size::of(scene.gateway.id());
        let back = size.descriptors <= start.descriptors + SPARE_DESCRIPTORS
            && size.threads <= start.threads + SPARE_THREADS
            && size.children.len() <= start.children.len() + rest.children;
        (scene.sessions().await == 0 && back).then_some(())
    };
    let settled = tokio::time::timeout(rest.wait, eventually_quiet(quiet)).await;
    let finish = Size::of(scene.gateway.id());
    let left = scene.sessions().await;
    println!("\n{tally}\n{disturbances}\n\n{}", process::table(&start, &finish, left));

    assert_eq!(tally.unanswered(), Vec::<String>::new(), "requests without an answer");
    assert_eq!(tally.never_answered(), Vec::<String>::new(), "what is never answered");
    assert!(disturbances.all_happened(), "{disturbances}");
    assert!(
        settled.is_ok(),
        "something is left: {start:?} at the start, {finish:?} at the end, {left} sessions"
    );
    let mut gateway: Gateway = scene.gateway;
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code(), Some(0), "{}", gateway.log());
    let alive: Vec<_> = finish.children.iter().filter(|pid| is_alive(**pid)).collect();
    assert!(alive.is_empty(), "children are left: {alive:?}");
}

/// Looks until it is quiet.
async fn eventually_quiet(quiet: impl AsyncFn() -> Option<()>) {
    while quiet().await.is_none() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_left_behind_in_a_short_run() {
    let rest = Rest { wait: Duration::from_secs(25), children: traffic::CLIENTS };
    soak(Duration::from_secs(20), rest).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`make soak` runs it, for $SOAK_SECONDS"]
async fn nothing_is_lost_or_left_behind_in_a_long_run() {
    let seconds = process_environment("SOAK_SECONDS").unwrap_or_else(|| "600".into());
    let rest = Rest { wait: Duration::from_secs(120), children: 0 };
    soak(Duration::from_secs(seconds.parse().expect("SOAK_SECONDS is a number")), rest).await;
}

#[test]
fn what_has_no_answer_is_told_apart_from_what_failed_with_a_reason() {
    let tally = Tally::default();
    let call = |outcome| tally.count("call", "legacy", outcome);
    call(traffic::outcome(&json!({ "id": 1, "result": {} }), &json!(1)));
    call(traffic::outcome(
        &json!({ "id": 1, "error": { "code": -32603, "message": "target `a` is gone" } }),
        &json!(1),
    ));
    assert_eq!((tally.never_answered().len(), tally.unanswered().len()), (0, 0));
    for silent in [
        json!({ "id": 1, "error": { "code": -32603, "message": "" } }),
        json!({ "id": 1, "error": { "message": "no code" } }),
        json!({ "id": 1 }),
        json!({ "id": "1", "result": {} }),
        json!(null),
    ] {
        let before = tally.unanswered().len();
        call(traffic::outcome(&silent, &json!(1)));
        assert_eq!(tally.unanswered().len(), before + 1, "{silent}");
    }
}
