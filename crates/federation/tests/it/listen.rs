//! `subscriptions/listen` for modern clients, over targets of both eras.

use std::time::Duration;

use federation::PrefixMode;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::{World, seconds, settle};
use crate::hearing::Hearing;
use crate::target::{Act, Door, Target, tool};

const UPDATED: &str = "notifications/resources/updated";

fn all() -> Value {
    json!({ "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true })
}

fn full(name: &str, modern: bool) -> Target {
    let target = if modern { Target::modern(name, &["x"]) } else { Target::legacy(name, &["x"]) };
    target.full("x")
}

fn update(target: &Target, uri: &str) {
    target.notify(UPDATED, json!({ "uri": uri }));
}

// === What is promised ===

#[tokio::test(start_paused = true)]
async fn what_is_promised_is_what_can_be_kept() {
    let (a, b) = (Target::modern("a", &["x"]).full("x"), Target::legacy("b", &["x"]));
    a.change(|script| script.untold = vec!["file:///untold"]);
    let world = World::start(&[&a, &b]).await;
    let asked = json!({
        "toolsListChanged": true, "promptsListChanged": false, "resourcesListChanged": true, "taskIds": ["1"],
        "resourceSubscriptions": ["a+file:///untold", "b+file:///x", "c+file:///x", "file:///x", "a+file:///x"],
    });
    let hearing = Hearing::open(&world.modern(), asked).await;
    assert_eq!(
        hearing.promised,
        json!({ "toolsListChanged": true, "resourcesListChanged": true, "resourceSubscriptions": ["a+file:///x"] })
    );
    assert_eq!(b.count("resources/subscribe"), 0, "a target that offers no subscriptions is not asked");
}

#[tokio::test(start_paused = true)]
async fn lists_that_no_target_has_are_not_promised() {
    let world = World::start(&[&Target::modern("a", &["x"])]).await;
    let hearing = Hearing::open(&world.modern(), all()).await;
    assert_eq!(hearing.promised, json!({ "toolsListChanged": true }));
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_a_legacy_target_refuses_is_not_promised() {
    let a = full("a", false).on("resources/subscribe file:///no", Act::error(-32002, "Resource not found"));
    let world = World::start(&[&a]).await;
    let asked = json!({ "resourceSubscriptions": ["file:///no", "file:///x"] });
    let hearing = Hearing::open(&world.modern(), asked).await;
    assert_eq!(hearing.promised, json!({ "resourceSubscriptions": ["file:///x"] }));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_down_or_silent_delays_nobody_for_long() {
    for modern in [false, true] {
        let (a, b) = (full("a", modern), full("b", modern));
        let world = World::start(&[&a, &b]).await;
        b.kill();
        settle().await;
        a.act("resources/subscribe file:///hangs", Act::Hang);
        let started = Instant::now();
        let asked = json!({ "resourceSubscriptions": ["b+file:///x", "a+file:///x"] });
        let hearing = Hearing::open(&world.modern(), asked).await;
        assert_eq!(hearing.promised, json!({ "resourceSubscriptions": ["a+file:///x"] }));
        assert!(started.elapsed() < Duration::from_secs(1));
        if !modern {
            let asked = json!({ "resourceSubscriptions": ["a+file:///hangs"] });
            assert_eq!(Hearing::open(&world.modern(), asked).await.promised, json!({}));
            assert!(started.elapsed() <= Duration::from_secs(11));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_still_starting_is_waited_for() {
    for modern in [false, true] {
        let opening = if modern { "server/discover" } else { "initialize" };
        let a = full("a", modern).be(|script| script.door = Door::Hung);
        let b = full("b", modern);
        let slow = if modern {
            json!({ "supportedVersions": ["2026-07-28"], "capabilities": { "resources": { "subscribe": true } } })
        } else {
            json!({
                "protocolVersion": "2025-11-25", "capabilities": { "resources": { "subscribe": true } },
                "serverInfo": { "name": "b", "version": "1" },
            })
        };
        b.act(opening, Act::after(3, Act::Result(slow)));
        let world = World::at_once(&[&a, &b], |_| {});
        let asked = json!({ "resourceSubscriptions": ["a+file:///x", "b+file:///x"] });
        let started = Instant::now();
        let hearing = Hearing::open(&world.modern(), asked).await;
        assert_eq!(hearing.promised, json!({ "resourceSubscriptions": ["b+file:///x"] }), "modern: {modern}");
        assert!(started.elapsed() <= Duration::from_secs(11), "{:?}", started.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_filter_of_the_wrong_shape_or_size_is_refused() {
    let a = full("a", true);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    let uris = |count| (0..count).map(|n| format!("file:///{n}")).collect::<Vec<_>>();
    assert_eq!(Hearing::refused(&client, json!({ "resourceSubscriptions": uris(257) })).await, -32602);
    assert_eq!(Hearing::refused(&client, json!(null)).await, -32602);
    let hearing = Hearing::open(&client, json!({ "resourceSubscriptions": uris(256) })).await;
    assert_eq!(hearing.promised["resourceSubscriptions"], json!(uris(256)));
    assert_eq!(a.listened().len(), 1, "one stream for all of them");
}

#[tokio::test(start_paused = true)]
async fn a_request_in_a_session_is_told_that_it_lacks_its_envelope() {
    let world = World::start(&[&full("a", true)]).await;
    let client = world.legacy().await;
    assert_eq!(client.call("subscriptions/listen", json!({ "notifications": {} })).await.code(), -32602);
}

// === What is told ===

#[tokio::test(start_paused = true)]
async fn two_streams_whose_ids_differ_only_in_type_are_two() {
    let a = full("a", true);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    // That each message carries the id of its own stream is checked with every message.
    let mut text = Hearing::open_as(&client, json!("7"), json!({ "toolsListChanged": true })).await;
    let asked = json!({ "resourceSubscriptions": ["file:///x"] });
    let mut number = Hearing::open_as(&client, json!(7), asked).await;
    a.offer(&["y"]);
    update(&a, "file:///x");
    assert_eq!(text.heard().await, ["tools/list_changed"]);
    assert_eq!(number.heard().await, ["updated file:///x"]);
    world.backend.stop().await;
    futures::future::join(text.end(), number.end()).await;
}

#[tokio::test(start_paused = true)]
async fn updates_of_targets_of_both_eras_come_under_the_exposed_uri() {
    let (a, b) = (full("a", true), full("b", false));
    let world = World::start(&[&a, &b]).await;
    let mut hearing = Hearing::of(&world.modern(), &["a+file:///x", "b+file:///x"]).await;
    for target in [&a, &b] {
        update(target, "file:///x");
        update(target, "file:///x/part");
        update(target, "file:///y");
        update(target, "file:///xy");
    }
    let mut heard = hearing.heard().await;
    heard.sort();
    assert_eq!(
        heard,
        [
            "updated a+file:///x",
            "updated a+file:///x/part",
            "updated b+file:///x",
            "updated b+file:///x/part"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn lists_are_told_of_exactly_when_what_is_exposed_changes() {
    for modern in [false, true] {
        let a = full("a", modern);
        let world = World::start(&[&a]).await;
        let mut hearing = Hearing::open(&world.modern(), all()).await;
        let mut tools = Hearing::open(&world.modern(), json!({ "toolsListChanged": true })).await;
        a.offer(&["x"]);
        assert_eq!(hearing.heard().await, [""; 0], "the same as before");
        for tools in [&["y"][..], &["y", "z"], &["z"]] {
            a.offer(tools);
        }
        assert_eq!(hearing.heard().await, ["tools/list_changed"], "a burst is one change");
        assert_eq!(tools.heard().await, ["tools/list_changed"]);
        a.change(|script| script.templates = vec![json!({ "uriTemplate": "y://{x}", "name": "y" })]);
        a.notify("notifications/resources/list_changed", json!({}));
        assert_eq!(hearing.heard().await, ["resources/list_changed"]);
        a.kill();
        seconds(20).await;
        let mut heard = hearing.heard().await;
        heard.sort();
        assert_eq!(heard, ["prompts/list_changed", "resources/list_changed", "tools/list_changed"]);
        assert_eq!(tools.heard().await, ["tools/list_changed"], "only what was asked for");
    }
}

#[tokio::test(start_paused = true)]
async fn logs_and_progress_never_come_on_a_stream() {
    for modern in [false, true] {
        let a = full("a", modern);
        let world = World::start(&[&a]).await;
        let mut asked = all();
        asked["resourceSubscriptions"] = json!(["file:///x"]);
        let mut client = world.modern();
        client.level = Some("debug");
        let mut hearing = Hearing::open(&client, asked).await;
        a.notify("notifications/message", json!({ "level": "error", "data": "no" }));
        a.notify("notifications/progress", json!({ "progressToken": 1, "progress": 1 }));
        a.notify("notifications/x/list_changed", json!({}));
        assert_eq!(hearing.heard().await, [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_slowly_hears_of_each_thing_once() {
    let (a, b) = (full("a", true), full("b", false));
    let world = World::start(&[&a, &b]).await;
    let mut asked = all();
    asked["resourceSubscriptions"] = json!(["a+file:///x", "a+file:///y", "b+file:///x"]);
    let mut hearing = Hearing::open(&world.modern(), asked).await;
    for n in 0..100 {
        a.change(|script| script.tools = vec![tool(&format!("t{n}"))]);
        a.notify("notifications/tools/list_changed", json!({}));
        for _ in 0..10 {
            update(&a, "file:///y");
            update(&a, "file:///x");
            update(&b, "file:///x");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut heard = hearing.heard().await;
    heard.sort();
    assert_eq!(
        heard,
        ["tools/list_changed", "updated a+file:///x", "updated a+file:///y", "updated b+file:///x"]
    );
}

// === At the targets ===

#[tokio::test(start_paused = true)]
async fn a_legacy_target_is_told_once_what_several_want_and_once_that_nobody_does() {
    let a = full("a", false);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    let (one, mut two) =
        (Hearing::of(&client, &["file:///x"]).await, Hearing::of(&client, &["file:///x"]).await);
    drop(one);
    settle().await;
    assert_eq!((a.count("resources/subscribe"), a.count("resources/unsubscribe")), (1, 0));
    update(&a, "file:///x");
    assert_eq!(two.heard().await, ["updated file:///x"], "the other one still listens");
    drop(two);
    settle().await;
    assert_eq!(a.count("resources/unsubscribe"), 1);
    assert_eq!(a.last("resources/unsubscribe"), json!({ "uri": "file:///x" }));
    assert_eq!(a.opened(), 1, "over the discovery link");
}

#[tokio::test(start_paused = true)]
async fn a_modern_target_has_one_stream_for_everybody_and_none_for_nobody() {
    let a = full("a", true);
    let world = World::start(&[&a]).await;
    let session = world.legacy().await;
    let one = Hearing::of(&world.modern(), &["file:///x", "file:///y"]).await;
    session.call("resources/subscribe", json!({ "uri": "file:///z" })).await.ok();
    settle().await;
    assert_eq!(a.listened(), [json!(["file:///x", "file:///y", "file:///z"])]);
    drop(one);
    settle().await;
    assert_eq!(a.listened(), [json!(["file:///z"])]);
    session.end();
    settle().await;
    assert_eq!(a.listened(), [json!(null); 0]);
}

#[tokio::test(start_paused = true)]
async fn what_a_target_declines_is_not_asked_for_again_for_the_sake_of_others() {
    let a = full("a", true).be(|script| script.untold = vec!["file:///no"]);
    let world = World::start(&[&a]).await;
    let asked = json!({ "resourceSubscriptions": ["file:///no", "file:///x"] });
    let _hearing = Hearing::open(&world.modern(), asked).await;
    let before = a.count("subscriptions/listen");
    seconds(600).await;
    assert_eq!(a.count("subscriptions/listen"), before);
}

#[tokio::test(start_paused = true)]
async fn no_update_is_lost_while_one_stream_takes_anothers_place() {
    for moment in ["before the acknowledgement", "right before it", "right after it"] {
        let a = full("a", true);
        let world = World::start(&[&a]).await;
        let mut hearing = Hearing::of(&world.modern(), &["file:///x"]).await;
        let says = a.clone();
        let then: Act = match moment {
            "before the acknowledgement" => Act::after(2, Act::Listen),
            _ => Act::Listen,
        };
        if moment == "right after it" {
            a.act("subscriptions/listen", Act::Listen);
        } else {
            a.act(
                "subscriptions/listen",
                Act::with(move |_| {
                    update(&says, "file:///x");
                    then.clone()
                }),
            );
        }
        let other = Hearing::of(&world.modern(), &["file:///y"]).await;
        if moment == "right after it" {
            update(&a, "file:///x");
        }
        let heard = hearing.heard().await;
        assert_eq!(heard.first().map(String::as_str), Some("updated file:///x"), "{moment}");
        a.unact("subscriptions/listen");
        update(&a, "file:///x");
        assert_eq!(hearing.heard().await, ["updated file:///x"], "and afterwards: {moment}");
        assert_eq!(a.listened().len(), 1, "the old stream is gone");
        drop(other);
    }
}

#[tokio::test(start_paused = true)]
async fn a_swap_that_the_target_refuses_leaves_what_there_was() {
    let a = full("a", true);
    let world = World::start(&[&a]).await;
    let mut hearing = Hearing::of(&world.modern(), &["file:///x"]).await;
    a.act("subscriptions/listen", Act::error(-32602, "too many"));
    let asked = json!({ "resourceSubscriptions": ["file:///y", "file:///x"] });
    let second = Hearing::open(&world.modern(), asked).await;
    assert_eq!(second.promised, json!({ "resourceSubscriptions": ["file:///x"] }));
    update(&a, "file:///x");
    assert_eq!(hearing.heard().await, ["updated file:///x"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_of_its_target_a_stream_hears_once_of_what_it_may_have_missed_and_goes_on() {
    for modern in [false, true] {
        let a = full("a", modern);
        let world = World::start(&[&a]).await;
        let mut asked = all();
        asked["resourceSubscriptions"] = json!(["file:///x", "file:///y"]);
        let mut hearing = Hearing::open(&world.modern(), asked).await;
        a.cut();
        seconds(5).await;
        assert_eq!(hearing.heard().await, ["updated file:///x", "updated file:///y"], "modern: {modern}");
        update(&a, "file:///y");
        assert_eq!(hearing.heard().await, ["updated file:///y"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_the_target_ends_is_opened_again() {
    let a = full("a", true);
    let world = World::start(&[&a]).await;
    let mut hearing = Hearing::of(&world.modern(), &["file:///x"]).await;
    a.end_listens();
    seconds(3).await;
    assert_eq!(hearing.heard().await, ["updated file:///x"], "one may have been missed");
    update(&a, "file:///x");
    assert_eq!(hearing.heard().await, ["updated file:///x"]);
    assert_eq!(a.listened().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_ends_every_stream_is_not_asked_without_a_pause() {
    let a = full("a", true);
    let world = World::start(&[&a]).await;
    let _hearing = Hearing::of(&world.modern(), &["file:///x"]).await;
    a.act("subscriptions/listen", Act::Result(json!({})));
    a.end_listens();
    let before = a.count("subscriptions/listen");
    seconds(600).await;
    let attempts = a.count("subscriptions/listen") - before;
    assert!((5..40).contains(&attempts), "{attempts} attempts in ten minutes");
}

// === The end ===

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_result_when_the_server_stops() {
    let (a, b) = (full("a", true), full("b", false));
    let world = World::start(&[&a, &b]).await;
    let hearing = Hearing::of(&world.modern(), &["a+file:///x", "b+file:///x"]).await;
    world.backend.stop().await;
    hearing.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_result_when_its_port_closes_also_one_that_is_not_open_yet() {
    for (door, open) in [(Door::Open, true), (Door::Hung, false)] {
        let a = full("a", true).be(|script| script.door = door);
        let world = World::at_once(&[&a], |_| {});
        let closing = tokio_util::sync::CancellationToken::new();
        let asked = json!({ "resourceSubscriptions": ["file:///x"] });
        let mut hearing =
            Hearing::begin(&world.modern(), json!(1), asked, |head| head.closing = closing.clone()).await;
        if open {
            assert_eq!(hearing.next().await.as_deref(), Some("subscriptions/acknowledged"));
        }
        closing.cancel();
        let started = Instant::now();
        hearing.end().await;
        assert!(started.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_before_its_stream_is_open_leaves_nothing_behind() {
    let a = full("a", false).on("resources/subscribe", Act::after(2, Act::Result(json!({}))));
    let world = World::start(&[&a]).await;
    let asked = json!({ "resourceSubscriptions": ["file:///x"] });
    let mut hearing = Hearing::begin(&world.modern(), json!(1), asked, |_| {}).await;
    let opening = tokio::time::timeout(Duration::from_secs(1), hearing.next()).await;
    assert!(opening.is_err(), "the target has not answered yet");
    drop(hearing);
    seconds(5).await;
    assert_eq!((a.count("resources/subscribe"), a.count("resources/unsubscribe")), (1, 1));
}

// === Reloads ===

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_over_a_reload_and_hears_of_it() {
    let (a, b, c) = (full("a", true), full("b", false), full("c", true));
    let mut world = World::start(&[&a, &b]).await;
    let mut asked = json!({ "toolsListChanged": true });
    asked["resourceSubscriptions"] = json!(["a+file:///x", "b+file:///x"]);
    let mut hearing = Hearing::open(&world.modern(), asked).await;
    world.reconfigure(&[&a, &c], |_| {});
    let mut heard = hearing.heard().await;
    heard.dedup();
    assert_eq!(heard, ["tools/list_changed"]);
    update(&b, "file:///x");
    update(&c, "file:///x");
    assert_eq!(hearing.heard().await, [""; 0], "what is gone is silent");
    update(&a, "file:///x");
    assert_eq!(hearing.heard().await, ["updated a+file:///x"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_replaced_under_its_name_goes_on_to_be_heard() {
    for (before, after) in [(true, true), (true, false), (false, true)] {
        let (old, new, b) = (full("a", before), full("a", after), full("b", true));
        let mut world = World::start(&[&old, &b]).await;
        let mut hearing = Hearing::of(&world.modern(), &["a+file:///x"]).await;
        world.reconfigure(&[&new, &b], |_| {});
        seconds(3).await;
        assert_eq!(hearing.heard().await, ["updated a+file:///x"], "one may have been missed");
        update(&new, "file:///x");
        update(&old, "file:///x");
        assert_eq!(hearing.heard().await, ["updated a+file:///x"]);
    }
}

#[tokio::test(start_paused = true)]
async fn updates_come_under_a_uri_that_can_be_read_also_after_a_reload_that_gave_uris_their_target() {
    let (a, b) = (full("a", true), full("b", false));
    let mut world = World::start(&[&a]).await;
    let mut hearing = Hearing::of(&world.modern(), &["file:///x"]).await;
    world.reconfigure(&[&a, &b], |settings| settings.prefix = PrefixMode::Always);
    settle().await;
    update(&a, "file:///x");
    assert_eq!(hearing.heard().await, ["updated a+file:///x"]);
}
