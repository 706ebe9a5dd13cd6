//! An entry of `allowOrigins`.

use std::fmt;

use crate::host::{Authority, Host, HostPattern};
use crate::origin::Origin;

/// Origins that an operator named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OriginPattern {
    /// `*`: whoever asks, also those that hide their origin.
    Any,
    /// One origin.
    Exact(Origin),
    /// `https://*.example.com`: every host below a domain, at any depth, but not the domain itself.
    Below {
        /// The scheme, in lower case.
        scheme: String,
        /// The hosts.
        hosts: HostPattern,
        /// The port, unless it is the scheme's own.
        port: Option<u16>,
    },
}

/// An entry that names no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an origin: write it like `https://example.com`, `https://*.example.com` or `*`, without a path"
)]
pub struct InvalidPattern(pub String);

impl OriginPattern {
    /// Reads an entry.
    ///
    /// `null` is not one. It is the origin of every sandboxed page there is, so naming it would mean `*`
    /// while looking like less.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let pattern =
            if text == "*" { Some(Self::Any) } else { parse_below(text).or_else(|| parse_exact(text)) };
        pattern.ok_or_else(|| InvalidPattern(text.to_owned()))
    }

    /// Whether an origin is one of these.
    pub fn matches(&self, origin: &Origin) -> bool {
        match (self, origin) {
            (Self::Any, _) => true,
            (Self::Exact(exact), origin) => exact == origin,
            (Self::Below { scheme, hosts, port }, Origin::Tuple { scheme: other, authority }) => {
                scheme == other && *port == authority.port && hosts.matches(&authority.host)
            }
            (Self::Below { .. }, Origin::Opaque) => false,
        }
    }
}

fn parse_exact(text: &str) -> Option<OriginPattern> {
    Origin::parse(text).filter(|origin| *origin != Origin::Opaque).map(OriginPattern::Exact)
}

/// What follows `*.` is read as an origin of its own, so there is one reader and one set of rules.
fn parse_below(text: &str) -> Option<OriginPattern> {
    let (scheme, domain) = text.split_once("://*.")?;
    match Origin::parse(&format!("{scheme}://{domain}"))? {
        Origin::Tuple { scheme, authority: Authority { host: Host::Name(name), port } } => {
            Some(OriginPattern::Below { scheme, hosts: HostPattern::parse(&format!("*.{name}"))?, port })
        }
        _ => None,
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Exact(origin) => write!(f, "{origin}"),
            Self::Below { scheme, hosts, port: None } => write!(f, "{scheme}://{hosts}"),
            Self::Below { scheme, hosts, port: Some(port) } => write!(f, "{scheme}://{hosts}:{port}"),
        }
    }
}
