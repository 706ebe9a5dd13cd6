//! What clients of each revision are given of results, lists and questions that only newer ones understand.

use expect_test::expect;
use serde_json::{Value, json};

use crate::client::{Client, World};
use crate::target::{Act, Door, Script, Target};

const LEGACY: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// A result with one of everything that some revision does not know.
fn rich() -> Value {
    json!({
        "content": [
            { "type": "text", "text": "words" },
            { "type": "audio", "data": "AAAA", "mimeType": "audio/wav" },
            { "type": "resource_link", "uri": "file:///x", "name": "x" },
        ],
        "structuredContent": { "n": 1 },
    })
}

fn types(result: &Value) -> Vec<&str> {
    let blocks = result["content"].as_array().expect("content");
    blocks.iter().map(|block| block["type"].as_str().expect("a type")).collect()
}

/// A client of each legacy revision, oldest first.
async fn clients(world: &World) -> Vec<Client> {
    let mut clients = Vec::new();
    for version in LEGACY {
        clients.push(world.legacy_of(version).await.0);
    }
    clients
}

// === Results ===

#[tokio::test(start_paused = true)]
async fn each_revision_gets_the_blocks_that_it_knows_whatever_the_target_is() {
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target.on("tools/call", Act::Result(rich()));
        let world = World::start(&[&target, &Target::legacy("b", &[])]).await;
        let mut seen = Vec::new();
        for client in clients(&world).await {
            let result = client.tool("a_x").await.ok();
            seen.push((types(&result).join(" "), result["structuredContent"].clone()));
            let link = &result["content"][2];
            let there = link["uri"].as_str().or(link["text"].as_str()).expect("a link or a text");
            assert!(there.contains("a+file:///x"), "a link leads to what can be read here: {link}");
        }
        let object = json!({ "n": 1 });
        assert_eq!(
            seen,
            [
                ("text text text".to_owned(), Value::Null),
                ("text audio text".to_owned(), Value::Null),
                ("text audio resource_link".to_owned(), object.clone()),
                ("text audio resource_link".to_owned(), object.clone()),
            ]
        );
        let modern = world.modern().tool("a_x").await.ok();
        assert_eq!((types(&modern).len(), &modern["structuredContent"]), (3, &object));
    }
}

#[tokio::test(start_paused = true)]
async fn structured_content_that_is_no_object_never_reaches_a_legacy_client() {
    let result = json!({ "content": [], "structuredContent": [1, 2] });
    let a = Target::modern("a", &["x"]).on("tools/call", Act::Result(result));
    let world = World::start(&[&a]).await;
    for client in clients(&world).await {
        let result = client.tool("x").await.ok();
        assert!(result.get("structuredContent").is_none(), "{result}");
        assert_eq!(result["content"], json!([{ "type": "text", "text": "[1,2]" }]));
    }
    assert_eq!(world.modern().tool("x").await.ok()["structuredContent"], json!([1, 2]));
}

