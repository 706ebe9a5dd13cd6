//! Legacy clients that go away in the middle, come back, say things twice, or never read what they asked for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use federation::{ErrorKind, Frames, Head, Outcome};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use upstream::settings::Custom;
use upstream::wire::{self, Connect, Inbox, Outgoing, Wire};
use upstream::{Error, Transport};

use crate::client::{Listener, World, messages, named, seconds, settle};
use crate::target::{Act, Door, Target};

fn everything() -> Value {
    json!({ "roots": { "listChanged": true }, "sampling": {}, "elicitation": { "form": {}, "url": {} } })
}

fn form(message: &str) -> Value {
    json!({ "message": message, "requestedSchema": { "type": "object", "properties": {} } })
}

fn asking() -> Target {
    Target::legacy("a", &["x"]).on("tools/call", Act::Ask("elicitation/create", form("sure?")))
}

fn call() -> Value {
    json!({ "name": "x", "arguments": {} })
}

fn accept(asked: &Value, content: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "action": "accept", "content": content } })
}

/// What the target was answered first.
fn answered(target: &Target) -> Value {
    let heard = target.heard().into_iter().find(|heard| heard.message["id"] == "ask-0");
    heard.expect("the target got an answer").message
}

fn bytes(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

// === Questions ===

#[tokio::test(start_paused = true)]
async fn a_question_that_was_asked_while_its_client_was_away_is_heard_once_and_a_late_answer_is_taken() {
    let a = Target::legacy("a", &["x"])
        .on("tools/call", Act::after(7, Act::Ask("elicitation/create", form("sure?"))));
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    drop(client.begin(json!("c"), "tools/call", call()).await);
    seconds(200).await;
    let resume = || {
        let head = Head { last_event_id: Some("1-0".into()), ..client.session_head() };
        client.backend.stream(&head).map(Listener::of).expect("the call runs")
    };
    let (mut lost, mut other) = (resume(), resume());
    assert!(lost.ended().await, "the later of two that come back is the one that hears");
    let asked = other.asked().await.expect("the question");
    client.respond(&accept(&asked, json!({ "n": 1 }))).await;
    client.respond(&accept(&asked, json!({ "n": 2 }))).await;
    let answer = other.next().await.expect("the answer");
    assert_eq!(answer["id"], "c", "the question is not asked twice: {answer}");
    assert!(other.ended().await);
    assert_eq!(answered(&a)["result"]["content"], json!({ "n": 1 }), "the first answer counts");
}

#[tokio::test(start_paused = true)]
async fn only_the_session_that_was_asked_can_answer_and_only_with_a_response() {
    let a = asking();
    let world = World::start(&[&a]).await;
    let (client, other) = (world.legacy_with(everything()).await, world.legacy_with(everything()).await);
    let mut stream = client.begin(json!("c"), "tools/call", call()).await;
    let asked = stream.asked().await.expect("a question");
    other.respond(&accept(&asked, json!({ "who": "other" }))).await;
    let both =
        json!({ "jsonrpc": "2.0", "id": asked["id"], "result": {}, "error": { "code": 1, "message": "x" } });
    let refused = client.backend.post(client.session_head(), bytes(&both)).await;
    assert!(matches!(refused, Outcome::One(single) if single.error == Some(ErrorKind::Malformed)));
    client.respond(&json!({ "jsonrpc": "2.0", "id": asked["id"].to_string(), "result": {} })).await;
    client.respond(&accept(&asked, json!({ "who": "asked" }))).await;
    stream.next().await.expect("an answer");
    assert_eq!(answered(&a)["result"]["content"], json!({ "who": "asked" }));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_its_target_takes_back_is_taken_back_on_the_stream_on_which_it_was_asked() {
    let ask = json!({ "jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": form("sure?") });
    let back =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "q" } });
    let act = Act::saying(
        [ask.to_string()],
        Act::after(9, Act::saying([back.to_string()], Act::after(1, Act::text("done")))),
    );
    let a = Target::legacy("a", &["x"]).on("tools/call", act);
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let mut stream = client.begin(json!("c"), "tools/call", call()).await;
    let asked = stream.next().await.expect("the question");
    let told = stream.next().await.expect("that it is taken back");
    assert_eq!(told["method"], "notifications/cancelled", "{told}");
    assert_eq!(told["params"]["requestId"], asked["id"]);
    assert_eq!(stream.next().await.expect("the answer")["id"], "c");
    assert_eq!(client.listen().heard().await, [""; 0], "and nowhere else");
}

