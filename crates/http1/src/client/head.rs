//! The head of an answer: its status, its headers, and what they say of the body and the connection.

use std::mem::MaybeUninit;
use std::sync::Arc;

use bytes::{Buf as _, BytesMut};
use http::header::HeaderMap;
use http::{Method, StatusCode};

use crate::framing::{Chunks, Fault, Framing};
use crate::head::{Finder, Found, Headers, MOST_HEADERS, Signs};
use crate::memory::{Memory, Read, Recalled, Taken};

/// The largest head.
const LARGEST: usize = 64 * 1024;

/// What every answer begins with.
const BEGINNING: &[u8] = b"HTTP/1.";

/// A head that was read.
#[derive(Debug)]
pub struct Head {
    /// The status.
    pub status: StatusCode,
    /// The headers but for the length of the body, shared with answers that have the same.
    pub headers: Arc<HeaderMap>,
    pub(super) framing: Framing,
    /// Whether the connection may serve another request.
    pub(super) keep: bool,
}

/// What is remembered of an answer.
#[derive(Debug, Clone)]
pub(super) struct Known {
    status: StatusCode,
    headers: Arc<HeaderMap>,
}

impl Read for Known {
    fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        Arc::make_mut(&mut self.headers)
    }
}

/// Takes the head of an answer to such a request from the front of `input`; nothing if there is no whole one yet.
pub(super) fn take(
    finder: &mut Finder,
    memory: &mut Memory<Known>,
    input: &mut BytesMut,
    method: &Method,
) -> Result<Option<Head>, Fault> {
    if finder.is_new()
        && method != Method::HEAD
        && let Some(recalled) = memory.recall(input)
    {
        let (head, size) = (again(&recalled), recalled.size);
        input.advance(size);
        return Ok(Some(head));
    }
    if !finder.skip_empty_lines(input) {
        return Ok(None);
    }
    let begun = input.len().min(BEGINNING.len());
    if input[..begun] != BEGINNING[..begun] {
        return Err("its answer is not HTTP/1");
    }
    match finder.take(input, LARGEST) {
        Found::Head(head) => read(&memory.take(head), method, memory).map(Some),
        Found::Part => Ok(None),
        Found::TooLarge => Err("the head of its answer is too large"),
    }
}

/// The head of an answer that says the same as one before it.
fn again(recalled: &Recalled<'_, Known>) -> Head {
    let Known { status, headers } = recalled.read.clone();
    // The only other way that lets a connection go on.
    let framing = recalled.framing(Framing::Chunked(Chunks::new()));
    Head { status, headers, framing, keep: true }
}

fn read(taken: &Taken, method: &Method, memory: &mut Memory<Known>) -> Result<Head, Fault> {
    let bytes = &taken.head;
    let mut room = [const { MaybeUninit::uninit() }; MOST_HEADERS];
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
    let old = response.version == Some(0);
    let headers = Headers::read(bytes, response.headers, old, said(httparse::Error::HeaderName))?;
    let Headers { map: headers, signs, length } = headers;
    let headers = Arc::new(headers);
    let (framing, keep) = framing(&signs, status, method)?;
    let usual = status.is_success() && status != StatusCode::NO_CONTENT;
    if signs.is_plain() && keep && usual && method != Method::HEAD {
        memory.note(taken, length, &Known { status, headers: headers.clone() });
    }
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

/// RFC 9112 §6.3. Where a server says two things, its connection is not used again.
fn framing(signs: &Signs, status: StatusCode, method: &Method) -> Result<(Framing, bool), Fault> {
    let keep = signs.keeps();
    if method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return Ok((Framing::Done, keep));
    }
    if signs.other_coding {
        return Err("its answer has a transfer coding that nobody asked for");
    }
    Ok(match (signs.chunked, signs.length) {
        (0, Some(0)) => (Framing::Done, keep),
        (0, Some(length)) => (Framing::Length(length), keep),
        (0, None) => (Framing::Close, false),
        (times, length) => {
            let plain = times == 1 && length.is_none() && !signs.old;
            (Framing::Chunked(Chunks::new()), keep && plain)
        }
    })
}
