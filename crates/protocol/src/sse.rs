//! Server-sent events: an encoder, and an incremental decoder that does not care how bytes are chunked.
//!
//! WHATWG HTML "Server-sent events". Line ends may be LF, CR or CRLF, a byte-order mark may come first.

use bytes::{Buf, Bytes, BytesMut};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// The `event` field; `message` when absent.
    pub event: Option<String>,
    /// The `data` lines, joined by newlines.
    pub data: Bytes,
    /// The `id` field, if the event has one.
    pub id: Option<String>,
    /// The `retry` field, in milliseconds.
    pub retry: Option<u64>,
}

/// An event grew beyond the decoder's ceiling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a server-sent event is larger than {limit} bytes")]
pub struct TooLarge {
    /// The ceiling in bytes.
    pub limit: usize,
}

/// Cuts a byte stream into events.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    /// How much of the buffer was searched for a line end already.
    searched: usize,
    /// A CR was the last byte seen, so a LF right after it belongs to it.
    after_cr: bool,
    started: bool,
    event: Option<String>,
    data: Vec<u8>,
    has_data: bool,
    id: Option<String>,
    retry: Option<u64>,
    limit: usize,
}

impl Decoder {
    /// A decoder that refuses events of more than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            searched: 0,
            after_cr: false,
            started: false,
            event: None,
            data: Vec::new(),
            has_data: false,
            id: None,
            retry: None,
            limit,
        }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete event, if the bytes so far hold one. Events without data, ids and retry are skipped; those
    /// that carry only an id or a retry (priming events) come with empty data.
    pub fn next_event(&mut self) -> Result<Option<Event>, TooLarge> {
        loop {
            let Some(line) = self.next_line() else {
                return if self.buffer.len() + self.data.len() > self.limit {
                    Err(TooLarge { limit: self.limit })
                } else {
                    Ok(None)
                };
            };
            if line.is_empty() {
                if let Some(event) = self.dispatch() {
                    return Ok(Some(event));
                }
                continue;
            }
            self.field(&line);
            if self.data.len() > self.limit {
                return Err(TooLarge { limit: self.limit });
            }
        }
    }

    fn next_line(&mut self) -> Option<Bytes> {
        if !self.started {
            const MARK: &[u8] = b"\xef\xbb\xbf";
            if self.buffer.len() < MARK.len() && MARK.starts_with(&self.buffer) {
                return None;
            }
            self.started = true;
            if self.buffer.starts_with(MARK) {
                self.buffer.advance(MARK.len());
            }
        }
        if self.after_cr && !self.buffer.is_empty() {
            self.after_cr = false;
            if self.buffer[0] == b'\n' {
                self.buffer.advance(1);
                self.searched = 0;
            }
        }
        let Some(found) = memchr::memchr2(b'\n', b'\r', &self.buffer[self.searched..]) else {
            self.searched = self.buffer.len();
            return None;
        };
        let end = self.searched + found;
        self.searched = 0;
        let line = self.buffer.split_to(end).freeze();
        self.after_cr = self.buffer[0] == b'\r';
        self.buffer.advance(1);
        Some(line)
    }

    fn field(&mut self, line: &[u8]) {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(0) => return,
            Some(colon) => {
                let value = &line[colon + 1..];
                (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        match name {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => self.event = Some(String::from_utf8_lossy(value).into_owned()),
            b"id" if !value.contains(&0) => self.id = Some(String::from_utf8_lossy(value).into_owned()),
            b"retry" => {
                if let Some(retry) = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()) {
                    self.retry = Some(retry);
                }
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<Event> {
        let event = Event {
            event: self.event.take(),
            data: std::mem::take(&mut self.data).into(),
            id: self.id.take(),
            retry: self.retry.take(),
        };
        let had_data = std::mem::take(&mut self.has_data);
        (had_data || event.id.is_some() || event.retry.is_some()).then_some(event)
    }
}

/// Appends an event with the given data, an `id` and an `event` name where given. Line breaks inside the data become
/// several `data` lines.
pub fn write_event(event: Option<&str>, id: Option<&str>, data: &[u8], out: &mut Vec<u8>) {
    for (field, value) in [("id", id), ("event", event)] {
        if let Some(value) = value {
            out.extend_from_slice(field.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.push(b'\n');
        }
    }
    if memchr::memchr2(b'\n', b'\r', data).is_none() {
        write_line(data, out);
    } else {
        let mut rest = data;
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            write_line(&rest[..end], out);
            let skip = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
            rest = &rest[end + skip..];
        }
        write_line(rest, out);
    }
    out.push(b'\n');
}

/// Appends the event that opens a stream: it has an id to resume from before there is a message, and says how many
/// milliseconds to wait before that (spec 2025-11-25, basic/transports "Sending Messages to the Server").
pub fn write_opening(id: &str, retry: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("retry: {retry}\n").as_bytes());
    write_event(None, Some(id), b"", out);
}

fn write_line(line: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(line);
    out.push(b'\n');
}

/// A comment that keeps a silent stream alive.
pub const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

#[cfg(test)]
mod tests;
