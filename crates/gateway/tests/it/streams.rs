//! Streams that break, over real connections: with a raw client, and with SDK clients that come back by themselves.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use testkit::fixture::{self, Era};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::client::{
    Ask, Event, Events, Gateway, Reply, Session, initialize, notification, remote, request, serving,
};
use crate::peers::{python, typescript};
use crate::person::abilities;

/// A gateway before a fixture with a tool that reports a step every 50 ms.
async fn stepping(era: Era) -> (testkit::Served, Gateway) {
    let fixture = fixture::serve_http(era).await.expect("a fixture");
    let gateway = Gateway::start(&serving(vec![remote("fixture", &fixture.url)])).await;
    gateway.ready("fixture").await;
    (fixture, gateway)
}

fn sleeping(milliseconds: u64, token: &str) -> Value {
    json!({ "name": "test_sleep", "arguments": { "ms": milliseconds }, "_meta": { "progressToken": token } })
}

/// The steps that it reports.
fn steps(milliseconds: u64) -> Vec<u64> {
    (0..milliseconds).step_by(50).collect()
}

async fn call(session: &Session, id: &str, milliseconds: u64) -> Events {
    session.post(request(id, "tools/call", sleeping(milliseconds, id))).await.events()
}

/// GETs with the id of an event.
async fn resume(session: &Session, last: &str) -> Reply {
    Ask::stream(&session.id).with("last-event-id", last).send(session.address).await
}

/// The next step that is reported, and the id of its event.
async fn step(stream: &mut Events) -> (u64, String) {
    let event = stream.next().await.expect("an event");
    let params = &event.json()["params"];
    (params["progress"].as_u64().unwrap_or_else(|| panic!("a step: {event:?}")), event.id)
}

/// Everything up to the end: the steps, and the ids of the requests that are answered.
async fn rest(stream: &mut Events) -> (Vec<u64>, Vec<Value>) {
    let (mut steps, mut answers) = (Vec::new(), Vec::new());
    while let Some(event) = stream.next().await {
        let message = event.json();
        match message["params"]["progress"].as_u64() {
            Some(step) => steps.push(step),
            None => answers.push(message["id"].clone()),
        }
    }
    (steps, answers)
}

#[tokio::test]
async fn a_call_whose_connection_breaks_is_resumed_and_answered_once() {
    for era in [Era::Legacy, Era::Modern] {
        let (_fixture, gateway) = stepping(era).await;
        let session = Session::open(gateway.address()).await;
        let mut stream = call(&session, "slow", 1000).await;
        let (one, _) = step(&mut stream).await;
        let (two, last) = step(&mut stream).await;
        drop(stream);
        let reply = resume(&session, &last).await;
        assert_eq!((reply.status, reply.header("x-accel-buffering")), (200, "no"));
        let (more, answers) = rest(&mut reply.events()).await;
        assert_eq!([vec![one, two], more].concat(), steps(1000), "every step once");
        assert_eq!(answers, ["slow"]);
        assert_eq!(resume(&session, "1-9999").await.status, 400);
    }
}

#[tokio::test]
async fn a_call_that_ends_while_its_client_is_away_can_still_be_fetched() {
    let (_fixture, gateway) = stepping(Era::Legacy).await;
    let session = Session::open(gateway.address()).await;
    let mut stream = call(&session, "slow", 400).await;
    let opening = stream.any().await.expect("an event");
    drop(stream);
    // It lasts longer than the one that it waits for.
    rest(&mut call(&session, "slower", 600).await).await;
    let (all, answers) = rest(&mut resume(&session, &opening.id).await.events()).await;
    assert_eq!((all, answers), (steps(400), vec![json!("slow")]));
}

