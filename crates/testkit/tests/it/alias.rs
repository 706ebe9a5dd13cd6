//! The alias shim in front of a toy multiplexer.

use serde_json::json;
use testkit::fixture::{self, Era};
use testkit::{Served, alias};

use crate::client::{Events, modern, open, post};

struct Chain {
    multiplexer: Served,
    shim: Served,
    _server: Served,
}

async fn chain() -> Chain {
    let server = fixture::serve_http(Era::Both).await.unwrap();
    let multiplexer = alias::multiplex(&server.url, "one", 0).await.unwrap();
    let shim = alias::serve(&multiplexer.url, "one", 0).await.unwrap();
    Chain { multiplexer, shim, _server: server }
}

#[tokio::test]
async fn the_multiplexer_prefixes_and_the_shim_undoes_it() {
    let chain = chain().await;
    let tool = |answer: &serde_json::Value| answer["result"]["tools"][0]["name"].clone();
    let answer = modern(&chain.multiplexer.url, "tools/list", json!({})).await;
    assert_eq!(tool(&answer.body), "one_test_simple_text");
    let answer = modern(&chain.shim.url, "tools/list", json!({})).await;
    assert_eq!(tool(&answer.body), "test_simple_text");

    let call = json!({ "name": "test_simple_text" });
    let answer = modern(&chain.multiplexer.url, "tools/call", call.clone()).await;
    assert_eq!(answer.body["error"]["code"], -32602);
    let answer = modern(&chain.shim.url, "tools/call", call).await;
    assert_eq!(answer.body["result"]["resultType"], "complete");
}

#[tokio::test]
async fn another_targets_items_are_hidden() {
    let chain = chain().await;
    let other = alias::serve(&chain.multiplexer.url, "two", 0).await.unwrap();
    let answer = modern(&other.url, "resources/list", json!({})).await;
    assert_eq!(answer.body["result"]["resources"], json!([]));
}

#[tokio::test]
async fn resources_keep_their_uris_all_the_way() {
    let chain = chain().await;
    let uri = "test://static-text";
    let answer = modern(&chain.shim.url, "resources/read", json!({ "uri": uri })).await;
    assert_eq!(answer.body["result"]["contents"][0]["uri"], uri);
    let uri = "test://missing";
    let answer = modern(&chain.shim.url, "resources/read", json!({ "uri": uri })).await;
    assert_eq!(answer.body["error"]["data"]["uri"], uri);
}

#[tokio::test]
async fn events_come_through_one_by_one() {
    let chain = chain().await;
    let uri = "test://watched-resource";
    let filter = json!({ "notifications": { "resourceSubscriptions": [uri] } });
    let mut events = Events::of(open(&chain.shim.url, "subscriptions/listen", filter).await);
    let acknowledged = events.message().await;
    assert_eq!(acknowledged["params"]["notifications"]["resourceSubscriptions"], json!([uri]));
    let trigger = json!({ "name": "test_trigger_resource_change" });
    modern(&chain.shim.url, "tools/call", trigger).await;
    assert_eq!(events.message().await["params"]["uri"], uri);
}

#[tokio::test]
async fn a_foreign_host_reaches_the_server() {
    let chain = chain().await;
    let headers = [("host", "evil.example")];
    let answer = post(&chain.shim.url, &headers, &crate::client::initialize()).await;
    assert_eq!(answer.status, 403);
}
