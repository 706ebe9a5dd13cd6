//! Whatever a target answers is looked at and edited without a panic, stays a value, and is left alone by whatever it is not
//! about.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use protocol::list::{self, Page};
use protocol::method::Kind;
use protocol::uris::{self, Shape};
use protocol::{Era, Mirror, Object, Raw, RpcError, Version, capability, completion, down, message, name, task};

const METHODS: &[&str] = &[
    "tools/call",
    "tools/list",
    "prompts/get",
    "resources/read",
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
];

fuzz_target!(|text: &[u8]| {
    let bytes = Bytes::copy_from_slice(text);
    // A message of a target, alone or in a batch.
    let _ = message::scan_batch(&bytes);
    if let Ok(protocol::Message::Response(response)) = message::scan(&bytes) {
        result(response.outcome.as_ref().unwrap_or_else(|error| error));
    }
    if let Ok(raw) = Raw::parse(&bytes) {
        result(&raw);
    }
});

fn result(raw: &Raw) {
    lists(raw);
    for shape in [Shape::Result, Shape::Unfinished, Shape::Item] {
        sound(&uris::rewrite(raw, shape, |uri| Some(name::wrap_uri("t", uri))));
    }
    for version in Version::ALL {
        for method in METHODS {
            if let Ok(changed) = down::result(method, raw, *version) {
                sound(&changed);
            }
            sound(&down::answer_for_target(method, raw, *version));
        }
    }
    for era in [Era::Legacy, Era::Modern] {
        let _ = task::created(era, raw);
    }
    sound(&task::rename(raw, |id| Some(task::wrap("t", id))));
    sound(&completion::cut(raw));
    sound(&RpcError::from_raw(raw).to_raw());
    if let Ok(object) = raw.object() {
        params(&object);
    }
}

/// A list as a scout reads it.
fn lists(raw: &Raw) {
    for kind in Kind::ALL {
        for item in Page::read(kind, raw).map(|page| page.items).unwrap_or_default() {
            let Some(old) = list::item_name(kind, &item) else { continue };
            let renamed = list::rename(kind, &item, "other");
            sound(&renamed);
            assert_eq!(list::item_name(kind, &renamed).as_deref(), Some("other"));
            assert_eq!(list::item_name(kind, &list::rename(kind, &renamed, &old)), Some(old));
        }
    }
    if let Ok(mirror) = Mirror::of_tool(raw) {
        let arguments = raw.object().unwrap_or_default();
        let headers = mirror.headers(&arguments);
        let _ = mirror.check(&arguments, &headers);
    }
}

/// The params of what a target asks.
fn params(object: &Object) {
    for version in Version::ALL {
        for method in METHODS {
            sound(&down::request(method, object, *version).to_raw());
            let _ = capability::permits(object, method, object);
        }
        sound(&capability::for_target(object, *version, &["a"]).to_raw());
    }
    let _ = capability::profile(object);
    let mut held = object.clone();
    task::relate(&mut held, "t");
    assert!(task::unrelate(&mut held));
}

/// An edited value is a value.
fn sound(raw: &Raw) {
    Raw::parse(raw.bytes()).expect("a value");
}
