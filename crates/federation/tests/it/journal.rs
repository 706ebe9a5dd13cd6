//! What was called, by whom, and how it went.

use federation::{Ending, Entry, Keep};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

use crate::client::{World, background, seconds, settle};
use crate::target::{Act, Target};

/// The latest entry.
fn latest(world: &World) -> Arc<Entry> {
    world.journal.recent().first().expect("an entry").clone()
}

fn parsed(kept: Option<federation::Kept<'_>>) -> Value {
    let kept = kept.expect("a body");
    assert!(!kept.cut, "{kept:?}");
    serde_json::from_slice(kept.text).expect("JSON")
}

fn of_tool(name: &str) -> Value {
    json!({ "name": name, "arguments": { "n": 1 } })
}

#[tokio::test(start_paused = true)]
async fn a_call_of_either_era_is_recorded_with_who_called_what_where() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::after(2, Act::text("done")));
    let b = Target::modern("b", &["y"]);
    let world = World::start(&[&a, &b]).await;

    world.legacy().await.call("tools/call", of_tool("a_x")).await.ok();
    let entry = latest(&world);
    assert_eq!((entry.number, entry.method, &*entry.backend), (1, "tools/call", "test"));
    assert_eq!((entry.item(), entry.target()), (Some("a_x"), Some("a")));
    assert_eq!((entry.era.as_str(), entry.session), ("legacy", Some(1)));
    assert_eq!(entry.client.as_ref().expect("a client").read::<Value>().expect("JSON")["name"], "test");
    assert_eq!(entry.ending, Ending::Done);
    assert!((2.0..2.1).contains(&entry.duration.as_secs_f64()), "{:?}", entry.duration);
    assert_eq!(parsed(entry.params()), of_tool("a_x"));
    assert_eq!(parsed(entry.answer())["result"]["content"][0]["text"], "done");

    world.modern().call("tools/call", of_tool("b_y")).await.ok();
    let entry = latest(&world);
    assert_eq!((entry.number, entry.era.as_str(), entry.session), (2, "modern", None));
    assert_eq!(entry.target(), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn what_no_target_answers_is_not_recorded() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.call("tools/list", json!({})).await.ok();
    client.call("ping", json!({})).await.ok();
    world.modern().call("server/discover", json!({})).await.ok();
    assert!(world.journal.recent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn it_is_recorded_how_a_call_failed() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::error(-32603, "broken"));
    let b = Target::modern("b", &["y"])
        .on("tools/call", Act::Result(json!({ "content": [], "isError": true, "resultType": "complete" })));
    let world = World::start(&[&a, &b]).await;
    let client = world.modern();

    client.call("tools/call", of_tool("a_x")).await;
    assert_eq!(latest(&world).ending, Ending::Failed { code: -32603, message: "broken".into() });
    client.call("tools/call", of_tool("b_y")).await;
    assert_eq!(latest(&world).ending, Ending::ToolFailed);
    client.call("tools/call", of_tool("nobody")).await;
    let entry = latest(&world);
    assert!(matches!(entry.ending, Ending::Failed { code: -32602, .. }), "{:?}", entry.ending);
    assert_eq!((entry.item(), entry.target()), (Some("nobody"), None));

    let of = |name: &str| {
        let status = world.backend.status();
        status.iter().find(|target| target.name == name).expect("a target").figures
    };
    assert_eq!((of("a").total, of("a").failed), (1, 1));
    assert_eq!((of("b").total, of("b").failed), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_text_that_speaks_of_errors_is_no_error() {
    let text = r#"{"isError":true,"error":{"code":1}}"#;
    let result = json!({ "content": [{ "type": "text", "text": text }], "structuredContent": { "isError": true, "error": {} } });
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Result(result));
    let world = World::start(&[&a]).await;
    world.legacy().await.call("tools/call", of_tool("x")).await.ok();
    assert_eq!(latest(&world).ending, Ending::Done);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_its_client_gives_up_is_recorded_as_cancelled() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Hang);
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    let mut call = background(&client, json!("c"), "x");
    settle().await;
    let running = world.backend.status()[0].figures;
    assert_eq!((running.running, running.total), (1, 0));
    assert!(world.journal.recent().is_empty(), "it runs");
    client.notify("notifications/cancelled", json!({ "requestId": "c" })).await;
    assert!(call.recv().await.expect("an end").is_none(), "there is no answer");
    settle().await;
    assert_eq!(latest(&world).ending, Ending::Cancelled);
    assert_eq!(latest(&world).answer(), None);

    let modern = world.modern();
    let gone = tokio::time::timeout(Duration::from_secs(1), modern.call("tools/call", of_tool("x"))).await;
    assert!(gone.is_err(), "it hangs");
    settle().await;
    assert_eq!((latest(&world).number, latest(&world).ending.clone()), (2, Ending::Cancelled));
    let over = world.backend.status()[0].figures;
    assert_eq!((over.running, over.total, over.failed), (0, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_client_and_its_next_round_are_two_entries() {
    let form = json!({ "message": "sure?", "requestedSchema": { "type": "object", "properties": {} } });
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Ask("elicitation/create", form));
    let world = World::start(&[&a]).await;
    let mut client = world.modern();
    client.capabilities = json!({ "elicitation": { "form": {} } });
    let asked = client.call("tools/call", of_tool("x")).await.ok();
    assert_eq!(latest(&world).ending, Ending::InputRequired);
    let key = asked["inputRequests"].as_object().expect("questions").keys().next().expect("one").clone();
    let mut retry = of_tool("x");
    retry["requestState"] = asked["requestState"].clone();
    retry["inputResponses"] = json!({ key: { "action": "accept", "content": {} } });
    client.call("tools/call", retry).await.ok();
    let entry = latest(&world);
    assert_eq!((entry.number, entry.ending.clone()), (2, Ending::Done));
    assert_eq!(entry.target(), Some("a"), "also of a round that takes up a parked call");
}

#[tokio::test(start_paused = true)]
async fn the_journal_is_bounded_and_keeps_the_latest() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    for _ in 0..7 {
        client.call("tools/call", of_tool("x")).await.ok();
    }
    let numbers = || world.journal.recent().iter().map(|entry| entry.number).collect::<Vec<_>>();
    assert_eq!(numbers(), [7, 6, 5, 4, 3]);
    assert!(world.journal.find(2).is_none());
    assert_eq!(world.journal.find(4).expect("kept").number, 4);
    world.journal.keep(Keep { calls: 2, bodies: 0 });
    assert_eq!(numbers(), [7, 6]);
    assert!(world.journal.recent().iter().all(|entry| entry.params().is_none() && entry.answer().is_none()));
    world.journal.keep(Keep { calls: 0, bodies: 100 });
    client.call("tools/call", of_tool("x")).await.ok();
    assert!(world.journal.recent().is_empty());
    assert_eq!(world.backend.status()[0].figures.total, 8, "figures go on");
}

#[tokio::test(start_paused = true)]
async fn a_large_body_is_cut_between_two_characters() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::text(&"ä".repeat(1000)));
    let world = World::start(&[&a]).await;
    let params = json!({ "name": "x", "arguments": { "text": "ö".repeat(1000) } });
    world.modern().call("tools/call", params).await.ok();
    let entry = latest(&world);
    for kept in [entry.params(), entry.answer()] {
        let kept = kept.expect("a body");
        assert!(kept.cut && kept.text.len() <= 100 && kept.text.len() > 97, "{}", kept.text.len());
        std::str::from_utf8(kept.text).expect("whole characters");
    }
    assert!(entry.request > 2000 && entry.response > 2000, "the sizes are the real ones");
}

