//! The faults: how each is injected, again and again for a while, and taken back.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, join_all};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::load::{Expected, Load};
use super::scene::{LIARS, REQUEST_BODY, RESPONSE_BODY, Scene, send};
use super::{reader, vanishing};

/// The scene, its clients, and the moment when a fault is to be gone.
#[derive(Clone, Copy)]
pub(super) struct Stage<'a> {
    pub(super) scene: &'a Scene,
    pub(super) load: &'a Arc<Load>,
    pub(super) end: Instant,
}

/// Injects a fault until the end, takes it back, and says how often it happened.
type Inject = for<'a> fn(Stage<'a>) -> LocalBoxFuture<'a, usize>;

/// One fault.
pub(super) struct Fault {
    pub(super) name: &'static str,
    /// Whether the gateway itself goes away.
    pub(super) away: bool,
    pub(super) inject: Inject,
}

const fn fault(name: &'static str, inject: Inject) -> Fault {
    Fault { name, away: false, inject }
}

/// What happens to the gateway. These come first, because what it holds is compared with the beginning of the rest.
#[rustfmt::skip]
pub(super) static REPLACEMENTS: &[Fault] = &[
    Fault { away: true, ..fault("gateway replaced (SIGTERM)", |stage| Box::pin(replace(stage, "TERM"))) },
    Fault { away: true, ..fault("gateway killed and started (SIGKILL)", |stage| Box::pin(replace(stage, "KILL"))) },
];

/// What happens to everything else.
#[rustfmt::skip]
pub(super) static FAULTS: &[Fault] = &[
    fault("targets killed (SIGKILL)", |stage| Box::pin(kill(stage, "KILL"))),
    fault("targets ended (SIGTERM), restarted", |stage| Box::pin(kill(stage, "TERM"))),
    fault("targets stopped for a while (SIGSTOP)", |stage| Box::pin(stop(stage))),
    fault("connections that fall silent, for good or not", |stage| Box::pin(silence(stage))),
    fault("connections reset in the middle", |stage| Box::pin(reset(stage))),
    fault("bursts of 503", |stage| Box::pin(burst(stage))),
    fault("sessions forgotten (404)", |stage| Box::pin(forget(stage))),
    fault("calls that are never answered", |stage| Box::pin(hang(stage))),
    fault("noise on stdout and in streams", |stage| Box::pin(noise(stage))),
    fault("oversized requests and answers", |stage| Box::pin(oversized(stage))),
    fault("forged, doubled, broken, half answers", |stage| Box::pin(forge(stage))),
    fault("floods of notifications", |stage| Box::pin(flood(stage))),
    fault("clients that read a byte a second, or nothing", |stage| Box::pin(slow_readers(stage))),
    fault("clients that vanish in a call", |stage| Box::pin(vanish(stage))),
    fault("configuration reloads", |stage| Box::pin(reload(stage))),
];

/// All of these at once.
pub(super) static TOGETHER: Fault = fault("all of these together", |stage| Box::pin(together(stage)));

/// What a quiet run does: what happens on any day.
#[rustfmt::skip]
pub(super) static EVERYDAY: &[Fault] = &[
    fault("targets killed (SIGKILL)", |stage| Box::pin(kill(stage, "KILL"))),
    fault("targets ended (SIGTERM), restarted", |stage| Box::pin(kill(stage, "TERM"))),
    fault("configuration reloads", |stage| Box::pin(reload(stage))),
];

impl Stage<'_> {
    /// Does something again and again until the end, at least once. What it is said to have done is counted.
    async fn again(&self, pause: Duration, mut act: impl AsyncFnMut(usize) -> usize) -> usize {
        let mut times = 0;
        for turn in 0.. {
            times += act(turn).await;
            if Instant::now() + pause >= self.end {
                break;
            }
            sleep(pause).await;
        }
        times
    }
}

const PAUSE: Duration = Duration::from_millis(700);
/// How long a server stays away that is started again.
const AWAY: Duration = Duration::from_millis(300);

async fn replace(stage: Stage<'_>, signal: &str) -> usize {
    stage
        .again(PAUSE, async |_| {
            for pid in stage.scene.replace_gateway(signal).await {
                stage.load.ledger.lost(format!("process {pid} outlived its gateway"));
                send("KILL", pid);
            }
            1
        })
        .await
}

async fn kill(stage: Stage<'_>, signal: &str) -> usize {
    stage
        .again(PAUSE, async |_| {
            stage.scene.some_server().restart(signal, AWAY).await;
            let child = stage.scene.some_child().await;
            1 + usize::from(child.is_some_and(|pid| send(signal, pid)))
        })
        .await
}

async fn stop(stage: Stage<'_>) -> usize {
    stage
        .again(PAUSE, async |_| {
            let server = stage.scene.some_server();
            server.signal("STOP");
            let child = stage.scene.some_child().await;
            let stopped = child.is_some_and(|pid| send("STOP", pid));
            sleep(PAUSE).await;
            server.signal("CONT");
            child.map(|pid| send("CONT", pid));
            1 + usize::from(stopped)
        })
        .await
}

