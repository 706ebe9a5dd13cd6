//! Targets that need input while they serve a modern client: what the client is asked, and how its answers find back.

use federation::{ErrorKind, Outcome};
use serde_json::{Value, json};

use crate::client::{Client, Reply, World, seconds, settle};
use crate::target::{Act, Target};

const ELICIT: &str = "elicitation/create";

fn form(message: &str) -> Value {
    let schema = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
    json!({ "message": message, "requestedSchema": schema })
}

/// A client that can be asked everything.
fn able(world: &World) -> Client {
    let mut client = world.modern();
    client.capabilities = json!({ "elicitation": { "form": {}, "url": {} }, "sampling": {}, "roots": {} });
    client
}

/// A legacy target whose tool `x` asks this and answers with what it was told.
fn asking(method: &'static str, params: Value) -> Target {
    Target::legacy("a", &["x"]).on("tools/call x", Act::Ask(method, params))
}

/// Calls a tool and returns the result that asks for input.
async fn asked(client: &Client, tool: &str) -> Value {
    let result = client.tool(tool).await.ok();
    assert_eq!(result["resultType"], "input_required", "{result}");
    result
}

/// Calls the tool again, with answers to its questions in order.
async fn retry(client: &Client, tool: &str, asked: &Value, answers: &[Value]) -> Reply {
    let requests = asked["inputRequests"].as_object().cloned().unwrap_or_default();
    let responses: Value =
        requests.keys().zip(answers).map(|(key, answer)| (key.clone(), answer.clone())).collect();
    let params = json!({
        "name": tool, "arguments": {}, "inputResponses": responses, "requestState": asked["requestState"],
    });
    client.call("tools/call", params).await
}

/// The one question of a result.
fn question(asked: &Value) -> Value {
    let requests = asked["inputRequests"].as_object().expect("requests");
    assert_eq!(requests.len(), 1, "{asked}");
    requests.values().next().cloned().unwrap_or_default()
}

/// What the target was answered, out of the text that it made of it.
fn told(reply: Reply) -> Value {
    serde_json::from_str(&reply.said()).expect("JSON")
}

/// The results that the target heard.
fn answers(target: &Target) -> Vec<Value> {
    let responses = target.heard().into_iter().filter(|heard| heard.message.get("method").is_none());
    responses.map(|heard| heard.message["result"].clone()).collect()
}

