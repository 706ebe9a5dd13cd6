//! The gateway and its targets, all of them processes that can be killed, stopped and started again.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::fixture;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{sleep, timeout};

use super::process::{Size, marked};
use super::proxy::Proxy;
use crate::client::{EXE, Gateway, builtin, eventually, free_port, local, remote, serving, stdio};

/// The targets that keep the rules, by their names in the configuration. Two are processes of the gateway's, three are
/// behind HTTP.
pub(super) const HONEST: [&str; 5] = ["pipe-old", "pipe-new", "http-old", "http-new", "sse-old"];
/// Those that break them on demand, and keep them otherwise.
pub(super) const LIARS: [&str; 2] = ["liar-pipe", "liar-http"];

/// How large a request and an answer may be.
pub(super) const REQUEST_BODY: usize = 256 << 10;
pub(super) const RESPONSE_BODY: usize = 1 << 20;

/// What the configuration promises: for opening a link, for silence in a call, and for calls after failures.
const CONNECT: &str = "5s";
const CALL: &str = "4s";
const BREAK: &str = "1s";

/// What the environment of a gateway and of everything that it starts is marked with.
const MARK: &str = "CHAOS_MARK";
/// What the log says when a configuration was taken over.
const IN_FORCE: &str = "the new configuration is in force";
/// How long what a gateway started may outlive it.
const ORPHANS: Duration = Duration::from_secs(10);

/// Everything.
pub(super) struct Scene {
    pub(super) address: SocketAddr,
    gateway: Mutex<Gateway>,
    /// The number of the gateway that runs, in the marks of its processes.
    generation: AtomicUsize,
    pub(super) servers: Vec<Server>,
    folder: TempDir,
    saves: AtomicUsize,
}

/// A target over HTTP.
pub(super) struct Server {
    args: Vec<String>,
    pub(super) port: u16,
    child: StdMutex<Child>,
    /// Where the gateway finds it, unless that is the port itself.
    pub(super) proxy: Option<Proxy>,
}

impl Server {
    async fn start(args: &[&str], hidden: bool) -> Self {
        let port = free_port().await;
        let args: Vec<String> =
            args.iter().map(ToString::to_string).chain(["--port".into(), port.to_string()]).collect();
        let child = StdMutex::new(spawn(&args));
        let proxy = if hidden { Some(Proxy::before(port).await) } else { None };
        Self { args, port, child, proxy }
    }

    fn url(&self) -> String {
        let port = self.proxy.as_ref().map_or(self.port, |proxy| proxy.port);
        format!("http://{}/mcp", local(port))
    }

    /// Sends it a signal; whether it is there.
    pub(super) fn signal(&self, name: &str) {
        send(name, self.child().id());
    }

