//! What comes in and what goes out, in terms that any transport towards clients can render.

use bytes::Bytes;
use futures::stream::BoxStream;

use crate::error::ErrorKind;

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
    /// Cancelled when the port closes: streams without an end of their own end then.
    pub closing: tokio_util::sync::CancellationToken,
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
}

impl std::fmt::Debug for Frames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Frames")
    }
}

impl From<Bytes> for Frame {
    fn from(message: Bytes) -> Self {
        Self { id: None, message }
    }
}

/// One message for the client.
#[derive(Debug)]
pub struct Single {
    /// The JSON-RPC message.
    pub body: Bytes,
    /// Set if the message is an error that must be visible outside the body as well.
    pub error: Option<ErrorKind>,
    /// The session that begins with this message.
    pub session: Option<String>,
}

impl Single {
    /// A message that needs no more than itself.
    pub(crate) fn plain(body: Bytes) -> Self {
        Self { body, error: None, session: None }
    }
}
