//! The operator's side: how everything is doing, as JSON. Listens on loopback unless the configuration says otherwise.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context as _;
use federation::{Backend, Condition, TargetStatus};
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use policy::origin::{Guard, Scheme};
use protocol::Kind;
use serde_json::{Value, json};
use upstream::Task;

use crate::assemble::Backends;
use crate::config::Config;
use crate::http::body::Body;
use crate::http::drain::Drain;
use crate::http::listener::{Bound, ConnInfo, Permits, Service};
use crate::http::respond;

/// Connections at once. Operators are few, and the admin side must never use up what calls need.
const CONNECTIONS: usize = 64;

/// The admin listener.
pub struct Admin {
    address: SocketAddr,
    bound: Option<Bound>,
    view: Arc<View>,
    serving: Option<(Drain, Task)>,
}

/// What is shown. Read handles only: nothing here can hold up a call.
struct View {
    guard: Guard,
    shown: RwLock<Shown>,
}

#[derive(Default)]
struct Shown {
    /// Key and handle of each backend, in the order of the configuration.
    backends: Vec<(String, Backend)>,
    listeners: Vec<Value>,
    faults: Option<String>,
}

impl Admin {
    /// Opens the socket. The first address that a name stands for counts.
    pub async fn bind(address: &str) -> anyhow::Result<Self> {
        let resolved = tokio::net::lookup_host(address)
            .await
            .with_context(|| format!("`config.adminAddr`: {address}"))?;
        // Not every machine has IPv6, and `localhost` may name it first.
        let mut addresses: Vec<_> = resolved.collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        let first =
            addresses.first().with_context(|| format!("`config.adminAddr`: {address} has no address"))?;
        let bound = Bound::open(*first).await.context("`config.adminAddr`")?;
        let local = bound.local_addr();
        let guard = Guard::new(local.ip(), Scheme::Http, Vec::new());
        let view = Arc::new(View { guard, shown: RwLock::default() });
        Ok(Self { address: local, bound: Some(bound), view, serving: None })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Shows a configuration that is now in force.
    pub fn show(&self, config: &Config, backends: &Backends) {
        let mut shown = self.view.shown.write().unwrap_or_else(PoisonError::into_inner);
        let all = config
            .binds
            .iter()
            .flat_map(|bind| &bind.listeners)
            .flat_map(|l| &l.routes)
            .flat_map(|r| &r.backends);
        shown.backends = all.filter_map(|b| Some((b.key.clone(), backends.get(&b.key)?.clone()))).collect();
        shown.listeners = config
            .binds
            .iter()
            .map(|bind| json!({ "address": bind.address, "port": bind.port, "listeners": bind.listeners.iter().map(|l| &l.name).collect::<Vec<_>>() }))
            .collect();
    }

    /// Shows what is wrong with the file that could not be put in force.
    pub fn faults(&self, faults: Option<String>) {
        self.view.shown.write().unwrap_or_else(PoisonError::into_inner).faults = faults;
    }

    /// Begins to serve.
    pub fn serve(&mut self) {
        let Some(bound) = self.bound.take() else {
            return;
        };
        tracing::info!("Admin API available at http://{}/api/status", self.address);
        let drain = Drain::new();
        let view = self.view.clone();
        let handler = Arc::new(move |request: Request<Incoming>, _from: Arc<ConnInfo>| {
            let view = view.clone();
            async move { view.answer(request) }
        });
        let service = Service { handler, tls: None, permits: Permits::new(CONNECTIONS) };
        let serving = Task::spawn("admin", bound.serve(service, drain.guard()));
        self.serving = Some((drain, serving));
    }
}

impl View {
    fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (parts, _body) = request.into_parts();
        if let Err(refusal) = self.guard.check(&parts, None) {
            return respond::refused(&refusal);
        }
        match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/api/status") => respond::json(StatusCode::OK, self.status().to_string().into()),
            _ => respond::plain(
                StatusCode::NOT_FOUND,
                "there is nothing here; GET /api/status shows how everything is doing",
            ),
        }
    }

    fn status(&self) -> Value {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        let backends = shown.backends.iter().map(|(key, backend)| {
            json!({
                "key": key,
                "sessions": backend.session_count(),
                "targets": backend.status().iter().map(target).collect::<Vec<_>>(),
            })
        });
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "listeners": shown.listeners,
            "backends": backends.collect::<Vec<_>>(),
            "faults": shown.faults,
        })
    }
}

fn target(status: &TargetStatus) -> Value {
    let TargetStatus { name, condition, peer, counts, processes, restarts } = status;
    let count = |kind: Kind| counts[kind as usize];
    let mut shown = json!({
        "name": name,
        "state": match condition {
            Condition::Starting => "starting",
            Condition::Ready => "ready",
            Condition::Failing(_) => "failing",
        },
        "tools": count(Kind::Tool),
        "prompts": count(Kind::Prompt),
        "resources": count(Kind::Resource),
        "resourceTemplates": count(Kind::Template),
        "processes": processes,
        "restarts": restarts,
    });
    if let Some(peer) = peer {
        shown["era"] = json!(peer.era.as_str());
        shown["protocolVersion"] = json!(peer.version.as_str());
        shown["serverInfo"] = peer.info.read().unwrap_or(Value::Null);
    }
    if let Condition::Failing(failure) = condition {
        shown["reason"] = json!(failure.error.detail);
        shown["attempts"] = json!(failure.attempts);
        shown["stderr"] = json!(failure.last_words);
    }
    shown
}
