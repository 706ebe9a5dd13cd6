//! Streamable HTTP.

use std::time::Duration;

use futures::StreamExt as _;
use http::{HeaderValue, Method};
use protocol::{Message, Version};
use tokio::time::timeout;
use upstream::settings::Limits;
use upstream::wire::http_client::HttpClient;
use upstream::wire::streamable::{StreamableConnect, StreamableWire};
use upstream::wire::{Connect as _, Frames, Label, Wire as _};
use upstream::{ErrorKind, queue};

use crate::server::{Channel, Server, always, answer, broken, event, events, json, status};
use crate::{all, failure, is, notification, one, request, request_with, result, words};

const LIMIT: usize = 10_000;
const PROGRESS: &str = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}"#;

fn wire(server: &Server) -> (StreamableWire, queue::Receiver<Message>) {
    let (inbox, received) = queue::channel(8);
    (StreamableWire::new("t", server.url.clone(), LIMIT, HttpClient::new(), inbox), received)
}

fn version(version: &str) -> Label {
    Label::of(Version::parse(version).expect("a revision"))
}

#[tokio::test]
async fn a_json_answer() {
    let server = always(|| json(result(1, "hi"))).await;
    let (wire, _inbox) = wire(&server);
    assert_eq!(
        one(wire.request(request_with(1, "tools/list", version("2026-07-28"))).await),
        (r#""hi""#.into(), 200)
    );
    let seen = &server.seen()[0];
    assert_eq!(seen.method, Method::POST);
    assert_eq!(seen.body, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    assert_eq!(seen.header("accept"), Some("application/json, text/event-stream"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("mcp-protocol-version"), Some("2026-07-28"));
    let mut names: Vec<_> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "content-length", "content-type", "host", "mcp-protocol-version"]);
}

#[tokio::test]
async fn a_stream_that_holds_only_the_answer() {
    let server = always(|| events(": hello\n\nid: 1\ndata:\n\nevent: ping\ndata: x\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\ndata: \"id\":1,\"result\":1}\n\n")).await;
    let (wire, _inbox) = wire(&server);
    assert_eq!(one(wire.request(request(1, "tools/call")).await), ("1".into(), 200));
}

#[tokio::test]
async fn a_stream_with_notes_ends_with_the_answer() {
    let channel = Channel::default();
    let server = {
        let channel = channel.clone();
        Server::start(move |_| futures::future::ready(channel.open(event(PROGRESS)))).await
    };
    let (wire, _inbox) = wire(&server);
    let Ok(Frames::Stream(mut frames)) = wire.request(request(1, "tools/call")).await else {
        panic!("a note came first");
    };
    assert_eq!(frames.next().await.expect("open").map(words), Ok("notifications/progress".into()));
    channel.say(event(r#"{"jsonrpc":"2.0","id":9,"result":"of another request"}"#));
    channel.say(event("noise"));
    channel.say(event(r#"{"jsonrpc":"2.0","id":5,"method":"sampling/createMessage"}"#));
    assert_eq!(frames.next().await.expect("open").map(words), Ok("request sampling/createMessage".into()));
    // The server does not end the stream; the answer does.
    channel.say(event(r#"{"jsonrpc":"2.0","id":1,"result":"end"}"#));
    assert_eq!(frames.next().await.expect("open").map(words), Ok(r#""end""#.into()));
    assert!(frames.next().await.is_none());
}

#[tokio::test]
async fn streams_leave_their_connection_for_the_next_request() {
    let server = Server::start(|seen| {
        let id = if seen.body.contains(r#""id":1,"#) { 1 } else { 2 };
        let channel = Channel::default();
        let response = channel.open(event(std::str::from_utf8(&result(id, "x")).expect("text")));
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            channel.hang_up();
        });
        futures::future::ready(response)
    })
    .await;
    let (wire, _inbox) = wire(&server);
    one(wire.request(request(1, "tools/call")).await);
    tokio::time::sleep(Duration::from_millis(200)).await;
    one(wire.request(request(2, "tools/call")).await);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn json_under_a_streams_label() {
    let server = always(|| events(" \n{\"jsonrpc\":\"2.0\",\n\"id\":1,\"result\":1}")).await;
    let (wire, _inbox) = wire(&server);
    assert_eq!(one(wire.request(request(1, "tools/call")).await), ("1".into(), 200));
}

#[tokio::test]
async fn a_batch() {
    let server = always(|| json(format!(r#"[{{"jsonrpc":"2.0","id":1,"result":1}},{PROGRESS}]"#))).await;
    let (wire, _inbox) = wire(&server);
    assert_eq!(all(wire.request(request(1, "tools/call")).await).await, ["notifications/progress", "1"]);
}

/// Breaks the first stream, answers the first resumption with 503, and then tells the rest.
#[tokio::test]
async fn a_broken_legacy_stream_is_resumed() {
    let gets = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let server = Server::start(move |seen| {
        let response = match &seen.method {
            &Method::POST => broken("retry: 10\nid: a1\ndata:\n\n"),
            _ => match gets.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => status(503),
                // The server ends this one, as it may after an id.
                1 => events(format!("id: a2\n{}", event(PROGRESS))),
                _ => events("id: a3\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}\n\n"),
            },
        };
        futures::future::ready(response)
    })
    .await;
    let (wire, _inbox) = wire(&server);
    let frames = all(wire.request(request_with(1, "tools/call", version("2025-11-25"))).await).await;
    assert_eq!(frames, ["notifications/progress", "1"]);
    let seen = server.seen();
    assert_eq!(
        seen.iter().filter(|seen| seen.method == Method::POST).count(),
        1,
        "a call is never sent again"
    );
    let ids: Vec<_> = seen[1..].iter().map(|seen| seen.header("last-event-id")).collect();
    assert_eq!(ids, [Some("a1"), Some("a1"), Some("a2")]);
    assert_eq!(seen[1].header("accept"), Some("text/event-stream"));
    assert_eq!(seen[1].header("mcp-protocol-version"), Some("2025-11-25"));
}

#[tokio::test]
async fn a_stream_that_cannot_be_resumed_is_closed() {
    let refuses = Server::start(|seen| {
        let response =
            if seen.method == Method::POST { broken("retry: 1\nid: 1\ndata:\n\n") } else { status(405) };
        futures::future::ready(response)
    })
    .await;
    let (over, _inbox) = wire(&refuses);
    let error = failure(over.request(request_with(1, "tools/call", version("2025-11-25"))).await);
    is(&error, ErrorKind::Closed, "it cannot be resumed (405 Method Not Allowed)");

    let vain = always(|| events("retry: 1\n\n")).await;
    let (over, _inbox) = wire(&vain);
    is(
        &failure(over.request(request(1, "tools/call")).await),
        ErrorKind::Closed,
        "ended the stream without an answer",
    );
    assert_eq!(vain.seen().len(), 1, "without an event id there is nothing to resume");

    let modern = always(|| broken("retry: 1\nid: 1\ndata:\n\n")).await;
    let (over, _inbox) = wire(&modern);
    is(
        &failure(over.request(request_with(1, "tools/call", version("2026-07-28"))).await),
        ErrorKind::Closed,
        "",
    );
    assert_eq!(modern.seen().len(), 1, "modern streams are not resumed");
}

#[tokio::test]
async fn resuming_in_vain_ends() {
    let server = Server::start(|seen| {
        let first = seen.method == Method::POST;
        futures::future::ready(if first { events("retry: 1\nid: 1\ndata:\n\n") } else { events("") })
    })
    .await;
    let (wire, _inbox) = wire(&server);
    is(&failure(wire.request(request(1, "tools/call")).await), ErrorKind::Closed, "5 attempts");
    assert_eq!(server.seen().len(), 6);
}

async fn sessions(
    seen: crate::server::Seen,
) -> http::Response<http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, std::io::Error>> {
    let mut response = if seen.body.contains("initialize\"") {
        json(result(1, "welcome"))
    } else if seen.body.contains("lost") {
        answer(
            404,
            "application/json",
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"x"}}"#,
        )
    } else if seen.body.contains("\"id\"") {
        json(result(2, "x"))
    } else {
        status(if seen.method == Method::DELETE { 405 } else { 202 })
    };
    response.headers_mut().insert("mcp-session-id", HeaderValue::from_static("s1"));
    response
}

#[tokio::test]
async fn a_session_is_opened_used_lost_and_ended() {
    let server = Server::start(sessions).await;
    let (wire, _inbox) = wire(&server);
    // Only the handshake opens a session.
    one(wire.request(request(2, "server/discover")).await);
    one(wire.request(request(1, "initialize")).await);
    let mut initialized = notification("notifications/initialized");
    initialized.label = version("2025-11-25");
    wire.send(initialized).await.expect("taken");
    let lost = failure(wire.request(request(3, "lost")).await);
    is(&lost, ErrorKind::SessionLost, "no longer knows our session");
    one(wire.request(request(1, "initialize")).await);
    wire.close().await;
    let seen = server.seen();
    let sessions: Vec<_> = seen.iter().map(|seen| seen.header("mcp-session-id")).collect();
    assert_eq!(sessions, [None, None, Some("s1"), Some("s1"), None, Some("s1")]);
    assert_eq!(seen[5].method, Method::DELETE);
    is(&failure(wire.request(request(4, "x")).await), ErrorKind::Stopped, "");
}

#[tokio::test]
async fn refusals() {
    let body = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32020,"message":"x"}}"#;
    let server = Server::start(move |seen| {
        futures::future::ready(match seen.header("x-case") {
            Some("rpc") => answer(400, "application/json", body),
            Some("other") => answer(400, "application/json", body.replace("null", "99")),
            Some("401") => answer(401, "application/json", body),
            Some("403") => status(403),
            Some("404") => answer(404, "text/plain", "not\nhere"),
            Some("307") => {
                let mut response = status(307);
                response.headers_mut().insert("location", HeaderValue::from_static("/elsewhere"));
                response
            }
            Some("202") => status(202),
            _ => answer(502, "text/html", format!("<h1>{}", "x".repeat(1000))),
        })
    })
    .await;
    let (wire, _inbox) = wire(&server);
    let ask = async |case| {
        let headers = vec![(http::HeaderName::from_static("x-case"), HeaderValue::from_static(case))];
        let label = Label { mirrored: headers, ..Label::default() };
        wire.request(request_with(1, "server/discover", label)).await
    };
    assert_eq!(one(ask("rpc").await), (r#"error {"code":-32020,"message":"x"}"#.into(), 400));
    is(&failure(ask("other").await), ErrorKind::Status(400), "answered 400 Bad Request: {");
    is(&failure(ask("401").await), ErrorKind::Unauthorized, "401");
    is(&failure(ask("403").await), ErrorKind::Unauthorized, "403");
    is(&failure(ask("404").await), ErrorKind::Status(404), "the target answered 404 Not Found: not here");
    is(&failure(ask("307").await), ErrorKind::Status(307), "redirects to /elsewhere");
    is(&failure(ask("202").await), ErrorKind::Status(202), "and no message");
    let error = failure(ask("502").await);
    is(&error, ErrorKind::Status(502), "502 Bad Gateway: <h1>xxx");
    assert!(error.detail.len() < 300);
    let sent = wire.send(notification("notifications/initialized")).await;
    is(&sent.expect_err("502"), ErrorKind::Status(502), "502");
}

#[tokio::test]
async fn what_is_not_mcp() {
    let server = always(|| answer(200, "text/html", "<html>")).await;
    let (wire, _inbox) = wire(&server);
    is(&failure(wire.request(request(1, "x")).await), ErrorKind::Protocol, "<html>");
}

#[tokio::test]
async fn answers_above_the_ceiling() {
    let long = "x".repeat(LIMIT);
    let plain = {
        let long = long.clone();
        always(move || json(result(1, &long))).await
    };
    let (over, _inbox) = wire(&plain);
    is(&failure(over.request(request(1, "x")).await), ErrorKind::TooLarge, "more than 10000 bytes");

    let streamed = always(move || events(format!("{}data: {long}x\n\n", event(PROGRESS)))).await;
    let (over, _inbox) = wire(&streamed);
    let frames = all(over.request(request(1, "x")).await).await;
    assert_eq!(
        frames,
        ["notifications/progress", "TooLarge: the target sent a message of more than 10000 bytes"]
    );
}

#[tokio::test]
async fn a_session_is_ended_with_the_headers_of_its_messages() {
    let server = Server::start(sessions).await;
    let (wire, _inbox) = wire(&server);
    one(wire.request(request(1, "initialize")).await);
    one(wire.request(request_with(2, "tools/list", version("2025-11-25"))).await);
    wire.close().await;
    let seen = server.seen();
    assert_eq!(seen[2].method, Method::DELETE);
    assert_eq!(seen[2].header("mcp-protocol-version"), Some("2025-11-25"));
}

/// A server may let go of a stream as often as it likes, as long as something comes each time.
#[tokio::test]
async fn a_polled_stream_is_resumed_without_end() {
    let gets = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let server = Server::start(move |_| {
        let round = gets.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let last = r#"data: {"jsonrpc":"2.0","id":1,"result":"end"}"#;
        futures::future::ready(events(format!(
            "retry: 1\nid: {round}\n{}\n\n",
            if round < 12 { "data:" } else { last }
        )))
    })
    .await;
    let (wire, _inbox) = wire(&server);
    assert_eq!(one(wire.request(request(1, "tools/call")).await).0, r#""end""#);
    assert_eq!(server.seen().len(), 13);
}

/// To a modern server, this is how a request is cancelled.
#[tokio::test]
async fn dropping_the_frames_closes_their_connection() {
    let channel = Channel::default();
    let server = {
        let channel = channel.clone();
        Server::start(move |_| futures::future::ready(channel.open(event(PROGRESS)))).await
    };
    let (wire, _inbox) = wire(&server);
    let frames = wire.request(request(1, "tools/call")).await.expect("a stream");
    assert!(channel.is_heard());
    drop(frames);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    while channel.is_heard() {
        assert!(tokio::time::Instant::now() < deadline, "the connection is still open");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_server_without_tls_cannot_be_reached_with_it() {
    let server = always(|| status(200)).await;
    let url: http::Uri = server.url.to_string().replace("http:", "https:").parse().expect("a URL");
    let (inbox, _received) = queue::channel(1);
    let wire = StreamableWire::new("t", url.clone(), LIMIT, HttpClient::new(), inbox);
    let error = failure(wire.request(request(1, "x")).await);
    is(&error, ErrorKind::Unreachable, &format!("cannot connect to {url}: "));
    assert!(error.detail.contains("TLS") || error.detail.contains("InvalidContentType"), "{error}");
}

#[tokio::test]
async fn nobody_there() {
    let gone = always(|| status(200)).await;
    let url = gone.url.clone();
    let (wire, _inbox) = wire(&gone);
    drop(gone);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let error = failure(wire.request(request(1, "x")).await);
    assert_eq!(
        (error.kind, error.detail),
        (ErrorKind::Unreachable, format!("cannot connect to {url}: connection refused"))
    );
}

#[tokio::test]
async fn a_connection_that_dies_after_the_request_may_have_run_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("bound")).parse().expect("a URL");
    let (inbox, _received) = queue::channel(1);
    let wire = StreamableWire::new("t", url, LIMIT, HttpClient::new(), inbox);
    let serve = async {
        use tokio::io::AsyncReadExt as _;
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let _ = socket.read(&mut [0; 4096]).await;
    };
    let (outcome, ()) = tokio::join!(wire.request(request(1, "tools/call")), serve);
    is(&failure(outcome), ErrorKind::Closed, "was lost");
}

#[tokio::test]
async fn the_listening_stream_fills_the_inbox_and_comes_back() {
    let channel = Channel::default();
    let server = {
        let channel = channel.clone();
        Server::start(move |_| futures::future::ready(channel.open("retry: 10\nid: g1\ndata:\n\n"))).await
    };
    let (wire, mut inbox) = wire(&server);
    drop(wire.open_stream(Version::V2025_06_18, true));
    drop(wire.open_stream(Version::V2025_06_18, true));
    let changed = event(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#);
    for round in 1..=2 {
        requests(&server, round).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        channel.say(&changed);
        let message = timeout(Duration::from_secs(5), inbox.recv()).await.expect("in time").expect("open");
        assert_eq!(words(message), "notifications/tools/list_changed");
        channel.hang_up();
    }
    let seen = server.seen();
    assert_eq!(seen[0].header("last-event-id"), None);
    assert_eq!(seen[1].header("last-event-id"), Some("g1"));
    assert_eq!(seen[1].header("mcp-protocol-version"), Some("2025-06-18"));
    drop(wire);
    assert!(
        timeout(Duration::from_secs(5), inbox.recv()).await.expect("in time").is_none(),
        "the task has ended"
    );
}

#[tokio::test]
async fn who_waits_for_the_listening_stream_goes_on_when_the_server_has_answered() {
    let channel = Channel::default();
    let server = {
        let channel = channel.clone();
        Server::start(move |_| {
            let channel = channel.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                channel.open(": here\n\n")
            }
        })
        .await
    };
    let (wire, _inbox) = wire(&server);
    let waiting = tokio::time::Instant::now();
    timeout(Duration::from_secs(5), wire.open_stream(Version::V2025_06_18, true)).await.expect("in time");
    assert!(waiting.elapsed() >= Duration::from_millis(100));
    timeout(Duration::from_secs(5), wire.open_stream(Version::V2025_06_18, true))
        .await
        .expect("a second is none");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_server_without_a_listening_stream_is_left_alone() {
    let server = always(|| status(405)).await;
    let (wire, mut inbox) = wire(&server);
    drop(wire.open_stream(Version::V2024_11_05, true));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(server.seen().len(), 1);
    assert!(inbox.try_recv().is_none());
}

/// Completes when the server has had so many requests.
async fn requests(server: &Server, count: usize) {
    while server.seen().len() < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Connects to a server that was asked for a stream in a session before.
async fn asked_for_a_stream(server: &Server) -> StreamableConnect {
    let connect = StreamableConnect::new("t", server.url.clone(), &Limits::default(), HttpClient::new());
    let before = connect.connect(queue::channel(8).0).await.expect("a wire");
    before.open_stream(Version::V2025_06_18, true).await;
    connect
}

/// Sessions in which a program makes one call are many, and the question would take longer than the call.
#[tokio::test]
async fn a_server_without_a_listening_stream_is_asked_again_in_sessions_that_last() {
    let server = always(|| status(405)).await;
    let connect = asked_for_a_stream(&server).await;
    let (inbox, _messages) = queue::channel(8);
    assert_eq!(server.seen().len(), 1);
    tokio::time::pause();
    let short = connect.connect(inbox.clone()).await.expect("a wire");
    short.open_stream(Version::V2025_06_18, false).await;
    let long = connect.connect(inbox.clone()).await.expect("a wire");
    long.open_stream(Version::V2025_06_18, false).await;
    tokio::time::sleep(Duration::from_millis(1900)).await;
    short.close().await;
    assert_eq!(server.seen().len(), 1);
    tokio::time::sleep(Duration::from_millis(200)).await;
    tokio::time::resume();
    timeout(Duration::from_secs(5), requests(&server, 2))
        .await
        .expect("another server may have taken its place");
    // Who waits for the stream is told at once that there is none.
    let urgent = connect.connect(inbox).await.expect("a wire");
    urgent.open_stream(Version::V2025_06_18, true).await;
    assert_eq!(server.seen().len(), 3);
}

/// A session that the server has lost says nothing of the next one.
#[tokio::test]
async fn only_what_is_said_of_the_server_is_taken_to_hold_in_other_sessions() {
    let server = always(|| status(404)).await;
    let connect = asked_for_a_stream(&server).await;
    let (inbox, _messages) = queue::channel(8);
    let next = connect.connect(inbox).await.expect("a wire");
    next.open_stream(Version::V2025_06_18, false).await;
    timeout(Duration::from_millis(1500), requests(&server, 2)).await.expect("at once");
}

#[tokio::test]
async fn dropping_the_wire_ends_its_streams() {
    let channel = Channel::default();
    let server = {
        let channel = channel.clone();
        Server::start(move |_| futures::future::ready(channel.open(event(PROGRESS)))).await
    };
    let (wire, _inbox) = wire(&server);
    let frames = wire.request(request(1, "tools/call")).await;
    drop(wire);
    let frames = timeout(Duration::from_secs(5), all(frames)).await.expect("in time");
    assert_eq!(frames[0], "notifications/progress");
    assert!(frames[1].starts_with("Stopped"), "{frames:?}");
}

/// A peer that lost power says nothing, so the system has to ask for it. Its table of connections says whether it does: `02`
/// is a timer that probes, and after it stands when it is due, in hundredths of a second.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_silent_connection_is_probed() {
    let channel = Channel::default();
    let server = {
        let channel = channel.clone();
        Server::start(move |_| futures::future::ready(channel.open(": hello\n\n"))).await
    };
    let (wire, _inbox) = wire(&server);
    wire.open_stream(Version::V2025_11_25, true).await;
    let remote = format!(":{:04X}", server.url.port_u16().expect("a port of its own"));
    let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux has it");
    let rows = table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    let timers: Vec<_> = rows
        .filter(|row| row[2].ends_with(&remote) && row[3] == "01")
        .filter_map(|row| row[5].split_once(':'))
        .map(|(timer, due)| (timer, u32::from_str_radix(due, 16).is_ok_and(|due| due <= 3000)))
        .collect();
    assert_eq!(timers, [("02", true)], "{table}");
}

#[tokio::test]
async fn a_session_that_is_gone_is_noticed_by_the_listening_stream() {
    let channel = Channel::default();
    let opened = channel.clone();
    let server = Server::start(move |seen| {
        let response = match (seen.method.clone(), seen.header("last-event-id").is_some()) {
            (Method::GET, false) => opened.open("retry: 100\nid: 1\ndata:\n\n"),
            (Method::GET, true) => status(404),
            _ => {
                let mut response = json(result(1, "hello"));
                response.headers_mut().insert("mcp-session-id", HeaderValue::from_static("s"));
                response
            }
        };
        futures::future::ready(response)
    })
    .await;
    let (wire, _inbox) = wire(&server);
    one(wire.request(request(1, "initialize")).await);
    wire.open_stream(Version::V2024_11_05, true).await;
    assert!(timeout(Duration::from_millis(100), wire.closed()).await.is_err(), "it lives");
    channel.hang_up();
    let error = timeout(Duration::from_secs(5), wire.closed()).await.expect("in time");
    is(&error, ErrorKind::SessionLost, "no longer knows our session");
}
