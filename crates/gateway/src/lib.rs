//! The gateway: HTTP, configuration, command line and signals around the virtual server.
//!
//! [`app`] is the program: it opens the sockets of a configuration, serves them, takes over changed configurations and
//! shuts down. Everything about MCP is in the crates below; nothing about HTTP and files is.

pub mod app;
pub mod assemble;
pub mod reload;
pub mod watch;
pub mod workers;

pub mod admin;
pub mod http;
mod side;
pub mod stats;

pub mod access_log;
pub mod cli;
pub mod config;
pub mod descriptors;
pub mod log;
pub mod signals;
pub mod welcome;

pub mod builtin;
