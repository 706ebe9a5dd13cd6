//! Names that are too long for some clients and models, and what is shown instead.
//!
//! A shortened name is a readable head and a tail that tells it from others: `longtarget_create_or_update_rep-3f9a1c2b`. It is
//! made of the full name and the limit alone, so that restarts, replicas and other tools do not change it. It is exactly as
//! long as the limit, and holds only what every API takes that has names of tools.

use sha2::{Digest as _, Sha256};

use super::NAME_SEAM;

/// What stands between head and tail.
const TAIL_SEAM: char = '-';
/// Hexadecimal digits of the tail. Two names with the same head share them once in four billion times.
const TAIL_DIGITS: usize = 8;

/// How long an exposed name of a tool or prompt may be, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxLength(usize);

impl MaxLength {
    /// Less leaves no readable head.
    pub const LEAST: usize = 32;
    /// More is no limit: nobody has one above it (spec 2026-07-28, server/tools "Tool Names").
    pub const MOST: usize = 128;
    /// What models take, and so most clients.
    pub const USUAL: Self = Self(64);

    /// A limit; `None` if it is not between [`Self::LEAST`] and [`Self::MOST`].
    pub fn new(characters: usize) -> Option<Self> {
        (Self::LEAST..=Self::MOST).contains(&characters).then_some(Self(characters))
    }

    /// The limit in characters.
    pub fn get(self) -> usize {
        self.0
    }

    /// Whether a name is too long.
    pub fn is_exceeded_by(self, name: &str) -> bool {
        // No name has more characters than bytes.
        name.len() > self.0 && name.chars().count() > self.0
    }

    /// What is shown instead of a name that is too long, which is `local` behind its target if it carries one.
    pub fn shorten(self, target: Option<&str>, local: &str) -> String {
        let room = self.0 - 1 - TAIL_DIGITS;
        let mut head = String::with_capacity(self.0);
        let mut hash = Sha256::new();
        if let Some(target) = target {
            // The target stays whole where that leaves the tool at least as much.
            let left = room.saturating_sub(1 + local.chars().count());
            head.extend(target.chars().take(left.max(room / 2)).map(|c| if plain(c) { c } else { '-' }));
            head.push(NAME_SEAM);
            hash.update(target);
            hash.update([NAME_SEAM as u8]);
        }
        hash.update(local);
        head.extend(local.chars().take(room - head.len()).map(|c| if plain(c) { c } else { '_' }));
        head.push(TAIL_SEAM);
        for byte in &hash.finalize()[..TAIL_DIGITS / 2] {
            head.extend(
                [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])),
            );
        }
        head
    }

    /// Whether a name has the form of one that was shortened to this length.
    pub fn is_length_of(self, name: &str) -> bool {
        let tail = name.len().checked_sub(TAIL_DIGITS).and_then(|at| name.split_at_checked(at));
        let hex = |tail: &str| tail.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        name.len() == self.0 && tail.is_some_and(|(head, tail)| head.ends_with(TAIL_SEAM) && hex(tail))
    }
}

/// Whether every API takes this character in a name.
fn plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::name::{join, split};

    const LONG: &str = "create_or_update_repository_file_contents_in_branch";

    fn of(characters: usize) -> MaxLength {
        MaxLength::new(characters).expect("a length in a test")
    }

    /// These are known to clients, and in files of theirs: a change here breaks them.
    #[test]
    fn shortened_names() {
        let target = "a-target-with.a.name-that-is-itself-too-long-for-any-model-to-take";
        for (characters, target, local, short) in [
            (64, Some("github"), LONG, None),
            (50, Some("github"), LONG, Some("github_create_or_update_repository_file_c-")),
            (32, Some("github"), LONG, Some("github_create_or_update-")),
            (50, None, LONG, Some("create_or_update_repository_file_contents-")),
            (64, Some(target), "get", Some("a-target-with-a-name-that-is-itself-too-long-for-an_get-")),
            (64, Some(target), LONG, Some("a-target-with-a-name-that-i_create_or_update_repository-")),
            (32, Some("t"), "naïve/tool.name with ünusual letters", Some("t_na_ve_tool_name_with_-")),
        ] {
            let full = target.map_or_else(|| local.to_owned(), |target| join(target, local));
            let made = of(characters).is_exceeded_by(&full).then(|| of(characters).shorten(target, local));
            let head = made.as_deref().map(|made| &made[..made.len() - TAIL_DIGITS]);
            assert_eq!(head, short, "{made:?}");
        }
        assert_eq!(
            of(50).shorten(Some("github"), LONG),
            "github_create_or_update_repository_file_c-9667a0f9"
        );
    }

    #[test]
    fn characters_count_and_not_bytes() {
        assert!(!of(32).is_exceeded_by(&"é".repeat(32)));
        assert!(of(32).is_exceeded_by(&"é".repeat(33)));
        assert_eq!([31, 129].map(MaxLength::new), [None, None]);
    }

    proptest! {
        #[test]
        fn every_name_is_shortened_to_what_every_api_takes(
            characters in 32usize..=128,
            target in proptest::option::of("[a-z]([a-z0-9.-]{0,200}[a-z0-9])?"),
            local in "\\PC{0,200}",
        ) {
            let length = of(characters);
            let short = length.shorten(target.as_deref(), &local);
            let full = target.as_deref().map_or_else(|| local.clone(), |target| join(target, &local));
            if length.is_exceeded_by(&full) {
                prop_assert_eq!(short.len(), characters);
                prop_assert!(short.chars().all(plain), "{}", short);
                prop_assert!(length.is_length_of(&short) && !length.is_exceeded_by(&short));
                if let Some(target) = target.filter(|t| t.len() <= (characters - 9) / 2 && t.chars().all(plain)) {
                    prop_assert_eq!(split(&short).map(|(owner, _)| owner), Some(target.as_str()));
                }
            }
        }

        #[test]
        fn different_names_stay_different(one in "a{80}[a-z]{0,8}", other in "a{80}[a-z]{0,8}") {
            let short = |local: &str| of(64).shorten(Some("t"), local);
            prop_assert_eq!(one == other, short(&one) == short(&other));
        }
    }
}
