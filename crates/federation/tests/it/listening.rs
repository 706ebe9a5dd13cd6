//! Many listeners at once, targets that tell in strange ways, and reloads that take a target away and bring it back.

use std::sync::Arc;

use futures::future::{BoxFuture, join_all};
use futures::{FutureExt as _, StreamExt as _};
use serde_json::json;
use upstream::settings::Custom;
use upstream::wire::{Connect, Frames, Inbox, Outgoing, Wire};
use upstream::{Error, Transport};

use crate::client::{World, seconds, settle};
use crate::hearing::Hearing;
use crate::target::{Act, Target};

const UPDATED: &str = "notifications/resources/updated";

fn full(name: &str, modern: bool) -> Target {
    let target = if modern { Target::modern(name, &["x"]) } else { Target::legacy(name, &["x"]) };
    target.full("x")
}

fn update(target: &Target, uri: &str) {
    target.notify(UPDATED, json!({ "uri": uri }));
}

// === Many at once ===

#[tokio::test(start_paused = true)]
async fn a_thousand_streams_hear_everything_once_and_leave_nothing_behind() {
    for modern in [true, false] {
        let a = full("a", modern);
        let world = World::start(&[&a]).await;
        let client = world.modern();
        let asked = json!({ "toolsListChanged": true, "resourceSubscriptions": ["file:///x"] });
        let opening = (0..1000).map(|n| Hearing::open_as(&client, json!(n), asked.clone()));
        let mut streams = join_all(opening).await;
        update(&a, "file:///x");
        a.offer(&["y"]);
        let mut heard = join_all(streams.iter_mut().map(Hearing::heard)).await;
        for heard in &mut heard {
            heard.sort();
            assert_eq!(heard[..], ["tools/list_changed", "updated file:///x"]);
        }
        drop(streams);
        settle().await;
        assert_eq!(a.listened(), [json!(null); 0]);
        assert_eq!(a.count("resources/subscribe"), a.count("resources/unsubscribe"));
        if !modern {
            assert_eq!(a.count("resources/subscribe"), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn streams_that_come_and_go_all_the_time_leave_a_target_with_what_is_wanted_at_the_end() {
    for modern in [true, false] {
        let a = full("a", modern);
        let world = World::start(&[&a]).await;
        let client = world.modern();
        let churn = (0..60u64).map(|n| {
            let client = &client;
            async move {
                let uris = [format!("file:///{}", n % 3), format!("file:///{}", n % 5)];
                tokio::time::sleep(std::time::Duration::from_millis(n * 7 % 50)).await;
                let asked = json!({ "resourceSubscriptions": uris });
                let stream = Hearing::open_as(client, json!(n), asked).await;
                tokio::time::sleep(std::time::Duration::from_millis(n * 13 % 90)).await;
                drop(stream);
            }
        });
        let asked = json!({ "resourceSubscriptions": ["file:///0"] });
        let mut stays = Hearing::open_as(&client, json!("stays"), asked).await;
        let mut told = 0;
        let telling = async {
            for _ in 0..20 {
                update(&a, "file:///0");
                told += usize::from(!stays.heard().await.is_empty());
            }
        };
        futures::future::join(join_all(churn), telling).await;
        assert_eq!(told, 20, "none was lost, modern: {modern}");
        settle().await;
        if modern {
            assert_eq!(a.listened(), [json!(["file:///0"])]);
        } else {
            assert_eq!(a.count("resources/subscribe"), a.count("resources/unsubscribe") + 1);
        }
        drop(stays);
        settle().await;
        assert_eq!(a.listened(), [json!(null); 0]);
        assert_eq!(a.count("resources/subscribe"), a.count("resources/unsubscribe"));
    }
}

// === Ids and filters ===

#[tokio::test(start_paused = true)]
async fn every_message_carries_the_id_as_it_was_spelled() {
    let a = full("a", true);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    for id in
        ["9007199254740993", "123456789012345678901234567890", "-1", r#""9007199254740993""#, r#""a\"\\b""#]
    {
        let params = json!({ "notifications": { "toolsListChanged": true } });
        let body = client.spell(&json!("$"), "subscriptions/listen", params.clone()).replace(r#""$""#, id);
        let head = client.head("subscriptions/listen", &params);
        let outcome = world.backend.post(head, body.into()).await;
        let federation::Outcome::Stream(frames) = outcome else { panic!("a stream: {outcome:?}") };
        let first = frames.into_stream().next().await.expect("the acknowledgement").message;
        let text = String::from_utf8(first.to_vec()).expect("UTF-8");
        assert!(text.contains(&format!(r#""io.modelcontextprotocol/subscriptionId":{id}"#)), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_filter_with_nothing_in_it_that_can_be_honoured_is_acknowledged_and_stays_open() {
    let a = full("a", true);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    for asked in [
        json!({}),
        json!({ "resourceSubscriptions": [] }),
        json!({ "resourceSubscriptions": ["", "no uri", "b+x:y"], "x.example/y": 1 }),
    ] {
        a.change(|script| script.untold = vec!["", "no uri", "b+x:y"]);
        let mut stream = Hearing::open(&client, asked).await;
        assert_eq!(stream.promised, json!({}));
        a.offer(&["y"]);
        assert_eq!(stream.heard().await, [""; 0]);
        a.offer(&["x"]);
        world.backend.settings();
    }
    for wrong in [
        json!([]),
        json!("tools"),
        json!({ "toolsListChanged": 1 }),
        json!({ "resourceSubscriptions": { "a": 1 } }),
        json!({ "resourceSubscriptions": [null] }),
        json!({ "resourceSubscriptions": null }),
    ] {
        assert_eq!(Hearing::refused(&client, wrong.clone()).await, -32602, "{wrong}");
    }
}

// === Targets that tell strangely ===

/// A target whose streams end as those of HTTP do: whoever reads on has made a mistake.
struct Strict(Target);

impl Connect for Strict {
    fn connect(&self, inbox: Inbox) -> BoxFuture<'_, Result<Box<dyn Wire>, Error>> {
        async move { Ok(Box::new(StrictWire(self.0.connect(inbox).await?)) as Box<dyn Wire>) }.boxed()
    }
}

struct StrictWire(Box<dyn Wire>);

impl Wire for StrictWire {
    fn request(&self, out: Outgoing) -> BoxFuture<'_, Result<Frames, Error>> {
        async move {
            Ok(match self.0.request(out).await? {
                Frames::Stream(frames) => Frames::Stream(
                    futures::stream::unfold(frames, |mut frames| async {
                        Some((frames.next().await?, frames))
                    })
                    .boxed(),
                ),
                one @ Frames::One(..) => one,
            })
        }
        .boxed()
    }

    fn send(&self, out: Outgoing) -> BoxFuture<'_, Result<(), Error>> {
        self.0.send(out)
    }

    fn closed(&self) -> BoxFuture<'_, Error> {
        self.0.closed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_while_it_takes_anothers_place_is_opened_again() {
    let a = full("a", true);
    let transport = Transport::Custom(Custom(Arc::new(Strict(a.clone()))));
    let world = World::with(&[&a], |settings| settings.targets[0].transport = transport).await;
    let client = world.modern();
    let mut first = Hearing::of(&client, &["file:///x"]).await;
    let _second = Hearing::of(&client, &["file:///y"]).await;
    a.end_listens();
    seconds(5).await;
    assert_eq!(first.heard().await, ["updated file:///x"], "one may have been missed");
    update(&a, "file:///x");
    assert_eq!(first.heard().await, ["updated file:///x"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_acknowledges_too_late_promises_nothing_and_is_asked_no_more_than_needed() {
    let a = full("a", true);
    let world = World::start(&[&a]).await;
    a.act("subscriptions/listen", Act::after(20, Act::Listen));
    let stream = Hearing::open(&world.modern(), json!({ "resourceSubscriptions": ["file:///x"] })).await;
    assert_eq!(stream.promised, json!({}));
    seconds(30).await;
    assert_eq!(a.listened(), [json!(null); 0], "nobody wants it any more");
    a.unact("subscriptions/listen");
    Hearing::of(&world.modern(), &["file:///x"]).await;
}

#[tokio::test(start_paused = true)]
async fn one_resource_that_a_legacy_target_never_answers_about_holds_up_no_other() {
    let a = full("a", false).on("resources/subscribe file:///hangs", Act::Hang);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    let hanging =
        Hearing::begin(&client, json!(1), json!({ "resourceSubscriptions": ["file:///hangs"] }), |_| {})
            .await;
    let opening = async {
        let mut hanging = hanging;
        hanging.next().await;
    };
    let other = async {
        settle().await;
        let begun = tokio::time::Instant::now();
        Hearing::of(&client, &["file:///x"]).await;
        assert!(begun.elapsed().as_secs() < 2, "{:?}", begun.elapsed());
    };
    futures::future::join(opening, other).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_tells_of_what_nobody_asked_for_is_not_heard() {
    for modern in [true, false] {
        let a = full("a", modern);
        let world = World::start(&[&a]).await;
        let mut stream = Hearing::of(&world.modern(), &["file:///x/"]).await;
        for uri in ["file:///x", "file:///xy", "file:///", "", "file:///X/a", "file:///x%2Fa"] {
            a.notify(UPDATED, json!({ "uri": uri, "_x": 1 }));
        }
        a.notify(UPDATED, json!({}));
        a.notify(UPDATED, json!({ "uri": 7 }));
        assert_eq!(stream.heard().await, [""; 0], "modern: {modern}");
        update(&a, "file:///x/a");
        assert_eq!(stream.heard().await, ["updated file:///x/a"], "modern: {modern}");
    }
}

// === Reloads ===

#[tokio::test(start_paused = true)]
async fn a_target_that_a_reload_takes_away_and_another_brings_back_is_heard_again() {
    for modern in [true, false] {
        let (a, b) = (full("a", modern), full("b", modern));
        let mut world = World::start(&[&a, &b]).await;
        let mut stream = Hearing::of(&world.modern(), &["a+file:///x", "b+file:///x"]).await;
        world.reconfigure(&[&a], |settings| settings.prefix = federation::PrefixMode::Always);
        seconds(5).await;
        assert_eq!(stream.heard().await, [""; 0]);
        world.reconfigure(&[&a, &b], |_| {});
        seconds(5).await;
        assert_eq!(stream.heard().await, ["updated b+file:///x"], "one may have been missed");
        update(&b, "file:///x");
        assert_eq!(stream.heard().await, ["updated b+file:///x"], "modern: {modern}");
        drop(stream);
        settle().await;
        assert_eq!(b.listened(), [json!(null); 0]);
        assert_eq!(b.count("resources/unsubscribe"), usize::from(!modern));
    }
}
