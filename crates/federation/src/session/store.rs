//! The sessions of a virtual server: which there are, which give way to others, and what became of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use protocol::{Kind, Object, message};
use upstream::{Target, Task};

use super::ended::Ended;
use super::index::Index;
use super::{Birth, End, Released, Session, SessionStatus};
use crate::error::{Error, ErrorKind};
use crate::map::Map;
use crate::principal::Principal;

/// How long after its handshake a client may take to come back. No client takes longer that means well, and sessions that only
/// shake hands must not take the place of others for half an hour.
const FRESH: Duration = Duration::from_secs(60);

/// Every session of a virtual server.
#[derive(Default)]
pub(crate) struct Sessions {
    open: Mutex<Open>,
    /// The same sessions for requests. Changed with `open` in hand.
    index: Index,
    /// Whether URIs carry their target.
    wrap: Arc<AtomicBool>,
    /// The number of the latest session.
    latest: AtomicU64,
    counts: Mutex<SessionCounts>,
    /// How many messages outside of calls were dropped because a session does not read them.
    lost: Arc<AtomicU64>,
}

#[derive(Default)]
struct Open {
    by_id: Map<Arc<str>, Arc<Session>>,
    /// Those whose clients have only shaken hands, by number, and so by age.
    fresh: BTreeMap<u64, Arc<str>>,
    ended: Ended,
}

/// What became of sessions, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionCounts {
    /// Begun with a handshake, or a connection of 2024-11-05.
    pub begun: u64,
    /// Gone on with here, after they had begun elsewhere or ended here as idle.
    pub taken_over: u64,
    /// Not begun or gone on with, because there were too many.
    pub refused: u64,
    /// Ended by their clients or by an operator.
    pub ended: u64,
    /// Ended because nobody used them.
    pub idle: u64,
    /// Ended because their clients only shook hands: after a minute, or earlier to make room for others.
    pub unused: u64,
}

impl Sessions {
    /// Begins a session for a connection of 2024-11-05. It lives no longer than its connection, so that its id says nothing: it
    /// is 256 random bits.
    pub(crate) fn connect(&self, principal: &Principal, most: usize) -> Result<Arc<Session>, Error> {
        let mut random = [0u8; 32];
        getrandom::fill(&mut random).map_err(|_| Error::no_randomness())?;
        let id = URL_SAFE_NO_PAD.encode(random).into();
        self.enter(Birth { is_connection: true, ..Birth::new(id, principal.clone()) }, most)
    }

    /// Begins a session, or goes on with one. If there are as many as there may be, the oldest gives way of those whose clients
    /// have only shaken hands.
    pub(super) fn enter(&self, birth: Birth, most: usize) -> Result<Arc<Session>, Error> {
        let is_new = birth.is_fresh || birth.is_connection;
        let mut open = self.lock();
        if let Some(there) = open.by_id.get(&birth.id) {
            // Two requests of one client go on with it at once.
            return Ok(there.clone());
        }
        if !is_new && open.ended.holds(&birth.id) {
            return Err(Error::unknown_session());
        }
        let displaced = match open.by_id.len() >= most {
            true => {
                let Some(displaced) = open.oldest_fresh() else {
                    drop(open);
                    return Err(self.refuse(most));
                };
                self.remove(&mut open, &displaced)
            }
            false => None,
        };
        let number = self.latest.fetch_add(1, Ordering::Relaxed) + 1;
        let session = Session::new(birth, number, self.wrap.clone());
        session.mailbox.count_lost(self.lost.clone());
        if session.is_fresh() {
            open.fresh.insert(number, session.id.clone());
        }
        open.by_id.insert(session.id.clone(), session.clone());
        self.index.insert(&session);
        drop(open);
        if let Some(displaced) = displaced {
            self.count(|counts| counts.unused += 1);
            retire(displaced, End::Here);
        }
        self.count(|counts| if is_new { counts.begun += 1 } else { counts.taken_over += 1 });
        Ok(session)
    }

