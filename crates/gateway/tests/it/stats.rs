//! What programs are told that watch over the gateway: metrics and readiness.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use self::lint::Metrics;
use crate::client::{
    Ask, EXE, Gateway, Session, backend, builtin, eventually, free_port, listener, local, remote, request,
    run, serving, shell, signal, with_bind,
};

mod lint;

/// Where a line of the log says that something is.
async fn address(gateway: &Gateway, what: &str) -> SocketAddr {
    let line = gateway.logged(what).await;
    let (_, rest) = line.split_once("http://").expect("a URL");
    rest.split('/').next().and_then(|host| host.parse().ok()).expect("an address")
}

async fn metrics(gateway: &Gateway) -> Metrics {
    let reply = Ask::get("/metrics").send(address(gateway, "Metrics at ").await).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    Metrics::read(&reply.text().await)
}

/// The answer of a probe.
async fn probe(gateway: &Gateway, path: &str) -> (u16, String) {
    let reply = Ask::get(path).send(address(gateway, "Readiness at ").await).await;
    (reply.status, reply.text().await.trim().to_owned())
}

async fn is_ready(gateway: &Gateway) -> (u16, String) {
    probe(gateway, "/healthz/ready").await
}

fn echo() -> Value {
    json!({ "name": "everything_echo", "arguments": { "message": "hi" } })
}

#[tokio::test]
async fn what_happens_is_in_the_metrics_and_these_keep_the_rules() {
    let nobody = format!("http://{}/mcp", local(free_port().await));
    let targets = vec![builtin("everything"), builtin("time"), remote("gone", &nobody)];
    let gateway = Gateway::start(&serving(targets)).await;
    let to = gateway.address();
    gateway.ready("everything").await;
    gateway.ready("time").await;
    let quiet = metrics(&gateway).await;
    assert_eq!(quiet.sum("agentgateway_calls_total", &[]), 0.0);

    let session = Session::open(to).await;
    let stream = session.stream().await;
    session.call("tools/call", echo()).await;
    Ask::modern("tools/call", echo()).send(to).await.answer().await;
    let nowhere = json!({ "name": "time_get_current_time", "arguments": { "timezone": "No/Where" } });
    Ask::modern("tools/call", nowhere).send(to).await.answer().await;
    let unknown = json!({ "name": "made_up_by_a_client", "arguments": {} });
    Ask::modern("tools/call", unknown).send(to).await.answer().await;
    session.call("made/up/by/a/client", json!({})).await;
    let large = "x".repeat(5 << 20);
    let refused = session.post(request(9, "tools/call", json!({ "large": large }))).await;
    assert_eq!(refused.status, 413);

    let seen = metrics(&gateway).await;
    let calls = |labels: &[(&str, &str)]| seen.value("agentgateway_calls_total", labels);
    let called = ("method", "tools/call");
    assert_eq!(calls(&[("target", "everything"), called, ("outcome", "ok")]), Some(2.0));
    assert_eq!(calls(&[("target", "everything"), called, ("outcome", "timeout")]), Some(0.0));
    assert_eq!(calls(&[("target", "time"), called, ("outcome", "tool_error")]), Some(1.0));
    assert_eq!(calls(&[("target", ""), called, ("outcome", "refused")]), Some(1.0));
    let duration = [("target", "everything"), ("kind", "tool")];
    assert_eq!(seen.value("agentgateway_call_duration_seconds_count", &duration), Some(2.0));
    assert!(seen.value("agentgateway_call_duration_seconds_sum", &duration).expect("a sum") > 0.0);
    assert_eq!(seen.value("agentgateway_sessions", &[]), Some(1.0));
    assert_eq!(seen.value("agentgateway_streams", &[]), Some(1.0));
    for (target, up, state) in
        [("everything", 1.0, "ready"), ("time", 1.0, "ready"), ("gone", 0.0, "failing")]
    {
        assert_eq!(seen.value("agentgateway_target_up", &[("target", target)]), Some(up));
        let now = [("target", target), ("state", state)];
        assert_eq!(seen.value("agentgateway_target_state", &now), Some(1.0));
        assert_eq!(seen.sum("agentgateway_target_state", &now[..1]), 1.0);
    }
    let discovery = [("target", "everything"), ("kind", "discovery")];
    assert_eq!(seen.value("agentgateway_links", &discovery), Some(1.0));
    assert_eq!(seen.value("agentgateway_child_processes", &[("target", "everything")]), Some(1.0));
    assert_eq!(seen.value("agentgateway_refused_total", &[("reason", "request_body")]), Some(1.0));
    assert!(seen.value("agentgateway_connections", &[]) >= Some(1.0));
    assert!(seen.value("agentgateway_requests_total", &[("status", "2xx")]) >= Some(6.0));
    assert_eq!(seen.value("agentgateway_requests_total", &[("status", "4xx")]), Some(1.0));
    assert_eq!(seen.value("agentgateway_config_in_sync", &[]), Some(1.0));
    assert_eq!(seen.value("agentgateway_build_info", &[]), Some(1.0));
    for name in ["cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds", "start_time_seconds"] {
        let value = seen.value(&format!("process_{name}"), &[]);
        assert!(value.is_some_and(|value| value > 0.0), "{name}: {value:?}");
    }
    assert_eq!(seen.values_of("method").into_iter().collect::<Vec<_>>(), ["tools/call"], "nothing made up");

    drop(stream);
    session.end().await;
    let over = async || {
        let now = metrics(&gateway).await;
        let value = |name: &str| now.value(name, &[]);
        let none = value("agentgateway_sessions") == Some(0.0) && value("agentgateway_streams") == Some(0.0);
        none.then_some(())
    };
    eventually("the session and its stream are no longer counted", over).await;
}

