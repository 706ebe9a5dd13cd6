//! The admin API over real sockets: what it shows, what it does, and whom it refuses.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::client::{
    Ask, Gateway, Reply, Session, backend, builtin, eventually, listener, pid_of, serving, shell, with_bind,
};

async fn get(admin: SocketAddr, path: &str) -> Value {
    let reply = Ask::get(path).send(admin).await;
    assert_eq!(reply.status, 200, "{path}");
    assert_eq!(reply.header("cache-control"), "no-store", "{path}");
    reply.json().await
}

fn sending(method: http::Method, path: &str, body: &Value) -> Ask {
    Ask::new(method, path).with("content-type", "application/json").saying(body)
}

async fn both() -> (Gateway, SocketAddr) {
    let gateway = Gateway::start(&serving(vec![builtin("time"), builtin("everything")])).await;
    gateway.ready("time").await;
    gateway.ready("everything").await;
    let admin = gateway.admin().await;
    // What a target offers is in the lists a moment after it is ready.
    let key = encoded(&key(admin).await);
    let listed = async || {
        let catalog = get(admin, &format!("/api/catalog?backend={key}")).await;
        let of = |target: &str| {
            catalog["items"].as_array()?.iter().find(|item| item["target"] == target).map(|_| ())
        };
        of("time").and(of("everything"))
    };
    eventually("the tools of both", listed).await;
    (gateway, admin)
}

/// The key of the only backend.
async fn key(admin: SocketAddr) -> String {
    get(admin, "/api/status").await["backends"][0]["key"].as_str().expect("a key").to_owned()
}

fn encoded(key: &str) -> String {
    form_urlencoded::byte_serialize(key.as_bytes()).collect()
}

// === What it shows ===

#[tokio::test]
async fn the_status_shows_listeners_routes_backends_and_targets() {
    let (gateway, admin) = both().await;
    let status = get(admin, "/api/status").await;
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&status["ready"], &status["config"]["problem"]), (&json!(true), &Value::Null));
    assert_eq!(
        (&status["config"]["source"], &status["config"]["writable"]),
        (&json!("inline"), &json!(false))
    );

    let listener = &status["listeners"][0];
    assert_eq!(listener["port"], gateway.address().port(), "the port that the system chose");
    assert_eq!((&listener["name"], &listener["exposed"]), (&Value::Null, &json!(false)));
    let route = &status["routes"][0];
    assert_eq!((&route["key"], &route["listener"]), (&listener["routes"][0], &listener["key"]));
    assert_eq!((&route["matches"], &route["cors"]), (&json!(["every request"]), &Value::Null));
    let endpoint =
        json!({ "scheme": "http", "host": null, "port": gateway.address().port(), "path": "/mcp" });
    assert_eq!(route["endpoint"], endpoint);

    let backend = &status["backends"][0];
    assert_eq!(backend["key"], route["backends"][0]["key"]);
    let (time, everything) = (&backend["targets"][0], &backend["targets"][1]);
    assert!(
        time["transport"]["command"].as_str().is_some_and(|text| text.ends_with(" builtin time")),
        "{time}"
    );
    assert_eq!((&time["state"], &time["peer"]["era"]), (&json!("ready"), &json!("modern")));
    assert_eq!((&time["counts"]["tools"], &time["restarts"]), (&json!(2), &json!(0)));
    assert_eq!(time["peer"]["serverInfo"]["name"], "agentgateway-time");
    assert!(everything["peer"]["capabilities"]["tools"].is_object(), "{everything}");
    assert_eq!(
        time["calls"],
        json!({ "total": 0, "errors": 0, "running": 0, "p50Ms": null, "p90Ms": null, "p99Ms": null })
    );
    assert_eq!(status["traffic"]["calls"].as_array().map(Vec::len), Some(60));
}

#[tokio::test]
async fn a_route_says_what_it_matches_and_where_clients_connect() {
    let mut named = listener(vec![backend(vec![builtin("time")])]);
    named["name"] = json!("public");
    named["hostname"] = json!("localhost");
    named["routes"][0]["name"] = json!("tools");
    named["routes"][0]["matches"] = json!([{ "path": { "pathPrefix": "/team" }, "method": "POST",
        "headers": [{ "name": "X-Team", "value": { "exact": "blue" } }], "query": [{ "name": "v", "value": { "regex": "[0-9]+" } }] }]);
    named["routes"][0]["policies"] = json!({ "cors": { "allowOrigins": ["https://app.example"] } });
    let gateway = Gateway::start(&with_bind(json!({ "port": 0, "listeners": [named] }))).await;
    let admin = gateway.admin().await;
    let status = get(admin, "/api/status?origin=https%3A%2F%2Fapp.example").await;
    assert_eq!(
        (&status["listeners"][0]["name"], &status["listeners"][0]["hostname"]),
        (&json!("public"), &json!("localhost"))
    );
    let route = &status["routes"][0];
    assert_eq!(route["name"], "tools");
    assert_eq!(
        route["matches"],
        json!(["path /team and below, method POST, a header x-team, a query parameter v"])
    );
    assert_eq!(
        (&route["endpoint"]["host"], &route["endpoint"]["path"]),
        (&json!("localhost"), &json!("/team"))
    );
    assert_eq!(
        (&route["cors"]["allowOrigins"], &route["allowsPage"]),
        (&json!(["https://app.example"]), &json!(true))
    );
    let other = get(admin, "/api/status?origin=https%3A%2F%2Fother.example").await;
    assert_eq!(other["routes"][0]["allowsPage"], false);
}

