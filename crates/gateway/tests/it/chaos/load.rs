//! The clients: of both eras, over HTTP/1 and HTTP/2, each doing one thing after the other until it is stopped.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::caller::{Caller, Heard, Trouble};
use super::ledger::{Ledger, Outcome};
use super::scene::{HONEST, LIARS};
use crate::client::{Ask, declaring, initialize_with, notification, request};

/// How many clients there are of each era and version of HTTP.
pub(super) const CLIENTS: usize = 2;
/// The pause of a client between two requests.
const PAUSE: Duration = Duration::from_millis(15);
/// How many rounds of questions a call may have.
const ROUNDS: usize = 8;
/// After this much time a request counts as hung: what the configuration promises for opening a link twice, for waiting for a
/// target that was just started, and for a call, and as much again for a machine that is busy.
pub(super) const DEADLINE: Duration = Duration::from_secs(40);

/// What all clients share.
pub(super) struct Load {
    pub(super) address: SocketAddr,
    pub(super) ledger: Ledger,
    /// Set when they are to finish.
    over: AtomicBool,
    /// Whose the sessions and processes of legacy targets are, as far as calls showed it.
    owners: Mutex<HashMap<String, String>>,
}

/// A number that nobody else has: ids and tokens are made of it.
fn fresh() -> u64 {
    static NUMBERS: AtomicU64 = AtomicU64::new(1);
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

/// Everything that a client can be asked for.
fn abilities() -> Value {
    json!({ "elicitation": { "form": {} }, "sampling": {}, "roots": {} })
}

impl Load {
    pub(super) fn new(address: SocketAddr) -> Arc<Self> {
        let (ledger, over, owners) = (Ledger::default(), AtomicBool::new(false), Mutex::default());
        Arc::new(Self { address, ledger, over, owners })
    }

    /// Lets every client work until it is told to stop. Each finishes what it does.
    pub(super) async fn run(self: &Arc<Self>) {
        let clients = (0..CLIENTS * 4).map(|number| {
            let load = self.clone();
            tokio::spawn(async move {
                let caller = match number / 2 % 2 {
                    0 => Caller::http1(load.address),
                    _ => Caller::http2(load.address),
                };
                match number % 2 {
                    0 => load.legacy(Arc::new(caller), number).await,
                    _ => load.modern(&caller, number).await,
                }
            })
        });
        for client in join_all(clients).await {
            client.expect("a client does not panic");
        }
    }

    pub(super) fn stop(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    async fn modern(&self, caller: &Caller, number: usize) {
        for turn in number.. {
            let target = target(turn);
            for deed in deeds(target) {
                self.counted(&deed, self.by_modern(caller, &deed)).await;
                if self.is_over() {
                    return;
                }
            }
        }
    }

    async fn legacy(&self, caller: Arc<Caller>, number: usize) {
        for turn in (number..).step_by(2) {
            let Some(session) = self.open(&caller).await else {
                sleep(PAUSE * 10).await;
                if self.is_over() {
                    return;
                }
                continue;
            };
            let session = Arc::new(session);
            let stream = tokio::spawn(hear(session.clone()));
            let deeds = [target(turn), target(turn + 1)].into_iter().flat_map(deeds);
            for deed in deeds {
                let known = self.counted(&deed, self.by_legacy(&session, &deed)).await;
                if !known || self.is_over() {
                    break;
                }
            }
            let end = Ask::new(Method::DELETE, "/mcp").with("mcp-session-id", &session.id);
            // Whether it is still there depends on what became of the gateway.
            let _ = timeout(DEADLINE, session.caller.exchange(end)).await;
            stream.abort();
            if self.is_over() {
                return;
            }
        }
    }

    /// Shakes hands.
    async fn open(&self, caller: &Arc<Caller>) -> Option<Person> {
        let place = self.ledger.now();
        let shake = Ask::post(initialize_with("2025-11-25", &abilities()));
        let heard = timeout(DEADLINE, caller.exchange(shake)).await;
        let outcome = match &heard {
            Ok(Ok(heard)) if heard.last.get("result").is_some() && !heard.session.is_empty() => {
                Outcome::Answered
            }
            Ok(Ok(heard)) => outcome(heard, &json!(0)),
            Ok(Err(trouble)) => troubled(trouble),
            Err(_) => Outcome::Hung("the handshake".into()),
        };
        let done = matches!(outcome, Outcome::Answered);
        self.ledger.count(place, "initialize", outcome);
        let session = Person { caller: caller.clone(), id: heard.ok()?.ok()?.session };
        if done {
            session.tell(&notification("notifications/initialized", json!({}))).await;
        }
        done.then_some(session)
    }

    /// Waits for a request and counts it. Whether its session is still known.
    async fn counted(&self, deed: &Deed, asked: impl Future<Output = Outcome>) -> bool {
        let place = self.ledger.now();
        let outcome = match timeout(DEADLINE, asked).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Hung(format!("{} {}", deed.method, deed.params)),
        };
        let known = !matches!(&outcome, Outcome::Failed(reason) if reason.starts_with("404"))
            && !matches!(&outcome, Outcome::Cut(_));
        self.ledger.count(place, deed.method, outcome);
        sleep(PAUSE).await;
        known
    }

    /// Calls a tool of a liar in a session of its own, and counts it.
    pub(super) async fn provoke(&self, target: &str, tool: &str, mut arguments: Value, expected: Expected) {
        let caller = Arc::new(Caller::http1(self.address));
        let Some(session) = self.open(&caller).await else { return };
        let token = format!("chaos-{}", fresh());
        arguments["token"] = json!(token);
        let params = json!({
            "name": format!("{target}_{tool}"), "arguments": arguments, "_meta": { "progressToken": token },
        });
        let proof = match expected {
            Expected::Echo => Proof::Echo { target: target.to_owned(), token },
            Expected::Error => Proof::Error,
            Expected::EchoOrError => Proof::Token(token),
        };
        let deed = Deed { method: "tools/call", params, proof };
        self.counted(&deed, self.by_legacy(&session, &deed)).await;
        session.end().await;
    }

    /// Asks a target as a client that was never there before, of one era and of the other. Not counted.
    pub(super) async fn serves(&self, target: &str) -> bool {
        let caller = Arc::new(Caller::http1(self.address));
        let deed = echo(target);
        let modern = self.by_modern(&caller, &deed).await;
        let heard = caller.exchange(Ask::post(initialize_with("2025-11-25", &json!({}))));
        let Ok(Heard { session, .. }) = heard.await else { return false };
        let session = Person { caller, id: session };
        session.tell(&notification("notifications/initialized", json!({}))).await;
        let legacy = self.by_legacy(&session, &deed).await;
        session.end().await;
        matches!((modern, legacy), (Outcome::Answered, Outcome::Answered))
    }

    // === One request, with everything that it is asked meanwhile ===

    async fn by_legacy(&self, session: &Person, deed: &Deed) -> Outcome {
        let id = json!(fresh());
        let body = request(id.clone(), deed.method, deed.params.clone());
        match session.converse(session.ask(&body)).await {
            Ok(heard) => self.proven(deed, &heard, &id, &session.id),
            Err(trouble) => troubled(&trouble),
        }
    }

    async fn by_modern(&self, caller: &Caller, deed: &Deed) -> Outcome {
        let mut params = declaring(deed.params.clone(), abilities());
        for _ in 0..ROUNDS {
            let id = json!(fresh());
            let ask = Ask::modern_as(id.clone(), deed.method, params.clone());
            let heard = match caller.exchange(ask).await {
                Ok(heard) => heard,
                Err(trouble) => return troubled(&trouble),
            };
            let result = &heard.last["result"];
            if result["resultType"] != "input_required" {
                return self.proven(deed, &heard, &id, "modern");
            }
            let asked = result["inputRequests"].as_object().into_iter().flatten();
            let answers: Value = asked.map(|(key, question)| (key.clone(), reply_to(question))).collect();
            params["inputResponses"] = answers;
            match result.get("requestState") {
                Some(state) => params["requestState"] = state.clone(),
                None => drop(params.as_object_mut().map(|params| params.remove("requestState"))),
            }
        }
        Outcome::Unclear("it does not stop asking".to_owned())
    }

    /// An outcome, if a result shows that it answers this request.
    fn proven(&self, deed: &Deed, heard: &Heard, id: &Value, owner: &str) -> Outcome {
        let outcome = outcome(heard, id);
        let told = heard.last.to_string();
        match (&deed.proof, &outcome) {
            (Proof::Error, Outcome::Answered) => {
                Outcome::Wrong(format!("this cannot have a result: {told:.200}"))
            }
            (Proof::None | Proof::Error, _) => outcome,
            // Nobody could be asked: the gateway stops, or the stream of the question broke for good.
            (Proof::Asked(token), Outcome::Answered)
                if heard.last["result"]["structuredContent"]
                    == json!({ "answered": null, "asked": token }) =>
            {
                Outcome::Failed("the target was told that its question has no answer".into())
            }
            (_, Outcome::Answered) => match self.disproof(&deed.proof, &heard.last["result"], owner) {
                Some(wrong) => Outcome::Wrong(format!("{wrong}: {told:.600}")),
                None => outcome,
            },
            (_, Outcome::Failed(_)) if told.contains("FORGED") => Outcome::Wrong(told),
            _ => outcome,
        }
    }

    /// Why a result cannot be the answer.
    fn disproof(&self, proof: &Proof, result: &Value, owner: &str) -> Option<String> {
        let facts = &result["structuredContent"];
        match proof {
            Proof::None | Proof::Error => None,
            Proof::Token(token) => {
                (!result.to_string().contains(token.as_str())).then(|| format!("{token} is not in it"))
            }
            Proof::Asked(token) => {
                let told = json!({ "answered": format!("about {token}"), "asked": token });
                (*facts != told).then(|| format!("{token} was asked"))
            }
            Proof::Echo { target, token } => {
                let echoed = facts["arguments"].get("token").unwrap_or(&facts["token"]);
                if echoed != token.as_str() || facts["server"] != target.as_str() {
                    return Some(format!("{token} of {target} was asked for"));
                }
                self.crossed(target, facts, owner)
            }
        }
    }

    /// A session or a process of a legacy target serves one client of ours, or all that have no session.
    fn crossed(&self, target: &str, facts: &Value, owner: &str) -> Option<String> {
        let place = match target {
            "http-old" | "sse-old" => format!("{target} {}", facts["session"]),
            "pipe-old" | "liar-pipe" => format!("{target} {}", facts["process"]),
            _ => return None,
        };
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let known = owners.entry(place.clone()).or_insert_with(|| owner.to_owned());
        (known != owner).then(|| format!("{place} belongs to {known} and served {owner}"))
    }
}

fn target(turn: usize) -> &'static str {
    let all = HONEST.len() + LIARS.len();
    HONEST.iter().chain(&LIARS).nth(turn % all).expect("one of them")
}

