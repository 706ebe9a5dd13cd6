//! Clients of both eras that can be asked everything. What they answer says who they are and what they were asked, so that
//! a lost or crossed answer shows.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};

use crate::client::{Ask, Events, Reply, Session, declaring, notification, request};

/// The era of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    Legacy,
    Modern,
}

/// A client that can be asked.
pub(crate) struct Person {
    pub(crate) name: String,
    gateway: SocketAddr,
    /// Only a legacy client has one.
    pub(crate) session: Option<Session>,
}

/// What a target wants to know.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// What the answer is found by: the id of a request, or a key of a result.
    key: Value,
    pub(crate) method: String,
    pub(crate) params: Value,
}

/// What comes next in a call.
#[derive(Debug)]
pub(crate) enum Next {
    Asked(Vec<Question>),
    Answered(Value),
}

/// A call under way. Dropping it closes its connection.
pub(crate) struct Talk<'a> {
    person: &'a Person,
    params: Value,
    id: Value,
    heard: Heard,
    /// What a modern target wants to have back.
    state: Option<Value>,
    /// The notifications on the call's stream so far.
    pub(crate) notes: Vec<Value>,
}

/// What is still to be read of a call.
enum Heard {
    Answer(Value),
    Events(Events),
}

/// What a person can do.
pub(crate) fn abilities() -> Value {
    json!({ "elicitation": { "form": {}, "url": {} }, "sampling": {}, "roots": {} })
}

/// A number that nobody else has: ids and tokens are made of it.
fn fresh() -> u64 {
    static NUMBERS: AtomicU64 = AtomicU64::new(1);
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

impl Person {
    pub(crate) async fn meet(name: &str, era: Era, gateway: SocketAddr) -> Self {
        let session = match era {
            Era::Legacy => {
                let session = Session::declaring(gateway, "2025-11-25", &abilities()).await;
                // Without it, modern targets are not asked to log anything.
                session.call("logging/setLevel", json!({ "level": "info" })).await;
                Some(session)
            }
            Era::Modern => None,
        };
        Self { name: name.to_owned(), gateway, session }
    }

    pub(crate) fn era(&self) -> Era {
        if self.session.is_some() { Era::Legacy } else { Era::Modern }
    }

    /// Begins to call a tool.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Talk<'_> {
        let meta = json!({ "progressToken": format!("{}-{}", self.name, fresh()) });
        let mut params = json!({ "name": tool, "arguments": arguments, "_meta": meta });
        if self.session.is_none() {
            params["_meta"]["io.modelcontextprotocol/logLevel"] = json!("info");
            params = declaring(params, abilities());
        }
        let (id, reply) = self.send(&params).await;
        Talk { person: self, params, id, heard: Heard::of(reply).await, state: None, notes: Vec::new() }
    }

    /// Calls a tool, answers what is asked, and returns the response and the notifications on its stream.
    pub(crate) async fn converse(&self, tool: &str, arguments: Value) -> (Value, Vec<Value>) {
        let mut talk = self.call(tool, arguments).await;
        loop {
            match talk.next().await {
                Next::Answered(answer) => return (answer, talk.notes),
                Next::Asked(questions) => talk.answer(&questions).await,
            }
        }
    }

    /// Calls a tool, answers what is asked, and returns the structured content of the result.
    pub(crate) async fn facts(&self, tool: &str, arguments: Value) -> Value {
        let (answer, _) = self.converse(tool, arguments).await;
        let facts = answer["result"].get("structuredContent");
        facts.unwrap_or_else(|| panic!("{} calls {tool}: {answer}", self.name)).clone()
    }

    /// What this person says to a question.
    pub(crate) fn says(&self, question: &Question) -> Value {
        let Question { method, params, .. } = question;
        match method.as_str() {
            "sampling/createMessage" => {
                let content = &params["messages"][0]["content"];
                let prompt = content["text"].as_str().or(content[0]["text"].as_str()).expect("a prompt");
                let content = json!({ "type": "text", "text": self.heard(prompt) });
                json!({ "role": "assistant", "model": "none", "stopReason": "endTurn", "content": content })
            }
            "roots/list" => json!({ "roots": [self.root()] }),
            "elicitation/create" if params["mode"] == "url" => json!({ "action": "accept" }),
            "elicitation/create" => {
                let message = params["message"].as_str().expect("a message");
                json!({ "action": "accept", "content": { "value": self.heard(message) } })
            }
            _ => panic!("{} is asked {method}", self.name),
        }
    }

    /// The words of an answer to these words. Who asks stands before them, and is left out.
    pub(crate) fn heard(&self, words: &str) -> String {
        let words = words.split_once(": ").map_or(words, |(_, words)| words);
        format!("{} heard {words}", self.name)
    }

    /// This person's root.
    pub(crate) fn root(&self) -> Value {
        json!({ "uri": format!("file:///home/{}", self.name), "name": self.name })
    }

    async fn send(&self, params: &Value) -> (Value, Reply) {
        let id = json!(fresh());
        let reply = match &self.session {
            Some(session) => session.post(request(id.clone(), "tools/call", params.clone())).await,
            None => Ask::modern_as(id.clone(), "tools/call", params.clone()).send(self.gateway).await,
        };
        (id, reply)
    }
}

