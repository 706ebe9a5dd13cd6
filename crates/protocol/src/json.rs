//! Raw JSON values, and objects as ordered lists of raw members.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// One complete JSON value as the bytes that spelled it.
///
/// Cheap to clone: it shares the buffer of the message it was cut from.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Raw(Bytes);

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
        let value: &RawValue = serde_json::from_slice(bytes)?;
        Ok(Self::cut(bytes, value))
    }

    /// The JSON spelling of anything serde can write.
    ///
    /// Only for values of our own: maps with non-string keys are the one way this can fail, and we build none.
    pub fn of<T: serde::Serialize + ?Sized>(value: &T) -> Self {
        Self(Bytes::from(serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec())))
    }

    /// The JSON string that spells `text`.
    pub fn string(text: &str) -> Self {
        Self::of(text)
    }

    /// `{}`.
    pub const fn empty_object() -> Self {
        Self(Bytes::from_static(b"{}"))
    }

    fn cut(base: &Bytes, value: &RawValue) -> Self {
        Self(base.slice_ref(value.get().as_bytes()))
    }

    /// Wraps bytes that a writer of this crate has just produced as one JSON value.
    pub(crate) fn trusted(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The same value in a buffer of its own, for what outlives the message that it was cut from.
    pub fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// The bytes that spell the value.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same, as a shared buffer.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The text of a JSON string; `None` for any other value.
    pub fn to_text(&self) -> Option<String> {
        if self.0.first() != Some(&b'"') {
            return None;
        }
        serde_json::from_slice(&self.0).ok()
    }

    /// Whether this is the literal `null`.
    pub fn is_null(&self) -> bool {
        self.0.as_ref() == b"null"
    }

    /// Whether this is an object.
    pub fn is_object(&self) -> bool {
        self.0.first() == Some(&b'{')
    }

    /// Reads the value as a type of ours. For values that are not forwarded.
    pub fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, JsonError> {
        Ok(serde_json::from_slice(&self.0)?)
    }

    /// The members of an object. A member that occurs twice is an error.
    pub fn object(&self) -> Result<Object, JsonError> {
        Object::parse(&self.0)
    }

    /// The elements of an array.
    pub fn array(&self) -> Result<Vec<Raw>, JsonError> {
        self.array_of_at_most(usize::MAX)
    }

    /// The elements of an array that has no more than `most`; a longer one is an error, and is not read further.
    pub fn array_of_at_most(&self, most: usize) -> Result<Vec<Raw>, JsonError> {
        let mut reader = serde_json::Deserializer::from_slice(&self.0);
        Ok(reader.deserialize_seq(ArrayVisitor { base: &self.0, most })?)
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// A JSON object as its members in the order in which they came, each value raw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    members: Vec<(Box<str>, Raw)>,
}

impl Object {
    /// Reads one object. A member that occurs twice, also when one is spelled with escapes, is an error: two readers
    /// that disagree on which of the two counts would let a caller name one thing to us and another to the target.
    pub fn parse(bytes: &Bytes) -> Result<Self, JsonError> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let object = ObjectSeed { base: bytes }.deserialize(&mut reader)?;
        reader.end()?;
        Ok(object)
    }

    /// The value of a member.
    pub fn get(&self, key: &str) -> Option<&Raw> {
        self.members.iter().find(|(name, _)| &**name == key).map(|(_, value)| value)
    }

    /// The text of a member that is a string.
    pub fn text(&self, key: &str) -> Option<String> {
        self.get(key)?.to_text()
    }

    /// A member that is itself an object.
    pub fn object(&self, key: &str) -> Option<Object> {
        self.get(key)?.object().ok()
    }

    /// Replaces a member in its place, or adds it at the end.
    pub fn set(&mut self, key: &str, value: Raw) {
        match self.members.iter_mut().find(|(name, _)| &**name == key) {
            Some((_, old)) => *old = value,
            None => self.members.push((key.into(), value)),
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, key: &str) -> Option<Raw> {
        let at = self.members.iter().position(|(name, _)| &**name == key)?;
        Some(self.members.remove(at).1)
    }

    /// Keeps the members whose key passes.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.members.retain(|(key, _)| keep(key));
    }

    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Raw)> {
        self.members.iter().map(|(key, value)| (&**key, value))
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Appends the object to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (index, (key, value)) in self.members.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_string(key, out);
            out.push(b':');
            out.extend_from_slice(value.as_bytes());
        }
        out.push(b'}');
    }

    /// The object as one raw value.
    pub fn to_raw(&self) -> Raw {
        let size =
            self.members.iter().map(|(key, value)| key.len() + value.as_bytes().len() + 4).sum::<usize>();
        let mut out = Vec::with_capacity(size + 2);
        self.write(&mut out);
        Raw::trusted(out.into())
    }
}

