//! How everything is doing, as one value: what is in force, what is wrong, and every target's live state.

use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use federation::{Backend, Condition, Moment, TargetStatus};
use policy::host::HostPattern;
use policy::origin::Origin;
use protocol::Kind;
use serde::Serialize;
use serde_json::{Map, Value};
use upstream::{BreakerStatus, Position};

use super::shown::Shown;
use super::{effective, time};
use crate::config::{self, FailureMode, PathMatch, PrefixMode, Problem, TlsMode};
use crate::log::Current;

/// The answer of `GET /api/status`.
#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    version: &'static str,
    started_at: String,
    ready: bool,
    config: InForce,
    log_level: &'static str,
    log_level_from: &'static str,
    listeners: Vec<Listener>,
    routes: Vec<Route>,
    backends: Vec<BackendStatus>,
    traffic: Traffic,
}

#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct InForce {
    source: &'static str,
    path: Option<String>,
    writable: bool,
    loaded_at: String,
    problem: Option<Problem>,
    restart: Vec<String>,
}

#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Listener {
    key: String,
    name: Option<String>,
    address: IpAddr,
    port: u16,
    hostname: Option<String>,
    protocol: &'static str,
    exposed: bool,
    routes: Vec<String>,
}

#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Route {
    key: String,
    listener: String,
    name: Option<String>,
    hostnames: Vec<String>,
    matches: Vec<String>,
    cors: Option<Allowed>,
    allows_page: bool,
    endpoint: Endpoint,
    backends: Vec<Share>,
}

#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Allowed {
    allow_origins: Vec<String>,
}

#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    scheme: &'static str,
    host: Option<String>,
    port: u16,
    path: String,
}

#[derive(Serialize, PartialEq)]
struct Share {
    key: String,
    weight: u32,
}

#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct BackendStatus {
    key: String,
    prefix_mode: PrefixMode,
    failure_mode: FailureMode,
    stateful_mode: &'static str,
    sessions: usize,
    targets: Vec<Target>,
}

#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Target {
    name: String,
    transport: Transport,
    state: &'static str,
    since: String,
    reason: Option<String>,
    attempts: u32,
    next_attempt_at: Option<String>,
    peer: Option<Peer>,
    counts: Counts,
    list_faults: Vec<ListFault>,
    processes: Vec<u32>,
    restarts: u32,
    stderr: Vec<String>,
    breaker: Breaker,
    calls: Figures,
    settings: Map<String, Value>,
}

/// Whether calls are let through to a target.
#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Breaker {
    state: &'static str,
    failures: u32,
    reason: Option<String>,
    next_trial_at: Option<String>,
    openings: u64,
}

#[derive(Serialize, PartialEq)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Transport {
    Stdio { command: String },
    Http { url: String },
    Sse { url: String },
}

#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Peer {
    era: &'static str,
    protocol_version: &'static str,
    server_info: Value,
    capabilities: Value,
    instructions: Option<String>,
}

#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Counts {
    tools: usize,
    prompts: usize,
    resources: usize,
    resource_templates: usize,
}

#[derive(Serialize, PartialEq)]
struct ListFault {
    list: &'static str,
    reason: String,
}

#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Figures {
    total: u64,
    errors: u64,
    running: u64,
    p50_ms: Option<f64>,
    p90_ms: Option<f64>,
    p99_ms: Option<f64>,
}

#[derive(Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Traffic {
    bucket_seconds: u64,
    calls: Vec<u64>,
    errors: Vec<u64>,
    p50_ms: Vec<Option<f64>>,
}

/// What the status is told besides what is shown.
pub(super) struct Circumstances<'a> {
    pub(super) started: SystemTime,
    pub(super) log: Current,
    pub(super) traffic: Vec<Moment>,
    /// Whether the configuration can be written.
    pub(super) writable: bool,
    /// The origin of the page that asks.
    pub(super) page: Option<&'a Origin>,
}

