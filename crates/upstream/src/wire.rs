//! A wire carries JSON-RPC messages to and from one target. It knows framing, and no method.

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use http::{HeaderName, HeaderValue};
use http1::client::Request;
use protocol::{Id, Message, Version};

use crate::Error;
use crate::queue;

pub use tally::{Named, Nuisance, Nuisances};

pub mod http_client;
pub mod pipe;
pub mod sse;
pub mod stdio;
pub mod streamable;

mod intake;
mod lines;
pub(crate) mod names;
mod pending;
pub(crate) mod tally;

/// One live connection to a target.
pub trait Wire: Send + Sync {
    /// Sends a request. What comes back on its account is the returned frames, of which the last is the response.
    fn request(&self, out: Outgoing) -> BoxFuture<'_, Result<Frames, Error>>;

    /// Sends a notification, or the response to a request of the target's.
    fn send(&self, out: Outgoing) -> BoxFuture<'_, Result<(), Error>>;

    /// Opens the stream on which a legacy HTTP server sends what belongs to no request of ours; does nothing on wires
    /// that have only one stream. What arrives goes to the inbox. Where something may come that is wanted, it is to be open
    /// `at_once`, and this resolves when the server has taken it or refused, so that nothing is said before there is
    /// somewhere to say it.
    fn open_stream(&self, version: Version, at_once: bool) -> BoxFuture<'static, ()> {
        let _ = (version, at_once);
        futures::future::ready(()).boxed()
    }

    /// Whether what arrives in the middle of several calls says by itself which of them it belongs to.
    fn attributes(&self) -> bool {
        false
    }

    /// Where the target keeps what it knows of us over this wire.
    fn tie(&self) -> Tie {
        Tie::Connection
    }

    /// Resolves when the wire is dead, with the reason. Of a wire without a connection of its own (HTTP) that is known only if
    /// it listens.
    fn closed(&self) -> BoxFuture<'_, Error>;

    /// Ends the wire in good order: an HTTP session is deleted, a child is stopped as a tree. Returns when nothing is
    /// left. A wire that is dropped without this is cut.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Where a legacy target keeps what it knows of the client of a wire, and so whether another process can go on with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tie {
    /// It keeps nothing.
    Nothing,
    /// Under the id of a session, which any connection may name.
    Session(String),
    /// With the connection, and it is lost with it.
    Connection,
}

/// A message on its way to a target.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The id, if it is a request.
    pub id: Option<Id>,
    /// Whether it is `initialize`, which opens a session and never goes into one.
    pub opens: bool,
    /// The whole JSON-RPC message.
    pub body: Bytes,
    /// What HTTP says beside it. Other wires have no use for that.
    pub label: Label,
}

/// What HTTP says of a message beside the message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// The revision; none before one is agreed on.
    pub version: Option<Version>,
    /// The method, for modern targets.
    pub method: Option<&'static str>,
    /// What a modern request is about, as a header says it.
    pub name: Option<HeaderValue>,
    /// The params that a modern target wants mirrored.
    pub mirrored: Vec<(HeaderName, HeaderValue)>,
}

impl Label {
    /// Of a message that needs no more than the revision.
    pub fn of(version: impl Into<Option<Version>>) -> Self {
        Self { version: version.into(), ..Self::default() }
    }

    /// Writes it into a request.
    fn write(&self, request: &mut Request) {
        let Self { version, method, name, mirrored } = self;
        if let Some(version) = version {
            request.add(&names::PROTOCOL_VERSION, &HeaderValue::from_static(version.as_str()));
        }
        if let Some(method) = method {
            request.add(&names::METHOD, &HeaderValue::from_static(method));
        }
        if let Some(name) = name {
            request.add(&names::NAME, name);
        }
        for (name, value) in mirrored {
            request.add(name, value);
        }
    }
}

/// What comes back on a request's account. Dropping it gives up waiting.
pub enum Frames {
    /// The response, and nothing before it. With it the HTTP status under which it came, which tells eras apart; 200
    /// on wires without one.
    One(Message, u16),
    /// Notifications and requests of the target, ending with the response.
    Stream(BoxStream<'static, Result<Message, Error>>),
}

/// Where a wire puts messages that belong to no request of ours. Bounded. A stream that carries nothing else waits for
/// room, and its target with it; a wire on which responses follow drops what does not fit, with a warning, because no
/// call may wait for an inbox that nobody reads.
pub type Inbox = queue::Sender<Message>;

/// Opens wires to one target.
pub trait Connect: Send + Sync {
    /// Opens a wire. The caller sets the deadline.
    fn connect(&self, inbox: Inbox) -> BoxFuture<'_, Result<Box<dyn Wire>, Error>>;

    /// A wire that goes on with a session of the target's which another wire began, perhaps in another process. None where
    /// sessions end with their connection. Nothing is sent: the first message finds out whether the target still knows it.
    fn adopt(&self, inbox: Inbox, session: &str) -> Option<Box<dyn Wire>> {
        let _ = (inbox, session);
        None
    }

    /// Whether the headers of a message reach the target, as they do over HTTP.
    fn carries_headers(&self) -> bool {
        false
    }

    /// The last lines that the target wrote to its standard error, oldest first. Empty for targets without one.
    fn last_words(&self) -> Vec<String> {
        Vec::new()
    }

    /// What the target sent over all of its wires that reached nobody.
    fn nuisances(&self) -> Nuisances {
        Nuisances::default()
    }

    /// The process ids of the target's live children.
    fn processes(&self) -> Vec<u32> {
        Vec::new()
    }
}
