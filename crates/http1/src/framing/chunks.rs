//! The chunks of a body (RFC 9112 §7.1). Extensions and trailers are read over.

use bytes::{Buf as _, BytesMut};

use super::Fault;

/// The longest line of a chunk's size with its extensions, and the longest trailer section. Nobody reads either.
const OVERHEAD: usize = 16 * 1024;

/// How far a chunked body has been read.
#[derive(Debug)]
pub(crate) struct Chunks {
    state: State,
    /// The size of the chunk as far as it is known, and then what is left of it.
    left: u64,
    /// How long the line or the trailer section is that is being read over.
    overhead: usize,
}

/// What the next byte is.
#[derive(Debug, Clone, Copy)]
enum State {
    /// The first digit of a size.
    Size,
    /// Another digit, or what follows the last one.
    Digits,
    /// Space after the size.
    Padding,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// The first byte of a line of the trailer section, which ends with an empty one.
    Trailer,
    TrailerLine,
    TrailerLf,
    LastLf,
    End,
    Broken(Fault),
}

impl Chunks {
    pub(crate) fn new() -> Self {
        Self { state: State::Size, left: 0, overhead: 0 }
    }

    /// Takes what is not data from the front, and says how much data may follow; nothing at the end of the body.
    pub(super) fn skim(&mut self, input: &mut BytesMut) -> Result<Option<u64>, Fault> {
        let mut read = 0;
        for &byte in input.iter() {
            if matches!(self.state, State::Data | State::End | State::Broken(_)) {
                break;
            }
            self.state = self.step(byte).unwrap_or_else(State::Broken);
            read += 1;
        }
        input.advance(read);
        match self.state {
            State::Broken(fault) => Err(fault),
            State::End => Ok(None),
            State::Data => Ok(Some(self.left)),
            // Whatever follows is not data yet, and all of it was taken.
            _ => Ok(Some(0)),
        }
    }

    pub(super) fn taken(&mut self, data: u64) {
        self.left -= data;
        if self.left == 0 {
            self.state = State::DataCr;
        }
    }

    /// What is left of the chunk whose data is being read.
    pub(super) fn left(&self) -> u64 {
        if matches!(self.state, State::Data) { self.left } else { 0 }
    }

    fn step(&mut self, byte: u8) -> Result<State, Fault> {
        self.overhead += 1;
        if self.overhead > OVERHEAD {
            return Err("there is too much around a chunk of the body");
        }
        Ok(match (self.state, byte) {
            (State::Size | State::Digits, digit) if digit.is_ascii_hexdigit() => self.digit(digit)?,
            (State::Digits | State::Padding, b' ' | b'\t') => State::Padding,
            (State::Digits | State::Padding, b';') => State::Extension,
            (State::Digits | State::Padding | State::Extension, b'\r') => State::SizeLf,
            (State::Extension, other) if other != b'\n' => State::Extension,
            (State::SizeLf, b'\n') => self.sized(),
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => self.begin(State::Size),
            (State::Trailer, b'\r') => State::LastLf,
            (State::Trailer | State::TrailerLine, b'\n') => {
                return Err("a trailer of the body is not valid");
            }
            (State::TrailerLine, b'\r') => State::TrailerLf,
            (State::Trailer | State::TrailerLine, _) => State::TrailerLine,
            (State::TrailerLf, b'\n') => State::Trailer,
            (State::LastLf, b'\n') => State::End,
            _ => return Err("a chunk of the body is not valid"),
        })
    }

    fn digit(&mut self, digit: u8) -> Result<State, Fault> {
        let value = char::from(digit).to_digit(16).unwrap_or_default();
        let shifted = self.left.checked_mul(16).ok_or("a chunk of the body is too large")?;
        self.left = shifted + u64::from(value);
        Ok(State::Digits)
    }

    fn sized(&mut self) -> State {
        if self.left == 0 { self.begin(State::Trailer) } else { self.begin(State::Data) }
    }

    fn begin(&mut self, state: State) -> State {
        self.overhead = 0;
        state
    }
}
