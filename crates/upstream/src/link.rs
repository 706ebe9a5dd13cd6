//! A live connection to a target that speaks the target's era, whichever it is.
//!
//! Callers speak the modern shape. Each era has one file that turns it into what the target understands; nothing
//! above this module asks which era a target is of.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::method::{Kind, notifications};
use protocol::{Era, Id, Message, Notification, Object, Raw, Request, Response, RpcError, message};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::reply::{Answer, Ask, Event, Note, Reply};
use crate::settings::{Limits, Settings, Transport};
use crate::task::Task;
use crate::wire::{Frames, Outgoing, Wire};
use crate::{Call, Error, ErrorKind};

pub mod handshake;
mod legacy;
mod modern;

/// What a target said of itself when the link was opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Peer {
    /// The target's era.
    pub era: Era,
    /// The revision that is spoken on the link.
    pub version: protocol::Version,
    /// The target's capabilities.
    pub capabilities: Object,
    /// `serverInfo`: name and version, for display only.
    pub info: Raw,
    /// How the target wants to be used, in words for a model.
    pub instructions: Option<String>,
}

impl Peer {
    /// Whether the target offers a capability (`tools`, `prompts`, `logging`, …).
    pub fn offers(&self, capability: &str) -> bool {
        self.capabilities.get(capability).is_some_and(Raw::is_object)
    }

    /// Whether a flag of a capability is set, such as `resources.subscribe`.
    pub fn offers_flag(&self, capability: &str, flag: &str) -> bool {
        let set = |object: Object| object.get(flag).is_some_and(|value| value.as_bytes() == b"true");
        self.capabilities.object(capability).is_some_and(set)
    }
}

/// Something a target says that belongs to no call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The list of a kind changed. Resources stand for templates as well.
    ListChanged(Kind),
    /// A subscribed resource changed: the params of `notifications/resources/updated`.
    Updated(Object),
    /// The params of a log message that no call could be found for.
    Log(Object),
    /// What the client was asked to do at a URL is done: the params of `notifications/elicitation/complete`.
    Elicited(Object),
    /// A task changed: the params of `notifications/tasks/status` (2025-11-25) or `notifications/tasks` (modern).
    Task(Object),
}

/// An open stream of changes. Dropping it ends the subscription at the target.
pub struct Listening {
    honoured: Object,
    /// What changes, until the target ends the stream.
    pub notices: BoxStream<'static, Notice>,
}

impl Listening {
    /// Whether the target said that it will announce changes of this resource.
    pub fn covers(&self, uri: &str) -> bool {
        self.honours("resourceSubscriptions", uri)
    }

    /// Whether the target said that it will announce what becomes of this task.
    pub fn covers_task(&self, id: &str) -> bool {
        self.honours("taskIds", id)
    }

    fn honours(&self, key: &str, wanted: &str) -> bool {
        let honoured = self.honoured.get(key).and_then(|honoured| honoured.read::<Vec<String>>().ok());
        honoured.is_some_and(|honoured| honoured.iter().any(|one| one == wanted))
    }
}

/// Where a link puts notices. When it is full, a notice is dropped: every kind of notice can be missed without harm
/// to a call, and a target must not be able to stall its link.
pub type Notices = mpsc::Sender<Notice>;

/// How long a target may take to accept a notification or a response.
const SAYING: Duration = Duration::from_secs(5);

/// A live connection to a target. Cheap to clone; the last clone that is dropped cuts the connection.
#[derive(Clone)]
pub struct Link {
    shared: Arc<Shared>,
    _pump: Arc<Task>,
}

struct Shared {
    target: String,
    wire: Box<dyn Wire>,
    peer: Peer,
    limits: Limits,
    /// Whether a dropped stream is what tells this target that a call is cancelled.
    cancels_by_closing: bool,
    next_id: AtomicU64,
    cancels: mpsc::Sender<Id>,
    /// Set when a call found out that the link is of no use any more.
    dead: CancellationToken,
    cause: std::sync::Mutex<Option<Error>>,
}

