//! MCP Apps: pages that a target serves know only the names that their target gave them.

use serde_json::{Value, json};

use crate::client::World;
use crate::target::{Target, tool};

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
