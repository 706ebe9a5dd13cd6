use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::Raw;

fn object(text: &str) -> Object {
    Object::parse(&Bytes::from(text.to_owned())).expect("an object in a test")
}

fn spelled(object: &Object) -> String {
    String::from_utf8_lossy(object.to_raw().as_bytes()).into_owned()
}

/// Everything that any revision knows, and something that none knows.
const MORE: &str = r#"{"roots":{"listChanged":true},"sampling":{"tools":{},"context":{}},"elicitation":{"form":{},"url":{}},"tasks":{"list":{}},"experimental":{"x":1.0},"extensions":{"a/b":{},"c/d":{"k":1}},"later":{"y":2e0}}"#;

#[test]
fn each_revision_of_a_client_has_its_own_share() {
    let rest = r#""experimental":{"x":1.0},"later":{"y":2e0},"extensions":{"c/d":{"k":1}}"#;
    let expected = [
        (Version::V2024_11_05, r#""roots":{"listChanged":true},"sampling":{}"#),
        (Version::V2025_03_26, r#""roots":{"listChanged":true},"sampling":{}"#),
        (Version::V2025_06_18, r#""roots":{"listChanged":true},"sampling":{},"elicitation":{"form":{}}"#),
        (
            Version::V2025_11_25,
            r#""roots":{"listChanged":true},"sampling":{"tools":{},"context":{}},"elicitation":{"form":{},"url":{}}"#,
        ),
        (
            Version::V2026_07_28,
            r#""roots":{},"sampling":{"tools":{},"context":{}},"elicitation":{"form":{},"url":{}}"#,
        ),
    ];
    assert_eq!(expected.map(|(version, _)| version), Version::ALL);
    for (version, share) in expected {
        let told = for_target(&object(MORE), version, &["c/d"]);
        assert_eq!(spelled(&told), format!("{{{share},{rest}}}"), "{}", version.as_str());
    }
}

#[test]
fn everything_is_each_row_of_the_table_and_no_more() {
    let extensions = object(r#"{"c/d":{"k":1}}"#);
    let all = everything(&extensions);
    for Rule { capability, member, .. } in RULES {
        let inner = all.object(capability).unwrap_or_else(|| panic!("no {capability}"));
        assert!(member.is_none_or(|member| inner.get(member).is_some()), "{capability}: {member:?}");
    }
    assert_eq!(for_target(&all, Version::NEWEST_LEGACY, &["c/d"]), all);
    assert_eq!(
        spelled(&all),
        r#"{"roots":{"listChanged":true},"sampling":{"tools":{},"context":{}},"elicitation":{"form":{},"url":{}},"extensions":{"c/d":{"k":1}}}"#
    );
    assert_eq!(everything(&Object::default()).get("extensions"), None);
}

#[test]
fn everything_covers_whatever_a_target_may_ask() {
    let all = everything(&Object::default());
    for (method, params) in [
        ("roots/list", "{}"),
        ("sampling/createMessage", r#"{"tools":[],"includeContext":"thisServer"}"#),
        ("elicitation/create", "{}"),
        ("elicitation/create", r#"{"mode":"form"}"#),
        ("elicitation/create", r#"{"mode":"url"}"#),
    ] {
        assert_eq!(permits(&all, method, &object(params)), Ok(()), "{method} {params}");
    }
}

#[test]
fn a_modern_target_hears_nothing_of_changes_of_roots() {
    for client in Version::ALL {
        let told = for_target(&object(MORE), *client, &[]);
        assert_eq!(for_era(&told, Era::Modern).object("roots"), Some(Object::default()), "{client:?}");
        assert_eq!(for_era(&told, Era::Legacy), told, "{client:?}");
    }
}

#[test]
fn what_is_no_object_was_not_declared() {
    let told = for_target(
        &object(r#"{"sampling":true,"roots":null,"extensions":7}"#),
        Version::V2025_11_25,
        &["x/y"],
    );
    assert_eq!(spelled(&told), "{}");
    assert!(!is_interactive(&object(r#"{"sampling":true,"roots":null,"tools":{}}"#)));
}

#[test]
fn each_of_three_capabilities_makes_a_client_one_that_can_be_asked() {
    for capability in ["roots", "sampling", "elicitation"] {
        assert!(is_interactive(&object(&format!(r#"{{"{capability}":{{}}}}"#))), "{capability}");
    }
    assert!(!is_interactive(&object(r#"{"experimental":{},"extensions":{}}"#)));
}

#[test]
fn a_request_is_covered_or_says_what_it_takes() {
    let cases = [
        (r#"{"roots":{}}"#, "roots/list", "{}", None),
        ("{}", "roots/list", "{}", Some(r#"{"roots":{}}"#)),
        (r#"{"sampling":{}}"#, "sampling/createMessage", "{}", None),
        (r#"{"sampling":{}}"#, "sampling/createMessage", r#"{"tools":null}"#, None),
        ("{}", "sampling/createMessage", "{}", Some(r#"{"sampling":{}}"#)),
        (
            r#"{"sampling":{}}"#,
            "sampling/createMessage",
            r#"{"tools":[]}"#,
            Some(r#"{"sampling":{"tools":{}}}"#),
        ),
        (
            r#"{"sampling":{}}"#,
            "sampling/createMessage",
            r#"{"toolChoice":{}}"#,
            Some(r#"{"sampling":{"tools":{}}}"#),
        ),
        (r#"{"sampling":{"tools":{}}}"#, "sampling/createMessage", r#"{"tools":[]}"#, None),
        (
            r#"{"sampling":{}}"#,
            "sampling/createMessage",
            r#"{"messages":[{"content":{"type":"text","text":"tool_use"}}]}"#,
            None,
        ),
        (
            r#"{"sampling":{}}"#,
            "sampling/createMessage",
            r#"{"messages":[{"content":[{"type":"text"},{"type":"tool_result"}]}]}"#,
            Some(r#"{"sampling":{"tools":{}}}"#),
        ),
        (
            r#"{"sampling":{}}"#,
            "sampling/createMessage",
            r#"{"messages":[{"content":{"type":"tool_use"}}]}"#,
            Some(r#"{"sampling":{"tools":{}}}"#),
        ),
        (
            r#"{"sampling":{"tools":{}}}"#,
            "sampling/createMessage",
            r#"{"messages":[{"content":{"type":"tool_use"}}]}"#,
            None,
        ),
        (r#"{"elicitation":{}}"#, "elicitation/create", "{}", None),
        (r#"{"elicitation":{}}"#, "elicitation/create", r#"{"mode":"form"}"#, None),
        (
            r#"{"elicitation":{}}"#,
            "elicitation/create",
            r#"{"mode":"url"}"#,
            Some(r#"{"elicitation":{"url":{}}}"#),
        ),
        (r#"{"elicitation":{"url":{}}}"#, "elicitation/create", r#"{"mode":"url"}"#, None),
        (r#"{"elicitation":{"url":{}}}"#, "elicitation/create", "{}", Some(r#"{"elicitation":{"form":{}}}"#)),
        (r#"{"elicitation":{"url":{},"form":{}}}"#, "elicitation/create", "{}", None),
        ("{}", "elicitation/create", "{}", Some(r#"{"elicitation":{"form":{}}}"#)),
        (MORE, "tasks/get", "{}", Some("{}")),
    ];
    for (declared, method, params, lacks) in cases {
        let found = permits(&object(declared), method, &object(params)).err();
        assert_eq!(found.as_ref().map(spelled).as_deref(), lacks, "{declared} {method} {params}");
    }
}

#[test]
fn a_profile_tells_what_differs_and_nothing_else() {
    let plain = object(r#"{"roots":{"listChanged":true},"sampling":{"tools":{},"context":{}}}"#);
    let other =
        object(r#"{ "sampling":{"context":{ },"to\u006fls":{}}, "roots": { "listChanged" : true } }"#);
    let less = object(r#"{"roots":{"listChanged":false},"sampling":{"tools":{},"context":{}}}"#);
    assert_eq!(profile(&plain), r#"{"roots":{"listChanged":true},"sampling":{"context":{},"tools":{}}}"#);
    assert_eq!(profile(&plain), profile(&other));
    assert_ne!(profile(&plain), profile(&less));
}

#[test]
fn a_profile_of_nesting_without_end_is_made_all_the_same() {
    let text = format!("{{\"x\":{}1{}}}", "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(profile(&object(&text)), text);
}

proptest! {
    #[test]
    fn a_profile_does_not_depend_on_order(mut keys in proptest::collection::hash_set("[a-z]{1,3}", 0..8).prop_map(Vec::from_iter)) {
        let of = |keys: &[String]| keys.iter().map(|key| (key, Raw::string(key))).collect::<Object>();
        let before = profile(&of(&keys));
        keys.reverse();
        prop_assert_eq!(profile(&of(&keys)), before);
    }

    #[test]
    fn a_target_is_never_told_of_more_than_was_declared(keys in proptest::collection::hash_set("roots|sampling|elicitation|tasks|other", 0..5)) {
        let declared: Object = keys.iter().map(|key| (key, Raw::empty_object())).collect();
        for version in Version::ALL {
            let told = for_target(&declared, *version, &[]);
            prop_assert!(told.iter().all(|(key, value)| declared.get(key) == Some(value)));
        }
    }
}
