//! Taking over a changed configuration: check everything that can fail, then swap.

use crate::app::{App, Port, PortKey, certificates, keep, load_tls, per_connection, wanted};
use crate::assemble;
use crate::config::{self, Config};
use crate::http::listener::Bound;

impl App {
    /// Puts a configuration in force as a diff: ports that stay keep their connections, targets that stay keep their
    /// processes, sessions go on. If a port or a certificate that is new cannot be had, everything stays as it was.
    pub(crate) async fn apply(&mut self, config: Config, cause: &str) -> anyhow::Result<()> {
        let prepared = self.prepare(&config).await.inspect_err(|error| {
            tracing::error!(
                "{cause}, and cannot be put in force; the configuration from before stays: {error:#}"
            );
        })?;
        self.common.starting.limit(config.limits.starting_children);
        let assembled = assemble::assemble(&config, &self.backends, &self.common);
        self.terms.change(config.limits.connections, per_connection(&config));
        let mut ports = std::mem::take(&mut self.ports);
        let binds = config.binds.iter().zip(wanted(&config.binds));
        for (((bind, address), site), fresh) in binds.zip(assembled.sites).zip(prepared) {
            let port = match (ports.remove(&address), fresh) {
                (Some(port), None) => {
                    port.mcp.replace(site);
                    if let Some(Err(error)) = port.tls.as_ref().map(|tls| tls.reload(&certificates(bind))) {
                        tracing::error!("port {} keeps its certificates: {error}", bind.port);
                    }
                    port
                }
                (_, Some((bound, tls))) => Port::new(bound, tls, site),
                (None, None) => continue,
            };
            self.ports.insert(address, port);
        }
        let gone = std::mem::replace(&mut self.backends, assembled.backends);
        let gone: Vec<_> = gone.into_iter().filter(|(key, _)| !self.backends.contains_key(key)).collect();
        let closing = self.closing.track_future(Port::drain_all(ports.into_values(), config.grace));
        upstream::Task::spawn_finite("drain removed ports and backends", async move {
            closing.await;
            futures::future::join_all(gone.iter().map(|(_, backend)| backend.retire())).await;
        });
        // What has not taken effect since the start still has not.
        let restart = config::restart_keys(&self.started, &config);
        if !restart.is_empty() {
            tracing::warn!("`{}` take effect only at the next start", restart.join("`, `"));
        }
        if config.logging.level != self.config.logging.level {
            self.levels.change(&config.logging);
        }
        self.common.journal.keep(keep(&config, self.started.admin.is_some()));
        self.config = config;
        self.show(restart);
        self.serve();
        tracing::info!("{cause}; the new configuration is in force");
        Ok(())
    }

    /// Everything that can fail: the sockets of new ports and the certificates of all. For each bind of the configuration,
    /// what is needed to open it, or nothing if it is open.
    async fn prepare(
        &self,
        config: &Config,
    ) -> anyhow::Result<Vec<Option<(Bound, Option<crate::http::tls::Tls>)>>> {
        let mut prepared = Vec::new();
        for (bind, address) in config.binds.iter().zip(wanted(&config.binds)) {
            let taken = |(open, _): &PortKey| open.port() == bind.port && bind.port != 0;
            let tls = load_tls(bind)?;
            prepared.push(match self.ports.get(&address) {
                Some(port) if port.tls.is_some() == tls.is_some() => None,
                Some(_) => anyhow::bail!(
                    "port {} would change between HTTP and HTTPS, which needs a restart or another port",
                    bind.port
                ),
                None if self.ports.keys().any(taken) => anyhow::bail!(
                    "port {} would move to another address, which needs a restart or another port",
                    bind.port
                ),
                None => Some((Bound::open(address.0).await?, tls)),
            });
        }
        Ok(prepared)
    }
}
