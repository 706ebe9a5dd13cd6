//! A legacy client's session: who it is, what it runs, the links it has for itself, and what is to be said to it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use protocol::method::notifications;
use protocol::{Id, Object, Raw, Version, message, meta, name};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use upstream::{Call, Caller, Error, Link, Listening, Notice, Target, Task};

use self::mailbox::Mailbox;
use crate::catalog::Destination;

pub(crate) mod mailbox;
pub(crate) mod store;

/// How many calls may run in a session at once, and how many resources it may subscribe to. Each holds memory here and a
/// place at a target; no client that means well comes near.
const MOST_CALLS: usize = 256;
const MOST_SUBSCRIPTIONS: usize = 256;

/// A session of a legacy client.
pub(crate) struct Session {
    pub(crate) id: String,
    /// Whether URIs carry their target now: a reload may change it under a running session.
    wrap: Arc<AtomicBool>,
    handshake: OnceLock<Handshake>,
    /// The least severe log messages that the client wants, if it said so.
    level: Mutex<Option<String>>,
    running: Mutex<HashMap<Id, CancellationToken>>,
    leases: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<Lease>>>>>,
    /// What the client wants to hear of; for modern targets with the stream that listens for it.
    subscriptions: Mutex<HashMap<Subscription, Option<Task>>>,
    pub(crate) mailbox: Mailbox,
    used: Mutex<Instant>,
    over: CancellationToken,
}

/// What the client and we agreed on.
#[derive(Debug, Clone)]
pub(crate) struct Handshake {
    pub(crate) version: Version,
    pub(crate) caller: Arc<Caller>,
}

/// A link of the session's own to a target.
struct Lease {
    link: Link,
    _notices: Task,
}

/// A resource whose updates the client wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Subscription {
    pub(crate) target: String,
    pub(crate) uri: String,
}

