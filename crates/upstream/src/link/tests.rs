use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::handshake::Way;
use super::*;
use crate::Caller;
use crate::settings::{Custom, Settings};
use crate::wire::pipe::PipeWire;
use crate::wire::{Connect, Inbox};
use futures::stream::BoxStream;
use protocol::method::Kind;
use protocol::{Raw, RpcError};

mod asking;
mod borrowed;
mod discovery;
mod driven;

type React = dyn Fn(&Value, &Says) + Send + Sync;

/// A target in memory: a function says what it does with each line it hears.
#[derive(Clone)]
pub(super) struct Scripted {
    react: Arc<React>,
    heard: Arc<Mutex<Vec<(usize, Value)>>>,
    wires: Arc<Mutex<Vec<Says>>>,
}

/// One connection's way back.
#[derive(Clone)]
pub(super) struct Says {
    pub(super) wire: usize,
    out: mpsc::UnboundedSender<Option<String>>,
}

impl Says {
    pub(super) fn say(&self, line: impl ToString) {
        let _ = self.out.send(Some(line.to_string()));
    }

    pub(super) fn result(&self, to: &Value, result: Value) {
        self.say(json!({ "jsonrpc": "2.0", "id": to["id"], "result": result }));
    }

    pub(super) fn error(&self, to: &Value, code: i64, data: Value) {
        self.say(json!({ "jsonrpc": "2.0", "id": to["id"], "error": { "code": code, "message": "no", "data": data } }));
    }

    pub(super) fn exit(&self) {
        let _ = self.out.send(None);
    }
}

impl Scripted {
    pub(super) fn new(react: impl Fn(&Value, &Says) + Send + Sync + 'static) -> Self {
        Self { react: Arc::new(react), heard: Arc::default(), wires: Arc::default() }
    }

    /// A legacy target that leaves everything but its handshake to a function.
    fn legacy(react: impl Fn(&Value, &Says) + Send + Sync + 'static) -> Self {
        Self::new(move |message, says| match message["method"].as_str() {
            Some("server/discover") => says.error(message, -32601, Value::Null),
            Some("initialize") => says.result(message, shaken("2025-11-25")),
            _ => react(message, says),
        })
    }

    /// A modern target that leaves everything but its description to a function.
    fn modern(react: impl Fn(&Value, &Says) + Send + Sync + 'static) -> Self {
        Self::new(move |message, says| match message["method"].as_str() {
            Some("server/discover") => {
                says.result(message, json!({ "supportedVersions": ["2026-07-28"], "capabilities": {} }))
            }
            _ => react(message, says),
        })
    }

    pub(super) fn settings(&self) -> Settings {
        let transport = Transport::Custom(Custom(Arc::new(self.clone())));
        Settings::new("t", transport)
    }

    /// The methods heard so far, each with the connection it came on.
    pub(super) fn methods(&self) -> Vec<(usize, String)> {
        let heard = self.heard.lock().expect("no panic");
        heard
            .iter()
            .map(|(wire, message)| (*wire, message["method"].as_str().unwrap_or("response").to_owned()))
            .collect()
    }

    pub(super) fn heard_of(&self, method: &str) -> Vec<Value> {
        let heard = self.heard.lock().expect("no panic");
        heard
            .iter()
            .map(|(_, message)| message)
            .filter(|message| message["method"] == method)
            .cloned()
            .collect()
    }

    pub(super) fn responses(&self) -> Vec<Value> {
        let heard = self.heard.lock().expect("no panic");
        heard
            .iter()
            .map(|(_, message)| message)
            .filter(|message| message.get("method").is_none())
            .cloned()
            .collect()
    }

    pub(super) fn wire(&self, at: usize) -> Says {
        self.wires.lock().expect("no panic")[at].clone()
    }

    async fn open(&self) -> (Link, queue::Receiver<Heard>) {
        self.open_for(json!({})).await
    }

    /// A link on behalf of a client that declared this.
    async fn open_for(&self, capabilities: Value) -> (Link, queue::Receiver<Heard>) {
        self.open_as(&caller(capabilities)).await
    }

    async fn open_as(&self, caller: &Arc<Caller>) -> (Link, queue::Receiver<Heard>) {
        let (sender, heard) = queue::channel(64);
        let way = Way { connect: self, older: None };
        let link =
            handshake::open(&Common::new(self.settings()), &way, None, caller, sender).await.expect("a link");
        (link, heard)
    }
}

