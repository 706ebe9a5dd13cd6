//! What can go wrong on the way to a target, and whether the call may be sent again.

use std::fmt;

/// A failure of a target or of the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What happened.
    pub kind: ErrorKind,
    /// One line for the operator: log and status. Never shown to a client without thought.
    pub detail: String,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Never reached the target: the command or the address does not answer. Nothing was sent.
    Unreachable,
    /// The target or the connection ended while an answer was due. The call may have run.
    Closed,
    /// No answer within the deadline. The call may have run.
    Timeout,
    /// The target no longer knows our session. The call did not run.
    SessionLost,
    /// The target wants credentials that the configuration does not hold.
    Unauthorized,
    /// The target answered with an HTTP status and no JSON-RPC message.
    Status(u16),
    /// The target sent something that is not MCP.
    Protocol,
    /// An answer was larger than the ceiling.
    TooLarge,
    /// We are shutting the target down.
    Stopped,
    /// The target was busy for too long. Nothing was sent.
    Busy,
}

impl Error {
    /// An error with its one line of detail.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// Whether it is certain that the target did not run the call, so that it may be sent again.
    pub fn never_ran(&self) -> bool {
        match self.kind {
            ErrorKind::Unreachable | ErrorKind::SessionLost | ErrorKind::Unauthorized | ErrorKind::Busy => {
                true
            }
            ErrorKind::Closed
            | ErrorKind::Timeout
            | ErrorKind::Status(_)
            | ErrorKind::Protocol
            | ErrorKind::TooLarge
            | ErrorKind::Stopped => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Error {}