    /// Kills it, and starts it again on the same port after a while.
    pub(super) async fn restart(&self, signal: &str, away: Duration) {
        let gone = {
            let mut child = self.child();
            send(signal, child.id());
            child.wait().is_ok()
        };
        assert!(gone, "a server that was killed is gone");
        sleep(away).await;
        *self.child() = spawn(&self.args);
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().expect("nobody panics with it")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut child = self.child();
        // It may have been stopped by a signal, which SIGKILL overrules.
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn spawn(args: &[String]) -> Child {
    let mut command = Command::new(fixture::binary().expect("the fixture's binary"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the fixture's binary")
}

/// Sends a signal to a process that may be gone.
pub(super) fn send(name: &str, pid: u32) -> bool {
    let mut kill = Command::new("kill");
    kill.args([format!("-{name}"), pid.to_string()]).stderr(Stdio::null());
    kill.status().is_ok_and(|status| status.success())
}

impl Scene {
    /// Starts everything.
    pub(super) async fn start() -> Self {
        let http = |name, more: &[&'static str]| {
            let args = ["http", "--name", name, "--era"];
            [args.as_slice(), more].concat()
        };
        let servers = vec![
            Server::start(&http("http-old", &["legacy"]), true).await,
            Server::start(&http("http-new", &["modern"]), false).await,
            Server::start(&http("sse-old", &["legacy", "--always-sse"]), true).await,
            Server::start(&["hostile", "--http", "--name", "liar-http", "--era", "legacy"], false).await,
        ];
        let folder = tempfile::tempdir().expect("a folder");
        let address = local(free_port().await);
        fs::write(folder.path().join("config.yaml"), config(address, &servers, 0).to_string())
            .expect("a file");
        let gateway = gateway(&file(&folder), 0).await;
        Self {
            address,
            gateway: Mutex::new(gateway),
            generation: AtomicUsize::new(0),
            servers,
            folder,
            saves: AtomicUsize::new(0),
        }
    }

    /// The gateway that runs now.
    pub(super) async fn gateway(&self) -> MutexGuard<'_, Gateway> {
        self.gateway.lock().await
    }

    pub(super) async fn size(&self) -> Size {
        Size::of(self.gateway().await.id())
    }

    /// What the gateway started, and what that started.
    pub(super) async fn children(&self) -> Vec<u32> {
        let gateway = self.gateway().await;
        let mark = mark(self.generation.load(Ordering::Relaxed));
        marked(&mark).into_iter().filter(|pid| *pid != gateway.id()).collect()
    }

    /// How many sessions the gateway has.
    pub(super) async fn sessions(&self) -> u64 {
        let status = self.gateway().await.status().await;
        let backends = status["backends"].as_array().into_iter().flatten();
        backends.filter_map(|backend| backend["sessions"].as_u64()).sum()
    }

    /// One of the gateway's children, another one each time.
    pub(super) async fn some_child(&self) -> Option<u32> {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        let children = self.children().await;
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        children.get(turn.wrapping_mul(7) % children.len().max(1)).copied()
    }

    /// One of the HTTP targets, another one each time.
    pub(super) fn some_server(&self) -> &Server {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        &self.servers[TURN.fetch_add(1, Ordering::Relaxed) % self.servers.len()]
    }

    /// Saves the configuration with something changed, and waits until it is in force.
    pub(super) async fn reload(&self) {
        let number = self.saves.fetch_add(1, Ordering::Relaxed) + 1;
        let gateway = self.gateway().await;
        let before = gateway.log().matches(IN_FORCE).count();
        fs::write(file(&self.folder), config(self.address, &self.servers, number).to_string())
            .expect("a file");
        let taken = async || (gateway.log().matches(IN_FORCE).count() > before).then_some(());
        eventually("the saved configuration is in force", taken).await;
    }

    /// Ends the gateway with a signal and starts it again. Says which processes outlived it.
    pub(super) async fn replace_gateway(&self, signal: &str) -> Vec<u32> {
        let mut running = self.gateway().await;
        running.signal(signal);
        let ended = running.ended().await;
        assert!(signal == "KILL" || ended.success(), "{ended}: {}", running.log());
        let generation = self.generation.fetch_add(1, Ordering::Relaxed);
        *running = gateway(&file(&self.folder), generation + 1).await;
        drop(running);
        orphans(generation).await
    }

    /// Ends everything, and says which processes outlived the gateway.
    pub(super) async fn end(self) -> Vec<u32> {
        let generation = self.generation.load(Ordering::Relaxed);
        let mut gateway = self.gateway.into_inner();
        gateway.signal("TERM");
        let ended = gateway.ended().await;
        assert_eq!(ended.code(), Some(0), "{}", gateway.log());
        orphans(generation).await
    }
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("config.yaml")
}

/// The mark of a gateway's processes, as it stands in their environment. No other test process has it, and each of them
/// has one scene.
fn mark(generation: usize) -> String {
    format!("{MARK}={}-{generation}", std::process::id())
}

async fn gateway(file: &std::path::Path, generation: usize) -> Gateway {
    let mut command = Command::new(EXE);
    let (name, value) = (MARK, mark(generation).split_off(MARK.len() + 1));
    command.arg("-f").arg(file).env(name, value);
    Gateway::of_command(command).await
}

/// The processes of a gateway that is gone, once they had time to leave.
async fn orphans(generation: usize) -> Vec<u32> {
    let mark = mark(generation);
    let none = async {
        while !marked(&mark).is_empty() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    match timeout(ORPHANS, none).await {
        Ok(()) => Vec::new(),
        Err(_) => marked(&mark),
    }
}

/// The configuration after so many saves: one of three has a target more, each has another environment for one target, and
/// one of four another limit, which concerns all of them.
fn config(address: SocketAddr, servers: &[Server], number: usize) -> Value {
    let binary = fixture::binary().expect("the fixture's binary");
    let program = |name: &str, args: &[&str]| {
        stdio(name, binary.to_str().expect("UTF-8"), &[args, &["--name", name]].concat())
    };
    let [old, new, http_old, http_new, sse_old] = HONEST;
    let mut targets = vec![
        program(old, &["stdio", "--era", "legacy"]),
        program(new, &["stdio", "--era", "modern"]),
        remote(http_old, &servers[0].url()),
        remote(http_new, &servers[1].url()),
        remote(sse_old, &servers[2].url()),
        program(LIARS[0], &["hostile", "--era", "legacy"]),
        remote(LIARS[1], &servers[3].url()),
    ];
    for target in &mut targets {
        target["timeouts"] = json!({ "connect": CONNECT, "call": CALL });
        target["breaker"] = json!({ "pause": BREAK });
    }
    targets[1]["stdio"]["env"] = json!({ "ROUND": (number % 2).to_string() });
    if number % 3 == 1 {
        targets.push(builtin("time"));
    }
    let mut config = serving(targets);
    config["binds"][0]["port"] = json!(address.port());
    config["config"]["logging"] = json!({ "level": "info" });
    let response_body = RESPONSE_BODY + usize::from(number % 4 == 3);
    config["config"]["limits"] = json!({ "requestBody": REQUEST_BODY, "responseBody": response_body });
    config
}