    /// Refuses a client early for whom there is no room.
    pub(crate) fn check_room(&self, most: usize) -> Result<(), Error> {
        let open = self.lock();
        let room = open.by_id.len() < most || !open.fresh.is_empty();
        drop(open);
        if room { Ok(()) } else { Err(self.refuse(most)) }
    }

    /// Says so in the log ever more seldom: whoever causes it must not fill that as well.
    fn refuse(&self, most: usize) -> Error {
        self.count(|counts| counts.refused += 1);
        let refused = self.counts().refused;
        if refused.is_power_of_two() {
            tracing::warn!(
                "a client was refused because {most} sessions are open (`config.limits.sessions`); {refused} so far"
            );
        }
        let text = format!("no session can be opened: {most} are open already; try again later");
        Error::new(ErrorKind::TooManySessions, text)
    }

    /// The client came back after its handshake.
    pub(crate) fn came_back(&self, session: &Session) {
        if session.is_fresh() {
            session.fresh.store(false, Ordering::Relaxed);
            self.lock().fresh.remove(&session.number);
        }
    }

    /// How many clients have only shaken hands.
    pub(crate) fn fresh(&self) -> usize {
        self.lock().fresh.len()
    }

    /// What became of sessions, since the start.
    pub(crate) fn counts(&self) -> SessionCounts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, change: impl FnOnce(&mut SessionCounts)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// From now on, URIs carry their target or do not.
    pub(crate) fn wrap_uris(&self, wrap: bool) {
        self.wrap.store(wrap, Ordering::Relaxed);
    }

