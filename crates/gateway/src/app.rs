//! The program: open every socket of a configuration, serve, take over changes, shut down.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use federation::{Journal, Keep};
use futures::future::{join, join_all};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use upstream::{Starting, Task};

use crate::access_log::AccessLog;
use crate::admin::configuration::Reload;
use crate::admin::{Admin, InForce, Program, Socket};
use crate::assemble::{self, Backends, Common, Site};
use crate::config::{self, Bind, Config, Problem, Source, TlsMode};
use crate::http::drain::{Drain, Drained};
use crate::http::listener::{Bound, PerConnection, Service, Terms};
use crate::http::mcp::Mcp;
use crate::http::tls::{Certificate, Tls};
use crate::log::Levels;
use crate::signals::Shutdown;
use crate::stats::{Stats, Vitals};
use crate::watch;
use crate::workers::Workers;

/// How long targets get to stop in good order: closing their input, then SIGTERM, then SIGKILL takes them less.
const STOPPING: Duration = Duration::from_secs(10);

/// How many reloads may be asked for at once. Each waits for the one before.
const RELOADS: usize = 8;

/// The gateway with all sockets open. Serving begins with [`App::run`].
pub struct App {
    source: Source,
    pub(crate) config: Config,
    /// What the program was started with.
    pub(crate) started: Config,
    pub(crate) backends: Backends,
    pub(crate) ports: HashMap<PortKey, Port>,
    pub(crate) terms: Terms,
    workers: Workers,
    pub(crate) levels: Levels,
    pub(crate) common: Common,
    admin: Option<Admin>,
    pub(crate) vitals: Arc<Vitals>,
    stats: Stats,
    reloads: mpsc::Receiver<Reload>,
    /// Ports that a reload has removed, until their connections have ended.
    pub(crate) closing: TaskTracker,
}

/// A port that is open, and what it serves.
pub(crate) struct Port {
    pub(crate) mcp: Arc<Mcp>,
    pub(crate) tls: Option<Tls>,
    /// Where it listens, with the port that it really has.
    address: SocketAddr,
    /// The socket, until it is served.
    bound: Option<Bound>,
    drain: Option<Drain>,
    serving: Option<Task>,
}

impl App {
    /// Opens every socket, and starts the targets only once all of them are open.
    pub async fn bind(source: Source, config: Config, levels: Levels) -> anyhow::Result<Self> {
        let mut opened = Vec::new();
        for (bind, key) in config.binds.iter().zip(wanted(&config.binds)) {
            let tls = load_tls(bind)?;
            opened.push((key, Bound::open(key.0).await?, tls));
        }
        let (reload, reloads) = mpsc::channel(RELOADS);
        let socket = match &config.admin {
            Some(address) => Some(Socket::bind(address).await?),
            None => None,
        };
        let stats = Stats::bind(config.stats.as_ref(), config.readiness.as_ref()).await?;
        let terms = Terms::new(config.limits.connections, per_connection(&config));
        let workers = Workers::start(config.worker_threads.unwrap_or_else(Workers::one_per_core))
            .context("cannot start the threads that serve connections")?;
        let common = Common {
            journal: Journal::new(keep(&config, config.admin.is_some())),
            counts: terms.counts.clone(),
            starting: Starting::new(config.limits.starting_children),
            access_log: AccessLog::new(config.logging.format),
        };
        let assembled = assemble::assemble(&config, &Backends::new(), &common);
        let mut app = Self {
            source,
            vitals: Arc::new(Vitals::new(terms.clone(), &assembled.backends)),
            stats,
            backends: assembled.backends,
            ports: HashMap::new(),
            terms,
            workers,
            levels,
            common,
            admin: None,
            reloads,
            closing: TaskTracker::new(),
            started: config.clone(),
            config,
        };
        for ((wanted, bound, tls), site) in opened.into_iter().zip(assembled.sites) {
            app.ports.insert(wanted, Port::new(bound, tls, site));
        }
        let program = Program {
            source: app.source.clone(),
            reload,
            journal: app.common.journal.clone(),
            levels: app.levels.clone(),
        };
        app.admin = socket.map(|socket| Admin::new(socket, program, app.in_force(Vec::new())));
        Ok(app)
    }

