//! A virtual server over scripted targets, and clients of both eras that check on every exchange what must always hold:
//! exactly one answer, which is the last message and carries the id that was asked; JSON-RPC 2.0; only the notes that
//! were asked for, under the client's own token; no request of a server; `resultType`, `serverInfo` and caching hints on
//! modern results exactly where they belong and on legacy ones never; no forbidden error code; and in lists no name and
//! no URI without its target where names carry it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use federation::{
    Backend, FailureMode, Frames, Head, Journal, Keep, Outcome, PrefixMode, Sessions, Settings,
};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::target::{CAPABILITIES, Target, VERSION};

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
const CACHEABLE: [&str; 6] = [
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
];

/// A virtual server and its targets. Its end checks that no target heard what it must not.
pub(crate) struct World {
    pub(crate) backend: Backend,
    /// What was called.
    pub(crate) journal: Journal,
    targets: Vec<Target>,
}

impl World {
    /// A server with the default settings. It has looked at its targets when this returns.
    pub(crate) async fn start(targets: &[&Target]) -> Self {
        Self::with(targets, |_| {}).await
    }

    pub(crate) async fn with(targets: &[&Target], change: impl FnOnce(&mut Settings)) -> Self {
        let world = Self::at_once(targets, change);
        settle().await;
        world
    }

    /// The same, at the very moment of its start.
    pub(crate) fn at_once(targets: &[&Target], change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = settings(targets);
        change(&mut settings);
        let journal = Journal::new(Keep { calls: 5, bodies: 100 });
        Self {
            backend: Backend::recorded(settings, journal.clone()),
            journal,
            targets: targets.iter().map(|target| (*target).clone()).collect(),
        }
    }

    /// Takes over another set of targets.
    pub(crate) fn reconfigure(&mut self, targets: &[&Target], change: impl FnOnce(&mut Settings)) {
        let mut settings = settings(targets);
        change(&mut settings);
        self.backend.reconfigure(settings);
        self.targets.extend(targets.iter().map(|target| (*target).clone()));
    }

    /// A client of 2026-07-28.
    pub(crate) fn modern(&self) -> Client {
        Client::new(self.backend.clone(), None, "2026-07-28")
    }

    /// A client of a handshake revision that got no session.
    pub(crate) fn sessionless(&self, version: &'static str) -> Client {
        Client::new(self.backend.clone(), None, version)
    }

    /// A client of 2025-11-25 with its session.
    pub(crate) async fn legacy(&self) -> Client {
        self.legacy_of("2025-11-25").await.0
    }

    /// A client of 2025-11-25 that declares this, with its session.
    pub(crate) async fn legacy_with(&self, capabilities: Value) -> Client {
        self.legacy_as("2025-11-25", capabilities).await.0
    }

    /// A client of a handshake revision, and the result of its handshake.
    pub(crate) async fn legacy_of(&self, version: &'static str) -> (Client, Value) {
        self.legacy_as(version, json!({})).await
    }

    /// The same with capabilities.
    pub(crate) async fn legacy_as(&self, version: &'static str, capabilities: Value) -> (Client, Value) {
        let (client, shaken) = self.shaking(version, capabilities).await;
        client.notify("notifications/initialized", json!({})).await;
        (client, shaken)
    }

    /// The same for a client that has not yet said that its handshake is over.
    pub(crate) async fn shaking(&self, version: &'static str, capabilities: Value) -> (Client, Value) {
        let params = json!({ "protocolVersion": version, "capabilities": capabilities, "clientInfo": { "name": "test", "version": "1" } });
        let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }).to_string();
        let outcome = self.backend.post(Head::default(), Bytes::from(body)).await;
        let Outcome::One(single) = outcome else { panic!("a handshake has one answer") };
        let session = single.session.clone().expect("a session begins");
        assert!(session.len() >= 22 && session.bytes().all(|b| (0x21..0x7f).contains(&b)), "{session}");
        let answer: Value = serde_json::from_slice(&single.body.join()).expect("JSON");
        assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &json!(0)));
        let client = Client::new(self.backend.clone(), Some(session), version);
        (client, answer["result"].clone())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            for target in &self.targets {
                assert!(target.faults().is_empty(), "target `{}`: {:#?}", target.name(), target.faults());
            }
        }
    }
}

