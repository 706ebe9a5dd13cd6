//! The server behind the contestants: an MCP server that is as cheap as it can be and still correct.
//!
//! One era at a time, answers as JSON or as a stream of events, over HTTP or standard input and output. Its tools are `echo`
//! (repeats its argument), `large` (the same and 64 KB more), `hang` (never answers), and as many others as a list is to be
//! long.

mod answers;
mod http;
mod message;
mod stdio;
mod tools;

use std::net::SocketAddr;

use crate::era::Era;

pub(crate) use http::serve;
pub(crate) use stdio::serve_stdio;

/// How many tools every server has of its own.
pub(crate) const OWN_TOOLS: usize = 3;

/// How a server behaves.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Settings {
    /// The address to listen on; with port 0 the system chooses one, which is printed
    #[arg(long, default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Serve on standard input and output instead
    #[arg(long)]
    pub(crate) stdio: bool,
    /// The era to speak
    #[arg(long, value_enum, default_value = "legacy")]
    pub(crate) era: Era,
    /// Answer requests with a stream of events
    #[arg(long)]
    pub(crate) sse: bool,
    /// How many tools to offer in all
    #[arg(long, default_value_t = OWN_TOOLS)]
    pub(crate) tools: usize,
    /// How many threads serve
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: usize,
}
