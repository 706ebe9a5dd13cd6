//! The HTTP client for targets.
//!
//! It does what it is told and nothing clever: no redirects (they would carry credentials elsewhere), no proxies
//! from the environment, no cookies, no headers of its own.

use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use crate::{Error, ErrorKind};

pub(crate) mod body;
pub(crate) mod events;

/// How long a TCP connection may take to open.
const CONNECT: Duration = Duration::from_secs(10);

/// After how much silence a connection is probed, how often, and how many probes may be lost. A stream of notices may be silent
/// for hours, and a peer that vanished without a word (a machine that lost power, a firewall that forgot the connection)
/// would be listened to for ever.
const PROBE_AFTER: Duration = Duration::from_secs(30);
const PROBE_EVERY: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;

/// How long a connection is kept for the next request. Node and uvicorn close idle connections after 5 s; a request
/// that is sent in that moment is lost, and must not be sent again if it is a call.
const IDLE: Duration = Duration::from_secs(4);

/// What the system trusts. Reading its certificates takes longer than everything else here, and they are the same for
/// every target.
static TRUST: OnceLock<Result<ClientConfig, rustls::Error>> = OnceLock::new();

/// A pool of connections. Cheap to clone; clones share the pool.
#[derive(Clone)]
pub struct HttpClient {
    client: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Why `https` cannot work here, if so. A gateway whose targets are all local needs no certificates.
    no_tls: Option<Arc<str>>,
}

impl HttpClient {
    /// A client that trusts what the system trusts.
    pub fn new() -> Self {
        let (tls, no_tls) = match TRUST.get_or_init(system_trust) {
            Ok(tls) => (tls.clone(), None),
            Err(error) => (trust_nobody(), Some(error.to_string().into())),
        };
        Self { client: client(tls), no_tls }
    }

    /// Sends one request, and waits for the head of its response.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        let url = request.uri().clone();
        if let Some(reason) = &self.no_tls
            && url.scheme() == Some(&http::uri::Scheme::HTTPS)
        {
            return Err(no_connection(&url, reason));
        }
        self.client.request(request).await.map_err(|error| failure(&url, &error))
    }
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

fn system_trust() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.try_with_platform_verifier()?.with_no_client_auth())
}

fn trust_nobody() -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|config| config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
        .unwrap_or_else(|_| unreachable!("the provider supports the default protocol versions"))
}

fn client(tls: ClientConfig) -> legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_keepalive(Some(PROBE_AFTER));
    tcp.set_keepalive_interval(Some(PROBE_EVERY));
    tcp.set_keepalive_retries(Some(PROBES));
    // HTTP/1 only: the pool would send everything for one host through a single HTTP/2 connection.
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    legacy::Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        .build(connector)
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

fn no_connection(url: &Uri, reason: &str) -> Error {
    Error::new(ErrorKind::Unreachable, format!("cannot connect to {}: {reason}", shown(url)))
}

/// Without a connection nothing was sent. After that, nobody knows.
fn failure(url: &Uri, error: &legacy::Error) -> Error {
    if error.is_connect() {
        return no_connection(url, &plain(error));
    }
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
mod tests {
    use super::*;

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
}
