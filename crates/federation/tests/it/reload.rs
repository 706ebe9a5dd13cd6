//! A reload is a diff: what is equal goes on, what is gone stops, what is new appears, and sessions are told.

use std::sync::Arc;

use federation::{FailureMode, PrefixMode};
use serde_json::json;
use tokio::time::{Duration, Instant};

use crate::client::{World, background, seconds, settle};
use crate::target::{Act, Target};

#[tokio::test(start_paused = true)]
async fn what_links_are_not_opened_with_changes_under_them() {
    let a = Target::legacy("a", &["x", "hung"]).on("tools/call hung", Act::Hang);
    let mut world = World::start(&[&a]).await;
    let client = world.legacy().await;
    assert_eq!(client.tool("x").await.said(), "a:x");
    let opened = a.opened();
    a.configure(|settings| settings.limits.call = Duration::from_secs(7));
    world.reconfigure(&[&a], |_| {});
    settle().await;
    let start = Instant::now();
    assert_eq!(client.tool("hung").await.code(), -32603);
    assert_eq!(start.elapsed().as_secs(), 7);
    assert_eq!((a.opened(), a.open()), (opened, opened), "the links are those that there were");
    // The largest message is what a wire is opened with.
    a.configure(|settings| settings.limits.message = 1 << 20);
    world.reconfigure(&[&a], |_| {});
    settle().await;
    assert_eq!(client.tool("x").await.said(), "a:x");
    assert!(a.opened() > opened);
}

#[tokio::test(start_paused = true)]
async fn an_equal_target_keeps_its_link_a_removed_one_stops_and_an_added_one_appears() {
    let (a, b, c) = (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]), Target::modern("c", &["x"]));
    let mut world = World::start(&[&a, &b]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    client.tool("a_x").await.ok();
    let opened = a.opened();
    world.reconfigure(&[&c, &a], |_| {});
    seconds(3).await;
    assert_eq!((a.opened(), a.count("tools/list"), b.open(), c.open()), (opened, 1, 0, 1));
    assert_eq!(client.tools().await, ["c_x", "a_x"]);
    assert!(hears.heard().await.iter().all(|heard| heard == "tools/list_changed"));
    assert_eq!(client.tool("c_x").await.said(), "c:x");
    assert_eq!(client.tool("a_x").await.said(), "a:x");
    assert_eq!(a.opened(), opened, "the session's own link is kept as well");
    assert_eq!(client.tool("b_x").await.code(), -32602);
}

#[tokio::test(start_paused = true)]
async fn a_reload_without_a_difference_is_not_noticed() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::modern("b", &["x"]));
    let mut world = World::start(&[&a, &b]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    world.reconfigure(&[&a, &b], |_| {});
    assert_eq!(hears.heard().await, [""; 0]);
    assert_eq!((a.opened(), b.opened(), a.count("tools/list"), b.count("tools/list")), (1, 1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_target_with_other_settings_is_started_anew() {
    let (old, new) = (Target::legacy("a", &["x"]), Target::legacy("a", &["y"]));
    let mut world = World::start(&[&old]).await;
    let client = world.legacy().await;
    client.tool("x").await.ok();
    world.reconfigure(&[&new], |_| {});
    seconds(3).await;
    assert_eq!((old.open(), client.tools().await), (0, vec!["y".to_owned()]));
    assert_eq!(client.tool("y").await.said(), "a:y", "the session's link leads to the new one");
}

#[tokio::test(start_paused = true)]
async fn a_second_target_gives_names_their_targets_and_sessions_hear_of_it() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::legacy("b", &[]));
    let mut world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    assert_eq!(client.tools().await, ["x"]);
    world.reconfigure(&[&a, &b], |_| {});
    assert_eq!(hears.heard().await, ["tools/list_changed"]);
    assert_eq!(client.tools().await, ["a_x"]);
    world.reconfigure(&[&a], |_| {});
    settle().await;
    assert_eq!(client.tools().await, ["x"]);
}

#[tokio::test(start_paused = true)]
async fn modes_change_with_a_reload() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::legacy("b", &["y"]));
    b.kill();
    let mut world = World::start(&[&a, &b]).await;
    let client = world.legacy().await;
    world.reconfigure(&[&a, &b], |settings| {
        (settings.prefix, settings.failure) = (PrefixMode::Never, FailureMode::FailClosed)
    });
    assert_eq!(client.call("tools/list", json!({})).await.code(), -32603);
    b.revive();
    seconds(5).await;
    assert_eq!(client.tools().await, ["x", "y"]);
}

