//! A legacy client whose handshake is not over yet: what it may do, and that it is asked nothing.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, Listener, World};
use crate::target::{Act, Target};

fn everything() -> Value {
    json!({ "roots": {}, "sampling": {}, "elicitation": {} })
}

/// A target of each era whose tool `x` asks for roots in the middle of a call.
fn asking() -> [Target; 2] {
    let required =
        json!({ "resultType": "input_required", "inputRequests": { "k": { "method": "roots/list" } } });
    let act = Act::with(move |request| match request["params"]["inputResponses"].is_null() {
        true => Act::Result(required.clone()),
        false => Act::text("done"),
    });
    [
        Target::legacy("a", &["x"]).on("tools/call", Act::Ask("roots/list", json!({}))),
        Target::modern("a", &["x"]).on("tools/call", act),
    ]
}

async fn begin(client: &Client) -> Listener {
    client.begin(json!("c"), "tools/call", json!({ "name": "x", "arguments": {} })).await
}

/// Whether nothing is asked for a while that is shorter than the handshake is waited for.
async fn silent(stream: &mut Listener) -> bool {
    tokio::time::timeout(Duration::from_secs(2), stream.asked()).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn a_question_in_a_call_waits_for_the_end_of_the_handshake() {
    for target in asking() {
        let world = World::start(&[&target]).await;
        let (client, _) = world.shaking("2025-11-25", everything()).await;
        let mut call = begin(&client).await;
        assert!(silent(&mut call).await);
        assert_eq!(client.call("ping", json!({})).await.ok(), json!({}), "pings are not held up");
        client.notify("notifications/initialized", json!({})).await;
        let asked = call.asked().await.expect("a question");
        client.respond(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "roots": [] } })).await;
        assert!(call.next().await.expect("an answer")["result"]["content"].is_array());
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_outside_of_calls_waits_for_the_end_of_the_handshake() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let (client, _) = world.shaking("2025-11-25", everything()).await;
    let mut stream = client.listen();
    client.tool("x").await.ok();
    let wire = a.heard_of("tools/call")[0].wire;
    a.say_on(wire, &json!({ "jsonrpc": "2.0", "id": "r", "method": "roots/list" }).to_string());
    assert!(silent(&mut stream).await);
    client.notify("notifications/initialized", json!({})).await;
    assert_eq!(stream.asked().await.expect("a question")["method"], "roots/list");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_ends_its_handshake_is_asked_nothing_and_holds_nobody_up() {
    for target in asking() {
        let world = World::start(&[&target]).await;
        let (client, _) = world.shaking("2025-11-25", everything()).await;
        let started = tokio::time::Instant::now();
        let params = json!({ "name": "x", "arguments": {} });
        let (reply, asked) = client.converse("tools/call", params, |_| json!({})).await;
        assert!(asked.is_empty(), "{asked:?}");
        assert!(reply.outcome.is_ok(), "the target was told, and the call has its end");
        assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    }
}