fn settings(targets: &[&Target]) -> Settings {
    Settings {
        key: "test".into(),
        targets: targets.iter().map(|target| target.settings()).collect(),
        prefix: PrefixMode::default(),
        longest_name: None,
        failure: FailureMode::default(),
        stateless: false,
        sessions: Sessions::default(),
    }
}

/// Lets everything happen that needs no more than a moment.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(500)).await;
}

pub(crate) async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// A client of one era. It gives out ids by itself.
pub(crate) struct Client {
    pub(crate) backend: Backend,
    pub(crate) session: Option<String>,
    version: &'static str,
    next: AtomicU64,
    /// What a modern client declares.
    pub(crate) capabilities: Value,
    /// The log level that a modern client asks for.
    pub(crate) level: Option<&'static str>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) notes: Vec<Value>,
    pub(crate) outcome: Result<Value, Value>,
    /// The answer's own bytes.
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn ok(self) -> Value {
        self.outcome.expect("a result")
    }

    pub(crate) fn code(&self) -> i64 {
        match &self.outcome {
            Ok(result) => panic!("not an error: {result}"),
            Err(error) => error["code"].as_i64().expect("a code is an integer"),
        }
    }

    /// The text of the first content block.
    pub(crate) fn said(self) -> String {
        let result = self.ok();
        result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {result}")).to_owned()
    }

    /// The progress notes as `progress@token`, and the logs as `level: data`.
    pub(crate) fn noted(&self) -> Vec<String> {
        let spell = |note: &Value| match note["method"].as_str() {
            Some("notifications/progress") => {
                format!("{}@{}", note["params"]["progress"], note["params"]["progressToken"])
            }
            _ => format!("{}: {}", note["params"]["level"].as_str().unwrap_or("?"), note["params"]["data"]),
        };
        self.notes.iter().map(spell).collect()
    }
}

impl Client {
    fn new(backend: Backend, session: Option<String>, version: &'static str) -> Self {
        Self { backend, session, version, next: AtomicU64::new(1), capabilities: json!({}), level: None }
    }

    /// The same client as it comes to another replica, with ids that it has not used yet.
    pub(crate) fn at(&self, other: &World) -> Self {
        let next = AtomicU64::new(self.next.load(Ordering::Relaxed) + 1000);
        Self { next, ..Self::new(other.backend.clone(), self.session.clone(), self.version) }
    }

    fn is_modern(&self) -> bool {
        self.version == "2026-07-28"
    }

    /// The headers that go with a request.
    pub(crate) fn head(&self, method: &str, params: &Value) -> Head {
        let mut head =
            Head { session: self.session.clone(), version: Some(self.version.into()), ..Head::default() };
        if self.is_modern() {
            head.method = Some(method.into());
            let named = ["name", "uri", "taskId"].iter().find_map(|key| params[*key].as_str());
            head.name = named.map(protocol::header::encode);
        }
        head
    }

    /// A request as this client spells it.
    pub(crate) fn spell(&self, id: &Value, method: &str, mut params: Value) -> String {
        if self.is_modern() {
            let meta = &mut params["_meta"];
            if meta.is_null() {
                *meta = json!({});
            }
            meta[VERSION] = json!(self.version);
            meta[CAPABILITIES] = self.capabilities.clone();
            if let Some(level) = self.level {
                meta["io.modelcontextprotocol/logLevel"] = json!(level);
            }
        }
        json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
    }

