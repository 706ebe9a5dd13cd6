//! A server that breaks the rules on demand: each of its tools is one fault.
//!
//! It speaks either era over stdio and Streamable HTTP, and says every message
//! through a short queue that the transport empties: a flood is as fast as the
//! other side reads, and holds no memory of its own.

mod http;
mod server;
mod stdio;
mod tools;

use std::io;

use crate::Served;
use crate::fixture::Era;
use server::Server;

pub use stdio::serve_stdio;

/// Starts a hostile server on a loopback port (0 picks one). It speaks the
/// legacy era, unless it is told to speak the modern one alone.
///
/// # Errors
///
/// If the port is taken.
pub async fn serve(name: &str, era: Era, port: u16) -> io::Result<Served> {
    let server = Server::new(name, era);
    crate::web::listen(port, move |request| http::answer(server.clone(), request)).await
}
