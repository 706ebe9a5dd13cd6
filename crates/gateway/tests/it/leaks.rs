//! Clients that go away in the middle of something, over real sockets: what was opened for them is closed, at the gateway
//! and at its targets.

use serde_json::{Value, json};
use testkit::Served;
use testkit::fixture::{self, Era};

use crate::client::{Ask, Events, Gateway, eventually, is_alive, remote, request, serving};
use crate::person::{self, Person, Talk};
use crate::support::stdio_fixture;

/// How often each thing happens: one descriptor or link that is left behind each time is then more than chance.
const TIMES: usize = 8;
/// Targets of both eras over both transports.
const TARGETS: [&str; 4] = ["old", "new", "old-pipe", "new-pipe"];

struct Site {
    gateway: Gateway,
    old: Served,
    _new: Served,
}

impl Site {
    async fn start() -> Self {
        let old = fixture::serve_http(Era::Legacy).await.expect("a fixture");
        let new = fixture::serve_http(Era::Modern).await.expect("a fixture");
        let targets = vec![
            remote("old", &old.url),
            remote("new", &new.url),
            stdio_fixture("old-pipe", Era::Legacy),
            stdio_fixture("new-pipe", Era::Modern),
        ];
        let gateway = Gateway::start(&serving(targets)).await;
        for target in TARGETS {
            gateway.ready(target).await;
        }
        Self { gateway, old, _new: new }
    }

    async fn meet(&self, era: person::Era) -> Person {
        Person::meet("ann", era, self.gateway.address()).await
    }

    /// What is open: sessions, processes, descriptors of the gateway, and what the targets say of themselves.
    async fn footprint(&self) -> Footprint {
        // Links for clients that can be asked are kept for the next: this is the next, so that there is always one.
        let next = self.meet(person::Era::Modern).await;
        for target in ["old", "old-pipe"] {
            next.facts(&format!("{target}_kit_state"), json!({})).await;
        }
        let status = self.gateway.status().await;
        let mut open = json!({ "sessions": status["backends"][0]["sessions"] });
        for target in TARGETS {
            // A client that cannot be asked calls over the link that all share.
            let params = json!({ "name": format!("{target}_kit_state"), "arguments": {} });
            let answer = Ask::modern("tools/call", params).send(self.gateway.address()).await.answer().await;
            let mut state = answer["result"]["structuredContent"].clone();
            state.as_object_mut().unwrap_or_else(|| panic!("{answer}")).remove("cancelled");
            open[target] = state;
            let shown = self.gateway.target(target).await.expect("a target");
            open[target]["processes"] = json!(shown["processes"].as_array().map(Vec::len));
        }
        let descriptors = std::fs::read_dir(format!("/proc/{}/fd", self.gateway.id())).expect("descriptors");
        Footprint { open, descriptors: descriptors.count() }
    }

    /// Does something several times, after which nothing of it may be left.
    async fn leaves_nothing(&self, what: &str, does: impl AsyncFn()) {
        does().await;
        let before = self.settled(what).await;
        for _ in 0..TIMES {
            does().await;
        }
        let mut last = None;
        let same = async || {
            let now = self.footprint().await;
            // Connections to targets are kept for a while, more or fewer of them.
            let done = now.open == before.open && now.descriptors < before.descriptors + TIMES / 2;
            last = Some(now);
            done.then_some(())
        };
        let looking = tokio::time::timeout(std::time::Duration::from_secs(20), eventually(what, same)).await;
        assert!(looking.is_ok(), "{what} leaves something: {before:#?} is now {last:#?}");
    }

    /// The footprint when it has stopped changing.
    async fn settled(&self, what: &str) -> Footprint {
        let mut before: Option<Footprint> = None;
        let settled = async || {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            let now = self.footprint().await;
            let same = before.as_ref() == Some(&now);
            before = Some(now.clone());
            same.then_some(now)
        };
        eventually(&format!("{what} settles"), settled).await
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Footprint {
    open: Value,
    descriptors: usize,
}

// === What clients do, and then are gone ===

/// Begins a call of a second or so, and waits until it runs.
async fn running<'a>(person: &'a Person, target: &str, steps: u64) -> Talk<'a> {
    let mut talk = person.call(&format!("{target}_kit_slow"), json!({ "steps": steps })).await;
    talk.until("notifications/progress").await;
    talk
}

/// Begins a call that asks, and waits until it does.
async fn asked<'a>(person: &'a Person, target: &str) -> Talk<'a> {
    let mut talk = person.call(&format!("{target}_kit_echo_asked"), json!({ "token": "t" })).await;
    talk.question().await;
    talk
}

