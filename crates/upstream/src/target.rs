//! One configured target, kept alive: the link over which it is looked at is opened in the background, watched, and opened
//! again with backoff; other links are opened for the callers that need them.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use protocol::method::notifications;
use protocol::{Era, Object};
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::admission::{Pass, Refusal};
use self::breaker::BreakerStatus;
use self::common::Common;
use self::stats::{Counted, LinkKind, Stats};
use crate::link::handshake::{self, Shaken, Way};
use crate::link::{Heard, Link, Notice};
use crate::pool::plain::PlainLink;
use crate::pool::{Borrowed, Leased, Pool};
use crate::queue;
use crate::settings::{Settings, Sharing, Transport};
use crate::spread::Lender;
use crate::task::{SeenThrough, Task};
use crate::wire::http_client::HttpClient;
use crate::wire::sse::SseConnect;
use crate::wire::stdio::StdioConnect;
use crate::wire::streamable::StreamableConnect;
use crate::wire::{Connect, Tie};
use crate::{Caller, Error, ErrorKind, boxed};

pub mod admission;
pub mod backoff;
pub mod breaker;
pub mod common;
mod rate;
pub mod stats;

/// For how long a target that was found to be legacy is believed to be so. A server that was upgraded would go on
/// serving the handshake, so nothing but time corrects this verdict; a wrong "modern" fails loudly instead.
const LEGACY_BELIEVED: Duration = Duration::from_secs(3600);

/// How much of a failing target's standard error is logged, in lines.
const WORDS_LOGGED: usize = 10;

/// How long after a target was taken out of service a call may still begin that had found it before.
const LAST_ARRIVALS: Duration = Duration::from_secs(1);

/// How many notices may wait for a slow reader before it misses some.
const NOTICES: usize = 64;

/// A configured target. Cheap to clone; it is stopped when the last clone is dropped, in good order by [`Target::stop`].
#[derive(Clone)]
pub struct Target {
    shared: Arc<Shared>,
    _guard: Arc<DropGuard>,
}

/// How a target is doing.
#[derive(Clone)]
pub enum State {
    /// Being started or connected to for the first time.
    Starting,
    /// There, and looked at over this link.
    Ready(Link),
    /// Not to be had at the moment; tried again in the background.
    Failing(Arc<Failure>),
    /// Stopped for good.
    Stopped,
}

/// Why a target is not to be had.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What happened last.
    pub error: Error,
    /// How many attempts failed in a row.
    pub attempts: u32,
    /// When the next one is due.
    pub next: Instant,
    /// The last lines of the target's standard error, oldest first.
    pub last_words: Vec<String>,
}

struct Shared {
    common: Arc<Common>,
    /// The same for calls.
    admits: Lender<Common>,
    /// On whose account the target is looked at.
    discovery: Arc<Caller>,
    connect: Arc<dyn Connect>,
    older: Option<Arc<dyn Connect>>,
    state: watch::Sender<State>,
    /// Whether it is there, and legacy. Said beside the state for those who ask for each call.
    serves_legacy: AtomicBool,
    notices: broadcast::Sender<Notice>,
    pool: Pool,
    era: Mutex<Option<(Era, Instant)>>,
    started: Instant,
    restarts: AtomicU32,
    /// Someone needs the target now: do not sit out the backoff.
    wanted: Notify,
    /// Counts how often an operator wanted it started anew.
    restart: watch::Sender<u64>,
    stop: CancellationToken,
    stopped: watch::Sender<bool>,
}

