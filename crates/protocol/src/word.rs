//! Words that decide something where they stand in a value, and which of them stand in one.
//!
//! Most results hold none of what is looked for in them: no URIs, nothing that older clients would misread, no failure.
//! To find that out by looking takes a pass over the result for each. The reader goes over every string anyway and notes
//! which of these words it met, so that the passes need not be made.

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
    /// `ttlMs`.
    TtlMs,
    /// `isError`.
    IsError,
    /// `execution`.
    Execution,
    /// `resultType`.
    ResultType,
    /// `cacheScope`.
    CacheScope,
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
    /// The word that a string is, if it is one.
    #[inline]
    fn spelled(text: &[u8]) -> Option<Self> {
        let (word, spelling) = match text.len() {
            3 => (Self::Uri, "uri"),
            4 => (Self::Task, "task"),
            5 => match text[0] {
                b'_' => (Self::Meta, "_meta"),
                b'a' => (Self::Audio, "audio"),
                _ => (Self::TtlMs, "ttlMs"),
            },
            7 => (Self::IsError, "isError"),
            9 => (Self::Execution, "execution"),
            10 if text[0] == b'r' => (Self::ResultType, "resultType"),
            10 => (Self::CacheScope, "cacheScope"),
            11 if text[0] == b'r' => (Self::Uri, "resourceUri"),
            11 => (Self::Annotations, "annotations"),
            12 if text[0] == b'o' => (Self::OutputSchema, "outputSchema"),
            12 => (Self::Mirrored, "x-mcp-header"),
            13 => (Self::ResourceLink, "resource_link"),
            14 if text[0] == b'u' => (Self::Uri, "ui/resourceUri"),
            14 => (Self::InputRequired, "input_required"),
            17 => (Self::StructuredContent, "structuredContent"),
            _ => return None,
        };
        (text == spelling.as_bytes()).then_some(word)
    }
}

/// The words that may stand in a value. There may be fewer in it, never more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words(u16);

impl Words {
    pub(crate) const NONE: Self = Self(0);
    /// Nobody has looked.
    pub(crate) const UNKNOWN: Self = Self(u16::MAX);
    /// The name of some member is spelled with escapes, so that it may be any.
    pub(crate) const ESCAPED_NAME: Self = Self(1 << 15);

    /// Notes a string that was met.
    #[inline]
    pub(crate) fn note(&mut self, text: &[u8]) {
        if let Some(word) = Word::spelled(text) {
            self.0 |= 1 << word as u8;
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether a word may stand there in its usual spelling.
    pub(crate) fn may_hold(self, word: Word) -> bool {
        self.0 & 1 << word as u8 != 0
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
            (Word::TtlMs, "ttlMs"),
            (Word::IsError, "isError"),
            (Word::Execution, "execution"),
            (Word::ResultType, "resultType"),
            (Word::CacheScope, "cacheScope"),
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
