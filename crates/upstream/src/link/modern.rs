//! Requests as a modern target understands them: each describes itself (spec 2026-07-28, basic/index "_meta").

use http::{HeaderName, HeaderValue};
use protocol::method::Kind;
use protocol::{Id, Object, Raw, Version, Word, header, message, meta, task};

use crate::Call;
use crate::call::{client_info, describe};
use crate::wire::{Label, Outgoing};

/// A call with its envelope, and with the headers that mirror it.
pub(super) fn outgoing(id: Id, call: &Call, version: Version) -> Outgoing {
    let mut params = call.params.clone();
    params.set("_meta", envelope(&id, call, version));
    let named = call.method.named_by().and_then(|key| params.text(key));
    let mirrored = call.mirrored.iter();
    let mirrored = mirrored.filter_map(|(name, value)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    });
    let label = Label { mirrored: mirrored.collect(), ..label(version, call.method.name, named.as_deref()) };
    Outgoing { body: message::request(&id, call.method.name, &params), label, opens: false, id: Some(id) }
}

/// What a call says of itself.
fn envelope(id: &Id, call: &Call, version: Version) -> Raw {
    let own = call.params.object("_meta");
    if own.is_none()
        && call.log_level.is_none()
        && !call.progress
        && let Some(envelope) = call.caller.envelope(version)
    {
        return envelope.clone();
    }
    let mut meta = own.unwrap_or_default();
    call.caller.write_envelope(&mut meta, version);
    if let Some(level) = &call.log_level {
        meta.set(meta::LOG_LEVEL, Raw::string(level));
    }
    if call.progress {
        meta.set(meta::PROGRESS_TOKEN, id.to_raw());
    }
    meta.to_raw()
}

/// What a request on our own account says of itself.
pub(super) struct Own<'a> {
    pub(super) version: Version,
    /// What the client can do on whose account the link was opened.
    pub(super) capabilities: &'a Raw,
}

impl Own<'_> {
    /// The probe and self-description.
    pub(super) fn discover(&self, id: Id) -> Outgoing {
        self.request(id, "server/discover", Object::default())
    }

    /// A stream of changes.
    pub(super) fn listen(&self, id: Id, lists: &[Kind], uris: &[String]) -> Outgoing {
        let mut wanted = Object::default();
        for kind in lists {
            wanted.set(kind.listen_key(), Raw::of(&true));
        }
        if !uris.is_empty() {
            wanted.set("resourceSubscriptions", Raw::of(uris));
        }
        self.request(id, LISTEN, [("notifications", wanted.to_raw())].into_iter().collect())
    }

    fn request(&self, id: Id, method: &'static str, mut params: Object) -> Outgoing {
        let mut meta = Object::default();
        describe(&mut meta, self.version, self.capabilities.clone(), client_info());
        params.set("_meta", meta.to_raw());
        Outgoing {
            body: message::request(&id, method, &params),
            label: label(self.version, method, None),
            opens: false,
            id: Some(id),
        }
    }
}

const LISTEN: &str = "subscriptions/listen";

/// A stream of what becomes of tasks (ext-tasks, "Notifications"): only those hear of tasks who declare that they know them.
pub(super) fn listen_to_tasks(id: Id, tasks: &[String], version: Version) -> Outgoing {
    let wanted: Object = [("taskIds", Raw::of(tasks))].into_iter().collect();
    let extensions: Object = [(task::EXTENSION, Raw::empty_object())].into_iter().collect();
    let capabilities: Object = [("extensions", extensions.to_raw())].into_iter().collect();
    let own = Own { version, capabilities: &capabilities.to_raw() };
    own.request(id, LISTEN, [("notifications", wanted.to_raw())].into_iter().collect())
}

fn label(version: Version, method: &'static str, name: Option<&str>) -> Label {
    let name = name.and_then(|name| HeaderValue::try_from(header::encode(name)).ok());
    Label { method: Some(method), name, ..Label::of(version) }
}

/// Whether a result says that the target needs input before it can answer.
pub(super) fn needs_input(result: &Raw) -> bool {
    result.holds(Word::InputRequired)
        && result.object().is_ok_and(|object| object.text("resultType").as_deref() == Some("input_required"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Caller;

    #[test]
    fn the_header_names_what_a_request_is_about() {
        for (method, params, name) in [
            ("tools/call", json!({ "name": "x", "taskId": "1" }), Some("x")),
            ("resources/read", json!({ "uri": "file:///é" }), Some("=?base64?ZmlsZTovLy/DqQ==?=")),
            ("resources/read", json!({ "name": "x", "uri": "file:///a" }), Some("file:///a")),
            ("tasks/get", json!({ "taskId": "1 2", "uri": "x" }), Some("1 2")),
            ("completion/complete", json!({ "name": "x", "ref": {} }), None),
            ("tools/list", json!({}), None),
        ] {
            let method = protocol::method::find(method).expect("a row");
            let params = Raw::of(&params).object().expect("an object");
            let call = Call::quiet(method, params, Caller::plain());
            let out = outgoing(7.into(), &call, Version::V2026_07_28);
            let header = out.label.name.as_ref().map(|value| value.to_str().expect("ASCII"));
            assert_eq!(header, name, "{}", method.name);
        }
    }
}
