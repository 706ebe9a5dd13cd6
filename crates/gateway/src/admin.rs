//! The operator's side: the admin API and the web UI. Listens on loopback unless the configuration says otherwise.
//!
//! It shares nothing with the data path but handles for reading, so it can neither hold up a call nor fail one.

mod api;
mod calls;
mod catalog;
mod effective;
mod events;
mod failure;
mod gate;
mod pages;
mod sessions;
mod shown;
mod status;

pub mod configuration;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use federation::Journal;
use http::Request;
use policy::host::HostPattern;
use policy::origin::{Guard, Scheme};
use tokio::sync::mpsc;
use upstream::Task;

use self::configuration::{Configuration, Reload};
use self::shown::Shown;
use crate::assemble::Backends;
use crate::config::{Config, Problem, Source};
use crate::http::body::Incoming;
use crate::http::drain::Drain;
use crate::http::listener::{Bound, ConnInfo, PerConnection, Service, Terms};
use crate::log::Levels;
use crate::side;
use crate::workers::Workers;

/// Connections at once. Operators are few, and the admin side must never use up what calls need.
const CONNECTIONS: usize = 64;

/// The open socket of the admin listener.
pub struct Socket {
    bound: Bound,
    /// What the configuration calls the address, which is what people type.
    host: String,
}

/// The admin listener.
pub struct Admin {
    address: SocketAddr,
    host: String,
    bound: Option<Bound>,
    view: Arc<View>,
    serving: Option<(Drain, Task)>,
}

/// What the handlers work with.
struct View {
    guard: Guard,
    started: SystemTime,
    levels: Levels,
    journal: Journal,
    configuration: Arc<Configuration>,
    shown: RwLock<Arc<Shown>>,
}

/// What the admin interface is told of the program.
pub struct Program {
    /// Where the configuration comes from.
    pub source: Source,
    /// How reloads are asked for.
    pub reload: mpsc::Sender<Reload>,
    /// The calls that are shown.
    pub journal: Journal,
    /// How the log level is changed.
    pub levels: Levels,
}

/// What is in force.
pub struct InForce<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Where each of its binds listens, in its order.
    pub addresses: Vec<SocketAddr>,
    /// The backends that serve it.
    pub backends: &'a Backends,
    /// Keys that wait for the next start.
    pub restart: Vec<String>,
}

impl Socket {
    /// Opens the socket. The first address that a name stands for counts.
    pub async fn bind(address: &str) -> anyhow::Result<Self> {
        let (bound, host) = side::open("config.adminAddr", address).await?;
        Ok(Self { bound, host })
    }
}

impl Admin {
    /// Shows a configuration that is in force, once it serves.
    pub fn new(socket: Socket, program: Program, now: InForce<'_>) -> Self {
        let Socket { bound, host } = socket;
        let address = bound.local_addr();
        let Program { source, reload, journal, levels } = program;
        let configuration = Arc::new(Configuration::new(source.clone(), now.config.clone(), reload));
        let view = Arc::new(View {
            guard: Guard::new(address.ip(), Scheme::Http, HostPattern::parse(&host).into_iter().collect())
                .strict(),
            started: SystemTime::now(),
            levels,
            journal,
            shown: RwLock::new(Arc::new(Shown::of(source, now))),
            configuration,
        });
        Self { address, host, bound: Some(bound), view, serving: None }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where people find the UI.
    pub fn url(&self) -> String {
        format!("http://{}:{}/ui/", self.host, self.address.port())
    }

    /// Shows a configuration that has come into force.
    pub fn show(&self, now: InForce<'_>) {
        self.view.change(|shown| Shown::of(shown.source, now));
    }

    /// Shows why the source as it is now is not in force, or that it is, from now on: also when nothing but a comment of it
    /// changed, so that whoever looks at the text knows that there is another.
    pub fn problem(&self, problem: Option<Problem>) {
        self.view.configuration.note(problem.clone());
        self.view.change(|shown| Shown {
            loaded: if problem.is_none() { SystemTime::now() } else { shown.loaded },
            problem,
            ..shown
        });
    }

    /// Begins to serve.
    pub fn serve(&mut self) {
        let Some(bound) = self.bound.take() else {
            return;
        };
        tracing::info!("Admin UI available at {}", self.url());
        if !self.address.ip().is_loopback() {
            tracing::warn!(
                "everyone who can reach {} can see every call and change the configuration, which starts programs, since \
                 nothing authenticates operators; `config.adminAddr: localhost:{}` keeps it to this machine",
                self.address,
                self.address.port()
            );
        }
        let drain = Drain::new();
        let router = api::router(self.view.clone());
        let view = self.view.clone();
        let handler = Arc::new(move |request: Request<Incoming>, from: Arc<ConnInfo>| {
            gate::serve(view.clone(), router.clone(), request, from)
        });
        let service = Service {
            handler,
            tls: None,
            terms: Terms::new(CONNECTIONS, PerConnection::default()),
            workers: Workers::default(),
        };
        let serving = Task::spawn("admin", bound.serve(service, drain.guard()));
        self.serving = Some((drain, serving));
    }
}

impl View {
    fn shown(&self) -> Arc<Shown> {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(Shown) -> Shown) {
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        let next = change(Shown::clone(&shown));
        *shown = Arc::new(next);
    }
}

/// A moment as the API says it.
fn time(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at)
        .map(|at| at.round(jiff::Unit::Millisecond).unwrap_or(at).to_string())
        .unwrap_or_default()
}

/// A duration in milliseconds, to the microsecond.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
