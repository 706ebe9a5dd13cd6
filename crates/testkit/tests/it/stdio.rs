//! The fixture over stdio.

use serde_json::json;
use testkit::fixture::{Era, Opening};
use tokio::io::AsyncWriteExt;

use crate::client::{enveloped, initialize, request};
use crate::pipe::Peer;

#[tokio::test]
async fn a_legacy_server_does_not_know_discover() {
    let mut peer = Peer::start(Era::Legacy, Opening::Answer);
    let answer = peer.ask(&enveloped(1, "server/discover", json!({}))).await;
    assert_eq!(answer["error"]["code"], -32601);
    assert_eq!(peer.ask(&initialize()).await["result"]["protocolVersion"], "2025-11-25");
    let answer = peer.ask(&request(2, "tools/list", json!({}))).await;
    assert_eq!(answer["result"]["tools"][0]["name"], "test_simple_text");
}

#[tokio::test]
async fn both_eras_share_a_pipe() {
    let mut peer = Peer::start(Era::Both, Opening::Answer);
    let answer = peer.ask(&enveloped(1, "server/discover", json!({}))).await;
    assert_eq!(answer["result"]["supportedVersions"], json!(["2026-07-28"]));
    assert!(peer.ask(&initialize()).await.get("result").is_some());
    let answer = peer.ask(&enveloped(3, "tools/list", json!({}))).await;
    assert_eq!(answer["result"]["resultType"], "complete");
    let answer = peer.ask(&request(4, "ping", json!({}))).await;
    assert_eq!(answer["result"], json!({}));
}

#[tokio::test]
async fn a_modern_server_refuses_initialize() {
    let mut peer = Peer::start(Era::Modern, Opening::Answer);
    assert_eq!(peer.ask(&initialize()).await["error"]["code"], -32022);
}

#[tokio::test]
async fn an_impatient_server_exits_on_a_probe() {
    let mut peer = Peer::start(Era::Legacy, Opening::ExitOnUnknown);
    peer.say(&enveloped(1, "server/discover", json!({}))).await;
    assert!(peer.server.await.unwrap().is_err());
    let mut peer = Peer::start(Era::Legacy, Opening::ExitOnUnknown);
    assert!(peer.ask(&initialize()).await.get("result").is_some());
}

#[tokio::test]
async fn a_silent_server_answers_only_after_initialize() {
    let mut peer = Peer::start(Era::Legacy, Opening::Silent);
    peer.say(&enveloped(7, "server/discover", json!({}))).await;
    assert_eq!(peer.ask(&initialize()).await["id"], 1);
}

#[tokio::test]
async fn a_tool_asks_over_the_pipe() {
    let mut peer = Peer::start(Era::Both, Opening::Answer);
    peer.ask(&initialize()).await;
    let call = json!({ "name": "test_sampling", "arguments": { "prompt": "hi" } });
    let asked = peer.ask(&request(2, "tools/call", call)).await;
    assert_eq!(asked["method"], "sampling/createMessage");
    let content = json!({ "type": "text", "text": "hello" });
    let result = json!({ "role": "assistant", "content": content, "model": "m" });
    let answer = peer.ask(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result })).await;
    assert_eq!(answer["result"]["content"][0]["text"], "LLM response: hello");
}

#[tokio::test]
async fn a_cancelled_request_gets_no_response() {
    let mut peer = Peer::start(Era::Both, Opening::Answer);
    peer.ask(&initialize()).await;
    let call = json!({ "name": "test_sleep", "arguments": { "ms": 60_000 } });
    peer.say(&request(2, "tools/call", call)).await;
    let cancel = json!({ "requestId": 2 });
    peer.say(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel })).await;
    assert_eq!(peer.ask(&request(3, "ping", json!({}))).await["id"], 3);
}

#[tokio::test]
async fn a_listener_hears_changes_until_it_cancels() {
    let mut peer = Peer::start(Era::Both, Opening::Answer);
    let filter = json!({ "resourceSubscriptions": ["test://watched-resource"], "unknown": true });
    let listen = enveloped(1, "subscriptions/listen", json!({ "notifications": filter }));
    let acknowledged = peer.ask(&listen).await;
    assert_eq!(
        acknowledged["params"]["notifications"],
        json!({ "resourceSubscriptions": ["test://watched-resource"] })
    );
    let trigger = json!({ "name": "test_trigger_resource_change" });
    let heard = peer.ask(&enveloped(2, "tools/call", trigger)).await;
    assert_eq!(heard["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 1);
    assert_eq!(peer.hear().await["id"], 2);
    let cancel = json!({ "requestId": 1 });
    let ended =
        peer.ask(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel })).await;
    assert_eq!((&ended["id"], &ended["result"]["resultType"]), (&json!(1), &json!("complete")));
}

#[tokio::test]
async fn the_end_of_the_input_ends_the_server() {
    let mut peer = Peer::start(Era::Both, Opening::Answer);
    peer.ask(&initialize()).await;
    let call = json!({ "name": "test_sleep", "arguments": { "ms": 60_000 } });
    peer.say(&request(2, "tools/call", call)).await;
    peer.input.shutdown().await.unwrap();
    assert!(peer.server.await.unwrap().is_ok());
}

#[tokio::test]
async fn calls_run_at_once_and_answer_out_of_order() {
    let mut peer = Peer::open().await;
    let slow = |steps: u64| json!({ "name": "kit_slow", "arguments": { "steps": steps } });
    peer.say(&request(2, "tools/call", slow(1000))).await;
    peer.say(&request(3, "tools/call", slow(2))).await;
    peer.say(&request(4, "tools/call", slow(1))).await;
    assert_eq!(peer.hear().await["id"], 4);
    assert_eq!(peer.hear().await["id"], 3);
    let state = peer.ask(&request(5, "tools/call", json!({ "name": "kit_state" }))).await;
    assert_eq!(state["result"]["structuredContent"]["calls"], 2, "the slow one and this one");
}
