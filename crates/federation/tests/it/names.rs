//! Under which names items are shown, and where these names lead.

use federation::PrefixMode;
use serde_json::json;

use crate::client::{World, settle};
use crate::target::{Act, Target, tool};

const LISTS: [&str; 4] = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];

async fn all(world: &World) -> Vec<String> {
    let client = world.modern();
    let mut names = Vec::new();
    for method in LISTS {
        names.extend(client.list(method).await);
    }
    names
}

#[tokio::test(start_paused = true)]
async fn conditional_leaves_the_names_of_a_single_target_alone() {
    let a = Target::legacy("a", &["echo"]).full("x");
    let world = World::start(&[&a]).await;
    assert_eq!(all(&world).await, ["echo", "x-prompt", "file:///x", "x://{x}"]);
    assert_eq!(world.modern().tool("echo").await.said(), "a:echo");
}

#[tokio::test(start_paused = true)]
async fn conditional_names_the_target_where_there_are_several() {
    let (a, b) = (Target::legacy("a", &["echo"]).full("x"), Target::modern("b", &["echo"]).full("x"));
    let world = World::start(&[&a, &b]).await;
    let expected = [
        "a_echo",
        "b_echo",
        "a_x-prompt",
        "b_x-prompt",
        "a+file:///x",
        "b+file:///x",
        "a+x://{x}",
        "b+x://{x}",
    ];
    assert_eq!(all(&world).await, expected);
    assert_eq!(world.modern().tool("a_echo").await.said(), "a:echo");
    assert_eq!(world.legacy().await.tool("b_echo").await.said(), "b:echo");
}

#[tokio::test(start_paused = true)]
async fn always_names_even_a_single_target() {
    let a = Target::legacy("a", &["echo"]).full("x");
    let world = World::with(&[&a], |settings| settings.prefix = PrefixMode::Always).await;
    assert_eq!(all(&world).await, ["a_echo", "a_x-prompt", "a+file:///x", "a+x://{x}"]);
    assert_eq!(world.modern().tool("a_echo").await.said(), "a:echo");
    assert_eq!(world.modern().tool("echo").await.code(), -32602);
}

