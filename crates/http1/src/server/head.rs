//! The head of a request: what is asked, and what it says of the body and the connection.

use std::mem::MaybeUninit;
use std::sync::Arc;

use bytes::{Buf as _, BytesMut};
use http::header::{EXPECT, HeaderMap};
use http::request::Parts;
use http::{Method, Request, Uri, Version};

use super::Refusal;
use crate::framing::{Chunks, Fault, Framing};
use crate::head::{Finder, Found, Headers, MOST_HEADERS, Signs};
use crate::memory::{Memory, Read, Recalled, Taken};

/// What a client of HTTP/2 begins with that knows that we speak it (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The longest path with a query that [`Uri`] holds.
const LONGEST_TARGET: usize = u16::MAX as usize - 1;

/// A head that was read.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) parts: Arc<Parts>,
    pub(super) framing: Framing,
    /// Whether the client means to go on with the connection, and may.
    pub(super) keep: bool,
    /// Whether the client waits for a word before it sends the body.
    pub(super) expects_word: bool,
}

/// What is remembered of a request.
#[derive(Debug, Clone)]
pub(super) struct Known {
    parts: Arc<Parts>,
    in_chunks: bool,
}

impl Read for Known {
    fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut Arc::make_mut(&mut self.parts).headers
    }
}

/// Takes the head of a request from the front of `input`; nothing if there is no whole one yet.
pub(super) fn take(
    finder: &mut Finder,
    memory: &mut Memory<Known>,
    input: &mut BytesMut,
    largest: usize,
) -> Result<Option<Head>, Refusal> {
    if finder.is_new()
        && let Some(recalled) = memory.recall(input)
        && recalled.size <= largest
    {
        let (head, size) = (again(&recalled), recalled.size);
        input.advance(size);
        return Ok(Some(head));
    }
    if !finder.skip_empty_lines(input) {
        return Ok(None);
    }
    // Another protocol need not have lines that end.
    if input
        .first()
        .is_some_and(|first| !first.is_ascii_alphanumeric() && !b"!#$%&'*+-.^_`|~".contains(first))
    {
        return Err(Refusal::Malformed("this is not HTTP"));
    }
    match finder.take(input, largest) {
        Found::Head(head) => read(&memory.take(head), memory).map(Some),
        Found::Part => Ok(None),
        Found::TooLarge => Err(Refusal::HeadTooLarge),
    }
}

/// How much of what an HTTP/2 client says first stands there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Preface {
    /// All of it.
    Whole,
    /// What may become it.
    Part,
    /// Something else.
    Other,
}

impl Preface {
    pub(super) fn of(input: &[u8]) -> Self {
        let length = input.len().min(PREFACE.len());
        match input[..length] == PREFACE[..length] {
            true if length == PREFACE.len() => Self::Whole,
            true => Self::Part,
            false => Self::Other,
        }
    }
}

/// The head of a request that says the same as one before it.
fn again(recalled: &Recalled<'_, Known>) -> Head {
    let Known { parts, in_chunks } = recalled.read.clone();
    let otherwise = if in_chunks { Framing::Chunked(Chunks::new()) } else { Framing::Done };
    Head { parts, framing: recalled.framing(otherwise), keep: true, expects_word: false }
}

fn read(taken: &Taken, memory: &mut Memory<Known>) -> Result<Head, Refusal> {
    let bytes = &taken.head;
    let mut room = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    let parsed = request.parse_with_uninit_headers(bytes, &mut room).map_err(said)?;
    let (Some(method), Some(target), Some(version)) = (request.method, request.path, request.version) else {
        return Err(Refusal::Malformed("the head of the request is not valid"));
    };
    if parsed != httparse::Status::Complete(bytes.len()) {
        return Err(Refusal::Malformed("the head of the request is not valid"));
    }
    let headers = Headers::read(bytes, request.headers, version == 0, INVALID_HEADER);
    let Headers { map: headers, signs, length } = headers.map_err(Refusal::Malformed)?;
    let (framing, keep) = framing(&signs).map_err(Refusal::Malformed)?;
    let expects_word = !signs.old
        && headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let method =
        Method::from_bytes(method.as_bytes()).map_err(|_| Refusal::Malformed("the method is not valid"))?;
    if target.len() > LONGEST_TARGET {
        return Err(Refusal::HeadTooLarge);
    }
    let uri = Uri::from_maybe_shared(bytes.slice_ref(target.as_bytes()))
        .map_err(|_| Refusal::Malformed("the path is not valid"))?;
    let version = if signs.old { Version::HTTP_10 } else { Version::HTTP_11 };
    let (mut parts, ()) = Request::new(()).into_parts();
    (parts.method, parts.uri, parts.version, parts.headers) = (method, uri, version, headers);
    let parts = Arc::new(parts);
    if signs.is_plain() && keep && !expects_word {
        memory.note(taken, length, &Known { parts: parts.clone(), in_chunks: signs.chunked > 0 });
    }
    Ok(Head { parts, framing, keep, expects_word })
}

const INVALID_HEADER: Fault = "a header of the request is not valid";

fn said(error: httparse::Error) -> Refusal {
    Refusal::Malformed(match error {
        httparse::Error::TooManyHeaders => return Refusal::HeadTooLarge,
        httparse::Error::Version => "this is not HTTP 1.1",
        httparse::Error::HeaderName | httparse::Error::HeaderValue | httparse::Error::NewLine => {
            INVALID_HEADER
        }
        _ => "the first line of the request is not valid",
    })
}

/// RFC 9112 §6.3. What two programs could read in two ways is refused, or ends the connection where the standard allows it.
fn framing(signs: &Signs) -> Result<(Framing, bool), Fault> {
    let keep = signs.keeps();
    if signs.other_coding {
        return Err("the body has a transfer coding other than chunked");
    }
    match (signs.chunked, signs.length) {
        (0, None | Some(0)) => Ok((Framing::Done, keep)),
        (0, Some(length)) => Ok((Framing::Length(length), keep)),
        (1, _) if signs.old => Err("chunks need HTTP 1.1"),
        (1, length) => Ok((Framing::Chunked(Chunks::new()), keep && length.is_none())),
        _ => Err("the body comes in chunks of chunks"),
    }
}
