//! Sessions that go on at another replica, or after they ended as idle; and ids with which nothing may go on.

use std::time::Duration;

use bytes::Bytes;
use federation::{ErrorKind, Head, Key, Outcome, Principal, Settings};
use serde_json::{Value, json};
use upstream::LinkKind;
use upstream::settings::Sharing;

use crate::client::{Client, World, named, seconds, settle};
use crate::target::{Act, Target};

fn key(digit: char) -> Key {
    Key::parse(&digit.to_string().repeat(64)).expect("a key")
}

/// What replicas have in common.
fn keyed(settings: &mut Settings) {
    settings.sessions.keys = vec![key('a')];
}

async fn refused(world: &World, head: Head) -> Option<ErrorKind> {
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    match world.backend.post(head, Bytes::from_static(ping.as_bytes())).await {
        Outcome::One(single) => single.error,
        other => panic!("one answer: {other:?}"),
    }
}

fn id(client: &Client) -> String {
    client.session.clone().expect("a session")
}

// === Going on ===

#[tokio::test(start_paused = true)]
async fn a_session_goes_on_at_another_replica_and_at_both_at_once() {
    let (a, b) = (Target::legacy("a", &["x"]).in_sessions(), Target::modern("b", &["x"]));
    let (one, two) = (World::with(&[&a, &b], keyed).await, World::with(&[&a, &b], keyed).await);
    let here = one.legacy_with(json!({ "roots": {} })).await;
    let shaken = a.count("initialize");
    assert_eq!(here.tool("a_x").await.said(), "a:x");
    let there = here.at(&two);
    for _ in 0..3 {
        let (reply, other) = tokio::join!(here.tool("a_x"), there.tool("a_x"));
        assert_eq!((reply.said(), other.said()), ("a:x".to_owned(), "a:x".to_owned()));
        assert_eq!(there.tool("b_x").await.said(), "b:x");
    }
    assert_eq!(a.count("initialize"), shaken, "the target's own session went on");
    for world in [&one, &two] {
        assert_eq!(world.backend.measure().targets[0].stats.links[LinkKind::Session as usize], 1);
    }
    assert_eq!((one.backend.session_counts().begun, two.backend.session_counts().taken_over), (1, 1));
    let status = two.backend.sessions().remove(0);
    let (caller, version) = status.client.expect("a handshake");
    assert_eq!((version.as_str(), caller.capabilities.as_bytes()), ("2025-11-25", &br#"{"roots":{}}"#[..]));
    assert!(caller.info.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_replaced_opens_as_long_as_it_is_listed() {
    let a = Target::legacy("a", &["x"]).in_sessions();
    let mut one = World::with(&[&a], keyed).await;
    let old = one.legacy().await;
    one.reconfigure(&[&a], |settings| settings.sessions.keys = vec![key('b'), key('a')]);
    let new = one.legacy().await;
    one.reconfigure(&[&a], |settings| settings.sessions.keys = vec![key('c')]);
    for client in [&old, &new] {
        assert_eq!(client.tool("x").await.said(), "a:x", "who is here stays");
    }
    let two = World::with(&[&a], |settings| settings.sessions.keys = vec![key('b')]).await;
    assert_eq!(refused(&two, named(&id(&old))).await, Some(ErrorKind::UnknownSession));
    assert_eq!(refused(&two, named(&id(&new))).await, None, "the first key sealed it");
    let three = World::with(&[&a], |settings| settings.sessions.keys = vec![key('b'), key('a')]).await;
    assert_eq!(refused(&three, named(&id(&old))).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_has_forgotten_the_session_gets_one_new_one() {
    let a = Target::legacy("a", &["x"]).in_sessions();
    let (one, two) = (World::with(&[&a], keyed).await, World::with(&[&a], keyed).await);
    let here = one.legacy().await;
    let there = here.at(&two);
    let session = a.opened() - 1;
    a.change(|script| script.forgotten.insert(format!("s{session}")));
    let shaken = a.count("initialize");
    let replies = tokio::join!(there.tool("x"), there.tool("x"), there.tool("x"));
    for reply in [replies.0, replies.1, replies.2] {
        assert_eq!(reply.said(), "a:x");
    }
    assert_eq!((a.count("initialize"), a.count("tools/call")), (shaken + 1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_listens_elsewhere_hears_of_what_it_subscribed_to() {
    let a = Target::legacy("a", &["x"]).full("w").in_sessions();
    let (one, two) = (World::with(&[&a], keyed).await, World::with(&[&a], keyed).await);
    let here = one.legacy().await;
    here.call("resources/subscribe", json!({ "uri": "file:///w" })).await.ok();
    let there = here.at(&two);
    let mut hears = there.listen();
    settle().await;
    let first = hears.heard().await;
    assert_eq!(
        first,
        ["tools/list_changed", "prompts/list_changed", "resources/list_changed"],
        "what changed meanwhile was not heard here"
    );
    a.notify("notifications/resources/updated", json!({ "uri": "file:///w" }));
    assert_eq!(hears.heard().await, ["resources/updated file:///w"]);
}

#[tokio::test(start_paused = true)]
async fn what_two_replicas_count_does_not_meet() {
    let asks = Act::Ask("roots/list", json!({}));
    let a = Target::legacy("a", &["x"]).in_sessions().on("tools/call", asks);
    let (one, two) = (World::with(&[&a], keyed).await, World::with(&[&a], keyed).await);
    let here = one.legacy_with(json!({ "roots": {} })).await;
    let there = here.at(&two);
    let answer = |_: &Value| json!({ "result": { "roots": [] } });
    let (_, asked) = here.converse("tools/call", json!({ "name": "x" }), answer).await;
    let (_, asked_there) = there.converse("tools/call", json!({ "name": "x" }), answer).await;
    let number = |asked: &[Value]| asked[0]["id"].as_u64().expect("a number");
    assert!(
        number(&asked_there) > number(&asked) + 1000 && number(&asked_there) < 1 << 53,
        "{asked_there:?}"
    );
    // An event of one replica names no place at the other, but the session's own stream goes on.
    let _ = here.listen().heard().await;
    let resumed = Head { last_event_id: Some("0-2".into()), ..there.session_head() };
    let frames = two.backend.stream(&resumed).expect("a stream");
    assert_eq!(crate::client::Listener::of(frames).heard().await, ["tools/list_changed"]);
    let broken = Head { last_event_id: Some("1-1".into()), ..there.session_head() };
    assert!(two.backend.stream(&broken).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_one_replica_leads_on_at_another() {
    let names: Vec<String> = (0..2500).map(|n| format!("t{n:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let a = Target::legacy("a", &names).in_sessions();
    let (one, two) = (World::with(&[&a], keyed).await, World::with(&[&a], keyed).await);
    let here = one.legacy().await;
    let there = here.at(&two);
    let first = here.call("tools/list", json!({})).await.ok();
    let second = there.call("tools/list", json!({ "cursor": first["nextCursor"] })).await.ok();
    let third = here.call("tools/list", json!({ "cursor": second["nextCursor"] })).await.ok();
    let all: Vec<_> = [&first, &second, &third].into_iter().flat_map(crate::client::names_in).collect();
    assert_eq!(all, names);
    assert!(third.get("nextCursor").is_none());
}

// === What stays behind ===

#[tokio::test(start_paused = true)]
async fn a_call_that_is_parked_elsewhere_is_not_sent_to_its_target_again() {
    let asks = Act::Ask("roots/list", json!({}));
    let a = Target::legacy("a", &["x"]).in_sessions().on("tools/call", asks);
    let (one, two) = (World::with(&[&a], keyed).await, World::with(&[&a], keyed).await);
    let ask = async |world: &World, params: Value| {
        let mut modern = world.modern();
        modern.capabilities = json!({ "roots": {} });
        modern.call("tools/call", params).await
    };
    let parked = ask(&one, json!({ "name": "x", "arguments": {} })).await.ok();
    let answers = json!({ "ask-1": { "roots": [] } });
    let retry = json!({
        "name": "x", "arguments": {}, "requestState": parked["requestState"], "inputResponses": answers,
    });
    let refused = ask(&two, retry.clone()).await;
    assert_eq!((refused.code(), a.count("tools/call")), (-32602, 1));
    let text = refused.outcome.expect_err("an error")["message"].to_string();
    assert!(text.contains("make the call anew"), "{text}");
    ask(&one, retry).await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_session_with_a_target_on_a_pipe_begins_again() {
    let (a, b) = (Target::legacy("a", &["x"]).in_sessions(), Target::legacy("b", &["x"]));
    let (one, two) = (World::with(&[&a, &b], keyed).await, World::with(&[&a, &b], keyed).await);
    let here = one.legacy().await;
    assert_eq!(refused(&two, named(&id(&here))).await, Some(ErrorKind::UnknownSession));
    assert_eq!(two.backend.session_count(), 0);
}

/// A session has nothing of its own there, whether or not the target could keep it.
#[tokio::test(start_paused = true)]
async fn a_session_whose_targets_are_shared_goes_on_elsewhere() {
    let shared = |target: Target| target.set(|settings| settings.sharing = Sharing::Shared);
    let (a, b) = (shared(Target::legacy("a", &["x"])), shared(Target::legacy("b", &["x"]).in_sessions()));
    let (one, two) = (World::with(&[&a, &b], keyed).await, World::with(&[&a, &b], keyed).await);
    let opened = b.opened();
    let here = one.legacy().await;
    assert_eq!(b.opened(), opened, "nothing is opened for a session alone");
    let there = here.at(&two);
    for name in ["a_x", "b_x"] {
        assert_eq!(here.tool(name).await.said(), there.tool(name).await.said());
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_key_nobody_else_knows_a_session_and_nothing_is_opened_before_it_is_needed() {
    let a = Target::legacy("a", &["x"]).in_sessions();
    let (one, two) = (World::start(&[&a]).await, World::start(&[&a]).await);
    let before = a.opened();
    let here = one.legacy().await;
    assert_eq!(a.opened(), before);
    assert_eq!(refused(&two, named(&id(&here))).await, Some(ErrorKind::UnknownSession));
}

#[tokio::test(start_paused = true)]
async fn ids_that_are_not_ours_are_unknown() {
    let a = Target::legacy("a", &["x"]).in_sessions();
    let asks = Target::legacy("b", &["x"]).in_sessions().on("tools/call", Act::Ask("roots/list", json!({})));
    let (one, two) = (World::with(&[&a, &asks], keyed).await, World::with(&[&a, &asks], keyed).await);
    let good = id(&one.legacy().await);
    let mut modern = one.modern();
    modern.capabilities = json!({ "roots": {} });
    let state = modern.call("tools/call", json!({ "name": "b_x", "arguments": {} })).await.ok();
    let state = state["requestState"].as_str().expect("a state").to_owned();
    let other_server = World::with(&[&a, &asks], |settings| {
        keyed(settings);
        settings.key = "other".into();
    })
    .await;
    let other_key = World::with(&[&a, &asks], |settings| settings.sessions.keys = vec![key('b')]).await;
    let flipped: String = good
        .chars()
        .enumerate()
        .map(|(n, c)| if n == 40 { if c == 'A' { 'B' } else { 'A' } } else { c })
        .collect();
    for (what, wrong) in [
        ("forged", "A".repeat(good.len())),
        ("empty", String::new()),
        ("truncated", good[..good.len() - 1].to_owned()),
        ("longer", format!("{good}A")),
        ("changed", flipped),
        ("padded", format!("{good}=")),
        ("not base64", "é ü".to_owned()),
        ("huge", "A".repeat(1 << 20)),
        ("a requestState", state),
        ("another server's", id(&other_server.legacy().await)),
        ("another key's", id(&other_key.legacy().await)),
    ] {
        assert_eq!(refused(&two, named(&wrong)).await, Some(ErrorKind::UnknownSession), "{what}");
        assert!(
            two.backend.stream(&named(&wrong)).is_err() && two.backend.end(&named(&wrong)).is_err(),
            "{what}"
        );
        assert!(!two.backend.has_session(&named(&wrong)), "{what}");
    }
    assert!(two.backend.has_session(&named(&good)));
    assert_eq!(refused(&two, named(&good)).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_its_principals_here_and_elsewhere() {
    let a = Target::legacy("a", &["x"]).in_sessions();
    let (one, two) = (World::with(&[&a], keyed).await, World::with(&[&a], keyed).await);
    let of = |name: &str, id: Option<&str>| Head {
        session: id.map(str::to_owned),
        principal: Principal::named(name),
        ..Head::default()
    };
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}}"#;
    let Outcome::One(single) = one.backend.post(of("ann", None), Bytes::from(body)).await else {
        panic!("one answer")
    };
    let id = single.session.expect("a session");
    for world in [&one, &two] {
        for other in ["bob", ""] {
            assert_eq!(
                refused(world, of(other, Some(&id))).await,
                Some(ErrorKind::UnknownSession),
                "{other}"
            );
            assert!(world.backend.stream(&of(other, Some(&id))).is_err());
            assert!(world.backend.end(&of(other, Some(&id))).is_err());
        }
        assert_eq!(refused(world, of("ann", Some(&id))).await, None);
    }
    let (connection, _frames) = one.backend.open_sse(&of("ann", None)).expect("a connection");
    let ping = Bytes::from_static(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    let posted = |name| one.backend.post_sse(of(name, Some(&connection)), &ping);
    assert!(matches!(posted("bob"), Outcome::One(single) if single.error == Some(ErrorKind::UnknownSession)));
    assert!(matches!(posted("ann"), Outcome::Accepted));
}

// === Ends ===

#[tokio::test(start_paused = true)]
async fn a_session_that_its_client_ended_is_over_here_and_at_its_targets() {
    let a = Target::legacy("a", &["x"]).in_sessions();
    let (one, two) = (World::with(&[&a], keyed).await, World::with(&[&a], keyed).await);
    let here = one.legacy().await;
    let session = format!("s{}", a.opened() - 1);
    // At a replica that did not have it yet.
    here.at(&two).end();
    settle().await;
    assert_eq!((a.ended(), two.backend.session_count()), (vec![session], 0));
    assert_eq!(
        refused(&two, named(&id(&here))).await,
        Some(ErrorKind::UnknownSession),
        "and not taken over again"
    );
    let by_operator = one.backend.sessions()[0].number;
    assert!(one.backend.end_session(by_operator));
    assert_eq!(refused(&one, named(&id(&here))).await, Some(ErrorKind::UnknownSession));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_was_idle_goes_on_and_what_another_replica_may_use_is_left_alone() {
    let a = Target::legacy("a", &["x"]).in_sessions();
    let world = World::with(&[&a], |settings| {
        keyed(settings);
        settings.sessions.idle = Duration::from_secs(120);
    })
    .await;
    let client = world.legacy().await;
    client.tool("x").await.ok();
    let shaken = a.count("initialize");
    seconds(100).await;
    assert_eq!(world.backend.session_count(), 1);
    seconds(60).await;
    assert_eq!((world.backend.session_count(), a.open(), a.ended().len()), (0, 1, 0));
    assert_eq!(client.tool("x").await.said(), "a:x");
    let counts = world.backend.session_counts();
    assert_eq!((counts.idle, counts.taken_over, a.count("initialize")), (1, 1, shaken));
    world.backend.stop().await;
    assert!(!a.ended().contains(&"s1".to_owned()), "it may go on after a restart: {:?}", a.ended());
}

#[tokio::test(start_paused = true)]
async fn without_a_key_the_sessions_at_targets_end_with_the_clients() {
    let a = Target::legacy("a", &["x"]).in_sessions();
    let world = World::start(&[&a]).await;
    let client = world.legacy().await;
    client.tool("x").await.ok();
    seconds(31 * 60).await;
    assert_eq!((world.backend.session_count(), a.ended().len()), (0, 1));
    let gone = refused(&world, client.session_head()).await;
    assert_eq!(gone, Some(ErrorKind::UnknownSession), "what the target kept is lost, and the client knows");
    let lists = world.legacy().await;
    lists.tools().await;
    seconds(31 * 60).await;
    assert_eq!(refused(&world, lists.session_head()).await, None, "nothing is lost");
    let other = world.legacy().await;
    other.tool("x").await.ok();
    world.backend.stop().await;
    // The last one is that of the lists.
    assert_eq!(a.ended().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn two_requests_that_come_first_to_a_replica_take_the_session_over_once() {
    let a = Target::legacy("a", &["x"]).in_sessions();
    let (one, two) = (World::with(&[&a], keyed).await, World::with(&[&a], keyed).await);
    let here = one.legacy().await;
    let there = here.at(&two);
    let opened = a.opened();
    let (x, y) = tokio::join!(there.tool("x"), there.tool("x"));
    assert_eq!((x.said(), y.said()), ("a:x".to_owned(), "a:x".to_owned()));
    assert_eq!((two.backend.session_count(), two.backend.session_counts().taken_over), (1, 1));
    assert_eq!(a.opened(), opened + 1);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_does_not_wait_for_a_target_that_hangs() {
    let (a, b) = (Target::legacy("a", &["x"]).in_sessions(), Target::legacy("b", &["x"]).in_sessions());
    let (one, two) = (World::with(&[&a, &b], keyed).await, World::with(&[&a, &b], keyed).await);
    a.act("initialize", Act::Hang);
    let start = tokio::time::Instant::now();
    let here = one.legacy().await;
    assert!(start.elapsed() <= Duration::from_secs(3), "{:?}", start.elapsed());
    let there = here.at(&two);
    let shaken = b.count("initialize");
    assert_eq!(there.tool("b_x").await.said(), "b:x");
    assert_eq!(b.count("initialize"), shaken, "the other one went on");
    a.unact("initialize");
    assert_eq!(there.tool("a_x").await.said(), "a:x");
    seconds(90).await;
    assert_eq!(a.open(), 3, "nothing is left of the attempt");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_in_its_handshake_leaves_no_session_at_targets() {
    let (a, b) = (Target::legacy("a", &["x"]).in_sessions(), Target::legacy("b", &["x"]).in_sessions());
    let world = World::with(&[&a, &b], keyed).await;
    b.act("initialize", Act::Hang);
    let hung_up = tokio::time::timeout(Duration::from_secs(1), world.legacy()).await;
    assert!(hung_up.is_err());
    seconds(90).await;
    assert_eq!((world.backend.session_count(), a.open(), b.open(), a.ended().len()), (0, 1, 1, 1));
}

// === Too many ===

#[tokio::test(start_paused = true)]
async fn sessions_that_only_shake_hands_end_soon_and_give_way_to_others() {
    let a = Target::legacy("a", &["x"]);
    let world = World::with(&[&a], |settings| settings.sessions.most = 3).await;
    let used = world.legacy().await;
    let (first, _) = world.shaking("2025-11-25", json!({})).await;
    let (second, _) = world.shaking("2025-11-25", json!({})).await;
    let third = world.legacy().await;
    assert_eq!(
        refused(&world, first.session_head()).await,
        Some(ErrorKind::UnknownSession),
        "the oldest gives way"
    );
    assert_eq!((refused(&world, second.session_head()).await, world.backend.session_count()), (None, 3));
    // Now all are in use.
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}}"#;
    let Outcome::One(single) = world.backend.post(Head::default(), Bytes::from(body)).await else {
        panic!("one answer")
    };
    assert_eq!(single.error, Some(ErrorKind::TooManySessions));
    let text = String::from_utf8_lossy(&single.body.join()).into_owned();
    assert!(text.contains("3 are open already"), "{text}");
    assert!(world.backend.open_sse(&Head::default()).is_err());
    third.end();
    let (_fresh, _) = world.shaking("2025-11-25", json!({})).await;
    seconds(55).await;
    assert_eq!(world.backend.session_count(), 3);
    seconds(40).await;
    assert_eq!(world.backend.session_count(), 2, "nobody came back after the handshake");
    used.tool("x").await.ok();
    let counts = world.backend.session_counts();
    assert_eq!((counts.begun, counts.unused, counts.refused, counts.ended), (5, 2, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_taken_over_only_where_there_is_room() {
    let a = Target::legacy("a", &["x"]).in_sessions();
    let one = World::with(&[&a], keyed).await;
    let two = World::with(&[&a], |settings| {
        keyed(settings);
        settings.sessions.most = 1;
    })
    .await;
    let here = one.legacy().await;
    let full = two.legacy().await;
    assert_eq!(refused(&two, named(&id(&here))).await, Some(ErrorKind::TooManySessions));
    full.end();
    assert_eq!(refused(&two, named(&id(&here))).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_stream_or_a_call_keeps_a_session_for_hours_whatever_the_idle_time() {
    let a = Target::legacy("a", &["x", "slow"]);
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":$token,"progress":1}}"#;
    let slow = (0..30).fold(Act::text("done"), |then, _| Act::after(240, Act::saying([progress], then)));
    let a = a.on("tools/call slow", slow);
    let world = World::with(&[&a], |settings| settings.sessions.idle = Duration::from_secs(60)).await;
    let (listening, calling) = (world.legacy().await, world.legacy().await);
    let hears = listening.listen();
    let reply = calling.tool_with("slow", json!(1)).await;
    assert_eq!((reply.said(), world.backend.session_count()), ("done".to_owned(), 2), "two hours later");
    drop(hears);
    seconds(100).await;
    assert_eq!(world.backend.session_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_shorter_idle_time_is_in_force_after_a_reload() {
    let a = Target::legacy("a", &["x"]);
    let mut world = World::start(&[&a]).await;
    let _client = world.legacy().await;
    seconds(300).await;
    world.reconfigure(&[&a], |settings| settings.sessions.idle = Duration::from_secs(60));
    seconds(31).await;
    assert_eq!(world.backend.session_count(), 0);
}

/// What it subscribed to elsewhere is not known here, so that nothing else says that the link is of use.
#[tokio::test(start_paused = true)]
async fn bug_a_client_that_listens_elsewhere_hears_for_as_long_as_it_does() {
    let a = Target::legacy("a", &["x"])
        .full("w")
        .in_sessions()
        .set(|settings| settings.limits.idle = Duration::from_secs(300));
    let (one, two) = (World::with(&[&a], keyed).await, World::with(&[&a], keyed).await);
    let here = one.legacy().await;
    here.call("resources/subscribe", json!({ "uri": "file:///w" })).await.ok();
    let there = here.at(&two);
    let mut hears = there.listen();
    let _ = hears.heard().await;
    seconds(400).await;
    a.notify("notifications/resources/updated", json!({ "uri": "file:///w" }));
    assert_eq!(hears.heard().await, ["resources/updated file:///w"]);
    drop(hears);
    let open = a.open();
    seconds(400).await;
    assert_eq!(a.open(), open - 1, "nobody listens any more");
}

#[tokio::test(start_paused = true)]
async fn bug_a_target_that_could_not_be_reached_for_a_moment_keeps_the_session_that_the_id_names() {
    let a = Target::legacy("a", &["x"]).in_sessions();
    let (one, two) = (World::with(&[&a], keyed).await, World::with(&[&a], keyed).await);
    let here = one.legacy().await;
    here.tool("x").await.ok();
    let shaken = a.count("initialize");
    a.change(|script| script.refusing = 1);
    assert_eq!(here.tool("x").await.said(), "a:x");
    assert_eq!(here.at(&two).tool("x").await.said(), "a:x");
    assert_eq!(a.count("initialize"), shaken, "both are in one session of the target");
    // It was away because it was replaced.
    a.change(|script| (script.refusing, script.forgotten) = (1, ["s2".to_owned()].into()));
    assert_eq!(here.tool("x").await.said(), "a:x");
    assert_eq!(a.count("initialize"), shaken + 1);
}