impl Link {
    /// Takes over a wire on which the handshake is done.
    fn new(settings: &Settings, opened: handshake::Opened, notices: Notices) -> Self {
        let (cancels, cancelled) = mpsc::channel(64);
        let cancels_by_closing =
            opened.peer.era == Era::Modern && matches!(settings.transport, Transport::Http(_));
        let shared = Arc::new(Shared {
            target: settings.name.clone(),
            wire: opened.wire,
            peer: opened.peer,
            limits: settings.limits.clone(),
            cancels_by_closing,
            next_id: AtomicU64::new(handshake::FIRST_FREE_ID),
            cancels,
            dead: CancellationToken::new(),
            cause: std::sync::Mutex::new(None),
        });
        let pump = pump(shared.clone(), opened.inbox, cancelled, notices);
        Self { shared, _pump: Arc::new(Task::spawn("link", pump)) }
    }

    /// What the target said of itself.
    pub fn peer(&self) -> &Peer {
        &self.shared.peer
    }

    /// Sends a call. Dropping the returned future or stream cancels the call at the target, in the way of its era.
    pub async fn call(&self, call: Call) -> Result<Reply, Error> {
        if call.drive {
            return crate::drive::call(self, call).await;
        }
        let shared = &self.shared;
        let out = match shared.peer.era {
            Era::Legacy => legacy::outgoing(shared.fresh_id(), &call, shared.peer.version),
            Era::Modern => modern::outgoing(shared.fresh_id(), &call, shared.peer.version),
        };
        let mut guard = CancelOnDrop { shared: Some(shared.clone()), id: out.id.clone() };
        let sent = tokio::time::timeout(shared.limits.call, shared.wire.request(out)).await;
        let frames = match sent {
            Ok(Ok(frames)) => frames,
            Ok(Err(error)) => {
                guard.disarm();
                return Err(shared.note(error));
            }
            Err(_) => return Err(shared.silent(call.method.name, shared.limits.call)),
        };
        match frames {
            Frames::One(message, _) => {
                guard.disarm();
                shared.answer(message).map(|outcome| match end_of_call(outcome) {
                    Event::Answer(answer) => Reply::One(answer),
                    ask => Reply::Stream(futures::stream::iter([Ok(ask)]).boxed()),
                })
            }
            Frames::Stream(frames) => Ok(Reply::Stream(events(guard, frames, call.method.name))),
        }
    }

    /// Opens a stream of changes: of the lists of these kinds and of these resources. Modern targets only; legacy ones
    /// send what changes as notices of the link. Returns once the target has said what of it it will announce.
    pub async fn listen(&self, lists: &[Kind], uris: &[String]) -> Result<Listening, Error> {
        let shared = &self.shared;
        self.open(modern::listen(shared.fresh_id(), lists, uris, shared.peer.version)).await
    }

    /// Opens a stream of what becomes of these tasks of the extension, under the target's own ids.
    pub async fn listen_to_tasks(&self, tasks: &[String]) -> Result<Listening, Error> {
        let shared = &self.shared;
        self.open(modern::listen_to_tasks(shared.fresh_id(), tasks, shared.peer.version)).await
    }

    async fn open(&self, out: Outgoing) -> Result<Listening, Error> {
        let shared = self.shared.clone();
        let guard = CancelOnDrop { shared: Some(shared.clone()), id: out.id.clone() };
        let opening = async {
            let Frames::Stream(mut frames) = shared.wire.request(out).await? else {
                return Err(shared.protocol_error("refuses to be listened to"));
            };
            match frames.next().await {
                Some(Ok(Message::Notification(first))) if &*first.method == notifications::ACKNOWLEDGED => {
                    Ok((first.params.object("notifications").unwrap_or_default(), frames))
                }
                Some(Err(error)) => Err(error),
                Some(Ok(_)) | None => Err(shared.protocol_error("refuses to be listened to")),
            }
        };
        let deadline = shared.limits.connect;
        let (honoured, frames) = tokio::time::timeout(deadline, opening)
            .await
            .map_err(|_| shared.silent("subscriptions/listen", deadline))??;
        let notices = frames.filter_map(move |frame| {
            let _held = &guard;
            std::future::ready(match frame {
                Ok(Message::Notification(notification)) => notice(notification),
                _ => None,
            })
        });
        Ok(Listening { honoured, notices: notices.boxed() })
    }

    /// Resolves when the link is of no use any more, with the reason.
    pub async fn closed(&self) -> Error {
        tokio::select! {
            error = self.shared.wire.closed() => error,
            () = self.shared.dead.cancelled() => self.shared.take_cause(),
        }
    }

