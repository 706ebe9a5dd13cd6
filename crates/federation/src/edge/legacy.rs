//! Clients of 2024-11-05 … 2025-11-25: a handshake, and a session in which calls run.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use memchr::memmem;
use protocol::method::{Local, Method, Routing, notifications};
use protocol::{
    Era, Id, Message, Notification, Object, Raw, Request, Response, Version, list, message, meta, method,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use upstream::{Answer, Ask, Caller, Event, Note, Task};

use super::{refuse, refuse_unscanned, single, unsupported};
use crate::backend::Shared;
use crate::dispatch::{Context, offered, required_text};
use crate::error::{Error, ErrorKind};
use crate::inbound::{Head, Outcome, Single};
use crate::local;
use crate::relay::{Links, Served};
use crate::session::mailbox::Frames;
use crate::session::{Handshake, Session, Subscription};

/// How many messages of a call may wait for the client to read them. A client that reads no faster holds up its own call.
const WAITING: usize = 64;

// === What is POSTed ===

/// Serves a request.
pub(super) async fn request(backend: &Arc<Shared>, head: Head, request: Request) -> Outcome {
    if &*request.method == "initialize" {
        return initialize(backend, &request).await;
    }
    let session = match session_or_none(backend, &head) {
        Ok(session) => session,
        Err(error) => return refuse(Some(&request.id), &error, Era::Legacy),
    };
    outcome(start(backend, session, request).await).await
}

/// Takes note of a notification. One that means nothing to us is taken as well: there is no answer in which to refuse it.
pub(super) fn notification(backend: &Arc<Shared>, head: &Head, notification: Notification) -> Outcome {
    match session_or_none(backend, head) {
        Ok(Some(session)) => {
            heed(&session, &notification);
            Outcome::Accepted
        }
        Ok(None) => Outcome::Accepted,
        // A modern client has no session and sends no notifications that we would act on.
        Err(_) if head.session.is_none() => Outcome::Accepted,
        Err(error) => refuse(None, &error, Era::Legacy),
    }
}

/// Takes the response to a request of ours. We send none yet, so there is nobody waiting for it.
pub(super) fn response(backend: &Arc<Shared>, head: &Head, _response: Response) -> Outcome {
    match session(backend, head) {
        Ok(session) => {
            session.touch();
            Outcome::Accepted
        }
        Err(error) => refuse(None, &error, Era::Legacy),
    }
}

/// Serves a batch, which only 2025-03-26 has.
pub(super) fn batch(backend: &Arc<Shared>, head: &Head, body: &Bytes) -> Outcome {
    let session = match session(backend, head) {
        Ok(session) if session.handshake().is_some_and(|h| h.version == Version::V2025_03_26) => session,
        _ => {
            let text = "batches exist only in sessions of protocol version 2025-03-26; send one message per request";
            return refuse(None, &Error::new(ErrorKind::Malformed, text), Era::Legacy);
        }
    };
    let messages = match message::scan_batch(body) {
        Ok(messages) => messages,
        Err(error) => return refuse_unscanned(error),
    };
    let (sender, receiver) = mpsc::channel(WAITING);
    let mut answers = 0;
    for message in messages {
        match message {
            Ok(Message::Notification(notification)) => heed(&session, &notification),
            Ok(Message::Response(_)) => {}
            Ok(Message::Request(request)) => {
                answers += 1;
                let (backend, session, sender) = (backend.clone(), session.clone(), sender.clone());
                Task::spawn_finite("batched call", async move {
                    let mut pieces = start(&backend, Some(session), request).await;
                    while let Some(piece) = pieces.recv().await {
                        // A client that went away does not cancel what it asked for.
                        let _ = sender.send(piece.into_body()).await;
                    }
                });
            }
            Err(error) => {
                answers += 1;
                let Outcome::One(refusal) = refuse_unscanned(error) else { continue };
                let sender = sender.clone();
                Task::spawn_finite("batched refusal", async move {
                    let _ = sender.send(refusal.body).await;
                });
            }
        }
    }
    if answers == 0 {
        return Outcome::Accepted;
    }
    Outcome::Stream(Frames(receiving(receiver)))
}

// === The transport of 2024-11-05 ===

/// Opens a connection; its session ends when the stream is dropped.
pub(super) fn open_sse(backend: &Arc<Shared>) -> Result<(String, Frames), Error> {
    let session = backend.sessions.create()?;
    let guard = EndOnDrop { backend: backend.clone(), id: session.id.clone() };
    let frames = session.mailbox.read().into_stream().map(move |frame| {
        let _held = &guard;
        frame
    });
    Ok((session.id.clone(), Frames(frames.boxed())))
}

struct EndOnDrop {
    backend: Arc<Shared>,
    id: String,
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.backend.sessions.end(&self.id);
    }
}

