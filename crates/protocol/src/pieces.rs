//! A message that lies in several buffers, so that what is large in it is not copied next to what is small.

use std::io::IoSlice;

use bytes::{Buf, BufMut as _, Bytes, BytesMut};

/// What comes before a result, the result, and what comes after it.
const MOST: usize = 3;

/// A message in up to three buffers, one after the other. Reading it takes it apart, as with any [`Buf`].
///
/// Most messages lie in one, so that the place for more is elsewhere.
#[derive(Clone, Default)]
pub struct Pieces {
    first: Bytes,
    more: Option<Box<[Bytes; MOST - 1]>>,
}

impl Pieces {
    /// How many bytes there are in all.
    pub fn len(&self) -> usize {
        self.iter().map(Bytes::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// All of it in one buffer. Costs nothing if it is in one already.
    pub fn join(&self) -> Bytes {
        let mut pieces = self.iter();
        match (pieces.next(), pieces.next()) {
            (None, _) => Bytes::new(),
            (Some(only), None) => only.clone(),
            (Some(_), Some(_)) => {
                let mut joined = BytesMut::with_capacity(self.len());
                self.iter().for_each(|piece| joined.put_slice(piece));
                joined.freeze()
            }
        }
    }

    /// Writes the first bytes, so many or all if there are no more.
    pub fn write_head(&self, most: usize, out: &mut Vec<u8>) {
        let end = out.len().saturating_add(most);
        for piece in self.iter() {
            let room = end - out.len();
            out.extend_from_slice(&piece[..piece.len().min(room)]);
        }
    }

    /// Takes that many bytes off the front, or all if there are no more.
    pub fn split_to(&mut self, count: usize) -> Self {
        let mut left = count;
        let mut take = |piece: &mut Bytes| {
            let taken = piece.split_to(left.min(piece.len()));
            left -= taken.len();
            taken
        };
        let first = take(&mut self.first);
        Self { first, more: self.more.as_mut().map(|more| Box::new(more.each_mut().map(take))) }
    }

    /// Those that are not empty.
    fn iter(&self) -> impl Iterator<Item = &Bytes> {
        let more = self.more.iter().flat_map(|more| more.iter());
        std::iter::once(&self.first).chain(more).filter(|piece| !piece.is_empty())
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        self.iter().next().map_or(&[], Bytes::as_ref)
    }

    fn chunks_vectored<'a>(&'a self, into: &mut [IoSlice<'a>]) -> usize {
        into.iter_mut().zip(self.iter()).map(|(slice, piece)| *slice = IoSlice::new(piece)).count()
    }

    fn advance(&mut self, count: usize) {
        assert!(count <= self.len(), "cannot advance past the end of a message");
        let mut left = count;
        let more = self.more.iter_mut().flat_map(|more| more.iter_mut());
        for piece in std::iter::once(&mut self.first).chain(more) {
            let taken = left.min(piece.len());
            piece.advance(taken);
            left -= taken;
        }
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        assert!(count <= self.len(), "cannot take more than there is of a message");
        self.split_to(count).join()
    }
}

impl From<Bytes> for Pieces {
    fn from(bytes: Bytes) -> Self {
        Self { first: bytes, more: None }
    }
}

impl From<[Bytes; MOST]> for Pieces {
    fn from([first, more @ ..]: [Bytes; MOST]) -> Self {
        Self { first, more: Some(Box::new(more)) }
    }
}

/// By what they say, however it is cut.
impl PartialEq for Pieces {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().flatten().eq(other.iter().flatten())
    }
}

impl Eq for Pieces {}

impl std::fmt::Debug for Pieces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.join()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(texts: [&'static str; MOST]) -> Pieces {
        texts.map(|text| Bytes::from_static(text.as_bytes())).into()
    }

    const CUTS: [[&str; MOST]; 5] = [
        ["abc", "def", "g"],
        ["", "abcdefg", ""],
        ["", "", "abcdefg"],
        ["abcdef", "", "g"],
        ["a", "bcdefg", ""],
    ];

    #[test]
    fn they_are_one_message_however_they_are_cut() {
        for cut in CUTS.map(pieces) {
            assert_eq!((cut.len(), cut.is_empty(), cut.join()), (7, false, Bytes::from_static(b"abcdefg")));
            assert_eq!(cut, Pieces::from(Bytes::from_static(b"abcdefg")));
            assert_ne!(cut, Pieces::from(Bytes::from_static(b"abcdefG")));
        }
        assert!(pieces([""; MOST]).is_empty());
    }

    #[test]
    fn they_can_be_taken_apart_anywhere() {
        for cut in CUTS {
            for at in 0..=8 {
                let mut rest = pieces(cut);
                let front = rest.split_to(at);
                let at = at.min(7);
                assert_eq!(
                    (&front.join()[..], &rest.join()[..]),
                    (&b"abcdefg"[..at], &b"abcdefg"[at..]),
                    "{cut:?}"
                );
            }
        }
    }

    #[test]
    fn they_are_read_in_slices_and_bit_by_bit() {
        for cut in CUTS.map(pieces) {
            let mut slices = [IoSlice::new(&[]); 4];
            let count = cut.chunks_vectored(&mut slices);
            let read: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect();
            assert_eq!(read, b"abcdefg");
            assert!(slices[..count].iter().all(|slice| !slice.is_empty()));
            let (mut reading, mut read) = (cut, Vec::new());
            while reading.has_remaining() {
                read.push(reading.chunk()[0]);
                reading.advance(1);
            }
            assert_eq!(read, b"abcdefg");
        }
    }

    #[test]
    fn what_lies_in_one_buffer_is_not_copied() {
        let whole = Bytes::from(vec![b'x'; 100]);
        assert_eq!(Pieces::from(whole.clone()).join().as_ptr(), whole.as_ptr());
        assert_eq!(
            Pieces::from([Bytes::new(), whole.clone(), Bytes::new()]).copy_to_bytes(50).as_ptr(),
            whole.as_ptr()
        );
    }
}