#[tokio::test(start_paused = true)]
async fn a_question_on_a_stream_that_nobody_can_come_back_to_is_refused_at_once() {
    let a = Target::legacy("a", &["x"])
        .on("tools/call", Act::after(2, Act::Ask("elicitation/create", form("sure?"))));
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let posting = client.begin(json!("c"), "tools/call", call());
    assert!(tokio::time::timeout(Duration::from_millis(500), posting).await.is_err(), "the client hangs up");
    seconds(5).await;
    assert_eq!(answered(&a)["result"], json!({ "action": "cancel" }));
}

#[tokio::test(start_paused = true)]
async fn a_client_hears_that_what_it_was_asked_to_do_at_a_url_is_done() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let (client, _) = world.legacy_as("2025-11-25", everything()).await;
    let (older, _) = world.legacy_as("2025-06-18", everything()).await;
    let (mut hears, mut older_hears) = (client.listen(), older.listen());
    client.tool("x").await.ok();
    older.tool("x").await.ok();
    let done = json!({ "jsonrpc": "2.0", "method": "notifications/elicitation/complete", "params": { "elicitationId": "e" } });
    for call in a.heard_of("tools/call") {
        a.say_on(call.wire, &done.to_string());
    }
    let told = hears.next().await.expect("it is told");
    assert_eq!(told["method"], done["method"]);
    assert_eq!(told["params"]["elicitationId"], "a+e", "under the id that the client was given");
    assert_eq!(older_hears.heard().await, [""; 0], "which did not know of it");
}

// === The rounds of a modern target ===

