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

/// How long a contestant may settle before its memory is looked at.
const SETTLE: Duration = Duration::from_secs(1);
/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many sessions are opened over one connection.
const SESSIONS_EACH: usize = 50;

/// Memory with targets and nothing else, then of sessions in which nothing happens, then of their streams.
pub(super) async fn idle(
    work: &'static Work,
    contestants: &[&Contestant],
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut servers = Servers::new(work, options);
    let mut cells = Vec::new();
    for contestant in contestants {
        let player = Player::enter(work, contestant, &mut servers, options).await?;
        let idle =
            rest(&player, options.sessions).await.with_context(|| format!("`{}` failed", player.name))?;
        cells.push(Cell::new(&player.name, Figures::Idle(idle)));
        player.running.stop().await;
    }
    report.add(work, 1, cells);
    Ok(())
}

async fn rest(player: &Player, count: usize) -> anyhow::Result<Idle> {
    let job = Arc::new(Job { act: Act::List, ..player.job.clone() });
    // What is there only once does not count as part of a session.
    Caller::connect(&job, 0).await?.leave().await?;
    let rest = settled(player).await?;
    let mut callers = Vec::new();
    let mut sessions = 0;
    while sessions < count {
        let mut caller = Caller::connect(&job, sessions).await?;
        sessions += 1;
        for _ in 1..SESSIONS_EACH.min(count) {
            caller.another_session().await?;
            sessions += 1;
        }
        callers.push(caller);
    }
    let with_sessions = settled(player).await?;
    // A stream takes its connection with it, so that each is part of what it costs.
    let mut listeners = Vec::new();
    for number in 0..count / 2 {
        let mut listener = Caller::connect(&job, number).await?;
        listener.listen().await?;
        listeners.push(listener);
    }
    let with_streams = settled(player).await?;
    let session = each(with_sessions, rest, sessions);
    Ok(Idle { rest, session, stream: each(with_streams, with_sessions, listeners.len()) })
}

#[expect(clippy::cast_precision_loss, reason = "they are far from 2^52")]
fn each(more: u64, less: u64, count: usize) -> f64 {
    more.saturating_sub(less) as f64 / count.max(1) as f64
}

/// What a contestant holds when it has come to rest, in KiB.
async fn settled(player: &Player) -> anyhow::Result<u64> {
    sleep(SETTLE).await;
    Ok(player.running.memory().context("there is no program")?.now)
}

/// From the start of a program to its first answer, to a client that knocks all the time.
pub(super) async fn start(
    work: &'static Work,
    contestants: &[&Contestant],
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut servers = Servers::new(work, options);
    let contestants: Vec<_> =
        contestants.iter().filter(|contestant| contestant.definition.is_some()).collect();
    let mut times = vec![Vec::new(); contestants.len()];
    for _ in 0..options.rounds {
        for (contestant, times) in contestants.iter().zip(&mut times) {
            let (behind, _) = servers.behind(contestant).await?;
            let began = Instant::now();
            let mut player = Player::start(work, contestant, &behind, options)?;
            knock(&mut player, began).await.with_context(|| format!("`{}` does not start", player.name))?;
            times.push(began.elapsed().as_secs_f64() * 1000.0);
            player.running.stop().await;
        }
    }
    let cells = contestants.iter().zip(times);
    report.add(
        work,
        1,
        cells.map(|(contestant, times)| Cell::new(&contestant.name, Figures::Start(times))).collect(),
    );
    Ok(())
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