/// Serves a body; the answers go to the connection's stream.
pub(super) async fn post_sse(backend: &Arc<Shared>, id: &str, body: &Bytes) -> Outcome {
    let Some(session) = backend.sessions.find(id) else {
        return refuse(None, &unknown_session(), Era::Legacy);
    };
    match message::scan(body) {
        Ok(Message::Request(request)) if &*request.method == "initialize" => {
            let frame = match shake(backend, &session, &request.params).await {
                Ok(result) => message::response(Some(&request.id), Ok(&result)),
                Err(error) => single(Some(&request.id), &error, Era::Legacy).body,
            };
            session.mailbox.send(frame).await;
        }
        Ok(Message::Request(request)) => {
            let mut pieces = start(backend, Some(session.clone()), request).await;
            Task::spawn_finite("call over SSE", async move {
                while let Some(piece) = pieces.recv().await {
                    session.mailbox.send(piece.into_body()).await;
                }
            });
        }
        Ok(Message::Notification(notification)) => heed(&session, &notification),
        Ok(Message::Response(_)) => {}
        Err(error) => return refuse_unscanned(error),
    }
    Outcome::Accepted
}

// === Sessions ===

/// The session that a request names.
pub(super) fn session(backend: &Shared, head: &Head) -> Result<Arc<Session>, Error> {
    check_version(head)?;
    let Some(id) = &head.session else {
        let text = "the header `Mcp-Session-Id` is missing: begin with `initialize`, and send the id that it returns";
        return Err(Error::new(ErrorKind::SessionRequired, text));
    };
    let session = backend.sessions.find(id).ok_or_else(unknown_session)?;
    session.touch();
    Ok(session)
}

/// The same, for a server that may serve without sessions.
fn session_or_none(backend: &Shared, head: &Head) -> Result<Option<Arc<Session>>, Error> {
    if head.session.is_none() && backend.settings().stateless {
        check_version(head)?;
        return Ok(None);
    }
    session(backend, head).map(Some)
}

fn unknown_session() -> Error {
    Error::new(ErrorKind::UnknownSession, "the session is unknown or over; begin again with `initialize`")
}

/// A version header must name a revision that we speak; none means 2025-03-26 or what was agreed on.
fn check_version(head: &Head) -> Result<(), Error> {
    match head.version.as_deref() {
        Some(version) if Version::parse(version.trim()).is_none() => Err(unsupported(version, Era::Legacy)),
        _ => Ok(()),
    }
}

/// The handshake: a session, unless the server keeps none.
async fn initialize(backend: &Arc<Shared>, request: &Request) -> Outcome {
    if backend.settings().stateless {
        let version = negotiate(&request.params);
        let result = local::initialize(&*backend.settled_catalog().await, version);
        return Outcome::One(Single::plain(message::response(Some(&request.id), Ok(&result))));
    }
    let session = match backend.sessions.create() {
        Ok(session) => session,
        Err(error) => return refuse(Some(&request.id), &error, Era::Legacy),
    };
    match shake(backend, &session, &request.params).await {
        Ok(result) => {
            let body = message::response(Some(&request.id), Ok(&result));
            Outcome::One(Single { body, error: None, session: Some(session.id.clone()) })
        }
        Err(error) => {
            backend.sessions.end(&session.id);
            refuse(Some(&request.id), &error, Era::Legacy)
        }
    }
}

