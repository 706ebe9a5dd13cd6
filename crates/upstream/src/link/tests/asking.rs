//! Questions of a legacy target: on the stream of their call where that is certain, with the owner of the link where
//! not, and never with a client that did not declare them.

use futures::stream::BoxStream;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::*;
use crate::reply::{Ask, Question};

fn everything() -> Value {
    json!({ "roots": {}, "sampling": {}, "elicitation": {} })
}

fn elicit(id: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "elicitation/create",
            "params": { "message": "sure?", "requestedSchema": { "type": "object", "properties": {} } } })
}

/// A target that asks with each call's own id spelled `ask-N`, and answers the call with what it was answered.
fn curious() -> Scripted {
    let calls: Arc<Mutex<Vec<Value>>> = Arc::default();
    Scripted::legacy(move |message, says| {
        if message["method"] == "tools/call" {
            calls.lock().expect("no panic").push(message.clone());
            says.say(elicit(json!(format!("ask-{}", message["id"]))));
        } else if let Some(asked) = message["id"].as_str().and_then(|id| id.strip_prefix("ask-")) {
            let calls = calls.lock().expect("no panic");
            let call =
                calls.iter().find(|call| call["id"] == asked.parse::<u64>().expect("an id")).expect("a call");
            says.result(call, json!({ "answered": message["result"], "refused": message["error"]["code"] }));
        }
    })
}

/// A call of a client that declared everything.
fn interactive() -> Call {
    let mut call = call(json!({ "name": "x" }));
    call.caller = Caller::new(Era::Legacy, &Raw::of(&everything()).object().expect("an object"), None);
    call
}

async fn events(link: &Link) -> BoxStream<'static, Result<Event, Error>> {
    match link.call(interactive()).await.expect("a reply") {
        Reply::Stream(events) => events,
        Reply::One(answer) => panic!("nothing was asked: {answer:?}"),
    }
}

async fn question(events: &mut BoxStream<'static, Result<Event, Error>>) -> Question {
    match events.next().await {
        Some(Ok(Event::Ask(Ask::Held(question)))) => question,
        other => panic!("not a question: {other:?}"),
    }
}

async fn end(events: &mut BoxStream<'static, Result<Event, Error>>) -> Value {
    match events.next().await {
        Some(Ok(Event::Answer(Ok(result)))) => result.read().expect("JSON"),
        other => panic!("not an answer: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_in_the_middle_of_a_call_is_answered_and_the_call_goes_on() {
    let target = curious();
    let (link, _heard) = target.open_for(everything()).await;
    let mut events = events(&link).await;
    let question = question(&mut events).await;
    assert_eq!(
        (&*question.method, question.params.text("message").as_deref()),
        ("elicitation/create", Some("sure?"))
    );
    question.answer(Ok(Raw::of(&json!({ "action": "accept" }))));
    assert_eq!(end(&mut events).await["answered"], json!({ "action": "accept" }));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_answers_is_refused_so_that_the_target_goes_on() {
    let target = curious();
    let (link, _heard) = target.open_for(everything()).await;
    let mut events = events(&link).await;
    drop(question(&mut events).await);
    assert_eq!(end(&mut events).await["answered"], json!({ "action": "cancel" }));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_was_not_declared_is_refused_and_named() {
    let target = curious();
    let (link, _heard) = target.open_for(json!({ "sampling": {} })).await;
    let mut events = events(&link).await;
    match events.next().await {
        Some(Ok(Event::Refused(required))) => {
            let required: Value = required.to_raw().read().expect("JSON");
            assert!(required["elicitation"].is_object(), "{required}");
        }
        other => panic!("not refused: {other:?}"),
    }
    assert_eq!(end(&mut events).await["refused"], json!(-32602));
}

#[tokio::test(start_paused = true)]
async fn a_client_may_take_its_time_over_a_question() {
    let target = curious();
    let (link, _heard) = target.open_for(everything()).await;
    let mut events = events(&link).await;
    let question = question(&mut events).await;
    let rest = tokio::spawn(async move { end(&mut events).await });
    sleep(Duration::from_secs(1000)).await;
    question.answer(Ok(Raw::of(&json!({ "action": "decline" }))));
    assert_eq!(rest.await.expect("no panic")["answered"], json!({ "action": "decline" }));
}

#[tokio::test(start_paused = true)]
async fn a_target_can_take_its_question_back() {
    let target = curious();
    let (link, _heard) = target.open_for(everything()).await;
    let mut events = events(&link).await;
    let mut question = question(&mut events).await;
    assert!(!question.is_withdrawn());
    let id = target.heard_of("tools/call")[0]["id"].clone();
    target.wire(0).say(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
                               "params": { "requestId": format!("ask-{id}") } }));
    question.withdrawn().await;
    question.answer(Ok(Raw::empty_object()));
    sleep(Duration::from_secs(1)).await;
    assert!(target.responses().is_empty(), "no answer to a question that was taken back");
}

#[tokio::test(start_paused = true)]
async fn a_question_outside_of_calls_goes_to_the_owner_of_the_link() {
    let target = curious();
    let (_link, mut heard) = target.open_for(everything()).await;
    target.wire(0).say(json!({ "jsonrpc": "2.0", "id": 9, "method": "roots/list" }));
    let Some(Heard::Question(question)) = heard.recv().await else { panic!("not a question") };
    assert_eq!(&*question.method, "roots/list");
    drop(question);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(target.responses()[0]["error"]["code"], json!(-32603));
}

/// The client may need another call to find its answer. With two calls running, nothing says which of them the target
/// asks about, so that is for the owner of the link to decide.
#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_client_lets_another_pass() {
    let target = curious();
    let (link, mut heard) = target.open_for(everything()).await;
    let mut first = events(&link).await;
    let asked = question(&mut first).await;
    let other = async { link.call(interactive()).await.expect("a reply").answer().await };
    let owner = async {
        let Some(Heard::Question(question)) = heard.recv().await else { panic!("not a question") };
        question.answer(Ok(Raw::of(&json!({ "action": "accept", "content": 2 }))));
    };
    let (second, ()) = futures::join!(other, owner);
    let second: Value = second.expect("an answer").expect("a result").read().expect("JSON");
    assert_eq!(second["answered"]["content"], 2);
    asked.answer(Ok(Raw::of(&json!({ "action": "accept", "content": 1 }))));
    assert_eq!(end(&mut first).await["answered"]["content"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_second_call_is_not_sent_while_the_first_runs_and_asks_nothing() {
    let target = Scripted::legacy(|message, says| {
        if message["method"] == "tools/call" {
            let (message, says) = (message.clone(), says.clone());
            Task::spawn_finite("slow answer", async move {
                sleep(Duration::from_secs(10)).await;
                says.result(&message, json!({}));
            });
        }
    });
    let (link, _heard) = target.open_for(everything()).await;
    let look = async {
        sleep(Duration::from_secs(5)).await;
        assert_eq!(target.heard_of("tools/call").len(), 1);
    };
    let (one, two, ()) = futures::join!(link.call(interactive()), link.call(interactive()), look);
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(target.heard_of("tools/call").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn news_on_the_stream_of_a_call_reaches_the_owner_of_the_link() {
    let target = Scripted::legacy(|message, says| {
        if message["method"] == "tools/call" {
            says.say(progress(message));
            says.say(json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }));
            says.result(message, json!({}));
        }
    });
    let (link, mut heard) = target.open().await;
    answer(&link).await.expect("an answer").expect("a result");
    assert_eq!(notice(&mut heard).await, Notice::ListChanged(Kind::Tool));
}