// === What is asked for ===

/// What a provoked call comes to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    /// The right answer.
    Echo,
    /// An error.
    Error,
    /// One of the two.
    EchoOrError,
}

/// What shows that a result is the right one.
enum Proof {
    None,
    /// It holds this.
    Token(String),
    /// It says that this was asked, and what was answered to that.
    Asked(String),
    /// It holds what was sent, and who answered.
    Echo {
        target: String,
        token: String,
    },
    /// There is none: the request has to fail.
    Error,
}

/// One request.
pub(super) struct Deed {
    method: &'static str,
    params: Value,
    proof: Proof,
}

/// A call that shows who answered, and to what.
fn echo(target: &str) -> Deed {
    let token = format!("chaos-{}", fresh());
    let tool = if LIARS.contains(&target) { "echo" } else { "test_echo" };
    let params = json!({ "name": format!("{target}_{tool}"), "arguments": { "token": token } });
    Deed { method: "tools/call", params, proof: Proof::Echo { target: target.to_owned(), token } }
}

/// What a client does with each target in turn.
fn deeds(target: &'static str) -> Vec<Deed> {
    if LIARS.contains(&target) {
        return vec![echo(target), echo(target), echo(target)];
    }
    let token = format!("chaos-{}", fresh());
    let tool = |name: &str, arguments: Value| json!({ "name": format!("{target}_{name}"), "arguments": arguments, "_meta": { "progressToken": token } });
    let deed = |method, params, proof| Deed { method, params, proof };
    let asked = Proof::Asked(token.clone());
    vec![
        echo(target),
        deed("tools/call", tool("kit_slow", json!({ "steps": 4 })), Proof::Token("Took 4 steps".into())),
        deed("tools/call", tool("kit_log", json!({ "count": 5 })), Proof::Token("Logged 5".into())),
        echo(target),
        deed("tools/call", tool("kit_echo_asked", json!({ "token": token })), asked),
        deed("tools/call", tool("kit_ask_then", json!({ "rounds": 2 })), Proof::None),
        deed(
            "resources/read",
            json!({ "uri": format!("{target}+test://static-text") }),
            Proof::Token(target.into()),
        ),
        deed("prompts/get", json!({ "name": format!("{target}_test_simple_prompt") }), Proof::None),
        deed("tools/list", json!({}), Proof::None),
        deed("tools/call", tool("kit_touch", json!({})), Proof::Token("Changed".into())),
        echo(target),
    ]
}

