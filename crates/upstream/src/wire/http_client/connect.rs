//! Opens connections: TCP, and TLS over it.

use std::error::Error as StdError;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use http1::client::Io;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service as _;

/// How long a TCP connection may take to open.
const CONNECT: Duration = Duration::from_secs(10);

/// After how much silence a connection is probed, how often, and how many probes may be lost. A stream of notices may be silent
/// for hours, and a peer that vanished without a word (a machine that lost power, a firewall that forgot the connection)
/// would be listened to for ever.
const PROBE_AFTER: Duration = Duration::from_secs(30);
const PROBE_EVERY: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;

/// What the system trusts. Reading its certificates takes longer than everything else here, and they are the same for
/// every target.
static TRUST: OnceLock<Result<Arc<ClientConfig>, rustls::Error>> = OnceLock::new();

type Failure = Box<dyn StdError + Send + Sync>;

/// Opens connections, and trusts whom the system trusts.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector,
    /// Instead of what the system trusts.
    trust: Option<Result<Arc<ClientConfig>, rustls::Error>>,
}

impl Connector {
    pub(super) fn new() -> Self {
        Self::trusting(None)
    }

    /// Without trust in anybody, `https` fails and all else works: a gateway whose targets are all local needs no certificates.
    pub(super) fn trusting(trust: Option<Result<Arc<ClientConfig>, rustls::Error>>) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.set_keepalive(Some(PROBE_AFTER));
        tcp.set_keepalive_interval(Some(PROBE_EVERY));
        tcp.set_keepalive_retries(Some(PROBES));
        Self { tcp, trust }
    }

    /// Opens a connection to where a URL leads.
    pub(super) async fn open(&self, url: &Uri) -> Result<Stream, Failure> {
        if url.scheme() != Some(&Scheme::HTTPS) {
            return Ok(Stream::Plain(self.tcp(url).await?));
        }
        let trust = match &self.trust {
            Some(trust) => trust.clone()?,
            None => systems_trust().await?,
        };
        let tls = TlsConnector::from(trust);
        let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned())?;
        let tcp = self.tcp(url).await?;
        Ok(Stream::Tls(Box::new(tls.connect(name, tcp).await?)))
    }

    async fn tcp(&self, url: &Uri) -> Result<TcpStream, Failure> {
        let mut tcp = self.tcp.clone();
        poll_fn(|cx| tcp.poll_ready(cx)).await?;
        Ok(tcp.call(url.clone()).await?.into_inner())
    }
}

/// Read when it is first needed: a gateway whose targets are all local needs no certificates, and reading them takes longer than
/// everything else at its start.
async fn systems_trust() -> Result<Arc<ClientConfig>, Failure> {
    if let Some(read) = TRUST.get() {
        return Ok(read.clone()?);
    }
    Ok(tokio::task::spawn_blocking(|| TRUST.get_or_init(system_trust).clone()).await??)
}

fn system_trust() -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(speaking(config.with_platform_verifier()?.with_no_client_auth()))
}

/// Speaks HTTP/1.1 only: over HTTP/2 all calls to a target would go through a single connection.
pub(super) fn speaking(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// What a connection runs over.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Io for Stream {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            // That it fails is found when reading.
            Self::Plain(tcp) => tcp.poll_read_ready(cx).map(drop),
            Self::Tls(_) => Poll::Ready(()),
        }
    }

    fn is_buffered(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, slices),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
