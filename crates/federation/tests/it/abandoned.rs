//! Clients that never come back: in the end everything is as it was before them, at the server and at its targets.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::client::{Client, World, seconds, settle};
use crate::hearing::Hearing;
use crate::target::{Act, Target};

/// How many clients do each thing.
const CLIENTS: usize = 10;

fn everything() -> Value {
    json!({ "elicitation": { "form": {}, "url": {} }, "sampling": {}, "roots": {} })
}

fn form() -> Value {
    json!({ "message": "Name?", "requestedSchema": { "type": "object", "properties": {} } })
}

fn able(world: &World) -> Client {
    let mut client = world.modern();
    client.capabilities = everything();
    client
}

fn tool(name: &str) -> Value {
    json!({ "name": name, "arguments": {} })
}

/// A legacy target with a tool `ask` that asks its client, and one `hang` that never answers.
fn legacy() -> Target {
    Target::legacy("old", &["ask", "hang"])
        .full("x")
        .on("tools/call ask", Act::Ask("elicitation/create", form()))
        .on("tools/call hang", Act::Hang)
}

/// The same as a modern target.
fn modern() -> Target {
    let requests = json!({ "k": { "method": "elicitation/create", "params": form() } });
    let asks = json!({ "resultType": "input_required", "inputRequests": requests, "requestState": "s" });
    Target::modern("new", &["ask", "hang"])
        .full("x")
        .on(
            "tools/call ask",
            Act::with(move |request| match request["params"].get("inputResponses") {
                None => Act::Result(asks.clone()),
                Some(_) => Act::text("done"),
            }),
        )
        .on("tools/call hang", Act::Hang)
}

/// What a target was asked to do and has not been told to stop: calls without a cancellation, on connections that are open.
fn calls_left(target: &Target, wires_closed: bool) -> usize {
    let key = |wire: usize, id: &Value| (wire, id.to_string());
    let cancelled: HashSet<_> = target
        .heard_of("notifications/cancelled")
        .iter()
        .map(|heard| key(heard.wire, &heard.message["params"]["requestId"]))
        .collect();
    let calls = target.heard_of("tools/call");
    let hanging = calls.iter().filter(|heard| heard.message["params"]["name"] == "hang");
    let left = hanging.filter(|heard| !cancelled.contains(&key(heard.wire, &heard.message["id"])));
    left.filter(|heard| !wires_closed || heard.wire == 0).count()
}

#[tokio::test(start_paused = true)]
async fn clients_that_never_come_back_leave_nothing_behind() {
    let (old, new) = (legacy(), modern());
    let world = World::start(&[&old, &new]).await;
    let before = (world.backend.session_count(), old.open(), new.open(), new.listened().len());
    for _ in 0..CLIENTS {
        // Told to come back with answers.
        assert_eq!(able(&world).tool("old_ask").await.ok()["resultType"], "input_required");
        assert_eq!(able(&world).tool("new_ask").await.ok()["resultType"], "input_required");
        // Gone in the middle of a call, of a question, and of what is listened to.
        for name in ["old_hang", "new_hang", "old_ask", "new_ask"] {
            let client = world.legacy_with(everything()).await;
            drop(client.begin(json!(1), "tools/call", tool(name)).await);
        }
        let uris = json!(["old+file:///x", "new+file:///x"]);
        drop(Hearing::open(&world.modern(), json!({ "resourceSubscriptions": uris })).await);
        let client = world.legacy().await;
        let stream = client.listen();
        for uri in ["old+file:///x", "new+file:///x"] {
            client.call("resources/subscribe", json!({ "uri": uri })).await.ok();
        }
        drop(stream);
    }
    assert_eq!(world.backend.session_count(), 5 * CLIENTS);
    assert!(old.open() > 3 * CLIENTS, "links of their own: {}", old.open());
    assert_eq!(new.listened().len(), 1, "one stream for all of them");

    // Parked calls wait for five minutes, calls for as long without a sign of life, questions for ten minutes, and sessions
    // for half an hour from then on.
    seconds(45 * 60).await;
    settle().await;
    let after = (world.backend.session_count(), old.open(), new.open(), new.listened().len());
    assert_eq!(after, before);
    let asked = old.count("tools/call") - old.heard_of("tools/call").iter().filter(hangs).count();
    let refused =
        old.heard().into_iter().filter(|heard| heard.message["result"]["action"] == "cancel").count();
    assert_eq!((asked, refused), (2 * CLIENTS, 2 * CLIENTS), "each question is refused once");
    assert_eq!((calls_left(&old, true), calls_left(&new, false)), (0, 0));
    let count = |method| old.heard_of(method).iter().filter(|heard| heard.wire == 0).count();
    assert_eq!(count("resources/subscribe"), count("resources/unsubscribe"), "on the discovery link");
}

fn hangs(heard: &&crate::target::Heard) -> bool {
    heard.message["params"]["name"] == "hang"
}
