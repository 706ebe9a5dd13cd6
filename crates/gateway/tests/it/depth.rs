//! JSON that is nested without end, from either side: a client's is refused in words, a target's is passed on as it is, and
//! nobody's costs the gateway its stack.

use serde_json::{Value, json};

use crate::client::{Ask, Gateway, Scripted, Session, enveloped, remote, request, serving};

/// Nested deeper than any stack is.
const DEEP: usize = 100_000;

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// A call whose message is nested this deep.
fn call(levels: usize) -> String {
    let params = json!({ "name": "scripted", "arguments": { "deep": "$" } });
    // The envelope, its params, the arguments.
    request(7, "tools/call", params).to_string().replace(r#""$""#, &nested(levels - 3))
}

#[tokio::test]
async fn a_client_that_nests_too_deep_is_told_so_and_by_which_limit() {
    let target = Scripted::start(r#"{"content":[]}"#).await;
    let gateway = Gateway::start(&serving(vec![remote("a", &target.url)])).await;
    gateway.ready("a").await;
    let session = Session::open(gateway.address()).await;
    // The scripted target itself reads no more than 127 levels.
    let reply = session.post(call(127)).await;
    assert_eq!((reply.status, reply.answer().await["error"].clone()), (200, Value::Null));
    for levels in [129, DEEP] {
        let reply = session.post(call(levels)).await;
        assert_eq!(reply.status, 400);
        let answer = reply.json().await;
        let text =
            "the message is nested more than 128 levels deep; `config.limits.jsonDepth` sets the limit";
        assert_eq!(answer["error"], json!({ "code": -32600, "message": text }));
        assert_eq!(answer["id"], 7);
        // Closing brackets in texts count for nothing.
        let hidden = call(levels).replacen("[[", r#"["]]]]\"]]]]",["#, 1);
        assert_eq!(session.post(hidden).await.status, 400);
    }
    let unfinished = session.post("[".repeat(DEEP)).await;
    assert_eq!(unfinished.status, 400);
    assert_eq!(target.calls().len(), 1);
}

#[tokio::test]
async fn what_a_target_nests_is_passed_on_and_costs_no_stack() {
    let deep = nested(DEEP);
    let blocks = format!(r#"[{{"type":"text","text":"x"}},{{"type":"tool_result","content":{deep}}}]"#);
    let result =
        format!(r#"{{"content":{blocks},"structuredContent":{{"uri":{deep}}},"_meta":{{"x":{deep}}}}}"#);
    let target = Scripted::start(&result).await;
    let other = Scripted::start("{}").await;
    let targets = vec![remote("a", &target.url), remote("b", &other.url)];
    let gateway = Gateway::start(&serving(targets)).await;
    gateway.ready("a").await;
    let params = enveloped(json!({ "name": "a_scripted", "arguments": {} }));
    let reply = Ask::modern_as(1, "tools/call", params.clone()).send(gateway.address()).await;
    let text = reply.text().await;
    assert!(text.contains(&blocks) && text.contains(&format!(r#""structuredContent":{{"uri":{deep}}}"#)));
    // Revisions that have no structured content, or other blocks: each row of the down-level table looks at it.
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let session = Session::at_version(gateway.address(), version).await;
        let called = request(1, "tools/call", json!({ "name": "a_scripted", "arguments": {} }));
        let text = session.post(called).await.text().await;
        assert!(text.contains(&deep) && text.contains("\"result\""), "{version}");
    }
    let log = gateway.log();
    assert!(!log.contains("please report this") && !log.contains("panicked"), "{log}");
}