async fn shake(backend: &Arc<Shared>, session: &Arc<Session>, params: &Object) -> Result<Raw, Error> {
    required_text(params, "protocolVersion")?;
    let version = negotiate(params);
    // What a legacy client could be asked for is not declared to targets yet, so that none of them asks.
    let caller = Caller { era: Era::Legacy, capabilities: Raw::empty_object(), info: params.get("clientInfo").cloned() };
    if !session.shake(Handshake { version, caller: Arc::new(caller) }) {
        return Err(Error::new(ErrorKind::Malformed, "the session is initialized already"));
    }
    Ok(local::initialize(&*backend.settled_catalog().await, version))
}

fn negotiate(params: &Object) -> Version {
    Version::negotiate(&params.text("protocolVersion").unwrap_or_default())
}

/// Acts on a notification of the client's.
fn heed(session: &Session, notification: &Notification) {
    if &*notification.method == notifications::CANCELLED
        && let Some(id) = notification.params.get("requestId").and_then(Id::from_raw)
    {
        session.cancel(&id);
    }
}

// === Calls ===

/// A message of a call on its way to the client.
enum Piece {
    Note(Bytes),
    Last(Single),
}

impl Piece {
    fn into_body(self) -> Bytes {
        match self {
            Self::Note(body) => body,
            Self::Last(single) => single.body,
        }
    }
}

/// Starts a call and hands back its messages. It runs on its own, because a client that loses its connection has not
/// cancelled it; it ends when it is answered, cancelled by a notification, or when its session ends.
async fn start(backend: &Arc<Shared>, session: Option<Arc<Session>>, request: Request) -> mpsc::Receiver<Piece> {
    let (sender, pieces) = mpsc::channel(WAITING);
    let call = match Running::new(backend, session, request) {
        Ok(call) => call,
        Err(refusal) => {
            let _ = sender.send(Piece::Last(refusal)).await;
            return pieces;
        }
    };
    Task::spawn_finite("call", async move {
        let token = call.token.clone();
        tokio::select! {
            () = token.cancelled() => tracing::debug!("a call was cancelled by its client"),
            () = call.run(&sender) => {}
        }
    });
    pieces
}

/// Waits for the first message of a call: an answer needs no stream.
async fn outcome(mut pieces: mpsc::Receiver<Piece>) -> Outcome {
    match pieces.recv().await {
        Some(Piece::Last(single)) => Outcome::One(single),
        Some(Piece::Note(first)) => {
            let rest = receiving(pieces).map(Piece::into_body);
            Outcome::Stream(Frames(futures::stream::iter([first]).chain(rest).boxed()))
        }
        // Cancelled: there is no answer, and the stream says so by ending.
        None => Outcome::Stream(Frames(futures::stream::empty().boxed())),
    }
}

fn receiving<T: Send + 'static>(receiver: mpsc::Receiver<T>) -> BoxStream<'static, T> {
    futures::stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|item| (item, receiver)) })
        .boxed()
}

/// A call that is about to run.
struct Running {
    context: Context,
    session: Option<Arc<Session>>,
    id: Id,
    row: &'static Method,
    params: Object,
    progress: Option<Raw>,
    token: CancellationToken,
}

