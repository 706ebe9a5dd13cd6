//! The links of a session: those that everybody shares to modern targets, and ones of its own to legacy targets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use protocol::method::notifications;
use protocol::{Object, Raw};
use upstream::{Caller, Error, ErrorKind, Heard, Link, Notice, Target, Task, Tie, queue};

use super::subscriptions::LISTEN_AGAIN;
use super::{Session, Stray, lock};

/// A link of the session's own to a target.
pub(super) struct Lease {
    pub(super) link: Link,
    tenure: Tenure,
    /// Among all leases that there were.
    number: u64,
    _heard: queue::Attended<Heard>,
}

/// How many leases there were.
static LEASES: AtomicU64 = AtomicU64::new(0);

/// Who may be using the target's session behind a link.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tenure {
    /// This session alone.
    Own,
    /// Another replica as well: the client's id names it.
    Carried,
    /// Another replica as well, which may have begun it. What the client subscribed to there is not known here.
    Adopted,
}

impl Tenure {
    fn is_shared(self) -> bool {
        self != Self::Own
    }
}

/// The place of a lease, locked while it is opened.
pub(super) type Slot = Arc<tokio::sync::Mutex<Option<Lease>>>;

/// A link, and what is heard over it outside of calls.
type Opened = (Link, queue::Receiver<Heard>);

impl Session {
    /// The link over which this session calls a target: the one that everybody shares for modern targets, which know no
    /// sessions, and one of its own for legacy targets, which may keep state for it and are told what its client declared.
    pub(crate) async fn link(self: &Arc<Self>, target: &Target) -> Result<Link, Error> {
        let discovery = target.discovery_link().await?;
        if discovery.peer().era == protocol::Era::Modern {
            return Ok(discovery);
        }
        let slot = lock(&self.leases).entry(target.name().to_owned()).or_default().clone();
        let mut slot = slot.lock().await;
        if let Some(lease) = slot.as_ref().filter(|lease| !lease.link.is_dead()) {
            // So that it is not closed before the call begins.
            lease.link.touch();
            return Ok(lease.link.clone());
        }
        let before = slot.as_ref().filter(|lease| lease.tenure.is_shared());
        if let Some(id) = before.and_then(|lease| kept(&lease.link)) {
            lock(&self.adoptable).insert(target.name().to_owned(), (target.clone(), id));
        }
        let caller = self.caller();
        let ((link, heard), tenure) = tokio::select! {
            biased;
            () = self.over.wait() => return Err(Error::new(ErrorKind::Stopped, "the session is over")),
            opened = self.open(target, &caller) => opened?,
        };
        // Nobody else knows of it yet. What was adopted is in the id.
        let unclaimed = Unclaimed((!tenure.is_shared()).then(|| link.clone()));
        self.restore(&link, target.name()).await;
        unclaimed.claim();
        *slot = Some(self.lease(target, (link.clone(), heard), tenure));
        // What the target did not go on with, it has forgotten.
        lock(&self.adoptable).remove(target.name());
        Ok(link)
    }

    /// The session's own link to a target, if there is one and the session calls the target over it.
    pub(crate) fn link_there(&self, target: &Target) -> Option<Link> {
        let slot = lock(&self.leases).get(target.name()).cloned()?;
        let slot = slot.try_lock().ok()?;
        let lease = slot.as_ref().filter(|lease| target.serves_over(&lease.link))?;
        // So that it is not closed before the call begins.
        lease.link.touch();
        Some(lease.link.clone())
    }

    /// Opens a link. The first one to a target goes on with what another replica began there for the client.
    async fn open(&self, target: &Target, caller: &Arc<Caller>) -> Result<(Opened, Tenure), Error> {
        let adoptable = lock(&self.adoptable).get(target.name()).map(|(_, id)| id.clone());
        if let Some(id) = adoptable
            && let Some(opened) = target.adopt(caller, &id).await
        {
            return Ok((opened, Tenure::Adopted));
        }
        Ok((target.lease(caller).await?, Tenure::Own))
    }

    fn lease(self: &Arc<Self>, target: &Target, (link, heard): Opened, tenure: Tenure) -> Lease {
        let (session, target) = (Arc::downgrade(self), target.clone());
        let number = LEASES.fetch_add(1, Ordering::Relaxed);
        let heard = heard.attend(move |heard| {
            if let Some(session) = session.upgrade() {
                session.hear(heard, &target, number);
            }
        });
        Lease { link, tenure, number, _heard: heard }
    }

