//! The middle of a request's life: from a method's row to the reply, the same for both eras.

use std::sync::Arc;

use protocol::method::{Local, Method, Routing};
use protocol::{Kind, Object, Raw};
use upstream::{Call, Caller};

use crate::backend::Shared;
use crate::catalog::{Catalog, Destination, Meaning};
use crate::error::{Error, ErrorKind};
use crate::relay::{Links, Served, relay};
use crate::{gather, local, task};

mod completions;
mod tools;

/// On whose account a request is served, and how.
pub(crate) struct Context {
    pub(crate) backend: Arc<Shared>,
    pub(crate) links: Links,
    pub(crate) caller: Arc<Caller>,
    /// The log level wanted on the stream of this request.
    pub(crate) log_level: Option<String>,
    /// Whether the caller wants to hear of progress.
    pub(crate) progress: bool,
    /// `Mcp-Param-*` headers of a modern client. A legacy client knows of none.
    pub(crate) mirrored: Option<Vec<(String, String)>>,
}

impl Context {
    /// Serves a request: ours, all targets together, or the one that owns the item.
    pub(crate) async fn serve(&self, method: &'static Method, params: Object) -> Result<Served, Error> {
        match method.routing {
            Routing::Ours(local) => self.ours(local).await.map(one),
            Routing::Gather(kind) => self.gather(kind, &params).await.map(one),
            Routing::ByName(Kind::Tool) => self.tool(method, params).await,
            Routing::ByName(kind) => self.by_name(kind, method, params).await,
            Routing::ByUri => self.by_uri(method, params).await,
            Routing::ByRef => self.complete(method, params).await,
            Routing::ByTask => task::about(self, method, params).await,
        }
    }

    /// What needs no session and no stream. The edges keep the rest for themselves.
    async fn ours(&self, local: Local) -> Result<Raw, Error> {
        match local {
            Local::Ping => Ok(Raw::empty_object()),
            Local::Discover => Ok(local::discover(self.backend.settled_catalog().await.as_ref())),
            Local::Initialize
            | Local::SetLevel
            | Local::Subscribe
            | Local::Unsubscribe
            | Local::ListTasks => Err(Error::new(
                ErrorKind::UnknownMethod,
                "this method needs a session, and this server keeps none",
            )),
            // The modern edge keeps it for itself: it has no answer but its end.
            Local::Listen => Err(Error::new(ErrorKind::UnknownMethod, "this method is served as a stream")),
        }
    }

    async fn gather(&self, kind: Kind, params: &Object) -> Result<Raw, Error> {
        let catalog = self.backend.settled_catalog().await;
        offered(&catalog, kind.capability())?;
        self.backend.refresh_stale();
        gather::page(&catalog, kind, params.get("cursor"), self.backend.settings().failure)
    }

    async fn by_name(&self, kind: Kind, method: &'static Method, params: Object) -> Result<Served, Error> {
        let name = required_text(&params, "name")?;
        offered(&self.backend.catalog(), kind.capability())?;
        let unknown = || Error::new(ErrorKind::InvalidParams, format!("unknown {}: `{name}`", kind.noun()));
        let to = self.find(|catalog| catalog.by_name(kind, &name)).await.ok_or_else(unknown)?;
        self.relay(&to, "name", method, params).await
    }

    async fn by_uri(&self, method: &'static Method, params: Object) -> Result<Served, Error> {
        let to = self.resource(&required_text(&params, "uri")?).await?;
        self.relay(&to, "uri", method, params).await
    }

    /// Where the name of a tool leads.
    async fn tool_named(&self, name: &str) -> Result<Destination, Error> {
        offered(&self.backend.catalog(), Kind::Tool.capability())?;
        if let Some(to) = self.find(|catalog| catalog.by_name(Kind::Tool, name)).await {
            return Ok(to);
        }
        match self.backend.catalog().app_tool(name) {
            Meaning::One(to) => Ok(to),
            Meaning::Several(names) => Err(ambiguous(name, &names)),
            Meaning::None => Err(Error::new(ErrorKind::InvalidParams, format!("unknown tool: `{name}`"))),
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

    async fn relay(
        &self,
        to: &Destination,
        key: &str,
        method: &'static Method,
        mut params: Object,
    ) -> Result<Served, Error> {
        params.set(key, Raw::string(&to.local));
        relay(&self.links, to, self.call(method, params)).await
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

fn one(result: Raw) -> Served {
    Served::One(Ok(result))
}

/// A method of a capability that no target has is unknown, as it would be at a single server.
pub(crate) fn offered(catalog: &Catalog, capability: &str) -> Result<(), Error> {
    if local::offers(catalog, capability) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::UnknownMethod, format!("no target of this server offers {capability}")))
}

/// A bare name of an app that several targets have. To guess would be to call something that nobody meant.
fn ambiguous(name: &str, exposed: &[String]) -> Error {
    let text = format!("`{name}` is ambiguous: it may be `{}`", exposed.join("` or `"));
    Error::new(ErrorKind::InvalidParams, text)
}

fn lacking(key: &str) -> Error {
    Error::new(ErrorKind::InvalidParams, format!("`params.{key}` is missing or not of the right type"))
}

/// A member of params that must be a string.
pub(crate) fn required_text(params: &Object, key: &str) -> Result<String, Error> {
    params.text(key).ok_or_else(|| lacking(key))
}
