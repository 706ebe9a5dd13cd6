use std::fmt;

use bytes::Bytes;
use proptest::prelude::*;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::*;
use crate::{Message, Object, Word, message};

/// The members as `serde_json` reads them.
fn members_by_serde(text: &[u8]) -> Result<Vec<(String, &[u8])>, serde_json::Error> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de [u8])>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members: Self::Value = Vec::new();
            while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                if members.iter().any(|(other, _)| *other == name) {
                    return Err(serde::de::Error::custom(format!("the member `{name}` occurs twice")));
                }
                members.push((name, value.get().as_bytes()));
            }
            Ok(members)
        }
    }

    let mut reader = serde_json::Deserializer::from_slice(text);
    let members = reader.deserialize_map(Members)?;
    reader.end()?;
    Ok(members)
}

/// Both readers take the same texts, and find the same in them.
fn readers_agree(text: &[u8]) {
    let bytes = Bytes::copy_from_slice(text);
    let shown = String::from_utf8_lossy(text);
    let theirs = serde_json::from_slice::<&RawValue>(text);
    match (Raw::parse(&bytes), theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours.as_bytes(), theirs.get().as_bytes(), "{shown}"),
        (Err(ours), Err(theirs)) => assert_eq!(ours.to_string(), theirs.to_string(), "{shown}"),
        (ours, theirs) => panic!("{ours:?} is not {theirs:?} of {shown}"),
    }
    match (Object::parse(&bytes), members_by_serde(text)) {
        (Ok(ours), Ok(theirs)) => {
            let ours = ours.iter().map(|(name, value)| (name.to_owned(), value.as_bytes()));
            assert_eq!(ours.collect::<Vec<_>>(), theirs, "{shown}");
        }
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{ours:?} is not {theirs:?} of {shown}"),
    }
}

