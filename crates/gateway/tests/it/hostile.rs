//! Targets that say anything: wrong types in every place, wrong ids, pages without end, requests under our own ids, streams
//! that break off. The gateway neither panics nor hangs, their neighbour does not notice, and when they are good again, they
//! are served again.

mod script;
mod server;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Ask, Gateway, Session, builtin, declaring, eventually, request, serving, text_of};
use crate::fuzz;
use crate::fuzz::dice::Dice;
use script::Era;
use server::{Mood, Target, Way};

/// How long a call of the neighbour's may take, on a machine that has much else to do. Shorter than what a hostile target
/// may keep its own callers waiting for.
const NEIGHBOURLY: Duration = Duration::from_secs(25);
/// How long a client waits for a hostile target before it goes away.
const PATIENCE: Duration = Duration::from_millis(300);
/// The neighbour's pause between two calls.
const PAUSE: Duration = Duration::from_millis(20);
/// Clients at once.
const CLIENTS: usize = 4;

const METHODS: &[(&str, &str)] = &[
    ("tools/call", "name"),
    ("tools/call", "name"),
    ("tools/call", "name"),
    ("prompts/get", "name"),
    ("resources/read", "uri"),
    ("resources/subscribe", "uri"),
    ("completion/complete", "ref"),
    ("tools/list", ""),
    ("resources/list", ""),
    ("resources/templates/list", ""),
    ("prompts/list", ""),
];
const TOOLS: &[&str] = &["good", "mirrors", "app", "task"];

/// The params of a request that leads to a target.
fn params(dice: &mut Dice, key: &str, target: &str) -> Value {
    match key {
        "name" => {
            json!({ "name": format!("{target}_{}", dice.pick(TOOLS)), "arguments": { "a": "b" }, "_meta": { "progressToken": 1 } })
        }
        "uri" => json!({ "uri": format!("{target}+x:good") }),
        "ref" => {
            let reference = json!({ "type": "ref/prompt", "name": format!("{target}_good") });
            json!({ "ref": reference, "argument": { "name": "a", "value": "" } })
        }
        _ => json!({}),
    }
}

