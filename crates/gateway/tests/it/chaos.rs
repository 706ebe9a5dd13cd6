//! The program under load, with real targets, while one thing after another goes wrong, and at last everything at once.
//!
//! Every call carries a token that nobody else has, and its answer has to hold it together with the name of its target: a
//! crossed answer shows. What fails has to say why. What has no answer in time counts as hung. At the end, nothing may be
//! left: no process, no descriptor.
//!
//! Chaos needs real time: this is the one place where tests let it pass.

pub(crate) mod caller;
mod fault;
mod ledger;
mod load;
pub(crate) mod process;
mod proxy;
pub(crate) mod reader;
mod scene;
mod vanishing;

use std::sync::Arc;
use std::time::Duration;

use agentgateway::config::process_environment;
use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use fault::{EVERYDAY, FAULTS, Fault, REPLACEMENTS, Stage, TOGETHER};
use load::Load;
use process::Size;
use scene::{HONEST, LIARS, Scene};

/// How many open descriptors more than at the start are no leak: connections to targets that wait to be used again.
const SPARE_DESCRIPTORS: usize = 12;
/// How many threads more are none: those for blocking work come and go.
const SPARE_THREADS: usize = 8;
/// How much memory more is none: what the allocator keeps. The largest answers that are under way at once are a part of it.
const SPARE_MEMORY: u64 = 64 << 10;
/// How long it may take after a fault until everything is served again: a target that failed again and again is tried once
/// a minute.
const RECOVERY: Duration = Duration::from_secs(90);

/// Which faults there are, and for how long each.
struct Scenario {
    replacements: &'static [Fault],
    faults: &'static [Fault],
    together: Option<&'static Fault>,
    length: Duration,
    /// How many children more than before are none that are left: links that were lent to modern clients are kept for a minute,
    /// which a short run does not wait for.
    spare_children: usize,
}

impl Scenario {
    /// Everything, in this time without what recovery takes.
    fn chaos(seconds: u64, spare_children: usize) -> Self {
        // The end is worth three of the others.
        let parts = REPLACEMENTS.len() + FAULTS.len() + 3;
        let length = Duration::from_secs(seconds) / u32::try_from(parts).expect("few");
        Self { replacements: REPLACEMENTS, faults: FAULTS, together: Some(&TOGETHER), length, spare_children }
    }

    /// What happens on any day.
    fn everyday(seconds: u64, spare_children: usize) -> Self {
        let length = Duration::from_secs(seconds) / u32::try_from(EVERYDAY.len()).expect("few");
        Self { replacements: &[], faults: EVERYDAY, together: None, length, spare_children }
    }

    /// Runs it all, prints the table, and panics if anything was wrong.
    #[expect(clippy::print_stdout, reason = "the table is what this is run for")]
    async fn run(self) {
        let began = Instant::now();
        let scene = Scene::start().await;
        let load = Load::new(scene.address);
        assert!(serves_everything(&load).await.is_some(), "{}", scene.gateway().await.log());
        let clients = {
            let load = load.clone();
            tokio::spawn(async move { load.run().await })
        };
        for fault in self.replacements {
            perform(fault, self.length, &scene, &load).await;
        }
        // A while without faults opens what stays open.
        load.ledger.begin("nothing", false);
        sleep(self.length.max(Duration::from_secs(3))).await;
        load.ledger.end(1, Some(Duration::ZERO));
        let start = scene.size().await;
        let only = process_environment("CHAOS_ONLY").unwrap_or_default();
        for fault in self.faults.iter().filter(|fault| fault.name.contains(&only)) {
            perform(fault, self.length, &scene, &load).await;
        }
        if let Some(together) = self.together.filter(|_| only.is_empty()) {
            perform(together, self.length * 3, &scene, &load).await;
        }
        load.stop();
        clients.await.expect("the clients finish");

        let settled = settled(&scene, &start, self.spare_children).await;
        let (finish, sessions) = (scene.size().await, scene.sessions().await);
        let log = scene.gateway().await.log();
        let left = scene.end().await;
        println!("\n{}\n{}", load.ledger, load.ledger.reasons());
        println!("{}", process::table(&start, &finish, sessions));
        println!(
            "processes that outlived the gateway: {}; {:.0} s in all",
            left.len(),
            began.elapsed().as_secs_f64()
        );
        let panics: Vec<_> = log.lines().filter(|line| line.contains("please report this")).collect();
        assert!(panics.is_empty(), "{panics:#?}");
        let faults = load.ledger.faults();
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
        assert!(
            settled,
            "something is left: {start:?} at the start, {finish:?} at the end, {sessions} sessions"
        );
        assert!(left.is_empty(), "processes are left: {left:?}");
    }
}

