//! Our reader of JSON takes what serde_json takes, and finds the same values in it.

#![no_main]

use std::collections::BTreeMap;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use protocol::{Object, Raw};
use serde_json::value::RawValue;

fuzz_target!(|text: &[u8]| {
    let bytes = Bytes::copy_from_slice(text);
    match (Raw::parse(&bytes), serde_json::from_slice::<&RawValue>(text)) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours.as_bytes(), theirs.get().as_bytes());
            elements(&ours);
        }
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{ours:?} is not {theirs:?}"),
    }
    // The last of two equal members wins there; here they are refused.
    match (Object::parse(&bytes), serde_json::from_slice::<BTreeMap<String, &RawValue>>(text)) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours.iter().count(), theirs.len());
            assert!(ours.iter().all(|(name, value)| theirs[name].get().as_bytes() == value.as_bytes()));
        }
        (Ok(ours), Err(error)) => panic!("{ours:?} is refused: {error}"),
        (Err(_), _) => {}
    }
});

fn elements(value: &Raw) {
    let theirs = serde_json::from_slice::<Vec<&RawValue>>(value.as_bytes());
    match (value.array(), theirs) {
        (Ok(ours), Ok(theirs)) => {
            let theirs: Vec<_> = theirs.iter().map(|element| element.get().as_bytes()).collect();
            assert_eq!(ours.iter().map(Raw::as_bytes).collect::<Vec<_>>(), theirs);
        }
        (ours, theirs) => assert!(ours.is_err() && theirs.is_err()),
    }
}