    /// Gives a session that has just begun a link that was opened for it.
    pub(super) fn install(self: &Arc<Self>, target: &Target, opened: Opened, tenure: Tenure) {
        let lease = self.lease(target, opened, tenure);
        let slot = Arc::new(tokio::sync::Mutex::new(Some(lease)));
        lock(&self.leases).insert(target.name().to_owned(), slot);
    }

    /// Goes on with what another replica began at targets, for a client that listens: what it subscribed to there is told to
    /// whoever has the target's session.
    pub(super) fn listen_on(self: &Arc<Self>) {
        let targets: Vec<_> = lock(&self.adoptable).values().map(|(target, _)| target.clone()).collect();
        for target in targets {
            let session = self.clone();
            Task::spawn_finite("listen on", async move {
                session.reopen(&target).await;
            });
        }
    }

    /// Links to the sessions at targets with which this replica has not gone on, to be closed.
    pub(super) async fn adopt_all(&self) -> Vec<Link> {
        let left = std::mem::take(&mut *lock(&self.adoptable));
        let caller = self.caller();
        let adopting = left.values().map(|(target, id)| target.adopt(&caller, id));
        let adopted = futures::future::join_all(adopting).await;
        adopted.into_iter().flatten().map(|(link, _heard)| link).collect()
    }

    fn caller(&self) -> Arc<Caller> {
        self.handshake().map_or_else(Caller::plain, |handshake| handshake.caller.clone())
    }

    /// Opens a link again that has died. Whether there is one.
    async fn reopen(self: &Arc<Self>, target: &Target) -> bool {
        let opened = self.link(target).await;
        if let Err(error) = &opened {
            tracing::debug!("target `{}` cannot be listened to: {error}", target.name());
        }
        opened.is_ok()
    }

    /// Takes in what the session's own link to a target has to say outside of calls; none when it has died. Then another is opened
    /// if the session listens for something at the target: a client that only listens makes no call that would open one.
    fn hear(self: &Arc<Self>, heard: Option<Heard>, target: &Target, lease: u64) {
        match heard {
            Some(Heard::Notice(notice)) => self.deliver(notice, target.name()),
            Some(Heard::Question(question)) => {
                let question = self.exposed(question, target.name());
                self.place(Stray { target: target.name().to_owned(), question });
            }
            // That is why most links end.
            None if self.is_over() => {}
            None => {
                let session = Arc::downgrade(self);
                Task::spawn_left_over("listen again", listen_again(session, target.clone(), lease));
            }
        }
    }

    /// Opens another link in the place of one that has died, if the session still needs it and nobody else has. Whether that is to
    /// be tried again.
    async fn replace(self: &Arc<Self>, target: &Target, lease: u64) -> bool {
        self.listens_to(target.name()) && self.holds(target, lease).await && !self.reopen(target).await
    }

    /// Whether a lease is still in its place, neither replaced nor given up.
    async fn holds(&self, target: &Target, lease: u64) -> bool {
        let slot = lock(&self.leases).get(target.name()).cloned();
        match slot {
            Some(slot) => slot.lock().await.as_ref().is_some_and(|held| held.number == lease),
            None => false,
        }
    }

    /// Brings a fresh link into the state that the session left the last one in.
    async fn restore(&self, link: &Link, target: &str) {
        let mut told = None;
        // The client may change its mind while the target is being told.
        while let Some(level) = self.level().filter(|level| told.as_ref() != Some(level)) {
            link.set_level(&level).await;
            told = Some(level);
        }
        for subscription in self.wanted_on_its_link(target) {
            let params: Object = [("uri", Raw::string(&subscription.uri))].into_iter().collect();
            link.wish("resources/subscribe", params.clone()).await;
            // It may have changed while there was no link on which the target could have said so.
            self.deliver(Notice::Updated(params), target);
        }
    }

    /// The client's roots changed: the targets that know them are told. Changes while they are being told are told
    /// together.
    pub(crate) fn roots_changed(self: &Arc<Self>) {
        if self.roots.fetch_add(1, Ordering::AcqRel) > 0 {
            return;
        }
        let session = self.clone();
        Task::spawn_finite("roots changed", async move {
            let mut open = true;
            while open {
                let told = session.roots.load(Ordering::Acquire);
                session.tell_of_roots().await;
                open = session.roots.fetch_sub(told, Ordering::AcqRel) > told;
            }
        });
    }

    async fn tell_of_roots(&self) {
        let links = self.live_links();
        let nothing = Object::default();
        let told = links.iter().map(|link| link.notify(notifications::ROOTS_CHANGED, &nothing));
        for refused in futures::future::join_all(told).await.into_iter().filter_map(Result::err) {
            tracing::debug!("a target was not told of changed roots: {refused}");
        }
    }

