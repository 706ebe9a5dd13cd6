//! The gateway inside the test's own process, and real MCP programs around it: SDK clients, SDK servers, the suite.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use agentgateway::app::App;
use agentgateway::config::{self, Source};
use agentgateway::log;
use serde_json::{Value, json};
use testkit::fixture::{self, Era};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::{Ask, serving, stdio, target_in};

/// How long a program may run before it counts as stuck, also on a machine that has much else to do.
const STUCK: Duration = Duration::from_secs(120);
/// The pause between two looks at a condition.
const LOOK: Duration = Duration::from_millis(25);

// === The gateway ===

/// A gateway in this process. [`Gateway::stop`] ends it in good order; dropping it cuts everything.
pub(crate) struct Gateway {
    address: SocketAddr,
    admin: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Gateway {
    /// Serves these targets as one backend.
    pub(crate) async fn over(targets: Vec<Value>) -> Self {
        Self::start(&serving(targets).to_string()).await
    }

    /// Serves a configuration, which has to choose free ports, and waits until its targets are there.
    pub(crate) async fn start(yaml: &str) -> Self {
        let source = Source::Inline(yaml.to_owned());
        let config =
            config::load(&source, &config::process_environment).unwrap_or_else(|faults| panic!("{faults}"));
        let levels = log::start(&config.logging);
        let app = App::bind(source, config, levels).await.expect("free ports");
        let address = *app.addresses().first().expect("an address");
        let admin = app.admin_address().expect("an admin interface");
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(Box::pin(app.run_until(async {
            // The other end is dropped with the gateway, which is to stop then, too.
            let _ = stopped.await;
        })));
        let gateway = Self { address, admin, stop, running };
        gateway.ready().await;
        gateway
    }

    /// Waits until every target is there, and in the lists, which follow a moment later.
    async fn ready(&self) {
        let mut last = Value::Null;
        let all_ready = async {
            loop {
                last = self.status().await;
                let backends = last["backends"].as_array().into_iter().flatten();
                let mut targets = backends.filter_map(|backend| backend["targets"].as_array()).flatten();
                if targets.all(|target| target["state"] == "ready") && self.lists_everything().await {
                    return;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let waited = timeout(STUCK, all_ready).await;
        assert!(
            waited.is_ok(),
            "a target does not start; if it misses a package, `make test` installs it: {last:#}"
        );
    }

    /// Whether no target is missing from the list of tools.
    async fn lists_everything(&self) -> bool {
        let answer = Ask::modern("tools/list", json!({})).send(self.address).await.answer().await;
        answer["result"].is_object()
            && answer["result"]["_meta"].get("agentgateway.dev/missingTargets").is_none()
    }

    /// Where clients of Streamable HTTP connect.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Where clients of HTTP+SSE connect.
    pub(crate) fn sse(&self) -> String {
        format!("http://{}/sse", self.address)
    }

    /// The era that the gateway speaks with a target.
    pub(crate) async fn era_of(&self, target: &str) -> String {
        let status = self.status().await;
        let target = target_in(&status, target).unwrap_or_else(|| panic!("no {target} in {status:#}"));
        target["peer"]["era"].as_str().unwrap_or_default().to_owned()
    }

    async fn status(&self) -> Value {
        Ask::get("/api/status").send(self.admin).await.json().await
    }

    /// Ends it and waits until nothing of it is left.
    pub(crate) async fn stop(self) {
        // It has ended already if it does not listen.
        let _ = self.stop.send(());
        timeout(STUCK, self.running).await.expect("the gateway does not stop").expect("the gateway panicked");
    }
}

/// A target that is the fixture over stdio.
pub(crate) fn stdio_fixture(name: &str, era: Era) -> Value {
    let binary = fixture::binary().expect("the fixture's binary");
    let era = match era {
        Era::Legacy => "legacy",
        Era::Modern => "modern",
        Era::Both => "both",
    };
    stdio(name, binary.to_str().expect("UTF-8"), &["stdio", "--era", era])
}

// === Programs ===

/// A folder below `tests` at the root of the repository.
pub(crate) fn tests(below: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the root of the repository");
    root.join("tests").join(below)
}

/// A file of the peers, which has to be there.
pub(crate) fn installed(below: &str) -> PathBuf {
    let path = tests(below);
    assert!(path.exists(), "{} is missing: `make test` installs what the tests talk to", path.display());
    path
}

/// The environment in which `uvx` is the one that is installed here and takes what is in its cache.
pub(crate) fn uvx_environment() -> Value {
    let uvx = installed("python/.venv/bin/uvx");
    let found = config::process_environment("PATH").unwrap_or_default();
    json!({
        "PATH": format!("{}:{found}", uvx.parent().expect("a folder").display()),
        "UV_CONSTRAINT": tests("python/constraints.txt"),
        "UV_OFFLINE": "1",
    })
}

/// A program that runs in a folder of the peers.
#[expect(
    clippy::disallowed_methods,
    reason = "peers are no targets: the test that starts one waits for it or kills it"
)]
fn command(program: &Path, folder: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(tests(folder)).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs a program to its end.
pub(crate) async fn run<A: AsRef<OsStr>>(
    program: &Path,
    folder: &str,
    args: impl IntoIterator<Item = A>,
) -> Output {
    let mut command = command(program, folder);
    let running = command.args(args).stderr(Stdio::piped()).output();
    let ended = timeout(STUCK, running).await.unwrap_or_else(|_| panic!("{} is stuck", program.display()));
    ended.unwrap_or_else(|error| {
        panic!("{}: {error}: `make test` installs what the tests talk to", program.display())
    })
}

/// The Node of this machine, with which the peers run as they do for everyone.
pub(crate) fn node() -> &'static Path {
    installed("js/node_modules/.installed");
    Path::new("node")
}

/// An MCP server of an SDK, one of the scripts in `tests/js`. It is killed when it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    _child: Child,
}

impl Server {
    /// Starts it and waits until it listens.
    pub(crate) async fn start(script: &str, args: &[&str]) -> Self {
        let mut child = command(node(), "js").arg(script).args(args).spawn().expect("node");
        let mut lines = BufReader::new(child.stdout.take().expect("standard output")).lines();
        let said = timeout(STUCK, lines.next_line()).await.expect("the server is stuck").expect("a pipe");
        let said = said.unwrap_or_else(|| panic!("{script} ended at once"));
        let url = said.strip_prefix("listening on ").unwrap_or_else(|| panic!("{script} says {said:?}"));
        Self { url: url.to_owned(), _child: child }
    }
}
