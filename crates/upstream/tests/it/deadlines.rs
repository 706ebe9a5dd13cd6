//! Targets on real sockets that take their time: each wait has its deadline, and its error says whose, for what and how long.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::{Object, Raw};
use tokio::net::TcpListener;
use tokio::time::Instant;
use upstream::settings::{Limits, Settings};
use upstream::{Call, Caller, Error, ErrorKind, State, Target, Transport};

use crate::is;
use crate::server::{Channel, Seen, Server, answer, event, json, status, trickle};

const SHORT: Duration = Duration::from_millis(300);

fn start(url: &http::Uri, change: impl FnOnce(&mut Limits)) -> Target {
    let mut settings = Settings::new("t", Transport::Http(url.clone()));
    change(&mut settings.limits);
    Target::start(settings, Caller::plain())
}

/// A server of 2025-11-25 that answers what is not about its handshake in its own way.
async fn serving<F>(other: impl Fn(Seen) -> F + Clone + Send + Sync + 'static) -> Server
where
    F: Future<Output = http::Response<crate::server::Body>> + Send + 'static,
{
    Server::start(move |seen| {
        let other = other.clone();
        async move {
            let id = seen.id();
            match seen.rpc().as_str() {
                "server/discover" => status(400),
                "initialize" => json(format!(
                    r#"{{"jsonrpc":"2.0","id":{id},"result":{{"protocolVersion":"2025-11-25","capabilities":{{}}}}}}"#
                )),
                "" | "notifications/initialized" | "notifications/cancelled" => status(202),
                _ => other(seen).await,
            }
        }
    })
    .await
}

async fn call(target: &Target) -> Result<Result<Raw, Raw>, Error> {
    let method = protocol::method::find("tools/call").expect("a row");
    let call = Call::quiet(method, Object::default(), Caller::plain());
    target.plain_link().await?.call(call).await?.answer().await
}

async fn list(target: &Target) -> Result<Result<Raw, Raw>, Error> {
    let method = protocol::method::find("tools/list").expect("a row");
    let link = target.discovery_link().await?;
    link.list(Call::quiet(method, Object::default(), Caller::plain())).await
}

/// Why a target is not there.
async fn failure(target: &Target) -> Error {
    let mut state = target.state();
    let failing = state.wait_for(|state| matches!(state, State::Failing(_))).await.expect("a target");
    match &*failing {
        State::Failing(failure) => failure.error.clone(),
        _ => unreachable!("waited for"),
    }
}

fn soon(start: Instant) {
    assert!(start.elapsed() < SHORT * 8, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_server_that_takes_the_connection_and_says_nothing() {
    // Nobody accepts: the system completes the connection, and it stays half open.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("bound")).parse().expect("a URL");
    let start_of = Instant::now();
    let target = start(&url, |limits| limits.probe = SHORT);
    is(&failure(&target).await, ErrorKind::Timeout, "target `t` did not answer server/discover within 0.3 s");
    soon(start_of);
    target.stop().await;
}

#[tokio::test]
async fn a_server_that_never_ends_its_handshake() {
    let server = Server::start(|seen| async move {
        match seen.rpc().as_str() {
            "initialize" => trickle(),
            _ => status(400),
        }
    })
    .await;
    let start_of = Instant::now();
    let target = start(&server.url, |limits| limits.connect = SHORT);
    is(&failure(&target).await, ErrorKind::Timeout, "target `t` did not finish its handshake within 0.3 s");
    soon(start_of);
    target.stop().await;
}

#[tokio::test]
async fn a_stream_that_never_names_its_endpoint() {
    let server = Server::start(|_| async { crate::server::events_without_end() }).await;
    let mut settings = Settings::new("t", Transport::Sse(server.url.clone()));
    settings.limits.connect = SHORT;
    let target = Target::start(settings, Caller::plain());
    is(&failure(&target).await, ErrorKind::Timeout, "target `t` did not finish its handshake within 0.3 s");
    target.stop().await;
}

#[tokio::test]
async fn a_list_that_comes_byte_by_byte() {
    let server = serving(|_| async { trickle() }).await;
    let target = start(&server.url, |limits| limits.list = SHORT);
    let start_of = Instant::now();
    is(
        &list(&target).await.expect_err("late"),
        ErrorKind::Timeout,
        "target `t` did not answer tools/list within 0.3 s",
    );
    soon(start_of);
    target.stop().await;
}

#[tokio::test]
async fn an_answer_that_comes_byte_by_byte() {
    let server = serving(|_| async { trickle() }).await;
    let target = start(&server.url, |limits| limits.call = SHORT);
    target.discovery_link().await.expect("a link");
    let start_of = Instant::now();
    is(
        &call(&target).await.expect_err("late"),
        ErrorKind::Timeout,
        "target `t` did not answer tools/call within 0.3 s",
    );
    soon(start_of);
    target.stop().await;
}

#[tokio::test]
async fn a_stream_that_stays_open_and_says_no_more() {
    let channel = Channel::default();
    let opened = channel.clone();
    let progress =
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#;
    let server = serving(move |_| {
        let response = opened.open(event(progress));
        async { response }
    })
    .await;
    let target = start(&server.url, |limits| limits.call = SHORT);
    target.discovery_link().await.expect("a link");
    // Comments keep a connection alive, and say nothing of the call.
    let talks = channel.clone();
    let talking = upstream::Task::spawn("comments", async move {
        loop {
            tokio::time::sleep(SHORT / 6).await;
            talks.say(": still here\n\n");
        }
    });
    let start_of = Instant::now();
    is(
        &call(&target).await.expect_err("late"),
        ErrorKind::Timeout,
        "target `t` did not answer tools/call within 0.3 s",
    );
    soon(start_of);
    drop(talking);
    target.stop().await;
}

#[tokio::test]
async fn progress_carries_a_call_as_far_as_the_ceiling_and_no_further() {
    let channel = Channel::default();
    let opened = channel.clone();
    let server = serving(move |_| {
        let response = opened.open("");
        async { response }
    })
    .await;
    let target = start(&server.url, |limits| (limits.call, limits.longest_call) = (SHORT, SHORT * 3));
    target.discovery_link().await.expect("a link");
    let talks = channel.clone();
    let talking = upstream::Task::spawn("progress", async move {
        loop {
            tokio::time::sleep(SHORT / 6).await;
            talks.say(event(r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#));
        }
    });
    let start_of = Instant::now();
    is(
        &call(&target).await.expect_err("late"),
        ErrorKind::Timeout,
        "target `t` did not end tools/call within",
    );
    assert!(start_of.elapsed() >= SHORT * 3);
    soon(start_of);
    drop(talking);
    target.stop().await;
}

/// The first attempt of a server that is there but slow must not be the last.
#[tokio::test]
async fn a_deadline_that_was_missed_leaves_the_target_to_be_tried_again() {
    let slow = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let once = slow.clone();
    let server = Server::start(move |seen| {
        let slow = once.swap(false, std::sync::atomic::Ordering::Relaxed);
        async move {
            if slow {
                tokio::time::sleep(SHORT * 3).await;
            }
            let id = seen.id();
            match seen.rpc().as_str() {
                "initialize" => json(format!(
                    r#"{{"jsonrpc":"2.0","id":{id},"result":{{"protocolVersion":"2025-11-25","capabilities":{{}}}}}}"#
                )),
                "notifications/initialized" => status(202),
                _ => answer(400, "text/plain", Bytes::new()),
            }
        }
    })
    .await;
    let target = start(&server.url, |limits| limits.probe = SHORT);
    failure(&target).await;
    let mut state = target.state();
    let ready = state.wait_for(|state| matches!(state, State::Ready(_)));
    tokio::time::timeout(Duration::from_secs(10), ready).await.expect("in time").expect("a target");
    target.stop().await;
}
