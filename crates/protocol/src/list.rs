//! List results, cut into raw items; and items with another name.

use crate::json::JsonError;
use crate::method::Kind;
use crate::{Raw, Splice, depth};

/// One page of a list as a target gave it.
#[derive(Debug, Clone)]
pub struct Page {
    /// The items, raw and in order.
    pub items: Vec<Raw>,
    /// Where the next page begins. An empty cursor is a cursor.
    pub next: Option<String>,
    /// For how long a modern target calls the page fresh, in milliseconds.
    pub ttl_ms: u64,
    /// Whether a modern target allows the page to be shown to anyone.
    pub public: bool,
}

impl Page {
    /// Reads the `result` of a list of this kind.
    pub fn read(kind: Kind, result: &Raw) -> Result<Self, JsonError> {
        let object = result.object()?;
        let items = match object.get(kind.list_key()) {
            Some(items) => items.array()?,
            None => return Err(JsonError(format!("the result has no `{}`", kind.list_key()))),
        };
        Ok(Self {
            items,
            next: object.text("nextCursor"),
            ttl_ms: object
                .get("ttlMs")
                .and_then(|ttl| ttl.read::<i64>().ok())
                .map_or(0, |ttl| ttl.max(0) as u64),
            public: object.text("cacheScope").as_deref() == Some("public"),
        })
    }
}

/// The name, URI or URI template of an item; `None` for something that is no item.
pub fn item_name(kind: Kind, item: &Raw) -> Option<String> {
    item.object().ok()?.text(kind.item_key())
}

/// How deep an item may nest. Readers that count take 128 levels, and some of them are around it.
const DEEPEST: usize = 100;

/// Whether every reader of JSON can read an item. In a merged list, one that some cannot read would take the items of all
/// others away from them: nested too deep, half of a surrogate pair, a number that is too large.
pub fn is_readable(item: &Raw) -> bool {
    !depth::exceeds(item.as_bytes(), DEEPEST) && item.read::<serde_json::Value>().is_ok()
}

/// The item under another name or URI, every other byte as it was.
pub fn rename(kind: Kind, item: &Raw, name: &str) -> Raw {
    let Ok(object) = item.object() else {
        return item.clone();
    };
    let mut edit = Splice::new(item);
    if let Some(old) = object.get(kind.item_key()) {
        edit.replace(old, Raw::string(name));
    }
    edit.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn raw(text: &'static str) -> Raw {
        Raw::parse(&Bytes::from_static(text.as_bytes())).expect("valid JSON in a test")
    }

    #[test]
    fn a_page_is_cut_into_raw_items() {
        let page = Page::read(
            Kind::Tool,
            &raw(r#"{"tools":[{"x":1.0,"name":"a"}, {"name":"b"}],"nextCursor":"","ttlMs":-5}"#),
        )
        .expect("a page");
        assert_eq!(page.items[0].as_bytes(), br#"{"x":1.0,"name":"a"}"#);
        assert_eq!((page.next.as_deref(), page.ttl_ms, page.public), (Some(""), 0, false));
    }

    #[test]
    fn renaming_leaves_the_rest_alone() {
        let item = raw(r#"{ "inputSchema" : {"name":"kept", "n":1.10e0}, "name" :"a", "x":null }"#);
        let renamed = rename(Kind::Tool, &item, "t_a");
        assert_eq!(
            renamed.as_bytes(),
            br#"{ "inputSchema" : {"name":"kept", "n":1.10e0}, "name" :"t_a", "x":null }"#
        );
    }

    #[test]
    fn a_result_without_its_list_is_an_error() {
        assert!(Page::read(Kind::Prompt, &raw(r#"{"tools":[]}"#)).is_err());
    }
}
