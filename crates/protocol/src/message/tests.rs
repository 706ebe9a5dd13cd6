use bytes::Buf as _;

use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;

fn check(text: &str, expected: &Expect) {
    let seen = match scan(&Bytes::from(text.to_owned())) {
        Ok(Message::Request(r)) => format!("request {} {} {:?}", r.id, r.method, r.params.to_raw()),
        Ok(Message::Notification(n)) => format!("notification {} {:?}", n.method, n.params.to_raw()),
        Ok(Message::Response(r)) => format!("response {:?} {:?}", r.id, r.outcome),
        Err(ScanError::NotJson(_)) => "not JSON".to_owned(),
        Err(ScanError::Invalid { id, reason }) => format!("invalid {id:?}: {reason}"),
    };
    expected.assert_eq(&seen);
}

#[test]
fn requests_notifications_and_responses() {
    check(
        r#"{"method":"tools/call","params":{"name":"a","arguments":{"n":1.0}},"jsonrpc":"2.0","id":12345678901234567890123}"#,
        &expect![[r#"request 12345678901234567890123 tools/call {"name":"a","arguments":{"n":1.0}}"#]],
    );
    check(r#"{"jsonrpc":"2.0","method":"x","id":"7","params":null}"#, &expect![[r#"request "7" x {}"#]]);
    check(
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        &expect!["notification notifications/initialized {}"],
    );
    check(r#"{"result":{},"jsonrpc":"2.0","id":1}"#, &expect![[r#"response Some(Number("1")) Ok({})"#]]);
    check(
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":1}}"#,
        &expect![[r#"response None Err({"code":1})"#]],
    );
}

#[test]
fn what_is_ambiguous_or_malformed_is_refused_with_its_id() {
    check("{", &expect!["not JSON"]);
    check(
        "[]",
        &expect![
            "invalid None: not a JSON-RPC message: expected a JSON-RPC message (an object) at line 1 column 0"
        ],
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","na\u006de":"b"}}"#,
        &expect![[
            r#"invalid Some(Number("1")): not a JSON-RPC message: the member `name` occurs twice at line 1 column 78"#
        ]],
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}"#,
        &expect![[
            r#"invalid Some(Number("1")): the member `Name` of params is refused: names are case-sensitive"#
        ]],
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"a","Method":"b"}"#,
        &expect![[
            r#"invalid Some(Number("1")): not a JSON-RPC message: the member `Method` is refused: names are case-sensitive at line 1 column 45"#
        ]],
    );
    check(
        r#"{"jsonrpc":"2.0","id":1.5,"method":"a"}"#,
        &expect!["invalid None: a request's id must be a string or an integer"],
    );
    check(
        r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#,
        &expect!["invalid None: a request's id must be a string or an integer"],
    );
    check(
        r#"{"id":1,"method":"a"}"#,
        &expect![[r#"invalid Some(Number("1")): a message must carry "jsonrpc": "2.0""#]],
    );
    check(
        r#"{"jsonrpc":"2.0","id":1,"method":"a","params":[1]}"#,
        &expect![[
            r#"invalid Some(Number("1")): not a JSON-RPC message: expected params that are an object at line 1 column 46"#
        ]],
    );
    check(
        r#"{"jsonrpc":"2.0","id":1}"#,
        &expect![[r#"invalid Some(Number("1")): a message must carry a method, a result or an error"#]],
    );
}

#[test]
fn a_batch_is_scanned_message_by_message() {
    let batch = Bytes::from_static(br#" [{"jsonrpc":"2.0","method":"a"}, 1]"#);
    assert!(is_batch(&batch));
    let scanned = scan_batch(&batch).expect("a batch");
    assert!(scanned[0].is_ok() && scanned[1].is_err());
    assert!(scan_batch(&Bytes::from_static(b"[]")).is_err());
    let bomb = format!("[{}1]", "1,".repeat(LARGEST_BATCH));
    assert!(matches!(scan_batch(&Bytes::from(bomb)), Err(ScanError::Invalid { .. })));
}

#[test]
fn only_a_response_with_a_result_carries_one() {
    for (text, expected) in [
        (r#"{"jsonrpc":"2.0","id":7,"result":{}}"#, true),
        (r#"{"jsonrpc":"2.0","id":"a\"b,","result":{}}"#, true),
        (r#"{"jsonrpc":"2.0","id":null,"error":{"result":1,"result":2}}"#, false),
        (r#"{"jsonrpc":"2.0","id":",\"result\":","error":{}}"#, false),
        (r#"{"jsonrpc":"2.0","method":"x","result":1}"#, false),
        ("", false),
    ] {
        assert_eq!(carries_result(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn a_large_result_is_not_copied() {
    let result = Raw::string(&"x".repeat(SMALL));
    let id = Id::from(7);
    let pieces = answered(&id, Ok(&result));
    assert_eq!(pieces.join(), response(Some(&id), Ok(&result)));
    assert!(pieces.chunk().len() < SMALL && carries_result(pieces.chunk()));
    assert!(!carries_result(answered(&id, Err(&result)).chunk()));
}

proptest! {
    #[test]
    fn scanning_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = scan(&Bytes::from(bytes));
    }

    #[test]
    fn what_we_write_scans_back(id in prop_oneof![any::<u64>().prop_map(Id::from), ".*".prop_map(|s| Id::Text(s.into()))], method in "[a-z/]{1,10}", key in "[b-z]{2}", value in ".*") {
        let params: Object = [(&key, Raw::string(&value))].into_iter().collect();
        let seen = scan(&request(&id, &method, &params)).expect("valid");
        prop_assert_eq!(seen, Message::Request(Request { id: id.clone(), method: method.clone().into(), params }));
        let answer = Raw::string(&value);
        let seen = scan(&response(Some(&id), Ok(&answer))).expect("valid");
        prop_assert_eq!(answered(&id, Ok(&answer)).join(), response(Some(&id), Ok(&answer)));
        prop_assert!(carries_result(&response(Some(&id), Ok(&answer))));
        prop_assert!(!carries_result(&response(Some(&id), Err(&answer))));
        prop_assert_eq!(seen, Message::Response(Response { id: Some(id), outcome: Ok(answer) }));
    }
}
