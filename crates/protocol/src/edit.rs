//! In-place edits: replace some slices of a value and leave every other byte as it was.

use bytes::Bytes;

use crate::Raw;

/// Replacements to be made in one value.
#[derive(Debug)]
pub struct Splice<'a> {
    base: &'a Raw,
    cuts: Vec<(usize, usize, Raw)>,
}

impl<'a> Splice<'a> {
    /// Starts an edit of `base` that changes nothing yet.
    pub fn new(base: &'a Raw) -> Self {
        Self { base, cuts: Vec::new() }
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

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.cuts.is_empty()
    }

    /// The edited value.
    pub fn finish(mut self) -> Raw {
        if self.cuts.is_empty() {
            return self.base.clone();
        }
        self.cuts.sort_by_key(|(start, ..)| *start);
        let bytes = self.base.as_bytes();
        let grown = self.cuts.iter().map(|(_, _, new)| new.as_bytes().len()).sum::<usize>();
        let mut out = Vec::with_capacity(bytes.len() + grown);
        let mut done = 0;
        for (start, end, new) in &self.cuts {
            if *start < done {
                continue;
            }
            out.extend_from_slice(&bytes[done..*start]);
            out.extend_from_slice(new.as_bytes());
            done = *end;
        }
        out.extend_from_slice(&bytes[done..]);
        Raw::trusted(Bytes::from(out))
    }
}

#[cfg(test)]
mod tests;