impl Running {
    fn new(backend: &Arc<Shared>, session: Option<Arc<Session>>, request: Request) -> Result<Self, Single> {
        let Request { id, method, mut params } = request;
        let refusal = |error: Error| Single { error: transport_level(error.kind), ..single(Some(&id), &error, Era::Legacy) };
        let handshake = match session.as_ref().map(|session| session.handshake()) {
            Some(None) => {
                let error = Error::new(ErrorKind::Malformed, "the session is not initialized: begin with `initialize`");
                return Err(refusal(error));
            }
            Some(Some(handshake)) => Some(handshake.clone()),
            None => None,
        };
        let Some(row) = method::lookup(&method, Era::Legacy) else {
            return Err(refusal(Error::new(ErrorKind::UnknownMethod, format!("there is no method `{method}`"))));
        };
        let progress = take_token(&mut params);
        let token = match &session {
            Some(session) => session.begin(&id).ok_or_else(|| {
                refusal(Error::new(ErrorKind::Malformed, format!("a request with the id {id} is running already")))
            })?,
            None => CancellationToken::new(),
        };
        let caller = handshake.map_or_else(Caller::gateway, |handshake| handshake.caller);
        let context = Context {
            backend: backend.clone(),
            links: session.clone().map_or(Links::Shared, Links::Session),
            caller,
            log_level: session.as_ref().and_then(|session| session.level()),
            progress: progress.is_some(),
            mirrored: Vec::new(),
        };
        Ok(Self { context, session, id, row, params, progress, token })
    }

    async fn run(mut self, client: &mpsc::Sender<Piece>) {
        let params = std::mem::take(&mut self.params);
        let served = match (self.row.routing, self.session.clone()) {
            (Routing::Ours(local), Some(session)) => self.in_session(local, &session, params).await,
            _ => self.context.serve(self.row, params).await,
        };
        let last = match served {
            Ok(Served::One(answer)) => self.answer(answer),
            Ok(Served::Stream(events)) => self.follow(events, client).await,
            Err(error) => self.refusal(&error),
        };
        // A client that went away does not need the answer; nobody else does.
        let _ = client.send(Piece::Last(last)).await;
    }

    /// Methods that are about the session itself.
    async fn in_session(&self, local: Local, session: &Arc<Session>, params: Object) -> Result<Served, Error> {
        let nothing = || Ok(Served::One(Ok(Raw::empty_object())));
        match local {
            Local::SetLevel => {
                offered(&*self.context.backend.settled_catalog().await, "logging")?;
                let level = required_text(&params, "level")?;
                if meta::level_rank(&level).is_none() {
                    let text = format!("`{level}` is not a log level; levels are {}", meta::LEVELS.join(", "));
                    return Err(Error::new(ErrorKind::InvalidParams, text));
                }
                session.set_level(&level).await;
                nothing()
            }
            Local::Subscribe => self.subscription(session, params, true).await,
            Local::Unsubscribe => self.subscription(session, params, false).await,
            Local::Ping => nothing(),
            Local::Initialize | Local::Discover => self.context.serve(self.row, params).await,
        }
    }

    /// A subscription belongs to the session, and outlives a restart of the target. A legacy target is told over the
    /// session's own link; at a modern one the session listens.
    async fn subscription(&self, session: &Arc<Session>, mut params: Object, on: bool) -> Result<Served, Error> {
        let to = self.context.resource(&required_text(&params, "uri")?).await?;
        let subscription = Subscription { target: to.target.name().to_owned(), uri: to.local.clone() };
        let failed = |error: upstream::Error| Error::of_target(to.target.name(), &error);
        let modern = to.target.shared_link().await.map_err(failed)?.peer().era == Era::Modern;
        if modern && on {
            session.listen(&to, subscription).await.map_err(failed)?;
            return Ok(Served::One(Ok(Raw::empty_object())));
        }
        if modern {
            session.unsubscribed(&subscription);
            return Ok(Served::One(Ok(Raw::empty_object())));
        }
        params.set("uri", Raw::string(&to.local));
        let call = upstream::Call {
            method: self.row,
            params,
            caller: self.context.caller.clone(),
            progress: false,
            log_level: None,
            mirrored: Vec::new(),
        };
        let link = session.link(&to.target, to.wrap).await.map_err(failed)?;
        let answer = link.call(call).await.map_err(failed)?.answer().await.map_err(failed)?;
        match (&answer, on) {
            (Ok(_), true) => session.subscribed(subscription),
            (_, false) => session.unsubscribed(&subscription),
            (Err(_), true) => {}
        }
        Ok(Served::One(answer))
    }

