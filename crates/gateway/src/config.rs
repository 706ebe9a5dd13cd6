//! The configuration: one YAML file, read, checked as a whole, and turned into what it means.
//!
//! The way of a file, each step in a module of its own:
//!
//! 1. `yaml`: text → a tree of nodes that know their line and column, every scalar still the text that was written;
//! 2. `env`: `$VAR` and `${VAR:-default}` in scalars become their values;
//! 3. `shape`: the tree against the JSON schema of the `document` types (unknown keys, wrong types, missing keys);
//! 4. `document`: what the file said, as plain types;
//! 5. `check`: what it means, that is [`Config`]: defaults filled, durations, patterns and addresses parsed.
//!
//! No step stops at the first thing wrong. Each adds [`Fault`]s, and [`load`] hands back all of them in the order
//! of the file, or a configuration without any.

mod check;
mod document;
pub mod edit;
mod env;
mod fault;
mod matching;
mod restart;
mod shape;
pub mod store;
mod units;
mod yaml;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use serde::{Deserialize, Serialize};

pub use env::{EXECUTABLE, process_environment};
pub use fault::{Fault, Faults, Problem};
pub use matching::{HeaderMatch, Match, PathMatch, Pattern, QueryMatch, ValueMatch};
pub use policy::cors::Settings as CorsSettings;
pub use policy::host::HostPattern;
pub use protocol::name::MaxLength;
pub use restart::restart_keys;
pub use units::spelled;

/// What the configuration means: everything resolved, nothing left to look up or to doubt.
///
/// Two configurations that mean the same are equal, whichever shape they were written in, so a reload is a diff.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where the admin interface listens, as `host:port`; `None` when it is off.
    pub admin: Option<String>,
    /// Where metrics are told; `None` when they are off.
    pub stats: Option<SideAddress>,
    /// Where readiness is told; `None` when it is off.
    pub readiness: Option<SideAddress>,
    /// What is logged, and how.
    pub logging: Logging,
    /// How large things may be, and how much may happen at once.
    pub limits: Limits,
    /// The sessions of legacy clients.
    pub session: Session,
    /// How much of recent calls is kept.
    pub activity: Activity,
    /// How many threads serve connections; none for one per core.
    pub worker_threads: Option<NonZero<usize>>,
    /// How long calls in flight may take to finish once the gateway is asked to stop.
    pub grace: Duration,
    /// The ports, in the order of the file; the short `mcp` shape comes last.
    pub binds: Vec<Bind>,
}

/// Where something is told that is not for clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideAddress {
    /// As `host:port`.
    pub address: String,
    /// Whether nobody asked for this one. Then the gateway goes on without if it cannot be had.
    pub is_default: bool,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// The least important messages that are still written.
    pub level: Level,
    /// The form of a log line.
    pub format: LogFormat,
    /// Whether each request of a client gets a line.
    pub access_log: bool,
}

/// How important a log line has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What went wrong.
    Error,
    /// What may go wrong, too.
    Warn,
    /// What changes in the gateway: targets that come and go, reloads.
    Info,
    /// Every request, and what the gateway decides.
    Debug,
    /// Everything there is to say.
    Trace,
}

impl Level {
    /// The word for this level, in the configuration and in a filter of `tracing`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line to be read by people.
    Text,
    /// One JSON object on each line.
    Json,
}

/// How large things may be, and how much may happen at once. Sizes are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest body a client may send.
    pub request_body: usize,
    /// The largest answer a target may give.
    pub response_body: usize,
    /// The largest head of a request: its first line and its headers.
    pub request_head: usize,
    /// Connections at once, on all ports together.
    pub connections: usize,
    /// Requests at once on one HTTP/2 connection.
    pub requests_per_connection: u32,
    /// How deep the arrays and objects of a client's message may lie in each other.
    pub json_depth: usize,
    /// How many children may start at the same time.
    pub starting_children: usize,
    /// How many sessions a backend may have at once.
    pub sessions: usize,
}

/// The sessions of legacy clients.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// The keys of what clients carry: the first seals, all open. None means one that no other process has.
    pub keys: Vec<federation::Key>,
    /// How long nobody may use one.
    pub idle: Duration,
}

/// How much of recent calls is kept for the admin interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// How many calls; 0 keeps none.
    pub calls: usize,
    /// Bytes of the params of each, and as many of its answer; 0 keeps neither.
    pub bodies: usize,
}

/// One port, and everything that is served on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bind {
    /// The address all listeners of the port share.
    pub address: IpAddr,
    /// The port; 0 lets the system choose one.
    pub port: u16,
    /// Whether connections are encrypted, which all listeners of the port agree on.
    pub tls_mode: TlsMode,
    /// The listeners, in the order of the file; no two have the same hostname.
    pub listeners: Vec<Listener>,
}

/// Whether the connections of a port are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// Plain HTTP.
    Plain,
    /// HTTPS: every listener of the port has a certificate.
    Tls,
}

