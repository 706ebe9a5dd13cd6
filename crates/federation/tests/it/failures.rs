//! Targets that are dead, hung or odd: none hurts another, and what is missing is said.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use crate::client::{World, background, seconds, settle};
use crate::target::{Act, Door, Target};

const MISSING: &str = "agentgateway.dev/missingTargets";

fn missing(page: &Value) -> Vec<(String, String)> {
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    page["_meta"][MISSING]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| (text(entry, "name"), text(entry, "status")))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_dead_target_hides_only_its_own_items_and_is_named() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]));
    b.kill();
    let world = World::start(&[&a, &b]).await;
    for client in [world.modern(), world.legacy().await] {
        let page = client.call("tools/list", json!({})).await.ok();
        assert_eq!(page["tools"].as_array().map(Vec::len), Some(1));
        assert_eq!(missing(&page), [("b".to_owned(), "failing".to_owned())]);
        assert_eq!(page["_meta"][MISSING][0]["reason"], "connection refused");
        assert_eq!(client.tool("a_x").await.said(), "a:x");
        let refused = client.tool("b_x").await;
        assert_eq!(refused.code(), -32603);
        assert_eq!(refused.outcome.expect_err("an error")["message"], "target `b` is not available");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_without_missing_targets_does_not_mention_any() {
    let world = World::start(&[&Target::legacy("a", &["x"])]).await;
    let page = world.modern().call("tools/list", json!({})).await.ok();
    assert!(page["_meta"].get(MISSING).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_target_comes_back_by_itself_and_its_items_with_it() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]));
    b.kill();
    let world = World::start(&[&a, &b]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    b.revive();
    seconds(3).await;
    assert_eq!(hears.heard().await, ["tools/list_changed"]);
    assert_eq!(client.tools().await, ["a_x", "b_x"]);
    assert_eq!(client.tool("b_x").await.said(), "b:x");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_restarts_keeps_its_items_and_no_session_hears_of_it() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]));
    let world = World::start(&[&a, &b]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    b.cut();
    settle().await;
    assert_eq!(client.tools().await, ["a_x", "b_x"]);
    seconds(5).await;
    assert_eq!(client.tools().await, ["a_x", "b_x"]);
    assert_eq!(hears.heard().await, [""; 0]);
    assert_eq!(world.modern().tool("b_x").await.said(), "b:x");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_stays_away_loses_its_items_after_three_attempts() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]));
    let world = World::start(&[&a, &b]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    b.kill();
    seconds(60).await;
    let page = client.call("tools/list", json!({})).await.ok();
    assert_eq!(
        (page["tools"].as_array().map(Vec::len), missing(&page)),
        (Some(1), vec![("b".into(), "failing".into())])
    );
    assert_eq!(hears.heard().await, ["tools/list_changed"]);
}

#[tokio::test(start_paused = true)]
async fn a_hung_target_holds_up_a_list_for_the_start_grace_at_most_and_only_once() {
    let (a, b) =
        (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]).be(|script| script.door = Door::Hung));
    let world = World::at_once(&[&a, &b], |_| {});
    let start = Instant::now();
    assert_eq!(world.modern().tools().await, ["a_x"]);
    assert!(start.elapsed() <= Duration::from_secs(11), "{:?}", start.elapsed());
    let again = Instant::now();
    let page = world.modern().call("tools/list", json!({})).await.ok();
    assert_eq!(missing(&page), [("b".to_owned(), "starting".to_owned())]);
    world.legacy().await;
    assert!(again.elapsed() < Duration::from_secs(1), "{:?}", again.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_target_that_hangs_in_its_first_list_holds_up_no_more_than_the_start_grace() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]).on("tools/list", Act::Hang));
    let world = World::at_once(&[&a, &b], |_| {});
    let start = Instant::now();
    assert_eq!(world.modern().tools().await, ["a_x"]);
    assert!(start.elapsed() <= Duration::from_secs(11), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_ready_target_does_not_wait_for_another_that_starts() {
    let (a, b) =
        (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]).be(|script| script.door = Door::Hung));
    let world = World::start(&[&a, &b]).await;
    let start = Instant::now();
    assert_eq!(world.modern().tool("a_x").await.said(), "a:x");
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn lists_that_could_not_be_read_once_are_read_again() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]).on("tools/list", Act::Hang));
    let world = World::start(&[&a, &b]).await;
    b.unact("tools/list");
    seconds(600).await;
    assert_eq!(world.modern().tools().await, ["a_x", "b_x"]);
}

