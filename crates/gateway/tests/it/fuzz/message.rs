//! Messages of clients, as they should be.

use serde_json::{Value, json};

use super::dice::Dice;
use crate::client::{declaring, initialize_with, notification, request};

const TOOLS: &[&str] = &[
    "old_test_echo",
    "new_test_echo",
    "time_get_current_time",
    "old_test_tool_with_progress",
    "new_test_tool_with_progress",
    "old_test_sampling",
    "old_test_elicitation",
    "new_test_input_required_result_elicitation",
    "old_test_resource_link",
    "new_test_structured_content",
    "new_test_tool_with_task",
    "old_test_tool_with_task",
    "new_test_x_mcp_header",
    "old_test_error_handling",
    "old_kit_state",
    "nobody_knows",
    "none",
];
const URIS: &[&str] =
    &["old+test://static-text", "new+test://static-text", "ui://old+x", "old+none:", "file:///etc/passwd"];
const VERSIONS: &[&str] =
    &["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28", "1999-01-01"];
const LISTS: &[&str] =
    &["tools/list", "prompts/list", "resources/list", "resources/templates/list", "tasks/list"];

/// A message of a client, and the revision that it is one of.
pub(super) fn any(dice: &mut Dice) -> (Value, &'static str) {
    let modern = dice.one_in(2);
    let version = if modern { "2026-07-28" } else { dice.pick(VERSIONS) };
    let id =
        [json!(1), json!(0), json!("a"), json!(-7), json!(9_007_199_254_740_993_i64)][dice.below(5)].clone();
    let (method, params) = body(dice, modern);
    let message = match method {
        "initialize" => initialize_with(version, &capabilities(dice)),
        "" => response(dice, id),
        method if method.starts_with("notifications/") => notification(method, params),
        method if modern => request(id, method, declaring(params, capabilities(dice))),
        method => request(id, method, params),
    };
    (message, version)
}

fn body(dice: &mut Dice, modern: bool) -> (&'static str, Value) {
    let own = if modern {
        [("server/discover", json!({})), ("subscriptions/listen", listen(dice))]
    } else {
        [("initialize", json!({})), ("ping", json!({}))]
    };
    match dice.below(20) {
        0..=3 => ("tools/call", call(dice)),
        4..=6 => own[dice.below(2)].clone(),
        7..=9 => (dice.pick(LISTS), page(dice)),
        10 => ("prompts/get", json!({ "name": "old_test_simple_prompt", "arguments": {} })),
        11 => ("resources/read", json!({ "uri": dice.pick(URIS) })),
        12 => {
            (dice.pick(&["resources/subscribe", "resources/unsubscribe"]), json!({ "uri": dice.pick(URIS) }))
        }
        13 => ("completion/complete", completion(dice)),
        14 => ("logging/setLevel", json!({ "level": dice.pick(&["debug", "error", "loud"]) })),
        15 => (
            dice.pick(&["tasks/get", "tasks/cancel", "tasks/result", "tasks/update"]),
            json!({ "taskId": "old+1" }),
        ),
        16 => ("notifications/initialized", json!({})),
        17 => ("notifications/cancelled", json!({ "requestId": 1, "reason": "enough" })),
        18 => (
            dice.pick(&["notifications/progress", "notifications/roots/list_changed"]),
            json!({ "progressToken": 1, "progress": 1 }),
        ),
        _ => ("", json!({})),
    }
}

fn call(dice: &mut Dice) -> Value {
    let mut params = json!({ "name": dice.pick(TOOLS), "arguments": { "message": "hi", "timezone": "UTC", "token": "t" } });
    if dice.one_in(3) {
        params["_meta"] = json!({ "progressToken": dice.below(3) });
    }
    if dice.one_in(6) {
        params["task"] = json!({ "ttl": 1000 });
    }
    if dice.one_in(6) {
        params["inputResponses"] = json!({ "a": { "action": "accept", "content": {} } });
        params["requestState"] = json!("AAAA");
    }
    params
}

fn page(dice: &mut Dice) -> Value {
    match dice.below(4) {
        0 => json!({ "cursor": "WyJ0b29scyIsMSwyLCJhIl0" }),
        1 => json!({ "cursor": "" }),
        _ => json!({}),
    }
}

fn completion(dice: &mut Dice) -> Value {
    let reference = match dice.below(2) {
        0 => json!({ "type": "ref/prompt", "name": "old_test_simple_prompt" }),
        _ => json!({ "type": "ref/resource", "uri": "new+test://template/{id}/data" }),
    };
    json!({ "ref": reference, "argument": { "name": "a", "value": "b" } })
}

fn listen(dice: &mut Dice) -> Value {
    json!({ "notifications": { "toolsListChanged": true, "resourceSubscriptions": [dice.pick(URIS), dice.pick(URIS)] } })
}

fn response(dice: &mut Dice, id: Value) -> Value {
    match dice.below(2) {
        0 => json!({ "jsonrpc": "2.0", "id": id, "result": { "action": "accept", "content": {} } }),
        _ => json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -1, "message": "no" } }),
    }
}

fn capabilities(dice: &mut Dice) -> Value {
    match dice.below(3) {
        0 => {
            json!({ "elicitation": { "form": {}, "url": {} }, "sampling": { "tools": {} }, "roots": { "listChanged": true } })
        }
        1 => {
            json!({ "elicitation": {}, "experimental": { "x": {} }, "extensions": { "io.modelcontextprotocol/tasks": {} } })
        }
        _ => json!({}),
    }
}
