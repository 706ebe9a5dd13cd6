use super::*;
use crate::queue;

fn pending(room: usize) -> (Pending, queue::Receiver<Message>) {
    let (inbox, received) = queue::channel(room);
    (Pending::new("t", inbox), received)
}

fn take(pending: &Pending, frame: &str) {
    pending.take_in(&Bytes::copy_from_slice(frame.as_bytes()));
}

fn result(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"of":{id}}}}}"#)
}

fn progress(token: u64) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token}}}}}"#)
}

const LOG: &str = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":1}}"#;
const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
const SAMPLING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}"#;

/// What is there for a caller, in words.
fn told(waiting: &mut Waiting) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(Some(item)) = waiting.next().now_or_never() {
        told.push(match item {
            Ok(Message::Response(response)) => match response.outcome {
                Ok(raw) => format!("{raw:?}"),
                Err(raw) => format!("error {raw:?}"),
            },
            Ok(message) => method_of(&message).to_owned(),
            Err(error) => format!("{:?}: {error}", error.kind),
        });
    }
    told
}

#[test]
fn answers_find_their_request_by_id_and_type() {
    let (pending, _inbox) = pending(1);
    let mut number = pending.enter(7.into()).expect("alive");
    let mut text = pending.enter(Id::Text("7".into())).expect("alive");
    take(&pending, &result(r#""7""#));
    take(&pending, &result("8"));
    assert_eq!(told(&mut number), [""; 0]);
    assert_eq!(told(&mut text), [r#"{"of":"7"}"#]);
    take(&pending, &result("7"));
    assert_eq!(told(&mut number), [r#"{"of":7}"#]);
}

#[test]
fn notes_come_before_the_answer_and_end_with_it() {
    let (pending, mut inbox) = pending(8);
    let mut first = pending.enter(1.into()).expect("alive");
    let mut second = pending.enter(2.into()).expect("alive");
    take(&pending, &progress(2));
    take(&pending, &progress(1));
    take(&pending, &result("1"));
    take(&pending, &progress(1));
    assert_eq!(told(&mut first), ["notifications/progress", r#"{"of":1}"#]);
    assert_eq!(told(&mut second), ["notifications/progress"]);
    assert_eq!(
        inbox.try_recv().map(|message| method_of(&message).to_owned()),
        Some("notifications/progress".into())
    );
}

#[test]
fn what_names_nobody_is_the_only_calls() {
    let (pending, mut inbox) = pending(8);
    let mut first = pending.enter(1.into()).expect("alive");
    take(&pending, LOG);
    take(&pending, SAMPLING);
    take(&pending, CHANGED);
    let second = pending.enter(2.into()).expect("alive");
    take(&pending, LOG);
    drop(second);
    // The call that was given up may still run, and what is logged may be its.
    take(&pending, LOG);
    take(&pending, &result("2"));
    take(&pending, LOG);
    assert_eq!(
        told(&mut first),
        ["notifications/message", "sampling/createMessage", "notifications/message"]
    );
    let others: Vec<_> =
        std::iter::from_fn(|| inbox.try_recv()).map(|message| method_of(&message).to_owned()).collect();
    let logs = ["notifications/message", "notifications/message"];
    assert_eq!(others, [&["notifications/tools/list_changed"][..], &logs].concat());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_given_up_is_believed_to_speak_only_for_a_while() {
    let (pending, mut inbox) = pending(8);
    let mut first = pending.enter(1.into()).expect("alive");
    drop(pending.enter(2.into()).expect("alive"));
    take(&pending, LOG);
    assert!(inbox.try_recv().is_some() && told(&mut first).is_empty());
    tokio::time::sleep(Duration::from_secs(6)).await;
    take(&pending, LOG);
    assert_eq!(told(&mut first), ["notifications/message"]);
}

#[test]
fn a_subscription_is_never_the_only_call() {
    let (pending, mut inbox) = pending(8);
    let mut listen = pending.enter(1.into()).expect("alive");
    take(
        &pending,
        r#"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":1}}}"#,
    );
    take(&pending, LOG);
    assert!(inbox.try_recv().is_some());
    let mut call = pending.enter(2.into()).expect("alive");
    take(&pending, LOG);
    assert_eq!(told(&mut call), ["notifications/message"]);
    assert_eq!(told(&mut listen), ["notifications/subscriptions/acknowledged"]);
}

#[test]
fn an_error_without_an_id_is_the_only_calls() {
    let (pending, _inbox) = pending(1);
    let mut only = pending.enter(1.into()).expect("alive");
    take(&pending, r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#);
    assert_eq!(told(&mut only), [r#"error {"code":-32700,"message":"x"}"#]);
}

#[test]
fn a_broken_answer_fails_its_request_and_noise_fails_none() {
    let (pending, _inbox) = pending(1);
    let mut call = pending.enter(1.into()).expect("alive");
    take(&pending, "Server listening on stdio");
    take(&pending, "[]");
    take(&pending, r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#);
    assert_eq!(told(&mut call), [""; 0]);
    assert_eq!(pending.0.noise.count(), 3);
    take(&pending, r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#);
    let told = told(&mut call);
    assert!(told[0].starts_with("Protocol: the target's answer is not valid"), "{told:?}");
}

#[test]
fn a_batch_is_told_apart() {
    let (pending, _inbox) = pending(1);
    let mut call = pending.enter(1.into()).expect("alive");
    take(&pending, &format!("[{},{}]", progress(1), result("1")));
    assert_eq!(told(&mut call), ["notifications/progress", r#"{"of":1}"#]);
}

#[test]
fn full_queues_drop_notes_and_never_answers() {
    let (pending, mut inbox) = pending(2);
    let mut call = pending.enter(1.into()).expect("alive");
    for _ in 0..NOTES + 10 {
        take(&pending, &progress(1));
        take(&pending, CHANGED);
    }
    take(&pending, &result("1"));
    let told = told(&mut call);
    assert_eq!(told.len(), NOTES + 1);
    assert_eq!(told.last().map(String::as_str), Some(r#"{"of":1}"#));
    assert_eq!(pending.0.unread.count(), 10);
    assert_eq!(std::iter::from_fn(|| inbox.try_recv()).count(), 2);
    assert_eq!(pending.0.unheard.count(), NOTES as u64 + 8);
}

#[test]
fn a_request_of_the_target_is_never_dropped_for_notes() {
    let (pending, mut inbox) = pending(NOTES);
    let mut call = pending.enter(1.into()).expect("alive");
    for _ in 0..NOTES + 10 {
        take(&pending, &progress(1));
    }
    for _ in 0..REQUESTS + 10 {
        take(&pending, SAMPLING);
    }
    take(&pending, &progress(1));
    let told = told(&mut call);
    assert_eq!(told.iter().filter(|what| *what == "sampling/createMessage").count(), REQUESTS);
    assert_eq!(std::iter::from_fn(|| inbox.try_recv()).count(), 10);
    assert_eq!(pending.0.unread.count(), 11);
}

#[test]
fn giving_up_leaves_nothing_behind() {
    let (pending, _inbox) = pending(1);
    drop(pending.enter(1.into()).expect("alive"));
    assert!(pending.table().is_empty());
    take(&pending, &result("1"));
    assert!(pending.enter(1.into()).is_ok());
}

#[test]
fn an_id_is_in_use_once() {
    let (pending, _inbox) = pending(1);
    let _first = pending.enter(1.into()).expect("alive");
    assert_eq!(pending.enter(1.into()).err().map(|error| error.kind), Some(ErrorKind::Protocol));
}

#[test]
fn death_reaches_all_and_the_first_reason_stays() {
    let (pending, _inbox) = pending(1);
    let mut call = pending.enter(1.into()).expect("alive");
    pending.fail(Error::new(ErrorKind::Closed, "it crashed"));
    pending.fail(Error::new(ErrorKind::Stopped, "too late"));
    assert_eq!(told(&mut call), ["Closed: it crashed"]);
    assert_eq!(pending.dead().now_or_never().map(|error| error.detail), Some("it crashed".into()));
    let refused = pending.enter(2.into()).err().expect("dead");
    assert_eq!((refused.kind, &*refused.detail), (ErrorKind::Unreachable, "it crashed"));
    assert!(refused.never_ran());
}
