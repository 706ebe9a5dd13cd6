//! The tools and the resource for the gateway's own tests.

use serde_json::{Value, json};
use testkit::fixture::{self, Era, Settings};

use crate::client::{Events, modern, open, open_as, read, request};
use crate::pipe::Peer;
use crate::session::{Session, accepted};

fn call(name: &str, arguments: Value) -> Value {
    json!({ "name": name, "arguments": arguments })
}

/// Repeats a modern call with the answers to its `input_required`.
fn retry(params: &Value, required: &Value, responses: Value) -> Value {
    let mut params = params.clone();
    params["inputResponses"] = responses;
    params["requestState"] = required["requestState"].clone();
    params
}

#[tokio::test]
async fn all_kinds_of_input_are_asked_before_any_is_answered() {
    let session = Session::open(Settings::default()).await;
    let mut events = session.stream(2, "tools/call", call("kit_ask_many", json!({}))).await;
    let asked = [events.message().await, events.message().await, events.message().await];
    let methods = asked.each_ref().map(|asked| asked["method"].clone());
    assert_eq!(methods, ["sampling/createMessage", "elicitation/create", "roots/list"]);
    assert_eq!(session.call("kit_state", json!({})).await["questions"], 3);

    let results = [json!({ "model": "m" }), accepted("v"), json!({ "roots": [] })];
    for (asked, result) in asked.iter().zip(&results).rev() {
        session.respond(asked, result.clone()).await;
    }
    let answer = events.message().await;
    let [sampled, elicited, roots] = results;
    let all = json!({ "sampled": sampled, "elicited": elicited, "roots": roots });
    assert_eq!(answer["result"]["structuredContent"], all);
    assert_eq!(session.call("kit_state", json!({})).await["questions"], 0);
}

#[tokio::test]
async fn a_modern_client_is_asked_everything_in_one_result() {
    let served = fixture::serve_http(Era::Modern).await.unwrap();
    let params = call("kit_ask_many", json!({}));
    let required = modern(&served.url, "tools/call", params.clone()).await.body["result"].take();
    assert_eq!(required["inputRequests"].as_object().unwrap().len(), 3);
    let responses =
        json!({ "sampled": { "model": "m" }, "elicited": accepted("v"), "roots": { "roots": [] } });
    let answer = modern(&served.url, "tools/call", retry(&params, &required, responses.clone())).await;
    assert_eq!(answer.body["result"]["structuredContent"], responses);
}

#[tokio::test]
async fn rounds_end_when_the_user_declines() {
    let session = Session::open(Settings::default()).await;
    let mut params = call("kit_ask_then", json!({ "rounds": 3 }));
    params["_meta"] = json!({ "progressToken": "p" });
    let mut events = session.stream(2, "tools/call", params).await;
    session.respond(&events.message().await, accepted("one")).await;
    assert_eq!(events.message().await["params"]["progress"], 1);
    session.respond(&events.message().await, json!({ "action": "decline" })).await;
    let told = events.message().await["result"]["structuredContent"].take();
    assert_eq!(told, json!({ "values": ["one"], "stopped": "decline" }));
}

#[tokio::test]
async fn a_modern_round_reports_only_its_own_progress() {
    let served = fixture::serve_http(Era::Modern).await.unwrap();
    let params = call("kit_ask_then", json!({ "rounds": 2 }));
    let required = modern(&served.url, "tools/call", params.clone()).await.body["result"].take();
    let again = retry(&params, &required, json!({ "round_1": accepted("one") }));
    let mut events = Events::of(open(&served.url, "tools/call", again).await);
    assert_eq!(events.message().await["params"]["progress"], 1);
    let required = events.message().await["result"].take();
    assert_eq!(required["resultType"], "input_required");
    let again = retry(&params, &required, json!({ "round_2": accepted("two") }));
    let mut events = Events::of(open(&served.url, "tools/call", again).await);
    assert_eq!(events.message().await["params"]["progress"], 2);
    let told = events.message().await["result"]["structuredContent"].take();
    assert_eq!(told, json!({ "values": ["one", "two"], "stopped": null }));
}

#[tokio::test]
async fn each_token_gets_the_answer_given_to_it() {
    let session = Session::open(Settings::default()).await;
    let ask = |id, token| session.stream(id, "tools/call", call("kit_echo_asked", json!({ "token": token })));
    let (mut one, mut two) = (ask(2, "one").await, ask(3, "two").await);
    let (first, second) = (one.message().await, two.message().await);
    assert!(first["params"]["message"].as_str().unwrap().contains("one"));
    session.respond(&second, accepted("2")).await;
    session.respond(&first, accepted("1")).await;
    for (events, asked, answered) in [(&mut one, "one", "1"), (&mut two, "two", "2")] {
        let told = events.message().await["result"]["structuredContent"].take();
        assert_eq!(told, json!({ "asked": asked, "answered": answered }));
    }
}

