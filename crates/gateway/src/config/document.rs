//! What the file said: plain types with the file's own names, from which the JSON schema is made.
//!
//! The comments on fields and variants are what editors show next to a key, so they speak to whoever writes the
//! file. Nothing is resolved here; values that need parsing are still text. All types are read through the schema
//! (see `shape`), so a constraint belongs in an attribute here, or in `check`.

use std::collections::BTreeMap;

use protocol::name::MaxLength;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FailureMode, Level, LogFormat, PrefixMode};

/// The port of the short shape, if none is given.
pub(super) const DEFAULT_PORT: u16 = 3000;
/// Where the admin interface listens, if nothing is said.
pub(super) const DEFAULT_ADMIN: &str = "localhost:15000";
/// Where metrics and readiness are told, if nothing is said.
pub(super) const DEFAULT_STATS: &str = "localhost:15020";
pub(super) const DEFAULT_READINESS: &str = "localhost:15021";
/// The value of `adminAddr` that turns the admin interface off, and of its siblings.
pub(super) const ADMIN_OFF: &str = "off";
/// The address of a listener that names none.
pub(super) const DEFAULT_ADDRESS: &str = "0.0.0.0";
pub(super) const DEFAULT_REQUEST_BODY: &str = "4MiB";
pub(super) const DEFAULT_RESPONSE_BODY: &str = "64MiB";
pub(super) const DEFAULT_DEPTH: u32 = 128;
/// What the messages of MCP need by themselves, and a little for arguments.
const MIN_DEPTH: u32 = 16;
/// No reader of JSON that recurses comes this far.
const MAX_DEPTH: u32 = 10_000;
pub(super) const DEFAULT_STARTING_CHILDREN: u32 = upstream::starting::DEFAULT as u32;
/// More than anybody starts at once.
const MAX_STARTING_CHILDREN: u32 = 1000;
pub(super) const DEFAULT_SESSIONS: u32 = 20_000;
pub(super) const DEFAULT_SESSION_IDLE: &str = "30m";
pub(super) const DEFAULT_REQUEST_HEAD: &str = "64KiB";
pub(super) const DEFAULT_CONNECTIONS: u32 = 10_000;
/// More sockets than any system gives to one process.
const MAX_CONNECTIONS: u32 = 1_000_000;
pub(super) const DEFAULT_REQUESTS_PER_CONNECTION: u32 = 250;
const MAX_REQUESTS_PER_CONNECTION: u32 = 100_000;
pub(super) const DEFAULT_CALLS: u32 = 500;
/// More are no longer recent, and no page shows them.
const MAX_CALLS: u32 = 10_000;
pub(super) const DEFAULT_BODIES: &str = "16KiB";
pub(super) const DEFAULT_GRACE: &str = "10s";
pub(super) const DEFAULT_LEVEL: Level = Level::Info;
pub(super) const DEFAULT_FORMAT: LogFormat = LogFormat::Text;
pub(super) const DEFAULT_WEIGHT: u32 = 1;
pub(super) const DEFAULT_IDLE: &str = "30m";
pub(super) const DEFAULT_CONNECT: &str = "60s";
pub(super) const DEFAULT_LIST: &str = "30s";
pub(super) const DEFAULT_CALL: &str = "5m";
pub(super) const DEFAULT_LONGEST_CALL: &str = "4h";
pub(super) const DEFAULT_CALLS_IN_FLIGHT: u32 = 256;
pub(super) const DEFAULT_CHILDREN: u32 = 256;
pub(super) const DEFAULT_ITEMS: u32 = 10_000;
pub(super) const DEFAULT_PAGES: u32 = 1000;
pub(super) const DEFAULT_NOTIFICATIONS: u32 = 100;
pub(super) const DEFAULT_FAILURES: u32 = 5;
pub(super) const DEFAULT_PAUSE: &str = "10s";
/// More than any machine has cores.
const MAX_WORKER_THREADS: u32 = 1024;
/// Small enough that the weights of a route never overflow when they are added up.
const MAX_WEIGHT: u32 = 1_000_000;