    /// Makes a request and waits for its answer.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Reply {
        let id = json!(self.next.fetch_add(1, Ordering::Relaxed));
        self.call_as(id, method, params).await.expect("an answer")
    }

    /// The same under an id of the caller's choice; `None` if the stream ends without an answer.
    pub(crate) async fn call_as(&self, id: Value, method: &str, params: Value) -> Option<Reply> {
        let body = self.spell(&id, method, params.clone());
        self.exchange(self.head(method, &params), &id, method, body).await
    }

    /// The same with a body as it is spelled by the caller.
    pub(crate) async fn exchange(&self, head: Head, id: &Value, method: &str, body: String) -> Option<Reply> {
        let token = serde_json::from_str::<Value>(&body)
            .map_or(Value::Null, |b| b["params"]["_meta"]["progressToken"].clone());
        let frames = match self.backend.post(head, Bytes::from(body)).await {
            Outcome::Accepted => panic!("a request must be answered"),
            Outcome::One(single) => vec![single.body.join()],
            Outcome::Stream(frames) => messages(frames).collect().await,
        };
        let mut messages: Vec<(Value, String)> = frames.iter().map(read).collect();
        let (answer, text) = messages.pop()?;
        let notes: Vec<Value> = messages.into_iter().map(|(note, _)| note).collect();
        notes.iter().for_each(|note| self.check_note(note, &token));
        assert_eq!(&answer["id"], id, "the id that was asked: {answer}");
        assert!(answer.get("method").is_none(), "the last message is the answer: {answer}");
        let outcome = match (answer.get("result"), answer.get("error")) {
            (Some(result), None) => Ok(result.clone()),
            (None, Some(error)) => Err(error.clone()),
            _ => panic!("either a result or an error: {answer}"),
        };
        match &outcome {
            Ok(result) if self.is_modern() => check_modern(method, result),
            Ok(result) => check_legacy(result),
            Err(error) if self.is_modern() => check_code(error),
            Err(_) => {}
        }
        if let Ok(result) = &outcome {
            self.check_names(result);
        }
        Some(Reply { notes, outcome, text })
    }

    /// Makes a request and answers what the client is asked on the way, with a result or an error in a response without its
    /// id. Returns also what was asked, in order.
    pub(crate) async fn converse(
        &self,
        method: &str,
        params: Value,
        answer: impl Fn(&Value) -> Value,
    ) -> (Reply, Vec<Value>) {
        let id = json!(self.next.fetch_add(1, Ordering::Relaxed));
        let body = self.spell(&id, method, params.clone());
        let outcome = self.backend.post(self.head(method, &params), Bytes::from(body)).await;
        let (mut asked, mut notes) = (Vec::new(), Vec::new());
        let mut frames = match outcome {
            Outcome::One(single) => futures::stream::iter([single.body.join()]).boxed(),
            Outcome::Stream(frames) => messages(frames).boxed(),
            Outcome::Accepted => panic!("a request must be answered"),
        };
        while let Some(frame) = frames.next().await {
            let (message, text) = read(&frame);
            if message.get("method").is_some() && message.get("id").is_some() {
                let mut response = answer(&message);
                response["jsonrpc"] = json!("2.0");
                response["id"] = message["id"].clone();
                asked.push(message);
                self.respond(&response).await;
            } else if message.get("method").is_some() {
                notes.push(message);
            } else {
                assert_eq!(message["id"], id, "the id that was asked: {message}");
                assert!(frames.next().await.is_none(), "the answer is the last message");
                let outcome = match message.get("result") {
                    Some(result) => Ok(result.clone()),
                    None => Err(message["error"].clone()),
                };
                return (Reply { notes, outcome, text }, asked);
            }
        }
        panic!("no answer")
    }

    /// Makes a request and leaves what comes back to the caller.
    pub(crate) async fn begin(&self, id: Value, method: &str, params: Value) -> Listener {
        let body = self.spell(&id, method, params.clone());
        match self.backend.post(self.head(method, &params), Bytes::from(body)).await {
            Outcome::One(single) => Listener(futures::stream::iter([single.body.join()]).boxed()),
            Outcome::Stream(frames) => Listener::of(frames),
            Outcome::Accepted => panic!("a request must be answered"),
        }
    }

    /// POSTs a response to a request of the server.
    pub(crate) async fn respond(&self, response: &Value) {
        let outcome = self.backend.post(self.session_head(), Bytes::from(response.to_string())).await;
        assert!(matches!(outcome, Outcome::Accepted), "a response is accepted: {outcome:?}");
    }

    fn check_note(&self, note: &Value, token: &Value) {
        assert!(note.get("id").is_none(), "no request and no second answer on a call's stream: {note}");
        match note["method"].as_str() {
            Some("notifications/progress") => {
                assert!(
                    !token.is_null() && note["params"]["progressToken"] == *token,
                    "someone else's progress: {note}"
                );
            }
            Some("notifications/message") => {
                assert!(!self.is_modern() || self.level.is_some(), "an unwanted log: {note}")
            }
            _ => panic!("a stray notification on a call's stream: {note}"),
        }
    }

    /// In lists every name and URI leads back to a target, where names carry it.
    fn check_names(&self, result: &Value) {
        let settings = self.backend.settings();
        let several = settings.targets.len() > 1;
        let names =
            settings.prefix == PrefixMode::Always || (several && settings.prefix == PrefixMode::Conditional);
        let uris = settings.prefix == PrefixMode::Always || several;
        let known = |text: &str, seam: char| {
            let text = text.strip_prefix("ui://").unwrap_or(text);
            settings
                .targets
                .iter()
                .any(|target| text.strip_prefix(&target.name).is_some_and(|rest| rest.starts_with(seam)))
        };
        for (list, key, seam, carried) in [
            ("tools", "name", '_', names),
            ("prompts", "name", '_', names),
            ("resources", "uri", '+', uris),
            ("resourceTemplates", "uriTemplate", '+', uris),
        ] {
            for item in result[list].as_array().into_iter().flatten().filter(|_| carried) {
                let name = item[key].as_str().expect("an item has a name");
                assert!(known(name, seam), "`{name}` is not a name of ours");
            }
        }
    }

    /// Sends a notification.
    pub(crate) async fn notify(&self, method: &str, params: Value) {
        let body = json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string();
        let head =
            Head { session: self.session.clone(), version: Some(self.version.into()), ..Head::default() };
        let outcome = self.backend.post(head, Bytes::from(body)).await;
        assert!(matches!(outcome, Outcome::Accepted), "a notification is accepted: {outcome:?}");
    }

    /// The names in a list, over all its pages.
    pub(crate) async fn list(&self, method: &str) -> Vec<String> {
        let mut names = Vec::new();
        let mut params = json!({});
        loop {
            let page = self.call(method, params).await.ok();
            names.extend(names_in(&page));
            match page["nextCursor"].as_str() {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => return names,
            }
        }
    }

    pub(crate) async fn tools(&self) -> Vec<String> {
        self.list("tools/list").await
    }

    pub(crate) async fn tool(&self, name: &str) -> Reply {
        self.call("tools/call", json!({ "name": name, "arguments": {} })).await
    }

    /// The same with progress asked for under a token.
    pub(crate) async fn tool_with(&self, name: &str, token: Value) -> Reply {
        self.call("tools/call", json!({ "name": name, "arguments": {}, "_meta": { "progressToken": token } }))
            .await
    }

    pub(crate) fn session_head(&self) -> Head {
        Head { session: self.session.clone(), version: Some(self.version.into()), ..Head::default() }
    }

    /// Opens the session's own stream.
    pub(crate) fn listen(&self) -> Listener {
        Listener::of(self.backend.stream(&self.session_head()).expect("a stream"))
    }

    /// Ends the session.
    pub(crate) fn end(&self) {
        self.backend.end(&self.session_head()).expect("a session ends");
    }
}

