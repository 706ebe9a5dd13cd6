//! With virtual time, over a connection in memory.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::http::drain::{Drain, Drained};

/// The client's end of a connection whose requests are all answered with `ok`, and the task that serves it.
fn connected(drain: &Drain) -> (DuplexStream, JoinHandle<()>) {
    let (ours, theirs) = duplex(64 * 1024);
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let info = ConnInfo { peer: nowhere, local: nowhere, tls: false, finishing: CancellationToken::new() };
    let handler = |_: Request<Incoming>, _: Arc<ConnInfo>| async { Response::new(Body::from("ok")) };
    let from = From { info: Arc::new(info), handler: Arc::new(handler) };
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

#[tokio::test(start_paused = true)]
async fn idle_connections_do_not_hold_up_the_end() {
    let drain = Drain::new();
    let (_silent, _) = connected(&drain);
    let (mut used, _) = connected(&drain);
    used.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("the server reads");
    let mut answer = [0; 15];
    used.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    let start = Instant::now();
    assert_eq!(drain.wait(Duration::from_secs(10)).await, Drained::Complete);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_large_is_refused() {
    let drain = Drain::new();
    let (mut client, _server) = connected(&drain);
    let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(HEAD_BYTES as usize));
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
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let info = ConnInfo { peer: nowhere, local: nowhere, tls: false, finishing: CancellationToken::new() };
    let handler = |_: Request<Incoming>, _: Arc<ConnInfo>| async { Response::new(Body::Empty) };
    let from = From { info: Arc::new(info), handler: Arc::new(handler) };
    let size = size_of_val(&serve(duplex(1).0, from, drain.guard()));
    assert!(size <= 4 * 1024, "{size} bytes per connection");
}
