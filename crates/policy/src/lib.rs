//! Verdicts about a caller and a call.
//!
//! A policy looks at what it is given and answers at once: everything here is synchronous, does no I/O and
//! knows neither a runtime nor a clock. What a policy needs, such as the settings of a route, is parsed once
//! when the configuration is loaded and only borrowed when a request comes.
//!
//! A verdict is not a `bool`. Who passes gets a value that says which rule let them in, and who is refused
//! gets a [`Refusal`] that says why in words made for them. Which HTTP status that becomes is none of our
//! business: the gateway maps [`Kind`] to one, in one place.
//!
//! The checks of a request's head, in the order in which they have to run:
//!
//! 1. [`origin`]: the Host and Origin headers, before anything else, so that a foreign web page learns
//!    nothing, not even whether a path or a token exists;
//! 2. [`cors`]: the answer to a browser's preflight, and the headers that let a page of another origin read a
//!    reply.

pub mod cors;
pub mod host;
pub mod origin;

use std::fmt;

/// What a check hands back: a value that proves it passed, or the reason why not.
pub type Verdict<T> = Result<T, Refusal>;

/// Why a request goes no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    kind: Kind,
    text: String,
}

/// What a refusal is about. A program decides on this; the text of a refusal is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request does not say, or not clearly, which host it is for.
    InvalidHost,
    /// The request is for a host that is not us.
    ForeignHost,
    /// The Origin header is none.
    InvalidOrigin,
    /// The request comes from a web page that may not call us.
    ForeignOrigin,
}

impl Kind {
    /// The label of this kind in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidHost => "invalid_host",
            Self::ForeignHost => "foreign_host",
            Self::InvalidOrigin => "invalid_origin",
            Self::ForeignOrigin => "foreign_origin",
        }
    }
}

impl Refusal {
    fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// What it is about.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the client is told: the reason, and what the operator can do if it should have been allowed. It
    /// quotes nothing but what the client itself sent.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Refusal {}
