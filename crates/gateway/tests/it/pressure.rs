//! More than somebody reads: floods of targets, clients and children that do not read. What waits is bounded, which the
//! gateway's memory shows, and a call of another client to another target is answered meanwhile.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::fixture::{self, Era};
use testkit::{Served, hostile};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::chaos::caller::Caller;
use crate::chaos::process::Size;
use crate::chaos::reader::raw;
use crate::client::{Ask, Gateway, Session, declaring, eventually, remote, request, serving, stdio, text_of};
use crate::support::stdio_fixture;

/// How long a call may take that has nothing to do with it. The machine is busy with the flood.
const SOON: Duration = Duration::from_secs(5);
/// How much memory may be held at a time for one that does not read: what may wait for it, what is kept for it to come back,
/// and what is under way. In KiB.
const HELD: u64 = 24 << 10;

/// How many open descriptors more than at the start are no leak: connections to targets that wait to be used again.
const SPARE_DESCRIPTORS: usize = 60;

/// A gateway between one that does not read and one that says too much, with a calm target next to them.
struct Arena {
    gateway: Gateway,
    to: SocketAddr,
    calm: Session,
    start: u64,
    _served: Vec<Served>,
}

/// Hostile targets: over a pipe, and over HTTP of each era.
const PIPE: &str = "pipe";
const HTTP: &str = "http";
const MODERN: &str = "modern";

impl Arena {
    async fn open() -> Self {
        let served = vec![
            hostile::serve(HTTP, Era::Legacy, 0).await.expect("a port"),
            hostile::serve(MODERN, Era::Modern, 0).await.expect("a port"),
        ];
        let binary = fixture::binary().expect("the fixture's binary");
        let mut targets = vec![
            stdio(PIPE, binary.to_str().expect("UTF-8"), &["hostile", "--name", PIPE, "--era", "legacy"]),
            remote(HTTP, &served[0].url),
            remote(MODERN, &served[1].url),
            stdio_fixture("calm", Era::Legacy),
        ];
        for target in &mut targets {
            // The limit of the rate would hide what the queues do.
            target["limits"] = json!({ "notifications": 1_000_000_000 });
        }
        let gateway = Gateway::start(&serving(targets)).await;
        for target in [PIPE, HTTP, MODERN, "calm"] {
            gateway.ready(target).await;
        }
        let to = gateway.address();
        let calm = Session::open(to).await;
        let mut arena = Self { gateway, to, calm, start: 0, _served: served };
        for _ in 0..20 {
            arena.is_calm().await;
        }
        arena.start = arena.size().memory;
        Size::forget_peak(arena.gateway.id());
        arena
    }

    fn size(&self) -> Size {
        Size::of(self.gateway.id())
    }

    /// A call of another client to another target is answered soon.
    async fn is_calm(&self) {
        let call = self.calm.tool("calm_test_echo", json!({ "token": "calm" }));
        let answer = timeout(SOON, call).await.expect("another call waits for it");
        assert!(text_of(&answer).contains("calm"), "{answer}");
    }

