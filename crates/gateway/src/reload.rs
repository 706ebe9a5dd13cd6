//! Taking over a changed configuration: check everything that can fail, then swap.

use crate::app::{App, Port, certificates, load_tls, wanted};
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
        let assembled = assemble::assemble(&config, &self.backends);
        let mut ports = std::mem::take(&mut self.ports);
        for ((bind, site), fresh) in config.binds.iter().zip(assembled.sites).zip(prepared) {
            let address = wanted(bind);
            let port = match (ports.remove(&address), fresh) {
                (Some(port), None) => {
                    port.mcp.replace(site);
                    port
                }
                (_, Some((bound, tls))) => Port::new(bound, tls, site),
                (None, None) => continue,
            };
            self.ports.insert(address, port);
        }
        let gone = std::mem::replace(&mut self.backends, assembled.backends);
        let gone: Vec<_> = gone.into_iter().filter(|(key, _)| !self.backends.contains_key(key)).collect();
        let grace = config.grace;
        upstream::Task::spawn_finite("drain removed ports and backends", async move {
            futures::future::join_all(ports.into_values().map(|port| port.drain(grace))).await;
            futures::future::join_all(gone.iter().map(|(_, backend)| backend.stop())).await;
        });
        if config.admin != self.config.admin || config.logging.format != self.config.logging.format {
            tracing::warn!(
                "`config.adminAddr` and `config.logging.format` take effect only at the next start"
            );
        }
        self.levels.change(&config.logging);
        self.config = config;
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
        for bind in &config.binds {
            prepared.push(match self.ports.get(&wanted(bind)) {
                Some(port) if port.tls.is_some() == (bind.tls_mode == config::TlsMode::Tls) => {
                    if let Some(tls) = &port.tls {
                        tls.reload(&certificates(bind))?;
                    }
                    None
                }
                Some(_) => anyhow::bail!(
                    "port {} would change between HTTP and HTTPS, which needs a restart or another port",
                    bind.port
                ),
                None => Some((Bound::open(wanted(bind)).await?, load_tls(bind)?)),
            });
        }
        Ok(prepared)
    }
}
