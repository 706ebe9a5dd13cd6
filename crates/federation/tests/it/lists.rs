//! Merged lists: complete, in order, in pages of our own; and when sessions hear that they changed.

use expect_test::expect;
use federation::{FailureMode, PrefixMode};
use serde_json::{Value, json};

use crate::client::{World, names_in, seconds, settle};
use crate::target::{Act, Target, tool};

fn numbered(range: std::ops::Range<usize>) -> Vec<Value> {
    range.map(|n| tool(&format!("t{n:04}"))).collect()
}

#[tokio::test(start_paused = true)]
async fn every_page_of_every_target_in_the_order_of_the_configuration() {
    let z = Target::legacy("z", &["c", "a", "b"]).be(|script| script.page = 1);
    let a = Target::modern("a", &["y", "x", "w"]).be(|script| script.page = 2);
    let world = World::start(&[&z, &a]).await;
    let expected = ["z_c", "z_a", "z_b", "a_y", "a_x", "a_w"];
    assert_eq!(world.modern().tools().await, expected);
    assert_eq!(world.legacy().await.tools().await, expected);
    assert_eq!((z.count("tools/list"), a.count("tools/list")), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn an_empty_cursor_is_a_cursor() {
    let a = Target::legacy("a", &[]).on(
        "tools/list",
        Act::with(|request| match request["params"]["cursor"].as_str() {
            None => Act::Result(json!({ "tools": [tool("first")], "nextCursor": "" })),
            Some("") => Act::Result(json!({ "tools": [tool("second")] })),
            Some(_) => Act::error(-32602, "unknown cursor"),
        }),
    );
    let world = World::start(&[&a]).await;
    assert_eq!(world.modern().tools().await, ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_repeats_its_cursor_is_stopped_and_hurts_no_other() {
    let a = Target::legacy("a", &[])
        .on("tools/list", Act::Result(json!({ "tools": [tool("x")], "nextCursor": "again" })));
    let b = Target::legacy("b", &["echo"]);
    let world = World::start(&[&a, &b]).await;
    assert!(a.count("tools/list") <= 3, "asked {} times", a.count("tools/list"));
    let page = world.modern().call("tools/list", json!({})).await.ok();
    assert!(names_in(&page).contains(&"b_echo".to_owned()));
    assert_eq!(page["_meta"]["agentgateway.dev/missingTargets"][0]["name"], "a");
}

#[tokio::test(start_paused = true)]
async fn a_target_whose_cursors_go_round_in_a_circle_is_stopped_early() {
    let a = Target::legacy("a", &[]).on(
        "tools/list",
        Act::with(|request| {
            let next = if request["params"]["cursor"] == "one" { "two" } else { "one" };
            Act::Result(json!({ "tools": [tool("x")], "nextCursor": next }))
        }),
    );
    let _world = World::start(&[&a]).await;
    assert!(a.count("tools/list") <= 10, "asked {} times", a.count("tools/list"));
}

#[tokio::test(start_paused = true)]
async fn thousands_of_items_come_over_pages_without_loss_and_in_a_stable_order() {
    let a = Target::legacy("a", &[]).be(|script| (script.tools, script.page) = (numbered(0..1700), 100));
    let b = Target::modern("b", &[]).be(|script| (script.tools, script.page) = (numbered(0..900), 7));
    let world = World::start(&[&a, &b]).await;
    let expected: Vec<String> =
        (0..1700).map(|n| format!("a_t{n:04}")).chain((0..900).map(|n| format!("b_t{n:04}"))).collect();
    for client in [world.modern(), world.legacy().await] {
        assert_eq!(client.tools().await, expected);
        assert_eq!(client.tools().await, expected);
    }
    let first = world.modern().call("tools/list", json!({})).await.ok();
    assert_eq!(names_in(&first).len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_foreign_cursor_is_invalid_params() {
    let a = Target::legacy("a", &[]).full("x").be(|script| script.tools = numbered(0..1001));
    let world = World::start(&[&a]).await;
    let client = world.modern();
    let first = client.call("tools/list", json!({})).await.ok();
    let cursor = first["nextCursor"].as_str().expect("a second page");
    for (method, foreign) in [
        ("tools/list", json!("1000")),
        ("tools/list", json!("")),
        ("tools/list", json!(7)),
        ("tools/list", json!("\u{0}")),
        ("tools/list", json!({})),
        ("prompts/list", json!(cursor)),
        ("resources/list", json!(cursor)),
        ("tools/list", json!(&cursor[1..])),
    ] {
        assert_eq!(
            client.call(method, json!({ "cursor": foreign })).await.code(),
            -32602,
            "{method} {foreign}"
        );
    }
    assert_eq!(names_in(&client.call("tools/list", json!({ "cursor": cursor })).await.ok()), ["t1000"]);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_survives_changes_before_it() {
    let a = Target::legacy("a", &[]).be(|script| script.tools = numbered(0..1500));
    let world = World::start(&[&a]).await;
    let client = world.modern();
    let cursor = client.call("tools/list", json!({})).await.ok()["nextCursor"].clone();
    a.change(|script| script.tools = numbered(200..1500));
    a.notify("notifications/tools/list_changed", json!({}));
    settle().await;
    let second = names_in(&client.call("tools/list", json!({ "cursor": cursor })).await.ok());
    assert_eq!((second.len(), second[0].as_str()), (500, "t1000"));
}

#[tokio::test(start_paused = true)]
async fn no_item_is_skipped_when_the_last_one_of_a_page_is_gone() {
    let a = Target::legacy("a", &[]).be(|script| script.tools = numbered(0..1500));
    let world = World::start(&[&a]).await;
    let client = world.modern();
    let cursor = client.call("tools/list", json!({})).await.ok()["nextCursor"].clone();
    a.change(|script| script.tools.remove(999));
    a.notify("notifications/tools/list_changed", json!({}));
    settle().await;
    let second = names_in(&client.call("tools/list", json!({ "cursor": cursor })).await.ok());
    assert!(second.contains(&"t1000".to_owned()), "begins with {}", second[0]);
}

#[tokio::test(start_paused = true)]
async fn an_item_without_a_name_or_listed_twice_does_not_spoil_the_rest() {
    let odd = json!({ "tools": [tool("a"), { "inputSchema": {} }, 7, tool("a"), tool("b")] });
    let a = Target::legacy("a", &[]).on("tools/list", Act::Result(odd));
    let world = World::start(&[&a]).await;
    assert_eq!(world.modern().tools().await, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn capabilities_are_the_union_of_what_targets_offer() {
    let a = Target::legacy("a", &["echo"]);
    let b = Target::modern("b", &[])
        .be(|script| script.capabilities = json!({ "prompts": {}, "completions": {} }));
    let c = Target::legacy("c", &[]).be(|script| {
        script.capabilities = json!({ "resources": { "subscribe": true }, "logging": {} });
    });
    let world = World::start(&[&a, &b, &c]).await;
    let (_, shaken) = world.legacy_of("2025-06-18").await;
    let union = expect![[
        r#"{"completions":{},"logging":{},"prompts":{"listChanged":true},"resources":{"listChanged":true,"subscribe":true},"tools":{"listChanged":true}}"#
    ]];
    union.assert_eq(&shaken["capabilities"].to_string());
    let discovered = world.modern().call("server/discover", json!({})).await.ok();
    union.assert_eq(&discovered["capabilities"].to_string());
    assert_eq!(discovered["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(
        (&shaken["protocolVersion"], &shaken["serverInfo"]["name"]),
        (&json!("2025-06-18"), &json!("agentgateway"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_capability_that_no_target_has_is_neither_advertised_nor_served() {
    let world = World::start(&[&Target::legacy("a", &["echo"])]).await;
    let (legacy, shaken) = world.legacy_of("2025-11-25").await;
    assert_eq!(shaken["capabilities"], json!({ "tools": { "listChanged": true } }));
    for method in ["prompts/list", "resources/list", "resources/templates/list"] {
        assert_eq!(legacy.call(method, json!({})).await.code(), -32601, "{method}");
        assert_eq!(world.modern().call(method, json!({})).await.code(), -32601, "{method}");
    }
    assert_eq!(legacy.call("logging/setLevel", json!({ "level": "info" })).await.code(), -32601);
    let complete =
        json!({ "ref": { "type": "ref/prompt", "name": "p" }, "argument": { "name": "x", "value": "" } });
    assert_eq!(legacy.call("completion/complete", complete).await.code(), -32601);
}

#[tokio::test(start_paused = true)]
async fn a_target_is_asked_only_for_what_it_offers() {
    let a = Target::legacy("a", &["echo"]);
    let b = Target::modern("b", &[]).be(|script| script.capabilities = json!({ "prompts": {} }));
    let _world = World::start(&[&a, &b]).await;
    let lists = |target: &Target| -> Vec<String> {
        let heard = target
            .heard()
            .into_iter()
            .map(|heard| heard.message["method"].as_str().unwrap_or("?").to_owned());
        heard.filter(|method| method.ends_with("/list")).collect()
    };
    assert_eq!((lists(&a), lists(&b)), (vec!["tools/list".to_owned()], vec!["prompts/list".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_list_method_that_a_target_does_not_know_is_an_empty_list() {
    let a = Target::legacy("a", &["echo"])
        .full("x")
        .on("resources/templates/list", Act::error(-32601, "Method not found"));
    let world = World::start(&[&a]).await;
    let client = world.modern();
    let templates = client.call("resources/templates/list", json!({})).await.ok();
    assert_eq!(
        (names_in(&templates).len(), &templates["_meta"]["agentgateway.dev/missingTargets"]),
        (0, &Value::Null)
    );
    assert_eq!((client.tools().await.len(), client.list("resources/list").await.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn one_list_that_fails_takes_no_other_list_of_its_target_away() {
    let a =
        Target::legacy("a", &["echo"]).full("x").on("prompts/list", Act::error(-32603, "database is locked"));
    let world = World::start(&[&a, &Target::legacy("b", &[])]).await;
    assert_eq!(world.modern().tools().await, ["a_echo"]);
}

// === Freshness ===

#[tokio::test(start_paused = true)]
async fn lists_are_as_fresh_and_as_public_as_the_least_of_their_parts() {
    let public = |name: &str, ttl: u64| {
        Target::modern(name, &["x"]).be(|script| {
            (script.ttl_ms, script.scope, script.capabilities) = (ttl, "public", json!({ "tools": {} }))
        })
    };
    let (a, b) = (public("a", 9000), public("b", 5000));
    let page = World::start(&[&a, &b]).await.modern().call("tools/list", json!({})).await.ok();
    assert_eq!((&page["ttlMs"], &page["cacheScope"]), (&json!(5000), &json!("public")));
    let private = Target::modern("c", &["x"]);
    let page = World::start(&[&a, &private]).await.modern().call("tools/list", json!({})).await.ok();
    assert_eq!(page["cacheScope"], "private");
    let page =
        World::start(&[&Target::legacy("l", &["x"])]).await.modern().call("tools/list", json!({})).await.ok();
    assert_eq!((&page["ttlMs"], &page["cacheScope"]), (&json!(0), &json!("private")));
}

#[tokio::test(start_paused = true)]
async fn a_call_lists_nothing() {
    let a = Target::legacy("a", &["echo"]);
    let world = World::start(&[&a]).await;
    let before = a.count("tools/list");
    for client in [world.modern(), world.legacy().await] {
        client.tool("echo").await.said();
        client.tools().await;
    }
    assert_eq!(a.count("tools/list"), before);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_announces_nothing_is_read_again_when_it_is_asked_for_and_stale() {
    let a = Target::legacy("a", &["old"]).be(|script| script.capabilities = json!({ "tools": {} }));
    let world = World::start(&[&a]).await;
    let client = world.modern();
    a.change(|script| script.tools = vec![tool("new")]);
    seconds(20).await;
    assert_eq!(client.tools().await, ["old"]);
    seconds(15).await;
    assert_eq!(client.tools().await, ["old"], "what is there is served at once");
    settle().await;
    assert_eq!(client.tools().await, ["new"]);
}

// === Changes ===

#[tokio::test(start_paused = true)]
async fn sessions_hear_of_a_change_of_the_exposed_set_once() {
    for target in [Target::legacy("a", &["x"]), Target::modern("a", &["x"])] {
        let target = target.full("w");
        let world = World::start(&[&target]).await;
        let (one, two) = (world.legacy().await, world.legacy().await);
        let (mut one_hears, mut two_hears) = (one.listen(), two.listen());
        target.offer(&["x", "y"]);
        settle().await;
        assert_eq!(one_hears.heard().await, ["tools/list_changed"]);
        assert_eq!(two_hears.heard().await, ["tools/list_changed"]);
        assert_eq!(one.tools().await, ["x", "y"]);
        target.change(|script| script.prompts.clear());
        target.notify("notifications/prompts/list_changed", json!({}));
        assert_eq!(one_hears.heard().await, ["prompts/list_changed"]);
        target.change(|script| script.templates.clear());
        target.notify("notifications/resources/list_changed", json!({}));
        assert_eq!(one_hears.heard().await, ["resources/list_changed"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_changes_nothing_is_not_passed_on() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    a.offer(&["x"]);
    settle().await;
    assert_eq!(a.count("tools/list"), 2, "it was read again");
    assert_eq!(hears.heard().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn changes_in_quick_succession_are_read_and_told_once() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    let mut hears = client.listen();
    for tools in [&["p"][..], &["q"], &["r", "s"]] {
        a.offer(tools);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    settle().await;
    assert_eq!((a.count("tools/list"), hears.heard().await), (2, vec!["tools/list_changed".to_owned()]));
    assert_eq!(client.tools().await, ["r", "s"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_not_told_of_changes_from_before_its_handshake_ended() {
    let world = World::at_once(&[&Target::legacy("a", &["x"])], |_| {});
    let client = world.legacy().await;
    assert_eq!(client.tools().await, ["x"]);
    assert_eq!(client.listen().heard().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_logs_without_end_does_not_keep_its_changes_from_being_read() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    a.offer(&["y"]);
    for _ in 0..200 {
        a.say(
            r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"debug","data":"busy"}}"#,
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(world.modern().tools().await, ["y"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_not_lost_in_a_burst_of_logs() {
    let a = Target::legacy("a", &["x"]);
    let world = World::start(&[&a]).await;
    let log =
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"debug","data":"busy"}}"#;
    a.say(&[log; 2000].join("\n"));
    a.offer(&["y"]);
    seconds(2).await;
    assert_eq!(world.modern().tools().await, ["y"]);
}

#[tokio::test(start_paused = true)]
async fn closed_failure_mode_answers_only_in_full() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]));
    b.kill();
    let world = World::with(&[&a, &b], |settings| settings.failure = FailureMode::FailClosed).await;
    let client = world.modern();
    let refused = client.call("tools/list", json!({})).await;
    assert_eq!(refused.code(), -32603);
    assert!(
        refused.outcome.expect_err("an error")["message"].as_str().is_some_and(|text| text.contains("`b`"))
    );
    assert_eq!(client.tool("a_x").await.said(), "a:x", "calls go on");
    b.revive();
    seconds(5).await;
    assert_eq!(client.tools().await, ["a_x", "b_x"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_follows_another_is_the_one_that_a_new_server_would_show() {
    let app = |uri: &str| json!({ "name": "app", "_meta": { "ui": { "resourceUri": uri } } });
    for prefix in [PrefixMode::Never, PrefixMode::Always] {
        let a = Target::legacy("a", &[]).full("a").be(|script| {
            script.tools = vec![tool("x"), app("ui://one"), tool("y")];
        });
        let b =
            Target::modern("b", &[]).full("b").be(|script| script.tools = vec![tool("x"), app("ui://one")]);
        let world = World::with(&[&a, &b], |settings| settings.prefix = prefix).await;
        world.modern().tools().await;
        let steps = [
            // Two names are free for the other, which has the same under them, and things move.
            (&a, vec![tool("y"), tool("new")]),
            (&a, vec![tool("new"), tool("y"), app("ui://one")]),
            (&a, vec![tool("y"), app("ui://two")]),
            (&b, vec![json!({ "name": "x", "description": "other" }), tool("y"), app("ui://one")]),
            (&a, vec![tool("x"), tool("y")]),
            (&b, vec![]),
        ];
        for (target, tools) in steps {
            target.change(|script| script.tools = tools);
            target.notify("notifications/tools/list_changed", json!({}));
            seconds(5).await;
            let new = World::with(&[&a, &b], |settings| settings.prefix = prefix).await;
            for method in ["tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
                let [now, then] = [world.modern(), new.modern()]
                    .map(|client| async move { client.call_as(json!(1), method, json!({})).await });
                let (now, then) = (now.await.expect("an answer").text, then.await.expect("an answer").text);
                assert_eq!(now, then, "{prefix:?}");
            }
        }
    }
}
