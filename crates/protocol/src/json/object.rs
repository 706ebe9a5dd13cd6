//! Objects as ordered lists of raw members.

use std::sync::Arc;

use bytes::Bytes;

use super::{JsonError, Raw, write_plain, write_string};
use crate::reader::{Name, Reader, Seen, Stop};

/// A JSON object as its members in the order in which they came, each value raw.
///
/// A clone shares the members until one of the two changes. Names are not copied out of the message either.
#[derive(Clone, Default)]
pub struct Object {
    /// None for an object without members that was made here.
    members: Option<Arc<Members>>,
}

#[derive(Clone, Default)]
struct Members {
    /// The text that names are cut from.
    base: Bytes,
    list: Vec<Member>,
}

#[derive(Clone)]
struct Member {
    key: Key,
    value: Raw,
}

/// The name of a member.
#[derive(Debug, Clone)]
pub struct Key(Spelling);

#[derive(Debug, Clone)]
enum Spelling {
    /// These bytes of the object's base, in which nothing is escaped.
    Cut(u32, u32),
    /// One of ours.
    Ours(&'static str),
    /// Any other.
    Own(Box<str>),
}

impl From<&'static str> for Key {
    fn from(name: &'static str) -> Self {
        Self(Spelling::Ours(name))
    }
}

impl From<String> for Key {
    fn from(name: String) -> Self {
        Self(Spelling::Own(name.into()))
    }
}

impl From<&String> for Key {
    fn from(name: &String) -> Self {
        Self(Spelling::Own(name.as_str().into()))
    }
}

impl Key {
    #[inline]
    fn of(name: Name<'_>) -> Result<Self, Stop> {
        let cut =
            name.place().and_then(|at| Some((u32::try_from(at.start).ok()?, u32::try_from(at.end).ok()?)));
        Ok(Self(match cut {
            Some((start, end)) => Spelling::Cut(start, end),
            None => Spelling::Own(name.into_text()?.into()),
        }))
    }

    #[inline]
    fn as_bytes<'a>(&'a self, base: &'a [u8]) -> &'a [u8] {
        match &self.0 {
            Spelling::Cut(start, end) => base.get(*start as usize..*end as usize).unwrap_or_default(),
            Spelling::Ours(name) => name.as_bytes(),
            Spelling::Own(name) => name.as_bytes(),
        }
    }

    fn as_str<'a>(&'a self, base: &'a [u8]) -> &'a str {
        match &self.0 {
            Spelling::Cut(..) => std::str::from_utf8(self.as_bytes(base)).unwrap_or_default(),
            Spelling::Ours(name) => name,
            Spelling::Own(name) => name,
        }
    }

    fn write(&self, base: &[u8], out: &mut Vec<u8>) {
        match &self.0 {
            Spelling::Cut(..) => write_plain(self.as_bytes(base), out),
            Spelling::Ours(name) => write_string(name, out),
            Spelling::Own(name) => write_string(name, out),
        }
    }
}

impl Object {
    /// Reads one object. A member that occurs twice, also when one is spelled with escapes, is an error: two readers
    /// that disagree on which of the two counts would let a caller name one thing to us and another to the target.
    pub fn parse(bytes: &Bytes) -> Result<Self, JsonError> {
        let mut reader = Reader::new(bytes);
        let object = Self::read(&mut reader, bytes).and_then(|object| {
            reader.end()?;
            Ok(object)
        });
        object.map_err(|stop| stop.explain(bytes))
    }

    /// Takes an object. It lies in `base`, which is the reader's text.
    pub(crate) fn read(reader: &mut Reader<'_>, base: &Bytes) -> Result<Self, Stop> {
        Self::read_by(reader, base, |reader, _| Ok(reader.raw(base)?))
    }

