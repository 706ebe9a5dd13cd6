//! Clients that come and go for a long time, and what a gateway holds meanwhile: it must not become more and more.
//!
//! Each visit has a connection of its own, and every answer is looked at. Now and then another target comes or goes.

mod visit;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, interval, sleep_until};

use super::ready;
use super::servers::{Server, program};
use crate::contestant::{Behind, Contestant, Definition, Running};
use crate::era::Era;
use crate::load::{Act, Job, Names};
use crate::peer::OWN_TOOLS;
use crate::report::{Sample, Stretch};

use visit::{Jobs, pay};

/// How many stretches of time are told of.
const STRETCHES: u32 = 6;
/// How many samples are taken in each.
const SAMPLES: u32 = 20;
/// How many times targets change in all.
const CHANGES: u32 = 11;
/// How many targets are there all the time.
const TARGETS: usize = 3;
/// What is kept on purpose for a while, or up to a limit, is not all there before: shorter runs are not held against themselves.
const TELLING: Duration = Duration::from_secs(1200);
/// How much more the last stretch may hold than the third, if that begins late enough.
const GROWTH: f64 = 1.1;

/// How long, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Churn {
    pub(crate) time: Duration,
    /// Between the beginnings of two visits.
    pub(crate) every: Duration,
}

/// Has a gateway visited, and tells of each stretch of the time when it is over. Fails if a visit went wrong, or if after an hour the
/// gateway holds more than it held in the middle.
pub(crate) async fn churn(
    contestant: &Contestant,
    churn: Churn,
    mut tell: impl FnMut(&Stretch),
) -> anyhow::Result<()> {
    ensure!(!(churn.time / (STRETCHES * SAMPLES)).is_zero(), "that is no time to visit anybody");
    let mut house = House::open(contestant, churn).await?;
    let began = Instant::now();
    let mut stretches = Vec::new();
    for number in 0..STRETCHES {
        let [from, until] = [number, number + 1].map(|edge| churn.time * edge / STRETCHES);
        let mut stretch = Stretch { from, until, ..Stretch::default() };
        let passed = house.pass(&mut stretch, began + until).await;
        if number + 1 == STRETCHES {
            house.see_off(&mut stretch).await?;
        }
        tell(&stretch);
        passed?;
        stretches.push(stretch);
    }
    house.running.stop().await;
    if let Some(fault) = stretches.iter().find_map(|stretch| stretch.faults.first()) {
        let wrong: u64 = stretches.iter().map(|stretch| stretch.wrong).sum();
        bail!("{wrong} visits went wrong, at first {fault}");
    }
    let [_, _, middle, .., last] = &stretches[..] else { return Ok(()) };
    if middle.from >= TELLING && last.resident() > middle.resident() * GROWTH {
        bail!("it holds {:.1} MiB and held {:.1} MiB before", last.resident(), middle.resident());
    }
    Ok(())
}

/// A gateway, what is behind it, and who visits it.
struct House {
    running: Running,
    definition: Definition,
    servers: Vec<Server>,
    /// Whether the target is there that comes and goes.
    is_extended: bool,
    jobs: Jobs,
    visitors: JoinSet<Result<(), String>>,
    visited: usize,
    visit: Interval,
    sample: Interval,
    change: Interval,
}

impl House {
    async fn open(contestant: &Contestant, churn: Churn) -> anyhow::Result<Self> {
        let definition = contestant.definition.clone().context("there is no gateway to visit")?;
        let mut servers = Vec::new();
        for era in [Era::Legacy, Era::Modern, Era::Legacy] {
            servers.push(Server::start(era, false, OWN_TOOLS, 1).await?);
        }
        let mut running = Running::start(contestant, &behind(&servers, false))?;
        let job = Job {
            to: running.endpoint.clone(),
            era: Era::Legacy,
            act: Act::Small,
            names: Names::default(),
            tools: TARGETS * OWN_TOOLS + contestant.own_tools(),
            connections: 1,
            threads: 1,
            rate: None,
        };
        let names = ready::wait(&mut running, &job).await?;
        ensure!(
            names.echoes.len() == TARGETS,
            "{} tools are called `echo` and not {TARGETS}",
            names.echoes.len()
        );
        let legacy = Job { names, ..job };
        let modern = Job { era: Era::Modern, ..legacy.clone() };
        let mut change = interval(churn.time / (CHANGES + 1));
        change.reset();
        Ok(Self {
            running,
            definition,
            servers,
            is_extended: false,
            jobs: Jobs { legacy: Arc::new(legacy), modern: Arc::new(modern) },
            visitors: JoinSet::new(),
            visited: 0,
            visit: interval(churn.every),
            sample: interval(churn.time / (STRETCHES * SAMPLES)),
            change,
        })
    }

    /// Lets visitors come and go for a while.
    async fn pass(&mut self, stretch: &mut Stretch, until: Instant) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                biased;
                () = sleep_until(until) => break,
                _ = self.visit.tick() => {
                    self.visitors.spawn(pay(self.jobs.clone(), self.visited));
                    self.visited += 1;
                }
                Some(outcome) = self.visitors.join_next() => stretch.note(outcome?),
                _ = self.sample.tick() => {
                    self.running.check()?;
                    stretch.samples.extend(self.sample());
                }
                _ = self.change.tick() => {
                    self.is_extended = !self.is_extended;
                    self.running.refurnish(&self.definition, &behind(&self.servers, self.is_extended))?;
                }
            }
        }
        Ok(())
    }

    /// Waits for those who are still there.
    async fn see_off(&mut self, stretch: &mut Stretch) -> anyhow::Result<()> {
        while let Some(outcome) = self.visitors.join_next().await {
            stretch.note(outcome?);
        }
        Ok(())
    }

    fn sample(&self) -> Option<Sample> {
        let (memory, handles) = (self.running.memory()?, self.running.handles()?);
        Some(Sample { resident: memory.now, descriptors: handles.descriptors, threads: handles.threads })
    }
}

/// A target of each era and a program; and in front of the program, for a while, another one.
fn behind(servers: &[Server], is_extended: bool) -> Behind {
    let count = servers.len() - usize::from(!is_extended);
    let servers = servers[..count].iter().map(|server| server.address).collect();
    Behind { servers, program: Some(program(Era::Legacy)) }
}
