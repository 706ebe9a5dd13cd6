//! What a session wants to hear of, and how it is told.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt as _;
use protocol::method::notifications;
use protocol::{Raw, message, meta, name};
use upstream::{Error, Link, Listening, Notice, Task};

use super::{Session, lock};
use crate::catalog::Destination;
use crate::task::kept;

/// How many resources a session may subscribe to. Each holds memory here and a place at a target; no client that means
/// well comes near.
const MOST_SUBSCRIPTIONS: usize = 256;

/// A resource whose updates the client wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Subscription {
    pub(crate) target: String,
    pub(crate) uri: String,
}

impl Session {
    /// Puts a notice into the mailbox, under the names that the client knows.
    pub(super) fn deliver(&self, notice: Notice, target: &str) {
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
            Notice::Log(mut params) if self.wants_log(&params) => {
                kept::expose_related(&mut params, target, self.wrap.load(Ordering::Relaxed));
                self.mailbox.post(message::notification(notifications::MESSAGE, &params));
            }
            Notice::Task(params) => self.tell_of_task(params, target),
            Notice::Log(_) | Notice::Elicited(_) => {}
        }
    }

    pub(super) fn listens_to(&self, target: &str) -> bool {
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
}

async fn listen_once(link: &Link, uri: &str) -> Result<Listening, Error> {
    let listening = link.listen(&[], &[uri.to_owned()]).await?;
    if listening.covers(uri) {
        return Ok(listening);
    }
    Err(Error::new(upstream::ErrorKind::Protocol, format!("the target does not announce changes of `{uri}`")))
}

/// How long to wait before a listen stream that ended is opened again.
pub(super) const LISTEN_AGAIN: Duration = Duration::from_secs(2);

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
