//! Requests of every kind over real sockets, most of them wrong in some way, to the ports for clients and operators: the
//! gateway panics at none, hangs at none, has no error of its own, and is afterwards what it was before.
//!
//! Each case follows from its seed, which is printed when it fails. What it meets does not: sessions, and what other
//! connections do at the same time.

pub(crate) mod dice;
pub(crate) mod spoil;

mod case;
mod exchange;
mod message;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use agentgateway::config::process_environment;
use http::Method;
use serde_json::{Value, json};
use testkit::fixture::{self, Era};
use tokio::time::{Instant, sleep};

use crate::client::{Ask, Gateway, Session, builtin, notification, remote, serving, text_of};
use case::{Case, Known};
use dice::Dice;
use exchange::exchange;

/// Connections at once.
const WORKERS: usize = 6;
/// Sessions that are kept to be used by later cases; the oldest are ended.
const SESSIONS: usize = 40;
/// Descriptors more than before that are no leak: links that are lent, and calls of modern clients that are parked, are kept
/// for a while.
const SPARE_DESCRIPTORS: usize = 120;
/// The same when everything that is kept for a while is over.
const LEFT_DESCRIPTORS: usize = 12;

/// What cases learn from each other.
#[derive(Default)]
struct Learnt {
    sessions: VecDeque<String>,
    events: VecDeque<String>,
}

struct Run {
    seed: u64,
    next: AtomicU64,
    end: Instant,
    host: SocketAddr,
    admin: SocketAddr,
    learnt: Mutex<Learnt>,
    statuses: Mutex<std::collections::BTreeMap<String, u64>>,
}

impl Run {
    /// One worker: case after case until the time is over.
    async fn work(&self) {
        while Instant::now() < self.end {
            let seed = self.seed + self.next.fetch_add(1, Ordering::Relaxed);
            let (case, to) = self.case(seed);
            match exchange(&case, to).await {
                Ok(heard) => self.learn(heard).await,
                Err(what) => {
                    let sent: Vec<_> =
                        case.pieces.iter().map(|piece| String::from_utf8_lossy(piece)).collect();
                    panic!("seed {seed}: {what}\n--- sent to {to}:\n{}", sent.join("\n--- and then:\n"));
                }
            }
        }
    }

    fn case(&self, seed: u64) -> (Case, SocketAddr) {
        let dice = &mut Dice::new(seed);
        let (sessions, events): (Vec<_>, Vec<_>) = {
            let learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
            (learnt.sessions.iter().cloned().collect(), learnt.events.iter().cloned().collect())
        };
        let (host, admin) = (self.host.to_string(), self.admin.to_string());
        let known = |host| Known { host, sessions: &sessions, events: &events };
        match dice.below(12) {
            0 => (case::noise(dice), if dice.one_in(2) { self.host } else { self.admin }),
            1 | 2 => (case::admin(dice, known(&admin)), self.admin),
            _ => (case::mcp(dice, known(&host)), self.host),
        }
    }

    async fn learn(&self, heard: exchange::Heard) {
        let status = heard.status.map_or("none".into(), |status| status.to_string());
        *self.statuses.lock().unwrap_or_else(PoisonError::into_inner).entry(status).or_default() += 1;
        let old = {
            let mut learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
            learnt.sessions.extend(heard.session.clone());
            learnt.events.extend(heard.events);
            let excess = learnt.events.len().saturating_sub(SESSIONS);
            learnt.events.drain(..excess);
            // An ended session stays known for a while: it is a state that a session can be in.
            (learnt.sessions.len() > SESSIONS).then(|| learnt.sessions.pop_front()).flatten()
        };
        // Most sessions get further than their handshake.
        if let Some(session) =
            heard.session.filter(|session| session.len() % 4 != 0 || session.bytes().any(|b| b == b'a'))
        {
            let initialized = notification("notifications/initialized", json!({}));
            let _ = Ask::post(initialized).with("mcp-session-id", &session).try_send(self.host).await;
        }
        if let Some(old) = old {
            let ended =
                Ask::new(Method::DELETE, "/mcp").with("mcp-session-id", &old).try_send(self.host).await;
            assert!(ended.is_ok_and(|reply| [204, 404].contains(&reply.status)), "a session does not end");
        }
    }
}

