//! The clients: several of each era, each doing one thing after the other.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::disturbance::TARGETS;
use super::tally::{Outcome, Tally};
use crate::client::{Ask, Events, STUCK, Session, initialize, notification, request};

/// How many clients there are of each era.
pub(super) const CLIENTS: usize = 4;
/// The pause of a client between two requests.
const PAUSE: Duration = Duration::from_millis(20);
/// How many rounds of questions a call may have.
const ROUNDS: usize = 8;
/// How long a modern client listens at a time.
const LISTEN: Duration = Duration::from_millis(500);

/// Everything that a client can be asked for, as one JSON object.
fn capabilities() -> Value {
    json!({ "elicitation": { "form": {} }, "sampling": {}, "roots": {} })
}

/// One request.
struct Deed {
    kind: &'static str,
    method: &'static str,
    params: Value,
    /// What the answer has to hold, if it is a result.
    proof: Option<String>,
}

/// What a client does with each target in turn.
fn deeds(target: &str) -> Vec<Deed> {
    static TOKENS: AtomicU64 = AtomicU64::new(0);
    let unique = format!("soak-{}", TOKENS.fetch_add(1, Ordering::Relaxed));
    let tool = |name: &str, arguments: Value| json!({ "name": format!("{target}_{name}"), "arguments": arguments, "_meta": { "progressToken": unique } });
    let deed = |kind, method, params| Deed { kind, method, params, proof: None };
    vec![
        deed("call", "tools/call", tool("test_simple_text", json!({}))),
        deed("progress", "tools/call", tool("kit_slow", json!({ "steps": 4 }))),
        deed("log", "tools/call", tool("kit_log", json!({ "count": 5 }))),
        Deed {
            kind: "question",
            method: "tools/call",
            params: tool("kit_echo_asked", json!({ "token": unique })),
            proof: Some(format!("about {unique}")),
        },
        deed("questions", "tools/call", tool("kit_ask_then", json!({ "rounds": 3 }))),
        deed("all inputs", "tools/call", tool("kit_ask_many", json!({}))),
        deed("change", "tools/call", tool("kit_touch", json!({}))),
        deed("read", "resources/read", json!({ "uri": format!("{target}+test://static-text") })),
        deed("prompt", "prompts/get", json!({ "name": format!("{target}_test_simple_prompt") })),
        deed("list", "tools/list", json!({})),
        deed("list", "resources/list", json!({})),
        deed("list", "prompts/list", json!({})),
    ]
}

/// A result shows that it answers the question that was asked, or nothing is known of it.
fn proven(deed: &Deed, answer: &Value) -> bool {
    let proof = deed.proof.as_ref().filter(|_| answer["result"]["isError"] != true);
    proof.is_none_or(|proof| answer.get("result").is_none_or(|result| result.to_string().contains(proof)))
}

/// What a response means.
pub(super) fn outcome(answer: &Value, id: &Value) -> Outcome {
    if answer["id"] != *id {
        return Outcome::Unanswered(format!("an answer to something else: {answer}"));
    }
    if answer.get("result").is_some() {
        let failed = answer["result"]["isError"] == true;
        let said = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
        return if failed { Outcome::Failed(format!("isError: {}", short(said))) } else { Outcome::Answered };
    }
    let error = &answer["error"];
    match (error["code"].as_i64(), error["message"].as_str()) {
        (Some(code), Some(words)) if !words.is_empty() => Outcome::Failed(format!("{code} {}", short(words))),
        _ => Outcome::Unanswered(format!("no clear error: {answer}")),
    }
}

/// The beginning of a reason, so that equal ones are counted together.
fn short(words: &str) -> String {
    words.chars().take(90).collect()
}