impl Target {
    /// Starts a target in the background. It is looked at on the account of `discovery`, see [`Caller::discovery`].
    pub fn start(settings: Settings, discovery: Arc<Caller>) -> Self {
        let (name, limits) = (&settings.name, &settings.limits);
        let (connect, older): (Arc<dyn Connect>, Option<Arc<dyn Connect>>) = match &settings.transport {
            Transport::Stdio(stdio) => (Arc::new(StdioConnect::new(name, stdio.clone(), limits)), None),
            Transport::Http(url) => {
                let client = HttpClient::new();
                let older = SseConnect::new(name, url.clone(), limits, client.clone());
                (Arc::new(StreamableConnect::new(name, url.clone(), limits, client)), Some(Arc::new(older)))
            }
            Transport::Sse(url) => {
                (Arc::new(SseConnect::new(name, url.clone(), limits, HttpClient::new())), None)
            }
            Transport::Custom(custom) => (custom.0.clone(), None),
        };
        let stop = CancellationToken::new();
        let common = Common::new(settings);
        let shared = Arc::new(Shared {
            pool: Pool::new(&common),
            admits: Lender::new(common.clone()),
            common,
            discovery,
            connect,
            older,
            state: watch::Sender::new(State::Starting),
            serves_legacy: AtomicBool::new(false),
            notices: broadcast::Sender::new(NOTICES),
            era: Mutex::new(None),
            started: Instant::now(),
            restarts: 0.into(),
            wanted: Notify::new(),
            restart: watch::Sender::new(0),
            stop: stop.clone(),
            stopped: watch::Sender::new(false),
        });
        let supervised = shared.clone();
        // Not owned by a `Task`: when the last handle is dropped, the guard asks it to stop, and it closes its link first.
        Task::spawn_finite("target", supervised.supervise());
        Self { shared, _guard: Arc::new(stop.drop_guard()) }
    }

    /// What the configuration says of the target.
    pub fn settings(&self) -> Arc<Settings> {
        self.shared.common.settings().clone()
    }

    /// Takes over other settings, if links that are open are as good for them. False, and nothing changed, if the target has to
    /// be started anew. Waits that have begun end as they were meant to.
    pub fn reconfigure(&self, settings: &Settings) -> bool {
        let mut as_good = true;
        let now = self.settings();
        if *now != *settings {
            as_good = now.reach_the_same(settings);
            if as_good {
                self.shared.common.change(settings.clone());
            }
        }
        as_good
    }

    /// Who shares its links.
    pub fn sharing(&self) -> Sharing {
        self.shared.common.settings().sharing
    }

    /// The target's name.
    pub fn name(&self) -> &str {
        self.shared.common.name()
    }

    /// How the target is doing, now and from now on.
    pub fn state(&self) -> watch::Receiver<State> {
        self.shared.state.subscribe()
    }

