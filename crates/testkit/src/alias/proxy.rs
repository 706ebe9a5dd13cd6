//! The reverse proxy: requests in, replies out, events one by one.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::Stream;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::names::Names;
use super::rewrite;
use crate::fixture::is_loopback;
use crate::web::{self, Reply};

/// Headers that concern one connection or are computed anew.
const DROPPED: &[HeaderName] =
    &[header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::UPGRADE];

/// A shim in front of one gateway.
pub(super) struct Proxy {
    gateway: Uri,
    authority: Authority,
    names: Arc<Names>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Proxy {
    pub(super) fn new(url: &str, names: Names) -> Option<Self> {
        let gateway: Uri = url.parse().ok()?;
        let authority = gateway.authority()?.clone();
        let client = Client::builder(TokioExecutor::new()).build_http();
        Some(Self { gateway, authority, names: Arc::new(names), client })
    }

    /// Forwards one request and streams back what comes.
    pub(super) async fn forward(&self, request: Request<Incoming>) -> Reply {
        let (parts, body) = request.into_parts();
        let Ok(body) = web::read(body).await else { return web::empty(StatusCode::BAD_REQUEST) };
        let mut headers = parts.headers;
        let body = self.inbound(&mut headers, body);
        self.present(&mut headers);
        let mut outgoing = Request::new(Full::new(body));
        *outgoing.method_mut() = parts.method;
        *outgoing.uri_mut() = self.gateway.clone();
        *outgoing.headers_mut() = headers;
        match self.client.request(outgoing).await {
            Ok(response) => self.outbound(response).await,
            Err(_) => web::empty(StatusCode::BAD_GATEWAY),
        }
    }

    /// Rewrites the body and `Mcp-Name`; what is not JSON goes as it came.
    fn inbound(&self, headers: &mut HeaderMap, body: Bytes) -> Bytes {
        let Ok(mut message) = serde_json::from_slice::<Value>(&body) else { return body };
        let method = message["method"].as_str().unwrap_or_default();
        if let Some(named) = rewrite::named(method)
            && let Some(name) = headers.get("mcp-name").and_then(decode)
        {
            headers.insert("mcp-name", encode(&self.names.to_server(&name, named)));
        }
        self.names.inbound(&mut message);
        Bytes::from(message.to_string())
    }

    /// Presents the request as one for the gateway, but leaves a foreign Host
    /// or Origin alone: to refuse it is the gateway's business.
    fn present(&self, headers: &mut HeaderMap) {
        for name in DROPPED {
            headers.remove(name);
        }
        let authority = self.authority.as_str();
        let ours = |value: &str| HeaderValue::from_str(value).expect("an authority is ASCII");
        if web::header(headers, "host").is_none_or(is_loopback) {
            headers.insert(header::HOST, ours(authority));
        }
        let origin = web::header(headers, "origin").and_then(|origin| origin.split_once("://"));
        if let Some((scheme, _)) = origin.filter(|(_, host)| is_loopback(host)) {
            let value = ours(&format!("{scheme}://{authority}"));
            headers.insert(header::ORIGIN, value);
        }
    }

    async fn outbound(&self, response: http::Response<Incoming>) -> Reply {
        let (parts, body) = response.into_parts();
        let streams = web::names_media(&parts.headers, header::CONTENT_TYPE, "text/event-stream");
        let mut reply = if streams {
            web::stream(events(self.names.clone(), body))
        } else {
            let Ok(body) = web::read(body).await else { return web::empty(StatusCode::BAD_GATEWAY) };
            web::bytes(StatusCode::OK, rewritten(&self.names, &body).unwrap_or(body))
        };
        *reply.status_mut() = parts.status;
        *reply.headers_mut() = parts.headers;
        for name in DROPPED {
            reply.headers_mut().remove(name);
        }
        reply
    }
}

/// A stream of events, each rewritten as soon as it is whole.
struct Events {
    names: Arc<Names>,
    body: Incoming,
    buffer: Vec<u8>,
}

fn events(names: Arc<Names>, body: Incoming) -> impl Stream<Item = Bytes> + Send {
    let events = Events { names, body, buffer: Vec::new() };
    futures::stream::unfold(events, |mut events| async move {
        let chunk = events.next().await?;
        Some((chunk, events))
    })
}

impl Events {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(end) = event_end(&self.buffer) {
                let event: Vec<u8> = self.buffer.drain(..end).collect();
                return Some(Bytes::from(self.rewrite(&event)));
            }
            // A broken stream ends like any other; half an event is no event.
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                self.buffer.extend_from_slice(&data);
            }
        }
    }

    /// Replaces the data lines by one that holds the rewritten message.
    fn rewrite(&self, event: &[u8]) -> String {
        let event = String::from_utf8_lossy(event);
        let data: Vec<&str> = event.lines().filter_map(data_of).collect();
        let Some(message) = rewritten(&self.names, data.join("\n").as_bytes()) else {
            return event.into_owned();
        };
        let others = event.lines().filter(|line| !line.is_empty() && data_of(line).is_none());
        let mut lines: Vec<String> = others.map(str::to_owned).collect();
        lines.push(format!("data: {}", String::from_utf8_lossy(&message)));
        format!("{}\n\n", lines.join("\n"))
    }
}

fn data_of(line: &str) -> Option<&str> {
    let data = line.strip_prefix("data:")?;
    Some(data.strip_prefix(' ').unwrap_or(data))
}

/// Where the first event ends, its blank line included.
fn event_end(buffer: &[u8]) -> Option<usize> {
    let ends: [&[u8]; 2] = [b"\n\n", b"\r\n\r\n"];
    let find =
        |end: &&[u8]| buffer.windows(end.len()).position(|window| window == *end).map(|at| at + end.len());
    ends.iter().filter_map(find).min()
}

fn rewritten(names: &Names, json: &[u8]) -> Option<Bytes> {
    let mut message: Value = serde_json::from_slice(json).ok()?;
    names.outbound(&mut message);
    Some(Bytes::from(message.to_string()))
}

/// Reads a header value, undoing the `=?base64?…?=` wrapping; one that cannot
/// be undone is left as it is, for the gateway to refuse.
fn decode(value: &HeaderValue) -> Option<String> {
    let value = value.to_str().ok()?.trim();
    let wrapped = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    match wrapped {
        None => Some(value.to_owned()),
        Some(wrapped) => String::from_utf8(STANDARD.decode(wrapped).ok()?).ok(),
    }
}

/// Writes a header value, wrapped only where it must be.
fn encode(value: &str) -> HeaderValue {
    let plain = value.bytes().all(|byte| matches!(byte, b' '..=b'~')) && value.trim() == value;
    let text = match plain {
        true => value.to_owned(),
        false => format!("=?base64?{}?=", STANDARD.encode(value)),
    };
    HeaderValue::from_str(&text).expect("visible ASCII makes a header")
}
