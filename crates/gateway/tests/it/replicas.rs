//! Gateways that have the same key: each goes on with the sessions of the other, and with its own after it was killed, down to
//! the sessions at the targets.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use testkit::fixture::Era;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::client::{
    Ask, Gateway, Session, backend, builtin, eventually, initialize, listener, remote, request, serving,
    text_of, with_bind,
};
use crate::support::{Server, stdio_fixture};

const KEY: &str = "5e55105e55105e55105e55105e55105e55105e55105e55105e55105e55105e55";

/// A configuration with the key, as every replica has it.
fn keyed(targets: Vec<Value>) -> Value {
    let mut config = serving(targets);
    config["config"]["session"] = json!({ "key": KEY });
    config
}

/// A client as it comes to another gateway.
fn at(session: &Session, gateway: &Gateway) -> Session {
    Session { address: gateway.address(), ..session.clone() }
}

// === A target with sessions ===

/// A legacy server that counts the calls of each session, and notes what it hears.
struct Counting {
    url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    /// How many calls each session has made.
    sessions: Mutex<HashMap<String, u64>>,
    streams: Mutex<HashMap<String, mpsc::UnboundedSender<Bytes>>>,
    /// The method of HTTP or JSON-RPC, and the session.
    heard: Mutex<Vec<(String, String)>>,
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

impl Counting {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared::default());
        let serves = shared.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = serves.clone();
                let service = service_fn(move |request| answer(shared.clone(), request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, shared, serving }
    }

    /// The sessions in which something of this method was heard, in order.
    fn heard(&self, method: &str) -> Vec<String> {
        let heard = lock(&self.shared.heard);
        heard.iter().filter(|(heard, _)| heard == method).map(|(_, session)| session.clone()).collect()
    }

    /// Whether the session's stream is open.
    fn is_listened_to(&self, session: &str) -> bool {
        lock(&self.shared.streams).get(session).is_some_and(|stream| !stream.is_closed())
    }

    fn forget(&self, session: &str) {
        lock(&self.shared.sessions).remove(session);
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let method = message["method"].as_str().unwrap_or(head.method.as_str()).to_owned();
    let session =
        head.headers.get("mcp-session-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    lock(&shared.heard).push((method.clone(), session.clone()));
    let plain = |status: u16| {
        let body = Full::new(Bytes::new()).boxed_unsync();
        Ok(Response::builder().status(status).body(body).expect("a response"))
    };
    let result = |result: Value| {
        let text = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }).to_string();
        let response = Response::builder().header("content-type", "application/json");
        response.body(Full::new(Bytes::from(text)).boxed_unsync()).expect("a response")
    };
    match &*method {
        "server/discover" => return plain(400),
        "initialize" => {
            let id = format!("session-{}-{:032x}", lock(&shared.sessions).len(), 7);
            lock(&shared.sessions).insert(id.clone(), 0);
            let mut response = result(json!({
                "protocolVersion": "2025-06-18", "capabilities": { "tools": {} },
                "serverInfo": { "name": "counting", "version": "1" },
            }));
            response.headers_mut().insert("mcp-session-id", id.parse().expect("a value"));
            return Ok(response);
        }
        _ if !lock(&shared.sessions).contains_key(&session) => return plain(404),
        _ => {}
    }
    Ok(match (&head.method, &*method) {
        (&Method::GET, _) => {
            let mut streams = lock(&shared.streams);
            if streams.get(&session).is_some_and(|stream| !stream.is_closed()) {
                return plain(409);
            }
            let (sender, mut receiver) = mpsc::unbounded_channel();
            let _ = sender.send(Bytes::from_static(b": open\n\n"));
            streams.insert(session, sender);
            let frames = futures::stream::poll_fn(move |context| receiver.poll_recv(context));
            let body = StreamBody::new(frames.map(|bytes| Ok(Frame::data(bytes)))).boxed_unsync();
            Response::builder().header("content-type", "text/event-stream").body(body).expect("a response")
        }
        (&Method::DELETE, _) => {
            lock(&shared.sessions).remove(&session);
            return plain(200);
        }
        (_, "tools/list") => {
            result(json!({ "tools": [{ "name": "count", "inputSchema": { "type": "object" } }] }))
        }
        (_, "tools/call") => {
            let mut sessions = lock(&shared.sessions);
            let count = sessions.entry(session).or_default();
            *count += 1;
            result(json!({ "content": [{ "type": "text", "text": count.to_string() }] }))
        }
        _ if message["id"].is_null() => return plain(202),
        _ => result(json!({})),
    })
}

