//! In-place edits: replace some slices of a value and leave every other byte as it was.

use bytes::Bytes;

use crate::json::write_string;
use crate::message::Spelled;
use crate::{Object, Raw};

/// Replacements to be made in one value.
#[derive(Debug)]
pub struct Splice<'a> {
    base: &'a Raw,
    cuts: Vec<(usize, usize, Raw)>,
    added: Vec<(&'static str, Raw)>,
}

impl<'a> Splice<'a> {
    /// Starts an edit of `base` that changes nothing yet.
    pub fn new(base: &'a Raw) -> Self {
        Self { base, cuts: Vec::new(), added: Vec::new() }
    }

    /// Replaces `part`, which was cut from the base, by `new`.
    ///
    /// Parts may be given in any order and must not overlap; a part of another buffer is ignored, because there is
    /// nothing in the base that it could stand for.
    pub fn replace(&mut self, part: &Raw, new: Raw) {
        let base = self.base.as_bytes().as_ptr() as usize;
        let start = (part.as_bytes().as_ptr() as usize).wrapping_sub(base);
        let end = start.wrapping_add(part.as_bytes().len());
        if start < end && end <= self.base.as_bytes().len() {
            self.cuts.push((start, end, new));
        }
    }

    /// Adds a member at the end of the base, which is an object that has none of this name.
    pub fn add(&mut self, name: &'static str, value: Raw) {
        debug_assert!(self.base.is_object());
        self.added.push((name, value));
    }

    /// Replaces a member of the base in its place, or adds it at the end. `members` are those of the base.
    pub fn set(&mut self, members: &Object, name: &'static str, value: Raw) {
        match members.get(name) {
            Some(old) => self.replace(old, value),
            None => self.add(name, value),
        }
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.cuts.is_empty() && self.added.is_empty()
    }

    /// The edited value.
    pub fn finish(self) -> Raw {
        if self.is_empty() {
            return self.base.clone();
        }
        let words = self.cuts.iter().fold(self.base.words(), |words, (_, _, new)| words.and(new.words()));
        let knows = self.added.is_empty();
        let pieces = self.pieces();
        let mut out = Vec::with_capacity(pieces.iter().map(Bytes::len).sum());
        pieces.iter().for_each(|piece| out.extend_from_slice(piece));
        if knows { Raw::cut(Bytes::from(out), words) } else { Raw::trusted(Bytes::from(out)) }
    }

    /// The edited value in pieces, of which the untouched ones are cut from the base and not copied.
    fn pieces(mut self) -> Vec<Bytes> {
        let bytes = self.base.bytes();
        let end = if self.added.is_empty() { bytes.len() } else { bytes.len() - 1 };
        self.cuts.sort_by_key(|(start, ..)| *start);
        let mut pieces = Vec::with_capacity(2 * self.cuts.len() + 2);
        let mut done = 0;
        for (start, end, new) in self.cuts {
            if start < done {
                continue;
            }
            pieces.push(bytes.slice(done..start));
            pieces.push(new.bytes().clone());
            done = end;
        }
        pieces.push(bytes.slice(done..end));
        if !self.added.is_empty() {
            let is_first = bytes[1..end].trim_ascii().is_empty();
            pieces.push(tail(&self.added, is_first).into());
        }
        pieces
    }

    /// The edited value for a message. Where something is only added, nothing else is copied.
    pub fn spelled(self) -> Spelled {
        if self.added.is_empty() || !self.cuts.is_empty() {
            return Spelled::from(&self.finish());
        }
        let bytes = self.base.bytes();
        let end = bytes.len() - 1;
        let mut rest = tail(&self.added, bytes[1..end].trim_ascii().is_empty());
        rest.push(b'}');
        Spelled { opening: "", body: bytes.slice(..end), rest: rest.into() }
    }
}

/// Members that follow others, and the end of their object.
fn tail(members: &[(&'static str, Raw)], is_first: bool) -> Vec<u8> {
    let size: usize = members.iter().map(|(name, value)| name.len() + value.as_bytes().len() + 4).sum();
    let mut out = Vec::with_capacity(size + 2);
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 || !is_first {
            out.push(b',');
        }
        write_string(name, &mut out);
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    }
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests;
