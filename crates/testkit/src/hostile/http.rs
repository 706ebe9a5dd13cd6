//! The hostile server over Streamable HTTP.

use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use http::{HeaderValue, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::server::{QUEUE, Said, Server, say};
use super::tools::{self, Call, End};
use crate::fixture::random;
use crate::web::{self, Reply};

const SESSION: &str = "mcp-session-id";

/// Answers one HTTP request.
pub(crate) async fn answer(server: Arc<Server>, request: Request<Incoming>) -> Reply {
    let (parts, body) = request.into_parts();
    let session = web::header(&parts.headers, SESSION);
    let lost = !server.modern && session.is_some_and(|session| !server.knows(session));
    if lost {
        return web::empty(StatusCode::NOT_FOUND);
    }
    match parts.method {
        Method::POST => {
            let Ok(body) = web::read(body).await else { return web::empty(StatusCode::BAD_REQUEST) };
            post(server, &body).await
        }
        Method::GET if !server.modern => {
            let (voice, said) = mpsc::channel(QUEUE);
            server.open(voice, None);
            web::stream_events(framed(said))
        }
        Method::DELETE if !server.modern => {
            server.forget(session);
            web::empty(StatusCode::OK)
        }
        _ => web::empty(StatusCode::METHOD_NOT_ALLOWED),
    }
}

async fn post(server: Arc<Server>, body: &[u8]) -> Reply {
    let Ok(message) = serde_json::from_slice::<Value>(body) else {
        return web::empty(StatusCode::BAD_REQUEST);
    };
    let (Some(id), Some(method)) = (message.get("id").cloned(), message["method"].as_str()) else {
        return web::empty(StatusCode::ACCEPTED);
    };
    let params = message["params"].clone();
    match method {
        "tools/call" => call(server, id, params).await,
        "subscriptions/listen" if server.modern => {
            let (voice, said) = mpsc::channel(QUEUE);
            say(&voice, &Server::acknowledged(&id, &params)).await;
            server.open(voice, Some(id));
            web::stream_events(framed(said))
        }
        _ => {
            let mut answer = server.answer(method);
            answer["jsonrpc"] = json!("2.0");
            answer["id"] = id;
            // The one code that tells a prober that this is a legacy server.
            let unknown = answer.get("error").is_some();
            let mut reply = web::json(if unknown { StatusCode::NOT_FOUND } else { StatusCode::OK }, &answer);
            if method == "initialize" && !unknown {
                let session = random::name();
                server.add_session(&session);
                let value = HeaderValue::from_str(&session).expect("a session id is hexadecimal");
                reply.headers_mut().insert(SESSION, value);
            }
            reply
        }
    }
}

/// Calls a tool. It answers with a stream, or with `json: true` with a body of all that was said.
async fn call(server: Arc<Server>, id: Value, params: Value) -> Reply {
    if params["name"] == "status" {
        let code = params["arguments"]["code"].as_u64().and_then(|code| u16::try_from(code).ok());
        let code = code.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::BAD_GATEWAY);
        return web::bytes(code, Bytes::from_static(b"out of order\n"));
    }
    let json = params["arguments"]["json"] == true;
    let (voice, said) = mpsc::channel(QUEUE);
    let call = Call { server, id, params, voice };
    let running = tokio::spawn(tools::run(call));
    if !json {
        return web::stream_events(framed(said));
    }
    let body = whole(said).await;
    let mut reply = web::stream(futures::stream::iter([body.clone()]));
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // A length that is never reached has hyper cut the connection.
    let promised = body.len() + if running.await.is_ok_and(|end| end == End::HangUp) { 1000 } else { 0 };
    reply.headers_mut().insert(header::CONTENT_LENGTH, promised.into());
    reply
}

/// Everything that is said until the end, as a client without streams gets it.
async fn whole(mut said: mpsc::Receiver<Said>) -> Bytes {
    let mut messages = Vec::new();
    while let Some(said) = said.recv().await {
        match said {
            Said::Message(text) => messages.push(text),
            Said::Raw(bytes) => messages.push(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
    match messages.as_slice() {
        [only] => only.clone().into(),
        _ => format!("[{}]", messages.join(",")).into(),
    }
}

/// Messages as events.
fn framed(said: mpsc::Receiver<Said>) -> impl Stream<Item = Bytes> + Send {
    futures::stream::unfold(said, |mut said| async move {
        let bytes = match said.recv().await? {
            Said::Message(text) => format!("event: message\ndata: {text}\n\n").into(),
            Said::Raw(bytes) => bytes,
        };
        Some((bytes, said))
    })
}