    /// Whether a call on this link can no longer succeed.
    pub fn is_dead(&self) -> bool {
        self.shared.dead.is_cancelled()
    }

    /// Ends the link in good order and returns when nothing of it is left.
    pub async fn close(&self) {
        self.shared.wire.close().await;
        self.shared.fail(Error::new(ErrorKind::Stopped, "the link was closed"));
    }
}

impl Shared {
    fn fresh_id(&self) -> Id {
        Id::from(self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    /// Reads the response to a request of ours.
    fn answer(&self, message: Message) -> Result<Answer, Error> {
        match message {
            Message::Response(response) => Ok(response.outcome),
            Message::Request(_) | Message::Notification(_) => {
                Err(self.protocol_error("answered with a message that is no response"))
            }
        }
    }

    fn protocol_error(&self, what: &str) -> Error {
        Error::new(ErrorKind::Protocol, format!("target `{}` {what}", self.target))
    }

    fn silent(&self, method: &str, waited: Duration) -> Error {
        let target = &self.target;
        Error::new(
            ErrorKind::Timeout,
            format!("target `{target}` did not answer {method} within {} s", waited.as_secs_f32()),
        )
    }

    /// Remembers errors after which the link is of no use, so that its owner opens another. A call whose connection broke
    /// is not one of them: over HTTP the next call has a connection of its own, and other wires say themselves that they
    /// are closed.
    fn note(&self, error: Error) -> Error {
        match error.kind {
            ErrorKind::Unreachable | ErrorKind::SessionLost => self.fail(error.clone()),
            ErrorKind::Closed
            | ErrorKind::Timeout
            | ErrorKind::Unauthorized
            | ErrorKind::Status(_)
            | ErrorKind::Protocol
            | ErrorKind::TooLarge
            | ErrorKind::Stopped => {}
        }
        error
    }

    fn fail(&self, error: Error) {
        self.cause.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(error);
        self.dead.cancel();
    }

    fn take_cause(&self) -> Error {
        let cause = self.cause.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        cause.clone().unwrap_or_else(|| Error::new(ErrorKind::Closed, "the link is closed"))
    }

    fn message(&self, body: bytes::Bytes) -> Outgoing {
        let headers = match self.peer.era {
            Era::Legacy => legacy::headers(self.peer.version),
            Era::Modern => http::HeaderMap::new(),
        };
        Outgoing { id: None, body, headers }
    }

    /// Sends what no answer is due to. A target that does not take it must not hold up what comes after.
    async fn say(&self, body: bytes::Bytes) -> Result<(), Error> {
        tokio::time::timeout(SAYING, self.wire.send(self.message(body)))
            .await
            .unwrap_or_else(|_| Err(self.silent("a notification or response", SAYING)))
    }

    /// Answers what a target asks of its client.
    async fn serve(&self, request: Request) {
        if let Err(error) = self.say(reply_to(&self.target, &request)).await {
            tracing::debug!("a request of target `{}` could not be answered: {error}", self.target);
        }
    }

    async fn cancel(&self, id: &Id) {
        let params: Object = [("requestId", id.to_raw())].into_iter().collect();
        let body = message::notification(notifications::CANCELLED, &params);
        if let Err(error) = self.say(body).await {
            tracing::debug!("a call could not be cancelled at target `{}`: {error}", self.target);
        }
    }
}

/// The response to what a target asks of its client. We declare nothing that a target may ask for, so only `ping` is served.
fn reply_to(target: &str, request: &Request) -> bytes::Bytes {
    let outcome = match &*request.method {
        "ping" => Ok(Raw::empty_object()),
        method => {
            tracing::warn!(
                "target `{target}` asked for `{method}`, which its client did not declare; refused"
            );
            let text = format!("`{method}` is not available: the client did not declare it");
            Err(RpcError::new(protocol::error::METHOD_NOT_FOUND, text).to_raw())
        }
    };
    message::response(Some(&request.id), outcome.as_ref())
}

/// Tells the target that a call is no longer wanted, unless it was answered.
struct CancelOnDrop {
    shared: Option<Arc<Shared>>,
    id: Option<Id>,
}

impl CancelOnDrop {
    fn disarm(&mut self) {
        self.id = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let (Some(shared), Some(id)) = (self.shared.take(), self.id.take()) else {
            return;
        };
        if !shared.cancels_by_closing && shared.cancels.try_send(id).is_err() {
            tracing::debug!("too many cancellations at once; target `{}` was not told of one", shared.target);
        }
    }
}

/// The frames of a call as events. A silence longer than the call's deadline ends it; every frame starts the time again.
fn events(
    guard: CancelOnDrop,
    frames: BoxStream<'static, Result<Message, Error>>,
    method: &'static str,
) -> BoxStream<'static, Result<Event, Error>> {
    futures::stream::unfold(Some((guard, frames)), move |state| async move {
        let (mut guard, mut frames) = state?;
        let shared = guard.shared.clone()?;
        loop {
            let Ok(frame) = tokio::time::timeout(shared.limits.call, frames.next()).await else {
                return Some((Err(shared.silent(method, shared.limits.call)), None));
            };
            let event = match frame {
                None => {
                    guard.disarm();
                    let error = Error::new(
                        ErrorKind::Closed,
                        format!("target `{}` ended the stream without an answer", shared.target),
                    );
                    return Some((Err(shared.note(error)), None));
                }
                Some(Err(error)) => {
                    guard.disarm();
                    return Some((Err(shared.note(error)), None));
                }
                Some(Ok(Message::Response(Response { outcome, .. }))) => {
                    guard.disarm();
                    return Some((Ok(end_of_call(outcome)), None));
                }
                Some(Ok(Message::Request(request))) => {
                    shared.serve(request).await;
                    continue;
                }
                Some(Ok(Message::Notification(notification))) => note(notification),
            };
            if let Some(note) = event {
                return Some((Ok(Event::Note(note)), Some((guard, frames))));
            }
        }
    })
    .boxed()
}

/// An answer, unless it says that the target needs input first.
fn end_of_call(outcome: Answer) -> Event {
    match outcome {
        Ok(result) if modern::needs_input(&result) => Event::Ask(Ask::Replay { result }),
        outcome => Event::Answer(outcome),
    }
}

fn note(notification: Notification) -> Option<Note> {
    match &*notification.method {
        notifications::PROGRESS => {
            let mut params = notification.params;
            params.remove(protocol::meta::PROGRESS_TOKEN);
            Some(Note::Progress(params))
        }
        notifications::MESSAGE => Some(Note::Log(notification.params)),
        _ => None,
    }
}

fn notice(notification: Notification) -> Option<Notice> {
    match &*notification.method {
        notifications::TOOLS_CHANGED => Some(Notice::ListChanged(Kind::Tool)),
        notifications::PROMPTS_CHANGED => Some(Notice::ListChanged(Kind::Prompt)),
        notifications::RESOURCES_CHANGED => Some(Notice::ListChanged(Kind::Resource)),
        notifications::RESOURCE_UPDATED => Some(Notice::Updated(notification.params)),
        notifications::MESSAGE => Some(Notice::Log(notification.params)),
        notifications::TASK | notifications::TASK_STATUS => Some(Notice::Task(notification.params)),
        _ => None,
    }
}

/// Log messages may fill half of the queue; the rest is for what a target says only once.
fn pass_on(notices: &Notices, notice: Notice) {
    let crowded = matches!(notice, Notice::Log(_)) && notices.capacity() * 2 < notices.max_capacity();
    if crowded || notices.try_send(notice).is_err() {
        tracing::debug!("a notice of a target was dropped: nobody reads them fast enough");
    }
}

/// Carries what belongs to no call: notices up, cancellations and answers down. Ends with the wire, and is cut with the
/// last handle of the link.
async fn pump(
    shared: Arc<Shared>,
    mut inbox: mpsc::Receiver<Message>,
    mut cancelled: mpsc::Receiver<Id>,
    notices: Notices,
) {
    let mut closed = shared.wire.closed();
    loop {
        tokio::select! {
            biased;
            message = inbox.recv() => match message {
                Some(Message::Request(request)) => shared.serve(request).await,
                Some(Message::Notification(notification)) => {
                    if let Some(notice) = notice(notification) {
                        pass_on(&notices, notice);
                    }
                }
                Some(Message::Response(_)) => {}
                None => return,
            },
            Some(id) = cancelled.recv() => shared.cancel(&id).await,
            error = &mut closed => return shared.fail(error),
        }
    }
}

#[cfg(test)]
mod tests;
