//! The client against scripted servers on sockets of their own.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::Method;
use http1::client::Opening;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::connect::speaking;
use super::*;

mod keeping;
mod sending;
mod tls;

#[test]
fn urls_are_shown_without_secrets() {
    let url = Uri::from_static("https://user:secret@example.com:8443/mcp?key=secret");
    assert_eq!(shown(&url), "https://example.com:8443/mcp");
    assert_eq!(shown(&Uri::from_static("http://[::1]/")), "http://[::1]/");
}

#[test]
fn causes_are_plain() {
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    assert_eq!(plain(&io::Error::other(refused)), "connection refused");
    assert_eq!(plain(&rustls::Error::General("no".into())), "unexpected error: no");
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server that serves each connection with a script. It ends when this is dropped.
struct Server {
    url: Uri,
    counts: Arc<Counts>,
    _task: JoinSet<()>,
}

#[derive(Default)]
struct Counts {
    opened: AtomicUsize,
    closed: AtomicUsize,
    requests: AtomicUsize,
}

/// Our side of a connection, as a server sees it.
struct Peer {
    socket: TcpStream,
    counts: Arc<Counts>,
    /// Which connection this is, from 1.
    nth: usize,
}

impl Server {
    async fn start<F>(serve: impl Fn(Peer) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("bound")).parse().expect("a URL");
        let counts = Arc::<Counts>::default();
        let counted = Arc::clone(&counts);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let nth = counted.opened.fetch_add(1, Ordering::Relaxed) + 1;
                let served = serve(Peer { socket, counts: Arc::clone(&counted), nth });
                let counted = Arc::clone(&counted);
                open.spawn(async move {
                    served.await;
                    counted.closed.fetch_add(1, Ordering::Relaxed);
                });
            }
        });
        Self { url, counts, _task: task }
    }

    /// A server that says the same to every request.
    async fn always(answer: &'static str) -> Self {
        Self::start(move |mut peer| async move {
            while peer.hear().await.is_some() {
                peer.say(answer).await;
            }
        })
        .await
    }

    fn opened(&self) -> usize {
        self.counts.opened.load(Ordering::Relaxed)
    }

    fn requests(&self) -> usize {
        self.counts.requests.load(Ordering::Relaxed)
    }

    /// Waits until so many connections are closed.
    async fn closed(&self, connections: usize) {
        while self.counts.closed.load(Ordering::Relaxed) < connections {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}

impl Peer {
    /// The body of the next request; nothing if there is none.
    async fn hear(&mut self) -> Option<String> {
        let mut heard = Vec::new();
        loop {
            let mut byte = [0];
            if self.socket.read(&mut byte).await.ok()? == 0 {
                return None;
            }
            heard.push(byte[0]);
            if heard.ends_with(b"\r\n\r\n") {
                break;
            }
        }
        let head = String::from_utf8(heard).expect("text");
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a number"))];
        self.socket.read_exact(&mut body).await.ok()?;
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        Some(String::from_utf8(body).expect("text"))
    }

    async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.socket.write_all(bytes.as_ref()).await;
    }

    /// Waits until the other side is gone.
    async fn is_left(&mut self) {
        let mut rest = [0; 1024];
        while self.socket.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    }
}

/// The answer to a message that is POSTed.
async fn post(client: &HttpClient, url: &Uri, body: impl Into<Bytes>) -> Result<Response, Error> {
    client.send(url, Opening::new(Method::POST, url, &HeaderMap::new()).request(body.into())).await
}

async fn ask(client: &HttpClient, url: &Uri, body: &'static str) -> Result<String, Error> {
    let response = post(client, url, body).await?;
    let body = body::collect(Bytes::new(), response.body, 1 << 20).await?;
    Ok(String::from_utf8(body.to_vec()).expect("text"))
}
