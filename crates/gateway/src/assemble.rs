//! From a configuration, and what is running already, to what runs next.
//!
//! Backends keep their identity over a reload by their key; the federation keeps the targets whose settings are equal.

use std::collections::HashMap;
use std::sync::Arc;

use ::http::HeaderName;
use ::http::request::Parts;
use federation::{Backend, Journal};
use policy::cors::{Cors, Spoken};
use policy::host::{Host, HostPattern};
use policy::origin::{Guard, Scheme};
use protocol::header;
use upstream::Starting;
use upstream::settings::{Limits, Stdio};

use crate::access_log::AccessLog;
use crate::config;
use crate::http::counts::{Counts, Statuses};

/// Everything that serves one port, replaced as a whole by a reload.
pub struct Site {
    bind: config::Bind,
    /// In the order of the port's listeners and of their routes.
    listeners: Vec<ListenerState>,
    /// The largest body a client may send, in bytes.
    pub request_body: usize,
    /// How deep the arrays and objects of a client's message may lie in each other.
    pub json_depth: usize,
    /// Where it is counted what was refused, and which streams are open.
    pub counts: Arc<Counts>,
    /// Where requests are noted, if they are.
    pub access_log: Option<AccessLog>,
}

/// A listener, ready to serve.
pub struct ListenerState {
    /// The check of a request's host and origin.
    pub guard: Guard,
    /// Its answers.
    pub statuses: Arc<Statuses>,
    routes: Vec<RouteState>,
}

/// A route, ready to serve.
pub struct RouteState {
    /// What browsers are told about other origins.
    pub cors: Option<Cors>,
    /// The backends with their weights.
    pub backends: Vec<(u32, Backend)>,
}

/// Where on a site a request goes: the numbers of the listener that takes it and of its route.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    listener: usize,
    route: usize,
}

/// Where a request goes.
pub struct Matched<'a> {
    /// The listener that took it.
    pub listener: &'a ListenerState,
    /// Its route.
    pub route: &'a RouteState,
}

impl Site {
    /// Where a request goes.
    pub fn find(&self, host: Option<&Host>, parts: &Parts) -> Option<Place> {
        let listener = self.bind.listener(host)?;
        let route = listener.route(host, parts)?;
        Some(Place {
            listener: self.bind.listeners.iter().position(|l| std::ptr::eq(l, listener))?,
            route: listener.routes.iter().position(|r| std::ptr::eq(r, route))?,
        })
    }

    /// What is at a place.
    pub fn at(&self, place: Place) -> Option<Matched<'_>> {
        let listener = self.listeners.get(place.listener)?;
        Some(Matched { listener, route: listener.routes.get(place.route)? })
    }

    /// Whose a request is that no route takes.
    pub fn listener(&self, host: Option<&Host>) -> Option<&ListenerState> {
        let listener = self.bind.listener(host).or_else(|| self.bind.listeners.first())?;
        let index = self.bind.listeners.iter().position(|l| std::ptr::eq(l, listener))?;
        self.listeners.get(index)
    }
}

/// The backends that run, by key.
pub type Backends = HashMap<String, Backend>;

/// The result of assembling: what serves each port, and the backends behind it.
pub struct Assembled {
    /// In the order of the configuration's binds.
    pub sites: Vec<Arc<Site>>,
    /// All of them.
    pub backends: Backends,
}

/// What all backends have in common.
#[derive(Clone)]
pub struct Common {
    /// Where calls are recorded.
    pub journal: Journal,
    /// Where requests and streams are counted.
    pub counts: Arc<Counts>,
    /// Where children wait for their turn to start.
    pub starting: Starting,
    /// Where requests are noted, if that is wanted.
    pub access_log: AccessLog,
}

/// Builds what serves a configuration. Backends that run already under the same key are told their new settings and go
/// on; the others are started. Nothing is stopped here: whoever calls this knows which are no longer needed.
pub fn assemble(config: &config::Config, running: &Backends, common: &Common) -> Assembled {
    let mut backends = Backends::new();
    let mut serve = |backend: &config::Backend| {
        let settings = settings(backend, config, &common.starting);
        let live = match running.get(&backend.key) {
            Some(live) => {
                if *live.settings() != settings {
                    live.reconfigure(settings);
                }
                live.clone()
            }
            None => Backend::recorded(settings, common.journal.clone()),
        };
        backends.insert(backend.key.clone(), live.clone());
        (backend.weight, live)
    };
    let sites = config.binds.iter().map(|bind| Arc::new(site(bind, config, common, &mut serve))).collect();
    Assembled { sites, backends }
}