    pub(super) fn live_links(&self) -> Vec<Link> {
        self.live_links_if(|_| true)
    }

    /// The links behind which there is nothing that another replica may be using.
    pub(super) fn links_of_its_own(&self) -> Vec<Link> {
        self.live_links_if(|lease| !lease.tenure.is_shared())
    }

    /// Whether a target keeps something for the session that nobody else could go on with.
    pub(super) fn keeps_something(&self) -> bool {
        self.links_of_its_own().iter().any(|link| link.tie() != Tie::Nothing)
    }

    fn live_links_if(&self, wanted: impl Fn(&Lease) -> bool) -> Vec<Link> {
        let slots: Vec<_> = lock(&self.leases).values().cloned().collect();
        let mut links = Vec::new();
        for slot in slots {
            // One that is being opened is brought up to date before it is used.
            if let Ok(slot) = slot.try_lock() {
                links.extend(
                    slot.as_ref()
                        .filter(|lease| !lease.link.is_dead() && wanted(lease))
                        .map(|lease| lease.link.clone()),
                );
            }
        }
        links
    }

    /// Closes the session's own link to a target if it was of no use for so long. The next call opens another, and goes on with
    /// a target's session that other replicas may be using.
    pub(super) fn reap(&self, target: &Target, longest: Duration) {
        let name = target.name();
        let Some(slot) = lock(&self.leases).get(name).cloned() else { return };
        // One that is locked is about to be used.
        let Ok(mut slot) = slot.try_lock() else { return };
        let idle = slot.as_ref().and_then(|lease| lease.link.idle());
        if idle.is_none_or(|idle| idle < longest) || self.listens_to(name) || self.tasks.any_at(name) {
            return;
        }
        // Its client may have subscribed to something where the session was before, and still hears of it.
        if slot.as_ref().is_some_and(|lease| lease.tenure == Tenure::Adopted) && self.mailbox.is_read() {
            return;
        }
        let Some(lease) = slot.take() else { return };
        if let (true, Tie::Session(id)) = (lease.tenure.is_shared(), lease.link.tie()) {
            lock(&self.adoptable).insert(name.to_owned(), (target.clone(), id));
            return;
        }
        let (number, seconds) = (self.number, longest.as_secs());
        tracing::info!(
            "target `{name}` was not called in session {number} for {seconds} s, and the session's own link to it is closed; \
             what the target kept for the session is gone"
        );
        lease.link.discard();
    }

    /// Gives up the links to targets that are no longer there. They are still there for the calls that run over them.
    pub(crate) fn release(&self, targets: &[String]) -> Released {
        lock(&self.adoptable).retain(|target, _| !targets.contains(target));
        let mut leases = lock(&self.leases);
        Released(targets.iter().filter_map(|target| leases.remove(target)).collect())
    }
}

/// A fresh link that is not yet in its place. If the call for which it was opened is given up, it is closed in good order.
struct Unclaimed(Option<Link>);

impl Unclaimed {
    fn claim(mut self) {
        self.0 = None;
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(link) = self.0.take() {
            link.discard();
        }
    }
}

/// The target's session, if a link came to its end only because the target could not be reached for a while: it may be there
/// still, and other replicas go on with it.
fn kept(dead: &Link) -> Option<String> {
    match (dead.closed().now_or_never()?.kind, dead.tie()) {
        (ErrorKind::Unreachable, Tie::Session(id)) => Some(id),
        _ => None,
    }
}

/// Links that no call of the session finds any more.
#[must_use = "links that are dropped are cut"]
pub(crate) struct Released(Vec<Slot>);

impl Released {
    /// Closes them in good order.
    pub(crate) async fn close(self) {
        let closing = self.0.into_iter().map(|slot| async move {
            // The lease is held until then: it carries what the target asks. Another replica may be using a session that an id
            // names.
            if let Some(lease) = slot.lock().await.take().filter(|lease| !lease.tenure.is_shared()) {
                lease.link.close().await;
            }
        });
        join_all(closing).await;
    }
}

/// Tries to open another link in the place of one that has died, until there is one or nobody needs it.
async fn listen_again(session: Weak<Session>, target: Target, lease: u64) {
    loop {
        tokio::time::sleep(LISTEN_AGAIN).await;
        let Some(session) = session.upgrade() else { return };
        let goes_on = tokio::select! {
            biased;
            () = session.over.wait() => false,
            goes_on = session.replace(&target, lease) => goes_on,
        };
        if !goes_on {
            return;
        }
    }
}
