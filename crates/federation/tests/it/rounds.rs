//! Rounds of one call that do not go as planned: odd retries, targets that ask too much or too late, clients that leave.

use bytes::Bytes;
use federation::{Head, Outcome};
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::client::{Client, Reply, World, messages, seconds, settle};
use crate::target::{Act, Target};

const ELICIT: &str = "elicitation/create";

fn form() -> Value {
    json!({ "message": "Name?", "requestedSchema": { "type": "object", "properties": {} } })
}

/// A request of a target.
fn request(id: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": ELICIT, "params": form() }).to_string()
}

/// A target takes a request back.
fn withdrawal(id: &str) -> String {
    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } })
        .to_string()
}

fn progress(n: u64) -> String {
    let params = format!(r#"{{"progressToken":$token,"progress":{n}}}"#);
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{params}}}"#)
}

/// A legacy target whose tool `x` does this.
fn legacy(act: Act) -> Target {
    Target::legacy("a", &["x"]).on("tools/call", act)
}

/// A client that can be asked to fill in forms and to open URLs.
fn able(world: &World) -> Client {
    let mut client = world.modern();
    client.capabilities = json!({ "elicitation": { "form": {}, "url": {} } });
    client
}

fn plain() -> Value {
    json!({ "name": "x", "arguments": {} })
}

/// The params of the next round: those of the call, an answer to every question, and the state.
fn next_round(mut params: Value, asked: &Value, answer: &Value) -> Value {
    let keys = asked["inputRequests"].as_object().cloned().unwrap_or_default();
    params["inputResponses"] = keys.keys().map(|key| (key.clone(), answer.clone())).collect();
    params["requestState"] = asked["requestState"].clone();
    params
}

fn accept() -> Value {
    json!({ "action": "accept", "content": {} })
}

async fn asked(client: &Client) -> Value {
    let result = client.call("tools/call", plain()).await.ok();
    assert_eq!(result["resultType"], "input_required", "{result}");
    result
}

async fn retry(client: &Client, asked: &Value) -> Reply {
    client.call("tools/call", next_round(plain(), asked, &accept())).await
}

/// How many questions a result asks.
fn questions(asked: &Value) -> usize {
    asked["inputRequests"].as_object().map_or(0, serde_json::Map::len)
}

// === Odd retries ===

