//! MCP servers that live in this binary, spoken to over stdio: `agentgateway builtin time`.
//!
//! They let someone try the gateway on a machine that has no Node and no Python, and are small enough to be read
//! as an example of a server for both eras. The gateway itself treats them like any other child process.

use std::io;

mod everything;
mod time;

mod call;
mod envelope;
mod server;
#[cfg(test)]
mod tests;

use server::Service;

/// The servers, by the name that the command line takes.
const SERVICES: [(&str, &dyn Service); 2] = [("time", &time::Time), ("everything", &everything::Everything)];

/// The names that [`run`] knows.
pub const NAMES: [&str; SERVICES.len()] = [SERVICES[0].0, SERVICES[1].0];

/// Why a built-in server ended before its client was done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no server of this name.
    #[error("no built-in server is called {0:?}; there are: {list}", list = NAMES.join(", "))]
    Unknown(String),
    /// The client's end of a pipe broke.
    #[error("the client cannot be reached")]
    Io(#[from] io::Error),
}

/// Serves the named server on stdin and stdout until stdin ends.
pub fn run(name: &str) -> Result<(), Error> {
    let (_, service) =
        SERVICES.iter().find(|(known, _)| *known == name).ok_or_else(|| Error::Unknown(name.into()))?;
    Ok(server::serve(*service, io::stdin().lock(), io::stdout())?)
}
