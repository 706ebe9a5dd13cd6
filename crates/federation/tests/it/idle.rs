//! A session's own link that is of no use for a while is closed, and the next call opens another.

use std::sync::Arc;

use serde_json::json;
use tokio::time::Duration;

use crate::client::{World, background, seconds};
use crate::target::{Act, Target};

/// A target whose links are closed after some minutes.
fn impatient(target: Target) -> Target {
    target.set(|settings| settings.limits.idle = Duration::from_secs(300))
}

#[tokio::test(start_paused = true)]
async fn a_link_without_a_call_is_closed_and_the_next_call_finds_everything_as_it_was() {
    let a = impatient(Target::legacy("a", &["x"]).full("w"));
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let _stream = client.listen();
    client.call("logging/setLevel", json!({ "level": "warning" })).await.ok();
    for _ in 0..3 {
        assert_eq!(client.tool("x").await.said(), "a:x");
        seconds(250).await;
    }
    assert_eq!(a.open(), 2, "it is in use");
    seconds(100).await;
    assert_eq!(a.open(), 1, "only the link over which the target is looked at is left");
    let levels = a.count("logging/setLevel");
    assert_eq!(client.tool("x").await.said(), "a:x");
    assert_eq!((a.open(), a.count("logging/setLevel")), (2, levels + 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_runs_and_a_subscription_keep_a_link() {
    let a = impatient(Target::legacy("a", &["x", "long"]).full("w"))
        .on("tools/call long", Act::after(1000, Act::text("at last")))
        .set(|settings| settings.limits.call = Duration::from_secs(2000));
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    let mut stream = client.listen();
    let mut long = background(&client, json!("long"), "long");
    seconds(900).await;
    assert_eq!(a.open(), 2);
    assert_eq!(long.recv().await.flatten().expect("an answer").said(), "at last");
    client.call("resources/subscribe", json!({ "uri": "file:///w" })).await.ok();
    let wire = a.heard_of("resources/subscribe")[0].wire;
    seconds(1000).await;
    a.say_on(
        wire,
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///w"}}"#,
    );
    assert_eq!(stream.heard().await, ["resources/updated file:///w"]);
    client.call("resources/unsubscribe", json!({ "uri": "file:///w" })).await.ok();
    seconds(350).await;
    assert_eq!(a.open(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_waits_keeps_a_link() {
    let a = impatient(Target::legacy("a", &["x"]));
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(json!({ "roots": {} })).await;
    let mut stream = client.listen();
    client.tool("x").await.ok();
    a.say_on(1, r#"{"jsonrpc":"2.0","id":"q","method":"roots/list"}"#);
    let question = stream.asked().await.expect("a question");
    seconds(400).await;
    assert_eq!(a.open(), 2);
    client.respond(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "roots": [] } })).await;
    seconds(60).await;
    assert_eq!(a.open(), 1);
}

#[tokio::test(start_paused = true)]
async fn links_that_are_shared_and_lent_are_closed_as_well() {
    let a =
        impatient(Target::legacy("a", &["x"])).set(|settings| settings.limits.idle = Duration::from_secs(20));
    let world = World::start(&[&a]).await;
    let mut client = world.modern();
    client.tool("x").await.ok();
    client.capabilities = json!({ "elicitation": {} });
    client.tool("x").await.ok();
    assert_eq!(a.open(), 3);
    seconds(40).await;
    assert_eq!(a.open(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_short_idle_time_is_not_half_a_minute() {
    let a =
        Target::legacy("a", &["x"]).full("w").set(|settings| settings.limits.idle = Duration::from_secs(4));
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.tool("x").await.ok();
    seconds(3).await;
    assert_eq!(a.open(), 2);
    seconds(4).await;
    assert_eq!(a.open(), 1);
}