fn needs(requests: Value) -> Act {
    Act::Result(json!({ "resultType": "input_required", "requestState": "s", "inputRequests": requests }))
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_between_two_rounds_is_not_made_again() {
    let a = Target::modern("a", &["x"])
        .on("tools/call", needs(json!({ "k": { "method": "elicitation/create", "params": form("sure?") } })));
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let mut stream = client.begin(json!("c"), "tools/call", call()).await;
    let asked = stream.asked().await.expect("a question");
    client.notify("notifications/cancelled", json!({ "requestId": "c" })).await;
    client.respond(&accept(&asked, json!({}))).await;
    settle().await;
    assert_eq!(a.count("tools/call"), 1);
    assert_eq!(stream.next().await.expect("it is taken back")["method"], "notifications/cancelled");
    assert!(stream.ended().await);
}

#[tokio::test(start_paused = true)]
async fn when_one_of_a_rounds_questions_is_refused_the_others_are_taken_back_and_the_call_ends() {
    let sampling =
        json!({ "method": "sampling/createMessage", "params": { "messages": [], "maxTokens": 1 } });
    let elicitation = json!({ "method": "elicitation/create", "params": form("sure?") });
    let a = Target::modern("a", &["x"]).on("tools/call", needs(json!({ "e": elicitation, "s": sampling })));
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let mut stream = client.begin(json!("c"), "tools/call", call()).await;
    let (one, two) = (stream.asked().await.expect("one"), stream.asked().await.expect("two"));
    let (open, refused) = match one["method"] == "elicitation/create" {
        true => (one, two),
        false => (two, one),
    };
    client
        .respond(&json!({ "jsonrpc": "2.0", "id": refused["id"], "error": { "code": -1, "message": "no" } }))
        .await;
    let told = stream.next().await.expect("the other is taken back");
    assert_eq!(
        (&told["method"], &told["params"]["requestId"]),
        (&json!("notifications/cancelled"), &open["id"])
    );
    assert_eq!(stream.next().await.expect("the end")["result"]["isError"], true);
}

#[tokio::test(start_paused = true)]
async fn a_round_that_asks_for_more_than_was_declared_asks_for_nothing() {
    let sampling =
        json!({ "method": "sampling/createMessage", "params": { "messages": [], "maxTokens": 1 } });
    let elicitation = json!({ "method": "elicitation/create", "params": form("sure?") });
    let a = Target::modern("a", &["x"]).on("tools/call", needs(json!({ "e": elicitation, "s": sampling })));
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(json!({ "elicitation": {} })).await;
    let (reply, asked) = client.converse("tools/call", call(), |_| json!({ "result": {} })).await;
    assert_eq!((reply.ok()["isError"].clone(), asked.len()), (json!(true), 0));
}

// === Progress ===

#[tokio::test(start_paused = true)]
async fn a_token_that_is_none_asks_for_no_progress_and_progress_that_is_no_number_is_dropped() {
    let say = |progress: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":$token,"progress":{progress}}}}}"#
        )
    };
    let steps = ["1.0", "\"7\"", "1", "1e3", "999", "1e400", "1000.5"].map(say);
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::saying(steps, Act::text("done")));
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let reply = client.tool_with("x", json!("t")).await;
    assert_eq!(reply.noted(), [r#"1.0@"t""#, r#"1000.0@"t""#, r#"1000.5@"t""#]);
    for token in [Value::Null, json!({}), json!(true), json!(1.5)] {
        let a_token = json!({ "name": "x", "arguments": {}, "_meta": { "progressToken": token } });
        let mut stream = client.begin(json!("c"), "tools/call", a_token).await;
        assert_eq!(stream.next().await.expect("an answer")["id"], "c", "{token}");
        assert!(a.last("tools/call")["_meta"].is_null(), "nor is the target asked for it");
    }
}

// === Clients that do not read ===

/// A connection of 2024-11-05, with its handshake done and nothing of it read.
async fn connect(world: &World) -> (String, Frames) {
    let (session, frames) = world.backend.open_sse(&Head::default()).expect("a connection");
    let shake = json!({ "jsonrpc": "2.0", "id": "i", "method": "initialize", "params": { "protocolVersion": "2024-11-05" } });
    assert!(matches!(world.backend.post_sse(named(&session), &bytes(&shake)), Outcome::Accepted));
    settle().await;
    (session, frames)
}

fn ping(id: u32) -> Bytes {
    bytes(&json!({ "jsonrpc": "2.0", "id": id, "method": "ping" }))
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_and_never_reads_its_one_stream_is_not_served_for_ever() {
    let world = World::start(&[&Target::legacy("a", &["x"])]).await;
    let (session, frames) = connect(&world).await;
    let mut taken = 0;
    for n in 0..2000 {
        match world.backend.post_sse(named(&session), &ping(n)) {
            Outcome::Accepted => taken += 1,
            Outcome::One(refusal) => assert!(refusal.error.is_some(), "HTTP has to show it"),
            Outcome::Stream(_) => panic!("no stream"),
        }
        tokio::task::yield_now().await;
    }
    assert!((200..=600).contains(&taken), "{taken}");
    // What was taken is answered once the client reads, and then it is served again.
    let mut hears = Listener::of(frames);
    for _ in 0..=taken {
        hears.next().await.expect("an answer");
    }
    assert!(matches!(world.backend.post_sse(named(&session), &ping(9999)), Outcome::Accepted));
    assert_eq!(hears.next().await.expect("an answer")["id"], 9999);
}

#[tokio::test(start_paused = true)]
async fn a_session_with_streams_of_its_own_is_no_connection_of_2024_11_05() {
    let world = World::start(&[&Target::legacy("a", &["x"])]).await;
    let client = world.legacy().await;
    let session = client.session.clone().expect("a session");
    let outcome = world.backend.post_sse(named(&session), &ping(1));
    assert!(matches!(outcome, Outcome::One(single) if single.error == Some(ErrorKind::UnknownSession)));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_holds_its_stream_open_and_never_reads_it_does_not_hold_its_call_for_ever() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":$n}}"#;
    let lines = (1..=2000).map(|n| progress.replace("$n", &n.to_string()));
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::saying(lines, Act::text("done")));
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let params = json!({ "name": "x", "arguments": {}, "_meta": { "progressToken": 1 } });
    let body = client.spell(&json!(1), "tools/call", params);
    let outcome = client.backend.post(client.session_head(), Bytes::from(body)).await;
    let Outcome::Stream(unread) = outcome else { panic!("a stream") };
    seconds(100).await;
    // The id is free again, because the call has ended.
    assert_eq!(client.call_as(json!(1), "ping", json!({})).await.expect("an answer").ok(), json!({}));
    let stalled: Vec<Bytes> = messages(unread).collect().await;
    assert!(stalled.is_empty(), "the stream has ended");
    let head = Head { last_event_id: Some("1-0".into()), ..client.session_head() };
    let told: Vec<Bytes> = messages(client.backend.stream(&head).expect("it is kept")).collect().await;
    let answer: Value = serde_json::from_slice(told.last().expect("an answer")).expect("JSON");
    assert_eq!(answer["result"]["content"][0]["text"], "done", "and can be taken up");
}

#[tokio::test(start_paused = true)]
async fn a_question_and_a_note_that_wait_for_the_same_room_both_get_it() {
    let log = |data: &str| json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "error", "data": data } });
    let large = log(&"x".repeat(1 << 20));
    let ask = json!({ "jsonrpc": "2.0", "id": "q", "method": "roots/list" });
    let small = Act::saying([log("small").to_string()], Act::Hang);
    let act = Act::saying([large.to_string(), ask.to_string()], Act::after(1, small));
    let a = Target::legacy("a", &["x"]).on("tools/call", act);
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let mut stream = client.begin(json!("c"), "tools/call", call()).await;
    seconds(2).await;
    let start = tokio::time::Instant::now();
    assert_eq!(stream.next().await.expect("the large note")["method"], "notifications/message");
    let mut rest = [stream.next().await.expect("one"), stream.next().await.expect("two")];
    rest.sort_by_key(|message| message["method"].to_string());
    assert_eq!(
        (&rest[0]["method"], &rest[1]["method"]),
        (&json!("notifications/message"), &json!("roots/list"))
    );
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_again_and_again_that_its_roots_changed_is_passed_on_when_its_targets_are_ready() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    client.tool("x").await.ok();
    for _ in 0..1000 {
        client.notify("notifications/roots/list_changed", json!({})).await;
    }
    settle().await;
    let told = a.count("notifications/roots/list_changed");
    assert!((1..=2).contains(&told), "{told}");
    client.notify("notifications/roots/list_changed", json!({})).await;
    settle().await;
    assert_eq!(a.count("notifications/roots/list_changed"), told + 1, "and each later change");
}

