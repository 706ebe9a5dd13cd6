//! One client that comes, does something, and goes in one way or another.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::load::{Caller, Fault, Job};

/// How long a visit may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How clients call, in each era.
#[derive(Clone, Debug)]
pub(super) struct Jobs {
    pub(super) legacy: Arc<Job>,
    pub(super) modern: Arc<Job>,
}

/// How a client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// A single call of the newer era, which has no session.
    Modern,
    /// A handshake, a call to each target, and the end of the session.
    EndsIt,
    /// The same, but for the end.
    LeavesIt,
    /// The same, and the session's stream is open when the client goes away.
    LeavesItsStream,
    /// The connection ends in the middle of a request.
    BreaksOff,
}

impl Manner {
    /// Of twenty visitors four are modern, eleven end their sessions, and five do not.
    fn of(number: usize) -> Self {
        match number % 20 {
            0 | 5 | 10 | 15 => Self::Modern,
            1 | 11 => Self::LeavesIt,
            2 | 12 => Self::LeavesItsStream,
            3 => Self::BreaksOff,
            _ => Self::EndsIt,
        }
    }
}

/// The visit with this number. What went wrong is told in words.
pub(super) async fn pay(jobs: Jobs, number: usize) -> Result<(), String> {
    let manner = Manner::of(number);
    let fault = match timeout(PATIENCE, act(&jobs, number, manner)).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(fault)) => fault.to_string(),
        Err(_) => format!("not over after {PATIENCE:?}"),
    };
    Err(format!("visit {number} ({manner:?}): {fault}"))
}

async fn act(jobs: &Jobs, number: usize, manner: Manner) -> Result<(), Fault> {
    if manner == Manner::Modern {
        let mut caller = Caller::connect(&jobs.modern, number).await?;
        return caller.call_at(number / 5 % jobs.modern.names.echoes.len(), false).await;
    }
    let mut caller = Caller::connect(&jobs.legacy, number).await?;
    for target in 0..jobs.legacy.names.echoes.len() {
        caller.call_at(target, false).await?;
    }
    match manner {
        Manner::EndsIt => caller.leave().await,
        Manner::LeavesItsStream => caller.listen().await,
        Manner::BreaksOff => caller.break_off().await,
        Manner::LeavesIt | Manner::Modern => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_twenty_visitors_each_behaves_as_it_is_told_of() {
        let count = |manner| (0..20).filter(|number| Manner::of(*number) == manner).count();
        let all =
            [Manner::Modern, Manner::EndsIt, Manner::LeavesIt, Manner::LeavesItsStream, Manner::BreaksOff];
        assert_eq!(all.map(count), [4, 11, 2, 2, 1]);
    }
}