impl Status {
    pub(super) fn of(shown: &Shown, circumstances: Circumstances<'_>) -> Self {
        let Circumstances { started, log, traffic, writable, page } = circumstances;
        let mut listeners = Vec::new();
        let mut routes = Vec::new();
        let mut backends = Vec::new();
        for (bind, address) in shown.config.binds.iter().zip(&shown.addresses) {
            for (index, listener) in bind.listeners.iter().enumerate() {
                let of_listener: Vec<Route> = listener
                    .routes
                    .iter()
                    .enumerate()
                    .map(|(index, route)| Route::of((bind, *address), listener, (index, route), page))
                    .collect();
                listeners.push(Listener {
                    key: of_listener.first().map(|route| route.listener.clone()).unwrap_or_default(),
                    name: given(&listener.name, "listener", index),
                    address: bind.address,
                    port: address.port(),
                    hostname: listener.hostname.as_ref().map(HostPattern::to_string),
                    protocol: match bind.tls_mode {
                        TlsMode::Plain => "HTTP",
                        TlsMode::Tls => "HTTPS",
                    },
                    exposed: !bind.address.is_loopback(),
                    routes: of_listener.iter().map(|route| route.key.clone()).collect(),
                });
                routes.extend(of_listener);
                let configured = listener.routes.iter().flat_map(|route| &route.backends);
                backends.extend(configured.filter_map(|backend| {
                    shown.backends.get(&backend.key).map(|live| BackendStatus::of(backend, live))
                }));
            }
        }
        let ready =
            backends.iter().flat_map(|backend| &backend.targets).all(|target| target.state != "starting");
        Self {
            version: env!("CARGO_PKG_VERSION"),
            started_at: time(started),
            ready,
            config: InForce {
                source: shown.source.kind(),
                path: shown.source.path(),
                writable,
                loaded_at: time(shown.loaded),
                problem: shown.problem.clone(),
                restart: shown.restart.clone(),
            },
            log_level: log.level.as_str(),
            log_level_from: log.from.as_str(),
            listeners,
            routes,
            backends,
            traffic: Traffic {
                bucket_seconds: Moment::LENGTH.as_secs(),
                calls: traffic.iter().map(|moment| moment.calls).collect(),
                errors: traffic.iter().map(|moment| moment.failed).collect(),
                p50_ms: traffic.iter().map(|moment| moment.p50.map(super::millis)).collect(),
            },
        }
    }

    /// Whether every target that was configured has had its chance to start.
    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }
}

impl Route {
    fn of(
        (bind, address): (&config::Bind, SocketAddr),
        listener: &config::Listener,
        (index, route): (usize, &config::Route),
        page: Option<&Origin>,
    ) -> Self {
        let key = route.backends.first().map(|backend| above(&backend.key)).unwrap_or_default();
        let allows = |cors: &config::CorsSettings| {
            page.is_some_and(|page| cors.allow_origins.iter().any(|pattern| pattern.matches(page)))
        };
        Self {
            listener: above(key).to_owned(),
            key: key.to_owned(),
            name: given(&route.name, "route", index),
            hostnames: route.hostnames.iter().map(HostPattern::to_string).collect(),
            matches: route.matches.iter().map(words).collect(),
            cors: route.cors.as_ref().map(|cors| Allowed {
                allow_origins: cors.allow_origins.iter().map(ToString::to_string).collect(),
            }),
            allows_page: route.cors.as_ref().is_some_and(allows),
            endpoint: Endpoint::of(bind, address, listener, route),
            backends: route
                .backends
                .iter()
                .map(|backend| Share { key: backend.key.clone(), weight: backend.weight })
                .collect(),
        }
    }
}

impl Endpoint {
    fn of(
        bind: &config::Bind,
        address: SocketAddr,
        listener: &config::Listener,
        route: &config::Route,
    ) -> Self {
        let named = route.hostnames.iter().chain(&listener.hostname).find_map(|pattern| match pattern {
            HostPattern::Exact(host) => Some(host.to_string()),
            HostPattern::Below(_) => None,
        });
        let ip = bind.address;
        let bound = (!ip.is_unspecified() && !ip.is_loopback()).then(|| match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        });
        let path = route.matches.iter().find_map(|it| match &it.path {
            PathMatch::Exact(path) => Some(path.clone()),
            PathMatch::Prefix(path) if path.is_empty() => Some("/mcp".to_owned()),
            PathMatch::Prefix(path) => Some(path.clone()),
            PathMatch::Regex(_) => None,
        });
        Self {
            scheme: match bind.tls_mode {
                TlsMode::Plain => "http",
                TlsMode::Tls => "https",
            },
            host: named.or(bound),
            port: address.port(),
            path: path.unwrap_or_else(|| "/mcp".to_owned()),
        }
    }
}

impl BackendStatus {
    fn of(configured: &config::Backend, live: &Backend) -> Self {
        let status = live.status();
        let of_name = |target: &config::Target| {
            let status = status.iter().find(|status| status.name == target.name)?;
            Some(Target::of(target, status))
        };
        Self {
            key: configured.key.clone(),
            prefix_mode: configured.prefix_mode,
            failure_mode: configured.failure_mode,
            stateful_mode: if configured.stateless { "stateless" } else { "stateful" },
            sessions: live.session_count(),
            targets: configured.targets.iter().filter_map(of_name).collect(),
        }
    }
}

