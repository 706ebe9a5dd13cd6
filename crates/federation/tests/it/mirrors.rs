//! Arguments that a tool wants mirrored in headers: `x-mcp-header`.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tracing::Level;
use upstream::settings::Custom;
use upstream::wire::{Connect, Frames, Inbox, Outgoing, Wire};
use upstream::{Error, Transport};

use crate::client::{Client, Reply, World};
use crate::log::Log;
use crate::target::{Act, Target};

/// A tool that wants three arguments mirrored, one of them a level down.
fn mirrored(name: &str) -> Value {
    let inner = json!({ "tenant": { "type": "string", "x-mcp-header": "Tenant" } });
    json!({ "name": name, "inputSchema": { "type": "object", "properties": {
        "region": { "type": "string", "x-mcp-header": "Region" },
        "limit": { "type": "integer", "x-mcp-header": "Limit" },
        "of": { "type": "object", "properties": inner },
    } } })
}

/// A tool with an annotation that no header can follow.
fn wrong(name: &str) -> Value {
    json!({ "name": name, "inputSchema": { "type": "object", "properties": {
        "a": { "type": "number", "x-mcp-header": "A" },
    } } })
}

fn with_tools(target: Target, tools: &[Value]) -> Target {
    target.be(|script| script.tools = tools.to_vec())
}

/// Calls a tool with these headers beside the usual ones.
async fn call(client: &Client, name: &str, arguments: Value, headers: &[(&str, &str)]) -> Reply {
    let params = json!({ "name": name, "arguments": arguments });
    let mut head = client.head("tools/call", &params);
    head.params =
        headers.iter().map(|(name, value)| (format!("mcp-param-{name}"), (*value).to_owned())).collect();
    let (id, method) = (json!("mirrored"), "tools/call");
    let body = client.spell(&id, method, params);
    client.exchange(head, &id, method, body).await.expect("an answer")
}

// === Towards clients ===

