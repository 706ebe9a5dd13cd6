//! On whose account a request is served, and where the names in it lead.

use std::sync::Arc;

use futures::StreamExt as _;
use protocol::{Kind, Method, Object, Raw};
use upstream::spread::Lent;
use upstream::{Call, Caller, Event};

use crate::backend::Shared;
use crate::catalog::{Catalog, Destination, Meaning};
use crate::error::{Error, ErrorKind};
use crate::journal::record::Record;
use crate::relay::{Links, Served, relay};

/// On whose account a request is served, and how.
pub(crate) struct Context {
    pub(crate) backend: Lent<Shared>,
    pub(crate) links: Links,
    pub(crate) caller: Arc<Caller>,
    /// The log level wanted on the stream of this request.
    pub(crate) log_level: Option<String>,
    /// Whether the caller wants to hear of progress.
    pub(crate) progress: bool,
    /// `Mcp-Param-*` headers of a modern client. A legacy client knows of none.
    pub(crate) mirrored: Option<Vec<(String, String)>>,
    /// Where it is noted how the request went, if it is one that a target answers.
    pub(crate) record: Option<Arc<Record>>,
}

impl Context {
    /// Where the name of a tool leads.
    pub(crate) async fn tool_named(&self, name: &str) -> Result<Destination, Error> {
        offered(&self.backend.catalog(), Kind::Tool.capability())?;
        if let Some(to) = self.find(|catalog| catalog.by_name(Kind::Tool, name)).await {
            return Ok(to);
        }
        match self.backend.catalog().app_tool(name) {
            Meaning::One(to) => Ok(to),
            Meaning::Several(names) => Err(ambiguous(name, &names)),
            Meaning::None => Err(self.unknown(Kind::Tool, name)),
        }
    }

    /// Why a name of a tool or prompt leads nowhere.
    pub(crate) fn unknown(&self, kind: Kind, name: &str) -> Error {
        match self.backend.catalog().awaited_owner(name) {
            Some(target) => Error::unavailable(target.name()),
            None => Error::new(ErrorKind::InvalidParams, format!("unknown {}: `{name}`", kind.noun())),
        }
    }

    /// Where the URI of a resource leads.
    pub(crate) async fn resource(&self, uri: &str) -> Result<Destination, Error> {
        offered(&self.backend.catalog(), Kind::Resource.capability())?;
        let unknown = || {
            Error::new(ErrorKind::UnknownResource, format!("resource not found: `{uri}`"))
                .with_data([("uri", Raw::string(uri))].into_iter().collect::<Object>().to_raw())
        };
        if let Some(to) = self.find(|catalog| catalog.by_uri(uri)).await {
            return Ok(to);
        }
        match self.backend.catalog().app_page(uri) {
            Meaning::One(to) => Ok(to),
            Meaning::Several(uris) => Err(ambiguous(uri, &uris)),
            Meaning::None => Err(unknown()),
        }
    }

    /// Looks something up in what is offered now, and if it is not there, once more when the targets that were just started
    /// had their chance: a call to a target that is there does not wait for one that is not.
    pub(crate) async fn find(&self, look: impl Fn(&Catalog) -> Option<Destination>) -> Option<Destination> {
        match look(&self.backend.catalog()) {
            Some(found) => Some(found),
            None => look(self.backend.settled_catalog().await.as_ref()),
        }
    }

    /// Sends a call to its target.
    pub(crate) async fn send(&self, to: &Destination, call: Call) -> Result<Served, Error> {
        self.reaches(to.target.name());
        let served = relay(&self.links, to, call).await;
        match (served, &self.record) {
            (Ok(Served::Stream { target, events }), Some(record)) => {
                let record = record.clone();
                let events = events.inspect(move |event| match event {
                    Ok(Event::Answer(answer)) => record.note_answer(answer),
                    event => record.note_failure(event.as_ref().err()),
                });
                Ok(Served::Stream { target, events: events.boxed() })
            }
            (Ok(Served::One(answer)), record) => {
                record.iter().for_each(|record| record.note_answer(&answer));
                Ok(Served::One(answer))
            }
            (served, record) => {
                record.iter().for_each(|record| record.note_failure(served.as_ref().err()));
                served
            }
        }
    }

    /// Notes which target has the request.
    pub(crate) fn reaches(&self, target: &str) {
        if let Some(record) = &self.record {
            record.reaches(target);
        }
    }

    pub(crate) fn call(&self, method: &'static Method, params: Object) -> Call {
        Call {
            method,
            params,
            caller: self.caller.clone(),
            progress: self.progress,
            log_level: self.log_level.clone(),
            mirrored: Vec::new(),
            drive: false,
        }
    }
}

/// A method of a capability that no target has is unknown, as it would be at a single server.
pub(crate) fn offered(catalog: &Catalog, capability: &str) -> Result<(), Error> {
    if catalog.offers(capability) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::UnknownMethod, format!("no target of this server offers {capability}")))
}

/// A bare name of an app that several targets have. To guess would be to call something that nobody meant.
fn ambiguous(name: &str, exposed: &[String]) -> Error {
    let text = format!("`{name}` is ambiguous: it may be `{}`", exposed.join("` or `"));
    Error::new(ErrorKind::InvalidParams, text)
}

pub(crate) fn lacking(key: &str) -> Error {
    Error::new(ErrorKind::InvalidParams, format!("`params.{key}` is missing or not of the right type"))
}

/// A member of params that must be a string.
pub(crate) fn required_text(params: &Object, key: &str) -> Result<String, Error> {
    params.text(key).ok_or_else(|| lacking(key))
}
