//! A modern target that needs input ends the call and says so; the client is asked, and the call is made again.
//!
//! Spec 2026-07-28, basic/patterns/mrtr. The target's `requestState` goes back byte for byte.

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use protocol::{Object, Raw, RpcError, capability};
use upstream::Answer;

use crate::session::Session;
use crate::session::outlet::Outlet;

/// How often a target may ask for input before its answer. Real flows need a few rounds; more is a loop.
pub(super) const MOST_ROUNDS: u32 = 10;

/// How long to wait before a call is made again for which nothing was asked; doubled each round.
const PAUSE: Duration = Duration::from_millis(100);

/// How long to wait at first before a target is asked again whether a visit to a URL is over; doubled each round.
const VISIT: Duration = Duration::from_millis(500);

/// Why a call that needs input is not waited for at the end.
pub(super) const CLOSING: &str = "the target needs input, and the gateway is stopping";

/// Why a client without a session gets no questions.
pub(super) const NOBODY: &str = "the target needs input, and a client without a session cannot be asked";

/// What a target is told in the next round.
pub(super) struct Answers {
    responses: Option<Raw>,
    state: Option<Raw>,
}

/// Why there is no next round.
pub(super) enum Refusal {
    /// The client refused to answer this method, or could not.
    Declined(String, String),
    /// What the target asks for cannot be asked.
    Failed(String),
}

impl Answers {
    /// The params of the next round: those of the call, with the answers.
    pub(super) fn into_params(self, mut params: Object) -> Object {
        for (key, value) in [("inputResponses", self.responses), ("requestState", self.state)] {
            match value {
                Some(value) => params.set(key, value),
                None => drop(params.remove(key)),
            }
        }
        params
    }
}

/// The rounds of one call.
#[derive(Default)]
pub(super) struct Rounds {
    done: u32,
    /// URLs that the person was sent to and agreed to visit. A target that asks again waits for the end of the visit, and
    /// the person must not be asked again meanwhile.
    visited: Vec<String>,
}

impl Rounds {
    /// Asks the client everything that an `input_required` result asks for.
    pub(super) async fn answer(
        &mut self,
        session: &Arc<Session>,
        target: &str,
        client: &Outlet,
        result: &Raw,
    ) -> Result<Answers, Refusal> {
        let pause = PAUSE * 2u32.saturating_pow(self.done);
        self.done += 1;
        let result = result.object().unwrap_or_default();
        let state = result.get("requestState").cloned();
        let requests = result.object("inputRequests").unwrap_or_default();
        if requests.is_empty() {
            if state.is_none() {
                let text = format!("target `{target}` asks for input and does not say for which");
                return Err(Refusal::Failed(text));
            }
            tokio::time::sleep(pause).await;
            return Ok(Answers { responses: None, state });
        }
        let questions: Vec<_> = requests.iter().map(|(key, request)| Question::read(key, request)).collect();
        // All of them, before a person is asked the first.
        questions.iter().try_for_each(|question| permitted(session, target, question))?;
        let (again, new): (Vec<_>, Vec<_>) = questions
            .into_iter()
            .partition(|question| question.url().is_some_and(|url| self.visited.contains(&url)));
        let mut responses = Object::default();
        if !again.is_empty() {
            tokio::time::sleep(VISIT * 2u32.saturating_pow(self.done.min(5))).await;
        }
        for Question { key, .. } in again {
            responses.set(&key, Raw::of(&serde_json::json!({ "action": "accept" })));
        }
        // One that is refused ends the call; what else was asked is taken back.
        let asked = new.into_iter().map(|question| question.ask(session, target, client));
        for (key, response, url) in try_join_all(asked).await? {
            if is_accepted(&response) {
                self.visited.extend(url);
            }
            responses.set(&key, response);
        }
        Ok(Answers { responses: Some(responses.to_raw()), state })
    }
}

fn is_accepted(response: &Raw) -> bool {
    response.object().is_ok_and(|response| response.text("action").as_deref() == Some("accept"))
}

/// One of the input requests of a result.
struct Question {
    key: String,
    method: String,
    params: Object,
}

impl Question {
    fn read(key: &str, request: &Raw) -> Self {
        let request = request.object().unwrap_or_default();
        Self {
            key: key.to_owned(),
            method: request.text("method").unwrap_or_default(),
            params: request.object("params").unwrap_or_default(),
        }
    }

    /// Where the person is to go, if that is what it asks.
    fn url(&self) -> Option<String> {
        let is_visit = self.params.text("mode").as_deref() == Some("url");
        self.params.text("url").filter(|_| is_visit)
    }

    /// The answer under its key, and where the person was sent.
    async fn ask(
        self,
        session: &Arc<Session>,
        target: &str,
        client: &Outlet,
    ) -> Result<(String, Raw, Option<String>), Refusal> {
        let url = self.url();
        let Self { key, method, params } = self;
        let answer = session.ask(target, client, &method, params).await;
        Ok((key, response(&method, answer)?, url))
    }
}

/// A target may only ask for what its client declared; one that asks for more is at fault, not the client.
fn permitted(session: &Session, target: &str, question: &Question) -> Result<(), Refusal> {
    let Question { method, params, .. } = question;
    let declared = session.handshake().and_then(|handshake| handshake.caller.capabilities.object().ok());
    capability::permits(&declared.unwrap_or_default(), method, params).map_err(|_| {
        Refusal::Failed(format!("target `{target}` asks for `{method}`, which this client did not declare"))
    })
}

/// There is no way to tell a modern target that its question failed, and an answer is not made up. Only elicitation has an
/// answer that says so.
fn response(method: &str, answer: Option<Answer>) -> Result<Raw, Refusal> {
    match answer {
        Some(Ok(result)) => Ok(result),
        None if method == "elicitation/create" => Ok(Raw::of(&serde_json::json!({ "action": "cancel" }))),
        None => Err(Refusal::Declined(method.to_owned(), "no answer".to_owned())),
        Some(Err(error)) => Err(Refusal::Declined(method.to_owned(), RpcError::from_raw(&error).to_string())),
    }
}
