//! What a target asks of its client: answered here, passed on to the caller, or refused.
//!
//! Only legacy targets send requests (spec 2025-11-25, basic "Messages"). A target is held to what it was told when
//! the link was opened: a question that the client did not declare that it can answer never reaches the client.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::error::{INTERNAL, INVALID_PARAMS, METHOD_NOT_FOUND, USER_REJECTED};
use protocol::{Id, Object, Raw, Request, RpcError, capability, down, message, meta};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::Caller;
use crate::reply::{Answer, Question};
use crate::task::Task;

/// How many questions of one target may wait for answers on a link. A target that asks more is refused.
const MOST_OPEN: usize = 64;

/// When an answer that the target did not take is brought again. The call waits for it, and one too many does no harm: a
/// request is answered once, and what comes later is about nothing.
const AGAIN: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];

/// How many withdrawals of unknown questions are kept. Most are late and mean nothing.
const MOST_TAKEN_BACK: usize = 64;

/// What a link was opened with, and the target's requests that wait for an answer.
pub(super) struct Questions {
    /// What the target was told that its client can do.
    declared: Object,
    /// Whether there is somebody who can do it.
    answered: bool,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    questions: HashMap<Id, CancellationToken>,
    /// What was taken back although nobody knew of it: a withdrawal goes to the link, and may overtake its question, which
    /// waits among the messages of its call.
    taken_back: VecDeque<Id>,
}

/// Why a question is not opened.
enum Unopened {
    TakenBack,
    TooMany,
}

/// What became of a request of the target.
pub(super) enum Asked {
    /// It is the client's to answer.
    Question(Question),
    /// It was refused because the client did not declare this, in the shape of client capabilities.
    Undeclared(Object),
    /// It was answered or refused, and nobody needs to know.
    Done,
}

impl Questions {
    pub(super) fn new(caller: &Caller) -> Self {
        let declared = caller.capabilities.object().unwrap_or_default();
        Self { declared, answered: caller.interactive, open: Mutex::default() }
    }

    /// Whether the target may ask somebody something.
    pub(super) fn may_come(&self) -> bool {
        self.answered
    }

    /// Whether the target waits for an answer, so that its silence means nothing.
    pub(super) fn any_open(&self) -> bool {
        !self.open().questions.is_empty()
    }

    /// The target takes a question back.
    pub(super) fn withdraw(&self, id: &Id) {
        let mut open = self.open();
        if let Some(token) = open.questions.remove(id) {
            return token.cancel();
        }
        if open.taken_back.len() >= MOST_TAKEN_BACK {
            open.taken_back.pop_front();
        }
        open.taken_back.push_back(id.clone());
    }

    /// Opens a question, and hands out what is cancelled when it is taken back, or the link is gone.
    fn enter(&self, id: &Id) -> Result<CancellationToken, Unopened> {
        let mut open = self.open();
        if let Some(at) = open.taken_back.iter().position(|taken_back| taken_back == id) {
            open.taken_back.remove(at);
            return Err(Unopened::TakenBack);
        }
        if open.questions.len() >= MOST_OPEN || open.questions.contains_key(id) {
            return Err(Unopened::TooMany);
        }
        let token = CancellationToken::new();
        open.questions.insert(id.clone(), token.clone());
        Ok(token)
    }

    /// Every change is one call, so a panic elsewhere leaves nothing half done.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Questions {
    /// Nothing is left of the link, and nobody to bring answers to.
    fn drop(&mut self) {
        self.open().questions.values().for_each(CancellationToken::cancel);
    }
}

impl Shared {
    /// Takes in a request of the target.
    pub(super) async fn asked(self: &Arc<Self>, request: Request) -> Asked {
        let Request { id, method, params } = request;
        let declared = &self.questions.declared;
        match &*method {
            "ping" => {
                self.respond(&id, &Ok(Raw::empty_object())).await;
                Asked::Done
            }
            "sampling/createMessage" | "elicitation/create" | "roots/list" => {
                match capability::permits(declared, &method, &params) {
                    Ok(()) if !self.questions.answered => {
                        self.respond(&id, &answer_of_nobody(&method)).await;
                        Asked::Done
                    }
                    Ok(()) => self.ask(id, &method, params).await,
                    Err(required) => {
                        let target = self.target();
                        tracing::warn!(
                            "target `{target}` asked for `{method}`, which its client did not declare; refused"
                        );
                        self.respond(&id, &Err(undeclared(&method).to_raw())).await;
                        Asked::Undeclared(required)
                    }
                }
            }
            _ => {
                let error = RpcError::new(METHOD_NOT_FOUND, format!("clients have no method `{method}`"));
                self.respond(&id, &Err(error.to_raw())).await;
                Asked::Done
            }
        }
    }