// === What came back ===

fn troubled(trouble: &Trouble) -> Outcome {
    match trouble {
        Trouble::Cut(reason) => Outcome::Cut(short(reason)),
        Trouble::Garbled(reason) => Outcome::Unclear(reason.clone()),
    }
}

/// What a response says of the request with this id.
fn outcome(heard: &Heard, id: &Value) -> Outcome {
    let Heard { status, last, .. } = heard;
    if last.get("result").is_some() {
        if last["id"] != *id {
            return Outcome::Wrong(format!("it answers {} and not {id}: {last:.600}", last["id"]));
        }
        let failed = last["result"]["isError"] == true;
        let said = last["result"]["content"][0]["text"].as_str().unwrap_or_default();
        return if failed { Outcome::Failed(format!("isError: {}", short(said))) } else { Outcome::Answered };
    }
    let error = &last["error"];
    let about_us = last["id"] == *id || last["id"].is_null() && *status >= 400;
    match (error["code"].as_i64(), error["message"].as_str()) {
        (Some(code), Some(words)) if !words.is_empty() && about_us => {
            let status = if *status < 400 { String::new() } else { format!("{status} ") };
            Outcome::Failed(format!("{status}{code} {}", short(words)))
        }
        _ if last.is_null() => Outcome::Unclear(format!("status {status} and no message")),
        _ => Outcome::Unclear(format!("status {status}: {last:.600}")),
    }
}

