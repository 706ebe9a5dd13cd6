//! The value of an Origin header.

use std::fmt;

use http::HeaderValue;

use crate::host::Authority;

/// How long an Origin may be. A name of DNS, a scheme and a port fit with room to spare.
const MAX_ORIGIN: usize = 512;

/// How a listener is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Who sends a request, as browsers say it. Two that mean the same are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Origin {
    /// `null`: a sandboxed page, a local file, or a page whose origin the browser keeps to itself.
    Opaque,
    /// A page, or an extension of a browser or editor, which has a scheme of its own.
    Tuple {
        /// The scheme, in lower case.
        scheme: String,
        /// The host, and the port unless it is the scheme's own.
        authority: Authority,
    },
}

impl Origin {
    /// Reads the header as it came.
    pub fn from_header(value: &HeaderValue) -> Option<Self> {
        Self::parse(value.to_str().ok()?)
    }

    /// Reads an origin: `scheme://host`, perhaps with a port, and nothing after it, or `null`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "null" {
            return Some(Self::Opaque);
        }
        if text.len() > MAX_ORIGIN {
            return None;
        }
        let (scheme, authority) = text.split_once("://")?;
        let scheme = is_scheme(scheme).then(|| scheme.to_ascii_lowercase())?;
        let mut authority = Authority::parse(authority)?;
        authority.port = authority.port.filter(|port| Some(*port) != default_port(&scheme));
        Some(Self::Tuple { scheme, authority })
    }

    /// Whether a page of this origin was loaded from a server that is called by this scheme and authority.
    pub(super) fn is_at(&self, at: Scheme, server: &Authority) -> bool {
        let Self::Tuple { scheme, authority } = self else { return false };
        let port = server.port.filter(|port| Some(*port) != default_port(at.as_str()));
        scheme == at.as_str() && authority.port == port && is_same_host(authority, server)
    }
}

/// `localhost`, `127.0.0.1` and `[::1]` are three names of one server, whichever of them a page and its
/// script use.
fn is_same_host(a: &Authority, b: &Authority) -> bool {
    a.host == b.host || (a.host.is_this_machine() && b.host.is_this_machine())
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// The port that browsers leave out of an origin.
pub(crate) fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opaque => f.write_str("null"),
            Self::Tuple { scheme, authority } => write!(f, "{scheme}://{authority}"),
        }
    }
}
