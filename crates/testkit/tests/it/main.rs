//! The test kit's own tests: what the conformance suite does not look at.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly, too")]

mod alias;
mod client;
mod hostile;
mod http;
mod kit;
mod pipe;
mod session;
mod skills;
mod stdio;
mod tasks;
