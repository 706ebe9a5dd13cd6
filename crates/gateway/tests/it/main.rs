//! The gateway from outside: the program, its files, its sockets, its children.

mod admin;
mod asking;
mod checklist;
mod children;
mod cli;
mod client;
mod configuration;
mod conformance;
mod crossing;
mod depth;
mod discovery;
mod failing;
mod fuzz;
mod heads;
mod hostile;
mod http_rules;
mod leaks;
mod older;
mod peers;
mod person;
mod reload;
mod replicas;
mod soak;
mod streams;
mod support;
