//! What browsers let pages of other origins do (the Fetch standard, "CORS protocol").
//!
//! A browser asks first (the *preflight*: `OPTIONS` with `Access-Control-Request-Method`) and hands a page
//! only those responses that name its origin. [`Cors`] writes the headers for both. It does not decide
//! whether a request is served: a page that is not allowed is refused by [`crate::origin`] before it gets
//! here, because a browser would otherwise still send what needs no preflight.

use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::origin::Origin;
use crate::{Kind, Refusal, Verdict};

mod names;
mod pattern;

pub use names::{InvalidName, Names};
pub use pattern::{InvalidPattern, OriginPattern};

const ANY: HeaderValue = HeaderValue::from_static("*");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// Everything that decides about a preflight answer, so that no cache hands it to someone else.
const VARY_PREFLIGHT: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers");
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("origin");

/// What an operator allows to pages of other origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The origins that may call.
    pub allow_origins: Vec<OriginPattern>,
    /// The request headers that they may send, beyond those that every page may.
    pub allow_headers: Names<HeaderName>,
    /// The methods that they may use; see [`Names::default_methods`].
    pub allow_methods: Names<Method>,
    /// The response headers that they may read, beyond those that every page may.
    pub expose_headers: Names<HeaderName>,
    /// Whether cookies and the like may be sent along.
    pub allow_credentials: bool,
    /// How long a browser may remember the answer to a preflight.
    pub max_age: Option<Duration>,
}

/// The headers of the protocol that is served, without which an allowed page could not speak it. They say nothing that the
/// page does not know, so every page that may call at all may send and read them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spoken {
    /// Request headers.
    pub request: Vec<HeaderName>,
    /// What more request headers begin with, in lower case.
    pub request_prefix: Option<&'static str>,
    /// Response headers.
    pub response: Vec<HeaderName>,
}

/// The policy, with every header that does not depend on the request already written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    origins: Vec<OriginPattern>,
    /// The policy is open to everyone, so the answer is the same for everyone and need not vary.
    open: bool,
    credentials: bool,
    headers: Answer,
    header_prefix: Option<&'static str>,
    methods: Answer,
    expose: Answer,
    max_age: Option<HeaderValue>,
}

/// How a list of names goes on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// No header: there is nothing to allow.
    Nothing,
    /// Always the same.
    Fixed(HeaderValue),
    /// Everything, spelled out for each request, because `*` means the name `*` once credentials are allowed.
    Echo,
}

/// A browser's question whether a page may send a request.
#[derive(Debug, Clone, Copy)]
pub struct Preflight<'a> {
    origin: &'a HeaderValue,
    method: &'a HeaderValue,
    headers: Option<&'a HeaderValue>,
}

impl<'a> Preflight<'a> {
    /// Whether a request is one. An `OPTIONS` without these headers is an ordinary request.
    pub fn of(method: &Method, headers: &'a HeaderMap) -> Option<Self> {
        if method != Method::OPTIONS {
            return None;
        }
        Some(Self {
            origin: headers.get(ORIGIN)?,
            method: headers.get(ACCESS_CONTROL_REQUEST_METHOD)?,
            headers: headers.get(ACCESS_CONTROL_REQUEST_HEADERS),
        })
    }
}

impl Cors {
    /// The policy with these settings, where a protocol with these headers is served.
    pub fn new(settings: Settings, spoken: &Spoken) -> Self {
        let Settings {
            allow_origins,
            allow_headers,
            allow_methods,
            expose_headers,
            allow_credentials,
            max_age,
        } = settings;
        Self {
            open: allow_origins.contains(&OriginPattern::Any) && !allow_credentials,
            origins: allow_origins,
            credentials: allow_credentials,
            // `*` stands for every header but this one, which has to be named (Fetch, "CORS-preflight
            // fetch").
            headers: answer(
                &with(allow_headers, &spoken.request),
                allow_credentials,
                HeaderValue::from_static("*, authorization"),
            ),
            header_prefix: spoken.request_prefix,
            methods: answer(&allow_methods, allow_credentials, ANY),
            expose: answer(&with(expose_headers, &spoken.response), allow_credentials, ANY),
            max_age: max_age.map(|age| age.as_secs().into()),
        }
    }

    /// Whether pages of this origin may call.
    pub fn allows(&self, origin: &Origin) -> bool {
        self.origins.iter().any(|pattern| pattern.matches(origin))
    }

