//! The faults: one tool each.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::server::{Said, Server, Voice, say};

/// A call of a tool.
pub(crate) struct Call {
    pub(crate) server: Arc<Server>,
    pub(crate) id: Value,
    pub(crate) params: Value,
    pub(crate) voice: Voice,
}

/// What a transport does when a tool is done: nothing more, or it hangs up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    HangUp,
}

struct Tool {
    name: &'static str,
    description: &'static str,
    run: fn(Call) -> BoxFuture<'static, End>,
}

#[rustfmt::skip]
static TOOLS: &[Tool] = &[
    Tool { name: "echo", description: "Answers with `token`, as it should", run: |call| Box::pin(echo(call)) },
    Tool { name: "hang", description: "Never answers", run: |_| Box::pin(std::future::pending()) },
    Tool { name: "noise", description: "Says what is no message `count` times, then answers", run: |call| Box::pin(noise(call)) },
    Tool { name: "large", description: "Answers with `bytes` bytes of text", run: |call| Box::pin(large(call)) },
    Tool { name: "other_id", description: "Answers a request that nobody made, then its own", run: |call| Box::pin(other_id(call)) },
    Tool { name: "stolen_ids", description: "Answers the requests of all small numbers, then its own", run: |call| Box::pin(stolen_ids(call)) },
    Tool { name: "twice", description: "Answers twice, the second time with something else", run: |call| Box::pin(twice(call)) },
    Tool { name: "broken", description: "Answers with what is no valid response", run: |call| Box::pin(broken(call)) },
    Tool { name: "half", description: "Hangs up in the middle of its answer", run: |call| Box::pin(half(call)) },
    Tool { name: "die", description: "Hangs up instead of an answer", run: |_| Box::pin(async { End::HangUp }) },
    Tool { name: "flood", description: "Says `count` notifications of the call, then answers", run: |call| Box::pin(flood(call)) },
    Tool { name: "flood_outside", description: "Says `count` notifications of `method` outside of calls, and answers at once, or with `wait` after them", run: |call| Box::pin(flood_outside(call)) },
    Tool { name: "deaf", description: "Answers, then reads nothing for `ms` milliseconds (over stdio)", run: |call| Box::pin(echo(call)) },
    Tool { name: "status", description: "Is refused with the status `code` (over HTTP)", run: |call| Box::pin(echo(call)) },
    Tool { name: "forget", description: "Answers, and all sessions are forgotten (over HTTP)", run: |call| Box::pin(forget(call)) },
];

/// What a forged answer says. Nobody may ever see it for an answer to another target's call.
const FORGED: &str = "FORGED";

pub(crate) fn describe() -> Value {
    let describe = |tool: &Tool| json!({ "name": tool.name, "description": tool.description, "inputSchema": { "type": "object" } });
    TOOLS.iter().map(describe).collect()
}

/// Runs the tool that a call names.
pub(crate) async fn run(call: Call) -> End {
    match TOOLS.iter().find(|tool| call.params["name"] == tool.name) {
        Some(tool) => (tool.run)(call).await,
        None => {
            let error =
                json!({ "code": -32602, "message": format!("Unknown tool: {}", call.params["name"]) });
            say(&call.voice, &json!({ "jsonrpc": "2.0", "id": call.id, "error": error })).await;
            End::Done
        }
    }
}

impl Call {
    fn number(&self, name: &str, fallback: u64) -> u64 {
        self.params["arguments"][name].as_u64().unwrap_or(fallback)
    }

    /// The right answer.
    async fn answer(&self) -> End {
        let token = &self.params["arguments"]["token"];
        let facts = json!({ "token": token, "server": self.server.name, "process": std::process::id() });
        let content = json!([{ "type": "text", "text": facts.to_string() }]);
        self.result(&self.id, json!({ "content": content, "structuredContent": facts })).await;
        End::Done
    }

    async fn result(&self, id: &Value, result: Value) {
        let result = self.server.complete(result);
        say(&self.voice, &json!({ "jsonrpc": "2.0", "id": id, "result": result })).await;
    }

    async fn forged(&self, id: &Value) {
        self.result(id, text(FORGED)).await;
    }

    async fn raw(&self, bytes: impl Into<Bytes>) {
        // Nobody may be there any more.
        let _ = self.voice.send(Said::Raw(bytes.into())).await;
    }
}

fn text(text: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": text }] })
}

async fn echo(call: Call) -> End {
    call.answer().await
}

async fn noise(call: Call) -> End {
    const NOISE: [&[u8]; 5] = [
        b"Starting server...\n",
        b"{\"level\":\"info\"}\n",
        b"[1,2\n",
        b"\xff\xfe\x00\n",
        b"{\"jsonrpc\":\"2.0\",\"id\":true,\"result\":{}}\n",
    ];
    for number in 0..call.number("count", 5) {
        call.raw(Bytes::from_static(NOISE[number as usize % NOISE.len()])).await;
    }
    call.answer().await
}

async fn large(call: Call) -> End {
    let bytes = usize::try_from(call.number("bytes", 1 << 20)).expect("64 bits");
    call.result(&call.id, text(&"x".repeat(bytes))).await;
    End::Done
}

async fn other_id(call: Call) -> End {
    let beyond = call.id.as_u64().map_or(json!("nobody"), |id| json!(id + 1_000_000));
    for id in [beyond, json!("nobody"), json!(-1), Value::Null] {
        call.forged(&id).await;
    }
    call.answer().await
}

async fn stolen_ids(call: Call) -> End {
    for id in (0..500).map(|id| json!(id)).filter(|id| *id != call.id) {
        call.forged(&id).await;
    }
    call.answer().await
}

async fn twice(call: Call) -> End {
    call.answer().await;
    call.forged(&call.id).await;
    End::Done
}

async fn broken(call: Call) -> End {
    say(&call.voice, &json!({ "jsonrpc": "2.0", "id": call.id, "result": {}, "error": { "code": 1 } })).await;
    End::Done
}

async fn half(call: Call) -> End {
    call.raw(format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{{\"con", call.id)).await;
    End::HangUp
}

async fn flood(call: Call) -> End {
    let token = call.params["_meta"].get("progressToken").cloned();
    for number in 1..=call.number("count", 1000) {
        // Progress has an owner also where several calls share a pipe; log lines may not.
        let (method, params) = match &token {
            Some(token) if number % 2 == 0 => {
                ("notifications/progress", json!({ "progressToken": token, "progress": number }))
            }
            _ => ("notifications/message", log(number)),
        };
        let said = say(&call.voice, &json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
        if !said {
            return End::HangUp;
        }
    }
    call.answer().await
}

async fn flood_outside(call: Call) -> End {
    let count = call.number("count", 1000);
    let method = call.params["arguments"]["method"].as_str().unwrap_or("notifications/message").to_owned();
    let server = call.server.clone();
    let telling = tokio::spawn(async move {
        for number in 1..=count {
            let params = if method == "notifications/message" { log(number) } else { json!({}) };
            server.tell(&method, &params).await;
        }
    });
    if call.params["arguments"]["wait"] == true {
        telling.await.expect("telling does not panic");
    }
    call.answer().await
}

fn log(number: u64) -> Value {
    json!({ "level": "error", "logger": "hostile", "data": format!("line {number}, which says nothing of use") })
}

async fn forget(call: Call) -> End {
    let server = call.server.clone();
    call.answer().await;
    // The answer may still belong to the session that is to be forgotten.
    tokio::time::sleep(Duration::from_millis(20)).await;
    server.forget(None);
    End::Done
}
