//! Targets that fail, each in its way: the others go on, and whoever looks is told what is wrong.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::fixture::{self, Era, Settings};
use tokio::time::timeout;

use crate::client::{
    Ask, EXE, Gateway, Session, backend, builtin, enveloped, eventually, free_port, listener, names, remote,
    request, serving, shell, stdio, text_of, with_bind,
};

const TIME: [&str; 2] = ["time_get_current_time", "time_convert_time"];

/// What a list says of targets that are not in it.
fn missing(answer: &Value) -> &Value {
    &answer["result"]["_meta"]["agentgateway.dev/missingTargets"]
}

/// How an MCP server written in Python ends when it lacks a setting.
const TRACEBACK: &str = r#"printf 'Traceback (most recent call last):\n  File "server.py", line 3, in <module>\nKeyError: API_KEY\n' >&2; exit 3"#;

#[tokio::test]
async fn targets_that_cannot_start_are_named_and_the_others_are_served() {
    let port = free_port().await;
    let refusing = remote("refusing", &format!("http://127.0.0.1:{port}/mcp"));
    let targets =
        vec![stdio("typo", "no-such-command", &[]), shell("crashing", TRACEBACK), builtin("time"), refusing];
    let gateway = Gateway::start(&serving(targets)).await;
    let session = Session::open(gateway.address()).await;
    let listed = session.call("tools/list", json!({})).await;
    assert_eq!(names(&listed), TIME);
    let of = |name: &str| {
        let all = missing(&listed).as_array().unwrap_or_else(|| panic!("none is missing in {listed}"));
        all.iter().find(|target| target["name"] == name).unwrap_or_else(|| panic!("no {name} in {all:?}"))
    };
    assert_eq!(missing(&listed).as_array().map(Vec::len), Some(3));
    let reasons = [
        ("typo", "command `no-such-command` was not found on PATH"),
        ("crashing", "exited with code 3: KeyError: API_KEY"),
        ("refusing", "refused"),
    ];
    for (name, reason) in reasons {
        assert_eq!(of(name)["status"], "failing");
        assert!(of(name)["reason"].as_str().is_some_and(|text| text.contains(reason)), "{}", of(name));
        // The same in the log, in one line, and in the status.
        let line = gateway.logged(&format!("target `{name}` is not available")).await;
        assert!(line.contains(reason) && line.contains("next attempt in"), "{line}");
        let shown = gateway.target(name).await.expect("a target");
        assert_eq!(shown["state"], "failing", "{shown}");
        assert!(shown["reason"].as_str().is_some_and(|text| text.contains(reason)), "{shown}");
    }
    let words = of("crashing")["stderr"].as_array().and_then(|lines| lines.last());
    assert_eq!(words, Some(&json!("KeyError: API_KEY")));
    assert_eq!(
        gateway.target("crashing").await.expect("a target")["stderr"][0],
        "Traceback (most recent call last):"
    );

    let called = session.tool("time_get_current_time", json!({ "timezone": "UTC" })).await;
    assert!(called["result"]["isError"] != true && called.get("result").is_some(), "{called}");
    for (name, _) in reasons {
        let tool = format!("{name}_anything");
        let answer = timeout(Duration::from_secs(5), session.tool(&tool, json!({})))
            .await
            .expect("the refusal takes long");
        assert_eq!(answer["error"]["code"], -32603, "{answer}");
        assert_eq!(answer["error"]["message"], format!("target `{name}` is not available"));
    }
    let modern = Ask::modern("tools/list", json!({})).send(gateway.address()).await.json().await;
    assert_eq!(
        (names(&modern), missing(&modern)[0]["name"].as_str()),
        (TIME.map(String::from).to_vec(), Some("typo"))
    );
    // An incomplete list is not to be kept.
    assert_eq!(modern["result"]["ttlMs"], 0);
}

#[tokio::test]
async fn a_target_that_says_nothing_holds_up_the_first_list_for_a_while_and_no_more() {
    let gateway = Gateway::start(&serving(vec![shell("silent", "cat >/dev/null"), builtin("time")])).await;
    let session = Session::open(gateway.address()).await;
    let listed = session.call("tools/list", json!({})).await;
    assert_eq!(names(&listed), TIME);
    assert_eq!(missing(&listed), &json!([{ "name": "silent", "status": "starting" }]));
    let again =
        timeout(Duration::from_secs(3), session.call("tools/list", json!({}))).await.expect("it waits again");
    assert_eq!(names(&again), TIME);
    let called = session.tool("time_get_current_time", json!({ "timezone": "UTC" }));
    let called = timeout(Duration::from_secs(3), called).await.expect("it waits for the other target");
    assert!(called.get("result").is_some(), "{called}");
}

