//! What a session wants to hear of, and how it is told.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use protocol::method::notifications;
use protocol::{Object, Raw, Version, message, meta, name};
use upstream::{Notice, Target, Task};

use super::tasks::expose_related;
use super::{Session, lock};
use crate::error::{Error, ErrorKind};
use crate::logger::signed;
use crate::question::elicitation_id;
use crate::roster::watcher::{Ear, Verdict, Watcher};

/// How many resources a session may subscribe to. Each holds memory here and a place at a target; no client that means
/// well comes near.
const MOST_SUBSCRIPTIONS: usize = 256;

/// A resource whose updates the client wants.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Subscription {
    pub(crate) target: String,
    pub(crate) uri: String,
}

/// From where a client hears of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The watch that is kept at the target for everybody.
    Watch,
    /// The session's own link to a legacy target, which was told.
    OwnLink,
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
            Notice::Log(params) if self.wants_log(&params) => {
                let several = self.wrap.load(Ordering::Relaxed);
                let mut params = if several { signed(params, target) } else { params };
                expose_related(&mut params, target, several);
                self.mailbox.post(message::notification(notifications::MESSAGE, &params));
            }
            Notice::Task(params) => self.tell_of_task(params, target),
            Notice::Elicited(params) => self.tell_of_elicited(params, target),
            Notice::Log(_) => {}
        }
    }

    /// What the client was asked to do at a URL is done. Only 2025-11-25 knows that.
    fn tell_of_elicited(&self, mut params: Object, target: &str) {
        let known = self.handshake().is_some_and(|handshake| handshake.version >= Version::V2025_11_25);
        let Some(id) = params.text("elicitationId").filter(|_| known) else {
            return;
        };
        meta::strip_hop_of(&mut params);
        params.set("elicitationId", Raw::string(&elicitation_id(target, &id)));
        self.mailbox.post(message::notification(notifications::ELICITED, &params));
    }

    /// Whether the client wants to hear of something that comes over the session's own link to a target.
    pub(super) fn listens_to(&self, target: &str) -> bool {
        !self.wanted_on_its_link(target).is_empty()
    }

    /// What it wants to hear of there.
    pub(super) fn wanted_on_its_link(&self, target: &str) -> Vec<Subscription> {
        let subscriptions = lock(&self.subscriptions);
        let own = subscriptions.iter().filter(|(it, watch)| it.target == target && watch.is_none());
        own.map(|(subscription, _)| subscription.clone()).collect()
    }

    /// The target was told; what it says arrives as notices of the session's own link.
    pub(crate) fn subscribed(&self, subscription: Subscription) {
        lock(&self.subscriptions).insert(subscription, None);
    }

    /// The client wants to hear no more of it. Says from where it did, if it did.
    pub(crate) fn unsubscribed(&self, subscription: &Subscription) -> Option<Source> {
        let watch = lock(&self.subscriptions).remove(subscription)?;
        Some(watch.map_or(Source::OwnLink, |_| Source::Watch))
    }

    /// Refuses a subscription beyond those that a session may have.
    pub(crate) fn may_subscribe(&self, subscription: &Subscription) -> Result<(), Error> {
        let subscriptions = lock(&self.subscriptions);
        if subscriptions.len() < MOST_SUBSCRIPTIONS || subscriptions.contains_key(subscription) {
            return Ok(());
        }
        let text = format!("a session may subscribe to {MOST_SUBSCRIPTIONS} resources");
        Err(Error::new(ErrorKind::InvalidParams, text))
    }

    /// Has a modern target watched for changes of a resource, for as long as the client wants it. An error if the target does
    /// not tell of them.
    pub(crate) async fn watch(
        self: &Arc<Self>,
        watcher: &Watcher,
        subscription: Subscription,
    ) -> Result<(), Error> {
        let Subscription { target, uri } = &subscription;
        let mut watch = watcher.watch(uri, self.ear(target));
        match watch.verdict().await {
            Verdict::Honoured => {}
            Verdict::Declined | Verdict::Pending => {
                let text = format!("target `{target}` does not tell of changes of `{uri}`");
                return Err(Error::new(ErrorKind::InvalidParams, text));
            }
            Verdict::Unavailable(error) => return Err(Error::of_target(target, &error)),
        }
        lock(&self.subscriptions).insert(subscription, Some(watch));
        Ok(())
    }

    /// Brings what is heard of a target's resources into the mailbox.
    fn ear(self: &Arc<Self>, target: &str) -> Ear {
        let (session, target) = (Arc::downgrade(self), target.to_owned());
        Arc::new(move |params| {
            if let Some(session) = session.upgrade() {
                session.deliver(Notice::Updated(params.clone()), &target);
            }
        })
    }

    /// Opens a link to a target that took another's place, if the client wants to hear of something there: a client that
    /// only listens makes no call that would open one.
    pub(super) fn listen_at(self: &Arc<Self>, target: &Target) {
        if !self.listens_to(target.name()) {
            return;
        }
        let (session, target) = (self.clone(), target.clone());
        Task::spawn_finite("listen again", async move {
            while session.listens_to(target.name()) {
                match session.link(&target).await {
                    Err(error) if error.kind != upstream::ErrorKind::Stopped => {
                        tracing::debug!("target `{}` cannot be listened to yet: {error}", target.name());
                    }
                    Ok(_) | Err(_) => return,
                }
                tokio::time::sleep(LISTEN_AGAIN).await;
            }
        });
    }

    /// Forgets what the client wanted to hear of targets that are not among these.
    pub(super) fn retain_subscriptions(&self, targets: &[String]) {
        lock(&self.subscriptions).retain(|subscription, _| targets.contains(&subscription.target));
    }
}

/// How long to wait before a link that ended is opened again for the sake of what is subscribed to.
pub(super) const LISTEN_AGAIN: Duration = Duration::from_secs(2);
