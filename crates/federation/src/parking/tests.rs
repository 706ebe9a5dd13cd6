use bytes::Bytes;
use futures::StreamExt as _;
use protocol::{Object, Raw};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use upstream::{Answer, Ask, Event, Note, Question};

use super::*;
use crate::principal::Principal;
use crate::seal::Seal;

impl Default for Parking {
    fn default() -> Self {
        Self::new(Seal::random().shared(), "".into())
    }
}

/// The target's end of a call.
struct Far {
    says: mpsc::UnboundedSender<Result<Event, Error>>,
    answers: oneshot::Receiver<Answer>,
}

impl Far {
    /// Whether our end of the call was dropped.
    fn is_cancelled(&self) -> bool {
        self.says.is_closed()
    }

    fn is_refused(&mut self) -> bool {
        matches!(self.answers.try_recv(), Err(oneshot::error::TryRecvError::Closed))
    }
}

/// A call that has asked one thing, under the key `ask-1`.
fn asking() -> (OpenCall, Far) {
    asking_at("a")
}

/// The same at a target of this name.
fn asking_at(target: &str) -> (OpenCall, Far) {
    let (says, events) = mpsc::unbounded_channel();
    let events =
        futures::stream::unfold(events, |mut events| async move { Some((events.recv().await?, events)) });
    let mut call = OpenCall::new(target.into(), events.boxed());
    let (question, answers) = Question::new("elicitation/create", Object::default());
    call.ask(question);
    (call, Far { says, answers })
}

fn object(value: &Value) -> Object {
    Object::parse(&Bytes::from(value.to_string())).expect("an object")
}

fn digest() -> Digest {
    Digest::of(&Principal::default(), "tools/call", &object(&json!({ "name": "x" })))
}

fn retry(answers: Value) -> Retry {
    let params = object(&json!({ "name": "x", "inputResponses": answers }));
    Retry::read(digest(), &params).expect("a retry")
}

fn accept() -> Value {
    json!({ "ask-1": { "action": "accept" } })
}

fn park(parking: &Parking, call: OpenCall) -> Ticket {
    let state = parking.park(call, digest()).expect("a state");
    match parking.read(&state) {
        Ok(Some(State::Parked(ticket))) => ticket,
        other => panic!("not the state of a parked call: {other:?}"),
    }
}

fn progress(n: usize) -> Event {
    Event::Note(Note::Progress([("progress", Raw::of(&n))].into_iter().collect()))
}

