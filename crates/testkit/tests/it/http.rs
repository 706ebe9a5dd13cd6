//! The fixture over HTTP.

use serde_json::{Value, json};
use testkit::fixture::{self, Era, Settings};

use crate::client::{self, Events, initialize, modern, post, send};

#[tokio::test]
async fn a_legacy_only_server_refuses_a_probe_without_naming_versions() {
    let served = fixture::serve_http(Era::Legacy).await.unwrap();
    let answer = modern(&served.url, "server/discover", json!({})).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body["error"]["code"], -32000);
    assert!(answer.body["error"].get("data").is_none());
}

#[tokio::test]
async fn a_modern_only_server_refuses_initialize_and_names_its_versions() {
    let served = fixture::serve_http(Era::Modern).await.unwrap();
    let answer = post(&served.url, &[], &initialize()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.body["error"]["code"], -32022);
    assert_eq!(answer.body["error"]["data"]["supported"], json!(["2026-07-28"]));
    assert!(!answer.headers.contains_key("mcp-session-id"));
    let answer = send("GET", &served.url, &[], &Value::Null).await;
    assert_eq!(answer.status(), 405);
}

#[tokio::test]
async fn generated_tools_come_in_pages() {
    let settings = Settings { tools: Some(1000), page: Some(50), ..Settings::default() };
    let served = fixture::serve(settings, 0).await.unwrap();
    let (mut names, mut pages, mut params) = (Vec::new(), 0, json!({}));
    loop {
        let answer = modern(&served.url, "tools/list", params).await;
        let result = &answer.body["result"];
        let tools = result["tools"].as_array().unwrap();
        names.extend(tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()));
        pages += 1;
        match result.get("nextCursor") {
            Some(cursor) => params = json!({ "cursor": cursor }),
            None => break,
        }
    }
    assert_eq!((names.len(), pages), (1000, 20));
    assert_eq!((names[0].as_str(), names[999].as_str()), ("tool_0000", "tool_0999"));

    let arguments = json!({ "name": "tool_0123", "arguments": { "text": "hi" } });
    let answer = modern(&served.url, "tools/call", arguments).await;
    assert_eq!(answer.body["result"]["content"][0]["text"], "tool_0123: hi");
    let answer = modern(&served.url, "tools/list", json!({ "cursor": "made up" })).await;
    assert_eq!(answer.body["error"]["code"], -32602);
}

#[tokio::test]
async fn a_session_gets_changes_on_its_get_stream_and_ends_with_delete() {
    let served = fixture::serve_http(Era::Both).await.unwrap();
    let answer = post(&served.url, &[], &initialize()).await;
    let session = answer.headers["mcp-session-id"].to_str().unwrap();
    let headers = [("mcp-session-id", session), ("mcp-protocol-version", "2025-11-25")];

    let mut events = Events::of(send("GET", &served.url, &headers, &Value::Null).await);
    assert_eq!(events.next().await.unwrap()["data"], "", "a priming event comes first");
    let trigger = json!({ "name": "test_trigger_tool_change" });
    let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": trigger });
    assert_eq!(post(&served.url, &headers, &call).await.status, 200);
    assert_eq!(events.message().await["method"], "notifications/tools/list_changed");

    assert_eq!(send("DELETE", &served.url, &headers, &Value::Null).await.status(), 200);
    assert!(events.next().await.is_none());
    assert_eq!(post(&served.url, &headers, &call).await.status, 404);
}

