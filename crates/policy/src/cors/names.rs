//! A list of header names or methods in a CORS policy.

use std::str::FromStr;

use http::{HeaderValue, Method};

/// Some names, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names<T> {
    /// `*`: all of them.
    Any,
    /// These.
    Only(Vec<T>),
}

/// An entry that is neither `*` nor a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a name that HTTP allows here")]
pub struct InvalidName(pub String);

impl<T> Names<T> {
    /// The empty list.
    pub fn none() -> Self {
        Self::Only(Vec::new())
    }
}

impl<T: FromStr> Names<T> {
    /// Reads a list; one `*` in it means all.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self, InvalidName> {
        if entries.iter().any(|entry| entry.as_ref() == "*") {
            return Ok(Self::Any);
        }
        let name = |entry: &S| {
            let entry = entry.as_ref();
            entry.parse().map_err(|_| InvalidName(entry.to_owned()))
        };
        entries.iter().map(name).collect::<Result<_, _>>().map(Self::Only)
    }
}

impl Names<Method> {
    /// What applies when a policy names no methods: those of an MCP endpoint.
    pub fn default_methods() -> Self {
        Self::Only(vec![Method::GET, Method::POST, Method::DELETE, Method::OPTIONS])
    }
}

/// The names as one header value; none if there are no names.
pub(super) fn join<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Option<HeaderValue> {
    let names: Vec<T> = names.into_iter().collect();
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    // Names of headers and methods consist of visible ASCII, so this is always a value.
    (!names.is_empty()).then(|| HeaderValue::from_str(&names.join(", ")).ok())?
}
