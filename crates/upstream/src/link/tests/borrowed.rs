//! Links that are lent for a call: nobody else is on them, whatever the target says on whichever stream is about that
//! call, and one whose call was given up is not lent again.

use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::*;
use crate::Target;
use crate::reply::{Ask, Question};

fn declared() -> Arc<Caller> {
    caller(json!({ "elicitation": {} }))
}

fn interactive(name: &str) -> Call {
    let mut call = call(json!({ "name": name }));
    call.caller = declared();
    call
}

/// Answers a call at once, or asks first and answers with what it is told, or never answers.
fn scripted() -> Scripted {
    let asked: Arc<Mutex<Option<Value>>> = Arc::default();
    Scripted::legacy(move |message, says| {
        match (message["method"].as_str(), message["params"]["name"].as_str()) {
            (Some("tools/call"), Some("ask")) => {
                *asked.lock().expect("no panic") = Some(message.clone());
                says.say(json!({ "jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": { "message": "?" } }));
            }
            (Some("tools/call"), Some("hang")) => {}
            (Some("tools/call"), _) => says.result(message, json!({})),
            (None, _) => {
                let call = asked.lock().expect("no panic").clone().expect("a call");
                says.result(&call, json!({ "told": message["result"] }));
            }
            _ => {}
        }
    })
}

async fn question(events: &mut futures::stream::BoxStream<'static, Result<Event, Error>>) -> Question {
    match events.next().await {
        Some(Ok(Event::Ask(Ask::Held(question)))) => question,
        other => panic!("not a question: {other:?}"),
    }
}

fn opened(target: &Scripted) -> usize {
    target.heard_of("initialize").len()
}

#[tokio::test(start_paused = true)]
async fn a_link_is_lent_again_to_a_caller_that_declared_the_same_and_to_no_other() {
    let scripted = scripted();
    let target = Target::start(scripted.settings(), Caller::plain());
    target.discovery_link().await.expect("a link");
    for _ in 0..3 {
        let link = target.borrow(&declared()).await.expect("a link");
        link.call(interactive("now"))
            .await
            .expect("a reply")
            .answer()
            .await
            .expect("an answer")
            .expect("a result");
    }
    assert_eq!(opened(&scripted), 2, "the shared one, and one that is lent");
    drop(target.borrow(&caller(json!({ "sampling": {} }))).await.expect("a link"));
    assert_eq!(opened(&scripted), 3);
}

#[tokio::test(start_paused = true)]
async fn two_calls_at_once_are_on_two_links() {
    let scripted = scripted();
    let target = Target::start(scripted.settings(), Caller::plain());
    let (one, two) = (
        target.borrow(&declared()).await.expect("a link"),
        target.borrow(&declared()).await.expect("a link"),
    );
    let hanging = one.call(interactive("hang"));
    let answered = async { two.call(interactive("now")).await.expect("a reply").answer().await };
    tokio::select! {
        biased;
        _ = hanging => panic!("nothing answers"),
        answer = answered => assert!(answer.expect("an answer").is_ok()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_whose_call_was_given_up_is_closed_and_not_lent_again() {
    let scripted = scripted();
    let target = Target::start(scripted.settings(), Caller::plain());
    target.discovery_link().await.expect("a link");
    let link = target.borrow(&declared()).await.expect("a link");
    assert!(tokio::time::timeout(Duration::from_secs(1), link.call(interactive("hang"))).await.is_err());
    let before = opened(&scripted);
    drop(target.borrow(&declared()).await.expect("a link"));
    assert_eq!(opened(&scripted), before + 1);
}

#[tokio::test(start_paused = true)]
async fn an_idle_link_is_closed_after_a_while() {
    let scripted = scripted();
    let target = Target::start(scripted.settings(), Caller::plain());
    target.discovery_link().await.expect("a link");
    for expected in [2, 3] {
        let link = target.borrow(&declared()).await.expect("a link");
        link.call(interactive("now"))
            .await
            .expect("a reply")
            .answer()
            .await
            .expect("an answer")
            .expect("a result");
        assert_eq!(opened(&scripted), expected);
        sleep(Duration::from_secs(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_target_asks_outside_of_the_call_is_about_the_call() {
    let scripted = Scripted::legacy(|message, says| {
        if message["method"] == "tools/call" {
            let params = json!({ "message": "?" });
            says.say(
                json!({ "jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": params }),
            );
        }
    });
    let target = Target::start(scripted.settings(), Caller::plain());
    target.discovery_link().await.expect("a link");
    let (link, _heard) = target.lease(&declared()).await.expect("a link");
    drop(link);
    let borrowed = target.borrow(&declared()).await.expect("a link");
    // Asked before the call is sent: on an HTTP target, on the server's own stream.
    scripted.wire(2).say(json!({ "jsonrpc": "2.0", "id": "early", "method": "elicitation/create", "params": { "message": "early" } }));
    let Reply::Stream(mut events) = borrowed.call(interactive("ask")).await.expect("a reply") else {
        panic!("a question comes")
    };
    let messages = [question(&mut events).await, question(&mut events).await]
        .map(|q| q.params.text("message").expect("a text"));
    assert!(messages.contains(&"early".to_owned()) && messages.contains(&"?".to_owned()), "{messages:?}");
}

#[tokio::test(start_paused = true)]
async fn more_callers_than_links_wait_for_their_turn() {
    let scripted = scripted();
    let target = Target::start(scripted.settings(), Caller::plain());
    let mut lent = Vec::new();
    for _ in 0..32 {
        lent.push(target.borrow(&declared()).await.expect("a link"));
    }
    let waits = tokio::time::timeout(Duration::from_secs(10), target.borrow(&declared())).await;
    assert!(waits.is_err(), "there is a limit");
    lent.pop();
    tokio::time::timeout(Duration::from_secs(10), target.borrow(&declared()))
        .await
        .expect("in time")
        .expect("a link");
}