impl<'a> FromIterator<(&'a str, Raw)> for Object {
    fn from_iter<I: IntoIterator<Item = (&'a str, Raw)>>(members: I) -> Self {
        Self { members: members.into_iter().map(|(key, value)| (key.into(), value)).collect() }
    }
}

/// Appends `text` as a JSON string.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    let plain = text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\');
    if plain {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(Raw::string(text).as_bytes());
    }
}

/// The elements as one JSON array.
pub fn array_of<'a>(elements: impl IntoIterator<Item = &'a Raw>) -> Raw {
    let mut out = vec![b'['];
    for (index, element) in elements.into_iter().enumerate() {
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
    let mut out = Vec::with_capacity(elements.clone().map(|element| element.0.len() + 1).sum());
    for (index, element) in elements.clone().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(element.as_bytes());
    }
    let line = Bytes::from(out);
    let mut begin = 0;
    let slice = |element: &Raw| {
        let end = begin + element.0.len();
        let slice = Raw(line.slice(begin..end));
        begin = end + 1;
        slice
    };
    let slices = elements.map(slice).collect();
    (line, slices)
}

// === Readers that keep slices of the buffer ===

/// Reads one object out of a larger value that lies in `base`.
pub(crate) struct ObjectSeed<'a> {
    pub(crate) base: &'a Bytes,
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_> {
    type Value = Object;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Object, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_> {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut members: Vec<(Box<str>, Raw)> = Vec::new();
        let mut seen = Seen::default();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            if !seen.is_new(&key, &members) {
                return Err(A::Error::custom(format!("the member `{key}` occurs twice")));
            }
            let value: &RawValue = map.next_value()?;
            members.push((key, Raw::cut(self.base, value)));
        }
        Ok(Object { members })
    }
}

/// Notices repeated keys. Few members are compared one by one; many are hashed, because comparing each with each would let
/// a body of a few megabytes keep us busy for minutes.
#[derive(Default)]
struct Seen(std::collections::HashSet<Box<str>>);

impl Seen {
    const FEW: usize = 32;

    fn is_new(&mut self, key: &str, before: &[(Box<str>, Raw)]) -> bool {
        if before.len() < Self::FEW {
            return before.iter().all(|(name, _)| **name != *key);
        }
        if self.0.is_empty() {
            self.0.extend(before.iter().map(|(name, _)| name.clone()));
        }
        self.0.insert(key.into())
    }
}

/// Reads a key, borrowed from the buffer or decoded from escapes, into a string of its own.
pub(crate) struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Box<str>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Box<str>, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Box<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Box<str>, E> {
        Ok(key.into())
    }
}

struct ArrayVisitor<'a> {
    base: &'a Bytes,
    most: usize,
}

impl<'de> Visitor<'de> for ArrayVisitor<'_> {
    type Value = Vec<Raw>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Raw>, A::Error> {
        let mut elements = Vec::new();
        while let Some(value) = seq.next_element::<&RawValue>()? {
            if elements.len() == self.most {
                return Err(A::Error::custom(format!("the array has more than {} elements", self.most)));
            }
            elements.push(Raw::cut(self.base, value));
        }
        Ok(elements)
    }
}
