//! Cuts a byte stream into lines under a ceiling, however the bytes are chunked.

use bytes::{Bytes, BytesMut};

/// Room for one read. A pipe of Linux holds four of these.
const CHUNK: usize = 16 * 1024;

/// The bytes that have arrived and are not yet cut.
#[derive(Debug)]
pub(crate) struct Lines {
    buffer: BytesMut,
    /// How much of the buffer is known to hold no line end.
    searched: usize,
    limit: usize,
}

/// A line is longer than the ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Lines {
    pub(crate) fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), searched: 0, limit }
    }

    /// Where the next read goes.
    pub(crate) fn room(&mut self) -> &mut BytesMut {
        self.buffer.reserve(CHUNK);
        &mut self.buffer
    }

    /// The next line that holds anything, without its end. What is held between two calls never exceeds the ceiling
    /// by more than one read.
    pub(crate) fn next_line(&mut self) -> Result<Option<Bytes>, TooLong> {
        while let Some(found) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
            let mut line = self.buffer.split_to(self.searched + found + 1);
            self.searched = 0;
            line.truncate(line.len() - 1);
            if line.len() > self.limit {
                return Err(TooLong);
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line.freeze()));
            }
        }
        self.searched = self.buffer.len();
        if self.searched > self.limit { Err(TooLong) } else { Ok(None) }
    }

    /// The last line, if the stream ended without ending it.
    pub(crate) fn rest(&mut self) -> Option<Bytes> {
        self.searched = 0;
        let rest = self.buffer.split().freeze();
        (!rest.trim_ascii().is_empty()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(input: &[u8], chunk: usize, limit: usize) -> Result<Vec<Bytes>, TooLong> {
        let mut lines = Lines::new(limit);
        let mut found = Vec::new();
        for piece in input.chunks(chunk) {
            lines.room().extend_from_slice(piece);
            while let Some(line) = lines.next_line()? {
                found.push(line);
            }
        }
        found.extend(lines.rest());
        Ok(found)
    }

    #[test]
    fn lines_do_not_depend_on_chunks() {
        let input = "{\"a\":1}\n\n  \r\n{\"é\":\"\u{2028}\"}\r\nlast".as_bytes();
        let whole = cut(input, input.len(), 100).expect("short lines");
        assert_eq!(whole.len(), 3);
        assert_eq!(whole[2], "last");
        for chunk in 1..input.len() {
            assert_eq!(cut(input, chunk, 100).as_ref(), Ok(&whole), "in chunks of {chunk}");
        }
    }

    #[test]
    fn a_line_at_the_ceiling_passes_and_one_above_does_not() {
        for chunk in 1..12 {
            assert_eq!(cut(b"12345678\nx\n", chunk, 8).map(|lines| lines.len()), Ok(2));
            assert_eq!(cut(b"123456789\nx\n", chunk, 8), Err(TooLong));
            assert_eq!(cut(b"x\n123456789", chunk, 8), Err(TooLong));
        }
    }

    #[test]
    fn an_endless_line_is_refused_before_it_fills_memory() {
        let mut lines = Lines::new(1000);
        let mut pushed = 0;
        while lines.next_line().is_ok() {
            lines.room().extend_from_slice(&[b'x'; 100]);
            pushed += 100;
        }
        assert!(pushed <= 1100, "{pushed} bytes were held");
    }
}
