//! THE DOWN-LEVEL TABLE: what clients of other revisions would not understand, and what they get instead.
//!
//! Everything inside is said as revision 2026-07-28 says it, and this is where it is said to older ones. A row is about
//! something that such a client would refuse or misread. Members that it merely does not know are no reason for a row: its
//! schemas leave objects open, so `title`, `icons`, `_meta`, `lastModified` and `x-mcp-header` stay as they are. What stays
//! costs nothing, and no byte of it is touched.
//!
//! The other direction, requests of a target to such a client, is in [`request`].

use memchr::memmem;

use crate::{Era, Object, Raw, Version, Word};

mod content;
mod listing;
mod request;
mod structured;

pub use request::{answer, answer_for_target, request};

use Mark::{Holds, NoObject};
use Version::{V2025_03_26, V2025_06_18, V2025_11_25, V2026_07_28};

/// One row.
struct Row {
    /// Methods whose results can hold it; none for every method.
    methods: &'static [&'static str],
    /// What shows that it may be there, which costs little to see.
    mark: Mark,
    /// The revisions that understand it, first and last.
    known: (Version, Version),
    /// What is done for the others.
    change: fn(&mut Object),
}

/// Bytes without which something cannot be there. A spelling with escapes slips through, which no serializer writes;
/// nothing is decided on it.
enum Mark {
    /// A member, or a text.
    Holds(Word),
    /// A member, and how it is spelled, whose value is anything but an object.
    NoObject(Word, &'static [u8]),
}

impl Mark {
    fn is_in(&self, result: &Raw) -> bool {
        match self {
            Self::Holds(word) => result.holds(*word),
            Self::NoObject(word, member) => {
                let text = result.as_bytes();
                let is_odd =
                    |at: usize| value_of(&text[at + member.len()..]).is_some_and(|first| first != b'{');
                result.holds(*word) && memmem::find_iter(text, member).any(is_odd)
            }
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
    row(&[], Holds(Word::ResultType), (V2026_07_28, V2026_07_28), listing::plain_result),
    // A block of a type that is not among those that a client knows makes the whole result invalid for it.
    row(CONTENT, Holds(Word::Audio), (V2025_03_26, V2026_07_28), content::without_audio),
    row(CONTENT, Holds(Word::ResourceLink), (V2025_06_18, V2026_07_28), content::without_links),
    // Structured content came with 2025-06-18. Older clients get it as text, which servers send beside it.
    row(CALL, Holds(Word::StructuredContent), (V2025_06_18, V2026_07_28), structured::as_text),
    // Until 2026-07-28 it was always an object, and clients refuse anything else.
    row(
        CALL,
        NoObject(Word::StructuredContent, b"\"structuredContent\""),
        (V2026_07_28, V2026_07_28),
        structured::objects_only,
    ),
    row(TOOLS, Holds(Word::OutputSchema), (V2025_06_18, V2026_07_28), listing::without_output_schemas),
    row(TOOLS, Holds(Word::OutputSchema), (V2026_07_28, V2026_07_28), listing::without_schemas_of_others),
    // Hints about tools; in 2024-11-05 `annotations` was something else, for other things.
    row(TOOLS, Holds(Word::Annotations), (V2025_03_26, V2026_07_28), listing::without_annotations),
    // Tasks as 2025-11-25 had them. Newer clients have others, which a tool does not choose, and older ones have none.
    row(TOOLS, Holds(Word::Execution), (V2025_11_25, V2025_11_25), listing::without_execution),
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
            && self.mark.is_in(result)
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
