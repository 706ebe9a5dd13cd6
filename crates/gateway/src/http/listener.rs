//! The sockets of the gateway, and the connections on them.
//!
//! First every socket is opened ([`Bound`]), so that a port that is taken is an error while nothing is served
//! yet, and port 0 has become a number. Then each is served ([`Bound::serve`]): a loop that accepts, and owns
//! one task for each connection. It ends when its [`Guard`] says so and the last connection has ended.

mod accept;
mod away;
mod connection;
mod paced;
mod terms;
mod unread;

use std::any::Any;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, io};

use futures::future::BoxFuture;
use http::request::Parts;
use http::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::body::{Body, Incoming};
use super::counts::Reason;
use super::drain::Guard;
use super::tls::Tls;
use crate::workers::Workers;
use accept::{Accepted, Acceptor, Seldom};
use away::{TOLD_AT_ONCE, send_away};
use terms::Permit;

pub use terms::{PerConnection, Permits, Terms};

/// What answers requests.
///
/// A function from a request and its connection to a future of the response is one.
pub trait Handler: Send + Sync + 'static {
    /// Answers a request. The future is dropped when the client goes away before there is an answer. A panic
    /// in it becomes a 500.
    ///
    /// The head says everything but the length of the body, which the body knows. It may be that of earlier requests on the
    /// connection as well, which said the same.
    fn handle<'a>(
        &'a self,
        head: Arc<Parts>,
        body: Incoming,
        from: &'a Arc<ConnInfo>,
    ) -> BoxFuture<'a, Response<Body>>;
}

impl<F, R> Handler for F
where
    F: Fn(Request<Incoming>, Arc<ConnInfo>) -> R + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    fn handle<'a>(
        &'a self,
        head: Arc<Parts>,
        body: Incoming,
        from: &'a Arc<ConnInfo>,
    ) -> BoxFuture<'a, Response<Body>> {
        Box::pin(self(Request::from_parts(Arc::unwrap_or_clone(head), body), from.clone()))
    }
}

/// The connection that a request came over.
#[derive(Debug)]
pub struct ConnInfo {
    /// The address of the client, or of the last proxy before us.
    pub peer: SocketAddr,
    /// The address that it connected to.
    pub local: SocketAddr,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Cancelled when the port is about to close: streams without an end of their own have to end then. The
    /// connection itself is counted, so nobody needs to hold a guard for a request on it.
    pub finishing: CancellationToken,
    /// What the handler found out about the heads that came last.
    pub notes: Notes,
}

/// Where a handler puts what it will need again if another request on a connection says the same: there is room for the last
/// four.
#[derive(Default)]
pub struct Notes(Mutex<[Option<Arc<dyn Any + Send + Sync>>; 4]>);

impl Notes {
    /// The one that is wanted, if it is still here.
    pub fn find<T: Any + Send + Sync>(&self, wanted: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let mut notes = self.notes();
        let is_wanted = |note: &Arc<dyn Any + Send + Sync>| note.downcast_ref().is_some_and(&wanted);
        let at = notes.iter().position(|note| note.as_ref().is_some_and(is_wanted))?;
        notes[..=at].rotate_right(1);
        let found = notes[0].clone();
        drop(notes);
        found.and_then(|note| note.downcast().ok())
    }

    /// Puts something here instead of what was wanted last the longest ago.
    pub fn put<T: Any + Send + Sync>(&self, note: Arc<T>) {
        let mut notes = self.notes();
        notes.rotate_right(1);
        let pushed_out = notes[0].replace(note);
        drop(notes);
        drop(pushed_out);
    }

    fn notes(&self) -> MutexGuard<'_, [Option<Arc<dyn Any + Send + Sync>>; 4]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notes")
    }
}

/// What is served on a socket.
pub struct Service {
    /// What answers the requests.
    pub handler: Arc<dyn Handler>,
    /// The certificates, if the connections are encrypted.
    pub tls: Option<Tls>,
    /// What limits the connections. Sockets that share it share the limit.
    pub terms: Terms,
    /// Where the connections are served.
    pub workers: Workers,
}

/// An open socket that is not served yet. Clients can connect already; they wait.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    local: SocketAddr,
}

/// A socket could not be opened. The text says what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {}", remedy(*address, source))]
pub struct BindError {
    /// The address that was asked for.
    pub address: SocketAddr,
    source: io::Error,
}

impl Bound {
    /// Opens a socket. Port 0 lets the system choose a port; [`Bound::local_addr`] says which.
    pub async fn open(address: SocketAddr) -> Result<Self, BindError> {
        let open = async {
            let listener = TcpListener::bind(address).await?;
            let local = listener.local_addr()?;
            Ok(Self { listener, local })
        };
        open.await.map_err(|source| BindError { address, source })
    }

