//! What a client sends: as much of it as the answer depends on.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A request or a notification. What is not needed is skipped, and nothing is copied.
#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) method: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) params: Params<'a>,
}

#[derive(Default, Deserialize)]
pub(super) struct Params<'a> {
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    arguments: Arguments<'a>,
    #[serde(borrow, rename = "protocolVersion", default)]
    pub(super) version: Cow<'a, str>,
    #[serde(borrow, rename = "_meta", default)]
    pub(super) meta: Meta<'a>,
}

#[derive(Default, Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
pub(super) struct Meta<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion")]
    pub(super) version: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "io.modelcontextprotocol/clientCapabilities")]
    pub(super) capabilities: Option<&'a RawValue>,
}

impl<'a> Message<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The argument of a call, as it was spelt, without its quotes.
    pub(super) fn text(&self) -> &'a str {
        let text = self.params.arguments.text.map_or("", RawValue::get);
        text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_in_place() {
        let call = br#"{"id":"a\"b","x":[1],"method":"tools/call","params":{"arguments":{"n":1,"text":"a\nb"},"name":"echo"}}"#;
        let message = Message::read(call).expect("JSON");
        assert_eq!(message.id.map(RawValue::get), Some(r#""a\"b""#));
        assert_eq!((&*message.method, &*message.params.name), ("tools/call", "echo"));
        assert_eq!(message.text(), r"a\nb");
        assert!(Message::read(b"{").is_none());
    }
}