    /// The same, and `take` takes the value of each member, whose name it is told.
    #[inline]
    pub(crate) fn read_by<'a>(
        reader: &mut Reader<'a>,
        base: &Bytes,
        mut take: impl FnMut(&mut Reader<'a>, &[u8]) -> Result<Raw, Stop>,
    ) -> Result<Self, Stop> {
        if reader.next_token()? != b'{' {
            return Err(Stop::unfit("expected an object", reader.at()));
        }
        let mut list = Vec::new();
        let mut seen = Seen::new();
        reader.members(|reader, name| {
            seen.take(&name)?;
            let value = take(reader, name.text())?;
            if list.is_empty() {
                list.reserve(4);
            }
            list.push(Member { key: Key::of(name)?, value });
            Ok(())
        })?;
        if list.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self { members: Some(Arc::new(Members { base: base.clone(), list })) })
    }

    #[inline]
    fn base(&self) -> &[u8] {
        self.members.as_ref().map_or(&[], |members| &members.base)
    }

    #[inline]
    fn list(&self) -> &[Member] {
        self.members.as_ref().map_or(&[], |members| &members.list)
    }

    fn position(&self, key: &[u8]) -> Option<usize> {
        let base = self.base();
        self.list().iter().position(|member| member.key.as_bytes(base) == key)
    }

    /// The members, for a change.
    fn change(&mut self) -> &mut Vec<Member> {
        &mut Arc::make_mut(self.members.get_or_insert_default()).list
    }

    /// The value of a member.
    pub fn get(&self, key: &str) -> Option<&Raw> {
        let at = self.position(key.as_bytes())?;
        Some(&self.list()[at].value)
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
    pub fn set(&mut self, key: impl Into<Key>, value: Raw) {
        let key = key.into();
        // A key from outside is never a cut.
        match self.position(key.as_bytes(&[])) {
            Some(at) => self.change()[at].value = value,
            None => self.change().push(Member { key, value }),
        }
    }

    /// Takes a member out.
    pub fn remove(&mut self, key: &str) -> Option<Raw> {
        let at = self.position(key.as_bytes())?;
        Some(self.change().remove(at).value)
    }

    /// Keeps the members whose key passes.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        let Some(members) = &mut self.members else { return };
        if members.list.iter().all(|member| keep(member.key.as_str(&members.base))) {
            return;
        }
        let Members { base, list } = Arc::make_mut(members);
        list.retain(|member| keep(member.key.as_str(base)));
    }

    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Raw)> {
        let base = self.base();
        self.list().iter().map(|member| (member.key.as_str(base), &member.value))
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// No fewer bytes than the object takes when it is written, unless names of ours have to be escaped.
    pub(crate) fn size(&self) -> usize {
        let base = self.base();
        let member = |member: &Member| member.key.as_bytes(base).len() + member.value.as_bytes().len() + 4;
        2 + self.list().iter().map(member).sum::<usize>()
    }

    /// Appends the object to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let base = self.base();
        out.push(b'{');
        for (index, Member { key, value }) in self.list().iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            key.write(base, out);
            out.push(b':');
            out.extend_from_slice(value.as_bytes());
        }
        out.push(b'}');
    }

    /// The object as one raw value.
    pub fn to_raw(&self) -> Raw {
        let mut out = Vec::with_capacity(self.size());
        self.write(&mut out);
        Raw::trusted(out.into())
    }
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        let (left, right) = (self.base(), other.base());
        let same =
            |(a, b): (&Member, &Member)| a.key.as_bytes(left) == b.key.as_bytes(right) && a.value == b.value;
        self.list().len() == other.list().len() && self.list().iter().zip(other.list()).all(same)
    }
}

impl Eq for Object {}

impl<K: Into<Key>> FromIterator<(K, Raw)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, Raw)>>(members: I) -> Self {
        let list: Vec<_> =
            members.into_iter().map(|(key, value)| Member { key: key.into(), value }).collect();
        Self { members: Some(Arc::new(Members { base: Bytes::new(), list })) }
    }
}
