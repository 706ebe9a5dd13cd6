//! MCP Apps: pages that a target serves know only the names that their target gave them.

use serde_json::{Value, json};

use crate::client::World;
use crate::target::{Act, Target, tool};

/// A target with an app: a tool that names its page, and another that the page calls.
fn app(name: &str, page: &str) -> Target {
    let meta = json!({ "ui": { "resourceUri": page } });
    let opens = json!({ "name": format!("open-{name}"), "inputSchema": { "type": "object" }, "_meta": meta });
    with_page(Target::modern(name, &[]), opens, page)
}

fn with_page(target: Target, opens: Value, page: &str) -> Target {
    target.be(|script| {
        script.capabilities = json!({ "tools": {}, "resources": {} });
        script.tools = vec![opens, tool("reload")];
        script.resources = vec![json!({ "uri": page, "name": "page" })];
    })
}

fn message(error: Value) -> String {
    error["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_page_calls_a_tool_of_its_target_by_its_bare_name() {
    let (a, b) = (app("a", "ui://a/1"), Target::legacy("b", &["reload", "other"]));
    let world = World::start(&[&a, &b]).await;
    for client in [world.modern(), world.legacy().await] {
        assert_eq!(client.tool("reload").await.said(), "a:reload", "only `a` has an app");
        assert_eq!(client.tool("b_reload").await.said(), "b:reload");
        assert_eq!(client.tool("other").await.code(), -32602, "`b` has no app");
        assert_eq!(client.tool("nothing").await.code(), -32602);
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_a_result_names_can_be_read_wherever_it_is_named() {
    let meta = json!({ "ui": { "resourceUri": "ui://a/1", "csp": {} }, "ui/resourceUri": "ui://a/1" });
    let result = json!({
        "content": [{ "type": "text", "text": "ui://a/1", "_meta": meta }],
        "structuredContent": { "uri": "ui://a/1", "_meta": meta }, "_meta": meta,
    });
    let a = app("a", "ui://a/1").on("tools/call", Act::Result(result));
    let world = World::start(&[&a, &Target::legacy("b", &[])]).await;
    for client in [world.modern(), world.legacy().await] {
        let result = client.tool("a_reload").await.ok();
        for holder in [&result["_meta"], &result["content"][0]["_meta"]] {
            let named = [&holder["ui"]["resourceUri"], &holder["ui/resourceUri"]];
            assert_eq!(named, [&json!("ui://a+a/1"); 2], "{result}");
            let read = client.call("resources/read", json!({ "uri": named[0] })).await.ok();
            assert_eq!(read["contents"][0]["uri"], *named[0]);
        }
        assert_eq!(result["structuredContent"]["uri"], "ui://a/1", "a tool's own data");
        assert_eq!(result["structuredContent"]["_meta"], meta);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_tool_returned_to_a_model_can_be_read_by_its_client() {
    let link = json!({ "type": "resource_link", "uri": "file:///x", "name": "x" });
    let content = json!([{ "type": "tool_result", "toolUseId": "1", "content": [link] }]);
    let params = json!({ "messages": [{ "role": "user", "content": content }], "maxTokens": 1 });
    let request = json!({ "method": "sampling/createMessage", "params": params });
    let asks = json!({ "resultType": "input_required", "inputRequests": { "k": request } });
    let a = Target::modern("a", &["x"]).on("tools/call", Act::Result(asks));
    let b = Target::legacy("b", &["x"]).on("tools/call", Act::Ask("sampling/createMessage", params));
    let world = World::start(&[&a, &b]).await;
    for (tool, uri) in [("a_x", "a+file:///x"), ("b_x", "b+file:///x")] {
        let mut client = world.modern();
        client.capabilities = json!({ "sampling": { "tools": {} } });
        let asked = client.tool(tool).await.ok();
        let request =
            asked["inputRequests"].as_object().and_then(|asked| asked.values().next()).expect("one");
        let link = &request["params"]["messages"][0]["content"][0]["content"][0];
        assert_eq!(link["uri"], uri, "{asked}");
        let legacy = world.legacy_with(json!({ "sampling": { "tools": {} } })).await;
        let refuse = |_: &Value| json!({ "error": { "code": -1, "message": "no" } });
        let (_, asked) =
            legacy.converse("tools/call", json!({ "name": tool, "arguments": {} }), refuse).await;
        assert_eq!(asked[0]["params"]["messages"][0]["content"][0]["content"][0]["uri"], uri);
    }
}

#[tokio::test(start_paused = true)]
async fn the_older_spelling_makes_a_tool_one_with_a_page_as_well() {
    let opens = json!({ "name": "open", "inputSchema": { "type": "object" }, "_meta": { "ui/resourceUri": "ui://a/1" } });
    let a = with_page(Target::legacy("a", &[]), opens, "ui://a/1");
    let world = World::start(&[&a, &Target::legacy("b", &[])]).await;
    assert_eq!(world.modern().tool("reload").await.said(), "a:reload");
}

#[tokio::test(start_paused = true)]
async fn a_bare_name_that_two_apps_have_is_not_guessed() {
    let (a, b) = (app("a", "ui://a/1"), app("b", "ui://b/1"));
    let world = World::start(&[&a, &b]).await;
    let refused = world.modern().tool("reload").await;
    assert_eq!(refused.code(), -32602);
    let said = message(refused.outcome.expect_err("an error"));
    assert!(["ambiguous", "a_reload", "b_reload"].iter().all(|word| said.contains(word)), "{said}");
    assert_eq!(a.count("tools/call") + b.count("tools/call"), 0);
    assert_eq!(world.modern().tool("open-b").await.said(), "b:open-b");
}

#[tokio::test(start_paused = true)]
async fn a_page_is_read_by_its_bare_uri() {
    let (a, b) = (app("a", "ui://a/1"), Target::modern("b", &["x"]).full("x"));
    let world = World::start(&[&a, &b]).await;
    for client in [world.modern(), world.legacy().await] {
        let read = client.call("resources/read", json!({ "uri": "ui://a/1" })).await.ok();
        assert_eq!(read["contents"][0]["text"], "a");
        assert_eq!(a.last("resources/read")["uri"], "ui://a/1");
        let unknown = client.call("resources/read", json!({ "uri": "ui://a/2" })).await.code();
        assert!([-32602, -32002].contains(&unknown));
        let other = client.call("resources/read", json!({ "uri": "file:///x" })).await.code();
        assert!([-32602, -32002].contains(&other), "only pages are known by their bare URI");
    }
    assert_eq!(a.count("resources/read"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_only_a_tool_names_is_read_as_well() {
    let a = app("a", "ui://a/1");
    a.change(|script| script.resources.clear());
    let world = World::start(&[&a, &Target::legacy("b", &["x"])]).await;
    world.modern().call("resources/read", json!({ "uri": "ui://a/1" })).await;
    assert_eq!(a.last("resources/read")["uri"], "ui://a/1");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_two_targets_have_is_not_guessed() {
    let (a, b) = (app("a", "ui://view"), app("b", "ui://view"));
    let world = World::start(&[&a, &b]).await;
    let refused = world.modern().call("resources/read", json!({ "uri": "ui://view" })).await;
    assert_eq!(refused.code(), -32602);
    let said = message(refused.outcome.expect_err("an error"));
    assert!(["ambiguous", "ui://a+view", "ui://b+view"].iter().all(|word| said.contains(word)), "{said}");
    assert_eq!(a.count("resources/read") + b.count("resources/read"), 0);
}
