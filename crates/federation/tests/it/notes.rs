//! Progress, logs and cancellations: to the one they belong to, and to nobody else.

use std::sync::Arc;

use bytes::Bytes;
use federation::{Head, Outcome};
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::client::{World, background, seconds, settle};
use crate::target::{Act, Target};

const PROGRESS: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":$n}}"#;

fn progress(steps: &[u32]) -> Vec<String> {
    steps.iter().map(|n| PROGRESS.replace("$n", &n.to_string())).collect()
}

fn log(level: &str, data: &str) -> String {
    json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": level, "data": data } })
        .to_string()
}

#[tokio::test(start_paused = true)]
async fn progress_comes_on_the_calls_stream_in_order_under_the_clients_token() {
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target.on("tools/call", Act::saying(progress(&[1, 2, 3]), Act::text("done")));
        let world = World::start(&[&target]).await;
        for client in [world.modern(), world.legacy().await] {
            let number = client.tool_with("x", json!(7)).await;
            assert_eq!(number.noted(), ["1@7", "2@7", "3@7"]);
            let text = client.tool_with("x", json!("7")).await;
            assert_eq!(text.noted(), [r#"1@"7""#, r#"2@"7""#, r#"3@"7""#]);
            assert_eq!(text.said(), "done");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_never_sees_the_clients_token() {
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let world = World::start(&[&target]).await;
        for client in [world.modern(), world.legacy().await] {
            client.tool_with("x", json!("secret")).await.ok();
            let heard = target.last("tools/call")["_meta"]["progressToken"].clone();
            assert!(heard.is_u64(), "{heard}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn progress_that_nobody_asked_for_is_dropped() {
    let stray =
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$id,"progress":1}}"#;
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target.on("tools/call", Act::saying([stray], Act::text("done")));
        let world = World::start(&[&target]).await;
        for client in [world.modern(), world.legacy().await] {
            let reply = client.tool("x").await;
            assert_eq!((reply.notes.len(), reply.said()), (0, "done".to_owned()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn progress_that_does_not_increase_is_dropped_for_a_modern_client_and_what_does_keeps_its_spelling() {
    let said = ["1", "1.0", "0.5", "1.50", "15e-1", "\"2\"", "2.00", "10"].map(|n| PROGRESS.replace("$n", n));
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target.on("tools/call", Act::saying(said.clone(), Act::text("done")));
        let world = World::start(&[&target]).await;
        let client = world.modern();
        let body =
            client.spell(&json!(9), "tools/call", json!({ "name": "x", "_meta": { "progressToken": "t" } }));
        let head = client.head("tools/call", &json!({ "name": "x" }));
        let Outcome::Stream(frames) = world.backend.post(head, body.into()).await else { panic!("a stream") };
        let frames: Vec<_> = frames.into_stream().map(|frame| frame.message).collect().await;
        let spelled = frames.iter().filter_map(|frame| {
            let frame = String::from_utf8_lossy(frame);
            Some(frame.split_once("\"progress\":")?.1.split([',', '}']).next()?.to_owned())
        });
        assert_eq!(spelled.collect::<Vec<_>>(), ["1", "1.50", "2.00", "10"]);
    }
}

#[tokio::test(start_paused = true)]
async fn two_clients_with_the_same_token_do_not_mix() {
    let act = Act::with(|request| {
        let n = request["params"]["arguments"]["n"].as_u64().unwrap_or_default();
        let line = |progress: u64| PROGRESS.replace("$n", &progress.to_string());
        let end = Act::saying([line(n + 10)], Act::text(&n.to_string()));
        Act::after(1, Act::saying([line(n)], Act::after(1, end)))
    });
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target.on("tools/call", act.clone());
        let world = World::start(&[&target]).await;
        let (one, two) = (world.legacy().await, world.legacy().await);
        let (three, four) = (world.modern(), world.modern());
        let ask =
            |n: u32| json!({ "name": "x", "arguments": { "n": n }, "_meta": { "progressToken": "same" } });
        let (one, two, three, four) = tokio::join!(
            one.call("tools/call", ask(1)),
            two.call("tools/call", ask(2)),
            three.call("tools/call", ask(3)),
            four.call("tools/call", ask(4)),
        );
        for (n, reply) in [(1, one), (2, two), (3, three), (4, four)] {
            assert_eq!(reply.noted(), [format!(r#"{n}@"same""#), format!(r#"{}@"same""#, n + 10)]);
            assert_eq!(reply.said(), n.to_string());
        }
    }
}

// === Logs ===

#[tokio::test(start_paused = true)]
async fn a_modern_client_sees_the_logs_of_its_call_that_it_asked_for() {
    let lines = [log("debug", "d"), log("info", "i"), log("error", "e"), log("odd", "o")];
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target.full("w").on("tools/call", Act::saying(lines.clone(), Act::text("done")));
        let world = World::start(&[&target]).await;
        let mut client = world.modern();
        assert_eq!(client.tool("x").await.notes.len(), 0);
        client.level = Some("info");
        assert_eq!(client.tool("x").await.noted(), [r#"info: "i""#, r#"error: "e""#]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_legacy_clients_level_reaches_a_modern_target_with_each_call() {
    let a = Target::modern("a", &["x"])
        .full("w")
        .on("tools/call", Act::saying([log("info", "i"), log("error", "e")], Act::text("done")));
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.call("logging/setLevel", json!({ "level": "error" })).await.ok();
    assert_eq!(client.tool("x").await.noted(), [r#"error: "e""#]);
    assert_eq!(a.last("tools/call")["_meta"]["io.modelcontextprotocol/logLevel"], "error");
}

#[tokio::test(start_paused = true)]
async fn the_level_is_the_sessions_and_its_links_are_told() {
    let a = Target::legacy("a", &["x"])
        .full("w")
        .on("tools/call", Act::saying([log("info", "i"), log("error", "e")], Act::text("done")));
    let world = World::start(&[&a]).await;
    let (strict, loose) = (world.legacy().await, world.legacy().await);
    assert_eq!(strict.call("logging/setLevel", json!({ "level": "error" })).await.ok(), json!({}));
    assert_eq!(a.count("logging/setLevel"), 0, "there is no link to tell yet");
    assert_eq!(strict.tool("x").await.noted(), [r#"error: "e""#]);
    assert_eq!(a.last("logging/setLevel")["level"], "error", "a fresh link is told");
    assert_eq!(loose.tool("x").await.noted().len(), 2, "another session's level is its own");
    assert_eq!(a.count("logging/setLevel"), 1);
    strict.call("logging/setLevel", json!({ "level": "debug" })).await.ok();
    assert_eq!((a.count("logging/setLevel"), &a.last("logging/setLevel")["level"]), (2, &json!("debug")));
    assert_eq!(strict.tool("x").await.noted().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_level_that_is_none_is_invalid_params() {
    let a = Target::legacy("a", &["x"]).full("w");
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    for params in [json!({ "level": "loud" }), json!({ "level": 7 }), json!({})] {
        assert_eq!(client.call("logging/setLevel", params).await.code(), -32602);
    }
    let mut modern = world.modern();
    modern.level = Some("loud");
    assert_eq!(modern.tool("x").await.code(), -32602);
}

#[tokio::test(start_paused = true)]
async fn logs_outside_of_calls_come_on_the_sessions_stream_at_its_level() {
    let a = Target::legacy("a", &["x"]).full("w");
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    client.call("logging/setLevel", json!({ "level": "warning" })).await.ok();
    client.tool("x").await.ok();
    a.say(&log("info", "quiet"));
    a.say(&log("error", "loud"));
    assert_eq!(hears.heard().await, ["message loud"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_hangs_on_its_level_does_not_hang_the_session() {
    let a = Target::legacy("a", &["x"]).full("w");
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.tool("x").await.ok();
    a.act("logging/setLevel", Act::Hang);
    let start = tokio::time::Instant::now();
    client.call("logging/setLevel", json!({ "level": "error" })).await.ok();
    assert!(start.elapsed().as_secs() <= 60, "{:?}", start.elapsed());
}

// === Cancellation ===

#[tokio::test(start_paused = true)]
async fn cancelling_reaches_the_one_owner_and_the_answer_is_suppressed() {
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target.on("tools/call", Act::after(5, Act::text("late")));
        let world = World::start(&[&target]).await;
        let (mine, other) = (Arc::new(world.legacy().await), Arc::new(world.legacy().await));
        let (mut cancelled, mut kept) =
            (background(&mine, json!("id"), "x"), background(&other, json!("id"), "x"));
        let mut second = background(&mine, json!(1), "x");
        settle().await;
        mine.notify("notifications/cancelled", json!({ "requestId": "id", "reason": "enough" })).await;
        assert!(cancelled.recv().await.expect("the call ends").is_none(), "there is no answer");
        settle().await;
        assert_eq!(target.count("notifications/cancelled"), 1);
        let ended = target.last("notifications/cancelled")["requestId"].clone();
        assert!(target.heard_of("tools/call").iter().any(|heard| heard.message["id"] == ended));
        assert_eq!(kept.recv().await.flatten().expect("an answer").said(), "late");
        assert_eq!(second.recv().await.flatten().expect("an answer").said(), "late");
        assert_eq!(mine.tool("x").await.said(), "late", "the session goes on");
    }
}

#[tokio::test(start_paused = true)]
async fn cancelling_what_is_not_running_is_ignored() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.call_as(json!(5), "tools/call", json!({ "name": "x" })).await.expect("an answer").ok();
    for params in
        [json!({ "requestId": 5 }), json!({ "requestId": "5" }), json!({ "requestId": null }), json!({})]
    {
        client.notify("notifications/cancelled", params).await;
    }
    assert_eq!(client.tool("x").await.said(), "a:x");
    assert_eq!(a.count("notifications/cancelled"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_modern_client_cancels_by_going_away() {
    for target in [Target::legacy("a", &["x", "told"]), Target::modern("a", &["x", "told"])] {
        let target = target
            .on("tools/call x", Act::Hang)
            .on("tools/call told", Act::saying(progress(&[1]), Act::Hang));
        let world = World::start(&[&target]).await;
        let client = Arc::new(world.modern());
        let hung = tokio::time::timeout(std::time::Duration::from_secs(2), client.tool("x")).await;
        assert!(hung.is_err());
        settle().await;
        assert_eq!(target.count("notifications/cancelled"), 1, "before its stream began");
        let hung =
            tokio::time::timeout(std::time::Duration::from_secs(2), client.tool_with("told", json!(1))).await;
        assert!(hung.is_err());
        settle().await;
        assert_eq!(target.count("notifications/cancelled"), 2, "after its stream began");
    }
}

#[tokio::test(start_paused = true)]
async fn a_legacy_client_that_loses_its_connection_has_not_cancelled() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::after(5, Act::text("late")));
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let lost = tokio::time::timeout(std::time::Duration::from_secs(1), client.tool("x")).await;
    assert!(lost.is_err());
    seconds(10).await;
    assert_eq!(a.count("notifications/cancelled"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answered_call_is_never_cancelled() {
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target.on("tools/call", Act::saying(progress(&[1]), Act::text("done")));
        let world = World::start(&[&target]).await;
        for client in [world.modern(), world.legacy().await] {
            client.tool_with("x", json!(1)).await.ok();
            client.tool("x").await.ok();
        }
        settle().await;
        assert_eq!(target.count("notifications/cancelled"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_request_with_an_id_in_flight_is_refused_and_the_first_goes_on() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::after(5, Act::text("late")));
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    let mut first = background(&client, json!(9), "x");
    settle().await;
    let second = client.call_as(json!(9), "tools/call", json!({ "name": "x" })).await.expect("a refusal");
    assert_eq!(second.code(), -32600);
    let text = client.call_as(json!("9"), "ping", json!({})).await.expect("another id");
    assert_eq!(text.ok(), json!({}));
    assert_eq!(first.recv().await.flatten().expect("an answer").said(), "late");
    assert_eq!(a.count("tools/call"), 1);
    let again = client.call_as(json!(9), "tools/call", json!({ "name": "x" })).await.expect("free again");
    assert_eq!(again.said(), "late");
}

#[tokio::test(start_paused = true)]
async fn a_notification_without_a_session_is_taken_and_dropped() {
    let world = World::start(&[&Target::legacy("a", &["x"])]).await;
    let body = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } })
        .to_string();
    assert!(matches!(
        world.backend.post(Head::default(), Bytes::from(body.clone())).await,
        Outcome::Accepted
    ));
    let head = Head { session: Some("nobody".into()), ..Head::default() };
    let Outcome::One(single) = world.backend.post(head, Bytes::from(body)).await else { panic!("refused") };
    let refused: Value = serde_json::from_slice(&single.body.join()).expect("JSON");
    assert_eq!((&refused["id"], single.error), (&Value::Null, Some(federation::ErrorKind::UnknownSession)));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_calls_with_the_same_token_and_id_do_not_mix() {
    let act = Act::with(|request| {
        let n = request["params"]["arguments"]["n"].as_u64().unwrap_or_default();
        Act::saying([PROGRESS.replace("$n", &n.to_string())], Act::after(1, Act::text(&n.to_string())))
    });
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target.on("tools/call", act.clone()).set(|settings| settings.limits.calls = 1000);
        let world = World::start(&[&target]).await;
        let calls = (0..1000).map(|n| {
            let client = world.modern();
            async move {
                let params =
                    json!({ "name": "x", "arguments": { "n": n }, "_meta": { "progressToken": "same" } });
                let reply = client.call_as(json!("same"), "tools/call", params).await.expect("an answer");
                assert_eq!((reply.noted(), reply.said()), (vec![format!(r#"{n}@"same""#)], n.to_string()));
            }
        });
        futures::future::join_all(calls).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_level_set_while_a_link_is_being_opened_reaches_it() {
    let a =
        Target::legacy("a", &["x"]).full("w").on("logging/setLevel", Act::after(5, Act::Result(json!({}))));
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    client.call("logging/setLevel", json!({ "level": "error" })).await.ok();
    let mut call = background(&client, json!("opens"), "x");
    settle().await;
    assert_eq!(a.last("logging/setLevel")["level"], "error", "the fresh link is being told");
    client.call("logging/setLevel", json!({ "level": "debug" })).await.ok();
    assert_eq!(call.recv().await.flatten().expect("an answer").said(), "a:x");
    seconds(60).await;
    assert_eq!(a.last("logging/setLevel")["level"], "debug");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_hangs_on_its_level_holds_up_a_first_call_for_no_longer_than_opening_a_link_may_take() {
    let a = Target::legacy("a", &["x"]).full("w").on("logging/setLevel", Act::Hang);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.call("logging/setLevel", json!({ "level": "error" })).await.ok();
    let start = tokio::time::Instant::now();
    assert_eq!(client.tool("x").await.said(), "a:x");
    assert!(start.elapsed().as_secs() <= 60, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_began_before_its_session_wants_fewer_logs_does_not_bring_them_back() {
    let a = Target::legacy("a", &["x"]).full("w").on("initialize", Act::after(5, shaken()));
    let world = World::start(&[&a]).await;
    seconds(10).await;
    let client = Arc::new(world.legacy().await);
    client.call("logging/setLevel", json!({ "level": "debug" })).await.ok();
    let mut call = background(&client, json!("c"), "x");
    settle().await;
    client.call("logging/setLevel", json!({ "level": "error" })).await.ok();
    call.recv().await.flatten().expect("an answer");
    assert_eq!(a.last("logging/setLevel")["level"], "error");
}

#[tokio::test(start_paused = true)]
async fn a_log_level_that_is_none_is_refused_whatever_its_type() {
    let a = Target::modern("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    for level in [json!("bogus"), json!(7), json!({}), Value::Null] {
        let params = json!({ "name": "x", "_meta": { "io.modelcontextprotocol/logLevel": level } });
        assert_eq!(client.call("tools/call", params).await.code(), -32602, "{level}");
    }
    assert_eq!(a.count("tools/call"), 0);
}

/// What the handshake of a legacy target with everything leads to.
fn shaken() -> Act {
    let capabilities = json!({ "tools": {}, "logging": {} });
    Act::Result(
        json!({ "protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": { "name": "a", "version": "1" } }),
    )
}