#[tokio::test]
async fn a_target_that_fails_says_why_and_when_it_is_tried_again() {
    let gateway = Gateway::start(&serving(vec![shell("broken", "echo no key >&2; exit 3")])).await;
    let failing = async || gateway.target("broken").await.filter(|target| target["state"] == "failing");
    let target = eventually("it fails", failing).await;
    assert!(target["reason"].as_str().is_some_and(|text| text.contains("exited with code 3")), "{target}");
    assert_eq!(target["stderr"][0], "no key");
    assert!(target["attempts"].as_u64() >= Some(1) && target["nextAttemptAt"].is_string(), "{target}");
    assert_eq!(target["peer"], Value::Null);
}

#[tokio::test]
async fn calls_are_shown_with_their_bodies_and_counted() {
    let (gateway, admin) = both().await;
    let session = Session::open(gateway.address()).await;
    session.tool("everything_echo", json!({ "message": "hi" })).await;
    session.tool("time_get_current_time", json!({ "timezone": "Nowhere/Else" })).await;
    Ask::modern("tools/call", json!({ "name": "nobody", "arguments": {} })).send(gateway.address()).await;
    let shown = eventually("three calls", async || {
        let shown = get(admin, "/api/calls").await;
        (shown["calls"].as_array()?.len() == 3).then_some(shown)
    })
    .await;
    assert_eq!((&shown["keep"], &shown["bodies"]), (&json!(500), &json!(16384)));
    let [last, failed, first] = shown["calls"].as_array().expect("calls").as_slice() else {
        panic!("{shown}")
    };
    assert_eq!((&first["id"], &first["era"], &first["outcome"]), (&json!(1), &json!("legacy"), &json!("ok")));
    assert_eq!((&first["item"], &first["target"]), (&json!("everything_echo"), &json!("everything")));
    assert_eq!(failed["outcome"], "toolError", "{failed}");
    assert_eq!(
        (&last["outcome"], &last["code"], &last["target"]),
        (&json!("error"), &json!(-32602), &Value::Null)
    );
    assert_eq!((&last["era"], &last["session"]), (&json!("modern"), &Value::Null));

    let detail = get(admin, "/api/calls/1").await;
    let body =
        |key: &str| -> Value { serde_json::from_str(detail[key].as_str().expect("a text")).expect("JSON") };
    assert_eq!(body("params")["arguments"], json!({ "message": "hi" }));
    assert_eq!(body("response")["content"][0]["text"], "Echo: hi");
    assert_eq!((&detail["paramsCut"], &detail["responseCut"]), (&json!(false), &json!(false)));
    let missing = Ask::get("/api/calls/99").send(admin).await;
    assert_eq!((missing.status, &missing.json().await["code"]), (404, &json!("notFound")));

    let status = get(admin, "/api/status").await;
    let of = |index: usize| &status["backends"][0]["targets"][index]["calls"];
    assert_eq!((&of(0)["total"], &of(0)["errors"], &of(1)["total"]), (&json!(1), &json!(1), &json!(1)));
    assert!(of(1)["p50Ms"].as_f64() > Some(0.0), "{}", of(1));
    assert_eq!(
        status["traffic"]["calls"][59].as_u64().unwrap_or(0)
            + status["traffic"]["calls"][58].as_u64().unwrap_or(0),
        3
    );
}

#[tokio::test]
async fn recording_can_be_switched_off() {
    let mut config = serving(vec![builtin("everything")]);
    config["config"]["activity"] = json!({ "calls": 0 });
    let gateway = Gateway::start(&config).await;
    gateway.ready("everything").await;
    let admin = gateway.admin().await;
    Session::open(gateway.address()).await.tool("echo", json!({ "message": "secret" })).await;
    assert_eq!(get(admin, "/api/calls").await, json!({ "keep": 0, "bodies": 16384, "calls": [] }));
    assert_eq!(get(admin, "/api/status").await["backends"][0]["targets"][0]["calls"]["total"], 1);
}