#[tokio::test]
async fn what_a_target_says_to_nobody_is_counted_over_all_of_its_lives() {
    let noisy = shell("noisy", &format!("echo hello; echo hello; exec '{EXE}' builtin time"));
    let gateway = Gateway::start(&serving(vec![noisy])).await;
    let pid = gateway.ready("noisy").await;
    let noise = [("target", "noisy"), ("reason", "not_mcp")];
    let of = async |name: &str, labels: &[(&str, &str)]| metrics(&gateway).await.value(name, labels);
    assert_eq!(of("agentgateway_target_messages_dropped_total", &noise).await, Some(2.0));
    assert_eq!(of("agentgateway_target_restarts_total", &noise[..1]).await, Some(0.0));
    signal("KILL", pid);
    let again = async || gateway.target("noisy").await.filter(|target| target["restarts"] == 1).map(drop);
    eventually("it is started again", again).await;
    gateway.ready("noisy").await;
    assert_eq!(of("agentgateway_target_messages_dropped_total", &noise).await, Some(4.0));
    assert_eq!(of("agentgateway_target_restarts_total", &noise[..1]).await, Some(1.0));
}

#[tokio::test]
async fn every_metric_is_in_the_documentation_and_nothing_else_is() {
    let gateway = Gateway::start(&serving(vec![builtin("time")])).await;
    let text = include_str!("../../../../docs/operations.md");
    let table = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut documented: Vec<&str> = table
        .filter_map(|line| line.split('`').next())
        .filter(|name| name.starts_with("agentgateway_") || name.starts_with("process_"))
        .map(|name| name.trim_end_matches("_total").trim_end_matches("_info"))
        .collect();
    let seen = metrics(&gateway).await;
    let mut told = seen.families();
    told.sort_unstable();
    documented.sort_unstable();
    assert_eq!(told, documented);
}

#[tokio::test]
async fn metrics_are_told_in_the_older_form_and_not_to_pages_from_elsewhere() {
    let gateway = Gateway::start(&serving(vec![builtin("time")])).await;
    let stats = address(&gateway, "Metrics at ").await;
    let reply = Ask::get("/metrics").with("accept", "text/plain;version=0.0.4").send(stats).await;
    assert_eq!(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = reply.text().await;
    assert!(
        text.contains("\n# TYPE agentgateway_refused_total counter\nagentgateway_refused_total{"),
        "{text}"
    );
    assert!(text.contains("\n# TYPE agentgateway_build_info gauge\n") && !text.contains("# EOF"), "{text}");

    assert_eq!(Ask::get("/metrics").with("host", "evil.example").send(stats).await.status, 403);
    assert_eq!(Ask::get("/metrics").with("origin", "http://evil.example").send(stats).await.status, 403);
    assert_eq!(Ask::get("/").send(stats).await.status, 404);
    assert_eq!(Ask::post("").at("/metrics").send(stats).await.status, 405);
    // The ports for clients and operators tell neither.
    assert_eq!(Ask::get("/metrics").send(gateway.address()).await.status, 400);
    assert_eq!(Ask::get("/healthz/ready").send(gateway.admin().await).await.status, 404);
    let readiness = address(&gateway, "Readiness at ").await;
    assert_eq!(Ask::get("/metrics").send(readiness).await.status, 404);
}

#[tokio::test]
async fn a_reload_shows_in_the_metrics_and_its_limits_hold_at_once() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("config.yaml");
    let save = |text: String| std::fs::write(&file, text).expect("a file");
    let both = serving(vec![builtin("time"), builtin("everything")]);
    save(both.to_string());
    let gateway = Gateway::run(&["-f", file.to_str().expect("a path")]).await;
    let reaches = async |what: &str, test: &dyn Fn(&Metrics) -> bool| {
        let look = async || Some(metrics(&gateway).await).filter(|seen| test(seen));
        eventually(what, look).await
    };
    let sync = |seen: &Metrics, value: f64| seen.value("agentgateway_config_in_sync", &[]) == Some(value);
    reaches("it is in sync", &|seen| sync(seen, 1.0)).await;

    save("mcp: [".to_owned());
    let broken = reaches("it is not in sync", &|seen| sync(seen, 0.0)).await;
    assert_eq!(broken.value("agentgateway_config_reloads_total", &[("outcome", "failed")]), Some(1.0));

    let mut one = serving(vec![builtin("time")]);
    one["config"]["limits"] = json!({ "requestHead": "8KiB", "connections": 3 });
    one["config"]["statsAddr"] = json!("127.0.0.1:1");
    save(one.to_string());
    let seen = reaches("it is in sync again", &|seen| sync(seen, 1.0)).await;
    assert_eq!(seen.value("agentgateway_config_reloads_total", &[("outcome", "ok")]), Some(1.0));
    assert_eq!(seen.value("agentgateway_config_restart_keys", &[]), Some(1.0), "the address of metrics");
    assert_eq!(seen.values_of("target").into_iter().collect::<Vec<_>>(), ["time"]);
    assert_eq!(seen.value("agentgateway_connections_limit", &[]), Some(3.0));

    let to = gateway.address();
    let long = Ask::get("/mcp").with("x-long", &"x".repeat(9000));
    assert_eq!(long.send(to).await.status, 431);
    eventually("the connections from before have ended", async || {
        (metrics(&gateway).await.value("agentgateway_connections", &[]) == Some(0.0)).then_some(())
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(TcpStream::connect(to).await.expect("a connection"));
    }
    let reply = Ask::get("/mcp").send(to).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "1"));
    assert_eq!(
        metrics(&gateway).await.value("agentgateway_refused_total", &[("reason", "connections")]),
        Some(1.0)
    );
    drop(held);
    eventually("there is room again", async || (Ask::get("/mcp").send(to).await.status != 503).then_some(()))
        .await;
}