async fn end(person: &Person) {
    person.session.as_ref().expect("a session").end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_modern_client_that_goes_away_in_a_call_leaves_nothing() {
    let site = Site::start().await;
    for target in TARGETS {
        let goes_away = async || {
            let person = site.meet(person::Era::Modern).await;
            drop(running(&person, target, 6000).await);
        };
        site.leaves_nothing(&format!("a call to {target}"), goes_away).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_legacy_session_that_ends_in_a_call_or_in_a_question_leaves_nothing() {
    let site = Site::start().await;
    for target in TARGETS {
        let in_a_call = async || {
            let person = site.meet(person::Era::Legacy).await;
            drop(running(&person, target, 6000).await);
            end(&person).await;
        };
        site.leaves_nothing(&format!("a call to {target}"), in_a_call).await;
        let in_a_question = async || {
            let person = site.meet(person::Era::Legacy).await;
            let talk = asked(&person, target).await;
            end(&person).await;
            drop(talk);
        };
        site.leaves_nothing(&format!("a question of {target}"), in_a_question).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_legacy_client_that_gives_up_a_call_that_asks_leaves_nothing() {
    let site = Site::start().await;
    let person = site.meet(person::Era::Legacy).await;
    for target in TARGETS {
        let gives_up = async || asked(&person, target).await.cancel().await;
        site.leaves_nothing(&format!("a question of {target}"), gives_up).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_of_2024_11_05_that_breaks_in_a_call_leaves_nothing() {
    let site = Site::start().await;
    let to = site.gateway.address();
    for target in TARGETS {
        let breaks = async || {
            let (mut stream, at) = crate::streams::old_connection(to).await;
            let params = json!({
                "name": format!("{target}_kit_slow"), "arguments": { "steps": 6000 },
                "_meta": { "progressToken": "p" },
            });
            let call = Ask::post(request("slow", "tools/call", params)).at(&at);
            assert_eq!(call.send(to).await.status, 202);
            stream.until("notifications/progress").await;
        };
        site.leaves_nothing(&format!("a call to {target}"), breaks).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_changes_that_break_leave_nothing() {
    let site = Site::start().await;
    let counters = TARGETS.map(|target| format!("{target}+kit://counter"));
    let listens = async || {
        let wanted = json!({ "toolsListChanged": true, "resourceSubscriptions": counters });
        let ask = Ask::modern("subscriptions/listen", json!({ "notifications": wanted }));
        let mut stream: Events = ask.send(site.gateway.address()).await.events();
        let honoured = stream.until("notifications/subscriptions/acknowledged").await;
        assert_eq!(honoured["params"]["notifications"]["resourceSubscriptions"], json!(counters));
    };
    site.leaves_nothing("subscriptions/listen", listens).await;
    let subscribes = async || {
        let person = site.meet(person::Era::Legacy).await;
        let session = person.session.as_ref().expect("a session");
        let mut stream = session.stream().await;
        for uri in &counters {
            let answer = session.call("resources/subscribe", json!({ "uri": uri })).await;
            assert!(answer["result"].is_object(), "{answer}");
        }
        session.tool("old_kit_touch", json!({})).await;
        stream.until("notifications/resources/updated").await;
        drop(stream);
        end(&person).await;
    };
    site.leaves_nothing("a session's own stream", subscribes).await;
}

/// A client that was told to come back with answers cannot be heard to go away. What waits for it ends with the gateway at
/// the latest, in good order for the targets; that it ends after five minutes is seen where time is virtual.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_wait_for_a_client_end_with_the_gateway() {
    let mut site = Site::start().await;
    let fixture = crate::client::Session::open(address_of(&site.old.url)).await;
    let state = async || fixture.tool("kit_state", json!({})).await["result"]["structuredContent"].clone();
    {
        let person = site.meet(person::Era::Modern).await;
        for target in TARGETS {
            for _ in 0..3 {
                drop(asked(&person, target).await);
            }
        }
    }
    let open = state().await;
    assert_eq!((&open["questions"], &open["calls"]), (&json!(3), &json!(4)), "{open}");
    let processes = site.gateway.target("old-pipe").await.expect("a target")["processes"].clone();
    let processes: Vec<u64> = serde_json::from_value(processes).expect("numbers");
    assert_eq!(processes.len(), 4, "the shared one, and one for each call");
    site.gateway.signal("TERM");
    assert!(site.gateway.ended().await.success());
    let closed = async || {
        let now = state().await;
        (now["questions"] == 0 && now["calls"] == 1 && now["sessions"] == 1).then_some(())
    };
    eventually("the target is left in good order", closed).await;
    for pid in processes {
        assert!(!is_alive(pid.try_into().expect("a process id")), "{pid} is left");
    }
}

fn address_of(url: &str) -> std::net::SocketAddr {
    let rest = url.strip_prefix("http://").expect("a URL");
    rest.split('/').next().and_then(|host| host.parse().ok()).expect("an address")
}