#[tokio::test]
async fn the_catalog_shows_where_items_lead_and_what_they_cost() {
    let (_gateway, admin) = both().await;
    let key = key(admin).await;
    let catalog = get(admin, &format!("/api/catalog?backend={}", encoded(&key))).await;
    let items = catalog["items"].as_array().expect("items");
    let echo = items.iter().find(|item| item["name"] == "everything_echo").expect("echo");
    assert_eq!(
        (&echo["kind"], &echo["target"], &echo["original"]),
        (&json!("tool"), &json!("everything"), &json!("echo"))
    );
    assert_eq!(echo["item"]["name"], "everything_echo");
    assert!(echo["tokens"].as_u64() > Some(10), "{echo}");
    let unknown = Ask::get("/api/catalog?backend=none").send(admin).await;
    assert_eq!(unknown.status, 404);
    assert_eq!(Ask::get("/api/catalog").send(admin).await.status, 400);
}

// === What it does ===

#[tokio::test]
async fn a_session_is_shown_without_its_id_and_can_be_ended() {
    let (gateway, admin) = both().await;
    let session = Session::open(gateway.address()).await;
    session.tool("everything_echo", json!({ "message": "hi" })).await;
    let shown = get(admin, "/api/sessions").await;
    let one = &shown["sessions"][0];
    assert_eq!(
        (&one["protocolVersion"], &one["transport"]),
        (&json!("2025-11-25"), &json!("streamable-http"))
    );
    assert_eq!((&one["calls"], &one["links"]), (&json!(1), &json!([])), "{one}");
    assert!(!shown.to_string().contains(&session.id), "the id is the client's secret: {shown}");
    let path = format!("/api/sessions/{}", one["id"].as_str().expect("a handle"));
    assert_eq!(Ask::new(http::Method::DELETE, &path).send(admin).await.status, 204);
    assert_eq!(Ask::new(http::Method::DELETE, &path).send(admin).await.status, 404);
    let reply = session.post(json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })).await;
    assert_eq!(reply.status, 404, "the session is over");
}

#[tokio::test]
async fn a_target_can_be_restarted() {
    let (gateway, admin) = both().await;
    let before = gateway.ready("time").await;
    let key = encoded(&key(admin).await);
    let path = |target: &str| format!("/api/backends/{key}/targets/{target}/restart");
    let restart = sending(http::Method::POST, &path("time"), &json!({})).send(admin).await;
    assert_eq!(restart.status, 202);
    eventually("another process", async || {
        let target = gateway.target("time").await.filter(|target| target["state"] == "ready")?;
        pid_of(&target).filter(|pid| *pid != before)
    })
    .await;
    gateway.logged("target `time` is restarted, as was asked for").await;
    assert_eq!(sending(http::Method::POST, &path("nobody"), &json!({})).send(admin).await.status, 404);
}

#[tokio::test]
async fn the_log_level_can_be_changed() {
    let (gateway, admin) = both().await;
    assert_eq!(get(admin, "/api/status").await["logLevelFrom"], "config");
    let level = |level: &str| sending(http::Method::PUT, "/api/log-level", &json!({ "level": level }));
    assert_eq!(level("debug").send(admin).await.status, 204);
    let status = get(admin, "/api/status").await;
    assert_eq!((&status["logLevel"], &status["logLevelFrom"]), (&json!("debug"), &json!("api")));
    Session::open(gateway.address()).await;
    gateway.logged("served a request").await;
    let wrong = level("loud").send(admin).await;
    assert_eq!((wrong.status, &wrong.json().await["code"]), (422, &json!("badRequest")));
}

#[tokio::test]
async fn health_tells_life_from_readiness() {
    let gateway = Gateway::start(&serving(vec![shell("slow", "sleep 1000")])).await;
    let admin = gateway.admin().await;
    assert_eq!(Ask::get("/api/health/live").send(admin).await.status, 200);
    assert_eq!(Ask::get("/api/health/ready").send(admin).await.status, 503);
    let (_gateway, admin) = both().await;
    assert_eq!(Ask::get("/api/health/ready").send(admin).await.status, 200);
}

#[tokio::test]
async fn a_page_is_told_what_changes() {
    let (gateway, admin) = both().await;
    let mut events = Ask::get("/api/events").send(admin).await.events();
    let first = events.next().await.expect("an event");
    assert_eq!((first.name.as_str(), &first.json()["ready"]), ("status", &json!(true)));
    let sessions = events.next().await.expect("an event");
    assert_eq!((sessions.name.as_str(), sessions.json()), ("sessions", json!({ "sessions": [] })));
    let session = Session::open(gateway.address()).await;
    session.tool("everything_echo", json!({ "message": "hi" })).await;
    let mut seen = Vec::new();
    while !(seen.iter().any(|name| name == "call") && seen.iter().any(|name| name == "sessions")) {
        let event = events.next().await.expect("an event");
        if event.name == "call" {
            assert_eq!(event.json()["item"], "everything_echo");
        }
        seen.push(event.name);
    }
}

