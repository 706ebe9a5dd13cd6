//! One argument, as far as a header can mirror it.

use crate::Raw;

/// The largest integer that every reader of JSON reads as it is written.
const LARGEST: i64 = (1 << 53) - 1;

/// An argument, as far as a header can mirror it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Not there, or null.
    Absent,
    /// A string, as it is.
    Text(String),
    /// An integer, however it is spelled.
    Integer(i64),
    /// `true` or `false`.
    Flag(bool),
    /// What has no form in a header. The target will say what it thinks of such an argument.
    Other(Raw),
}

impl Value {
    pub(super) fn of(argument: Option<Raw>) -> Self {
        let Some(raw) = argument.filter(|raw| !raw.is_null()) else {
            return Self::Absent;
        };
        if let Some(text) = raw.to_text() {
            return Self::Text(text);
        }
        match raw.as_bytes() {
            b"true" => Self::Flag(true),
            b"false" => Self::Flag(false),
            number => match std::str::from_utf8(number).ok().and_then(integer) {
                Some(number) => Self::Integer(number),
                None => Self::Other(raw),
            },
        }
    }

    /// What the header says, before it is encoded for one.
    pub(super) fn spelled(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Integer(number) => Some(number.to_string()),
            Self::Flag(flag) => Some(flag.to_string()),
            Self::Absent | Self::Other(_) => None,
        }
    }

    /// Whether a decoded header says this value.
    pub(super) fn is_said_by(&self, header: &str) -> bool {
        match self {
            Self::Absent => false,
            Self::Text(text) => header == text,
            Self::Integer(number) => integer(header) == Some(*number),
            Self::Flag(flag) => header == if *flag { "true" } else { "false" },
            Self::Other(raw) => header.as_bytes() == raw.as_bytes(),
        }
    }
}

/// An integer in any spelling that JSON has for it, within ±(2^53-1): `42`, `42.0`, `4.2e1`.
fn integer(text: &str) -> Option<i64> {
    let number = match serde_json::from_str::<i64>(text) {
        Ok(number) => number,
        Err(_) => whole(text)?,
    };
    (-LARGEST..=LARGEST).contains(&number).then_some(number)
}

fn whole(text: &str) -> Option<i64> {
    // One reader knows how JSON spells numbers, the other reads fractions exactly.
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    let number: f64 = text.trim().parse().ok()?;
    // Exact: within these bounds every whole number has its own double.
    let fits = number.fract() == 0.0 && number.abs() <= LARGEST as f64;
    fits.then_some(number as i64)
}