fn site(
    bind: &config::Bind,
    config: &config::Config,
    common: &Common,
    serve: &mut impl FnMut(&config::Backend) -> (u32, Backend),
) -> Site {
    let scheme = match bind.tls_mode {
        config::TlsMode::Plain => Scheme::Http,
        config::TlsMode::Tls => Scheme::Https,
    };
    let listeners = bind
        .listeners
        .iter()
        .map(|listener| ListenerState {
            guard: Guard::new(bind.address, scheme, known_hosts(listener)),
            statuses: common.counts.listener(listener_key(listener)),
            routes: listener
                .routes
                .iter()
                .map(|route| RouteState {
                    cors: route.cors.clone().map(|cors| Cors::new(cors, &spoken())),
                    backends: route.backends.iter().map(&mut *serve).collect(),
                })
                .collect(),
        })
        .collect();
    let config::Limits { request_body, json_depth, .. } = config.limits;
    let counts = common.counts.clone();
    let access_log = config.logging.access_log.then(|| common.access_log.clone());
    Site { bind: bind.clone(), listeners, request_body, json_depth, counts, access_log }
}

/// What identifies a listener over reloads: `port/listener`, with which the keys of its backends begin.
pub(crate) fn listener_key(listener: &config::Listener) -> &str {
    let backend = listener.routes.iter().flat_map(|route| &route.backends).next();
    let key = backend.map_or("", |backend| backend.key.as_str());
    key.rsplitn(3, '/').nth(2).unwrap_or(key)
}

/// The headers of MCP. A page that may call must be able to speak the protocol, whatever else it may send: otherwise each
/// policy would have to repeat them, and break with every revision that adds one.
fn spoken() -> Spoken {
    let names =
        [header::SESSION_ID, header::PROTOCOL_VERSION, header::METHOD, header::NAME, header::LAST_EVENT_ID];
    let mut request: Vec<HeaderName> = names.into_iter().map(HeaderName::from_static).collect();
    request.push(http::header::CONTENT_TYPE);
    let response = vec![HeaderName::from_static(header::SESSION_ID)];
    Spoken { request, request_prefix: Some(header::PARAM_PREFIX), response }
}

/// The names under which the operator says a listener is known.
fn known_hosts(listener: &config::Listener) -> Vec<HostPattern> {
    let routes = listener.routes.iter().flat_map(|route| route.hostnames.iter());
    listener.hostname.iter().chain(routes).cloned().collect()
}

fn settings(backend: &config::Backend, config: &config::Config, starting: &Starting) -> federation::Settings {
    let config::Backend { key, weight: _, prefix_mode, longest_name, failure_mode, stateless, targets } =
        backend;
    federation::Settings {
        key: key.clone(),
        targets: targets.iter().map(|target| target_settings(target, &config.limits, starting)).collect(),
        prefix: match prefix_mode {
            config::PrefixMode::Conditional => federation::PrefixMode::Conditional,
            config::PrefixMode::Always => federation::PrefixMode::Always,
            config::PrefixMode::Never => federation::PrefixMode::Never,
        },
        longest_name: *longest_name,
        failure: match failure_mode {
            config::FailureMode::FailOpen => federation::FailureMode::FailOpen,
            config::FailureMode::FailClosed => federation::FailureMode::FailClosed,
        },
        stateless: *stateless,
        sessions: federation::Sessions {
            keys: config.session.keys.clone(),
            idle: config.session.idle,
            most: config.limits.sessions,
        },
    }
}

fn target_settings(
    target: &config::Target,
    limits: &config::Limits,
    starting: &Starting,
) -> upstream::Settings {
    let transport = match &target.transport {
        config::Transport::Stdio { cmd, args, env, clear_env, cwd } => upstream::Transport::Stdio(Stdio {
            cmd: cmd.clone(),
            args: args.iter().map(|arg| arg.expose().to_owned()).collect(),
            env: env.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect(),
            clear_env: *clear_env,
            cwd: cwd.clone(),
            starting: starting.clone(),
        }),
        config::Transport::Http { url } => upstream::Transport::Http(url.clone()),
        config::Transport::Sse { url } => upstream::Transport::Sse(url.clone()),
    };
    let config::Conduct { limits: own, sharing, warm, breaker } = target.conduct.clone();
    let limits = Limits { message: limits.response_body, ..own };
    upstream::Settings { name: target.name.clone(), transport, limits, sharing, warm, breaker }
}
