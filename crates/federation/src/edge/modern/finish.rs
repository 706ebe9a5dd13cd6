//! What every modern answer carries, and which notes go before it.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::method::{Method, Routing, notifications};
use protocol::{Era, Id, Object, Raw, RpcError, error, message, meta};
use upstream::{Answer, Ask, Event, Note};

use super::ended;
use crate::backend::Shared;
use crate::error::{Error, ErrorKind};
use crate::inbound::{Frame, Single};
use crate::{local, settings};

/// Caching hints for results of our own.
#[derive(Clone, Copy)]
pub(super) struct Hints {
    ttl_ms: u64,
    public: bool,
}

/// A merged list is as fresh as the stalest of its parts, and only public if all of them are.
pub(super) fn hints(backend: &Shared, row: &Method) -> Hints {
    match row.routing {
        Routing::Gather(kind) => {
            let catalog = backend.catalog();
            let whole = catalog.missing(kind).next().is_none()
                || backend.settings().failure == settings::FailureMode::FailClosed;
            let ttl_ms = if whole {
                u64::try_from(catalog.ttl.as_millis()).unwrap_or(u64::MAX).min(60_000)
            } else {
                0
            };
            Hints { ttl_ms, public: catalog.public }
        }
        Routing::Ours(_) | Routing::ByName(_) | Routing::ByUri | Routing::ByRef | Routing::ByTask => {
            Hints { ttl_ms: 0, public: false }
        }
    }
}

/// Everything that is needed to write a request's answer.
pub(super) struct Finish {
    pub(super) id: Id,
    pub(super) row: &'static Method,
    pub(super) hints: Hints,
    pub(super) token: Option<Raw>,
    pub(super) level: Option<String>,
    /// Whether the client takes a task for an answer.
    pub(super) task: bool,
}

impl Finish {
    /// The end of a request.
    pub(super) fn last(&self, event: Event) -> Single {
        let outcome = match event {
            Event::Answer(answer) => self.answer(answer),
            Event::Ask(Ask::Replay { result }) if self.row.may_ask => self.result(&result),
            Event::Ask(_) | Event::Note(_) | Event::Refused(_) => {
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
        let mut object = result.object().map_err(|_| {
            RpcError::new(error::INTERNAL, "the target answered with a result that is no object")
        })?;
        let kind = object.text("resultType").unwrap_or_else(|| "complete".to_owned());
        match (&*kind, self.row.may_ask) {
            ("complete", _) => self.complete(&mut object),
            ("input_required", true) => {}
            ("task", _) if self.task => {}
            _ => {
                let text =
                    format!("the target answered with a result of type `{kind}`, which was not negotiated");
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
        let ttl = object.get("ttlMs").and_then(|ttl| ttl.read::<u64>().ok());
        let scope = object.text("cacheScope").filter(|scope| scope == "public" || scope == "private");
        let valid = ttl.is_some() && scope.is_some();
        if !valid {
            object.set("ttlMs", Raw::of(&self.hints.ttl_ms));
            object.set("cacheScope", Raw::string(if self.hints.public { "public" } else { "private" }));
        }
    }

    /// The frames of a request that has more to say than its answer.
    pub(super) fn stream(
        self,
        events: BoxStream<'static, Result<Event, Error>>,
    ) -> BoxStream<'static, Frame> {
        let end = futures::stream::once(std::future::ready(None));
        let frames = events.map(Some).chain(end).scan(false, move |done, event| {
            if *done {
                return std::future::ready(None);
            }
            std::future::ready(Some(match event {
                Some(Ok(Event::Note(note))) => self.note(note),
                Some(Ok(Event::Refused(_) | Event::Ask(Ask::Held(_)))) => None,
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
        frames.filter_map(std::future::ready).map(Frame::from).boxed()
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