#[tokio::test(start_paused = true)]
async fn figures_say_how_long_calls_of_a_target_take() {
    let delay = |request: &Value| {
        Act::after(request["params"]["arguments"]["n"].as_u64().expect("a number"), Act::text("done"))
    };
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::with(delay));
    let world = World::start(&[&a]).await;
    let client = world.modern();
    assert_eq!(world.backend.status()[0].figures.durations, None);
    for seconds in [1, 1, 1, 1, 1, 1, 1, 4, 4, 9] {
        client.call("tools/call", json!({ "name": "x", "arguments": { "n": seconds } })).await.ok();
    }
    let found = world.backend.status()[0].figures.durations.expect("durations");
    let near = |found: Duration, seconds: f64| (found.as_secs_f64() / seconds - 1.0).abs() < 0.1;
    assert!(near(found.p50, 1.0) && near(found.p90, 4.0) && near(found.p99, 9.0), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn traffic_is_counted_by_the_minute_for_an_hour() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::error(-32603, "broken"));
    let world = World::start(&[&a]).await;
    let client = world.modern();
    let calls = || world.journal.traffic().iter().map(|minute| minute.calls).collect::<Vec<_>>();
    client.call("tools/call", of_tool("x")).await;
    client.call("tools/call", of_tool("x")).await;
    assert_eq!(calls()[58..], [0, 2]);
    assert_eq!(world.journal.traffic()[59].failed, 2);
    seconds(60).await;
    assert_eq!(calls()[57..], [0, 2, 0]);
    client.call("tools/call", of_tool("x")).await;
    seconds(58 * 60).await;
    assert_eq!((calls()[0], calls()[1], calls().len()), (2, 1, 60));
    seconds(60).await;
    assert_eq!((calls()[0], calls().iter().sum::<u64>()), (1, 1));
    seconds(3 * 3600).await;
    assert_eq!((calls().len(), calls().iter().sum::<u64>()), (60, 0));
    client.call("tools/call", of_tool("x")).await;
    assert_eq!(calls()[59], 1);
}