    /// Whether URIs carry their target, now and from now on.
    pub(crate) fn wrapping(&self) -> Arc<AtomicBool> {
        self.wrap.clone()
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Session>> {
        self.index.find(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().by_id.len()
    }

    /// Ends a session for good. False if there is none of this name.
    pub(crate) fn end(&self, id: &str) -> bool {
        let mut open = self.lock();
        let Some(session) = self.remove(&mut open, id) else {
            return false;
        };
        if !session.is_connection {
            open.ended.note(id);
        }
        drop(open);
        self.count(|counts| counts.ended += 1);
        retire(session, End::ForGood);
        true
    }

    /// Ends the session with this number. False if there is none.
    pub(crate) fn end_number(&self, number: u64) -> bool {
        let id = self.all().into_iter().find(|session| session.number == number).map(|it| it.id.clone());
        id.is_some_and(|id| self.end(&id))
    }

    /// How every session is doing.
    pub(crate) fn status(&self) -> Vec<SessionStatus> {
        self.all().iter().map(|session| session.status()).collect()
    }

    /// How many messages outside of calls were dropped because a session does not read them.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Ends the sessions that nobody has used for so long, and those whose clients only shook hands, and forgets the streams
    /// that nobody comes back for.
    pub(crate) fn sweep(&self, idle: Duration) {
        let (mut unused, mut over) = (Vec::new(), Vec::new());
        for session in self.all() {
            session.tidy_streams();
            match session.idle_since().map(|since| since.elapsed()) {
                Some(elapsed) if elapsed >= idle => over.push(session),
                Some(elapsed) if elapsed >= FRESH && session.is_fresh() => unused.push(session),
                Some(_) | None => {}
            }
        }
        let (unused, over) = (self.drop_here(&unused, FRESH), self.drop_here(&over, idle));
        if unused + over > 0 {
            tracing::debug!("ended {over} sessions that were idle, and {unused} that only shook hands");
        }
        self.count(|counts| (counts.unused, counts.idle) = (counts.unused + unused, counts.idle + over));
    }

    /// Ends these sessions here that nobody has used for so long, also not since they were picked, and says how many. Those that
    /// had something at a target which is lost with their links do not go on by their ids: their clients shall know of it, and
    /// begin again.
    fn drop_here(&self, sessions: &[Arc<Session>], idle: Duration) -> u64 {
        let mut dropped = 0;
        for session in sessions {
            let loses = session.keeps_something();
            let mut open = self.lock();
            if session.idle_since().is_none_or(|since| since.elapsed() < idle) {
                continue;
            }
            let Some(session) = self.remove(&mut open, &session.id) else { continue };
            if loses {
                open.ended.note(&session.id);
            }
            drop(open);
            retire(session, End::Here);
            dropped += 1;
        }
        dropped
    }

    /// Has every session close its own links to those of these targets that it did not call for so long.
    pub(crate) fn reap(&self, targets: &[(&Target, Duration)]) {
        for session in self.all() {
            targets.iter().for_each(|(target, longest)| session.reap(target, *longest));
        }
    }

    /// Ends every session and returns when their links are closed.
    pub(crate) async fn end_all(&self) {
        let sessions: Vec<_> = {
            let mut open = self.lock();
            let Open { by_id, .. } = std::mem::take(&mut *open);
            by_id.keys().for_each(|id| self.index.remove(id));
            by_id.into_values().collect()
        };
        futures::future::join_all(sessions.iter().map(|session| session.end(End::Here))).await;
    }

    /// Tells every session that has begun that lists changed.
    pub(crate) fn announce(&self, kinds: &[Kind]) {
        let messages = list_changed(kinds);
        for session in self.all().iter().filter(|session| session.handshake().is_some()) {
            messages.iter().for_each(|message| session.mailbox.post(message.clone()));
        }
    }

    /// Has every session give up its links to these targets.
    pub(crate) fn release(&self, targets: &[String]) -> Vec<Released> {
        self.all().iter().map(|session| session.release(targets)).collect()
    }

    /// Has every session cut its own link to a target that is started anew.
    pub(crate) fn cut(&self, target: &str) {
        self.all().iter().for_each(|session| session.cut(target));
    }

    /// Has every session that listened at one of these targets listen at what took its place.
    pub(crate) fn listen_at(&self, targets: &[&Target]) {
        for session in self.all() {
            targets.iter().for_each(|target| session.listen_at(target));
        }
    }

    /// Has every session forget its subscriptions at targets that are not among these.
    pub(crate) fn retain_subscriptions(&self, targets: &[String]) {
        self.all().iter().for_each(|session| session.retain_subscriptions(targets));
    }

    /// Every session. What is done with them must not hold up those who look for theirs.
    fn all(&self) -> Vec<Arc<Session>> {
        self.lock().by_id.values().cloned().collect()
    }

    fn remove(&self, open: &mut Open, id: &str) -> Option<Arc<Session>> {
        let session = open.by_id.remove(id)?;
        open.fresh.remove(&session.number);
        self.index.remove(id);
        Some(session)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn oldest_fresh(&self) -> Option<Arc<str>> {
        self.fresh.values().next().cloned()
    }
}

fn retire(session: Arc<Session>, end: End) {
    Task::spawn_finite("end session", async move { session.end(end).await });
}

/// What is said to clients when lists of these kinds changed.
pub(super) fn list_changed(kinds: &[Kind]) -> Vec<Bytes> {
    let mut names: Vec<_> = kinds.iter().map(|kind| kind.changed()).collect();
    // Resources and templates stand side by side in the order of kinds.
    names.dedup();
    names.into_iter().map(|method| message::notification(method, &Object::default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_that_is_used_while_idle_ones_are_ended_stays() {
        let idle = Duration::from_secs(100);
        let sessions = Sessions::default();
        let enter = |id: &str| sessions.enter(Birth::new(id.into(), Principal::default()), 10).expect("room");
        let picked = ["used", "idle"].map(enter);
        tokio::time::advance(idle).await;
        picked[0].touch();
        assert_eq!(sessions.drop_here(&picked, idle), 1);
        assert!(sessions.find("used").is_some() && sessions.find("idle").is_none());
        assert!(!picked[0].is_over());
    }
}
