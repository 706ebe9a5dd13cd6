use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn raw(text: &'static str) -> Raw {
    Raw::parse(&Bytes::from_static(text.as_bytes())).expect("valid JSON in a test")
}

fn object(text: &'static str) -> Object {
    raw(text).object().expect("an object")
}

fn renamed(text: &'static str) -> String {
    let new = rename(&raw(text), |id| Some(wrap("t", id)));
    String::from_utf8_lossy(new.as_bytes()).into_owned()
}

proptest! {
    #[test]
    fn ids_round_trip(target in "[a-z]([a-z0-9.-]{0,8}[a-z0-9])?", id in ".*") {
        let exposed = wrap(&target, &id);
        prop_assert_eq!(unwrap(&exposed), Some((target.as_str(), id.as_str())));
    }
}

#[test]
fn an_id_without_a_target_leads_nowhere() {
    assert_eq!(unwrap("786512e2"), None);
}

#[test]
fn an_id_is_renamed_wherever_it_stands_and_nowhere_else() {
    assert_eq!(
        renamed(r#"{ "resultType":"task", "taskId" :"1","ttlMs":1.0 ,"result":{"taskId":"1"}}"#),
        r#"{ "resultType":"task", "taskId" :"t+1","ttlMs":1.0 ,"result":{"taskId":"1"}}"#
    );
    assert_eq!(
        renamed(r#"{"task":{"ttl":null,"taskId":"\u0031"},"x":[{"taskId":"1"}]}"#),
        r#"{"task":{"ttl":null,"taskId":"t+1"},"x":[{"taskId":"1"}]}"#
    );
    assert_eq!(
        renamed(r#"{"_meta":{"x":1,"io.modelcontextprotocol/related-task":{"taskId":"1"}}}"#),
        r#"{"_meta":{"x":1,"io.modelcontextprotocol/related-task":{"taskId":"t+1"}}}"#
    );
    let returned = r#"{"content":[],"taskId":"1","task":{"taskId":"1"}}"#;
    assert_eq!(renamed(returned), returned, "a tool may return what it likes");
    assert_eq!(renamed(r#"{"taskId":1}"#), r#"{"taskId":1}"#);
    assert_eq!(renamed("[]"), "[]");
}

#[test]
fn a_task_is_told_from_a_result_by_what_it_is_and_not_by_a_word_in_it() {
    let cases = [
        (Era::Modern, r#"{"resultType":"task","taskId":"1"}"#, Some(Some("1"))),
        (Era::Modern, r#"{"content":[{"type":"text","text":"\"resultType\":\"task\""}]}"#, None),
        (Era::Modern, r#"{"task":{"resultType":"task"}}"#, None),
        (Era::Modern, r#"{"resultType":"task","taskId":1}"#, Some(None)),
        (Era::Modern, r#"{"resultType":"task"}"#, Some(None)),
        (Era::Legacy, r#"{"task":{"taskId":"1","status":"working"}}"#, Some(Some("1"))),
        (Era::Legacy, r#"{"task":{"taskId":""}}"#, Some(Some(""))),
        (Era::Legacy, r#"{"content":[],"task":{"taskId":"1"}}"#, None),
        (Era::Legacy, r#"{"taskId":"1"}"#, None),
        (Era::Legacy, r#"{"task":{"taskId":1}}"#, Some(None)),
        (Era::Legacy, r#"{"task":{}}"#, Some(None)),
        (Era::Legacy, r#"{"task":"taskId"}"#, None),
    ];
    for (era, result, id) in cases {
        let found = created(era, &raw(result)).map(|created| created.id);
        assert_eq!(found.as_ref().map(Option::as_deref), id, "{result}");
    }
}

#[test]
fn what_a_message_belongs_to_can_be_said_renamed_and_taken_out() {
    let mut params = object(r#"{"message":"?","_meta":{"x":1}}"#);
    relate(&mut params, "1");
    rename_related(&mut params, |id| Some(wrap("t", id)));
    assert_eq!(
        params.to_raw(),
        raw(r#"{"message":"?","_meta":{"x":1,"io.modelcontextprotocol/related-task":{"taskId":"t+1"}}}"#)
    );
    unrelate(&mut params);
    assert_eq!(params.to_raw(), raw(r#"{"message":"?","_meta":{"x":1}}"#));
    let mut bare = object(r#"{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"1"}}}"#);
    unrelate(&mut bare);
    assert!(bare.is_empty());
}

#[test]
fn statuses_are_read_by_their_words() {
    assert_eq!(Status::parse("input_required"), Some(Status::InputRequired));
    assert_eq!(Status::parse("submitted"), None);
}
