//! A scripted target: its era, its items, what it answers and when it misbehaves are data that a test may change
//! while it runs. It notes everything it hears, and what it hears that no client may say.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use upstream::settings::Custom;
use upstream::wire::pipe::PipeWire;
use upstream::wire::{Connect, Frames, Inbox, Outgoing, Wire};
use upstream::{Error, ErrorKind, Task, Tie, Transport};

pub(crate) const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub(crate) const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
const URIS: &str = "resourceSubscriptions";

/// What a target does with a request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Answers with this result; a modern target adds what every modern result carries.
    Result(Value),
    /// Answers with exactly this text as its result.
    Spelled(String),
    /// Answers with this error.
    Error(Value),
    /// Says these lines first. `$id` and `$token` stand for the request's id and progress token.
    Say(Vec<String>, Box<Act>),
    /// Waits first.
    After(Duration, Box<Act>),
    /// Asks its client something, and answers with a text that is the client's whole response.
    Ask(&'static str, Value),
    /// Never answers.
    Hang,
    /// Acknowledges a listen request, and leaves it open.
    Listen,
    /// Hangs up.
    Die,
    /// Whatever this says for this request.
    With(Arc<dyn Fn(&Value) -> Act + Send + Sync>),
}

impl Act {
    pub(crate) fn error(code: i64, message: &str) -> Self {
        Self::Error(json!({ "code": code, "message": message }))
    }

    pub(crate) fn after(seconds: u64, then: Act) -> Self {
        Self::After(Duration::from_secs(seconds), Box::new(then))
    }

    pub(crate) fn saying<S: Into<String>>(lines: impl IntoIterator<Item = S>, then: Act) -> Self {
        Self::Say(lines.into_iter().map(Into::into).collect(), Box::new(then))
    }

    pub(crate) fn with(choose: impl Fn(&Value) -> Act + Send + Sync + 'static) -> Self {
        Self::With(Arc::new(choose))
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::Result(json!({ "content": [{ "type": "text", "text": text }] }))
    }
}

/// How a target takes a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Open,
    /// The connection is refused.
    Shut,
    /// The connection is never made.
    Hung,
}

/// What a target is.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) modern: bool,
    pub(crate) capabilities: Value,
    pub(crate) instructions: Option<String>,
    pub(crate) tools: Vec<Value>,
    /// Tools that are there only for clients with a capability.
    pub(crate) shown_to: HashMap<&'static str, &'static str>,
    pub(crate) prompts: Vec<Value>,
    pub(crate) resources: Vec<Value>,
    pub(crate) templates: Vec<Value>,
    /// Items per page.
    pub(crate) page: usize,
    pub(crate) ttl_ms: u64,
    pub(crate) scope: &'static str,
    pub(crate) door: Door,
    /// Whether it gives each connection a session that others can go on with, as over HTTP, and which it has forgotten.
    pub(crate) sessions: bool,
    pub(crate) forgotten: HashSet<String>,
    /// How many requests find no way to it from now on, over connections that are open.
    pub(crate) refusing: usize,
    /// The URIs of which a modern target does not tell, and which it leaves out of its acknowledgements.
    pub(crate) untold: Vec<&'static str>,
    acts: HashMap<String, Act>,
}

impl Script {
    /// The tools that there are for a client that declared this.
    fn tools_for(&self, declared: &Value) -> Cow<'_, [Value]> {
        let shown = |tool: &&Value| {
            let needed = tool["name"].as_str().and_then(|name| self.shown_to.get(name));
            needed.is_none_or(|needed| declared[*needed].is_object())
        };
        match self.shown_to.is_empty() {
            true => Cow::Borrowed(&self.tools),
            false => Cow::Owned(self.tools.iter().filter(shown).cloned().collect()),
        }
    }
}

/// A scripted target and what it heard.
#[derive(Clone)]
pub(crate) struct Target(Arc<Inner>);

struct Inner {
    name: String,
    script: Mutex<Script>,
    heard: Mutex<Vec<Heard>>,
    wires: Mutex<Vec<Line>>,
    faults: Mutex<Vec<String>>,
    /// How often it forgot its sessions.
    ages: AtomicUsize,
    settings: Mutex<Option<upstream::Settings>>,
    /// The ids of requests that were used in each session.
    used: Mutex<HashMap<String, HashSet<String>>>,
    /// The sessions that were ended, in order.
    ended: Mutex<Vec<String>>,
}

/// A message that the target heard.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// Which of the target's connections, counted from 0.
    pub(crate) wire: usize,
    pub(crate) message: Value,
    pub(crate) text: String,
}

