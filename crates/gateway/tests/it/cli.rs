//! The command line, exit codes, and how the program stops.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{
    EXE, Gateway, Session, builtin, eventually, initialize, is_alive, local, pid_of, request, run, serving,
    shell, signal, text_of, with_bind,
};

#[tokio::test]
async fn the_version_and_the_help_are_printed() {
    let version = run(&["-V"], "").await;
    assert_eq!(
        (version.code, version.out.trim()),
        (Some(0), concat!("agentgateway ", env!("CARGO_PKG_VERSION")))
    );
    let help = run(&["--help"], "").await;
    assert_eq!(help.code, Some(0));
    for part in
        ["Many MCP servers behind one endpoint", "--file", "--config", "--validate-only", "schema", "builtin"]
    {
        assert!(help.out.contains(part), "{part:?} is missing in\n{}", help.out);
    }
}

#[tokio::test]
async fn the_schema_is_the_one_in_the_repository() {
    let schema = run(&["schema"], "").await;
    assert_eq!(schema.code, Some(0));
    assert_eq!(schema.out, include_str!("../../../../schema/config.json"));
}

#[tokio::test]
async fn a_builtin_server_speaks_over_its_standard_input_and_output() {
    let input = format!("{}\n{}\n", initialize("2025-11-25"), request(1, "tools/list", json!({})));
    let ended = run(&["builtin", "time"], &input).await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    let answers: Vec<Value> =
        ended.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers[0]["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(answers[1]["result"]["tools"][0]["name"], "get_current_time");
    let unknown = run(&["builtin", "tima"], "").await;
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("everything") && unknown.err.contains("time"), "{}", unknown.err);
}

#[tokio::test]
async fn as_many_files_may_be_open_as_the_operator_allows_and_children_start_as_we_did() {
    let config = serving(vec![builtin("time")]).to_string();
    let line = format!("ulimit -Sn 256 && ulimit -Hn 2048 && exec {EXE} -c '{config}'");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &line]);
    let gateway = Gateway::of_command(shell).await;
    let open_files = |pid: u32| {
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("Linux");
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("a line");
        line.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(open_files(gateway.id()), ["2048", "2048"]);
    assert_eq!(open_files(gateway.ready("time").await), ["256", "2048"]);
}

/// Wrong in three places.
const WRONG: &str = "
mcp:
  port: 70000
  colour: red
  targets:
  - name: Time
    stdio: {cmd: x}
";

#[tokio::test]
async fn validate_only_says_everything_that_is_wrong_and_starts_nothing() {
    let good = run(&["--validate-only", "-c", &serving(vec![builtin("time")]).to_string()], "").await;
    assert_eq!((good.code, &*good.out, &*good.err), (Some(0), "<inline>: the configuration is valid\n", ""));
    let bad = run(&["--validate-only", "-f", "-"], WRONG).await;
    assert_eq!((bad.code, &*bad.out), (Some(1), ""));
    for part in ["<stdin>:3:", "70000", "<stdin>:4:", "colour", "<stdin>:6:", "Time"] {
        assert!(bad.err.contains(part), "{part:?} is missing in\n{}", bad.err);
    }
    let missing = run(&["--validate-only", "-f", "/nowhere/config.yaml"], "").await;
    assert_eq!(missing.code, Some(1));
    assert!(missing.err.contains("/nowhere/config.yaml"), "{}", missing.err);
}

#[tokio::test]
async fn a_mistake_in_usage_or_configuration_is_exit_code_2_before_a_port_is_opened() {
    // The port is taken: a program that opened ports before it is sure would end with code 1.
    let taken = TcpListener::bind(local(0)).await.expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    let bad = with_bind(json!({ "port": port, "listeners": [{ "address": "127.0.0.1", "roots": [] }] }))
        .to_string();
    let cases: [&[&str]; 6] = [
        &["--fast"],
        &["-f", "a.yaml", "-c", "mcp: {}"],
        &["-f", "/nowhere/config.yaml"],
        &["-f", "/"],
        &["-c", &bad],
        &["-c", "binds: ["],
    ];
    for args in cases {
        let ended = run(args, "").await;
        assert_eq!((ended.code, &*ended.out), (Some(2), ""), "{args:?}: {}", ended.err);
        assert!(!ended.err.is_empty() && !ended.err.contains("Listening"), "{args:?}: {}", ended.err);
    }
}

#[tokio::test]
async fn the_configuration_comes_from_standard_input_or_the_command_line() {
    let config = serving(vec![builtin("time")]);
    for (args, input) in [(["-f", "-"], config.to_string()), (["-c", &config.to_string()], String::new())] {
        let gateway = Gateway::fed(&args, &input).await;
        let line = gateway.logged("Listening on 127.0.0.1:").await;
        assert!(line.ends_with(&gateway.address().port().to_string()), "{line}");
        let tools = Session::open(gateway.address()).await.tools().await;
        assert_eq!(tools, ["get_current_time", "convert_time"]);
    }
}