async fn silence(stage: Stage<'_>) -> usize {
    let proxies = || stage.scene.servers.iter().filter_map(|server| server.proxy.as_ref());
    stage
        .again(PAUSE, async |turn| {
            proxies().for_each(|proxy| proxy.fall_silent());
            sleep(PAUSE).await;
            proxies().for_each(|proxy| if turn % 2 == 0 { proxy.lose() } else { proxy.mend() });
            proxies().count()
        })
        .await
}

async fn reset(stage: Stage<'_>) -> usize {
    let proxies = || stage.scene.servers.iter().filter_map(|server| server.proxy.as_ref());
    stage
        .again(PAUSE / 4, async |_| {
            proxies().for_each(|proxy| proxy.cut());
            proxies().count()
        })
        .await
}

async fn burst(stage: Stage<'_>) -> usize {
    let proxies = || stage.scene.servers.iter().filter_map(|server| server.proxy.as_ref());
    stage
        .again(PAUSE, async |_| {
            proxies().for_each(|proxy| proxy.be_busy());
            sleep(PAUSE).await;
            proxies().for_each(|proxy| proxy.mend());
            proxies().count()
        })
        .await
}

async fn forget(stage: Stage<'_>) -> usize {
    let old = stage.scene.servers.iter().filter(|server| server.proxy.is_some());
    stage
        .again(PAUSE, async |_| {
            let asked = join_all(old.clone().map(|server| vanishing::forget_sessions(server.port))).await;
            stage.load.provoke(LIARS[1], "forget", json!({}), Expected::Echo).await;
            asked.into_iter().filter(|done| *done).count() + 1
        })
        .await
}

async fn hang(stage: Stage<'_>) -> usize {
    stage
        .again(PAUSE, async |turn| {
            let target = LIARS[turn % LIARS.len()];
            let tool = format!("{target}_hang");
            let given_up = vanishing::give_up(stage.load.address, &tool, PAUSE);
            let waited = stage.load.provoke(target, "hang", json!({}), Expected::Error).boxed();
            tokio::join!(given_up, waited).0 + 1
        })
        .await
}

async fn noise(stage: Stage<'_>) -> usize {
    stage
        .again(PAUSE / 4, async |turn| {
            let target = LIARS[turn % LIARS.len()];
            stage.load.provoke(target, "noise", json!({ "count": 50 }), Expected::Echo).await;
            50
        })
        .await
}

async fn oversized(stage: Stage<'_>) -> usize {
    stage
        .again(PAUSE, async |turn| {
            let target = LIARS[turn % LIARS.len()];
            let large = json!({ "bytes": RESPONSE_BODY * 2, "json": turn % 4 == 1 });
            stage.load.provoke(target, "large", large, Expected::Error).await;
            let large = json!({ "more": "x".repeat(REQUEST_BODY) });
            stage.load.provoke(target, "echo", large, Expected::Error).await;
            2
        })
        .await
}

async fn forge(stage: Stage<'_>) -> usize {
    const WAYS: [(&str, Expected); 6] = [
        ("other_id", Expected::Echo),
        ("twice", Expected::Echo),
        ("stolen_ids", Expected::Echo),
        ("broken", Expected::Error),
        ("half", Expected::Error),
        ("die", Expected::Error),
    ];
    stage
        .again(PAUSE / 8, async |turn| {
            let (tool, expected) = WAYS[turn / 4 % WAYS.len()];
            let target = LIARS[turn % 2];
            // Without a stream there is one body, in which one wrong message may spoil the right one.
            let json = target == LIARS[1] && turn / 2 % 2 == 1;
            let expected = match (json, expected) {
                (true, Expected::Echo) => Expected::EchoOrError,
                _ => expected,
            };
            stage.load.provoke(target, tool, json!({ "json": json }), expected).await;
            1
        })
        .await
}

async fn flood(stage: Stage<'_>) -> usize {
    const COUNT: usize = 20_000;
    stage
        .again(PAUSE, async |turn| {
            let target = LIARS[turn % LIARS.len()];
            stage.load.provoke(target, "flood", json!({ "count": COUNT }), Expected::Echo).await;
            let method =
                if turn % 4 < 2 { "notifications/message" } else { "notifications/tools/list_changed" };
            let outside = json!({ "count": COUNT, "method": method });
            stage.load.provoke(target, "flood_outside", outside, Expected::Echo).await;
            2 * COUNT
        })
        .await
}

async fn slow_readers(stage: Stage<'_>) -> usize {
    let (address, end) = (stage.load.address, stage.end);
    let readers = (0..12).map(|number| async move {
        let target = ["sse-old", "http-new", "liar-pipe", "liar-http"][number % 4];
        reader::crawl(address, target, number / 4, end).await
    });
    join_all(readers).await.into_iter().sum()
}

async fn vanish(stage: Stage<'_>) -> usize {
    stage
        .again(PAUSE / 8, async |turn| {
            let tool = format!("{}_kit_slow", super::scene::HONEST[turn % 5]);
            vanishing::begin_and_leave(stage.load.address, &tool, turn / 5 % 2 == 0).await
        })
        .await
}

async fn reload(stage: Stage<'_>) -> usize {
    stage
        .again(PAUSE, async |_| {
            stage.scene.reload().await;
            1
        })
        .await
}

async fn together(stage: Stage<'_>) -> usize {
    join_all(FAULTS.iter().map(|fault| (fault.inject)(stage))).await.into_iter().sum()
}
