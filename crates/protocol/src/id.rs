//! Request ids: a string or an integer, answered in the spelling in which they came.

use std::fmt;

use crate::Raw;
use crate::json::write_string;

/// The id of a JSON-RPC request. `7` and `"7"` are different ids.
///
/// Integers are kept as their digits, so that ids beyond 64 bits come back as they were.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Id {
    /// An integer, as its digits.
    Number(Box<str>),
    /// A string.
    Text(Box<str>),
}

impl Id {
    /// Reads an id; `None` for anything that is neither a string nor an integer.
    pub fn from_raw(raw: &Raw) -> Option<Self> {
        if let Some(text) = raw.to_text() {
            return Some(Self::Text(text.into()));
        }
        let digits = std::str::from_utf8(raw.as_bytes()).ok()?;
        let unsigned = digits.strip_prefix('-').unwrap_or(digits);
        (!unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit()))
            .then(|| Self::Number(digits.into()))
    }

    /// Appends the id's JSON spelling.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number(digits) => out.extend_from_slice(digits.as_bytes()),
            Self::Text(text) => write_string(text, out),
        }
    }

    /// The size of its spelling, if nothing in it has to be escaped.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Number(digits) => digits.len(),
            Self::Text(text) => text.len() + 2,
        }
    }

    /// The id as a raw value.
    pub fn to_raw(&self) -> Raw {
        let mut out = Vec::with_capacity(self.size());
        self.write(&mut out);
        Raw::trusted(out.into())
    }

    /// The number, if this id is one that we could have given out.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(digits) => digits.parse().ok(),
            Self::Text(_) => None,
        }
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        Self::Number(number.to_string().into())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(digits) => f.write_str(digits),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}