#[tokio::test(start_paused = true)]
async fn who_listens_hears_of_each_call_when_it_has_ended() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let mut ended = world.journal.ended();
    world.modern().call("tools/call", of_tool("x")).await.ok();
    assert_eq!(ended.recv().await.expect("an entry").number, 1);
}

#[tokio::test(start_paused = true)]
async fn sessions_say_who_they_are_and_can_be_ended() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy_of("2025-06-18").await.0;
    client.call("tools/call", of_tool("x")).await.ok();
    seconds(7).await;
    let sessions = world.backend.sessions();
    let session = &sessions[0];
    assert_eq!((session.number, session.running, session.calls), (1, 0, 1));
    assert_eq!(session.client.as_ref().expect("a handshake").1.as_str(), "2025-06-18");
    assert_eq!(session.links, ["a"]);
    assert!(session.idle.is_some());
    assert_eq!(world.backend.sessions()[0].idle, session.idle, "the moment stays while nobody uses it");
    assert!(!world.backend.end_session(99));
    assert!(world.backend.end_session(1));
    settle().await;
    assert!(world.backend.sessions().is_empty());
    assert_eq!(client.call("tools/list", json!({})).await.code(), -32600);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_restarted_gets_new_links_and_serves_again_at_once() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.call("tools/call", of_tool("x")).await.ok();
    let (opened, open) = (a.opened(), a.open());
    assert!(world.backend.restart("a") && !world.backend.restart("b"));
    settle().await;
    assert_eq!(a.open(), open - 1, "the session opens another when it calls");
    assert_eq!(a.opened(), opened + 1);
    client.call("tools/call", of_tool("x")).await.ok();
    assert_eq!(world.backend.status()[0].restarts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_failing_target_that_is_restarted_does_not_sit_out_its_pause() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    a.kill();
    seconds(120).await;
    let since = world.backend.status()[0].since;
    a.revive();
    let before = tokio::time::Instant::now();
    world.backend.restart("a");
    settle().await;
    assert!(matches!(world.backend.status()[0].condition, federation::Condition::Ready));
    assert!(world.backend.status()[0].since > since);
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn the_catalog_says_where_each_item_leads() {
    let a = Target::legacy("a", &["x"]).full("w");
    let b = Target::modern("b", &["x"]);
    let world = World::start(&[&a, &b]).await;
    let catalog = world.backend.catalog();
    let tools: Vec<_> = catalog
        .iter()
        .filter(|item| item.kind == protocol::Kind::Tool)
        .map(|item| (item.name.as_str(), item.target.as_str(), item.local.as_str()))
        .collect();
    assert_eq!(tools, [("a_x", "a", "x"), ("b_x", "b", "x")]);
    assert!(catalog.iter().any(|item| item.kind == protocol::Kind::Resource && item.name.starts_with("a+")));
}

#[tokio::test(start_paused = true)]
async fn a_restart_ends_a_start_that_hangs() {
    let a = Target::legacy("a", &["x"]);
    a.act("initialize", Act::Hang);
    let world = World::start(&[&a]).await;
    a.unact("initialize");
    world.backend.restart("a");
    settle().await;
    assert!(matches!(world.backend.status()[0].condition, federation::Condition::Ready));
    assert_eq!(world.backend.status()[0].restarts, 0, "it is not started a second time when it is there");
}

#[tokio::test(start_paused = true)]
async fn bug_a_session_that_only_listens_hears_of_a_target_that_was_restarted() {
    let a = Target::legacy("a", &["x"]).full("x");
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.call("resources/subscribe", json!({ "uri": "file:///x" })).await.ok();
    let mut hears = client.listen();
    world.backend.restart("a");
    seconds(10).await;
    hears.heard().await;
    a.notify("notifications/resources/updated", json!({ "uri": "file:///x" }));
    assert_eq!(hears.heard().await, ["resources/updated file:///x"]);
}

#[tokio::test(start_paused = true)]
async fn bug_what_others_choose_the_length_of_is_kept_in_short() {
    let long = "ü".repeat(5000);
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::error(-32000, &long));
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.call("tools/call", of_tool("x")).await;
    let Ending::Failed { message, .. } = &latest(&world).ending else { panic!("it failed") };
    assert!(message.len() < 1100 && message.ends_with('…'), "{}", message.len());
    client.call("tools/call", json!({ "name": long, "arguments": {} })).await;
    let item = latest(&world).item().expect("an item").to_owned();
    assert!(item.len() < 1100 && item.ends_with('…'), "{}", item.len());
    let mut params = of_tool("x");
    params[&long] = json!(1);
    client.call("tools/call", params).await;
    let entry = latest(&world);
    let kept = entry.params().expect("params");
    assert!(kept.cut && kept.text.len() <= 100, "{}", kept.text.len());
}
