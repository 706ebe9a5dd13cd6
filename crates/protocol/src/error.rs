//! JSON-RPC error objects and the codes that MCP gives a meaning to.
//!
//! Spec 2026-07-28, basic/index "Error codes".

use crate::{Object, Raw};

/// The body is not JSON.
pub const PARSE: i64 = -32700;
/// The JSON is not a request.
pub const INVALID_REQUEST: i64 = -32600;
/// No such method, or one whose capability is not advertised.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// Unknown tool, prompt, cursor, level …, or params of the wrong shape.
pub const INVALID_PARAMS: i64 = -32602;
/// Something went wrong that is not the caller's doing.
pub const INTERNAL: i64 = -32603;
/// Resource not found, legacy eras only. Modern peers get [`INVALID_PARAMS`].
pub const RESOURCE_NOT_FOUND: i64 = -32002;
/// The person at the client refused what was asked (legacy; spec 2025-11-25, client/sampling "Error Handling").
pub const USER_REJECTED: i64 = -1;
/// The client has to visit URLs first (2025-11-25 only).
pub const URL_ELICITATION_REQUIRED: i64 = -32042;
/// Headers and body disagree (modern).
pub const HEADER_MISMATCH: i64 = -32020;
/// The request needs a capability that the client did not declare (modern).
pub const MISSING_CLIENT_CAPABILITY: i64 = -32021;
/// The request names a revision that is not served (modern).
pub const UNSUPPORTED_VERSION: i64 = -32022;

/// A JSON-RPC error as we make or read one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct RpcError {
    /// The code.
    pub code: i64,
    /// One sentence for a person.
    pub message: String,
    /// Anything a program may want.
    pub data: Option<Raw>,
}

impl RpcError {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// Adds data.
    #[must_use]
    pub fn with_data(mut self, data: Raw) -> Self {
        self.data = Some(data);
        self
    }

    /// The `error` member of a response.
    pub fn to_raw(&self) -> Raw {
        let mut object = Object::default();
        object.set("code", Raw::of(&self.code));
        object.set("message", Raw::string(&self.message));
        if let Some(data) = &self.data {
            object.set("data", data.clone());
        }
        object.to_raw()
    }

    /// Reads the `error` member of a response; what it lacks is filled with the plainest value.
    pub fn from_raw(raw: &Raw) -> Self {
        let object = raw.object().unwrap_or_default();
        Self {
            code: object.get("code").and_then(|code| code.read().ok()).unwrap_or(INTERNAL),
            message: object.text("message").unwrap_or_else(|| "the error has no message".into()),
            data: object.get("data").cloned(),
        }
    }
}
