//! Where a body ends (RFC 9112 §6.3).

use bytes::BytesMut;

mod chunks;

pub(crate) use chunks::Chunks;

/// What is wrong with what the other side sent, in words for whoever has to know.
pub type Fault = &'static str;

/// How the end of a body is found, and how far it has been read.
#[derive(Debug)]
pub(crate) enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    /// It comes in chunks, the last of which is empty.
    Chunked(Chunks),
    /// It ends with the connection.
    Close,
    /// Nothing is left.
    Done,
}

/// What stands at the front of what was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// So many bytes of the body, at least one.
    Data(usize),
    /// Nothing that can be used yet.
    More,
    /// The body is over.
    End,
}

impl Framing {
    /// Takes what is not the body's from the front of `input`, and says what comes then. Asked twice, it says the same twice.
    pub(crate) fn next(&mut self, input: &mut BytesMut) -> Result<Next, Fault> {
        let left = match self {
            Self::Length(0) | Self::Done => None,
            Self::Length(left) => Some(*left),
            Self::Close => Some(u64::MAX),
            Self::Chunked(chunks) => chunks.skim(input)?,
        };
        Ok(match left {
            None => {
                *self = Self::Done;
                Next::End
            }
            Some(left) => match usize::try_from(left).unwrap_or(usize::MAX).min(input.len()) {
                0 => Next::More,
                data => Next::Data(data),
            },
        })
    }

    /// So many bytes of the body were taken from the front.
    pub(crate) fn taken(&mut self, data: usize) {
        match self {
            Self::Length(left) => *left -= data as u64,
            Self::Chunked(chunks) => chunks.taken(data as u64),
            Self::Close | Self::Done => {}
        }
    }

    /// How many bytes of the body are to come at least.
    pub(crate) fn left(&self) -> u64 {
        match self {
            Self::Length(left) => *left,
            Self::Chunked(chunks) => chunks.left(),
            Self::Close | Self::Done => 0,
        }
    }
}
