//! One request as a service sees it, and what a service can answer.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use protocol::error::{INVALID_PARAMS, METHOD_NOT_FOUND, RESOURCE_NOT_FOUND};
use protocol::method::notifications;
use protocol::{Era, meta};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::envelope::Object;

/// What a service answers: the members of a result, or why there is none.
pub(super) type Answer = Result<Value, Fault>;

/// A request, and the way back to its sender.
pub(super) struct Call<'a> {
    pub(super) era: Era,
    pub(super) method: String,
    pub(super) params: Object,
    pub(super) level: Option<Level>,
    pub(super) wire: &'a dyn Wire,
    /// Says something, or hangs up, when the call is no longer wanted.
    pub(super) cancelled: Receiver<()>,
}

/// Takes whole messages to the client.
pub(super) trait Wire: Sync {
    fn send(&self, message: &Value) -> io::Result<()>;
}

/// Why a request has no result.
pub(super) enum Fault {
    /// It is answered with an error.
    Error { code: i64, message: String, data: Option<Value> },
    /// The client took it back, so it is not answered at all.
    Cancelled,
}

/// The severity of a log message, least important first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

// ---- Call

impl Call<'_> {
    /// A string member of the params.
    pub(super) fn text(&self, key: &str) -> Result<&str, Fault> {
        let text = self.params.get(key).and_then(Value::as_str);
        text.ok_or_else(|| Fault::invalid_params(format!("params.{key} must be a string")))
    }

    /// The arguments of a tool or a prompt, read into a type of its own.
    pub(super) fn arguments<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(self.params.get("arguments").unwrap_or(&json!({})))
    }

    /// Lets `duration` pass, unless the call is cancelled first.
    pub(super) fn wait(&self, duration: Duration) -> Result<(), Fault> {
        match self.cancelled.recv_timeout(duration) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Err(Fault::Cancelled),
        }
    }

    /// Tells a client that asked for it how far the call has come.
    pub(super) fn progress(&self, progress: u64, total: u64, message: &str) {
        let Some(token) = self.params.get("_meta").and_then(|meta| meta.get(meta::PROGRESS_TOKEN)) else {
            return;
        };
        self.notify(
            notifications::PROGRESS,
            json!({"progressToken": token, "progress": progress, "total": total, "message": message}),
        );
    }

    /// Sends a log message to a client that wants messages of this severity.
    pub(super) fn log_info(&self, text: &str) {
        if self.level.is_some_and(|least| least <= Level::Info) {
            self.notify(notifications::MESSAGE, json!({"level": "info", "logger": "builtin", "data": text}));
        }
    }

    /// A client that does not read us any more is noticed by the reading loop; here it only ends the talking.
    pub(super) fn notify(&self, method: &str, params: Value) {
        let _ = self.wire.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// The error for a resource that does not exist, which changed its code between the eras.
    pub(super) fn no_such_resource(&self, uri: &str) -> Fault {
        let code = match self.era {
            Era::Legacy => RESOURCE_NOT_FOUND,
            Era::Modern => INVALID_PARAMS,
        };
        Fault::new(code, "resource not found").with_data(json!({"uri": uri}))
    }

    /// The error for a method that the service does not have.
    pub(super) fn no_such_method(&self) -> Fault {
        Fault::new(METHOD_NOT_FOUND, format!("method not found: {}", self.method))
    }
}

impl<W: Write + Send> Wire for Mutex<W> {
    fn send(&self, message: &Value) -> io::Result<()> {
        let mut line = message.to_string();
        line.push('\n');
        // A thread that panicked while writing left at worst one broken line behind; the others can go on.
        let mut out = self.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(line.as_bytes())?;
        out.flush()
    }
}

// ---- Fault and Level

impl Fault {
    pub(super) fn new(code: i64, message: impl Into<String>) -> Self {
        Self::Error { code, message: message.into(), data: None }
    }

    pub(super) fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMS, message)
    }

    pub(super) fn with_data(self, value: Value) -> Self {
        match self {
            Self::Error { code, message, .. } => Self::Error { code, message, data: Some(value) },
            Self::Cancelled => Self::Cancelled,
        }
    }
}

impl Level {
    pub(super) fn read(value: &Value) -> Result<Self, Fault> {
        Self::deserialize(value).map_err(|_| Fault::invalid_params(format!("not a log level: {value}")))
    }
}

// ---- Results

/// A tool result of one text block.
pub(super) fn text(text: impl Into<String>) -> Value {
    json!({"content": [{"type": "text", "text": text.into()}]})
}

/// A tool result that tells the model what went wrong, so that it can try again.
pub(super) fn failed(reason: impl Into<String>) -> Value {
    json!({"content": [{"type": "text", "text": reason.into()}], "isError": true})
}
