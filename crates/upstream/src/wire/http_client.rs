//! The HTTP client for targets.
//!
//! It does what it is told and nothing clever: no redirects (they would carry credentials elsewhere), no proxies
//! from the environment, no cookies, no headers of its own.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;

use http::{HeaderMap, StatusCode, Uri};
use http1::client::{Head, Lost, Request};

use crate::spread::{Lender, Lent};
use crate::{Error, ErrorKind};

use body::Body;
use connect::Connector;
use pool::{Pool, Pooled};

pub(crate) mod body;
mod connect;
pub(crate) mod events;
mod pool;

/// A client with its connections. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct HttpClient {
    connector: Arc<Connector>,
    pool: Arc<Lender<Pool>>,
}

impl HttpClient {
    /// A client that trusts what the system trusts.
    pub fn new() -> Self {
        Self { connector: Arc::new(Connector::new()), pool: Arc::default() }
    }

    /// Sends one request to where the URL leads, and waits for the head of its response. Dropping it in the middle closes the connection.
    pub(crate) async fn send(&self, url: &Uri, request: Request) -> Result<Response, Error> {
        let pool = self.pool.lend();
        while let Some(mut pooled) = pool.take(url) {
            match pooled.connection.exchange(&request).await {
                Ok(head) => return Ok(response(pooled, head, pool)),
                Err(Lost { sent: true, error }) => return Err(lost(url, &error)),
                // The server closed it a moment ago, and has seen nothing of the request.
                Err(Lost { sent: false, .. }) => {}
            }
        }
        let stream = Box::pin(self.connector.open(url)).await.map_err(|error| no_connection(url, &*error))?;
        let mut pooled = Pooled::new(stream, url);
        match pooled.connection.exchange(&request).await {
            Ok(head) => Ok(response(pooled, head, pool)),
            Err(Lost { sent: true, error }) => Err(lost(url, &error)),
            Err(Lost { sent: false, error }) => Err(no_connection(url, &error)),
        }
    }
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

fn response(pooled: Pooled, Head { status, headers, .. }: Head, pool: Lent<Pool>) -> Response {
    Response { status, headers, body: Body::new(pooled, pool) }
}

/// An answer, of which the body is still to be read.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    /// But for the length of the body.
    pub(crate) headers: Arc<HeaderMap>,
    pub(crate) body: Body,
}

/// The URL without what may be secret: credentials, the query, and a path that is none of the usual ones, because many hosted
/// servers take a token there.
pub(crate) fn shown(url: &Uri) -> String {
    let host = url.host().unwrap_or_default();
    let port = url.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    let path = match url.path() {
        plain @ ("/" | "/mcp" | "/sse") => plain,
        _ => "/…",
    };
    format!("{}://{host}{port}{path}", url.scheme_str().unwrap_or("http"))
}

/// Nothing was sent.
fn no_connection(url: &Uri, error: &(dyn StdError + 'static)) -> Error {
    Error::new(ErrorKind::Unreachable, format!("cannot connect to {}: {}", shown(url), plain(error)))
}

/// Something was sent, and nobody knows what came of it.
fn lost(url: &Uri, error: &io::Error) -> Error {
    Error::new(ErrorKind::Closed, format!("the connection to {} was lost: {}", shown(url), plain(error)))
}

/// The cause in plain words: the innermost error of the chain, which is the only one that says something.
pub(crate) fn plain(error: &(dyn StdError + 'static)) -> String {
    let chain: Vec<&(dyn StdError + 'static)> =
        std::iter::successors(Some(error), |error| inner(*error)).collect();
    if chain.iter().any(|error| error.to_string() == "dns error") {
        return "the host name cannot be resolved".into();
    }
    let kind = chain.iter().find_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
    match kind {
        Some(io::ErrorKind::ConnectionRefused) => "connection refused".into(),
        Some(io::ErrorKind::ConnectionReset) => "connection reset by the peer".into(),
        Some(io::ErrorKind::TimedOut) => "no answer in time".into(),
        Some(io::ErrorKind::HostUnreachable) => "no route to the host".into(),
        Some(io::ErrorKind::NetworkUnreachable) => "no route to the network".into(),
        _ => chain.last().map(ToString::to_string).unwrap_or_default(),
    }
}

/// The next error of a chain. An [`io::Error`] that wraps another one skips it in its `source`.
fn inner<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests;
