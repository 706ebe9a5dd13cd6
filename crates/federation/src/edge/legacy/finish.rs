//! What a target answered, as a legacy client understands it.

use protocol::down::{self, OtherType};
use protocol::{Object, Raw, RpcError, Splice, Version, error};
use upstream::Answer;

use crate::error::{Error, ErrorKind};

/// A result as a client of this revision understands it. One of another type than `complete` means nothing to it.
pub(super) fn down(method: &str, result: &Raw, version: Version) -> Result<Raw, Error> {
    down::result(method, result, version).map_err(|OtherType(kind)| {
        let text = format!("the target answered with a result of type `{kind}`, which was not negotiated");
        Error::new(ErrorKind::CannotRelay, text)
    })
}

/// A target's error for a legacy client. Codes that only modern peers know are about the target's hop and not about the
/// client's, so they are carried as data. A resource that does not exist has a code of its own in these revisions; the
/// only other thing that could be invalid in a read, its URI, was there when we looked it up.
pub(super) fn explain(method: &str, error: Raw) -> Raw {
    let known = RpcError::from_raw(&error);
    match known.code {
        error::HEADER_MISMATCH | error::MISSING_CLIENT_CAPABILITY | error::UNSUPPORTED_VERSION => {
            let original: Object = [("original", error)].into_iter().collect();
            RpcError::new(error::INTERNAL, known.message).with_data(original.to_raw()).to_raw()
        }
        error::INVALID_PARAMS if method == "resources/read" => recoded(&error, error::RESOURCE_NOT_FOUND),
        _ => error,
    }
}

/// An error under another code, every other byte as it was.
fn recoded(error: &Raw, code: i64) -> Raw {
    let mut edit = Splice::new(error);
    if let Some(old) = error.object().ok().and_then(|object| object.get("code").cloned()) {
        edit.replace(&old, Raw::of(&code));
    }
    edit.finish()
}

/// A failure of a tool, in words for the model that called it.
pub(super) fn tool_error(text: &str) -> Raw {
    Raw::of(&serde_json::json!({ "content": [{ "type": "text", "text": text }], "isError": true }))
}

/// A tool that needs something that its client did not declare failed in a way that only modern clients know.
pub(super) fn soften(error: Raw) -> Answer {
    let known = RpcError::from_raw(&error);
    if known.code != error::MISSING_CLIENT_CAPABILITY {
        return Err(error);
    }
    let required = known.data.and_then(|data| data.object().ok()?.get("requiredCapabilities").cloned());
    let needs = required.map_or(String::new(), |required| {
        format!("; it needs a client with the capabilities {}", String::from_utf8_lossy(required.as_bytes()))
    });
    Ok(tool_error(&format!("{}{needs}", known.message)))
}

/// Errors that legacy HTTP shows outside the body: those about the message and the session, not those about the call.
pub(super) fn transport_level(kind: ErrorKind) -> Option<ErrorKind> {
    match kind {
        ErrorKind::NotJson
        | ErrorKind::Malformed
        | ErrorKind::SessionRequired
        | ErrorKind::UnknownSession
        | ErrorKind::TooManySessions
        | ErrorKind::UnsupportedVersion
        | ErrorKind::MissingMeta
        | ErrorKind::HeaderMismatch
        | ErrorKind::Internal => Some(kind),
        ErrorKind::UnknownMethod
        | ErrorKind::InvalidParams
        | ErrorKind::UnknownResource
        | ErrorKind::MissingCapability
        | ErrorKind::TargetUnavailable
        | ErrorKind::TargetFailed
        | ErrorKind::TargetSilent
        | ErrorKind::CannotRelay => None,
    }
}