#[tokio::test(start_paused = true)]
async fn a_sessions_call_goes_on_while_its_target_is_kept() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::after(5, Act::text("late")));
    let b = Target::legacy("b", &["x"]);
    let mut world = World::start(&[&a, &b]).await;
    let client = Arc::new(world.legacy().await);
    let mut call = background(&client, json!(1), "a_x");
    settle().await;
    world.reconfigure(&[&a], |_| {});
    assert_eq!(call.recv().await.flatten().expect("an answer").said(), "late");
}

#[tokio::test(start_paused = true)]
async fn a_sessions_call_to_a_removed_target_may_finish() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::after(5, Act::text("late")));
    let b = Target::legacy("b", &["x"]);
    let mut world = World::start(&[&a, &b]).await;
    let client = Arc::new(world.legacy().await);
    let mut call = background(&client, json!(1), "a_x");
    settle().await;
    world.reconfigure(&[&b], |_| {});
    assert_eq!(call.recv().await.flatten().expect("an answer").said(), "late");
    seconds(5).await;
    assert_eq!(a.open(), 0, "and then nothing of the target is left");
}

/// Calls of clients without a session run over links that everybody shares, so that no session keeps those open.
#[tokio::test(start_paused = true)]
async fn a_call_over_a_shared_link_to_a_target_that_changes_may_finish() {
    for a in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let a = a.on("tools/call", Act::after(60, Act::text("late")));
        let mut world = World::start(&[&a]).await;
        let client = Arc::new(world.modern());
        let mut call = background(&client, json!(1), "x");
        settle().await;
        a.unact("tools/call");
        a.configure(|settings| settings.limits.message = 1 << 20);
        world.reconfigure(&[&a], |_| {});
        settle().await;
        assert_eq!(client.tool("x").await.said(), "a:x", "the new one serves already");
        let links = a.open();
        assert_eq!(call.recv().await.flatten().expect("an answer").said(), "late");
        seconds(3).await;
        assert!(a.open() < links, "and then nothing of the old one is left");
    }
}

#[tokio::test(start_paused = true)]
async fn a_removed_target_does_not_wait_for_a_call_without_end() {
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":1}}"#;
    let long = (0..100).fold(Act::Hang, |then, _| Act::after(100, Act::saying([progress], then)));
    let (a, b) = (Target::modern("a", &["x"]).on("tools/call", long), Target::modern("b", &["x"]));
    let mut world = World::start(&[&a, &b]).await;
    let client = world.modern();
    let start = Instant::now();
    let reload = async {
        settle().await;
        world.reconfigure(&[&b], |_| {});
    };
    let (cut, ()) = tokio::join!(client.tool_with("a_x", json!("t")), reload);
    assert_eq!(cut.code(), -32603);
    assert_eq!(start.elapsed().as_secs(), 301, "as long as a call may be silent");
    assert_eq!(a.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_removed_target_is_stopped_with_its_server_although_a_call_still_runs_there() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Hang);
    let b = Target::legacy("b", &["x"]);
    let mut world = World::start(&[&a, &b]).await;
    let client = Arc::new(world.modern());
    let mut call = background(&client, json!(1), "a_x");
    settle().await;
    world.reconfigure(&[&b], |_| {});
    seconds(5).await;
    assert!(a.open() > 0, "it waits for its call");
    world.backend.stop().await;
    assert_eq!((a.open(), b.open()), (0, 0));
    assert_eq!(call.recv().await.flatten().expect("an answer").code(), -32603);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_never_started_is_removed_too() {
    let (a, b) = (
        Target::legacy("a", &["x"]),
        Target::legacy("b", &["x"]).be(|script| script.door = crate::target::Door::Hung),
    );
    let mut world = World::at_once(&[&a, &b], |_| {});
    settle().await;
    world.reconfigure(&[&a], |_| {});
    let start = tokio::time::Instant::now();
    assert_eq!(world.modern().tools().await, ["x"]);
    assert!(start.elapsed().as_secs() < 1);
}

#[tokio::test(start_paused = true)]
async fn changes_while_another_target_starts_do_not_prolong_its_grace() {
    let (a, b) = (
        Target::legacy("a", &["x"]),
        Target::legacy("b", &["x"]).be(|script| script.door = crate::target::Door::Hung),
    );
    let world = World::at_once(&[&a, &b], |_| {});
    seconds(9).await;
    a.offer(&["y"]);
    settle().await;
    let start = tokio::time::Instant::now();
    assert_eq!(world.modern().tools().await, ["a_y"]);
    assert!(start.elapsed().as_secs() <= 1, "{:?}", start.elapsed());
}