    /// What the target says from now on that belongs to no call.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.shared.notices.subscribe()
    }

    /// Passes on a notice that was heard on a listen stream.
    pub fn announce(&self, notice: Notice) {
        // Nobody listening is fine.
        let _ = self.shared.notices.send(notice);
    }

    // === Calls ===

    /// Leave to send a call, and its place among the calls in flight. What becomes of the call is to be told to it.
    pub fn admit(&self) -> Result<Pass, Refusal> {
        let pass = Pass::call(&self.shared.admits.lend())?;
        if pass.is_trial() {
            tracing::info!("target `{}` is tried again with one call", self.name());
            // Also one that could not be opened is tried anew.
            self.shared.pool.let_go();
        }
        Ok(pass)
    }

    /// Whether calls are let through.
    pub fn breaker(&self) -> BreakerStatus {
        self.shared.common.breaker.status()
    }

    /// How the target is doing, in numbers. Waits for nothing that calls hold.
    pub fn stats(&self) -> Stats {
        let shared = &self.shared;
        let connects = [Some(&shared.connect), shared.older.as_ref()].into_iter().flatten();
        let mut stats = shared.common.stats();
        stats.restarts = self.restarts();
        for nuisances in connects.map(|connect| connect.nuisances()) {
            stats.nuisances.iter_mut().zip(nuisances).for_each(|(sum, more)| *sum += more);
        }
        stats
    }

    /// When the target was configured, for grace periods at start.
    pub fn started(&self) -> Instant {
        self.shared.started
    }

    /// How often the target had to be started or connected to again.
    pub fn restarts(&self) -> u32 {
        self.shared.restarts.load(Ordering::Relaxed) + self.shared.pool.deaths()
    }

    /// The process ids of the target's live children.
    pub fn processes(&self) -> Vec<u32> {
        self.shared.connect.processes()
    }

    /// The last lines of the target's standard error, oldest first.
    pub fn last_words(&self) -> Vec<String> {
        self.shared.connect.last_words()
    }

    /// The link over which the target is looked at: it says of which era the target is, and brings its lists and notices.
    /// A modern target is called over it as well, because there each request says what its client can do. A legacy one
    /// must not be: it was told more than a client declared.
    ///
    /// Waits while the target starts for the first time; a target that is failing fails the caller at once, and is tried
    /// again sooner.
    pub async fn discovery_link(&self) -> Result<Link, Error> {
        // What is usual needs no subscription.
        if let State::Ready(link) = &*self.shared.state.borrow()
            && !link.is_dead()
        {
            return Ok(link.clone());
        }
        let mut state = self.shared.state.subscribe();
        loop {
            let now = state.borrow_and_update().clone();
            match now {
                State::Ready(link) if !link.is_dead() => return Ok(link),
                State::Ready(_) | State::Starting => {}
                State::Failing(failure) => {
                    self.shared.wanted.notify_one();
                    return Err(failure.error.clone());
                }
                State::Stopped => return Err(stopped(self.name())),
            }
            if state.changed().await.is_err() {
                return Err(stopped(self.name()));
            }
        }
    }

    /// A link for the session of one client, who also hears what belongs to no call. A legacy target is told what this client
    /// declared. It may be the spare one, and another is opened in its place. Opening has the target's deadline for connecting.
    pub async fn lease(&self, caller: &Arc<Caller>) -> Result<(Link, queue::Receiver<Heard>), Error> {
        if !self.settings().warm {
            return self.shared.lease(caller, LinkKind::Session).await;
        }
        let profile = profile(caller);
        let spare = self.shared.pool.spare(&profile);
        let leased = match spare {
            Some((link, heard)) => {
                link.serves(LinkKind::Session);
                welcome(&link).await;
                (link, heard)
            }
            None => self.shared.lease(caller, LinkKind::Session).await?,
        };
        let (shared, caller) = (self.shared.clone(), caller.clone());
        let open = move || async move { shared.lease(&caller, LinkKind::Spare).await };
        self.shared.pool.refill(&profile, open);
        Ok(leased)
    }

    /// Goes on with a session that a legacy target gave to an earlier link of this client's, perhaps in another process. `None`
    /// if there is nothing to go on with: the target is not there, its sessions end with their connection, or it keeps none.
    pub async fn adopt(&self, caller: &Arc<Caller>, session: &str) -> Option<(Link, queue::Receiver<Heard>)> {
        let discovery = self.discovery_link().await.ok()?;
        if !matches!(discovery.tie(), Tie::Session(_)) {
            return None;
        }
        let (sender, heard) = queue::channel(NOTICES);
        let shaken = Shaken { id: session, peer: discovery.peer().clone() };
        let (common, connect) = (&self.shared.common, self.shared.connect.as_ref());
        let link = handshake::adopt(common, connect, shaken, caller, sender).await?;
        link.serves(LinkKind::Session);
        Some((link, heard))
    }

    /// Whether a session that has this link calls the target over it: the target is there, is legacy, and the link is its own and
    /// of use.
    pub fn serves_over(&self, link: &Link) -> bool {
        self.shared.serves_legacy.load(Ordering::Acquire)
            && link.is_to(&self.shared.common)
            && !link.is_dead()
    }

    /// The link over which the target is looked at, if it is there now.
    pub fn ready_link(&self) -> Option<Link> {
        match &*self.shared.state.borrow() {
            State::Ready(link) if !link.is_dead() => Some(link.clone()),
            State::Ready(_) | State::Starting | State::Failing(_) | State::Stopped => None,
        }
    }

    /// Lends a link for one call of a client that has no session and can be asked. Waits a while for one.
    pub async fn borrow(&self, caller: &Arc<Caller>) -> Result<Borrowed, Error> {
        let place = self.shared.pool.place(&profile(caller), self.settings().limits.list).await?;
        place.fill(|| self.shared.lease(caller, LinkKind::Lent)).await
    }

    /// The link for calls about which a legacy target may ask nothing, which share it. It declares nothing, and is opened
    /// when it is needed. Its notices are nobody's.
    pub async fn plain_link(&self) -> Result<PlainLink, Error> {
        let shared = self.shared.clone();
        let open = move || async move {
            let link = shared.open(&Caller::plain(), queue::channel(1).0).await?;
            link.serves(LinkKind::Plain);
            Ok(link)
        };
        self.shared.pool.plain(open).await
    }

    /// Starts the target, or connects to it, anew, without the pause that follows a failure. Calls that run over its shared
    /// links fail.
    pub fn restart(&self) {
        self.shared.restart.send_modify(|wishes| *wishes += 1);
    }

    /// Stops a target that no call finds any more, once those that it has are answered, but waits for them no longer than a call
    /// may be silent.
    pub async fn retire(&self) {
        tokio::time::sleep(LAST_ARRIVALS).await;
        let patience = self.settings().limits.call;
        if tokio::time::timeout(patience, self.shared.common.vacated()).await.is_err() {
            let (name, waited) = (self.name(), patience.as_secs());
            tracing::warn!(
                "calls to target `{name}`, which is no longer configured, are cut after {waited} s"
            );
        }
        self.stop().await;
    }

    /// Stops the target in good order and returns when nothing of it is left.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        let mut stopped = self.shared.stopped.subscribe();
        let _ = stopped.wait_for(|stopped| *stopped).await;
        self.shared.common.closed().await;
    }
}

