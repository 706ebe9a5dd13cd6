//! A small hyper server: accept loop, bodies, and the handle that stops it.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

/// What a handler answers with.
pub(crate) type Reply = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// A server running in this process; dropping it closes the listener and
/// every open connection.
#[derive(Debug)]
pub struct Served {
    /// The MCP endpoint, `http://127.0.0.1:PORT/mcp`.
    pub url: String,
    /// The address listened on.
    pub addr: SocketAddr,
    stop: DropGuard,
}

impl Served {
    /// Stops the server now, as dropping it does.
    pub fn stop(self) {
        drop(self.stop);
    }
}

/// Serves `handler` on a loopback port (0 picks a free one).
pub(crate) async fn listen<H, F>(port: u16, handler: H) -> io::Result<Served>
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let addr = listener.local_addr()?;
    let stop = CancellationToken::new();
    tokio::spawn(accept(listener, handler, stop.clone()));
    Ok(Served { url: format!("http://{addr}/mcp"), addr, stop: stop.drop_guard() })
}

/// Reads a whole request body.
pub(crate) async fn read(body: Incoming) -> Result<Bytes, hyper::Error> {
    Ok(body.collect().await?.to_bytes())
}

/// A reply without a body.
pub(crate) fn empty(status: StatusCode) -> Reply {
    bytes(status, Bytes::new())
}

/// A reply with one JSON body.
pub(crate) fn json(status: StatusCode, value: &Value) -> Reply {
    let mut reply = bytes(status, Bytes::from(value.to_string()));
    content_type(&mut reply, "application/json");
    reply
}

/// A reply that streams server-sent events.
pub(crate) fn events(chunks: impl Stream<Item = String> + Send + 'static) -> Reply {
    use futures::StreamExt;
    stream_events(chunks.map(Bytes::from))
}

/// The same of bytes that are events already, or are meant to be none.
pub(crate) fn stream_events(chunks: impl Stream<Item = Bytes> + Send + 'static) -> Reply {
    let mut reply = stream(chunks);
    content_type(&mut reply, "text/event-stream");
    let no_transform = header::HeaderValue::from_static("no-cache, no-transform");
    reply.headers_mut().insert(header::CACHE_CONTROL, no_transform);
    reply.headers_mut().insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    reply
}

/// A reply that streams bytes.
pub(crate) fn stream(chunks: impl Stream<Item = Bytes> + Send + 'static) -> Reply {
    use futures::StreamExt;
    let frames = chunks.map(|chunk| Ok(Frame::data(chunk)));
    Response::new(StreamBody::new(frames).boxed_unsync())
}

/// A reply with these bytes.
pub(crate) fn bytes(status: StatusCode, body: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body).boxed_unsync());
    *reply.status_mut() = status;
    reply
}

/// A header's value, if it is present once or more and readable.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether a media type is named in a comma-separated `Accept` or `Content-Type`.
pub(crate) fn names_media(headers: &HeaderMap, name: header::HeaderName, wanted: &str) -> bool {
    let family = wanted.split('/').next().map(|family| format!("{family}/*"));
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .map(|range| range.trim().to_ascii_lowercase())
        .any(|range| range == wanted || range == "*/*" || Some(&range) == family.as_ref())
}

fn content_type(reply: &mut Reply, value: &'static str) {
    let value = header::HeaderValue::from_static(value);
    reply.headers_mut().insert(header::CONTENT_TYPE, value);
}

async fn accept<H, F>(listener: TcpListener, handler: H, stop: CancellationToken)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        // A failed accept concerns one connection; the next may work.
        let Ok((stream, _)) = accepted else { continue };
        let (handler, stop) = (handler.clone(), stop.clone());
        tokio::spawn(async move { stop.run_until_cancelled(connection(stream, handler)).await });
    }
}

async fn connection<H, F>(stream: TcpStream, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let reply = handler(request);
        async move { Ok::<_, Infallible>(reply.await) }
    });
    // An error here means the client went away; there is nobody to tell.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}
