//! Conversations with the built-in servers: lines in, lines out.

use std::io::{self, BufRead, BufReader, Write};
use std::thread;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::everything::Everything;
use super::server::{self, Service};
use super::time::Time;

/// Says the lines one after the other, each after the answer to the one before, and collects what came back.
/// A line that begins with `!` is not waited for.
fn talk(service: &dyn Service, lines: &[String]) -> Vec<Value> {
    let (input, mut say) = io::pipe().unwrap();
    let (hear, output) = io::pipe().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| server::serve(service, BufReader::new(input), output).unwrap());
        let mut answers =
            BufReader::new(hear).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        let mut heard: Vec<Value> = Vec::new();
        for line in lines {
            writeln!(say, "{}", line.trim_start_matches('!')).unwrap();
            let mut answered = line.starts_with('!');
            while !answered {
                let message: Value = answers.next().unwrap();
                answered = message.get("id").is_some();
                heard.push(message);
            }
        }
        drop(say);
        heard.extend(answers);
        heard
    })
}

fn legacy(id: u64, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

fn modern(id: u64, method: &str, params: &Value) -> String {
    let mut params = params.clone();
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    legacy(id, method, &params)
}

fn notify(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string()
}

fn hello(version: &str) -> String {
    let client = json!({"name": "test", "version": "1"});
    legacy(0, "initialize", &json!({"protocolVersion": version, "capabilities": {}, "clientInfo": client}))
}

/// The only answer to one line of a client that needs no handshake.
fn ask(service: &dyn Service, method: &str, params: &Value) -> Value {
    let mut heard = talk(service, &[modern(1, method, params)]);
    assert_eq!(heard.len(), 1, "{heard:?}");
    heard.remove(0)
}

fn code(answer: &Value) -> &Value {
    &answer["error"]["code"]
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn a_server_that_does_not_exist_is_answered_with_those_that_do() {
    let error = super::run("tim").unwrap_err().to_string();
    assert_eq!(error, r#"no built-in server is called "tim"; there are: time, everything"#);
}

// ---- The loop

#[test]
fn the_handshake_settles_a_revision_that_both_know() {
    for (asked, settled) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ] {
        let heard =
            talk(&Time, &[hello(asked), format!("!{}", notify("notifications/initialized", &json!({})))]);
        assert_eq!(heard.len(), 1, "a notification is not answered");
        assert_eq!(heard[0]["result"]["protocolVersion"], settled);
        assert_eq!(heard[0]["result"]["serverInfo"]["name"], "agentgateway-time");
    }
}

#[test]
fn a_legacy_result_says_nothing_modern() {
    let heard = talk(&Time, &[hello("2025-06-18"), legacy(1, "tools/list", &json!({}))]);
    assert_eq!(names(&heard[1]["result"]["tools"]), ["get_current_time", "convert_time"]);
    assert_eq!(heard[1]["result"].as_object().unwrap().keys().collect::<Vec<_>>(), ["tools"]);
}

#[test]
fn a_modern_client_needs_no_handshake_and_is_told_how_long_a_list_holds() {
    let answer = ask(&Time, "tools/list", &json!({}));
    let result = &answer["result"];
    assert_eq!(names(&result["tools"]), ["get_current_time", "convert_time"]);
    assert_eq!(result["resultType"], "complete");
    assert_eq!(result["cacheScope"], "public");
    assert!(result["ttlMs"].is_u64());
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "agentgateway-time");
}

#[test]
fn discover_names_the_modern_revision_only() {
    let answer = ask(&Everything, "server/discover", &json!({}));
    assert_eq!(answer["result"]["supportedVersions"], json!(["2026-07-28"]));
    assert!(answer["result"]["capabilities"]["completions"].is_object());
}

#[test]
fn a_client_that_probed_may_still_shake_hands() {
    let heard = talk(
        &Time,
        &[modern(1, "server/discover", &json!({})), hello("2025-06-18"), legacy(2, "ping", &json!({}))],
    );
    assert_eq!(heard[2], json!({"jsonrpc": "2.0", "id": 2, "result": {}}));
}

#[test]
fn both_eras_may_be_spoken_in_turn() {
    let heard = talk(
        &Time,
        &[
            hello("2025-11-25"),
            modern(1, "tools/list", &json!({})),
            legacy(2, "tools/list", &json!({})),
            modern(3, "ping", &json!({})),
            legacy(4, "server/discover", &json!({})),
        ],
    );
    assert_eq!(heard[1]["result"]["resultType"], "complete");
    assert_eq!(heard[2]["result"].get("resultType"), None);
    assert_eq!(*code(&heard[3]), -32601);
    assert_eq!(*code(&heard[4]), -32601);
}

#[test]
fn a_revision_that_is_not_served_is_answered_with_those_that_are() {
    let params = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2099-01-01"}});
    let heard = talk(&Time, &[legacy(1, "tools/list", &params)]);
    assert_eq!(*code(&heard[0]), -32022);
    assert_eq!(heard[0]["error"]["data"], json!({"supported": ["2026-07-28"], "requested": "2099-01-01"}));
}

#[test]
fn a_modern_request_without_capabilities_is_refused() {
    let params = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}});
    assert_eq!(*code(&talk(&Time, &[legacy(1, "tools/list", &params)])[0]), -32602);
}

