//! Conversations with a virtual server over scripted targets in memory, under virtual time.
//!
//! [`target`] is a server whose behaviour is data and [`client`] is a client that checks the protocol's invariants on
//! every exchange; both fail the test that breaks one of them.

mod client;
mod target;

mod bridging;
mod calls;
mod edges;
mod failures;
mod guarantees;
mod lists;
mod names;
mod notes;
mod reload;
mod sessions;
mod subscriptions;