#[tokio::test]
async fn a_cancelled_call_takes_its_questions_back() {
    let session = Session::open(Settings::default()).await;
    let before = session.call("kit_state", json!({})).await;
    let mut events = session.stream(2, "tools/call", call("kit_echo_asked", json!({}))).await;
    let asked = events.message().await;
    session.cancel(2).await;
    let taken_back = events.message().await;
    assert_eq!(taken_back["method"], "notifications/cancelled");
    assert_eq!(taken_back["params"]["requestId"], asked["id"]);
    assert!(events.next().await.is_none(), "a cancelled call is not answered");
    let after = session.call("kit_state", json!({})).await;
    assert_eq!((&after["questions"], &after["calls"]), (&before["questions"], &before["calls"]));
}

#[tokio::test]
async fn questions_can_come_on_the_get_stream() {
    let settings = Settings { requests_on_get: true, ..Settings::default() };
    let session = Session::open(settings).await;
    let mut unsolicited = session.listen().await;
    let asking = session.call("kit_echo_asked", json!({ "token": "t" }));
    let answering = async {
        let asked = unsolicited.message().await;
        assert_eq!(asked["method"], "elicitation/create");
        session.respond(&asked, accepted("v")).await;
    };
    // The answer is all that comes on the call's own response, which is why it can be JSON.
    let (told, ()) = tokio::join!(asking, answering);
    assert_eq!(told, json!({ "asked": "t", "answered": "v" }));
}

#[tokio::test]
async fn a_legacy_call_passes_after_the_visit() {
    let session = Session::open(Settings::default()).await;
    let mut unsolicited = session.listen().await;
    let params = call("kit_url_required", json!({}));
    let refused = session.request(2, "tools/call", params.clone()).await.body["error"].take();
    assert_eq!(refused["code"], -32042);
    let elicitation = &refused["data"]["elicitations"][0];
    assert_eq!(elicitation["mode"], "url");
    let complete = unsolicited.message().await;
    assert_eq!(complete["method"], "notifications/elicitation/complete");
    assert_eq!(complete["params"]["elicitationId"], elicitation["elicitationId"]);
    assert_eq!(session.call("kit_url_required", json!({})).await, json!({ "visited": true }));
    let again = session.request(3, "tools/call", params).await;
    assert_eq!(again.body["error"]["code"], -32042, "a visit is good for one call");
}

#[tokio::test]
async fn a_modern_client_is_asked_to_visit_if_it_can() {
    let served = fixture::serve_http(Era::Modern).await.unwrap();
    let params = call("kit_url_required", json!({}));
    let refused = modern(&served.url, "tools/call", params.clone()).await;
    assert_eq!(refused.body["error"]["code"], -32021, "this client declared forms only");
    let url = json!({ "elicitation": { "url": {} } });
    assert_eq!(refused.body["error"]["data"]["requiredCapabilities"], url);

    let ask = async |params| read(open_as(url.clone(), &served.url, "tools/call", params).await).await.body;
    let required = ask(params.clone()).await["result"].take();
    let asked = &required["inputRequests"]["visit"]["params"];
    assert_eq!((&asked["mode"], asked.get("elicitationId")), (&json!("url"), None));
    let visited = ask(retry(&params, &required, json!({ "visit": { "action": "accept" } }))).await;
    assert_eq!(visited["result"]["structuredContent"], json!({ "visited": true }));
}

#[tokio::test]
async fn a_cancelled_slow_call_is_counted() {
    let mut peer = Peer::open().await;
    let mut slow = call("kit_slow", json!({ "steps": 1000 }));
    slow["_meta"] = json!({ "progressToken": 1 });
    assert_eq!(peer.ask(&request(2, "tools/call", slow)).await["params"]["progress"], 1);
    let cancel = json!({ "requestId": 2 });
    peer.say(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel })).await;
    loop {
        let answer = peer.ask(&request(3, "tools/call", call("kit_cancelled", json!({})))).await;
        // Progress may have been under way.
        match answer["result"]["structuredContent"]["cancelled"].as_u64() {
            Some(1) => break,
            _ => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn a_touch_is_heard_by_subscribers_only() {
    let session = Session::open(Settings::default()).await;
    let mut unsolicited = session.listen().await;
    let counter = json!({ "uri": "kit://counter" });
    session.request(2, "tools/call", call("kit_touch", json!({}))).await;
    session.request(3, "resources/subscribe", counter.clone()).await;
    assert_eq!(session.call("kit_state", json!({})).await["subscriptions"], 1);
    session.request(4, "tools/call", call("kit_touch", json!({ "what": "tools" }))).await;
    session.request(5, "tools/call", call("kit_touch", json!({ "what": "counter" }))).await;
    assert_eq!(unsolicited.message().await["method"], "notifications/tools/list_changed");
    assert_eq!(unsolicited.message().await["params"], counter);
    let read = session.request(6, "resources/read", counter).await;
    assert_eq!(read.body["result"]["contents"][0]["text"], "2");
}

#[tokio::test]
async fn it_logs_as_often_as_told() {
    let session = Session::open(Settings::default()).await;
    let arguments = json!({ "level": "warning", "count": 2 });
    let mut events = session.stream(2, "tools/call", call("kit_log", arguments)).await;
    for number in 1..=2 {
        let params = events.message().await["params"].take();
        assert_eq!(
            (&params["level"], &params["data"]),
            (&json!("warning"), &json!(format!("message {number} of 2")))
        );
    }
    assert!(events.message().await["result"].is_object());
}
