//! What a configuration may say about a target. Equal settings mean that a reload leaves the target alone; settings that differ
//! in nothing that its links were opened with are taken over by the running target.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::starting::Starting;
use crate::wire::Connect;

/// One configured target.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The target's name, valid by [`protocol::name::is_target_name`].
    pub name: String,
    /// How it is reached.
    pub transport: Transport,
    /// How long things may take, and how large and many they may be.
    pub limits: Limits,
    /// Whom its links serve.
    pub sharing: Sharing,
    /// Whether a spare link is kept open for the next session.
    pub warm: bool,
    /// When it is no longer called because it fails.
    pub breaker: Breaker,
}

impl Settings {
    /// A target with the default settings.
    pub fn new(name: impl Into<String>, transport: Transport) -> Self {
        Self {
            name: name.into(),
            transport,
            limits: Limits::default(),
            sharing: Sharing::default(),
            warm: false,
            breaker: Breaker::default(),
        }
    }

    /// Whether links that were opened with these settings are as good for the others. Everything else may change under them.
    pub fn reach_the_same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.transport == other.transport
            && self.limits.message == other.limits.message
    }
}

/// Whom the links to a legacy target serve. Modern targets know no sessions, so that their link is everybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// Each session has a link of its own, because the target may keep state for it.
    #[default]
    Session,
    /// The target keeps nothing between calls. Calls about which it can ask nothing share a link; one about which it may ask
    /// has a link alone for as long as it runs.
    Shared,
}

/// When a target is no longer called because it fails, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    /// After so many failures in a row; 0 is never.
    pub failures: u32,
    /// For so long at first. Each trial that fails doubles it, up to a minute.
    pub pause: Duration,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(10) }
    }
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
    /// Where it waits for its turn to start.
    pub starting: Starting,
}

/// Shows the names of variables and never their values, which may be secrets.
impl fmt::Debug for Stdio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cmd, args, env, clear_env, cwd, starting: _ } = self;
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
#[derive(Debug, Clone, Copy, PartialEq)]
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
    /// How long a link that serves one session, or nobody in particular, is kept without a call.
    pub idle: Duration,
    /// How many calls may be in flight.
    pub calls: usize,
    /// How many children may serve sessions and single calls. The two that everybody shares are not among them.
    pub children: usize,
    /// How many items of one list are read, over how many pages. What goes beyond is left out.
    pub items: usize,
    /// See `items`.
    pub pages: usize,
    /// How many notifications are heard in a second outside of calls. What goes beyond is dropped.
    pub notifications: u32,
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
            idle: Duration::from_secs(30 * 60),
            calls: 256,
            children: 256,
            items: 10_000,
            pages: 1000,
            notifications: 100,
        }
    }
}
