//! What the events of a legacy client's streams are called (spec 2025-11-25, basic/transports "Resumability and
//! Redelivery"): the stream, and the place in it. An id is unique in its session.

use std::fmt;

/// The stream that a client opens with GET.
pub(crate) const SESSIONS_OWN: u64 = 0;

/// A place in a stream: after the message of this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) stream: u64,
    pub(crate) number: u64,
}

impl EventId {
    /// Reads an id; none if it is not one of ours.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (stream, number) = text.trim().split_once('-')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(stream) || !digits(number) {
            return None;
        }
        Some(Self { stream: stream.parse().ok()?, number: number.parse().ok()? })
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.stream, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_and_others_do_not() {
        let id = EventId { stream: 3, number: u64::MAX };
        assert_eq!(EventId::parse(&id.to_string()), Some(id));
        for other in ["", "3", "3-", "-3", "3-x", "+3-1", "3--1", "3-1-1", "99999999999999999999-1"] {
            assert_eq!(EventId::parse(other), None, "{other}");
        }
    }
}