impl Connect for Scripted {
    fn connect(&self, inbox: Inbox) -> BoxFuture<'_, Result<Box<dyn Wire>, Error>> {
        async move {
            let (ours, theirs) = tokio::io::duplex(1 << 20);
            let (reader, writer) = tokio::io::split(ours);
            let wire = PipeWire::new("t", 1 << 20, inbox, reader, writer);
            let (out, mut said) = mpsc::unbounded_channel();
            let says = {
                let mut wires = self.wires.lock().expect("no panic");
                let says = Says { wire: wires.len(), out };
                wires.push(says.clone());
                says
            };
            let this = self.clone();
            Task::spawn_finite("scripted target", async move {
                let (reader, mut writer) = tokio::io::split(theirs);
                let mut lines = BufReader::new(reader).lines();
                loop {
                    tokio::select! {
                        said = said.recv() => match said.flatten() {
                            Some(line) => writer.write_all(format!("{line}\n").as_bytes()).await.unwrap_or_default(),
                            None => return,
                        },
                        line = lines.next_line() => {
                            let Ok(Some(line)) = line else { return };
                            let message: Value = serde_json::from_str(&line).expect("JSON");
                            this.heard.lock().expect("no panic").push((says.wire, message.clone()));
                            (this.react)(&message, &says);
                        }
                    }
                }
            });
            Ok(Box::new(wire) as Box<dyn Wire>)
        }
        .boxed()
    }
}

/// A client of 2025-11-25 that declared this.
pub(super) fn caller(capabilities: Value) -> Arc<Caller> {
    Caller::new(Era::Legacy, &Raw::of(&capabilities).object().expect("an object"), None)
}

/// The result of a handshake.
pub(super) fn shaken(version: &str) -> Value {
    json!({ "protocolVersion": version, "capabilities": { "tools": {} }, "serverInfo": { "name": "s", "version": "1" } })
}

fn call(params: Value) -> Call {
    let params = Raw::of(&params).object().expect("an object");
    let method = protocol::method::find("tools/call").expect("a row");
    Call {
        method,
        params,
        caller: Caller::plain(),
        progress: true,
        log_level: None,
        mirrored: Vec::new(),
        drive: false,
    }
}

fn progress(message: &Value) -> String {
    let token = &message["params"]["_meta"]["progressToken"];
    json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": token, "progress": 1 } }).to_string()
}

async fn notice(heard: &mut queue::Receiver<Heard>) -> Notice {
    match heard.recv().await {
        Some(Heard::Notice(notice)) => notice,
        other => panic!("not a notice: {other:?}"),
    }
}

async fn answer(link: &Link) -> Result<Answer, Error> {
    link.call(call(json!({ "name": "x" }))).await?.answer().await
}