#[tokio::test]
async fn fail_closed_fails_lists_and_nothing_else() {
    let mut config = serving(vec![builtin("time"), stdio("typo", "no-such-command", &[])]);
    config["binds"][0]["listeners"][0]["routes"][0]["backends"][0]["mcp"]["failureMode"] =
        json!("failClosed");
    let gateway = Gateway::start(&config).await;
    let session = Session::open(gateway.address()).await;
    let listed = session.call("tools/list", json!({})).await;
    assert_eq!(listed["error"]["code"], -32603, "{listed}");
    assert!(
        listed["error"]["message"].as_str().is_some_and(|text| text.contains("`typo` is not available")),
        "{listed}"
    );
    let modern = Ask::modern("tools/list", json!({})).send(gateway.address()).await;
    assert_eq!(modern.status, 200);
    assert_eq!(modern.json().await["error"]["code"], -32603);
    let called = session.tool("time_get_current_time", json!({ "timezone": "UTC" })).await;
    assert!(called.get("result").is_some(), "{called}");
}

#[tokio::test]
async fn a_target_that_comes_back_appears_and_clients_are_told() {
    let port = free_port().await;
    let target = remote("late", &format!("http://127.0.0.1:{port}/mcp"));
    let gateway = Gateway::start(&serving(vec![builtin("time"), target])).await;
    let session = Session::open(gateway.address()).await;
    assert_eq!(session.tools().await, TIME);
    let mut stream = session.stream().await;
    let settings = Settings { tools: Some(3), ..Settings::default() };
    let fixture = fixture::serve(settings, port).await.expect("the port is still free");
    let complete = async |stream: &mut crate::client::Events| loop {
        stream.until("notifications/tools/list_changed").await;
        let listed = session.call("tools/list", json!({})).await;
        if missing(&listed).is_null() {
            return names(&listed);
        }
    };
    let appeared = complete(&mut stream).await;
    assert_eq!(appeared[2..], ["late_tool_0000", "late_tool_0001", "late_tool_0002"]);
    gateway.logged("target `late` is ready again").await;
    assert!(session.tool("late_tool_0001", json!({})).await.get("result").is_some());
    // And gone again: calls fail at once, with the target's name.
    fixture.stop();
    let refused = async || {
        let answer = session.tool("late_tool_0001", json!({})).await;
        answer["error"]["message"].as_str().filter(|text| text.contains("target `late`")).map(str::to_owned)
    };
    eventually("an error that names the target", refused).await;
    assert!(
        session.tool("time_get_current_time", json!({ "timezone": "UTC" })).await.get("result").is_some()
    );
}

#[tokio::test]
async fn a_command_that_works_later_is_tried_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    let line = format!(
        "test -f {} || {{ echo 'Error: no token' >&2; exit 1; }}; exec {EXE} builtin time",
        file.display()
    );
    let gateway = Gateway::start(&serving(vec![builtin("everything"), shell("time", &line)])).await;
    let session = Session::open(gateway.address()).await;
    assert_eq!(session.tools().await.len(), 6);
    let mut stream = session.stream().await;
    std::fs::write(&file, "").expect("a file");
    // The first list may be told of once more, if it was asked for just before that was said.
    let mut tools = 6;
    while tools == 6 {
        stream.until("notifications/tools/list_changed").await;
        tools = session.tools().await.len();
    }
    assert_eq!(tools, 8);
    gateway.ready("time").await;
}

/// A gateway with a limit that the lists of its two targets keep.
async fn limited() -> (testkit::Served, Gateway, Session) {
    let fixture = fixture::serve_http(fixture::Era::Both).await.expect("a fixture");
    let mut config = serving(vec![builtin("everything"), remote("fixture", &fixture.url)]);
    config["config"]["limits"] = json!({ "responseBody": 50_000 });
    let gateway = Gateway::start(&config).await;
    let session = Session::open(gateway.address()).await;
    (fixture, gateway, session)
}

/// The message of the error that a call for a large answer ends with.
async fn overdone(session: &Session, tool: &str) -> String {
    let answer = session.tool(tool, json!({ "message": "x".repeat(60_000) })).await;
    answer["error"]["message"].as_str().unwrap_or_else(|| panic!("{tool} passed")).to_owned()
}

