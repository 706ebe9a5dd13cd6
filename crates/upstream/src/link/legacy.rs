//! Requests as a legacy target understands them (2024-11-05 … 2025-11-25).

use std::sync::LazyLock;

use bytes::Bytes;
use protocol::method::notifications;
use protocol::{Id, Object, Raw, Version, message, meta};

use crate::Call;
use crate::call::client_info;
use crate::wire::{Label, Outgoing};

/// A call: the params as they are, and a progress token of ours if progress is wanted.
pub(super) fn outgoing(id: Id, call: &Call, version: Version) -> Outgoing {
    let mut params = call.params.clone();
    if call.progress {
        let mut meta = params.object("_meta").unwrap_or_default();
        meta.set(meta::PROGRESS_TOKEN, id.to_raw());
        params.set("_meta", meta.to_raw());
    }
    for modern_only in ["inputResponses", "requestState"] {
        params.remove(modern_only);
    }
    Outgoing {
        body: message::request(&id, call.method.name, &params),
        label: Label::of(version),
        opens: false,
        id: Some(id),
    }
}

/// The handshake's request.
pub(super) fn initialize(id: &Id, capabilities: &Raw) -> Bytes {
    let params = [
        ("protocolVersion", Raw::string(Version::NEWEST_LEGACY.as_str())),
        ("capabilities", capabilities.clone()),
        ("clientInfo", client_info()),
    ]
    .into_iter()
    .collect();
    message::request(id, "initialize", &params)
}

/// The handshake's end.
pub(super) fn initialized(version: Version) -> Outgoing {
    static BODY: LazyLock<Bytes> =
        LazyLock::new(|| message::notification(notifications::INITIALIZED, &Object::default()));
    Outgoing { id: None, opens: false, body: BODY.clone(), label: Label::of(version) }
}
