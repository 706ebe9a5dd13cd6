//! What comes in and what goes out, in terms that any transport towards clients can render.

use bytes::Bytes;

use crate::error::ErrorKind;
use crate::session::mailbox::Frames;

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