// === What is left behind ===

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_in_its_handshake_leaves_no_session() {
    let a = Target::legacy("a", &["x"]).be(|script| script.door = Door::Hung);
    let world = World::at_once(&[&a], |_| {});
    let shake = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2025-11-25" } });
    let posting = world.backend.post(Head::default(), bytes(&shake));
    assert!(tokio::time::timeout(Duration::from_secs(1), posting).await.is_err(), "the target is waited for");
    seconds(30).await;
    assert_eq!(world.backend.session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_post_of_2024_11_05_does_not_wait_for_the_handshake_that_it_begins() {
    let a = Target::legacy("a", &["x"]).be(|script| script.door = Door::Hung);
    let world = World::at_once(&[&a], |_| {});
    let (session, frames) = world.backend.open_sse(&Head::default()).expect("a connection");
    let shake = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "protocolVersion": "2024-11-05" } });
    assert!(matches!(world.backend.post_sse(named(&session), &bytes(&shake)), Outcome::Accepted), "at once");
    assert_eq!(Listener::of(frames).next().await.expect("an answer")["id"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_subscribes_to_no_more_than_it_may_at_a_legacy_target() {
    let a = Target::legacy("a", &["x"]).full("w");
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let subscribe =
        async |n: u32| client.call("resources/subscribe", json!({ "uri": format!("w://{n}") })).await;
    for n in 0..256 {
        subscribe(n).await.ok();
    }
    assert_eq!(subscribe(256).await.code(), -32602);
    assert_eq!(a.count("resources/subscribe"), 256, "the target is not asked");
    subscribe(7).await.ok();
    client.call("resources/unsubscribe", json!({ "uri": "w://7" })).await.ok();
    subscribe(256).await.ok();
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_session_ends_its_questions_rounds_and_subscriptions() {
    let a = asking().full("w");
    let b = Target::modern("b", &["x"])
        .full("v")
        .on("tools/call", needs(json!({ "k": { "method": "elicitation/create", "params": form("sure?") } })));
    let world = World::start(&[&a, &b]).await;
    let client = world.legacy_with(everything()).await;
    client.call("resources/subscribe", json!({ "uri": "a+file:///w" })).await.ok();
    client.call("resources/subscribe", json!({ "uri": "b+file:///v" })).await.ok();
    let tool = |name: &str| json!({ "name": name, "arguments": {} });
    let mut held = client.begin(json!("h"), "tools/call", tool("a_x")).await;
    let mut replayed = client.begin(json!("r"), "tools/call", tool("b_x")).await;
    held.asked().await.expect("a question");
    let asked = replayed.asked().await.expect("a question");
    client.end();
    assert!(held.over().await && replayed.over().await);
    seconds(10).await;
    assert_eq!((a.open(), world.backend.session_count(), b.listened().len()), (1, 0, 0));
    let late = client.backend.post(client.session_head(), bytes(&accept(&asked, json!({})))).await;
    assert!(matches!(late, Outcome::One(single) if single.error == Some(ErrorKind::UnknownSession)));
    assert_eq!(b.count("tools/call"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_outlives_a_reload_that_replaces_its_legacy_target() {
    let (old, new) = (Target::legacy("a", &["x"]).full("x"), Target::legacy("a", &["x"]).full("x"));
    let mut world = World::start(&[&old]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.ok();
    world.reconfigure(&[&new], |_| {});
    seconds(5).await;
    hears.heard().await;
    new.notify("notifications/resources/updated", json!({ "uri": "file:///x" }));
    assert_eq!(hears.heard().await, ["resources/updated file:///x"]);
}

// === Other ways in ===

#[tokio::test(start_paused = true)]
async fn the_calls_of_a_batch_are_asked_each_its_own_question_on_the_batchs_stream() {
    let sampling = json!({ "messages": [], "maxTokens": 1 });
    let ask = |tool: &str| {
        let mut params = sampling.clone();
        params["systemPrompt"] = json!(tool);
        Act::Ask("sampling/createMessage", params)
    };
    let a = Target::legacy("a", &["x"]).on("tools/call", ask("a"));
    let b = Target::legacy("b", &["x"]).on("tools/call", ask("b"));
    let world = World::start(&[&a, &b]).await;
    let (client, _) = world.legacy_as("2025-03-26", json!({ "sampling": {} })).await;
    let call = |tool: &str| json!({ "jsonrpc": "2.0", "id": tool, "method": "tools/call", "params": { "name": tool, "arguments": {} } });
    let batch = bytes(&json!([call("a_x"), call("b_x")]));
    let Outcome::Stream(frames) = client.backend.post(client.session_head(), batch).await else {
        panic!("a stream")
    };
    let mut stream = Listener::of(frames);
    let answers: Vec<Value> = [stream.asked().await.expect("one"), stream.asked().await.expect("two")]
        .iter()
        .map(|asked| json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "said": asked["params"]["systemPrompt"] } }))
        .collect();
    // Answers may come in a batch as well.
    let outcome = client.backend.post(client.session_head(), bytes(&json!(answers))).await;
    assert!(matches!(outcome, Outcome::Accepted));
    for _ in 0..2 {
        let answer = stream.next().await.expect("an answer");
        let said: Value =
            serde_json::from_str(answer["result"]["content"][0]["text"].as_str().expect("text"))
                .expect("JSON");
        let tool = answer["id"].as_str().expect("an id");
        assert_eq!(format!("{}_x", said["result"]["said"].as_str().expect("text")), tool);
    }
    assert!(stream.ended().await);
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_2024_11_05_is_asked_on_its_stream_and_answers_by_post() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Ask("roots/list", json!({})));
    let world = World::start(&[&a]).await;
    let (session, frames) = world.backend.open_sse(&Head::default()).expect("a connection");
    let mut hears = Listener::of(frames);
    let shake = json!({ "jsonrpc": "2.0", "id": "i", "method": "initialize",
                        "params": { "protocolVersion": "2024-11-05", "capabilities": { "roots": {} } } });
    world.backend.post_sse(named(&session), &bytes(&shake));
    hears.next().await.expect("the handshake");
    let over = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    world.backend.post_sse(named(&session), &bytes(&over));
    let call = json!({ "jsonrpc": "2.0", "id": "c", "method": "tools/call", "params": call() });
    world.backend.post_sse(named(&session), &bytes(&call));
    let asked = hears.asked().await.expect("a question");
    let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "roots": [] } });
    assert!(matches!(world.backend.post_sse(named(&session), &bytes(&answer)), Outcome::Accepted));
    assert_eq!(hears.next().await.expect("an answer")["id"], "c");
    assert_eq!(answered(&a)["result"], json!({ "roots": [] }));
    world.backend.post_sse(named(&session), &bytes(&call));
    hears.asked().await.expect("a question");
    drop(hears);
    seconds(10).await;
    assert_eq!((world.backend.session_count(), a.open()), (0, 1), "and it ends with its stream");
}

