//! Names of members, and whether one occurs twice.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use super::{Stop, Text};

/// A string that has to be text: the name of a member, a method. That it is UTF-8 is known when the whole text was read.
#[derive(Debug, Clone)]
pub(crate) struct Name<'a> {
    text: Cow<'a, [u8]>,
    /// Where it begins, behind the quote.
    start: usize,
    /// Where it is over, behind the quote.
    end: usize,
}

impl<'a> Name<'a> {
    #[inline]
    pub(super) fn of(base: &'a [u8], string: &Text<'a>) -> Result<Self, Stop> {
        if string.has_escapes {
            return Self::decoded(base, string);
        }
        let Range { start, end } = string.place();
        Ok(Self { text: Cow::Borrowed(string.spelled), start, end })
    }

    #[cold]
    fn decoded(base: &'a [u8], string: &Text<'a>) -> Result<Self, Stop> {
        let Range { start, end } = string.place();
        let quoted = std::str::from_utf8(&base[start - 1..end]).map_err(|_| Stop::NoJson)?;
        match serde_json::from_str::<String>(quoted) {
            Ok(text) => Ok(Self { text: Cow::Owned(text.into_bytes()), start, end }),
            Err(_) => Err(Stop::NoText { at: start }),
        }
    }

    /// What it says.
    #[inline]
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The same, cut from what was read if nothing in it is escaped.
    pub(crate) fn into_text(self) -> Result<Cow<'a, str>, Stop> {
        match self.text {
            Cow::Borrowed(text) => std::str::from_utf8(text).map(Cow::Borrowed).map_err(|_| Stop::NoJson),
            Cow::Owned(text) => String::from_utf8(text).map(Cow::Owned).map_err(|_| Stop::NoJson),
        }
    }

    /// Its bytes in the text that is read, if nothing in it is escaped.
    pub(crate) fn place(&self) -> Option<Range<usize>> {
        matches!(self.text, Cow::Borrowed(_)).then_some(self.start..self.end - 1)
    }

    /// The fault of an object in which it is not the first of its kind.
    #[cold]
    pub(crate) fn twice(&self) -> Stop {
        self.fault("occurs twice")
    }

    /// What is wrong with a member of this name.
    #[cold]
    pub(crate) fn fault(&self, what: &str) -> Stop {
        Stop::unfit(format!("the member `{}` {what}", String::from_utf8_lossy(&self.text)), self.end)
    }
}

/// How many names are compared one by one.
const FEW: usize = 16;

/// Notices repeated names. Few are compared one by one; many are hashed, because comparing each with each would let a
/// body of a few megabytes keep us busy for minutes.
pub(crate) struct Seen<'a> {
    few: [&'a [u8]; FEW],
    count: usize,
    many: Option<HashSet<Cow<'a, [u8]>>>,
}

impl<'a> Seen<'a> {
    pub(crate) fn new() -> Self {
        Self { few: [b""; FEW], count: 0, many: None }
    }

    /// Takes a name; an error if it was taken before.
    #[inline]
    pub(crate) fn take(&mut self, name: &Name<'a>) -> Result<(), Stop> {
        let is_new = match &name.text {
            Cow::Borrowed(text) => self.is_new(text),
            Cow::Owned(text) => self.is_new_among_many(Cow::Owned(text.clone())),
        };
        if is_new { Ok(()) } else { Err(name.twice()) }
    }

    /// Takes a name in which nothing is escaped; false if it was taken before.
    #[inline]
    pub(super) fn is_new(&mut self, name: &'a [u8]) -> bool {
        if self.many.is_some() || self.count == FEW {
            return self.is_new_among_many(Cow::Borrowed(name));
        }
        let is_new = !self.few[..self.count].contains(&name);
        self.few[self.count] = name;
        self.count += 1;
        is_new
    }

    #[cold]
    fn is_new_among_many(&mut self, name: Cow<'a, [u8]>) -> bool {
        let few = &self.few[..self.count];
        let many = self.many.get_or_insert_with(|| few.iter().map(|name| Cow::Borrowed(*name)).collect());
        many.insert(name)
    }
}
