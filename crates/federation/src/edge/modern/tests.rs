//! Calls that a legacy target interrupts with questions, over a target that is a channel: what it says and when is the test's.

use bytes::Bytes;
use protocol::{Id, Object, Raw};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use upstream::{Answer, Ask, Caller, Event, Note, Question};

use super::*;
use crate::backend::Backend;
use crate::error::Error;
use crate::inbound::Head;
use crate::parking::{MOST_OF_ONE, OpenCall, PATIENCE};
use crate::{FailureMode, PrefixMode, Settings};

const ELICIT: &str = "elicitation/create";

/// The target's end of a call.
struct Far(mpsc::UnboundedSender<Result<Event, Error>>);

impl Far {
    fn say(&self, event: Event) {
        self.0.send(Ok(event)).expect("somebody listens");
    }

    fn progress(&self, n: u64) {
        self.say(Event::Note(Note::Progress([("progress", Raw::of(&n))].into_iter().collect())));
    }

    fn answer(&self, result: &Value) {
        self.say(Event::Answer(Ok(Raw::of(result))));
    }

    fn ask(&self, method: &str, params: Value) -> oneshot::Receiver<Answer> {
        let (question, answer) = Question::new(method, object(&params));
        self.say(Event::Ask(Ask::Held(question)));
        answer
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_closed()
    }
}

fn is_refused(answer: &mut oneshot::Receiver<Answer>) -> bool {
    matches!(answer.try_recv(), Err(oneshot::error::TryRecvError::Closed))
}

fn is_open(answer: &mut oneshot::Receiver<Answer>) -> bool {
    matches!(answer.try_recv(), Err(oneshot::error::TryRecvError::Empty))
}

fn object(value: &Value) -> Object {
    Object::parse(&Bytes::from(value.to_string())).expect("an object")
}

/// A server without targets: the test is the target.
fn server() -> Backend {
    Backend::start(Settings {
        key: "test".into(),
        targets: Vec::new(),
        prefix: PrefixMode::default(),
        longest_name: None,
        failure: FailureMode::default(),
        stateless: false,
        sessions: crate::settings::Sessions::default(),
    })
}

fn everything() -> Value {
    json!({ "elicitation": { "form": {}, "url": {} }, "sampling": {}, "roots": {} })
}

/// The first request of a call of the tool `x`, by a client that declared these capabilities.
fn begin(backend: &Backend, capabilities: &Value) -> (BoxStream<'static, Piece>, Far) {
    begin_as(backend, capabilities, "tools/call")
}

fn begin_as(backend: &Backend, capabilities: &Value, method: &str) -> (BoxStream<'static, Piece>, Far) {
    let (says, events) = mpsc::unbounded_channel();
    let events =
        futures::stream::unfold(events, |mut events| async move { Some((events.recv().await?, events)) });
    let row = method::lookup(method, Era::Modern).expect("a method");
    let caller = Caller::new(Era::Modern, &object(capabilities), None);
    let finish = Finish {
        backend: backend.lender.lend(),
        id: Id::from(1),
        row,
        params: object(&json!({ "name": "x", "_meta": { "progressToken": "one" } })),
        caller,
        principal: crate::Principal::default(),
        token: Some(Raw::string("one")),
        level: None,
    };
    (Course::new(finish, OpenCall::new("a".into(), events.boxed())).pieces(), Far(says))
}

/// What a request led to: the notes' params, and the answer.
async fn all(outcome: Outcome) -> (Vec<Value>, Value) {
    let bodies: Vec<Bytes> = match outcome {
        Outcome::Accepted => panic!("a request must be answered"),
        Outcome::One(single) => vec![single.body.join()],
        Outcome::Stream(frames) => frames.into_stream().map(|frame| frame.message).collect().await,
    };
    let mut read: Vec<Value> = bodies.iter().map(|b| serde_json::from_slice(b).expect("JSON")).collect();
    let answer = read.pop().expect("an answer");
    (read.into_iter().map(|note| note["params"].clone()).collect(), answer)
}

async fn end(pieces: BoxStream<'static, Piece>) -> Value {
    all(outcome(pieces, SILENCE).await).await.1
}

/// The result that asks for input.
async fn asked(pieces: BoxStream<'static, Piece>) -> Value {
    let answer = end(pieces).await;
    let result = answer["result"].clone();
    assert_eq!(result["resultType"], "input_required", "{answer}");
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "agentgateway");
    result
}

/// The same request again with answers, under the id 2 and the token `two`.
async fn retry(backend: &Backend, result: &Value, answers: Value) -> Outcome {
    retry_with(backend, result, json!({ "name": "x", "inputResponses": answers }), &everything()).await
}

