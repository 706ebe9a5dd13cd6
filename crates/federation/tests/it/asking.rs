//! What a target asks in the middle of a call reaches the client that made it, and the answer goes back. Legacy clients;
//! modern ones are in `parking`.

use serde_json::{Value, json};

use crate::client::{Client, Listener, World, seconds, settle};
use crate::target::{Act, Target};

fn everything() -> Value {
    json!({ "roots": { "listChanged": true }, "sampling": {}, "elicitation": { "form": {}, "url": {} } })
}

fn form(message: &str) -> Value {
    json!({ "message": message, "requestedSchema": { "type": "object", "properties": {} } })
}

fn accept(content: Value) -> Value {
    json!({ "result": { "action": "accept", "content": content } })
}

/// The response of the client that a scripted legacy target got, which it gives back as text.
fn heard(reply: crate::client::Reply) -> Value {
    serde_json::from_str(&reply.said()).expect("JSON")
}

// === A legacy target ===

#[tokio::test(start_paused = true)]
async fn each_kind_of_question_reaches_a_legacy_client_and_its_answer_the_target() {
    let sampling = json!({ "messages": [{ "role": "user", "content": { "type": "text", "text": "hi" } }], "maxTokens": 9 });
    let a = Target::legacy("a", &["ask", "elicit", "roots"])
        .on("tools/call ask", Act::Ask("sampling/createMessage", sampling.clone()))
        .on("tools/call elicit", Act::Ask("elicitation/create", form("sure?")))
        .on("tools/call roots", Act::Ask("roots/list", json!({})));
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let answers = [
        (
            "ask",
            json!({ "result": { "role": "assistant", "content": { "type": "text", "text": "ho" }, "model": "m" } }),
        ),
        ("elicit", accept(json!({ "x": 1 }))),
        ("roots", json!({ "result": { "roots": [{ "uri": "file:///r" }] } })),
    ];
    for (tool, answer) in answers {
        let params = json!({ "name": tool, "arguments": {} });
        let (reply, asked) = client.converse("tools/call", params, |_| answer.clone()).await;
        assert_eq!(heard(reply)["result"], answer["result"], "{tool}");
        assert_eq!(asked.len(), 1, "{tool}");
        if tool == "ask" {
            assert_eq!(asked[0]["params"]["messages"], sampling["messages"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_names_the_target_that_asks() {
    let ask = Act::Ask("elicitation/create", form("sure?"));
    let a = Target::legacy("a", &["x"]).on("tools/call", ask.clone());
    let b = Target::legacy("b", &["x"]).on("tools/call", ask);
    let world = World::start(&[&a, &b]).await;
    let client = world.legacy_with(everything()).await;
    for target in ["a", "b"] {
        let params = json!({ "name": format!("{target}_x"), "arguments": {} });
        let (_, asked) = client.converse("tools/call", params, |_| accept(json!({}))).await;
        assert_eq!(asked[0]["params"]["message"], format!("{target}: sure?"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_clients_refusal_is_what_the_target_hears() {
    let a = Target::legacy("a", &["x"])
        .on("tools/call", Act::Ask("sampling/createMessage", json!({ "messages": [], "maxTokens": 1 })));
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let refuse = |_: &Value| json!({ "error": { "code": -1, "message": "User rejected sampling request" } });
    let (reply, _) = client.converse("tools/call", json!({ "name": "x", "arguments": {} }), refuse).await;
    assert_eq!(heard(reply)["error"], json!({ "code": -1, "message": "User rejected sampling request" }));
}

#[tokio::test(start_paused = true)]
async fn targets_are_told_what_the_client_declared_and_no_more() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let declared = json!({ "roots": { "listChanged": true }, "elicitation": { "form": {} }, "tasks": { "list": {} },
                           "extensions": { "com.example/unknown": {} } });
    world.legacy_with(declared).await.tool("x").await.ok();
    let told = a.last("initialize")["capabilities"].clone();
    assert_eq!(told["roots"], json!({ "listChanged": true }));
    assert_eq!(told["elicitation"], json!({ "form": {} }));
    assert!(told.get("sampling").is_none() && told.get("tasks").is_none(), "{told}");
    assert!(told["extensions"].get("com.example/unknown").is_none(), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_client_of_2025_03_26_is_never_elicited() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Ask("elicitation/create", form("sure?")));
    let world = World::start(&[&a]).await;
    let client = world.legacy_as("2025-03-26", everything()).await.0;
    let (reply, asked) =
        client.converse("tools/call", json!({ "name": "x", "arguments": {} }), |_| accept(json!({}))).await;
    assert_eq!(heard(reply)["error"]["code"], -32602);
    assert!(asked.is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_clients_that_are_asked_at_once_get_each_its_own_question() {
    let ask = Act::with(|request| {
        let n = request["params"]["arguments"]["n"].clone();
        Act::after(1, Act::Ask("elicitation/create", form(&n.to_string())))
    });
    let a = Target::legacy("a", &["x"]).on("tools/call", ask);
    let world = World::start(&[&a]).await;
    let (one, two) = (world.legacy_with(everything()).await, world.legacy_with(everything()).await);
    let ask = |n: u32| json!({ "name": "x", "arguments": { "n": n } });
    let echo = |asked: &Value| accept(asked["params"]["message"].clone());
    for n in 0..50 {
        let ((first, asked), (second, asked_too)) = tokio::join!(
            one.converse("tools/call", ask(2 * n), echo),
            two.converse("tools/call", ask(2 * n + 1), echo)
        );
        assert_eq!((asked.len(), asked_too.len()), (1, 1));
        assert_eq!(heard(first)["result"]["content"], format!("a: {}", 2 * n));
        assert_eq!(heard(second)["result"]["content"], format!("a: {}", 2 * n + 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_outside_of_calls_comes_on_the_sessions_stream() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let mut stream = client.listen();
    client.tool("x").await.ok();
    let wire = a.heard_of("tools/call")[0].wire;
    a.say_on(wire, &json!({ "jsonrpc": "2.0", "id": "r", "method": "roots/list" }).to_string());
    let asked = stream.asked().await.expect("a question");
    assert_eq!(asked["method"], "roots/list");
    client.respond(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "roots": [] } })).await;
    settle().await;
    let answer = a.heard().into_iter().find(|heard| heard.message["id"] == "r").expect("an answer");
    assert_eq!((answer.wire, &answer.message["result"]), (wire, &json!({ "roots": [] })));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_can_hear_is_refused() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    client.tool("x").await.ok();
    let wire = a.heard_of("tools/call")[0].wire;
    a.say_on(wire, &json!({ "jsonrpc": "2.0", "id": "r", "method": "roots/list" }).to_string());
    settle().await;
    let answer = a.heard().into_iter().find(|heard| heard.message["id"] == "r").expect("an answer");
    assert_eq!(answer.message["error"]["code"], -32603);
}

/// Two calls of one session to one target: `long`, which waits for the answer to a question and so lets `short` pass. Then
/// the target asks something else, which may be about either, and which is heard on the stream of the latest.
async fn asked_about_either(client: &Client, a: &Target) -> (Listener, Listener, Value) {
    let first = json!({ "jsonrpc": "2.0", "id": "first", "method": "roots/list" });
    a.act("tools/call long", Act::saying([first.to_string()], Act::after(60, Act::text("long"))));
    a.act("tools/call short", Act::after(20, Act::text("short")));
    let call = |name: &str| json!({ "name": name, "arguments": {} });
    let mut long = client.begin(json!("long"), "tools/call", call("long")).await;
    long.asked().await.expect("the first question");
    let asks = async {
        settle().await;
        let either = json!({ "jsonrpc": "2.0", "id": "either", "method": "roots/list" });
        a.say_on(a.heard_of("tools/call")[0].wire, &either.to_string());
    };
    let (mut short, ()) = tokio::join!(client.begin(json!("short"), "tools/call", call("short")), asks);
    let asked = short.asked().await.expect("the second question");
    (long, short, asked["id"].clone())
}

/// What a target got as the response to its request `either`.
fn answered_either(a: &Target) -> Value {
    let answer = a.heard().into_iter().find(|heard| heard.message["id"] == "either");
    answer.map(|heard| heard.message).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_question_outlives_the_call_on_whose_stream_it_happened_to_be_asked() {
    let a = Target::legacy("a", &["long", "short"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let (mut long, mut short, asked) = asked_about_either(&client, &a).await;
    assert_eq!(short.next().await.expect("an answer")["id"], "short");
    assert!(short.ended().await);
    client.respond(&json!({ "jsonrpc": "2.0", "id": asked, "result": { "roots": [] } })).await;
    settle().await;
    assert_eq!(answered_either(&a)["result"], json!({ "roots": [] }));
    assert_eq!(
        long.next().await.expect("news")["method"],
        "notifications/cancelled",
        "its own question is over"
    );
    assert_eq!(long.next().await.expect("an answer")["id"], "long");
}

#[tokio::test(start_paused = true)]
async fn a_question_that_can_be_about_no_call_any_more_is_refused() {
    let a = Target::legacy("a", &["long", "short"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let (mut long, mut short, _) = asked_about_either(&client, &a).await;
    client.notify("notifications/cancelled", json!({ "requestId": "long" })).await;
    assert_eq!(long.next().await.expect("news")["method"], "notifications/cancelled");
    assert!(long.ended().await);
    assert_eq!(answered_either(&a), Value::Null, "it may be about the other");
    client.notify("notifications/cancelled", json!({ "requestId": "short" })).await;
    assert_eq!(short.next().await.expect("news")["method"], "notifications/cancelled");
    assert!(short.ended().await);
    settle().await;
    assert_eq!(answered_either(&a)["error"]["code"], -32603);
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_call_takes_its_question_back_on_both_sides() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Ask("elicitation/create", form("sure?")));
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let mut call = client.begin(json!("c"), "tools/call", json!({ "name": "x", "arguments": {} })).await;
    let asked = call.asked().await.expect("a question");
    client.notify("notifications/cancelled", json!({ "requestId": "c" })).await;
    let told = call.next().await.expect("the client hears that its answer is not wanted");
    assert_eq!(told["method"], "notifications/cancelled");
    assert_eq!(told["params"]["requestId"], asked["id"]);
    assert!(call.ended().await, "a cancelled call has no answer");
    settle().await;
    assert_eq!(a.count("notifications/cancelled"), 1);
    let answers: Vec<_> = a.heard().into_iter().filter(|heard| heard.message["id"] == "ask-0").collect();
    assert_eq!(answers[0].message["result"], json!({ "action": "cancel" }), "the target is not left waiting");
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_nothing_is_accepted_and_ignored() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    client.respond(&json!({ "jsonrpc": "2.0", "id": 77, "result": {} })).await;
    assert_eq!(client.tool("x").await.said(), "a:x");
}

#[tokio::test(start_paused = true)]
async fn changed_roots_are_told_to_the_targets_that_know_them() {
    let a = Target::legacy("a", &["x"]);
    let b = Target::modern("b", &["x"]);
    let world = World::start(&[&a, &b]).await;
    let client = world.legacy_with(everything()).await;
    client.tool("a_x").await.ok();
    client.notify("notifications/roots/list_changed", json!({})).await;
    settle().await;
    assert_eq!(
        (a.count("notifications/roots/list_changed"), b.count("notifications/roots/list_changed")),
        (1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_question_is_given_up_in_the_end() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Ask("elicitation/create", form("sure?")));
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let mut call = client.begin(json!("c"), "tools/call", json!({ "name": "x", "arguments": {} })).await;
    call.asked().await.expect("a question");
    seconds(601).await;
    assert_eq!(call.next().await.expect("it is taken back")["method"], "notifications/cancelled");
    assert!(call.next().await.expect("an answer")["result"].is_object());
    let answer = a.heard().into_iter().find(|heard| heard.message["id"] == "ask-0").expect("an answer");
    assert_eq!(answer.message["result"], json!({ "action": "cancel" }));
}

// === A modern target ===

fn needs(key: &str, method: &str, params: Value, state: Value) -> Act {
    let mut result = json!({ "resultType": "input_required", "inputRequests": { key: { "method": method, "params": params } } });
    if !state.is_null() {
        result["requestState"] = state;
    }
    Act::Result(result)
}

/// Asks as often as its arguments say, counting in its state, and answers with what it was told last.
fn rounds() -> Act {
    Act::with(|request| {
        let params = &request["params"];
        let wanted = params["arguments"]["rounds"].as_u64().unwrap_or(1);
        let done: u64 = params["requestState"]
            .as_str()
            .map_or(0, |state| state.trim_start_matches("é\"").parse().expect("ours"));
        if done < wanted {
            return needs(
                "k",
                "elicitation/create",
                form(&format!("round {done}")),
                json!(format!("é\"{}", done + 1)),
            );
        }
        Act::text(&params["inputResponses"].to_string())
    })
}

#[tokio::test(start_paused = true)]
async fn three_rounds_of_a_modern_target_are_three_questions_to_a_legacy_client() {
    let a = Target::modern("a", &["x"]).on("tools/call", rounds());
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let params = json!({ "name": "x", "arguments": { "rounds": 3 } });
    let (reply, asked) =
        client.converse("tools/call", params, |asked| accept(asked["params"]["message"].clone())).await;
    assert_eq!(asked.len(), 3);
    let said: Value = serde_json::from_str(&reply.said()).expect("JSON");
    assert_eq!(said, json!({ "k": { "action": "accept", "content": "a: round 2" } }));
    let calls = a.heard_of("tools/call");
    let ids: std::collections::HashSet<_> = calls.iter().map(|call| call.message["id"].to_string()).collect();
    assert_eq!((calls.len(), ids.len()), (4, 4), "every round has an id of its own");
}

#[tokio::test(start_paused = true)]
async fn the_state_of_a_target_goes_back_byte_for_byte_and_only_if_there_was_one() {
    let spelled = r#""a\u00e9\/\"b""#;
    let act = Act::with(move |request| match request["params"]["inputResponses"].is_null() {
        true => Act::Spelled(format!(
            r#"{{"resultType":"input_required","requestState":{spelled},"inputRequests":{{"k":{{"method":"roots/list"}}}}}}"#
        )),
        false => Act::text("done"),
    });
    let a = Target::modern("a", &["x"]).on("tools/call", act);
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let roots = |_: &Value| json!({ "result": { "roots": [] } });
    client.converse("tools/call", json!({ "name": "x", "arguments": {} }), roots).await.0.ok();
    assert!(a.heard_of("tools/call")[1].text.contains(&format!(r#""requestState":{spelled}"#)));

    let stateless = Act::with(|request| match request["params"]["inputResponses"].is_null() {
        true => needs("k", "roots/list", json!({}), Value::Null),
        false => Act::text("done"),
    });
    a.act("tools/call", stateless);
    client.converse("tools/call", json!({ "name": "x", "arguments": {} }), roots).await.0.ok();
    assert!(a.heard_of("tools/call")[3].message["params"].get("requestState").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_target_that_asks_without_end_is_given_up() {
    let a = Target::modern("a", &["x"]).on("tools/call", rounds());
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let params = json!({ "name": "x", "arguments": { "rounds": 1000 } });
    let (reply, asked) = client.converse("tools/call", params, |_| accept(json!({}))).await;
    assert_eq!(reply.code(), -32603);
    assert_eq!(asked.len(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_refused_question_of_a_modern_target_fails_the_tool_and_no_answer_is_made_up() {
    let sampling = json!({ "messages": [], "maxTokens": 1 });
    let a = Target::modern("a", &["x"])
        .full("w")
        .on("tools/call", needs("k", "sampling/createMessage", sampling.clone(), json!("s")))
        .on("prompts/get", needs("k", "sampling/createMessage", sampling, json!("s")));
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let refuse = |_: &Value| json!({ "error": { "code": -1, "message": "no" } });
    let (reply, _) = client.converse("tools/call", json!({ "name": "x", "arguments": {} }), refuse).await;
    let result = reply.ok();
    assert_eq!(result["isError"], true);
    assert!(result["content"][0]["text"].as_str().expect("text").contains("sampling/createMessage"));
    let (reply, _) = client.converse("prompts/get", json!({ "name": "w-prompt" }), refuse).await;
    assert_eq!(reply.code(), -32603);
    assert_eq!((a.count("tools/call"), a.count("prompts/get")), (1, 1), "the call is not made again");
}

#[tokio::test(start_paused = true)]
async fn a_modern_target_that_needs_what_a_client_cannot_do_fails_in_words() {
    let required = json!({ "code": -32021, "message": "needs elicitation", "data": { "requiredCapabilities": { "elicitation": { "form": {} } } } });
    let a = Target::modern("a", &["x"]).on("tools/call", Act::Error(required));
    let world = World::start(&[&a]).await;
    let result = world.legacy().await.tool("x").await.ok();
    assert_eq!(result["isError"], true);
    assert!(result["content"][0]["text"].as_str().expect("text").contains("elicitation"));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_only_has_to_be_made_again_is_made_again() {
    let act = Act::with(|request| match request["params"]["requestState"].as_str() {
        None => Act::Result(json!({ "resultType": "input_required", "requestState": "later" })),
        Some(state) => Act::text(state),
    });
    let a = Target::modern("a", &["x"]).on("tools/call", act);
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let (reply, asked) =
        client.converse("tools/call", json!({ "name": "x", "arguments": {} }), |_| json!({})).await;
    assert_eq!((reply.said(), asked.len()), ("later".to_owned(), 0));
}

#[tokio::test(start_paused = true)]
async fn progress_grows_over_all_rounds() {
    let act = Act::with(|request| {
        let say = |progress: u32| {
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":$token,"progress":{progress}}}}}"#
            )
        };
        match request["params"]["inputResponses"].is_null() {
            true => Act::saying([say(1), say(2)], needs("k", "roots/list", json!({}), json!("s"))),
            false => Act::saying([say(1), say(2), say(3)], Act::text("done")),
        }
    });
    let a = Target::modern("a", &["x"]).on("tools/call", act);
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let params = json!({ "name": "x", "arguments": {}, "_meta": { "progressToken": "t" } });
    let (reply, _) = client.converse("tools/call", params, |_| json!({ "result": { "roots": [] } })).await;
    assert_eq!(reply.noted(), [r#"1@"t""#, r#"2@"t""#, r#"3@"t""#]);
}

// === Around the questions ===

#[tokio::test(start_paused = true)]
async fn the_end_of_a_visit_is_told_under_the_id_that_the_client_was_given() {
    let visit =
        json!({ "mode": "url", "message": "log in", "url": "https://example.com/", "elicitationId": "1" });
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Ask("elicitation/create", visit.clone()));
    let b = Target::legacy("b", &["x"]).on("tools/call", Act::Ask("elicitation/create", visit));
    let world = World::start(&[&a, &b]).await;
    let client = world.legacy_with(everything()).await;
    let mut stream = client.listen();
    for target in [&a, &b] {
        let params = json!({ "name": format!("{}_x", target.name()), "arguments": {} });
        let (_, asked) = client.converse("tools/call", params, |_| accept(json!({}))).await;
        let wire = target.heard_of("tools/call")[0].wire;
        let done = json!({ "jsonrpc": "2.0", "method": "notifications/elicitation/complete", "params": { "elicitationId": "1" } });
        target.say_on(wire, &done.to_string());
        let told = stream.next().await.expect("news");
        assert_eq!(told["method"], "notifications/elicitation/complete");
        assert_eq!(told["params"]["elicitationId"], asked[0]["params"]["elicitationId"]);
        assert_eq!(
            told["params"]["elicitationId"],
            format!("{}+1", target.name()),
            "two targets may use the same id"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_subscribed_hears_of_a_resource_after_its_link_was_opened_again() {
    let a = Target::legacy("a", &["x"]).full("x");
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let mut stream = client.listen();
    client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.ok();
    a.cut();
    seconds(60).await;
    assert!(
        stream.heard().await.contains(&"resources/updated file:///x".to_owned()),
        "an update may have been missed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_link_that_dies_again_and_again_is_opened_by_one_task_and_not_by_ever_more() {
    let a = Target::legacy("a", &["x"]).full("x");
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let mut stream = client.listen();
    client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.ok();
    // Each new link dies while it is told of the subscription.
    a.act("resources/subscribe", Act::Die);
    a.cut();
    seconds(60).await;
    let tries = a.count("resources/subscribe");
    assert!((10..=40).contains(&tries), "{tries} in a minute");
    a.act("resources/subscribe", Act::Result(json!({})));
    seconds(10).await;
    let tries = a.count("resources/subscribe");
    assert!(stream.heard().await.contains(&"resources/updated file:///x".to_owned()));
    seconds(60).await;
    assert_eq!(a.count("resources/subscribe"), tries, "once there is a link, there is nothing to try");
}

#[tokio::test(start_paused = true)]
async fn an_input_required_of_a_legacy_target_is_an_answer_like_any_other() {
    let a = Target::legacy("a", &["x"])
        .on("tools/call", Act::Result(json!({ "resultType": "input_required", "requestState": "s" })));
    let world = World::start(&[&a]).await;
    let reply = world.legacy_with(everything()).await.tool("x").await;
    assert_eq!((reply.code(), a.count("tools/call")), (-32603, 1));
}

#[tokio::test(start_paused = true)]
async fn a_person_is_sent_to_a_url_once_however_often_the_target_asks_whether_the_visit_is_over() {
    let act = Act::with(|request| {
        let done: u64 =
            request["params"]["requestState"].as_str().map_or(0, |state| state.parse().expect("ours"));
        let visit = json!({ "mode": "url", "message": "log in", "url": "https://example.com/" });
        match done {
            4 => Act::text(&request["params"]["inputResponses"].to_string()),
            _ => needs("k", "elicitation/create", visit, json!((done + 1).to_string())),
        }
    });
    let a = Target::modern("a", &["x"]).on("tools/call", act);
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(everything()).await;
    let start = tokio::time::Instant::now();
    let accepted = |_: &Value| json!({ "result": { "action": "accept" } });
    let (reply, asked) =
        client.converse("tools/call", json!({ "name": "x", "arguments": {} }), accepted).await;
    assert_eq!((reply.said(), asked.len()), (json!({ "k": { "action": "accept" } }).to_string(), 1));
    assert!(start.elapsed().as_secs() >= 5, "the visit takes its time: {:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_question_that_can_no_longer_be_answered_is_refused_so_that_its_call_ends_in_time() {
    let legacy = Target::legacy("a", &["x"]).on("tools/call", Act::Ask("elicitation/create", form("sure?")));
    let modern = Target::modern("b", &["x"]).on("tools/call", rounds());
    let world = World::start(&[&legacy, &modern]).await;
    let client = world.legacy_with(everything()).await;
    for name in ["a_x", "b_x"] {
        let params = json!({ "name": name, "arguments": {} });
        let closing = tokio_util::sync::CancellationToken::new();
        let head = federation::Head { closing: closing.clone(), ..client.head("tools/call", &params) };
        let body = client.spell(&json!(name), "tools/call", params);
        let federation::Outcome::Stream(frames) = client.backend.post(head, body.into()).await else {
            panic!("a question comes first")
        };
        let mut stream = Listener::of(frames);
        stream.asked().await.expect("a question");
        closing.cancel();
        assert_eq!(stream.next().await.expect("news")["method"], "notifications/cancelled");
        assert_eq!(stream.next().await.expect("an answer")["id"], name, "and not silence");
    }
}
