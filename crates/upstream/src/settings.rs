//! What a configuration may say about a target. Equal settings mean that a reload leaves the target alone.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::wire::Connect;

/// One configured target.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The target's name, valid by [`protocol::name::is_target_name`].
    pub name: String,
    /// How it is reached.
    pub transport: Transport,
    /// How long things may take and how large they may be.
    pub limits: Limits,
}

/// How a target is reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Transport {
    /// A child process that speaks over its standard input and output.
    Stdio(Stdio),
    /// Streamable HTTP, of either era, at this URL.
    Http(http::Uri),
    /// The HTTP+SSE transport of 2024-11-05, at this URL.
    Sse(http::Uri),
    /// Anything else that can be opened: in-memory targets in tests.
    Custom(Custom),
}

impl Transport {
    /// Whether the headers of a message reach the target, so that a modern one compares them with the body.
    pub fn carries_headers(&self) -> bool {
        match self {
            Self::Http(_) | Self::Sse(_) => true,
            Self::Stdio(_) => false,
            Self::Custom(custom) => custom.0.carries_headers(),
        }
    }
}

/// A child process.
#[derive(Clone, PartialEq, Default)]
pub struct Stdio {
    /// The program, looked up on `PATH`.
    pub cmd: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables added to its environment.
    pub env: BTreeMap<String, String>,
    /// Start from an empty environment instead of ours.
    pub clear_env: bool,
    /// Its working directory; ours when absent.
    pub cwd: Option<PathBuf>,
}

/// Shows the names of variables and never their values, which may be secrets.
impl fmt::Debug for Stdio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cmd, args, env, clear_env, cwd } = self;
        f.debug_struct("Stdio")
            .field("cmd", cmd)
            .field("args", args)
            .field("env", &env.keys().collect::<Vec<_>>())
            .field("clear_env", clear_env)
            .field("cwd", cwd)
            .finish()
    }
}

/// A way to open wires that is given as code. Two are equal only if they are the same one.
#[derive(Clone)]
pub struct Custom(pub Arc<dyn Connect>);

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Custom")
    }
}

/// Ceilings and deadlines of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// The largest message a target may send, in bytes.
    pub message: usize,
    /// How long a target may take to start and shake hands.
    pub connect: Duration,
    /// How long a target may be silent to the first message that asks for its era, before a second child is offered the
    /// legacy handshake.
    pub probe: Duration,
    /// How long one page of a list may take.
    pub list: Duration,
    /// How long a call may be silent. Progress starts the time again.
    pub call: Duration,
    /// How long a call may take in all, however much it has to say.
    pub longest_call: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 64 << 20,
            connect: Duration::from_secs(60),
            probe: Duration::from_secs(5),
            list: Duration::from_secs(30),
            call: Duration::from_secs(300),
            longest_call: Duration::from_secs(4 * 3600),
        }
    }
}