async fn retry_with(backend: &Backend, result: &Value, mut params: Value, capabilities: &Value) -> Outcome {
    params["requestState"] = result["requestState"].clone();
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities,
        "io.modelcontextprotocol/logLevel": "info",
        "progressToken": "two",
    });
    let head = Head {
        version: Some("2026-07-28".into()),
        method: Some("tools/call".into()),
        name: params["name"].as_str().map(str::to_owned),
        ..Head::default()
    };
    let body = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params });
    backend.post(head, Bytes::from(body.to_string())).await
}

async fn moment() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

// === Asking ===

#[tokio::test(start_paused = true)]
async fn a_question_in_the_middle_of_a_call_ends_the_request_and_not_the_call() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    let mut answer = far.ask(ELICIT, json!({ "message": "a: Name?", "elicitationId": "7" }));
    let result = asked(pieces).await;
    let request = json!({ "method": ELICIT, "params": { "message": "a: Name?" } });
    assert_eq!(result["inputRequests"], json!({ "ask-1": request }));
    assert!(is_open(&mut answer) && !far.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn questions_that_come_together_are_asked_together() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    let _one = far.ask(ELICIT, json!({ "message": "m" }));
    let pieces = tokio::spawn(asked(pieces));
    tokio::time::sleep(Duration::from_millis(10)).await;
    far.progress(1);
    let _two = far.ask("roots/list", json!({}));
    let result = pieces.await.expect("the client");
    assert_eq!(result["inputRequests"].as_object().map(serde_json::Map::len), Some(2));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_at_once_makes_the_question_void() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    let mut answer = far.ask(ELICIT, json!({ "message": "m" }));
    far.progress(1);
    far.answer(&json!({ "content": [] }));
    let (notes, last) = all(outcome(pieces, SILENCE).await).await;
    assert_eq!((notes.len(), &last["result"]["resultType"]), (1, &json!("complete")));
    assert!(is_refused(&mut answer) && far.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_withdrawn_at_once_is_not_asked() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    drop(far.ask(ELICIT, json!({ "message": "m" })));
    let pieces = tokio::spawn(end(pieces));
    tokio::time::sleep(Duration::from_secs(1)).await;
    far.answer(&json!({ "content": [] }));
    assert_eq!(pieces.await.expect("the client")["result"]["resultType"], "complete");
}

#[tokio::test(start_paused = true)]
async fn a_question_is_refused_where_no_client_can_be_asked() {
    let backend = server();
    let (pieces, far) = begin_as(&backend, &everything(), "completion/complete");
    let mut answer = far.ask(ELICIT, json!({ "message": "m" }));
    let pieces = tokio::spawn(end(pieces));
    moment().await;
    assert!(is_refused(&mut answer));
    far.answer(&json!({ "completion": { "values": [] } }));
    assert_eq!(pieces.await.expect("the client")["result"]["resultType"], "complete");
}

// === Answering ===

#[tokio::test(start_paused = true)]
async fn the_retry_answers_the_question_and_the_call_goes_on_under_its_id_and_token() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    let answer = far.ask(ELICIT, json!({ "message": "m" }));
    let result = asked(pieces).await;
    let accepted = json!({ "action": "accept", "content": { "n": 1.0 } });
    let backend = tokio::spawn(async move {
        all(retry(&backend, &result, json!({ "ask-1": accepted, "surplus": 1 })).await).await
    });
    let given = answer.await.expect("an answer").expect("a result");
    assert_eq!(given.as_bytes(), br#"{"action":"accept","content":{"n":1.0}}"#);
    far.progress(1);
    far.say(Event::Note(Note::Log(object(&json!({ "level": "info", "data": "i" })))));
    far.answer(&json!({ "content": [] }));
    let (notes, last) = backend.await.expect("the client");
    assert_eq!(notes[0], json!({ "progress": 1, "progressToken": "two" }));
    assert_eq!(notes[1]["data"], "i");
    assert_eq!((&last["id"], &last["result"]["resultType"]), (&json!(2), &json!("complete")));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_answered_is_asked_again_under_a_new_state() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    let one = far.ask(ELICIT, json!({ "message": "m" }));
    let mut two = far.ask("roots/list", json!({}));
    let first = asked(pieces).await;
    let (_, again) = all(retry(&backend, &first, json!({ "ask-1": { "action": "decline" } })).await).await;
    assert!(one.await.is_ok());
    let again = &again["result"];
    assert_eq!(again["inputRequests"].as_object().expect("requests").keys().collect::<Vec<_>>(), ["ask-2"]);
    assert_ne!(again["requestState"], first["requestState"]);
    let (_, stale) = all(retry(&backend, &first, json!({ "ask-2": { "roots": [] } })).await).await;
    assert_eq!(stale["error"]["code"], -32602, "{stale}");
    assert!(is_open(&mut two));
    let last = tokio::spawn({
        let (backend, again) = (backend.clone(), again.clone());
        async move { all(retry(&backend, &again, json!({ "ask-2": { "roots": [] } })).await).await.1 }
    });
    assert!(two.await.is_ok());
    far.answer(&json!({ "content": [] }));
    assert_eq!(last.await.expect("the client")["result"]["resultType"], "complete");
}

#[tokio::test(start_paused = true)]
async fn a_retry_without_any_answer_is_asked_again() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    let mut answer = far.ask(ELICIT, json!({ "message": "m" }));
    let first = asked(pieces).await;
    let (_, again) = all(retry_with(&backend, &first, json!({ "name": "x" }), &everything()).await).await;
    assert_eq!(again["result"]["inputRequests"], first["inputRequests"]);
    assert!(is_open(&mut answer));
}