impl Shared {
    /// The target's life: open, watch, wait, open again.
    async fn supervise(self: Arc<Self>) {
        let mut backoff = backoff::Backoff::new();
        let mut restart = self.restart.subscribe();
        while !self.stop.is_cancelled() {
            let (sender, heard) = queue::channel(NOTICES);
            let opened = tokio::select! {
                opened = self.open(&self.discovery, sender) => opened,
                () = self.stop.cancelled() => break,
                // What is being opened may be what hangs.
                Ok(()) = restart.changed() => {
                    self.is_now(State::Starting);
                    backoff = backoff::Backoff::new();
                    continue;
                }
            };
            let error = match opened {
                Ok(link) => {
                    link.serves(LinkKind::Discovery);
                    let since = Instant::now();
                    self.announce(&link, backoff.attempts());
                    let error = self.watch(&link, heard, &mut restart).await;
                    self.pool.let_go();
                    self.restarts.fetch_add(1, Ordering::Relaxed);
                    let Some(error) = error else {
                        tracing::info!("target `{}` is restarted, as was asked for", self.common.name());
                        backoff = backoff::Backoff::new();
                        continue;
                    };
                    backoff.lived_for(since.elapsed());
                    // The target is there and has only forgotten us; who waits for the link gets the next one.
                    if error.kind == ErrorKind::SessionLost && since.elapsed() >= backoff.floor() {
                        tracing::info!("target `{}` gets another link: {error}", self.common.name());
                        continue;
                    }
                    error
                }
                Err(error) => error,
            };
            if self.stop.is_cancelled() {
                break;
            }
            self.wait(error, &mut backoff, &mut restart).await;
        }
        self.pool.close().await;
        self.is_now(State::Stopped);
        self.stopped.send_replace(true);
    }

    fn is_now(&self, state: State) {
        let is_legacy = matches!(&state, State::Ready(link) if link.peer().era == Era::Legacy);
        self.serves_legacy.store(is_legacy, Ordering::Release);
        self.state.send_replace(state);
    }