#[tokio::test(start_paused = true)]
async fn a_plain_result_reaches_every_client_byte_for_byte() {
    let spelled =
        r#"{ "content":[ {"text":"1.0e1 \"audio\"","type":"text"} ] ,"big":123456789012345678901234567890}"#;
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Spelled(spelled.into()));
    let world = World::start(&[&a]).await;
    for client in clients(&world).await {
        assert!(client.tool("x").await.text.contains(spelled));
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_that_says_something_twice_is_nobodys_to_interpret() {
    let twice = r#"{"content":[],"structuredContent":[1],"structuredContent":{"n":1}}"#;
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Spelled(twice.into()));
    let world = World::start(&[&a]).await;
    for client in clients(&world).await {
        assert!(client.tool("x").await.text.contains(twice), "we do not choose which of the two counts");
    }
    // A modern result has to be completed, which takes to read it.
    let refused = world.modern().tool("x").await;
    assert_eq!(refused.code(), -32603);
    let error = refused.outcome.expect_err("an error");
    assert!(
        error["message"].as_str().is_some_and(|text| text.contains("`structuredContent` occurs twice")),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn messages_of_prompts_are_converted_as_well() {
    let content = json!({ "type": "resource_link", "uri": "file:///x", "name": "x" });
    let result = json!({ "messages": [{ "role": "user", "content": content }] });
    let a = Target::modern("a", &[]).full("x").on("prompts/get", Act::Result(result));
    let world = World::start(&[&a]).await;
    for (client, kind) in clients(&world).await.iter().zip(["text", "text", "resource_link", "resource_link"])
    {
        let got = client.call("prompts/get", json!({ "name": "x-prompt" })).await.ok();
        assert_eq!(got["messages"][0]["content"]["type"], kind);
    }
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_a_modern_target_does_not_find_has_the_code_of_the_clients_era() {
    let a = Target::modern("a", &[]).full("x");
    let world = World::start(&[&a]).await;
    let params = json!({ "uri": "file:///nothing" });
    let refused = world.legacy().await.call("resources/read", params.clone()).await;
    assert_eq!(refused.code(), -32002);
    assert_eq!(refused.outcome.expect_err("an error")["data"]["uri"], "file:///nothing");
    assert_eq!(world.modern().call("resources/read", params).await.code(), -32602);
    let other = world.legacy().await.call("prompts/get", json!({ "name": "nothing" })).await;
    assert_eq!(other.code(), -32602, "the code is about resources only");
}

// === Lists ===

#[tokio::test(start_paused = true)]
async fn tools_are_listed_to_each_revision_without_what_it_would_misread() {
    let tool = json!({
        "name": "x", "title": "X", "inputSchema": { "type": "object" }, "annotations": { "readOnlyHint": true },
        "outputSchema": { "type": "object" }, "execution": { "taskSupport": "optional" },
    });
    let other =
        json!({ "name": "y", "inputSchema": { "type": "object" }, "outputSchema": { "type": "array" } });
    let a = Target::legacy("a", &[]).be(|script| script.tools = vec![tool, other]);
    let world = World::start(&[&a]).await;
    let mut seen = Vec::new();
    let mut clients = clients(&world).await;
    clients.push(world.modern());
    for client in clients {
        let tools = client.call("tools/list", json!({})).await.ok()["tools"].clone();
        assert_eq!(tools[0]["title"], "X", "what is merely unknown stays");
        let of = |index: usize| {
            let members = ["annotations", "outputSchema", "execution"];
            members.into_iter().filter(|key| tools[index].get(*key).is_some()).collect::<Vec<_>>().join(" ")
        };
        seen.push((of(0), of(1)));
    }
    let pairs = [
        ("", ""),
        ("annotations", ""),
        ("annotations outputSchema", ""),
        ("annotations outputSchema execution", ""),
        ("annotations outputSchema", "outputSchema"),
    ];
    assert_eq!(seen, pairs.map(|(x, y)| (x.to_owned(), y.to_owned())));
}

// === Questions ===

fn elicitation() -> Value {
    json!({ "form": {}, "url": {} })
}

/// A modern target that asks one thing and says what it was answered.
fn asks(method: &'static str, params: Value) -> Target {
    Target::modern("a", &["x"]).on(
        "tools/call",
        Act::with(move |request| match request["params"]["inputResponses"].get("q") {
            Some(answer) => Act::text(&answer.to_string()),
            None => Act::Result(json!({
                "resultType": "input_required", "inputRequests": { "q": { "method": method, "params": params } },
            })),
        }),
    )
}

async fn converse(
    world: &World,
    version: &'static str,
    capabilities: Value,
    answer: Value,
) -> (Value, Value) {
    let client = world.legacy_as(version, capabilities).await.0;
    let params = json!({ "name": "x", "arguments": {} });
    let (reply, asked) = client.converse("tools/call", params, |_| json!({ "result": answer })).await;
    (asked[0]["params"].clone(), serde_json::from_str(&reply.said()).expect("JSON"))
}

#[tokio::test(start_paused = true)]
async fn a_form_with_choices_is_asked_as_2025_06_18_knows_them_and_answered_as_the_target_does() {
    let properties = json!({
        "one": { "type": "string", "oneOf": [{ "const": "a", "title": "A" }] },
        "several": { "type": "array", "items": { "type": "string", "enum": ["a", "b"] } },
    });
    let schema = json!({ "type": "object", "properties": properties });
    let a = asks("elicitation/create", json!({ "mode": "form", "message": "m", "requestedSchema": schema }));
    let world = World::start(&[&a]).await;
    let capabilities = json!({ "elicitation": {} });
    let answer = json!({ "action": "accept", "content": { "one": "a", "several": "b" } });
    let (asked, told) = converse(&world, "2025-06-18", capabilities, answer).await;
    assert!(asked.get("mode").is_none(), "{asked}");
    let properties = &asked["requestedSchema"]["properties"];
    assert_eq!(properties["one"], json!({ "type": "string", "enum": ["a"], "enumNames": ["A"] }));
    assert_eq!(properties["several"], json!({ "type": "string", "enum": ["a", "b"] }));
    assert_eq!(told["content"], json!({ "one": "a", "several": ["b"] }));

    let answer = json!({ "action": "accept", "content": { "one": "a", "several": ["b"] } });
    let (asked, told) = converse(&world, "2025-11-25", json!({ "elicitation": elicitation() }), answer).await;
    assert_eq!((&asked["mode"], &asked["requestedSchema"]), (&json!("form"), &schema));
    assert_eq!(told["content"]["several"], json!(["b"]));
}

#[tokio::test(start_paused = true)]
async fn a_question_at_a_url_has_an_id_for_a_client_that_needs_one() {
    let a = asks("elicitation/create", json!({ "mode": "url", "message": "m", "url": "https://x/1" }));
    let world = World::start(&[&a]).await;
    let capabilities = json!({ "elicitation": elicitation() });
    let (asked, _) = converse(&world, "2025-11-25", capabilities, json!({ "action": "accept" })).await;
    assert!(asked["elicitationId"].as_str().is_some_and(|id| !id.is_empty()), "{asked}");
    assert_eq!(asked["url"], "https://x/1");
}

#[tokio::test(start_paused = true)]
async fn a_model_is_asked_with_one_block_a_message_where_there_were_no_more() {
    let blocks = json!([{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }]);
    let params = json!({ "messages": [{ "role": "user", "content": blocks }], "maxTokens": 1 });
    let world = World::start(&[&asks("sampling/createMessage", params.clone())]).await;
    let answer = json!({ "role": "assistant", "content": { "type": "text", "text": "c" }, "model": "m" });
    for version in LEGACY {
        let (asked, told) = converse(&world, version, json!({ "sampling": {} }), answer.clone()).await;
        let count = asked["messages"].as_array().map_or(0, Vec::len);
        assert_eq!(count, if version == "2025-11-25" { 1 } else { 2 }, "{version}");
        assert_eq!(told, answer);
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_answers_an_older_target_in_one_block() {
    let blocks = json!([{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }]);
    let answer = json!({ "role": "assistant", "content": blocks, "model": "m" });
    let one = json!({ "type": "text", "text": "a\nb" });
    for (version, content) in [("2025-06-18", &one), ("2025-11-25", &blocks)] {
        let shaken = json!({
            "protocolVersion": version, "capabilities": { "tools": {} }, "serverInfo": { "name": "old", "version": "1" },
        });
        let a = Target::legacy("a", &["x"])
            .on("initialize", Act::Result(shaken))
            .on("tools/call", Act::Ask("sampling/createMessage", json!({ "messages": [], "maxTokens": 1 })));
        let world = World::start(&[&a]).await;
        let (_, told) = converse(&world, "2025-11-25", json!({ "sampling": {} }), answer.clone()).await;
        assert_eq!(&told["result"]["content"], content, "{version}");
        let mut client = world.modern();
        client.capabilities = json!({ "sampling": {} });
        let asked = client.tool("x").await.ok();
        let key =
            asked["inputRequests"].as_object().and_then(|asked| asked.keys().next()).expect("a question");
        let params = json!({
            "name": "x", "arguments": {}, "requestState": asked["requestState"], "inputResponses": { key: answer },
        });
        let told: Value =
            serde_json::from_str(&client.call("tools/call", params).await.said()).expect("JSON");
        assert_eq!(&told["result"]["content"], content, "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_without_tools_is_not_shown_what_became_of_any() {
    let content = json!([{ "type": "tool_result", "toolUseId": "1", "content": [] }]);
    let params = json!({ "messages": [{ "role": "user", "content": content }], "maxTokens": 1 });
    let world = World::start(&[&asks("sampling/createMessage", params)]).await;
    for version in LEGACY {
        let client = world.legacy_as(version, json!({ "sampling": {} })).await.0;
        let (reply, asked) = client
            .converse("tools/call", json!({ "name": "x", "arguments": {} }), |_| json!({ "result": {} }))
            .await;
        assert!(asked.is_empty(), "{version}: {asked:?}");
        assert_eq!(reply.ok()["isError"], true);
    }
}

#[tokio::test(start_paused = true)]
async fn a_legacy_target_cannot_ask_in_its_result() {
    let request = json!({ "method": "elicitation/create", "params": { "message": "m" } });
    let result =
        json!({ "resultType": "input_required", "inputRequests": { "k": request }, "requestState": "s" });
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Result(result));
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(json!({ "elicitation": {} })).await;
    let (reply, asked) = client
        .converse(
            "tools/call",
            json!({ "name": "x", "arguments": {} }),
            |_| json!({ "result": { "action": "accept" } }),
        )
        .await;
    assert!(asked.is_empty(), "{asked:?}");
    assert_eq!(reply.code(), -32603);
    let mut modern = world.modern();
    modern.capabilities = json!({ "elicitation": {} });
    assert_eq!(modern.tool("x").await.code(), -32603);
    assert_eq!(a.count("tools/call"), 2, "and none is made again");
}

// === What was not always said ===

#[tokio::test(start_paused = true)]
async fn a_server_offers_each_revision_what_that_revision_knows_whatever_the_target_is() {
    let (ui, tasks) = ("io.modelcontextprotocol/ui", "io.modelcontextprotocol/tasks");
    let offering = |script: &mut Script| {
        script.capabilities["extensions"] = json!({ ui: {}, tasks: {}, "example.com/odd": {} });
        script.capabilities["tasks"] = json!({ "requests": { "tools": { "call": {} } } });
        script.capabilities["example"] = json!({});
    };
    let legacy = Target::legacy("a", &["x"]).full("x").be(offering);
    let modern = Target::modern("a", &["x"]).full("x").be(offering);
    for (target, kept, followed) in [(legacy, "tasks", ""), (modern, "", tasks)] {
        let world = World::start(&[&target]).await;
        let mut offered = Vec::new();
        for version in LEGACY {
            offered.push(world.legacy_of(version).await.1["capabilities"].clone());
        }
        offered.push(world.modern().call("server/discover", json!({})).await.ok()["capabilities"].clone());
        let keys = |object: &Value| -> Vec<String> {
            object.as_object().expect("an object").keys().cloned().collect()
        };
        let since_2025_03_26 = ["completions"];
        let always = ["extensions", "logging", "prompts", "resources", "tools"];
        for (capabilities, version) in offered.iter().zip(LEGACY.iter().chain(&["2026-07-28"])) {
            let mut expected: Vec<&str> = always.to_vec();
            expected.extend(since_2025_03_26.iter().filter(|_| *version != "2024-11-05"));
            expected.extend([kept].iter().filter(|kept| *version == "2025-11-25" && !kept.is_empty()));
            expected.sort_unstable();
            let mut found = keys(capabilities);
            found.sort_unstable();
            assert_eq!(found, expected, "{version}");
            let mut expected = vec![ui];
            expected.extend([followed].iter().filter(|id| *version == "2026-07-28" && !id.is_empty()));
            expected.sort_unstable();
            let mut found = keys(&capabilities["extensions"]);
            found.sort_unstable();
            assert_eq!(found, expected, "{version}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn completions_of_2024_11_05_need_no_flag() {
    let opened = |capabilities: Value| {
        let result = json!({ "protocolVersion": "2024-11-05", "capabilities": capabilities, "serverInfo": { "name": "old", "version": "1" } });
        Act::Result(result)
    };
    let a = Target::legacy("a", &[]).full("x").on("initialize", opened(json!({ "prompts": {} })));
    let world = World::start(&[&a]).await;
    let params = json!({ "ref": { "type": "ref/prompt", "name": "x-prompt" }, "argument": { "name": "n", "value": "v" } });
    let (client, shaken) = world.legacy_of("2025-11-25").await;
    assert!(shaken["capabilities"]["completions"].is_object(), "{shaken}");
    assert_eq!(
        client.call("completion/complete", params.clone()).await.ok()["completion"]["values"],
        json!(["a"])
    );

    let without = Target::legacy("a", &["x"]).on("initialize", opened(json!({ "tools": {} })));
    let world = World::start(&[&without]).await;
    assert_eq!(
        world.modern().call("completion/complete", params).await.code(),
        -32601,
        "nothing to complete"
    );
}

#[tokio::test(start_paused = true)]
async fn log_messages_say_which_target_speaks_where_several_may() {
    let log = |logger: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"error"{logger},"data":"x"}}}}"#
        )
    };
    let a = Target::legacy("a", &["x"])
        .full("x")
        .on("tools/call", Act::saying([log(r#","logger":"db""#), log("")], Act::text("done")));
    let loggers = |notes: &[Value]| -> Vec<Value> {
        notes.iter().map(|note| note["params"]["logger"].clone()).collect()
    };
    let alone = World::start(&[&a]).await;
    assert_eq!(loggers(&alone.legacy().await.tool("x").await.notes), [json!("db"), Value::Null]);
    drop(alone);
    let world = World::start(&[&a, &Target::legacy("b", &[])]).await;
    let client = world.legacy().await;
    assert_eq!(loggers(&client.tool("a_x").await.notes), [json!("a/db"), json!("a")]);
    let mut listener = client.listen();
    a.say(&log(r#","logger":"net""#));
    assert_eq!(listener.next().await.expect("a message")["params"]["logger"], "a/net");
}

// === Lists, byte by byte ===

#[tokio::test(start_paused = true)]
async fn every_byte_of_a_list_is_the_same_for_whoever_asks_and_however_often() {
    let x = json!({
        "name": "x", "title": "X", "inputSchema": { "type": "object" }, "annotations": { "readOnlyHint": true },
        "outputSchema": { "type": "object" }, "execution": { "taskSupport": "optional" },
    });
    let y = json!({ "name": "y", "inputSchema": { "type": "object" }, "outputSchema": { "type": "array" } });
    let a = Target::modern("a", &[]).be(|script| {
        (script.tools, script.scope, script.ttl_ms) = (vec![x, y], "public", 5000);
    });
    let b = Target::legacy("b", &["z"]).full("w");
    let shut = Target::legacy("c", &[]).be(|script| script.door = Door::Shut);
    let world = World::start(&[&a, &b, &shut]).await;
    let mut said: Vec<String> = Vec::new();
    let modern = world.modern();
    for client in clients(&world).await.iter().chain([&modern]) {
        for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
            let mut texts = Vec::new();
            for _ in 0..2 {
                texts.push(client.call_as(json!("id"), method, json!({})).await.expect("an answer").text);
            }
            assert_eq!(texts[0], texts[1]);
            if !said.contains(&texts[0]) {
                said.append(&mut texts);
                said.pop();
            }
        }
    }
    expect![[r#"
        {"jsonrpc":"2.0","id":"id","result":{"tools":[{"inputSchema":{"type":"object"},"name":"a_x","title":"X"},{"inputSchema":{"type":"object"},"name":"a_y"},{"inputSchema":{"type":"object"},"name":"b_z"}],"_meta":{"agentgateway.dev/missingTargets":[{"name":"c","status":"failing","reason":"connection refused"}]}}}
        {"jsonrpc":"2.0","id":"id","result":{"prompts":[{"name":"b_w-prompt"}],"_meta":{"agentgateway.dev/missingTargets":[{"name":"c","status":"failing","reason":"connection refused"}]}}}
        {"jsonrpc":"2.0","id":"id","result":{"resources":[{"name":"w","uri":"b+file:///w"}],"_meta":{"agentgateway.dev/missingTargets":[{"name":"c","status":"failing","reason":"connection refused"}]}}}
        {"jsonrpc":"2.0","id":"id","result":{"resourceTemplates":[{"name":"w","uriTemplate":"b+w://{x}"}],"_meta":{"agentgateway.dev/missingTargets":[{"name":"c","status":"failing","reason":"connection refused"}]}}}
        {"jsonrpc":"2.0","id":"id","result":{"tools":[{"annotations":{"readOnlyHint":true},"inputSchema":{"type":"object"},"name":"a_x","title":"X"},{"inputSchema":{"type":"object"},"name":"a_y"},{"inputSchema":{"type":"object"},"name":"b_z"}],"_meta":{"agentgateway.dev/missingTargets":[{"name":"c","status":"failing","reason":"connection refused"}]}}}
        {"jsonrpc":"2.0","id":"id","result":{"tools":[{"annotations":{"readOnlyHint":true},"inputSchema":{"type":"object"},"name":"a_x","outputSchema":{"type":"object"},"title":"X"},{"inputSchema":{"type":"object"},"name":"a_y"},{"inputSchema":{"type":"object"},"name":"b_z"}],"_meta":{"agentgateway.dev/missingTargets":[{"name":"c","status":"failing","reason":"connection refused"}]}}}
        {"jsonrpc":"2.0","id":"id","result":{"tools":[{"annotations":{"readOnlyHint":true},"execution":{"taskSupport":"optional"},"inputSchema":{"type":"object"},"name":"a_x","outputSchema":{"type":"object"},"title":"X"},{"inputSchema":{"type":"object"},"name":"a_y"},{"inputSchema":{"type":"object"},"name":"b_z"}],"_meta":{"agentgateway.dev/missingTargets":[{"name":"c","status":"failing","reason":"connection refused"}]}}}
        {"jsonrpc":"2.0","id":"id","result":{"tools":[{"annotations":{"readOnlyHint":true},"inputSchema":{"type":"object"},"name":"a_x","outputSchema":{"type":"object"},"title":"X"},{"inputSchema":{"type":"object"},"name":"a_y","outputSchema":{"type":"array"}},{"inputSchema":{"type":"object"},"name":"b_z"}],"_meta":{"agentgateway.dev/missingTargets":[{"name":"c","status":"failing","reason":"connection refused"}],"io.modelcontextprotocol/serverInfo":{"name":"agentgateway","title":"agentgateway","version":"0.1.0"}},"resultType":"complete","ttlMs":0,"cacheScope":"private"}}
        {"jsonrpc":"2.0","id":"id","result":{"prompts":[{"name":"b_w-prompt"}],"_meta":{"agentgateway.dev/missingTargets":[{"name":"c","status":"failing","reason":"connection refused"}],"io.modelcontextprotocol/serverInfo":{"name":"agentgateway","title":"agentgateway","version":"0.1.0"}},"resultType":"complete","ttlMs":0,"cacheScope":"private"}}
        {"jsonrpc":"2.0","id":"id","result":{"resources":[{"name":"w","uri":"b+file:///w"}],"_meta":{"agentgateway.dev/missingTargets":[{"name":"c","status":"failing","reason":"connection refused"}],"io.modelcontextprotocol/serverInfo":{"name":"agentgateway","title":"agentgateway","version":"0.1.0"}},"resultType":"complete","ttlMs":0,"cacheScope":"private"}}
        {"jsonrpc":"2.0","id":"id","result":{"resourceTemplates":[{"name":"w","uriTemplate":"b+w://{x}"}],"_meta":{"agentgateway.dev/missingTargets":[{"name":"c","status":"failing","reason":"connection refused"}],"io.modelcontextprotocol/serverInfo":{"name":"agentgateway","title":"agentgateway","version":"0.1.0"}},"resultType":"complete","ttlMs":0,"cacheScope":"private"}}"#]].assert_eq(&said.join("\n"));
}
