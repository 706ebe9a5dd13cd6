//! Conversations with a virtual server over scripted targets in memory, under virtual time.
//!
//! [`target`] is a server whose behaviour is data and [`client`] is a client that checks the protocol's invariants on
//! every exchange, as [`hearing`] does on a modern client's listen stream; all fail the test that breaks one of them.

mod client;
mod target;

mod abandoned;
mod adversity;
mod apps;
mod asking;
mod breaker;
mod bridging;
mod calls;
mod changes;
mod discovery;
mod downlevel;
mod edges;
mod failures;
mod guarantees;
mod handshake;
mod hearing;
mod idle;
mod journal;
mod limits;
mod listen;
mod listening;
mod lists;
mod log;
mod measures;
mod mirrors;
mod names;
mod notes;
mod odd_items;
mod parking;
mod relinking;
mod reload;
mod rounds;
mod sessions;
mod sharing;
mod short_names;
mod streams;
mod subscriptions;
mod takeover;
mod tasks;
mod warm;
