//! The link over which a target is looked at: it declares everything, and there is nobody whom the target could ask.

use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::*;

fn discovery() -> Arc<Caller> {
    let everything =
        json!({ "roots": {}, "sampling": { "tools": {} }, "elicitation": { "form": {}, "url": {} } });
    Caller::discovery(&Raw::of(&everything).object().expect("an object"))
}

/// What a target asks, each under its method as the id.
fn ask(says: &Says) {
    for method in ["roots/list", "sampling/createMessage", "elicitation/create", "ping", "tasks/list"] {
        says.say(json!({ "jsonrpc": "2.0", "id": method, "method": method, "params": {} }));
    }
}

fn check_answers(target: &Scripted) {
    let answers = target.responses();
    let answer = |method: &str| {
        let answer = answers.iter().find(|answer| answer["id"] == method);
        answer.unwrap_or_else(|| panic!("no answer to {method}: {answers:?}"))
    };
    assert_eq!(answer("roots/list")["result"], json!({ "roots": [] }));
    assert_eq!(answer("elicitation/create")["result"], json!({ "action": "cancel" }));
    assert_eq!(answer("sampling/createMessage")["error"]["code"], -1);
    assert_eq!(answer("ping")["result"], json!({}));
    assert_eq!(answer("tasks/list")["error"]["code"], -32601);
    assert_eq!(answers.len(), 5, "one answer each");
}

#[tokio::test(start_paused = true)]
async fn nobody_has_no_roots_and_refuses_the_rest() {
    let target = Scripted::legacy(|message, says| {
        if message["method"] == "notifications/initialized" {
            ask(says);
        }
    });
    let (link, mut heard) = target.open_as(&discovery()).await;
    sleep(Duration::from_millis(10)).await;
    check_answers(&target);
    drop(link);
    assert!(heard.recv().await.is_none(), "and it is nobody's to hear");
}

#[tokio::test(start_paused = true)]
async fn what_a_target_asks_in_the_middle_of_a_list_holds_up_no_list() {
    let target = Scripted::legacy(|message, says| {
        if message["method"] == "tools/list" {
            ask(says);
            says.result(message, json!({ "tools": [] }));
        }
    });
    let (link, _heard) = target.open_as(&discovery()).await;
    let method = protocol::method::find("tools/list").expect("a row");
    let list = || Call::quiet(method, Object::default(), link.caller().clone());
    let lists = async { tokio::join!(link.call(list()), link.call(list())) };
    let (one, other) = tokio::time::timeout(Duration::from_secs(1), lists).await.expect("they do not wait");
    assert!(one.is_ok() && other.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_modern_target_hears_everything_whenever_it_is_looked_at() {
    let target = Scripted::modern(|message, says| match message["method"].as_str() {
        Some("subscriptions/listen") => says.error(message, -32601, Value::Null),
        _ => says.result(message, json!({})),
    });
    let caller = discovery();
    let (link, _heard) = target.open_as(&caller).await;
    let _ = link.listen(&[Kind::Tool], &[]).await;
    for method in ["server/discover", "subscriptions/listen"] {
        let meta = &target.heard_of(method)[0]["params"]["_meta"];
        let everything: Value = caller.modern.read().expect("JSON");
        assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], everything, "{method}");
    }
}
