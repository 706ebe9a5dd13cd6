//! Tasks of 2025-11-25: the call is made as a task, and `tasks/result` waits for its end. What the target asks on the
//! stream of that request, it asks for the call.

use futures::StreamExt as _;
use protocol::{Object, Raw, task};
use tokio::time::Instant;

use super::{Events, Owned, PATIENCE, endless, plain};
use crate::reply::{Ask, Event, Question, Reply};
use crate::{Call, Error, ErrorKind};

/// The life of a task until its end.
pub(super) fn follow(call: &Call, task: Owned) -> Events {
    let until = Instant::now() + PATIENCE;
    let awaited = Awaited { events: None, call: call.clone(), until, task };
    let events = futures::stream::unfold(Some(awaited), |awaited| async move {
        let mut awaited = awaited?;
        let event = awaited.next().await;
        let more = !matches!(event, Ok(Event::Answer(_)) | Err(_));
        Some((event, more.then_some(awaited)))
    });
    events.boxed()
}

/// The fields are in the order in which they must be dropped: the request is given up before the task is cancelled.
struct Awaited {
    events: Option<Events>,
    call: Call,
    until: Instant,
    task: Owned,
}

impl Awaited {
    async fn next(&mut self) -> Result<Event, Error> {
        loop {
            match self.event().await {
                Ok(Event::Answer(answer)) => {
                    self.task.over();
                    return Ok(Event::Answer(answer.map(unrelated)));
                }
                Ok(Event::Ask(Ask::Held(question))) => {
                    return Ok(Event::Ask(Ask::Held(ours(question, self.task.id.clone()))));
                }
                Ok(event) => return Ok(event),
                // A task may take longer than a target may be silent. While it knows of the task, it is waited for.
                Err(error) if error.kind == ErrorKind::Timeout => {
                    if Instant::now() >= self.until {
                        return Err(endless(&self.task.link));
                    }
                    self.events = None;
                    let known = self.task.ask("tasks/get", Object::default()).await?;
                    if known.is_err() {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn event(&mut self) -> Result<Event, Error> {
        let events = match &mut self.events {
            Some(events) => events,
            None => {
                let waiting = self.wait().await?;
                self.events.insert(waiting)
            }
        };
        let ended =
            || Error::new(ErrorKind::Closed, "the target ended the stream of a task without its result");
        events.next().await.unwrap_or_else(|| Err(ended()))
    }

    /// Asks for the result, which comes when the task has ended.
    async fn wait(&mut self) -> Result<Events, Error> {
        let mut call = self.task.request("tasks/result", Object::default())?;
        call.progress = self.call.progress;
        call.log_level.clone_from(&self.call.log_level);
        Ok(match plain(self.task.link.clone(), call).await? {
            Reply::One(answer) => futures::stream::iter([Ok(Event::Answer(answer))]).boxed(),
            Reply::Stream(events) => events,
        })
    }
}

/// A result as the call alone would have given it.
fn unrelated(result: Raw) -> Raw {
    let Ok(mut object) = result.object() else {
        return result;
    };
    if task::unrelate(&mut object) { object.to_raw() } else { result }
}

/// A question as the call alone would have asked it; the answer says which task it is for, as the target expects.
fn ours(mut question: Question, id: String) -> Question {
    task::unrelate(&mut question.params);
    question.translated(move |answer| {
        answer.map(|result| match result.object() {
            Ok(mut object) => {
                task::relate(&mut object, &id);
                object.to_raw()
            }
            Err(_) => result,
        })
    })
}
