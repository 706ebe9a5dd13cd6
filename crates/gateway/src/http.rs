//! HTTP, from the socket to the route and back.
//!
//! The way of a connection, and of the requests on it:
//!
//! 1. [`listener`]: the sockets, all opened before anything is served; accepting, limits, one task per connection;
//! 2. [`tls`]: the certificates of a port, and the handshake;
//! 3. [`body`]: reading what a client sends under a ceiling, and the bodies that we send;
//! 4. [`drain`]: how everything of the above comes to an end;
//! 5. [`counts`]: how often what happened, for metrics.

pub mod body;
pub mod counts;
mod deadline;
pub mod drain;
pub mod listener;
pub mod mcp;
pub mod respond;
pub mod tls;