    /// Passes on what happens until the end, and returns the end.
    async fn follow(
        &self,
        mut events: BoxStream<'static, Result<Event, Error>>,
        client: &mpsc::Sender<Piece>,
    ) -> Single {
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Note(note)) => {
                    if let Some(frame) = self.note(note) {
                        let _ = client.send(Piece::Note(frame)).await;
                    }
                }
                Ok(Event::Answer(answer)) => return self.answer(answer),
                // Dropping the request refuses it, and the target goes on.
                Ok(Event::Ask(Ask::Held { .. })) => {}
                Ok(Event::Ask(Ask::Replay { .. })) => {
                    let text = "the target needs input from the client, which this client did not declare it can give";
                    return self.refusal(&Error::new(ErrorKind::CannotRelay, text));
                }
                Err(error) => return self.refusal(&error),
            }
        }
        self.refusal(&Error::new(ErrorKind::TargetFailed, "the target ended without an answer; the call may have run"))
    }

    fn note(&self, note: Note) -> Option<Bytes> {
        match note {
            Note::Progress(mut params) => {
                params.set(meta::PROGRESS_TOKEN, self.progress.clone()?);
                Some(message::notification(notifications::PROGRESS, &params))
            }
            Note::Log(params) => {
                let wanted = self.session.as_ref().is_none_or(|session| session.wants_log(&params));
                wanted.then(|| message::notification(notifications::MESSAGE, &params))
            }
        }
    }

    fn answer(&self, answer: Answer) -> Single {
        let outcome = match answer {
            Ok(result) => Ok(down(&result)),
            Err(error) => Err(error),
        };
        Single::plain(message::response(Some(&self.id), outcome.as_ref()))
    }

    fn refusal(&self, error: &Error) -> Single {
        Single { error: transport_level(error.kind), ..single(Some(&self.id), error, Era::Legacy) }
    }
}

/// The call has ended, however it ended.
impl Drop for Running {
    fn drop(&mut self) {
        if let Some(session) = &self.session {
            session.finish(&self.id);
        }
    }
}

/// Takes the client's progress token out; the rest of `_meta` goes to the target.
fn take_token(params: &mut Object) -> Option<Raw> {
    let token = params.object("_meta")?.get(meta::PROGRESS_TOKEN).cloned();
    meta::strip_hop_of(params);
    token
}

/// A result without what only modern clients know; some validators of older ones refuse unknown members.
fn down(result: &Raw) -> Raw {
    if memmem::find(result.as_bytes(), b"\"resultType\"").is_none() {
        return result.clone();
    }
    let Ok(mut object) = result.object() else {
        return result.clone();
    };
    if let Some(mut meta) = object.object("_meta") {
        meta.remove(meta::SERVER_INFO);
        if meta.is_empty() {
            object.remove("_meta");
        } else {
            object.set("_meta", meta.to_raw());
        }
    }
    list::without(&object.to_raw(), &["resultType", "ttlMs", "cacheScope"])
}

/// Errors that legacy HTTP shows outside the body: those about the message and the session, not those about the call.
fn transport_level(kind: ErrorKind) -> Option<ErrorKind> {
    match kind {
        ErrorKind::NotJson
        | ErrorKind::Malformed
        | ErrorKind::SessionRequired
        | ErrorKind::UnknownSession
        | ErrorKind::TooManySessions
        | ErrorKind::UnsupportedVersion
        | ErrorKind::MissingMeta
        | ErrorKind::HeaderMismatch => Some(kind),
        ErrorKind::UnknownMethod
        | ErrorKind::InvalidParams
        | ErrorKind::UnknownResource
        | ErrorKind::MissingCapability
        | ErrorKind::TargetUnavailable
        | ErrorKind::TargetFailed
        | ErrorKind::CannotRelay => None,
    }
}