/// What a port serves to requests for one hostname.
#[derive(Debug, Clone, PartialEq)]
pub struct Listener {
    /// The name from the file, or `listener` and its index.
    pub name: String,
    /// The hosts it serves; `None` serves those that no other listener of the port claims.
    pub hostname: Option<HostPattern>,
    /// The certificate; there is one exactly if the port is [`TlsMode::Tls`].
    pub tls: Option<TlsFiles>,
    /// The routes, in the order of the file.
    pub routes: Vec<Route>,
}

/// Where a listener's certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, PEM.
    pub cert: PathBuf,
    /// The private key of the first certificate, PEM.
    pub key: PathBuf,
}

/// Which requests go to which backends.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The name from the file, or `route` and its index.
    pub name: String,
    /// The hosts it serves; empty means every host of the listener.
    pub hostnames: Vec<HostPattern>,
    /// A request has to satisfy one of these; there is always at least one.
    pub matches: Vec<Match>,
    /// What browsers are told about other origins.
    pub cors: Option<CorsSettings>,
    /// The backends, of which one is picked for each request by weight; the weights do not add up to 0.
    pub backends: Vec<Backend>,
}

/// Targets that are federated into one virtual server.
#[derive(Debug, Clone, PartialEq)]
pub struct Backend {
    /// Which backend this is, across reloads: `port/listener/route/index`. No two backends share a key.
    pub key: String,
    /// Its share of the route's requests.
    pub weight: u32,
    /// When names get the target's name in front.
    pub prefix_mode: PrefixMode,
    /// To which length the names of tools and prompts are shortened, if they are.
    pub longest_name: Option<MaxLength>,
    /// What a list or a handshake does when a target fails.
    pub failure_mode: FailureMode,
    /// Whether legacy clients get no session.
    pub stateless: bool,
    /// The targets, in the order of the file, which is the order of every list; their names are unique.
    pub targets: Vec<Target>,
}

/// When the names of tools and prompts get the target's name in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PrefixMode {
    /// If there is more than one target.
    #[default]
    Conditional,
    /// Also if there is only one target.
    Always,
    /// Only if two targets use the same name; then the first keeps it.
    Never,
}

/// What happens to the whole when one target fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum FailureMode {
    /// The others are served, and the result says which target is missing and why.
    #[default]
    FailOpen,
    /// The request fails.
    FailClosed,
}

/// One MCP server behind the gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The name clients see in front of the names of its tools.
    pub name: String,
    /// How to reach it.
    pub transport: Transport,
    /// How it is treated.
    pub conduct: Conduct,
}

/// How a target is treated. A reload changes all of this under its links.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conduct {
    /// How long things may take, and how many they may be. The size of a message is that of the gateway's limits.
    pub limits: upstream::settings::Limits,
    /// Whom its links serve.
    pub sharing: upstream::settings::Sharing,
    /// Whether a spare link is kept open for the next session.
    pub warm: bool,
    /// When it is no longer called because it fails.
    pub breaker: upstream::settings::Breaker,
}

/// How a target is reached.
#[derive(Clone, PartialEq)]
pub enum Transport {
    /// A child process that speaks on its standard input and output.
    Stdio {
        /// The program: a path, or a name that is looked up in `PATH`.
        cmd: String,
        /// Its arguments.
        args: Vec<Secret>,
        /// Environment variables to set.
        env: BTreeMap<String, Secret>,
        /// Whether the child starts without the gateway's own environment.
        clear_env: bool,
        /// The directory to start it in.
        cwd: Option<PathBuf>,
    },
    /// Streamable HTTP.
    Http {
        /// The endpoint: scheme, authority and path are always there; the scheme's own port is left out.
        url: Uri,
    },
    /// The older HTTP+SSE transport.
    Sse {
        /// The endpoint of the event stream, in the same form.
        url: Uri,
    },
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdio { cmd, args, env, clear_env, cwd } => f
                .debug_struct("Stdio")
                .field("cmd", cmd)
                .field("args", args)
                .field("env", env)
                .field("clear_env", clear_env)
                .field("cwd", cwd)
                .finish(),
            Self::Http { url } => f.debug_struct("Http").field("url", &Origin(url)).finish(),
            Self::Sse { url } => f.debug_struct("Sse").field("url", &Origin(url)).finish(),
        }
    }
}

/// A URL without what may be secret in it: many hosted servers take a token in the path or the query.
pub(crate) struct Origin<'a>(pub(crate) &'a Uri);

impl fmt::Debug for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(url) = self;
        write!(f, "{}://", url.scheme_str().unwrap_or_default())?;
        f.write_str(url.authority().map_or("", |authority| authority.as_str()))?;
        match url.path_and_query().map_or("/", |path| path.as_str()) {
            plain @ ("/" | "/mcp" | "/sse") => f.write_str(plain),
            _ => f.write_str("/…"),
        }
    }
}

/// A text that may be a secret. What is printed of it is how the file spells it, or nothing at all.
#[derive(Clone)]
pub struct Secret {
    value: String,
    shown: Option<String>,
}

