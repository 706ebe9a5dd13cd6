//! The conformance fixture: an MCP server with the tools, resources and
//! prompts that the official suite asks for by name.
//!
//! It speaks both eras. *Legacy* is 2024-11-05 to 2025-11-25 (sessions,
//! `initialize`, requests from the server); *modern* is 2026-07-28 (stateless,
//! every request carries its own envelope). The same tools serve both: a tool
//! that needs the client calls `Call::ask`, which sends a request in the
//! legacy era and ends the call with `input_required` in the modern one. Tools
//! may become tasks, in both eras.
//!
//! What begins with `kit` is not the suite's: it shows our own tests crossed
//! answers, cancellations, changes, and in `kit_state` what is left open.

mod ask;
mod call;
mod capabilities;
mod clock;
mod completion;
mod events;
mod fault;
mod gauge;
mod guard;
mod headers;
mod http;
mod inflight;
mod jsonrpc;
mod legacy;
mod listen;
mod listing;
mod methods;
mod modern;
mod prompts;
mod questions;
pub(crate) mod random;
mod resources;
mod seal;
mod server;
mod session;
mod skills;
mod stdio;
mod tasks;
mod tools;
mod visit;

use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::Served;

pub(crate) use guard::is_loopback;
pub use stdio::{Opening, serve_stdio};

/// The revision of the modern era.
pub const MODERN: &str = "2026-07-28";

/// The revisions of the legacy era, newest first.
pub const LEGACY: &[&str] = &["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// Which eras a server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Era {
    /// Sessions only; a modern probe is refused as real legacy servers do.
    Legacy,
    /// Stateless only; `initialize` is refused.
    Modern,
    /// Both on one endpoint or process.
    #[default]
    Both,
}

impl Era {
    fn speaks_legacy(self) -> bool {
        self != Era::Modern
    }

    fn speaks_modern(self) -> bool {
        self != Era::Legacy
    }
}

/// How a fixture server behaves.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The eras it speaks.
    pub era: Era,
    /// If set, `tools/list` names only this many generated tools, `tool_0000` on.
    pub tools: Option<usize>,
    /// If set, every list is cut into pages of this length.
    pub page: Option<usize>,
    /// Answers every request with an SSE stream, also where one JSON object would do.
    pub always_sse: bool,
    /// Asks legacy clients on the session's GET stream instead of the stream of
    /// the call that asks, as some servers do. Changes nothing over stdio.
    pub requests_on_get: bool,
    /// The name it gives itself in `serverInfo`; `mcp-fixture` if empty.
    pub name: String,
}

/// Starts a fixture server on a free loopback port.
pub async fn serve_http(era: Era) -> io::Result<Served> {
    serve(Settings { era, ..Settings::default() }, 0).await
}

/// Starts a fixture server with these settings on a loopback port (0 picks one).
pub async fn serve(settings: Settings, port: u16) -> io::Result<Served> {
    let server = server::Server::new(settings);
    crate::web::listen(port, move |request| http::answer(server.clone(), request)).await
}

/// The `mcp-fixture` binary beside the running test, built if it is not there.
///
/// It is not rebuilt when it exists: run `cargo build -p testkit` after
/// changing the fixture, as the workspace's test recipe does.
pub fn binary() -> io::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let profile = test.ancestors().find(|dir| !dir.ends_with("deps") && dir.is_dir());
    let found = profile.unwrap_or(&test).join(format!("mcp-fixture{}", std::env::consts::EXE_SUFFIX));
    if !found.exists() {
        Command::new(env!("CARGO")).args(["build", "-p", "testkit", "--bin", "mcp-fixture"]).status()?;
    }
    Ok(found)
}
