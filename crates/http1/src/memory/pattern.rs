//! How a head is recognised: what it says, with gaps in it where another may say something else.

use std::mem;
use std::ops::Range;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use memchr::{memchr, memchr_iter};

use super::LONGEST;
use crate::head::{is_of_the_connection, number};

/// A head that has come, and where in it others may differ.
#[derive(Debug)]
pub(super) struct Pattern {
    bytes: Bytes,
    /// In the order in which they come.
    gaps: [Option<Gap>; 2],
}

#[derive(Debug)]
struct Gap {
    /// What stands there in the head that has come.
    at: Range<usize>,
    what: What,
}

#[derive(Debug)]
enum What {
    /// The length of the body.
    Length,
    /// The value of this header, and the one that was said last.
    Value(HeaderName, HeaderValue),
}

/// A head that says the same.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Same<'i> {
    pub(super) size: usize,
    /// The length of the body, if the head says it.
    pub(super) length: Option<u64>,
    /// What it says in place of the value that was said last.
    pub(super) value: Option<&'i [u8]>,
}

/// A value in which a head differs from another that is otherwise the same.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Differing {
    name: HeaderName,
    at: Range<usize>,
}

impl Pattern {
    /// A head in which nothing but the length of the body may differ, which stands at `length` if it is said.
    pub(super) fn new(bytes: Bytes, length: Option<Range<usize>>) -> Self {
        Self { bytes, gaps: [length.map(|at| Gap { at, what: What::Length }), None] }
    }

    /// Has a value differ as well, unless `headers`, which were read of this head, have others of that name.
    pub(super) fn leave_open(&mut self, Differing { name, at }: &Differing, headers: &HeaderMap) {
        let mut values = headers.get_all(name).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return };
        if self.bytes.get(at.clone()) == Some(value.as_bytes()) {
            self.gaps[1] = Some(Gap { at: at.clone(), what: What::Value(name.clone(), value.clone()) });
            self.gaps.sort_by_key(|gap| gap.as_ref().map(|gap| gap.at.start));
        }
    }

    /// The head at the front of `input`, if it says the same.
    pub(super) fn same<'i>(&self, input: &'i [u8]) -> Option<Same<'i>> {
        let (mut known, mut rest) = (0, input);
        let (mut length, mut value) = (None, None);
        for Gap { at, what } in self.gaps.iter().flatten() {
            rest = rest.strip_prefix(&self.bytes[known..at.start])?;
            known = at.end;
            match what {
                What::Length => {
                    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    length = Some(number(&rest[..digits])?);
                    rest = &rest[digits..];
                }
                What::Value(_, last) => {
                    let end = memchr(b'\r', &rest[..rest.len().min(LONGEST)])?;
                    let said = &rest[..end];
                    // Spaces around a value do not belong to it.
                    if said.is_empty() || said.trim_ascii() != said {
                        return None;
                    }
                    value = (said != last.as_bytes()).then_some(said);
                    rest = &rest[end..];
                }
            }
        }
        rest = rest.strip_prefix(&self.bytes[known..])?;
        Some(Same { size: input.len() - rest.len(), length, value })
    }

    /// Says another value, also in `headers`. Nothing if it cannot be one.
    pub(super) fn say(&mut self, value: &[u8], headers: &mut HeaderMap) -> Option<()> {
        let mut gaps = self.gaps.iter_mut().flatten();
        let (name, last) = gaps.find_map(|gap| match &mut gap.what {
            What::Value(name, last) => Some((name, last)),
            What::Length => None,
        })?;
        let said = headers.get_mut(&*name)?;
        *said = HeaderValue::from_bytes(value).ok()?;
        last.clone_from(said);
        Some(())
    }

    /// The value in which `head` differs, if that is all but for the length of its body.
    pub(super) fn differs(&self, head: &[u8]) -> Option<Differing> {
        let (mut ours, mut theirs) = (lines(&self.bytes), lines(head));
        // What is asked, or the status, is not a value.
        (ours.next()? == theirs.next()?).then_some(())?;
        let mut differing = None;
        loop {
            let (ours, theirs) = match (ours.next(), theirs.next()) {
                (None, None) => return differing,
                (ours, theirs) => (ours?, theirs?),
            };
            if ours == theirs {
                continue;
            }
            let ((name, _), (same_name, value)) = (header(ours)?, header(theirs)?);
            if name != same_name {
                return None;
            }
            let name = HeaderName::from_bytes(name).ok()?;
            if name == CONTENT_LENGTH {
                continue;
            }
            if differing.is_some() || is_of_the_connection(&name) {
                return None;
            }
            differing = Some(Differing { name, at: range_in(head, value) });
        }
    }
}

/// Where in a head a part of it stands.
pub(super) fn range_in(head: &[u8], part: &[u8]) -> Range<usize> {
    let from = (part.as_ptr() as usize).saturating_sub(head.as_ptr() as usize);
    from..from + part.len()
}

/// The lines of a head, each with its end.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    memchr_iter(b'\n', head).map(move |end| &head[mem::replace(&mut from, end + 1)..=end])
}

/// The name and the value in a line, if it has a value, which stands right before its end.
fn header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.strip_suffix(b"\r\n")?;
    let colon = memchr(b':', line)?;
    let value = line[colon + 1..].trim_ascii_start();
    (!value.is_empty() && value.trim_ascii_end() == value).then_some((&line[..colon], value))
}
