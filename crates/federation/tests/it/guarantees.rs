//! What holds for every client, whatever its targets are and whatever else goes on.

use serde_json::json;

use crate::client::{World, seconds, settle};
use crate::target::{Act, Target, tool};

#[tokio::test(start_paused = true)]
async fn every_page_of_a_list_is_for_the_same_readers() {
    for (scopes, scope) in [(["public", "public"], "public"), (["public", "private"], "private")] {
        let target = |name: &str, scope| {
            Target::modern(name, &[]).be(|script| {
                script.tools = (0..1200).map(|n| tool(&format!("t{n}"))).collect();
                (script.scope, script.capabilities) = (scope, json!({ "tools": {} }));
            })
        };
        let (a, b) = (target("a", scopes[0]), target("b", scopes[1]));
        let world = World::start(&[&a, &b]).await;
        let client = world.modern();
        let mut params = json!({});
        let mut pages = 0;
        loop {
            let page = client.call("tools/list", params).await.ok();
            assert_eq!(page["cacheScope"], scope, "page {pages}");
            pages += 1;
            let Some(cursor) = page.get("nextCursor") else { break };
            params = json!({ "cursor": cursor });
        }
        assert_eq!(pages, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_is_the_same_to_the_byte_whoever_asks_and_whatever_was_called_before() {
    let (a, b) = (Target::legacy("a", &["z", "x"]).full("w"), Target::modern("b", &["y", "x"]).full("w"));
    let world = World::start(&[&a, &b]).await;
    for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
        let ask = async |name: &str| {
            let meta = json!({ "io.modelcontextprotocol/clientInfo": { "name": name, "version": "1" } });
            let id = json!("the same");
            let reply = world.modern().call_as(id, method, json!({ "_meta": meta })).await;
            reply.expect("an answer").text
        };
        let first = ask("one").await;
        world.modern().tool("b_x").await.ok();
        world.legacy().await.tool("a_z").await.ok();
        assert_eq!(ask("another").await, first);
        let restarted = World::start(&[&a, &b]).await;
        let again = restarted.modern().call_as(json!("the same"), method, json!({})).await;
        assert_eq!(again.expect("an answer").text, first, "after a restart");
    }
}

#[tokio::test(start_paused = true)]
async fn a_modern_client_is_never_sent_a_request() {
    let asks = [
        ("ping", json!({})),
        ("sampling/createMessage", json!({ "messages": [], "maxTokens": 1 })),
        ("elicitation/create", json!({ "message": "?", "requestedSchema": { "type": "object" } })),
        ("roots/list", json!({})),
    ];
    for (method, params) in asks {
        let a = Target::legacy("a", &["x"]).on("tools/call", Act::Ask(method, params));
        let world = World::start(&[&a]).await;
        // The client panics at anything on its stream but notes of its call and one answer.
        world.modern().tool_with("x", json!("t")).await.ok();
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_is_asked_of_its_target_each_time() {
    let read =
        json!({ "contents": [{ "uri": "file:///w", "text": "" }], "ttlMs": 60_000, "cacheScope": "public" });
    let a = Target::modern("a", &[]).full("w").on("resources/read", Act::Result(read));
    let world = World::start(&[&a]).await;
    for client in [world.modern(), world.modern(), world.legacy().await] {
        client.call("resources/read", json!({ "uri": "file:///w" })).await.ok();
    }
    assert_eq!(a.count("resources/read"), 3);
}

#[tokio::test(start_paused = true)]
async fn what_a_target_says_of_anothers_resources_is_its_own() {
    let link = json!({ "content": [{ "type": "resource_link", "uri": "b+file:///w", "name": "w" }] });
    for (a, b) in [
        (Target::legacy("a", &["x"]), Target::legacy("b", &[])),
        (Target::modern("a", &["x"]), Target::modern("b", &[])),
    ] {
        let a = a.full("w").on("tools/call", Act::Result(link.clone()));
        let b = b.full("w");
        let world = World::start(&[&a, &b]).await;
        for client in [world.modern(), world.legacy().await] {
            let linked = client.tool("a_x").await.ok()["content"][0]["uri"].clone();
            assert_eq!(linked, "a+b+file:///w");
            let _ = client.call("resources/read", json!({ "uri": linked })).await;
        }
        assert_eq!(a.last("resources/read")["uri"], "b+file:///w", "read at the one who said it");
        assert_eq!((a.count("resources/read"), b.count("resources/read")), (2, 0));
    }
    // Nor do its announcements reach those who wait for the other's.
    let (a, b) = (Target::legacy("a", &["x"]).full("w"), Target::legacy("b", &["x"]).full("w"));
    let world = World::start(&[&a, &b]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    client.call("resources/subscribe", json!({ "uri": "b+file:///w" })).await.ok();
    a.notify("notifications/resources/updated", json!({ "uri": "file:///w" }));
    a.notify("notifications/resources/updated", json!({ "uri": "b+file:///w" }));
    assert!(!hears.heard().await.contains(&"resources/updated b+file:///w".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_a_call_comes_on_its_stream_alone() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":1}}"#;
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let a = target.on("tools/call", Act::saying([progress], Act::text("done")));
        let world = World::start(&[&a]).await;
        let client = world.legacy().await;
        let mut hears = client.listen();
        for _ in 0..3 {
            let reply = client.tool_with("x", json!("t")).await;
            assert_eq!((reply.noted(), reply.said()), (vec![r#"1@"t""#.to_owned()], "done".to_owned()));
        }
        assert_eq!(hears.heard().await, [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_modern_targets_updates_go_on_after_it_was_started_again() {
    let a = Target::modern("a", &["x"]).full("w");
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.call("resources/subscribe", json!({ "uri": "file:///w" })).await.ok();
    settle().await;
    a.cut();
    seconds(120).await;
    let mut hears = client.listen();
    hears.heard().await;
    a.notify("notifications/resources/updated", json!({ "uri": "file:///w" }));
    assert_eq!(hears.heard().await, ["resources/updated file:///w"]);
    a.offer(&["y"]);
    settle().await;
    assert_eq!(hears.heard().await, ["tools/list_changed"]);
}