/// One connection.
#[derive(Clone)]
struct Line {
    out: mpsc::UnboundedSender<String>,
    end: CancellationToken,
    /// The listen requests that are open here: the id of each, and what it hears of.
    listens: Arc<Mutex<Vec<(Value, Value)>>>,
    /// Who waits for the client's responses.
    asked: Arc<Mutex<HashMap<String, oneshot::Sender<Value>>>>,
    /// What a legacy client declared.
    declared: Arc<Mutex<Value>>,
    /// Ended by the client or the target.
    over: CancellationToken,
}

impl Target {
    /// A target with these tools, in the 2025-11-25 revision.
    pub(crate) fn legacy(name: &str, tools: &[&str]) -> Self {
        Self::new(name, false, tools)
    }

    /// A target with these tools, in the 2026-07-28 revision.
    pub(crate) fn modern(name: &str, tools: &[&str]) -> Self {
        Self::new(name, true, tools)
    }

    fn new(name: &str, modern: bool, tools: &[&str]) -> Self {
        let script = Script {
            modern,
            capabilities: json!({ "tools": { "listChanged": true } }),
            instructions: None,
            tools: tools.iter().map(|name| tool(name)).collect(),
            prompts: Vec::new(),
            resources: Vec::new(),
            templates: Vec::new(),
            shown_to: HashMap::new(),
            page: usize::MAX,
            ttl_ms: 1000,
            scope: "private",
            door: Door::Open,
            sessions: false,
            forgotten: HashSet::new(),
            refusing: 0,
            untold: Vec::new(),
            acts: HashMap::new(),
        };
        Self(Arc::new(Inner {
            name: name.to_owned(),
            script: Mutex::new(script),
            heard: Mutex::default(),
            wires: Mutex::default(),
            faults: Mutex::default(),
            ages: AtomicUsize::new(0),
            settings: Mutex::default(),
            used: Mutex::default(),
            ended: Mutex::default(),
        }))
    }

    /// Everything else a target may have: a prompt, a resource and a template, under names made of `word`.
    pub(crate) fn full(self, word: &str) -> Self {
        self.change(|script| {
            script.capabilities = json!({
                "tools": { "listChanged": true }, "prompts": { "listChanged": true }, "completions": {}, "logging": {},
                "resources": { "listChanged": true, "subscribe": true },
            });
            script.prompts = vec![json!({ "name": format!("{word}-prompt") })];
            script.resources = vec![json!({ "uri": format!("file:///{word}"), "name": word })];
            script.templates = vec![json!({ "uriTemplate": format!("{word}://{{x}}"), "name": word })];
        });
        self
    }

    /// What the target does with a method, or with a method about one item: `tools/call echo`.
    pub(crate) fn on(self, what: &str, act: Act) -> Self {
        self.act(what, act);
        self
    }

    /// The same, later.
    pub(crate) fn act(&self, what: &str, act: Act) {
        self.change(|script| script.acts.insert(what.to_owned(), act));
    }

    /// Back to the default.
    pub(crate) fn unact(&self, what: &str) {
        self.change(|script| script.acts.remove(what));
    }