/// A request of a target.
fn request(id: &str, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

// === Legacy targets that ask in the middle of a call ===

#[tokio::test(start_paused = true)]
async fn a_legacy_targets_question_becomes_a_result_and_the_retry_its_answer() {
    let a = asking(ELICIT, form("Name?"));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let asked = asked(&client, "x").await;
    let mut params = form("a: Name?");
    params["_meta"] = json!({ "agentgateway.dev/target": "a" });
    assert_eq!(question(&asked), json!({ "method": ELICIT, "params": params }));
    let answer = json!({ "action": "accept", "content": { "name": "Ann" } });
    let done = retry(&client, "x", &asked, std::slice::from_ref(&answer)).await;
    assert_eq!(told(done)["result"], answer);
    assert_eq!(a.count("tools/call"), 1, "the call went on and was not made again");
}

#[tokio::test(start_paused = true)]
async fn a_legacy_target_can_ask_for_a_model_and_for_roots() {
    let sampling = json!({
        "messages": [{ "role": "user", "content": { "type": "text", "text": "Hi" } }], "maxTokens": 5,
        "includeContext": "allServers",
    });
    let message = json!({ "role": "assistant", "content": { "type": "text", "text": "Ho" }, "model": "m" });
    let roots = json!({ "roots": [{ "uri": "file:///r" }] });
    for (method, params, answer) in
        [("sampling/createMessage", sampling, message), ("roots/list", json!({}), roots)]
    {
        let world = World::start(&[&asking(method, params)]).await;
        let client = able(&world);
        let asked = asked(&client, "x").await;
        let question = question(&asked);
        assert_eq!(question["method"], method);
        assert_eq!(question["params"]["_meta"], json!({ "agentgateway.dev/target": "a" }));
        assert!(question["params"].get("includeContext").is_none(), "{question}");
        assert_eq!(told(retry(&client, "x", &asked, std::slice::from_ref(&answer)).await)["result"], answer);
    }
}

#[tokio::test(start_paused = true)]
async fn a_legacy_target_may_ask_during_a_prompt_and_a_read_too() {
    let a = Target::legacy("a", &["x"]).full("x");
    a.act("prompts/get", Act::Ask(ELICIT, form("Name?")));
    a.act("resources/read", Act::Ask(ELICIT, form("Name?")));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    for (method, mut params) in
        [("prompts/get", json!({ "name": "x-prompt" })), ("resources/read", json!({ "uri": "file:///x" }))]
    {
        let asked = client.call(method, params.clone()).await.ok();
        let key = asked["inputRequests"].as_object().and_then(|r| r.keys().next()).expect("a request");
        params["inputResponses"] = json!({ key: { "action": "decline" } });
        params["requestState"] = asked["requestState"].clone();
        assert!(told(client.call(method, params).await)["result"]["action"] == "decline");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_legacy_target_asks_at_once_is_asked_at_once_and_again_until_it_is_answered() {
    let both = [request("q1", ELICIT, &form("Name?")), request("q2", "roots/list", &json!({}))];
    let a =
        Target::legacy("a", &["x"]).on("tools/call", Act::saying(both, Act::after(60, Act::text("done"))));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let first = asked(&client, "x").await;
    assert_eq!(first["inputRequests"].as_object().map(serde_json::Map::len), Some(2));
    let second = retry(&client, "x", &first, &[json!({ "action": "decline" })]).await.ok();
    assert_eq!(question(&second)["method"], "roots/list");
    assert_ne!(second["requestState"], first["requestState"]);
    assert_eq!(retry(&client, "x", &first, &[]).await.code(), -32602, "the first state was used");
    assert_eq!(retry(&client, "x", &second, &[json!({ "roots": [] })]).await.said(), "done");
    assert_eq!(answers(&a), [json!({ "action": "decline" }), json!({ "roots": [] })]);
}

#[tokio::test(start_paused = true)]
async fn two_clients_of_a_legacy_target_are_asked_and_answered_each_for_itself() {
    let a = Target::legacy("a", &["x", "y"])
        .on("tools/call x", Act::Ask(ELICIT, form("x?")))
        .on("tools/call y", Act::Ask(ELICIT, form("y?")));
    let world = World::start(&[&a]).await;
    let (one, two) = (able(&world), able(&world));
    let (x, y) = tokio::join!(asked(&one, "x"), asked(&two, "y"));
    assert_eq!(question(&x)["params"]["message"], "a: x?");
    assert_eq!(question(&y)["params"]["message"], "a: y?");
    let answer = |name: &str| [json!({ "action": "accept", "content": { "name": name } })];
    let (first, second) = (answer("one"), answer("two"));
    let (y, x) = tokio::join!(retry(&two, "y", &y, &second), retry(&one, "x", &x, &first));
    assert_eq!(told(x)["result"]["content"]["name"], "one");
    assert_eq!(told(y)["result"]["content"]["name"], "two");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_come_back_frees_the_target() {
    let a = asking(ELICIT, form("Name?"));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let asked = asked(&client, "x").await;
    seconds(4 * 60).await;
    assert_eq!(a.count("notifications/cancelled"), 0);
    seconds(61).await;
    assert_eq!(a.count("notifications/cancelled"), 1);
    assert_eq!(answers(&a), [json!({ "action": "cancel" })], "the question is refused");
    let late = retry(&client, "x", &asked, &[json!({ "action": "accept" })]).await;
    assert_eq!(late.code(), -32602);
}

#[tokio::test(start_paused = true)]
async fn a_state_is_refused_that_was_changed_or_is_for_another_request() {
    let a = Target::legacy("a", &["x", "y"]).on("tools/call", Act::Ask(ELICIT, form("Name?")));
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let asked = asked(&client, "x").await;
    let accept = [json!({ "action": "accept", "content": { "name": "Ann" } })];
    assert_eq!(retry(&client, "y", &asked, &accept).await.code(), -32602);
    let mut changed = asked.clone();
    let state = asked["requestState"].as_str().expect("a state");
    let first = if state.starts_with('A') { "B" } else { "A" };
    changed["requestState"] = json!(format!("{first}{}", &state[1..]));
    assert_eq!(retry(&client, "x", &changed, &accept).await.code(), -32602);
    assert_eq!(
        told(retry(&client, "x", &asked, &accept).await)["result"],
        accept[0],
        "the right one is served"
    );
    assert_eq!(retry(&client, "x", &asked, &accept).await.code(), -32602, "and once");
    assert_eq!(a.count("tools/call"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_is_never_asked_what_it_did_not_declare() {
    let a = asking(ELICIT, form("Name?"));
    let world = World::start(&[&a]).await;
    let reply = world.modern().tool("x").await;
    assert!(reply.outcome.is_ok_and(|result| result["resultType"] == "complete"), "the target went on");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_for_want_of_a_capability_names_it() {
    let failed = Act::Result(json!({ "isError": true, "content": [] }));
    let question = request("q", ELICIT, &form("Name?"));
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::saying([question], Act::after(1, failed)));
    let world = World::start(&[&a]).await;
    let mut client = world.modern();
    client.capabilities = json!({ "roots": {} });
    let reply = client.tool("x").await;
    assert_eq!(reply.code(), -32021);
    let needed = json!({ "elicitation": { "form": {} } });
    assert_eq!(reply.outcome.expect_err("an error")["data"], json!({ "requiredCapabilities": needed }));
}

// === Legacy targets that want a URL opened first (-32042) ===

/// A tool that works once a URL was opened.
fn behind_a_url() -> Target {
    let first = json!({ "mode": "url", "elicitationId": "1", "url": "https://x/one", "message": "Sign in" });
    let second = json!({ "mode": "url", "elicitationId": "2", "url": "https://x/two", "message": "Pay" });
    let data = json!({ "elicitations": [first, second] });
    Target::legacy("a", &["x", "y"])
        .on("tools/call", Act::Error(json!({ "code": -32042, "message": "open", "data": data })))
}

#[tokio::test(start_paused = true)]
async fn a_url_that_must_be_opened_first_is_asked_for_and_the_retry_makes_the_call_anew() {
    let a = behind_a_url();
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let asked = asked(&client, "x").await;
    let request = |message: &str, url: &str| {
        let meta = json!({ "agentgateway.dev/target": "a" });
        let params = json!({ "mode": "url", "message": message, "url": url, "_meta": meta });
        json!({ "method": ELICIT, "params": params })
    };
    let requests = [request("a: Sign in", "https://x/one"), request("a: Pay", "https://x/two")];
    let sent: Vec<_> = asked["inputRequests"].as_object().expect("requests").values().cloned().collect();
    assert_eq!(sent, requests);
    a.act("tools/call", Act::text("done"));
    let accept = json!({ "action": "accept" });
    assert_eq!(retry(&client, "x", &asked, &[accept.clone(), accept]).await.said(), "done");
    assert_eq!(a.count("tools/call"), 2);
    let last = a.last("tools/call");
    assert!(last.get("requestState").is_none() && last.get("inputResponses").is_none(), "{last}");
}

#[tokio::test(start_paused = true)]
async fn a_state_to_call_again_is_for_its_own_request_only() {
    let a = behind_a_url();
    let world = World::start(&[&a]).await;
    let client = able(&world);
    let asked = asked(&client, "x").await;
    assert_eq!(retry(&client, "y", &asked, &[]).await.code(), -32602);
    assert_eq!(a.count("tools/call"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_open_urls_is_told_that_it_would_have_to() {
    let world = World::start(&[&behind_a_url()]).await;
    for declared in [json!({}), json!({ "elicitation": {} })] {
        let mut client = world.modern();
        client.capabilities = declared;
        let reply = client.tool("x").await;
        assert_eq!(reply.code(), -32021);
        let needed = json!({ "elicitation": { "url": {} } });
        assert_eq!(reply.outcome.expect_err("an error")["data"], json!({ "requiredCapabilities": needed }));
        let body = client.spell(&json!(9), "tools/call", json!({ "name": "x" }));
        let head = client.head("tools/call", &json!({ "name": "x" }));
        let Outcome::One(single) = world.backend.post(head, body.into()).await else { panic!("one answer") };
        assert_eq!(single.error, Some(ErrorKind::MissingCapability));
    }
}

// === Modern targets ===

fn requiring(requests: Value) -> Target {
    let result = json!({ "resultType": "input_required", "inputRequests": requests });
    Target::modern("a", &["x"]).on("tools/call", Act::Result(result))
}

#[tokio::test(start_paused = true)]
async fn who_asks_is_said_for_modern_targets_too() {
    let a = requiring(
        json!({ "k": { "method": ELICIT, "params": form("Name?") }, "r": { "method": "roots/list" } }),
    );
    let world = World::start(&[&a, &Target::modern("b", &[])]).await;
    let asked = asked(&able(&world), "a_x").await;
    assert_eq!(asked["inputRequests"]["k"]["params"]["message"], "a: Name?");
    for key in ["k", "r"] {
        assert_eq!(asked["inputRequests"][key]["params"]["_meta"]["agentgateway.dev/target"], "a");
    }
}

#[tokio::test(start_paused = true)]
async fn a_modern_target_gets_no_context_of_the_others_either() {
    let params = json!({ "messages": [], "maxTokens": 5, "includeContext": "thisServer" });
    let world =
        World::start(&[&requiring(json!({ "k": { "method": "sampling/createMessage", "params": params } }))])
            .await;
    let asked = asked(&able(&world), "x").await;
    assert!(question(&asked)["params"].get("includeContext").is_none(), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn a_modern_target_may_only_ask_for_what_the_client_declared() {
    for (declared, request, allowed) in [
        (json!({}), json!({ "method": ELICIT, "params": form("m") }), false),
        (json!({ "elicitation": {} }), json!({ "method": ELICIT, "params": form("m") }), true),
        (json!({ "elicitation": {} }), json!({ "method": ELICIT, "params": { "mode": "url" } }), false),
        (json!({ "elicitation": { "url": {} } }), json!({ "method": ELICIT, "params": form("m") }), false),
        (json!({ "roots": {} }), json!({ "method": "sampling/createMessage", "params": {} }), false),
        (json!({ "roots": {} }), json!({ "method": "roots/list" }), true),
        (json!({ "roots": {} }), json!({ "method": "tools/list" }), false),
        (json!({ "roots": {} }), json!(7), false),
    ] {
        let world = World::start(&[&requiring(json!({ "k": request }))]).await;
        let mut client = world.modern();
        client.capabilities = declared.clone();
        let reply = client.tool("x").await;
        assert_eq!(reply.outcome.is_ok(), allowed, "{declared} {request}");
        assert!(allowed || reply.code() == -32603);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_for_input_says_for_what_or_in_which_state() {
    for (members, allowed) in [
        (json!({}), false),
        (json!({ "requestState": "s" }), true),
        (json!({ "requestState": 7 }), false),
        (json!({ "requestState": null }), false),
        (json!({ "inputRequests": {} }), true),
        (json!({ "inputRequests": [] }), false),
        (json!({ "inputRequests": null, "requestState": "s" }), false),
    ] {
        let mut result = members.clone();
        result["resultType"] = json!("input_required");
        let a = Target::modern("a", &["x"]).on("tools/call", Act::Result(result));
        let world = World::start(&[&a]).await;
        let reply = able(&world).tool("x").await;
        assert_eq!(reply.outcome.is_ok(), allowed, "{members}");
        assert!(allowed || reply.code() == -32603);
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_requires_an_extension_that_we_do_not_carry_is_our_fault_and_not_the_clients() {
    let requiring = |capabilities: Value| {
        let data = json!({ "requiredCapabilities": capabilities });
        Act::Error(json!({ "code": -32021, "message": "declare it", "data": data }))
    };
    let a = Target::modern("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    a.act("tools/call", requiring(json!({ "extensions": { "example.com/odd": {} } })));
    let refused = client.tool("x").await;
    assert_eq!(refused.code(), -32603);
    let error = refused.outcome.expect_err("an error");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("example.com/odd")), "{error}");
    for passed_on in [
        json!({ "sampling": {} }),
        json!({ "sampling": {}, "extensions": {} }),
        json!({ "extensions": { "io.modelcontextprotocol/ui": {} } }),
    ] {
        a.act("tools/call", requiring(passed_on));
        assert_eq!(client.tool("x").await.code(), -32021);
    }
}

// === Silence ===

#[tokio::test(start_paused = true)]
async fn a_client_of_a_silent_target_sees_life_after_five_seconds() {
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let world = World::start(&[&target]).await;
        let client = world.modern();
        for (after, streamed) in [(4, false), (6, true)] {
            target.act("tools/call", Act::after(after, Act::text("done")));
            let body = client.spell(&json!(1), "tools/call", json!({ "name": "x" }));
            let began = tokio::time::Instant::now();
            let outcome =
                world.backend.post(client.head("tools/call", &json!({ "name": "x" })), body.into()).await;
            assert_eq!(matches!(outcome, Outcome::Stream(_)), streamed);
            assert_eq!(began.elapsed().as_secs(), after.min(5));
        }
        target.act("tools/call", Act::after(60, Act::text("done")));
        assert_eq!(client.tool("x").await.said(), "done");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_a_silent_call_cancels_it() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Hang);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    let body = client.spell(&json!(1), "tools/call", json!({ "name": "x" }));
    let head = client.head("tools/call", &json!({ "name": "x" }));
    let Outcome::Stream(frames) = world.backend.post(head, body.into()).await else { panic!("a stream") };
    seconds(60).await;
    assert_eq!(a.count("notifications/cancelled"), 0);
    drop(frames);
    settle().await;
    assert_eq!(a.count("notifications/cancelled"), 1);
}
