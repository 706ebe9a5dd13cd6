//! Tasks: relayed to those who follow them, kept for sessions that ask for them, and taken to their end for everybody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::client::{Client, World, background, seconds, settle};
use crate::hearing::Hearing;
use crate::target::{Act, CAPABILITIES, Door, Target};

const TASKS: &str = "io.modelcontextprotocol/tasks";
const UI: &str = "io.modelcontextprotocol/ui";
const RELATED: &str = "io.modelcontextprotocol/related-task";

// === Targets ===

/// A modern target whose tool `x` is a task for those who declare that they know tasks, and which says this of it, the last
/// again and again.
fn tasker(name: &str, states: Vec<Value>) -> Target {
    let looks = AtomicUsize::new(0);
    Target::modern(name, &["x"])
        .be(|script| script.capabilities["extensions"] = json!({ TASKS: {} }))
        .on(
            "tools/call",
            Act::with(|request| match declared(&request["params"]) {
                true => Act::Result(json!({
                    "resultType": "task", "taskId": "t1", "status": "working", "ttlMs": 60000, "pollIntervalMs": 1000,
                })),
                false => Act::Error(needs_tasks()),
            }),
        )
        .on(
            "tasks/get",
            Act::with(move |request| match &request["params"]["taskId"] {
                id if id == "t1" => {
                    let at = looks.fetch_add(1, Ordering::Relaxed).min(states.len() - 1);
                    let mut state = states[at].clone();
                    state["taskId"] = json!("t1");
                    Act::Result(state)
                }
                _ => Act::error(-32602, "no such task"),
            }),
        )
        .on("tasks/update", Act::Result(json!({})))
        .on("tasks/cancel", Act::Result(json!({})))
}

fn declared(params: &Value) -> bool {
    params["_meta"][CAPABILITIES]["extensions"][TASKS].is_object()
}

fn needs_tasks() -> Value {
    let data = json!({ "requiredCapabilities": { "extensions": { TASKS: {} } } });
    json!({ "code": -32021, "message": "Missing required client capability", "data": data })
}

fn working() -> Value {
    json!({ "status": "working" })
}

fn done() -> Value {
    let link = json!({ "type": "resource_link", "uri": "file:///x", "name": "x" });
    json!({ "status": "completed", "result": { "content": [{ "type": "text", "text": "done" }, link] } })
}

fn asking(key: &str) -> Value {
    let request = json!({ "method": "elicitation/create", "params": { "message": "sure?" } });
    json!({ "status": "input_required", "inputRequests": { key: request } })
}

/// A target of 2025-11-25 with a tool of each kind, whose tasks are numbered.
fn keeper(name: &str) -> Target {
    let made = AtomicUsize::new(0);
    let tool = |name: &str, support: Value| json!({ "name": name, "inputSchema": { "type": "object" }, "execution": { "taskSupport": support } });
    Target::legacy(name, &[])
        .be(|script| {
            script.capabilities["tasks"] =
                json!({ "list": {}, "cancel": {}, "requests": { "tools": { "call": {} } } });
            script.tools = vec![
                tool("may", json!("optional")),
                tool("must", json!("required")),
                tool("never", json!("forbidden")),
            ];
        })
        .on(
            "tools/call",
            Act::with(move |request| match request["params"].get("task") {
                Some(_) => {
                    let id = format!("t{}", made.fetch_add(1, Ordering::Relaxed) + 1);
                    Act::Result(json!({ "task": state(&id, "working") }))
                }
                None if request["params"]["name"] == "must" => Act::error(-32601, "runs as a task only"),
                None => Act::text("plain"),
            }),
        )
        .on("tasks/get", Act::with(|request| Act::Result(state(id_of(request), "working"))))
        .on("tasks/cancel", Act::with(|request| Act::Result(state(id_of(request), "cancelled"))))
        .on(
            "tasks/result",
            Act::with(|request| {
                let related = json!({ RELATED: { "taskId": id_of(request) } });
                let link = json!({ "type": "resource_link", "uri": "file:///x", "name": "x" });
                Act::Result(
                    json!({ "content": [{ "type": "text", "text": "done" }, link], "_meta": related }),
                )
            }),
        )
}

fn id_of(request: &Value) -> &str {
    request["params"]["taskId"].as_str().unwrap_or_default()
}

fn state(id: &str, status: &str) -> Value {
    json!({ "taskId": id, "status": status, "createdAt": "2026-01-01T00:00:00Z", "ttl": null })
}

// === Clients ===

/// A modern client that knows tasks.
fn knowing(world: &World) -> Client {
    let mut client = world.modern();
    client.capabilities = json!({ "elicitation": {}, "extensions": { TASKS: {} } });
    client
}

