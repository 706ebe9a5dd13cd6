//! What the figures of a virtual server say, call by call.

use federation::{CallCounts, CallOutcome};
use serde_json::{Value, json};

use crate::client::{World, background, settle};
use crate::target::{Act, Target};
use upstream::LinkKind;

/// How many calls ended in which way, by method.
fn ended(counts: &CallCounts) -> Vec<(&'static str, &'static str, u64)> {
    let of_method = |counts: &federation::MethodCounts| {
        let ways = CallOutcome::ALL.into_iter().zip(counts.outcomes).filter(|(_, count)| *count > 0);
        let name = counts.method.name;
        ways.map(move |(outcome, count)| (name, outcome.as_str(), count)).collect::<Vec<_>>()
    };
    counts.methods.iter().flat_map(of_method).collect()
}

fn links(target: &federation::TargetMeasures, kind: LinkKind) -> usize {
    target.stats.links[kind as usize]
}

fn of_target(world: &World, name: &str) -> federation::TargetMeasures {
    let measures = world.backend.measure();
    measures.targets.into_iter().find(|target| target.name == name).expect("a target")
}

fn calling(name: &str) -> Value {
    json!({ "name": name, "arguments": {} })
}

#[tokio::test(start_paused = true)]
async fn every_way_in_which_a_call_ends_is_counted_as_what_it_is() {
    let failing = json!({ "content": [], "isError": true });
    let cases = [
        (Act::text("fine"), "ok"),
        (Act::Result(failing), "tool_error"),
        (Act::error(-32000, "no"), "rpc_error"),
        (Act::Hang, "timeout"),
        (Act::Die, "failed"),
        (
            Act::saying([r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#], Act::Die),
            "failed",
        ),
    ];
    for (act, expected) in cases {
        let a = Target::legacy("a", &["x"]).on("tools/call", act);
        let world = World::start(&[&a]).await;
        for client in [world.modern(), world.legacy().await] {
            client.call("tools/call", calling("x")).await;
        }
        settle().await;
        assert_eq!(ended(&of_target(&world, "a").calls), [("tools/call", expected, 2)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_target_that_is_not_there_is_unavailable_and_one_of_no_target_refused() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]));
    let world = World::start(&[&a, &b]).await;
    b.kill();
    settle().await;
    world.modern().call("tools/call", calling("b_x")).await;
    world.modern().call("tools/call", calling("nobody")).await;
    assert_eq!(ended(&of_target(&world, "b").calls), [("tools/call", "unavailable", 1)]);
    assert_eq!(ended(&world.backend.measure().unrouted), [("tools/call", "refused", 1)]);
    assert_eq!(ended(&of_target(&world, "a").calls), []);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_runs_and_links_and_sessions_are_counted_while_they_are_there() {
    let a = Target::legacy("a", &["x"]).on("tools/call", Act::Hang);
    let world = World::start(&[&a]).await;
    let client = std::sync::Arc::new(world.legacy().await);
    let _call = background(&client, json!(1), "x");
    settle().await;
    let target = of_target(&world, "a");
    assert_eq!(
        (target.calls.running, links(&target, LinkKind::Session), links(&target, LinkKind::Discovery)),
        (1, 1, 1)
    );
    assert_eq!(world.backend.measure().sessions, 1);
    client.notify("notifications/cancelled", json!({ "requestId": 1 })).await;
    settle().await;
    let target = of_target(&world, "a");
    assert_eq!((target.calls.running, ended(&target.calls)), (0, vec![("tools/call", "cancelled", 1)]));
    client.end();
    settle().await;
    assert_eq!((world.backend.measure().sessions, links(&of_target(&world, "a"), LinkKind::Session)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_gone_is_not_measured_and_one_that_changed_begins_anew() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]));
    let mut world = World::start(&[&a, &b]).await;
    world.modern().tool("a_x").await.said();
    world.modern().tool("b_x").await.said();
    let other = Target::legacy("a", &["x"]);
    world.reconfigure(&[&other], |_| {});
    settle().await;
    let names: Vec<_> = world.backend.measure().targets.into_iter().map(|target| target.name).collect();
    assert_eq!(names, ["a"]);
    assert_eq!(ended(&of_target(&world, "a").calls), []);
}

#[tokio::test(start_paused = true)]
async fn a_server_is_settled_once_each_target_is_there_or_is_known_to_fail() {
    let (a, b) = (Target::legacy("a", &["x"]), Target::legacy("b", &["x"]));
    b.kill();
    let world = World::at_once(&[&a, &b], |_| {});
    assert!(!world.backend.is_settled());
    settle().await;
    assert!(world.backend.is_settled(), "one is there and one fails");
}
