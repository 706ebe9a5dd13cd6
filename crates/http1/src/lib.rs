//! HTTP/1.1 on one connection, from either side, over anything that bytes come from and go to.
//!
//! The hot path of the gateway is a request that is read from one connection and written to another, and an answer that goes
//! back. Both sides are driven by the task that needs them: there is no task of a connection's own, no queue, and nothing is
//! copied that can be handed on.
//!
//! [`client`] sends requests to targets; [`server`] takes them from clients. What both have in common is in `head`, where a head
//! ends and what it says of the connection, and in `framing`, where a body ends. This crate opens no connections, keeps no
//! pools, and knows no deadlines.

pub mod client;
pub mod server;

mod framing;
mod head;
mod memory;
#[cfg(test)]
mod sent;

pub use framing::Fault;
