//! What a configuration may say about a virtual server.

use protocol::name::MaxLength;

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
