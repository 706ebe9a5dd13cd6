//! What a backend offers, as the API says it.

use federation::CatalogItem;
use protocol::Kind;
use serde::Serialize;
use serde_json::value::RawValue;

/// An item: what clients see, and where it leads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    kind: &'static str,
    name: String,
    target: String,
    original: String,
    /// Kept as it is spelled: the order of a schema's properties is the order of a form's fields.
    item: Option<Box<RawValue>>,
    tokens: usize,
}

impl Item {
    pub(super) fn of(item: CatalogItem) -> Self {
        let CatalogItem { kind, name, target, local, raw } = item;
        Self {
            kind: match kind {
                Kind::Tool => "tool",
                Kind::Prompt => "prompt",
                Kind::Resource => "resource",
                Kind::Template => "resourceTemplate",
            },
            name,
            target,
            original: local,
            tokens: tokens(raw.as_bytes()),
            item: String::from_utf8(raw.as_bytes().to_vec())
                .ok()
                .and_then(|text| RawValue::from_string(text).ok()),
        }
    }
}

/// About how many tokens of a model's context a text takes. Tokenizers differ; four bytes each is what they come to on JSON
/// in English, and enough to see which item is dear.
fn tokens(text: &[u8]) -> usize {
    text.len().div_ceil(4)
}
