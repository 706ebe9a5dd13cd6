//! Sessions at targets that are lost, and connections that break: one handshake makes good for everybody, and only what is
//! safe is sent again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::client::{Client, World, background, seconds, settle};
use crate::target::{Act, Target};

/// Dies the first time, and serves after that.
fn dying_once(then: Value) -> Act {
    let times = Arc::new(AtomicUsize::new(0));
    Act::with(move |_| match times.fetch_add(1, Ordering::Relaxed) {
        0 => Act::Die,
        _ => Act::Result(then.clone()),
    })
}

/// A hundred calls at once.
async fn hundred(client: Client) {
    let client = Arc::new(client);
    let calls: Vec<_> = (0..100).map(|n| background(&client, json!(format!("c{n}")), "x")).collect();
    for mut call in calls {
        assert_eq!(call.recv().await.flatten().expect("an answer").said(), "a:x");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_calls_over_a_lost_session_make_one_handshake() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    for client in [world.legacy().await, world.modern()] {
        assert_eq!(client.tool("x").await.said(), "a:x");
        a.forget();
        let (handshakes, calls) = (a.count("initialize"), a.count("tools/call"));
        hundred(client).await;
        assert_eq!(a.count("initialize"), handshakes + 1);
        assert_eq!(a.count("tools/call"), calls + 100, "each reached the target once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_modern_target_that_is_replaced_is_looked_at_once_for_a_hundred_calls() {
    let a = Target::modern("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.modern();
    a.forget();
    let probes = a.count("server/discover");
    hundred(client).await;
    assert_eq!(a.count("server/discover"), probes + 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_lost_is_brought_back_with_its_level_and_subscriptions() {
    let a = Target::legacy("a", &["x"]).full("w");
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.call("logging/setLevel", json!({ "level": "warning" })).await.ok();
    client.call("resources/subscribe", json!({ "uri": "file:///w" })).await.ok();
    a.forget();
    assert_eq!(client.tool("x").await.said(), "a:x");
    let call = a.heard_of("tools/call")[0].clone();
    let on_its_link = |method: &str| {
        let heard = a.heard_of(method);
        heard.iter().any(|heard| heard.wire == call.wire)
    };
    assert!(on_its_link("logging/setLevel") && on_its_link("resources/subscribe"));
}

#[tokio::test(start_paused = true)]
async fn what_only_reads_is_sent_again_after_a_connection_that_broke() {
    for (method, params, answer) in [
        ("resources/read", json!({ "uri": "file:///w" }), json!({ "contents": [] })),
        ("prompts/get", json!({ "name": "w-prompt" }), json!({ "messages": [] })),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "w-prompt" }, "argument": { "name": "a", "value": "" } }),
            json!({ "completion": { "values": [] } }),
        ),
    ] {
        let a = Target::legacy("a", &["x"]).full("w");
        let world = World::start(&[&a]).await;
        for client in [world.legacy().await, world.modern()] {
            a.act(method, dying_once(answer.clone()));
            let before = a.count(method);
            client.call(method, params.clone()).await.ok();
            assert_eq!(a.count(method), before + 2, "{method}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_only_reads_is_sent_again_once_and_no_more() {
    let a = Target::legacy("a", &["x"]).full("w").on("resources/read", Act::Die);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let error =
        client.call("resources/read", json!({ "uri": "file:///w" })).await.outcome.expect_err("an error");
    assert_eq!(error["message"], "target `a` ended before it answered; the call may have run");
    assert_eq!(a.count("resources/read"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_tool_that_may_have_run_is_not_sent_again_and_the_error_says_so() {
    let a = Target::legacy("a", &["x"]).on("tools/call", dying_once(json!({ "content": [] })));
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let error = client.tool("x").await.outcome.expect_err("an error");
    assert_eq!(error["message"], "target `a` ended before it answered; the call may have run");
    settle().await;
    assert_eq!(a.count("tools/call"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_late_is_not_sent_again() {
    let a = Target::legacy("a", &["x"]).full("w").on("resources/read", Act::Hang);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    assert_eq!(client.call("resources/read", json!({ "uri": "file:///w" })).await.code(), -32603);
    seconds(5).await;
    assert_eq!(a.count("resources/read"), 1);
}

#[tokio::test(start_paused = true)]
async fn bug_a_subscription_in_a_session_that_was_lost_is_made_in_the_next_one() {
    let a = Target::legacy("a", &["x"]).full("w");
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let mut stream = client.listen();
    client.tool("x").await.ok();
    a.forget();
    client.call("resources/subscribe", json!({ "uri": "file:///w" })).await.ok();
    a.notify("notifications/resources/updated", json!({ "uri": "file:///w" }));
    assert_eq!(stream.heard().await, ["resources/updated file:///w"]);
    a.forget();
    client.call("resources/unsubscribe", json!({ "uri": "file:///w" })).await.ok();
}

#[tokio::test(start_paused = true)]
async fn bug_a_session_that_ends_while_its_link_is_brought_up_to_date_is_ended_at_the_target() {
    let a = Target::legacy("a", &["x"]).full("w").in_sessions();
    let world = World::start(&[&a]).await;
    let client = Arc::new(world.legacy().await);
    client.call("resources/subscribe", json!({ "uri": "file:///w" })).await.ok();
    a.forget();
    a.act("resources/subscribe", Act::Hang);
    let _call = background(&client, json!("c"), "x");
    seconds(2).await;
    let newest = format!("s{}", a.opened() - 1);
    client.end();
    seconds(10).await;
    assert!(a.ended().contains(&newest), "{newest} is left: {:?}", a.ended());
}
