//! What programs ask that watch over the gateway: metrics for Prometheus and its like, readiness for load balancers.
//!
//! Each has a socket of its own, so that one can be shown to a cluster without the other, and neither without the admin
//! interface. Both read what is there already when they are asked; nobody else waits for them or works for them.

mod metrics;
mod ready;
mod text;
mod vitals;

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use policy::host::HostPattern;
use policy::origin::{Guard, Scheme};
use upstream::Task;

use self::metrics::Metrics;
pub use self::vitals::Vitals;
use crate::config::SideAddress;
use crate::http::body::{Body, Incoming};
use crate::http::drain::Drain;
use crate::http::listener::{Bound, ConnInfo, Handler, PerConnection, Service, Terms};
use crate::http::respond;
use crate::side;
use crate::workers::Workers;

/// Connections at once to each of the sockets. Scrapers and probes are few, and must never use up what calls need.
const CONNECTIONS: usize = 64;

/// The sockets for metrics and readiness.
#[derive(Default)]
pub struct Stats {
    metrics: Option<Served>,
    readiness: Option<Served>,
}

/// A socket, at first open and then served.
struct Served {
    address: SocketAddr,
    host: String,
    bound: Option<Bound>,
    serving: Option<(Drain, Task)>,
}

impl Stats {
    /// Opens the sockets. One that nobody asked for may be missing: a second gateway on a machine has to start without
    /// anybody choosing ports for it.
    pub async fn bind(
        metrics: Option<&SideAddress>,
        readiness: Option<&SideAddress>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            metrics: Served::bind("config.statsAddr", "metrics", metrics).await?,
            readiness: Served::bind("config.readinessAddr", "readiness", readiness).await?,
        })
    }

    /// Where metrics are told.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|served| served.address)
    }

    /// Where readiness is told.
    pub fn readiness_address(&self) -> Option<SocketAddr> {
        self.readiness.as_ref().map(|served| served.address)
    }

    /// Begins to serve. It ends when this is dropped, which is after everything else: until then a load balancer is told
    /// that the gateway stops.
    pub fn serve(&mut self, vitals: &Arc<Vitals>) {
        if let Some(served) = &mut self.metrics {
            let guard = guard(served.address, &served.host);
            let metrics = Arc::new(Metrics::new(vitals.clone()));
            let began = served.serve(move |request: Request<Incoming>, _: Arc<ConnInfo>| {
                tell_metrics(metrics.clone(), guard.clone(), request)
            });
            if began {
                tracing::info!("Metrics at http://{}/metrics", served.address);
            }
        }
        if let Some(served) = &mut self.readiness {
            let vitals = vitals.clone();
            let began = served.serve(move |request: Request<Incoming>, _: Arc<ConnInfo>| {
                std::future::ready(ready::answer(&vitals, request.method(), request.uri().path()))
            });
            if began {
                tracing::info!("Readiness at http://{}/healthz/ready", served.address);
            }
        }
    }
}

impl Served {
    async fn bind(key: &str, what: &str, wanted: Option<&SideAddress>) -> anyhow::Result<Option<Self>> {
        let Some(SideAddress { address, is_default }) = wanted else { return Ok(None) };
        match side::open(key, address).await {
            Ok((bound, host)) => {
                Ok(Some(Self { address: bound.local_addr(), host, bound: Some(bound), serving: None }))
            }
            Err(error) if *is_default => {
                tracing::warn!(
                    "nobody is told of {what}: {error:#}; `{key}` may name another address, or be `off`"
                );
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether it serves from now on, and did not before.
    fn serve(&mut self, handler: impl Handler) -> bool {
        let Some(bound) = self.bound.take() else { return false };
        let drain = Drain::new();
        let terms = Terms::new(CONNECTIONS, PerConnection::default());
        let service = Service { handler: Arc::new(handler), tls: None, terms, workers: Workers::default() };
        let serving = Task::spawn("stats", bound.serve(service, drain.guard()));
        self.serving = Some((drain, serving));
        true
    }
}

/// A page that rebinds its name to a loopback address must not read what only this machine is told.
fn guard(address: SocketAddr, host: &str) -> Arc<Guard> {
    Arc::new(Guard::new(address.ip(), Scheme::Http, HostPattern::parse(host).into_iter().collect()))
}

async fn tell_metrics(
    metrics: Arc<Metrics>,
    guard: Arc<Guard>,
    request: Request<Incoming>,
) -> Response<Body> {
    let (parts, _) = request.into_parts();
    if let Err(refusal) = guard.check(&parts, None) {
        return respond::refused(&refusal);
    }
    match (parts.uri.path(), only_reads(&parts.method)) {
        ("/metrics", true) => {
            // There may be thousands of sessions and files to count, for which no call should wait.
            let encoded = tokio::task::spawn_blocking(move || metrics.text()).await.unwrap_or_default();
            text::respond(&parts.headers, encoded)
        }
        ("/metrics", false) => reads_only(),
        _ => respond::plain(StatusCode::NOT_FOUND, "metrics are at /metrics"),
    }
}

fn only_reads(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

fn reads_only() -> Response<Body> {
    let mut response = respond::plain(StatusCode::METHOD_NOT_ALLOWED, "this is only for reading");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}
