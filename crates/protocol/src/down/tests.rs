use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use Version::V2024_11_05;

fn raw(text: &str) -> Raw {
    Raw::parse(&Bytes::from(text.to_owned())).expect("valid JSON in a test")
}

fn object(text: &str) -> Object {
    raw(text).object().expect("an object in a test")
}

fn spelled(raw: &Raw) -> String {
    String::from_utf8_lossy(raw.as_bytes()).into_owned()
}

fn down(method: &str, before: &str, version: Version) -> String {
    spelled(&result(method, &raw(before), version).expect("a complete result"))
}

/// Checks what a result becomes, for each revision that a case names, oldest first. Revisions that it does not name get what
/// the one before them got; those before the first, nothing.
fn check(method: &str, before: &str, after: &[(Version, &str)]) {
    for version in Version::ALL {
        let expected = after.iter().rev().find(|(from, _)| from <= version).map(|(_, after)| *after);
        let expected = expected.expect("a case for the oldest revision");
        assert_eq!(down(method, before, *version), expected, "{}", version.as_str());
    }
}

// === Results ===

#[test]
fn plain_results_stay_byte_for_byte() {
    let result = r#"{ "content" : [ {"type":"text", "text":"resultType audio \"audio\" \"execution\""} ], "n": 1.10e0 ,"isError":false}"#;
    check("tools/call", result, &[(V2024_11_05, result)]);
    let list =
        r#"{"tools":[{"name":"x","title":"X","icons":[],"inputSchema":{"type":"object"},"_meta":{"a":1}}]}"#;
    check("tools/list", list, &[(V2024_11_05, list)]);
}

#[test]
fn what_only_modern_results_carry_goes() {
    let result = r#"{"contents":[],"resultType":"complete","ttlMs":5,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{},"a/b":1},"later":1.0}"#;
    let old = r#"{"contents":[],"_meta":{"a/b":1},"later":1.0}"#;
    check("resources/read", result, &[(V2024_11_05, old), (V2026_07_28, result)]);
    let empty = r#"{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{}}}"#;
    check("ping", empty, &[(V2024_11_05, "{}"), (V2026_07_28, empty)]);
    let own = r#"{"ttlMs":5,"cacheScope":"mine"}"#;
    check("tools/call", own, &[(V2024_11_05, own)]);
}

#[test]
fn sounds_are_named_where_they_cannot_be_played() {
    let result = r#"{"content":[{"type":"text","text":"a" }, {"type":"audio","data":"AAAAAA==","mimeType":"audio/wav","annotations":{"audience":["user"]}}]}"#;
    let old = r#"{"content":[{"type":"text","text":"a" }, {"type":"text","text":"[audio, audio/wav, 4 bytes, left out because this client cannot take it]","annotations":{"audience":["user"]}}]}"#;
    check("tools/call", result, &[(V2024_11_05, old), (V2025_03_26, result)]);
    let prompt = r#"{"messages":[{"role":"user","content":{"type":"audio","data":"","mimeType":"a/b"}},{"role":"user","content":{"type":"text","text":"\"audio\""}}]}"#;
    let old = r#"{"messages":[{"role":"user","content":{"type":"text","text":"[audio, a/b, 0 bytes, left out because this client cannot take it]"}},{"role":"user","content":{"type":"text","text":"\"audio\""}}]}"#;
    check("prompts/get", prompt, &[(V2024_11_05, old), (V2025_03_26, prompt)]);
}