#[tokio::test(start_paused = true)]
async fn a_second_round_has_keys_of_its_own() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    let _one = far.ask(ELICIT, json!({ "message": "m" }));
    let first = asked(pieces).await;
    let _two = far.ask(ELICIT, json!({ "message": "n" }));
    let (_, second) = all(retry(&backend, &first, json!({ "ask-1": { "action": "accept" } })).await).await;
    let request = json!({ "method": ELICIT, "params": { "message": "n" } });
    assert_eq!(second["result"]["inputRequests"], json!({ "ask-2": request }));
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_not_valid_is_refused_and_the_call_waits_on() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    let mut answer = far.ask(ELICIT, json!({ "message": "m" }));
    let result = asked(pieces).await;
    let good = json!({ "ask-1": { "action": "accept" } });
    for params in [
        json!({ "name": "y", "inputResponses": good }),
        json!({ "name": "x", "arguments": { "a": 1 }, "inputResponses": good }),
        json!({ "name": "x", "inputResponses": [] }),
        json!({ "name": "x", "inputResponses": { "ask-1": { "action": "maybe" } } }),
    ] {
        let outcome = retry_with(&backend, &result, params.clone(), &everything()).await;
        assert!(matches!(outcome, Outcome::One(_)), "a refusal needs no stream");
        let (_, refused) = all(outcome).await;
        assert_eq!(refused["error"]["code"], -32602, "{params}");
    }
    assert!(is_open(&mut answer) && !far.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn of_two_retries_one_is_served() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    let answer = far.ask(ELICIT, json!({ "message": "m" }));
    let result = asked(pieces).await;
    far.answer(&json!({ "content": [] }));
    let accept = || json!({ "ask-1": { "action": "accept" } });
    let (one, two) = tokio::join!(retry(&backend, &result, accept()), retry(&backend, &result, accept()));
    let ((_, one), (_, two)) = (all(one).await, all(two).await);
    assert!(answer.await.is_ok());
    assert_eq!(one["result"]["resultType"], "complete");
    assert_eq!(two["error"]["code"], -32602, "{two}");
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_client_does_not_come_back_is_given_up() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    let mut answer = far.ask(ELICIT, json!({ "message": "m" }));
    let result = asked(pieces).await;
    tokio::time::sleep(PATIENCE + Duration::from_millis(10)).await;
    assert!(is_refused(&mut answer) && far.is_cancelled());
    let (_, late) = all(retry(&backend, &result, json!({ "ask-1": { "action": "accept" } })).await).await;
    assert_eq!(late["error"]["code"], -32602);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_after_its_retry_has_cancelled_the_call() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    let answer = far.ask(ELICIT, json!({ "message": "m" }));
    let result = asked(pieces).await;
    far.progress(1);
    let Outcome::Stream(frames) = retry(&backend, &result, json!({ "ask-1": { "action": "accept" } })).await
    else {
        panic!("progress comes first")
    };
    assert!(answer.await.is_ok() && !far.is_cancelled());
    drop(frames);
    assert!(far.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_finds_no_place_to_wait_fails_and_is_cancelled() {
    let backend = server();
    let mut fars = Vec::new();
    for _ in 0..MOST_OF_ONE {
        let (pieces, far) = begin(&backend, &everything());
        fars.push((far.ask(ELICIT, json!({ "message": "m" })), far));
        asked(pieces).await;
    }
    let (pieces, far) = begin(&backend, &everything());
    let mut answer = far.ask(ELICIT, json!({ "message": "m" }));
    assert_eq!(end(pieces).await["error"]["code"], -32603);
    assert!(is_refused(&mut answer) && far.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn stopping_the_server_ends_its_parked_calls() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    let mut answer = far.ask(ELICIT, json!({ "message": "m" }));
    asked(pieces).await;
    backend.stop().await;
    moment().await;
    assert!(is_refused(&mut answer) && far.is_cancelled());
}

// === What the client did not declare ===

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_because_it_was_refused_something_says_what() {
    let failures =
        [Ok(json!({ "isError": true, "content": [] })), Err(json!({ "code": -1, "message": "no" }))];
    for failure in failures {
        let backend = server();
        let (pieces, far) = begin(&backend, &json!({}));
        far.say(Event::Refused(object(&json!({ "elicitation": { "form": {} } }))));
        far.say(Event::Refused(object(&json!({ "elicitation": { "url": {} }, "roots": {} }))));
        far.say(Event::Answer(failure.as_ref().map(Raw::of).map_err(Raw::of)));
        let Outcome::One(single) = outcome(pieces, SILENCE).await else { panic!("one answer") };
        assert_eq!(single.error, Some(ErrorKind::MissingCapability), "HTTP shows it too");
        let (_, answer) = all(Outcome::One(single)).await;
        assert_eq!(answer["error"]["code"], -32021);
        let needed = json!({ "elicitation": { "form": {}, "url": {} }, "roots": {} });
        assert_eq!(answer["error"]["data"], json!({ "requiredCapabilities": needed }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_succeeds_although_it_was_refused_something_is_answered() {
    let backend = server();
    let (pieces, far) = begin(&backend, &json!({}));
    far.say(Event::Refused(object(&json!({ "roots": {} }))));
    far.answer(&json!({ "content": [], "isError": false }));
    assert_eq!(end(pieces).await["result"]["resultType"], "complete");
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_declares_less_than_the_call_needs_is_told_so() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    let _one = far.ask(ELICIT, json!({ "message": "m" }));
    let mut open = far.ask("roots/list", json!({}));
    let result = asked(pieces).await;
    let mut two = far.ask("sampling/createMessage", json!({}));
    let params = json!({ "name": "x", "inputResponses": { "ask-1": { "action": "accept" } } });
    let less = json!({ "elicitation": {} });
    let retried = {
        let backend = backend.clone();
        tokio::spawn(async move { all(retry_with(&backend, &result, params, &less).await).await.1 })
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(is_refused(&mut open) && is_refused(&mut two), "neither the old question nor the new one");
    far.answer(&json!({ "isError": true, "content": [] }));
    let refused = retried.await.expect("the client");
    let needed = json!({ "roots": {}, "sampling": {} });
    assert_eq!(refused["error"]["data"]["requiredCapabilities"], needed);
}

// === Notes and silence ===

#[tokio::test(start_paused = true)]
async fn progress_increases_over_all_rounds() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    far.progress(5);
    let _answer = far.ask(ELICIT, json!({ "message": "m" }));
    let (notes, last) = all(outcome(pieces, SILENCE).await).await;
    assert_eq!(notes.len(), 1);
    far.progress(5);
    far.progress(6);
    far.answer(&json!({ "content": [] }));
    let accept = json!({ "ask-1": { "action": "accept" } });
    let (notes, _) = all(retry(&backend, &last["result"], accept).await).await;
    assert_eq!(notes, [json!({ "progress": 6, "progressToken": "two" })]);
}

#[tokio::test(start_paused = true)]
async fn a_client_of_a_silent_target_gets_a_stream_after_five_seconds_and_an_answer_before_is_json() {
    let backend = server();
    for (after, streamed) in [(4_999, false), (5_001, true)] {
        let (pieces, far) = begin(&backend, &everything());
        let outcome = tokio::spawn(outcome(pieces, SILENCE));
        tokio::time::sleep(Duration::from_millis(after)).await;
        assert_eq!(outcome.is_finished(), streamed);
        far.answer(&json!({ "content": [] }));
        let outcome = outcome.await.expect("the client");
        assert_eq!(matches!(outcome, Outcome::Stream(_)), streamed);
        assert_eq!(all(outcome).await.1["result"]["resultType"], "complete");
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_around_the_beginning_of_the_stream_is_not_lost() {
    let backend = server();
    let (pieces, far) = begin(&backend, &everything());
    let outcome = tokio::spawn(outcome(pieces, SILENCE));
    tokio::time::sleep(SILENCE - Duration::from_millis(5)).await;
    let mut answer = far.ask(ELICIT, json!({ "message": "m" }));
    let (_, last) = all(outcome.await.expect("the client")).await;
    assert_eq!(last["result"]["resultType"], "input_required");
    assert!(is_open(&mut answer));
}