    /// Opens several sockets, or none: the first that fails closes the others.
    pub async fn open_all(addresses: &[SocketAddr]) -> Result<Vec<Self>, BindError> {
        let mut all = Vec::with_capacity(addresses.len());
        for address in addresses {
            all.push(Self::open(*address).await?);
        }
        Ok(all)
    }

    /// The address of the socket, with the port that it really has.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves the socket until it is time to finish; then closes it, and returns when the last connection has
    /// ended.
    ///
    /// Dropping the future closes the socket and every connection.
    pub async fn serve(self, service: Service, running: Guard) {
        let mut acceptor = Acceptor::new(self.listener);
        let mut port = Port {
            service: Arc::new(service),
            running,
            connections: JoinSet::new(),
            told: Permits::new(TOLD_AT_ONCE),
            full: Seldom::default(),
        };
        let running = port.running.clone();
        loop {
            tokio::select! {
                biased;
                () = running.finishing() => break,
                Some(ended) = port.connections.join_next() => report(ended),
                accepted = acceptor.next() => port.take(accepted),
            }
        }
        // Closed first: a client that connects now is refused and can go elsewhere, instead of waiting for
        // nothing. Who is connected already is served.
        acceptor.close().into_iter().for_each(|accepted| port.take(accepted));
        while let Some(ended) = port.connections.join_next().await {
            report(ended);
        }
    }
}

/// A socket that is served, and its connections.
struct Port {
    service: Arc<Service>,
    running: Guard,
    connections: JoinSet<()>,
    /// Who may be told that there is no room.
    told: Permits,
    /// When that was logged.
    full: Seldom,
}

impl Port {
    /// Begins to serve a connection, or sends its client away: one that waits in the queue of the system would not know what
    /// it waits for, and a load balancer that hears no asks another replica.
    fn take(&mut self, accepted: Accepted) {
        let Terms { permits, counts, .. } = &self.service.terms;
        counts.accept();
        match permits.take() {
            Some(permit) => {
                let (service, running) = (Arc::clone(&self.service), self.running.clone());
                let place = service.workers.place();
                let runtime = place.runtime();
                let connection = async move {
                    let _place = place;
                    connect(accepted, permit, service, running).await;
                };
                self.connections.spawn_on(connection, &runtime);
            }
            None => {
                counts.refuse(Reason::Connections);
                if self.full.is_due() {
                    let most = permits.most();
                    tracing::warn!(
                        "there are {most} connections, the limit; more are refused until others end"
                    );
                }
                // Encrypted, they could not read it.
                if let Some(told) = self.told.take().filter(|_| self.service.tls.is_none()) {
                    self.connections.spawn(async move {
                        send_away(accepted.stream).await;
                        drop(told);
                    });
                }
            }
        }
    }
}

/// The life of one connection, which holds its permit to the end.
async fn connect(accepted: Accepted, _permit: Permit, service: Arc<Service>, running: Guard) {
    let Accepted { stream, peer } = accepted;
    let prepared = TcpStream::from_std(stream).and_then(|stream| {
        // Without this, a small answer waits for the acknowledgement of the one before it.
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        Ok((stream, local))
    });
    let (stream, local) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return tracing::debug!(%peer, %error, "the connection was gone before it was served"),
    };
    let info = ConnInfo {
        peer,
        local,
        tls: service.tls.is_some(),
        finishing: running.finish_token().child_token(),
        notes: Notes::default(),
    };
    let (handler, terms) = (Arc::clone(&service.handler), service.terms.clone());
    let from = connection::From { info: Arc::new(info), handler, terms };
    match &service.tls {
        None => connection::serve(stream, from, running).await,
        // Elsewhere, so that connections without it are small.
        Some(tls) => Box::pin(encrypt(tls, stream, from, running)).await,
    }
}

/// The life of a connection that is encrypted.
async fn encrypt(tls: &Tls, stream: TcpStream, from: connection::From, running: Guard) {
    let peer = from.info.peer;
    let encrypted = tokio::select! {
        encrypted = tls.accept(stream) => encrypted,
        () = connection::lingered(&running) => return,
    };
    match encrypted {
        Ok(stream) => connection::serve(stream, from, running).await,
        Err(error) => tracing::debug!(%peer, %error, "no TLS connection"),
    }
}

/// A connection's task ends without a result, unless a body that was being sent panicked. The client has seen
/// the connection break; this is for the operator.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection failed; please report this");
    }
}

/// What went wrong, and what the operator can do.
fn remedy(address: SocketAddr, error: &io::Error) -> String {
    let port = address.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program uses the port (maybe another gateway); stop it, or choose another port \
             (`ss -ltnp 'sport = :{port}'` on Linux or `lsof -i :{port}` on macOS shows which it is)"
        ),
        io::ErrorKind::PermissionDenied => {
            format!(
                "this user may not use port {port}; choose a port from 1024 on, or grant CAP_NET_BIND_SERVICE"
            )
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address; choose one that it has, or `0.0.0.0` for all".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
