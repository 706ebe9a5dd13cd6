//! The sessions of a virtual server: the only map of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::{Kind, Object, message};
use upstream::{Target, Task};

use super::{Session, SessionStatus};
use crate::error::{Error, ErrorKind};

/// Sessions without an open stream, a running call or a request for this long are ended.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// More sessions than this at once are refused.
const MOST: usize = 20_000;

/// Every session of a virtual server.
#[derive(Default)]
pub(crate) struct Sessions {
    by_id: Mutex<HashMap<String, Arc<Session>>>,
    /// Whether URIs carry their target.
    wrap: Arc<AtomicBool>,
    /// The number of the latest session.
    latest: AtomicU64,
}

impl Sessions {
    /// Begins a session under a fresh name of 256 random bits.
    pub(crate) fn create(&self) -> Result<Arc<Session>, Error> {
        self.enter(false)
    }

    /// The same for a connection of 2024-11-05.
    pub(crate) fn connect(&self) -> Result<Arc<Session>, Error> {
        self.enter(true)
    }

    fn enter(&self, is_connection: bool) -> Result<Arc<Session>, Error> {
        let mut random = [0u8; 32];
        getrandom::fill(&mut random).map_err(|_| {
            Error::new(ErrorKind::TooManySessions, "no session can be opened: the system has no randomness")
        })?;
        let number = self.latest.fetch_add(1, Ordering::Relaxed) + 1;
        let session = Session::new(URL_SAFE_NO_PAD.encode(random), number, is_connection, self.wrap.clone());
        let mut sessions = self.lock();
        if sessions.len() >= MOST {
            let text = format!("no session can be opened: {MOST} are open already");
            return Err(Error::new(ErrorKind::TooManySessions, text));
        }
        sessions.insert(session.id.clone(), session.clone());
        Ok(session)
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
        self.lock().get(id).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Ends a session. False if there is none of this name.
    pub(crate) fn end(&self, id: &str) -> bool {
        let Some(session) = self.lock().remove(id) else {
            return false;
        };
        Task::spawn_finite("end session", async move { session.end().await });
        true
    }

    /// Ends the session with this number. False if there is none.
    pub(crate) fn end_number(&self, number: u64) -> bool {
        let id =
            self.lock().values().find(|session| session.number == number).map(|session| session.id.clone());
        id.is_some_and(|id| self.end(&id))
    }

    /// How every session is doing.
    pub(crate) fn status(&self) -> Vec<SessionStatus> {
        let sessions: Vec<_> = self.lock().values().cloned().collect();
        sessions.iter().map(|session| session.status()).collect()
    }

    /// Ends the sessions that nobody has used for long, and forgets the streams that nobody comes back for.
    pub(crate) fn sweep(&self) {
        let idle: Vec<String> = self
            .lock()
            .values()
            .inspect(|session| session.tidy_streams())
            .filter(|session| session.idle_since().is_some_and(|since| since.elapsed() >= IDLE))
            .map(|session| session.id.clone())
            .collect();
        for id in idle {
            tracing::debug!("ended a session that was idle for {} minutes", IDLE.as_secs() / 60);
            self.end(&id);
        }
    }

    /// Ends every session and returns when their links are closed.
    pub(crate) async fn end_all(&self) {
        let sessions: Vec<_> = self.lock().drain().map(|(_, session)| session).collect();
        futures::future::join_all(sessions.iter().map(|session| session.end())).await;
    }

    /// Tells every session that has begun that lists changed.
    pub(crate) fn announce(&self, kinds: &[Kind]) {
        let messages: Vec<_> = list_changed(kinds)
            .into_iter()
            .map(|method| message::notification(method, &Object::default()))
            .collect();
        for session in self.lock().values().filter(|session| session.handshake().is_some()) {
            messages.iter().for_each(|message| session.mailbox.post(message.clone()));
        }
    }

    /// Has every session give up its links to these targets.
    pub(crate) fn release(&self, targets: &[String]) {
        self.lock().values().for_each(|session| session.release(targets));
    }

    /// Has every session cut its own link to a target that is started anew.
    pub(crate) fn cut(&self, target: &str) {
        self.lock().values().for_each(|session| session.cut(target));
    }

    /// Has every session that listened at one of these targets listen at what took its place.
    pub(crate) fn listen_at(&self, targets: &[&Target]) {
        for session in self.lock().values() {
            targets.iter().for_each(|target| session.listen_at(target));
        }
    }

    /// Has every session forget its subscriptions at targets that are not among these.
    pub(crate) fn retain_subscriptions(&self, targets: &[String]) {
        self.lock().values().for_each(|session| session.retain_subscriptions(targets));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The three notifications that say that a list changed, for the kinds that did.
fn list_changed(kinds: &[Kind]) -> Vec<&'static str> {
    let mut names: Vec<_> = kinds.iter().map(|kind| kind.changed()).collect();
    // Resources and templates stand side by side in the order of kinds.
    names.dedup();
    names
}
