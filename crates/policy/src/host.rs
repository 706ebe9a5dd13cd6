//! The host that a request or a web page names: reading it, and telling which ones a stranger cannot forge.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest name of DNS; a longer one is no host.
const MAX_NAME: usize = 253;

/// A host without its port. Two that mean the same are equal: case, a trailing dot and the spelling of an
/// address do not matter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name, in lower case.
    Name(String),
    /// An address. An IPv4 address that was written as an IPv6 one is an IPv4 address.
    Address(IpAddr),
}

impl Host {
    /// Reads a host as it stands in a Host header or an origin: IPv6 addresses have brackets.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(inside) = text.strip_prefix('[') {
            let address: Ipv6Addr = inside.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Address(IpAddr::V6(address).to_canonical()));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        is_name(name).then(|| Self::Name(name.to_ascii_lowercase()))
    }

    /// Whether this is our own machine, as seen from itself: `localhost`, a name below it, or a loopback
    /// address.
    ///
    /// Browsers resolve these names themselves (RFC 6761, section 6.3), so nobody can point them elsewhere.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
            Self::Address(address) => address.is_loopback(),
        }
    }

    /// Whether this is one of the three spellings that people use for the same local server.
    pub(crate) fn is_this_machine(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost",
            Self::Address(address) => *address == Ipv4Addr::LOCALHOST || *address == Ipv6Addr::LOCALHOST,
        }
    }
}

/// A name as DNS and its users write it. Underscores are no letters of DNS, but containers are named with
/// them.
fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// A host and the port that was written after it, if there was one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    /// The host.
    pub host: Host,
    /// The port; `None` means the scheme's own.
    pub port: Option<u16>,
}

impl Authority {
    /// Reads a whole Host header. Credentials (`user@host`) are not part of one.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.rfind(':') {
            // The last colon of `[::1]` belongs to the address.
            Some(colon) if !text.ends_with(']') => (&text[..colon], parse_port(&text[colon + 1..])?),
            _ => (text, None),
        };
        Some(Self { host: Host::parse(host)?, port })
    }
}

/// An empty port is allowed by RFC 3986, section 3.2.3, and means that none was given.
fn parse_port(digits: &str) -> Option<Option<u16>> {
    if digits.is_empty() {
        return Some(None);
    }
    // `u16::from_str` would take a sign as well.
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok().map(Some))?
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => write!(f, "{}", self.host),
        }
    }
}

/// Hosts that an operator named: one, or all below a domain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// This host only.
    Exact(Host),
    /// `*.example.com`: every host below a domain, at any depth, but not the domain itself. Holds
    /// `.example.com`.
    Below(String),
}

impl HostPattern {
    /// Reads `example.com` or `*.example.com`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("*.") {
            Some(domain) => is_name(domain).then(|| Self::Below(format!(".{}", domain.to_ascii_lowercase()))),
            None => Host::parse(text).map(Self::Exact),
        }
    }

    /// Whether a host is one of these.
    pub fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Exact(exact), host) => exact == host,
            (Self::Below(suffix), Host::Name(name)) => {
                name.len() > suffix.len() && name.ends_with(suffix.as_str())
            }
            (Self::Below(_), Host::Address(_)) => false,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => write!(f, "{host}"),
            Self::Below(suffix) => write!(f, "*{suffix}"),
        }
    }
}

#[cfg(test)]
mod tests;
