//! Words that decide something where they stand in a value, and which of them stand in one.
//!
//! Most results hold none of what is looked for in them: no URIs, nothing that older clients would misread, no failure.
//! To find that out by looking takes a pass over the result for each. The reader goes over every string anyway and notes
//! which of these words it met, so that the passes need not be made.

use memchr::memmem;

/// A word that something is decided by, as the name of a member or as a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Word {
    /// `uri`, `resourceUri` or `ui/resourceUri`.
    Uri,
    /// `_meta`.
    Meta,
    /// `task`.
    Task,
    /// `audio`.
    Audio,
    /// `isError` with `true`. Many servers write the same with `false` into every result.
    Failed,
    /// `execution`.
    Execution,
    /// `resultType`.
    ResultType,
    /// `annotations`.
    Annotations,
    /// `outputSchema`.
    OutputSchema,
    /// `x-mcp-header`.
    Mirrored,
    /// `resource_link`.
    ResourceLink,
    /// `input_required`.
    InputRequired,
    /// `structuredContent`.
    StructuredContent,
}

impl Word {
    /// Whether it stands in a text as a string of JSON, found by looking at all of it.
    #[cold]
    pub(crate) fn is_in(self, text: &[u8]) -> bool {
        let quoted: &[u8] = match self {
            Self::Uri => {
                return [&b"\"uri\""[..], b"esourceUri\""]
                    .iter()
                    .any(|ending| memmem::find(text, ending).is_some());
            }
            Self::Failed => b"\"isError\"",
            Self::Meta => b"\"_meta\"",
            Self::Task => b"\"task\"",
            Self::Audio => b"\"audio\"",
            Self::Execution => b"\"execution\"",
            Self::ResultType => b"\"resultType\"",
            Self::Annotations => b"\"annotations\"",
            Self::OutputSchema => b"\"outputSchema\"",
            Self::Mirrored => b"\"x-mcp-header\"",
            Self::ResourceLink => b"\"resource_link\"",
            Self::InputRequired => b"\"input_required\"",
            Self::StructuredContent => b"\"structuredContent\"",
        };
        memmem::find(text, quoted).is_some()
    }

    /// The word that a string is, if it is one.
    #[inline]
    pub(crate) fn spelled(text: &[u8]) -> Option<Self> {
        // By length first, so that most strings cost a look at a table.
        let (word, is_it) = match text.len() {
            3 => (Self::Uri, text == b"uri"),
            4 => (Self::Task, text == b"task"),
            5 if text[0] == b'_' => (Self::Meta, text == b"_meta"),
            5 => (Self::Audio, text == b"audio"),
            7 => (Self::Failed, text == b"isError"),
            9 => (Self::Execution, text == b"execution"),
            10 => (Self::ResultType, text == b"resultType"),
            11 if text[0] == b'r' => (Self::Uri, text == b"resourceUri"),
            11 => (Self::Annotations, text == b"annotations"),
            12 if text[0] == b'o' => (Self::OutputSchema, text == b"outputSchema"),
            12 => (Self::Mirrored, text == b"x-mcp-header"),
            13 => (Self::ResourceLink, text == b"resource_link"),
            14 if text[0] == b'u' => (Self::Uri, text == b"ui/resourceUri"),
            14 => (Self::InputRequired, text == b"input_required"),
            17 => (Self::StructuredContent, text == b"structuredContent"),
            _ => return None,
        };
        is_it.then_some(word)
    }
}

/// What is known of a value without looking at it: which words may stand in it. There may be fewer in it, never more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words(u32);

impl Words {
    /// None of them.
    pub(crate) const NONE: Self = Self(0);
    /// Nobody has looked.
    pub(crate) const UNKNOWN: Self = Self(u32::MAX);
    /// The name of some member is spelled with escapes, so that it may be any.
    pub(crate) const ESCAPED_NAME: Self = Self(1 << 29);
    /// A member at the top may occur twice.
    pub(crate) const REPEATED: Self = Self(1 << 30);

    #[inline]
    pub(crate) const fn of(word: Word) -> Self {
        Self(1 << word as u8)
    }

    /// What stands in a string.
    pub(crate) fn of_text(text: &str) -> Self {
        Word::spelled(text.as_bytes()).map_or(Self::NONE, Self::of)
    }

    #[inline]
    pub(crate) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Those of both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn may_hold(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    pub(crate) fn is_unknown(self) -> bool {
        self.0 == u32::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_known_by_its_spelling_and_nothing_else_is() {
        let spellings = [
            (Word::Uri, "uri"),
            (Word::Uri, "resourceUri"),
            (Word::Uri, "ui/resourceUri"),
            (Word::Meta, "_meta"),
            (Word::Task, "task"),
            (Word::Audio, "audio"),
            (Word::Failed, "isError"),
            (Word::Execution, "execution"),
            (Word::ResultType, "resultType"),
            (Word::Annotations, "annotations"),
            (Word::OutputSchema, "outputSchema"),
            (Word::Mirrored, "x-mcp-header"),
            (Word::ResourceLink, "resource_link"),
            (Word::InputRequired, "input_required"),
            (Word::StructuredContent, "structuredContent"),
        ];
        for (word, spelling) in spellings {
            assert_eq!(Word::spelled(spelling.as_bytes()), Some(word));
            assert_eq!(Word::spelled(spelling.to_uppercase().as_bytes()), None);
            assert_eq!(Word::spelled(&spelling.as_bytes()[1..]), None);
        }
        assert_eq!(Word::spelled(b""), None);
    }
}