#[tokio::test]
async fn a_new_get_stream_replaces_the_old_one_and_loses_nothing() {
    let served = fixture::serve_http(Era::Both).await.unwrap();
    let answer = post(&served.url, &[], &initialize()).await;
    let session = answer.headers["mcp-session-id"].to_str().unwrap();
    let headers = [("mcp-session-id", session)];
    let trigger = json!({ "name": "test_trigger_prompt_change" });
    let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": trigger });
    post(&served.url, &headers, &call).await;

    let mut old = Events::of(send("GET", &served.url, &headers, &Value::Null).await);
    old.next().await.unwrap();
    assert_eq!(old.message().await["method"], "notifications/prompts/list_changed");
    let mut new = Events::of(send("GET", &served.url, &headers, &Value::Null).await);
    new.next().await.unwrap();
    assert!(old.next().await.is_none());
    post(&served.url, &headers, &call).await;
    assert_eq!(new.message().await["method"], "notifications/prompts/list_changed");
}

#[tokio::test]
async fn a_resource_asks_its_reader_with_input_required() {
    let served = fixture::serve_http(Era::Both).await.unwrap();
    let uri = "test://input-required";
    let answer = modern(&served.url, "resources/read", json!({ "uri": uri })).await;
    assert_eq!(answer.body["result"]["resultType"], "input_required");
    assert!(answer.body["result"].get("ttlMs").is_none());
    let reader = json!({ "reader": { "action": "accept", "content": { "name": "Ada" } } });
    let params = json!({ "uri": uri, "inputResponses": reader });
    let answer = modern(&served.url, "resources/read", params).await;
    assert_eq!(answer.body["result"]["contents"][0]["text"], "Hello, Ada!");
}

#[tokio::test]
async fn going_away_cancels_a_modern_request() {
    let served = fixture::serve_http(Era::Both).await.unwrap();
    let filter = json!({ "notifications": { "toolsListChanged": true } });
    let listening = client::open(&served.url, "subscriptions/listen", filter).await;
    let state = || async {
        let answer = modern(&served.url, "tools/call", json!({ "name": "kit_state" })).await;
        answer.body["result"]["structuredContent"].clone()
    };
    assert_eq!(state().await["listens"], 1);
    drop(listening);
    while state().await["listens"] != 0 {}

    let sleep = json!({ "name": "test_sleep", "arguments": { "ms": 60_000 } });
    let mut sleeping = Events::of(client::open(&served.url, "tools/call", sleep).await);
    assert_eq!(sleeping.message().await["method"], "notifications/progress");
    assert_eq!(state().await["cancelled"], 0);
    drop(sleeping);
    while state().await["cancelled"] != 1 {}
}

#[tokio::test]
async fn a_state_belongs_to_one_tool() {
    let served = fixture::serve_http(Era::Both).await.unwrap();
    let name = "test_input_required_result_request_state";
    let answer = modern(&served.url, "tools/call", json!({ "name": name })).await;
    let other = json!({
        "name": "test_input_required_result_tampered_state",
        "inputResponses": { "confirm": { "action": "accept", "content": { "ok": true } } },
        "requestState": answer.body["result"]["requestState"],
    });
    let answer = modern(&served.url, "tools/call", other).await;
    assert_eq!(answer.body["error"]["code"], -32602);
}

#[tokio::test]
async fn a_foreign_origin_is_refused() {
    let served = fixture::serve_http(Era::Both).await.unwrap();
    let headers = [("origin", "http://localhost.evil.example")];
    assert_eq!(post(&served.url, &headers, &initialize()).await.status, 403);
    let headers = [("origin", "http://[::1]:1234")];
    assert_eq!(post(&served.url, &headers, &initialize()).await.status, 200);
}

#[tokio::test]
async fn dropping_the_server_ends_its_streams() {
    let served = fixture::serve_http(Era::Both).await.unwrap();
    let filter = json!({ "notifications": { "toolsListChanged": true } });
    let mut events = Events::of(client::open(&served.url, "subscriptions/listen", filter).await);
    let acknowledged = events.message().await;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    let addr = served.addr;
    drop(served);
    // The connection breaks mid-stream: an error, not an end.
    let broken = tokio::spawn(async move { events.next().await }).await;
    assert!(broken.is_err() || matches!(broken, Ok(None)));
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}
