//! What a hostile target says: what a good one would, spoiled, in the middle of what nobody asked for.

use serde_json::{Value, json};

use crate::fuzz::dice::Dice;
use crate::fuzz::spoil::{odd, spoiled};

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// Which revision it speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    Legacy,
    Modern,
}

/// What a target says to one message, line by line. Nothing for what needs no answer.
pub(super) fn lines(dice: &mut Dice, era: Era, message: &Value, hostile: bool) -> Vec<Vec<u8>> {
    let asked = message.get("id").is_some() && message.get("method").is_some();
    let answer = asked.then(|| answer(dice, era, message, hostile));
    if !hostile {
        return answer.iter().map(|answer| answer.to_string().into_bytes()).collect();
    }
    let mut said = Vec::new();
    while dice.one_in(3) {
        said.push(unasked(dice, message));
    }
    // One in a while it says nothing, and whoever asked waits.
    if let Some(answer) = answer.filter(|_| !dice.one_in(25)) {
        said.push(if dice.one_in(3) { spoiled(dice, &answer) } else { answer.to_string().into_bytes() });
        if dice.one_in(20) {
            said.push(answer.to_string().into_bytes());
        }
    }
    while dice.one_in(4) {
        said.push(unasked(dice, message));
    }
    said
}

fn answer(dice: &mut Dice, era: Era, message: &Value, hostile: bool) -> Value {
    let method = message["method"].as_str().unwrap_or_default();
    let id = &message["id"];
    let result = match (method, era) {
        ("server/discover", Era::Modern) => {
            json!({ "supportedVersions": ["2026-07-28"], "capabilities": capabilities(), "instructions": "be nice" })
        }
        ("initialize", Era::Legacy) => {
            let versions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
            let version = if hostile { dice.pick(&versions) } else { versions[0] };
            let info = json!({ "name": "hostile", "version": "1" });
            json!({ "protocolVersion": version, "capabilities": capabilities(), "serverInfo": info })
        }
        ("tools/list", _) => list(dice, "tools", tools(), hostile),
        ("prompts/list", _) => {
            list(dice, "prompts", vec![json!({ "name": "good" }), json!({ "name": "other" })], hostile)
        }
        ("resources/list", _) => list(
            dice,
            "resources",
            vec![json!({ "uri": "x:good", "name": "good" }), json!({ "uri": "ui://p", "name": "p" })],
            hostile,
        ),
        ("resources/templates/list", _) => {
            list(dice, "resourceTemplates", vec![json!({ "uriTemplate": "x:{y}", "name": "good" })], hostile)
        }
        ("tools/call", _) if message["params"]["name"] == "good" && !hostile => {
            json!({ "content": [{ "type": "text", "text": "good" }] })
        }
        ("tools/call", _) => call(dice, era),
        ("prompts/get", _) => json!({ "messages": [{ "role": "user", "content": link() }] }),
        ("resources/read", _) => json!({ "contents": [{ "uri": "x:good", "text": "t" }] }),
        ("completion/complete", _) => {
            json!({ "completion": { "values": vec!["v"; dice.below(300)], "hasMore": 1 } })
        }
        ("subscriptions/listen", _) => json!({}),
        ("ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe", Era::Legacy) => {
            json!({})
        }
        _ => {
            return json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "Method not found" } });
        }
    };
    let mut result = result;
    if era == Era::Modern {
        result["_meta"] = json!({ SERVER_INFO: { "name": "hostile", "version": "1" } });
        if result.get("resultType").is_none() {
            result["resultType"] = json!("complete");
        }
        (result["ttlMs"], result["cacheScope"]) = (json!(500), json!("private"));
    }
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn capabilities() -> Value {
    json!({
        "tools": { "listChanged": true }, "prompts": { "listChanged": true }, "completions": {}, "logging": {},
        "resources": { "listChanged": true, "subscribe": true }, "tasks": { "requests": { "tools": { "call": {} } } },
        "extensions": { "io.modelcontextprotocol/tasks": {} },
    })
}

fn tools() -> Vec<Value> {
    let schema =
        json!({ "type": "object", "properties": { "a": { "type": "string", "x-mcp-header": "A" } } });
    let app = json!({ "ui": { "resourceUri": "ui://p" }, "ui/resourceUri": "ui://p" });
    vec![
        json!({ "name": "good", "inputSchema": { "type": "object" } }),
        json!({ "name": "mirrors", "inputSchema": schema, "outputSchema": { "type": "array" } }),
        json!({ "name": "app", "inputSchema": {}, "_meta": app, "annotations": { "readOnlyHint": true } }),
        json!({ "name": "task", "inputSchema": {}, "execution": { "taskSupport": "required" } }),
        json!({ "name": "a".repeat(90), "inputSchema": {} }),
    ]
}

