//! The first check of every request: is it meant for us, and if a web page sent it, may that page call us?
//!
//! A browser runs pages from anywhere next to servers that are reachable only from that machine or network.
//! Two headers protect the servers. `Origin` says which page sends the request; MCP demands that it is
//! validated (2025-11-25 and 2026-07-28, "Transports", security warning). `Host` says which server the
//! browser believes it talks to, and gives *DNS rebinding* away: a page of `evil.example` whose name now
//! resolves to 127.0.0.1 is of the same origin as the server it calls, as far as the browser knows, but the
//! Host it sends is still `evil.example`.
//!
//! The rules:
//!
//! * The host has to be readable, and there has to be exactly one.
//! * On a loopback listener it has to be a loopback name, or one that the operator configured.
//! * Without an Origin the request is not from a page of another origin, and passes.
//! * An Origin that is our own passes, if the host is one that rebinding cannot produce: a loopback name, an
//!   address, or a configured name. Any other name would let the attack above through on a listener that is
//!   bound to all interfaces, which is what a plain `port: 3000` means.
//! * Any other Origin passes if the CORS policy of the route allows it, also one on another port of this
//!   machine: whoever serves that port did not ask the operator.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::cors::Cors;
use crate::host::{Authority, Host, HostPattern};
use crate::{Kind, Refusal, Verdict};

mod value;

pub use value::{Origin, Scheme};

/// The check as one listener needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    loopback: bool,
    /// Whether a name that nobody configured is refused wherever the listener is bound.
    strict: bool,
    scheme: Scheme,
    ours: Vec<HostPattern>,
}

/// Which rule let a request pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// No page sent it.
    NoOrigin,
    /// A page that we serve ourselves sent it.
    SameOrigin,
    /// A page sent it that the CORS policy allows.
    Allowed,
}

impl Guard {
    /// The check for a listener that is bound to an address, speaks a scheme, and is known under the
    /// hostnames that the operator gave to it or to its routes.
    pub fn new(bound: IpAddr, scheme: Scheme, ours: Vec<HostPattern>) -> Self {
        Self { loopback: bound.to_canonical().is_loopback(), strict: false, scheme, ours }
    }

    /// The same for a listener on which also what a page may read without saying where it comes from has to be kept from
    /// pages that rebind their name: a host has to be an address, a loopback name, or configured.
    pub fn strict(self) -> Self {
        Self { strict: true, ..self }
    }

    /// Checks the head of a request against the listener and the CORS policy of its route.
    pub fn check(&self, head: &Parts, cors: Option<&Cors>) -> Verdict<Admission> {
        self.check_for(&authority(head)?, head, cors)
    }

    /// The same where it is known already which host the request is for.
    pub fn check_for(&self, authority: &Authority, head: &Parts, cors: Option<&Cors>) -> Verdict<Admission> {
        self.check_host(&authority.host)?;
        match single(&head.headers, ORIGIN) {
            Ok(None) => Ok(Admission::NoOrigin),
            Ok(Some(origin)) => self.check_origin(authority, origin, cors),
            Err(Several) => Err(Refusal::new(Kind::InvalidOrigin, "the request has several Origin headers")),
        }
    }

    fn check_host(&self, host: &Host) -> Verdict<()> {
        if self.strict && !self.loopback && !self.is_unforgeable(host) {
            return Err(Refusal::new(
                Kind::ForeignHost,
                format!("the host `{host}` is not served here; use the address of this machine"),
            ));
        }
        if !self.loopback || host.is_loopback() || self.is_configured(host) {
            return Ok(());
        }
        Err(Refusal::new(
            Kind::ForeignHost,
            format!(
                "the host `{host}` is not served here: this listener is local, and takes requests for `localhost` \
                 and loopback addresses only; set its `hostname` if it should serve this host"
            ),
        ))
    }

    fn check_origin(&self, host: &Authority, value: &HeaderValue, cors: Option<&Cors>) -> Verdict<Admission> {
        let Some(origin) = Origin::from_header(value) else {
            return Err(Refusal::new(
                Kind::InvalidOrigin,
                "the Origin header of the request is not an origin",
            ));
        };
        let same = origin.is_at(self.scheme, host);
        if same && self.is_unforgeable(&host.host) {
            return Ok(Admission::SameOrigin);
        }
        if cors.is_some_and(|cors| cors.allows(&origin)) {
            return Ok(Admission::Allowed);
        }
        Err(Refusal::new(Kind::ForeignOrigin, advice(&origin, host, same)))
    }

    /// Whether a page can be at this host only because somebody with a right to do so put it there.
    fn is_unforgeable(&self, host: &Host) -> bool {
        matches!(host, Host::Address(_)) || host.is_loopback() || self.is_configured(host)
    }

    fn is_configured(&self, host: &Host) -> bool {
        self.ours.iter().any(|ours| ours.matches(host))
    }
}

fn advice(origin: &Origin, host: &Authority, same: bool) -> String {
    match (origin, same) {
        (Origin::Opaque, _) => {
            "the Origin `null` (a sandboxed page or a local file) is not allowed here; only \
                                `\"*\"` in `policies.cors.allowOrigins` of this route allows it"
                .to_owned()
        }
        (_, true) => format!(
            "the Origin `{origin}` is not allowed here, because nothing says that `{}` is a name of this server; \
             set the `hostname` of this listener to it if it is",
            host.host
        ),
        (_, false) => format!(
            "the Origin `{origin}` is not allowed here; add it to `policies.cors.allowOrigins` of this route if it \
             should be"
        ),
    }
}

/// Which host the request is for: from the request line (HTTP/2, or HTTP/1 sent as to a proxy), or the Host
/// header. One that cannot be read, or says two things, is refused.
pub fn authority(head: &Parts) -> Verdict<Authority> {
    let invalid = |text: &str| Refusal::new(Kind::InvalidHost, text);
    let header = match single(&head.headers, HOST) {
        Ok(None) => None,
        Ok(Some(value)) => Some(parse_host(value).ok_or_else(|| invalid("the Host header is not a host"))?),
        Err(Several) => return Err(invalid("the request has several Host headers")),
    };
    let line = match head.uri.authority() {
        None => None,
        Some(authority) => Some(
            Authority::parse(authority.as_str())
                .ok_or_else(|| invalid("the request's authority is not a host"))?,
        ),
    };
    match (line, header) {
        // RFC 9113, section 8.3.1: a request that names two hosts is malformed. Picking either would let one
        // part of us decide on one of them and another part on the other.
        (Some(line), Some(header)) if line.host != header.host => Err(invalid("the request names two hosts")),
        (Some(authority), _) | (None, Some(authority)) => Ok(authority),
        (None, None) => Err(invalid("the request has no Host header")),
    }
}

fn parse_host(value: &HeaderValue) -> Option<Authority> {
    Authority::parse(value.to_str().ok()?)
}

/// A header that must not be repeated was.
struct Several;

fn single(headers: &HeaderMap, name: HeaderName) -> Result<Option<&HeaderValue>, Several> {
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Several),
    }
}

#[cfg(test)]
mod tests;
