//! The test kit: peers for the gateway to talk to.
//!
//! It shares no code with the gateway on purpose: a peer that used our parser
//! would share our bugs. Everything here works on plain `serde_json` values.
//!
//! * [`fixture`]: an MCP server with the official conformance suite's names,
//!   in both eras, over Streamable HTTP and stdio.
//! * [`alias`]: a shim that lets the suite's hard-coded names reach one target
//!   of a multiplexing gateway.
//! * [`hostile`]: a server whose tools are faults.
//!
//! The binary `mcp-fixture` is a thin command line over them.

pub mod alias;
pub mod fixture;
pub mod hostile;
mod web;

pub use web::Served;
