//! Tasks, in the shapes of both eras.

use http::Response;
use hyper::body::Incoming;
use serde_json::{Value, json};
use testkit::Served;
use testkit::fixture::{self, Era, Settings};

use crate::client::{Answer, Events, modern, open_as, read, request};
use crate::pipe::Peer;
use crate::session::Session;

const RELATED: &str = "io.modelcontextprotocol/related-task";

// === The extension of the modern era ===

/// A modern client that declares the extension.
struct Client(Served);

impl Client {
    async fn start() -> Self {
        Self(fixture::serve_http(Era::Both).await.unwrap())
    }

    async fn open(&self, method: &str, params: Value) -> Response<Incoming> {
        let extensions = json!({ "io.modelcontextprotocol/tasks": {} });
        let capabilities = json!({ "elicitation": {}, "extensions": extensions });
        open_as(capabilities, &self.0.url, method, params).await
    }

    async fn ask(&self, method: &str, params: Value) -> Value {
        read(self.open(method, params).await).await.body
    }

    /// Makes a task; its id.
    async fn make(&self, tool: &str, arguments: Value) -> String {
        let made = self.ask("tools/call", json!({ "name": tool, "arguments": arguments })).await;
        assert_eq!(made["result"]["resultType"], "task");
        made["result"]["taskId"].as_str().unwrap().to_owned()
    }

    async fn get(&self, id: &str) -> Value {
        self.ask("tasks/get", json!({ "taskId": id })).await["result"].take()
    }

    /// Looks until the task stands so.
    async fn until(&self, id: &str, status: &str) -> Value {
        loop {
            let task = self.get(id).await;
            if task["status"] == status {
                return task;
            }
        }
    }
}

#[tokio::test]
async fn a_listener_hears_all_that_happens_to_its_task_and_to_no_other() {
    let client = Client::start().await;
    let id = client.make("confirm_delete", json!({ "filename": "f" })).await;
    let other = client.make("confirm_delete", json!({ "filename": "g" })).await;
    let asked = client.until(&id, "input_required").await;
    let filter = json!({ "notifications": { "taskIds": [id, "unknown"] } });
    let mut events = Events::of(client.open("subscriptions/listen", filter).await);
    assert_eq!(events.message().await["params"]["notifications"], json!({ "taskIds": [id] }));

    client.ask("tasks/cancel", json!({ "taskId": other })).await;
    let key = asked["inputRequests"].as_object().unwrap().keys().next().unwrap();
    let answers = json!({ key: { "action": "accept", "content": { "confirm": true } } });
    client.ask("tasks/update", json!({ "taskId": id, "inputResponses": answers })).await;
    let mut told = Vec::new();
    while told.last() != Some(&json!("completed")) {
        let news = events.message().await;
        assert_eq!((&news["method"], &news["params"]["taskId"]), (&json!("notifications/tasks"), &json!(id)));
        told.push(news["params"]["status"].clone());
    }
    assert_eq!(told, ["working", "completed"]);
    assert_eq!(client.get(&id).await["result"]["content"][0]["text"], "Deleted f");
}

#[tokio::test]
async fn listening_for_tasks_needs_the_extension() {
    let served = fixture::serve_http(Era::Both).await.unwrap();
    let filter = json!({ "notifications": { "taskIds": [] } });
    let answer = modern(&served.url, "subscriptions/listen", filter).await;
    assert_eq!(answer.body["error"]["code"], -32021);
}

#[tokio::test]
async fn a_cancelled_task_stops_its_tool() {
    let client = Client::start().await;
    let id = client.make("slow_compute", json!({ "seconds": 60 })).await;
    let open = async || {
        let mut state = client.ask("tools/call", json!({ "name": "kit_state" })).await;
        state["result"]["structuredContent"]["tasks"].take()
    };
    assert_eq!(open().await, 1);
    client.ask("tasks/cancel", json!({ "taskId": id })).await;
    assert_eq!(client.get(&id).await["status"], "cancelled");
    assert_eq!(open().await, 0);
}

// === The core of 2025-11-25 ===

fn as_task(tool: &str, arguments: Value) -> Value {
    json!({ "name": tool, "arguments": arguments, "task": { "ttl": 60_000 } })
}

