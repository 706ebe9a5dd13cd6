//! MCP as data: what a gateway has to know about messages, and nothing about how they travel.
//!
//! No I/O, no async, no clock. Everything here is a function from bytes to bytes or a small value, so it can be
//! tested by tables and properties and fuzzed. Messages are never read into typed models and written back: a
//! message is scanned once into an envelope of raw slices ([`Raw`]), and an edit replaces one slice and leaves
//! every other byte alone. That is what keeps unknown members, key order and number spelling intact.

pub mod depth;
pub mod edit;
pub mod json;
mod reader;
mod word;

pub mod error;
pub mod id;
pub mod message;
pub mod pieces;

pub mod capability;
pub mod down;
pub mod era;
pub mod header;
pub mod meta;
pub mod method;
pub mod mirror;

pub mod completion;
pub mod list;
pub mod name;
pub mod sse;
pub mod task;
pub mod uris;

pub use edit::Splice;
pub use era::{Era, Version};
pub use error::RpcError;
pub use id::Id;
pub use json::{Key, Object, Raw};
pub use message::{Message, Notification, Request, Response};
pub use method::{Kind, Method};
pub use mirror::Mirror;
pub use pieces::Pieces;
pub use word::Word;