/// The beginning of a reason, without numbers, so that equal ones are counted together.
fn short(words: &str) -> String {
    let words: String = words.chars().take(110).collect();
    words
        .split(' ')
        .map(|word| if word.parse::<f64>().is_ok() { "#" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

/// The result of a request to the client.
fn reply_to(question: &Value) -> Value {
    let params = &question["params"];
    match question["method"].as_str().unwrap_or_default() {
        "elicitation/create" => {
            // Says what it was asked, so that an answer to another question shows.
            let message = params["message"].as_str().unwrap_or_default();
            let token = message.split([' ', '?']).find(|word| word.starts_with("chaos-")).unwrap_or_default();
            json!({ "action": "accept", "content": { "value": format!("about {token}") } })
        }
        "sampling/createMessage" => {
            json!({ "role": "assistant", "model": "none", "content": { "type": "text", "text": "well" } })
        }
        "roots/list" => json!({ "roots": [] }),
        _ => json!({}),
    }
}

// === A legacy client ===

/// A session, and how its client reaches it.
pub(super) struct Person {
    caller: Arc<Caller>,
    id: String,
}

impl Person {
    fn ask(&self, body: &Value) -> Ask {
        Ask::post(body).with("mcp-session-id", &self.id).with("mcp-protocol-version", "2025-11-25")
    }

    /// Says something that has no answer.
    async fn tell(&self, message: &Value) {
        // Whether it arrives is seen by what follows.
        let _ = timeout(DEADLINE, self.caller.exchange(self.ask(message))).await;
    }

    /// Sends a request, and answers what is asked until its response has ended.
    async fn converse(&self, ask: Ask) -> Result<Heard, Trouble> {
        let (on, mut said) = mpsc::unbounded_channel();
        let answer = async {
            while let Some(message) = said.recv().await {
                self.answer(&message).await;
            }
        };
        tokio::join!(self.caller.converse(ask, on), answer).0
    }

    /// Answers a message if it is a request.
    async fn answer(&self, message: &Value) {
        if message.get("method").is_some() && message.get("id").is_some() {
            self.tell(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": reply_to(message) })).await;
        }
    }

    async fn end(&self) {
        let end = Ask::new(Method::DELETE, "/mcp").with("mcp-session-id", &self.id);
        let _ = timeout(DEADLINE, self.caller.exchange(end)).await;
    }
}

/// Answers what is asked on the session's own stream, until it ends.
async fn hear(session: Arc<Person>) {
    // A stream that breaks is the end of hearing; the calls say what they need on their own.
    let _ = session.converse(Ask::stream(&session.id)).await;
}

#[test]
fn what_came_back_is_told_apart() {
    let of = |status, last: Value| {
        let heard = Heard { status, session: String::new(), last };
        match outcome(&heard, &json!(1)) {
            Outcome::Answered => "answered",
            Outcome::Failed(_) => "failed",
            Outcome::Wrong(_) => "wrong",
            Outcome::Unclear(_) => "unclear",
            Outcome::Cut(_) | Outcome::Hung(_) => "nothing came back",
        }
    };
    let error = |message: &str| json!({ "code": -32603, "message": message });
    assert_eq!(of(200, json!({ "id": 1, "result": {} })), "answered");
    assert_eq!(of(200, json!({ "id": 1, "error": error("target `a` is gone") })), "failed");
    assert_eq!(of(413, json!({ "id": null, "error": error("too large") })), "failed");
    assert_eq!(of(200, json!({ "id": 2, "result": {} })), "wrong");
    assert_eq!(of(200, json!({ "id": 1, "error": error("") })), "unclear");
    assert_eq!(of(200, json!({ "id": 2, "error": error("another's") })), "unclear");
    assert_eq!(of(200, json!({ "id": 1 })), "unclear");
    assert_eq!(of(200, Value::Null), "unclear");
}

#[test]
fn answers_to_others_are_wrong() {
    let load = Load::new(([127, 0, 0, 1], 1).into());
    let deed = echo("pipe-old");
    let Proof::Echo { token, .. } = &deed.proof else { panic!("an echo proves itself") };
    let answered = |token: &str, server: &str, process: u32, owner: &str| {
        let facts = json!({ "arguments": { "token": token }, "server": server, "process": process });
        let last = json!({ "id": 1, "result": { "structuredContent": facts } });
        let heard = Heard { status: 200, session: String::new(), last };
        matches!(load.proven(&deed, &heard, &json!(1), owner), Outcome::Answered)
    };
    assert!(answered(token, "pipe-old", 7, "ann"));
    assert!(!answered("another", "pipe-old", 7, "ann"));
    assert!(!answered(token, "pipe-new", 7, "ann"));
    assert!(!answered(token, "pipe-old", 7, "bob"), "the process is ann's");
}
