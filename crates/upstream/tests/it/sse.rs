//! HTTP+SSE of 2024-11-05.

use std::time::Duration;

use http::Method;
use protocol::Message;
use tokio::time::timeout;
use upstream::settings::Limits;
use upstream::wire::http_client::HttpClient;
use upstream::wire::sse::SseConnect;
use upstream::wire::{Connect as _, Wire};
use upstream::{Error, ErrorKind, queue};

use crate::server::{Channel, Server, always, answer, event, events, json, status};
use crate::{all, failure, is, notification, request};

const PROGRESS: &str = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}"#;

async fn connect(server: &Server) -> (Result<Box<dyn Wire>, Error>, queue::Receiver<Message>) {
    let (inbox, received) = queue::channel(8);
    let connect = SseConnect::new("t", server.url.clone(), &Limits::default(), HttpClient::new());
    (timeout(Duration::from_secs(5), connect.connect(inbox)).await.expect("in time"), received)
}

/// Answers every request over the stream: after a note, and before its POST is answered.
async fn serve(channel: Channel) -> Server {
    Server::start(move |seen| {
        let channel = channel.clone();
        async move {
            if seen.method == Method::GET {
                return channel.open("event: endpoint\ndata: /messages?session=1\n\n");
            }
            if seen.body.contains("gone") {
                return answer(404, "text/plain", "no such session");
            }
            if seen.body.contains("\"id\":1,") {
                channel.say(event(PROGRESS));
                tokio::time::sleep(Duration::from_millis(30)).await;
                channel.say(event(r#"{"jsonrpc":"2.0","id":1,"result":"hi"}"#));
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
            status(202)
        }
    })
    .await
}

#[tokio::test]
async fn answers_come_over_the_stream() {
    let channel = Channel::default();
    let server = serve(channel.clone()).await;
    let (wire, mut inbox) = connect(&server).await;
    let wire = wire.expect("a wire");
    assert_eq!(
        all(wire.request(request(1, "tools/call")).await).await,
        ["notifications/progress", r#""hi""#]
    );
    wire.send(notification("notifications/initialized")).await.expect("taken");
    let seen = server.seen();
    assert_eq!(seen[0].header("accept"), Some("text/event-stream"));
    assert_eq!((seen[1].method.clone(), &*seen[1].path), (Method::POST, "/messages?session=1"));
    channel.say(event(r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#));
    assert!(matches!(inbox.recv().await, Some(Message::Notification(_))));
    is(&failure(wire.request(request(2, "gone")).await), ErrorKind::SessionLost, "no such session");
}

#[tokio::test]
async fn the_end_of_the_stream_is_the_end_of_the_wire() {
    let channel = Channel::default();
    let server = serve(channel.clone()).await;
    let (wire, _inbox) = connect(&server).await;
    let wire = wire.expect("a wire");
    let hang_up = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        channel.hang_up();
    };
    let (outcome, reason, ()) = tokio::join!(wire.request(request(2, "tools/call")), wire.closed(), hang_up);
    is(&failure(outcome), ErrorKind::Closed, "the target ended its stream");
    is(&reason, ErrorKind::Closed, "the target ended its stream");
    is(&failure(wire.request(request(3, "x")).await), ErrorKind::Unreachable, "the target ended its stream");
}

#[tokio::test]
async fn a_foreign_endpoint_is_refused() {
    let server = always(|| events("event: endpoint\ndata: http://127.0.0.1:1/messages\n\n")).await;
    let error = connect(&server).await.0.err().expect("refused");
    is(&error, ErrorKind::Protocol, "on another origin, which is refused: http://127.0.0.1:1/messages");
}

#[tokio::test]
async fn what_is_no_stream_is_told() {
    for (server, kind, detail) in [
        (always(|| status(405)).await, ErrorKind::Status(405), "405"),
        (always(|| status(401)).await, ErrorKind::Unauthorized, "401"),
        (always(|| json("{}")).await, ErrorKind::Protocol, "event stream"),
        (always(|| events(event("{}"))).await, ErrorKind::Closed, "before it named its endpoint"),
    ] {
        is(&connect(&server).await.0.err().expect("refused"), kind, detail);
    }
}

#[tokio::test]
async fn dropping_the_wire_closes_the_stream() {
    let server = serve(Channel::default()).await;
    let (wire, mut inbox) = connect(&server).await;
    let wire = wire.expect("a wire");
    let waiting = {
        let outcome = wire.request(request(2, "tools/call"));
        timeout(Duration::from_millis(100), outcome).await.err()
    };
    assert!(waiting.is_some());
    drop(wire);
    assert!(timeout(Duration::from_secs(5), inbox.recv()).await.expect("in time").is_none());
}
