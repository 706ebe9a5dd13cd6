//! Asking a legacy client what a target wants to know: a real request on one of its streams, and its answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::method::notifications;
use protocol::{Id, Object, Response, down, message};
use tokio::sync::{SetOnce, mpsc, oneshot};
use tokio::time::timeout;
use upstream::{Answer, Question, Task};

use super::outlet::{Kind, Outlet};
use super::{Session, lock};
use crate::map::Map;
use crate::question;

/// How many requests to one client may wait for answers. A client that answers none of them gets no more.
const MOST_OPEN: usize = 128;

/// How long a person may take to answer. A target that waits for less withdraws its question.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long a question waits for the end of the handshake. A client says so right after our answer, and its first call may
/// only just overtake that.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The requests that wait for an answer. Ids are never used twice in a session (spec 2025-11-25, basic "Requests").
#[derive(Default)]
pub(super) struct Asking {
    last: AtomicU64,
    open: Mutex<Map<Id, oneshot::Sender<Answer>>>,
    /// Set when the client has said that its handshake is over.
    initialized: SetOnce<()>,
}

impl Asking {
    /// Ids begin after this one.
    pub(super) fn after(origin: u64) -> Self {
        Self { last: AtomicU64::new(origin), ..Self::default() }
    }
}

/// A question that a target asked without saying about which call.
pub(crate) struct Stray {
    pub(crate) target: String,
    pub(crate) question: Question,
}

impl Session {
    /// The client says that its handshake is over.
    pub(crate) fn initialized(&self) {
        let _ = self.asking.initialized.set(());
    }

    /// Brings a question of a target to the client, and its answer back. A question that the target withdraws is withdrawn
    /// from the client as well.
    pub(crate) async fn relay_question(
        self: Arc<Self>,
        target: &str,
        stream: &Outlet,
        mut question: Question,
    ) {
        let (method, params) = (question.method.clone(), question.params.clone());
        let answer = tokio::select! {
            answer = self.ask(target, stream, &method, params) => answer,
            () = question.withdrawn() => None,
        };
        // Not asked, or not answered in time: dropping the question refuses it.
        if let Some(answer) = answer {
            question.answer(answer);
        }
    }

    /// Asks the client on behalf of a target; `None` if it cannot be asked or does not answer in time. Dropping the future
    /// withdraws the request.
    ///
    /// Before the client has said that its handshake is over, it is asked nothing (spec 2025-11-25, basic/lifecycle
    /// "Initialization").
    pub(crate) async fn ask(
        self: &Arc<Self>,
        target: &str,
        stream: &Outlet,
        method: &str,
        mut params: Object,
    ) -> Option<Answer> {
        if timeout(HANDSHAKE, self.asking.initialized.wait()).await.is_err() {
            tracing::warn!(
                "target `{target}` asks for `{method}` of a client that did not end its handshake; refused"
            );
            return None;
        }
        question::named(target, method, &mut params);
        let version = self.handshake()?.version;
        let asked = down::request(method, &params, version);
        let mut waiting = self.enter(stream)?;
        if !stream.say(Kind::Request, message::request(&waiting.id, method, &asked)).await {
            return None;
        }
        waiting.told = true;
        let answer = timeout(PATIENCE, &mut waiting.answer).await.ok()?.ok();
        waiting.told = answer.is_none();
        answer.map(|answer| answer.map(|result| down::answer(method, &params, &result, version)))
    }

    /// The client answered a request. One that nobody waits for was given up, and its answer is ignored.
    pub(crate) fn answered(&self, response: Response) {
        self.touch();
        let waiting = response.id.as_ref().and_then(|id| lock(&self.asking.open).remove(id));
        if let Some(waiting) = waiting {
            let _ = waiting.send(response.outcome);
        }
    }

    /// Finds a stream for a question of which the target does not say about which call it is: that of the only call that
    /// can be asked about, or else the session's own, or if nobody reads that, the latest call's. All of them lead to the
    /// same client. If there is none, the question is dropped, and so refused.
    pub(crate) fn place(self: &Arc<Self>, stray: Stray) {
        let is_read = self.mailbox.is_read();
        let mut calls = self.ears();
        calls.sort_by_key(|(number, _)| *number);
        match calls.pop() {
            // A call that hears too much refuses the rest.
            Some((_, ear)) if calls.is_empty() || !is_read => drop(ear.try_send(stray)),
            _ if is_read => {
                let session = self.clone();
                Task::spawn_finite("question", async move {
                    let stream = session.mailbox.clone();
                    session.relay_question(&stray.target, &stream, stray.question).await;
                });
            }
            _ => {}
        }
    }

    /// Whether a call runs that a stray may be about.
    pub(crate) fn may_be_asked(&self) -> bool {
        !self.ears().is_empty()
    }

    /// The calls that hear strays, by number.
    fn ears(&self) -> Vec<(u64, mpsc::Sender<Stray>)> {
        let running = lock(&self.running);
        let ears = running.values().filter_map(|call| Some((call.number, call.ear.clone()?)));
        ears.filter(|(_, ear)| !ear.is_closed()).collect()
    }

    /// Enters a request to the client, before it is sent.
    fn enter(self: &Arc<Self>, stream: &Outlet) -> Option<Waiting> {
        let id = Id::from(self.asking.last.fetch_add(1, Ordering::Relaxed) + 1);
        let (sender, answer) = oneshot::channel();
        let mut open = lock(&self.asking.open);
        if open.len() >= MOST_OPEN {
            return None;
        }
        open.insert(id.clone(), sender);
        drop(open);
        Some(Waiting { session: self.clone(), stream: stream.clone(), id, answer, told: false })
    }
}

/// A request that waits for its answer. Dropping it forgets the request, so that a late answer is ignored.
struct Waiting {
    session: Arc<Session>,
    /// Where it was asked.
    stream: Outlet,
    id: Id,
    answer: oneshot::Receiver<Answer>,
    /// Whether the client knows of the request and has not answered it.
    told: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        lock(&self.session.asking.open).remove(&self.id);
        if self.told {
            let params: Object = [("requestId", self.id.to_raw())].into_iter().collect();
            // After the request, on the same stream: elsewhere it could come before it, or to a stream that nobody reads.
            self.stream.post(message::notification(notifications::CANCELLED, &params));
        }
    }
}