async fn about(client: &Client, method: &str, id: &str) -> crate::client::Reply {
    client.call(method, json!({ "taskId": id })).await
}

/// Has a tool run as a task and returns the task's id.
async fn make(client: &Client, tool: &str) -> String {
    let params = json!({ "name": tool, "arguments": {}, "task": { "ttl": 60000 } });
    let made = client.call("tools/call", params).await.ok();
    made["task"]["taskId"].as_str().unwrap_or_else(|| panic!("not a task: {made}")).to_owned()
}

// === Modern clients that know tasks ===

#[tokio::test(start_paused = true)]
async fn a_modern_client_follows_a_task_under_an_id_that_leads_back_to_its_target() {
    let mut called_task = done();
    called_task["resultType"] = json!("task");
    let (a, b) = (tasker("a", vec![working(), called_task]), tasker("b", vec![working()]));
    let world = World::start(&[&a, &b]).await;
    let client = knowing(&world);
    let made = client.tool("a_x").await.ok();
    assert_eq!((&made["resultType"], &made["taskId"]), (&json!("task"), &json!("a+t1")));
    assert_eq!((&made["status"], &made["ttlMs"]), (&json!("working"), &json!(60000)));
    let state = about(&client, "tasks/get", "a+t1").await.ok();
    assert_eq!((&state["status"], &state["taskId"]), (&json!("working"), &json!("a+t1")));
    let state = about(&client, "tasks/get", "a+t1").await.ok();
    assert_eq!(state["resultType"], "complete", "what is said of a task is itself no task");
    assert_eq!(state["result"]["content"][1]["uri"], "a+file:///x");
    let answers = json!({ "k": { "action": "accept", "content": { "n": 1 } } });
    let update = json!({ "taskId": "a+t1", "inputResponses": answers });
    client.call("tasks/update", update).await.ok();
    about(&client, "tasks/cancel", "a+t1").await.ok();
    assert_eq!(a.last("tasks/update")["inputResponses"], answers);
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        assert_eq!(a.last(method)["taskId"], "t1", "{method}");
        assert!(declared(&a.last(method)), "{method}");
        assert_eq!(b.count(method), 0, "{method}");
    }
    assert_eq!(a.count("tasks/get"), 2, "the client follows its task, and nobody else");
}

#[tokio::test(start_paused = true)]
async fn the_ids_of_a_single_targets_tasks_are_its_own() {
    let a = tasker("a", vec![done()]);
    let world = World::start(&[&a]).await;
    let client = knowing(&world);
    assert_eq!(client.tool("x").await.ok()["taskId"], "t1");
    let state = about(&client, "tasks/get", "t1").await.ok();
    assert_eq!(
        (&state["taskId"], &state["result"]["content"][1]["uri"]),
        (&json!("t1"), &json!("file:///x"))
    );
}

