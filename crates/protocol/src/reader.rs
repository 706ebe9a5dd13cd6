//! Our reader of JSON: it walks over a text once, checks every byte of it, and builds nothing.
//!
//! It takes exactly what `serde_json` takes as a raw value: strings may hold halves of surrogate pairs, and numbers and
//! nesting have no bounds. Depth costs a bit of memory, no stack. What is wrong with a text that it refuses is left to
//! `serde_json` to say, so that both agree on the words; see [`Stop::explain`].

use std::ops::Range;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::json::JsonError;

mod escaped;
mod name;
mod nesting;
mod plain;
#[cfg(test)]
mod tests;

pub(crate) use self::name::{Name, Seen};
use self::nesting::Nesting;
pub(crate) use self::plain::is_plain;
use crate::Raw;
use crate::word::{Word, Words};

/// The text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoJson;

/// Why reading stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The text is no JSON.
    NoJson,
    /// A string that has to be text is none: it holds half of a surrogate pair.
    NoText {
        /// Where the string begins.
        at: usize,
    },
    /// It may be JSON, but is not what was expected.
    Unfit {
        /// What is wrong, in words for whoever sent it.
        what: String,
        /// Where.
        at: usize,
    },
}

impl From<NoJson> for Stop {
    fn from(_: NoJson) -> Self {
        Self::NoJson
    }
}

impl Stop {
    /// Something else than was expected.
    pub(crate) fn unfit(what: impl Into<String>, at: usize) -> Self {
        Self::Unfit { what: what.into(), at }
    }

    /// What is wrong with a text, and where.
    #[cold]
    pub(crate) fn explain(&self, text: &[u8]) -> JsonError {
        match self {
            Self::NoJson => JsonError(what_is_wrong(text)),
            Self::NoText { at } => {
                JsonError(format!("half of a surrogate pair in a string{}", Place { text, at: *at }))
            }
            Self::Unfit { what, at } => JsonError(format!("{what}{}", Place { text, at: *at })),
        }
    }
}

/// What `serde_json` says of a text that is no JSON.
fn what_is_wrong(text: &[u8]) -> String {
    match serde_json::from_slice::<&RawValue>(text) {
        Err(error) => error.to_string(),
        Ok(_) => {
            debug_assert!(false, "the two readers disagree about {:?}", String::from_utf8_lossy(text));
            "it cannot be read".to_owned()
        }
    }
}

/// A place in a text, for people.
struct Place<'a> {
    text: &'a [u8],
    at: usize,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line_begins = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        write!(f, " at line {line} column {}", before.len() - line_begins)
    }
}