/// # agentgateway configuration
///
/// What the gateway serves: ports in `binds`, or the short form `mcp` for a single set of targets, or both.
/// `$NAME`, `${NAME}` and `${NAME:-default}` in values stand for variables of the environment; `$$` is a dollar sign.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    /// Settings of the gateway itself.
    pub(super) config: Option<Settings>,
    /// The ports to listen on, and what is served there.
    pub(super) binds: Option<Vec<Bind>>,
    /// The short form: one port that serves one set of targets on every path.
    pub(super) mcp: Option<ShortMcp>,
}

/// Settings of the gateway itself.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Settings {
    /// Where the admin interface listens: `host:port`, or `off`. `GET /api/status` shows how everything is doing.
    #[schemars(extend("default" = DEFAULT_ADMIN))]
    pub(super) admin_addr: Option<String>,
    /// Where `GET /metrics` is answered, for Prometheus and its like: `host:port`, or `off`. The default gives way if another
    /// program uses its port.
    #[schemars(extend("default" = DEFAULT_STATS))]
    pub(super) stats_addr: Option<String>,
    /// Where `GET /healthz/ready` is answered, for load balancers and Kubernetes: `host:port`, or `off`. The default gives way
    /// if another program uses its port.
    #[schemars(extend("default" = DEFAULT_READINESS))]
    pub(super) readiness_addr: Option<String>,
    /// What is logged, and how.
    pub(super) logging: Option<Logging>,
    /// How large things may be, and how much may happen at once.
    pub(super) limits: Option<Limits>,
    /// The sessions of clients that shake hands: those of protocol versions up to 2025-11-25.
    pub(super) session: Option<Session>,
    /// How much of recent calls is kept for the admin interface.
    pub(super) activity: Option<Activity>,
    /// How the gateway stops.
    pub(super) shutdown: Option<Shutdown>,
    /// How many threads serve connections. The default is one for each core that the gateway may use.
    #[schemars(range(min = 1, max = MAX_WORKER_THREADS))]
    pub(super) worker_threads: Option<u32>,
}

/// What is logged, and how.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Logging {
    /// The least important messages that are still logged.
    #[schemars(extend("default" = DEFAULT_LEVEL))]
    pub(super) level: Option<Level>,
    /// The form of a log line.
    #[schemars(extend("default" = DEFAULT_FORMAT))]
    pub(super) format: Option<LogFormat>,
    /// Whether each request of a client gets a line: from where, what was asked of which target, the status, and how long it
    /// took. What it said besides is not logged.
    #[schemars(extend("default" = false))]
    pub(super) access_log: Option<bool>,
}

/// How large things may be, and how much may happen at once. What goes beyond is refused, or waits.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Limits {
    /// The largest request body: a number of bytes, or a size like `4MiB`.
    #[schemars(extend("default" = DEFAULT_REQUEST_BODY))]
    pub(super) request_body: Option<Quantity>,
    /// The largest answer of a target: a number of bytes, or a size like `64MiB`.
    #[schemars(extend("default" = DEFAULT_RESPONSE_BODY))]
    pub(super) response_body: Option<Quantity>,
    /// The largest head of a request, which is its first line and its headers: a number of bytes, or a size like `64KiB`.
    #[schemars(extend("default" = DEFAULT_REQUEST_HEAD))]
    pub(super) request_head: Option<Quantity>,
    /// How many connections there may be at once, on all ports together. Beyond it, new ones are answered with 503.
    #[schemars(range(min = 1, max = MAX_CONNECTIONS), extend("default" = DEFAULT_CONNECTIONS))]
    pub(super) connections: Option<u32>,
    /// How many requests may be open at once on one HTTP/2 connection. Open event streams count.
    #[schemars(range(min = 1, max = MAX_REQUESTS_PER_CONNECTION), extend("default" = DEFAULT_REQUESTS_PER_CONNECTION))]
    pub(super) requests_per_connection: Option<u32>,
    /// How deep the arrays and objects of a client's message may lie in each other.
    #[schemars(range(min = MIN_DEPTH, max = MAX_DEPTH), extend("default" = DEFAULT_DEPTH))]
    pub(super) json_depth: Option<u32>,
    /// How many child processes start at the same time. Others wait until one of these is ready, has failed, or has been starting for 10 s.
    #[schemars(range(min = 1, max = MAX_STARTING_CHILDREN), extend("default" = DEFAULT_STARTING_CHILDREN))]
    pub(super) starting_children: Option<u32>,
    /// How many sessions there may be at once with one set of targets. Clients beyond it are refused with 503.
    #[schemars(range(min = 1), extend("default" = DEFAULT_SESSIONS))]
    pub(super) sessions: Option<u32>,
}