async fn count(session: &Session) -> String {
    text_of(&session.tool("count", json!({})).await).to_owned()
}

async fn over(target: &Counting) -> Gateway {
    let gateway = Gateway::start(&keyed(vec![remote("counting", &target.url)])).await;
    gateway.ready("counting").await;
    gateway
}

// === Going on ===

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_after_the_gateway_was_killed_and_so_does_the_targets() {
    let target = Counting::start().await;
    let gateway = over(&target).await;
    let session = Session::open(gateway.address()).await;
    assert_eq!((count(&session).await, count(&session).await), ("1".to_owned(), "2".to_owned()));
    let theirs = target.heard("tools/call").pop().expect("a session");
    let _stream = session.stream().await;
    eventually("the session's stream", async || target.is_listened_to(&theirs).then_some(())).await;
    let handshakes = target.heard("initialize").len();
    gateway.signal("KILL");
    drop(gateway);
    let gateway = over(&target).await;
    // Its own, for the lists.
    assert_eq!(target.heard("initialize").len(), handshakes + 1);
    let session = at(&session, &gateway);
    assert_eq!(count(&session).await, "3", "the target goes on counting");
    assert_eq!(target.heard("tools/call").pop(), Some(theirs.clone()));
    assert_eq!(target.heard("initialize").len(), handshakes + 1, "nobody shook hands");
    eventually("the stream is opened again", async || target.is_listened_to(&theirs).then_some(())).await;
    session.end().await;
    eventually("DELETE", async || target.heard("DELETE").contains(&theirs).then_some(())).await;
    let refused = session.post(request(1, "ping", json!({}))).await;
    assert_eq!(refused.status, 404, "a session that was ended is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_serve_one_session_and_leave_it_to_the_other_when_they_stop() {
    let target = Counting::start().await;
    let (mut one, two) = (over(&target).await, over(&target).await);
    let here = Session::open(one.address()).await;
    let there = at(&here, &two);
    for n in [1, 3, 5] {
        assert_eq!((count(&here).await, count(&there).await), (n.to_string(), (n + 1).to_string()));
    }
    let theirs = target.heard("tools/call").pop().expect("a session");
    one.signal("TERM");
    one.ended().await;
    assert_eq!(count(&there).await, "7");
    assert!(!target.heard("DELETE").contains(&theirs));
    target.forget(&theirs);
    let (x, y) = tokio::join!(there.tool("count", json!({})), there.tool("count", json!({})));
    let mut counts = [text_of(&x).to_owned(), text_of(&y).to_owned()];
    counts.sort();
    assert_eq!(counts, ["1", "2"], "one new session, since the target has forgotten the old one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_with_a_server_of_an_sdk_goes_on_at_another_gateway() {
    let server = Server::start("legacy-server.mjs", &[]).await;
    let config = keyed(vec![remote("sdk", &server.url)]);
    let (one, two) = (Gateway::start(&config).await, Gateway::start(&config).await);
    one.ready("sdk").await;
    two.ready("sdk").await;
    let here = Session::open(one.address()).await;
    let there = at(&here, &two);
    let tool = here.tools().await.remove(0);
    for session in [&here, &there, &here, &there] {
        let answer = session.tool(&tool, json!({ "name": "Ann" })).await;
        assert!(answer["result"]["content"][0]["text"].is_string(), "{answer}");
    }
    drop(one);
    let answer = there.tool(&tool, json!({ "name": "Bob" })).await;
    assert!(answer["result"]["content"][0]["text"].is_string(), "{answer}");
    there.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_with_a_child_process_begins_again_and_one_with_a_modern_one_goes_on() {
    for (era, status) in [(Era::Legacy, 404), (Era::Modern, 200)] {
        let config = keyed(vec![stdio_fixture("child", era)]);
        let (one, two) = (Gateway::start(&config).await, Gateway::start(&config).await);
        one.ready("child").await;
        two.ready("child").await;
        let session = Session::open(one.address()).await;
        let there = at(&session, &two).post(request(1, "ping", json!({}))).await;
        assert_eq!(there.status, status, "what a child keeps for a client is lost with it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_backends_the_one_of_the_session_goes_on_with_it() {
    let (a, b) = (Counting::start().await, Counting::start().await);
    let backends = vec![backend(vec![remote("a", &a.url)]), backend(vec![remote("b", &b.url)])];
    let mut config = with_bind(json!({ "port": 0, "listeners": [listener(backends)] }));
    config["config"]["session"] = json!({ "key": KEY });
    let (one, two) = (Gateway::start(&config).await, Gateway::start(&config).await);
    for gateway in [&one, &two] {
        gateway.ready("a").await;
    }
    for _ in 0..8 {
        let here = Session::open(one.address()).await;
        assert_eq!(count(&here).await, "1");
        let there = at(&here, &two);
        for n in 2..5 {
            assert_eq!(count(&there).await, n.to_string());
        }
    }
}

// === Ends and limits ===

#[tokio::test(flavor = "multi_thread")]
async fn targets_are_told_when_a_session_ends() {
    let target = Counting::start().await;
    let mut config = serving(vec![remote("counting", &target.url)]);
    config["config"]["session"] = json!({ "idleTimeout": "2s" });
    let mut gateway = Gateway::start(&config).await;
    gateway.ready("counting").await;
    let used = async || {
        let session = Session::open(gateway.address()).await;
        assert_eq!(count(&session).await, "1");
        (session, target.heard("tools/call").pop().expect("a session"))
    };
    let deleted = async |theirs: &str| {
        eventually("DELETE", async || target.heard("DELETE").iter().any(|id| id == theirs).then_some(()))
            .await;
    };
    let (_idle, theirs) = used().await;
    deleted(&theirs).await;
    let (ended, theirs) = used().await;
    ended.end().await;
    deleted(&theirs).await;
    let (listening, theirs) = used().await;
    let _stream = listening.stream().await;
    gateway.signal("TERM");
    gateway.ended().await;
    assert!(target.heard("DELETE").contains(&theirs), "before the gateway ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_for_whom_there_is_no_room_is_told_to_try_again() {
    let mut config = serving(vec![builtin("time")]);
    config["config"]["limits"] = json!({ "sessions": 1 });
    let gateway = Gateway::start(&config).await;
    gateway.ready("time").await;
    let first = Session::open(gateway.address()).await;
    let refused = Ask::post(initialize("2025-11-25")).send(gateway.address()).await;
    let again: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&again));
    let (status, _, text) = refused.refusal().await;
    assert_eq!(status, 503);
    assert!(text.contains("1 are open already"), "{text}");
    first.end().await;
    Session::open(gateway.address()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_from_the_environment_is_shown_nowhere() {
    let mut config = serving(vec![builtin("time")]);
    config["config"]["session"] = json!({ "key": "$SESSION_KEY" });
    config["config"]["logging"] = json!({ "level": "trace" });
    let gateway = Gateway::with_variable(&config, "SESSION_KEY", KEY.as_ref()).await;
    gateway.ready("time").await;
    let session = Session::open(gateway.address()).await;
    session.tools().await;
    let forged = "A".repeat(session.id.len());
    for _ in 0..20 {
        let ping = Ask::post(request(1, "ping", json!({}))).with("mcp-session-id", &forged);
        assert_eq!(ping.send(gateway.address()).await.status, 404);
    }
    let admin = gateway.admin().await;
    for path in ["/api/config", "/api/config/effective", "/api/status", "/api/sessions"] {
        let shown = Ask::get(path).send(admin).await.text().await;
        assert!(
            !shown.to_ascii_lowercase().contains(&KEY[..16]) && !shown.contains(&session.id),
            "{path}: {shown}"
        );
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!gateway.log().contains(&KEY[..16]) && !gateway.log().contains(&session.id));
    assert!(!gateway.log().contains(&forged), "and neither are ids that anybody makes up");
}
