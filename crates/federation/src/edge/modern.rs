//! Clients of 2026-07-28: every request alone, described by its `_meta` and mirrored in its headers.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::method::{Method, Routing, notifications};
use protocol::{Era, Id, Object, Raw, Request, RpcError, Version, error, header, message, meta, method};
use upstream::{Answer, Ask, Caller, Event, Note};

use super::{header_name, refuse, unsupported};
use crate::backend::Shared;
use crate::dispatch::Context;
use crate::error::{Error, ErrorKind};
use crate::inbound::{Head, Outcome, Single};
use crate::relay::{Links, Served};
use crate::session::mailbox::Frames;
use crate::{local, settings};

/// Serves a request. Dropping what it returns cancels it at the target: here a closed stream is a cancellation.
pub(super) async fn request(backend: &Arc<Shared>, head: Head, request: Request) -> Outcome {
    let id = request.id.clone();
    let envelope = match Envelope::open(&head, &request) {
        Ok(envelope) => envelope,
        Err(error) => return refuse(Some(&id), &error, Era::Modern),
    };
    let Some(row) = method::lookup(&request.method, Era::Modern) else {
        let text = format!("there is no method `{}` in revision {}", request.method, Version::NEWEST_MODERN.as_str());
        return refuse(Some(&id), &Error::new(ErrorKind::UnknownMethod, text), Era::Modern);
    };
    if let Err(error) = check_name(&head, row, &request.params) {
        return refuse(Some(&id), &error, Era::Modern);
    }
    let finish = Finish { id, row, hints: hints(backend, row), token: envelope.token.clone(), level: envelope.level.clone() };
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

// === The way in ===

/// What a request says of itself, taken out of its params.
struct Envelope {
    caller: Arc<Caller>,
    token: Option<Raw>,
    level: Option<String>,
    params: Object,
}

impl Envelope {
    fn open(head: &Head, request: &Request) -> Result<Self, Error> {
        let mut params = request.params.clone();
        let meta = params.object("_meta").unwrap_or_default();
        let version = meta.text(meta::PROTOCOL_VERSION).ok_or_else(|| missing(meta::PROTOCOL_VERSION))?;
        check_header(header::PROTOCOL_VERSION, head.version.as_deref(), &version)?;
        if Version::parse(&version).map(Version::era) != Some(Era::Modern) {
            return Err(unsupported(&version, Era::Modern));
        }
        check_header(header::METHOD, head.method.as_deref(), &request.method)?;
        let capabilities = meta
            .get(meta::CLIENT_CAPABILITIES)
            .filter(|value| value.is_object())
            .cloned()
            .ok_or_else(|| missing(meta::CLIENT_CAPABILITIES))?;
        let level = meta.text(meta::LOG_LEVEL);
        if let Some(level) = level.as_deref().filter(|level| meta::level_rank(level).is_none()) {
            return Err(Error::new(ErrorKind::InvalidParams, format!("`{level}` is not a log level")));
        }
        let info = meta.get(meta::CLIENT_INFO).cloned();
        let token = meta.get(meta::PROGRESS_TOKEN).cloned();
        meta::strip_hop_of(&mut params);
        Ok(Self { caller: Arc::new(Caller { era: Era::Modern, capabilities, info }), token, level, params })
    }

    fn context(&self, backend: &Arc<Shared>, head: Head) -> Context {
        Context {
            backend: backend.clone(),
            links: Links::Shared,
            caller: self.caller.clone(),
            log_level: self.level.clone(),
            progress: self.token.is_some(),
            mirrored: head.params,
        }
    }
}

fn missing(key: &str) -> Error {
    Error::new(ErrorKind::MissingMeta, format!("`params._meta[\"{key}\"]` is missing or not of the right type"))
}

/// A header must be there and say what the body says.
fn check_header(name: &str, value: Option<&str>, body: &str) -> Result<(), Error> {
    let shown = header_name(name);
    let mismatch = |text: String| Err(Error::new(ErrorKind::HeaderMismatch, text));
    match value {
        None => mismatch(format!("the header `{shown}` is missing; the body says `{body}`")),
        Some(value) if value.trim_matches([' ', '\t']) != body => {
            mismatch(format!("the header `{shown}` says `{value}`, the body says `{body}`"))
        }
        Some(_) => Ok(()),
    }
}

/// `Mcp-Name` mirrors the name or URI that the request is routed by.
fn check_name(head: &Head, row: &Method, params: &Object) -> Result<(), Error> {
    let key = match row.routing {
        Routing::ByName(_) => "name",
        Routing::ByUri => "uri",
        Routing::Ours(_) | Routing::Gather(_) | Routing::ByRef => return Ok(()),
    };
    let Some(body) = params.text(key) else {
        // The body is refused for what it lacks, which says more than a header that mirrors nothing.
        return Ok(());
    };
    match head.name.as_deref().map(header::decode) {
        Some(None) => {
            let text = format!("the header `{}` is not valid Base64 between its marks", header_name(header::NAME));
            Err(Error::new(ErrorKind::HeaderMismatch, text))
        }
        Some(Some(name)) => check_header_exactly(&name, &body),
        None => check_header(header::NAME, None, &body),
    }
}

/// A decoded value is compared as it is: its white space is part of it.
fn check_header_exactly(name: &str, body: &str) -> Result<(), Error> {
    if name == body {
        return Ok(());
    }
    let shown = header_name(header::NAME);
    Err(Error::new(ErrorKind::HeaderMismatch, format!("the header `{shown}` says `{name}`, the body says `{body}`")))
}

// === The way out ===

enum Settled {
    One(Event),
    Stream(BoxStream<'static, Result<Event, Error>>),
}

/// Waits for the first event. An answer, or a request for input, that comes first needs no stream.
async fn settle(served: Served) -> Result<Settled, Error> {
    let mut events = match served {
        Served::One(answer) => return Ok(Settled::One(Event::Answer(answer))),
        Served::Stream(events) => events,
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

/// Caching hints for results of our own.
#[derive(Clone, Copy)]
struct Hints {
    ttl_ms: u64,
    public: bool,
}

/// A merged list is as fresh as the stalest of its parts, and only public if all of them are.
fn hints(backend: &Shared, row: &Method) -> Hints {
    match row.routing {
        Routing::Gather(_) => {
            let catalog = backend.catalog();
            let whole = catalog.missing().next().is_none() || backend.settings().failure == settings::FailureMode::FailClosed;
            let ttl_ms = if whole { u64::try_from(catalog.ttl.as_millis()).unwrap_or(u64::MAX).min(60_000) } else { 0 };
            Hints { ttl_ms, public: catalog.public }
        }
        Routing::Ours(_) | Routing::ByName(_) | Routing::ByUri | Routing::ByRef => Hints { ttl_ms: 0, public: false },
    }
}

/// Everything that is needed to write a request's answer.
struct Finish {
    id: Id,
    row: &'static Method,
    hints: Hints,
    token: Option<Raw>,
    level: Option<String>,
}

impl Finish {
    /// The end of a request.
    fn last(&self, event: Event) -> Single {
        let outcome = match event {
            Event::Answer(answer) => self.answer(answer),
            Event::Ask(Ask::Replay { result }) if self.row.may_ask => self.result(&result),
            Event::Ask(_) | Event::Note(_) => {
                Err(RpcError::new(error::INTERNAL, "the target asks for input where none can be given"))
            }
        };
        match outcome {
            Ok(result) => Single::plain(message::response(Some(&self.id), Ok(&result))),
            Err(error) => {
                let body = message::response(Some(&self.id), Err(&error.to_raw()));
                Single { body, error: visible(error.code), session: None }
            }
        }
    }

    fn answer(&self, answer: Answer) -> Result<Raw, RpcError> {
        match answer {
            Ok(result) => self.result(&result),
            Err(error) => Err(translate(RpcError::from_raw(&error))),
        }
    }

    /// A result with what every modern result carries.
    fn result(&self, result: &Raw) -> Result<Raw, RpcError> {
        let mut object = result
            .object()
            .map_err(|_| RpcError::new(error::INTERNAL, "the target answered with a result that is no object"))?;
        let kind = object.text("resultType").unwrap_or_else(|| "complete".to_owned());
        match (&*kind, self.row.may_ask) {
            ("complete", _) => self.complete(&mut object),
            ("input_required", true) => {}
            _ => {
                let text = format!("the target answered with a result of type `{kind}`, which was not negotiated");
                return Err(RpcError::new(error::INTERNAL, text));
            }
        }
        let mut meta = object.object("_meta").unwrap_or_default();
        meta.set(meta::SERVER_INFO, local::server_info());
        object.set("_meta", meta.to_raw());
        Ok(object.to_raw())
    }

    fn complete(&self, object: &mut Object) {
        object.set("resultType", Raw::string("complete"));
        if !self.row.cacheable {
            return;
        }
        let valid = object.get("ttlMs").and_then(|ttl| ttl.read::<u64>().ok()).is_some() && object.text("cacheScope").is_some();
        if !valid {
            object.set("ttlMs", Raw::of(&self.hints.ttl_ms));
            object.set("cacheScope", Raw::string(if self.hints.public { "public" } else { "private" }));
        }
    }

    /// The frames of a request that has more to say than its answer.
    fn stream(self, events: BoxStream<'static, Result<Event, Error>>) -> BoxStream<'static, Bytes> {
        let end = futures::stream::once(std::future::ready(None));
        let frames = events.map(Some).chain(end).scan(false, move |done, event| {
            if *done {
                return std::future::ready(None);
            }
            std::future::ready(Some(match event {
                Some(Ok(Event::Note(note))) => self.note(note),
                Some(Ok(Event::Ask(Ask::Held { .. }))) => None,
                Some(Ok(last)) => {
                    *done = true;
                    Some(self.last(last).body)
                }
                Some(Err(error)) => {
                    *done = true;
                    Some(message::response(Some(&self.id), Err(&error.to_rpc(Era::Modern).to_raw())))
                }
                None => {
                    *done = true;
                    Some(message::response(Some(&self.id), Err(&ended().to_rpc(Era::Modern).to_raw())))
                }
            }))
        });
        frames.filter_map(std::future::ready).boxed()
    }

    /// A note, if the client asked for notes of its kind.
    fn note(&self, note: Note) -> Option<Bytes> {
        match note {
            Note::Progress(mut params) => {
                params.set(meta::PROGRESS_TOKEN, self.token.clone()?);
                Some(message::notification(notifications::PROGRESS, &params))
            }
            Note::Log(params) => {
                let wanted = meta::level_rank(self.level.as_deref()?)?;
                let rank = params.text("level").as_deref().and_then(meta::level_rank)?;
                (rank >= wanted).then(|| message::notification(notifications::MESSAGE, &params))
            }
        }
    }
}

/// A target's error in codes that a modern client knows. Codes of the legacy private range have no meaning here: they are
/// carried as data (spec 2026-07-28, basic/index "Error codes").
fn translate(error: RpcError) -> RpcError {
    let known = [error::HEADER_MISMATCH, error::MISSING_CLIENT_CAPABILITY, error::UNSUPPORTED_VERSION];
    match error.code {
        error::RESOURCE_NOT_FOUND => RpcError { code: error::INVALID_PARAMS, ..error },
        // The header and version of the target's hop are ours to get right; the client's were.
        error::HEADER_MISMATCH | error::UNSUPPORTED_VERSION => wrapped(&error),
        code if known.contains(&code) => error,
        -32099..=-32000 => wrapped(&error),
        _ => error,
    }
}

fn wrapped(error: &RpcError) -> RpcError {
    let original: Object = [("original", error.to_raw())].into_iter().collect();
    RpcError::new(error::INTERNAL, error.message.clone()).with_data(original.to_raw())
}

/// Errors of a target that HTTP must show as well.
fn visible(code: i64) -> Option<ErrorKind> {
    match code {
        error::METHOD_NOT_FOUND => Some(ErrorKind::UnknownMethod),
        error::MISSING_CLIENT_CAPABILITY => Some(ErrorKind::MissingCapability),
        _ => None,
    }
}