    /// Opens a question. Whatever becomes of it, the target gets one response, or has taken the question back.
    async fn ask(self: &Arc<Self>, id: Id, method: &str, mut params: Object) -> Asked {
        let withdrawn = match self.questions.enter(&id) {
            Ok(withdrawn) => withdrawn,
            Err(Unopened::TooMany) => {
                let text = format!("too many requests are waiting for the client, or one with the id {id}");
                self.respond(&id, &Err(RpcError::new(INTERNAL, text).to_raw())).await;
                return Asked::Done;
            }
            Err(Unopened::TakenBack) => {
                // Needless, unless the target uses an id again that it had taken back too late.
                self.respond(&id, &refusal(method)).await;
                return Asked::Done;
            }
        };
        meta::strip_hop_of(&mut params);
        let (question, answer) = Question::new(method, params);
        // Ends with the question, which its holder answers or drops, or with the link.
        let waiting = wait(Arc::downgrade(self), id, method.to_owned(), answer, withdrawn);
        Task::spawn_finite("question", waiting);
        Asked::Question(question)
    }

    /// Answers a request of the target. Whether it took the answer.
    async fn respond(&self, id: &Id, outcome: &Answer) -> bool {
        let said = self.say(message::response(Some(id), outcome.as_ref())).await;
        if let Err(error) = &said {
            tracing::debug!("a request of target `{}` could not be answered: {error}", self.target());
        }
        said.is_ok()
    }
}

/// Waits for the answer to a question and brings it to the target.
async fn wait(
    shared: std::sync::Weak<Shared>,
    id: Id,
    method: String,
    answer: oneshot::Receiver<Answer>,
    withdrawn: CancellationToken,
) {
    let paused = shared.upgrade().map(|shared| shared.turns().pause());
    let answer = tokio::select! {
        answer = answer => answer.unwrap_or_else(|_| refusal(&method)),
        () = withdrawn.cancelled() => return,
    };
    drop(paused);
    let Some(bearer) = shared.upgrade() else { return };
    bearer.questions.open().questions.remove(&id);
    let answer = answer.map(|result| down::answer_for_target(&method, &result, bearer.peer.version));
    let mut arrived = bearer.respond(&id, &answer).await;
    // Between two attempts only the link's owners keep it alive.
    drop(bearer);
    for pause in AGAIN {
        if arrived {
            return;
        }
        sleep(pause).await;
        let Some(bearer) = shared.upgrade() else { return };
        arrived = bearer.respond(&id, &answer).await;
    }
}

/// What a target hears when nobody answers its question: elicitation has a result for that, the others only errors
/// (spec 2025-11-25, client/elicitation "Response Actions", client/sampling and client/roots "Error Handling").
fn refusal(method: &str) -> Answer {
    match method {
        "elicitation/create" => Ok(Raw::of(&serde_json::json!({ "action": "cancel" }))),
        "sampling/createMessage" => Err(RpcError::new(USER_REJECTED, "the request was refused").to_raw()),
        _ => Err(RpcError::new(INTERNAL, "the client did not answer").to_raw()),
    }
}

/// What a target hears on a link that declares what there is nobody to do. Servers ask for roots right after the handshake,
/// and some take an error badly: where nobody is, there are none.
fn answer_of_nobody(method: &str) -> Answer {
    match method {
        "roots/list" => Ok(Raw::of(&serde_json::json!({ "roots": [] }))),
        _ => refusal(method),
    }
}

/// The error for a question that the client did not declare; for elicitation it is about the mode (spec 2025-11-25,
/// client/elicitation "Error Handling", client/roots "Error Handling").
fn undeclared(method: &str) -> RpcError {
    let code = if method == "elicitation/create" { INVALID_PARAMS } else { METHOD_NOT_FOUND };
    RpcError::new(code, format!("`{method}` is not available: the client did not declare it"))
}
