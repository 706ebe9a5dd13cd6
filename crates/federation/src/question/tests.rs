use bytes::Bytes;
use serde_json::{Value, json};

use super::*;

fn object(value: &Value) -> Object {
    Object::parse(&Bytes::from(value.to_string())).expect("an object")
}

fn value(raw: &Raw) -> Value {
    raw.read().expect("JSON")
}

fn name(target: &str, method: &str, params: Value) -> Value {
    let mut params = object(&params);
    named(target, method, &mut params);
    value(&params.to_raw())
}

// === Who asks ===

#[test]
fn an_elicitation_says_in_words_who_asks_and_the_others_say_it_in_meta() {
    let meta = json!({ "agentgateway.dev/target": "a" });
    let elicited = name("a", ELICITATION, json!({ "message": "Name?" }));
    assert_eq!(elicited, json!({ "message": "a: Name?", "_meta": meta }));
    assert_eq!(name("a", SAMPLING, json!({ "message": "m" })), json!({ "message": "m", "_meta": meta }));
    assert_eq!(name("a", ROOTS, json!({})), json!({ "_meta": meta }));
}

#[test]
fn no_target_gets_the_context_of_the_others() {
    let meta = json!({ "agentgateway.dev/target": "a" });
    for context in ["none", "thisServer", "allServers"] {
        assert_eq!(name("a", SAMPLING, json!({ "includeContext": context })), json!({ "_meta": meta }));
    }
}

#[test]
fn a_message_that_begins_with_the_target_is_left_alone() {
    assert_eq!(name("a", ELICITATION, json!({ "message": "a: Name?" }))["message"], "a: Name?");
    assert_eq!(name("a", ELICITATION, json!({ "message": "ab: Name?" }))["message"], "a: ab: Name?");
}

#[test]
fn other_members_keep_their_spelling() {
    let mut params = Object::parse(&Bytes::from_static(
        br#"{"requestedSchema":{"n" : 1.0},"message":"m","_meta":{"x":1e2}}"#,
    ))
    .expect("an object");
    named("a", ELICITATION, &mut params);
    let spelled =
        r#"{"requestedSchema":{"n" : 1.0},"message":"a: m","_meta":{"x":1e2,"agentgateway.dev/target":"a"}}"#;
    assert_eq!(params.to_raw().as_bytes(), spelled.as_bytes());
}

#[test]
fn every_request_of_a_modern_result_is_named_and_all_other_bytes_stay() {
    let result = br#"{"requestState" : "\u0073","inputRequests":{ "e":{"method":"elicitation/create","params":{"message":"m"}}, "r":{"method":"roots/list"}, "odd": 7 }, "x":1.0}"#;
    let result = Raw::parse(&Bytes::from_static(result)).expect("JSON");
    let named = named_replay("a", &result);
    let spelled = r#"{"requestState" : "\u0073","inputRequests":{ "e":{"method":"elicitation/create","params":{"message":"a: m","_meta":{"agentgateway.dev/target":"a"}}}, "r":{"method":"roots/list","params":{"_meta":{"agentgateway.dev/target":"a"}}}, "odd": 7 }, "x":1.0}"#;
    assert_eq!(named.as_bytes(), spelled.as_bytes());
    assert_eq!(named_replay("a", &named), named, "named twice");
}

#[test]
fn only_an_error_that_asks_for_urls_has_its_elicitations_named() {
    let error = |code: i64| {
        let data = json!({ "elicitations": [{ "url": "https://x", "message": "Open" }] });
        Raw::of(&json!({ "code": code, "message": "no -32042", "data": data }))
    };
    let named = named_answer("a", Err(error(-32042))).expect_err("an error");
    assert_eq!(value(&named)["data"]["elicitations"][0]["message"], "a: Open");
    assert_eq!(named_answer("a", Err(error(-32603))), Err(error(-32603)));
    assert_eq!(named_answer("a", Ok(error(-32042))), Ok(error(-32042)));
}

// === For a modern client ===

#[test]
fn what_only_the_targets_hop_understands_is_left_out() {
    let params = json!({
        "message": "m", "elicitationId": "1", "task": {}, "mode": "url", "url": "https://x",
        "_meta": { "progressToken": 1, "io.modelcontextprotocol/related-task": { "taskId": "1" }, "x": 1 },
    });
    let request = value(&input_request(ELICITATION, object(&params)));
    let left = json!({ "message": "m", "mode": "url", "url": "https://x", "_meta": { "x": 1 } });
    assert_eq!(request, json!({ "method": ELICITATION, "params": left }));
}

#[test]
fn an_elicitation_without_a_url_is_not_one_of_a_url() {
    assert!(url_params(&Raw::of(&json!({ "message": "m" }))).is_none());
    assert!(url_params(&Raw::of(&json!([]))).is_none());
}

// === Answers ===

#[test]
fn an_answer_has_the_shape_of_its_question() {
    let good = [
        (ELICITATION, json!({ "action": "accept", "content": { "a": 1 } })),
        (ELICITATION, json!({ "action": "decline" })),
        (ELICITATION, json!({ "action": "cancel" })),
        (SAMPLING, json!({ "role": "assistant", "content": { "type": "text", "text": "t" }, "model": "m" })),
        (SAMPLING, json!({ "role": "assistant", "content": [] })),
        (ROOTS, json!({ "roots": [] })),
    ];
    for (method, answer) in good {
        assert_eq!(check(method, &Raw::of(&answer)), Ok(()), "{answer}");
    }
    let bad = [
        (ELICITATION, json!({})),
        (ELICITATION, json!({ "action": "yes" })),
        (ELICITATION, json!({ "action": 1 })),
        (ELICITATION, json!("accept")),
        (SAMPLING, json!({ "role": "assistant" })),
        (SAMPLING, json!({ "content": {} })),
        (SAMPLING, json!({ "role": "assistant", "content": "t" })),
        (ROOTS, json!({})),
        (ROOTS, json!({ "roots": {} })),
        (ROOTS, json!(null)),
    ];
    for (method, answer) in bad {
        assert!(check(method, &Raw::of(&answer)).is_err(), "{answer}");
    }
}
