//! What a modern request says of itself, in its `_meta` and in the headers that mirror it.
//!
//! Spec 2026-07-28, basic/index "_meta" and basic/transports/streamable-http "Request headers".

use std::cell::RefCell;
use std::sync::Arc;

use protocol::method::Method;
use protocol::{Era, Object, Raw, Request, Version, capability, header, meta};
use upstream::Caller;
use upstream::spread::Lent;

use crate::backend::Shared;
use crate::context::Context;
use crate::edge::{header_name, unsupported};
use crate::error::{Error, ErrorKind};
use crate::extensions;
use crate::inbound::Head;
use crate::journal::record::Record;
use crate::memo::Memo;
use crate::relay::Links;

/// What a request says of itself, taken out of its params.
pub(super) struct Envelope {
    /// On whose account.
    pub(super) caller: Arc<Caller>,
    /// Progress is wanted, under this token.
    pub(super) token: Option<Raw>,
    /// Log messages are wanted, from this level on.
    pub(super) level: Option<String>,
    /// The params without what describes the client's hop.
    pub(super) params: Object,
}

impl Envelope {
    /// Reads and checks what every request must carry.
    pub(super) fn open(head: &Head, request: &Request) -> Result<Self, Error> {
        let said = request.params.get("_meta").map(Said::of).unwrap_or_default();
        let version = said.version.ok_or_else(|| missing(meta::PROTOCOL_VERSION))?;
        check_header(header::PROTOCOL_VERSION, head.version.as_deref(), &version)?;
        if Version::parse(&version).map(Version::era) != Some(Era::Modern) {
            return Err(unsupported(&version, Era::Modern));
        }
        check_header(header::METHOD, head.method.as_deref(), &request.method)?;
        let caller = said.caller.ok_or_else(|| missing(meta::CLIENT_CAPABILITIES))?;
        let level = said.level.as_ref().map(level).transpose()?;
        let mut params = request.params.clone();
        match said.rest {
            Some(rest) => params.set("_meta", rest),
            None => drop(params.remove("_meta")),
        }
        params.remove("task");
        Ok(Self { caller, token: said.token, level, params })
    }

    /// On whose account the request is served.
    pub(super) fn context(
        &self,
        backend: &Lent<Shared>,
        head: &Head,
        record: Option<Arc<Record>>,
    ) -> Context {
        Context {
            backend: backend.clone(),
            links: Links::Shared,
            caller: self.caller.clone(),
            log_level: self.level.clone(),
            progress: self.token.is_some(),
            mirrored: Some(head.params.clone()),
            record,
        }
    }
}

/// What stands in the `_meta` of a request.
#[derive(Clone, Default)]
struct Said {
    version: Option<String>,
    caller: Option<Arc<Caller>>,
    level: Option<Raw>,
    token: Option<Raw>,
    /// What does not describe the client's hop.
    rest: Option<Raw>,
}

impl Said {
    fn of(meta: &Raw) -> Self {
        thread_local! {
            static SAID: RefCell<Memo<Said>> = const { RefCell::new(Memo::new()) };
        }
        SAID.with_borrow_mut(|memo| memo.of(meta, Self::read))
    }

    fn read(meta: &Raw) -> Self {
        let mut meta = meta.object().unwrap_or_default();
        let info = meta.get(meta::CLIENT_INFO).cloned();
        let declared = meta.get(meta::CLIENT_CAPABILITIES).and_then(|declared| declared.object().ok());
        let caller = declared.map(|declared| {
            let known = extensions::known(Era::Modern);
            let told = capability::for_target(&declared, Version::NEWEST_MODERN, &known);
            Caller::new(Era::Modern, &told, info)
        });
        let version = meta.text(meta::PROTOCOL_VERSION);
        let level = meta.get(meta::LOG_LEVEL).cloned();
        let token = meta.get(meta::PROGRESS_TOKEN).cloned();
        meta::strip_hop(&mut meta);
        let rest = (!meta.is_empty()).then(|| meta.to_raw());
        Self { version, caller, level, token, rest }
    }
}

/// The log level that a request asks for.
fn level(raw: &Raw) -> Result<String, Error> {
    let level = raw.to_text().filter(|level| meta::level_rank(level).is_some());
    level.ok_or_else(|| {
        let (key, levels) = (meta::LOG_LEVEL, meta::LEVELS.join(", "));
        let text = format!("`params._meta[\"{key}\"]` is not a log level; levels are {levels}");
        Error::new(ErrorKind::InvalidParams, text)
    })
}

fn missing(key: &str) -> Error {
    Error::new(
        ErrorKind::MissingMeta,
        format!("`params._meta[\"{key}\"]` is missing or not of the right type"),
    )
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

/// `Mcp-Name` mirrors the name, URI or task id that the request is routed by.
pub(super) fn check_name(head: &Head, row: &Method, params: &Object) -> Result<(), Error> {
    let Some(body) = row.named_by().and_then(|key| params.text(key)) else {
        // A body that lacks it is refused for that, which says more than a header that mirrors nothing.
        return Ok(());
    };
    match head.name.as_deref().map(header::decode) {
        Some(None) => {
            let text =
                format!("the header `{}` is not valid Base64 between its marks", header_name(header::NAME));
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
    Err(Error::new(
        ErrorKind::HeaderMismatch,
        format!("the header `{shown}` says `{name}`, the body says `{body}`"),
    ))
}