/// The sessions of clients that shake hands.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Session {
    /// The key under which clients carry what the gateway knows of them: 64 hexadecimal digits, such as `openssl rand -hex 32`
    /// prints, best as `$NAME`. Gateways with the same key go on with each other's sessions, and with their own after a restart,
    /// where every server of an older protocol version is reached over HTTP. To replace a key, give a list: the first one is
    /// used, and all are accepted. The default is a key that no other process has.
    pub(super) key: Option<Texts>,
    /// Sessions without an open stream, a running call or a request for this long end: a duration like `30m`.
    #[schemars(extend("default" = DEFAULT_SESSION_IDLE))]
    pub(super) idle_timeout: Option<String>,
}

/// How much of recent calls is kept, in memory, for the admin interface to show.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Activity {
    /// How many calls are kept; 0 keeps none.
    #[schemars(range(max = MAX_CALLS), extend("default" = DEFAULT_CALLS))]
    pub(super) calls: Option<u32>,
    /// How much is kept of the arguments of a call, and of its answer: a number of bytes, or a size like `16KiB`; 0 keeps
    /// neither.
    #[schemars(extend("default" = DEFAULT_BODIES))]
    pub(super) bodies: Option<Quantity>,
}

/// How the gateway stops.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Shutdown {
    /// How long calls in flight may take to finish: a duration like `10s`.
    #[schemars(extend("default" = DEFAULT_GRACE))]
    pub(super) grace: Option<String>,
}

/// A port, and what is served there.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Bind {
    /// The port to listen on; 0 lets the system choose one.
    pub(super) port: u16,
    /// What is served on the port, by hostname.
    #[schemars(length(min = 1))]
    pub(super) listeners: Vec<Listener>,
}

/// What is served to requests for a hostname.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Listener {
    /// A name for logs and metrics.
    pub(super) name: Option<String>,
    /// The IP address to listen on, such as `127.0.0.1`. The default is every interface of the machine.
    #[schemars(extend("default" = DEFAULT_ADDRESS))]
    pub(super) address: Option<String>,
    /// The host that requests have to name: `example.com`, or `*.example.com` for every host below it.
    /// The default is every host that no other listener of the port names.
    pub(super) hostname: Option<String>,
    /// How clients connect. HTTPS needs `tls`.
    #[schemars(extend("default" = "HTTP"))]
    pub(super) protocol: Option<Protocol>,
    /// The certificate for HTTPS.
    pub(super) tls: Option<Tls>,
    /// Which requests go to which backends.
    #[schemars(length(min = 1))]
    pub(super) routes: Vec<Route>,
}

/// How clients connect.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Protocol {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

/// The certificate for HTTPS.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Tls {
    /// The file with the certificate, followed by those that vouch for it, in PEM form.
    pub(super) cert: String,
    /// The file with the private key, in PEM form.
    pub(super) key: String,
}

/// Which requests go to which backends.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Route {
    /// A name for logs and metrics.
    pub(super) name: Option<String>,
    /// The hosts that requests have to name, like the `hostname` of a listener. The default is every host.
    pub(super) hostnames: Option<Vec<String>>,
    /// What requests look like: one of these has to match. The default is every request.
    pub(super) matches: Option<Vec<Match>>,
    /// What is done with requests on their way.
    pub(super) policies: Option<Policies>,
    /// Where requests go. With several, each request goes to one, picked by weight.
    #[schemars(length(min = 1))]
    pub(super) backends: Vec<Backend>,
}

