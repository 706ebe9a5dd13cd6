//! Targets are looked at by a client that can do everything and that nobody can ask, so that their lists leave nothing
//! out; and each call reaches a legacy target over a link on which it was told what the caller declared, and no more.

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::client::{Client, World, background, seconds, settle};
use crate::hearing::Hearing;
use crate::target::{Act, CAPABILITIES, Target};

/// A target that shows a tool only to clients with sampling.
fn choosy(target: Target) -> Target {
    target.be(|script| script.shown_to = [("dream", "sampling")].into())
}

/// What a target of this name answers to a handshake.
fn shaken() -> Value {
    json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": { "listChanged": true } }, "serverInfo": {} })
}

/// What the target was told on each of its connections, in order.
fn told(target: &Target) -> Vec<Value> {
    let heard = target.heard_of("initialize").into_iter();
    heard.map(|heard| heard.message["params"]["capabilities"].clone()).collect()
}

/// The connections on which the target heard something.
fn wires(target: &Target, method: &str) -> Vec<usize> {
    target.heard_of(method).into_iter().map(|heard| heard.wire).collect()
}

fn restarts(world: &World) -> u32 {
    world.backend.status()[0].restarts
}

/// A client of 2026-07-28 that declares this.
fn modern(world: &World, capabilities: Value) -> Client {
    let mut client = world.modern();
    client.capabilities = capabilities;
    client
}

// === What is listed, and what a call finds ===

