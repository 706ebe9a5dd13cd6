//! A tiny HTTP client, and the messages that several tests send.

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

pub(crate) async fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> http::Response<Incoming> {
    let mut request = Request::builder()
        .method(method)
        .uri(url)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    Client::builder(TokioExecutor::new()).build_http().request(request).await.unwrap()
}

pub(crate) async fn post(url: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    read(send("POST", url, headers, body).await).await
}

/// Reads a response to its end.
pub(crate) async fn read(response: http::Response<Incoming>) -> Answer {
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer { status, headers, body }
}

/// Sends a modern request with all that belongs to it.
pub(crate) async fn modern(url: &str, method: &str, params: Value) -> Answer {
    read(open(url, method, params).await).await
}

/// Sends a modern request and leaves the response open.
pub(crate) async fn open(url: &str, method: &str, params: Value) -> http::Response<Incoming> {
    open_as(everything(), url, method, params).await
}

/// Sends a modern request of a client with these capabilities.
pub(crate) async fn open_as(
    capabilities: Value,
    url: &str,
    method: &str,
    params: Value,
) -> http::Response<Incoming> {
    let named = ["name", "uri", "taskId"].iter().find_map(|member| params[member].as_str());
    let name = named.map(str::to_owned);
    let mut headers = vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
    headers.extend(name.as_deref().map(|name| ("mcp-name", name)));
    send("POST", url, &headers, &envelope(capabilities, 7, method, params)).await
}

/// A modern request from a client that can be asked everything.
pub(crate) fn enveloped(id: u64, method: &str, params: Value) -> Value {
    envelope(everything(), id, method, params)
}

fn envelope(capabilities: Value, id: u64, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "progressToken": id,
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    });
    request(id, method, params)
}

fn everything() -> Value {
    json!({ "elicitation": {}, "sampling": {}, "roots": {} })
}

/// A request without an envelope.
pub(crate) fn request(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

pub(crate) fn initialize() -> Value {
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": { "sampling": {}, "elicitation": {} },
        "clientInfo": { "name": "test", "version": "1" },
    });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params })
}

/// Reads the messages of an event stream, one at a time.
pub(crate) struct Events(Incoming, Vec<u8>);

impl Events {
    pub(crate) fn of(response: http::Response<Incoming>) -> Self {
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response.into_body(), Vec::new())
    }

    /// The next event's fields; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<HashMap<String, String>> {
        loop {
            if let Some(end) = self.1.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = self.1.drain(..end + 2).collect();
                let event = String::from_utf8(event).unwrap();
                let field = |line: &str| line.split_once(": ").map(|(k, v)| (k.to_owned(), v.to_owned()));
                return Some(event.lines().filter_map(field).collect());
            }
            let frame = self.0.frame().await?.unwrap();
            self.1.extend_from_slice(frame.data_ref().unwrap());
        }
    }

    /// The next event's message.
    pub(crate) async fn message(&mut self) -> Value {
        let event = self.next().await.expect("another event");
        serde_json::from_str(&event["data"]).unwrap()
    }
}
