//! Errors of the virtual server, and THE ERROR TABLE: which JSON-RPC code each kind gets.

use std::time::Duration;

use protocol::error::{
    HEADER_MISMATCH, INTERNAL, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, MISSING_CLIENT_CAPABILITY,
    PARSE, RESOURCE_NOT_FOUND, UNSUPPORTED_VERSION,
};
use protocol::{Era, Object, Raw, RpcError};
use upstream::{Paused, Refusal};

/// A request that could not be served, in words for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    /// What happened.
    pub kind: ErrorKind,
    /// One sentence for the client. Holds nothing that the client may not know.
    pub text: String,
    /// Anything a program may want.
    pub data: Option<Raw>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The body is not JSON.
    NotJson,
    /// The JSON is not a message, or not one for this place.
    Malformed,
    /// A modern request lacks a required member of `_meta`.
    MissingMeta,
    /// Headers and body disagree.
    HeaderMismatch,
    /// The revision is not served.
    UnsupportedVersion,
    /// No such method, or none that this server advertises.
    UnknownMethod,
    /// The request needs a session and names none.
    SessionRequired,
    /// The session is not known, or over.
    UnknownSession,
    /// More sessions than are allowed.
    TooManySessions,
    /// Params of the wrong shape, or the name of something that does not exist.
    InvalidParams,
    /// The URI of a resource that does not exist.
    UnknownResource,
    /// The call needs something that the client did not declare (modern).
    MissingCapability,
    /// A target is not to be had, and nothing was done.
    TargetUnavailable,
    /// A target failed while it had the call, which may have run.
    TargetFailed,
    /// A target did not answer in time. The call may have run.
    TargetSilent,
    /// A target ended the call with a result that this client cannot be given.
    CannotRelay,
    /// The gateway itself failed. The log says more.
    Internal,
}

impl ErrorKind {
    /// The JSON-RPC code towards a client of this era. Every kind has one; a new kind does not compile without.
    pub fn code(self, era: Era) -> i64 {
        match self {
            Self::NotJson => PARSE,
            Self::Malformed | Self::SessionRequired | Self::UnknownSession => INVALID_REQUEST,
            Self::UnknownResource if era == Era::Legacy => RESOURCE_NOT_FOUND,
            Self::MissingMeta | Self::InvalidParams | Self::UnknownResource => INVALID_PARAMS,
            Self::HeaderMismatch => HEADER_MISMATCH,
            Self::MissingCapability => MISSING_CLIENT_CAPABILITY,
            Self::UnsupportedVersion => UNSUPPORTED_VERSION,
            Self::UnknownMethod => METHOD_NOT_FOUND,
            Self::TooManySessions
            | Self::TargetUnavailable
            | Self::TargetFailed
            | Self::TargetSilent
            | Self::CannotRelay
            | Self::Internal => INTERNAL,
        }
    }
}

