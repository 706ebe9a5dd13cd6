//! Heads that come again: what was read of them is remembered, so that it need not be read anew.

use std::ops::Range;

use bytes::Bytes;

use crate::framing::Framing;
use crate::head::number;

/// The longest head that is remembered, for as long as its connection is open.
const LONGEST: usize = 4 * 1024;

/// How many heads are remembered. Whoever says more than one thing says the same few again and again: calls of some tools, or
/// the beginning and the end of a session.
const MOST: usize = 4;

/// The heads that came last on a connection, the last one first. Most that come say the same as one of them, but for the length
/// of the body.
#[derive(Debug)]
pub(crate) struct Memory<T>([Option<Box<Remembered<T>>>; MOST]);

#[derive(Debug)]
struct Remembered<T> {
    bytes: Bytes,
    /// Where the length of the body stands, if it does.
    digits: Option<Range<usize>>,
    /// What was read. It is kept only when a head has come twice: most that come once do not come again.
    read: Option<T>,
}

/// A head that is to be read.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) head: Bytes,
    /// Where it is remembered, if it has come before.
    place: Option<usize>,
}

/// A head that was recognised.
#[derive(Debug)]
pub(crate) struct Recalled<'m, T> {
    pub(crate) read: &'m T,
    /// How long the head is.
    pub(crate) size: usize,
    /// The length of the body that it says.
    pub(crate) length: Option<u64>,
}

impl<T> Recalled<'_, T> {
    /// Where the body ends: by its length, or `otherwise`.
    pub(crate) fn framing(&self, otherwise: Framing) -> Framing {
        match self.length {
            Some(0) => Framing::Done,
            Some(length) => Framing::Length(length),
            None => otherwise,
        }
    }
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self([const { None }; MOST])
    }
}

impl<T: Clone> Memory<T> {
    /// Recognises a head at the front of `input`.
    pub(crate) fn recall(&mut self, input: &[u8]) -> Option<Recalled<'_, T>> {
        let known = self.0.iter().enumerate().filter_map(|(at, head)| Some((at, head.as_ref()?)));
        let mut known = known.filter(|(_, head)| head.read.is_some());
        let (at, (size, length)) = known.find_map(|(at, head)| Some((at, head.size_of_same(input)?)))?;
        self.0[..=at].rotate_right(1);
        let read = self.0[0].as_ref()?.read.as_ref()?;
        Some(Recalled { read, size, length })
    }

    /// A head that has come, before it is read. If what is read of it will be remembered it is copied, so that no memory is kept
    /// for what else lies next to it.
    pub(crate) fn take(&self, head: Bytes) -> Taken {
        let is_same = |known: &Remembered<T>| known.size_of_same(&head).is_some();
        let place = self.0.iter().position(|known| known.as_deref().is_some_and(is_same));
        let head = if place.is_some() { Bytes::copy_from_slice(&head) } else { head };
        Taken { head, place }
    }

    /// Remembers a head in which `digits` is all that is said of the length of the body, if anything is.
    pub(crate) fn note(&mut self, Taken { head, place }: &Taken, digits: Option<&[u8]>, read: &T) {
        if head.len() > LONGEST || digits.is_some_and(|digits| !digits.iter().all(u8::is_ascii_digit)) {
            return;
        }
        let within = |digits: &[u8]| {
            let from = (digits.as_ptr() as usize).saturating_sub(head.as_ptr() as usize);
            from..from + digits.len()
        };
        let digits = digits.map(within);
        let (at, noted) = match *place {
            Some(at) => (at, Remembered { bytes: head.clone(), digits, read: Some(read.clone()) }),
            None => (self.room(), Remembered { bytes: Bytes::copy_from_slice(head), digits, read: None }),
        };
        self.0[at] = Some(Box::new(noted));
        self.0[..=at].rotate_right(1);
    }

    /// The place for another head: that of the one that has not come for longest.
    fn room(&self) -> usize {
        self.0.iter().position(Option::is_none).unwrap_or(MOST - 1)
    }
}

impl<T> Remembered<T> {
    /// The size of the head at the front of `input` and the length that it says, if it says the same otherwise.
    fn size_of_same(&self, input: &[u8]) -> Option<(usize, Option<u64>)> {
        let Some(place) = &self.digits else {
            return input.starts_with(&self.bytes).then_some((self.bytes.len(), None));
        };
        let rest = input.strip_prefix(&self.bytes[..place.start])?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let after = &self.bytes[place.end..];
        if !rest[digits..].starts_with(after) {
            return None;
        }
        Some((place.start + digits + after.len(), Some(number(&rest[..digits])?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head comes that is not recognised. The digit in it, if there is one, is the length of its body.
    fn note(memory: &mut Memory<&'static str>, head: &'static str) {
        let taken = memory.take(Bytes::from_static(head.as_bytes()));
        let digit = taken.head.iter().position(u8::is_ascii_digit);
        memory.note(&taken, digit.map(|at| &taken.head[at..=at]), &head);
    }

    fn recall<'m>(memory: &'m mut Memory<&'static str>, input: &str) -> Option<&'m str> {
        memory.recall(input.as_bytes()).map(|recalled| *recalled.read)
    }

    #[test]
    fn a_head_is_remembered_once_it_has_come_twice() {
        let mut memory = Memory::default();
        note(&mut memory, "length 1 end");
        assert_eq!(recall(&mut memory, "length 1 end"), None);
        note(&mut memory, "length 2 end");
        let recalled = memory.recall(b"length 34 end and more").expect("the same head");
        assert_eq!((*recalled.read, recalled.size, recalled.length), ("length 2 end", 13, Some(34)));
        assert_eq!(recall(&mut memory, "length 1 or"), None);
        assert_eq!(recall(&mut memory, "length 1 en"), None);
    }

    #[test]
    fn heads_that_come_by_turns_are_all_remembered() {
        let mut memory = Memory::default();
        for _ in 0..2 {
            ["one", "two", "three", "four"].iter().for_each(|head| note(&mut memory, head));
        }
        for head in ["two", "one", "four", "three", "one"] {
            assert_eq!(recall(&mut memory, head), Some(head));
        }
    }

    #[test]
    fn a_head_that_comes_again_is_remembered_although_others_come_once() {
        let mut memory = Memory::default();
        note(&mut memory, "again");
        note(&mut memory, "again");
        for once in [["a", "b"], ["c", "d"], ["e", "f"]] {
            assert_eq!(recall(&mut memory, "again"), Some("again"));
            once.iter().for_each(|once| note(&mut memory, once));
        }
    }

    #[test]
    fn heads_that_take_the_place_of_others_are_learned() {
        let mut memory = Memory::default();
        for heads in [["one", "two", "three", "four"], ["five", "six", "seven", "eight"]] {
            for _ in 0..2 {
                heads.iter().for_each(|head| note(&mut memory, head));
            }
            heads.iter().for_each(|head| assert_eq!(recall(&mut memory, head), Some(*head)));
        }
    }

    #[test]
    fn what_was_not_said_for_longest_makes_room() {
        let mut memory = Memory::default();
        for head in ["one", "two", "three", "four"] {
            note(&mut memory, head);
            note(&mut memory, head);
        }
        assert_eq!(recall(&mut memory, "one"), Some("one"));
        note(&mut memory, "five");
        note(&mut memory, "five");
        assert_eq!(recall(&mut memory, "two"), None);
        for head in ["one", "three", "four", "five"] {
            assert_eq!(recall(&mut memory, head), Some(head));
        }
    }
}
