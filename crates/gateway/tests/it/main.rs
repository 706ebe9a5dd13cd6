//! The gateway from outside: the program, its files, its sockets, its children.

mod asking;
mod checklist;
mod cli;
mod client;
mod conformance;
mod crossing;
mod failing;
mod heads;
mod http_rules;
mod leaks;
mod older;
mod peers;
mod person;
mod reload;
mod soak;
mod streams;
mod support;