#[tokio::test]
async fn a_port_in_use_ends_the_program_with_what_to_do_about_it() {
    let taken = TcpListener::bind(local(0)).await.expect("a free port");
    let address = taken.local_addr().expect("an address");
    let mut config = serving(vec![builtin("time")]);
    config["binds"][0]["port"] = json!(address.port());
    let ended = run(&["-c", &config.to_string()], "").await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.contains(&format!("cannot listen on {address}: another program uses the port")),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("choose another port") && !ended.err.contains("Listening"), "{}", ended.err);
}

#[tokio::test]
async fn the_admin_port_in_use_is_named_as_such() {
    let taken = TcpListener::bind(local(0)).await.expect("a free port");
    let address = taken.local_addr().expect("an address");
    let mut config = serving(vec![builtin("time")]);
    config["config"]["adminAddr"] = json!(address.to_string());
    let ended = run(&["-c", &config.to_string()], "").await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("adminAddr") && ended.err.contains(&address.to_string()), "{}", ended.err);
}

/// The ports of the default configuration are fixed. Where another program has one, there is only the refusal to see.
#[tokio::test]
async fn without_a_configuration_the_program_says_how_to_use_it() {
    let mut gateway = Gateway::spawn(&[], "");
    let refused = "another program uses the port";
    let told = eventually("an answer", async || {
        let text = gateway.out();
        (text.contains("Ctrl-C stops") || gateway.log().contains(refused)).then_some(text)
    })
    .await;
    if gateway.log().contains(refused) {
        assert_eq!(gateway.ended().await.code(), Some(1));
        return;
    }
    assert!(told.contains("http://127.0.0.1:3000/mcp") && told.contains("agentgateway -f"), "{told}");
    let tools = Session::open(local(3000)).await.tools().await;
    assert!(
        tools.contains(&"time_get_current_time".to_owned()) && tools.contains(&"everything_echo".to_owned())
    );
    gateway.signal("INT");
    assert_eq!(gateway.ended().await.code(), Some(0));
}

/// A call that is known to run: its first progress report has arrived.
async fn long_operation(session: &Session, seconds: f64) -> crate::client::Events {
    let arguments = json!({ "duration": seconds, "steps": (seconds * 10.0) as u64 });
    let params =
        json!({ "name": "long_operation", "arguments": arguments, "_meta": { "progressToken": "p" } });
    let mut events = session.post(request(7, "tools/call", params)).await.events();
    events.until("notifications/progress").await;
    events
}

async fn everything() -> (Gateway, Session, u32) {
    let gateway = Gateway::start(&serving(vec![builtin("everything")])).await;
    let session = Session::open(gateway.address()).await;
    let pid = gateway.ready("everything").await;
    assert!(is_alive(pid));
    (gateway, session, pid)
}

#[tokio::test]
async fn sigterm_lets_calls_finish_ends_streams_and_leaves_no_process() {
    let (mut gateway, session, pid) = everything().await;
    let mut stream = session.stream().await;
    let mut call = long_operation(&session, 2.0).await;
    gateway.signal("TERM");
    gateway.logged("SIGTERM: finishing calls").await;
    eventually("refused connections", async || {
        TcpStream::connect(session.address).await.is_err().then_some(())
    })
    .await;
    // Ends like a stream that is over, not like a connection that broke.
    stream.last().await;
    let last = call.last().await;
    assert!(text_of(&last).starts_with("Long operation completed"), "{last}");
    assert_eq!(gateway.ended().await.code(), Some(0));
    assert!(!is_alive(pid), "a child is left");
    assert!(gateway.log().contains("stopped"), "{}", gateway.log());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn as_many_threads_serve_connections_as_the_configuration_says() {
    let mut config = serving(vec![builtin("time")]);
    config["config"]["workerThreads"] = json!(5);
    let gateway = Gateway::start(&config).await;
    let threads = std::fs::read_dir(format!("/proc/{}/task", gateway.id())).expect("a process");
    let names = threads.map(|thread| {
        let name = thread.expect("a thread").path().join("comm");
        std::fs::read_to_string(name).expect("a name")
    });
    assert_eq!(names.filter(|name| name.starts_with("worker-")).count(), 5);
}

#[tokio::test]
async fn a_call_that_outlasts_the_grace_period_is_cut() {
    let mut config = serving(vec![builtin("everything")]);
    config["config"]["shutdown"] = json!({ "grace": "300ms" });
    let mut gateway = Gateway::start(&config).await;
    let session = Session::open(gateway.address()).await;
    let pid = gateway.ready("everything").await;
    let _call = long_operation(&session, 500.0).await;
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code(), Some(0));
    gateway.logged("not every connection finished within 300ms").await;
    assert!(!is_alive(pid), "a child is left");
}