    /// The addresses that clients can connect to, in the order of the configuration, with the ports that they really
    /// have.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let wanted = wanted(&self.config.binds);
        wanted.iter().filter_map(|key| self.ports.get(key)).map(|port| port.address).collect()
    }

    /// Where the admin interface listens, if it does.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Admin::address)
    }

    /// Where metrics are told, if they are.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.stats.metrics_address()
    }

    /// Where readiness is told, if it is.
    pub fn readiness_address(&self) -> Option<SocketAddr> {
        self.stats.readiness_address()
    }

    /// Where people find the UI, if it is served.
    pub fn ui(&self) -> Option<String> {
        self.admin.as_ref().map(Admin::url)
    }

    /// Serves until it is asked to stop. The first signal lets calls finish within the grace period, the second cuts them.
    pub async fn run(mut self, mut shutdown: Shutdown) {
        let access_log = self.common.access_log.clone();
        let mut changes = watch::changes(&self.source);
        self.serve();
        loop {
            tokio::select! {
                signal = shutdown.asked() => {
                    tracing::info!("{signal}: finishing calls, at most {:?}; once more stops at once", self.config.grace);
                    break;
                }
                cause = changes.next() => drop(self.reload(&cause).await),
                Some(asked) = self.reloads.recv() => {
                    changes.seen();
                    self.reload_now(asked).await;
                }
            }
        }
        let signal = shutdown.asked();
        tokio::select! {
            () = self.stop() => tracing::info!("stopped"),
            signal = signal => tracing::warn!("{signal} again: stopped at once"),
        }
        access_log.flush();
    }

    /// Serves until the future completes, then lets calls finish. For tests, which send no signals.
    pub async fn run_until(mut self, done: impl Future<Output = ()>) {
        let mut changes = watch::changes(&self.source);
        self.serve();
        let mut done = std::pin::pin!(done);
        loop {
            tokio::select! {
                () = &mut done => break,
                cause = changes.next() => drop(self.reload(&cause).await),
                Some(asked) = self.reloads.recv() => {
                    changes.seen();
                    self.reload_now(asked).await;
                }
            }
        }
        self.stop().await;
    }

    /// Begins to serve every port that is open.
    pub(crate) fn serve(&mut self) {
        for port in self.ports.values_mut() {
            port.serve(&self.terms, &self.workers);
        }
        self.stats.serve(&self.vitals);
        if let Some(admin) = &mut self.admin {
            admin.serve();
        }
    }

    /// Takes the configuration over as it is now, if it is valid, and shows what came of it.
    async fn reload(&mut self, cause: &str) -> Option<Problem> {
        let problem = match config::load(&self.source, &config::process_environment) {
            Ok(config) if config == self.config => {
                tracing::debug!("{cause}, but it means the same as before");
                None
            }
            Ok(config) => self.apply(config, cause).await.err().map(Problem::from),
            Err(faults) => {
                tracing::error!(
                    "{cause}, and is not valid; the configuration from before stays in force\n{faults}"
                );
                Some(faults.into())
            }
        };
        self.vitals.reloaded(problem.is_none());
        if let Some(admin) = &self.admin {
            admin.problem(problem.clone());
        }
        problem
    }

    /// The same, for the admin interface, which has just saved the file and waits for the outcome.
    async fn reload_now(&mut self, asked: Reload) {
        let problem = self.reload("the configuration was saved in the admin interface").await;
        // Who no longer waits sees it in the status.
        let _ = asked.done.send(problem);
    }

    /// Shows what is in force now.
    pub(crate) fn show(&self, restart: Vec<String>) {
        self.vitals.serves(&self.backends, restart.len());
        if let Some(admin) = &self.admin {
            admin.show(self.in_force(restart));
        }
    }

    fn in_force(&self, restart: Vec<String>) -> InForce<'_> {
        InForce { config: &self.config, addresses: self.addresses(), backends: &self.backends, restart }
    }

    /// Ports first, so that nothing new begins; then targets, whose calls have ended. Probes are answered to the end.
    async fn stop(self) {
        self.vitals.stop();
        let Self {
            config,
            ports,
            backends,
            admin: _admin,
            stats: _stats,
            workers: _workers,
            reloads,
            closing,
            ..
        } = self;
        // Who asks for a reload now is told at once that there will be none.
        drop(reloads);
        closing.close();
        // Those that close already have deadlines of their own, perhaps longer ones.
        let closed = timeout(config.grace, closing.wait());
        let _ = join(Port::drain_all(ports.into_values(), config.grace), closed).await;
        let stopping = join_all(backends.values().map(federation::Backend::stop));
        if timeout(STOPPING, stopping).await.is_err() {
            tracing::warn!("some targets did not stop within {} s and were cut", STOPPING.as_secs());
        }
    }
}