impl Error {
    /// An error without data.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), data: None }
    }

    /// Adds data.
    #[must_use]
    pub fn with_data(mut self, data: Raw) -> Self {
        self.data = Some(data);
        self
    }

    /// The error as the `error` member of a response to a client of this era.
    pub fn to_rpc(&self, era: Era) -> RpcError {
        RpcError { code: self.kind.code(era), message: self.text.clone(), data: self.data.clone() }
    }

    /// A target that could not be reached, told to the client.
    pub(crate) fn unavailable(target: &str) -> Self {
        Self::new(ErrorKind::TargetUnavailable, format!("target `{target}` is not available"))
    }

    /// A target to which there is no link, told to the client. What took too long is ours to say.
    pub(crate) fn unreachable(target: &str, error: &upstream::Error) -> Self {
        match error.kind {
            upstream::ErrorKind::Timeout => {
                Self::new(ErrorKind::TargetUnavailable, format!("{error}; the call did not run"))
            }
            upstream::ErrorKind::Busy => Self::of_target(target, error),
            _ => Self::unavailable(target),
        }
    }

    /// A call that was not sent, because the target has enough calls or fails all the time.
    pub(crate) fn refused(target: &str, refusal: &Refusal) -> Self {
        let (text, retry) = match refusal {
            Refusal::Busy(calls) => {
                let text = format!(
                    "target `{target}` has {calls} calls in flight and takes no more; the call did not run"
                );
                (text, Duration::from_secs(1))
            }
            Refusal::Paused(Paused { failures, because, retry }) => {
                let failed = match failures {
                    1 => "failed".to_owned(),
                    failures => format!("failed {failures} times in a row"),
                };
                let text = format!(
                    "target `{target}` {failed} (the last time it {}) and is not called for now; it is tried again in {} s. The call did not run",
                    ailment(*because),
                    whole(*retry)
                );
                (text, *retry)
            }
        };
        let data: Object = [("retryAfterSeconds", Raw::of(&whole(retry)))].into_iter().collect();
        Self::new(ErrorKind::TargetUnavailable, text).with_data(data.to_raw())
    }

    /// A session that is over, of somebody else, or was never here.
    pub(crate) fn unknown_session() -> Self {
        Self::new(ErrorKind::UnknownSession, "the session is unknown or over; begin again with `initialize`")
    }

    /// No session can be named.
    pub(crate) fn no_randomness() -> Self {
        Self::new(ErrorKind::TooManySessions, "no session can be opened: the system has no randomness")
    }

    /// A target that has nothing more to say, and did not answer.
    pub(crate) fn unanswered() -> Self {
        Self::new(ErrorKind::TargetFailed, "the target ended without an answer; the call may have run")
    }

    /// A target's failure, told to the client: which target, whether the call may have run, and no internals.
    pub(crate) fn of_target(target: &str, error: &upstream::Error) -> Self {
        use upstream::ErrorKind as Kind;
        let (kind, what) = match error.kind {
            Kind::Unreachable => (ErrorKind::TargetUnavailable, "is not available"),
            Kind::Stopped => (ErrorKind::TargetFailed, "was stopped; the call may have run"),
            Kind::Busy => (ErrorKind::TargetUnavailable, "is busy; the call did not run"),
            Kind::Unauthorized => (ErrorKind::TargetUnavailable, "refuses the gateway's credentials"),
            Kind::SessionLost => (ErrorKind::TargetUnavailable, "lost its session; the call did not run"),
            Kind::Closed => (ErrorKind::TargetFailed, "ended before it answered; the call may have run"),
            // Whose deadline it was and how long is ours to say, and the same for everybody.
            Kind::Timeout => {
                return Self::new(ErrorKind::TargetSilent, format!("{error}; the call may have run"));
            }
            Kind::Status(_) => {
                (ErrorKind::TargetFailed, "answered with an HTTP error; the call may have run")
            }
            Kind::Protocol => {
                (ErrorKind::TargetFailed, "sent something that is not MCP; the call may have run")
            }
            Kind::TooLarge => (
                ErrorKind::TargetFailed,
                "sent an answer larger than `config.limits.responseBody` allows; the call may have run",
            ),
        };
        Self::new(kind, format!("target `{target}` {what}"))
    }
}

/// What a target did that fails.
fn ailment(kind: upstream::ErrorKind) -> &'static str {
    use upstream::ErrorKind as Kind;
    match kind {
        Kind::Unreachable => "could not be reached",
        Kind::Timeout => "did not answer in time",
        Kind::Status(_) => "answered with an HTTP error",
        Kind::Protocol => "sent something that is not MCP",
        Kind::Closed
        | Kind::SessionLost
        | Kind::Unauthorized
        | Kind::TooLarge
        | Kind::Stopped
        | Kind::Busy => "ended before it answered",
    }
}

/// Whole seconds, and at least one: to come back at once is of no use.
fn whole(time: Duration) -> u64 {
    time.as_secs_f64().ceil().max(1.0) as u64
}

impl From<protocol::message::ScanError> for Error {
    fn from(error: protocol::message::ScanError) -> Self {
        use protocol::message::ScanError;
        match error {
            ScanError::NotJson(_) => Self::new(ErrorKind::NotJson, error.to_string()),
            ScanError::Invalid { reason, .. } => Self::new(ErrorKind::Malformed, reason),
        }
    }
}
