//! Clients of 2026-07-28: every request alone, described by its `_meta` and mirrored in its headers.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::{Era, Request, Version, method};
use upstream::{Ask, Event};

use self::envelope::{Envelope, check_name};
use self::finish::{Finish, hints};
use super::refuse;
use crate::backend::Shared;
use crate::error::{Error, ErrorKind};
use crate::inbound::{Frames, Head, Outcome};
use crate::relay::Served;
use crate::task;

mod envelope;
mod finish;

/// Serves a request. Dropping what it returns cancels it at the target: here a closed stream is a cancellation.
pub(super) async fn request(backend: &Arc<Shared>, head: Head, request: Request) -> Outcome {
    let id = request.id.clone();
    let envelope = match Envelope::open(&head, &request) {
        Ok(envelope) => envelope,
        Err(error) => return refuse(Some(&id), &error, Era::Modern),
    };
    let Some(row) = method::lookup(&request.method, Era::Modern) else {
        let text = format!(
            "there is no method `{}` in revision {}",
            request.method,
            Version::NEWEST_MODERN.as_str()
        );
        return refuse(Some(&id), &Error::new(ErrorKind::UnknownMethod, text), Era::Modern);
    };
    if let Err(error) = check_name(&head, row, &request.params) {
        return refuse(Some(&id), &error, Era::Modern);
    }
    let finish = Finish {
        id,
        row,
        hints: hints(backend, row),
        token: envelope.token.clone(),
        level: envelope.level.clone(),
        task: task::may_answer(row, &envelope.caller),
    };
    let context = envelope.context(backend, head);
    let served = match context.serve(row, envelope.params).await {
        Ok(reply) => settle(reply).await,
        Err(error) => Err(error),
    };
    match served {
        Ok(Settled::One(event)) => Outcome::One(finish.last(event)),
        Ok(Settled::Stream(events)) => Outcome::Stream(Frames(finish.stream(events))),
        Err(error) => refuse(Some(&finish.id), &error, Era::Modern),
    }
}

enum Settled {
    One(Event),
    Stream(BoxStream<'static, Result<Event, Error>>),
}

/// Waits for the first event. An answer, or a request for input, that comes first needs no stream.
async fn settle(served: Served) -> Result<Settled, Error> {
    let mut events = match served {
        Served::One(answer) => return Ok(Settled::One(Event::Answer(answer))),
        Served::Stream { events, .. } => events,
    };
    match events.next().await {
        Some(Ok(last @ (Event::Answer(_) | Event::Ask(Ask::Replay { .. })))) => Ok(Settled::One(last)),
        Some(Ok(first)) => Ok(Settled::Stream(futures::stream::iter([Ok(first)]).chain(events).boxed())),
        Some(Err(error)) => Err(error),
        None => Err(ended()),
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::TargetFailed, "the target ended without an answer; the call may have run")
}
