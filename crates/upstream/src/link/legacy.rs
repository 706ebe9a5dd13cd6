//! Requests as a legacy target understands them (2024-11-05 … 2025-11-25).

use http::{HeaderMap, HeaderValue};
use protocol::{Id, Raw, Version, message, meta};

use crate::Call;
use crate::call::client_info;
use crate::wire::Outgoing;
use crate::wire::names::{PROTOCOL_VERSION, USUAL_HEADERS};

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
        headers: headers(version),
        id: Some(id),
    }
}

/// What every message after the handshake carries over HTTP.
pub(super) fn headers(version: Version) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(USUAL_HEADERS);
    headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(version.as_str()));
    headers
}

/// The handshake's request.
pub(super) fn initialize(id: Id, capabilities: &Raw) -> Outgoing {
    let params = [
        ("protocolVersion", Raw::string(Version::NEWEST_LEGACY.as_str())),
        ("capabilities", capabilities.clone()),
        ("clientInfo", client_info()),
    ]
    .into_iter()
    .collect();
    Outgoing { body: message::request(&id, "initialize", &params), headers: HeaderMap::new(), id: Some(id) }
}

/// The handshake's end.
pub(super) fn initialized(version: Version) -> Outgoing {
    let body =
        message::notification(protocol::method::notifications::INITIALIZED, &protocol::Object::default());
    Outgoing { id: None, body, headers: headers(version) }
}