#[test]
fn before_the_handshake_only_a_ping_is_answered() {
    let heard = talk(&Time, &[legacy(1, "ping", &json!({})), legacy(2, "tools/list", &json!({}))]);
    assert_eq!(heard[0]["result"], json!({}));
    assert_eq!(*code(&heard[1]), -32602);
}

#[test]
fn what_is_not_a_request_is_answered_as_such() {
    for (line, id, expected) in [
        ("{", json!(null), -32700),
        ("7", json!(null), -32600),
        ("[]", json!(null), -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, json!(1), -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, json!(null), -32600),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, json!(null), -32600),
        (r#"{"jsonrpc":"2.0","id":"a","method":"ping","params":[]}"#, json!("a"), -32602),
        (r#"{"jsonrpc":"2.0","id":"a","method":"initialize"}"#, json!("a"), -32602),
    ] {
        let heard = talk(&Time, &[line.into()]);
        assert_eq!((&heard[0]["id"], code(&heard[0])), (&id, &json!(expected)), "{line}");
    }
}

#[test]
fn a_line_that_is_not_text_does_not_end_the_conversation() {
    let mut heard = Vec::new();
    let lines = [b"\xff\n", legacy(1, "ping", &json!({})).as_bytes()].concat();
    server::serve(&Time, lines.as_slice(), &mut heard).unwrap();
    let heard: Vec<Value> = heard.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert_eq!(*code(&heard[0]), -32700);
    assert_eq!(heard[1]["result"], json!({}));
}

#[test]
fn empty_lines_and_answers_to_nothing_are_passed_over() {
    let heard = talk(
        &Time,
        &["!".into(), r#"!{"jsonrpc":"2.0","id":5,"result":{}}"#.into(), legacy(1, "ping", &json!({}))],
    );
    assert_eq!(heard, [json!({"jsonrpc": "2.0", "id": 1, "result": {}})]);
}

#[test]
fn a_batch_is_served_in_the_one_revision_that_has_them() {
    let batch = format!("![{},{}]", legacy(1, "ping", &json!({})), legacy(2, "nonsense", &json!({})));
    let heard = talk(&Time, &[hello("2025-03-26"), batch.clone()]);
    assert_eq!(heard[1]["result"], json!({}));
    assert_eq!(*code(&heard[2]), -32601);
    let heard = talk(&Time, &[hello("2025-06-18"), batch]);
    assert_eq!(heard.len(), 2);
    assert_eq!(*code(&heard[1]), -32600);
}

#[test]
fn unknown_things_are_named_in_the_error() {
    for (method, params, expected) in [
        ("resources/list", json!({}), -32601),
        ("no/such", json!({}), -32601),
        ("tools/call", json!({"name": "nope"}), -32602),
        ("tools/call", json!({}), -32602),
        ("tools/list", json!({"cursor": "x"}), -32602),
    ] {
        assert_eq!(*code(&ask(&Time, method, &params)), expected, "{method} {params}");
    }
}

#[test]
fn a_subscription_is_acknowledged_and_ends_because_nothing_changes() {
    let heard = talk(
        &Everything,
        &[modern(7, "subscriptions/listen", &json!({"notifications": {"toolsListChanged": true}}))],
    );
    let id = json!({"io.modelcontextprotocol/subscriptionId": 7});
    assert_eq!(heard[0]["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(heard[0]["params"], json!({"notifications": {}, "_meta": id}));
    assert_eq!(heard[1]["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 7);
    assert_eq!(heard[1]["result"]["resultType"], "complete");
}

// ---- time

#[test]
fn the_time_is_given_as_data_and_as_text() {
    let call = json!({"name": "get_current_time", "arguments": {"timezone": "asia/tokyo"}});
    let answer = ask(&Time, "tools/call", &call);
    let data = &answer["result"]["structuredContent"];
    assert_eq!(data["timezone"], "Asia/Tokyo");
    assert_eq!(data["is_dst"], false);
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), *data);
    let moment = data["datetime"].as_str().unwrap();
    assert!(moment.ends_with("+09:00"), "{moment}");
    let apart = moment.parse::<Timestamp>().unwrap().duration_since(Timestamp::now());
    assert!(apart.as_secs().abs() < 60, "{moment}");
}

#[test]
fn times_are_converted_and_their_difference_is_spelt_as_python_does() {
    for (source, target, difference) in [
        ("Etc/UTC", "Asia/Tokyo", "+9.0h"),
        ("Asia/Kathmandu", "Etc/UTC", "-5.75h"),
        ("Asia/Kolkata", "Etc/UTC", "-5.5h"),
        ("Etc/UTC", "Etc/UTC", "+0.0h"),
    ] {
        let arguments = json!({"source_timezone": source, "time": "16:30", "target_timezone": target});
        let answer = ask(&Time, "tools/call", &json!({"name": "convert_time", "arguments": arguments}));
        let data = &answer["result"]["structuredContent"];
        assert_eq!(data["time_difference"], difference, "{source} to {target}");
        assert!(data["source"]["datetime"].as_str().unwrap().contains("T16:30:00"));
        assert_eq!(data["target"]["timezone"], target);
    }
}

#[test]
fn what_a_model_got_wrong_is_explained_to_it() {
    for (arguments, hint) in [
        (json!({"source_timezone": "Mars/Base", "time": "16:30", "target_timezone": "Etc/UTC"}), "Mars/Base"),
        (json!({"source_timezone": "Etc/UTC", "time": "25:30", "target_timezone": "Etc/UTC"}), "HH:MM"),
        (json!({"source_timezone": "Etc/UTC", "time": "16:30"}), "target_timezone"),
        (json!({"source_timezone": 5, "time": "16:30", "target_timezone": "Etc/UTC"}), "string"),
    ] {
        let answer = ask(&Time, "tools/call", &json!({"name": "convert_time", "arguments": arguments}));
        assert_eq!(answer["result"]["isError"], true, "{arguments}");
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(hint), "{text}");
    }
}

// ---- everything

#[test]
fn each_tool_gives_its_kind_of_content() {
    for (name, arguments, content) in [
        ("echo", json!({"message": "hi"}), json!({"type": "text", "text": "Echo: hi"})),
        ("add", json!({"a": 2, "b": 0.5}), json!({"type": "text", "text": "The sum of 2 and 0.5 is 2.5."})),
        (
            "get_embedded_resource",
            json!({"id": 3}),
            json!({"type": "resource", "resource": {
                "uri": "demo://resource/3", "mimeType": "text/plain", "text": "This is resource 3.",
            }}),
        ),
        (
            "get_resource_link",
            json!({}),
            json!({
                "type": "resource_link", "uri": "demo://resource/1", "name": "1",
                "description": "An example of a resource", "mimeType": "text/plain",
            }),
        ),
    ] {
        let answer = ask(&Everything, "tools/call", &json!({"name": name, "arguments": arguments}));
        assert_eq!(answer["result"]["content"], json!([content]));
    }
    let image = ask(&Everything, "tools/call", &json!({"name": "get_tiny_image"}));
    assert_eq!(image["result"]["content"][0]["mimeType"], "image/png");
}

#[test]
fn a_long_operation_reports_each_step_to_who_asked_for_it() {
    let call = json!({
        "name": "long_operation",
        "arguments": {"duration": 0, "steps": 2},
        "_meta": {"progressToken": "t"},
    });
    let heard = talk(&Everything, &[modern(1, "tools/call", &call)]);
    assert_eq!(heard.len(), 3);
    for (step, note) in heard[..2].iter().enumerate() {
        let message = format!("step {} of 2", step + 1);
        let params = json!({"progressToken": "t", "progress": step + 1, "total": 2, "message": message});
        assert_eq!(*note, json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}));
    }
    assert_eq!(heard[2]["result"]["resultType"], "complete");
}

#[test]
fn a_cancelled_call_is_not_answered_and_holds_nothing_up() {
    let call = json!({"name": "long_operation", "arguments": {"duration": 3600}});
    let heard = talk(
        &Everything,
        &[
            format!("!{}", modern(1, "tools/call", &call)),
            modern(1, "tools/call", &call),
            format!("!{}", notify("notifications/cancelled", &json!({"requestId": 1}))),
            modern(1, "tools/call", &json!({"name": "echo", "arguments": {"message": "free"}})),
        ],
    );
    assert_eq!(*code(&heard[0]), -32600, "the id is in use");
    assert_eq!(heard[1]["result"]["content"][0]["text"], "Echo: free", "the id can be used again");
    assert_eq!(heard.len(), 2);
}

#[test]
fn when_the_input_ends_nothing_waits_any_longer() {
    let call = json!({"name": "long_operation", "arguments": {"duration": 3600}});
    assert_eq!(talk(&Everything, &[format!("!{}", modern(1, "tools/call", &call))]), [] as [Value; 0]);
}

#[test]
fn the_call_after_the_last_allowed_one_is_refused() {
    let call = json!({"name": "long_operation", "arguments": {"duration": 3600}});
    let mut lines: Vec<_> = (1..=64).map(|id| format!("!{}", modern(id, "tools/call", &call))).collect();
    lines.push(modern(65, "tools/call", &call));
    let heard = talk(&Everything, &lines);
    assert_eq!(heard.len(), 1);
    assert_eq!((&heard[0]["id"], code(&heard[0])), (&json!(65), &json!(-32603)));
}

#[test]
fn resources_are_found_by_their_uri() {
    let read = |uri: &str| ask(&Everything, "resources/read", &json!({"uri": uri}));
    assert_eq!(read("demo://resource/static")["result"]["contents"][0]["mimeType"], "text/plain");
    assert_eq!(read("demo://resource/7")["result"]["contents"][0]["text"], "This is resource 7.");
    for unknown in ["demo://resource/07", "demo://resource/", "file:///etc/passwd"] {
        assert_eq!(*code(&read(unknown)), -32602, "{unknown}");
    }
    let params = json!({"uri": "demo://resource/x"});
    let heard = talk(&Everything, &[hello("2025-11-25"), legacy(1, "resources/read", &params)]);
    assert_eq!(*code(&heard[1]), -32002);
    assert_eq!(heard[1]["error"]["data"], params);
}

#[test]
fn a_prompt_takes_its_arguments() {
    let simple = ask(&Everything, "prompts/get", &json!({"name": "simple_prompt"}));
    assert_eq!(simple["result"]["messages"].as_array().unwrap().len(), 1);
    let arguments = json!({"temperature": "0.7", "style": "formal"});
    let complex = ask(&Everything, "prompts/get", &json!({"name": "complex_prompt", "arguments": arguments}));
    let question = complex["result"]["messages"][0]["content"]["text"].as_str().unwrap();
    assert!(question.contains("0.7") && question.contains("formal"));
    assert_eq!(*code(&ask(&Everything, "prompts/get", &json!({"name": "complex_prompt"}))), -32602);
    assert_eq!(*code(&ask(&Everything, "prompts/get", &json!({"name": "other"}))), -32602);
}

#[test]
fn completion_offers_what_begins_like_the_word() {
    let complete = |about: Value, argument: &str, value: &str| {
        let params = json!({"ref": about, "argument": {"name": argument, "value": value}});
        ask(&Everything, "completion/complete", &params)
    };
    let prompt = json!({"type": "ref/prompt", "name": "complex_prompt"});
    let styles = complete(prompt.clone(), "style", "f");
    let expected = json!({"values": ["formal", "friendly"], "total": 2, "hasMore": false});
    assert_eq!(styles["result"]["completion"], expected);
    let template = json!({"type": "ref/resource", "uri": "demo://resource/{id}"});
    let ids = complete(template, "id", "");
    assert_eq!(ids["result"]["completion"]["values"].as_array().unwrap().len(), 100);
    assert_eq!(ids["result"]["completion"]["hasMore"], true);
    assert_eq!(*code(&complete(prompt, "colour", "")), -32602);
}

#[test]
fn log_messages_go_to_who_asked_for_them() {
    let echo = json!({"name": "echo", "arguments": {"message": "hi"}});
    let with_level = |level: &str| {
        let mut params = echo.clone();
        params["_meta"]["io.modelcontextprotocol/logLevel"] = json!(level);
        talk(&Everything, &[modern(1, "tools/call", &params)])
    };
    assert_eq!(with_level("info")[0]["params"]["level"], "info");
    assert_eq!(with_level("warning").len(), 1);
    assert_eq!(*code(&with_level("loud")[0]), -32602);
    let set = |level: &str| legacy(1, "logging/setLevel", &json!({"level": level}));
    let call = legacy(2, "tools/call", &echo);
    let heard = talk(&Everything, &[hello("2025-06-18"), call.clone(), set("debug"), call, set("loud")]);
    let methods: Vec<_> = heard.iter().filter_map(|message| message["method"].as_str()).collect();
    assert_eq!(methods, ["notifications/message"]);
    assert_eq!(*code(heard.last().unwrap()), -32602);
    assert_eq!(*code(&talk(&Time, &[hello("2025-06-18"), set("debug")])[1]), -32601);
}
