//! What targets say to a session about its tasks, outside of calls.

use std::sync::atomic::Ordering;

use protocol::method::notifications;
use protocol::{Object, message};
use upstream::Question;

use super::Session;
use crate::task::kept;

impl Session {
    /// Tells the client of a task that changed, if it made it.
    pub(super) fn tell_of_task(&self, params: Object, target: &str) {
        if let Some(params) = kept::status(self, params, target, self.wrap.load(Ordering::Relaxed)) {
            self.mailbox.post(message::notification(notifications::TASK_STATUS, &params));
        }
    }

    /// A question that a target asked outside of calls, with the task that it is about as the client knows it.
    pub(super) fn exposed(&self, question: Question, target: &str) -> Question {
        match self.wrap.load(Ordering::Relaxed) {
            true => kept::asked(question, target),
            false => question,
        }
    }
}
