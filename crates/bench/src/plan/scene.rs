//! A run: servers and contestants are started for a work, take turns, and are measured.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep};

use super::servers::Servers;
use super::work::{Measure, Stage, Work};
use super::{ready, sizes};
use crate::contestant::{Behind, Contestant, Running};
use crate::load::{Act, Caller, Job, Load, Names};
use crate::report::{Cell, Figures, Report, Round};

/// How many calls hang while others are measured.
const HANGING: usize = 8;

/// How many times as long it takes to measure calls at a fixed rate, of which there are few.
const PACED: u32 = 4;

/// How many calls a turn has at least, and how long it waits for them.
const ENOUGH: u64 = 10;
const PATIENCE: Duration = Duration::from_secs(10);

/// Whoever makes fewer calls than these in a turn has no other one: it is a hundred times slower than the others, and one
/// turn more or less does not change that.
const FEW: u64 = 40;

/// How a run is done.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Instead of those of the works.
    pub(crate) connections: Vec<usize>,
    /// Calls before those that count.
    pub(crate) warm: Duration,
    pub(crate) window: Duration,
    pub(crate) rounds: usize,
    /// Of the load, and of each server.
    pub(crate) threads: usize,
    /// How many sessions are opened for their memory, and half as many streams.
    pub(crate) sessions: usize,
}

/// Does all works, and tells of each figure as soon as it is there.
pub(crate) async fn run(
    works: &[&'static Work],
    contestants: &[Contestant],
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<()> {
    for work in works {
        let able = |contestant: &&Contestant| work.needs().into_iter().all(|ability| contestant.can(ability));
        let contestants: Vec<_> = contestants.iter().filter(able).collect();
        let measured = match work.measure {
            Measure::Closed | Measure::Paced(_) => load(work, &contestants, options, report).await,
            Measure::Idle => sizes::idle(work, &contestants, options, report).await,
            Measure::Start => sizes::start(work, &contestants, options, report).await,
        };
        measured.with_context(|| format!("`{}` could not be measured", work.name))?;
    }
    Ok(())
}

/// Measures a work under load: everybody is started once, and they take turns. Whoever fails is out, and the others go on.
async fn load(
    work: &'static Work,
    contestants: &[&Contestant],
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut servers = Servers::new(work, options.threads);
    let mut players = Vec::new();
    for contestant in contestants {
        players.push(Player::enter(work, contestant, &mut servers, options.threads).await);
    }
    let asked = &options.connections[..];
    for &connections in if asked.is_empty() { work.connections } else { asked } {
        let mut rounds = vec![Vec::new(); players.len()];
        for _ in 0..options.rounds {
            for (place, rounds) in players.iter_mut().zip(&mut rounds) {
                let Ok(player) = place else { continue };
                if rounds.last().is_some_and(|round: &Round| round.calls < FEW) {
                    continue;
                }
                match player.play(work, connections, options).await {
                    Ok(round) => rounds.push(round),
                    Err(error) => *place = Err(error),
                }
            }
        }
        let cells = contestants.iter().zip(&players).zip(rounds).map(|((contestant, player), rounds)| {
            let figures = match player {
                Ok(_) => Figures::Load(rounds),
                Err(error) => Figures::failed(error),
            };
            Cell::new(&contestant.name, figures)
        });
        report.add(work, connections, cells.collect());
    }
    for player in players.into_iter().flatten() {
        player.running.stop().await;
    }
    Ok(())
}

/// A contestant that runs, and the clients that it gets.
pub(super) struct Player {
    pub(super) running: Running,
    pub(super) job: Job,
}

impl Player {
    /// Starts a contestant, and waits until it serves everything that is behind it.
    pub(super) async fn enter(
        work: &Work,
        contestant: &Contestant,
        servers: &mut Servers,
        threads: usize,
    ) -> anyhow::Result<Self> {
        let (behind, tools) = servers.behind(contestant).await?;
        let mut player = Self::start(work, contestant, &behind, threads)?;
        player.job.tools = tools + contestant.own_tools();
        let job = Job { act: Act::List, ..player.job.clone() };
        player.job.names = ready::wait(&mut player.running, &job).await?;
        Ok(player)
    }

    /// Starts a contestant.
    pub(super) fn start(
        work: &Work,
        contestant: &Contestant,
        behind: &Behind,
        threads: usize,
    ) -> anyhow::Result<Self> {
        let running = Running::start(contestant, behind)?;
        let rate = match work.measure {
            Measure::Paced(rate) => Some(f64::from(rate)),
            _ => None,
        };
        let job = Job {
            to: running.endpoint.clone(),
            era: work.era,
            act: work.act,
            names: Names::default(),
            tools: 0,
            connections: 1,
            threads,
            rate,
        };
        Ok(Self { running, job })
    }

    /// One turn.
    async fn play(&mut self, work: &Work, connections: usize, options: &Options) -> anyhow::Result<Round> {
        let job = Job { connections, ..self.job.clone() };
        let hanging = match work.stage {
            Stage::OneHangs(_) => self.hang().await?,
            _ => Vec::new(),
        };
        let scraper = self.running.scraped();
        let load = Load::begin(&job).await?;
        sleep(options.warm).await;
        let (before, began) = (self.running.cpu(), Instant::now());
        load.measure();
        sleep(options.window * if job.rate.is_some() { PACED } else { 1 }).await;
        // Those that are slow get more time, because a single call says nothing.
        while load.ended() < ENOUGH && began.elapsed() < PATIENCE {
            sleep(options.window.min(PATIENCE / 10)).await;
        }
        load.stop();
        let (after, seconds) = (self.running.cpu(), began.elapsed().as_secs_f64());
        let cpu = after.zip(before).map(|(after, before)| after.since(&before));
        let record = load.end().await?;
        drop((scraper, hanging));
        self.running.check()?;
        Ok(Round::new(&record, seconds, cpu, self.running.memory()))
    }

    /// Opens calls that are never answered, for as long as the result lives.
    async fn hang(&self) -> anyhow::Result<Vec<Caller>> {
        let job = Arc::new(self.job.clone());
        let mut callers = Vec::new();
        for number in 0..HANGING {
            let mut caller = Caller::connect(&job, number).await?;
            caller.hang().await?;
            callers.push(caller);
        }
        Ok(callers)
    }
}
