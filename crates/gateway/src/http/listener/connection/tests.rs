//! With virtual time, over a connection in memory.

use std::net::{Ipv4Addr, SocketAddr};

use http::Request;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::super::Notes;
use super::super::terms::PerConnection;
use super::*;
use crate::http::drain::{Drain, Drained};

/// A client that is nowhere.
fn nobody() -> ConnInfo {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    ConnInfo {
        peer: nowhere,
        local: nowhere,
        tls: false,
        finishing: CancellationToken::new(),
        notes: Notes::default(),
    }
}

/// The client's end of a connection whose requests are all answered with `ok`, and the task that serves it.
fn connected(drain: &Drain) -> (DuplexStream, JoinHandle<()>) {
    let (ours, theirs) = duplex(64 * 1024);
    let info = ConnInfo { finishing: drain.guard().finish_token(), ..nobody() };
    let handler = |_: Request<Incoming>, _: Arc<ConnInfo>| async { Response::new(Body::from("ok")) };
    let terms = Terms::new(1, PerConnection::default());
    let from = From { info: Arc::new(info), handler: Arc::new(handler), terms };
    (ours, tokio::spawn(serve(theirs, from, drain.guard())))
}

/// When the server closes a connection on which a client sends this and then nothing more.
async fn closed_after(sent: &[u8]) -> Duration {
    let drain = Drain::new();
    let (mut client, server) = connected(&drain);
    let start = Instant::now();
    client.write_all(sent).await.expect("the server reads");
    // An hour of virtual time, so that a server that never closes it fails the test instead of hanging it.
    timeout(Duration::from_secs(3600), server).await.expect("it stays open").expect("no panic");
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_whole_head_is_cut() {
    for sent in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n", b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n"] {
        let elapsed = closed_after(sent).await;
        assert_eq!(elapsed.as_secs(), 30, "{:?}", String::from_utf8_lossy(sent));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_drips_its_head_is_cut_all_the_same() {
    let drain = Drain::new();
    let (mut client, server) = connected(&drain);
    let start = Instant::now();
    let drip = async {
        client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ").await.expect("the server reads");
        while client.write_all(b"x").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::join!(drip, async { server.await.expect("no panic") });
    assert!(start.elapsed() <= HEAD + Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_used_any_more_is_closed() {
    assert_eq!(closed_after(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.as_secs(), 30);
}

/// The head of the next answer.
async fn head(client: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.expect("an answer"));
    }
    String::from_utf8(head).expect("text")
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn idle_connections_do_not_hold_up_the_end_for_long() {
    for (grace, expected) in [(Duration::from_secs(10), LINGER), (Duration::from_millis(100), LINGER / 10)] {
        let drain = Drain::new();
        let (_silent, _) = connected(&drain);
        let (mut used, _) = connected(&drain);
        used.write_all(GET).await.expect("the server reads");
        assert!(head(&mut used).await.starts_with("HTTP/1.1 200 OK"));
        let start = Instant::now();
        assert_eq!(drain.wait(grace).await, Drained::Complete);
        assert_eq!(start.elapsed(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_meets_the_end_on_its_way_is_answered_and_is_the_last() {
    for used in [true, false] {
        let drain = Drain::new();
        let (mut client, server) = connected(&drain);
        if used {
            client.write_all(GET).await.expect("the server reads");
            assert!(!head(&mut client).await.contains("connection: close"));
            assert_eq!(client.read_u16().await.expect("a body").to_be_bytes(), *b"ok");
        }
        drain.finish();
        tokio::task::yield_now().await;
        let start = Instant::now();
        client.write_all(GET).await.expect("the server reads");
        let answer = head(&mut client).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("connection: close"), "{answer}");
        let mut rest = String::new();
        client.read_to_string(&mut rest).await.expect("the end");
        assert_eq!(rest, "ok");
        server.await.expect("no panic");
        assert_eq!(start.elapsed(), Duration::ZERO, "and nobody waits for more");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_sent_without_waiting_are_answered_in_their_order() {
    let drain = Drain::new();
    let (mut client, _server) = connected(&drain);
    client.write_all(&GET.repeat(20)).await.expect("the server reads");
    for _ in 0..20 {
        assert!(head(&mut client).await.starts_with("HTTP/1.1 200 OK"));
        assert_eq!(client.read_u16().await.expect("a body").to_be_bytes(), *b"ok");
    }
}

/// A served connection whose answers are large, and its counts.
fn large(answer: usize) -> (DuplexStream, JoinHandle<()>, Terms) {
    let (ours, theirs) = duplex(1024);
    let handler = move |_: Request<Incoming>, _: Arc<ConnInfo>| async move {
        Response::new(Body::from("x".repeat(answer)))
    };
    let terms = Terms::new(1, PerConnection::default());
    let from = From { info: Arc::new(nobody()), handler: Arc::new(handler), terms: terms.clone() };
    let drain = Drain::new();
    let guard = drain.guard();
    // It would cut the connection when it is dropped.
    std::mem::forget(drain);
    (ours, tokio::spawn(serve(theirs, from, guard)), terms)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_its_answer_is_cut() {
    let (mut client, server, terms) = large(1 << 20);
    let start = Instant::now();
    client.write_all(GET).await.expect("the server reads");
    timeout(Duration::from_secs(3600), server).await.expect("it is kept").expect("no panic");
    assert_eq!(start.elapsed().as_secs(), 60);
    assert_eq!(terms.counts.refused(Reason::SlowReader), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_gets_its_whole_answer() {
    let (mut client, _server, terms) = large(64 << 10);
    client.write_all(GET).await.expect("the server reads");
    head(&mut client).await;
    let mut read = 0;
    while read < 64 << 10 {
        sleep(Duration::from_secs(50)).await;
        read += client.read(&mut [0; 1024]).await.expect("more of it");
    }
    assert_eq!(terms.counts.refused(Reason::SlowReader), 0);
}

#[tokio::test(start_paused = true)]
async fn heads_that_do_not_come_are_counted_and_idle_connections_are_not() {
    let part = &b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n"[..];
    for (sent, then, slow) in [
        (&b""[..], &b""[..], 0),
        (b"", b"P", 1),
        (b"", part, 1),
        (GET, b"", 0),
        (GET, b"P", 1),
        (GET, part, 1),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"", 1),
    ] {
        let (mut client, server, terms) = large(2);
        client.write_all(sent).await.expect("the server reads");
        sleep(Duration::from_secs(1)).await;
        client.write_all(then).await.expect("the server reads");
        timeout(Duration::from_secs(3600), server).await.expect("it stays open").expect("no panic");
        assert_eq!(terms.counts.refused(Reason::SlowHead), slow, "{:?}", String::from_utf8_lossy(sent));
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_large_is_refused() {
    let drain = Drain::new();
    let (mut client, _server) = connected(&drain);
    let head = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(PerConnection::default().head)
    );
    // The server may answer before it has read everything.
    let (read, write) = (&mut [0; 12], head.into_bytes());
    let (mut from, mut to) = tokio::io::split(&mut client);
    let (answered, _) = tokio::join!(from.read_exact(read), to.write_all(&write));
    answered.expect("an answer");
    assert_eq!(read, b"HTTP/1.1 431");
}

#[test]
fn a_connection_fits_in_little_memory() {
    let drain = Drain::new();
    let handler = |_: Request<Incoming>, _: Arc<ConnInfo>| async { Response::new(Body::Empty) };
    let terms = Terms::new(1, PerConnection::default());
    let from = From { info: Arc::new(nobody()), handler: Arc::new(handler), terms };
    let size = size_of_val(&serve(duplex(1).0, from, drain.guard()));
    assert!(size <= 3 * 1024, "{size} bytes per connection");
}

#[tokio::test(start_paused = true)]
async fn a_client_of_http2_that_does_not_read_is_cut() {
    let drain = Drain::new();
    let (ours, theirs) = duplex(64 * 1024);
    let handler =
        |_: Request<Incoming>, _: Arc<ConnInfo>| async { Response::new(Body::from(vec![b'x'; 1 << 20])) };
    let terms = Terms::new(1, PerConnection::default());
    let from = From { info: Arc::new(nobody()), handler: Arc::new(handler), terms };
    let counts = from.terms.counts.clone();
    let server = tokio::spawn(serve(theirs, from, drain.guard()));
    let (mut sender, connection) =
        hyper::client::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new())
            .initial_stream_window_size(1024)
            .handshake::<_, http_body_util::Empty<bytes::Bytes>>(TokioIo::new(ours))
            .await
            .expect("a handshake");
    tokio::spawn(connection);
    let request = Request::get("http://localhost/").body(http_body_util::Empty::new()).expect("a request");
    let unread = sender.send_request(request).await.expect("a head");
    let ended = timeout(Duration::from_secs(80), server).await;
    drop(unread);
    ended.expect("it stays open").expect("no panic");
    assert_eq!(counts.refused(Reason::SlowReader), 1);
}
