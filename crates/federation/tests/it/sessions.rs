//! Legacy sessions: their handshake, their own links, their end; and the two transports that carry them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use federation::{ErrorKind, Head, Outcome};
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::client::{Listener, World, background, named, seconds, settle};
use crate::target::{Act, Target};

async fn post(world: &World, head: Head, body: &str) -> Outcome {
    world.backend.post(head, Bytes::from(body.to_owned())).await
}

async fn refused(world: &World, head: Head, body: &str) -> (i64, Option<ErrorKind>, Value) {
    let Outcome::One(single) = post(world, head, body).await else { panic!("one answer to {body}") };
    let answer: Value = serde_json::from_slice(&single.body.join()).expect("JSON");
    (
        answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("an error: {answer}")),
        single.error,
        answer["id"].clone(),
    )
}

// === Handshake ===

#[tokio::test(start_paused = true)]
async fn the_handshake_agrees_on_what_was_asked_for_or_the_newest_legacy_revision() {
    let world = World::start(&[&Target::modern("a", &["x"])]).await;
    for (asked, agreed) in [
        ("2024-10-07", "2024-11-05"),
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1900-01-01", "2025-11-25"),
        ("", "2025-11-25"),
    ] {
        let params = json!({ "protocolVersion": asked, "capabilities": {} });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }).to_string();
        let Outcome::One(single) = post(&world, Head::default(), &body).await else { panic!("one answer") };
        let answer: Value = serde_json::from_slice(&single.body.join()).expect("JSON");
        assert_eq!(answer["result"]["protocolVersion"], agreed, "{asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_without_a_version_is_refused_and_leaves_no_session() {
    let world = World::start(&[&Target::legacy("a", &["x"])]).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#;
    assert_eq!(refused(&world, Head::default(), body).await.0, -32602);
    assert_eq!(world.backend.session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_session_or_with_a_wrong_one_is_refused() {
    let world = World::start(&[&Target::legacy("a", &["x"])]).await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    assert_eq!(
        refused(&world, Head::default(), body).await,
        (-32600, Some(ErrorKind::SessionRequired), json!(1))
    );
    assert_eq!(
        refused(&world, named("nobody"), body).await,
        (-32600, Some(ErrorKind::UnknownSession), json!(1))
    );
    let odd = Head {
        version: Some("garbage".into()),
        ..named(&world.legacy().await.session.clone().expect("a session"))
    };
    assert_eq!(refused(&world, odd, body).await.1, Some(ErrorKind::UnsupportedVersion));
    assert!(world.backend.stream(&named("nobody")).is_err() && world.backend.end(&named("nobody")).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_before_the_handshake_and_in_no_session_that_is_unknown() {
    let world = World::start(&[&Target::legacy("a", &["x"])]).await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let Outcome::One(single) = post(&world, Head::default(), ping).await else { panic!("one answer") };
    let answer: Value = serde_json::from_slice(&single.body.join()).expect("JSON");
    assert_eq!((&answer["id"], &answer["result"], single.session), (&json!(1), &json!({}), None));
    assert_eq!(refused(&world, named("nobody"), ping).await.1, Some(ErrorKind::UnknownSession));
}

#[tokio::test(start_paused = true)]
async fn instructions_of_all_targets_are_passed_on_under_their_names() {
    let a = Target::legacy("a", &["x"]).be(|script| script.instructions = Some("Ask a first.".into()));
    let b = Target::modern("b", &["x"]).be(|script| script.instructions = Some("b is slow.".into()));
    let world = World::start(&[&a, &b]).await;
    let (_, shaken) = world.legacy_of("2025-11-25").await;
    let discovered = world.modern().call("server/discover", json!({})).await.ok();
    for text in [&shaken["instructions"], &discovered["instructions"]] {
        let text = text.as_str().expect("instructions");
        assert!(
            text.contains("[a]\nAsk a first.") && text.contains("[b]\nb is slow.") && text.contains("`a_"),
            "{text}"
        );
    }
    let alone = World::start(&[&a]).await;
    assert_eq!(alone.legacy_of("2025-11-25").await.1["instructions"], "Ask a first.");
}

#[tokio::test(start_paused = true)]
async fn methods_of_the_other_era_do_not_exist_in_a_session() {
    let world = World::start(&[&Target::legacy("a", &["x"])]).await;
    let client = world.legacy().await;
    for method in ["nonsense", "sampling/createMessage", "tasks/list"] {
        assert_eq!(client.call(method, json!({})).await.code(), -32601, "{method}");
    }
}

// === Links ===

#[tokio::test(start_paused = true)]
async fn a_session_has_a_link_of_its_own_to_a_legacy_target_from_its_first_call() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let (one, two) = (world.legacy().await, world.legacy().await);
    one.tools().await;
    assert_eq!(a.open(), 1, "a list needs none");
    for _ in 0..3 {
        one.tool("x").await.ok();
    }
    two.tool("x").await.ok();
    assert_eq!(a.open(), 3);
    let wires: Vec<_> = a.heard_of("tools/call").into_iter().map(|heard| heard.wire).collect();
    assert!(wires[0] == wires[1] && wires[1] == wires[2] && wires[2] != wires[3], "{wires:?}");
}

#[tokio::test(start_paused = true)]
async fn calls_that_race_for_a_sessions_first_link_share_one() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let before = a.opened();
    let (one, two, three) = tokio::join!(client.tool("x"), client.tool("x"), client.tool("x"));
    [one, two, three].into_iter().for_each(|reply| assert_eq!(reply.said(), "a:x"));
    assert_eq!(a.opened(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn everybody_shares_the_one_link_to_a_modern_target() {
    let a = Target::modern("a", &["x"]);
    let world = World::start(&[&a]).await;
    for client in [world.legacy().await, world.legacy().await, world.modern()] {
        client.tool("x").await.ok();
    }
    assert_eq!((a.open(), a.opened()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn modern_clients_that_can_be_asked_nothing_share_one_link_to_a_legacy_target() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    for _ in 0..3 {
        world.modern().tool("x").await.ok();
    }
    assert_eq!((a.open(), a.opened()), (2, 2), "the lists are read over the other");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_closes_its_links_its_stream_and_its_calls() {
    let a = Target::legacy("a", &["x", "slow"]).on("tools/call slow", Act::Hang);
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    let mut hears = client.listen();
    client.tool("x").await.ok();
    let mut slow = background(&client, json!("slow"), "slow");
    settle().await;
    assert_eq!(a.open(), 2);
    client.end();
    assert_eq!(slow.recv().await.flatten().expect("an answer").code(), -32600);
    assert!(hears.ended().await);
    seconds(3).await;
    assert_eq!((a.open(), world.backend.session_count()), (1, 0));
    let head = named(client.session.as_deref().expect("a session"));
    assert_eq!(
        refused(&world, head, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await.1,
        Some(ErrorKind::UnknownSession)
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_call_after_a_sessions_own_link_died_succeeds() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.tool("x").await.ok();
    a.cut();
    seconds(5).await;
    assert_eq!(client.tool("x").await.said(), "a:x", "it never ran, so it may be sent over a fresh link");
}

// === Idleness ===

#[tokio::test(start_paused = true)]
async fn a_session_that_nobody_uses_ends_after_half_an_hour_and_its_links_with_it() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.tool("x").await.ok();
    seconds(29 * 60).await;
    assert_eq!(world.backend.session_count(), 1);
    seconds(2 * 60).await;
    assert_eq!((world.backend.session_count(), a.open()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_session_in_use_does_not_end() {
    let a = Target::legacy("a", &["x", "slow"])
        .be(|script| script.capabilities = json!({ "tools": { "listChanged": true } }));
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":1}}"#;
    let mut slow = Act::text("done");
    for _ in 0..10 {
        slow = Act::after(280, Act::saying([progress], slow));
    }
    let a = a.on("tools/call slow", slow);
    let world = World::start(&[&a]).await;
    let (listening, calling, pinging) = (world.legacy().await, world.legacy().await, world.legacy().await);
    let _hears = listening.listen();
    let ping = async {
        for _ in 0..10 {
            seconds(280).await;
            pinging.call("ping", json!({})).await.ok();
        }
    };
    let (reply, ()) = tokio::join!(calling.tool_with("slow", json!(1)), ping);
    assert_eq!((reply.said(), world.backend.session_count()), ("done".to_owned(), 3));
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_stream_has_just_closed_has_half_an_hour_to_come_back() {
    let world = World::start(&[&Target::legacy("a", &["x"])]).await;
    let client = world.legacy().await;
    let hears = client.listen();
    seconds(45 * 60).await;
    drop(hears);
    seconds(2 * 60).await;
    assert_eq!(world.backend.session_count(), 1);
}

// === Batches ===

#[tokio::test(start_paused = true)]
async fn batches_exist_in_sessions_of_2025_03_26_only() {
    let world = World::start(&[&Target::legacy("a", &["x"])]).await;
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#;
    assert_eq!(refused(&world, Head::default(), batch).await.0, -32600);
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let (client, _) = world.legacy_of(version).await;
        assert_eq!(
            refused(&world, named(client.session.as_deref().expect("one")), batch).await.0,
            -32600,
            "{version}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_answers_each_of_its_requests_once() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let (client, _) = world.legacy_of("2025-03-26").await;
    let head = named(client.session.as_deref().expect("one"));
    let batch = r#" [{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":"1","method":"tools/call","params":{"name":"x"}},
        {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}},{"jsonrpc":"2.0","id":1,"result":{}},
        {"jsonrpc":"2.0","id":2,"method":"nonsense"},{"jsonrpc":"1.0","id":3,"method":"ping"},
        {"jsonrpc":"2.0","id":4,"method":"initialize","params":{"protocolVersion":"2025-03-26"}}]"#;
    let Outcome::Stream(frames) = post(&world, head, batch).await else { panic!("a stream") };
    let answers: Vec<Value> = frames
        .into_stream()
        .map(|frame| serde_json::from_slice(&frame.message).expect("JSON"))
        .collect()
        .await;
    let mut ids: Vec<String> = answers.iter().map(|answer| answer["id"].to_string()).collect();
    ids.sort();
    assert_eq!(ids, [r#""1""#, "1", "2", "3", "4"]);
    let code = |id: Value| {
        answers.iter().find(|answer| answer["id"] == id).expect("answered")["error"]["code"].clone()
    };
    assert_eq!((code(json!(2)), code(json!(3))), (json!(-32601), json!(-32600)));
    assert!(code(json!(4)).is_i64(), "a handshake is never in a batch");
}

#[tokio::test(start_paused = true)]
async fn a_batch_without_requests_is_taken_and_an_empty_one_refused() {
    let world = World::start(&[&Target::legacy("a", &["x"])]).await;
    let (client, _) = world.legacy_of("2025-03-26").await;
    let head = || named(client.session.as_deref().expect("one"));
    let notes =
        r#"[{"jsonrpc":"2.0","method":"notifications/initialized"},{"jsonrpc":"2.0","id":9,"result":{}}]"#;
    assert!(matches!(post(&world, head(), notes).await, Outcome::Accepted));
    assert_eq!(refused(&world, head(), "[]").await.0, -32600);
    assert_eq!(refused(&world, head(), "[{").await.0, -32700);
}

// === Without sessions ===

#[tokio::test(start_paused = true)]
async fn a_stateless_server_serves_legacy_clients_over_shared_links() {
    let a = Target::legacy("a", &["x"]).full("w");
    let world = World::with(&[&a], |settings| settings.stateless = true).await;
    let shake = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}}"#;
    let Outcome::One(single) = post(&world, Head::default(), shake).await else { panic!("one answer") };
    assert_eq!((single.session, world.backend.session_count()), (None, 0));
    let call = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"x"}}"#;
    let Outcome::One(single) = post(&world, Head::default(), call).await else { panic!("one answer") };
    let answer: Value = serde_json::from_slice(&single.body.join()).expect("JSON");
    assert_eq!((&answer["id"], &answer["result"]["content"][0]["text"]), (&json!(2), &json!("a:x")));
    assert!(answer["result"].get("resultType").is_none());
    assert_eq!(a.open(), 2);
    for method in ["logging/setLevel", "resources/subscribe"] {
        let body = json!({ "jsonrpc": "2.0", "id": 3, "method": method, "params": { "level": "info", "uri": "file:///w" } });
        assert_eq!(refused(&world, Head::default(), &body.to_string()).await.0, -32601);
    }
}

// === The transport of 2024-11-05 ===

#[tokio::test(start_paused = true)]
async fn a_connection_of_2024_11_05_carries_everything_on_its_stream() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":1}}"#;
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::saying([progress], Act::text("done")));
    let world = World::start(&[&a]).await;
    let (session, frames) = world.backend.open_sse(&Head::default()).expect("a connection");
    let mut hears = Listener::of(frames);
    let send = async |body: &str| {
        let outcome = world.backend.post_sse(named(&session), &Bytes::from(body.to_owned()));
        assert!(matches!(outcome, Outcome::Accepted), "{outcome:?}");
    };
    send(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
    assert_eq!(hears.next().await.expect("a refusal")["error"]["code"], -32600, "not before the handshake");
    send(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).await;
    assert_eq!(hears.next().await.expect("an answer")["result"], json!({}), "but this");
    send(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{}}}"#).await;
    assert_eq!(hears.next().await.expect("the handshake")["result"]["protocolVersion"], "2024-11-05");
    send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    send(r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"x","_meta":{"progressToken":"t"}}}"#).await;
    assert_eq!(
        hears.next().await.expect("progress")["params"],
        json!({ "progressToken": "t", "progress": 1 })
    );
    assert_eq!(hears.next().await.expect("an answer")["result"]["content"][0]["text"], "done");
    a.offer(&["y"]);
    assert_eq!(hears.next().await.expect("a change")["method"], "notifications/tools/list_changed");
    drop(hears);
    seconds(3).await;
    assert_eq!((world.backend.session_count(), a.open()), (0, 1), "the session ends with its stream");
    let gone = world.backend.post_sse(named(&session), &Bytes::from_static(b"{}"));
    assert!(matches!(gone, Outcome::One(single) if single.error == Some(ErrorKind::UnknownSession)));
}

#[tokio::test(start_paused = true)]
async fn a_second_handshake_in_a_connection_is_refused() {
    let world = World::start(&[&Target::legacy("a", &["x"])]).await;
    let (session, frames) = world.backend.open_sse(&Head::default()).expect("a connection");
    let mut hears = Listener::of(frames);
    let shake = Bytes::from_static(
        br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05"}}"#,
    );
    world.backend.post_sse(named(&session), &shake);
    world.backend.post_sse(named(&session), &shake);
    assert!(hears.next().await.expect("one").get("result").is_some());
    assert_eq!(hears.next().await.expect("two")["error"]["code"], -32600);
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_sessions_and_targets_in_good_order() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::modern("b", &["x"]));
    let world = World::start(&[&a, &b]).await;
    let client = world.legacy().await;
    client.tool("a_x").await.ok();
    let mut hears = client.listen();
    tokio::time::timeout(Duration::from_secs(10), world.backend.stop()).await.expect("stops in time");
    assert!(hears.ended().await);
    settle().await;
    assert_eq!((a.open(), b.open(), world.backend.session_count()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_cannot_be_opened_fails_its_call_with_the_connect_deadline_and_hurts_no_other() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]));
    let world = World::start(&[&a, &b]).await;
    let client = Arc::new(world.legacy().await);
    a.change(|script| script.door = crate::target::Door::Hung);
    let mut hung = background(&client, json!("hung"), "a_x");
    settle().await;
    let start = tokio::time::Instant::now();
    assert_eq!(client.tool("b_x").await.said(), "b:x");
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(hung.recv().await.flatten().expect("an answer").code(), -32603);
    assert!((59..=61).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(a.count("tools/call"), 0);
    a.revive();
    assert_eq!(client.tool("a_x").await.said(), "a:x");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_being_opened_does_not_hold_up_the_sessions_level() {
    let a = Target::legacy("a", &["x"]).full("w");
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    a.change(|script| script.door = crate::target::Door::Hung);
    let _hung = background(&client, json!("hung"), "x");
    settle().await;
    let start = tokio::time::Instant::now();
    client.call("logging/setLevel", json!({ "level": "error" })).await.ok();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_while_a_link_is_being_opened_ends_at_once() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    a.change(|script| script.door = crate::target::Door::Hung);
    let mut hung = background(&client, json!("hung"), "x");
    settle().await;
    client.end();
    let start = tokio::time::Instant::now();
    assert_eq!(hung.recv().await.flatten().expect("an answer").code(), -32600);
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!((a.open(), a.count("tools/call")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_server_stops_its_targets() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::modern("b", &["x"]));
    let world = World::start(&[&a, &b]).await;
    world.legacy().await.tool("a_x").await.ok();
    drop(world);
    seconds(5).await;
    assert_eq!((a.open(), b.open()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_status_of_targets_is_told_in_the_order_of_the_configuration() {
    let (a, b) = (Target::legacy("z", &["x", "y"]).full("w"), Target::modern("b", &["x"]));
    b.kill();
    let world = World::start(&[&a, &b]).await;
    let shown: Vec<_> = world
        .backend
        .status()
        .into_iter()
        .map(|s| (s.name, s.counts, s.peer.is_some(), s.restarts))
        .collect();
    assert_eq!(shown, [("z".to_owned(), [2, 1, 1, 1], true, 0), ("b".to_owned(), [0; 4], false, 0)]);
    a.cut();
    seconds(5).await;
    let statuses = world.backend.status();
    assert!(matches!(statuses[0].condition, federation::Condition::Ready) && statuses[0].restarts == 1);
    assert!(
        matches!(&statuses[1].condition, federation::Condition::Failing(failure) if failure.attempts > 1)
    );
}

#[tokio::test(start_paused = true)]
async fn bug_a_call_in_a_session_that_an_operator_ends_is_answered() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Hang);
    let world = World::start(&[&a]).await;
    for waits in [0, 5] {
        let client = Arc::new(world.legacy().await);
        let mut call = background(&client, json!("c"), "x");
        settle().await;
        seconds(waits).await;
        assert!(world.backend.end_session(world.backend.sessions()[0].number));
        let reply = call.recv().await.expect("an end").expect("an answer");
        assert!(reply.text.contains("session"), "{}", reply.text);
        settle().await;
    }
}
