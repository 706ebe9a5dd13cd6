use super::*;
use crate::Object;
use proptest::prelude::*;

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,2})?",
        ".{0,8}".prop_map(|s| serde_json::to_string(&s).expect("a string")),
        Just(r#""\u0061\ud83d\ude00\/""#.to_owned()),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("[ {}]", v.join(" ,"))),
            prop::collection::vec((key(), inner), 0..4).prop_map(|members| object(&members)),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,3}", Just("é\"\\".to_owned())]
}

/// An object with odd spacing and some keys spelled with escapes; the first of equal keys wins.
fn object(members: &[(String, String)]) -> String {
    let mut seen = Vec::new();
    let mut out = Vec::new();
    for (index, (key, value)) in members.iter().enumerate() {
        if seen.contains(key) {
            continue;
        }
        seen.push(key.clone());
        let spelled = if index % 2 == 1 && key.is_ascii() && key.len() == 1 {
            format!("\"\\u{:04x}\"", key.as_bytes()[0])
        } else {
            serde_json::to_string(key).expect("a string")
        };
        out.push(format!("{spelled} :\t{value}"));
    }
    format!("{{{} }}", out.join(",\n "))
}

fn any_object() -> impl Strategy<Value = (Vec<String>, String)> {
    prop::collection::vec((key(), json()), 1..6).prop_map(|members| {
        let mut keys: Vec<String> = Vec::new();
        for (key, _) in &members {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        (keys, object(&members))
    })
}

proptest! {
    #[test]
    fn an_edit_changes_only_the_edited_member((keys, text) in any_object(), pick in any::<prop::sample::Index>(), new in json()) {
        let base = Raw::parse(&Bytes::from(text.clone())).expect("valid");
        let members = base.object().expect("an object");
        let key = pick.get(&keys);
        let old = members.get(key).expect("the member is there").clone();
        let new = Raw::parse(&Bytes::from(new)).expect("valid");

        let mut edit = Splice::new(&base);
        edit.replace(&old, new.clone());
        let edited = edit.finish();

        let start = old.as_bytes().as_ptr() as usize - base.as_bytes().as_ptr() as usize;
        let before = &base.as_bytes()[..start];
        let after = &base.as_bytes()[start + old.as_bytes().len()..];
        prop_assert!(edited.as_bytes().starts_with(before));
        prop_assert!(edited.as_bytes().ends_with(after));
        prop_assert_eq!(edited.as_bytes().len(), before.len() + new.as_bytes().len() + after.len());
        let edited = edited.object().expect("still an object");
        prop_assert_eq!(edited.get(key), Some(&new));
    }

    #[test]
    fn members_that_are_set_are_as_in_an_object_and_in_pieces_nothing_is_copied((_, text) in any_object(), first in json(), second in json()) {
        let raw = |text: String| Raw::parse(&Bytes::from(text)).expect("valid");
        let base = raw(text);
        let mut members = base.object().expect("an object");
        let (first, second) = (raw(first), raw(second));
        let edit = || {
            let mut edit = Splice::new(&base);
            edit.set(&members, "a", first.clone());
            edit.set(&members, "resultType", second.clone());
            edit
        };
        let (edited, pieces) = (edit().finish(), edit().pieces());
        prop_assert_eq!(pieces.concat(), edited.as_bytes());
        let inside = base.as_bytes().as_ptr_range();
        let kept: usize = pieces.iter().filter(|piece| inside.contains(&piece.as_ptr())).map(Bytes::len).sum();
        let old = members.get("a").map_or(0, |old| old.as_bytes().len());
        prop_assert_eq!(kept, base.as_bytes().len() - 1 - old);

        members.set("a", first.clone());
        members.set("resultType", second.clone());
        prop_assert_eq!(Raw::parse(edited.bytes()).expect("valid").object().expect("an object"), members);
    }

    #[test]
    fn scanning_an_object_keeps_every_member_as_it_was((keys, text) in any_object()) {
        let members = Object::parse(&Bytes::from(text.clone())).expect("valid");
        prop_assert_eq!(members.iter().map(|(key, _)| key.to_owned()).collect::<Vec<_>>(), keys.clone());
        let whole = Raw::parse(&Bytes::from(text)).expect("valid");
        prop_assert!(keys.iter().all(|key| whole.has_member(key)) && !whole.has_member("none"));
        let written = members.to_raw();
        prop_assert_eq!(written.object().expect("valid"), members);
    }

    #[test]
    fn a_repeated_member_is_refused((keys, text) in any_object(), pick in any::<prop::sample::Index>()) {
        let key = serde_json::to_string(pick.get(&keys)).expect("a string");
        let doubled = format!("{},{key}:1}}", text.trim_end_matches(['}', ' ']));
        if serde_json::from_str::<serde_json::Value>(&doubled).is_ok() {
            prop_assert!(Object::parse(&Bytes::from(doubled)).is_err());
        }
    }
}

#[test]
fn a_part_of_another_buffer_changes_nothing() {
    let base = Raw::string("base");
    let mut edit = Splice::new(&base);
    edit.replace(&Raw::string("base"), Raw::string("other"));
    assert_eq!(edit.finish(), base);
}

#[test]
fn members_are_added_to_an_empty_object_as_well() {
    for text in ["{}", "{ \n}"] {
        let base = Raw::parse(&Bytes::from_static(text.as_bytes())).expect("valid");
        let mut edit = Splice::new(&base);
        edit.add("a", Raw::string("x"));
        edit.add("b", Raw::string("uri"));
        let edited = edit.finish();
        assert_eq!(Object::parse(edited.bytes()).expect("an object").text("a").as_deref(), Some("x"));
        assert!(edited.holds(crate::Word::Uri), "what was added is looked at");
    }
}

#[test]
fn a_repeated_member_is_refused_among_very_many_and_quickly() {
    let members: Vec<String> = (0..200_000).map(|n| format!("\"k{n}\":0")).collect();
    let text = format!("{{{}}}", members.join(","));
    assert!(Object::parse(&Bytes::from(text.clone())).is_ok());
    let doubled = text.replacen("\"k199999\"", "\"k40\"", 1);
    assert!(Object::parse(&Bytes::from(doubled)).is_err());
}
