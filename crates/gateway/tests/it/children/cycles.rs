//! Many starts, and as many ends of every kind: nobody is left, whoever is killed and whatever they started.

use std::sync::atomic::{AtomicUsize, Ordering};

use agentgateway::config::process_environment;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::family::Family;
use crate::client::{EXE, Gateway, eventually, serving, shell, signal, stdio};

/// How many cycles run at the same time.
const AT_ONCE: usize = 4;

/// What a target starts, besides a server.
#[derive(Debug, Clone, Copy)]
enum Tree {
    /// A shell, a shell and `node`, all deaf to SIGTERM, below a server that leaves when its input ends.
    Nodes,
    /// `npm exec`, `sh` and `node`.
    Npx,
    /// The same as the first, and the server below a shell that leaves for nobody.
    Deaf,
}

impl Tree {
    const ALL: [Self; 10] = [
        Self::Npx,
        Self::Nodes,
        Self::Nodes,
        Self::Nodes,
        Self::Nodes,
        Self::Deaf,
        Self::Nodes,
        Self::Nodes,
        Self::Nodes,
        Self::Nodes,
    ];

    fn target(self) -> Value {
        let node = "node -e 'process.on(`SIGTERM`, () => {}); setInterval(() => {}, 1e6) // deaf node'";
        let nodes = format!(
            "trap \"\" TERM; sh -c 'trap \"\" TERM; {}; true' &",
            node.replace('\'', "\"").replace('`', "\\`")
        );
        let nodes = nodes.replace("\\`", "'\\''");
        match self {
            Self::Nodes => shell("tree", &format!("{nodes} exec {EXE} builtin time")),
            Self::Deaf => shell("tree", &format!("{nodes} {EXE} builtin time; while :; do sleep 1000; done")),
            Self::Npx => {
                let mut target = stdio("tree", "npx", &["--no-install", "mcp-server-everything"]);
                target["stdio"]["cwd"] = json!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/js"));
                target["stdio"]["env"] = json!({ "npm_config_offline": "true" });
                target
            }
        }
    }

    /// A process that is there once the tree has grown.
    fn leaf(self) -> &'static str {
        match self {
            Self::Nodes | Self::Deaf => "deaf node",
            Self::Npx => "node",
        }
    }
}

/// A server that leaves daemons behind: in sessions of their own, one of them without its parent from the beginning.
fn daemons() -> Value {
    let line = format!(
        "setsid sleep 1001 & (setsid sh -c 'trap \"\" TERM HUP; setsid sleep 1002 & sleep 1003; true' &) ; exec {EXE} builtin everything"
    );
    shell("daemons", &line)
}

/// How a cycle ends.
#[derive(Debug, Clone, Copy)]
enum End {
    ChildKilled,
    GatewayKilled,
    GatewayStopped,
}

impl End {
    const ALL: [Self; 3] = [Self::ChildKilled, Self::GatewayKilled, Self::GatewayStopped];
}

async fn cycle(number: usize) {
    let (tree, end) = (Tree::ALL[number % Tree::ALL.len()], End::ALL[number % End::ALL.len()]);
    let family = Family::new();
    let config = serving(vec![family.of(tree.target()), family.of(daemons())]);
    let mut gateway = Gateway::start(&config).await;
    let program = gateway.ready("tree").await;
    gateway.ready("daemons").await;
    for words in [tree.leaf(), "sleep 1001", "sleep 1002", "sleep 1003"] {
        family.has(words).await;
    }
    match end {
        End::ChildKilled => {
            let daemon = family.has("sleep 1002").await;
            let daemons = crate::client::pid_of(&gateway.target("daemons").await.expect("a target"));
            let below = family.alive();
            signal("KILL", program);
            signal("KILL", daemons.expect("a child"));
            let all = async || below.iter().all(|member| !member.is_alive()).then_some(());
            eventually(&format!("the end of {below:?}"), all).await;
            assert!(!daemon.is_alive());
            gateway.signal("TERM");
            gateway.ended().await;
        }
        End::GatewayKilled => gateway.signal("KILL"),
        End::GatewayStopped => {
            gateway.signal("TERM");
            assert_eq!(gateway.ended().await.code(), Some(0), "{}", gateway.log());
            assert_eq!(family.alive(), [], "left by a gateway that had time");
        }
    }
    family.gone().await;
}

/// Runs so many of them, and says how long they took.
#[expect(clippy::print_stdout, reason = "the figures are what the long run is for")]
async fn cycles(count: usize) {
    let (start, done) = (Instant::now(), AtomicUsize::new(0));
    futures::stream::iter(0..count)
        .for_each_concurrent(AT_ONCE, async |number| {
            cycle(number).await;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if done % 100 == 0 || done == count {
                println!("{done} cycles in {:.0} s, nobody is left", start.elapsed().as_secs_f64());
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_left_after_some_cycles() {
    cycles(30).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`make cycles` runs it, $CYCLES times"]
async fn nobody_is_left_after_many_cycles() {
    let count = process_environment("CYCLES").unwrap_or_else(|| "1000".into());
    cycles(count.parse().expect("CYCLES is a number")).await;
}
