//! What a target says outside of calls.

use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::method::{Kind, notifications};
use protocol::{Notification, Object};

use crate::queue::{self, Untaken};
use crate::reply::Question;

/// Something a target says that belongs to no call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The list of a kind changed. Resources stand for templates as well.
    ListChanged(Kind),
    /// A subscribed resource changed: the params of `notifications/resources/updated`.
    Updated(Object),
    /// The params of a log message that no call could be found for.
    Log(Object),
    /// What the client was asked to do at a URL is done: the params of `notifications/elicitation/complete`.
    Elicited(Object),
    /// A task changed: the params of `notifications/tasks/status` (2025-11-25) or `notifications/tasks` (modern).
    Task(Object),
}

/// What reaches the owner of a link.
#[derive(Debug)]
pub enum Heard {
    /// News.
    Notice(Notice),
    /// A question of which the target did not say to which call it belongs.
    Question(Question),
}

/// Where a link puts what belongs to no call. When it is full, a notice is dropped and a question refused: both can be
/// missed without harm to a call, and a target must not be able to stall its link.
pub type Owner = queue::Sender<Heard>;

/// The owner of a link, until the link is dead: its end is how the owner learns of that.
pub(super) struct Ear(Mutex<Option<Owner>>);

impl Ear {
    pub(super) fn new(owner: Owner) -> Self {
        Self(Mutex::new(Some(owner)))
    }

    /// Tells the owner. Log messages may fill half of the queue; the rest is for what a target says only once.
    pub(super) fn tell(&self, heard: Heard) {
        // Out of the lock: the owner may do something about it at once.
        let owner = self.owner().clone();
        let Some(owner) = owner else { return };
        let is_log = matches!(heard, Heard::Notice(Notice::Log(_)));
        let crowded = is_log && owner.capacity() * 2 < owner.max_capacity();
        let full = || matches!(owner.try_send(heard), Err(Untaken::Full(_)));
        if crowded || full() {
            tracing::debug!("what a target said outside of calls was dropped: nobody reads it fast enough");
        }
    }

    /// Nothing more will come.
    pub(super) fn close(&self) {
        let owner = self.owner().take();
        drop(owner);
    }

    /// Every change is one step, so a panic elsewhere leaves nothing half done.
    fn owner(&self) -> MutexGuard<'_, Option<Owner>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a notification that belongs to no call; `None` for those that mean nothing to us.
pub(super) fn read(notification: Notification) -> Option<Notice> {
    match &*notification.method {
        notifications::TOOLS_CHANGED => Some(Notice::ListChanged(Kind::Tool)),
        notifications::PROMPTS_CHANGED => Some(Notice::ListChanged(Kind::Prompt)),
        notifications::RESOURCES_CHANGED => Some(Notice::ListChanged(Kind::Resource)),
        notifications::RESOURCE_UPDATED => Some(Notice::Updated(notification.params)),
        notifications::MESSAGE => Some(Notice::Log(notification.params)),
        notifications::ELICITED => Some(Notice::Elicited(notification.params)),
        notifications::TASK | notifications::TASK_STATUS => Some(Notice::Task(notification.params)),
        _ => None,
    }
}
