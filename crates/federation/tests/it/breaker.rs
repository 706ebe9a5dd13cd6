//! A target that fails again and again is not called for a while, and tried again over a link that did not fail.

use std::sync::Arc;

use serde_json::json;
use tokio::time::{Duration, Instant};

use crate::client::{Client, World, background, seconds, settle};
use crate::target::{Act, Target};

/// A target whose calls hang for a while, with little patience for it.
fn hanging(name: &str) -> Target {
    Target::legacy(name, &["x"]).on("tools/call x", Act::Hang).set(|settings| {
        settings.limits.call = Duration::from_secs(2);
    })
}

async fn fail(client: &Client, times: usize) {
    for _ in 0..times {
        let text = client.tool("x").await.outcome.expect_err("no answer")["message"].clone();
        assert_eq!(text, "target `a` did not answer tools/call within 2 s; the call may have run");
    }
}

/// The error with which a call is refused at once.
async fn refused(client: &Client) -> serde_json::Value {
    let start = Instant::now();
    let error = client.tool("x").await.outcome.expect_err("refused");
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    error
}

#[tokio::test(start_paused = true)]
async fn calls_to_a_target_that_fails_again_and_again_are_refused_at_once() {
    let a = hanging("a");
    let world = World::start(&[&a]).await;
    for client in [world.legacy().await, world.modern()] {
        fail(&client, 5).await;
        let before = a.count("tools/call");
        let error = refused(&client).await;
        let retry = error["data"]["retryAfterSeconds"].as_u64().expect("seconds");
        assert!((8..=12).contains(&retry), "{error}");
        assert_eq!(error["code"], -32603);
        assert_eq!(
            error["message"],
            format!(
                "target `a` failed 5 times in a row (the last time it did not answer in time) and is not called for now; it is tried again in {retry} s. The call did not run"
            )
        );
        assert_eq!(a.count("tools/call"), before);
        a.unact("tools/call x");
        seconds(12).await;
        assert_eq!(client.tool("x").await.said(), "a:x");
        a.act("tools/call x", Act::Hang);
    }
}

#[tokio::test(start_paused = true)]
async fn the_trial_runs_over_a_link_that_did_not_fail() {
    let a = hanging("a");
    let world = World::start(&[&a]).await;
    for client in [world.legacy().await, world.modern()] {
        fail(&client, 5).await;
        let failed = a.heard_of("tools/call").last().expect("a call").wire;
        a.unact("tools/call x");
        seconds(12).await;
        assert_eq!(client.tool("x").await.said(), "a:x");
        assert_ne!(a.heard_of("tools/call").last().expect("a call").wire, failed);
        a.act("tools/call x", Act::Hang);
    }
}

