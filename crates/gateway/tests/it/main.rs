//! The gateway from outside: the program, its files, its sockets, its children.

mod checklist;
mod cli;
mod client;
mod conformance;
mod failing;
mod heads;
mod http_rules;
mod older;
mod peers;
mod reload;
mod soak;
mod streams;
mod support;
