//! Sessions of an HTTP target that another link began, perhaps in another process.

use std::time::Duration;

use http::Method;
use protocol::{Object, Raw};

use upstream::{Call, Caller, Error, ErrorKind, Link, Settings, Target, Tie, Transport};

use crate::server::{Channel, Seen, Server, answer, json, status};

/// A legacy server that knows the sessions `first`, of its discovery link, and `theirs`.
async fn server(stream: Channel) -> Server {
    let gets = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    Server::start(move |seen: Seen| {
        let of = seen.header("mcp-session-id").map(str::to_owned);
        let message: serde_json::Value = serde_json::from_str(&seen.body).unwrap_or_default();
        let id = &message["id"];
        let response = match (&seen.method, message["method"].as_str().unwrap_or_default(), of.as_deref()) {
            (_, "initialize", _) => {
                let result = r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}}}"#;
                let mut response = json(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
                response.headers_mut().insert("mcp-session-id", "first".parse().expect("a value"));
                response
            }
            (_, "server/discover", _) => answer(400, "text/plain", "what?"),
            (&Method::GET, _, Some("theirs")) => {
                // The connection of whoever had the stream before is not yet known to be gone.
                match gets.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                    0 => status(409),
                    _ => stream.open(": here\n\n"),
                }
            }
            (&Method::GET, ..) => status(405),
            (&Method::DELETE, ..) => status(200),
            (_, _, Some("first" | "theirs")) if id.is_null() => status(202),
            (_, _, Some("first" | "theirs")) => {
                json(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#))
            }
            _ => status(404),
        };
        futures::future::ready(response)
    })
    .await
}

fn start(server: &Server) -> Target {
    let transport = Transport::Http(server.url.clone());
    let settings = Settings::new("t", transport);
    Target::start(settings, Caller::discovery(&Object::default()))
}

async fn call(link: &Link) -> Result<(), Error> {
    let method = protocol::method::find("tools/call").expect("a row");
    let params: Object = [("name", Raw::string("x"))].into_iter().collect();
    link.call(Call::quiet(method, params, Caller::plain())).await.map(drop)
}

/// The requests of one method in a session.
fn seen_in(server: &Server, session: &str, method: &Method) -> Vec<Seen> {
    let all = server.seen().into_iter();
    all.filter(|seen| seen.method == method && seen.header("mcp-session-id") == Some(session)).collect()
}

#[tokio::test]
async fn a_session_that_another_link_began_goes_on_without_a_handshake() {
    let stream = Channel::default();
    let server = server(stream.clone()).await;
    let target = start(&server);
    let discovery = target.discovery_link().await.expect("a link");
    assert_eq!(discovery.tie(), Tie::Session("first".into()));
    let handshakes = || server.seen().iter().filter(|seen| seen.body.contains("\"initialize\"")).count();
    let before = handshakes();
    let (one, _heard) = target.adopt(&Caller::plain(), "theirs").await.expect("an adopted session");
    let (two, _heard) = target.adopt(&Caller::plain(), "theirs").await.expect("an adopted session");
    assert_eq!((one.tie(), one.peer()), (Tie::Session("theirs".into()), discovery.peer()));
    call(&one).await.expect("an answer");
    call(&two).await.expect("an answer");
    assert_eq!(handshakes(), before, "nobody shakes hands again");
    let ids: Vec<u64> = seen_in(&server, "theirs", &Method::POST)
        .iter()
        .map(|seen| {
            serde_json::from_str::<serde_json::Value>(&seen.body).expect("JSON")["id"]
                .as_u64()
                .expect("an id")
        })
        .collect();
    assert!(ids[0].abs_diff(ids[1]) > 1000 && ids.iter().all(|id| *id < 1 << 53), "ids do not meet: {ids:?}");
    let posts = seen_in(&server, "theirs", &Method::POST);
    assert!(posts.iter().all(|seen| seen.header("mcp-protocol-version") == Some("2025-06-18")), "{posts:?}");
    one.close().await;
    let [end] = &seen_in(&server, "theirs", &Method::DELETE)[..] else { panic!("one DELETE") };
    assert_eq!(end.header("mcp-protocol-version"), Some("2025-06-18"));
    target.stop().await;
}

#[tokio::test]
async fn a_stream_that_the_session_still_has_elsewhere_is_asked_for_again() {
    let stream = Channel::default();
    let server = server(stream.clone()).await;
    let target = start(&server);
    let (_link, mut heard) = target.adopt(&Caller::plain(), "theirs").await.expect("an adopted session");
    let opened = async {
        while !stream.is_heard() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), opened).await.expect("the stream is opened");
    stream.say(crate::server::event(
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#,
    ));
    let heard = tokio::time::timeout(Duration::from_secs(10), heard.recv()).await.expect("it is passed on");
    assert!(matches!(heard, Some(upstream::Heard::Notice(upstream::Notice::Log(_)))), "{heard:?}");
    target.stop().await;
}

#[tokio::test]
async fn a_session_that_the_target_has_forgotten_is_found_out_by_the_first_call() {
    let server = server(Channel::default()).await;
    let target = start(&server);
    let (link, _heard) = target.adopt(&Caller::plain(), "forgotten").await.expect("nothing is sent yet");
    assert_eq!(call(&link).await.expect_err("it is gone").kind, ErrorKind::SessionLost);
    assert!(link.is_dead());
    assert!(target.adopt(&Caller::plain(), "not\na header").await.is_none());
    target.stop().await;
}

/// A legacy server that takes a moment for the handshakes of everybody but the first.
#[tokio::test]
async fn bug_a_link_that_nobody_waits_for_any_more_leaves_no_session() {
    let shaken = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let server = Server::start(move |seen: Seen| {
        let shaken = shaken.clone();
        async move {
            let message: serde_json::Value = serde_json::from_str(&seen.body).unwrap_or_default();
            let id = &message["id"];
            match (&seen.method, message["method"].as_str().unwrap_or_default()) {
                (_, "initialize") => {
                    let number = shaken.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if number > 0 {
                        tokio::time::sleep(Duration::from_millis(300)).await;
                    }
                    let result = r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}}}"#;
                    let mut response = json(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#));
                    let session = format!("s{number}");
                    response.headers_mut().insert("mcp-session-id", session.parse().expect("a value"));
                    response
                }
                (_, "server/discover") => answer(400, "text/plain", "what?"),
                (&Method::GET, _) => status(405),
                (&Method::DELETE, _) => status(200),
                _ if id.is_null() => status(202),
                _ => json(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)),
            }
        }
    })
    .await;
    let target = start(&server);
    target.discovery_link().await.expect("a link");
    let caller = Caller::plain();
    let (lease, lent) = (target.lease(&caller), target.borrow(&caller));
    let moment = Duration::from_millis(100);
    assert!(tokio::time::timeout(moment, lease).await.is_err());
    assert!(tokio::time::timeout(moment, lent).await.is_err());
    for session in ["s1", "s2"] {
        let ended = async {
            while seen_in(&server, session, &Method::DELETE).is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(5), ended).await.is_ok(), "{session} is left");
    }
    target.stop().await;
}
