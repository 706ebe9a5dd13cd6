//! The middle of a request's life: from a method's row to the reply, the same for both eras.

use protocol::method::{Local, Method, Routing};
use protocol::{Kind, Object, Raw};

use crate::catalog::Destination;
use crate::context::{Context, offered, required_text};
use crate::error::{Error, ErrorKind};
use crate::gather::{self, Listed};
use crate::relay::Served;
use crate::{local, task};

mod completions;
mod tools;

impl Context {
    /// Serves a request: ours, all targets together, or the one that owns the item.
    pub(crate) async fn serve(&self, method: &'static Method, params: Object) -> Result<Served, Error> {
        match method.routing {
            Routing::Ours(local) => self.ours(local).await.map(one),
            Routing::Gather(kind) => self.gather(kind, &params).await.map(Served::Listed),
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

    async fn gather(&self, kind: Kind, params: &Object) -> Result<Listed, Error> {
        let catalog = self.backend.settled_catalog().await;
        offered(&catalog, kind.capability())?;
        self.backend.refresh_stale(&catalog);
        gather::page(catalog, kind, params.get("cursor"))
    }

    async fn by_name(&self, kind: Kind, method: &'static Method, params: Object) -> Result<Served, Error> {
        let name = required_text(&params, "name")?;
        offered(&self.backend.catalog(), kind.capability())?;
        let found = self.find(|catalog| catalog.by_name(kind, &name)).await;
        let to = found.ok_or_else(|| self.unknown(kind, &name))?;
        self.relay(&to, "name", method, params).await
    }

    async fn by_uri(&self, method: &'static Method, params: Object) -> Result<Served, Error> {
        let to = self.resource(&required_text(&params, "uri")?).await?;
        self.relay(&to, "uri", method, params).await
    }

    async fn relay(
        &self,
        to: &Destination,
        key: &'static str,
        method: &'static Method,
        mut params: Object,
    ) -> Result<Served, Error> {
        params.set(key, Raw::string(&to.local));
        self.send(to, self.call(method, params)).await
    }
}

fn one(result: Raw) -> Served {
    Served::One(Ok(result))
}
