//! `sharing: shared`: legacy clients share the links to a legacy target that keeps nothing, and none is asked for another.

use std::sync::Arc;

use serde_json::{Value, json};
use upstream::settings::Sharing;

use crate::client::{Client, World, background, settle};
use crate::target::{Act, Target};

fn shared(target: Target) -> Target {
    target.set(|settings| settings.sharing = Sharing::Shared)
}

fn everything() -> Value {
    json!({ "roots": { "listChanged": true }, "sampling": {}, "elicitation": { "form": {} } })
}

fn ask() -> Act {
    Act::Ask(
        "elicitation/create",
        json!({ "message": "who?", "requestedSchema": { "type": "object", "properties": {} } }),
    )
}

/// Calls the tool that asks, and answers with a name. Returns what the target was told.
async fn asked(client: &Client, name: &str) -> String {
    let params = json!({ "name": "ask", "arguments": {} });
    let answer = json!({ "result": { "action": "accept", "content": { "name": name } } });
    let (reply, questions) = client.converse("tools/call", params, |_| answer.clone()).await;
    assert_eq!(questions.len(), 1);
    let told: Value = serde_json::from_str(&reply.said()).expect("JSON");
    told["result"]["content"]["name"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn clients_that_can_be_asked_nothing_share_one_link_and_call_side_by_side() {
    let a = shared(Target::legacy("a", &["x"]).on("tools/call", Act::after(1, Act::text("a:x"))));
    let world = World::start(&[&a]).await;
    let start = tokio::time::Instant::now();
    let mut calls = Vec::new();
    for _ in 0..20 {
        let client = Arc::new(world.legacy().await);
        calls.push(background(&client, json!("c"), "x"));
    }
    for mut call in calls {
        assert_eq!(call.recv().await.flatten().expect("an answer").said(), "a:x");
    }
    assert!(start.elapsed().as_secs() < 3);
    // One to look at the target, and one for all.
    assert_eq!(a.opened(), 2);
    assert_eq!(
        a.heard_of("initialize").last().expect("a handshake").message["params"]["capabilities"],
        json!({})
    );
}

#[tokio::test(start_paused = true)]
async fn a_question_reaches_the_client_whose_call_it_is_about_and_nobody_else() {
    let a = shared(Target::legacy("a", &["x", "ask"]).on("tools/call ask", ask()));
    let world = World::start(&[&a]).await;
    let names: Vec<String> = (0..8).map(|n| format!("client {n}")).collect();
    let mut clients = Vec::new();
    for _ in &names {
        clients.push(world.legacy_with(everything()).await);
    }
    // One after the other over the same link, and all at once over links of their own.
    for (client, name) in clients.iter().zip(&names).take(3) {
        assert_eq!(asked(client, name).await, *name);
    }
    assert_eq!(a.opened(), 2);
    let at_once = clients.iter().zip(&names).map(|(client, name)| asked(client, name));
    assert_eq!(futures::future::join_all(at_once).await, names);
    assert_eq!(a.opened(), 9);
    // And a client that declared nothing is never on a link on which somebody may be asked.
    let quiet = world.legacy().await;
    assert_eq!(quiet.tool("x").await.said(), "a:x");
    assert_eq!(a.opened(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_question_outside_of_calls_is_refused() {
    let a = shared(Target::legacy("a", &["x"]));
    let world = World::start(&[&a]).await;
    let (quiet, asking) = (world.legacy().await, world.legacy_with(everything()).await);
    let (mut one, mut two) = (quiet.listen(), asking.listen());
    quiet.tool("x").await.ok();
    asking.tool("x").await.ok();
    a.say(r#"{"jsonrpc":"2.0","id":"stray","method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}}"#);
    assert_eq!((one.heard().await, two.heard().await), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_resource_is_subscribed_to_once_for_everybody() {
    let a = shared(Target::legacy("a", &["x"]).full("x"));
    let world = World::start(&[&a]).await;
    let (one, two) = (world.legacy().await, world.legacy().await);
    let (mut one_hears, mut two_hears) = (one.listen(), two.listen());
    for client in [&one, &two] {
        client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.ok();
    }
    assert_eq!((a.count("resources/subscribe"), a.opened()), (1, 1));
    a.notify("notifications/resources/updated", json!({ "uri": "file:///x" }));
    assert_eq!(one_hears.heard().await, ["resources/updated file:///x"]);
    assert_eq!(two_hears.heard().await, ["resources/updated file:///x"]);
    one.call("resources/unsubscribe", json!({ "uri": "file:///x" })).await.ok();
    settle().await;
    assert_eq!(a.count("resources/unsubscribe"), 0);
    two.call("resources/unsubscribe", json!({ "uri": "file:///x" })).await.ok();
    settle().await;
    assert_eq!(a.count("resources/unsubscribe"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_stays_on_a_link_of_its_session() {
    let made = json!({ "task": { "taskId": "t", "status": "working", "ttl": null, "createdAt": "x", "lastUpdatedAt": "x" } });
    let a = shared(Target::legacy("a", &["x"]).be(|script| {
        script.capabilities["tasks"] = json!({ "requests": { "tools": { "call": {} } } });
        script.tools[0]["execution"] = json!({ "taskSupport": "optional" });
    }))
    .on("tools/call", Act::Result(made))
    .on("tasks/get", Act::Result(json!({ "taskId": "t", "status": "working" })));
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.call("tools/call", json!({ "name": "x", "arguments": {}, "task": {} })).await.ok();
    client.call("tasks/get", json!({ "taskId": "t" })).await.ok();
    assert_eq!(a.heard_of("tools/call")[0].wire, a.heard_of("tasks/get")[0].wire);
}

#[tokio::test(start_paused = true)]
async fn a_log_level_reaches_the_shared_link_and_each_client_sees_what_it_wants() {
    let said =
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"hello"}}"#;
    let a =
        shared(Target::legacy("a", &["x"]).full("x").on("tools/call", Act::saying([said], Act::text("a:x"))));
    let world = World::start(&[&a]).await;
    let (keen, calm) = (world.legacy().await, world.legacy().await);
    keen.call("logging/setLevel", json!({ "level": "debug" })).await.ok();
    calm.call("logging/setLevel", json!({ "level": "error" })).await.ok();
    assert_eq!(calm.tool("x").await.noted(), [""; 0]);
    assert_eq!(keen.tool("x").await.noted(), [r#"info: "hello""#]);
    assert_eq!(calm.tool("x").await.noted(), [""; 0]);
    assert_eq!(a.opened(), 2);
}

#[tokio::test(start_paused = true)]
async fn bug_what_was_subscribed_to_before_a_target_was_shared_can_be_unsubscribed_from() {
    let a = Target::legacy("a", &["x"]).full("x");
    let mut world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.ok();
    let wire = a.heard_of("resources/subscribe")[0].wire;
    a.configure(|settings| settings.sharing = Sharing::Shared);
    world.reconfigure(&[&a], |_| {});
    settle().await;
    let updated =
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///x"}}"#;
    a.say_on(wire, updated);
    assert_eq!(hears.heard().await, ["resources/updated file:///x"]);
    client.call("resources/unsubscribe", json!({ "uri": "file:///x" })).await.ok();
    let told = a.heard_of("resources/unsubscribe");
    assert_eq!(told.iter().map(|heard| heard.wire).collect::<Vec<_>>(), [wire]);
}
