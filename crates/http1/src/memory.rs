//! Heads that come again: what was read of them is remembered, so that it need not be read anew.

use bytes::Bytes;
use http::header::HeaderMap;

use crate::framing::Framing;
use pattern::{Differing, Pattern, Same, range_in};

mod pattern;

/// The longest head that is remembered, for as long as its connection is open.
const LONGEST: usize = 4 * 1024;

/// How many heads are remembered. Whoever says more than one thing says the same few again and again: calls of some tools, or
/// the beginning and the end of a session.
const MOST: usize = 4;

/// What is read of a head, to be shared by all who say the same.
pub(crate) trait Read: Clone {
    fn headers(&self) -> &HeaderMap;

    /// To replace a value. What others have of it does not change.
    fn headers_mut(&mut self) -> &mut HeaderMap;
}

/// The heads that came last on a connection, the last one first. Most that come say the same as one of them, but for the length
/// of the body and for the value of one header: the session in which the client is by now, the tool it calls, the date.
#[derive(Debug)]
pub(crate) struct Memory<T>([Option<Box<Remembered<T>>>; MOST]);

#[derive(Debug)]
struct Remembered<T> {
    pattern: Pattern,
    /// What was read. It is kept only when a head has come twice: most that come once do not come again.
    read: Option<T>,
}

/// A head that is to be read.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) head: Bytes,
    /// Where it is remembered, if it has come before, and in what it differed then.
    place: Option<(usize, Option<Differing>)>,
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

