//! Raw JSON values, and objects as ordered lists of raw members.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use bytes::Bytes;

use crate::Word;
use crate::reader::{Reader, Stop, is_plain};
use crate::word::Words;

mod object;

pub use self::object::{Key, Object};

/// One complete JSON value as the bytes that spelled it.
///
/// Cheap to clone: it shares the buffer of the message it was cut from.
#[derive(Clone)]
pub struct Raw {
    bytes: Bytes,
    words: Words,
}

/// Why bytes are not the JSON that was expected, in words for the person who sent them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(pub String);

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

impl Raw {
    /// Checks that `bytes` hold exactly one JSON value. Surrounding white space is cut off.
    pub fn parse(bytes: &Bytes) -> Result<Self, JsonError> {
        let mut reader = Reader::new(bytes);
        let raw = reader.raw(bytes).and_then(|raw| {
            reader.end()?;
            Ok(raw)
        });
        raw.map_err(|no_json| Stop::from(no_json).explain(bytes))
    }

    /// The JSON spelling of anything serde can write.
    ///
    /// Only for values of our own: maps with non-string keys are the one way this can fail, and we build none.
    pub fn of<T: serde::Serialize + ?Sized>(value: &T) -> Self {
        Self::trusted(Bytes::from(serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec())))
    }

    /// The JSON string that spells `text`.
    pub fn string(text: &str) -> Self {
        let mut out = Vec::with_capacity(text.len() + 2);
        write_string(text, &mut out);
        Self::cut(out.into(), Words::of_text(text))
    }

    /// `{}`.
    pub const fn empty_object() -> Self {
        Self { bytes: Bytes::from_static(b"{}"), words: Words::NONE }
    }

    /// Wraps bytes that a reader has just found to be one value, and in it these words.
    pub(crate) fn cut(bytes: Bytes, words: Words) -> Self {
        Self { bytes, words }
    }

    /// Wraps bytes that a writer of this crate has just produced as one JSON value.
    pub(crate) fn trusted(bytes: Bytes) -> Self {
        Self { bytes, words: Words::UNKNOWN }
    }

    /// The same value in a buffer of its own, for what outlives the message that it was cut from.
    pub fn detached(&self) -> Self {
        Self { bytes: Bytes::copy_from_slice(&self.bytes), words: self.words }
    }

    /// The bytes that spell the value.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, as a shared buffer.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Whether a word stands somewhere in the value, as a string or the name of a member in which nothing is escaped.
    ///
    /// Of a value that was read this is known already. Only in one of our own it has to be looked for.
    pub fn holds(&self, word: Word) -> bool {
        if self.words.is_unknown() { word.is_in(&self.bytes) } else { self.words.may_hold(Words::of(word)) }
    }

    /// Whether this is the result of a message that was read, no member of it occurs twice, and none of these is one,
    /// however it is spelled. Of other values that is not known.
    pub fn is_result_without(&self, words: &[Word]) -> bool {
        let unwanted = Words::REPEATED.and(Words::ESCAPED_NAME);
        let unwanted = words.iter().fold(unwanted, |all, word| all.and(Words::of(*word)));
        self.is_object() && !self.words.may_hold(unwanted)
    }

    /// What is known of the value.
    pub(crate) fn words(&self) -> Words {
        self.words
    }

    /// The text of a JSON string; `None` for any other value.
    pub fn to_text(&self) -> Option<String> {
        self.text().map(Cow::into_owned)
    }

    /// The same, and not copied if nothing in it is escaped.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        let inner = self.bytes.strip_prefix(b"\"")?;
        if memchr::memchr(b'\\', inner).is_some() {
            return serde_json::from_slice(&self.bytes).ok().map(Cow::Owned);
        }
        std::str::from_utf8(inner.strip_suffix(b"\"")?).ok().map(Cow::Borrowed)
    }

    /// Whether this is a string that says `text`.
    pub fn says(&self, text: &str) -> bool {
        self.text().is_some_and(|said| said == text)
    }

    /// Whether this is the literal `null`.
    pub fn is_null(&self) -> bool {
        self.bytes.as_ref() == b"null"
    }

    /// Whether this is an object.
    pub fn is_object(&self) -> bool {
        self.bytes.first() == Some(&b'{')
    }

    /// Reads the value as a type of ours. For values that are not forwarded.
    pub fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, JsonError> {
        Ok(serde_json::from_slice(&self.bytes)?)
    }

    /// The members of an object. A member that occurs twice is an error.
    pub fn object(&self) -> Result<Object, JsonError> {
        Object::parse(&self.bytes)
    }

    /// Whether this is an object with a member of this name. Reads no further than to it.
    pub fn has_member(&self, name: &str) -> bool {
        let mut is_found = false;
        let _ = Reader::new(&self.bytes).members(|reader, member| {
            is_found = member.text() == name.as_bytes();
            if is_found { Err(Stop::NoJson) } else { Ok(reader.skip()?) }
        });
        is_found
    }

    /// The elements of an array.
    pub fn array(&self) -> Result<Vec<Raw>, JsonError> {
        self.array_of_at_most(usize::MAX)
    }

    /// The elements of an array that has no more than `most`; a longer one is an error, and is not read further.
    pub fn array_of_at_most(&self, most: usize) -> Result<Vec<Raw>, JsonError> {
        if self.bytes.first() != Some(&b'[') {
            return Err(Stop::unfit("expected an array", 0).explain(&self.bytes));
        }
        let mut elements = Vec::new();
        let read = Reader::new(&self.bytes).elements(|reader| {
            if elements.len() == most {
                return Err(Stop::unfit(format!("the array has more than {most} elements"), reader.at()));
            }
            elements.push(reader.raw(&self.bytes)?);
            Ok(())
        });
        read.map(|()| elements).map_err(|stop| stop.explain(&self.bytes))
    }
}

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Raw {}

impl Hash for Raw {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.bytes))
    }
}

/// Appends `text` as a JSON string.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    if is_plain(text) {
        write_plain(text.as_bytes(), out);
    } else {
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(out, text);
    }
}

/// Appends what needs no escapes as a JSON string.
fn write_plain(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// The elements as one JSON array.
pub fn array_of<'a>(elements: impl IntoIterator<Item = &'a Raw, IntoIter: Clone>) -> Raw {
    let elements = elements.into_iter();
    let size = elements.clone().map(|element| element.as_bytes().len() + 1).sum::<usize>();
    let mut out = Vec::with_capacity(size + 2);
    out.push(b'[');
    for (index, element) in elements.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(element.as_bytes());
    }
    out.push(b']');
    Raw::trusted(out.into())
}

/// The elements in one buffer, one after the other as they stand in an array, without its brackets; and each as a slice of
/// that buffer.
pub fn in_line<'a>(elements: impl Iterator<Item = &'a Raw> + Clone) -> (Bytes, Vec<Raw>) {
    let mut out = Vec::with_capacity(elements.clone().map(|element| element.bytes.len() + 1).sum());
    for (index, element) in elements.clone().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(element.as_bytes());
    }
    let line = Bytes::from(out);
    let mut begin = 0;
    let slice = |element: &Raw| {
        let end = begin + element.bytes.len();
        let slice = Raw::cut(line.slice(begin..end), element.words);
        begin = end + 1;
        slice
    };
    let slices = elements.map(slice).collect();
    (line, slices)
}
