//! What stands between the gateway and an HTTP target, and makes the network bad.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of connections at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// Bytes pass.
    Fair,
    /// Connections stay open and nothing passes, in either direction.
    Silent,
    /// Every request is refused with 503.
    Busy,
}

#[derive(Debug, Clone, Copy)]
struct State {
    mood: Mood,
    /// Raised to reset all connections.
    cuts: u64,
    /// Raised to forget all connections: nothing ever passes on them again, and nobody is told.
    lost: u64,
}

/// A proxy in front of a port of this machine.
pub(super) struct Proxy {
    pub(super) port: u16,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(super) async fn before(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (state, seen) = watch::channel(State { mood: Mood::Fair, cuts: 0, lost: 0 });
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, (Ipv4Addr::LOCALHOST, target).into(), seen.clone()));
            }
        });
        Self { port, state, accepting }
    }

    /// Nothing passes from now on.
    pub(super) fn fall_silent(&self) {
        self.state.send_modify(|state| state.mood = Mood::Silent);
    }

    /// Every request is refused from now on.
    pub(super) fn be_busy(&self) {
        self.state.send_modify(|state| state.mood = Mood::Busy);
        // Connections that are open speak to the target.
        self.cut();
    }

    /// Bytes pass again over new connections. Those that were there are reset, as after a silence nobody knows them.
    pub(super) fn mend(&self) {
        self.cut();
        self.state.send_modify(|state| state.mood = Mood::Fair);
    }

    /// Forgets every connection, as a firewall does: only new ones work.
    pub(super) fn lose(&self) {
        self.state.send_modify(|state| {
            state.lost += 1;
            state.mood = Mood::Fair;
        });
    }

    /// Resets every connection.
    pub(super) fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut client: TcpStream, target: SocketAddr, mut state: watch::Receiver<State>) {
    let State { mood, cuts, lost } = *state.borrow_and_update();
    if mood == Mood::Busy {
        // A connection that was kept would be busy for ever.
        let busy = hyper::server::conn::http1::Builder::new()
            .keep_alive(false)
            .serve_connection(TokioIo::new(client), service_fn(refuse));
        // Whoever goes away has its answer.
        let _ = busy.await;
        return;
    }
    let Ok(mut target) = TcpStream::connect(target).await else { return reset(&client) };
    let (client_in, client_out) = client.split();
    let (target_in, target_out) = target.split();
    let broke = tokio::select! {
        () = pump(client_in, target_out, state.clone(), lost) => false,
        () = pump(target_in, client_out, state.clone(), lost) => false,
        _ = state.wait_for(|state| state.cuts != cuts) => true,
    };
    if broke {
        reset(&client);
        reset(&target);
    }
}

/// Closing it sends RST instead of FIN.
fn reset(stream: &TcpStream) {
    // A connection that is gone already needs none.
    let _ = stream.set_zero_linger();
}

async fn refuse(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // Reading it first lets the refusal arrive.
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::new(Bytes::from_static(b"upstream connect error\n")));
    *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
    Ok(response)
}

/// Carries bytes in one direction, on a connection that was opened after so many losses.
async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut state: watch::Receiver<State>, lost: u64) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
        if state.wait_for(|state| state.mood != Mood::Silent && state.lost == lost).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
