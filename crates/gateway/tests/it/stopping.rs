//! The end of the program under traffic: what was sent over a connection that was accepted is answered.

use std::io::{PipeReader, PipeWriter, Write as _};
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::client::{
    EXE, Gateway, MODERN, builtin, enveloped, eventually, free_port, local, request, serving, signal, soon,
};

/// Requests that were answered, over all clients.
type Answered = Arc<AtomicU64>;

fn echo(to: SocketAddr) -> Request<Full<Bytes>> {
    let params = enveloped(json!({ "name": "echo", "arguments": { "message": "hi" } }));
    let body = request(1, "tools/call", params).to_string();
    let request = Request::post(format!("http://{to}/mcp"))
        .header("host", to.to_string())
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", "tools/call")
        .header("mcp-name", "echo");
    request.body(Full::new(Bytes::from(body))).expect("a request")
}

/// Reads an answer to its end, and says whether the connection may be used again.
async fn read(response: Response<Incoming>, answered: &Answered) -> bool {
    let ends = response.headers().get("connection").is_some_and(|value| value == "close");
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.expect("a whole answer").to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("Echo: hi"), "{body:?}");
    answered.fetch_add(1, Ordering::Relaxed);
    !ends
}

async fn connect(to: SocketAddr) -> Option<http1::SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(to).await.ok()?;
    let (client, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1");
    tokio::spawn(connection);
    Some(client)
}

/// One connection after the other, each for one request.
async fn fresh(to: SocketAddr, answered: Answered) {
    while let Some(mut client) = connect(to).await {
        read(client.send_request(echo(to)).await.expect("an answer over a fresh connection"), &answered)
            .await;
    }
}

/// One connection for all requests, and after the end of each the next, with a pause between requests.
async fn kept(to: SocketAddr, answered: Answered, pause: u64) {
    while let Some(mut client) = connect(to).await {
        loop {
            let response = client.send_request(echo(to)).await.expect("an answer over a kept connection");
            if !read(response, &answered).await {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
        }
    }
}

/// Many requests at once over one connection, until the gateway says that it goes away.
async fn many(to: SocketAddr, answered: Answered) {
    let stream = TcpStream::connect(to).await.expect("a connection");
    let (client, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    while !client.is_closed() {
        let mut client = client.clone();
        match client.send_request(echo(to)).await {
            Ok(response) => drop(read(response, &answered).await),
            // It was not sent any more: the gateway had said that it goes away.
            Err(error) => assert!(error.is_canceled() || refused(&error), "{error:?}"),
        }
    }
    soon(connection).await.expect("no panic").expect("a good end");
}

/// Whether the gateway says that it has not looked at a request.
fn refused(error: &hyper::Error) -> bool {
    let text = format!("{error:?}");
    text.contains("GoAway") && text.contains("NO_ERROR") || text.contains("REFUSED_STREAM")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_lost_when_the_program_is_stopped_under_traffic() {
    let mut gateway = Gateway::start(&serving(vec![builtin("everything")])).await;
    gateway.ready("everything").await;
    let (to, answered) = (gateway.address(), Answered::default());
    let mut clients = JoinSet::new();
    for client in 0..4 {
        clients.spawn(fresh(to, answered.clone()));
        clients.spawn(kept(to, answered.clone(), 0));
        clients.spawn(kept(to, answered.clone(), 50 + 100 * client));
        clients.spawn(many(to, answered.clone()));
    }
    eventually("there is traffic", async || (answered.load(Ordering::Relaxed) > 500).then_some(())).await;
    gateway.signal("TERM");
    while let Some(ended) = soon(clients.join_next()).await {
        ended.expect("a request was lost");
    }
    assert_eq!(gateway.ended().await.code(), Some(0));
    assert!(!gateway.log().contains("not every connection finished"), "{}", gateway.log());
}

/// A pipe that takes no more, as that of a log shipper that hangs.
fn full() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("a flag");
    while writer.write(&[b'x'; 512]).is_ok() {}
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).expect("a flag");
    (reader, writer)
}

#[expect(clippy::disallowed_methods, reason = "the program under test, with a log of its own")]
#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_neither_requests_nor_the_end() {
    for access_log in [false, true] {
        let (_reader, writer) = full();
        let mut config = serving(vec![builtin("everything")]);
        let number = free_port().await;
        config["binds"][0]["port"] = json!(number);
        config["config"]["logging"] = json!({ "accessLog": access_log });
        let mut program = tokio::process::Command::new(EXE);
        program.args(["-c", &config.to_string()]).stdout(Stdio::null()).stderr(writer).kill_on_drop(true);
        let mut program = program.spawn().expect("a process");
        let mut client = eventually("a port", async || connect(local(number)).await).await;
        for _ in 0..3 {
            let answer = soon(client.send_request(echo(local(number)))).await.expect("an answer");
            read(answer, &Answered::default()).await;
            client.ready().await.expect("the connection goes on");
        }
        signal("TERM", program.id().expect("a process id"));
        assert_eq!(soon(program.wait()).await.expect("a process").code(), Some(0));
    }
}