#[tokio::test(start_paused = true)]
async fn never_keeps_plain_names_and_nothing_vanishes_in_a_collision() {
    let (a, b) =
        (Target::legacy("a", &["echo", "c_echo"]).full("x"), Target::legacy("b", &["echo", "own"]).full("x"));
    let c = Target::legacy("c", &["echo", "own"]);
    let world = World::with(&[&a, &b, &c], |settings| settings.prefix = PrefixMode::Never).await;
    let client = world.modern();
    assert_eq!(client.tools().await, ["echo", "c_echo", "b_echo", "own", "c_echo_2", "c_own"]);
    assert_eq!(client.list("prompts/list").await, ["x-prompt", "b_x-prompt"]);
    let leads_to = [
        ("echo", "a:echo"),
        ("c_echo", "a:c_echo"),
        ("b_echo", "b:echo"),
        ("own", "b:own"),
        ("c_echo_2", "c:echo"),
        ("c_own", "c:own"),
    ];
    for (name, said) in leads_to {
        assert_eq!(client.tool(name).await.said(), said, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn never_still_names_the_target_in_uris_because_they_must_lead_back() {
    let (a, b) = (Target::legacy("a", &[]).full("x"), Target::legacy("b", &[]).full("x"));
    let world = World::with(&[&a, &b], |settings| settings.prefix = PrefixMode::Never).await;
    let client = world.modern();
    for (uri, owner) in [("a+file:///x", "a"), ("b+file:///x", "b")] {
        let contents = client.call("resources/read", json!({ "uri": uri })).await.ok()["contents"][0].clone();
        assert_eq!(contents, json!({ "uri": uri, "text": owner }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_tools_other_bytes_pass_through_lists_untouched() {
    let spelled =
        r#"{"tools":[{ "x" : 1.0e2, "name":"echo","é":"\u00e9", "inputSchema":{"$defs":{"name":1.10}} }]}"#;
    let a = Target::legacy("a", &[]).on("tools/list", Act::Spelled(spelled.into()));
    let b = Target::legacy("b", &[]);
    let world = World::start(&[&a, &b]).await;
    let text = world.modern().call("tools/list", json!({})).await.text;
    let expected = r#"{ "x" : 1.0e2, "name":"a_echo","é":"\u00e9", "inputSchema":{"$defs":{"name":1.10}} }"#;
    assert!(text.contains(expected), "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_ui_resource_of_a_tool_leads_back_to_its_target() {
    let mut app = tool("app");
    app["_meta"] = json!({ "ui": { "resourceUri": "ui://view/1" } });
    let a = Target::legacy("a", &[]).full("x").be(|script| {
        script.tools = vec![app];
        script.resources = vec![json!({ "uri": "ui://view/1", "name": "view" })];
    });
    let b = Target::legacy("b", &[]);
    let world = World::start(&[&a, &b]).await;
    let client = world.modern();
    let listed = client.call("tools/list", json!({})).await.ok();
    let uri = listed["tools"][0]["_meta"]["ui"]["resourceUri"].as_str().expect("a URI").to_owned();
    assert_eq!(uri, "ui://a+view/1");
    assert_eq!(client.list("resources/list").await, ["ui://a+view/1"]);
    let read = client.call("resources/read", json!({ "uri": uri })).await.ok();
    assert_eq!(read["contents"][0]["uri"], "ui://a+view/1");
    assert_eq!(a.last("resources/read")["uri"], "ui://view/1");
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_is_not_listed_yet_is_its_targets_to_know() {
    let a = Target::legacy("a", &["echo"]).on("tools/call hidden", Act::text("found"));
    let b = Target::legacy("b", &["echo"]);
    let world = World::start(&[&a, &b]).await;
    assert_eq!(world.modern().tool("a_hidden").await.said(), "found");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_tool_is_invalid_params_in_both_eras_and_reaches_no_target() {
    let (a, b) = (Target::legacy("a", &["echo"]), Target::legacy("b", &["echo"]));
    let world = World::start(&[&a, &b]).await;
    for client in [world.modern(), world.legacy().await] {
        for name in ["nope", "c_echo", "", "_echo", "A_echo"] {
            assert_eq!(client.tool(name).await.code(), -32602, "{name}");
        }
    }
    assert_eq!(a.count("tools/call") + b.count("tools/call"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_tool_of_a_target_is_its_own_error() {
    let (a, b) = (Target::legacy("a", &["echo"]), Target::modern("b", &["echo"]));
    let world = World::start(&[&a, &b]).await;
    for client in [world.modern(), world.legacy().await] {
        assert_eq!(client.tool("a_nope").await.code(), -32602);
        assert_eq!(client.tool("b_nope").await.code(), -32602);
    }
}

#[tokio::test(start_paused = true)]
async fn a_method_of_a_capability_that_nobody_offers_is_unknown() {
    let (tools, prompts) = (Target::legacy("a", &["echo"]), Target::modern("b", &[]).full("x"));
    prompts.change(|script| script.capabilities = json!({ "prompts": {} }));
    let cases = [
        (&tools, "prompts/get", json!({ "name": "x-prompt" })),
        (&tools, "resources/read", json!({ "uri": "file:///x" })),
        (&prompts, "tools/call", json!({ "name": "echo" })),
    ];
    for (target, method, params) in cases {
        let world = World::start(&[target]).await;
        for client in [world.modern(), world.legacy().await] {
            assert_eq!(client.call(method, params.clone()).await.code(), -32601, "{method}");
        }
        assert_eq!(target.count(method), 0, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_resource_has_the_code_of_the_clients_era() {
    let (a, b) = (Target::legacy("a", &[]).full("x"), Target::modern("b", &[]).full("x"));
    let world = World::start(&[&a, &b]).await;
    let (modern, legacy) = (world.modern(), world.legacy().await);
    for uri in ["file:///x", "c+file:///x", "nothing"] {
        let params = json!({ "uri": uri });
        let refused = modern.call("resources/read", params.clone()).await;
        assert_eq!(
            (refused.code(), refused.outcome.expect_err("an error")["data"]["uri"].clone()),
            (-32602, json!(uri))
        );
        assert_eq!(legacy.call("resources/read", params).await.code(), -32002);
    }
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_a_target_does_not_find_is_named_as_the_client_knows_it() {
    let (a, b) = (Target::legacy("a", &[]).full("x"), Target::modern("b", &[]).full("x"));
    let world = World::start(&[&a, &b]).await;
    let (modern, legacy) = (world.modern(), world.legacy().await);
    let params = json!({ "uri": "a+file:///gone" });
    let refused = modern.call("resources/read", params.clone()).await.outcome.expect_err("not found");
    assert_eq!((&refused["code"], &refused["data"]["uri"]), (&json!(-32602), &json!("a+file:///gone")));
    let refused = legacy.call("resources/read", params).await.outcome.expect_err("not found");
    assert_eq!((&refused["code"], &refused["data"]["uri"]), (&json!(-32002), &json!("a+file:///gone")));
}

#[tokio::test(start_paused = true)]
async fn names_stay_when_a_target_comes_back_in_another_order_of_arrival() {
    let a = Target::legacy("a", &["echo"]).on("initialize", Act::after(3, Act::with(|_| {
        Act::Result(json!({ "protocolVersion": "2025-06-18", "capabilities": { "tools": {} }, "serverInfo": { "name": "x", "version": "1" } }))
    })));
    let b = Target::legacy("b", &["echo"]);
    let world = World::at_once(&[&a, &b], |settings| settings.prefix = PrefixMode::Never);
    assert_eq!(world.modern().tools().await, ["echo", "b_echo"]);
    settle().await;
    assert_eq!(world.modern().tool("echo").await.said(), "a:echo");
}
