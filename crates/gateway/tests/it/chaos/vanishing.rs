//! Clients that do not wait for their answers.

use std::net::SocketAddr;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::caller::{Caller, Heard};
use crate::client::{Ask, enveloped, initialize, local, notification, request};

/// How long such a client stays for what it needs before it leaves.
const PATIENCE: Duration = Duration::from_secs(5);

fn params(tool: &str, arguments: &Value) -> Value {
    json!({ "name": tool, "arguments": arguments })
}

async fn plainly(caller: &Caller, ask: Ask) -> Option<Heard> {
    timeout(PATIENCE, caller.exchange(ask)).await.ok()?.ok()
}

async fn session(caller: &Caller) -> Option<String> {
    let session = plainly(caller, Ask::post(initialize("2025-11-25"))).await?.session;
    let ready = notification("notifications/initialized", json!({}));
    plainly(caller, Ask::post(ready).with("mcp-session-id", &session)).await?;
    Some(session)
}

async fn end(caller: &Caller, session: &str) {
    plainly(caller, Ask::new(Method::DELETE, "/mcp").with("mcp-session-id", session)).await;
}

/// Calls a tool that never answers, once in each era; takes the legacy call back and leaves the modern one. How many calls
/// there were.
pub(super) async fn give_up(gateway: SocketAddr, tool: &str, after: Duration) -> usize {
    let caller = Caller::http1(gateway);
    let modern = Ask::modern("tools/call", params(tool, &json!({})));
    let _ = timeout(after, caller.begin(modern)).await;
    let Some(session) = session(&caller).await else { return 1 };
    let call = Ask::post(request("hung", "tools/call", params(tool, &json!({}))));
    let call = caller.exchange(call.with("mcp-session-id", &session));
    let cancel = notification("notifications/cancelled", json!({ "requestId": "hung" }));
    let cancelled = async {
        tokio::time::sleep(after).await;
        plainly(&caller, Ask::post(cancel).with("mcp-session-id", &session)).await;
    };
    // What was cancelled has no answer; its stream ends.
    let _ = timeout(PATIENCE, async { tokio::join!(call, cancelled) }).await;
    end(&caller, &session).await;
    2
}

/// Begins a call and closes the connection in the middle of it. How many calls there were.
pub(super) async fn begin_and_leave(gateway: SocketAddr, tool: &str, legacy: bool) -> usize {
    let caller = Caller::http1(gateway);
    let slow = params(tool, &json!({ "steps": 40 }));
    let soon = Duration::from_millis(150);
    if !legacy {
        let _ = timeout(soon, caller.begin(Ask::modern_as(1, "tools/call", enveloped(slow)))).await;
        return 1;
    }
    let Some(session) = session(&caller).await else { return 0 };
    let call = Ask::post(request(1, "tools/call", slow)).with("mcp-session-id", &session);
    let _ = timeout(soon, caller.begin(call)).await;
    end(&caller, &session).await;
    1
}

/// Has a fixture forget all of its sessions. Whether it did.
pub(super) async fn forget_sessions(port: u16) -> bool {
    let caller = Caller::http1(local(port));
    let Some(session) = session(&caller).await else { return false };
    let call = request(1, "tools/call", params("kit_forget", &json!({})));
    let heard = plainly(&caller, Ask::post(call).with("mcp-session-id", &session)).await;
    end(&caller, &session).await;
    heard.is_some_and(|heard| heard.last.get("result").is_some())
}
