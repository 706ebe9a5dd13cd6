//! A legacy client's session: who it is, what it runs, the links it has for itself, and what is to be said to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use futures::future::{AbortHandle, AbortRegistration};
use protocol::{Id, Object, Version, meta};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upstream::{Caller, Latch, Link, Target, Task};

use self::asking::Asking;
pub(crate) use self::asking::Stray;
pub(crate) use self::ledger::{Ledger, Made};
pub(crate) use self::links::Released;
use self::links::Slot;
use self::outlet::Outlet;
pub use self::status::SessionStatus;
pub use self::store::SessionCounts;
use self::streams::Streams;
pub(crate) use self::subscriptions::{Source, Subscription};
pub(crate) use self::tasks::{asked, expose_related};
use crate::map::Map;
use crate::principal::Principal;
use crate::roster::watcher::Watch;

mod asking;
mod ended;
mod event_id;
mod index;
mod ledger;
mod links;
pub(crate) mod outlet;
mod passport;
pub(crate) mod prepared;
mod status;
pub(crate) mod store;
mod streams;
mod subscriptions;
pub(crate) mod takeover;
mod tasks;

/// How many calls may run in a session at once. Each holds memory here and a place at a target; no client that means well
/// comes near.
const MOST_CALLS: usize = 256;

/// How many stray questions may wait for one call.
const STRAYS: usize = 16;

/// A session of a legacy client.
pub(crate) struct Session {
    /// What the client calls it. Sealed, and says what another replica needs to go on with it.
    pub(crate) id: Arc<str>,
    /// Whose it is.
    pub(crate) principal: Principal,
    /// Its number among all sessions that there were. Unlike the id, it gives no right to use the session.
    pub(crate) number: u64,
    /// When it began, by the two clocks.
    began: SystemTime,
    begun: Instant,
    /// Whether it is a connection of 2024-11-05, in which the session's own stream carries everything.
    pub(crate) is_connection: bool,
    /// Whether URIs carry their target now: a reload may change it under a running session.
    wrap: Arc<AtomicBool>,
    handshake: OnceLock<Handshake>,
    /// Whether its client has done no more than shake hands.
    fresh: AtomicBool,
    /// Sessions at targets that another replica began for the client, and with which this one has not gone on yet.
    adoptable: Mutex<BTreeMap<String, (Target, String)>>,
    /// The tasks that the client made.
    pub(crate) tasks: Ledger,
    /// The least severe log messages that the client wants, if it said so.
    level: Mutex<Option<String>>,
    /// No more than [`MOST_CALLS`].
    running: Mutex<Map<Id, InFlight>>,
    /// How many calls there have been.
    calls: AtomicU64,
    asking: Asking,
    leases: Mutex<Map<String, Slot>>,
    /// What the client wants to hear of; for modern targets with the watch that is kept for it.
    subscriptions: Mutex<Map<Subscription, Option<Watch>>>,
    /// What is to be said outside of calls: the session's own stream.
    pub(crate) mailbox: Outlet,
    /// Who has something to say on the mailbox that must be heard: calls of a connection of 2024-11-05.
    pub(crate) speaking: TaskTracker,
    streams: Streams,
    /// Changes of the client's roots that its targets are not yet told of.
    roots: AtomicU64,
    used: Mutex<Instant>,
    /// Set before anybody hears of the end.
    ended: AtomicBool,
    over: Latch,
    /// Of a connection of 2024-11-05: cancelled when it is about to be closed from our side.
    closing: OnceLock<CancellationToken>,
}

/// A call in flight, as the session knows it.
struct InFlight {
    /// Ends it without an answer.
    end: AbortHandle,
    /// Counts calls, so that the latest is known.
    number: u64,
    /// Where it hears strays, if it may be asked about.
    ear: Option<mpsc::Sender<Stray>>,
}

/// What a call gets when it begins.
#[derive(Default)]
pub(crate) struct Begun {
    /// Tells when the client no longer wants the call, or the session ends; none if nobody can say so.
    pub(crate) unwanted: Option<AbortRegistration>,
    /// What a target asks that may be about the call, if it may be asked about.
    pub(crate) strays: Option<mpsc::Receiver<Stray>>,
}

/// What the client and we agreed on.
#[derive(Debug, Clone)]
pub(crate) struct Handshake {
    pub(crate) version: Version,
    pub(crate) caller: Arc<Caller>,
}

/// What a session begins with.
pub(crate) struct Birth {
    id: Arc<str>,
    principal: Principal,
    is_connection: bool,
    handshake: Option<Handshake>,
    /// Whether its client has yet to come back after its handshake.
    is_fresh: bool,
    /// After which number it counts its streams, its events and its questions.
    origin: u64,
    adoptable: Vec<(Target, String)>,
}

impl Birth {
    fn new(id: Arc<str>, principal: Principal) -> Self {
        let (handshake, adoptable) = (None, Vec::new());
        Self { id, principal, is_connection: false, handshake, is_fresh: false, origin: 0, adoptable }
    }
}

/// How a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Its client or an operator wants it to be over, wherever it is.
    ForGood,
    /// Nobody has used it here, or there is no longer a here. It may go on elsewhere, and so do its sessions at targets that
    /// its id names.
    Here,
}

