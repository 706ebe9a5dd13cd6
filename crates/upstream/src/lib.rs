//! Links to targets: processes and sockets, and no decisions.
//!
//! A [`Target`] is one configured server and is kept alive here; a [`Link`] is one live connection to it that speaks
//! either era; a [`wire::Wire`] is what carries the link's messages (a child's pipes, Streamable HTTP, the two
//! endpoints of 2024-11-05). Only this crate starts processes and opens connections to targets. It does not know
//! who is calling, what may be called, or that there is more than one target.

pub mod call;
pub mod reply;
pub mod settings;

mod attribution;
mod boxed;
mod drive;
pub mod latch;
pub mod link;
pub mod pool;
pub mod queue;
pub mod spread;
pub mod starting;
pub mod target;
mod turn;

pub mod error;
pub mod task;
pub mod wire;

pub use boxed::boxed;
pub use call::{Call, Caller};
pub use error::{Error, ErrorKind};
pub use latch::Latch;
pub use link::{Heard, Link, Listening, Notice, Peer};
pub use reply::{Answer, Ask, Event, Note, Question, Reply};
pub use settings::{Settings, Transport};
pub use starting::Starting;
pub use target::admission::{Pass, Refusal};
pub use target::backoff::Backoff;
pub use target::breaker::{BreakerStatus, Paused, Position};
pub use target::stats::{LinkKind, Stats};
pub use target::{Failure, State, Target};
pub use task::Task;
pub use wire::Tie;
#[cfg(target_os = "linux")]
pub use wire::stdio::keeper;
