//! What a task wants to know from the client.

use std::collections::HashSet;
use std::task::Poll;

use futures::FutureExt as _;
use protocol::{Object, capability};
use tokio::sync::oneshot;

use super::protocol_error;
use crate::Error;
use crate::reply::{Answer, Question};

/// How many questions one task may ask over its life. No target that means well comes near.
const MOST: usize = 256;

/// The questions of a task, each asked once: a target repeats one until it has its answer.
pub(super) struct Questions {
    /// What the client declared that it can do.
    declared: Object,
    asked: HashSet<String>,
    open: Vec<Open>,
}

struct Open {
    key: String,
    method: String,
    answer: oneshot::Receiver<Answer>,
}

impl Questions {
    /// No questions yet, for a client that declared this.
    pub(super) fn new(declared: Object) -> Self {
        Self { declared, asked: HashSet::new(), open: Vec::new() }
    }

    /// Takes note of what the task waits for now: new questions are handed out, and those that it no longer asks are
    /// withdrawn.
    pub(super) fn heed(&mut self, requests: &Object) -> Result<Vec<Question>, Error> {
        self.open.retain(|open| requests.get(&open.key).is_some());
        let mut new = Vec::new();
        for (key, request) in requests.iter() {
            if self.asked.contains(key) {
                continue;
            }
            if self.asked.len() >= MOST {
                return Err(protocol_error(&format!("asked more than {MOST} questions for one task")));
            }
            self.asked.insert(key.to_owned());
            let request = request.object().unwrap_or_default();
            let method = request.text("method");
            let method = method.ok_or_else(|| protocol_error("asked for input without saying what"))?;
            let params = request.object("params").unwrap_or_default();
            // A target may only ask for what the client declared; one that asks for more is at fault.
            if capability::permits(&self.declared, &method, &params).is_err() {
                return Err(protocol_error(&format!(
                    "asked for `{method}`, which its client did not declare"
                )));
            }
            let (question, answer) = Question::new(&method, params);
            self.open.push(Open { key: key.to_owned(), method, answer });
            new.push(question);
        }
        Ok(new)
    }

    /// The task waits for nothing any more.
    pub(super) fn withdraw(&mut self) {
        self.open.clear();
    }

    /// The next question that is answered: its key, its method, and the answer; none if it was refused. Waits for as long as
    /// no question is open.
    pub(super) async fn answered(&mut self) -> (String, String, Option<Answer>) {
        futures::future::poll_fn(|cx| {
            for at in 0..self.open.len() {
                if let Poll::Ready(answer) = self.open[at].answer.poll_unpin(cx) {
                    let Open { key, method, .. } = self.open.swap_remove(at);
                    return Poll::Ready((key, method, answer.ok()));
                }
            }
            Poll::Pending
        })
        .await
    }
}