    /// Before it is started.
    pub(crate) fn be(self, change: impl FnOnce(&mut Script)) -> Self {
        self.change(change);
        self
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut lock(&self.0.script))
    }

    /// What it heard that no target may ever hear.
    pub(crate) fn faults(&self) -> Vec<String> {
        lock(&self.0.faults).clone()
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// Has other settings from now on: those of the next configuration.
    pub(crate) fn configure(&self, change: impl FnOnce(&mut upstream::Settings)) {
        let mut settings = self.settings();
        change(&mut settings);
        *lock(&self.0.settings) = Some(settings);
    }

    /// The same before it is started.
    pub(crate) fn set(self, change: impl FnOnce(&mut upstream::Settings)) -> Self {
        self.configure(change);
        self
    }

    /// The settings under which the gateway knows this target; equal each time, unless they were changed.
    pub(crate) fn settings(&self) -> upstream::Settings {
        let mut settings = lock(&self.0.settings);
        let made = || {
            let transport = Transport::Custom(Custom(Arc::new(self.clone())));
            upstream::Settings::new(self.0.name.clone(), transport)
        };
        settings.get_or_insert_with(made).clone()
    }

    /// What was heard, without probes and handshakes.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        let opening = ["server/discover", "initialize", "notifications/initialized"];
        let all = lock(&self.0.heard).clone();
        all.into_iter()
            .filter(|heard| !opening.iter().any(|method| heard.message["method"] == *method))
            .collect()
    }

    /// What was heard of one method.
    pub(crate) fn heard_of(&self, method: &str) -> Vec<Heard> {
        lock(&self.0.heard).iter().filter(|heard| heard.message["method"] == method).cloned().collect()
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        self.heard_of(method).len()
    }

    /// The params of the last message of a method.
    pub(crate) fn last(&self, method: &str) -> Value {
        self.heard_of(method).last().map(|heard| heard.message["params"].clone()).unwrap_or_default()
    }

    /// How many connections were opened so far.
    pub(crate) fn opened(&self) -> usize {
        lock(&self.0.wires).len()
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        lock(&self.0.wires).iter().filter(|line| !line.over.is_cancelled()).count()
    }

    /// Says a line on every open connection.
    pub(crate) fn say(&self, line: &str) {
        for wire in lock(&self.0.wires).iter() {
            let _ = wire.out.send(line.to_owned());
        }
    }

    /// Says a line on one connection.
    pub(crate) fn say_on(&self, wire: usize, line: &str) {
        let _ = lock(&self.0.wires)[wire].out.send(line.to_owned());
    }

    /// Announces a change in the way of the target's era.
    pub(crate) fn notify(&self, method: &str, params: Value) {
        let modern = lock(&self.0.script).modern;
        for wire in lock(&self.0.wires).iter() {
            if !modern {
                let _ = wire
                    .out
                    .send(json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string());
                continue;
            }
            for (id, _) in lock(&wire.listens).iter().filter(|(_, filter)| hears(filter, method, &params)) {
                let mut params = params.clone();
                params["_meta"] = json!({ SUBSCRIPTION: id });
                let _ = wire
                    .out
                    .send(json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string());
            }
        }
    }

    /// Ends every stream about resources with its result, as a server does that stops in good order.
    pub(crate) fn end_listens(&self) {
        for wire in lock(&self.0.wires).iter() {
            for (id, _) in lock(&wire.listens).extract_if(.., |(_, filter)| !filter[URIS].is_null()) {
                let result = json!({ "resultType": "complete", "_meta": { SUBSCRIPTION: id } });
                let _ = wire.out.send(json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string());
            }
        }
    }

    /// The resources that a modern target tells of now, on each of its open streams about resources.
    pub(crate) fn listened(&self) -> Vec<Value> {
        let wires = lock(&self.0.wires);
        let open = wires.iter().filter(|line| !line.over.is_cancelled());
        open.flat_map(|line| lock(&line.listens).clone())
            .map(|(_, filter)| filter[URIS].clone())
            .filter(|uris| !uris.is_null())
            .collect()
    }

    /// Replaces the tools and says so.
    pub(crate) fn offer(&self, tools: &[&str]) {
        self.change(|script| script.tools = tools.iter().map(|name| tool(name)).collect());
        self.notify("notifications/tools/list_changed", json!({}));
    }

    /// Cuts every connection, and takes none until it is revived.
    pub(crate) fn kill(&self) {
        self.change(|script| script.door = Door::Shut);
        self.cut();
    }

    /// Cuts every connection; new ones are taken.
    pub(crate) fn cut(&self) {
        lock(&self.0.wires).iter().for_each(|line| line.end.cancel());
    }

    /// Cuts one connection.
    pub(crate) fn cut_one(&self, wire: usize) {
        lock(&self.0.wires)[wire].end.cancel();
    }

    pub(crate) fn revive(&self) {
        self.change(|script| script.door = Door::Open);
    }
}

/// A plain tool.
pub(crate) fn tool(name: &str) -> Value {
    json!({ "name": name, "inputSchema": { "type": "object" } })
}

impl Connect for Target {
    fn connect(&self, inbox: Inbox) -> BoxFuture<'_, Result<Box<dyn Wire>, Error>> {
        async move {
            match self.change(|script| script.door) {
                Door::Shut => return Err(Error::new(ErrorKind::Unreachable, "connection refused")),
                Door::Hung => std::future::pending().await,
                Door::Open => {}
            }
            let id = self.change(|script| script.sessions).then(|| format!("s{}", self.opened()));
            Ok(self.wire(inbox, id))
        }
        .boxed()
    }

    fn adopt(&self, inbox: Inbox, session: &str) -> Option<Box<dyn Wire>> {
        self.change(|script| script.sessions).then(|| self.wire(inbox, Some(session.to_owned())))
    }
}

