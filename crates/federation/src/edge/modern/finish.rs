//! What every modern answer carries.

use std::cell::RefCell;
use std::sync::Arc;

use protocol::down::{self, OtherType};
use protocol::message::Spelled;
use protocol::method::Method;
use protocol::{Era, Id, Kind, Object, Raw, RpcError, Splice, Version, Word, error, message, meta};
use upstream::spread::Lent;
use upstream::{Answer, Caller};

use super::asking;
use crate::backend::Shared;
use crate::catalog::Catalog;
use crate::edge::single;
use crate::error::{Error, ErrorKind};
use crate::gather::Listed;
use crate::inbound::Single;
use crate::memo::Memo;
use crate::parking::Digest;
use crate::principal::Principal;
use crate::settings::FailureMode;
use crate::{local, task};

/// Caching hints for results of our own.
#[derive(Clone, Copy)]
pub(super) struct Hints {
    ttl_ms: u64,
    public: bool,
}

impl Hints {
    /// For what nobody else may have, and nobody keeps.
    const NONE: Self = Self { ttl_ms: 0, public: false };

    /// A merged list is as fresh as the stalest of its parts, and only public if all of them are.
    fn of(catalog: &Catalog, kind: Kind) -> Self {
        let whole = catalog.failure == FailureMode::FailClosed || catalog.missing(kind).next().is_none();
        let ttl_ms = u64::try_from(catalog.ttl.as_millis()).unwrap_or(u64::MAX).min(60_000);
        Self { ttl_ms: if whole { ttl_ms } else { 0 }, public: catalog.public }
    }
}

/// Everything that is needed to write a request's answer.
pub(super) struct Finish {
    pub(super) backend: Lent<Shared>,
    pub(super) id: Id,
    pub(super) row: &'static Method,
    /// The params as the client sent them.
    pub(super) params: Object,
    pub(super) caller: Arc<Caller>,
    pub(super) principal: Principal,
    pub(super) token: Option<Raw>,
    pub(super) level: Option<String>,
}

impl Finish {
    /// What the client declared that it can do.
    pub(super) fn capabilities(&self) -> Object {
        self.caller.capabilities.object().unwrap_or_default()
    }