    fn announce(&self, link: &Link, failures: u32) {
        let peer = link.peer();
        let (name, version, era) = (self.common.name(), peer.version.as_str(), peer.era.as_str());
        let again = if failures > 0 { " again" } else { "" };
        tracing::info!("target `{name}` is ready{again}: protocol version {version}, {era} era");
        self.is_now(State::Ready(link.clone()));
        if failures > 0 {
            self.common.breaker.revived();
        }
    }

    /// Passes notices on until the link ends or the target is stopped, and says why; nothing if it is to be started anew.
    async fn watch(
        &self,
        link: &Link,
        mut heard: queue::Receiver<Heard>,
        restart: &mut watch::Receiver<u64>,
    ) -> Option<Error> {
        loop {
            tokio::select! {
                error = link.closed() => {
                    // Calls that are under way over other connections of the link may still be answered: it is only let go.
                    if !matches!(error.kind, ErrorKind::Unreachable | ErrorKind::SessionLost) {
                        link.close().await;
                    }
                    return Some(error);
                }
                () = self.stop.cancelled() => {
                    futures::future::join(link.close(), self.pool.close()).await;
                    return Some(stopped(self.common.name()));
                }
                Ok(()) = restart.changed() => {
                    // Who needs the target from now on waits for the next link.
                    self.is_now(State::Starting);
                    futures::future::join(link.close(), self.pool.cut()).await;
                    // Two clicks are one restart.
                    restart.mark_unchanged();
                    return None;
                }
                // Questions were answered already, because there is nobody whom they could be for.
                Some(heard) = heard.recv() => if let Heard::Notice(notice) = heard {
                    // Nobody listening is fine.
                    let _ = self.notices.send(notice);
                },
            }
        }
    }

