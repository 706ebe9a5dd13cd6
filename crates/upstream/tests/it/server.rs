//! A scripted HTTP server on a socket of its own.

use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::{StreamExt as _, future};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// What a request looked like.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The method of the message; empty if it is none.
    pub(crate) fn rpc(&self) -> String {
        self.member("method").as_str().unwrap_or_default().to_owned()
    }

    /// The id of the message.
    pub(crate) fn id(&self) -> serde_json::Value {
        self.member("id")
    }

    fn member(&self, key: &str) -> serde_json::Value {
        let message: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        message[key].clone()
    }
}

/// A running server. It ends when this is dropped.
pub(crate) struct Server {
    pub(crate) url: Uri,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
    _task: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start<F>(handle: impl Fn(Seen) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let connections: Arc<Mutex<usize>> = Arc::default();
        let mut task = JoinSet::new();
        task.spawn(accept(listener, handle, Arc::clone(&seen), Arc::clone(&connections)));
        let url = format!("http://{address}/mcp").parse().expect("a URL");
        Self { url, seen, connections, _task: task }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic").clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().expect("no panic")
    }
}

async fn accept<F>(
    listener: TcpListener,
    handle: impl Fn(Seen) -> F + Clone + Send + Sync + 'static,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
) where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let mut open = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        *connections.lock().expect("no panic") += 1;
        let (handle, seen) = (handle.clone(), Arc::clone(&seen));
        let service = service_fn(move |request: Request<Incoming>| {
            let (handle, seen) = (handle.clone(), Arc::clone(&seen));
            async move {
                let request = read(request).await;
                seen.lock().expect("no panic").push(request.clone());
                Ok::<_, Infallible>(handle(request).await)
            }
        });
        open.spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service)
                .await;
        });
    }
}

async fn read(request: Request<Incoming>) -> Seen {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    Seen { method: head.method, path: head.uri.to_string(), headers: head.headers, body }
}

pub(crate) fn answer(status: u16, kind: &str, body: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(body.into()).map_err(|never: Infallible| match never {}).boxed_unsync();
    respond(status, kind, body)
}

pub(crate) fn json(body: impl Into<Bytes>) -> Response<Body> {
    answer(200, "application/json; charset=utf-8", body)
}

pub(crate) fn events(text: impl Into<Bytes>) -> Response<Body> {
    answer(200, "text/event-stream", text)
}

pub(crate) fn status(status: u16) -> Response<Body> {
    answer(status, "text/plain", Bytes::new())
}

/// A stream that breaks off after this text.
pub(crate) fn broken(text: &'static str) -> Response<Body> {
    let frames = [Ok(Frame::data(Bytes::from_static(text.as_bytes()))), Err(std::io::Error::other("broken"))];
    // The second frame must not overtake the first, so it takes a moment.
    let frames = futures::stream::iter(frames).then(|frame| async {
        if frame.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
        frame
    });
    respond(200, "text/event-stream", StreamBody::new(frames).boxed_unsync())
}

/// An answer that comes as white space, byte by byte, and never ends.
pub(crate) fn trickle() -> Response<Body> {
    respond(200, "application/json", endless(" "))
}

/// A stream of comments that never ends.
pub(crate) fn events_without_end() -> Response<Body> {
    respond(200, "text/event-stream", endless(": hello\n\n"))
}

fn endless(part: &'static str) -> Body {
    let frames = futures::stream::unfold((), move |()| async move {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        Some((Ok(Frame::data(Bytes::from_static(part.as_bytes()))), ()))
    });
    StreamBody::new(frames).boxed_unsync()
}

/// A stream that is written from elsewhere.
pub(crate) fn live(parts: UnboundedReceiver<String>) -> Response<Body> {
    let frames = parts.map(|part| Ok(Frame::data(Bytes::from(part))));
    respond(200, "text/event-stream", StreamBody::new(frames).boxed_unsync())
}

/// A stream for one connection at a time, and the way to write to it.
#[derive(Clone, Default)]
pub(crate) struct Channel(Arc<Mutex<Option<UnboundedSender<String>>>>);

impl Channel {
    pub(crate) fn open(&self, first: impl Into<String>) -> Response<Body> {
        let (sender, receiver) = unbounded();
        let _ = sender.unbounded_send(first.into());
        *self.0.lock().expect("no panic") = Some(sender);
        live(receiver)
    }

    pub(crate) fn say(&self, text: impl Into<String>) {
        if let Some(sender) = &*self.0.lock().expect("no panic") {
            let _ = sender.unbounded_send(text.into());
        }
    }

    /// Whether the other side still holds the connection.
    pub(crate) fn is_heard(&self) -> bool {
        self.0.lock().expect("no panic").as_ref().is_some_and(|sender| !sender.is_closed())
    }

    pub(crate) fn hang_up(&self) {
        *self.0.lock().expect("no panic") = None;
    }
}

pub(crate) fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

fn respond(status: u16, kind: &str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    response.headers_mut().insert("content-type", kind.parse().expect("a value"));
    response
}

/// A server that says the same to everyone.
pub(crate) async fn always(make: impl Fn() -> Response<Body> + Clone + Send + Sync + 'static) -> Server {
    Server::start(move |_| future::ready(make())).await
}