impl Session {
    fn new(id: String, wrap: Arc<AtomicBool>) -> Arc<Self> {
        Arc::new(Self {
            id,
            wrap,
            handshake: OnceLock::new(),
            level: Mutex::default(),
            running: Mutex::default(),
            leases: Mutex::default(),
            subscriptions: Mutex::default(),
            mailbox: Mailbox::default(),
            used: Mutex::new(Instant::now()),
            over: CancellationToken::new(),
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

    // === Calls in flight ===

    /// Begins a call. The token is cancelled when the client no longer wants it or the session ends; `None` if a call with
    /// this id, or too many calls, are running already.
    pub(crate) fn begin(&self, id: &Id) -> Option<CancellationToken> {
        self.touch();
        let token = self.over.child_token();
        let mut running = lock(&self.running);
        if running.len() >= MOST_CALLS {
            return None;
        }
        match running.entry(id.clone()) {
            std::collections::hash_map::Entry::Occupied(_) => None,
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(token.clone());
                Some(token)
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
        if let Some(token) = lock(&self.running).get(id) {
            token.cancel();
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
        futures::future::join_all(links.iter().map(|link| tell_level(link, level))).await;
    }

    /// Whether the client wants a log message: none of lower rank than it asked for.
    pub(crate) fn wants_log(&self, params: &Object) -> bool {
        let wanted = lock(&self.level).as_deref().and_then(meta::level_rank);
        let rank = params.text("level").as_deref().and_then(meta::level_rank);
        !matches!((wanted, rank), (Some(wanted), Some(rank)) if rank < wanted)
    }

    // === Links ===

    /// The link over which this session calls a target: the shared one for modern targets, which know no sessions, and one
    /// of its own for legacy targets, which may keep state for it.
    pub(crate) async fn link(self: &Arc<Self>, target: &Target) -> Result<Link, Error> {
        let shared = target.shared_link().await?;
        if shared.peer().era == protocol::Era::Modern {
            return Ok(shared);
        }
        let slot = lock(&self.leases).entry(target.name().to_owned()).or_default().clone();
        let mut slot = slot.lock().await;
        if let Some(lease) = slot.as_ref().filter(|lease| !lease.link.is_dead()) {
            return Ok(lease.link.clone());
        }
        let nothing = Raw::empty_object();
        let (link, notices) = tokio::select! {
            biased;
            () = self.over.cancelled() => return Err(Error::new(upstream::ErrorKind::Stopped, "the session is over")),
            leased = target.lease(&nothing) => leased?,
        };
        self.restore(&link, target.name()).await;
        let forward = forward(Arc::downgrade(self), notices, target.clone());
        *slot = Some(Lease { link: link.clone(), _notices: Task::spawn("session notices", forward) });
        Ok(link)
    }

    /// Opens a link again that has died. Boxed, because the link's own forwarder waits for it.
    fn reopen(self: Arc<Self>, target: Target) -> BoxFuture<'static, ()> {
        async move {
            if let Err(error) = self.link(&target).await {
                tracing::debug!("target `{}` cannot be listened to: {error}", target.name());
            }
        }
        .boxed()
    }

    /// Brings a fresh link into the state that the session left the last one in.
    async fn restore(&self, link: &Link, target: &str) {
        let mut told = None;
        // The client may change its mind while the target is being told.
        while let Some(level) = self.level().filter(|level| told.as_ref() != Some(level)) {
            tell_level(link, &level).await;
            told = Some(level);
        }
        let wanted: Vec<_> =
            lock(&self.subscriptions).keys().filter(|s| s.target == target).cloned().collect();
        for subscription in wanted {
            let params = [("uri", Raw::string(&subscription.uri))].into_iter().collect();
            ask(link, "resources/subscribe", params).await;
        }
    }

    fn live_links(&self) -> Vec<Link> {
        let slots: Vec<_> = lock(&self.leases).values().cloned().collect();
        let mut links = Vec::new();
        for slot in slots {
            // One that is being opened is brought up to date before it is used.
            if let Ok(slot) = slot.try_lock() {
                links.extend(
                    slot.as_ref().filter(|lease| !lease.link.is_dead()).map(|lease| lease.link.clone()),
                );
            }
        }
        links
    }

    /// Gives up the links to targets that are no longer there. Calls that run over them finish.
    pub(crate) fn release(&self, targets: &[String]) {
        lock(&self.leases).retain(|target, _| !targets.contains(target));
        lock(&self.subscriptions).retain(|subscription, _| !targets.contains(&subscription.target));
    }

    // === Subscriptions ===

    /// Puts a notice into the mailbox, under the names that the client knows.
    fn deliver(&self, notice: Notice, target: &str) {
        match notice {
            // The catalog says when the exposed lists change, to every session at once.
            Notice::ListChanged(_) => {}
            Notice::Updated(mut params) => {
                meta::strip_hop_of(&mut params);
                if let Some(uri) = params.text("uri").filter(|_| self.wrap.load(Ordering::Relaxed)) {
                    params.set("uri", Raw::string(&name::wrap_uri(target, &uri)));
                }
                self.mailbox.post(message::notification(notifications::RESOURCE_UPDATED, &params));
            }
            Notice::Log(params) if self.wants_log(&params) => {
                self.mailbox.post(message::notification(notifications::MESSAGE, &params));
            }
            Notice::Log(_) => {}
        }
    }

    fn listens_to(&self, target: &str) -> bool {
        lock(&self.subscriptions).keys().any(|subscription| subscription.target == target)
    }

    /// The target was told; what it says arrives as notices of the session's own link.
    pub(crate) fn subscribed(&self, subscription: Subscription) {
        lock(&self.subscriptions).insert(subscription, None);
    }

    pub(crate) fn unsubscribed(&self, subscription: &Subscription) {
        lock(&self.subscriptions).remove(subscription);
    }

    /// Listens for changes of a resource at a modern target, for as long as the client wants it. An error if the target does
    /// not announce them.
    pub(crate) async fn listen(
        self: &Arc<Self>,
        to: &Destination,
        subscription: Subscription,
    ) -> Result<(), Error> {
        if lock(&self.subscriptions).len() >= MOST_SUBSCRIPTIONS {
            let text = format!("a session may subscribe to {MOST_SUBSCRIPTIONS} resources");
            return Err(Error::new(upstream::ErrorKind::Protocol, text));
        }
        let link = to.target.shared_link().await?;
        let first = listen_once(&link, &subscription.uri).await?;
        let work = keep_listening(Arc::downgrade(self), to.clone(), subscription.uri.clone(), first);
        lock(&self.subscriptions).insert(subscription, Some(Task::spawn("subscription", work)));
        Ok(())
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

    /// Ends the session: running calls are cancelled, streams end, links are closed in good order.
    pub(crate) async fn end(&self) {
        self.over.cancel();
        self.mailbox.close();
        let links = self.live_links();
        futures::future::join_all(links.iter().map(Link::close)).await;
        lock(&self.leases).clear();
    }
}

/// A standard mutex, never held over an await. A panic while it was held does not make its content wrong: every critical
/// section here is a single insert, remove or read.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn tell_level(link: &Link, level: &str) {
    if link.peer().offers("logging") {
        let params = [("level", Raw::string(level))].into_iter().collect();
        ask(link, "logging/setLevel", params).await;
    }
}

/// How long a target may take over a wish of the session that its call can do without.
const WISH: Duration = Duration::from_secs(5);

/// A request on the session's own account. A target that refuses it goes on without.
async fn ask(link: &Link, method: &'static str, params: Object) {
    let Some(method) = protocol::method::find(method) else {
        return;
    };
    let call = Call::quiet(method, params, Caller::gateway());
    let answer = tokio::time::timeout(WISH, async { link.call(call).await?.answer().await }).await;
    let refused = match answer {
        Ok(Ok(Ok(_))) => return,
        Ok(Ok(Err(error))) => protocol::RpcError::from_raw(&error).to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", WISH.as_secs()),
    };
    tracing::debug!(method = method.name, "a target refused what its session wanted: {refused}");
}

async fn listen_once(link: &Link, uri: &str) -> Result<Listening, Error> {
    let listening = link.listen(&[], &[uri.to_owned()]).await?;
    if listening.covers(uri) {
        return Ok(listening);
    }
    Err(Error::new(upstream::ErrorKind::Protocol, format!("the target does not announce changes of `{uri}`")))
}

/// How long to wait before a listen stream that ended is opened again.
const LISTEN_AGAIN: Duration = Duration::from_secs(2);

/// Passes updates on until the subscription is dropped, also over restarts of the target.
async fn keep_listening(session: std::sync::Weak<Session>, to: Destination, uri: String, first: Listening) {
    let mut listening = Some(first);
    loop {
        if let Some(mut open) = listening.take() {
            while let Some(notice) = open.notices.next().await {
                let Some(session) = session.upgrade() else {
                    return;
                };
                session.deliver(notice, to.target.name());
            }
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
        if let Ok(link) = to.target.shared_link().await {
            listening = listen_once(&link, &uri).await.ok();
        }
    }
}

/// Brings what a link has to say outside of calls to its session. When the link dies, another is opened if the session
/// listens for something at the target: a client that only listens makes no call that would open one.
async fn forward(session: std::sync::Weak<Session>, mut notices: mpsc::Receiver<Notice>, target: Target) {
    while let Some(notice) = notices.recv().await {
        let Some(session) = session.upgrade() else {
            return;
        };
        session.deliver(notice, target.name());
    }
    loop {
        tokio::time::sleep(LISTEN_AGAIN).await;
        match session.upgrade() {
            // The new link has a forwarder of its own, which takes this one's place.
            Some(session) if session.listens_to(target.name()) => session.reopen(target.clone()).await,
            _ => return,
        }
    }
}
