//! What the heads of requests and of answers have in common: where they end, and what they say of the body and the connection.

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};

use crate::framing::Fault;

/// Finds heads in what is read. It remembers how far it looked, so that a head that comes in small pieces is not searched anew
/// with each of them.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    looked: usize,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A whole head, up to and with the empty line that ends it.
    Head(Bytes),
    /// There is no whole one yet, and not more than that of it.
    Part,
    /// More of it than a head may be.
    TooLarge,
}

impl Finder {
    /// Whether nothing has been looked at.
    pub(crate) fn is_new(&self) -> bool {
        self.looked == 0
    }

    /// Throws away empty lines before a head: some programs end a body with one too many (RFC 9112 §2.2). False if the last
    /// of them is not whole yet.
    pub(crate) fn skip_empty_lines(&self, input: &mut BytesMut) -> bool {
        if self.is_new() {
            while let [b'\n', ..] | [b'\r', b'\n', ..] = input[..] {
                input.advance(if input[0] == b'\n' { 1 } else { 2 });
            }
        }
        input[..] != *b"\r"
    }

    /// Takes a head from the front of `input`.
    pub(crate) fn take(&mut self, input: &mut BytesMut, largest: usize) -> Found {
        match self.end(input) {
            Some(length) if length <= largest => {
                self.looked = 0;
                Found::Head(input.split_to(length).freeze())
            }
            None if input.len() < largest => {
                self.looked = input.len();
                Found::Part
            }
            _ => Found::TooLarge,
        }
    }

    /// Where the empty line ends that ends the head.
    fn end(&self, input: &[u8]) -> Option<usize> {
        // The end of the last line may have been seen already.
        let from = self.looked.saturating_sub(2);
        memchr::memchr_iter(b'\n', &input[from..]).map(|at| from + at + 1).find_map(|line| {
            match input[line..] {
                [b'\n', ..] => Some(line + 1),
                [b'\r', b'\n', ..] => Some(line + 2),
                _ => None,
            }
        })
    }
}

/// How many headers a head may have. Clients send some twenty, and proxies on the way add a few.
pub const MOST_HEADERS: usize = 100;

/// The headers of a head.
pub(crate) struct Headers<'h> {
    /// All but the length of the body, which may differ where everything else is the same.
    pub(crate) map: HeaderMap,
    pub(crate) signs: Signs,
    /// Where the length of the body stands, if it is said.
    pub(crate) length: Option<&'h [u8]>,
}

impl<'h> Headers<'h> {
    /// Takes the headers that were found in the head of a message of HTTP/1.0, or of HTTP/1.1. One that cannot be held is `invalid`.
    pub(crate) fn read(
        head: &Bytes,
        found: &[httparse::Header<'h>],
        old: bool,
        invalid: Fault,
    ) -> Result<Self, Fault> {
        let (mut map, mut signs) = (HeaderMap::with_capacity(found.len()), Signs::new(old));
        let mut length = None;
        for header in found {
            // Names and values were checked by the parser.
            let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| invalid)?;
            let value = HeaderValue::from_maybe_shared(head.slice_ref(header.value)).map_err(|_| invalid)?;
            signs.note(&name, header.value)?;
            match name == CONTENT_LENGTH {
                true => length = Some(header.value),
                false => drop(map.append(name, value)),
            }
        }
        Ok(Self { map, signs, length })
    }
}

/// Whether a header is about the body or the connection, so that more is read here than what it says.
pub(crate) fn is_of_the_connection(name: &HeaderName) -> bool {
    [CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING].contains(name)
}

/// What headers say of the body and the connection.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    /// HTTP/1.0, which keeps a connection only where it says so.
    pub(crate) old: bool,
    pub(crate) length: Option<u64>,
    /// How often the length is said.
    lengths: u32,
    /// How often the body is said to come in chunks.
    pub(crate) chunked: u32,
    /// Whether it has another coding besides.
    pub(crate) other_coding: bool,
    close: bool,
    keep_alive: bool,
}

impl Signs {
    /// Of a message of HTTP/1.0, or of HTTP/1.1.
    fn new(old: bool) -> Self {
        Self { old, ..Self::default() }
    }

    /// Takes note of a header.
    fn note(&mut self, name: &HeaderName, value: &[u8]) -> Result<(), Fault> {
        if name == CONTENT_LENGTH {
            let before = self.lengths;
            for length in items(value) {
                let length = number(length).ok_or(NO_NUMBER)?;
                if self.length.replace(length).is_some_and(|other| other != length) {
                    return Err("the body has two lengths");
                }
                self.lengths += 1;
            }
            if self.lengths == before {
                return Err(NO_NUMBER);
            }
        } else if name == TRANSFER_ENCODING {
            self.other_coding |= items(value).next().is_none();
            for coding in items(value) {
                match coding.eq_ignore_ascii_case(b"chunked") {
                    true => self.chunked += 1,
                    false => self.other_coding = true,
                }
            }
        } else if name == CONNECTION {
            for option in items(value) {
                self.close |= option.eq_ignore_ascii_case(b"close");
                self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        }
        Ok(())
    }

    /// Whether no more than one thing is said of where the body ends.
    pub(crate) fn is_plain(&self) -> bool {
        self.lengths + self.chunked <= 1 && !self.other_coding && !self.old
    }

    /// Whether the other side means to go on with the connection.
    pub(crate) fn keeps(&self) -> bool {
        !self.close && (!self.old || self.keep_alive)
    }
}

/// Writes the header that says how long the body is. The formatter of the standard library takes ten times as long.
pub(crate) fn write_length(length: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"content-length: ");
    out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
    out.extend_from_slice(b"\r\n");
}

const NO_NUMBER: Fault = "the length of the body is not a number";

/// The items of a list in a header.
fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
}

/// A number that is all digits; the standard parser would take a sign.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    let add = |number: u64, digit: &u8| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}