/// The headers of a request that names a session and nothing else.
pub(crate) fn named(session: &str) -> Head {
    Head { session: Some(session.into()), ..Head::default() }
}

/// A session's own stream.
pub(crate) struct Listener(BoxStream<'static, Bytes>);

impl Listener {
    pub(crate) fn of(frames: Frames) -> Self {
        Self(messages(frames).boxed())
    }

    /// The next message, if one comes within a minute.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let next = tokio::time::timeout(Duration::from_secs(60), self.0.next()).await;
        next.ok().flatten().map(|message| read(&message).0)
    }

    /// The next request of the server, if one comes within a minute.
    pub(crate) async fn asked(&mut self) -> Option<Value> {
        loop {
            let message = self.next().await?;
            if message.get("id").is_some() && message.get("method").is_some() {
                return Some(message);
            }
        }
    }

    /// Everything that is said within a moment, each as its method without `notifications/`, and its URI or data.
    pub(crate) async fn heard(&mut self) -> Vec<String> {
        let mut heard = Vec::new();
        while let Ok(Some(frame)) = tokio::time::timeout(Duration::from_millis(500), self.0.next()).await {
            let message = read(&frame).0;
            assert!(
                message.get("id").is_none(),
                "no answers and no requests on the session's stream: {message}"
            );
            let method =
                message["method"].as_str().expect("a method").trim_start_matches("notifications/").to_owned();
            let about = message["params"]["uri"].as_str().or(message["params"]["data"].as_str());
            heard.push(about.map_or(method.clone(), |about| format!("{method} {about}")));
        }
        heard
    }

    /// Whether the stream ends soon, whatever it says until then.
    pub(crate) async fn over(&mut self) -> bool {
        let rest = async { while self.0.next().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(5), rest).await.is_ok()
    }

    /// Whether the stream has ended.
    pub(crate) async fn ended(&mut self) -> bool {
        matches!(tokio::time::timeout(Duration::from_secs(5), self.0.next()).await, Ok(None))
    }
}