impl Target {
    fn of(configured: &config::Target, status: &TargetStatus) -> Self {
        let count = |kind: Kind| status.counts[kind as usize];
        let failure = match &status.condition {
            Condition::Failing(failure) => Some(failure),
            Condition::Starting | Condition::Ready => None,
        };
        let duration = |of: fn(&federation::Percentiles) -> std::time::Duration| {
            status.figures.durations.as_ref().map(|durations| super::millis(of(durations)))
        };
        Self {
            name: status.name.clone(),
            transport: Transport::of(&configured.transport),
            state: match status.condition {
                Condition::Starting => "starting",
                Condition::Ready => "ready",
                Condition::Failing(_) => "failing",
            },
            since: time(status.since),
            reason: failure.map(|failure| failure.error.detail.clone()),
            attempts: failure.map_or(0, |failure| failure.attempts),
            next_attempt_at: failure.map(|failure| to_come(failure.next)),
            peer: status.peer.as_ref().map(|peer| Peer {
                era: peer.era.as_str(),
                protocol_version: peer.version.as_str(),
                server_info: peer.info.read().unwrap_or(Value::Null),
                capabilities: peer.capabilities.to_raw().read().unwrap_or(Value::Null),
                instructions: peer.instructions.clone(),
            }),
            counts: Counts {
                tools: count(Kind::Tool),
                prompts: count(Kind::Prompt),
                resources: count(Kind::Resource),
                resource_templates: count(Kind::Template),
            },
            list_faults: status
                .faults
                .iter()
                .map(|(kind, reason)| ListFault { list: kind.list_key(), reason: reason.clone() })
                .collect(),
            processes: status.processes.clone(),
            restarts: status.restarts,
            stderr: status.last_words.clone(),
            breaker: Breaker::of(&status.stats.breaker),
            calls: Figures {
                total: status.figures.total,
                errors: status.figures.failed,
                running: status.figures.running,
                p50_ms: duration(|durations| durations.p50),
                p90_ms: duration(|durations| durations.p90),
                p99_ms: duration(|durations| durations.p99),
            },
            settings: effective::unusual(&configured.conduct),
        }
    }
}

impl Breaker {
    fn of(status: &BreakerStatus) -> Self {
        let (state, next) = match status.position {
            Position::Closed => ("closed", None),
            Position::Open { until } => ("open", Some(until)),
            Position::Trial => ("halfOpen", None),
        };
        Self {
            state,
            failures: status.failures,
            reason: status.reason.as_ref().map(|error| error.detail.clone()),
            next_trial_at: next.map(to_come),
            openings: status.openings,
        }
    }
}

/// A moment to come, in whole seconds, so that the same one looks the same each time.
fn to_come(moment: tokio::time::Instant) -> String {
    let next = SystemTime::now() + moment.saturating_duration_since(tokio::time::Instant::now());
    let whole = next.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    time(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(whole))
}

impl Transport {
    fn of(transport: &config::Transport) -> Self {
        match transport {
            config::Transport::Stdio { cmd, args, .. } => {
                let mut command = quoted(cmd);
                for arg in args {
                    command.push(' ');
                    command.push_str(&quoted(&arg.to_string()));
                }
                Self::Stdio { command }
            }
            config::Transport::Http { url } => Self::Http { url: config::Origin(url).to_string() },
            config::Transport::Sse { url } => Self::Sse { url: config::Origin(url).to_string() },
        }
    }
}

/// A word of a command line as one would type it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@+,%$~{}".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The name that the file gives, if it gives one.
fn given(name: &str, noun: &str, index: usize) -> Option<String> {
    (name != format!("{noun}{index}")).then(|| name.to_owned())
}

/// The key without its last part: that of the route of a backend, or of the listener of a route.
fn above(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(above, _)| above)
}

/// What a request has to look like, in one line.
fn words(it: &config::Match) -> String {
    let mut words = Vec::new();
    match &it.path {
        PathMatch::Exact(path) => words.push(format!("path {path}")),
        PathMatch::Prefix(path) if path.is_empty() => {}
        PathMatch::Prefix(path) => words.push(format!("path {path} and below")),
        PathMatch::Regex(pattern) => words.push(format!("path matches {}", pattern.as_str())),
    }
    words.extend(it.method.as_ref().map(|method| format!("method {method}")));
    // Their values may be secrets, as a key that lets a request in.
    words.extend(it.headers.iter().map(|it| format!("a header {}", it.name)));
    words.extend(it.query.iter().map(|it| format!("a query parameter {}", it.name)));
    if words.is_empty() { "every request".to_owned() } else { words.join(", ") }
}