impl<T: Read> Memory<T> {
    /// Recognises a head at the front of `input`.
    pub(crate) fn recall(&mut self, input: &[u8]) -> Option<Recalled<'_, T>> {
        let known = self.0.iter().enumerate().filter_map(|(at, head)| Some((at, head.as_ref()?)));
        let mut known = known.filter(|(_, head)| head.read.is_some());
        let (at, same) = known.find_map(|(at, head)| Some((at, head.pattern.same(input)?)))?;
        let Same { size, length, value } = same;
        self.0[..=at].rotate_right(1);
        let Remembered { pattern, read } = self.0[0].as_deref_mut()?;
        let read = read.as_mut()?;
        if let Some(value) = value {
            pattern.say(value, read.headers_mut())?;
        }
        Some(Recalled { read, size, length })
    }

    /// A head that has come, before it is read. If what is read of it will be remembered it is copied, so that no memory is kept
    /// for what else lies next to it.
    pub(crate) fn take(&self, head: Bytes) -> Taken {
        let known =
            || self.0.iter().enumerate().filter_map(|(at, known)| Some((at, &known.as_ref()?.pattern)));
        let same = known().find(|(_, known)| known.same(&head).is_some()).map(|(at, _)| (at, None));
        let place = same.or_else(|| known().find_map(|(at, known)| Some((at, Some(known.differs(&head)?)))));
        let head = if place.is_some() { Bytes::copy_from_slice(&head) } else { head };
        Taken { head, place }
    }

    /// Remembers a head in which `digits` is all that is said of the length of the body, if anything is.
    pub(crate) fn note(&mut self, Taken { head, place }: &Taken, digits: Option<&[u8]>, read: &T) {
        if head.len() > LONGEST || digits.is_some_and(|digits| !digits.iter().all(u8::is_ascii_digit)) {
            return;
        }
        let length = digits.map(|digits| range_in(head, digits));
        let (at, noted) = match place {
            // It could not be recognised because it came in pieces.
            Some((at, None)) if self.0[*at].as_ref().is_some_and(|known| known.read.is_some()) => return,
            Some((at, differing)) => {
                let mut pattern = Pattern::new(head.clone(), length);
                differing.iter().for_each(|differing| pattern.leave_open(differing, read.headers()));
                (*at, Remembered { pattern, read: Some(read.clone()) })
            }
            None => {
                let pattern = Pattern::new(Bytes::copy_from_slice(head), length);
                (self.room(), Remembered { pattern, read: None })
            }
        };
        self.0[at] = Some(Box::new(noted));
        self.0[..=at].rotate_right(1);
    }

    /// The place for another head: that of the one that has not come for longest.
    fn room(&self) -> usize {
        self.0.iter().position(Option::is_none).unwrap_or(MOST - 1)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// A head that was read, and its headers.
    #[derive(Debug, Clone)]
    struct Said(&'static str, HeaderMap);

    impl Said {
        fn id(&self) -> Option<&str> {
            Some(self.1.get("id")?.to_str().expect("text"))
        }
    }

    impl Read for Said {
        fn headers(&self) -> &HeaderMap {
            &self.1
        }

        fn headers_mut(&mut self) -> &mut HeaderMap {
            &mut self.1
        }
    }

    /// A head comes that is not recognised. The digit in it, if there is one, is the length of its body.
    fn note(memory: &mut Memory<Said>, head: &'static str) {
        let taken = memory.take(Bytes::from_static(head.as_bytes()));
        let digit = taken.head.iter().position(u8::is_ascii_digit);
        let mut headers = HeaderMap::new();
        for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
            headers.append(name, HeaderValue::from_static(value));
        }
        memory.note(&taken, digit.map(|at| &taken.head[at..=at]), &Said(head, headers));
    }

    fn recall<'m>(memory: &'m mut Memory<Said>, input: &str) -> Option<&'m str> {
        memory.recall(input.as_bytes()).map(|recalled| recalled.read.0)
    }

    #[test]
    fn a_value_that_differs_each_time_is_found_out_and_then_only_that_is_read() {
        for [first, second, third] in [
            [
                "ask\r\nx: y\r\nlength 1\r\nid: a\r\n\r\n",
                "ask\r\nx: y\r\nlength 1\r\nid: bc\r\n\r\n",
                "ask\r\nx: y\r\nlength 23\r\nid: d\r\n\r\n",
            ],
            [
                "ask\r\nid: a\r\nx: y\r\nlength 1\r\n\r\n",
                "ask\r\nid: bc\r\nx: y\r\nlength 1\r\n\r\n",
                "ask\r\nid: d\r\nx: y\r\nlength 23\r\n\r\n",
            ],
        ] {
            let mut memory = Memory::default();
            note(&mut memory, first);
            note(&mut memory, second);
            let recalled = memory.recall(second.as_bytes()).expect("it has come twice");
            assert_eq!((recalled.read.id(), recalled.length), (Some("bc"), Some(1)));
            let before = recalled.read.clone();
            for _ in 0..2 {
                let recalled = memory.recall(third.as_bytes()).expect("the same but for the value");
                let (size, length) = (recalled.size, recalled.length);
                assert_eq!((recalled.read.id(), size, length), (Some("d"), third.len(), Some(23)));
            }
            assert_eq!(before.id(), Some("bc"));
            assert_eq!(recall(&mut memory, &third.replace("x: y", "x: z")), None);
            assert_eq!(recall(&mut memory, &third.replace("id: d", "id: \u{7f}")), None);
            assert_eq!(recall(&mut memory, &first[..first.len() - 1]), None);
        }
    }

    #[test]
    fn a_value_that_differs_is_known_also_after_a_head_that_came_in_pieces() {
        let mut memory = Memory::default();
        ["ask\r\nid: a\r\n\r\n", "ask\r\nid: b\r\n\r\n"].iter().for_each(|head| note(&mut memory, head));
        // Nobody asks whether it is known before it is there as a whole.
        note(&mut memory, "ask\r\nid: b\r\n\r\n");
        let recalled = memory.recall(b"ask\r\nid: c\r\n\r\n").expect("the same but for the value");
        assert_eq!(recalled.read.id(), Some("c"));
    }

    #[test]
    fn heads_that_differ_in_more_than_a_value_are_not_the_same() {
        for (first, second) in [
            ("ask\r\nid: a\r\nx: y\r\n\r\n", "ask\r\nid: b\r\nx: z\r\n\r\n"),
            ("ask\r\nid: a\r\n\r\n", "tell\r\nid: b\r\n\r\n"),
            ("ask\r\nid: a\r\n\r\n", "ask\r\nie: a\r\n\r\n"),
            ("ask\r\nid: a\r\n\r\n", "ask\r\nid: b\r\nx: y\r\n\r\n"),
            ("ask\r\nid: a\r\nid: a\r\n\r\n", "ask\r\nid: a\r\nid: b\r\n\r\n"),
            ("ask\r\nconnection: a\r\n\r\n", "ask\r\nconnection: b\r\n\r\n"),
        ] {
            let mut memory = Memory::default();
            note(&mut memory, first);
            note(&mut memory, second);
            let third = second.replace(": b", ": c").replace(": z", ": x");
            assert_eq!(recall(&mut memory, &third), None, "{second:?}");
        }
    }

    #[test]
    fn a_head_is_remembered_once_it_has_come_twice() {
        let mut memory = Memory::default();
        note(&mut memory, "length 1 end");
        assert_eq!(recall(&mut memory, "length 1 end"), None);
        note(&mut memory, "length 2 end");
        let recalled = memory.recall(b"length 34 end and more").expect("the same head");
        assert_eq!((recalled.read.0, recalled.size, recalled.length), ("length 2 end", 13, Some(34)));
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