#[tokio::test(start_paused = true)]
async fn the_header_of_a_request_about_a_task_names_the_task() {
    let a = tasker("a", vec![done()]);
    let world = World::start(&[&a]).await;
    let client = knowing(&world);
    let params = json!({ "taskId": "t1" });
    let body = client.spell(&json!(7), "tasks/get", params.clone());
    for (name, code) in [(Some("t2"), Some(-32020)), (None, Some(-32020)), (Some("=?base64?dDE=?="), None)] {
        let mut head = client.head("tasks/get", &params);
        head.name = name.map(str::to_owned);
        let reply = client.exchange(head, &json!(7), "tasks/get", body.clone()).await.expect("an answer");
        match code {
            Some(code) => assert_eq!(reply.code(), code, "{name:?}"),
            None => assert_eq!(reply.ok()["taskId"], "t1"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_asks_says_who_asks() {
    let (a, b) = (tasker("a", vec![asking("k")]), tasker("b", vec![working()]));
    let world = World::start(&[&a, &b]).await;
    let state = about(&knowing(&world), "tasks/get", "a+t1").await.ok();
    assert_eq!(state["inputRequests"]["k"]["params"]["message"], "a: sure?");
}

#[tokio::test(start_paused = true)]
async fn ids_that_are_nobodys_are_refused() {
    let (a, b) = (tasker("a", vec![done()]), Target::legacy("b", &["x"]));
    let world = World::start(&[&a, &b]).await;
    let client = knowing(&world);
    for id in ["t1", "c+t1", "b+t1", "a+t2", ""] {
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            if id == "a+t2" && method != "tasks/get" {
                continue;
            }
            assert_eq!(about(&client, method, id).await.code(), -32602, "{method} {id}");
        }
    }
    assert_eq!(client.call("tasks/get", json!({})).await.code(), -32602);
    let heard = b
        .heard()
        .into_iter()
        .any(|heard| heard.message["method"].as_str().is_some_and(|m| m.starts_with("tasks")));
    assert!(!heard, "a target that has no tasks is not asked for any");
}

#[tokio::test(start_paused = true)]
async fn there_are_no_requests_about_tasks_where_there_are_no_tasks() {
    let world = World::start(&[&Target::modern("a", &["x"]), &keeper("b")]).await;
    let client = knowing(&world);
    for method in ["tasks/get", "tasks/update", "tasks/cancel", "tasks/result", "tasks/list"] {
        assert_eq!(about(&client, method, "a+t1").await.code(), -32601, "{method}");
    }
    let world = World::start(&[&tasker("a", vec![done()])]).await;
    for method in ["tasks/result", "tasks/list"] {
        assert_eq!(about(&knowing(&world), method, "t1").await.code(), -32601, "{method} is not modern");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_about_a_task_does_not_wait_for_targets_that_are_not_there() {
    let hung = Target::legacy("c", &[]).be(|script| script.door = Door::Hung);
    let (a, b) = (tasker("a", vec![working()]), keeper("b"));
    let world = World::at_once(&[&a, &b, &hung], |_| {});
    settle().await;
    let id = {
        let client = knowing(&world);
        let begun = tokio::time::Instant::now();
        about(&client, "tasks/get", "a+t1").await.ok();
        assert!(begun.elapsed().as_secs() < 1, "{:?}", begun.elapsed());
        "b+t1"
    };
    // A session begins when everything had its chance; a target that is added later is waited for by nobody.
    let client = world.legacy().await;
    assert_eq!(make(&client, "b_may").await, id);
    let late = Target::legacy("d", &[]).be(|script| script.door = Door::Hung);
    let mut world = world;
    world.reconfigure(&[&a, &b, &hung, &late], |_| {});
    let begun = tokio::time::Instant::now();
    about(&client, "tasks/get", id).await.ok();
    client.call("tasks/list", json!({})).await.ok();
    assert!(begun.elapsed().as_secs() < 1, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn only_a_call_of_a_tool_is_answered_with_a_task() {
    let task = Act::Result(json!({ "resultType": "task", "taskId": "t1", "status": "working" }));
    let a = tasker("a", vec![done()]).full("x").on("prompts/get", task);
    a.change(|script| script.capabilities["extensions"] = json!({ TASKS: {} }));
    let world = World::start(&[&a]).await;
    let got = knowing(&world).call("prompts/get", json!({ "name": "x-prompt" })).await;
    assert_eq!(got.code(), -32603);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_listens_for_its_tasks_hears_of_them_under_the_ids_it_knows() {
    let (a, b) = (tasker("a", vec![done()]), tasker("b", vec![done()]));
    let world = World::start(&[&a, &b, &Target::modern("c", &[])]).await;
    let wanted = json!({ "taskIds": ["a+t1", "b+t1", "c+t1", "t1"] });
    let mut hearing = Hearing::open(&knowing(&world), wanted).await;
    assert_eq!(hearing.promised, json!({ "taskIds": ["a+t1", "b+t1"] }));
    let heard = a.heard_of("subscriptions/listen").pop().expect("a listen request").message;
    assert_eq!(heard["params"]["notifications"], json!({ "taskIds": ["t1"] }));
    assert!(declared(&heard["params"]));
    let mut task = done();
    task["taskId"] = json!("t1");
    let mut other = task.clone();
    other["taskId"] = json!("t2");
    b.notify("notifications/tasks", other);
    b.notify("notifications/tasks", task);
    assert_eq!(hearing.next().await.as_deref(), Some("task b+t1 completed"));
    assert_eq!(hearing.last["result"]["content"][1]["uri"], "b+file:///x");
    let asks =
        json!({ "taskId": "t1", "status": "input_required", "inputRequests": asking("k")["inputRequests"] });
    a.notify("notifications/tasks", asks);
    assert_eq!(hearing.next().await.as_deref(), Some("task a+t1 input_required"));
    assert_eq!(hearing.last["inputRequests"]["k"]["params"]["message"], "a: sure?");
    let mut others = working();
    others["taskId"] = json!("t2");
    a.notify("notifications/tasks", others);
    let mut task = done();
    task["taskId"] = json!("t1");
    a.notify("notifications/tasks", task);
    assert_eq!(hearing.next().await.as_deref(), Some("task a+t1 completed"), "and nothing of others");
    drop(hearing);
    settle().await;
    assert_eq!(a.count("notifications/cancelled"), 1, "the target need not tell any more");
}

#[tokio::test(start_paused = true)]
async fn who_listens_for_tasks_must_say_that_it_knows_them() {
    let world = World::start(&[&tasker("a", vec![done()])]).await;
    assert_eq!(Hearing::refused(&world.modern(), json!({ "taskIds": ["t1"] })).await, -32021);
    let hearing = Hearing::open(&world.modern(), json!({ "taskIds": [], "toolsListChanged": true })).await;
    assert_eq!(hearing.promised, json!({ "toolsListChanged": true }));
}

// === Modern clients that do not ===

#[tokio::test(start_paused = true)]
async fn a_modern_client_that_does_not_know_tasks_hears_that_it_would_have_to() {
    let a = tasker("a", vec![done()]);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    let required = json!({ "extensions": { TASKS: {} } });
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let error = about(&client, method, "t1").await.outcome.expect_err("an error");
        assert_eq!((&error["code"], &error["data"]["requiredCapabilities"]), (&json!(-32021), &required));
    }
    let error = client.tool("x").await.outcome.expect_err("an error");
    assert_eq!((&error["code"], &error["data"]["requiredCapabilities"]), (&json!(-32021), &required));
    assert!(!declared(&a.last("tools/call")), "nobody declares it in the client's stead");
    assert_eq!(a.count("tasks/get"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_was_not_negotiated_reaches_no_client() {
    let task = Act::Result(json!({ "resultType": "task", "taskId": "t1", "status": "working" }));
    let a = Target::modern("a", &["x"]).on("tools/call", task);
    let unasked = Act::Result(json!({ "task": { "taskId": "t1", "status": "working" } }));
    let b = keeper("b").on("tools/call", unasked);
    let world = World::start(&[&a, &b]).await;
    for client in [world.modern(), world.legacy().await] {
        assert_eq!(client.tool("a_x").await.code(), -32603);
        assert_eq!(client.tool("b_may").await.code(), -32603);
        assert_eq!(client.tool("b_never").await.code(), -32603);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_nobody_could_ask_after_reaches_no_client() {
    for id in [json!(7), json!({ "id": "t1" }), Value::Null] {
        let created = json!({ "resultType": "task", "taskId": id, "status": "working" });
        let a = tasker("a", vec![done()]).on("tools/call", Act::Result(created));
        let b = keeper("b").on("tools/call", Act::Result(json!({ "task": { "taskId": id } })));
        let (alone, kept_alone) = (World::start(&[&a]).await, World::start(&[&b]).await);
        assert_eq!(knowing(&alone).tool("x").await.code(), -32603, "{id}");
        assert_eq!(kept_alone.modern().tool("must").await.code(), -32603, "{id}");
        let world = World::start(&[&a, &b]).await;
        let client = world.legacy().await;
        assert_eq!(knowing(&world).tool("a_x").await.code(), -32603, "{id}");
        assert_eq!(client.tool("a_x").await.code(), -32603, "{id}");
        let wanting = json!({ "name": "b_may", "arguments": {}, "task": {} });
        assert_eq!(client.call("tools/call", wanting).await.code(), -32603, "{id}");
        assert_eq!(client.tool("b_must").await.code(), -32603, "{id}");
        assert_eq!(client.call("tasks/list", json!({})).await.ok(), json!({ "tasks": [] }));
    }
}

#[tokio::test(start_paused = true)]
async fn ids_may_be_empty_long_or_look_like_ours() {
    for id in [String::new(), "b+t1".into(), "é \"+\n".into(), "x".repeat(100_000)] {
        let named = id.clone();
        let created = json!({ "resultType": "task", "taskId": id, "status": "working" });
        let a = tasker("a", vec![done()]).on("tools/call", Act::Result(created)).on(
            "tasks/get",
            Act::with(move |request| {
                assert_eq!(request["params"]["taskId"], json!(named));
                let mut state = done();
                state["taskId"] = json!(named);
                Act::Result(state)
            }),
        );
        let b = tasker("b", vec![working()]);
        let world = World::start(&[&a, &b]).await;
        let client = knowing(&world);
        let made = client.tool("a_x").await.ok()["taskId"].as_str().expect("an id").to_owned();
        assert_eq!(made, format!("a+{id}"));
        assert_eq!(about(&client, "tasks/get", &made).await.ok()["taskId"], json!(made));
        assert_eq!(world.legacy().await.tool("a_x").await.said(), "done");
        assert_eq!(b.count("tasks/get"), 0);
    }
}

// === Legacy clients of modern targets ===

#[tokio::test(start_paused = true)]
async fn a_legacy_client_gets_what_a_task_ends_with() {
    let (a, b) = (tasker("a", vec![working(), done()]), Target::legacy("b", &[]));
    let world = World::start(&[&a, &b]).await;
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let (client, shaken) = world.legacy_of(version).await;
        assert!(shaken["capabilities"]["tasks"].is_null() && shaken["capabilities"]["extensions"].is_null());
        let result = client.tool("a_x").await.ok();
        assert_eq!(result["content"][0]["text"], "done", "{version}");
        // Links in content are younger than the oldest revision.
        assert!(version == "2024-11-05" || result["content"][1]["uri"] == "a+file:///x", "{result}");
    }
    assert!(a.heard_of("tools/call").iter().all(|heard| declared(&heard.message["params"])));
    seconds(60).await;
    assert_eq!(a.count("tasks/cancel"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_session_gets_what_a_task_ends_with() {
    let a = tasker("a", vec![working(), done()]);
    let world = World::with(&[&a], |settings| settings.stateless = true).await;
    let client = world.sessionless("2025-11-25");
    assert_eq!(client.tool("x").await.said(), "done");
    let world = World::with(&[&keeper("a")], |settings| settings.stateless = true).await;
    let client = world.sessionless("2025-11-25");
    let shake = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
    assert!(client.call("initialize", shake).await.ok()["capabilities"]["tasks"].is_null());
    assert_eq!(client.tool("must").await.said(), "done");
    let wanting = json!({ "name": "may", "arguments": {}, "task": {} });
    assert_eq!(client.call("tools/call", wanting).await.said(), "plain");
    for method in ["tasks/get", "tasks/list"] {
        assert_eq!(about(&client, method, "t1").await.code(), -32601);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_task_asks_a_legacy_client_is_asked_and_answers() {
    let a = tasker("a", vec![asking("k"), asking("k"), done()]);
    let world = World::start(&[&a, &Target::legacy("b", &[])]).await;
    let client = world.legacy_with(json!({ "elicitation": {} })).await;
    let accept = json!({ "result": { "action": "accept", "content": { "n": 1 } } });
    let (reply, asked) =
        client.converse("tools/call", json!({ "name": "a_x", "arguments": {} }), |_| accept.clone()).await;
    assert_eq!(reply.said(), "done");
    assert_eq!((asked.len(), &asked[0]["params"]["message"]), (1, &json!("a: sure?")));
    assert_eq!(
        a.last("tasks/update")["inputResponses"],
        json!({ "k": { "action": "accept", "content": { "n": 1 } } })
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_its_legacy_client_cancels_cancels_the_task() {
    let a = tasker("a", vec![working()]);
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    let mut reply = background(&client, json!(70), "x");
    seconds(10).await;
    client.notify("notifications/cancelled", json!({ "requestId": 70 })).await;
    assert!(reply.recv().await.expect("the end").is_none(), "a cancelled call has no answer");
    settle().await;
    assert_eq!(a.last("tasks/cancel")["taskId"], "t1");
    let looks = a.count("tasks/get");
    seconds(60).await;
    assert_eq!(a.count("tasks/get"), looks, "nobody asks any more");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_session_cancels_its_tasks() {
    let a = tasker("a", vec![working()]);
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    let _reply = background(&client, json!(70), "x");
    seconds(10).await;
    client.end();
    settle().await;
    assert_eq!(a.count("tasks/cancel"), 1);
}

#[tokio::test(start_paused = true)]
async fn words_about_a_task_are_progress_for_a_legacy_client_that_wants_it() {
    let saying = |words: &str| json!({ "status": "working", "statusMessage": words });
    let a = tasker("a", vec![saying("one"), saying("one"), saying("two"), done()]);
    let world = World::start(&[&a]).await;
    let reply = world.legacy().await.tool_with("x", json!("p")).await;
    let told: Vec<_> = reply.notes.iter().map(|note| note["params"]["message"].clone()).collect();
    assert_eq!(told, [json!("one"), json!("two")]);
    assert_eq!(reply.said(), "done");
}

// === Sessions of 2025-11-25 that ask for tasks ===

#[tokio::test(start_paused = true)]
async fn tasks_are_offered_to_sessions_of_the_revision_that_has_them_if_a_target_makes_them() {
    let world = World::start(&[&keeper("a"), &Target::legacy("b", &["x"])]).await;
    let offered = json!({ "list": {}, "cancel": {}, "requests": { "tools": { "call": {} } } });
    assert_eq!(world.legacy_of("2025-11-25").await.1["capabilities"]["tasks"], offered);
    assert!(world.legacy_of("2025-06-18").await.1["capabilities"]["tasks"].is_null());
    let discovered = world.modern().call("server/discover", json!({})).await.ok();
    assert!(discovered["capabilities"]["tasks"].is_null(), "modern servers have no such capability");
    let world = World::start(&[&tasker("a", vec![done()]), &Target::legacy("b", &["x"])]).await;
    let client = world.legacy_of("2025-11-25").await;
    assert!(client.1["capabilities"]["tasks"].is_null());
    assert_eq!(client.0.call("tasks/list", json!({})).await.code(), -32601);
}

#[tokio::test(start_paused = true)]
async fn extensions_are_offered_where_a_target_has_them_and_they_work_through_us() {
    let extensions = json!({ TASKS: {}, UI: { "x": 1 }, "com.example/other": {} });
    let a = Target::modern("a", &["x"]).be(|script| script.capabilities["extensions"] = extensions);
    let world = World::start(&[&a, &Target::legacy("b", &[])]).await;
    let discovered = world.modern().call("server/discover", json!({})).await.ok();
    assert_eq!(discovered["capabilities"]["extensions"], json!({ UI: { "x": 1 }, TASKS: {} }));
    assert_eq!(
        world.legacy_of("2025-11-25").await.1["capabilities"]["extensions"],
        json!({ UI: { "x": 1 } })
    );
    let world = World::start(&[&Target::modern("a", &["x"])]).await;
    let discovered = world.modern().call("server/discover", json!({})).await.ok();
    assert!(discovered["capabilities"]["extensions"].is_null());
}

#[tokio::test(start_paused = true)]
async fn a_session_makes_a_task_and_follows_it_over_its_own_link() {
    let (a, b) = (keeper("a"), keeper("b"));
    let world = World::start(&[&a, &b]).await;
    let client = world.legacy().await;
    let id = make(&client, "a_may").await;
    assert_eq!(id, "a+t1");
    assert_eq!(a.last("tools/call")["task"], json!({ "ttl": 60000 }));
    assert_eq!(about(&client, "tasks/get", &id).await.ok()["taskId"], "a+t1");
    let result = about(&client, "tasks/result", &id).await.ok();
    assert_eq!(result["content"][1]["uri"], "a+file:///x");
    assert_eq!(result["_meta"][RELATED]["taskId"], "a+t1");
    let cancelled = about(&client, "tasks/cancel", &id).await.ok();
    assert_eq!((&cancelled["taskId"], &cancelled["status"]), (&json!("a+t1"), &json!("cancelled")));
    let wire = a.heard_of("tools/call")[0].wire;
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        assert_eq!(a.last(method)["taskId"], "t1", "{method}");
        assert_eq!(a.heard_of(method)[0].wire, wire, "{method}");
        assert_eq!(b.count(method), 0, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_over_is_not_cancelled() {
    let a = keeper("a").on("tasks/cancel", Act::error(-32602, "Cannot cancel task: already completed"));
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let id = make(&client, "may").await;
    assert_eq!(about(&client, "tasks/cancel", &id).await.code(), -32602);
    assert_eq!(about(&client, "tasks/get", &id).await.ok()["taskId"], id, "it is still there to be read");
}

#[tokio::test(start_paused = true)]
async fn a_task_is_its_own_sessions_and_nobody_elses() {
    let a = keeper("a");
    let world = World::start(&[&a, &keeper("b")]).await;
    let (client, other) = (world.legacy().await, world.legacy().await);
    let id = make(&client, "a_may").await;
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        assert_eq!(about(&other, method, &id).await.code(), -32602, "{method}");
        assert_eq!(about(&client, method, "a+t9").await.code(), -32602, "{method}");
        assert_eq!(about(&client, method, "b+t1").await.code(), -32602, "{method}");
        assert_eq!(a.count(method), 0, "the target is not asked");
    }
    assert_eq!(other.call("tasks/list", json!({})).await.ok(), json!({ "tasks": [] }));
    let older = world.legacy_of("2025-06-18").await.0;
    assert_eq!(about(&older, "tasks/get", &id).await.code(), -32601);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_tasks_holds_those_that_the_session_made_and_their_targets_still_know() {
    let (a, b) = (keeper("a"), keeper("b"));
    let world = World::start(&[&a, &b]).await;
    let (client, other) = (world.legacy().await, world.legacy().await);
    make(&client, "a_may").await;
    make(&other, "a_may").await;
    make(&client, "b_may").await;
    make(&client, "a_must").await;
    let ids = async |client: &Client| -> Vec<Value> {
        let listed = client.call("tasks/list", json!({})).await.ok();
        listed["tasks"].as_array().expect("a list").iter().map(|task| task["taskId"].clone()).collect()
    };
    assert_eq!(ids(&client).await, ["a+t1", "b+t1", "a+t3"]);
    a.act("tasks/get", Act::error(-32602, "expired"));
    assert_eq!(ids(&client).await, ["b+t1"]);
    a.act("tasks/get", Act::Result(state("t1", "working")));
    assert_eq!(ids(&client).await, ["b+t1"], "what a target has forgotten is gone");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_say_how_a_task_is_doing_may_say_so_later() {
    let a = keeper("a");
    let world = World::start(&[&a, &keeper("b")]).await;
    let client = world.legacy().await;
    let (id, other) = (make(&client, "a_may").await, make(&client, "b_may").await);
    let described = Act::with(|request| Act::Result(state(id_of(request), "working")));
    let ids = async || {
        let listed = client.call("tasks/list", json!({})).await.ok();
        let tasks = listed["tasks"].as_array().expect("a list").clone();
        tasks.iter().map(|task| task["taskId"].clone()).collect::<Vec<_>>()
    };
    for odd in [Act::error(-32603, "the database is away"), Act::Hang] {
        a.act("tasks/get", odd);
        assert_eq!(ids().await, [json!(other)]);
        a.act("tasks/get", described.clone());
        assert_eq!(ids().await, [json!(id), json!(other)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_of_tasks_has_one_page_and_one_deadline() {
    let a = keeper("a");
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    for _ in 0..50 {
        make(&client, "may").await;
    }
    let listed = client.call("tasks/list", json!({ "cursor": null })).await.ok();
    assert_eq!((listed["tasks"].as_array().map(Vec::len), &listed["nextCursor"]), (Some(50), &Value::Null));
    for cursor in [json!("1"), json!(""), json!(7)] {
        assert_eq!(client.call("tasks/list", json!({ "cursor": cursor })).await.code(), -32602, "{cursor}");
    }
    a.act("tasks/get", Act::Hang);
    let begun = tokio::time::Instant::now();
    assert_eq!(client.call("tasks/list", json!({})).await.ok(), json!({ "tasks": [] }));
    assert!(begun.elapsed().as_secs() <= 31, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_a_task_returned_is_the_tools_own() {
    let returned = json!({ "content": [], "taskId": "t1", "task": { "taskId": "t1" }, "structuredContent": { "taskId": "t1" } });
    let a = keeper("a").on("tasks/result", Act::Result(returned.clone()));
    let world = World::start(&[&a, &keeper("b")]).await;
    let client = world.legacy().await;
    let id = make(&client, "a_may").await;
    assert_eq!(about(&client, "tasks/result", &id).await.ok(), returned);
}

#[tokio::test(start_paused = true)]
async fn what_a_target_asks_about_a_task_names_it_as_the_client_knows_it_and_so_does_the_answer() {
    let question = json!({ "message": "sure?", "_meta": { RELATED: { "taskId": "t1" } } });
    let a = keeper("a").on("tasks/result", Act::Ask("elicitation/create", question));
    let world = World::start(&[&a, &keeper("b")]).await;
    let client = world.legacy_with(json!({ "elicitation": {} })).await;
    let id = make(&client, "a_may").await;
    let (reply, asked) = client
        .converse(
            "tasks/result",
            json!({ "taskId": id }),
            |asked| json!({ "result": { "action": "accept", "_meta": asked["params"]["_meta"] } }),
        )
        .await;
    assert_eq!(asked[0]["params"]["_meta"][RELATED]["taskId"], "a+t1");
    let heard: Value = serde_json::from_str(&reply.said()).expect("JSON");
    assert_eq!(heard["result"]["_meta"][RELATED]["taskId"], "t1");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_changes_is_told_to_the_session_that_made_it() {
    let a = keeper("a");
    let world = World::start(&[&a, &keeper("b")]).await;
    let (client, other) = (world.legacy().await, world.legacy().await);
    make(&client, "a_may").await;
    make(&other, "a_may").await;
    let (mut stream, mut others) = (client.listen(), other.listen());
    a.notify("notifications/tasks/status", state("t1", "completed"));
    let told = stream.next().await.expect("a message");
    assert_eq!(told["method"], "notifications/tasks/status");
    assert_eq!(told["params"], state("a+t1", "completed"));
    assert!(others.heard().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_does_not_run_as_a_task_is_not_made_to() {
    let (a, b) = (keeper("a"), Target::legacy("b", &["x"]));
    let c = tasker("c", vec![done()]);
    let world = World::start(&[&a, &b, &c]).await;
    let wanting = |tool: &str| json!({ "name": tool, "arguments": {}, "task": {} });
    let client = world.legacy().await;
    for tool in ["a_never", "b_x", "c_x"] {
        assert_eq!(client.call("tools/call", wanting(tool)).await.code(), -32601, "{tool}");
    }
    // Nothing is what some clients spell as null.
    let nothing = json!({ "name": "a_never", "arguments": {}, "task": null });
    assert_eq!(client.call("tools/call", nothing).await.said(), "plain");
    // Who hears of no tasks from us asks for nothing.
    let older = world.legacy_of("2025-06-18").await.0;
    assert_eq!(older.call("tools/call", wanting("a_may")).await.said(), "plain");
    assert_eq!(older.call("tools/call", wanting("c_x")).await.said(), "done");
    let mut modern = knowing(&world);
    modern.capabilities = json!({});
    assert_eq!(modern.call("tools/call", wanting("a_may")).await.said(), "plain");
    assert!(a.heard_of("tools/call").iter().all(|heard| heard.message["params"]["task"].is_null()));
    let world = World::start(&[&b]).await;
    assert_eq!(world.legacy().await.call("tools/call", wanting("x")).await.said(), "b:x");
    assert!(b.last("tools/call")["task"].is_null());
}

// === Tools that run as tasks only ===

#[tokio::test(start_paused = true)]
async fn a_tool_that_runs_as_a_task_only_runs_for_everybody() {
    let a = keeper("a");
    let world = World::start(&[&a, &Target::legacy("b", &[])]).await;
    let mut asked = world.modern();
    asked.capabilities = json!({ "elicitation": {} });
    // Tasks of 2025-11-25 are not those of the extension, which nobody offers here.
    let knowing = knowing(&world);
    let discovered = knowing.call("server/discover", json!({})).await.ok();
    assert!(discovered["capabilities"]["extensions"].is_null());
    let (older, newer) = (world.legacy_of("2025-06-18").await.0, world.legacy().await);
    for client in [world.modern(), asked, knowing, older, newer] {
        let result = client.tool("a_must").await.ok();
        assert_eq!(result["content"][1]["uri"], "a+file:///x");
        assert!(result["_meta"][RELATED].is_null(), "the client knows of no task");
    }
    assert_eq!(a.last("tools/call")["task"], json!({}));
    seconds(60).await;
    assert_eq!(a.count("tasks/cancel"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_tool_asks_as_a_task_it_asks_for_its_call() {
    let question = json!({ "message": "sure?", "_meta": { RELATED: { "taskId": "t1" } } });
    let a = keeper("a").on("tasks/result", Act::Ask("elicitation/create", question));
    let world = World::start(&[&a]).await;
    let client = world.legacy_with(json!({ "elicitation": {} })).await;
    let accept = json!({ "result": { "action": "accept" } });
    let (reply, asked) =
        client.converse("tools/call", json!({ "name": "must", "arguments": {} }), |_| accept.clone()).await;
    assert!(asked[0]["params"]["_meta"][RELATED].is_null(), "the client knows of no task: {}", asked[0]);
    let heard: Value = serde_json::from_str(&reply.said()).expect("JSON");
    assert_eq!(heard["result"], json!({ "action": "accept", "_meta": { RELATED: { "taskId": "t1" } } }));
}

#[tokio::test(start_paused = true)]
async fn what_a_tool_asks_as_a_task_it_asks_a_modern_client_as_well() {
    let question = json!({ "message": "sure?", "_meta": { RELATED: { "taskId": "t1" } } });
    let a = keeper("a").on("tasks/result", Act::Ask("elicitation/create", question));
    let world = World::start(&[&a]).await;
    let client = knowing(&world);
    let asked = client.tool("must").await.ok();
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let (key, request) = asked["inputRequests"].as_object().and_then(|r| r.iter().next()).expect("one");
    assert!(request["params"]["_meta"][RELATED].is_null(), "the client knows of no task: {request}");
    let answers = json!({ key: { "action": "accept" } });
    let again = json!({
        "name": "must", "arguments": {}, "inputResponses": answers, "requestState": asked["requestState"],
    });
    let heard = client.call("tools/call", again).await.said();
    let heard: Value = serde_json::from_str(&heard).expect("JSON");
    assert_eq!(heard["result"], json!({ "action": "accept", "_meta": { RELATED: { "taskId": "t1" } } }));
    seconds(60).await;
    assert_eq!((a.count("tools/call"), a.count("tasks/cancel")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_of_a_tool_that_runs_as_a_task_cancels_the_task() {
    let a = keeper("a").on("tasks/result", Act::Hang);
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    let mut reply = background(&client, json!(70), "must");
    seconds(10).await;
    client.notify("notifications/cancelled", json!({ "requestId": 70 })).await;
    assert!(reply.recv().await.expect("the end").is_none(), "a cancelled call has no answer");
    settle().await;
    assert_eq!(a.last("tasks/cancel")["taskId"], "t1");
}