/// A client that calls the hostile targets and does not wait for them.
async fn client(
    address: SocketAddr,
    targets: &[&'static str],
    seed: u64,
    over: &AtomicBool,
    answered: &AtomicU64,
) {
    let dice = &mut Dice::new(seed);
    let able = json!({ "elicitation": { "form": {}, "url": {} }, "sampling": {}, "roots": {} });
    while !over.load(Ordering::Relaxed) {
        let version = dice.pick(&["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]);
        let opening = timeout(fuzz_patience(), Session::declaring(address, version, &able));
        let session = opening.await.expect("a handshake hangs");
        let mut stream = timeout(fuzz_patience(), Ask::stream(&session.id).send(address)).await.ok();
        for _ in 0..10 {
            let (method, key) = METHODS[dice.below(METHODS.len())];
            let target = dice.pick(targets);
            let params = params(dice, key, target);
            let ask = match dice.one_in(2) {
                true => session.ask(request(7, method, params)),
                false => Ask::modern_as(7, method, declaring(params, able.clone())),
            };
            // What a target said may be more than a reader takes, and is passed on as it is.
            let served = timeout(PATIENCE, async {
                let reply = ask.send(address).await;
                assert!(reply.status < 500, "the status {}", reply.status);
                reply.text().await
            });
            if let Ok(text) = served.await {
                assert!(text.contains("\"result\"") || text.contains("\"error\""), "{text}");
                answered.fetch_add(1, Ordering::Relaxed);
            }
        }
        drop(stream.take());
        session.end().await;
    }
}

/// A handshake and a list wait 10 s for targets that are on their way.
fn fuzz_patience() -> Duration {
    Duration::from_secs(25)
}

/// How it went for the neighbour.
#[derive(Default, Debug)]
struct Calls {
    answered: u64,
    /// How long the slowest took.
    slowest: Duration,
    /// How much longer a pause took than it should: what the machine has to do with it.
    drift: Duration,
}

/// A client of the one target that is no enemy.
async fn neighbour(address: SocketAddr, over: &AtomicBool) -> Calls {
    let session = Session::open(address).await;
    let mut calls = Calls::default();
    while !over.load(Ordering::Relaxed) {
        let called =
            timeout(NEIGHBOURLY, session.tool("time_get_current_time", json!({ "timezone": "UTC" })));
        let asked = Instant::now();
        let called = called.await.unwrap_or_else(|_| panic!("the neighbour's call hangs: {calls:?}"));
        calls.slowest = calls.slowest.max(asked.elapsed());
        assert!(text_of(&called).contains("UTC"), "{called}");
        if calls.answered % 20 == 0 {
            let listed = timeout(fuzz_patience(), session.tools()).await.expect("a list hangs");
            assert!(listed.iter().any(|name| name == "time_get_current_time"), "{listed:?}");
        }
        calls.answered += 1;
        let paused = Instant::now();
        sleep(PAUSE).await;
        calls.drift = calls.drift.max(paused.elapsed().saturating_sub(PAUSE));
    }
    session.end().await;
    calls
}

#[expect(clippy::print_stdout, reason = "a seed is of use to whoever reads it")]
async fn suffer(seed: u64, length: Duration) {
    println!("from seed {seed} on");
    let mood = Mood::hostile(seed);
    let mut targets = Vec::new();
    for (name, way, era) in [
        ("old", Way::Http, Era::Legacy),
        ("new", Way::Http, Era::Modern),
        ("old-child", Way::Child, Era::Legacy),
        ("new-child", Way::Child, Era::Modern),
    ] {
        targets.push(Target::start(name, way, era, &mood).await);
    }
    let names: Vec<&'static str> = targets.iter().map(|target| target.name).collect();
    let mut configured: Vec<Value> = targets.iter().map(Target::configured).collect();
    configured.push(builtin("time"));
    let mut config = serving(configured);
    config["config"]["limits"] = json!({ "responseBody": "200KiB" });
    let mut gateway = Gateway::start(&config).await;
    gateway.ready("time").await;
    let (address, admin) = (gateway.address(), gateway.admin().await);

    let (over, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let clients = (0..CLIENTS as u64).map(|n| client(address, &names, seed + n, &over, &answered));
    let clock = async {
        let end = Instant::now() + length;
        while Instant::now() < end {
            sleep(Duration::from_secs(2)).await;
            // Those that ended are not waited for: each has to be bad more than once.
            restart(admin, &names).await;
            Ask::get("/api/catalog").send(admin).await.text().await;
        }
        over.store(true, Ordering::Relaxed);
    };
    let (_, calls, ()) = tokio::join!(futures::future::join_all(clients), neighbour(address, &over), clock);
    let answered = answered.load(Ordering::Relaxed);
    println!("the neighbour: {calls:?}; {answered} answers of others, seeds to {}", mood.seed());

    let log = gateway.log();
    let lines: Vec<_> =
        log.lines().filter(|line| line.contains("please report") || line.contains("panicked")).collect();
    assert!(lines.is_empty(), "{lines:#?}");
    mood.improve();
    restart(admin, &names).await;
    let session = Session::open(address).await;
    for name in &names {
        let tool = format!("{name}_good");
        eventually(&format!("{name} is good again"), async || {
            let listed = session.tools().await.contains(&tool);
            let called = timeout(NEIGHBOURLY, session.tool(&tool, json!({}))).await.expect("a call hangs");
            (listed && called["result"]["content"][0]["text"] == "good").then_some(())
        })
        .await;
    }
    gateway.signal("TERM");
    assert_eq!(gateway.ended().await.code(), Some(0));
}

/// Starts or connects to targets anew.
async fn restart(admin: SocketAddr, names: &[&str]) {
    let status = Ask::get("/api/status").send(admin).await.json().await;
    let backend = status["backends"][0]["key"].as_str().expect("a key").replace('/', "%2F");
    for name in names {
        let path = format!("/api/backends/{backend}/targets/{name}/restart");
        let ask = Ask::new(Method::POST, &path).with("content-type", "application/json");
        assert_eq!(ask.send(admin).await.status, 202);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_target_breaks_the_gateway_in_a_short_run() {
    suffer(1, Duration::from_secs(12)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`make fuzz` runs it, for $FUZZ_SECONDS from $FUZZ_SEED on"]
async fn no_target_breaks_the_gateway_in_a_long_run() {
    suffer(fuzz::seed(), fuzz::seconds()).await;
}