/// Injects a fault for a while, and waits until everything is served again.
#[expect(clippy::print_stderr, reason = "a long run shows how far it is")]
async fn perform(fault: &Fault, length: Duration, scene: &Scene, load: &Arc<Load>) {
    load.ledger.begin(fault.name, fault.away);
    let began = Instant::now();
    let times = (fault.inject)(Stage { scene, load, end: began + length }).await;
    let recovered = serves_everything(load).await;
    if recovered.is_none_or(|after| after > Duration::from_secs(10)) {
        let gateway = scene.gateway().await;
        let log: Vec<_> = gateway.log().lines().rev().take(4000).map(str::to_owned).collect();
        eprintln!("not served again: {:#}\n{}", gateway.status().await, log.join("\n"));
    }
    load.ledger.end(times, recovered);
    eprintln!("{:>6.1} s  {}", began.elapsed().as_secs_f64(), fault.name);
}

/// Waits until every target serves a new client of either era. How long that took, unless it is too long.
async fn serves_everything(load: &Arc<Load>) -> Option<Duration> {
    let began = Instant::now();
    let all = join_all(HONEST.iter().chain(&LIARS).map(|target| async move {
        // A try that gets stuck is not waited for.
        while !matches!(timeout(Duration::from_secs(10), load.serves(target)).await, Ok(true)) {
            sleep(Duration::from_millis(100)).await;
        }
    }));
    timeout(RECOVERY, all).await.ok().map(|_| began.elapsed())
}

/// Waits until the gateway holds no more than at the start. What clients may come back for is kept for a minute.
async fn settled(scene: &Scene, start: &Size, spare_children: usize) -> bool {
    let quiet = async {
        loop {
            let size = scene.size().await;
            let back = size.descriptors <= start.descriptors + SPARE_DESCRIPTORS
                && size.threads <= start.threads + SPARE_THREADS
                && size.memory <= start.memory + SPARE_MEMORY
                && size.children.len() <= start.children.len() + spare_children;
            if back && scene.sessions().await == 0 {
                return;
            }
            sleep(Duration::from_millis(200)).await;
        }
    };
    timeout(Duration::from_secs(100), quiet).await.is_ok()
}

fn seconds(variable: &str, fallback: u64) -> u64 {
    process_environment(variable).map_or(fallback, |text| text.parse().expect("a number of seconds"))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_left_behind_on_any_day() {
    Scenario::everyday(10, load::CLIENTS * 4).run().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`make soak` runs it, for $SOAK_SECONDS"]
async fn nothing_is_lost_or_left_behind_on_many_days() {
    Scenario::everyday(seconds("SOAK_SECONDS", 600), 0).run().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_for_a_moment_every_request_is_answered_or_fails_with_a_reason() {
    Scenario::chaos(30, load::CLIENTS * 4).run().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "`make chaos` runs it, for $CHAOS_SECONDS"]
async fn whatever_goes_wrong_every_request_is_answered_or_fails_with_a_reason() {
    Scenario::chaos(seconds("CHAOS_SECONDS", 300), 0).run().await;
}
