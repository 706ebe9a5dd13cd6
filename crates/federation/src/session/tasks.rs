//! What targets say to a session about its tasks, and under which ids (spec 2025-11-25, basic/utilities/tasks).

use std::sync::atomic::Ordering;

use protocol::method::notifications;
use protocol::{Object, Raw, message, task};
use upstream::Question;

use super::Session;

impl Session {
    /// Tells the client of a task that changed, if it made it.
    pub(super) fn tell_of_task(&self, mut params: Object, target: &str) {
        let Some(id) = params.text("taskId").filter(|id| self.tasks.holds(target, id)) else {
            return;
        };
        let wrap = self.wrap.load(Ordering::Relaxed);
        if wrap {
            params.set("taskId", Raw::string(&task::wrap(target, &id)));
        }
        expose_related(&mut params, target, wrap);
        self.mailbox.post(message::notification(notifications::TASK_STATUS, &params));
    }

    /// A question that a target asked outside of calls, with the task that it is about as the client knows it.
    pub(super) fn exposed(&self, question: Question, target: &str) -> Question {
        match self.wrap.load(Ordering::Relaxed) {
            true => asked(question, target),
            false => question,
        }
    }
}

/// The task that a message belongs to, as the client knows it.
pub(crate) fn expose_related(holder: &mut Object, target: &str, wrap: bool) {
    if wrap {
        task::rename_related(holder, |id| Some(task::wrap(target, id)));
    }
}

/// A question under the id that the client knows, with its answer under the target's own.
pub(crate) fn asked(mut question: Question, target: &str) -> Question {
    expose_related(&mut question.params, target, true);
    let target = target.to_owned();
    question.translated(move |answer| {
        answer.map(|result| {
            let Ok(mut object) = result.object() else {
                return result;
            };
            task::rename_related(&mut object, |id| match task::unwrap(id) {
                Some((owner, local)) if owner == target => Some(local.to_owned()),
                _ => None,
            });
            object.to_raw()
        })
    })
}
