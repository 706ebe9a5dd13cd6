//! Targets of the first transport, whose configuration does not say so.

use serde_json::json;

use crate::client::{Gateway, Session, remote, serving, text_of};
use crate::support::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_the_first_transport_is_found_at_a_plain_url() {
    let server = Server::start("sse-server.mjs", &[]).await;
    let gateway = Gateway::start(&serving(vec![remote("old", &server.url)])).await;
    gateway.ready("old").await;
    let session = Session::open(gateway.address()).await;
    let greeted = session.tool("greet", json!({ "name": "Ada" })).await;
    assert_eq!(text_of(&greeted), "Hello, Ada!");
}
