//! What a POST brings back.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use http::StatusCode;
use http::header::LOCATION;
use protocol::{Id, Message};

use super::call::CallStream;
use super::endpoint::Endpoint;
use crate::wire::http_client::body::{Body, collect, drain, is_event_stream};
use crate::wire::http_client::events::Events;
use crate::wire::http_client::{Response, shown};
use crate::wire::{Frames, Outgoing, intake};
use crate::{Error, ErrorKind};

/// How much is read of a body that explains a refusal.
const EXPLANATION: usize = 64 * 1024;

/// Sends a request and waits for the first message of what comes back.
pub(super) async fn exchange(endpoint: &Arc<Endpoint>, out: Outgoing) -> Result<Frames, Error> {
    let Some(id) = out.id.clone() else {
        return Err(Error::new(ErrorKind::Protocol, "a request needs an id"));
    };
    // What the handshake has agreed on is said in all that follows it.
    let version = out.label.version;
    let (response, in_session) = endpoint.post(out).await?;
    if !response.status.is_success() {
        // Elsewhere, as with what follows: the way of most calls is to be short, also in memory.
        return Box::pin(refused(endpoint, response, &id, in_session)).await;
    }
    let Response { status, headers, mut body } = response;
    let mut first = Bytes::new();
    if is_event_stream(&headers) {
        first = body.next_chunk().await?.unwrap_or_default();
        if !looks_like_json(&first) {
            let events = Events::new(&first, body, endpoint.limit);
            let stream = CallStream::new(Arc::clone(endpoint), events, id, version);
            return Box::pin(stream.into_frames(status.as_u16())).await;
        }
    }
    let body = collect(first, body, endpoint.limit).await?;
    if body.trim_ascii().is_empty() {
        let detail = format!("the target answered a request with {status} and no message");
        return Err(Error::new(ErrorKind::Status(status.as_u16()), detail));
    }
    read_body(&body, &id, status.as_u16())
}

/// Sends a notification or a response.
pub(super) async fn deliver(endpoint: &Endpoint, out: Outgoing) -> Result<(), Error> {
    let (response, in_session) = endpoint.post(out).await?;
    if response.status.is_success() {
        drain(response.body);
        return Ok(());
    }
    let status = response.status;
    let explanation = explanation(&response, endpoint, in_session);
    let body = read_some(response.body).await;
    Err(explanation.unwrap_or_else(|| unexplained(status, &body)))
}

/// Some servers label plain JSON as a stream. No line of a stream begins like this.
fn looks_like_json(first: &[u8]) -> bool {
    matches!(first.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Reads a JSON body: the response, or an array (2025-03-26) that holds it.
fn read_body(body: &Bytes, id: &Id, status: u16) -> Result<Frames, Error> {
    let mut notes = VecDeque::new();
    let mut answer = None;
    let mut fault = None;
    intake::each(body, |message| match message {
        // The first answer is the answer, as on every other wire.
        Ok(message) if answers(&message, id) => drop(answer.get_or_insert(message)),
        Ok(Message::Response(_)) => fault = Some("it answers another request".to_owned()),
        Ok(note) => notes.push_back(note),
        Err(error) => fault = Some(error.to_string()),
    });
    let Some(answer) = answer else {
        let fault = fault.unwrap_or_else(|| "it holds no response".into());
        let detail = format!("the target's answer is not valid: {fault}: {}", intake::excerpt(body, 200));
        return Err(Error::new(ErrorKind::Protocol, detail));
    };
    if notes.is_empty() {
        return Ok(Frames::One(answer, status));
    }
    notes.push_back(answer);
    Ok(Frames::Stream(futures::stream::iter(notes).map(Ok).boxed()))
}

/// Whether this is the response to our request. An error without an id is about the request it came back for.
pub(super) fn answers(message: &Message, id: &Id) -> bool {
    match message {
        Message::Response(response) => match &response.id {
            Some(other) => other == id,
            None => response.outcome.is_err(),
        },
        _ => false,
    }
}

/// Reads a refusal. If it holds a JSON-RPC error for us, that is the answer, and its status says what it is worth.
async fn refused(
    endpoint: &Endpoint,
    response: Response,
    id: &Id,
    in_session: bool,
) -> Result<Frames, Error> {
    let status = response.status;
    if let Some(error) = explanation(&response, endpoint, in_session) {
        drain(response.body);
        return Err(error);
    }
    let body = read_some(response.body).await;
    match protocol::message::scan(&body) {
        Ok(message) if answers(&message, id) => Ok(Frames::One(message, status.as_u16())),
        _ => Err(unexplained(status, &body)),
    }
}

/// What a status means without its body.
fn explanation(response: &Response, endpoint: &Endpoint, in_session: bool) -> Option<Error> {
    let status = response.status;
    let url = shown(&endpoint.place.url);
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Some(Error::new(ErrorKind::Unauthorized, format!("{url} refuses our credentials ({status})")))
        }
        StatusCode::NOT_FOUND if in_session => {
            Some(Error::new(ErrorKind::SessionLost, format!("{url} no longer knows our session ({status})")))
        }
        _ if status.is_redirection() => {
            let to = response.headers.get(LOCATION).map(|to| intake::excerpt(to.as_bytes(), 200));
            let to = to.unwrap_or_else(|| "nowhere".into());
            let detail = format!("{url} redirects to {to} ({status}); redirects are not followed");
            Some(Error::new(ErrorKind::Status(status.as_u16()), detail))
        }
        _ => None,
    }
}

fn unexplained(status: StatusCode, body: &[u8]) -> Error {
    let text = intake::excerpt(body, 200);
    let detail = if text.is_empty() {
        format!("the target answered {status}")
    } else {
        format!("the target answered {status}: {text}")
    };
    Error::new(ErrorKind::Status(status.as_u16()), detail)
}

/// The body of a refusal, or nothing: it only explains.
async fn read_some(body: Body) -> Bytes {
    collect(Bytes::new(), body, EXPLANATION).await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn the_response_of_a_batch_comes_last() {
        let body = Bytes::from_static(
            br#"[{"jsonrpc":"2.0","id":7,"result":{}},{"jsonrpc":"2.0","method":"notifications/message","params":{}}]"#,
        );
        let Ok(Frames::Stream(frames)) = read_body(&body, &7.into(), 200) else {
            panic!("a batch with a note is a stream");
        };
        let frames: Vec<_> = frames.collect().now_or_never().expect("nothing to wait for");
        assert!(matches!(frames[0], Ok(Message::Notification(_))));
        assert!(matches!(frames[1], Ok(Message::Response(_))));
        assert_eq!(frames.len(), 2);
    }

    #[test]
    fn of_two_answers_the_first_counts() {
        let body = Bytes::from_static(
            br#"[{"jsonrpc":"2.0","id":7,"result":1},{"jsonrpc":"2.0","id":7,"result":2}]"#,
        );
        let Ok(Frames::One(Message::Response(response), _)) = read_body(&body, &7.into(), 200) else {
            panic!("an answer");
        };
        assert_eq!(response.outcome.expect("a result").as_bytes(), b"1");
    }

    #[test]
    fn an_answer_to_another_request_is_no_answer() {
        let body = Bytes::from_static(br#"{"jsonrpc":"2.0","id":"7","result":{}}"#);
        let error = read_body(&body, &7.into(), 200).err().expect("the id differs");
        assert_eq!(error.kind, ErrorKind::Protocol);
        let null =
            Bytes::from_static(br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}"#);
        assert!(matches!(read_body(&null, &7.into(), 400), Ok(Frames::One(_, 400))));
    }
}