/// What a request looks like. Everything that is given has to match.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Match {
    /// The path. The default is every path.
    pub(super) path: Option<PathMatch>,
    /// Headers that the request has to have.
    pub(super) headers: Option<Vec<HeaderMatch>>,
    /// The method, such as `POST`. The default is every method.
    pub(super) method: Option<String>,
    /// Parameters that the query of the URL has to have.
    pub(super) query: Option<Vec<QueryMatch>>,
}

/// A path, given in exactly one way.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(super) struct PathMatch {
    /// Exactly this path.
    pub(super) exact: Option<String>,
    /// This path and everything below it: `/a` matches `/a` and `/a/b`, but not `/ab`.
    pub(super) path_prefix: Option<String>,
    /// A regular expression for the whole path.
    pub(super) regex: Option<String>,
}

/// A header that the request has to have.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct HeaderMatch {
    /// The name of the header; upper and lower case are the same.
    pub(super) name: String,
    /// What its value has to be.
    pub(super) value: ValueMatch,
}

/// A parameter that the query of the URL has to have.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct QueryMatch {
    /// The name of the parameter.
    pub(super) name: String,
    /// What its value has to be.
    pub(super) value: ValueMatch,
}

/// A value, given in exactly one way.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(super) struct ValueMatch {
    /// Exactly this value.
    pub(super) exact: Option<String>,
    /// A regular expression for the whole value.
    pub(super) regex: Option<String>,
}

/// What is done with requests on their way.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Policies {
    /// What web pages of other origins may do (cross-origin resource sharing).
    pub(super) cors: Option<Cors>,
}

/// What web pages of other origins may do.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Cors {
    /// The origins whose pages may call: `https://example.com`, `https://*.example.com` for every host below it,
    /// or `*`.
    #[schemars(length(min = 1))]
    pub(super) allow_origins: Vec<String>,
    /// The request headers that they may send, or `*`.
    pub(super) allow_headers: Option<Vec<String>>,
    /// The methods that they may use, or `*`. The default is what MCP needs: GET, POST, DELETE and OPTIONS.
    pub(super) allow_methods: Option<Vec<String>>,
    /// The response headers that they may read, or `*`.
    pub(super) expose_headers: Option<Vec<String>>,
    /// Whether they may send cookies and other credentials.
    #[schemars(extend("default" = false))]
    pub(super) allow_credentials: Option<bool>,
    /// How long a browser may remember this: a number of seconds, or a duration like `10m`.
    pub(super) max_age: Option<Quantity>,
}

/// Where requests go.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Backend {
    /// The share of the requests that go here, next to the weights of the other backends.
    #[schemars(range(max = MAX_WEIGHT), extend("default" = DEFAULT_WEIGHT))]
    pub(super) weight: Option<u32>,
    /// MCP servers that are served as one.
    pub(super) mcp: Mcp,
}

/// MCP servers that are served as one.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Mcp {
    /// The MCP servers.
    #[schemars(length(min = 1))]
    pub(super) targets: Vec<Target>,
    /// When the names of tools and prompts get the target's name in front, as in `time_get_current_time`.
    #[schemars(extend("default" = PrefixMode::default()))]
    pub(super) prefix_mode: Option<PrefixMode>,
    /// What else is done to the names of tools and prompts.
    pub(super) names: Option<Names>,
    /// What happens when one of the targets fails.
    #[schemars(extend("default" = FailureMode::default()))]
    pub(super) failure_mode: Option<FailureMode>,
    /// Whether clients of protocol versions that know sessions get one.
    #[schemars(extend("default" = "stateful"))]
    pub(super) stateful_mode: Option<StatefulMode>,
}

/// The short form: one port that serves one set of targets on every path.
// It repeats the fields of `Mcp`, because `flatten` and `deny_unknown_fields` do not go together.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ShortMcp {
    /// The port to listen on; 0 lets the system choose one.
    #[schemars(extend("default" = DEFAULT_PORT))]
    pub(super) port: Option<u16>,
    /// What is done with requests on their way.
    pub(super) policies: Option<Policies>,
    /// The MCP servers.
    #[schemars(length(min = 1))]
    pub(super) targets: Vec<Target>,
    /// When the names of tools and prompts get the target's name in front, as in `time_get_current_time`.
    #[schemars(extend("default" = PrefixMode::default()))]
    pub(super) prefix_mode: Option<PrefixMode>,
    /// What else is done to the names of tools and prompts.
    pub(super) names: Option<Names>,
    /// What happens when one of the targets fails.
    #[schemars(extend("default" = FailureMode::default()))]
    pub(super) failure_mode: Option<FailureMode>,
    /// Whether clients of protocol versions that know sessions get one.
    #[schemars(extend("default" = "stateful"))]
    pub(super) stateful_mode: Option<StatefulMode>,
}