/// A wire that is good for a session, which the target may forget. Its connection lives on.
struct SessionWire {
    pipe: PipeWire,
    target: Target,
    /// What the session is called, where others can go on with it.
    id: Option<String>,
    /// The age in which the connection began.
    age: usize,
}

impl SessionWire {
    fn is_forgotten(&self) -> bool {
        let named = |id: &String| self.target.change(|script| script.forgotten.contains(id));
        self.age < self.target.0.ages.load(Ordering::Relaxed) || self.id.as_ref().is_some_and(named)
    }
}

impl Wire for SessionWire {
    fn request(&self, out: Outgoing) -> BoxFuture<'_, Result<Frames, Error>> {
        let refuses = |script: &mut Script| script.refusing.checked_sub(1).map(|left| script.refusing = left);
        if self.target.change(refuses).is_some() {
            let refused = Error::new(ErrorKind::Unreachable, "connection refused");
            return futures::future::ready(Err(refused)).boxed();
        }
        if self.is_forgotten() {
            let lost = Error::new(ErrorKind::SessionLost, "no longer knows our session (404)");
            return futures::future::ready(Err(lost)).boxed();
        }
        self.pipe.request(out)
    }

    fn send(&self, out: Outgoing) -> BoxFuture<'_, Result<(), Error>> {
        self.pipe.send(out)
    }

    fn tie(&self) -> Tie {
        self.id.clone().map_or(Tie::Connection, Tie::Session)
    }

    fn closed(&self) -> BoxFuture<'_, Error> {
        self.pipe.closed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        lock(&self.target.0.ended).extend(self.id.clone());
        self.pipe.close()
    }
}