#[tokio::test(start_paused = true)]
async fn the_trial_of_a_modern_target_runs_over_a_link_that_did_not_fail() {
    let a = Target::modern("a", &["x"])
        .on("tools/call x", Act::Hang)
        .set(|settings| settings.limits.call = Duration::from_secs(2));
    let world = World::start(&[&a]).await;
    let client = world.modern();
    fail(&client, 5).await;
    let failed = a.heard_of("tools/call").last().expect("a call").wire;
    a.unact("tools/call x");
    seconds(12).await;
    assert_eq!(client.tool("x").await.said(), "a:x");
    assert_ne!(a.heard_of("tools/call").last().expect("a call").wire, failed);
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_own_link_did_not_fail_keeps_it() {
    let a = Target::legacy("a", &["x", "y"]).on("tools/call x", Act::Hang).set(|settings| {
        settings.limits.call = Duration::from_secs(2);
    });
    let world = World::start(&[&a]).await;
    let (ill, well) = (world.legacy().await, world.legacy().await);
    assert_eq!(well.tool("y").await.said(), "a:y");
    let own = a.heard_of("tools/call")[0].wire;
    fail(&ill, 5).await;
    seconds(12).await;
    assert_eq!(well.tool("y").await.said(), "a:y");
    assert_eq!(a.heard_of("tools/call").last().expect("a call").wire, own);
}

#[tokio::test(start_paused = true)]
async fn one_call_is_the_trial_and_the_others_do_not_wait_for_it() {
    let a = hanging("a");
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    fail(&client, 5).await;
    a.act("tools/call x", Act::after(1, Act::text("at last")));
    seconds(12).await;
    let mut trial = background(&client, json!("trial"), "x");
    settle().await;
    refused(&client).await;
    assert_eq!(trial.recv().await.flatten().expect("an answer").said(), "at last");
    assert_eq!(client.tool("x").await.said(), "at last");
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_the_client_gives_up_leaves_the_next_call_as_one() {
    let a = hanging("a");
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    fail(&client, 5).await;
    seconds(12).await;
    let trial = background(&client, json!("trial"), "x");
    settle().await;
    client.notify("notifications/cancelled", json!({ "requestId": "trial" })).await;
    settle().await;
    drop(trial);
    a.unact("tools/call x");
    assert_eq!(client.tool("x").await.said(), "a:x");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_calls_that_time_out_together_close_it_once_and_not_again_when_it_healed() {
    let a = hanging("a");
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    let together: Vec<_> = (0..100).map(|n| background(&client, json!(format!("c{n}")), "x")).collect();
    seconds(1).await;
    // It is back before they time out.
    a.unact("tools/call x");
    assert_eq!(client.tool("x").await.said(), "a:x");
    for mut call in together {
        assert_eq!(call.recv().await.flatten().expect("an answer").code(), -32603);
        assert_eq!(client.tool("x").await.said(), "a:x");
    }
    assert_eq!(world.backend.status()[0].stats.breaker, upstream::BreakerStatus::default());
}

#[tokio::test(start_paused = true)]
async fn one_slow_tool_does_not_take_a_busy_target_away() {
    let a = Target::legacy("a", &["x", "y"]).on("tools/call x", Act::Hang).set(|settings| {
        settings.limits.call = Duration::from_secs(2);
    });
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    for _ in 0..10 {
        fail(&client, 3).await;
        assert_eq!(client.tool("y").await.said(), "a:y");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_kills_its_own_child_again_and_again_hurts_nobody_else() {
    let a = Target::legacy("a", &["x", "y"]).on("tools/call x", Act::Die);
    let world = World::start(&[&a]).await;
    let well = world.legacy().await;
    let mut asked = world.modern();
    asked.capabilities = json!({ "elicitation": {} });
    for ill in [world.legacy().await, asked] {
        for _ in 0..10 {
            let text = ill.tool("x").await.outcome.expect_err("no answer")["message"].clone();
            assert_eq!(text, "target `a` ended before it answered; the call may have run");
        }
        assert_eq!(well.tool("y").await.said(), "a:y");
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_ends_again_and_again_under_everybody_is_not_called() {
    let a = Target::modern("a", &["x"]).on("tools/call x", Act::Die);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    for _ in 0..10 {
        client.tool("x").await.code();
        seconds(5).await;
    }
    assert!(world.backend.status()[0].stats.breaker.openings > 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_that_is_the_trial_does_not_keep_others_away_for_as_long_as_it_takes() {
    let a = Target::legacy("a", &["x", "y"]).on("tools/call x", Act::Hang).set(|settings| {
        settings.limits.call = Duration::from_secs(1800);
        settings.breaker.failures = 1;
    });
    let world = World::start(&[&a]).await;
    let (slow, other) = (Arc::new(world.legacy().await), world.legacy().await);
    slow.tool("x").await.code();
    seconds(12).await;
    a.act("tools/call x", Act::after(1000, Act::text("at last")));
    let mut trial = background(&slow, json!("trial"), "x");
    settle().await;
    other.tool("y").await.code();
    seconds(60).await;
    assert_eq!(other.tool("y").await.said(), "a:y");
    assert_eq!(trial.recv().await.flatten().expect("an answer").said(), "at last");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_never_read_does_not_take_calls_and_links_away() {
    let a = Target::legacy("a", &["x"])
        .full("f")
        .on("resources/list", Act::Hang)
        .set(|settings| settings.limits.list = Duration::from_secs(2));
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    assert_eq!(client.tool("x").await.said(), "a:x");
    let opened = a.count("initialize");
    for _ in 0..60 {
        seconds(10).await;
        assert_eq!(world.backend.status()[0].stats.breaker.openings, 0);
    }
    assert_eq!(a.count("initialize"), opened);
}

#[tokio::test(start_paused = true)]
async fn errors_of_tools_are_answers() {
    let a = Target::legacy("a", &["x"]).on("tools/call x", Act::error(-32603, "broken"));
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    for _ in 0..10 {
        assert_eq!(client.tool("x").await.outcome.expect_err("an error")["message"], "broken");
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_was_away_is_called_as_soon_as_it_is_back() {
    let a = hanging("a");
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    fail(&client, 5).await;
    assert!(matches!(world.backend.status()[0].stats.breaker.position, upstream::Position::Open { .. }));
    a.unact("tools/call x");
    a.kill();
    settle().await;
    a.revive();
    seconds(3).await;
    assert_eq!(client.tool("x").await.said(), "a:x");
}

#[tokio::test(start_paused = true)]
async fn without_a_breaker_every_call_is_tried() {
    let a = hanging("a").set(|settings| settings.breaker.failures = 0);
    let world = World::start(&[&a]).await;
    fail(&world.legacy().await, 12).await;
}

#[tokio::test(start_paused = true)]
async fn its_state_is_shown() {
    let a = hanging("a");
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let breaker = || world.backend.status()[0].stats.breaker.clone();
    fail(&client, 4).await;
    assert_eq!((breaker().failures, breaker().position), (4, upstream::Position::Closed));
    fail(&client, 1).await;
    let shown = breaker();
    assert_eq!((shown.failures, shown.openings), (5, 1));
    assert!(matches!(shown.position, upstream::Position::Open { .. }));
    assert_eq!(shown.reason.expect("a reason").detail, "target `a` did not answer tools/call within 2 s");
}
