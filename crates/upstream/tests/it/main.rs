//! Wires and targets against real processes and real sockets.

mod adopted;
mod deadlines;
mod question;
mod server;
mod sse;
mod stdio;
mod streamable;
mod target;

use bytes::Bytes;
use protocol::{Id, Message, Object};
use upstream::wire::{Frames, Label, Outgoing};
use upstream::{Error, ErrorKind};

/// A request that says nothing beside the message.
fn request(id: u64, method: &str) -> Outgoing {
    request_with(id, method, Label::default())
}

fn request_with(id: u64, method: &str, label: Label) -> Outgoing {
    let id = Id::from(id);
    let body = protocol::message::request(&id, method, &Object::default());
    Outgoing { id: Some(id), opens: method == "initialize", body, label }
}

fn notification(method: &str) -> Outgoing {
    let body = protocol::message::notification(method, &Object::default());
    Outgoing { id: None, opens: false, body, label: Label::default() }
}

/// The response of a request that had no notes.
fn one(outcome: Result<Frames, Error>) -> (String, u16) {
    match outcome.expect("an answer") {
        Frames::One(message, status) => (words(message), status),
        Frames::Stream(_) => panic!("a stream"),
    }
}

/// All messages on a request's account, in words.
async fn all(outcome: Result<Frames, Error>) -> Vec<String> {
    use futures::StreamExt as _;
    match outcome.expect("an answer") {
        Frames::One(message, _) => vec![words(message)],
        Frames::Stream(frames) => {
            frames
                .map(|item| item.map_or_else(|error| format!("{:?}: {error}", error.kind), words))
                .collect()
                .await
        }
    }
}

fn words(message: Message) -> String {
    match message {
        Message::Request(request) => format!("request {}", request.method),
        Message::Notification(notification) => notification.method.into(),
        Message::Response(response) => match response.outcome {
            Ok(raw) => format!("{raw:?}"),
            Err(raw) => format!("error {raw:?}"),
        },
    }
}

fn failure(outcome: Result<Frames, Error>) -> Error {
    match outcome {
        Err(error) => error,
        Ok(_) => panic!("it should have failed"),
    }
}

fn result(id: u64, value: &str) -> Bytes {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"{value}"}}"#).into()
}

fn is(error: &Error, kind: ErrorKind, detail: &str) {
    assert_eq!(error.kind, kind, "{error}");
    assert!(error.detail.contains(detail), "{error}");
}