/// The result of a request to the client.
fn reply_to(question: &Value) -> Value {
    let params = &question["params"];
    match question["method"].as_str().unwrap_or_default() {
        "elicitation/create" => {
            // Says what it was asked, so that an answer to another question shows.
            let message = params["message"].as_str().unwrap_or_default();
            let token = message.split([' ', '?']).find(|word| word.starts_with("soak-")).unwrap_or_default();
            json!({ "action": "accept", "content": { "value": format!("about {token}") } })
        }
        "sampling/createMessage" => {
            json!({ "role": "assistant", "model": "none", "content": { "type": "text", "text": "well" } })
        }
        "roots/list" => json!({ "roots": [] }),
        _ => json!({}),
    }
}

/// The clients.
pub(super) struct Traffic;

impl Traffic {
    /// Lets every client work until a moment; each does everything at least once.
    pub(super) async fn run_until(address: SocketAddr, tally: &Tally, end: Instant) {
        let legacy = (0..CLIENTS).map(|number| Legacy { address, tally, number }.work(end));
        let modern = (0..CLIENTS).map(|number| Modern { address, tally, number }.work(end));
        tokio::join!(join_all(legacy), join_all(modern));
    }
}

/// Waits for a request, and counts it. What panics on the way, such as a broken connection, is no answer.
async fn counted(
    tally: &Tally,
    kind: &'static str,
    era: &'static str,
    asked: impl Future<Output = Outcome> + Send + 'static,
) {
    let outcome = match timeout(2 * STUCK, tokio::spawn(asked)).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(broken)) => Outcome::Unanswered(broken.to_string()),
        Err(_) => Outcome::Unanswered("no answer in time".to_owned()),
    };
    tally.count(kind, era, outcome);
    sleep(PAUSE).await;
}

// === Legacy ===

struct Legacy<'a> {
    address: SocketAddr,
    tally: &'a Tally,
    number: usize,
}

impl Legacy<'_> {
    async fn work(self, end: Instant) {
        for turn in self.number.. {
            self.session(TARGETS[turn % TARGETS.len()]).await;
            if Instant::now() >= end {
                return;
            }
        }
    }

    /// A session from its handshake to its end.
    async fn session(&self, target: &str) {
        let session = open(self.address).await;
        let stream = tokio::spawn(answer_on_stream(session.clone()));
        for deed in deeds(target) {
            let kind = deed.kind;
            counted(self.tally, kind, "legacy", converse(session.clone(), deed)).await;
        }
        let watched = json!({ "uri": format!("{target}+kit://counter") });
        for (kind, method) in [("subscribe", "resources/subscribe"), ("unsubscribe", "resources/unsubscribe")]
        {
            let deed = Deed { kind, method, params: watched.clone(), proof: None };
            counted(self.tally, kind, "legacy", converse(session.clone(), deed)).await;
        }
        let ended = Ask::new(Method::DELETE, "/mcp").with("mcp-session-id", &session.id);
        let address = self.address;
        counted(self.tally, "end", "legacy", async move {
            match ended.send(address).await.status {
                200..300 => Outcome::Answered,
                status => Outcome::Unanswered(format!("status {status}")),
            }
        })
        .await;
        stream.abort();
    }
}

/// A session whose client can be asked for everything.
async fn open(address: SocketAddr) -> Session {
    let mut shake = initialize("2025-11-25");
    shake["params"]["capabilities"] = capabilities();
    let reply = Ask::post(shake).send(address).await;
    let id = reply.header("mcp-session-id").to_owned();
    assert!(reply.json().await.get("result").is_some(), "no session");
    let session = Session { address, id, version: "2025-11-25".to_owned() };
    session.post(notification("notifications/initialized", json!({}))).await;
    session
}

/// Answers what is asked on the session's own stream, until the session ends.
async fn answer_on_stream(session: Session) {
    let reply = Ask::stream(&session.id).send(session.address).await;
    if reply.status == 200 {
        let mut events = reply.events();
        // Nothing may come for a long time, so that this waits without a deadline of its own.
        while let Ok(Some(event)) = timeout(STUCK, events.next()).await {
            answer(&session, &event.json()).await;
        }
    }
}