impl Target {
    /// Forgets all sessions, as a server does that is replaced: requests in them are refused, and did not run.
    pub(crate) fn forget(&self) {
        self.0.ages.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives its connections sessions, which others can go on with.
    pub(crate) fn in_sessions(self) -> Self {
        self.be(|script| script.sessions = true)
    }

    /// The sessions that were ended by their client.
    pub(crate) fn ended(&self) -> Vec<String> {
        lock(&self.0.ended).clone()
    }

    fn wire(&self, inbox: Inbox, session: Option<String>) -> Box<dyn Wire> {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (reader, writer) = tokio::io::split(ours);
        let pipe = PipeWire::new(&self.0.name, 16 << 20, inbox, reader, writer);
        self.serve(theirs, session.clone());
        let age = self.0.ages.load(Ordering::Relaxed);
        Box::new(SessionWire { pipe, target: self.clone(), id: session, age })
    }

    fn serve(&self, stream: tokio::io::DuplexStream, session: Option<String>) {
        let (out, mut lines) = mpsc::unbounded_channel::<String>();
        let line = Line {
            out,
            end: CancellationToken::new(),
            listens: Arc::default(),
            asked: Arc::default(),
            declared: Arc::default(),
            over: CancellationToken::new(),
        };
        let wire = {
            let mut wires = lock(&self.0.wires);
            wires.push(line.clone());
            wires.len() - 1
        };
        let (reader, mut writer) = tokio::io::split(stream);
        let this = self.clone();
        Task::spawn_finite("scripted target", async move {
            let _over = line.over.clone().drop_guard();
            let mut heard = BufReader::new(reader).lines();
            let mut ids = HashSet::new();
            loop {
                tokio::select! {
                    () = line.end.cancelled() => return,
                    said = lines.recv() => {
                        let said = said.expect("the target holds a sender") + "\n";
                        if writer.write_all(said.as_bytes()).await.is_err() { return }
                    }
                    text = heard.next_line() => match text {
                        Ok(Some(text)) => match &session {
                            Some(session) => {
                                let mut used = lock(&this.0.used).remove(session).unwrap_or_default();
                                this.take(wire, &line, &mut used, text);
                                lock(&this.0.used).insert(session.clone(), used);
                            }
                            None => this.take(wire, &line, &mut ids, text),
                        },
                        Ok(None) | Err(_) => return,
                    },
                }
            }
        });
    }

    fn take(&self, wire: usize, line: &Line, ids: &mut HashSet<String>, text: String) {
        let message: Value = serde_json::from_str(&text).expect("a target hears JSON");
        lock(&self.0.heard).push(Heard { wire, message: message.clone(), text });
        self.check(&message, ids);
        let id = message["id"].clone();
        if message["method"] == "notifications/cancelled" {
            lock(&line.listens).retain(|(listen, _)| *listen != message["params"]["requestId"]);
        }
        if message.get("method").is_none() {
            if let Some(asker) = lock(&line.asked).remove(&id.to_string()) {
                let _ = asker.send(message);
            }
            return;
        }
        if id.is_null() {
            return;
        }
        if message["method"] == "initialize" {
            *lock(&line.declared) = message["params"]["capabilities"].clone();
        }
        let (this, line) = (self.clone(), line.clone());
        Task::spawn_finite("scripted answer", async move {
            let act = this.act_for(&message, &line);
            tokio::select! {
                () = line.over.cancelled() => {}
                () = this.perform(act, &message, &line) => {}
            }
        });
    }

    /// What no target may ever hear.
    fn check(&self, message: &Value, ids: &mut HashSet<String>) {
        let fault = |what: &str| lock(&self.0.faults).push(format!("{what}: {message}"));
        if message["jsonrpc"] != "2.0" {
            fault("not JSON-RPC 2.0");
        }
        let Some(method) = message["method"].as_str() else { return };
        if message.get("id").is_some() && !ids.insert(message["id"].to_string()) {
            fault("an id was used twice on one connection");
        }
        let meta = &message["params"]["_meta"];
        let enveloped = meta.get(VERSION).is_some();
        let modern = lock(&self.0.script).modern;
        if message.get("id").is_none() || method == "server/discover" || method == "initialize" {
            return;
        }
        if modern && !(meta[VERSION] == "2026-07-28" && meta[CAPABILITIES].is_object()) {
            fault("a modern request without its envelope");
        }
        if !modern && (enveloped || !message["params"]["inputResponses"].is_null()) {
            fault("a modern member in a legacy request");
        }
    }

    fn act_for(&self, message: &Value, line: &Line) -> Act {
        let script = lock(&self.0.script);
        let method = message["method"].as_str().unwrap_or_default();
        let params = &message["params"];
        let item = params["name"].as_str().or(params["uri"].as_str()).unwrap_or_default();
        let scripted =
            script.acts.get(&format!("{method} {item}")).or_else(|| script.acts.get(method)).cloned();
        let tools = script.tools_for(&match script.modern {
            true => params["_meta"][CAPABILITIES].clone(),
            false => lock(&line.declared).clone(),
        });
        scripted.unwrap_or_else(|| self.default_act(&script, &tools, method, params))
    }

    fn default_act(&self, script: &Script, tools: &[Value], method: &str, params: &Value) -> Act {
        let name = &self.0.name;
        let unknown = || Act::error(-32601, "Method not found");
        let has = |items: &[Value], key: &str| items.iter().any(|item| item[key] == params[key]);
        let list = |key: &str, items: &[Value]| {
            let start: usize = params["cursor"].as_str().map_or(0, |c| c.parse().unwrap_or(usize::MAX));
            let end = start.saturating_add(script.page).min(items.len());
            let mut result = json!({ key: items.get(start..end).unwrap_or_default() });
            if end < items.len() {
                result["nextCursor"] = json!(end.to_string());
            }
            Act::Result(result)
        };
        match (method, script.modern) {
            ("server/discover", true) => Act::Result(json!({
                "supportedVersions": ["2026-07-28"], "capabilities": script.capabilities, "instructions": script.instructions,
            })),
            ("initialize", false) => {
                let mut result = json!({
                    "protocolVersion": "2025-11-25", "capabilities": script.capabilities,
                    "serverInfo": { "name": format!("server of {name}"), "version": "1" },
                });
                if let Some(words) = &script.instructions {
                    result["instructions"] = json!(words);
                }
                Act::Result(result)
            }
            ("initialize", true) => Act::error(-32022, "Unsupported protocol version"),
            ("tools/list", _) => list("tools", tools),
            ("prompts/list", _) if script.capabilities.get("prompts").is_some() => {
                list("prompts", &script.prompts)
            }
            ("resources/list", _) if script.capabilities.get("resources").is_some() => {
                list("resources", &script.resources)
            }
            ("resources/templates/list", _) if script.capabilities.get("resources").is_some() => {
                list("resourceTemplates", &script.templates)
            }
            ("tools/call", _) if has(tools, "name") => {
                Act::text(&format!("{name}:{}", params["name"].as_str().unwrap_or_default()))
            }
            ("tools/call", _) => Act::error(-32602, "Unknown tool"),
            ("prompts/get", _) if has(&script.prompts, "name") => Act::Result(json!({
                "messages": [{ "role": "user", "content": { "type": "text", "text": name } }],
            })),
            ("prompts/get", _) => Act::error(-32602, "Unknown prompt"),
            ("resources/read", modern) if !has(&script.resources, "uri") => Act::Error(json!({
                "code": if modern { -32602 } else { -32002 }, "message": "Resource not found", "data": { "uri": params["uri"] },
            })),
            ("resources/read", _) => {
                Act::Result(json!({ "contents": [{ "uri": params["uri"], "text": name }] }))
            }
            ("completion/complete", _) => Act::Result(json!({ "completion": { "values": [name] } })),
            ("subscriptions/listen", true) => Act::Listen,
            ("ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe", false) => {
                Act::Result(json!({}))
            }
            _ => unknown(),
        }
    }

    async fn perform(&self, mut act: Act, request: &Value, line: &Line) {
        let id = &request["id"];
        let outcome = loop {
            act = match act {
                Act::Result(result) => break ("result", self.dress(request, result).to_string()),
                Act::Spelled(text) => break ("result", text),
                Act::Error(error) => break ("error", error.to_string()),
                Act::Say(lines, then) => {
                    let token = request["params"]["_meta"]["progressToken"].to_string();
                    for said in lines {
                        let _ = line.out.send(said.replace("$id", &id.to_string()).replace("$token", &token));
                    }
                    *then
                }
                Act::After(time, then) => {
                    tokio::time::sleep(time).await;
                    *then
                }
                Act::Ask(method, params) => {
                    let (answer, answered) = oneshot::channel();
                    let asked = format!("ask-{}", lock(&line.asked).len());
                    lock(&line.asked).insert(json!(asked).to_string(), answer);
                    let ask = json!({ "jsonrpc": "2.0", "id": asked, "method": method, "params": params });
                    let _ = line.out.send(ask.to_string());
                    match answered.await {
                        Ok(response) => Act::text(&response.to_string()),
                        Err(_) => return,
                    }
                }
                Act::Hang => return std::future::pending().await,
                Act::Listen => {
                    self.listen(request, line);
                    Act::Hang
                }
                Act::Die => return line.end.cancel(),
                Act::With(choose) => choose(request),
            };
        };
        let (key, value) = outcome;
        let _ = line.out.send(format!(r#"{{"jsonrpc":"2.0","id":{id},"{key}":{value}}}"#));
    }

    fn listen(&self, request: &Value, line: &Line) {
        let mut honoured = request["params"]["notifications"].clone();
        if let Some(uris) = honoured[URIS].as_array_mut() {
            let untold = self.change(|script| script.untold.clone());
            uris.retain(|uri| !untold.iter().any(|untold| uri == untold));
        }
        let id = &request["id"];
        lock(&line.listens).push((id.clone(), honoured.clone()));
        let params = json!({ "_meta": { SUBSCRIPTION: id }, "notifications": honoured });
        let ack = json!({ "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": params });
        let _ = line.out.send(ack.to_string());
    }

    /// What every modern result carries, unless the script says so itself.
    fn dress(&self, request: &Value, mut result: Value) -> Value {
        let script = lock(&self.0.script);
        if !script.modern {
            return result;
        }
        let complete = result.get("resultType").is_none_or(|kind| kind == "complete");
        let mut add = |key: &str, value: Value| {
            if result.get(key).is_none() {
                result[key] = value;
            }
        };
        add("resultType", json!("complete"));
        add(
            "_meta",
            json!({ "io.modelcontextprotocol/serverInfo": { "name": format!("server of {}", self.0.name), "version": "1" } }),
        );
        let method = request["method"].as_str().unwrap_or_default();
        if complete
            && (method.ends_with("/list") || method == "resources/read" || method == "server/discover")
        {
            add("ttlMs", json!(script.ttl_ms));
            add("cacheScope", json!(script.scope));
        }
        result
    }
}

/// Whether a listen request asked for a notification.
fn hears(filter: &Value, method: &str, params: &Value) -> bool {
    let about = |uri: &Value| {
        let updated = params["uri"].as_str().unwrap_or_default();
        uri.as_str().is_some_and(|uri| updated.starts_with(uri))
    };
    match method {
        "notifications/tools/list_changed" => filter["toolsListChanged"] == true,
        "notifications/prompts/list_changed" => filter["promptsListChanged"] == true,
        "notifications/resources/list_changed" => filter["resourcesListChanged"] == true,
        "notifications/resources/updated" => {
            filter[URIS].as_array().is_some_and(|uris| uris.iter().any(about))
        }
        // What no stream may carry is said all the same, to see what becomes of it.
        _ => true,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