#[tokio::test(start_paused = true)]
async fn a_modern_client_whose_headers_agree_is_served_whatever_the_target_is() {
    for target in [Target::legacy("a", &[]), Target::modern("a", &[])] {
        let target = with_tools(target, &[mirrored("x")]);
        let world = World::start(&[&target]).await;
        let cases: [(Value, &[(&str, &str)]); 5] = [
            (json!({}), &[]),
            (json!({ "region": null }), &[]),
            (json!({ "region": "eu", "limit": 42 }), &[("region", "eu"), ("limit", "42.0")]),
            (json!({ "region": "ä" }), &[("region", "=?base64?w6Q=?=")]),
            (json!({ "of": { "tenant": "t" } }), &[("tenant", "t"), ("other", "whatever")]),
        ];
        for (arguments, headers) in cases {
            call(&world.modern(), "x", arguments, headers).await.ok();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_modern_client_whose_headers_disagree_is_refused_and_the_target_hears_nothing() {
    for target in [Target::legacy("a", &[]), Target::modern("a", &[])] {
        let target = with_tools(target, &[mirrored("x")]);
        let world = World::start(&[&target]).await;
        let cases: [(Value, &[(&str, &str)]); 6] = [
            (json!({ "region": "eu" }), &[]),
            (json!({ "region": "eu" }), &[("region", "us")]),
            (json!({ "region": "eu" }), &[("region", "=?base64?%?=")]),
            (json!({ "region": "eu" }), &[("region", "eu"), ("region", "eu")]),
            (json!({}), &[("region", "eu")]),
            (json!({ "of": { "tenant": "t" } }), &[]),
        ];
        for (arguments, headers) in cases {
            let refused = call(&world.modern(), "x", arguments.clone(), headers).await;
            assert_eq!(refused.code(), -32020, "{arguments} {headers:?}");
        }
        assert_eq!(target.count("tools/call"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_argument_that_occurs_twice_is_refused_where_headers_count() {
    let a = with_tools(Target::modern("a", &[]), &[mirrored("x")]);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    let params = json!({ "name": "x", "arguments": { "region": "eu" } });
    let mut head = client.head("tools/call", &params);
    head.params = vec![("mcp-param-region".into(), "eu".into())];
    let body = client.spell(&json!(1), "tools/call", params);
    let twice = body.replace(r#"{"region":"eu"}"#, r#"{"region":"eu","region":"us"}"#);
    assert_ne!(twice, body);
    let refused = client.exchange(head, &json!(1), "tools/call", twice).await.expect("an answer");
    assert_eq!((refused.code(), a.count("tools/call")), (-32602, 0));
}

#[tokio::test(start_paused = true)]
async fn legacy_clients_need_no_headers() {
    let a = with_tools(Target::legacy("a", &[]), &[mirrored("x")]);
    let world = World::with(&[&a], |settings| settings.stateless = true).await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "x", "arguments": { "region": "eu" } } });
    let outcome = world.backend.post(federation::Head::default(), body.to_string().into()).await;
    let federation::Outcome::One(single) = outcome else { panic!("one answer") };
    let answer: Value = serde_json::from_slice(&single.body.join()).expect("JSON");
    assert_eq!(answer["result"]["content"][0]["text"], "a:x", "{answer}");

    let world = World::start(&[&a]).await;
    let arguments = json!({ "name": "x", "arguments": { "region": "eu" } });
    world.legacy().await.call("tools/call", arguments).await.ok();
}

// === Towards targets ===

/// A target behind a wire that carries headers.
struct Http {
    target: Target,
    sent: Sent,
}

/// The `Mcp-Param-*` headers of every request in which they could be, in order.
type Sent = Arc<Mutex<Vec<Vec<(String, String)>>>>;

impl Connect for Http {
    fn connect(&self, inbox: Inbox) -> BoxFuture<'_, Result<Box<dyn Wire>, Error>> {
        async move {
            let wire = self.target.connect(inbox).await?;
            Ok(Box::new(HttpWire { wire, sent: self.sent.clone() }) as Box<dyn Wire>)
        }
        .boxed()
    }

    fn carries_headers(&self) -> bool {
        true
    }
}

struct HttpWire {
    wire: Box<dyn Wire>,
    sent: Sent,
}

impl Wire for HttpWire {
    fn request(&self, out: Outgoing) -> BoxFuture<'_, Result<Frames, Error>> {
        if out.label.method == Some("tools/call") {
            let mut params: Vec<_> = out
                .label
                .mirrored
                .iter()
                .filter_map(|(name, value)| {
                    let name = name.as_str().strip_prefix("mcp-param-")?;
                    Some((name.to_owned(), value.to_str().expect("ASCII").to_owned()))
                })
                .collect();
            params.sort();
            self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(params);
        }
        self.wire.request(out)
    }

    fn send(&self, out: Outgoing) -> BoxFuture<'_, Result<(), Error>> {
        self.wire.send(out)
    }

    fn closed(&self) -> BoxFuture<'_, Error> {
        self.wire.closed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.wire.close()
    }
}

/// A world in which the only target is reached over HTTP, and what it is sent.
async fn over_http(target: &Target) -> (World, Sent) {
    let sent = Sent::default();
    let http = Http { target: target.clone(), sent: sent.clone() };
    let transport = Transport::Custom(Custom(Arc::new(http)));
    let world = World::with(&[target], |settings| settings.targets[0].transport = transport).await;
    (world, sent)
}

fn last(sent: &Sent) -> Vec<(String, String)> {
    sent.lock().unwrap_or_else(PoisonError::into_inner).last().cloned().unwrap_or_default()
}

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_tool_with_a_wrong_annotation_is_left_out_and_the_others_survive() {
    let tools = [mirrored("good"), wrong("bad"), crate::target::tool("plain")];
    let modern = with_tools(Target::modern("a", &[]), &tools);
    let log = Log::start();
    let (world, _) = over_http(&modern).await;
    assert_eq!(world.modern().tools().await, ["good", "plain"]);
    assert_eq!(log.said(Level::WARN, "`bad`").len(), 1, "the operator hears why");
    assert_eq!(world.legacy().await.tools().await, ["good", "plain"]);

    // Where headers do not count, nothing is wrong with it.
    let legacy = with_tools(Target::legacy("a", &[]), &tools);
    assert_eq!(over_http(&legacy).await.0.modern().tools().await, ["good", "bad", "plain"]);
    assert_eq!(World::start(&[&modern]).await.modern().tools().await, ["good", "bad", "plain"]);
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_is_repaired_comes_back() {
    let a = with_tools(Target::modern("a", &[]), &[wrong("x")]);
    let (world, _) = over_http(&a).await;
    assert_eq!(world.modern().tools().await, [""; 0]);
    a.change(|script| script.tools = vec![mirrored("x")]);
    a.notify("notifications/tools/list_changed", json!({}));
    crate::client::seconds(1).await;
    assert_eq!(world.modern().tools().await, ["x"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_gets_the_headers_that_it_wants_whoever_the_client_is() {
    let a = with_tools(Target::modern("a", &[]), &[mirrored("x")]);
    let (world, sent) = over_http(&a).await;
    let arguments = json!({ "region": " ä", "limit": 42.0, "of": { "tenant": "t" } });
    let wanted = pairs(&[("limit", "42"), ("region", "=?base64?IMOk?="), ("tenant", "t")]);
    let params = json!({ "name": "x", "arguments": arguments });
    world.legacy().await.call("tools/call", params).await.ok();
    assert_eq!(last(&sent), wanted);
    let headers = [("limit", "4.2e1"), ("region", "=?base64?IMOk?="), ("tenant", "t")];
    call(&world.modern(), "x", arguments, &headers).await.ok();
    assert_eq!(last(&sent), wanted);
    world
        .legacy()
        .await
        .call("tools/call", json!({ "name": "x", "arguments": { "region": null } }))
        .await
        .ok();
    assert_eq!(last(&sent), []);
}

#[tokio::test(start_paused = true)]
async fn headers_that_mean_nothing_to_us_pass() {
    let a = with_tools(Target::modern("a", &["plain"]), &[mirrored("x"), crate::target::tool("plain")]);
    a.act("tools/call hidden", Act::text("found"));
    let (world, sent) = over_http(&a).await;
    for tool in ["x", "plain", "hidden"] {
        call(&world.modern(), tool, json!({}), &[("other", "=?base64?w6Q=?=")]).await.ok();
        assert_eq!(last(&sent), pairs(&[("other", "=?base64?w6Q=?=")]), "{tool}");
    }
}

/// Refuses calls whose headers it misses, as a server does that wants `Region` mirrored.
fn strict(sent: &Sent) -> Act {
    let sent = sent.clone();
    Act::with(move |_| match last(&sent).iter().any(|(name, _)| name == "region") {
        true => Act::text("served"),
        false => Act::error(-32020, "Header mismatch"),
    })
}

#[tokio::test(start_paused = true)]
async fn a_target_that_refuses_headers_is_asked_for_its_tools_and_called_again() {
    let a = Target::modern("a", &["x"]);
    a.change(|script| script.capabilities = json!({ "tools": {} }));
    let (world, sent) = over_http(&a).await;
    a.act("tools/call", strict(&sent));
    a.change(|script| script.tools = vec![mirrored("x")]);
    let arguments = json!({ "name": "x", "arguments": { "region": "eu" } });
    let (modern, legacy) = (world.modern(), world.legacy().await);
    let served = modern.call("tools/call", arguments.clone()).await.said();
    assert_eq!((served.as_str(), a.count("tools/call")), ("served", 2));
    assert_eq!(legacy.call("tools/call", arguments).await.said(), "served");
    assert_eq!(a.count("tools/call"), 3, "what was learned stays");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_goes_on_refusing_headers_is_called_twice_and_no_more() {
    let a = Target::modern("a", &["x"]).on("tools/call", Act::error(-32020, "Header mismatch"));
    let (world, _) = over_http(&a).await;
    let lists = a.count("tools/list");
    for (n, client) in [world.modern(), world.legacy().await].iter().enumerate() {
        let refused = client.tool("x").await;
        assert_eq!((refused.code(), a.count("tools/call")), (-32603, 2 * (n + 1)));
        let error = refused.outcome.expect_err("an error");
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains("`a` refuses the headers")),
            "{error}"
        );
        assert_eq!(error["data"]["original"]["code"], -32020);
    }
    assert!(a.count("tools/list") >= lists + 2);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_never_comes_does_not_hold_up_the_second_attempt_for_ever() {
    let a = Target::modern("a", &["x"]);
    let (world, sent) = over_http(&a).await;
    a.act("tools/call", strict(&sent));
    a.act("tools/list", Act::Hang);
    let begun = tokio::time::Instant::now();
    assert_eq!(world.modern().tool("x").await.code(), -32603);
    assert!(begun.elapsed() <= std::time::Duration::from_secs(31), "{:?}", begun.elapsed());
    assert_eq!(a.count("tools/call"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_legacy_targets_error_of_that_code_is_its_own_and_the_call_is_not_repeated() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::error(-32020, "no"));
    let world = World::start(&[&a]).await;
    world.modern().tool("x").await.code();
    assert_eq!(a.count("tools/call"), 1);
}
