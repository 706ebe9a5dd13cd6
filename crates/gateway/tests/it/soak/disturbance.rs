//! What happens to the gateway meanwhile: its children die, its HTTP targets restart, its file is saved.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::Served;
use testkit::fixture::{self, Era, Settings};
use tokio::time::{Instant, sleep, sleep_until};

use super::process::Size;
use crate::client::{Gateway, builtin, eventually, remote, serving, signal};
use crate::support::stdio_fixture;

/// The pause between two disturbances.
const PAUSE: Duration = Duration::from_millis(1500);
/// How long an HTTP target stays away.
const AWAY: Duration = Duration::from_millis(300);
/// What the log says when a configuration was taken over.
const IN_FORCE: &str = "the new configuration is in force";

/// The targets, by their names in the configuration.
pub(super) const TARGETS: [&str; 4] = ["stdio-old", "stdio-new", "http-old", "http-new"];

/// The gateway with its targets: two children and two servers, one of each era.
pub(super) struct Scene {
    pub(super) gateway: Gateway,
    file: PathBuf,
    _folder: TempDir,
    http: [Option<Served>; 2],
    urls: [String; 2],
    reloads: usize,
}

const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

impl Scene {
    pub(super) async fn start() -> Self {
        let http = [serve(ERAS[0], 0).await, serve(ERAS[1], 0).await];
        let urls = [http[0].url.clone(), http[1].url.clone()];
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.yaml");
        std::fs::write(&file, config(&urls, false).to_string()).expect("a file");
        let gateway = Gateway::run(&["-f", file.to_str().expect("UTF-8")]).await;
        Self { gateway, file, _folder: folder, http: http.map(Some), urls, reloads: 0 }
    }

    /// Waits until every target is there.
    pub(super) async fn ready(&self) {
        for target in TARGETS {
            self.gateway.ready(target).await;
        }
    }

    /// How many sessions the gateway has.
    pub(super) async fn sessions(&self) -> u64 {
        let status = self.gateway.status().await;
        let backends = status["backends"].as_array().into_iter().flatten();
        backends.filter_map(|backend| backend["sessions"].as_u64()).sum()
    }

    /// Disturbs the gateway in turns until a moment.
    pub(super) async fn disturb_until(&mut self, end: Instant) -> Disturbances {
        let mut done = Disturbances::default();
        for turn in 0.. {
            sleep_until((Instant::now() + PAUSE).min(end)).await;
            if Instant::now() >= end {
                break;
            }
            match turn % 4 {
                0 => done.kills += self.kill_a_child(turn / 4),
                1 => done.restarts += self.restart(0).await,
                2 => done.reloads += self.reload(self.reloads.is_multiple_of(2)).await,
                _ => done.restarts += self.restart(1).await,
            }
        }
        done
    }

    /// Leaves everything as it was at the start, and waits until it is.
    pub(super) async fn settle(&mut self) {
        if !self.reloads.is_multiple_of(2) {
            self.reload(false).await;
        }
        self.ready().await;
    }

    /// Kills one of the gateway's children, of whichever target and session.
    fn kill_a_child(&self, turn: usize) -> usize {
        let children = Size::of(self.gateway.id()).children;
        let Some(pid) = children.get(turn % children.len().max(1)) else { return 0 };
        signal("KILL", *pid);
        1
    }

    /// Stops an HTTP target and starts it again on the same port.
    async fn restart(&mut self, which: usize) -> usize {
        let served = self.http[which].take().expect("a server");
        let port = served.addr.port();
        served.stop();
        sleep(AWAY).await;
        self.http[which] = Some(serve(ERAS[which], port).await);
        1
    }

    /// Saves the configuration with or without one more target, and waits until it is in force.
    async fn reload(&mut self, more: bool) -> usize {
        let before = self.gateway.log().matches(IN_FORCE).count();
        std::fs::write(&self.file, config(&self.urls, more).to_string()).expect("a file");
        let gateway = &self.gateway;
        let taken = async || (gateway.log().matches(IN_FORCE).count() > before).then_some(());
        eventually("the saved configuration is in force", taken).await;
        self.reloads += 1;
        1
    }
}

async fn serve(era: Era, port: u16) -> Served {
    // A port that was just closed may be held for a moment.
    eventually("the port is free", async || {
        fixture::serve(Settings { era, ..Settings::default() }, port).await.ok()
    })
    .await
}

fn config(urls: &[String; 2], more: bool) -> Value {
    let [old, new, http_old, http_new] = TARGETS;
    let mut targets = vec![
        stdio_fixture(old, Era::Legacy),
        stdio_fixture(new, Era::Modern),
        remote(http_old, &urls[0]),
        remote(http_new, &urls[1]),
    ];
    targets.extend(more.then(|| builtin("time")));
    let mut config = serving(targets);
    // Thousands of requests are not for the log.
    config["config"]["logging"] = json!({ "level": "info" });
    config
}

/// How often what happened.
#[derive(Default)]
pub(super) struct Disturbances {
    kills: usize,
    restarts: usize,
    reloads: usize,
}

impl Disturbances {
    pub(super) fn all_happened(&self) -> bool {
        self.kills > 0 && self.restarts > 0 && self.reloads > 0
    }
}

impl fmt::Display for Disturbances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, restarts, reloads } = self;
        write!(f, "{kills} children killed, {restarts} servers restarted, {reloads} configurations saved")
    }
}
