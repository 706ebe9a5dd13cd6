//! A legacy client's session over HTTP.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use testkit::Served;
use testkit::fixture::{self, Settings};

use crate::client::{Answer, Events, post, request, send};

pub(crate) struct Session {
    served: Arc<Served>,
    id: String,
}

impl Session {
    /// Starts a server, and opens a session of a client that can be asked anything.
    pub(crate) async fn open(settings: Settings) -> Self {
        Self::at(Arc::new(fixture::serve(settings, 0).await.unwrap())).await
    }

    /// Opens another session at the same server.
    pub(crate) async fn another(&self) -> Self {
        Self::at(self.served.clone()).await
    }

    async fn at(served: Arc<Served>) -> Self {
        let capabilities = json!({ "elicitation": { "form": {}, "url": {} }, "sampling": {}, "roots": {} });
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": capabilities,
            "clientInfo": { "name": "test", "version": "1" },
        });
        let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
        let answer = post(&served.url, &[], &hello).await;
        let id = answer.headers["mcp-session-id"].to_str().unwrap().to_owned();
        Self { served, id }
    }

    /// Sends a request that is answered at once.
    pub(crate) async fn request(&self, id: u64, method: &str, params: Value) -> Answer {
        post(&self.served.url, &self.headers(), &request(id, method, params)).await
    }

    /// Calls a tool that answers at once; its structured content.
    pub(crate) async fn call(&self, name: &str, arguments: Value) -> Value {
        let params = json!({ "name": name, "arguments": arguments });
        self.request(90, "tools/call", params).await.body["result"]["structuredContent"].take()
    }

    /// Sends a request and reads its stream; the priming event is skipped.
    pub(crate) async fn stream(&self, id: u64, method: &str, params: Value) -> Events {
        let message = request(id, method, params);
        self.primed(send("POST", &self.served.url, &self.headers(), &message).await).await
    }

    /// Opens the session's GET stream.
    pub(crate) async fn listen(&self) -> Events {
        self.primed(send("GET", &self.served.url, &self.headers(), &Value::Null).await).await
    }

    /// Answers a request of the server.
    pub(crate) async fn respond(&self, asked: &Value, result: Value) {
        let message = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
        self.tell(&message).await;
    }

    pub(crate) async fn cancel(&self, id: u64) {
        let params = json!({ "requestId": id });
        self.tell(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params })).await;
    }

    pub(crate) async fn close(&self) {
        let response = send("DELETE", &self.served.url, &self.headers(), &Value::Null).await;
        assert_eq!(response.status(), StatusCode::OK);
    }

    async fn tell(&self, message: &Value) {
        let answer = post(&self.served.url, &self.headers(), message).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }

    async fn primed(&self, response: http::Response<hyper::body::Incoming>) -> Events {
        let mut events = Events::of(response);
        assert_eq!(events.next().await.unwrap()["data"], "", "a priming event comes first");
        events
    }

    fn headers(&self) -> [(&'static str, &str); 2] {
        [("mcp-session-id", &self.id), ("mcp-protocol-version", "2025-11-25")]
    }
}

/// An accepted form with one value.
pub(crate) fn accepted(value: &str) -> Value {
    json!({ "action": "accept", "content": { "value": value } })
}
