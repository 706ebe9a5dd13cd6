//! Calls that are taken to their end.
//!
//! A target may make a task of a call, and a caller may know of no tasks. Then the task is followed here, in the way of the
//! target's revision, and the caller gets what the call alone would have given: notes, questions and the answer. Dropping
//! the reply cancels the task.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use protocol::{Era, Object, Raw, method, task};

use crate::reply::{Answer, Event, Note, Reply};
use crate::{Call, Caller, Error, ErrorKind, Link, Task};

mod awaited;
mod polled;

/// What happens until the answer.
type Events = BoxStream<'static, Result<Event, Error>>;

/// How long a target may take to say how a task is doing, or to take note of something about it.
const ASKING: Duration = Duration::from_secs(30);

/// How long it may take to cancel one, which nobody waits for.
const CANCELLING: Duration = Duration::from_secs(5);

/// How long a task is followed at most, so that one that never ends does not keep us for ever.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Sends a call, and follows the task if the target makes one of it.
pub(crate) async fn call(link: &Link, mut call: Call) -> Result<Reply, Error> {
    call.drive = false;
    match link.peer().era {
        Era::Modern => call.caller = Arc::new(declaring(&call.caller)),
        Era::Legacy => call.params.set("task", Raw::empty_object()),
    }
    let begun = match plain(link.clone(), call.clone()).await? {
        Reply::One(Ok(result)) => match follow(link, &call, &result, 0.0) {
            None => return Ok(Reply::One(Ok(result))),
            Some(events) => return Ok(Reply::Stream(events)),
        },
        Reply::One(error) => return Ok(Reply::One(error)),
        Reply::Stream(events) => events,
    };
    let driven = Driven { link: link.clone(), call, events: begun, progress: 0.0, follows: false };
    Ok(Reply::Stream(futures::stream::unfold(driven, Driven::next).boxed()))
}

/// A call as it is; boxed, because a driven call is one that makes others.
fn plain(link: Link, call: Call) -> BoxFuture<'static, Result<Reply, Error>> {
    async move { link.call(call).await }.boxed()
}

/// The caller, as one that can follow a task: we do it in its stead.
fn declaring(caller: &Caller) -> Caller {
    let mut capabilities = caller.modern.object().unwrap_or_default();
    let mut extensions = capabilities.object("extensions").unwrap_or_default();
    extensions.set(task::EXTENSION, Raw::empty_object());
    capabilities.set("extensions", extensions.to_raw());
    caller.telling(capabilities.to_raw())
}

/// What happens to the task with which a call was answered; `None` if the answer is no task.
fn follow(link: &Link, call: &Call, result: &Raw, progress: f64) -> Option<Events> {
    let era = link.peer().era;
    let Some(id) = task::created(era, result)?.id else {
        let error = protocol_error("made a task that has no id");
        return Some(futures::stream::iter([Err(error)]).boxed());
    };
    let task = Owned::new(link, call, id);
    Some(match era {
        Era::Modern => polled::follow(call, task, result, progress),
        Era::Legacy => awaited::follow(call, task),
    })
}

/// A call that has more to say than its answer.
struct Driven {
    link: Link,
    call: Call,
    events: Events,
    /// The progress that was told last: what comes later must be more.
    progress: f64,
    /// Whether the events are those of the task already.
    follows: bool,
}

impl Driven {
    async fn next(mut self) -> Option<(Result<Event, Error>, Self)> {
        loop {
            let event = self.events.next().await?;
            match &event {
                Ok(Event::Answer(Ok(result))) if !self.follows => {
                    if let Some(events) = follow(&self.link, &self.call, result, self.progress) {
                        (self.events, self.follows) = (events, true);
                        continue;
                    }
                }
                Ok(Event::Note(Note::Progress(params))) => {
                    let told = params.get("progress").and_then(|progress| progress.read().ok());
                    self.progress = told.unwrap_or(self.progress).max(self.progress);
                }
                _ => {}
            }
            return Some((event, self));
        }
    }
}

/// A task at a target of which only we know. Dropping it cancels it.
struct Owned {
    link: Link,
    caller: Arc<Caller>,
    id: String,
    over: bool,
}

impl Owned {
    fn new(link: &Link, call: &Call, id: String) -> Self {
        Self { link: link.clone(), caller: call.caller.clone(), id, over: false }
    }

    /// A request about the task.
    fn request(&self, name: &str, mut params: Object) -> Result<Call, Error> {
        let Some(method) = method::find(name) else {
            return Err(Error::new(ErrorKind::Protocol, format!("there is no method `{name}`")));
        };
        params.set("taskId", Raw::string(&self.id));
        Ok(Call::quiet(method, params, self.caller.clone()))
    }

    /// Asks something about the task that is answered at once.
    async fn ask(&self, name: &str, params: Object) -> Result<Answer, Error> {
        ask(self.link.clone(), self.request(name, params)?, ASKING).await
    }

    /// The task has ended; there is nothing left to cancel.
    fn over(&mut self) {
        self.over = true;
    }
}

async fn ask(link: Link, call: Call, deadline: Duration) -> Result<Answer, Error> {
    let name = call.method.name;
    let asking = async { plain(link.clone(), call).await?.answer().await };
    tokio::time::timeout(deadline, asking).await.unwrap_or_else(|_| Err(link.late(name, deadline)))
}

impl Drop for Owned {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let Ok(cancel) = self.request("tasks/cancel", Object::default()) else {
            return;
        };
        let link = self.link.clone();
        Task::spawn_finite("cancel task", async move {
            // One that has just ended cannot be cancelled, and a target that is gone has no task.
            let refused = match ask(link, cancel, CANCELLING).await {
                Ok(Ok(_)) => return,
                Ok(Err(error)) => protocol::RpcError::from_raw(&error).to_string(),
                Err(error) => error.to_string(),
            };
            tracing::debug!("a task could not be cancelled: {refused}");
        });
    }
}

fn endless(link: &Link) -> Error {
    let text = format!("target `{}` did not end a task within {} s", link.target(), PATIENCE.as_secs());
    Error::new(ErrorKind::Timeout, text)
}

fn protocol_error(what: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("the target {what}"))
}
