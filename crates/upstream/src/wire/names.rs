//! The names of MCP's headers. One that is given as text is read anew each time.

use http::HeaderName;
use protocol::header;

pub(crate) const SESSION_ID: HeaderName = HeaderName::from_static(header::SESSION_ID);
pub(crate) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static(header::PROTOCOL_VERSION);
pub(crate) const METHOD: HeaderName = HeaderName::from_static(header::METHOD);
pub(crate) const NAME: HeaderName = HeaderName::from_static(header::NAME);
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static(header::LAST_EVENT_ID);

/// How many headers a message to a target has as a rule. A map that has to grow takes twice as long to fill.
pub(crate) const USUAL_HEADERS: usize = 6;
