//! What a target sees of a call, and what a client sees of its answer.

use serde_json::{Value, json};

use crate::client::{Client, World};
use crate::target::{Act, CAPABILITIES, Target};

/// A request whose bytes matter: `params` as they are spelled, before the members of the envelope.
async fn spelled(client: &Client, method: &str, name: &str, params: &str) -> Value {
    let envelope = match client.session {
        None => format!(
            r#","_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","{CAPABILITIES}":{{}}}}"#
        ),
        Some(_) => String::new(),
    };
    let body = format!(r#"{{"jsonrpc":"2.0","id":77,"method":"{method}","params":{{{params}{envelope}}}}}"#);
    let head = client.head(method, &json!({ "name": name }));
    client.exchange(head, &json!(77), method, body).await.expect("an answer").ok()
}

#[tokio::test(start_paused = true)]
async fn arguments_reach_the_target_as_they_were_spelled() {
    let arguments = r#"{ "n" : 1.0e2,"big":12345678901234567890123,"é":"\u00e9","z":1,"a":[ ] }"#;
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let world = World::start(&[&target, &Target::legacy("b", &[])]).await;
        for client in [world.modern(), world.legacy().await] {
            spelled(
                &client,
                "tools/call",
                "a_x",
                &format!(r#""name":"a_x","arguments":{arguments},"later":null"#),
            )
            .await;
            let heard = target.heard_of("tools/call").pop().expect("a call").text;
            assert!(heard.contains(&format!(r#""arguments":{arguments}"#)), "{heard}");
            assert!(heard.contains(r#""name":"x""#) && heard.contains(r#""later":null"#), "{heard}");
            assert!(!heard.contains("a_x"), "{heard}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_results_members_pass_through_as_they_were_spelled() {
    let members = r#""content":[{ "type":"text","text":"\u00e9","new":1.10 }],"structuredContent":{"n":12345678901234567890123}"#;
    let legacy = Target::legacy("a", &["x"]).on("tools/call", Act::Spelled(format!("{{{members}}}")));
    let modern = Target::modern("a", &["x"])
        .on("tools/call", Act::Spelled(format!(r#"{{{members},"resultType":"complete"}}"#)));
    for target in [legacy, modern] {
        let world = World::start(&[&target]).await;
        for client in [world.modern(), world.legacy().await] {
            let text = client.tool("x").await.text;
            assert!(text.contains(members), "{text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn links_and_embedded_resources_in_answers_lead_back_to_their_target() {
    let content = json!([
        { "type": "resource_link", "uri": "file:///x", "name": "x" },
        { "type": "resource", "resource": { "uri": "file:///y", "text": "see file:///x" } },
        { "type": "text", "text": "file:///x" },
    ]);
    let call = Act::Result(
        json!({ "content": content, "structuredContent": { "uri": "file:///x" }, "_meta": { "ui": { "resourceUri": "ui://v" } } }),
    );
    let prompt = Act::Result(json!({ "messages": [
        { "role": "user", "content": { "type": "resource", "resource": { "uri": "file:///x", "text": "" } } },
        { "role": "user", "content": { "type": "resource_link", "uri": "file:///x", "name": "x" } },
    ] }));
    let read = Act::Result(
        json!({ "contents": [{ "uri": "file:///x", "text": "" }, { "uri": "file:///x/part", "text": "" }] }),
    );
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target
            .full("x")
            .on("tools/call", call.clone())
            .on("prompts/get", prompt.clone())
            .on("resources/read", read.clone());
        let world = World::start(&[&target, &Target::legacy("b", &[])]).await;
        for client in [world.modern(), world.legacy().await] {
            let called = client.tool("a_x").await.ok();
            assert_eq!(called["content"][0]["uri"], "a+file:///x");
            assert_eq!(
                called["content"][1]["resource"],
                json!({ "uri": "a+file:///y", "text": "see file:///x" })
            );
            assert_eq!(called["content"][2]["text"], "file:///x");
            assert_eq!(called["structuredContent"]["uri"], "file:///x");
            assert_eq!(called["_meta"]["ui"]["resourceUri"], "ui://a+v");
            let got = client.call("prompts/get", json!({ "name": "a_x-prompt" })).await.ok();
            assert_eq!(got["messages"][0]["content"]["resource"]["uri"], "a+file:///x");
            assert_eq!(got["messages"][1]["content"]["uri"], "a+file:///x");
            let read = client.call("resources/read", json!({ "uri": "a+file:///x" })).await.ok();
            assert_eq!(
                (&read["contents"][0]["uri"], &read["contents"][1]["uri"]),
                (&json!("a+file:///x"), &json!("a+file:///x/part"))
            );
            assert_eq!(target.last("prompts/get")["name"], "x-prompt");
            assert_eq!(target.last("resources/read")["uri"], "file:///x");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn uris_stay_as_they_are_where_names_carry_no_target() {
    let link = json!({ "content": [{ "type": "resource_link", "uri": "file:///x", "name": "x" }] });
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Result(link));
    let world = World::start(&[&a]).await;
    assert_eq!(world.modern().tool("x").await.ok()["content"][0]["uri"], "file:///x");
}

#[tokio::test(start_paused = true)]
async fn completion_goes_to_the_owner_of_the_prompt_or_template() {
    let (a, b) = (Target::legacy("a", &[]).full("x"), Target::modern("b", &[]).full("x"));
    let world = World::start(&[&a, &b]).await;
    for client in [world.modern(), world.legacy().await] {
        for (reference, owner, local) in [
            (
                json!({ "type": "ref/prompt", "name": "a_x-prompt" }),
                &a,
                json!({ "type": "ref/prompt", "name": "x-prompt" }),
            ),
            (
                json!({ "type": "ref/prompt", "name": "b_x-prompt" }),
                &b,
                json!({ "type": "ref/prompt", "name": "x-prompt" }),
            ),
            (
                json!({ "type": "ref/resource", "uri": "b+x://{x}" }),
                &b,
                json!({ "type": "ref/resource", "uri": "x://{x}" }),
            ),
            (
                json!({ "type": "ref/resource", "uri": "a+file:///x" }),
                &a,
                json!({ "type": "ref/resource", "uri": "file:///x" }),
            ),
        ] {
            let params = json!({ "ref": reference, "argument": { "name": "x", "value": "v" }, "context": { "arguments": { "y": "w" } } });
            let completed = client.call("completion/complete", params).await.ok();
            assert_eq!(completed["completion"]["values"], json!([owner.name()]));
            let heard = owner.last("completion/complete");
            assert_eq!((&heard["ref"], &heard["context"]["arguments"]["y"]), (&local, &json!("w")));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_completion_of_more_than_a_hundred_values_is_cut_and_says_so() {
    let values = |count: usize| (0..count).map(|n| format!("v{n}")).collect::<Vec<_>>();
    let completing = |count: usize| {
        Act::Result(
            json!({ "completion": { "values": values(count), "total": count, "hasMore": false }, "x": 1 }),
        )
    };
    let log = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":"x"}}"#;
    for target in [Target::legacy("a", &[]), Target::modern("a", &[])] {
        let target = target.full("x");
        let world = World::start(&[&target]).await;
        let mut modern = world.modern();
        modern.level = Some("debug");
        for client in [modern, world.legacy().await] {
            for (act, kept, more) in [
                (completing(100), 100, false),
                (completing(101), 100, true),
                (Act::saying([log], completing(1000)), 100, true),
            ] {
                target.act("completion/complete", act);
                let params = json!({ "ref": { "type": "ref/prompt", "name": "x-prompt" }, "argument": { "name": "n", "value": "v" } });
                let result = client.call("completion/complete", params).await.ok();
                assert_eq!(
                    (&result["completion"]["values"], &result["x"]),
                    (&json!(values(kept)), &json!(1))
                );
                assert_eq!(result["completion"]["hasMore"], more);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_completion_for_nothing_is_invalid_params() {
    let (a, b) = (Target::legacy("a", &[]).full("x"), Target::legacy("b", &[]));
    let world = World::start(&[&a, &b]).await;
    for reference in [
        json!({ "type": "ref/prompt", "name": "c_x" }),
        json!({ "type": "ref/resource", "uri": "c+x://{x}" }),
        json!({ "type": "ref/tool", "name": "a_x" }),
        json!({ "type": "ref/prompt" }),
        json!({}),
        json!(7),
        Value::Null,
    ] {
        let refused =
            world.modern().call("completion/complete", json!({ "ref": reference, "argument": {} })).await;
        assert_eq!(refused.code(), -32602, "{reference}");
    }
    assert_eq!(a.count("completion/complete"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_the_name_it_is_routed_by_is_invalid_params() {
    let world = World::start(&[&Target::legacy("a", &["x"]).full("x")]).await;
    for client in [world.modern(), world.legacy().await] {
        for (method, params) in [
            ("tools/call", json!({})),
            ("tools/call", json!({ "name": 7 })),
            ("tools/call", json!({ "name": null })),
            ("prompts/get", json!({})),
            ("resources/read", json!({ "uri": ["x"] })),
            ("resources/read", json!({})),
        ] {
            assert_eq!(client.call(method, params.clone()).await.code(), -32602, "{method} {params}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_modern_target_is_told_what_the_client_declared_and_works_through_us() {
    let a = Target::modern("a", &["x"]);
    let world = World::start(&[&a]).await;
    let mut client = world.modern();
    client.capabilities = json!({ "elicitation": { "form": {} }, "extensions": { "io.modelcontextprotocol/ui": { "v": 1 }, "example.com/x": {} } });
    let meta = json!({ "io.modelcontextprotocol/clientInfo": { "name": "me", "version": "3" }, "traceparent": "00-1-2-01" });
    client.call("tools/call", json!({ "name": "x", "_meta": meta })).await.ok();
    let heard = a.last("tools/call")["_meta"].clone();
    let bridged =
        json!({ "elicitation": { "form": {} }, "extensions": { "io.modelcontextprotocol/ui": { "v": 1 } } });
    assert_eq!(heard[CAPABILITIES], bridged);
    assert_eq!(heard["io.modelcontextprotocol/clientInfo"]["name"], "me");
    assert_eq!(heard["traceparent"], "00-1-2-01");
    world.legacy().await.tool("x").await.ok();
    assert_eq!(a.last("tools/call")["_meta"][CAPABILITIES], json!({}));
}

#[tokio::test(start_paused = true)]
async fn a_legacy_target_hears_nothing_of_the_clients_envelope() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    world.modern().tool("x").await.ok();
    assert!(a.last("tools/call").get("_meta").is_none());
    let traced = json!({ "name": "x", "_meta": { "traceparent": "00-1-2-01" } });
    world.modern().call("tools/call", traced).await.ok();
    assert_eq!(a.last("tools/call")["_meta"], json!({ "traceparent": "00-1-2-01" }));
}

#[tokio::test(start_paused = true)]
async fn a_tools_own_failure_is_a_result() {
    let failure = json!({ "content": [{ "type": "text", "text": "no" }], "isError": true });
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Result(failure));
    let world = World::start(&[&a]).await;
    for client in [world.modern(), world.legacy().await] {
        assert_eq!(client.tool("x").await.ok()["isError"], true);
    }
}

#[tokio::test(start_paused = true)]
async fn a_targets_ping_in_a_call_is_answered_and_what_was_not_declared_is_refused() {
    let a = Target::legacy("a", &["ping", "ask", "elicit", "roots"])
        .on("tools/call ping", Act::Ask("ping", json!({})))
        .on("tools/call ask", Act::Ask("sampling/createMessage", json!({ "messages": [], "maxTokens": 1 })))
        .on(
            "tools/call elicit",
            Act::Ask("elicitation/create", json!({ "message": "?", "requestedSchema": {} })),
        )
        .on("tools/call roots", Act::Ask("roots/list", json!({})));
    let world = World::start(&[&a]).await;
    for client in [world.modern(), world.legacy().await] {
        let answered: Value = serde_json::from_str(&client.tool("ping").await.said()).expect("JSON");
        assert_eq!(answered["result"], json!({}));
        for (tool, code) in [("ask", -32601), ("elicit", -32602), ("roots", -32601)] {
            let refused: Value = serde_json::from_str(&client.tool(tool).await.said()).expect("JSON");
            assert_eq!(refused["error"]["code"], code, "{tool}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls_at_the_same_time_get_each_its_own_answer() {
    let echo =
        Act::with(|request| Act::after(1, Act::text(&request["params"]["arguments"]["n"].to_string())));
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target.on("tools/call", echo.clone());
        let world = World::start(&[&target]).await;
        for client in [world.modern(), world.legacy().await] {
            let calls = (0..200).map(|n| {
                let client = &client;
                async move {
                    client.call("tools/call", json!({ "name": "x", "arguments": { "n": n } })).await.said()
                        == n.to_string()
                }
            });
            assert!(futures::future::join_all(calls).await.into_iter().all(|own| own));
        }
    }
}
