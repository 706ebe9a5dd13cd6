//! THE DOWN-LEVEL TABLE: what clients of other revisions would not understand, and what they get instead.
//!
//! Everything inside is said as revision 2026-07-28 says it, and this is where it is said to older ones. A row is about
//! something that such a client would refuse or misread. Members that it merely does not know are no reason for a row: its
//! schemas leave objects open, so `title`, `icons`, `_meta`, `lastModified` and `x-mcp-header` stay as they are. What stays
//! costs nothing, and no byte of it is touched.
//!
//! The other direction, requests of a target to such a client, is in [`request`].

use memchr::memmem;

use crate::{Era, Object, Raw, Version};

mod content;
mod listing;
mod request;
mod structured;

pub use request::{answer, answer_for_target, request};

use Mark::{NoObject, Word};
use Version::{V2025_03_26, V2025_06_18, V2025_11_25, V2026_07_28};

/// One row.
struct Row {
    /// Methods whose results can hold it; none for every method.
    methods: &'static [&'static str],
    /// What shows that it may be there, as a cheap look.
    mark: Mark,
    /// The revisions that understand it, first and last.
    known: (Version, Version),
    /// What is done for the others.
    change: fn(&mut Object),
}

/// Bytes without which something cannot be there. A spelling with escapes slips through, which no serializer writes;
/// nothing is decided on it.
enum Mark {
    /// A member, or a word.
    Word(&'static [u8]),
    /// A member whose value is anything but an object.
    NoObject(&'static [u8]),
}

impl Mark {
    fn is_in(&self, text: &[u8]) -> bool {
        match self {
            Self::Word(word) => memmem::find(text, word).is_some(),
            Self::NoObject(member) => memmem::find_iter(text, member)
                .any(|at| value_of(&text[at + member.len()..]).is_some_and(|first| first != b'{')),
        }
    }
}

/// The first byte of the value of a member whose name has just ended; none if that was no name.
fn value_of(rest: &[u8]) -> Option<u8> {
    rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().first().copied()
}

const CALL: &[&str] = &["tools/call"];
const CONTENT: &[&str] = &["tools/call", "prompts/get"];
const TOOLS: &[&str] = &["tools/list"];

/// See the module.
const ROWS: &[Row] = &[
    // What only modern results carry. Some validators of older clients refuse unknown members in an empty result.
    row(&[], Word(b"\"resultType\""), (V2026_07_28, V2026_07_28), listing::plain_result),
    // A block of a type that is not among those that a client knows makes the whole result invalid for it.
    row(CONTENT, Word(b"\"audio\""), (V2025_03_26, V2026_07_28), content::without_audio),
    row(CONTENT, Word(b"\"resource_link\""), (V2025_06_18, V2026_07_28), content::without_links),
    // Structured content came with 2025-06-18. Older clients get it as text, which servers send beside it.
    row(CALL, Word(b"\"structuredContent\""), (V2025_06_18, V2026_07_28), structured::as_text),
    // Until 2026-07-28 it was always an object, and clients refuse anything else.
    row(CALL, NoObject(b"\"structuredContent\""), (V2026_07_28, V2026_07_28), structured::objects_only),
    row(TOOLS, Word(b"\"outputSchema\""), (V2025_06_18, V2026_07_28), listing::without_output_schemas),
    row(TOOLS, Word(b"\"outputSchema\""), (V2026_07_28, V2026_07_28), listing::without_schemas_of_others),
    // Hints about tools; in 2024-11-05 `annotations` was something else, for other things.
    row(TOOLS, Word(b"\"annotations\""), (V2025_03_26, V2026_07_28), listing::without_annotations),
    // Tasks as 2025-11-25 had them. Newer clients have others, which a tool does not choose, and older ones have none.
    row(TOOLS, Word(b"\"execution\""), (V2025_11_25, V2025_11_25), listing::without_execution),
];

const fn row(
    methods: &'static [&'static str],
    mark: Mark,
    known: (Version, Version),
    change: fn(&mut Object),
) -> Row {
    Row { methods, mark, known, change }
}

impl Row {
    fn applies(&self, method: &str, result: &Raw, version: Version) -> bool {
        let (first, last) = self.known;
        !(first..=last).contains(&version)
            && (self.methods.is_empty() || self.methods.contains(&method))
            && self.mark.is_in(result.as_bytes())
    }
}

/// A result of this type, which means nothing to clients of revisions in which all results were complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherType(pub String);

/// The result of a method as a client of this revision understands it. Most results come back as they are, for the price
/// of a look at their bytes.
pub fn result(method: &str, result: &Raw, version: Version) -> Result<Raw, OtherType> {
    let mut due = ROWS.iter().filter(|row| row.applies(method, result, version)).peekable();
    if due.peek().is_none() {
        return Ok(result.clone());
    }
    let Ok(before) = result.object() else {
        return Ok(result.clone());
    };
    let kind = before.text("resultType").filter(|kind| version.era() == Era::Legacy && kind != "complete");
    if let Some(kind) = kind {
        return Err(OtherType(kind));
    }
    let mut object = before.clone();
    due.for_each(|row| (row.change)(&mut object));
    Ok(if object == before { result.clone() } else { object.to_raw() })
}

#[cfg(test)]
mod tests;