#[tokio::test]
async fn a_second_sigterm_stops_at_once() {
    let (mut gateway, session, pid) = everything().await;
    let _call = long_operation(&session, 500.0).await;
    gateway.signal("TERM");
    gateway.logged("SIGTERM: finishing calls").await;
    gateway.signal("TERM");
    let before_the_grace_is_over = tokio::time::timeout(Duration::from_secs(8), gateway.ended()).await;
    assert_eq!(before_the_grace_is_over.expect("it waits").code(), Some(0));
    gateway.logged("SIGTERM again: stopped at once").await;
    eventually("the end of the child", async || (!is_alive(pid)).then_some(())).await;
}

#[tokio::test]
async fn descendants_of_a_target_are_gone_as_well() {
    // A wrapper that does not hand over to the server, as `npx` and `uvx` are.
    let file = tempfile::NamedTempFile::new().expect("a file");
    let line = format!("sleep 1000 & echo $! >{}; {EXE} builtin time; true", file.path().display());
    let mut gateway = Gateway::start(&serving(vec![shell("wrapped", &line)])).await;
    let wrapper = gateway.ready("wrapped").await;
    let text = std::fs::read_to_string(file.path()).expect("a process id");
    let sleeper: u32 = text.trim().parse().expect("a process id");
    assert!(is_alive(wrapper) && is_alive(sleeper));
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code(), Some(0));
    assert!(!is_alive(wrapper) && !is_alive(sleeper), "a descendant is left");
}

#[tokio::test]
async fn a_child_that_is_killed_is_started_again_and_the_session_goes_on() {
    let (gateway, session, pid) = everything().await;
    signal("KILL", pid);
    let next = eventually("another process", async || {
        let target = gateway.target("everything").await.filter(|target| target["state"] == "ready")?;
        pid_of(&target).filter(|next| *next != pid)
    })
    .await;
    assert!(is_alive(next) && !is_alive(pid));
    let answer = session.tool("echo", json!({ "message": "still here" })).await;
    assert_eq!(text_of(&answer), "Echo: still here");
    assert!(gateway.target("everything").await.expect("a target")["restarts"].as_u64() >= Some(1));
    gateway.logged("killed by SIGKILL").await;
}

#[tokio::test]
async fn a_call_under_way_when_its_child_is_killed_is_answered_with_an_error() {
    let (_gateway, session, pid) = everything().await;
    let mut call = long_operation(&session, 500.0).await;
    signal("KILL", pid);
    let last = call.last().await;
    assert_eq!((&last["id"], &last["error"]["code"]), (&json!(7), &json!(-32603)), "{last}");
}

#[tokio::test]
async fn a_closed_terminal_ends_it_in_good_order_unless_it_was_told_to_ignore_that() {
    let config = serving(vec![builtin("time")]).to_string();
    for (prepare, stays) in [("", false), ("trap '' HUP;", true)] {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("{prepare} exec {EXE} -c '{config}'")]);
        let mut gateway = Gateway::of_command(shell).await;
        gateway.ready("time").await;
        gateway.signal("HUP");
        if stays {
            gateway.ready("time").await;
            gateway.signal("TERM");
        } else {
            gateway.logged("SIGHUP: finishing calls").await;
        }
        assert_eq!(gateway.ended().await.code(), Some(0), "{}", gateway.log());
    }
}

#[tokio::test]
async fn the_access_log_says_of_each_request_what_was_asked_of_whom_and_nothing_that_is_secret() {
    let mut config = serving(vec![builtin("time"), builtin("everything")]);
    config["config"]["logging"] = json!({ "accessLog": true });
    let gateway = Gateway::start(&config).await;
    Session::open(gateway.address()).await.tool("everything_echo", json!({ "message": "a secret" })).await;
    let line = gateway.logged("mcp.item").await;
    for part in [
        " INFO agentgateway: request src.addr=127.0.0.1:",
        " http.method=POST http.path=\"/mcp\" http.status=200 mcp.method.name=\"tools/call\"",
        " mcp.item=\"everything_echo\" mcp.target=\"everything\" duration_ms=",
    ] {
        assert!(line.contains(part), "{part:?} is missing in {line}");
    }
    let initialize = gateway.logged("\"initialize\"").await;
    assert!(!initialize.contains("mcp.target"), "{initialize}");
    assert!(!gateway.log().contains("a secret"), "{}", gateway.log());
}

#[tokio::test]
async fn the_access_log_has_also_requests_without_an_answer() {
    let mut config = serving(vec![builtin("everything")]);
    config["config"]["logging"] = json!({ "accessLog": true });
    let gateway = Gateway::start(&config).await;
    let session = Session::open(gateway.address()).await;
    let params = json!({ "name": "long_operation", "arguments": { "duration": 60, "steps": 1 } });
    let leaving = session.post(request(7, "tools/call", params));
    drop(tokio::time::timeout(Duration::from_millis(100), leaving).await);
    let line = gateway.logged("http.status=499").await;
    assert!(line.contains("mcp.item="), "{line}");
}
