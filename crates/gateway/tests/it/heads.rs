//! The heads of requests: what counts in a client's, and what a target gets to see of it.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::client::{
    Ask, Gateway, MODERN, Session, builtin, eventually, remote, request, serving, soon, text_of,
};

/// A request as a target got it.
#[derive(Clone)]
struct Seen {
    headers: HeaderMap,
    message: Value,
}

/// What a target is that notes every request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Legacy,
    Modern,
    /// Answers 401 to everything.
    Locked,
}

/// A target over HTTP that notes every request, with one tool `x`.
struct Noting {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    serving: JoinHandle<()>,
}

impl Noting {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let all = seen.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let all = all.clone();
                let service = service_fn(move |request| answer(manner, all.clone(), request));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self { url, seen, serving }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, method: &str) -> usize {
        self.seen().iter().filter(|seen| seen.message["method"] == method).count()
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(
    manner: Manner,
    seen: Arc<Mutex<Vec<Seen>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let respond = |status: u16, body: String| {
        let response = Response::builder().status(status).header("content-type", "application/json");
        Ok(response.body(Full::new(Bytes::from(body))).expect("a response"))
    };
    if request.method() != Method::POST {
        return respond(405, String::new());
    }
    let headers = request.headers().clone();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(Seen { headers, message: message.clone() });
    if manner == Manner::Locked {
        return respond(401, String::new());
    }
    let Some(id) = message.get("id") else { return respond(202, String::new()) };
    let tools = json!([{ "name": "x", "inputSchema": { "type": "object" } }]);
    let text = json!([{ "type": "text", "text": "called" }]);
    let result = match (message["method"].as_str().unwrap_or_default(), manner) {
        ("server/discover", Manner::Modern) => json!({
            "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
            "supportedVersions": [MODERN], "capabilities": { "tools": {} },
        }),
        ("initialize", Manner::Legacy) => json!({
            "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
            "serverInfo": { "name": "noting", "version": "1" },
        }),
        ("tools/list", Manner::Modern) => {
            json!({ "resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": tools })
        }
        ("tools/list", _) => json!({ "tools": tools }),
        ("tools/call", Manner::Modern) => json!({ "resultType": "complete", "content": text }),
        ("tools/call", _) => json!({ "content": text }),
        _ => {
            let error = json!({ "code": -32601, "message": "Method not found" });
            return respond(200, json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string());
        }
    };
    respond(200, json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string())
}

#[tokio::test]
async fn credentials_and_sessions_of_a_client_reach_no_target() {
    for manner in [Manner::Legacy, Manner::Modern] {
        let target = Noting::start(manner).await;
        let gateway = Gateway::start(&serving(vec![remote("one", &target.url), builtin("time")])).await;
        gateway.ready("one").await;
        let session = Session::open(gateway.address()).await;
        let call = json!({ "name": "one_x", "arguments": {} });
        for ask in [session.ask(request(1, "tools/call", call.clone())), Ask::modern("tools/call", call)] {
            let ask = ask
                .with("authorization", "Bearer secret")
                .with("proxy-authorization", "Basic secret")
                .with("cookie", "id=secret")
                .with("x-api-key", "secret");
            assert_eq!(text_of(&ask.send(gateway.address()).await.answer().await), "called");
        }
        assert_eq!(target.count("tools/call"), 2);
        for Seen { headers, message } in target.seen() {
            for name in ["authorization", "proxy-authorization", "cookie", "x-api-key", "mcp-session-id"] {
                assert!(headers.get(name).is_none(), "{name} in {headers:?}");
            }
            assert!(!format!("{headers:?} {message}").contains("secret"), "{headers:?} {message}");
            assert!(!format!("{headers:?} {message}").contains(&session.id), "{headers:?} {message}");
        }
    }
}

#[tokio::test]
async fn a_modern_target_is_told_its_own_names_in_headers_and_body() {
    let target = Noting::start(Manner::Modern).await;
    let gateway = Gateway::start(&serving(vec![remote("one", &target.url), builtin("time")])).await;
    gateway.ready("one").await;
    let session = Session::open(gateway.address()).await;
    session.tool("one_x", json!({})).await;
    Ask::modern("tools/call", json!({ "name": "one_x" })).send(gateway.address()).await.answer().await;
    assert_eq!(target.count("tools/call"), 2);
    for Seen { headers, message } in target.seen() {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let version = message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str();
        assert_eq!((header("mcp-protocol-version"), version), (Some(MODERN), Some(MODERN)), "{message}");
        assert_eq!(header("mcp-method"), message["method"].as_str());
        if message["method"] == "tools/call" {
            assert_eq!((header("mcp-name"), message["params"]["name"].as_str()), (Some("x"), Some("x")));
        }
    }
}

#[tokio::test]
async fn a_target_that_wants_credentials_is_not_taken_for_an_older_one() {
    let target = Noting::start(Manner::Locked).await;
    let gateway = Gateway::start(&serving(vec![remote("one", &target.url)])).await;
    let reason = gateway.logged("target `one` is not available").await;
    assert!(reason.contains("401"), "{reason}");
    eventually("another attempt", async || (target.count("server/discover") > 1).then_some(())).await;
    assert_eq!(target.count("initialize"), 0);
}

#[tokio::test]
async fn a_modern_request_takes_no_notice_of_what_only_legacy_clients_send() {
    let gateway = Gateway::start(&serving(vec![builtin("time")])).await;
    let session = Session::open(gateway.address()).await;
    for id in [&*session.id, "made-up"] {
        let ask = Ask::modern("tools/list", json!({})).with("mcp-session-id", id).with("last-event-id", "7");
        let reply = ask.send(gateway.address()).await;
        assert_eq!((reply.status, reply.header("mcp-session-id")), (200, ""));
        assert_eq!(reply.json().await["id"], 1);
    }
}

#[tokio::test]
async fn what_a_legacy_clients_headers_say_of_its_request_decides_nothing() {
    let gateway = Gateway::start(&serving(vec![builtin("time"), builtin("everything")])).await;
    let session = Session::open(gateway.address()).await;
    let call = json!({ "name": "everything_echo", "arguments": { "message": "hi" } });
    for (method, name) in [("tools/list", "time_convert_time"), ("no/such", "=?base64?%%?="), ("", "")] {
        let ask = session.ask(request(1, "tools/call", call.clone()));
        let ask = ask.with("mcp-method", method).with("mcp-name", name);
        assert_eq!(text_of(&ask.send(gateway.address()).await.answer().await), "Echo: hi", "{method} {name}");
    }
}

#[tokio::test]
async fn names_of_headers_count_in_any_case() {
    let gateway = Gateway::start(&serving(vec![builtin("everything")])).await;
    let address = gateway.address();
    let params = crate::client::enveloped(json!({ "name": "echo", "arguments": { "message": "hi" } }));
    let body = request(1, "tools/call", params).to_string();
    for spell in [str::to_uppercase, str::to_lowercase] {
        let headers = [
            ("Host", address.to_string()),
            ("Content-Type", "application/json".to_owned()),
            ("Accept", "application/json, text/event-stream".to_owned()),
            ("Content-Length", body.len().to_string()),
            ("Connection", "close".to_owned()),
            ("Mcp-Protocol-Version", format!("  {MODERN} ")),
            ("Mcp-Method", "tools/call\t".to_owned()),
            ("Mcp-Name", " echo ".to_owned()),
        ];
        let lines: String =
            headers.iter().map(|(name, value)| format!("{}:{value}\r\n", spell(name))).collect();
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let head = format!("POST /mcp HTTP/1.1\r\n{lines}\r\n{body}");
        stream.write_all(head.as_bytes()).await.expect("it is read");
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer)).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Echo: hi"), "{answer}");
    }
}