#[tokio::test]
async fn a_resumption_yields_nothing_of_another_stream() {
    let (_fixture, gateway) = stepping(Era::Legacy).await;
    let session = Session::open(gateway.address()).await;
    let mut own = session.stream().await;
    let (mut one, mut two) = (call(&session, "one", 500).await, call(&session, "two", 500).await);
    let ((_, first), (_, second)) = (step(&mut one).await, step(&mut two).await);
    assert_ne!(first, second, "an id is unique in its session");
    drop((one, two));
    for (last, id) in [(second, "two"), (first, "one")] {
        let mut stream = resume(&session, &last).await.events();
        let mut answered = false;
        while let Some(event) = stream.next().await {
            let message = event.json();
            answered = message["id"] == id;
            assert!(answered || message["params"]["progressToken"] == id, "{id}: {message}");
        }
        assert!(answered, "{id}");
    }
    // The session's own stream has nothing of either; its end is the first thing that it says.
    let end = Ask::new(http::Method::DELETE, "/mcp").with("mcp-session-id", &session.id);
    let ended = end.send(session.address).await;
    assert_eq!(ended.status, 204);
    assert!(own.next().await.is_none());
}

#[tokio::test]
async fn only_sessions_of_2025_11_25_see_an_event_without_a_message() {
    let (_fixture, gateway) = stepping(Era::Legacy).await;
    for (version, opens) in [("2025-03-26", false), ("2025-06-18", false), ("2025-11-25", true)] {
        let session = Session::at_version(gateway.address(), version).await;
        let is_opening = |event: &Event| event.data.is_empty() && event.retry == "1000";
        let first = call(&session, "slow", 200).await.any().await.expect("an event");
        assert_eq!((is_opening(&first), first.id.is_empty()), (opens, false), "{version}: {first:?}");
        if opens {
            let own = session.stream().await.any().await.expect("an event");
            assert!(is_opening(&own) && own.id == "0-0", "{own:?}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_resumed_is_a_bad_request_and_the_session_goes_on() {
    let (_fixture, gateway) = stepping(Era::Legacy).await;
    let session = Session::open(gateway.address()).await;
    for last in ["7-1", "nonsense"] {
        let (status, code, text) = resume(&session, last).await.refusal().await;
        assert_eq!((status, code), (400, -32600));
        assert!(text.contains("cannot be resumed"), "{text}");
    }
    // Not 404, after which a client would have to begin a new session.
    assert!(session.call("ping", json!({})).await["result"].is_object());
    assert_eq!(resume(&session, "0-99").await.status, 200, "its own stream goes on with what there is");
}

#[tokio::test]
async fn a_modern_request_is_served_as_if_it_had_no_last_event_id() {
    let (_fixture, gateway) = stepping(Era::Modern).await;
    for last in ["1-1", "nonsense", "0-0"] {
        let ask = Ask::modern("tools/call", sleeping(200, "p")).with("last-event-id", last);
        let mut stream = ask.send(gateway.address()).await.events();
        let first = stream.any().await.expect("an event");
        assert_eq!((&*first.id, &*first.retry), ("", ""), "{first:?}");
        assert_eq!(stream.last().await["id"], 1);
    }
}

#[tokio::test]
async fn a_resumed_call_may_finish_while_the_gateway_stops_and_the_sessions_own_stream_ends() {
    let (_fixture, gateway) = stepping(Era::Legacy).await;
    let session = Session::open(gateway.address()).await;
    let mut own = session.stream().await;
    let mut stream = call(&session, "slow", 1000).await;
    let (_, last) = step(&mut stream).await;
    drop(stream);
    let mut resumed = resume(&session, &last).await.events();
    step(&mut resumed).await;
    gateway.signal("TERM");
    assert!(own.next().await.is_none());
    let (_, answers) = rest(&mut resumed).await;
    assert_eq!(answers, ["slow"]);
}

#[tokio::test]
async fn a_question_on_a_stream_that_broke_is_heard_again_and_can_be_answered() {
    for era in [Era::Legacy, Era::Modern] {
        let (_fixture, gateway) = stepping(era).await;
        let session = Session::declaring(gateway.address(), "2025-11-25", &abilities()).await;
        let params = json!({ "name": "kit_echo_asked", "arguments": { "token": "t" } });
        let mut stream = session.post(request("asks", "tools/call", params)).await.events();
        let opening = stream.any().await.expect("an event");
        let asked = stream.next().await.expect("a question").json();
        drop(stream);
        let mut again = resume(&session, &opening.id).await.events();
        assert_eq!(again.next().await.expect("the question").json(), asked, "{era:?}");
        let result = json!({ "action": "accept", "content": { "value": "v" } });
        let response = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
        assert_eq!(session.post(response).await.status, 202);
        let answer = again.last().await;
        let told = json!({ "asked": "t", "answered": "v" });
        assert_eq!(
            (&answer["id"], &answer["result"]["structuredContent"]),
            (&json!("asks"), &told),
            "{era:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_of_2024_11_05_hears_its_answers_while_the_gateway_stops_and_ends_when_nothing_runs() {
    let (_fixture, mut gateway) = stepping(Era::Legacy).await;
    let to = gateway.address();
    let (mut busy, busy_at) = old_connection(to).await;
    let (mut idle, _) = old_connection(to).await;
    let posted = Ask::post(request("slow", "tools/call", sleeping(1000, "slow"))).at(&busy_at).send(to).await;
    assert_eq!(posted.status, 202);
    step(&mut busy).await;
    gateway.signal("TERM");
    assert!(idle.next().await.is_none(), "nothing runs");
    let (more, answers) = rest(&mut busy).await;
    assert_eq!((more, answers), (steps(1000)[1..].to_vec(), vec![json!("slow")]));
    assert!(gateway.ended().await.success(), "it is not waited for longer than it runs");
}

/// A connection of 2024-11-05 whose handshake is over, and where it takes POSTs.
pub(crate) async fn old_connection(to: SocketAddr) -> (Events, String) {
    let mut stream = Ask::get("/sse").with("accept", "text/event-stream").send(to).await.events();
    let at = stream.next().await.expect("an event").data;
    for message in [initialize("2024-11-05"), notification("notifications/initialized", json!({}))] {
        assert_eq!(Ask::post(message).at(&at).send(to).await.status, 202);
    }
    assert_eq!(stream.next().await.expect("an event").json()["id"], 0);
    (stream, at)
}

// === SDK clients ===

/// A way to the gateway that breaks once: in the middle of the first stream that reports progress.
struct BrittleWay {
    address: SocketAddr,
    broke: Arc<AtomicBool>,
    accepting: JoinHandle<()>,
}

impl BrittleWay {
    async fn to(gateway: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let broke: Arc<AtomicBool> = Arc::default();
        let seen = broke.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, gateway, seen.clone()));
            }
        });
        Self { address, broke, accepting }
    }
}