const TEXTS: &[&str] = &[
    "null",
    "true",
    "false",
    "nul",
    "truefalse",
    "-",
    "-0",
    "0",
    "00",
    "-01",
    "1.",
    "1.5",
    ".5",
    "1e",
    "1e+",
    "1E-7",
    "1e5.5",
    "12345678901234567890123",
    "1e400",
    "--1",
    "+1",
    "NaN",
    "\"",
    "\"\"",
    "\"a",
    "[",
    "]",
    "[]",
    "[ ]",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{",
    "}",
    "{}",
    "{ }",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,\"a\":1}",
    "{a:1}",
    "{1:1}",
    "{\"a\":1 \"b\":2}",
    "[}",
    "{]",
    "[1}",
    "{\"a\":1]",
    "[[]",
    "1 2",
    " 1 ",
    "\u{feff}1",
    "\u{a0}1",
    "1\u{c}",
    "\"\t\"",
    "\"\u{7f}\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"\\ud83d\\ude00\"",
    "\"\\",
    "\"\\u",
    "é",
    "\"é\"",
    "{\"é\":\"€😀\"}",
    "{\"\\ud800\":1}",
    "{\"a\":\"\\ud800\"}",
    "{\"a\":{\"\\ud800\":1}}",
    "{\"a\":1,\"\\u0061\":2}",
    "{\"a\":{\"a\":1,\"a\":2}}",
    r#"{"a\"b":"\\\"","c":[{"d":[[],{}]},-0.0e-0, true ,null],"e":"\/\b\f\n\r\t"}"#,
    "",
    " ",
    "\n\t\r ",
    "/**/1",
    "'a'",
];

#[test]
fn odd_texts_and_all_their_beginnings() {
    for text in TEXTS {
        (0..=text.len()).for_each(|end| readers_agree(&text.as_bytes()[..end]));
    }
}

/// Strings are looked at in pieces of several sizes: whatever ends or spoils one is found wherever it stands.
#[test]
fn every_byte_at_every_place_of_a_string() {
    for length in [0, 7, 8, 9, 31, 32, 33, 95, 96, 97, 161] {
        for at in 0..=length {
            for odd in [
                &b"\""[..],
                b"\\",
                b"\\n",
                b"\\u00e9",
                b"\x1f",
                b"\0",
                b"\x7f",
                b"\x80",
                b"\xff",
                "é".as_bytes(),
                "😀".as_bytes(),
            ] {
                let mut text = vec![b'x'; length];
                text.splice(at..at, odd.iter().copied());
                readers_agree(&[b"\"", &text[..], b"\""].concat());
                readers_agree(&[b"{\"", &text[..], b"\":1}"].concat());
            }
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_wherever_they_stand() {
    for text in
        [&b"\"\xff\""[..], b"[1,\"\xc3\"]", b"{\"\xe2\x82\":1}", b"\"\xed\xa0\x80\"", b"\xff1", b"1\xff"]
    {
        readers_agree(text);
        assert!(Raw::parse(&Bytes::copy_from_slice(text)).is_err());
    }
}

#[test]
fn depth_has_no_bound_and_costs_no_stack() {
    for depth in [1, 63, 64, 65, 127, 128, 129, 200, 1_000_000] {
        let mixed =
            |depth| (0..depth).map(|level| if level % 3 == 0 { "{\"a\":" } else { "[" }).collect::<String>();
        let closed = |depth: usize| {
            (0..depth).rev().map(|level| if level % 3 == 0 { "}" } else { "]" }).collect::<String>()
        };
        let (open, close) = (mixed(depth), closed(depth));
        readers_agree(format!("{open}1{close}").as_bytes());
        readers_agree(format!("{open}1{}", &close[1..]).as_bytes());
        readers_agree(format!("{open}1{}", close.replacen(']', "}", 1)).as_bytes());
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let said =
        |text: &'static str| Object::parse(&Bytes::from_static(text.as_bytes())).map_err(|error| error.0);
    assert_eq!(
        said("{\n \"a\": 1,\n \"a\": 2}"),
        Err("the member `a` occurs twice at line 3 column 4".into())
    );
    assert_eq!(said(" []"), Err("expected an object at line 1 column 1".into()));
    assert_eq!(
        said("{\"\\ud800\":1}"),
        Err("half of a surrogate pair in a string at line 1 column 2".into())
    );
    assert_eq!(said("{\"a\":1"), Err("EOF while parsing an object at line 1 column 6".into()));
}

#[test]
fn the_words_of_a_value_are_known() {
    let value =
        |text: &str| Raw::parse(&Bytes::copy_from_slice(text.as_bytes())).expect("valid JSON in a test");
    let whole =
        value(r#"{"a":{"content":[{"type":"audio"}]},"b":["uri"],"c":{"isError": true,"x":"the task"}}"#);
    let found =
        |value: &Raw| [Word::Audio, Word::Uri, Word::Failed, Word::Task].map(|word| value.holds(word));
    assert_eq!(found(&whole), [true, true, true, false]);
    let members = whole.object().expect("an object");
    let of = |key: &str| found(members.get(key).expect("a member"));
    assert_eq!(
        [of("a"), of("b"), of("c")],
        [[true, false, false, false], [false, true, false, false], [false, false, true, false]]
    );
    assert_eq!(found(&value(r#"{"isError":false,"y":"the isError"}"#)), [false; 4]);
    assert_eq!(found(&Raw::string("uri")), [false, true, false, false]);
    let ours = Raw::of(&["uri"]);
    assert_eq!(found(&ours), [false, true, false, false], "what we made ourselves is looked at");
    assert!(!ours.is_result_without(&[]) && !whole.is_result_without(&[]), "of these it is not known");
}

#[test]
fn of_a_result_it_is_known_whether_a_member_may_be_there_twice_or_in_disguise() {
    for (result, is_plain) in [
        (r#"{}"#, true),
        (r#"{"content":[{"type":"text","text":"\"_meta\""}],"a":{"b":1,"b":2}}"#, true),
        (r#"{"a":1,"b":2,"a":3}"#, false),
        (r#"{"a":1,"\u005fmeta":{}}"#, false),
        (r#"{"a":{"\u0062":1}}"#, false),
        (r#"{"_meta":{}}"#, false),
        (r#"[]"#, false),
    ] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
        let Ok(Message::Response(response)) = message::scan(&Bytes::from(text)) else { panic!("{result}") };
        let result = response.outcome.expect("a result");
        assert_eq!(result.is_result_without(&[Word::Meta]), is_plain, "{result:?}");
    }
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(TEXTS).prop_map(str::to_owned),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,2})?",
        ".{0,80}".prop_map(|text| serde_json::to_string(&text).expect("a string")),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|values| format!("[{} ]", values.join(" ,"))),
            prop::collection::vec(("[a-c\"\\\\é]{0,3}", inner), 0..5).prop_map(|members| {
                let members = members.iter().map(|(name, value)| {
                    format!("{}:\t{value}", serde_json::to_string(name).expect("a string"))
                });
                format!("{{ {}}}", members.collect::<Vec<_>>().join(",\n"))
            }),
        ]
    })
}

/// One change: a byte replaced, taken out or put in.
fn spoil(text: &mut Vec<u8>, at: usize, byte: u8, how: u8) {
    match how {
        0 if at < text.len() => text[at] = byte,
        1 if at < text.len() => drop(text.remove(at)),
        _ => text.insert(at, byte),
    }
}

proptest! {
    #[test]
    fn both_readers_agree_on_values(text in json()) {
        readers_agree(text.as_bytes());
    }

    #[test]
    fn both_readers_agree_on_spoiled_values(
        text in json(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), prop::sample::select(&b"{}[],:\"\\u0123-.eEntf \n\x1f\xc3"[..])], 0..3_u8), 1..4),
    ) {
        let mut text = text.into_bytes();
        for (at, byte, how) in changes {
            let at = at.index(text.len() + 1);
            spoil(&mut text, at, byte, how);
        }
        readers_agree(&text);
    }

    #[test]
    fn both_readers_agree_on_tokens_in_any_order(
        tokens in prop::collection::vec(prop::sample::select(&["{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "1", "-", "0", "null", " ", "\"", "\\"][..]), 0..12),
    ) {
        readers_agree(tokens.concat().as_bytes());
    }
}

/// What may stand in a string, and what may not.
fn piece() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        8 => prop::sample::select(vec![
            "\\n", "\\t", "\\\"", "\\/", "\\b", "\\f", "\\r", "plain", "a", "é", "漢字", "{[]}:,",
        ]),
        2 => prop::sample::select(vec!["\\\\", "\\u0041", "\\u00e9", "\\\\\\\"", "\\\\\\\\"]),
        1 => prop::sample::select(vec!["", "\"", "\\", "\\x", "\\u12", "\u{1}", "\n", "\\\n", "\u{7f}"]),
    ]
}

proptest! {
    #[test]
    fn long_strings_with_escapes_are_read_as_by_others(
        repeated in prop::collection::vec(prop::sample::select(vec!["\\n", "x", "\\\"", "\\\\", "line ", "é"]), 0..20),
        times in 0usize..30,
        pieces in prop::collection::vec(piece(), 0..60),
        close in any::<bool>(),
    ) {
        let end = if close { "\"" } else { "" };
        let text = format!("\"{}{}{end}", repeated.concat().repeat(times), pieces.concat());
        readers_agree(text.as_bytes());
        readers_agree(format!("{{\"a\":{text},\"b\":1}}").as_bytes());
    }
}