#[test]
fn links_become_texts_that_lead_there() {
    let link = r#"{"type":"resource_link","uri":"t+file:///x","name":"x","description":"about x"}"#;
    let bare = r#"{"type":"resource_link","uri":"t+file:///y"}"#;
    let before = format!(r#"{{"content":[{link},{bare}]}}"#);
    let old = r#"{"content":[{"type":"text","text":"x: t+file:///x\nabout x"},{"type":"text","text":"t+file:///y"}]}"#;
    check("tools/call", &before, &[(V2024_11_05, old), (V2025_06_18, &before)]);
    let before = format!(r#"{{"messages":[{{"role":"user","content":{bare}}}]}}"#);
    let old = r#"{"messages":[{"role":"user","content":{"type":"text","text":"t+file:///y"}}]}"#;
    check("prompts/get", &before, &[(V2024_11_05, old), (V2025_06_18, &before)]);
}

#[test]
fn structured_content_is_said_as_text_to_clients_that_know_none() {
    let both = r#"{"content":[{"type":"text","text":"sunny"}],"structuredContent":{"t":1}}"#;
    let text = r#"{"content":[{"type":"text","text":"sunny"}]}"#;
    check("tools/call", both, &[(V2024_11_05, text), (V2025_06_18, both)]);
    let alone = r#"{"content":[],"structuredContent":{ "t" : 1.0 }}"#;
    let text = r#"{"content":[{"type":"text","text":"{ \"t\" : 1.0 }"}]}"#;
    check("tools/call", alone, &[(V2024_11_05, text), (V2025_06_18, alone)]);
}

#[test]
fn structured_content_that_is_no_object_never_reaches_a_legacy_client() {
    for (value, text) in [("[1, 2]", r#"[1, 2]"#), ("7", "7"), ("\"x\"", r#"\"x\""#)] {
        let before =
            format!(r#"{{"content":[{{"type":"text","text":"words"}}],"structuredContent":{value}}}"#);
        let after =
            format!(r#"{{"content":[{{"type":"text","text":"words"}},{{"type":"text","text":"{text}"}}]}}"#);
        for version in [V2025_06_18, V2025_11_25] {
            assert_eq!(down("tools/call", &before, version), after);
        }
        assert_eq!(down("tools/call", &before, V2026_07_28), before);
    }
}

#[test]
fn no_structured_content_spelled_as_null_is_none() {
    let before = r#"{"content":[],"structuredContent":null}"#;
    check("tools/call", before, &[(V2024_11_05, r#"{"content":[]}"#), (V2026_07_28, before)]);
}

#[test]
fn a_text_that_says_the_value_already_is_not_repeated() {
    for (value, text) in [("[1,2]", "[1, 2]"), ("\"x\"", "x"), ("7", "7")] {
        let before =
            format!(r#"{{"structuredContent":{value},"content":[{{"type":"text","text":"{text}"}}]}}"#);
        let after = format!(r#"{{"content":[{{"type":"text","text":"{text}"}}]}}"#);
        check("tools/call", &before, &[(V2024_11_05, &after), (V2026_07_28, &before)]);
    }
}

#[test]
fn a_text_that_is_some_other_value_does_not_say_it() {
    for (value, text) in [("[1,2]", "7"), ("[1,2]", "[1]"), ("[1e400]", "[1e400]"), ("false", "null")] {
        let before =
            format!(r#"{{"content":[{{"type":"text","text":"{text}"}}],"structuredContent":{value}}}"#);
        let after = format!(
            r#"{{"content":[{{"type":"text","text":"{text}"}},{{"type":"text","text":"{value}"}}]}}"#
        );
        check("tools/call", &before, &[(V2024_11_05, &after), (V2026_07_28, &before)]);
    }
}

#[test]
fn a_result_in_which_nothing_has_to_change_keeps_its_bytes_whatever_it_mentions() {
    let object = r#"{ "content" : [ ] , "structuredContent" :
        { "n" : 1.0, "resultType" : "task", "structuredContent" : [7], "x" : "structuredContent" } }"#;
    for version in [V2025_06_18, V2025_11_25, V2026_07_28] {
        assert_eq!(down("tools/call", object, version), object, "{version:?}");
    }
    let sound =
        r#"{ "content" : [ { "type" : "text", "text" : "" } ], "kinds" : ["audio", "resource_link"] }"#;
    check("tools/call", sound, &[(V2024_11_05, sound)]);
}

#[test]
fn content_that_no_client_could_read_is_not_made_worse() {
    let deep = format!(r#"{{"content":{}{},"structuredContent":[]}}"#, "[".repeat(9000), "]".repeat(9000));
    let many = format!(r#"{{"content":[{}{{"type":"audio"}}]}}"#, "{},".repeat(100_000));
    let twice = r#"{"structuredContent":[],"structuredContent":{},"resultType":"complete"}"#;
    let odd = r#"{"content":[{"type":"audio","type":"text"},{"type":["audio"]},"audio",null]}"#;
    for before in [&deep, &many, twice, odd] {
        for version in Version::ALL {
            raw(&down("tools/call", before, *version));
        }
    }
    check("tools/call", twice, &[(V2024_11_05, twice)]);
    check("tools/call", odd, &[(V2024_11_05, odd)]);
}

#[test]
fn a_result_of_another_type_is_said_to_no_client_that_knows_no_types() {
    let task = r#"{"resultType":"task","taskId":"1"}"#;
    for version in Version::ALL {
        let kind = result("tools/call", &raw(task), *version).err();
        let expected = (version.era() == Era::Legacy).then(|| OtherType("task".into()));
        assert_eq!(kind, expected, "{version:?}");
    }
}

// === Lists ===

#[test]
fn tools_lose_what_a_client_would_misread_and_nothing_else() {
    let tool = |members: &str| format!(r#"{{"name":"x","inputSchema":{{"type":"object"}}{members}}}"#);
    let list = |tools: &[String]| format!(r#"{{"tools":[{}],"nextCursor":"n"}}"#, tools.join(" , "));
    let object = r#","outputSchema":{"type":"object"}"#;
    let other = r#","outputSchema":{"type":"array"}"#;
    let hints = r#","annotations":{"title":"X"}"#;
    let task = r#","execution":{"taskSupport":"optional"}"#;
    let plain = || tool(r#", "description" : "\"annotations\"""#);
    let before = list(&[plain(), tool(object), tool(other), tool(hints), tool(task)]);
    let stripped = || tool("");
    check(
        "tools/list",
        &before,
        &[
            (V2024_11_05, &list(&[plain(), stripped(), stripped(), stripped(), stripped()])),
            (V2025_03_26, &list(&[plain(), stripped(), stripped(), tool(hints), stripped()])),
            (V2025_06_18, &list(&[plain(), tool(object), stripped(), tool(hints), stripped()])),
            (V2025_11_25, &list(&[plain(), tool(object), stripped(), tool(hints), tool(task)])),
            (V2026_07_28, &list(&[plain(), tool(object), tool(other), tool(hints), stripped()])),
        ],
    );
}

#[test]
fn a_schema_without_a_type_is_not_one_of_objects() {
    for schema in ["{}", r#"{"anyOf":[]}"#, "true", r#"{"type":["object"]}"#] {
        let before = format!(r#"{{"tools":[{{"name":"x","outputSchema":{schema}}}]}}"#);
        let after = r#"{"tools":[{"name":"x"}]}"#;
        check("tools/list", &before, &[(V2024_11_05, after), (V2026_07_28, &before)]);
    }
}

#[test]
fn a_row_is_about_its_own_methods() {
    let odd = r#"{"structuredContent":7,"content":[{"type":"audio"}],"tools":[{"execution":{}}]}"#;
    for method in ["resources/read", "completion/complete", "resources/list"] {
        check(method, odd, &[(V2024_11_05, odd)]);
    }
}

#[test]
fn what_is_no_object_is_left_alone() {
    for odd in [r#"["resultType"]"#, r#""structuredContent""#] {
        check("tools/call", odd, &[(V2024_11_05, odd)]);
    }
    let odd = r#"{"content":7,"messages":["audio",{"content":["audio"]}],"audio":"audio"}"#;
    assert_eq!(down("tools/call", odd, V2024_11_05), odd);
}

proptest! {
    #[test]
    fn down_conversion_ends_and_is_done_once(text in ".*", kind in "text|audio|resource_link|resource|x", structured in "1|\\{\\}|\\[\\]|null") {
        let block = serde_json::json!({ "type": kind, "text": text, "uri": text, "data": text });
        let before = format!(r#"{{"content":[{block}],"structuredContent":{structured},"resultType":"complete"}}"#);
        for version in Version::ALL {
            let once = down("tools/call", &before, *version);
            prop_assert_eq!(down("tools/call", &once, *version), once);
        }
    }
}

// === Requests ===

#[test]
fn modes_are_for_clients_that_know_them() {
    let form = object(r#"{"mode":"form","message":"m","requestedSchema":{"type":"object","properties":{}}}"#);
    let old = request("elicitation/create", &form, V2025_06_18);
    assert_eq!(
        spelled(&old.to_raw()),
        r#"{"message":"m","requestedSchema":{"type":"object","properties":{}}}"#
    );
    assert_eq!(request("elicitation/create", &form, V2025_11_25), form);
}

#[test]
fn a_question_at_a_url_gets_an_id_where_it_has_none() {
    let url = object(r#"{"mode":"url","message":"m","url":"https://a/1"}"#);
    let asked = request("elicitation/create", &url, V2025_11_25);
    let id = asked.text("elicitationId").expect("an id");
    let other = object(r#"{"mode":"url","message":"m","url":"https://a/2"}"#);
    assert_ne!(request("elicitation/create", &other, V2025_11_25).text("elicitationId"), Some(id));
    assert_eq!(request("elicitation/create", &asked, V2025_11_25), asked, "one that is there stays");
}

/// A form with every kind of choice that 2025-11-25 has.
const CHOICES: &str = r#"{"message":"m","requestedSchema":{"type":"object","properties":{
    "plain":{"type":"string","enum":["a"]},
    "titled":{"type":"string","title":"T","oneOf":[{"const":"a","title":"A"},{"const":"b"}],"default":"b"},
    "several":{"type":"array","items":{"type":"string","enum":["a","b"]},"minItems":1,"maxItems":2,"default":["b","a"]},
    "titles":{"type":"array","items":{"anyOf":[{"const":"a","title":"A"}]},"description":"d"}},"required":["plain"]}}"#;

#[test]
fn choices_become_what_2025_06_18_knows() {
    let asked = request("elicitation/create", &object(CHOICES), V2025_06_18);
    let properties =
        asked.object("requestedSchema").and_then(|s| s.object("properties")).expect("properties");
    let of = |name: &str| spelled(properties.get(name).expect("a property"));
    assert_eq!(of("plain"), r#"{"type":"string","enum":["a"]}"#);
    assert_eq!(
        of("titled"),
        r#"{"type":"string","title":"T","default":"b","enum":["a","b"],"enumNames":["A","b"]}"#
    );
    assert_eq!(of("several"), r#"{"type":"string","enum":["a","b"],"default":"b"}"#);
    assert_eq!(of("titles"), r#"{"type":"string","description":"d","enum":["a"],"enumNames":["A"]}"#);
    assert_eq!(request("elicitation/create", &object(CHOICES), V2025_11_25), object(CHOICES));
}

#[test]
fn one_choice_is_several_to_a_target_that_asked_for_several() {
    let result = raw(r#"{"action":"accept","content":{"plain":"a", "several":"b","titles":"a"}}"#);
    let answered = answer("elicitation/create", &object(CHOICES), &result, V2025_06_18);
    assert_eq!(
        spelled(&answered),
        r#"{"action":"accept","content":{"plain":"a", "several":["b"],"titles":["a"]}}"#
    );
    assert_eq!(answer("elicitation/create", &object(CHOICES), &result, V2025_11_25), result);
    let declined = raw(r#"{"action":"decline"}"#);
    assert_eq!(answer("elicitation/create", &object(CHOICES), &declined, V2025_06_18), declined);
}

#[test]
fn a_message_of_several_blocks_is_several_messages() {
    let params = object(
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"audio","data":"AA==","mimeType":"a/b"}]},{"role":"assistant","content":{"type":"text","text":"b"}}],"maxTokens":1.0,"tools":[]}"#,
    );
    let single = |audio: &str| {
        format!(
            r#"{{"messages":[{{"role":"user","content":{{"type":"text","text":"a"}}}},{{"role":"user","content":{audio}}},{{"role":"assistant","content":{{"type":"text","text":"b"}}}}],"maxTokens":1.0}}"#
        )
    };
    let sound = r#"{"type":"audio","data":"AA==","mimeType":"a/b"}"#;
    let named =
        r#"{"type":"text","text":"[audio, a/b, 1 bytes, left out because this client cannot take it]"}"#;
    let of = |version| spelled(&request("sampling/createMessage", &params, version).to_raw());
    assert_eq!(of(V2025_06_18), single(sound));
    assert_eq!(of(V2025_03_26), single(sound));
    assert_eq!(of(V2024_11_05), single(named));
    assert_eq!(request("sampling/createMessage", &params, V2025_11_25), params);
}

#[test]
fn a_model_answers_an_older_target_in_one_block() {
    let answered = |content: &str| format!(r#"{{"role":"assistant","content":{content},"model":"m"}}"#);
    let text = |text: &str| format!(r#"{{"type":"text","text":"{text}"}}"#);
    let image = r#"{"type":"image","data":"AA==","mimeType":"a/b"}"#;
    for (several, one) in [
        (format!("[{}]", text("a")), text("a")),
        (format!("[{}, {image}, {}]", text("a"), text("b")), text(r"a\nb")),
        (format!("[{image},{image}]"), image.to_owned()),
        ("[]".to_owned(), text("")),
        (text("a"), text("a")),
    ] {
        let of = |version| {
            spelled(&answer_for_target("sampling/createMessage", &raw(&answered(&several)), version))
        };
        assert_eq!(of(V2025_06_18), answered(&one));
        assert_eq!(of(V2024_11_05), answered(&one));
        assert_eq!(of(V2025_11_25), answered(&several));
    }
}

#[test]
fn roots_are_asked_for_in_the_same_way_by_all() {
    for version in Version::ALL {
        assert_eq!(
            request("roots/list", &object(r#"{"_meta":{"a":1}}"#), *version),
            object(r#"{"_meta":{"a":1}}"#)
        );
    }
}
