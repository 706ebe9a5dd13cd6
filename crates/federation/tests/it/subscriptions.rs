//! Updates of resources: subscribed at the owner, told on the session's stream under the URI that the client knows.

use serde_json::json;

use crate::client::{World, seconds, settle};
use crate::target::{Act, Target};

const UPDATED: &str = "notifications/resources/updated";

fn pair() -> (Target, Target) {
    (Target::legacy("a", &["x"]).full("x"), Target::legacy("b", &["x"]).full("x"))
}

#[tokio::test(start_paused = true)]
async fn a_subscription_goes_to_the_owner_and_updates_come_back_under_the_exposed_uri() {
    let (a, b) = pair();
    let world = World::start(&[&a, &b]).await;
    let (client, other) = (world.legacy().await, world.legacy().await);
    let (mut hears, mut other_hears) = (client.listen(), other.listen());
    other.tool("a_x").await.ok();
    assert_eq!(client.call("resources/subscribe", json!({ "uri": "a+file:///x" })).await.ok(), json!({}));
    assert_eq!(
        (a.last("resources/subscribe"), b.count("resources/subscribe")),
        (json!({ "uri": "file:///x" }), 0)
    );
    let wire = a.heard_of("resources/subscribe")[0].wire;
    let line = json!({ "jsonrpc": "2.0", "method": UPDATED, "params": { "uri": "file:///x" } }).to_string();
    a.say_on(wire, &line);
    assert_eq!(hears.heard().await, ["resources/updated a+file:///x"]);
    assert_eq!(other_hears.heard().await, [""; 0], "nobody else asked");
    client.call("resources/unsubscribe", json!({ "uri": "a+file:///x" })).await.ok();
    assert_eq!(a.last("resources/unsubscribe"), json!({ "uri": "file:///x" }));
    assert_eq!(a.heard_of("resources/unsubscribe")[0].wire, wire);
}