/// A page of a list; a hostile one may have no last page.
fn list(dice: &mut Dice, key: &str, mut items: Vec<Value>, hostile: bool) -> Value {
    let mut result = json!({});
    if hostile {
        while dice.one_in(2) {
            items.push(odd(dice));
        }
        match dice.below(12) {
            0 => result["nextCursor"] = json!("again"),
            1 => result["nextCursor"] = json!(dice.number().to_string()),
            2 => result["nextCursor"] = odd(dice),
            _ => {}
        }
    }
    result[key] = json!(items);
    result
}

fn link() -> Value {
    json!({ "type": "resource_link", "uri": "x:good", "name": "good" })
}

fn call(dice: &mut Dice, era: Era) -> Value {
    let blocks = json!([
        { "type": "text", "text": "t" }, link(), { "type": "resource", "resource": { "uri": "x:y", "text": "t" } },
        { "type": "audio", "data": "AA==", "mimeType": "a/b" }, { "type": "tool_result", "content": [link()] },
    ]);
    let requests = json!({
        "a": { "method": "elicitation/create", "params": { "message": "m", "requestedSchema": {} } },
        "b": { "method": "sampling/createMessage", "params": { "messages": [{ "role": "user", "content": link() }] } },
        "c": { "method": "roots/list" },
    });
    match (dice.below(6), era) {
        (0, Era::Modern) => {
            json!({ "resultType": "input_required", "inputRequests": requests, "requestState": "s" })
        }
        (1, Era::Modern) => {
            json!({ "resultType": "task", "task": { "taskId": "1", "status": "working", "pollIntervalMs": 1 } })
        }
        (1, Era::Legacy) => json!({ "task": { "taskId": "1", "status": "working", "pollInterval": 1 } }),
        (2, _) => json!({ "content": blocks, "structuredContent": { "uri": "x" }, "isError": true }),
        _ => json!({ "content": blocks }),
    }
}

/// Something that nobody asked for, about what was asked or not.
fn unasked(dice: &mut Dice, about: &Value) -> Vec<u8> {
    let id = if dice.one_in(2) { about["id"].clone() } else { json!(dice.below(40)) };
    let token = if dice.one_in(2) { about["params"]["_meta"]["progressToken"].clone() } else { id.clone() };
    let (method, params) = match dice.below(14) {
        0 => (
            "notifications/progress",
            json!({ "progressToken": token, "progress": 1, "total": 2, "message": "m" }),
        ),
        1 => ("notifications/message", json!({ "level": "error", "logger": "l", "data": { "uri": "x:y" } })),
        2 => ("notifications/tools/list_changed", json!({})),
        3 => ("notifications/prompts/list_changed", json!({ "_meta": { SUBSCRIPTION: id } })),
        4 => ("notifications/resources/updated", json!({ "uri": "x:good", "_meta": { SUBSCRIPTION: id } })),
        5 => ("notifications/cancelled", json!({ "requestId": id, "reason": "r" })),
        6 => ("notifications/subscriptions/acknowledged", json!({ "_meta": { SUBSCRIPTION: id } })),
        7 => ("notifications/tasks/status", json!({ "taskId": "1", "status": "completed" })),
        8 => ("notifications/elicitation/complete", json!({ "elicitationId": "1" })),
        9 => return spoiled(dice, &json!({ "jsonrpc": "2.0", "id": id, "result": {} })),
        10 => {
            return spoiled(
                dice,
                &json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32042, "message": "m", "data": { "elicitations": [{ "url": "http://x", "elicitationId": "1" }] } } }),
            );
        }
        11 => {
            return request(
                dice,
                id,
                "elicitation/create",
                json!({ "message": "m", "requestedSchema": { "type": "object", "properties": {} } }),
            );
        }
        12 => {
            return request(
                dice,
                id,
                "sampling/createMessage",
                json!({ "messages": [{ "role": "user", "content": link() }], "maxTokens": 1 }),
            );
        }
        _ => {
            let method = dice.pick(&["ping", "roots/list", "nobody/knows", "tools/call", "tasks/get"]);
            return request(dice, id, method, json!({}));
        }
    };
    let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
    if dice.one_in(2) { spoiled(dice, &message) } else { message.to_string().into_bytes() }
}

fn request(dice: &mut Dice, id: Value, method: &str, params: Value) -> Vec<u8> {
    let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    if dice.one_in(2) { spoiled(dice, &message) } else { message.to_string().into_bytes() }
}
