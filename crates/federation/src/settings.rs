//! What a configuration may say about a virtual server.

use std::time::Duration;

use protocol::name::MaxLength;

use crate::seal::Key;

/// One virtual server.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What identifies the server over reloads, such as the name of its route.
    pub key: String,
    /// Its targets; the order is the order of its lists.
    pub targets: Vec<upstream::Settings>,
    /// When names carry their target.
    pub prefix: PrefixMode,
    /// Names of tools and prompts that are longer are shortened.
    pub longest_name: Option<MaxLength>,
    /// What a missing target does to the others.
    pub failure: FailureMode,
    /// Serve legacy clients without sessions.
    pub stateless: bool,
    /// The sessions of legacy clients.
    pub sessions: Sessions,
}

/// What a configuration may say about the sessions of legacy clients.
#[derive(Debug, Clone, PartialEq)]
pub struct Sessions {
    /// The keys of session ids and of whatever else clients carry for us: the first seals, all of them open. Without any, one
    /// of our own, which no other process has.
    pub keys: Vec<Key>,
    /// Sessions without an open stream, a running call or a request for this long end.
    pub idle: Duration,
    /// How many there may be at once.
    pub most: usize,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { keys: Vec::new(), idle: Duration::from_secs(30 * 60), most: 20_000 }
    }
}

/// When names and URIs carry their target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrefixMode {
    /// If there is more than one target.
    #[default]
    Conditional,
    /// Even if there is only one.
    Always,
    /// Names do not, unless two targets use the same one: then the first keeps it and the others carry their target.
    /// URIs still do if there is more than one target, since they must lead back to theirs.
    Never,
}

/// What a missing target does to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailureMode {
    /// Lists go on without it, and say so.
    #[default]
    FailOpen,
    /// Lists fail.
    FailClosed,
}