#[tokio::test(start_paused = true)]
async fn one_sessions_unsubscription_leaves_anothers_subscription() {
    let a = Target::legacy("a", &["x"]).full("x");
    let world = World::start(&[&a]).await;
    let (one, two) = (world.legacy().await, world.legacy().await);
    let mut two_hears = two.listen();
    for client in [&one, &two] {
        client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.ok();
    }
    one.call("resources/unsubscribe", json!({ "uri": "file:///x" })).await.ok();
    let wire = a.heard_of("resources/subscribe")[1].wire;
    assert_ne!(wire, a.heard_of("resources/unsubscribe")[0].wire);
    a.say_on(
        wire,
        &json!({ "jsonrpc": "2.0", "method": UPDATED, "params": { "uri": "file:///x" } }).to_string(),
    );
    assert_eq!(two_hears.heard().await, ["resources/updated file:///x"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_subscription_is_not_kept() {
    let a = Target::legacy("a", &["x"])
        .full("x")
        .on("resources/subscribe", Act::error(-32002, "Resource not found"));
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    assert_eq!(client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.code(), -32002);
    a.cut();
    seconds(5).await;
    let _ = client.tool("x").await;
    client.tool("x").await.ok();
    assert_eq!(a.count("resources/subscribe"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_to_nothing_is_refused() {
    let (a, b) = pair();
    let world = World::start(&[&a, &b]).await;
    let client = world.legacy().await;
    for method in ["resources/subscribe", "resources/unsubscribe"] {
        assert_eq!(client.call(method, json!({ "uri": "c+file:///x" })).await.code(), -32002);
        assert_eq!(client.call(method, json!({})).await.code(), -32602);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fresh_link_gets_the_sessions_level_and_subscriptions_before_its_first_call() {
    let (a, b) = pair();
    let world = World::start(&[&a, &b]).await;
    let client = world.legacy().await;
    client.call("logging/setLevel", json!({ "level": "error" })).await.ok();
    for uri in ["a+file:///x", "a+file:///y", "b+file:///x"] {
        client.call("resources/subscribe", json!({ "uri": uri })).await.ok();
    }
    client.call("resources/unsubscribe", json!({ "uri": "a+file:///y" })).await.ok();
    a.cut();
    seconds(5).await;
    // That the first of these succeeds is promised in `sessions`.
    let _ = client.tool("a_x").await;
    client.tool("a_x").await.ok();
    let wire = a.heard_of("tools/call").last().expect("a call").wire;
    let heard: Vec<_> = a.heard().into_iter().filter(|heard| heard.wire == wire).collect();
    let methods: Vec<_> =
        heard.iter().map(|heard| heard.message["method"].as_str().unwrap_or_default()).collect();
    assert_eq!(methods[..3], ["logging/setLevel", "resources/subscribe", "tools/call"]);
    assert_eq!(
        (&heard[0].message["params"]["level"], &heard[1].message["params"]["uri"]),
        (&json!("error"), &json!("file:///x"))
    );
    assert_eq!(b.count("resources/subscribe"), 1);
}

#[tokio::test(start_paused = true)]
async fn subscriptions_are_restored_after_a_restart_without_waiting_for_a_call() {
    let a = Target::legacy("a", &["x"]).full("x");
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.ok();
    a.cut();
    seconds(60).await;
    assert_eq!(
        a.count("resources/subscribe"),
        2,
        "a client that only listens would never hear of an update again"
    );
}

#[tokio::test(start_paused = true)]
async fn the_newest_update_arrives_at_a_reader_that_was_slow() {
    let a = Target::legacy("a", &["x"]).full("x").set(|settings| settings.limits.notifications = 1000);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.ok();
    let mut hears = client.listen();
    let wire = a.heard_of("resources/subscribe")[0].wire;
    for n in 0..300 {
        a.say_on(
            wire,
            &json!({ "jsonrpc": "2.0", "method": UPDATED, "params": { "uri": format!("file:///x/{n}") } })
                .to_string(),
        );
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let heard = hears.heard().await;
    assert_eq!(
        heard.last().map(String::as_str),
        Some("resources/updated file:///x/299"),
        "of {}",
        heard.len()
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_the_stream_was_opened_waits_for_it() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    for tools in [["y"], ["z"]] {
        a.offer(&tools);
        settle().await;
    }
    assert_eq!(client.listen().heard().await, ["tools/list_changed"], "once is enough");
}

#[tokio::test(start_paused = true)]
async fn what_is_advertised_for_subscriptions_works_at_a_modern_target() {
    let a = Target::modern("a", &["x"]).full("x");
    let world = World::start(&[&a]).await;
    let (client, shaken) = world.legacy_of("2025-11-25").await;
    let mut hears = client.listen();
    let subscribed = client.call("resources/subscribe", json!({ "uri": "file:///x" })).await;
    if shaken["capabilities"]["resources"]["subscribe"] == true {
        assert_eq!(subscribed.ok(), json!({}));
        settle().await;
        a.notify(UPDATED, json!({ "uri": "file:///x" }));
        assert_eq!(hears.heard().await, ["resources/updated file:///x"]);
    } else {
        assert_eq!(subscribed.code(), -32601);
    }
}

#[tokio::test(start_paused = true)]
async fn updates_come_under_a_uri_that_can_be_read_also_after_a_reload_that_gave_uris_their_target() {
    let (a, b) = (Target::legacy("a", &["x"]).full("x"), Target::legacy("b", &["x"]));
    let mut world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.ok();
    world.reconfigure(&[&a, &b], |_| {});
    settle().await;
    let mut hears = client.listen();
    hears.heard().await;
    a.notify(UPDATED, json!({ "uri": "file:///x" }));
    let updates: Vec<_> =
        hears.heard().await.into_iter().filter(|heard| heard.starts_with("resources/updated")).collect();
    assert_eq!(updates, ["resources/updated a+file:///x"]);
}

#[tokio::test(start_paused = true)]
async fn bug_an_unsubscription_while_its_target_is_down_is_not_undone_by_its_return() {
    let a = Target::legacy("a", &["x"]).full("x");
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.ok();
    a.kill();
    settle().await;
    let _ = client.call("resources/unsubscribe", json!({ "uri": "file:///x" })).await;
    a.revive();
    seconds(60).await;
    client.tool("x").await.ok();
    seconds(60).await;
    assert_eq!(a.count("resources/subscribe"), 1, "the client no longer wants it");
}

#[tokio::test(start_paused = true)]
async fn a_modern_targets_updates_reach_each_session_that_asked_and_no_other() {
    let a = Target::modern("a", &["x"]).full("x");
    let b = Target::legacy("b", &["x"]);
    let world = World::start(&[&a, &b]).await;
    let (one, two, three) = (world.legacy().await, world.legacy().await, world.legacy().await);
    let (mut one_hears, mut two_hears, mut three_hears) = (one.listen(), two.listen(), three.listen());
    for client in [&one, &two] {
        client.call("resources/subscribe", json!({ "uri": "a+file:///x" })).await.ok();
    }
    settle().await;
    a.notify(UPDATED, json!({ "uri": "file:///x" }));
    assert_eq!(one_hears.heard().await, ["resources/updated a+file:///x"]);
    assert_eq!(two_hears.heard().await, ["resources/updated a+file:///x"]);
    assert_eq!(three_hears.heard().await, [""; 0]);
    one.call("resources/unsubscribe", json!({ "uri": "a+file:///x" })).await.ok();
    settle().await;
    a.notify(UPDATED, json!({ "uri": "file:///x" }));
    assert_eq!(one_hears.heard().await, [""; 0]);
    assert_eq!(two_hears.heard().await, ["resources/updated a+file:///x"]);
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_a_modern_target_does_not_tell_of_cannot_be_subscribed_to() {
    let a = Target::modern("a", &["x"]).full("x").be(|script| script.untold = vec!["file:///no"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    assert_eq!(client.call("resources/subscribe", json!({ "uri": "file:///no" })).await.code(), -32602);
    client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.ok();
    settle().await;
    assert_eq!(a.listened(), [json!(["file:///x"])]);
}

#[tokio::test(start_paused = true)]
async fn sessions_share_one_stream_of_a_modern_target() {
    let a = Target::modern("a", &["x"]).full("x");
    let world = World::start(&[&a]).await;
    let (one, two) = (world.legacy().await, world.legacy().await);
    let mut two_hears = two.listen();
    for client in [&one, &two] {
        client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.ok();
    }
    settle().await;
    assert_eq!(a.listened(), [json!(["file:///x"])]);
    one.call("resources/unsubscribe", json!({ "uri": "file:///x" })).await.ok();
    settle().await;
    a.notify(UPDATED, json!({ "uri": "file:///x" }));
    assert_eq!(two_hears.heard().await, ["resources/updated file:///x"]);
    two.call("resources/unsubscribe", json!({ "uri": "file:///x" })).await.ok();
    settle().await;
    assert_eq!(a.listened(), [json!(null); 0]);
}

#[tokio::test(start_paused = true)]
async fn a_session_hears_of_what_it_may_have_missed_while_its_modern_target_was_away() {
    let a = Target::modern("a", &["x"]).full("x");
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.ok();
    a.cut();
    seconds(5).await;
    assert_eq!(hears.heard().await, ["resources/updated file:///x"]);
    a.notify(UPDATED, json!({ "uri": "file:///x" }));
    assert_eq!(hears.heard().await, ["resources/updated file:///x"]);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_outlives_a_reload_that_replaces_its_modern_target_and_ends_with_one_that_removes_it()
{
    let (old, new, b) = (
        Target::modern("a", &["x"]).full("x"),
        Target::modern("a", &["x"]).full("x"),
        Target::legacy("b", &["x"]),
    );
    let mut world = World::start(&[&old, &b]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    client.call("resources/subscribe", json!({ "uri": "a+file:///x" })).await.ok();
    world.reconfigure(&[&new, &b], |_| {});
    seconds(3).await;
    hears.heard().await;
    new.notify(UPDATED, json!({ "uri": "file:///x" }));
    assert_eq!(hears.heard().await, ["resources/updated a+file:///x"]);
    world.reconfigure(&[&b], |_| {});
    seconds(3).await;
    world.reconfigure(&[&new, &b], |_| {});
    seconds(3).await;
    assert_eq!(new.listened(), [json!(null); 0]);
}