#[tokio::test(start_paused = true)]
async fn ids_are_never_used_twice_on_a_link() {
    for target in [
        Scripted::legacy(|m, says| says.result(m, json!({}))),
        Scripted::modern(|m, says| says.result(m, json!({}))),
    ] {
        let (link, _heard) = target.open().await;
        futures::future::join_all((0..100).map(|_| answer(&link))).await;
        let heard = target.heard.lock().expect("no panic").clone();
        let ids: Vec<_> =
            heard.iter().filter(|(_, m)| !m["id"].is_null()).map(|(_, m)| m["id"].to_string()).collect();
        let different: std::collections::HashSet<_> = ids.iter().collect();
        assert!(ids.len() > 100 && different.len() == ids.len(), "{ids:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_and_other_requests_are_refused_also_outside_of_calls() {
    let target = Scripted::legacy(|_, _| {});
    let (_link, _heard) = target.open().await;
    for (id, method) in [
        (json!("p"), "ping"),
        (json!(1), "sampling/createMessage"),
        (json!(2), "roots/list"),
        (json!(3), "elicitation/create"),
    ] {
        target.wire(0).say(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": {} }));
    }
    sleep(Duration::from_millis(10)).await;
    let responses = target.responses();
    assert_eq!(responses[0], json!({ "jsonrpc": "2.0", "id": "p", "result": {} }));
    let refused: Vec<_> =
        responses[1..].iter().map(|r| (r["id"].clone(), r["error"]["code"].clone())).collect();
    assert_eq!(refused, [(json!(1), json!(-32601)), (json!(2), json!(-32601)), (json!(3), json!(-32602))]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_call_ends_with_its_deadline_and_is_cancelled() {
    for target in [Scripted::legacy(|_, _| {}), Scripted::modern(|_, _| {})] {
        let (link, _heard) = target.open().await;
        let start = Instant::now();
        let error = answer(&link).await.expect_err("a timeout");
        assert_eq!((error.kind, start.elapsed().as_secs()), (ErrorKind::Timeout, 300));
        sleep(Duration::from_millis(10)).await;
        let id = target.heard_of("tools/call")[0]["id"].clone();
        assert_eq!(target.heard_of("notifications/cancelled")[0]["params"]["requestId"], id);
        assert!(!link.is_dead(), "one silent call says nothing about the link");
    }
}

#[tokio::test(start_paused = true)]
async fn progress_starts_the_time_again() {
    let target = Scripted::legacy(|message, says| {
        if message["method"] != "tools/call" {
            return;
        }
        let (message, says) = (message.clone(), says.clone());
        Task::spawn_finite("slow answer", async move {
            for _ in 0..5 {
                sleep(Duration::from_secs(290)).await;
                says.say(progress(&message));
            }
            sleep(Duration::from_secs(290)).await;
            says.result(&message, json!({ "done": true }));
        });
    });
    let (link, _heard) = target.open().await;
    let start = Instant::now();
    assert_eq!(answer(&link).await.expect("an answer").expect("a result").as_bytes(), br#"{"done":true}"#);
    assert_eq!(start.elapsed().as_secs(), 6 * 290);
    assert!(target.heard_of("notifications/cancelled").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_reports_progress_without_end_ends_in_the_end() {
    let target = Scripted::legacy(|message, says| {
        if message["method"] != "tools/call" {
            return;
        }
        let (message, says) = (message.clone(), says.clone());
        Task::spawn_finite("endless", async move {
            for _ in 0..200 {
                sleep(Duration::from_secs(200)).await;
                says.say(progress(&message));
            }
        });
    });
    let (link, _heard) = target.open().await;
    let start = Instant::now();
    assert_eq!(answer(&link).await.expect_err("a timeout").kind, ErrorKind::Timeout);
    assert_eq!(start.elapsed(), Limits::default().longest_call);
    sleep(Duration::from_millis(10)).await;
    assert_eq!(target.heard_of("notifications/cancelled").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_cancels_it_and_no_other() {
    let target = Scripted::legacy(|message, says| {
        if message["params"]["name"] == "told" {
            says.say(progress(message));
        }
    });
    let (link, _heard) = target.open().await;
    let reply = link.call(call(json!({ "name": "told" }))).await.expect("a stream");
    let kept = link.call(call(json!({ "name": "told" }))).await.expect("a stream");
    let waiting =
        tokio::time::timeout(Duration::from_secs(1), link.call(call(json!({ "name": "silent" })))).await;
    assert!(waiting.is_err());
    drop(reply);
    sleep(Duration::from_millis(10)).await;
    let cancelled: Vec<_> =
        target.heard_of("notifications/cancelled").iter().map(|m| m["params"]["requestId"].clone()).collect();
    let ids: Vec<_> = target.heard_of("tools/call").iter().map(|m| m["id"].clone()).collect();
    assert_eq!(cancelled, [ids[2].clone(), ids[0].clone()]);
    drop(kept);
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_change_becomes_a_notice() {
    let target = Scripted::legacy(|_, _| {});
    let (_link, mut heard) = target.open().await;
    let note = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "method": method, "params": params });
    for method in ["tools", "prompts", "resources"] {
        target.wire(0).say(note(&format!("notifications/{method}/list_changed"), json!({})));
    }
    target.wire(0).say(note("notifications/nonsense", json!({})));
    target.wire(0).say(note("notifications/resources/updated", json!({ "uri": "a:1" })));
    target.wire(0).say(note("notifications/message", json!({ "level": "info", "data": 1 })));
    assert_eq!(notice(&mut heard).await, Notice::ListChanged(Kind::Tool));
    assert_eq!(notice(&mut heard).await, Notice::ListChanged(Kind::Prompt));
    assert_eq!(notice(&mut heard).await, Notice::ListChanged(Kind::Resource));
    assert!(
        matches!(notice(&mut heard).await, Notice::Updated(params) if params.text("uri").as_deref() == Some("a:1"))
    );
    assert!(matches!(notice(&mut heard).await, Notice::Log(_)));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_hangs_up_ends_its_calls_and_its_link() {
    let target = Scripted::legacy(|message, says| {
        if message["method"] == "tools/call" {
            says.exit();
        }
    });
    let (link, _heard) = target.open().await;
    let (first, second) = tokio::join!(answer(&link), answer(&link));
    assert_eq!(first.expect_err("closed").kind, ErrorKind::Closed);
    assert!(second.is_err());
    assert_eq!(link.closed().await.kind, ErrorKind::Closed);
    assert_eq!(answer(&link).await.expect_err("never sent").kind, ErrorKind::Unreachable);
}

#[tokio::test(start_paused = true)]
async fn a_link_whose_wire_has_ended_is_dead() {
    let target = Scripted::legacy(|_, _| {});
    let (link, _heard) = target.open().await;
    target.wire(0).exit();
    link.closed().await;
    assert!(link.is_dead(), "no call on it can succeed, and its owner should open another");
}

#[tokio::test(start_paused = true)]
async fn a_legacy_target_hears_no_modern_members_and_a_modern_one_hears_its_envelope() {
    let echo = |m: &Value, says: &Says| says.result(m, json!({}));
    let (old, new) = (Scripted::legacy(echo), Scripted::modern(echo));
    let params =
        json!({ "name": "x", "inputResponses": {}, "requestState": "s", "_meta": { "traceparent": "00" } });
    for target in [&old, &new] {
        target
            .open()
            .await
            .0
            .call(call(params.clone()))
            .await
            .expect("a reply")
            .answer()
            .await
            .expect("an answer")
            .expect("a result");
    }
    let heard = old.heard_of("tools/call").remove(0);
    assert_eq!(
        heard["params"],
        json!({ "name": "x", "_meta": { "traceparent": "00", "progressToken": heard["id"] } })
    );
    let heard = new.heard_of("tools/call").remove(0);
    let meta = &heard["params"]["_meta"];
    assert_eq!(
        (&heard["params"]["requestState"], &meta["traceparent"], &meta["progressToken"]),
        (&json!("s"), &json!("00"), &heard["id"])
    );
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({}));
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "agentgateway");
}

#[tokio::test(start_paused = true)]
async fn listening_begins_with_the_acknowledgement_and_ends_with_a_cancellation() {
    let target = Scripted::modern(|message, says| {
        if message["method"] == "subscriptions/listen" {
            let meta = json!({ "io.modelcontextprotocol/subscriptionId": message["id"] });
            let note = |method: &str, params: Value| {
                says.say(json!({ "jsonrpc": "2.0", "method": method, "params": params }))
            };
            let granted = json!({ "toolsListChanged": true, "resourceSubscriptions": ["a:1"] });
            note(
                "notifications/subscriptions/acknowledged",
                json!({ "_meta": meta, "notifications": granted }),
            );
            note("notifications/tools/list_changed", json!({ "_meta": meta }));
        }
    });
    let (link, _heard) = target.open().await;
    let mut listening = link.listen(&[Kind::Tool], &["a:1".into(), "a:2".into()]).await.expect("listens");
    assert_eq!(listening.uris(), ["a:1".to_owned()].into());
    assert_eq!(listening.notices.next().await, Some(Notice::ListChanged(Kind::Tool)));
    drop(listening);
    sleep(Duration::from_millis(10)).await;
    let asked = target.heard_of("subscriptions/listen").remove(0);
    assert_eq!(target.heard_of("notifications/cancelled")[0]["params"]["requestId"], asked["id"]);
    assert_eq!(
        asked["params"]["notifications"],
        json!({ "toolsListChanged": true, "resourceSubscriptions": ["a:1", "a:2"] })
    );
}

#[tokio::test(start_paused = true)]
async fn a_target_that_refuses_to_be_listened_to_is_no_stream() {
    let target = Scripted::modern(|message, says| says.error(message, -32601, Value::Null));
    let (link, _heard) = target.open().await;
    assert_eq!(
        link.listen(&[Kind::Tool], &[]).await.err().map(|error| error.kind),
        Some(ErrorKind::Protocol)
    );
}

/// A wire to a target that takes nothing any more.
struct Deaf;

impl Wire for Deaf {
    fn request(&self, _: Outgoing) -> BoxFuture<'_, Result<Frames, Error>> {
        futures::future::pending().boxed()
    }

    fn send(&self, _: Outgoing) -> BoxFuture<'_, Result<(), Error>> {
        futures::future::pending().boxed()
    }

    fn closed(&self) -> BoxFuture<'_, Error> {
        futures::future::pending().boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        futures::future::ready(()).boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_to_a_target_that_takes_no_cancellations_is_let_go_at_once_when_the_breaker_opens() {
    let mut settings = Scripted::new(|_, _| {}).settings();
    settings.limits.call = Duration::from_secs(2);
    let common = Common::new(settings);
    let peer = Peer {
        era: Era::Legacy,
        version: protocol::Version::NEWEST_LEGACY,
        capabilities: Object::default(),
        info: Raw::empty_object(),
        instructions: None,
    };
    let (_inbox, inbox) = queue::channel(1);
    let opened = handshake::Opened {
        wire: Box::new(Deaf),
        inbox,
        peer: Arc::new(peer),
        caller: Caller::plain(),
        first_id: 4,
    };
    let renewal = CancellationToken::new();
    let link = Link::new(&common, opened, queue::channel(1).0, renewal.clone());
    let method = protocol::method::find("tools/call").expect("a row");
    let calls = (0..100).map(|_| link.call(Call::quiet(method, Object::default(), Caller::plain())));
    for late in futures::future::join_all(calls).await {
        assert_eq!(late.err().expect("no answer").kind, ErrorKind::Timeout);
    }
    let start = Instant::now();
    renewal.cancel();
    assert_eq!(link.closed().await.kind, ErrorKind::SessionLost);
    assert_eq!(start.elapsed(), Duration::ZERO);
}