#[tokio::test]
async fn an_answer_beyond_the_limit_over_http_fails_its_call_alone() {
    let (_fixture, gateway, session) = limited().await;
    let text = overdone(&session, "fixture_test_echo").await;
    assert!(text.contains("`fixture` sent an answer larger than"), "{text}");
    let small = session.tool("fixture_test_echo", json!({ "message": "small" })).await;
    assert!(text_of(&small).contains("small"));
    assert_eq!(gateway.target("fixture").await.expect("a target")["restarts"], 0);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_over_a_pipe_starts_the_target_again() {
    let (_fixture, gateway, session) = limited().await;
    let pid = gateway.ready("everything").await;
    let text = overdone(&session, "everything_echo").await;
    assert!(text.contains("`everything` sent an answer larger than"), "{text}");
    let other = session.tool("fixture_test_echo", json!({ "message": "small" })).await;
    assert!(text_of(&other).contains("small"));
    // FIXME: one large answer costs everyone their calls to the target, and the next ones fail until it is back.
    let again = async || {
        let answer = session.tool("everything_echo", json!({ "message": "small" })).await;
        answer.get("result").map(|_| ())
    };
    eventually("the target is back", again).await;
    assert_ne!(gateway.ready("everything").await, pid);
}

#[tokio::test]
async fn noise_on_standard_output_is_no_message() {
    let noise =
        r#"echo 'Starting server...'; echo; echo '{"level":"info"}'; echo '[1,2'; printf '\377\376\n'; "#;
    let line = format!("{noise} exec {EXE} builtin time");
    let gateway = Gateway::start(&serving(vec![shell("noisy", &line), builtin("time")])).await;
    let session = Session::open(gateway.address()).await;
    let tools = session.tools().await;
    assert_eq!(tools[..2], ["noisy_get_current_time", "noisy_convert_time"]);
    let called = session.tool("noisy_get_current_time", json!({ "timezone": "UTC" })).await;
    assert!(called.get("result").is_some(), "{called}");
    assert_eq!(gateway.target("noisy").await.expect("a target")["restarts"], 0);
}

#[tokio::test]
async fn a_target_that_dies_again_and_again_does_not_disturb_the_others() {
    let line = format!(
        "exec 3<&0; {EXE} builtin everything <&3 & sleep 0.3; kill $!; echo 'Error: out of memory' >&2; exit 137"
    );
    let gateway = Gateway::start(&serving(vec![shell("dying", &line), builtin("time")])).await;
    let session = Session::open(gateway.address()).await;
    let restarted = async || {
        gateway.target("dying").await.filter(|target| target["restarts"].as_u64() >= Some(2)).map(|_| ())
    };
    let pid = gateway.ready("time").await;
    let calls = async {
        loop {
            let called = session.tool("time_get_current_time", json!({ "timezone": "UTC" })).await;
            assert!(called.get("result").is_some(), "{called}");
        }
    };
    tokio::select! {
        () = eventually("two restarts", restarted) => {}
        () = calls => {}
    }
    assert_eq!(gateway.ready("time").await, pid);
}

#[tokio::test]
async fn several_backends_share_requests_by_weight_and_sessions_stay_with_theirs() {
    let weighted = |weight: u32, target: Value| {
        let mut backend = backend(vec![target]);
        backend["weight"] = json!(weight);
        backend
    };
    let never = weighted(0, shell("never", &format!("exec {EXE} builtin everything")));
    let listener = listener(vec![weighted(1, builtin("time")), never, weighted(1, builtin("everything"))]);
    let gateway = Gateway::start(&with_bind(json!({ "port": 0, "listeners": [listener] }))).await;
    let mut sessions = Vec::new();
    for _ in 0..24 {
        let session = Session::open(gateway.address()).await;
        let tools = session.tools().await;
        sessions.push((session, tools));
    }
    // One in millions would fail by chance.
    assert!(
        sessions.iter().any(|(_, tools)| tools.len() == 2)
            && sessions.iter().any(|(_, tools)| tools.len() == 6)
    );
    for (session, tools) in &sessions {
        assert_eq!(&session.tools().await, tools);
        let stream = Ask::stream(&session.id).send(session.address).await;
        assert_eq!(stream.status, 200);
    }
    let status = gateway.status().await;
    let counts: Vec<u64> =
        (0..3).map(|index| status["backends"][index]["sessions"].as_u64().expect("a number")).collect();
    assert_eq!((counts[0] + counts[2], counts[1]), (24, 0), "{counts:?}");
    let mut seen = [0, 0];
    for _ in 0..24 {
        let listed = Ask::modern("tools/list", json!({})).send(gateway.address()).await.json().await;
        seen[usize::from(names(&listed).len() == 6)] += 1;
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
    let (session, _) = &sessions[0];
    let end = Ask::new(http::Method::DELETE, "/mcp").with("mcp-session-id", &session.id);
    assert!(end.send(session.address).await.status < 300);
    assert_eq!(session.post(crate::client::request(1, "ping", json!({}))).await.status, 404);
}

#[tokio::test]
async fn the_next_round_of_a_call_finds_the_backend_that_asked() {
    let fixture = fixture::serve_http(Era::Legacy).await.expect("a fixture");
    let backends = (0..4).map(|_| backend(vec![remote("fixture", &fixture.url)])).collect();
    let bind = json!({ "port": 0, "listeners": [listener(backends)] });
    let gateway = Gateway::start(&with_bind(bind)).await;
    gateway.ready("fixture").await;
    let call = async |more: Value| {
        let mut params = enveloped(json!({ "name": "test_elicitation", "arguments": {} }));
        params.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let ask = Ask::modern("tools/call", params.clone());
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({ "elicitation": {} });
        let ask = ask.saying(request(1, "tools/call", params));
        ask.send(gateway.address()).await.answer().await["result"].clone()
    };
    for _ in 0..12 {
        let asked = call(json!({})).await;
        assert_eq!(asked["resultType"], "input_required", "{asked}");
        let answer = json!({ "action": "accept", "content": { "username": "ann", "email": "a@b.example" } });
        let keys = asked["inputRequests"].as_object().expect("requests").keys();
        let answers: Value = keys.map(|key| (key.clone(), answer.clone())).collect();
        let done = call(json!({ "inputResponses": answers, "requestState": asked["requestState"] })).await;
        // One in millions would pass by chance.
        assert_eq!(done["resultType"], "complete", "{done}");
    }
}