impl Session {
    fn new(birth: Birth, number: u64, wrap: Arc<AtomicBool>) -> Arc<Self> {
        let Birth { id, principal, is_connection, handshake, is_fresh, origin, adoptable } = birth;
        let adoptable = adoptable.into_iter().map(|(target, id)| (target.name().to_owned(), (target, id)));
        Arc::new(Self {
            id,
            principal,
            number,
            began: SystemTime::now(),
            begun: Instant::now(),
            is_connection,
            wrap,
            handshake: handshake.map_or_else(OnceLock::new, OnceLock::from),
            fresh: AtomicBool::new(is_fresh),
            adoptable: Mutex::new(adoptable.collect()),
            tasks: Ledger::default(),
            level: Mutex::default(),
            running: Mutex::default(),
            calls: AtomicU64::new(0),
            asking: Asking::after(origin),
            leases: Mutex::default(),
            subscriptions: Mutex::default(),
            mailbox: Outlet::after(origin),
            speaking: TaskTracker::new(),
            streams: Streams::after(origin),
            roots: AtomicU64::new(0),
            used: Mutex::new(Instant::now()),
            ended: AtomicBool::new(false),
            over: Latch::default(),
            closing: OnceLock::new(),
        })
    }

    /// Notes the handshake. Only the first counts.
    pub(crate) fn shake(&self, handshake: Handshake) -> bool {
        self.handshake.set(handshake).is_ok()
    }

    /// What was agreed on, once it is.
    pub(crate) fn handshake(&self) -> Option<&Handshake> {
        self.handshake.get()
    }

    /// Ties the session to its connection.
    pub(crate) fn closes_with(&self, closing: CancellationToken) {
        let _ = self.closing.set(closing);
    }

    /// Cancelled when its connection is about to be closed; never, if it has none of its own.
    pub(crate) fn closing(&self) -> CancellationToken {
        self.closing.get().cloned().unwrap_or_default()
    }

    // === Calls in flight ===

    /// Begins a call. `None` if a call with this id, or too many calls, are running already. Strays are only heard by calls
    /// about which the client may be asked something.
    pub(crate) fn begin(&self, id: &Id, may_be_asked: bool) -> Option<Begun> {
        let mut running = lock(&self.running);
        if running.len() >= MOST_CALLS {
            return None;
        }
        match running.entry(id.clone()) {
            std::collections::hash_map::Entry::Occupied(_) => None,
            std::collections::hash_map::Entry::Vacant(free) => {
                let (ear, strays) = match may_be_asked {
                    true => {
                        let (sender, strays) = mpsc::channel(STRAYS);
                        (Some(sender), Some(strays))
                    }
                    false => (None, None),
                };
                let number = self.calls.fetch_add(1, Ordering::Relaxed);
                let (end, unwanted) = AbortHandle::new_pair();
                if self.is_over() {
                    end.abort();
                }
                free.insert(InFlight { end, number, ear });
                Some(Begun { unwanted: Some(unwanted), strays })
            }
        }
    }

    /// The call has been answered, or will never be.
    pub(crate) fn finish(&self, id: &Id) {
        self.touch();
        lock(&self.running).remove(id);
    }

    /// The client no longer wants a call. Unknown ids are ignored: the answer may have crossed the cancellation.
    pub(crate) fn cancel(&self, id: &Id) {
        if let Some(call) = lock(&self.running).get(id) {
            call.end.abort();
        }
    }

    // === Log level ===

    /// The log level in force.
    pub(crate) fn level(&self) -> Option<String> {
        lock(&self.level).clone()
    }

    /// Sets the log level, here and at every target that the session has a link to.
    pub(crate) async fn set_level(&self, level: &str) {
        *lock(&self.level) = Some(level.to_owned());
        let links = self.live_links();
        futures::future::join_all(links.iter().map(|link| link.set_level(level))).await;
    }

    /// Whether the client wants a log message: none of lower rank than it asked for.
    pub(crate) fn wants_log(&self, params: &Object) -> bool {
        let wanted = lock(&self.level).as_deref().and_then(meta::level_rank);
        let rank = params.text("level").as_deref().and_then(meta::level_rank);
        !matches!((wanted, rank), (Some(wanted), Some(rank)) if rank < wanted)
    }

    // === Life ===

    /// When the session was last used; `None` while it is in use.
    fn idle_since(&self) -> Option<Instant> {
        let used = *lock(&self.used);
        let read = self.mailbox.last_read();
        let busy = self.mailbox.is_read() || !lock(&self.running).is_empty();
        (!busy).then(|| read.map_or(used, |read| read.max(used)))
    }

    pub(crate) fn touch(&self) {
        *lock(&self.used) = Instant::now();
    }

    /// Cuts the session's own link to a target that is started anew. The next call opens another.
    fn cut(&self, target: &str) {
        Task::spawn_finite("cut link", self.release(&[target.to_owned()]).close());
    }

    /// Whether it has ended here.
    pub(crate) fn is_over(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Whether its client has done no more than shake hands.
    fn is_fresh(&self) -> bool {
        self.fresh.load(Ordering::Relaxed)
    }

    /// Ends the session: running calls are cancelled and say so on their streams, the session's own stream ends, links are closed in good order.
    pub(crate) async fn end(&self, end: End) {
        self.ended.store(true, Ordering::Release);
        // A call that begins after this sees for itself. Calls are told before what they wait for is: the end of that would be
        // taken for a failure of the target.
        lock(&self.running).values().for_each(|call| call.end.abort());
        self.over.set();
        self.close_streams();
        let subscriptions = std::mem::take(&mut *lock(&self.subscriptions));
        drop(subscriptions);
        let (links, elsewhere) = match end {
            End::ForGood => (self.live_links(), self.adopt_all().await),
            End::Here => (self.links_of_its_own(), Vec::new()),
        };
        futures::future::join_all(links.iter().chain(&elsewhere).map(Link::close)).await;
        lock(&self.leases).clear();
    }
}

/// A standard mutex, never held over an await. A panic while it was held does not make its content wrong: every critical
/// section here is a single insert, remove or read.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
