//! The links of a session: the shared ones to modern targets, and ones of its own to legacy targets.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use protocol::Object;
use protocol::Raw;
use tokio::sync::mpsc;
use upstream::{Call, Caller, Error, Link, Notice, Target, Task};

use super::subscriptions::LISTEN_AGAIN;
use super::{Session, lock};

/// A link of the session's own to a target.
pub(super) struct Lease {
    link: Link,
    _notices: Task,
}

impl Session {
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

    pub(super) fn live_links(&self) -> Vec<Link> {
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
    }
}

pub(super) async fn tell_level(link: &Link, level: &str) {
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
