//! Which era a request is of, and requests that are none.

use bytes::Bytes;
use federation::{ErrorKind, Head, Outcome};
use serde_json::{Value, json};

use crate::client::World;
use crate::target::{CAPABILITIES, Target, VERSION};

async fn world() -> World {
    World::start(&[&Target::legacy("a", &["x"]).full("x")]).await
}

async fn answer(world: &World, head: Head, body: &str) -> (Value, Option<ErrorKind>) {
    let Outcome::One(single) = world.backend.post(head, Bytes::from(body.to_owned())).await else {
        panic!("one answer to {body}")
    };
    (serde_json::from_slice(&single.body.join()).expect("JSON"), single.error)
}

fn request(method: &str, params: Value) -> String {
    json!({ "jsonrpc": "2.0", "id": "é", "method": method, "params": params }).to_string()
}

fn envelope(version: &str) -> Value {
    json!({ VERSION: version, CAPABILITIES: {} })
}

fn head(method: &str, name: Option<&str>) -> Head {
    Head {
        version: Some("2026-07-28".into()),
        method: Some(method.into()),
        name: name.map(Into::into),
        ..Head::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_modern_request_lacks_nothing_of_its_envelope() {
    let world = world().await;
    for (meta, code) in [
        (json!({ VERSION: "2026-07-28" }), -32602),
        (json!({ VERSION: "2026-07-28", CAPABILITIES: [] }), -32602),
        (json!({ VERSION: 7, CAPABILITIES: {} }), -32602),
        (json!({ CAPABILITIES: {} }), -32602),
    ] {
        let (refused, _) =
            answer(&world, head("tools/list", None), &request("tools/list", json!({ "_meta": meta }))).await;
        assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!(code), &json!("é")), "{meta}");
    }
    let without_info = request("tools/list", json!({ "_meta": envelope("2026-07-28") }));
    assert!(answer(&world, head("tools/list", None), &without_info).await.0.get("result").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_not_served_is_refused_with_those_that_are() {
    let world = world().await;
    for version in ["1900-01-01", "2025-11-25", "2027-01-01", ""] {
        let head = Head { version: Some(version.into()), ..head("tools/list", None) };
        let (refused, kind) =
            answer(&world, head, &request("tools/list", json!({ "_meta": envelope(version) }))).await;
        assert_eq!(
            (&refused["error"]["code"], kind),
            (&json!(-32022), Some(ErrorKind::UnsupportedVersion)),
            "{version}"
        );
        assert_eq!(refused["error"]["data"], json!({ "supported": ["2026-07-28"], "requested": version }));
    }
}

#[tokio::test(start_paused = true)]
async fn headers_and_body_of_a_modern_request_agree() {
    let world = world().await;
    let body = |method: &str, mut params: Value| {
        params["_meta"] = envelope("2026-07-28");
        request(method, params)
    };
    let call = body("tools/call", json!({ "name": "x" }));
    let good = head("tools/call", Some("x"));
    assert!(answer(&world, good.clone(), &call).await.0.get("result").is_some());
    let encoded = head("tools/call", Some("=?base64?eA==?="));
    assert!(answer(&world, encoded, &call).await.0.get("result").is_some());
    let padded = Head { version: Some(" 2026-07-28\t".into()), ..good.clone() };
    assert!(answer(&world, padded, &call).await.0.get("result").is_some());
    let wrong = [
        Head { version: Some("2025-11-25".into()), ..good.clone() },
        Head { version: None, ..good.clone() },
        Head { method: None, ..good.clone() },
        Head { method: Some("Tools/Call".into()), ..good.clone() },
        Head { method: Some("tools/list".into()), ..good.clone() },
        Head { name: None, ..good.clone() },
        Head { name: Some("X".into()), ..good.clone() },
        Head { name: Some("=?base64?%%?=".into()), ..good.clone() },
        Head { name: Some("=?base64?eQ==?=".into()), ..good.clone() },
    ];
    for head in wrong {
        let (refused, kind) = answer(&world, head.clone(), &call).await;
        assert_eq!(
            (&refused["error"]["code"], kind),
            (&json!(-32020), Some(ErrorKind::HeaderMismatch)),
            "{head:?}"
        );
    }
    for (method, params) in
        [("prompts/get", json!({ "name": "x-prompt" })), ("resources/read", json!({ "uri": "file:///x" }))]
    {
        let (refused, _) = answer(&world, head(method, None), &body(method, params)).await;
        assert_eq!(refused["error"]["code"], -32020, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_modern_client_may_not_ask_for_is_unknown_to_it() {
    let world = world().await;
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "nonsense",
        "Tools/List",
    ] {
        let (refused, kind) =
            answer(&world, head(method, None), &request(method, json!({ "_meta": envelope("2026-07-28") })))
                .await;
        assert_eq!(
            (&refused["error"]["code"], kind),
            (&json!(-32601), Some(ErrorKind::UnknownMethod)),
            "{method}"
        );
    }
    assert_eq!(world.backend.session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_modern_request_takes_no_notice_of_a_session() {
    let world = world().await;
    let head = Head { session: Some("nobody".into()), ..head("tools/list", None) };
    let (answered, _) =
        answer(&world, head, &request("tools/list", json!({ "_meta": envelope("2026-07-28") }))).await;
    assert!(answered.get("result").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_can_only_be_modern_is_told_what_it_lacks() {
    let world = world().await;
    for (head, method) in [
        (Head::default(), "server/discover"),
        (Head { version: Some("2026-07-28".into()), ..Head::default() }, "tools/list"),
    ] {
        let (refused, kind) = answer(&world, head, &request(method, json!({}))).await;
        assert_eq!((&refused["error"]["code"], kind), (&json!(-32602), Some(ErrorKind::MissingMeta)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_probes_first_may_still_shake_hands() {
    let world = world().await;
    world.modern().call("server/discover", json!({})).await.ok();
    let client = world.legacy().await;
    client.tool("x").await.ok();
    world.modern().tool("x").await.ok();
}

#[tokio::test(start_paused = true)]
async fn what_is_no_message_is_refused_with_its_id_where_it_has_one() {
    let world = world().await;
    for (body, code, id) in [
        ("", -32700, Value::Null),
        ("{", -32700, Value::Null),
        ("hello", -32700, Value::Null),
        ("7", -32600, Value::Null),
        ("{}", -32600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600, json!(1)),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600, json!(1)),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600, Value::Null),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#, -32600, json!(1)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, -32600, json!(1)),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","na\u006de":"y"}}"#,
            -32600,
            json!(1),
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","Name":"y"}}"#,
            -32600,
            json!(1),
        ),
    ] {
        let (refused, kind) = answer(&world, Head::default(), body).await;
        assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!(code), &id), "{body}");
        assert!(matches!(kind, Some(ErrorKind::NotJson | ErrorKind::Malformed)), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn ids_come_back_as_they_were_spelled() {
    let world = world().await;
    let client = world.legacy().await;
    for id in ["123456789012345678901234567890", "-1", "0", r#""""#, r#""7""#, r#""é\n""#] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let head = Head { session: client.session.clone(), ..Head::default() };
        let Outcome::One(single) = world.backend.post(head, Bytes::from(body)).await else {
            panic!("one answer")
        };
        let text = String::from_utf8_lossy(&single.body.join()).into_owned();
        assert!(text.contains(&format!(r#""id":{id},"#)), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_needs_a_session() {
    let world = world().await;
    let body = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    assert_eq!(answer(&world, Head::default(), body).await.1, Some(ErrorKind::SessionRequired));
    let head = Head { session: world.legacy().await.session.clone(), ..Head::default() };
    assert!(matches!(world.backend.post(head, Bytes::from_static(body.as_bytes())).await, Outcome::Accepted));
}

#[tokio::test(start_paused = true)]
async fn large_arguments_pass_through() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let big = "é".repeat(200_000);
    world.modern().call("tools/call", json!({ "name": "x", "arguments": { "big": big } })).await.ok();
    assert_eq!(a.last("tools/call")["arguments"]["big"].as_str().map(str::len), Some(400_000));
}

#[tokio::test(start_paused = true)]
async fn a_modern_client_hears_that_it_sends_no_batches_and_no_responses() {
    let world = World::start(&[&Target::modern("a", &["x"])]).await;
    let head = || Head { version: Some("2026-07-28".into()), ..Head::default() };
    for (body, word) in [
        (json!([{ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }]), "batches"),
        (json!({ "jsonrpc": "2.0", "id": 1, "result": {} }), "inputResponses"),
    ] {
        let Outcome::One(single) = world.backend.post(head(), Bytes::from(body.to_string())).await else {
            panic!("one answer")
        };
        let answer: Value = serde_json::from_slice(&single.body.join()).expect("JSON");
        assert_eq!((single.error, &answer["error"]["code"]), (Some(ErrorKind::Malformed), &json!(-32600)));
        let text = answer["error"]["message"].as_str().expect("a text");
        assert!(text.contains(word) && text.contains("2026-07-28") && !text.contains("initialize"), "{text}");
    }
}