/// Makes a task; its id.
async fn make(session: &Session, tool: &str, arguments: Value) -> String {
    let made = session.request(20, "tools/call", as_task(tool, arguments)).await.body;
    let task = &made["result"]["task"];
    assert_eq!((&task["status"], &task["ttl"]), (&json!("working"), &json!(60_000)));
    task["taskId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_result_stream_brings_the_questions_and_then_the_result() {
    let session = Session::open(Settings::default()).await;
    let id = make(&session, "multi_input", json!({})).await;
    let mut events = session.stream(21, "tasks/result", json!({ "taskId": id })).await;
    let asked = [events.message().await, events.message().await];
    let task = session.request(22, "tasks/get", json!({ "taskId": id })).await;
    assert_eq!(task.body["result"]["status"], "input_required");
    for (asked, name) in asked.iter().zip(["Ada", "Grace"]).rev() {
        assert_eq!(asked["method"], "elicitation/create");
        assert_eq!(asked["params"]["_meta"][RELATED], json!({ "taskId": id }));
        session.respond(asked, json!({ "action": "accept", "content": { "name": name } })).await;
    }
    let result = events.message().await["result"].take();
    assert_eq!(result["content"][0]["text"], "Got \"Ada\" and \"Grace\"");
    assert_eq!(result["_meta"][RELATED], json!({ "taskId": id }));
    let task = session.request(23, "tasks/get", json!({ "taskId": id })).await;
    assert_eq!(task.body["result"]["status"], "completed");
}

#[tokio::test]
async fn a_question_goes_on_to_the_next_who_waits_for_the_result() {
    let session = Session::open(Settings::default()).await;
    let id = make(&session, "confirm_delete", json!({ "filename": "f" })).await;
    let mut events = session.stream(21, "tasks/result", json!({ "taskId": id })).await;
    let asked = events.message().await;
    session.cancel(21).await;
    assert_eq!(events.message().await["params"]["requestId"], asked["id"], "it is taken back");
    let mut events = session.stream(22, "tasks/result", json!({ "taskId": id })).await;
    let again = events.message().await;
    assert_eq!(again["params"]["message"], asked["params"]["message"]);
    session.respond(&again, json!({ "action": "decline" })).await;
    assert_eq!(events.message().await["result"]["content"][0]["text"], "Kept f");
}

#[tokio::test]
async fn a_tool_that_failed_is_a_failed_task_with_a_result() {
    let session = Session::open(Settings::default()).await;
    let id = make(&session, "failing_job", json!({})).await;
    let result = session.request(21, "tasks/result", json!({ "taskId": id })).await;
    assert_eq!(result.body["result"]["isError"], true);
    let task = session.request(22, "tasks/get", json!({ "taskId": id })).await;
    assert_eq!(task.body["result"]["status"], "failed");
    let again = session.request(23, "tasks/cancel", json!({ "taskId": id })).await;
    assert_eq!(again.body["error"]["code"], -32602);

    let id = make(&session, "protocol_error_job", json!({})).await;
    let result = session.request(24, "tasks/result", json!({ "taskId": id })).await;
    assert_eq!(result.body["error"]["code"], -32603);
}

#[tokio::test]
async fn a_session_sees_its_own_tasks_only() {
    let session = Session::open(Settings::default()).await;
    let id = make(&session, "slow_compute", json!({ "seconds": 60 })).await;
    let other = session.another().await;
    let listed = |answer: Answer| answer.body["result"]["tasks"].as_array().unwrap().len();
    assert_eq!(listed(session.request(21, "tasks/list", json!({})).await), 1);
    assert_eq!(listed(other.request(21, "tasks/list", json!({})).await), 0);
    let answer = other.request(22, "tasks/get", json!({ "taskId": id })).await;
    assert_eq!(answer.body["error"]["code"], -32602);
    session.close().await;
    assert_eq!(other.call("kit_state", json!({})).await["tasks"], 0, "they end with their session");
}

#[tokio::test]
async fn a_tool_says_how_it_stands_to_tasks_and_keeps_to_it() {
    let session = Session::open(Settings::default()).await;
    let tools = session.request(21, "tools/list", json!({})).await.body["result"]["tools"].take();
    let support = |name: &str| {
        let tool = tools.as_array().unwrap().iter().find(|tool| tool["name"] == name).unwrap();
        tool["execution"]["taskSupport"].clone()
    };
    assert_eq!((support("greet"), support("slow_compute")), (Value::Null, json!("optional")));
    assert_eq!(support("failing_job"), "required");
    let forbidden = session.request(22, "tools/call", as_task("greet", json!({}))).await;
    assert_eq!(forbidden.body["error"]["code"], -32601);
    let required = session.request(23, "tools/call", json!({ "name": "failing_job" })).await;
    assert_eq!(required.body["error"]["code"], -32601);
    let optional = session
        .request(24, "tools/call", json!({ "name": "slow_compute", "arguments": { "seconds": 0 } }))
        .await;
    assert!(optional.body["result"]["content"].is_array());
}

#[tokio::test]
async fn a_task_works_over_a_pipe_and_its_status_is_told() {
    let mut peer = Peer::open().await;
    peer.say(&request(2, "tools/call", as_task("confirm_delete", json!({ "filename": "f" })))).await;
    let (mut id, mut told) = (Value::Null, Vec::new());
    while id.is_null() || told.is_empty() {
        let message = peer.hear().await;
        match message["method"] == "notifications/tasks/status" {
            true => told.push(message["params"]["status"].clone()),
            false => id = message["result"]["task"]["taskId"].clone(),
        }
    }
    assert_eq!(told, ["input_required"]);
    let asked = peer.ask(&request(3, "tasks/result", json!({ "taskId": id }))).await;
    assert_eq!(asked["method"], "elicitation/create");
    let result = json!({ "action": "accept", "content": { "confirm": true } });
    peer.say(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result })).await;
    let mut heard = [peer.hear().await, peer.hear().await, peer.hear().await];
    heard.sort_by_key(|message| message["id"].as_u64());
    let statuses = [&heard[0]["params"]["status"], &heard[1]["params"]["status"]];
    assert_eq!(statuses, ["working", "completed"]);
    assert_eq!(heard[2]["result"]["content"][0]["text"], "Deleted f");
}