#[tokio::test(start_paused = true)]
async fn a_server_without_sessions_takes_batches_of_clients_that_may_send_them() {
    let a = Target::legacy("a", &["x"]);
    let world = World::with(&[&a], |settings| settings.stateless = true).await;
    let call = |id: u32| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": call() });
    let batch =
        bytes(&json!([call(1), call(2), { "jsonrpc": "2.0", "method": "notifications/initialized" }]));
    for version in [None, Some("2025-03-26")] {
        let head = Head { version: version.map(Into::into), ..Head::default() };
        let Outcome::Stream(frames) = world.backend.post(head, batch.clone()).await else {
            panic!("a stream")
        };
        let mut stream = Listener::of(frames);
        let (one, two) = (stream.next().await.expect("one"), stream.next().await.expect("two"));
        assert_eq!(one["id"].as_i64().zip(two["id"].as_i64()).map(|(one, two)| one + two), Some(3));
        assert!(stream.ended().await);
    }
    let head = Head { version: Some("2025-06-18".into()), ..Head::default() };
    let refused = world.backend.post(head, batch).await;
    assert!(matches!(refused, Outcome::One(single) if single.error == Some(ErrorKind::Malformed)));
}

#[tokio::test(start_paused = true)]
async fn ids_of_any_size_and_spelling_are_answered_and_cancelled_as_they_came() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Hang);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    for (n, id) in
        ["123456789012345678901234567890", "-7", "0", "\"123\"", "\"\\u00e9\\n\""].iter().enumerate()
    {
        let ping = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let outcome = client.backend.post(client.session_head(), Bytes::from(ping)).await;
        let Outcome::One(single) = outcome else { panic!("one answer") };
        let text = String::from_utf8(single.body.join().to_vec()).expect("UTF-8");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(answer["id"], serde_json::from_str::<Value>(id).expect("JSON"), "{text}");
        let call = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"x"}}}}"#);
        let Outcome::Stream(frames) = client.backend.post(client.session_head(), Bytes::from(call)).await
        else {
            panic!("a stream")
        };
        let cancel = format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#
        );
        client.backend.post(client.session_head(), Bytes::from(cancel)).await;
        assert!(Listener::of(frames).ended().await, "{id}");
        settle().await;
        assert_eq!(a.count("notifications/cancelled"), n + 1);
    }
}

