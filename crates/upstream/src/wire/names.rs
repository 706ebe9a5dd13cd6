//! The names of MCP's headers. One that is given as text is read anew each time.

use http::HeaderName;
use protocol::header;

pub(crate) static SESSION_ID: HeaderName = HeaderName::from_static(header::SESSION_ID);
pub(crate) static PROTOCOL_VERSION: HeaderName = HeaderName::from_static(header::PROTOCOL_VERSION);
pub(crate) static METHOD: HeaderName = HeaderName::from_static(header::METHOD);
pub(crate) static NAME: HeaderName = HeaderName::from_static(header::NAME);
pub(crate) static LAST_EVENT_ID: HeaderName = HeaderName::from_static(header::LAST_EVENT_ID);
