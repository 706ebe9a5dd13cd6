//! What is measured without load: memory at rest, and the time until a contestant is ready.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::{Instant, sleep, timeout};

use super::scene::{Options, Player};
use super::servers::Servers;
use super::work::Work;
use crate::contestant::Contestant;
use crate::load::{Act, Caller, Job};
use crate::report::{Cell, Figures, Idle, Report};

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many sessions are opened over one connection.
const SESSIONS_EACH: usize = 50;

/// Memory with targets and nothing else, then of sessions in which nothing happens any more, then of their streams.
pub(super) async fn idle(
    work: &'static Work,
    contestants: &[&Contestant],
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut servers = Servers::new(work, options.threads);
    let mut cells = Vec::new();
    for contestant in contestants {
        let figures = match sizes(work, contestant, &mut servers, options).await {
            Ok(idle) => Figures::Idle(idle),
            Err(error) => Figures::failed(&error),
        };
        cells.push(Cell::new(&contestant.name, figures));
    }
    report.add(work, 1, cells);
    Ok(())
}

async fn sizes(
    work: &'static Work,
    contestant: &Contestant,
    servers: &mut Servers,
    options: &Options,
) -> anyhow::Result<Idle> {
    let player = Player::enter(work, contestant, servers, options.threads).await?;
    let idle = rest(&player, options).await?;
    player.running.stop().await;
    Ok(idle)
}

async fn rest(player: &Player, options: &Options) -> anyhow::Result<Idle> {
    let job = Arc::new(Job { act: Act::List, ..player.job.clone() });
    let count = options.sessions;
    // It comes to rest for as long as a turn takes elsewhere.
    let settled = || settled(player, options.window);
    // What is there only once does not count as part of a session.
    Caller::connect(&job, 0).await?.leave().await?;
    let rest = settled().await?;
    let fresh = open(&job, count, Use::None).await?;
    let with_fresh = settled().await?;
    let used = open(&job, count, Use::Call).await?;
    let with_used = settled().await?;
    let listening = open(&job, count / 2, Use::Stream).await?;
    let with_streams = settled().await?;
    drop((fresh, used, listening));
    Ok(Idle {
        rest,
        session: each(with_fresh, rest, count),
        used: each(with_used, with_fresh, count),
        stream: each(with_streams, with_used, count / 2),
    })
}

/// What a session does before it is left alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    None,
    Call,
    Stream,
}

/// Opens sessions, which stay for as long as the gateway lets them.
async fn open(job: &Arc<Job>, count: usize, what: Use) -> anyhow::Result<Vec<Caller>> {
    // A stream takes its connection with it.
    let over_one = if what == Use::Stream { 1 } else { SESSIONS_EACH };
    let mut callers = Vec::new();
    for number in 0..count {
        if number % over_one == 0 {
            callers.push(Caller::connect(job, number).await?);
        } else if let Some(caller) = callers.last_mut() {
            caller.another_session().await?;
        }
        let Some(caller) = callers.last_mut() else { continue };
        match what {
            Use::None => {}
            Use::Call => caller.call(false).await?,
            Use::Stream => caller.listen().await?,
        }
    }
    Ok(callers)
}

#[expect(clippy::cast_precision_loss, reason = "they are far from 2^52")]
fn each(more: u64, less: u64, count: usize) -> f64 {
    more.saturating_sub(less) as f64 / count.max(1) as f64
}

/// What a contestant holds after a while, in KiB.
async fn settled(player: &Player, after: Duration) -> anyhow::Result<u64> {
    sleep(after).await;
    Ok(player.running.memory().context("there is no program")?.now)
}

/// From the start of a program to its first answer, to a client that knocks all the time.
pub(super) async fn start(
    work: &'static Work,
    contestants: &[&Contestant],
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut servers = Servers::new(work, options.threads);
    let contestants: Vec<_> =
        contestants.iter().filter(|contestant| contestant.definition.is_some()).collect();
    let mut times = vec![Ok(Vec::new()); contestants.len()];
    for _ in 0..options.rounds {
        for (contestant, place) in contestants.iter().zip(&mut times) {
            let Ok(times) = place else { continue };
            match until_ready(work, contestant, &mut servers, options).await {
                Ok(time) => times.push(time),
                Err(error) => *place = Err(Figures::failed(&error)),
            }
        }
    }
    let cells = contestants.iter().zip(times).map(|(contestant, times)| {
        Cell::new(&contestant.name, times.map_or_else(|failed| failed, Figures::Start))
    });
    report.add(work, 1, cells.collect());
    Ok(())
}

/// Milliseconds from start to the first answer.
async fn until_ready(
    work: &'static Work,
    contestant: &Contestant,
    servers: &mut Servers,
    options: &Options,
) -> anyhow::Result<f64> {
    let (behind, _) = servers.behind(contestant).await?;
    let began = Instant::now();
    let mut player = Player::start(work, contestant, &behind, options.threads)?;
    knock(&mut player, began).await?;
    let taken = began.elapsed().as_secs_f64() * 1000.0;
    player.running.stop().await;
    Ok(taken)
}

/// Tries until a handshake is done.
async fn knock(player: &mut Player, began: Instant) -> anyhow::Result<()> {
    let job = Arc::new(Job { act: Act::List, ..player.job.clone() });
    while !matches!(timeout(PATIENCE, Caller::connect(&job, 0)).await, Ok(Ok(_))) {
        player.running.check()?;
        if began.elapsed() > PATIENCE {
            bail!("it does not answer after {PATIENCE:?}{}", player.running.why());
        }
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