/// What a stream says, without what only opens it.
pub(crate) fn messages(frames: Frames) -> impl Stream<Item = Bytes> + Send + 'static {
    frames.into_stream().map(|frame| frame.message).filter(|message| std::future::ready(!message.is_empty()))
}

/// The names in one page of a list.
pub(crate) fn names_in(page: &Value) -> Vec<String> {
    let lists =
        [("tools", "name"), ("prompts", "name"), ("resources", "uri"), ("resourceTemplates", "uriTemplate")];
    let (list, key) = lists.into_iter().find(|(list, _)| page[list].is_array()).expect("a list");
    let items = page[list].as_array().expect("an array");
    items.iter().map(|item| item[key].as_str().expect("a name").to_owned()).collect()
}

/// Runs a call in the background; what it returns arrives when it is there.
pub(crate) fn background(
    client: &std::sync::Arc<Client>,
    id: Value,
    name: &str,
) -> mpsc::Receiver<Option<Reply>> {
    let (sender, receiver) = mpsc::channel(1);
    let (client, name) = (client.clone(), name.to_owned());
    upstream::Task::spawn_finite("background call", async move {
        let reply = client.call_as(id, "tools/call", json!({ "name": name, "arguments": {} })).await;
        let _ = sender.send(reply).await;
    });
    receiver
}

fn read(frame: &Bytes) -> (Value, String) {
    let text = String::from_utf8(frame.to_vec()).expect("UTF-8");
    assert!(!text.contains('\n'), "a message is one line: {text}");
    let message: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(message["jsonrpc"], "2.0", "{message}");
    (message, text)
}

fn check_modern(method: &str, result: &Value) {
    let kind = result["resultType"].as_str();
    let made = method == "tools/call" && kind == Some("task");
    assert!(
        made || matches!(kind, Some("complete" | "input_required")),
        "a modern result has a known type: {result}"
    );
    let info = &result["_meta"][SERVER_INFO];
    assert_eq!(info["name"], "agentgateway", "a modern result names its server, which is us: {result}");
    let hinted =
        result["ttlMs"].is_u64() && matches!(result["cacheScope"].as_str(), Some("public" | "private"));
    if CACHEABLE.contains(&method) && kind == Some("complete") {
        assert!(hinted, "a cacheable result says for how long and for whom: {result}");
    } else {
        // A task has a time to live of its own.
        let lives = made || method == "tasks/get";
        assert!(
            (lives || result.get("ttlMs").is_none()) && result.get("cacheScope").is_none(),
            "not cacheable: {result}"
        );
    }
}

fn check_legacy(result: &Value) {
    for modern_only in ["resultType", "ttlMs", "cacheScope"] {
        assert!(result.get(modern_only).is_none(), "`{modern_only}` in a legacy result: {result}");
    }
    assert!(result["_meta"].get(SERVER_INFO).is_none(), "`serverInfo` in a legacy result: {result}");
}

/// Codes without a meaning in 2026-07-28.
fn check_code(error: &Value) {
    let code = error["code"].as_i64().expect("a code is an integer");
    let reserved = (-32099..=-32000).contains(&code) && !(-32022..=-32020).contains(&code);
    assert!(!reserved, "a code that means nothing to a modern client: {error}");
}