/// Answers a message if it is a request.
async fn answer(session: &Session, message: &Value) {
    if message.get("method").is_some() && message.get("id").is_some() {
        let response = json!({ "jsonrpc": "2.0", "id": message["id"], "result": reply_to(message) });
        session.post(response).await;
    }
}

/// Sends a request, answers what is asked meanwhile, and says what became of it.
async fn converse(session: Session, deed: Deed) -> Outcome {
    static IDS: AtomicU64 = AtomicU64::new(0);
    let id = json!(IDS.fetch_add(1, Ordering::Relaxed));
    let reply = session.post(request(id.clone(), deed.method, deed.params.clone())).await;
    let last = match reply.header("content-type") {
        "text/event-stream" => last_of(&session, reply.events()).await,
        _ => reply.json().await,
    };
    if !proven(&deed, &last) {
        return Outcome::Unanswered(format!("the answer to another question: {last}"));
    }
    outcome(&last, &id)
}

/// The response at the end of a call's stream.
async fn last_of(session: &Session, mut events: Events) -> Value {
    let mut last = Value::Null;
    while let Some(event) = events.next().await {
        last = event.json();
        answer(session, &last).await;
    }
    last
}

// === Modern ===

struct Modern<'a> {
    address: SocketAddr,
    tally: &'a Tally,
    number: usize,
}

impl Modern<'_> {
    async fn work(self, end: Instant) {
        for turn in self.number.. {
            let target = TARGETS[turn % TARGETS.len()];
            for deed in deeds(target) {
                let kind = deed.kind;
                counted(self.tally, kind, "modern", rounds(self.address, deed)).await;
            }
            let wanted = json!({ "notifications": {
                "toolsListChanged": true,
                "resourceSubscriptions": [format!("{target}+kit://counter")],
            } });
            counted(self.tally, "listen", "modern", listen(self.address, wanted)).await;
            if Instant::now() >= end {
                return;
            }
        }
    }
}

/// A modern request of a client that can be asked for everything.
fn modern(deed: &Deed, params: &Value) -> Ask {
    let ask = Ask::modern(deed.method, params.clone());
    let mut params = crate::client::enveloped(params.clone());
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities();
    ask.saying(request(1, deed.method, params))
}

/// Sends a request, and again with the answers as long as it asks.
async fn rounds(address: SocketAddr, deed: Deed) -> Outcome {
    let mut params = deed.params.clone();
    for _ in 0..ROUNDS {
        let last = modern(&deed, &params).send(address).await.answer().await;
        let result = &last["result"];
        if result["resultType"] != "input_required" {
            return match proven(&deed, &last) {
                true => outcome(&last, &json!(1)),
                false => Outcome::Unanswered(format!("the answer to another question: {last}")),
            };
        }
        let asked = result["inputRequests"].as_object().into_iter().flatten();
        let answers: serde_json::Map<_, _> =
            asked.map(|(key, question)| (key.clone(), reply_to(question))).collect();
        params = deed.params.clone();
        params["inputResponses"] = answers.into();
        if let Some(state) = result.get("requestState") {
            params["requestState"] = state.clone();
        }
    }
    Outcome::Failed("it does not stop asking".to_owned())
}

/// Listens for a while. Whoever stops listening gets no answer.
async fn listen(address: SocketAddr, wanted: Value) -> Outcome {
    let ask = Ask::modern("subscriptions/listen", wanted);
    let reply = ask.send(address).await;
    if reply.header("content-type") != "text/event-stream" {
        return outcome(&reply.json().await, &json!(1));
    }
    let mut events = reply.events();
    let first = events.next().await.map(|event| event.json()).unwrap_or_default();
    if first["method"] != "notifications/subscriptions/acknowledged" {
        return outcome(&first, &json!(1));
    }
    // What comes meanwhile is of no interest; a stream that ends is.
    let _ = timeout(LISTEN, async { while events.next().await.is_some() {} }).await;
    Outcome::Answered
}
