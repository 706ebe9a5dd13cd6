//! A real server that shows some of its tools only to clients that can be asked: all of them are listed, and each call
//! finds what there is for its caller.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::client::{Ask, Gateway, Session, declaring, eventually, names, request, serving, stdio, text_of};
use crate::support::installed;

/// What the server shows only to clients with roots, elicitation or sampling.
const CHOSEN: [&str; 4] =
    ["get-roots-list", "trigger-elicitation-request", "trigger-url-elicitation", "trigger-sampling-request"];

/// A modern client that declares this.
async fn call(address: SocketAddr, capabilities: Value, tool: &str, arguments: Value) -> Value {
    let params = declaring(json!({ "name": tool, "arguments": arguments }), capabilities);
    let ask = Ask::modern("tools/call", json!({ "name": tool }));
    ask.saying(request(1, "tools/call", params)).send(address).await.answer().await
}

async fn children(gateway: &Gateway) -> usize {
    let shown = gateway.target("everything").await.expect("the target");
    shown["processes"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn every_tool_of_a_real_server_is_listed_and_a_call_finds_those_for_its_caller() {
    let server = installed("js/node_modules/.bin/mcp-server-everything");
    let everything = stdio("everything", server.to_str().expect("UTF-8"), &["stdio"]);
    let gateway = Gateway::start(&serving(vec![everything])).await;
    gateway.ready("everything").await;
    let address = gateway.address();
    let session = Session::open(address).await;

    let listed = eventually("the tools are listed", async || {
        Some(session.tools().await).filter(|tools| !tools.is_empty())
    });
    let listed = listed.await;
    // The server has two more, for clients that run what they are asked as tasks of 2025-11-25: no target is told of such.
    assert_eq!(listed.len(), 17, "{listed:?}");
    assert!(CHOSEN.iter().all(|tool| listed.iter().any(|listed| listed == tool)), "{listed:?}");
    let modern = Ask::modern("tools/list", json!({})).send(address).await.answer().await;
    assert_eq!(names(&modern), listed);
    assert_eq!(children(&gateway).await, 1, "the lists need no other child");

    let dream = json!({ "prompt": "dream", "maxTokens": 1 });
    let without = call(address, json!({}), "trigger-sampling-request", dream.clone()).await;
    assert_eq!(children(&gateway).await, 2, "the call does, because it must not be told more");
    for refused in [without, session.tool("trigger-sampling-request", dream.clone()).await] {
        assert_eq!(text_of(&refused), "MCP error -32602: Tool trigger-sampling-request not found");
        assert_eq!(refused["result"]["isError"], true);
    }
    let echo = call(address, json!({}), "echo", json!({ "message": "hello" })).await;
    assert_eq!(text_of(&echo), "Echo: hello");

    let asked = call(address, json!({ "sampling": {} }), "trigger-sampling-request", dream).await;
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
}