    /// The headers of a 204 that answers a preflight.
    ///
    /// Only the origin is a reason to refuse. A method or header that is not allowed is left out of the
    /// answer: the browser compares and then tells the developer which one it was, which it cannot after an
    /// error status.
    pub fn preflight(&self, ask: Preflight<'_>) -> Verdict<Vec<(HeaderName, HeaderValue)>> {
        if !self.allows_header(ask.origin) {
            let text = "pages of this origin are not allowed to send requests here";
            return Err(Refusal::new(Kind::ForeignOrigin, text));
        }
        let answers = [
            (ACCESS_CONTROL_ALLOW_ORIGIN, Some(self.allowed_origin(ask.origin))),
            (ACCESS_CONTROL_ALLOW_CREDENTIALS, self.credentials.then_some(TRUE)),
            (ACCESS_CONTROL_ALLOW_METHODS, self.methods.to(Some(ask.method))),
            (ACCESS_CONTROL_ALLOW_HEADERS, self.allowed_headers(ask.headers)),
            (ACCESS_CONTROL_MAX_AGE, self.max_age.clone()),
            (VARY, Some(VARY_PREFLIGHT)),
        ];
        Ok(answers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }

    /// What lets the page read responses that sends this Origin header.
    ///
    /// To be applied to every response of the route but the answer to a preflight; also to errors, which a
    /// developer wants to read too, and also without an Origin, because a cache must know that the next one
    /// may get another answer.
    pub fn grant(&self, origin: Option<&HeaderValue>) -> Grant {
        let origin = origin.filter(|origin| self.allows_header(origin));
        Grant {
            varies: !self.open,
            origin: origin.map(|origin| self.allowed_origin(origin)),
            expose: self.expose.clone(),
            credentials: self.credentials,
        }
    }

    /// The headers that may be sent: those that are named, and those that are asked for and begin as the protocol's do.
    fn allowed_headers(&self, asked: Option<&HeaderValue>) -> Option<HeaderValue> {
        let named = self.headers.to(asked);
        let (Some(prefix), Answer::Fixed(fixed)) = (self.header_prefix, &self.headers) else {
            return named;
        };
        let asked = asked.and_then(|asked| asked.to_str().ok()).unwrap_or_default();
        let more = asked.split(',').map(str::trim).filter(|name| name.starts_with(prefix));
        let fixed = fixed.to_str().unwrap_or_default();
        names::join(std::iter::once(fixed).chain(more))
    }

    fn allows_header(&self, origin: &HeaderValue) -> bool {
        Origin::from_header(origin).is_some_and(|origin| self.allows(&origin))
    }

    /// Not as a part of what was read, which it would keep for as long as it is kept itself.
    fn allowed_origin(&self, origin: &HeaderValue) -> HeaderValue {
        let copied = || HeaderValue::from_bytes(origin.as_bytes());
        // What is a value of a header can be one again.
        if self.open { ANY } else { copied().unwrap_or_else(|_| origin.clone()) }
    }
}

/// What a page may read of the responses to its requests: headers of them that are the same as long as its Origin is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whether pages of other origins are answered otherwise.
    varies: bool,
    /// Who may read; none if the page may not.
    origin: Option<HeaderValue>,
    expose: Answer,
    credentials: bool,
}

impl Grant {
    /// Adds it to a response.
    pub fn apply(&self, response: &mut HeaderMap) {
        if self.varies {
            response.append(VARY, VARY_ORIGIN);
        }
        let Some(origin) = &self.origin else { return };
        if let Some(names) = self.exposed(response) {
            response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, names);
        }
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if self.credentials {
            response.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        }
    }

    fn exposed(&self, response: &HeaderMap) -> Option<HeaderValue> {
        match &self.expose {
            Answer::Nothing => None,
            Answer::Fixed(names) => Some(names.clone()),
            Answer::Echo => names::join(response.keys()),
        }
    }
}

impl Answer {
    fn to(&self, asked: Option<&HeaderValue>) -> Option<HeaderValue> {
        match self {
            Self::Nothing => None,
            Self::Fixed(value) => Some(value.clone()),
            Self::Echo => asked.cloned(),
        }
    }
}

/// A list, and what is not in it of another.
fn with(names: Names<HeaderName>, more: &[HeaderName]) -> Names<HeaderName> {
    match names {
        Names::Any => Names::Any,
        Names::Only(mut names) => {
            let missing: Vec<_> = more.iter().filter(|name| !names.contains(name)).cloned().collect();
            names.extend(missing);
            Names::Only(names)
        }
    }
}

fn answer<T: AsRef<str>>(names: &Names<T>, credentials: bool, any: HeaderValue) -> Answer {
    match names {
        Names::Any if credentials => Answer::Echo,
        Names::Any => Answer::Fixed(any),
        Names::Only(names) => names::join(names).map_or(Answer::Nothing, Answer::Fixed),
    }
}

#[cfg(test)]
mod tests;