// === Whom it refuses ===

#[tokio::test]
async fn requests_of_other_hosts_and_other_pages_are_refused() {
    let (_gateway, admin) = both().await;
    let refused = async |ask: Ask, why: &str| {
        let reply: Reply = ask.send(admin).await;
        assert_eq!((reply.status, &reply.json().await["code"]), (403, &json!("refused")), "{why}");
    };
    let status = || Ask::get("/api/status");
    refused(status().with("host", "evil.example"), "a rebound name").await;
    refused(status().with("origin", "https://evil.example"), "another origin").await;
    refused(status().with("sec-fetch-site", "cross-site"), "a picture on another page").await;
    refused(status().with("sec-fetch-site", "same-site"), "a page on another port").await;
    let level = json!({ "level": "debug" });
    let form =
        Ask::new(http::Method::PUT, "/api/log-level").with("content-type", "text/plain").saying(&level);
    assert_eq!(form.send(admin).await.status, 415, "what a form can send");
    let own = format!("http://{admin}");
    let ours = sending(http::Method::PUT, "/api/log-level", &level)
        .with("origin", &own)
        .with("sec-fetch-site", "same-origin");
    assert_eq!(ours.send(admin).await.status, 204);
}

#[tokio::test]
async fn the_ui_is_served_with_a_strict_policy() {
    let (gateway, admin) = both().await;
    let root = Ask::get("/").send(admin).await;
    assert_eq!((root.status, root.header("location")), (307, "/ui/"));
    let page = Ask::get("/ui/").with("sec-fetch-site", "cross-site").send(admin).await;
    assert_eq!(page.status, 200, "somebody may follow a link to it");
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.ends_with("connect-src 'self' http://127.0.0.1:* https://127.0.0.1:*"), "{policy}");
    let tag = page.header("etag").to_owned();
    let again = Ask::get("/ui/").with("if-none-match", &tag).send(admin).await;
    assert_eq!(again.status, 304);
    let view = Ask::get("/ui/backends").send(admin).await;
    assert_eq!((view.status, view.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(Ask::get("/ui/none.js").send(admin).await.status, 404);
    assert_eq!(Ask::get("/nowhere").send(admin).await.status, 404);
    assert_eq!(sending(http::Method::POST, "/api/status", &json!({})).send(admin).await.status, 405);
    gateway.logged(&format!("Admin UI available at http://{admin}/ui/")).await;
}

#[tokio::test]
async fn bug_a_rebound_name_reads_nothing_also_where_the_listener_is_open_to_the_network() {
    let mut config = serving(vec![builtin("time")]);
    config["config"]["adminAddr"] = json!("0.0.0.0:0");
    let gateway = Gateway::start(&config).await;
    let admin = SocketAddr::from(([127, 0, 0, 1], gateway.admin().await.port()));
    gateway.logged("nothing authenticates operators").await;
    let rebound = Ask::get("/api/config").with("host", "evil.example").send(admin).await;
    assert_eq!(rebound.status, 403);
    assert_eq!(Ask::get("/api/config").with("host", "10.0.0.1:15000").send(admin).await.status, 200);
}

#[tokio::test]
async fn bug_what_lets_a_request_in_and_the_paths_of_remote_targets_are_not_shown() {
    let mut secret =
        listener(vec![backend(vec![crate::client::remote("far", "http://127.0.0.1:9/s3cret/mcp")])]);
    secret["routes"][0]["matches"] =
        json!([{ "headers": [{ "name": "X-Key", "value": { "exact": "s3cret" } }] }]);
    let gateway = Gateway::start(&with_bind(json!({ "port": 0, "listeners": [secret] }))).await;
    let admin = gateway.admin().await;
    eventually("it fails", async || gateway.target("far").await.filter(|it| it["state"] == "failing")).await;
    for path in ["/api/status", "/api/config/effective"] {
        let shown = get(admin, path).await.to_string();
        assert!(!shown.contains("s3cret"), "{path}: {shown}");
    }
}

#[tokio::test]
async fn bodies_can_be_left_out_of_what_is_recorded() {
    let mut config = serving(vec![builtin("everything")]);
    config["config"]["activity"] = json!({ "bodies": 0 });
    let gateway = Gateway::start(&config).await;
    gateway.ready("everything").await;
    let admin = gateway.admin().await;
    Session::open(gateway.address()).await.tool("echo", json!({ "message": "s3cret" })).await;
    let call = get(admin, "/api/calls/1").await;
    assert_eq!((&call["item"], &call["outcome"]), (&json!("echo"), &json!("ok")));
    assert_eq!((&call["params"], &call["response"]), (&Value::Null, &Value::Null));
    assert_eq!(get(admin, "/api/calls").await["bodies"], 0);
}