    async fn wait(&self, error: Error, backoff: &mut backoff::Backoff, restart: &mut watch::Receiver<u64>) {
        let pause = backoff.pause();
        let attempts = backoff.attempts();
        let next = Instant::now() + pause;
        let last_words = self.connect.last_words();
        self.complain(&error, attempts, pause, &last_words);
        self.is_now(State::Failing(Arc::new(Failure { error, attempts, next, last_words })));
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = self.wanted_after(backoff.floor()) => {}
            Ok(()) = restart.changed() => *backoff = backoff::Backoff::new(),
            () = self.stop.cancelled() => {}
        }
    }

    /// Says why the target is not there: aloud when that is news, and quietly each time it is still so.
    fn complain(&self, error: &Error, attempts: u32, pause: Duration, last_words: &[String]) {
        let name = self.common.name();
        let known = matches!(&*self.state.borrow(), State::Failing(before) if before.error == *error);
        if known {
            tracing::debug!("target `{name}` is still not available after {attempts} attempts: {error}");
            return;
        }
        let seconds = pause.as_secs_f32();
        tracing::warn!("target `{name}` is not available: {error}; next attempt in {seconds:.1} s");
        let skip = last_words.len().saturating_sub(WORDS_LOGGED);
        last_words[skip..].iter().for_each(|line| tracing::warn!("target `{name}` said: {line}"));
    }

    /// Someone wants the target, but not more often than every `floor`.
    async fn wanted_after(&self, floor: Duration) {
        tokio::time::sleep(floor).await;
        self.wanted.notified().await;
    }

    /// Opens a link for one client alone. A child that nobody waits for any more is cut. Over HTTP the handshake goes on, and the
    /// link is closed then: the target may have begun a session, and only its answer says which.
    async fn lease(self: &Arc<Self>, caller: &Arc<Caller>, kind: LinkKind) -> Result<Leased, Error> {
        if !self.common.settings().transport.is_http() {
            return self.open_for(caller, kind).await;
        }
        let (shared, caller) = (self.clone(), caller.clone());
        let opening = boxed(move || async move { shared.open_for(&caller, kind).await });
        SeenThrough::new("open link", opening, |opened: Result<Leased, Error>| {
            async move {
                if let Ok((link, _heard)) = opened {
                    link.close().await;
                }
            }
            .boxed()
        })
        .await
    }

    async fn open_for(&self, caller: &Arc<Caller>, kind: LinkKind) -> Result<Leased, Error> {
        let counted = self.room(kind)?;
        let (sender, heard) = queue::channel(NOTICES);
        let link = self.open(caller, sender).await?;
        link.counts(counted);
        Ok((link, heard))
    }

    /// Room for one more link, which for a child is a process.
    fn room(&self, kind: LinkKind) -> Result<Counted, Error> {
        let settings = self.common.settings();
        let most = match &settings.transport {
            Transport::Stdio(_) => settings.limits.children,
            Transport::Http(_) | Transport::Sse(_) | Transport::Custom(_) => usize::MAX,
        };
        Counted::within(&self.common, kind, most).ok_or_else(|| {
            let name = self.common.name();
            let text = format!(
                "target `{name}` has {most} children for sessions and calls, and `limits.children` allows no more; with \
                 `sharing: shared` one serves all"
            );
            Error::new(ErrorKind::Busy, text)
        })
    }

    async fn open(&self, caller: &Arc<Caller>, owner: queue::Sender<Heard>) -> Result<Link, Error> {
        let way = Way { connect: self.connect.as_ref(), older: self.older.as_deref() };
        let opening = || async {
            let deadline = self.common.settings().limits.connect;
            let opening = handshake::open(&self.common, &way, self.known_era(), caller, owner);
            tokio::time::timeout(deadline, opening).await.map_err(|_| {
                let (name, waited) = (self.common.name(), deadline.as_secs_f32());
                Error::new(
                    ErrorKind::Timeout,
                    format!("target `{name}` did not finish its handshake within {waited} s"),
                )
            })?
        };
        // Where the system has no more threads, looking up a name panics. It may have some again at the next attempt.
        let survived = |opened: Result<_, _>| {
            let text = || format!("opening target `{}` failed here, with a panic", self.common.name());
            opened.unwrap_or_else(|_| Err(Error::new(ErrorKind::Unreachable, text())))
        };
        // A handshake is large, and who waits for it would be as large.
        let opening = boxed(|| AssertUnwindSafe(opening()).catch_unwind().map(survived));
        let link = match &self.common.settings().clone().transport {
            // Waiting for a place is not within the deadline, which is for the target: others are what it waits for.
            Transport::Stdio(stdio) => stdio.starting.start(opening).await?,
            _ => opening.await,
        }?;
        *self.era.lock().unwrap_or_else(PoisonError::into_inner) = Some((link.peer().era, Instant::now()));
        Ok(link)
    }

    fn known_era(&self) -> Option<Era> {
        let known = *self.era.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .filter(|(era, found)| *era == Era::Modern || found.elapsed() < LEGACY_BELIEVED)
            .map(|(era, _)| era)
    }
}

/// What a target is told of a client, to know whether two are told the same.
fn profile(caller: &Caller) -> String {
    protocol::capability::profile(&caller.capabilities.object().unwrap_or_default())
}

/// Tells a target that had a client whom nobody knew yet that there is one now. What it asked for the roots may have been given
/// up, and it asks again.
async fn welcome(link: &Link) {
    let declared = link.caller().capabilities.object().unwrap_or_default();
    let changes = declared.object("roots").and_then(|roots| roots.get("listChanged").cloned());
    if changes.is_some_and(|changes| changes.as_bytes() == b"true")
        && let Err(error) = link.notify(notifications::ROOTS_CHANGED, &Object::default()).await
    {
        tracing::debug!("a target was not told of its client's roots: {error}");
    }
}

fn stopped(target: &str) -> Error {
    Error::new(ErrorKind::Stopped, format!("target `{target}` was stopped"))
}
