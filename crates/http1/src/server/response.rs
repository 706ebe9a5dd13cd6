//! The head of an answer, as it goes over the wire.

use std::cell::Cell;
use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderMap, TRANSFER_ENCODING};
use http::{StatusCode, response::Parts};
use http_body::SizeHint;

use crate::head::write_length;

/// What the answer has to know of its request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked {
    /// It wants the head alone.
    pub(super) head_only: bool,
    /// It came over HTTP/1.0.
    pub(super) old: bool,
}

/// How the end of an answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// There is no body.
    Nothing,
    /// So many bytes are to come.
    Length(u64),
    /// It comes in chunks.
    Chunks,
    /// It ends with the connection.
    Close,
}

impl Measure {
    /// How the end of such an answer is shown (RFC 9112 §6.3).
    pub(super) fn of(asked: Asked, status: StatusCode, size: &SizeHint) -> Self {
        if asked.head_only || has_no_body(status) {
            return Self::Nothing;
        }
        match size.exact() {
            Some(length) => Self::Length(length),
            None if asked.old => Self::Close,
            None => Self::Chunks,
        }
    }
}

fn has_no_body(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Whether the headers ask for the end of the connection.
pub(super) fn says_close(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CONNECTION).iter();
    values
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// Writes the head of an answer. The length of the body and the fate of the connection are ours to say, whatever its headers do.
pub(super) fn write_head(
    parts: &Parts,
    asked: Asked,
    measure: Measure,
    size: &SizeHint,
    keep: bool,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(parts.status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(parts.status.canonical_reason().unwrap_or("Other").as_bytes());
    out.extend_from_slice(b"\r\n");
    let mut has_date = false;
    for (name, value) in &parts.headers {
        has_date |= name == DATE;
        if name != CONTENT_LENGTH && name != TRANSFER_ENCODING && name != CONNECTION {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
    match measure {
        Measure::Length(length) => write_length(length, out),
        Measure::Chunks => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        // What a GET would be told (RFC 9110 §8.6).
        Measure::Nothing if asked.head_only && !has_no_body(parts.status) => {
            match (parts.headers.get(CONTENT_LENGTH), size.exact()) {
                (Some(length), _) => {
                    out.extend_from_slice(b"content-length: ");
                    out.extend_from_slice(length.as_bytes());
                    out.extend_from_slice(b"\r\n");
                }
                (None, Some(length)) if length > 0 => write_length(length, out),
                _ => {}
            }
        }
        Measure::Nothing | Measure::Close => {}
    }
    match (keep, asked.old) {
        (false, _) => out.extend_from_slice(b"connection: close\r\n"),
        (true, true) => out.extend_from_slice(b"connection: keep-alive\r\n"),
        (true, false) => {}
    }
    if !has_date {
        write_date(out);
    }
    out.extend_from_slice(b"\r\n");
}

/// The line before a chunk.
pub(super) fn write_chunk_size(size: usize, out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _ = write!(out, "{size:x}\r\n");
}

/// The date, as every answer has it (RFC 9110 §6.6.1).
fn write_date(out: &mut Vec<u8>) {
    /// How `Sun, 06 Nov 1994 08:49:37 GMT` is spelled.
    const LENGTH: usize = 29;
    thread_local! {
        /// The second that was spelled last on this thread.
        static SPELLED: Cell<(u64, [u8; LENGTH])> = const { Cell::new((u64::MAX, [b' '; LENGTH])) };
    }
    let second = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (spelled, mut date) = SPELLED.get();
    if spelled != second {
        // The length is always the same.
        let _ =
            write!(&mut date[..], "{}", httpdate::HttpDate::from(UNIX_EPOCH + Duration::from_secs(second)));
        SPELLED.set((second, date));
    }
    out.extend_from_slice(b"date: ");
    out.extend_from_slice(&date);
    out.extend_from_slice(b"\r\n");
}
