//! Between the eras: what each side must and must not see of the other.

use serde_json::{Value, json};

use crate::client::World;
use crate::target::{Act, Target};

fn modern_with(result: Value) -> Target {
    Target::modern("a", &["x"]).full("x").on("tools/call", Act::Result(result))
}

#[tokio::test(start_paused = true)]
async fn every_modern_result_names_us_and_says_its_type_whatever_the_target_is() {
    // The client checks this on every exchange; here is one of each.
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target.full("x");
        let world = World::start(&[&target]).await;
        let client = world.modern();
        client.tool("x").await.ok();
        client.call("prompts/get", json!({ "name": "x-prompt" })).await.ok();
        client.call("resources/read", json!({ "uri": "file:///x" })).await.ok();
        client
            .call(
                "completion/complete",
                json!({ "ref": { "type": "ref/prompt", "name": "x-prompt" }, "argument": {} }),
            )
            .await
            .ok();
        client.call("server/discover", json!({})).await.ok();
        for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
            client.call(method, json!({})).await.ok();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn other_meta_of_a_result_stays() {
    let meta = json!({ "example.com/trace": 1, "io.modelcontextprotocol/serverInfo": { "name": "theirs", "version": "1" } });
    let a = modern_with(json!({ "content": [], "_meta": meta }));
    let world = World::start(&[&a]).await;
    assert_eq!(world.modern().tool("x").await.ok()["_meta"]["example.com/trace"], 1);
    assert_eq!(world.legacy().await.tool("x").await.ok()["_meta"], json!({ "example.com/trace": 1 }));
}

#[tokio::test(start_paused = true)]
async fn caching_hints_of_a_modern_target_reach_modern_clients_and_a_legacy_one_gets_none() {
    let read =
        json!({ "contents": [{ "uri": "file:///x", "text": "" }], "ttlMs": 1234, "cacheScope": "public" });
    let a = Target::modern("a", &["x"]).full("x").on("resources/read", Act::Result(read));
    let b = Target::legacy("b", &["x"]).full("x");
    let world = World::start(&[&a, &b]).await;
    let read = async |uri: &str| world.modern().call("resources/read", json!({ "uri": uri })).await.ok();
    let theirs = read("a+file:///x").await;
    assert_eq!((&theirs["ttlMs"], &theirs["cacheScope"]), (&json!(1234), &json!("public")));
    let ours = read("b+file:///x").await;
    assert_eq!((&ours["ttlMs"], &ours["cacheScope"]), (&json!(0), &json!("private")));
    world.legacy().await.call("resources/read", json!({ "uri": "a+file:///x" })).await.ok();
}

#[tokio::test(start_paused = true)]
async fn hints_that_are_none_are_replaced() {
    for (ttl, scope) in [
        (json!(-1), json!("public")),
        (json!("1"), json!("public")),
        (json!(5), Value::Null),
        (json!(1.5), json!("private")),
    ] {
        let read = json!({ "contents": [], "ttlMs": ttl, "cacheScope": scope });
        let a = Target::modern("a", &[]).full("x").on("resources/read", Act::Result(read));
        let world = World::start(&[&a]).await;
        let read = world.modern().call("resources/read", json!({ "uri": "file:///x" })).await.ok();
        assert_eq!((&read["ttlMs"], &read["cacheScope"]), (&json!(0), &json!("private")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_cache_scope_that_is_none_is_replaced() {
    let read = json!({ "contents": [], "ttlMs": 5, "cacheScope": "everyone" });
    let a = Target::modern("a", &[]).full("x").on("resources/read", Act::Result(read));
    let world = World::start(&[&a]).await;
    let read = world.modern().call("resources/read", json!({ "uri": "file:///x" })).await.ok();
    assert_eq!(read["cacheScope"], "private");
}

// === Types of results ===

#[tokio::test(start_paused = true)]
async fn a_result_of_an_unknown_type_is_refused_to_a_modern_client() {
    for target in [
        modern_with(json!({ "resultType": "task", "task": {} })),
        modern_with(json!({ "resultType": "later" })),
    ] {
        let world = World::start(&[&target]).await;
        assert_eq!(world.modern().tool("x").await.code(), -32603);
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_of_an_unknown_type_is_refused_to_a_legacy_client() {
    let world = World::start(&[&modern_with(json!({ "resultType": "task", "task": {} }))]).await;
    assert_eq!(world.legacy().await.tool("x").await.code(), -32603);
}

#[tokio::test(start_paused = true)]
async fn a_request_for_input_passes_between_modern_peers_with_its_state_byte_by_byte() {
    let asking = r#"{"resultType":"input_required","requestState":"s\u00e9\/+= \ud83d\ude00","inputRequests":{"k" : {"method":"elicitation/create","params":{"n":1.0}}}}"#;
    let (state, requests) = (
        r#""requestState":"s\u00e9\/+= \ud83d\ude00""#,
        r#""inputRequests":{"k" : {"method":"elicitation/create","params":{"n":1.0,"_meta":{"agentgateway.dev/target":"a"}}}}"#,
    );
    let a = Target::modern("a", &["x"]).on(
        "tools/call",
        Act::with(move |request| match request["params"].get("inputResponses") {
            None => Act::Spelled(asking.into()),
            Some(_) => Act::text("done"),
        }),
    );
    let world = World::start(&[&a, &Target::legacy("b", &[])]).await;
    let mut client = world.modern();
    client.capabilities = json!({ "elicitation": {} });
    let reply = client.tool("a_x").await;
    assert!(reply.text.contains(state) && reply.text.contains(requests), "{}", reply.text);
    let params = format!(
        r#""name":"a_x","inputResponses":{{"k":{{"action":"accept","content":{{"n":2.0}}}}}},{state},"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","{}":{{}}}}"#,
        crate::target::CAPABILITIES,
    );
    let body = format!(r#"{{"jsonrpc":"2.0","id":50,"method":"tools/call","params":{{{params}}}}}"#);
    let head = client.head("tools/call", &json!({ "name": "a_x" }));
    let done = client.exchange(head, &json!(50), "tools/call", body).await.expect("an answer");
    assert_eq!(done.said(), "done");
    let heard = a.heard_of("tools/call").pop().expect("the retry").text;
    assert!(
        heard.contains(state)
            && heard.contains(r#""inputResponses":{"k":{"action":"accept","content":{"n":2.0}}}"#),
        "{heard}"
    );
}

#[tokio::test(start_paused = true)]
async fn input_may_be_asked_for_after_progress_too() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":1}}"#;
    let asking = json!({ "resultType": "input_required", "requestState": "s" });
    let a = Target::modern("a", &["x"]).on("tools/call", Act::saying([progress], Act::Result(asking)));
    let world = World::start(&[&a]).await;
    let reply = world.modern().tool_with("x", json!("t")).await;
    assert_eq!((reply.notes.len(), reply.ok()["requestState"].clone()), (1, json!("s")));
}

#[tokio::test(start_paused = true)]
async fn input_is_asked_for_only_where_it_may_be() {
    let asking = json!({ "resultType": "input_required", "requestState": "s" });
    let a = Target::modern("a", &["x"]).full("x");
    for method in ["tools/call", "prompts/get", "resources/read", "completion/complete"] {
        a.act(method, Act::Result(asking.clone()));
    }
    let world = World::start(&[&a]).await;
    let client = world.modern();
    assert_eq!(client.tool("x").await.ok()["resultType"], "input_required");
    assert_eq!(
        client.call("prompts/get", json!({ "name": "x-prompt" })).await.ok()["resultType"],
        "input_required"
    );
    assert_eq!(
        client.call("resources/read", json!({ "uri": "file:///x" })).await.ok()["resultType"],
        "input_required"
    );
    let complete = json!({ "ref": { "type": "ref/prompt", "name": "x-prompt" }, "argument": {} });
    assert_eq!(client.call("completion/complete", complete).await.code(), -32603);
    let legacy = world.legacy().await;
    assert_eq!(legacy.tool("x").await.code(), -32603, "a legacy client cannot be asked yet");
}

#[tokio::test(start_paused = true)]
async fn a_word_in_a_result_is_not_a_request_for_input() {
    let a =
        modern_with(json!({ "content": [{ "type": "text", "text": "\"resultType\":\"input_required\"" }] }));
    let world = World::start(&[&a]).await;
    for client in [world.modern(), world.legacy().await] {
        assert_eq!(client.tool("x").await.said(), "\"resultType\":\"input_required\"");
    }
}

// === Errors ===

#[tokio::test(start_paused = true)]
async fn targets_errors_reach_modern_clients_in_codes_that_mean_something() {
    // The client refuses every other code by itself.
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let world = World::start(&[&target]).await;
        for (theirs, ours) in [
            (-32002, -32602),
            (-32042, -32603),
            (-32000, -32603),
            (-32001, -32603),
            (-32003, -32603),
            (-32004, -32603),
            (-32019, -32603),
            (-32020, -32603),
            (-32021, -32021),
            (-32022, -32603),
            (-32023, -32603),
            (-32050, -32603),
            (-32099, -32603),
            (-32602, -32602),
            (-32601, -32601),
            (-32603, -32603),
            (-1, -1),
            (42, 42),
        ] {
            target.act(
                "tools/call",
                Act::Error(json!({ "code": theirs, "message": "no", "data": { "why": 1 } })),
            );
            let refused = world.modern().tool("x").await;
            assert_eq!(refused.code(), ours, "{theirs}");
            let error = refused.outcome.expect_err("an error");
            // Headers are ours to get right, so that the words are ours, too.
            let ours_to_explain = theirs == -32020 && target.change(|script| script.modern);
            assert_eq!(error["message"] == "no", !ours_to_explain, "{theirs}");
            if theirs != ours && theirs != -32002 {
                assert_eq!(error["data"]["original"]["code"], theirs, "the original is carried as data");
            } else {
                assert_eq!(error["data"]["why"], 1);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn targets_errors_reach_legacy_clients_as_they_are() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    for code in [-32002, -32042, -32000, -1, 42] {
        a.act("tools/call", Act::Error(json!({ "code": code, "message": "no", "data": [1] })));
        let error = client.tool("x").await.outcome.expect_err("an error");
        assert_eq!(error, json!({ "code": code, "message": "no", "data": [1] }));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_target_says_of_itself_stays_inside() {
    let a = Target::legacy("a", &["x"]);
    a.kill();
    let world = World::start(&[&a, &Target::legacy("b", &["x"])]).await;
    let error = world.modern().tool("a_x").await.outcome.expect_err("an error");
    assert!(!error.to_string().contains("connection refused"), "{error}");
}