#[tokio::test(start_paused = true)]
async fn a_tool_that_is_shown_to_some_clients_is_listed_to_all_and_there_for_those() {
    for target in [Target::legacy("a", &["x", "dream"]), Target::modern("a", &["x", "dream"])] {
        let a = choosy(target);
        let world = World::start(&[&a]).await;
        let unable =
            [modern(&world, json!({})), world.legacy().await, modern(&world, json!({ "roots": {} }))];
        for client in unable {
            assert_eq!(client.tools().await, ["x", "dream"]);
            assert_eq!(client.tool("x").await.said(), "a:x");
            let refused = client.tool("dream").await.outcome.expect_err("it is not there for this client");
            assert_eq!(
                refused,
                json!({ "code": -32602, "message": "Unknown tool" }),
                "in the target's words"
            );
        }
        let sampling = json!({ "sampling": {} });
        for client in [modern(&world, sampling.clone()), world.legacy_with(sampling).await] {
            assert_eq!(client.tools().await, ["x", "dream"]);
            assert_eq!(client.tool("dream").await.said(), "a:dream");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn targets_are_looked_at_by_a_client_that_can_do_everything() {
    let (old, new) = (Target::legacy("old", &["x"]), Target::modern("new", &["x"]).full("y"));
    let world = World::start(&[&old, &new]).await;
    expect![[r#"[{"elicitation":{"form":{},"url":{}},"extensions":{"io.modelcontextprotocol/tasks":{},"io.modelcontextprotocol/ui":{"mimeTypes":["text/html;profile=mcp-app"]}},"roots":{"listChanged":true},"sampling":{"context":{},"tools":{}}}]"#]]
        .assert_eq(&Value::from(told(&old)).to_string());
    let _listens = Hearing::of(&world.modern(), &["new+file:///y"]).await;
    let mut everything = told(&old).remove(0);
    everything["roots"] = json!({});
    let methods =
        ["server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list"];
    for method in methods.into_iter().chain(["subscriptions/listen"]) {
        for heard in new.heard_of(method) {
            assert_eq!(heard.message["params"]["_meta"][CAPABILITIES], everything, "{method}");
        }
        assert!(new.count(method) > 0, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_modern_target_is_told_with_each_call_what_its_caller_declared() {
    let a = Target::modern("a", &["x"]);
    let world = World::start(&[&a]).await;
    for declared in [json!({}), json!({ "sampling": {} })] {
        modern(&world, declared.clone()).tool("x").await.ok();
        assert_eq!(a.last("tools/call")["_meta"][CAPABILITIES], declared);
        world.legacy_with(declared.clone()).await.tool("x").await.ok();
        assert_eq!(a.last("tools/call")["_meta"][CAPABILITIES], declared);
    }
    assert_eq!(a.opened(), 1, "one link for all of it");
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_client_that_can_be_asked_nothing_goes_over_a_link_that_declares_nothing() {
    let a = Target::legacy("a", &["x"]).full("w");
    let world = World::start(&[&a]).await;
    let apps = json!({ "extensions": { "io.modelcontextprotocol/ui": {} } });
    for client in [modern(&world, json!({})), world.modern(), modern(&world, apps)] {
        client.tool("x").await.ok();
        client.call("resources/read", json!({ "uri": "file:///w" })).await.ok();
    }
    // This one can be asked, but not about this.
    let completion = json!({ "ref": { "type": "ref/prompt", "name": "w-prompt" }, "argument": { "name": "x", "value": "" } });
    modern(&world, json!({ "sampling": {} })).call("completion/complete", completion).await.ok();
    assert_eq!(told(&a)[1..], [json!({})]);
    assert_eq!((wires(&a, "tools/call"), wires(&a, "resources/read")), (vec![1; 3], vec![1; 3]));
    assert_eq!((wires(&a, "completion/complete"), wires(&a, "tools/list")), (vec![1], vec![0]));
}

// === When there is a plain link ===

#[tokio::test(start_paused = true)]
async fn only_a_call_that_needs_it_opens_the_plain_link() {
    let (a, b) = (Target::legacy("a", &["x"]).full("w"), Target::modern("b", &["x"]));
    let world = World::start(&[&a, &b]).await;
    let client = world.modern();
    client.tools().await;
    world.legacy().await.tools().await;
    client.tool("b_x").await.ok();
    let _listens = Hearing::of(&client, &["a+file:///w"]).await;
    settle().await;
    assert_eq!((a.opened(), b.opened()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn calls_that_race_for_the_plain_link_share_one() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let clients: Vec<_> = (0..50).map(|_| world.modern()).collect();
    for reply in futures::future::join_all(clients.iter().map(|client| client.tool("x"))).await {
        assert_eq!(reply.said(), "a:x");
    }
    assert_eq!(a.opened(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_needs_the_plain_link_first_may_go_away_while_it_is_opened() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    a.act("initialize", Act::after(5, Act::Result(shaken())));
    let (first, second) = (world.modern(), world.modern());
    let gone = timeout(Duration::from_secs(2), first.tool("x"));
    let (gone, reply) = tokio::join!(gone, second.tool("x"));
    assert!(gone.is_err(), "it went away before there was a link");
    assert_eq!((reply.said().as_str(), a.opened()), ("a:x", 2));
}

#[tokio::test(start_paused = true)]
async fn the_plain_link_is_closed_when_nobody_needed_it_for_half_an_hour() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    for _ in 0..4 {
        client.tool("x").await.ok();
        seconds(25 * 60).await;
        assert_eq!((a.open(), a.opened()), (2, 2));
    }
    seconds(6 * 60).await;
    assert_eq!(a.open(), 1);
    assert_eq!(client.tool("x").await.said(), "a:x");
    assert_eq!((a.open(), a.opened(), restarts(&world)), (2, 3, 0));
}

#[tokio::test(start_paused = true)]
async fn the_plain_link_is_kept_while_a_call_runs_over_it() {
    let note = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#;
    // Longer than a link is kept that nobody needs.
    let slow = (0..10).fold(Act::text("done"), |then, _| Act::saying([note], Act::after(200, then)));
    let a = Target::legacy("a", &["x", "slow"]).full("w").on("tools/call slow", slow);
    let world = World::start(&[&a]).await;
    let mut client = world.modern();
    client.level = Some("info");
    let client = Arc::new(client);
    let mut slow = background(&client, json!("slow"), "slow");
    seconds(1990).await;
    assert_eq!((a.open(), a.opened()), (2, 2));
    assert_eq!(slow.recv().await.flatten().expect("an answer").said(), "done");
    seconds(31 * 60).await;
    assert_eq!(a.open(), 1);
}

// === When one of them ends ===

#[tokio::test(start_paused = true)]
async fn a_target_that_is_taken_away_or_stopped_keeps_neither_link() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]));
    let mut world = World::start(&[&a, &b]).await;
    world.modern().tool("a_x").await.ok();
    world.modern().tool("b_x").await.ok();
    assert_eq!((a.open(), b.open()), (2, 2));
    world.reconfigure(&[&a], |_| {});
    seconds(2).await;
    assert_eq!((a.open(), b.open()), (2, 0));
    world.backend.stop().await;
    settle().await;
    assert_eq!(a.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_stopped_while_its_plain_link_is_opened_keeps_nothing() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    a.act("initialize", Act::after(30, Act::Result(shaken())));
    let client = Arc::new(world.modern());
    let mut waits = background(&client, json!(1), "x");
    seconds(1).await;
    assert_eq!(a.open(), 2);
    world.backend.stop().await;
    settle().await;
    assert_eq!(a.open(), 0);
    assert_eq!(waits.recv().await.flatten().expect("an answer").code(), -32603);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_dies_gets_two_new_links() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    client.tool("x").await.ok();
    a.cut();
    seconds(5).await;
    assert_eq!((a.open(), a.opened()), (1, 3), "the second is opened when it is needed");
    assert_eq!(client.tool("x").await.said(), "a:x");
    assert_eq!((a.open(), a.opened(), restarts(&world)), (2, 4, 1));
}

#[tokio::test(start_paused = true)]
async fn a_restart_ends_both_links_and_the_calls_on_them() {
    let a = Target::legacy("a", &["x", "hang"]).on("tools/call hang", Act::Hang);
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.modern());
    let mut hangs = background(&client, json!("hang"), "hang");
    settle().await;
    assert!(world.backend.restart("a"));
    let ended = timeout(Duration::from_secs(5), hangs.recv()).await.expect("it does not go on");
    assert_eq!(ended.flatten().expect("an answer").code(), -32603);
    settle().await;
    assert_eq!((a.open(), a.opened(), restarts(&world)), (1, 3, 1));
    assert_eq!(client.tool("x").await.said(), "a:x");
}

#[tokio::test(start_paused = true)]
async fn when_the_discovery_link_ends_the_plain_one_goes_as_soon_as_its_calls_are_answered() {
    let a = Target::legacy("a", &["x", "slow"]).on("tools/call slow", Act::after(20, Act::text("done")));
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.modern());
    let mut slow = background(&client, json!("slow"), "slow");
    settle().await;
    a.cut_one(0);
    seconds(5).await;
    assert_eq!(a.open(), 2, "the call still runs over the old one");
    client.tool("x").await.ok();
    assert_eq!(wires(&a, "tools/call"), [1, 3], "and the next over a new one");
    assert_eq!(slow.recv().await.flatten().expect("an answer").said(), "done");
    settle().await;
    assert_eq!(a.open(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_plain_link_that_dies_is_opened_again_and_counted() {
    let a = Target::legacy("a", &["x", "crash"]).on("tools/call crash", Act::Die);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    for round in 1..4 {
        assert_eq!(client.tool("crash").await.code(), -32603);
        assert_eq!(client.tool("x").await.said(), "a:x");
        assert_eq!((a.open(), restarts(&world)), (2, round));
    }
    assert_eq!(a.count("tools/list"), 1, "the lists are still read over the same link");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_takes_no_second_link_fails_calls_at_once_and_is_not_tried_with_each() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    a.act("initialize", Act::error(-32603, "there can be only one"));
    let began = Instant::now();
    for _ in 0..20 {
        let refused = client.tool("x").await.outcome.expect_err("there is no link");
        assert_eq!(refused["message"], "target `a` is not available");
    }
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    let tried = a.count("initialize");
    assert!(tried <= 4, "one attempt, not twenty: {tried}");
    assert_eq!(client.tools().await, ["x"], "the target is there nevertheless");
    a.unact("initialize");
    assert_eq!(client.tool("x").await.code(), -32603, "not yet");
    seconds(2).await;
    assert_eq!(client.tool("x").await.said(), "a:x");
}

// === What belongs to no call ===

#[tokio::test(start_paused = true)]
async fn what_changes_is_heard_over_the_discovery_link() {
    let a = Target::legacy("a", &["x"]).full("w");
    let world = World::start(&[&a]).await;
    let client = world.modern();
    client.tool("x").await.ok();
    let mut hearing = Hearing::of(&client, &["file:///w"]).await;
    assert_eq!(wires(&a, "resources/subscribe"), [0]);
    let updated =
        r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///w"}}"#;
    a.say_on(1, updated);
    assert_eq!(hearing.heard().await, [""; 0]);
    a.say_on(0, updated);
    assert_eq!(hearing.heard().await, ["updated file:///w"]);
    a.change(|script| script.tools.truncate(0));
    a.say_on(0, r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    settle().await;
    assert_eq!(client.tools().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_asks_while_it_is_looked_at_gets_no_roots_and_no_answer_of_anybody() {
    let ask = |id: &str, method: &str| {
        json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": { "message": "?" } }).to_string()
    };
    let asks = [ask("r", "roots/list"), ask("e", "elicitation/create"), ask("s", "sampling/createMessage")];
    let a = Target::legacy("a", &["x"])
        .on("tools/list", Act::saying(asks, Act::after(1, Act::Result(json!({ "tools": [] })))));
    let world = World::start(&[&a]).await;
    let able = world.legacy_with(json!({ "roots": {}, "sampling": {}, "elicitation": {} })).await;
    let mut hears = able.listen();
    seconds(1).await;
    let answers: Vec<Value> =
        a.heard().into_iter().map(|heard| heard.message).filter(|m| m.get("method").is_none()).collect();
    assert_eq!(answers.len(), 3, "{answers:?}");
    assert_eq!(answers[0], json!({ "jsonrpc": "2.0", "id": "r", "result": { "roots": [] } }));
    assert_eq!(answers[1], json!({ "jsonrpc": "2.0", "id": "e", "result": { "action": "cancel" } }));
    assert_eq!((&answers[2]["id"], &answers[2]["error"]["code"]), (&json!("s"), &json!(-1)));
    assert!(hears.heard().await.is_empty(), "no client hears of it");
}