impl Port {
    pub(crate) fn new(bound: Bound, tls: Option<Tls>, site: Arc<Site>) -> Self {
        let address = bound.local_addr();
        Self { mcp: Mcp::new(site), tls, address, bound: Some(bound), drain: None, serving: None }
    }

    pub(crate) fn serve(&mut self, terms: &Terms, workers: &Workers) {
        let Some(bound) = self.bound.take() else {
            return;
        };
        let drain = Drain::new();
        let address = self.address;
        tracing::info!("Listening on {address}");
        if !address.ip().is_loopback() {
            tracing::warn!(
                "everyone who can reach {address} can use the servers behind it, since nothing authenticates clients; \
                 `address: 127.0.0.1` at the listener keeps it to this machine"
            );
        }
        let service = Service {
            handler: self.mcp.clone(),
            tls: self.tls.clone(),
            terms: terms.clone(),
            workers: workers.clone(),
        };
        self.serving = Some(Task::spawn("port", bound.serve(service, drain.guard())));
        self.drain = Some(drain);
    }

    /// Ends all of them: takes no new connections, and waits for those that are there.
    pub(crate) async fn drain_all(ports: impl Iterator<Item = Self>, grace: Duration) {
        if join_all(ports.map(|port| port.drain(grace))).await.contains(&false) {
            tracing::warn!("not every connection finished within {grace:?}; those that did not were cut");
        }
    }

    /// Whether all connections finished.
    async fn drain(mut self, grace: Duration) -> bool {
        match self.drain.take() {
            Some(drain) => matches!(drain.wait(grace).await, Drained::Complete),
            None => true,
        }
    }
}

/// Which port of the configuration this is: the address it asks for, and how many before it asked for the same one, which
/// only ports that the system chooses can.
pub(crate) type PortKey = (SocketAddr, usize);

/// The sockets that the configuration asks for, in its order.
pub(crate) fn wanted(binds: &[Bind]) -> Vec<PortKey> {
    let mut keys: Vec<PortKey> = Vec::with_capacity(binds.len());
    for bind in binds {
        let address = SocketAddr::new(bind.address, bind.port);
        keys.push((address, keys.iter().filter(|(other, _)| *other == address).count()));
    }
    keys
}

/// The certificates of a port that encrypts.
pub(crate) fn load_tls(bind: &Bind) -> anyhow::Result<Option<Tls>> {
    match bind.tls_mode {
        TlsMode::Plain => Ok(None),
        TlsMode::Tls => Ok(Some(Tls::load(&certificates(bind))?)),
    }
}

/// What a configuration allows each connection.
pub(crate) fn per_connection(config: &Config) -> PerConnection {
    PerConnection { head: config.limits.request_head, requests: config.limits.requests_per_connection }
}

/// How much of recent calls a configuration wants to be kept.
pub(crate) fn keep(config: &Config, shown: bool) -> Keep {
    // What nobody can look at is not kept.
    let most = |most: usize| if shown { most } else { 0 };
    Keep { calls: most(config.activity.calls), bodies: most(config.activity.bodies) }
}

/// Which certificate is for which host.
pub(crate) fn certificates(bind: &Bind) -> Vec<Certificate> {
    let of = |listener: &crate::config::Listener| {
        let files = listener.tls.as_ref()?;
        Some(Certificate {
            hostname: listener.hostname.as_ref().map(ToString::to_string),
            cert: files.cert.clone(),
            key: files.key.clone(),
        })
    };
    bind.listeners.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn several_ports_that_the_system_chooses_are_all_kept() {
        let bind = "{port: 0, listeners: [{address: 127.0.0.1, routes: [{backends: [{mcp: {targets: [{name: a, stdio: {cmd: a}}]}}]}]}]}";
        let source = Source::Inline(format!(
            "{{config: {{adminAddr: \"off\", statsAddr: \"off\", readinessAddr: \"off\"}}, binds: [{bind}, {bind}]}}"
        ));
        let config = config::load(&source, &|_| None).expect("valid");
        let app = App::bind(source, config, Levels::default()).await.expect("free ports");
        assert_eq!((app.ports.len(), app.addresses().len()), (2, 2));
        assert_ne!(app.addresses()[0], app.addresses()[1]);
    }
}
