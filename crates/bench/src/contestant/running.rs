//! A contestant that runs in front of targets.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Ability, Contestant, Definition, Places};
use crate::child::Child;
use crate::load::Endpoint;
use crate::meter::{Cpu, Handles, Memory, Scope};

/// The name of the target that is a program.
const PROGRAM: &str = "program";

/// How often metrics are fetched.
const SCRAPE: Duration = Duration::from_secs(1);

/// What is behind a contestant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Behind {
    /// Servers at these addresses.
    pub(crate) servers: Vec<SocketAddr>,
    /// One server after them, which is this program with these arguments.
    pub(crate) program: Option<Vec<String>>,
}

/// A contestant that runs, or the target itself.
pub(crate) struct Running {
    pub(crate) endpoint: Endpoint,
    child: Option<Child>,
    scope: Scope,
    scrape: Option<(SocketAddr, String)>,
    folder: TempDir,
    /// The one that it listens on, and another one.
    ports: [u16; 2],
}

impl Running {
    /// Starts a contestant. It need not be ready yet.
    pub(crate) fn start(contestant: &Contestant, behind: &Behind) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-").tempdir()?;
        let scope = match behind.program {
            None => Scope::Tree,
            // The server is no part of the gateway.
            Some(_) => Scope::Alone,
        };
        let ports = free_ports()?;
        let Some(definition) = &contestant.definition else {
            let address = *behind.servers.first().context("clients cannot call a program directly")?;
            let endpoint = Endpoint { address, path: "/mcp".into(), headers: Vec::new() };
            return Ok(Self { endpoint, child: None, scope, scrape: None, folder, ports });
        };
        let places = furnish(definition, behind, folder.path(), ports)?;
        let args: Vec<_> = definition.args.iter().map(|arg| places.fill(arg)).collect::<Result<_, _>>()?;
        let mut child = Child::start(&contestant.program, &args, &folder.path().join("log"))?;
        child.ignore_output();
        let scrape = definition.scrape.as_ref().map(|url| places.fill(url)).transpose()?;
        let scrape = scrape.map(|url| parts(&url)).transpose()?;
        let headers = definition.headers.clone().into_iter().collect();
        let address = (Ipv4Addr::LOCALHOST, ports[0]).into();
        let endpoint = Endpoint { address, path: definition.path.clone(), headers };
        Ok(Self { endpoint, child: Some(child), scope, scrape, folder, ports })
    }

    /// Writes its files anew for other targets, while it runs.
    pub(crate) fn refurnish(&self, definition: &Definition, behind: &Behind) -> anyhow::Result<()> {
        furnish(definition, behind, self.folder.path(), self.ports).map(drop)
    }

    /// Fails if its program has ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        self.child.as_mut().map_or(Ok(()), Child::check)
    }

    /// The end of its log.
    pub(crate) fn why(&self) -> String {
        self.child.as_ref().map(Child::why).unwrap_or_default()
    }

    /// Processor time, if there is a program.
    pub(crate) fn cpu(&self) -> Option<Cpu> {
        self.child.as_ref().map(|child| Cpu::of(child.id(), self.scope))
    }

    /// Memory, if there is a program.
    pub(crate) fn memory(&self) -> Option<Memory> {
        self.child.as_ref().map(|child| Memory::of(child.id(), self.scope))
    }

    /// Descriptors and threads, if there is a program.
    pub(crate) fn handles(&self) -> Option<Handles> {
        self.child.as_ref().map(|child| Handles::of(child.id()))
    }

    /// Fetches metrics for as long as the value lives, if that is usual for this contestant.
    pub(crate) fn scraped(&self) -> Option<Scraper> {
        let (address, path) = self.scrape.clone()?;
        Some(Scraper(tokio::spawn(async move {
            loop {
                // A gateway that has no metrics just now is not what is measured here.
                let _ = fetch(address, &path).await;
                tokio::time::sleep_until(Instant::now() + SCRAPE).await;
            }
        })))
    }

    pub(crate) async fn stop(self) {
        if let Some(child) = self.child {
            child.stop().await;
        }
    }
}

/// Fetches metrics until it is dropped.
pub(crate) struct Scraper(JoinHandle<()>);

impl Drop for Scraper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn fetch(address: SocketAddr, path: &str) -> std::io::Result<()> {
    let mut socket = TcpStream::connect(address).await?;
    socket
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut page = Vec::new();
    socket.read_to_end(&mut page).await?;
    Ok(())
}

/// Writes the files of a contestant, each at once, because it may be looking at them.
fn furnish(
    definition: &Definition,
    behind: &Behind,
    folder: &Path,
    ports: [u16; 2],
) -> anyhow::Result<Places> {
    let places = places(definition, behind, folder, ports)?;
    for (name, text) in &definition.files {
        let aside = folder.join(format!("{name}.new"));
        std::fs::write(&aside, places.fill(text)?)?;
        std::fs::rename(&aside, folder.join(name))?;
    }
    Ok(places)
}

fn places(
    definition: &Definition,
    behind: &Behind,
    folder: &Path,
    [port, spare]: [u16; 2],
) -> anyhow::Result<Places> {
    let cores = std::thread::available_parallelism()?;
    let places = Places::default().with("port", port).with("spare", spare).with("cores", cores);
    let places = places.with("dir", folder.display());
    let text = definition.target.clone().unwrap_or_default();
    let each = behind.servers.iter().enumerate().map(|(number, address)| {
        let places = Places::default().with("name", target_name(number)).with("host", address.ip());
        places.with("port", address.port()).with("url", format!("http://{address}/mcp")).fill(&text.http)
    });
    let mut targets = each.collect::<anyhow::Result<Vec<_>>>()?;
    if let Some(args) = &behind.program {
        if !definition.can.contains(&Ability::Stdio) {
            bail!("`{}` starts no programs", definition.name);
        }
        let program = json!(crate::child::myself()?);
        let places = Places::default().with("name", PROGRAM).with("program", program);
        targets.push(places.with("args", json!(args)).fill(&text.stdio)?);
    }
    let places = places.with("targets", targets.join(&text.between));
    Ok(match behind.servers.first() {
        Some(first) => places.with("first", first),
        None => places,
    })
}

fn target_name(number: usize) -> String {
    format!("t{number}")
}

/// Ports that nobody uses at the moment.
fn free_ports() -> std::io::Result<[u16; 2]> {
    let bound = [TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?];
    Ok([bound[0].local_addr()?.port(), bound[1].local_addr()?.port()])
}

/// The address and the path of a URL like `http://127.0.0.1:80/metrics`.
fn parts(url: &str) -> anyhow::Result<(SocketAddr, String)> {
    let rest = url.strip_prefix("http://").with_context(|| format!("`{url}` does not begin with http://"))?;
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((address.parse().with_context(|| format!("`{address}` is no address"))?, format!("/{path}")))
}
