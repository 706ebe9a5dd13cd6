//! Calls that wait for their client: a legacy target asked something in the middle of a call, and the modern client was told
//! so in a result (spec 2026-07-28, basic/patterns/mrtr). The call stays open here, under a name that only the sealed
//! `requestState` says, until the client calls again with the answers or the time is over.
//!
//! Who drops a parked call ends it: its questions are refused and then the target is told that the call is cancelled.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use self::keeper::Keeper;
use self::state::Ticket;
use crate::error::{Error, ErrorKind};
use crate::question;
use crate::seal::{Purpose, Seals, Unopened};

mod keeper;
mod open;
mod retry;
mod state;

pub(crate) use self::open::{Asked, OpenCall};
pub(crate) use self::retry::Retry;
pub(crate) use self::state::{Digest, State};

/// For how long a call waits for its client. People answer; programs that have gone away never do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// More calls than this do not wait at once in a virtual server. Each holds a request open at its target.
const MOST: usize = 1000;
/// Nor more than this at one target, which lends each of them one of its links: clients that never come back must leave
/// some of these to others.
pub(crate) const MOST_OF_ONE: usize = 24;

/// The parked calls of a virtual server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Parking(Arc<Inner>);

struct Inner {
    seal: Seals,
    /// The virtual server whose calls these are: another that has the same keys must not take their names for its own.
    backend: Arc<str>,
    calls: Mutex<HashMap<Ticket, Parked>>,
    /// No call is parked any more. Changed under the lock of the calls.
    ended: AtomicBool,
    /// Those that keep a call.
    keepers: TaskTracker,
}

/// A call that waits.
struct Parked {
    target: String,
    digest: Digest,
    /// What must be answered. Before the keeper, which has the call: a question is refused first, then the call is cancelled.
    asked: Vec<Asked>,
    keeper: Keeper,
}

impl Parking {
    /// A place for the calls of a virtual server.
    pub(crate) fn new(seal: Seals, backend: Arc<str>) -> Self {
        let (calls, ended, keepers) = (Mutex::default(), AtomicBool::default(), TaskTracker::new());
        Self(Arc::new(Inner { seal, backend, calls, ended, keepers }))
    }

    /// Parks a call and returns the state under which the request that has this digest resumes it.
    pub(crate) fn park(&self, mut call: OpenCall, digest: Digest) -> Result<String, Error> {
        let ticket = Ticket::random().ok_or_else(unsealed)?;
        let state = self.seal(&State::Parked(ticket)).ok_or_else(unsealed)?;
        let asked = std::mem::take(&mut call.asked);
        let mut calls = self.0.lock();
        let target = call.target.clone();
        let of_target = calls.values().filter(|parked| parked.target == target).count();
        let refused = if self.0.ended.load(Ordering::Relaxed) {
            Some("the target asks for input, and this server stops".to_owned())
        } else if calls.len() >= MOST || of_target >= MOST_OF_ONE {
            Some(format!(
                "target `{target}` asks for input, but {of_target} calls of it wait for input already"
            ))
        } else {
            None
        };
        if let Some(text) = refused {
            // Outside the lock: what ends with a call may do anything.
            drop(calls);
            return Err(Error::new(ErrorKind::CannotRelay, text));
        }
        let keeper = Keeper::start(call, Instant::now() + PATIENCE, Arc::downgrade(&self.0), ticket);
        calls.insert(ticket, Parked { target, digest, asked, keeper });
        Ok(state)
    }

    /// A state that says that the request shall be made anew.
    pub(crate) fn again(&self, digest: Digest) -> Result<String, Error> {
        self.seal(&State::Again(digest)).ok_or_else(unsealed)
    }

    /// What a `requestState` says; `None` if it is not one of ours, and so perhaps the target's.
    pub(crate) fn read(&self, state: &str) -> Result<Option<State>, Error> {
        match self.0.seal.load().open(self.0.purpose(), state, SystemTime::now()) {
            Ok(text) => Ok(State::from_bytes(&text)),
            Err(Unopened::Foreign) => Ok(None),
            Err(Unopened::Expired) => Err(gone()),
        }
    }

    /// Whether a state is one of ours, still good or not.
    pub(crate) fn has_given_out(&self, state: &str) -> bool {
        !matches!(self.read(state), Ok(None))
    }

    /// Gives the answers of a retry to the target and hands the call back, with the questions that are still open. If the
    /// retry is not valid, the call stays where it is, for another.
    pub(crate) async fn resume(&self, ticket: Ticket, mut retry: Retry) -> Result<OpenCall, Error> {
        let parked = {
            let mut calls = self.0.lock();
            calls.get(&ticket).ok_or_else(gone)?.admit(&retry)?;
            // Whoever comes second finds nothing.
            calls.remove(&ticket).ok_or_else(gone)?
        };
        let mut call = parked.keeper.stop().await.ok_or_else(gone)?;
        for asked in parked.asked {
            match retry.answers.remove(&asked.key) {
                Some(answer) => asked.question.answer(Ok(answer)),
                None if asked.question.is_withdrawn() => {}
                None => call.asked.push(asked),
            }
        }
        Ok(call)
    }

    /// Ends every parked call, and parks none any more.
    pub(crate) fn end_all(&self) {
        let calls = {
            let mut calls = self.0.lock();
            self.0.ended.store(true, Ordering::Relaxed);
            std::mem::take(&mut *calls)
        };
        drop(calls);
    }

    /// Returns when nothing is left of the calls that were ended, so that their targets hear of it.
    pub(crate) async fn ended(&self) {
        self.0.keepers.close();
        self.0.keepers.wait().await;
    }

    /// How many calls wait.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }

    fn seal(&self, state: &State) -> Option<String> {
        self.0.seal.load().seal(self.0.purpose(), &state.to_bytes(), SystemTime::now() + PATIENCE)
    }
}

impl Parked {
    /// Whether a retry may take the call up.
    fn admit(&self, retry: &Retry) -> Result<(), Error> {
        same_request(&self.digest, retry)?;
        for Asked { key, question } in &self.asked {
            if let Some(answer) = retry.answers.get(key) {
                question::check(&question.method, answer).map_err(|what| {
                    invalid(format!("`inputResponses.{key}` does not answer `{}`: {what}", question.method))
                })?;
            }
        }
        Ok(())
    }
}

impl Inner {
    fn purpose(&self) -> Purpose<'_> {
        Purpose::request_state(&self.backend)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Ticket, Parked>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A state is bound to the request that it was given out for.
pub(crate) fn same_request(digest: &Digest, retry: &Retry) -> Result<(), Error> {
    if *digest == retry.digest {
        return Ok(());
    }
    Err(invalid("`requestState` belongs to another request: repeat the method and the params as they were"))
}

fn gone() -> Error {
    invalid("`requestState` was used already or has expired, or the call has ended: make the call anew")
}

fn unsealed() -> Error {
    Error::new(
        ErrorKind::CannotRelay,
        "the target asks for input, and the call cannot be kept for the answer",
    )
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidParams, text)
}

#[cfg(test)]
mod tests;