/// What is done to the names of tools and prompts.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Names {
    /// Longer ones, with the target's name in front, are shortened to this many characters: a readable head and a tail that
    /// tells them apart. Models take 64, and some clients put a name of their own in front. The default is to leave them.
    #[schemars(range(min = MaxLength::LEAST, max = MaxLength::MOST))]
    pub(super) max_length: Option<u32>,
}

/// Whether clients get a session.
#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum StatefulMode {
    /// They get one, and with it servers can send requests and notifications of their own.
    #[default]
    Stateful,
    /// They do not, and every request stands for itself.
    Stateless,
}

/// An MCP server: its name, and exactly one way to reach it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["stdio"]}, {"required": ["mcp"]}, {"required": ["sse"]}]))]
pub(super) struct Target {
    /// The name that clients see in front of the names of its tools: lower-case letters, digits, `-` and `.`.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z]([a-z0-9.-]*[a-z0-9])?$"))]
    pub(super) name: String,
    /// A program to start, which speaks MCP on its standard input and output.
    pub(super) stdio: Option<Stdio>,
    /// A server to reach over Streamable HTTP.
    pub(super) mcp: Option<RemoteMcp>,
    /// A server to reach over the older transport HTTP+SSE.
    pub(super) sse: Option<RemoteSse>,
    /// Whom the links to it serve. This is about servers of protocol versions with sessions; others always serve everybody
    /// over one link.
    #[schemars(extend("default" = Sharing::default()))]
    pub(super) sharing: Option<Sharing>,
    /// How many spare links are kept ready, none or one, so that the first call of a new session does not wait for a program to
    /// start. A server is told once, in its handshake, what its client can do. So the spare is for clients that declare the same
    /// as the latest one did, and the very first client of its kind waits. With `sharing: shared` there is nothing to keep ready.
    #[schemars(range(max = 1), extend("default" = 0))]
    pub(super) warm: Option<u8>,
    /// A session's own link without a call, a subscription, a task or an open question for this long is closed, and opened again
    /// by the next call: a duration like `30m`. What the server kept for the session is lost then. Spare and shared links are
    /// closed after this time as well.
    #[schemars(extend("default" = DEFAULT_IDLE))]
    pub(super) idle_timeout: Option<String>,
    /// How long things may take.
    pub(super) timeouts: Option<Timeouts>,
    /// How much the server may hold, offer and say.
    pub(super) limits: Option<TargetLimits>,
    /// When the server is no longer called because it fails.
    pub(super) breaker: Option<Breaker>,
}

/// Whom the links to a server serve.
#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Sharing {
    /// Each session has a link of its own, and a program runs once for each session, because it may keep something for it.
    #[default]
    Session,
    /// For servers that keep nothing between calls. Calls of clients that can be asked nothing share one link, which declares
    /// nothing. A call of a client that declared sampling, elicitation or roots has a link alone for as long as it runs, so
    /// that a question reaches the client whose call it is about, and nobody else; after it the link serves any client that
    /// declared the same. Outside of calls there is nobody to ask: a server that asks then is refused. Resources are
    /// subscribed to once for everybody. Tasks keep to a link of their session.
    Shared,
}

/// How long things may take, as durations like `30s`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Timeouts {
    /// To start or connect to the server, handshake included.
    #[schemars(extend("default" = DEFAULT_CONNECT))]
    pub(super) connect: Option<String>,
    /// One page of a list.
    #[schemars(extend("default" = DEFAULT_LIST))]
    pub(super) list: Option<String>,
    /// Silence during a call. Whatever the server says of the call starts the time again.
    #[schemars(extend("default" = DEFAULT_CALL))]
    pub(super) call: Option<String>,
    /// A call in all, however much it has to say.
    #[schemars(extend("default" = DEFAULT_LONGEST_CALL))]
    pub(super) longest_call: Option<String>,
}