#[tokio::test(start_paused = true)]
async fn a_retry_is_held_to_the_headers_that_mirror_its_arguments() {
    let schema = json!({ "type": "object", "properties": { "region": { "type": "string", "x-mcp-header": "Region" } } });
    let a = legacy(Act::Ask(ELICIT, form()))
        .be(|script| script.tools = vec![json!({ "name": "x", "inputSchema": schema })]);
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let call = async |params: Value, region: Option<&str>| {
        let mut head = client.head("tools/call", &params);
        head.params =
            region.map(|region| ("mcp-param-region".to_owned(), region.to_owned())).into_iter().collect();
        let body = client.spell(&json!(7), "tools/call", params);
        client.exchange(head, &json!(7), "tools/call", body).await.expect("an answer")
    };
    let params = json!({ "name": "x", "arguments": { "region": "eu" } });
    let asked = call(params.clone(), Some("eu")).await.ok();
    let retry = next_round(params, &asked, &accept());
    for wrong in [None, Some("us")] {
        assert_eq!(call(retry.clone(), wrong).await.code(), -32020, "{wrong:?}");
    }
    call(retry, Some("eu")).await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_on_whose_tool_is_offered_no_longer() {
    let a = legacy(Act::Ask(ELICIT, form()));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let asked = asked(&client).await;
    a.offer(&["y"]);
    settle().await;
    assert_eq!(client.tools().await, ["y"]);
    retry(&client, &asked).await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_retry_may_bring_more_answers_than_there_are_questions() {
    let a = legacy(Act::Ask(ELICIT, form()));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let asked = asked(&client).await;
    let mut params = next_round(plain(), &asked, &accept());
    for n in 0..10_000 {
        params["inputResponses"][format!("other-{n}")] = json!([n]);
    }
    let body = client.spell(&json!(1), "tools/call", params.clone());
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let body = body.replace(r#""other-1":[1]"#, &format!(r#""other-1":{deep}"#));
    let reply = client.exchange(client.head("tools/call", &params), &json!(1), "tools/call", body).await;
    let told: Value = serde_json::from_str(&reply.expect("an answer").said()).expect("JSON");
    assert_eq!(told["result"], accept());
}

#[tokio::test(start_paused = true)]
async fn a_retry_with_answers_of_the_wrong_type_leaves_the_call_for_the_right_one() {
    let a = legacy(Act::Ask(ELICIT, form()));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let asked = asked(&client).await;
    for wrong in
        [json!(null), json!([]), json!("yes"), json!({ "ask-1": null }), json!({ "ask-1": { "result": {} } })]
    {
        let mut params = next_round(plain(), &asked, &accept());
        params["inputResponses"] = wrong.clone();
        assert_eq!(client.call("tools/call", params).await.code(), -32602, "{wrong}");
    }
    retry(&client, &asked).await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_state_that_is_cut_or_far_too_long_is_refused_and_the_call_waits() {
    let a = legacy(Act::Ask(ELICIT, form()));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let asked = asked(&client).await;
    let state = asked["requestState"].as_str().expect("a state");
    for wrong in [&state[1..], &state[..state.len() - 1], "", &state.repeat(10_000), "é", " "] {
        let mut params = next_round(plain(), &asked, &accept());
        params["requestState"] = json!(wrong);
        assert_eq!(client.call("tools/call", params).await.code(), -32602);
    }
    assert_eq!(a.count("tools/call"), 1);
    retry(&client, &asked).await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_declares_less_is_not_asked_what_it_no_longer_can_answer() {
    let lines = [request("q1"), request("q2")];
    let a = legacy(Act::saying(lines, Act::after(1, Act::text("done"))));
    let world = World::start(&[&a]).await;
    let mut client = able(&world);
    let asked = asked(&client).await;
    client.capabilities = json!({});
    let params = json!({ "name": "x", "arguments": {}, "requestState": asked["requestState"] });
    assert_eq!(client.call("tools/call", params).await.said(), "done");
}

// === Races ===

#[tokio::test(start_paused = true)]
async fn of_two_retries_at_once_one_is_served_and_the_other_refused() {
    let a = legacy(Act::Ask(ELICIT, form()));
    let world = World::start(&[&a]).await;
    let (one, two) = (able(&world), able(&world));
    let asked = asked(&one).await;
    let (first, second) = tokio::join!(retry(&one, &asked), retry(&two, &asked));
    let (served, refused) = if first.outcome.is_ok() { (first, second) } else { (second, first) };
    served.ok();
    assert_eq!(refused.code(), -32602);
    let answers = a.heard().into_iter().filter(|heard| heard.message.get("method").is_none()).count();
    assert_eq!(answers, 1, "the target is answered once");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_during_a_round_cancels_the_call() {
    let a = legacy(Act::saying([request("q")], Act::Hang));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    for polls in [1, 2, 3, 5, 100] {
        let asked = asked(&client).await;
        let before = a.count("notifications/cancelled");
        let params = next_round(plain(), &asked, &accept());
        let body = client.spell(&json!(1), "tools/call", params.clone());
        let mut round = Box::pin(world.backend.post(client.head("tools/call", &params), body.into()));
        for _ in 0..polls {
            assert!(futures::poll!(&mut round).is_pending());
            tokio::task::yield_now().await;
        }
        drop(round);
        settle().await;
        assert_eq!(a.count("notifications/cancelled"), before + 1, "after {polls} looks");
        assert_eq!(retry(&client, &asked).await.code(), -32602, "after {polls} looks");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_while_its_call_is_about_to_be_parked_cancels_it() {
    let a = legacy(Act::saying([request("q")], Act::Hang));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let body = client.spell(&json!(1), "tools/call", plain());
    let round = world.backend.post(client.head("tools/call", &plain()), body.into());
    assert!(tokio::time::timeout(std::time::Duration::from_millis(10), round).await.is_err());
    settle().await;
    assert_eq!(a.count("notifications/cancelled"), 1);
}

// === Targets that ask strangely ===

#[tokio::test(start_paused = true)]
async fn a_target_that_never_stops_talking_still_gets_its_question_asked() {
    let lines = std::iter::once(request("q")).chain((1..5000).map(progress));
    let a = legacy(Act::saying(lines, Act::Hang));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let mut params = plain();
    params["_meta"] = json!({ "progressToken": 1 });
    let body = client.spell(&json!(1), "tools/call", params.clone());
    let outcome = world.backend.post(client.head("tools/call", &params), body.into()).await;
    let Outcome::Stream(frames) = outcome else { panic!("a stream") };
    let mut frames = messages(frames).boxed();
    let mut notes = 0;
    while let Some(frame) = frames.next().await {
        let message: Value = serde_json::from_slice(&frame).expect("JSON");
        if message.get("id").is_some() {
            assert_eq!(questions(&message["result"]), 1, "{message}");
            break;
        }
        notes += 1;
        // A client that is slower than the target, so that there is always something to tell.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(notes < 20, "{notes} notes before the question");
}

#[tokio::test(start_paused = true)]
async fn a_question_is_asked_however_much_its_client_has_not_read() {
    let lines = (1..2000).map(progress).chain([request("q")]);
    let a = legacy(Act::saying(lines, Act::Hang));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let mut params = plain();
    params["_meta"] = json!({ "progressToken": 1 });
    let body = client.spell(&json!(1), "tools/call", params.clone());
    let outcome = world.backend.post(client.head("tools/call", &params), body.into()).await;
    let Outcome::Stream(frames) = outcome else { panic!("a stream") };
    seconds(1).await;
    let last =
        tokio::time::timeout(std::time::Duration::from_secs(10), messages(frames).collect::<Vec<_>>()).await;
    let last =
        last.expect("the target waits for an answer, and nobody asks its question").pop().expect("a message");
    let message: Value = serde_json::from_slice(&last).expect("JSON");
    assert_eq!(questions(&message["result"]), 1, "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_asks_a_thousand_things_is_refused_most_and_goes_on() {
    let lines: Vec<_> = (0..1000).map(|n| request(&format!("q{n}"))).collect();
    let a = legacy(Act::saying(lines, Act::after(60, Act::text("done"))));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let asked = asked(&client).await;
    assert_eq!(questions(&asked), 64);
    assert_eq!(retry(&client, &asked).await.said(), "done");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_takes_everything_back_at_once_asks_nothing() {
    let lines = [request("q1"), request("q2"), withdrawal("q1"), withdrawal("q2")];
    let a = legacy(Act::saying(lines, Act::after(1, Act::text("done"))));
    let world = World::start(&[&a]).await;
    assert_eq!(able(&world).call("tools/call", plain()).await.said(), "done");
}

#[tokio::test(start_paused = true)]
async fn what_a_target_takes_back_while_its_client_thinks_needs_no_answer() {
    let back = Act::saying([withdrawal("q")], Act::after(1, Act::text("done")));
    let a = legacy(Act::saying([request("q")], Act::after(1, back)));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let first = asked(&client).await;
    seconds(10).await;
    assert_eq!(retry(&client, &first).await.said(), "done");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_answers_before_it_is_answered_is_believed() {
    let a = legacy(Act::saying([request("q")], Act::text("done")));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    assert_eq!(client.call("tools/call", plain()).await.said(), "done");
    a.act("tools/call", Act::saying([request("r")], Act::after(1, Act::text("done"))));
    let asked = asked(&client).await;
    seconds(2).await;
    assert_eq!(retry(&client, &asked).await.said(), "done");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_dies_while_its_client_thinks_fails_the_retry() {
    for act in [Act::Die, Act::after(1, Act::Die)] {
        let a = legacy(Act::saying([request("q")], act));
        let world = World::start(&[&a]).await;
        let client = able(&world);
        let reply = client.call("tools/call", plain()).await;
        let Ok(result) = &reply.outcome else { continue };
        seconds(2).await;
        assert_eq!(retry(&client, result).await.code(), -32603);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_target_asks_after_its_answer_reaches_nobody() {
    let a = legacy(Act::text("done"));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    assert_eq!(client.call("tools/call", plain()).await.said(), "done");
    a.say(&request("late"));
    settle().await;
    assert_eq!(client.call("tools/call", plain()).await.said(), "done");
    settle().await;
    let answers: Vec<_> =
        a.heard().into_iter().filter(|heard| heard.message.get("method").is_none()).collect();
    assert!(
        !answers.is_empty() && answers.iter().all(|answer| answer.message["result"]["action"] != "accept"),
        "{answers:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_call_of_a_url_that_must_be_opened_is_one_of_good_data_only() {
    for data in [
        json!(null),
        json!({}),
        json!({ "elicitations": [] }),
        json!({ "elicitations": {} }),
        json!({ "elicitations": [7, { "url": 7 }, {}] }),
        json!([1]),
    ] {
        let a = legacy(Act::Error(json!({ "code": -32042, "message": "open", "data": data })));
        let world = World::start(&[&a]).await;
        assert_eq!(able(&world).call("tools/call", plain()).await.code(), -32603, "{data}");
    }
    let a = legacy(Act::error(-32042, "open"));
    let world = World::start(&[&a]).await;
    assert_eq!(able(&world).call("tools/call", plain()).await.code(), -32603);
}

// === Modern targets ===

/// A modern target with everything.
fn modern(method: &str, result: Value) -> Target {
    Target::modern("a", &["x"]).full("x").on(method, Act::Result(result))
}

#[tokio::test(start_paused = true)]
async fn a_request_for_input_is_never_cacheable_whatever_the_target_says() {
    let result = json!({ "resultType": "input_required", "requestState": "s", "ttlMs": 60_000, "cacheScope": "public" });
    let world = World::start(&[&modern("resources/read", result)]).await;
    // That it carries no hints is checked with every answer.
    let asked = able(&world).call("resources/read", json!({ "uri": "file:///x" })).await.ok();
    assert_eq!(asked["requestState"], "s");
}

#[tokio::test(start_paused = true)]
async fn keys_and_states_of_a_modern_target_come_back_to_it_as_it_spelled_them() {
    let (key, state) = ("a\"b\\c\u{1}é/ ", "s\"\\\u{7f}\u{1}é");
    let result = json!({
        "resultType": "input_required", "requestState": state,
        "inputRequests": { key: { "method": ELICIT, "params": form() } },
    });
    let a = modern("tools/call", result);
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let asked = asked(&client).await;
    assert!(asked["inputRequests"][key].is_object(), "{asked}");
    a.act("tools/call", Act::text("done"));
    assert_eq!(retry(&client, &asked).await.said(), "done");
    assert_eq!(
        (&a.last("tools/call")["requestState"], &a.last("tools/call")["inputResponses"][key]),
        (&json!(state), &accept())
    );
}

#[tokio::test(start_paused = true)]
async fn a_modern_target_cannot_ask_where_nobody_can_be_asked() {
    let result = json!({ "resultType": "input_required", "requestState": "s" });
    let a = modern("completion/complete", result);
    let world = World::start(&[&a]).await;
    let params = json!({ "ref": { "type": "ref/prompt", "name": "x-prompt" }, "argument": { "name": "n", "value": "" } });
    assert_eq!(able(&world).call("completion/complete", params).await.code(), -32603);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_headers_is_never_the_next_round() {
    let a = legacy(Act::Ask(ELICIT, form()));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let asked = asked(&client).await;
    let params = next_round(plain(), &asked, &accept());
    let body = Bytes::from(client.spell(&json!(1), "tools/call", params.clone()));
    let right = client.head("tools/call", &params);
    for head in [
        Head { name: None, ..right.clone() },
        Head { name: Some("y".into()), ..right.clone() },
        Head { method: Some("prompts/get".into()), ..right },
    ] {
        let Outcome::One(single) = world.backend.post(head, body.clone()).await else { panic!("one answer") };
        let answer: Value = serde_json::from_slice(&single.body.join()).expect("JSON");
        assert_eq!(answer["error"]["code"], -32020);
    }
    retry(&client, &asked).await.ok();
}