/// Ends all sessions, also those whose ids nobody got.
async fn end_sessions(admin: SocketAddr) {
    let all = Ask::get("/api/sessions").send(admin).await.json().await;
    for session in all["sessions"].as_array().into_iter().flatten() {
        let path = format!("/api/sessions/{}", session["id"].as_str().expect("an id"));
        Ask::new(Method::DELETE, &path).send(admin).await;
    }
}

fn descriptors(gateway: &Gateway) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", gateway.id())).expect("a process").count()
}

/// Plain calls of both eras to every target.
async fn serves(gateway: &Gateway) {
    let address = gateway.address();
    let session = Session::open(address).await;
    for (tool, arguments) in [
        ("old_test_simple_text", json!({})),
        ("new_test_simple_text", json!({})),
        ("time_get_current_time", json!({ "timezone": "UTC" })),
    ] {
        assert!(!text_of(&session.tool(tool, arguments.clone()).await).is_empty());
        let params = json!({ "name": tool, "arguments": arguments });
        let answer = Ask::modern("tools/call", params).send(address).await.answer().await;
        assert!(!text_of(&answer).is_empty());
    }
    session.end().await;
}

/// Fuzzes for a while, and looks how the gateway is then.
#[expect(clippy::print_stdout, reason = "a seed is of use to whoever reads it")]
async fn fuzz(seed: u64, length: Duration, wait: Duration, spare: usize) {
    let (old, new) = (
        fixture::serve_http(Era::Legacy).await.expect("a fixture"),
        fixture::serve_http(Era::Modern).await.expect("a fixture"),
    );
    let mut config = serving(vec![remote("old", &old.url), remote("new", &new.url), builtin("time")]);
    let route = &mut config["binds"][0]["listeners"][0]["routes"][0];
    route["policies"] = json!({ "cors": { "allowOrigins": ["https://app.example"] } });
    route["backends"][0]["mcp"]["names"] = json!({ "maxLength": 40 });
    let gateway = Gateway::start(&config).await;
    for target in ["old", "new", "time"] {
        gateway.ready(target).await;
    }
    serves(&gateway).await;
    let before = descriptors(&gateway);

    let run = Run {
        seed,
        next: AtomicU64::new(0),
        end: Instant::now() + length,
        host: gateway.address(),
        admin: gateway.admin().await,
        learnt: Mutex::default(),
        statuses: Mutex::default(),
    };
    futures::future::join_all((0..WORKERS).map(|_| run.work())).await;
    let cases = run.next.load(Ordering::Relaxed);
    let statuses = run.statuses.lock().unwrap_or_else(PoisonError::into_inner).clone();
    println!("{cases} requests from seed {seed} on, by status: {statuses:?}");

    let log = gateway.log();
    let lines: Vec<_> =
        log.lines().filter(|line| line.contains("please report") || line.contains("panicked")).collect();
    assert!(lines.is_empty(), "{lines:#?}");
    serves(&gateway).await;
    end_sessions(run.admin).await;
    let deadline = Instant::now() + wait;
    loop {
        let status: Value = gateway.status().await;
        let (sessions, now) = (status["backends"][0]["sessions"].clone(), descriptors(&gateway));
        if sessions == 0 && now <= before + spare {
            break;
        }
        assert!(Instant::now() < deadline, "{sessions} sessions, {now} descriptors; {before} before");
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_breaks_the_gateway_in_a_short_run() {
    fuzz(1, Duration::from_secs(12), Duration::from_secs(20), SPARE_DESCRIPTORS).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`make fuzz` runs it, for $FUZZ_SECONDS from $FUZZ_SEED on"]
async fn no_request_breaks_the_gateway_in_a_long_run() {
    // Parked calls are given up after 5 minutes.
    fuzz(seed(), seconds(), Duration::from_secs(330), LEFT_DESCRIPTORS).await;
}

/// For how long a long run goes on.
pub(crate) fn seconds() -> Duration {
    let seconds = process_environment("FUZZ_SECONDS").unwrap_or_else(|| "600".into());
    Duration::from_secs(seconds.parse().expect("FUZZ_SECONDS is a number"))
}

/// Where a long run begins: elsewhere each time, unless it is told.
pub(crate) fn seed() -> u64 {
    let told = process_environment("FUZZ_SEED").map(|seed| seed.parse().expect("FUZZ_SEED is a number"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
    told.unwrap_or(now.as_secs() << 20)
}