impl Heard {
    async fn of(reply: Reply) -> Self {
        match reply.header("content-type") {
            "text/event-stream" => Self::Events(reply.events()),
            _ => Self::Answer(reply.json().await),
        }
    }
}

impl Talk<'_> {
    /// What the call's progress is reported under.
    fn token(&self) -> &Value {
        &self.params["_meta"]["progressToken"]
    }

    /// Reads on to the next question or to the answer.
    pub(crate) async fn next(&mut self) -> Next {
        loop {
            let message = self.message().await;
            if message.get("method").is_none() {
                return self.end(message).await;
            }
            if message.get("id").is_none() {
                self.note(message);
                continue;
            }
            assert_eq!(self.person.era(), Era::Legacy, "modern clients are not sent requests: {message}");
            return Next::Asked(vec![Question::of(message["id"].clone(), &message)]);
        }
    }

    /// Reads on until a notification of this method has come.
    pub(crate) async fn until(&mut self, method: &str) {
        loop {
            let message = self.message().await;
            assert!(message.get("id").is_none(), "instead of {method}: {message}");
            let found = message["method"] == method;
            self.note(message);
            if found {
                return;
            }
        }
    }

    /// Reads on until the target asks, and returns the one question.
    pub(crate) async fn question(&mut self) -> Question {
        match self.next().await {
            Next::Asked(mut questions) if questions.len() == 1 => questions.remove(0),
            next => panic!("{} expects one question: {next:?}", self.person.name),
        }
    }

    /// Answers questions as the person does.
    pub(crate) async fn answer(&mut self, questions: &[Question]) {
        let answers = questions.iter().map(|question| (question, self.person.says(question)));
        match &self.person.session {
            Some(session) => {
                for (question, answer) in answers {
                    let response = json!({ "jsonrpc": "2.0", "id": question.key, "result": answer });
                    assert_eq!(session.post(response).await.status, 202);
                }
            }
            None => {
                let named = answers.map(|(question, answer)| (question.name().to_owned(), answer));
                let mut params = self.params.clone();
                params["inputResponses"] = Value::Object(named.collect::<Map<_, _>>());
                if let Some(state) = self.state.take() {
                    params["requestState"] = state;
                }
                let (id, reply) = self.person.send(&params).await;
                (self.id, self.heard) = (id, Heard::of(reply).await);
            }
        }
    }

    /// Gives the call up, as clients of its era do.
    pub(crate) async fn cancel(self) {
        if let Some(session) = &self.person.session {
            let params = json!({ "requestId": self.id, "reason": "enough" });
            assert_eq!(session.post(notification("notifications/cancelled", params)).await.status, 202);
        }
    }

    /// Reads the answer, which has to be the next thing that comes.
    pub(crate) async fn done(mut self) -> Value {
        match self.next().await {
            Next::Answered(answer) => answer,
            Next::Asked(questions) => panic!("{} is asked again: {questions:?}", self.person.name),
        }
    }

    async fn message(&mut self) -> Value {
        match &mut self.heard {
            Heard::Answer(answer) => answer.take(),
            Heard::Events(events) => events.next().await.expect("a stream ends with an answer").json(),
        }
    }

    /// A notification belongs to this call.
    fn note(&mut self, message: Value) {
        if message["method"] == "notifications/progress" {
            assert_eq!(message["params"]["progressToken"], *self.token(), "someone else's: {message}");
        }
        self.notes.push(message);
    }

    /// A response is this call's, and the last that is said. In a modern one there may be questions.
    async fn end(&mut self, answer: Value) -> Next {
        assert_eq!(answer["id"], self.id, "someone else's: {answer}");
        if let Heard::Events(events) = &mut self.heard {
            let more = events.next().await;
            assert!(more.is_none(), "after {answer}: {more:?}");
        }
        let result = &answer["result"];
        if result["resultType"] != "input_required" {
            return Next::Answered(answer);
        }
        assert_eq!(self.person.era(), Era::Modern, "a modern result in a session: {answer}");
        self.state = result.get("requestState").cloned();
        let requests = result["inputRequests"].as_object().cloned().unwrap_or_default();
        Next::Asked(requests.iter().map(|(key, request)| Question::of(json!(key), request)).collect())
    }
}

impl Question {
    fn of(key: Value, request: &Value) -> Self {
        let method = request["method"].as_str().expect("a method").to_owned();
        Self { key, method, params: request["params"].clone() }
    }

    fn name(&self) -> &str {
        self.key.as_str().expect("a key of a result")
    }
}