impl Drop for BrittleWay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(client: TcpStream, gateway: SocketAddr, broke: Arc<AtomicBool>) {
    let Ok(server) = TcpStream::connect(gateway).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there = tokio::io::copy(&mut from_client, &mut to_server);
    let back = async {
        let (mut said, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
        loop {
            let Ok(read @ 1..) = from_server.read(&mut piece).await else { return };
            if to_client.write_all(&piece[..read]).await.is_err() {
                return;
            }
            said.extend_from_slice(&piece[..read]);
            let steps = String::from_utf8_lossy(&said).matches("notifications/progress").count();
            if steps >= 3 && !broke.swap(true, Ordering::Relaxed) {
                return;
            }
        }
    };
    tokio::select! {
        _ = there => {}
        () = back => {}
    }
}

/// A call of a second and a half, through a way that breaks after a few steps. The client is to come back for the rest by
/// itself.
async fn comes_back(era: Era, visit: impl AsyncFn(String, Value) -> Value) {
    let (_fixture, gateway) = stepping(era).await;
    let way = BrittleWay::to(gateway.address()).await;
    let plan = json!({ "call": [{ "name": "test_sleep", "arguments": { "ms": 1500 } }] });
    let seen = visit(format!("http://{}/mcp", way.address), plan).await;
    assert!(way.broke.load(Ordering::Relaxed), "nothing broke");
    assert_eq!(seen["calls"]["test_sleep"], "Slept 1500 ms");
    assert_eq!(seen["progress"]["test_sleep"], json!(steps(1500)), "every step once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_client_comes_back_by_itself() {
    for era in [Era::Legacy, Era::Modern] {
        comes_back(era, async |url, plan| typescript("legacy-client.mjs", &url, &plan, &[]).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_comes_back_by_itself() {
    for era in [Era::Legacy, Era::Modern] {
        comes_back(era, async |url, plan| python(&url, &plan, &["--era", "legacy"]).await).await;
    }
}
