//! The streams of legacy clients: when there is one, what its events are called, and how it is taken up again after a
//! connection broke.

use std::time::Duration;

use bytes::Bytes;
use federation::{Frame, Frames, Head, Outcome, Single};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::client::{Client, Listener, World, messages, named, seconds, settle};
use crate::target::{Act, Target};

const PROGRESS: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":$n}}"#;

/// Reports these steps, one second before each, and answers one second after the last.
fn steps(numbers: impl IntoIterator<Item = u32>) -> Act {
    let numbers: Vec<u32> = numbers.into_iter().collect();
    let answer = Act::after(1, Act::text("done"));
    numbers
        .into_iter()
        .rev()
        .fold(answer, |then, n| Act::after(1, Act::saying([PROGRESS.replace("$n", &n.to_string())], then)))
}

/// A target whose tool `x` reports two steps and answers in the fourth second.
fn stepping() -> Target {
    Target::legacy("a", &["x"]).on("tools/call x", steps([1, 2]))
}

// === A client that sees events ===

/// A stream as its client sees it: each event as `id what`.
struct Events(BoxStream<'static, Frame>);

impl Events {
    async fn next(&mut self) -> Option<String> {
        let next = tokio::time::timeout(Duration::from_secs(120), self.0.next()).await;
        next.expect("an event or the end").map(|frame| spell(&frame))
    }

    async fn rest(mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(event) = self.next().await {
            all.push(event);
        }
        all
    }
}

fn spell(frame: &Frame) -> String {
    let id = frame.id.as_deref().unwrap_or("none");
    if frame.message.is_empty() {
        return format!("{id} opening");
    }
    let message: Value = serde_json::from_slice(&frame.message).expect("JSON");
    let what = match message["method"].as_str() {
        Some("notifications/progress") => format!("step {}", message["params"]["progress"]),
        Some(method) => method.to_owned(),
        None => format!("answer {}", message["id"]),
    };
    format!("{id} {what}")
}

async fn post(client: &Client, id: u32, tool: &str) -> Outcome {
    let params = json!({ "name": tool, "arguments": {}, "_meta": { "progressToken": id } });
    let body = client.spell(&json!(id), "tools/call", params);
    client.backend.post(client.session_head(), Bytes::from(body)).await
}

/// Calls a tool under an id, and expects to be answered with a stream.
async fn call(client: &Client, id: u32, tool: &str) -> Events {
    match post(client, id, tool).await {
        Outcome::Stream(frames) => events(frames),
        other => panic!("a stream: {other:?}"),
    }
}

fn events(frames: Frames) -> Events {
    Events(frames.into_stream())
}

fn resume(client: &Client, last: &str) -> Result<Events, Single> {
    let head = Head { last_event_id: Some(last.into()), ..client.session_head() };
    client.backend.stream(&head).map(events)
}

/// The code and text with which a resumption is refused.
fn refused(client: &Client, last: &str) -> (i64, String) {
    let Err(single) = resume(client, last) else { panic!("`{last}` must be refused") };
    assert!(single.error.is_some(), "HTTP has to show it");
    let answer: Value = serde_json::from_slice(&single.body.join()).expect("JSON");
    let error = &answer["error"];
    (error["code"].as_i64().expect("a code"), error["message"].as_str().expect("a text").to_owned())
}

// === When there is a stream ===

#[tokio::test(start_paused = true)]
async fn a_call_that_says_nothing_for_a_second_is_answered_with_a_stream_and_one_that_answers_first_is_not() {
    let a = Target::legacy("a", &["quick", "slow"])
        .on("tools/call quick", Act::After(Duration::from_millis(900), Box::new(Act::text("done"))))
        .on("tools/call slow", Act::after(60, Act::text("done")));
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    assert!(matches!(post(&client, 1, "quick").await, Outcome::One(single) if single.error.is_none()));
    let start = tokio::time::Instant::now();
    let slow = call(&client, 2, "slow").await;
    assert!((1..2).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(slow.rest().await, ["1-0 opening", "1-1 answer 2"]);
    assert!((60..62).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_stream_opens_with_an_event_without_a_message_in_sessions_of_2025_11_25_only() {
    let world = World::start(&[&stepping()]).await;
    for version in ["2025-03-26", "2025-06-18"] {
        let (client, _) = world.legacy_of(version).await;
        assert_eq!(call(&client, 7, "x").await.rest().await, ["1-1 step 1", "1-2 step 2", "1-3 answer 7"]);
    }
    let client = world.legacy().await;
    let told = call(&client, 7, "x").await.rest().await;
    assert_eq!(told, ["1-0 opening", "1-1 step 1", "1-2 step 2", "1-3 answer 7"]);
    let mut own = events(client.backend.stream(&client.session_head()).expect("a stream"));
    assert_eq!(own.next().await.as_deref(), Some("0-0 opening"));
}

#[tokio::test(start_paused = true)]
async fn streams_without_a_session_and_modern_ones_have_no_ids() {
    let a = stepping();
    let world = World::with(&[&a], |settings| settings.stateless = true).await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "x", "_meta": { "progressToken": 1 } } });
    let outcome = world.backend.post(Head::default(), Bytes::from(body.to_string())).await;
    let Outcome::Stream(frames) = outcome else { panic!("a stream") };
    assert_eq!(events(frames).rest().await, ["none step 1", "none step 2", "none answer 1"]);
    let modern = world.modern();
    let params = json!({ "name": "x", "arguments": {}, "_meta": { "progressToken": 1 } });
    let head = Head { last_event_id: Some("1-1".into()), ..modern.head("tools/call", &params) };
    let body = modern.spell(&json!(2), "tools/call", params);
    let Outcome::Stream(frames) = world.backend.post(head, Bytes::from(body)).await else {
        panic!("a stream")
    };
    assert_eq!(events(frames).rest().await, ["none step 1", "none step 2", "none answer 2"]);
}

// === Resuming the stream of a POST ===

#[tokio::test(start_paused = true)]
async fn a_call_whose_connection_broke_is_taken_up_and_answered_once() {
    let a = stepping();
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let mut broken = call(&client, 7, "x").await;
    assert_eq!(broken.next().await.as_deref(), Some("1-0 opening"));
    assert_eq!(broken.next().await.as_deref(), Some("1-1 step 1"));
    drop(broken);
    let rest = resume(&client, "1-1").expect("it can be resumed").rest().await;
    assert_eq!(rest, ["1-1 opening", "1-2 step 2", "1-3 answer 7"]);
    assert_eq!((a.count("tools/call"), a.count("notifications/cancelled")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ended_while_nobody_read_is_told_whole_from_the_place_where_it_broke() {
    let world = World::start(&[&stepping()]).await;
    let client = world.legacy().await;
    let mut broken = call(&client, 7, "x").await;
    assert_eq!(broken.next().await.as_deref(), Some("1-0 opening"));
    drop(broken);
    seconds(30).await;
    let rest = resume(&client, "1-0").expect("it is kept").rest().await;
    assert_eq!(rest, ["1-0 opening", "1-1 step 1", "1-2 step 2", "1-3 answer 7"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_ends_the_connection_that_it_lost() {
    let world = World::start(&[&stepping()]).await;
    let client = world.legacy().await;
    let mut lost = call(&client, 7, "x").await;
    assert_eq!(lost.next().await.as_deref(), Some("1-0 opening"));
    assert_eq!(lost.next().await.as_deref(), Some("1-1 step 1"));
    let resumed = resume(&client, "1-1").expect("it can be resumed");
    assert_eq!(lost.next().await, None, "without an answer, which the other one gets");
    assert_eq!(resumed.rest().await, ["1-1 opening", "1-2 step 2", "1-3 answer 7"]);
}

#[tokio::test(start_paused = true)]
async fn a_resumed_stream_may_break_and_be_resumed_again() {
    let world = World::start(&[&stepping()]).await;
    let (client, _) = world.legacy_of("2025-06-18").await;
    drop(call(&client, 7, "x").await);
    let mut told = Vec::new();
    let mut last = "1-0".to_owned();
    for _ in 0..3 {
        let event = resume(&client, &last).expect("it can be resumed").next().await.expect("an event");
        last = event.split(' ').next().expect("an id").to_owned();
        told.push(event);
    }
    assert_eq!(told, ["1-1 step 1", "1-2 step 2", "1-3 answer 7"]);
}

#[tokio::test(start_paused = true)]
async fn a_resumption_says_nothing_of_another_stream() {
    let a = stepping().on("tools/call y", steps([5])).be(|script| {
        script.tools.push(json!({ "name": "y", "inputSchema": { "type": "object" } }));
    });
    let world = World::start(&[&a]).await;
    let (client, _) = world.legacy_of("2025-06-18").await;
    let mut own = client.listen();
    let (mut one, two) = (call(&client, 1, "x").await, call(&client, 2, "y").await);
    assert_eq!(one.next().await.as_deref(), Some("1-1 step 1"));
    drop((one, two));
    seconds(10).await;
    a.offer(&["x", "y", "z"]);
    settle().await;
    assert_eq!(resume(&client, "2-0").expect("kept").rest().await, ["2-1 step 5", "2-2 answer 2"]);
    assert_eq!(resume(&client, "1-1").expect("kept").rest().await, ["1-2 step 2", "1-3 answer 1"]);
    assert_eq!(own.heard().await, ["tools/list_changed"], "and its own stream has nothing of them");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_resumed_is_refused_with_words() {
    let world = World::start(&[&stepping()]).await;
    let (client, other) = (world.legacy().await, world.legacy().await);
    drop(call(&client, 7, "x").await);
    seconds(10).await;
    for last in ["2-0", "1-9", "nonsense", "99999999999999999999-0"] {
        let (code, text) = refused(&client, last);
        assert!(code == -32600 && text.contains(last) && text.contains("cannot be resumed"), "{text}");
    }
    refused(&other, "1-0");
    resume(&client, "1-0").expect("and this can").rest().await;
    refused(&client, "1-3");
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_forgotten_a_minute_after_its_call_ended_and_soon_if_it_was_read() {
    let world = World::start(&[&stepping()]).await;
    let client = world.legacy().await;
    drop(call(&client, 1, "x").await);
    call(&client, 2, "x").await.rest().await;
    seconds(40).await;
    refused(&client, "2-0");
    seconds(60).await;
    refused(&client, "1-0");
}

#[tokio::test(start_paused = true)]
async fn of_many_notes_that_nobody_read_the_newest_are_kept_and_the_answer() {
    let lines = (1..=1000).map(|n| PROGRESS.replace("$n", &n.to_string()));
    let act = Act::after(6, Act::saying(lines, Act::text("done")));
    let world = World::start(&[&Target::legacy("a", &["x"]).on("tools/call x", act)]).await;
    let (client, _) = world.legacy_of("2025-06-18").await;
    drop(call(&client, 7, "x").await);
    seconds(10).await;
    let told = resume(&client, "1-0").expect("kept").rest().await;
    assert!((100..=300).contains(&told.len()), "{}", told.len());
    assert_eq!(told[told.len() - 2..], ["1-1000 step 1000", "1-1001 answer 7"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_loses_nothing() {
    // More than the stream has room for, and no more than the target's link holds back for a slow client.
    let lines = (1..=400).map(|n| PROGRESS.replace("$n", &n.to_string()));
    let world = World::start(&[
        &Target::legacy("a", &["x"]).on("tools/call x", Act::saying(lines, Act::text("done")))
    ])
    .await;
    let (client, _) = world.legacy_of("2025-06-18").await;
    let mut stream = call(&client, 7, "x").await;
    for n in 1..=400 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(stream.next().await, Some(format!("1-{n} step {n}")));
    }
    assert_eq!(stream.rest().await, ["1-401 answer 7"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_ends_its_stream_and_leaves_nothing_to_resume() {
    let a = Target::legacy("a", &["x"]).on("tools/call x", Act::Hang);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let stream = call(&client, 7, "x").await;
    client.notify("notifications/cancelled", json!({ "requestId": 7 })).await;
    assert_eq!(stream.rest().await, ["1-0 opening"]);
    refused(&client, "1-0");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_session_ends_its_streams_and_the_calls_that_nobody_reads() {
    let a = Target::legacy("a", &["x"]).on("tools/call x", Act::Hang);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let (read, unread) = (call(&client, 1, "x").await, call(&client, 2, "x").await);
    let resumed = resume(&client, "1-0").expect("it runs");
    drop(unread);
    client.end();
    assert_eq!(
        (read.rest().await, resumed.rest().await),
        (vec!["1-0 opening".to_owned()], vec!["1-0 opening".to_owned(), "1-1 answer 1".to_owned()]),
        "who reads it last hears how the call ended"
    );
    seconds(3).await;
    assert_eq!((a.open(), world.backend.session_count()), (1, 0));
    assert!(resume(&client, "1-0").is_err());
}

// === The session's own stream ===

#[tokio::test(start_paused = true)]
async fn the_sessions_own_stream_is_resumed_where_it_broke_and_else_begins_with_what_is_there() {
    let a = Target::legacy("a", &["x"]).full("w");
    let world = World::start(&[&a]).await;
    let (client, _) = world.legacy_of("2025-06-18").await;
    client.tool("x").await.ok();
    let log = |data: &str| {
        json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "error", "data": data } })
            .to_string()
    };
    let mut own = events(client.backend.stream(&client.session_head()).expect("a stream"));
    for data in ["one", "two", "three"] {
        a.say(&log(data));
        settle().await;
    }
    let next = |n: u32| Some(format!("0-{n} notifications/message"));
    assert_eq!((own.next().await, own.next().await), (next(1), next(2)));
    drop(own);
    let mut own = resume(&client, "0-1").expect("always");
    assert_eq!((own.next().await, own.next().await), (next(2), next(3)));
    a.say(&log("four"));
    settle().await;
    drop(own);
    let mut own = resume(&client, "0-77").expect("always");
    assert_eq!(own.next().await, next(4), "an id that was never said: what nobody has read");
}

#[tokio::test(start_paused = true)]
async fn the_sessions_own_stream_ends_when_the_way_out_closes_and_that_of_a_call_does_not() {
    let world = World::start(&[&stepping()]).await;
    let client = world.legacy().await;
    let closing = CancellationToken::new();
    let head = Head { closing: closing.clone(), ..client.session_head() };
    let mut own = Listener::of(client.backend.stream(&head).expect("a stream"));
    drop(call(&client, 7, "x").await);
    let head = Head { last_event_id: Some("1-0".into()), ..head };
    let resumed = events(client.backend.stream(&head).expect("it can be resumed"));
    closing.cancel();
    assert!(own.ended().await);
    assert_eq!(resumed.rest().await.last().expect("an event"), "1-3 answer 7");
}

// === Batches, and the transport of 2024-11-05 ===

#[tokio::test(start_paused = true)]
async fn a_batch_is_one_stream_that_can_be_resumed() {
    let world = World::start(&[&stepping()]).await;
    let (client, _) = world.legacy_of("2025-03-26").await;
    let call = |id: u32| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "x", "_meta": { "progressToken": id } } });
    let batch = json!([call(1), call(2), { "jsonrpc": "2.0", "id": 9, "result": {} }]).to_string();
    let outcome = client.backend.post(client.session_head(), Bytes::from(batch)).await;
    let Outcome::Stream(frames) = outcome else { panic!("a stream") };
    let mut broken = events(frames);
    let mut told = vec![broken.next().await.expect("an event")];
    drop(broken);
    seconds(10).await;
    told.extend(resume(&client, "1-1").expect("kept").rest().await);
    let what = |event: &String| event.split_once(' ').expect("an id").1.to_owned();
    assert_eq!(
        told.iter().map(|event| event.split(' ').next().expect("an id")).collect::<Vec<_>>(),
        ["1-1", "1-2", "1-3", "1-4", "1-5", "1-6"]
    );
    let mut told: Vec<String> = told.iter().map(what).collect();
    told.sort();
    assert_eq!(told, ["answer 1", "answer 2", "step 1", "step 1", "step 2", "step 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_2024_11_05_has_no_ids() {
    let world = World::start(&[&stepping()]).await;
    let (session, frames) = world.backend.open_sse(&Head::default()).expect("a connection");
    let mut hears = events(frames);
    let ping = Bytes::from_static(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    world.backend.post_sse(named(&session), &ping);
    assert_eq!(hears.next().await.as_deref(), Some("none answer 1"));
    let shake = r#"{"jsonrpc":"2.0","id":2,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#;
    world.backend.post_sse(named(&session), &Bytes::from(shake));
    assert_eq!(hears.next().await.as_deref(), Some("none answer 2"));
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_2024_11_05_ends_when_the_way_out_closes_and_what_was_begun_is_answered() {
    let world = World::start(&[&stepping()]).await;
    let (busy, idle, sudden) = (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
    for (closing, calls) in [(busy, 2), (idle, 0), (sudden, 1)] {
        let (session, frames) = world
            .backend
            .open_sse(&Head { closing: closing.clone(), ..Head::default() })
            .expect("a connection");
        let mut hears = events(frames);
        let post = async |id: u32, method: &str, params: Value| {
            let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
            world.backend.post_sse(named(&session), &Bytes::from(body.to_string()))
        };
        post(1, "initialize", json!({ "protocolVersion": "2024-11-05" })).await;
        assert_eq!(hears.next().await.as_deref(), Some("none answer 1"));
        for id in 0..calls {
            post(7 + id, "tools/call", json!({ "name": "x" })).await;
        }
        closing.cancel();
        let mut told = hears.rest().await;
        told.sort();
        let answers = ["none answer 7", "none answer 8"];
        assert_eq!(told, answers[..usize::try_from(calls).expect("a few")], "{calls} calls");
    }
    assert_eq!(world.backend.session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_answer_and_no_step_of_a_call_comes_on_the_sessions_own_stream() {
    let world = World::start(&[&stepping()]).await;
    let client = world.legacy().await;
    let own = client.backend.stream(&client.session_head()).expect("a stream");
    drop(call(&client, 7, "x").await);
    seconds(10).await;
    let mut own = Box::pin(messages(own));
    assert!(tokio::time::timeout(Duration::from_secs(5), own.next()).await.is_err());
}