    /// Keeps calling the calm target until something is done.
    async fn while_calm<T>(&self, work: impl Future<Output = T>) -> T {
        let calls = async {
            loop {
                self.is_calm().await;
                sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            done = work => done,
            () = calls => unreachable!("calls go on"),
        }
    }

    /// The most memory that was held at a time is bounded.
    #[expect(clippy::print_stdout, reason = "the figure is worth knowing")]
    fn held_little(&self, what: &str, most: u64) {
        let held = self.size().peak.saturating_sub(self.start);
        println!("{what}: {held} KiB at most");
        assert!(held <= most, "{what}: {held} KiB were held, more than {most}");
    }

    /// Sends a request over a connection from which nobody reads.
    async fn unread(&self, ask: Ask) -> TcpStream {
        let mut socket = TcpStream::connect(self.to).await.expect("a connection");
        socket.write_all(&raw(ask, self.to).await).await.expect("it is sent");
        socket
    }
}

fn call(target: &str, tool: &str, arguments: &Value) -> Value {
    let meta = json!({ "progressToken": "p" });
    json!({ "name": format!("{target}_{tool}"), "arguments": arguments, "_meta": meta })
}

/// The answer to a call that may take a while.
async fn last(session: &Session, params: Value) -> Value {
    let ask = session.ask(request("long", "tools/call", params));
    let heard = timeout(Duration::from_secs(150), Caller::http1(session.address).exchange(ask)).await;
    heard.expect("the call ends").expect("an answer").last
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_the_stream_of_its_call_holds_up_its_own_call_alone() {
    let arena = Arena::open().await;
    for target in [PIPE, HTTP, MODERN] {
        let session = Session::open(arena.to).await;
        let flood = call(target, "flood", &json!({ "count": 300_000 }));
        let _legacy = arena.unread(session.ask(request(1, "tools/call", flood.clone()))).await;
        let mut modern = declaring(flood, json!({}));
        modern["_meta"]["io.modelcontextprotocol/logLevel"] = json!("debug");
        let _modern = arena.unread(Ask::modern_as(1, "tools/call", modern)).await;
        arena.while_calm(sleep(Duration::from_secs(3))).await;
    }
    arena.held_little("streams of calls that nobody reads", HELD);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_notifications_over_a_pipe_hold_up_nobody_and_are_not_kept() {
    let arena = Arena::open().await;
    let session = Session::open(arena.to).await;
    let _unread = arena.unread(Ask::stream(&session.id)).await;
    // The answer comes when all of it was taken off the pipe.
    let flood = call(PIPE, "flood_outside", &json!({ "count": 1_000_000, "token": "whole", "wait": true }));
    let answer = arena.while_calm(last(&session, flood)).await;
    assert!(text_of(&answer).contains("whole"), "{answer}");
    arena.held_little("a million log lines over a pipe, and a session's stream that nobody reads", HELD);
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_on_a_targets_own_streams_hold_up_nobody_and_are_not_kept() {
    let arena = Arena::open().await;
    let session = Session::open(arena.to).await;
    let _unread = arena.unread(Ask::stream(&session.id)).await;
    let wanted = json!({ "notifications": { "toolsListChanged": true } });
    let listen = Ask::modern_as(1, "subscriptions/listen", declaring(wanted, json!({})));
    let _listening = arena.unread(listen).await;
    for method in ["notifications/message", "notifications/tools/list_changed"] {
        for target in [HTTP, MODERN] {
            let flood = json!({ "count": 50_000, "method": method, "token": "whole", "wait": true });
            let flood = call(target, "flood_outside", &flood);
            let answer = arena.while_calm(last(&session, flood)).await;
            assert!(text_of(&answer).contains("whole"), "{answer}");
        }
    }
    arena.held_little("floods on streams of targets, and listen and session streams that nobody reads", HELD);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_inside_a_call_reaches_a_client_that_reads_and_its_answer_as_well() {
    let arena = Arena::open().await;
    for target in [PIPE, HTTP, MODERN] {
        let session = Session::open(arena.to).await;
        let flood = call(target, "flood", &json!({ "count": 30_000, "token": "whole" }));
        let answer = arena.while_calm(last(&session, flood)).await;
        assert!(text_of(&answer).contains("whole"), "{target}: {answer}");
    }
    arena.held_little("floods inside of calls", HELD);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_that_nobody_reads_are_held_once_and_go_with_their_clients() {
    const CLIENTS: u64 = 50;
    const BYTES: u64 = 6 << 20;
    let arena = Arena::open().await;
    let descriptors = arena.size().descriptors;
    let large = json!({ "bytes": BYTES, "json": true });
    let all = CLIENTS * (BYTES >> 10);
    // The allocator keeps what is freed. If a round left anything behind, the next ones would need as much again.
    for _ in 0..3 {
        let mut unread = Vec::new();
        for number in 0..CLIENTS {
            let target = [HTTP, MODERN][usize::from(number % 2 == 0)];
            let params = declaring(call(target, "large", &large), json!({}));
            unread.push(arena.unread(Ask::modern_as(number, "tools/call", params)).await);
        }
        arena.while_calm(sleep(Duration::from_secs(3))).await;
        drop(unread);
        let gone = async || (arena.size().descriptors <= descriptors + SPARE_DESCRIPTORS).then_some(());
        arena.while_calm(eventually("the connections are closed", gone)).await;
    }
    // Each is there once, as it came, and while it comes its buffer may have been larger.
    arena.held_little("three times 50 answers of 6 MiB that nobody reads", all * 2 + HELD);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_does_not_read_holds_up_its_own_callers_alone() {
    let arena = Arena::open().await;
    let deaf = Session::open(arena.to).await;
    deaf.tool(&format!("{PIPE}_deaf"), json!({ "ms": 8000 })).await;
    let large = json!({ "token": "heard", "more": "x".repeat(1 << 20) });
    let calls = (0..20).map(|_| deaf.tool("pipe_echo", large.clone()));
    let answers = arena.while_calm(futures::future::join_all(calls)).await;
    assert!(answers.iter().all(|answer| text_of(answer).contains("heard")));
    // They wait as they came, once as a body and once as a line.
    arena.held_little("20 calls of 1 MiB to a child that does not read", 3 * (20 << 10) + HELD);
}
