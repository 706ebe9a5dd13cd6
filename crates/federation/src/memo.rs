//! What was made of bytes that come again and again: clients say the same of themselves with each request, and so do servers
//! with each answer.

use bytes::Bytes;
use protocol::Raw;

/// How many are kept. Each length has one place, which the last of it takes.
const PLACES: usize = 16;

/// The longest bytes that are kept.
const LONGEST: usize = 4 * 1024;

/// A few values with what they were made of. Everything is made of nothing but the bytes, so that whoever says the same gets
/// the same, whoever it is.
pub(crate) struct Memo<V>([Option<(Bytes, V)>; PLACES]);

impl<V: Clone> Memo<V> {
    /// Nothing was made yet.
    pub(crate) const fn new() -> Self {
        Self([const { None }; PLACES])
    }

    /// What `make` makes of a value. It is given a copy, so that what it cuts from it keeps no message in memory.
    pub(crate) fn of(&mut self, value: &Raw, make: impl FnOnce(&Raw) -> V) -> V {
        let place = &mut self.0[value.as_bytes().len() % PLACES];
        if let Some((bytes, made)) = place
            && bytes == value.bytes()
        {
            return made.clone();
        }
        let copy = value.detached();
        let made = make(&copy);
        if copy.as_bytes().len() <= LONGEST {
            *place = Some((copy.bytes().clone(), made.clone()));
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_made_once_and_never_taken_for_something_else() {
        let (mut memo, mut made) = (Memo::new(), 0);
        let mut of = |text: &str| {
            let value = Raw::string(text);
            memo.of(&value, |value| {
                made += 1;
                (value.clone(), made)
            })
        };
        let one = of("one");
        assert_eq!((of("one"), &one.0), (one.clone(), &Raw::string("one")));
        // Of the same length, and of one that has the same place.
        for (text, times) in [("two", 2), ("one", 3), (&*"x".repeat(3 + PLACES), 4), ("one", 5), ("one", 5)] {
            assert_eq!(of(text), (Raw::string(text), times));
        }
        let long = "x".repeat(LONGEST);
        assert_ne!(of(&long).1, of(&long).1, "what is very long is not kept");
    }
}
