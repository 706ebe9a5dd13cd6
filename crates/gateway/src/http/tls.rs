//! TLS for one port: its certificates, which of them a client gets, and the handshake.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

mod choice;

use choice::ByName;

/// How long a handshake may take. It is two round trips; the rest is for slow lines and slow clients.
const HANDSHAKE: Duration = Duration::from_secs(15);

/// The certificate of one listener of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The hosts it is for, `example.com` or `*.example.com`; `None` if it is for those that no other is for.
    pub hostname: Option<String>,
    /// The certificate and those that vouch for it, PEM.
    pub cert: PathBuf,
    /// The private key of the certificate, PEM.
    pub key: PathBuf,
}

/// The TLS side of a port. A cheap handle: clones share the certificates, also when they are replaced.
#[derive(Clone)]
pub struct Tls(Arc<ArcSwap<ServerConfig>>);

impl Tls {
    /// Reads the certificates of a port. Blocks on the files, which are small and local.
    pub fn load(certificates: &[Certificate]) -> Result<Self, TlsError> {
        Ok(Self(Arc::new(ArcSwap::new(server_config(certificates)?))))
    }

    /// Reads the certificates anew, for the handshakes to come. On an error the old ones stay.
    pub fn reload(&self, certificates: &[Certificate]) -> Result<(), TlsError> {
        self.0.store(server_config(certificates)?);
        Ok(())
    }

    /// Does the handshake with a client, under a deadline.
    pub async fn accept<IO>(&self, stream: IO) -> Result<TlsStream<IO>, HandshakeError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = TlsAcceptor::from(self.0.load_full()).accept(stream);
        match timeout(HANDSHAKE, handshake).await {
            Ok(done) => done.map_err(HandshakeError::Failed),
            Err(_) => Err(HandshakeError::TooSlow),
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Why the certificates of a port cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is not what it should be.
    #[error("`{setting}`: cannot read {what} from `{}`: {problem}", file.display())]
    File {
        /// The key in the configuration that names the file.
        setting: &'static str,
        /// What was looked for.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The two files are readable, but cannot be used together.
    #[error(
        "the certificate `{}` (`tls.cert`) cannot be used with the key `{}` (`tls.key`): {problem}",
        cert.display(),
        key.display()
    )]
    Pair {
        /// The file with the certificate.
        cert: PathBuf,
        /// The file with the key.
        key: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// There is no certificate at all.
    #[error("an HTTPS port needs a certificate")]
    None,
    /// The TLS library refuses to work.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[source] rustls::Error),
}

/// Why a client got no further than the handshake.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// What the client sent is no TLS, or none that we speak.
    #[error("the TLS handshake failed: {0}")]
    Failed(#[source] std::io::Error),
    /// The client took too long.
    #[error("the TLS handshake was not done after {} seconds", HANDSHAKE.as_secs())]
    TooSlow,
}

fn server_config(certificates: &[Certificate]) -> Result<Arc<ServerConfig>, TlsError> {
    // Named, not the default of the process: that one panics if two providers are compiled in, and what a
    // port can speak should not depend on what else is linked.
    let provider = Arc::new(aws_lc_rs::default_provider());
    let choice = certificates
        .iter()
        .map(|certificate| Ok((certificate.hostname.as_deref(), Arc::new(read(certificate, &provider)?))))
        .collect::<Result<Vec<_>, TlsError>>()?;
    let choice = ByName::new(choice).ok_or(TlsError::None)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(choice));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read(certificate: &Certificate, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let Certificate { cert, key, .. } = certificate;
    let chain = read_chain(cert).map_err(|error| unreadable("tls.cert", "a certificate", cert, error))?;
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| unreadable("tls.key", "a private key", key, error))?;
    CertifiedKey::from_der(chain, private, provider).map_err(|error| TlsError::Pair {
        cert: cert.clone(),
        key: key.clone(),
        problem: error.to_string(),
    })
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    let chain = CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, _>>()?;
    if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) }
}

fn unreadable(setting: &'static str, what: &'static str, file: &Path, error: pem::Error) -> TlsError {
    let problem = match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => format!("there is no PEM block with {what} in it"),
        error => format!("it is not valid PEM: {error}"),
    };
    TlsError::File { setting, what, file: file.to_owned(), problem }
}

#[cfg(test)]
mod tests;
