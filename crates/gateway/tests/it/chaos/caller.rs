//! Requests over HTTP/1 and HTTP/2 whose every outcome is a value: nothing here panics because a peer misbehaves.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};

use crate::client::Ask;

/// Why there is no whole response.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// There was no connection, or it broke.
    Cut(String),
    /// It is no HTTP, or no JSON, or has no end.
    Garbled(String),
}

/// A response that was read to its end.
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) session: String,
    /// The last message, which is the answer; null if there was none.
    pub(crate) last: Value,
}

/// How a client talks to the gateway.
pub(crate) struct Caller {
    to: SocketAddr,
    /// The connection that all its requests share, once there is one; a client of HTTP/1 opens one for each.
    shared: Option<Mutex<Option<http2::SendRequest<Full<Bytes>>>>>,
}

impl Caller {
    pub(crate) fn http1(to: SocketAddr) -> Self {
        Self { to, shared: None }
    }

    pub(crate) fn http2(to: SocketAddr) -> Self {
        Self { to, shared: Some(Mutex::default()) }
    }

    /// Sends a request and reads its response to the end.
    pub(crate) async fn exchange(&self, ask: Ask) -> Result<Heard, Trouble> {
        // Nobody wants what comes before the answer.
        let (on, _) = mpsc::unbounded_channel();
        self.converse(ask, on).await
    }

    /// The same, and hands over each message of a stream as it comes.
    pub(crate) async fn converse(
        &self,
        ask: Ask,
        on: mpsc::UnboundedSender<Value>,
    ) -> Result<Heard, Trouble> {
        let (response, _open) = self.begin(ask).await?;
        let (head, body) = response.into_parts();
        let header = |name: &str| {
            head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let last = match header("content-type").as_str() {
            "text/event-stream" => events(body, &on).await?,
            _ => whole(body).await?,
        };
        Ok(Heard { status: head.status.as_u16(), session: header("mcp-session-id"), last })
    }

    /// Sends a request and waits for the head of its response.
    pub(crate) async fn begin(&self, ask: Ask) -> Result<(Response<Incoming>, Open), Trouble> {
        match &self.shared {
            None => self.begin1(ask).await,
            Some(shared) => self.begin2(shared, ask).await,
        }
    }

    async fn begin1(&self, ask: Ask) -> Result<(Response<Incoming>, Open), Trouble> {
        let (mut sender, connection) = http1::handshake(self.connect().await?).await.map_err(cut)?;
        let open = Open::keep(connection);
        let response = sender.send_request(ask.into_request(self.to)).await.map_err(cut)?;
        Ok((response, open))
    }

    async fn begin2(
        &self,
        shared: &Mutex<Option<http2::SendRequest<Full<Bytes>>>>,
        ask: Ask,
    ) -> Result<(Response<Incoming>, Open), Trouble> {
        let mut sender = {
            let mut shared = shared.lock().await;
            match &*shared {
                Some(open) if !open.is_closed() => open.clone(),
                _ => {
                    let io = self.connect().await?;
                    let (sender, connection) =
                        http2::handshake(TokioExecutor::new(), io).await.map_err(cut)?;
                    // It ends with its last sender.
                    tokio::spawn(connection);
                    shared.insert(sender).clone()
                }
            }
        };
        let response = sender.send_request(self.absolute(ask)).await.map_err(cut)?;
        Ok((response, Open(None)))
    }

    /// HTTP/2 has the host in its URI.
    fn absolute(&self, ask: Ask) -> Request<Full<Bytes>> {
        let mut request = ask.into_request(self.to);
        request.headers_mut().remove("host");
        let uri = format!("http://{}{}", self.to, request.uri());
        *request.uri_mut() = uri.parse().expect("a URI");
        *request.version_mut() = hyper::Version::HTTP_2;
        request
    }

    async fn connect(&self) -> Result<TokioIo<TcpStream>, Trouble> {
        TcpStream::connect(self.to).await.map(TokioIo::new).map_err(cut)
    }
}

fn cut(error: impl std::error::Error) -> Trouble {
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    Trouble::Cut(format!("{error} {source}"))
}

/// A connection of one request, closed when it is dropped.
pub(crate) struct Open(Option<tokio::task::AbortHandle>);

impl Open {
    fn keep(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) -> Self {
        // What goes wrong is seen where the response is read.
        Self(Some(tokio::spawn(connection).abort_handle()))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.abort();
        }
    }
}

/// A body that is one message, or none.
async fn whole(body: Incoming) -> Result<Value, Trouble> {
    let bytes = body.collect().await.map_err(cut)?.to_bytes();
    match bytes.is_empty() {
        true => Ok(Value::Null),
        false => serde_json::from_slice(&bytes).map_err(|error| garbled(&error, &bytes)),
    }
}

/// A stream of messages: the last response on it.
async fn events(mut body: Incoming, on: &mpsc::UnboundedSender<Value>) -> Result<Value, Trouble> {
    let mut buffer: Vec<u8> = Vec::new();
    let mut answer = Value::Null;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(cut)?;
        let mut searched = buffer.len().saturating_sub(1);
        buffer.extend_from_slice(frame.data_ref().map(|data| &data[..]).unwrap_or_default());
        while let Some(end) = buffer[searched..].windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = buffer.drain(..searched + end + 2).collect();
            searched = 0;
            let Some(message) = message(&event)? else { continue };
            if message.get("method").is_none() {
                answer = message.clone();
            }
            // Most callers do not listen.
            let _ = on.send(message);
        }
    }
    Ok(answer)
}

/// The message of an event, if it has one.
fn message(event: &[u8]) -> Result<Option<Value>, Trouble> {
    let data = event.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data:"));
    match data.map(<[u8]>::trim_ascii).filter(|data| !data.is_empty()) {
        Some(data) => serde_json::from_slice(data).map(Some).map_err(|error| garbled(&error, data)),
        None => Ok(None),
    }
}

fn garbled(error: &serde_json::Error, bytes: &[u8]) -> Trouble {
    let beginning: String = String::from_utf8_lossy(bytes).chars().take(200).collect();
    Trouble::Garbled(format!("{error} in {beginning:?}"))
}