impl Secret {
    /// A text of which nothing is ever printed.
    pub fn hidden(value: impl Into<String>) -> Self {
        Self { value: value.into(), shown: None }
    }

    /// A text that is printed as the file spells it: `$TOKEN`, not what `TOKEN` holds.
    pub(crate) fn spelled(value: impl Into<String>, spelling: impl Into<String>) -> Self {
        Self { value: value.into(), shown: Some(spelling.into()) }
    }

    /// The text itself, to be handed to the child process and to nobody else.
    pub fn expose(&self) -> &str {
        &self.value
    }
}

/// How the text is spelled is no part of what it means.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let Self { value, shown: _ } = self;
        *value == other.value
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shown {
            Some(spelling) => fmt::Debug::fmt(spelling, f),
            None => f.write_str("<hidden>"),
        }
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown.as_deref().unwrap_or("<hidden>"))
    }
}

/// Where a configuration comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file, read at each load.
    File(PathBuf),
    /// The text that came on standard input.
    Stdin(String),
    /// A text from the command line or the admin interface.
    Inline(String),
    /// The configuration that is built in. Its environment has to define [`EXECUTABLE`], as the process's own does.
    Default,
}

/// A file beyond this size is no configuration written for the gateway.
pub(crate) const LARGEST_FILE: u64 = 4 << 20;

impl Source {
    /// What the source is called in messages.
    pub fn name(&self) -> Cow<'_, str> {
        match self {
            Self::File(path) => path.to_string_lossy(),
            Self::Stdin(_) => Cow::Borrowed("<stdin>"),
            Self::Inline(_) => Cow::Borrowed("<inline>"),
            Self::Default => Cow::Borrowed("<default>"),
        }
    }

    /// The word for the kind of source, in the admin API.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Stdin(_) => "stdin",
            Self::Inline(_) => "inline",
            Self::Default => "default",
        }
    }

    /// The path of the file, if it is one.
    pub(crate) fn path(&self) -> Option<String> {
        match self {
            Self::File(path) => Some(path.display().to_string()),
            Self::Stdin(_) | Self::Inline(_) | Self::Default => None,
        }
    }

    /// The text of the configuration, as it is now.
    pub fn read(&self) -> Result<Cow<'_, str>, Faults> {
        match self {
            Self::File(path) => read_file(path)
                .map(Cow::Owned)
                .map_err(|fault| Faults::new(self.name().into_owned(), String::new(), vec![fault])),
            Self::Stdin(text) | Self::Inline(text) => Ok(Cow::Borrowed(text)),
            Self::Default => Ok(Cow::Borrowed(include_str!("config/default.yaml"))),
        }
    }
}

fn read_file(path: &std::path::Path) -> Result<String, Fault> {
    use std::io::Read as _;

    let unreadable = |error: std::io::Error| {
        let fault = Fault::whole(format!("the file cannot be read: {error}"));
        match error.kind() {
            std::io::ErrorKind::NotFound => fault.hint("name the file to use with `-f`"),
            _ => fault,
        }
    };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(Fault::whole(format!("the file is larger than {} MiB", LARGEST_FILE >> 20)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        Fault::at(yaml::Place::new(line, column), "", "the file is not UTF-8 text")
            .hint("save it in the encoding UTF-8")
    })
}

/// Loads a configuration, or says everything that is wrong with it.
///
/// `environment` looks up the variables that the text names; the process's own is [`process_environment`].
pub fn load(source: &Source, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config, Faults> {
    load_text(source, &source.read()?, environment)
}

/// Loads a text as if the source held it.
pub fn load_text(
    source: &Source,
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Faults> {
    let mut faults = Vec::new();
    let config = understand(text, environment, &mut faults);
    match config {
        Some(config) if faults.is_empty() => Ok(config),
        _ => Err(Faults::new(source.name().into_owned(), text.to_owned(), faults)),
    }
}

/// The JSON schema of the file, for editors, the admin interface and `schema/config.json`.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&shape::published()).unwrap_or_default();
    text.push('\n');
    text
}

fn understand(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
    faults: &mut Vec<Fault>,
) -> Option<Config> {
    let tree = yaml::parse(text, faults)?;
    understand_tree(tree, environment, faults)
}

fn understand_tree(
    mut tree: yaml::Node,
    environment: &dyn Fn(&str) -> Option<String>,
    faults: &mut Vec<Fault>,
) -> Option<Config> {
    env::expand(&mut tree, environment, faults);
    let value = shape::check(&tree, faults)?;
    // The rest is checked as well as it can be when parts are missing, so that one run shows as much as possible.
    let document: document::Document = match serde_json::from_value(value) {
        Ok(document) => document,
        Err(error) if faults.is_empty() => {
            // The schema is made from the same types, so this is unreachable as long as `shape` honours all of it.
            debug_assert!(false, "the schema and the types disagree: {error}");
            faults.push(Fault::whole("the file does not have the form of a configuration"));
            return None;
        }
        Err(_) => return None,
    };
    check::check(&document, &tree, faults)
}
