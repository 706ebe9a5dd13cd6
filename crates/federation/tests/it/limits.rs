//! Targets that hold, offer or say more than they may: what is too much is cut, and said to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::time::{Duration, Instant};
use upstream::LinkKind;
use upstream::wire::Nuisance;

use crate::client::{World, background, seconds, settle};
use crate::target::{Act, Target, tool};

const MISSING: &str = "agentgateway.dev/missingTargets";

fn updated(n: u32) -> String {
    let params = json!({ "uri": format!("file:///w/{n}") });
    json!({ "jsonrpc": "2.0", "method": "notifications/resources/updated", "params": params }).to_string()
}

/// The one entry about what a list lacks.
fn lack(page: &Value) -> (String, String) {
    let missing = page["_meta"][MISSING].as_array().expect("something is missing");
    assert_eq!(missing.len(), 1, "{page}");
    let text = |key: &str| missing[0][key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"))
}

#[tokio::test(start_paused = true)]
async fn a_call_too_many_is_refused_at_once_whoever_makes_it() {
    let a = Target::legacy("a", &["x", "slow"])
        .on("tools/call slow", Act::after(60, Act::text("slow")))
        .set(|settings| settings.limits.calls = 4);
    let world = World::start(&[&a]).await;
    let (one, two) = (Arc::new(world.legacy().await), Arc::new(world.modern()));
    let mut running = Vec::new();
    for n in 0..2 {
        running.push(background(&one, json!(format!("one {n}")), "slow"));
        running.push(background(&two, json!(format!("two {n}")), "slow"));
    }
    settle().await;
    for client in [&one, &two] {
        let start = Instant::now();
        let error = client.tool("x").await.outcome.expect_err("refused");
        assert_eq!(
            error["message"],
            "target `a` has 4 calls in flight and takes no more; the call did not run"
        );
        assert_eq!((&error["code"], start.elapsed()), (&json!(-32603), Duration::ZERO));
    }
    let stats = world.backend.status()[0].stats.clone();
    assert_eq!((stats.in_flight, stats.refused_busy), (4, 2));
    for mut call in running {
        assert_eq!(call.recv().await.flatten().expect("an answer").said(), "slow");
    }
    assert_eq!(one.tool("x").await.said(), "a:x");
    assert_eq!(world.backend.status()[0].stats.in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_gives_its_place_back() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Hang).set(|settings| settings.limits.calls = 1);
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    for n in 0..5 {
        let _running = background(&client, json!(n), "x");
        settle().await;
        assert_eq!(world.backend.status()[0].stats.in_flight, 1);
        client.notify("notifications/cancelled", json!({ "requestId": n })).await;
        settle().await;
        assert_eq!(world.backend.status()[0].stats.in_flight, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_with_too_many_items_is_cut_and_says_so() {
    let a = Target::legacy("a", &[]).set(|settings| settings.limits.items = 30).be(|script| {
        script.tools = (0..1000).map(|n| tool(&format!("t{n}"))).collect();
    });
    let world = World::start(&[&a]).await;
    let page = world.modern().call("tools/list", json!({})).await.ok();
    assert_eq!(page["tools"].as_array().map(Vec::len), Some(30));
    let reason = "tools/list of target `a` has more than the 30 items that `limits.items` allows; only its first 30 items are served";
    assert_eq!(lack(&page), ("incomplete".into(), reason.into()));
    assert_eq!(world.backend.status()[0].faults[0].1, reason);
    let read = a.count("tools/list");
    seconds(20).await;
    assert_eq!(a.count("tools/list"), read, "it is not asked again for what is not wanted");
    assert_eq!(world.backend.measure().targets[0].list_faults, 1);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_never_ends_is_cut() {
    let endless = |cursor: fn(usize) -> String| {
        let pages = AtomicUsize::new(0);
        Act::with(move |_| {
            let n = pages.fetch_add(1, Ordering::Relaxed);
            Act::Result(json!({ "tools": [tool(&format!("t{n}"))], "nextCursor": cursor(n) }))
        })
    };
    for (cursor, count, why) in [
        (
            (|n| n.to_string()) as fn(usize) -> String,
            20,
            "has more than the 20 pages that `limits.pages` allows",
        ),
        (|n| (n % 3).to_string(), 4, "goes round in a circle: it gave the same cursor twice"),
    ] {
        let a = Target::legacy("a", &[])
            .on("tools/list", endless(cursor))
            .set(|settings| settings.limits.pages = 20);
        let world = World::start(&[&a]).await;
        let page = world.modern().call("tools/list", json!({})).await.ok();
        assert_eq!(page["tools"].as_array().map(Vec::len), Some(count));
        assert!(lack(&page).1.contains(why), "{page}");
        assert_eq!(
            world.modern().tool("t0").await.code(),
            -32602,
            "it is listed, and the target's to refuse"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_changes_is_read_once_a_second() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    seconds(10).await;
    let before = a.count("tools/list");
    for _ in 0..100 {
        for _ in 0..50 {
            a.notify("notifications/tools/list_changed", json!({}));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    seconds(5).await;
    let read = a.count("tools/list") - before;
    assert!((10..=17).contains(&read), "{read} times in ten seconds");
    a.offer(&["x", "y"]);
    seconds(2).await;
    assert_eq!(world.modern().tools().await, ["x", "y"], "what it said last counts");
}

/// Its caller asked for it, and what it does not read is bounded elsewhere.
#[tokio::test(start_paused = true)]
async fn what_belongs_to_a_call_is_no_flood() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":$n}}"#;
    let lines: Vec<String> = (1..=200).map(|n| progress.replace("$n", &n.to_string())).collect();
    let a = Target::legacy("a", &["x"])
        .on("tools/call", Act::saying(lines, Act::text("a:x")))
        .set(|settings| settings.limits.notifications = 10);
    let world = World::start(&[&a]).await;
    for client in [world.modern(), world.legacy().await] {
        let reply = client.tool_with("x", json!("p")).await;
        assert_eq!((reply.noted().len(), reply.said()), (200, "a:x".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_updates_is_cut_and_the_last_of_it_told_when_it_is_over() {
    let a = Target::legacy("a", &["x"]).full("w").set(|settings| settings.limits.notifications = 5);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    client.call("resources/subscribe", json!({ "uri": "file:///w" })).await.ok();
    let wire = a.heard_of("resources/subscribe")[0].wire;
    for n in (0..10).cycle().take(100) {
        a.say_on(wire, &updated(n));
    }
    assert_eq!(hears.heard().await.len(), 5);
    assert_eq!(world.backend.status()[0].stats.nuisances[Nuisance::Flood as usize], 95);
    seconds(1).await;
    let mut late = hears.heard().await;
    late.sort();
    let each: Vec<_> = (0..10).map(|n| format!("resources/updated file:///w/{n}")).collect();
    assert_eq!(late, each);
    seconds(5).await;
    assert_eq!(hears.heard().await, [""; 0]);
    assert_eq!(client.tool("x").await.said(), "a:x");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_declares_something_else_each_time_does_not_leave_a_link_behind_each_time() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    for n in 0..50 {
        let mut client = world.modern();
        client.capabilities = json!({ "elicitation": {}, "experimental": { "n": n } });
        assert_eq!(client.tool("x").await.said(), "a:x");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    settle().await;
    assert_eq!(world.backend.status()[0].stats.links[LinkKind::Lent as usize], 32);
    let mut client = world.modern();
    client.capabilities = json!({ "elicitation": {}, "experimental": { "n": 49 } });
    let opened = a.opened();
    assert_eq!(client.tool("x").await.said(), "a:x");
    assert_eq!(a.opened(), opened, "the latest are kept");
}

#[tokio::test(start_paused = true)]
async fn links_are_counted_by_what_they_are_for() {
    let a = Target::legacy("a", &["x"]).set(|settings| settings.warm = true);
    let world = World::start(&[&a]).await;
    let links = || {
        let links = world.backend.status()[0].stats.links;
        LinkKind::ALL
            .map(|kind| (kind.as_str(), links[kind as usize]))
            .into_iter()
            .filter(|(_, n)| *n > 0)
            .collect::<Vec<_>>()
    };
    assert_eq!(links(), [("discovery", 1)]);
    let session = world.legacy().await;
    session.tool("x").await.ok();
    world.modern().tool("x").await.ok();
    settle().await;
    assert_eq!(links(), [("discovery", 1), ("plain", 1), ("session", 1), ("spare", 1)]);
    session.end();
    settle().await;
    assert_eq!(links(), [("discovery", 1), ("plain", 1), ("spare", 1)]);
    world.legacy().await.tool("x").await.ok();
    settle().await;
    assert_eq!(links(), [("discovery", 1), ("plain", 1), ("session", 1), ("spare", 1)]);
    let mut asked = world.modern();
    asked.capabilities = json!({ "elicitation": {} });
    asked.tool("x").await.ok();
    assert_eq!(links()[3], ("lent", 1));
    world.backend.stop().await;
    assert_eq!(links(), []);
}