#[tokio::test(start_paused = true)]
async fn a_hung_call_holds_up_no_other() {
    let a = Target::legacy("a", &["x", "slow"]).on("tools/call slow", Act::Hang);
    let b = Target::legacy("b", &["x"]);
    let world = World::start(&[&a, &b]).await;
    for client in [world.modern(), world.legacy().await] {
        let client = Arc::new(client);
        let _slow = background(&client, json!("slow"), "a_slow");
        settle().await;
        let start = Instant::now();
        assert_eq!(client.tool("a_x").await.said(), "a:x");
        assert_eq!(client.tool("b_x").await.said(), "b:x");
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_call_ends_with_its_deadline_and_is_cancelled_at_the_target() {
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target.on("tools/call", Act::Hang);
        let world = World::start(&[&target]).await;
        for client in [world.modern(), world.legacy().await] {
            let (start, before) = (Instant::now(), target.count("notifications/cancelled"));
            let refused = client.tool("x").await;
            assert_eq!((refused.code(), start.elapsed().as_secs()), (-32603, 300));
            let text =
                refused.outcome.expect_err("an error")["message"].as_str().unwrap_or_default().to_owned();
            assert_eq!(text, "target `a` did not answer tools/call within 300 s; the call may have run");
            settle().await;
            assert_eq!(target.count("notifications/cancelled"), before + 1);
            let asked = target.heard_of("tools/call").last().expect("a call").message["id"].clone();
            assert_eq!(target.last("notifications/cancelled")["requestId"], asked);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn progress_starts_a_calls_time_again() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":1}}"#;
    let step = |then| Act::after(250, Act::saying([progress], then));
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target.on("tools/call", step(step(Act::after(250, Act::text("done")))));
        let world = World::start(&[&target]).await;
        for client in [world.modern(), world.legacy().await] {
            assert_eq!(client.tool_with("x", json!("p")).await.said(), "done");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_after_progress_ends_a_call_too() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":1}}"#;
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::saying([progress], Act::Hang));
    let world = World::start(&[&a]).await;
    for client in [world.modern(), world.legacy().await] {
        let start = Instant::now();
        assert_eq!(client.tool_with("x", json!("p")).await.code(), -32603);
        assert_eq!(start.elapsed().as_secs(), 300);
    }
    settle().await;
    assert_eq!(a.count("notifications/cancelled"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_dies_in_a_call_fails_it_at_once_and_the_call_is_not_repeated() {
    for target in [Target::legacy("a", &["x", "die"]), Target::modern("a", &["x", "die"])] {
        let target = target.on("tools/call die", Act::Die);
        let world = World::start(&[&target]).await;
        for client in [world.modern(), world.legacy().await] {
            let (start, before) = (Instant::now(), target.count("tools/call"));
            let refused = client.tool("die").await;
            assert_eq!(refused.code(), -32603);
            assert!(start.elapsed() < Duration::from_secs(1));
            assert_eq!(target.count("tools/call"), before + 1);
            seconds(5).await;
            // That the first of these succeeds is promised in `sessions`.
            let _ = client.tool("x").await;
            assert_eq!(client.tool("x").await.said(), "a:x");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_not_mcp_fail_their_call_alone() {
    let broken = r#"{"jsonrpc":"2.0","id":$id,"result":{},"error":{"code":1,"message":"both"}}"#;
    let a = Target::legacy("a", &["x", "odd", "broken"])
        .on("tools/call odd", Act::Spelled("[1]".into()))
        .on("tools/call broken", Act::saying([broken], Act::Hang));
    let world = World::start(&[&a]).await;
    let client = world.modern();
    assert_eq!(client.tool("odd").await.code(), -32603);
    let start = Instant::now();
    assert_eq!(client.tool("broken").await.code(), -32603);
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(client.tool("x").await.said(), "a:x");
}

#[tokio::test(start_paused = true)]
async fn a_server_without_targets_still_answers() {
    let world = World::start(&[]).await;
    let (legacy, shaken) = world.legacy_of("2025-11-25").await;
    assert_eq!(shaken["capabilities"], json!({}));
    assert_eq!(legacy.call("ping", json!({})).await.ok(), json!({}));
    assert_eq!(world.modern().tool("x").await.code(), -32601);
}

#[tokio::test(start_paused = true)]
async fn ping_is_answered_with_every_target_down() {
    let a = Target::legacy("a", &["x"]);
    a.kill();
    let world = World::start(&[&a]).await;
    assert_eq!(world.legacy().await.call("ping", json!({})).await.ok(), json!({}));
}
