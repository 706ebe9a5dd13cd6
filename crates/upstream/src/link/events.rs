//! A call's frames as events, and what happens to the target when nobody wants them any more.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::method::notifications;
use protocol::{Era, Id, Message, Notification, Response, meta};
use tokio::time::Instant;

use super::questions::Asked;
use super::{Shared, modern};
use crate::reply::{Answer, Ask, Event, Note};
use crate::turn::Taken;
use crate::{Error, ErrorKind};

/// A call that runs. Tells the target that it is no longer wanted, unless it was answered.
pub(super) struct CancelOnDrop {
    shared: Arc<Shared>,
    id: Option<Id>,
    /// The call's turn on a link that carries one call at a time.
    _turn: Option<Taken>,
}

impl CancelOnDrop {
    pub(super) fn new(shared: &Arc<Shared>, id: Option<Id>, turn: Option<Taken>) -> Self {
        let mut usage = shared.usage();
        usage.running += 1;
        drop(usage);
        Self { shared: shared.clone(), id, _turn: turn }
    }

    pub(super) fn disarm(&mut self) {
        self.id = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let shared = &self.shared;
        {
            let mut usage = shared.usage();
            usage.running -= 1;
            usage.used = Instant::now();
        }
        if let Some(id) = self.id.take()
            && !shared.cancels_by_closing
            && shared.cancels.try_send(id).is_err()
        {
            tracing::debug!(
                "too many cancellations at once; target `{}` was not told of one",
                shared.target()
            );
        }
    }
}

/// The frames of a call as events. A silence longer than the call's deadline ends it; every frame starts the time again,
/// and while the target waits for an answer of the client its silence means nothing. At `until` the call ends in any case.
pub(super) fn events(
    guard: CancelOnDrop,
    frames: BoxStream<'static, Result<Message, Error>>,
    method: &'static str,
    until: Instant,
) -> BoxStream<'static, Result<Event, Error>> {
    futures::stream::unfold(Some((guard, frames)), move |state| async move {
        let (mut guard, mut frames) = state?;
        let shared = guard.shared.clone();
        loop {
            let frame = match shared.until_silent(method, until, frames.next()).await {
                Ok(frame) => frame,
                Err(silent) => return Some((Err(silent), None)),
            };
            let event = match frame {
                None => {
                    guard.disarm();
                    let error = Error::new(
                        ErrorKind::Closed,
                        format!("target `{}` ended the stream without an answer", shared.target()),
                    );
                    return Some((Err(shared.note(error)), None));
                }
                Some(Err(error)) => {
                    guard.disarm();
                    return Some((Err(shared.note(error)), None));
                }
                Some(Ok(Message::Response(Response { outcome, .. }))) => {
                    guard.disarm();
                    shared.ill.store(false, Ordering::Relaxed);
                    return Some((Ok(end_of_call(shared.peer.era, outcome)), None));
                }
                Some(Ok(Message::Request(request))) => match shared.asked(request).await {
                    Asked::Question(question) => Some(Event::Ask(Ask::Held(question))),
                    Asked::Undeclared(required) => Some(Event::Refused(required)),
                    Asked::Done => None,
                },
                Some(Ok(Message::Notification(notification))) => match note(notification) {
                    Ok(note) => Some(Event::Note(note)),
                    Err(notification) => {
                        shared.heed(notification);
                        None
                    }
                },
            };
            if let Some(event) = event {
                return Some((Ok(event), Some((guard, frames))));
            }
        }
    })
    .boxed()
}

/// An answer, unless it says that the target needs input first, which only modern ones say.
pub(super) fn end_of_call(era: Era, outcome: Answer) -> Event {
    match outcome {
        Ok(result) if era == Era::Modern && modern::needs_input(&result) => {
            Event::Ask(Ask::Replay { result })
        }
        outcome => Event::Answer(outcome),
    }
}

/// A notification that belongs to the call on whose stream it came. Anything else is given back: servers say on whatever
/// stream is open that their lists changed.
fn note(notification: Notification) -> Result<Note, Notification> {
    match &*notification.method {
        notifications::PROGRESS => {
            let mut params = notification.params;
            params.remove(meta::PROGRESS_TOKEN);
            Ok(Note::Progress(params))
        }
        notifications::MESSAGE => Ok(Note::Log(notification.params)),
        _ => Err(notification),
    }
}
