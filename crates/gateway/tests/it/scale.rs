//! Thousands of sessions and streams at one gateway. The clients are this process and the gateway is another, so that what it
//! holds is its own.

use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use http::Method;
use serde_json::{Value, json};
use testkit::fixture::{self, Era};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::chaos::process::Size;
use crate::client::{Ask, Gateway, Session, eventually, remote, serving, text_of};

/// How many things are begun at the same time.
const AT_ONCE: usize = 32;
/// How long a call may take while all of them are there.
const SOON: Duration = Duration::from_secs(5);
/// How much memory a session without calls and a stream that is silent may take, in KiB. Several times what was measured; it
/// is here so that a change that makes them much larger is noticed.
const SESSION: u64 = 32;
const STREAM: u64 = 64;
/// How many open descriptors more than at the start are no leak: connections to targets that wait to be used again.
const SPARE_DESCRIPTORS: usize = 80;

/// How many there are.
struct Crowd {
    sessions: usize,
    streams: usize,
    callers: usize,
}

/// The gateway, and how large it is.
struct Scene {
    gateway: Gateway,
    to: SocketAddr,
}

impl Scene {
    fn size(&self) -> Size {
        Size::of(self.gateway.id())
    }

    async fn sessions(&self) -> u64 {
        self.gateway.status().await["backends"][0]["sessions"].as_u64().expect("a number")
    }

    async fn open(&self, count: usize) -> Vec<Session> {
        let opening = stream::repeat_with(|| Session::open(self.to)).take(count);
        opening.buffer_unordered(AT_ONCE).collect().await
    }

    async fn end(&self, sessions: &[Session]) {
        let ending = stream::iter(sessions).map(|session| async {
            let end = Ask::new(Method::DELETE, "/mcp").with("mcp-session-id", &session.id);
            assert_eq!(end.send(self.to).await.status, 204);
        });
        ending.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        let none = async || (self.sessions().await == 0).then_some(());
        eventually("no session is left", none).await;
    }

    /// The sessions' own streams, as open sockets: a connection of a whole HTTP client would be larger than ours.
    async fn listen(&self, sessions: &[Session]) -> Vec<TcpStream> {
        let opening = stream::iter(sessions).map(|session| self.stream(session));
        opening.buffer_unordered(AT_ONCE).collect().await
    }

    async fn stream(&self, session: &Session) -> TcpStream {
        let mut socket = TcpStream::connect(self.to).await.expect("a connection");
        let request = format!(
            "GET /mcp HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\nmcp-session-id: {}\r\n\r\n",
            self.to, session.id
        );
        socket.write_all(request.as_bytes()).await.expect("a request");
        read_until(&mut socket, "\r\n\r\n").await;
        socket
    }

    /// Calls a tool in each of these sessions, and returns how long the slowest took.
    async fn call(&self, sessions: &[Session]) -> Duration {
        let calling = stream::iter(sessions.iter().enumerate()).map(|(number, session)| async move {
            let began = Instant::now();
            let token = format!("scale-{number}");
            let called = session.tool("test_echo", json!({ "token": token }));
            let answer = timeout(SOON, called).await.expect("a call is answered soon");
            let seen: Value = serde_json::from_str(text_of(&answer)).expect("JSON");
            assert_eq!(seen["arguments"]["token"], token);
            began.elapsed()
        });
        calling.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.into_iter().max().unwrap_or_default()
    }
}

async fn read_until(socket: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = timeout(SOON * 6, socket.read(&mut buffer)).await.expect("in time").expect("a stream");
        assert_ne!(length, 0, "it ended: {}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&buffer[..length]);
        if String::from_utf8_lossy(&text).contains(end) {
            return String::from_utf8_lossy(&text).into_owned();
        }
    }
}

/// What a round took.
struct Taken {
    /// Of each session and each stream, in KiB.
    session: f64,
    stream: f64,
    /// Before, when all were there, and when all were gone, in KiB.
    start: u64,
    full: u64,
    after: u64,
    slowest: Duration,
    told: Duration,
}

#[expect(clippy::cast_precision_loss, reason = "they are far from 2^52")]
async fn round(scene: &Scene, crowd: &Crowd) -> Taken {
    let start = scene.size();
    let sessions = scene.open(crowd.sessions).await;
    assert_eq!(scene.sessions().await, crowd.sessions as u64);
    let with_sessions = scene.size();
    let mut streams = scene.listen(&sessions[..crowd.streams]).await;
    let with_streams = scene.size();
    let slowest = scene.call(&sessions[crowd.sessions - crowd.callers..]).await;

    // A change reaches every stream.
    let began = Instant::now();
    sessions[0].tool("kit_touch", json!({ "what": "prompts" })).await;
    let told =
        stream::iter(&mut streams).map(|socket| read_until(socket, "notifications/prompts/list_changed"));
    told.buffer_unordered(crowd.streams).collect::<Vec<_>>().await;
    let told = began.elapsed();
    let full = scene.size().memory;

    drop(streams);
    scene.end(&sessions).await;
    let back = async || {
        (scene.size().descriptors <= start.descriptors + SPARE_DESCRIPTORS).then_some(scene.size().memory)
    };
    let after = eventually("the descriptors come back", back).await;
    let each = |more: u64, less: u64, count: usize| more.saturating_sub(less) as f64 / count as f64;
    Taken {
        session: each(with_sessions.memory, start.memory, crowd.sessions),
        stream: each(with_streams.memory, with_sessions.memory, crowd.streams),
        start: start.memory,
        full,
        after,
        slowest,
        told,
    }
}

#[expect(clippy::print_stdout, reason = "the figures are what this is run for")]
async fn scale(crowd: Crowd) {
    let _ = agentgateway::descriptors::raise_limit();
    let target = fixture::serve_http(Era::Legacy).await.expect("a fixture");
    let gateway = Gateway::start(&serving(vec![remote("x", &target.url)])).await;
    gateway.ready("x").await;
    let scene = Scene { to: gateway.address(), gateway };
    let Crowd { sessions, streams, callers } = crowd;
    // What is there only once does not count.
    round(&scene, &Crowd { sessions: 50, streams: 50, callers: 1 }).await;

    let first = round(&scene, &crowd).await;
    let second = round(&scene, &crowd).await;
    let third = round(&scene, &crowd).await;
    println!("{sessions} sessions, {streams} of them with an open stream, calls in {callers}:");
    println!("  a session without calls   {:>8.1} KiB", first.session);
    println!("  an open stream            {:>8.1} KiB", first.stream);
    for (name, taken) in [("first", &first), ("second", &second), ("third", &third)] {
        println!(
            "  {name:<6} round: all {:>6} KiB, after it {:>6} KiB; slowest call {:?}, all told of a change in {:?}",
            taken.full, taken.after, taken.slowest, taken.told
        );
    }
    assert!(first.session < SESSION as f64 && first.stream < STREAM as f64, "they have become large");
    // How much the allocator keeps of what was given back differs from round to round. A leak would add all of it again.
    let all = first.full.saturating_sub(first.start);
    let most = first.after.max(second.after) + all / 2;
    assert!(third.after <= most, "{}, more than {most}", third.after);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sessions_and_streams_are_small_and_leave_nothing() {
    scale(Crowd { sessions: 500, streams: 200, callers: 20 }).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`make scale` runs it"]
async fn thousands_of_sessions_and_streams_are_small_and_leave_nothing() {
    scale(Crowd { sessions: 5000, streams: 2000, callers: 50 }).await;
}
