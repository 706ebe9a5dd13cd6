//! Which certificate a client gets, by the name it asks for (SNI).

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The certificates of a port by hostname. The same rule as for picking a listener: an exact name comes
/// before every wildcard, a longer wildcard before a shorter one.
#[derive(Debug)]
pub(super) struct ByName {
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// By what comes after the `*.`.
    below: HashMap<String, Arc<CertifiedKey>>,
    fallback: Arc<CertifiedKey>,
}

impl ByName {
    /// Certificates in the order of the file. Who asks for no name, or for one that nobody has, gets the one
    /// without a hostname, or else the first: a wrong name in a certificate tells a user more than a broken
    /// handshake.
    pub(super) fn new(certificates: Vec<(Option<&str>, Arc<CertifiedKey>)>) -> Option<Self> {
        let unnamed = certificates.iter().find(|(hostname, _)| hostname.is_none());
        let fallback = Arc::clone(&unnamed.or(certificates.first())?.1);
        let (mut exact, mut below) = (HashMap::new(), HashMap::new());
        for (hostname, certificate) in certificates {
            let Some(hostname) = hostname.map(str::to_ascii_lowercase) else { continue };
            match hostname.strip_prefix("*.") {
                Some(domain) => below.entry(domain.to_owned()).or_insert(certificate),
                None => exact.entry(hostname).or_insert(certificate),
            };
        }
        Some(Self { exact, below, fallback })
    }

    pub(super) fn choose(&self, name: Option<&str>) -> &Arc<CertifiedKey> {
        let Some(name) = name.map(str::to_ascii_lowercase) else { return &self.fallback };
        let domains = std::iter::successors(name.split_once('.'), |(_, rest)| rest.split_once('.'));
        let wildcard = || domains.map(|(_, domain)| domain).find_map(|domain| self.below.get(domain));
        self.exact.get(&name).or_else(wildcard).unwrap_or(&self.fallback)
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(self.choose(hello.server_name())))
    }
}