#[tokio::test]
async fn it_is_ready_when_each_target_had_its_chance_and_until_it_stops() {
    // Takes its time, and then fails.
    let slow = shell("slow", "read line; exec sleep 2");
    let mut gateway = Gateway::start(&serving(vec![builtin("everything"), slow])).await;
    assert_eq!(is_ready(&gateway).await, (503, "starting".to_owned()));
    assert_eq!(probe(&gateway, "/healthz/live").await, (200, "live".to_owned()));
    assert_eq!(probe(&gateway, "/").await.0, 404);
    gateway.ready("everything").await;
    eventually("it is ready", async || (is_ready(&gateway).await == (200, "ready".to_owned())).then_some(()))
        .await;
    let target = gateway.target("slow").await.expect("a target");
    assert_eq!(target["state"], "failing", "one dead target is no reason to go elsewhere");

    let to = gateway.address();
    let long = json!({ "name": "everything_long_operation", "arguments": { "duration": 2, "steps": 1 } });
    let call = tokio::spawn(async move { Ask::modern("tools/call", long).send(to).await.answer().await });
    let running = async || {
        let seen = metrics(&gateway).await.sum("agentgateway_calls_running", &[]);
        (seen == 1.0).then_some(())
    };
    eventually("the call runs", running).await;
    gateway.signal("TERM");
    let stopping = async || (is_ready(&gateway).await == (503, "stopping".to_owned())).then_some(());
    eventually("it says that it stops", stopping).await;
    assert_eq!(probe(&gateway, "/healthz/live").await.0, 200);
    assert!(call.await.expect("no panic")["result"].is_object(), "the call is finished all the same");
    assert!(gateway.ended().await.success());
}

/// Takes a port of this machine, also if another program is about to leave it.
async fn take(port: u16) -> TcpListener {
    eventually("the port is free", async || TcpListener::bind(local(port)).await.ok()).await
}

#[tokio::test]
async fn a_default_address_that_is_taken_is_a_warning_and_one_from_the_file_an_error() {
    let (_stats, _readiness) = (take(15020).await, take(15021).await);
    let bind = json!({ "port": 0, "listeners": [listener(vec![backend(vec![builtin("time")])])] });
    let mut config = with_bind(bind);
    config["config"] = json!({ "adminAddr": "127.0.0.1:0" });
    let gateway = Gateway::start(&config).await;
    let warned = gateway.logged("nobody is told of metrics").await;
    assert!(
        warned.contains("WARN") && warned.contains("15020") && warned.contains("config.statsAddr"),
        "{warned}"
    );
    let warned = gateway.logged("nobody is told of readiness").await;
    assert!(warned.contains("15021") && warned.contains("config.readinessAddr"), "{warned}");
    gateway.ready("time").await;
    for key in ["statsAddr", "readinessAddr"] {
        config["config"] = json!({ "adminAddr": "off", "statsAddr": "off", "readinessAddr": "off" });
        config["config"][key] = json!("127.0.0.1:15020");
        let ended = run(&["-c", &config.to_string()], "").await;
        assert_eq!(ended.code, Some(1));
        assert!(ended.err.contains(key) && ended.err.contains("15020"), "{}", ended.err);
    }
}
