//! `make bench`: what a gateway costs, next to no gateway and to a plain reverse proxy, measured in one run.
//!
//! Shares no code with the gateway, so that it does not share its bugs. `docs/benchmarks.md` says how it measures.
#![cfg(target_os = "linux")]

mod child;
mod cli;
mod contestant;
mod era;
mod http;
mod load;
mod meter;
mod peer;
mod plan;
mod report;
mod sse;
mod text;

pub use cli::main;
