//! Clients that hardly read.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::caller::{Caller, Heard};
use super::load::DEADLINE;
use crate::client::{Ask, declaring, initialize, request};

/// A request as bytes.
pub(crate) async fn raw(ask: Ask, to: SocketAddr) -> Vec<u8> {
    let (head, body) = ask.into_request(to).into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut bytes = format!("{} {} HTTP/1.1\r\n", head.method, head.uri).into_bytes();
    for (name, value) in &head.headers {
        bytes.extend_from_slice(format!("{name}: ").as_bytes());
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

/// How a client reads too little.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// A byte a second of the answer to a modern call.
    Modern,
    /// The same of a call of a session.
    Legacy,
    /// Nothing of a session's own stream, nor of the call that fills it.
    Deaf,
}

/// Asks for much and reads too little of it until the end. How many clients that is.
pub(super) async fn crawl(gateway: SocketAddr, target: &str, way: usize, end: Instant) -> usize {
    let way = [Way::Modern, Way::Legacy, Way::Deaf][way % 3];
    let (tool, count) = if target.starts_with("liar") { ("flood", 50_000) } else { ("kit_log", 5000) };
    let mut params = json!({
        "name": format!("{target}_{tool}"), "arguments": { "count": count }, "_meta": { "progressToken": "slow" },
    });
    if let Way::Modern = way {
        params["_meta"]["io.modelcontextprotocol/logLevel"] = json!("debug");
        let ask = Ask::modern_as(1, "tools/call", declaring(params, json!({})));
        let Some(stream) = sent(ask, gateway).await else { return 0 };
        trickle(stream, end).await;
        return 1;
    }
    let caller = Caller::http1(gateway);
    let shake = timeout(DEADLINE, caller.exchange(Ask::post(initialize("2025-11-25")))).await;
    let Ok(Ok(Heard { session, .. })) = shake else { return 0 };
    let call = Ask::post(request(1, "tools/call", params)).with("mcp-session-id", &session);
    if let Some(stream) = sent(call, gateway).await {
        match way {
            Way::Deaf => {
                let _own = sent(Ask::stream(&session), gateway).await;
                sleep_until(end).await;
            }
            _ => trickle(stream, end).await,
        }
    }
    let end = Ask::new(http::Method::DELETE, "/mcp").with("mcp-session-id", &session);
    // Whether it is still there depends on what became of the gateway.
    let _ = timeout(DEADLINE, caller.exchange(end)).await;
    1
}

/// The connection over which a request was sent.
async fn sent(ask: Ask, to: SocketAddr) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(to).await.ok()?;
    stream.write_all(&raw(ask, to).await).await.ok()?;
    Some(stream)
}

/// Reads a byte a second, and hangs up at the end.
async fn trickle(mut stream: TcpStream, end: Instant) {
    let mut byte = [0];
    while Instant::now() < end && matches!(timeout_at(end, stream.read(&mut byte)).await, Ok(Ok(1))) {
        sleep_until(end.min(Instant::now() + Duration::from_secs(1))).await;
    }
}