    /// What identifies the request over all its rounds.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.principal, self.row.name, &self.params)
    }

    /// A target's answer as the end of the request.
    pub(super) fn answered(&self, answer: Answer) -> Single {
        match answer {
            Ok(result) => match self.spelled(&result) {
                Ok(result) => Single::plain(message::answer(&self.id, result)),
                Err(error) => self.single(Err(error)),
            },
            Err(error) => {
                let opened = asking::open_first(self, &error);
                self.single(opened.unwrap_or_else(|| Err(translate(&error))))
            }
        }
    }

    /// A page of a merged list as the end of the request.
    pub(super) fn listed(&self, page: &Listed) -> Single {
        let shape = |result: &Raw| self.result(result, Hints::of(page.catalog(), page.kind()));
        match page.spelled(Version::NEWEST_MODERN, shape) {
            Ok(spelled) => Single::plain(message::answer(&self.id, spelled)),
            Err(error) => self.single(Err(error)),
        }
    }

    /// A failure of ours as the end of the request.
    pub(super) fn failed(&self, error: &Error) -> Single {
        single(Some(&self.id), error, Era::Modern)
    }

    /// The end of the request.
    pub(super) fn single(&self, outcome: Result<Raw, RpcError>) -> Single {
        match outcome {
            Ok(result) => Single::plain(message::response(Some(&self.id), Ok(&result))),
            Err(error) => {
                let body = message::response(Some(&self.id), Err(&error.to_raw())).into();
                Single { body, error: visible(error.code), session: None }
            }
        }
    }

    /// A complete result with what every modern result carries.
    fn result(&self, result: &Raw, hints: Hints) -> Result<Raw, RpcError> {
        let result = self.down(result)?;
        Ok(self.completed(&result, hints)?.finish())
    }

    /// The same of a target's own, for the message.
    fn spelled(&self, result: &Raw) -> Result<Spelled, RpcError> {
        let result = self.down(result)?;
        Ok(self.completed(&result, Hints::NONE)?.spelled())
    }

    fn down(&self, result: &Raw) -> Result<Raw, RpcError> {
        down::result(self.row.name, result, Version::NEWEST_MODERN)
            .map_err(|OtherType(kind)| unnegotiated(&kind))
    }

    /// What has to be put into a result for that.
    fn completed<'r>(&self, result: &'r Raw, hints: Hints) -> Result<Splice<'r>, RpcError> {
        let mut edit = Splice::new(result);
        if !self.row.cacheable && result.is_result_without(&[Word::ResultType, Word::Meta]) {
            // Nothing has to be read that is only added to.
            edit.add("resultType", Raw::string("complete"));
            edit.add("_meta", signature(Object::default()));
            return Ok(edit);
        }
        let members = result.object().map_err(|error| {
            let text = format!("the target answered with a result that cannot be read: {error}");
            RpcError::new(error::INTERNAL, text)
        })?;
        match members.get("resultType").and_then(Raw::text).as_deref() {
            Some("complete") => self.hint(&mut edit, &members, hints),
            None => {
                edit.set(&members, "resultType", Raw::string("complete"));
                self.hint(&mut edit, &members, hints);
            }
            Some("task") if task::may_answer(self.row, &self.caller) => {}
            Some(kind) => return Err(unnegotiated(kind)),
        }
        edit.set(
            &members,
            "_meta",
            members.get("_meta").map_or_else(|| signature(Object::default()), signed_meta),
        );
        Ok(edit)
    }

    /// For how long a result may be kept, and by whom, where it does not say so itself.
    fn hint(&self, edit: &mut Splice<'_>, members: &Object, hints: Hints) {
        if !self.row.cacheable {
            return;
        }
        let ttl = members.get("ttlMs").and_then(|ttl| ttl.read::<u64>().ok());
        let scope = members.text("cacheScope").filter(|scope| scope == "public" || scope == "private");
        if ttl.is_none() || scope.is_none() {
            edit.set(members, "ttlMs", Raw::of(&hints.ttl_ms));
            edit.set(members, "cacheScope", Raw::string(if hints.public { "public" } else { "private" }));
        }
    }
}

fn unnegotiated(kind: &str) -> RpcError {
    let text = format!("the target answered with a result of type `{kind}`, which was not negotiated");
    RpcError::new(error::INTERNAL, text)
}

/// A result that names its server, which is us.
pub(super) fn signed(mut result: Object) -> Raw {
    let meta = result.object("_meta").unwrap_or_default();
    result.set("_meta", signature(meta));
    result.to_raw()
}

/// The `_meta` of a target's result with our name in place of its own.
fn signed_meta(meta: &Raw) -> Raw {
    thread_local! {
        static SIGNED: RefCell<Memo<Raw>> = const { RefCell::new(Memo::new()) };
    }
    SIGNED.with_borrow_mut(|memo| memo.of(meta, |meta| signature(meta.object().unwrap_or_default())))
}

/// `_meta` with the name of the server.
fn signature(mut meta: Object) -> Raw {
    meta.set(meta::SERVER_INFO, local::server_info());
    meta.to_raw()
}

/// A target's error in codes that a modern client knows. Codes of the legacy private range have no meaning here: they are
/// carried as data (spec 2026-07-28, basic/index "Error codes").
fn translate(error: &Raw) -> RpcError {
    let error = RpcError::from_raw(error);
    match error.code {
        error::RESOURCE_NOT_FOUND => RpcError { code: error::INVALID_PARAMS, ..error },
        error::MISSING_CLIENT_CAPABILITY => asking::passed_on(error),
        // Also for the header and the version: those of the target's hop are ours to get right; the client's were.
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
