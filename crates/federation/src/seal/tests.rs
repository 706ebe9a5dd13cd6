use proptest::prelude::*;

use super::*;

const HERE: Purpose<'_> = Purpose { what: "here", of: ["", ""] };

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn sealed(seal: &Seal, text: &[u8]) -> String {
    seal.seal(HERE, text, at(100)).expect("a key")
}

#[test]
fn what_was_sealed_opens_until_it_expires() {
    let seal = Seal::random();
    let token = sealed(&seal, b"text");
    assert_eq!(seal.open(HERE, &token, at(0)), Ok(b"text".to_vec()));
    assert_eq!(seal.open(HERE, &token, at(99)), Ok(b"text".to_vec()));
    assert_eq!(seal.open(HERE, &token, at(100)), Err(Unopened::Expired));
}

#[test]
fn a_token_for_another_purpose_does_not_open() {
    let seal = Seal::random();
    for other in [
        Purpose { what: "there", ..HERE },
        Purpose { of: ["x", ""], ..HERE },
        Purpose { of: ["", "x"], ..HERE },
        Purpose { what: "her", of: ["e", ""] },
    ] {
        assert_eq!(seal.open(other, &sealed(&seal, b"text"), at(0)), Err(Unopened::Foreign), "{other:?}");
    }
}

#[test]
fn a_key_is_64_hexadecimal_digits_and_shows_nothing() {
    let key = Key::parse(&"0aF".repeat(22)[..64]).expect("a key");
    assert_eq!((key.0[..3].to_vec(), format!("{key:?}")), (vec![0x0a, 0xf0, 0xaf], "<hidden>".to_owned()));
    for wrong in
        ["", "0a", &"0".repeat(63), &"0".repeat(65), &"0".repeat(66), &"+0".repeat(32), &"é".repeat(32)]
    {
        assert_eq!(Key::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn another_process_does_not_open_it() {
    let token = sealed(&Seal::random(), b"text");
    assert_eq!(Seal::random().open(HERE, &token, at(0)), Err(Unopened::Foreign));
}

#[test]
fn the_first_key_seals_and_every_key_opens() {
    let (old, new) = ([1; KEY], [2; KEY]);
    let both = Seal::with(&[new, old]);
    assert_eq!(both.open(HERE, &sealed(&Seal::with(&[old]), b"old"), at(0)), Ok(b"old".to_vec()));
    let token = sealed(&both, b"new");
    assert_eq!(Seal::with(&[new]).open(HERE, &token, at(0)), Ok(b"new".to_vec()));
    assert_eq!(Seal::with(&[old]).open(HERE, &token, at(0)), Err(Unopened::Foreign));
}

#[test]
fn a_token_has_room_for_as_much_as_it_is_said_to() {
    let seal = Seal::random();
    for length in [100, 101, 2048, LONGEST] {
        let room = Seal::room(length);
        assert!(
            sealed(&seal, &vec![7; room]).len() <= length && sealed(&seal, &vec![7; room + 4]).len() > length
        );
    }
    assert_eq!(Seal::room(3), 0);
}

#[test]
fn the_same_text_is_never_sealed_the_same() {
    let seal = Seal::random();
    assert_ne!(sealed(&seal, b"text"), sealed(&seal, b"text"));
}

#[test]
fn a_seal_without_keys_seals_nothing_and_opens_nothing() {
    let none = Seal::with(&[]);
    assert_eq!(none.seal(HERE, b"text", at(100)), None);
    assert_eq!(none.open(HERE, &sealed(&Seal::random(), b"text"), at(0)), Err(Unopened::Foreign));
}

#[test]
fn what_is_too_short_or_too_long_to_be_a_token_is_foreign() {
    let seal = Seal::random();
    for length in [0, 1, 15, 16, 17, 37, 38, 48, LONGEST, LONGEST + 1, 1 << 20] {
        assert_eq!(seal.open(HERE, &"A".repeat(length), at(0)), Err(Unopened::Foreign), "{length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_comes_back_as_it_was(text: Vec<u8>) {
        let seal = Seal::random();
        prop_assert_eq!(seal.open(HERE, &sealed(&seal, &text), at(0)), Ok(text));
    }

    #[test]
    fn nothing_that_was_not_sealed_here_opens(token in "[A-Za-z0-9_-]{0,120}", other in ".{0,60}") {
        let seal = Seal::random();
        prop_assert_eq!(seal.open(HERE, &token, at(0)), Err(Unopened::Foreign));
        prop_assert_eq!(seal.open(HERE, &other, at(0)), Err(Unopened::Foreign));
    }

    #[test]
    fn a_token_in_which_one_character_was_changed_does_not_open(at_: prop::sample::Index, to in "[A-Za-z0-9_-]") {
        let seal = Seal::random();
        let token = sealed(&seal, b"text");
        let index = at_.index(token.len());
        let changed = format!("{}{to}{}", &token[..index], &token[index + 1..]);
        prop_assume!(changed != token);
        prop_assert_eq!(seal.open(HERE, &changed, at(0)), Err(Unopened::Foreign));
    }
}
