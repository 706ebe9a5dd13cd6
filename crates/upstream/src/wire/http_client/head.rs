//! The head of an answer: its status, its headers, and what they say of the body and the connection.

use std::mem::MaybeUninit;

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{Method, StatusCode};

use super::framing::{Chunks, Fault, Framing};

/// The largest head, and the most headers in it.
const LARGEST: usize = 64 * 1024;
const HEADERS: usize = 100;

/// What every answer begins with.
const BEGINNING: &[u8] = b"HTTP/1.";

/// A head that was read.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) framing: Framing,
    /// Whether the connection may serve another request.
    pub(super) keep: bool,
}

/// Finds heads in what is read. It remembers how far it looked, so that a head that comes in small pieces is not searched anew
/// with each of them.
#[derive(Debug, Default)]
pub(super) struct Finder {
    looked: usize,
}

impl Finder {
    /// Takes a head from the front of `input`; nothing if there is no whole one yet.
    pub(super) fn take(&mut self, input: &mut BytesMut, method: &Method) -> Result<Option<Head>, Fault> {
        if self.looked == 0 {
            // Some servers end a body with an empty line too many.
            let empty = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            input.advance(empty);
        }
        let begun = input.len().min(BEGINNING.len());
        if input[..begun] != BEGINNING[..begun] {
            return Err("its answer is not HTTP/1");
        }
        let Some(length) = self.end(input) else {
            self.looked = input.len();
            return if input.len() < LARGEST { Ok(None) } else { Err(TOO_LARGE) };
        };
        self.looked = 0;
        if length > LARGEST {
            return Err(TOO_LARGE);
        }
        read(&input.split_to(length).freeze(), method).map(Some)
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

const TOO_LARGE: Fault = "the head of its answer is too large";

fn read(bytes: &Bytes, method: &Method) -> Result<Head, Fault> {
    let mut room = [const { MaybeUninit::uninit() }; HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut response, bytes, &mut room)
        .map_err(said)?;
    if parsed != httparse::Status::Complete(bytes.len()) {
        return Err("the head of its answer is not valid");
    }
    let status = response
        .code
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or(said(httparse::Error::Status))?;
    let mut headers = HeaderMap::with_capacity(response.headers.len());
    let mut signs = Signs { old: response.version == Some(0), ..Signs::default() };
    for header in response.headers.iter() {
        // Names and values were checked by the parser.
        let name =
            HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| said(httparse::Error::HeaderName))?;
        let value = HeaderValue::from_maybe_shared(bytes.slice_ref(header.value))
            .map_err(|_| said(httparse::Error::HeaderValue))?;
        signs.note(&name, header.value)?;
        headers.append(name, value);
    }
    let (framing, keep) = signs.read(status, method)?;
    Ok(Head { status, headers, framing, keep })
}

fn said(error: httparse::Error) -> Fault {
    match error {
        httparse::Error::TooManyHeaders => "its answer has too many headers",
        httparse::Error::Status => "the status of its answer is not valid",
        httparse::Error::Version => "its answer is not HTTP/1",
        _ => "a header of its answer is not valid",
    }
}

/// What headers say of the body and the connection.
#[derive(Default)]
struct Signs {
    /// HTTP/1.0, which keeps a connection only where it says so.
    old: bool,
    length: Option<u64>,
    chunked: u32,
    other_coding: bool,
    close: bool,
    keep_alive: bool,
}

impl Signs {
    fn note(&mut self, name: &HeaderName, value: &[u8]) -> Result<(), Fault> {
        if name == CONTENT_LENGTH {
            for length in items(value) {
                let length = number(length).ok_or("the length of its answer is not a number")?;
                if self.length.replace(length).is_some_and(|other| other != length) {
                    return Err("its answer has two lengths");
                }
            }
            self.length.ok_or("the length of its answer is not a number")?;
        } else if name == TRANSFER_ENCODING {
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

    /// RFC 9112 §6.3. Where a server says two things, its connection is not used again.
    fn read(&self, status: StatusCode, method: &Method) -> Result<(Framing, bool), Fault> {
        let keep = !self.close && (!self.old || self.keep_alive);
        if method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return Ok((Framing::Done, keep));
        }
        if self.other_coding {
            return Err("its answer has a transfer coding that nobody asked for");
        }
        Ok(match (self.chunked, self.length) {
            (0, Some(0)) => (Framing::Done, keep),
            (0, Some(length)) => (Framing::Length(length), keep),
            (0, None) => (Framing::Close, false),
            (times, length) => {
                let plain = times == 1 && length.is_none() && !self.old;
                (Framing::Chunked(Chunks::new()), keep && plain)
            }
        })
    }
}

/// The items of a list in a header.
fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
}

/// A number that is all digits; the standard parser would take a sign.
fn number(digits: &[u8]) -> Option<u64> {
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}
