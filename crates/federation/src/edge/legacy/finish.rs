//! What a target answered, as a legacy client understands it.

use memchr::memmem;
use protocol::{Object, Raw, RpcError, error, list, meta};
use upstream::Answer;

use crate::error::{Error, ErrorKind};

/// A result without what only modern clients know; some validators of older ones refuse unknown members. A result of
/// another type than `complete` means nothing to them.
pub(super) fn down(result: &Raw) -> Result<Raw, Error> {
    if memmem::find(result.as_bytes(), b"\"resultType\"").is_none() {
        return Ok(result.clone());
    }
    let Ok(mut object) = result.object() else {
        return Ok(result.clone());
    };
    if let Some(kind) = object.text("resultType").filter(|kind| kind != "complete") {
        let text = format!("the target answered with a result of type `{kind}`, which was not negotiated");
        return Err(Error::new(ErrorKind::CannotRelay, text));
    }
    if let Some(mut meta) = object.object("_meta") {
        meta.remove(meta::SERVER_INFO);
        if meta.is_empty() {
            object.remove("_meta");
        } else {
            object.set("_meta", meta.to_raw());
        }
    }
    Ok(list::without(&object.to_raw(), &["resultType", "ttlMs", "cacheScope"]))
}

/// A target's error for a legacy client: codes that only modern peers know are about the target's hop and not about the
/// client's, so they are carried as data.
pub(super) fn explain(error: Raw) -> Raw {
    let known = RpcError::from_raw(&error);
    match known.code {
        error::HEADER_MISMATCH | error::MISSING_CLIENT_CAPABILITY | error::UNSUPPORTED_VERSION => {
            let original: Object = [("original", error)].into_iter().collect();
            RpcError::new(error::INTERNAL, known.message).with_data(original.to_raw()).to_raw()
        }
        _ => error,
    }
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
        | ErrorKind::HeaderMismatch => Some(kind),
        ErrorKind::UnknownMethod
        | ErrorKind::InvalidParams
        | ErrorKind::UnknownResource
        | ErrorKind::MissingCapability
        | ErrorKind::TargetUnavailable
        | ErrorKind::TargetFailed
        | ErrorKind::CannotRelay => None,
    }
}
