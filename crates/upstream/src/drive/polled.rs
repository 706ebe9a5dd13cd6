//! Tasks of the extension: the target is asked again and again how its task is doing (ext-tasks, `tasks/get`).

use std::collections::VecDeque;
use std::time::Duration;

use futures::StreamExt as _;
use protocol::task::Status;
use protocol::{Object, Raw, RpcError, error};
use tokio::time::{Instant, sleep_until};

use self::questions::Questions;
use super::{Events, Owned, PATIENCE, endless, protocol_error};
use crate::reply::{Answer, Ask, Event, Note};
use crate::{Call, Error, ErrorKind};

mod questions;

/// The pause between two looks, where the target names none.
const INTERVAL: Duration = Duration::from_secs(1);
/// The shortest pause and the longest, whatever the target wishes for: it must neither keep us busy nor have an answer that
/// is there wait for long.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);
/// How often in a row a look may fail. The target may be on its way back, and looking does no harm.
const MOST_FAILURES: u32 = 5;

/// The life of a task, as it was created and from `progress` on.
pub(super) fn follow(call: &Call, task: Owned, created: &Raw, progress: f64) -> Events {
    let state = created.object().unwrap_or_default();
    let now = Instant::now();
    let mut polled = Polled {
        said: VecDeque::new(),
        questions: Questions::new(call.caller.modern.object().unwrap_or_default()),
        answers: Object::default(),
        interval: INTERVAL,
        due: now,
        until: now + PATIENCE,
        failures: 0,
        progress: call.progress.then_some(progress),
        words: state.text("statusMessage"),
        task,
    };
    polled.pause(&state);
    let events = futures::stream::unfold(Some(polled), |polled| async move {
        let mut polled = polled?;
        let event = polled.next().await;
        let more = !matches!(event, Ok(Event::Answer(_)) | Err(_));
        Some((event, more.then_some(polled)))
    });
    events.boxed()
}

struct Polled {
    /// Events that wait to be told.
    said: VecDeque<Event>,
    questions: Questions,
    /// The client's answers that the target does not have yet.
    answers: Object,
    interval: Duration,
    /// When the next look is due.
    due: Instant,
    until: Instant,
    failures: u32,
    /// The progress that was told last, if the caller wants to hear of it.
    progress: Option<f64>,
    /// The target's last words about the task.
    words: Option<String>,
    task: Owned,
}

impl Polled {
    async fn next(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.said.pop_front() {
                return Ok(event);
            }
            tokio::select! {
                (key, method, answer) = self.questions.answered() => self.take_answer(&key, &method, answer),
                () = sleep_until(self.due) => {
                    if let Err(error) = self.look().await {
                        self.excuse(error)?;
                    }
                }
            }
        }
    }

    /// Brings the client's answers to the target and hears how the task is doing.
    async fn look(&mut self) -> Result<(), Error> {
        if !self.answers.is_empty() {
            let params = [("inputResponses", self.answers.to_raw())].into_iter().collect();
            // What a target has against an answer shows in the task.
            let _ = self.task.ask("tasks/update", params).await?;
            self.answers = Object::default();
        }
        let state = match self.task.ask("tasks/get", Object::default()).await? {
            Ok(state) => {
                state.object().map_err(|_| protocol_error("described a task with something else"))?
            }
            Err(error) => {
                self.end(Err(error));
                return Ok(());
            }
        };
        self.failures = 0;
        self.heed(&state)
    }

    /// A look that failed is repeated, but not for ever.
    fn excuse(&mut self, error: Error) -> Result<(), Error> {
        self.failures += 1;
        if error.kind == ErrorKind::Protocol || self.failures >= MOST_FAILURES || Instant::now() >= self.until
        {
            return Err(error);
        }
        tracing::debug!("how a task is doing could not be asked: {error}; it is asked again");
        self.due = Instant::now() + self.interval;
        Ok(())
    }

    /// Acts on what the target says about the task.
    fn heed(&mut self, state: &Object) -> Result<(), Error> {
        self.pause(state);
        let status = state.text("status").as_deref().and_then(Status::parse);
        let status = status.ok_or_else(|| protocol_error("described a task without a status"))?;
        self.note(state);
        if status == Status::InputRequired {
            let requests = state.object("inputRequests").unwrap_or_default();
            for question in self.questions.heed(&requests)? {
                self.said.push_back(Event::Ask(Ask::Held(question)));
            }
        } else {
            self.questions.withdraw();
        }
        match status {
            Status::Working | Status::InputRequired if Instant::now() < self.until => {}
            Status::Working | Status::InputRequired => {
                return Err(endless(&self.task.link));
            }
            Status::Completed => {
                let result = state.get("result").filter(|result| result.is_object());
                let result = result.ok_or_else(|| protocol_error("completed a task without a result"))?;
                self.end(Ok(result.clone()));
            }
            Status::Failed => {
                let error = state.get("error").filter(|error| error.is_object());
                let error = error.ok_or_else(|| protocol_error("failed a task without an error"))?;
                self.end(Err(error.clone()));
            }
            Status::Cancelled => {
                let why = self.words.as_deref().map(|words| format!(": {words}")).unwrap_or_default();
                let error = RpcError::new(error::INTERNAL, format!("the server cancelled the task{why}"));
                self.end(Err(error.to_raw()));
            }
        }
        Ok(())
    }

    /// New words about the task are progress, if the caller wants to hear of it.
    fn note(&mut self, state: &Object) {
        let words = state.text("statusMessage");
        if words == self.words {
            return;
        }
        self.words = words;
        if let (Some(progress), Some(words)) = (&mut self.progress, &self.words) {
            *progress = progress.floor() + 1.0;
            let params = [("progress", Raw::of(progress)), ("message", Raw::string(words))];
            self.said.push_back(Event::Note(Note::Progress(params.into_iter().collect())));
        }
    }

    /// When to look again. A task that is not merely at work has something to say now.
    fn pause(&mut self, state: &Object) {
        let wish = state.get("pollIntervalMs").and_then(|wish| wish.read::<u64>().ok());
        let wish = wish.map_or(self.interval, Duration::from_millis);
        self.interval = wish.clamp(SHORTEST, LONGEST);
        self.due = Instant::now() + self.interval;
    }

    fn end(&mut self, answer: Answer) {
        self.task.over();
        self.said.push_back(Event::Answer(answer));
    }

    /// Keeps the client's answer for the target. There is no way to say there that a client refuses, but for elicitations.
    fn take_answer(&mut self, key: &str, method: &str, answer: Option<Answer>) {
        let refusal = match answer {
            Some(Ok(result)) => {
                self.answers.set(key.to_owned(), result);
                self.due = Instant::now();
                return;
            }
            Some(Err(error)) => format!(": {}", RpcError::from_raw(&error).message),
            None => String::new(),
        };
        if method == "elicitation/create" {
            self.answers.set(key.to_owned(), Raw::of(&serde_json::json!({ "action": "cancel" })));
            self.due = Instant::now();
            return;
        }
        let text = format!("The tool needs `{method}` from the client, which refused{refusal}.");
        let result = serde_json::json!({ "content": [{ "type": "text", "text": text }], "isError": true });
        // Not over: the task that waits for this answer is cancelled when it is dropped.
        self.said.push_back(Event::Answer(Ok(Raw::of(&result))));
    }
}