// === Levels ===

#[tokio::test(start_paused = true)]
async fn a_level_that_was_raised_again_stays_raised_also_for_calls_that_began_before() {
    let a = Target::legacy("a", &["x", "y"]).full("w").on("tools/call y", Act::after(3, Act::text("done")));
    let world = World::start(&[&a]).await;
    let (one, two) = (world.legacy().await, world.legacy().await);
    two.tool("x").await.ok();
    one.call("logging/setLevel", json!({ "level": "debug" })).await.ok();
    one.tool("x").await.ok();
    one.call("logging/setLevel", json!({ "level": "error" })).await.ok();
    one.tool("x").await.ok();
    two.call("logging/setLevel", json!({ "level": "info" })).await.ok();
    let told = |client: usize| {
        let wires = a.heard_of("tools/call");
        let wire = wires[client].wire;
        let levels = a.heard_of("logging/setLevel").into_iter().filter(|heard| heard.wire == wire);
        levels
            .map(|heard| heard.message["params"]["level"].as_str().expect("text").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(told(0), ["info"]);
    assert_eq!(told(1), ["debug", "error"]);
}

// === Reloads ===

#[tokio::test(start_paused = true)]
async fn a_target_that_is_removed_while_it_asks_gets_its_answer_and_ends_its_call() {
    let (a, b) = (asking(), Target::legacy("b", &["x"]));
    let mut world = World::start(&[&a, &b]).await;
    let client = world.legacy_with(everything()).await;
    let params = json!({ "name": "a_x", "arguments": {} });
    let mut stream = client.begin(json!("c"), "tools/call", params).await;
    let asked = stream.asked().await.expect("a question");
    world.reconfigure(&[&b], |_| {});
    seconds(10).await;
    client.respond(&accept(&asked, json!({ "n": 1 }))).await;
    assert!(stream.next().await.expect("an answer")["result"].is_object());
    assert_eq!(answered(&a)["result"]["content"], json!({ "n": 1 }));
    seconds(3).await;
    assert_eq!(a.open(), 0, "then nothing of the target is left");
    assert_eq!(client.tool("b_x").await.code(), -32602, "names carry no target any more");
    assert_eq!(client.tool("x").await.said(), "b:x");
}

#[tokio::test(start_paused = true)]
async fn a_modern_target_that_is_replaced_between_two_rounds_is_asked_at_the_new_one() {
    let rounds = || {
        Act::with(|request| match request["params"]["inputResponses"].is_null() {
            true => needs(json!({ "k": { "method": "elicitation/create", "params": form("sure?") } })),
            false => Act::text(&request["params"]["requestState"].to_string()),
        })
    };
    let old = Target::modern("a", &["x"]).on("tools/call", rounds());
    let new = Target::modern("a", &["x"]).on("tools/call", rounds());
    let mut world = World::start(&[&old]).await;
    let client = world.legacy_with(everything()).await;
    let mut stream = client.begin(json!("c"), "tools/call", call()).await;
    let asked = stream.asked().await.expect("a question");
    world.reconfigure(&[&new], |_| {});
    seconds(3).await;
    client.respond(&accept(&asked, json!({}))).await;
    assert_eq!(stream.next().await.expect("an answer")["result"]["content"][0]["text"], "\"s\"");
    assert_eq!((old.count("tools/call"), new.count("tools/call")), (1, 1));
}

// === A gateway that fails ===

/// A target whose connection panics when a tool is called.
struct Panicking(Target);

struct PanickingWire(Box<dyn Wire>);

impl Connect for Panicking {
    fn connect(&self, inbox: Inbox) -> BoxFuture<'_, Result<Box<dyn Wire>, Error>> {
        async move { Ok(Box::new(PanickingWire(self.0.connect(inbox).await?)) as Box<dyn Wire>) }.boxed()
    }
}

impl Wire for PanickingWire {
    fn request(&self, out: Outgoing) -> BoxFuture<'_, Result<wire::Frames, Error>> {
        let is_call = memchr::memmem::find(&out.body, b"tools/call").is_some();
        assert!(!is_call, "a bug, as far as this test goes");
        self.0.request(out)
    }

    fn send(&self, out: Outgoing) -> BoxFuture<'_, Result<(), Error>> {
        self.0.send(out)
    }

    fn closed(&self) -> BoxFuture<'_, Error> {
        self.0.closed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_in_the_gateway_itself_is_answered() {
    let a = Target::legacy("a", &["x"]);
    let world = World::with(&[&a], |settings| {
        settings.targets[0].transport = Transport::Custom(Custom(Arc::new(Panicking(a.clone()))));
    })
    .await;
    let client = world.legacy().await;
    assert_eq!(client.tool("x").await.code(), -32603);
    assert_eq!(client.call_as(json!(1), "ping", json!({})).await.expect("an answer").ok(), json!({}));
    let (session, frames) = connect(&world).await;
    let call = json!({ "jsonrpc": "2.0", "id": "c", "method": "tools/call", "params": call() });
    world.backend.post_sse(named(&session), &bytes(&call));
    let mut hears = Listener::of(frames);
    assert_eq!(hears.next().await.expect("the handshake")["id"], "i");
    assert_eq!(hears.next().await.expect("an answer")["error"]["code"], -32603);
}