/// How much a server may hold, offer and say.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TargetLimits {
    /// Calls in flight, of all clients together; more are refused at once.
    #[schemars(range(min = 1), extend("default" = DEFAULT_CALLS_IN_FLIGHT))]
    pub(super) calls: Option<u32>,
    /// Child processes for sessions and single calls; whoever needs one more is refused. Only next to `stdio`. Two more may be
    /// there for everybody.
    #[schemars(range(min = 1), extend("default" = DEFAULT_CHILDREN))]
    pub(super) children: Option<u32>,
    /// Items of one list; the rest is left out, and the list says so.
    #[schemars(range(min = 1), extend("default" = DEFAULT_ITEMS))]
    pub(super) items: Option<u32>,
    /// Pages of one list; the same.
    #[schemars(range(min = 1), extend("default" = DEFAULT_PAGES))]
    pub(super) pages: Option<u32>,
    /// Notifications in a second outside of calls: log messages and updates of resources. More are dropped, and counted. What
    /// belongs to a call is not: it was asked for, and waits for its reader.
    #[schemars(range(min = 1), extend("default" = DEFAULT_NOTIFICATIONS))]
    pub(super) notifications: Option<u32>,
}

/// When a server is no longer called because it fails.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Breaker {
    /// After so many failures in a row, calls are refused at once; 0 turns this off. A failure is no answer in time, a
    /// connection that breaks, an HTTP error, or something that is not MCP. Every answer, also one that is an error, is none,
    /// and begins the count anew.
    #[schemars(extend("default" = DEFAULT_FAILURES))]
    pub(super) failures: Option<u32>,
    /// For so long: a duration like `10s`. Then one call is let through over a fresh link; if it fails, the pause is twice as
    /// long, up to a minute.
    #[schemars(extend("default" = DEFAULT_PAUSE))]
    pub(super) pause: Option<String>,
}

/// A program to start, which speaks MCP on its standard input and output.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Stdio {
    /// The program: a path, or a name that is found in `PATH`.
    pub(super) cmd: String,
    /// Its arguments.
    #[schemars(extend("items" = {"type": ["string", "number", "boolean"]}))]
    pub(super) args: Option<Vec<String>>,
    /// Environment variables to set for it.
    #[schemars(extend("additionalProperties" = {"type": ["string", "number", "boolean"]}))]
    pub(super) env: Option<BTreeMap<String, String>>,
    /// Whether it starts without the gateway's own environment.
    #[serde(rename = "clear_env")]
    #[schemars(extend("default" = false))]
    pub(super) clear_env: Option<bool>,
    /// The directory to start it in. The default is the gateway's own.
    pub(super) cwd: Option<String>,
}

/// A server to reach over Streamable HTTP.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RemoteMcp {
    /// A full URL, like `https://example.com/mcp`, or the host's name next to `port` and `path`. A URL without a path
    /// means `/mcp`.
    pub(super) host: String,
    /// The port, if `host` is only a name; then `path` is needed as well.
    #[schemars(range(min = 1))]
    pub(super) port: Option<u16>,
    /// The path, if `host` is only a name; then `port` is needed as well.
    pub(super) path: Option<String>,
}

/// A server to reach over the older transport HTTP+SSE.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RemoteSse {
    /// A full URL, like `https://example.com/sse`, or the host's name next to `port` and `path`. A URL without a path
    /// means `/sse`.
    pub(super) host: String,
    /// The port, if `host` is only a name; then `path` is needed as well.
    #[schemars(range(min = 1))]
    pub(super) port: Option<u16>,
    /// The path, if `host` is only a name; then `port` is needed as well.
    pub(super) path: Option<String>,
}

/// A number with or without a unit, still as it was written.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Quantity(pub(super) String);

impl JsonSchema for Quantity {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Quantity".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": ["string", "integer"]})
    }
}

/// One text, or a list of them.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Texts(pub(super) Vec<String>);

impl JsonSchema for Texts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Texts".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1})
    }
}
