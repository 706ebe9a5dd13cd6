//! `warm: 1`: a link is kept open for the next session.

use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use crate::client::{Client, World, seconds, settle};
use crate::target::{Act, Target};

/// A target that takes a while for its handshake.
fn warm() -> Target {
    let shaken = json!({
        "protocolVersion": "2025-11-25", "capabilities": { "tools": {} }, "serverInfo": { "name": "slow", "version": "1" },
    });
    Target::legacy("a", &["x"])
        .on("initialize", Act::after(4, Act::Result(shaken)))
        .set(|settings| settings.warm = true)
}

fn declared() -> Value {
    json!({ "roots": { "listChanged": true }, "sampling": {} })
}

async fn world(a: &Target) -> World {
    let world = World::start(&[a]).await;
    seconds(30).await;
    world
}

/// How long the first call of a session takes, in seconds.
async fn first(client: &Client) -> u64 {
    let start = Instant::now();
    assert_eq!(client.tool("x").await.said(), "a:x");
    start.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn the_first_call_of_the_next_session_does_not_wait() {
    let a = warm();
    let world = world(&a).await;
    assert_eq!(a.open(), 1, "nobody knows yet what clients declare");
    assert_eq!(first(&world.legacy_with(declared()).await).await, 4);
    for opened in 3..6 {
        seconds(5).await;
        assert_eq!((a.open(), a.opened()), (opened, opened), "one is kept ready");
        assert_eq!(first(&world.legacy_with(declared()).await).await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_spare_serves_no_client_that_declares_something_else() {
    let a = warm();
    let world = world(&a).await;
    first(&world.legacy_with(declared()).await).await;
    seconds(5).await;
    let other = world.legacy_with(json!({ "elicitation": {} })).await;
    assert_eq!(first(&other).await, 4);
    let capabilities = |wire: usize| {
        a.heard_of("initialize")
            .iter()
            .find(|heard| heard.wire == wire)
            .map(|heard| heard.message["params"]["capabilities"].clone())
    };
    let used = a.heard_of("tools/call").last().expect("a call").wire;
    assert_eq!(capabilities(used), Some(json!({ "elicitation": {} })));
    // From now on it is for clients like the latest.
    seconds(5).await;
    assert_eq!(a.open(), 4, "discovery, two sessions, and the spare");
    assert_eq!(first(&world.legacy_with(json!({ "elicitation": {} })).await).await, 0);
}

#[tokio::test(start_paused = true)]
async fn what_the_target_asks_of_a_client_that_is_still_to_come_waits_for_it() {
    let a = warm();
    let world = world(&a).await;
    let one = world.legacy_with(declared()).await;
    let mut one_hears = one.listen();
    first(&one).await;
    seconds(5).await;
    let spare = a.opened() - 1;
    a.act("tools/call", Act::after(1, Act::text("a:x")));
    a.say_on(spare, r#"{"jsonrpc":"2.0","id":"early","method":"roots/list"}"#);
    settle().await;
    let two = world.legacy_with(declared()).await;
    let answer = json!({ "result": { "roots": [{ "uri": "file:///two" }] } });
    let params = json!({ "name": "x", "arguments": {} });
    let (_, asked) = two.converse("tools/call", params, |_| answer.clone()).await;
    assert_eq!(a.heard_of("tools/call").last().expect("a call").wire, spare);
    assert_eq!(asked.iter().map(|asked| asked["method"].clone()).collect::<Vec<_>>(), ["roots/list"]);
    let told = a.heard().into_iter().find(|heard| heard.message["id"] == "early").expect("an answer");
    assert_eq!(told.message["result"], answer["result"]);
    assert_eq!(one_hears.heard().await, [""; 0]);
    // It may have given up by now, and can ask again.
    assert!(a.heard_of("notifications/roots/list_changed").iter().any(|heard| heard.wire == spare));
}

#[tokio::test(start_paused = true)]
async fn a_spare_that_died_is_not_handed_out() {
    let a = warm();
    let world = world(&a).await;
    first(&world.legacy_with(declared()).await).await;
    seconds(5).await;
    a.cut_one(a.opened() - 1);
    settle().await;
    assert_eq!(first(&world.legacy_with(declared()).await).await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_spare_goes_when_nobody_needs_it_when_it_is_turned_off_and_with_its_target() {
    let a = warm().set(|settings| settings.limits.idle = Duration::from_secs(100));
    let mut world = world(&a).await;
    let client = world.legacy_with(declared()).await;
    let _stream = client.listen();
    first(&client).await;
    seconds(5).await;
    assert_eq!(a.open(), 3);
    seconds(200).await;
    assert_eq!(a.open(), 1);
    first(&client).await;
    seconds(5).await;
    assert_eq!(a.open(), 3);
    a.configure(|settings| settings.warm = false);
    world.reconfigure(&[&a], |_| {});
    seconds(20).await;
    assert_eq!(a.open(), 2);
    a.configure(|settings| settings.warm = true);
    world.reconfigure(&[&a], |_| {});
    first(&world.legacy_with(declared()).await).await;
    seconds(5).await;
    assert_eq!(a.open(), 4);
    world.backend.stop().await;
    settle().await;
    assert_eq!(a.open(), 0);
}
