//! An edit changes what it names and nothing else: undoing it gives back every byte.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use protocol::uris::{self, Shape};
use protocol::{Object, Raw, Splice, name};

fuzz_target!(|input: (u64, &str, &str)| {
    let (chosen, new, text) = input;
    let Ok(base) = Raw::parse(&Bytes::copy_from_slice(text.as_bytes())) else {
        return;
    };
    if let Ok(object) = base.object() {
        replace_and_undo(&base, &object, chosen, &Raw::string(new));
        nested(&base, &object, &Raw::string(new));
    }
    for shape in [Shape::Result, Shape::Item] {
        assert_eq!(uris::rewrite(&base, shape, |_| None), base);
        let wrapped = uris::rewrite(&base, shape, |uri| Some(name::wrap_uri("t", uri)));
        Raw::parse(wrapped.bytes()).expect("an edited value is a value");
    }
});

fn replace_and_undo(base: &Raw, object: &Object, chosen: u64, new: &Raw) {
    let is_chosen = |index: usize| chosen >> (index % 64) & 1 == 1;
    let mut edit = Splice::new(base);
    // From the end, because the order of replacements must not matter.
    let members: Vec<_> = object.iter().collect();
    for (_, old) in
        members.iter().enumerate().rev().filter(|(index, _)| is_chosen(*index)).map(|(_, member)| member)
    {
        edit.replace(old, new.clone());
    }
    let edited = edit.finish();

    let after = edited.object().expect("an edited object is an object");
    assert_eq!(after.iter().count(), members.len());
    let mut undo = Splice::new(&edited);
    for (index, ((key, old), (key_after, value))) in members.iter().zip(after.iter()).enumerate() {
        assert_eq!(*key, key_after);
        if is_chosen(index) {
            assert_eq!(value, new);
            undo.replace(value, (*old).clone());
        } else {
            assert_eq!(value, *old);
        }
    }
    assert_eq!(&undo.finish(), base);
}

/// Parts that overlap are a mistake of the caller's, but what comes out is still a value. Foreign parts are ignored.
fn nested(base: &Raw, object: &Object, new: &Raw) {
    let mut edit = Splice::new(base);
    edit.replace(new, Raw::empty_object());
    assert!(edit.is_empty());
    for (_, outer) in object.iter() {
        for (_, inner) in outer.object().unwrap_or_default().iter() {
            edit.replace(inner, new.clone());
        }
        edit.replace(outer, new.clone());
    }
    Raw::parse(edit.finish().bytes()).expect("an edited value is a value");
}
