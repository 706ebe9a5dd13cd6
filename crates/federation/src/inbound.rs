//! What comes in and what goes out, in terms that any transport towards clients can render.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use protocol::{Message, Notification, Pieces, Request};
use tokio_util::sync::CancellationToken;

use crate::error::ErrorKind;
use crate::principal::Principal;

/// What a request's headers say to us.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// `Mcp-Session-Id`.
    pub session: Option<String>,
    /// `MCP-Protocol-Version`.
    pub version: Option<String>,
    /// `Mcp-Method`.
    pub method: Option<String>,
    /// `Mcp-Name`, as it came.
    pub name: Option<String>,
    /// `Mcp-Param-*`, names in lower case.
    pub params: Vec<(String, String)>,
    /// What is wrong with the headers above, if something is.
    pub fault: Option<String>,
    /// `Last-Event-ID`: where a broken stream is to be taken up. Means nothing in a modern request.
    pub last_event_id: Option<String>,
    /// Who sends it, as far as that is proved.
    pub principal: Principal,
    /// Cancelled when the way to the client is about to be closed from our side: a stream without an end of its own says
    /// its last words then, and ends.
    pub closing: CancellationToken,
}

/// What a body is POSTed with.
#[derive(Debug, Clone, Default)]
pub struct Asking {
    /// What the headers say, which may be the same for many requests.
    pub head: Arc<Head>,
    /// Where to note what is asked, if somebody wants to know.
    pub gist: Option<Arc<Gist>>,
}

impl Asking {
    pub(crate) fn note(&self, message: &Message) {
        if let Some(gist) = &self.gist {
            gist.note(message);
        }
    }
}

impl From<Head> for Asking {
    fn from(head: Head) -> Self {
        Self { head: Arc::new(head), gist: None }
    }
}

/// What is asked and of whom, as far as it is found out while a request is served: for an access log. Of each the first that is
/// noted stays.
#[derive(Debug, Default)]
pub struct Gist(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    /// All that is known, one after the other.
    text: String,
    /// Where each is in it.
    method: Option<Range<usize>>,
    item: Option<Range<usize>>,
    target: Option<Range<usize>>,
}

/// What is known of a request so far.
pub struct Known<'a>(MutexGuard<'a, Noted>);

impl Known<'_> {
    /// The method of the message, as its client wrote it.
    pub fn method(&self) -> Option<&str> {
        self.at(&self.0.method)
    }

    /// What a target is asked for, as the client wrote it: the name of a tool or prompt, or a URI without its query.
    pub fn item(&self) -> Option<&str> {
        self.at(&self.0.item)
    }

    /// The target that is asked; the first, if there are several.
    pub fn target(&self) -> Option<&str> {
        self.at(&self.0.target)
    }

    fn at(&self, place: &Option<Range<usize>>) -> Option<&str> {
        self.0.text.get(place.clone()?)
    }
}

impl Gist {
    /// What is known now. Whoever finds out more waits for as long as this is held.
    pub fn known(&self) -> Known<'_> {
        Known(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, message: &Message) {
        match message {
            Message::Request(Request { method, .. }) | Message::Notification(Notification { method, .. }) => {
                self.put(|noted| &mut noted.method, short(method));
            }
            Message::Response(_) => {}
        }
    }

    pub(crate) fn note_item(&self, item: Option<&str>) {
        // The query of a URI may hold secrets.
        if let Some(item) = item.and_then(|item| item.split('?').next()) {
            self.put(|noted| &mut noted.item, short(item));
        }
    }

    pub(crate) fn note_target(&self, target: &str) {
        self.put(|noted| &mut noted.target, target);
    }

    fn put(&self, place: fn(&mut Noted) -> &mut Option<Range<usize>>, text: &str) {
        /// How much is noted of most requests, in bytes.
        const USUAL: usize = 64;
        let Known(mut noted) = self.known();
        let begin = noted.text.len();
        let end = begin + text.len();
        if place(&mut noted).is_none() {
            *place(&mut noted) = Some(begin..end);
            if begin == 0 {
                noted.text.reserve(USUAL);
            }
            noted.text.push_str(text);
        }
    }
}

/// As much of a text that a client chose as belongs into a line.
fn short(text: &str) -> &str {
    const LONGEST: usize = 256;
    &text[..text.floor_char_boundary(LONGEST)]
}

/// What is to be sent to the client.
#[derive(Debug)]
pub enum Outcome {
    /// Taken note of; there is nothing to say.
    Accepted,
    /// One message.
    One(Single),
    /// Several messages; the last is the response.
    Stream(Frames),
}

/// Messages for a client, in order.
pub struct Frames(pub(crate) BoxStream<'static, Frame>);

/// One message of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The id under which the stream can be taken up after this message; only legacy streams have it.
    pub id: Option<String>,
    /// The JSON-RPC message; empty in the event that opens a stream, which only says its id.
    pub message: Bytes,
}

impl Frames {
    /// The messages as a stream.
    pub fn into_stream(self) -> BoxStream<'static, Frame> {
        self.0
    }

    /// The messages up to a signal.
    pub(crate) fn until(self, end: CancellationToken) -> Self {
        Self(self.0.take_until(end.cancelled_owned()).boxed())
    }
}

impl std::fmt::Debug for Frames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Frames")
    }
}

impl<M: Into<Pieces>> From<M> for Frame {
    fn from(message: M) -> Self {
        Self { id: None, message: message.into().join() }
    }
}

/// One message for the client.
#[derive(Debug)]
pub struct Single {
    /// The JSON-RPC message.
    pub body: Pieces,
    /// Set if the message is an error that must be visible outside the body as well.
    pub error: Option<ErrorKind>,
    /// The session that begins with this message.
    pub session: Option<String>,
}

impl Single {
    /// A message that needs no more than itself.
    pub(crate) fn plain(body: impl Into<Pieces>) -> Self {
        Self { body: body.into(), error: None, session: None }
    }
}