async fn moment() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_gives_its_answer_to_the_target_and_takes_the_call_up() {
    let parking = Parking::default();
    let (call, far) = asking();
    let ticket = park(&parking, call);
    let mut call = parking.resume(ticket, retry(accept())).await.expect("the call");
    assert_eq!(far.answers.await.expect("an answer"), Ok(Raw::of(&json!({ "action": "accept" }))));
    assert!(call.asked.is_empty());
    far.says.send(Ok(Event::Answer(Ok(Raw::empty_object())))).expect("somebody listens");
    assert!(matches!(call.events.next().await, Some(Ok(Event::Answer(Ok(_))))));
    assert_eq!(parking.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_state_is_good_for_one_retry() {
    let parking = Parking::default();
    let (call, _far) = asking();
    let ticket = park(&parking, call);
    let (one, two) = tokio::join!(
        parking.resume(ticket, retry(accept())),
        parking.resume(ticket, retry(json!({ "ask-1": { "action": "decline" } })))
    );
    assert!(one.is_ok());
    let refused = two.err().expect("an error");
    assert_eq!(refused.kind, ErrorKind::InvalidParams);
    assert!(refused.text.contains("used already"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_not_valid_leaves_the_call_where_it_is() {
    let parking = Parking::default();
    let (call, mut far) = asking();
    let ticket = park(&parking, call);
    let other = |method: &str, params: Value| {
        let params = object(&params);
        Retry::read(Digest::of(&Principal::default(), method, &params), &params).expect("a retry")
    };
    for invalid in [
        other("prompts/get", json!({ "name": "x", "inputResponses": accept() })),
        other("tools/call", json!({ "name": "y", "inputResponses": accept() })),
        other("tools/call", json!({ "name": "x", "arguments": {}, "inputResponses": accept() })),
        retry(json!({ "ask-1": { "action": "perhaps" } })),
        retry(json!({ "ask-1": 1 })),
    ] {
        let refused = parking.resume(ticket, invalid).await.err().expect("an error");
        assert_eq!(refused.kind, ErrorKind::InvalidParams, "{refused}");
    }
    assert!(!far.is_refused() && !far.is_cancelled());
    assert!(parking.resume(ticket, retry(accept())).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_missing_leave_their_questions_open_under_their_keys() {
    let parking = Parking::default();
    let (mut call, far) = asking();
    let (second, mut second_answer) = Question::new("roots/list", Object::default());
    call.ask(second);
    let ticket = park(&parking, call);
    let call = parking.resume(ticket, retry(json!({ "ask-1": { "action": "cancel" }, "other": 1 }))).await;
    let call = call.expect("the call");
    assert!(far.answers.await.expect("an answer").is_ok());
    assert_eq!(call.asked.iter().map(|asked| &*asked.key).collect::<Vec<_>>(), ["ask-2"]);
    assert!(second_answer.try_recv().is_err_and(|e| e == oneshot::error::TryRecvError::Empty), "still open");
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_question_is_forgotten() {
    let parking = Parking::default();
    let (call, far) = asking();
    let ticket = park(&parking, call);
    drop(far.answers);
    let call = parking.resume(ticket, retry(json!({}))).await.expect("the call");
    assert!(call.asked.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_expired_call_is_refused_and_cancelled_although_nobody_asks() {
    let parking = Parking::default();
    let (call, mut far) = asking();
    let ticket = park(&parking, call);
    tokio::time::sleep(PATIENCE - Duration::from_millis(1)).await;
    assert!(!far.is_refused() && !far.is_cancelled());
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert!(far.is_refused() && far.is_cancelled());
    assert_eq!(parking.len(), 0);
    assert!(parking.resume(ticket, retry(accept())).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_question_is_refused_before_its_call_is_cancelled() {
    /// Looks, when the call is dropped, whether its question was refused by then.
    struct Cancelled(oneshot::Receiver<Answer>, mpsc::UnboundedSender<bool>);
    impl Drop for Cancelled {
        fn drop(&mut self) {
            let refused = matches!(self.0.try_recv(), Err(oneshot::error::TryRecvError::Closed));
            let _ = self.1.send(refused);
        }
    }
    // By the end of the server, and by its time.
    let ends: [fn(&Parking); 2] = [Parking::end_all, |_| {}];
    for end in ends {
        let (told, mut was_refused) = mpsc::unbounded_channel();
        let (question, answers) = Question::new("roots/list", Object::default());
        let cancelled = Cancelled(answers, told);
        let mut call =
            OpenCall::new("a".into(), futures::stream::pending().inspect(move |_| _ = &cancelled).boxed());
        call.ask(question);
        let parking = Parking::default();
        park(&parking, call);
        end(&parking);
        tokio::time::sleep(PATIENCE * 2).await;
        assert_eq!(was_refused.recv().await, Some(true));
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_server_ends_its_parked_calls() {
    for end in [Parking::end_all, |parking: &Parking| parking.0.lock().clear()] {
        let parking = Parking::default();
        let (call, mut far) = asking();
        park(&parking, call);
        end(&parking);
        moment().await;
        assert!(far.is_refused() && far.is_cancelled());
    }
    let parking = Parking::default();
    let (call, mut far) = asking();
    park(&parking, call);
    drop(parking);
    moment().await;
    assert!(far.is_refused() && far.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_comes_after_the_end_of_the_server_ends_as_well() {
    let parking = Parking::default();
    parking.end_all();
    let (call, mut far) = asking();
    assert_eq!(parking.park(call, digest()).expect_err("an error").kind, ErrorKind::CannotRelay);
    assert!(far.is_refused() && far.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn more_calls_than_are_allowed_are_refused_and_the_others_stay() {
    let parking = Parking::default();
    let mut fars = Vec::new();
    for n in 0..MOST {
        let (call, far) = asking_at(&n.to_string());
        park(&parking, call);
        fars.push(far);
    }
    let (call, mut far) = asking();
    let refused = parking.park(call, digest()).expect_err("an error");
    assert_eq!(refused.kind, ErrorKind::CannotRelay);
    assert!(far.is_refused() && far.is_cancelled());
    assert!(fars.iter_mut().all(|far| !far.is_refused() && !far.is_cancelled()));
}

#[tokio::test(start_paused = true)]
async fn the_calls_of_one_target_that_wait_leave_room_for_others_at_it() {
    let parking = Parking::default();
    let mut fars = Vec::new();
    for _ in 0..MOST_OF_ONE {
        let (call, far) = asking();
        park(&parking, call);
        fars.push(far);
    }
    let (call, mut far) = asking();
    assert!(parking.park(call, digest()).is_err());
    assert!(far.is_refused() && far.is_cancelled());
    park(&parking, asking_at("b").0);
    assert!(fars.iter().all(|far| !far.is_cancelled()));
}

#[tokio::test(start_paused = true)]
async fn what_a_target_says_meanwhile_is_told_afterwards_and_of_many_notes_the_newest() {
    let parking = Parking::default();
    let (call, far) = asking();
    let ticket = park(&parking, call);
    for n in 0..1000 {
        far.says.send(Ok(progress(n))).expect("somebody listens");
    }
    far.says.send(Ok(Event::Answer(Ok(Raw::empty_object())))).expect("somebody listens");
    moment().await;
    assert!(far.is_cancelled(), "nothing more is expected of a call that was answered");
    let call = parking.resume(ticket, retry(accept())).await.expect("the call");
    let told: Vec<_> = call.events.collect().await;
    assert_eq!(told.len(), 65);
    assert!(
        matches!(&told[0], Ok(Event::Note(Note::Progress(params))) if params.get("progress") == Some(&Raw::of(&936)))
    );
    assert!(matches!(told[64], Ok(Event::Answer(Ok(_)))));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_comes_meanwhile_waits_and_too_many_are_refused() {
    let parking = Parking::default();
    let (call, far) = asking();
    let ticket = park(&parking, call);
    let mut answers = Vec::new();
    for _ in 0..100 {
        let (question, answer) = Question::new("roots/list", Object::default());
        far.says.send(Ok(Event::Ask(Ask::Held(question)))).expect("somebody listens");
        answers.push(answer);
    }
    moment().await;
    let refused = answers.iter_mut().filter_map(|answer| answer.try_recv().err());
    assert_eq!(refused.filter(|e| *e == oneshot::error::TryRecvError::Closed).count(), 36);
    let mut call = parking.resume(ticket, retry(accept())).await.expect("the call");
    assert!(matches!(call.events.next().await, Some(Ok(Event::Ask(Ask::Held(_))))));
}

#[tokio::test(start_paused = true)]
async fn a_state_of_another_server_is_not_ours() {
    let (call, _far) = asking();
    let state = Parking::default().park(call, digest()).expect("a state");
    assert_eq!(Parking::default().read(&state), Ok(None));
    assert_eq!(Parking::default().read(""), Ok(None));
    assert!(!Parking::default().has_given_out(&state));
    let (seal, parked) = (Seal::random().shared(), asking());
    let (one, two) = (Parking::new(seal.clone(), "one".into()), Parking::new(seal, "two".into()));
    let state = one.park(parked.0, digest()).expect("a state");
    assert!(one.has_given_out(&state) && !two.has_given_out(&state), "two servers with one key");
}

#[tokio::test(start_paused = true)]
async fn a_state_to_call_again_is_bound_to_its_request() {
    let parking = Parking::default();
    let state = parking.again(digest()).expect("a state");
    let Ok(Some(State::Again(bound))) = parking.read(&state) else { panic!("not a state to call again") };
    assert!(same_request(&bound, &retry(json!({}))).is_ok());
    let params = object(&json!({ "name": "y" }));
    let digest = Digest::of(&Principal::default(), "tools/call", &params);
    let other = Retry::read(digest, &params).expect("a retry");
    assert!(same_request(&bound, &other).is_err());
}

#[test]
fn answers_must_be_an_object_in_which_none_occurs_twice() {
    for params in
        [r#"{"inputResponses":[]}"#, r#"{"inputResponses":null}"#, r#"{"inputResponses":{"a":1,"a":2}}"#]
    {
        let params = Object::parse(&Bytes::from_static(params.as_bytes())).expect("an object");
        let refused = Retry::read(digest(), &params).expect_err("an error");
        assert_eq!(refused.kind, ErrorKind::InvalidParams);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_meanwhile_is_remembered_as_one() {
    let parking = Parking::default();
    let (call, far) = asking();
    let ticket = park(&parking, call);
    for needed in
        [json!({ "elicitation": { "form": {} } }), json!({ "elicitation": { "url": {} }, "roots": {} })]
    {
        far.says.send(Ok(Event::Refused(object(&needed)))).expect("somebody listens");
    }
    moment().await;
    let call = parking.resume(ticket, retry(accept())).await.expect("the call");
    let all = json!({ "elicitation": { "form": {}, "url": {} }, "roots": {} });
    assert_eq!(call.refused.to_raw().read::<Value>().expect("JSON"), all);
}
