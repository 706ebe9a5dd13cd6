//! Streamable HTTP, of both eras: one endpoint, a POST per message.
//!
//! Spec 2025-11-25, basic/transports "Streamable HTTP", and 2026-07-28, basic/transports/streamable-http. The eras
//! differ in the headers, which the link writes. What only legacy servers do happens here when such a server does it:
//! a session is kept when one is given out, and a stream is resumed when its events have ids.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderValue, Uri};
use protocol::Version;
use tokio::sync::oneshot;

use crate::settings::Limits;
use crate::wire::http_client::HttpClient;
use crate::wire::{Connect, Frames, Inbox, Named, Nuisances, Outgoing, Tie, Wire};
use crate::{Error, Task, boxed};

mod answer;
mod call;
mod endpoint;
mod life;
mod listen;
mod place;

use endpoint::Endpoint;
use life::Stage;
use place::Place;

/// Opens wires to one URL.
pub struct StreamableConnect {
    name: Named,
    place: Arc<Place>,
    limit: usize,
    client: HttpClient,
}

impl StreamableConnect {
    /// A connector for the target `name`.
    pub fn new(name: &str, url: Uri, limits: &Limits, client: HttpClient) -> Self {
        Self { name: name.into(), place: Arc::new(Place::new(url)), limit: limits.message, client }
    }
}

impl StreamableConnect {
    fn wire(&self, inbox: Inbox) -> StreamableWire {
        StreamableWire::to(&self.name, self.place.clone(), self.limit, self.client.clone(), inbox)
    }
}

impl Connect for StreamableConnect {
    /// Nothing is sent: the first message finds out whether the target is there.
    fn connect(&self, inbox: Inbox) -> BoxFuture<'_, Result<Box<dyn Wire>, Error>> {
        futures::future::ready(Ok(Box::new(self.wire(inbox)) as Box<dyn Wire>)).boxed()
    }

    fn adopt(&self, inbox: Inbox, session: &str) -> Option<Box<dyn Wire>> {
        let wire = self.wire(inbox);
        wire.endpoint.adopt_session(HeaderValue::try_from(session).ok()?);
        Some(Box::new(wire))
    }

    fn nuisances(&self) -> Nuisances {
        self.name.nuisances()
    }
}

/// A wire that is at most a session: connections come and go with the messages.
pub struct StreamableWire {
    endpoint: Arc<Endpoint>,
    listening: AtomicBool,
}

impl StreamableWire {
    /// A wire to the target `name` at `url`, which may send messages of at most `limit` bytes.
    pub fn new(name: &str, url: Uri, limit: usize, client: HttpClient, inbox: Inbox) -> Self {
        Self::to(&name.into(), Arc::new(Place::new(url)), limit, client, inbox)
    }

    fn to(target: &Named, place: Arc<Place>, limit: usize, client: HttpClient, inbox: Inbox) -> Self {
        let endpoint = Arc::new(Endpoint::new(target, place, limit, client, inbox));
        Self { endpoint, listening: AtomicBool::new(false) }
    }
}

impl Drop for StreamableWire {
    /// Ends whatever is under way.
    fn drop(&mut self) {
        self.endpoint.life.set(Stage::Over);
    }
}

impl Wire for StreamableWire {
    fn request(&self, out: Outgoing) -> BoxFuture<'_, Result<Frames, Error>> {
        boxed(|| self.endpoint.while_alive(|| answer::exchange(&self.endpoint, out)))
    }

    fn send(&self, out: Outgoing) -> BoxFuture<'_, Result<(), Error>> {
        boxed(|| self.endpoint.while_alive(|| answer::deliver(&self.endpoint, out)))
    }

    fn open_stream(&self, version: Version, at_once: bool) -> BoxFuture<'static, ()> {
        // A server may not send a message on two streams, so a second one would only split what the first one carries.
        if self.endpoint.life.is(Stage::Over) || self.listening.swap(true, Ordering::Relaxed) {
            return futures::future::ready(()).boxed();
        }
        let (answered, answer) = oneshot::channel();
        let answered = at_once.then_some(answered);
        // Nobody holds it, so that nothing is left of it where the server offers no stream.
        Task::spawn_finite("listen", listen::listen(Arc::clone(&self.endpoint), version, answered));
        answer.map(drop).boxed()
    }

    /// Each call has a stream of its own.
    fn attributes(&self) -> bool {
        true
    }

    fn tie(&self) -> Tie {
        self.endpoint.session_name().map_or(Tie::Nothing, Tie::Session)
    }

    fn closed(&self) -> BoxFuture<'_, Error> {
        self.endpoint.closed().boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        boxed(move || async move {
            self.endpoint.life.set(Stage::Over);
            self.endpoint.end_session().await;
        })
    }
}