/// A walk over a text.
pub(crate) struct Reader<'a> {
    text: &'a [u8],
    /// The next byte.
    at: usize,
    /// Whether all strings so far are ASCII. If not, the text is checked to be UTF-8 at its end.
    is_ascii: bool,
    /// The words that stood in what was skipped.
    words: Words,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, is_ascii: true, words: Words::NONE }
    }

    /// Where the next byte is.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The end of the text: nothing but white space may be left.
    pub(crate) fn end(mut self) -> Result<(), NoJson> {
        let is_over = self.next_token().is_err();
        // The standard library takes seven times as long for what is mostly not ASCII.
        let is_text = self.is_ascii || simdutf8::basic::from_utf8(self.text).is_ok();
        if is_over && is_text { Ok(()) } else { Err(NoJson) }
    }

    /// The first byte of what comes next, which is not taken.
    #[inline(always)]
    pub(crate) fn next_token(&mut self) -> Result<u8, NoJson> {
        match self.text.get(self.at) {
            Some(byte) if *byte > b' ' => Ok(*byte),
            _ => self.token_behind_space(),
        }
    }

    fn token_behind_space(&mut self) -> Result<u8, NoJson> {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(NoJson),
            }
        }
    }

    /// Takes what has to come next.
    #[inline(always)]
    fn expect(&mut self, token: u8) -> Result<(), NoJson> {
        if self.next_token()? != token {
            return Err(NoJson);
        }
        self.at += 1;
        Ok(())
    }

    /// Takes a value, which lies in `base`, the text.
    #[inline]
    pub(crate) fn raw(&mut self, base: &Bytes) -> Result<Raw, NoJson> {
        self.raw_by(base, |reader| {
            reader.words.add(Words::REPEATED);
            reader.skip()
        })
    }

    /// The same, and `take` goes over the value.
    #[inline]
    pub(crate) fn raw_by<E: From<NoJson>>(
        &mut self,
        base: &Bytes,
        take: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<Raw, E> {
        self.next_token()?;
        let start = self.at;
        let before = std::mem::replace(&mut self.words, Words::NONE);
        take(self)?;
        let words = std::mem::replace(&mut self.words, before);
        self.words.add(words);
        Ok(Raw::cut(base.slice(start..self.at), words))
    }

    /// Takes a value and forgets it.
    pub(crate) fn skip(&mut self) -> Result<(), NoJson> {
        let mut nesting = Nesting::default();
        'values: loop {
            match self.next_token()? {
                b'"' => {
                    self.at += 1;
                    if let Some(word) = self.skip_string()?.word() {
                        self.words.add(Words::of(word));
                    }
                }
                b'{' => {
                    self.at += 1;
                    if self.next_token()? != b'}' {
                        nesting.open(true);
                        self.skip_name()?;
                        continue;
                    }
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    if self.next_token()? != b']' {
                        nesting.open(false);
                        continue;
                    }
                    self.at += 1;
                }
                first => self.skip_scalar(first)?,
            }
            // A value is complete, and perhaps what it lies in.
            while let Some(in_object) = nesting.innermost() {
                let token = self.next_token()?;
                self.at += 1;
                match token {
                    b',' if in_object => {
                        self.skip_name()?;
                        continue 'values;
                    }
                    b',' => continue 'values,
                    b'}' if in_object => nesting.close(),
                    b']' if !in_object => nesting.close(),
                    _ => return Err(NoJson),
                }
            }
            return Ok(());
        }
    }

    /// The name of a member and its colon.
    #[inline(always)]
    fn skip_name(&mut self) -> Result<Text<'a>, NoJson> {
        self.expect(b'"')?;
        let name = self.skip_string()?;
        self.expect(b':')?;
        match name.word() {
            Some(Word::Failed) if self.next_token()? != b't' => {}
            Some(word) => self.words.add(Words::of(word)),
            None if name.has_escapes => self.words.add(Words::ESCAPED_NAME),
            None => {}
        }
        Ok(name)
    }

    /// What is neither a string nor an array or object.
    fn skip_scalar(&mut self, first: u8) -> Result<(), NoJson> {
        match first {
            b'n' => self.skip_literal(b"null"),
            b't' => self.skip_literal(b"true"),
            b'f' => self.skip_literal(b"false"),
            b'-' => {
                self.at += 1;
                self.skip_number()
            }
            b'0'..=b'9' => self.skip_number(),
            _ => Err(NoJson),
        }
    }

    fn skip_literal(&mut self, literal: &[u8]) -> Result<(), NoJson> {
        if !self.text[self.at..].starts_with(literal) {
            return Err(NoJson);
        }
        self.at += literal.len();
        Ok(())
    }

    /// A number without its sign.
    fn skip_number(&mut self) -> Result<(), NoJson> {
        if self.text.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.skip_digits()?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.skip_digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.skip_digits()?;
        }
        Ok(())
    }

    /// One digit or more.
    #[inline]
    fn skip_digits(&mut self) -> Result<(), NoJson> {
        let from = self.at;
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at > from { Ok(()) } else { Err(NoJson) }
    }

    /// The rest of a string, behind its quote.
    #[inline(always)]
    fn skip_string(&mut self) -> Result<Text<'a>, NoJson> {
        let start = self.at;
        self.at = plain::end::<true>(self.text, start);
        let has_escapes = self.text.get(self.at) != Some(&b'"') && self.skip_odd_string()?;
        let spelled = &self.text[start..self.at];
        self.at += 1;
        Ok(Text { spelled, start, has_escapes })
    }

    /// The rest of a string in which something was met that is not plain ASCII, up to its quote. Says whether there are
    /// escapes in it.
    fn skip_odd_string(&mut self) -> Result<bool, NoJson> {
        let mut has_escapes = false;
        // How far blocks were looked at, of which the last was found odd.
        let mut looked = self.at;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => return Ok(has_escapes),
                Some(b'\\') => {
                    has_escapes = true;
                    self.at += self.escape()?;
                }
                Some(0x80..) => self.is_ascii = false,
                _ => return Err(NoJson),
            }
            if has_escapes && self.at >= looked {
                let (at, is_more) = escaped::end_of_blocks(self.text, self.at);
                (self.at, self.is_ascii) = (at, self.is_ascii & !is_more);
                looked = at + escaped::BLOCK;
            }
            self.at = if self.is_ascii {
                plain::end::<true>(self.text, self.at)
            } else {
                plain::end::<false>(self.text, self.at)
            };
        }
    }

    /// The length of an escape.
    #[inline(always)]
    fn escape(&self) -> Result<usize, NoJson> {
        match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
            Some(b'u') => {
                let digits = self.text.get(self.at + 2..self.at + 6).ok_or(NoJson)?;
                if digits.iter().all(u8::is_ascii_hexdigit) { Ok(6) } else { Err(NoJson) }
            }
            _ => Err(NoJson),
        }
    }

    /// The members of an object, whose name is given to `member`, which takes the value.
    #[inline]
    pub(crate) fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, Name<'a>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        self.expect(b'{')?;
        if self.next_token()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            let name = Name::of(self.text, &self.skip_name()?)?;
            member(self, name)?;
            match self.next_token()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Stop::NoJson),
            }
        }
    }

    /// The elements of an array, each of which is taken by `element`.
    pub(crate) fn elements(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        self.expect(b'[')?;
        if self.next_token()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            element(self)?;
            match self.next_token()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Stop::NoJson),
            }
        }
    }

    /// Takes a string that has to be text.
    pub(crate) fn text(&mut self) -> Result<Name<'a>, Stop> {
        self.expect(b'"')?;
        Name::of(self.text, &self.skip_string()?)
    }

    /// Takes a value, and if it is an object, notes whether one of its own members may occur twice.
    pub(crate) fn skip_noting_repeated(&mut self) -> Result<(), NoJson> {
        if self.next_token()? != b'{' {
            return self.skip();
        }
        self.at += 1;
        let mut seen = Seen::new();
        let mut is_first = true;
        loop {
            match self.next_token()? {
                b'}' if is_first => break,
                _ if is_first => {}
                b',' => self.at += 1,
                b'}' => break,
                _ => return Err(NoJson),
            }
            is_first = false;
            let name = self.skip_name()?;
            if name.has_escapes || !seen.is_new(name.spelled) {
                self.words.add(Words::REPEATED);
            }
            self.skip()?;
        }
        self.at += 1;
        Ok(())
    }
}

/// A string as it is spelled.
struct Text<'a> {
    /// What is between the quotes.
    spelled: &'a [u8],
    /// Where that begins.
    start: usize,
    has_escapes: bool,
}

impl Text<'_> {
    /// Where it stands: behind its first quote, and behind its last.
    fn place(&self) -> Range<usize> {
        self.start..self.start + self.spelled.len() + 1
    }

    #[inline(always)]
    fn word(&self) -> Option<Word> {
        Word::spelled(self.spelled)
    }
}
